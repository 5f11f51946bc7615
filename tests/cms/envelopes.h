/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys of every kind, sealing and opening in one call, and a way to write any structure at all. */
#ifndef TEST_CMS_ENVELOPES_H
#define TEST_CMS_ENVELOPES_H

#include <openssl/err.h>

#include "cms/identities.h"
#include "cms/recipient.h"

static const sv_cms_policy tolerant = {0}, strict = {.strict = true};
static const sv_cms_policy weak = {.allow_weak = SIPVEIL_WEAK_SHA1 | SIPVEIL_WEAK_3DES | SIPVEIL_WEAK_RSA_V15_TRANSPORT};

static const char *const kinds[] = {"kek128", "kek192", "kek256", "rsa2048", "P-256", "P-384", "P-521", "x25519", "password"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const uint8_t kek_octets[32] = {0x10, 0x21, 0x32, 0x43, 0x54, 0x65, 0x76, 0x87, 0x98, 0xA9, 0xBA,
                                       0xCB, 0xDC, 0xED, 0xFE, 0x0F, 1, 2, 3, 4, 5, 6, 7, 8, 9};

static inline sv_cms_key test_key(fixture *f, const char *kind)
{
    if (strncmp(kind, "kek", 3) == 0) {
        return (sv_cms_key){.kind = SV_CMS_KEY_KEK, .kek_id = sv_span_str(kind),
                            .kek = sv_span(kek_octets, strtoul(kind + 3, NULL, 10) / 8)};
    }
    if (strcmp(kind, "password") == 0) {
        return (sv_cms_key){.kind = SV_CMS_KEY_PASSWORD, .password = SV_SPAN("correct horse")};
    }
    return *identity(f, kind);
}

enum { TEST_ITERATIONS = 1000 };

static inline sipveil_span seal_with(fixture *f, const sv_seal_request *request, sipveil_span content)
{
    sipveil_error err;
    sv_buffer out;
    sv_buffer_init(&out, f->arena, 4096, 1 << 24);
    sipveil_code code = sv_cms_seal_enveloped(f->crypto, request, content, f->arena, &out, &err);
    if (code != SIPVEIL_OK) fail_msg("seal: %s (%s)", err.text, err.library);
    return sv_buffer_span(&out);
}

static inline sipveil_span seal(fixture *f, const sv_cms_key *keys, size_t count, sipveil_cipher cipher, sipveil_span content)
{
    sv_seal_request request = {.cipher = cipher, .recipients = keys, .recipient_count = count,
                               .pbkdf2_iterations = TEST_ITERATIONS};
    return seal_with(f, &request, content);
}

static inline sipveil_code read_sealed(fixture *f, sipveil_span octets, const sv_cms_policy *policy,
                                       sv_enveloped *out, sipveil_error *err)
{
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    sv_cms_type type;
    sipveil_span content;
    *out = (sv_enveloped){0};
    SV_TRY(sv_cms_read_content_info(octets, limits, &type, &content, err));
    if (type != SV_CMS_ENVELOPED && type != SV_CMS_AUTH_ENVELOPED) return SIPVEIL_UNSUPPORTED;
    return sv_cms_read_enveloped(content, type == SV_CMS_AUTH_ENVELOPED, limits, policy, f->arena, out, err);
}

static inline sipveil_code open_read(fixture *f, const sv_enveloped *enveloped, const sv_cms_key *keys,
                                     size_t count, const sv_cms_policy *policy, sv_opening *out, sipveil_error *err)
{
    uint64_t iterations = 0;
    sipveil_code code = sv_cms_open_enveloped(f->crypto, enveloped, keys, count, policy, &iterations, f->arena, out, err);
    assert_true(ERR_peek_error() == 0);
    if (code != SIPVEIL_OK) assert_true(out->plaintext.data == NULL && out->plaintext.len == 0 && out->cek.data == NULL);
    return code;
}

static inline sipveil_code open_sealed(fixture *f, sipveil_span octets, const sv_cms_key *keys, size_t count,
                                       const sv_cms_policy *policy, sv_opening *out, sipveil_error *err)
{
    sv_enveloped enveloped;
    *out = (sv_opening){0};
    SV_TRY(read_sealed(f, octets, policy, &enveloped, err));
    return open_read(f, &enveloped, keys, count, policy, out, err);
}

/* ---- any structure: TLV(0x30, a, b) is a SEQUENCE of a and b; everything is in the arena ---- */
static fixture *builder;

static inline sipveil_span join(const sipveil_span *parts, size_t count)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < count; i++) len += parts[i].len;
    uint8_t *out = sv_arena_alloc(builder->arena, len);
    assert_non_null(out);
    for (size_t i = 0; i < count; at += parts[i++].len) {
        if (parts[i].len > 0) memcpy(out + at, parts[i].data, parts[i].len);
    }
    return sv_span(out, len);
}

static inline sipveil_span wrap_parts(uint8_t tag, const sipveil_span *parts, size_t count)
{
    sv_der_writer w;
    sipveil_span content = join(parts, count);
    assert_true(sv_der_writer_init(&w, builder->arena, content.len + 16));
    sv_der_put_value(&w, tag, content);
    return sv_der_written(&w);
}

#define PARTS(...) (const sipveil_span[]){__VA_ARGS__}, sizeof((const sipveil_span[]){__VA_ARGS__}) / sizeof(sipveil_span)
#define TLV(tag, ...) wrap_parts(tag, PARTS(__VA_ARGS__))
#define JOIN(...) join(PARTS(__VA_ARGS__))
#define NOTHING ((sipveil_span){NULL, 0})
#define DER_NULL SV_SPAN("\x05\x00")

static inline sipveil_span der_number(uint64_t number)
{
    sv_der_writer w;
    assert_true(sv_der_writer_init(&w, builder->arena, 16));
    sv_der_put_number(&w, number);
    return sv_der_written(&w);
}

static inline sipveil_span der_oid(const char *dotted)
{
    uint8_t octets[SV_OID_MOST];
    size_t len;
    assert_true(sv_oid_from_dotted(dotted, octets, &len));
    return TLV(SV_DER_OID, sv_span(octets, len));
}

static inline sipveil_span der_octets(sipveil_span octets)
{
    return TLV(SV_DER_OCTET_STRING, octets);
}

/* The parts of an EnvelopedData or AuthEnvelopedData, as whole values; change one, write it again. */
typedef struct parts {
    bool authenticated;
    sipveil_span version;
    sipveil_span originator; /* [0] or nothing */
    sipveil_span recipients; /* content of the SET */
    sipveil_span type;
    sipveil_span algorithm;
    sipveil_span content;    /* [0] or nothing */
    sipveil_span attributes; /* [1] authAttrs or nothing */
    sipveil_span tag;        /* OCTET STRING or nothing */
    sipveil_span unprotected; /* [1] or [2] or nothing */
} parts;

static inline sipveil_span take_whole(sv_cursor *c)
{
    sv_der value;
    assert_int_equal(sv_der_take(c, &value, NULL), SIPVEIL_OK);
    return value.whole;
}

static inline sipveil_span take_if(sv_cursor *c, uint8_t tag)
{
    return sv_der_next_is(c, tag) ? take_whole(c) : NOTHING;
}

static inline parts parts_of(fixture *f, sipveil_span octets)
{
    parts p = {0};
    sv_cms_type type;
    sipveil_span content;
    sv_cursor c, set;
    assert_int_equal(sv_cms_read_content_info(octets, sipveil_context_limits(f->context), &type, &content, NULL), SIPVEIL_OK);
    p.authenticated = type == SV_CMS_AUTH_ENVELOPED;
    sv_cursor all = sv_cursor_over(content, "parts");
    assert_int_equal(sv_der_enter(&all, SV_DER_SEQUENCE, "all", &c, NULL), SIPVEIL_OK);
    p.version = take_whole(&c);
    p.originator = take_if(&c, 0xA0);
    assert_int_equal(sv_der_enter(&c, SV_DER_SET, "recipients", &set, NULL), SIPVEIL_OK);
    p.recipients = sv_rest(&set);
    assert_int_equal(sv_der_enter(&c, SV_DER_SEQUENCE, "content", &set, NULL), SIPVEIL_OK);
    p.type = take_whole(&set);
    p.algorithm = take_whole(&set);
    p.content = sv_rest(&set);
    if (p.authenticated) p.attributes = take_if(&c, 0xA1);
    if (p.authenticated) p.tag = take_whole(&c);
    p.unprotected = sv_rest(&c);
    return p;
}

static inline sipveil_span written(parts p)
{
    return TLV(0x30, der_oid(p.authenticated ? "1.2.840.113549.1.9.16.1.23" : "1.2.840.113549.1.7.3"),
               TLV(0xA0, TLV(0x30, p.version, p.originator, TLV(0x31, p.recipients),
                             TLV(0x30, p.type, p.algorithm, p.content), p.attributes, p.tag, p.unprotected)));
}

/* One expectation: what opening these octets with that key comes to. */
static inline void expect(fixture *f, const char *what, sipveil_span octets, const sv_cms_key *key,
                          const sv_cms_policy *policy, sipveil_code code)
{
    sv_opening out;
    sipveil_error err = {0};
    sipveil_code found = open_sealed(f, octets, key, 1, policy, &out, &err);
    if (found != code) fail_msg("%s: %s, not %s (%s)", what, sipveil_code_name(found), sipveil_code_name(code), err.text);
    if (code == SIPVEIL_CANNOT_DECRYPT) {
        /* ADV-091: one text for all of them */
        assert_string_equal(err.text, "a key fits, but the content cannot be decrypted: wrong key, or the message was altered");
        assert_string_equal(err.rule, "");
        assert_string_equal(err.hint, "");
        assert_string_equal(err.library, "");
        assert_int_equal(err.sip_status, 493);
    }
}

#define AES_128_GCM_OID "2.16.840.1.101.3.4.1.6"
#define AES_256_GCM_OID "2.16.840.1.101.3.4.1.46"
#define AES_128_CBC_OID "2.16.840.1.101.3.4.1.2"
#define AES_128_WRAP_OID "2.16.840.1.101.3.4.1.5"
#define DATA_OID "1.2.840.113549.1.7.1"
#define SIGNED_OID "1.2.840.113549.1.7.2"
#define CONTENT_TYPE_OID "1.2.840.113549.1.9.3"

static inline parts sealed_parts(fixture *f, const char *kind, sipveil_cipher cipher)
{
    sv_cms_key key = test_key(f, kind);
    return parts_of(f, seal(f, &key, 1, cipher, SV_SPAN("hello hello hello hello")));
}

static inline sipveil_span gcm_algorithm(const char *oid, sipveil_span nonce, int icv)
{
    sipveil_span length = icv < 0 ? NOTHING : der_number((uint64_t)icv);
    return TLV(0x30, der_oid(oid), TLV(0x30, der_octets(nonce), length));
}

static inline sipveil_span content_of(sipveil_span tlv)
{
    sv_cursor c = sv_cursor_over(tlv, "tlv");
    sv_der value;
    assert_int_equal(sv_der_take(&c, &value, NULL), SIPVEIL_OK);
    return value.content;
}

static inline sipveil_span attribute(const char *type, sipveil_span values)
{
    return TLV(0x30, der_oid(type), TLV(0x31, values));
}

static inline sipveil_span kekri(sipveil_span id, sipveil_span date_and_other, const char *wrap, sipveil_span encrypted)
{
    return TLV(0xA2, der_number(4), TLV(0x30, der_octets(id), date_and_other), TLV(0x30, der_oid(wrap)), der_octets(encrypted));
}

static inline int envelope_setup(void **state)
{
    fixture_setup(state);
    builder = *state;
    return 0;
}

static inline int envelope_reset(void **state)
{
    sv_arena_reset(((fixture *)*state)->arena);
    return 0;
}

#define ENVELOPE_TEST(function) cmocka_unit_test_setup(function, envelope_reset)

#endif
