/* SPDX-License-Identifier: BSD-2-Clause */
/* Values as nearly everybody writes them: words of alphanum - . _ +, nothing escaped, no blank where none must be. Such a
 * value is recognised whole, sixteen octets a step, where the readers would go from one short token to the next. They stay
 * what they are: what is not recognised goes their way, and what is recognised they would have let through
 * (tests/sip/usual.c and the fuzz target `sip` compare).
 *
 * Each function takes one such thing from the cursor, or says false and leaves the cursor anywhere. The cursor ends where
 * octets may be read, at least behind the row that the value is in: what ends a row is in no value but a quoted one, so the
 * caller looks where it was left. *parameters grows by what semicolons stand for. */
#ifndef SV_SIP_USUAL_H
#define SV_SIP_USUAL_H

#include "base/cursor.h"

/* sip:user@host:port;name=value */
bool sv_usual_take_uri(sv_cursor *c, size_t *parameters);

/* METHOD sip:user@host SIP/2.0 and the end of the line. */
bool sv_usual_take_request_line(sv_cursor *c, sipveil_span *method, sipveil_span *uri);

/* Display Name <sip:user@host>;name=value: the parameters after the URI are what *params spans. */
bool sv_usual_take_address(sv_cursor *c, sipveil_span *params, size_t *parameters);

/* SIP/2.0/TCP host:port;name=value */
bool sv_usual_take_via(sv_cursor *c, size_t *parameters);

/* type/subtype; name=value: a media type, or the one word of a disposition. */
bool sv_usual_take_media(sv_cursor *c, size_t *parameters);

/* word@word, or one word: a Call-ID. */
bool sv_usual_take_call_id(sv_cursor *c);

#endif
