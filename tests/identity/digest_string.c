/* SPDX-License-Identifier: BSD-2-Clause */
/* The digest-string of RFC 4474: the two reference strings bit for bit, what hops may change, what cannot be signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <string.h>

#include "identity/digest_string.h"
#include "sip/values.h"

#define VIA "Via: SIP/2.0/TLS h.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
#define DATE_20 "Date: Sat, 21 Nov 2026 02:17:42 GMT\r\n"
#define BYE(rows)                                                                                               \
    "BYE sip:bob@192.0.2.4 SIP/2.0\r\n" VIA "From: Alice <sip:alice@example.com>;tag=1\r\n"                      \
    "To: <sip:bob@example.org>;tag=2\r\nCall-ID: c1@h\r\n" rows "Content-Length: 0\r\n\r\n"
#define STRING_20 "sip:alice@example.com|sip:bob@example.org|c1@h|7 BYE|Sat, 21 Nov 2026 02:17:42 GMT||"

#define SDP                                                                                             \
    "v=0\r\no=UserA 2890844526 2890844526 IN IP4 pc33.atlanta.example.com\r\ns=Session SDP\r\n"           \
    "c=IN IP4 pc33.atlanta.example.com\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
#define INVITE(contact)                                                                                       \
    "INVITE sip:bob@biloxi.example.org SIP/2.0\r\n" VIA                                                        \
    "To: Bob <sip:bob@biloxi.example.org>\r\nFrom: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r\n"    \
    "Call-ID: a84b4c76e66710\r\nCSeq: 314159 INVITE\r\nDate: Thu, 21 Feb 2002 13:02:03 GMT\r\n" contact         \
    "Content-Type: application/sdp\r\n\r\n" SDP
#define CONTACT_21 "Contact: <sip:alice@pc33.atlanta.example.com>\r\n"
#define STRING_21(contact)                                                                                    \
    "sip:alice@atlanta.example.com|sip:bob@biloxi.example.org|a84b4c76e66710|314159 INVITE|"                   \
    "Thu, 21 Feb 2002 13:02:03 GMT|" contact "|" SDP

static sipveil_code build_of(bool fragment, const char *message, char *out, size_t room, sipveil_error *err)
{
    sipveil_limits limits;
    sv_buffer b;
    sv_arena *arena = sv_arena_new(1 << 14, 1 << 20);
    assert_non_null(arena);
    sv_sip_view *view = sv_arena_alloc_raw(arena, sizeof *view);
    sipveil_limits_default(&limits);
    sipveil_code code = fragment ? sv_sip_read_fragment(sv_span_str(message), &limits, view, err)
                                 : sv_sip_read(sv_span_str(message), SV_SIP_DATAGRAM, &limits, view, err);
    if (code != SIPVEIL_OK) fail_msg("%s", err->text);
    sv_buffer_init(&b, arena, 512, 1 << 16);
    code = sv_digest_string_put(view, sv_sip_value(view, SV_F_DATE), &b, err);
    out[0] = '\0';
    if (code == SIPVEIL_OK) {
        assert_true(b.len < room);
        memcpy(out, b.data, b.len);
        out[b.len] = '\0';
    }
    sv_arena_free(arena);
    return code;
}

static sipveil_code build(const char *message, char *out, size_t room, sipveil_error *err)
{
    return build_of(false, message, out, room, err);
}

static void assert_string(const char *message, const char *wanted)
{
    sipveil_error err;
    char got[2048];
    if (build(message, got, sizeof got, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    assert_string_equal(got, wanted);
}

/* IDN-20, IDN-21: length and SHA-1 are those of the reference, which were computed apart from this code. */
static void reference_strings(void **state)
{
    static const struct {
        const char *message;
        size_t length;
        const char *sha1;
    } rows[] = {
        {BYE("CSeq: 7 BYE\r\n" DATE_20), 84, "96b1d552d0c4a6dd3655ae34090452e67186ee63"},
        {INVITE(CONTACT_21), 323, "2704c22784fa21c4b059b00ca2147e9a76ada439"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_error err;
        char got[2048], hex[41];
        uint8_t digest[20];
        size_t len = 0;
        assert_int_equal(build(rows[i].message, got, sizeof got, &err), SIPVEIL_OK);
        assert_int_equal(strlen(got), rows[i].length);
        assert_int_equal(EVP_Q_digest(NULL, "SHA1", NULL, got, strlen(got), digest, &len), 1);
        for (size_t k = 0; k < len; k++) snprintf(hex + 2 * k, 3, "%02x", digest[k]);
        assert_string_equal(hex, rows[i].sha1);
    }
}

/* IDN-07, IDN-08, IDN-09, IDN-10, IDN-12 */
static void what_counts(void **state)
{
    (void)state;
    assert_string(BYE("CSeq: 7 BYE\r\n" DATE_20), STRING_20);
    assert_string(INVITE(CONTACT_21), STRING_21("sip:alice@pc33.atlanta.example.com"));
    /* compact names, zeros in front, more blanks, folds, case of the Date's names, a bare addr-spec */
    assert_string("BYE sip:bob@192.0.2.4 SIP/2.0\r\n" VIA "f: sip:alice@example.com;tag=1\r\n"
                  "t: \"sip:eve@example.net\" <sip:bob@example.org> ; tag=2\r\ni: c1@h\r\nCSeq: 007 \r\n  BYE\r\n"
                  "Date: sAt,\r\n 21 NOV 2026\r\n\t02:17:42 gmt\r\nl: 0\r\n\r\n", STRING_20);
    /* parameters in the brackets count, those behind them do not */
    assert_string(INVITE("m: \"A\" <sip:alice@pc33.atlanta.example.com;transport=tls>;q=0.5;expires=60\r\n"),
                  STRING_21("sip:alice@pc33.atlanta.example.com;transport=tls"));
    assert_string(INVITE(""), STRING_21(""));
    /* what is written percent-escaped stays so */
    assert_string(INVITE("Contact: <sip:%61lice@PC33.atlanta.example.com>\r\n"),
                  STRING_21("sip:%61lice@PC33.atlanta.example.com"));
}

static void what_cannot_be_signed(void **state)
{
    static const struct {
        const char *message;
        sipveil_code code;
        const char *rule;
    } rows[] = {
        {INVITE("Contact: *\r\n"), SIPVEIL_POLICY, "IDN-11"},
        {INVITE("Contact: <sip:a@a.example>, <sip:b@a.example>\r\n"), SIPVEIL_POLICY, "IDN-11"},
        {INVITE(CONTACT_21 "m: <sip:b@a.example>\r\n"), SIPVEIL_POLICY, "IDN-11"},
        {BYE("CSeq: 7 BYE\r\n"), SIPVEIL_MALFORMED, "ADV-191"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_error err;
        char got[2048];
        assert_int_equal(build(rows[i].message, got, sizeof got, &err), rows[i].code);
        assert_string_equal(err.rule, rows[i].rule);
        assert_string_equal(got, "");
    }
}

/* A fragment passes the gate without the fields that every message has (IDN-08). */
static void what_a_fragment_lacks(void **state)
{
    static const char *const rows[][2] = {
        {"To: <sip:b@b>\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n" DATE_20 "\r\n", "From"},
        {"From: <sip:a@a>\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n" DATE_20 "\r\n", "To"},
        {"From: <sip:a@a>\r\nTo: <sip:b@b>\r\nCSeq: 1 BYE\r\n" DATE_20 "\r\n", "Call-ID"},
        {"From: <sip:a@a>\r\nTo: <sip:b@b>\r\nCall-ID: c\r\n" DATE_20 "\r\n", "CSeq"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_error err;
        char got[256];
        assert_int_equal(build_of(true, rows[i][0], got, sizeof got, &err), SIPVEIL_MALFORMED);
        assert_string_equal(err.rule, "IDN-08");
        assert_non_null(strstr(err.text, rows[i][1]));
        assert_string_equal(got, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reference_strings), cmocka_unit_test(what_counts),
                                       cmocka_unit_test(what_cannot_be_signed), cmocka_unit_test(what_a_fragment_lacks)};
    return cmocka_run_group_tests_name("the digest-string of RFC 4474", tests, NULL, NULL);
}
