/* SPDX-License-Identifier: BSD-2-Clause */
/* The profile of the P-CSCF: outer fields, what may differ, who is registered, and its own decisions. */
#include "tunnel/fixture.h"

#include "tunnel/operation.h"

#define PCSCF "sip:pcscf.visited.example"

/* Sealed as the profile says; then both sides use its rules. */
static sipveil_span seal_for_pcscf(lab *l, sipveil_span message, const sipveil_key *signer, const char *request_uri)
{
    l->seal.recipients = &l->kek;
    l->seal.recipient_count = 1;
    l->seal.signers = &signer;
    l->seal.signer_count = signer != NULL;
    l->seal.pcscf = true;
    l->seal.request_uri = request_uri;
    sipveil_span out = sealed(l, message);
    sipveil_seal_options_default(&l->seal);
    return out;
}

static sipveil_span rich_invite(lab *l)
{
    return compose(l, HEAD "Route: <sip:orig@scscf.home.example;lr>\r\nSubject: lunch\r\nSupported: 100rel\r\nX-More: 1\r\n",
                   "Content-Type: application/sdp\r\n", SV_SPAN(SDP));
}

/* TUN-70, TUN-71, TUN-72 variant 1, TUN-76, TUN-79, TUN-84. */
static void outer_fields(void **state)
{
    lab *l = begin(state);
    sipveil_span inner = rich_invite(l), message = seal_for_pcscf(l, inner, NULL, NULL);
    size_t end;
    assert_true(sv_find(message, SV_SPAN("\r\n\r\n"), &end));
    const char *head = sv_arena_string(l->arena, sv_span(message.data, end + 2));
    head = strcpy(sv_arena_alloc(l->arena, strlen(head) + 1), head);
    *strstr(head, "Content-Length") = '\0';
    assert_string_equal(head, REQUEST_LINE VIA "Max-Forwards: 70\r\n" STAND_IN TO CALL_ID CSEQ
                        "Contact: <sip:ua.atlanta.example.com;transport=tcp>\r\n" DATE_NOW "MIME-Version: 1.0\r\n"
                        "Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m\r\n"
                        "Content-Transfer-Encoding: base64\r\n"
                        "Content-Disposition: attachment; filename=smime.p7m; handling=required\r\n");
    /* base64 in lines of 76 */
    sipveil_span body = body_of(message);
    size_t line;
    assert_true(sv_find(body, SV_SPAN("\r\n"), &line));
    assert_int_equal(line, 76);
    l->options.pcscf = true;
    l->options.layers = 1;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.message, inner);
    assert_int_equal(compared(l, "From"), SIPVEIL_COMPARE_HIDDEN);
    assert_int_equal(compared(l, "Contact"), SIPVEIL_COMPARE_HIDDEN);
    assert_int_equal(compared(l, "Subject"), SIPVEIL_COMPARE_HIDDEN);
    assert_int_equal(compared(l, "Request-URI"), SIPVEIL_COMPARE_EQUAL);
    json_t *root = report(l);
    char *dump = json_dumps(root, JSON_COMPACT);
    assert_non_null(strstr(dump, "compressed-data")); /* TUN-76 */
    free(dump);
    json_decref(root);
}

/* TUN-71, TUN-72 variant 2: the P-CSCF itself in the request line and To. */
static void variant_2(void **state)
{
    lab *l = begin(state);
    sipveil_span message = seal_for_pcscf(l, invite(l), NULL, PCSCF);
    assert_true(contains(message, "INVITE " PCSCF " SIP/2.0\r\n"));
    assert_true(contains(message, "To: <" PCSCF ">\r\n"));
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH); /* only the profile takes it */
    l->options.pcscf = true;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.message, invite(l));
    assert_int_equal(compared(l, "To"), SIPVEIL_COMPARE_HIDDEN);
    /* another To beside it */
    assert_code(try_open(l, edited(l, message, "To: <" PCSCF ">", "To: <sip:eve@evil.example>")), SIPVEIL_HEADER_MISMATCH);
    assert_int_equal(l->err.sip_status, 493);
}

/* TUN-71, TUN-72: what a hop on the air may not have changed. */
static void changed_outside(void **state)
{
    static const char *const edits[][2] = {
        {"z9hG4bK74bf9", "z9hG4bKother"},
        {VIA, "Via: SIP/2.0/TCP p.example;branch=z9hG4bKp\r\n" VIA},
        {"Call-ID: 3848", "Call-ID: 3849"},
        {"CSeq: 1 ", "CSeq: 2 "},
        {"INVITE sip:bob@", "INVITE sip:carol@"},
        {"To: Bob <sip:bob@", "To: Bob <sip:carol@"},
        {"From: \"Anonymous\" <sip:anonymous@", "From: \"Anonymous\" <sip:eve@"},
        {"Contact: <sip:ua.", "Contact: <sip:eve."},
        {DATE_NOW, "Date: Sat, 21 Nov 2026 10:00:01 GMT\r\n"},
    };
    lab *l = begin(state);
    sipveil_span message = seal_for_pcscf(l, invite(l), NULL, NULL);
    l->options.pcscf = true;
    assert_code(try_open(l, message), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        assert_code(try_open(l, edited(l, message, edits[i][0], edits[i][1])), SIPVEIL_HEADER_MISMATCH);
        assert_int_equal(l->err.sip_status, 493);
    }
    assert_code(try_open(l, edited(l, message, "Forwards: 70", "Forwards: 69")), SIPVEIL_OK);
    /* without the profile Via is a hop's own */
    l->options.pcscf = false;
    assert_code(try_open(l, edited(l, message, edits[1][0], edits[1][1])), SIPVEIL_OK);
}

/* Seed example: (b) comes out signed and goes on byte-identical (TUN-80), one layer opened. */
static void signed_inside(void **state)
{
    lab *l = begin(state);
    sipveil_span message = seal_for_pcscf(l, invite(l), l->alice, NULL);
    l->options.pcscf = true;
    l->options.layers = 1;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(l->opened.is_encrypted && !l->opened.is_signed && l->opened.is_authenticated);
    sipveil_span b = copy_of(l, l->opened.message);
    assert_true(contains(b, FROM));
    assert_true(contains(b, "multipart/signed"));
    l->options.pcscf = false;
    l->options.layers = 0;
    l->options.keyring = l->outsider;
    assert_code(try_open(l, b), SIPVEIL_OK);
    assert_true(l->opened.is_signed);
    assert_same(l->opened.message, invite(l));
    /* the far end opens all of it */
    l->options.keyring = l->ring;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(l->opened.is_signed && l->opened.is_encrypted);
    assert_same(l->opened.message, invite(l));
}

/* TUN-82 */
static void registered(void **state)
{
    static const char *const alice[] = {"sip:other@atlanta.example.com", "sip:alice@atlanta.example.com"};
    static const char *const bob[] = {"sip:bob@biloxi.example.com"};
    lab *l = begin(state);
    sipveil_span message = seal_for_pcscf(l, invite(l), NULL, NULL);
    l->options.pcscf = true;
    l->options.registered = alice;
    l->options.registered_count = 2;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(checked(l, "TUN-82", "passed"));
    l->options.registered = bob;
    l->options.registered_count = 1;
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
    assert_string_equal(l->err.rule, "TUN-82");
    assert_int_equal(l->err.sip_status, 493);
    assert_true(checked(l, "TUN-82", "failed"));
    /* P-Preferred-Identity; several values of it */
    static const char *const preferred[] = {
        "P-Preferred-Identity: \"Bob\" <sip:bob@biloxi.example.com>\r\n",
        "P-Preferred-Identity: <tel:+123>, <sip:bob@biloxi.example.com>\r\n",
        "P-Preferred-Identity: <tel:+123>\r\nP-Preferred-Identity: <sip:bob@biloxi.example.com>\r\n",
    };
    for (size_t i = 0; i < 3; i++) {
        message = seal_for_pcscf(l, compose(l, joined(l, HEAD, preferred[i]), NULL, SV_SPAN("")), NULL, NULL);
        assert_code(try_open(l, message), SIPVEIL_OK);
    }
    const char *other = joined(l, HEAD, "P-Preferred-Identity: <sip:carol@chicago.example.com>\r\n");
    assert_code(try_open(l, seal_for_pcscf(l, compose(l, other, NULL, SV_SPAN("")), NULL, NULL)), SIPVEIL_HEADER_MISMATCH);
    /* an outer P-Preferred-Identity says nothing */
    message = seal_for_pcscf(l, invite(l), NULL, NULL);
    message = edited(l, message, DATE_NOW, DATE_NOW "P-Preferred-Identity: <sip:bob@biloxi.example.com>\r\n");
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
}

/* TUN-81: answers are sealed the same way, in variant 2 too: To outside as in the outer request. */
static void answers(void **state)
{
    lab *l = begin(state);
    sipveil_span inner = compose(l, RESPONSE_HEAD, "Content-Type: application/sdp\r\n", SV_SPAN(SDP));
    sipveil_span message = seal_for_pcscf(l, inner, NULL, NULL);
    assert_true(contains(message, "SIP/2.0 200 OK\r\n" VIA STAND_IN RESPONSE_TO));
    l->options.pcscf = true;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.message, inner);
    assert_code(try_open(l, edited(l, message, "200 OK", "486 Busy Here")), SIPVEIL_HEADER_MISMATCH);

    message = seal_for_pcscf(l, inner, NULL, PCSCF);
    assert_true(contains(message, "To: <" PCSCF ">;tag=8321234356\r\n"));
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.message, inner);
    assert_int_equal(compared(l, "To"), SIPVEIL_COMPARE_HIDDEN);
    assert_code(try_open(l, edited(l, message, ";tag=8321234356", ";tag=other")), SIPVEIL_HEADER_MISMATCH);
    assert_code(try_open(l, edited(l, message, "To: <" PCSCF, "To: <sip:eve@evil.example")), SIPVEIL_HEADER_MISMATCH);
    l->options.pcscf = false;
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
}

/* TUN-81, ADV-150: what goes hop by hop. */
static void never_sealed(void **state)
{
    static const struct {
        const char *method;
        unsigned status, acked;
        bool never;
    } table[] = {
        {"INVITE", 0, 0, false},    {"INVITE", 100, 0, true},  {"INVITE", 180, 0, false}, {"INVITE", 200, 0, false},
        {"INVITE", 487, 0, false},  {"MESSAGE", 100, 0, true}, {"CANCEL", 0, 0, true},    {"CANCEL", 200, 0, true},
        {"CANCEL", 481, 0, false},  {"ACK", 0, 200, false},    {"ACK", 0, 0, false},      {"ACK", 0, 486, true},
        {"ACK", 0, 302, true},      {"ACK", 0, 603, true},     {"BYE", 0, 0, false},      {"cancel", 0, 0, false},
        {"", 0, 0, false},
    };
    lab *l = begin(state);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (sipveil_pcscf_never_sealed(text(table[i].method), table[i].status, table[i].acked) != table[i].never) {
            fail_msg("%s %u %u", table[i].method, table[i].status, table[i].acked);
        }
    }
    const char *cancel = edited_text(l, edited_text(l, HEAD, "INVITE sip", "CANCEL sip"), "1 INVITE", "1 CANCEL");
    l->seal.recipients = &l->kek;
    l->seal.recipient_count = 1;
    l->seal.pcscf = true;
    assert_code(try_seal(l, compose(l, cancel, NULL, SV_SPAN(""))), SIPVEIL_POLICY);
    assert_string_equal(l->err.rule, "TUN-81");
    assert_code(try_seal(l, compose(l, edited_text(l, RESPONSE_HEAD, "200 OK", "100 Trying"), NULL, SV_SPAN(""))),
                SIPVEIL_POLICY);
    l->seal.pcscf = false; /* outside the profile seal protects whatever it is given */
    assert_code(try_seal(l, compose(l, cancel, NULL, SV_SPAN(""))), SIPVEIL_OK);
}

/* TUN-73 */
static void decide(void **state)
{
    enum { ACCESS = 1, ALLOWED = 2, REQUIRED = 4, US = 8 };
    lab *l = begin(state);
    sipveil_span plain = invite(l), known = tunnel(l, HEAD, plain, NULL, l->kek);
    sipveil_span unknown = tunnel(l, HEAD, plain, NULL, l->lost_kek), end_to_end = tunnel(l, HEAD, plain, NULL, l->bob);
    sipveil_span is_signed = tunnel(l, HEAD, plain, l->alice, NULL);
    sipveil_span hidden = tunnel(l, HEAD, plain, l->alice, l->kek);
    sipveil_span wrapped = protect(l, HEAD, rows_of(l, known), body_of(known), l->alice, NULL);
    sipveil_span cancel = edited(l, edited(l, plain, "INVITE sip", "CANCEL sip"), "1 INVITE", "1 CANCEL");
    sipveil_span ack = edited(l, edited(l, plain, "INVITE sip", "ACK sip"), "1 INVITE", "1 ACK");
    sipveil_span cut = edited(l, known, "Content-Length: ", "Content-Length: 9\r\nX-Was: ");
    const struct {
        sipveil_span message;
        unsigned facts;
        sipveil_pcscf_decision decision;
        int status;
        unsigned acked;
    } table[] = {
        {ack, ACCESS | REQUIRED, SIPVEIL_PCSCF_FORWARD, 0, 486}, /* TUN-81: of its transaction, hop by hop */
        {ack, ACCESS | REQUIRED, SIPVEIL_PCSCF_REFUSE, 403, 200},
        {cut, ACCESS | ALLOWED | US, SIPVEIL_PCSCF_FORWARD, 0, 0}, /* no CMS that can be read: end to end */
        {cut, ACCESS | REQUIRED, SIPVEIL_PCSCF_REFUSE, 403, 0},
        {known, ACCESS | ALLOWED, SIPVEIL_PCSCF_OPEN, 0},
        {known, ACCESS | REQUIRED, SIPVEIL_PCSCF_OPEN, 0},
        {known, ACCESS | REQUIRED | US, SIPVEIL_PCSCF_OPEN, 0},
        {hidden, ACCESS | ALLOWED, SIPVEIL_PCSCF_OPEN, 0},
        {known, ACCESS, SIPVEIL_PCSCF_FORWARD, 0},           /* no such policy */
        {known, ALLOWED, SIPVEIL_PCSCF_FORWARD, 0},          /* from the network side */
        {known, REQUIRED | US, SIPVEIL_PCSCF_FORWARD, 0},
        {unknown, ACCESS | ALLOWED, SIPVEIL_PCSCF_FORWARD, 0}, /* end to end */
        {unknown, ACCESS | ALLOWED | US, SIPVEIL_PCSCF_REFUSE, 493},
        {unknown, ACCESS | REQUIRED | US, SIPVEIL_PCSCF_REFUSE, 493},
        {unknown, ACCESS | REQUIRED, SIPVEIL_PCSCF_REFUSE, 403},
        {end_to_end, ACCESS | ALLOWED, SIPVEIL_PCSCF_FORWARD, 0},
        {end_to_end, ACCESS | ALLOWED | US, SIPVEIL_PCSCF_FORWARD, 0},
        {end_to_end, ACCESS | REQUIRED, SIPVEIL_PCSCF_REFUSE, 403},
        {is_signed, ACCESS | ALLOWED, SIPVEIL_PCSCF_FORWARD, 0},
        {wrapped, ACCESS | ALLOWED, SIPVEIL_PCSCF_FORWARD, 0}, /* not on top */
        {plain, ACCESS | ALLOWED, SIPVEIL_PCSCF_FORWARD, 0},
        {plain, ACCESS | REQUIRED, SIPVEIL_PCSCF_REFUSE, 403},
        {cancel, ACCESS | REQUIRED, SIPVEIL_PCSCF_FORWARD, 0}, /* TUN-81 */
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sipveil_pcscf_decision decision = (sipveil_pcscf_decision)77;
        sipveil_pcscf_facts facts = {.from_access_side = table[i].facts & ACCESS,
                                     .tunnel_allowed = table[i].facts & ALLOWED,
                                     .tunnel_required = table[i].facts & REQUIRED,
                                     .request_uri_is_us = table[i].facts & US,
                                     .acked_status = table[i].acked,
                                     .subscriber_keys = l->ring};
        assert_code(sipveil_pcscf_decide(l->worker, &facts, table[i].message, &decision, &l->err), SIPVEIL_OK);
        if (decision != table[i].decision || l->err.sip_status != table[i].status) {
            fail_msg("row %zu: %d with status %d", i, (int)decision, l->err.sip_status);
        }
    }
    sipveil_pcscf_facts facts = {.from_access_side = true, .tunnel_allowed = true};
    sipveil_pcscf_decision decision;
    assert_code(sipveil_pcscf_decide(l->worker, &facts, known, &decision, &l->err), SIPVEIL_OK); /* no keys */
    assert_int_equal(decision, SIPVEIL_PCSCF_FORWARD);
    assert_int_equal(sipveil_pcscf_decide(l->worker, &facts, SV_SPAN("x"), &decision, &l->err), SIPVEIL_MALFORMED);
    assert_int_equal(sipveil_pcscf_decide(NULL, &facts, known, &decision, NULL), SIPVEIL_USAGE);
    assert_int_equal(sipveil_pcscf_decide(l->worker, NULL, known, &decision, NULL), SIPVEIL_USAGE);
    assert_int_equal(sipveil_pcscf_decide(l->worker, &facts, known, NULL, NULL), SIPVEIL_USAGE);
    /* the 403 says what would be accepted */
    sipveil_span response;
    facts.tunnel_required = true;
    facts.subscriber_keys = l->ring;
    assert_code(sipveil_pcscf_decide(l->worker, &facts, plain, &decision, &l->err), SIPVEIL_OK);
    sipveil_error why = l->err;
    assert_code(sipveil_tunnel_write_refusal(l->worker, &l->options, plain, &why, &response, &l->err), SIPVEIL_OK);
    assert_true(contains(response, "SIP/2.0 403 Tunnel Required\r\n"));
    assert_true(contains(response, "\r\nAccept: "));
}

/* TUN-74, TUN-75: computed apart, with Python's hashlib and hmac. */
static void known_answers(void **state)
{
    lab *l = begin(state);
    uint8_t rand[16], ck[16], out[16];
    for (uint8_t i = 0; i < 16; i++) {
        rand[i] = (uint8_t)(0x10 + i);
        ck[i] = (uint8_t)(0xA0 + i);
    }
    static const uint8_t identifier[16] = {0x3E, 0x08, 0x01, 0xB0, 0xD6, 0x96, 0x45, 0xEF,
                                           0xAB, 0x2A, 0x74, 0xB9, 0x8C, 0x11, 0x00, 0xA7};
    static const uint8_t kek[16] = {0xED, 0x1F, 0x54, 0x2F, 0x5F, 0x41, 0x09, 0xA8,
                                    0xA5, 0xC3, 0x28, 0xBF, 0x9D, 0xAA, 0xF3, 0xBF};
    const char *impi = "alice_private@home1.example";
    assert_int_equal(sipveil_pcscf_key_identifier(l->worker, impi, sv_span(rand, 16), out, &l->err), SIPVEIL_OK);
    assert_memory_equal(out, identifier, 16);
    assert_int_equal(sipveil_pcscf_derive_kek(l->worker, sv_span(ck, 16), sv_span(rand, 16), sv_span(identifier, 16), out,
                                              &l->err), SIPVEIL_OK);
    assert_memory_equal(out, kek, 16);
    /* refused, and nothing is left in the result */
    assert_int_equal(sipveil_pcscf_derive_kek(l->worker, sv_span(ck, 15), sv_span(rand, 16), sv_span(identifier, 16), out,
                                              &l->err), SIPVEIL_USAGE);
    assert_true(is_zero(out, sizeof out));
    assert_int_equal(sipveil_pcscf_derive_kek(l->worker, sv_span(ck, 16), sv_span(rand, 0), sv_span(identifier, 16), out,
                                              NULL), SIPVEIL_USAGE);
    assert_int_equal(sipveil_pcscf_key_identifier(l->worker, "", sv_span(rand, 16), out, &l->err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_pcscf_key_identifier(l->worker, NULL, sv_span(rand, 16), out, &l->err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_pcscf_key_identifier(l->worker, impi, sv_span(rand, 17), out, &l->err), SIPVEIL_USAGE);
    assert_true(is_zero(out, sizeof out));
}

/* TUN-75: with the KEK of the other mode the unwrap fails, and looks like any wrong key. */
static void wrong_derivation(void **state)
{
    lab *l = begin(state);
    static const uint8_t ck[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, rand[16] = {9};
    uint8_t id[16], kek[16];
    sipveil_keyring *ua = new_ring(l), *pcscf = new_ring(l);
    assert_int_equal(sipveil_pcscf_key_identifier(l->worker, "alice@home", sv_span(rand, 16), id, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_pcscf_derive_kek(l->worker, sv_span(ck, 16), sv_span(rand, 16), sv_span(id, 16), kek, &l->err),
                     SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_kek(ua, sv_span(id, 16), sv_span(ck, 16), NULL, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_kek(pcscf, sv_span(id, 16), sv_span(kek, 16), NULL, &l->err), SIPVEIL_OK);
    sipveil_span message = tunnel(l, HEAD, invite(l), NULL, sipveil_keyring_at(ua, 0));
    l->options.keyring = ua;
    assert_code(try_open(l, message), SIPVEIL_OK);
    l->options.keyring = pcscf;
    assert_code(try_open(l, message), SIPVEIL_CANNOT_DECRYPT);
    assert_int_equal(l->err.sip_status, 493);
    sipveil_keyring_free(ua);
    sipveil_keyring_free(pcscf);
}

/* TUN-70: the literal outer message of the seed, by name only. */
static void bare_outer(void **state)
{
    lab *l = begin(state);
    sipveil_span sealed_one = seal_for_pcscf(l, invite(l), NULL, NULL);
    sipveil_span bare = compose(l, REQUEST_LINE, "Content-Type: smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n",
                                body_of(sealed_one));
    l->options.pcscf = true;
    assert_code(try_open(l, bare), SIPVEIL_MALFORMED);
    l->options.compat = SIPVEIL_COMPAT_SEED000;
    sipveil_code code = try_open(l, bare);
    assert_code(code, SIPVEIL_OK);
    assert_warned(l->opened, "TUN-70");
    assert_same(l->opened.message, invite(l));
    assert_code(try_open(l, edited(l, bare, "INVITE sip:bob@", "INVITE sip:carol@")), SIPVEIL_HEADER_MISMATCH);
    assert_code(try_open(l, edited(l, bare, "Content-Type", VIA "Content-Type")), SIPVEIL_OK);
    assert_code(try_open(l, edited(l, bare, "Content-Type", "Call-ID: other@x\r\nContent-Type")), SIPVEIL_HEADER_MISMATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outer_fields), cmocka_unit_test(variant_2),     cmocka_unit_test(changed_outside),
        cmocka_unit_test(signed_inside), cmocka_unit_test(registered),   cmocka_unit_test(answers),
        cmocka_unit_test(never_sealed), cmocka_unit_test(decide),        cmocka_unit_test(known_answers),
        cmocka_unit_test(wrong_derivation), cmocka_unit_test(bare_outer),
    };
    return cmocka_run_group_tests_name("the profile of the P-CSCF", tests, lab_setup, lab_teardown);
}
