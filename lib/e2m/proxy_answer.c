/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hop tells the UA that it refused: the status, its need, its certificate. */
#include "e2m/proxy.h"
#include "keys/certificate.h"

/* The hop's certificate: the first one that names it. A UA that asks for its own hop has no key of it (E2M-45). */
const sipveil_key *sv_hop_certificate(const sv_hop *hop)
{
    const sipveil_keyring *ring = hop->options->open.keyring;
    for (size_t i = 0; i < sipveil_keyring_count(ring); i++) {
        const sipveil_key *key = sipveil_keyring_at(ring, i);
        sv_certificate_names names;
        if (key->cms.kind != SV_CMS_KEY_CERTIFICATE ||
            sv_certificate_read_names(key->cms.certificate, hop->op->arena, &names, NULL) != SIPVEIL_OK) {
            continue;
        }
        for (size_t k = 0; k < names.host_count; k++) {
            if (sv_equal_nocase(names.hosts[k], hop->names.names[0].host)) return key;
        }
    }
    return NULL;
}

static sipveil_code put_certificate(const sv_hop *hop, const sipveil_key *key, sv_answer *answer)
{
    X509 *all[8];
    size_t count = 0;
    sv_buffer der;
    all[count++] = key->cms.certificate;
    for (int i = 0; key->chain != NULL && i < sk_X509_num(key->chain) && count < 8; i++) {
        all[count++] = sk_X509_value(key->chain, i);
    }
    sv_buffer_init(&der, hop->op->arena, 2048, 1 << 16);
    SV_TRY(sv_cms_put_certificates(all, count, hop->op->arena, &der, hop->op->err));
    SV_TRY(sv_buffer_check(&der, SV_E2M, hop->op->err));
    answer->body = sv_buffer_span(&der);
    answer->content_rows = SV_SPAN("Content-Type: application/pkcs7-mime; smime-type=certs-only; name=smime.p7c\r\n"
                                   "Content-Transfer-Encoding: binary\r\n"
                                   "Content-Disposition: attachment; filename=smime.p7c; handling=optional\r\n");
    return SIPVEIL_OK;
}

/* What we ask for: what the label asked of us, or what our row demands. */
static sipveil_e2m_need need_of(const sv_hop *hop, sv_refusal refusal)
{
    const sv_hop_name *me = &hop->names.names[0];
    const sv_policy_row *row = hop->concern.row;
    sipveil_e2m_need need = {.host = me->host, .has_port = me->has_port, .port = me->port, .for_requests = true};
    if (row != NULL) {
        need = row->need;
        need.host = me->host;
        need.has_port = me->has_port;
        need.port = me->port;
    }
    if (row == NULL || refusal == SV_REFUSE_VERIFY) need.need = hop->act;
    if (need.need == SIPVEIL_E2M_NONE || need.need == SIPVEIL_E2M_OTHER) need.need = SIPVEIL_E2M_VIEW;
    if (refusal == SV_REFUSE_VERIFY && need.need == SIPVEIL_E2M_VIEW) need.need = SIPVEIL_E2M_VERIFY;
    need.keep = need.keep || hop->keep || hop->options->open.memory != NULL;
    need.rekey = refusal == SV_REFUSE_KEY_LOST;
    return need;
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

sipveil_code sv_hop_answer(const sv_hop *hop, const sv_sip_view *view, sv_refusal refusal, const sipveil_error *why,
                           sipveil_span *response)
{
    sv_answer answer = {.status = status_of(hop, refusal, why)};
    sv_buffer rows;
    if (refusal == SV_REFUSE_PLAIN) return sv_make_answer(hop->op, view, &answer, response);
    const sipveil_key *own = sv_hop_certificate(hop);
    sipveil_e2m_need need = need_of(hop, refusal);
    if (own != NULL) {
        SV_TRY(put_certificate(hop, own, &answer));
        SV_TRY(sv_certificate_fingerprint(hop->op->worker->context, own->cms.certificate, need.fingerprint, hop->op->err));
        need.has_fingerprint = true;
    }
    sv_buffer_init(&rows, hop->op->arena, 512, 4096);
    sv_put_str(&rows, "Proxy-Body-Need: ");
    sv_need_put(&rows, &need);
    sv_put_str(&rows, "\r\n");
    put_warning(hop, &rows, &need, refusal);
    SV_TRY(sv_buffer_check(&rows, SV_E2M, hop->op->err));
    answer.rows = sv_buffer_span(&rows);
    return sv_make_answer(hop->op, view, &answer, response);
}
