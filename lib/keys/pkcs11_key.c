/* SPDX-License-Identifier: BSD-2-Clause */
/* What lib/cms asks of a key that stays on its token. Each operation has a session of its own. */
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <string.h>

#include "base/span.h"
#include "crypto/keywrap.h"
#include "crypto/transport.h"
#include "keys/pkcs11.h"

static const char room[] = "keys";

typedef struct token_key {
    sv_held_key held; /* first: what lib/cms knows of it */
    sv_held_operations operations;
    const sv_token *token;
    CK_OBJECT_HANDLE handle;
    unsigned uses;
    bool pin_each_time;
} token_key;

/* ---- one operation ---- */

typedef struct operation {
    const token_key *key;
    CK_FUNCTION_LIST *call;
    CK_SESSION_HANDLE session;
} operation;

static CK_RV begin(const sv_held_key *held, operation *op)
{
    const token_key *key = (const token_key *)held;
    *op = (operation){.key = key, .call = key->token->module->call};
    return op->call->C_OpenSession(key->token->slot, CKF_SERIAL_SESSION, NULL, NULL, &op->session);
}

/* Everything that the session made goes with it. */
static void end(const operation *op)
{
    (void)op->call->C_CloseSession(op->session);
}

/* After an operation was initialised with the key. */
static CK_RV confirm(const operation *op)
{
    sipveil_span pin = op->key->token->pin;
    if (!op->key->pin_each_time) return CKR_OK;
    return op->call->C_Login(op->session, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR *)(uintptr_t)pin.data, pin.len);
}

static sipveil_code fail(const operation *op, const char *what, CK_RV rv, sipveil_error *err)
{
    return sv_fail(err, room, SIPVEIL_IO, "token \"%s\" does not %s: %s", op->key->token->label.text, what,
                   SV_PKCS11_REASON(rv));
}

/* ---- signatures ---- */

static const struct {
    size_t size; /* of the digest */
    CK_MECHANISM_TYPE hash;
    CK_RSA_PKCS_MGF_TYPE mask;
} hashes[] = {[SV_HASH_SHA1] = {20, CKM_SHA_1, CKG_MGF1_SHA1},
              [SV_HASH_SHA224] = {28, CKM_SHA224, CKG_MGF1_SHA224},
              [SV_HASH_SHA256] = {32, CKM_SHA256, CKG_MGF1_SHA256},
              [SV_HASH_SHA384] = {48, CKM_SHA384, CKG_MGF1_SHA384},
              [SV_HASH_SHA512] = {64, CKM_SHA512, CKG_MGF1_SHA512}};

static CK_RV sign_octets(const operation *op, CK_MECHANISM *mechanism, sipveil_span octets, uint8_t *out,
                         CK_ULONG *length)
{
    CK_RV rv = op->call->C_SignInit(op->session, mechanism, op->key->handle);
    if (rv == CKR_OK) rv = confirm(op);
    if (rv != CKR_OK) return rv;
    return op->call->C_Sign(op->session, (CK_BYTE *)(uintptr_t)octets.data, octets.len, out, length);
}

/* DigestInfo (RFC 8017 9.2): CKM_RSA_PKCS pads what it is given, and that is this. */
static CK_RV sign_v15(const operation *op, const sv_digest *digest, sipveil_span octets, uint8_t *out,
                      CK_ULONG *length)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_RSA_PKCS};
    uint8_t info[32 + SV_DIGEST_MOST];
    size_t oid = digest->oid.len, used = 0;
    const uint8_t before[] = {0x30, (uint8_t)(8 + oid + octets.len), 0x30, (uint8_t)(4 + oid), 0x06, (uint8_t)oid};
    const uint8_t between[] = {0x05, 0x00, 0x04, (uint8_t)octets.len};
    const sipveil_span pieces[] = {sv_span(before, sizeof before), digest->oid, sv_span(between, sizeof between),
                                   octets};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        memcpy(info + used, pieces[i].data, pieces[i].len);
        used += pieces[i].len;
    }
    return sign_octets(op, &mechanism, sv_span(info, used), out, length);
}

static CK_RV sign_pss(const operation *op, const sv_digest *digest, sipveil_span octets, uint8_t *out,
                      CK_ULONG *length)
{
    CK_RSA_PKCS_PSS_PARAMS parameters = {hashes[digest->hash].hash, hashes[digest->hash].mask, digest->size};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_PSS, &parameters, sizeof parameters};
    return sign_octets(op, &mechanism, octets, out, length);
}

/* A token gives r and s side by side, CMS carries them in DER (RFC 5753 2.1.1). */
static bool put_ecdsa(sipveil_span pair, sv_arena *arena, sipveil_span *signature)
{
    size_t half = pair.len / 2;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(pair.data, (int)half, NULL), *s = BN_bin2bn(pair.data + half, (int)half, NULL);
    unsigned char *der = NULL;
    int length = -1;
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        length = i2d_ECDSA_SIG(sig, &der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    bool good = length > 0 && sv_arena_copy(arena, sv_span(der, (size_t)length), signature);
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    ERR_clear_error();
    return good;
}

static sipveil_code sign_digest(const sv_held_key *held, const sv_signature_scheme *scheme, sipveil_span octets,
                                sv_arena *arena, sipveil_span *signature, sipveil_error *err)
{
    operation op;
    uint8_t out[SV_MODULUS_MOST];
    CK_ULONG length = sizeof out;
    CK_MECHANISM ecdsa = {.mechanism = CKM_ECDSA};
    const sv_digest *digest = sv_digest_by_name(scheme->digest);
    *signature = (sipveil_span){0};
    CK_RV rv = begin(held, &op);
    if (rv != CKR_OK) return fail(&op, "sign", rv, err);
    switch (scheme->kind) {
    case SV_SIGNATURE_ECDSA:
        rv = sign_octets(&op, &ecdsa, octets, out, &length);
        break;
    case SV_SIGNATURE_RSA_PSS:
        rv = sign_pss(&op, digest, octets, out, &length);
        break;
    default:
        rv = sign_v15(&op, digest, octets, out, &length);
        break;
    }
    end(&op);
    if (rv != CKR_OK || length == 0 || length > sizeof out) return fail(&op, "sign", rv, err);
    bool made = scheme->kind == SV_SIGNATURE_ECDSA ? put_ecdsa(sv_span(out, length), arena, signature)
                                                   : sv_arena_copy(arena, sv_span(out, length), signature);
    return made ? SIPVEIL_OK : sv_no_memory(err, room);
}

/* ---- RSA ---- */

/* Whether the token does this with the key at all: told before any ciphertext is shown to it. */
static bool start_decryption(const operation *op, CK_MECHANISM *mechanism)
{
    return op->call->C_DecryptInit(op->session, mechanism, op->key->handle) == CKR_OK && confirm(op) == CKR_OK;
}

static bool decrypt(const operation *op, sipveil_span in, uint8_t *out, CK_ULONG *length)
{
    return op->call->C_Decrypt(op->session, (CK_BYTE *)(uintptr_t)in.data, in.len, out, length) == CKR_OK;
}

/* Many a token knows OAEP with SHA-1 only, or not at all: then it does plain RSA, and the padding is ours. */
static bool decrypt_plain(const operation *op, sv_crypto *crypto, sv_hash hash, sv_hash mask_hash,
                          sipveil_span encrypted, size_t cek_length, uint8_t *out)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_RSA_X_509};
    uint8_t plain[SV_MODULUS_MOST], block[SV_MODULUS_MOST] = {0};
    CK_ULONG length = sizeof plain;
    bool good = start_decryption(op, &mechanism) && decrypt(op, encrypted, plain, &length) && length <= encrypted.len;
    if (good) {
        memcpy(block + encrypted.len - length, plain, length); /* some leave zeros in front away */
        good = sv_transport_unpad_oaep(crypto, hash, mask_hash, sv_span(block, encrypted.len), cek_length, out);
    }
    OPENSSL_cleanse(plain, sizeof plain);
    OPENSSL_cleanse(block, sizeof block);
    return good;
}

static bool decrypt_oaep(const sv_held_key *held, sv_crypto *crypto, sv_hash hash, sv_hash mask_hash,
                         sipveil_span encrypted, size_t cek_length, uint8_t *out)
{
    operation op;
    uint8_t plain[SV_MODULUS_MOST];
    CK_ULONG length = sizeof plain;
    CK_RSA_PKCS_OAEP_PARAMS parameters = {hashes[hash].hash, hashes[mask_hash].mask, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &parameters, sizeof parameters};
    bool good = false;
    if (encrypted.len <= SV_MODULUS_MOST && begin(held, &op) == CKR_OK) {
        if (start_decryption(&op, &mechanism)) {
            good = decrypt(&op, encrypted, plain, &length) && length == cek_length;
            if (good) memcpy(out, plain, cek_length);
            OPENSSL_cleanse(plain, sizeof plain);
        } else {
            good = decrypt_plain(&op, crypto, hash, mask_hash, encrypted, cek_length, out);
        }
        end(&op);
    }
    if (!good) OPENSSL_cleanse(out, cek_length);
    return good;
}

/* ---- secrets that a token hands out ---- */

static const CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static const CK_KEY_TYPE generic_secret = CKK_GENERIC_SECRET;
static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const void *value, size_t length)
{
    return (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, length};
}

/* An object of the session that goes with it, whose octets may be read; the last row is the caller's. */
enum { SECRET_ROWS = 5 };
static void describe_secret(CK_ATTRIBUTE template[SECRET_ROWS + 1])
{
    template[0] = attribute(CKA_CLASS, &secret_class, sizeof secret_class);
    template[1] = attribute(CKA_KEY_TYPE, &generic_secret, sizeof generic_secret);
    template[2] = attribute(CKA_TOKEN, &no, sizeof no);
    template[3] = attribute(CKA_SENSITIVE, &no, sizeof no);
    template[4] = attribute(CKA_EXTRACTABLE, &yes, sizeof yes);
}

static bool read_secret(const operation *op, CK_OBJECT_HANDLE object, uint8_t *out, size_t length)
{
    CK_ATTRIBUTE value = {CKA_VALUE, out, length};
    return op->call->C_GetAttributeValue(op->session, object, &value, 1) == CKR_OK && value.ulValueLen == length;
}

/* ---- ECDH ---- */

/* Some tokens want the point as it is, some in an OCTET STRING (PKCS #11 2.40, 2.3.17). */
static bool derive(const operation *op, sipveil_span point, uint8_t *shared, size_t length)
{
    uint8_t whole[SV_POINT_MOST + 3] = {0x04, 0x81};
    const size_t header = point.len < 0x80 ? 2 : 3, starts[] = {header, 0};
    const CK_ULONG value_length = length;
    CK_ATTRIBUTE template[SECRET_ROWS + 1];
    CK_OBJECT_HANDLE secret;
    whole[header - 1] = (uint8_t)point.len;
    memcpy(whole + header, point.data, point.len);
    describe_secret(template);
    template[SECRET_ROWS] = attribute(CKA_VALUE_LEN, &value_length, sizeof value_length);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        CK_ECDH1_DERIVE_PARAMS parameters = {.kdf = CKD_NULL,
                                             .public_data = whole + starts[i],
                                             .public_data_len = header + point.len - starts[i]};
        CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
        if (op->call->C_DeriveKey(op->session, &mechanism, op->key->handle, template, SECRET_ROWS + 1, &secret) ==
            CKR_OK) {
            return read_secret(op, secret, shared, length);
        }
    }
    return false;
}

static bool agree(const sv_held_key *held, sipveil_span point, uint8_t *shared, size_t length)
{
    operation op;
    bool good = false;
    if (point.len <= SV_POINT_MOST && begin(held, &op) == CKR_OK) {
        good = derive(&op, point, shared, length);
        end(&op);
    }
    if (!good) OPENSSL_cleanse(shared, length);
    return good;
}

/* ---- AES key wrap ---- */

static bool encrypt_block(void *state, uint8_t block[16])
{
    const operation *op = state;
    CK_MECHANISM mechanism = {.mechanism = CKM_AES_ECB};
    uint8_t in[16];
    CK_ULONG length = sizeof in;
    memcpy(in, block, sizeof in);
    bool good = op->call->C_EncryptInit(op->session, &mechanism, op->key->handle) == CKR_OK && confirm(op) == CKR_OK &&
                op->call->C_Encrypt(op->session, in, sizeof in, block, &length) == CKR_OK && length == sizeof in;
    OPENSSL_cleanse(in, sizeof in);
    return good;
}

static bool decrypt_block(void *state, uint8_t block[16])
{
    CK_MECHANISM mechanism = {.mechanism = CKM_AES_ECB};
    uint8_t in[16];
    CK_ULONG length = sizeof in;
    memcpy(in, block, sizeof in);
    bool good = start_decryption(state, &mechanism) && decrypt(state, sv_span(in, sizeof in), block, &length) &&
                length == sizeof in;
    OPENSSL_cleanse(in, sizeof in);
    return good;
}

static CK_RV wrap_on_token(const operation *op, sipveil_span cek, uint8_t *out, CK_ULONG *length)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_AES_KEY_WRAP};
    CK_ATTRIBUTE template[SECRET_ROWS + 1];
    CK_OBJECT_HANDLE object;
    describe_secret(template);
    template[SECRET_ROWS] = attribute(CKA_VALUE, cek.data, cek.len);
    CK_RV rv = op->call->C_CreateObject(op->session, template, SECRET_ROWS + 1, &object);
    if (rv != CKR_OK) return rv;
    return op->call->C_WrapKey(op->session, &mechanism, op->key->handle, object, out, length);
}

static sipveil_code wrap(const sv_held_key *held, sipveil_span cek, uint8_t *out, sipveil_error *err)
{
    operation op;
    CK_ULONG length = cek.len + SV_WRAP_GAIN;
    CK_RV rv = begin(held, &op);
    if (rv != CKR_OK) return fail(&op, "wrap a key", rv, err);
    if (op.key->uses & SV_USE_WRAP) rv = wrap_on_token(&op, cek, out, &length);
    else rv = sv_wrap_by_blocks(encrypt_block, &op, cek, out) ? CKR_OK : CKR_FUNCTION_FAILED;
    end(&op);
    if (rv == CKR_OK && length == cek.len + SV_WRAP_GAIN) return SIPVEIL_OK;
    OPENSSL_cleanse(out, cek.len + SV_WRAP_GAIN);
    return fail(&op, "wrap a key", rv, err);
}

static bool unwrap_on_token(const operation *op, sipveil_span wrapped, size_t cek_length, uint8_t *out)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_AES_KEY_WRAP};
    CK_ATTRIBUTE template[SECRET_ROWS + 1];
    CK_OBJECT_HANDLE object;
    describe_secret(template);
    return op->call->C_UnwrapKey(op->session, &mechanism, op->key->handle, (CK_BYTE *)(uintptr_t)wrapped.data,
                                 wrapped.len, template, SECRET_ROWS, &object) == CKR_OK &&
           read_secret(op, object, out, cek_length);
}

static bool unwrap(const sv_held_key *held, sipveil_span wrapped, size_t cek_length, uint8_t *out)
{
    operation op;
    bool good = false;
    if (begin(held, &op) == CKR_OK) {
        good = op.key->uses & SV_USE_UNWRAP ? unwrap_on_token(&op, wrapped, cek_length, out)
                                            : sv_unwrap_by_blocks(decrypt_block, &op, wrapped, cek_length, out);
        end(&op);
    }
    if (!good) OPENSSL_cleanse(out, cek_length);
    return good;
}

/* ---- the key ---- */

const sv_held_key *sv_token_key_new(const sv_token *token, CK_OBJECT_HANDLE handle, unsigned uses,
                                    bool pin_each_time, size_t kek_length, sv_arena *arena)
{
    token_key *key = sv_arena_alloc(arena, sizeof *key);
    if (key == NULL) return NULL;
    *key = (token_key){.token = token, .handle = handle, .uses = uses, .pin_each_time = pin_each_time};
    if (uses & SV_USE_SIGNATURE) key->operations.sign = sign_digest;
    if (uses & SV_USE_DECRYPTION) key->operations.decrypt_oaep = decrypt_oaep;
    if (uses & SV_USE_AGREEMENT) key->operations.agree = agree;
    if (uses & (SV_USE_WRAP | SV_USE_ENCRYPT_BLOCKS)) key->operations.wrap = wrap;
    if (uses & (SV_USE_UNWRAP | SV_USE_DECRYPT_BLOCKS)) key->operations.unwrap = unwrap;
    key->held = (sv_held_key){&key->operations, kek_length};
    return &key->held;
}
