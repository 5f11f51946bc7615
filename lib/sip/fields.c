/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of header fields that some rule names. */
#include "base/cursor.h"
#include "sip/view.h"

enum { ONE = 1, LIST = 2, RFC3261 = 4 };
#define ROW(field_name, letter, flags)                                                             \
    {                                                                                              \
        .name = (field_name), .compact = (letter), .singular = ((flags)&ONE) != 0,                 \
        .comma_list = ((flags)&LIST) != 0, .rfc3261 = ((flags)&RFC3261) != 0                       \
    }

/* Rows without ONE and LIST may be several and stay apart: credentials and challenges (RFC
 * 3261 7.3.1), and fields whose values some other character separates. */
static const sv_field_info table[SV_F_COUNT] = {
    [SV_F_OTHER] = ROW("", 0, LIST),
    [SV_F_ACCEPT] = ROW("Accept", 0, LIST | RFC3261),
    [SV_F_ACCEPT_ENCODING] = ROW("Accept-Encoding", 0, LIST | RFC3261),
    [SV_F_ACCEPT_LANGUAGE] = ROW("Accept-Language", 0, LIST | RFC3261),
    [SV_F_ALERT_INFO] = ROW("Alert-Info", 0, LIST | RFC3261),
    [SV_F_ALLOW] = ROW("Allow", 0, LIST | RFC3261),
    [SV_F_AUTHENTICATION_INFO] = ROW("Authentication-Info", 0, ONE | RFC3261),
    [SV_F_AUTHORIZATION] = ROW("Authorization", 0, RFC3261),
    [SV_F_CALL_ID] = ROW("Call-ID", 'i', ONE | RFC3261),
    [SV_F_CALL_INFO] = ROW("Call-Info", 0, LIST | RFC3261),
    [SV_F_CONTACT] = ROW("Contact", 'm', LIST | RFC3261),
    [SV_F_CONTENT_DISPOSITION] = ROW("Content-Disposition", 0, ONE | RFC3261),
    [SV_F_CONTENT_ENCODING] = ROW("Content-Encoding", 'e', LIST | RFC3261),
    [SV_F_CONTENT_LANGUAGE] = ROW("Content-Language", 0, LIST | RFC3261),
    [SV_F_CONTENT_LENGTH] = ROW("Content-Length", 'l', ONE | RFC3261),
    [SV_F_CONTENT_TYPE] = ROW("Content-Type", 'c', ONE | RFC3261),
    [SV_F_CSEQ] = ROW("CSeq", 0, ONE | RFC3261),
    [SV_F_DATE] = ROW("Date", 0, ONE | RFC3261),
    [SV_F_ERROR_INFO] = ROW("Error-Info", 0, LIST | RFC3261),
    [SV_F_EXPIRES] = ROW("Expires", 0, ONE | RFC3261),
    [SV_F_FROM] = ROW("From", 'f', ONE | RFC3261),
    [SV_F_IN_REPLY_TO] = ROW("In-Reply-To", 0, LIST | RFC3261),
    [SV_F_MAX_FORWARDS] = ROW("Max-Forwards", 0, ONE | RFC3261),
    [SV_F_MIN_EXPIRES] = ROW("Min-Expires", 0, ONE | RFC3261),
    [SV_F_MIME_VERSION] = ROW("MIME-Version", 0, ONE | RFC3261),
    [SV_F_ORGANIZATION] = ROW("Organization", 0, ONE | RFC3261),
    [SV_F_PRIORITY] = ROW("Priority", 0, ONE | RFC3261),
    [SV_F_PROXY_AUTHENTICATE] = ROW("Proxy-Authenticate", 0, RFC3261),
    [SV_F_PROXY_AUTHORIZATION] = ROW("Proxy-Authorization", 0, RFC3261),
    [SV_F_PROXY_REQUIRE] = ROW("Proxy-Require", 0, LIST | RFC3261),
    [SV_F_RECORD_ROUTE] = ROW("Record-Route", 0, LIST | RFC3261),
    [SV_F_REPLY_TO] = ROW("Reply-To", 0, ONE | RFC3261),
    [SV_F_REQUIRE] = ROW("Require", 0, LIST | RFC3261),
    [SV_F_RETRY_AFTER] = ROW("Retry-After", 0, ONE | RFC3261),
    [SV_F_ROUTE] = ROW("Route", 0, LIST | RFC3261),
    [SV_F_SERVER] = ROW("Server", 0, ONE | RFC3261),
    [SV_F_SUBJECT] = ROW("Subject", 's', ONE | RFC3261),
    [SV_F_SUPPORTED] = ROW("Supported", 'k', LIST | RFC3261),
    [SV_F_TIMESTAMP] = ROW("Timestamp", 0, ONE | RFC3261),
    [SV_F_TO] = ROW("To", 't', ONE | RFC3261),
    [SV_F_UNSUPPORTED] = ROW("Unsupported", 0, LIST | RFC3261),
    [SV_F_USER_AGENT] = ROW("User-Agent", 0, ONE | RFC3261),
    [SV_F_VIA] = ROW("Via", 'v', LIST | RFC3261),
    [SV_F_WARNING] = ROW("Warning", 0, LIST | RFC3261),
    [SV_F_WWW_AUTHENTICATE] = ROW("WWW-Authenticate", 0, RFC3261),
    [SV_F_CONTENT_TRANSFER_ENCODING] = ROW("Content-Transfer-Encoding", 0, ONE),
    [SV_F_CONTENT_ID] = ROW("Content-ID", 0, ONE),
    [SV_F_IDENTITY] = ROW("Identity", 'y', 0),
    [SV_F_IDENTITY_INFO] = ROW("Identity-Info", 'n', ONE),
    [SV_F_P_ASSERTED_IDENTITY] = ROW("P-Asserted-Identity", 0, LIST),
    [SV_F_P_PREFERRED_IDENTITY] = ROW("P-Preferred-Identity", 0, LIST),
    [SV_F_PRIVACY] = ROW("Privacy", 0, 0),
    [SV_F_REFER_TO] = ROW("Refer-To", 'r', ONE),
    [SV_F_REFERRED_BY] = ROW("Referred-By", 'b', ONE),
    [SV_F_SECURITY_CLIENT] = ROW("Security-Client", 0, LIST),
    [SV_F_SECURITY_SERVER] = ROW("Security-Server", 0, LIST),
    [SV_F_SECURITY_VERIFY] = ROW("Security-Verify", 0, LIST),
    [SV_F_PROXY_REQUIRED_BODY] = ROW("Proxy-Required-Body", 0, LIST),
    [SV_F_PROXY_BODY_NEED] = ROW("Proxy-Body-Need", 0, LIST),
};

/* The fields with a name of so many octets: a look-up compares with a handful. */
enum { NAME_MOST = 25, SAME_LENGTH_MOST = 9 };
static const uint8_t of_length[NAME_MOST + 1][SAME_LENGTH_MOST] = {
    [2] = {SV_F_TO},
    [3] = {SV_F_VIA},
    [4] = {SV_F_FROM, SV_F_CSEQ, SV_F_DATE},
    [5] = {SV_F_ALLOW, SV_F_ROUTE},
    [6] = {SV_F_ACCEPT, SV_F_SERVER},
    [7] = {SV_F_CALL_ID, SV_F_CONTACT, SV_F_EXPIRES, SV_F_REQUIRE, SV_F_SUBJECT, SV_F_WARNING,
           SV_F_PRIVACY},
    [8] = {SV_F_IDENTITY, SV_F_PRIORITY, SV_F_REPLY_TO, SV_F_REFER_TO},
    [9] = {SV_F_CALL_INFO, SV_F_SUPPORTED, SV_F_TIMESTAMP},
    [10] = {SV_F_USER_AGENT, SV_F_ALERT_INFO, SV_F_ERROR_INFO, SV_F_CONTENT_ID},
    [11] = {SV_F_IN_REPLY_TO, SV_F_MIN_EXPIRES, SV_F_RETRY_AFTER, SV_F_UNSUPPORTED,
            SV_F_REFERRED_BY},
    [12] = {SV_F_CONTENT_TYPE, SV_F_MAX_FORWARDS, SV_F_RECORD_ROUTE, SV_F_ORGANIZATION,
            SV_F_MIME_VERSION},
    [13] = {SV_F_AUTHORIZATION, SV_F_PROXY_REQUIRE, SV_F_IDENTITY_INFO},
    [14] = {SV_F_CONTENT_LENGTH},
    [15] = {SV_F_ACCEPT_ENCODING, SV_F_ACCEPT_LANGUAGE, SV_F_SECURITY_CLIENT, SV_F_SECURITY_SERVER,
            SV_F_SECURITY_VERIFY, SV_F_PROXY_BODY_NEED},
    [16] = {SV_F_CONTENT_ENCODING, SV_F_CONTENT_LANGUAGE, SV_F_WWW_AUTHENTICATE},
    [18] = {SV_F_PROXY_AUTHENTICATE},
    [19] = {SV_F_CONTENT_DISPOSITION, SV_F_PROXY_AUTHORIZATION, SV_F_AUTHENTICATION_INFO,
            SV_F_P_ASSERTED_IDENTITY, SV_F_PROXY_REQUIRED_BODY},
    [20] = {SV_F_P_PREFERRED_IDENTITY},
    [25] = {SV_F_CONTENT_TRANSFER_ENCODING},
};

const sv_field_info *sv_field_info_of(sv_field_id id)
{
    return &table[(unsigned)id < SV_F_COUNT ? id : SV_F_OTHER];
}

/* The compact forms. */
static const uint8_t of_letter['z' - 'a' + 1] = {
    ['b' - 'a'] = SV_F_REFERRED_BY, ['c' - 'a'] = SV_F_CONTENT_TYPE, ['e' - 'a'] = SV_F_CONTENT_ENCODING,
    ['f' - 'a'] = SV_F_FROM, ['i' - 'a'] = SV_F_CALL_ID, ['k' - 'a'] = SV_F_SUPPORTED, ['l' - 'a'] = SV_F_CONTENT_LENGTH,
    ['m' - 'a'] = SV_F_CONTACT, ['n' - 'a'] = SV_F_IDENTITY_INFO, ['r' - 'a'] = SV_F_REFER_TO, ['s' - 'a'] = SV_F_SUBJECT,
    ['t' - 'a'] = SV_F_TO, ['v' - 'a'] = SV_F_VIA, ['y' - 'a'] = SV_F_IDENTITY};

sv_field_id sv_field_id_of(sipveil_span name)
{
    enum { CASE = 0x20 };
    size_t middle = name.len / 2;
    if (name.len == 1) {
        return sv_is_alpha(name.data[0]) ? (sv_field_id)of_letter[sv_lower(name.data[0]) - 'a'] : SV_F_OTHER;
    }
    if (name.len == 0 || name.len > NAME_MOST) return SV_F_OTHER;
    const uint8_t *ids = of_length[name.len];
    for (size_t i = 0; i < SAME_LENGTH_MOST && ids[i] != SV_F_OTHER; i++) {
        const uint8_t *known = (const uint8_t *)table[ids[i]].name;
        if ((known[middle] | CASE) != (name.data[middle] | CASE)) continue; /* most differ there */
        if (sv_equal_nocase_octets(name.data, known, name.len)) return (sv_field_id)ids[i];
    }
    return SV_F_OTHER;
}
