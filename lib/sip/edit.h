/* SPDX-License-Identifier: BSD-2-Clause */
/* A message written anew. What no edit names stays as it was, octet by octet and in its place: a hop must not
 * touch what it was not asked to (RFC 3261 16.6), and signed octets least of all. */
#ifndef SV_SIP_EDIT_H
#define SV_SIP_EDIT_H

#include "sip/view.h"

enum { SV_SIP_EDITS_MOST = 48 };

typedef struct sv_sip_change {
    size_t row;           /* index of the row it stands before */
    sipveil_span lines;   /* whole rows, each with its CRLF */
} sv_sip_change;

/* Spans are *borrowed* until the message is written. */
typedef struct sv_sip_edit {
    const sv_sip_view *view;
    sipveil_span start_line; /* without CRLF; empty: as it was */
    bool has_body;
    sipveil_span body;
    uint64_t removed[SV_SIP_FIELDS_MOST / 64];
    sv_sip_change changes[SV_SIP_EDITS_MOST]; /* of one place: in the order they were made */
    size_t count;
    bool overflow;           /* more than fit: writing fails */
    bool no_memory;          /* for a row: likewise */
} sv_sip_edit;

void sv_sip_edit_start(sv_sip_edit *edit, const sv_sip_view *view);

/* row is one of the view's. Removing it twice is fine. */
void sv_sip_edit_remove(sv_sip_edit *edit, const sv_sip_field *row);
/* Every row of that field; returns how many. */
size_t sv_sip_edit_remove_all(sv_sip_edit *edit, sv_field_id id);
bool sv_sip_edit_is_removed(const sv_sip_edit *edit, const sv_sip_field *row);
/* lines: whole rows with CRLF, that stand where the row stood; before it; or in front of the rows that describe the
 * body (at the end where there are none). */
void sv_sip_edit_replace(sv_sip_edit *edit, const sv_sip_field *row, sipveil_span lines);
void sv_sip_edit_insert_before(sv_sip_edit *edit, const sv_sip_field *row, sipveil_span lines);
void sv_sip_edit_add(sv_sip_edit *edit, sipveil_span lines);
/* Name, colon and blanks as they were, another value. The row is built in the arena. */
void sv_sip_edit_set_value(sv_sip_edit *edit, const sv_sip_field *row, sipveil_span value, sv_arena *arena);
/* One option tag goes from every row of Require, Proxy-Require, Supported or Unsupported (tags have no case); a row with
 * nothing left goes whole, the other tags keep their order and the row its name. Returns how many times the tag was there. */
size_t sv_sip_edit_remove_tag(sv_sip_edit *edit, sv_field_id id, const char *tag, sv_arena *arena);
/* Another body: the value of Content-Length follows; a message without that row gets one. Content-Type and its like
 * are rows as any other. */
void sv_sip_edit_set_body(sv_sip_edit *edit, sipveil_span body);

/* SIPVEIL_OK; SIPVEIL_LIMIT: more edits than SV_SIP_EDITS_MOST, or past the buffer's most; SIPVEIL_INTERNAL. */
sipveil_code sv_sip_edit_write(const sv_sip_edit *edit, sv_buffer *out, sipveil_error *err);

/* What stands before the value of a row: name, colon, blanks, as written. */
void sv_put_row_start(const sv_sip_field *field, sv_buffer *out);
/* Content-*: describes the body. */
bool sv_is_content_field(sv_field_id id, sipveil_span name);

#endif
