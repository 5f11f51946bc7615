/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a list came back as it was sent (RFC 3329 2.3.1). Both are brought to one form: the own list once, the
 * received one in time that depends on nothing but itself; then the octets are compared in constant time (AGR-16). */
#include "agree/list.h"

/* By name without case. */
static int order_of(sipveil_span a, sipveil_span b)
{
    size_t both = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < both; i++) {
        int difference = (uint8_t)sv_lower(a.data[i]) - (uint8_t)sv_lower(b.data[i]);
        if (difference != 0) return difference;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

/* Tokens have no case, quoted strings have (AGR-06); the two are never the same. */
static void put_parameter(sv_buffer *out, const sv_parameter *p)
{
    sv_put_byte(out, ';');
    sv_put_lower(out, p->name);
    if (!p->has_value) return;
    sv_put_byte(out, '=');
    if (!p->quoted) {
        sv_put_lower(out, p->value);
        return;
    }
    sv_put_byte(out, '"');
    sv_put(out, p->value);
    sv_put_byte(out, '"');
}

static void put_entry(sv_buffer *out, const sv_mechanism *m, const sv_parameter *left_out)
{
    const sv_parameter *sorted[SV_MECHANISM_PARAMETERS_MOST];
    size_t count = 0;
    for (size_t i = 0; i < m->parameter_count; i++) {
        const sv_parameter *p = &m->parameters[i];
        if (p == left_out || sv_equal_nocase_str(p->name, "q")) continue;
        size_t at = count++;
        for (; at > 0 && order_of(sorted[at - 1]->name, p->name) > 0; at--) sorted[at] = sorted[at - 1];
        sorted[at] = p;
    }
    sv_put_lower(out, m->name);
    sv_put_str(out, ";q=");
    sv_put_number(out, (uint64_t)sv_mechanism_q(m));
    for (size_t i = 0; i < count; i++) put_parameter(out, sorted[i]);
}

void sv_mechanisms_put_canonical(sv_buffer *out, const sv_mechanism_list *list, bool without_dver,
                                 sipveil_agree_profile profile)
{
    for (size_t i = 0; i < list->count; i++) {
        const sv_mechanism *m = &list->items[i];
        if (i > 0) sv_put_byte(out, ',');
        put_entry(out, m, without_dver ? sv_mechanism_digest_field(m, SV_D_VER, profile) : NULL);
    }
}

sipveil_code sv_mechanisms_compare(const sipveil_agree_list *own, const sv_mechanism_list *received, sv_arena *arena,
                                   sipveil_agree_comparison *result, sipveil_error *err)
{
    sv_buffer canonical;
    sv_buffer_init(&canonical, arena, received->text.len + 8 * (size_t)SV_MECHANISMS_MOST, 2 * SV_MECHANISM_LIST_MOST);
    sv_mechanisms_put_canonical(&canonical, received, true, own->profile);
    *result = SIPVEIL_AGREE_SYNTAX;
    if (canonical.failed) return canonical.past_most ? SIPVEIL_OK : sv_no_memory(err, SV_AGREE);
    bool same = sv_equal_constant_time(sv_buffer_span(&canonical), own->canonical);
    *result = same ? SIPVEIL_AGREE_SAME : SIPVEIL_AGREE_CHANGED;
    return SIPVEIL_OK;
}
