/* SPDX-License-Identifier: BSD-2-Clause */
/* Nothing fits: whom a message is for, and what we hold, in words that can be compared. */
#include <openssl/err.h>

#include "cms/recipient.h"

enum {
    LISTED_MOST = 5,   /* of each */
    LIST_MOST = 200,   /* octets of each beyond its first name: both find room in one sentence */
    NAME_MOST = 120,
    IDENTIFIER_MOST = 20
};

typedef struct list {
    sv_buffer text;
    size_t count, listed, before;
} list;

static void put_hex(sv_buffer *b, sipveil_span octets, bool upper)
{
    for (size_t i = 0; i < octets.len && i < IDENTIFIER_MOST; i++) {
        if (upper) sv_put_format(b, "%02X", octets.data[i]);
        else sv_put_format(b, "%02x", octets.data[i]);
    }
}

static void put_certificate(sv_buffer *b, sipveil_span issuer_der, sipveil_span serial, sipveil_span ski)
{
    const uint8_t *at = issuer_der.data;
    char name[NAME_MOST] = "";
    sv_put_str(b, "cert ");
    if (issuer_der.len == 0) {
        sv_put_str(b, "key-id ");
        put_hex(b, ski, false);
        return;
    }
    X509_NAME *issuer = d2i_X509_NAME(NULL, &at, (long)issuer_der.len);
    BIO *text = BIO_new(BIO_s_mem());
    if (issuer != NULL && text != NULL && X509_NAME_print_ex(text, issuer, 0, XN_FLAG_RFC2253) >= 0) {
        int n = BIO_read(text, name, sizeof name - 1);
        if (n > 0) sv_put_str(b, SV_QUOTE(sv_span(name, (size_t)n)));
    }
    BIO_free(text);
    X509_NAME_free(issuer);
    ERR_clear_error();
    sv_put_str(b, " serial ");
    put_hex(b, serial, true);
}

static void put_recipient(sv_buffer *b, const sv_recipient *r)
{
    switch (r->kind) {
    case SV_RECIPIENT_KEKRI:
        sv_put_format(b, "kek \"%s\"", SV_QUOTE(r->key_id));
        break;
    case SV_RECIPIENT_KTRI:
    case SV_RECIPIENT_KARI:
        put_certificate(b, r->issuer, r->serial, r->ski);
        break;
    case SV_RECIPIENT_PWRI:
        sv_put_str(b, "password");
        break;
    case SV_RECIPIENT_ORI:
        sv_put_str(b, "other");
        break;
    }
}

/* by_identifier: as the recipients of the message are named, so that a reader can compare. */
static void put_key(sv_buffer *b, const sv_cms_key *key, bool by_identifier)
{
    if (key->kind == SV_CMS_KEY_KEK) sv_put_format(b, "kek \"%s\"", SV_QUOTE(key->kek_id));
    else if (key->kind == SV_CMS_KEY_PASSWORD) sv_put_str(b, "password");
    else put_certificate(b, by_identifier ? sv_span(NULL, 0) : key->issuer, key->serial, key->ski);
}

/* Whether the next name may be put; it stays if it ends within LIST_MOST. */
static bool begin(list *l)
{
    l->count++;
    l->before = l->text.len;
    if (l->listed == LISTED_MOST || l->listed + 1 < l->count) return false;
    if (l->listed++ > 0) sv_put_str(&l->text, ", ");
    return true;
}

static void settle(list *l)
{
    if (l->listed == 1 || l->text.len <= LIST_MOST) return;
    l->text.len = l->before;
    l->listed--;
}

static void finish(list *l)
{
    if (l->count > l->listed) sv_put_format(&l->text, " and %zu more", l->count - l->listed);
}

static bool same_identifier(const sv_enveloped *e, const sv_cms_key *key)
{
    for (size_t i = 0; i < e->recipient_count; i++) {
        sv_recipient room;
        const sv_recipient *r = sv_cms_recipient(e, i, &room);
        if (r->kind == SV_RECIPIENT_KEKRI && key->kind == SV_CMS_KEY_KEK && sv_equal_constant_time(r->key_id, key->kek_id)) {
            return true;
        }
    }
    return false;
}

static bool fits_one(const sv_enveloped *e, const sv_cms_key *key)
{
    for (size_t i = 0; i < e->recipient_count; i++) {
        if (sv_cms_fits_at(e, i, key)) return true;
    }
    return false;
}

static sipveil_code with_hint(const sv_enveloped *e, const sv_cms_key *keys, size_t count, sipveil_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!sv_cms_key_is_ours(&keys[i]) && fits_one(e, &keys[i])) {
            return sv_hint(err, SIPVEIL_NO_KEY, "the certificate of a recipient is here, but not its private key");
        }
        if (same_identifier(e, &keys[i])) {
            return sv_hint(err, SIPVEIL_NO_KEY,
                           "the shared key of that name was not valid at the date that the message gives for it");
        }
    }
    return SIPVEIL_NO_KEY;
}

sipveil_code sv_recipients_fail(const sv_enveloped *enveloped, const sv_cms_key *keys, size_t key_count,
                                sv_arena *arena, sipveil_error *err)
{
    list wanted = {0}, held = {0};
    bool by_identifier = false;
    sv_buffer_init(&wanted.text, arena, 256, 1024);
    sv_buffer_init(&held.text, arena, 256, 1024);
    for (size_t i = 0; i < enveloped->recipient_count; i++) {
        sv_recipient room;
        const sv_recipient *r = sv_cms_recipient(enveloped, i, &room);
        by_identifier |= r->issuer.len == 0 && r->ski.len > 0;
        if (!begin(&wanted)) continue;
        put_recipient(&wanted.text, r);
        settle(&wanted);
    }
    for (size_t i = 0; i < key_count; i++) {
        if (!sv_cms_key_is_ours(&keys[i]) || !begin(&held)) continue;
        put_key(&held.text, &keys[i], by_identifier);
        settle(&held);
    }
    finish(&wanted);
    finish(&held);
    sipveil_span there = sv_buffer_span(&wanted.text), here = sv_buffer_span(&held.text);
    if (here.len == 0) here = SV_SPAN("no key");
    sv_fail(err, "cms", SIPVEIL_NO_KEY, "no key fits: recipients are %.*s; we hold %.*s", (int)there.len,
            (const char *)there.data, (int)here.len, (const char *)here.data);
    return with_hint(enveloped, keys, key_count, err);
}
