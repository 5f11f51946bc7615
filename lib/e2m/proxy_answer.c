/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hop tells the UA that it refused: the status, its need, its certificate. */
#include "e2m/proxy.h"
#include "keys/certificate.h"
#include "sip/edit.h"
#include "sip/via.h"

/* The hop's certificate: the first one that names it. A UA that asks for its own hop has no key of it (E2M-45). */
sipveil_code sv_hop_certificate(const sv_hop *hop, const sipveil_key **out)
{
    *out = NULL;
    const sipveil_keyring *ring = hop->options->open.keyring;
    for (size_t i = 0; i < sipveil_keyring_count(ring); i++) {
        const sipveil_key *key = sipveil_keyring_at(ring, i);
        sv_certificate_names names;
        if (key->cms.kind != SV_CMS_KEY_CERTIFICATE) continue;
        SV_TRY(sv_certificate_read_names(key->cms.certificate, hop->op->arena, &names, hop->op->err));
        for (size_t k = 0; k < names.host_count && *out == NULL; k++) {
            if (sv_equal_nocase(names.hosts[k], hop->names.names[0].host)) *out = key;
        }
        if (*out != NULL) return SIPVEIL_OK;
    }
    return SIPVEIL_OK;
}

/* Under our own name, which the operator's row may write in another way. */
static void put_own_name(const sv_hop *hop, sipveil_e2m_need *need)
{
    const sv_hop_name *me = &hop->names.names[0];
    need->host = me->host;
    need->has_port = me->has_port;
    need->port = me->port;
}

/* What we ask for: what the label asked of us, or what our row demands. */
static sipveil_e2m_need need_of(const sv_hop *hop, sv_refusal refusal)
{
    const sv_policy_row *row = hop->concern.row;
    sipveil_e2m_need need = {.for_requests = true};
    if (row != NULL) need = row->need;
    put_own_name(hop, &need);
    if (row == NULL || refusal == SV_REFUSE_VERIFY) need.need = hop->act;
    if (need.need == SIPVEIL_E2M_NONE || need.need == SIPVEIL_E2M_OTHER) need.need = SIPVEIL_E2M_VIEW;
    if (refusal == SV_REFUSE_VERIFY && need.need == SIPVEIL_E2M_VIEW) need.need = SIPVEIL_E2M_VERIFY;
    need.keep = need.keep || hop->keep || hop->options->open.memory != NULL;
    need.rekey = refusal == SV_REFUSE_KEY_LOST;
    return need;
}

static sipveil_code put_fingerprint(const sv_hop *hop, const sipveil_key *own, sipveil_e2m_need *need)
{
    if (own == NULL) return SIPVEIL_OK;
    need->has_fingerprint = true;
    return sv_certificate_fingerprint(hop->op->worker->context, own->cms.certificate, need->fingerprint, hop->op->err);
}

/* Only for people, never acted upon (RFC 3261 20.43); the codes of the drafts are. */
static void put_warning(const sv_hop *hop, sv_buffer *b, const sipveil_e2m_need *need, sv_refusal refusal)
{
    bool verify = refusal == SV_REFUSE_VERIFY;
    bool draft = hop->options->profile == SIPVEIL_E2M_PROFILE_DRAFT && refusal != SV_REFUSE_KEY_LOST;
    sv_put_str(b, draft ? verify ? "Warning: 381 " : "Warning: 380 " : "Warning: 399 ");
    sv_put(b, need->host);
    sv_put_str(b, draft ? verify ? " \"Required to verify" : " \"Required to view"
                  : refusal == SV_REFUSE_KEY_LOST ? " \"The key of an earlier message is lost: send with all recipients"
                  : verify ? " \"The body has to be signed for this proxy"
                           : " \"The body has to be readable for this proxy");
    if (draft && need->type.len > 0) {
        sv_put_str(b, " '");
        sv_put(b, need->type);
        sv_put_str(b, "'");
    }
    sv_put_str(b, "\"\r\n");
}

static int status_of(const sv_hop *hop, sv_refusal refusal, const sipveil_error *why)
{
    bool draft = hop->options->profile == SIPVEIL_E2M_PROFILE_DRAFT;
    switch (refusal) {
    case SV_REFUSE_VERIFY: return draft ? 495 : 488;
    case SV_REFUSE_VIEW: return draft && hop->options->use_496 ? 496 : 493;
    case SV_REFUSE_KEY_LOST: return 493;
    default: return why->sip_status >= 400 && why->sip_status <= 699 ? why->sip_status : 500;
    }
}

/* ADV-220: the source of a datagram may be forged: where the certificate would make the answer larger than the request by half,
 * the fingerprint has to do, and the certificate comes over TCP or TLS. */
static bool is_too_large(const sv_hop *hop, const sv_sip_view *view, const sv_answer *answer, size_t size)
{
    return answer->body.len > 0 && !hop->options->protected_hop && sv_sip_is_amplified(view, size);
}

sipveil_code sv_hop_answer(const sv_hop *hop, const sv_sip_view *view, sv_refusal refusal, const sipveil_error *why,
                           sipveil_span *response)
{
    sv_answer answer = {.status = status_of(hop, refusal, why)};
    sv_buffer rows;
    if (refusal == SV_REFUSE_PLAIN) return sv_make_answer(hop->op, view, &answer, response);
    const sipveil_key *own;
    SV_TRY(sv_hop_certificate(hop, &own));
    sipveil_e2m_need need = need_of(hop, refusal);
    if (own != NULL) SV_TRY(sv_answer_put_certificate(hop->op, own, &answer));
    SV_TRY(put_fingerprint(hop, own, &need));
    sv_buffer_init(&rows, hop->op->arena, 512, 4096);
    sv_put_str(&rows, "Proxy-Body-Need: ");
    sv_need_put(&rows, &need);
    sv_put_str(&rows, "\r\n");
    put_warning(hop, &rows, &need, refusal);
    SV_TRY(sv_buffer_check(&rows, SV_E2M, hop->op->err));
    answer.rows = sv_buffer_span(&rows);
    SV_TRY(sv_make_answer(hop->op, view, &answer, response));
    if (!is_too_large(hop, view, &answer, response->len)) return SIPVEIL_OK;
    sv_report_warning(hop->op, "ADV-220", "the certificate stays out of an answer over UDP that would have %zu octets", response->len);
    answer.body = answer.content_rows = SV_SPAN("");
    return sv_make_answer(hop->op, view, &answer, response);
}

/* ---- told beforehand ---- */

static bool is_told(const sipveil_e2m_need *needs, size_t count, const sipveil_e2m_need *need)
{
    for (size_t i = 0; i < count; i++) {
        const sipveil_e2m_need *one = &needs[i];
        if (sv_equal_nocase(one->host, need->host) && one->need == need->need &&
            sv_equal_nocase(one->type, need->type) && one->for_requests == need->for_requests &&
            one->for_responses == need->for_responses) {
            return true;
        }
    }
    return false;
}

static sipveil_code put_needs(sv_hop *hop, const sv_sip_view *view, sv_buffer *rows)
{
    sipveil_e2m_need told[SIPVEIL_E2M_NEEDS_MOST];
    size_t count;
    const sipveil_key *own;
    const sipveil_e2m_policy *policy = hop->options->policy;
    SV_TRY(sv_needs_read(view, told, SIPVEIL_E2M_NEEDS_MOST, &count, hop->op->err));
    for (size_t i = 0; i < policy->count && count < SIPVEIL_E2M_NEEDS_MOST; i++) {
        sipveil_e2m_need need = policy->rows[i].need;
        put_own_name(hop, &need);
        if (is_told(told, count, &need)) continue;
        need.keep = need.keep || hop->options->open.memory != NULL;
        SV_TRY(sv_hop_certificate(hop, &own));
        SV_TRY(put_fingerprint(hop, own, &need));
        told[count++] = need;
        sv_put_str(rows, "Proxy-Body-Need: ");
        sv_need_put(rows, &need);
        sv_put_str(rows, "\r\n");
    }
    return sv_buffer_check(rows, SV_E2M, hop->op->err);
}

sipveil_code sv_hop_tell_needs(sv_hop *hop, const sv_sip_view *view, sipveil_span *message)
{
    sv_operation *op = hop->op;
    bool probe = sv_equal_str(view->method, "OPTIONS") || sv_equal_str(view->method, "REGISTER");
    sv_buffer rows, b;
    if (!hop->options->tell_needs || hop->options->policy == NULL || view->is_request || view->status / 100 != 2 ||
        !probe) {
        return SIPVEIL_OK;
    }
    sv_buffer_init(&rows, op->arena, 512, op->limits->header_field);
    SV_TRY(put_needs(hop, view, &rows));
    if (rows.len == 0) return SIPVEIL_OK;
    sv_sip_edit *edit = sv_arena_alloc_raw(op->arena, sizeof *edit);
    if (edit == NULL) return sv_no_memory(op->err, SV_E2M);
    sv_sip_edit_start(edit, view);
    sv_sip_edit_add(edit, sv_buffer_span(&rows));
    sv_buffer_init(&b, op->arena, view->whole.len + rows.len, op->limits->message * 2);
    SV_TRY(sv_sip_edit_write(edit, &b, op->err));
    sv_report_check(op, "E2M-68", SIPVEIL_CHECK_PASSED, "what this hop demands was added to the answer of a probe");
    *message = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
