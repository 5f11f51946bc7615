/* SPDX-License-Identifier: BSD-2-Clause */
/* After a refusal: what is granted, what is not, and that nothing goes out in clear or to anybody else. */
#include "e2m/need.h"
#include "tunnel/memory.h"
#include "tunnel/operation.h"
#include "world.h"

typedef struct again {
    sipveil_e2m_retry_options o;
    share s;
} again;

static const char *const may_p1[] = {P1_HOST};

static void retry_begin(world *w, again *a)
{
    sipveil_e2m_retry_options_default(&a->o);
    share_begin(w, &a->s);
    a->s.o.hop_count = 0;
    a->o.e2m = a->s.o;
    a->o.trust = w->nobody;
    a->o.may_view = may_p1;
    a->o.may_view_count = 1;
}

static sipveil_code try_retry(world *w, const again *a, sipveil_span request, sipveil_span response)
{
    memset(&w->sealed, 0xAA, sizeof w->sealed);
    sipveil_code code = sipveil_e2m_retry_message(w->worker, &a->o, request, response, &w->sealed, &w->err);
    if (code != SIPVEIL_OK) assert_null(w->sealed.message.data);
    return code;
}

/* P1's refusal of a private offer, by a policy row. */
static sipveil_span refusal_on(world *w, bool protected_hop, const char *row, sipveil_e2m_profile profile, sipveil_span message)
{
    sipveil_e2m_policy *policy = NULL;
    assert_code(sipveil_e2m_policy_read(sv_span_str(row), &policy, &w->err), SIPVEIL_OK);
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    o.policy = policy;
    o.profile = profile;
    o.open.memory = NULL;
    o.protected_hop = protected_hop;
    at_p1_with(w, &o, message);
    assert_int_equal(w->verdict.action, SIPVEIL_E2M_RESPOND);
    sipveil_span response = copy_of(w, w->verdict.message);
    sipveil_e2m_policy_free(policy);
    return response;
}

static sipveil_span refusal(world *w, const char *row, sipveil_e2m_profile profile, sipveil_span message)
{
    return refusal_on(w, true, row, profile, message);
}

static sipveil_span private_offer(world *w)
{
    share s;
    share_begin(w, &s);
    s.o.form = SIPVEIL_E2M_PRIVATE;
    return shared(w, &s, invite(w, SDP));
}

/* E2M-34, E2M-C3: granted, both profiles; then P1 reads it. */
static void a_need_is_granted(void **state)
{
    for (int draft = 0; draft < 3; draft++) {
        world *w = begin(state);
        again a;
        retry_begin(w, &a);
        sipveil_span response = refusal(w, "x;type=\"application/sdp\"", draft ? SIPVEIL_E2M_PROFILE_DRAFT : SIPVEIL_E2M_PROFILE_E2M, private_offer(w));
        if (draft == 2) { /* the drafts knew no Proxy-Body-Need */
            size_t at, end;
            assert_true(sv_find(response, SV_SPAN("Proxy-Body-Need"), &at));
            assert_true(sv_find(sv_span_from(response, at), SV_SPAN("\r\n"), &end));
            const char *row = sv_arena_string(w->arena, sv_span(response.data + at, end + 2));
            response = edited(w, response, row, "");
        }
        assert_code(try_retry(w, &a, invite(w, SDP), response), SIPVEIL_OK);
        sipveil_span again_ = copy_of(w, w->sealed.message);
        assert_true(contains(again_, "CSeq: 2 INVITE\r\n") && contains(again_, "Call-ID: c1@home.example\r\n"));
        assert_true(contains(again_, "branch=z9hG4bK") && !contains(again_, "branch=z9hG4bKa1\r\n"));
        at_p1(w, again_);
        assert_same(w->verdict.view, SV_SPAN(SDP));
        /* Once a host, as the memory says. */
        assert_code(try_retry(w, &a, invite(w, SDP), response), SIPVEIL_POLICY);
        a.o.e2m.memory = NULL;
        assert_code(try_retry(w, &a, invite(w, SDP), response), SIPVEIL_OK);
        a.o.tried = may_p1;
        a.o.tried_count = 1;
        assert_code(try_retry(w, &a, invite(w, SDP), response), SIPVEIL_POLICY);
    }
}

/* ADV-220: to a source that may be forged no certificate that makes the answer larger by half: the fingerprint has to do. */
static void no_certificate_to_a_forged_source(void **state)
{
    static const struct {
        const char *transport;
        bool protected_hop, given;
    } cases[] = {{"TLS", false, true}, {"TCP", false, true}, {"UDP", false, false}, {"SCTP", false, false}, {"UDP", true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = begin(state);
        char via[16];
        snprintf(via, sizeof via, "SIP/2.0/%s", cases[i].transport);
        sipveil_span small = edited(w, invite(w, SDP), "SIP/2.0/TLS", via), large = edited(w, private_offer(w), "SIP/2.0/TLS", via);
        sipveil_span response = refusal_on(w, cases[i].protected_hop, "x;need=verify", SIPVEIL_E2M_PROFILE_E2M, small);
        assert_true(sv_starts_nocase_str(response, "SIP/2.0 488 ") && contains(response, ";fp=\"sha-256:"));
        assert_int_equal(contains(response, "certs-only"), cases[i].given);
        response = refusal_on(w, cases[i].protected_hop, "x;type=\"application/sdp\"", SIPVEIL_E2M_PROFILE_E2M, large);
        assert_true(sv_starts_nocase_str(response, "SIP/2.0 493 ") && contains(response, "certs-only"));
        assert_true(response.len <= large.len * 3 / 2);
    }
}

/* E2M-34: what one host needs in several values is one wish: each is judged, and all of them are granted or none. */
static void several_needs_of_one_host(void **state)
{
    static const struct {
        const char *more;
        sipveil_code code;
    } cases[] = {
        {P1_HOST ";need=verify, ", SIPVEIL_OK},
        {P1_HOST ";need=view;type=\"application/sdp\", ", SIPVEIL_OK},
        {P1_HOST ", SS1.home.example;need=both, " P1_HOST ";need=verify, " P1_HOST ";what=all, ", SIPVEIL_OK},
        {P1_HOST ";type=\"text/plain\", ", SIPVEIL_POLICY},
        {P1_HOST ";need=keep-a-copy, ", SIPVEIL_POLICY},
        {P1_HOST ";fp=\"sha-256:0000000000000000000000000000000000000000000000000000000000000000\", ", SIPVEIL_POLICY},
        {"ss9.home.example, ", SIPVEIL_POLICY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = begin(state);
        again a;
        retry_begin(w, &a);
        sipveil_span response = refusal(w, "x;type=\"application/sdp\"", SIPVEIL_E2M_PROFILE_E2M, private_offer(w));
        char row[512];
        snprintf(row, sizeof row, "Proxy-Body-Need: %s", cases[i].more);
        assert_code(try_retry(w, &a, invite(w, SDP), edited(w, response, "Proxy-Body-Need: ", row)), cases[i].code);
        if (cases[i].code != SIPVEIL_OK) continue;
        for (size_t k = 0; k < w->sealed.warning_count; k++) assert_null(strstr(w->sealed.warnings[k].text, "removed on the way"));
        at_p1(w, copy_of(w, w->sealed.message));
        assert_same(w->verdict.view, SV_SPAN(SDP));
    }
}

/* E2M-34, E2M-35, E2M-36, ADV-148, ADV-149: all that is refused, and nothing ever goes out in clear. */
static void needs_that_are_not_granted(void **state)
{
    static const char *const others[] = {"ss9.home.example"}, *const text_only[] = {"text/plain"};
    world *w = begin(state);
    again a;
    retry_begin(w, &a);
    a.o.e2m.memory = NULL;
    sipveil_span request = invite(w, SDP), good = refusal(w, "x", SIPVEIL_E2M_PROFILE_E2M, private_offer(w));
    assert_code(try_retry(w, &a, request, good), SIPVEIL_OK);
    a.o.may_view = others;
    assert_code(try_retry(w, &a, request, good), SIPVEIL_POLICY);
    a.o.may_view = may_p1;
    /* three hosts at most */
    static const char *const before[] = {"a.example", "b.example", "c.example"};
    a.o.tried = before;
    a.o.tried_count = 2;
    assert_code(try_retry(w, &a, request, good), SIPVEIL_OK);
    a.o.tried_count = 3;
    assert_code(try_retry(w, &a, request, good), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-34");
    assert_non_null(strstr(w->err.text, "more than 3 hosts"));
    a.o.tried_count = 0;
    a.o.trust = NULL;
    assert_code(try_retry(w, &a, request, good), SIPVEIL_POLICY);
    sipveil_keyring *empty; /* a ring without anchors is none */
    assert_code(sipveil_keyring_new(w->context, &empty, &w->err), SIPVEIL_OK);
    a.o.trust = empty;
    assert_code(try_retry(w, &a, request, good), SIPVEIL_POLICY);
    assert_non_null(strstr(w->err.hint, "--trust"));
    sipveil_keyring_free(empty);
    a.o.trust = w->nobody;
    a.o.disclosable = text_only;
    a.o.disclosable_count = 1;
    assert_code(try_retry(w, &a, request, good), SIPVEIL_POLICY);
    a.o.disclosable_count = 0;
    a.o.has_at = true;
    a.o.at = NOW + 30 * 86400; /* its certificate has expired */
    assert_code(try_retry(w, &a, request, good), SIPVEIL_POLICY);
    a.o.has_at = false;
    assert_code(try_retry(w, &a, request, edited(w, good, ";fp=\"sha-256:", ";fp=\"sha-256:00")), SIPVEIL_MALFORMED);
    size_t at;
    assert_true(sv_find(good, SV_SPAN("sha-256:"), &at));
    const char digit[] = {(char)good.data[at + 8] == '0' ? '1' : '0', '\0'};
    char wrong[32], right[32];
    snprintf(right, sizeof right, "sha-256:%c", good.data[at + 8]);
    snprintf(wrong, sizeof wrong, "sha-256:%s", digit);
    assert_code(try_retry(w, &a, request, edited(w, good, right, wrong)), SIPVEIL_POLICY);
    assert_code(try_retry(w, &a, request, edited(w, good, "Proxy-Body-Need: " P1_HOST, "Proxy-Body-Need: a, b, c, " P1_HOST)), SIPVEIL_POLICY);
    assert_code(try_retry(w, &a, request, edited(w, good, "need=view", "need=own")), SIPVEIL_POLICY);
    assert_code(try_retry(w, &a, request, edited(w, good, "c1@home.example", "c7@home.example")), SIPVEIL_POLICY);
    assert_code(try_retry(w, &a, request, edited(w, good, "CSeq: 1 INVITE", "CSeq: 1 UPDATE")), SIPVEIL_POLICY);
    sipveil_span bare = compose(w, "SIP/2.0 493 Undecipherable\r\n", ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\n", "");
    assert_code(try_retry(w, &a, request, bare), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-35");
    sipveil_span unsupported = compose(w, "SIP/2.0 415 Unsupported Media Type\r\n", ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\n", "");
    assert_code(try_retry(w, &a, request, unsupported), SIPVEIL_POLICY);
    a.o.e2m.seal.recipient_count = a.o.e2m.seal.signer_count = 0;
    assert_true(try_retry(w, &a, request, good) != SIPVEIL_OK);
    assert_code(try_retry(w, &a, good, request), SIPVEIL_USAGE);
    assert_code(sipveil_e2m_retry_message(w->worker, &a.o, request, good, NULL, &w->err), SIPVEIL_USAGE);
}

/* E2M-36: a 493 of the far UA, with its certificate and without a need: nothing that a hop could have wanted. */
static void the_far_end_has_another_key(void **state)
{
    world *w = begin(state);
    again a;
    sv_buffer der, m;
    X509 *certificate = w->ua2.key->cms.certificate;
    retry_begin(w, &a);
    sv_buffer_init(&der, w->arena, 2048, 1 << 16);
    assert_code(sv_cms_put_certificates(&certificate, 1, w->arena, &der, &w->err), SIPVEIL_OK);
    sv_buffer_init(&m, w->arena, 4096, 1 << 16);
    sv_put_str(&m, "SIP/2.0 493 Undecipherable\r\nVia: SIP/2.0/TLS ua.example;branch=z9hG4bKa1\r\n" ALICE_TO_BOB("c1@home.example")
                   "CSeq: 1 INVITE\r\nContent-Type: application/pkcs7-mime; smime-type=certs-only\r\nContent-Length: ");
    sv_put_number(&m, der.len);
    sv_put_str(&m, "\r\n\r\n");
    sv_put(&m, sv_buffer_span(&der));
    assert_code(try_retry(w, &a, invite(w, SDP), sv_buffer_span(&m)), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-36");
    /* Nor does it become a hop's by a need beside it. */
    sipveil_span with_need = edited(w, sv_buffer_span(&m), "CSeq:", "Proxy-Body-Need: " P1_HOST "\r\nCSeq:");
    assert_code(try_retry(w, &a, invite(w, SDP), with_need), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-36");
}

/* E2M-I2, E2M-I5: what has to be signed is sent again signed, in clear as it was asked, and verified. */
static void a_need_to_verify(void **state)
{
    world *w = begin(state);
    again a;
    retry_begin(w, &a);
    a.o.e2m.seal.recipient_count = 0;
    sipveil_span response = refusal(w, "x;need=verify", SIPVEIL_E2M_PROFILE_E2M, invite(w, SDP));
    assert_true(sv_starts_nocase_str(response, "SIP/2.0 488 "));
    assert_code(try_retry(w, &a, invite(w, SDP), response), SIPVEIL_OK);
    sipveil_span again_ = copy_of(w, w->sealed.message);
    assert_true(contains(again_, ";act=") && contains(again_, "multipart/signed"));
    at_p1(w, again_);
    assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && w->verdict.verified);
    a.o.e2m.memory = NULL;
    a.o.e2m.seal.signer_count = 0;
    assert_code(try_retry(w, &a, invite(w, SDP), response), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-I2");
}

/* E2M-68, E2M-C7: a 2xx to OPTIONS or REGISTER tells needs; the request is then sealed as it is. */
static void needs_in_a_probe(void **state)
{
    world *w = begin(state);
    again a;
    sipveil_e2m_need needs[4];
    size_t count;
    retry_begin(w, &a);
    sipveil_span refused = refusal(w, "x;keep", SIPVEIL_E2M_PROFILE_E2M, private_offer(w));
    sipveil_span ok = edited(w, refused, "SIP/2.0 493 Undecipherable", "SIP/2.0 200 OK");
    ok = edited(w, edited(w, ok, "CSeq: 1 INVITE", "CSeq: 4 REGISTER"), "c1@home.example", "reg@home.example");
    assert_code(sipveil_e2m_read_needs(w->worker, ok, needs, 4, &count, &w->err), SIPVEIL_OK);
    assert_true(count == 1 && needs[0].keep && needs[0].has_fingerprint && sv_equal_str(needs[0].host, P1_HOST));
    assert_code(try_retry(w, &a, invite(w, SDP), ok), SIPVEIL_OK);
    assert_true(contains(w->sealed.message, "CSeq: 1 INVITE\r\n"));
    at_p1(w, copy_of(w, w->sealed.message));
    assert_same(w->verdict.view, SV_SPAN(SDP));

    assert_code(sipveil_e2m_read_needs(NULL, ok, needs, 4, &count, &w->err), SIPVEIL_USAGE);
    assert_code(sipveil_e2m_read_needs(w->worker, SV_SPAN("x"), needs, 4, &count, &w->err), SIPVEIL_MALFORMED);
}

/* E2M-C6, E2M-45, E2M-I5: Bob tells of a hop of his own network, in a refusal and in a 2xx, with its certificate, which is
 * all that he has of it; Alice's next request is for that hop too. */
static void the_far_end_has_a_hop(void **state)
{
    static const char *const rows[] = {"x;need=view", "x;need=both"};
    for (size_t i = 0; i < 4; i++) {
        world *w = begin(state);
        again a;
        sipveil_keyring *bobs = NULL;
        sipveil_e2m_policy *policy = NULL;
        assert_code(sipveil_keyring_new(w->context, &bobs, &w->err), SIPVEIL_OK);
        assert_code(sipveil_keyring_add_octets(bobs, sv_span_str(w->p1.certificate), "P1", NULL, NULL, &w->err), SIPVEIL_OK);
        assert_code(sipveil_e2m_policy_read(sv_span_str(rows[i % 2]), &policy, &w->err), SIPVEIL_OK);
        sipveil_e2m_proxy_options o = proxy_options(&w->ua2, p1_name);
        o.open.keyring = bobs;
        o.policy = policy;
        at_p1_with(w, &o, private_offer(w));
        assert_true(w->verdict.action == SIPVEIL_E2M_RESPOND && contains(w->verdict.message, "Proxy-Body-Need: " P1_HOST));
        sipveil_span response = copy_of(w, w->verdict.message);
        if (i >= 2) response = edited(w, response, "SIP/2.0 493 Undecipherable", "SIP/2.0 200 OK");
        retry_begin(w, &a);
        assert_code(try_retry(w, &a, invite(w, SDP), response), SIPVEIL_OK);
        at_p1(w, copy_of(w, w->sealed.message));
        assert_same(w->verdict.view, SV_SPAN(SDP));
        assert_true(w->verdict.verified && (i % 2 == 0 || w->verdict.parts[0].act == SIPVEIL_E2M_BOTH));
        sipveil_e2m_policy_free(policy);
        sipveil_keyring_free(bobs);
    }
}

/* ---- several retries of one call (E2M-34) ---- */

/* P2 refuses what P1 reads. */
static sipveil_span refusal_of_p2(world *w, sipveil_span message)
{
    static const char *const p2_name[] = {"ss2.other.example"};
    sipveil_e2m_policy *policy = NULL;
    assert_code(sipveil_e2m_policy_read(SV_SPAN("x"), &policy, &w->err), SIPVEIL_OK);
    sipveil_e2m_proxy_options o = proxy_options(&w->p2, p2_name);
    o.policy = policy;
    o.open.memory = NULL;
    at_p1_with(w, &o, message);
    assert_int_equal(w->verdict.action, SIPVEIL_E2M_RESPOND);
    sipveil_span response = copy_of(w, w->verdict.message);
    sipveil_e2m_policy_free(policy);
    return response;
}

/* The plain request is the same each time; what goes out counts on, and shows the body to all that were granted. */
static void two_hops_one_after_the_other(void **state)
{
    static const char *const both[] = {P1_HOST, "ss2.other.example"};
    world *w = begin(state);
    again a;
    retry_begin(w, &a);
    a.o.may_view = both;
    a.o.may_view_count = 2;
    sipveil_span plain = invite(w, SDP);
    assert_code(try_retry(w, &a, plain, refusal(w, "x", SIPVEIL_E2M_PROFILE_E2M, private_offer(w))), SIPVEIL_OK);
    sipveil_span second = copy_of(w, w->sealed.message);
    assert_code(try_retry(w, &a, plain, refusal_of_p2(w, second)), SIPVEIL_OK);
    sipveil_span third = copy_of(w, w->sealed.message);
    assert_true(contains(second, "CSeq: 2 INVITE\r\n") && contains(third, "CSeq: 3 INVITE\r\n"));
    assert_true(contains(third, P1_HOST ";cid=") && contains(third, "ss2.other.example;cid="));
    at_p1(w, third); /* P1's certificate came with the first refusal only */
    assert_same(w->verdict.view, SV_SPAN(SDP));
    assert_code(try_retry(w, &a, plain, refusal_of_p2(w, private_offer(w))), SIPVEIL_POLICY); /* and no second time */
    a.o.tried = both;
    a.o.tried_count = 2;
    a.o.may_view = may_p1;
    a.o.may_view_count = 1;
    a.o.e2m.memory = NULL;
    sipveil_span four = edited(w, refusal(w, "x", SIPVEIL_E2M_PROFILE_E2M, private_offer(w)), "Proxy-Body-Need: " P1_HOST,
                               "Proxy-Body-Need: a.example, b.example, " P1_HOST);
    assert_code(try_retry(w, &a, plain, four), SIPVEIL_POLICY);
}

/* A response with a CSeq that none of our sendings had, or another tag, is not an answer to it (ADV-148). */
static void responses_to_something_else(void **state)
{
    static const char *const changes[][2] = {{"CSeq: 1 INVITE", "CSeq: 0 INVITE"}, {"CSeq: 1 INVITE", "CSeq: 5 INVITE"}, {";tag=a1", ";tag=a2"}};
    world *w = begin(state);
    again a;
    retry_begin(w, &a);
    sipveil_span good = refusal(w, "x", SIPVEIL_E2M_PROFILE_E2M, private_offer(w));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        assert_code(try_retry(w, &a, invite(w, SDP), edited(w, good, changes[i][0], changes[i][1])), SIPVEIL_POLICY);
        assert_string_equal(w->err.rule, "ADV-148");
    }
    assert_code(try_retry(w, &a, invite(w, SDP), good), SIPVEIL_OK); /* nothing was remembered of those */
}

/* E2M-35: a hop could not decipher it, so it was encrypted: signed and in clear is in clear. */
static void nothing_goes_out_in_clear(void **state)
{
    world *w = begin(state);
    again a;
    retry_begin(w, &a);
    sipveil_span refused = refusal(w, "x", SIPVEIL_E2M_PROFILE_E2M, private_offer(w));
    a.o.e2m.seal.recipient_count = 0;
    assert_code(try_retry(w, &a, invite(w, SDP), refused), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-35");
    a.o.e2m.seal.recipient_count = 1; /* a need for something that we do not know is no need */
    assert_code(try_retry(w, &a, invite(w, SDP), edited(w, refused, "need=view", "need=view;what=dreams")), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-35");
}

/* What was refused leaves nothing behind: the host is tried once when it is sent, not when it is judged. */
static void a_refused_retry_is_not_remembered(void **state)
{
    world *w = begin(state);
    again a;
    retry_begin(w, &a);
    sipveil_span refused = refusal(w, "x", SIPVEIL_E2M_PROFILE_E2M, private_offer(w));
    sipveil_span with_other = edited(w, refused, "Proxy-Body-Need: ", "Proxy-Body-Need: " P1_HOST ";need=verify, z.example;need=view,");
    assert_code(try_retry(w, &a, invite(w, SDP), with_other), SIPVEIL_POLICY);
    assert_int_equal(sv_store_count(sv_memory_store(w->ua1.memory), SV_STORE_SEEN), 0);
    assert_code(try_retry(w, &a, invite(w, SDP), refused), SIPVEIL_OK);
}

/* E2M-C5: a hop that needs the answers too gets the wish for them, and the key. */
static void a_need_for_answers(void **state)
{
    for (int keys = 0; keys < 2; keys++) {
        world *w = begin(state);
        again a;
        retry_begin(w, &a);
        const char *body = keys ? SDP CRYPTO : SDP;
        sipveil_span refused = refusal(w, "x;what=all;need=both", SIPVEIL_E2M_PROFILE_E2M, private_offer(w));
        assert_code(try_retry(w, &a, invite(w, body), refused), SIPVEIL_OK);
        sipveil_span message = copy_of(w, w->sealed.message);
        assert_true(contains(message, ";reply=both"));
        assert_int_equal(contains(message, ";keep;"), !keys); /* of a split body no key is held */
        at_p1(w, message);
        assert_int_equal(w->verdict.kept, !keys);
        assert_code(try_open(w, &w->ua2, message), SIPVEIL_OK);
        if (keys) continue;
        at_p1(w, reused(w, &w->ua2, from_bob(w, 1)));
        assert_same(w->verdict.view, SV_SPAN("hello"));
    }
}

/* CEK-09: the far end has no such key: it asks for a new one, and nobody new is shown anything. */
static void the_far_end_lost_the_key(void **state)
{
    world *w = begin(state);
    again a;
    sipveil_span response, first = kept_invite(w, 5);
    assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
    sipveil_span update = compose(w, "UPDATE sip:bob@ua2.other.example SIP/2.0\r\n", ALICE_TO_BOB("c1@home.example") "CSeq: 2 UPDATE\r\n" SDP_TYPE, SDP);
    sipveil_span sealed = reused(w, &w->ua1, update);
    sipveil_memory_free(w->ua2.memory);
    assert_code(sipveil_memory_new(&w->ua2.memory, &w->err), SIPVEIL_OK);
    assert_code(try_open(w, &w->ua2, sealed), SIPVEIL_NO_KEY);
    sipveil_open_options o;
    sipveil_open_options_default(&o);
    o.keyring = w->ua2.ring;
    assert_code(sipveil_e2m_write_refusal(w->worker, &o, sealed, &w->err, &response, &w->err), SIPVEIL_OK);
    response = copy_of(w, response);
    assert_true(sv_starts_nocase_str(response, "SIP/2.0 493 ") && contains(response, "Proxy-Body-Need: other.example"));
    assert_true(contains(response, ";rekey") && contains(response, "certs-only"));
    retry_begin(w, &a);
    a.o.may_view_count = 0; /* it is no proxy */
    a.o.e2m.reuse = "last";
    assert_code(try_retry(w, &a, update, response), SIPVEIL_OK);
    sipveil_span again_ = copy_of(w, w->sealed.message);
    assert_true(contains(again_, "CSeq: 3 UPDATE\r\n"));
    assert_code(try_open(w, &w->ua2, again_), SIPVEIL_OK);
    assert_same(w->opened.body, SV_SPAN(SDP));
    assert_code(try_retry(w, &a, update, response), SIPVEIL_POLICY); /* once */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_need_is_granted), cmocka_unit_test(no_certificate_to_a_forged_source), cmocka_unit_test(several_needs_of_one_host), cmocka_unit_test(needs_that_are_not_granted),
        cmocka_unit_test(the_far_end_has_another_key), cmocka_unit_test(a_need_to_verify), cmocka_unit_test(needs_in_a_probe),
        cmocka_unit_test(the_far_end_has_a_hop),
        cmocka_unit_test(two_hops_one_after_the_other), cmocka_unit_test(responses_to_something_else),
        cmocka_unit_test(nothing_goes_out_in_clear), cmocka_unit_test(a_refused_retry_is_not_remembered),
        cmocka_unit_test(a_need_for_answers), cmocka_unit_test(the_far_end_lost_the_key),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
