/* SPDX-License-Identifier: BSD-2-Clause */
/* A client, an honest next hop, and somebody between them who does what the input says: holds back, repeats, changes and
 * invents messages, in any order. Whatever he does, the client is never ACTIVE on less than the best that both have, and what it
 * sends unprotected is an offer and nothing else. He cannot break TLS, knows no password, and does not answer 200 to a
 * request under Digest: Digest does not protect answers, and whoever holds back every request can say so. */
#include "agree/fuzz_play.h"
#include "base/fuzz_target.h"
#include "sip/response.h"

enum { KEPT = 8, STEPS_MOST = 32, MOVES_MOST = 128 };

typedef struct play {
    sv_cursor input;
    sipveil_agree_client_options client;
    sipveil_agree_server_options server;
    sipveil_agree_association a;
    text image, requests[KEPT], answers[KEPT];
    size_t request_count, answer_count;
} play;

static const announced lists = {
    .ours = "tls, digest",
    .ours_draft04 = "tls, digest-integrity",
    .theirs = "tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth",
    .theirs_draft04 = "tls;q=0.2, digest-integrity;q=0.1",
};

/* ---- the client ---- */

static bool on_tls(const play *p)
{
    return sv_equal_nocase_str(p->a.mechanism, "tls");
}

static void check_invariants(const play *p, const sipveil_agree_outcome *out)
{
    must((unsigned)out->next.state < SIPVEIL_AGREE_STATE_COUNT);
    if (out->next.state == SIPVEIL_AGREE_ACTIVE) must_always(sv_equal_nocase_str(out->next.mechanism, "tls"));
    must((out->next.state == SIPVEIL_AGREE_FAILED) == (out->next.failure != SIPVEIL_AGREE_E_NONE));
    if (out->next.state == SIPVEIL_AGREE_FAILED && p->a.state != SIPVEIL_AGREE_FAILED) must(out->message.len == 0);
    bool offered = sv_equal(out->next.mechanism, SV_SPAN("")) && out->message.len > 0;
    size_t at;
    if (offered && (out->actions & SIPVEIL_AGREE_SEND) != 0) {
        must(sv_find(out->message, SV_SPAN("Security-Client: tls"), &at) && !sv_find(out->message, SV_SPAN("Security-Verify"), &at));
    }
}

static void step(play *p, sipveil_agree_event_kind kind, sipveil_span message, const char *over)
{
    sipveil_agree_outcome out;
    sipveil_span image;
    sipveil_agree_event event = {.kind = kind, .message = message, .over = over, .now = p->server.now};
    if (sipveil_agree_client_step(worker, &p->client, &p->a, &event, &out, NULL) != SIPVEIL_OK) {
        must(out.next.state == p->a.state && out.message.len == 0);
        return;
    }
    check_invariants(p, &out);
    must(sipveil_agree_save_association(worker, &out.next, &image, NULL) == SIPVEIL_OK);
    if (out.message.len > 0) set(&p->requests[p->request_count++ % KEPT], out.message, false);
    set(&p->image, image, false);
    must(p->image.len > 0 && sipveil_agree_load_association(span_of(&p->image), &p->a, NULL) == SIPVEIL_OK);
}

/* ---- the next hop ---- */

static void say_yes(play *p, const sv_sip_view *view, text *answer, bool over_tls)
{
    sv_buffer b;
    sv_sip_response response = {.status = 200, .phrase = SV_SPAN("OK"), .tag = SV_SPAN("t")};
    sv_buffer_init(&b, worker->arena, 1024, TEXT_MOST);
    (void)p;
    if (sv_sip_write_response(view, &response, &b, NULL) == SIPVEIL_OK && !b.failed) set(answer, sv_buffer_span(&b), over_tls);
}

static void deliver_to_server(play *p, sipveil_span request, bool over_tls)
{
    sipveil_agree_verdict v;
    text *answer = &p->answers[p->answer_count % KEPT];
    static sv_sip_view view;
    p->server.protected_by = over_tls ? "tls" : NULL;
    if (sipveil_agree_check_request(worker, &p->server, request, &v, NULL) != SIPVEIL_OK) return;
    if (v.action == SIPVEIL_AGREE_RESPOND) {
        set(answer, v.message, over_tls);
    } else {
        must(v.agreed || over_tls || v.row == 1);
        if (sv_sip_read(request, SV_SIP_DATAGRAM, sipveil_context_limits(context), &view, NULL) != SIPVEIL_OK) return;
        say_yes(p, &view, answer, over_tls);
    }
    p->answer_count++;
}

/* ---- the one between ---- */

static void tamper(play *p, text *t)
{
    static const char *const changes[][2] = {
        {"tls;q=0.2, ", ""}, {"tls;q=0.2", "tls;q=0.05"}, {"tls;q=0.2", "digest;q=0.3"}, {"SIP/2.0 494", "SIP/2.0 421"}, {"Security-Server", "X-Server"},
        {"SIP/2.0 4", "SIP/2.0 2"}, {"tls", "tlx"}, {";d-qop=auth", ""}, {"-Authenticate:", "-X:"}, {"nonce=\"", "nonce=\"0"},
        {"Security-Verify: ", "Security-Verify: tls;q=0.2, "}, {"Security-Client: tls, ", "Security-Client: "}, {"Require: sec-agree\r\n", ""},
        {", digest;q=0.1;d-alg=MD5;d-qop=auth", ""}, {"q=0.1", "q=0.2"}, {"qop=\"auth\"", "qop=\"auth\", stale=true"}};
    uint8_t which = take_move(&p->input);
    if (which < sizeof changes / sizeof *changes) {
        replace(t, changes[which][0], changes[which][1]);
    } else if (which >= RARE) {
        change_rarely(t, which);
    } else {
        change_octet(t, &p->input);
    }
}

static void answer_client(play *p, bool changed)
{
    static text answer;
    if (p->answer_count == 0) return;
    size_t kept = p->answer_count < KEPT ? p->answer_count : KEPT;
    answer = p->answers[(p->answer_count - 1 - take_move(&p->input) % kept) % KEPT];
    if (changed) {
        answer.over_tls = false;
        for (unsigned n = take_move(&p->input) % 4 + 1; n > 0; n--) tamper(p, &answer);
        size_t at;
        bool yes = !sv_find(sv_span(answer.octets, answer.len < 12 ? answer.len : 12), SV_SPAN("494"), &at) &&
                   !sv_find(sv_span(answer.octets, answer.len < 12 ? answer.len : 12), SV_SPAN("421"), &at);
        if (yes && p->a.mechanism.len > 0 && !on_tls(p)) return; /* see above */
    }
    step(p, SIPVEIL_AGREE_EVENT_RESPONSE, span_of(&answer), answer.over_tls ? "tls" : NULL);
}

static void ask_server(play *p, bool changed)
{
    static text request;
    if (p->request_count == 0) return;
    size_t kept = p->request_count < KEPT ? p->request_count : KEPT;
    request = p->requests[(p->request_count - 1 - take_move(&p->input) % kept) % KEPT];
    /* Over TLS only what the client sends there goes, and only as it is. */
    bool tls = !changed && on_tls(p) && (p->a.state == SIPVEIL_AGREE_CONFIRMING || p->a.state == SIPVEIL_AGREE_ACTIVE);
    if (changed) tamper(p, &request);
    deliver_to_server(p, span_of(&request), tls);
}

static void one_step(play *p)
{
    switch (take_move(&p->input) % 12) {
    case 0: step(p, SIPVEIL_AGREE_EVENT_START, SV_SPAN(INVITE), NULL); break;
    case 1:
    case 2: ask_server(p, false); break;
    case 3: ask_server(p, true); break;
    case 4:
    case 5: answer_client(p, false); break;
    case 6:
    case 7: answer_client(p, true); break;
    case 8: step(p, SIPVEIL_AGREE_EVENT_UP, SV_SPAN(""), NULL); break;
    case 9: step(p, take_move(&p->input) % 2 == 0 ? SIPVEIL_AGREE_EVENT_DOWN : SIPVEIL_AGREE_EVENT_EXPIRED, SV_SPAN(""), NULL); break;
    case 10: step(p, SIPVEIL_AGREE_EVENT_REQUEST, SV_SPAN(INVITE), NULL); break;
    default: p->server.now += 4 * (int64_t)take_move(&p->input); break;
    }
}

static void check_image(sipveil_span octets)
{
    sipveil_agree_association a;
    sipveil_span again;
    if (sipveil_agree_load_association(octets, &a, NULL) != SIPVEIL_OK) return;
    sv_worker_begin(worker);
    must(sipveil_agree_save_association(worker, &a, &again, NULL) == SIPVEIL_OK);
    must(sipveil_agree_load_association(again, &a, NULL) == SIPVEIL_OK);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static play p;
    sipveil_memory *memory = NULL;
    if (size == 0 || size > 4096) return;
    prepare(&lists);
    if (size > MOVES_MOST || data[0] == 's') { /* longer than a play: an image, or nothing */
        check_image(sv_span(data, size));
        return;
    }
    must(sipveil_memory_new(&memory, NULL) == SIPVEIL_OK);
    fuzz_until_end(memory, give_back_memory);
    memset(&p, 0, sizeof p);
    p.input = sv_cursor_over(sv_span(data, size), "moves");
    sipveil_agree_profile profile = (sipveil_agree_profile)(take_move(&p.input) % SIPVEIL_AGREE_PROFILE_COUNT);
    sipveil_agree_client_options_default(&p.client);
    sipveil_agree_server_options_default(&p.server);
    p.client.profile = p.server.profile = profile;
    p.client.list = ours[profile];
    p.server.list = theirs[profile];
    p.client.must = true;
    p.client.credentials = p.server.credentials = &credentials;
    p.client.credential_count = p.server.credential_count = 1;
    p.server.realm = "home.example";
    p.server.memory = memory;
    p.server.now = 1795255200;
    for (int steps = 0; steps < STEPS_MOST && !sv_at_end(&p.input); steps++) one_step(&p);
}
