/* SPDX-License-Identifier: BSD-2-Clause */
#include "cms/usual_enveloped.h"

#include "cms/der_read.h"
#include "cms/usual_kekri.h"
#include "crypto/suite.h"

enum {
    ELEMENTS = 15, /* values in all, those of the recipients aside */
    DEPTH = 6,     /* info, [0], body, SET, recipient, its identifier */
    ALGORITHM = 32, NONCE = 12, TAG = 16
};

/* One value of that tag, its length in one, two or three octets and no longer than it must be. */
static inline bool take(sv_cursor *c, uint8_t tag, sipveil_span *content)
{
    const uint8_t *at = c->at;
    size_t left = sv_left(c), header = 2;
    if (left < 2 || at[0] != tag) return false;
    size_t length = at[1];
    if (length == 0x82 && left >= 4 && at[2] != 0) {
        length = (size_t)at[2] << 8 | at[3];
        header = 4;
    } else if (length == 0x81 && left >= 3 && at[2] >= 0x80) {
        length = at[2];
        header = 3;
    } else if (length >= 0x80) {
        return false;
    }
    if (length > left - header) return false;
    *content = sv_span(at + header, length);
    c->at = at + header + length;
    return true;
}

static inline bool enter(sv_cursor *c, uint8_t tag, sv_cursor *inside)
{
    sipveil_span content;
    if (!take(c, tag, &content)) return false;
    *inside = sv_cursor_over(content, c->what);
    return true;
}

static inline bool take_same(sv_cursor *c, sipveil_span octets, sipveil_span *out)
{
    return sv_take(c, octets.len, out) && sv_equal(*out, octets);
}

/* aes128-GCM, aes192-GCM, aes256-GCM: 2.16.840.1.101.3.4.1, then 6, 26, 46 */
static inline bool is_gcm(uint8_t last_arc)
{
    return last_arc == 0x06 || last_arc == 0x1A || last_arc == 0x2E;
}

static bool take_algorithm(sv_cursor *c, sv_usual_enveloped *out)
{
    sipveil_span whole;
    if (!sv_take(c, ALGORITHM, &whole)) return false;
    const uint8_t *at = whole.data;
    if (!sv_equal(sv_span(at, 8), SV_SPAN("\x30\x1E\x06\x09\x60\x86\x48\x01")) ||
        !sv_equal(sv_span(at + 8, 4), SV_SPAN("\x65\x03\x04\x01")) || !is_gcm(at[12]) ||
        !sv_equal(sv_span(at + 13, 4), SV_SPAN("\x30\x11\x04\x0C")) ||
        !sv_equal(sv_span(at + 29, 3), SV_SPAN("\x02\x01\x10"))) {
        return false;
    }
    out->cipher_algorithm = whole;
    out->cipher_oid = sv_span(at + 4, 9);
    out->nonce = sv_span(at + 17, NONCE);
    return true;
}

/* Most others are seen by this. */
static inline bool starts_with_kekri(sipveil_span recipients)
{
    return recipients.len >= SV_USUAL_KEKRI_LEAST && recipients.data[0] == 0xA2;
}

bool sv_usual_enveloped_find(sipveil_span whole, sv_usual_enveloped *out)
{
    static const char id_data[] = "\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01";
    sv_cursor c = sv_cursor_over(whole, "auth-enveloped-data"), body, info;
    sipveil_span skipped, type;
    if (!enter(&c, SV_DER_SEQUENCE, &body) || !sv_at_end(&c) || !take_same(&body, SV_SPAN("\x02\x01\x00"), &skipped) ||
        !take(&body, SV_DER_SET, &out->recipients) || !starts_with_kekri(out->recipients) || !enter(&body, SV_DER_SEQUENCE, &info) ||
        !take_same(&info, sv_span(id_data, sizeof id_data - 1), &type) || !take_algorithm(&info, out) ||
        !take(&info, SV_DER_CONTEXT, &out->ciphertext) || !sv_at_end(&info) ||
        !take_same(&body, SV_SPAN("\x04\x10"), &skipped) || !sv_take(&body, TAG, &out->tag) || !sv_at_end(&body)) {
        return false;
    }
    out->content_type = sv_span_from(type, 2);
    return true;
}

/* 0: another form among them. */
static size_t count_usual(sipveil_span recipients)
{
    sv_cursor set = sv_cursor_over(recipients, "recipients");
    sv_usual_kekri recipient;
    size_t count = sv_usual_kekri_alike(recipients);
    if (count > 0) return count;
    while (sv_usual_kekri_take(&set, &recipient)) count++;
    return sv_at_end(&set) ? count : 0;
}

bool sv_usual_content_info(sipveil_span octets, const sipveil_limits *limits, sipveil_span *content)
{
    static const char id_auth_enveloped_data[] = "\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x17";
    sv_cursor c = sv_cursor_over(octets, "content-info"), info;
    sipveil_span type, inside;
    sv_usual_enveloped found;
    if (!enter(&c, SV_DER_SEQUENCE, &info) || !sv_at_end(&c) ||
        !take_same(&info, sv_span(id_auth_enveloped_data, sizeof id_auth_enveloped_data - 1), &type) ||
        !take(&info, SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 0, &inside) || !sv_at_end(&info) ||
        !sv_usual_enveloped_find(inside, &found)) {
        return false;
    }
    size_t count = count_usual(found.recipients);
    if (count == 0 || ELEMENTS + count * SV_USUAL_KEKRI_ELEMENTS > limits->asn1_elements || DEPTH > limits->asn1_depth) {
        return false;
    }
    *content = inside;
    return true;
}

static sv_recipient recipient_of(const sv_usual_kekri *usual, size_t place)
{
    return (sv_recipient){.kind = SV_RECIPIENT_KEKRI, .key_date = INT64_MIN, .group = place, .key_id = usual->key_id,
                          .algorithm_oid = usual->algorithm_oid, .encrypted_key = usual->encrypted_key};
}

const sv_recipient *sv_cms_recipient(const sv_enveloped *enveloped, size_t at, sv_recipient *room)
{
    if (enveloped->recipients != NULL) return &enveloped->recipients[at];
    const sv_usual_kekri usual = sv_usual_kekri_fields(sv_usual_kekri_at(enveloped->alike, at));
    *room = recipient_of(&usual, at);
    return room;
}

/* Of one form, but not alike: one by one. NULL: another form among them, too many, or no memory. */
static sv_recipient *read_one_by_one(sipveil_span recipients, const sipveil_limits *limits, sv_arena *arena, size_t *count)
{
    sv_usual_kekri usual;
    size_t room = recipients.len / SV_USUAL_KEKRI_LEAST, used = 0; /* no more than that have place */
    if (room > limits->recipients) room = limits->recipients;
    sv_recipient *all = sv_arena_alloc_raw(arena, room * sizeof *all);
    sv_cursor set = sv_cursor_over(recipients, "recipients");
    if (all == NULL) return NULL;
    for (; used < room && sv_usual_kekri_take(&set, &usual); used++) all[used] = recipient_of(&usual, used);
    sv_arena_trim(arena, all, room * sizeof *all, used * sizeof *all);
    *count = used;
    return used > 0 && sv_at_end(&set) ? all : NULL;
}

bool sv_usual_enveloped_read(sipveil_span whole, const sipveil_limits *limits, sv_arena *arena, sv_enveloped *out)
{
    sv_usual_enveloped found;
    if (!sv_usual_enveloped_find(whole, &found)) return false;
    sv_recipient *all = NULL;
    size_t count = sv_usual_kekri_alike(found.recipients);
    bool alike = count > 0;
    if (alike && count > limits->recipients) return false;
    if (!alike && (all = read_one_by_one(found.recipients, limits, arena, &count)) == NULL) return false;
    *out = (sv_enveloped){
        .authenticated = true, .recipients = all, .recipient_count = count,
        .alike = alike ? found.recipients : sv_span(NULL, 0), .content_type = found.content_type,
        .content_kind = SV_CMS_DATA, .cipher = sv_cipher_by_oid(found.cipher_oid), .cipher_algorithm = found.cipher_algorithm,
        .iv = found.nonce, .tag_length = TAG, .has_ciphertext = true, .ciphertext = found.ciphertext, .tag = found.tag,
    };
    return true;
}
