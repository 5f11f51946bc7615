/* SPDX-License-Identifier: BSD-2-Clause */
/* Two user agents that share a key: one seals an INVITE, so that nobody on the way can read its body,
 * the other opens it. Build: cc ua.c $(pkg-config --cflags --libs sipveil) -o ua */
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

static int give_up(const char *what, const sipveil_error *err)
{
    fprintf(stderr, "%s: %s: %s\n", what, sipveil_code_name(err->code), err->text);
    return 1;
}

int main(void)
{
    sipveil_error err;
    sipveil_context *context;      /* hooks and limits: one per program */
    sipveil_keyring *ring;         /* our keys: a real UA calls sipveil_keyring_add_file() */
    sipveil_worker *alice, *bob;   /* scratch memory: one per thread; results live in it */
    const uint8_t id[] = "lunch-key", kek[32] = {7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5, 9, 0, 4, 5};
    if (sipveil_context_new(NULL, &context, &err) || sipveil_keyring_new(context, &ring, &err) ||
        sipveil_keyring_add_kek(ring, (sipveil_span){id, 9}, (sipveil_span){kek, 32}, NULL, &err) ||
        sipveil_worker_new(context, &alice, &err) || sipveil_worker_new(context, &bob, &err))
        return give_up("set-up", &err);

    const sipveil_key *to[] = {sipveil_keyring_at(ring, 0)};
    sipveil_seal_options how;
    sipveil_seal_options_default(&how);
    how.recipients = to;
    how.recipient_count = 1;
    sipveil_sealed sealed;
    sipveil_span plain = {(const uint8_t *)invite, sizeof invite - 1};
    if (sipveil_tunnel_seal_message(alice, &how, plain, &sealed, &err)) return give_up("seal", &err);
    printf("sent: %zu octets for %s\n", sealed.message.len, sipveil_key_describe(to[0]));

    sipveil_open_options demand;
    sipveil_open_options_default(&demand);
    demand.keyring = ring;
    demand.require = SIPVEIL_REQUIRE_ENCRYPTED; /* nothing in clear is let through */
    sipveil_opened opened;
    if (sipveil_tunnel_open_message(bob, &demand, sealed.message, &opened, &err)) return give_up("open", &err);
    printf("read: %.*s\n", (int)opened.body.len, (const char *)opened.body.data);
    int same = opened.message.len == plain.len && memcmp(opened.message.data, plain.data, plain.len) == 0;

    sipveil_worker_free(bob); /* wipes what was opened */
    sipveil_worker_free(alice);
    sipveil_keyring_free(ring);
    sipveil_context_free(context);
    return same ? 0 : 1;
}
