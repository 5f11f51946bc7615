/* SPDX-License-Identifier: BSD-2-Clause */
/* ADV-013: CSeq numbers never wrap. */
#include <stdio.h>

#include "messages.h"

static const struct {
    const char *text;
    bool good;
    uint32_t number;
    const char *method;
} cases[] = {
    {"1 INVITE", true, 1, "INVITE"},
    {"0009\r\n  INVITE", true, 9, "INVITE"}, /* RFC 4475 3.1.1.1 */
    {"0 invite", true, 0, "invite"},
    {"2147483647 X", true, 2147483647, "X"},
    {"1\tRE%47IST%45R", true, 1, "RE%47IST%45R"},
    {"00000000000000000000000000000001 A", true, 1, "A"},
    {"000000000000000000000000000000001 A", false, 0, ""},
    {"2147483648 INVITE", false, 0, ""},
    {"4294967296 INVITE", false, 0, ""},
    {"36893488147419103232 REGISTER", false, 0, ""},
    {"-1 INVITE", false, 0, ""},
    {"+1 INVITE", false, 0, ""},
    {"0x1 INVITE", false, 0, ""},
    {"1INVITE", false, 0, ""},
    {"1", false, 0, ""},
    {"1 ", false, 0, ""},
    {"INVITE 1", false, 0, ""},
    {"1 INVITE 2", false, 0, ""},
    {"1 INV/ITE", false, 0, ""},
    {"", false, 0, ""},
};

static void numbers_and_methods(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t number = 99;
        sipveil_span method = SV_SPAN("old");
        sipveil_error err;
        sipveil_code code = sv_sip_read_cseq(sv_span_str(cases[i].text), &number, &method, &err);
        assert_int_equal(code, cases[i].good ? SIPVEIL_OK : SIPVEIL_MALFORMED);
        assert_int_equal(number, cases[i].number);
        assert_true(sv_equal_str(method, cases[i].method));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_and_methods)};
    return cmocka_run_group_tests_name("CSeq", tests, NULL, NULL);
}
