/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequences of requests, responses, proofs, time and restarts over a few dialogs, against what must hold whatever comes:
 * a binding authenticates nothing before its key has shown itself, never outlives its dialog or its certificate, never
 * serves in another dialog, and is never made without somebody who vouches for the sender and the certificate. */
#include <string.h>

#include "base/fuzz_target.h"
#include "identity/binding.h"

enum { CALLS = 2, TAGS = 3, KEYS = 4, STEPS_MOST = 32, LIFE = 5000, START = 1000000 };

/* What was vouched for, and proven, since there last was no binding: a binding must be among it. By Call-ID and peer's tag;
 * one that was made of an early request serves whatever local tag comes. */
typedef struct history {
    bool vouched[KEYS], proven[KEYS];
} history;

typedef struct run {
    sv_arena *arena;
    sv_store *store, *spare;
    history all[CALLS][TAGS];
    int64_t now;
} run;

static const char *const calls[CALLS] = {"c1", "c2"};
static const char *const tags[TAGS] = {"r1", "r2", "r3"};
static const char *const locals[TAGS] = {"", "l1", "l2"};
static const char *const peers[2] = {"sip:a@x", "sip:b@x"};

static sv_dialog dialog_of(unsigned call, unsigned tag, unsigned local)
{
    return (sv_dialog){sv_span_str(calls[call]), sv_span_str(locals[local]), sv_span_str(tags[tag])};
}

static bool answer_change(void *user, sipveil_span before, sipveil_span after, const char *aor)
{
    must(before.len == 1 && after.len == 1 && before.data[0] != after.data[0] && aor[0] == 's');
    return *(bool *)user;
}

/* The upper bits of b: what is rare, each by itself. */
static void make_rare(sv_bind_question *q, sv_carried_certificate *carried, sv_vouched *vouched, unsigned b)
{
    static const sv_carried_state others[] = {SV_CARRIED_UNREADABLE, SV_CARRIED_UNREAD, SV_CARRIED_UNCLEAR};
    static bool yes = true, no = false;
    switch (b >> 2 & 15) {
    case 1: q->accept_change = answer_change; q->accept_change_user = &yes; break;
    case 2: q->accept_change = answer_change; q->accept_change_user = &no; break;
    case 3: q->chain_valid = true; break;
    case 4: q->expected = SV_SPAN("sip:b@x"); break;
    case 5: q->of_dialog = false; break;
    case 6: q->peer = (sipveil_span){NULL, 0}; break;
    case 7: q->dialog.remote_tag = (sipveil_span){NULL, 0}; break;
    case 8: q->confirmed = true; break;
    case 9: carried->summary.not_before = START + LIFE; break;
    case 10: vouched->covers_certificate = true; break;
    case 11: vouched->status = 438; break;
    case 12: carried->why = "of the carrier"; carried->state = others[0]; break;
    case 13: case 14: carried->state = others[(b >> 2 & 15) - 12]; break;
    default: break;
    }
    if (carried->state != SV_CARRIED_ONE && carried->state != SV_CARRIED_NONE) carried->der = (sipveil_span){NULL, 0};
}

static void request(run *r, unsigned call, unsigned tag, unsigned how, unsigned b)
{
    unsigned key = b % KEYS;
    static const uint8_t der[KEYS] = {1, 2, 3, 4};
    sv_carried_certificate carried = {.state = how & 1 ? SV_CARRIED_ONE : SV_CARRIED_NONE, .carrier = SV_CARRIER_PKIX_CERT,
                                      .der = sv_span(&der[key], 1), .has_signed = true};
    carried.summary = (sv_certificate_summary){.not_before = START - 1, .not_after = START + LIFE * (1 + (int64_t)key)};
    carried.summary.sha256[0] = (uint8_t)(key + 1);
    sv_vouched vouched = {.valid = (how & 2) != 0, .covers_body = (how & 4) != 0, .weak = (how & 0x18) == 0x18};
    sv_bind_question q = {.dialog = dialog_of(call, tag, how >> 5 & 1), .peer = sv_span_str(peers[how >> 6 & 1]),
                          .from_change = (how & 0x10) != 0, .required = (how & 8) != 0, .carried = &carried, .of_dialog = true,
                          .vouched = &vouched, .now = r->now};
    sv_bind_answer answer;
    make_rare(&q, &carried, &vouched, b);
    sipveil_code code = sv_bind(r->store, r->arena, &q, &answer, NULL);
    must(code == SIPVEIL_OK || code == SIPVEIL_LIMIT || code == SIPVEIL_INTERNAL);
    if (code != SIPVEIL_OK) return;
    bool may = carried.state == SV_CARRIED_ONE && vouched.valid && (vouched.covers_body || vouched.covers_certificate) && !vouched.weak &&
               q.of_dialog && q.peer.len > 0 && q.dialog.remote_tag.len > 0 && carried.summary.not_before <= r->now &&
               r->now <= carried.summary.not_after;
    bool made = (answer.events & SIPVEIL_BINDING_EVENT_BOUND) != 0;
    must_always(may || !made);
    must(!made || answer.binding.state == SV_BINDING_CLAIMED);
    must(answer.status == 0 || !made || answer.status == vouched.status);
    if (may) r->all[call][tag].vouched[key] = true;
}

static void prove(run *r, unsigned call, unsigned tag, unsigned local, unsigned key)
{
    sv_dialog d = dialog_of(call, tag, local);
    uint8_t sha256[SV_BINDING_DIGEST] = {(uint8_t)(key + 1)};
    sv_binding out;
    if (sv_binding_prove(r->store, &d, sha256, r->now, r->arena, &out) != SIPVEIL_OK) return;
    must_always(r->all[call][tag].vouched[key] && out.state == SV_BINDING_PROVEN && out.place == SV_BINDING_CURRENT);
    r->all[call][tag].proven[key] = true;
}

/* received: from the peer; the tags change places otherwise. */
static void message(run *r, unsigned call, unsigned tag, unsigned what, unsigned how)
{
    static const char *const methods[] = {"INVITE", "BYE", "CANCEL", "UPDATE"};
    static const unsigned statuses[] = {0, 180, 200, 408, 481, 486};
    static sv_sip_view view;
    bool sent = how & 1, from_peer;
    const char *method = methods[what % 4], *local = locals[how >> 1 & 1 ? 1 : 2];
    unsigned status = statuses[what / 4 % 6];
    unsigned events = 0;
    sv_buffer b;
    from_peer = (status == 0) == !sent;
    sv_buffer_init(&b, r->arena, 512, 4096);
    if (status == 0) sv_put_format(&b, "%s sip:x@y SIP/2.0\r\n", method);
    else sv_put_format(&b, "SIP/2.0 %u X\r\n", status);
    sv_put_format(&b, "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 7\r\nFrom: <sip:a@x>;tag=%s\r\nTo: <sip:b@x>;tag=%s\r\n",
                  from_peer ? tags[tag] : local, from_peer ? local : tags[tag]);
    sv_put_format(&b, "Call-ID: %s\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n", calls[call], method,
                  how & 4 ? "Session-Expires: 900\r\n" : "");
    sipveil_limits limits;
    sipveil_limits_default(&limits);
    must(sv_sip_read(sv_buffer_span(&b), SV_SIP_DATAGRAM, &limits, &view, NULL) == SIPVEIL_OK);
    must(sv_binding_observe(r->store, r->arena, &view, sent, r->now, &events, NULL) == SIPVEIL_OK);
    bool of_dialog = method != methods[2]; /* a CANCEL is not in the dialog, whatever answers it */
    if (!of_dialog || !(status == 408 || status == 481 || (status >= 200 && method == methods[1]))) return;
    sv_binding found;
    sv_dialog d = {sv_span_str(calls[call]), sv_span_str(local), sv_span_str(tags[tag])};
    for (int place = 0; place < SV_BINDING_PLACES; place++) {
        must(sv_binding_find(r->store, &d, (sv_binding_place)place, r->now, r->arena, &found) == SIPVEIL_NO_KEY);
    }
}

static void forget_all(sv_store *store)
{
    for (unsigned i = 0; i < CALLS; i++) sv_store_remove_scope(store, SV_STORE_BINDING, sv_span_str(calls[i]));
    must(sv_store_count(store, SV_STORE_BINDING) == 0);
}

static void restart(run *r)
{
    sipveil_span image;
    sv_store *again = r->spare;
    forget_all(again);
    must(sv_store_save(r->store, r->now, r->arena, &image, NULL) == SIPVEIL_OK);
    must(sv_store_load(again, image, r->now, NULL) == SIPVEIL_OK);
    r->spare = r->store;
    r->store = again;
}

static void check_record(const run *r, const sv_binding *b, const history *h)
{
    unsigned key = b->sha256[0] - 1u;
    must(key < KEYS && h->vouched[key]);
    must(b->state == SV_BINDING_CLAIMED || h->proven[key]);
    must((b->state == SV_BINDING_PROVEN) == (b->proven != 0));
    must(r->now <= b->until && b->until <= b->not_after && b->until <= b->made + SV_BINDING_LIFE);
    must(!b->closing || b->until <= r->now + SV_TRANSACTION_SECONDS);
}

/* Every binding of that pair that anybody could use now is one of its dialog. */
static void check_pair(run *r, unsigned call, unsigned tag)
{
    sv_binding b;
    for (unsigned i = 0; i < TAGS * SV_BINDING_PLACES; i++) {
        sv_dialog d = dialog_of(call, tag, i / SV_BINDING_PLACES);
        if (sv_binding_find(r->store, &d, (sv_binding_place)(i % SV_BINDING_PLACES), r->now, r->arena, &b) != SIPVEIL_OK) continue;
        must(sv_equal(b.dialog.call_id, d.call_id) && sv_equal(b.dialog.remote_tag, d.remote_tag));
        must(b.dialog.local_tag.len == 0 || sv_equal(b.dialog.local_tag, d.local_tag));
        check_record(r, &b, &r->all[call][tag]);
    }
}

/* Every record there is; where a pair has none that lives, what was is over. */
static void check_records(run *r)
{
    bool lives[CALLS][TAGS] = {{false}};
    sv_binding *all;
    size_t count;
    must(sv_binding_list(r->store, r->arena, &all, &count, NULL) == SIPVEIL_OK);
    for (size_t i = 0; i < count; i++) {
        unsigned call = all[i].dialog.call_id.data[1] - '1', tag = all[i].dialog.remote_tag.data[1] - '1';
        if (!sv_binding_lives(&all[i], r->now)) continue;
        check_record(r, &all[i], &r->all[call][tag]);
        lives[call][tag] = true;
    }
    for (unsigned i = 0; i < CALLS * TAGS; i++) {
        if (!lives[i / TAGS][i % TAGS]) r->all[i / TAGS][i % TAGS] = (history){{false}, {false}};
    }
}

static void step(run *r, unsigned what, unsigned a, unsigned b)
{
    unsigned call = what / 8u % CALLS, tag = what / 16u % TAGS;
    switch (what % 8) {
    case 0: case 1: case 2: request(r, call, tag, a, b); break;
    case 3: prove(r, call, tag, a % TAGS, b % KEYS); break;
    case 4: case 5: message(r, call, tag, a, b); break;
    case 6: r->now += (int64_t)a * b; break;
    default: if (b % 8 == 0) restart(r); break;
    }
    check_records(r);
    check_pair(r, call, tag);
}

/* Arena and stores stay from run to run; what is longer than a sequence is not looked at, so that inputs stay short. */
void fuzz_input(const uint8_t *data, size_t size)
{
    static run kept;
    if (size > 3 * STEPS_MOST) return;
    if (kept.arena == NULL) {
        must((kept.arena = sv_arena_new(1 << 16, 16u << 20)) != NULL);
        must(sv_store_new(&kept.store, NULL) == SIPVEIL_OK && sv_store_new(&kept.spare, NULL) == SIPVEIL_OK);
    }
    run r = {.arena = kept.arena, .store = kept.store, .spare = kept.spare, .now = START};
    forget_all(r.store);
    for (size_t i = 0; i + 2 < size; i += 3) {
        step(&r, data[i], data[i + 1], data[i + 2]);
        sv_arena_reset(r.arena);
    }
    for (unsigned i = 0; i < CALLS * TAGS; i++) check_pair(&r, i / TAGS, i % TAGS);
    sv_arena_reset(r.arena);
}
