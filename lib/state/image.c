/* SPDX-License-Identifier: BSD-2-Clause */
/* The store as octets:
 *     magic (8)  version (4)  count (4)  entries  SHA-256 of all before (32)
 * with each entry
 *     kind (1)  expires (8)  length of scope, name, value (4 each)  scope  name  value
 * All numbers big-endian; within a scope the oldest entry first. The digest finds damage, not malice:
 * who may write the file may write any state. */
#include <openssl/evp.h>

#include "base/buffer.h"
#include "base/cursor.h"
#include "state/store_kinds.h"

enum { VERSION = 1, DIGEST = 32, HEAD = 16, ENTRY_HEAD = 1 + 8 + 3 * 4 };
static const char magic[] = "sipveil\x01";

/* In a library context of our own: no configuration file is read for this. It costs more than the digest, so it stays; but
 * not one in which memory ended before its algorithms were loaded: it never loads them again (ADV-215). */
static bool prepare_digest(sv_image_digest *d)
{
    if (d->sha256 != NULL) return true;
    d->library = OSSL_LIB_CTX_new();
    if (d->library != NULL) d->sha256 = EVP_MD_fetch(d->library, "SHA256", NULL);
    if (d->sha256 == NULL) sv_image_digest_clear(d);
    return d->sha256 != NULL;
}

static bool digest_of(sv_store *store, sipveil_span octets, uint8_t out[DIGEST])
{
    unsigned len = 0;
    return prepare_digest(&store->digest) &&
           EVP_Digest(octets.data, octets.len, out, &len, store->digest.sha256, NULL) == 1 && len == DIGEST;
}

void sv_image_digest_clear(sv_image_digest *d)
{
    EVP_MD_free(d->sha256);
    OSSL_LIB_CTX_free(d->library);
    *d = (sv_image_digest){0};
}

/* ---- writing */

static void put_entry(sv_buffer *b, uint8_t kind, const sv_entry *entry)
{
    sv_put_byte(b, kind);
    sv_put_big_endian(b, (uint64_t)entry->expires, 8);
    sv_put_big_endian(b, entry->key.scope.len, 4);
    sv_put_big_endian(b, entry->key.name.len, 4);
    sv_put_big_endian(b, entry->value.len, 4);
    sv_put(b, entry->key.scope);
    sv_put(b, entry->key.name);
    sv_put(b, entry->value);
}

/* b NULL: only counts. */
static void put_entries(const sv_store *store, int64_t now, sv_buffer *b, size_t *count, size_t *octets)
{
    *count = *octets = 0;
    for (size_t kind = 0; kind < SV_STORE_KINDS; kind++) {
        const sv_entry_scope *scope = store->kinds[kind].entries.first_scope;
        for (; scope != NULL; scope = scope->next) {
            for (const sv_entry *entry = scope->oldest; entry != NULL; entry = entry->newer) {
                if (entry->expires < now) continue;
                *count += 1;
                *octets += ENTRY_HEAD + entry->key.scope.len + entry->size;
                if (b != NULL) put_entry(b, (uint8_t)kind, entry);
            }
        }
    }
}

sipveil_code sv_store_save(sv_store *store, int64_t now, sv_arena *arena, sipveil_span *image,
                           sipveil_error *err)
{
    sv_buffer b;
    size_t count, octets;
    *image = sv_span(NULL, 0);
    put_entries(store, now, NULL, &count, &octets);
    sv_buffer_init(&b, arena, HEAD + octets + DIGEST, HEAD + octets + DIGEST);
    sv_put_str(&b, magic);
    sv_put_big_endian(&b, VERSION, 4);
    sv_put_big_endian(&b, count, 4);
    put_entries(store, now, &b, &count, &octets);
    sipveil_span body = sv_buffer_span(&b);
    uint8_t *digest = sv_put_room(&b, DIGEST);
    SV_TRY(sv_buffer_check(&b, "state", err));
    if (!digest_of(store, body, digest)) {
        return sv_fail_openssl(err, "state", SIPVEIL_INTERNAL, "SHA-256 of the state image failed");
    }
    *image = sv_buffer_span(&b);
    return SIPVEIL_OK;
}

/* ---- reading */

static sipveil_code damaged(const sv_cursor *c, const char *what, sipveil_error *err)
{
    return sv_fail_rule(err, "state", SIPVEIL_MALFORMED, "ADV-145", sv_offset(c), "state image: %s", what);
}

typedef struct image_entry {
    uint64_t kind, expires;
    sipveil_span scope, name, value;
} image_entry;

static bool take_entry(sv_cursor *c, image_entry *out)
{
    uint64_t scope, name, value;
    return sv_take_big_endian(c, 1, &out->kind) && out->kind > 0 && out->kind < SV_STORE_KINDS &&
           sv_take_big_endian(c, 8, &out->expires) && sv_take_big_endian(c, 4, &scope) &&
           sv_take_big_endian(c, 4, &name) && sv_take_big_endian(c, 4, &value) &&
           sv_take(c, (size_t)scope, &out->scope) && sv_take(c, (size_t)name, &out->name) &&
           sv_take(c, (size_t)value, &out->value);
}

static sipveil_code read_image(sv_store *into, sipveil_span body, int64_t now, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(body, "state image");
    uint64_t version, count;
    if (!sv_take_literal(&c, magic)) return damaged(&c, "not one of ours", err);
    if (!sv_take_big_endian(&c, 4, &version) || version != VERSION) {
        return damaged(&c, "its version is not known", err);
    }
    if (!sv_take_big_endian(&c, 4, &count)) return damaged(&c, "cut short", err);
    for (; count > 0; count--) {
        image_entry e;
        if (!take_entry(&c, &e)) return damaged(&c, "an entry does not fit", err);
        sipveil_code code = sv_store_add(into, (sv_store_kind)e.kind, e.scope, e.name, e.value, now,
                                         (int64_t)e.expires, err);
        if (code == SIPVEIL_REPLAY) return damaged(&c, "one entry twice", err);
        SV_TRY(code);
    }
    return sv_at_end(&c) ? SIPVEIL_OK : damaged(&c, "octets after the last entry", err);
}

/* What is in the store is younger than the image: it comes after, and the image's wins over it. */
static sipveil_code add_all(sv_store *into, const sv_store *from, int64_t now, sipveil_error *err)
{
    for (size_t kind = 0; kind < SV_STORE_KINDS; kind++) {
        const sv_entry_scope *scope = from->kinds[kind].entries.first_scope;
        for (; scope != NULL; scope = scope->next) {
            for (const sv_entry *e = scope->oldest; e != NULL; e = e->newer) {
                sipveil_code code = sv_store_add(into, (sv_store_kind)kind, e->key.scope, e->key.name,
                                                 e->value, now, e->expires, err);
                if (code != SIPVEIL_OK && code != SIPVEIL_REPLAY) return code;
            }
        }
    }
    sv_error_clear(err);
    return SIPVEIL_OK;
}

sipveil_code sv_store_load_unverified_body(sv_store *store, sipveil_span body, int64_t now,
                                           sipveil_error *err)
{
    sv_store *fresh; /* swapped in at the end: a damaged image changes nothing */
    SV_TRY(sv_store_new(&fresh, err));
    for (size_t i = 0; i < SV_STORE_KINDS; i++) fresh->kinds[i].caps = store->kinds[i].caps;
    sipveil_code code = read_image(fresh, body, now, err);
    if (code == SIPVEIL_OK) code = add_all(fresh, store, now, err);
    if (code == SIPVEIL_OK) {
        for (size_t i = 0; i < SV_STORE_KINDS; i++) {
            sv_entries old = store->kinds[i].entries;
            store->kinds[i].entries = fresh->kinds[i].entries;
            fresh->kinds[i].entries = old;
        }
    }
    sv_store_free(fresh);
    return code;
}

sipveil_code sv_store_load(sv_store *store, sipveil_span image, int64_t now, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(image, "state image");
    sipveil_span body, digest;
    uint8_t expected[DIGEST];
    if (sv_left(&c) < HEAD + DIGEST) return damaged(&c, "cut short", err);
    (void)sv_take(&c, sv_left(&c) - DIGEST, &body);
    digest = sv_rest(&c);
    if (!digest_of(store, body, expected)) {
        return sv_fail_openssl(err, "state", SIPVEIL_INTERNAL, "SHA-256 of the state image failed");
    }
    if (!sv_equal(digest, sv_span(expected, DIGEST))) return damaged(&c, "its digest is wrong", err);
    return sv_store_load_unverified_body(store, body, now, err);
}
