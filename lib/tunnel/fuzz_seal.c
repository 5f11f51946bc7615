/* SPDX-License-Identifier: BSD-2-Clause */
/* Any message that the gate lets in goes through seal and open and comes out as it went in: a tunnel and an
 * AIB to the octet, a body with its message around it. */

#include "base/fuzz_target.h"
#include "base/span.h"
#include "sip/view.h"
#include "sipveil/tunnel.h"
#include "tunnel/fuzz_keys.h"

static sipveil_context *context;
static sipveil_keyring *ring;
static sipveil_worker *sealer, *opener;
static const sipveil_key *kek, *signer;
static sv_sip_view view;

static int64_t clock_of_the_seeds(void *user)
{
    (void)user;
    return FUZZ_NOW;
}

static void set_up(void)
{
    sipveil_hooks hooks;
    sipveil_hooks_default(&hooks);
    hooks.now = clock_of_the_seeds;
    hooks.limits.message = 1 << 20;
    must(sipveil_context_new(&hooks, &context, NULL) == SIPVEIL_OK);
    must(sipveil_keyring_new(context, &ring, NULL) == SIPVEIL_OK);
    must(sipveil_keyring_add_kek(ring, SV_SPAN(FUZZ_KEK_ID), SV_SPAN(FUZZ_KEK), NULL, NULL) == SIPVEIL_OK);
    must(sipveil_keyring_add_octets(ring, sv_span_str(fuzz_alice_p256), "fuzz", NULL, NULL, NULL) == SIPVEIL_OK);
    kek = sipveil_keyring_at(ring, 0);
    signer = sipveil_keyring_at(ring, 1);
    must(sipveil_worker_new(context, &sealer, NULL) == SIPVEIL_OK);
    must(sipveil_worker_new(context, &opener, NULL) == SIPVEIL_OK);
}

static sipveil_code open_one(sipveil_span message, size_t layers, sipveil_opened *opened)
{
    sipveil_open_options options;
    sipveil_open_options_default(&options);
    options.keyring = ring;
    options.no_verify_signer = options.allow_unprotected = true; /* what was protected is asked of each result */
    options.layers = layers;
    options.date_window = SIPVEIL_DATE_WINDOW_ANY;
    return sipveil_tunnel_open_message(opener, &options, message, opened, NULL);
}

/* Sealing may refuse; what it sealed opens, unless it lies deeper now than the limits allow. */
static void there_and_back(const sipveil_seal_options *seal, sipveil_span message)
{
    sipveil_sealed sealed;
    sipveil_opened opened;
    sipveil_code code = sipveil_tunnel_seal_message(sealer, seal, message, &sealed, NULL);
    if (code != SIPVEIL_OK) {
        must(code != SIPVEIL_INTERNAL && sealed.message.data == NULL);
        return;
    }
    code = open_one(sealed.message, seal->signer_count + seal->recipient_count, &opened);
    if (code == SIPVEIL_LIMIT) return;
    /* A body that holds a message or fragment of its own is compared once it is signed. */
    if (seal->mode == SIPVEIL_MODE_PAYLOAD && (code == SIPVEIL_HEADER_MISMATCH || code == SIPVEIL_INCOMPLETE)) return;
    must(code == SIPVEIL_OK && opened.is_protected && opened.is_encrypted);
    must(seal->mode != SIPVEIL_MODE_TUNNEL || sv_equal(opened.message, view.whole));
}

void fuzz_input(const uint8_t *data, size_t size)
{
    if (context == NULL) set_up();
    sipveil_span message = sv_span(data, size);
    if (size > 1 << 16) return;
    bool framed = sv_sip_read(message, SV_SIP_DATAGRAM, sipveil_context_limits(context), &view, NULL) == SIPVEIL_OK;
    sipveil_seal_options seal;
    sipveil_seal_options_default(&seal);
    seal.date = SIPVEIL_DATE_NONE;
    seal.recipients = &kek;
    seal.recipient_count = 1;
    if (!framed) { /* sealing refuses it, or reads bare LF; either way nothing breaks */
        sipveil_sealed sealed;
        seal.accept_bare_lf = true;
        sipveil_code code = sipveil_tunnel_seal_message(sealer, &seal, message, &sealed, NULL);
        must(code == SIPVEIL_OK || sealed.message.data == NULL);
        return;
    }
    /* What cannot be opened by itself, or is protected already, is another target's. */
    sipveil_opened opened;
    if (open_one(message, 0, &opened) != SIPVEIL_OK || opened.is_protected) return;
    there_and_back(&seal, message);
    seal.compress = true;
    seal.encoding = SIPVEIL_ENCODING_BASE64;
    seal.signers = &signer;
    seal.signer_count = 1;
    there_and_back(&seal, message);
    seal.encrypt_then_sign = true;
    there_and_back(&seal, message);
    seal.mode = SIPVEIL_MODE_PAYLOAD;
    there_and_back(&seal, message);
    seal.mode = SIPVEIL_MODE_SIPFRAG;
    there_and_back(&seal, message);
}
