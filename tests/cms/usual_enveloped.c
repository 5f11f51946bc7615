/* SPDX-License-Identifier: BSD-2-Clause */
/* An AuthEnvelopedData in its usual form is recognised whole. What is recognised must be what the long way lets
 * through, with the same outcome; nothing here may be said of what is not. */
#include "cms/envelopes.h"
#include "cms/usual_enveloped.h"

enum { MANY = 16 };

static sipveil_span sealed_for(fixture *f, size_t count, sipveil_cipher cipher, sipveil_span content)
{
    sv_cms_key keys[MANY];
    char names[MANY][16];
    for (size_t i = 0; i < count; i++) {
        keys[i] = test_key(f, i % 2 == 0 ? "kek256" : "kek128");
        (void)snprintf(names[i], 16, "key-%02zu", i);
        keys[i].kek_id = sv_span_str(names[i]);
    }
    return copy_of(f, seal(f, keys, count, cipher, content));
}

static bool same_place(sipveil_span a, sipveil_span b)
{
    return a.len == b.len && (a.len == 0 || a.data == b.data);
}

static bool same_recipient(const sv_recipient *a, const sv_recipient *b)
{
    return a->kind == b->kind && same_place(a->issuer, b->issuer) && same_place(a->serial, b->serial) &&
           same_place(a->ski, b->ski) && same_place(a->key_id, b->key_id) && a->key_date == b->key_date &&
           same_place(a->encrypted_key, b->encrypted_key) && same_place(a->algorithm_parameters, b->algorithm_parameters) &&
           same_place(a->algorithm_oid, b->algorithm_oid) && a->derivation == NULL && b->derivation == NULL &&
           a->group == b->group;
}

static bool same_outcome(const sv_enveloped *a, const sv_enveloped *b)
{
    bool same = a->authenticated == b->authenticated && a->version == b->version && a->version_odd == b->version_odd &&
                a->recipient_count == b->recipient_count && same_place(a->content_type, b->content_type) &&
                a->content_kind == b->content_kind && a->cipher == b->cipher && a->cek_hkdf == b->cek_hkdf &&
                same_place(a->cipher_algorithm, b->cipher_algorithm) && same_place(a->iv, b->iv) &&
                a->tag_length == b->tag_length && a->has_ciphertext == b->has_ciphertext &&
                same_place(a->ciphertext, b->ciphertext) && same_place(a->tag, b->tag) &&
                same_place(a->auth_attributes, b->auth_attributes) &&
                same_place(a->unprotected_attributes, b->unprotected_attributes);
    for (size_t i = 0; same && i < a->recipient_count; i++) {
        sv_recipient room;
        same = same_recipient(sv_cms_recipient(a, i, &room), &b->recipients[i]);
    }
    return same;
}

/* The AuthEnvelopedData, value by value. */
static sipveil_code enter_slowly(sipveil_span octets, const sipveil_limits *limits, sipveil_span *content)
{
    sv_cursor c = sv_cursor_over(octets, ""), info, choice;
    sipveil_span oid;
    sv_der value;
    SV_TRY(sv_der_scan(octets, limits, false, NULL));
    SV_TRY(sv_der_enter(&c, SV_DER_SEQUENCE, "", &info, NULL));
    SV_TRY(sv_der_take_oid(&info, "", &oid, NULL));
    SV_TRY(sv_der_enter(&info, 0xA0, "", &choice, NULL));
    SV_TRY(sv_der_take(&choice, &value, NULL));
    SV_TRY(sv_der_end(&choice, NULL));
    SV_TRY(sv_der_end(&info, NULL));
    *content = value.whole;
    return oid.len == 11 && oid.data[10] == 0x17 ? SIPVEIL_OK : SIPVEIL_UNSUPPORTED;
}

/* Whether the gate recognises the octets. The reader is asked with and without the gate. */
static bool compare(fixture *f, sipveil_span octets, size_t frame, const sipveil_limits *limits)
{
    sv_enveloped quick = {0}, slow = {0};
    sipveil_span content = {0}, same = {0}, inner = sv_span_from(octets, frame);
    sv_arena_reset(f->arena);
    if (sv_usual_enveloped_read(inner, limits, f->arena, &quick)) {
        assert_int_equal(sv_cms_read_any_enveloped(inner, true, limits, &strict, f->arena, &slow, NULL), SIPVEIL_OK);
        assert_true(same_outcome(&quick, &slow));
    }
    if (!sv_usual_content_info(octets, limits, &content)) return false;
    assert_int_equal(enter_slowly(octets, limits, &same), SIPVEIL_OK);
    assert_true(same_place(content, same));
    return true;
}

static size_t frame_of(sipveil_span sealed)
{
    sv_cms_type type;
    sipveil_span content;
    sipveil_limits limits;
    sipveil_limits_default(&limits);
    assert_int_equal(sv_cms_read_content_info(sealed, &limits, &type, &content, NULL), SIPVEIL_OK);
    assert_int_equal(type, SV_CMS_AUTH_ENVELOPED);
    return (size_t)(content.data - sealed.data);
}

/* The same of octets that the gate may refuse: where the body would begin, were the two headers in front as they are. */
static size_t frame_of_levels(sipveil_span octets)
{
    sv_cursor c = sv_cursor_over(octets, "levels");
    sipveil_span skipped;
    size_t header = octets.data[1] < 0x80 ? 2 : 2 + (octets.data[1] & 0x7Fu), at = header + 13;
    assert_true(sv_take(&c, at + 2, &skipped));
    return at + (octets.data[at + 1] < 0x80 ? 2 : 2 + (octets.data[at + 1] & 0x7Fu));
}

/* Octets of its own, so that a sanitizer sees a look beyond them. */
static uint8_t *own_copy(sipveil_span octets)
{
    uint8_t *copy = malloc(octets.len + 1);
    assert_non_null(copy);
    memcpy(copy, octets.data, octets.len);
    return copy;
}

static const struct form {
    size_t recipients, content;
    sipveil_cipher cipher;
} forms[] = {
    {1, 5, SIPVEIL_CIPHER_AES_256_GCM}, /* lengths in one and in two octets */
    {1, 0, SIPVEIL_CIPHER_AES_128_GCM},
    {2, 130, SIPVEIL_CIPHER_AES_192_GCM},
    {4, 300, SIPVEIL_CIPHER_AES_128_GCM},
    {MANY, 70000, SIPVEIL_CIPHER_AES_256_GCM}, /* a length in three octets: for the long way */
};

static sipveil_span form_sealed(fixture *f, const struct form *form)
{
    static const uint8_t zeros[70000];
    return sealed_for(f, form->recipients, form->cipher, sv_span(zeros, form->content));
}

/* What we write is recognised, but for what is large, and opens. */
static void test_what_we_write(void **state)
{
    fixture *f = *state;
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        sipveil_span sealed = form_sealed(f, &forms[i]), content;
        sv_enveloped e;
        sv_opening opening;
        sipveil_error err;
        sv_cms_key key = test_key(f, "kek256");
        key.kek_id = SV_SPAN("key-00");
        assert_int_equal(sv_usual_content_info(sealed, limits, &content), forms[i].content < 65536);
        assert_int_equal(read_sealed(f, sealed, &strict, &e, &err), SIPVEIL_OK);
        assert_int_equal(e.recipient_count, forms[i].recipients);
        assert_int_equal(open_read(f, &e, &key, 1, &strict, &opening, &err), SIPVEIL_OK);
        assert_int_equal(opening.plaintext.len, forms[i].content);
    }
}

/* ADV-052, ADV-053: every octet set to every value, every length cut off, and octets beyond. */
static void test_nothing_else_passes(void **state)
{
    fixture *f = *state;
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    for (size_t i = 0; i < 3; i++) {
        sipveil_span sealed = form_sealed(f, &forms[i]);
        size_t frame = frame_of(sealed), recognised = 0, len = sealed.len;
        uint8_t *octets = own_copy(sealed);
        for (size_t at = 0; at < len; at++) {
            uint8_t before = octets[at];
            for (unsigned value = 0; value < 256; value++) {
                octets[at] = (uint8_t)value;
                if (compare(f, sv_span(octets, len), frame, limits)) recognised++;
            }
            octets[at] = before;
        }
        /* Nonce, tag, content, identifiers and wrapped keys may be any, and little else. */
        size_t any = 12 + 16 + forms[i].content + forms[i].recipients * (6 + 24);
        assert_true(recognised >= 256 * any && recognised < 256 * (any + forms[i].recipients * 16 + 8) + 3 * len);
        octets[len] = 0;
        assert_false(compare(f, sv_span(octets, len + 1), frame, limits));
        for (size_t cut = frame; cut < len; cut++) {
            uint8_t *shorter = own_copy(sv_span(octets, cut));
            assert_false(compare(f, sv_span(shorter, cut), frame, limits));
            free(shorter);
        }
        free(octets);
    }
}

/* A value whose length takes that many octets, needed or not; 0: as DER has it. */
static sipveil_span in_form(uint8_t tag, unsigned octets, sipveil_span content)
{
    uint8_t header[6] = {tag, (uint8_t)(0x80 | octets)};
    if (octets == 0) return TLV(tag, content);
    for (unsigned i = 0; i < octets; i++) header[2 + i] = (uint8_t)(content.len >> (8 * (octets - 1 - i)));
    return JOIN(sv_span(header, 2 + octets), content);
}

enum { INFO, CHOICE, BODY, SET, CONTENT, CIPHERTEXT, LEVELS };

/* The parts again, one level of them in another form or with something after its last value. */
static sipveil_span written_with(const parts *p, const unsigned octets[LEVELS], const sipveil_span after[LEVELS])
{
    sipveil_span ciphertext = in_form(0x80, octets[CIPHERTEXT], JOIN(content_of(p->content), after[CIPHERTEXT]));
    sipveil_span set = in_form(0x31, octets[SET], JOIN(p->recipients, after[SET]));
    sipveil_span content = in_form(0x30, octets[CONTENT], JOIN(p->type, p->algorithm, ciphertext, after[CONTENT]));
    sipveil_span body = in_form(0x30, octets[BODY], JOIN(p->version, set, content, p->tag, after[BODY]));
    sipveil_span choice = in_form(0xA0, octets[CHOICE], JOIN(body, after[CHOICE]));
    return in_form(0x30, octets[INFO], JOIN(der_oid("1.2.840.113549.1.9.16.1.23"), choice, after[INFO]));
}

/* ADV-050, ADV-052: on each level, lengths longer than they need to be, and values or octets that do not belong there. */
static void test_each_level(void **state)
{
    fixture *f = *state;
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    const sipveil_span additions[] = {SV_SPAN("\0"), DER_NULL, SV_SPAN("\xA1\x02\x30\x00"), SV_SPAN("\xA2\x02\x30\x00"),
                                      SV_SPAN("\x04\x10" "0123456789abcdef")};
    enum { ADDITIONS = sizeof additions / sizeof *additions };
    size_t recognised = 0;
    for (size_t i = 0; i < 4; i++) {
        for (size_t level = 0; level < LEVELS; level++) {
            for (size_t change = 0; change < 4 + ADDITIONS; change++) {
                unsigned octets[LEVELS] = {0};
                sipveil_span after[LEVELS] = {{0}};
                builder = f;
                const parts p = parts_of(f, form_sealed(f, &forms[i]));
                sipveil_span plain = written_with(&p, octets, after);
                if (change < 4) octets[level] = (unsigned)change;
                else after[level] = additions[change - 4];
                sipveil_span changed = written_with(&p, octets, after);
                bool same = sv_equal(plain, changed), content_only = change >= 4 && level == CIPHERTEXT;
                uint8_t *own = own_copy(changed);
                bool found = compare(f, sv_span(own, changed.len), frame_of_levels(changed), limits);
                assert_int_equal(found, same || content_only);
                recognised += found;
                free(own);
            }
        }
    }
    assert_true(recognised > 0);
}

/* Lengths that contradict each other: several octets at once, far more often those of headers. */
static void test_several_octets(void **state)
{
    static const uint8_t telling[] = {0x00, 0x01, 0x02, 0x04, 0x06, 0x0C, 0x10, 0x11, 0x1E, 0x30, 0x31, 0x7F,
                                      0x80, 0x81, 0x82, 0x83, 0xA0, 0xA1, 0xA2, 0xFF};
    fixture *f = *state;
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    uint32_t chance = 1;
    size_t recognised = 0;
    for (size_t i = 0; i < 4; i++) {
        sipveil_span sealed = form_sealed(f, &forms[i]);
        size_t frame = frame_of(sealed), len = sealed.len;
        uint8_t *octets = own_copy(sealed), *good = own_copy(sealed);
        for (size_t turn = 0; turn < 20000; turn++) {
            memcpy(octets, good, len);
            for (size_t change = 0; change < 1 + turn % 3; change++) {
                chance = chance * 1664525 + 1013904223;
                size_t at = (chance >> 8) % len;
                uint8_t value = telling[(chance >> 24) % sizeof telling];
                octets[at] = (chance & 128) != 0 ? value : (uint8_t)(octets[at] + (chance & 64 ? 1 : -1));
            }
            if (compare(f, sv_span(octets, len), frame, limits)) recognised++;
        }
        free(octets);
        free(good);
    }
    assert_true(recognised > 1000 && recognised < 79000);
}

/* ADV-051, ADV-083: elements, depth and recipients are counted as if each value had been looked at. */
static void test_limits_are_met(void **state)
{
    fixture *f = *state;
    const size_t values = 15 + 7 * MANY;
    sipveil_limits limits = *sipveil_context_limits(f->context);
    sipveil_span sealed = sealed_for(f, MANY, SIPVEIL_CIPHER_AES_256_GCM, SV_SPAN("hello")), content;
    sv_cms_type type;
    sv_enveloped e;
    for (size_t most = 1; most <= values + 1; most++) {
        limits.asn1_elements = most;
        sipveil_code code = sv_der_scan(sealed, &limits, false, NULL);
        assert_int_equal(code, most >= values ? SIPVEIL_OK : SIPVEIL_LIMIT);
        assert_int_equal(sv_usual_content_info(sealed, &limits, &content), code == SIPVEIL_OK);
        assert_int_equal(sv_cms_read_content_info(sealed, &limits, &type, &content, NULL), code);
    }
    for (size_t depth = 1; depth <= 8; depth++) {
        limits.asn1_depth = depth;
        sipveil_code code = sv_der_scan(sealed, &limits, false, NULL);
        assert_int_equal(code, depth >= 6 ? SIPVEIL_OK : SIPVEIL_LIMIT);
        assert_int_equal(sv_usual_content_info(sealed, &limits, &content), code == SIPVEIL_OK);
        assert_int_equal(sv_cms_read_content_info(sealed, &limits, &type, &content, NULL), code);
    }
    for (size_t most = 1; most <= MANY + 1; most++) {
        limits.recipients = most;
        assert_int_equal(sv_usual_enveloped_read(content, &limits, f->arena, &e), most >= MANY);
        assert_int_equal(sv_cms_read_enveloped(content, true, &limits, &strict, f->arena, &e, NULL),
                         most >= MANY ? SIPVEIL_OK : SIPVEIL_LIMIT);
    }
}

/* Under EnvelopedData the same octets mean another thing. */
static void test_authenticated_only(void **state)
{
    fixture *f = *state;
    sipveil_span sealed = sealed_for(f, 1, SIPVEIL_CIPHER_AES_256_GCM, SV_SPAN("hello")), content;
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    sv_enveloped e;
    assert_true(sv_usual_content_info(sealed, limits, &content));
    assert_int_equal(sv_cms_read_enveloped(content, false, limits, &tolerant, f->arena, &e, NULL), SIPVEIL_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_we_write),     cmocka_unit_test(test_nothing_else_passes),
        cmocka_unit_test(test_each_level),        cmocka_unit_test(test_several_octets),
        cmocka_unit_test(test_limits_are_met),    cmocka_unit_test(test_authenticated_only),
    };
    return cmocka_run_group_tests_name("messages in their usual form", tests, fixture_setup, fixture_teardown);
}
