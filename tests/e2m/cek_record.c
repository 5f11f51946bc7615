/* SPDX-License-Identifier: BSD-2-Clause */
/* A held key as octets of the store: what was put comes back, and anything else is no record (E2M-57). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "e2m/cek.h"

/* Where things stand, which the format fixes. */
enum { AT_VERSION = 0, AT_CIPHER = 1, AT_USES = 3, AT_CEK_LENGTH = 75, CEK = 16, HOST = 2, SALT = 4 };
enum { AT_READERS_LENGTH = AT_CEK_LENGTH + 2 + CEK + 2 + HOST, AT_HOPS = AT_READERS_LENGTH + 2 + SV_CEK_DIGEST + 2 + 3 + 2 + 1 };
enum { AT_FIRST_REPLY = AT_HOPS + 1, AT_WRAP = AT_HOPS + 1 + 2 * (1 + 2 + HOST) };

static const uint8_t cek[CEK] = "0123456789abcde";
static const uint8_t reader[SV_CEK_DIGEST] = "the digest of one certificate..";

static sv_cek_record example(void)
{
    sv_cek_record r = {
        .cipher = SIPVEIL_CIPHER_AES_128_GCM, .cek = sv_span(cek, CEK), .uses = 32, .made = true, .rolling = true,
        .since = 1795255200, .order = 7, .unnamed = 2, .cseq = 314159, .expires = 1795258800, .hop_count = 2,
        .signer_domain = SV_SPAN("a."), .readers = sv_span(reader, SV_CEK_DIGEST), .method = SV_SPAN("BYE"), .branch_tag = SV_SPAN("t"),
        .hops = {{SV_SPAN("h1"), SIPVEIL_E2M_VIEW}, {SV_SPAN("h2"), SIPVEIL_E2M_OTHER}},
        .derivation = {.present = true, .wrap = SV_WRAP_AES_256, .salt = SV_SPAN("salt"), .iterations = 1000, .key_length = 32},
    };
    memset(r.signer, 0x5A, sizeof r.signer);
    return r;
}

/* In memory of exactly its size, so that one octet too many is seen. The caller frees it. */
static uint8_t *written(const sv_cek_record *r, size_t *len)
{
    sv_arena *arena = sv_arena_new(1 << 12, 1 << 16);
    assert_non_null(arena);
    sv_buffer b;
    sv_buffer_init(&b, arena, 256, 1 << 14);
    sv_cek_put_record(&b, r);
    assert_false(b.failed);
    uint8_t *out = malloc(b.len);
    assert_non_null(out);
    memcpy(out, b.data, b.len);
    *len = b.len;
    sv_arena_free(arena);
    return out;
}

static void assert_equal_records(const sv_cek_record *a, const sv_cek_record *b)
{
    assert_int_equal(a->cipher, b->cipher);
    assert_int_equal(a->uses, b->uses);
    assert_int_equal(a->made, b->made);
    assert_int_equal(a->rolling, b->rolling);
    assert_int_equal(a->since, b->since);
    assert_int_equal(a->expires, b->expires);
    assert_int_equal(a->order, b->order);
    assert_int_equal(a->unnamed, b->unnamed);
    assert_int_equal(a->cseq, b->cseq);
    assert_memory_equal(a->signer, b->signer, SV_CEK_DIGEST);
    assert_true(sv_equal(a->cek, b->cek) && sv_equal(a->signer_domain, b->signer_domain) && sv_equal(a->readers, b->readers));
    assert_true(sv_equal(a->method, b->method) && sv_equal(a->branch_tag, b->branch_tag));
    assert_int_equal(a->hop_count, b->hop_count);
    for (size_t i = 0; i < a->hop_count; i++) {
        assert_true(sv_equal(a->hops[i].host, b->hops[i].host));
        assert_int_equal(a->hops[i].reply, b->hops[i].reply);
    }
    assert_int_equal(a->derivation.present, b->derivation.present);
    assert_int_equal(a->derivation.unusable, b->derivation.unusable);
    assert_int_equal(a->derivation.wrap, b->derivation.wrap);
    assert_true(sv_equal(a->derivation.salt, b->derivation.salt));
    assert_int_equal(a->derivation.iterations, b->derivation.iterations);
    assert_int_equal(a->derivation.key_length, b->derivation.key_length);
}

static void comes_back(void **state)
{
    (void)state;
    sv_cek_record kinds[4] = {example(), example(), example(), example()}, got;
    sv_cek_front front;
    kinds[1].derivation = (sv_cek_derivation){.present = false};
    kinds[2].derivation = (sv_cek_derivation){.present = true, .unusable = true};
    kinds[3].made = kinds[3].rolling = false;
    kinds[3].hop_count = 0;
    kinds[3].readers = kinds[3].method = kinds[3].branch_tag = kinds[3].signer_domain = sv_span(NULL, 0);
    for (size_t i = 0; i < 4; i++) {
        size_t len;
        uint8_t *octets = written(&kinds[i], &len);
        assert_true(sv_cek_take_record(sv_span(octets, len), &got));
        assert_equal_records(&got, &kinds[i]);
        assert_true(sv_cek_take_front(sv_span(octets, len), &front));
        assert_int_equal(front.order, 7);
        assert_int_equal(front.unnamed, 2);
        assert_int_equal(front.cseq, 314159);
        assert_memory_equal(front.signer.data, kinds[i].signer, SV_CEK_DIGEST);
        free(octets);
    }
}

/* Each beginning of a record, and a record with something after it, is none. */
static void is_whole_or_nothing(void **state)
{
    (void)state;
    sv_cek_record r = example(), got;
    sv_cek_front front;
    size_t len;
    uint8_t *octets = written(&r, &len);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = malloc(cut + (cut == 0));
        assert_non_null(part);
        memcpy(part, octets, cut);
        if (sv_cek_take_record(sv_span(part, cut), &got)) fail_msg("%zu of %zu octets are taken", cut, len);
        assert_int_equal(sv_cek_take_front(sv_span(part, cut), &front), cut >= AT_CEK_LENGTH);
        free(part);
    }
    octets = realloc(octets, len + 1);
    assert_non_null(octets);
    octets[len] = 0;
    assert_false(sv_cek_take_record(sv_span(octets, len + 1), &got));
    free(octets);
}

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t at;
        uint8_t octet;
    } rows[] = {
        {"a version that is not ours", AT_VERSION, 1},
        {"no cipher", AT_CIPHER, SIPVEIL_CIPHER_NONE},
        {"a cipher beyond the last", AT_CIPHER, SIPVEIL_CIPHER_COUNT},
        {"a cipher of another key size", AT_CIPHER, SIPVEIL_CIPHER_AES_256_GCM},
        {"no use left", AT_USES + 7, 0},
        {"more uses than any key has", AT_USES + 6, 0xFF},
        {"uses that do not fit", AT_USES, 1},
        {"a shorter key", AT_CEK_LENGTH + 1, CEK - 1},
        {"a key that is all the rest", AT_CEK_LENGTH, 0xFF},
        {"half a reader", AT_READERS_LENGTH + 1, SV_CEK_DIGEST / 2},
        {"more hops than labels", AT_HOPS, SV_LABELS_MOST + 1},
        {"hops that are not there", AT_HOPS, SV_LABELS_MOST},
        {"a word that no label has", AT_FIRST_REPLY, SIPVEIL_E2M_OTHER + 1},
        {"a wrap beyond the last", AT_WRAP, SV_WRAP_COUNT},
        {"a salt that is all the rest", AT_WRAP + 1, 0xFF},
    };
    sv_cek_record r = example(), got;
    size_t len;
    uint8_t *octets = written(&r, &len);
    assert_int_equal(octets[AT_HOPS], 2); /* that the places are right */
    assert_int_equal(octets[AT_FIRST_REPLY], SIPVEIL_E2M_VIEW);
    assert_int_equal(octets[AT_WRAP], SV_WRAP_AES_256);
    assert_int_equal(octets[AT_READERS_LENGTH + 1], SV_CEK_DIGEST);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t before = octets[rows[i].at];
        octets[rows[i].at] = rows[i].octet;
        if (sv_cek_take_record(sv_span(octets, len), &got)) fail_msg("%s", rows[i].name);
        octets[rows[i].at] = before;
    }
    assert_true(sv_cek_take_record(sv_span(octets, len), &got));
    free(octets);
    r = example(); /* a list of readers that is no multiple, with the rest in order */
    r.readers.len = SV_CEK_DIGEST - 1;
    octets = written(&r, &len);
    assert_false(sv_cek_take_record(sv_span(octets, len), &got));
    free(octets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back), cmocka_unit_test(is_whole_or_nothing), cmocka_unit_test(refuses_what_cannot_be),
    };
    return cmocka_run_group_tests_name("keys that are held, as octets", tests, NULL, NULL);
}
