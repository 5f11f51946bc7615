/* SPDX-License-Identifier: BSD-2-Clause */
/* libcrypto's CMS on the same octets. It never decides: it can only agree, disagree, or not handle
 * the form (X25519, Ed25519, compression, a cipher or recipient order it does not take), which is
 * no disagreement. Everything it decrypts is compared as it comes and kept nowhere. */
#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <stdio.h>

#include "base/wipe.h"
#include "cms/cms.h"

static const char room[] = "cms";

enum { NOTE = 96, CHUNK = 4096 };

/* libcrypto did not get that far. */
static sipveil_code not_done(char note[NOTE], const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    (void)snprintf(note, NOTE, "%s%s%s", what, reason != NULL ? ": " : "",
                   reason != NULL ? reason : "");
    ERR_clear_error();
    return SIPVEIL_OK;
}

static sipveil_code disagree(sipveil_error *err, const char *text)
{
    return sv_fail_openssl(err, room, SIPVEIL_SECOND_OPINION, text);
}

static CMS_ContentInfo *decode(OSSL_LIB_CTX *library, sipveil_span content_info)
{
    CMS_ContentInfo *cms = CMS_ContentInfo_new_ex(library, NULL);
    const uint8_t *at = content_info.data;
    if (cms != NULL && content_info.len <= LONG_MAX &&
        d2i_CMS_ContentInfo(&cms, &at, (long)content_info.len) != NULL) {
        return cms;
    }
    CMS_ContentInfo_free(cms); /* NULL when d2i_CMS_ContentInfo() has freed it */
    return NULL;
}

/* Reads the chain to its end. Whether exactly `expected` came out, and the cipher, if there is one,
 * was content. */
static bool yields(BIO *chain, sipveil_span expected)
{
    uint8_t chunk[CHUNK];
    bool same = true;
    size_t at = 0;
    for (int n; (n = BIO_read(chain, chunk, sizeof chunk)) > 0; at += (size_t)n) {
        same = same && (size_t)n <= expected.len - at &&
               sv_equal_constant_time(sv_span(chunk, (size_t)n),
                                      sv_span(expected.data + at, (size_t)n));
        if (!same) break;
    }
    sv_wipe(chunk, sizeof chunk);
    BIO *cipher = BIO_find_type(chain, BIO_TYPE_CIPHER);
    return same && at == expected.len && (cipher == NULL || BIO_get_cipher_status(cipher) == 1);
}

/* ---- open ---- */

/* CMS_RecipientInfo takes pointers that are not const, so it gets a copy, wiped afterwards. */
static bool give_secret(CMS_ContentInfo *cms, const sv_cms_key *key)
{
    sipveil_span secret = key->kind == SV_CMS_KEY_KEK ? key->kek : key->password;
    uint8_t *copy = OPENSSL_memdup(secret.data, secret.len);
    uint8_t *id = OPENSSL_memdup(key->kek_id.data, key->kek_id.len);
    bool taken = false;
    if (copy == NULL) {
        taken = false;
    } else if (key->kind == SV_CMS_KEY_PASSWORD) {
        taken = CMS_decrypt_set1_password(cms, copy, (ossl_ssize_t)secret.len) == 1;
    } else if (id != NULL) {
        taken = CMS_decrypt_set1_key(cms, copy, secret.len, id, key->kek_id.len) == 1;
    }
    OPENSSL_clear_free(copy, secret.len);
    OPENSSL_free(id);
    return taken;
}

static bool give_key(CMS_ContentInfo *cms, const sv_cms_key *key)
{
    /* Without CMS_DEBUG_DECRYPT a key that fails is replaced by a random one, which is right for an
     * answer on the wire, but here "could not unwrap" must be told from "came to other octets". */
    if (CMS_decrypt(cms, NULL, NULL, NULL, NULL, CMS_DEBUG_DECRYPT) != 1) return false;
    if (key->kind != SV_CMS_KEY_CERTIFICATE) return give_secret(cms, key);
    return key->certificate != NULL && key->private_key != NULL &&
           CMS_decrypt_set1_pkey(cms, key->private_key, key->certificate) == 1;
}

sipveil_code sv_cms_second_opinion_open(sv_crypto *crypto, sipveil_span content_info,
                                        const sv_cms_key *key, sipveil_span plaintext, bool *done,
                                        char note[NOTE], sipveil_error *err)
{
    *done = false;
    note[0] = '\0';
    ERR_clear_error();
    if (key->held != NULL) return not_done(note, "the key is on a token, out of libcrypto's reach");
    CMS_ContentInfo *cms = decode(sv_crypto_context(crypto)->library, content_info);
    if (cms == NULL) return not_done(note, "libcrypto does not read this message");
    BIO *chain = NULL;
    sipveil_code code = SIPVEIL_OK;
    if (!give_key(cms, key)) {
        not_done(note, "libcrypto does not unwrap the key");
    } else if ((chain = CMS_dataInit(cms, NULL)) == NULL) {
        not_done(note, "libcrypto does not handle the content cipher");
    } else if (yields(chain, plaintext)) {
        *done = true;
    } else {
        code = disagree(err, "libcrypto decrypts this message to something else, or not at all");
    }
    BIO_free_all(chain);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return code;
}

/* ---- verify ---- */

typedef enum opinion { AGREES, DISAGREES, HAS_NONE } opinion;

/* Our answer came from the arithmetic: valid, or a digest or signature that does not fit. The
 * others (weak, no certificate, attributes that contradict) are rules of ours that libcrypto lacks.
 */
static bool is_arithmetic(const sv_signature *ours)
{
    return ours->state == SV_SIGNATURE_VALID ||
           (ours->state == SV_SIGNATURE_INVALID &&
            (strcmp(ours->rule, "CMS-02") == 0 || strcmp(ours->rule, "TUN-62") == 0));
}

static opinion compare_signature(CMS_SignerInfo *theirs, BIO *chain, const sv_signature *ours)
{
    if (!is_arithmetic(ours) || ours->certificate == NULL) return HAS_NONE;
    CMS_SignerInfo_set1_signer_cert(theirs, ours->certificate);
    int verified = 1;
    if (CMS_signed_get_attr_count(theirs) >= 0) verified = CMS_SignerInfo_verify(theirs);
    if (verified < 0) return HAS_NONE; /* an algorithm that it does not set up, such as Ed25519 */
    if (verified == 1) verified = CMS_SignerInfo_verify_content(theirs, chain);
    return (verified == 1) == (ours->state == SV_SIGNATURE_VALID) ? AGREES : DISAGREES;
}

static opinion compare_signatures(CMS_ContentInfo *cms, BIO *chain, const sv_signature *ours,
                                  size_t count)
{
    STACK_OF(CMS_SignerInfo) *theirs = CMS_get0_SignerInfos(cms);
    opinion all = count > 0 ? AGREES : HAS_NONE;
    if (sk_CMS_SignerInfo_num(theirs) != (int)count) return DISAGREES;
    for (size_t i = 0; i < count; i++) {
        opinion one = compare_signature(sk_CMS_SignerInfo_value(theirs, (int)i), chain, &ours[i]);
        if (one == DISAGREES) return DISAGREES;
        if (one == HAS_NONE) all = HAS_NONE;
    }
    return all;
}

/* The digests are computed on the way through the chain. */
static void read_through(BIO *chain)
{
    uint8_t chunk[CHUNK];
    while (BIO_read(chain, chunk, sizeof chunk) > 0) {
    }
    sv_wipe(chunk, sizeof chunk);
}

sipveil_code sv_cms_second_opinion_verify(sv_crypto *crypto, sipveil_span content_info,
                                          sipveil_span detached, const sv_signature *signatures,
                                          size_t count, bool *done, char note[NOTE],
                                          sipveil_error *err)
{
    *done = false;
    note[0] = '\0';
    ERR_clear_error();
    CMS_ContentInfo *cms = decode(sv_crypto_context(crypto)->library, content_info);
    if (cms == NULL) return not_done(note, "libcrypto does not read this message");
    BIO *source = NULL;
    if (detached.len > 0 && detached.len <= INT_MAX)
        source = BIO_new_mem_buf(detached.data, (int)detached.len);
    BIO *chain = detached.len > 0 && source == NULL ? NULL : CMS_dataInit(cms, source);
    sipveil_code code = SIPVEIL_OK;
    if (chain == NULL) {
        BIO_free(source);
        not_done(note, "libcrypto does not handle the digests of this message");
    } else {
        read_through(chain);
        opinion all = compare_signatures(cms, chain, signatures, count);
        *done = all == AGREES;
        if (all == HAS_NONE)
            not_done(note, "libcrypto does not handle every signature of this message");
        if (all == DISAGREES)
            code = disagree(err, "libcrypto comes to another result on the signatures");
        BIO_free_all(chain); /* with the source */
    }
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return code;
}

/* ---- inflate ---- */

sipveil_code sv_cms_second_opinion_inflate(sipveil_span content_info, sipveil_span plaintext,
                                           bool *done, char note[NOTE], sipveil_error *err)
{
    *done = false;
    note[0] = '\0';
    ERR_clear_error();
    CMS_ContentInfo *cms = decode(NULL, content_info);
    if (cms == NULL) return not_done(note, "libcrypto does not read this message");
    BIO *chain = CMS_dataInit(cms, NULL);
    sipveil_code code = SIPVEIL_OK;
    if (chain == NULL) {
        not_done(note, "libcrypto is built without zlib");
    } else if (yields(chain, plaintext)) {
        *done = true;
    } else {
        code = disagree(err, "libcrypto inflates this message to something else, or not at all");
    }
    BIO_free_all(chain);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return code;
}
