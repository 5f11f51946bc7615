/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that ends, at the nth time it is asked for, in what stands around signing and verifying: certificates by NOTIFY, our
 * own credential, what is bound, connected identity (ADV-215). What could not be looked at is told, and never taken for absent or
 * for good; what was kept is kept as long as nothing came in its place. Every allocation of an arena is one that can fail here.
 * What libcrypto's decoder leaves of a private key is not ours to wipe, and not looked for. */
#include "failing.h"

#include "base/error.h"
#include "identity/vouched.h"
#include "mime/mime.h"

#define AOR "sip:alice@atlanta.example"
#define CALL "c1@atlanta.example"
#define FROM_ALICE ALICE ";tag=a1"
#define TO_BOB BOB ";tag=b1"

static struct {
    parties *p;
    sipveil_worker *worker;
    side s;                     /* its memory, as new in each start */
    sipveil_keyring *trust, *ring; /* trust: the CA's; ring: what comes in, as new in each start */
    sipveil_span message;
    const sipveil_identity_verdict *verdict;
    const device *kept, *comes; /* kept by its address before, and after; NULL: none */
    bool bound;                 /* Alice's certificate is, to the call */
    sipveil_certificate_notice notice;
    int status;
} now;

static sipveil_span find_kept(void)
{
    sipveil_span der = {NULL, 0};
    sipveil_code code = sipveil_certificate_find_kept(now.p->worker, now.s.memory, AOR, NOW, &der, NULL);
    assert_true(code == SIPVEIL_OK || code == SIPVEIL_NO_KEY);
    return der;
}

static sipveil_code take(sipveil_worker *worker, sipveil_span message, sipveil_certificate_notified *out, sipveil_error *err)
{
    sipveil_certificate_notify_options o;
    sipveil_certificate_notify_options_default(&o);
    o.memory = now.s.memory;
    o.aor = AOR;
    o.trust = now.trust;
    o.subscribed_until = NOW + 5000;
    memset(out, 0xAA, sizeof *out);
    return sipveil_certificate_take_notify(worker, &o, message, now.verdict, out, err);
}

static sipveil_span notify(content body)
{
    return compose(now.p, "NOTIFY sip:bob@192.0.2.2 SIP/2.0\r\n",
                   "From: <sip:alice@atlanta.example>;tag=s1\r\nTo: " TO_BOB "\r\nCall-ID: s1\r\nCSeq: 4 NOTIFY\r\n"
                   "Event: certificate\r\nSubscription-State: active\r\nContact: <sip:s@192.0.2.9>\r\n" AT, body);
}

static void start(void *user)
{
    sipveil_error err;
    sipveil_certificate_notified out;
    (void)user;
    now.s = begin_side(now.p);
    failing.no_room = true;
    assert_int_equal(sipveil_worker_new(now.p->context, &now.worker, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_new(now.p->context, &now.ring, &err), SIPVEIL_OK);
    failing.no_room = false;
    if (now.kept != NULL) {
        assert_int_equal(take(now.p->worker, notify(pkix(now.kept)), &out, &err), SIPVEIL_OK);
        assert_int_equal(out.notice, SIPVEIL_CERTIFICATE_KEPT);
    }
    if (now.bound) (void)bind(now.p, &now.s, request(now.p, "INVITE", CALL, FROM_ALICE, BOB, pkix(&now.p->alice)), now.verdict);
}

static void stop(void *user)
{
    (void)user;
    end_side(&now.s);
    sipveil_keyring_free(now.ring);
    sipveil_worker_free(now.worker);
}

enum { NO_RANDOM = 1 << FAILING_RANDOM, OWN_ONLY = NO_RANDOM | 1 << FAILING_LIBCRYPTO };

static void everywhere(const char *name, sipveil_code (*run)(void *user, sipveil_error *err),
                       void (*check)(void *user, sipveil_code code), unsigned without)
{
    const failing_operation op = {name, start, run, check, stop, .without = without, .library_leaks = true};
    failing_table(&op, 1, NULL);
}

/* ---- certificates by NOTIFY ---- */

/* What libcrypto cannot verify without memory is verified by nobody: then nothing is kept. */
static sipveil_code take_once(void *user, sipveil_error *err)
{
    sipveil_certificate_notified out;
    sipveil_code code = take(now.worker, now.message, &out, err);
    (void)user;
    if (code != SIPVEIL_OK) {
        assert_true(out.certificate.data == NULL && out.notice == SIPVEIL_CERTIFICATE_IGNORED && out.status == 0);
        return code;
    }
    if (out.notice == now.notice) {
        assert_int_equal(out.had_before, now.kept != NULL);
        return code;
    }
    assert_true(failing.whose == FAILING_LIBCRYPTO && out.notice == SIPVEIL_CERTIFICATE_DISCARDED);
    return sv_fail(err, "test", SIPVEIL_UNTRUSTED_SIGNER, "%s", out.why);
}

static void one_or_the_other(void *user, sipveil_code code)
{
    const device *wanted = code == SIPVEIL_OK ? now.comes : now.kept;
    sipveil_span found = find_kept();
    (void)user;
    if (code == SIPVEIL_UNTRUSTED_SIGNER) { /* what is said to be another one's ends the one before, whoever says so (IDN-79) */
        assert_int_equal(found.len, 0);
        sipveil_certificate_notified out;
        if (now.kept != NULL) assert_int_equal(take(now.p->worker, notify(pkix(now.kept)), &out, NULL), SIPVEIL_OK);
        return;
    }
    assert_true(wanted != NULL ? sv_equal(found, wanted->der) : found.len == 0);
}

static void notices(void **state)
{
    parties *p = now.p = *state;
    const sipveil_identity_verdict vouched = by_body(AOR, "atlanta.example");
    device other = make_device(p, p->corporate, p->corporate_key, AOR, NULL, NOW + 90000);
    const struct {
        const char *name;
        const device *kept, *comes;
        content body;
        sipveil_certificate_notice notice;
        unsigned without;
    } rows[] = {
        {"the first", NULL, &p->alice, pkix(&p->alice), SIPVEIL_CERTIFICATE_KEPT, NO_RANDOM},
        {"another one, by its chain", &p->alice, &other, pkix(&other), SIPVEIL_CERTIFICATE_KEPT, NO_RANDOM},
        {"none any more", &p->alice, NULL, no_body, SIPVEIL_CERTIFICATE_NONE, NO_RANDOM},
        {"one that nobody can read", &p->alice, NULL, {"application/pkix-cert", SV_SPAN("0")}, SIPVEIL_CERTIFICATE_DISCARDED, NO_RANDOM},
    };
    assert_code(sipveil_keyring_new(p->context, &now.trust, &p->err), SIPVEIL_OK);
    assert_code(sipveil_keyring_add_anchor_octets(now.trust, sv_span_str(p->corporate), "the CA", &p->err), SIPVEIL_OK);
    now.verdict = &vouched;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        now.kept = rows[i].kept;
        now.comes = rows[i].comes;
        now.notice = rows[i].notice;
        now.message = notify(rows[i].body);
        everywhere(rows[i].name, take_once, one_or_the_other, rows[i].without);
    }
    now.kept = NULL;
    sipveil_keyring_free(now.trust);
    now.trust = NULL;
    sipveil_keyring_free(other.ring);
}

static sipveil_code find_once(void *user, sipveil_error *err)
{
    sipveil_span der = SV_SPAN("x");
    (void)user;
    sipveil_code code = sipveil_certificate_find_kept(now.worker, now.s.memory, AOR, NOW, &der, err);
    assert_true(code == SIPVEIL_OK ? sv_equal(der, now.kept->der) : der.data == NULL);
    return code;
}

static sipveil_code drop_once(void *user, sipveil_error *err)
{
    (void)user;
    return sipveil_certificate_drop_kept(now.worker, now.s.memory, AOR, err);
}

static void kept_ones(void **state)
{
    parties *p = now.p = *state;
    const sipveil_identity_verdict vouched = by_body(AOR, "atlanta.example");
    now.verdict = &vouched;
    now.kept = &p->alice;
    now.comes = &p->alice;
    everywhere("is found", find_once, one_or_the_other, OWN_ONLY);
    now.comes = NULL;
    everywhere("is dropped", drop_once, one_or_the_other, OWN_ONLY);
    now.kept = NULL;
}

/* ---- our own credential ---- */

static sipveil_code take_credential(void *user, sipveil_error *err)
{
    (void)user;
    return sipveil_certificate_take_credential(now.worker, now.message, true, NULL, now.ring, err);
}

static void all_or_none(void *user, sipveil_code code)
{
    (void)user;
    assert_int_equal(sipveil_keyring_count(now.ring), code == SIPVEIL_OK ? 1 : 0);
}

static void credential(void **state)
{
    parties *p = now.p = *state;
    const sipveil_certificate_request r = {.aor = "sip:bob@biloxi.example", .not_before = NOW - 1, .not_after = NOW + 100};
    sipveil_span none = {NULL, 0};
    char *both, *alone;
    assert_code(sipveil_keys_make_certificate(p->context, none, none, &r, &both, &alone, &p->err), SIPVEIL_OK);
    content parts[] = {{"application/pkix-cert", der_of(p, both, "CERTIFICATE")}, {"application/pkcs8", der_of(p, both, "PRIVATE KEY")}};
    now.message = compose(p, "NOTIFY sip:bob@192.0.2.2 SIP/2.0\r\n",
                          "From: <sip:bob@biloxi.example>;tag=s1\r\nTo: " TO_BOB "\r\nCall-ID: s1\r\nCSeq: 4 NOTIFY\r\n"
                          "Event: credential\r\nSubscription-State: active\r\nContact: <sip:s@192.0.2.9>\r\n" AT, mixed(p, parts, 2));
    everywhere("a credential", take_credential, all_or_none, NO_RANDOM);
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(alone);
}

/* ---- what is bound ---- */

static sipveil_code carries_once(void *user, sipveil_error *err)
{
    bool carries = true;
    (void)user;
    sipveil_code code = sipveil_identity_carries_certificate(now.worker, now.message, &carries, err);
    assert_int_equal(carries, code == SIPVEIL_OK);
    return code;
}

static sipveil_code list_once(void *user, sipveil_error *err)
{
    const sipveil_binding *all = NULL;
    size_t count = 7;
    (void)user;
    sipveil_code code = sipveil_identity_list_bindings(now.worker, now.s.memory, NULL, NOW, &all, &count, err);
    assert_int_equal(count, code == SIPVEIL_OK ? 1 : 0);
    return code;
}

static sipveil_code forget_once(void *user, sipveil_error *err)
{
    const sipveil_binding_filter filter = {.local = "sip:bob@biloxi.example"};
    size_t count = 7;
    (void)user;
    sipveil_code code = sipveil_identity_forget_bindings(now.worker, now.s.memory, &filter, &count, err);
    assert_int_equal(count, code == SIPVEIL_OK ? 1 : 0);
    return code;
}

static void is_forgotten(void *user, sipveil_code code)
{
    (void)user;
    assert_int_equal(count_bound(now.p, &now.s, NULL), code == SIPVEIL_OK ? 0 : 1);
}

static sipveil_code add_once(void *user, sipveil_error *err)
{
    (void)user;
    return sipveil_identity_add_bound(now.worker, now.s.memory, now.message, AOR, NOW, now.ring, err);
}

/* A number is vouched for without the host beside it: no peer is one that there was no memory to name. */
static sipveil_code bind_number(void *user, sipveil_error *err)
{
    (void)user;
    sipveil_code code =
        sipveil_identity_bind_certificate(now.worker, &now.s.options, now.message, now.verdict, &now.s.bound, err);
    if (code != SIPVEIL_OK) return code;
    if (now.s.bound.assurance != SIPVEIL_ASSURANCE_SESSION) {
        if (failing.whose != FAILING_LIBCRYPTO) fail_msg("%d, %s", (int)now.s.bound.assurance, now.s.bound.why);
        return sv_fail(err, "test", SIPVEIL_MALFORMED, "%s", now.s.bound.why); /* as it may look where libcrypto has none */
    }
    assert_string_equal(now.s.bound.aor, now.verdict->is_number ? "tel:+15551234" : AOR);
    return code;
}

static void bindings(void **state)
{
    parties *p = now.p = *state;
    const sipveil_identity_verdict vouched = by_body(AOR, "atlanta.example");
    sipveil_identity_verdict number = by_mky(p, "15551234", "atlanta.example", &p->alice);
    number.is_number = true;
    now.message = request(p, "INVITE", CALL, FROM_ALICE, BOB, pkix(&p->alice));
    everywhere("carries one", carries_once, NULL, OWN_ONLY);
    now.verdict = &vouched;
    everywhere("is bound to an address", bind_number, NULL, OWN_ONLY);
    now.verdict = &number;
    everywhere("is bound to a number", bind_number, NULL, OWN_ONLY);
    now.verdict = &vouched;
    now.bound = true;
    everywhere("are listed", list_once, NULL, OWN_ONLY);
    everywhere("is forgotten", forget_once, is_forgotten, OWN_ONLY);
    now.message = request(p, "INFO", CALL, TO_BOB, FROM_ALICE, no_body);
    everywhere("is added", add_once, all_or_none, NO_RANDOM);
    now.bound = false;
}

/* ---- connected identity ---- */

static sipveil_code note_once(void *user, sipveil_error *err)
{
    sipveil_connected d = {.calling = true};
    (void)user;
    sipveil_code code = sipveil_connected_note(now.worker, &d, now.message, false, NULL, err);
    assert_int_equal(d.peer_supports, code == SIPVEIL_OK);
    return code;
}

static sipveil_code announce_once(void *user, sipveil_error *err)
{
    sipveil_span out = SV_SPAN("x");
    (void)user;
    sipveil_code code = sipveil_connected_announce(now.worker, now.message, &out, err);
    size_t at;
    if (code == SIPVEIL_OK) assert_true(sv_find(out, SV_SPAN("Supported: from-change\r\n"), &at));
    else assert_null(out.data);
    return code;
}

static sipveil_code route_once(void *user, sipveil_error *err)
{
    bool wants = true;
    (void)user;
    sipveil_code code = sipveil_connected_wants_route(now.worker, now.message, true, &wants, err);
    assert_int_equal(wants, code == SIPVEIL_OK);
    return code;
}

static sipveil_code brandy_once(void *user, sipveil_error *err)
{
    int status = -1;
    (void)user;
    sipveil_code code = sipveil_connected_check_brandy(now.worker, now.message, now.verdict, &status, err);
    assert_int_equal(status, code == SIPVEIL_OK ? now.status : 0);
    return code;
}

static void connected(void **state)
{
    parties *p = now.p = *state;
    const sipveil_identity_verdict absent = {.valid = false};
    content text = {"text/plain", SV_SPAN("x")}, inner = mixed(p, (content[]){text, sdp_of(p, "")}, 2);
    sv_buffer outer = buffer_of(p); /* a boundary of its own */
    sv_put_str(&outer, "--o\r\nContent-Type: multipart/mixed;boundary=part-of-it\r\n\r\n");
    sv_put(&outer, inner.octets);
    sv_put_str(&outer, "\r\n--o--\r\n");
    now.message = compose(p, "INVITE sip:bob@biloxi.example SIP/2.0\r\n", ALICE_TO_BOB(CALL, "") "CSeq: 1 INVITE\r\n", no_body);
    everywhere("announced", announce_once, NULL, OWN_ONLY);
    now.message = compose(p, "INVITE sip:bob@biloxi.example SIP/2.0\r\n", ALICE_TO_BOB(CALL, "") "CSeq: 1 INVITE\r\nSupported: from-change\r\n", no_body);
    everywhere("noted", note_once, NULL, OWN_ONLY);
    everywhere("routed", route_once, NULL, OWN_ONLY);
    now.verdict = &absent;
    now.status = 428; /* an answer in a part of a part is one */
    now.message = request(p, "UPDATE", CALL, FROM_ALICE, TO_BOB, (content){"multipart/mixed;boundary=o", sv_buffer_span(&outer)});
    everywhere("sipbrandy", brandy_once, NULL, OWN_ONLY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(notices), cmocka_unit_test(kept_ones), cmocka_unit_test(credential),
                                       cmocka_unit_test(bindings), cmocka_unit_test(connected)};
    if (!failing_install()) return 2;
    return cmocka_run_group_tests_name("memory that ends around identity", tests, parties_setup, parties_teardown);
}
