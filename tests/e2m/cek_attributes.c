/* SPDX-License-Identifier: BSD-2-Clause */
/* The attributes of RFC 3185: how they are read, where they count, and what is written. */
#include "e2m/cek.h"

#include "world.h"

static sv_cek_attributes read_set(world *w, const char *text)
{
    sv_cek_attributes out;
    sv_cek_read_attributes(hex(w, text), sipveil_context_limits(w->context), w->arena, &out);
    return out;
}

#define OID_REFERENCE "060b2a864886f70d010910021e"
#define OID_USES "060b2a864886f70d010910021f"
#define OID_DERIVATION "060b2a864886f70d0109100220"
#define REFERENCE "3013" OID_REFERENCE "3104" "04024142"
#define WRAP_256 "300b060960864801650304012d"
#define GOOD_DERIVATION "3030" OID_DERIVATION "3121" "301f" WRAP_256 "3010" "0408" "1234567878563412" "020105" "020120"
#define SALT_64 "00010203040506070809101112131415000102030405060708091011121314150001020304050607080910111213141500010203040506070809101112131415"
#define SALT_65 SALT_64 "00"

/* CEK-01, CEK-04, CEK-08, ADV-172. */
static void attributes(void **state)
{
    static const struct {
        const char *uses;
        uint32_t count;
    } counts[] = {
        {"3012" OID_USES "3103" "020100", 1}, {"3012" OID_USES "3103" "020103", 3}, {"3012" OID_USES "3103" "0201ff", 1},
        {"3016" OID_USES "3107" "02050080000000", 1U << 31}, {"3016" OID_USES "3107" "02050080000001", 1},
        {"3015" OID_USES "3106" "020103020104", 1}, {"300f" OID_USES "3100", 1}, {"3012" OID_USES "3103" "040103", 1}, {"", 1},
        {"3012" OID_USES "3103" "020103" "3012" OID_USES "3103" "020104", 1},
    };
    world *w = begin(state);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char text[512];
        snprintf(text, sizeof text, REFERENCE "%s", counts[i].uses);
        sv_cek_attributes a = read_set(w, text);
        assert_true(a.present && sv_equal_str(a.reference, "AB"));
        if (a.uses != counts[i].count) fail_msg("case %zu: %u", i, (unsigned)a.uses);
    }
    /* No valid reference: the others are nothing. */
    static const char *const none[] = {
        "", "3012" OID_USES "3103" "020103", "3017" OID_REFERENCE "3108" "0402414204024344", "300f" OID_REFERENCE "3100",
        "3011" OID_REFERENCE "3102" "0400", (REFERENCE REFERENCE), "3013" OID_REFERENCE "3104" "0c024142", "3003020101", "3013" OID_REFERENCE,
        "3015" OID_REFERENCE "3104" "04024142" "0500", "3052" OID_REFERENCE "3143" "0441" SALT_65,
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        sv_cek_attributes a = read_set(w, none[i]);
        if (a.present || a.reference.len > 0 || a.uses != 1) fail_msg("case %zu was taken", i);
        assert_int_equal(a.why_not != NULL, i > 0);
    }
    /* CEK-03: prf, otherSource, no keyLength. */
    static const struct {
        const char *text;
        bool unusable;
    } derivations[] = {
        {"3030" OID_DERIVATION "3121" "301f" WRAP_256 "3010" "0408" "1234567878563412" "020105" "020120", false},
        {"302d" OID_DERIVATION "311e" "301c" WRAP_256 "300d" "0408" "1234567878563412" "020105", true},
        {"3032" OID_DERIVATION "3123" "3021" WRAP_256 "3012" "0408" "1234567878563412" "020105" "020120" "3000", true},
        {"3030" OID_DERIVATION "3121" "301f" WRAP_256 "3010" "3008" "1234567878563412" "020105" "020120", true},
        {"3030" OID_DERIVATION "3121" "301f" WRAP_256 "3010" "0408" "1234567878563412" "020105" "020110", true},
        {"3030" OID_DERIVATION "3121" "301f" WRAP_256 "3010" "0408" "1234567878563412" "020100" "020120", true},
        {"3012" OID_DERIVATION "3103" "020100", true},
        {"3030" OID_DERIVATION "3121" "301f" "300b0609608648016503040102" "3010" "0408" "1234567878563412" "020105" "020120", true}, /* no wrap */
        {"3032" OID_DERIVATION "3123" "3021" WRAP_256 "3010" "0408" "1234567878563412" "020105" "020120" "0500", true},
        {"302f" OID_DERIVATION "3120" "301e" WRAP_256 "300f" "0407" "12345678785634" "020105" "020120", true}, /* salts of 7 and of 65 octets */
        {"3069" OID_DERIVATION "315a" "3058" WRAP_256 "3049" "0441" SALT_65 "020105" "020120", true},
        {GOOD_DERIVATION, false},
        {GOOD_DERIVATION GOOD_DERIVATION, true},
        {"300f" OID_DERIVATION "3100", true},
        {"3012" "060b2a864886f70d0109100263" "3103" "020103" GOOD_DERIVATION, false}, /* an attribute that nobody knows */
    };
    for (size_t i = 0; i < sizeof derivations / sizeof *derivations; i++) {
        char text[512];
        snprintf(text, sizeof text, REFERENCE "%s", derivations[i].text);
        sv_cek_attributes a = read_set(w, text);
        assert_true(a.present && a.derivation.present);
        if (a.derivation.unusable != derivations[i].unusable) fail_msg("derivation %zu", i);
    }
}

static void what_is_written_is_read(void **state)
{
    world *w = begin(state);
    sv_cek_attributes a = {.present = true, .reference = SV_SPAN("0123456789abcdef"), .uses = 3,
                           .derivation = {.present = true, .wrap = SV_WRAP_AES_256, .salt = SV_SPAN("saltsalt"), .iterations = 1000,
                                          .key_length = 32}}, b;
    sipveil_span set;
    assert_code(sv_cek_put_attributes(w->arena, &a, &set, &w->err), SIPVEIL_OK);
    sv_cek_read_attributes(set, sipveil_context_limits(w->context), w->arena, &b);
    assert_true(b.present && b.uses == 3 && !b.derivation.unusable && b.derivation.iterations == 1000);
    assert_same(b.reference, a.reference);
    assert_same(b.derivation.salt, a.derivation.salt);
}

/* CEK-10, ADV-170: where a reference may stand. */
static void where_attributes_count(void **state)
{
    world *w = begin(state);
    const sipveil_limits *limits = sipveil_context_limits(w->context);
    sipveil_span inside = hex(w, "3115" REFERENCE), outside = hex(w, REFERENCE), other = hex(w, "3013" OID_REFERENCE "3104" "04025859");
    sv_enveloped gcm = {.authenticated = true, .auth_attributes = inside}, cbc = {.unprotected_attributes = outside};
    sv_cek_attributes a;
    sv_cek_attributes_of(&gcm, false, limits, w->arena, &a);
    assert_true(a.present);
    gcm.unprotected_attributes = outside;
    sv_cek_attributes_of(&gcm, true, limits, w->arena, &a);
    assert_true(a.present);
    gcm.unprotected_attributes = other;
    sv_cek_attributes_of(&gcm, true, limits, w->arena, &a);
    assert_true(!a.present && a.why_not != NULL);
    static const char *const more[] = {"3012" OID_USES "3103" "020103", GOOD_DERIVATION}; /* the same, and says more */
    for (size_t i = 0; i < 2; i++) {
        char text[256];
        snprintf(text, sizeof text, REFERENCE "%s", more[i]);
        gcm.unprotected_attributes = hex(w, text);
        sv_cek_attributes_of(&gcm, true, limits, w->arena, &a);
        assert_true(!a.present && a.why_not != NULL);
    }
    gcm.unprotected_attributes = other;
    gcm.auth_attributes = sv_span(NULL, 0);
    sv_cek_attributes_of(&gcm, true, limits, w->arena, &a);
    assert_true(!a.present && a.why_not != NULL); /* unauthenticated attributes never */
    sv_cek_attributes_of(&cbc, false, limits, w->arena, &a);
    assert_true(!a.present && a.why_not != NULL);
    sv_cek_attributes_of(&cbc, true, limits, w->arena, &a);
    assert_true(a.present);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(attributes), cmocka_unit_test(what_is_written_is_read), cmocka_unit_test(where_attributes_count)};
    return cmocka_run_group_tests_name("the attributes of RFC 3185", tests, world_setup, world_teardown);
}
