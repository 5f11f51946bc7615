/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity/credential.h"

#include <stdlib.h>

#include "crypto/es256.h"
#include "keys/bundle.h"
#include "keys/certificate.h"

enum { ENTRIES_DEFAULT = 256, ENTRIES_MOST = 65536, ENTRY_BLOCK = 4096, ENTRY_MOST = 1 << 18, URI_MOST = 2048 };

/* ---- made ---- */

static sipveil_code refused(const sv_signer *signer, sipveil_error *err)
{
    return sv_fail_rule(err, SV_IDENTITY, signer->code, signer->rule, SIPVEIL_NO_OFFSET, "%s", signer->why);
}

static sipveil_code read_names(X509 *certificate, sv_arena *arena, sv_credential *out, sipveil_error *err)
{
    sv_certificate_names names;
    SV_TRY(sv_certificate_read_names(certificate, arena, &names, err));
    out->domains = names.domains;
    out->domain_count = names.domain_count;
    return sv_number_authority_read(certificate, arena, &out->numbers, err);
}

/* One DER certificate (IDN-14), or PEM: the signer's first, then what its chain needs. */
static sipveil_code load(const sipveil_context *context, sipveil_span octets, sv_arena *arena, sv_credential *out,
                         STACK_OF(X509) *others, sipveil_error *err)
{
    bool secret;
    sv_bundle bundle = {.context = context, .arena = arena};
    sv_content kind = sv_content_kind(octets, &secret);
    if ((kind != SV_CONTENT_CERTIFICATE && kind != SV_CONTENT_PEM) || secret) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_UNTRUSTED_SIGNER, "IDN-14", SIPVEIL_NO_OFFSET, "the credential is no certificate");
    }
    SV_TRY(sv_bundle_read_certificates(&bundle, octets, kind, err));
    if (bundle.certificate_count == 0 || bundle.certificate_count > sipveil_context_limits(context)->certificates) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_UNTRUSTED_SIGNER, "IDN-14", SIPVEIL_NO_OFFSET, "the credential holds %zu certificates, not 1 to %zu",
                            bundle.certificate_count, sipveil_context_limits(context)->certificates);
    }
    out->certificate = bundle.certificates[0];
    for (size_t i = 1; i < bundle.certificate_count; i++) {
        if (sk_X509_push(others, bundle.certificates[i]) <= 0) return sv_no_memory(err, SV_IDENTITY);
    }
    return sv_certificate_der(out->certificate, arena, &out->der, err);
}

/* IDN-67, IDN-73, IDN-74: path, time, usage; then what it says. Everything in the arena. */
static sipveil_code judge(const sv_credential_question *question, const sipveil_keyring *ring, STACK_OF(X509) *others,
                          sv_arena *arena, sv_credential *out, sipveil_error *err)
{
    const sipveil_identity_verify_options *o = question->options;
    sv_cms_key view;
    sv_signer signer;
    SV_TRY(sv_certificate_view(question->op->worker->context, out->certificate, arena, &view, err));
    out->key = view.public_key;
    out->is_p256 = sv_es256_fits(out->key);
    SV_TRY(sv_digest_octets(question->op->crypto, sv_digest_by_name("sha256"), out->der, out->sha256, err));
    const sv_signer_question asked = {.certificate = out->certificate, .untrusted = others, .host_signer = true, .at = question->at,
                                      .allow_tls_usage = o->allow_tls_usage, .allow_weak = o->allow_weak,
                                      .limits = question->op->limits};
    SV_TRY(sv_keys_accept_signer(ring, &asked, arena, &signer, err));
    if (signer.code != SIPVEIL_OK) {
        sipveil_code code = refused(&signer, err);
        return ring->anchor_count == 0 ? sv_hint(err, code, "give the trust anchors with --trust") : code;
    }
    out->not_before = signer.not_before;
    out->not_after = signer.not_after;
    out->holds_from = signer.holds_from;
    out->holds_until = signer.holds_until;
    return read_names(out->certificate, arena, out, err);
}

static sipveil_code make(const sv_credential_question *question, const sipveil_keyring *ring, sipveil_span octets, sv_arena *arena,
                         sv_credential *out, sipveil_error *err)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    const sipveil_identity_verify_options *o = question->options;
    *out = (sv_credential){.allow_weak = o->allow_weak, .allow_tls_usage = o->allow_tls_usage, .allow_http = o->allow_http,
                           .allow_private_hosts = o->allow_private_hosts};
    sipveil_code code = others == NULL ? sv_no_memory(err, SV_IDENTITY)
                                       : load(question->op->worker->context, octets, arena, out, others, err);
    if (code == SIPVEIL_OK) code = judge(question, ring, others, arena, out, err);
    sk_X509_free(others);
    return code;
}

static sipveil_code fetch(const sv_credential_question *question, sipveil_span uri, sipveil_span *der, sipveil_error *err)
{
    const sipveil_identity_verify_options *o = question->options;
    const char *text = sv_arena_string(question->op->arena, uri);
    if (text == NULL) return sv_no_memory(err, SV_IDENTITY);
    if (uri.len > URI_MOST) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_LIMIT, "IDN-43", SIPVEIL_NO_OFFSET, "the URI of the credential has %zu octets, more than %d",
                            uri.len, URI_MOST);
    }
    SV_TRY(sv_identity_check_uri(uri, o->allow_http, o->allow_private_hosts, err));
    if (o->fetch == NULL) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_NO_KEY, "IDN-05", SIPVEIL_NO_OFFSET,
                            "there is nobody to ask for the credential at \"%s\"", SV_QUOTE(uri));
    }
    sv_error_clear(err);
    *der = sv_span(NULL, 0);
    sipveil_code code = o->fetch(o->fetch_user, text, der, err);
    if (code != SIPVEIL_OK && err->text[0] == '\0') {
        return sv_fail_rule(err, SV_IDENTITY, code, "IDN-36", SIPVEIL_NO_OFFSET, "the credential at \"%s\" cannot be had", SV_QUOTE(uri));
    }
    if (code != SIPVEIL_OK) return code;
    if (der->len > 0 && der->len <= SV_IDENTITY_CERTIFICATE_MOST) return SIPVEIL_OK;
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_LIMIT, "IDN-43", SIPVEIL_NO_OFFSET,
                        "the credential at \"%s\" has %zu octets, not 1 to %d", SV_QUOTE(uri), der->len, SV_IDENTITY_CERTIFICATE_MOST);
}

/* ---- kept ---- */

typedef struct entry {
    sv_arena *arena; /* NULL: free */
    sipveil_span uri;
    sv_credential credential;
    uint64_t used;
} entry;

struct sipveil_identity_cache {
    const sipveil_keyring *ring;
    entry *entries;
    size_t count;
    uint64_t turn;
};

static void drop(entry *e)
{
    sv_arena_free(e->arena);
    *e = (entry){0};
}

sipveil_code sipveil_identity_cache_new(const sipveil_keyring *trust, size_t entries, sipveil_identity_cache **out,
                                        sipveil_error *err)
{
    sv_error_clear(err);
    if (trust == NULL || out == NULL || entries > ENTRIES_MOST) {
        return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "a keyring, a place, and at most %d entries are needed", ENTRIES_MOST);
    }
    *out = NULL;
    sipveil_identity_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) return sv_no_memory(err, SV_IDENTITY);
    cache->ring = trust;
    cache->count = entries > 0 ? entries : ENTRIES_DEFAULT;
    cache->entries = calloc(cache->count, sizeof *cache->entries);
    if (cache->entries == NULL) {
        free(cache);
        return sv_no_memory(err, SV_IDENTITY);
    }
    *out = cache;
    return SIPVEIL_OK;
}

void sipveil_identity_cache_free(sipveil_identity_cache *cache)
{
    if (cache == NULL) return;
    for (size_t i = 0; i < cache->count; i++) drop(&cache->entries[i]);
    free(cache->entries);
    free(cache);
}

static entry *find(const sipveil_identity_cache *cache, sipveil_span uri)
{
    for (size_t i = 0; i < cache->count; i++) {
        if (cache->entries[i].arena != NULL && sv_equal(cache->entries[i].uri, uri)) return &cache->entries[i];
    }
    return NULL;
}

void sipveil_identity_cache_drop(sipveil_identity_cache *cache, const char *uri)
{
    entry *e = cache != NULL && uri != NULL ? find(cache, sv_span_str(uri)) : NULL;
    if (e != NULL) drop(e);
}

/* The one that was not used for longest goes. */
static entry *place_for(sipveil_identity_cache *cache)
{
    entry *oldest = &cache->entries[0];
    for (size_t i = 0; i < cache->count; i++) {
        if (cache->entries[i].arena == NULL) return &cache->entries[i];
        if (cache->entries[i].used < oldest->used) oldest = &cache->entries[i];
    }
    drop(oldest);
    return oldest;
}

/* IDN-44: what was accepted stays so within the validity of its chain, for who allows what was allowed then. */
static bool still_holds(const sv_credential *c, const sv_credential_question *question)
{
    const sipveil_identity_verify_options *o = question->options;
    return sv_valid_at(c->holds_from, c->holds_until, question->at) && c->allow_weak == o->allow_weak &&
           c->allow_tls_usage == o->allow_tls_usage && c->allow_http == o->allow_http &&
           c->allow_private_hosts == o->allow_private_hosts;
}

static sipveil_code keep(const sv_credential_question *question, sipveil_span uri, sipveil_span der, const sv_credential **out,
                         sipveil_error *err)
{
    sipveil_identity_cache *cache = question->options->cache;
    entry made = {.arena = sv_arena_new(ENTRY_BLOCK, ENTRY_MOST), .used = ++cache->turn};
    if (made.arena == NULL || !sv_arena_copy(made.arena, uri, &made.uri)) {
        sv_arena_free(made.arena);
        return sv_no_memory(err, SV_IDENTITY);
    }
    sipveil_code code = make(question, cache->ring, der, made.arena, &made.credential, err);
    if (code != SIPVEIL_OK) {
        sv_arena_free(made.arena);
        return code;
    }
    entry *e = place_for(cache);
    *e = made;
    *out = &e->credential;
    return SIPVEIL_OK;
}

sipveil_code sv_credential_get(const sv_credential_question *question, sipveil_span uri, const sv_credential **out,
                               int *status, sipveil_error *err)
{
    sipveil_identity_cache *cache = question->options->cache;
    entry *e = cache != NULL ? find(cache, uri) : NULL;
    sipveil_span der;
    *out = NULL;
    *status = 0;
    if (e != NULL && still_holds(&e->credential, question)) {
        e->used = ++cache->turn;
        /* What libcrypto could not tell of the key for want of memory is not kept: asked again (ADV-215). */
        e->credential.is_p256 = e->credential.is_p256 || sv_es256_fits(e->credential.key);
        *out = &e->credential;
        return SIPVEIL_OK;
    }
    if (e != NULL) drop(e);
    sipveil_code code = fetch(question, uri, &der, err);
    if (code != SIPVEIL_OK) {
        *status = 436;
        return code;
    }
    *status = 437;
    if (cache != NULL) return keep(question, uri, der, out, err);
    sv_credential *credential = sv_arena_alloc(question->op->arena, sizeof *credential);
    if (credential == NULL) return sv_no_memory(err, SV_IDENTITY);
    SV_TRY(make(question, question->options->trust, der, question->op->arena, credential, err));
    *out = credential;
    return SIPVEIL_OK;
}
