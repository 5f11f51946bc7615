/* SPDX-License-Identifier: BSD-2-Clause */
/* A user agent over UDP: seals a request for the far end and lets one proxy read its body, then opens the answer; or answers.
 *
 *     ua_udp call   OWN.pem CA.pem PORT FAR.crt PROXY PROXY.crt <invite.sip
 *     ua_udp answer OWN.pem CA.pem PORT
 *     cc ua_udp.c $(pkg-config --cflags --libs sipveil) -o ua_udp
 *
 * call sends to that port of this host, answer waits there for one request. What was opened goes to standard output. */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <sipveil/sipveil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static sipveil_context *context;
static sipveil_worker *worker;           /* results live in it until its next call */
static sipveil_keyring *own, *others;    /* our key and our anchors; certificates of others */
static const sipveil_key *me, *far;
static sipveil_error err;
static int udp;
static struct sockaddr_in peer = {.sin_family = AF_INET};

static int failed(const char *what)
{
    fprintf(stderr, "ua_udp: %s: %s\n", what, err.text);
    return sipveil_code_exit(err.code);
}

static void put(sipveil_span octets)
{
    if (sendto(udp, octets.data, octets.len, 0, (struct sockaddr *)&peer, sizeof peer) < 0) perror("ua_udp");
}

/* Whoever signed the request is told, sealed, that it was heard. A UA has a stack that writes the 200; here the header fields
 * that RFC 3261 8.2.6 names are copied. */
static int say_ok(const sipveil_opened *request)
{
    static const char *const copied[] = {"Via:", "From:", "To:", "Call-ID:", "CSeq:"};
    char ok[4096] = "SIP/2.0 200 OK\r\n";
    const char *at = (const char *)request->message.data, *end = at + request->message.len, *next;
    size_t len = strlen(ok);
    for (; (next = memchr(at, '\n', (size_t)(end - at))) != NULL && next - at > 1; at = next + 1) {
        for (size_t i = 0; i < 5; i++) {
            if (strncmp(at, copied[i], strlen(copied[i])) != 0 || len + (size_t)(next - at) + 80 > sizeof ok) continue;
            len += (size_t)sprintf(ok + len, "%.*s%s\r\n", (int)(next - at - 1), at, i == 2 ? ";tag=far" : "");
        }
    }
    len += (size_t)sprintf(ok + len, "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nheard");
    if (sipveil_keyring_add_octets(others, request->signers[0].certificate, "the caller", NULL, NULL, &err)) return failed("caller");
    far = sipveil_keyring_at(others, 0);
    sipveil_seal_options how;
    sipveil_seal_options_default(&how);
    how.recipients = &far;
    how.recipient_count = 1;
    how.signers = &me;
    how.signer_count = 1;
    sipveil_sealed sealed;
    if (sipveil_tunnel_seal_message(worker, &how, (sipveil_span){(unsigned char *)ok, len}, &sealed, &err)) return failed("seal");
    put(sealed.message);
    return 0;
}

static int call(char **to)
{
    static unsigned char message[65536];
    if (sipveil_keyring_add_file(others, to[0], NULL, NULL, &err) || sipveil_keyring_add_file(others, to[2], NULL, NULL, &err)) {
        return failed("certificates");
    }
    far = sipveil_keyring_at(others, 0);
    sipveil_e2m_hop proxy = {.host = to[1], .key = sipveil_keyring_at(others, 1)};
    sipveil_e2m_options how;
    sipveil_e2m_options_default(&how);
    how.seal.recipients = &far;
    how.seal.recipient_count = 1;
    how.seal.signers = &me;
    how.seal.signer_count = 1;
    how.hops = &proxy;
    how.hop_count = 1;
    how.sign_label = true; /* who sent a datagram nobody knows: the proxy believes what is signed */
    sipveil_sealed sealed;
    size_t len = fread(message, 1, sizeof message, stdin);
    if (sipveil_e2m_seal(worker, &how, (sipveil_span){message, len}, &sealed, &err)) return failed("seal");
    put(sealed.message);
    return 0;
}

/* One message, which must be signed by somebody that we trust and encrypted for us. */
static int hear(int answering)
{
    static unsigned char message[65536];
    socklen_t size = sizeof peer;
    ssize_t len = recvfrom(udp, message, sizeof message, 0, (struct sockaddr *)&peer, &size);
    if (len < 0) return perror("ua_udp"), 1;
    sipveil_span arrived = {message, (size_t)len}, refusal;
    sipveil_open_options demand;
    sipveil_open_options_default(&demand);
    demand.keyring = own;
    demand.require = SIPVEIL_REQUIRE_SIGNED | SIPVEIL_REQUIRE_ENCRYPTED;
    sipveil_opened opened;
    if (sipveil_tunnel_open_message(worker, &demand, arrived, &opened, &err)) {
        int exit_code = failed("refused"); /* we are told the truth, the other side a status */
        if (answering && sipveil_tunnel_answer(worker, &demand, arrived, &err, &refusal, &err) == SIPVEIL_OK) put(refusal);
        return exit_code;
    }
    printf("%s: %.*s\n", opened.signers[0].aor, (int)opened.body.len, (const char *)opened.body.data);
    return answering ? say_ok(&opened) : 0;
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 8) return fprintf(stderr, "usage: ua_udp call|answer OWN.pem CA.pem PORT [FAR.crt PROXY PROXY.crt]\n"), 2;
    if (sipveil_context_new(NULL, &context, &err) || sipveil_worker_new(context, &worker, &err) ||
        sipveil_keyring_new(context, &own, &err) || sipveil_keyring_new(context, &others, &err) ||
        sipveil_keyring_add_file(own, argv[2], NULL, NULL, &err) || sipveil_keyring_add_anchors(own, argv[3], &err)) {
        return failed("set-up");
    }
    me = sipveil_keyring_first(own, SIPVEIL_KEY_PRIVATE);
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer.sin_port = htons((unsigned short)atoi(argv[4]));
    udp = socket(AF_INET, SOCK_DGRAM, 0);
    struct timeval patience = {.tv_sec = 10};
    if (setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) return perror("ua_udp"), 1;
    int calling = argc == 8, exit_code = 0;
    if (calling) exit_code = call(argv + 5);
    else if (bind(udp, (struct sockaddr *)&peer, sizeof peer) != 0) return perror("ua_udp"), 1;
    if (exit_code == 0) exit_code = hear(!calling);
    sipveil_worker_free(worker);
    sipveil_keyring_free(others);
    sipveil_keyring_free(own);
    sipveil_context_free(context);
    return exit_code;
}
