/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequences on the store of keys that are used again: hold, use, expire, evict, forget, save and load. Never a key
 * of another dialog, never once too often, never after its time. The octets are also read as attributes, alone and in a layer, and as a record of a state file. */
#include <string.h>

#include "base/fuzz_target.h"
#include "cms/der_read.h"
#include "e2m/cek.h"

enum { SCOPES = 6, REFERENCES = 12, PEERS = 3, STEPS_MOST = 40, RECORD_MOST = 1024 };

/* What a store that never evicts would say. */
typedef struct expected {
    uint32_t number; /* which key; 0: none */
    uint32_t uses;
    int64_t expires;
} expected;

typedef struct run {
    sv_arena *arena;
    sv_store *store, *spare;
    expected all[SCOPES][REFERENCES];
    int64_t now;
    uint32_t made;
} run;

static sipveil_span name_of(run *r, char kind, unsigned number)
{
    uint8_t *text = sv_arena_alloc(r->arena, 4);
    must(text != NULL);
    text[0] = (uint8_t)kind;
    text[1] = (uint8_t)number;
    text[2] = kind == 'r' ? 7 : 0;
    return sv_span(text, 3);
}

static sv_cek_scopes scopes_of(run *r, unsigned scope)
{
    return (sv_cek_scopes){.items = {name_of(r, 's', scope)}, .count = 1};
}

static void keep(run *r, unsigned scope, unsigned reference, unsigned peer, uint32_t uses)
{
    uint8_t *cek = sv_arena_alloc(r->arena, 16);
    must(cek != NULL);
    uint32_t number = ++r->made;
    memcpy(cek, &number, sizeof number);
    sv_cek_record record = {.scope = name_of(r, 's', scope), .reference = name_of(r, 'r', reference),
                            .cipher = SIPVEIL_CIPHER_AES_128_GCM, .cek = sv_span(cek, 16), .uses = uses};
    record.signer[0] = (uint8_t)peer;
    expected *e = &r->all[scope][reference];
    sipveil_code code = sv_cek_keep(r->store, r->arena, &record, r->now, NULL);
    must(code == SIPVEIL_OK || code == SIPVEIL_REPLAY || code == SIPVEIL_LIMIT);
    if (code == SIPVEIL_OK) *e = (expected){number, uses, r->now + SV_CEK_LIFE};
    must(sv_store_count(r->store, SV_STORE_CEK) <= SCOPES * REFERENCES);
}

static void use(run *r, unsigned scope, unsigned reference, bool count)
{
    sv_cek_record found;
    sv_cek_scopes scopes = scopes_of(r, scope);
    expected *e = &r->all[scope][reference];
    if (!sv_cek_find(r->store, &scopes, name_of(r, 'r', reference), r->now, r->arena, &found)) return;
    uint32_t number;
    memcpy(&number, found.cek.data, sizeof number);
    must(e->number == number && e->uses > 0 && found.uses == e->uses && e->expires >= r->now);
    if (!count) return;
    must(sv_cek_count_use(r->store, r->arena, &found, r->now, NULL) == SIPVEIL_OK);
    e->uses--;
}

static void use_last(run *r, unsigned scope)
{
    sv_cek_record found;
    sv_cek_scopes scopes = scopes_of(r, scope);
    if (!sv_cek_find_last(r->store, &scopes, r->now, r->arena, &found)) return;
    must(found.reference.len == 3 && found.reference.data[1] < REFERENCES);
    use(r, scope, found.reference.data[1], true);
}

static void forget(run *r, unsigned scope)
{
    sv_cek_scopes scopes = scopes_of(r, scope);
    sv_cek_forget(r->store, &scopes);
    for (size_t i = 0; i < REFERENCES; i++) r->all[scope][i] = (expected){0, 0, 0};
}

static void forget_all(run *r, sv_store *store)
{
    for (unsigned i = 0; i < SCOPES; i++) sv_store_remove_scope(store, SV_STORE_CEK, name_of(r, 's', i));
    must(sv_store_count(store, SV_STORE_CEK) == 0);
}

static void restart(run *r)
{
    sipveil_span image;
    sv_store *again = r->spare;
    forget_all(r, again);
    must(sv_store_save(r->store, r->now, r->arena, &image, NULL) == SIPVEIL_OK);
    must(sv_store_load(again, image, r->now, NULL) == SIPVEIL_OK);
    r->spare = r->store;
    r->store = again;
}

static void step(run *r, uint8_t what, uint8_t a, uint8_t b)
{
    unsigned scope = a % SCOPES, reference = b % REFERENCES;
    switch (what % 8) {
    case 0: case 1: keep(r, scope, reference, a / SCOPES % PEERS, 1 + what / 8 % 5); break;
    case 2: case 3: use(r, scope, reference, true); break;
    case 4: use(r, scope, reference, false); break;
    case 5: use_last(r, scope); break;
    case 6: r->now += (int64_t)a * b; break;
    default: if (b % 16 == 0) restart(r); else if (b % 4 == 1) forget(r, scope); break;
    }
}

/* Each element by itself: what a SET holds. */
static bool scans(sipveil_span octets, const sipveil_limits *limits)
{
    sv_cursor c = sv_cursor_over(octets, "elements");
    sv_der one;
    while (!sv_at_end(&c)) {
        if (sv_der_take(&c, &one, NULL) != SIPVEIL_OK || sv_der_scan(one.whole, limits, false, NULL) != SIPVEIL_OK) return false;
    }
    return true;
}

static void read_attributes(sv_arena *arena, sipveil_span octets)
{
    sipveil_limits limits;
    sv_cek_attributes a, back;
    sipveil_span written;
    sipveil_limits_default(&limits);
    if (!scans(octets, &limits)) return;
    sv_cek_read_attributes(octets, &limits, arena, &a);
    must(a.uses >= 1 && (a.present || a.reference.len == 0));
    if (!a.present || a.derivation.unusable) return;
    must(sv_cek_put_attributes(arena, &a, &written, NULL) == SIPVEIL_OK);
    sv_cek_read_attributes(written, &limits, arena, &back);
    must(back.present && back.uses == a.uses && sv_equal(back.reference, a.reference) &&
         back.derivation.present == a.derivation.present && back.derivation.iterations == a.derivation.iterations);
}

/* A SET of attributes, and more of them after it: as the two places of a layer. */
static void read_layer(sv_arena *arena, sipveil_span octets)
{
    sipveil_limits limits;
    sv_cek_attributes a;
    sv_cursor c = sv_cursor_over(octets, "layer"), set;
    sv_enveloped e = {.unprotected_attributes = octets};
    sipveil_limits_default(&limits);
    if (!scans(octets, &limits)) return;
    sv_cek_attributes_of(&e, false, &limits, arena, &a);
    must(!a.present && a.uses == 1); /* what nobody vouches for is nothing */
    sv_cek_attributes_of(&e, true, &limits, arena, &a);
    if (sv_der_enter(&c, SV_DER_SET, "attributes", &set, NULL) != SIPVEIL_OK) return;
    e = (sv_enveloped){.authenticated = true, .auth_attributes = sv_span(octets.data, sv_offset(&c)), .unprotected_attributes = sv_rest(&c)};
    sv_cek_attributes_of(&e, true, &limits, arena, &a);
    must(!a.present || e.auth_attributes.len > 2);
}

static void refuse_one(sv_arena *arena, const sv_cek_record *r)
{
    sv_buffer b;
    sv_cek_record back;
    sv_buffer_init(&b, arena, 512, 1 << 20);
    sv_cek_put_record(&b, r);
    must_always(b.failed || !sv_cek_take_record(sv_buffer_span(&b), &back));
}

/* A good record that is cut, goes on, or says one thing that none of ours does, is none. */
static void refuse_others(sv_arena *arena, sipveil_span octets, const sv_cek_record *good)
{
    static const uint8_t long_key[SV_KEY_MOST + 1];
    sv_cek_record other;
    for (size_t i = 0; i < octets.len; i++) must_always(!sv_cek_take_record(sv_span(octets.data, i), &other));
    for (int i = 0; i < 9; i++) {
        other = *good;
        switch (i) {
        case 0: other.uses = 0; break;
        case 1: other.uses = SV_CEK_USES_MOST + 1; break;
        case 2: other.cipher = SIPVEIL_CIPHER_NONE; break;
        case 3: other.cipher = SIPVEIL_CIPHER_COUNT; break;
        case 4: other.cek.len--; break;
        case 5: other.cek = sv_span(long_key, sizeof long_key); break;
        case 6: other.readers = sv_span(long_key, 1); break;
        case 7: other.derivation = (sv_cek_derivation){.present = true, .wrap = SV_WRAP_COUNT}; break;
        default:
            other.hop_count = 1;
            other.hops[0] = (sv_cek_hop){.reply = (sipveil_e2m_act)(SIPVEIL_E2M_OTHER + 1)};
        }
        refuse_one(arena, &other);
    }
    other = *good;
    other.hop_count = SV_LABELS_MOST;
    for (size_t i = 0; i < SV_LABELS_MOST; i++) other.hops[i] = (sv_cek_hop){.reply = SIPVEIL_E2M_OTHER};
    sv_buffer b;
    sv_buffer_init(&b, arena, 512, 1 << 20);
    sv_cek_put_record(&b, &other);
    must(!b.failed && sv_cek_take_record(sv_buffer_span(&b), &other) && other.hop_count == SV_LABELS_MOST);
    sv_put_byte(&b, 0);
    must_always(b.failed || !sv_cek_take_record(sv_buffer_span(&b), &other));
}

/* A record out of a state file: what is taken is written as the same octets. */
static void read_record(sv_arena *arena, sipveil_span octets)
{
    sv_cek_record r;
    sv_cek_front front;
    sv_buffer b;
    bool has_front = sv_cek_take_front(octets, &front);
    if (!sv_cek_take_record(octets, &r)) return;
    must(has_front && front.order == r.order && front.unnamed == r.unnamed && front.cseq == r.cseq);
    must(sv_equal(front.signer, sv_span(r.signer, SV_CEK_DIGEST)) && r.hop_count <= SV_LABELS_MOST);
    sv_buffer_init(&b, arena, octets.len, 1 << 20);
    sv_cek_put_record(&b, &r);
    sv_cek_record back;
    must(!b.failed && sv_cek_take_record(sv_buffer_span(&b), &back));
    must(back.uses == r.uses && back.hop_count == r.hop_count && sv_equal(back.cek, r.cek) && sv_equal(back.readers, r.readers) &&
         sv_equal(back.branch_tag, r.branch_tag) && back.derivation.iterations == r.derivation.iterations);
    refuse_others(arena, octets, &r);
}

/* Arena and stores stay from run to run; what is longer than a sequence is not looked at, so that inputs stay short. */
void fuzz_input(const uint8_t *data, size_t size)
{
    static run kept;
    if (size > RECORD_MOST) return;
    if (kept.arena == NULL) {
        must((kept.arena = sv_arena_new(1 << 16, 64u << 20)) != NULL);
        must(sv_store_new(&kept.store, NULL) == SIPVEIL_OK && sv_store_new(&kept.spare, NULL) == SIPVEIL_OK);
    }
    sv_arena_reset(kept.arena);
    run r = {.arena = kept.arena, .store = kept.store, .spare = kept.spare, .now = 1000};
    read_attributes(r.arena, sv_span(data, size));
    read_layer(r.arena, sv_span(data, size));
    read_record(r.arena, sv_span(data, size));
    if (size > 3 * STEPS_MOST) return; /* longer than a sequence */
    forget_all(&r, r.store);
    for (size_t i = 0; i + 2 < size; i += 3) step(&r, data[i], data[i + 1], data[i + 2]);
}
