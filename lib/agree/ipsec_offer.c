/* SPDX-License-Identifier: BSD-2-Clause */
/* AGR-51: a list in which ipsec-3gpp stands for "what we have" becomes one with algorithms, SPIs and ports. */
#include "agree/ipsec_3gpp.h"
#include "tunnel/operation.h"

static bool lacks_spis(const sv_mechanism *m)
{
    return m->kind == SV_MECH_IPSEC_3GPP && sv_mechanism_parameter(m, "spi") == NULL &&
           sv_mechanism_parameter(m, "spi-c") == NULL && sv_mechanism_parameter(m, "spi-s") == NULL;
}

/* Ports that an entry names are the caller's choice: only the host knows which are free. */
static void take_ports(const sv_mechanism_list *list, sv_ipsec_end *end)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!lacks_spis(&list->items[i])) continue;
        sv_ipsec_entry entry = sv_ipsec_read(&list->items[i]);
        if (end->port_c == 0) end->port_c = entry.end.port_c;
        if (end->port_s == 0) end->port_s = entry.end.port_s;
    }
}

/* Its own parameters but for the ports, which follow with the SPIs. */
static void put_completed(sv_buffer *out, const sv_mechanism *m, const sv_ipsec_end *end)
{
    sv_parameter kept[SV_MECHANISM_PARAMETERS_MOST];
    sv_mechanism bare = *m;
    bare.parameters = kept;
    bare.parameter_count = 0;
    for (size_t i = 0; i < m->parameter_count; i++) {
        const sv_parameter *p = &m->parameters[i];
        if (!sv_equal_nocase_str(p->name, "port-c") && !sv_equal_nocase_str(p->name, "port-s")) {
            kept[bare.parameter_count++] = *p;
        }
    }
    sv_mechanism_put(out, &bare, true);
    sv_ipsec_put_end(out, end);
}

void sv_ipsec_complete(sv_buffer *out, const sv_mechanism_list *list, const sv_ipsec_end *end, bool allow_weak)
{
    for (size_t i = 0; i < list->count; i++) {
        const sv_mechanism *m = &list->items[i];
        if (i > 0) sv_put_str(out, ", ");
        if (!lacks_spis(m)) sv_mechanism_put(out, m, true);
        else if (sv_mechanism_parameter(m, "alg") != NULL) put_completed(out, m, end);
        else sv_ipsec_put_offer(out, end, allow_weak);
    }
}

sipveil_code sipveil_agree_complete_list(sipveil_worker *worker, sipveil_span text, bool allow_weak,
                                         sipveil_span *completed, sipveil_error *err)
{
    sv_buffer out;
    sv_ipsec_end end = {0};
    bool any = false;
    sv_error_clear(err);
    if (worker == NULL || completed == NULL) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "worker and a place for the list are needed");
    }
    *completed = SV_SPAN("");
    sv_worker_begin(worker);
    sv_mechanism_list *list = sv_arena_alloc_raw(worker->arena, sizeof *list);
    if (list == NULL) return sv_no_memory(err, SV_AGREE);
    SV_TRY(sv_mechanisms_read(sv_trim(text), "the list", list, err));
    for (size_t i = 0; i < list->count; i++) any |= lacks_spis(&list->items[i]);
    if (!any) {
        *completed = text;
        return SIPVEIL_OK;
    }
    take_ports(list, &end);
    SV_TRY(sv_ipsec_make_end(worker->crypto, NULL, &end, err));
    sv_buffer_init(&out, worker->arena, text.len + 512, SV_MECHANISM_LIST_MOST);
    sv_ipsec_complete(&out, list, &end, allow_weak);
    SV_TRY(sv_buffer_check(&out, SV_AGREE, err));
    *completed = sv_buffer_span(&out);
    return SIPVEIL_OK;
}
