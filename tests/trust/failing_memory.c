/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and random numbers that end while a table is read and while a message crosses the border (ADV-214, ADV-215):
 * there is no table, or it is the one that the text says (TRU-17); a message goes on as ever, or not at all, and what is
 * remembered of it stays what it was (TRU-35, TRU-39). Every allocation of an arena is one that can fail here. */
#include "failing.h"

#include "base/error.h"
#include "world.h"

#define WARNED "strict_border = yes\nprofile = mm-border\nprivacy_service = header user\nservice_host = hide.home.example\n"
#define TABLE "[trust-domain]\nno_privacy = remove\n" WARNED "include = partners\n"
#define PARTNER "[partner biloxi]\ndomains = biloxi.example\nprotection = tls-mutual\n  ipsec\ntrust_in = yes\nanchors = ca\n"

static struct {
    const char *text;   /* of the table */
    char *ca;
    sipveil_trust_table *table;
    uint64_t mark;      /* where nothing failed */
} t;

/* ---- the table ---- */

static sipveil_code read_file(void *user, const char *named, const char *from, sipveil_span *text, const char **name, sipveil_error *err)
{
    (void)user;
    (void)from;
    char *asked = malloc(1); /* a reader of files needs memory, too */
    if (asked == NULL) return sv_no_memory(err, "test");
    free(asked);
    *name = named;
    *text = sv_span_str(strcmp(named, "ca") == 0 ? t.ca : PARTNER);
    return SIPVEIL_OK;
}

static uint64_t mark_of(const sipveil_trust_table *table)
{
    sipveil_trust_peer peer = {.size = sizeof peer};
    sipveil_trust_verdict verdict;
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, SIPVEIL_TRUST_IN, sv_span(NULL, 0), &peer, 0, &verdict);
    return verdict.table_mark;
}

static void end_table(void *user)
{
    (void)user;
    sipveil_trust_table_free(t.table);
    t.table = NULL;
}

static sipveil_code read_table(void *user, sipveil_error *err)
{
    const sipveil_trust_table_options options = {.size = sizeof options, .context = world_context, .read = read_file};
    end_table(user);
    return sipveil_trust_table_read(sv_span_str(t.text), "table", &options, &t.table, err);
}

/* A verdict is believed by the mark of its table: one that came of less than the whole text would be that of others too. */
static void whole_or_none(void *user, sipveil_code code)
{
    (void)user;
    if (code != SIPVEIL_OK) {
        assert_null(t.table);
        return;
    }
    assert_true(mark_of(t.table) == t.mark);
    assert_int_equal(sipveil_trust_table_count(t.table), 1);
    assert_non_null(sipveil_trust_table_warning(t.table, 0));
    assert_string_equal(sipveil_trust_table_anchor_file(t.table, 0), "ca");
}

static void tables(void **state)
{
    static const failing_operation reads = {"a table", NULL, read_table, whole_or_none, end_table, .without = 1 << FAILING_RANDOM, .library_leaks = true},
                                   refuses = {"a name twice", NULL, read_table, NULL, end_table, .wanted = SIPVEIL_USAGE, .without = 1 << FAILING_RANDOM, .library_leaks = true};
    char *key = NULL;
    sipveil_error err;
    (void)state;
    assert_int_equal(sipveil_keys_make_authority(world_context, "ca", &t.ca, &key, &err), SIPVEIL_OK);
    sipveil_keys_wipe_text(key);
    t.text = TABLE;
    if (read_table(NULL, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    t.mark = mark_of(t.table);
    end_table(NULL);
    failing_table(&reads, 1, NULL);
    t.text = TABLE "[partner biloxi]\ndomains = other.example\nprotection = tls-mutual\n";
    failing_table(&refuses, 1, NULL);
    sipveil_keys_wipe_text(t.ca);
}

/* ---- the border ---- */

enum { ROOM = 4096 };
#define PAI "P-Asserted-Identity: <sip:alice@home.example>, <tel:+1-555-1234567>\r\n"
#define SECRET_NUMBER "eyJvcmlnIjp7InRuIjoiMTU1NTEyMzQ1NjcifX0" /* of the tel URI */
#define SECRET_NAME "eyJpYXQiOjEsIm9yaWciOnsidXJpIjoic2lwOmFsaWNlQGhvbWUuZXhhbXBsZSJ9fQ"
#define IDENTITY(payload) "Identity: eyJ0eXAiOiJwYXNzcG9ydCJ9." payload ".c2ln;info=<https://h.example/c>;alg=ES256\r\n"
#define OWN_ROWS "Record-Route: <sip:edge.home.example;lr>\r\n"

typedef struct crossing {
    const char *name, *method, *rows;
    const char *first; /* the method that crossed before it; NULL: none did */
    const char *lacks[4];
    int status;        /* of a refusal */
    const char *holds;
} crossing;

static struct {
    const crossing *c;
    sipveil_border *border;
    sipveil_memory *memory;
    sipveil_border_result out;
    char message[ROOM], sent[ROOM], before[ROOM]; /* what crosses; what became of it; and without a failure */
} x;

static sipveil_code cross(const char *message, sipveil_error *err)
{
    static const char *const nobody[] = {"sip:carol@home.example"};
    world_hop from, to;
    sipveil_trust_verdict in, out;
    sipveil_span json;
    const sipveil_border_options options = {.size = sizeof options, .table = t.table, .memory = x.memory, .identities = nobody,
                                            .challenge = "Digest realm=\"home.example\"", .has_at = true, .at = WORLD_NOW};
    sipveil_trust_judge_peer(t.table, 0, SIPVEIL_TRUST_IN, sv_span(NULL, 0),
                             world_peer(&from, x.c->status == 407 ? WORLD_STRANGER : WORLD_TRUSTED), WORLD_NOW, &in);
    sipveil_trust_judge_peer(t.table, 0, SIPVEIL_TRUST_OUT, SV_SPAN("b.example"), world_peer(&to, WORLD_STRANGER), WORLD_NOW,
                             &out);
    x.sent[0] = '\0';
    memset(&x.out, 0xAA, sizeof x.out);
    sipveil_code code = sipveil_border_arrive(x.border, &options, sv_span_str(message), &in, &x.out, err);
    if (code == SIPVEIL_OK && x.out.action == SIPVEIL_BORDER_FORWARD) {
        code = sipveil_border_leave(x.border, &out, &x.out, err);
        if (code == SIPVEIL_INTERNAL) { /* a branch more */
            failing_whose saved = failing.whose;
            failing.whose = FAILING_NOTHING;
            assert_int_equal(sipveil_border_leave(x.border, &out, &x.out, NULL), SIPVEIL_OK);
            failing.whose = saved;
            return code;
        }
    } else if (code != SIPVEIL_OK) {
        sipveil_border_result none;
        assert_int_equal(sipveil_border_leave(x.border, &out, &none, NULL), SIPVEIL_USAGE); /* nothing has arrived */
    }
    if (code != SIPVEIL_OK) {
        assert_true(x.out.message.data == NULL && x.out.status == 0);
        return code;
    }
    assert_true((x.out.why[0] != '\0') == (x.out.action != SIPVEIL_BORDER_FORWARD));
    snprintf(x.sent, sizeof x.sent, "%.*s", (int)x.out.message.len, (const char *)x.out.message.data);
    return sipveil_border_report_json(x.border, &json, err);
}

static const char *message_of(const char *method, const char *rows)
{
    (void)world_request(method, rows, x.message, sizeof x.message);
    return x.message;
}

/* The dialog is known where `first` says so: what stands for it must stay the same. */
static void begin_crossing(void *user)
{
    sipveil_error err;
    x.c = user;
    failing.no_room = true;
    assert_int_equal(sipveil_border_new(world_context, &x.border, &err), SIPVEIL_OK);
    failing.no_room = false;
    assert_int_equal(sipveil_memory_new(&x.memory, &err), SIPVEIL_OK);
    x.before[0] = '\0';
    if (x.c->first == NULL) return;
    if (cross(message_of(x.c->first, OWN_ROWS "Privacy: header\r\n"), &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    if (cross(message_of(x.c->method, x.c->rows), &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    memcpy(x.before, x.sent, sizeof x.before);
}

static void end_crossing(void *user)
{
    (void)user;
    sipveil_border_free(x.border);
    sipveil_memory_free(x.memory);
}

static sipveil_code cross_once(void *user, sipveil_error *err)
{
    (void)user;
    return cross(message_of(x.c->method, x.c->rows), err);
}

static void as_ever(void *user, sipveil_code code)
{
    char sent[ROOM];
    sipveil_error err;
    (void)user;
    if (code != SIPVEIL_OK) return;
    assert_int_equal(x.out.status, x.c->status);
    if (!strstr(x.sent, x.c->holds)) fail_msg("%s: no %s in %s", x.c->name, x.c->holds, x.sent);
    for (size_t i = 0; i < 4 && x.c->lacks[i] != NULL; i++) {
        if (strstr(x.sent, x.c->lacks[i])) fail_msg("%s: without number %zu %s goes out: %s", x.c->name, failing.tried, x.c->lacks[i], x.sent);
    }
    if (x.c->status != 0) return; /* a new tag each time */
    if (x.before[0] != '\0') assert_string_equal(x.sent, x.before);
    memcpy(sent, x.sent, sizeof sent);
    assert_int_equal(cross_once(NULL, &err), SIPVEIL_OK); /* a retransmission is the same */
    assert_string_equal(x.sent, sent);
}

static void crossings(void **state)
{
    static const crossing all[] = {
        {"header is hidden", "INVITE", OWN_ROWS "Privacy: header\r\n", NULL, {"edge.home", "a.home", "Privacy"}, 0, "hide.home"},
        {"a dialog that is hidden", "INVITE", OWN_ROWS "Privacy: header\r\n", "INVITE", {"edge.home", "a.home", "Privacy"}, 0, "hide.home"},
        {"its ACK, which does not ask", "ACK", "", "INVITE", {"a.home"}, 0, "hide.home"},
        {"its CANCEL", "CANCEL", "", "INVITE", {"a.home"}, 0, "hide.home"},
        {"user is served", "INVITE", "Subject: of alice\r\nWarning: 399 a.home.example \"x\"\r\nPrivacy: user\r\nProxy-Require: privacy, x\r\n", NULL, {"of alice", "399 a.home", "user"}, 0, "Proxy-Require: x\r\n"},
        {"an identity goes, and what tells it", "INVITE", PAI "Privacy: id\r\n" IDENTITY(SECRET_NUMBER), NULL, {SECRET_NUMBER, "alice", "555"}, 0, "Identity: ..c2ln"},
        {"by name", "INVITE", PAI "Privacy: id\r\n" IDENTITY(SECRET_NAME), NULL, {SECRET_NAME, "alice"}, 0, "Identity: ..c2ln"},
        {"strip", "INVITE", "P-Charging-Vector: icid-value=secret\r\nP-Access-Network-Info: secret\r\n", NULL, {"P-Access"}, 0, "INVITE"},
        {"what cannot be done", "INVITE", "Privacy: session;critical\r\n", NULL, {NULL}, 500, "privacy session not available"},
        {"a challenge", "INVITE", "", NULL, {NULL}, 407, "Proxy-Authenticate: Digest realm"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const failing_operation op = {all[i].name, begin_crossing, cross_once, as_ever, end_crossing, .without = 1 << FAILING_LIBCRYPTO | 1 << FAILING_RANDOM};
        t.table = world_table("privacy_service = header user\nservice_host = hide.home.example\nmust_auth = challenge\n", WORLD_PARTNERS);
        failing_table(&op, 1, (void *)(uintptr_t)&all[i]);
        end_table(NULL);
    }
}

/* What comes back gets to where it belongs, or is told to be lost for want of memory, and never as forgotten (481). */
static sipveil_code call_back(void *user, sipveil_error *err)
{
    char contact[256], message[ROOM];
    (void)user;
    const char *at = strstr(x.before, "Contact: <");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "Contact: <%255[^>]>", contact), 1);
    snprintf(message, sizeof message,
             "BYE %s SIP/2.0\r\nVia: SIP/2.0/TLS far.example;branch=z9hG4bK9\r\nMax-Forwards: 70\r\nFrom: <sip:bob@biloxi.example>;tag=2\r\n"
             "To: <sip:anonymous@anonymous.invalid>;tag=1\r\nCall-ID: c\r\nCSeq: 9 BYE\r\nContent-Length: 0\r\n\r\n", contact);
    return cross(message, err);
}

static void gets_there(void *user, sipveil_code code)
{
    (void)user;
    if (code != SIPVEIL_OK) return;
    assert_int_equal(x.out.status, 0);
    assert_non_null(strstr(x.sent, "BYE sip:a.home.example SIP/2.0\r\nRoute: <sip:edge.home.example;lr>\r\n"));
}

static void calls_back(void **state)
{
    static const crossing invite = {"calling back", "INVITE", OWN_ROWS "Privacy: header\r\n", "INVITE", {NULL}, 0, ""};
    static const failing_operation op = {"calling back", begin_crossing, call_back, gets_there, end_crossing, .without = 1 << FAILING_LIBCRYPTO | 1 << FAILING_RANDOM};
    (void)state;
    t.table = world_table("privacy_service = header user\nservice_host = hide.home.example\n", WORLD_PARTNERS);
    failing_table(&op, 1, (void *)(uintptr_t)&invite);
    end_table(NULL);
}

/* ---- a node's signature ---- */

static struct {
    sipveil_keyring *ring;
    sipveil_worker *worker;
    sipveil_span message;
} n;

static void begin_node(void *user)
{
    (void)user;
    assert_int_equal(sipveil_worker_new(world_context, &n.worker, NULL), SIPVEIL_OK);
}

static void end_node(void *user)
{
    (void)user;
    sipveil_worker_free(n.worker);
}

/* user: whether the signer is a partner's node, which is believed then, and nobody else ever is (TRU-46). */
static sipveil_code open_node(void *user, sipveil_error *err)
{
    const sipveil_trust_peer peer = {.size = sizeof peer, .address = "192.0.2.7", .transport = SIPVEIL_TRUST_UDP};
    bool partner = user != NULL;
    sipveil_trust_verdict verdict;
    sipveil_open_options options;
    sipveil_opened opened;
    sipveil_open_options_default(&options);
    options.keyring = n.ring;
    memset(&verdict, 0xAA, sizeof verdict);
    memset(&opened, 0xAA, sizeof opened);
    sipveil_code code = sipveil_trust_open_message(n.worker, &options, t.table, &peer, n.message, &opened, &verdict, err);
    assert_int_equal(verdict.trusted, partner && code == SIPVEIL_OK);
    assert_int_equal(opened.inner_identity_counts, partner && code == SIPVEIL_OK);
    assert_int_equal(opened.message.len > 0, code == SIPVEIL_OK);
    return code;
}

static void nodes(void **state)
{
    enum { NO_RANDOM = 1 << FAILING_RANDOM };
    static const failing_operation believed = {"a partner's node", begin_node, open_node, NULL, end_node, .without = NO_RANDOM},
                                   stranger = {"a node of nobody", begin_node, open_node, NULL, end_node, .wanted = SIPVEIL_UNTRUSTED_SIGNER, .without = NO_RANDOM};
    static const char invite[] = "INVITE sip:bob@biloxi.example SIP/2.0\r\nVia: SIP/2.0/TLS a.home.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                                 "From: <sip:alice@home.example>;tag=1\r\nTo: <sip:bob@biloxi.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
                                 "Contact: <sip:a@192.0.2.9>\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
                                 "P-Asserted-Identity: <sip:alice@home.example>\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";
    char *ca, *ca_key;
    sipveil_keyring *keys;
    sipveil_worker *sealer;
    sipveil_error err;
    (void)state;
    t.table = world_table("", "[partner b]\ndomains = biloxi.example\nip = 192.0.2.0/24\nprotection = smime\ntrust_in = yes\n");
    assert_int_equal(sipveil_keys_make_authority(world_context, "ca", &ca, &ca_key, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_new(world_context, &keys, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_new(world_context, &n.ring, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_worker_new(world_context, &sealer, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_anchor_octets(n.ring, sv_span_str(ca), "the CA", &err), SIPVEIL_OK);
    for (int partner = 0; partner < 2; partner++) {
        const sipveil_key *signer = world_make(keys, ca, ca_key, NULL, partner ? "biloxi.example" : "other.example");
        sipveil_seal_options options;
        sipveil_sealed sealed;
        sipveil_seal_options_default(&options);
        options.mode = SIPVEIL_MODE_TUNNEL;
        options.signers = &signer;
        options.signer_count = 1;
        if (sipveil_tunnel_seal_message(sealer, &options, sv_span_str(invite), &sealed, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
        n.message = sealed.message;
        failing_table(partner ? &believed : &stranger, 1, partner ? &n : NULL);
    }
    sipveil_worker_free(sealer);
    sipveil_keyring_free(n.ring);
    sipveil_keyring_free(keys);
    sipveil_keys_wipe_text(ca);
    sipveil_keys_wipe_text(ca_key);
    end_table(NULL);
}

static int with_no_room(void **state)
{
    failing.no_room = true;
    return world_open(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tables), cmocka_unit_test(crossings), cmocka_unit_test(calls_back), cmocka_unit_test(nodes)};
    if (!failing_install()) return 2;
    return cmocka_run_group_tests_name("failing memory", tests, with_no_room, world_close);
}
