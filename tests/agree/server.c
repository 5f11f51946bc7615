/* SPDX-License-Identifier: BSD-2-Clause */
/* A server's call by itself: what it adds to refusals, roles, nonces, sizes, options that contradict. */
#include "agree/pair.h"

#define LIST "tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=auth"

static pair *at(world *w, sipveil_agree_profile profile, const char *list, const char *message)
{
    static pair p;
    sipveil_memory_free(w->p1.memory);
    assert_int_equal(sipveil_memory_new(&w->p1.memory, NULL), SIPVEIL_OK);
    pair_begin(&p, w, profile, profile == SIPVEIL_AGREE_DRAFT04 ? "digest-integrity" : "digest", list);
    set_text(&p.message, sv_span_str(message));
    return &p;
}

/* AGR-26, AGR-23, D-11: whatever tags a request has, it is challenged, with the list and start data. */
static void on_its_own_account(void **state)
{
    static const struct {
        const char *row;
        int status;
        unsigned line;
    } cases[] = {{"", 421, 6}, {"Supported: sec-agree\r\n", 494, 5}, {"Require: sec-agree\r\n", 494, 4}, {"Proxy-Require: Sec-Agree\r\n", 494, 4},
                 {"Require: 100rel, sec-agree\r\nSupported: x\r\n", 494, 4}, {"Require: sec-agree2\r\n", 421, 6}};
    world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char with[256];
        pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, OFFERED_INVITE);
        snprintf(with, sizeof with, "%sMax-Forwards", cases[i].row);
        change(p, "Max-Forwards", with);
        pair_server(p, NULL, cases[i].status);
        assert_int_equal(p->verdict.row, cases[i].line);
        assert_true(has(p, "\r\nSecurity-Server: " LIST "\r\nRequire: sec-agree\r\n") && has(p, "\r\nProxy-Authenticate: Digest "));
        assert_true(has(p, cases[i].status == 494 ? "SIP/2.0 494 Security Agreement Required\r\n" : "SIP/2.0 421 Extension Required\r\n")); /* D-14 */
        pair_end(p);
    }
}

/* AGR-19: a mechanism that is none of ours is named, beside what we have; whatever its letters' case. */
static void protected_by_another(void **state)
{
    static const char *const others[] = {"ipsec-ike", "IPSEC-IKE", "ipsec-3gpp"};
    world *w = *state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char says[200];
        snprintf(says, sizeof says, "the request is protected by \"%s\", which is not in our list \"" LIST "\"", others[i]);
        pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, OFFERED_INVITE);
        pair_server(p, others[i], 494);
        assert_int_equal(p->verdict.row, 8);
        assert_string_equal(p->verdict.reason.text, says);
        pair_end(p);
    }
}

/* D-06, AGR-24, D-16: which challenge; off is 420. */
static void roles_and_policies(void **state)
{
    static const struct {
        sipveil_agree_profile profile;
        sipveil_agree_role role;
        bool www;
    } cases[] = {{SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_PROXY, false}, {SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_UAS, true},
                 {SIPVEIL_AGREE_DRAFT05, SIPVEIL_AGREE_REGISTRAR, true}, {SIPVEIL_AGREE_DRAFT04, SIPVEIL_AGREE_PROXY, true}};
    world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pair *p = at(w, cases[i].profile, cases[i].profile == SIPVEIL_AGREE_DRAFT04 ? "digest-integrity;q=0.1" : LIST, OFFERED_INVITE);
        p->server.role = cases[i].role;
        pair_server(p, NULL, 421);
        assert_true(has(p, cases[i].www ? "\r\nWWW-Authenticate: " : "\r\nProxy-Authenticate: "));
        pair_end(p);
    }
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, OFFERED_INVITE);
    p->server.policy = SIPVEIL_AGREE_OFF;
    change(p, "Max-Forwards", "Proxy-Require: sec-agree\r\nMax-Forwards");
    pair_server(p, NULL, 420);
    assert_true(has(p, "\r\nUnsupported: sec-agree\r\n") && !has(p, "Security-Server"));
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    change(p, "Max-Forwards", "Supported: sec-agree\r\nSecurity-Client: tls\r\nMax-Forwards");
    pair_server(p, NULL, 0);
    assert_true(has(p, "Security-Client: tls") && p->verdict.row == 2); /* nothing is touched */
    p->server.policy = SIPVEIL_AGREE_OPTIONAL;
    pair_server(p, NULL, 0);
    assert_true(!has(p, "Security-Client") && p->verdict.row == 7 && !p->verdict.agreed);
    pair_end(p);
}

/* D-13: a client that came on TLS by RFC 3263; not in draft -04. */
static void plain_tls(void **state)
{
    world *w = *state;
    for (int profile = 0; profile < SIPVEIL_AGREE_PROFILE_COUNT; profile++) {
        pair *p = at(w, (sipveil_agree_profile)profile, "tls;q=0.2", OFFERED_INVITE);
        pair_server(p, "tls", profile == SIPVEIL_AGREE_DRAFT04 ? 494 : 0);
        assert_false(p->verdict.agreed);
        pair_end(p);
        p = at(w, (sipveil_agree_profile)profile, "ipsec-ike;q=0.2", OFFERED_INVITE); /* what we do not list is nothing */
        pair_server(p, "tls", 494);
        assert_int_equal(p->verdict.row, 8);
        pair_end(p);
    }
}

/* AGR-27: the same request gets the same answer, tag and nonce included; another one another. */
static void retransmission(void **state)
{
    static text first, again;
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, OFFERED_INVITE);
    pair_server(p, NULL, 421);
    set_text(&first, span_of(&p->message));
    p->server.now += 2;
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    pair_server(p, NULL, 421);
    set_text(&again, span_of(&p->message));
    assert_same(span_of(&first), span_of(&again));
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    change(p, "z9hG4bKfirst", "z9hG4bKsecond");
    pair_server(p, NULL, 421);
    assert_false(sv_equal(span_of(&p->message), span_of(&first)));
    pair_end(p);
}

/* AGR-28: nothing is remembered of who has proved nothing; over UDP a large answer stays without its certificate. */
static void no_state_and_small_answers(void **state)
{
    uint8_t *before, *after;
    size_t before_len, after_len;
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, OFFERED_INVITE);
    pair_server(p, NULL, 421); /* the key is made */
    assert_int_equal(sipveil_memory_save(w->p1.memory, NOW, &before, &before_len, NULL), SIPVEIL_OK);
    for (int i = 0; i < 3; i++) {
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        change(p, "Max-Forwards", "Proxy-Authorization: Digest username=\"alice\", realm=\"home.example\", nonce=\"x\", uri=\"sip:bob@home.example\", response=\"y\", qop=auth, nc=00000001, cnonce=\"z\"\r\nMax-Forwards");
        pair_server(p, NULL, 421);
    }
    assert_int_equal(sipveil_memory_save(w->p1.memory, NOW, &after, &after_len, NULL), SIPVEIL_OK);
    assert_same(sv_span(before, before_len), sv_span(after, after_len));
    sipveil_memory_wipe_image(before, before_len);
    sipveil_memory_wipe_image(after, after_len);
    pair_end(p);
    p = at(w, SIPVEIL_AGREE_RFC3329, "smime;q=0.3", OFFERED_INVITE);
    pair_server(p, NULL, 421);
    assert_true(has(p, "certs-only"));
    pair_end(p);
    /* ADV-220: to a source that may be forged no certificate that makes it larger by half than what was asked with */
    p = at(w, SIPVEIL_AGREE_RFC3329, "smime;q=0.3", OFFERED_INVITE);
    change(p, "SIP/2.0/TCP", "SIP/2.0/UDP");
    pair_server(p, NULL, 421);
    assert_true(!has(p, "certs-only") && p->verdict.warning_count == 1 && has(p, "Security-Server: smime;q=0.3\r\n"));
    pair_end(p);
    char padded[1500];
    snprintf(padded, sizeof padded, OFFERED_HEAD "Subject: %0900d\r\nContent-Length: 0\r\n\r\n", 0);
    p = at(w, SIPVEIL_AGREE_RFC3329, "smime;q=0.3", padded);
    change(p, "SIP/2.0/TCP", "SIP/2.0/UDP");
    pair_server(p, NULL, 421);
    assert_true(has(p, "certs-only") && p->verdict.warning_count == 0 && p->message.len <= strlen(padded) * 3 / 2);
    pair_end(p);
    char many[2000] = "smime;q=0.3";
    for (int i = 0; i < 12; i++) snprintf(many + strlen(many), sizeof many - strlen(many), ", tls;q=0.%d;note=\"%060d\"", 900 + i, i);
    p = at(w, SIPVEIL_AGREE_RFC3329, many, OFFERED_INVITE);
    change(p, "SIP/2.0/TCP", "SIP/2.0/UDP");
    pair_server(p, NULL, 421);
    assert_true(!has(p, "certs-only") && p->verdict.warning_count == 1 && has(p, "Security-Server"));
    pair_end(p);
}

/* AGR-39: a nonce that ran out with good credentials is stale; bad credentials are just refused. */
static void stale_nonce(void **state)
{
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, OFFERED_INVITE);
    pair_start(p, OFFERED_INVITE);
    pair_server(p, NULL, 494);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    static text request;
    set_text(&request, span_of(&p->message));
    p->server.now += 400;
    pair_server(p, NULL, 494);
    assert_true(has(p, ", stale=true"));
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING); /* no attack: a new nonce, once more */
    pair_server(p, NULL, 0);
    assert_true(p->verdict.agreed);
    p->server.now -= 400;
    static const char *const changes[][2] = {{"username=\"alice\"", "username=\"mallory\""}, {"response=\"", "response=\"0"}, {"nc=00000001", "nc=00000009"},
                                             {"uri=\"sip:bob@home.example\"", "uri=\"sip:eve@home.example\""}, {"cnonce=\"", "cnonce=\"0"},
                                             {"qop=auth,", "qop=auth-int,"}, {"algorithm=MD5", "algorithm=MD5-sess"}, {"algorithm=MD5", "algorithm=ROT13"},
                                             {"realm=\"home.example\"", "realm=\"away.example\""}, {"INVITE sip:bob", "INVITE sip:eve"}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        set_text(&p->message, span_of(&request));
        change(p, changes[i][0], changes[i][1]);
        pair_server(p, NULL, 494);
        if (has(p, "stale")) fail_msg("%s", changes[i][0]);
        assert_int_equal(p->verdict.row, 4);
    }
    pair_end(p);
}

/* AGR-36, AGR-38, AGR-39, AGR-40: forms of d-ver, MD5-sess, auth-int, SHA-256 where both know it, from end to end. */
static void forms_of_digest(void **state)
{
    static const struct {
        const char *list;
        sipveil_agree_dver_form client, server;
        bool sha256, no_qop;
        int status;
    } cases[] = {
        {LIST, SIPVEIL_AGREE_DVER_VALUE, SIPVEIL_AGREE_DVER_DEFAULT, false, false, 0},
        {LIST, SIPVEIL_AGREE_DVER_VALUE, SIPVEIL_AGREE_DVER_ABNF, false, false, 494},
        {LIST, SIPVEIL_AGREE_DVER_ABNF, SIPVEIL_AGREE_DVER_VALUE, false, false, 494},
        {LIST, SIPVEIL_AGREE_DVER_ABNF, SIPVEIL_AGREE_DVER_BOTH, false, false, 0},
        {"digest;q=0.1;d-alg=MD5-sess;d-qop=auth-int", SIPVEIL_AGREE_DVER_DEFAULT, SIPVEIL_AGREE_DVER_DEFAULT, false, false, 0},
        {"digest;q=0.1", SIPVEIL_AGREE_DVER_DEFAULT, SIPVEIL_AGREE_DVER_DEFAULT, false, false, 0},
        {"digest;q=0.3;d-qop=auth-int, digest;q=0.1;d-qop=auth", SIPVEIL_AGREE_DVER_DEFAULT, SIPVEIL_AGREE_DVER_DEFAULT, false, false, 0},
        {"digest;q=0.1;d-alg=SHA-256;d-qop=auth", SIPVEIL_AGREE_DVER_DEFAULT, SIPVEIL_AGREE_DVER_DEFAULT, true, false, 0},
        /* AGR-39: without qop no replay would be noticed, so both must have been told to do without */
        {"digest;q=0.1", SIPVEIL_AGREE_DVER_DEFAULT, SIPVEIL_AGREE_DVER_DEFAULT, false, true, 0},
        {"digest;q=0.1", SIPVEIL_AGREE_DVER_DEFAULT, SIPVEIL_AGREE_DVER_DEFAULT, false, true, 494},
    };
    world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pair *p = at(w, SIPVEIL_AGREE_RFC3329, cases[i].list, "");
        p->client.dver_form = cases[i].client;
        p->server.dver_form = cases[i].server;
        p->client.allow_sha256 = p->server.allow_sha256 = cases[i].sha256;
        p->client.allow_no_qop = cases[i].no_qop;
        p->server.allow_no_qop = cases[i].no_qop && cases[i].status == 0;
        pair_start(p, OFFERED_INVITE);
        pair_server(p, NULL, 494);
        if (cases[i].no_qop) change(p, ", qop=\"auth,auth-int\"", ""); /* as one says who knows none */
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        pair_server(p, NULL, cases[i].status);
        pair_end(p);
    }
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, "digest;q=0.1;d-alg=SHA-256;d-qop=auth", "");
    pair_start(p, OFFERED_INVITE);
    pair_server(p, NULL, 494);
    pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_NO_COMMON);
    pair_end(p);
}

/* AGR-33, AGR-34: good credentials of nobody that is known here, of the same name in another realm, and ones that lack
 * something; which of the two rules refuses says how far they came. */
static void credentials_of_nobody(void **state)
{
    static const struct {
        sipveil_agree_credentials client, server;
        const char *rule; /* NULL: they are good */
    } cases[] = {
        {{"home.example", "alice", "s3cret"}, {"home.example", "alice", "s3cret"}, NULL},
        {{"home.example", "alice", ""}, {"home.example", "alice", "s3cret"}, "AGR-33"},
        {{"home.example", "mallory", ""}, {"home.example", "alice", "s3cret"}, "AGR-33"}, /* as nobody's password is */
        {{"home.example", "alice", "s3cret"}, {"away.example", "alice", "s3cret"}, "AGR-33"},
        {{"home.example", "alice", ""}, {"away.example", "alice", "s3cret"}, "AGR-33"},
    };
    static const char *const lacking[][2] = {
        {" username=", " xsername="}, {" nonce=", " xonce="}, {" uri=", " xri="}, {" response=", " xesponse="},
        {" cnonce=", " xnonce="}, {" qop=", " xop="},
    };
    world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, "");
        p->client.credentials = &cases[i].client;
        p->server.credentials = &cases[i].server;
        pair_start(p, OFFERED_INVITE);
        pair_server(p, NULL, 494);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        pair_server(p, NULL, cases[i].rule == NULL ? 0 : 494);
        if (cases[i].rule != NULL) assert_string_equal(p->verdict.reason.rule, cases[i].rule);
        pair_end(p);
    }
    for (size_t i = 0; i < 2 * sizeof lacking / sizeof *lacking; i++) {
        const char *const *change_of = lacking[i / 2];
        pair *p = at(w, SIPVEIL_AGREE_RFC3329, i % 2 == 0 ? LIST : "digest;q=0.1", "");
        pair_start(p, OFFERED_INVITE);
        pair_server(p, NULL, 494);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        change(p, change_of[0], change_of[1]);
        pair_server(p, NULL, 494);
        if (strcmp(p->verdict.reason.rule, "AGR-34") != 0) fail_msg("%s: %s", change_of[0], p->verdict.reason.text);
        pair_end(p);
    }
}

/* AGR-33: a name is a quoted-string on the wire and itself in the hash, at both ends; it ends no header field. */
static void names_that_are_quoted(void **state)
{
    static const struct {
        const char *name, *written;
    } cases[] = {{"al\"ice", "username=\"al\\\"ice\","}, {"home\\alice", "username=\"home\\\\alice\","},
                 {"al\", uri=\"sip:eve@home.example", "username=\"al\\\", uri=\\\"sip:eve@home.example\","},
                 {"alice\\", "username=\"alice\\\\\","}};
    world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, "");
        p->credentials.username = cases[i].name;
        pair_start(p, OFFERED_INVITE);
        pair_server(p, NULL, 494);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        if (!has(p, cases[i].written)) fail_msg("not %s in %s", cases[i].written, p->message.octets);
        pair_server(p, NULL, 0);
        pair_end(p);
    }
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, "");
    pair_start(p, OFFERED_INVITE);
    pair_server(p, NULL, 494);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    change(p, "username=\"alice\"", "username=\"\\al\\ice\""); /* the same name, written otherwise */
    pair_server(p, NULL, 0);
    pair_end(p);
    p = at(w, SIPVEIL_AGREE_RFC3329, LIST, "");
    p->credentials.username = "alice\r\nX-Forged: yes";
    pair_start(p, OFFERED_INVITE);
    pair_server(p, NULL, 494);
    assert_int_equal(pair_try(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL), SIPVEIL_USAGE);
    assert_string_equal(p->err.rule, "AGR-33");
    pair_end(p);
}

/* AGR-33: so it is with a realm: both ends know it by what it says, however the other one writes it, also when the nonce has
 * run out and is asked for anew. */
static void realms_that_are_quoted(void **state)
{
    static const struct {
        const char *realm, *asked, *asked_otherwise;
    } cases[] = {{"home.example", "realm=\"home.example\"", "realm=\"\\home\\.example\""},
                 {"the \"home\"", "realm=\"the \\\"home\\\"\"", "realm=\"\\the\\ \\\"home\\\"\""},
                 {"home\\", "realm=\"home\\\\\"", "realm=\"h\\ome\\\\\""},
                 {"a\", nonce=\"b", "realm=\"a\\\", nonce=\\\"b\"", "realm=\"\\a\\\", nonce=\\\"b\""}};
    world *w = *state;
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, "");
        const char *asked = i % 2 == 0 ? cases[i / 2].asked : cases[i / 2].asked_otherwise;
        p->credentials.realm = p->server.realm = cases[i / 2].realm;
        pair_start(p, OFFERED_INVITE);
        pair_server(p, NULL, 494);
        if (!has(p, cases[i / 2].asked)) fail_msg("not %s in %s", cases[i / 2].asked, p->message.octets);
        if (i % 2 == 1) change(p, cases[i / 2].asked, asked);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        if (!has(p, asked)) fail_msg("not %s in %s", asked, p->message.octets); /* as it was asked */
        p->server.now += 400;
        pair_server(p, NULL, 494);
        assert_true(has(p, ", stale=true"));
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        pair_server(p, NULL, 0);
        pair_end(p);
    }
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, OFFERED_INVITE);
    p->server.realm = "home\r\nX-Forged: yes";
    assert_int_equal(sipveil_agree_check_request(w->other, &p->server, SV_SPAN(OFFERED_INVITE), &p->verdict, &p->err),
                     SIPVEIL_USAGE);
    assert_string_equal(p->err.rule, "AGR-33");
    pair_end(p);
}

/* AGR-11: PRACK is not refused for a list that it lacks; a changed one is. */
static void prack(void **state)
{
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, OFFERED_INVITE);
    change(p, "INVITE sip", "PRACK sip");
    change(p, "1 INVITE", "2 PRACK\r\nRequire: sec-agree");
    static text prack_text;
    set_text(&prack_text, span_of(&p->message));
    pair_server(p, "tls", 0);
    assert_true(p->verdict.row == 12 && !p->verdict.agreed);
    set_text(&p->message, span_of(&prack_text));
    change(p, "Require: sec-agree", "Require: sec-agree\r\nSecurity-Verify: digest");
    pair_server(p, "tls", 494);
    pair_end(p);
}

/* AGR-30, AGR-31, AGR-32: what a proxy removes, in both directions. */
static void removed(void **state)
{
    static const char response[] = "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\n"
                                   "Call-ID: c\r\nCSeq: 1 INVITE\r\nSecurity-Server: digest\r\nX: 1\r\nsecurity-server: tls\r\nContent-Length: 0\r\n\r\n";
    world *w = *state;
    sipveil_span cleaned;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, "tls;q=0.2", OFFERED_INVITE);
    change(p, "Max-Forwards", "Require: a,sec-agree , b\r\nProxy-Require: SEC-AGREE\r\nSupported: sec-agree\r\nSecurity-Client: tls\r\n"
                              "Security-Verify: tls;q=0.2\r\nMax-Forwards");
    pair_server(p, "tls", 0);
    assert_true(!has(p, "Security-") && !has(p, "Proxy-Require") && has(p, "\r\nSupported: sec-agree\r\n") && has(p, "\r\nRequire: a"));
    assert_int_equal(sipveil_agree_clean_response(w->other, SV_SPAN(response), &cleaned, &p->err), SIPVEIL_OK);
    set_text(&p->message, cleaned);
    assert_true(!has(p, "ecurity-") && has(p, "\r\nX: 1\r\n"));
    assert_int_equal(sipveil_agree_clean_response(w->other, SV_SPAN(OFFERED_INVITE), &cleaned, &p->err), SIPVEIL_USAGE);
    pair_end(p);
}

/* AGR-22: requests from the next hop, over the same protection, are none of this: a client that serves them has policy off. */
static void the_other_direction(void **state)
{
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, OFFERED_INVITE);
    p->server.policy = SIPVEIL_AGREE_OFF;
    pair_server(p, "tls", 0);
    assert_same(span_of(&p->message), SV_SPAN(OFFERED_INVITE));
    pair_end(p);
}

/* Whoever proves nothing can fill what is kept of offers, and nothing else: nonces go on (AGR-28). */
static void a_flood_of_offers(void **state)
{
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_3GPP, LIST, "");
    for (int i = 0; i < 20000; i++) {
        char request[512];
        int n = snprintf(request, sizeof request, "REGISTER sip:home.example SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n"
                         "From: <sip:a@home.example>;tag=1\r\nTo: <sip:a@home.example>\r\nCall-ID: %d\r\nCSeq: 1 REGISTER\r\n"
                         "Security-Client: digest\r\nContent-Length: 0\r\n\r\n", i, i);
        PAIR_OK(sipveil_agree_check_request(w->other, &p->server, sv_span(request, (size_t)n), &p->verdict, &p->err));
        assert_int_equal(p->verdict.status, 421);
    }
    pair_start(p, OFFERED_INVITE);
    pair_server(p, NULL, 494);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    pair_server(p, NULL, 0);
    assert_true(p->verdict.agreed);
    pair_end(p);
}

static void wrong_calls(void **state)
{
    world *w = *state;
    pair *p = at(w, SIPVEIL_AGREE_RFC3329, LIST, "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(sipveil_agree_check_request(w->other, &p->server, span_of(&p->message), &p->verdict, &p->err),
                     SIPVEIL_USAGE);
    p->server.memory = NULL;
    assert_int_equal(sipveil_agree_check_request(w->other, &p->server, SV_SPAN(OFFERED_INVITE), &p->verdict, &p->err),
                     SIPVEIL_USAGE);
    p->server.memory = w->p1.memory;
    p->server.list = p->ours;
    assert_int_equal(sipveil_agree_check_request(w->other, &p->server, SV_SPAN(OFFERED_INVITE), &p->verdict, &p->err),
                     SIPVEIL_USAGE);
    p->server.list = p->theirs;
    static const char *const words[] = {"", "tsl", "NONE", "tls ", "sdes-srtp", "tls;q=0.2"}; /* AGR-19 */
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        p->server.protected_by = words[i];
        assert_int_equal(sipveil_agree_check_request(w->other, &p->server, SV_SPAN(OFFERED_INVITE), &p->verdict, &p->err),
                         SIPVEIL_USAGE);
        assert_string_equal(p->err.rule, "AGR-19");
    }
    p->server.protected_by = "none";
    assert_int_equal(sipveil_agree_check_request(w->other, &p->server, SV_SPAN("INVITE"), &p->verdict, &p->err),
                     SIPVEIL_MALFORMED);
    assert_true(p->verdict.message.len == 0 && p->verdict.row == 0);
    pair_end(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_its_own_account), cmocka_unit_test(protected_by_another), cmocka_unit_test(roles_and_policies), cmocka_unit_test(plain_tls),
        cmocka_unit_test(retransmission), cmocka_unit_test(no_state_and_small_answers), cmocka_unit_test(stale_nonce),
        cmocka_unit_test(forms_of_digest), cmocka_unit_test(credentials_of_nobody), cmocka_unit_test(names_that_are_quoted), cmocka_unit_test(realms_that_are_quoted), cmocka_unit_test(prack), cmocka_unit_test(removed), cmocka_unit_test(the_other_direction), cmocka_unit_test(a_flood_of_offers),
        cmocka_unit_test(wrong_calls),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
