/* SPDX-License-Identifier: BSD-2-Clause */
#include "tablefile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apart.h"

enum { FILE_MOST = 32 << 20 };

/* What was read stays until the table is made: it is read from these octets. */
typedef struct held_file {
    struct held_file *next;
    char *name;
    io_octets octets;
} held_file;

typedef struct table_reading {
    const tool_common *common;
    held_file *files;
    char hint[240]; /* of the first mistake */
} table_reading;

static void refuse_file(sipveil_error *err, const char *name, int number)
{
    memset(err, 0, sizeof *err);
    err->code = SIPVEIL_IO;
    snprintf(err->text, sizeof err->text, "%s: %s", name, number != 0 ? strerror(number) : "cannot be read");
}

static bool read_whole(const char *name, io_octets *out, int *number)
{
    FILE *file = fopen(name, "rbe");
    size_t room = 4096, got;
    *number = errno;
    if (file == NULL) return false;
    apart_note(fileno(file));
    *out = (io_octets){.data = malloc(room)};
    while (out->data != NULL && (got = fread(out->data + out->len, 1, room - out->len, file)) > 0) {
        out->len += got;
        if (out->len < room || room > FILE_MOST) continue;
        uint8_t *more = realloc(out->data, room *= 2);
        if (more == NULL) break;
        out->data = more;
    }
    bool good = out->data != NULL && feof(file) && !ferror(file);
    *number = ferror(file) ? errno : 0; /* a folder: EISDIR */
    fclose(file);
    return good;
}

/* A relative name is meant from the folder of the file that names it. */
static char *resolve(const char *named, const char *from)
{
    const char *slash = strrchr(from, '/');
    char *path;
    if (named[0] == '/' || slash == NULL) return strdup(named);
    return asprintf(&path, "%.*s/%s", (int)(slash - from), from, named) < 0 ? NULL : path;
}

static sipveil_code read_named(void *user, const char *named, const char *from, sipveil_span *text, const char **name,
                               sipveil_error *err)
{
    table_reading *reading = user;
    held_file *file = calloc(1, sizeof *file);
    int number = ENOMEM;
    if (file == NULL) {
        refuse_file(err, named, number);
        return SIPVEIL_IO;
    }
    file->next = reading->files;
    reading->files = file;
    file->name = resolve(named, from);
    if (file->name == NULL || !read_whole(file->name, &file->octets, &number)) {
        refuse_file(err, file->name != NULL ? file->name : named, number);
        return SIPVEIL_IO;
    }
    *text = (sipveil_span){file->octets.data, file->octets.len};
    *name = file->name;
    return SIPVEIL_OK;
}

static void complain(void *user, const sipveil_error *why)
{
    table_reading *reading = user;
    sipveil_error plain = *why;
    if (reading->hint[0] == '\0') snprintf(reading->hint, sizeof reading->hint, "%s", why->hint);
    plain.hint[0] = '\0'; /* one hint, at the end */
    (void)tool_error(reading->common, NULL, &plain);
}

int tablefile_read(const tool_common *common, const char *path, const sipveil_context *context,
                   sipveil_trust_table **out)
{
    table_reading reading = {.common = common};
    sipveil_trust_table_options options = {
        .size = sizeof options, .context = context, .user = &reading, .read = read_named, .complain = complain};
    sipveil_error err;
    io_octets text;
    int exit_code = TOOL_OK;
    *out = NULL;
    if (!io_read(common, path, FILE_MOST, &text, &exit_code)) return TOOL_USAGE;
    const char *name = path != NULL && strcmp(path, "-") != 0 ? path : "(standard input)";
    sipveil_code code = sipveil_trust_table_read((sipveil_span){text.data, text.len}, name, &options, out, &err);
    if (code == SIPVEIL_USAGE) {
        if (reading.hint[0] != '\0') fprintf(stderr, "hint: %s\n", reading.hint);
        exit_code = TOOL_USAGE;
    } else if (code != SIPVEIL_OK) {
        exit_code = tool_error(common, path, &err);
    } else {
        exit_code = TOOL_OK;
        const char *warning;
        for (size_t i = 0; (warning = sipveil_trust_table_warning(*out, i)) != NULL; i++)
            tool_warning(common, path, "%s", warning);
    }
    io_free(&text);
    for (held_file *file = reading.files, *next; file != NULL; file = next) {
        next = file->next;
        io_free(&file->octets);
        free(file->name);
        free(file);
    }
    return exit_code;
}
