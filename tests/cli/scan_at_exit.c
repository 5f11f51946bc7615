/* SPDX-License-Identifier: BSD-2-Clause */
/* Preloaded into the program: when it ends, all memory that it could write is searched for the secrets in the file that SCAN_SECRETS
 * names (an octet of length, then as many octets, again and again); SCAN_FOUND gets a line each: number, places, the first one.
 * Where SCAN_WAIT names a FIFO, the file of secrets is written when somebody reads that: of keys that are made nobody knows them before.
 * TEST ONLY. */
#include "memory_scan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { SECRETS_MOST = 64 };

/* Who cannot be dumped cannot read of his own mappings either. */
int prctl(int option, ...)
{
    (void)option;
    return 0;
}

static void wait_for_secrets(void)
{
    const char *fifo = getenv("SCAN_WAIT");
    char octet;
    int fd = fifo != NULL ? open(fifo, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    (void)!read(fd, &octet, 1); /* the end: they are there */
    close(fd);
}

__attribute__((destructor)) static void scan_at_exit(void)
{
    const char *from = getenv("SCAN_SECRETS"), *to = getenv("SCAN_FOUND");
    struct stat status;
    wait_for_secrets();
    int fd = from != NULL && to != NULL ? open(from, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || fstat(fd, &status) != 0) return;
    const uint8_t *octets = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0), *end = octets + status.st_size;
    FILE *found = fopen(to, "w");
    if (octets == MAP_FAILED || found == NULL) return;
    for (int number = 0; octets < end && number < SECRETS_MOST; number++) {
        scan_secret secret = {"", octets + 1, octets[0]};
        scan_found f = scan_for(&secret, 1);
        fprintf(found, "%d %zu %s\n", number, f.count, f.count > 0 ? f.where : "-");
        octets += 1 + octets[0];
    }
    fclose(found);
}
