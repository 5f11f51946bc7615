/* SPDX-License-Identifier: BSD-2-Clause */
/* Sealing: a fresh key and nonce from one call of the generator (CMS-06), the structure written from
 * its end, the content encrypted into the place kept for it. */

#include "base/wipe.h"
#include "cms/content_key.h"
#include "cms/oid.h"
#include "cms/recipient.h"
#include "crypto/cipher.h"

static const char room[] = "cms";

enum {
    CONTEXT_0 = SV_DER_CONTEXT | 0,
    CONTEXT_0_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 0,
    CONTEXT_1_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 1,
    FRAME = 256,   /* tags, lengths, algorithms of the whole */
    IV_MOST = 16
};

typedef struct sealer {
    sv_crypto *crypto;
    const sv_seal_request *request;
    sv_arena *arena;
    const sv_cipher_row *cipher;
    uint8_t type_octets[SV_OID_MOST];
    sipveil_span type;       /* content type */
    sipveil_span attributes; /* a SET OF, or empty */
    const uint8_t *secret;   /* CEK, then IV */
    sipveil_span algorithm;  /* of the content, as written */
    uint8_t *tag, *ciphertext;
    sv_der_writer w;
} sealer;

static sipveil_code check_request(const sv_seal_request *request, const sipveil_limits *limits,
                                  const sv_cipher_row *cipher, sipveil_error *err)
{
    if (request->recipient_count == 0) {
        return sv_fail(err, room, SIPVEIL_USAGE, "there is no recipient to encrypt to");
    }
    if (request->recipient_count > limits->recipients) {
        return sv_fail(err, room, SIPVEIL_LIMIT, "more than %zu recipients", limits->recipients);
    }
    if (!sv_cipher_is_written(request->cipher)) {
        return sv_fail_rule(err, room, cipher->weak != 0 ? SIPVEIL_POLICY : SIPVEIL_USAGE, "ADV-063",
                            SIPVEIL_NO_OFFSET, "content encryption \"%s\" is never written", cipher->name);
    }
    return SIPVEIL_OK;
}

static sipveil_code find_type(sealer *s, sipveil_error *err)
{
    const char *dotted = s->request->content_type_oid;
    s->type = sv_oid_content(SV_OID_DATA);
    if (dotted == NULL) return SIPVEIL_OK;
    if (!sv_oid_from_dotted(dotted, s->type_octets, &s->type.len)) {
        return sv_fail(err, room, SIPVEIL_USAGE, "content type \"%s\" is not an object identifier",
                       SV_QUOTE(sv_span_str(dotted)));
    }
    s->type.data = s->type_octets;
    return SIPVEIL_OK;
}

/* authAttrs have the content type with them, and must be there when the content is not id-data
 * (RFC 5083 2.1). unprotectedAttrs are what the caller gives. */
static sipveil_code make_attributes(sealer *s, sipveil_error *err)
{
    sipveil_span given = s->request->attributes;
    bool typed = s->cipher->authenticated &&
                 (given.len > 0 || !sv_equal(s->type, sv_oid_content(SV_OID_DATA)));
    sv_der_writer w;
    if (!typed && given.len == 0) return SIPVEIL_OK;
    if (!sv_der_writer_init(&w, s->arena, given.len + SV_OID_MOST + 64)) return sv_no_memory(err, room);
    sv_der_mark all = sv_der_mark_here(&w);
    sv_der_put(&w, given);
    if (typed) {
        sv_der_mark mark = sv_der_mark_here(&w);
        sv_der_put_oid(&w, s->type);
        sv_der_wrap(&w, SV_DER_SET, mark);
        sv_der_put_oid(&w, sv_oid_content(SV_OID_CONTENT_TYPE));
        sv_der_wrap(&w, SV_DER_SEQUENCE, mark);
    }
    sv_der_sort_set(&w, all, s->arena);
    sv_der_wrap(&w, SV_DER_SET, all);
    s->attributes = sv_der_written(&w);
    return sv_der_writer_check(&w, err);
}

static void put_attributes(sealer *s)
{
    if (s->attributes.len == 0) return;
    uint8_t *at = sv_der_put_room(&s->w, s->attributes.len);
    if (at == NULL) return;
    memcpy(at, s->attributes.data, s->attributes.len);
    at[0] = CONTEXT_1_CONSTRUCTED; /* IMPLICIT: only the tag differs */
}

static void put_content(sealer *s, size_t length)
{
    sv_der_writer *w = &s->w;
    sipveil_span iv = sv_span(s->secret + s->cipher->key_length, s->cipher->iv_length);
    size_t size = sv_cipher_output(s->request->cipher, length);
    sv_der_mark all = sv_der_mark_here(w);
    s->ciphertext = sv_der_put_room(w, size);
    sv_der_put_header(w, CONTEXT_0, size);
    sv_der_mark algorithm = sv_der_mark_here(w);
    if (s->cipher->authenticated) sv_der_put_number(w, SV_TAG_LENGTH);
    sv_der_put_value(w, SV_DER_OCTET_STRING, iv);
    if (s->cipher->authenticated) sv_der_wrap(w, SV_DER_SEQUENCE, algorithm);
    sv_der_put_oid(w, s->cipher->oid);
    sv_der_wrap(w, SV_DER_SEQUENCE, algorithm);
    if (!w->failed) s->algorithm = sv_span(w->at, sv_der_mark_here(w) - algorithm);
    if (s->request->cek_hkdf) {
        sv_der_put_oid(w, sv_oid_content(SV_OID_CEK_HKDF_SHA256));
        sv_der_wrap(w, SV_DER_SEQUENCE, algorithm);
    }
    sv_der_put_oid(w, s->type);
    sv_der_wrap(w, SV_DER_SEQUENCE, all);
}

/* Version of EnvelopedData (RFC 5652 6.1); AuthEnvelopedData has 0. */
static unsigned version_of(const sealer *s, bool password, bool all_zero)
{
    if (s->cipher->authenticated) return 0;
    if (password) return 3;
    return all_zero && s->attributes.len == 0 ? 0 : 2;
}

static sipveil_code put_recipients(sealer *s, unsigned *version, sipveil_error *err)
{
    const sv_seal_request *request = s->request;
    sipveil_span cek = sv_span(s->secret, s->cipher->key_length);
    bool password = false, all_zero = true;
    sv_der_mark all = sv_der_mark_here(&s->w);
    for (size_t i = 0; i < request->recipient_count; i++) {
        unsigned one;
        SV_TRY(sv_recipient_write(s->crypto, &request->recipients[i], cek, request, s->arena, &s->w, &one, err));
        if (one != 0) all_zero = false;
        if (request->recipients[i].kind == SV_CMS_KEY_PASSWORD) password = true;
    }
    if (request->recipient_count > 1) sv_der_sort_set(&s->w, all, s->arena);
    sv_der_wrap(&s->w, SV_DER_SET, all);
    *version = version_of(s, password, all_zero);
    return SIPVEIL_OK;
}

static sipveil_code encrypt(const sealer *s, sipveil_span content, sipveil_error *err)
{
    const uint8_t *iv = s->secret + s->cipher->key_length;
    sipveil_span attributes = s->cipher->authenticated ? s->attributes : sv_span(NULL, 0);
    uint8_t bound[SV_KEY_MOST];
    const uint8_t *key = s->secret;
    if (s->request->cek_hkdf) {
        sipveil_span cek = sv_span(s->secret, s->cipher->key_length);
        SV_TRY(sv_content_key_bind(s->crypto, cek, s->algorithm, bound, err));
        key = bound;
    }
    sipveil_code code = sv_cipher_encrypt(s->crypto, s->request->cipher, key, iv, attributes, content,
                                          s->ciphertext, s->tag, err);
    sv_wipe(bound, sizeof bound);
    return code;
}

static sipveil_code write_all(sealer *s, sipveil_span content, sipveil_error *err)
{
    sv_der_writer *w = &s->w;
    bool authenticated = s->cipher->authenticated;
    unsigned version;
    if (authenticated) {
        s->tag = sv_der_put_room(w, SV_TAG_LENGTH);
        sv_der_put_header(w, SV_DER_OCTET_STRING, SV_TAG_LENGTH);
        put_attributes(s);
    } else {
        put_attributes(s);
    }
    put_content(s, content.len);
    SV_TRY(put_recipients(s, &version, err));
    sv_der_put_number(w, version);
    sv_der_wrap(w, SV_DER_SEQUENCE, 0);
    sv_der_wrap(w, CONTEXT_0_CONSTRUCTED, 0);
    sv_der_put_oid(w, sv_oid_content(authenticated ? SV_OID_AUTH_ENVELOPED_DATA : SV_OID_ENVELOPED_DATA));
    sv_der_wrap(w, SV_DER_SEQUENCE, 0);
    SV_TRY(sv_der_writer_check(w, err));
    return encrypt(s, content, err);
}

static sipveil_code prepare(sealer *s, sipveil_span content, sv_buffer *out, sipveil_error *err)
{
    const sv_seal_request *request = s->request;
    size_t secret = s->cipher->key_length + s->cipher->iv_length;
    size_t size = content.len + IV_MOST + FRAME;
    SV_TRY(find_type(s, err));
    SV_TRY(make_attributes(s, err));
    for (size_t i = 0; i < request->recipient_count; i++) size += sv_recipient_room(&request->recipients[i]);
    size += s->attributes.len + s->type.len;
    if (!sv_der_writer_over(&s->w, out, size)) return sv_no_memory(err, room);
    uint8_t *octets = sv_arena_alloc_raw(s->arena, secret);
    if (octets == NULL) return sv_no_memory(err, room);
    s->secret = octets;
    return sv_random(s->crypto, octets, secret, err);
}

sipveil_code sv_cms_seal_enveloped(sv_crypto *crypto, const sv_seal_request *request,
                                   sipveil_span content, sv_arena *arena, sv_buffer *out,
                                   sipveil_error *err)
{
    sealer s = {.crypto = crypto, .request = request, .arena = arena,
                .cipher = sv_cipher_row_of(request->cipher)};
    const sipveil_limits *limits = &sv_crypto_context(crypto)->hooks.limits;
    if (request->cek_out != NULL) *request->cek_out = sv_span(NULL, 0);
    if (content.len > limits->message) {
        return sv_fail(err, room, SIPVEIL_LIMIT, "content has %zu octets, more than %zu", content.len,
                       limits->message);
    }
    SV_TRY(check_request(request, limits, s.cipher, err));
    SV_TRY(prepare(&s, content, out, err));
    SV_TRY(write_all(&s, content, err));
    sv_der_deliver(&s.w, out);
    SV_TRY(sv_buffer_check(out, room, err));
    if (request->cek_out != NULL) *request->cek_out = sv_span(s.secret, s.cipher->key_length);
    return SIPVEIL_OK;
}
