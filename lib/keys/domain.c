/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/domain.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/span.h"
#include "keys/bundle.h"
#include "keys/certificate.h"
#include "keys/chain.h"

enum { DOMAIN_BLOCK = 4096, DOMAIN_MOST = 8 << 20 };

/* The first reason stays: what comes after it follows from it more often than not. */
static void note(sipveil_domain_certificate *out, const sipveil_error *why)
{
    if (out->why[0] == '\0') (void)snprintf(out->why, sizeof out->why, "%.*s", (int)sizeof out->why - 1, why->text);
}

static sipveil_code read_names(X509 *certificate, sv_arena *arena, sipveil_domain_certificate *out, sipveil_error *err)
{
    sv_certificate_names names;
    SV_TRY(sv_certificate_read_names(certificate, arena, &names, err));
    for (size_t i = 0; i < names.domain_count; i++) {
        uint8_t *text = sv_arena_alloc(arena, names.domains[i].len);
        if (text == NULL) return sv_no_memory(err, "keys");
        for (size_t k = 0; k < names.domains[i].len; k++) text[k] = (uint8_t)sv_lower(names.domains[i].data[k]);
        names.domains[i].data = text;
    }
    out->names = names.domains;
    out->name_count = names.domain_count;
    if (names.domain_count == 0) {
        sipveil_error why;
        sv_fail_rule(&why, "keys", SIPVEIL_UNTRUSTED_SIGNER, "IDN-68", SIPVEIL_NO_OFFSET,
                     "the certificate speaks for no SIP domain");
        note(out, &why);
    }
    return SIPVEIL_OK;
}

/* One of the things that it must stand up to. Without memory nothing was found out. */
static sipveil_code take(sipveil_code code, const sipveil_error *why, bool *ok, sipveil_domain_certificate *out,
                         sipveil_error *err)
{
    *ok = code == SIPVEIL_OK;
    if (code == SIPVEIL_INTERNAL) {
        if (err != NULL) *err = *why;
        return code;
    }
    if (!*ok) note(out, why);
    return SIPVEIL_OK;
}

/* An intermediate may end before the certificate itself. */
static void read_window(STACK_OF(X509) *chain, sipveil_domain_certificate *out)
{
    out->chain_from = out->not_before;
    out->chain_until = out->not_after;
    for (int i = 1; i < sk_X509_num(chain); i++) {
        int64_t from = sv_certificate_seconds(X509_get0_notBefore(sk_X509_value(chain, i)));
        int64_t until = sv_certificate_seconds(X509_get0_notAfter(sk_X509_value(chain, i)));
        if (from > out->chain_from) out->chain_from = from;
        if (until < out->chain_until) out->chain_until = until;
    }
}

sipveil_code sv_domain_certificate_judge(const sipveil_keyring *ring, X509 *certificate, STACK_OF(X509) * untrusted,
                                         int64_t at, sv_arena *arena, sipveil_domain_certificate *out,
                                         sipveil_error *err)
{
    sipveil_error why;
    STACK_OF(X509) *chain = NULL;
    sv_chain_answer answer;
    sv_error_clear(&why);
    SV_TRY(read_names(certificate, arena, out, err));
    SV_TRY(sv_certificate_hash_public_key(ring->context, certificate, out->keys[out->key_count++], err));
    out->not_before = sv_certificate_seconds(X509_get0_notBefore(certificate));
    out->not_after = sv_certificate_seconds(X509_get0_notAfter(certificate));
    SV_TRY(take(sv_certificate_check_time(certificate, at, &why), &why, &out->time_ok, out, err));
    SV_TRY(take(sv_certificate_check_usage(certificate, SV_USE_SIGN_AS_HOST, &why), &why, &out->usage_ok, out, err));
    if (!out->usage_ok) { /* noted already */
        SV_TRY(take(sv_certificate_check_usage(certificate, SV_USE_SIGN_AS_TLS_HOST, &why), &why, &out->usage_tls, out, err));
    }
    sv_chain_question question = {.certificate = certificate, .untrusted = untrusted, .at = at,
                                  .limits = sipveil_context_limits(ring->context), .built = &chain};
    sipveil_code code = ring->anchor_count == 0
                            ? sv_fail_rule(&why, "keys", SIPVEIL_UNTRUSTED_SIGNER, "IDN-67", SIPVEIL_NO_OFFSET,
                                           "there is no trust anchor to judge the certificate by")
                            : sv_chain_check(ring, &question, arena, &answer, &why);
    SV_TRY(take(code, &why, &out->chain_ok, out, err));
    read_window(chain, out);
    for (int i = 1; chain != NULL && i < sk_X509_num(chain) && out->key_count < SV_DOMAIN_KEYS_MOST; i++) {
        SV_TRY(
            sv_certificate_hash_public_key(ring->context, sk_X509_value(chain, i), out->keys[out->key_count++], err));
    }
    return SIPVEIL_OK;
}

bool sv_domain_certificate_leads(const sipveil_domain_certificate *c, int64_t at)
{
    return c->chain_ok && sv_valid_at(c->chain_from, c->chain_until, at);
}

int64_t sv_domain_certificate_until(const sipveil_domain_certificate *c, int64_t at)
{
    return sv_domain_certificate_leads(c, at) ? c->chain_until : c->not_after;
}

static sipveil_code read_and_judge(const sipveil_keyring *ring, sipveil_span octets, int64_t at,
                                   sipveil_domain_certificate *out, sipveil_error *err)
{
    bool secret;
    sv_bundle bundle = {.context = ring->context, .arena = out->arena};
    STACK_OF(X509) *others = sk_X509_new_null();
    sv_content kind = sv_content_kind(octets, &secret);
    sipveil_code code = others == NULL ? sv_no_memory(err, "keys") : SIPVEIL_OK;
    if (code == SIPVEIL_OK && kind != SV_CONTENT_PEM && kind != SV_CONTENT_CERTIFICATE) {
        code = sv_fail(err, "keys", SIPVEIL_USAGE, "not a certificate");
    }
    if (code == SIPVEIL_OK) code = sv_bundle_read_certificates(&bundle, octets, kind, err);
    if (code == SIPVEIL_OK && bundle.certificate_count == 0) {
        code = sv_fail(err, "keys", SIPVEIL_USAGE, "no certificate is in there");
    }
    for (size_t i = 1; code == SIPVEIL_OK && i < bundle.certificate_count; i++) {
        if (sk_X509_push(others, bundle.certificates[i]) <= 0) code = sv_no_memory(err, "keys");
    }
    if (code == SIPVEIL_OK) {
        code = sv_domain_certificate_judge(ring, bundle.certificates[0], others, at, out->arena, out, err);
    }
    sk_X509_free(others);
    return code;
}

sipveil_code sipveil_domain_certificate_read(const sipveil_keyring *ring, sipveil_span octets, int64_t at,
                                             sipveil_domain_certificate **out, sipveil_error *err)
{
    sv_error_clear(err);
    if (ring == NULL || out == NULL) return sv_fail(err, "keys", SIPVEIL_USAGE, "a keyring and a place are needed");
    *out = NULL;
    sv_arena *arena = sv_arena_new(DOMAIN_BLOCK, DOMAIN_MOST);
    sipveil_domain_certificate *made = arena == NULL ? NULL : sv_arena_alloc(arena, sizeof *made);
    if (made == NULL) {
        sv_arena_free(arena);
        return sv_no_memory(err, "keys");
    }
    made->arena = arena;
    sipveil_code code = read_and_judge(ring, octets, at, made, err);
    if (code != SIPVEIL_OK) {
        sv_arena_free(arena);
        return code;
    }
    *out = made;
    return SIPVEIL_OK;
}

void sipveil_domain_certificate_free(sipveil_domain_certificate *certificate)
{
    if (certificate != NULL) sv_arena_free(certificate->arena);
}

sipveil_span sipveil_domain_certificate_name(const sipveil_domain_certificate *certificate, size_t place)
{
    return certificate != NULL && place < certificate->name_count ? certificate->names[place] : sv_span(NULL, 0);
}

const char *sipveil_domain_certificate_why(const sipveil_domain_certificate *certificate)
{
    return certificate != NULL ? certificate->why : "";
}

sipveil_code sv_keys_hash_public_keys(const sipveil_context *context, sipveil_span pem, uint8_t (*out)[32], size_t most,
                                      size_t *count, sipveil_error *err)
{
    sv_arena *arena = sv_arena_new(DOMAIN_BLOCK, DOMAIN_MOST);
    sv_bundle bundle = {.context = context, .arena = arena};
    bool secret;
    *count = 0;
    if (arena == NULL) return sv_no_memory(err, "keys");
    sv_content kind = sv_content_kind(pem, &secret);
    sipveil_code code = kind == SV_CONTENT_PEM || kind == SV_CONTENT_CERTIFICATE
                            ? sv_bundle_read_certificates(&bundle, pem, kind, err)
                            : sv_fail(err, "keys", SIPVEIL_USAGE, "not a certificate");
    if (code == SIPVEIL_OK && (bundle.certificate_count == 0 || bundle.certificate_count > most)) {
        code = sv_fail(err, "keys", SIPVEIL_USAGE, "%zu certificates, not 1 to %zu", bundle.certificate_count, most);
    }
    for (size_t i = 0; code == SIPVEIL_OK && i < bundle.certificate_count; i++) {
        code = sv_certificate_hash_public_key(context, bundle.certificates[i], out[i], err);
    }
    if (code == SIPVEIL_OK) *count = bundle.certificate_count;
    sv_arena_free(arena);
    return code;
}
