/* SPDX-License-Identifier: BSD-2-Clause */
/* E2M-65: policy rows of a file, and which of them hold for a message. */
#include "e2m/policy.h"

#include "rows.h"

static sipveil_e2m_policy *read_policy(const char *text)
{
    sipveil_e2m_policy *policy;
    sipveil_error err;
    sipveil_code code = sipveil_e2m_policy_read(sv_span_str(text), &policy, &err);
    if (code != SIPVEIL_OK) fail_msg("%s", err.text);
    return policy;
}

static void rows_and_comments(void **state)
{
    (void)state;
    sipveil_e2m_policy *policy = read_policy("# a comment\n\n ss1.home.example;need=view;type=\"application/sdp\";method=INVITE\r\n"
                                             "ss1.home.example;need=verify;what=all;interface=access;certificate=\"p1.crt\"");
    assert_int_equal(sipveil_e2m_policy_count(policy), 2);
    assert_true(sv_equal_str(policy->rows[0].method, "INVITE") && sv_equal_str(policy->rows[1].interface, "access"));
    assert_true(sv_equal_str(policy->rows[1].certificate, "p1.crt"));
    sipveil_e2m_policy_free(policy);
    policy = read_policy("");
    assert_int_equal(sipveil_e2m_policy_count(policy), 0);
    sipveil_e2m_policy_free(policy);
    sipveil_e2m_policy_free(NULL);
    assert_int_equal(sipveil_e2m_policy_count(NULL), 0);
}

static void rows_as_json(void **state)
{
    (void)state;
    sipveil_e2m_policy *policy = read_policy(
        " [{\"host\":\"ss1.home.example:5061\",\"need\":\"both\",\"types\":[\"application/sdp\",\"text/plain\"],"
        "\"methods\":[\"INVITE\",\"UPDATE\"],\"what\":\"all\",\"keep\":true,\"interface\":\"access\",\"certificate\":\"f\"},"
        "{\"host\":\"b.example\"}]");
    assert_int_equal(sipveil_e2m_policy_count(policy), 5);
    assert_true(sv_equal_str(policy->rows[3].need.type, "text/plain") && sv_equal_str(policy->rows[3].method, "UPDATE"));
    assert_true(policy->rows[3].need.keep && policy->rows[3].need.for_responses && policy->rows[3].need.port == 5061);
    assert_true(policy->rows[4].need.need == SIPVEIL_E2M_VIEW && policy->rows[4].need.for_requests);
    sipveil_e2m_policy_free(policy);
}

static void rows_of_no_good_form(void **state)
{
    static const char *const texts[] = {
        "a.example;need=shred", "a.example;what=none", "a.example;colour=red", "a.example x", "a.example;method", ";need=view",
        "a.example;method=A;method=B", "a.example,b.example", "[", "[1]", "[{}]", "[{\"host\":1}]", "[{\"host\":\"a b\"}]",
        "[{\"host\":\"a\",\"need\":\"x\"}]", "[{\"host\":\"a\",\"what\":\"x\"}]", "[{\"host\":\"a\",\"types\":[]}]",
        "[{\"host\":\"a\",\"types\":[1]}]", "[{\"host\":\"a\",\"methods\":\"INVITE\"}]", "[{\"host\":\"a\",\"keep\":1}]",
        "[{\"host\":\"a\",\"unknown\":1}]", "[{\"host\":\"a\"}] x",
        "a.example;method=\"A\\B\"", "[{\"host\":\"a\",\"need\":1}]", "[{\"host\":\"a\",\"need\":\"\"}]", "[{\"host\":\"a\",\"what\":1}]",
        "[{\"host\":\"a\",\"interface\":1}]", "[{\"host\":\"a\",\"certificate\":1}]", "[{\"host\":\"a\",\"types\":[\"\"]}]",
        "[{\"host\":\"a\",\"types\":{\"a\":\"application/sdp\"}}]", "[[\"a\"]]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        sipveil_e2m_policy *policy = (void *)state;
        sipveil_error err;
        if (sipveil_e2m_policy_read(sv_span_str(texts[i]), &policy, &err) != SIPVEIL_USAGE) fail_msg("%s was taken", texts[i]);
        assert_null(policy);
    }
}

/* E2M-65: as many rows, and as much text, as is read, and one more. */
static void policies_without_end(void **state)
{
    static char text[SV_POLICY_TEXT_MOST + 2];
    (void)state;
    for (int json = 0; json < 2; json++) {
        for (size_t rows = SV_POLICY_ROWS_MOST; rows <= SV_POLICY_ROWS_MOST + 1; rows++) {
            sipveil_e2m_policy *policy = NULL;
            sipveil_error err;
            size_t used = 0;
            for (size_t i = 0; i < rows; i++) {
                used += (size_t)snprintf(text + used, sizeof text - used, json ? "%s{\"host\":\"a\"}" : "%sa", i > 0 ? json ? "," : "\n" : json ? "[" : "");
            }
            if (json) text[used++] = ']';
            assert_int_equal(sipveil_e2m_policy_read(sv_span(text, used), &policy, &err), rows > SV_POLICY_ROWS_MOST ? SIPVEIL_USAGE : SIPVEIL_OK);
            sipveil_e2m_policy_free(policy);
        }
    }
    memset(text, '#', sizeof text);
    for (size_t more = 0; more < 2; more++) {
        sipveil_e2m_policy *policy = NULL;
        sipveil_error err;
        assert_int_equal(sipveil_e2m_policy_read(sv_span(text, SV_POLICY_TEXT_MOST + more), &policy, &err), more ? SIPVEIL_USAGE : SIPVEIL_OK);
        sipveil_e2m_policy_free(policy);
    }
}

/* E2M-50 (2): method, direction, interface and the media type of the whole body, nothing else. */
static void which_rows_hold(void **state)
{
    static const struct {
        const char *row, *start, *rows, *interface;
        bool holds;
    } cases[] = {
        {"p;method=INVITE", REQUEST, "", NULL, true},
        {"p;method=MESSAGE", REQUEST, "", NULL, false},
        {"p;what=response", REQUEST, "", NULL, false},
        {"p;what=response", RESPONSE(200), "", NULL, true},
        {"p", RESPONSE(200), "", NULL, false},
        {"p;interface=access", REQUEST, "", NULL, false},
        {"p;interface=access", REQUEST, "", "core", false},
        {"p;interface=access", REQUEST, "", "access", true},
        {"p;type=\"application/sdp\"", REQUEST, "Content-Type: Application/SDP;x=y\r\n", NULL, true},
        {"p;type=\"application/sdp\"", REQUEST, "Content-Type: application/sdpx\r\n", NULL, false},
        {"p;type=\"application/sdp\"", REQUEST, "Content-Type: text/plain\r\n", NULL, false},
        {"p;type=\"application/sdp\"", REQUEST, "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n", NULL, true},
        {"p;type=\"application/sdp\"", REQUEST, "Content-Type: multipart/mixed;boundary=b\r\n", NULL, true},
        {"p;type=\"application/sdp\"", REQUEST, "Content-Type: application/x-pkcs7-mime\r\n", NULL, true},
        {"p;type=\"application/sdp\"", REQUEST, "Content-Type: message/sip\r\n", NULL, true},
        {"p;type=\"application/sdp\"", REQUEST, "", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_e2m_policy *policy = read_policy(cases[i].row);
        const sv_policy_row *row = sv_policy_match(policy, view_of(cases[i].start, cases[i].rows), cases[i].interface, 0);
        if ((row != NULL) != cases[i].holds) fail_msg("case %zu: %s", i, cases[i].row);
        sipveil_e2m_policy_free(policy);
    }
    assert_null(sv_policy_match(NULL, view_of(REQUEST, ""), NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_comments), cmocka_unit_test(rows_as_json), cmocka_unit_test(rows_of_no_good_form), cmocka_unit_test(policies_without_end),
        cmocka_unit_test(which_rows_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
