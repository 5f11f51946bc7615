/* SPDX-License-Identifier: BSD-2-Clause */
/* The named loader of keys that stay on a token. */
#include "keys/pkcs11.h"

#include "base/span.h"

static sipveil_code read_keys(sipveil_keyring *ring, const sv_pkcs11_uri *uri, const sipveil_key_options *options,
                              sv_key_batch *batch, sipveil_error *err)
{
    sv_pkcs11_module *module;
    sv_token *token;
    SV_TRY(sv_pkcs11_load(ring, uri, &module, err));
    SV_TRY(sv_token_find(ring, module, uri, &token, err));
    if (uri->type != SV_PKCS11_CERTIFICATE) SV_TRY(sv_token_log_in(ring, token, uri, options, err));
    return sv_token_read_keys(token, uri, batch, err);
}

sipveil_code sipveil_keyring_add_pkcs11(sipveil_keyring *ring, const char *uri, const sipveil_key_options *options,
                                        const sipveil_key **first, sipveil_error *err)
{
    sv_pkcs11_uri parsed;
    if (first != NULL) *first = NULL;
    sv_error_clear(err);
    sv_key_batch *batch = sv_key_batch_new(ring->context);
    if (batch == NULL) return sv_no_memory(err, "keys");
    sipveil_code code = sv_pkcs11_read_uri(sv_span_str(uri), batch->arena, &parsed, err);
    if (code == SIPVEIL_OK) code = read_keys(ring, &parsed, options, batch, err);
    return sv_keyring_take(ring, batch, code, first, err);
}
