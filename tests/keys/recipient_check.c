/* SPDX-License-Identifier: BSD-2-Clause */
/* ADV-098: whom we encrypt to, and what we sign with. */
#include "lab.h"

#include "keys/session.h"

typedef struct use_case {
    const char *name;
    lab_form form;
    const char *recipient_says; /* NULL: accepted */
    const char *signer_says;
} use_case;

static const use_case cases[] = {
    {"P-256, nothing said", {0}, NULL, NULL},
    {"RSA 2048, nothing said", {.algorithm = "rsa2048"}, NULL, NULL},
    {"as keygen makes it", {.usage = "digitalSignature,keyAgreement", .purposes = "emailProtection,1.3.6.1.5.5.7.3.20"}, NULL, NULL},
    {"RSA as keygen makes it", {.algorithm = "rsa2048", .usage = "digitalSignature,keyEncipherment"}, NULL, NULL},
    {"X25519", {.algorithm = "X25519", .usage = "keyAgreement"}, NULL, "does not sign"},
    {"Ed25519", {.algorithm = "ED25519"}, "does not encrypt", NULL},
    {"P-256 that may only sign", {.usage = "digitalSignature"}, "key agreement", NULL},
    {"P-256 with key encipherment", {.usage = "digitalSignature,keyEncipherment"}, "key agreement", NULL},
    {"RSA that may only sign", {.algorithm = "rsa2048", .usage = "digitalSignature"}, "key encipherment", NULL},
    {"RSA with key agreement", {.algorithm = "rsa2048", .usage = "keyAgreement"}, "key encipherment", "digital signatures"},
    /* ADV-098, one by one */
    {"ADV-098: expired", {.from = -100, .until = -1}, "expired 2026-11-21T09:59:59Z", "expired"},
    {"ADV-098: in its last second", {.from = -100, .until = 0}, NULL, NULL},
    {"ADV-098: not yet valid", {.from = 1, .until = 100}, "not valid before", "not valid before"},
    {"ADV-098: TLS only", {.purposes = "serverAuth,clientAuth"}, "extendedKeyUsage", "extendedKeyUsage"},
    {"ADV-098: RSA 1024", {.algorithm = "rsa1024"}, "1024 bits", "1024 bits"},
    {"ADV-098: SHA-1", {.digest = "SHA1"}, "SHA1", NULL},
    {"ADV-098: MD5", {.algorithm = "rsa2048", .digest = "MD5"}, "MD5", NULL},
    {"P-224", {.algorithm = "p224"}, "curve", "curve"},
};

static const sipveil_key *add(sipveil_keyring *ring, const lab_certificate *certificate, bool with_key)
{
    sipveil_error err;
    char *text = lab_pem(with_key ? certificate->key : NULL, NULL, &certificate->x509, 1);
    if (sipveil_keyring_add_octets(ring, sv_span_str(text), "x", NULL, NULL, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    free(text);
    return sipveil_keyring_at(ring, sipveil_keyring_count(ring) - 1);
}

/* A key of the wrong kind is a slip of whoever gave it; what its certificate does not allow is refused by rule. */
static void expect(const char *name, sipveil_code code, const char *says, const sipveil_error *err)
{
    bool slip = says != NULL && strncmp(says, "does not ", 9) == 0;
    if (code != (says == NULL ? SIPVEIL_OK : slip ? SIPVEIL_USAGE : SIPVEIL_POLICY)) fail_msg("%s: %s %s", name, sipveil_code_name(code), err->text);
    if (says == NULL) return;
    lab_assert_text(*err, says);
    lab_assert_text(*err, "cert CN=x serial 01: ");
    assert_true(err->rule[0] != '\0');
}

static void each_certificate_for_what_it_allows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_keyring *ring = lab_ring();
        sipveil_error err;
        lab_form form = cases[i].form;
        form.subject = "x";
        EVP_PKEY *rsa = NULL;
        lab_certificate signing = {0};
        if (form.algorithm != NULL && strcmp(form.algorithm, "X25519") == 0) { /* cannot sign itself */
            rsa = lab_key("p256");
            form.signing_key = rsa;
        }
        lab_certificate certificate = lab_make(&form);
        const sipveil_key *theirs = add(ring, &certificate, false), *ours = add(ring, &certificate, true);
        expect(cases[i].name, sv_keys_check_recipient(NULL, theirs, LAB_NOW, &err), cases[i].recipient_says, &err);
        expect(cases[i].name, sv_keys_check_recipient(ring, ours, LAB_NOW, &err), cases[i].recipient_says, &err);
        expect(cases[i].name, sv_keys_check_own_signer(ours, LAB_NOW, &err), cases[i].signer_says, &err);
        assert_int_equal(sv_keys_check_own_signer(theirs, LAB_NOW, &err), SIPVEIL_USAGE);
        lab_assert_text(err, "no private key");
        assert_true(ERR_peek_error() == 0);
        EVP_PKEY_free(rsa);
        lab_free(&signing);
        lab_free(&certificate);
        sipveil_keyring_free(ring);
    }
}

static void shared_keys_and_passwords_pass(void **state)
{
    sipveil_keyring *ring = lab_ring();
    sipveil_error err;
    (void)state;
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("a"), SV_SPAN("0123456789abcdef"), NULL, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_password(ring, SV_SPAN("secret"), NULL, &err), SIPVEIL_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sv_keys_check_recipient(ring, sipveil_keyring_at(ring, i), LAB_NOW, &err), SIPVEIL_OK);
        assert_int_equal(sv_keys_check_own_signer(sipveil_keyring_at(ring, i), LAB_NOW, &err), SIPVEIL_USAGE);
    }
    sipveil_keyring_free(ring);
}

static void anchors_are_asked_where_there_are_any(void **state)
{
    sipveil_error err;
    (void)state;
    lab_certificate ca = lab_make(&(lab_form){.subject = "ca", .constraints = "CA:TRUE"});
    lab_certificate below = lab_make(&(lab_form){.subject = "x", .issuer = &ca});
    lab_certificate stranger = lab_make(&(lab_form){.subject = "x"});
    sipveil_keyring *ring = lab_ring();
    const sipveil_key *good = add(ring, &below, false), *bad = add(ring, &stranger, false);
    expect("no anchors", sv_keys_check_recipient(ring, bad, LAB_NOW, &err), NULL, &err);
    assert_int_equal(sipveil_keyring_add_anchors(ring, lab_write_certificate("ca.pem", ca.x509), &err), SIPVEIL_OK);
    expect("under the anchor", sv_keys_check_recipient(ring, good, LAB_NOW, &err), NULL, &err);
    expect("a stranger", sv_keys_check_recipient(ring, bad, LAB_NOW, &err), "self-signed", &err);
    assert_int_equal(sv_keys_check_recipient(ring, bad, LAB_NOW, NULL), SIPVEIL_POLICY);
    sipveil_keyring_free(ring);
    lab_free(&ca);
    lab_free(&below);
    lab_free(&stranger);
}

/* CMS-15: a shared key that says when it is good */
static void shared_keys_have_their_time(void **state)
{
    static const struct {
        int64_t from, until;
        const char *says;
    } rows[] = {{0, 0, NULL},
                {0, 1, NULL},
                {-1, 1, NULL},
                {0, -1, "any more"},
                {1, 2, "not good yet"},
                {-2, -1, "any more"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_keyring *ring = lab_ring();
        sipveil_error err;
        char text[128];
        int n = snprintf(text, sizeof text, "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\"");
        if (rows[i].from != 0) n += snprintf(text + n, sizeof text - (size_t)n, ",\"nbf\":%lld", (long long)(LAB_NOW + rows[i].from));
        if (rows[i].until != 0) n += snprintf(text + n, sizeof text - (size_t)n, ",\"exp\":%lld", (long long)(LAB_NOW + rows[i].until));
        (void)snprintf(text + n, sizeof text - (size_t)n, "}");
        assert_int_equal(sipveil_keyring_add_octets(ring, sv_span_str(text), "x", NULL, NULL, &err), SIPVEIL_OK);
        sipveil_code code = sv_keys_check_recipient(NULL, sipveil_keyring_at(ring, 0), LAB_NOW, &err);
        assert_int_equal(code, rows[i].says == NULL ? SIPVEIL_OK : SIPVEIL_POLICY);
        if (rows[i].says != NULL) lab_assert_text(err, rows[i].says);
        sipveil_keyring_free(ring);
    }
}

/* IDN-57: a certificate that is bound to a dialog needs no issuer, name or purpose, but may be for encryption, good now and strong. */
static const sipveil_key *bound_key(sipveil_keyring *ring, const lab_certificate *certificate, sv_binding binding)
{
    sipveil_error err;
    uint8_t *der = NULL;
    int len = i2d_X509(certificate->x509, &der);
    assert_true(len > 0);
    binding.certificate = sv_span(der, (size_t)len);
    if (sv_keyring_add_bound(ring, &binding, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    OPENSSL_free(der);
    return sipveil_keyring_at(ring, sipveil_keyring_count(ring) - 1);
}

static void certificates_of_a_session(void **state)
{
    static const use_case bound[] = {
        {"nothing said", {0}, NULL, NULL},
        {"a purpose that is none of ours", {.purposes = "serverAuth"}, NULL, NULL},
        {"SHA-1, which nobody is asked to believe", {.digest = "SHA1"}, NULL, NULL},
        {"ADV-098: that may only sign", {.usage = "digitalSignature"}, "key agreement", NULL},
        {"ADV-098: RSA that may only sign", {.algorithm = "rsa2048", .usage = "digitalSignature"}, "key encipherment", NULL},
        {"ADV-098: expired", {.from = -100, .until = -1}, "expired", NULL},
        {"ADV-098: RSA 1024", {.algorithm = "rsa1024"}, "1024 bits", NULL},
    };
    lab_certificate ca = lab_make(&(lab_form){.subject = "ca", .constraints = "CA:TRUE"});
    (void)state;
    for (size_t i = 0; i < sizeof bound / sizeof *bound; i++) {
        sipveil_keyring *ring = lab_ring();
        sipveil_error err;
        lab_form form = bound[i].form;
        form.subject = "x";
        lab_certificate certificate = lab_make(&form);
        assert_int_equal(sipveil_keyring_add_anchors(ring, lab_write_certificate("ca.pem", ca.x509), &err), SIPVEIL_OK);
        const sipveil_key *key = bound_key(ring, &certificate, (sv_binding){.dialog = {.call_id = SV_SPAN("c")}, .until = LAB_NOW});
        expect(bound[i].name, sv_keys_check_recipient(ring, key, LAB_NOW, &err), bound[i].recipient_says, &err);
        lab_free(&certificate);
        sipveil_keyring_free(ring);
    }
    lab_free(&ca);
}

/* IDN-59, IDN-60: and it is worth nothing in another dialog, nor afterwards. */
static void a_session_and_no_other(void **state)
{
    const sv_dialog ours = {.call_id = SV_SPAN("c1@x"), .local_tag = SV_SPAN("l"), .remote_tag = SV_SPAN("r")};
    const sv_dialog early = {.call_id = SV_SPAN("c1@x"), .remote_tag = SV_SPAN("r")};
    const struct {
        sv_dialog of_key, here;
        int64_t at;
        const char *rule; /* NULL: may be used */
    } rows[] = {
        {ours, ours, LAB_NOW, NULL},
        {ours, ours, LAB_NOW + 60, NULL},
        {ours, ours, LAB_NOW + 61, "IDN-60"},
        {early, ours, LAB_NOW, NULL}, /* made before we had a tag */
        {ours, early, LAB_NOW, "IDN-59"},
        {ours, {.call_id = SV_SPAN("c2@x"), .local_tag = SV_SPAN("l"), .remote_tag = SV_SPAN("r")}, LAB_NOW, "IDN-59"},
        {ours, {.call_id = SV_SPAN("c1@x"), .local_tag = SV_SPAN("m"), .remote_tag = SV_SPAN("r")}, LAB_NOW, "IDN-59"},
        {ours, {.call_id = SV_SPAN("c1@x"), .local_tag = SV_SPAN("l"), .remote_tag = SV_SPAN("s")}, LAB_NOW, "IDN-59"},
        {early, {.call_id = SV_SPAN("c1@x"), .local_tag = SV_SPAN("l"), .remote_tag = SV_SPAN("s")}, LAB_NOW, "IDN-59"},
        {ours, {.call_id = SV_SPAN("c1@x"), .local_tag = SV_SPAN("r"), .remote_tag = SV_SPAN("l")}, LAB_NOW, "IDN-59"}, /* from the other side */
    };
    lab_certificate certificate = lab_make(&(lab_form){.subject = "x"});
    sipveil_keyring *ring = lab_ring();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_error err;
        const sipveil_key *key = bound_key(ring, &certificate, (sv_binding){.dialog = rows[i].of_key, .until = LAB_NOW + 60});
        sipveil_code code = sv_keys_check_session(key, &rows[i].here, rows[i].at, &err);
        if (code != (rows[i].rule == NULL ? SIPVEIL_OK : SIPVEIL_POLICY)) fail_msg("row %zu: %s", i, sipveil_code_name(code));
        if (rows[i].rule != NULL) assert_string_equal(err.rule, rows[i].rule);
    }
    assert_int_equal(sv_keys_check_session(add(ring, &certificate, false), &ours, LAB_NOW + 61, NULL), SIPVEIL_OK); /* a key of no session */
    sipveil_keyring_free(ring);
    lab_free(&certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_certificate_for_what_it_allows),
        cmocka_unit_test(shared_keys_and_passwords_pass),
        cmocka_unit_test(anchors_are_asked_where_there_are_any),
        cmocka_unit_test(shared_keys_have_their_time),
        cmocka_unit_test(certificates_of_a_session),
        cmocka_unit_test(a_session_and_no_other),
    };
    return cmocka_run_group_tests_name("recipients and own signers", tests, lab_open, lab_close);
}
