/* SPDX-License-Identifier: BSD-2-Clause */
/* Every write of a message goes through a buffer: it grows inside an arena, never past its most, and
 * a write that does not fit marks it failed; the writer looks once, at the end. */
#ifndef SV_BASE_BUFFER_H
#define SV_BASE_BUFFER_H

#include "base/arena.h"
#include "base/error.h"

typedef struct sv_buffer {
    sv_arena *arena;
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t most;
    bool failed;    /* no memory, or past most */
    bool past_most; /* and which of the two */
} sv_buffer;

/* expected: octets reserved at once. most: more is refused. */
void sv_buffer_init(sv_buffer *b, sv_arena *arena, size_t expected, size_t most);

void sv_put(sv_buffer *b, sipveil_span s);
void sv_put_str(sv_buffer *b, const char *s);
void sv_put_byte(sv_buffer *b, uint8_t byte);
void sv_put_number(sv_buffer *b, uint64_t number); /* decimal */
void sv_put_lower(sv_buffer *b, sipveil_span text); /* ASCII letters in lower case */
void sv_put_big_endian(sv_buffer *b, uint64_t number, size_t octets);
void sv_put_counted(sv_buffer *b, sipveil_span s); /* its length in two octets, then it; a longer one is past most */
void sv_put_format(sv_buffer *b, const char *format, ...) SV_PRINTF(2, 3); /* at most 1 KiB of text */

/* Room for n octets to be written by the caller at the end of b; NULL when it does not fit.
 * Counts as written. */
uint8_t *sv_put_room(sv_buffer *b, size_t n);

/* For one who writes backwards: the storage of a buffer that is empty, n octets; NULL, and nothing has changed, when
 * it is not empty or there is no room. Then the last `len` of them become what is written. */
uint8_t *sv_buffer_storage(sv_buffer *b, size_t n);
void sv_buffer_keep_last(sv_buffer *b, size_t len);

/* What was written. Empty when failed. */
sipveil_span sv_buffer_span(const sv_buffer *b);

/* SIPVEIL_OK, or SIPVEIL_LIMIT / SIPVEIL_INTERNAL when a write failed. */
sipveil_code sv_buffer_check(const sv_buffer *b, const char *room, sipveil_error *err);

#endif
