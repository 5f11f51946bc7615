/* SPDX-License-Identifier: BSD-2-Clause */
/* What the examples do beside the library: saying why, reading a file, datagrams on the loopback interface. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <arpa/inet.h>
#include <sipveil/base.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

/* The exit code, after a message. */
static inline int failed(const char *what, const sipveil_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    if (err->hint[0] != '\0') fprintf(stderr, "%s: hint: %s\n", what, err->hint);
    return sipveil_code_exit(err->code);
}

/* All of a file, up to 64 KiB; of one that is not there, nothing. The octets are the caller's, until the program ends. */
static inline sipveil_span read_all(FILE *file)
{
    uint8_t *room = file != NULL ? malloc(65536) : NULL;
    sipveil_span octets = {room, room != NULL ? fread(room, 1, 65536, file) : 0};
    if (file != NULL && file != stdin) fclose(file);
    return octets;
}

/* Writes out, and tells how that went. */
static inline int write_out(sipveil_span octets)
{
    return fwrite(octets.data, 1, octets.len, stdout) == octets.len && fflush(stdout) == 0 ? 0 : 1;
}

/* ---- UDP ---- */

typedef struct sockaddr_in udp_peer;

/* A socket and who is at the other end: before anybody was heard, that port of this host. */
typedef struct udp_link {
    int socket;
    udp_peer peer;
} udp_link;

static inline udp_peer udp_port(const char *port)
{
    return (udp_peer){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Waits at that port, or is going to send there. Gives up after so many seconds of silence. Without a socket there is no program. */
static inline udp_link udp_open(const char *port, bool waits, int seconds)
{
    const struct timeval patience = {.tv_sec = seconds};
    udp_link link = {socket(AF_INET, SOCK_DGRAM, 0), udp_port(port)};
    setvbuf(stdout, NULL, _IOLBF, 0); /* what is told is seen at once */
    if (link.socket >= 0 && setsockopt(link.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        (!waits || bind(link.socket, (const struct sockaddr *)&link.peer, sizeof link.peer) == 0)) {
        return link;
    }
    perror("udp");
    exit(1);
}

/* 0: sent; 1: not, after a message. */
static inline int udp_send(const udp_link *link, sipveil_span octets)
{
    if (sendto(link->socket, octets.data, octets.len, 0, (const struct sockaddr *)&link->peer, sizeof link->peer) >= 0) return 0;
    perror("udp");
    return 1;
}

/* One datagram, whose sender becomes the peer; false, after a message, when it stays silent. The octets last until the next one. */
static inline bool udp_receive(udp_link *link, sipveil_span *octets)
{
    static uint8_t room[65536];
    socklen_t size = sizeof link->peer;
    ssize_t len = recvfrom(link->socket, room, sizeof room, 0, (struct sockaddr *)&link->peer, &size);
    *octets = (sipveil_span){room, len > 0 ? (size_t)len : 0};
    if (len < 0) fprintf(stderr, "udp: nothing comes\n");
    return len >= 0;
}

#endif
