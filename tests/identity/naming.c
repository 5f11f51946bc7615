/* SPDX-License-Identifier: BSD-2-Clause */
/* Identities in their one form: numbers, URIs, fingerprints; and where credentials may come from. */
#include "world.h"

#include "identity/identity.h"

static bool of_germany(void *user, const char *digits, char out[SIPVEIL_IDENTITY_NUMBER])
{
    (void)user;
    if (strcmp(digits, "0301234") == 0) {
        strcpy(out, "49301234");
        return true;
    }
    if (strcmp(digits, "13") == 0) strcpy(out, "not digits");
    return strcmp(digits, "13") == 0;
}

/* IDN-31, IDN-32 */
static void names(void **state)
{
    static const struct {
        const char *uri;
        bool plus;
        const char *wanted; /* NULL: no identity; a number begins with "#" here */
    } rows[] = {
        {"sip:alice@a.example", false, "sip:alice@a.example"},
        {"SIP:Alice@A.Example:5060;transport=tcp?x=y", false, "sip:alice@a.example"},
        {"sips:Alice:secret@A.Example", false, "sips:alice@a.example"},
        {"sip:%61l%69ce@a.example", false, "sip:alice@a.example"},
        {"sip:a%40b%2Fc@a.example", false, "sip:a%40b%2fc@a.example"},
        {"sip:alice@[2001:DB8::1]:5060", false, "sip:alice@[2001:db8::1]"},
        {"sip:a.example", false, NULL},
        {"mailto:alice@a.example", false, NULL},
        {"tel:+1-215-555-1212", false, "#12155551212"},
        {"tel:+1(215)555.1212;isub=7", false, "#12155551212"},
        {"TEL:0301234", false, "#49301234"},
        {"tel:13", false, "#13"}, /* what the callback says is no number */
        {"tel:*21#", false, NULL}, /* "#" must be escaped in a URI */
        {"tel:*21%23", false, "#*21#"},
        {"tel:-", false, NULL},
        {"sip:+12155551212@a.example", false, "sip:+12155551212@a.example"},
        {"sip:+12155551212@a.example", true, "#12155551212"},
        {"sip:+1-215@a.example", true, "#1215"},
        {"sip:+1x@a.example", true, "sip:+1x@a.example"},
        {"sip:12155551212@a.example", true, "sip:12155551212@a.example"},
        {"sip:12155551212@a.example;user=phone", false, "#12155551212"},
        {"sip:+1-215;npdi=yes@a.example;USER=Phone", false, "#1215"},
        {"sip:alice@a.example;user=phone", false, "sip:alice@a.example"}, /* no digit: a URI after all */
        {"sip:*21%23@a.example;user=phone", false, "#*21#"},
        {"tel:1234567890123456789012345678901234567890123456789012345678901234", false, NULL},
    };
    world *w = begin(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const sipveil_identity_naming naming = {.number = of_germany, .plus_is_number = rows[i].plus};
        sv_identity_name name;
        sipveil_code code = sv_identity_name_read(&naming, sv_span_str(rows[i].uri), w->arena, &name, &w->err);
        if (rows[i].wanted == NULL) {
            if (code != SIPVEIL_MALFORMED) fail_msg("%s: %.*s", rows[i].uri, (int)name.text.len, (const char *)name.text.data);
            continue;
        }
        if (code != SIPVEIL_OK) fail_msg("%s: %s", rows[i].uri, w->err.text);
        bool number = rows[i].wanted[0] == '#';
        if (name.is_number != number || !sv_equal_str(name.text, rows[i].wanted + number)) {
            fail_msg("%s: %.*s", rows[i].uri, (int)name.text.len, (const char *)name.text.data);
        }
    }
}

static sipveil_code read_prints(world *w, const char *rows_and_body, sv_fingerprints *out)
{
    sipveil_limits limits;
    sv_sip_view *view = sv_arena_alloc_raw(w->arena, sizeof *view);
    sv_buffer b;
    sipveil_limits_default(&limits);
    sv_buffer_init(&b, w->arena, 1024, 1 << 20);
    sv_put_str(&b, START ROWS(ALICE, BOB));
    sv_put_str(&b, rows_and_body);
    assert_code(sv_sip_read(sv_buffer_span(&b), SV_SIP_DATAGRAM, &limits, view, &w->err), SIPVEIL_OK);
    return sv_fingerprints_read(view, &limits, w->arena, out, &w->err);
}

#define SDP_TYPE "Content-Type: application/sdp\r\n\r\n"
#define PLAIN_A "021ACC5427ABEB9C533F3E4B652E7D463F5442CD54F17A03A27DF9B07F4619B2"
#define PLAIN_B "4AADB9B13F82183B540212DF3E5D496B19E57CAB3E4B652E7D463F5442CD54F1"

/* IDN-30: order, case, doubles, parts of multiparts. */
static void fingerprints(void **state)
{
    static const struct {
        const char *text, *wanted; /* joined */
    } rows[] = {
        {SDP_TYPE SDP_HEAD, ""},
        {SDP_TYPE SDP_HEAD "a=fingerprint:sha-256 " PRINT_B "\r\na=fingerprint:SHA-256 " PRINT_A "\r\n", "sha-256" PLAIN_A "sha-256" PLAIN_B},
        {SDP_TYPE SDP_HEAD "a=fingerprint:sha-256 " PRINT_A "\na=fingerprint:sha-256 " PRINT_A "\n", "sha-256" PLAIN_A},
        {SDP_TYPE "v=0\ra=fingerprint:sha-256 " PRINT_A "\rs=a=fingerprint:\n\ra=fingerprint:sha-256 " PRINT_B, "sha-256" PLAIN_A "sha-256" PLAIN_B},
        {SDP_TYPE "v=0\r\na=fingerprint:sha-256 02:1a:cc:54:27:ab:eb:9c:53:3f:3e:4b:65:2e:7d:46:3f:54:42:cd:54:f1:7a:03:a2:7d:f9:b0:7f:46:19:b2",
         "sha-256" PLAIN_A},
        {SDP_TYPE "v=0\r\na=fingerprint:sha-256 " PRINT_A "\r\na=fingerprint:sha-1 "
         "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13\r\n",
         "sha-1000102030405060708090A0B0C0D0E0F10111213sha-256" PLAIN_A},
        {"Content-Type: text/plain\r\n\r\na=fingerprint:sha-256 nonsense\r\n", ""},
        {"Content-Type: APPLICATION/SDP;charset=utf-8\r\n\r\na=fingerprint:sha-256 " PRINT_A "\r\n", "sha-256" PLAIN_A},
        {"Content-Type: application/sdpx\r\n\r\na=fingerprint:sha-256 nonsense\r\n", ""},
        {"Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\nYT1maW5nZXJwcmludDptZDUgMDA6MDE6MDI6MDM6MDQ6MDU6MDY6"
         "MDc6MDg6MDk6MEE6MEI6MEM6MEQ6MEU6MEYNCg==\r\n", "md5000102030405060708090A0B0C0D0E0F"},
        {"Content-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\nContent-Type: application/sdp\r\n\r\na=fingerprint:sha-256 " PRINT_B
         "\r\n--b\r\nContent-Type: multipart/alternative;boundary=c\r\n\r\n--c\r\nContent-Type: application/sdp\r\n\r\n"
         "a=fingerprint:sha-256 " PRINT_A "\r\n--c--\r\n--b\r\nContent-Type: application/pkix-cert\r\n\r\nx\r\n--b--\r\n",
         "sha-256" PLAIN_A "sha-256" PLAIN_B},
    };
    static const char *const bad[] = {
        SDP_TYPE "a=fingerprint:sha-256\r\n", SDP_TYPE "a=fingerprint: sha-256 00\r\n", SDP_TYPE "a=fingerprint:sha-256 00\r\n",
        SDP_TYPE "a=fingerprint:sha-256 " PRINT_A ":00\r\n", SDP_TYPE "a=fingerprint:sha-256 " PRINT_A " \r\n",
        SDP_TYPE "a=fingerprint:sha-256  " PRINT_A "\r\n", SDP_TYPE "a=fingerprint:x 0:00\r\n", SDP_TYPE "a=fingerprint:x 00:\r\n",
        SDP_TYPE "a=fingerprint:x 0G\r\n", SDP_TYPE "A=FINGERPRINT:\r\n",
        SDP_TYPE "v=0\r\n a=fingerprint:sha-256 " PRINT_A "\r\n", SDP_TYPE "v=0\r\ta=fingerprint:sha-256 " PRINT_A "\n", /* some take it for one */
        "Content-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\n",
    };
    world *w = begin(state);
    sv_fingerprints found;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sv_buffer b;
        assert_code(read_prints(w, rows[i].text, &found), SIPVEIL_OK);
        sv_buffer_init(&b, w->arena, 512, 4096);
        for (size_t k = 0; k < found.count; k++) {
            sv_put(&b, found.items[k].algorithm);
            sv_put(&b, found.items[k].digest);
        }
        if (!sv_equal_str(sv_buffer_span(&b), rows[i].wanted)) fail_msg("%zu: %.*s", i, (int)b.len, (const char *)b.data);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (read_prints(w, bad[i], &found) != SIPVEIL_MALFORMED) fail_msg("%s", bad[i]);
        assert_int_equal(found.count, 0);
    }
    sv_buffer many; /* IDN-43 */
    sv_buffer_init(&many, w->arena, 4096, 1 << 20);
    sv_put_str(&many, SDP_TYPE);
    for (int i = 0; i < 65; i++) sv_put_format(&many, "a=fingerprint:x %02X\r\n", (unsigned)i);
    sv_put_byte(&many, 0);
    assert_code(read_prints(w, (const char *)many.data, &found), SIPVEIL_LIMIT);
}

/* ADV-193 */
static void uris(void **state)
{
    static const struct {
        const char *uri;
        bool http, private_too, good;
    } rows[] = {
        {"https://cert.example.org/a.cer", false, false, true},
        {"HTTPS://cert.example.org:8443/a.cer?x=y#z", false, false, true},
        {"https://192.0.2.1/a", false, false, true},
        {"https://[2001:db8::1]:443/a", false, false, true},
        {"https://xn--bcher-kva.example", false, false, true},
        {"http://cert.example.org/a.cer", false, false, false},
        {"http://cert.example.org/a.cer", true, false, true},
        {"file:///etc/passwd", true, true, false},
        {"ftp://a.example/", true, true, false},
        {"cid:a@b", true, true, false},
        {"https:/a.example/", true, true, false},
        {"https://", true, true, false},
        {"https:///a", true, true, false},
        {"https://user@a.example/", true, true, false},
        {"https://a.example@127.0.0.1/", true, true, false},
        {"https://a.example:0/", true, true, false},
        {"https://a.example:99999/", true, true, false},
        {"https://a.example:8x/", true, true, false},
        {"https://a.example /", true, true, false},
        {"https://a.example/\"", true, true, false},
        {"https://a.example/\x01", true, true, false},
        {"https://localhost/a", false, false, false},
        {"https://localhost./a", false, false, false},
        {"https://a.LOCALHOST/a", false, false, false},
        {"https://printer.local/a", false, false, false},
        {"https://metadata.google.internal/a", false, false, false},
        {"https://127.0.0.1/a", false, false, false},
        {"https://127.0.0.1/a", false, true, true},
        {"https://10.1.2.3/", false, false, false},
        {"https://172.31.0.1/", false, false, false},
        {"https://172.32.0.1/", false, false, true},
        {"https://192.168.0.1/", false, false, false},
        {"https://169.254.169.254/", false, false, false},
        {"https://100.64.0.1/", false, false, false},
        {"https://0.0.0.0/", false, false, false},
        {"https://224.0.0.1/", false, false, false},
        {"https://2130706433/", false, false, false},
        {"https://127.1/", false, false, false},
        {"https://0x7f.1/", false, false, false},
        {"https://0177.0.0.1/", false, false, false},
        {"https://[::1]/", false, false, false},
        {"https://[fe80::1]/", false, false, false},
        {"https://[fc00::1]/", false, false, false},
        {"https://[::ffff:127.0.0.1]/", false, false, false},
        {"https://[64:ff9b::7f00:1]/", false, false, false},
        {"https://[2002:7f00:1::]/", false, false, false},
        {"https://[x]/", false, false, false},
        {"https://[2001:0:1::]/", false, false, false}, /* Teredo */
        {"https://[2001:1::]/", false, false, true},
        {"https://[2001:100::]/", false, false, true},
        {"https://[2003::1]/", false, false, true},
        {"https://[2102::1]/", false, false, true},
        {"https://[3fff::1]/", false, false, true},
        {"https://[4000::1]/", false, false, false},
        {"https://172.15.0.1/", false, false, true},
        {"https://100.63.255.255/", false, false, true},
        {"https://100.128.0.1/", false, false, true},
        {"https://169.253.0.1/", false, false, true},
        {"https://192.0.0.1/", false, false, false},
        {"https://192.0.1.1/", false, false, true},
        {"https://192.1.0.1/", false, false, true},
        {"https://198.17.0.1/", false, false, true},
        {"https://198.18.0.1/", false, false, false},
        {"https://198.19.255.255/", false, false, false},
        {"https://198.20.0.1/", false, false, true},
        {"https://223.255.255.255/", false, false, true},
        {"https://255.255.255.255/", false, false, false},
        {"https://256.1.1.1/", false, false, false},
        {"https://8.8.8/", false, false, false},
        {"https://8.8.8.8.8/", false, false, false},
        {"https://1000.8.8.8/", false, false, false},
        {"https://8.8.8.8./", false, false, false},
        {"https://a.example./", false, false, true},
        {"https://notlocalhost/", false, false, true},
        {"https://a.example/%7Bx%7D", false, false, true},
        {"https://a.example/<", true, true, false},
        {"https://a.example/>", true, true, false},
        {"https://a.example/\\", true, true, false},
        {"https://a.example/^", true, true, false},
        {"https://a.example/`", true, true, false},
        {"https://a.example/{", true, true, false},
        {"https://a.example/|", true, true, false},
        {"https://a.example/}", true, true, false},
        {"https://a.example/\x7F", true, true, false},
        {"https://a.example?x", false, false, true},
        {"https://a.example#x", false, false, true},
    };
    world *w = begin(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_code code = sv_identity_check_uri(sv_span_str(rows[i].uri), rows[i].http, rows[i].private_too, &w->err);
        if ((code == SIPVEIL_OK) != rows[i].good) fail_msg("%s: %s", rows[i].uri, code == SIPVEIL_OK ? "taken" : w->err.text);
        if (code != SIPVEIL_OK) assert_string_equal(w->err.rule, "ADV-193");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(fingerprints), cmocka_unit_test(uris)};
    return cmocka_run_group_tests_name("names, fingerprints, URIs", tests, world_setup, world_teardown);
}
