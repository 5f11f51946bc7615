/* SPDX-License-Identifier: BSD-2-Clause */
#include "trust/asserted.h"

#include "sip/address.h"
#include "trust/table.h"

unsigned sv_scheme_of(sipveil_span uri)
{
    return sv_starts_nocase_str(uri, "sip:")    ? SV_SCHEME_SIP
           : sv_starts_nocase_str(uri, "sips:") ? SV_SCHEME_SIPS
           : sv_starts_nocase_str(uri, "tel:")  ? SV_SCHEME_TEL
                                                : 0;
}

static void judge_value(sv_asserted_value *v, unsigned schemes, unsigned *seen)
{
    unsigned like =
        v->scheme == SV_SCHEME_SIPS || v->scheme == SV_SCHEME_SIP ? SV_SCHEME_SIP | SV_SCHEME_SIPS : v->scheme;
    v->counts = v->scheme != 0 && (v->scheme & schemes) && !(*seen & like);
    if (v->counts) *seen |= v->scheme;
}

static void read_row(const sv_sip_field *row, unsigned schemes, unsigned *seen, sv_asserted *out)
{
    sv_cursor c = sv_cursor_over(row->value, "asserted identity");
    do {
        sv_sip_address address = {0};
        sv_skip_lws(&c);
        const uint8_t *start = c.at;
        if (sv_sip_take_address(&c, 0, &address, NULL) != SIPVEIL_OK) {
            out->malformed = true;
            return;
        }
        if (out->count == SV_ASSERTED_MOST) {
            out->too_many = true;
            return;
        }
        sv_asserted_value *v = &out->values[out->count++];
        *v = (sv_asserted_value){.row = row,
                                 .text = sv_trim(sv_span(start, (size_t)(c.at - start))),
                                 .uri = address.uri,
                                 .scheme = sv_scheme_of(address.uri)};
        judge_value(v, schemes, seen);
        out->counting += v->counts;
    } while (sv_take_if(&c, ','));
    if (!sv_at_end(&c)) out->malformed = true;
}

void sv_asserted_read(const sv_sip_view *view, sv_field_id id, unsigned schemes, sv_asserted *out)
{
    unsigned seen = 0;
    out->count = out->counting = 0;
    out->malformed = out->too_many = false;
    for (const sv_sip_field *row = sv_sip_first(view, id); row != NULL; row = sv_sip_next(view, row)) {
        read_row(row, schemes, &seen, out);
    }
}

size_t sv_asserted_trim(sv_sip_edit *edit, const sv_asserted *asserted, sv_field_id id, sv_arena *arena)
{
    size_t gone = 0;
    for (const sv_sip_field *row = sv_sip_first(edit->view, id); row != NULL; row = sv_sip_next(edit->view, row)) {
        size_t kept = 0, all = 0;
        sv_buffer left;
        sv_buffer_init(&left, arena, row->value.len, 2 * row->value.len + 2);
        for (size_t i = 0; i < asserted->count; i++) {
            const sv_asserted_value *v = &asserted->values[i];
            if (v->row != row) continue;
            all++;
            if (!v->counts) continue;
            if (kept++ > 0) sv_put_str(&left, ", ");
            sv_put(&left, v->text);
        }
        if (left.failed) edit->no_memory = true;
        if (kept == all && all > 0 && !asserted->malformed && !asserted->too_many) continue;
        gone += all - kept + (all == kept);
        if (kept == 0) sv_sip_edit_remove(edit, row);
        else sv_sip_edit_set_value(edit, row, sv_buffer_span(&left), arena);
    }
    return gone;
}

/* ---- identities ---- */

static bool next_digit(sv_cursor *c, uint8_t *digit)
{
    uint8_t octet;
    while (sv_peek(c, &octet) && octet != ';') {
        (void)sv_take_byte(c, &octet);
        if (octet == '-' || octet == '.' || octet == '(' || octet == ')') continue; /* RFC 3966: for the eye alone */
        *digit = (uint8_t)sv_lower(octet);
        return true;
    }
    return false;
}

static bool same_number(sipveil_span a, sipveil_span b)
{
    sv_cursor x = sv_cursor_over(a, "tel"), y = sv_cursor_over(b, "tel");
    uint8_t p = 0, q = 0;
    bool more, other;
    do {
        more = next_digit(&x, &p);
        other = next_digit(&y, &q);
        if (more != other || (more && p != q)) return false;
    } while (more);
    return sv_equal_nocase(sv_rest(&x), sv_rest(&y)); /* phone-context and the like */
}

bool sv_same_identity(sipveil_span a, sipveil_span b)
{
    if (sv_scheme_of(a) == SV_SCHEME_TEL || sv_scheme_of(b) == SV_SCHEME_TEL) {
        return sv_scheme_of(a) == sv_scheme_of(b) && same_number(sv_span_from(a, 4), sv_span_from(b, 4));
    }
    return sv_sip_same_aor(a, b);
}

bool sv_is_identity(sipveil_span uri)
{
    sv_sip_uri read;
    for (size_t i = 0; i < uri.len; i++) {
        uint8_t c = uri.data[i];
        if (c <= 0x20 || c >= 0x7F || c == '<' || c == '>' || c == '"') return false;
    }
    return sv_scheme_of(uri) != 0 && uri.len > 4 && sv_sip_read_uri(uri, &read, NULL) == SIPVEIL_OK;
}
