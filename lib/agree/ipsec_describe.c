/* SPDX-License-Identifier: BSD-2-Clause */
/* What was agreed on, for whoever sets up the associations: as a structure, and as commands. */
#include <openssl/crypto.h>

#include "agree/ipsec_3gpp.h"
#include "sip/via.h"
#include "tunnel/operation.h"

/* One description in progress. */
typedef struct description {
    sv_arena *arena;
    const sipveil_limits *limits;
    const sipveil_agree_ipsec_options *options;
    sv_ipsec_set set;
    sv_ipsec_keys *keys; /* in the arena, which is wiped */
    sv_xfrm_view view;
} description;

/* Where the UE sends from: received, else sent-by of the topmost Via. */
static void find_ue(const sv_sip_view *view, sv_ip_address *out)
{
    sv_sip_via via;
    sipveil_span received;
    if (!sv_sip_top_via(view, &via)) return;
    if (sv_sip_param(via.params, "received", &received) && sv_ip_address_read(received, out)) return;
    (void)sv_ip_address_read(via.host, out);
}

/* Where it sends to: the first Route, else the Request-URI. */
static void find_pcscf(const sv_sip_view *view, sv_ip_address *out)
{
    sv_cursor c = sv_cursor_over(sv_sip_value(view, SV_F_ROUTE), "Route");
    sipveil_span uri = view->request_uri, inside;
    if (sv_take_until(&c, '<', &inside) && sv_take_if(&c, '<') && sv_take_until(&c, '>', &inside)) uri = inside;
    (void)sv_ip_address_read(sv_sip_host(uri), out);
}

static sipveil_code find_addresses(description *d, sipveil_error *err)
{
    const sipveil_agree_ipsec_options *o = d->options;
    d->view.at_pcscf = o->at_pcscf;
    if (o->message.len > 0) {
        sv_sip_view *view = sv_arena_alloc_raw(d->arena, sizeof *view);
        if (view == NULL) return sv_no_memory(err, SV_AGREE);
        SV_TRY(sv_sip_read(o->message, SV_SIP_DATAGRAM, d->limits, view, err));
        find_ue(view, &d->view.ue);
        if (view->is_request) find_pcscf(view, &d->view.pcscf);
    }
    if (o->ue != NULL && !sv_ip_address_read(sv_span_str(o->ue), &d->view.ue)) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "the address of the UE is no IP address: \"%s\"",
                       SV_QUOTE(sv_span_str(o->ue)));
    }
    if (o->pcscf == NULL || sv_ip_address_read(sv_span_str(o->pcscf), &d->view.pcscf)) return SIPVEIL_OK;
    return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "the address of the P-CSCF is no IP address: \"%s\"",
                   SV_QUOTE(sv_span_str(o->pcscf)));
}

/* AGR-17: the server's entry with the highest q that both can run. */
static sipveil_code agree_on(description *d, sipveil_error *err)
{
    const sipveil_agree_ipsec_options *o = d->options;
    sv_mechanism_list *client = sv_arena_alloc_raw(d->arena, sizeof *client);
    sv_mechanism_list *server = sv_arena_alloc_raw(d->arena, sizeof *server);
    const sv_mechanism *best = NULL;
    if (client == NULL || server == NULL) return sv_no_memory(err, SV_AGREE);
    SV_TRY(sv_mechanisms_read(o->client_list, "Security-Client", client, err));
    SV_TRY(sv_mechanisms_read(o->server_list, "Security-Server", server, err));
    for (size_t i = 0; i < server->count; i++) {
        const sv_mechanism *m = &server->items[i];
        if (m->kind != SV_MECH_IPSEC_3GPP || (best != NULL && sv_mechanism_q(m) <= sv_mechanism_q(best))) continue;
        if (sv_ipsec_agree(client, m, o->allow_weak, &d->set, err) == SIPVEIL_OK) best = m;
    }
    if (best != NULL) return sv_ipsec_agree(client, best, o->allow_weak, &d->set, err);
    if (err != NULL && err->code != SIPVEIL_OK) return err->code;
    return sv_fail_rule(err, SV_AGREE, SIPVEIL_UNSUPPORTED, "AGR-53", SIPVEIL_NO_OFFSET,
                        "Security-Server has no entry ipsec-3gpp");
}

static sipveil_code describe(sipveil_worker *worker, const sipveil_agree_ipsec_options *options, description *d,
                             sipveil_error *err)
{
    sv_ims_keys keys;
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || options == NULL || options->size != sizeof *options) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "worker and options (with their size) are needed");
    }
    *d = (description){.arena = worker->arena, .limits = sipveil_context_limits(worker->context), .options = options};
    d->keys = sv_arena_alloc(d->arena, sizeof *d->keys);
    if (d->keys == NULL) return sv_no_memory(err, SV_AGREE);
    SV_TRY(agree_on(d, err));
    sv_error_clear(err); /* why entries before the chosen one could not be run */
    SV_TRY(find_addresses(d, err));
    SV_TRY(sv_ims_keys_read(options->ims_keys, &keys, err));
    sipveil_code code = sv_ipsec_derive(worker->crypto, d->set.alg, d->set.ealg, &keys, d->keys, err);
    OPENSSL_cleanse(&keys, sizeof keys);
    return code;
}

static sipveil_span address_of(const description *d, bool ue)
{
    const sv_ip_address *address = ue ? &d->view.ue : &d->view.pcscf;
    sipveil_span copy = {0};
    (void)sv_arena_copy(d->arena, sv_span_str(address->text), &copy);
    return copy;
}

sipveil_code sipveil_agree_ipsec_describe(sipveil_worker *worker, const sipveil_agree_ipsec_options *options,
                                          sipveil_agree_ipsec *out, sipveil_error *err)
{
    description d;
    if (out == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "no place for the description");
    *out = (sipveil_agree_ipsec){0};
    SV_TRY(describe(worker, options, &d, err));
    out->alg = sv_ipsec_alg_name(d.set.alg);
    out->ealg = sv_ipsec_ealg_name(d.set.ealg);
    out->mode = sv_ipsec_mode_name(d.set.mode);
    out->integrity_key = sv_span(d.keys->integrity, d.keys->integrity_length);
    out->encryption_key = sv_span(d.keys->encryption, d.keys->encryption_length);
    if (d.keys->has_salt) out->salt = sv_span(d.keys->salt, SV_IPSEC_SALT);
    for (out->count = 0; out->count < d.set.count; out->count++) {
        const sv_ipsec_sa *sa = &d.set.sas[out->count];
        out->sas[out->count] = (sipveil_agree_sa){.outbound = sa->from_ue != d.view.at_pcscf,
                                                  .spi = sa->spi,
                                                  .from = address_of(&d, sa->from_ue),
                                                  .to = address_of(&d, !sa->from_ue),
                                                  .from_port = sa->from_port,
                                                  .to_port = sa->to_port};
    }
    return SIPVEIL_OK;
}

sipveil_code sipveil_agree_ipsec_commands(sipveil_worker *worker, const sipveil_agree_ipsec_options *options,
                                          sipveil_span *commands, sipveil_error *err)
{
    enum { EXPECTED = 4096, MOST = 1 << 16 };
    description d;
    sv_buffer out;
    if (commands == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "no place for the commands");
    *commands = SV_SPAN("");
    SV_TRY(describe(worker, options, &d, err));
    sv_buffer_init(&out, worker->arena, EXPECTED, MOST);
    sv_xfrm_put(&out, &d.set, &d.view, d.keys);
    SV_TRY(sv_buffer_check(&out, SV_AGREE, err));
    *commands = sv_buffer_span(&out);
    return SIPVEIL_OK;
}
