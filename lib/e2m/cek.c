/* SPDX-License-Identifier: BSD-2-Clause */
/* The store of keys that open later messages of a dialog, and what such a key becomes. */
#include "e2m/cek.h"

#include "crypto/kdf.h"
#include "crypto/sign.h"
#include "sip/values.h"

enum { RECORD_VERSION = 1, MADE = 1, DERIVED = 2, UNUSABLE = 4, ROLLING = 8, SCOPE_MOST = 2048 };

/* ---- scopes ---- */

static bool add_scope(sv_arena *arena, sv_cek_scopes *out, const char *kind, sipveil_span a, sipveil_span b)
{
    sv_buffer buffer;
    if (b.len == 0) return true;
    sv_buffer_init(&buffer, arena, a.len + b.len + 4, SCOPE_MOST);
    sv_put_str(&buffer, kind);
    sv_put(&buffer, a);
    sv_put_byte(&buffer, 0); /* stands in neither */
    sv_put(&buffer, b);
    if (buffer.failed) return false;
    out->items[out->count++] = sv_buffer_span(&buffer);
    return true;
}

static bool comes_first(sipveil_span a, sipveil_span b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        if (a.data[i] != b.data[i]) return a.data[i] < b.data[i];
    }
    return a.len <= b.len;
}

/* The dialog has no name that both ends share but Call-ID and the tags; either tag may be the one that the
 * key came with. A MESSAGE outside dialogs belongs to its two addresses (CEK-12). */
sipveil_code sv_cek_scopes_of(sv_arena *arena, const sv_sip_view *view, sv_cek_scopes *out, sipveil_error *err)
{
    sv_sip_address from, to;
    sipveil_span a, b, both;
    sv_buffer pair;
    *out = (sv_cek_scopes){0};
    SV_TRY(sv_sip_read_address(sv_sip_value(view, SV_F_FROM), &from, err));
    SV_TRY(sv_sip_read_address(sv_sip_value(view, SV_F_TO), &to, err));
    if (sv_sip_aor(from.uri, arena, &a, NULL) != SIPVEIL_OK) a = from.uri;
    if (sv_sip_aor(to.uri, arena, &b, NULL) != SIPVEIL_OK) b = to.uri;
    if (!comes_first(a, b)) {
        both = a;
        a = b;
        b = both;
    }
    sv_buffer_init(&pair, arena, a.len + b.len + 1, SCOPE_MOST);
    sv_put(&pair, a);
    sv_put_byte(&pair, 0);
    sv_put(&pair, b);
    sipveil_span call = sv_sip_value(view, SV_F_CALL_ID);
    bool outside = view->is_request && sv_equal_str(view->method, "MESSAGE") && to.tag.len == 0;
    bool added = outside ? add_scope(arena, out, "m", a, b)
                         : add_scope(arena, out, "d", call, from.tag) && add_scope(arena, out, "d", call, to.tag);
    if (!added || pair.failed) {
        *out = (sv_cek_scopes){0};
        return sv_fail_rule(err, SV_E2M, SIPVEIL_LIMIT, "CEK-12", SIPVEIL_NO_OFFSET,
                            "Call-ID, tags or addresses are too long for a key to be held");
    }
    out->parties = sv_buffer_span(&pair);
    return SIPVEIL_OK;
}

/* ---- records as octets ---- */

static void put_u64(sv_buffer *b, uint64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8) sv_put_byte(b, (uint8_t)(number >> shift));
}

static void put_span(sv_buffer *b, sipveil_span s)
{
    sv_put_byte(b, (uint8_t)(s.len >> 8));
    sv_put_byte(b, (uint8_t)s.len);
    sv_put(b, s);
}

static bool take_u64(sv_cursor *c, uint64_t *out)
{
    uint8_t octet;
    *out = 0;
    for (int i = 0; i < 8; i++) {
        if (!sv_take_byte(c, &octet)) return false;
        *out = *out << 8 | octet;
    }
    return true;
}

static bool take_span(sv_cursor *c, sipveil_span *out)
{
    uint8_t high, low;
    return sv_take_byte(c, &high) && sv_take_byte(c, &low) && sv_take(c, (size_t)high << 8 | low, out);
}

static bool take_digest(sv_cursor *c, uint8_t out[SV_CEK_DIGEST])
{
    for (size_t i = 0; i < SV_CEK_DIGEST; i++) {
        if (!sv_take_byte(c, &out[i])) return false;
    }
    return true;
}

static void put_record(sv_buffer *b, const sv_cek_record *r)
{
    const sv_cek_derivation *d = &r->derivation;
    sv_put_byte(b, RECORD_VERSION);
    sv_put_byte(b, (uint8_t)r->cipher);
    sv_put_byte(b, (uint8_t)((r->made ? MADE : 0) | (d->present ? DERIVED : 0) | (d->unusable ? UNUSABLE : 0) |
                           (r->rolling ? ROLLING : 0)));
    sv_put_byte(b, (uint8_t)r->reply);
    put_u64(b, r->uses);
    put_u64(b, (uint64_t)r->since);
    put_u64(b, (uint64_t)r->expires);
    put_u64(b, r->order);
    sv_put(b, sv_span(r->signer, SV_CEK_DIGEST));
    put_span(b, r->parties);
    put_span(b, r->cek);
    put_span(b, r->host);
    put_span(b, r->signer_domain);
    put_span(b, r->readers);
    if (!d->present || d->unusable) return;
    sv_put_byte(b, (uint8_t)d->wrap);
    put_span(b, d->salt);
    put_u64(b, d->iterations);
    put_u64(b, d->key_length);
}

/* What came out of a state file was checked as a whole, and is still read as if anybody wrote it. */
static bool take_record(sipveil_span value, sv_cek_record *r)
{
    sv_cursor c = sv_cursor_over(value, "key record");
    uint8_t version, cipher, flags, reply, wrap;
    uint64_t uses, since, expires, length;
    if (!sv_take_byte(&c, &version) || version != RECORD_VERSION || !sv_take_byte(&c, &cipher) ||
        !sv_take_byte(&c, &flags) || !sv_take_byte(&c, &reply) || !take_u64(&c, &uses) || !take_u64(&c, &since) ||
        !take_u64(&c, &expires) || !take_u64(&c, &r->order) || !take_digest(&c, r->signer) ||
        !take_span(&c, &r->parties) || !take_span(&c, &r->cek) || !take_span(&c, &r->host) ||
        !take_span(&c, &r->signer_domain) || !take_span(&c, &r->readers)) {
        return false;
    }
    r->cipher = (sipveil_cipher)cipher;
    r->reply = (sipveil_e2m_act)reply;
    r->uses = (uint32_t)uses;
    r->since = (int64_t)since;
    r->expires = (int64_t)expires;
    r->made = (flags & MADE) != 0;
    r->rolling = (flags & ROLLING) != 0;
    r->derivation = (sv_cek_derivation){.present = (flags & DERIVED) != 0, .unusable = (flags & UNUSABLE) != 0};
    if (r->derivation.present && !r->derivation.unusable) {
        if (!sv_take_byte(&c, &wrap) || wrap >= SV_WRAP_COUNT || !take_span(&c, &r->derivation.salt) ||
            !take_u64(&c, &r->derivation.iterations) || !take_u64(&c, &length)) {
            return false;
        }
        r->derivation.wrap = (sv_wrap)wrap;
        r->derivation.key_length = (size_t)length;
    }
    return sv_at_end(&c) && cipher > SIPVEIL_CIPHER_NONE && cipher < SIPVEIL_CIPHER_COUNT && r->cek.len <= SV_KEY_MOST &&
           r->cek.len == sv_cipher_row_of(r->cipher)->key_length && uses > 0 && uses <= SV_CEK_USES_MOST &&
           reply <= SIPVEIL_E2M_OTHER && r->readers.len % SV_CEK_DIGEST == 0;
}

/* The record of an entry as a copy of its own. */
static bool read_entry(sv_arena *arena, sipveil_span scope, sipveil_span name, sipveil_span value, sv_cek_record *out)
{
    sipveil_span copy;
    *out = (sv_cek_record){0};
    return sv_arena_copy(arena, value, &copy) && take_record(copy, out) && sv_arena_copy(arena, scope, &out->scope) &&
           sv_arena_copy(arena, name, &out->reference);
}

/* ---- the store ---- */

typedef struct peer_keys {
    const uint8_t *signer;
    uint64_t last_order;   /* of all */
    size_t count;          /* of this peer */
    uint64_t oldest_order; /* of this peer */
    sipveil_span oldest_scope, oldest_name;
} peer_keys;

static bool look_at(void *state, const sv_store_entry *entry)
{
    peer_keys *peer = state;
    sv_cek_record record;
    if (!take_record(entry->value, &record)) return true;
    if (record.order > peer->last_order) peer->last_order = record.order;
    if (!sv_equal(sv_span(record.signer, SV_CEK_DIGEST), sv_span(peer->signer, SV_CEK_DIGEST))) return true;
    if (peer->count++ == 0 || record.order < peer->oldest_order) {
        peer->oldest_order = record.order;
        peer->oldest_scope = entry->scope;
        peer->oldest_name = entry->name;
    }
    return true;
}

static sipveil_code drop_oldest(sv_store *store, sv_arena *arena, const peer_keys *peer, sipveil_error *err)
{
    sipveil_span scope, name; /* what is removed must not be what tells its name */
    if (!sv_arena_copy(arena, peer->oldest_scope, &scope) || !sv_arena_copy(arena, peer->oldest_name, &name)) {
        return sv_no_memory(err, SV_E2M);
    }
    (void)sv_store_remove(store, SV_STORE_CEK, scope, name);
    return SIPVEIL_OK;
}

static sipveil_code add_record(sv_store *store, sv_arena *arena, const sv_cek_record *record, int64_t now,
                               sipveil_error *err)
{
    sv_buffer b;
    sv_buffer_init(&b, arena, 512 + record->readers.len, 1 << 14);
    put_record(&b, record);
    SV_TRY(sv_buffer_check(&b, SV_E2M, err));
    return sv_store_add(store, SV_STORE_CEK, record->scope, record->reference, sv_buffer_span(&b), now, record->expires, err);
}

sipveil_code sv_cek_keep(sv_store *store, sv_arena *arena, const sv_cek_record *record, int64_t now, sipveil_error *err)
{
    sv_cek_record own = *record;
    peer_keys peer = {.signer = record->signer};
    sipveil_span there;
    if (sv_store_find(store, SV_STORE_CEK, record->scope, record->reference, now, &there)) {
        return sv_fail_rule(err, SV_E2M, SIPVEIL_REPLAY, "ADV-171", SIPVEIL_NO_OFFSET,
                            "a key under this reference is held already");
    }
    sv_store_visit(store, SV_STORE_CEK, look_at, &peer);
    if (peer.count >= SV_CEK_PER_PEER) SV_TRY(drop_oldest(store, arena, &peer, err));
    own.order = peer.last_order + 1;
    own.rolling = own.uses == 1;
    own.since = now;
    own.expires = now + SV_CEK_LIFE;
    if (own.uses > SV_CEK_USES_MOST) own.uses = SV_CEK_USES_MOST;
    return add_record(store, arena, &own, now, err);
}

bool sv_cek_find(const sv_store *store, const sv_cek_scopes *scopes, sipveil_span reference, int64_t now,
                 sv_arena *arena, sv_cek_record *out)
{
    sipveil_span value;
    for (size_t i = 0; i < scopes->count; i++) {
        if (sv_store_find(store, SV_STORE_CEK, scopes->items[i], reference, now, &value) &&
            read_entry(arena, scopes->items[i], reference, value, out) &&
            sv_equal(out->parties, scopes->parties)) {
            return true;
        }
    }
    *out = (sv_cek_record){0};
    return false;
}

typedef struct newest {
    const sv_cek_scopes *scopes;
    int64_t now;
    uint64_t order;
    sipveil_span scope, name;
} newest;

static bool look_for_newest(void *state, const sv_store_entry *entry)
{
    newest *n = state;
    sv_cek_record record;
    for (size_t i = 0; i < n->scopes->count; i++) {
        if (!sv_equal(entry->scope, n->scopes->items[i]) || entry->expires < n->now) continue;
        if (!take_record(entry->value, &record) || record.order <= n->order) continue;
        n->order = record.order;
        n->scope = entry->scope;
        n->name = entry->name;
    }
    return true;
}

bool sv_cek_find_last(const sv_store *store, const sv_cek_scopes *scopes, int64_t now, sv_arena *arena,
                      sv_cek_record *out)
{
    newest n = {.scopes = scopes, .now = now};
    sv_store_visit(store, SV_STORE_CEK, look_for_newest, &n);
    *out = (sv_cek_record){0};
    return n.name.len > 0 && sv_cek_find(store, scopes, n.name, now, arena, out);
}

sipveil_code sv_cek_count_use(sv_store *store, sv_arena *arena, const sv_cek_record *record, int64_t now,
                              sipveil_error *err)
{
    sv_cek_record less = *record;
    (void)sv_store_remove(store, SV_STORE_CEK, record->scope, record->reference);
    if (--less.uses == 0) return SIPVEIL_OK;
    return add_record(store, arena, &less, now, err);
}

void sv_cek_forget(sv_store *store, const sv_cek_scopes *scopes)
{
    for (size_t i = 0; i < scopes->count; i++) sv_store_remove_scope(store, SV_STORE_CEK, scopes->items[i]);
}

/* ---- readers ---- */

static sipveil_code digest_name(sv_crypto *crypto, const char *kind, sipveil_span a, sipveil_span b,
                                uint8_t out[SV_CEK_DIGEST], sipveil_error *err)
{
    uint8_t parts[3][SV_CEK_DIGEST];
    const sv_digest *sha256 = sv_digest_by_name("sha256");
    SV_TRY(sv_digest_octets(crypto, sha256, sv_span_str(kind), parts[0], err));
    SV_TRY(sv_digest_octets(crypto, sha256, a, parts[1], err));
    SV_TRY(sv_digest_octets(crypto, sha256, b, parts[2], err));
    return sv_digest_octets(crypto, sha256, sv_span(parts, sizeof parts), out, err);
}

sipveil_code sv_cek_reader_of_recipient(sv_crypto *crypto, const sv_recipient *r, uint8_t out[SV_CEK_DIGEST],
                                        sipveil_error *err)
{
    sipveil_span none = {0};
    if (r->kind == SV_RECIPIENT_KEKRI) return digest_name(crypto, "kek", r->key_id, none, out, err);
    if (r->ski.len > 0) return digest_name(crypto, "ski", r->ski, none, out, err);
    if (r->issuer.len > 0) return digest_name(crypto, "serial", r->issuer, r->serial, out, err);
    return digest_name(crypto, "other", r->encrypted_key, none, out, err);
}

sipveil_code sv_cek_reader_of_key(sv_crypto *crypto, const sv_cms_key *key, bool by_ski, uint8_t out[SV_CEK_DIGEST],
                                  sipveil_error *err)
{
    sipveil_span none = {0};
    if (key->kind == SV_CMS_KEY_KEK) return digest_name(crypto, "kek", key->kek_id, none, out, err);
    if (key->kind == SV_CMS_KEY_PASSWORD) return digest_name(crypto, "password", none, none, out, err);
    return by_ski ? digest_name(crypto, "ski", key->ski, none, out, err)
                  : digest_name(crypto, "serial", key->issuer, key->serial, out, err);
}

/* ---- the key ---- */

sipveil_code sv_cek_make_kek(sv_crypto *crypto, sv_arena *arena, const sv_cek_record *record, sv_wrap wrap,
                             const sipveil_limits *limits, sv_cms_key *out, sipveil_error *err)
{
    const sv_cek_derivation *d = &record->derivation;
    size_t length = sv_wrap_row_of(wrap)->key_length;
    bool derive = d->present && !d->unusable && d->wrap == wrap && length != record->cek.len;
    uint8_t *kek = sv_arena_alloc_raw(arena, SV_KEY_MOST);
    if (kek == NULL) return sv_no_memory(err, SV_E2M);
    *out = (sv_cms_key){.kind = SV_CMS_KEY_KEK, .kek_id = record->reference};
    if (derive) {
        if (d->iterations > limits->iterations) {
            return sv_fail_rule(err, SV_E2M, SIPVEIL_LIMIT, "ADV-175", SIPVEIL_NO_OFFSET,
                                "a key is to be derived with %llu iterations, more than %llu",
                                (unsigned long long)d->iterations, (unsigned long long)limits->iterations);
        }
        out->kek = sv_span(kek, length);
        return sv_kdf_pbkdf2(crypto, SV_HASH_SHA1, record->cek, d->salt, d->iterations, kek, length, err);
    }
    for (size_t i = 0; i < record->cek.len; i++) kek[i] = record->cek.data[record->cek.len - 1 - i];
    out->kek = sv_span(kek, record->cek.len);
    return SIPVEIL_OK;
}

bool sv_cek_is_derived(sipveil_span cek, sipveil_span earlier)
{
    bool reversed = cek.len == earlier.len && cek.len > 0;
    for (size_t i = 0; reversed && i < cek.len; i++) reversed = cek.data[i] == earlier.data[earlier.len - 1 - i];
    return reversed || (cek.len > 0 && sv_equal_constant_time(cek, earlier));
}
