/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state/store.h"

static sv_store *store;
static sipveil_error err;
static const sipveil_span none = {NULL, 0};

static int set_up(void **state)
{
    (void)state;
    return sv_store_new(&store, &err) == SIPVEIL_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sv_store_free(store);
    return 0;
}

static sipveil_code add(sv_store_kind kind, const char *scope, const char *name, int64_t now, int64_t expires)
{
    return sv_store_add(store, kind, sv_span_str(scope), sv_span_str(name), sv_span_str(name), now, expires,
                        &err);
}

static bool has(sv_store_kind kind, const char *scope, const char *name, int64_t now)
{
    sipveil_span value = SV_SPAN("x");
    bool found = sv_store_find(store, kind, sv_span_str(scope), sv_span_str(name), now, &value);
    if (found) assert_true(sv_equal_str(value, name));
    else assert_int_equal(value.len, 0);
    return found;
}

/* ADV-145: a second one within the time is a replay, to the second. */
static void remembers_until_it_expires(void **state)
{
    (void)state;
    assert_int_equal(add(SV_STORE_SEEN, "call", "digest", 1000, 1060), SIPVEIL_OK);
    static const int64_t again[] = {1000, 1001, 1059, 1060, 900};
    for (size_t i = 0; i < sizeof again / sizeof again[0]; i++) {
        assert_int_equal(add(SV_STORE_SEEN, "call", "digest", again[i], again[i] + 60), SIPVEIL_REPLAY);
        assert_string_equal(err.rule, "ADV-145");
        assert_true(has(SV_STORE_SEEN, "call", "digest", again[i]));
    }
    assert_false(has(SV_STORE_SEEN, "call", "digest", 1061));
    assert_int_equal(add(SV_STORE_SEEN, "call", "digest", 1061, 1121), SIPVEIL_OK);
    assert_int_equal(sv_store_count(store, SV_STORE_SEEN), 1);
    assert_int_equal(add(SV_STORE_SEEN, "late", "digest", 2000, 1999), SIPVEIL_OK); /* gone before it is in */
    assert_int_equal(sv_store_count(store, SV_STORE_SEEN), 0);
    assert_int_equal(add(SV_STORE_SEEN, "ever", "digest", 0, INT64_MAX), SIPVEIL_OK);
    assert_true(has(SV_STORE_SEEN, "ever", "digest", INT64_MAX));
}

/* ADV-146, ADV-171, ADV-174, CEK-12: found by exact (kind, scope, name) and nothing else. */
static void keys_are_exact(void **state)
{
    (void)state;
    sipveil_span value;
    assert_int_equal(add(SV_STORE_CEK, "dialog", "reference", 0, 10), SIPVEIL_OK);
    assert_true(has(SV_STORE_CEK, "dialog", "reference", 0));
    assert_false(has(SV_STORE_CEK, "other", "reference", 0));
    assert_false(has(SV_STORE_CEK, "dialog", "Reference", 0));
    assert_false(has(SV_STORE_CEK, "dialog", "referenc", 0));
    assert_false(has(SV_STORE_CEK, "dialo", "greference", 0));
    assert_false(has(SV_STORE_CEK, "dialogreference", "", 0));
    assert_false(has(SV_STORE_SEEN, "dialog", "reference", 0));
    assert_int_equal(add(SV_STORE_CEK, "other", "reference", 0, 10), SIPVEIL_OK);
    assert_int_equal(add(SV_STORE_SEEN, "dialog", "reference", 0, 10), SIPVEIL_OK);
    assert_int_equal(sv_store_add(store, SV_STORE_CEK, SV_SPAN("a\0b"), SV_SPAN("\0"), none, 0, 10, &err),
                     SIPVEIL_OK);
    assert_true(sv_store_find(store, SV_STORE_CEK, SV_SPAN("a\0b"), SV_SPAN("\0"), 0, &value));
    assert_false(sv_store_find(store, SV_STORE_CEK, SV_SPAN("a\0c"), SV_SPAN("\0"), 0, &value));
    assert_int_equal(sv_store_add(store, SV_STORE_CEK, none, none, none, 0, 10, &err), SIPVEIL_OK);
    assert_true(sv_store_find(store, SV_STORE_CEK, none, none, 0, &value));
}

/* ADV-171: the first wins. */
static void the_first_wins(void **state)
{
    (void)state;
    sipveil_span value;
    sipveil_span dialog = SV_SPAN("dialog"), name = SV_SPAN("reference");
    assert_int_equal(sv_store_add(store, SV_STORE_CEK, dialog, name, SV_SPAN("first"), 0, 10, &err), SIPVEIL_OK);
    assert_int_equal(sv_store_add(store, SV_STORE_CEK, dialog, name, SV_SPAN("second"), 0, 99, &err),
                     SIPVEIL_REPLAY);
    assert_string_equal(err.rule, "ADV-171");
    assert_true(sv_store_find(store, SV_STORE_CEK, dialog, name, 10, &value));
    assert_true(sv_equal_str(value, "first"));
    assert_false(sv_store_find(store, SV_STORE_CEK, dialog, name, 11, &value)); /* nor is it prolonged */
}

static void add_numbered(sv_store_kind kind, const char *scope, int from, int to, sipveil_code expected)
{
    char name[32];
    for (int i = from; i < to; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(add(kind, scope, name, 0, 1000 + i), expected);
    }
}

/* ADV-145: fail closed when full; room comes from what expires. */
static void seen_messages_fail_closed(void **state)
{
    (void)state;
    sv_store_set_caps(store, SV_STORE_SEEN, (sv_store_caps){.entries = 100, .fail_when_full = true});
    add_numbered(SV_STORE_SEEN, "s", 0, 100, SIPVEIL_OK);
    add_numbered(SV_STORE_SEEN, "s", 100, 103, SIPVEIL_LIMIT);
    add_numbered(SV_STORE_SEEN, "s", 0, 100, SIPVEIL_REPLAY); /* none was pushed out */
    assert_int_equal(add(SV_STORE_SEEN, "s", "new", 1002, 5000), SIPVEIL_OK); /* 0 and 1 are gone */
    assert_int_equal(sv_store_count(store, SV_STORE_SEEN), 99);
    assert_false(has(SV_STORE_SEEN, "s", "1", 0));
    assert_true(has(SV_STORE_SEEN, "s", "2", 0));
    assert_int_equal(add(SV_STORE_SEEN, "s", "newer", 1002, 5000), SIPVEIL_OK);
    assert_int_equal(add(SV_STORE_SEEN, "s", "newest", 1002, 5000), SIPVEIL_LIMIT);
    sv_store_set_caps(store, SV_STORE_SEEN,
                      (sv_store_caps){.entries = 1000, .entries_per_scope = 2, .fail_when_full = true});
    assert_int_equal(add(SV_STORE_SEEN, "s", "newest", 1002, 5000), SIPVEIL_LIMIT);
    assert_int_equal(add(SV_STORE_SEEN, "t", "newest", 1002, 5000), SIPVEIL_OK);
}

static void the_default_for_seen_messages_is_65536(void **state)
{
    (void)state;
    add_numbered(SV_STORE_SEEN, "s", 0, 65536, SIPVEIL_OK);
    add_numbered(SV_STORE_SEEN, "s", 65536, 65537, SIPVEIL_LIMIT);
    add_numbered(SV_STORE_SEEN, "t", 0, 1, SIPVEIL_LIMIT);
    add_numbered(SV_STORE_SEEN, "s", 0, 65536, SIPVEIL_REPLAY);
    assert_int_equal(add(SV_STORE_SEEN, "s", "x", 1000000, 1000000), SIPVEIL_OK);
    assert_int_equal(sv_store_count(store, SV_STORE_SEEN), 1);
}

/* ADV-176: a flood of references pushes out the flooder's own. */
static void ceks_give_way_within_their_scope(void **state)
{
    (void)state;
    add_numbered(SV_STORE_CEK, "victim", 0, 3, SIPVEIL_OK);
    add_numbered(SV_STORE_CEK, "flood", 0, 20000, SIPVEIL_OK);
    assert_int_equal(sv_store_count(store, SV_STORE_CEK), 3 + 16);
    assert_true(has(SV_STORE_CEK, "victim", "0", 0));
    assert_true(has(SV_STORE_CEK, "victim", "2", 0));
    assert_false(has(SV_STORE_CEK, "flood", "19983", 0)); /* the oldest went */
    assert_true(has(SV_STORE_CEK, "flood", "19984", 0));
    assert_true(has(SV_STORE_CEK, "flood", "19999", 0));
    char scope[32];
    for (int i = 0; i < 1005; i++) { /* one each, to the cap of 1,024 */
        snprintf(scope, sizeof scope, "scope %d", i);
        assert_int_equal(add(SV_STORE_CEK, scope, "r", 0, 10), SIPVEIL_OK);
    }
    assert_int_equal(sv_store_count(store, SV_STORE_CEK), 1024);
    assert_int_equal(add(SV_STORE_CEK, "one more", "r", 0, 10), SIPVEIL_LIMIT);
    assert_int_equal(add(SV_STORE_CEK, "victim", "3", 0, 10), SIPVEIL_OK); /* for its own 0 */
    assert_false(has(SV_STORE_CEK, "victim", "0", 0));
    assert_true(has(SV_STORE_CEK, "victim", "1", 0));
    assert_true(has(SV_STORE_CEK, "scope 0", "r", 0));
    assert_int_equal(sv_store_count(store, SV_STORE_CEK), 1024);
    add_numbered(SV_STORE_TRANSACTION, "answered", 0, 600, SIPVEIL_OK); /* helps, not protections: the oldest goes */
    add_numbered(SV_STORE_TRANSACTION, "failed", 0, 600, SIPVEIL_OK);
    assert_int_equal(sv_store_count(store, SV_STORE_TRANSACTION), 1024);
    add_numbered(SV_STORE_POLICY, "documents", 0, 100, SIPVEIL_OK);
    assert_int_equal(sv_store_count(store, SV_STORE_POLICY), 64);
    sv_store_set_caps(store, SV_STORE_CEK, (sv_store_caps){.entries = 0});
    assert_int_equal(add(SV_STORE_CEK, "victim", "4", 0, 10), SIPVEIL_LIMIT);
    assert_true(has(SV_STORE_CEK, "victim", "3", 0)); /* for nothing, none gives way */
    assert_int_equal(sv_store_count(store, SV_STORE_CEK), 1024);
}

/* ADV-215: in a call that fails. */
static void what_gave_way_comes_back(void **state)
{
    (void)state;
    for (int for_good = 0; for_good < 2; for_good++) {
        sv_store_remove_scope(store, SV_STORE_CEK, SV_SPAN("call"));
        sv_store_remove_scope(store, SV_STORE_CEK, SV_SPAN("old"));
        add_numbered(SV_STORE_CEK, "call", 0, 16, SIPVEIL_OK);
        assert_int_equal(add(SV_STORE_CEK, "old", "x", 0, 3), SIPVEIL_OK);
        sv_store_mark mark = sv_store_begin(store);
        add_numbered(SV_STORE_CEK, "call", 16, 40, SIPVEIL_OK);
        assert_true(sv_store_remove(store, SV_STORE_CEK, SV_SPAN("call"), SV_SPAN("39")));
        assert_false(sv_store_remove(store, SV_STORE_CEK, SV_SPAN("call"), SV_SPAN("39")));
        assert_false(has(SV_STORE_CEK, "call", "15", 0));
        assert_int_equal(add(SV_STORE_CEK, "other", "x", 5, 10), SIPVEIL_OK); /* "old" has expired by then */
        sv_store_end(store, &mark, for_good);
        assert_int_equal(has(SV_STORE_CEK, "call", "0", 0), !for_good);
        assert_int_equal(has(SV_STORE_CEK, "call", "15", 0), !for_good);
        assert_int_equal(has(SV_STORE_CEK, "call", "38", 0), for_good);
        assert_int_equal(has(SV_STORE_CEK, "old", "x", 0), !for_good);
        assert_false(has(SV_STORE_CEK, "call", "39", 0));
        assert_int_equal(sv_store_count_scope(store, SV_STORE_CEK, SV_SPAN("call")), for_good ? 15 : 16);
        if (for_good) continue;
        assert_int_equal(add(SV_STORE_CEK, "call", "40", 0, 10), SIPVEIL_OK); /* for 0, the oldest as before */
        assert_false(has(SV_STORE_CEK, "call", "0", 0));
        assert_true(has(SV_STORE_CEK, "call", "1", 0));
    }
}

/* ADV-174: after BYE nothing of the dialog is left. */
static void removes_one_or_a_scope(void **state)
{
    (void)state;
    add_numbered(SV_STORE_CEK, "a", 0, 10, SIPVEIL_OK);
    add_numbered(SV_STORE_CEK, "b", 0, 10, SIPVEIL_OK);
    add_numbered(SV_STORE_SEEN, "a", 0, 10, SIPVEIL_OK);
    assert_true(sv_store_remove(store, SV_STORE_CEK, SV_SPAN("a"), SV_SPAN("5")));
    assert_false(sv_store_remove(store, SV_STORE_CEK, SV_SPAN("a"), SV_SPAN("5")));
    assert_false(sv_store_remove(store, SV_STORE_CEK, SV_SPAN("c"), SV_SPAN("5")));
    assert_int_equal(sv_store_count(store, SV_STORE_CEK), 19);
    sv_store_remove_scope(store, SV_STORE_CEK, SV_SPAN("a"));
    sv_store_remove_scope(store, SV_STORE_CEK, SV_SPAN("a"));
    assert_int_equal(sv_store_count(store, SV_STORE_CEK), 10);
    assert_false(has(SV_STORE_CEK, "a", "0", 0));
    assert_true(has(SV_STORE_CEK, "b", "0", 0));
    assert_true(has(SV_STORE_SEEN, "a", "0", 0));
    assert_int_equal(add(SV_STORE_CEK, "a", "0", 0, 10), SIPVEIL_OK);
}

typedef struct seen {
    char names[64];
    size_t most; /* calls */
} seen;

static bool note(void *state, const sv_store_entry *entry)
{
    seen *s = state;
    assert_true(sv_equal_str(entry->scope, "a"));
    size_t used = strlen(s->names);
    snprintf(s->names + used, sizeof s->names - used, "%.*s ", (int)entry->name.len, (const char *)entry->name.data);
    return --s->most > 0;
}

/* A dialog does not pay for all others. */
static void visits_one_scope(void **state)
{
    (void)state;
    seen all = {.most = 100}, two = {.most = 2}, none_there = {.most = 1};
    add_numbered(SV_STORE_CEK, "a", 7, 12, SIPVEIL_OK);
    add_numbered(SV_STORE_CEK, "b", 0, 10, SIPVEIL_OK);
    add_numbered(SV_STORE_BINDING, "a", 0, 10, SIPVEIL_OK);
    sv_store_visit_scope(store, SV_STORE_CEK, SV_SPAN("a"), note, &all);
    assert_string_equal(all.names, "7 8 9 10 11 "); /* the oldest first */
    sv_store_visit_scope(store, SV_STORE_CEK, SV_SPAN("a"), note, &two);
    assert_string_equal(two.names, "7 8 ");
    sv_store_visit_scope(store, SV_STORE_CEK, SV_SPAN("c"), note, &none_there);
    assert_string_equal(none_there.names, "");
    assert_int_equal(sv_store_count_scope(store, SV_STORE_CEK, SV_SPAN("a")), 5);
    assert_int_equal(sv_store_count_scope(store, SV_STORE_CEK, SV_SPAN("c")), 0);
}

/* Entries come and go in an order of their own; all that should be there is, and nothing else. */
static void agrees_with_a_plain_list(void **state)
{
    (void)state;
    enum { NAMES = 200 };
    int64_t expires[NAMES];
    uint32_t seed = 12345;
    char name[32];
    for (size_t i = 0; i < NAMES; i++) expires[i] = -1;
    for (int64_t now = 0; now < 20000; now++) {
        seed = seed * 1664525u + 1013904223u;
        size_t i = (seed >> 8) % NAMES;
        int64_t until = now + (seed >> 20) % 500;
        const char *scope = i % 3 == 0 ? "a" : "b";
        snprintf(name, sizeof name, "name %zu", i);
        bool there = expires[i] >= now;
        assert_int_equal(has(SV_STORE_BINDING, scope, name, now), there);
        if (seed >> 30 == 0) {
            (void)sv_store_remove(store, SV_STORE_BINDING, sv_span_str(scope), sv_span_str(name));
            expires[i] = -1;
        } else {
            assert_int_equal(add(SV_STORE_BINDING, scope, name, now, until), there ? SIPVEIL_REPLAY : SIPVEIL_OK);
            if (!there) expires[i] = until;
            size_t count = 0;
            for (size_t k = 0; k < NAMES; k++) count += expires[k] >= now;
            assert_int_equal(sv_store_count(store, SV_STORE_BINDING), count);
        }
    }
}

static void bounds_octets_too(void **state)
{
    (void)state;
    static uint8_t large[16 << 10];
    char name[16];
    sipveil_code code = SIPVEIL_OK;
    size_t added = 0;
    assert_int_equal(sv_store_add(store, SV_STORE_SEEN, sv_span(large, sizeof large), SV_SPAN("x"), none, 0, 10,
                                  &err), SIPVEIL_LIMIT);
    assert_int_equal(sv_store_add(store, SV_STORE_SEEN, sv_span(large, SIZE_MAX), SV_SPAN("x"), none, 0, 10,
                                  &err), SIPVEIL_LIMIT);
    for (; code == SIPVEIL_OK; added++) {
        snprintf(name, sizeof name, "%08zu", added);
        code = sv_store_add(store, SV_STORE_SEEN, SV_SPAN("s"), sv_span_str(name),
                            sv_span(large, sizeof large - 9), 0, 10, &err);
    }
    assert_int_equal(code, SIPVEIL_LIMIT);
    assert_in_range(added, 2048, 2051); /* 32 MiB */
    sv_store_remove_scope(store, SV_STORE_SEEN, SV_SPAN("s"));
    assert_int_equal(add(SV_STORE_SEEN, "s", "x", 0, 10), SIPVEIL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(remembers_until_it_expires, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_are_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seen_messages_fail_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_default_for_seen_messages_is_65536, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ceks_give_way_within_their_scope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_gave_way_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removes_one_or_a_scope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(visits_one_scope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(agrees_with_a_plain_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bounds_octets_too, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
