/* SPDX-License-Identifier: BSD-2-Clause */
/* The response to a request that goes no further (RFC 3261 8.2.6, 16.7). */
#ifndef SV_SIP_RESPONSE_H
#define SV_SIP_RESPONSE_H

#include "sip/view.h"

enum { SV_TAG_OCTETS = 8 }; /* of a tag of ours, two digits each (RFC 3261 19.3 asks for four) */

typedef struct sv_sip_response {
    int status;
    sipveil_span phrase;       /* empty: that of the RFC that defines the status */
    sipveil_span rows;         /* further rows, each with its CRLF */
    sipveil_span content_rows; /* that describe the body; Content-Length is written here */
    sipveil_span body;
    sipveil_span tag;          /* for a To without one; empty: To stays as it is (100, or a request with a tag) */
    bool top_via_only;         /* for the previous hop and nobody before it */
} sv_sip_response;

/* Via, From, To, Call-ID, CSeq, Timestamp as in the request, octet by octet.
 * SIPVEIL_USAGE for a response or an ACK, which nothing answers; SIPVEIL_LIMIT, SIPVEIL_INTERNAL by the buffer. */
sipveil_code sv_sip_write_response(const sv_sip_view *request, const sv_sip_response *response, sv_buffer *out,
                                   sipveil_error *err);

/* A request that sv_sip_read() refused, as far as a response needs it: a view of the rows that it copies, which passed the gate
 * without the others; nothing is told of its Request-URI, its other fields and its body. In arena. MALFORMED: no answer
 * can be made, or none is due (a response, an ACK, a header without end). */
sipveil_code sv_sip_read_answerable(sipveil_span message, const sipveil_limits *limits, sv_arena *arena, sv_sip_view *out,
                                    sipveil_error *err);

/* The reason phrase of a status ("Undecipherable"), or "Server Internal Error". */
const char *sv_sip_phrase(int status);

#endif
