/* SPDX-License-Identifier: BSD-2-Clause */
/* The BER gate, the take-calls behind it, the DER writer, object identifiers, ContentInfo. */
#include "cms/identities.h"

static sipveil_limits limits;

static int setup(void **state)
{
    sipveil_limits_default(&limits);
    return fixture_setup(state);
}

#define ROW(octets) octets, sizeof(octets) - 1

static const struct {
    const char *rule;
    const char *what;
    const char *octets;
    size_t len;
    bool ber_too; /* not only DER refuses it */
} refused[] = {
    {"ADV-050", "nothing", ROW(""), true},
    {"ADV-050", "an octet behind", ROW("\x05\x00\x00"), true},
    {"ADV-050", "a second value", ROW("\x30\x00\x30\x00"), true},
    {"ADV-051", "no end of contents", ROW("\x30\x80\x05\x00"), true},
    {"ADV-051", "half an end of contents", ROW("\x30\x80\x05\x00\x00"), true},
    {"ADV-051", "end of contents with a length", ROW("\x30\x80\x00\x01\x00\x00\x00"), true},
    {"ADV-051", "end of contents in a definite value", ROW("\x30\x02\x00\x00"), true},
    {"ADV-051", "end of contents alone", ROW("\x00\x00"), true},
    {"ADV-051", "another type in a constructed string", ROW("\x24\x80\x05\x00\x00\x00"), true},
    {"ADV-051", "indefinite and primitive", ROW("\x04\x80\x00\x00"), true},
    {"ADV-052", "2^31", ROW("\x30\x84\x80\x00\x00\x00\x05\x00"), true},
    {"ADV-052", "2^32", ROW("\x04\x85\x01\x00\x00\x00\x00\x00"), true},
    {"ADV-052", "2^63", ROW("\x04\x88\x80\x00\x00\x00\x00\x00\x00\x00\x00"), true},
    {"ADV-052", "2^64 - 1", ROW("\x04\x88\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00"), true},
    {"ADV-052", "nine octets of length", ROW("\x04\x89\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), true},
    {"ADV-052", "a reserved length", ROW("\x04\xFF\x00"), true},
    {"ADV-052", "not minimal, long form", ROW("\x04\x81\x01\x00"), true},
    {"ADV-052", "not minimal, a zero in front", ROW("\x04\x82\x00\x80\x00"), true},
    {"ADV-052", "past its parent", ROW("\x30\x03\x04\x02\x00\x00"), true},
    {"ADV-052", "past its parent, two up", ROW("\x30\x06\x30\x04\x04\x03\x00\x00\x00"), true},
    {"ADV-052", "cut in its length", ROW("\x30\x82\x01"), true},
    {"ADV-052", "cut before its length", ROW("\x30"), true},
    {"ADV-053", "a high tag number", ROW("\x1F\x01\x00"), true},
    {"ADV-053", "a high tag number, context", ROW("\xBF\x81\x01\x00"), true},
    {"ADV-053", "tag FF", ROW("\xFF\x01\x00"), true},
    {"ADV-053", "an arc of 2^64", ROW("\x06\x0B\x2A\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00"), true},
    {"ADV-053", "a padded arc", ROW("\x06\x03\x2A\x80\x01"), true},
    {"ADV-053", "a padded first arc", ROW("\x06\x02\x80\x2A"), true},
    {"ADV-053", "an arc cut short", ROW("\x06\x02\x2A\x86"), true},
    {"ADV-053", "no arc", ROW("\x06\x00"), true},
    {"ADV-053", "an empty INTEGER", ROW("\x02\x00"), true},
    {"ADV-053", "an INTEGER with a zero too many", ROW("\x02\x02\x00\x01"), true},
    {"ADV-053", "an INTEGER with an FF too many", ROW("\x02\x02\xFF\x80"), true},
    {"ADV-053", "a BOOLEAN of two octets", ROW("\x01\x02\x00\x00"), true},
    {"ADV-053", "a NULL that is not empty", ROW("\x05\x01\x00"), true},
    {"ADV-053", "a BIT STRING with 8 unused bits", ROW("\x03\x02\x08\x00"), true},
    {"ADV-053", "a BIT STRING without its first octet", ROW("\x03\x00"), true},
    {"ADV-053", "an empty BIT STRING with unused bits", ROW("\x03\x01\x03"), true},
    {"ADV-053", "a primitive SEQUENCE", ROW("\x10\x00"), true},
    {"ADV-053", "a primitive SET", ROW("\x11\x00"), true},
    {"ADV-053", "a constructed INTEGER", ROW("\x22\x03\x02\x01\x00"), true},
    {"ADV-053", "a constructed OID", ROW("\x26\x03\x06\x01\x2A"), true},
    {"ADV-053", "not DER: an indefinite length", ROW("\x30\x80\x00\x00"), false},
    {"ADV-053", "not DER: a constructed string", ROW("\x24\x04\x04\x02\x61\x62"), false},
    {"ADV-053", "not DER: a BOOLEAN of 01", ROW("\x01\x01\x01"), false},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        sipveil_error err;
        sipveil_span octets = sv_span(refused[i].octets, refused[i].len);
        sipveil_code ber = sv_der_scan(octets, &limits, false, &err);
        if ((ber == SIPVEIL_MALFORMED) != refused[i].ber_too) fail_msg("%s: %s", refused[i].what, err.text);
        assert_true(!refused[i].ber_too || strncmp(err.rule, "ADV-05", 6) == 0);
        if (sv_der_scan(octets, &limits, true, &err) != SIPVEIL_MALFORMED) fail_msg("%s", refused[i].what);
    }
}

/* ADV-051, ADV-053: depth, elements, segments, arcs; and the time for them is linear */
static void test_limits(void **state)
{
    fixture *f = *state;
    enum { MANY = 300000 };
    sv_arena_reset(f->arena);
    uint8_t *octets = sv_arena_alloc(f->arena, 4 * MANY);
    sipveil_error err;
    for (size_t depth = 1; depth <= 100000; depth = depth < 40 ? depth + 1 : depth * 10) {
        for (size_t i = 0; i < depth; i++) memcpy(octets + 2 * i, "\x24\x80", 2);
        memset(octets + 2 * depth, 0, 2 * depth);
        sipveil_code code = sv_der_scan(sv_span(octets, 4 * depth), &limits, false, &err);
        assert_int_equal(code, depth <= 32 ? SIPVEIL_OK : SIPVEIL_LIMIT);
    }
    /* elements */
    for (size_t count = 19998; count <= 20001; count++) {
        memcpy(octets, "\x30\x80", 2);
        for (size_t i = 0; i < count; i++) memcpy(octets + 2 + 2 * i, "\x05\x00", 2);
        memset(octets + 2 + 2 * count, 0, 2);
        sipveil_code code = sv_der_scan(sv_span(octets, 4 + 2 * count), &limits, false, &err);
        assert_int_equal(code, count + 1 <= 20000 ? SIPVEIL_OK : SIPVEIL_LIMIT);
    }
    /* segments, and 300,000 of them */
    for (size_t count = 1023; count <= MANY; count = count < 1026 ? count + 1 : MANY + (count == MANY)) {
        memcpy(octets, "\x24\x80", 2);
        for (size_t i = 0; i < count; i++) memcpy(octets + 2 + 3 * i, "\x04\x01x", 3);
        memset(octets + 2 + 3 * count, 0, 2);
        sipveil_code code = sv_der_scan(sv_span(octets, 4 + 3 * count), &limits, false, &err);
        assert_int_equal(code, count <= 1024 ? SIPVEIL_OK : SIPVEIL_LIMIT);
    }
    /* an OID of 10,000 arcs */
    memcpy(octets, "\x06\x82\x27\x10", 4);
    memset(octets + 4, 0x2A, 10000);
    assert_int_equal(sv_der_scan(sv_span(octets, 10004), &limits, false, &err), SIPVEIL_MALFORMED);
    /* a limit over what the gate holds is no way around it */
    sipveil_limits wide = limits;
    wide.asn1_depth = 1000000;
    for (size_t i = 0; i < 100; i++) memcpy(octets + 2 * i, "\x30\x80", 2);
    memset(octets + 200, 0, 200);
    assert_int_equal(sv_der_scan(sv_span(octets, 400), &wide, false, &err), SIPVEIL_LIMIT);
}

/* Whatever is cut off somewhere is refused, by the gate and by the take-call. */
static void test_cut_short(void **state)
{
    (void)state;
    static const char whole[] = "\x30\x80\x02\x01\x05\x24\x80\x04\x01\x61\x24\x03\x04\x01\x62\x00\x00\x06\x02\x2A\x03\x00\x00";
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        sipveil_error err;
        sv_cursor c = sv_cursor_over(sv_span(whole, n), "cut");
        sv_der value;
        assert_int_equal(sv_der_scan(sv_span(whole, n), &limits, false, &err), SIPVEIL_MALFORMED);
        assert_int_equal(sv_der_take(&c, &value, &err), SIPVEIL_MALFORMED);
        assert_null(value.whole.data);
        assert_ptr_equal(c.at, whole);
    }
    sipveil_error err;
    assert_int_equal(sv_der_scan(sv_span(whole, sizeof whole - 1), &limits, false, &err), SIPVEIL_OK);
}

static void test_take(void **state)
{
    fixture *f = *state;
    sipveil_error err;
    sv_der value;
    sv_cursor inside;
    uint64_t number;
    sipveil_span span;
    bool present;
    static const char octets[] = "\x30\x80\x02\x01\x7F\x24\x80\x04\x01\x61\x24\x06\x04\x01\x62\x04\x01\x63\x00\x00\x06\x02\x2A\x03\x05\x00\x00\x00";
    sv_cursor c = sv_cursor_over(sv_span(octets, sizeof octets - 1), "test");
    assert_int_equal(sv_der_enter(&c, SV_DER_SET, "a set", &inside, &err), SIPVEIL_MALFORMED);
    assert_string_equal(err.text, "test: a set has tag 30, not 31");
    assert_int_equal(sv_der_enter(&c, SV_DER_SEQUENCE, "a sequence", &inside, &err), SIPVEIL_OK);
    assert_int_equal(sv_der_end(&c, &err), SIPVEIL_OK);
    assert_int_equal(sv_der_end(&inside, &err), SIPVEIL_MALFORMED);
    assert_int_equal(sv_der_take_optional(&inside, SV_DER_NULL, &present, &value, &err), SIPVEIL_OK);
    assert_false(present);
    assert_int_equal(sv_der_take_number(&inside, "a number", &number, &err), SIPVEIL_OK);
    assert_int_equal(number, 127);
    assert_int_equal(sv_der_take_octets(&inside, SV_DER_OCTET_STRING, "octets", &limits, f->arena, &span, &err),
                     SIPVEIL_OK);
    assert_true(sv_equal_str(span, "abc"));
    assert_int_equal(sv_der_take_oid(&inside, "an oid", &span, &err), SIPVEIL_OK);
    assert_string_equal(SV_OID_NAME(span), "1.2.3");
    assert_int_equal(sv_der_take_optional(&inside, SV_DER_NULL, &present, &value, &err), SIPVEIL_OK);
    assert_true(present);
    assert_int_equal(value.whole.len, 2);
    assert_int_equal(sv_der_take_tag(&inside, SV_DER_NULL, "a null", &value, &err), SIPVEIL_MALFORMED);
    assert_string_equal(err.text, "a sequence: a null is missing");
}

/* The take-calls check again what the gate checked: they may be given octets that came another way. */
static void test_take_without_gate(void **state)
{
    fixture *f = *state;
    static const char joined[] = "\xA0\x80\x05\x00\x00\x00", deep[] = "\xA0\x80\x04\x01\x61\x00\x00";
    sipveil_limits tight = limits;
    sipveil_error err;
    sipveil_span span;
    uint64_t number;
    sv_cursor c = sv_cursor_over(sv_span(joined, sizeof joined - 1), "test");
    assert_int_equal(sv_der_take_octets(&c, SV_DER_CONTEXT, "octets", &limits, f->arena, &span, &err), SIPVEIL_MALFORMED);
    c = sv_cursor_over(sv_span(deep, sizeof deep - 1), "test");
    tight.asn1_segments = 0;
    assert_int_equal(sv_der_take_octets(&c, SV_DER_CONTEXT, "octets", &tight, f->arena, &span, &err), SIPVEIL_LIMIT);
    c = sv_cursor_over(sv_span("\x02\x01\xFF", 3), "test");
    assert_int_equal(sv_der_take_number(&c, "n", &number, &err), SIPVEIL_MALFORMED); /* ADV-053: negative */
    c = sv_cursor_over(sv_span("\x02\x09\x01\0\0\0\0\0\0\0\0", 11), "test");
    assert_int_equal(sv_der_take_number(&c, "n", &number, &err), SIPVEIL_MALFORMED);
    c = sv_cursor_over(sv_span("\x02\x09\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 11), "test");
    assert_int_equal(sv_der_take_number(&c, "n", &number, &err), SIPVEIL_OK);
    assert_true(number == UINT64_MAX);
    c = sv_cursor_over(sv_span("\x02\x00", 2), "test");
    assert_int_equal(sv_der_take_integer(&c, "n", &span, &err), SIPVEIL_MALFORMED);
    c = sv_cursor_over(sv_span("\x06\x00", 2), "test");
    assert_int_equal(sv_der_take_oid(&c, "oid", &span, &err), SIPVEIL_MALFORMED);
}

static void test_algorithm(void **state)
{
    (void)state;
    sv_der_algorithm a;
    sipveil_error err;
    static const char with[] = "\x30\x06\x06\x02\x2A\x03\x05\x00", without[] = "\x30\x04\x06\x02\x2A\x03",
                      more[] = "\x30\x08\x06\x02\x2A\x03\x05\x00\x05\x00", none[] = "\x30\x02\x05\x00";
    sv_cursor c = sv_cursor_over(sv_span(with, sizeof with - 1), "test");
    assert_int_equal(sv_der_take_algorithm(&c, "a", &a, &err), SIPVEIL_OK);
    assert_true(a.whole.len == 8 && a.oid.len == 2 && a.parameters.len == 2);
    c = sv_cursor_over(sv_span(without, sizeof without - 1), "test");
    assert_int_equal(sv_der_take_algorithm(&c, "a", &a, &err), SIPVEIL_OK);
    assert_true(a.parameters.len == 0);
    c = sv_cursor_over(sv_span(more, sizeof more - 1), "test");
    assert_int_equal(sv_der_take_algorithm(&c, "a", &a, &err), SIPVEIL_MALFORMED);
    assert_true(a.oid.len == 0);
    c = sv_cursor_over(sv_span(none, sizeof none - 1), "test");
    assert_int_equal(sv_der_take_algorithm(&c, "a", &a, &err), SIPVEIL_MALFORMED);
}

/* TUN-58 */
static const struct {
    uint8_t tag;
    const char *text;
    int64_t seconds; /* -1: refused */
} times[] = {
    {SV_DER_UTC_TIME, "700101000000Z", 0},
    {SV_DER_UTC_TIME, "260228235959Z", 1772323199},
    {SV_DER_UTC_TIME, "240229120000Z", 1709208000},
    {SV_DER_UTC_TIME, "491231235959Z", 2524607999},
    {SV_DER_GENERALIZED_TIME, "20500101000000Z", 2524608000},
    {SV_DER_GENERALIZED_TIME, "20000301000000Z", 951868800},
    {SV_DER_UTC_TIME, "250229120000Z", -1},
    {SV_DER_UTC_TIME, "261301000000Z", -1},
    {SV_DER_UTC_TIME, "260100000000Z", -1},
    {SV_DER_UTC_TIME, "260101240000Z", -1},
    {SV_DER_UTC_TIME, "260101006000Z", -1},
    {SV_DER_UTC_TIME, "260101000060Z", -1},
    {SV_DER_UTC_TIME, "2601010000Z", -1},
    {SV_DER_UTC_TIME, "260101000000+0000", -1},
    {SV_DER_UTC_TIME, "260101000000", -1},
    {SV_DER_UTC_TIME, "2601010000 0Z", -1},
    {SV_DER_UTC_TIME, "", -1},
    {SV_DER_GENERALIZED_TIME, "260101000000Z", -1},
    {SV_DER_GENERALIZED_TIME, "20260101000000.5Z", -1},
    {SV_DER_GENERALIZED_TIME, "00000101000000Z", -1},
    {SV_DER_OCTET_STRING, "260101000000Z", -1},
};

static void test_times(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        sv_der value = {.tag = times[i].tag, .content = sv_span_str(times[i].text)};
        int64_t seconds;
        sipveil_error err;
        sipveil_code code = sv_der_read_time(&value, &seconds, &err);
        assert_int_equal(code, times[i].seconds < 0 ? SIPVEIL_MALFORMED : SIPVEIL_OK);
        if (code != SIPVEIL_OK) continue;
        assert_int_equal(seconds, times[i].seconds);
        sv_der_writer w;
        assert_true(sv_der_writer_init(&w, f->arena, 32));
        sv_der_put_time(&w, seconds);
        sv_cursor c = sv_cursor_over(sv_der_written(&w), "time");
        assert_int_equal(sv_der_take(&c, &value, &err), SIPVEIL_OK);
        assert_int_equal(sv_der_read_time(&value, &seconds, &err), SIPVEIL_OK);
        assert_int_equal(seconds, times[i].seconds);
        assert_int_equal(value.tag, seconds >= 2524608000 ? SV_DER_GENERALIZED_TIME : SV_DER_UTC_TIME);
    }
}

static void test_writer(void **state)
{
    fixture *f = *state;
    static const uint64_t numbers[] = {0, 1, 127, 128, 255, 256, 65535, 600000, INT64_MAX, UINT64_MAX};
    static const size_t lengths[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 100000};
    sv_arena_reset(f->arena);
    const uint8_t *content = sv_arena_alloc(f->arena, 100000);
    sv_der_writer w;
    sipveil_error err;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uint64_t back;
        assert_true(sv_der_writer_init(&w, f->arena, 16));
        sv_der_put_number(&w, numbers[i]);
        assert_int_equal(sv_der_scan(sv_der_written(&w), &limits, true, &err), SIPVEIL_OK);
        sv_cursor c = sv_cursor_over(sv_der_written(&w), "number");
        assert_int_equal(sv_der_take_number(&c, "number", &back, &err), SIPVEIL_OK);
        assert_true(back == numbers[i]);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_true(sv_der_writer_init(&w, f->arena, lengths[i] + 16));
        sv_der_mark mark = sv_der_mark_here(&w);
        sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span(content, lengths[i]));
        sv_der_put_null(&w);
        sv_der_wrap(&w, SV_DER_SEQUENCE, mark);
        assert_int_equal(sv_der_writer_check(&w, &err), SIPVEIL_OK);
        assert_int_equal(sv_der_scan(sv_der_written(&w), &limits, true, &err), SIPVEIL_OK);
    }
    /* no room: failed once, failed for good */
    assert_true(sv_der_writer_init(&w, f->arena, 4));
    sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span("abc", 3));
    assert_null(sv_der_put_room(&w, 0));
    sv_der_put_null(&w);
    assert_int_equal(sv_der_written(&w).len, 0);
    assert_int_equal(sv_der_writer_check(&w, &err), SIPVEIL_INTERNAL);
}

/* X.690 11.6 */
static void test_sorted_set(void **state)
{
    fixture *f = *state;
    sv_der_writer w;
    assert_true(sv_der_writer_init(&w, f->arena, 64));
    sv_der_put(&w, sv_span("tail", 4));
    sv_der_mark mark = sv_der_mark_here(&w);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span("b", 1));
    sv_der_put_null(&w);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span("ab", 2));
    sv_der_put_number(&w, 7);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span("aa", 2));
    sv_der_sort_set(&w, mark, f->arena);
    static const char expected[] = "\x02\x01\x07\x04\x01" "b\x04\x02" "aa\x04\x02" "ab\x05\x00tail";
    assert_true(sv_equal(sv_der_written(&w), sv_span(expected, sizeof expected - 1)));
}

static void test_oids(void **state)
{
    (void)state;
    uint8_t octets[SV_OID_MOST];
    size_t len;
    static const char *const bad[] = {"", "1", "1.", ".1", "3.1", "1.40", "1..2", "1.2.x", "1.2.99999999999999999999", "1.2 "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(sv_oid_from_dotted(bad[i], octets, &len));
    static const char *const good[] = {"0.0", "2.999.3", "1.2.840.113549.9.99", "2.16.840.1.101.3.4.1.47"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(sv_oid_from_dotted(good[i], octets, &len));
        assert_string_equal(SV_OID_NAME(sv_span(octets, len)), good[i]);
    }
    for (sv_oid oid = SV_OID_UNKNOWN + 1; oid < SV_OID_COUNT; oid++) {
        assert_int_equal(sv_oid_find(sv_oid_content(oid)), oid);
        assert_true(sv_oid_is(sv_oid_content(oid), oid));
    }
    assert_true(sv_oid_from_dotted("1.2.840.113549.1.9.16.1.23", octets, &len));
    assert_int_equal(sv_oid_cms_type(sv_span(octets, len)), SV_CMS_AUTH_ENVELOPED);
    assert_string_equal(SV_OID_NAME(sv_span(octets, len)), "auth-enveloped-data");
    assert_string_equal(SV_OID_NAME(sv_span("\xFF", 1)), "\\xff");
}

static const struct {
    const char *rule, *octets;
    size_t len;
    sipveil_code code;
    sv_cms_type type;
} infos[] = {
    {"ADV-054", ROW("\x30\x0F\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01\xA0\x02\x04\x00"), SIPVEIL_OK, SV_CMS_DATA},
    {"ADV-054", ROW("\x30\x0F\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x05\xA0\x02\x30\x00"), SIPVEIL_OK, SV_CMS_DIGESTED},
    {"ADV-054", ROW("\x30\x0F\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x06\xA0\x02\x30\x00"), SIPVEIL_OK, SV_CMS_ENCRYPTED},
    {"ADV-054", ROW("\x30\x08\x06\x02\x2A\x03\xA0\x02\x30\x00"), SIPVEIL_OK, SV_CMS_UNKNOWN},
    {"ADV-050", ROW("\x30\x08\x06\x02\x2A\x03\xA0\x02\x30\x00\x0A"), SIPVEIL_MALFORMED, 0},
    {"ADV-050", ROW("\x30\x08\x06\x02\x2A\x03\xA0\x02\x30\x00\x30\x08\x06\x02\x2A\x03\xA0\x02\x30\x00"), SIPVEIL_MALFORMED, 0},
    {"", ROW("\x30\x04\x06\x02\x2A\x03"), SIPVEIL_MALFORMED, 0},
    {"", ROW("\x30\x06\x06\x02\x2A\x03\xA0\x00"), SIPVEIL_MALFORMED, 0},
    {"", ROW("\x30\x0A\x06\x02\x2A\x03\xA0\x04\x30\x00\x30\x00"), SIPVEIL_MALFORMED, 0},
    {"", ROW("\x30\x0A\x06\x02\x2A\x03\xA0\x02\x30\x00\x30\x00"), SIPVEIL_MALFORMED, 0},
    {"ADV-057", ROW("-----BEGIN CMS-----\n"), SIPVEIL_MALFORMED, 0},
    {"ADV-057", ROW("MIIB8AYJKoZIhvcNAQcDoIIB4TCCAd0CAQAx"), SIPVEIL_MALFORMED, 0},
    {"ADV-057", ROW("<html>"), SIPVEIL_MALFORMED, 0},
    {"ADV-057", ROW("\x30\x06\x02\x01\x03\x30\x01\x00"), SIPVEIL_MALFORMED, 0}, /* starts like PKCS #12 */
    {"ADV-057", ROW(""), SIPVEIL_MALFORMED, 0},
};

static void test_content_info(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
        sipveil_error err;
        sipveil_span content;
        sv_cms_type type;
        sipveil_code code = sv_cms_read_content_info(sv_span(infos[i].octets, infos[i].len), &limits, &type, &content, &err);
        assert_int_equal(code, infos[i].code);
        if (code == SIPVEIL_OK) assert_int_equal(type, infos[i].type);
        else assert_true(content.len == 0 && type == SV_CMS_UNKNOWN && err.sip_status == 400);
        if (code != SIPVEIL_OK && infos[i].rule[0] != '\0') assert_true(strncmp(err.rule, "ADV-05", 6) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_cut_short), cmocka_unit_test(test_take),
        cmocka_unit_test(test_take_without_gate), cmocka_unit_test(test_algorithm),
        cmocka_unit_test(test_times),     cmocka_unit_test(test_writer),
        cmocka_unit_test(test_sorted_set), cmocka_unit_test(test_oids),
        cmocka_unit_test(test_content_info),
    };
    return cmocka_run_group_tests_name("reading and writing DER", tests, setup, fixture_teardown);
}
