/* SPDX-License-Identifier: BSD-2-Clause */
/* Decisions of a P-CSCF that need facts about a connection or a subscriber (TUN-73..75, TUN-81). */
#include <string.h>

#include "crypto/kdf.h"
#include "crypto/sign.h"
#include "tunnel/layer.h"

enum { KEY_ID = 16, AKA_RAND = 16, IMS_CK = 16 };

bool sipveil_pcscf_never_sealed(sipveil_span method, unsigned status, unsigned acked_status)
{
    if (status == 100) return true;
    if (sv_equal_str(method, "CANCEL")) return status == 0 || status == 200;
    return sv_equal_str(method, "ACK") && status == 0 && acked_status >= 300;
}

static sipveil_code bad_argument(sipveil_error *err, const char *what)
{
    return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "%s", what);
}

sipveil_code sipveil_pcscf_key_identifier(sipveil_worker *worker, const char *impi, sipveil_span rand,
                                          uint8_t out[16], sipveil_error *err)
{
    uint8_t digest[SV_DIGEST_MOST];
    sv_buffer b;
    memset(out, 0, KEY_ID);
    if (worker == NULL || impi == NULL || impi[0] == '\0') return bad_argument(err, "worker and IMPI are needed");
    if (rand.len != AKA_RAND) return bad_argument(err, "RAND of an AKA challenge has 16 octets");
    sv_worker_begin(worker);
    sv_buffer_init(&b, worker->arena, 256, 4096);
    sv_put_str(&b, "sipveil-ims-ck");
    sv_put_byte(&b, 0);
    sv_put_str(&b, impi);
    sv_put_byte(&b, 0);
    sv_put(&b, rand);
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, err));
    SV_TRY(sv_digest_octets(worker->crypto, sv_digest_by_name("sha256"), sv_buffer_span(&b), digest, err));
    memcpy(out, digest, KEY_ID);
    return SIPVEIL_OK;
}

sipveil_code sipveil_pcscf_derive_kek(sipveil_worker *worker, sipveil_span ck, sipveil_span rand,
                                      sipveil_span key_identifier, uint8_t out[16], sipveil_error *err)
{
    sv_buffer info;
    memset(out, 0, IMS_CK);
    if (worker == NULL || ck.len != IMS_CK) return bad_argument(err, "worker and a CK of 16 octets are needed");
    if (rand.len != AKA_RAND) return bad_argument(err, "RAND of an AKA challenge has 16 octets");
    sv_worker_begin(worker);
    sv_buffer_init(&info, worker->arena, 64, 2048);
    sv_put_str(&info, "sipveil pcscf kek");
    sv_put(&info, key_identifier);
    SV_TRY(sv_buffer_check(&info, SV_TUNNEL, err));
    return sv_kdf_hkdf(worker->crypto, SV_HASH_SHA256, ck, rand, sv_buffer_span(&info), out, IMS_CK, err);
}

/* The recipients of the top-level layer, read without any key; NULL if the body is none. */
static sipveil_code top_layer(sv_operation *op, const sv_sip_view *view, const sv_enveloped **out)
{
    sv_mime_entity *entity = sv_arena_alloc_raw(op->arena, sizeof *entity);
    sv_enveloped *e = sv_arena_alloc(op->arena, sizeof *e);
    sipveil_span octets, content;
    sv_cms_type type;
    *out = NULL;
    if (entity == NULL || e == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    if (view->body.len == 0) return SIPVEIL_OK;
    SV_TRY(sv_entity_of_body(view, op->limits, 0, entity, op->err));
    if (!sv_is_pkcs7(&entity->type, "pkcs7-mime")) return SIPVEIL_OK;
    SV_TRY(sv_mime_decoded_content(entity, op->arena, &octets, op->err));
    SV_TRY(sv_cms_read_content_info(octets, op->limits, &type, &content, op->err));
    if (type != SV_CMS_ENVELOPED && type != SV_CMS_AUTH_ENVELOPED) return SIPVEIL_OK;
    SV_TRY(sv_cms_read_enveloped(content, type == SV_CMS_AUTH_ENVELOPED, op->limits, &op->policy, op->arena, e,
                                 op->err));
    *out = e;
    return SIPVEIL_OK;
}

static bool is_for_subscriber(const sv_enveloped *e, const sipveil_keyring *keys, bool *has_kek)
{
    size_t count = 0;
    const sv_cms_key *held = keys != NULL ? sv_keyring_cms_keys(keys, &count) : NULL;
    bool found = false;
    for (size_t i = 0; i < e->recipient_count; i++) {
        if (sv_cms_recipient_kind(e, i) != SV_RECIPIENT_KEKRI) continue;
        *has_kek = true;
        for (size_t k = 0; k < count; k++) found |= sv_cms_fits_at(e, i, &held[k]);
    }
    return found;
}

sipveil_code sipveil_pcscf_decide(sipveil_worker *worker, const sipveil_pcscf_facts *facts, sipveil_span message,
                                  sipveil_pcscf_decision *decision, sipveil_error *err)
{
    sipveil_error local;
    const sv_enveloped *e;
    bool has_kek = false;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || facts == NULL || decision == NULL) return bad_argument(err, "worker, facts and decision are needed");
    *decision = SIPVEIL_PCSCF_REFUSE;
    SV_TRY(sv_worker_begin_with(worker, &message, err));
    sv_operation *op = &worker->operation;
    op->err = err;
    sv_sip_view *view = sv_arena_alloc_raw(op->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(err, SV_TUNNEL);
    SV_TRY(sv_sip_read(message, SV_SIP_DATAGRAM, op->limits, view, err));
    *decision = SIPVEIL_PCSCF_FORWARD;
    if (!facts->from_access_side || (!facts->tunnel_allowed && !facts->tunnel_required)) return SIPVEIL_OK;
    bool exempt = sipveil_pcscf_never_sealed(view->method, view->is_request ? 0 : view->status, facts->acked_status);
    if (top_layer(op, view, &e) == SIPVEIL_INTERNAL) return SIPVEIL_INTERNAL;
    sv_error_clear(err); /* a body that cannot be read is for the far end to refuse, unless a tunnel is required */
    if (e != NULL && is_for_subscriber(e, facts->subscriber_keys, &has_kek)) {
        *decision = SIPVEIL_PCSCF_OPEN;
        return SIPVEIL_OK;
    }
    if (has_kek && facts->request_uri_is_us) {
        *decision = SIPVEIL_PCSCF_REFUSE;
        sv_fail_rule(err, SV_TUNNEL, SIPVEIL_NO_KEY, "TUN-73", SIPVEIL_NO_OFFSET,
                     "sealed with a shared key that this subscriber does not have");
        return SIPVEIL_OK; /* the decision was made; err says how to refuse */
    }
    if (facts->tunnel_required && !exempt) {
        *decision = SIPVEIL_PCSCF_REFUSE;
        sv_fail_rule(err, SV_TUNNEL, SIPVEIL_POLICY, "TUN-73", SIPVEIL_NO_OFFSET, "this interface demands a tunnel, and the request comes in none");
    }
    return SIPVEIL_OK;
}
