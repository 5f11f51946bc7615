/* SPDX-License-Identifier: BSD-2-Clause */
/* The worked numbers of d-ver (AGR-33 to 36), challenges and credentials, nonces. */
#include "agree/digest.h"

#include "e2m/rows.h"
#include "tunnel/operation.h"

#define LIST "tls;q=0.2,\r\n\tdigest;q=0.1;d-alg=MD5;d-qop=auth"

static sipveil_context *context;
static sipveil_worker *worker;

static const struct {
    sv_digest_algorithm algorithm;
    sv_qop qop;
    const char *body;
    sipveil_agree_dver_form form; /* DEFAULT: the ordinary response */
    const char *list;
    const char *result;
} numbers[] = {
    {SV_ALGORITHM_MD5, SV_QOP_NONE, "", SIPVEIL_AGREE_DVER_ABNF, LIST, "1c2eec84e420ca8147df7774f881f3cb"},
    {SV_ALGORITHM_MD5, SV_QOP_AUTH, "", SIPVEIL_AGREE_DVER_ABNF, LIST, "7afbd6bddd7b09ee600ef4660ad874a3"},
    {SV_ALGORITHM_MD5_SESS, SV_QOP_AUTH, "", SIPVEIL_AGREE_DVER_ABNF, LIST, "69779613a618cabf9c8ed0c07115366e"},
    {SV_ALGORITHM_MD5, SV_QOP_AUTH_INT, "", SIPVEIL_AGREE_DVER_ABNF, LIST, "4bd96b61f9264ba072580c2438cda004"},
    {SV_ALGORITHM_MD5, SV_QOP_AUTH_INT, "hello\r\n", SIPVEIL_AGREE_DVER_ABNF, LIST, "8ba87d25d96fddcf752ab172b43a46e1"},
    {SV_ALGORITHM_MD5, SV_QOP_NONE, "", SIPVEIL_AGREE_DVER_VALUE, LIST, "624c69dfbd37cb0be52e1f319835e2d0"},
    {SV_ALGORITHM_MD5, SV_QOP_AUTH, "", SIPVEIL_AGREE_DVER_VALUE, LIST, "657b7dfc817f065d07b8ee0cef10e2e1"},
    {SV_ALGORITHM_MD5, SV_QOP_AUTH_INT, "", SIPVEIL_AGREE_DVER_VALUE, LIST, "b26c419f9f8cdbf4481d0c846af6cc14"},
    {SV_ALGORITHM_MD5, SV_QOP_AUTH_INT, "hello\r\n", SIPVEIL_AGREE_DVER_VALUE, LIST, "d7646d687f1522453b9cd58a2170b1ba"},
    {SV_ALGORITHM_MD5, SV_QOP_AUTH, "", SIPVEIL_AGREE_DVER_DEFAULT, NULL, "043a050f6c723e81d72ff66ec43d3686"},
    /* tls removed on the way: another number. */
    {SV_ALGORITHM_MD5, SV_QOP_AUTH, "", SIPVEIL_AGREE_DVER_ABNF, "digest;q=0.1;d-alg=MD5;d-qop=auth", "d8c6e00cd7d19a8bb05c7fc5edd1f44e"},
};

static void worked_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sv_http_hex hex;
        sv_worker_begin(worker);
        sv_digest_input in = {.algorithm = numbers[i].algorithm, .qop = numbers[i].qop, .username = SV_SPAN("alice"),
                              .realm = SV_SPAN("example.com"), .password = SV_SPAN("s3cret"),
                              .nonce = SV_SPAN("84f1c1ae6cbe5a19c8e88dfa3ecb3459"), .nc = SV_SPAN("00000001"),
                              .cnonce = SV_SPAN("0a4f113b"), .method = SV_SPAN("INVITE"), .uri = SV_SPAN("sip:bob@example.com"),
                              .body = sv_span_str(numbers[i].body)};
        if (numbers[i].list != NULL) {
            assert_int_equal(sv_dver_text(sv_span_str(numbers[i].list), numbers[i].form, worker->arena, &in.security_server, NULL), SIPVEIL_OK);
        }
        assert_int_equal(sv_digest_response(worker->crypto, &in, &hex, NULL), SIPVEIL_OK);
        if (!sv_equal_str(sv_span(hex.digits, hex.len), numbers[i].result)) fail_msg("%zu: %.32s", i, (char *)hex.digits);
    }
}

/* SHA-256 and SHA-256-sess as an ordinary response; the figures are those of Python's hashlib by RFC 8760 2. */
static void sha256(void **state)
{
    static const char *const results[] = {"0dc3579828591d45bbee6e8620303832773a07bb95aacb003227f19a8806b9f3",
                                          "e6b9ba239a11f8bcfdb9e4085f3b060c64a91de51842abb0901c2e1e50f26ed4"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        sv_http_hex hex;
        sv_digest_input in = {.algorithm = i == 0 ? SV_ALGORITHM_SHA256 : SV_ALGORITHM_SHA256_SESS, .qop = SV_QOP_AUTH,
                              .username = SV_SPAN("alice"), .realm = SV_SPAN("example.com"), .password = SV_SPAN("s3cret"),
                              .nonce = SV_SPAN("84f1c1ae6cbe5a19c8e88dfa3ecb3459"), .nc = SV_SPAN("00000001"),
                              .cnonce = SV_SPAN("0a4f113b"), .method = SV_SPAN("INVITE"), .uri = SV_SPAN("sip:bob@example.com")};
        assert_int_equal(sv_digest_response(worker->crypto, &in, &hex, NULL), SIPVEIL_OK);
        assert_int_equal(hex.len, 64);
        if (!sv_equal_str(sv_span(hex.digits, hex.len), results[i])) fail_msg("%d: %.64s", i, (char *)hex.digits);
    }
}

/* AGR-35: runs become one blank, and are not removed. */
static void white_space(void **state)
{
    sipveil_span out;
    (void)state;
    sv_worker_begin(worker);
    assert_int_equal(sv_dver_text(SV_SPAN("  tls ;\t\t q=0.2,\r\n  digest  "), SIPVEIL_AGREE_DVER_DEFAULT, worker->arena, &out, NULL), SIPVEIL_OK);
    assert_true(sv_equal_str(out, "Security-Server: tls ; q=0.2, digest"));
    assert_int_equal(sv_dver_text(SV_SPAN("tls"), SIPVEIL_AGREE_DVER_VALUE, worker->arena, &out, NULL), SIPVEIL_OK);
    assert_true(sv_equal_str(out, "tls"));
}

static void challenges_and_credentials(void **state)
{
    static const char *const broken[] = {"Digest", "Digest realm", "Digest realm=\"a\",", "Digest realm=\"a\", realm=\"b\"",
                                         "Digest realm=\"a", "Digest realm=\"a\" nonce=\"b\"", "Digest =a", "Digest a=,b=c"};
    sv_auth auth;
    bool digest;
    (void)state;
    assert_int_equal(sv_auth_read(SV_SPAN("digest Realm=\"a \\\"b\" , nonce=\"n\",\r\n qop=\"auth, AUTH-INT\",algorithm=MD5-sess,stale=TRUE,x=\"y,z\""),
                                  &auth, &digest, NULL), SIPVEIL_OK);
    assert_true(digest && sv_equal_str(auth.realm, "a \\\"b") && auth.stale && auth.has_nonce && !auth.has_username);
    assert_true(sv_quoted_says(auth.realm, "a \"b") && !sv_quoted_says(auth.realm, "a \\\"b") && !sv_quoted_says(auth.realm, "a \"") &&
                !sv_quoted_says(auth.realm, "a \"b "));
    assert_true(sv_quoted_same(SV_SPAN("\\a\\\\"), SV_SPAN("a\\\\")) && sv_quoted_same(SV_SPAN(""), SV_SPAN("")) &&
                !sv_quoted_same(SV_SPAN("a"), SV_SPAN("ab")) && !sv_quoted_same(SV_SPAN("ab"), SV_SPAN("a")) &&
                !sv_quoted_same(SV_SPAN("a"), SV_SPAN("A")) && !sv_quoted_same(SV_SPAN(""), SV_SPAN("a")));
    assert_true(sv_auth_offers_qop(&auth, "auth-int") && sv_auth_offers_qop(&auth, "auth") && !sv_auth_offers_qop(&auth, "au"));
    assert_int_equal(sv_auth_read(SV_SPAN("Basic Zm9v"), &auth, &digest, NULL), SIPVEIL_OK);
    assert_false(digest);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        if (sv_auth_read(sv_span_str(broken[i]), &auth, &digest, NULL) != SIPVEIL_MALFORMED) fail_msg("%s", broken[i]);
    }
}

/* AGR-34, 39, 40: what the entry demands replaces what the challenge says. */
static void demands(void **state)
{
    static const struct {
        const char *entry, *challenge;
        bool no_qop, sha256;
        const char *algorithm, *qop; /* NULL: refused */
    } cases[] = {
        {"digest;d-alg=MD5-sess;d-qop=auth-int", "Digest realm=\"r\",algorithm=MD5,qop=\"auth\"", false, false, "MD5-sess", "auth-int"},
        {"digest", "Digest realm=\"r\",qop=\"auth\"", false, false, "MD5", "auth"},
        {"digest", "Digest realm=\"r\",qop=\"auth,auth-int\"", false, false, "MD5", "auth-int"},
        {"digest;d-qop=auth", "Digest realm=\"r\"", false, false, "MD5", "auth"},
        {"digest", "Digest realm=\"r\"", false, false, NULL, NULL},
        {"digest", "Digest realm=\"r\"", true, false, "MD5", ""},
        {"digest;d-alg=SHA-256", "Digest realm=\"r\",qop=\"auth\"", false, false, NULL, NULL},
        {"digest;d-alg=SHA-256", "Digest realm=\"r\",qop=\"auth\"", false, true, "SHA-256", "auth"},
        {"digest", "Digest realm=\"r\",algorithm=SHA-256,qop=\"auth\"", false, false, NULL, NULL},
        {"digest;d-alg=ROT13", "Digest realm=\"r\",qop=\"auth\"", false, true, NULL, NULL},
        {"digest;d-qop=none", "Digest realm=\"r\",qop=\"auth\"", false, false, NULL, NULL},
    };
    sv_mechanism_list *list = malloc(sizeof *list);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_auth auth;
        bool digest;
        sv_digest_algorithm algorithm;
        sv_qop qop;
        assert_int_equal(sv_mechanisms_read(sv_span_str(cases[i].entry), "list", list, NULL), SIPVEIL_OK);
        assert_int_equal(sv_auth_read(sv_span_str(cases[i].challenge), &auth, &digest, NULL), SIPVEIL_OK);
        sv_digest_rules rules = {SIPVEIL_AGREE_RFC3329, cases[i].no_qop, cases[i].sha256};
        sipveil_code code = sv_digest_demand(&list->items[0], &auth, rules, &algorithm, &qop, NULL);
        if ((code == SIPVEIL_OK) != (cases[i].algorithm != NULL)) fail_msg("%s with %s", cases[i].entry, cases[i].challenge);
        if (code != SIPVEIL_OK) continue;
        assert_string_equal(sv_digest_algorithm_name(algorithm), cases[i].algorithm);
        assert_string_equal(sv_qop_name(qop), cases[i].qop);
    }
    free(list);
}

/* AGR-27, 28, 39: made of the transaction and of time, kept by nobody until they were used. */
static void nonces(void **state)
{
    sipveil_memory *memory, *other;
    uint8_t one[SV_NONCE_LENGTH], again[SV_NONCE_LENGTH], later[SV_NONCE_LENGTH];
    sv_nonce_state result;
    const sipveil_span transaction[] = {SV_SPAN("branch"), SV_SPAN("call")}, another[] = {SV_SPAN("branch2"), SV_SPAN("call")};
    (void)state;
    assert_int_equal(sipveil_memory_new(&memory, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_memory_new(&other, NULL), SIPVEIL_OK);
    sv_nonces n = {.crypto = worker->crypto, .memory = memory, .realm = "r", .now = 1000000};
    assert_int_equal(sv_nonces_begin(&n, NULL), SIPVEIL_OK);
    assert_int_equal(sv_nonce_make(&n, transaction, 2, one, NULL), SIPVEIL_OK);
    n.now += 10;
    assert_int_equal(sv_nonce_make(&n, transaction, 2, again, NULL), SIPVEIL_OK);
    assert_memory_equal(one, again, sizeof one);
    assert_int_equal(sv_nonce_make(&n, another, 2, again, NULL), SIPVEIL_OK);
    assert_memory_not_equal(one, again, sizeof one);
    n.now += 32;
    assert_int_equal(sv_nonce_make(&n, transaction, 2, later, NULL), SIPVEIL_OK);
    assert_memory_not_equal(one, later, sizeof one);
    sipveil_span nonce = sv_span(one, sizeof one);
    assert_int_equal(sv_nonce_judge(&n, nonce, &result, NULL), SIPVEIL_OK);
    assert_int_equal(result, SV_NONCE_GOOD);
    n.now += 300;
    assert_int_equal(sv_nonce_judge(&n, nonce, &result, NULL), SIPVEIL_OK);
    assert_int_equal(result, SV_NONCE_EXPIRED);
    n.now = 1000;
    assert_int_equal(sv_nonce_judge(&n, nonce, &result, NULL), SIPVEIL_OK);
    assert_int_equal(result, SV_NONCE_EXPIRED); /* of the future */
    n.now = 1000000;
    for (size_t i = 0; i < sizeof one; i++) { /* every digit counts */
        memcpy(again, one, sizeof one);
        again[i] = again[i] == '0' ? '1' : '0';
        assert_int_equal(sv_nonce_judge(&n, sv_span(again, sizeof again), &result, NULL), SIPVEIL_OK);
        assert_int_equal(result, SV_NONCE_FOREIGN);
    }
    sv_nonces m = {.crypto = worker->crypto, .memory = memory, .realm = "s", .now = 1000000};
    assert_int_equal(sv_nonces_begin(&m, NULL), SIPVEIL_OK); /* the same key, another realm */
    assert_int_equal(sv_nonce_judge(&m, nonce, &result, NULL), SIPVEIL_OK);
    assert_int_equal(result, SV_NONCE_FOREIGN);
    m = (sv_nonces){.crypto = worker->crypto, .memory = other, .realm = "r", .now = 1000000};
    assert_int_equal(sv_nonces_begin(&m, NULL), SIPVEIL_OK); /* another server's key */
    assert_int_equal(sv_nonce_judge(&m, nonce, &result, NULL), SIPVEIL_OK);
    assert_int_equal(result, SV_NONCE_FOREIGN);
    assert_int_equal(sv_nonce_judge(&m, sv_span(one, sizeof one - 1), &result, NULL), SIPVEIL_OK);
    assert_int_equal(result, SV_NONCE_FOREIGN);
    char realm[256]; /* one that fits, and one that does not */
    memset(realm, 'r', sizeof realm);
    realm[252] = '\0';
    n.realm = realm;
    assert_int_equal(sv_nonce_make(&n, transaction, 2, again, NULL), SIPVEIL_OK);
    assert_int_equal(sv_nonce_judge(&n, sv_span(again, sizeof again), &result, NULL), SIPVEIL_OK);
    assert_int_equal(result, SV_NONCE_GOOD);
    realm[252] = 'r';
    realm[253] = '\0';
    assert_int_equal(sv_nonce_make(&n, transaction, 2, again, NULL), SIPVEIL_LIMIT);
    assert_int_equal(sv_nonce_judge(&n, nonce, &result, NULL), SIPVEIL_LIMIT);
    assert_int_equal(result, SV_NONCE_FOREIGN);
    const sv_nonces unusable[] = {{.realm = "r"}, {.memory = memory}, {.memory = memory, .realm = "r", .lifetime = -1}};
    for (size_t i = 0; i < 3; i++) {
        m = unusable[i];
        m.crypto = worker->crypto;
        assert_int_equal(sv_nonces_begin(&m, NULL), SIPVEIL_USAGE);
    }
    sipveil_memory_free(memory);
    sipveil_memory_free(other);
}

static void counting(void **state)
{
    static const struct {
        const char *user;
        uint32_t nc;
        sv_nonce_state result;
    } cases[] = {{"a", 1, SV_NONCE_GOOD}, {"a", 1, SV_NONCE_USED}, {"a", 2, SV_NONCE_GOOD}, {"a", 1, SV_NONCE_USED},
                 {"a", 300, SV_NONCE_GOOD}, {"a", 299, SV_NONCE_USED}, {"a", 0x100000, SV_NONCE_GOOD}, {"a", 0xffff, SV_NONCE_USED},
                 {"b", 1, SV_NONCE_GOOD}, {"a", 0xffffffff, SV_NONCE_GOOD}, {"a", 0xffffffff, SV_NONCE_USED}};
    static const char *const no_numbers[] = {"", "0000000", "000000001", "0000000g", "0000000A", "00000000"};
    sipveil_memory *memory;
    uint32_t nc;
    (void)state;
    assert_int_equal(sipveil_memory_new(&memory, NULL), SIPVEIL_OK);
    sv_nonces n = {.crypto = worker->crypto, .memory = memory, .realm = "r", .now = 1000000};
    assert_int_equal(sv_nonces_begin(&n, NULL), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_nonce_state result;
        assert_int_equal(sv_nonce_count(&n, sv_span_str(cases[i].user), SV_SPAN("nonce"), cases[i].nc, &result, NULL), SIPVEIL_OK);
        if (result != cases[i].result) fail_msg("case %zu: %d", i, (int)result);
    }
    for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++) assert_false(sv_nc_read(sv_span_str(no_numbers[i]), &nc));
    assert_true(sv_nc_read(SV_SPAN("0000000a"), &nc) && nc == 10);
    sipveil_memory_free(memory);
}

static int begin(void **state)
{
    (void)state;
    return sipveil_context_new(NULL, &context, NULL) == SIPVEIL_OK && sipveil_worker_new(context, &worker, NULL) == SIPVEIL_OK ? 0 : 1;
}

static int end(void **state)
{
    (void)state;
    sipveil_worker_free(worker);
    sipveil_context_free(context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_numbers), cmocka_unit_test(sha256), cmocka_unit_test(white_space),
        cmocka_unit_test(challenges_and_credentials), cmocka_unit_test(demands), cmocka_unit_test(nonces), cmocka_unit_test(counting),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
