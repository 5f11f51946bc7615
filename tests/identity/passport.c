/* SPDX-License-Identifier: BSD-2-Clause */
/* PASSporT: the reference vectors bit for bit, and everything that a token must not be. */
#include "world.h"

#include "crypto/sign.h"
#include "identity/passport.h"

#define HEADER "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9"
#define PAYLOAD "eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ0MzIwODM0NSwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19"
#define JSON_HEADER "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"https://cert.example.org/passport.cer\"}"
#define JSON_PAYLOAD "{\"dest\":{\"uri\":[\"sip:alice@example.com\"]},\"iat\":1443208345,\"orig\":{\"tn\":\"12155551212\"}}"
#define JSON_MKY                                                                                              \
    "{\"dest\":{\"uri\":[\"sip:alice@example.com\"]},\"iat\":1443208345,\"mky\":["                              \
    "{\"alg\":\"sha-256\",\"dig\":\"021ACC5427ABEB9C533F3E4B652E7D463F5442CD54F17A03A27DF9B07F4619B2\"},"       \
    "{\"alg\":\"sha-256\",\"dig\":\"4AADB9B13F82183B540212DF3E5D496B19E57CAB3E4B652E7D463F5442CD54F1\"}],"      \
    "\"orig\":{\"tn\":\"12155551212\"}}"

static sv_passport example(void)
{
    return (sv_passport){.x5u = SV_SPAN("https://cert.example.org/passport.cer"),
                         .orig = {.text = SV_SPAN("12155551212"), .is_number = true},
                         .dest = {.text = SV_SPAN("sip:alice@example.com")},
                         .iat = 1443208345};
}

/* Section 3 of the specification: both JSON texts, their base64url, the digest over 221 octets. */
static void reference_vector(void **state)
{
    world *w = begin(state);
    sv_passport token = example();
    sv_buffer b;
    uint8_t digest[SV_DIGEST_MOST];
    char hex[65];
    sv_crypto *crypto;
    sv_buffer_init(&b, w->arena, 512, 4096);
    assert_code(sv_passport_put_header(&token, &b, &w->err), SIPVEIL_OK);
    assert_true(sv_equal_str(sv_buffer_span(&b), JSON_HEADER));
    sv_buffer_init(&b, w->arena, 512, 4096);
    assert_code(sv_passport_put_payload(&token, w->arena, &b, &w->err), SIPVEIL_OK);
    assert_true(sv_equal_str(sv_buffer_span(&b), JSON_PAYLOAD));
    sv_buffer_init(&b, w->arena, 512, 4096);
    assert_code(sv_passport_put_signed(&token, w->arena, &b, &w->err), SIPVEIL_OK);
    assert_true(sv_equal_str(sv_buffer_span(&b), HEADER "." PAYLOAD));
    assert_int_equal(b.len, 221);
    assert_code(sv_crypto_new(w->context, &crypto, &w->err), SIPVEIL_OK);
    assert_code(sv_digest_octets(crypto, sv_digest_by_name("sha256"), sv_buffer_span(&b), digest, &w->err), SIPVEIL_OK);
    sv_crypto_free(crypto);
    for (size_t i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(hex, "d9a9471f1d7d843a5b3f8c499b491cfee3d8c8298d0451c2b7bff5f9bf1601b6");
    sipveil_identity_fingerprint prints[] = {
        {SV_SPAN("sha-256"), SV_SPAN("021ACC5427ABEB9C533F3E4B652E7D463F5442CD54F17A03A27DF9B07F4619B2")},
        {SV_SPAN("sha-256"), SV_SPAN("4AADB9B13F82183B540212DF3E5D496B19E57CAB3E4B652E7D463F5442CD54F1")}};
    token.mky = (sv_fingerprints){prints, 2};
    token.dest = (sv_identity_name){.text = SV_SPAN("12155551213"), .is_number = true};
    sv_buffer_init(&b, w->arena, 512, 4096);
    assert_code(sv_passport_put_payload(&token, w->arena, &b, &w->err), SIPVEIL_OK);
    assert_true(sv_starts_nocase_str(sv_buffer_span(&b), "{\"dest\":{\"tn\":[\"12155551213\"]},"));
    token.dest = example().dest;
    sv_buffer_init(&b, w->arena, 512, 4096);
    assert_code(sv_passport_put_payload(&token, w->arena, &b, &w->err), SIPVEIL_OK);
    assert_true(sv_equal_str(sv_buffer_span(&b), JSON_MKY));
}

static sipveil_span encode(world *w, const char *json)
{
    sv_buffer b;
    sv_buffer_init(&b, w->arena, 512, 1 << 20);
    sv_mime_put_base64url(&b, sv_span_str(json));
    return sv_buffer_span(&b);
}

static sipveil_code read_token(world *w, const char *header, const char *payload, unsigned flags, sv_passport *out)
{
    const sv_json *json;
    return sv_passport_read(encode(w, header), encode(w, payload), flags, w->arena, out, &json, &w->err);
}

static void reads_what_it_writes(void **state)
{
    world *w = begin(state);
    sv_passport token;
    assert_code(read_token(w, JSON_HEADER, JSON_MKY, 0, &token), SIPVEIL_OK);
    assert_true(token.orig.is_number && sv_equal_str(token.orig.text, "12155551212"));
    assert_true(!token.dest.is_number && sv_equal_str(token.dest.text, "sip:alice@example.com"));
    assert_int_equal(token.iat, 1443208345);
    assert_int_equal(token.mky.count, 2);
    assert_code(read_token(w, "{\"alg\":\"ES256\",\"ppt\":\"msec\",\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, 0, &token), SIPVEIL_OK);
    assert_true(sv_equal_str(token.ppt, "msec"));
    assert_code(read_token(w, JSON_HEADER, "{\"dest\":{\"tn\":[\"1\"]},\"iat\":1,\"orig\":{\"uri\":\"sip:a@b\"}}", 0, &token), SIPVEIL_OK);
    assert_true(token.dest.is_number && sv_equal_str(token.dest.text, "1") && !token.orig.is_number);
    /* IDN-25: two of them are not the one of To, whichever it is */
    static const char *const two[] = {"{\"uri\":[\"aa\",\"ab\"]}", "{\"uri\":[\"a\",\"ab\"]}", "{\"tn\":[\"1\"],\"uri\":[\"a\"]}"};
    for (size_t i = 0; i < sizeof two / sizeof *two; i++) {
        char payload[128];
        snprintf(payload, sizeof payload, "{\"dest\":%s,\"iat\":1,\"orig\":{\"tn\":\"1\"}}", two[i]);
        assert_code(read_token(w, JSON_HEADER, payload, 0, &token), SIPVEIL_OK);
        assert_int_equal(token.dest.text.len, 0);
    }
}

/* ADV-192, IDN-24, IDN-25, IDN-26, IDN-30, IDN-43 */
static void refuses(void **state)
{
    static const struct {
        const char *header, *payload, *rule;
    } rows[] = {
        {"{\"alg\":\"none\",\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-24"},
        {"{\"alg\":\"HS256\",\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-24"},
        {"{\"alg\":\"RS256\",\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-24"},
        {"{\"alg\":\"es256\",\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-24"},
        {"{\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-24"},
        {"{\"alg\":\"ES256\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-24"},
        {"{\"alg\":\"ES256\",\"typ\":\"JWT\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-24"},
        {"{\"alg\":\"ES256\",\"typ\":\"passport\"}", JSON_PAYLOAD, "IDN-24"},
        {"{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":7}", JSON_PAYLOAD, "IDN-24"},
        {"{\"alg\":\"ES256\",\"ppt\":7,\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-24"},
        {"{\"alg\":\"ES256\",\"ppt\":\"\",\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-24"},
        {"{\"alg\":\"ES256\",\"crit\":[\"x\"],\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "ADV-192"},
        {"{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "ADV-192"},
        {"[]", JSON_PAYLOAD, "IDN-24"},
        {"", JSON_PAYLOAD, "ADV-192"},
        /* another form of the same */
        {"{\"typ\":\"passport\",\"alg\":\"ES256\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-26"},
        {"{\"alg\": \"ES256\",\"typ\":\"passport\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-26"},
        {"{\"alg\":\"ES256\",\"typ\":\"pass\\u0070ort\",\"x5u\":\"https://x\"}", JSON_PAYLOAD, "IDN-26"},
        {JSON_HEADER, " " JSON_PAYLOAD, "IDN-26"},
        {JSON_HEADER, "{\"iat\":1,\"dest\":{\"uri\":[\"a\"]},\"orig\":{\"tn\":\"1\"}}", "IDN-26"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1.0,\"orig\":{\"tn\":\"1\"}}", "IDN-26"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1e3,\"orig\":{\"tn\":\"1\"}}", "IDN-26"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":-1,\"orig\":{\"tn\":\"1\"}}", "IDN-26"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":\"1443208345\",\"orig\":{\"tn\":\"1\"}}", "IDN-26"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":99999999999999,\"orig\":{\"tn\":\"1\"}}", "IDN-26"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"orig\":{\"tn\":\"1\"}}", "IDN-26"},
        /* identities */
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"orig\":{}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"orig\":{\"tn\":\"1\",\"uri\":\"sip:a@b\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"orig\":{\"tn\":[\"1\"]}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"orig\":{\"tn\":1}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"orig\":{\"tn\":\"\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"orig\":[\"1\"]}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"orig\":{\"id\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[]},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":\"a\"},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":{\"a\":\"a\"}},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"id\":[\"a\"]},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"ab\",\"aa\"]},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"ab\",\"a\"]},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"b\",\"a\"]},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":[\"a\"],\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[7]},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"\"]},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "IDN-25"},
        /* fingerprints */
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"mky\":[],\"orig\":{\"tn\":\"1\"}}", "IDN-30"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"mky\":[{\"alg\":\"sha-256\"}],\"orig\":{\"tn\":\"1\"}}", "IDN-30"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"mky\":[{\"dig\":\"00\"}],\"orig\":{\"tn\":\"1\"}}", "IDN-30"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"mky\":[{\"alg\":7,\"dig\":\"00\"}],\"orig\":{\"tn\":\"1\"}}", "IDN-30"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"mky\":[{\"alg\":\"x\",\"dig\":7}],\"orig\":{\"tn\":\"1\"}}", "IDN-30"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"mky\":{\"a\":{\"alg\":\"x\",\"dig\":\"00\"}},\"orig\":{\"tn\":\"1\"}}", "IDN-30"},
        {JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"mky\":\"x\",\"orig\":{\"tn\":\"1\"}}", "IDN-30"},
        /* depth */
        {JSON_HEADER, "{\"a\":[[[[[[1]]]]]],\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"orig\":{\"tn\":\"1\"}}", "ADV-192"},
    };
    world *w = begin(state);
    sv_passport token;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_code code = read_token(w, rows[i].header, rows[i].payload, 0, &token);
        if (code != SIPVEIL_MALFORMED || strcmp(w->err.rule, rows[i].rule) != 0) {
            fail_msg("%s %s: %s %s %s", rows[i].header, rows[i].payload, sipveil_code_name(code), w->err.rule, w->err.text);
        }
    }
    const sv_json *json;
    assert_code(sv_passport_read(SV_SPAN("e30="), SV_SPAN("e30"), 0, w->arena, &token, &json, &w->err), SIPVEIL_MALFORMED);
    assert_string_equal(w->err.rule, "IDN-22");
}

/* IDN-43: as many fingerprints as are read, and one more. */
static void too_many_fingerprints(void **state)
{
    world *w = begin(state);
    sv_passport token;
    for (int count = SIPVEIL_IDENTITY_FINGERPRINTS_MOST; count <= SIPVEIL_IDENTITY_FINGERPRINTS_MOST + 1; count++) {
        sv_buffer b;
        sv_buffer_init(&b, w->arena, 8192, 1 << 20);
        sv_put_str(&b, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":1,\"mky\":[");
        for (int i = 0; i < count; i++) sv_put_str(&b, i == 0 ? "{\"alg\":\"sha-256\",\"dig\":\"00\"}" : ",{\"alg\":\"sha-256\",\"dig\":\"00\"}");
        sv_put_str(&b, "],\"orig\":{\"tn\":\"1\"}}");
        bool fits = count == SIPVEIL_IDENTITY_FINGERPRINTS_MOST;
        assert_code(read_token(w, JSON_HEADER, sv_arena_string(w->arena, sv_buffer_span(&b)), 0, &token), fits ? SIPVEIL_OK : SIPVEIL_MALFORMED);
        if (!fits) assert_string_equal(w->err.rule, "IDN-43");
    }
}

/* The examples printed in the RFCs: iat as a string, only where it is asked for. */
static void samples(void **state)
{
    world *w = begin(state);
    sv_passport token;
    assert_code(read_token(w, "{ \"typ\":\"passport\",\"alg\":\"ES256\",\"x5u\":\"https://x\" }",
                     "{\"dest\":{\"uri\":[\"sip:alice@example.com\"]},\"iat\":\"1443208345\",\"orig\":{\"tn\":\"12155551212\"}}",
                     SV_PASSPORT_ANY_FORM, &token), SIPVEIL_OK);
    assert_int_equal(token.iat, 1443208345);
    assert_code(read_token(w, JSON_HEADER, "{\"dest\":{\"uri\":[\"a\"]},\"iat\":\"x\",\"orig\":{\"tn\":\"1\"}}", SV_PASSPORT_ANY_FORM, &token),
                SIPVEIL_MALFORMED);
}

/* IDN-26: one text for each value. */
static void deterministic_form(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {" { \"b\" : [ true , null ] , \"a\" : { \"z\":1, \"y\":-2 } } ", "{\"a\":{\"y\":-2,\"z\":1},\"b\":[true,null]}"},
        {"{\"\\u00e4\":1,\"z\":2,\"Z\":3}", "{\"Z\":3,\"z\":2,\"\xC3\xA4\":1}"},
        {"\"\\u0041\\/\\u001f\\n\\\"\\\\\"", "\"A/\\u001f\\n\\\"\\\\\""},
        {"[]", "[]"}, {"{}", "{}"}, {"0", "0"}, {"{\"a\":\"\"}", "{\"a\":\"\"}"}, {"{\"ab\":1,\"a\":2}", "{\"a\":2,\"ab\":1}"},
    };
    world *w = begin(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const sv_json *value;
        sv_buffer b;
        assert_code(sv_json_read(sv_span_str(rows[i].in), w->arena, &value, &w->err), SIPVEIL_OK);
        sv_buffer_init(&b, w->arena, 64, 1024);
        assert_code(sv_json_put(value, &b, &w->err), SIPVEIL_OK);
        if (!sv_equal_str(sv_buffer_span(&b), rows[i].out)) fail_msg("%.*s", (int)b.len, (const char *)b.data);
    }
    const sv_json *value;
    sv_buffer b;
    assert_code(sv_json_read(SV_SPAN("-0"), w->arena, &value, &w->err), SIPVEIL_OK);
    sv_buffer_init(&b, w->arena, 64, 1024);
    assert_code(sv_json_put(value, &b, &w->err), SIPVEIL_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reference_vector), cmocka_unit_test(reads_what_it_writes),
                                       cmocka_unit_test(refuses), cmocka_unit_test(too_many_fingerprints), cmocka_unit_test(samples), cmocka_unit_test(deterministic_form)};
    return cmocka_run_group_tests_name("PASSporT", tests, world_setup, world_teardown);
}
