/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/pkcs11_uri.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/span.h"

static const char room[] = "keys";

typedef enum attribute_kind { TEXT, OCTETS, TYPE, SLOT, SECRET } attribute_kind;

/* One row each; what has no row is refused, for it might have narrowed the choice. */
static const struct {
    const char *name;
    bool in_query;
    attribute_kind kind;
    size_t place; /* of the span in sv_pkcs11_uri */
} attributes[] = {
    {"token", false, TEXT, offsetof(sv_pkcs11_uri, token)},
    {"serial", false, TEXT, offsetof(sv_pkcs11_uri, serial)},
    {"manufacturer", false, TEXT, offsetof(sv_pkcs11_uri, manufacturer)},
    {"model", false, TEXT, offsetof(sv_pkcs11_uri, model)},
    {"object", false, TEXT, offsetof(sv_pkcs11_uri, object)},
    {"id", false, OCTETS, offsetof(sv_pkcs11_uri, id)},
    {"type", false, TYPE, 0},
    {"slot-id", false, SLOT, 0},
    {"module-path", true, TEXT, offsetof(sv_pkcs11_uri, module_path)},
    {"module-name", true, TEXT, offsetof(sv_pkcs11_uri, module_name)},
    {"pin-source", true, TEXT, offsetof(sv_pkcs11_uri, pin_source)},
    {"pin-value", true, SECRET, 0},
};

enum { ATTRIBUTES = sizeof attributes / sizeof *attributes, TEXT_MOST = 4096 };

static bool is_name(uint8_t c)
{
    return sv_is_alnum(c) || c == '-' || c == '_';
}

/* RFC 7512 2.3: pk11-pchar and pk11-qchar, percent-encoding aside. */
static bool is_value(uint8_t c, bool in_query)
{
    size_t at;
    return sv_is_alnum(c) || sv_find_byte(SV_SPAN("-._~:[]@!$'()*+,="), c, &at) ||
           (in_query ? c == '/' || c == '?' || c == '|' : c == '&');
}

/* To the end or the separator. */
static sipveil_code take_value(sv_cursor *c, uint8_t separator, attribute_kind kind, sv_buffer *out,
                               sipveil_error *err)
{
    bool in_query = separator == '&';
    for (uint8_t byte; sv_peek(c, &byte) && byte != separator; sv_put_byte(out, byte)) {
        size_t offset = sv_offset(c);
        (void)sv_take_byte(c, &byte);
        if (byte == '?' && !in_query) {
            c->at--;
            return SIPVEIL_OK;
        }
        if (byte == '%') {
            if (!sv_take_hex_octet(c, &byte)) {
                return sv_fail_rule(err, room, SIPVEIL_USAGE, "", offset,
                                    "pkcs11 URI: no two hexadecimal digits follow the percent sign at %zu", offset);
            }
        } else if (!is_value(byte, in_query)) {
            sv_fail_rule(err, room, SIPVEIL_USAGE, "", offset, "pkcs11 URI: the character \"%s\" at %zu is not allowed",
                         SV_QUOTE(sv_span(&byte, 1)), offset);
            return sv_hint(err, SIPVEIL_USAGE, "write it as %%%02X", byte);
        }
        if (byte == 0 && kind != OCTETS) {
            return sv_fail_rule(err, room, SIPVEIL_USAGE, "ADV-121", offset, "pkcs11 URI: a NUL at %zu", offset);
        }
    }
    return SIPVEIL_OK;
}

static sipveil_code keep_type(sv_pkcs11_uri *uri, sipveil_span value, sipveil_error *err)
{
    static const struct {
        const char *name;
        sv_pkcs11_type type;
    } types[] = {{"private", SV_PKCS11_PRIVATE}, {"secret-key", SV_PKCS11_SECRET}, {"cert", SV_PKCS11_CERTIFICATE}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!sv_equal_str(value, types[i].name)) continue;
        uri->type = types[i].type;
        return SIPVEIL_OK;
    }
    return sv_fail(err, room, SIPVEIL_USAGE, "pkcs11 URI: type is private, secret-key or cert, not \"%s\"",
                   SV_QUOTE(value));
}

static sipveil_code keep(sv_pkcs11_uri *uri, size_t row, sipveil_span value, sipveil_error *err)
{
    switch (attributes[row].kind) {
    case TYPE:
        return keep_type(uri, value, err);
    case SLOT:
        uri->has_slot = sv_read_number(value, UINT32_MAX, &uri->slot);
        return uri->has_slot ? SIPVEIL_OK
                             : sv_fail(err, room, SIPVEIL_USAGE, "pkcs11 URI: slot-id is a number, not \"%s\"",
                                       SV_QUOTE(value));
    default:
        *(sipveil_span *)((char *)uri + attributes[row].place) = value;
        return SIPVEIL_OK;
    }
}

static sipveil_code find_row(sipveil_span name, bool in_query, size_t *row, sipveil_error *err)
{
    for (*row = 0; *row < ATTRIBUTES; ++*row) {
        if (sv_equal_str(name, attributes[*row].name)) break;
    }
    if (*row == ATTRIBUTES) {
        return sv_fail(err, room, SIPVEIL_USAGE, "pkcs11 URI: the attribute \"%s\" is not handled", SV_QUOTE(name));
    }
    if (attributes[*row].in_query != in_query) {
        return sv_fail(err, room, SIPVEIL_USAGE, "pkcs11 URI: %s stands %s the question mark, not %s it",
                       attributes[*row].name, in_query ? "before" : "after", in_query ? "after" : "before");
    }
    if (attributes[*row].kind != SECRET) return SIPVEIL_OK;
    sv_fail_rule(err, room, SIPVEIL_USAGE, "ADV-211", SIPVEIL_NO_OFFSET,
                 "pkcs11 URI: pin-value is refused: everybody on this machine can read it there");
    return sv_hint(err, SIPVEIL_USAGE, "pin-source=file:PATH in the URI, or ,pass=file:F, fd:N or prompt after it");
}

/* name=value of the path or the query. */
static sipveil_code take_attribute(sv_cursor *c, uint8_t separator, bool seen[ATTRIBUTES], sv_arena *arena,
                                   sv_pkcs11_uri *uri, sipveil_error *err)
{
    sv_buffer value;
    size_t row;
    sipveil_span name = sv_take_while(c, is_name);
    if (name.len == 0 || !sv_take_if(c, '=')) {
        return sv_fail_rule(err, room, SIPVEIL_USAGE, "", sv_offset(c), "pkcs11 URI: no name=value at %zu", sv_offset(c));
    }
    SV_TRY(find_row(name, separator == '&', &row, err));
    if (seen[row]) return sv_fail(err, room, SIPVEIL_USAGE, "pkcs11 URI: %s is given twice", attributes[row].name);
    seen[row] = true;
    sv_buffer_init(&value, arena, sv_left(c) + 1, TEXT_MOST);
    SV_TRY(take_value(c, separator, attributes[row].kind, &value, err));
    size_t length = value.len;
    sv_put_byte(&value, 0);
    SV_TRY(sv_buffer_check(&value, room, err));
    return keep(uri, row, sv_span(value.data, length), err);
}

static sipveil_code take_attributes(sv_cursor *c, uint8_t separator, bool seen[ATTRIBUTES], sv_arena *arena,
                                    sv_pkcs11_uri *uri, sipveil_error *err)
{
    do {
        SV_TRY(take_attribute(c, separator, seen, arena, uri, err));
    } while (sv_take_if(c, separator));
    return SIPVEIL_OK;
}

sipveil_code sv_pkcs11_read_uri(sipveil_span text, sv_arena *arena, sv_pkcs11_uri *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(text, "pkcs11 URI");
    bool seen[ATTRIBUTES] = {false};
    uint8_t next;
    *out = (sv_pkcs11_uri){0};
    if (text.len > TEXT_MOST) {
        return sv_fail(err, room, SIPVEIL_USAGE, "pkcs11 URI: longer than %d octets", TEXT_MOST);
    }
    if (!sv_take_literal_nocase(&c, "pkcs11:")) {
        return sv_fail(err, room, SIPVEIL_USAGE, "a pkcs11 URI begins with \"pkcs11:\"");
    }
    sipveil_code code = SIPVEIL_OK;
    if (sv_peek(&c, &next) && next != '?') code = take_attributes(&c, ';', seen, arena, out, err);
    if (code == SIPVEIL_OK && sv_take_if(&c, '?')) code = take_attributes(&c, '&', seen, arena, out, err);
    if (code == SIPVEIL_OK && !sv_at_end(&c)) {
        code = sv_fail_rule(err, room, SIPVEIL_USAGE, "", sv_offset(&c), "pkcs11 URI: not understood from %zu on",
                            sv_offset(&c));
    }
    if (code == SIPVEIL_OK && out->module_path.data != NULL && out->module_name.data != NULL) {
        code = sv_fail(err, room, SIPVEIL_USAGE, "pkcs11 URI: module-path and module-name are both given");
    }
    if (code != SIPVEIL_OK) *out = (sv_pkcs11_uri){0};
    return code;
}
