/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared keys as JSON Web Keys (RFC 7517, kty "oct", RFC 7518 6.4). keyIdentifier is the UTF-8 octets of `kid`, or
 * `kid_hex` undone; where both stand they are the same octets. */
#ifndef SV_KEYS_JWK_H
#define SV_KEYS_JWK_H

#include "keys/keyring.h"

/* One JWK or a set of them; kid picks one, NULL all. Members of a set that are no shared keys are
 * passed over (RFC 7517 5). USAGE: ADV-093, or not a JWK. */
sipveil_code sv_jwk_read(sipveil_span text, const char *kid, sv_key_batch *batch, sipveil_error *err);

/* Writes {"kty":"oct",...} and a line end. kid must be valid for a JSON string: USAGE if not. */
sipveil_code sv_jwk_put(sv_buffer *out, sipveil_span kid, sipveil_span key, sipveil_error *err);

#endif
