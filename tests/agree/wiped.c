/* SPDX-License-Identifier: BSD-2-Clause */
/* ADV-213: what the keys of IMS and the hashes of passwords leave on the stack of the calls that derive from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agree/digest.h"
#include "agree/ipsec_3gpp.h"
#include "crypto/crypto.h"
#include "crypto/kdf.h"
#include "own_stack.h"
#include "sipveil/crypto.h"

static sipveil_context *context;
static sv_crypto *crypto;
static const sv_ims_keys keys = {.ik = "an integrity key", .ck = "a cipher key: 16"};
static const sv_digest_input input = {.algorithm = SV_ALGORITHM_MD5_SESS, .qop = SV_QOP_AUTH, .username = {(const uint8_t *)"alice", 5},
                                      .realm = {(const uint8_t *)"home.example", 12}, .password = {(const uint8_t *)"correct horse battery", 21},
                                      .nonce = {(const uint8_t *)"n", 1}, .nc = {(const uint8_t *)"00000001", 8},
                                      .cnonce = {(const uint8_t *)"c", 1}, .method = {(const uint8_t *)"INVITE", 6},
                                      .uri = {(const uint8_t *)"sip:b@b.example", 15}};
static sv_ipsec_keys derived;
static sv_http_hex response;
static sipveil_code code;

static void derive(void *given)
{
    (void)given;
    code = sv_ipsec_derive(crypto, SV_IPSEC_HMAC_SHA_1_96, SV_IPSEC_AES_GCM, &keys, &derived, NULL);
}

static void respond(void *given)
{
    (void)given;
    code = sv_digest_response(crypto, &input, &response, NULL);
}

/* The salt is the end of an HMAC whose other octets nobody needs. */
static void keys_of_ims(void **state)
{
    uint8_t key[2 * SV_IMS_KEY], mac[SV_HMAC_SHA256_LENGTH];
    static const char string[] = "\x59" "AES_GCM_SALT\0\x0C";
    (void)state;
    memcpy(key, keys.ck, SV_IMS_KEY);
    memcpy(key + SV_IMS_KEY, keys.ik, SV_IMS_KEY);
    assert_int_equal(sv_hmac_sha256(crypto, sv_span(key, sizeof key), sv_span(string, sizeof string - 1), mac, NULL), SIPVEIL_OK);
    const sipveil_span secrets[] = {sv_span(key, sizeof key), sv_span(mac, sizeof mac)};
    int found = own_stack_run(derive, NULL, secrets, 2);
    assert_int_equal(code, SIPVEIL_OK);
    assert_true(derived.has_salt && sv_equal(sv_span(derived.salt, SV_IPSEC_SALT), sv_span(mac + sizeof mac - SV_IPSEC_SALT, SV_IPSEC_SALT)));
    if (own_stack_is_seen) assert_int_equal(found, -1);
    /* Half of a file: nothing of it is given. */
    sv_ims_keys half;
    memset(&half, 0xAA, sizeof half);
    assert_int_equal(sv_ims_keys_read(SV_SPAN("IK\t00112233445566778899aabbccddeeff\n"), &half, NULL), SIPVEIL_USAGE);
    assert_memory_equal(&half, (&(sv_ims_keys){{0}, {0}}), sizeof half);
}

/* H(A1) is as good as the password, for its realm; with -sess it is hashed once more. */
static void hashes_of_passwords(void **state)
{
    sv_http_hex first, a1;
    const sipveil_span user[] = {input.username, SV_SPAN(":"), input.realm, SV_SPAN(":"), input.password};
    (void)state;
    assert_int_equal(sv_http_hash_hex(crypto, SV_HTTP_MD5, user, 5, &first, NULL), SIPVEIL_OK);
    const sipveil_span session[] = {sv_span(first.digits, first.len), SV_SPAN(":"), input.nonce, SV_SPAN(":"), input.cnonce};
    assert_int_equal(sv_http_hash_hex(crypto, SV_HTTP_MD5, session, 5, &a1, NULL), SIPVEIL_OK);
    const sipveil_span secrets[] = {sv_span(first.digits, first.len), sv_span(a1.digits, a1.len), input.password};
    int found = own_stack_run(respond, NULL, secrets, 3);
    assert_int_equal(code, SIPVEIL_OK);
    if (own_stack_is_seen) assert_int_equal(found, -1);
}

static int open_crypto(void **state)
{
    (void)state;
    return sipveil_context_new(NULL, &context, NULL) == SIPVEIL_OK && sv_crypto_new(context, &crypto, NULL) == SIPVEIL_OK ? 0 : -1;
}

static int close_crypto(void **state)
{
    (void)state;
    sv_crypto_free(crypto);
    sipveil_context_free(context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_of_ims), cmocka_unit_test(hashes_of_passwords)};
    return cmocka_run_group_tests_name("what derived keys leave", tests, open_crypto, close_crypto);
}
