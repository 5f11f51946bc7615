/* SPDX-License-Identifier: BSD-2-Clause */
#include "agree/smime.h"

#include "cms/der_read.h"
#include "keys/certificate.h"
#include "keys/keyring.h"
#include "sip/edit.h"
#include "sip/values.h"
#include "tunnel/answer_certificates.h"

enum { CERTIFICATES_MOST = 8 };

/* ---- server: our certificate ---- */

sipveil_code sv_smime_put_certificate(sv_operation *op, const sipveil_keyring *ring, int64_t now, sv_sip_response *response)
{
    const sipveil_key *own = NULL;
    for (size_t i = 0; ring != NULL && own == NULL && i < sipveil_keyring_count(ring); i++) {
        const sipveil_key *key = sipveil_keyring_at(ring, i);
        if (key->kind != SIPVEIL_KEY_PRIVATE || key->cms.certificate == NULL) continue;
        sipveil_code code = sv_keys_check_recipient(NULL, key, now, NULL);
        if (code == SIPVEIL_INTERNAL) return sv_no_memory(op->err, SV_AGREE);
        if (code == SIPVEIL_OK) own = key;
    }
    if (own == NULL) return SIPVEIL_OK;
    sv_answer answer = {0};
    SV_TRY(sv_answer_put_certificate(op, own, &answer));
    response->body = answer.body;
    response->content_rows = SV_SPAN("MIME-Version: 1.0\r\n" /* AGR-45 */
                                     "Content-Type: application/pkcs7-mime; smime-type=certs-only; name=smime.p7c\r\n"
                                     "Content-Transfer-Encoding: binary\r\n"
                                     "Content-Disposition: signal; handling=optional\r\n");
    return SIPVEIL_OK;
}

/* ---- client: the certificate of the next hop ---- */

static sipveil_code read_certificates(sv_operation *op, const sv_sip_view *response, sv_answer_certificates *out)
{
    if (response->body.len == 0) return SIPVEIL_OK;
    sv_mime_entity *entity = sv_arena_alloc_raw(op->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(op->err, SV_AGREE);
    SV_TRY(sv_entity_of_body(response, op->limits, 0, entity, op->err));
    return sv_answer_take_certificates(out, entity, op->err);
}

/* What an earlier answer left: the accepted certificate, and behind it those that came with it. */
static sipveil_code read_kept(sv_operation *op, sipveil_span kept, sv_answer_certificates *out)
{
    sv_cursor c = sv_cursor_over(kept, "kept certificates");
    for (sv_der der; sv_left(&c) > 0;) {
        SV_TRY(sv_der_take(&c, &der, op->err));
        SV_TRY(sv_answer_add_certificate(out, der.whole, op->err));
    }
    return SIPVEIL_OK;
}

static sipveil_code write_kept(sv_operation *op, const sv_answer_certificates *all, const X509 *chosen, sipveil_span *kept)
{
    sv_buffer b;
    sipveil_span der;
    sv_buffer_init(&b, op->arena, 4096, op->limits->message);
    for (int round = 0; round < 2; round++) { /* the chosen one first */
        for (size_t i = 0; i < all->count; i++) {
            if ((all->items[i] == chosen) != (round == 0)) continue;
            SV_TRY(sv_certificate_der(all->items[i], op->arena, &der, op->err));
            sv_put(&b, der);
        }
    }
    SV_TRY(sv_buffer_check(&b, SV_AGREE, op->err));
    *kept = sv_buffer_span(&b);
    return SIPVEIL_OK;
}

static bool names(const sv_certificate_names *all, const char *next_hop)
{
    for (size_t i = 0; i < all->host_count; i++) {
        if (sv_equal_nocase_str(all->hosts[i], next_hop)) return true;
    }
    for (size_t i = 0; i < all->aor_count; i++) {
        if (sv_sip_same_aor(all->aors[i], sv_span_str(next_hop))) return true;
    }
    return false;
}

static sipveil_code is_pinned(sv_operation *op, X509 *certificate, const char *pin, bool *pinned)
{
    uint8_t print[32], wanted[32];
    *pinned = false;
    if (pin == NULL) return SIPVEIL_OK;
    if (!sv_read_fingerprint(sv_span_str(pin), wanted)) {
        return sv_fail(op->err, SV_AGREE, SIPVEIL_USAGE, "the pin is not 64 hexadecimal digits");
    }
    SV_TRY(sv_certificate_fingerprint(op->worker->context, certificate, print, op->err));
    *pinned = sv_equal_constant_time(sv_span(print, sizeof print), sv_span(wanted, sizeof wanted));
    return SIPVEIL_OK;
}

/* AGR-46: nobody vouches for an unprotected answer, so the certificate has to stand on its own. */
static sipveil_code check_trusted(sv_operation *op, const sv_answer_certificates *all, X509 *certificate,
                                  const sipveil_agree_client_options *options, int64_t now)
{
    if (options->keyring == NULL || options->keyring->anchor_count == 0) {
        return sv_fail(op->err, SV_AGREE, SIPVEIL_POLICY, "a certificate came with the response, and there are no trust anchors to judge it by");
    }
    return sv_answer_check_chain(all, certificate, options->keyring, now, op->err);
}

static sipveil_code find_named(sv_operation *op, const sv_answer_certificates *all, const char *next_hop, X509 **out)
{
    sv_certificate_names list;
    *out = NULL;
    for (size_t i = 0; i < all->count && next_hop != NULL && *out == NULL; i++) {
        SV_TRY(sv_certificate_read_names(all->items[i], op->arena, &list, op->err));
        if (names(&list, next_hop)) *out = all->items[i];
    }
    return SIPVEIL_OK;
}

static sipveil_code judge(sv_operation *op, const sv_answer_certificates *all, const sipveil_agree_client_options *options, int64_t now,
                          X509 **chosen)
{
    bool pinned = false;
    *chosen = NULL;
    for (size_t i = 0; i < all->count && !pinned; i++) {
        SV_TRY(is_pinned(op, all->items[i], options->pin, &pinned));
        if (pinned) *chosen = all->items[i];
    }
    if (!pinned) {
        SV_TRY(find_named(op, all, options->next_hop, chosen));
        if (*chosen == NULL) {
            return sv_fail(op->err, SV_AGREE, SIPVEIL_POLICY, "no certificate of the response names the next hop, %s",
                           options->next_hop != NULL ? SV_QUOTE(sv_span_str(options->next_hop)) : "which was not told");
        }
        SV_TRY(check_trusted(op, all, *chosen, options, now));
    }
    return sv_answer_check_recipient(*chosen, now, op->err);
}

sipveil_code sv_smime_accept_certificate(sv_operation *op, const sv_sip_view *response,
                                         const sipveil_agree_client_options *options, int64_t now, sipveil_span earlier,
                                         sipveil_span *der)
{
    sv_answer_certificates all = {.context = op->worker->context, .limits = op->limits, .arena = op->arena,
                                  .most = CERTIFICATES_MOST};
    X509 *chosen = NULL;
    *der = SV_SPAN("");
    SV_TRY(read_certificates(op, response, &all));
    if (all.count == 0) SV_TRY(read_kept(op, earlier, &all)); /* AGR-45; it may be of another hop, or out of time, by now */
    if (all.count == 0) return SIPVEIL_OK;
    sipveil_code code = judge(op, &all, options, now, &chosen);
    if (code == SIPVEIL_INTERNAL || code == SIPVEIL_USAGE) return code;
    if (code != SIPVEIL_OK) {
        sipveil_error why = *op->err;
        return sv_fail_rule(op->err, SV_AGREE, SIPVEIL_POLICY, "AGR-46", SIPVEIL_NO_OFFSET, "%s", why.text);
    }
    return write_kept(op, &all, chosen, der);
}

/* ---- client: what is sent then ---- */

static sipveil_code make_recipient(sipveil_worker *worker, sv_arena *arena, sipveil_span kept, sipveil_key **out,
                                   sipveil_error *err)
{
    X509 *certificate;
    sv_der first;
    sv_cursor c = sv_cursor_over(kept, "kept certificates");
    SV_TRY(sv_der_take(&c, &first, err));
    SV_TRY(sv_certificate_load(worker->context, first.whole, arena, &certificate, err));
    return sv_answer_make_recipient(worker->context, certificate, arena, out, err);
}

/* The mirrored list stays readable outside; what counts is the one inside. */
static sipveil_code put_outer_copy(sipveil_worker *worker, sipveil_span request, sipveil_span sealed, sipveil_span *out,
                                   sipveil_error *err)
{
    static const sv_field_id copied[] = {SV_F_SECURITY_VERIFY, SV_F_SECURITY_CLIENT};
    const sipveil_limits *limits = sipveil_context_limits(worker->context);
    sv_sip_view *inner = sv_arena_alloc_raw(worker->arena, sizeof *inner);
    sv_sip_view *outer = sv_arena_alloc_raw(worker->arena, sizeof *outer);
    sv_sip_edit edit;
    sv_buffer b;
    if (inner == NULL || outer == NULL) return sv_no_memory(err, SV_AGREE);
    SV_TRY(sv_sip_read(request, SV_SIP_DATAGRAM, limits, inner, err));
    SV_TRY(sv_sip_read(sealed, SV_SIP_DATAGRAM, limits, outer, err));
    sv_sip_edit_start(&edit, outer);
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        const sv_sip_field *row = sv_sip_first(inner, copied[i]);
        if (sv_sip_first(outer, copied[i]) != NULL) continue;
        for (; row != NULL; row = sv_sip_next(inner, row)) sv_sip_edit_add(&edit, row->line);
    }
    sv_buffer_init(&b, worker->arena, sealed.len + 1024, limits->message);
    SV_TRY(sv_sip_edit_write(&edit, &b, err));
    *out = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_AGREE, err);
}

sipveil_code sv_smime_seal(sipveil_worker *worker, const sipveil_agree_client_options *options, sipveil_span certificate,
                           sipveil_span request, int64_t now, sipveil_span *out, sipveil_error *err)
{
    sipveil_key *recipient = NULL;
    sipveil_seal_options seal;
    sipveil_sealed sealed;
    /* Sealing starts the worker's operation anew: what it needs stands in an arena of its own. */
    sv_arena *own = sv_arena_new(request.len + 16 * 1024, 16 * 1024 * 1024 + 4 * request.len);
    if (own == NULL) return sv_no_memory(err, SV_AGREE);
    sipveil_code code = sv_arena_copy(own, request, &request) ? make_recipient(worker, own, certificate, &recipient, err)
                                                              : sv_no_memory(err, SV_AGREE);
    if (code == SIPVEIL_OK) {
        const sipveil_key *recipients[] = {recipient}, *signers[] = {options->signer};
        sipveil_seal_options_default(&seal);
        seal.recipients = recipients;
        seal.recipient_count = 1;
        seal.signers = signers;
        seal.signer_count = options->signer != NULL ? 1 : 0;
        seal.date = SIPVEIL_DATE_FIXED; /* AGR-49: the server looks at it */
        seal.fixed_date = now;
        code = sipveil_tunnel_seal_message(worker, &seal, request, &sealed, err);
    }
    if (code == SIPVEIL_OK) code = put_outer_copy(worker, request, sealed.message, out, err);
    sv_arena_free(own);
    return code;
}
