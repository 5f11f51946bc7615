/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/kek_alone.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "crypto/suite.h"

enum { SCAN_MOST = 32 /* keys of a batch that are cheaper looked at one by one */, DIGEST = 32, SCRATCH_BLOCK = 4096, SCRATCH_MOST = 256 << 20 };

/* Whether there is no time at which both are good. */
static bool never_together(const sv_cms_key *a, const sv_cms_key *b)
{
    return (a->valid_until != 0 && a->valid_until <= b->valid_from) ||
           (b->valid_until != 0 && b->valid_until <= a->valid_from);
}

static sipveil_code check_pair(const sipveil_key *key, const sipveil_key *other, sipveil_error *err)
{
    if (key->kind != SIPVEIL_KEY_KEK || other->kind != SIPVEIL_KEY_KEK) return SIPVEIL_OK;
    bool same_id = sv_equal(key->cms.kek_id, other->cms.kek_id);
    bool visible = key->cms.held == NULL && other->cms.held == NULL; /* else nobody can compare them */
    bool same_key = visible && sv_equal_constant_time(key->cms.kek, other->cms.kek);
    if (same_id == same_key || (same_id && never_together(&key->cms, &other->cms))) return SIPVEIL_OK;
    if (same_id) {
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-093", SIPVEIL_NO_OFFSET,
                            "two different keys have the identifier \"%s\"", SV_QUOTE(key->cms.kek_id));
    }
    return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-093", SIPVEIL_NO_OFFSET,
                        "kek \"%s\" and kek \"%s\" are the same key", SV_QUOTE(other->cms.kek_id),
                        SV_QUOTE(key->cms.kek_id));
}

static sipveil_code check_one_by_one(const sipveil_keyring *ring, const sv_key_batch *batch, sipveil_error *err)
{
    for (const sipveil_key *key = batch->first; key != NULL; key = key->next) {
        for (size_t i = 0; i < ring->count; i++) SV_TRY(check_pair(key, ring->keys[i], err));
        for (const sipveil_key *before = batch->first; before != key; before = before->next) {
            SV_TRY(check_pair(key, before, err));
        }
    }
    return SIPVEIL_OK;
}

/* ---- many: in an order in which only neighbours can be at odds ---- */

/* A key is ordered by its digest, so that what decides about the order is no secret; wiped all the same, for which pointers
 * are sorted: qsort() copies. */
typedef struct row {
    const sipveil_key *key;
    size_t place; /* the older ones first */
    uint8_t digest[DIGEST];
} row;

static int by_place(const row *a, const row *b)
{
    return a->place < b->place ? -1 : a->place > b->place;
}

static int by_identifier(const void *a, const void *b)
{
    const row *x = *(row *const *)a, *y = *(row *const *)b;
    const sv_cms_key *p = &x->key->cms, *q = &y->key->cms;
    if (p->kek_id.len != q->kek_id.len) return p->kek_id.len < q->kek_id.len ? -1 : 1;
    int order = memcmp(p->kek_id.data, q->kek_id.data, p->kek_id.len);
    if (order == 0 && p->valid_from != q->valid_from) order = p->valid_from < q->valid_from ? -1 : 1;
    return order != 0 ? order : by_place(x, y);
}

static int by_digest(const void *a, const void *b)
{
    const row *x = *(row *const *)a, *y = *(row *const *)b;
    int order = memcmp(x->digest, y->digest, DIGEST);
    return order != 0 ? order : by_place(x, y);
}

static bool ends_later(const sv_cms_key *a, const sv_cms_key *b)
{
    return b->valid_until != 0 && (a->valid_until == 0 || a->valid_until > b->valid_until);
}

/* Under one identifier, in the order of their beginnings: who is at odds with any earlier one is so with the one that ends
 * last, for all that are good when it begins are the same key, or were refused before. */
static sipveil_code check_identifiers(row **rows, size_t count, sipveil_error *err)
{
    const sipveil_key *last = NULL;
    qsort(rows, count, sizeof *rows, by_identifier);
    for (size_t i = 0; i < count; i++) {
        const sipveil_key *key = rows[i]->key;
        bool begins = last == NULL || !sv_equal(last->cms.kek_id, key->cms.kek_id);
        if (!begins) SV_TRY(check_pair(key, last, err));
        if (begins || ends_later(&key->cms, &last->cms)) last = key;
    }
    return SIPVEIL_OK;
}

/* Equal ones stand side by side; all of them have the identifier of the first, or one is refused. */
static sipveil_code check_digests(row **rows, size_t count, sipveil_error *err)
{
    qsort(rows, count, sizeof *rows, by_digest);
    for (size_t i = 1; i < count; i++) SV_TRY(check_pair(rows[i]->key, rows[i - 1]->key, err));
    return SIPVEIL_OK;
}

/* What is sorted, of the ring and of the batch. */
typedef struct sorted {
    const sipveil_context *context;
    row *rows, **order;
    size_t count;
} sorted;

static bool add_row(sorted *all, const sipveil_key *key)
{
    if (key->kind != SIPVEIL_KEY_KEK) return true;
    row *r = &all->rows[all->count];
    *r = (row){.key = key, .place = all->count};
    all->order[all->count++] = r;
    if (key->cms.held != NULL) return true;
    return EVP_Digest(key->cms.kek.data, key->cms.kek.len, r->digest, NULL, all->context->suite->hashes[SV_HASH_SHA256], NULL) == 1;
}

static sipveil_code fill_and_check(const sipveil_keyring *ring, const sv_key_batch *batch, sorted *all, sipveil_error *err)
{
    bool filled = true;
    for (size_t i = 0; filled && i < ring->count; i++) filled = add_row(all, ring->keys[i]);
    for (const sipveil_key *key = batch->first; filled && key != NULL; key = key->next) filled = add_row(all, key);
    if (!filled) return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "a key cannot be hashed");
    SV_TRY(check_identifiers(all->order, all->count, err));
    return check_digests(all->order, all->count, err);
}

sipveil_code sv_keks_stand_alone(const sipveil_keyring *ring, const sv_key_batch *batch, sipveil_error *err)
{
    if (batch->count <= SCAN_MOST) return check_one_by_one(ring, batch, err);
    size_t most = ring->count + batch->count;
    sorted all = {.context = ring->context};
    sv_arena *scratch = sv_arena_new(SCRATCH_BLOCK, SCRATCH_MOST);
    if (scratch != NULL) {
        all.rows = sv_arena_alloc_array(scratch, most, sizeof *all.rows);
        all.order = sv_arena_alloc_array(scratch, most, sizeof *all.order);
    }
    bool good = all.rows != NULL && all.order != NULL;
    sipveil_code code = good ? fill_and_check(ring, batch, &all, err) : sv_no_memory(err, "keys");
    sv_arena_free(scratch);
    return code;
}
