/* SPDX-License-Identifier: BSD-2-Clause */
/* The values on the way ("facts") of vectors/keywrap.json through the primitives, and, where a folder
 * with published sets lies beside the project, its key wraps too. */
#include <jansson.h>
#include <stdio.h>

#include "crypto/fixture.h"
#include "crypto/kdf.h"
#include "crypto/keywrap.h"

typedef struct octets {
    uint8_t data[64];
    size_t len;
} octets;

static bool read_hex(const json_t *object, const char *name, octets *out)
{
    const char *text = json_string_value(json_object_get(object, name));
    *out = (octets){.len = 0};
    if (text == NULL) return false;
    for (; text[0] != '\0' && text[1] != '\0' && out->len < sizeof out->data; text += 2) {
        unsigned octet;
        assert_int_equal(sscanf(text, "%2x", &octet), 1);
        out->data[out->len++] = (uint8_t)octet;
    }
    assert_int_equal(text[0], '\0');
    return true;
}

static json_t *load(const char *relative)
{
    char path[4096];
    const char *source = getenv("SIPVEIL_SOURCE");
    (void)snprintf(path, sizeof path, "%s/%s", source != NULL ? source : ".", relative);
    json_t *file = json_load_file(path, 0, NULL);
    if (file == NULL) printf("skipped: no file %s\n", path);
    return file;
}

/* Unwraps as a key of key_length octets. */
static bool unwraps(fixture *f, const octets *kek, const octets *wrapped, size_t key_length, uint8_t *out)
{
    sv_wrap wrap;
    assert_true(sv_wrap_by_key_length(kek->len, &wrap));
    return sv_unwrap_key(f->crypto, wrap, kek->data, sv_span(wrapped->data, wrapped->len), key_length, out);
}

static void check_wrap(fixture *f, const octets *kek, const octets *key, const octets *wrapped)
{
    uint8_t out[SV_KEY_MOST + SV_WRAP_GAIN];
    sipveil_error err;
    sv_wrap wrap;
    assert_true(unwraps(f, kek, wrapped, key->len, out));
    assert_memory_equal(out, key->data, key->len);
    assert_true(sv_wrap_by_key_length(kek->len, &wrap));
    assert_int_equal(sv_wrap_key(f->crypto, wrap, kek->data, sv_span(key->data, key->len), out, &err), SIPVEIL_OK);
    assert_int_equal(key->len + SV_WRAP_GAIN, wrapped->len);
    assert_memory_equal(out, wrapped->data, wrapped->len);
}

/* Whatever the size of the key would be (ADV-089). */
static void check_no_unwrap(fixture *f, const octets *kek, const octets *wrapped)
{
    uint8_t out[SV_KEY_MOST];
    for (size_t size = 16; size <= 32; size += 8) assert_false(unwraps(f, kek, wrapped, size, out));
}

/* TUN-91: the password's key, and the content key of RFC 9709. */
static void check_derivations(fixture *f, const json_t *facts, size_t *derivations)
{
    octets salt, kek;
    uint8_t out[SV_KEY_MOST];
    sipveil_error err;
    if (!read_hex(facts, "salt", &salt) || !read_hex(facts, "kek", &kek)) return;
    uint64_t iterations = (uint64_t)json_integer_value(json_object_get(facts, "iterations"));
    assert_int_equal(sv_kdf_pbkdf2(f->crypto, SV_HASH_SHA1, SV_SPAN("password"), sv_span(salt.data, salt.len), iterations, out,
                                   kek.len, &err), SIPVEIL_OK);
    assert_memory_equal(out, kek.data, kek.len);
    ++*derivations;
}

static void our_vectors(void **state)
{
    fixture *f = *state;
    json_t *file = load("vectors/keywrap.json");
    size_t i, wraps = 0, refusals = 0, derivations = 0;
    const json_t *test;
    assert_non_null(file);
    json_array_foreach (json_object_get(file, "cases"), i, test) {
        const json_t *facts = json_object_get(test, "facts");
        octets kek, cek, wrapped;
        check_derivations(f, facts, &derivations);
        if (!read_hex(facts, "kek", &kek) || !read_hex(facts, "wrapped", &wrapped)) continue;
        if (read_hex(facts, "cek", &cek)) {
            check_wrap(f, &kek, &cek, &wrapped);
            wraps++;
        } else {
            check_no_unwrap(f, &kek, &wrapped);
            refusals++;
        }
    }
    json_decref(file);
    assert_int_equal(wraps, 12);
    assert_int_equal(refusals, 8);
    assert_int_equal(derivations, 1);
}

static void published_vectors(void **state)
{
    fixture *f = *state;
    json_t *file = load("../shared/vectors/keywrap.json");
    size_t i;
    const json_t *test;
    octets kek, key, wrapped;
    if (file == NULL) skip();
    json_array_foreach (json_object_get(file, "aes_kw_rfc3394"), i, test) {
        assert_true(read_hex(test, "kek", &kek) && read_hex(test, "key", &key) && read_hex(test, "wrapped", &wrapped));
        check_wrap(f, &kek, &key, &wrapped);
    }
    assert_true(i > 0);
    json_array_foreach (json_object_get(file, "aes_kwp_rfc5649"), i, test) { /* not what we read */
        assert_true(read_hex(test, "kek", &kek) && read_hex(test, "wrapped", &wrapped));
        check_no_unwrap(f, &kek, &wrapped);
    }
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_vectors),
        cmocka_unit_test(published_vectors),
    };
    return cmocka_run_group_tests_name("vectors of key wrap", tests, fixture_setup, fixture_teardown);
}
