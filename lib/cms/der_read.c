/* SPDX-License-Identifier: BSD-2-Clause */
#include "cms/der_read.h"

#include "cms/usual_kekri.h"

static const char room[] = "cms";

enum {
    DEPTH_MOST = 64,      /* whatever the caller's limit says: it sizes an array on the stack */
    OID_MOST = 64,        /* octets of an object identifier; real ones stay under 20 */
    ARC_MOST = 9,         /* octets of one arc: 63 bits */
    TAG_NUMBER = 0x1F,    /* low-tag form: the number; all ones announce the high-tag form */
    UNIVERSAL_CLASS = 0x00,
    CLASS_BITS = 0xC0
};

typedef struct header {
    uint8_t tag;
    bool indefinite;
    size_t length;
} header;

/* Tag and length in their long forms. NULL, or what is wrong with them. X.690 8.1.2, 8.1.3; lengths longer than they need
 * to be are refused in BER too: nothing we read writes them (ADV-052). */
static const char *take_long_header(sv_cursor *c, header *h)
{
    uint8_t first;
    *h = (header){0};
    if (!sv_take_byte(c, &h->tag)) return "cut short before a tag";
    if ((h->tag & TAG_NUMBER) == TAG_NUMBER) return "a tag number over 30";
    if (!sv_take_byte(c, &first)) return "cut short before a length";
    if (first < 0x80) {
        h->length = first;
    } else if (first == 0x80) {
        h->indefinite = true;
        return (h->tag & SV_DER_CONSTRUCTED) != 0 ? NULL : "an indefinite length on a primitive value";
    } else {
        unsigned octets = first & 0x7F;
        if (octets > sizeof(size_t)) return "a length of more than 8 octets";
        for (unsigned i = 0; i < octets; i++) {
            uint8_t octet;
            if (!sv_take_byte(c, &octet)) return "cut short in a length";
            if (i == 0 && octet == 0) return "a length that is not minimal";
            h->length = h->length << 8 | octet;
        }
        if (h->length < 0x80) return "a length that is not minimal";
    }
    return h->length <= sv_left(c) ? NULL : "a length beyond its parent";
}

/* Tag and length. NULL, or what is wrong with them. Nearly all are of two octets, most others of four. */
static inline const char *take_header(sv_cursor *c, header *h)
{
    size_t left = sv_left(c), length;
    const uint8_t *at = c->at;
    if (left >= 2 && at[1] < 0x80 && (size_t)at[1] + 2 <= left && (at[0] & TAG_NUMBER) != TAG_NUMBER) {
        *h = (header){.tag = at[0], .length = at[1]};
        c->at += 2;
        return NULL;
    }
    if (left >= 4 && at[1] == 0x82 && at[2] != 0 && (at[0] & TAG_NUMBER) != TAG_NUMBER) {
        length = (size_t)at[2] << 8 | at[3];
        if (length + 4 <= left) {
            *h = (header){.tag = at[0], .length = length};
            c->at += 4;
            return NULL;
        }
    }
    return take_long_header(c, h);
}

/* X.690 8.19: no empty arc, no padding; the limits are ours (ADV-053). */
static const char *check_oid(sipveil_span oid)
{
    if (oid.len == 0 || oid.len > OID_MOST) return "an object identifier of no or too many octets";
    const uint8_t *end = oid.data + oid.len, *arc = oid.data;
    for (const uint8_t *at = oid.data; at < end; at++) {
        if ((*at & 0x80) == 0) {
            if (at - arc >= ARC_MOST) break;
            arc = at + 1;
        } else if (*at == 0x80 && at == arc) {
            return "an object identifier with a padded arc";
        }
    }
    if (arc == end) return NULL;
    return end - arc > ARC_MOST ? "an object identifier with an arc over 63 bits" : "an object identifier cut short";
}

static const char *check_integer(sipveil_span number)
{
    if (number.len == 0) return "an empty INTEGER";
    if (number.len > 1 && ((number.data[0] == 0x00 && (number.data[1] & 0x80) == 0) ||
                           (number.data[0] == 0xFF && (number.data[1] & 0x80) != 0))) {
        return "an INTEGER that is not minimal";
    }
    return NULL;
}

static const char *check_primitive(uint8_t tag, sipveil_span content, bool der)
{
    switch (tag) {
    case SV_DER_BOOLEAN:
        if (content.len != 1) return "a BOOLEAN not of one octet";
        return der && content.data[0] != 0 && content.data[0] != 0xFF ? "a BOOLEAN not in DER" : NULL;
    case SV_DER_INTEGER:
        return check_integer(content);
    case SV_DER_OID:
        return check_oid(content);
    case SV_DER_NULL:
        return content.len == 0 ? NULL : "a NULL that is not empty";
    case SV_DER_BIT_STRING:
        if (content.len == 0 || content.data[0] > 7) return "a BIT STRING without a valid first octet";
        return content.len == 1 && content.data[0] != 0 ? "an empty BIT STRING with unused bits" : NULL;
    case SV_DER_SEQUENCE & ~SV_DER_CONSTRUCTED:
    case SV_DER_SET & ~SV_DER_CONSTRUCTED:
        return "a primitive SEQUENCE or SET";
    default:
        return NULL;
    }
}

static const char *check_constructed(uint8_t tag, bool der)
{
    if ((tag & CLASS_BITS) != UNIVERSAL_CLASS) return NULL;
    switch (tag & ~SV_DER_CONSTRUCTED) {
    case 0:
    case SV_DER_BOOLEAN:
    case SV_DER_INTEGER:
    case SV_DER_NULL:
    case SV_DER_OID:
        return "a constructed value of a primitive type";
    case SV_DER_SEQUENCE & ~SV_DER_CONSTRUCTED:
    case SV_DER_SET & ~SV_DER_CONSTRUCTED:
    case 0x08: /* EXTERNAL */
    case 0x0B: /* EMBEDDED PDV */
        return NULL;
    default:
        return der ? "a constructed string, which is not DER" : NULL;
    }
}

typedef struct level {
    const uint8_t *end; /* where a definite value ends; the parent's end for an indefinite one */
    bool indefinite;
    bool string;        /* a constructed string: holds segments of its own type only */
    uint8_t tag;
    size_t segments;
} level;

typedef struct scan {
    sv_cursor c;
    const sipveil_limits *limits;
    bool der;
    size_t elements;
    level *top;      /* the innermost open value; levels[0] is what all stands in and is never closed */
    level *deepest;  /* where depth ends */
    level levels[DEPTH_MOST + 1];
} scan;

static inline bool is_open(const scan *s)
{
    return s->top != s->levels;
}

static sipveil_code malformed(const scan *s, const char *rule, const char *why, sipveil_error *err)
{
    return sv_fail_rule(err, room, SIPVEIL_MALFORMED, rule, sv_offset(&s->c), "asn.1: %s", why);
}

static sipveil_code scan_segment(scan *s, const header *h, sipveil_error *err)
{
    level *parent = s->top;
    if (!parent->string) return SIPVEIL_OK;
    if ((h->tag & ~SV_DER_CONSTRUCTED) != (parent->tag & ~SV_DER_CONSTRUCTED)) {
        return malformed(s, "ADV-051", "a constructed string holds another type", err);
    }
    if (++parent->segments > s->limits->asn1_segments) {
        return sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-051", sv_offset(&s->c),
                            "asn.1: more than %zu segments in one string", s->limits->asn1_segments);
    }
    return SIPVEIL_OK;
}

static sipveil_code scan_open(scan *s, const header *h, sipveil_error *err)
{
    const char *why = check_constructed(h->tag, s->der);
    if (why == NULL && h->indefinite && s->der) why = "an indefinite length, which is not DER";
    if (why != NULL) return malformed(s, "ADV-053", why, err);
    if (s->top == s->deepest) {
        return sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-051", sv_offset(&s->c),
                            "asn.1: nested deeper than %zu", (size_t)(s->deepest - s->levels));
    }
    uint8_t type = h->tag & (uint8_t)~SV_DER_CONSTRUCTED;
    *++s->top = (level){
        .end = h->indefinite ? s->c.end : s->c.at + h->length,
        .indefinite = h->indefinite,
        .string = type == SV_DER_OCTET_STRING || type == SV_DER_BIT_STRING,
        .tag = h->tag,
    };
    s->c.end = s->top->end;
    return SIPVEIL_OK;
}

/* Takes one tag, length and, if it is primitive, its value. */
static sipveil_code scan_one(scan *s, sipveil_error *err)
{
    header h;
    sipveil_span content;
    const char *why = take_header(&s->c, &h);
    if (why != NULL) return malformed(s, "ADV-052", why, err);
    if (h.tag == 0) { /* end of contents */
        if (h.length != 0 || !is_open(s) || !s->top->indefinite) {
            return malformed(s, "ADV-051", "end of contents where none can be", err);
        }
        s->top--;
        return SIPVEIL_OK;
    }
    if (++s->elements > s->limits->asn1_elements) {
        return sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-051", sv_offset(&s->c),
                            "asn.1: more than %zu elements", s->limits->asn1_elements);
    }
    SV_TRY(scan_segment(s, &h, err));
    if ((h.tag & SV_DER_CONSTRUCTED) != 0) return scan_open(s, &h, err);
    if (!sv_take(&s->c, h.length, &content)) return malformed(s, "ADV-052", "cut short", err);
    why = check_primitive(h.tag, content, s->der);
    return why == NULL ? SIPVEIL_OK : malformed(s, "ADV-053", why, err);
}

/* What ends here is closed. An indefinite value ends by its end of contents only. */
static inline void scan_close(scan *s)
{
    level *top = s->top;
    while (s->c.at == top->end && !top->indefinite) top--;
    s->top = top;
    s->c.end = top->end;
}

/* A run of recipients in their usual form, each seen to be well-formed in one look. Where a limit could be
 * met on the way, scan_one() shall meet it. */
static void scan_usual_kekris(scan *s)
{
    sv_usual_kekri recipient;
    if (s->deepest - s->top < SV_USUAL_KEKRI_DEPTH) return;
    while (s->limits->asn1_elements - s->elements >= SV_USUAL_KEKRI_ELEMENTS &&
           sv_usual_kekri_take(&s->c, &recipient)) {
        s->elements += SV_USUAL_KEKRI_ELEMENTS;
    }
    scan_close(s);
}

/* Steps over what is nearly all there is: values of definite length in sequences, sets and context tags. Stops
 * in front of anything else, and of anything wrong: that is for scan_one(). */
static void scan_usual(scan *s)
{
    while (is_open(s) && !s->top->string && s->elements < s->limits->asn1_elements) {
        sv_cursor at = s->c;
        header h;
        if (take_header(&at, &h) != NULL || h.tag == 0 || h.indefinite) return;
        bool universal = (h.tag & CLASS_BITS) == UNIVERSAL_CLASS;
        if ((h.tag & SV_DER_CONSTRUCTED) == 0) {
            sipveil_span content;
            if (!sv_take(&at, h.length, &content) ||
                (universal && h.tag != SV_DER_OCTET_STRING && check_primitive(h.tag, content, s->der) != NULL)) {
                return;
            }
        } else {
            if ((universal && h.tag != SV_DER_SEQUENCE && h.tag != SV_DER_SET) || s->top == s->deepest) return;
            s->top++;
            s->top->end = at.at + h.length;
            s->top->indefinite = s->top->string = false;
        }
        s->elements++;
        s->c.at = at.at;
        scan_close(s);
        if (h.tag == SV_DER_SET && is_open(s)) scan_usual_kekris(s);
    }
}

sipveil_code sv_der_scan(sipveil_span octets, const sipveil_limits *limits, bool der, sipveil_error *err)
{
    __attribute__((uninitialized)) scan s; /* not by the compiler: a level is written when it is entered */
    s.c = sv_cursor_over(octets, "asn.1");
    s.limits = limits;
    s.der = der;
    s.elements = 0;
    s.top = s.levels;
    s.deepest = s.levels + (limits->asn1_depth < DEPTH_MOST ? limits->asn1_depth : DEPTH_MOST);
    s.levels[0] = (level){.end = s.c.end, .indefinite = true};
    do {
        SV_TRY(scan_one(&s, err));
        scan_close(&s);
        scan_usual(&s);
    } while (is_open(&s));
    if (!sv_at_end(&s.c)) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-050", sv_offset(&s.c),
                            "asn.1: %zu octets after the value", sv_left(&s.c));
    }
    return SIPVEIL_OK;
}

/* Finds the end-of-contents octets that close an indefinite value; the cursor stands at its content.
 * Definite values are stepped over whole, so a counter is all that nesting needs. */
static bool take_indefinite(sv_cursor *c, sipveil_span *content)
{
    const uint8_t *from = c->at;
    size_t open = 1;
    header h;
    while (open > 0) {
        const uint8_t *before = c->at;
        sipveil_span skipped;
        if (take_header(c, &h) != NULL) return false;
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
    header h;
    const char *why = take_header(&at, &h);
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
    if (code == SIPVEIL_OK && (value.content.len == 0 || value.content.len > OID_MOST)) {
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
    const char *why = check_integer(value.content);
    if (why != NULL) return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-053", SIPVEIL_NO_OFFSET, "%s: %s", what, why);
    *content = value.content;
    return SIPVEIL_OK;
}

sipveil_code sv_der_take_number(sv_cursor *c, const char *what, uint64_t *out, sipveil_error *err)
{
    sipveil_span content;
    *out = 0;
    SV_TRY(sv_der_take_integer(c, what, &content, err));
    if ((content.data[0] & 0x80) != 0) {
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
    header h;
    *used = 0;
    while (!sv_at_end(&c)) {
        sipveil_span segment;
        const char *why = take_header(&c, &h);
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
