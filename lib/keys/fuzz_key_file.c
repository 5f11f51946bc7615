/* SPDX-License-Identifier: BSD-2-Clause */
/* Key files by content, and the names and uses of every certificate that comes out. PKCS#12 stays
 * outside: its key derivation takes as long as the file says, and it is a file of ours. */
#include <openssl/err.h>

#include "base/fuzz_target.h"
#include "base/span.h"
#include "keys/bundle.h"
#include "keys/certificate.h"

static sipveil_context *context;

static void look_at(const sipveil_keyring *ring)
{
    sv_arena *arena = fuzz_arena(4096, 1 << 20);
    for (size_t i = 0; i < sipveil_keyring_count(ring); i++) {
        const sipveil_key *key = sipveil_keyring_at(ring, i);
        sv_certificate_names names;
        sv_signer signer;
        must(sipveil_key_describe(key) != NULL);
        (void)sv_keys_check_recipient(ring, key, 0, NULL);
        if (key->cms.certificate != NULL) {
            const sv_signer_question question = {.certificate = key->cms.certificate,
                                                 .untrusted = key->chain,
                                                 .aor = SV_SPAN("sip:alice@a.example"),
                                                 .limits = sipveil_context_limits(context)};
            (void)sv_certificate_read_names(key->cms.certificate, arena, &names, NULL);
            (void)sv_name_text(key->cms.issuer, arena);
            must(sv_keys_accept_signer(ring, &question, arena, &signer, NULL) != SIPVEIL_OK || signer.code != SIPVEIL_OK); /* there is no anchor */
        }
        sv_arena_reset(arena);
    }
}

FUZZ_GIVE_BACK(give_back_ring, sipveil_keyring_free)

void fuzz_input(const uint8_t *data, size_t size)
{
    bool secret;
    sipveil_keyring *ring;
    sipveil_error err;
    if (context == NULL) must(sipveil_context_new(NULL, &context, NULL) == SIPVEIL_OK);
    sipveil_span octets = sv_span(data, size);
    if (sv_content_kind(octets, &secret) == SV_CONTENT_PKCS12) return;
    must(sipveil_keyring_new(context, &ring, NULL) == SIPVEIL_OK);
    fuzz_until_end(ring, give_back_ring);
    if (sipveil_keyring_add_octets(ring, octets, "fuzz", NULL, NULL, &err) == SIPVEIL_OK) look_at(ring);
    must(ERR_peek_error() == 0); /* the queue is drained on every path */
}
