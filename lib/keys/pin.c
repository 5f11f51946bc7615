/* SPDX-License-Identifier: BSD-2-Clause */
/* Pins: exactly this certificate for that AOR. */
#include "base/cursor.h"
#include "base/span.h"
#include "keys/keyring.h"
#include "sip/values.h"

static sipveil_code bad_fingerprint(const char *sha256, sipveil_error *err)
{
    sv_fail(err, "keys", SIPVEIL_USAGE, "pin: \"%s\" is not the 64 hexadecimal digits of a SHA-256", SV_QUOTE(sv_span_str(sha256)));
    return sv_hint(err, SIPVEIL_USAGE, "openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE prints them");
}

bool sv_read_fingerprint(sipveil_span text, uint8_t out[SV_FINGERPRINT])
{
    sv_cursor c = sv_cursor_over(text, "SHA-256");
    for (size_t i = 0; i < SV_FINGERPRINT; i++) {
        if (i > 0) (void)sv_take_if(&c, ':');
        if (!sv_take_hex_octet(&c, &out[i])) return false;
    }
    return sv_at_end(&c);
}

sipveil_code sipveil_keyring_add_pin(sipveil_keyring *ring, const char *aor, const char *sha256,
                                     sipveil_error *err)
{
    sv_error_clear(err);
    sv_pin *pin = sv_arena_alloc(ring->arena, sizeof *pin);
    if (pin == NULL) return sv_no_memory(err, "keys");
    sipveil_code code = sv_sip_aor(sv_span_str(aor), ring->arena, &pin->aor, err);
    if (code == SIPVEIL_INTERNAL) return code;
    if (code != SIPVEIL_OK) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "pin: \"%s\" is no address of record (sip:user@host)",
                       SV_QUOTE(sv_span_str(aor)));
    }
    if (!sv_read_fingerprint(sv_span_str(sha256), pin->sha256)) return bad_fingerprint(sha256, err);
    pin->next = ring->pins;
    ring->pins = pin;
    return SIPVEIL_OK;
}
