/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that ends at the nth allocation, for every n, ours and libcrypto's: what succeeds gives the same as ever, what
 * fails hands out nothing, what must be refused is refused all the same, nothing leaks and the next message is not the
 * worse for it (ADV-215). And nothing is given back to the allocator with a secret in it (ADV-213). The linker puts
 * the wrappers below between the library and the C library; libcrypto offers a place for them. */
#include <malloc.h>
#include <openssl/crypto.h>

#include "tunnel/fixture.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);

enum whose { NOBODY, OURS, LIBCRYPTO };

static struct {
    enum whose fails;  /* whose allocations are counted */
    size_t left;       /* until the one that fails; 0: none does */
    size_t count;
    bool looking;      /* for secrets in what is given back */
    size_t found;
    const char *what;  /* the secret that was found */
} memory;

static bool fails(enum whose whose)
{
    if (memory.fails != whose) return false;
    memory.count++;
    return memory.left > 0 && --memory.left == 0;
}

/* ---- secrets ---- */

static uint8_t content_key[32]; /* what the random generator gives while it is looked for */

static const struct {
    const char *name;
    sipveil_span octets;
} secrets[] = {
    {"a shared key", /* the lab's first */
     {(const uint8_t *)"\x01\x08\x0F\x16\x1D\x24\x2B\x32\x39\x40\x47\x4E\x55\x5C\x63\x6A", 16}},
    {"a password", {(const uint8_t *)"correct horse", 13}},
    {"the content", {(const uint8_t *)"a=x-secret:", 11}},
    {"a content key", {content_key, 16}},
};

static void look_into(const void *block)
{
    if (!memory.looking || block == NULL) return;
    size_t at, size = malloc_usable_size((void *)(uintptr_t)block);
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        if (!sv_find(sv_span(block, size), secrets[i].octets, &at)) continue;
        memory.found++;
        memory.what = secrets[i].name;
    }
}

/* ---- the wrappers ---- */

void *__wrap_malloc(size_t size)
{
    return fails(OURS) ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size)
{
    return fails(OURS) ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size)
{
    return fails(OURS) ? NULL : __real_realloc(old, size);
}
void __wrap_free(void *block)
{
    look_into(block);
    __real_free(block);
}

static void *library_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 || fails(LIBCRYPTO) ? NULL : __real_malloc(size);
}
static void *library_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (old == NULL && size == 0) return NULL;
    if (size == 0) {
        __wrap_free(old);
        return NULL;
    }
    return fails(LIBCRYPTO) ? NULL : __real_realloc(old, size);
}
static void library_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    __wrap_free(block);
}

/* ---- what is run ---- */

typedef struct run {
    lab *l;
    sipveil_span given;    /* the message that is sealed or opened */
    const sipveil_key *recipients[4], *signer;
    bool refused;          /* it must never come out */
    sipveil_span expected; /* else this is what comes out */
} run;

/* One message by a worker of its own, so that nothing is there that an earlier one left. */
static sipveil_code open_once(const run *r)
{
    sipveil_worker *worker = NULL;
    sipveil_opened out = {0};
    sipveil_error err;
    sipveil_code code = sipveil_worker_new(r->l->context, &worker, &err);
    if (code == SIPVEIL_OK) code = sipveil_tunnel_open_message(worker, &r->l->options, r->given, &out, &err);
    r->l->err = err;
    enum whose saved = memory.fails;
    memory.fails = NOBODY;
    assert_int_equal(err.code, code);
    if (code == SIPVEIL_OK) {
        assert_false(r->refused);
        assert_same(out.message, r->expected);
    } else {
        assert_true(is_zero(&out, sizeof out));
        assert_true(err.text[0] != '\0');
    }
    memory.fails = saved;
    sipveil_worker_free(worker);
    return code;
}

static sipveil_code seal_once(const run *r)
{
    sipveil_worker *worker = NULL;
    sipveil_sealed out = {0};
    sipveil_error err;
    sipveil_code code = sipveil_worker_new(r->l->context, &worker, &err);
    if (code == SIPVEIL_OK) code = sipveil_tunnel_seal_message(worker, &r->l->seal, r->given, &out, &err);
    assert_int_equal(err.code, code);
    assert_true(code == SIPVEIL_OK ? !contains(out.message, "a=x-secret:") : is_zero(&out, sizeof out));
    sipveil_worker_free(worker);
    return code;
}

typedef sipveil_code (*operation)(const run *r);
enum { EACH = 48 };

/* Memory that ends while libcrypto updates the blinding of an RSA key leaves that key unusable until it makes a new
 * blinding, at the latest after 32 uses (measured with 3.0.22). Nothing wrong comes out of it meanwhile. */
static void settle(const run *r, operation once, sipveil_code wanted)
{
    enum { BLINDING_USES = 32 };
    for (int i = 0; i < BLINDING_USES && once(r) != wanted; i++) {
        assert_int_equal(r->l->err.code, SIPVEIL_CANNOT_DECRYPT);
    }
}

/* Every n until the nth allocation is one too many; of the hundreds of libcrypto's every one at first, then one in
 * five. */
static void everywhere(const run *r, operation once, enum whose whose, sipveil_code wanted)
{
    size_t failed = 0;
    lab *l = r->l;
    assert_code(once(r), wanted);
    for (size_t n = 1;; n += whose == OURS || n < EACH ? 1 : 5) {
        memory.count = 0;
        memory.left = n;
        memory.fails = whose;
        sipveil_code code = once(r);
        bool met = memory.left == 0;
        memory.left = 0;
        memory.fails = NOBODY;
        if (!met) {
            assert_code(code, wanted);
            break;
        }
        failed += code != wanted;
        if (code == SIPVEIL_CANNOT_DECRYPT && r->recipients[0] == r->l->bob_rsa) settle(r, once, wanted);
        /* Ours are told as what they are. In libcrypto it may also look like a key or a signature that is not good. */
        if (whose == OURS && code != wanted) assert_code(code, SIPVEIL_INTERNAL);
        assert_true(code == SIPVEIL_OK || code == wanted || sipveil_code_exit(code) != 0);
        assert_true(code != SIPVEIL_OK || wanted == SIPVEIL_OK);
    }
    assert_true(failed > 0); /* the wrappers are there */
    assert_int_equal(once(r), wanted);
}

#define SECRET_SDP SDP "a=x-secret:7f3a\r\n"

static sipveil_span secret_invite(lab *l)
{
    return compose(l, HEAD, "Content-Type: application/sdp\r\n", SV_SPAN(SECRET_SDP));
}

static run sealed_run(lab *l, const sipveil_key *recipient, const sipveil_key *signer, bool compressed)
{
    run r = {.l = l, .recipients = {recipient}, .signer = signer};
    sipveil_span message = secret_invite(l);
    l->seal.recipients = r.recipients;
    l->seal.recipient_count = recipient != NULL;
    l->seal.signers = &r.signer;
    l->seal.signer_count = signer != NULL;
    l->seal.compress = compressed;
    l->seal.pbkdf2_iterations = 1000;
    r.given = sealed(l, message);
    r.expected = message;
    return r;
}

static void opening(void **state)
{
    lab *l = begin(state);
    const sipveil_key *const recipients[] = {l->kek, l->bob, l->bob_rsa, l->bob_x25519, l->password};
    for (size_t i = 0; i < sizeof recipients / sizeof *recipients; i++) {
        l = begin(state);
        run r = sealed_run(l, recipients[i], i % 2 == 0 ? l->alice : NULL, i == 0);
        everywhere(&r, open_once, OURS, SIPVEIL_OK);
        everywhere(&r, open_once, LIBCRYPTO, SIPVEIL_OK);
    }
}

/* A refusal stays one, whatever fails on the way to it: a check that could not be made is none that passed. */
static void refusing(void **state)
{
    static const struct {
        const char *what;
        sipveil_code code;
    } cases[] = {{"another CA", SIPVEIL_UNTRUSTED_SIGNER}, {"another user", SIPVEIL_UNTRUSTED_SIGNER},
                 {"a changed inner message", SIPVEIL_BAD_SIGNATURE}, {"a changed outer message", SIPVEIL_HEADER_MISMATCH},
                 {"a changed envelope", SIPVEIL_CANNOT_DECRYPT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lab *l = begin(state);
        run r = sealed_run(l, i == 4 ? l->kek : NULL, i == 0 ? l->stranger : i == 1 ? l->mallory : l->alice, false);
        if (i == 2) r.given = edited(l, r.given, "a=x-secret:7f3a", "a=x-secret:7f3b");
        if (i == 3) r.given = edited(l, r.given, "To: Bob <sip:bob@", "To: Bob <sip:eve@");
        if (i == 4) {
            r.given = copy_of(l, r.given);
            ((uint8_t *)(uintptr_t)r.given.data)[r.given.len - 20] ^= 1;
        }
        r.refused = true;
        everywhere(&r, open_once, OURS, cases[i].code);
        everywhere(&r, open_once, LIBCRYPTO, cases[i].code);
    }
}

static void sealing(void **state)
{
    lab *l = begin(state);
    const sipveil_key *const recipients[] = {l->kek, l->bob, l->bob_rsa, l->bob_x25519, l->password};
    for (size_t i = 0; i < sizeof recipients / sizeof *recipients; i++) {
        l = begin(state);
        run r = sealed_run(l, recipients[i], i % 2 == 0 ? l->alice : NULL, i == 0);
        l->seal.recipients = r.recipients;
        l->seal.signers = &r.signer;
        r.given = secret_invite(l);
        everywhere(&r, seal_once, OURS, SIPVEIL_OK);
        everywhere(&r, seal_once, LIBCRYPTO, SIPVEIL_OK);
    }
}

/* ---- nothing secret is given back ---- */

/* A content key is drawn together with its nonce; everything else that is drawn is shorter and no secret. */
static bool known_random(void *user, uint8_t *out, size_t len)
{
    bool secret = len == sizeof content_key + 12;
    (void)user;
    for (size_t i = 0; i < len; i++) out[i] = (uint8_t)(content_key[i % sizeof content_key] ^ (secret ? 0 : 0x55));
    return true;
}

static void wiped(void **state)
{
    lab *l = begin(state);
    sipveil_hooks hooks;
    sipveil_context *context = l->context, *counted = NULL;
    for (size_t i = 0; i < sizeof content_key; i++) content_key[i] = (uint8_t)(0xC3 ^ (i * 29));
    sipveil_hooks_default(&hooks);
    hooks.user = l;
    hooks.now = lab_clock;
    hooks.random = known_random;
    assert_int_equal(sipveil_context_new(&hooks, &counted, &l->err), SIPVEIL_OK);
    const sipveil_key *const recipients[] = {l->kek, l->bob, l->bob_rsa, l->bob_x25519, l->password};
    for (size_t i = 0; i < sizeof recipients / sizeof *recipients; i++) {
        l = begin(state);
        run r = sealed_run(l, recipients[i], l->alice, i == 0);
        r.given = secret_invite(l);
        l->seal.recipients = r.recipients;
        l->seal.signers = &r.signer;
        l->context = counted;
        memory.looking = true;
        assert_int_equal(seal_once(&r), SIPVEIL_OK);
        memory.looking = false;
        l->context = context;
        r = sealed_run(l, recipients[i], l->alice, i == 0);
        memory.looking = true;
        assert_int_equal(open_once(&r), SIPVEIL_OK);
        r.expected = r.given;
        r.given = edited(l, r.given, "To: Bob <sip:bob@", "To: Bob <sip:eve@");
        assert_int_equal(open_once(&r), SIPVEIL_HEADER_MISMATCH);
        memory.looking = false;
        if (memory.found > 0) fail_msg("%s is given back to the allocator, recipient %zu", memory.what, i);
    }
    sipveil_context_free(counted);
    /* The keys themselves, when a ring goes; and the proof that we would have seen it. */
    sipveil_keyring *ring = new_ring(l);
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("wiped"), secrets[0].octets, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_password(ring, SV_SPAN("correct horse"), &l->err), SIPVEIL_OK);
    char *left = malloc(64);
    assert_non_null(left);
    memcpy(left, "the correct horse", 18);
    memory.looking = true;
    sipveil_keyring_free(ring);
    assert_int_equal(memory.found, 0);
    __wrap_free(left);
    memory.looking = false;
    assert_int_equal(memory.found, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(opening), cmocka_unit_test(refusing), cmocka_unit_test(sealing),
                                       cmocka_unit_test(wiped)};
    if (CRYPTO_set_mem_functions(library_malloc, library_realloc, library_free) != 1) return 2;
    return cmocka_run_group_tests_name("memory that ends", tests, lab_setup, lab_teardown);
}
