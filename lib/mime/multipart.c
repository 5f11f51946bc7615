/* SPDX-License-Identifier: BSD-2-Clause */
/* Splitting a multipart at its exact delimiter lines (RFC 2046 5.1.1). One pass, no recursion: every
 * octet is looked at a fixed number of times, whatever the parts hold. */
#include "base/cursor.h"
#include "mime/mime.h"

enum { BOUNDARY_MOST = 70 };

typedef enum line_kind { LINE_NONE, LINE_DELIMITER, LINE_CLOSE } line_kind;

typedef struct splitter {
    sv_cursor c;         /* at the start of a line */
    sipveil_span needle; /* CRLF "--" boundary */
    unsigned flags;
} splitter;

/* bchars of RFC 2046, the space among them */
static bool is_boundary_octet(uint8_t c)
{
    size_t at;
    return sv_is_alnum(c) || sv_find_byte(SV_SPAN("'()+_,-./:=? "), c, &at);
}

static bool is_boundary(sipveil_span b)
{
    sv_cursor c = sv_cursor_over(b, "boundary");
    if (b.len == 0 || b.len > BOUNDARY_MOST || b.data[b.len - 1] == ' ') return false;
    (void)sv_take_while(&c, is_boundary_octet);
    return sv_at_end(&c);
}

/* Takes what follows "--boundary" on a delimiter line; LINE_NONE, and nothing taken, if the line only
 * begins like one (ADV-030). */
static line_kind take_line_end(sv_cursor *c, unsigned flags)
{
    sv_cursor at = *c;
    line_kind kind = sv_take_literal(&at, "--") ? LINE_CLOSE : LINE_DELIMITER;
    bool sample = kind == LINE_DELIMITER && (flags & SV_MIME_COMPAT_SAMPLES) && sv_take_if(&at, '-');
    if (sample) kind = LINE_CLOSE;
    (void)sv_take_while(&at, sv_is_blank);
    bool ended = sv_take_literal(&at, "\r\n") || (kind == LINE_CLOSE && sv_at_end(&at));
    if (!ended || (sample && !sv_at_end(&at))) return LINE_NONE;
    *c = at;
    return kind;
}

/* Goes past the next delimiter line. *before: where what stands in front of it ends; the CRLF before
 * the line belongs to the line. */
static line_kind next_delimiter(splitter *s, const uint8_t **before)
{
    sv_cursor at = s->c;
    sipveil_span skipped;
    size_t hit;
    /* A line of its own right here: at the very start, or right after another delimiter line. */
    sipveil_span dashes = sv_span_from(s->needle, 2);
    if (sv_take(&at, dashes.len, &skipped) && sv_equal(skipped, dashes)) {
        line_kind kind = take_line_end(&at, s->flags);
        *before = s->c.at;
        if (kind != LINE_NONE) {
            s->c = at;
            return kind;
        }
    }
    at = s->c;
    while (sv_find(sv_rest(&at), s->needle, &hit)) {
        (void)sv_take(&at, hit, &skipped);
        *before = at.at;
        (void)sv_take(&at, s->needle.len, &skipped);
        line_kind kind = take_line_end(&at, s->flags);
        if (kind != LINE_NONE) {
            s->c = at;
            return kind;
        }
    }
    return LINE_NONE;
}

static sipveil_code malformed(const splitter *s, const char *what, sipveil_error *err)
{
    return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "ADV-032", sv_offset(&s->c), "%s", what);
}

static sipveil_code split(splitter *s, sipveil_span *parts, size_t most, size_t *count,
                          sipveil_error *err)
{
    const uint8_t *end;
    line_kind kind = next_delimiter(s, &end);
    if (kind == LINE_NONE) return malformed(s, "multipart without its delimiter line", err);
    if (kind == LINE_CLOSE) return malformed(s, "multipart closes before its first part", err);
    do {
        const uint8_t *start = s->c.at;
        kind = next_delimiter(s, &end);
        if (kind == LINE_NONE) return malformed(s, "multipart without a closing delimiter", err);
        if (*count >= most) {
            return sv_fail_rule(err, "mime", SIPVEIL_LIMIT, "ADV-036", sv_offset(&s->c),
                                "multipart with over %zu parts", most);
        }
        parts[(*count)++] = sv_span(start, (size_t)(end - start));
    } while (kind == LINE_DELIMITER);
    if (next_delimiter(s, &end) != LINE_NONE) return malformed(s, "delimiter after the closing one", err);
    return SIPVEIL_OK;
}

sipveil_code sv_mime_read_multipart(const sv_media_type *type, sipveil_span content,
                                    const sipveil_limits *limits, unsigned flags,
                                    sipveil_span *parts, size_t parts_room, size_t *part_count,
                                    sipveil_error *err)
{
    sipveil_span boundary;
    uint8_t needle[4 + BOUNDARY_MOST] = "\r\n--";
    *part_count = 0;
    if (!sv_media_type_parameter(type, "boundary", &boundary)) {
        return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "ADV-031", SIPVEIL_NO_OFFSET,
                            "multipart without a boundary parameter");
    }
    if (!is_boundary(boundary)) {
        return sv_fail_rule(err, "mime", SIPVEIL_MALFORMED, "ADV-031", SIPVEIL_NO_OFFSET,
                            "boundary is not 1 to 70 allowed characters: \"%s\"", SV_QUOTE(boundary));
    }
    for (size_t i = 0; i < boundary.len; i++) needle[4 + i] = boundary.data[i];
    splitter s = {sv_cursor_over(content, "multipart"), sv_span(needle, 4 + boundary.len), flags};
    size_t most = limits->parts < parts_room ? limits->parts : parts_room;
    size_t count = 0;
    SV_TRY(split(&s, parts, most, &count, err));
    *part_count = count;
    return SIPVEIL_OK;
}

bool sv_mime_boundary_occurs(sipveil_span boundary, const sipveil_span *parts, size_t part_count)
{
    size_t at;
    for (size_t i = 0; i < part_count; i++) {
        sv_cursor c = sv_cursor_over(parts[i], "part");
        while (sv_find(sv_rest(&c), boundary, &at)) {
            sipveil_span before;
            (void)sv_take(&c, at, &before);
            size_t offset = sv_offset(&c);
            const uint8_t *p = c.at;
            /* At the start of a line; a lone CR or LF starts one for a lax reader too. */
            if (offset >= 2 && p[-1] == '-' && p[-2] == '-' &&
                (offset == 2 || p[-3] == '\n' || p[-3] == '\r')) {
                return true;
            }
            (void)sv_take(&c, 1, &before);
        }
    }
    return false;
}
