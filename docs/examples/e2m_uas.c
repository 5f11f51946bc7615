/* SPDX-License-Identifier: BSD-2-Clause */
/* End to middle, the UA that receives: opens an offer, and seals the answer by its key, so that the caller's proxy can
 * read that too, whose certificate we never saw.
 *
 *     e2m_uas OWN.pem CA.pem BODY <offer.sip >answer.sip */
#include <sipveil/sipveil.h>
#include "example.h"

int main(int argc, char **argv)
{
    sipveil_party we;
    sipveil_opened opened;
    sipveil_span answer;
    sipveil_sealed sealed;
    sipveil_error err;
    if (argc != 4) return fprintf(stderr, "usage: e2m_uas OWN.pem CA.pem BODY <offer\n"), 2;
    if (sipveil_party_set_up(&we, argv[1], argv[2], &err)) return failed(argv[0], &err);
    const sipveil_e2m_open_options demand = {
        .size = sizeof demand,
        .open = {.keyring = we.keyring, .memory = we.memory, .require = SIPVEIL_REQUIRE_SIGNED | SIPVEIL_REQUIRE_ENCRYPTED},
    };
    const sipveil_response ok = {.status = 200, .rows = "Contact: <sip:bob@192.0.2.4>\r\n", .type = "text/plain", .body = sipveil_span_of(argv[3])};
    const sipveil_e2m_options how = {
        .size = sizeof how,
        .seal = {.signers = &we.own, .signer_count = 1},
        .memory = we.memory,
        .reuse = "last", /* the key of the offer: whoever could read that may read this */
    };
    if (sipveil_e2m_open_message(we.worker, &demand, read_all(stdin), &opened, &err)) return failed(argv[0], &err);
    fprintf(stderr, "%.*s", SIPVEIL_PRINT(opened.body));
    if (sipveil_tunnel_write_response(we.worker, opened.message, &ok, &answer, &err)) return failed(argv[0], &err);
    if (sipveil_e2m_seal_message(we.worker, &how, answer, &sealed, &err)) return failed(argv[0], &err);
    int code = write_out(sealed.message);
    sipveil_party_take_down(&we);
    return code;
}
