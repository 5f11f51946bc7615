/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil keygen kek|ca|cert: keys and certificates for a lab. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

enum {
    O_ID = TOOL_O_FIRST, O_BITS, O_NAME, O_CA, O_AOR, O_HOST, O_ALG, O_NOT_BEFORE, O_NOT_AFTER, O_CERT_OUT, O_SELF_SIGNED
};
enum { PATH_ROOM = 4096, FILE_MOST = 1 << 20, DAY = 86400, YEAR = 365 * DAY, CLOCKS_DIFFER = DAY };

typedef struct keygen {
    tool_common common;
    const char *id, *name, *ca, *cert_out;
    unsigned bits;
    sipveil_certificate_request request;
    bool has_not_before, has_not_after, self_signed;
    sipveil_context *context;
    sipveil_error err;
} keygen;

static bool take_bits(keygen *g, const char *value)
{
    static const struct {
        const char *text;
        unsigned bits;
    } sizes[] = {{"128", 128}, {"192", 192}, {"256", 256}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (strcmp(value, sizes[i].text) == 0) {
            g->bits = sizes[i].bits;
            return true;
        }
    }
    tool_usage_error(&g->common, "--bits is '%s', not 128, 192 or 256", value);
    return false;
}

static bool take_time(keygen *g, const char *option, const char *value, int64_t *out)
{
    if (tool_read_time(value, out)) return true;
    tool_usage_error(&g->common, "%s is '%s', not a time like 2026-11-21T10:00:00Z", option, value);
    return false;
}

static bool take(void *state, int id, const char *value)
{
    keygen *g = state;
    switch (id) {
    case O_ID: g->id = value; return true;
    case O_BITS: return take_bits(g, value);
    case O_NAME: g->name = value; return true;
    case O_CA: g->ca = value; return true;
    case O_AOR: g->request.aor = value; return true;
    case O_HOST: g->request.host = value; return true;
    case O_ALG: g->request.algorithm = value; return true;
    case O_CERT_OUT: g->cert_out = value; return true;
    case O_SELF_SIGNED: g->self_signed = true; return true;
    case O_NOT_BEFORE:
        g->has_not_before = true;
        return take_time(g, "--not-before", value, &g->request.not_before);
    case O_NOT_AFTER:
        g->has_not_after = true;
        return take_time(g, "--not-after", value, &g->request.not_after);
    default: return false;
    }
}

static bool is_file(const char *path)
{
    return path != NULL && strcmp(path, "-") != 0;
}

/* A text that is a secret, or is not, goes to a file; then it is wiped. */
static int write_text(const keygen *g, const char *path, const char *text, unsigned flags)
{
    if (g->common.force) flags |= IO_REPLACE;
    return io_write(&g->common, path, (sipveil_span){(const uint8_t *)text, strlen(text)}, flags);
}

static int failed(const keygen *g, const char *file)
{
    return tool_error(&g->common, file, &g->err);
}

/* ---- kek ---- */

static int make_kek(keygen *g)
{
    char *jwk;
    if (sipveil_keys_make_kek(g->context, g->id, g->bits, &jwk, &g->err) != SIPVEIL_OK) {
        return failed(g, NULL);
    }
    int exit_code = write_text(g, g->common.output, jwk, IO_SECRET);
    sipveil_keys_wipe_text(jwk);
    return exit_code;
}

/* ---- ca ---- */

static bool join(const keygen *g, char *out, const char *folder, const char *file)
{
    int len = snprintf(out, PATH_ROOM, "%s/%s", folder, file);
    if (len > 0 && len < PATH_ROOM) return true;
    tool_failure(&g->common, TOOL_USAGE, NULL, "%s: the name is too long", folder);
    return false;
}

static int write_authority(keygen *g, const char *certificate_path, const char *key_path)
{
    char *certificate, *key;
    if (sipveil_keys_make_authority(g->context, g->name, &certificate, &key, &g->err) != SIPVEIL_OK) {
        return failed(g, NULL);
    }
    int exit_code = write_text(g, key_path, key, IO_SECRET);
    if (exit_code == TOOL_OK) exit_code = write_text(g, certificate_path, certificate, 0);
    sipveil_keys_wipe_text(certificate);
    sipveil_keys_wipe_text(key);
    return exit_code;
}

static int make_authority(keygen *g)
{
    char certificate_path[PATH_ROOM], key_path[PATH_ROOM];
    int exit_code = TOOL_USAGE;
    const char *folder = g->common.output;
    if (g->name == NULL) return tool_usage_error(&g->common, "--name TEXT is missing: what the CA is called");
    if (!is_file(folder)) return tool_usage_error(&g->common, "-o names a folder, where ca.pem and ca.key go: '-' is none");
    if (!join(g, certificate_path, folder, "ca.pem") || !join(g, key_path, folder, "ca.key") ||
        io_would_refuse(&g->common, certificate_path, g->common.force, &exit_code) ||
        io_would_refuse(&g->common, key_path, g->common.force, &exit_code)) {
        return exit_code;
    }
    bool created = mkdir(folder, 0700) == 0;
    struct stat status;
    if (!created && errno == EEXIST && stat(folder, &status) == 0 && !S_ISDIR(status.st_mode)) {
        return tool_failure(&g->common, TOOL_USAGE, "-o names a folder, where ca.pem and ca.key go", "%s: is no folder", folder);
    }
    if (!created && errno != EEXIST) {
        return tool_failure(&g->common, TOOL_FAILED, NULL, "%s: the folder cannot be made: %s", folder, strerror(errno));
    }
    exit_code = write_authority(g, certificate_path, key_path);
    if (exit_code != TOOL_OK && created) (void)rmdir(folder); /* only if nothing is in it */
    return exit_code;
}

/* ---- cert ---- */

/* ADV-210, as for every other secret file. */
static bool is_closed(const keygen *g, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || (status.st_mode & 077) == 0) return true; /* reading it will tell */
    tool_failure(&g->common, TOOL_USAGE, "chmod 600 it", "%s: holds a secret and is open to group or others",
                 path);
    return false;
}

static bool read_authority(const keygen *g, io_octets *certificate, io_octets *key, int *exit_code)
{
    char certificate_path[PATH_ROOM], key_path[PATH_ROOM];
    if (join(g, certificate_path, g->ca, "ca.pem") && join(g, key_path, g->ca, "ca.key") && is_closed(g, key_path) &&
        io_read(&g->common, certificate_path, FILE_MOST, certificate, exit_code) &&
        io_read(&g->common, key_path, FILE_MOST, key, exit_code)) {
        return true;
    }
    *exit_code = TOOL_USAGE; /* an unusable key file, whatever it is that makes it one */
    return false;
}

static int write_certificate(const keygen *g, const char *both, const char *certificate)
{
    int exit_code = write_text(g, g->common.output, both, IO_SECRET);
    if (exit_code == TOOL_OK && g->cert_out != NULL) {
        exit_code = write_text(g, g->cert_out, certificate, 0);
    }
    return exit_code;
}

static int issue(keygen *g, const io_octets *authority, const io_octets *authority_key)
{
    char *both, *certificate;
    if (sipveil_keys_make_certificate(g->context, (sipveil_span){authority->data, authority->len},
                                      (sipveil_span){authority_key->data, authority_key->len},
                                      &g->request, &both, &certificate, &g->err) != SIPVEIL_OK) {
        return failed(g, NULL);
    }
    int exit_code = write_certificate(g, both, certificate);
    sipveil_keys_wipe_text(both);
    sipveil_keys_wipe_text(certificate);
    return exit_code;
}

static int make_certificate(keygen *g)
{
    io_octets authority = {0}, authority_key = {0};
    int exit_code = TOOL_USAGE;
    if (g->ca == NULL && !g->self_signed) {
        return tool_usage_error(&g->common, "--ca FOLDER is missing: the one that 'sipveil keygen ca' made, or --self-signed");
    }
    if (g->ca != NULL && g->self_signed) return tool_usage_error(&g->common, "--ca and --self-signed exclude each other");
    if (g->request.aor == NULL && g->request.host == NULL) {
        return tool_usage_error(&g->common, "whom the certificate is for is missing: --aor sip:USER@HOST or --host HOST");
    }
    if (g->request.aor != NULL && g->request.host != NULL) {
        return tool_usage_error(&g->common, "--aor and --host exclude each other: a certificate is a user's or a host's");
    }
    if (g->cert_out != NULL && strcmp(g->cert_out, g->common.output) == 0) {
        return tool_usage_error(&g->common, "-o and --cert-out are the same file");
    }
    if (!g->has_not_before) g->request.not_before = (int64_t)time(NULL) - CLOCKS_DIFFER;
    int64_t life = g->self_signed ? DAY : YEAR;
    if (!g->has_not_after) g->request.not_after = g->request.not_before + life + (g->has_not_before ? 0 : CLOCKS_DIFFER);
    if (!g->has_not_before && g->request.not_after <= g->request.not_before) {
        g->request.not_before = g->request.not_after - YEAR; /* an expired one, on purpose */
    }
    if (io_would_refuse(&g->common, g->common.output, g->common.force, &exit_code) ||
        (g->cert_out != NULL && io_would_refuse(&g->common, g->cert_out, g->common.force, &exit_code))) {
        return exit_code;
    }
    if (g->self_signed || read_authority(g, &authority, &authority_key, &exit_code)) {
        exit_code = issue(g, &authority, &authority_key);
    }
    io_free(&authority);
    io_free(&authority_key);
    return exit_code;
}

/* ---- the verbs ---- */

static const tool_option kek_options[] = {
    {O_ID, "id", 0, "TEXT", false, "the key's identifier (kid); default: random"},
    {O_BITS, "bits", 0, "128|192|256", false, "size of the key; default 256"},
    TOOL_COMMON_OPTIONS,
};
static const tool_option ca_options[] = {
    {O_NAME, "name", 0, "TEXT", false, "name of the CA; with -o DIR for ca.pem and ca.key"},
    TOOL_COMMON_OPTIONS,
};
static const tool_option cert_options[] = {
    {O_CA, "ca", 0, "DIR", false, "the CA: a folder with ca.pem and ca.key"},
    {O_SELF_SIGNED, "self-signed", 0, NULL, false, "without a CA: for one user, one log-in; valid for a day unless told otherwise"},
    {O_AOR, "aor", 0, "sip:USER@HOST", false, "the user it speaks for"},
    {O_HOST, "host", 0, "HOST", false, "the host it speaks for"},
    {O_ALG, "alg", 0, "ALG", false,
     "p256 (default), p384, p521, rsa2048, rsa3072; x25519 only decrypts, ed25519 only signs"},
    {O_NOT_BEFORE, "not-before", 0, "TIME", false, "valid from then (RFC 3339); default: a day ago, as clocks differ"},
    {O_NOT_AFTER, "not-after", 0, "TIME", false, "valid until then; default: one year from now"},
    {O_CERT_OUT, "cert-out", 0, "FILE", false, "the certificate alone, to give away"},
    TOOL_COMMON_OPTIONS,
};

static const struct {
    const char *name;
    tool_verb verb;
    const tool_option *options;
    size_t option_count;
    int (*make)(keygen *g);
} kinds[] = {
    {"kek",
     {"keygen kek", "[--id TEXT] [--bits N] -o FILE", "make a shared key-encryption key (JWK)", NULL},
     kek_options, sizeof kek_options / sizeof *kek_options, make_kek},
    {"ca",
     {"keygen ca", "--name TEXT -o DIR", "make a lab CA: DIR/ca.pem and DIR/ca.key", NULL},
     ca_options, sizeof ca_options / sizeof *ca_options, make_authority},
    {"cert",
     {"keygen cert", "(--ca DIR | --self-signed) (--aor sip:USER@HOST | --host HOST) [options] -o FILE",
      "make a certificate with its private key in one PEM file", NULL},
     cert_options, sizeof cert_options / sizeof *cert_options, make_certificate},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static void print_kinds(FILE *out)
{
    fprintf(out, "usage: sipveil keygen kek|ca|cert [options]\n\n");
    for (size_t i = 0; i < KIND_COUNT; i++) {
        fprintf(out, "  keygen %-5s %s\n", kinds[i].name, kinds[i].verb.summary);
    }
    fprintf(out, "\n'sipveil keygen kek --help' and so on tell more.\n");
}

static int run_kind(size_t kind, int argc, char **argv)
{
    keygen g = {.bits = 256, .common = {.verb = kinds[kind].verb.name}};
    int first, exit_code;
    if (!tool_parse(&kinds[kind].verb, kinds[kind].options, kinds[kind].option_count, argc, argv,
                    &g.common, take, &g, 0, &first, &exit_code)) {
        return exit_code;
    }
    if (g.common.output == NULL) {
        return tool_usage_error(&g.common, "-o is missing: a secret key goes to a file, never to standard output");
    }
    if (strcmp(g.common.output, "-") == 0) {
        return tool_usage_error(&g.common, "-o names no file: a secret key goes to a file, never to standard output");
    }
    if (sipveil_context_new(NULL, &g.context, &g.err) != SIPVEIL_OK) return failed(&g, NULL);
    exit_code = kinds[kind].make(&g);
    sipveil_context_free(g.context);
    return exit_code;
}

int cmd_keygen(int argc, char **argv)
{
    const tool_common common = {.verb = "keygen"};
    if (argc < 2) {
        tool_usage_error(&common, "what to make is missing: kek, ca or cert");
        return TOOL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_kinds(stdout);
        return TOOL_OK;
    }
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(argv[1], kinds[i].name) == 0) return run_kind(i, argc - 1, argv + 1);
    }
    return tool_usage_error(&common, "'%s' cannot be made: kek, ca and cert can", argv[1]);
}
