/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a credential may be fetched from: a URI of a stranger must not make us ask our own neighbours (ADV-193). */
#include "identity/identity.h"
#include "sip/uri.h"

static sipveil_code refuse(sipveil_error *err, sipveil_span uri, const char *why)
{
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_POLICY, "ADV-193", SIPVEIL_NO_OFFSET,
                        "the credential at \"%s\" is not fetched: %s", SV_QUOTE(uri), why);
}

static bool is_uri_octet(uint8_t c)
{
    return c > 0x20 && c < 0x7F && c != '<' && c != '>' && c != '"' && c != '\\' && c != '^' && c != '`' && c != '{' &&
           c != '|' && c != '}';
}

static bool ends_authority(uint8_t c)
{
    return c == '/' || c == '?' || c == '#';
}

static bool in_authority(uint8_t c)
{
    return !ends_authority(c);
}

/* ---- addresses as they are written ---- */

/* 0/8, 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.0.0/24, 192.168/16, 198.18/15, multicast and above. */
static bool is_private_v4(const uint8_t a[4])
{
    return a[0] == 0 || a[0] == 10 || a[0] == 127 || a[0] >= 224 || (a[0] == 100 && (a[1] & 0xC0) == 64) ||
           (a[0] == 169 && a[1] == 254) || (a[0] == 172 && (a[1] & 0xF0) == 16) || (a[0] == 192 && a[1] == 168) ||
           (a[0] == 192 && a[1] == 0 && a[2] == 0) || (a[0] == 198 && (a[1] & 0xFE) == 18);
}

static bool read_v4(sipveil_span host, uint8_t out[4])
{
    sv_cursor c = sv_cursor_over(host, "address");
    for (size_t i = 0; i < 4; i++) {
        uint64_t number;
        sipveil_span digits = sv_take_while(&c, sv_is_digit);
        if (digits.len > 3 || (digits.len > 1 && digits.data[0] == '0') || !sv_read_number(digits, 255, &number)) return false;
        out[i] = (uint8_t)number;
        if (i < 3 && !sv_take_if(&c, '.')) return false;
    }
    return sv_at_end(&c);
}

/* Only 2000::/3 is in the open net; of it not what stands for an IPv4 address (6to4, Teredo). */
static bool is_private_v6(const uint8_t a[16])
{
    if ((a[0] & 0xE0) != 0x20) return true;
    return (a[0] == 0x20 && a[1] == 0x02) || (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x00 && a[3] == 0x00);
}

/* A name whose last label begins with a digit is what resolvers read as a number: "127.1", "0x7f.1", "2130706433". */
static bool looks_numeric(sipveil_span host)
{
    size_t start = host.len;
    while (start > 0 && host.data[start - 1] != '.') start--;
    return start == host.len || sv_is_digit(host.data[start]);
}

static bool ends_in(sipveil_span host, const char *name)
{
    size_t len = sv_span_str(name).len;
    return host.len >= len && sv_equal_nocase_str(sv_span_from(host, host.len - len), name) &&
           (host.len == len || host.data[host.len - len - 1] == '.');
}

static const char *why_private(sipveil_span host)
{
    uint8_t octets[16];
    if (host.len > 1 && host.data[host.len - 1] == '.') host.len--; /* the same name, from the root */
    if (sv_sip_read_ipv6(host, octets)) return is_private_v6(octets) ? "a private address" : NULL;
    if (host.len > 0 && host.data[0] == '[') return "no address";
    if (read_v4(host, octets)) return is_private_v4(octets) ? "a private address" : NULL;
    if (looks_numeric(host)) return "a host in numbers that is no address";
    if (ends_in(host, "localhost") || ends_in(host, "local") || ends_in(host, "internal")) return "a private name";
    return NULL;
}

sipveil_code sv_identity_check_uri(sipveil_span uri, bool allow_http, bool allow_private, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(uri, "URI"), a;
    sipveil_span host;
    uint16_t port;
    for (size_t i = 0; i < uri.len; i++) {
        if (!is_uri_octet(uri.data[i])) return refuse(err, uri, "not a URI");
    }
    bool http = sv_take_literal_nocase(&c, "http://");
    if (!http && !sv_take_literal_nocase(&c, "https://")) return refuse(err, uri, "only https is");
    if (http && !allow_http) return refuse(err, uri, "only https is");
    sipveil_span authority = sv_take_while(&c, in_authority);
    if (sv_find_byte(authority, '@', &(size_t){0})) return refuse(err, uri, "it names a user");
    a = sv_cursor_over(authority, "authority");
    if (!sv_sip_take_host(&a, &host)) return refuse(err, uri, "it names no host");
    if (sv_take_if(&a, ':') && (!sv_sip_read_port(sv_take_while(&a, sv_is_digit), &port) || port == 0)) {
        return refuse(err, uri, "its port is none");
    }
    if (!sv_at_end(&a)) return refuse(err, uri, "it names no host");
    const char *why = allow_private ? NULL : why_private(host);
    return why == NULL ? SIPVEIL_OK : refuse(err, uri, why);
}
