/* SPDX-License-Identifier: BSD-2-Clause */
/* Signature wrapping and stripping: what a signer with a good certificate, or somebody on the path, builds
 * around genuine layers to have other octets taken for signed, or the same ones taken twice. */
#include "tunnel/fixture.h"

#define MALLORY_FROM "From: <sip:mallory@evil.example.com>;tag=9fxced76sl\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=outer\r\n"
#define AIB "Content-Type: message/sipfrag\r\nContent-Disposition: aib; handling=optional\r\n"

static sipveil_span optional(lab *l, sipveil_span entity)
{
    return edited(l, entity, "handling=required", "handling=optional");
}

/* ADV-041, ADV-126, TUN-43: a signature speaks for every message that it covers, not for the first one. From
 * is hidden outside, so that both fit the outer message. */
static void signature_over_two_messages(void **state)
{
    lab *l = begin(state);
    const char *anonymous = edited_text(l, HEAD, FROM, STAND_IN);
    sipveil_span own = edited(l, invite(l), FROM, MALLORY_FROM);
    sipveil_span parts[] = {optional(l, entity_of(l, tunnel(l, anonymous, own, NULL, l->bob))),
                            entity_of(l, tunnel(l, anonymous, invite(l), NULL, l->bob))};
    for (size_t i = 0; i < 2; i++) {
        sipveil_span both[] = {parts[i], parts[1 - i]};
        sipveil_span message = protect(l, anonymous, MIXED, multipart(l, "outer", both, 2), l->mallory, NULL);
        assert_code(try_open(l, message), SIPVEIL_UNTRUSTED_SIGNER);
        assert_int_equal(l->err.sip_status, 493);
        message = protect(l, anonymous, MIXED, multipart(l, "outer", both, 2), l->alice, NULL);
        assert_code(try_open(l, message), SIPVEIL_UNTRUSTED_SIGNER);
    }
    sipveil_span twice[] = {optional(l, parts[1]), parts[1]};
    assert_code(try_open(l, protect(l, anonymous, MIXED, multipart(l, "outer", twice, 2), l->alice, NULL)), SIPVEIL_OK);
    assert_true(l->opened.is_signed);
}

/* ADV-140, ADV-126: a message inside a signed message is a tunnel in turn; it does not borrow the signature for
 * fields of its own. */
static void message_in_a_signed_message(void **state)
{
    lab *l = begin(state);
    const char *outer = edited_text(l, HEAD, FROM, MALLORY_FROM);
    sipveil_span carrier = tunnel(l, outer, invite(l), NULL, l->bob); /* From Mallory, and Alice inside */
    l->options.require = SIPVEIL_REQUIRE_SIGNED;
    assert_code(try_open(l, tunnel(l, outer, carrier, l->mallory, NULL)), SIPVEIL_HEADER_MISMATCH);
    assert_int_equal(l->err.sip_status, 493);
    assert_code(try_open(l, tunnel(l, outer, carrier, l->mallory, l->bob)), SIPVEIL_HEADER_MISMATCH);
    /* the same field for field */
    carrier = tunnel(l, HEAD, invite(l), NULL, l->bob);
    assert_code(try_open(l, tunnel(l, HEAD, carrier, l->alice, NULL)), SIPVEIL_OK);
    assert_same(l->opened.message, invite(l));
    assert_true(l->opened.is_signed);
}

/* TUN-52, ADV-142: an AIB proves the message that it stands in, and no other. */
static void aib_of_another_message(void **state)
{
    lab *l = begin(state);
    const char *own = edited_text(l, HEAD, FROM, MALLORY_FROM);
    const char *fragment = MALLORY_FROM TO CALL_ID CSEQ CONTACT DATE_NOW;
    sipveil_span proven = protect(l, own, AIB, text(fragment), l->mallory, NULL);
    l->options.require = SIPVEIL_REQUIRE_SIGNED;
    assert_code(try_open(l, proven), SIPVEIL_OK);
    /* in an unprotected message/sip within a message from Alice */
    sipveil_span message = compose(l, HEAD, "Content-Type: message/sip\r\n", proven);
    assert_code(try_open(l, message), SIPVEIL_NOT_SIGNED);
    /* Alice's AIB beside a message that anybody could have encrypted */
    sipveil_span forged = edited(l, invite(l), "m=audio 49172", "m=audio 49999");
    sipveil_span parts[] = {
        entity_of(l, tunnel(l, HEAD, forged, NULL, l->bob)),
        entity_of(l, protect(l, HEAD, AIB, SV_SPAN(FROM TO CALL_ID CSEQ CONTACT DATE_NOW), l->alice, NULL)),
    };
    assert_code(try_open(l, compose(l, HEAD, MIXED, multipart(l, "outer", parts, 2))), SIPVEIL_NOT_SIGNED);
    assert_int_equal(l->err.sip_status, 493);
}

/* ADV-145, ADV-144: taking the outer layers off a message makes no new one. */
static void unwrapped_replay(void **state)
{
    lab *l = begin(state);
    const sipveil_key *signers[] = {l->alice}, *recipients[] = {l->kek};
    sipveil_memory *memory = NULL;
    assert_int_equal(sipveil_memory_new(&memory, &l->err), SIPVEIL_OK);
    l->options.memory = memory;
    l->seal.signers = signers;
    l->seal.recipients = recipients;
    l->seal.signer_count = l->seal.recipient_count = 1;
    sipveil_span inside = sealed(l, invite(l));
    sipveil_span whole = protect(l, HEAD, rows_of(l, inside), body_of(inside), l->alice, NULL); /* sign, encrypt, sign */
    assert_code(try_open(l, whole), SIPVEIL_OK);
    assert_code(try_open(l, whole), SIPVEIL_REPLAY);
    assert_code(try_open(l, inside), SIPVEIL_REPLAY);
    assert_string_equal(l->err.rule, "ADV-145");
    /* and the other way round */
    const char *next = edited_text(l, HEAD, "CSeq: 1", "CSeq: 2");
    inside = sealed(l, compose(l, next, NULL, SV_SPAN("")));
    whole = protect(l, next, rows_of(l, inside), body_of(inside), l->alice, NULL);
    assert_code(try_open(l, inside), SIPVEIL_OK);
    assert_code(try_open(l, whole), SIPVEIL_REPLAY);
    sipveil_memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_over_two_messages),
        cmocka_unit_test(message_in_a_signed_message),
        cmocka_unit_test(aib_of_another_message),
        cmocka_unit_test(unwrapped_replay),
    };
    return cmocka_run_group_tests_name("wrapping", tests, lab_setup, lab_teardown);
}
