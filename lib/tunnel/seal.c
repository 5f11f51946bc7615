/* SPDX-License-Identifier: BSD-2-Clause */
/* Sealing: check what is asked, put the Date in, protect, write the outer message. */
#include "crypto/suite.h"
#include "sip/privacy.h"
#include "sip/via.h"
#include "tunnel/bound.h"
#include "tunnel/sealing.h"

enum { UDP_SAFE = 1300 }; /* RFC 3261 18.1.1 */

/* Tables 2 and 3 of RFC 3261: hops must be able to read these (TUN 3.2). */
static bool cannot_be_hidden(sipveil_span name)
{
    static const sv_field_id needed[] = {SV_F_VIA, SV_F_ROUTE, SV_F_RECORD_ROUTE, SV_F_MAX_FORWARDS, SV_F_TO,
                                         SV_F_CALL_ID, SV_F_CSEQ, SV_F_CONTACT, SV_F_REQUIRE, SV_F_PROXY_REQUIRE};
    sv_field_id id = sv_field_id_of(name);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (id == needed[i]) return true;
    }
    return sv_is_content_field(id, name);
}

static sipveil_code check_options(const sipveil_worker *worker, const sipveil_seal_options *o, sipveil_error *err)
{
    if (worker == NULL || o == NULL || o->size != sizeof *o) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "worker and options (with their size) are needed");
    }
    if (o->recipient_count == 0 && o->signer_count == 0) {
        sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "nothing would be protected: no recipient and no signer");
        return sv_hint(err, SIPVEIL_USAGE, "encrypt with --to KEYREF, sign with --sign-with KEYREF");
    }
    if (o->mode == SIPVEIL_MODE_SIPFRAG && o->signer_count == 0) {
        sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "a sipfrag proves nothing unless it is signed");
        return sv_hint(err, SIPVEIL_USAGE, "sign it with --sign-with KEYREF");
    }
    if (o->hide_count > 0 && (o->recipient_count == 0 || o->mode != SIPVEIL_MODE_TUNNEL)) {
        sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "fields can be hidden only in an encrypted tunnel");
        return sv_hint(err, SIPVEIL_USAGE, "encrypt with --to KEYREF, in --mode tunnel");
    }
    if (o->pcscf && (o->recipient_count == 0 || o->mode != SIPVEIL_MODE_TUNNEL)) {
        sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "the profile of the P-CSCF is an encrypted tunnel");
        return sv_hint(err, SIPVEIL_USAGE, "encrypt with --to KEYREF, in --mode tunnel");
    }
    if (o->recipient_count > 1 && o->signer_count == 0 && !o->allow_unsigned_shared) {
        sv_fail_rule(err, SV_TUNNEL, SIPVEIL_POLICY, "CMS-12", SIPVEIL_NO_OFFSET,
                     "unsigned, for %zu recipients: each of them could rewrite it for the others",
                     o->recipient_count);
        return sv_hint(err, SIPVEIL_POLICY, "sign it, or say --allow-unsigned-shared");
    }
    if (o->cipher != SIPVEIL_CIPHER_NONE && !sv_cipher_is_written(o->cipher)) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "the content cipher %s is only read, never written", sipveil_cipher_name(o->cipher));
    }
    for (size_t i = 0; i < o->hide_count; i++) {
        if (cannot_be_hidden(sv_span_str(o->hide[i]))) {
            return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "%s must stay outside: hops and the transaction need it",
                           SV_QUOTE(sv_span_str(o->hide[i])));
        }
    }
    return SIPVEIL_OK;
}

/* The keys as lib/cms wants them, each judged first (ADV-098). */
static sipveil_code collect_keys(sv_sealing *s, const sv_sip_view *view)
{
    const sipveil_seal_options *o = s->options;
    sv_cms_key *recipients = sv_arena_alloc_array(s->op->arena, o->recipient_count, sizeof *recipients);
    sv_cms_key *signers = sv_arena_alloc_array(s->op->arena, o->signer_count, sizeof *signers);
    if (recipients == NULL || signers == NULL) return sv_no_memory(s->op->err, SV_TUNNEL);
    if (o->recipient_count > s->op->limits->recipients) {
        return sv_fail_rule(s->op->err, SV_TUNNEL, SIPVEIL_LIMIT, "ADV-083", SIPVEIL_NO_OFFSET,
                            "%zu recipients; the limit is %zu", o->recipient_count, s->op->limits->recipients);
    }
    if (o->signer_count > s->op->limits->signers) {
        return sv_fail_rule(s->op->err, SV_TUNNEL, SIPVEIL_LIMIT, "ADV-114", SIPVEIL_NO_OFFSET,
                            "%zu signers; the limit is %zu", o->signer_count, s->op->limits->signers);
    }
    size_t extra = 0;
    const sv_dialog dialog = sv_dialog_of(view, false);
    for (size_t i = 0; i < o->recipient_count; i++) {
        SV_TRY(sv_keys_check_recipient(o->trust, o->recipients[i], s->op->now, s->op->err));
        SV_TRY(sv_keys_check_session(o->recipients[i], &dialog, s->op->now, s->op->err));
        recipients[i] = o->recipients[i]->cms;
    }
    for (size_t i = 0; i < o->signer_count; i++) {
        SV_TRY(sv_keys_check_own_signer(o->signers[i], s->op->now, s->op->err));
        signers[i] = o->signers[i]->cms;
        if (o->signers[i]->chain != NULL) extra += (size_t)sk_X509_num(o->signers[i]->chain);
    }
    X509 **certificates = sv_arena_alloc_array(s->op->arena, extra, sizeof *certificates);
    if (certificates == NULL) return sv_no_memory(s->op->err, SV_TUNNEL);
    for (size_t i = 0; i < o->signer_count; i++) {
        for (int k = 0; o->signers[i]->chain != NULL && k < sk_X509_num(o->signers[i]->chain); k++) {
            certificates[s->extra_count++] = sk_X509_value(o->signers[i]->chain, k);
        }
    }
    s->recipients = recipients;
    s->recipient_count = o->recipient_count;
    s->signers = signers;
    s->signer_count = o->signer_count;
    s->extra_certificates = certificates;
    return SIPVEIL_OK;
}

/* ---- Date ---- */

typedef struct date_row {
    int64_t seconds;
} date_row;

static bool replace_date(void *state, const sv_sip_field *field, sv_buffer *out)
{
    const date_row *date = state;
    if (field->id != SV_F_DATE) return false;
    sv_put_row_start(field, out);
    sv_sip_put_date(out, date->seconds);
    sv_put_str(out, "\r\n");
    return true;
}

/* The message with its Date as asked (TUN-33); view follows. The body's own rows stay as they are. */
static sipveil_code settle_date(sv_sealing *s, sv_sip_view *view)
{
    const sipveil_seal_options *o = s->options;
    bool has = sv_sip_first(view, SV_F_DATE) != NULL;
    bool wanted = o->date == SIPVEIL_DATE_NOW || o->date == SIPVEIL_DATE_FIXED ||
                  (o->date == SIPVEIL_DATE_AUTO && !has && o->signer_count > 0 && o->mode != SIPVEIL_MODE_PAYLOAD);
    if (!wanted) return SIPVEIL_OK;
    date_row date = {o->date == SIPVEIL_DATE_FIXED ? o->fixed_date : s->op->now};
    sv_buffer row, content, out;
    sv_buffer_init(&row, s->op->arena, 64, 128);
    if (!has) {
        sv_put_str(&row, "Date: ");
        sv_sip_put_date(&row, date.seconds);
        sv_put_str(&row, "\r\n");
    }
    sv_buffer_init(&content, s->op->arena, 512, s->op->limits->header);
    sv_put_content_rows(view, &content);
    sv_buffer_init(&out, s->op->arena, view->whole.len + 64, s->op->limits->message * 2);
    SV_TRY(sv_buffer_check(&row, SV_TUNNEL, s->op->err));
    SV_TRY(sv_buffer_check(&content, SV_TUNNEL, s->op->err));
    sv_rewrite rewrite = {.view = view,
                          .row = replace_date,
                          .state = &date,
                          .extra = sv_buffer_span(&row),
                          .rows = sv_buffer_span(&content),
                          .body = view->body};
    SV_TRY(sv_put_message(&rewrite, s->op->limits, &out, s->op->err));
    return sv_sip_read(sv_buffer_span(&out), SV_SIP_DATAGRAM, s->op->limits, view, s->op->err);
}

/* ---- modes ---- */

static sipveil_code tunnel_entity(sv_sealing *s, sipveil_span inner, sipveil_span *entity)
{
    return sv_pack_entity(s, (sv_packed){SV_SPAN("Content-Type: message/sip\r\n"), inner}, entity);
}

static sipveil_code seal_tunnel(sv_sealing *s, const sv_sip_view *view, sv_buffer *out)
{
    sipveil_span entity;
    sv_packed packed;
    SV_TRY(tunnel_entity(s, view->whole, &entity));
    SV_TRY(sv_pack_protected(s, entity, &packed));
    return sv_put_outer(s, view, packed, s->recipient_count > 0, out);
}

/* Seed example: (b) is a signed-only tunnel of (c) that travels on in clear after the P-CSCF; then (b)
 * is sealed into (a). */
static sipveil_code seal_pcscf(sv_sealing *s, const sv_sip_view *view, sv_buffer *out)
{
    if (sipveil_pcscf_never_sealed(view->method, view->is_request ? 0 : view->status, 0)) {
        return sv_fail_rule(s->op->err, SV_TUNNEL, SIPVEIL_POLICY, "TUN-81", SIPVEIL_NO_OFFSET,
                            "a message of this kind goes hop by hop and is never sealed for a P-CSCF");
    }
    if (s->signer_count == 0) return seal_tunnel(s, view, out);
    sv_sealing first = *s, second = *s;
    sipveil_seal_options plain = *s->options, outer = *s->options;
    sv_sip_view *tunnel = sv_arena_alloc_raw(s->op->arena, sizeof *tunnel);
    sv_buffer b;
    if (tunnel == NULL) return sv_no_memory(s->op->err, SV_TUNNEL);
    plain.pcscf = plain.compress = false;
    plain.request_uri = NULL;
    plain.hide_count = 0;
    first.options = &plain;
    first.recipient_count = 0;
    sv_buffer_init(&b, s->op->arena, view->whole.len * 2 + 4096, s->op->limits->message * 2);
    SV_TRY(seal_tunnel(&first, view, &b));
    SV_TRY(sv_sip_read(sv_buffer_span(&b), SV_SIP_DATAGRAM, s->op->limits, tunnel, s->op->err));
    second.options = &outer;
    second.signer_count = 0;
    return seal_tunnel(&second, tunnel, out);
}

static sipveil_code seal_payload(sv_sealing *s, const sv_sip_view *view, sv_buffer *out)
{
    sipveil_span entity;
    sv_packed packed, body = {.content = view->body};
    sv_buffer rows;
    if (view->body.len == 0) {
        sv_fail(s->op->err, SV_TUNNEL, SIPVEIL_USAGE, "the message has no body to protect");
        return sv_hint(s->op->err, SIPVEIL_USAGE, "--mode tunnel protects the whole message");
    }
    sv_buffer_init(&rows, s->op->arena, 512, s->op->limits->header);
    sv_put_content_rows(view, &rows);
    SV_TRY(sv_buffer_check(&rows, SV_TUNNEL, s->op->err));
    body.rows = sv_buffer_span(&rows);
    SV_TRY(sv_pack_entity(s, body, &entity));
    SV_TRY(sv_pack_protected(s, entity, &packed));
    sv_rewrite rewrite = {.view = view, .rows = packed.rows, .body = packed.content};
    return sv_put_message(&rewrite, s->op->limits, out, s->op->err);
}

/* ---- size ---- */

static sipveil_code check_size(sv_sealing *s, const sv_sip_view *view, size_t size)
{
    if (size <= UDP_SAFE) return SIPVEIL_OK;
    if (view->is_request && sv_equal_str(view->method, "MESSAGE")) {
        if (sv_equal_nocase_str(sv_sip_top_transport(view), "UDP")) {
            sv_fail_rule(s->op->err, SV_TUNNEL, SIPVEIL_LIMIT, "TUN-59", SIPVEIL_NO_OFFSET,
                         "too large: a MESSAGE over UDP may have %d octets, sealed it has %zu", UDP_SAFE, size);
            return sv_hint(s->op->err, SIPVEIL_LIMIT, "send it by MSRP, or over TCP or TLS");
        }
        sv_report_warning(s->op, "TUN-59", "a MESSAGE of %zu octets: MSRP is meant for more than %d", size, UDP_SAFE);
        return SIPVEIL_OK;
    }
    sv_report_warning(s->op, "TUN-59", "the sealed message has %zu octets, too many for UDP (%d)", size, UDP_SAFE);
    return SIPVEIL_OK;
}

static sipveil_code read_message(sv_sealing *s, sipveil_span message, sv_sip_view *view)
{
    bool changed = false;
    if (s->options->accept_bare_lf) {
        SV_TRY(sv_normalise_lines(s->op->arena, &message, s->op->limits, &changed, s->op->err));
        if (changed) sv_report_warning(s->op, "ADV-009", "lines end in bare LF; CRLF is written");
    }
    SV_TRY(sv_sip_read(message, SV_SIP_DATAGRAM, s->op->limits, view, s->op->err));
    sv_warn_of_tail(s->op, view->tail);
    return SIPVEIL_OK;
}

/* SDP as the body, or as a part of it. */
static bool holds_sdp(const sv_sip_view *view)
{
    sipveil_span type = sv_sip_value(view, SV_F_CONTENT_TYPE);
    if (sv_starts_nocase_str(type, "application/sdp")) return view->body.len > 0;
    if (!sv_starts_nocase_str(type, "multipart/")) return false;
    sv_cursor c = sv_cursor_over(view->body, "body");
    for (sipveil_span line; sv_take_until(&c, '\n', &line); (void)sv_take_if(&c, '\n')) {
        bool is_type = sv_starts_nocase_str(line, "content-type:");
        if (is_type && sv_starts_nocase_str(sv_trim(sv_span_from(line, 13)), "application/sdp")) return true;
    }
    return false;
}

/* TRU-28: whoever asks for an anonymiser of media lets it read the SDP (RFC 3323 4.2). An AIB leaves the body in clear. */
static sipveil_code check_privacy(const sv_sealing *s, const sv_sip_view *view)
{
    sv_privacy privacy;
    bool hides_body = s->options->recipient_count > 0 && s->options->mode != SIPVEIL_MODE_SIPFRAG;
    if (!hides_body || sv_privacy_read(view, &privacy, NULL) != SIPVEIL_OK || !(privacy.values & SV_PRIVACY_SESSION) ||
        !holds_sdp(view)) {
        return SIPVEIL_OK;
    }
    sv_fail_rule(s->op->err, SV_TUNNEL, SIPVEIL_POLICY, "TRU-28", SIPVEIL_NO_OFFSET,
                 "the message asks for Privacy: session, and nobody could anonymise an encrypted SDP (E_PRIVACY_SESSION)");
    return sv_hint(s->op->err, SIPVEIL_POLICY, "encrypt the session description, or ask for session privacy, not both");
}

static sipveil_code put_by_mode(sv_sealing *s, const sv_sip_view *view, sv_buffer *out)
{
    switch (s->options->mode) {
    case SIPVEIL_MODE_SIPFRAG: return sv_put_with_aib(s, view, out);
    case SIPVEIL_MODE_PAYLOAD: return seal_payload(s, view, out);
    default: return s->options->pcscf ? seal_pcscf(s, view, out) : seal_tunnel(s, view, out);
    }
}

static sipveil_code seal(sv_sealing *s, sv_seal_form form, void *state, sipveil_span message, sipveil_span *sealed)
{
    sv_sip_view *view = sv_arena_alloc_raw(s->op->arena, sizeof *view);
    sv_buffer out;
    if (view == NULL) return sv_no_memory(s->op->err, SV_TUNNEL);
    SV_TRY(read_message(s, message, view));
    SV_TRY(check_privacy(s, view));
    SV_TRY(collect_keys(s, view));
    SV_TRY(settle_date(s, view));
    for (size_t i = 0; i < s->options->hide_count; i++) { /* a slip of the pen would leave the real one in sight */
        sipveil_span name = sv_span_str(s->options->hide[i]);
        if (sv_sip_find(view, name) == NULL) {
            sv_report_warning(s->op, "TUN-42", "the message has no %s to hide", SV_QUOTE(name));
        }
    }
    if (s->options->no_certificates && s->signer_count > 0 && !sv_equal_str(view->method, "MESSAGE")) {
        sv_report_warning(s->op, "TUN-06", "without its certificate a signature needs a receiver that has it already");
    }
    sv_buffer_init(&out, s->op->arena, view->whole.len * 2 + 2048, s->op->limits->message * 2);
    SV_TRY(form != NULL ? form(s, view, state, &out) : put_by_mode(s, view, &out));
    *sealed = sv_buffer_span(&out);
    return check_size(s, view, sealed->len);
}

sipveil_code sv_seal_as(sipveil_worker *worker, const sipveil_seal_options *options, sv_seal_form form, void *state,
                        sipveil_span message, sipveil_sealed *out, sipveil_error *err)
{
    sipveil_error local;
    sipveil_span sealed = {0};
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (out == NULL) return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "no place for the result");
    *out = (sipveil_sealed){0};
    SV_TRY(check_options(worker, options, err));
    SV_TRY(sv_worker_begin_with(worker, &message, err));
    sv_operation *op = &worker->operation;
    sipveil_seal_options settled = *options;
    op->err = err;
    op->now = sv_now(worker->context);
    sv_buffer_init(&op->warnings, op->arena, 8 * sizeof(sipveil_warning), 1 << 20);
    if (settled.pcscf) settled.compress = true;
    sv_sealing s = {.op = op,
                    .options = &settled,
                    .base64 = settled.encoding == SIPVEIL_ENCODING_BASE64 ||
                              (settled.pcscf && settled.encoding == SIPVEIL_ENCODING_DEFAULT),
                    .cipher = settled.cipher == SIPVEIL_CIPHER_NONE ? SIPVEIL_CIPHER_AES_256_GCM : settled.cipher};
    sipveil_code code = seal(&s, form, state, message, &sealed);
    if (code == SIPVEIL_OK) code = sv_report_is_whole(op, err);
    op->err = NULL;
    if (code != SIPVEIL_OK) {
        op->failure = *err;
        return code;
    }
    out->message = sealed;
    sv_findings found = sv_findings_of(op);
    out->warnings = found.warnings;
    out->warning_count = found.warning_count;
    return SIPVEIL_OK;
}

sipveil_code sipveil_tunnel_seal_message(sipveil_worker *worker, const sipveil_seal_options *options,
                                         sipveil_span message, sipveil_sealed *out, sipveil_error *err)
{
    return sv_seal_as(worker, options, NULL, NULL, message, out, err);
}
