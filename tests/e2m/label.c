/* SPDX-License-Identifier: BSD-2-Clause */
/* Labels: which are read, whom they name, and the quick look before. */
#include "e2m/label.h"

#include "rows.h"

#define LABEL(value) "Proxy-Required-Body: " value "\r\n"

static sv_labels read_all(const char *rows)
{
    sv_labels labels;
    sipveil_error err;
    sipveil_code code = sv_labels_read(view_of(REQUEST, rows), &labels, &err);
    if (code != SIPVEIL_OK) fail_msg("%s", err.text);
    return labels;
}

static void a_label_with_everything(void **state)
{
    (void)state; /* E2M-C4, E2M-I3: the UA names hop, part and what to do */
    sv_labels labels = read_all(LABEL("ss1.home.example:5061;cid=\"4d.x+1@home.example\";act=both;keep;reply=verify;new=1"));
    assert_int_equal(labels.count, 1);
    const sv_label *l = &labels.items[0];
    assert_true(sv_equal_str(l->hop.host, "ss1.home.example") && l->hop.has_port && l->hop.port == 5061);
    assert_true(sv_equal_str(l->cid, "4d.x+1@home.example"));
    assert_true(l->act == SIPVEIL_E2M_BOTH && l->reply == SIPVEIL_E2M_VERIFY && l->keep && !l->malformed);
}

static void defaults_and_folding(void **state)
{
    (void)state;
    sv_labels labels = read_all(LABEL("a.example ;\r\n cid = \"a@b\"") LABEL("[2001:db8::1];cid=\"c@[::1]\";ACT=VERIFY"));
    assert_int_equal(labels.count, 2);
    assert_true(labels.items[0].act == SIPVEIL_E2M_VIEW && labels.items[0].reply == SIPVEIL_E2M_NONE);
    assert_false(labels.items[0].keep || labels.items[0].malformed);
    assert_true(labels.items[1].act == SIPVEIL_E2M_VERIFY && !labels.items[1].malformed);
}

/* E2M-10, E2M-14, ADV-162: what is wrong with one value is wrong for the hop that it names, not for others. */
static void values_that_only_the_named_hop_minds(void **state)
{
    static const struct {
        const char *rows;
        bool malformed;
        sipveil_e2m_act act;
    } cases[] = {
        {LABEL("a.example;cid=\"a@b\";cid=\"a@b\", z.example;cid=\"z@z\""), true, SIPVEIL_E2M_VIEW},
        {LABEL("a.example, z.example;cid=\"z@z\""), true, SIPVEIL_E2M_VIEW},
        {LABEL("a.example;cid=a, z.example;cid=\"z@z\""), true, SIPVEIL_E2M_VIEW},
        {LABEL("a.example;cid=\"no-at\", z.example;cid=\"z@z\""), true, SIPVEIL_E2M_VIEW},
        {LABEL("a.example;cid=\"a@b@c\", z.example;cid=\"z@z\""), true, SIPVEIL_E2M_VIEW},
        {LABEL("a.example;cid=\"a b@c\", z.example;cid=\"z@z\""), true, SIPVEIL_E2M_VIEW},
        {LABEL("a.example;cid=\"\\a@c\", z.example;cid=\"z@z\""), true, SIPVEIL_E2M_VIEW},
        {LABEL("a.example;cid=\"<a@c>\", z.example;cid=\"z@z\""), true, SIPVEIL_E2M_VIEW},
        {LABEL("a.example;=1;x=\",\", z.example;cid=\"z@z\""), true, SIPVEIL_E2M_VIEW},
        {LABEL("a.example junk \",\" more, z.example;cid=\"z@z\""), true, SIPVEIL_E2M_VIEW},
        {LABEL("a.example;cid=\"a@b\";act=shred, z.example;cid=\"z@z\""), false, SIPVEIL_E2M_OTHER},
        {LABEL("a.example;cid=\"a@b\";act;reply;x, z.example;cid=\"z@z\""), false, SIPVEIL_E2M_VIEW}, /* words of somebody else's */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_labels labels = read_all(cases[i].rows);
        assert_int_equal(labels.count, 2);
        assert_int_equal(labels.items[0].malformed, cases[i].malformed);
        assert_int_equal(labels.items[0].act, cases[i].act);
        assert_true(labels.items[0].reply == SIPVEIL_E2M_NONE && !labels.items[0].keep);
        assert_true(sv_equal_str(labels.items[1].hop.host, "z.example") && sv_equal_str(labels.items[1].cid, "z@z"));
        assert_false(labels.items[1].malformed);
    }
}

/* E2M-10: which cids are good. */
static void cids(void **state)
{
    static const char *const good[] = {"a@b", "a-b_c~d=e/f%g+h.i@x-y_z", "a@[::1]"};
    static const char *const bad[] = {"", "@b", "a@", "a", "[a@b", "a]@b", "a:b@c", "a@b@c", "a b@c", "<a@b>"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(sv_is_cid(sv_span_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(sv_is_cid(sv_span_str(bad[i])));
}

/* E2M-21: a label is the signed one with all that it says, or another one. */
static void labels_that_differ(void **state)
{
    static const struct {
        const char *rows;
        bool same;
    } cases[] = {
        {LABEL("A.example;cid=\"a@b\";keep;act=verify;reply=view"), true},    {LABEL("b.example;cid=\"a@b\";act=verify;keep;reply=view"), false},
        {LABEL("a.example;cid=\"A@b\";act=verify;keep;reply=view"), false},   {LABEL("a.example;cid=\"a@b\";act=both;keep;reply=view"), false},
        {LABEL("a.example;cid=\"a@b\";act=verify;reply=view"), false},        {LABEL("a.example;cid=\"a@b\";act=verify;keep;reply=both"), false},
        {LABEL("a.example;cid=\"a@b\";act=verify;keep;reply=view;cid=\"a@b\""), false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sv_label one = {.hop = {.host = SV_SPAN("a.example")}, .cid = SV_SPAN("a@b"), .act = SIPVEIL_E2M_VERIFY, .keep = true,
                              .reply = SIPVEIL_E2M_VIEW};
        const sv_labels ours = {.count = 1, .items = {one}}, other = read_all(cases[i].rows);
        if (sv_labels_have(&other, &one) != cases[i].same) fail_msg("%s", cases[i].rows);
        if (sv_labels_have(&ours, &other.items[0]) != cases[i].same) fail_msg("%s", cases[i].rows);
    }
}

static void no_host(void **state)
{
    static const char *const rows[] = {LABEL(";cid=\"a@b\""), LABEL("a.example;cid=\"a@b\","), LABEL("-;cid=\"a@b\""),
                                       LABEL("a.example:70000;cid=\"a@b\""), LABEL("")};
    (void)state; /* ADV-162 */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sv_labels labels;
        sipveil_error err;
        assert_int_equal(sv_labels_read(view_of(REQUEST, rows[i]), &labels, &err), SIPVEIL_MALFORMED);
        assert_string_equal(err.rule, "ADV-162");
    }
}

static void sixteen_values(void **state)
{
    char rows[4096] = "";
    (void)state; /* E2M-15 */
    for (int i = 0; i < 16; i++) {
        size_t used = strlen(rows);
        snprintf(rows + used, sizeof rows - used, LABEL("h%d.example;cid=\"a@b\""), i);
    }
    assert_int_equal(read_all(rows).count, 16);
    size_t used = strlen(rows);
    snprintf(rows + used, sizeof rows - used, LABEL("h0.example;cid=\"a@b\""));
    sv_labels labels;
    sipveil_error err;
    assert_int_equal(sv_labels_read(view_of(REQUEST, rows), &labels, &err), SIPVEIL_LIMIT);
    assert_string_equal(err.rule, "E2M-15");
}

static void the_first_of_two_counts(void **state)
{
    (void)state; /* E2M-15 */
    sv_labels labels = read_all(LABEL("a.example;cid=\"a@b\";act=verify, A.EXAMPLE;cid=\"a@b\";act=view, a.example;cid=\"A@b\""));
    assert_int_equal(labels.count, 2); /* a cid is compared octet by octet (E2M-11) */
    assert_int_equal(labels.items[0].act, SIPVEIL_E2M_VERIFY);
}

/* E2M-12: exact names, no suffix, case aside; a port only where both give one. */
static void whom_it_names(void **state)
{
    static const char *const ours[] = {"ss1.home.example", "edge.home.example:5061"};
    static const struct {
        const char *host;
        bool ours;
    } cases[] = {
        {"ss1.home.example", true}, {"SS1.Home.EXAMPLE", true}, {"ss1.home.example:5060", true},
        {"edge.home.example", true}, {"edge.home.example:5061", true}, {"edge.home.example:5060", false},
        {"x.ss1.home.example", false}, {"home.example", false}, {"ss1.home.example.net", false}, {"ss1", false},
    };
    sv_hop_set set;
    sipveil_error err;
    (void)state;
    assert_int_equal(sv_hop_set_fill(&set, ours, 2, &err), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rows[256];
        snprintf(rows, sizeof rows, LABEL("z.example;x=\"a,b\";cid=\"z@z\",  %s;cid=\"a@b\""), cases[i].host);
        sv_labels labels = read_all(rows);
        assert_int_equal(labels.count, 2);
        assert_int_equal(sv_hop_set_has(&set, &labels.items[1].hop), cases[i].ours);
        /* The quick look may be wrong in one direction only. */
        if (cases[i].ours) assert_true(sv_labels_may_name(view_of(REQUEST, rows), &set));
    }
    assert_false(sv_labels_may_name(view_of(REQUEST, LABEL("z.example;cid=\"a@b\",y.example;cid=\"a@b\"")), &set));
    assert_false(sv_labels_may_name(view_of(REQUEST, ""), &set));
    assert_false(sv_labels_may_name(view_of(REQUEST, LABEL("")), &set));
    assert_false(sv_labels_may_name(view_of(REQUEST, LABEL("ss1")), &set)); /* the beginning of a name of ours */
    assert_true(sv_labels_may_name(view_of(REQUEST, LABEL("z.example;cid=\"z@z\",\tss1.home.example;cid=\"a@b\"")), &set));
    assert_true(sv_labels_may_name(view_of(REQUEST, LABEL("z.example;cid=\"z@z\",\r\n ss1.home.example;cid=\"a@b\"")), &set));
    assert_true(sv_labels_may_name(view_of(REQUEST, LABEL("z.example;cid=\"a@b\"") LABEL("\r\n SS1.home.example;cid=\"a@b\"")), &set));
}

static void names_that_are_none(void **state)
{
    static const char *const bad[] = {"", "a b", "a.example;x", "sip:a.example", "a.example:"};
    sv_hop_set set;
    sipveil_error err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sv_hop_set_fill(&set, &bad[i], 1, &err), SIPVEIL_USAGE);
    }
    const char *many[SV_HOST_NAMES_MOST + 1];
    for (size_t i = 0; i <= SV_HOST_NAMES_MOST; i++) many[i] = "a.example";
    assert_int_equal(sv_hop_set_fill(&set, many, SV_HOST_NAMES_MOST + 1, &err), SIPVEIL_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_with_everything), cmocka_unit_test(defaults_and_folding),
        cmocka_unit_test(values_that_only_the_named_hop_minds), cmocka_unit_test(cids), cmocka_unit_test(labels_that_differ), cmocka_unit_test(no_host),
        cmocka_unit_test(sixteen_values), cmocka_unit_test(the_first_of_two_counts), cmocka_unit_test(whom_it_names),
        cmocka_unit_test(names_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
