/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: URIs taken apart (uri.c) and compared (uri_compare.c). */
#ifndef SV_SIP_URI_H
#define SV_SIP_URI_H

#include "base/cursor.h"
#include "sip/values.h"

/* Parameters and header components of one URI, each. The gate's limit is never higher than this. */
enum { SV_URI_PARTS_MOST = 64 };

/* One ";name=value" or "&name=value"; values keep their escapes. */
typedef struct sv_uri_part {
    sipveil_span name;
    sipveil_span value;
    bool has_value;
} sv_uri_part;

/* Takes one part of a list whose parts are led in by `lead` (the first one may lack it); the list
 * was read by sv_sip_read_uri. False at the end. */
bool sv_uri_take_part(sv_cursor *c, uint8_t lead, sv_uri_part *part);

/* Takes one character of a URI component: the octet, %-escapes undone once, plus 256 if the escape
 * stands for a reserved character, which is not the same as that character (RFC 3261 19.1.4). */
bool sv_uri_take_character(sv_cursor *c, unsigned *character);
bool sv_uri_same_text(sipveil_span a, sipveil_span b, bool nocase);

/* As sv_sip_read_uri; schemeless: "user@host..." is read as if "sip:" stood in front (TUN-41). */
sipveil_code sv_sip_read_uri_as(sipveil_span uri, bool schemeless, sv_sip_uri *out,
                                sipveil_error *err);

/* host of RFC 3261 25.1: host name, IPv4 address, or IPv6 reference. */
bool sv_sip_take_host(sv_cursor *c, sipveil_span *host);
bool sv_sip_is_ipv4(sipveil_span host);
/* The 16 octets that an IPv6 reference stands for, brackets and all; false for another host. */
bool sv_sip_read_ipv6(sipveil_span host, uint8_t out[16]);
/* Decimal, at most 65535. */
bool sv_sip_read_port(sipveil_span digits, uint16_t *port);
bool sv_uri_is_unreserved(uint8_t c);

#endif
