/* SPDX-License-Identifier: BSD-2-Clause */
/* Packaging of RFC 8551 section 3: what each layer looks like as a MIME entity. */
#include "tunnel/sealing.h"

sipveil_code sv_pack_entity(sv_sealing *s, sv_packed packed, sipveil_span *entity)
{
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, packed.rows.len + 2 + packed.content.len, s->op->limits->message * 2);
    sv_put(&b, packed.rows);
    sv_put_str(&b, "\r\n");
    sv_put(&b, packed.content);
    *entity = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_TUNNEL, s->op->err);
}

/* The content under its transfer encoding. */
static sipveil_code encode(sv_sealing *s, sipveil_span octets, bool base64, sipveil_span *out)
{
    sv_buffer b;
    *out = octets;
    if (!base64) return SIPVEIL_OK;
    sv_buffer_init(&b, s->op->arena, sv_mime_base64_size(octets.len, 76), s->op->limits->message * 2);
    sv_mime_put_base64(&b, octets, 76);
    *out = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_TUNNEL, s->op->err);
}

/* TUN-21, TUN-60: rows of an application/pkcs7-mime entity. */
static sipveil_code cms_rows(sv_sealing *s, const char *smime_type, const char *name, bool base64, bool optional,
                             sipveil_span *rows)
{
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, 320, 1024);
    sv_put_format(&b,
                  "Content-Type: application/pkcs7-mime; smime-type=%s; name=%s\r\n"
                  "Content-Transfer-Encoding: %s\r\n"
                  "Content-Disposition: attachment; filename=%s; handling=%s\r\n",
                  smime_type, name, base64 ? "base64" : "binary", name, optional ? "optional" : "required");
    *rows = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_TUNNEL, s->op->err);
}

sipveil_code sv_choose_boundary(sv_sealing *s, const sipveil_span *parts, size_t count, sipveil_span *boundary)
{
    enum { OCTETS = 16 };
    uint8_t *text = sv_arena_alloc(s->op->arena, 2 * OCTETS);
    if (text == NULL) return sv_no_memory(s->op->err, SV_TUNNEL);
    do {
        SV_TRY(sv_random_hex(s->op->crypto, text, OCTETS, s->op->err));
        *boundary = sv_span(text, 2 * OCTETS);
    } while (sv_mime_boundary_occurs(*boundary, parts, count));
    return SIPVEIL_OK;
}

static sipveil_code pack_detached(sv_sealing *s, sipveil_span entity, sipveil_span signature, const char *micalg,
                                  bool base64, sv_packed *out)
{
    sipveil_span boundary, encoded;
    size_t at;
    SV_TRY(encode(s, signature, base64, &encoded));
    sipveil_span parts[] = {entity, encoded};
    SV_TRY(sv_choose_boundary(s, parts, 2, &boundary));
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, entity.len + encoded.len + 512, s->op->limits->message * 2);
    sv_put_str(&b, "--");
    sv_put(&b, boundary);
    sv_put_str(&b, "\r\n");
    sv_put(&b, entity);
    sv_put_str(&b, "\r\n--");
    sv_put(&b, boundary);
    sv_put_format(&b,
                  "\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n"
                  "Content-Transfer-Encoding: %s\r\n"
                  "Content-Disposition: attachment; filename=smime.p7s; handling=required\r\n\r\n",
                  base64 ? "base64" : "binary");
    sv_put(&b, encoded);
    sv_put_str(&b, "\r\n--");
    sv_put(&b, boundary);
    sv_put_str(&b, "--\r\n");
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, s->op->err));
    out->content = sv_buffer_span(&b);
    sv_buffer_init(&b, s->op->arena, 256, 1024);
    const char *quote = sv_find_byte(sv_span_str(micalg), ',', &at) ? "\"" : ""; /* a list is no token */
    sv_put_format(&b, "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=%s%s%s; boundary=",
                  quote, micalg, quote);
    sv_put(&b, boundary);
    sv_put_str(&b, "\r\n");
    out->rows = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_TUNNEL, s->op->err);
}

sipveil_code sv_pack_signed(sv_sealing *s, sipveil_span entity, bool base64, sv_packed *out)
{
    sv_sign_request request = {
        .signers = s->signers,
        .signer_count = s->signer_count,
        .extra_certificates = s->extra_certificates,
        .extra_count = s->extra_count,
        .no_certificates = s->options->no_certificates,
        .rsa_v15 = s->options->rsa_v15,
        .detached = !s->options->opaque,
        .time = s->op->now,
    };
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, (s->options->opaque ? entity.len : 0) + 2048, s->op->limits->message * 2);
    SV_TRY(sv_cms_sign(s->op->crypto, &request, entity, s->op->arena, &b, s->op->err));
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, s->op->err));
    if (!s->options->opaque) {
        return pack_detached(s, entity, sv_buffer_span(&b), sv_cms_micalg(&request), base64, out);
    }
    SV_TRY(encode(s, sv_buffer_span(&b), base64, &out->content));
    return cms_rows(s, "signed-data", "smime.p7m", base64, false, &out->rows);
}

/* Compression is skipped where it does not help (TUN-76). */
static sipveil_code compress(sv_sealing *s, sipveil_span *entity)
{
    sv_packed packed;
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, entity->len + 256, s->op->limits->message * 2);
    SV_TRY(sv_cms_compress(*entity, s->op->arena, &b, s->op->err));
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, s->op->err));
    packed.content = sv_buffer_span(&b);
    SV_TRY(cms_rows(s, "compressed-data", "smime.p7z", false, false, &packed.rows));
    if (packed.rows.len + 2 + packed.content.len >= entity->len) return SIPVEIL_OK;
    return sv_pack_entity(s, packed, entity);
}

sipveil_code sv_pack_encrypted(sv_sealing *s, sipveil_span entity, bool base64, sv_packed *out)
{
    sv_seal_request request = {
        .cipher = s->cipher,
        .recipients = s->recipients,
        .recipient_count = s->recipient_count,
        .by_key_identifier = s->options->by_key_identifier,
        .cek_hkdf = s->options->cek_hkdf,
        .pbkdf2_iterations = s->options->pbkdf2_iterations,
        .attributes = s->attributes,
        .cek_out = s->cek_out,
    };
    bool gcm = s->cipher <= SIPVEIL_CIPHER_AES_256_GCM;
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, entity.len + 256 + 640 * s->recipient_count, s->op->limits->message * 2);
    SV_TRY(sv_cms_seal_enveloped(s->op->crypto, &request, entity, s->op->arena, &b, s->op->err));
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, s->op->err));
    SV_TRY(encode(s, sv_buffer_span(&b), base64, &out->content));
    return cms_rows(s, gcm ? "authEnveloped-data" : "enveloped-data", "smime.p7m", base64, s->handling_optional,
                    &out->rows);
}

sipveil_code sv_pack_mixed(sv_sealing *s, const sipveil_span *entities, size_t count, sv_packed *out)
{
    sipveil_span boundary;
    sv_buffer b;
    size_t size = 256;
    for (size_t i = 0; i < count; i++) size += entities[i].len + 64;
    SV_TRY(sv_choose_boundary(s, entities, count, &boundary));
    sv_buffer_init(&b, s->op->arena, size, s->op->limits->message * 2);
    for (size_t i = 0; i < count; i++) {
        sv_put_str(&b, "--");
        sv_put(&b, boundary);
        sv_put_str(&b, "\r\n");
        sv_put(&b, entities[i]);
        sv_put_str(&b, "\r\n");
    }
    sv_put_str(&b, "--");
    sv_put(&b, boundary);
    sv_put_str(&b, "--\r\n");
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, s->op->err));
    out->content = sv_buffer_span(&b);
    sv_buffer_init(&b, s->op->arena, 128, 1024);
    sv_put_str(&b, "Content-Type: multipart/mixed; boundary=");
    sv_put(&b, boundary);
    sv_put_str(&b, "\r\n");
    out->rows = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_TUNNEL, s->op->err);
}

sipveil_code sv_pack_protected(sv_sealing *s, sipveil_span entity, sv_packed *out)
{
    bool is_signed = s->signer_count > 0, encrypted = s->recipient_count > 0;
    bool base64 = s->base64;
    if (is_signed && encrypted && s->options->encrypt_then_sign) {
        if (s->options->compress) SV_TRY(compress(s, &entity));
        SV_TRY(sv_pack_encrypted(s, entity, base64, out));
        SV_TRY(sv_pack_entity(s, *out, &entity));
        return sv_pack_signed(s, entity, base64, out);
    }
    if (is_signed) {
        /* Inside encryption nothing needs an encoding (RFC 8551 3.1.3). */
        SV_TRY(sv_pack_signed(s, entity, base64 && !encrypted && !s->options->compress, out));
        if (!encrypted && !s->options->compress) return SIPVEIL_OK;
        SV_TRY(sv_pack_entity(s, *out, &entity));
    }
    if (encrypted) {
        if (s->options->compress) SV_TRY(compress(s, &entity));
        return sv_pack_encrypted(s, entity, base64, out);
    }
    /* Signed and compressed, not encrypted: the compressed entity is the outermost one. */
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, entity.len + 256, s->op->limits->message * 2);
    SV_TRY(sv_cms_compress(entity, s->op->arena, &b, s->op->err));
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, s->op->err));
    SV_TRY(encode(s, sv_buffer_span(&b), base64, &out->content));
    return cms_rows(s, "compressed-data", "smime.p7z", base64, false, &out->rows);
}
