/* SPDX-License-Identifier: BSD-2-Clause */
/* TRU-39: a PASSporT in full form tells, in base64url, the identity that was signed; where that came from a
 * P-Asserted-Identity which is removed, the field must not carry it on (RFC 8224 11). The field itself is never removed
 * because of Privacy (TRU-36), unless it is our own and was not sent yet. */
#include "base/field.h"
#include "mime/mime.h"
#include "trust/border.h"

/* "header.payload.signature" in front of the parameters. */
typedef struct full_form {
    sipveil_span payload;
    sipveil_span rest; /* from the signature on */
} full_form;

static bool is_part_octet(uint8_t c)
{
    return c != '.' && c != ';' && c != ',';
}

/* By its two dots alone: what is no base64url, quoted (as RFC 4474 did) or folded is told to those who read it all the
 * same. */
static bool read_full_form(sipveil_span value, full_form *out)
{
    sv_cursor c = sv_cursor_over(value, "Identity");
    sv_skip_lws(&c);
    (void)sv_take_if(&c, '"');
    sipveil_span header = sv_take_while(&c, is_part_octet);
    if (!sv_take_if(&c, '.')) return false;
    out->payload = sv_trim(sv_take_while(&c, is_part_octet));
    if (!sv_take_if(&c, '.') || (sv_trim(header).len == 0 && out->payload.len == 0)) return false;
    out->rest = sv_rest(&c);
    return true;
}

/* Up to a comma that no bracket or quotation mark holds: there is one PASSporT in a row (RFC 8224 4), but who joins
 * rows with commas tells as much. */
static sipveil_span take_piece(sv_cursor *c)
{
    const uint8_t *start = c->at;
    bool quoted = false, bracketed = false;
    uint8_t octet;
    while (sv_peek(c, &octet) && (octet != ',' || quoted || bracketed)) {
        (void)sv_take_byte(c, &octet);
        if (octet == '"') quoted = !quoted;
        if (octet == '<' || octet == '>') bracketed = octet == '<';
    }
    return sv_span(start, (size_t)(c->at - start));
}

/* What could not be looked for was not found to be absent: then nothing goes on. */
static sipveil_span filled(sipveil_border *b, const sv_buffer *from)
{
    if (from->failed) b->no_memory = true;
    return sv_buffer_span(from);
}

/* Escapes of JSON undone where they stand for ASCII, so that "sip:\u0061lice" hides from nobody. */
static sipveil_span plain_text(sipveil_border *border, sipveil_span json)
{
    sv_cursor c = sv_cursor_over(json, "PASSporT");
    sv_buffer b;
    uint8_t octet;
    sv_buffer_init(&b, border->arena, json.len, json.len + 1);
    while (sv_take_byte(&c, &octet)) {
        sipveil_span digits;
        unsigned number = 0;
        if (octet != '\\' || !sv_take_byte(&c, &octet) || octet != 'u' || !sv_take(&c, 4, &digits)) {
            sv_put_byte(&b, octet);
            continue;
        }
        for (size_t i = 0; i < 4; i++) {
            uint8_t digit = digits.data[i];
            number = number << 4 | (sv_is_hex(digit) ? sv_hex_value(digit) : 0u);
        }
        sv_put_byte(&b, number < 0x80 ? (uint8_t)number : '?');
    }
    return filled(border, &b);
}

static bool holds(sipveil_span text, sipveil_span what)
{
    for (size_t i = 0; what.len > 0 && i + what.len <= text.len; i++) {
        if (sv_equal_nocase(sv_span(text.data + i, what.len), what)) return true;
    }
    return false;
}

/* The digits of a telephone number, as "tn" has them (RFC 8225 5.2.1); empty if it is none. */
static sipveil_span digits_of(sipveil_border *border, sipveil_span uri)
{
    sv_cursor c = sv_cursor_over(uri, "identity");
    sv_buffer b;
    sipveil_span scheme;
    uint8_t octet;
    sv_buffer_init(&b, border->arena, uri.len, uri.len + 1);
    if (!sv_take_until(&c, ':', &scheme)) return sv_span(NULL, 0);
    (void)sv_take_if(&c, ':');
    while (sv_take_byte(&c, &octet) && octet != '@' && octet != ';' && octet != ':') {
        if (sv_is_digit(octet)) sv_put_byte(&b, octet);
        else if (octet != '+' && octet != '-' && octet != '.' && octet != '(' && octet != ')') return sv_span(NULL, 0);
    }
    return filled(border, &b);
}

/* The value without scheme and parameters: user@host. */
static sipveil_span bare_address(sipveil_span uri)
{
    sv_sip_uri read;
    if (sv_sip_read_uri(uri, &read, NULL) != SIPVEIL_OK || read.user.len == 0) return sv_span(NULL, 0);
    return sv_span_through(read.user, read.host);
}

static bool tells(sipveil_border *b, sipveil_span text, sipveil_span uri)
{
    enum { SHORT = 5 }; /* an extension number would be found in any time stamp */
    sipveil_span digits = digits_of(b, uri), address = bare_address(uri);
    if (address.len > 0 && holds(text, address)) return true;
    if (digits.len == 0) return false;
    if (digits.len > SHORT) return holds(text, digits);
    sv_buffer quoted;
    sv_buffer_init(&quoted, b->arena, digits.len + 2, digits.len + 3);
    sv_put_byte(&quoted, '"');
    sv_put(&quoted, digits);
    sv_put_byte(&quoted, '"');
    return holds(text, filled(b, &quoted));
}

/* Whether From shows the same anyway: then the field tells nothing new. */
static bool shown_by_from(const sipveil_border *b, const sv_sip_view *view, sipveil_span uri)
{
    sv_sip_address from;
    bool hidden = (b->privacy.values & SV_PRIVACY_USER) && (b->table->spec.serves & SV_SERVES_USER);
    return !hidden && sv_sip_read_address(sv_sip_value(view, SV_F_FROM), &from, NULL) == SIPVEIL_OK &&
           sv_same_identity(from.uri, uri);
}

/* orig is made of From, or of P-Asserted-Identity (RFC 8224 4.1): what does not tell the one tells the other, however it
 * is spelled. */
static bool tells_from(sipveil_border *b, const sv_sip_view *view, sipveil_span text)
{
    sv_sip_address from;
    return sv_sip_read_address(sv_sip_value(view, SV_F_FROM), &from, NULL) == SIPVEIL_OK && tells(b, text, from.uri);
}

static bool tells_removed(sipveil_border *b, const sv_sip_view *view, sipveil_span payload)
{
    sipveil_span json;
    sipveil_code code = sv_mime_decode_base64url(payload, b->arena, &json, NULL);
    if (code == SIPVEIL_INTERNAL) b->no_memory = true;
    if (code != SIPVEIL_OK) return true; /* nobody can verify it either */
    sipveil_span text = plain_text(b, json);
    for (size_t i = 0; i < b->asserted.count; i++) {
        sipveil_span uri = b->asserted.values[i].uri;
        if (!shown_by_from(b, view, uri) && tells(b, text, uri)) return true;
    }
    for (size_t i = 0; i < b->told_count; i++) {
        if (!shown_by_from(b, view, b->told[i]) && tells(b, text, b->told[i])) return true;
    }
    return !tells_from(b, view, text);
}

/* Phase A may have removed a field that the PASSporT was made from: in an ACK, or from a hop that is not trusted. */
sipveil_code sv_note_identities(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    static const sv_field_id ids[] = {SV_F_P_ASSERTED_IDENTITY, SV_F_P_PREFERRED_IDENTITY};
    b->told_count = 0;
    if (sv_sip_first(view, SV_F_IDENTITY) == NULL) return SIPVEIL_OK;
    b->told = sv_arena_alloc_array(b->arena, 2 * SV_ASSERTED_MOST, sizeof *b->told);
    if (b->told == NULL) return sv_no_memory(err, SV_TRUST);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        sv_asserted_read(view, ids[i], ~0u, &b->asserted);
        for (size_t k = 0; k < b->asserted.count; k++) {
            if (!sv_arena_copy(b->arena, b->asserted.values[k].uri, &b->told[b->told_count++]))
                return sv_no_memory(err, SV_TRUST);
        }
    }
    return SIPVEIL_OK;
}

/* The row with the compact form in place of each full one that tells; empty if there is none. */
static sipveil_code make_compact(sipveil_border *b, const sv_sip_view *view, sipveil_span value, sipveil_span *out,
                                 sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Identity");
    sv_buffer left;
    bool changed = false;
    full_form full;
    *out = sv_span(NULL, 0);
    sv_buffer_init(&left, b->arena, value.len + 2, 2 * value.len + 3);
    do {
        sipveil_span piece = take_piece(&c);
        if (left.len > 0) sv_put_byte(&left, ',');
        if (!read_full_form(piece, &full) || !tells_removed(b, view, full.payload)) {
            sv_put(&left, piece);
            continue;
        }
        changed = true;
        sv_put_str(&left, "..");
        sv_put(&left, full.rest);
    } while (sv_take_if(&c, ','));
    SV_TRY(sv_buffer_check(&left, SV_TRUST, err));
    if (changed) *out = sv_buffer_span(&left);
    return SIPVEIL_OK;
}

sipveil_code sv_close_leaks(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    sipveil_span compact;
    sv_asserted_read(view, SV_F_P_ASSERTED_IDENTITY, ~0u, &b->asserted);
    for (const sv_sip_field *row = sv_sip_first(view, SV_F_IDENTITY); row != NULL; row = sv_sip_next(view, row)) {
        SV_TRY(make_compact(b, view, row->value, &compact, err));
        if (compact.len == 0) continue;
        if (b->options.identity_field_is_ours) {
            sv_sip_edit_remove(&b->edit, row);
            sv_border_note(b, "B", "Identity", "removed", "TRU-39",
                           "it is ours, not sent yet, and tells the identity that is removed");
            sv_border_warn(b, "TRU-39",
                           "Identity told the identity that is removed, and is dropped: sign From instead");
            continue;
        }
        sv_sip_edit_set_value(&b->edit, row, compact, b->arena);
        sv_border_note(b, "B", "Identity", "changed", "TRU-39",
                       "its PASSporT told the identity that is removed: compact form");
    }
    return SIPVEIL_OK;
}
