/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that ends while a table is read: there is none, or it is the one that the text says (ADV-215, TRU-17). */
#include "failing.h"

#include "sipveil/trust.h"

#define TABLE "[trust-domain]\nno_privacy = remove\n[partner biloxi]\ndomains = biloxi.example\nprotection = tls-mutual\ntrust_in = yes\n"

typedef struct bench {
    sipveil_trust_table *table;
    uint64_t mark; /* of the table, where nothing failed */
} bench;

static uint64_t mark_of(const sipveil_trust_table *table)
{
    sipveil_trust_peer peer = {.size = sizeof peer};
    sipveil_trust_verdict verdict;
    sipveil_trust_judge(table, SIPVEIL_TRUST_PROFILE_TABLE, SIPVEIL_TRUST_IN, sv_span(NULL, 0), &peer, 0, &verdict);
    return verdict.table_mark;
}

static sipveil_code read_table(void *user, sipveil_error *err)
{
    bench *b = user;
    sipveil_trust_table_free(b->table);
    return sipveil_trust_table_read(SV_SPAN(TABLE), "table", NULL, &b->table, err);
}

/* A verdict is believed by the mark of its table: one that came of less than the whole text would be that of others too. */
static void same_mark_or_none(void *user, sipveil_code code)
{
    bench *b = user;
    if (code != SIPVEIL_OK) assert_null(b->table);
    else assert_true(mark_of(b->table) == b->mark);
}

static void end(void *user)
{
    bench *b = user;
    sipveil_trust_table_free(b->table);
    b->table = NULL;
}

static void a_table(void **state)
{
    (void)state;
    static const failing_operation read = {.name = "reading a table", .run = read_table, .check = same_mark_or_none, .end = end};
    bench b = {.table = NULL};
    sipveil_error err;
    assert_int_equal(read_table(&b, &err), SIPVEIL_OK);
    b.mark = mark_of(b.table);
    end(&b);
    failing_everywhere(&read, &b, FAILING_OURS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_table)};
    return cmocka_run_group_tests_name("failing memory", tests, NULL, NULL);
}
