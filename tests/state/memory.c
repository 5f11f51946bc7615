/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "state/memory.h"

/* Every link from one structure to another agrees. */
static void check_links(const sv_table *table)
{
    size_t entries = 0, octets = 0;
    for (const sv_table_scope *scope = table->first_scope; scope != NULL; scope = scope->next) {
        size_t count = 0;
        assert_ptr_equal(sv_table_find_scope(table, scope->key.scope), scope);
        octets += scope->key.scope.len;
        for (const sv_table_entry *e = scope->oldest; e != NULL; e = e->newer, count++) {
            assert_ptr_equal(e->in, scope);
            assert_ptr_equal(e->newer == NULL ? scope->newest : e->newer->older, e);
            assert_ptr_equal(table->by_expiry[e->place], e);
            assert_ptr_equal(sv_table_find(table, scope->key.scope, e->key.name), e);
            octets += e->size;
        }
        assert_true(count > 0);
        assert_int_equal(count, scope->count);
        entries += count;
    }
    assert_int_equal(entries, table->count);
    assert_int_equal(octets, table->octets);
    for (size_t i = 1; i < table->count; i++) {
        assert_true(table->by_expiry[(i - 1) / 2]->expires <= table->by_expiry[i]->expires);
    }
}

static void stays_whole_over_any_order(void **state)
{
    (void)state;
    sv_table table = {0};
    uint32_t seed = 1;
    for (int64_t now = 0; now < 3000; now++) {
        char scope[16], name[16];
        seed = seed * 1664525u + 1013904223u;
        snprintf(scope, sizeof scope, "%u", (seed >> 5) % 20);
        snprintf(name, sizeof name, "%u", (seed >> 10) % 50);
        sv_table_entry *entry = sv_table_find(&table, sv_span_str(scope), sv_span_str(name));
        if (entry != NULL) {
            sv_table_remove(&table, entry);
        } else {
            assert_true(sv_table_insert(&table, sv_span_str(scope), sv_span_str(name), SV_SPAN("value"),
                                        now + (seed >> 20) % 700));
        }
        if (now % 10 == 0) sv_table_drop_expired(&table, now);
        if (now % 50 == 0) check_links(&table);
    }
    assert_true(table.count > 0);
    check_links(&table);
    sv_table_clear(&table);
    assert_int_equal(table.count + table.octets, 0);
    assert_null(table.entries);
    assert_null(table.scopes);
    sv_table_clear(&table);
}

static void ages_within_a_scope(void **state)
{
    (void)state;
    sv_table table = {0};
    sipveil_span scope = SV_SPAN("s");
    assert_true(sv_table_insert(&table, scope, SV_SPAN("a"), SV_SPAN("1"), 30));
    assert_true(sv_table_insert(&table, scope, SV_SPAN("b"), SV_SPAN("2"), 10));
    assert_true(sv_table_insert(&table, scope, SV_SPAN("c"), SV_SPAN("3"), 20));
    const sv_table_scope *in = sv_table_find_scope(&table, scope);
    assert_true(sv_equal_str(in->oldest->key.name, "a"));
    assert_true(sv_equal_str(in->newest->key.name, "c"));
    sv_table_drop_expired(&table, 10);
    assert_int_equal(table.count, 3); /* through the second 10 */
    sv_table_drop_expired(&table, 11);
    assert_int_equal(table.count, 2);
    assert_null(sv_table_find(&table, scope, SV_SPAN("b")));
    sv_table_drop_expired(&table, 21);
    assert_true(sv_equal_str(in->oldest->key.name, "a"));
    assert_ptr_equal(in->oldest, in->newest);
    sv_table_drop_expired(&table, INT64_MAX);
    assert_null(sv_table_find_scope(&table, scope));
    assert_null(table.first_scope);
    sv_table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_whole_over_any_order),
        cmocka_unit_test(ages_within_a_scope),
    };
    return cmocka_run_group_tests_name("in-process store", tests, NULL, NULL);
}
