/* SPDX-License-Identifier: BSD-2-Clause */
/* Header values: addresses, URIs, AORs, dates, CSeq; and comparison by SIP rules (TUN-40).
 * Values have passed the gate; percent-escapes are never decoded into memory strings (ADV-014). */
#ifndef SV_SIP_VALUES_H
#define SV_SIP_VALUES_H

#include <time.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "sip/view.h"

/* From, To, Contact, Reply-To, P-Asserted-Identity ...: name-addr or addr-spec with parameters. */
typedef struct sv_sip_address {
    sipveil_span display; /* as written, may be quoted; empty if none */
    sipveil_span uri;     /* without angle brackets */
    sipveil_span params;  /* after the URI, from the first ';' on; may be empty */
    sipveil_span tag;     /* value of the tag parameter, or empty */
} sv_sip_address;

/* The whole value is one address (ADV-015: a second URI, a comma or a second @ is MALFORMED). */
sipveil_code sv_sip_read_address(sipveil_span value, sv_sip_address *out, sipveil_error *err);

/* A URI taken apart; nothing decoded. scheme other than sip/sips: opaque in `rest`. */
typedef struct sv_sip_uri {
    sipveil_span scheme;
    bool is_sip, is_sips;
    sipveil_span user;     /* escaped as written */
    bool has_password;
    sipveil_span password;
    sipveil_span host;     /* with brackets for IPv6 */
    bool has_port;
    uint16_t port;
    sipveil_span params;   /* from the first ';' */
    sipveil_span headers;  /* after '?' */
    sipveil_span rest;
} sv_sip_uri;
sipveil_code sv_sip_read_uri(sipveil_span uri, sv_sip_uri *out, sipveil_error *err);
/* sv_sip_read_address, with its URI taken apart. */
sipveil_code sv_sip_read_address_parts(sipveil_span value, sv_sip_address *out, sv_sip_uri *parts, sipveil_error *err);

/* RFC 3261 19.1.4 as digested in TUN-40. flags: */
enum { SV_COMPAT_SAMPLES = 1 /* TUN-41: schemeless user@host in brackets equals sip:user@host */ };
bool sv_sip_same_uri(sipveil_span a, sipveil_span b, unsigned flags);

/* sip:user@host of a SIP(S) URI, normal form for lookups: scheme sip, user %-decoded where the
 * octet needs no escape, host in lower case, no port, no parameters. Text in the arena.
 * MALFORMED if it has no user part or is no SIP URI, or holds %00 / control escapes. A URI given
 * without scheme ("alice@a.example") is taken as sip:. */
sipveil_code sv_sip_aor(sipveil_span uri, sv_arena *arena, sipveil_span *out, sipveil_error *err);
/* The same of a URI that was taken apart. */
sipveil_code sv_sip_aor_of(const sv_sip_uri *parts, sv_arena *arena, sipveil_span *out, sipveil_error *err);
/* Whether two URIs have the same AOR (user case-sensitive, host not; port, parameters ignored). */
bool sv_sip_same_aor(sipveil_span a, sipveil_span b);
/* Host part of a URI for a host comparison; empty if none. */
sipveil_span sv_sip_host(sipveil_span uri);

/* Date: RFC 1123 date, GMT only. Seconds since 1970, UTC. */
sipveil_code sv_sip_read_date(sipveil_span value, int64_t *out, sipveil_error *err);
void sv_sip_put_date(sv_buffer *out, int64_t seconds); /* "Sat, 21 Nov 2026 10:00:00 GMT" */

sipveil_code sv_sip_read_cseq(sipveil_span value, uint32_t *number, sipveil_span *method, sipveil_error *err);

/* Comparison of one header field, all rows of it, between two messages (or fragments): names in
 * compact or long form, several rows as one comma list in order (Authorization and
 * Proxy-Authorization rows apart), LWS and folding without meaning, and the rules of TUN-40 for
 * To/From, Call-ID, CSeq, Contact, URIs and Date; all else as tokens without case and quoted strings
 * with case. Equal octets are equal without parsing. */
typedef enum sv_sip_comparison {
    SV_SIP_EQUAL,
    SV_SIP_DIFFERENT,
    SV_SIP_UNPARSABLE, /* on one side or both, and the octets differ: counts as different */
    SV_SIP_ONLY_FIRST,
    SV_SIP_ONLY_SECOND,
    SV_SIP_IN_NEITHER
} sv_sip_comparison;
sv_sip_comparison sv_sip_compare_field(const sv_sip_view *first, const sv_sip_view *second,
                                       sv_field_id id, sipveil_span name_if_other, unsigned flags);
/* Proxy-Require: whether every tag of `outer` is in `inner` (hops may consume tags, TUN-39 B). */
bool sv_sip_tags_removed_only(const sv_sip_view *inner, const sv_sip_view *outer, sv_field_id id);

/* The option tags of Require, Proxy-Require, Supported, Unsupported one by one, all rows, so that 420 can
 * be answered before any key is used (ADV-021). False at the end, and at what is no tag. */
typedef struct sv_sip_tags {
    const sv_sip_view *view;
    const sv_sip_field *row;
    sv_cursor c;
} sv_sip_tags;
sv_sip_tags sv_sip_tags_of(const sv_sip_view *view, sv_field_id id);
bool sv_sip_next_tag(sv_sip_tags *tags, sipveil_span *tag);
/* Whether one of them is there; tags have no case. */
bool sv_sip_has_tag(const sv_sip_view *view, sv_field_id id, const char *wanted);

/* The value of `name` (without case) in a ";a=b;c" list. False: it is not there; a flag parameter is, with an empty
 * value. */
bool sv_sip_param(sipveil_span params, const char *name, sipveil_span *value);

#endif
