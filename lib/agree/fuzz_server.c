/* SPDX-License-Identifier: BSD-2-Clause */
/* A server that demands Digest, a client that knows the password, and somebody between them who repeats, changes and mixes the
 * client's requests, while time goes on and the server starts again from its image. What the server takes carries a response
 * that the client made, each once where a count is demanded, and mirrors the server's list. */
#include "agree/fuzz_play.h"
#include "base/fuzz_target.h"

enum { KEPT = 8, STEPS_MOST = 32, MOVES_MOST = 128, RESPONSES = 64, HEX_MOST = 64, START = 1795255200 };

typedef struct response {
    uint8_t hex[HEX_MOST];
    size_t len;
    bool taken;
} response;

typedef struct play {
    sv_cursor input;
    sipveil_agree_client_options client;
    sipveil_agree_server_options server;
    sipveil_agree_association a;
    sipveil_memory *memory;
    text image, requests[KEPT], answer;
    size_t request_count, response_count;
    uint8_t switches;
    response made[RESPONSES]; /* all that the client ever sent */
} play;

static const announced lists = {
    .ours = "digest",
    .ours_draft04 = "digest-integrity",
    .theirs = "digest;q=0.2;d-alg=MD5;d-qop=auth, tls;q=0.1",
    .theirs_draft04 = "digest-integrity;q=0.2, tls;q=0.1",
};

/* The value of the response of the credentials that stand first; empty: there are none. */
static sipveil_span response_of(sipveil_span request)
{
    size_t at;
    sipveil_span value = {NULL, 0};
    if (!sv_find(request, SV_SPAN("response=\""), &at)) return value;
    sv_cursor c = sv_cursor_over(sv_span_from(request, at + strlen("response=\"")), "response");
    if (!sv_take_until(&c, '"', &value) || value.len > HEX_MOST) return sv_span(NULL, 0);
    return value;
}

static response *find_made(play *p, sipveil_span hex)
{
    for (size_t i = 0; i < p->response_count; i++) {
        if (sv_equal_nocase(sv_span(p->made[i].hex, p->made[i].len), hex)) return &p->made[i];
    }
    return NULL;
}

static void note_made(play *p, sipveil_span request)
{
    sipveil_span hex = response_of(request);
    if (hex.len == 0 || find_made(p, hex) != NULL) return;
    must(p->response_count < RESPONSES); /* one a step */
    response *r = &p->made[p->response_count++];
    memcpy(r->hex, hex.data, hex.len);
    r->len = hex.len;
}

static void step(play *p, sipveil_agree_event_kind kind, sipveil_span message)
{
    sipveil_agree_outcome out;
    sipveil_span image;
    sipveil_agree_event event = {.kind = kind, .message = message, .now = p->server.now};
    if (sipveil_agree_client_step(worker, &p->client, &p->a, &event, &out, NULL) != SIPVEIL_OK) return;
    must(sipveil_agree_save_association(worker, &out.next, &image, NULL) == SIPVEIL_OK);
    if (out.message.len > 0) {
        set(&p->requests[p->request_count++ % KEPT], out.message, false);
        note_made(p, out.message);
    }
    set(&p->image, image, false);
    must(p->image.len > 0 && sipveil_agree_load_association(span_of(&p->image), &p->a, NULL) == SIPVEIL_OK);
}

static void check_taken(play *p, sipveil_span request, const sipveil_agree_verdict *v)
{
    must_always(v->action != SIPVEIL_AGREE_PASS);
    must_always(v->agreed && sv_starts_nocase_str(v->protected_by, "digest") && v->verify == SIPVEIL_AGREE_SAME);
    response *r = find_made(p, response_of(request));
    must_always(r != NULL);
    must_always(!r->taken || p->server.allow_no_qop);
    r->taken = true;
}

static void deliver(play *p, sipveil_span request)
{
    sipveil_agree_verdict v;
    if (sipveil_agree_check_request(worker, &p->server, request, &v, NULL) != SIPVEIL_OK) return;
    if (v.action == SIPVEIL_AGREE_RESPOND) set(&p->answer, v.message, false);
    else if (v.action == SIPVEIL_AGREE_ACCEPT && v.row != 1) check_taken(p, request, &v);
}

/* The row of credentials of one request in the place of the other's. */
static void mix(text *into, const text *from)
{
    static text made;
    size_t a, b;
    sipveil_span row, there;
    if (!sv_find(span_of(into), SV_SPAN("uthorization: "), &a) || !sv_find(span_of(from), SV_SPAN("uthorization: "), &b)) return;
    sv_cursor x = sv_cursor_over(sv_span_from(span_of(into), a), "into"), y = sv_cursor_over(sv_span_from(span_of(from), b), "from");
    if (!sv_take_until(&x, '\r', &there) || !sv_take_until(&y, '\r', &row) || into->len - there.len + row.len > TEXT_MOST) return;
    sipveil_span rest = sv_span_from(span_of(into), a + there.len);
    memcpy(made.octets, into->octets, a);
    memcpy(made.octets + a, row.data, row.len);
    memcpy(made.octets + a + row.len, rest.data, rest.len);
    made.len = a + row.len + rest.len;
    *into = made;
}

static void tamper(play *p, text *t)
{
    static const char *const changes[][2] = {
        {"nc=0000000", "nc=1000000"}, {"qop=auth", "qop=\"auth\""}, {"digest;q=0.2;", "digest;q=0.20;"}, {"Security-Verify: ", "Security-Verify: tls;q=0.1, "},
        {", tls;q=0.1", ""}, {"Proxy-Authorization", "Authorization"}, {"realm=\"home", "realm=\"Home"}, {"alice\"", "bob\""}, {"Digest ", "digest  "},
        {"algorithm=MD5", "algorithm=SHA-256"}, {"INVITE sip", "MESSAGE sip"}, {"sip:bob@", "sip:rob@"}, {"CSeq: 1 ", "CSeq: 2 "}, {", qop=auth", ""},
        {", tls;q=0.1", "\r\nSecurity-Verify: tls;q=0.1"}, {"MD5", "MD5-sess"}, {"opaque=", "domain="}, {"response=\"", "response=\"0"}};
    uint8_t which = take_move(&p->input);
    if (which < sizeof changes / sizeof *changes) {
        replace(t, changes[which][0], changes[which][1]);
    } else if (which < 32) {
        mix(t, &p->requests[which % KEPT]);
    } else if (which >= RARE) {
        change_rarely(t, which);
    } else {
        change_octet(t, &p->input);
    }
}

static void ask_server(play *p, bool changed)
{
    static text request;
    if (p->request_count == 0) return;
    size_t kept = p->request_count < KEPT ? p->request_count : KEPT;
    request = p->requests[(p->request_count - 1 - take_move(&p->input) % kept) % KEPT];
    if (changed) tamper(p, &request);
    deliver(p, span_of(&request));
}

/* What the server answered, which may have been changed on its way, too. */
static void answer_client(play *p)
{
    static text answer;
    answer = p->answer;
    uint8_t which;
    while ((p->switches & 0x80) != 0 && sv_peek(&p->input, &which) && which >= RARE) change_rarely(&answer, take_move(&p->input));
    step(p, SIPVEIL_AGREE_EVENT_RESPONSE, span_of(&answer));
}

/* Options that no server should have: nothing is taken, and nothing breaks. */
static void misconfigure(play *p, uint8_t how)
{
    static char realm[301];
    memset(realm, 'r', sizeof realm - 1);
    switch (how) {
    case 0xF0: p->server.memory = NULL; break;
    case 0xF1: p->server.realm = NULL; break;
    case 0xF2: p->server.nonce_lifetime = -1; break;
    case 0xF3: p->server.realm = realm; break;
    case 0xF4: p->server.realm = "a\"b\\c"; break;
    case 0xF5: p->server.realm = "\x01\x7F"; break;
    default: break;
    }
}

static void restart(play *p)
{
    sipveil_memory *again;
    uint8_t *image;
    size_t len;
    must(sipveil_memory_save(p->memory, p->server.now, &image, &len, NULL) == SIPVEIL_OK);
    sipveil_code code = sipveil_memory_new(&again, NULL);
    fuzz_until_end(again, give_back_memory);
    if (code == SIPVEIL_OK) code = sipveil_memory_load(again, sv_span(image, len), p->server.now, NULL);
    sipveil_memory_wipe_image(image, len);
    must(code == SIPVEIL_OK);
    p->memory = again;
    p->server.memory = again;
}

static void one_step(play *p)
{
    switch (take_move(&p->input) % 10) {
    case 0: step(p, SIPVEIL_AGREE_EVENT_START, SV_SPAN(INVITE)); break;
    case 1: case 2: case 3: ask_server(p, false); break;
    case 4: case 5: ask_server(p, true); break;
    case 6: answer_client(p); break;
    case 7: step(p, SIPVEIL_AGREE_EVENT_REQUEST, SV_SPAN(INVITE)); break;
    case 8: p->server.now += take_move(&p->input); break;
    default: if (take_move(&p->input) % 8 == 0) restart(p); break;
    }
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static play p;
    if (size < 2 || size > MOVES_MOST) return;
    prepare(&lists);
    memset(&p, 0, sizeof p);
    must(sipveil_memory_new(&p.memory, NULL) == SIPVEIL_OK);
    fuzz_until_end(p.memory, give_back_memory);
    p.input = sv_cursor_over(sv_span(data, size), "moves");
    sipveil_agree_profile profile = (sipveil_agree_profile)(take_move(&p.input) % SIPVEIL_AGREE_PROFILE_COUNT);
    uint8_t switches = take_move(&p.input);
    sipveil_agree_client_options_default(&p.client);
    sipveil_agree_server_options_default(&p.server);
    p.client.profile = p.server.profile = profile;
    p.client.list = ours[profile];
    p.server.list = theirs[profile];
    p.client.must = true;
    p.client.credentials = p.server.credentials = &credentials;
    p.client.credential_count = p.server.credential_count = 1;
    p.client.dver_form = (sipveil_agree_dver_form)(switches & 3);
    p.server.dver_form = (sipveil_agree_dver_form)(switches >> 2 & 3);
    p.server.allow_no_qop = p.client.allow_no_qop = (switches & 0x10) != 0;
    p.server.allow_sha256 = p.client.allow_sha256 = (switches & 0x20) != 0;
    p.server.nonce_lifetime = switches & 0x40 ? 30 : 0;
    p.server.realm = "home.example";
    p.server.memory = p.memory;
    p.server.now = START;
    p.switches = switches;
    if (switches & 0x80) misconfigure(&p, take_move(&p.input));
    for (int steps = 0; steps < STEPS_MOST && !sv_at_end(&p.input); steps++) one_step(&p);
}
