/* SPDX-License-Identifier: BSD-2-Clause */
/* The hop: what concerns it, what it opens for whom, what it answers. */
#include "e2m/proxy.h"

#include <malloc.h>
#include <sys/mman.h>

#include "compilers.h"
#include "tunnel/memory.h"
#include "world.h"

static void a_shared_body_is_read_and_passes(void **state)
{
    world *w = begin(state); /* E2M-C1, E2M-16, E2M-52, E2M-58: as it came, labels and recipients too */
    share s;
    share_begin(w, &s);
    sipveil_span message = shared(w, &s, invite(w, SDP));
    at_p1(w, message);
    assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && w->verdict.named && w->verdict.has_view);
    assert_same(w->verdict.view, SV_SPAN(SDP));
    assert_code(try_open(w, &w->ua2, message), SIPVEIL_OK);
    assert_same(w->opened.body, SV_SPAN(SDP));
    assert_true(w->opened.is_signed && w->opened.is_encrypted);
}

/* E2M-30: what each form shows to whom. */
static void forms(void **state)
{
    static const struct {
        sipveil_e2m_form form;
        bool sign_label;
        const char *body, *shown; /* NULL: P1 gets nothing */
    } cases[] = {
        {SIPVEIL_E2M_FORM_AUTO, false, SDP, SDP},      {SIPVEIL_E2M_FORM_AUTO, false, SDP CRYPTO, SDP},
        {SIPVEIL_E2M_SHARED, true, SDP CRYPTO, SDP CRYPTO}, {SIPVEIL_E2M_PRIVATE, false, SDP, NULL},
        {SIPVEIL_E2M_SPLIT, false, SDP CRYPTO, SDP},   {SIPVEIL_E2M_SPLIT, true, SDP CRYPTO "k=clear:x\r\n", SDP},
        {SIPVEIL_E2M_NESTED, false, SDP CRYPTO "a=key-mgmt:x\r\n", SDP},
        {SIPVEIL_E2M_SPLIT, false, SDP, SDP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = begin(state);
        share s;
        share_begin(w, &s);
        s.o.form = cases[i].form;
        s.o.sign_label = cases[i].sign_label;
        sipveil_span message = shared(w, &s, invite(w, cases[i].body));
        at_p1(w, message);
        assert_int_equal(w->verdict.action, SIPVEIL_E2M_FORWARD);
        assert_int_equal(w->verdict.has_view, cases[i].shown != NULL);
        if (cases[i].shown != NULL) assert_same(w->verdict.view, sv_span_str(cases[i].shown));
        assert_false(w->verdict.has_view && cases[i].form != SIPVEIL_E2M_SHARED && contains(w->verdict.view, "a=crypto")); /* E2M-C2 */
        assert_code(try_open(w, &w->ua2, message), SIPVEIL_OK);
        assert_same(w->opened.body, sv_span_str(cases[i].body));
        /* E2M-41: what hops were shown is what the private part says. */
        bool copies = cases[i].form == SIPVEIL_E2M_SPLIT || cases[i].form == SIPVEIL_E2M_NESTED || i == 1;
        assert_int_equal(checked(&w->opened, "E2M-41", SIPVEIL_CHECK_PASSED), copies);
    }
}

/* The gate looks for the end of a line sixteen octets at a time, so that the last step may load what begins the body. */
enum { LOADED = 15 };

/* The message with its body, but for that, on pages that cannot be read; the place is *pages. */
static sipveil_span with_hidden_body(sipveil_span message, uint8_t **pages, size_t *size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), at;
    assert_true(sv_find(message, SV_SPAN("\r\n\r\n"), &at));
    size_t head = at + 4 + LOADED, tail = (message.len - head + page - 1) / page * page;
    assert_true(head < page);
    *size = page + tail;
    *pages = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(*pages != MAP_FAILED);
    memcpy(*pages + page - head, message.data, message.len);
    assert_int_equal(mprotect(*pages + page, tail, PROT_NONE), 0);
    return sv_span(*pages + page - head, message.len);
}

/* E2M-50, E2M-G3: a body that is not for us is not read: it lies on a page that cannot be. Neither where no label names
 * us, nor where one only looks as if it did, in a quoted string or as a longer host; with rows, and with a memory that
 * holds something to compare with. */
static void an_unreadable_body_passes(void **state)
{
    static const char *const p2_name[] = {"ss2.other.example"};
    static const char *const labels[] = {"", "ss2.other.example.net;cid=\"a@b\", ", "z.example;x=\",ss2.other.example\";cid=\"a@b\", "};
    world *w = begin(state);
    share s;
    sipveil_e2m_policy *policy = NULL;
    share_begin(w, &s);
    sipveil_e2m_proxy_options o = proxy_options(&w->p2, p2_name);
    at_p1_with(w, &o, compose(w, INVITE, ALICE_TO_BOB("c0@home.example") "CSeq: 1 INVITE\r\nContent-ID: <a@b>\r\n"
                              "Proxy-Required-Body: ss2.other.example;cid=\"a@b\"\r\n" SDP_TYPE, SDP));
    assert_true(w->verdict.has_view && sv_store_count(sv_memory_store(w->p2.memory), SV_STORE_TRANSACTION) == 1);
    assert_code(sipveil_e2m_policy_read(SV_SPAN("ss2.other.example;method=MESSAGE"), &policy, &w->err), SIPVEIL_OK);
    o.policy = policy;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        uint8_t *pages;
        size_t size;
        char row[128];
        snprintf(row, sizeof row, "Proxy-Required-Body: %s", labels[i]);
        sipveil_span hidden = with_hidden_body(edited(w, shared(w, &s, invite(w, SDP)), "Proxy-Required-Body: ", row), &pages, &size);
        assert_code(sipveil_e2m_proxy_message(w->worker, &o, hidden, &w->verdict, &w->err), SIPVEIL_OK);
        assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && !w->verdict.concerned && w->verdict.message.data == hidden.data);
        bool concerns = true;
        assert_code(sipveil_e2m_concerns_proxy(w->worker, &o, hidden, &concerns, &w->err), SIPVEIL_OK);
        assert_false(concerns);
        munmap(pages, size);
    }
    sipveil_e2m_policy_free(policy);
}

/* E2M-50: the decision allocates nothing. */
static void a_decision_allocates_nothing(void **state)
{
    world *w = begin(state);
    sv_buffer rows;
    sv_buffer_init(&rows, w->arena, 4096, 1 << 16);
    sv_put_str(&rows, ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\n" SDP_TYPE "Proxy-Required-Body: ");
    for (int i = 0; i < 16; i++) sv_put_format(&rows, "%sproxy%02d.home.example;cid=\"0123456789abcdef@home.example\"", i > 0 ? ", " : "", i);
    sv_put_str(&rows, "\r\n");
    sipveil_span message = compose(w, INVITE, sv_arena_string(w->arena, sv_buffer_span(&rows)), SDP);
    static sv_sip_view view;
    static const char *const names[] = {P1_HOST, "edge.home.example"};
    sv_hop_set set;
    sv_concern concern;
    assert_code(sv_sip_read(message, SV_SIP_STREAM, sipveil_context_limits(w->context), &view, &w->err), SIPVEIL_OK);
    assert_code(sv_hop_set_fill(&set, names, 2, &w->err), SIPVEIL_OK);
#if defined(__GLIBC__) && !defined(ADDRESS_SANITIZED)
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < 1000; i++) assert_false(sv_hop_is_concerned(&set, NULL, NULL, &view, &concern));
    assert_int_equal(mallinfo2().uordblks, before.uordblks);
#else
    assert_false(sv_hop_is_concerned(&set, NULL, NULL, &view, &concern));
#endif
}

static void what_is_never_opened(void **state)
{
    world *w = begin(state); /* E2M-60 */
    share s;
    share_begin(w, &s);
    sipveil_span message = shared(w, &s, invite(w, SDP));
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    o.retransmission = true;
    at_p1_with(w, &o, message);
    assert_true(!w->verdict.concerned && !w->verdict.has_view);
    sipveil_span cancel = compose(w, "CANCEL sip:bob@other.example SIP/2.0\r\n", ALICE_TO_BOB("c1@home.example") "CSeq: 1 CANCEL\r\n"
                                  "Proxy-Required-Body: " P1_HOST ";cid=\"a@b\"\r\n" SDP_TYPE, SDP);
    at_p1(w, cancel);
    assert_false(w->verdict.concerned);
    sipveil_span ack = compose(w, "ACK sip:bob@other.example SIP/2.0\r\n", ALICE_TO_BOB("c1@home.example") "CSeq: 1 ACK\r\n"
                               "Proxy-Required-Body: " P1_HOST ";cid=\"a@b\"\r\n", "");
    at_p1(w, ack);
    assert_false(w->verdict.concerned);
}

/* E2M-10, E2M-11, E2M-14, ADV-162: what a named hop says to a label of no good form. */
static void labels_that_are_refused(void **state)
{
    static const struct {
        const char *label, *body, *type, *start;
    } cases[] = {
        {P1_HOST ";cid=\"a@b\";cid=\"a@b\"", SDP, SDP_TYPE, "SIP/2.0 400 "},
        {P1_HOST, SDP, SDP_TYPE, "SIP/2.0 400 "},
        {P1_HOST ";cid=\"a@b\"", SDP, SDP_TYPE, "SIP/2.0 400 "}, /* no such part */
        {P1_HOST ";cid=\"a@b\"", SDP, SDP_TYPE "Content-ID: <A@b>\r\n", "SIP/2.0 400 "}, /* octet by octet */
        {P1_HOST ";cid=\"a@b\"", "--x\r\nContent-ID: <a@b>\r\n\r\n1\r\n--x\r\nContent-ID: <a@b>\r\n\r\n2\r\n--x--\r\n",
         "Content-Type: multipart/mixed;boundary=x\r\n", "SIP/2.0 400 "}, /* two of them */
        {P1_HOST ";cid=\"a@b\"", "--x\r\nno end", "Content-Type: multipart/mixed;boundary=x\r\n", "SIP/2.0 400 "},
        {P1_HOST ";cid=\"a@b\";act=shred", SDP, SDP_TYPE "Content-ID: <a@b>\r\n", "SIP/2.0 493 "},
        {P1_HOST ";cid=\"a@b\",;", SDP, SDP_TYPE, "SIP/2.0 400 "},
        {P1_HOST ";cid=\"a@b\",a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", SDP, SDP_TYPE, "SIP/2.0 513 "}, /* E2M-15 */
    };
    world *w = begin(state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rows[2048];
        snprintf(rows, sizeof rows, ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\nProxy-Required-Body: %s\r\n%s",
                 cases[i].label, cases[i].type);
        at_p1(w, compose(w, INVITE, rows, cases[i].body));
        if (w->verdict.action != SIPVEIL_E2M_RESPOND || !sv_starts_nocase_str(w->verdict.message, cases[i].start)) {
            fail_msg("case %zu: %.*s", i, (int)w->verdict.message.len, (const char *)w->verdict.message.data);
        }
        assert_int_equal(contains(w->verdict.message, "Proxy-Body-Need"), cases[i].start[8] == '4' && cases[i].start[9] == '9');
        /* Nobody else minds. */
        static const char *const p2_name[] = {"ss2.other.example"};
        sipveil_e2m_proxy_options o = proxy_options(&w->p2, p2_name);
        at_p1_with(w, &o, compose(w, INVITE, rows, cases[i].body));
        assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && !w->verdict.concerned);
        /* In a response it passes (E2M-56). */
        at_p1(w, compose(w, "SIP/2.0 200 OK\r\n", rows, cases[i].body));
        assert_int_equal(w->verdict.action, SIPVEIL_E2M_FORWARD);
        at_p1(w, edited(w, compose(w, "ACK sip:bob@other.example SIP/2.0\r\n", rows, cases[i].body), "CSeq: 1 INVITE", "CSeq: 1 ACK")); /* an ACK too */
        assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && warned(w->verdict.warnings, w->verdict.warning_count, "E2M-56"));
    }
}

/* E2M-51: of two parts that both have an entry for us only the named one is opened. */
static void only_the_named_part(void **state)
{
    world *w = begin(state);
    share s;
    sipveil_span one, two, json, cid;
    size_t at, end;
    share_begin(w, &s);
    one = shared(w, &s, invite(w, "not for the proxy\r\n"));
    two = shared(w, &s, invite(w, SDP));
    assert_true(sv_find(two, SV_SPAN("Proxy-Required-Body: "), &at));
    assert_true(sv_find(sv_span_from(two, at), SV_SPAN("\r\n"), &end));
    cid = sv_span(two.data + at, end + 2);
    sv_buffer parts, m;
    sv_buffer_init(&parts, w->arena, one.len + two.len + 512, 1 << 20);
    put_part(&parts, one, false);
    put_part(&parts, two, false);
    sv_put_str(&parts, "--xx--\r\n");
    sv_buffer_init(&m, w->arena, parts.len + 1024, 1 << 20);
    sv_put_str(&m, INVITE "Via: SIP/2.0/TLS ua.example;branch=z9hG4bKa1\r\nMax-Forwards: 70\r\n" ALICE_TO_BOB("c1@home.example")
                   "CSeq: 1 INVITE\r\nContent-Type: multipart/mixed;boundary=xx\r\n");
    sv_put(&m, cid);
    sv_put_str(&m, "Content-Length: ");
    sv_put_number(&m, parts.len);
    sv_put_str(&m, "\r\n\r\n");
    sv_put(&m, sv_buffer_span(&parts));
    at_p1(w, sv_buffer_span(&m));
    assert_same(w->verdict.view, SV_SPAN(SDP));
    assert_code(sipveil_e2m_report_json(w->worker, &json, &w->err), SIPVEIL_OK);
    assert_true(sv_find(json, SV_SPAN("\"opened\":true"), &at));
    assert_false(sv_find(sv_span_from(json, at + 1), SV_SPAN("\"opened\":true"), &at));
    assert_true(contains(json, "\"opened\":false"));
}

static void clear_bodies_under_a_label(void **state)
{
    world *w = begin(state); /* E2M-13: a label on what is not encrypted */
    sipveil_span clear = compose(w, INVITE, ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\n"
                                 "Proxy-Required-Body: " P1_HOST ";cid=\"a@b\"\r\nContent-ID: <a@b>\r\n" SDP_TYPE, SDP);
    at_p1(w, clear);
    assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && w->verdict.has_view && !w->verdict.verified);
    assert_same(w->verdict.view, SV_SPAN(SDP));
    at_p1(w, edited(w, clear, "cid=\"a@b\"", "cid=\"a@b\";act=verify"));
    assert_int_equal(w->verdict.action, SIPVEIL_E2M_RESPOND); /* E2M-54 */
    assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 488 "));
    assert_true(contains(w->verdict.message, "need=verify"));
}

/* E2M-I1, E2M-55: signed in clear and labelled; a good signer, a stranger, changed content. */
static void signed_bodies_in_clear(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    s.hop.key = NULL;
    s.o.seal.recipient_count = 0;
    s.o.act = SIPVEIL_E2M_VERIFY;
    for (int sign_label = 0; sign_label < 2; sign_label++) {
        s.o.sign_label = sign_label;
        sipveil_span message = shared(w, &s, invite(w, SDP));
        at_p1(w, message);
        assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && w->verdict.verified);
        assert_same(w->verdict.view, SV_SPAN(SDP));
        sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
        o.open.memory = NULL;
        at_p1_with(w, &o, edited(w, message, "192.0.2.1", "192.0.2.9"));
        assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 403 "));
        o.open.has_at = true;
        o.open.at = NOW + 40 * 86400; /* the signer's certificate has expired */
        at_p1_with(w, &o, message);
        assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 403 "));
        o.open.has_at = false; /* another anchor than the signer's (E2M-I3) */
        sipveil_keyring *none = NULL;
        assert_code(sipveil_keyring_new(w->context, &none, &w->err), SIPVEIL_OK);
        o.open.keyring = none;
        at_p1_with(w, &o, message);
        assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 403 "));
        sipveil_keyring_free(none);
    }
}

/* E2M-55, E2M-56: a response is verified for who answers: To. It passes all the same. */
static void signed_responses(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    s.hop.key = NULL;
    s.o.seal.recipient_count = 0;
    s.o.act = SIPVEIL_E2M_VERIFY;
    sipveil_span answer = compose(w, "SIP/2.0 200 OK\r\n", "From: Alice <sip:alice@home.example>;tag=a1\r\nTo: Bob <sip:bob@other.example>;tag=b1\r\n"
                                  "Call-ID: c1@home.example\r\nContact: <sip:bob@ua2.other.example>\r\nCSeq: 1 INVITE\r\n" SDP_TYPE, SDP);
    for (int good = 0; good < 2; good++) {
        s.signer = good ? w->ua2.key : w->ua1.key; /* Alice does not speak for Bob */
        at_p1(w, shared(w, &s, answer));
        assert_int_equal(w->verdict.action, SIPVEIL_E2M_FORWARD);
        assert_int_equal(w->verdict.verified, good);
        assert_int_equal(w->verdict.reason.code, good ? SIPVEIL_OK : SIPVEIL_UNTRUSTED_SIGNER);
    }
}

/* E2M-20, E2M-21, E2M-59: which label counts, and for whom a private key is used. */
static void labels_and_senders(void **state)
{
    static const struct {
        bool sign, protected_hop, authenticated;
        bool forward, view;
    } cases[] = {
        {false, true, true, true, true},  {false, false, false, true, false}, {false, false, true, true, false},
        {false, true, false, false, false}, {true, false, false, true, true}, {true, true, false, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = begin(state);
        share s;
        share_begin(w, &s);
        s.o.sign_label = cases[i].sign;
        sipveil_span message = shared(w, &s, invite(w, SDP));
        sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
        o.protected_hop = cases[i].protected_hop;
        o.sender_authenticated = cases[i].authenticated;
        at_p1_with(w, &o, message);
        assert_int_equal(w->verdict.action == SIPVEIL_E2M_FORWARD, cases[i].forward);
        assert_int_equal(w->verdict.has_view, cases[i].view);
    }
}

/* A label that differs from its signed copy: E2M-16, E2M-21, ADV-163. */
static void changed_labels(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    s.o.sign_label = true;
    sipveil_span message = shared(w, &s, invite(w, SDP));
    sipveil_span changed = edited(w, message, P1_HOST ";cid", P1_HOST ";act=both;cid");
    at_p1(w, changed);
    assert_true(w->verdict.action == SIPVEIL_E2M_RESPOND && strcmp(w->verdict.reason.rule, "E2M-21") == 0);
    assert_code(try_open(w, &w->ua2, changed), SIPVEIL_HEADER_MISMATCH);
    assert_string_equal(w->err.rule, "E2M-21");
    sipveil_span added = edited(w, message, "Proxy-Required-Body: ", "Proxy-Required-Body: ss2.other.example;cid=\"x@y\", ");
    assert_code(try_open(w, &w->ua2, added), SIPVEIL_HEADER_MISMATCH);
    at_p1(w, added); /* what others are asked is not our matter */
    assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && w->verdict.has_view);
    /* taken away, which P1 alone may do (E2M-16): P1 is not asked and sees nothing, and who gets it in the end is told */
    size_t at = 0, end = 0;
    assert_true(sv_find(message, SV_SPAN("Proxy-Required-Body: "), &at) && sv_find(sv_span_from(message, at), SV_SPAN("\r\n"), &end));
    char row[256];
    assert_true(end + 2 < sizeof row);
    snprintf(row, sizeof row, "%.*s", (int)end + 2, (const char *)message.data + at);
    sipveil_span taken = edited(w, message, row, "");
    at_p1(w, taken);
    assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && !w->verdict.has_view && !w->verdict.named);
    assert_code(try_open(w, &w->ua2, message), SIPVEIL_OK);
    assert_false(checked(&w->opened, "E2M-16", SIPVEIL_CHECK_NOT_DONE));
    sipveil_memory_free(w->ua2.memory);
    assert_code(sipveil_memory_new(&w->ua2.memory, &w->err), SIPVEIL_OK);
    assert_code(try_open(w, &w->ua2, taken), SIPVEIL_OK);
    assert_true(checked(&w->opened, "E2M-16", SIPVEIL_CHECK_NOT_DONE));
    w = begin(state); /* two hours later: as an AIB of that age (TUN-54) */
    share_begin(w, &s);
    s.o.sign_label = true;
    message = shared(w, &s, invite(w, SDP));
    w->clock = NOW + 7200;
    at_p1(w, message);
    assert_true(w->verdict.action == SIPVEIL_E2M_RESPOND && w->verdict.reason.code == SIPVEIL_REPLAY && !w->verdict.has_view);
    assert_false(w->worker->operation.secret_used);
}

/* E2M-53, E2M-54: the answers, both profiles; and that a response passes (E2M-56). */
static void answers(void **state)
{
    world *w = begin(state);
    share s;
    sipveil_e2m_policy *policy = NULL;
    share_begin(w, &s);
    s.o.form = SIPVEIL_E2M_PRIVATE;
    sipveil_span sealed = shared(w, &s, invite(w, SDP));
    assert_code(sipveil_e2m_policy_read(SV_SPAN("x.example;type=\"application/sdp\";what=all;need=both"), &policy, &w->err), SIPVEIL_OK);
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    o.policy = policy;
    o.open.memory = NULL; /* or the same message again would get the same answer */
    at_p1_with(w, &o, sealed);
    assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 493 Undecipherable\r\n"));
    assert_true(contains(w->verdict.message, "Proxy-Body-Need: " P1_HOST ";need=both;type=\"application/sdp\";what=all"));
    assert_true(contains(w->verdict.message, "Warning: 399 ") && contains(w->verdict.message, "smime-type=certs-only"));
    o.profile = SIPVEIL_E2M_PROFILE_DRAFT;
    at_p1_with(w, &o, sealed);
    assert_true(contains(w->verdict.message, "Warning: 380 " P1_HOST " \"Required to view 'application/sdp'\""));
    o.use_496 = true;
    at_p1_with(w, &o, sealed);
    assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 496 Proxy Undecipherable\r\n"));
    at_p1_with(w, &o, invite(w, SDP)); /* in clear and unsigned */
    assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 495 Signature Required\r\n"));
    assert_true(contains(w->verdict.message, "Warning: 381 "));
    sipveil_span response = compose(w, "SIP/2.0 200 OK\r\n", ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\n" SDP_TYPE, SDP);
    at_p1_with(w, &o, response);
    assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && w->verdict.reason.code == SIPVEIL_NOT_SIGNED);
    assert_true(warned(w->verdict.warnings, w->verdict.warning_count, "E2M-56"));
    sipveil_span text = compose(w, "MESSAGE sip:bob@other.example SIP/2.0\r\n", ALICE_TO_BOB("c1@home.example")
                                "CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n", "hello");
    at_p1_with(w, &o, text); /* another type: the row says nothing about it */
    assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && !w->verdict.concerned);
    sipveil_e2m_policy_free(policy);
}

/* Everything that fails after a secret key was used is one and the same answer (TUN-90, ADV-062). */
static void one_answer_after_a_key(void **state)
{
    world *w = begin(state);
    share s;
    sipveil_span responses[4], message;
    share_begin(w, &s);
    s.o.act = SIPVEIL_E2M_BOTH;
    message = shared(w, &s, invite(w, SDP));
    uint8_t *octets = (uint8_t *)(uintptr_t)message.data;
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    o.open.memory = NULL;
    octets[message.len - 20] ^= 1; /* ciphertext or tag */
    at_p1_with(w, &o, message);
    responses[0] = copy_of(w, w->verdict.message);
    octets[message.len - 20] ^= 1;
    o.open.has_at = true;
    o.open.at = NOW + 40 * 86400; /* inside: a signer whose time is over */
    at_p1_with(w, &o, message);
    responses[1] = copy_of(w, w->verdict.message);
    s.signer = w->p2.key; /* inside: a signer who does not speak for Alice */
    o.open.has_at = false;
    at_p1_with(w, &o, shared(w, &s, invite(w, SDP)));
    responses[2] = copy_of(w, w->verdict.message);
    share_begin(w, &s); /* inside: nobody's signature, where the label asks for one */
    s.o.seal.signer_count = 0;
    s.o.seal.allow_unsigned_shared = true;
    at_p1_with(w, &o, edited(w, shared(w, &s, invite(w, SDP)), ";cid", ";act=both;cid"));
    responses[3] = copy_of(w, w->verdict.message);
    for (size_t i = 0; i < 4; i++) {
        size_t at, end;
        assert_true(sv_find(responses[i], SV_SPAN(";tag="), &at)); /* of From; To has a random one */
        assert_true(sv_find(responses[i], SV_SPAN("Proxy-Body-Need"), &at));
        assert_true(sv_find(responses[0], SV_SPAN("Proxy-Body-Need"), &end));
        assert_true(sv_starts_nocase_str(responses[i], "SIP/2.0 493 "));
        assert_same(sv_span_from(responses[i], at), sv_span_from(responses[0], end));
    }
}

/* E2M-59: ten thousand labelled bodies and pieces of junk: no private key is used, and no memory grows. */
static void a_flood_of_junk(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    sipveil_span messages[3] = {shared(w, &s, invite(w, SDP))};
    messages[1] = edited(w, messages[0], "smime-type=authEnveloped-data", "smime-type=enveloped-data");
    messages[2] = compose(w, INVITE, ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\nContent-ID: <a@b>\r\n"
                          "Proxy-Required-Body: " P1_HOST ";cid=\"a@b\"\r\nContent-Type: application/pkcs7-mime\r\n", "0\x80junk");
    for (int protected_hop = 0; protected_hop < 2; protected_hop++) {
        sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
        o.protected_hop = protected_hop;
        o.sender_authenticated = false;
        for (int i = 0; i < 5000; i++) {
            at_p1_with(w, &o, messages[i % 3]);
            assert_false(w->verdict.has_view || w->worker->operation.secret_used);
        }
        assert_true(sipveil_worker_memory(w->worker) < 1 << 20);
    }
}

static void calls_that_are_wrong(void **state)
{
    world *w = begin(state);
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    bool concerns;
    assert_code(sipveil_e2m_proxy_message(NULL, &o, invite(w, SDP), &w->verdict, &w->err), SIPVEIL_USAGE);
    assert_code(sipveil_e2m_proxy_message(w->worker, &o, invite(w, SDP), NULL, &w->err), SIPVEIL_USAGE);
    assert_code(sipveil_e2m_concerns_proxy(w->worker, &o, invite(w, SDP), NULL, &w->err), SIPVEIL_USAGE);
    assert_code(sipveil_e2m_proxy_message(w->worker, &o, SV_SPAN("junk"), &w->verdict, &w->err), SIPVEIL_MALFORMED);
    o.host_count = 0;
    assert_code(sipveil_e2m_proxy_message(w->worker, &o, invite(w, SDP), &w->verdict, &w->err), SIPVEIL_USAGE);
    assert_code(sipveil_e2m_concerns_proxy(w->worker, &o, invite(w, SDP), &concerns, &w->err), SIPVEIL_USAGE);
    o = proxy_options(&w->p1, p1_name);
    o.size = 1;
    assert_code(sipveil_e2m_proxy_message(w->worker, &o, invite(w, SDP), &w->verdict, NULL), SIPVEIL_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shared_body_is_read_and_passes), cmocka_unit_test(forms),
        cmocka_unit_test(an_unreadable_body_passes), cmocka_unit_test(a_decision_allocates_nothing),
        cmocka_unit_test(what_is_never_opened), cmocka_unit_test(labels_that_are_refused),
        cmocka_unit_test(only_the_named_part), cmocka_unit_test(clear_bodies_under_a_label), cmocka_unit_test(signed_bodies_in_clear), cmocka_unit_test(signed_responses),
        cmocka_unit_test(labels_and_senders), cmocka_unit_test(changed_labels), cmocka_unit_test(answers),
        cmocka_unit_test(one_answer_after_a_key), cmocka_unit_test(a_flood_of_junk), cmocka_unit_test(calls_that_are_wrong),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
