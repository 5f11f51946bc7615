/* SPDX-License-Identifier: BSD-2-Clause */
/* T-13: the table of a server's decisions, every cell: tags x protection x policy x list x profile x Via. What must come
 * out is written here a second time, as the twelve lines say it, and not as the code goes through them. */
#include "agree/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

typedef struct expected {
    unsigned row;
    int status;
} expected;

/* One line: its condition holds, and none above it does. */
static expected by_the_lines(const sv_agree_facts *f)
{
    bool draft04 = f->profile == SIPVEIL_AGREE_DRAFT04, off = f->policy == SIPVEIL_AGREE_OFF;
    bool must = f->policy == SIPVEIL_AGREE_REQUIRED, none = !f->is_protected;
    bool no_tag = !f->required && !f->supported, absent = f->verify == SIPVEIL_AGREE_ABSENT;
    const struct {
        bool holds;
        expected result;
    } lines[] = {
        {f->ack || f->cancel, {1, 0}},
        {off && f->required, {2, 420}},
        {off, {2, 0}},
        {!draft04 && f->via > 1 && (must || !no_tag || f->has_security_row), {3, 502}},
        {none && f->required, {4, 494}},
        {none && must && f->supported, {5, 494}},
        {none && must, {6, 421}},
        {none, {7, f->supported && f->answer_supported ? 494 : 0}},
        {!f->in_own_list, {8, 494}},
        {f->verify == SIPVEIL_AGREE_CHANGED || f->verify == SIPVEIL_AGREE_SYNTAX, {9, 494}},
        {f->protection == SV_MECH_TLS && absent && !f->required && !draft04, {10, 0}},
        {absent && !f->prack, {11, 494}},
        {true, {12, 0}},
    };
    size_t i = 0;
    while (!lines[i].holds) i++;
    return lines[i].result;
}

static void every_cell(void **state)
{
    size_t seen[13] = {0}, cells = 0;
    (void)state;
    for (unsigned bits = 0; bits < 1u << 9; bits++) {
        for (int profile = 0; profile < SIPVEIL_AGREE_PROFILE_COUNT; profile++) {
            for (int policy = 0; policy < 3; policy++) {
                for (int verify = 0; verify < 4; verify++) {
                    for (int protection = 0; protection < 3; protection++) {
                        sv_agree_facts f = {.profile = (sipveil_agree_profile)profile, .policy = (sipveil_agree_policy)policy,
                                            .verify = (sipveil_agree_comparison)verify, .required = bits & 1,
                                            .supported = (bits >> 1 & 1) != 0, .has_security_row = (bits >> 2 & 1) != 0 || verify != 0,
                                            .via = 1 + (bits >> 3 & 1), .answer_supported = (bits >> 4 & 1) != 0,
                                            .ack = (bits >> 5 & 1) != 0, .cancel = (bits >> 6 & 1) != 0, .prack = (bits >> 7 & 1) != 0,
                                            .in_own_list = (bits >> 8 & 1) != 0, .is_protected = protection > 0,
                                            .protection = protection == 1 ? SV_MECH_TLS : SV_MECH_DIGEST};
                        sv_agree_decision got = sv_agree_decide(&f);
                        expected want = by_the_lines(&f);
                        if (got.row != want.row || got.status != want.status) {
                            fail_msg("profile %d policy %d verify %d protection %d bits %x: row %u status %d, not %u %d", profile, policy,
                                     verify, protection, bits, got.row, got.status, want.row, want.status);
                        }
                        /* An agreement is only what row 12 with our list is (ADV-180, ADV-181). */
                        assert_int_equal(got.agreed, got.row == 12 && f.verify == SIPVEIL_AGREE_SAME && f.is_protected && f.in_own_list);
                        seen[got.row]++;
                        cells++;
                    }
                }
            }
        }
    }
    for (int row = 1; row <= 12; row++) assert_true(seen[row] > 0);
    assert_int_equal(cells, 512 * 4 * 3 * 4 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_cell)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
