/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/keyring.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/span.h"
#include "keys/certificate.h"
#include "keys/kek_alone.h"

enum {
    RING_BLOCK = 1024,
    BATCH_BLOCK = 2048,
    ARENA_MOST = 256 << 20, /* far beyond any file of keys; a bound all the same */
};

/* ---- a batch ---- */

sv_key_batch *sv_key_batch_new(const sipveil_context *context)
{
    sv_arena *arena = sv_arena_new(BATCH_BLOCK, ARENA_MOST);
    sv_key_batch *batch = arena == NULL ? NULL : sv_arena_alloc(arena, sizeof *batch);
    if (batch == NULL) {
        sv_arena_free(arena);
        return NULL;
    }
    batch->arena = arena;
    batch->context = context;
    return batch;
}

void sv_key_batch_free(sv_key_batch *batch)
{
    if (batch != NULL) sv_arena_free(batch->arena);
}

sipveil_key *sv_key_batch_add(sv_key_batch *batch, sipveil_key_kind kind)
{
    sipveil_key *key = sv_arena_alloc(batch->arena, sizeof *key);
    if (key == NULL) return NULL;
    key->kind = kind;
    if (batch->last != NULL) {
        batch->last->next = key;
    } else {
        batch->first = key;
    }
    batch->last = key;
    batch->count++;
    return key;
}

static bool all_zero(sipveil_span s)
{
    uint8_t any = 0;
    for (size_t i = 0; i < s.len; i++) any |= s.data[i];
    return any == 0;
}

static char *describe(sv_arena *arena, const char *before, const char *text, const char *after)
{
    sv_buffer b;
    sv_buffer_init(&b, arena, 64, 1024);
    sv_put_str(&b, before);
    sv_put_str(&b, text);
    sv_put_str(&b, after);
    return b.failed ? NULL : sv_arena_string(arena, sv_buffer_span(&b));
}

sipveil_code sv_key_batch_add_kek(sv_key_batch *batch, sipveil_span id, sipveil_span kek,
                                  sipveil_error *err)
{
    if (id.len == 0 || id.len > SV_KEK_ID_MOST) {
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "CMS-15", SIPVEIL_NO_OFFSET,
                            "the key's identifier has %zu octets, not 1 to %d", id.len,
                            SV_KEK_ID_MOST);
    }
    if (kek.len != 16 && kek.len != 24 && kek.len != 32) {
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-093", SIPVEIL_NO_OFFSET,
                            "kek \"%s\" has %zu octets, not 16, 24 or 32", SV_QUOTE(id), kek.len);
    }
    if (all_zero(kek)) {
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-093", SIPVEIL_NO_OFFSET,
                            "kek \"%s\" is all zero", SV_QUOTE(id));
    }
    sipveil_key *key = sv_key_batch_add(batch, SIPVEIL_KEY_KEK);
    if (key == NULL || !sv_arena_copy(batch->arena, id, &key->cms.kek_id) ||
        !sv_arena_copy(batch->arena, kek, &key->cms.kek)) {
        return sv_no_memory(err, "keys");
    }
    key->cms.kind = SV_CMS_KEY_KEK;
    key->description = describe(batch->arena, "kek \"", SV_QUOTE(id), "\"");
    return key->description != NULL ? SIPVEIL_OK : sv_no_memory(err, "keys");
}

static void free_prepared(void *prepared)
{
    sv_prepared_free(prepared);
}

/* It goes with the batch, as the private key does. */
static sipveil_code prepare(sv_key_batch *batch, sipveil_key *key, sipveil_error *err)
{
    key->cms.prepared = sv_prepared_new(key->cms.private_key);
    if (key->cms.prepared != NULL && sv_arena_defer(batch->arena, free_prepared, key->cms.prepared)) return SIPVEIL_OK;
    key->cms.prepared = NULL;
    return sv_no_memory(err, "keys");
}

sipveil_code sv_key_batch_add_certificate(sv_key_batch *batch, X509 *certificate,
                                          EVP_PKEY *private_key, STACK_OF(X509) *chain,
                                          sipveil_error *err)
{
    sipveil_key *key = sv_key_batch_add(batch, private_key != NULL ? SIPVEIL_KEY_PRIVATE
                                                                   : SIPVEIL_KEY_CERTIFICATE);
    if (key == NULL) return sv_no_memory(err, "keys");
    SV_TRY(sv_certificate_view(batch->context, certificate, batch->arena, &key->cms, err));
    key->cms.private_key = private_key;
    if (private_key != NULL) SV_TRY(prepare(batch, key, err));
    key->chain = chain;
    const char *label = sv_certificate_label(certificate, batch->arena);
    if (label == NULL) return sv_no_memory(err, "keys");
    key->description = describe(batch->arena, "cert ", label, "");
    if (key->description == NULL) return sv_no_memory(err, "keys");
    return private_key != NULL ? sv_keys_read_own(key, batch->arena, err) : SIPVEIL_OK;
}

/* ---- the ring ---- */

static void free_store(void *store)
{
    X509_STORE_free(store);
}

static void free_stack(void *stack)
{
    sk_X509_free(stack);
}

sipveil_code sipveil_keyring_new(const sipveil_context *context, sipveil_keyring **out,
                                 sipveil_error *err)
{
    *out = NULL;
    sv_error_clear(err);
    sv_arena *arena = sv_arena_new(RING_BLOCK, ARENA_MOST);
    sipveil_keyring *ring = arena == NULL ? NULL : sv_arena_alloc(arena, sizeof *ring);
    if (ring == NULL) {
        sv_arena_free(arena);
        return sv_no_memory(err, "keys");
    }
    ring->context = context;
    ring->arena = arena;
    ring->store = X509_STORE_new();
    ring->known_authorities = sk_X509_new_null();
    bool kept = ring->store != NULL && sv_arena_defer(arena, free_store, ring->store);
    if (!kept) sk_X509_free(ring->known_authorities);
    if (!kept || ring->known_authorities == NULL ||
        !sv_arena_defer(arena, free_stack, ring->known_authorities)) {
        sv_arena_free(arena);
        ERR_clear_error();
        return sv_no_memory(err, "keys");
    }
    *out = ring;
    return SIPVEIL_OK;
}

void sipveil_keyring_free(sipveil_keyring *ring)
{
    if (ring == NULL) return;
    for (sv_key_batch *batch = ring->batches; batch != NULL;) {
        sv_key_batch *next = batch->next;
        sv_key_batch_free(batch);
        batch = next;
    }
    sv_vault_end(&ring->secrets);
    sv_arena_free(ring->arena);
}

void sipveil_keyring_protect_secrets(const sipveil_keyring *ring, sipveil_protection *out)
{
    *out = (sipveil_protection){0};
    sv_vault_protect(&ring->secrets, out);
}

/* Old arrays stay in the arena: they hold pointers only, and their sum is less than the new one. */
static bool reserve(sipveil_keyring *ring, size_t more)
{
    if (more <= ring->capacity - ring->count) return true;
    size_t capacity = (ring->count + more) * 2;
    const sipveil_key **keys = sv_arena_alloc_array(ring->arena, capacity, sizeof *keys);
    sv_cms_key *cms = sv_arena_alloc_array(ring->arena, capacity, sizeof *cms);
    if (keys == NULL || cms == NULL) return false;
    for (size_t i = 0; i < ring->count; i++) {
        keys[i] = ring->keys[i];
        cms[i] = ring->cms[i];
    }
    ring->keys = keys;
    ring->cms = cms;
    ring->capacity = capacity;
    return true;
}

static bool move_to_vault(sv_vault *vault, sipveil_span *secret)
{
    sipveil_span before = *secret;
    if (before.len == 0) return true;
    if (!sv_vault_copy(vault, before, secret)) return false;
    OPENSSL_cleanse((void *)(uintptr_t)before.data, before.len); /* of the batch's arena */
    return true;
}

static void give_back_secrets(sv_vault *vault, const sipveil_key *from, const sipveil_key *until)
{
    for (const sipveil_key *key = from; key != until; key = key->next) {
        sv_vault_give_back(vault, key->cms.kek.data, key->cms.kek.len);
        sv_vault_give_back(vault, key->cms.password.data, key->cms.password.len);
    }
}

/* All of them or none. A key has one secret of these two. */
static bool move_secrets(sv_vault *vault, sipveil_key *first)
{
    for (sipveil_key *key = first; key != NULL; key = key->next) {
        if (move_to_vault(vault, &key->cms.kek) && move_to_vault(vault, &key->cms.password)) continue;
        give_back_secrets(vault, first, key);
        return false;
    }
    return true;
}

sipveil_code sv_keyring_take(sipveil_keyring *ring, sv_key_batch *batch, sipveil_code made, const sipveil_key **first,
                             sipveil_error *err)
{
    sipveil_code code = made == SIPVEIL_OK ? sv_keks_stand_alone(ring, batch, err) : made;
    if (code == SIPVEIL_OK && !reserve(ring, batch->count)) code = sv_no_memory(err, "keys");
    if (code == SIPVEIL_OK && !move_secrets(&ring->secrets, batch->first)) code = sv_no_memory(err, "keys");
    if (code != SIPVEIL_OK) {
        sv_key_batch_free(batch);
        return code;
    }
    for (const sipveil_key *key = batch->first; key != NULL; key = key->next) {
        ring->cms[ring->count] = key->cms;
        ring->keys[ring->count++] = key;
    }
    batch->next = ring->batches;
    ring->batches = batch;
    if (first != NULL) *first = batch->first;
    return SIPVEIL_OK;
}

sipveil_code sv_keyring_keep_known(sipveil_keyring *ring, X509 *certificate, sipveil_error *err)
{
    if (ring->known_count == ring->known_capacity) {
        size_t capacity = ring->known_capacity * 2 + 8;
        X509 **known = sv_arena_alloc_array(ring->arena, capacity, sizeof *known);
        if (known == NULL) return sv_no_memory(err, "keys");
        for (size_t i = 0; i < ring->known_count; i++) known[i] = ring->known[i];
        ring->known = known;
        ring->known_capacity = capacity;
    }
    SV_TRY(sv_certificate_keep(certificate, ring->arena, err));
    if (X509_check_ca(certificate) != 0 &&
        sk_X509_push(ring->known_authorities, certificate) <= 0) {
        return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "out of memory");
    }
    ring->known[ring->known_count++] = certificate;
    return SIPVEIL_OK;
}

/* ---- keys from the caller's memory ---- */

sipveil_code sipveil_keyring_add_kek(sipveil_keyring *ring, sipveil_span id, sipveil_span kek, const sipveil_key **key,
                                     sipveil_error *err)
{
    if (key != NULL) *key = NULL;
    sv_error_clear(err);
    sv_key_batch *batch = sv_key_batch_new(ring->context);
    if (batch == NULL) return sv_no_memory(err, "keys");
    return sv_keyring_take(ring, batch, sv_key_batch_add_kek(batch, id, kek, err), key, err);
}

sipveil_code sipveil_keyring_add_password(sipveil_keyring *ring, sipveil_span password, const sipveil_key **out,
                                          sipveil_error *err)
{
    if (out != NULL) *out = NULL;
    sv_error_clear(err);
    if (password.len == 0) {
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-096", SIPVEIL_NO_OFFSET,
                            "the password is empty");
    }
    if (password.len > SV_KEY_FILE_MOST) {
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-096", SIPVEIL_NO_OFFSET,
                            "the password is longer than %d octets", SV_KEY_FILE_MOST);
    }
    sv_key_batch *batch = sv_key_batch_new(ring->context);
    if (batch == NULL) return sv_no_memory(err, "keys");
    sipveil_key *key = sv_key_batch_add(batch, SIPVEIL_KEY_PASSWORD);
    if (key != NULL) key->description = sv_arena_string(batch->arena, SV_SPAN("password"));
    if (key == NULL || key->description == NULL ||
        !sv_arena_copy(batch->arena, password, &key->cms.password)) {
        sv_key_batch_free(batch);
        return sv_no_memory(err, "keys");
    }
    key->cms.kind = SV_CMS_KEY_PASSWORD;
    return sv_keyring_take(ring, batch, SIPVEIL_OK, out, err);
}

/* ---- looking ---- */

size_t sipveil_keyring_count(const sipveil_keyring *ring)
{
    return ring->count;
}

const sipveil_key *sipveil_keyring_at(const sipveil_keyring *ring, size_t place)
{
    return place < ring->count ? ring->keys[place] : NULL;
}

const sipveil_key *sipveil_keyring_first(const sipveil_keyring *ring, sipveil_key_kind kind)
{
    const sipveil_key *key;
    for (size_t i = 0; (key = sipveil_keyring_at(ring, i)) != NULL; i++) {
        if (key->kind == kind) return key;
    }
    return NULL;
}

sipveil_key_kind sipveil_key_get_kind(const sipveil_key *key)
{
    return key->kind;
}

const char *sipveil_key_describe(const sipveil_key *key)
{
    return key->description;
}

const sv_cms_key *sv_keyring_cms_keys(const sipveil_keyring *ring, size_t *count)
{
    *count = ring->count;
    return ring->cms;
}

X509 *const *sv_keyring_known_certificates(const sipveil_keyring *ring, size_t *count)
{
    *count = ring->known_count;
    return ring->known;
}
