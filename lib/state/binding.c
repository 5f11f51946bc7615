/* SPDX-License-Identifier: BSD-2-Clause */
#include "state/binding.h"

#include "base/cursor.h"

enum { RECORD_VERSION = 1, NUMBER = 8, FIXED = 512 };
static const char MARK[] = "bound"; /* with its NUL, in front of the name: other readers keep other things here */

/* ---- names ---- */

static sipveil_span name_of(sv_arena *arena, const sv_dialog *dialog, sv_binding_place place)
{
    sv_buffer b;
    size_t most = sizeof MARK + 2 + dialog->remote_tag.len + dialog->local_tag.len;
    sv_buffer_init(&b, arena, most, most);
    sv_put(&b, sv_span(MARK, sizeof MARK));
    sv_put_byte(&b, place == SV_BINDING_NEXT ? 'n' : 'c');
    sv_put(&b, dialog->remote_tag);
    sv_put_byte(&b, 0); /* no tag holds one */
    sv_put(&b, dialog->local_tag);
    return sv_buffer_span(&b);
}

static bool is_binding(sipveil_span name)
{
    return name.len > sizeof MARK && sv_equal(sv_span(name.data, sizeof MARK), sv_span(MARK, sizeof MARK));
}

/* ---- records ---- */

static void put_record(sv_buffer *b, const sv_binding *r)
{
    sv_put_byte(b, RECORD_VERSION);
    sv_put_byte(b, (uint8_t)r->state);
    sv_put_byte(b, (uint8_t)((r->confirmed ? 1 : 0) | (r->weak ? 2 : 0) | (r->closing ? 4 : 0)));
    sv_put_byte(b, r->carrier);
    sv_put_byte(b, r->path);
    sv_put(b, sv_span(r->sha256, SV_BINDING_DIGEST));
    sv_put(b, sv_span(r->key_sha256, SV_BINDING_DIGEST));
    sv_put(b, sv_span(r->service_sha256, SV_BINDING_DIGEST));
    sv_put_big_endian(b, (uint64_t)r->issued, NUMBER);
    sv_put_big_endian(b, (uint64_t)r->made, NUMBER);
    sv_put_big_endian(b, (uint64_t)r->proven, NUMBER);
    sv_put_big_endian(b, (uint64_t)r->not_after, NUMBER);
    sv_put_big_endian(b, (uint64_t)r->until, NUMBER);
    sv_put_counted(b, r->peer);
    sv_put_counted(b, r->local);
    sv_put_counted(b, r->domain);
    sv_put_counted(b, r->certificate);
}

static bool take_digest(sv_cursor *c, uint8_t out[SV_BINDING_DIGEST])
{
    sipveil_span s;
    if (!sv_take(c, SV_BINDING_DIGEST, &s)) return false;
    for (size_t i = 0; i < SV_BINDING_DIGEST; i++) out[i] = s.data[i];
    return true;
}

static bool take_number(sv_cursor *c, int64_t *out)
{
    uint64_t number;
    bool taken = sv_take_big_endian(c, NUMBER, &number);
    *out = (int64_t)number;
    return taken;
}

static bool take_head(sv_cursor *c, sv_binding *r)
{
    uint8_t version, state, flags;
    if (!sv_take_byte(c, &version) || version != RECORD_VERSION || !sv_take_byte(c, &state) || !sv_take_byte(c, &flags) ||
        flags > 7 || !sv_take_byte(c, &r->carrier) || !sv_take_byte(c, &r->path)) {
        return false;
    }
    r->state = state == SV_BINDING_PROVEN ? SV_BINDING_PROVEN : SV_BINDING_CLAIMED;
    r->confirmed = (flags & 1) != 0;
    r->weak = (flags & 2) != 0;
    r->closing = (flags & 4) != 0;
    return state == SV_BINDING_CLAIMED || state == SV_BINDING_PROVEN;
}

static bool take_name(sipveil_span name, sv_binding *r)
{
    sv_cursor c = sv_cursor_over(sv_span_from(name, sizeof MARK), "name of a binding");
    uint8_t place;
    if (!sv_take_byte(&c, &place) || (place != 'c' && place != 'n')) return false;
    r->place = place == 'n' ? SV_BINDING_NEXT : SV_BINDING_CURRENT;
    if (!sv_take_until(&c, 0, &r->dialog.remote_tag) || !sv_take_if(&c, 0)) return false;
    r->dialog.local_tag = sv_rest(&c);
    return true;
}

/* Spans of *out are those of the entry. What is not whole is no binding. */
static bool read_record(const sv_store_entry *entry, sv_binding *out)
{
    sv_cursor c = sv_cursor_over(entry->value, "binding");
    *out = (sv_binding){.dialog.call_id = entry->scope, .name = entry->name};
    return is_binding(entry->name) && take_name(entry->name, out) && take_head(&c, out) && take_digest(&c, out->sha256) &&
           take_digest(&c, out->key_sha256) && take_digest(&c, out->service_sha256) && take_number(&c, &out->issued) &&
           take_number(&c, &out->made) && take_number(&c, &out->proven) && take_number(&c, &out->not_after) &&
           take_number(&c, &out->until) && sv_take_counted(&c, &out->peer) && sv_take_counted(&c, &out->local) &&
           sv_take_counted(&c, &out->domain) && sv_take_counted(&c, &out->certificate) && sv_at_end(&c);
}

/* The store may change under its spans. */
static bool own(sv_arena *arena, sv_binding *r)
{
    sipveil_span *spans[] = {&r->dialog.call_id, &r->dialog.local_tag, &r->dialog.remote_tag, &r->peer,
                             &r->local,          &r->domain,           &r->certificate,     &r->name};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        if (!sv_arena_copy(arena, *spans[i], spans[i])) return false;
    }
    return true;
}

/* ---- the store ---- */

sipveil_code sv_binding_keep(sv_store *store, sv_arena *arena, const sv_binding *binding, int64_t now, sipveil_error *err)
{
    sv_buffer b;
    int64_t expires;
    sipveil_span name = name_of(arena, &binding->dialog, binding->place);
    sv_buffer_init(&b, arena, binding->certificate.len + FIXED, 1 << 17);
    put_record(&b, binding);
    if (name.len == 0) return sv_no_memory(err, "state");
    SV_TRY(sv_buffer_check(&b, "state", err));
    if (__builtin_add_overflow(binding->until, (int64_t)SV_BINDING_TOLD, &expires)) expires = INT64_MAX;
    return sv_store_replace(store, SV_STORE_BINDING, binding->dialog.call_id, name, sv_buffer_span(&b), now, expires,
                            err);
}

static sipveil_code find_exact(const sv_store *store, const sv_dialog *dialog, sv_binding_place place, int64_t now,
                               sv_arena *arena, sv_binding *out)
{
    sv_store_entry entry = {.scope = dialog->call_id, .name = name_of(arena, dialog, place)};
    if (entry.name.len == 0) return SIPVEIL_INTERNAL;
    if (!sv_store_find(store, SV_STORE_BINDING, entry.scope, entry.name, now, &entry.value) || !read_record(&entry, out) ||
        !sv_binding_lives(out, now)) {
        return SIPVEIL_NO_KEY;
    }
    return own(arena, out) ? SIPVEIL_OK : SIPVEIL_INTERNAL;
}

sipveil_code sv_binding_find(const sv_store *store, const sv_dialog *dialog, sv_binding_place place, int64_t now,
                             sv_arena *arena, sv_binding *out)
{
    sv_dialog early = {.call_id = dialog->call_id, .remote_tag = dialog->remote_tag};
    sipveil_code code = SIPVEIL_NO_KEY;
    if (dialog->remote_tag.len > 0) code = find_exact(store, dialog, place, now, arena, out);
    bool falls_back = code == SIPVEIL_NO_KEY && dialog->remote_tag.len > 0 && dialog->local_tag.len > 0;
    if (falls_back && place == SV_BINDING_NEXT) { /* it follows the one of its own request, not that of this dialog */
        code = find_exact(store, dialog, SV_BINDING_CURRENT, now, arena, out);
        falls_back = code == SIPVEIL_NO_KEY;
        if (code == SIPVEIL_OK) code = SIPVEIL_NO_KEY;
    }
    if (falls_back) code = find_exact(store, &early, place, now, arena, out);
    if (code != SIPVEIL_OK) *out = (sv_binding){0};
    return code;
}

void sv_binding_remove(sv_store *store, sv_arena *arena, const sv_binding *binding)
{
    sipveil_span name = binding->name.len > 0 ? binding->name : name_of(arena, &binding->dialog, binding->place);
    if (name.len > 0) {
        (void)sv_store_remove(store, SV_STORE_BINDING, binding->dialog.call_id, name);
    } else { /* no memory: rather all that is known of the call is forgotten than this one kept */
        sv_store_remove_scope(store, SV_STORE_BINDING, binding->dialog.call_id);
    }
}

sipveil_code sv_binding_complete(sv_store *store, sv_arena *arena, sv_binding *binding, sipveil_span local_tag, int64_t now,
                                 sipveil_error *err)
{
    sv_binding before = *binding;
    binding->dialog.local_tag = local_tag;
    SV_TRY(sv_binding_keep(store, arena, binding, now, err));
    sv_binding_remove(store, arena, &before); /* by its name, which needs no memory */
    binding->name = (sipveil_span){0};
    return SIPVEIL_OK;
}

static sipveil_code set_proven(sv_store *store, sv_arena *arena, sv_binding *b, int64_t now)
{
    if (b->state == SV_BINDING_PROVEN && b->place == SV_BINDING_CURRENT) return SIPVEIL_OK;
    sv_binding before = *b;
    b->state = SV_BINDING_PROVEN;
    b->place = SV_BINDING_CURRENT;
    if (b->proven == 0) b->proven = now;
    SV_TRY(sv_binding_keep(store, arena, b, now, NULL));
    if (before.place == SV_BINDING_NEXT) sv_binding_remove(store, arena, &before);
    b->name = (sipveil_span){0};
    return SIPVEIL_OK;
}

sipveil_code sv_binding_prove(sv_store *store, const sv_dialog *dialog, const uint8_t sha256[SV_BINDING_DIGEST], int64_t now,
                              sv_arena *arena, sv_binding *out)
{
    sipveil_code code = SIPVEIL_NO_KEY;
    for (int place = 0; place < SV_BINDING_PLACES && code == SIPVEIL_NO_KEY; place++) {
        code = sv_binding_find(store, dialog, (sv_binding_place)place, now, arena, out);
        if (code != SIPVEIL_OK) continue;
        bool same = sv_equal(sv_span(out->sha256, SV_BINDING_DIGEST), sv_span(sha256, SV_BINDING_DIGEST));
        code = same ? set_proven(store, arena, out, now) : SIPVEIL_NO_KEY;
    }
    if (code != SIPVEIL_OK) *out = (sv_binding){0};
    return code;
}

/* ---- all of them ---- */

typedef struct listing {
    sv_arena *arena;
    sv_binding *items;
    size_t count, room;
    bool failed;
} listing;

static bool visit(void *state, const sv_store_entry *entry)
{
    listing *l = state;
    sv_binding found;
    if (!read_record(entry, &found)) return true;
    l->failed = l->count == l->room || !own(l->arena, &found);
    if (!l->failed) l->items[l->count++] = found;
    return !l->failed;
}

static sipveil_code hand_out(const listing *l, sv_binding **out, size_t *count, sipveil_error *err)
{
    bool good = l->items != NULL && !l->failed;
    *out = good ? l->items : NULL;
    *count = good ? l->count : 0;
    return good ? SIPVEIL_OK : sv_no_memory(err, "state");
}

sipveil_code sv_binding_list(const sv_store *store, sv_arena *arena, sv_binding **out, size_t *count, sipveil_error *err)
{
    listing l = {.arena = arena, .room = sv_store_count(store, SV_STORE_BINDING)};
    l.items = sv_arena_alloc_array(arena, l.room, sizeof *l.items);
    if (l.items != NULL) sv_store_visit(store, SV_STORE_BINDING, visit, &l);
    return hand_out(&l, out, count, err);
}

sipveil_code sv_binding_list_of_call(const sv_store *store, sv_arena *arena, sipveil_span call_id, sv_binding **out,
                                     size_t *count, sipveil_error *err)
{
    listing l = {.arena = arena, .room = sv_store_count_scope(store, SV_STORE_BINDING, call_id)};
    l.items = sv_arena_alloc_array(arena, l.room, sizeof *l.items);
    if (l.items != NULL) sv_store_visit_scope(store, SV_STORE_BINDING, call_id, visit, &l);
    return hand_out(&l, out, count, err);
}
