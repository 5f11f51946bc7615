/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of the partner table one by one: what is taken, what each comes to, what is refused (TRU-12). */
#include "world.h"

#include "base/arena.h"
#include "trust/table.h"

#define TEN "aaaaaaaaaa"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define LABEL_63 SIXTY "aaa"
#define NAME_252 SIXTY "." SIXTY "." SIXTY "." SIXTY ".aaaaaa.a"

static sv_arena *arena;

static void domains(void **state)
{
    static const struct {
        const char *text, *wanted; /* NULL: refused */
    } rows[] = {
        {"a", "a"}, {"A.Example", "a.example"}, {"xn--bcher-kva.example", "xn--bcher-kva.example"}, {"3com.example", "3com.example"},
        {"1.2.3.a4", "1.2.3.a4"}, {"a.0-0", "a.0-0"}, {LABEL_63 ".a", LABEL_63 ".a"}, {NAME_252, NAME_252}, {NAME_252 "a", NAME_252 "a"},
        {"", NULL}, {".", NULL}, {".a", NULL}, {"a.", NULL}, {"a..b", NULL}, {"-a", NULL}, {"a-", NULL}, {"a.-b.c", NULL},
        {"a.b-.c", NULL}, {"a_b.example", NULL}, {"a b", NULL}, {"a.example:5060", NULL}, {"a.example/", NULL}, {"1.2.3.4", NULL},
        {"a.4", NULL}, {"4", NULL}, {LABEL_63 "a.a", NULL}, {NAME_252 "aa", NULL}, {"*", NULL}, {"*.a", NULL}, {"a.*", NULL},
        {"b\xC3\xBC" "cher.example", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_span out;
        sipveil_error err;
        sipveil_code code = sv_value_domain(sv_span_str(rows[i].text), arena, &out, &err);
        if (rows[i].wanted != NULL ? code != SIPVEIL_OK || !sv_equal_str(out, rows[i].wanted)
                                   : code != SIPVEIL_USAGE || out.len != 0 || strcmp(err.rule, "TRU-12") != 0) {
            fail_msg("%s: %d", rows[i].text, code);
        }
    }
}

static void lists(void **state)
{
    static const struct {
        const char *text;
        int count; /* -1: refused */
    } rows[] = {
        {"", 0}, {"a", 1}, {"a b", 2}, {"a  \t b", 2}, {"a,b", 2}, {"a , b,c", 3}, {"a\tb", 2}, {"a ", 1},
        {",", -1}, {",a", -1}, {"a,", -1}, {"a, ", -1}, {"a,,b", -1}, {"a, ,b", -1}, {"a\x01", -1}, {"a\x7F", -1}, {"a\xFF", -1},
    };
    char many[2 * SV_LIST_MOST + 4] = "";
    sipveil_span items[SV_LIST_MOST];
    sipveil_error err;
    size_t count;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_code code = sv_value_list(sv_span_str(rows[i].text), items, &count, &err);
        if (rows[i].count < 0 ? code != SIPVEIL_USAGE : code != SIPVEIL_OK || count != (size_t)rows[i].count) {
            fail_msg("\"%s\": %d, %zu items", rows[i].text, code, count);
        }
    }
    for (size_t i = 0; i < SV_LIST_MOST; i++) strcat(many, "a ");
    assert_int_equal(sv_value_list(sv_span_str(many), items, &count, &err), SIPVEIL_OK);
    assert_int_equal(count, SV_LIST_MOST);
    strcat(many, "a");
    assert_int_equal(sv_value_list(sv_span_str(many), items, &count, &err), SIPVEIL_USAGE);
    assert_string_equal(err.text, "more than 64 items");
}

static void ranges(void **state)
{
    static const struct {
        const char *text;
        int bits; /* of 128; -1: refused */
    } rows[] = {
        {"192.0.2.1", 128}, {"192.0.2.0/24", 120}, {"10.0.0.0/8", 104}, {"0.0.0.0/32", 128}, {"255.255.255.255/32", 128},
        {"2001:db8::1", 128}, {"2001:db8::/32", 32}, {"[2001:db8::]/32", 32}, {"2001::/16", 16}, {"::1/128", 128},
        {"::ffff:192.0.2.0/120", 120},
        {"", -1}, {"/24", -1}, {"192.0.2.0/", -1}, {"192.0.2.0/24x", -1}, {"192.0.2.0/33", -1}, {"192.0.2.0/024", -1}, {"192.0.2.0/-1", -1},
        {"192.0.2.0/7", -1}, {"192.0.2.0/0", -1}, {"192.0.2.1/24", -1}, {"192.0.2.1/31", -1}, {"192.0.2", -1}, {"192.0.2.256", -1},
        {"192.0.2.01", -1}, {"192.0.2.1.1", -1}, {"192.0..1", -1}, {"a.0.2.1", -1}, {"2001:db8::/129", -1}, {"2001:db8::1/64", -1},
        {"2001::/15", -1}, {"2001:db8::g", -1}, {"2001:db8:::1", -1}, {"[2001:db8::1", -1}, {"2001:db8::1]", -1}, {"[]", -1}, {"[", -1},
        {"1:2:3:4:5:6:7:8:9", -1}, {"2001:db8::1%eth0", -1}, {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", -1},
        {"p.example", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sv_prefix p;
        sipveil_error err;
        sipveil_code code = sv_value_prefix(sv_span_str(rows[i].text), &p, &err);
        if (rows[i].bits < 0 ? code != SIPVEIL_USAGE : code != SIPVEIL_OK || p.bits != rows[i].bits) {
            fail_msg("\"%s\": %d, /%d", rows[i].text, code, p.bits);
        }
    }
}

static void times(void **state)
{
    static const struct {
        const char *text;
        int64_t first, last; /* -1: refused; what the day begins and ends with */
    } rows[] = {
        {"1970-01-01", 0, 86399}, {"2026-11-21", 1795219200, 1795305599}, {"2028-02-29", 1835395200, 1835481599},
        {"2026-11-21T10:00:00Z", 1795255200, 1795255200}, {"2026-11-21t10:00:00z", 1795255200, 1795255200},
        {"2026-11-21T23:59:59Z", 1795305599, 1795305599},
        {"", -1, -1}, {"2026", -1, -1}, {"202a-11-21", -1, -1}, {"2026/11-21", -1, -1}, {"2026-1x-21", -1, -1}, {"2026-11/21", -1, -1},
        {"2026-11-2", -1, -1}, {"2026-11-2x", -1, -1}, {"1969-12-31", -1, -1}, {"2026-00-01", -1, -1}, {"2026-13-01", -1, -1},
        {"2026-11-00", -1, -1}, {"2026-11-31", -1, -1}, {"2026-02-29", -1, -1}, {"2026-11-21 ", -1, -1}, {"2026-11-21T", -1, -1},
        {"2026-11-21 10:00:00Z", -1, -1}, {"2026-11-21Tx0:00:00Z", -1, -1}, {"2026-11-21T10-00:00Z", -1, -1},
        {"2026-11-21T10:x0:00Z", -1, -1}, {"2026-11-21T10:00Z", -1, -1}, {"2026-11-21T10:00:0xZ", -1, -1}, {"2026-11-21T10:00:00", -1, -1},
        {"2026-11-21T10:00:00+01:00", -1, -1}, {"2026-11-21T10:00:00Zx", -1, -1}, {"2026-11-21T24:00:00Z", -1, -1},
        {"2026-11-21T10:60:00Z", -1, -1}, {"2026-11-21T10:00:60Z", -1, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int last = 0; last < 2; last++) {
            int64_t got = -2, wanted = last ? rows[i].last : rows[i].first;
            sipveil_error err;
            sipveil_code code = sv_value_time(sv_span_str(rows[i].text), last, &got, &err);
            if (wanted < 0 ? code != SIPVEIL_USAGE : code != SIPVEIL_OK || got != wanted) {
                fail_msg("\"%s\": %d, %lld", rows[i].text, code, (long long)got);
            }
        }
    }
}

static int open_arena(void **state)
{
    (void)state;
    arena = sv_arena_new(1 << 12, 1 << 16);
    return arena != NULL ? 0 : -1;
}

static int close_arena(void **state)
{
    (void)state;
    sv_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(domains), cmocka_unit_test(lists), cmocka_unit_test(ranges), cmocka_unit_test(times)};
    return cmocka_run_group_tests_name("values of the partner table", tests, open_arena, close_arena);
}
