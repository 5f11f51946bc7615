/* SPDX-License-Identifier: BSD-2-Clause */
/* A SIP message as spans into the received octets. sv_sip_read() is the gate: one strict scan without
 * allocation that frames the message, enforces the limits and refuses what no later reader may see
 * (ADV-001..013, 019, 020). Nothing below this call sees unvetted octets. */
#ifndef SV_SIP_VIEW_H
#define SV_SIP_VIEW_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/span.h"

/* Header fields that some rule names. The table in fields.c gives the canonical name, the compact
 * form, whether a second one is an error (singular) and whether rows form one comma list. */
typedef enum sv_field_id {
    SV_F_OTHER = 0,
    /* RFC 3261 */
    SV_F_ACCEPT, SV_F_ACCEPT_ENCODING, SV_F_ACCEPT_LANGUAGE, SV_F_ALERT_INFO, SV_F_ALLOW,
    SV_F_AUTHENTICATION_INFO, SV_F_AUTHORIZATION, SV_F_CALL_ID, SV_F_CALL_INFO, SV_F_CONTACT,
    SV_F_CONTENT_DISPOSITION, SV_F_CONTENT_ENCODING, SV_F_CONTENT_LANGUAGE, SV_F_CONTENT_LENGTH,
    SV_F_CONTENT_TYPE, SV_F_CSEQ, SV_F_DATE, SV_F_ERROR_INFO, SV_F_EXPIRES, SV_F_FROM,
    SV_F_IN_REPLY_TO, SV_F_MAX_FORWARDS, SV_F_MIN_EXPIRES, SV_F_MIME_VERSION, SV_F_ORGANIZATION,
    SV_F_PRIORITY, SV_F_PROXY_AUTHENTICATE, SV_F_PROXY_AUTHORIZATION, SV_F_PROXY_REQUIRE,
    SV_F_RECORD_ROUTE, SV_F_REPLY_TO, SV_F_REQUIRE, SV_F_RETRY_AFTER, SV_F_ROUTE, SV_F_SERVER,
    SV_F_SUBJECT, SV_F_SUPPORTED, SV_F_TIMESTAMP, SV_F_TO, SV_F_UNSUPPORTED, SV_F_USER_AGENT,
    SV_F_VIA, SV_F_WARNING, SV_F_WWW_AUTHENTICATE,
    /* MIME fields in SIP */
    SV_F_CONTENT_TRANSFER_ENCODING, SV_F_CONTENT_ID,
    /* extensions that later rooms need to find */
    SV_F_IDENTITY, SV_F_IDENTITY_INFO, SV_F_P_ASSERTED_IDENTITY, SV_F_P_PREFERRED_IDENTITY,
    SV_F_PRIVACY, SV_F_REFER_TO, SV_F_REFERRED_BY, SV_F_SECURITY_CLIENT, SV_F_SECURITY_SERVER,
    SV_F_SECURITY_VERIFY, SV_F_PROXY_REQUIRED_BODY, SV_F_PROXY_BODY_NEED,
    SV_F_COUNT
} sv_field_id;

typedef struct sv_field_info {
    const char *name;  /* canonical */
    char compact;      /* lower case, or 0 */
    bool singular;     /* at most one row (ADV-001, 002, section 4 of the threat notes) */
    bool comma_list;   /* several rows are one comma list (RFC 3261 7.3.1) */
    bool rfc3261;      /* defined in RFC 3261: group A, B or C of the integrity comparison */
} sv_field_info;

const sv_field_info *sv_field_info_of(sv_field_id id); /* never NULL */
sv_field_id sv_field_id_of(sipveil_span name);          /* long or compact form, any case */

typedef struct sv_sip_field {
    sv_field_id id;
    uint32_t via;       /* of a Via: how many values */
    sipveil_span name;  /* as written */
    sipveil_span value; /* without blanks at both ends; folds inside are still there */
    sipveil_span line;  /* the whole row with its folds and the final CRLF */
} sv_sip_field;

enum { SV_SIP_FIELDS_MOST = 256 };
_Static_assert(SV_F_COUNT <= 64, "one bit for each in sv_sip_view.several");

typedef struct sv_sip_view {
    sipveil_span whole;      /* start line .. last body octet (octets after Content-Length are not in it) */
    sipveil_span start_line; /* without CRLF; empty in a fragment without one */
    sipveil_span head;       /* all header rows, without the empty line */
    sipveil_span body;
    bool is_request;
    bool has_body_separator; /* the empty line was there (a fragment may lack it) */
    sipveil_span method;     /* of the request line, or of CSeq in a response */
    sipveil_span request_uri;
    unsigned status;
    sipveil_span reason;
    bool has_content_length;
    size_t tail;             /* octets after Content-Length, dropped: warn if not 0 (ADV-005) */
    size_t field_count;
    uint64_t several;           /* bit of an id: it has more than one row */
    uint16_t first[SV_F_COUNT]; /* 1 + index of the first row of that id; 0: none */
    sv_sip_field fields[SV_SIP_FIELDS_MOST]; /* last: those past field_count are never written, nor read */
} sv_sip_view;

/* Octets of a view that are in use: the rest of its storage can be given back. */
static inline size_t sv_sip_view_size(const sv_sip_view *view)
{
    return offsetof(sv_sip_view, fields) + view->field_count * sizeof view->fields[0];
}

typedef enum sv_sip_framing {
    SV_SIP_DATAGRAM, /* no Content-Length: the rest is the body */
    SV_SIP_STREAM    /* no Content-Length: MALFORMED (ADV-006) */
} sv_sip_framing;

/* Reads one whole message. Errors: SIPVEIL_MALFORMED (with rule and offset), SIPVEIL_LIMIT,
 * SIPVEIL_UNSUPPORTED for another SIP version (sip_status 505). A body without Content-Type is
 * refused (ADV-020). From, To, Call-ID, CSeq, Via, Max-Forwards, Date, Content-* and the fields of
 * RFC 4475's scalar tests are checked for form here as far as ADV-001..023 and RFC 4475 demand. */
sipveil_code sv_sip_read(sipveil_span message, sv_sip_framing framing, const sipveil_limits *limits,
                         sv_sip_view *out, sipveil_error *err);

/* An inner message of a tunnel (message/sip): like sv_sip_read, but tolerates the absence of
 * Content-Length; it must end where the span ends (no tail). Which header fields it must have is for
 * the comparison (TUN-35): none is demanded here. `user@host` in brackets may lack its scheme here and
 * in fragments; whether it equals anything is TUN-41. */
sipveil_code sv_sip_read_inner(sipveil_span message, const sipveil_limits *limits, sv_sip_view *out,
                               sipveil_error *err);

/* The same inside the body of a message that passed the gate with the same limits. What a row is follows from its octets, so
 * a row that stands there octet by octet needs no second look; most of a tunnelled message does (TUN-39). */
sipveil_code sv_sip_read_inner_of(sipveil_span message, const sv_sip_view *carrier, const sipveil_limits *limits,
                                  sv_sip_view *out, sipveil_error *err);

/* message/sipfrag (RFC 3420 2, TUN-50). */
sipveil_code sv_sip_read_fragment(sipveil_span fragment, const sipveil_limits *limits,
                                  sv_sip_view *out, sipveil_error *err);

/* A person's editor made it: header lines end in bare LF throughout. sv_sip_uses_bare_lf() says so;
 * sv_sip_to_crlf() writes every LF that lacks its CR as CRLF into out (exact octets otherwise). */
bool sv_sip_uses_bare_lf(sipveil_span message);
void sv_sip_to_crlf(sipveil_span message, sv_buffer *out);
/* Where such octets were MALFORMED, what to do: an editor's SIP message, or some other text that was given for one. Returns code. */
sipveil_code sv_sip_hint_at_lines(sipveil_code code, sipveil_span message, sipveil_error *err);

/* First row of that field, or NULL. */
const sv_sip_field *sv_sip_first(const sv_sip_view *view, sv_field_id id);
/* The next row with the same name after `row`, or NULL. */
const sv_sip_field *sv_sip_next(const sv_sip_view *view, const sv_sip_field *row);
/* First row of that name, long or compact form, any case. */
const sv_sip_field *sv_sip_find(const sv_sip_view *view, sipveil_span name);
/* First row with the name of a row of this view or another. */
const sv_sip_field *sv_sip_find_like(const sv_sip_view *view, const sv_sip_field *row);
/* Value of the first row, or an empty span. */
sipveil_span sv_sip_value(const sv_sip_view *view, sv_field_id id);
/* A request that nobody authenticates, signs or answers hop by hop (RFC 3261 16.7, 17.1.1.3), or the response to one. */
bool sv_sip_is_ack_or_cancel(const sv_sip_view *view);
/* Whether two rows have the same name (compact form = long form). */
bool sv_sip_same_name(const sv_sip_field *a, const sv_sip_field *b);

#endif
