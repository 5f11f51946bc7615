/* SPDX-License-Identifier: BSD-2-Clause */
/* A proxy over UDP. It passes messages on both ways as they are, octet by octet; reads the bodies that are labelled for it; and
 * refuses, by its policy, what it must see and was not shown. Via and Max-Forwards are the work of its stack, and left out.
 *     proxy HOST OWN.pem CA.pem POLICY PORT NEXT-PORT     waits at PORT of this host, until three seconds nothing comes
 * A line of POLICY, and what is said to those who do not follow it: HOST;need=view;type="text/plain";method=INVITE */
#include <sipveil/sipveil.h>
#include "example.h"

static sipveil_error err;

/* What becomes of one message, and who gets it: the next hop on its way, or whoever sent it. */
static void pass(const sipveil_party *we, const sipveil_e2m_proxy_options *hop, sipveil_span message, udp_link *link, const udp_peer *on)
{
    sipveil_e2m_verdict verdict;
    sipveil_span call;
    if (sipveil_e2m_proxy_message(we->worker, hop, message, &verdict, &err) ||
        sipveil_sip_read_field(message, "Call-ID", 0, &call, &err)) {
        (void)failed("proxy: dropped", &err); /* not even framed: nobody can be answered */
        return;
    }
    printf("%.*s: %s\n", SIPVEIL_PRINT(call), verdict.concerned ? "for us" : "not for us");
    for (size_t i = 0; i < verdict.part_count; i++) printf("reads: %.*s\n", SIPVEIL_PRINT(verdict.parts[i].view));
    if (verdict.action == SIPVEIL_E2M_FORWARD) link->peer = *on;
    else fprintf(stderr, "proxy: refused: %s\n", verdict.reason.text);
    (void)udp_send(link, verdict.message); /* what came, octet by octet; or the refusal, back to where it came from */
}

int main(int argc, char **argv)
{
    sipveil_party we;
    sipveil_e2m_policy *policy;
    sipveil_span message;
    if (argc != 7) return fprintf(stderr, "usage: proxy HOST OWN.pem CA.pem POLICY PORT NEXT-PORT\n"), 2;
    if (sipveil_party_set_up(&we, argv[2], argv[3], &err)) return failed("proxy: set-up", &err);
    if (sipveil_e2m_policy_read(sipveil_span_of(argv[4]), &policy, &err)) return failed("proxy: policy", &err);
    const char *host = argv[1];
    const sipveil_e2m_proxy_options hop = {.size = sizeof hop, .hosts = &host, .host_count = 1, .policy = policy,
        .open = {.keyring = we.keyring, .memory = we.memory}}; /* one memory for all messages: seen ones, and keys of dialogs */
    udp_link link = udp_open(argv[5], true, 3);
    udp_peer caller = {0}, next = udp_port(argv[6]);
    while (udp_receive(&link, &message)) {
        bool comes_back = link.peer.sin_port == next.sin_port;
        if (!comes_back) caller = link.peer;
        pass(&we, &hop, message, &link, comes_back ? &caller : &next);
    }
    sipveil_e2m_policy_free(policy);
    sipveil_party_take_down(&we);
    return 0;
}
