/* SPDX-License-Identifier: BSD-2-Clause */
/* End to middle, the proxy: reads what is labelled for it, forwards everything as it came.
 *
 *     e2m_proxy HOST OWN.pem CA.pem <sealed.sip >out.sip
 *
 * Exit code 0: out.sip is to be forwarded; 10: it is a response to send back. What was read goes to standard error. */
#include <sipveil/sipveil.h>
#include "example.h"

int main(int argc, char **argv)
{
    sipveil_party we;
    sipveil_e2m_verdict verdict;
    sipveil_error err;
    if (argc != 4) return fprintf(stderr, "usage: e2m_proxy HOST OWN.pem CA.pem <message\n"), 2;
    if (sipveil_party_set_up(&we, argv[2], argv[3], &err)) return failed(argv[0], &err);
    const char *hosts[] = {argv[1]};
    const sipveil_e2m_proxy_options options = {
        .size = sizeof options,
        .open = {.keyring = we.keyring, .memory = we.memory}, /* one for all messages: seen ones, and keys of dialogs */
        .hosts = hosts,
        .host_count = 1,
        .protected_hop = true,        /* it came over TLS ... */
        .sender_authenticated = true, /* ... from a peer that we know */
    };
    if (sipveil_e2m_proxy_message(we.worker, &options, read_all(stdin), &verdict, &err)) return failed(argv[0], &err);
    if (verdict.has_view) fprintf(stderr, "%.*s", SIPVEIL_PRINT(verdict.view));
    int code = write_out(verdict.message);
    if (code == 0 && verdict.action == SIPVEIL_E2M_RESPOND) code = 10;
    sipveil_party_take_down(&we);
    return code;
}
