/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports as JSON, of this room and of those above: one line of printable ASCII, whatever was received. What is signed
 * as JSON has a form of its own (lib/identity). */
#ifndef SV_TUNNEL_JSON_WRITE_H
#define SV_TUNNEL_JSON_WRITE_H

#include "base/buffer.h"
#include "sipveil/tunnel.h"

/* A string: printable ASCII as it is, all else as \u00NN of its octet, so that hostile octets stay visible. */
void sv_json_write_string(sv_buffer *b, sipveil_span text);
void sv_json_write_text(sv_buffer *b, const char *text); /* NULL: "" */

/* A member's name with its colon, and the comma in front of all but the first one of an object. */
void sv_json_write_key(sv_buffer *b, const char *key);
void sv_json_write_member(sv_buffer *b, const char *key, const char *value);
void sv_json_write_member_or_null(sv_buffer *b, const char *key, const char *value); /* NULL: null */
void sv_json_write_flag(sv_buffer *b, const char *key, bool value);
void sv_json_write_number(sv_buffer *b, const char *key, uint64_t value);
void sv_json_write_number_or_null(sv_buffer *b, const char *key, bool has, int64_t value); /* a negative one is null too */
void sv_json_write_hex(sv_buffer *b, const char *key, sipveil_span octets);

/* The members "checks" and "warnings": every report ends in them. */
void sv_json_write_findings(sv_buffer *b, const sipveil_check *checks, size_t check_count,
                            const sipveil_warning *warnings, size_t warning_count);

#endif
