/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of header fields: every name is found, in any case and in its compact form. */
#include <stdio.h>

#include "messages.h"

static void every_name_is_found(void **state)
{
    (void)state;
    for (unsigned id = SV_F_OTHER + 1; id < SV_F_COUNT; id++) {
        const sv_field_info *info = sv_field_info_of((sv_field_id)id);
        char upper[64], lower[64];
        size_t length = strlen(info->name);
        assert_in_range(length, 2, sizeof upper - 1);
        for (size_t i = 0; i <= length; i++) {
            lower[i] = sv_lower((uint8_t)info->name[i]);
            upper[i] = (char)(lower[i] >= 'a' && lower[i] <= 'z' ? lower[i] - 'a' + 'A' : lower[i]);
        }
        assert_int_equal(sv_field_id_of(sv_span_str(info->name)), id);
        assert_int_equal(sv_field_id_of(sv_span_str(upper)), id);
        assert_int_equal(sv_field_id_of(sv_span_str(lower)), id);
        assert_int_equal(sv_field_id_of(sv_span(lower, length - 1)),
                         length == 2 ? SV_F_TO : SV_F_OTHER);
        if (info->compact == 0) continue;
        char letters[] = {info->compact, (char)(info->compact - 'a' + 'A')};
        assert_int_equal(sv_field_id_of(sv_span(letters, 1)), id);
        assert_int_equal(sv_field_id_of(sv_span(letters + 1, 1)), id);
    }
}

static void other_names_are_other(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",          "x",      "1",        "X-Unknown",
        "C%6Fntact", "Contac", "Contact ", "Content-Transfer-Encodings",
        "Froms",     "Fro\xED"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(sv_field_id_of(sv_span_str(names[i])), SV_F_OTHER);
    }
    assert_non_null(sv_field_info_of((sv_field_id)9999));
    assert_string_equal(sv_field_info_of(SV_F_OTHER)->name, "");
}

/* RFC 3261 7.3.1: credentials and challenges are no comma lists; what comes once is none either. */
static void kinds(void **state)
{
    (void)state;
    assert_false(sv_field_info_of(SV_F_AUTHORIZATION)->comma_list);
    assert_false(sv_field_info_of(SV_F_PROXY_AUTHORIZATION)->comma_list);
    assert_true(sv_field_info_of(SV_F_VIA)->comma_list);
    assert_true(sv_field_info_of(SV_F_VIA)->rfc3261);
    assert_false(sv_field_info_of(SV_F_IDENTITY)->rfc3261);
    assert_false(sv_field_info_of(SV_F_IDENTITY)->singular); /* IDN-42 */
    assert_false(sv_field_info_of(SV_F_IDENTITY)->comma_list);
    for (unsigned id = SV_F_OTHER; id < SV_F_COUNT; id++) {
        const sv_field_info *info = sv_field_info_of((sv_field_id)id);
        assert_false(info->singular && info->comma_list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_name_is_found),
                                       cmocka_unit_test(other_names_are_other),
                                       cmocka_unit_test(kinds)};
    return cmocka_run_group_tests_name("names of header fields", tests, NULL, NULL);
}
