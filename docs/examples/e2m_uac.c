/* SPDX-License-Identifier: BSD-2-Clause */
/* End to middle, the UA that sends: one proxy may read the body and its answers.
 *
 *     e2m_uac OWN.pem FAR.crt HOST HOP.crt <invite.sip >sealed.sip */
#include <sipveil/sipveil.h>
#include "example.h"

int main(int argc, char **argv)
{
    sipveil_party we;
    sipveil_e2m_hop hop = {0};
    const sipveil_key *far;
    sipveil_sealed sealed;
    sipveil_error err;
    if (argc != 5) return fprintf(stderr, "usage: e2m_uac OWN.pem FAR.crt HOST HOP.crt <message\n"), 2;
    if (sipveil_party_set_up(&we, argv[1], NULL, &err) || sipveil_keyring_add_file(we.keyring, argv[2], NULL, &far, &err) ||
        sipveil_keyring_add_file(we.keyring, argv[4], NULL, &hop.key, &err)) {
        return failed(argv[0], &err);
    }
    hop.host = argv[3];
    const sipveil_e2m_options how = {
        .size = sizeof how,
        .seal = {.recipients = &far, .recipient_count = 1, .signers = &we.own, .signer_count = 1},
        .hops = &hop,
        .hop_count = 1,
        .keep = true,               /* the hop may hold the key ... */
        .reply = SIPVEIL_E2M_VIEW,  /* ... and read what the far end answers by it */
        .memory = we.memory,        /* so must we: keep it as long as the dialog lives */
    };
    if (sipveil_e2m_seal_message(we.worker, &how, read_all(stdin), &sealed, &err)) return failed(argv[0], &err);
    int code = write_out(sealed.message);
    sipveil_party_take_down(&we);
    return code;
}
