/* SPDX-License-Identifier: BSD-2-Clause */
/* Mechanisms that carry the list inside: smime end to end, digest-integrity (T-17, T-18, T-20; AGR-42 to 49). */
#include "agree/pair.h"
#include "keys/certificate.h"

static const sipveil_agree_profile profiles[] = {SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_DRAFT05, SIPVEIL_AGREE_DRAFT04,
                                                 SIPVEIL_AGREE_3GPP};
enum { PROFILES = sizeof profiles / sizeof *profiles };

static pair *until_494(world *w, sipveil_agree_profile profile, const char *ours, const char *theirs)
{
    static pair p;
    sipveil_memory_free(w->p1.memory);
    assert_int_equal(sipveil_memory_new(&w->p1.memory, NULL), SIPVEIL_OK);
    pair_begin(&p, w, profile, ours, theirs);
    pair_start(&p, OFFERED_INVITE);
    pair_server(&p, NULL, 494);
    return &p;
}

/* AGR-45, 46, 47: the certificate in the 494, the request sealed for it, the list inside; then a later request. */
static void smime_from_end_to_end(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < PROFILES; i++) {
        pair *p = until_494(w, profiles[i], "smime, tls", "smime;q=0.7, tls;q=0.2");
        assert_true(has(p, "\r\nContent-Type: application/pkcs7-mime; smime-type=certs-only") &&
                    has(p, "\r\nContent-Disposition: signal; handling=optional\r\n"));
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        assert_true(p->a.certificate.len > 100 && p->a.expires == NOW + 3600); /* AGR-44 */
        assert_true(has(p, "\r\nSecurity-Verify: smime;q=0.7, tls;q=0.2\r\n") && has(p, "\r\nRequire: sec-agree\r\n") &&
                    has(p, "application/pkcs7-mime") && !has(p, "v=0"));
        pair_server(p, NULL, 0);
        assert_true(p->verdict.agreed && sv_equal_str(p->verdict.protected_by, "smime"));
        assert_true(has(p, "\r\n\r\nv=0\r\n") && has(p, "INVITE sip:bob@home.example") && !has(p, "Security-") && !has(p, "sec-agree"));
        pair_success(p);
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_ACTIVE);
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        change(p, "1 INVITE", "9 INVITE");
        change(p, "z9hG4bKfirst", "z9hG4bKninth");
        pair_client(p, SIPVEIL_AGREE_EVENT_REQUEST, NULL, SIPVEIL_AGREE_ACTIVE);
        pair_server(p, NULL, 0);
        assert_true(p->verdict.agreed);
        /* Its lifetime is over: IDLE, and nothing is sent. */
        p->server.now += 3601;
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        pair_client(p, SIPVEIL_AGREE_EVENT_REQUEST, NULL, SIPVEIL_AGREE_IDLE);
        assert_int_equal(p->outcome.message.len, 0);
        pair_end(p);
    }
}

/* T-17, AGR-46: somebody else's certificate, of the same CA or of none. */
static void other_certificate(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < PROFILES; i++) {
        const sipveil_keyring *rings[] = {w->p2.ring, w->ua2.ring};
        for (size_t k = 0; k < 2; k++) {
            pair *p = until_494(w, profiles[i], "smime", "smime;q=0.7");
            p->open.keyring = rings[k]; /* the attacker's answer */
            set_text(&p->message, SV_SPAN(OFFERED_INVITE));
            change(p, "Max-Forwards", "Security-Client: smime\r\nRequire: sec-agree\r\nMax-Forwards");
            pair_server(p, NULL, 494);
            pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_CERT);
            pair_end(p);
        }
        pair *p = until_494(w, profiles[i], "smime", "smime;q=0.7");
        p->client.keyring = NULL; /* no trust at first sight */
        pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_CERT);
        pair_end(p);
        p = until_494(w, profiles[i], "smime", "smime;q=0.7");
        p->client.next_hop = NULL;
        pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_CERT);
        pair_end(p);
        p = until_494(w, profiles[i], "smime", "smime;q=0.7");
        p->server.now += 2 * 86400; /* no longer valid */
        pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_CERT);
        pair_end(p);
    }
}

/* T-17, AGR-46: the right name in a certificate of an authority that nobody here trusts. */
static void certificate_of_another_authority(void **state)
{
    world *w = *state;
    party evil = {0};
    char *ca = NULL, *ca_key = NULL;
    assert_code(sipveil_keys_make_authority(w->context, "Evil CA", &ca, &ca_key, &w->err), SIPVEIL_OK);
    make_party(w, &evil, ca, ca_key, NULL, P1_HOST);
    for (size_t i = 0; i < PROFILES; i++) {
        pair *p = until_494(w, profiles[i], "smime", "smime;q=0.7");
        p->open.keyring = evil.ring; /* the attacker's answer */
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        change(p, "Max-Forwards", "Security-Client: smime\r\nRequire: sec-agree\r\nMax-Forwards");
        pair_server(p, NULL, 494);
        pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_CERT);
        pair_end(p);
    }
    end_party(&evil);
    sipveil_keys_wipe_text(ca);
    sipveil_keys_wipe_text(ca_key);
}

/* A pin stands for anchor and name; another one for nothing. */
static void pinned(void **state)
{
    static const char hex[] = "0123456789abcdef";
    world *w = *state;
    uint8_t print[32];
    char pin[65] = "";
    pair *p = until_494(w, SIPVEIL_AGREE_RFC3329, "smime", "smime;q=0.7");
    assert_int_equal(sv_certificate_fingerprint(w->context, w->p1.key->cms.certificate, print, NULL), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof print; i++) {
        pin[2 * i] = hex[print[i] >> 4];
        pin[2 * i + 1] = hex[print[i] & 15];
    }
    p->client.keyring = NULL;
    p->client.next_hop = NULL;
    p->client.pin = pin;
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    pair_end(p);
    p = until_494(w, SIPVEIL_AGREE_RFC3329, "smime", "smime;q=0.7");
    p->client.keyring = NULL;
    p->client.pin = pin;
    p->server.now = NOW + 86401; /* nor does it outlive the certificate (AGR-46) */
    pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_CERT);
    pair_end(p);
    p = until_494(w, SIPVEIL_AGREE_RFC3329, "smime", "smime;q=0.7");
    pin[0] = pin[0] == '0' ? '1' : '0';
    p->client.keyring = NULL;
    p->client.pin = pin;
    pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_CERT);
    pair_end(p);
}

/* AGR-45: a 494 without certificate, and one seen before; AGR-48: a proxy only where it was asked for. */
static void start_data_of_smime(void **state)
{
    world *w = *state;
    pair *p = until_494(w, SIPVEIL_AGREE_DRAFT04, "smime", "smime;q=0.7");
    p->open.keyring = w->nobody;
    set_text(&p->message, SV_SPAN(OFFERED_INVITE));
    change(p, "Max-Forwards", "Require: sec-agree\r\nMax-Forwards");
    pair_server(p, NULL, 494);
    pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_ABORTED);
    pair_end(p);
    p = until_494(w, SIPVEIL_AGREE_DRAFT04, "smime", "smime;q=0.7");
    p->client.next_hop_is_proxy = true;
    pair_failure(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_E_NO_COMMON);
    pair_end(p);
    p = until_494(w, SIPVEIL_AGREE_DRAFT04, "smime", "smime;q=0.7");
    p->client.next_hop_is_proxy = p->client.smime_to_proxy = true;
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    pair_end(p);
}

/* T-18: the list outside was repaired, the one inside is short. */
static void inner_list_short(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < PROFILES; i++) {
        pair *p = until_494(w, profiles[i], "smime", "tls;q=0.9, smime;q=0.7");
        change(p, "tls;q=0.9, ", "");
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        change(p, "Security-Verify: smime", "Security-Verify: tls;q=0.9, smime");
        pair_server(p, NULL, 494);
        assert_int_equal(p->verdict.verify, SIPVEIL_AGREE_CHANGED);
        pair_end(p);
    }
    pair *p = until_494(w, SIPVEIL_AGREE_DRAFT04, "digest-integrity", "tls;q=0.9, digest-integrity;q=0.7");
    change(p, "tls;q=0.9, ", "");
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    change(p, "Security-Verify: digest-integrity", "Security-Verify: tls;q=0.9, digest-integrity");
    pair_server(p, NULL, 494);
    assert_string_equal(p->verdict.reason.rule, "AGR-42");
    pair_end(p);
}

/* AGR-42: the digest covers the body; a body without the list, or qop auth, is not enough. */
static void digest_integrity(void **state)
{
    world *w = *state;
    const char *list = "digest-integrity;q=0.7;alg=SHA-256, tls;q=0.2";
    pair *p = until_494(w, SIPVEIL_AGREE_DRAFT04, "digest-integrity", list);
    assert_true(has(p, "\r\nWWW-Authenticate: Digest ") && has(p, "qop=\"auth-int\"") && has(p, "algorithm=SHA-256")); /* D-05, D-06 */
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    assert_true(has(p, "\r\nAuthorization: Digest ") && has(p, "qop=auth-int") &&
                has(p, "\r\nContent-Type: multipart/mixed") && has(p, "\r\nContent-Type: message/sip\r\n") && has(p, "v=0\r\n"));
    static text good;
    set_text(&good, span_of(&p->message));
    char *inner = strstr(strstr(p->message.octets, "message/sip"), "q=0.7");
    assert_non_null(inner);
    inner[4] = '8'; /* the body is covered */
    pair_server(p, NULL, 494);
    assert_string_equal(p->verdict.reason.rule, "AGR-33");
    set_text(&p->message, span_of(&good));
    pair_server(p, NULL, 0);
    assert_true(p->verdict.agreed);
    set_text(&p->message, span_of(&good));
    pair_server(p, NULL, 494); /* T-20 */
    pair_end(p);
    /* Without a body of its own. */
    p = until_494(w, SIPVEIL_AGREE_DRAFT04, "digest-integrity", list);
    pair_end(p);
    pair_begin(p, w, SIPVEIL_AGREE_DRAFT04, "digest-integrity", list);
    pair_start(p, OFFERED_HEAD "Content-Length: 0\r\n\r\n");
    pair_server(p, NULL, 494);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    pair_server(p, NULL, 0);
    assert_true(p->verdict.agreed);
    pair_end(p);
}

/* AGR-49, T-20: sealed once, taken once; a Date out of its window; nothing that is not signed. */
static void sealed_again(void **state)
{
    static text sealed;
    world *w = *state;
    for (size_t i = 0; i < PROFILES; i++) {
        pair *p = until_494(w, profiles[i], "smime", "smime;q=0.7");
        pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
        set_text(&sealed, span_of(&p->message));
        p->server.now += 301;
        pair_server(p, NULL, 494);
        p->server.now -= 301;
        set_text(&p->message, span_of(&sealed));
        pair_server(p, NULL, 0);
        set_text(&p->message, span_of(&sealed));
        change(p, "z9hG4bK", "z9hG4bKx"); /* over another connection */
        pair_server(p, NULL, 494);
        assert_int_equal(p->verdict.reason.code, SIPVEIL_REPLAY);
        pair_end(p);
    }
}

/* AGR-47: a body alone that is signed and sealed for us protects no header field, neither the list nor who it is for. */
static void a_body_alone(void **state)
{
    world *w = *state;
    pair *p = until_494(w, SIPVEIL_AGREE_RFC3329, "smime", "tls;q=0.9, smime;q=0.7");
    for (int how = 0; how < 3; how++) {
        bool whole = how > 0;
        const sipveil_key *to = w->p1.key, *from = w->ua1.key;
        sipveil_seal_options o;
        sipveil_sealed out;
        sipveil_seal_options_default(&o);
        o.mode = whole ? SIPVEIL_MODE_TUNNEL : SIPVEIL_MODE_PAYLOAD;
        o.signers = &from;
        o.signer_count = 1;
        o.recipients = &to;
        o.recipient_count = 1;
        if (how == 2) o.date = SIPVEIL_DATE_NONE;
        assert_int_equal(sipveil_tunnel_seal_message(w->worker, &o, SV_SPAN(OFFERED_HEAD "Security-Verify: tls;q=0.9, smime;q=0.7\r\nRequire: sec-agree\r\n"
                                                                                         "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"),
                                                     &out, &w->err), SIPVEIL_OK);
        set_text(&p->message, out.message);
        if (whole) change(p, "Max-Forwards", "Security-Verify: tls;q=0.9, smime;q=0.7\r\nMax-Forwards");
        pair_server(p, NULL, how == 1 ? 0 : 494);
        if (how != 1) assert_string_equal(p->verdict.reason.rule, how == 0 ? "AGR-47" : "AGR-49"); /* no Date: nobody knows how old it is */
    }
    pair_end(p);
}

/* AGR-47: sealed for somebody else: 493, with our certificate. */
static void sealed_for_another(void **state)
{
    world *w = *state;
    pair *p = until_494(w, SIPVEIL_AGREE_RFC3329, "smime", "smime;q=0.7");
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    p->open.keyring = w->p2.ring;
    pair_server(p, NULL, 493);
    assert_true(has(p, "smime-type=certs-only"));
    pair_end(p);
    /* The host's word does not make it smime or digest. */
    static const char *const words[] = {"smime", "digest", "ipsec-ike"};
    for (size_t i = 0; i < 3; i++) {
        p = until_494(w, SIPVEIL_AGREE_RFC3329, "smime", "smime;q=0.7, digest;q=0.1");
        set_text(&p->message, SV_SPAN(OFFERED_INVITE));
        change(p, "Max-Forwards", "Security-Verify: smime;q=0.7, digest;q=0.1\r\nMax-Forwards");
        pair_server(p, words[i], i < 2 ? 421 : 494);
        pair_end(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smime_from_end_to_end), cmocka_unit_test(other_certificate), cmocka_unit_test(certificate_of_another_authority), cmocka_unit_test(pinned),
        cmocka_unit_test(start_data_of_smime), cmocka_unit_test(inner_list_short), cmocka_unit_test(digest_integrity),
        cmocka_unit_test(sealed_again), cmocka_unit_test(a_body_alone), cmocka_unit_test(sealed_for_another),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
