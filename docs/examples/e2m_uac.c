/* SPDX-License-Identifier: BSD-2-Clause */
/* End to middle, the UA that sends: one proxy may read the body and its answers.
 *
 *     e2m_uac OWN.pem FAR.crt HOST HOP.crt <invite.sip >sealed.sip
 *     cc e2m_uac.c $(pkg-config --cflags --libs sipveil) */
#include <stdio.h>
#include <sipveil/sipveil.h>

static int failed(const sipveil_error *err)
{
    fprintf(stderr, "e2m_uac: %s\n", err->text);
    return sipveil_code_exit(err->code);
}

int main(int argc, char **argv)
{
    static unsigned char message[65536];
    sipveil_context *context = NULL;
    sipveil_keyring *ring = NULL;
    sipveil_worker *worker = NULL;
    sipveil_memory *memory = NULL;
    sipveil_sealed sealed;
    sipveil_error err;
    if (argc != 5) {
        fprintf(stderr, "usage: e2m_uac OWN.pem FAR.crt HOST HOP.crt <message\n");
        return 2;
    }
    size_t len = fread(message, 1, sizeof message, stdin);
    if (sipveil_context_new(NULL, &context, &err) || sipveil_keyring_new(context, &ring, &err) ||
        sipveil_worker_new(context, &worker, &err) || sipveil_memory_new(&memory, &err) ||
        sipveil_keyring_add_file(ring, argv[1], NULL, NULL, &err) ||
        sipveil_keyring_add_file(ring, argv[2], NULL, NULL, &err) ||
        sipveil_keyring_add_file(ring, argv[4], NULL, NULL, &err)) {
        return failed(&err);
    }
    const sipveil_key *own = sipveil_keyring_at(ring, 0), *far = sipveil_keyring_at(ring, 1);
    const sipveil_e2m_hop hop = {argv[3], sipveil_keyring_at(ring, 2)};
    sipveil_e2m_options options;
    sipveil_e2m_options_default(&options);
    options.seal.signers = &own;
    options.seal.signer_count = 1;
    options.seal.recipients = &far;
    options.seal.recipient_count = 1;
    options.hops = &hop;
    options.hop_count = 1;
    options.keep = true;                /* the hop may hold the key ... */
    options.reply = SIPVEIL_E2M_VIEW;   /* ... and read what the far end answers by it */
    options.memory = memory;            /* so must we: keep it as long as the dialog lives */
    if (sipveil_e2m_seal(worker, &options, (sipveil_span){message, len}, &sealed, &err)) return failed(&err);
    fwrite(sealed.message.data, 1, sealed.message.len, stdout);
    sipveil_memory_free(memory);
    sipveil_worker_free(worker);
    sipveil_keyring_free(ring);
    sipveil_context_free(context);
    return 0;
}
