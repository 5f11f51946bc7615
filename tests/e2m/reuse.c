/* SPDX-License-Identifier: BSD-2-Clause */
/* Sealing by the key of an earlier message: to whom an answer may be disclosed, and with which branch of a call. */
#include "held.h"

static bool says(void *user, sipveil_span host)
{
    return user != NULL && sv_equal_str(host, "ss2.other.example");
}

/* E2M-42: every hop that reads by the key is judged, not the first one that is named; and nobody without a name. */
static void answers_to_whom_they_are_not_for(void **state)
{
    static const char *const may[] = {"ss2.other.example"};
    for (int how = 0; how < 4; how++) {
        world *w = begin(state);
        share s;
        sipveil_e2m_hop hops[2] = {{P1_HOST, w->p1.key}, {"ss2.other.example", w->p2.key}};
        const sipveil_key *far[2] = {w->ua2.key, w->p2.key};
        share_begin(w, &s);
        s.o.keep = true;
        s.o.reply = how == 2 ? SIPVEIL_E2M_NONE : SIPVEIL_E2M_VIEW; /* nobody asked, and they could read all the same */
        s.o.hops = hops;
        s.o.hop_count = how == 3 ? 1 : 2;
        s.o.seal.recipients = far;
        s.o.seal.recipient_count = how == 3 ? 2 : 1; /* a reader that no label names */
        assert_code(try_open(w, &w->ua2, shared(w, &s, invite(w, SDP))), SIPVEIL_OK);
        share answer;
        sipveil_e2m_options_default(&answer.o);
        assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), &answer), SIPVEIL_POLICY);
        assert_string_equal(w->err.rule, "E2M-42");
        sipveil_e2m_options_default(&answer.o);
        answer.o.may_disclose = may;
        answer.o.may_disclose_count = 1;
        if (how == 3) {
            assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), &answer), SIPVEIL_POLICY);
            continue;
        }
        assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), &answer), SIPVEIL_OK);
        sipveil_e2m_options_default(&answer.o);
        answer.o.ask = says;
        answer.o.ask_user = w;
        assert_code(try_reuse(w, &w->ua2, from_bob(w, 2), &answer), SIPVEIL_OK); /* somebody is there, and says yes */
        assert_int_equal(contains(w->sealed.message, "ss2.other.example;cid="), how != 2); /* labelled for all that asked */
    }
}

/* E2M-42: a hop is of the asker's domain by whole labels; a top domain, and an address, is nobody's own. */
static void whose_domain(void **state)
{
    world *w = begin(state);
    share s;
    sipveil_span first = kept_invite(w, 5);
    assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
    sv_store *store = sv_memory_store(w->ua2.memory);
    sv_cek_scopes scopes;
    sv_cek_record record;
    sv_sip_view *view = sv_arena_alloc(w->arena, sizeof *view);
    assert_code(sv_sip_read(first, SV_SIP_STREAM, sipveil_context_limits(w->context), view, &w->err), SIPVEIL_OK);
    assert_code(sv_cek_scopes_of(w->arena, view, &scopes, &w->err), SIPVEIL_OK);
    assert_true(sv_cek_find_last(store, &scopes, NOW, w->arena, &record));
    static const struct {
        const char *hop, *domain;
        bool may;
    } rows[] = {
        {P1_HOST, "home.example", true}, {P1_HOST, "HOME.Example", true}, {P1_HOST, P1_HOST, true}, {P1_HOST, "example", false},
        {P1_HOST, "ome.example", false}, {P1_HOST, "x." P1_HOST, false}, {P1_HOST, "home.exampla", false}, {P1_HOST, "", false},
        {"evilhome.example", "home.example", false}, {"home.example", "home.example", true}, {"example", "example", true},
        {"x[2001:db8::1.1]", "[2001:db8::1.1]", false}, {"", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        record.hops[0].host = sv_span_str(rows[i].hop);
        record.signer_domain = sv_span_str(rows[i].domain);
        assert_code(sv_cek_count_use(store, w->arena, &record, NOW, &w->err), SIPVEIL_OK);
        sipveil_e2m_options_default(&s.o);
        sipveil_code code = try_reuse(w, &w->ua2, from_bob(w, 1), &s);
        if ((code == SIPVEIL_OK) != rows[i].may) fail_msg("%s of %s: %s", rows[i].hop, rows[i].domain, w->err.text);
        if (code != SIPVEIL_OK) assert_string_equal(w->err.rule, "E2M-42");
    }
}

static void branches_of_a_forked_call(void **state)
{
    world *w = begin(state);
    sipveil_span first = kept_invite(w, 5), rows_body;
    assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
    char rows[512];
    snprintf(rows, sizeof rows, "From: Alice <sip:alice@home.example>;tag=a1\r\nTo: Bob <sip:bob@other.example>;tag=b1\r\n"
             "Call-ID: c1@home.example\r\nContact: <sip:bob@ua2.other.example>\r\nCSeq: 1 INVITE\r\n" SDP_TYPE);
    rows_body = compose(w, "SIP/2.0 200 OK\r\n", rows, SDP);
    assert_code(try_open(w, &w->ua1, reused(w, &w->ua2, rows_body)), SIPVEIL_OK);
    sipveil_span update = compose(w, "UPDATE sip:bob@ua2.other.example SIP/2.0\r\n",
                                  "From: Alice <sip:alice@home.example>;tag=a1\r\nTo: Bob <sip:bob@other.example>;tag=b1\r\n"
                                  "Call-ID: c1@home.example\r\nContact: <sip:alice@ua1.home.example>\r\nCSeq: 2 UPDATE\r\n" SDP_TYPE, SDP);
    assert_code(try_reuse(w, &w->ua1, edited(w, update, "tag=b1", "tag=b2"), NULL), SIPVEIL_NO_KEY);
    assert_true(strstr(w->err.text, "forked") != NULL);
    assert_code(try_reuse(w, &w->ua1, update, NULL), SIPVEIL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_to_whom_they_are_not_for), cmocka_unit_test(whose_domain),
                                       cmocka_unit_test(branches_of_a_forked_call)};
    return cmocka_run_group_tests_name("sealing by an earlier key", tests, world_setup, world_teardown);
}
