/* SPDX-License-Identifier: BSD-2-Clause */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "publish.h"

static int failed(const tool_common *common, const char *path)
{
    bool is_none = errno == ENOTDIR || errno == ENOENT || errno == ELOOP; /* no folder, and nothing that could become one */
    return tool_failure(common, is_none ? TOOL_USAGE : TOOL_FAILED, NULL, "%s: certificates cannot be kept there: %s", path,
                        strerror(errno));
}

int keeper_open(const tool_common *common, const char *path, keeper *out)
{
    *out = (keeper){.path = path, .fd = -1};
    if (path == NULL) return TOOL_OK;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return failed(common, path);
    out->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out->fd < 0) return failed(common, path);
    while (flock(out->fd, LOCK_EX) != 0) {
        if (errno != EINTR) return failed(common, path);
    }
    return TOOL_OK;
}

static int keep(const tool_common *common, const keeper *k, sipveil_keyring *ring,
                const sipveil_accepted_signer *signer)
{
    char name[SIPVEIL_KEPT_NAME], path[4096], *text = NULL;
    sipveil_error err;
    if (sipveil_keyring_keep(ring, signer->aor, signer->certificate, name, &text, &err) != SIPVEIL_OK) {
        return tool_error(common, k->path, &err);
    }
    int exit_code = TOOL_USAGE;
    if (snprintf(path, sizeof path, "%s/%s", k->path, name) >= (int)sizeof path) {
        tool_failure(common, TOOL_USAGE, NULL, "%s: the name is too long", k->path);
    } else {
        exit_code = io_write(common, path, (sipveil_span){(const uint8_t *)text, strlen(text)},
                             IO_SECRET | IO_REPLACE);
    }
    if (exit_code == TOOL_OK && common->verbose) {
        fprintf(stderr, "sipveil %s: keeps the certificate of %s in %s\n", common->verb, signer->aor, path);
    }
    sipveil_keys_wipe_text(text);
    return exit_code;
}

int keeper_save(const tool_common *common, const keeper *k, sipveil_keyring *ring, const sipveil_opened *opened)
{
    int exit_code = TOOL_OK;
    for (size_t i = 0; k->path != NULL && i < opened->signer_count && exit_code == TOOL_OK; i++) {
        if (!opened->signers[i].is_kept && !opened->signers[i].is_bound) exit_code = keep(common, k, ring, &opened->signers[i]);
    }
    return exit_code;
}

void keeper_close(keeper *k)
{
    if (k->path != NULL) (void)publish_settle();
    if (k->path != NULL && k->fd >= 0) close(k->fd);
    *k = (keeper){.fd = -1};
}
