/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of a proxy: a message that is not for it, one that is, and a body sealed by the key of an earlier message. */
#include <openssl/cms.h>
#include <string.h>

#include "bench.h"
#include "e2m/cek.h"
#include "e2m/proxy.h"

static struct {
    sv_hop_set names;
    uint8_t text[8192];
    sv_sip_view view;
    sv_store *store;
    sv_arena *arena;
    sv_cek_scopes scopes;
    sv_cms_key kek;
    uint8_t sealed[8192];
    size_t sealed_len;
} at;

enum { LABELS = 16 };

/* n labels, and as many recipients: these are in the body, which is not looked at. */
bool bench_prepare_proxy(bench_world *w, size_t n)
{
    static const char *const names[] = {"ss1.home.example", "edge.home.example"};
    sipveil_limits limits;
    sv_buffer b;
    sipveil_limits_default(&limits);
    sv_arena_reset(w->arena);
    sv_buffer_init(&b, w->arena, 4096, sizeof at.text);
    sv_put_str(&b, "INVITE sip:bob@other.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                   "From: <sip:alice@home.example>;tag=1\r\nTo: <sip:bob@other.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
                   "Contact: <sip:alice@a.example>\r\nProxy-Required-Body: ");
    for (size_t i = 0; i < n && i < LABELS; i++) {
        sv_put_format(&b, "%sproxy%02zu.far.example;cid=\"0123456789abcdef0123456789abcdef@home.example\"", i > 0 ? ", " : "", i);
    }
    sv_put_str(&b, "\r\nContent-Type: application/pkcs7-mime\r\nContent-Length: 4\r\n\r\nbody");
    if (b.failed) return false;
    memcpy(at.text, b.data, b.len);
    return sv_hop_set_fill(&at.names, names, 2, NULL) == SIPVEIL_OK &&
           sv_sip_read(sv_span(at.text, b.len), SV_SIP_STREAM, &limits, &at.view, NULL) == SIPVEIL_OK;
}

bool bench_proxy_not_mine(bench_world *w, size_t n)
{
    sv_concern concern;
    (void)w, (void)n;
    return !sv_hop_is_concerned(&at.names, NULL, NULL, &at.view, &concern);
}

bool bench_prepare_cek(bench_world *w, size_t n)
{
    uint8_t cek[32];
    sv_buffer b;
    (void)n;
    sv_arena_reset(w->arena);
    if (!bench_prepare_proxy(w, 1) || (at.store == NULL && sv_store_new(&at.store, NULL) != SIPVEIL_OK)) return false;
    memset(cek, 7, sizeof cek);
    if (at.arena == NULL) at.arena = sv_arena_new(4096, 1 << 20); /* scopes outlive the arena of a round */
    if (at.arena == NULL || sv_cek_scopes_of(at.arena, &at.view, &at.scopes, NULL) != SIPVEIL_OK) return false;
    sv_cek_record record = {.scope = at.scopes.items[0], .reference = SV_SPAN("0123456789abcdef"),
                            .cipher = SIPVEIL_CIPHER_AES_256_GCM, .cek = sv_span(cek, sizeof cek), .uses = 100};
    sv_cek_forget(at.store, &at.scopes);
    if (sv_cek_keep(at.store, w->arena, &record, 1000, NULL) != SIPVEIL_OK ||
        sv_cek_make_kek(w->crypto, w->arena, &record, SV_WRAP_AES_256, sipveil_context_limits(w->context), &at.kek, NULL) != SIPVEIL_OK) {
        return false;
    }
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_256_GCM, .recipients = &at.kek, .recipient_count = 1};
    sv_buffer_init(&b, w->arena, 4096, sizeof at.sealed);
    if (sv_cms_seal_enveloped(w->crypto, &request, w->message, w->arena, &b, NULL) != SIPVEIL_OK || b.failed) return false;
    memcpy(at.sealed, b.data, b.len);
    at.sealed_len = b.len;
    return true;
}

/* From the octets of the envelope, as rows of other recipients do: read, find the key, reverse it, open. */
static bool open_by_key(bench_world *w, const sv_cek_scopes *scopes)
{
    sv_cms_type type;
    sipveil_span content;
    sv_opening opening;
    sv_cek_record record;
    sv_recipient room;
    sv_cms_key kek;
    sv_cms_policy policy = {0};
    uint64_t iterations = 0;
    const sipveil_limits *limits = sipveil_context_limits(w->context);
    sv_enveloped *e = sv_arena_alloc(w->arena, sizeof *e);
    return sv_cms_read_content_info(sv_span(at.sealed, at.sealed_len), limits, &type, &content, NULL) == SIPVEIL_OK &&
           sv_cms_read_enveloped(content, true, limits, &policy, w->arena, e, NULL) == SIPVEIL_OK &&
           sv_cek_find(at.store, scopes, sv_cms_recipient(e, 0, &room)->key_id, 1000, w->arena, &record) &&
           sv_cek_make_kek(w->crypto, w->arena, &record, SV_WRAP_AES_256, limits, &kek, NULL) == SIPVEIL_OK &&
           sv_cms_open_enveloped(w->crypto, e, &kek, 1, &policy, &iterations, w->arena, &opening, NULL) == SIPVEIL_OK &&
           opening.plaintext.len == w->message.len;
}

bool bench_cek_open(bench_world *w, size_t n)
{
    (void)n;
    sv_arena_reset(w->arena);
    return open_by_key(w, &at.scopes);
}

/* With what the message costs once, whatever layers it has: its dialog and its two addresses. */
bool bench_cek_open_scoped(bench_world *w, size_t n)
{
    sv_cek_scopes scopes;
    (void)n;
    sv_arena_reset(w->arena);
    return sv_cek_scopes_of(w->arena, &at.view, &scopes, NULL) == SIPVEIL_OK && open_by_key(w, &scopes);
}

bool bench_cek_open_libcrypto(bench_world *w, size_t n)
{
    const unsigned char *from = at.sealed;
    uint8_t kek[32], id[] = "0123456789abcdef";
    (void)n;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &from, (long)at.sealed_len);
    BIO *out = BIO_new(BIO_s_mem());
    memset(kek, 7, sizeof kek); /* the same reversed */
    bool done = cms != NULL && out != NULL && CMS_decrypt_set1_key(cms, kek, sizeof kek, id, sizeof id - 1) == 1 &&
                CMS_decrypt(cms, NULL, NULL, NULL, out, 0) == 1 && BIO_pending(out) == (int)w->message.len;
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    return done;
}

/* ---- opening for a proxy, against opening as such ---- */

/* For the far UA and the hop, signed; the hop is to view and to verify. */
bool bench_prepare_shared(bench_world *w, size_t n)
{
    sipveil_e2m_options o;
    sipveil_e2m_hop hop = {BENCH_HOP, sipveil_keyring_at(w->hop, 0)};
    const sipveil_key *far = sipveil_keyring_at(w->p256, 0);
    sipveil_sealed sealed;
    (void)n;
    sipveil_e2m_options_default(&o);
    o.seal.recipients = o.seal.signers = &far;
    o.seal.recipient_count = o.seal.signer_count = 1;
    o.hops = &hop;
    o.hop_count = 1;
    o.act = SIPVEIL_E2M_BOTH;
    sipveil_open_options_default(&bench_at.open);
    bench_at.open.keyring = w->hop;
    return sipveil_e2m_seal_message(w->worker, &o, w->message, &sealed, NULL) == SIPVEIL_OK &&
           bench_keep(&bench_at.outer, &bench_at.outer_len, sealed.message);
}

bool bench_open_shared(bench_world *w, size_t n)
{
    sipveil_opened opened;
    (void)n;
    return sipveil_tunnel_open_message(w->worker, &bench_at.open, sv_span(bench_at.outer, bench_at.outer_len), &opened, NULL) == SIPVEIL_OK &&
           opened.is_signed && opened.is_encrypted;
}

bool bench_proxy_open(bench_world *w, size_t n)
{
    static const char *const names[] = {BENCH_HOP};
    sipveil_e2m_proxy_options o;
    sipveil_e2m_verdict verdict;
    (void)n;
    sipveil_e2m_proxy_options_default(&o);
    o.open = bench_at.open;
    o.hosts = names;
    o.host_count = 1;
    o.protected_hop = o.sender_authenticated = true;
    return sipveil_e2m_proxy_message(w->worker, &o, sv_span(bench_at.outer, bench_at.outer_len), &verdict, NULL) ==
               SIPVEIL_OK &&
           verdict.action == SIPVEIL_E2M_FORWARD && verdict.has_view && verdict.verified;
}
