/* SPDX-License-Identifier: BSD-2-Clause */
/* The store of keys: to which dialog a key belongs, how long it is there, and whom a flood takes room from. */
#include "e2m/cek.h"

#include "tunnel/memory.h"
#include "world.h"

static sv_cek_record record_of(world *w, const char *scope, unsigned reference, uint8_t signer)
{
    char *name = sv_arena_alloc(w->arena, 17);
    snprintf(name, 17, "%016u", reference);
    sv_cek_record r = {.scope = sv_span_str(scope), .reference = sv_span(name, 16), .cipher = SIPVEIL_CIPHER_AES_128_GCM,
                       .cek = SV_SPAN("0123456789abcdef"), .uses = 2};
    memset(r.signer, signer, sizeof r.signer);
    return r;
}

static sv_cek_scopes scopes_of(const char *scope)
{
    return (sv_cek_scopes){.items = {sv_span_str(scope)}, .count = 1};
}

static void the_store(void **state)
{
    world *w = begin(state);
    sv_store *store = sv_memory_store(w->p1.memory);
    sv_cek_record a = record_of(w, "dialog 1", 1, 'A'), out;
    sv_cek_scopes one = scopes_of("dialog 1"), two = scopes_of("dialog 2");
    assert_code(sv_cek_keep(store, w->arena, &a, NOW, &w->err), SIPVEIL_OK);
    sv_cek_record b = record_of(w, "dialog 1", 1, 'B');
    assert_code(sv_cek_keep(store, w->arena, &b, NOW, &w->err), SIPVEIL_REPLAY); /* ADV-171, CEK-12: the first wins */
    assert_true(sv_cek_find(store, &one, a.reference, NOW, w->arena, &out) && out.signer[0] == 'A');
    assert_false(sv_cek_find(store, &two, a.reference, NOW, w->arena, &out)); /* ADV-174: another dialog */
    assert_false(sv_cek_find(store, &one, a.reference, NOW + 3601, w->arena, &out)); /* CEK-05 */
    assert_true(sv_cek_find(store, &one, a.reference, NOW, w->arena, &out));
    assert_code(sv_cek_count_use(store, w->arena, &out, NOW, &w->err), SIPVEIL_OK);
    assert_true(sv_cek_find(store, &one, a.reference, NOW, w->arena, &out) && out.uses == 1);
    assert_code(sv_cek_count_use(store, w->arena, &out, NOW, &w->err), SIPVEIL_OK);
    assert_false(sv_cek_find(store, &one, a.reference, NOW, w->arena, &out)); /* CEK-04 */
    a = record_of(w, "dialog 1", 2, 'A'); /* ADV-172: whatever was said, a thousand at most */
    a.uses = 1U << 31;
    assert_code(sv_cek_keep(store, w->arena, &a, NOW, &w->err), SIPVEIL_OK);
    assert_true(sv_cek_find(store, &one, a.reference, NOW, w->arena, &out) && out.uses == 1000);
    for (unsigned i = 0; i < 3; i++) {
        a = record_of(w, "dialog 1", 10 - i, 'A');
        assert_code(sv_cek_keep(store, w->arena, &a, NOW, &w->err), SIPVEIL_OK);
    }
    assert_true(sv_cek_find_last(store, &one, NOW, w->arena, &out) && sv_equal_str(out.reference, "0000000000000008"));
    sv_cek_forget(store, &one);
    assert_false(sv_cek_find_last(store, &one, NOW, w->arena, &out));
    a.scope = sv_span(NULL, 0);
    assert_code(sv_cek_keep(store, w->arena, &a, NOW, &w->err), SIPVEIL_MALFORMED); /* of no dialog: anybody's */
    assert_string_equal(w->err.rule, "CEK-12");
    assert_int_equal(sv_store_count(store, SV_STORE_CEK), 0);
}

/* ADV-176: a flood by one signer, over many dialogs, takes room from nobody else. */
static void a_flood_of_references(void **state)
{
    world *w = begin(state);
    sv_store *store = sv_memory_store(w->p1.memory);
    sv_cek_record other = record_of(w, "somebody else", 1, 'B'), out;
    sv_cek_scopes scopes = scopes_of("somebody else");
    assert_code(sv_cek_keep(store, w->arena, &other, NOW, &w->err), SIPVEIL_OK);
    for (unsigned i = 0; i < 3000; i++) {
        char *scope = sv_arena_alloc(w->arena, 32);
        snprintf(scope, 32, "dialog %u", i / 5);
        sv_cek_record r = record_of(w, scope, i, 'A');
        assert_code(sv_cek_keep(store, w->arena, &r, NOW, &w->err), SIPVEIL_OK);
        assert_true(sv_store_count(store, SV_STORE_CEK) <= SV_CEK_PER_PEER + 1);
    }
    assert_true(sv_cek_find(store, &scopes, other.reference, NOW, w->arena, &out));
    sv_cek_scopes last = scopes_of("dialog 599"), first = scopes_of("dialog 0");
    assert_true(sv_cek_find_last(store, &last, NOW, w->arena, &out));
    assert_false(sv_cek_find_last(store, &first, NOW, w->arena, &out));
}

static sipveil_code scopes_between(world *w, const char *start, const char *from, const char *to, const char *call, sv_cek_scopes *out)
{
    char rows[16384];
    sv_sip_view *view = sv_arena_alloc_raw(w->arena, sizeof *view);
    assert_non_null(view);
    snprintf(rows, sizeof rows, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 MESSAGE\r\n", from, to, call);
    assert_code(sv_sip_read(compose(w, start, rows, ""), SV_SIP_STREAM, sipveil_context_limits(w->context), view, &w->err), SIPVEIL_OK);
    return sv_cek_scopes_of(w->arena, view, out, &w->err);
}

/* CEK-12: the same scope from both sides, whatever the addresses look like, and another one for everybody else. */
static void scopes(void **state)
{
    static const char message[] = "MESSAGE sip:x@y SIP/2.0\r\n", answer[] = "SIP/2.0 200 OK\r\n";
    static const struct {
        const char *start, *from, *to, *other_start, *other_from, *other_to;
        bool same;
    } rows[] = {
        {message, "<sip:a@x>;tag=1", "<sip:a@xy>", message, "<sip:a@xy>;tag=2", "<sip:a@x>", true}, /* one begins with the other */
        {message, "<sip:a@x>;tag=1", "<sip:b@x>", message, "<sip:b@x>;tag=2", "<sip:a@x>", true},
        {message, "<sip:a@x>;tag=1", "<sip:b@x>", message, "<sip:c@x>;tag=1", "<sip:b@x>", false},
        {message, "<sip:gw1>;tag=1", "<sip:b@x>", message, "<sip:gw2>;tag=1", "<sip:b@x>", false}, /* no address of record */
        {message, "<sip:a@x>;tag=1", "<sip:b@x>;tag=2", message, "<sip:a@x>;tag=1", "<sip:b@x>", false}, /* within a dialog */
        {message, "<sip:a@x>;tag=1", "<sip:b@x>", answer, "<sip:a@x>;tag=1", "<sip:b@x>", false},
        {message, "<sip:a@x>;tag=1", "<sip:b@x>;tag=2", answer, "<sip:a@x>;tag=1", "<sip:b@x>;tag=2", true},
    };
    world *w = begin(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sv_cek_scopes one, two;
        assert_code(scopes_between(w, rows[i].start, rows[i].from, rows[i].to, "c1", &one), SIPVEIL_OK);
        assert_code(scopes_between(w, rows[i].other_start, rows[i].other_from, rows[i].other_to, "c1", &two), SIPVEIL_OK);
        if (sv_equal(one.items[0], two.items[0]) != rows[i].same) fail_msg("row %zu", i);
    }
    char call[5000], from[5000];
    sv_cek_scopes none;
    memset(call, 'x', sizeof call - 1);
    call[sizeof call - 1] = '\0';
    snprintf(from, sizeof from, "<sip:%.4500s@x>;tag=1", call);
    assert_code(scopes_between(w, answer, "<sip:a@x>;tag=1", "<sip:b@x>;tag=2", call, &none), SIPVEIL_LIMIT);
    assert_true(strcmp(w->err.rule, "CEK-12") == 0 && none.count == 0);
    assert_code(scopes_between(w, answer, from, "<sip:b@x>;tag=2", "c1", &none), SIPVEIL_LIMIT);
    assert_true(strcmp(w->err.rule, "CEK-12") == 0 && none.count == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_store), cmocka_unit_test(a_flood_of_references), cmocka_unit_test(scopes)};
    return cmocka_run_group_tests_name("the store of keys", tests, world_setup, world_teardown);
}
