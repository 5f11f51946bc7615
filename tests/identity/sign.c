/* SPDX-License-Identifier: BSD-2-Clause */
/* The authentication service: for whom it signs, for whom not, and what it writes. */
#include "world.h"

#include "sip/view.h"

static sipveil_code try_sign(world *w, const char *message)
{
    return sipveil_identity_sign_request(w->worker, &w->sign, sv_span_str(message), &w->made, &w->err);
}

/* IDN-34, IDN-38: no authority: the same octets, and why. */
static void forwards_what_is_not_its_own(void **state)
{
    static const char *const messages[] = {
        START ROWS("<sip:bob@biloxi.example.com>;tag=1", BOB) DATE BODY(SDP),
        START ROWS("<sip:alice@sub.atlanta.example.com>;tag=1", BOB) DATE BODY(SDP),
        START ROWS("<tel:+12155551212>;tag=1", BOB) DATE BODY(SDP),
        START ROWS("<sip:atlanta.example.com>;tag=1", BOB) DATE BODY(SDP),
        START ROWS(ALICE, "<sip:biloxi.example.com>") DATE BODY(SDP),
    };
    world *w = begin(state);
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        assert_code(try_sign(w, messages[i]), SIPVEIL_OK);
        assert_false(w->made.is_signed);
        assert_true(sv_equal_str(w->made.message, messages[i]));
        assert_int_equal(w->made.warning_count, 1);
        assert_string_equal(w->made.warnings[0].rule, i < 3 ? "IDN-34" : "IDN-32");
    }
}

static bool refuse_chief(void *user, const char *name, const char *identity)
{
    (void)user;
    assert_string_equal(identity, "sip:alice@atlanta.example.com");
    return strcmp(name, "\"Chief\"") != 0;
}

/* IDN-16: sender and display name. */
static void senders(void **state)
{
    static const char *const others[] = {"sip:carol@atlanta.example.com", "tel:+1"}, *const own[] = {"sip:x@y", "sip:ALICE@atlanta.example.com:5060"};
    world *w = begin(state);
    w->sign.may_use = others;
    w->sign.may_use_count = 2;
    assert_code(try_sign(w, INVITE), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "IDN-16");
    assert_int_equal(w->err.sip_status, 403);
    w->sign.may_use = own;
    (void)sign(w, INVITE);
    w->sign.accept_display_name = refuse_chief;
    (void)sign(w, INVITE);
    assert_code(try_sign(w, START ROWS("\"Chief\" <sip:alice@atlanta.example.com>;tag=1", BOB) DATE BODY(SDP)), SIPVEIL_POLICY);
}

/* IDN-10, IDN-16, IDN-29 */
static void dates(void **state)
{
    static const struct {
        const char *date;
        bool good, good_old; /* PASSporT; RFC 4474 */
    } rows[] = {
        {"10:00:00", true, true}, {"10:01:00", true, true},   {"09:59:00", true, true},  {"10:01:01", false, true},
        {"09:58:59", false, true}, {"10:10:00", false, true}, {"10:10:01", false, false}, {"09:49:59", false, false},
    };
    world *w = begin(state);
    for (int old = 0; old < 2; old++) {
        if (old) use_old(w);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            char message[2048];
            snprintf(message, sizeof message, START ROWS(ALICE, BOB) "Date: Sat, 21 Nov 2026 %s GMT\r\n" BODY("%s"), rows[i].date, SDP);
            sipveil_code code = try_sign(w, message);
            assert_int_equal(code == SIPVEIL_OK, old ? rows[i].good_old : rows[i].good);
            if (code == SIPVEIL_OK) continue;
            assert_string_equal(w->err.rule, old ? "IDN-16" : "IDN-29");
            assert_int_equal(w->err.sip_status, 403);
        }
    }
    w = begin(state);
    w->clock = NOW + 86400; /* the last second of our own certificate (ADV-119) */
    assert_code(try_sign(w, INVITE_WITH("", SDP)), SIPVEIL_OK);
    w->clock = NOW + 86400 + 1; /* and past it */
    assert_code(try_sign(w, INVITE_WITH("", SDP)), SIPVEIL_POLICY);
    /* the full form with our own time */
    w->clock = NOW + 30;
    w->sign.own_clock = true;
    sipveil_span message = sign(w, INVITE);
    assert_valid(w, message);
    assert_int_equal(w->verdict.signed_at, NOW + 30);
    assert_int_equal(w->verdict.date, NOW);
}

/* IDN-28, IDN-29, IDN-30: what is asked for and cannot be. */
static void impossible(void **state)
{
    world *w = begin(state);
    w->sign.compact = true;
    w->sign.claims = "{\"x\":1}";
    assert_code(try_sign(w, INVITE), SIPVEIL_USAGE);
    w->sign.claims = NULL;
    w->sign.own_clock = true;
    assert_code(try_sign(w, INVITE), SIPVEIL_USAGE);
    w = begin(state);
    assert_code(try_sign(w, INVITE_WITH(DATE, "a=fingerprint:sha-256 00\r\n")), SIPVEIL_MALFORMED);
    assert_string_equal(w->err.rule, "IDN-30");
    w->sign.key = w->atlanta_rsa.key;
    assert_code(try_sign(w, INVITE), SIPVEIL_USAGE);
    w = begin(state);
    w->sign.profile = SIPVEIL_IDENTITY_RFC4474;
    assert_code(try_sign(w, INVITE), SIPVEIL_USAGE);
    use_old(w);
    w->sign.compact = true;
    assert_code(try_sign(w, INVITE), SIPVEIL_USAGE);
    w->sign.compact = false;
    assert_code(try_sign(w, INVITE_WITH("m: <sip:alice@192.0.2.2>\r\n" DATE, SDP)), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "IDN-11");
    assert_code(try_sign(w, INVITE_WITH("y: \"x\"\r\n" DATE, SDP)), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "IDN-19");
    w = begin(state);
    static const char *const infos[] = {"http://cert.example.org/", "file:///x", "", "https://a b/"};
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
        w->sign.info = infos[i];
        assert_code(try_sign(w, INVITE), SIPVEIL_USAGE);
    }
    w = begin(state);
    w->sign.ppt = "no token";
    assert_code(try_sign(w, INVITE), SIPVEIL_USAGE);
    w->sign.ppt = NULL;
    w->sign.key = NULL;
    assert_code(try_sign(w, INVITE), SIPVEIL_USAGE);
    w->sign.size = 0;
    assert_code(try_sign(w, INVITE), SIPVEIL_USAGE);
    assert_int_equal(w->made.message.len, 0);
}

/* Further claims, in their place; never those that are ours to write (IDN-25, IDN-26). */
static void claims(void **state)
{
    world *w = begin(state);
    w->sign.claims = "{\"zz\": [1, \"two\"], \"attest\": \"A\", \"j\": {\"b\":1,\"a\":2}}";
    sipveil_span message = sign(w, INVITE);
    assert_valid(w, message);
    static const char *const bad[] = {"{\"iat\":1}", "{\"orig\":1}", "[]", "{", "{\"a\":1.5}", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        w->sign.claims = bad[i];
        sipveil_code code = try_sign(w, INVITE);
        if (code != SIPVEIL_USAGE && code != SIPVEIL_MALFORMED) fail_msg("%s: %s", bad[i], sipveil_code_name(code));
    }
}

/* IDN-25: a file of keys that is given for claims by a slip is not sent to everybody; a public key in a claim may be. */
static void claims_that_are_keys(void **state)
{
    world *w = begin(state);
    w->sign.claims = "{\"cnf\":{\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"Ag\"}}}";
    assert_valid(w, sign(w, INVITE));
    static const char *const keys[] = {
        "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"c2VjcmV0\"}", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"Ag\"}",
        "{\"keys\":[{\"kty\":\"EC\",\"x\":\"AQ\"},{\"k\":\"c2VjcmV0\",\"kty\":\"oct\"}]}", "{\"cnf\":{\"jwk\":{\"kty\":\"OKP\",\"d\":\"c2VjcmV0\"}}}"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        w->sign.claims = keys[i];
        sipveil_code code = try_sign(w, INVITE);
        bool told = code == SIPVEIL_USAGE && strcmp(w->err.rule, "IDN-25") == 0 && strstr(w->err.text, "hold a key") != NULL;
        if (!told || strstr(w->err.text, "c2Vj") != NULL || w->made.message.len != 0) fail_msg("%s: %s", keys[i], w->err.text);
    }
}

/* ADV-036: more parts than are looked at, though no multipart has too many. */
static void too_many_parts(void **state)
{
    world *w = begin(state);
    sv_buffer b;
    sv_buffer_init(&b, w->arena, 8192, 1 << 20);
    sv_put_str(&b, START ROWS(ALICE, BOB) DATE "Content-Type: multipart/mixed;boundary=o\r\n\r\n");
    for (int outer = 0; outer < 3; outer++) {
        sv_put_str(&b, "--o\r\nContent-Type: multipart/mixed;boundary=i\r\n\r\n");
        for (int inner = 0; inner < 25; inner++) sv_put_str(&b, "--i\r\n\r\n\r\n");
        sv_put_str(&b, "--i--\r\n\r\n");
    }
    sv_put_str(&b, "--o--\r\n");
    assert_code(sipveil_identity_sign_request(w->worker, &w->sign, sv_buffer_span(&b), &w->made, &w->err), SIPVEIL_LIMIT);
    assert_string_equal(w->err.rule, "ADV-036");
}

/* What was there stays as it was, octet by octet; the new rows stand before those that describe the body. */
static void changes_nothing_else(void **state)
{
    world *w = begin(state);
    const char *odd = START "VIA : SIP/2.0/TLS\r\n c.atlanta.example.com;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nf:" ALICE "\r\nt:   " BOB
                      "\r\ni: c1\r\nCSeq: 1   INVITE\r\nX-Odd:\t a , b\r\nIdentity: a.b.c;info=<https://other.example/>\r\n"
                      "c: application/sdp\r\nl: 0\r\n\r\n";
    sipveil_span made = sign(w, odd), row = row_of(made, "Identity: ey");
    size_t at, date;
    assert_true(sv_find(made, SV_SPAN("Identity: ey"), &at));
    assert_true(sv_find(made, SV_SPAN("Date: "), &date));
    assert_true(date < at);
    size_t before = date, after = at + row.len + 2;
    assert_memory_equal(made.data, odd, before);
    assert_string_equal(sv_arena_string(w->arena, sv_span_from(made, after)), odd + before);
}

/* IDN-35 */
static void once_more_in_full(void **state)
{
#define RESPONSE(status, id)                                                                                    \
    "SIP/2.0 " status "\r\nVia: SIP/2.0/TLS c.atlanta.example.com;branch=z9hG4bK1\r\nFrom: " ALICE "\r\nTo: " BOB \
    ";tag=9\r\nCall-ID: " id "@atlanta.example.com\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    world *w = begin(state);
    w->sign.compact = true;
    sipveil_span request = sign(w, INVITE);
    const sipveil_span no = SV_SPAN(RESPONSE("438 Invalid Identity Header", "c1"));
    assert_code(sipveil_identity_retry_request(w->worker, &w->sign, request, SV_SPAN(RESPONSE("436 Bad Identity Info", "c1")),
                                               &w->made, &w->err),
                SIPVEIL_POLICY);
    assert_code(
        sipveil_identity_retry_request(w->worker, &w->sign, request, SV_SPAN(RESPONSE("438 X", "c2")), &w->made, &w->err),
        SIPVEIL_POLICY);
    assert_code(sipveil_identity_retry_request(w->worker, &w->sign, request, no, &w->made, &w->err), SIPVEIL_OK);
    sipveil_span again;
    assert_true(w->made.is_signed);
    assert_true(sv_arena_copy(w->arena, w->made.message, &again));
    assert_valid(w, again);
    assert_true(w->verdict.fields[0].full);
    assert_int_equal(w->verdict.field_count, 1);
    /* once is enough; and the verifier takes the second one, whose signature is another */
    assert_code(sipveil_identity_retry_request(w->worker, &w->sign, again, no, &w->made, &w->err), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "IDN-35");
    w->verify.memory = w->memory;
    assert_valid(w, request);
    assert_valid(w, again);
    use_old(w);
    w->sign.compact = false;
    assert_code(sipveil_identity_retry_request(w->worker, &w->sign, request, no, &w->made, &w->err), SIPVEIL_USAGE);
}

/* IDN-33 */
static void asserted(void **state)
{
    world *w = begin(state);
    w->sign.naming.use_asserted = w->verify.naming.use_asserted = true;
    sipveil_span message = sign(w, START ROWS("<sip:anonymous@anonymous.invalid>;tag=1", BOB)
                                       "P-Asserted-Identity: \"A\" <sip:alice@atlanta.example.com>, <tel:+1>\r\n" DATE BODY(SDP));
    assert_valid(w, message);
    assert_string_equal(w->verdict.identity, "sip:alice@atlanta.example.com");
    assert_true(w->verdict.asserted);
    assert_valid(w, sign(w, START ROWS(ALICE, BOB) "P-Asserted-Identity: <sip:ALICE@atlanta.example.com>\r\n" DATE BODY(SDP)));
    assert_false(w->verdict.asserted); /* From says the same */
    w->verify.naming.use_asserted = false;
    assert_status(w, message, 438, "IDN-37");
}

/* IDN-08, IDN-17, IDN-33: RFC 4474 signs From. Neither does it speak for P-Asserted-Identity, nor for the number that a host
 * has in a user part. */
static void old_speaks_for_from(void **state)
{
    world *w = begin(state);
    static const char *const mallory[] = {"sip:mallory@atlanta.example.com"};
    const char *asserted = START ROWS("<sip:ceo@atlanta.example.com>;tag=1", BOB)
        "P-Asserted-Identity: <sip:mallory@atlanta.example.com>\r\n" DATE BODY(SDP);
    use_old(w);
    sipveil_span message = sign(w, asserted);
    w->verify.naming.use_asserted = true;
    assert_valid(w, edited(w, message, "P-Asserted-Identity: <sip:mallory@", "P-Asserted-Identity: <sip:president@"));
    assert_string_equal(w->verdict.identity, "sip:ceo@atlanta.example.com");
    assert_string_equal(w->made.identity, "sip:ceo@atlanta.example.com");
    assert_false(w->verdict.asserted);
    /* From of another domain is not signed for by that of the asserted identity */
    message = sign(w, INVITE);
    assert_status(w, edited(w, edited(w, message, "alice@atlanta.example.com>;tag", "alice@biloxi.example.com>;tag"), "Max-Forwards",
                            "P-Asserted-Identity: <sip:alice@atlanta.example.com>\r\nMax-Forwards"), 437, "IDN-17");
    w->sign.naming.use_asserted = true;
    w->sign.may_use = mallory;
    w->sign.may_use_count = 1;
    assert_code(sipveil_identity_sign_request(w->worker, &w->sign, sv_span_str(asserted), &w->made, &w->err), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "IDN-16");
    /* a number is not the host's to give away */
    w->sign.may_use_count = 0;
    assert_valid(w, sign(w, START ROWS("<sip:+12155551212@atlanta.example.com;user=phone>;tag=1", BOB) DATE BODY(SDP)));
    assert_false(w->verdict.is_number);
    assert_string_equal(w->verdict.identity, "sip:+12155551212@atlanta.example.com");
    assert_string_equal(w->verdict.domain, "atlanta.example.com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwards_what_is_not_its_own), cmocka_unit_test(senders), cmocka_unit_test(dates),
        cmocka_unit_test(impossible), cmocka_unit_test(claims), cmocka_unit_test(claims_that_are_keys), cmocka_unit_test(too_many_parts), cmocka_unit_test(changes_nothing_else),
        cmocka_unit_test(once_more_in_full), cmocka_unit_test(asserted),
        cmocka_unit_test(old_speaks_for_from)};
    return cmocka_run_group_tests_name("signing an Identity", tests, world_setup, world_teardown);
}
