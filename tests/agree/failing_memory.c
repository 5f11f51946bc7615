/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and random numbers that end in the middle of an agreement, at the nth time they are asked for (ADV-214, ADV-215):
 * the event or the request is refused as a whole, the association and what the server remembers are as they were, the same
 * is done again with success, and nothing was forgotten that kept a replay out. No password, no hash of one and no key of
 * an association is given back to the allocator (ADV-213). */
#include "failing.h"

#include "agree/pair.h"

#define PASSWORD "correct horse"
#define HASHED "e95e36238690347f55e40ff99ada4835" /* MD5 of alice:home.example:correct horse */

/* One event at the client or one request at the server, as it was when all went well. */
typedef struct stage {
    const char *name;
    bool server;
    text image;   /* the association before */
    text memory;  /* what the server remembered before */
    text message;
    sipveil_agree_event_kind kind;
    const char *over;
    sipveil_agree_state state;
    int status;
    size_t answer, checks; /* octets of what the server wrote; rules that were looked at */
} stage;

enum { STAGES = 10 };

typedef struct scene {
    pair p;
    stage stages[STAGES];
    size_t count;
    const stage *now;
    const text *replayed; /* a request that the server took before: never again */
    sipveil_worker *worker;
    sipveil_memory *memory;
    sipveil_agree_association association;
} scene;

static scene s;

/* ---- what happens, once and well ---- */

static stage *record(const char *name)
{
    assert_true(s.count < STAGES);
    stage *now = &s.stages[s.count++];
    now->name = name;
    set_text(&now->message, span_of(&s.p.message));
    return now;
}

static void client_does(const char *name, sipveil_agree_event_kind kind, const char *over, sipveil_agree_state wanted)
{
    pair *p = &s.p;
    stage *now = record(name);
    set_text(&now->image, span_of(&p->image));
    now->kind = kind;
    now->over = over;
    now->state = wanted;
    pair_client(p, kind, over, wanted);
    now->checks = p->outcome.check_count;
}

static void server_does(const char *name, const char *over, int status)
{
    pair *p = &s.p;
    stage *now = record(name);
    uint8_t *image;
    size_t len;
    PAIR_OK(sipveil_memory_save(p->server.memory, NOW, &image, &len, &p->err));
    set_text(&now->memory, sv_span(image, len));
    sipveil_memory_wipe_image(image, len);
    now->server = true;
    now->over = over;
    now->status = status;
    pair_server(p, over, status);
    now->answer = p->verdict.message.len;
    now->checks = p->verdict.check_count;
}

static void start_scene(world *w, sipveil_agree_profile profile, const char *ours, const char *theirs, const char *request)
{
    memset(&s, 0, sizeof s);
    sipveil_memory_free(w->p1.memory);
    assert_int_equal(sipveil_memory_new(&w->p1.memory, NULL), SIPVEIL_OK);
    pair_begin(&s.p, w, profile, ours, theirs);
    s.p.credentials.password = PASSWORD;
    set_text(&s.p.message, sv_span_str(request));
    client_does("start", SIPVEIL_AGREE_EVENT_START, NULL, SIPVEIL_AGREE_OFFERED);
}

/* ---- the same again, with something failing ---- */

static void begin_stage(void *user)
{
    sipveil_error err;
    (void)user;
    assert_int_equal(sipveil_worker_new(s.p.w->context, &s.worker, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_memory_new(&s.memory, &err), SIPVEIL_OK);
    if (s.now->memory.len > 0) assert_int_equal(sipveil_memory_load(s.memory, span_of(&s.now->memory), NOW, &err), SIPVEIL_OK);
    memset(&s.association, 0, sizeof s.association);
    if (s.now->image.len > 0)
        assert_int_equal(sipveil_agree_load_association(span_of(&s.now->image), &s.association, &err), SIPVEIL_OK);
}

static void end_stage(void *user)
{
    (void)user;
    sipveil_worker_free(s.worker);
    sipveil_memory_free(s.memory);
}

static bool is_zero(const void *what, size_t len)
{
    const uint8_t *at = what;
    for (size_t i = 0; i < len; i++) {
        if (at[i] != 0) return false;
    }
    return true;
}

static sipveil_code client_again(sipveil_error *err)
{
    static sipveil_agree_outcome out;
    sipveil_span image, report;
    sipveil_agree_event event = {.kind = s.now->kind, .message = span_of(&s.now->message), .over = s.now->over, .now = NOW};
    memset(&out, 0xAA, sizeof out);
    sipveil_code code = sipveil_agree_client_step(s.worker, &s.p.client, &s.association, &event, &out, err);
    if (code != SIPVEIL_OK) {
        assert_memory_equal(&out.next, &s.association, sizeof s.association);
        assert_true(out.actions == 0 && out.message.data == NULL && out.check_count == 0 && out.reason.code == SIPVEIL_OK);
        return code;
    }
    /* To libcrypto without memory the certificate of the next hop may look like one that nobody vouches for. */
    if (failing.whose == FAILING_LIBCRYPTO && out.next.failure == SIPVEIL_AGREE_E_CERT) return SIPVEIL_OK;
    assert_true(out.check_count == s.now->checks);
    if (out.next.state != s.now->state) fail_msg("%s: %s", s.now->name, sipveil_agree_state_name(out.next.state));
    code = sipveil_agree_save_association(s.worker, &out.next, &image, err);
    assert_int_equal(image.len > 0, code == SIPVEIL_OK);
    if (code == SIPVEIL_OK) code = sipveil_agree_report_json(s.worker, &report, err);
    return code;
}

static sipveil_code server_again(sipveil_error *err)
{
    static sipveil_agree_verdict out;
    sipveil_agree_server_options options = s.p.server;
    options.memory = s.memory;
    options.protected_by = s.now->over;
    memset(&out, 0xAA, sizeof out);
    sipveil_code code = sipveil_agree_check_request(s.worker, &options, span_of(&s.now->message), &out, err);
    if (code != SIPVEIL_OK) assert_true(is_zero(&out, sizeof out));
    else if (failing.whose == FAILING_LIBCRYPTO && out.action == SIPVEIL_AGREE_RESPOND) return code; /* as with a key that does not fit */
    else if (out.status != s.now->status) fail_msg("%s: %d (%s), not %d", s.now->name, out.status, out.reason.text, s.now->status);
    else assert_true(out.message.len == s.now->answer && out.check_count == s.now->checks); /* certificate, challenges and all */
    return code;
}

static sipveil_code run_stage(void *user, sipveil_error *err)
{
    (void)user;
    return s.now->server ? server_again(err) : client_again(err);
}

/* What was taken before this one is not taken again, though this one could not be remembered (AGR-37). */
static void check_stage(void *user, sipveil_code code)
{
    sipveil_agree_verdict out;
    sipveil_error err;
    sipveil_worker *worker;
    sipveil_agree_server_options options = s.p.server;
    (void)user;
    if (!s.now->server || s.replayed == NULL || s.now->message.len == 0) return;
    options.memory = s.memory;
    options.protected_by = s.now->over;
    (void)code;
    assert_int_equal(sipveil_worker_new(s.p.w->context, &worker, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_agree_check_request(worker, &options, span_of(s.replayed), &out, &err), SIPVEIL_OK);
    assert_int_equal(out.action, SIPVEIL_AGREE_RESPOND);
    sipveil_worker_free(worker);
}

/* Every stage; from the one with that name on a request that was taken is replayed. */
static void every_stage(const char *replays_from, const char *replayed)
{
    bool replays = false;
    for (size_t i = 0; i < s.count; i++) {
        failing_operation op = {s.stages[i].name, begin_stage, run_stage, check_stage, end_stage, .wanted = SIPVEIL_OK,
                                .without = 1 << FAILING_LIBCRYPTO};
        s.now = &s.stages[i];
        replays = replays || (replays_from != NULL && strcmp(s.now->name, replays_from) == 0);
        s.replayed = NULL;
        for (size_t k = 0; replays && k < i; k++) {
            if (strcmp(s.stages[k].name, replayed) == 0) s.replayed = &s.stages[k].message;
        }
        failing_table(&op, 1, &s);
    }
}

/* ---- flows ---- */

static void later_request(pair *p)
{
    pair_success(p);
    client_does("success", SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_ACTIVE);
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    change(p, "1 INVITE", "9 INVITE");
    change(p, "z9hG4bKfirst", "z9hG4bKninth");
    client_does("later request", SIPVEIL_AGREE_EVENT_REQUEST, NULL, SIPVEIL_AGREE_ACTIVE);
    server_does("later request is judged", NULL, 0);
}

/* The second request counts the nonce on; the first one must stay counted (AGR-29). */
static void digest(void **state)
{
    start_scene(*state, SIPVEIL_AGREE_RFC3329, "tls, digest", "digest;q=0.5;d-alg=MD5;d-qop=auth, tls;q=0.2", OFFERED_INVITE);
    server_does("challenge", NULL, 494);
    client_does("credentials", SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    server_does("credentials are judged", NULL, 0);
    later_request(&s.p);
    every_stage("later request is judged", "credentials are judged");
    pair_end(&s.p);
}

static void digest_integrity(void **state)
{
    start_scene(*state, SIPVEIL_AGREE_DRAFT04, "digest-integrity", "digest-integrity;q=0.1", OFFERED_INVITE);
    server_does("challenge", NULL, 494);
    client_does("credentials", SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    server_does("credentials are judged", NULL, 0);
    every_stage(NULL, NULL);
    pair_end(&s.p);
}

static void smime(void **state)
{
    start_scene(*state, SIPVEIL_AGREE_RFC3329, "smime, tls", "smime;q=0.7, tls;q=0.2", OFFERED_INVITE);
    server_does("494", NULL, 494);
    client_does("sealed request", SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    server_does("sealed request is judged", NULL, 0);
    every_stage(NULL, NULL);
    pair_end(&s.p);
}

static void tls(void **state)
{
    start_scene(*state, SIPVEIL_AGREE_RFC3329, "tls, digest", "tls;q=0.2", OFFERED_INVITE);
    server_does("494", NULL, 494);
    client_does("list", SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_STARTING);
    client_does("up", SIPVEIL_AGREE_EVENT_UP, NULL, SIPVEIL_AGREE_CONFIRMING);
    server_does("mirrored list", "tls", 0);
    every_stage(NULL, NULL);
    pair_end(&s.p);
}

#define UE "spi-c=1001;spi-s=1002;port-c=5101;port-s=5102"
#define PCSCF "spi-c=2001;spi-s=2002;port-c=6101;port-s=6102"
#define ENTRY "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;"
#define REGISTER                                                                                                           \
    "REGISTER sip:home.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKr1\r\nMax-Forwards: 70\r\n"              \
    "From: <sip:user1@home.example>;tag=1\r\nTo: <sip:user1@home.example>\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\n"           \
    "Contact: <sip:192.0.2.1>\r\nContent-Length: 0\r\n\r\n"

/* AGR-52: the list of the first REGISTER, and another one in its place. */
static void ipsec_3gpp(void **state)
{
    start_scene(*state, SIPVEIL_AGREE_3GPP, ENTRY UE, ENTRY "q=0.3;" PCSCF, REGISTER);
    server_does("first REGISTER", NULL, s.p.server.role == SIPVEIL_AGREE_PROXY ? 494 : 0);
    set_text(&s.p.message, span_of(&s.stages[1].message));
    change(&s.p, "1 REGISTER", "2 REGISTER");
    server_does("REGISTER that comes in its place", NULL, 494);
    every_stage(NULL, NULL);
    pair_end(&s.p);
}

/* ---- what needs no partner ---- */

#define IK "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define CK "101112131415161718191a1b1c1d1e1f"

static world *only;
static sipveil_worker *alone;

static void new_worker(void *user)
{
    sipveil_error err;
    (void)user;
    assert_int_equal(sipveil_worker_new(only->context, &alone, &err), SIPVEIL_OK);
}
static void drop_worker(void *user)
{
    (void)user;
    sipveil_worker_free(alone);
}

static sipveil_code read_list(void *user, sipveil_error *err)
{
    sipveil_agree_list *list;
    (void)user;
    sipveil_code code = sipveil_agree_list_read(SV_SPAN("tls;q=0.2, digest;q=0.1;d-alg=MD5, " ENTRY "q=0.3;" PCSCF), SIPVEIL_AGREE_3GPP,
                                                SIPVEIL_AGREE_SERVER, &list, err);
    assert_int_equal(list != NULL, code == SIPVEIL_OK);
    sipveil_agree_list_free(list);
    return code;
}

static sipveil_code complete_list(void *user, sipveil_error *err)
{
    sipveil_span out;
    (void)user;
    sipveil_code code = sipveil_agree_complete_list(alone, SV_SPAN("tls, ipsec-3gpp"), false, &out, err);
    assert_int_equal(out.len > 0, code == SIPVEIL_OK);
    return code;
}

static sipveil_agree_ipsec_options ipsec(void)
{
    return (sipveil_agree_ipsec_options){.size = sizeof(sipveil_agree_ipsec_options), .client_list = SV_SPAN(ENTRY UE),
                                         .server_list = SV_SPAN(ENTRY "q=0.3;" PCSCF), .message = SV_SPAN(REGISTER),
                                         .ims_keys = SV_SPAN("IK\t" IK "\nCK\t" CK "\n")};
}

static sipveil_code describe(void *user, sipveil_error *err)
{
    sipveil_agree_ipsec out;
    const sipveil_agree_ipsec_options options = ipsec();
    (void)user;
    memset(&out, 0xAA, sizeof out);
    sipveil_code code = sipveil_agree_ipsec_describe(alone, &options, &out, err);
    if (code != SIPVEIL_OK) assert_true(is_zero(&out, sizeof out));
    else assert_true(out.count == 4 && out.integrity_key.len > 0);
    return code;
}

static sipveil_code commands(void *user, sipveil_error *err)
{
    sipveil_span out;
    const sipveil_agree_ipsec_options options = ipsec();
    (void)user;
    sipveil_code code = sipveil_agree_ipsec_commands(alone, &options, &out, err);
    assert_int_equal(out.len > 0, code == SIPVEIL_OK);
    return code;
}

static sipveil_code clean(void *user, sipveil_error *err)
{
    sipveil_span out;
    (void)user;
    sipveil_code code = sipveil_agree_clean_response(
        alone, SV_SPAN("SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\n"
                       "Call-ID: c1\r\nCSeq: 1 INVITE\r\nSecurity-Server: tls;q=0.2\r\nContent-Length: 0\r\n\r\n"), &out, err);
    assert_int_equal(out.len > 0, code == SIPVEIL_OK);
    return code;
}

static void by_itself(void **state)
{
    enum { OWN_ONLY = 1 << FAILING_LIBCRYPTO | 1 << FAILING_RANDOM };
    static const failing_operation table[] = {
        {"read a list", NULL, read_list, NULL, NULL, SIPVEIL_OK, OWN_ONLY, 0},
        {"complete a list", new_worker, complete_list, NULL, drop_worker, SIPVEIL_OK, 0, 0},
        {"describe associations", new_worker, describe, NULL, drop_worker, SIPVEIL_OK, OWN_ONLY, 0},
        {"commands for associations", new_worker, commands, NULL, drop_worker, SIPVEIL_OK, OWN_ONLY, 0},
        {"clean a response", new_worker, clean, NULL, drop_worker, SIPVEIL_OK, OWN_ONLY, 0},
    };
    only = *state;
    FAILING_TABLE(table, NULL);
    failing_would_be_seen();
}

static int watch(void **state)
{
    static uint8_t ck[16];
    for (size_t i = 0; i < sizeof ck; i++) ck[i] = (uint8_t)(0x10 + i);
    failing_watch("a password", SV_SPAN(PASSWORD));
    failing_watch("the hash of a password", SV_SPAN(HASHED));
    failing_watch("CK", sv_span(ck, sizeof ck));
    failing_watch("CK in digits", SV_SPAN(CK));
    failing_watch("IK in digits", SV_SPAN(IK));
    return world_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(digest), cmocka_unit_test(digest_integrity), cmocka_unit_test(smime),
                                       cmocka_unit_test(tls), cmocka_unit_test(ipsec_3gpp), cmocka_unit_test(by_itself)};
    failing.no_room = true;
    if (!failing_install()) return 2;
    return cmocka_run_group_tests_name("memory that ends in an agreement", tests, watch, world_teardown);
}
