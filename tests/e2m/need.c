/* SPDX-License-Identifier: BSD-2-Clause */
/* Needs: of this project's profile and of the drafts. */
#include "e2m/need.h"

#include "rows.h"

#define NEED(value) "Proxy-Body-Need: " value "\r\n"
#define HEX32 "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static sipveil_e2m_need needs[SIPVEIL_E2M_NEEDS_MOST];

static size_t read_all(const char *start, const char *rows)
{
    size_t count;
    sipveil_error err;
    sipveil_code code = sv_needs_read(view_of(start, rows), needs, SIPVEIL_E2M_NEEDS_MOST, &count, &err);
    if (code != SIPVEIL_OK) fail_msg("%s", err.text);
    return count;
}

/* E2M-G4, E2M-G5: which data, of what, by whom. */
static void a_need_with_everything(void **state)
{
    (void)state;
    assert_int_equal(read_all(RESPONSE(493), NEED("ss1.home.example:5061;need=both;type=\"application/sdp\";what=all;keep;rekey;"
                                                  "fp=\"sha-256:" HEX32 "\";later=1")), 1);
    assert_true(sv_equal_str(needs[0].host, "ss1.home.example") && needs[0].port == 5061);
    assert_true(needs[0].need == SIPVEIL_E2M_BOTH && sv_equal_str(needs[0].type, "application/sdp"));
    assert_true(needs[0].for_requests && needs[0].for_responses && needs[0].keep && needs[0].rekey);
    assert_true(needs[0].has_fingerprint && needs[0].fingerprint[1] == 0x11 && needs[0].fingerprint[31] == 0xFF);
}

static void defaults(void **state)
{
    (void)state;
    assert_int_equal(read_all(RESPONSE(493), NEED("a.example, b.example;what=response") NEED("c.example;need=verify")), 3);
    assert_true(needs[0].need == SIPVEIL_E2M_VIEW && needs[0].type.len == 0 && needs[0].for_requests &&
                !needs[0].for_responses && !needs[0].keep && !needs[0].has_fingerprint);
    assert_true(!needs[1].for_requests && needs[1].for_responses);
    assert_int_equal(needs[2].need, SIPVEIL_E2M_VERIFY);
}

/* E2M-53: what is written is what is read. */
static void what_is_written(void **state)
{
    static const char *const texts[] = {
        "a.example;need=view", "a.example:5061;need=verify;what=response", "[2001:db8::1];need=both;type=\"application/sdp\";what=all;keep",
        "a.example;need=view;rekey;fp=\"sha-256:00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char row[256];
        sv_arena *arena = sv_arena_new(1 << 12, 1 << 16);
        sv_buffer b;
        assert_non_null(arena);
        snprintf(row, sizeof row, "Proxy-Body-Need: %s\r\n", texts[i]);
        assert_int_equal(read_all(RESPONSE(493), row), 1);
        sv_buffer_init(&b, arena, 256, 1024);
        sv_need_put(&b, &needs[0]);
        if (!sv_equal_nocase_str(sv_buffer_span(&b), texts[i])) fail_msg("%.*s", (int)b.len, (const char *)b.data);
        sv_arena_free(arena);
    }
}

/* In which messages a need means something: refusals, and 2xx of a probe or a registration (E2M-C3, E2M-C7). */
static void where_needs_are_read(void **state)
{
    static const struct {
        const char *start;
        size_t count;
    } cases[] = {{RESPONSE(493), 1}, {RESPONSE(488), 1}, {RESPONSE(495), 1}, {RESPONSE(496), 1}, {RESPONSE(403), 1},
                 {RESPONSE(200), 1}, {RESPONSE(202), 1}, {RESPONSE(180), 0}, {RESPONSE(400), 0}, {RESPONSE(503), 0},
                 {REQUEST, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_all(cases[i].start, NEED("a.example;need=verify")), cases[i].count);
    }
}

static void needs_of_no_good_form(void **state)
{
    static const char *const rows[] = {
        NEED(""), NEED(";need=view"), NEED("a.example;type=\"sdp\""), NEED("a.example;type=\"a/b;c=d\""), NEED("a.example;type"),
        NEED("a.example;type=\"/b\""), NEED("a.example;type=\"a/\""), NEED("a.example;type=\"a b\""),
        NEED("a.example;fp=\"sha-256:00\""), NEED("a.example;fp=\"md5:" HEX32 "\""), NEED("a.example;fp=\"sha-256:" HEX32 "00\""),
        NEED("a.example;fp"), NEED("a.example,"), NEED("a.example x"), NEED("a.example;=1"), NEED("a.example;fp=\"sha-256:zz\""),
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t count = 7;
        sipveil_error err;
        assert_int_equal(sv_needs_read(view_of(RESPONSE(493), rows[i]), needs, SIPVEIL_E2M_NEEDS_MOST, &count, &err),
                         SIPVEIL_MALFORMED);
        assert_int_equal(count, 0);
    }
}

static void too_many(void **state)
{
    char rows[2048] = "";
    size_t count;
    sipveil_error err;
    (void)state;
    for (int i = 0; i < 17; i++) strcat(rows, NEED("a.example"));
    assert_int_equal(sv_needs_read(view_of(RESPONSE(493), rows), needs, SIPVEIL_E2M_NEEDS_MOST, &count, &err), SIPVEIL_LIMIT);
    rows[0] = '\0';
    for (int i = 0; i < 17; i++) strcat(rows, "Warning: 380 a.example \"Required to view\"\r\n");
    assert_int_equal(sv_needs_read(view_of(RESPONSE(493), rows), needs, SIPVEIL_E2M_NEEDS_MOST, &count, &err), SIPVEIL_LIMIT);
}

/* Profile draft: the Warning codes of the drafts; the same codes of RFC 5630 are somebody else's. */
static void warnings_of_the_drafts(void **state)
{
    static const char both[] = "Warning: 399 x.example \"hello, 380\", 380 p.example:5060 \"Required to view 'application/sdp'\"\r\n"
                               "Warning: 381 q.example \"Required to verify\"\r\n";
    (void)state;
    assert_int_equal(read_all(RESPONSE(493), both), 2);
    assert_true(sv_equal_str(needs[0].host, "p.example") && needs[0].need == SIPVEIL_E2M_VIEW &&
                sv_equal_str(needs[0].type, "application/sdp"));
    assert_true(sv_equal_str(needs[1].host, "q.example") && needs[1].need == SIPVEIL_E2M_VERIFY && needs[1].type.len == 0);
    assert_int_equal(read_all(RESPONSE(495), both), 2);
    assert_int_equal(read_all(RESPONSE(496), both), 2);
    assert_int_equal(read_all(RESPONSE(480), both), 0);
    assert_int_equal(read_all(RESPONSE(488), both), 0);
    assert_int_equal(read_all(RESPONSE(493), "Warning: 380 p.example \"SIPS Not Allowed\"\r\n"), 0);
    assert_int_equal(read_all(RESPONSE(493), "Warning: 380 p.example \"Required to verify\"\r\n"), 0);
    /* Of no good form: no need. Without a type, or one that cannot be told: of the whole body. */
    static const char *const none[] = {"399 p.example \"Required to verify\"", "380 \"Required to view\"", "380 p.example\"Required to view\"",
                                       "380 p.example Required to view", "380 p.example \"Required to view 'sdp'\""};
    static const char *const whole[] = {"\"Required to view\"", "\"Required to view ''\"", "\"Required to view 'text/plain\"", "\"Required to view xtext/plain'\""};
    char rows[128];
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        snprintf(rows, sizeof rows, "Warning: %s\r\n", none[i]);
        if (read_all(RESPONSE(493), rows) != 0) fail_msg("%s", rows);
    }
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        snprintf(rows, sizeof rows, "Warning: 380 p.example %s\r\n", whole[i]);
        if (read_all(RESPONSE(493), rows) != 1 || needs[0].type.len != 0) fail_msg("%s", rows);
    }
    /* The header field wins over the Warning that goes with it. */
    assert_int_equal(read_all(RESPONSE(493), "Warning: 380 p.example \"Required to view\"\r\n" NEED("p.example;need=both")), 1);
    assert_int_equal(needs[0].need, SIPVEIL_E2M_BOTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_need_with_everything), cmocka_unit_test(defaults), cmocka_unit_test(what_is_written), cmocka_unit_test(where_needs_are_read),
        cmocka_unit_test(needs_of_no_good_form), cmocka_unit_test(too_many), cmocka_unit_test(warnings_of_the_drafts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
