/* SPDX-License-Identifier: BSD-2-Clause */
/* What we sign verifies and is DER; every form that we accept is accepted; nothing that was altered,
 * left out or put twice is. */
#include "cms/identities.h"
#include "cms/signer_info.h"
#include "crypto/sign.h"

#define CONTENT "Content-Type: text/plain\r\n\r\nhello"

static const sv_cms_policy tolerant = {0}, strict = {.strict = true};

static sipveil_span sign(fixture *f, const sv_sign_request *request, const char *content)
{
    sipveil_error err;
    sv_buffer out;
    sv_buffer_init(&out, f->arena, 4096, 1 << 20);
    sipveil_code code = sv_cms_sign(f->crypto, request, sv_span_str(content), f->arena, &out, &err);
    if (code != SIPVEIL_OK) fail_msg("sign: %s (%s)", err.text, err.library);
    return sv_buffer_span(&out);
}

static sipveil_code read_message(fixture *f, sipveil_span octets, const sv_cms_policy *policy, sv_signed *out)
{
    sipveil_error err;
    sipveil_span content;
    sv_cms_type type;
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    sipveil_code code = sv_cms_read_content_info(octets, limits, &type, &content, &err);
    if (code != SIPVEIL_OK) return code;
    assert_int_equal(type, SV_CMS_SIGNED);
    return sv_cms_read_signed(content, limits, policy, f->arena, out, &err);
}

typedef struct known {
    X509 *certificates[4];
    size_t count;
} known;

/* octets: NULL for the content inside. */
static sipveil_code check_with(fixture *f, sipveil_span message, const char *octets, known from,
                               const sv_cms_policy *policy, sv_signed *data, sv_signature **signatures)
{
    sipveil_error err;
    *signatures = NULL;
    SV_TRY(read_message(f, message, policy, data));
    return sv_cms_check_signatures(f->crypto, data, octets != NULL ? sv_span_str(octets) : data->content,
                                   from.certificates, from.count, policy, f->arena, signatures, NULL, &err);
}

/* ---- what we sign ---- */

static const struct {
    const char *kind;
    bool rsa_v15;
    const char *algorithm;
    const char *digest;
    const char *micalg;
} schemes[] = {
    {"P-256", false, "ecdsa-sha256", "sha256", "sha-256"},
    {"P-384", false, "ecdsa-sha384", "sha384", "sha-384"},
    {"P-521", false, "ecdsa-sha512", "sha512", "sha-512"},
    {"rsa2048", false, "rsa-pss-sha256", "sha256", "sha-256"},
    {"rsa2048", true, "rsa-sha256", "sha256", "sha-256"},
    {"ed25519", false, "ed25519", "sha512", "sha-512"}, /* RFC 8419 */
};

static void check_round_trip(fixture *f, size_t i, unsigned form)
{
    bool detached = form & 1, by_identifier = form & 2, no_certificates = form & 4;
    const sv_cms_key *key = identity(f, schemes[i].kind);
    sv_sign_request request = {.signers = key, .signer_count = 1, .rsa_v15 = schemes[i].rsa_v15,
                               .detached = detached, .by_key_identifier = by_identifier,
                               .no_certificates = no_certificates, .time = 1700000000};
    sipveil_span message = sign(f, &request, CONTENT);
    known from = {{key->certificate}, no_certificates ? 1 : 0};
    sv_signature *s;
    sv_signed data;
    sipveil_error err;
    /* TUN-61: DER, id-data */
    assert_int_equal(sv_der_scan(message, sipveil_context_limits(f->context), true, &err), SIPVEIL_OK);
    assert_int_equal(check_with(f, message, detached ? CONTENT : NULL, from, &strict, &data, &s), SIPVEIL_OK);
    assert_int_equal(data.version, by_identifier ? 3 : 1);
    assert_false(data.version_odd);
    assert_int_equal(data.content_kind, SV_CMS_DATA);
    assert_int_equal(data.has_content, !detached);
    assert_true(detached || sv_equal_str(data.content, CONTENT));
    assert_int_equal(data.certificate_count, no_certificates ? 0 : 1); /* TUN-06 */
    assert_int_equal(data.signer_count, 1);
    if (s->state != SV_SIGNATURE_VALID) fail_msg("%s: %s", schemes[i].algorithm, s->why);
    assert_int_equal(s->code, SIPVEIL_OK);
    assert_string_equal(s->algorithm, schemes[i].algorithm);
    assert_string_equal(s->digest, schemes[i].digest);
    assert_string_equal(sv_cms_micalg(&request), schemes[i].micalg); /* TUN-62 */
    assert_int_equal(X509_cmp(s->certificate, key->certificate), 0);
    assert_non_null(s->public_key);
    assert_true(s->has_time);
    assert_int_equal(s->time, 1700000000);
    assert_true(s->capabilities.len > 0); /* TUN-22 */
    assert_false(s->weak);
    assert_int_equal(s->ski.len > 0, by_identifier); /* CMS-03 */
    assert_int_equal(s->serial.len > 0, !by_identifier);
    /* another content, the same signature */
    assert_int_equal(check_with(f, message, "Content-Type: text/plain\r\n\r\nhellO", from, &strict, &data, &s),
                     SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_INVALID);
    assert_int_equal(s->code, SIPVEIL_BAD_SIGNATURE);
    assert_string_equal(s->rule, "TUN-62");
    assert_false(s->has_time); /* claims of nobody */
    assert_int_equal(s->capabilities.len, 0);
    sv_arena_reset(f->arena);
}

static void every_scheme_round_trips_in_every_form(void **state)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        for (unsigned form = 0; form < 8; form++) check_round_trip(*state, i, form);
    }
}

/* TUN-58, TUN-57: which attributes there are, once each, in DER order. */
static void signed_attributes_are_complete_and_sorted(void **state)
{
    static const sv_oid expected[] = {SV_OID_CONTENT_TYPE, SV_OID_SIGNING_TIME, SV_OID_MESSAGE_DIGEST,
                                      SV_OID_SMIME_CAPABILITIES, SV_OID_ENCRYPTION_KEY_PREFERENCE,
                                      SV_OID_SIGNING_CERTIFICATE_V2};
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    sv_signed data;
    sv_signer_info info;
    sipveil_error err;
    sv_cursor c, set;
    sv_der value;
    sipveil_span before = {0};
    unsigned seen = 0;
    assert_int_equal(read_message(f, sign(f, &request, CONTENT), &strict, &data), SIPVEIL_OK);
    assert_int_equal(sv_signer_info_read(data.signer_infos[0], sipveil_context_limits(f->context),
                                         f->arena, &info, &err), SIPVEIL_OK);
    c = sv_cursor_over(info.attributes, "attributes");
    assert_int_equal(sv_der_enter(&c, 0xA0, "attributes", &set, &err), SIPVEIL_OK);
    while (!sv_at_end(&set)) {
        sipveil_span type;
        assert_int_equal(sv_der_take(&set, &value, &err), SIPVEIL_OK);
        if (before.len > 0) {
            size_t n = before.len < value.whole.len ? before.len : value.whole.len;
            assert_true(memcmp(before.data, value.whole.data, n) < 0);
        }
        before = value.whole;
        c = sv_cursor_over(value.content, "attribute");
        assert_int_equal(sv_der_take_oid(&c, "type", &type, &err), SIPVEIL_OK);
        for (unsigned i = 0; i < 6; i++) {
            if (sv_oid_is(type, expected[i])) seen |= 1u << i;
        }
    }
    assert_int_equal(seen, 0x3F);
    sv_arena_reset(f->arena);
}

static bool has_preference(fixture *f, const sv_cms_key *key, bool no_certificates)
{
    sv_sign_request request = {.signers = key, .signer_count = 1, .no_certificates = no_certificates};
    sipveil_span oid = sv_oid_content(SV_OID_ENCRYPTION_KEY_PREFERENCE);
    size_t at;
    return sv_find(sign(f, &request, CONTENT), oid, &at);
}

/* TUN-58: only where the certificate goes along and may be encrypted to. */
static void encryption_preference_is_there_when_it_makes_sense(void **state)
{
    fixture *f = *state;
    EVP_PKEY *key = make_key(f, "P-256");
    certificate_options signing = {.name = "signs", .serial = 5, .usage = "critical,digitalSignature"};
    certificate_options both = {.name = "both", .serial = 6, .usage = "digitalSignature,keyAgreement"};
    sv_cms_key signs = view_of(f, make_certificate(f, key, signing), key);
    sv_cms_key agrees = view_of(f, make_certificate(f, key, both), key);
    assert_false(has_preference(f, &signs, false));
    assert_true(has_preference(f, &agrees, false));
    assert_false(has_preference(f, &agrees, true));
    assert_false(has_preference(f, identity(f, "ed25519"), false));
    sv_arena_reset(f->arena);
}

/* TUN-57: the fixed encodings of section 10 stand in the attribute octet by octet. */
static void capabilities_have_their_fixed_octets(void **state)
{
    static const struct {
        const char *octets;
        size_t len;
    } fixed[] = {
        {"\x30\x0D\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x08", 15},
        {"\x30\x0D\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x1F", 15},
        {"\x30\x15\x06\x06\x2B\x81\x04\x01\x0B\x01\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x05", 23},
        {"\x30\x1A\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x13\x30\x0B\x06\x09\x60\x86\x48\x01\x65"
         "\x03\x04\x01\x2D", 28},
    };
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, sign(f, &request, CONTENT), NULL, (known){0}, &strict, &data, &s), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        size_t at;
        assert_true(sv_find(s->capabilities, sv_span(fixed[i].octets, fixed[i].len), &at));
    }
    sv_arena_reset(f->arena);
}

/* TUN-58: UTCTime to 2049, GeneralizedTime from 2050. */
static void signing_time_is_written_as_its_year_demands(void **state)
{
    static const int64_t times[] = {0, 2524607999, 2524608000}; /* 1970, the last of 2049, the first of 2050 */
    fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1, .time = times[i]};
        sipveil_span message = sign(f, &request, CONTENT);
        sv_signature *s;
        sv_signed data;
        size_t at;
        assert_int_equal(check_with(f, message, NULL, (known){0}, &strict, &data, &s), SIPVEIL_OK);
        assert_int_equal(s->state, SV_SIGNATURE_VALID);
        assert_int_equal(s->time, times[i]);
        assert_int_equal(sv_find(message, SV_SPAN("\x18\x0F" "20500101000000Z"), &at), i == 2);
        assert_int_equal(sv_find(message, SV_SPAN("\x17\x0D" "491231235959Z"), &at), i == 1);
    }
    sv_arena_reset(f->arena);
}

/* TUN-23: several signers are possible, and all are reported. */
static void several_signers_stand_side_by_side(void **state)
{
    fixture *f = *state;
    sv_cms_key keys[] = {*identity(f, "P-256"), *identity(f, "ed25519"), *identity(f, "P-384")};
    sv_sign_request request = {.signers = keys, .signer_count = 3};
    sipveil_span message = sign(f, &request, CONTENT);
    sv_signed data;
    sv_signature *s;
    sipveil_error err;
    STACK_OF(X509) *stack;
    assert_string_equal(sv_cms_micalg(&request), "sha-256,sha-384,sha-512");
    assert_int_equal(read_message(f, message, &strict, &data), SIPVEIL_OK);
    assert_int_equal(sv_cms_check_signatures(f->crypto, &data, data.content, NULL, 0, &strict, f->arena, &s,
                                             &stack, &err), SIPVEIL_OK);
    assert_int_equal(data.signer_count, 3);
    assert_int_equal(sk_X509_num(stack), 3);
    for (size_t i = 0; i < 3; i++) assert_int_equal(s[i].state, SV_SIGNATURE_VALID);
    sv_arena_reset(f->arena);
}

static void another_content_type_makes_version_3(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1,
                               .content_type_oid = "1.2.840.113549.1.9.16.1.9"};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, sign(f, &request, CONTENT), NULL, (known){0}, &strict, &data, &s), SIPVEIL_OK);
    assert_int_equal(data.version, 3);
    assert_int_equal(data.content_kind, SV_CMS_COMPRESSED);
    assert_int_equal(s->state, SV_SIGNATURE_VALID);
    sv_arena_reset(f->arena);
}

static void signing_is_refused_with_what_cannot_sign(void **state)
{
    fixture *f = *state;
    sv_cms_key without = *identity(f, "P-256"), five[5];
    without.private_key = NULL;
    for (size_t i = 0; i < 5; i++) five[i] = *identity(f, "P-256");
    const struct {
        sv_sign_request request;
        sipveil_code code;
    } cases[] = {
        {{.signers = NULL, .signer_count = 0}, SIPVEIL_USAGE},
        {{.signers = &without, .signer_count = 1}, SIPVEIL_USAGE},
        {{.signers = five, .signer_count = 5}, SIPVEIL_LIMIT},
        {{.signers = five, .signer_count = 1, .content_type_oid = "1.2.x"}, SIPVEIL_USAGE},
        {{.signers = identity(f, "x25519"), .signer_count = 1}, SIPVEIL_POLICY},
        {{.signers = identity(f, "secp256k1"), .signer_count = 1}, SIPVEIL_POLICY}, /* ADV-115 */
        {{.signers = identity(f, "rsa1024"), .signer_count = 1}, SIPVEIL_POLICY},   /* ADV-098, ADV-115 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_error err;
        sv_buffer out;
        sv_buffer_init(&out, f->arena, 64, 1 << 20);
        assert_int_equal(sv_cms_sign(f->crypto, &cases[i].request, SV_SPAN(CONTENT), f->arena, &out, &err),
                         cases[i].code);
        assert_int_equal(out.len, 0);
    }
    sv_arena_reset(f->arena);
}

/* TUN-11, ADV-112: certificates alone; no signer is not an answer "valid". */
static void certs_only_has_no_signers(void **state)
{
    fixture *f = *state;
    X509 *certificates[] = {identity(f, "P-256")->certificate, identity(f, "P-384")->certificate,
                            identity(f, "P-256")->certificate};
    sv_buffer out;
    sipveil_error err;
    sv_signed data;
    sv_signature *s;
    sv_buffer_init(&out, f->arena, 1024, 1 << 20);
    assert_int_equal(sv_cms_put_certificates(certificates, 3, f->arena, &out, &err), SIPVEIL_OK);
    sipveil_span message = sv_buffer_span(&out);
    assert_int_equal(sv_der_scan(message, sipveil_context_limits(f->context), true, &err), SIPVEIL_OK);
    assert_int_equal(check_with(f, message, NULL, (known){0}, &strict, &data, &s), SIPVEIL_OK);
    assert_int_equal(data.signer_count, 0);
    assert_int_equal(data.certificate_count, 2); /* each once */
    assert_false(data.has_content);
    assert_int_equal(sv_cms_put_certificates(certificates, 0, f->arena, &out, &err), SIPVEIL_USAGE);
    sv_arena_reset(f->arena);
}

/* ---- certificates ---- */

static void missing_certificate_is_unchecked(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1, .no_certificates = true};
    sipveil_span message = sign(f, &request, CONTENT);
    known other = {{identity(f, "P-384")->certificate}, 1};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, message, NULL, other, &strict, &data, &s), SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_UNCHECKED);
    assert_int_equal(s->code, SIPVEIL_UNTRUSTED_SIGNER);
    assert_string_equal(s->rule, "TUN-06");
    assert_null(s->certificate);
    assert_non_null(strstr(s->why, "no-certificate"));
    assert_false(s->has_time);
    /* but a content that has changed is known to be bad without it */
    assert_int_equal(check_with(f, message, "x", other, &strict, &data, &s), SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_INVALID);
    sv_arena_reset(f->arena);
}

/* CMS-03, ADV-124: certificates of one name or identifier, and only one has the key. */
static void each_certificate_of_the_same_name_is_tried(void **state)
{
    fixture *f = *state;
    EVP_PKEY *good = make_key(f, "P-256"), *evil = make_key(f, "P-256");
    certificate_options options = {.name = "twin", .serial = 77, .ski = "01:02:03:04"};
    X509 *right = make_certificate(f, good, options), *wrong = make_certificate(f, evil, options);
    sv_cms_key signer = view_of(f, right, good), forger = view_of(f, wrong, evil);
    sv_signed data;
    sv_signature *s;
    for (int by_identifier = 0; by_identifier < 2; by_identifier++) {
        sv_sign_request request = {.signers = &signer, .signer_count = 1, .no_certificates = true,
                                   .by_key_identifier = by_identifier != 0};
        sipveil_span message = sign(f, &request, CONTENT);
        known both = {{wrong, right}, 2}, only = {{wrong}, 1};
        assert_int_equal(check_with(f, message, NULL, both, &strict, &data, &s), SIPVEIL_OK);
        assert_int_equal(s->state, SV_SIGNATURE_VALID);
        assert_ptr_equal(s->certificate, right);
        assert_int_equal(check_with(f, message, NULL, only, &strict, &data, &s), SIPVEIL_OK);
        assert_int_equal(s->state, SV_SIGNATURE_INVALID);
        assert_string_equal(s->rule, "ADV-124"); /* our own attribute names the certificate's hash */
        assert_ptr_equal(s->certificate, wrong);
        /* the forger's signature, and the right certificate known: it is reported as the forger's */
        request.signers = &forger;
        request.no_certificates = false;
        message = sign(f, &request, CONTENT);
        known trusted = {{right}, 1};
        assert_int_equal(check_with(f, message, NULL, trusted, &strict, &data, &s), SIPVEIL_OK);
        assert_int_equal(s->state, SV_SIGNATURE_VALID);
        assert_int_equal(X509_cmp(s->certificate, wrong), 0);
    }
    sv_arena_reset(f->arena);
}

static void certificate_without_identifier_is_found_by_its_key_hash(void **state)
{
    fixture *f = *state;
    EVP_PKEY *key = make_key(f, "P-256");
    certificate_options with = {.name = "hash", .serial = 9}, without = {.name = "hash", .serial = 9, .ski = ""};
    sv_cms_key signer = view_of(f, make_certificate(f, key, without), key);
    sv_cms_key named = view_of(f, make_certificate(f, key, with), key);
    signer.ski = named.ski;
    sv_sign_request request = {.signers = &signer, .signer_count = 1, .by_key_identifier = true};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, sign(f, &request, CONTENT), NULL, (known){0}, &strict, &data, &s), SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_VALID);
    sv_arena_reset(f->arena);
}

/* ---- forgeries: SignerInfos put together by hand and signed properly ---- */

/* One letter an attribute:
 *   c content-type   C a wrong one   0 one without value
 *   m message-digest M one octet short   2 two values   x of another content
 *   t time   T no time   p capabilities   s certificate hash   S a wrong one   b not DER (BOOLEAN 02) */
typedef struct forgery {
    const char *attributes; /* NULL: none at all */
    const char *digest;     /* of content and signature; NULL: sha256 */
    const char *said;       /* digestAlgorithm; NULL: the same */
    const char *announced;  /* in front; NULL: what was said; "": none */
    const char *algorithm;  /* the digest that the signature algorithm names; NULL: the same */
    const char *kind;       /* key; NULL: P-256 */
    int salt;               /* PSS: what is signed and written; 0: not PSS; -1: no salt */
    const char *unsigned_attributes; /* letters again */
    uint64_t version;       /* of SignedData; 0: 1 */
    uint64_t signer_version; /* 0: 1 */
    bool change_signature;
    bool trailing;          /* octets after the last field of SignerInfo */
} forgery;

static void put_attribute(fixture *f, sv_der_writer *w, const forgery *how, char letter, const char *content)
{
    const sv_digest *digest = sv_digest_by_name(how->digest != NULL ? how->digest : "sha256");
    uint8_t hash[SV_DIGEST_MOST] = {0};
    sv_der_mark mark = sv_der_mark_here(w);
    sv_oid type = SV_OID_MESSAGE_DIGEST;
    const char *of = letter == 'x' ? "other" : content;
    assert_non_null(digest);
    if (digest->hash != SV_HASH_NONE) {
        assert_int_equal(sv_digest_octets(f->crypto, digest, sv_span_str(of), hash, NULL), SIPVEIL_OK);
    }
    switch (letter) {
    case 'c': type = SV_OID_CONTENT_TYPE; sv_der_put_oid(w, sv_oid_content(SV_OID_DATA)); break;
    case 'C': type = SV_OID_CONTENT_TYPE; sv_der_put_oid(w, sv_oid_content(SV_OID_SIGNED_DATA)); break;
    case '0': type = SV_OID_CONTENT_TYPE; break;
    case '2': sv_der_put_value(w, SV_DER_OCTET_STRING, sv_span(hash, digest->size)); /* and once more */
        /* fall through */
    case 'x':
    case 'm': sv_der_put_value(w, SV_DER_OCTET_STRING, sv_span(hash, digest->size)); break;
    case 'M': sv_der_put_value(w, SV_DER_OCTET_STRING, sv_span(hash, digest->size - 1)); break;
    case 't': type = SV_OID_SIGNING_TIME; sv_der_put_time(w, 1700000000); break;
    case 'T': type = SV_OID_SIGNING_TIME; sv_der_put_value(w, SV_DER_UTC_TIME, SV_SPAN("231332000000Z")); break;
    case 'p': type = SV_OID_SMIME_CAPABILITIES; sv_der_put_value(w, SV_DER_SEQUENCE, sv_span(NULL, 0)); break;
    case 'b': type = SV_OID_PREFER_BINARY_INSIDE; sv_der_put_value(w, SV_DER_BOOLEAN, SV_SPAN("\x02")); break;
    default: {
        X509 *certificate = identity(f, how->kind != NULL ? how->kind : "P-256")->certificate;
        sipveil_span der = der_of(f, certificate);
        type = SV_OID_SIGNING_CERTIFICATE_V2;
        assert_int_equal(sv_digest_octets(f->crypto, sv_digest_by_name("sha512"), der, hash, NULL), SIPVEIL_OK);
        if (letter == 'S') hash[5] ^= 1;
        sv_der_put_value(w, SV_DER_OCTET_STRING, sv_span(hash, 64));
        sv_der_mark algorithm = sv_der_mark_here(w);
        sv_der_put_oid(w, sv_digest_by_name("sha512")->oid);
        sv_der_wrap(w, SV_DER_SEQUENCE, algorithm);
        sv_der_wrap(w, SV_DER_SEQUENCE, mark);
        sv_der_wrap(w, SV_DER_SEQUENCE, mark);
        sv_der_wrap(w, SV_DER_SEQUENCE, mark);
    }
    }
    sv_der_wrap(w, SV_DER_SET, mark);
    sv_der_put_oid(w, sv_oid_content(type));
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
}

static sipveil_span attribute_set(fixture *f, const forgery *how, const char *letters, const char *content)
{
    sv_der_writer w;
    assert_true(sv_der_writer_init(&w, f->arena, 1024 + 64 * strlen(letters)));
    for (const char *l = letters; *l != '\0'; l++) put_attribute(f, &w, how, *l, content);
    sv_der_sort_set(&w, 0, f->arena);
    sv_der_wrap(&w, SV_DER_SET, 0);
    assert_false(w.failed);
    return sv_der_written(&w);
}

static void put_algorithm(sv_der_writer *w, sipveil_span oid)
{
    sv_der_mark mark = sv_der_mark_here(w);
    sv_der_put_oid(w, oid);
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
}

static void put_pss(sv_der_writer *w, const sv_digest *digest, uint64_t salt)
{
    sv_der_mark all = sv_der_mark_here(w), mark = all;
    sv_der_put_number(w, salt);
    sv_der_wrap(w, 0xA2, mark);
    mark = sv_der_mark_here(w);
    put_algorithm(w, digest->oid);
    sv_der_put_oid(w, sv_oid_content(SV_OID_MGF1));
    sv_der_wrap(w, SV_DER_SEQUENCE, mark);
    sv_der_wrap(w, 0xA1, mark);
    mark = sv_der_mark_here(w);
    put_algorithm(w, digest->oid);
    sv_der_wrap(w, 0xA0, mark);
    sv_der_wrap(w, SV_DER_SEQUENCE, all);
    sv_der_put_oid(w, sv_oid_content(SV_OID_RSA_PSS));
    sv_der_wrap(w, SV_DER_SEQUENCE, all);
}

static sipveil_span raw_signature(fixture *f, const forgery *how, sipveil_span over)
{
    EVP_PKEY *key = identity(f, how->kind != NULL ? how->kind : "P-256")->private_key;
    const sv_digest *digest = sv_digest_by_name(how->digest != NULL ? how->digest : "sha256");
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx;
    size_t len = 1024;
    uint8_t *out = sv_arena_alloc(f->arena, len);
    int salt = how->salt > 0 && how->salt <= 222 ? how->salt : 0;
    assert_int_equal(EVP_DigestSignInit_ex(md, &ctx, digest->library, f->context->library, NULL, key, NULL), 1);
    if (how->salt != 0) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, 6 /* PSS */), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt), 1);
    }
    assert_int_equal(EVP_DigestSign(md, out, &len, over.data, over.len), 1);
    EVP_MD_CTX_free(md);
    if (how->change_signature) out[len - 1] ^= 1;
    return sv_span(out, len);
}

static sipveil_span forge_signer(fixture *f, const forgery *how, const char *content)
{
    const sv_cms_key *key = identity(f, how->kind != NULL ? how->kind : "P-256");
    const sv_digest *digest = sv_digest_by_name(how->digest != NULL ? how->digest : "sha256");
    sipveil_span set = sv_span_str(content);
    sv_der_writer w;
    if (how->attributes != NULL) set = attribute_set(f, how, how->attributes, content);
    assert_true(sv_der_writer_init(&w, f->arena, 1 << 16));
    if (how->trailing) sv_der_put_null(&w);
    if (how->unsigned_attributes != NULL) {
        sv_der_put(&w, sv_span_from(attribute_set(f, how, how->unsigned_attributes, content), 1));
        sv_der_put(&w, SV_SPAN("\xA1"));
    }
    sv_der_put_value(&w, SV_DER_OCTET_STRING, raw_signature(f, how, set));
    if (how->salt != 0) {
        put_pss(&w, digest, how->salt > 0 ? (uint64_t)how->salt : 0);
    } else {
        bool oid_known;
        const sv_signature_scheme *scheme = sv_signature_scheme_for(key->private_key, true);
        const sv_digest *with = sv_digest_by_name(how->algorithm != NULL ? how->algorithm : digest->name);
        sipveil_span ecdsa = SV_SPAN("\x2A\x86\x48\xCE\x3D\x04\x03\x02");
        sipveil_span oid = scheme != NULL && scheme->also_oid.len > 0 ? scheme->also_oid : ecdsa;
        uint8_t other[8];
        memcpy(other, ecdsa.data, 8);
        if (oid.len == 8 && strcmp(with->name, "sha256") != 0) {
            other[7] = strcmp(with->name, "sha384") == 0 ? 3 : 4;
            oid = sv_span(other, 8);
            if (strcmp(with->name, "sha1") == 0) oid = SV_SPAN("\x2A\x86\x48\xCE\x3D\x04\x01");
        }
        (void)sv_signature_scheme_find(oid, with, &oid_known);
        assert_true(oid_known);
        put_algorithm(&w, oid);
    }
    if (how->attributes != NULL) {
        sv_der_put(&w, sv_span_from(set, 1));
        sv_der_put(&w, SV_SPAN("\xA0"));
    }
    put_algorithm(&w, how->said != NULL ? sv_digest_by_name(how->said)->oid : digest->oid);
    sv_der_mark mark = sv_der_mark_here(&w);
    sv_der_put_value(&w, SV_DER_INTEGER, key->serial);
    sv_der_put(&w, key->issuer);
    sv_der_wrap(&w, SV_DER_SEQUENCE, mark);
    sv_der_put_number(&w, how->signer_version > 0 ? how->signer_version : 1);
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    assert_false(w.failed);
    return sv_der_written(&w);
}

/* A message with these SignerInfos, and copies of certificates and CRL-like members. */
static sipveil_span assemble(fixture *f, const forgery *how, const sipveil_span *signers, size_t signer_count,
                             size_t certificate_copies, size_t crl_copies, const char *content)
{
    const char *said = how->said != NULL ? how->said : how->digest != NULL ? how->digest : "sha256";
    const char *announced = how->announced != NULL ? how->announced : said;
    sv_der_writer w;
    sv_der_mark mark;
    assert_true(sv_der_writer_init(&w, f->arena, 1 << 21));
    for (size_t i = signer_count; i-- > 0;) sv_der_put(&w, signers[i]); /* from the end */
    sv_der_wrap(&w, SV_DER_SET, 0);
    mark = sv_der_mark_here(&w);
    for (size_t i = 0; i < crl_copies; i++) sv_der_put_value(&w, SV_DER_SEQUENCE, sv_span(NULL, 0));
    if (crl_copies > 0) sv_der_wrap(&w, 0xA1, mark);
    mark = sv_der_mark_here(&w);
    sipveil_span certificate = der_of(f, identity(f, how->kind != NULL ? how->kind : "P-256")->certificate);
    for (size_t i = 0; i < certificate_copies; i++) sv_der_put(&w, certificate);
    if (certificate_copies > 0) sv_der_wrap(&w, 0xA0, mark);
    mark = sv_der_mark_here(&w);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span_str(content));
    sv_der_wrap(&w, 0xA0, mark);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, mark);
    mark = sv_der_mark_here(&w);
    if (announced[0] != '\0') put_algorithm(&w, sv_digest_by_name(announced)->oid);
    sv_der_wrap(&w, SV_DER_SET, mark);
    sv_der_put_number(&w, how->version > 0 ? how->version : 1);
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    sv_der_wrap(&w, 0xA0, 0);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_SIGNED_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    assert_false(w.failed);
    return sv_der_written(&w);
}

static const struct {
    forgery how;
    unsigned allow_weak;
    sipveil_code code; /* MALFORMED: of the whole; OK: valid; else of the signature */
    const char *rule;
} forgeries[] = {
    /* the least that is valid, and more */
    {{.attributes = "cm"}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cmtps"}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cm", .digest = "sha384"}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cm", .kind = "rsa2048"}, 0, SIPVEIL_OK, ""}, /* rsaEncryption, sha256 */
    {{.attributes = "cm", .kind = "rsa2048", .salt = 20}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 222}, 0, SIPVEIL_OK, ""}, /* as `openssl cms` does */
    {{.attributes = "cm", .change_signature = true}, 0, SIPVEIL_BAD_SIGNATURE, "CMS-02"},
    {{.attributes = "cmb"}, 0, SIPVEIL_BAD_SIGNATURE, "CMS-02"},
    {{.attributes = "cx"}, 0, SIPVEIL_BAD_SIGNATURE, "TUN-62"},
    {{.attributes = "cm", .trailing = true}, 0, SIPVEIL_MALFORMED, NULL},
    /* ADV-111, CMS-02 */
    {{.attributes = "c"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
    {{.attributes = "m"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
    {{.attributes = ""}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
    {{.attributes = "t"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
    {{.attributes = "Cm"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
    /* ADV-058 */
    {{.attributes = "cmm"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "cmx"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "ccm"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "cCm"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "0m"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "c2"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "cmtt"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "cmpp"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"}, /* TUN-57 */
    {{.attributes = "cmss"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-058"},
    {{.attributes = "cmT"}, 0, SIPVEIL_BAD_SIGNATURE, "TUN-58"},
    {{.attributes = "cmS"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-124"},
    /* ADV-116 */
    {{.attributes = "cM"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .announced = "sha512"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .algorithm = "sha384"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-116"},
    {{.attributes = "cm", .announced = ""}, 0, SIPVEIL_MALFORMED, NULL}, /* ADV-059 */
    /* ADV-115 */
    {{.attributes = "cm", .digest = "sha1"}, 0, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .digest = "sha1"}, SIPVEIL_WEAK_SHA1, SIPVEIL_OK, ""},
    {{.attributes = "cm", .said = "md5", .kind = "rsa2048"}, ~0u, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa1024"}, 0, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa1024"}, SIPVEIL_WEAK_SHA1, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa1024"}, SIPVEIL_WEAK_RSA1024, SIPVEIL_OK, ""},
    {{.attributes = "cm", .kind = "rsa768"}, SIPVEIL_WEAK_RSA1024, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "secp256k1"}, ~0u, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa2048", .salt = -1}, 0, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 10000}, 0, SIPVEIL_POLICY, "ADV-115"},
    {{.attributes = "cm", .kind = "rsa2048", .salt = 250}, 0, SIPVEIL_BAD_SIGNATURE, "CMS-02"},
    /* ADV-110 */
    {{.attributes = NULL}, 0, SIPVEIL_POLICY, "ADV-110"},
    {{.attributes = NULL}, SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES, SIPVEIL_OK, ""},
    /* ADV-125: unsigned attributes change nothing, for better or worse */
    {{.attributes = "cm", .unsigned_attributes = "CxtT"}, 0, SIPVEIL_OK, ""},
    {{.attributes = "cm", .unsigned_attributes = "cmts", .change_signature = true}, 0, SIPVEIL_BAD_SIGNATURE, "CMS-02"},
    {{.attributes = "c", .unsigned_attributes = "m"}, 0, SIPVEIL_BAD_SIGNATURE, "ADV-111"},
};

static void forgeries_are_told_apart(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        sv_cms_policy policy = {.allow_weak = forgeries[i].allow_weak};
        forgery how = forgeries[i].how;
        sv_signed data;
        sv_signature *s;
        sipveil_span signer = forge_signer(f, &how, CONTENT);
        sipveil_span message = assemble(f, &how, &signer, 1, 1, 0, CONTENT);
        sipveil_code code = check_with(f, message, NULL, (known){0}, &policy, &data, &s);
        if (forgeries[i].code == SIPVEIL_MALFORMED) {
            if (code != SIPVEIL_MALFORMED) fail_msg("case %zu: code %d", i, code);
            assert_null(s);
            continue;
        }
        if (code != SIPVEIL_OK) fail_msg("case %zu: code %d", i, code);
        if (s->code != forgeries[i].code || strcmp(s->rule, forgeries[i].rule) != 0) {
            fail_msg("case %zu: %d %s, not %d %s: %s", i, s->code, s->rule, forgeries[i].code, forgeries[i].rule, s->why);
        }
        sv_signature_state expected = s->code == SIPVEIL_OK              ? SV_SIGNATURE_VALID
                                      : s->code == SIPVEIL_BAD_SIGNATURE ? SV_SIGNATURE_INVALID
                                                                         : SV_SIGNATURE_UNCHECKED;
        assert_int_equal(s->state, expected);
        if (expected == SV_SIGNATURE_VALID) assert_int_equal(s->weak, forgeries[i].allow_weak != 0);
        assert_int_equal(s->no_signed_attributes, expected == SV_SIGNATURE_VALID && how.attributes == NULL);
        sv_arena_reset(f->arena);
    }
}

/* ADV-110: the attributes of a real signature presented as the content of one without attributes. */
static void attributes_do_not_pass_as_content(void **state)
{
    fixture *f = *state;
    const sv_cms_policy by_name = {.allow_weak = SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES};
    forgery how = {.attributes = "cm"};
    sipveil_span set = attribute_set(f, &how, how.attributes, CONTENT);
    char *as_content = sv_arena_string(f->arena, set);
    assert_int_equal(strlen(as_content), set.len); /* no NUL in it: good enough for the helpers here */
    how.attributes = NULL;
    sipveil_span signer = forge_signer(f, &how, as_content);
    sipveil_span message = assemble(f, &how, &signer, 1, 1, 0, as_content);
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, message, NULL, (known){0}, &tolerant, &data, &s), SIPVEIL_OK);
    assert_int_equal(s->code, SIPVEIL_POLICY);
    assert_int_equal(check_with(f, message, NULL, (known){0}, &by_name, &data, &s), SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_INVALID);
    assert_string_equal(s->rule, "ADV-110");
    sv_arena_reset(f->arena);
}

/* ADV-113: what is inside says one thing, the detached part another; each is checked as itself. */
static void detached_octets_are_what_is_checked(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    sipveil_span message = sign(f, &request, CONTENT);
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, message, "Content-Type: text/plain\r\n\r\nother", (known){0}, &tolerant, &data, &s),
                     SIPVEIL_OK);
    assert_true(data.has_content); /* TUN-20: the caller refuses it in multipart/signed */
    assert_int_equal(s->state, SV_SIGNATURE_INVALID);
    sv_arena_reset(f->arena);
}

/* ADV-114: every signature has its own answer; copies are counted before they are looked at. */
static void each_signer_is_judged_alone(void **state)
{
    fixture *f = *state;
    static sipveil_span copies[1000];
    forgery good = {.attributes = "cm"}, bad = {.attributes = "cm", .change_signature = true};
    sipveil_span signers[] = {forge_signer(f, &good, CONTENT), forge_signer(f, &bad, CONTENT)};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, assemble(f, &good, signers, 2, 1, 0, CONTENT), NULL, (known){0}, &tolerant,
                                &data, &s), SIPVEIL_OK);
    assert_int_equal(data.signer_count, 2);
    assert_int_equal(s[0].state, SV_SIGNATURE_VALID);
    assert_int_equal(s[1].state, SV_SIGNATURE_INVALID);
    for (size_t i = 0; i < 1000; i++) copies[i] = signers[0];
    assert_int_equal(check_with(f, assemble(f, &good, copies, 4, 1, 0, CONTENT), NULL, (known){0}, &tolerant,
                                &data, &s), SIPVEIL_OK);
    assert_int_equal(check_with(f, assemble(f, &good, copies, 5, 1, 0, CONTENT), NULL, (known){0}, &tolerant,
                                &data, &s), SIPVEIL_LIMIT);
    assert_int_equal(check_with(f, assemble(f, &good, copies, 1000, 1, 0, CONTENT), NULL, (known){0}, &tolerant,
                                &data, &s), SIPVEIL_LIMIT);
    assert_null(s);
    assert_int_equal(data.signer_count, 0);
    sv_arena_reset(f->arena);
}

/* ADV-112: an empty signerInfos is reported as none, whatever else is there. */
static void no_signer_gives_no_signature(void **state)
{
    fixture *f = *state;
    forgery how = {0};
    sv_signed data;
    sv_signature *s;
    assert_int_equal(check_with(f, assemble(f, &how, NULL, 0, 1, 0, CONTENT), NULL, (known){0}, &tolerant, &data, &s),
                     SIPVEIL_OK);
    assert_int_equal(data.signer_count, 0);
    assert_true(data.has_content);
    sv_arena_reset(f->arena);
}

/* ADV-123, ADV-058: counted before anything is decoded. */
static void counts_and_sizes_are_limited(void **state)
{
    fixture *f = *state;
    forgery how = {.attributes = "cm"};
    sipveil_span signer = forge_signer(f, &how, CONTENT);
    char letters[40];
    sv_signed data;
    sv_signature *s;
    const struct {
        size_t certificates, crls;
        sipveil_code code;
    } cases[] = {{16, 4, SIPVEIL_OK}, {17, 0, SIPVEIL_LIMIT}, {1, 5, SIPVEIL_LIMIT}, {300, 0, SIPVEIL_LIMIT}};
    for (size_t i = 0; i < 4; i++) {
        sipveil_span message = assemble(f, &how, &signer, 1, cases[i].certificates, cases[i].crls, CONTENT);
        assert_int_equal(check_with(f, message, NULL, (known){0}, &tolerant, &data, &s), cases[i].code);
    }
    for (size_t n = 32; n <= 33; n++) {
        memset(letters, 'b', n);
        memcpy(letters, "cm", 2);
        letters[n] = '\0';
        how.attributes = letters;
        signer = forge_signer(f, &how, CONTENT);
        assert_int_equal(check_with(f, assemble(f, &how, &signer, 1, 1, 0, CONTENT), NULL, (known){0}, &tolerant,
                                    &data, &s), n == 32 ? SIPVEIL_OK : SIPVEIL_LIMIT);
        how = (forgery){.attributes = "cm", .unsigned_attributes = letters};
        signer = forge_signer(f, &how, CONTENT);
        assert_int_equal(check_with(f, assemble(f, &how, &signer, 1, 1, 0, CONTENT), NULL, (known){0}, &tolerant,
                                    &data, &s), n == 32 ? SIPVEIL_OK : SIPVEIL_LIMIT);
    }
    sv_arena_reset(f->arena);
}

static void sizes_of_values_are_limited(void **state)
{
    fixture *f = *state;
    forgery how = {.attributes = "cm"};
    sipveil_span signer = forge_signer(f, &how, CONTENT);
    sipveil_span message = assemble(f, &how, &signer, 1, 1, 0, CONTENT), content;
    sipveil_limits limits = *sipveil_context_limits(f->context);
    sv_signer_info info;
    sv_signed_attributes attributes;
    sv_cms_type type;
    sv_signed data;
    sipveil_error err;
    assert_int_equal(sv_cms_read_content_info(message, &limits, &type, &content, &err), SIPVEIL_OK);
    limits.certificate = der_of(f, identity(f, "P-256")->certificate).len;
    assert_int_equal(sv_cms_read_signed(content, &limits, &tolerant, f->arena, &data, &err), SIPVEIL_OK);
    limits.certificate--;
    assert_int_equal(sv_cms_read_signed(content, &limits, &tolerant, f->arena, &data, &err), SIPVEIL_LIMIT);
    assert_int_equal(sv_signer_info_read(signer, &limits, f->arena, &info, &err), SIPVEIL_OK);
    limits.attribute = 2 + 32; /* the message-digest is the largest */
    assert_int_equal(sv_signed_attributes_read(info.attributes, &limits, &attributes, &err), SIPVEIL_OK);
    limits.attribute--;
    assert_int_equal(sv_signed_attributes_read(info.attributes, &limits, &attributes, &err), SIPVEIL_LIMIT);
    sv_arena_reset(f->arena);
}

/* CMS-01, ADV-055 */
static void odd_versions_are_flagged_or_refused(void **state)
{
    static const struct {
        uint64_t version, signer_version;
        bool odd;
    } cases[] = {{1, 1, false}, {3, 1, true}, {9, 1, true}, {1, 3, true}, {3, 3, true}, {1, 2, true}};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        forgery how = {.attributes = "cm", .version = cases[i].version, .signer_version = cases[i].signer_version};
        sipveil_span signer = forge_signer(f, &how, CONTENT);
        sipveil_span message = assemble(f, &how, &signer, 1, 1, 0, CONTENT);
        sv_signed data;
        sv_signature *s;
        assert_int_equal(check_with(f, message, NULL, (known){0}, &tolerant, &data, &s), SIPVEIL_OK);
        assert_int_equal(data.version_odd, cases[i].odd);
        assert_int_equal(s->state, SV_SIGNATURE_VALID);
        assert_int_equal(check_with(f, message, NULL, (known){0}, &strict, &data, &s),
                         cases[i].odd ? SIPVEIL_MALFORMED : SIPVEIL_OK);
    }
    sv_arena_reset(f->arena);
}

/* ADV-115: r or s of 0 or n, and what is no signature at all. n of P-256 as DER INTEGER content. */
static void impossible_ecdsa_values_do_not_verify(void **state)
{
#define N_P256 "\x02\x21\x00\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xBC\xE6\xFA\xAD" \
               "\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51"
    static const struct {
        const char *octets;
        size_t len;
    } values[] = {
        {"", 0},
        {"\x30\x00", 2},
        {"\x30\x06\x02\x01\x00\x02\x01\x00", 8},
        {"\x30\x06\x02\x01\x00\x02\x01\x01", 8},
        {"\x30\x06\x02\x01\x01\x02\x01\x00", 8},
        {"\x30\x06\x02\x01\x01\x02\x01\x01", 8},
        {"\x30\x26" N_P256 "\x02\x01\x01", 40},
        {"\x30\x26\x02\x01\x01" N_P256, 40},
        {"\x30\x46" N_P256 N_P256, 72},
    };
    fixture *f = *state;
    EVP_PKEY *key = identity(f, "P-256")->public_key;
    const sv_signature_scheme *scheme = sv_signature_scheme_for(key, false);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        bool valid = true;
        sipveil_error err;
        assert_int_equal(sv_signature_verify(f->crypto, scheme, 0, key, SV_SPAN("message"),
                                             sv_span(values[i].octets, values[i].len), &valid, &err), SIPVEIL_OK);
        assert_false(valid);
    }
}

/* Whatever single octet is changed: what is still valid still says the same. */
static void no_changed_octet_changes_what_is_signed(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    sipveil_span message;
    sv_arena *keep = sv_arena_new(1 << 14, 1 << 20);
    size_t still_valid = 0;
    assert_true(sv_arena_copy(keep, sign(f, &request, CONTENT), &message));
    for (size_t i = 0; i < message.len; i++) {
        sv_arena_reset(f->arena);
        sipveil_span changed = copy_of(f, message);
        ((uint8_t *)(uintptr_t)changed.data)[i] ^= (uint8_t)(1u << (i % 8));
        sv_signed data;
        sv_signature *s = NULL;
        sipveil_error err;
        sipveil_span content;
        sv_cms_type type;
        if (sv_cms_read_content_info(changed, sipveil_context_limits(f->context), &type, &content, &err) !=
                SIPVEIL_OK || type != SV_CMS_SIGNED) {
            continue;
        }
        if (check_with(f, changed, NULL, (known){0}, &tolerant, &data, &s) != SIPVEIL_OK) continue;
        if (data.signer_count != 1 || s->state != SV_SIGNATURE_VALID) continue;
        assert_true(sv_equal_str(data.content, CONTENT));
        assert_int_equal(data.content_kind, SV_CMS_DATA);
        still_valid++;
    }
    assert_true(still_valid <= 2); /* the two version numbers */
    sv_arena_free(keep);
    sv_arena_reset(f->arena);
}

static void every_shortened_message_is_malformed(void **state)
{
    fixture *f = *state;
    sv_sign_request request = {.signers = identity(f, "P-256"), .signer_count = 1};
    sipveil_span message = sign(f, &request, CONTENT), content;
    sv_cms_type type;
    sv_signed data;
    sipveil_error err;
    for (size_t len = 0; len < message.len; len++) {
        assert_int_equal(read_message(f, sv_span(message.data, len), &tolerant, &data), SIPVEIL_MALFORMED);
    }
    /* the SignedData itself, cut within */
    assert_int_equal(sv_cms_read_content_info(message, sipveil_context_limits(f->context), &type, &content, &err),
                     SIPVEIL_OK);
    for (size_t len = 0; len < content.len; len++) {
        assert_int_equal(sv_cms_read_signed(sv_span(content.data, len), sipveil_context_limits(f->context),
                                            &tolerant, f->arena, &data, &err), SIPVEIL_MALFORMED);
        assert_null(data.signer_infos);
    }
    sv_arena_reset(f->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_round_trips_in_every_form),
        cmocka_unit_test(signed_attributes_are_complete_and_sorted),
        cmocka_unit_test(encryption_preference_is_there_when_it_makes_sense),
        cmocka_unit_test(capabilities_have_their_fixed_octets),
        cmocka_unit_test(signing_time_is_written_as_its_year_demands),
        cmocka_unit_test(several_signers_stand_side_by_side),
        cmocka_unit_test(another_content_type_makes_version_3),
        cmocka_unit_test(signing_is_refused_with_what_cannot_sign),
        cmocka_unit_test(certs_only_has_no_signers),
        cmocka_unit_test(missing_certificate_is_unchecked),
        cmocka_unit_test(each_certificate_of_the_same_name_is_tried),
        cmocka_unit_test(certificate_without_identifier_is_found_by_its_key_hash),
        cmocka_unit_test(forgeries_are_told_apart),
        cmocka_unit_test(attributes_do_not_pass_as_content),
        cmocka_unit_test(detached_octets_are_what_is_checked),
        cmocka_unit_test(each_signer_is_judged_alone),
        cmocka_unit_test(no_signer_gives_no_signature),
        cmocka_unit_test(counts_and_sizes_are_limited),
        cmocka_unit_test(sizes_of_values_are_limited),
        cmocka_unit_test(odd_versions_are_flagged_or_refused),
        cmocka_unit_test(impossible_ecdsa_values_do_not_verify),
        cmocka_unit_test(no_changed_octet_changes_what_is_signed),
        cmocka_unit_test(every_shortened_message_is_malformed),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
