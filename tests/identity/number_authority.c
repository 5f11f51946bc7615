/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers: whose certificate lists them, and which claims it allows (RFC 8226); weak keys and hashes of RFC 4474. */
#include "../keys/lab.h"
#include "world.h"

#include "mime/mime.h"

#define CALLER "<sip:+12155551212@atlanta.example.com;user=phone>;tag=1"
#define CALL START ROWS(CALLER, BOB) DATE BODY(SDP)

static lab_certificate root;

static int open_all(void **state)
{
    if (lab_open(state) != 0) return -1;
    const lab_form form = {.subject = "root", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign",
                           .from = -86400L, .until = 86400L * 400};
    root = lab_make(&form);
    if (world_setup(state) != 0) return -1;
    world *w = *state;
    char *pem = lab_pem(NULL, NULL, &root.x509, 1);
    world_anchor(w, w->trust, pem);
    free(pem);
    return 0;
}

static int close_all(void **state)
{
    int done = world_teardown(state);
    lab_free(&root);
    return lab_close(state) != 0 || done != 0 ? -1 : 0;
}

/* A service of that form at INFO. */
static void serve(world *w, service *s, lab_form form)
{
    form.subject = form.subject != NULL ? form.subject : "carrier";
    form.issuer = &root;
    lab_certificate made = lab_make(&form);
    char *both = lab_pem(made.key, NULL, &made.x509, 1), *alone = lab_pem(NULL, NULL, &made.x509, 1);
    w->atlanta.info = "https://cert.atlanta.example.com/away.cer";
    world_add(w, s, both, OPENSSL_strdup(alone), INFO);
    w->sign.key = s->key;
    free(both);
    free(alone);
    lab_free(&made);
}

static void retire(world *w, service *s)
{
    w->service_count--;
    world_drop(s);
    w->atlanta.info = INFO;
}

static bool covers_709j(void *user, const char *code, const char *number)
{
    (void)user;
    return strcmp(code, "709J") == 0 && strncmp(number, "1215", 4) == 0;
}

#define NUMBERS(octets) {.extension = "1.3.6.1.5.5.7.1.26", .extension_value = octets, .extension_len = sizeof(octets) - 1}

/* IDN-39: one, range, spc; what is broken covers nothing. */
static void lists_of_numbers(void **state)
{
    static const struct {
        const char *name;
        lab_form form;
        bool spc, covered;
    } rows[] = {
        {"one", NUMBERS("\x30\x0F\xA2\x0D\x16\x0B" "12155551212"), false, true},
        {"another one", NUMBERS("\x30\x0F\xA2\x0D\x16\x0B" "12155551213"), false, false},
        {"the second of two", NUMBERS("\x30\x16\xA2\x05\x16\x03" "123\xA2\x0D\x16\x0B" "12155551212"), false, true},
        {"range", NUMBERS("\x30\x15\xA1\x13\x30\x11\x16\x0B" "12155551200\x02\x02\x00\xC8"), false, true},
        {"range that begins with it", NUMBERS("\x30\x14\xA1\x12\x30\x10\x16\x0B" "12155551212\x02\x01\x02"), false, true},
        {"range that ends before it", NUMBERS("\x30\x14\xA1\x12\x30\x10\x16\x0B" "12155551200\x02\x01\x0C"), false, false},
        {"range that begins after it", NUMBERS("\x30\x14\xA1\x12\x30\x10\x16\x0B" "12155551213\x02\x01\x0C"), false, false},
        {"range of other length", NUMBERS("\x30\x13\xA1\x11\x30\x0F\x16\x0A" "2155551200\x02\x01\x7F"), false, false},
        {"code", NUMBERS("\x30\x08\xA0\x06\x16\x04" "709J"), true, true},
        {"code without a table", NUMBERS("\x30\x08\xA0\x06\x16\x04" "709J"), false, false},
        {"other code", NUMBERS("\x30\x08\xA0\x06\x16\x04" "709K"), true, false},
        {"no list", {.san = "DNS:atlanta.example.com"}, true, false},
        {"another kind", NUMBERS("\x30\x0F\xA3\x0D\x16\x0B" "12155551212"), false, false},
        {"cut short", NUMBERS("\x30\x0F\xA2\x0D\x16\x0B" "1215555121"), false, false},
        {"something behind", NUMBERS("\x30\x0F\xA2\x0D\x16\x0B" "12155551212\x05\x00"), false, false},
        {"empty", NUMBERS("\x30\x00"), false, false},
    };
    world *w = begin(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        service s = {0};
        serve(w, &s, rows[i].form);
        w->sign.spc = w->verify.spc = rows[i].spc ? covers_709j : NULL;
        assert_code(sipveil_identity_sign_request(w->worker, &w->sign, SV_SPAN(CALL), &w->made, &w->err), SIPVEIL_OK);
        if (w->made.is_signed != rows[i].covered) fail_msg("%s", rows[i].name);
        if (rows[i].covered) {
            sipveil_span copy;
            assert_true(sv_arena_copy(w->arena, w->made.message, &copy));
            assert_valid(w, copy);
            assert_true(w->verdict.is_number);
            assert_string_equal(w->verdict.identity, "12155551212");
            assert_string_equal(w->verdict.domain, "");
        }
        retire(w, &s);
    }
    /* ADV-194: signed by who may, and shown with the certificate of who may not */
    service carrier = {0}, thief = {0};
    lab_form good = rows[0].form, bad = rows[1].form;
    EVP_PKEY *key = lab_key(NULL);
    good.own_key = bad.own_key = key;
    serve(w, &carrier, good);
    sipveil_span message = sign(w, CALL);
    retire(w, &carrier);
    serve(w, &thief, bad);
    assert_status(w, message, 437, "IDN-39");
    retire(w, &thief);
    EVP_PKEY_free(key);
}

#define CONSTRAINTS(octets) \
    {.san = "DNS:atlanta.example.com", .extension = "1.3.6.1.5.5.7.1.27", .extension_value = octets, .extension_len = sizeof(octets) - 1}

static void constraints_on_claims(void **state)
{
    static const struct {
        const char *name;
        lab_form form;
        const char *claims;
        int status;
    } rows[] = {
        {"must have attest", CONSTRAINTS("\x30\x0C\xA0\x0A\x30\x08\x16\x06" "attest"), "{\"attest\":\"A\"}", 0},
        {"has no attest", CONSTRAINTS("\x30\x0C\xA0\x0A\x30\x08\x16\x06" "attest"), NULL, 437},
        {"attest is B or C", CONSTRAINTS("\x30\x16\xA1\x14\x30\x12\x30\x10\x16\x06" "attest\x30\x06\x0C\x01" "B\x0C\x01" "C"), "{\"attest\":\"C\"}", 0},
        {"attest is A", CONSTRAINTS("\x30\x16\xA1\x14\x30\x12\x30\x10\x16\x06" "attest\x30\x06\x0C\x01" "B\x0C\x01" "C"), "{\"attest\":\"A\"}", 437},
        {"attest is an object", CONSTRAINTS("\x30\x16\xA1\x14\x30\x12\x30\x10\x16\x06" "attest\x30\x06\x0C\x01" "B\x0C\x01" "C"), "{\"attest\":{}}", 437},
        {"attest is not there", CONSTRAINTS("\x30\x16\xA1\x14\x30\x12\x30\x10\x16\x06" "attest\x30\x06\x0C\x01" "B\x0C\x01" "C"), NULL, 0},
        {"unreadable", CONSTRAINTS("\x30\x0C\xA0\x0A\x30\x08\x16\x07" "attest"), "{\"attest\":\"A\"}", 437},
        {"unreadable, nothing in it", CONSTRAINTS("\x05\x00"), NULL, 437},
    };
    world *w = begin(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        service s = {0};
        serve(w, &s, rows[i].form);
        w->sign.claims = rows[i].claims;
        for (int compact = 0; compact < (rows[i].claims == NULL ? 2 : 1); compact++) {
            w->sign.compact = compact != 0;
            int status = verify(w, sign(w, INVITE));
            if (status != rows[i].status) fail_msg("%s: %d %s", rows[i].name, status, w->verdict.reason.text);
            if (status != 0) assert_string_equal(w->verdict.reason.rule, "IDN-39");
        }
        retire(w, &s);
    }
}

/* IDN-73, IDN-74 at work: usage of the service's certificate. */
static void usage_of_the_certificate(void **state)
{
    static const struct {
        lab_form form;
        bool tls;
        int status;
    } rows[] = {
        {{.san = "DNS:atlanta.example.com", .purposes = "serverAuth"}, false, 437},
        {{.san = "DNS:atlanta.example.com", .purposes = "serverAuth"}, true, 0},
        {{.san = "DNS:atlanta.example.com", .purposes = "1.3.6.1.5.5.7.3.20"}, false, 0},
        {{.san = "DNS:other.example,URI:sip:atlanta.example.com"}, false, 0},
    };
    world *w = begin(state);
    EVP_PKEY *key = lab_key(NULL);
    service signer = {0};
    lab_form plain = {.san = "DNS:atlanta.example.com", .own_key = key};
    serve(w, &signer, plain);
    sipveil_span message = sign(w, INVITE);
    retire(w, &signer);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        service s = {0};
        lab_form form = rows[i].form;
        form.own_key = key;
        serve(w, &s, form);
        w->verify.allow_tls_usage = rows[i].tls;
        if (verify(w, message) != rows[i].status) fail_msg("%zu: %s", i, w->verdict.reason.text);
        retire(w, &s);
    }
    /* a PEM with a second certificate in it: the first one signs */
    service s = {0};
    serve(w, &s, plain);
    char *chain = calloc(1, 8192);
    snprintf(chain, 8192, "%s%s", s.certificate, w->biloxi.certificate);
    char *alone = s.certificate;
    s.certificate = chain;
    assert_valid(w, message);
    s.certificate = alone;
    free(chain);
    retire(w, &s);
    EVP_PKEY_free(key);
}

/* IDN-02, IDN-03, IDN-13: SHA-1 and short keys of RFC 4474, by name and marked. */
static void weak_forms(void **state)
{
    static const struct {
        const char *algorithm, *digest, *alg;
        unsigned allow;
        int status;
        bool weak;
    } rows[] = {
        {"rsa2048", "SHA256", "rsa-sha256", 0, 0, false},
        {"rsa2048", "SHA1", "rsa-sha1", 0, 437, false},
        {"rsa2048", "SHA1", "rsa-sha1", SIPVEIL_WEAK_SHA1, 0, true},
        {"rsa2048", "SHA1", "rsa-sha256", SIPVEIL_WEAK_SHA1, 438, false},
        {"rsa1024", "SHA256", "rsa-sha256", 0, 437, false},
        {"rsa1024", "SHA256", "rsa-sha256", SIPVEIL_WEAK_RSA1024, 0, true},
        {"rsa1024", "SHA1", "rsa-sha1", SIPVEIL_WEAK_SHA1, 437, false},
        {"rsa1024", "SHA1", "rsa-sha1", SIPVEIL_WEAK_RSA1024 | SIPVEIL_WEAK_SHA1, 0, true},
    };
    world *w = begin(state);
    use_old(w);
    (void)sign(w, INVITE);
    sipveil_span octets;
    assert_true(sv_arena_copy(w->arena, w->made.signed_octets, &octets)); /* the digest-string, whoever signs it */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        service s = {0};
        /* a wildcard, which RFC 4474 takes */
        const lab_form form = {.subject = "c", .san = "DNS:*.example.com", .algorithm = rows[i].algorithm, .issuer = &root};
        lab_certificate made = lab_make(&form);
        char *alone = lab_pem(NULL, NULL, &made.x509, 1);
        s.certificate = alone;
        s.info = INFO;
        w->atlanta.info = "https://cert.atlanta.example.com/away.cer";
        w->services[w->service_count++] = &s;
        uint8_t signature[512];
        size_t len = sizeof signature;
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestSignInit_ex(md, NULL, rows[i].digest, lab_context->library, NULL, made.key, NULL), 1);
        assert_int_equal(EVP_DigestSign(md, signature, &len, octets.data, octets.len), 1);
        EVP_MD_CTX_free(md);
        sv_buffer b;
        sv_buffer_init(&b, w->arena, 2048, 1 << 16);
        sv_put_str(&b, "Identity: \"");
        sv_mime_put_base64(&b, sv_span(signature, len), 0);
        sv_put_str(&b, "\"\r\nIdentity-Info: <" INFO ">;alg=");
        sv_put_str(&b, rows[i].alg);
        sv_put_str(&b, "\r\nContent-Type");
        sv_put_byte(&b, 0);
        w->verify.allow_weak = rows[i].allow;
        int status = verify(w, edited(w, SV_SPAN(INVITE), "Content-Type", (const char *)b.data));
        if (status != rows[i].status || w->verdict.weak != rows[i].weak) fail_msg("%zu: %d %s", i, status, w->verdict.reason.text);
        w->service_count--;
        w->atlanta.info = INFO;
        free(alone);
        lab_free(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists_of_numbers), cmocka_unit_test(constraints_on_claims),
                                       cmocka_unit_test(usage_of_the_certificate), cmocka_unit_test(weak_forms)};
    return cmocka_run_group_tests_name("numbers and certificates", tests, open_all, close_all);
}
