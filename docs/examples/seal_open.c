/* SPDX-License-Identifier: BSD-2-Clause */
/* The first program: two who share a key. One seals an INVITE, so that nobody on the way reads its body; the other opens it. */
#include <sipveil/sipveil.h>
#include <stdio.h>
#include <string.h>

static const char invite[] = "INVITE sip:bob@b.example SIP/2.0\r\n"
                             "Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
                             "Max-Forwards: 70\r\n"
                             "From: <sip:alice@a.example>;tag=1\r\n"
                             "To: <sip:bob@b.example>\r\n"
                             "Call-ID: 1@192.0.2.1\r\n"
                             "CSeq: 1 INVITE\r\n"
                             "Contact: <sip:alice@192.0.2.1;transport=tcp>\r\n"
                             "Subject: lunch\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Length: 18\r\n\r\n"
                             "At one, the usual.";

int main(void)
{
    const uint8_t octets[32] = {7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5, 9, 0, 4, 5}; /* a real one comes out of sipveil keygen kek */
    sipveil_error err;
    sipveil_party we; /* a program's context, keyring, memory and worker; what a call gives lives in the worker until its next call */
    const sipveil_key *key;
    sipveil_sealed sealed;
    sipveil_opened opened;
    sipveil_span subject;
    if (sipveil_party_set_up(&we, NULL, NULL, &err) ||
        sipveil_keyring_add_kek(we.keyring, sipveil_span_of("lunch-key"), (sipveil_span){octets, sizeof octets}, &key, &err)) {
        return fprintf(stderr, "%s\n", err.text), 1;
    }
    const sipveil_seal_options how = {.size = sizeof how, .recipients = &key, .recipient_count = 1};
    const sipveil_open_options demand = {.size = sizeof demand, .keyring = we.keyring, .require = SIPVEIL_REQUIRE_ENCRYPTED};
    if (sipveil_tunnel_seal_message(we.worker, &how, sipveil_span_of(invite), &sealed, &err)) return fprintf(stderr, "%s\n", err.text), 1;
    printf("sent: %zu octets for %s\n", sealed.message.len, sipveil_key_describe(key));
    if (sipveil_tunnel_open_message(we.worker, &demand, sealed.message, &opened, &err) ||
        sipveil_sip_read_field(opened.message, "Subject", 0, &subject, &err)) {
        return fprintf(stderr, "%s\n", err.text), 1;
    }
    printf("read: %.*s (%.*s)\n", SIPVEIL_PRINT(opened.body), SIPVEIL_PRINT(subject));
    int same = opened.message.len == strlen(invite) && memcmp(opened.message.data, invite, strlen(invite)) == 0;
    sipveil_party_take_down(&we); /* wipes what was opened */
    return same ? 0 : 1;
}
