/* SPDX-License-Identifier: BSD-2-Clause */
/* A PKCS #11 module that passes everything to SoftHSM but what tokens of another make refuse; PICKY in the
 * environment says which: a list of the words below. PICKY_MODULE is the path of SoftHSM. */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST real, ours;

static bool is_picky(const char *word)
{
    const char *list = getenv("PICKY");
    return list != NULL && strstr(list, word) != NULL;
}

/* "blocks": no key wrap; AES in ECB mode only. */
static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    if (type == CKM_AES_KEY_WRAP && is_picky("blocks")) return CKR_MECHANISM_INVALID;
    return real.C_GetMechanismInfo(slot, type, info);
}

/* "mute": no key signs. "deaf": none decrypts or derives. "useless": no shared key does anything. */
static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *rows, CK_ULONG count)
{
    CK_RV rv = real.C_GetAttributeValue(session, object, rows, count);
    for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++) {
        CK_ATTRIBUTE_TYPE type = rows[i].type;
        bool off = (type == CKA_SIGN && is_picky("mute")) ||
                   ((type == CKA_DECRYPT || type == CKA_DERIVE) && is_picky("deaf")) ||
                   ((type == CKA_ENCRYPT || type == CKA_DECRYPT || type == CKA_WRAP || type == CKA_UNWRAP) &&
                    is_picky("useless"));
        if (off && rows[i].pValue != NULL) *(CK_BBOOL *)rows[i].pValue = CK_FALSE;
    }
    return rv;
}

/* "der-point": the originator's point in an OCTET STRING only. "no-derive": none at all. */
static CK_RV derive_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *rows,
                        CK_ULONG count, CK_OBJECT_HANDLE *out)
{
    CK_ECDH1_DERIVE_PARAMS parameters = *(const CK_ECDH1_DERIVE_PARAMS *)mechanism->pParameter;
    CK_MECHANISM inner = {mechanism->mechanism, &parameters, sizeof parameters};
    if (is_picky("no-derive")) return CKR_FUNCTION_REJECTED;
    if (is_picky("der-point")) {
        const CK_ULONG header = parameters.public_data_len > 0x82 ? 3 : 2;
        if (parameters.public_data[0] != 0x04 || parameters.public_data[header] != 0x04 ||
            (header == 2 && parameters.public_data[1] != parameters.public_data_len - 2)) {
            return CKR_MECHANISM_PARAM_INVALID;
        }
        parameters.public_data += header;
        parameters.public_data_len -= header;
    }
    return real.C_DeriveKey(session, &inner, key, rows, count, out);
}

/* "no-zeros": plain RSA leaves zeros in front away. "removed": the token is gone when it is needed. */
static CK_RV decrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
    if (is_picky("removed")) return CKR_DEVICE_REMOVED;
    CK_RV rv = real.C_Decrypt(session, in, length, out, out_length);
    if (rv == CKR_OK && is_picky("no-zeros") && *out_length > 16 && out[0] == 0) memmove(out, out + 1, --*out_length);
    return rv;
}

/* "faulty": signs, and one bit of it is wrong. */
static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG length, CK_BYTE *out, CK_ULONG *out_length)
{
    CK_RV rv = is_picky("removed") ? CKR_DEVICE_REMOVED : real.C_Sign(session, in, length, out, out_length);
    if (rv == CKR_OK && is_picky("faulty")) out[*out_length / 2] ^= 1;
    return rv;
}

/* "reader": a token with a keypad of its own. "locked": too many wrong PINs before. */
static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
    static CK_UTF8CHAR typed[] = "1234";
    if (is_picky("locked")) return CKR_PIN_LOCKED;
    if (is_picky("reader")) return pin == NULL ? real.C_Login(session, user, typed, 4) : CKR_ARGUMENTS_BAD;
    return real.C_Login(session, user, pin, length);
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = real.C_GetTokenInfo(slot, info);
    if (rv == CKR_OK && is_picky("reader")) info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    CK_C_GetFunctionList get;
    CK_FUNCTION_LIST *found;
    const char *path = getenv("PICKY_MODULE");
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return CKR_GENERAL_ERROR;
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (get == NULL || get(&found) != CKR_OK) return CKR_GENERAL_ERROR;
    real = ours = *found;
    ours.C_GetMechanismInfo = get_mechanism_info;
    ours.C_GetAttributeValue = get_attribute_value;
    ours.C_DeriveKey = derive_key;
    ours.C_Decrypt = decrypt;
    ours.C_Sign = sign;
    ours.C_Login = login;
    ours.C_GetTokenInfo = get_token_info;
    *list = &ours;
    return CKR_OK;
}
