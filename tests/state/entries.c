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
        assert_ptr_equal(sv_entries_find_scope(all, scope->key.scope), scope->count > 0 ? scope : NULL);
        if (scope->count == 0) { /* only until what is gone is gone for good */
            assert_true(scope->gone > 0 && all->open > 0 && scope->oldest == NULL && scope->newest == NULL);
            continue;
        }
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

enum { NAMES = 30, SCOPES = 3, TEXT = 4096 };

/* All that can be seen of them: the scopes in the order of their names, in each the oldest first. */
static void tell(const sv_entries *all, char text[TEXT])
{
    size_t used = (size_t)snprintf(text, TEXT, "%zu entries, %zu octets", all->count, all->octets);
    for (unsigned scope = 0; scope < SCOPES; scope++) {
        const uint8_t name = (uint8_t)scope;
        const sv_entry_scope *in = sv_entries_find_scope(all, sv_span(&name, 1));
        used += (size_t)snprintf(text + used, TEXT - used, "; %u:", scope);
        for (const sv_entry *e = in != NULL ? in->oldest : NULL; e != NULL; e = e->newer) {
            used += (size_t)snprintf(text + used, TEXT - used, " %u=%.*s", e->key.name.data[0], (int)e->value.len, (const char *)e->value.data);
        }
    }
    assert_true(used < TEXT);
}

/* One of all that can be done to them. */
static void change(sv_entries *all, uint32_t dice, unsigned step)
{
    const uint8_t in = (uint8_t)(dice >> 4) % SCOPES, called = (uint8_t)(dice >> 8) % NAMES;
    const sipveil_span scope = sv_span(&in, 1), name = sv_span(&called, 1);
    char number[16];
    sv_entry *before = sv_entries_find(all, scope, name);
    int64_t expires = 100 + (dice >> 20) % 300;
    snprintf(number, sizeof number, "%u", step);
    if ((dice >> 16) % 16 == 0) {
        for (const sv_entry_scope *s; (s = sv_entries_find_scope(all, scope)) != NULL;) sv_entries_remove(all, s->oldest);
    } else if ((dice >> 16) % 16 == 1) {
        sv_entries_drop_expired(all, 100 + step);
    } else if (before == NULL) {
        assert_non_null(sv_entries_insert(all, scope, name, sv_span_str(number), expires));
    } else if ((dice >> 16) % 2 == 0) {
        assert_non_null(sv_entries_replace(all, before, sv_span_str(number), expires));
    } else {
        sv_entries_remove(all, before);
    }
    check_links(all);
}

/* ADV-215: what came and what went since then is taken back, once or within another change, whatever order it was in and
 * whatever became of it in between; and everything is where it was, so that the same one is the next to give way. */
static void changes_are_taken_back(void **state)
{
    enum { BEGIN_INNER = 10, END_INNER = 30, STEPS = 50 };
    static char first[TEXT], mid[TEXT], last[TEXT], now[TEXT];
    uint32_t seed = 7;
    (void)state;
    for (int round = 0; round < 400; round++) {
        sv_entries all = {.secret = round % 8 < 4};
        bool outer_stays = round % 2 == 0, inner_stays = round % 4 < 2;
        const sv_entry_change *outer = NULL, *inner = NULL;
        for (unsigned step = 0; step < STEPS; step++) change(&all, seed = seed * 1664525u + 1013904223u, step);
        tell(&all, first);
        outer = sv_entries_begin(&all);
        for (unsigned step = 0; step < STEPS; step++) {
            if (step == BEGIN_INNER) {
                tell(&all, mid);
                inner = sv_entries_begin(&all);
            }
            if (step == END_INNER) {
                if (inner_stays) tell(&all, mid);
                sv_entries_end(&all, inner, inner_stays);
                check_links(&all);
                tell(&all, now);
                assert_string_equal(now, mid);
            }
            change(&all, seed = seed * 1664525u + 1013904223u, STEPS + step);
        }
        tell(&all, last);
        sv_entries_end(&all, outer, outer_stays);
        check_links(&all);
        tell(&all, now);
        assert_string_equal(now, outer_stays ? last : first);
        assert_null(all.journal);
        for (const sv_entry_scope *s = all.first_scope; s != NULL; s = s->next) assert_true(s->count > 0 && s->gone == 0);
        sv_entries_clear(&all);
        assert_int_equal(all.count + all.octets, 0);
        assert_true(all.by_name == NULL && all.scopes == NULL);
    }
}

static void clearing_ends_what_is_open(void **state)
{
    (void)state;
    sv_entries all = {0};
    sv_entry *entry = sv_entries_insert(&all, SV_SPAN("s"), SV_SPAN("a"), SV_SPAN("1"), 30);
    assert_non_null(entry);
    (void)sv_entries_begin(&all);
    (void)sv_entries_begin(&all);
    sv_entries_remove(&all, entry);
    assert_non_null(sv_entries_insert(&all, SV_SPAN("s"), SV_SPAN("a"), SV_SPAN("2"), 30));
    sv_entries_clear(&all);
    assert_int_equal(all.count + all.octets + all.open, 0);
    assert_true(all.by_name == NULL && all.scopes == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_whole_over_any_order),
        cmocka_unit_test(ages_within_a_scope),
        cmocka_unit_test(changes_are_taken_back),
        cmocka_unit_test(clearing_ends_what_is_open),
    };
    return cmocka_run_group_tests_name("in-process store", tests, NULL, NULL);
}
