/* SPDX-License-Identifier: BSD-2-Clause */
/* A proxy over UDP: passes what comes to it on, both ways; reads what is labelled for it, and refuses what it cannot read. What a
 * proxy does to Via and Max-Forwards is the work of its stack, and left out: no octet is changed.
 *
 *     proxy_udp HOST OWN.pem CA.pem PORT NEXT-PORT
 *     cc proxy_udp.c $(pkg-config --cflags --libs sipveil) -o proxy_udp
 *
 * Waits at PORT of this host, passes on to NEXT-PORT, and ends when nothing came for three seconds. */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <sipveil/sipveil.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static sipveil_error err;

static int failed(const char *what)
{
    fprintf(stderr, "proxy_udp: %s: %s\n", what, err.text);
    return sipveil_code_exit(err.code);
}

static int serve(int udp, struct sockaddr_in next, sipveil_worker *worker, const sipveil_e2m_proxy_options *options)
{
    static unsigned char message[65536];
    struct sockaddr_in caller = {0}, from;
    socklen_t size = sizeof from;
    for (ssize_t len; (len = recvfrom(udp, message, sizeof message, 0, (struct sockaddr *)&from, &size)) >= 0;) {
        int is_back = from.sin_port == next.sin_port;
        sipveil_e2m_verdict verdict;
        if (sipveil_e2m_proxy(worker, options, (sipveil_span){message, (size_t)len}, &verdict, &err)) {
            (void)failed("dropped"); /* not even framed */
            continue;
        }
        if (!is_back) caller = from;
        if (verdict.has_view) printf("reads: %.*s\n", (int)verdict.view.len, (const char *)verdict.view.data);
        if (verdict.action == SIPVEIL_E2M_RESPOND) fprintf(stderr, "proxy_udp: refused: %s\n", verdict.reason.text);
        const struct sockaddr_in *to = is_back || verdict.action == SIPVEIL_E2M_RESPOND ? &caller : &next;
        if (sendto(udp, verdict.message.data, verdict.message.len, 0, (const struct sockaddr *)to, sizeof *to) < 0) perror("proxy_udp");
    }
    return 0;
}

int main(int argc, char **argv)
{
    sipveil_context *context;
    sipveil_keyring *ring;
    sipveil_worker *worker;
    sipveil_memory *memory; /* seen messages and keys of dialogs: one for all messages */
    if (argc != 6) return fprintf(stderr, "usage: proxy_udp HOST OWN.pem CA.pem PORT NEXT-PORT\n"), 2;
    if (sipveil_context_new(NULL, &context, &err) || sipveil_worker_new(context, &worker, &err) || sipveil_memory_new(&memory, &err) ||
        sipveil_keyring_new(context, &ring, &err) || sipveil_keyring_add_file(ring, argv[2], NULL, NULL, &err) ||
        sipveil_keyring_add_anchors(ring, argv[3], &err)) {
        return failed("set-up");
    }
    const char *host = argv[1];
    sipveil_e2m_proxy_options options;
    sipveil_e2m_proxy_options_default(&options);
    options.open.keyring = ring;
    options.open.memory = memory;
    options.hosts = &host;
    options.host_count = 1;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[4]))}, next = here;
    here.sin_addr.s_addr = next.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    next.sin_port = htons((unsigned short)atoi(argv[5]));
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct timeval patience = {.tv_sec = 3};
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(udp, (struct sockaddr *)&here, sizeof here) != 0 || setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) {
        return perror("proxy_udp"), 1;
    }
    int exit_code = serve(udp, next, worker, &options);
    sipveil_memory_free(memory);
    sipveil_worker_free(worker);
    sipveil_keyring_free(ring);
    sipveil_context_free(context);
    return exit_code;
}
