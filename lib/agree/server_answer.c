/* SPDX-License-Identifier: BSD-2-Clause */
/* The refusals (AGR-23, 24): the whole list, the option tag, and what starts the mechanisms that both have. */
#include "agree/server.h"
#include "agree/smime.h"
#include "sip/via.h"

enum { ROWS_MOST = 3 * SV_MECHANISM_LIST_MOST, DATAGRAM_MOST = 1300, TAG_DIGITS = 16 };

/* AGR-18: the client's list decides what is added, and nothing else; without a usable one, everything is. */
static bool wants(const sv_server *s, const sv_mechanism_list *client, bool usable, sv_mechanism_kind kind)
{
    bool common = false;
    for (size_t i = 0; usable && i < client->count; i++) {
        for (size_t k = 0; k < s->own->list.count; k++) {
            if (client->items[i].kind != SV_MECH_OTHER && client->items[i].kind == s->own->list.items[k].kind) common = true;
        }
        if (client->items[i].kind == kind) return true;
    }
    return !common;
}

static bool has(const sipveil_agree_list *own, sv_mechanism_kind kind)
{
    for (size_t i = 0; i < own->list.count; i++) {
        if (own->list.items[i].kind == kind) return true;
    }
    return false;
}

static void put_challenge(const sv_server *s, const sv_mechanism *m, sipveil_span nonce, sv_buffer *rows)
{
    bool www = s->options->role != SIPVEIL_AGREE_PROXY || s->options->profile == SIPVEIL_AGREE_DRAFT04; /* D-06 */
    const sv_parameter *alg = sv_mechanism_digest_field(m, SV_D_ALG, s->options->profile);
    const sv_parameter *qop = sv_mechanism_digest_field(m, SV_D_QOP, s->options->profile);
    sv_put_str(rows, www ? "WWW-Authenticate: Digest realm=\"" : "Proxy-Authenticate: Digest realm=\"");
    sv_put_quoted(rows, sv_span_str(s->options->realm));
    sv_put_str(rows, "\", nonce=\"");
    sv_put(rows, nonce);
    sv_put_str(rows, "\", algorithm=");
    sv_put(rows, alg != NULL ? alg->value : SV_SPAN("MD5"));
    sv_put_str(rows, ", qop=\"");
    sv_put(rows, m->kind == SV_MECH_DIGEST_INTEGRITY ? SV_SPAN("auth-int") : qop != NULL ? qop->value : SV_SPAN("auth,auth-int"));
    sv_put_str(rows, s->stale ? "\", stale=true\r\n" : "\"\r\n");
}

/* One challenge for each algorithm. */
static void put_challenges(const sv_server *s, sipveil_span nonce, sv_buffer *rows)
{
    for (size_t i = 0; i < s->own->list.count; i++) {
        const sv_mechanism *m = &s->own->list.items[i];
        bool repeated = false;
        if (!sv_mechanism_is_digest(m->kind)) continue;
        for (size_t k = 0; k < i; k++) {
            const sv_mechanism *earlier = &s->own->list.items[k];
            const sv_parameter *a = sv_mechanism_digest_field(m, SV_D_ALG, s->options->profile);
            const sv_parameter *b = sv_mechanism_digest_field(earlier, SV_D_ALG, s->options->profile);
            bool digest = sv_mechanism_is_digest(earlier->kind);
            if (digest && sv_equal_nocase(a != NULL ? a->value : SV_SPAN("MD5"), b != NULL ? b->value : SV_SPAN("MD5"))) {
                repeated = true;
            }
        }
        if (!repeated) put_challenge(s, m, nonce, rows);
    }
}

static sipveil_code put_start_data(sv_server *s, sipveil_span nonce, sv_buffer *rows, sv_sip_response *response)
{
    bool present = false;
    sv_mechanism_list *client = sv_arena_alloc_raw(s->op->arena, sizeof *client);
    if (client == NULL) return sv_no_memory(s->op->err, SV_AGREE);
    bool usable = sv_mechanisms_of(s->view, SV_F_SECURITY_CLIENT, s->op->arena, client, &present, NULL) == SIPVEIL_OK &&
                  present; /* AGR-01 */
    if (s->has_nonces && (wants(s, client, usable, SV_MECH_DIGEST) || wants(s, client, usable, SV_MECH_DIGEST_INTEGRITY))) {
        put_challenges(s, nonce, rows);
    }
    if (s->options->open != NULL && has(s->own, SV_MECH_SMIME) && wants(s, client, usable, SV_MECH_SMIME)) {
        return sv_smime_put_certificate(s->op, s->options->open->keyring, s->options->now, response);
    }
    return SIPVEIL_OK;
}

/* The tag and the nonce of a transaction: the same ones when its request comes again (AGR-27). */
static sipveil_code make_nonce(sv_server *s, uint8_t nonce[SV_NONCE_LENGTH])
{
    const sv_sip_view *v = s->view;
    const sipveil_span transaction[] = {sv_sip_value(v, SV_F_VIA), sv_sip_value(v, SV_F_CALL_ID), sv_sip_value(v, SV_F_CSEQ),
                                        sv_sip_value(v, SV_F_FROM)};
    if (s->has_nonces) return sv_nonce_make(&s->nonces, transaction, 4, nonce, s->op->err);
    return sv_random_hex(s->op->crypto, nonce, SV_NONCE_LENGTH / 2, s->op->err);
}

static sipveil_code write_response(sv_server *s, const sv_sip_response *response, sipveil_span *out)
{
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, 1024 + response->body.len, s->op->limits->message);
    SV_TRY(sv_sip_write_response(s->view, response, &b, s->op->err));
    *out = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_AGREE, s->op->err);
}

sipveil_code sv_server_answer(sv_server *s, int status, sipveil_span *response)
{
    uint8_t nonce[SV_NONCE_LENGTH];
    sv_buffer rows;
    sv_sip_response answer = {.status = status};
    SV_TRY(make_nonce(s, nonce));
    answer.tag = sv_span(nonce + 8, TAG_DIGITS);
    sv_buffer_init(&rows, s->op->arena, 512, ROWS_MOST);
    if (status == 420) {
        sv_put_str(&rows, "Unsupported: " SV_AGREE_TAG "\r\n");
    } else if (status == 493) {
        SV_TRY(sv_smime_put_certificate(s->op, s->options->open->keyring, s->options->now, &answer));
    } else if (status != 502) {
        sv_put_str(&rows, "Security-Server: "); /* AGR-23: one line, as it is hashed (AGR-37) */
        sv_put(&rows, s->own->text);
        sv_put_str(&rows, "\r\nRequire: " SV_AGREE_TAG "\r\n");
        SV_TRY(put_start_data(s, sv_span(nonce, sizeof nonce), &rows, &answer));
        answer.top_via_only = s->options->profile == SIPVEIL_AGREE_DRAFT04; /* AGR-25 */
    }
    SV_TRY(sv_buffer_check(&rows, SV_AGREE, s->op->err));
    answer.rows = sv_buffer_span(&rows);
    SV_TRY(write_response(s, &answer, response));
    /* ADV-220: the source of a datagram may be forged. What the other side can do without, it gets over TCP or TLS. */
    bool fragments = response->len > DATAGRAM_MOST && !sv_sip_source_is_confirmed(s->view);
    if (answer.body.len == 0 || (!fragments && !sv_sip_is_amplified(s->view, response->len))) return SIPVEIL_OK;
    sv_report_warning(s->op, "AGR-28", "the certificate stays out of an answer over UDP that would have %zu octets",
                      response->len);
    answer.body = answer.content_rows = SV_SPAN("");
    return write_response(s, &answer, response);
}
