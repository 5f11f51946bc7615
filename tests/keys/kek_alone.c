/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared keys at odds with each other (ADV-093, CMS-15): large sets, which are sorted first, are judged as every pair by itself. */
#include "lab.h"

#include "keys/kek_alone.h"

enum { SET = 60, PLAYS = 4000 };

typedef struct shared {
    unsigned id, key;
    int64_t from, until; /* 0: no limit */
} shared;

static bool overlap(const shared *a, const shared *b)
{
    return (a->until == 0 || a->until > b->from) && (b->until == 0 || b->until > a->from);
}

/* The rule as it stands, pair by pair. */
static bool all_alone(const shared *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            bool same_id = all[i].id == all[k].id, same_key = all[i].key == all[k].key;
            if (same_id != same_key && !(same_id && !overlap(&all[i], &all[k]))) return false;
        }
    }
    return true;
}

static sipveil_code take(sipveil_keyring *ring, const shared *all, size_t count, sipveil_error *err)
{
    sv_key_batch *batch = sv_key_batch_new(lab_context);
    assert_non_null(batch);
    for (size_t i = 0; i < count; i++) {
        char id[16];
        uint8_t octets[16] = {0x5A, (uint8_t)(all[i].key >> 8), (uint8_t)all[i].key};
        snprintf(id, sizeof id, "key-%u", all[i].id);
        assert_int_equal(sv_key_batch_add_kek(batch, sv_span_str(id), sv_span(octets, sizeof octets), err), SIPVEIL_OK);
        batch->last->cms.valid_from = all[i].from;
        batch->last->cms.valid_until = all[i].until;
    }
    return sv_keyring_take(ring, batch, SIPVEIL_OK, NULL, err);
}

static unsigned draw(unsigned *seed, unsigned most)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % most;
}

/* Keys of their own, the same again, and one after the other; then up to three are changed. */
static void fill(shared *all, unsigned *seed)
{
    for (unsigned i = 0; i < SET; i++) {
        all[i] = (shared){.id = i, .key = i};
        if (i > 0 && draw(seed, 3) == 0) all[i] = all[draw(seed, i)];
        if (i % 7 == 6) {
            int64_t begin = 1 + draw(seed, 3);
            all[i - 1] = (shared){900, 900 + i - 1, i * 10 + begin, i * 10 + 5};
            all[i] = (shared){900, 900 + i, i * 10 + 5, i * 10 + 5 + begin};
        }
    }
    for (unsigned changes = draw(seed, 4); changes > 0; changes--) {
        shared *s = &all[draw(seed, SET)];
        const shared *other = &all[draw(seed, SET)];
        switch (draw(seed, 4)) {
        case 0: s->id = other->id; break;
        case 1: s->key = other->key; break;
        case 2: s->until = s->from == 0 ? 1000 : s->from + 1 + draw(seed, 20); break;
        default: s->from = other->from; s->until = other->until; break;
        }
        if (s->until != 0 && s->until <= s->from) s->until = s->from + 1;
    }
    for (unsigned i = SET; i > 1; i--) { /* in no order */
        unsigned k = draw(seed, i);
        shared swap = all[i - 1];
        all[i - 1] = all[k];
        all[k] = swap;
    }
}

static void as_pair_by_pair(void **state)
{
    unsigned seed = 1, good = 0;
    (void)state;
    for (int play = 0; play < PLAYS; play++) {
        shared all[SET];
        sipveil_error err;
        sipveil_keyring *ring = lab_ring();
        fill(all, &seed);
        size_t before = play % 2 == 0 ? 0 : draw(&seed, SET / 2), rest = SET - before;
        bool wanted = all_alone(all, SET);
        if (take(ring, all, before, &err) == SIPVEIL_OK) {
            sipveil_code code = take(ring, all + before, rest, &err);
            if ((code == SIPVEIL_OK) != wanted) fail_msg("play %d: %s", play, wanted ? err.text : "taken");
            assert_int_equal(sipveil_keyring_count(ring), code == SIPVEIL_OK ? SET : before);
            if (code != SIPVEIL_OK) assert_string_equal(err.rule, "ADV-093");
        } else {
            assert_false(wanted);
        }
        good += wanted;
        sipveil_keyring_free(ring);
    }
    assert_true(good > PLAYS / 10 && good < PLAYS - PLAYS / 10);
}

/* A ring as a proxy of many has it: all of them, one that is somebody's twin, and more of them later. */
static void ten_thousand(void **state)
{
    enum { MANY = 10000 };
    static shared all[MANY + 1];
    sipveil_error err;
    (void)state;
    sipveil_keyring *ring = lab_ring();
    for (unsigned i = 0; i <= MANY; i++) all[i] = (shared){.id = i, .key = i};
    assert_int_equal(take(ring, all, MANY, &err), SIPVEIL_OK);
    all[MANY].key = 4711;
    assert_int_equal(take(ring, all + MANY, 1, &err), SIPVEIL_USAGE);
    assert_int_equal(take(ring, all, MANY, &err), SIPVEIL_OK); /* the same again: idle */
    assert_int_equal(take(ring, all, MANY + 1, &err), SIPVEIL_USAGE);
    assert_string_equal(err.text, "kek \"key-4711\" and kek \"key-10000\" are the same key");
    all[MANY] = (shared){.id = 4711, .key = MANY};
    assert_int_equal(take(ring, all, MANY + 1, &err), SIPVEIL_USAGE);
    assert_string_equal(err.text, "two different keys have the identifier \"key-4711\"");
    assert_int_equal(sipveil_keyring_count(ring), 2 * MANY);
    sipveil_keyring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_pair_by_pair), cmocka_unit_test(ten_thousand)};
    return cmocka_run_group_tests_name("shared keys alone", tests, lab_open, lab_close);
}
