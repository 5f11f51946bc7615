/* SPDX-License-Identifier: BSD-2-Clause */
/* The three header fields: read, written, compared, configured. */
#include "agree/list.h"

#include "e2m/rows.h"

static sv_mechanism_list list;

static sipveil_code read_text(const char *text, sipveil_error *err)
{
    return sv_mechanisms_read(sv_span_str(text), "Security-Server", &list, err);
}

/* AGR-01: any token is a name; what is unknown is kept as it was written. */
static void entries_and_their_parameters(void **state)
{
    sipveil_error err;
    (void)state;
    if (read_text("tls ; q=0.2,\r\n\tdigest;q=0.1 ;d-alg=MD5;d-qop=\"auth\", X-new!;a;b=[2001:db8::1];c=\"x, \\\"y\"", &err) !=
        SIPVEIL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(list.count, 3);
    assert_true(list.items[0].kind == SV_MECH_TLS && list.items[0].q == 200 && list.items[0].parameter_count == 1);
    assert_true(list.items[1].kind == SV_MECH_DIGEST && list.items[1].q == 100);
    assert_true(sv_equal_str(sv_mechanism_value(&list.items[1], "D-ALG"), "MD5"));
    assert_true(list.items[2].kind == SV_MECH_OTHER && list.items[2].q == SV_Q_ABSENT);
    assert_int_equal(list.items[2].parameter_count, 3);
    assert_null(sv_mechanism_parameter(&list.items[2], "d"));
    sv_buffer b;
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    sv_buffer_init(&b, arena, 64, 4096);
    sv_mechanisms_put(&b, &list, true);
    assert_true(sv_equal_str(sv_buffer_span(&b), "tls;q=0.2, digest;q=0.1;d-alg=MD5;d-qop=\"auth\", "
                                                 "X-new!;a;b=[2001:db8::1];c=\"x, \\\"y\""));
    sv_buffer_init(&b, arena, 64, 4096);
    sv_mechanisms_put(&b, &list, false); /* AGR-05 */
    assert_true(sv_equal_str(sv_buffer_span(&b), "tls, digest;d-alg=MD5;d-qop=\"auth\", X-new!;a;b=[2001:db8::1];c=\"x, \\\"y\""));
    sv_arena_free(arena);
}

static void what_is_no_list(void **state)
{
    static const struct {
        const char *text, *rule;
    } cases[] = {
        {"", "AGR-01"}, {",", "AGR-01"}, {"tls,", "AGR-01"}, {"tls,,digest", "AGR-01"}, {"tls q=1", "AGR-01"}, {"\"tls\"", "AGR-01"},
        {"tls;q=0.1;q=0.1", "AGR-06"}, {"tls;Q=0.1;q=0.2", "AGR-06"}, {"x;a;A", "AGR-06"},
        {"tls;q=1.001", "AGR-03"}, {"tls;q=2", "AGR-03"}, {"tls;q=0.1234", "AGR-03"}, {"tls;q=-1", "AGR-03"}, {"tls;q", "AGR-03"},
        {"tls;q=\"0.1\"", "AGR-03"}, {"tls;q=.5", "AGR-03"}, {"tls;q=01", "AGR-03"}, {"tls;q=", ""}, {"tls;=1", ""},
        {"tls;a=\"b", ""}, {"tls;", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_error err;
        sipveil_code code = read_text(cases[i].text, &err);
        if (code != SIPVEIL_MALFORMED || (cases[i].rule[0] != '\0' && strcmp(err.rule, cases[i].rule) != 0)) {
            fail_msg("%s: %s, rule %s", cases[i].text, sipveil_code_name(code), err.rule);
        }
    }
}

/* AGR-03: thousandths; AGR-04: an absent one is 1.000. */
static void preference(void **state)
{
    static const struct {
        const char *text;
        bool ordered;
    } cases[] = {
        {"tls;q=0.2,digest;q=0.1", true}, {"tls;q=0.2,digest;q=0.20", false}, {"tls;q=0.2, digest;q=0.200", false},
        {"tls;q=1,digest;q=1.000", false}, {"tls,digest;q=1.0", false}, {"tls,digest", false}, {"tls", true},
        {"tls;q=0,digest;q=0.", false}, {"tls;q=0.999,digest;q=1", true}, {"x;q=0.5,tls;q=0.1,y;q=0.50", false},
        /* AGR-10: entries for media stand aside. */
        {"tls, sdes-srtp;mediasec, MSRP-TLS;mediasec", true}, {"tls;q=0.1,bfcp-tls;q=0.1,udptl-dtls;q=0.1", true},
    };
    size_t first, second;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_text(cases[i].text, NULL), SIPVEIL_OK);
        if (sv_mechanisms_ordered(&list, &first, &second) != cases[i].ordered) fail_msg("%s", cases[i].text);
    }
}

/* AGR-02: rows are one list, in order; and how long it may be. */
static void rows_and_limits(void **state)
{
    char text[8192] = "tls;q=0.001";
    bool present;
    sipveil_error err;
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    (void)state;
    const sv_sip_view *view = view_of(RESPONSE(494), "Security-Server: tls;q=0.2\r\nX: y\r\nsecurity-server : digest;q=0.1,\r\n x\r\n");
    assert_int_equal(sv_mechanisms_of(view, SV_F_SECURITY_SERVER, arena, &list, &present, &err), SIPVEIL_OK);
    assert_true(present && list.count == 3 && sv_equal_str(list.text, "tls;q=0.2, digest;q=0.1,\r\n x"));
    assert_int_equal(sv_mechanisms_of(view, SV_F_SECURITY_VERIFY, arena, &list, &present, &err), SIPVEIL_OK);
    assert_true(!present && list.count == 0);
    for (int i = 1; i < 32; i++) snprintf(text + strlen(text), sizeof text - strlen(text), ",a%d;q=0.1", i);
    assert_int_equal(read_text(text, &err), SIPVEIL_OK);
    strcat(text, ",b");
    assert_int_equal(read_text(text, &err), SIPVEIL_LIMIT);
    assert_string_equal(err.rule, "AGR-02");
    memset(text, 'a', 4096);
    text[4096] = '\0';
    assert_int_equal(read_text(text, &err), SIPVEIL_OK);
    strcat(text, "a");
    assert_int_equal(read_text(text, &err), SIPVEIL_LIMIT);
    strcpy(text, "a");
    for (int i = 0; i < 129; i++) snprintf(text + strlen(text), sizeof text - strlen(text), ";a%d", i);
    assert_int_equal(read_text(text, &err), SIPVEIL_LIMIT);
    sv_arena_free(arena);
}

/* AGR-07, D-04, D-18: what the three fields of digest are called, and where. */
static void fields_of_digest(void **state)
{
    (void)state;
    assert_int_equal(read_text("tls;d-alg=MD5, digest;digest-alg=MD5, digest-integrity;alg=MD5", NULL), SIPVEIL_OK);
    const sv_mechanism *m = list.items;
    assert_null(sv_mechanism_digest_field(&m[0], SV_D_ALG, SIPVEIL_AGREE_RFC3329));
    assert_null(sv_mechanism_digest_field(&m[1], SV_D_ALG, SIPVEIL_AGREE_RFC3329));
    assert_non_null(sv_mechanism_digest_field(&m[1], SV_D_ALG, SIPVEIL_AGREE_DRAFT05));
    assert_non_null(sv_mechanism_digest_field(&m[2], SV_D_ALG, SIPVEIL_AGREE_DRAFT04));
    assert_null(sv_mechanism_digest_field(&m[2], SV_D_QOP, SIPVEIL_AGREE_DRAFT04));
    assert_null(sv_mechanism_digest_field(&m[2], SV_D_ALG, SIPVEIL_AGREE_RFC3329));
}

/* AGR-03, 08, 19, D-01: what is refused when it is configured. */
static void own_lists(void **state)
{
    static const struct {
        const char *text;
        sipveil_agree_profile profile;
        sipveil_agree_side side;
        const char *rule; /* NULL: taken */
    } cases[] = {
        {"tls;q=0.2, digest;q=0.1;d-alg=MD5", SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_SERVER, NULL},
        {"tls, digest", SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_CLIENT, NULL},
        {"tls, digest", SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_SERVER, "AGR-03"},
        {"tls;q=0.5, digest;q=0.50", SIPVEIL_AGREE_DRAFT05, SIPVEIL_AGREE_SERVER, "AGR-03"},
        {"digest;d-ver=\"00\"", SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_SERVER, "AGR-08"},
        {"digest;d-alg=SHA-1", SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_SERVER, "AGR-19"},
        {"digest;d-qop=none", SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_SERVER, "AGR-19"},
        {"rot13", SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_SERVER, "AGR-19"},
        {"digest", SIPVEIL_AGREE_DRAFT04, SIPVEIL_AGREE_SERVER, "AGR-19"},
        {"digest-integrity", SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_SERVER, "AGR-19"},
        {"digest-integrity;q=0.4, smime;q=0.6", SIPVEIL_AGREE_DRAFT04, SIPVEIL_AGREE_SERVER, NULL},
        {"tls;q=x", SIPVEIL_AGREE_3GPP, SIPVEIL_AGREE_SERVER, "AGR-03"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_error err;
        sipveil_agree_list *own;
        sipveil_code code = sipveil_agree_list_read(sv_span_str(cases[i].text), cases[i].profile, cases[i].side, &own, &err);
        if (cases[i].rule == NULL) {
            if (code != SIPVEIL_OK) fail_msg("%s: %s", cases[i].text, err.text);
        } else if (code != SIPVEIL_USAGE || own != NULL || strcmp(err.rule, cases[i].rule) != 0) {
            fail_msg("%s: %s %s", cases[i].text, sipveil_code_name(code), err.rule);
        }
        sipveil_agree_list_free(own);
    }
}

/* AGR-37: one line, ", " between entries, no other white space; AGR-05: a client writes no q. */
static void own_text(void **state)
{
    sipveil_agree_list *own;
    sipveil_span text = SV_SPAN(" tls ;\tq=0.2,digest; d-alg = MD5 ;q=0.1");
    (void)state;
    assert_int_equal(sipveil_agree_list_read(text, SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_SERVER, &own, NULL), SIPVEIL_OK);
    assert_true(sv_equal_str(sipveil_agree_list_text(own), "tls;q=0.2, digest;d-alg=MD5;q=0.1"));
    assert_int_equal(sipveil_agree_list_count(own), 2);
    sipveil_agree_list_free(own);
    assert_int_equal(sipveil_agree_list_read(text, SIPVEIL_AGREE_RFC3329, SIPVEIL_AGREE_CLIENT, &own, NULL), SIPVEIL_OK);
    assert_true(sv_equal_str(sipveil_agree_list_text(own), "tls, digest;d-alg=MD5"));
    sipveil_agree_list_free(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_and_their_parameters), cmocka_unit_test(what_is_no_list), cmocka_unit_test(preference),
        cmocka_unit_test(rows_and_limits), cmocka_unit_test(fields_of_digest), cmocka_unit_test(own_lists),
        cmocka_unit_test(own_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
