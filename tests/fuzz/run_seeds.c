/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a fuzz target over every file of a folder: the kept corpus as an ordinary test. A folder that is
 * missing or empty is a failure: a target without seeds tests nothing. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void (*case_ended)(int failed); /* where scripts/starve looks on (tests/starving/child.c) */

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return -1;
    static uint8_t octets[1 << 20];
    size_t size = fread(octets, 1, sizeof octets, file);
    fclose(file);
    uint8_t *exact = malloc(size > 0 ? size : 1); /* exact size: a sanitizer sees one octet too far */
    if (exact == NULL) return -1;
    memcpy(exact, octets, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    if (case_ended != NULL) case_ended(0);
    return 0;
}

int main(int argc, char **argv)
{
    int done = 0;
    *(void **)&case_ended = dlsym(RTLD_DEFAULT, "starve_case_ended");
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER (not there: %s)\n", argv[0], argc == 2 ? argv[1] : "");
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (run_file(path) != 0) {
            fprintf(stderr, "cannot read %s\n", path);
            return 1;
        }
        done++;
    }
    closedir(folder);
    printf("%d seeds\n", done);
    return done > 0 ? 0 : 1;
}
