/* SPDX-License-Identifier: BSD-2-Clause */
/* Seen messages: exact and dressed-up replay, expiry, and the image that outlives a restart (ADV-145, 146). */
#include "tunnel/fixture.h"

#include <openssl/bn.h>

static sipveil_memory *new_memory(lab *l)
{
    sipveil_memory *memory = NULL;
    assert_int_equal(sipveil_memory_new(&memory, &l->err), SIPVEIL_OK);
    l->options.memory = memory;
    return memory;
}

/* ADV-145: after 1 s, 59 s, 61 s, 1 h; forgotten when the Date window itself refuses. */
static void exact_replay(void **state)
{
    static const int64_t later[] = {0, 1, 59, 61, 3600, 7200};
    lab *l = begin(state);
    sipveil_span messages[] = {tunnel(l, HEAD, invite(l), l->alice, NULL), tunnel(l, HEAD, invite(l), NULL, l->kek),
                               tunnel(l, HEAD, invite(l), l->alice, l->bob)};
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        sipveil_memory *memory = new_memory(l);
        l->clock = NOW;
        assert_code(try_open(l, messages[i]), SIPVEIL_OK);
        assert_true(checked(l, "ADV-145", "passed"));
        for (size_t k = 0; k < sizeof later / sizeof *later; k++) {
            l->clock = NOW + later[k];
            assert_code(try_open(l, messages[i]), SIPVEIL_REPLAY);
            assert_int_equal(l->err.sip_status, i == 0 ? 403 : 493);
        }
        /* Its Date alone would pass, so it must still be known: the memory is twice the window. */
        l->options.date_window = SIPVEIL_DATE_WINDOW_ANY;
        l->clock = NOW + 7200;
        assert_code(try_open(l, messages[i]), SIPVEIL_REPLAY);
        assert_string_equal(l->err.rule, "ADV-145");
        l->clock = NOW + 7201;
        assert_code(try_open(l, messages[i]), SIPVEIL_OK);
        l->options.date_window = 0;
        sipveil_memory_free(memory);
    }
}

/* What an on-path party can rewrite without breaking the comparison makes no new message. */
static void dressed_up_replay(void **state)
{
    static const char *const edits[][2] = {
        {CSEQ, "CSeq:   1   INVITE\r\n"},
        {CSEQ, "CSeq: 001 INVITE\r\n"},
        {CSEQ, "CSeq: 1\r\n INVITE\r\n"},
        {FROM, "From: <sip:alice@atlanta.example.com>;tag=9FXCED76SL\r\n"},
        {FROM, "f: <sip:alice@atlanta.example.com> ; tag=9fxced76sl\r\n"},
        {VIA, "Via: SIP/2.0/UDP evil.example.com;branch=z9hG4bKx\r\n"},
        {DATE_NOW, DATE_NOW "X-More: 1\r\n"},
        {CALL_ID, "i: 3848276298220188511@atlanta.example.com\r\n"},
    };
    lab *l = begin(state);
    sipveil_memory *memory = new_memory(l);
    sipveil_span message = tunnel(l, HEAD, invite(l), l->alice, NULL);
    assert_code(try_open(l, message), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        assert_code(try_open(l, edited(l, message, edits[i][0], edits[i][1])), SIPVEIL_REPLAY);
    }
    /* wrapped once more, for a key that is public */
    assert_code(try_open(l, protect(l, HEAD, rows_of(l, message), body_of(message), NULL, l->bob)), SIPVEIL_REPLAY);
    /* with another signed part in front */
    sipveil_span other = protect(l, HEAD, "Content-Type: text/plain\r\n", SV_SPAN("hello"), l->alice, NULL);
    sv_buffer b;
    sv_buffer_init(&b, l->arena, 8192, 1 << 20);
    sv_put_str(&b, "--outer\r\n");
    sv_put(&b, edited(l, entity_of(l, other), "Content-Type: ", "Content-Disposition: render;handling=optional\r\nContent-Type: "));
    sv_put_str(&b, "\r\n--outer\r\n");
    sv_put(&b, entity_of(l, message));
    sv_put_str(&b, "\r\n--outer--\r\n");
    message = compose(l, HEAD, "Content-Type: multipart/mixed; boundary=outer\r\n", sv_buffer_span(&b));
    assert_code(try_open(l, message), SIPVEIL_REPLAY);
    sipveil_memory_free(memory);
}

/* A refusal leaves the memory as it was: the genuine message is still new. */
static void refused_is_not_remembered(void **state)
{
    lab *l = begin(state);
    sipveil_memory *memory = new_memory(l);
    sipveil_span message = tunnel(l, HEAD, invite(l), l->alice, NULL);
    l->options.require = SIPVEIL_REQUIRE_ENCRYPTED;
    assert_code(try_open(l, message), SIPVEIL_NOT_ENCRYPTED);
    l->options.require = 0;
    l->options.me = "sip:carol@chicago.example.com";
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
    l->options.me = NULL;
    assert_code(try_open(l, edited(l, message, "CSeq: 1", "CSeq: 2")), SIPVEIL_HEADER_MISMATCH);
    assert_int_equal(sipveil_tunnel_inspect_message(l->worker, &l->options, message, &l->err), SIPVEIL_OK);
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_code(try_open(l, message), SIPVEIL_REPLAY);
    sipveil_memory_free(memory);
}

/* Another transaction of the same dialog is another message; so is an unauthenticated one, every time. */
static void others_are_new(void **state)
{
    lab *l = begin(state);
    sipveil_memory *memory = new_memory(l);
    assert_code(try_open(l, tunnel(l, HEAD, invite(l), l->alice, NULL)), SIPVEIL_OK);
    const char *next = edited_text(l, HEAD, "CSeq: 1", "CSeq: 2");
    assert_code(try_open(l, tunnel(l, next, compose(l, next, NULL, SV_SPAN("")), l->alice, NULL)), SIPVEIL_OK);
    sipveil_span nobody = tunnel(l, HEAD, invite(l), NULL, l->bob);
    assert_code(try_open(l, nobody), SIPVEIL_OK);
    assert_code(try_open(l, nobody), SIPVEIL_OK);
    l->options.allow_unprotected = true;
    assert_code(try_open(l, invite(l)), SIPVEIL_OK);
    assert_code(try_open(l, invite(l)), SIPVEIL_OK);
    sipveil_memory_free(memory);
}

/* ADV-146: a sealed message taken into another dialog, another method, another direction. */
static void replay_elsewhere(void **state)
{
    lab *l = begin(state);
    sipveil_memory *memory = new_memory(l);
    sipveil_span message = tunnel(l, HEAD, invite(l), l->alice, NULL);
    assert_code(try_open(l, edited(l, message, CALL_ID, "Call-ID: other@x\r\n")), SIPVEIL_HEADER_MISMATCH);
    sipveil_span as_message = edited(l, edited(l, message, "INVITE sip", "MESSAGE sip"), CSEQ, "CSeq: 1 MESSAGE\r\n");
    assert_code(try_open(l, as_message), SIPVEIL_HEADER_MISMATCH);
    sipveil_span as_response = edited(l, message, REQUEST_LINE, "SIP/2.0 200 OK\r\n");
    assert_code(try_open(l, as_response), SIPVEIL_HEADER_MISMATCH);
    assert_code(try_open(l, message), SIPVEIL_OK);
    sipveil_memory_free(memory);
}

/* ---- what only a body protects ---- */

static sipveil_span signed_body(lab *l, const char *head)
{
    return protect(l, head, "Content-Type: application/sdp\r\n", SV_SPAN(SDP), l->alice, NULL);
}

/* ADV-146: nothing in a protected body names its message, so the act of sealing is remembered. */
static void bodies_elsewhere(void **state)
{
    static const char *const edits[][2] = {
        {CALL_ID, "Call-ID: other@x\r\n"},
        {"tag=9fxced76sl", "tag=other"},
    };
    lab *l = begin(state);
    l->seal.opaque = true;
    sipveil_span bodies[] = {
        signed_body(l, HEAD),
        protect(l, HEAD, "Content-Type: application/sdp\r\n", SV_SPAN(SDP), NULL, l->kek),
        protect(l, HEAD, "Content-Type: application/sdp\r\n", SV_SPAN(SDP), l->alice, l->bob),
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        sipveil_memory *memory = new_memory(l);
        sipveil_span message = bodies[i];
        assert_code(try_open(l, message), SIPVEIL_OK);
        for (size_t k = 0; k < sizeof edits / sizeof *edits; k++) {
            assert_code(try_open(l, edited(l, message, edits[k][0], edits[k][1])), SIPVEIL_REPLAY);
            assert_string_equal(l->err.rule, "ADV-146");
            assert_int_equal(l->err.sip_status, i == 0 ? 403 : 493);
        }
        sipveil_span as_message = edited(l, edited(l, message, "INVITE sip", "MESSAGE sip"), CSEQ, "CSeq: 1 MESSAGE\r\n");
        assert_code(try_open(l, as_message), SIPVEIL_REPLAY);
        /* as a response: of the signer that the To names, so that nothing else refuses it */
        sipveil_span as_response = edited(l, edited(l, message, REQUEST_LINE, "SIP/2.0 200 OK\r\n"), TO, "To: <sip:alice@atlanta.example.com>;tag=1\r\n");
        assert_code(try_open(l, as_response), SIPVEIL_REPLAY); /* ADV-145 */
        assert_code(try_open(l, edited(l, as_response, CSEQ, "CSeq: 3 INVITE\r\n")), SIPVEIL_REPLAY);
        assert_string_equal(l->err.rule, "ADV-146");
        /* once more in its dialog, as after a 401 that asked who it is */
        assert_code(try_open(l, edited(l, message, CSEQ, "CSeq: 2 INVITE\r\n")), SIPVEIL_OK);
        l->clock = NOW + 7201;
        assert_code(try_open(l, edited(l, message, CALL_ID, "Call-ID: other@x\r\n")), SIPVEIL_OK); /* expired */
        l->clock = NOW;
        sipveil_memory_free(memory);
    }
}

/* The same content sealed anew is another act; so is the same sealed message seen by another receiver. */
static void bodies_sealed_anew(void **state)
{
    lab *l = begin(state);
    sipveil_memory *memory = new_memory(l);
    const char *other = edited_text(l, HEAD, CALL_ID, "Call-ID: other@x\r\n");
    sipveil_span message = signed_body(l, HEAD);
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_code(try_open(l, signed_body(l, other)), SIPVEIL_OK);
    assert_code(try_open(l, protect(l, HEAD, "Content-Type: application/sdp\r\n", SV_SPAN(SDP), NULL, l->kek)), SIPVEIL_REPLAY); /* ADV-145 */
    assert_code(try_open(l, protect(l, other, "Content-Type: text/plain\r\n", SV_SPAN("a"), NULL, l->kek)), SIPVEIL_OK);
    sipveil_memory_free(memory);
    memory = new_memory(l);
    assert_code(try_open(l, edited(l, message, CALL_ID, "Call-ID: other@x\r\n")), SIPVEIL_OK);
    sipveil_memory_free(memory);
}

/* The value of P-256's order. */
static const char order[] = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

/* The lengths of all values that end where the octets end grow by delta; they stay in their form. */
static void lengthen(uint8_t *der, size_t len, int delta)
{
    for (size_t at = 0; at + 2 < len;) {
        size_t form = der[at + 1], octets = form & 0x80 ? form & 0x7F : 0, length = octets ? 0 : form;
        for (size_t i = 0; i < octets; i++) length = length << 8 | der[at + 2 + i];
        size_t end = at + 2 + octets + length;
        if (end != len) {
            at = end;
            continue;
        }
        length = (size_t)((int)length + delta);
        if (octets == 0) der[at + 1] = (uint8_t)length;
        for (size_t i = octets; i > 0; i--, length >>= 8) der[at + 1 + i] = (uint8_t)length;
        if (der[at] == 0x02) return;
        at += 2 + octets;
    }
}

/* Signed data that ends in an ECDSA signature (r, s), with (r, n - s) in its place: anybody can make that. */
static sipveil_span other_half(lab *l, sipveil_span der)
{
    uint8_t *copy = sv_arena_alloc(l->arena, der.len + 1), s[33] = {0};
    size_t size = 31;
    BIGNUM *n = NULL, *value;
    assert_non_null(copy);
    memcpy(copy, der.data, der.len);
    while (size <= 33 && (copy[der.len - size - 2] != 0x02 || copy[der.len - size - 1] != size)) size++;
    assert_true(size <= 33);
    assert_true(BN_hex2bn(&n, order) > 0);
    value = BN_bin2bn(copy + der.len - size, (int)size, NULL);
    assert_non_null(value);
    assert_int_equal(BN_sub(value, n, value), 1);
    size_t octets = (size_t)BN_num_bits(value) / 8 + 1; /* room for the sign */
    assert_int_equal(BN_bn2binpad(value, s, (int)octets), octets);
    BN_free(value);
    BN_free(n);
    lengthen(copy, der.len, (int)octets - (int)size);
    memcpy(copy + der.len - size, s, octets);
    return sv_span(copy, der.len - size + octets);
}

/* ADV-146: nor does the other one of the two signatures that verify make it new. */
static void the_other_half_of_a_signature(void **state)
{
    lab *l = begin(state);
    sipveil_memory *memory = new_memory(l);
    l->seal.opaque = true;
    sipveil_span message = signed_body(l, HEAD);
    const char *other = edited_text(l, HEAD, CALL_ID, "Call-ID: other@x\r\n");
    sipveil_span turned = compose(l, other, rows_of(l, message), other_half(l, body_of(message)));
    assert_code(try_open(l, turned), SIPVEIL_OK);
    assert_code(try_open(l, message), SIPVEIL_REPLAY);
    assert_string_equal(l->err.rule, "ADV-146");
    sipveil_memory_free(memory);
}

/* ADV-145: over a restart. */
static void image(void **state)
{
    lab *l = begin(state);
    uint8_t *octets = NULL;
    size_t len = 0;
    sipveil_memory *memory = new_memory(l);
    sipveil_span message = tunnel(l, HEAD, invite(l), l->alice, NULL);
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_int_equal(sipveil_memory_save(memory, NOW, &octets, &len, &l->err), SIPVEIL_OK);
    sipveil_memory_free(memory);

    memory = new_memory(l);
    assert_int_equal(sipveil_memory_load(memory, sv_span(octets, len), NOW + 60, &l->err), SIPVEIL_OK);
    l->clock = NOW + 60;
    assert_code(try_open(l, message), SIPVEIL_REPLAY);
    sipveil_memory_free(memory);

    /* what has expired by then does not come back */
    memory = new_memory(l);
    l->clock = NOW + 7201;
    assert_int_equal(sipveil_memory_load(memory, sv_span(octets, len), l->clock, &l->err), SIPVEIL_OK);
    l->options.date_window = SIPVEIL_DATE_WINDOW_ANY;
    assert_code(try_open(l, message), SIPVEIL_OK);
    sipveil_memory_free(memory);

    /* damaged, cut, or nothing at all */
    memory = new_memory(l);
    octets[len / 2] ^= 1;
    assert_int_equal(sipveil_memory_load(memory, sv_span(octets, len), NOW, &l->err), SIPVEIL_MALFORMED);
    octets[len / 2] ^= 1;
    assert_int_equal(sipveil_memory_load(memory, sv_span(octets, len - 1), NOW, &l->err), SIPVEIL_MALFORMED);
    assert_int_equal(sipveil_memory_load(memory, sv_span(NULL, 0), NOW, &l->err), SIPVEIL_MALFORMED);
    l->options.date_window = SIPVEIL_DATE_WINDOW_ANY;
    assert_code(try_open(l, message), SIPVEIL_OK);
    sipveil_memory_free(memory);
    sipveil_memory_wipe_image(octets, len);
    sipveil_memory_wipe_image(NULL, 0);
    sipveil_memory_free(NULL);
    assert_int_equal(sipveil_memory_new(NULL, &l->err), SIPVEIL_USAGE);
}

/* A date window of any size makes no expiry in the past. */
static void endless_window(void **state)
{
    lab *l = begin(state);
    sipveil_memory *memory = new_memory(l);
    sipveil_span message = tunnel(l, HEAD, invite(l), l->alice, NULL);
    l->options.date_window = INT64_MAX - 1;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_code(try_open(l, message), SIPVEIL_REPLAY);
    assert_string_equal(l->err.rule, "ADV-145");
    sipveil_memory_free(memory);
}

/* A From tag that does not fit is refused, not forgotten. */
static void long_names(void **state)
{
    lab *l = begin(state);
    sipveil_memory *memory = new_memory(l);
    char tag[1200], from[1400];
    memset(tag, 't', sizeof tag - 1);
    tag[sizeof tag - 1] = '\0';
    snprintf(from, sizeof from, "From: <sip:alice@atlanta.example.com>;tag=%s\r\n", tag);
    const char *head = edited_text(l, HEAD, FROM, from);
    assert_code(try_open(l, tunnel(l, head, compose(l, head, NULL, SV_SPAN("")), l->alice, NULL)), SIPVEIL_LIMIT);
    sipveil_memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_replay),     cmocka_unit_test(dressed_up_replay), cmocka_unit_test(refused_is_not_remembered),
        cmocka_unit_test(others_are_new),   cmocka_unit_test(replay_elsewhere),  cmocka_unit_test(image),
        cmocka_unit_test(bodies_elsewhere), cmocka_unit_test(bodies_sealed_anew), cmocka_unit_test(the_other_half_of_a_signature),
        cmocka_unit_test(endless_window),   cmocka_unit_test(long_names),
    };
    return cmocka_run_group_tests_name("remembering seen messages", tests, lab_setup, lab_teardown);
}
