/* SPDX-License-Identifier: BSD-2-Clause */
#include "cms/der_read.h"

#include "cms/der_header.h"

static const char room[] = "cms";

/* Finds the end-of-contents octets that close an indefinite value; the cursor stands at its content.
 * Definite values are stepped over whole, so a counter is all that nesting needs. */
static bool take_indefinite(sv_cursor *c, sipveil_span *content)
{
    const uint8_t *from = c->at;
    size_t open = 1;
    sv_der_header h;
    while (open > 0) {
        const uint8_t *before = c->at;
        sipveil_span skipped;
        if (sv_der_take_header(c, &h) != NULL) return false;
        if (h.tag == 0) {
            if (h.length != 0) return false;
            open--;
            *content = sv_span(from, (size_t)(before - from));
        } else if (h.indefinite) {
            open++;
        } else if (!sv_take(c, h.length, &skipped)) {
            return false;
        }
    }
    return true;
}

static sipveil_code cut(const char *what, const char *why, sipveil_error *err)
{
    return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-052", SIPVEIL_NO_OFFSET, "%s: %s", what, why);
}

/* NULL, or what is wrong; then the cursor has not moved and *out is zero. */
static inline const char *take_value(sv_cursor *c, sv_der *out)
{
    sv_cursor at = *c;
    sv_der_header h;
    const char *why = sv_der_take_header(&at, &h);
    if (why == NULL && h.tag == 0) why = "end of contents where none can be";
    if (why == NULL && (h.indefinite ? !take_indefinite(&at, &out->content)
                                     : !sv_take(&at, h.length, &out->content))) {
        why = "cut short";
    }
    if (why != NULL) {
        *out = (sv_der){0};
        return why;
    }
    out->tag = h.tag;
    out->indefinite = h.indefinite;
    out->whole = sv_span(c->at, (size_t)(at.at - c->at));
    c->at = at.at;
    return NULL;
}

sipveil_code sv_der_take(sv_cursor *c, sv_der *out, sipveil_error *err)
{
    const char *why = take_value(c, out);
    return why == NULL ? SIPVEIL_OK : cut(c->what, why, err);
}

bool sv_der_next_is(const sv_cursor *c, uint8_t tag)
{
    uint8_t next;
    return sv_peek(c, &next) && next == tag;
}

static sipveil_code not_this(const sv_cursor *c, uint8_t tag, const char *what, sipveil_error *err)
{
    uint8_t next;
    if (!sv_peek(c, &next)) {
        return sv_fail(err, room, SIPVEIL_MALFORMED, "%s: %s is missing", c->what, what);
    }
    return sv_fail(err, room, SIPVEIL_MALFORMED, "%s: %s has tag %02x, not %02x", c->what, what, next, tag);
}

sipveil_code sv_der_take_tag(sv_cursor *c, uint8_t tag, const char *what, sv_der *out, sipveil_error *err)
{
    if (!sv_der_next_is(c, tag)) {
        *out = (sv_der){0};
        return not_this(c, tag, what, err);
    }
    const char *why = take_value(c, out);
    return why == NULL ? SIPVEIL_OK : cut(c->what, why, err);
}

sipveil_code sv_der_take_optional(sv_cursor *c, uint8_t tag, bool *present, sv_der *out, sipveil_error *err)
{
    *out = (sv_der){0};
    *present = sv_der_next_is(c, tag);
    if (!*present) return SIPVEIL_OK;
    sipveil_code code = sv_der_take(c, out, err);
    if (code != SIPVEIL_OK) *present = false;
    return code;
}

sipveil_code sv_der_enter(sv_cursor *c, uint8_t tag, const char *what, sv_cursor *inside, sipveil_error *err)
{
    sv_der value;
    sipveil_code code = sv_der_take_tag(c, tag, what, &value, err);
    *inside = sv_cursor_over(value.content, what);
    return code;
}

sipveil_code sv_der_end(const sv_cursor *c, sipveil_error *err)
{
    if (sv_at_end(c)) return SIPVEIL_OK;
    return sv_fail(err, room, SIPVEIL_MALFORMED, "%s: %zu octets after its last field", c->what, sv_left(c));
}

/* Its form is the gate's business; here only that there is one. */
sipveil_code sv_der_take_oid(sv_cursor *c, const char *what, sipveil_span *content, sipveil_error *err)
{
    sv_der value;
    sipveil_code code = sv_der_take_tag(c, SV_DER_OID, what, &value, err);
    if (code == SIPVEIL_OK && (value.content.len == 0 || value.content.len > SV_DER_OID_MOST)) {
        value.content = sv_span(NULL, 0);
        code = sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-053", SIPVEIL_NO_OFFSET,
                            "%s: an object identifier of no or too many octets", what);
    }
    *content = value.content;
    return code;
}

sipveil_code sv_der_take_integer(sv_cursor *c, const char *what, sipveil_span *content, sipveil_error *err)
{
    sv_der value;
    *content = sv_span(NULL, 0);
    SV_TRY(sv_der_take_tag(c, SV_DER_INTEGER, what, &value, err));
    const char *why = sv_der_check_integer(value.content);
    if (why != NULL) return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-053", SIPVEIL_NO_OFFSET, "%s: %s", what, why);
    *content = value.content;
    return SIPVEIL_OK;
}

sipveil_code sv_der_take_number(sv_cursor *c, const char *what, uint64_t *out, sipveil_error *err)
{
    sipveil_span content;
    *out = 0;
    SV_TRY(sv_der_take_integer(c, what, &content, err));
    if (content.len > 0 && (content.data[0] & 0x80) != 0) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-053", SIPVEIL_NO_OFFSET, "%s: a negative number", what);
    }
    if (content.len > 9 || (content.len == 9 && content.data[0] != 0)) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-053", SIPVEIL_NO_OFFSET, "%s: a number of %zu octets",
                       what, content.len);
    }
    uint64_t number = 0;
    for (size_t i = 0; i < content.len; i++) number = number << 8 | content.data[i];
    *out = number;
    return SIPVEIL_OK;
}

/* Appends the segments of a constructed string one after the other. Where a segment is constructed it
 * is stepped into; the order of the octets is that of the wire, so nesting needs no memory. */
static sipveil_code join_segments(sipveil_span content, const char *what, size_t most, uint8_t *out,
                                  size_t *used, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(content, what);
    size_t segments = 0;
    sv_der_header h;
    *used = 0;
    while (!sv_at_end(&c)) {
        sipveil_span segment;
        const char *why = sv_der_take_header(&c, &h);
        if (why != NULL) return cut(what, why, err);
        if (h.tag == 0 || h.tag == (SV_DER_OCTET_STRING | SV_DER_CONSTRUCTED)) continue;
        if (h.tag != SV_DER_OCTET_STRING) return cut(what, "a constructed string holds another type", err);
        if (++segments > most) {
            return sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-051", SIPVEIL_NO_OFFSET, "%s: more than %zu segments", what, most);
        }
        if (!sv_take(&c, h.length, &segment)) return cut(what, "cut short", err);
        if (segment.len > 0) memcpy(out + *used, segment.data, segment.len);
        *used += segment.len;
    }
    return SIPVEIL_OK;
}

sipveil_code sv_der_take_octets(sv_cursor *c, uint8_t tag, const char *what, const sipveil_limits *limits,
                                sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    sv_der value;
    size_t used;
    *out = sv_span(NULL, 0);
    if (!sv_der_next_is(c, tag | SV_DER_CONSTRUCTED)) {
        SV_TRY(sv_der_take_tag(c, tag, what, &value, err));
        *out = value.content;
        return SIPVEIL_OK;
    }
    SV_TRY(sv_der_take(c, &value, err));
    uint8_t *joined = sv_arena_alloc_raw(arena, value.content.len);
    if (joined == NULL) return sv_no_memory(err, room);
    SV_TRY(join_segments(value.content, what, limits->asn1_segments, joined, &used, err));
    *out = sv_span(joined, used);
    return SIPVEIL_OK;
}

sipveil_code sv_der_take_algorithm(sv_cursor *c, const char *what, sv_der_algorithm *out, sipveil_error *err)
{
    sv_der value, parameters = {0};
    sipveil_span oid;
    *out = (sv_der_algorithm){0};
    SV_TRY(sv_der_take_tag(c, SV_DER_SEQUENCE, what, &value, err));
    sv_cursor inside = sv_cursor_over(value.content, what);
    SV_TRY(sv_der_take_oid(&inside, what, &oid, err));
    if (!sv_at_end(&inside)) SV_TRY(sv_der_take(&inside, &parameters, err));
    SV_TRY(sv_der_end(&inside, err));
    *out = (sv_der_algorithm){value.whole, oid, parameters.whole};
    return SIPVEIL_OK;
}
