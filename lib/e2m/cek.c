/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a key belongs, who can read what it seals, and the key that it becomes. */
#include "e2m/cek.h"

#include "crypto/kdf.h"
#include "crypto/sign.h"
#include "sip/values.h"

enum { SCOPE_MOST = 4096 };

/* ---- scopes ---- */

static sipveil_code check_fits(const sv_buffer *buffer, sipveil_error *err)
{
    if (!buffer->failed) return SIPVEIL_OK;
    if (!buffer->past_most) return sv_no_memory(err, SV_E2M);
    return sv_fail_rule(err, SV_E2M, SIPVEIL_LIMIT, "CEK-12", SIPVEIL_NO_OFFSET,
                        "Call-ID, tags or addresses are too long for a key to be held");
}

static sipveil_code add_scope(sv_arena *arena, sv_cek_scopes *out, const char *kind, sipveil_span call, sipveil_span tag,
                              sipveil_error *err)
{
    sv_buffer buffer;
    if (tag.len == 0 && call.len > 0) return SIPVEIL_OK;
    sv_buffer_init(&buffer, arena, call.len + tag.len + out->parties.len + 8, SCOPE_MOST);
    sv_put_str(&buffer, kind);
    sv_put(&buffer, call);
    sv_put_byte(&buffer, 0); /* stands in none of them */
    sv_put(&buffer, tag);
    sv_put_byte(&buffer, 0);
    sv_put(&buffer, out->parties);
    SV_TRY(check_fits(&buffer, err));
    out->items[out->count++] = sv_buffer_span(&buffer);
    return SIPVEIL_OK;
}

static bool comes_first(sipveil_span a, sipveil_span b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        if (a.data[i] != b.data[i]) return a.data[i] < b.data[i];
    }
    return a.len <= b.len;
}

/* The address of record; of what has none, what stands there. */
static sipveil_code party_of(sv_arena *arena, const sv_sip_address *address, const sv_sip_uri *parts, sipveil_span *out,
                             sipveil_error *err)
{
    sipveil_code code = sv_sip_aor_of(parts, arena, out, NULL);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(err, SV_E2M); /* or it would be another dialog's */
    if (code != SIPVEIL_OK) *out = address->uri;
    return SIPVEIL_OK;
}

/* The dialog has no name that both ends share but Call-ID and the tags; either tag may be the one that the key
 * came with. A MESSAGE outside dialogs belongs to its two addresses (CEK-12). These are part of every scope: with a
 * name of his own nobody gets at, or pushes out, what others hold in a dialog that he saw (ADV-171, ADV-176). */
sipveil_code sv_cek_scopes_of(sv_arena *arena, const sv_sip_view *view, sv_cek_scopes *out, sipveil_error *err)
{
    sv_sip_address from, to;
    sv_sip_uri from_parts, to_parts;
    sipveil_span a, b, first, none = {0};
    sv_buffer pair;
    *out = (sv_cek_scopes){0};
    SV_TRY(sv_sip_read_address_parts(sv_sip_value(view, SV_F_FROM), &from, &from_parts, err));
    SV_TRY(sv_sip_read_address_parts(sv_sip_value(view, SV_F_TO), &to, &to_parts, err));
    SV_TRY(party_of(arena, &from, &from_parts, &a, err));
    SV_TRY(party_of(arena, &to, &to_parts, &b, err));
    first = comes_first(a, b) ? a : b;
    sv_buffer_init(&pair, arena, a.len + b.len + 1, SCOPE_MOST);
    sv_put(&pair, first);
    sv_put_byte(&pair, 0);
    sv_put(&pair, first.data == a.data ? b : a);
    out->parties = sv_buffer_span(&pair);
    out->from_tag = from.tag;
    out->to_tag = to.tag;
    sipveil_span call = sv_sip_value(view, SV_F_CALL_ID);
    bool outside = view->is_request && sv_equal_str(view->method, "MESSAGE") && to.tag.len == 0;
    sipveil_code code = check_fits(&pair, err);
    if (code == SIPVEIL_OK && outside) code = add_scope(arena, out, "m", none, none, err);
    if (code == SIPVEIL_OK && !outside) code = add_scope(arena, out, "d", call, from.tag, err);
    if (code == SIPVEIL_OK && !outside) code = add_scope(arena, out, "d", call, to.tag, err);
    if (code != SIPVEIL_OK) *out = (sv_cek_scopes){0};
    return code;
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
