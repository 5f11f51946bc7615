/* SPDX-License-Identifier: BSD-2-Clause */
/* A message and the certificate that it carries: at most one, whole, and the same one each time. Whoever reads MIKEY for
 * us hands back anything: here the very octets. */

#include "base/fuzz_target.h"
#include "identity/carrier.h"

static bool read_mikey(void *user, sipveil_span mikey, sipveil_span *certificate, bool *verified)
{
    (void)user;
    *certificate = mikey;
    *verified = mikey.len % 2 == 1;
    return mikey.len > 0;
}

static sipveil_code look(const sv_carrier_question *q, sv_carried_certificate *out)
{
    sipveil_code code = sv_find_carried(q, out, NULL);
    bool one = code == SIPVEIL_OK && out->state == SV_CARRIED_ONE;
    must((out->certificate != NULL) == one && (out->der.len > 0) == one && (out->carrier != SV_CARRIER_NONE) == one);
    must(code == SIPVEIL_OK || out->state == SV_CARRIED_NONE);
    must(out->why != NULL || (out->state != SV_CARRIED_UNCLEAR && out->state != SV_CARRIED_UNREADABLE));
    must(one || !out->has_signed);
    return code;
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static sipveil_context *context;
    static sv_crypto *crypto;
    static sv_sip_view view;
    sv_carried_certificate with, again, without;
    sv_sip_address address;
    if (context == NULL) {
        must(sipveil_context_new(NULL, &context, NULL) == SIPVEIL_OK);
        must(sv_crypto_new(context, &crypto, NULL) == SIPVEIL_OK);
    }
    if (sv_sip_read(sv_span(data, size), SV_SIP_DATAGRAM, sipveil_context_limits(context), &view, NULL) != SIPVEIL_OK) return;
    (void)sv_sip_read_address(sv_sip_value(&view, SV_F_FROM), &address, NULL);
    sv_arena *arena = fuzz_arena(1 << 16, 64u << 20);
    sv_carrier_question q = {.view = &view, .context = context, .crypto = crypto, .arena = arena, .mikey = read_mikey};
    sipveil_code code = look(&q, &with);
    must(look(&q, &again) == code && again.state == with.state && sv_equal(again.der, with.der));
    q.mikey = NULL;
    must(look(&q, &without) == SIPVEIL_OK || code != SIPVEIL_OK);
    must(without.carrier != SV_CARRIER_MIKEY);
}
