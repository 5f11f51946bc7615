/* SPDX-License-Identifier: BSD-2-Clause */
/* Built without PKCS #11 (meson option pkcs11). */
#include "keys/keyring.h"

sipveil_code sipveil_keyring_add_pkcs11(sipveil_keyring *ring, const char *uri, const sipveil_key_options *options,
                                        const sipveil_key **first, sipveil_error *err)
{
    (void)ring;
    (void)uri;
    (void)options;
    if (first != NULL) *first = NULL;
    sv_error_clear(err);
    return sv_fail(err, "keys", SIPVEIL_USAGE, "this build has no PKCS #11: it was made without the headers of p11-kit");
}
