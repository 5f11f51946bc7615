/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON (RFC 8259) for key files, read strictly into an arena: a key inside must be wiped with
 * everything else, and jansson frees its copies unwiped. Strings are valid UTF-8 without NUL, no
 * member stands twice, nesting and sizes are bounded. jansson is what the tests compare it with. */
#ifndef SV_KEYS_JSON_H
#define SV_KEYS_JSON_H

#include "base/arena.h"
#include "base/error.h"

enum { SV_JSON_DEPTH_MOST = 16, SV_JSON_MEMBERS_MOST = 64 };

typedef enum sv_json_kind {
    SV_JSON_NULL, SV_JSON_FALSE, SV_JSON_TRUE, SV_JSON_NUMBER, SV_JSON_STRING, SV_JSON_ARRAY,
    SV_JSON_OBJECT
} sv_json_kind;

typedef struct sv_json {
    sv_json_kind kind;
    sipveil_span name;     /* of a member of an object */
    sipveil_span text;     /* STRING: undone; NUMBER: as written */
    struct sv_json *first; /* ARRAY, OBJECT */
    struct sv_json *next;
} sv_json;

/* The whole text is one value. USAGE with the offset; INTERNAL. *out is NULL on failure. */
sipveil_code sv_json_read(sipveil_span text, sv_arena *arena, const sv_json **out, sipveil_error *err);
/* The same, nested at most `depth` deep (up to SV_JSON_DEPTH_MOST). */
sipveil_code sv_json_read_within(sipveil_span text, unsigned depth, sv_arena *arena, const sv_json **out,
                                 sipveil_error *err);
/* NULL if it is not there or `object` is no object. */
const sv_json *sv_json_member(const sv_json *object, const char *name);
const sv_json *sv_json_member_named(const sv_json *object, sipveil_span name);

#endif
