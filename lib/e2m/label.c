/* SPDX-License-Identifier: BSD-2-Clause */
#include "e2m/label.h"

#include "base/field.h"
#include "sip/address.h"
#include "sip/uri.h"

bool sv_take_hop(sv_cursor *c, sv_hop_name *out)
{
    sv_cursor at = *c;
    *out = (sv_hop_name){0};
    if (!sv_sip_take_host(&at, &out->host)) return false;
    out->has_port = sv_take_if(&at, ':');
    if (out->has_port && !sv_sip_read_port(sv_take_while(&at, sv_is_digit), &out->port)) return false;
    *c = at;
    return true;
}

bool sv_same_hop(const sv_hop_name *a, const sv_hop_name *b)
{
    return sv_equal_nocase(a->host, b->host) && (!a->has_port || !b->has_port || a->port == b->port);
}

static const char *const act_names[] = {
    [SIPVEIL_E2M_NONE] = "", [SIPVEIL_E2M_VIEW] = "view", [SIPVEIL_E2M_VERIFY] = "verify",
    [SIPVEIL_E2M_BOTH] = "both", [SIPVEIL_E2M_OTHER] = "other",
};

const char *sv_act_name(sipveil_e2m_act act)
{
    return (unsigned)act < sizeof act_names / sizeof *act_names ? act_names[act] : "";
}

sipveil_e2m_act sv_act_of(sipveil_span word)
{
    for (sipveil_e2m_act act = SIPVEIL_E2M_VIEW; act <= SIPVEIL_E2M_BOTH; act++) {
        if (sv_equal_nocase_str(word, act_names[act])) return act;
    }
    return SIPVEIL_E2M_OTHER;
}

static bool is_cid_octet(uint8_t c)
{
    return sv_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '=' || c == '/' ||
           c == '%' || c == '[' || c == ']' || c == ':';
}

/* id-left "@" id-right; brackets and colons only on the right, for an IPv6 reference. */
bool sv_is_cid(sipveil_span cid)
{
    sv_cursor c = sv_cursor_over(cid, "cid");
    sipveil_span left = sv_take_while(&c, is_cid_octet), right;
    size_t at;
    if (left.len == 0 || sv_find_byte(left, '[', &at) || sv_find_byte(left, ']', &at) ||
        sv_find_byte(left, ':', &at) || !sv_take_if(&c, '@')) {
        return false;
    }
    right = sv_take_while(&c, is_cid_octet);
    return right.len > 0 && sv_at_end(&c);
}

void sv_skip_value(sv_cursor *c)
{
    uint8_t next;
    sipveil_span inside;
    bool escape;
    while (sv_peek(c, &next) && next != ',') {
        if (next == '"' && sv_take_quoted(c, &inside, &escape)) continue;
        (void)sv_take_byte(c, &next);
    }
}

static void take_label_parameter(const sv_parameter *p, sv_label *label, bool *has_cid)
{
    if (sv_equal_nocase_str(p->name, "cid")) {
        if (*has_cid || !p->quoted || p->has_escape || !sv_is_cid(p->value)) label->malformed = true;
        if (!*has_cid) label->cid = p->value;
        *has_cid = true;
    } else if (sv_equal_nocase_str(p->name, "act") && p->has_value) {
        label->act = sv_act_of(p->value);
    } else if (sv_equal_nocase_str(p->name, "reply") && p->has_value) {
        label->reply = sv_act_of(p->value);
    } else if (sv_equal_nocase_str(p->name, "keep")) {
        label->keep = true;
    }
}

/* One value; what follows the hop can only spoil the value, for the hop that it names (E2M-10). */
static sipveil_code take_label(sv_cursor *c, sv_label *label, sipveil_error *err)
{
    bool taken = true, has_cid = false;
    sv_parameter p;
    *label = (sv_label){.act = SIPVEIL_E2M_VIEW};
    sv_skip_lws(c);
    const uint8_t *start = c->at;
    if (!sv_take_hop(c, &label->hop)) {
        return sv_fail_rule(err, SV_E2M, SIPVEIL_MALFORMED, "ADV-162", sv_offset(c),
                            "Proxy-Required-Body has a value that names no host: \"%s\"", SV_QUOTE(sv_rest(c)));
    }
    while (taken && !label->malformed) {
        if (sv_take_parameter(c, SV_OCTET_GEN_VALUE, SV_E2M, &p, &taken, NULL) != SIPVEIL_OK) label->malformed = true;
        else if (taken) take_label_parameter(&p, label, &has_cid);
    }
    sv_skip_lws(c);
    uint8_t next;
    if (label->malformed || (sv_peek(c, &next) && next != ',')) {
        label->malformed = true;
        sv_skip_value(c);
    }
    if (!has_cid) label->malformed = true;
    label->value = sv_trim(sv_span(start, (size_t)(c->at - start)));
    return SIPVEIL_OK;
}

static bool is_doubled(const sv_labels *all, const sv_label *label)
{
    for (size_t i = 0; i < all->count; i++) {
        if (sv_same_hop(&all->items[i].hop, &label->hop) && sv_equal(all->items[i].cid, label->cid)) return true;
    }
    return false;
}

sipveil_code sv_labels_read(const sv_sip_view *view, sv_labels *out, sipveil_error *err)
{
    size_t values = 0;
    out->count = 0;
    const sv_sip_field *row = sv_sip_first(view, SV_F_PROXY_REQUIRED_BODY);
    for (; row != NULL; row = sv_sip_next(view, row)) {
        sv_cursor c = sv_cursor_over(row->value, "Proxy-Required-Body");
        do {
            sv_label label;
            SV_TRY(take_label(&c, &label, err));
            if (++values > SV_LABELS_MOST) {
                return sv_fail_rule(err, SV_E2M, SIPVEIL_LIMIT, "E2M-15", SIPVEIL_NO_OFFSET,
                                    "more than %d values in Proxy-Required-Body", SV_LABELS_MOST);
            }
            if (!is_doubled(out, &label)) out->items[out->count++] = label;
        } while (sv_take_if(&c, ','));
    }
    return SIPVEIL_OK;
}

bool sv_labels_have(const sv_labels *all, const sv_label *label)
{
    for (size_t i = 0; i < all->count; i++) {
        const sv_label *one = &all->items[i];
        if (sv_same_hop(&one->hop, &label->hop) && sv_equal(one->cid, label->cid) && one->act == label->act &&
            one->reply == label->reply && one->keep == label->keep && !one->malformed && !label->malformed) {
            return true;
        }
    }
    return false;
}

/* ---- is it for us? ---- */

sipveil_code sv_hop_set_fill(sv_hop_set *set, const char *const *names, size_t count, sipveil_error *err)
{
    *set = (sv_hop_set){0};
    if (count > SV_HOST_NAMES_MOST) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "more than %d host names", SV_HOST_NAMES_MOST);
    }
    for (size_t i = 0; i < count; i++) {
        sv_cursor c = sv_cursor_over(sv_span_str(names[i]), "host name");
        if (!sv_take_hop(&c, &set->names[i]) || !sv_at_end(&c)) {
            return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "\"%s\" is no host name", SV_QUOTE(sv_span_str(names[i])));
        }
        uint8_t first = set->names[i].host.data[0], other = (uint8_t)(first ^ 0x20);
        set->first_octets[first >> 6] |= 1ULL << (first & 63);
        if (sv_is_alpha(first)) set->first_octets[other >> 6] |= 1ULL << (other & 63);
    }
    set->count = count;
    return SIPVEIL_OK;
}

bool sv_hop_set_has(const sv_hop_set *set, const sv_hop_name *hop)
{
    for (size_t i = 0; i < set->count; i++) {
        if (sv_same_hop(&set->names[i], hop)) return true;
    }
    return false;
}

static bool may_begin_here(const sv_hop_set *set, const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) at++;
    if (at == end || (set->first_octets[*at >> 6] >> (*at & 63) & 1) == 0) return false;
    size_t left = (size_t)(end - at);
    for (size_t i = 0; i < set->count; i++) {
        sipveil_span host = set->names[i].host;
        if (host.len <= left && sv_equal_nocase(sv_span(at, host.len), host)) return true;
    }
    return false;
}

/* A value begins at the start of a row or after a comma. Commas inside quoted strings only make more
 * places to look at, so that no value is ever missed. */
bool sv_labels_may_name(const sv_sip_view *view, const sv_hop_set *set)
{
    const sv_sip_field *row = sv_sip_first(view, SV_F_PROXY_REQUIRED_BODY);
    for (; row != NULL; row = sv_sip_next(view, row)) {
        const uint8_t *at = row->value.data, *end = at + row->value.len;
        if (row->value.len == 0) continue;
        while (at != NULL) {
            if (may_begin_here(set, at, end)) return true;
            at = memchr(at, ',', (size_t)(end - at));
            if (at != NULL && ++at == end) at = NULL;
        }
    }
    return false;
}

void sv_label_put(sv_buffer *out, const sv_label *label)
{
    sv_put(out, label->hop.host);
    if (label->hop.has_port) {
        sv_put_byte(out, ':');
        sv_put_number(out, label->hop.port);
    }
    sv_put_str(out, ";cid=\"");
    sv_put(out, label->cid);
    sv_put_str(out, "\"");
    if (label->act != SIPVEIL_E2M_VIEW && label->act != SIPVEIL_E2M_NONE) {
        sv_put_str(out, ";act=");
        sv_put_str(out, sv_act_name(label->act));
    }
    if (label->keep) sv_put_str(out, ";keep");
    if (label->reply != SIPVEIL_E2M_NONE) {
        sv_put_str(out, ";reply=");
        sv_put_str(out, sv_act_name(label->reply));
    }
}
