/* SPDX-License-Identifier: BSD-2-Clause */
/* Before sealing: may this certificate be encrypted to, may we sign with that one (ADV-098)? libcrypto
 * encrypts to expired and TLS-only certificates without a word. */
#include <openssl/err.h>
#include <stdio.h>

#include "keys/certificate.h"
#include "keys/chain.h"

enum { SCRATCH_BLOCK = 4096, SCRATCH_MOST = 1 << 20 };

/* A slip of whoever gave the key, not a policy. */
static sipveil_code refuse_kind(const sipveil_key *key, sv_use use, sipveil_error *err)
{
    sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-098", SIPVEIL_NO_OFFSET, "%s: its key is %s, which does not %s", key->description,
                 EVP_PKEY_get0_type_name(key->cms.public_key), use == SV_USE_ENCRYPT ? "encrypt" : "sign");
    return sv_hint(err, SIPVEIL_USAGE, "use another key: EC and RSA do both, X25519 only decrypts, Ed25519 only signs");
}

/* Whatever the reason: nothing is sealed. The key is named in front. */
static sipveil_code refuse(const sipveil_key *key, sv_use use, sipveil_code code, sipveil_error *err)
{
    if (code == SIPVEIL_OK || code == SIPVEIL_INTERNAL) return code;
    if (key->cms.public_key != NULL && !sv_key_fits(key->cms.public_key, use)) return refuse_kind(key, use, err);
    if (err == NULL) return SIPVEIL_POLICY;
    sipveil_error why = *err;
    return sv_fail_rule(err, "keys", SIPVEIL_POLICY, why.rule, SIPVEIL_NO_OFFSET, "%s: %s",
                        key->description, why.text);
}

static sipveil_code check_chain(const sipveil_keyring *ring, const sipveil_key *key, int64_t at,
                                sipveil_error *err)
{
    sv_chain_answer answer;
    if (ring == NULL || ring->anchor_count == 0) return SIPVEIL_OK;
    sv_arena *scratch = sv_arena_new(SCRATCH_BLOCK, SCRATCH_MOST);
    if (scratch == NULL) return sv_no_memory(err, "keys");
    const sv_chain_question question = {.certificate = key->cms.certificate,
                                        .untrusted = key->chain,
                                        .at = at,
                                        .limits = &ring->context->hooks.limits};
    sipveil_code code = sv_chain_check(ring, &question, scratch, &answer, err);
    sv_arena_free(scratch);
    return code;
}

static sipveil_code check_recipient(const sipveil_keyring *ring, const sipveil_key *key, int64_t at,
                                    sipveil_error *err)
{
    SV_TRY(sv_certificate_check_key(key->cms.certificate, 0, err));
    if (key->session != NULL) { /* the binding says whose it is and what it is for, not its issuer */
        SV_TRY(sv_certificate_check_key_usage(key->cms.certificate, SV_USE_ENCRYPT, err));
        return sv_certificate_check_time(key->cms.certificate, at, err);
    }
    SV_TRY(sv_certificate_check_digest(key->cms.certificate, 0, err));
    SV_TRY(sv_certificate_check_usage(key->cms.certificate, SV_USE_ENCRYPT, err));
    SV_TRY(sv_certificate_check_time(key->cms.certificate, at, err));
    return check_chain(ring, key, at, err);
}

/* A shared key that says when it is good (CMS-15). */
static sipveil_code check_kek(const sipveil_key *key, int64_t at, sipveil_error *err)
{
    bool early = at < key->cms.valid_from;
    if (!early && (key->cms.valid_until == 0 || at < key->cms.valid_until)) return SIPVEIL_OK;
    return sv_fail_rule(err, "keys", SIPVEIL_POLICY, "CMS-15", SIPVEIL_NO_OFFSET, "%s %s", key->description,
                        early ? "is not good yet (its \"nbf\")" : "is not good any more (its \"exp\")");
}

sipveil_code sv_keys_check_recipient(const sipveil_keyring *ring_or_null, const sipveil_key *key,
                                     int64_t at, sipveil_error *err)
{
    sv_error_clear(err);
    if (key->cms.kind == SV_CMS_KEY_KEK) return check_kek(key, at, err);
    if (key->cms.kind != SV_CMS_KEY_CERTIFICATE) return SIPVEIL_OK;
    return refuse(key, SV_USE_ENCRYPT, check_recipient(ring_or_null, key, at, err), err);
}

sipveil_code sv_keys_read_own(sipveil_key *key, sv_arena *arena, sipveil_error *err)
{
    X509 *certificate = key->cms.certificate;
    sv_own_certificate *own = &key->own;
    sipveil_error why;
    sv_error_clear(&why);
    own->code = sv_certificate_check_key(certificate, 0, &why);
    if (own->code == SIPVEIL_OK) own->code = sv_certificate_check_usage(certificate, SV_USE_SIGN, &why);
    if (own->code == SIPVEIL_INTERNAL) return sv_no_memory(err, "keys"); /* which says nothing of the key */
    (void)snprintf(own->rule, sizeof own->rule, "%s", why.rule);
    (void)snprintf(own->why, sizeof own->why, "%.*s", (int)sizeof own->why - 1, why.text);
    own->not_before = sv_certificate_seconds(X509_get0_notBefore(certificate));
    own->not_after = sv_certificate_seconds(X509_get0_notAfter(certificate));
    own->scheme = sv_signature_scheme_for(NULL, key->cms.public_key, false);
    SV_TRY(sv_certificate_read_names(certificate, arena, &own->names, err));
    own->is_read = true;
    return SIPVEIL_OK;
}

static sipveil_code check_own(const sipveil_key *key, int64_t at, sipveil_error *err)
{
    const sv_own_certificate *own = &key->own;
    if (own->code != SIPVEIL_OK) return sv_fail_rule(err, "keys", own->code, own->rule, SIPVEIL_NO_OFFSET, "%s", own->why);
    if (sv_valid_at(own->not_before, own->not_after, at)) return SIPVEIL_OK;
    return sv_certificate_check_time(key->cms.certificate, at, err); /* for its words */
}

sipveil_code sv_keys_check_own_signer(const sipveil_key *key, int64_t at, sipveil_error *err)
{
    sv_error_clear(err);
    if (key->kind != SIPVEIL_KEY_PRIVATE || !key->own.is_read) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "%s: no private key to sign with", key->description);
    }
    return refuse(key, SV_USE_SIGN, check_own(key, at, err), err);
}
