/* SPDX-License-Identifier: BSD-2-Clause */
/* What an opened layer is worth: signers, Date, addressee, registered identity, requirements. */
#include "tunnel/fixture.h"

#define MALLORY_FROM "From: <sip:mallory@evil.example.com>;tag=9fxced76sl\r\n"

/* ---- signers ---- */

/* ADV-126, TUN-08: the signer speaks for From of a request, for To of a response. TUN-43: the inner From. */
static void signer_is_the_sender(void **state)
{
    lab *l = begin(state);
    assert_code(try_open(l, tunnel(l, HEAD, invite(l), l->alice, NULL)), SIPVEIL_OK);
    assert_true(l->opened.is_signed);
    assert_true(checked(l, "TUN-08", "passed"));
    assert_code(try_open(l, tunnel(l, HEAD, invite(l), l->mallory, NULL)), SIPVEIL_UNTRUSTED_SIGNER);
    assert_int_equal(l->err.sip_status, 403);
    assert_code(try_open(l, tunnel(l, HEAD, invite(l), l->mallory, l->bob)), SIPVEIL_UNTRUSTED_SIGNER);
    assert_int_equal(l->err.sip_status, 493); /* TUN-90 */
    /* TUN-43: outer From anonymous, inner From Alice */
    const char *anonymous = edited_text(l, HEAD, FROM, STAND_IN);
    assert_code(try_open(l, tunnel(l, anonymous, invite(l), l->alice, l->bob)), SIPVEIL_OK);
    assert_code(try_open(l, tunnel(l, anonymous, invite(l), l->mallory, l->bob)), SIPVEIL_UNTRUSTED_SIGNER);
    assert_int_equal(l->err.sip_status, 493);
    /* a response */
    sipveil_span answer = compose(l, RESPONSE_HEAD, NULL, SV_SPAN(""));
    assert_code(try_open(l, tunnel(l, RESPONSE_HEAD, answer, l->bob, NULL)), SIPVEIL_OK);
    assert_code(try_open(l, tunnel(l, RESPONSE_HEAD, answer, l->alice, NULL)), SIPVEIL_UNTRUSTED_SIGNER);
}

/* A signed body speaks for From of the message that carries it. */
static void signer_of_a_body(void **state)
{
    lab *l = begin(state);
    const char *type = "Content-Type: application/sdp\r\n";
    assert_code(try_open(l, protect(l, HEAD, type, SV_SPAN(SDP), l->alice, NULL)), SIPVEIL_OK);
    assert_code(try_open(l, protect(l, HEAD, type, SV_SPAN(SDP), l->mallory, NULL)), SIPVEIL_UNTRUSTED_SIGNER);
    assert_code(try_open(l, protect(l, RESPONSE_HEAD, type, SV_SPAN(SDP), l->bob, NULL)), SIPVEIL_OK);
    assert_code(try_open(l, protect(l, RESPONSE_HEAD, type, SV_SPAN(SDP), l->alice, NULL)), SIPVEIL_UNTRUSTED_SIGNER);
}

/* A fragment that tells of another transaction (NOTIFY) names nobody: who signs it speaks for From of the
 * message, whatever From stands in the fragment (ADV-126). */
static void a_status_fragment_names_nobody(void **state)
{
    lab *l = begin(state);
    const char *type = "Content-Type: message/sipfrag\r\n";
    sipveil_span status = SV_SPAN("SIP/2.0 200 OK\r\n" MALLORY_FROM);
    assert_code(try_open(l, protect(l, HEAD, type, status, l->alice, NULL)), SIPVEIL_OK);
    assert_code(try_open(l, protect(l, HEAD, type, status, l->mallory, NULL)), SIPVEIL_UNTRUSTED_SIGNER);
    const char *mixed = "Content-Type: multipart/mixed; boundary=b\r\n";
    sipveil_span both = SV_SPAN("--b\r\nContent-Type: message/sipfrag\r\n\r\nSIP/2.0 200 OK\r\n" MALLORY_FROM
                                "\r\n--b\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n--b--\r\n");
    assert_code(try_open(l, protect(l, HEAD, mixed, both, l->mallory, NULL)), SIPVEIL_UNTRUSTED_SIGNER);
}

/* ADV-117, TUN-08: an unknown authority, and the switch that says so. */
static void unknown_authority(void **state)
{
    lab *l = begin(state);
    sipveil_span message = tunnel(l, HEAD, invite(l), l->stranger, NULL);
    assert_code(try_open(l, message), SIPVEIL_UNTRUSTED_SIGNER);
    assert_true(checked(l, "TUN-08", "failed") || checked(l, "ADV-117", "failed"));
    l->options.no_verify_signer = true;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_warned(l->opened, "TUN-08");
    assert_false(l->opened.is_signed);
    assert_true(l->opened.is_protected);
    /* even so a bad signature is one */
    sipveil_span changed = edited(l, message, "m=audio 49172", "m=audio 49173");
    assert_code(try_open(l, changed), SIPVEIL_BAD_SIGNATURE);
    assert_int_equal(l->err.sip_status, 403);
}

/* TUN-06: a signature without its certificate. */
static void no_certificate(void **state)
{
    lab *l = begin(state);
    const sipveil_key *signers[] = {l->alice};
    l->seal.signers = signers;
    l->seal.signer_count = 1;
    l->seal.no_certificates = true;
    sipveil_span message = sealed(l, invite(l));
    assert_warned(l->sealed, "TUN-06");
    assert_code(try_open(l, message), SIPVEIL_UNTRUSTED_SIGNER);
    assert_string_equal(l->err.rule, "TUN-06");
    assert_true(l->err.hint[0] != '\0');
    l->options.keyring = l->known;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(l->opened.is_signed);
}

static sipveil_span signed_by_two(lab *l, const sipveil_key *first, const sipveil_key *second)
{
    const sipveil_key *signers[] = {first, second};
    l->seal.signers = signers;
    l->seal.signer_count = 2;
    sipveil_span out = sealed(l, invite(l));
    sipveil_seal_options_default(&l->seal);
    return out;
}

/* TUN-23, ADV-114: each must verify and be trusted, one speaks for From. */
static void two_signers(void **state)
{
    lab *l = begin(state);
    assert_code(try_open(l, signed_by_two(l, l->alice, l->mallory)), SIPVEIL_OK);
    assert_true(checked(l, "TUN-23", "passed"));
    assert_code(try_open(l, signed_by_two(l, l->mallory, l->alice)), SIPVEIL_OK);
    assert_code(try_open(l, signed_by_two(l, l->mallory, l->bob)), SIPVEIL_UNTRUSTED_SIGNER);
    assert_code(try_open(l, signed_by_two(l, l->alice, l->stranger)), SIPVEIL_UNTRUSTED_SIGNER);
    assert_code(try_open(l, signed_by_two(l, l->stranger, l->alice)), SIPVEIL_UNTRUSTED_SIGNER);
}

/* ADV-119, TUN-34: outside the certificate's validity, and a Date outside it. */
static void validity(void **state)
{
    lab *l = begin(state);
    l->clock = NOW - 86400;
    sipveil_span message = tunnel(l, HEAD, invite(l), l->alice, NULL);
    l->options.has_at = true;
    l->options.date_window = SIPVEIL_DATE_WINDOW_ANY;
    l->options.at = NOW + 91 * 86400;
    assert_code(try_open(l, message), SIPVEIL_UNTRUSTED_SIGNER);
    l->options.at = NOW - 91 * 86400;
    assert_code(try_open(l, message), SIPVEIL_UNTRUSTED_SIGNER);
    l->options.at = NOW;
    assert_code(try_open(l, message), SIPVEIL_OK);
    const char *old = edited_text(l, HEAD, DATE_NOW, "Date: Thu, 13 Nov 2025 10:00:00 GMT\r\n");
    message = tunnel(l, old, compose(l, old, NULL, SV_SPAN("")), l->alice, NULL);
    assert_code(try_open(l, message), SIPVEIL_UNTRUSTED_SIGNER);
    assert_string_equal(l->err.rule, "TUN-34");
    l->options.compat = SIPVEIL_COMPAT_SAMPLES;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(checked(l, "TUN-34", "not-done"));
}

/* ---- Date ---- */

/* TUN-33, TUN-34. */
static void date_window(void **state)
{
    static const struct {
        int64_t offset, window;
        sipveil_code code;
    } table[] = {
        {0, 0, SIPVEIL_OK},
        {3599, 0, SIPVEIL_OK},
        {-3599, 0, SIPVEIL_OK},
        {3601, 0, SIPVEIL_REPLAY},
        {-3601, 0, SIPVEIL_REPLAY},
        {86400, 0, SIPVEIL_REPLAY},
        {59, 60, SIPVEIL_OK},
        {61, 60, SIPVEIL_REPLAY},
        {86400, 86401, SIPVEIL_OK},
        {30 * 86400, SIPVEIL_DATE_WINDOW_ANY, SIPVEIL_OK},
        {3600 * 24, INT64_MAX - 1, SIPVEIL_OK},
    };
    lab *l = begin(state);
    sipveil_span by_signature = tunnel(l, HEAD, invite(l), l->alice, NULL);
    sipveil_span by_key = tunnel(l, HEAD, invite(l), NULL, l->kek);
    sipveil_span by_nobody = tunnel(l, HEAD, invite(l), NULL, l->bob);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        l->options.date_window = table[i].window;
        l->clock = NOW + table[i].offset;
        assert_code(try_open(l, by_signature), table[i].code);
        if (table[i].code != SIPVEIL_OK) assert_int_equal(l->err.sip_status, 403);
        assert_code(try_open(l, by_key), table[i].code);
        if (table[i].code != SIPVEIL_OK) assert_int_equal(l->err.sip_status, 493);
        assert_code(try_open(l, by_nobody), SIPVEIL_OK);
        /* the same by --at */
        l->clock = NOW;
        l->options.has_at = true;
        l->options.at = NOW + table[i].offset;
        assert_code(try_open(l, by_signature), table[i].code);
        l->options.has_at = false;
    }
    l->options.date_window = -1;
    assert_code(try_open(l, by_key), SIPVEIL_USAGE);
    l->options.date_window = 0;
    l->options.has_at = true;
    l->options.at = INT64_MIN;
    assert_code(try_open(l, by_key), SIPVEIL_REPLAY);
    l->options.at = INT64_MAX;
    assert_code(try_open(l, by_key), SIPVEIL_REPLAY);
}

/* TUN-34: a signed message without Date is opened with a warning. */
static void no_date(void **state)
{
    lab *l = begin(state);
    const char *head = edited_text(l, HEAD, DATE_NOW, "");
    assert_code(try_open(l, tunnel(l, head, compose(l, head, NULL, SV_SPAN("")), l->alice, NULL)), SIPVEIL_OK);
    assert_warned(l->opened, "TUN-34");
    assert_true(checked(l, "TUN-34", "not-done"));
    assert_code(try_open(l, tunnel(l, head, compose(l, head, NULL, SV_SPAN("")), NULL, l->kek)), SIPVEIL_OK);
}

/* ---- addressee ---- */

/* ADV-143 */
static void addressee(void **state)
{
    lab *l = begin(state);
    sipveil_span message = tunnel(l, HEAD, invite(l), l->alice, l->bob);
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(checked(l, "ADV-143", "not-done"));
    l->options.me = "sip:bob@biloxi.example.com";
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(checked(l, "ADV-143", "passed"));
    l->options.me = "sip:carol@chicago.example.com";
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
    assert_string_equal(l->err.rule, "ADV-143");
    assert_int_equal(l->err.sip_status, 493);
    /* To fits, the Request-URI is another's AOR */
    const char *forked = edited_text(l, HEAD, "INVITE sip:bob@", "INVITE sip:carol@");
    l->options.me = "sip:bob@biloxi.example.com";
    message = tunnel(l, forked, compose(l, forked, NULL, SV_SPAN("")), l->alice, l->bob);
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
    /* the Request-URI is no AOR: a host; within a dialog, the Contact of the callee */
    const char *host = edited_text(l, HEAD, "INVITE sip:bob@", "INVITE sip:");
    assert_code(try_open(l, tunnel(l, host, compose(l, host, NULL, SV_SPAN("")), l->alice, l->bob)), SIPVEIL_OK);
    const char *within = edited_text(l, edited_text(l, HEAD, "sip:bob@biloxi.example.com SIP", "sip:b@192.0.2.4 SIP"), TO,
                                     RESPONSE_TO);
    assert_code(try_open(l, tunnel(l, within, compose(l, within, NULL, SV_SPAN("")), l->alice, l->bob)), SIPVEIL_OK);
    /* a signed body only: To of the message that carries it */
    const char *type = "Content-Type: application/sdp\r\n";
    assert_code(try_open(l, protect(l, HEAD, type, SV_SPAN(SDP), l->alice, NULL)), SIPVEIL_OK);
    l->options.me = "sip:carol@chicago.example.com";
    assert_code(try_open(l, protect(l, HEAD, type, SV_SPAN(SDP), l->alice, NULL)), SIPVEIL_HEADER_MISMATCH);
}

/* ---- requirements ---- */

static void requirements(void **state)
{
    enum { S = SIPVEIL_REQUIRE_SIGNED, E = SIPVEIL_REQUIRE_ENCRYPTED };
    lab *l = begin(state);
    sipveil_span plain = invite(l), by_signature = tunnel(l, HEAD, plain, l->alice, NULL);
    sipveil_span encrypted = tunnel(l, HEAD, plain, NULL, l->kek), both = tunnel(l, HEAD, plain, l->alice, l->bob);
    const struct {
        sipveil_span message;
        unsigned require;
        sipveil_code code;
    } table[] = {
        {plain, 0, SIPVEIL_NOT_SIGNED},
        {plain, S, SIPVEIL_NOT_SIGNED},
        {plain, E, SIPVEIL_NOT_ENCRYPTED},
        {by_signature, S, SIPVEIL_OK},
        {by_signature, E, SIPVEIL_NOT_ENCRYPTED},
        {encrypted, S, SIPVEIL_NOT_SIGNED},
        {encrypted, E, SIPVEIL_OK},
        {encrypted, S | E, SIPVEIL_NOT_SIGNED},
        {both, S | E, SIPVEIL_OK},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        l->options.require = table[i].require;
        assert_code(try_open(l, table[i].message), table[i].code);
    }
    /* An unprotected message is handed out, with a warning, to those who ask for it. */
    l->options.require = 0;
    l->options.allow_unprotected = true;
    assert_code(try_open(l, plain), SIPVEIL_OK);
    assert_false(l->opened.is_protected);
    assert_int_equal(l->opened.warning_count, 1);
    assert_same(l->opened.message, plain);
}

/* ADV-142: the signature stripped off. */
static void stripped_signature(void **state)
{
    lab *l = begin(state);
    sipveil_span message = compose(l, HEAD, "Content-Type: message/sip\r\n", invite(l));
    assert_code(try_open(l, message), SIPVEIL_NOT_SIGNED); /* success says that something was verified or opened */
    assert_string_equal(l->err.rule, "ADV-142");
    assert_int_equal(l->err.sip_status, 403);
    l->options.allow_unprotected = true;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_false(l->opened.is_protected);
    assert_same(l->opened.message, message); /* nothing unproven takes the place of the message */
    assert_true(checked(l, "TUN-30", "not-done"));
    l->options.require = SIPVEIL_REQUIRE_SIGNED;
    assert_code(try_open(l, message), SIPVEIL_NOT_SIGNED);
    assert_string_equal(l->err.rule, "ADV-142");
    assert_int_equal(l->err.sip_status, 403);
}

/* ---- layers ---- */

/* A stop before the encrypted layer is no failure to open it, and every other check is still made. */
static void layers(void **state)
{
    lab *l = begin(state);
    const sipveil_key *signers[] = {l->alice}, *recipients[] = {l->bob};
    l->seal.signers = signers;
    l->seal.recipients = recipients;
    l->seal.signer_count = l->seal.recipient_count = 1;
    l->seal.encrypt_then_sign = true;
    sipveil_span message = sealed(l, invite(l));
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(checked(l, "TUN-45", "not-done")); /* signer-of-ciphertext */
    l->options.layers = 1;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(l->opened.is_signed);
    assert_false(l->opened.is_encrypted);
    l->options.require = SIPVEIL_REQUIRE_ENCRYPTED;
    assert_code(try_open(l, message), SIPVEIL_NOT_ENCRYPTED);
    l->options.require = 0;
    l->options.me = "sip:carol@chicago.example.com";
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
    l->options.me = NULL;
    /* Signed inside: with one layer the signature stays unchecked, and is not claimed. */
    l->seal.encrypt_then_sign = false;
    message = sealed(l, invite(l));
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_false(l->opened.is_signed);
    assert_true(l->opened.is_encrypted);
    assert_true(checked(l, "TUN-62a", "not-done"));
    l->options.layers = 2;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(l->opened.is_signed && l->opened.is_encrypted);
}

/* ADV-144, TUN-45: encrypted, then signed by another than the inner From names. */
static void stripped_and_signed_again(void **state)
{
    lab *l = begin(state);
    sipveil_span inner = tunnel(l, HEAD, invite(l), NULL, l->bob); /* what Alice sealed; then Mallory's name on it */
    const char *outer = edited_text(l, HEAD, FROM, MALLORY_FROM);
    sipveil_span stolen = protect(l, outer, rows_of(l, inner), body_of(inner), l->mallory, NULL);
    assert_code(try_open(l, stolen), SIPVEIL_HEADER_MISMATCH);
    assert_int_equal(l->err.sip_status, 493);
    stolen = protect(l, HEAD, rows_of(l, inner), body_of(inner), l->mallory, NULL);
    assert_code(try_open(l, stolen), SIPVEIL_UNTRUSTED_SIGNER);
}

/* TUN-90: whatever fails after a key was used is 493. */
static void one_answer_after_a_secret(void **state)
{
    lab *l = begin(state);
    struct {
        sipveil_span message;
        sipveil_code code;
    } table[] = {
        {tunnel(l, HEAD, SV_SPAN("not a message"), NULL, l->kek), SIPVEIL_MALFORMED},
        {tunnel(l, HEAD, edited(l, invite(l), "CSeq: 1", "CSeq: 2"), NULL, l->kek), SIPVEIL_HEADER_MISMATCH},
        {tunnel(l, HEAD, edited(l, invite(l), CSEQ, ""), NULL, l->kek), SIPVEIL_INCOMPLETE},
        {tunnel(l, HEAD, invite(l), l->stranger, l->kek), SIPVEIL_UNTRUSTED_SIGNER},
        {protect(l, HEAD, "Content-Type: message/partial\r\n", SV_SPAN("x"), NULL, l->kek), SIPVEIL_UNSUPPORTED},
        {protect(l, HEAD, "Content-Type: application/pkcs7-mime\r\n", SV_SPAN("x"), NULL, l->kek), SIPVEIL_MALFORMED},
        {protect(l, HEAD, "Content-Type: text/plain\r\n", SV_SPAN("x"), NULL, l->lost_kek), SIPVEIL_NO_KEY},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_code(try_open(l, table[i].message), table[i].code);
        assert_int_equal(l->err.sip_status, 493);
    }
}

/* ADV-041, ADV-142, ADV-147: a protection asked for is that of what is handed out, not of a neighbour. */
static void requirement_is_about_the_content(void **state)
{
    lab *l = begin(state);
    sipveil_span genuine = protect(l, HEAD, "Content-Type: text/plain\r\n", SV_SPAN("from Alice"), l->alice, NULL);
    sipveil_span forged = protect(l, HEAD, "Content-Type: text/plain\r\n", SV_SPAN("from Mallory"), NULL, l->bob);
    sv_buffer b;
    sv_buffer_init(&b, l->arena, 4096, 1 << 20);
    sv_put_str(&b, "--outer\r\n");
    sv_put(&b, entity_of(l, forged));
    sv_put_str(&b, "\r\n--outer\r\n");
    sv_put(&b, entity_of(l, genuine));
    sv_put_str(&b, "\r\n--outer--\r\n");
    sipveil_span message = compose(l, HEAD, "Content-Type: multipart/mixed; boundary=outer\r\n", sv_buffer_span(&b));
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.body, SV_SPAN("from Mallory"));
    assert_false(l->opened.is_signed);
    assert_false(l->opened.is_authenticated);
    l->options.require = SIPVEIL_REQUIRE_SIGNED;
    assert_code(try_open(l, message), SIPVEIL_NOT_SIGNED);
    l->options.require = SIPVEIL_REQUIRE_SIGNED | SIPVEIL_REQUIRE_ENCRYPTED;
    assert_code(try_open(l, message), SIPVEIL_NOT_SIGNED);
}

/* ADV-041: what nothing covers is named. */
static void uncovered_parts_are_named(void **state)
{
    static const char *const subtypes[] = {"mixed", "alternative"};
    lab *l = begin(state);
    for (size_t i = 0; i < 2; i++) {
        sipveil_span part = protect(l, HEAD, "Content-Type: text/plain\r\n", SV_SPAN("from Alice"), l->alice, NULL);
        sv_buffer b;
        sv_buffer_init(&b, l->arena, 4096, 1 << 20);
        sv_put_str(&b, "--outer\r\nContent-Type: text/html\r\n\r\nadded\r\n--outer\r\n");
        sv_put(&b, entity_of(l, part));
        sv_put_str(&b, "\r\n--outer--\r\n");
        const char *type = joined(l, "Content-Type: multipart/", joined(l, subtypes[i], "; boundary=outer\r\n"));
        assert_code(try_open(l, compose(l, HEAD, type, sv_buffer_span(&b))), SIPVEIL_OK);
        assert_same(l->opened.body, SV_SPAN("from Alice"));
        assert_true(l->opened.is_signed);
        assert_false(contains(l->opened.message, "added")); /* ADV-147 */
        /* that one, and not what the signature covers */
        size_t named = 0;
        for (size_t k = 0; k < l->opened.check_count; k++) {
            if (strcmp(l->opened.checks[k].rule, "ADV-041") != 0) continue;
            named++;
            assert_non_null(strstr(l->opened.checks[k].why, "text/html"));
            assert_int_equal(l->opened.checks[k].result, SIPVEIL_CHECK_NOT_DONE);
        }
        assert_int_equal(named, 1);
    }
    assert_code(try_open(l, tunnel(l, HEAD, invite(l), l->alice, l->kek)), SIPVEIL_OK);
    for (size_t k = 0; k < l->opened.check_count; k++) assert_string_not_equal(l->opened.checks[k].rule, "ADV-041");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signer_is_the_sender),
        cmocka_unit_test(signer_of_a_body),
        cmocka_unit_test(a_status_fragment_names_nobody),
        cmocka_unit_test(unknown_authority),
        cmocka_unit_test(no_certificate),
        cmocka_unit_test(two_signers),
        cmocka_unit_test(validity),
        cmocka_unit_test(date_window),
        cmocka_unit_test(no_date),
        cmocka_unit_test(addressee),
        cmocka_unit_test(requirements),
        cmocka_unit_test(stripped_signature),
        cmocka_unit_test(layers),
        cmocka_unit_test(stripped_and_signed_again),
        cmocka_unit_test(one_answer_after_a_secret),
        cmocka_unit_test(requirement_is_about_the_content),
        cmocka_unit_test(uncovered_parts_are_named),
    };
    return cmocka_run_group_tests_name("judging what was opened", tests, lab_setup, lab_teardown);
}
