/* SPDX-License-Identifier: BSD-2-Clause */
/* Octet classes against the grammars they stand for, and the loops over them against loops of one octet a step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/octet.h"

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define ALPHANUM DIGITS LETTERS
#define TOKEN ALPHANUM "-.!%*_+`'~"
#define UNRESERVED ALPHANUM "-_.!~*'()"
#define USER UNRESERVED "&=+$,;?/"

/* RFC 3261 25.1, RFC 2045 5.1; the octets past 0x7F are of one class alone, and of what is defined by its ends. */
static void classes(void **state)
{
    (void)state;
    static const struct {
        uint32_t class;
        const char *octets;
    } cases[] = {
        {SV_OCTET_DIGIT, DIGITS},
        {SV_OCTET_ALPHA, LETTERS},
        {SV_OCTET_HEX, DIGITS "ABCDEFabcdef"},
        {SV_OCTET_BLANK, " \t"},
        {SV_OCTET_WHITE, " \t\r\n"},
        {SV_OCTET_TOKEN, TOKEN},
        {SV_OCTET_MIME_TOKEN, ALPHANUM "!#$%&'*+-.^_`{|}~"},
        {SV_OCTET_GEN_VALUE, TOKEN "[]:"},
        {SV_OCTET_WORD, TOKEN "()<>:\\\"/[]?{}"},
        {SV_OCTET_UNRESERVED, UNRESERVED},
        {SV_OCTET_USER, USER},
        {SV_OCTET_PASSWORD, UNRESERVED "&=+$,"},
        {SV_OCTET_PARAMETER, UNRESERVED "[]/:&+$"},
        {SV_OCTET_HEADER, UNRESERVED "[]/?:+$"},
        {SV_OCTET_URIC, USER ":@[]"},
        {SV_OCTET_SCHEME, ALPHANUM "+-."},
        {SV_OCTET_LABEL, ALPHANUM "-"},
        {SV_OCTET_REFERENCE, DIGITS "ABCDEFabcdef:."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int c = 0; c < 256; c++) {
            bool expected = c != 0 && strchr(cases[i].octets, c) != NULL;
            if (sv_is_in((uint8_t)c, cases[i].class) != expected) fail_msg("class %zu, octet %02x", i, (unsigned)c);
        }
    }
    for (int c = 0; c < 256; c++) {
        assert_int_equal(sv_is_in((uint8_t)c, SV_OCTET_DISPLAY), c >= 0x80 || (c != 0 && strchr(TOKEN, c) != NULL));
        assert_int_equal(sv_is_in((uint8_t)c, SV_OCTET_ADDR_SPEC), c == 0 || strchr(";,?<>\" \t\r\n", c) == NULL);
    }
}

/* Every length and every place, in room of exactly that size: a sanitizer sees a step too far. */
static void runs(void **state)
{
    (void)state;
    for (size_t length = 0; length < 70; length++) {
        uint8_t *octets = malloc(length + 1);
        assert_non_null(octets);
        for (size_t place = 0; place <= length; place++) {
            memset(octets, 'a', length + 1);
            octets[place] = ' ';
            uint8_t *exact = malloc(length > 0 ? length : 1);
            assert_non_null(exact);
            memcpy(exact, octets, length);
            assert_int_equal(sv_end_of_run(exact, exact + length, SV_OCTET_TOKEN) - exact, (long)place);
            free(exact);
        }
        free(octets);
    }
}

static const uint8_t *find_plainly(const uint8_t *at, const uint8_t *end, const sv_stops *stops)
{
    while (at < end && !sv_is_stop(*at, stops)) at++;
    return at;
}

static void stops(void **state)
{
    (void)state;
    static const sv_stops sets[] = {SV_STOPS('\r', '"', '\\', '\\'), SV_STOPS(0, '"', ',', ';'), SV_STOPS(0, 0xFF, 0x80, 0x7F),
                                    SV_STOPS(0x7F, 0x80, 0x80, 0x80), SV_STOPS(0xFE, 1, 1, 1)};
    for (size_t set = 0; set < sizeof sets / sizeof *sets; set++) {
        for (int c = 0; c < 256; c++) { /* every octet alone, at each place of a vector and past it */
            uint8_t octets[40];
            memset(octets, set == 3 || set == 4 ? 0xFF : 'a', sizeof octets);
            for (size_t place = 0; place < sizeof octets; place++) {
                uint8_t before = octets[place];
                octets[place] = (uint8_t)c;
                const uint8_t *end = octets + sizeof octets;
                assert_ptr_equal(sv_find_stop(octets, end, &sets[set]), find_plainly(octets, end, &sets[set]));
                octets[place] = before;
            }
        }
    }
    static const uint8_t text[] = "a";
    assert_ptr_equal(sv_find_stop(text + 1, text, &sets[0]), text + 1); /* behind the end */
    assert_ptr_equal(sv_find_stop(text, text, &sets[0]), text);
}

/* Octets of chance, every length up to some vectors, from every place. */
static void stops_in_chance(void **state)
{
    (void)state;
    static const sv_stops set = SV_STOPS('\r', '"', '\\', ';');
    uint32_t chance = 1;
    for (size_t length = 0; length < 100; length++) {
        uint8_t *octets = malloc(length > 0 ? length : 1);
        assert_non_null(octets);
        for (size_t i = 0; i < length; i++) {
            chance = chance * 1664525 + 1013904223;
            octets[i] = (uint8_t)(chance >> 24 | ((chance & 0x700) != 0 ? 0x60 : 0)); /* few stops */
        }
        for (size_t from = 0; from <= length; from++) {
            const uint8_t *at = octets + from, *end = octets + length;
            assert_ptr_equal(sv_find_stop(at, end, &set), find_plainly(at, end, &set));
        }
        free(octets);
    }
}

/* Every octet at every place of a vector, the others of the opposite kind. */
static void vectors(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t place = 0; place < SV_VECTOR; place++) {
            uint8_t octets[SV_VECTOR];
            bool word = c != 0 && strchr(ALPHANUM "-._+", c) != NULL, alphanum = c != 0 && strchr(ALPHANUM, c) != NULL;
            memset(octets, word ? ',' : 'z', sizeof octets);
            octets[place] = (uint8_t)c;
            uint32_t bit = UINT32_C(1) << place, others = 0xFFFF & ~bit;
            sv_vector v, found;
            sv_load_vector(&v, octets);
            sv_find_word(&v, &found);
            assert_int_equal(sv_vector_bits(&found), word ? bit : others);
            memset(octets, alphanum ? '.' : '0', sizeof octets);
            octets[place] = (uint8_t)c;
            sv_load_vector(&v, octets);
            sv_find_alphanum(&v, &found);
            assert_int_equal(sv_vector_bits(&found), alphanum ? bit : others);
            assert_int_equal(sv_first_set(&found), alphanum ? place : place == 0);
            memset(&found, 0, sizeof found);
            assert_int_equal(sv_first_set(&found), SV_VECTOR);
        }
    }
}

/* As far as whole vectors go: cut short only before an octet of the word, and never read past the end. */
static void words(void **state)
{
    (void)state;
    for (size_t length = 0; length < 70; length++) {
        for (size_t place = 0; place <= length; place++) {
            uint8_t *octets = malloc(length > 0 ? length : 1);
            assert_non_null(octets);
            memset(octets, 'a', length);
            if (place < length) octets[place] = ':';
            size_t found = (size_t)(sv_end_of_word(octets, octets + length) - octets);
            if (found != place) assert_true(found < place && length - found < SV_VECTOR);
            if (place + SV_VECTOR <= length) assert_int_equal(found, place);
            free(octets);
        }
    }
}

static void pages(void **state)
{
    (void)state;
    void *both = NULL;
    assert_int_equal(posix_memalign(&both, SV_PAGE, (size_t)2 * SV_PAGE), 0);
    const uint8_t *first = both, *second = first + SV_PAGE, *end = second + SV_PAGE;
    assert_ptr_equal(sv_end_of_page(first, end), second);
    assert_ptr_equal(sv_end_of_page(second - 1, end), second);
    assert_ptr_equal(sv_end_of_page(second, end), end);
    assert_ptr_equal(sv_end_of_page(first, first + 7), first + 7);
    assert_ptr_equal(sv_end_of_page(end, end), end);
    free(both);
}

/* E2M-50: what lies behind the stop may be out of reach. */
static void no_page_too_far(void **state)
{
    (void)state;
    static const sv_stops set = SV_STOPS('\r', '"', '\\', ';');
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    memset(pages, 'a', page);
    pages[page - 1] = '\r';
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t before = 1; before < 80; before++) {
        assert_ptr_equal(sv_find_stop(pages + page - before, pages + 2 * page, &set), pages + page - 1);
    }
    assert_int_equal(munmap(pages, 2 * page), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes),
        cmocka_unit_test(runs),
        cmocka_unit_test(vectors),
        cmocka_unit_test(words),
        cmocka_unit_test(pages),
        cmocka_unit_test(stops),
        cmocka_unit_test(stops_in_chance),
        cmocka_unit_test(no_page_too_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
