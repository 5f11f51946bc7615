/* SPDX-License-Identifier: BSD-2-Clause */
/* Seen messages: exact and dressed-up replay, expiry, and the image that outlives a restart (ADV-145, 146). */
#include "tunnel/fixture.h"

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
    assert_true(try_open(l, as_response) != SIPVEIL_OK);
    assert_code(try_open(l, message), SIPVEIL_OK);
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
        cmocka_unit_test(endless_window),   cmocka_unit_test(long_names),
    };
    return cmocka_run_group_tests_name("remembering seen messages", tests, lab_setup, lab_teardown);
}
