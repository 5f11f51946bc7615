/* SPDX-License-Identifier: BSD-2-Clause */
/* The response that a refusal puts on the wire: one answer for everything that failed after the first
 * use of a secret (TUN-90), and never more than the class (adversary classes; RFC 3261 8.2, 23.2). */
#include <stdio.h>

#include "base/hex.h"
#include "crypto/kdf.h"
#include "sip/response.h"
#include "sip/via.h"
#include "tunnel/operation.h"

/* TUN-18: what we can open. */
#define ACCEPTED                                                                                          \
    "Accept: application/sdp, application/pkcs7-mime, application/pkcs7-signature, multipart/signed, "    \
    "multipart/mixed, multipart/alternative, message/sip, message/sipfrag\r\n"

sipveil_code sv_make_refusal_tag(sv_crypto *crypto, sv_arena *arena, const sv_sip_view *view, uint8_t digits[2 * SV_TAG_OCTETS],
                                 sipveil_error *err)
{
    static const sv_field_id transaction[] = {SV_F_VIA, SV_F_CALL_ID, SV_F_CSEQ, SV_F_FROM};
    uint8_t octets[SV_HMAC_SHA256_LENGTH];
    sv_buffer said;
    sv_buffer_init(&said, arena, 256, view->head.len + 4);
    for (size_t i = 0; i < sizeof transaction / sizeof *transaction; i++) {
        sv_put(&said, sv_sip_value(view, transaction[i]));
        sv_put_byte(&said, 0); /* never in a value */
    }
    SV_TRY(sv_buffer_check(&said, SV_TUNNEL, err));
    SV_TRY(sv_hmac_sha256(crypto, SV_SPAN("sipveil tag of To"), sv_buffer_span(&said), octets, err));
    sv_write_hex(digits, sv_span(octets, SV_TAG_OCTETS));
    return SIPVEIL_OK;
}

sipveil_code sv_make_answer(sv_operation *op, const sv_sip_view *view, const sv_answer *answer, sipveil_span *response)
{
    sv_buffer b;
    uint8_t tag[2 * SV_TAG_OCTETS];
    *response = sv_span(NULL, 0);
    sipveil_span own = answer->tag;
    if (own.len == 0) {
        if (answer->status >= 300) SV_TRY(sv_make_refusal_tag(op->crypto, op->arena, view, tag, op->err));
        else SV_TRY(sv_random_hex(op->crypto, tag, SV_TAG_OCTETS, op->err)); /* of a dialog, perhaps */
        own = sv_span(tag, sizeof tag);
    }
    sv_buffer_init(&b, op->arena, 1024 + answer->body.len, op->limits->message);
    SV_TRY(sv_sip_write_response(view,
                                 &(sv_sip_response){.status = answer->status, .phrase = answer->phrase,
                                                    .rows = answer->rows, .content_rows = answer->content_rows,
                                                    .body = answer->body, .tag = answer->status == 100 ? sv_span(NULL, 0) : own},
                                 &b, op->err));
    *response = sv_buffer_span(&b);
    return SIPVEIL_OK;
}

/* Our certificate for the address that the request is for, fit to be encrypted to; NULL: none. */
static const sipveil_key *find_own_certificate(const sv_operation *op, const sipveil_keyring *ring, int64_t now,
                                               const sv_sip_view *view)
{
    sv_sip_address to;
    if (sv_sip_read_address(sv_sip_value(view, SV_F_TO), &to, NULL) != SIPVEIL_OK) return NULL;
    for (size_t i = 0; ring != NULL && i < sipveil_keyring_count(ring); i++) {
        const sipveil_key *key = sipveil_keyring_at(ring, i);
        sv_certificate_names names;
        if (key->kind != SIPVEIL_KEY_PRIVATE || key->cms.certificate == NULL ||
            sv_keys_check_recipient(NULL, key, now, NULL) != SIPVEIL_OK ||
            sv_certificate_read_names(key->cms.certificate, op->arena, &names, NULL) != SIPVEIL_OK) {
            continue;
        }
        for (size_t k = 0; k < names.aor_count; k++) {
            if (sv_sip_same_aor(names.aors[k], to.uri)) return key;
        }
    }
    return NULL;
}

/* TUN-11: what the originator needs to do better. Chosen by the request's To and the ring alone, so that every
 * 493 stays the same answer (TUN-90). */
sipveil_code sv_answer_put_certificate(sv_operation *op, const sipveil_key *key, sv_answer *answer)
{
    enum { CERTIFICATES_MOST = 8, DER_MOST = 1 << 16 };
    X509 *all[CERTIFICATES_MOST];
    size_t count = 0;
    sv_buffer der;
    all[count++] = key->cms.certificate;
    for (int i = 0; key->chain != NULL && i < sk_X509_num(key->chain) && count < CERTIFICATES_MOST; i++) {
        all[count++] = sk_X509_value(key->chain, i);
    }
    sv_buffer_init(&der, op->arena, 2048, DER_MOST);
    SV_TRY(sv_cms_put_certificates(all, count, op->arena, &der, op->err));
    SV_TRY(sv_buffer_check(&der, SV_TUNNEL, op->err));
    answer->body = sv_buffer_span(&der);
    answer->content_rows = SV_SPAN("MIME-Version: 1.0\r\n"
                                   "Content-Type: application/pkcs7-mime; smime-type=certs-only; name=smime.p7c\r\n"
                                   "Content-Transfer-Encoding: binary\r\n"
                                   "Content-Disposition: attachment; filename=smime.p7c; handling=optional\r\n");
    return SIPVEIL_OK;
}

/* ADV-220: where the source may be forged, an answer that is more than half as large again as its request
 * stays without what it need not have. */
static sipveil_code make_small_answer(sv_operation *op, const sv_sip_view *view, size_t size, sv_answer *answer,
                                      sipveil_span *response)
{
    SV_TRY(sv_make_answer(op, view, answer, response));
    if (answer->rows.len == 0 || response->len <= size + size / 2) return SIPVEIL_OK;
    answer->rows = SV_SPAN("");
    return sv_make_answer(op, view, answer, response);
}

sipveil_code sipveil_tunnel_write_refusal(sipveil_worker *worker, const sipveil_open_options *options, sipveil_span message,
                                   const sipveil_error *why, sipveil_span *response, sipveil_error *err)
{
    return sv_answer_refusal(worker, options, message, why, NULL, response, err);
}

sipveil_code sv_answer_refusal(sipveil_worker *worker, const sipveil_open_options *options, sipveil_span message,
                               const sipveil_error *why, sv_answer_extra extra, sipveil_span *response, sipveil_error *err)
{
    sipveil_error local, reason = {0};
    if (why != NULL) reason = *why; /* err may be the same place */
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || options == NULL || why == NULL || response == NULL) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "worker, options, reason and place are needed");
    }
    *response = sv_span(NULL, 0);
    if (reason.code == SIPVEIL_OK) return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "there is no refusal to answer with");
    sv_answer answer = {.status = reason.sip_status >= 400 && reason.sip_status <= 699 ? reason.sip_status : 500};
    bool tunnel_required = answer.status == 403 && strcmp(reason.rule, "TUN-73") == 0;
    if (tunnel_required) answer.phrase = SV_SPAN("Tunnel Required");
    if (answer.status == 415 || tunnel_required) answer.rows = SV_SPAN(ACCEPTED);
    SV_TRY(sv_worker_begin_with(worker, &message, err));
    sv_operation *op = &worker->operation;
    op->err = err;
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(err, SV_TUNNEL);
    sipveil_code code = sv_sip_read(message, SV_SIP_DATAGRAM, op->limits, view, err);
    if (code != SIPVEIL_OK && sv_sip_read_answerable(message, op->limits, op->arena, view, NULL) != SIPVEIL_OK) return code;
    if (!sv_sip_source_is_confirmed(view)) return make_small_answer(op, view, message.len, &answer, response);
    if (answer.status == 493) {
        const sipveil_key *own = find_own_certificate(op, options->keyring, options->has_at ? options->at : sv_now(worker->context), view);
        if (own != NULL) SV_TRY(sv_answer_put_certificate(op, own, &answer));
        if (extra != NULL) SV_TRY(extra(op, view, own, &answer));
    }
    return sv_make_answer(op, view, &answer, response);
}
