/* SPDX-License-Identifier: BSD-2-Clause */
/* Header field rows and parameters: what SIP and MIME share. No allocation. */
#ifndef SV_BASE_FIELD_H
#define SV_BASE_FIELD_H

#include "base/cursor.h"
#include "base/error.h"

typedef struct sv_field_row {
    sipveil_span name;
    sipveil_span value; /* without blanks at both ends; folds inside still there */
    sipveil_span line;  /* with folds and final CRLF */
} sv_field_row;

/* Takes one row with its continuation rows from a cursor at the start of a row that is not the empty
 * row. MALFORMED (rule, offset of the cursor's start): bare CR or LF, NUL (but for a quoted-pair in a
 * quoted string, RFC 4475 3.1.1.2), no colon, no name, a fold before the colon, a continuation row of
 * blanks only, no final CRLF. LIMIT: the row is longer than `most`. blank_before_colon: SIP allows it,
 * MIME does not. */
sipveil_code sv_take_field_row(sv_cursor *c, size_t most, bool blank_before_colon, const char *room,
                               sv_field_row *out, sipveil_error *err);

/* Linear white space: blanks, and CRLF followed by a blank. */
void sv_skip_lws_there(sv_cursor *c);
static inline void sv_skip_lws(sv_cursor *c)
{
    if (c->at != c->end && sv_is_in(*c->at, SV_OCTET_WHITE)) sv_skip_lws_there(c); /* mostly there is none */
}

typedef struct sv_parameter {
    sipveil_span name;
    sipveil_span value; /* without the quotes */
    bool has_value;
    bool quoted;
    bool has_escape; /* a backslash stands in the quoted value */
} sv_parameter;

/* Takes one `[LWS] ; [LWS] name [ [LWS] = [LWS] value ]` from the cursor. *taken is false, and nothing
 * is taken, when the next thing is not a semicolon. value: token, quoted string, or host in brackets;
 * classes (SV_OCTET_...) say which octets a bare value may hold. */
sipveil_code sv_take_parameter(sv_cursor *c, uint32_t classes, const char *room, sv_parameter *out, bool *taken,
                               sipveil_error *err);

/* Takes a quoted string at the cursor; *inside is what stands between the quotes, escapes kept. */
bool sv_take_quoted(sv_cursor *c, sipveil_span *inside, bool *has_escape);

#endif
