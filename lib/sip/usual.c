/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/usual.h"

#include "base/field.h"
#include "sip/uri.h"

/* At least one octet. */
static bool take_word(sv_cursor *c)
{
    const uint8_t *from = c->at;
    c->at = sv_end_of_word(from, c->end);
    return c->at > from;
}

/* A host name, or an IPv4 address: of each octet three bits, and the labels follow from their neighbours. */
static bool take_host(sv_cursor *c)
{
    enum { MOST = 64 };
    uint64_t alphanum = 0, dots = 0;
    size_t length = 0, place = SV_VECTOR;
    for (; place == SV_VECTOR; length += place) {
        if (length == MOST || sv_left(c) < length + SV_VECTOR) return false;
        sv_vector v, in_label;
        sv_load_vector(&v, c->at + length);
        sv_find_alphanum(&v, &in_label);
        const sv_vector dot = (sv_vector)(v == '.'), other = ~(in_label | dot | (sv_vector)(v == '-'));
        alphanum |= (uint64_t)sv_vector_bits(&in_label) << length;
        dots |= (uint64_t)sv_vector_bits(&dot) << length;
        place = sv_first_set(&other);
    }
    if (length == 0) return false;
    uint64_t end = UINT64_C(1) << length;
    dots &= end - 1;
    uint64_t firsts = dots << 1 | 1, lasts = (dots | end) >> 1; /* of each label */
    if (((firsts | lasts) & ~alphanum) != 0) return false;
    sipveil_span whole = sv_span(c->at, length);
    c->at += length;
    size_t last_label = dots != 0 ? (size_t)(MOST - __builtin_clzll(dots)) : 0;
    return sv_is_alpha(whole.data[last_label]) || sv_sip_is_ipv4(whole);
}

static bool take_host_and_port(sv_cursor *c)
{
    uint16_t port;
    return take_host(c) && (!sv_take_if(c, ':') || sv_sip_read_port(sv_take_run(c, SV_OCTET_DIGIT), &port));
}

typedef enum list_kind { OF_URI, OF_ADDRESS, OF_VIA, OF_MEDIA } list_kind;

/* After the semicolon: a blank where the list may have one, a name, and mostly a value. A tag has a value without quotes,
 * what else has three letters here as well. */
static inline bool take_parameter(sv_cursor *c, list_kind kind, sipveil_span *name)
{
    enum { TAG = 3 };
    bool has_escape;
    sipveil_span inside;
    if (kind != OF_URI) (void)sv_take_if(c, ' ');
    const uint8_t *from = c->at;
    if (!take_word(c)) return false;
    *name = sv_span(from, (size_t)(c->at - from));
    bool may_be_tag = kind == OF_ADDRESS && name->len == TAG;
    if (!sv_take_if(c, '=')) return !may_be_tag;
    if (take_word(c)) return true;
    return kind != OF_URI && !may_be_tag && sv_take_quoted(c, &inside, &has_escape);
}

/* No name twice: those that differ in length or first letter do, and if two have the same bit the readers look at them. */
static bool take_parameters(sv_cursor *c, list_kind kind, size_t *parameters)
{
    sipveil_span name;
    for (uint64_t seen = 0; sv_take_if(c, ';'); ++*parameters) {
        if (!take_parameter(c, kind, &name)) return false;
        uint64_t bit = UINT64_C(1) << ((name.len << 2 ^ (name.data[0] & 31)) & 63);
        if ((seen & bit) != 0 && kind != OF_VIA) return false;
        seen |= bit;
    }
    return true;
}

bool sv_usual_take_uri(sv_cursor *c, size_t *parameters)
{
    if (!sv_take_literal(c, "sip:") && !sv_take_literal(c, "sips:")) return false;
    const uint8_t *from = c->at;
    bool has_user = take_word(c) && sv_take_if(c, '@');
    if (!has_user) c->at = from;
    return take_host_and_port(c) && take_parameters(c, OF_URI, parameters);
}

bool sv_usual_take_request_line(sv_cursor *c, sipveil_span *method, sipveil_span *uri)
{
    size_t parameters = 0;
    const uint8_t *from = c->at;
    if (!take_word(c)) return false;
    *method = sv_span(from, (size_t)(c->at - from));
    if (!sv_take_if(c, ' ')) return false;
    from = c->at;
    if (!sv_usual_take_uri(c, &parameters)) return false;
    *uri = sv_span(from, (size_t)(c->at - from));
    return sv_take_literal(c, " SIP/2.0\r\n");
}

/* Up to the angle bracket. */
static bool take_display(sv_cursor *c)
{
    bool has_escape;
    sipveil_span inside;
    if (sv_take_if(c, '<')) return true;
    if (sv_take_quoted(c, &inside, &has_escape)) {
        (void)sv_take_if(c, ' ');
    } else {
        while (take_word(c) && sv_take_if(c, ' ')) {}
    }
    return sv_take_if(c, '<');
}

bool sv_usual_take_address(sv_cursor *c, sipveil_span *params, size_t *parameters)
{
    if (!take_display(c) || !sv_usual_take_uri(c, parameters) || !sv_take_if(c, '>')) return false;
    const uint8_t *from = c->at;
    if (!take_parameters(c, OF_ADDRESS, parameters)) return false;
    *params = sv_span(from, (size_t)(c->at - from));
    return true;
}

bool sv_usual_take_via(sv_cursor *c, size_t *parameters)
{
    return sv_take_literal(c, "SIP/2.0/") && take_word(c) && sv_take_if(c, ' ') && take_host_and_port(c) &&
           take_parameters(c, OF_VIA, parameters);
}

bool sv_usual_take_media(sv_cursor *c, size_t *parameters)
{
    return take_word(c) && (!sv_take_if(c, '/') || take_word(c)) && take_parameters(c, OF_MEDIA, parameters);
}

bool sv_usual_take_call_id(sv_cursor *c)
{
    return take_word(c) && (!sv_take_if(c, '@') || take_word(c));
}
