/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/chain.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "keys/certificate.h"
#include "keys/chain_memory.h"

/* What libcrypto says in its own words, in ours. */
static const struct {
    int error;
    sipveil_code code;
    const char *rule;
    const char *why;
} reasons[] = {
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, SIPVEIL_UNTRUSTED_SIGNER, "ADV-117",
     "is self-signed and not among the trust anchors"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, SIPVEIL_UNTRUSTED_SIGNER, "ADV-117",
     "ends a chain that leads to no trust anchor"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, SIPVEIL_UNTRUSTED_SIGNER, "TUN-08",
     "has an issuer that is not among the trust anchors"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, SIPVEIL_UNTRUSTED_SIGNER, "TUN-08",
     "has an issuer that is not among the trust anchors"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, SIPVEIL_UNTRUSTED_SIGNER, "TUN-08",
     "has an issuer that is not among the trust anchors"},
    {X509_V_ERR_CERT_UNTRUSTED, SIPVEIL_UNTRUSTED_SIGNER, "TUN-08", "leads to no trust anchor"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, SIPVEIL_UNTRUSTED_SIGNER, "ADV-124",
     "was not signed by the issuer it names"},
    {X509_V_ERR_INVALID_CA, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", "issued another one and is no CA's"},
    {X509_V_ERR_INVALID_NON_CA, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", "is no CA's"},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118",
     "may not sign certificates"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118",
     "allows fewer CAs below it (pathlen)"},
    {X509_V_ERR_PERMITTED_VIOLATION, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118",
     "has a name outside the name constraints of its CA"},
    {X509_V_ERR_EXCLUDED_VIOLATION, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118",
     "has a name that its CA excludes"},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118",
     "falls under a name constraint that cannot be judged"},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118",
     "falls under a name constraint that cannot be judged"},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118",
     "falls under a name constraint that cannot be judged"},
    {X509_V_ERR_CERT_REVOKED, SIPVEIL_UNTRUSTED_SIGNER, "ADV-122", "is revoked"},
    {X509_V_ERR_UNABLE_TO_GET_CRL, SIPVEIL_UNTRUSTED_SIGNER, "ADV-122",
     "has no CRL of its issuer among those given"},
    {X509_V_ERR_CRL_HAS_EXPIRED, SIPVEIL_UNTRUSTED_SIGNER, "ADV-122", "has only a CRL that is out of date"},
    {X509_V_ERR_CRL_NOT_YET_VALID, SIPVEIL_UNTRUSTED_SIGNER, "ADV-122",
     "has only a CRL that is not yet valid"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, SIPVEIL_LIMIT, "ADV-123", "ends a chain that is too long"},
};

static const char *label_of(X509 *certificate, sv_arena *arena)
{
    const char *label = certificate == NULL ? NULL : sv_certificate_label(certificate, arena);
    return label != NULL ? label : "certificate";
}

static sipveil_code explain(X509_STORE_CTX *verify, sv_arena *arena, sipveil_error *err)
{
    int error = X509_STORE_CTX_get_error(verify);
    X509 *at = X509_STORE_CTX_get_current_cert(verify);
    const char *label = label_of(at, arena);
    ERR_clear_error();
    if (at != NULL && error == X509_V_ERR_CERT_HAS_EXPIRED) {
        return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", SIPVEIL_NO_OFFSET,
                            "%s expired %s", label,
                            sv_certificate_time_text(X509_get0_notAfter(at)).text);
    }
    if (at != NULL && error == X509_V_ERR_CERT_NOT_YET_VALID) {
        return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", SIPVEIL_NO_OFFSET,
                            "%s is not valid before %s", label,
                            sv_certificate_time_text(X509_get0_notBefore(at)).text);
    }
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].error != error) continue;
        return sv_fail_rule(err, "keys", reasons[i].code, reasons[i].rule, SIPVEIL_NO_OFFSET, "%s %s",
                            label, reasons[i].why);
    }
    return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "TUN-08", SIPVEIL_NO_OFFSET, "%s: %s",
                        label, X509_verify_cert_error_string(error));
}

/* Where libcrypto refuses and our rules do not. The anchor needs no CRL: it is trusted because it is here. In the last
 * second of its validity a certificate is valid (sv_valid_at). */
static bool is_fine(X509_STORE_CTX *verify)
{
    switch (X509_STORE_CTX_get_error(verify)) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return X509_STORE_CTX_get_error_depth(verify) == sk_X509_num(X509_STORE_CTX_get0_chain(verify)) - 1;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return sv_certificate_is_before_end(X509_STORE_CTX_get_current_cert(verify),
                                            X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(verify)));
    default:
        return false;
    }
}

static int on_verify(int ok, X509_STORE_CTX *verify)
{
    if (ok == 1) return 1;
    if (!is_fine(verify)) return 0;
    X509_STORE_CTX_set_error(verify, X509_V_OK);
    return 1;
}

/* ADV-123: before anything is built. */
static sipveil_code check_sizes(const sv_chain_question *question, sipveil_error *err)
{
    const sipveil_limits *limits = question->limits;
    int count = question->untrusted == NULL ? 0 : sk_X509_num(question->untrusted);
    if ((size_t)count > limits->certificates) {
        return sv_fail_rule(err, "keys", SIPVEIL_LIMIT, "ADV-123", SIPVEIL_NO_OFFSET,
                            "%d certificates to build a chain of; the limit is %zu", count, limits->certificates);
    }
    for (int i = -1; i < count; i++) {
        X509 *certificate = i < 0 ? question->certificate : sk_X509_value(question->untrusted, i);
        int octets = i2d_X509(certificate, NULL);
        if (octets < 0 || (size_t)octets > limits->certificate) {
            return sv_fail_rule(err, "keys", SIPVEIL_LIMIT, "ADV-123", SIPVEIL_NO_OFFSET,
                                "a certificate of %d octets; the limit is %zu", octets,
                                limits->certificate);
        }
        if (sv_certificate_check_key(certificate, ~0u, err) == SIPVEIL_LIMIT) return SIPVEIL_LIMIT;
    }
    sv_error_clear(err);
    return SIPVEIL_OK;
}

/* What libcrypto lets pass and we do not. Place 0 is the leaf, the last one the anchor, whose own
 * signature proves nothing and is not looked at. */
static sipveil_code check_links(const STACK_OF(X509) *chain, const sv_chain_question *question,
                                sv_arena *arena, sipveil_error *err)
{
    int count = sk_X509_num(chain);
    if (count == 1 && !(X509_get_extension_flags(sk_X509_value(chain, 0)) & EXFLAG_SS)) {
        return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "ADV-124", SIPVEIL_NO_OFFSET,
                            "%s is a trust anchor itself, so nobody vouches for it",
                            label_of(sk_X509_value(chain, 0), arena));
    }
    for (int i = 0; i < count; i++) {
        X509 *certificate = sk_X509_value(chain, i);
        if (i > 0 && X509_check_ca(certificate) != 1) {
            return sv_fail_rule(err, "keys", SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", SIPVEIL_NO_OFFSET,
                                "%s issued another certificate and is no CA's", label_of(certificate, arena));
        }
        sipveil_code code = sv_certificate_check_key(certificate, question->allow_weak, err);
        if (code == SIPVEIL_OK && i < count - 1) {
            code = sv_certificate_check_digest(certificate, question->allow_weak, err);
        }
        if (code != SIPVEIL_OK) {
            sv_fail_prefix(err, "%s: ", label_of(certificate, arena));
            return code;
        }
    }
    return SIPVEIL_OK;
}

static void free_chain(void *chain)
{
    sk_X509_pop_free(chain, X509_free);
}

static sipveil_code keep_chain(STACK_OF(X509) *chain, const sv_chain_question *question, sv_arena *arena,
                               sipveil_error *err)
{
    if (chain == NULL) return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "the chain cannot be kept");
    if (!sv_arena_defer(arena, free_chain, chain)) return sv_no_memory(err, "keys");
    *question->built = chain;
    return SIPVEIL_OK;
}

static bool set_up(X509_STORE_CTX *verify, const sipveil_keyring *ring,
                   const sv_chain_question *question, STACK_OF(X509) *untrusted)
{
    if (X509_STORE_CTX_init(verify, ring->store, question->certificate, untrusted) != 1) return false;
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(verify);
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST;
    if (ring->crl_count > 0) flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    if (question->ignore_validity) {
        flags |= X509_V_FLAG_NO_CHECK_TIME; /* which a time that is set would outdo */
    } else {
        time_t at;
        if (!sv_certificate_clock(question->at, &at)) return false;
        X509_VERIFY_PARAM_set_time(param, at);
    }
    X509_VERIFY_PARAM_set_depth(param, (int)question->limits->chain_depth);
    X509_STORE_CTX_set_verify_cb(verify, on_verify);
    return X509_VERIFY_PARAM_set_flags(param, flags) == 1;
}

/* As long as every certificate of the chain is valid. */
static void widen(const STACK_OF(X509) *chain, sv_chain_answer *answer)
{
    answer->from = INT64_MIN;
    answer->until = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t from = sv_certificate_seconds(X509_get0_notBefore(sk_X509_value(chain, i)));
        int64_t until = sv_certificate_seconds(X509_get0_notAfter(sk_X509_value(chain, i)));
        if (from > answer->from) answer->from = from;
        if (until < answer->until) answer->until = until;
    }
}

static sipveil_code build(X509_STORE_CTX *verify, const sipveil_keyring *ring,
                          const sv_chain_question *question, STACK_OF(X509) *untrusted,
                          sv_arena *arena, sv_chain_answer *answer, sipveil_error *err)
{
    if (!set_up(verify, ring, question, untrusted)) {
        return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "the chain cannot be built");
    }
    if (X509_verify_cert(verify) != 1) {
        if (X509_STORE_CTX_get_error(verify) == X509_V_ERR_OUT_OF_MEM) {
            return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "out of memory");
        }
        return explain(verify, arena, err);
    }
    SV_TRY(check_links(X509_STORE_CTX_get0_chain(verify), question, arena, err));
    if (ring->crl_count == 0) widen(X509_STORE_CTX_get0_chain(verify), answer);
    if (ring->sha1_crl && !(question->allow_weak & SIPVEIL_WEAK_SHA1)) {
        return sv_fail_rule(err, "keys", SIPVEIL_POLICY, "ADV-115", SIPVEIL_NO_OFFSET,
                            "a CRL is signed with SHA-1, which is too weak");
    }
    return question->built == NULL ? SIPVEIL_OK : keep_chain(X509_STORE_CTX_get1_chain(verify), question, arena, err);
}

/* Those of the message, then the CAs among the known ones. */
static STACK_OF(X509) *untrusted_of(const sipveil_keyring *ring, STACK_OF(X509) *given)
{
    STACK_OF(X509) *all = given == NULL ? sk_X509_new_null() : sk_X509_dup(given);
    for (int i = 0; all != NULL && i < sk_X509_num(ring->known_authorities); i++) {
        if (sk_X509_push(all, sk_X509_value(ring->known_authorities, i)) <= 0) {
            sk_X509_free(all);
            return NULL;
        }
    }
    return all;
}

sipveil_code sv_chain_check(const sipveil_keyring *ring, const sv_chain_question *question,
                            sv_arena *arena, sv_chain_answer *answer, sipveil_error *err)
{
    *answer = (sv_chain_answer){.from = INT64_MAX, .until = INT64_MIN};
    if (sv_chain_recall(question->memory, ring, question, answer)) return SIPVEIL_OK; /* its sizes were checked then */
    SV_TRY(check_sizes(question, err));
    STACK_OF(X509) *untrusted = untrusted_of(ring, question->untrusted);
    X509_STORE_CTX *verify = X509_STORE_CTX_new_ex(ring->context->library, NULL);
    sipveil_code code = untrusted == NULL || verify == NULL
                            ? sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "out of memory")
                            : build(verify, ring, question, untrusted, arena, answer, err);
    if (code != SIPVEIL_INTERNAL) answer->revocation_checked = ring->crl_count > 0;
    if (code == SIPVEIL_OK) sv_chain_remember(question->memory, ring, question, answer);
    X509_STORE_CTX_free(verify);
    sk_X509_free(untrusted);
    ERR_clear_error();
    return code;
}
