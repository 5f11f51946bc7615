/* SPDX-License-Identifier: BSD-2-Clause */
/* IDN-76 to IDN-82: a certificate by NOTIFY: when it may be used, how long it is kept; our own credential. */
#include "vouched.h"

#define SERVER "<sip:alice@atlanta.example>;tag=s1"
#define US BOB ";tag=b1"

static sipveil_span notify_as(parties *p, const char *event, const char *from, const char *to, const char *more, content body)
{
    char rows[512];
    snprintf(rows, sizeof rows,
             "From: %s\r\nTo: %s\r\nCall-ID: s1\r\nCSeq: 4 NOTIFY\r\n%s\r\nSubscription-State: active\r\n"
             "Contact: <sip:s@192.0.2.9>\r\n" AT "%s", from, to, event, more);
    return compose(p, "NOTIFY sip:bob@192.0.2.2 SIP/2.0\r\n", rows, body);
}

static sipveil_span notify(parties *p, content body)
{
    return notify_as(p, "Event: certificate", SERVER, US, "Content-Disposition: signal\r\n", body);
}

typedef struct watcher {
    sipveil_certificate_notify_options options;
    sipveil_certificate_notified last;
    sipveil_memory *memory;
} watcher;

static watcher begin_watcher(parties *p)
{
    watcher w = {.memory = NULL};
    p->clock = NOW;
    assert_code(sipveil_memory_new(&w.memory, &p->err), SIPVEIL_OK);
    sipveil_certificate_notify_options_default(&w.options);
    w.options.memory = w.memory;
    w.options.aor = "sip:alice@atlanta.example";
    w.options.subscribed_until = NOW + 200000;
    return w;
}

static sipveil_certificate_notice take(parties *p, watcher *w, sipveil_span message, const sipveil_identity_verdict *v)
{
    memset(&w->last, 0xAA, sizeof w->last);
    assert_code(sipveil_certificate_take_notify(p->worker, &w->options, message, v, &w->last, &p->err), SIPVEIL_OK);
    return w->last.notice;
}

static bool is_kept(parties *p, watcher *w, const device *d)
{
    sipveil_span der;
    sipveil_code code = sipveil_certificate_find_kept(p->worker, w->memory, "sip:alice@atlanta.example", p->clock, &der, &p->err);
    assert_true(code == SIPVEIL_OK || code == SIPVEIL_NO_KEY);
    return code == SIPVEIL_OK && sv_equal(der, d->der);
}

static sipveil_keyring *corporate_trust(parties *p)
{
    sipveil_keyring *trust;
    assert_code(sipveil_keyring_new(p->context, &trust, &p->err), SIPVEIL_OK);
    assert_code(sipveil_keyring_add_anchor_octets(trust, sv_span_str(p->corporate), "the CA", &p->err), SIPVEIL_OK);
    return trust;
}

/* IDN-77, IDN-78 */
static void who_vouches(void **state)
{
    parties *p = *state;
    device own = make_device(p, p->corporate, p->corporate_key, "sip:alice@atlanta.example", NULL, NOW + 90000);
    device old = make_device(p, NULL, NULL, "sip:alice@atlanta.example", NULL, NOW - 1);
    sipveil_keyring *trust = corporate_trust(p);
    const sipveil_identity_verdict body = by_body("sip:alice@atlanta.example", "atlanta.example"),
                                   bare = by_mky(p, "sip:alice@atlanta.example", "atlanta.example", NULL);
    sipveil_identity_verdict weak = body, bad = body;
    weak.weak = true;
    bad.valid = false;
    const struct {
        const device *d;
        const char *from;
        const sipveil_identity_verdict *v;
        bool integrity;
        sipveil_certificate_notice notice;
        sipveil_assurance assurance;
    } rows[] = {
        {&own, SERVER, NULL, false, SIPVEIL_CERTIFICATE_KEPT, SIPVEIL_ASSURANCE_CHAIN},
        {&own, CAROL ";tag=s1", NULL, false, SIPVEIL_CERTIFICATE_KEPT, SIPVEIL_ASSURANCE_CHAIN},
        {&p->phone, SERVER, NULL, false, SIPVEIL_CERTIFICATE_DISCARDED, SIPVEIL_ASSURANCE_UNBOUND},
        {&p->alice, SERVER, NULL, true, SIPVEIL_CERTIFICATE_DISCARDED, SIPVEIL_ASSURANCE_UNBOUND},
        {&p->alice, SERVER, &body, false, SIPVEIL_CERTIFICATE_KEPT, SIPVEIL_ASSURANCE_SESSION},
        {&p->phone, SERVER, &body, false, SIPVEIL_CERTIFICATE_KEPT, SIPVEIL_ASSURANCE_SESSION},
        {&p->alice, SERVER, &weak, false, SIPVEIL_CERTIFICATE_DISCARDED, SIPVEIL_ASSURANCE_UNBOUND},
        {&p->alice, SERVER, &bad, false, SIPVEIL_CERTIFICATE_DISCARDED, SIPVEIL_ASSURANCE_UNBOUND},
        {&p->alice, CAROL ";tag=s1", &body, false, SIPVEIL_CERTIFICATE_DISCARDED, SIPVEIL_ASSURANCE_UNBOUND},
        {&p->alice, SERVER, &bare, false, SIPVEIL_CERTIFICATE_DISCARDED, SIPVEIL_ASSURANCE_UNBOUND},
        {&p->alice, SERVER, &bare, true, SIPVEIL_CERTIFICATE_KEPT, SIPVEIL_ASSURANCE_SESSION},
        {&old, SERVER, &body, false, SIPVEIL_CERTIFICATE_DISCARDED, SIPVEIL_ASSURANCE_UNBOUND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        watcher w = begin_watcher(p);
        w.options.trust = trust;
        w.options.integrity = rows[i].integrity;
        sipveil_span m = notify_as(p, "Event: certificate", rows[i].from, US, "", pkix(rows[i].d));
        if (take(p, &w, m, rows[i].v) != rows[i].notice) fail_msg("row %zu: %s", i, w.last.why);
        assert_int_equal(w.last.assurance, rows[i].assurance);
        assert_int_equal(is_kept(p, &w, rows[i].d), rows[i].notice == SIPVEIL_CERTIFICATE_KEPT);
        assert_int_equal(w.last.status, 200);
        sipveil_memory_free(w.memory);
    }
    sipveil_keyring_free(trust);
    sipveil_keyring_free(own.ring);
    sipveil_keyring_free(old.ring);
}

/* IDN-76, IDN-82: what is not ours, or of another type, leaves everything as it was. */
static void ignored(void **state)
{
    parties *p = *state;
    const sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
    watcher w = begin_watcher(p);
    assert_int_equal(take(p, &w, notify(p, pkix(&p->alice)), &v), SIPVEIL_CERTIFICATE_KEPT);
    w.options.call_id = "s1";
    w.options.local_tag = "b1";
    w.options.remote_tag = "s1";
    const struct {
        sipveil_span message;
        int status;
    } rows[] = {
        {notify_as(p, "Event: presence", SERVER, US, "", pkix(&p->phone)), 481},
        {notify_as(p, "Event: certificates", SERVER, US, "", pkix(&p->phone)), 481},
        {notify_as(p, "X: y", SERVER, US, "", pkix(&p->phone)), 481},
        {notify_as(p, "Event: certificate", "<sip:alice@atlanta.example>;tag=s2", US, "", pkix(&p->phone)), 481},
        {notify_as(p, "Event: certificate", "<sip:alice@atlanta.example>;tag=s2", US, "", no_body), 481},
        {notify_as(p, "Event: certificate", SERVER, BOB ";tag=b2", "", no_body), 481},
        {notify_as(p, "Event: certificate", SERVER, US, "", sdp_of(p, "")), 200},
        {notify_as(p, "Event: certificate", SERVER, US, "Content-Disposition: session\r\n", pkix(&p->phone)), 200},
        {request(p, "INFO", "s1", SERVER, US, no_body), 481},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(take(p, &w, rows[i].message, &v), SIPVEIL_CERTIFICATE_IGNORED);
        assert_int_equal(w.last.status, rows[i].status);
        assert_true(is_kept(p, &w, &p->alice));
    }
    assert_int_equal(take(p, &w, notify_as(p, "o: certificate;id=1", SERVER, US, "", pkix(&p->phone)), &v),
                     SIPVEIL_CERTIFICATE_KEPT);
    assert_non_null(strstr(sipveil_certificate_subscription_rows(), "Event: certificate\r\n"));
    assert_non_null(strstr(sipveil_certificate_subscription_rows(), "Expires: 86400\r\n"));
    sipveil_memory_free(w.memory);
}

/* IDN-79: by address, for a day, within the subscription and the certificate; a newer NOTIFY replaces it at once. */
static void how_long(void **state)
{
    parties *p = *state;
    const sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
    static const struct {
        int64_t keep, subscribed, life;
    } rows[] = {{0, 200000, 86400}, {60, 200000, 60}, {0, 50, 50}, {200000, 200000, 86400 /* the certificate's */}};
    sv_certificate_summary s;
    sipveil_span der;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        watcher w = begin_watcher(p);
        w.options.keep_seconds = rows[i].keep;
        w.options.subscribed_until = NOW + rows[i].subscribed;
        assert_int_equal(take(p, &w, notify(p, pkix(&p->alice)), &v), SIPVEIL_CERTIFICATE_KEPT);
        assert_int_equal(w.last.until, NOW + rows[i].life);
        p->clock = NOW + rows[i].life;
        assert_true(is_kept(p, &w, &p->alice));
        p->clock++;
        assert_false(is_kept(p, &w, &p->alice));
        sipveil_memory_free(w.memory);
    }
    watcher late = begin_watcher(p);
    p->clock = NOW;
    late.options.subscribed_until = NOW - 1;
    late.options.keep_seconds = INT64_MAX;
    assert_int_equal(take(p, &late, notify(p, pkix(&p->alice)), &v), SIPVEIL_CERTIFICATE_DISCARDED);
    assert_string_equal(late.last.why, "the subscription is over");
    assert_false(is_kept(p, &late, &p->alice));
    sipveil_memory_free(late.memory);
    watcher w = begin_watcher(p);
    (void)take(p, &w, notify(p, pkix(&p->alice)), &v);
    assert_false(w.last.had_before);
    assert_code(sipveil_certificate_find_kept(p->worker, w.memory, "sip:bob@atlanta.example", NOW, &der, &p->err),
                SIPVEIL_NO_KEY);
    (void)take(p, &w, notify(p, pkix(&p->phone)), &v);
    assert_true(w.last.had_before && is_kept(p, &w, &p->phone));
    assert_int_equal(take(p, &w, notify(p, no_body), NULL), SIPVEIL_CERTIFICATE_NONE); /* revoked */
    assert_code(sv_certificate_summarise(p->context, p->phone.key->cms.certificate, &s, &p->err), SIPVEIL_OK);
    assert_true(w.last.had_before && sv_equal(sv_span(w.last.before_sha256, 32), sv_span(s.sha256, 32)));
    assert_false(is_kept(p, &w, &p->phone));
    (void)take(p, &w, notify(p, pkix(&p->alice)), &v);
    assert_int_equal(take(p, &w, notify(p, pkix(&p->phone)), NULL), SIPVEIL_CERTIFICATE_DISCARDED);
    assert_false(is_kept(p, &w, &p->alice) || is_kept(p, &w, &p->phone));
    sipveil_memory_free(w.memory);
}

/* IDN-60: a revocation ends what is bound of that certificate. */
static void revocation_ends_bindings(void **state)
{
    parties *p = *state;
    sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
    watcher w = begin_watcher(p);
    side bob = {.memory = w.memory};
    size_t gone;
    sipveil_identity_bind_options_default(&bob.options);
    bob.options.memory = w.memory;
    (void)take(p, &w, notify(p, pkix(&p->alice)), &v);
    (void)bind(p, &bob, request(p, "INVITE", "c1", ALICE ";tag=a1", BOB, pkix(&p->alice)), &v);
    assert_int_equal(count_bound(p, &bob, NULL), 1); /* what is kept by address is no binding */
    (void)take(p, &w, notify(p, no_body), &v);
    sipveil_binding_filter filter = {.sha256 = w.last.before_sha256};
    assert_code(sipveil_identity_forget_bindings(p->worker, w.memory, &filter, &gone, &p->err), SIPVEIL_OK);
    assert_true(gone == 1 && count_bound(p, &bob, NULL) == 0);
    sipveil_memory_free(w.memory);
}

/* IDN-80 */
static void after_437(void **state)
{
    parties *p = *state;
    const sipveil_identity_verdict v = by_body("sip:alice@atlanta.example", "atlanta.example");
    watcher w = begin_watcher(p);
    (void)take(p, &w, notify(p, pkix(&p->alice)), &v);
    assert_code(sipveil_certificate_drop_kept(p->worker, w.memory, "sip:alice@atlanta.example", &p->err), SIPVEIL_OK);
    assert_false(is_kept(p, &w, &p->alice));
    assert_code(sipveil_certificate_drop_kept(p->worker, w.memory, "sip:alice@atlanta.example", &p->err), SIPVEIL_NO_KEY);
    assert_true(sipveil_certificate_tries_again(p->alice.der, p->alice_new.der, false));
    assert_false(sipveil_certificate_tries_again(p->alice.der, p->alice_new.der, true));
    assert_false(sipveil_certificate_tries_again(p->alice.der, p->alice.der, false));
    assert_false(sipveil_certificate_tries_again(p->alice.der, sv_span(NULL, 0), false));
    sipveil_memory_free(w.memory);
}

/* ---- our own credential ---- */

/* IDN-81: over TLS straight from the server, certificate and key of one pair, nothing beside. */
static void credential(void **state)
{
    parties *p = *state;
    sipveil_certificate_request r = {.aor = "sip:bob@biloxi.example", .not_before = NOW - 1, .not_after = NOW + 100};
    sipveil_span none = {NULL, 0};
    sipveil_keyring *ring;
    char *both, *alone;
    assert_code(sipveil_keys_make_certificate(p->context, none, none, &r, &both, &alone, &p->err), SIPVEIL_OK);
    assert_code(sipveil_keyring_new(p->context, &ring, &p->err), SIPVEIL_OK);
    content certificate = {"application/pkix-cert", der_of(p, both, "CERTIFICATE")},
            key = {"application/pkcs8", der_of(p, both, "PRIVATE KEY")}, text = {"text/plain", SV_SPAN("x")};
    content good = mixed(p, (content[]){certificate, key}, 2);
    const struct {
        const char *event;
        content body;
        bool direct;
        sipveil_code code;
    } rows[] = {
        {"Event: credential", good, false, SIPVEIL_POLICY},
        {"Event: certificate", good, true, SIPVEIL_UNSUPPORTED},
        {"Event: credential", certificate, true, SIPVEIL_MALFORMED},
        {"Event: credential", mixed(p, (content[]){certificate}, 1), true, SIPVEIL_MALFORMED},
        {"Event: credential", mixed(p, (content[]){certificate, text}, 2), true, SIPVEIL_MALFORMED},
        {"Event: credential", mixed(p, (content[]){certificate, certificate}, 2), true, SIPVEIL_MALFORMED},
        {"Event: credential", mixed(p, (content[]){certificate, key, text}, 3), true, SIPVEIL_MALFORMED},
        {"Event: credential", mixed(p, (content[]){certificate, {"application/pkcs8", SV_SPAN("0")}}, 2), true, SIPVEIL_USAGE},
        {"Event: credential", good, true, SIPVEIL_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_span m = notify_as(p, rows[i].event, SERVER, US, "", rows[i].body);
        assert_code(sipveil_certificate_take_credential(p->worker, m, rows[i].direct, NULL, ring, &p->err), rows[i].code);
        assert_int_equal(sipveil_keyring_count(ring), rows[i].code == SIPVEIL_OK ? 1 : 0);
    }
    assert_int_equal(sipveil_key_get_kind(sipveil_keyring_at(ring, 0)), SIPVEIL_KEY_PRIVATE);
    sipveil_keyring_free(ring);
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(alone);
}

static void renewal(void **state)
{
    (void)state;
    assert_int_equal(sipveil_certificate_renew_after(NOW + 1000, NOW, 0), 400);
    assert_int_equal(sipveil_certificate_renew_after(NOW + 1000, NOW, 300), 700);
    assert_int_equal(sipveil_certificate_renew_after(NOW + 1000, NOW, 301), 400);
    assert_int_equal(sipveil_certificate_renew_after(NOW + 500, NOW, 17), 17);
    assert_int_equal(sipveil_certificate_renew_after(NOW, NOW, 17), 0);
    assert_int_equal(sipveil_certificate_renew_after(INT64_MIN, NOW, 17), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_vouches), cmocka_unit_test(ignored), cmocka_unit_test(how_long),
        cmocka_unit_test(revocation_ends_bindings), cmocka_unit_test(after_437), cmocka_unit_test(credential),
        cmocka_unit_test(renewal),
    };
    return cmocka_run_group_tests_name("certificates by NOTIFY", tests, parties_setup, parties_teardown);
}
