/* SPDX-License-Identifier: BSD-2-Clause */
/* A user agent over UDP: ua OWN.pem CA.pem PORT [FAR.crt PROXY PROXY.crt <message.sip]. Seals a message for the far end, lets one
 * proxy read the body, sends it to that port of this host and opens the answer; or, with three words, waits there and answers. */
#include <sipveil/sipveil.h>
#include "example.h"

static sipveil_error err;

static int call(const sipveil_party *we, char **with, const udp_link *link)
{
    sipveil_e2m_hop proxy = {.host = with[1]};
    const sipveil_key *far;
    sipveil_sealed sealed;
    if (sipveil_keyring_add_file(we->keyring, with[0], NULL, &far, &err)) return failed("ua: the far end", &err);
    if (sipveil_keyring_add_file(we->keyring, with[2], NULL, &proxy.key, &err)) return failed("ua: the proxy", &err);
    const sipveil_e2m_options how = {.size = sizeof how, .hops = &proxy, .hop_count = 1, .sign_label = true,
        .seal = {.recipients = &far, .recipient_count = 1, .signers = &we->own, .signer_count = 1}};
    if (sipveil_e2m_seal_message(we->worker, &how, read_all(stdin), &sealed, &err)) return failed("ua: seal", &err);
    return udp_send(link, sealed.message);
}

static int hear(const sipveil_party *we, bool answers, udp_link *link)
{
    const sipveil_open_options demand = {.size = sizeof demand, .keyring = we->keyring, .memory = we->memory,
        .require = SIPVEIL_REQUIRE_SIGNED | SIPVEIL_REQUIRE_ENCRYPTED};
    const sipveil_seal_options how = {.size = sizeof how, .signers = &we->own, .signer_count = 1}; /* for whoever signed */
    const sipveil_response ok = {.status = 200, .type = "text/plain", .body = sipveil_span_of("heard")};
    sipveil_opened opened;
    sipveil_sealed sealed;
    sipveil_sip_message plain;
    sipveil_span message, refusal;
    if (!udp_receive(link, &message)) return 1;
    if (sipveil_sip_read_message(message, &plain, &err)) return failed("ua: no message", &err);
    if (!plain.is_request) printf("%u %.*s\n", plain.status, SIPVEIL_PRINT(plain.phrase)); /* whoever wrote that: nobody has signed it */
    if (sipveil_tunnel_open_message(we->worker, &demand, message, &opened, &err)) {
        if (answers && !sipveil_tunnel_write_refusal(we->worker, &demand, message, &err, &refusal, NULL)) udp_send(link, refusal);
        return failed("ua: refused", &err); /* we are told the truth, the other side a status */
    }
    printf("%s: %.*s\n", opened.signers[0].aor, SIPVEIL_PRINT(opened.body));
    for (size_t i = 0; i < opened.check_count; i++) {
        if (opened.checks[i].result == SIPVEIL_CHECK_NOT_DONE) printf("not checked: %s\n", opened.checks[i].why);
    }
    if (answers && sipveil_tunnel_seal_response(we->worker, &how, &opened, &ok, &sealed, &err)) return failed("ua: answer", &err);
    return answers ? udp_send(link, sealed.message) : 0;
}

int main(int argc, char **argv)
{
    sipveil_party we;
    bool answers = argc == 4;
    if (!answers && argc != 7) return fprintf(stderr, "usage: ua OWN.pem CA.pem PORT [FAR.crt PROXY PROXY.crt]\n"), 2;
    if (sipveil_party_set_up(&we, argv[1], argv[2], &err)) return failed("ua: set-up", &err);
    udp_link link = udp_open(argv[3], answers, 10);
    int code = answers ? 0 : call(&we, argv + 4, &link);
    if (code == 0) code = hear(&we, answers, &link);
    sipveil_party_take_down(&we);
    return code;
}
