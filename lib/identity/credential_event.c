/* SPDX-License-Identifier: BSD-2-Clause */
/* Our own certificate and key from the credential server (RFC 6072 7). */
#include "identity/carrier.h"
#include "identity/event.h"
#include "sipveil/binding.h"

typedef struct credential {
    sipveil_span certificate, key; /* DER */
} credential;

static sipveil_code fail(sipveil_error *err, const char *text)
{
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_MALFORMED, "IDN-81", SIPVEIL_NO_OFFSET, "%s", text);
}

/* multipart/mixed of exactly one certificate and one key. */
static sipveil_code read_parts(sipveil_worker *worker, const sv_sip_view *view, credential *out, sipveil_error *err)
{
    const sipveil_limits *limits = sipveil_context_limits(worker->context);
    sv_mime_entity *entity = sv_arena_alloc_raw(worker->arena, sizeof *entity);
    sipveil_span parts[3];
    size_t count = 0;
    if (entity == NULL) return sv_no_memory(err, SV_IDENTITY);
    SV_TRY(sv_entity_of_body(view, limits, 0, entity, err));
    if (!sv_media_type_is(&entity->type, "multipart", "mixed")) return fail(err, "the credential is no multipart/mixed");
    sipveil_code code = sv_mime_read_multipart(&entity->type, entity->content, limits, 0, parts, 3, &count, err);
    if (code == SIPVEIL_LIMIT || count != 2) return fail(err, "the credential is not one certificate and one key");
    SV_TRY(code);
    for (size_t i = 0; i < 2; i++) {
        sv_mime_entity *part = sv_arena_alloc_raw(worker->arena, sizeof *part);
        if (part == NULL) return sv_no_memory(err, SV_IDENTITY);
        SV_TRY(sv_mime_read_entity(parts[i], limits, 0, part, err));
        bool key = sv_media_type_is(&part->type, "application", "pkcs8");
        if (!key && !sv_media_type_is(&part->type, "application", "pkix-cert")) {
            return fail(err, "the credential holds something else than a certificate and a key");
        }
        SV_TRY(sv_mime_decoded_content(part, worker->arena, key ? &out->key : &out->certificate, err));
    }
    if (out->key.len > 0 && out->certificate.len > 0) return SIPVEIL_OK;
    return fail(err, "the credential is not one certificate and one key");
}

static void put_pem(sv_buffer *out, const char *label, sipveil_span der)
{
    sv_put_format(out, "-----BEGIN %s-----\n", label);
    sv_mime_put_base64(out, der, 64);
    sv_put_format(out, "-----END %s-----\n", label);
}

/* PrivateKeyInfo begins with its version, EncryptedPrivateKeyInfo with an algorithm (RFC 5958). */
static bool is_encrypted(sipveil_span der)
{
    sv_cursor c = sv_cursor_over(der, "key");
    uint8_t octet;
    if (!sv_take_if(&c, 0x30) || !sv_take_byte(&c, &octet)) return false;
    for (uint8_t left = octet & 0x80 ? octet & 0x7F : 0; left > 0; left--) {
        if (!sv_take_byte(&c, &octet)) return false;
    }
    return sv_peek(&c, &octet) && octet == 0x30;
}

sipveil_code sipveil_certificate_take_credential(sipveil_worker *worker, sipveil_span message, bool protected_direct,
                                                 const sipveil_key_options *key_options, sipveil_keyring *ring,
                                                 sipveil_error *err)
{
    sv_sip_view *view;
    credential found = {0};
    sv_buffer pem;
    sv_error_clear(err);
    if (worker == NULL || ring == NULL) return sv_fail(err, SV_IDENTITY, SIPVEIL_USAGE, "worker and keyring are needed");
    SV_TRY(sv_worker_begin_with(worker, &message, err));
    if (!protected_direct) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_POLICY, "IDN-81", SIPVEIL_NO_OFFSET,
                            "a private key is taken over TLS straight from its server only");
    }
    SV_TRY(sv_identity_view(worker, message, &view, err));
    if (!sv_is_notify_of(view, "credential")) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_UNSUPPORTED, "IDN-81", SIPVEIL_NO_OFFSET,
                            "no NOTIFY of the event \"credential\"");
    }
    SV_TRY(read_parts(worker, view, &found, err));
    sv_buffer_init(&pem, worker->arena, 4096, 1 << 20);
    put_pem(&pem, is_encrypted(found.key) ? "ENCRYPTED PRIVATE KEY" : "PRIVATE KEY", found.key);
    put_pem(&pem, "CERTIFICATE", found.certificate);
    SV_TRY(sv_buffer_check(&pem, SV_IDENTITY, err));
    return sipveil_keyring_add_octets(ring, sv_buffer_span(&pem), "credential", key_options, NULL, err);
}
