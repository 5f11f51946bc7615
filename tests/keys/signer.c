/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is an accepted signer, and who is not. */
#include "lab.h"

#include "keys/certificate.h"

#define ALICE "sip:alice@a.example"
#define SIP_EKU "1.3.6.1.5.5.7.3.20"

static lab_certificate root, other_root, weak_root;

static int make_roots(void **state)
{
    if (lab_open(state) != 0) return -1;
    const lab_form form = {.subject = "root", .constraints = "critical,CA:TRUE",
                           .usage = "critical,keyCertSign,cRLSign", .from = -86400L * 400, .until = 86400L * 400};
    lab_form other = form, weak = form;
    other.subject = "other root";
    weak.subject = "weak root";
    weak.algorithm = "rsa1024";
    root = lab_make(&form);
    other_root = lab_make(&other);
    weak_root = lab_make(&weak);
    return 0;
}

static int drop_roots(void **state)
{
    lab_free(&root);
    lab_free(&other_root);
    lab_free(&weak_root);
    return lab_close(state);
}

static sipveil_keyring *ring_with(X509 *anchor)
{
    sipveil_keyring *ring = lab_ring();
    sipveil_error err;
    if (anchor != NULL) {
        assert_int_equal(sipveil_keyring_add_anchors(ring, lab_write_certificate("anchor.pem", anchor), &err), SIPVEIL_OK);
    }
    return ring;
}

static sv_signer_question question_about(X509 *certificate)
{
    sv_signer_question question = {.certificate = certificate, .aor = SV_SPAN(ALICE), .at = LAB_NOW};
    question.limits = sipveil_context_limits(lab_context);
    return question;
}

static sv_signer ask(const sipveil_keyring *ring, const sv_signer_question *question)
{
    sv_signer signer;
    sipveil_error err;
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    if (sv_keys_accept_signer(ring, question, arena, &signer, &err) != SIPVEIL_OK) {
        fail_msg("no answer: %s (%s)", err.text, err.library);
    }
    assert_true(ERR_peek_error() == 0);
    sv_arena_free(arena);
    return signer;
}

static void expect(const char *name, const sv_signer *signer, sipveil_code code, const char *rule,
                   const char *says)
{
    if (signer->code != code) fail_msg("%s: %s %s", name, sipveil_code_name(signer->code), signer->why);
    if (code == SIPVEIL_OK) {
        assert_true(signer->trust == SV_TRUST_TRUSTED || signer->trust == SV_TRUST_PINNED);
        assert_string_equal(signer->why, "");
        return;
    }
    assert_int_equal(signer->trust, SV_TRUST_UNTRUSTED);
    if (strcmp(signer->rule, rule) != 0) fail_msg("%s: rule %s", name, signer->rule);
    if (strstr(signer->why, says) == NULL) fail_msg("%s: says \"%s\"", name, signer->why);
}

/* ---- one certificate under the root ---- */

typedef struct leaf_case {
    const char *name;
    lab_form form;
    sipveil_code code;
    const char *rule, *says;
    unsigned allow_weak;
} leaf_case;

static const leaf_case leaves[] = {
    {"TUN-17: P-256 with SHA-256", {.san = "URI:" ALICE}, SIPVEIL_OK, "", "", 0},
    /* ADV-120 */
    {"ADV-120: SIP purpose", {.san = "URI:" ALICE, .purposes = SIP_EKU}, SIPVEIL_OK, "", "", 0},
    {"ADV-120: e-mail protection", {.san = "URI:" ALICE, .purposes = "emailProtection"}, SIPVEIL_OK, "", "", 0},
    {"ADV-120: any purpose", {.san = "URI:" ALICE, .purposes = "anyExtendedKeyUsage"}, SIPVEIL_OK, "", "", 0},
    {"ADV-120: TLS and SIP", {.san = "URI:" ALICE, .purposes = "serverAuth," SIP_EKU}, SIPVEIL_OK, "", "", 0},
    {"ADV-120: critical SIP purpose", {.san = "URI:" ALICE, .purposes = "critical," SIP_EKU}, SIPVEIL_OK, "", "", 0},
    {"ADV-120: serverAuth only", {.san = "URI:" ALICE, .purposes = "serverAuth"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-120", "extendedKeyUsage", 0},
    {"ADV-120: clientAuth and timeStamping", {.san = "URI:" ALICE, .purposes = "clientAuth,timeStamping"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-120", "extendedKeyUsage", 0},
    {"ADV-120: keyEncipherment only", {.san = "URI:" ALICE, .usage = "keyEncipherment"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-120", "digital signatures", 0},
    {"ADV-120: keyAgreement only", {.san = "URI:" ALICE, .usage = "critical,keyAgreement"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-120", "digital signatures", 0},
    {"ADV-120: digitalSignature", {.san = "URI:" ALICE, .usage = "critical,digitalSignature"}, SIPVEIL_OK, "", "", 0},
    {"ADV-120: nonRepudiation", {.san = "URI:" ALICE, .usage = "nonRepudiation"}, SIPVEIL_OK, "", "", 0},
    {"a key that cannot sign", {.san = "URI:" ALICE, .algorithm = "X25519"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-120", "X25519", 0},
    /* ADV-121, TUN-04, IDN-75 */
    {"ADV-121: another user", {.san = "URI:sip:bob@a.example"}, SIPVEIL_UNTRUSTED_SIGNER, "TUN-04", "speaks for sip:bob@a.example, not for " ALICE, 0},
    {"ADV-121: user in another case", {.san = "URI:sip:Alice@a.example"}, SIPVEIL_UNTRUSTED_SIGNER, "TUN-04", "not for", 0},
    {"ADV-121: host in another case", {.san = "URI:sip:alice@A.EXAMPLE"}, SIPVEIL_OK, "", "", 0},
    {"ADV-121: only the common name", {.subject = ALICE}, SIPVEIL_UNTRUSTED_SIGNER, "TUN-04", "no SIP address", 0},
    {"ADV-121: NUL in the URI", {.raw_uri = ALICE "\0.evil.example", .raw_uri_len = sizeof ALICE + 13}, SIPVEIL_UNTRUSTED_SIGNER, "TUN-04", "no SIP address", 0},
    {"ADV-121: wildcard", {.raw_uri = "sip:*@a.example", .raw_uri_len = 15}, SIPVEIL_UNTRUSTED_SIGNER, "TUN-04", "not for", 0},
    {"ADV-121: domain only", {.san = "DNS:a.example,URI:sip:a.example"}, SIPVEIL_UNTRUSTED_SIGNER, "TUN-04", "no SIP address", 0},
    {"TUN-04: mail address", {.san = "email:alice@a.example"}, SIPVEIL_OK, "", "", 0},
    {"one of several names", {.san = "URI:sip:bob@a.example,URI:" ALICE}, SIPVEIL_OK, "", "", 0},
    /* ADV-119 */
    {"ADV-119: expired a second ago", {.san = "URI:" ALICE, .from = -1000, .until = -1}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", "expired 2026-11-21T09:59:59Z", 0},
    {"ADV-119: in its last second", {.san = "URI:" ALICE, .from = -1000, .until = 0}, SIPVEIL_OK, "", "", 0},
    {"ADV-119: one second left", {.san = "URI:" ALICE, .from = -1000, .until = 1}, SIPVEIL_OK, "", "", 0},
    {"ADV-119: valid in a second", {.san = "URI:" ALICE, .from = 1, .until = 1000}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", "not valid before 2026-11-21T10:00:01Z", 0},
    {"ADV-119: since this second", {.san = "URI:" ALICE, .from = 0, .until = 1000}, SIPVEIL_OK, "", "", 0},
    /* ADV-115 in the chain */
    {"SHA-1 signature", {.san = "URI:" ALICE, .digest = "SHA1"}, SIPVEIL_POLICY, "ADV-115", "SHA1", 0},
    {"SHA-1 by name", {.san = "URI:" ALICE, .digest = "SHA1"}, SIPVEIL_OK, "", "", SIPVEIL_WEAK_SHA1},
    {"MD5 under an RSA root, all weak forms named", {.san = "URI:" ALICE, .algorithm = "rsa2048", .digest = "MD5"}, SIPVEIL_POLICY, "ADV-115", "MD5", ~0u},
    {"SHA-224", {.san = "URI:" ALICE, .digest = "SHA224"}, SIPVEIL_POLICY, "ADV-115", "SHA224", ~0u},
    {"RSA 1024", {.san = "URI:" ALICE, .algorithm = "rsa1024"}, SIPVEIL_POLICY, "ADV-115", "1024 bits", 0},
    {"RSA 1024 by name", {.san = "URI:" ALICE, .algorithm = "rsa1024"}, SIPVEIL_OK, "", "", SIPVEIL_WEAK_RSA1024},
    {"RSA 2048", {.san = "URI:" ALICE, .algorithm = "rsa2048"}, SIPVEIL_OK, "", "", 0},
    {"Ed25519", {.san = "URI:" ALICE, .algorithm = "ED25519"}, SIPVEIL_OK, "", "", 0},
    {"P-224", {.san = "URI:" ALICE, .algorithm = "p224"}, SIPVEIL_POLICY, "ADV-115", "curve", ~0u},
    /* ADV-118 */
    {"critical extension nobody knows", {.san = "URI:" ALICE, .name_constraints = "critical,permitted;DNS:a.example"}, SIPVEIL_OK, "", "", 0},
};

static void leaves_under_the_root(void **state)
{
    sipveil_keyring *ring = ring_with(root.x509), *weak_ring = ring_with(weak_root.x509);
    (void)state;
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        lab_form form = leaves[i].form;
        if (form.subject == NULL) form.subject = "leaf";
        bool md5 = form.digest != NULL && strcmp(form.digest, "MD5") == 0;
        form.issuer = md5 ? &weak_root : &root;
        lab_certificate leaf = lab_make(&form);
        sv_signer_question question = question_about(leaf.x509);
        question.allow_weak = leaves[i].allow_weak;
        sv_signer signer = ask(md5 ? weak_ring : ring, &question);
        expect(leaves[i].name, &signer, leaves[i].code, leaves[i].rule, leaves[i].says);
        if (leaves[i].code == SIPVEIL_OK) {
            assert_true(signer.name_checked && signer.chain_checked && signer.time_checked && signer.usage_checked);
            assert_false(signer.revocation_checked);
        }
        lab_free(&leaf);
    }
    sipveil_keyring_free(ring);
    sipveil_keyring_free(weak_ring);
}

/* ADV-119: the clock decides */
static void the_clock_decides(void **state)
{
    sipveil_keyring *ring = ring_with(root.x509);
    (void)state;
    lab_certificate leaf = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &root});
    sv_signer_question question = question_about(leaf.x509);
    question.at = 0;
    sv_signer signer = ask(ring, &question);
    expect("1970", &signer, SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", "not valid before");
    question.ignore_validity = true;
    signer = ask(ring, &question);
    expect("1970, ignored", &signer, SIPVEIL_OK, "", "");
    assert_false(signer.time_checked);
    question.ignore_validity = false;
    question.at = LAB_NOW + INT64_C(86400) * 500; /* leaf and root are past */
    signer = ask(ring, &question);
    expect("far future", &signer, SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", "expired");
    sipveil_keyring_free(ring);
    lab_free(&leaf);
}

static void the_aor_asked_for(void **state)
{
    static const struct {
        const char *aor;
        bool accepted;
    } cases[] = {
        {"sip:alice@a.example", true}, {"sips:alice@a.example", true}, {"sip:%61lice@A.example", true},
        {"sip:alice@a.example:5070;transport=tcp", true}, {"", true},
        /* ADV-014 */
        {"sip:alice%00@a.example", false}, {"sip:alice%0d%0a@a.example", false},
        {"sip:bob@a.example", false}, {"sip:alice@a.example.evil.example", false}, {"sip:alice@a.example.", false},
        {"sip:a.example", false}, {"tel:+123", false}, {"nonsense", false},
    };
    sipveil_keyring *ring = ring_with(root.x509);
    (void)state;
    lab_certificate leaf = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &root});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_signer_question question = question_about(leaf.x509);
        question.aor = sv_span_str(cases[i].aor);
        sv_signer signer = ask(ring, &question);
        expect(cases[i].aor, &signer, cases[i].accepted ? SIPVEIL_OK : SIPVEIL_UNTRUSTED_SIGNER, "TUN-04", "not for");
        assert_int_equal(signer.name_checked, question.aor.len > 0);
    }
    sipveil_keyring_free(ring);
    lab_free(&leaf);
}

static void hosts_speak_for_hosts(void **state)
{
    static const struct {
        const char *san, *purposes;
        sipveil_code code;
    } cases[] = {
        {"DNS:A.example", SIP_EKU, SIPVEIL_OK}, {"URI:sip:a.example", NULL, SIPVEIL_OK},
        {"DNS:b.example", NULL, SIPVEIL_UNTRUSTED_SIGNER}, {"DNS:*.example", NULL, SIPVEIL_UNTRUSTED_SIGNER},
        {"URI:" ALICE, NULL, SIPVEIL_UNTRUSTED_SIGNER}, {"DNS:a.example", "emailProtection", SIPVEIL_UNTRUSTED_SIGNER},
    };
    sipveil_keyring *ring = ring_with(root.x509);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lab_certificate leaf = lab_make(&(lab_form){.subject = "a.example", .san = cases[i].san,
                                                    .purposes = cases[i].purposes, .issuer = &root});
        sv_signer_question question = question_about(leaf.x509);
        question.host_signer = true;
        sv_signer signer = ask(ring, &question);
        if (signer.code != cases[i].code) fail_msg("%s: %s", cases[i].san, signer.why);
        lab_free(&leaf);
    }
    sipveil_keyring_free(ring);
}

/* ---- chains ---- */

/* ADV-117, TUN-08 */
static void nobody_vouches_for_himself(void **state)
{
    (void)state;
    lab_certificate alone = lab_make(&(lab_form){.subject = "alone", .san = "URI:" ALICE});
    sipveil_keyring *ring = ring_with(root.x509), *none = ring_with(NULL), *itself = ring_with(alone.x509);
    sv_signer_question question = question_about(alone.x509);
    sv_signer signer = ask(ring, &question);
    expect("self-signed", &signer, SIPVEIL_UNTRUSTED_SIGNER, "ADV-117", "self-signed");
    question.untrusted = sk_X509_new_null(); /* what the message carries is no anchor */
    sk_X509_push(question.untrusted, alone.x509);
    signer = ask(ring, &question);
    expect("self-signed, carried", &signer, SIPVEIL_UNTRUSTED_SIGNER, "ADV-117", "self-signed");
    signer = ask(none, &question);
    expect("no anchors", &signer, SIPVEIL_UNTRUSTED_SIGNER, "TUN-08", "no trust anchors");
    signer = ask(itself, &question); /* TUN-05: pre-configured */
    expect("configured", &signer, SIPVEIL_OK, "", "");
    lab_certificate issued = lab_make(&(lab_form){.subject = "x", .san = "URI:" ALICE, .issuer = &alone});
    question.certificate = issued.x509;
    signer = ask(itself, &question); /* but it is no CA */
    expect("issued by a leaf", &signer, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", "no CA");
    sk_X509_free(question.untrusted);
    sipveil_keyring_free(ring);
    sipveil_keyring_free(none);
    sipveil_keyring_free(itself);
    lab_free(&issued);
    lab_free(&alone);
}

typedef struct middle_case {
    const char *name;
    lab_form middle;
    sipveil_code code;
    const char *rule, *says;
} middle_case;

static const middle_case middles[] = {
    {"a CA in between", {.constraints = "critical,CA:TRUE", .usage = "keyCertSign"}, SIPVEIL_OK, "", ""},
    {"pathlen 0", {.constraints = "critical,CA:TRUE,pathlen:0"}, SIPVEIL_OK, "", ""},
    /* ADV-118 */
    {"ADV-118: no CA", {.constraints = "CA:FALSE"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", "no CA"},
    {"ADV-118: no basic constraints", {.usage = "keyCertSign"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", "no CA"},
    {"ADV-118: may not sign certificates", {.constraints = "CA:TRUE", .usage = "digitalSignature"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", ""},
    {"ADV-118: name outside", {.constraints = "CA:TRUE", .name_constraints = "critical,permitted;email:b.example"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", "name constraints"},
    {"ADV-118: name excluded", {.constraints = "CA:TRUE", .name_constraints = "critical,excluded;email:a.example"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", "excludes"},
    {"ADV-118: name inside", {.constraints = "CA:TRUE", .name_constraints = "critical,permitted;email:a.example"}, SIPVEIL_OK, "", ""},
    {"ADV-118: a constraint on URIs", {.constraints = "CA:TRUE", .name_constraints = "critical,permitted;URI:a.example"}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", "cannot be judged"},
    {"expired CA", {.constraints = "CA:TRUE", .from = -100, .until = -10}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", "CN=middle serial 01 expired"},
    {"CA that expired a second ago", {.constraints = "CA:TRUE", .from = -100, .until = -1}, SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", "CN=middle serial 01 expired"},
    {"CA in its last second", {.constraints = "CA:TRUE", .from = -100, .until = 0}, SIPVEIL_OK, "", ""},
    {"weak CA key", {.constraints = "CA:TRUE", .algorithm = "rsa1024"}, SIPVEIL_POLICY, "ADV-115", "1024"},
    {"SHA-1 on the CA", {.constraints = "CA:TRUE", .digest = "SHA1"}, SIPVEIL_POLICY, "ADV-115", "SHA1"},
};

static void certificates_in_between(void **state)
{
    sipveil_keyring *ring = ring_with(root.x509);
    (void)state;
    for (size_t i = 0; i < sizeof middles / sizeof *middles; i++) {
        lab_form form = middles[i].middle;
        form.subject = "middle";
        form.issuer = &root;
        lab_certificate middle = lab_make(&form);
        lab_certificate leaf = lab_make(&(lab_form){.subject = "leaf", .issuer = &middle,
                                                    .san = "URI:" ALICE ",email:alice@a.example"});
        sv_signer_question question = question_about(leaf.x509);
        question.untrusted = sk_X509_new_null();
        sk_X509_push(question.untrusted, middle.x509);
        sv_signer signer = ask(ring, &question);
        expect(middles[i].name, &signer, middles[i].code, middles[i].rule, middles[i].says);
        sk_X509_free(question.untrusted);
        lab_free(&leaf);
        lab_free(&middle);
    }
    sipveil_keyring_free(ring);
}

/* ADV-118: pathlen 0 with a CA below; ADV-123: a long chain */
static void long_chains(void **state)
{
    sipveil_keyring *ring = ring_with(root.x509);
    enum { MOST = 8 };
    lab_certificate chain[MOST];
    char name[16];
    (void)state;
    for (int pathlen = 0; pathlen < 2; pathlen++) {
        sv_signer_question question = {0};
        STACK_OF(X509) *stack = sk_X509_new_null();
        for (int i = 0; i < MOST; i++) {
            snprintf(name, sizeof name, "ca%d", i);
            chain[i] = lab_make(&(lab_form){.subject = name, .issuer = i == 0 ? &root : &chain[i - 1],
                                            .constraints = pathlen && i == 0 ? "CA:TRUE,pathlen:0" : "CA:TRUE"});
            sk_X509_push(stack, chain[i].x509);
        }
        static const int depths[] = {2, 6, 7};
        for (size_t n = 0; n < 3; n++) {
            lab_certificate leaf = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE,
                                                        .issuer = &chain[depths[n] - 1]});
            question = question_about(leaf.x509);
            question.untrusted = stack;
            sv_signer signer = ask(ring, &question);
            if (depths[n] > 6) {
                expect("too long", &signer, SIPVEIL_LIMIT, "ADV-123", "too long");
            } else if (pathlen) {
                expect("pathlen", &signer, SIPVEIL_UNTRUSTED_SIGNER, "ADV-118", "pathlen");
            } else {
                expect("long enough", &signer, SIPVEIL_OK, "", "");
            }
            lab_free(&leaf);
        }
        sk_X509_free(stack);
        for (int i = 0; i < MOST; i++) lab_free(&chain[i]);
    }
    sipveil_keyring_free(ring);
}

/* ADV-123 */
static void sizes_have_limits(void **state)
{
    sipveil_keyring *ring = ring_with(root.x509);
    (void)state;
    lab_certificate leaf = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &root});
    sv_signer_question question = question_about(leaf.x509);
    question.untrusted = sk_X509_new_null();
    for (int i = 0; i < 17; i++) sk_X509_push(question.untrusted, other_root.x509);
    sv_signer signer = ask(ring, &question);
    expect("17 certificates", &signer, SIPVEIL_LIMIT, "ADV-123", "17 certificates");
    sk_X509_pop(question.untrusted);
    signer = ask(ring, &question);
    expect("16 certificates", &signer, SIPVEIL_OK, "", "");
    sipveil_limits small = *question.limits;
    small.certificate = 100;
    question.limits = &small;
    signer = ask(ring, &question);
    expect("a large certificate", &signer, SIPVEIL_LIMIT, "ADV-123", "the limit is 100");
    question.limits = sipveil_context_limits(lab_context);
    EVP_PKEY *huge = NULL; /* a public key is enough: a random odd modulus of 16,384 bits */
    BIGNUM *n = BN_new(), *e = BN_new();
    BN_set_bit(n, 16383);
    BN_set_bit(n, 0);
    BN_set_word(e, 65537);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_BN(build, "n", n);
    OSSL_PARAM_BLD_push_BN(build, "e", e);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *from = EVP_PKEY_CTX_new_from_name(lab_context->library, "RSA", NULL);
    assert_true(EVP_PKEY_fromdata_init(from) == 1 && EVP_PKEY_fromdata(from, &huge, EVP_PKEY_PUBLIC_KEY, params) == 1);
    lab_certificate large = lab_make(&(lab_form){.subject = "leaf", .own_key = huge, .issuer = &root});
    sk_X509_push(question.untrusted, large.x509);
    sk_X509_shift(question.untrusted);
    signer = ask(ring, &question);
    expect("a huge key", &signer, SIPVEIL_LIMIT, "ADV-123", "16384 bits");
    EVP_PKEY_CTX_free(from);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    EVP_PKEY_free(huge);
    sk_X509_free(question.untrusted);
    lab_free(&large);
    lab_free(&leaf);
    sipveil_keyring_free(ring);
}

/* ADV-124 */
static void names_alone_prove_nothing(void **state)
{
    (void)state;
    lab_certificate middle = lab_make(&(lab_form){.subject = "middle", .constraints = "CA:TRUE", .issuer = &root});
    lab_certificate leaf = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &root, .serial = 9});
    sipveil_keyring *ring = ring_with(root.x509), *partial = ring_with(middle.x509);
    /* the same subject, issuer and serial as the root, another key, and what it signed */
    lab_certificate false_root = lab_make(&(lab_form){.subject = "root", .constraints = "critical,CA:TRUE", .usage = "keyCertSign"});
    lab_certificate forged = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &false_root, .serial = 9, .no_key_identifiers = true});
    /* the same subject, issuer and serial as the good leaf, signed by itself */
    lab_certificate twin = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &root, .serial = 9});
    lab_certificate twin_forged = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &root, .serial = 9, .signing_key = twin.key});
    sv_signer_question question = question_about(forged.x509);
    question.untrusted = sk_X509_new_null();
    sk_X509_push(question.untrusted, false_root.x509);
    sv_signer signer = ask(ring, &question);
    expect("false root", &signer, SIPVEIL_UNTRUSTED_SIGNER, "ADV-124", "not signed by the issuer");
    question.certificate = twin_forged.x509;
    signer = ask(ring, &question);
    expect("false leaf", &signer, SIPVEIL_UNTRUSTED_SIGNER, "ADV-124", "not signed by the issuer");
    /* a CA below the root may be the anchor; it is then trusted no further than that */
    lab_certificate below = lab_make(&(lab_form){.subject = "below", .san = "URI:" ALICE, .issuer = &middle});
    question.certificate = below.x509;
    signer = ask(partial, &question);
    expect("a CA as anchor", &signer, SIPVEIL_OK, "", "");
    question.certificate = leaf.x509;
    signer = ask(partial, &question);
    expect("its root is none", &signer, SIPVEIL_UNTRUSTED_SIGNER, "TUN-08", "issuer");
    lab_certificate speaking = lab_make(&(lab_form){.subject = "speaking", .san = "URI:" ALICE, .constraints = "CA:TRUE", .issuer = &root});
    sipveil_keyring *alone = ring_with(speaking.x509);
    question.certificate = speaking.x509;
    signer = ask(alone, &question);
    expect("an anchor as signer", &signer, SIPVEIL_UNTRUSTED_SIGNER, "ADV-124", "trust anchor itself");
    sk_X509_free(question.untrusted);
    sipveil_keyring_free(ring);
    sipveil_keyring_free(partial);
    sipveil_keyring_free(alone);
    lab_certificate *all[] = {&middle, &leaf, &false_root, &forged, &twin, &twin_forged, &below, &speaking};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) lab_free(all[i]);
}

static void the_root_counts_too(void **state)
{
    sipveil_keyring *ring = ring_with(weak_root.x509), *other = ring_with(other_root.x509);
    (void)state;
    lab_certificate leaf = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &weak_root});
    sv_signer_question question = question_about(leaf.x509);
    sv_signer signer = ask(ring, &question);
    expect("weak root", &signer, SIPVEIL_POLICY, "ADV-115", "CN=weak root serial 01: the RSA key has 1024 bits");
    signer = ask(other, &question);
    expect("another root", &signer, SIPVEIL_UNTRUSTED_SIGNER, "TUN-08", "issuer");
    sipveil_keyring_free(ring);
    sipveil_keyring_free(other);
    lab_free(&leaf);
}

static void a_known_ca_helps_to_build(void **state)
{
    sipveil_keyring *ring = ring_with(root.x509);
    sipveil_error err;
    (void)state;
    lab_certificate middle = lab_make(&(lab_form){.subject = "middle", .constraints = "CA:TRUE", .issuer = &root});
    lab_certificate leaf = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &middle});
    sv_signer_question question = question_about(leaf.x509);
    sv_signer signer = ask(ring, &question);
    expect("CA missing", &signer, SIPVEIL_UNTRUSTED_SIGNER, "TUN-08", "issuer");
    assert_int_equal(sipveil_keyring_add_certificates(ring, lab_write_certificate("m.pem", middle.x509), &err), SIPVEIL_OK);
    signer = ask(ring, &question);
    expect("CA known", &signer, SIPVEIL_OK, "", "");
    sipveil_keyring_free(ring);
    lab_free(&leaf);
    lab_free(&middle);
}

/* ---- revocation ---- */

static const char *write_crl(const char *name, const lab_certificate *issuer, long serial, long from, long until, const char *digest)
{
    X509_CRL *crl = X509_CRL_new_ex(lab_context->library, NULL);
    ASN1_TIME *time = ASN1_TIME_set(NULL, LAB_NOW + from);
    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, time), 1);
    assert_non_null(ASN1_TIME_set(time, LAB_NOW + until));
    assert_int_equal(X509_CRL_set1_nextUpdate(crl, time), 1);
    if (serial != 0) {
        X509_REVOKED *revoked = X509_REVOKED_new();
        ASN1_INTEGER *number = ASN1_INTEGER_new();
        ASN1_INTEGER_set(number, serial);
        X509_REVOKED_set_serialNumber(revoked, number);
        assert_non_null(ASN1_TIME_set(time, LAB_NOW - 10));
        assert_int_equal(X509_REVOKED_set_revocationDate(revoked, time), 1);
        assert_int_equal(X509_CRL_add0_revoked(crl, revoked), 1);
        ASN1_INTEGER_free(number);
    }
    ASN1_TIME_free(time);
    EVP_MD_CTX *signing = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(signing, NULL, digest, lab_context->library, NULL, issuer->key, NULL), 1);
    assert_true(X509_CRL_sign_ctx(crl, signing) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
    long len = BIO_get_mem_data(bio, &data);
    const char *path = lab_write(name, data, (size_t)len, 0644);
    BIO_free(bio);
    EVP_MD_CTX_free(signing);
    X509_CRL_free(crl);
    return path;
}

/* ADV-122 */
static void revoked_means_revoked(void **state)
{
    static const struct {
        const char *name;
        long serial, from, until;
        bool others; /* issued by the other root */
        const char *digest;
        unsigned allow_weak;
        sipveil_code code;
        const char *rule, *says;
    } cases[] = {
        {"not in it", 5, -100, 100, false, "SHA256", 0, SIPVEIL_OK, "", ""},
        {"revoked", 9, -100, 100, false, "SHA256", 0, SIPVEIL_UNTRUSTED_SIGNER, "ADV-122", "is revoked"},
        {"CRL out of date", 5, -100, -1, false, "SHA256", 0, SIPVEIL_UNTRUSTED_SIGNER, "ADV-122", "out of date"},
        {"CRL of the future", 5, 10, 100, false, "SHA256", 0, SIPVEIL_UNTRUSTED_SIGNER, "ADV-122", "not yet valid"},
        {"CRL of another CA only", 9, -100, 100, true, "SHA256", 0, SIPVEIL_UNTRUSTED_SIGNER, "ADV-122", "no CRL"},
        {"CRL with SHA-1", 5, -100, 100, false, "SHA1", 0, SIPVEIL_POLICY, "ADV-115", "SHA-1"},
        {"CRL with SHA-1 by name", 5, -100, 100, false, "SHA1", SIPVEIL_WEAK_SHA1, SIPVEIL_OK, "", ""},
    };
    sipveil_error err;
    (void)state;
    lab_certificate leaf = lab_make(&(lab_form){.subject = "leaf", .san = "URI:" ALICE, .issuer = &root, .serial = 9});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_keyring *ring = ring_with(root.x509);
        const char *path = write_crl("crl.pem", cases[i].others ? &other_root : &root, cases[i].serial,
                                     cases[i].from, cases[i].until, cases[i].digest);
        assert_int_equal(sipveil_keyring_add_crls(ring, path, &err), SIPVEIL_OK);
        sv_signer_question question = question_about(leaf.x509);
        question.allow_weak = cases[i].allow_weak;
        sv_signer signer = ask(ring, &question);
        expect(cases[i].name, &signer, cases[i].code, cases[i].rule, cases[i].says);
        assert_true(signer.revocation_checked);
        sipveil_keyring_free(ring);
    }
    sipveil_keyring *ring = ring_with(root.x509);
    assert_int_equal(sipveil_keyring_add_crls(ring, write_crl("md5.pem", &weak_root, 5, -100, 100, "MD5"), &err), SIPVEIL_USAGE);
    sipveil_keyring_free(ring);
    lab_free(&leaf);
}

/* ---- pins ---- */

static void pin(sipveil_keyring *ring, const char *aor, X509 *certificate)
{
    uint8_t fingerprint[32];
    char text[65];
    sipveil_error err;
    assert_int_equal(sv_certificate_fingerprint(lab_context, certificate, fingerprint, &err), SIPVEIL_OK);
    for (size_t i = 0; i < 32; i++) snprintf(text + 2 * i, 3, "%02X", fingerprint[i]);
    assert_int_equal(sipveil_keyring_add_pin(ring, aor, text, &err), SIPVEIL_OK);
}

/* ADV-117: exactly that certificate, for that AOR */
static void pins_accept_exactly_one(void **state)
{
    sipveil_keyring *ring = ring_with(NULL);
    (void)state;
    lab_certificate pinned = lab_make(&(lab_form){.subject = "pinned", .from = -100, .until = 100});
    lab_certificate twin = lab_make(&(lab_form){.subject = "pinned", .own_key = pinned.key, .from = -100, .until = 101});
    pin(ring, "sip:alice@A.example", pinned.x509);
    sv_signer_question question = question_about(pinned.x509);
    sv_signer signer = ask(ring, &question);
    expect("pinned", &signer, SIPVEIL_OK, "", "");
    assert_int_equal(signer.trust, SV_TRUST_PINNED);
    assert_true(signer.name_checked && signer.time_checked);
    assert_false(signer.chain_checked || signer.usage_checked || signer.revocation_checked);
    question.aor = SV_SPAN("sip:bob@a.example");
    signer = ask(ring, &question);
    expect("pinned for another", &signer, SIPVEIL_UNTRUSTED_SIGNER, "TUN-08", "no pin");
    question = question_about(twin.x509);
    signer = ask(ring, &question);
    expect("same key, other certificate", &signer, SIPVEIL_UNTRUSTED_SIGNER, "TUN-08", "no pin");
    question = question_about(pinned.x509);
    question.at = LAB_NOW + 100;
    signer = ask(ring, &question);
    expect("pinned, in its last second", &signer, SIPVEIL_OK, "", "");
    question.at = LAB_NOW + 101;
    signer = ask(ring, &question);
    expect("pinned and expired", &signer, SIPVEIL_UNTRUSTED_SIGNER, "ADV-119", "expired");
    sipveil_keyring_free(ring);
    lab_free(&twin);
    lab_free(&pinned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_under_the_root),
        cmocka_unit_test(the_clock_decides),
        cmocka_unit_test(the_aor_asked_for),
        cmocka_unit_test(hosts_speak_for_hosts),
        cmocka_unit_test(nobody_vouches_for_himself),
        cmocka_unit_test(certificates_in_between),
        cmocka_unit_test(long_chains),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(names_alone_prove_nothing),
        cmocka_unit_test(the_root_counts_too),
        cmocka_unit_test(a_known_ca_helps_to_build),
        cmocka_unit_test(revoked_means_revoked),
        cmocka_unit_test(pins_accept_exactly_one),
    };
    return cmocka_run_group_tests_name("accepted signers", tests, make_roots, drop_roots);
}
