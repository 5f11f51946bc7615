/* SPDX-License-Identifier: BSD-2-Clause */
/* The pkcs11: URI (RFC 7512), as far as it names a module, a token, keys and certificates. */
#ifndef SV_KEYS_PKCS11_URI_H
#define SV_KEYS_PKCS11_URI_H

#include "base/arena.h"
#include "base/error.h"

typedef enum sv_pkcs11_type {
    SV_PKCS11_ANY, /* keys; certificates if there is no key */
    SV_PKCS11_PRIVATE,
    SV_PKCS11_SECRET,
    SV_PKCS11_CERTIFICATE
} sv_pkcs11_type;

/* Decoded octets, or NULL data: not given. */
typedef struct sv_pkcs11_uri {
    sipveil_span token, serial, manufacturer, model, object, id;
    sipveil_span module_path, module_name, pin_source; /* each also ends with NUL */
    sv_pkcs11_type type;
    bool has_slot;
    uint64_t slot;
} sv_pkcs11_uri;

/* USAGE: not such a URI, an attribute twice or one that is not handled, pin-value (ADV-211). */
sipveil_code sv_pkcs11_read_uri(sipveil_span text, sv_arena *arena, sv_pkcs11_uri *out, sipveil_error *err);

#endif
