/* SPDX-License-Identifier: BSD-2-Clause */
/* The key of nonces is in the pages that are left out of core files and nowhere else (ADV-212); passwords of Digest and keys of IMS,
 * which are the caller's, are nowhere once the call's worker is gone (ADV-213). */
#include "agree/digest.h"

#include "emulated.h"
#include "memory_scan.h"
#include "pair.h"
#include "tunnel/memory.h"

#define PASSWORD "a password for Digest"
#define IMS_KEYS "IK\ta0a1a2a3a4a5a6a7a8a9aaabacadaeaf\nCK\t317e5d0c9b2a48f6d1e0735586bc9a24\n"
#define UE "spi-c=1001;spi-s=1002;port-c=5101;port-s=5102"
#define PCSCF "spi-c=2001;spi-s=2002;port-c=6101;port-s=6102"

/* Literals are in memory that cannot be written. */
static const scan_secret of_caller[] = {
    {"a password", (const uint8_t *)PASSWORD, sizeof PASSWORD - 1},
    {"HA1", (const uint8_t *)"\x42\x5c\xa7\x85\x43\x76\x54\x13\x20\xfb\x7b\x50\xda\xb8\x4d\x4d", 16},
    {"HA1 in hex", (const uint8_t *)"425ca7854376541320fb7b50dab84d4d", 32},
    {"IK", (const uint8_t *)"\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf", 16},
    {"CK", (const uint8_t *)"\x31\x7e\x5d\x0c\x9b\x2a\x48\xf6\xd1\xe0\x73\x55\x86\xbc\x9a\x24", 16},
    {"IK in hex", (const uint8_t *)"a0a1a2a3a4a5a6a7", 16},
};
enum { OF_CALLER = sizeof of_caller / sizeof *of_caller };

static void new_workers(world *w)
{
    sipveil_worker_free(w->worker);
    sipveil_worker_free(w->other);
    assert_code(sipveil_worker_new(w->context, &w->worker, &w->err), SIPVEIL_OK);
    assert_code(sipveil_worker_new(w->context, &w->other, &w->err), SIPVEIL_OK);
}

static void assert_none(const scan_secret *secrets, size_t count)
{
    scan_found found = scan_for(secrets, count);
    if (found.count > 0) fail_msg("%s is left %zu times, first at %p of %s", found.first->name, found.count, (const void *)found.at, found.where);
}

static void digest(void **state)
{
    world *w = *state;
    static pair p_storage;
    pair *p = &p_storage;
    sipveil_span value;
    pair_begin(p, w, SIPVEIL_AGREE_RFC3329, "digest", "digest;q=0.1;d-alg=MD5;d-qop=auth");
    p->credentials.password = PASSWORD;
    pair_start(p, OFFERED_INVITE);
    pair_server(p, NULL, 494);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_CONFIRMING);
    pair_server(p, NULL, 0);
    assert_true(p->verdict.agreed);
    pair_success(p);
    pair_client(p, SIPVEIL_AGREE_EVENT_RESPONSE, NULL, SIPVEIL_AGREE_ACTIVE);
    /* A server's nonces: another secret of its own, held over messages. */
    sv_store *store = sv_memory_store(w->p1.memory);
    assert_true(sv_store_find(store, SV_STORE_OWN_KEY, SV_SPAN(""), SV_SPAN("key"), NOW, &value));
    scan_secret key = {"the key of nonces", scan_keep(value.data, value.len), value.len};
    new_workers(w);
    assert_none(of_caller, OF_CALLER);
    scan_found found = scan_for(&key, 1);
    assert_int_equal(found.count, 1);
    assert_true(found.all_not_dumped || is_emulated());
    sipveil_protection protection;
    sipveil_memory_protect_secrets(w->p1.memory, &protection);
    assert_true(protection.octets > 0 && protection.not_dumped == (is_emulated() ? 0 : protection.octets));
    sipveil_memory_free(w->p1.memory);
    assert_code(sipveil_memory_new(&w->p1.memory, &w->err), SIPVEIL_OK);
    assert_none(&key, 1);
    sipveil_memory_protect_secrets(w->p1.memory, &protection);
    assert_int_equal(protection.octets, 0);
    pair_end(p);
}

typedef struct one_call {
    world *w;
    sv_crypto *crypto;
    sv_http_hex out;
    sipveil_code code;
} one_call;

static void hash_password(void *given)
{
    static const sipveil_span pieces[] = {{(const uint8_t *)"u:r:" PASSWORD, sizeof "u:r:" PASSWORD - 1}};
    one_call *c = given;
    c->code = sv_http_hash_hex(c->crypto, SV_HTTP_MD5, pieces, 1, &c->out, &c->w->err);
}

static void respond(void *given)
{
    static const sv_digest_input in = {.algorithm = SV_ALGORITHM_MD5, .username = {(const uint8_t *)"u", sizeof "u" - 1}, .realm = {(const uint8_t *)"r", sizeof "r" - 1},
                                       .password = {(const uint8_t *)PASSWORD, sizeof PASSWORD - 1}, .nonce = {(const uint8_t *)"n", sizeof "n" - 1}, .method = {(const uint8_t *)"INVITE", sizeof "INVITE" - 1},
                                       .uri = {(const uint8_t *)"sip:b.example", sizeof "sip:b.example" - 1}};
    one_call *c = given;
    c->code = sv_digest_response(c->crypto, &in, &c->out, &c->w->err);
}

/* One response and no more, so that what it left on the stack is still there. */
static void a_response(void **state)
{
    static const scan_secret of_user[] = {
        {"H(A1)", (const uint8_t *)"\xff\xc9\xf3\x7a\xa3\x9b\x53\xee\x25\x98\xad\xf5\xc7\xe1\xaa\x0c", 16},
        {"H(A1) in hex", (const uint8_t *)"ffc9f37aa39b53ee2598adf5c7e1aa0c", 32},
    };
    static one_call c;
    world *w = *state;
    c = (one_call){.w = w};
    assert_code(sv_crypto_new(w->context, &c.crypto, &w->err), SIPVEIL_OK);
    scan_below(hash_password, &c);
    assert_true(scan_for(of_user, 1).count <= 1); /* in libcrypto's context until its next hash */
    assert_code(c.code, SIPVEIL_OK);
    assert_int_equal(scan_for(of_user + 1, 1).count, 1); /* the caller's: those are the secrets, then */
    memset(&c.out, 0, sizeof c.out);
    scan_below(respond, &c);
    assert_none(of_user, 2);
    assert_code(c.code, SIPVEIL_OK);
    sv_crypto_free(c.crypto);
    assert_none(of_user, 2);
}

static void keys_of_ims(void **state)
{
    world *w = *state;
    sipveil_agree_ipsec found;
    sipveil_agree_ipsec_options options = {.size = sizeof options,
                                           .client_list = SV_SPAN("ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;" UE),
                                           .server_list = SV_SPAN("ipsec-3gpp;q=0.1;alg=hmac-sha-1-96;ealg=aes-cbc;" PCSCF),
                                           .ims_keys = SV_SPAN(IMS_KEYS), .ue = "192.0.2.1", .pcscf = "192.0.2.2"};
    assert_code(sipveil_agree_ipsec_describe(w->worker, &options, &found, &w->err), SIPVEIL_OK);
    assert_true(scan_for(of_caller, OF_CALLER).count > 0); /* the answer is the worker's */
    new_workers(w);
    assert_none(of_caller, OF_CALLER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(digest), cmocka_unit_test(a_response), cmocka_unit_test(keys_of_ims)};
    if (scan_is_senseless()) return 77;
    return cmocka_run_group_tests_name("nothing is left of an agreement", tests, world_setup, world_teardown);
}
