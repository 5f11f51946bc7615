/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate of ASN.1 (ADV-051 to 055): one look over all of a message, within the limits, before anything of it is taken
 * apart. */
#include "cms/der_header.h"
#include "cms/usual_kekri.h"

static const char room[] = "cms";

enum {
    DEPTH_MOST = 64,      /* whatever the caller's limit says: it sizes an array on the stack */
    ARC_MOST = 9,         /* octets of one arc: 63 bits */
    UNIVERSAL_CLASS = 0x00,
    CLASS_BITS = 0xC0
};

const char *sv_der_take_long_header(sv_cursor *c, sv_der_header *h)
{
    uint8_t first;
    *h = (sv_der_header){0};
    if (!sv_take_byte(c, &h->tag)) return "cut short before a tag";
    if ((h->tag & SV_DER_TAG_NUMBER) == SV_DER_TAG_NUMBER) return "a tag number over 30";
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

/* X.690 8.19: no empty arc, no padding; the limits are ours (ADV-053). */
static const char *check_oid(sipveil_span oid)
{
    if (oid.len == 0 || oid.len > SV_DER_OID_MOST) return "an object identifier of no or too many octets";
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

const char *sv_der_check_integer(sipveil_span number)
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
        return sv_der_check_integer(content);
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

static sipveil_code scan_segment(scan *s, const sv_der_header *h, sipveil_error *err)
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

static sipveil_code scan_open(scan *s, const sv_der_header *h, sipveil_error *err)
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
    sv_der_header h;
    sipveil_span content;
    const char *why = sv_der_take_header(&s->c, &h);
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
        sv_der_header h;
        if (sv_der_take_header(&at, &h) != NULL || h.tag == 0 || h.indefinite) return;
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
