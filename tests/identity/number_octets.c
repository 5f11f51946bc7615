/* SPDX-License-Identifier: BSD-2-Clause */
/* TNAuthList and JWTClaimConstraints octet by octet (RFC 8226 8, 9): what is no such list covers and allows nothing (IDN-39). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "identity/number_authority.h"

#define OCTETS(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define CODE_64 "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"

static sipveil_limits limits;
static char asked[80]; /* the code that was asked for */

static bool covers(void *user, const char *code, const char *number)
{
    (void)snprintf(asked, sizeof asked, "%s", code);
    return strcmp(number, user) == 0;
}

static sipveil_code is_covered(sipveil_span octets, const char *number, sipveil_error *err)
{
    const sv_number_authority authority = {.numbers = octets};
    asked[0] = '\0';
    return sv_number_is_covered(&authority, sv_span_str(number), covers, (void *)(uintptr_t) "123", &limits, err);
}

static void numbers(void **state)
{
    static const struct {
        const char *name;
        sipveil_span octets;
        const char *number;
        const char *said; /* NULL: covered; else in the reason */
    } rows[] = {
        {"one", OCTETS("\x30\x07\xA2\x05\x16\x03" "123"), "123", NULL},
        {"one with a star", OCTETS("\x30\x07\xA2\x05\x16\x03" "*2#"), "*2#", NULL},
        {"none", OCTETS(""), "123", "speaks for no numbers"},
        {"an empty list", OCTETS("\x30\x00"), "123", "does not speak for 123"},
        {"one that is empty", OCTETS("\x30\x04\xA2\x02\x16\x00"), "", "does not speak for"},
        {"one that is no number", OCTETS("\x30\x07\xA2\x05\x16\x03" "12a"), "12a", "does not speak for"},
        {"one that is too long", OCTETS("\x30\x14\xA2\x12\x16\x10" "1234567890123456"), "1234567890123456", "does not speak for"},
        {"one of another type", OCTETS("\x30\x07\xA2\x05\x0C\x03" "123"), "123", "cannot be read"},
        {"one without anything", OCTETS("\x30\x02\xA2\x00"), "123", "cannot be read"},
        {"two in one entry", OCTETS("\x30\x0A\xA2\x08\x16\x03" "123\x16\x01" "1"), "123", "cannot be read"},
        {"range", OCTETS("\x30\x0C\xA1\x0A\x30\x08\x16\x03" "120\x02\x01\x04"), "123", NULL},
        {"range that is one short", OCTETS("\x30\x0C\xA1\x0A\x30\x08\x16\x03" "120\x02\x01\x03"), "123", "does not speak for"},
        {"range of none", OCTETS("\x30\x0C\xA1\x0A\x30\x08\x16\x03" "123\x02\x01\x00"), "123", "does not speak for"},
        {"range below zero", OCTETS("\x30\x0C\xA1\x0A\x30\x08\x16\x03" "120\x02\x01\xFF"), "123", "cannot be read"},
        {"range of all", OCTETS("\x30\x13\xA1\x11\x30\x0F\x16\x03" "000\x02\x08\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "123", NULL},
        {"range from a star", OCTETS("\x30\x0C\xA1\x0A\x30\x08\x16\x03" "*20\x02\x01\x7F"), "123", "does not speak for"},
        {"range for a star", OCTETS("\x30\x0C\xA1\x0A\x30\x08\x16\x03" "000\x02\x01\x7F"), "*21", "does not speak for"},
        {"range from no number", OCTETS("\x30\x0C\xA1\x0A\x30\x08\x16\x03" "12x\x02\x01\x7F"), "123", "does not speak for"},
        {"range of another length", OCTETS("\x30\x0B\xA1\x09\x30\x07\x16\x02" "12\x02\x01\x7F"), "123", "does not speak for"},
        {"range that is no sequence", OCTETS("\x30\x07\xA1\x05\x16\x03" "123"), "123", "cannot be read"},
        {"range without a start", OCTETS("\x30\x07\xA1\x05\x30\x03\x02\x01\x7F"), "123", "cannot be read"},
        {"range without a count", OCTETS("\x30\x09\xA1\x07\x30\x05\x16\x03" "123"), "123", "cannot be read"},
        {"code", OCTETS("\x30\x08\xA0\x06\x16\x04" "709J"), "123", NULL},
        {"code for another number", OCTETS("\x30\x08\xA0\x06\x16\x04" "709J"), "124", "does not speak for"},
        {"code of 64", OCTETS("\x30\x44\xA0\x42\x16\x40" CODE_64), "123", NULL},
        {"code of 65", OCTETS("\x30\x45\xA0\x43\x16\x41" CODE_64 "0"), "123", "does not speak for"},
        {"code that is empty", OCTETS("\x30\x04\xA0\x02\x16\x00"), "123", "does not speak for"},
        {"code with a zero in it", OCTETS("\x30\x08\xA0\x06\x16\x04" "70\0J"), "123", "does not speak for"},
        {"code of another type", OCTETS("\x30\x08\xA0\x06\x0C\x04" "709J"), "123", "cannot be read"},
        {"code for what is too long for a number", OCTETS("\x30\x08\xA0\x06\x16\x04" "709J"),
         "1234567890123456789012345678901234567890123456789012345678901234", "does not speak for"},
        {"an entry of no kind", OCTETS("\x30\x07\xA3\x05\x16\x03" "123"), "123", "cannot be read"},
        {"an entry that is not tagged", OCTETS("\x30\x05\x16\x03" "123"), "123", "cannot be read"},
        {"no sequence", OCTETS("\xA2\x05\x16\x03" "123"), "123", "cannot be read"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_error err;
        sipveil_code code = is_covered(rows[i].octets, rows[i].number, &err);
        if ((code == SIPVEIL_OK) != (rows[i].said == NULL)) fail_msg("%s: %s", rows[i].name, code == SIPVEIL_OK ? "covered" : err.text);
        if (code == SIPVEIL_OK) continue;
        assert_int_equal(code, SIPVEIL_UNTRUSTED_SIGNER);
        assert_string_equal(err.rule, "IDN-39");
        if (strstr(err.text, rows[i].said) == NULL) fail_msg("%s: %s", rows[i].name, err.text);
        if (strstr(rows[i].name, "code of 65") != NULL || strstr(rows[i].name, "code with") != NULL) assert_string_equal(asked, "");
    }
}

/* One entry of each kind after the other; whatever is cut off it, nothing is covered by what remains. */
static void cut_lists(void **state)
{
    static const uint8_t list[] = "\x30\x1C\xA2\x05\x16\x03" "999\xA1\x0A\x30\x08\x16\x03" "200\x02\x01\x04\xA2\x07\x16\x05" "12345";
    (void)state;
    for (size_t cut = 1; cut < sizeof list; cut++) {
        uint8_t *part = malloc(cut); /* so that one octet too many is seen */
        sipveil_error err;
        assert_non_null(part);
        memcpy(part, list, cut);
        bool covered = is_covered(sv_span(part, cut), "12345", &err) == SIPVEIL_OK;
        if (covered != (cut == sizeof list - 1)) fail_msg("%zu of %zu octets", cut, sizeof list - 1);
        free(part);
    }
}

#define INCLUDE "\xA0\x07\x30\x05\x16\x03" "dst"
#define PERMIT "\xA1\x0C\x30\x0A\x30\x08\x16\x01" "a\x30\x03\x0C\x01" "B"

static void claims(void **state)
{
    static const struct {
        const char *name;
        sipveil_span octets;
        const char *payload;
        const char *said;
    } rows[] = {
        {"none", OCTETS(""), "{}", NULL},
        {"nothing in it", OCTETS("\x30\x00"), "{}", NULL},
        {"must be there, and is", OCTETS("\x30\x09" INCLUDE), "{\"dst\":1}", NULL},
        {"must be there, and is not", OCTETS("\x30\x09" INCLUDE), "{\"a\":1}", "constrains dst"},
        {"the first of two that are not there", OCTETS("\x30\x0C\xA0\x0A\x30\x08\x16\x03" "dst\x16\x01" "x"), "{}", "constrains dst"},
        {"permitted", OCTETS("\x30\x0E" PERMIT), "{\"a\":\"B\"}", NULL},
        {"not permitted", OCTETS("\x30\x0E" PERMIT), "{\"a\":\"C\"}", "constrains a"},
        {"not there", OCTETS("\x30\x0E" PERMIT), "{}", NULL},
        {"a number is permitted as it is written", OCTETS("\x30\x0E\xA1\x0C\x30\x0A\x30\x08\x16\x01" "a\x30\x03\x0C\x01" "7"), "{\"a\":7}", NULL},
        {"true is no text", OCTETS("\x30\x11\xA1\x0F\x30\x0D\x30\x0B\x16\x01" "a\x30\x06\x0C\x04" "true"), "{\"a\":true}", "constrains a"},
        {"no value is permitted", OCTETS("\x30\x0B\xA1\x09\x30\x07\x30\x05\x16\x01" "a\x30\x00"), "{\"a\":\"B\"}", "constrains a"},
        {"both", OCTETS("\x30\x17" INCLUDE PERMIT), "{\"dst\":1,\"a\":\"B\"}", NULL},
        {"both, one broken", OCTETS("\x30\x17" INCLUDE PERMIT), "{\"dst\":1,\"a\":\"x\"}", "constrains a"},
        {"both, two broken", OCTETS("\x30\x17" INCLUDE PERMIT), "{\"a\":\"x\"}", "constrains dst"},
        {"in the wrong order", OCTETS("\x30\x17" PERMIT INCLUDE), "{\"dst\":1,\"a\":\"B\"}", "cannot be read"},
        {"something behind", OCTETS("\x30\x0B" INCLUDE "\x05\x00"), "{\"dst\":1}", "cannot be read"},
        {"no sequence", OCTETS("\x31\x00"), "{}", "cannot be read"},
        {"names that are none", OCTETS("\x30\x09\xA0\x07\x30\x05\x0C\x03" "dst"), "{\"dst\":1}", "cannot be read"},
        {"names in no sequence", OCTETS("\x30\x07\xA0\x05\x16\x03" "dst"), "{\"dst\":1}", "cannot be read"},
        {"names and something behind", OCTETS("\x30\x0B\xA0\x09\x30\x05\x16\x03" "dst\x05\x00"), "{\"dst\":1}", "cannot be read"},
        {"values in no sequence", OCTETS("\x30\x05\xA1\x03\x16\x01" "a"), "{}", "cannot be read"},
        {"a row that is none", OCTETS("\x30\x07\xA1\x05\x30\x03\x16\x01" "a"), "{}", "cannot be read"},
        {"a row without name", OCTETS("\x30\x0B\xA1\x09\x30\x07\x30\x05\x30\x03\x0C\x01" "B"), "{}", "cannot be read"},
        {"a row without values", OCTETS("\x30\x09\xA1\x07\x30\x05\x30\x03\x16\x01" "a"), "{}", "cannot be read"},
        {"a value that is no text", OCTETS("\x30\x0E\xA1\x0C\x30\x0A\x30\x08\x16\x01" "a\x30\x03\x16\x01" "B"), "{}", "cannot be read"},
        {"a row and something in it", OCTETS("\x30\x10\xA1\x0E\x30\x0C\x30\x0A\x16\x01" "a\x30\x03\x0C\x01" "B\x05\x00"), "{}", "cannot be read"},
        {"rows and something behind", OCTETS("\x30\x10\xA1\x0E\x30\x0A\x30\x08\x16\x01" "a\x30\x03\x0C\x01" "B\x05\x00"), "{}", "cannot be read"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const sv_number_authority authority = {.constraints = rows[i].octets};
        sv_arena *arena = sv_arena_new(1 << 12, 1 << 16);
        assert_non_null(arena);
        const sv_json *payload;
        sipveil_error err;
        assert_int_equal(sv_json_read(sv_span_str(rows[i].payload), arena, &payload, &err), SIPVEIL_OK);
        sipveil_code code = sv_claims_are_allowed(&authority, payload, &limits, &err);
        if ((code == SIPVEIL_OK) != (rows[i].said == NULL)) fail_msg("%s: %s", rows[i].name, code == SIPVEIL_OK ? "allowed" : err.text);
        if (code != SIPVEIL_OK) {
            assert_int_equal(code, SIPVEIL_UNTRUSTED_SIGNER);
            if (strstr(err.text, rows[i].said) == NULL) fail_msg("%s: %s", rows[i].name, err.text);
        }
        sv_arena_free(arena);
    }
}

static int get_limits(void **state)
{
    (void)state;
    sipveil_limits_default(&limits);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(cut_lists), cmocka_unit_test(claims)};
    return cmocka_run_group_tests_name("lists of numbers and claims as octets", tests, get_limits, NULL);
}
