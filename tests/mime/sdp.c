/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of SDP: CRLF, LF and CR end one, and every octet is in one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "mime/sdp.h"

static void lines_end_in_three_ways(void **state)
{
    static const struct {
        const char *sdp, *texts; /* each in brackets */
    } cases[] = {{"", ""}, {"v=0", "[v=0]"}, {"v=0\r\n", "[v=0]"}, {"v=0\n", "[v=0]"}, {"v=0\r", "[v=0]"}, {"v=0\r\na=x\ns=-\rt=0", "[v=0][a=x][s=-][t=0]"},
                 {"\r\n", "[]"}, {"a\n\rb", "[a][][b]"}, {"a\r\r\nb", "[a][][b]"}, {"a\n\nb\r\n\r\n", "[a][][b][]"}, {" a \t\r\n", "[ a \t]"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char texts[200] = "";
        sv_sdp_line line;
        size_t octets = 0;
        sv_cursor c = sv_cursor_over(sv_span_str(cases[i].sdp), "SDP");
        while (sv_sdp_take_line(&c, &line)) {
            snprintf(texts + strlen(texts), sizeof texts - strlen(texts), "[%.*s]", (int)line.text.len, (const char *)line.text.data);
            assert_ptr_equal(line.whole.data, (const uint8_t *)cases[i].sdp + octets);
            assert_true(line.whole.data == line.text.data && line.whole.len - line.text.len <= 2);
            octets += line.whole.len;
        }
        assert_string_equal(texts, cases[i].texts);
        assert_int_equal(octets, strlen(cases[i].sdp));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_end_in_three_ways)};
    return cmocka_run_group_tests_name("lines of SDP", tests, NULL, NULL);
}
