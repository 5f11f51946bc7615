/* SPDX-License-Identifier: BSD-2-Clause */
/* MIME entities as spans into the octets they came in: media types, multiparts with exact
 * delimiters, transfer encodings. No part of a body is copied unless an encoding is undone. */
#ifndef SV_MIME_MIME_H
#define SV_MIME_MIME_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/span.h"

enum { SV_MIME_PARAMETERS_MOST = 64, SV_MIME_FIELDS_MOST = 32 };

typedef struct sv_mime_parameter {
    sipveil_span name;
    sipveil_span value; /* without quotes; still with its backslashes if quoted (has_escape) */
    bool quoted;
    bool has_escape;
} sv_mime_parameter;

/* A media type, or a disposition (then subtype is empty): "type/subtype;a=b". */
typedef struct sv_media_type {
    sipveil_span type;
    sipveil_span subtype;
    size_t parameter_count;
    sipveil_span parameters; /* from the first name on, and checked: sv_media_type_next takes them one by one */
    unsigned flags;          /* that they were read with */
    bool present; /* false: the field was absent and defaults apply */
} sv_media_type;

enum {
    SV_MIME_COMPAT_SEED000 = 1, /* TUN-78: "smime-type=..." without a media type */
    SV_MIME_COMPAT_SAMPLES = 2  /* closing "--b-" is the end; "filename=x handling=y" is two parameters */
};

/* Doubled parameters and RFC 2231 continuations are MALFORMED (ADV-019). */
sipveil_code sv_mime_read_media_type(sipveil_span value, const sipveil_limits *limits, unsigned flags,
                                     sv_media_type *out, sipveil_error *err);
sipveil_code sv_mime_read_disposition(sipveil_span value, const sipveil_limits *limits, unsigned flags,
                                      sv_media_type *out, sipveil_error *err);
static inline bool sv_media_type_is(const sv_media_type *t, const char *type, const char *subtype) /* no case */
{
    return sv_equal_nocase_str(t->type, type) && sv_equal_nocase_str(t->subtype, subtype);
}
/* The next parameter; c is over `parameters` at first. False at the end. */
bool sv_media_type_next(const sv_media_type *t, sv_cursor *c, sv_mime_parameter *out);
/* Value of a parameter; false if absent. */
bool sv_media_type_parameter(const sv_media_type *t, const char *name, sipveil_span *value);

typedef enum sv_mime_encoding {
    SV_MIME_IDENTITY, /* absent, 7bit, 8bit, binary */
    SV_MIME_BASE64
} sv_mime_encoding;
/* Anything else is UNSUPPORTED (ADV-039, TUN-79). Case does not matter. */
sipveil_code sv_mime_read_encoding(sipveil_span value, sv_mime_encoding *out, sipveil_error *err);

typedef struct sv_mime_field {
    sipveil_span name, value, line; /* line: with folds and final CRLF */
} sv_mime_field;

typedef struct sv_mime_entity {
    sipveil_span whole;   /* header, empty line, content: what a signature covers */
    sipveil_span header;  /* without the empty line */
    sipveil_span content; /* as transferred: encoding not undone */
    sv_media_type type;   /* defaults to text/plain, present = false */
    sv_mime_encoding encoding;
    sv_media_type disposition; /* .present = false if absent; `handling` is one of its parameters */
    bool handling_optional;    /* handling=optional (TUN-63: absent = required) */
    sipveil_span content_id;   /* without <> ; empty if none */
    size_t field_count;
    sv_mime_field fields[SV_MIME_FIELDS_MOST]; /* those past field_count are never written, nor read */
} sv_mime_entity;

/* Octets of an entity that are in use: the rest of its storage can be given back. */
static inline size_t sv_mime_entity_size(const sv_mime_entity *entity)
{
    return offsetof(sv_mime_entity, fields) + entity->field_count * sizeof entity->fields[0];
}

/* An entity with header fields, empty line and content. A second Content-Type,
 * Content-Transfer-Encoding, Content-ID or Content-Disposition is MALFORMED (ADV-035); no empty line
 * is MALFORMED (TUN-61). Strict CRLF. Content-Type `multipart/...` with an encoding other than
 * identity is MALFORMED. */
sipveil_code sv_mime_read_entity(sipveil_span octets, const sipveil_limits *limits, unsigned flags,
                                 sv_mime_entity *out, sipveil_error *err);

/* The entity that a SIP message's Content-* fields and body make (values may be empty = absent).
 * whole and header stay empty. */
sipveil_code sv_mime_entity_of_body(sipveil_span content_type, sipveil_span content_transfer_encoding,
                                    sipveil_span content_disposition, sipveil_span content_id,
                                    sipveil_span body, const sipveil_limits *limits, unsigned flags,
                                    sv_mime_entity *out, sipveil_error *err);

/* The parts between exact delimiter lines: each span runs from the first octet of the part's header
 * to the last octet before the CRLF that belongs to the next delimiter (RFC 2046 5.1, TUN-62).
 * Preamble and epilogue are never content. No closing delimiter, or no part: MALFORMED (ADV-032). */
sipveil_code sv_mime_read_multipart(const sv_media_type *type, sipveil_span content,
                                    const sipveil_limits *limits, unsigned flags,
                                    sipveil_span *parts, size_t parts_room, size_t *part_count,
                                    sipveil_error *err);

/* Undoes base64 strictly (ADV-038): alphabet, padding, zero spare bits; line ends anywhere; blanks at
 * line ends only, few. Output in the arena. */
sipveil_code sv_mime_decode_base64(sipveil_span text, sv_arena *arena, sipveil_span *out,
                                   sipveil_error *err);
/* columns: 76, or 0 for one line. Lines end in CRLF, the last one too (columns != 0). */
void sv_mime_put_base64(sv_buffer *out, sipveil_span octets, size_t columns);
size_t sv_mime_base64_size(size_t octets, size_t columns);

/* base64url without padding (RFC 4648 5, RFC 7515 2): one text for each octet string. MALFORMED: another octet, a
 * length that nothing has, spare bits that are not zero. Output in the arena. */
sipveil_code sv_mime_decode_base64url(sipveil_span text, sv_arena *arena, sipveil_span *out, sipveil_error *err);
void sv_mime_put_base64url(sv_buffer *out, sipveil_span octets);

/* The content with its encoding undone: the span itself, or decoded into the arena. */
sipveil_code sv_mime_decoded_content(const sv_mime_entity *entity, sv_arena *arena, sipveil_span *out,
                                     sipveil_error *err);

/* Whether "--boundary" occurs at the start of a line in any of the parts (ADV-037). */
bool sv_mime_boundary_occurs(sipveil_span boundary, const sipveil_span *parts, size_t part_count);

#endif
