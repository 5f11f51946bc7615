/* SPDX-License-Identifier: BSD-2-Clause */
/* The topmost Via: what it says, and what only looks as if it did. */
#include "messages.h"
#include "sip/via.h"

typedef struct row {
    const char *vias, *transport, *sent_by, *host, *branch;
    size_t count; /* values of the first row */
} row;

static void check(const row *r)
{
    char lines[512];
    sv_sip_via via;
    snprintf(lines, sizeof lines, "%s" PARTIES, r->vias);
    sv_sip_view *view = read_lines(lines);
    assert_int_equal(sv_sip_top_via(view, &via), r->count > 0);
    assert_true(sv_equal_str(via.transport, r->transport) && sv_equal_str(sv_sip_top_transport(view), r->transport));
    assert_true(sv_equal_str(via.sent_by, r->sent_by));
    assert_true(sv_equal_str(via.host, r->host));
    if (!sv_equal_str(sv_sip_top_branch(view), r->branch)) fail_msg("another branch of %s", r->vias);
    if (r->count > 0) assert_int_equal(sv_sip_count_vias(sv_sip_first(view, SV_F_VIA)), r->count);
    drop(view);
}

static void says(void **state)
{
    (void)state;
    static const row rows[] = {
        {"Via: SIP/2.0/UDP h.example;branch=z9hG4bK1\r\n", "UDP", "h.example", "h.example", "z9hG4bK1", 1},
        {"v: SIP / 2.0 / tls [::1]:5061 ; Branch = z9hG4bK2 ; rport\r\n", "tls", "[::1]:5061", "[::1]", "z9hG4bK2", 1},
        {"Via: SIP/2.0/TCP h : 5070;branch=a\r\n", "TCP", "h : 5070", "h", "a", 1},
        {"Via: SIP/2.0/UDP h\r\n", "UDP", "h", "h", "", 1},
        {"Via: SIP/2.0/UDP h, SIP/2.0/TCP g;branch=z9hG4bK3\r\n", "UDP", "h", "h", "", 2}, /* that of another one */
        {"Via: SIP/2.0/UDP h;xbranch=1;branch=2\r\n", "UDP", "h", "h", "2", 1},
        {"Via: SIP/2.0/UDP h;x=\"branch=1, ;branch=3\";branch=2\r\n", "UDP", "h", "h", "2", 1},
        {"Via: SIP/2.0/UDP h;branch=1\r\nVia: SIP/2.0/UDP g;branch=2\r\n", "UDP", "h", "h", "1", 1},
        {"", "", "", "", "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check(&rows[i]);
}

/* ADV-220 */
static void source(void **state)
{
    (void)state;
    static const struct {
        const char *via;
        bool confirmed;
    } rows[] = {{"Via: SIP/2.0/UDP h\r\n", false}, {"Via: SIP/2.0/tcp h\r\n", true}, {"Via: SIP/2.0/TLS h\r\n", true},
                {"Via: SIP/2.0/TLS-SCTP h\r\n", false}, {"Via: SIP/2.0/UDP h, SIP/2.0/TLS g\r\n", false}, {"", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char lines[256];
        snprintf(lines, sizeof lines, "%s" PARTIES, rows[i].via);
        sv_sip_view *view = read_lines(lines);
        assert_int_equal(sv_sip_source_is_confirmed(view), rows[i].confirmed);
        drop(view);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(says), cmocka_unit_test(source)};
    return cmocka_run_group_tests_name("via", tests, NULL, NULL);
}
