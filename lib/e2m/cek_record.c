/* SPDX-License-Identifier: BSD-2-Clause */
/* A key that is held, as octets of the store. */
#include "e2m/cek.h"

enum { RECORD_VERSION = 2, NUMBER = 8, MADE = 1, DERIVED = 2, UNUSABLE = 4, ROLLING = 8 };

static void put_hops(sv_buffer *b, const sv_cek_record *r)
{
    sv_put_byte(b, (uint8_t)r->hop_count);
    for (size_t i = 0; i < r->hop_count; i++) {
        sv_put_byte(b, (uint8_t)r->hops[i].reply);
        sv_put_counted(b, r->hops[i].host);
    }
}

void sv_cek_put_record(sv_buffer *b, const sv_cek_record *r)
{
    const sv_cek_derivation *d = &r->derivation;
    sv_put_byte(b, RECORD_VERSION);
    sv_put_byte(b, (uint8_t)r->cipher);
    sv_put_byte(b, (uint8_t)((r->made ? MADE : 0) | (d->present ? DERIVED : 0) | (d->unusable ? UNUSABLE : 0) |
                           (r->rolling ? ROLLING : 0)));
    sv_put_big_endian(b, r->uses, NUMBER);
    sv_put_big_endian(b, (uint64_t)r->since, NUMBER);
    sv_put_big_endian(b, (uint64_t)r->expires, NUMBER);
    sv_put_big_endian(b, r->order, NUMBER);
    sv_put_big_endian(b, (uint64_t)r->unnamed << 32 | r->cseq, NUMBER);
    sv_put(b, sv_span(r->signer, SV_CEK_DIGEST));
    sv_put_counted(b, r->cek);
    sv_put_counted(b, r->signer_domain);
    sv_put_counted(b, r->readers);
    sv_put_counted(b, r->method);
    sv_put_counted(b, r->branch_tag);
    put_hops(b, r);
    if (!d->present || d->unusable) return;
    sv_put_byte(b, (uint8_t)d->wrap);
    sv_put_counted(b, d->salt);
    sv_put_big_endian(b, d->iterations, NUMBER);
    sv_put_big_endian(b, d->key_length, NUMBER);
}

static bool take_hops(sv_cursor *c, sv_cek_record *r)
{
    uint8_t count, reply;
    if (!sv_take_byte(c, &count) || count > SV_LABELS_MOST) return false;
    for (r->hop_count = 0; r->hop_count < count; r->hop_count++) {
        sv_cek_hop *hop = &r->hops[r->hop_count];
        if (!sv_take_byte(c, &reply) || reply > SIPVEIL_E2M_OTHER || !sv_take_counted(c, &hop->host)) return false;
        hop->reply = (sipveil_e2m_act)reply;
    }
    return true;
}

static bool take_derivation(sv_cursor *c, sv_cek_derivation *d)
{
    uint64_t length;
    uint8_t wrap;
    if (!d->present || d->unusable) return true;
    if (!sv_take_byte(c, &wrap) || wrap >= SV_WRAP_COUNT || !sv_take_counted(c, &d->salt) || !sv_take_big_endian(c, NUMBER, &d->iterations) ||
        !sv_take_big_endian(c, NUMBER, &length)) {
        return false;
    }
    d->wrap = (sv_wrap)wrap;
    d->key_length = (size_t)length;
    return true;
}

/* What stands at the front, at fixed places. */
static bool take_front(sv_cursor *c, sv_cek_front *f, uint64_t *uses, uint64_t *since, uint64_t *expires,
                       uint8_t *cipher, uint8_t *flags)
{
    uint8_t version;
    uint64_t both;
    if (!sv_take_byte(c, &version) || version != RECORD_VERSION || !sv_take_byte(c, cipher) ||
        !sv_take_byte(c, flags) || !sv_take_big_endian(c, NUMBER, uses) || !sv_take_big_endian(c, NUMBER, since) || !sv_take_big_endian(c, NUMBER, expires) ||
        !sv_take_big_endian(c, NUMBER, &f->order) || !sv_take_big_endian(c, NUMBER, &both) || !sv_take(c, SV_CEK_DIGEST, &f->signer)) {
        return false;
    }
    f->unnamed = (uint32_t)(both >> 32);
    f->cseq = (uint32_t)both;
    return true;
}

bool sv_cek_take_front(sipveil_span value, sv_cek_front *out)
{
    sv_cursor c = sv_cursor_over(value, "key record");
    uint64_t uses, since, expires;
    uint8_t cipher, flags;
    return take_front(&c, out, &uses, &since, &expires, &cipher, &flags);
}

/* What came out of a state file was checked as a whole, and is still read as if anybody wrote it. */
bool sv_cek_take_record(sipveil_span value, sv_cek_record *r)
{
    sv_cursor c = sv_cursor_over(value, "key record");
    sv_cek_front front;
    uint8_t cipher, flags;
    uint64_t uses, since, expires;
    *r = (sv_cek_record){0};
    if (!take_front(&c, &front, &uses, &since, &expires, &cipher, &flags) || !sv_take_counted(&c, &r->cek) ||
        !sv_take_counted(&c, &r->signer_domain) || !sv_take_counted(&c, &r->readers) || !sv_take_counted(&c, &r->method) ||
        !sv_take_counted(&c, &r->branch_tag) || !take_hops(&c, r)) {
        return false;
    }
    for (size_t i = 0; i < SV_CEK_DIGEST; i++) r->signer[i] = front.signer.data[i];
    r->order = front.order;
    r->unnamed = front.unnamed;
    r->cseq = front.cseq;
    r->cipher = (sipveil_cipher)cipher;
    r->uses = (uint32_t)uses;
    r->since = (int64_t)since;
    r->expires = (int64_t)expires;
    r->made = (flags & MADE) != 0;
    r->rolling = (flags & ROLLING) != 0;
    r->derivation = (sv_cek_derivation){.present = (flags & DERIVED) != 0, .unusable = (flags & UNUSABLE) != 0};
    return take_derivation(&c, &r->derivation) && sv_at_end(&c) && cipher > SIPVEIL_CIPHER_NONE &&
           cipher < SIPVEIL_CIPHER_COUNT && r->cek.len <= SV_KEY_MOST &&
           r->cek.len == sv_cipher_row_of(r->cipher)->key_length && uses > 0 && uses <= SV_CEK_USES_MOST &&
           r->readers.len % SV_CEK_DIGEST == 0;
}
