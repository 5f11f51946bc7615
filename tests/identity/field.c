/* SPDX-License-Identifier: BSD-2-Clause */
/* The Identity and Identity-Info header fields as text: what is read out of them, what is refused, and by which rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identity/identity.h"

#define INFO ";info=<https://c.example/a.cer>"

static void assert_span(const char *value, sipveil_span got, const char *wanted)
{
    if (!sv_equal_str(got, wanted)) fail_msg("%s: \"%.*s\", not \"%s\"", value, (int)got.len, (const char *)got.data, wanted);
}

/* IDN-22, IDN-23, IDN-24, IDN-28 */
static void identity_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *value, *header, *payload, *signature, *info, *alg, *ppt;
    } rows[] = {
        {"..c" INFO, "", "", "c", "https://c.example/a.cer", "", ""},
        {"a.b.c" INFO, "a", "b", "c", "https://c.example/a.cer", "", ""},
        {"a-_.b-_.c-_" INFO, "a-_", "b-_", "c-_", "https://c.example/a.cer", "", ""},
        {"..c ; InFo = <x> ; ALG = ES256 ; ppt=\"shaken\"", "", "", "c", "x", "ES256", "shaken"},
        {"..c;alg=ES256" INFO ";later;later=1;ppt=shaken", "", "", "c", "https://c.example/a.cer", "ES256", "shaken"},
        {"..c\r\n ;\r\n\tinfo=<x>\r\n ;alg=ES256 ", "", "", "c", "x", "ES256", ""},
        {"..c;information=1;info=<x>", "", "", "c", "x", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sv_identity_text text;
        sipveil_error err;
        if (sv_identity_text_read(sv_span_str(rows[i].value), &text, &err) != SIPVEIL_OK) fail_msg("%s: %s", rows[i].value, err.text);
        assert_int_equal(text.full, rows[i].header[0] != '\0');
        assert_span(rows[i].value, text.header, rows[i].header);
        assert_span(rows[i].value, text.payload, rows[i].payload);
        assert_span(rows[i].value, text.signature, rows[i].signature);
        assert_span(rows[i].value, text.info, rows[i].info);
        assert_span(rows[i].value, text.alg, rows[i].alg);
        assert_span(rows[i].value, text.ppt, rows[i].ppt);
        assert_int_equal(text.has_alg, rows[i].alg[0] != '\0');
        assert_int_equal(text.has_ppt, rows[i].ppt[0] != '\0');
    }
}

static void identity_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *value, *rule; /* NULL: of the parameter's own form */
    } rows[] = {
        {"", "IDN-22"},
        {"c" INFO, "IDN-22"},
        {".c" INFO, "IDN-22"},
        {".." INFO, "IDN-22"},
        {"a.b." INFO, "IDN-22"},
        {"a.b.c.d" INFO, "IDN-22"},
        {"a..c" INFO, "IDN-28"},
        {".b.c" INFO, "IDN-28"},
        {"..c", "IDN-23"},
        {"..c;info", "IDN-23"},
        {"..c;info=", NULL},
        {"..c;info=x", "IDN-23"},
        {"..c;info=\"x\"", "IDN-23"},
        {"..c;info=<x", NULL},
        {"..c;info=<>", "IDN-23"},
        {"..c" INFO INFO, "IDN-23"},
        {"..c" INFO ";alg", "IDN-24"},
        {"..c" INFO ";alg=\"\"", "IDN-24"},
        {"..c" INFO ";alg=\"ES\\256\"", "IDN-24"},
        {"..c" INFO ";alg=ES256;ALG=ES256", "IDN-24"},
        {"..c" INFO ";ppt", "IDN-24"},
        {"..c" INFO ";ppt=a;ppt=a", "IDN-24"},
        {"..c" INFO " x", "IDN-22"},
        {"..c=" INFO, "IDN-22"},
        {"..c" INFO ",..d" INFO, "IDN-22"},
        {"..c" INFO ";", NULL},
        {"..c" INFO ";=x", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sv_identity_text text;
        sipveil_error err;
        sipveil_code code = sv_identity_text_read(sv_span_str(rows[i].value), &text, &err);
        if (code != SIPVEIL_MALFORMED) fail_msg("%s: taken", rows[i].value);
        if (rows[i].rule != NULL && strcmp(err.rule, rows[i].rule) != 0) fail_msg("%s: %s: %s", rows[i].value, err.rule, err.text);
    }
}

/* IDN-13, IDN-14 */
static void identity_info(void **state)
{
    (void)state;
    static const struct {
        const char *value, *rule, *uri, *alg;
    } rows[] = {
        {"<https://c.example/a.cer>;alg=rsa-sha1", NULL, "https://c.example/a.cer", "rsa-sha1"},
        {"<x> ; other ; ALG = \"rsa-sha1\" ", NULL, "x", "rsa-sha1"},
        {"<x>;other=1;alg=rsa-sha1;last", NULL, "x", "rsa-sha1"},
        {"", "IDN-14", "", ""},
        {"x;alg=rsa-sha1", "IDN-14", "", ""},
        {"<x;alg=rsa-sha1", "IDN-14", "", ""},
        {"<>;alg=rsa-sha1", "IDN-14", "", ""},
        {"<x>", "IDN-13", "", ""},
        {"<x>;other=1", "IDN-13", "", ""},
        {"<x>;alg", "IDN-13", "", ""},
        {"<x>;alg=\"\"", "IDN-13", "", ""},
        {"<x>;alg=\"rsa\\-sha1\"", "IDN-13", "", ""},
        {"<x>;alg=rsa-sha1;alg=rsa-sha1", "IDN-13", "", ""},
        {"<x>;alg=rsa-sha1 x", "IDN-13", "", ""},
        {"<x>;alg=rsa-sha1,<y>;alg=rsa-sha1", "IDN-13", "", ""},
        {"<x>;", "", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_span uri, alg;
        sipveil_error err;
        sipveil_code code = sv_identity_info_read(sv_span_str(rows[i].value), &uri, &alg, &err);
        if ((code == SIPVEIL_OK) != (rows[i].rule == NULL)) fail_msg("%s: %s", rows[i].value, code == SIPVEIL_OK ? "taken" : err.text);
        if (code != SIPVEIL_OK) {
            assert_int_equal(code, SIPVEIL_MALFORMED);
            if (rows[i].rule[0] != '\0' && strcmp(err.rule, rows[i].rule) != 0) fail_msg("%s: %s", rows[i].value, err.rule);
            continue;
        }
        assert_span(rows[i].value, uri, rows[i].uri);
        assert_span(rows[i].value, alg, rows[i].alg);
    }
}

static void the_first_octet_tells_the_form(void **state)
{
    (void)state;
    assert_true(sv_identity_is_quoted(sv_span_str("\"abc\"")));
    assert_false(sv_identity_is_quoted(sv_span_str("abc\"")));
    assert_false(sv_identity_is_quoted(sv_span(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_is_read), cmocka_unit_test(identity_is_refused), cmocka_unit_test(identity_info),
        cmocka_unit_test(the_first_octet_tells_the_form),
    };
    return cmocka_run_group_tests_name("Identity and Identity-Info as text", tests, NULL, NULL);
}
