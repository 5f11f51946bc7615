/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts, hooks, randomness, the tables. */
#include "crypto/fixture.h"

#include <openssl/objects.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_defaults(void **state)
{
    fixture *f = *state;
    sipveil_hooks hooks;
    sipveil_hooks_default(&hooks);
    assert_int_equal(hooks.size, sizeof hooks);
    assert_true(sipveil_context_limits(f->context)->recipients == 64);
    assert_true(sv_now(f->context) > 1700000000);
    assert_non_null(strstr(sipveil_crypto_library_version(), "OpenSSL 3"));
    assert_ptr_equal(sv_crypto_context(f->crypto), f->context);
    sipveil_context_free(NULL);
    sv_crypto_free(NULL);
}

static void test_bad_hooks(void **state)
{
    (void)state;
    sipveil_context *context;
    sipveil_hooks hooks;
    sipveil_error err;
    sipveil_hooks_default(&hooks);
    hooks.size--;
    assert_int_equal(sipveil_context_new(&hooks, &context, &err), SIPVEIL_USAGE);
    assert_null(context);
    sipveil_hooks_default(&hooks);
    hooks.limits.keys_tried = 0;
    assert_int_equal(sipveil_context_new(&hooks, &context, &err), SIPVEIL_USAGE);
    assert_null(context);
    sipveil_hooks_default(&hooks);
    hooks.limits.iterations_least = 0; /* wider than the others where sizes have 32 bits */
    assert_int_equal(sipveil_context_new(&hooks, &context, &err), SIPVEIL_USAGE);
    assert_string_equal(err.text, "limit number 22 is 0: use sipveil_limits_default");
    sipveil_hooks_default(&hooks);
    hooks.limits.inflate_ratio = 0; /* the last one */
    assert_int_equal(sipveil_context_new(&hooks, &context, &err), SIPVEIL_USAGE);
    assert_string_equal(err.text, "limit number 30 is 0: use sipveil_limits_default");
}

typedef struct source {
    uint8_t next;
    bool broken;
} source;

static bool counting(void *user, uint8_t *out, size_t len)
{
    source *s = user;
    for (size_t i = 0; i < len; i++) out[i] = s->next++;
    return !s->broken;
}

static int64_t fixed(void *user)
{
    (void)user;
    return 1000;
}

/* ADV-214: a generator that fails ends the operation, and what it wrote is not used */
static void test_hooks(void **state)
{
    (void)state;
    source s = {0};
    sipveil_context *context;
    sipveil_hooks hooks;
    sipveil_error err;
    sv_crypto *crypto;
    uint8_t out[40];
    sipveil_hooks_default(&hooks);
    hooks.user = &s;
    hooks.random = counting;
    hooks.now = fixed;
    assert_int_equal(sipveil_context_new(&hooks, &context, &err), SIPVEIL_OK);
    assert_int_equal(sv_crypto_new(context, &crypto, &err), SIPVEIL_OK);
    assert_int_equal(sv_now(context), 1000);
    assert_int_equal(sv_random(crypto, out, 40, &err), SIPVEIL_OK);
    assert_int_equal(out[39], 39);
    assert_int_equal(sv_random(crypto, out, 1, &err), SIPVEIL_OK);
    assert_int_equal(out[0], 40);
    s.broken = true;
    assert_int_equal(sv_random(crypto, out, 40, &err), SIPVEIL_INTERNAL);
    assert_int_equal(out[0] | out[39], 0);
    sv_crypto_free(crypto);
    sipveil_context_free(context);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

/* ADV-068: no two values alike, whatever their sizes */
static void test_random_is_fresh(void **state)
{
    fixture *f = *state;
    enum { COUNT = 20000 };
    uint8_t *all = malloc(COUNT * 16), octets[600];
    sipveil_error err;
    assert_non_null(all);
    for (size_t i = 0; i < COUNT; i++) {
        size_t len = 16 + i % 585; /* past what is kept in advance, too */
        assert_int_equal(sv_random(f->crypto, octets, len, &err), SIPVEIL_OK);
        memcpy(all + 16 * i, octets + (len - 16), 16);
    }
    qsort(all, COUNT, 16, compare);
    for (size_t i = 1; i < COUNT; i++) assert_memory_not_equal(all + 16 * i, all + 16 * (i - 1), 16);
    free(all);
}

/* ADV-068: a child does not draw what its parent or its sibling draws */
static void test_random_after_fork(void **state)
{
    fixture *f = *state;
    uint8_t drawn[3][16];
    sipveil_error err;
    assert_int_equal(sv_random(f->crypto, drawn[0], 16, &err), SIPVEIL_OK); /* fills the block */
    for (int i = 0; i < 2; i++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            uint8_t mine[16];
            bool good = sv_random(f->crypto, mine, 16, NULL) == SIPVEIL_OK && write(ends[1], mine, 16) == 16;
            _exit(good ? 0 : 1);
        }
        int status;
        assert_int_equal(read(ends[0], drawn[i], 16), 16);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        close(ends[0]);
        close(ends[1]);
    }
    assert_int_equal(sv_random(f->crypto, drawn[2], 16, &err), SIPVEIL_OK);
    assert_memory_not_equal(drawn[0], drawn[1], 16);
    assert_memory_not_equal(drawn[0], drawn[2], 16);
    assert_memory_not_equal(drawn[1], drawn[2], 16);
}

static void test_cipher_names(void **state)
{
    (void)state;
    for (sipveil_cipher c = SIPVEIL_CIPHER_NONE + 1; c < SIPVEIL_CIPHER_COUNT; c++) {
        assert_int_equal(sipveil_cipher_by_name(sipveil_cipher_name(c)), c);
        assert_int_equal(sv_cipher_by_oid(sv_cipher_row_of(c)->oid), c);
    }
    assert_int_equal(sipveil_cipher_by_name("aes-512-gcm"), SIPVEIL_CIPHER_NONE);
    assert_int_equal(sipveil_cipher_by_name(NULL), SIPVEIL_CIPHER_NONE);
    assert_string_equal(sipveil_cipher_name((sipveil_cipher)99), "");
    assert_string_equal(sipveil_cipher_name(SIPVEIL_CIPHER_AES_256_GCM), "aes-256-gcm");
}

/* The octets of each OID against those that libcrypto has for the same dotted text. */
static void assert_oid(sipveil_span found, const char *dotted)
{
    ASN1_OBJECT *object = OBJ_txt2obj(dotted, 1);
    assert_non_null(object);
    assert_int_equal(found.len, OBJ_length(object));
    assert_memory_equal(found.data, OBJ_get0_data(object), found.len);
    ASN1_OBJECT_free(object);
}

static void test_object_identifiers(void **state)
{
    (void)state;
    static const int gcm[] = {6, 26, 46}, cbc[] = {2, 22, 42}, wrap[] = {5, 25, 45};
    char text[64];
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "2.16.840.1.101.3.4.1.%d", gcm[i]);
        assert_oid(sv_cipher_row_of(SIPVEIL_CIPHER_AES_128_GCM + (unsigned)i)->oid, text);
        snprintf(text, sizeof text, "2.16.840.1.101.3.4.1.%d", cbc[i]);
        assert_oid(sv_cipher_row_of(SIPVEIL_CIPHER_AES_128_CBC + (unsigned)i)->oid, text);
        snprintf(text, sizeof text, "2.16.840.1.101.3.4.1.%d", wrap[i]);
        assert_oid(sv_wrap_row_of((sv_wrap)i)->oid, text);
    }
    assert_oid(sv_cipher_row_of(SIPVEIL_CIPHER_DES_EDE3_CBC)->oid, "1.2.840.113549.3.7");
    static const struct {
        sv_hash hash;
        const char *oid, *hmac, *std, *cofactor, *hkdf;
    } rows[] = {
        {SV_HASH_SHA1, "1.3.14.3.2.26", "1.2.840.113549.2.7", "1.3.133.16.840.63.0.2", "1.3.133.16.840.63.0.3", NULL},
        {SV_HASH_SHA224, "2.16.840.1.101.3.4.2.4", "1.2.840.113549.2.8", "1.3.132.1.11.0", "1.3.132.1.14.0", NULL},
        {SV_HASH_SHA256, "2.16.840.1.101.3.4.2.1", "1.2.840.113549.2.9", "1.3.132.1.11.1", "1.3.132.1.14.1",
         "1.2.840.113549.1.9.16.3.19"},
        {SV_HASH_SHA384, "2.16.840.1.101.3.4.2.2", "1.2.840.113549.2.10", "1.3.132.1.11.2", "1.3.132.1.14.2",
         "1.2.840.113549.1.9.16.3.20"},
        {SV_HASH_SHA512, "2.16.840.1.101.3.4.2.3", "1.2.840.113549.2.11", "1.3.132.1.11.3", "1.3.132.1.14.3",
         "1.2.840.113549.1.9.16.3.21"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const sv_hash_row *row = sv_hash_row_of(rows[i].hash);
        assert_oid(row->oid, rows[i].oid);
        assert_oid(row->hmac_oid, rows[i].hmac);
        assert_int_equal(sv_hash_by_oid(row->oid), rows[i].hash);
        assert_int_equal(sv_hash_by_hmac_oid(row->hmac_oid), rows[i].hash);
        const sv_agreement_row *scheme = sv_agreement_for(rows[i].hash, false);
        assert_oid(scheme->oid, rows[i].std);
        assert_false(scheme->cofactor);
        assert_ptr_equal(sv_agreement_by_oid(scheme->oid), scheme);
        ASN1_OBJECT *cofactor = OBJ_txt2obj(rows[i].cofactor, 1);
        scheme = sv_agreement_by_oid(sv_span(OBJ_get0_data(cofactor), OBJ_length(cofactor)));
        assert_true(scheme != NULL && scheme->cofactor && scheme->hash == rows[i].hash);
        ASN1_OBJECT_free(cofactor);
        scheme = sv_agreement_for(rows[i].hash, true);
        if (rows[i].hkdf != NULL) assert_oid(scheme->oid, rows[i].hkdf);
        else assert_null(scheme);
    }
    assert_oid(sv_curve_row_of(SV_CURVE_P256)->oid, "1.2.840.10045.3.1.7");
    assert_oid(sv_curve_row_of(SV_CURVE_P384)->oid, "1.3.132.0.34");
    assert_oid(sv_curve_row_of(SV_CURVE_P521)->oid, "1.3.132.0.35");
    assert_oid(sv_curve_row_of(SV_CURVE_X25519)->oid, "1.3.101.110");
    assert_int_equal(sv_curve_by_oid(hex("2a")), SV_CURVE_NONE);
    assert_null(sv_agreement_by_oid(hex("2a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),          cmocka_unit_test(test_bad_hooks),
        cmocka_unit_test(test_hooks),             cmocka_unit_test(test_random_is_fresh),
        cmocka_unit_test(test_random_after_fork), cmocka_unit_test(test_cipher_names),
        cmocka_unit_test(test_object_identifiers),
    };
    return cmocka_run_group_tests_name("the context", tests, fixture_setup, fixture_teardown);
}
