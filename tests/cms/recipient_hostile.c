/* SPDX-License-Identifier: BSD-2-Clause */
/* Recipients that somebody altered or made up: too many, forged, shared keys, key transport. */
#include "cms/envelopes.h"
#include "crypto/keywrap.h"

#include <openssl/rsa.h>
#include <stdio.h>

/* ADV-082: forged recipients that name our key, in front of the real one */
static void test_forged_first(void **state)
{
    fixture *f = *state;
    for (size_t k = 0; k < KINDS; k++) {
        sv_arena_reset(f->arena);
        sv_cms_key key = test_key(f, kinds[k]);
        parts p = sealed_parts(f, kinds[k], SIPVEIL_CIPHER_AES_256_GCM);
        parts q = sealed_parts(f, kinds[k], SIPVEIL_CIPHER_AES_256_GCM); /* a good wrap of another CEK */
        sipveil_span real = p.recipients;
        p.recipients = JOIN(q.recipients, real);
        expect(f, "ADV-082", written(p), &key, &tolerant, SIPVEIL_OK);
        p.recipients = JOIN(real, q.recipients);
        expect(f, "ADV-081", written(p), &key, &tolerant, SIPVEIL_OK);
        p.recipients = JOIN(q.recipients, q.recipients);
        expect(f, "only forged", written(p), &key, &tolerant, SIPVEIL_CANNOT_DECRYPT);
        /* ADV-083: private-key operations end after four, shared keys after eight */
        bool private_key = key.kind == SV_CMS_KEY_CERTIFICATE;
        sipveil_span three = JOIN(q.recipients, q.recipients, q.recipients);
        p.recipients = JOIN(three, real);
        expect(f, "fourth", written(p), &key, &tolerant, SIPVEIL_OK);
        p.recipients = JOIN(three, q.recipients, real);
        expect(f, "fifth", written(p), &key, &tolerant, private_key ? SIPVEIL_LIMIT : SIPVEIL_OK);
        p.recipients = JOIN(three, three, q.recipients, q.recipients, real);
        expect(f, "ninth", written(p), &key, &tolerant, SIPVEIL_LIMIT);
    }
}

/* ADV-083, ADV-059: counted before anything is looked at */
static void test_counts(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128");
    sipveil_error err;
    sv_opening out;
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM);
    sipveil_span one = kekri(SV_SPAN("someone else"), NOTHING, AES_128_WRAP_OID, SV_SPAN("x")), real = p.recipients;
    sipveil_span sixteen = JOIN(one, one, one, one, one, one, one, one, one, one, one, one, one, one, one, one);
    p.recipients = JOIN(real, sixteen, sixteen, sixteen, sixteen);
    expect(f, "65", written(p), &key, &tolerant, SIPVEIL_LIMIT);
    p.recipients = NOTHING;
    expect(f, "ADV-059", written(p), &key, &tolerant, SIPVEIL_MALFORMED);
    sipveil_span lots = sixteen;
    for (int i = 0; i < 7; i++) lots = JOIN(lots, lots); /* 2048 */
    p.recipients = JOIN(real, lots);
    expect(f, "2049", written(p), &key, &tolerant, SIPVEIL_LIMIT);
    p.recipients = JOIN(lots, lots, lots, lots, lots, lots, lots, lots, lots, lots); /* 20480: the gate */
    expect(f, "20480", written(p), &key, &tolerant, SIPVEIL_LIMIT);
    /* the names of those whom it is for, five at most */
    p.recipients = JOIN(one, kekri(SV_SPAN("a\r\nb"), NOTHING, AES_128_WRAP_OID, SV_SPAN("x")), sixteen);
    assert_int_equal(open_sealed(f, written(p), &key, 1, &tolerant, &out, &err), SIPVEIL_NO_KEY);
    assert_string_equal(err.text, "no key fits: recipients are kek \"someone else\", kek \"a\\x0d\\x0ab\", "
                                  "kek \"someone else\", kek \"someone else\", kek \"someone else\" and 13 more; "
                                  "we hold kek \"kek128\"");
}

/* ADV-089, ADV-090, ADV-091, ADV-092, CMS-15 */
static size_t drawn;
static bool counted(void *user, uint8_t *out, size_t len)
{
    (void)user;
    memset(out, (int)drawn, len);
    drawn += len;
    return true;
}

/* What a worker of its own draws for its first two openings of that message. */
static size_t drawn_for(fixture *f, sipveil_context *context, sipveil_span message, const sv_cms_key *key, sipveil_code expected)
{
    fixture own = *f;
    sipveil_error err;
    sv_opening out;
    own.context = context;
    assert_int_equal(sv_crypto_new(context, &own.crypto, &err), SIPVEIL_OK);
    drawn = 0;
    assert_int_equal(open_sealed(&own, message, key, 1, &strict, &out, &err), expected);
    size_t first = drawn;
    assert_int_equal(open_sealed(&own, message, key, 1, &strict, &out, &err), expected);
    assert_int_equal(drawn, first); /* the same keys stand in for the life of the worker */
    sv_crypto_free(own.crypto);
    return first;
}

/* ADV-091: for an identifier that is not ours a random key does the work, where we hold shared keys at all, and
 * the same keys stand in whatever the outcome is (tests/bench/timing.c measures it) */
static void test_unknown_identifier(void **state)
{
    fixture *f = *state;
    sipveil_context *context;
    sipveil_hooks hooks;
    sipveil_error err;
    sipveil_hooks_default(&hooks);
    hooks.random = counted;
    assert_int_equal(sipveil_context_new(&hooks, &context, &err), SIPVEIL_OK);
    sv_cms_key kek = test_key(f, "kek128"), other = test_key(f, "kek256"), password = test_key(f, "password");
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM), q = p;
    static const uint8_t zero[24] = {0};
    q.recipients = kekri(kek.kek_id, NOTHING, AES_128_WRAP_OID, sv_span(zero, 24));
    size_t good = drawn_for(f, context, written(p), &kek, SIPVEIL_OK);
    assert_int_equal(good, sizeof(sv_stand_in));
    assert_int_equal(drawn_for(f, context, written(q), &kek, SIPVEIL_CANNOT_DECRYPT), good);
    assert_int_equal(drawn_for(f, context, written(p), &other, SIPVEIL_NO_KEY), good);
    assert_int_equal(drawn_for(f, context, written(p), &password, SIPVEIL_NO_KEY), 0);
    sipveil_context_free(context);
}

static bool zeros(void *user, uint8_t *out, size_t len)
{
    (void)user;
    memset(out, 0, len);
    return true;
}

/* ADV-091: even who knew the keys that stand in could open nothing with them. Here they are all zeros, as are the
 * content key of the message and the key that wrapped it; known identifier or not, it is refused as any other. */
static void test_stand_in_opens_nothing(void **state)
{
    fixture *f = *state;
    fixture own = *f;
    sipveil_hooks hooks;
    sipveil_error err, other_err;
    sv_opening out;
    static const uint8_t zero[32] = {0};
    sipveil_hooks_default(&hooks);
    hooks.random = zeros;
    assert_int_equal(sipveil_context_new(&hooks, &own.context, &err), SIPVEIL_OK);
    assert_int_equal(sv_crypto_new(own.context, &own.crypto, &err), SIPVEIL_OK);
    sv_cms_key forged = {.kind = SV_CMS_KEY_KEK, .kek_id = SV_SPAN("kek128"), .kek = sv_span(zero, 16)};
    sv_cms_key real = test_key(f, "kek128"), other = test_key(f, "kek256");
    const sipveil_cipher ciphers[] = {SIPVEIL_CIPHER_AES_128_GCM, SIPVEIL_CIPHER_AES_128_CBC};
    for (size_t i = 0; i < 2; i++) {
        sipveil_span sealed = copy_of(f, seal(&own, &forged, 1, ciphers[i], SV_SPAN("hello")));
        assert_int_equal(open_sealed(&own, sealed, &forged, 1, &strict, &out, &err), SIPVEIL_OK);
        assert_int_equal(open_sealed(&own, sealed, &real, 1, &strict, &out, &err), SIPVEIL_CANNOT_DECRYPT);
        assert_int_equal(open_sealed(f, sealed, &real, 1, &strict, &out, &other_err), SIPVEIL_CANNOT_DECRYPT);
        assert_string_equal(err.text, other_err.text);
        assert_int_equal(open_sealed(&own, sealed, &other, 1, &strict, &out, &err), SIPVEIL_NO_KEY);
        assert_ptr_equal(out.plaintext.data, NULL);
    }
    sv_crypto_free(own.crypto);
    sipveil_context_free(own.context);
}

/* CMS-15: with a date, the key that was good then, whatever stands under the identifier; without one, all */
static void test_kekri_date(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "kek128"), keys[2] = {key, key};
    static const uint8_t later[16] = {7};
    enum { JANUARY = 1767225600 }; /* 2026-01-01T00:00:00Z */
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM);
    sv_cursor c = sv_cursor_over(content_of(p.recipients), "kekri");
    for (int i = 0; i < 3; i++) (void)take_whole(&c);
    sipveil_span wrapped = content_of(take_whole(&c));
    const struct {
        const char *date;
        int64_t from, until;
        sipveil_code code;
    } rows[] = {
        {NULL, JANUARY + 1, JANUARY + 2, SIPVEIL_OK},
        {"20260101000000Z", 0, 0, SIPVEIL_OK},
        {"20260101000000Z", JANUARY, JANUARY + 1, SIPVEIL_OK},
        {"20260101000000Z", JANUARY, 0, SIPVEIL_OK},
        {"20260101000000Z", JANUARY + 1, 0, SIPVEIL_NO_KEY},
        {"20260101000000Z", 0, JANUARY, SIPVEIL_NO_KEY},
        {"20260101000000Z", 0, JANUARY + 1, SIPVEIL_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_span date = rows[i].date == NULL ? NOTHING : TLV(0x18, sv_span_str(rows[i].date));
        p.recipients = kekri(key.kek_id, date, AES_128_WRAP_OID, wrapped);
        key.valid_from = rows[i].from;
        key.valid_until = rows[i].until;
        expect(f, rows[i].date, written(p), &key, &strict, rows[i].code);
    }
    keys[0].kek = sv_span(later, 16); /* January's key is the second one */
    keys[0].valid_until = keys[1].valid_from = JANUARY;
    sv_opening out;
    sipveil_error err;
    assert_int_equal(open_sealed(f, written(p), keys, 2, &strict, &out, &err), SIPVEIL_OK);
    assert_int_equal(out.key, 1);
    keys[1].valid_until = JANUARY + 1;
    keys[0].valid_until = 0;
    keys[0].valid_from = JANUARY + 1;
    p.recipients = kekri(key.kek_id, TLV(0x18, SV_SPAN("20260101000001Z")), AES_128_WRAP_OID, wrapped);
    assert_int_equal(open_sealed(f, written(p), keys, 2, &strict, &out, &err), SIPVEIL_CANNOT_DECRYPT);
}

static void test_kekri(void **state)
{
    fixture *f = *state;
    static uint8_t large[1 << 20];
    sv_cms_key key = test_key(f, "kek128");
    parts p = sealed_parts(f, "kek128", SIPVEIL_CIPHER_AES_128_GCM);
    sv_cursor c = sv_cursor_over(content_of(p.recipients), "kekri");
    (void)take_whole(&c);
    (void)take_whole(&c);
    (void)take_whole(&c);
    sipveil_span wrapped = content_of(take_whole(&c)), id = SV_SPAN("kek128");
    sipveil_span date = TLV(0x18, SV_SPAN("20260101000000Z")), other = TLV(0x30, der_oid("1.2.3"), der_octets(SV_SPAN("x")));
    uint8_t wrapped32[40];
    static const uint8_t cek32[32] = {5};
    assert_int_equal(sv_wrap_key(f->crypto, SV_WRAP_AES_128, kek_octets, sv_span(cek32, 32), wrapped32, NULL), SIPVEIL_OK);
    const struct {
        const char *what;
        sipveil_span recipient;
        sipveil_code code;
    } rows[] = {
        {"as it was", kekri(id, NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_OK},
        {"ADV-092 date", kekri(id, date, AES_128_WRAP_OID, wrapped), SIPVEIL_OK},
        {"ADV-092 date and other", kekri(id, JOIN(date, other), AES_128_WRAP_OID, wrapped), SIPVEIL_OK},
        {"ADV-092 not a date", kekri(id, TLV(0x18, SV_SPAN("x")), AES_128_WRAP_OID, wrapped), SIPVEIL_MALFORMED},
        {"ADV-092 something more", kekri(id, DER_NULL, AES_128_WRAP_OID, wrapped), SIPVEIL_MALFORMED},
        {"ADV-092 no octets", kekri(NOTHING, NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-092 64 KiB", kekri(sv_span(large, 65536), NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-092 with NUL", kekri(sv_span("kek128\0", 7), NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-092 its start", kekri(SV_SPAN("kek12"), NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-092 other case", kekri(SV_SPAN("KEK128"), NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-092 a path", kekri(SV_SPAN("../kek128"), NOTHING, AES_128_WRAP_OID, wrapped), SIPVEIL_NO_KEY},
        {"ADV-089 nothing", kekri(id, NOTHING, AES_128_WRAP_OID, NOTHING), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 8", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(wrapped.data, 8)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 15", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(wrapped.data, 15)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 16", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(wrapped.data, 16)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 41", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(large, 41)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 1 MiB", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(large, sizeof large)), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-089 KWP", kekri(id, NOTHING, "2.16.840.1.101.3.4.1.8", wrapped), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-088 3DES wrap", kekri(id, NOTHING, "1.2.840.113549.1.9.16.3.6", wrapped), SIPVEIL_CANNOT_DECRYPT},
        {"ADV-090 a CEK of 32", kekri(id, NOTHING, AES_128_WRAP_OID, sv_span(wrapped32, 40)), SIPVEIL_CANNOT_DECRYPT},
        {"wrap of another size", kekri(id, NOTHING, "2.16.840.1.101.3.4.1.45", wrapped), SIPVEIL_CANNOT_DECRYPT},
        {"parameters NULL", TLV(0xA2, der_number(4), TLV(0x30, der_octets(id)), TLV(0x30, der_oid(AES_128_WRAP_OID), DER_NULL), der_octets(wrapped)), SIPVEIL_OK},
        {"parameters odd", TLV(0xA2, der_number(4), TLV(0x30, der_octets(id)), TLV(0x30, der_oid(AES_128_WRAP_OID), der_number(1)), der_octets(wrapped)), SIPVEIL_CANNOT_DECRYPT},
        {"a field more", TLV(0xA2, der_number(4), TLV(0x30, der_octets(id)), TLV(0x30, der_oid(AES_128_WRAP_OID)), der_octets(wrapped), DER_NULL), SIPVEIL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        p.recipients = rows[i].recipient;
        expect(f, rows[i].what, written(p), &key, &tolerant, rows[i].code);
    }
    /* ADV-089: a key of 32 octets is not one of 16, though its first half wrapped the content key */
    sv_cms_key longer = test_key(f, "kek256");
    p.recipients = kekri(longer.kek_id, NOTHING, AES_128_WRAP_OID, wrapped);
    expect(f, "half of a longer key", written(p), &longer, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    /* a constructed identifier and key, as BER allows */
    p.recipients = TLV(0xA2, der_number(4), TLV(0x30, TLV(0x24, der_octets(SV_SPAN("kek")), der_octets(SV_SPAN("128")))),
                       TLV(0x30, der_oid(AES_128_WRAP_OID)),
                       TLV(0x24, der_octets(sv_span(wrapped.data, 1)), der_octets(sv_span_from(wrapped, 1))));
    expect(f, "constructed", written(p), &key, &tolerant, SIPVEIL_OK);
}

/* ADV-097 */
static void test_other_recipients(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "P-256");
    sipveil_error err;
    sv_enveloped e;
    parts p = sealed_parts(f, "P-256", SIPVEIL_CIPHER_AES_128_CBC);
    p.recipients = JOIN(TLV(0xA4, der_oid("1.2.3"), der_octets(SV_SPAN("random"))), TLV(0xA4, NOTHING), p.recipients);
    p.version = der_number(3);
    expect(f, "ori", written(p), &key, &strict, SIPVEIL_OK);
    assert_int_equal(read_sealed(f, written(p), &strict, &e, &err), SIPVEIL_OK);
    assert_int_equal(e.recipient_count, 3);
    assert_int_equal(sv_cms_recipient_kind(&e, 0), SV_RECIPIENT_ORI);
    p.recipients = JOIN(TLV(0xA5, NOTHING), p.recipients);
    expect(f, "no such kind", written(p), &key, &strict, SIPVEIL_MALFORMED);
}

/* ---- key transport ---- */

static sipveil_span ktri_with(const sv_cms_key *key, sipveil_span algorithm, sipveil_span encrypted)
{
    return TLV(0x30, der_number(0), TLV(0x30, key->issuer, TLV(0x02, key->serial)), algorithm, der_octets(encrypted));
}

static sipveil_span oaep(sipveil_span hash, sipveil_span mask, sipveil_span source)
{
    return TLV(0x30, der_oid("1.2.840.113549.1.1.7"),
               TLV(0x30, hash.len > 0 ? TLV(0xA0, hash) : NOTHING, mask.len > 0 ? TLV(0xA1, mask) : NOTHING,
                   source.len > 0 ? TLV(0xA2, source) : NOTHING));
}

static sipveil_span encrypt_oaep(fixture *f, EVP_PKEY *key, const char *hash, const char *mask, sipveil_span cek)
{
    size_t len = 256;
    uint8_t *out = sv_arena_alloc(f->arena, 256);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(f->context->library, key, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, hash, NULL), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, mask, NULL), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len, cek.data, cek.len), 1);
    EVP_PKEY_CTX_free(ctx);
    return sv_span(out, len);
}

#define SHA1_ALGORITHM TLV(0x30, der_oid("1.3.14.3.2.26"), DER_NULL)
#define SHA256_ALGORITHM TLV(0x30, der_oid("2.16.840.1.101.3.4.2.1"))
#define SHA512_ALGORITHM TLV(0x30, der_oid("2.16.840.1.101.3.4.2.3"), DER_NULL)
#define MD5_ALGORITHM TLV(0x30, der_oid("1.2.840.113549.2.5"), DER_NULL)
#define MGF1(hash) TLV(0x30, der_oid("1.2.840.113549.1.1.8"), hash)
#define SOURCE(octets) TLV(0x30, der_oid("1.2.840.113549.1.1.9"), der_octets(octets))

/* ADV-084, ADV-085 */
static void test_oaep(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "rsa2048");
    sipveil_span cek;
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &key, .recipient_count = 1, .cek_out = &cek};
    parts p = parts_of(f, seal_with(f, &request, SV_SPAN("hello")));
    sipveil_span sha1 = encrypt_oaep(f, key.public_key, "SHA1", "SHA1", cek), sha256 = encrypt_oaep(f, key.public_key, "SHA2-256", "SHA2-256", cek);
    sipveil_span mixed = encrypt_oaep(f, key.public_key, "SHA2-512", "SHA1", cek);
    uint8_t *high = sv_arena_alloc(f->arena, 257), *large = sv_arena_alloc(f->arena, 1 << 20);
    memset(high, 0xFF, 257);
    const struct {
        const char *what;
        sipveil_span recipient;
        sipveil_code code;
        const char *name; /* NULL: not read */
        bool weak;
    } rows[] = {
        {"SHA-256", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), sha256), SIPVEIL_OK, "rsa-oaep-sha256", false},
        {"an empty label", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), SOURCE(NOTHING)), sha256), SIPVEIL_OK, "rsa-oaep-sha256", false},
        {"parameters absent", ktri_with(&key, TLV(0x30, der_oid("1.2.840.113549.1.1.7")), sha1), SIPVEIL_OK, "rsa-oaep-sha1", true},
        {"parameters empty", ktri_with(&key, oaep(NOTHING, NOTHING, NOTHING), sha1), SIPVEIL_OK, "rsa-oaep-sha1", true},
        {"SHA-1 explicit", ktri_with(&key, oaep(SHA1_ALGORITHM, MGF1(SHA1_ALGORITHM), NOTHING), sha1), SIPVEIL_OK, "rsa-oaep-sha1", true},
        {"two hashes", ktri_with(&key, oaep(SHA512_ALGORITHM, NOTHING, NOTHING), mixed), SIPVEIL_OK, "rsa-oaep-sha512-mgf1-sha1", true},
        {"another hash", ktri_with(&key, oaep(SHA512_ALGORITHM, MGF1(SHA512_ALGORITHM), NOTHING), sha256), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha512", false},
        {"MGF1 with MD5", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(MD5_ALGORITHM), NOTHING), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"a label", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), SOURCE(SV_SPAN("label"))), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"another source", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), TLV(0x30, der_oid("1.2.3"))), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"another source, no label", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), TLV(0x30, der_oid("1.2.3"), der_octets(NOTHING))), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"another mask", ktri_with(&key, oaep(SHA256_ALGORITHM, TLV(0x30, der_oid("1.2.3"), SHA256_ALGORITHM), NOTHING), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"parameters NULL", ktri_with(&key, TLV(0x30, der_oid("1.2.840.113549.1.1.7"), DER_NULL), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"unknown transport", ktri_with(&key, TLV(0x30, der_oid("1.2.3")), sha256), SIPVEIL_CANNOT_DECRYPT, NULL, false},
        {"ADV-085 nothing", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), NOTHING), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
        {"ADV-085 255", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), sv_span(sha256.data, 255)), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
        {"ADV-085 257", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), sv_span(high, 257)), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
        {"ADV-085 n or more", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), sv_span(high, 256)), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
        {"ADV-085 1 MiB", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), sv_span(large, 1 << 20)), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
        {"ADV-090 a CEK of 15", ktri_with(&key, oaep(SHA256_ALGORITHM, MGF1(SHA256_ALGORITHM), NOTHING), encrypt_oaep(f, key.public_key, "SHA2-256", "SHA2-256", sv_span(cek.data, 15))), SIPVEIL_CANNOT_DECRYPT, "rsa-oaep-sha256", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sv_enveloped e;
        sipveil_error err;
        p.recipients = rows[i].recipient;
        expect(f, rows[i].what, written(p), &key, &tolerant, rows[i].code);
        assert_int_equal(read_sealed(f, written(p), &tolerant, &e, &err), SIPVEIL_OK);
        bool is_weak;
        sv_recipient room;
        const char *name = sv_cms_describe_recipient(sv_cms_recipient(&e, 0, &room), f->arena, &is_weak);
        assert_string_equal(name, rows[i].name != NULL ? rows[i].name : "unknown");
        assert_int_equal(is_weak, rows[i].weak);
    }
    /* a key of another kind under our name */
    sv_cms_key wrong = test_key(f, "P-256");
    wrong.issuer = key.issuer;
    wrong.serial = key.serial;
    expect(f, "an EC key", written(p), &wrong, &tolerant, SIPVEIL_CANNOT_DECRYPT);
    wrong.private_key = NULL;
    expect(f, "no private key", written(p), &wrong, &tolerant, SIPVEIL_NO_KEY);
}

/* ADV-080 */
static void test_v15(void **state)
{
    fixture *f = *state;
    sv_cms_key key = test_key(f, "rsa2048");
    sipveil_span algorithm = TLV(0x30, der_oid("1.2.840.113549.1.1.1"), DER_NULL), cek;
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &key, .recipient_count = 1, .cek_out = &cek};
    parts p = parts_of(f, seal_with(f, &request, SV_SPAN("hello")));
    uint8_t block[256], sealed[256];
    sv_enveloped e;
    sipveil_error err;
    sv_opening out;
    for (unsigned kind = 0; kind < 200; kind++) {
        size_t len = sizeof sealed;
        memset(block, 0x11, sizeof block);
        block[0] = 0;
        block[1] = 2;
        block[256 - 17] = 0;
        memcpy(block + 240, cek.data, 16);
        if (kind == 1) block[1] = 1;                             /* not conforming */
        if (kind == 2) block[240] ^= 1;                          /* conforming, wrong key */
        if (kind == 3) block[256 - 17] = 1, block[256 - 16] = 0; /* conforming, 15 octets */
        if (kind > 3) memset(block + 1, (int)kind, 255);         /* anything */
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(f->context->library, key.public_key, NULL);
        assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
        assert_int_equal(EVP_PKEY_encrypt(ctx, sealed, &len, block, 256), 1);
        EVP_PKEY_CTX_free(ctx);
        p.recipients = ktri_with(&key, algorithm, sv_span(sealed, 256));
        expect(f, "v1.5 by name", written(p), &key, &weak, kind == 0 ? SIPVEIL_OK : SIPVEIL_CANNOT_DECRYPT);
        if (kind > 3) continue;
        p.recipients = ktri_with(&key, TLV(0x30, der_oid("1.2.840.113549.1.1.1"), der_number(1)), sv_span(sealed, 256));
        expect(f, "v1.5 with odd parameters", written(p), &key, &weak, SIPVEIL_CANNOT_DECRYPT);
        p.recipients = ktri_with(&key, algorithm, sv_span(sealed, 256));
        expect(f, "v1.5", written(p), &key, &tolerant, SIPVEIL_POLICY);
    }
    assert_int_equal(open_sealed(f, written(p), &key, 1, &tolerant, &out, &err), SIPVEIL_POLICY);
    assert_int_equal(err.sip_status, 493);
    assert_string_equal(err.hint, "--allow-weak rsa-v1.5 reads it");
    assert_int_equal(read_sealed(f, written(p), &tolerant, &e, &err), SIPVEIL_OK);
    bool is_weak;
    sv_recipient room;
    assert_string_equal(sv_cms_describe_recipient(sv_cms_recipient(&e, 0, &room), f->arena, &is_weak), "rsa-v1.5");
    assert_true(is_weak);
    /* refused by name beside one that is not: the other is used */
    parts q = parts_of(f, seal_with(f, &request, SV_SPAN("hello")));
    q.recipients = JOIN(p.recipients, q.recipients);
    expect(f, "v1.5 and OAEP", written(q), &key, &tolerant, SIPVEIL_OK);
}

/* Who may read it, for whom nothing fits: names as a log line may hold them. */
static void test_names_of_recipients(void **state)
{
    fixture *f = *state;
    sv_cms_key keys[] = {test_key(f, "rsa2048"), test_key(f, "P-256"), test_key(f, "password")};
    sv_cms_key other = test_key(f, "kek128"), theirs = keys[1];
    char expected[256];
    sv_opening out;
    sipveil_error err;
    theirs.private_key = NULL; /* a certificate alone opens nothing */
    for (int by_key = 0; by_key < 2; by_key++) {
        sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_GCM, .recipients = &keys[1], .recipient_count = 2,
                                   .by_key_identifier = by_key != 0, .pbkdf2_iterations = TEST_ITERATIONS};
        sipveil_span sealed = seal_with(f, &request, SV_SPAN("hello"));
        assert_int_equal(open_sealed(f, sealed, &theirs, 1, &tolerant, &out, &err), SIPVEIL_NO_KEY);
        assert_non_null(strstr(err.text, "; we hold no key"));
        assert_string_equal(err.hint, "the certificate of a recipient is here, but not its private key");
        assert_int_equal(open_sealed(f, sealed, &other, 1, &tolerant, &out, &err), SIPVEIL_NO_KEY);
        assert_string_equal(err.hint, "");
        size_t used = (size_t)snprintf(expected, sizeof expected, "no key fits: recipients are cert %s",
                                       by_key ? "key-id " : "CN=P-256 serial ");
        sipveil_span shown = by_key ? keys[1].ski : keys[1].serial;
        for (size_t i = 0; i < shown.len; i++) {
            used += (size_t)snprintf(expected + used, sizeof expected - used, by_key ? "%02x" : "%02X", shown.data[i]);
        }
        snprintf(expected + used, sizeof expected - used, ", password; we hold kek \"kek128\"");
        assert_string_equal(err.text, expected);
    }
    /* a Name that is none, and one with control octets */
    sv_cms_key odd = keys[0];
    odd.issuer = TLV(0x30, DER_NULL);
    sipveil_span sealed = seal(f, &odd, 1, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
    assert_int_equal(open_sealed(f, sealed, &other, 1, &tolerant, &out, &err), SIPVEIL_NO_KEY);
    odd.issuer = TLV(0x30, TLV(0x31, TLV(0x30, der_oid("2.5.4.3"), TLV(0x0C, SV_SPAN("a\r\nb\x1B")))));
    sealed = seal(f, &odd, 1, SIPVEIL_CIPHER_AES_128_GCM, SV_SPAN("hello"));
    assert_int_equal(open_sealed(f, sealed, &other, 1, &tolerant, &out, &err), SIPVEIL_NO_KEY);
    assert_true(sv_is_text(sv_span_str(err.text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENVELOPE_TEST(test_forged_first),
        ENVELOPE_TEST(test_counts),
        ENVELOPE_TEST(test_kekri),
        ENVELOPE_TEST(test_kekri_date),
        ENVELOPE_TEST(test_unknown_identifier),
        ENVELOPE_TEST(test_stand_in_opens_nothing),
        ENVELOPE_TEST(test_other_recipients),
        ENVELOPE_TEST(test_oaep),
        ENVELOPE_TEST(test_v15),
        ENVELOPE_TEST(test_names_of_recipients),
    };
    return cmocka_run_group_tests_name("altered and made-up recipients", tests, envelope_setup, fixture_teardown);
}
