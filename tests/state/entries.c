/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "state/entries.h"

/* Every link from one structure to another agrees. */
static void check_links(const sv_entries *all)
{
    size_t entries = 0, octets = 0;
    for (const sv_entry_scope *scope = all->first_scope; scope != NULL; scope = scope->next) {
        size_t count = 0;
        assert_ptr_equal(sv_entries_find_scope(all, scope->key.scope), scope);
        octets += scope->key.scope.len;
        for (const sv_entry *e = scope->oldest; e != NULL; e = e->newer, count++) {
            assert_ptr_equal(e->in, scope);
            assert_ptr_equal(e->newer == NULL ? scope->newest : e->newer->older, e);
            assert_ptr_equal(all->by_expiry[e->place], e);
            assert_ptr_equal(sv_entries_find(all, scope->key.scope, e->key.name), e);
            octets += e->size;
        }
        assert_true(count > 0);
        assert_int_equal(count, scope->count);
        entries += count;
    }
    assert_int_equal(entries, all->count);
    assert_int_equal(octets, all->octets);
    for (size_t i = 1; i < all->count; i++) {
        assert_true(all->by_expiry[(i - 1) / 2]->expires <= all->by_expiry[i]->expires);
    }
}

static void stays_whole_over_any_order(void **state)
{
    (void)state;
    sv_entries all = {0};
    uint32_t seed = 1;
    for (int64_t now = 0; now < 3000; now++) {
        char scope[16], name[16];
        seed = seed * 1664525u + 1013904223u;
        snprintf(scope, sizeof scope, "%u", (seed >> 5) % 20);
        snprintf(name, sizeof name, "%u", (seed >> 10) % 50);
        sv_entry *entry = sv_entries_find(&all, sv_span_str(scope), sv_span_str(name));
        if (entry != NULL) {
            sv_entries_remove(&all, entry);
        } else {
            assert_true(sv_entries_insert(&all, sv_span_str(scope), sv_span_str(name), SV_SPAN("value"),
                                        now + (seed >> 20) % 700));
        }
        if (now % 10 == 0) sv_entries_drop_expired(&all, now);
        if (now % 50 == 0) check_links(&all);
    }
    assert_true(all.count > 0);
    check_links(&all);
    sv_entries_clear(&all);
    assert_int_equal(all.count + all.octets, 0);
    assert_null(all.by_name);
    assert_null(all.scopes);
    sv_entries_clear(&all);
}

static void ages_within_a_scope(void **state)
{
    (void)state;
    sv_entries all = {0};
    sipveil_span scope = SV_SPAN("s");
    assert_true(sv_entries_insert(&all, scope, SV_SPAN("a"), SV_SPAN("1"), 30));
    assert_true(sv_entries_insert(&all, scope, SV_SPAN("b"), SV_SPAN("2"), 10));
    assert_true(sv_entries_insert(&all, scope, SV_SPAN("c"), SV_SPAN("3"), 20));
    const sv_entry_scope *in = sv_entries_find_scope(&all, scope);
    assert_true(sv_equal_str(in->oldest->key.name, "a"));
    assert_true(sv_equal_str(in->newest->key.name, "c"));
    sv_entries_drop_expired(&all, 10);
    assert_int_equal(all.count, 3); /* through the second 10 */
    sv_entries_drop_expired(&all, 11);
    assert_int_equal(all.count, 2);
    assert_null(sv_entries_find(&all, scope, SV_SPAN("b")));
    sv_entries_drop_expired(&all, 21);
    assert_true(sv_equal_str(in->oldest->key.name, "a"));
    assert_ptr_equal(in->oldest, in->newest);
    sv_entries_drop_expired(&all, INT64_MAX);
    assert_null(sv_entries_find_scope(&all, scope));
    assert_null(all.first_scope);
    sv_entries_clear(&all);
}

enum { NAMES = 30 };

static const char *value_of(const sv_entries *all, unsigned name)
{
    char text[16];
    snprintf(text, sizeof text, "%u", name);
    const sv_entry *entry = sv_entries_find(all, SV_SPAN("s"), sv_span_str(text));
    return entry == NULL ? "" : (const char *)entry->value.data;
}

static void put(sv_entries *all, unsigned name, unsigned value)
{
    char text[16], number[16];
    snprintf(text, sizeof text, "%u", name);
    snprintf(number, sizeof number, "%u", value);
    const sipveil_span octets = sv_span(number, strlen(number) + 1);
    sv_entry *before = sv_entries_find(all, SV_SPAN("s"), sv_span_str(text));
    assert_non_null(before != NULL ? sv_entries_replace(all, before, octets, 100 + value)
                                   : sv_entries_insert(all, SV_SPAN("s"), sv_span_str(text), octets, 100 + value));
}

/* ADV-215: what was put in since then is taken back, once or within another change, whatever order it came in; what goes in
 * between by its time does not come back. */
static void changes_are_taken_back(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 200; round++) {
        sv_entries all = {0};
        char before[NAMES][16];
        bool outer_stays = round % 2 == 0, inner_stays = round % 4 < 2, none_expire = round % 3 > 0;
        for (unsigned i = 0; i < NAMES; i += 2) put(&all, i, i);
        for (unsigned i = 0; i < NAMES; i++) snprintf(before[i], sizeof before[i], "%s", value_of(&all, i));
        uint64_t outer = sv_entries_begin(&all), inner = 0;
        for (unsigned step = 0; step < 40; step++) {
            if (step == 10) inner = sv_entries_begin(&all);
            seed = seed * 1664525u + 1013904223u;
            put(&all, (seed >> 8) % NAMES, 50 + step);
            if (step == 20 && !none_expire) sv_entries_drop_expired(&all, 155);
            if (step == 30) sv_entries_end(&all, inner, inner_stays);
            check_links(&all);
        }
        sv_entries_end(&all, outer, outer_stays);
        check_links(&all);
        assert_null(all.journal);
        for (unsigned i = 0; i < NAMES && !outer_stays && none_expire; i++) assert_string_equal(value_of(&all, i), before[i]);
        sv_entries_clear(&all);
        assert_int_equal(all.count + all.octets, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_whole_over_any_order),
        cmocka_unit_test(ages_within_a_scope),
        cmocka_unit_test(changes_are_taken_back),
    };
    return cmocka_run_group_tests_name("in-process store", tests, NULL, NULL);
}
