/* SPDX-License-Identifier: BSD-2-Clause */
/* DER written from the end backwards: the content first, then its length, then its tag, so that every
 * octet is written once and no length is computed twice. The storage is of a size known beforehand
 * (content plus what the writer adds), in the arena. */
#ifndef SV_CMS_DER_WRITE_H
#define SV_CMS_DER_WRITE_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/span.h"

typedef struct sv_der_writer {
    uint8_t *start;
    uint8_t *at;  /* what is written runs from at to end */
    uint8_t *end;
    bool failed;
} sv_der_writer;

typedef size_t sv_der_mark; /* octets written when the mark was taken */

bool sv_der_writer_init(sv_der_writer *w, sv_arena *arena, size_t room);
/* In the storage of a buffer that is empty, where it has the room: then sv_der_deliver() copies nothing. */
bool sv_der_writer_over(sv_der_writer *w, sv_buffer *out, size_t room);
void sv_der_deliver(const sv_der_writer *w, sv_buffer *out);
sipveil_span sv_der_written(const sv_der_writer *w); /* empty when failed */
static inline sv_der_mark sv_der_mark_here(const sv_der_writer *w)
{
    return (sv_der_mark)(w->end - w->at);
}
/* Everything puts itself in front of what is there. */
void sv_der_put(sv_der_writer *w, sipveil_span octets);
uint8_t *sv_der_put_room(sv_der_writer *w, size_t n); /* n octets for the caller to fill */
void sv_der_put_header(sv_der_writer *w, uint8_t tag, size_t length);
/* Wraps what was written since the mark. */
void sv_der_wrap(sv_der_writer *w, uint8_t tag, sv_der_mark since);
void sv_der_put_value(sv_der_writer *w, uint8_t tag, sipveil_span content);
void sv_der_put_number(sv_der_writer *w, uint64_t number);
void sv_der_put_oid(sv_der_writer *w, sipveil_span oid_content);
void sv_der_put_null(sv_der_writer *w);
void sv_der_put_time(sv_der_writer *w, int64_t seconds); /* UTCTime to 2049, then GeneralizedTime */
/* Puts the values written since the mark into the order that DER demands of a SET OF (X.690 11.6). */
void sv_der_sort_set(sv_der_writer *w, sv_der_mark since, sv_arena *arena);
sipveil_code sv_der_writer_check(const sv_der_writer *w, sipveil_error *err);

#endif
