/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates kept from earlier messages (RFC 3261 23.2; TUN-05, TUN-09). A folder with one file an address:
 * its name is the SHA-256 of the address in hex and ".pem", its first line the address, then the certificates,
 * newest first. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/hex.h"
#include "base/span.h"
#include "keys/bundle.h"
#include "keys/certificate.h"
#include "sip/values.h"

static const char room[] = "keys";

enum { FILES_MOST = 16384 };

/* ---- what the ring holds ---- */

static sipveil_code add(sipveil_keyring *ring, sipveil_span aor, X509 *certificate, bool last, sipveil_error *err)
{
    sv_kept *kept = sv_arena_alloc(ring->arena, sizeof *kept), **place = &ring->kept;
    if (kept == NULL || !sv_arena_copy(ring->arena, aor, &kept->aor)) return sv_no_memory(err, room);
    SV_TRY(sv_certificate_fingerprint(ring->context, certificate, kept->sha256, err));
    SV_TRY(sv_keyring_keep_known(ring, certificate, err)); /* also for signatures that carry none (TUN-06) */
    kept->certificate = certificate;
    while (last && *place != NULL) place = &(*place)->next;
    kept->next = *place;
    *place = kept;
    return SIPVEIL_OK;
}

sipveil_code sv_keyring_look_kept(const sipveil_keyring *ring, sipveil_span aor, X509 *certificate,
                                  sv_kept_state *state, X509 **newest, sipveil_error *err)
{
    uint8_t fingerprint[SV_FINGERPRINT];
    *state = ring->keeps ? SV_KEPT_NONE : SV_KEPT_OFF;
    *newest = NULL;
    if (!ring->keeps) return SIPVEIL_OK;
    SV_TRY(sv_certificate_fingerprint(ring->context, certificate, fingerprint, err));
    for (const sv_kept *kept = ring->kept; kept != NULL && *state != SV_KEPT_SAME; kept = kept->next) {
        if (!sv_equal(kept->aor, aor)) continue;
        if (*newest == NULL) *newest = kept->certificate;
        *state = sv_equal(sv_span(kept->sha256, SV_FINGERPRINT), sv_span(fingerprint, SV_FINGERPRINT))
                     ? SV_KEPT_SAME
                     : SV_KEPT_OTHER;
    }
    return SIPVEIL_OK;
}

/* ---- names of files ---- */

static sipveil_code file_name(const sipveil_context *context, sipveil_span aor, char name[SIPVEIL_KEPT_NAME],
                              sipveil_error *err)
{
    static const char suffix[] = ".pem";
    uint8_t digest[SV_FINGERPRINT];
    size_t length = 0;
    if (EVP_Q_digest(context->library, "SHA256", NULL, aor.data, aor.len, digest, &length) != 1) {
        return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "SHA-256 failed");
    }
    sv_write_hex(name, sv_span(digest, sizeof digest));
    for (size_t i = 0; i < sizeof suffix; i++) name[2 * sizeof digest + i] = suffix[i];
    return SIPVEIL_OK;
}

static bool is_kept_file(const char *file)
{
    sipveil_span name = sv_span_str(file);
    if (name.len != SIPVEIL_KEPT_NAME - 1 || !sv_equal_str(sv_span_from(name, name.len - 4), ".pem")) return false;
    for (size_t i = 0; i < name.len - 4; i++) {
        if (!sv_is_hex(name.data[i])) return false;
    }
    return true;
}

/* ---- reading ---- */

/* Ours or root's, and nobody else's to write: who can write here decides which certificate is known. */
static sipveil_code check_owner(const struct stat *status, sipveil_error *err)
{
    if ((status->st_uid == geteuid() || status->st_uid == 0) && (status->st_mode & 022) == 0) return SIPVEIL_OK;
    sv_fail_rule(err, room, SIPVEIL_USAGE, "ADV-210", SIPVEIL_NO_OFFSET,
                 "says which certificates are known, and others can write to it (owner %lu, mode %04o)",
                 (unsigned long)status->st_uid, (unsigned)status->st_mode & 07777);
    return sv_hint(err, SIPVEIL_USAGE, "chown it to yourself and chmod go-w");
}

static sipveil_code read_kept(sipveil_keyring *ring, sipveil_span octets, const char *name, sv_arena *arena,
                              sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(octets, "kept certificates");
    sv_bundle bundle = {.context = ring->context, .arena = arena};
    char expected[SIPVEIL_KEPT_NAME];
    sipveil_span line, aor;
    bool taken = sv_take_until(&c, '\n', &line);
    sipveil_code code = taken ? sv_sip_aor(line, arena, &aor, err) : SIPVEIL_MALFORMED;
    if (code == SIPVEIL_INTERNAL) return code;
    if (code != SIPVEIL_OK || !sv_equal(line, aor)) {
        return sv_fail(err, room, SIPVEIL_USAGE, "its first line is no address of record");
    }
    SV_TRY(file_name(ring->context, aor, expected, err));
    if (!sv_equal_str(sv_span_str(name), expected)) {
        return sv_fail(err, room, SIPVEIL_USAGE, "is not the file for %s", SV_QUOTE(aor));
    }
    SV_TRY(sv_bundle_read_certificates(&bundle, sv_rest(&c), SV_CONTENT_PEM, err));
    if (bundle.certificate_count == 0) return sv_fail(err, room, SIPVEIL_USAGE, "no certificate in it");
    for (size_t i = 0; i < bundle.certificate_count; i++) {
        SV_TRY(add(ring, aor, bundle.certificates[i], true, err));
    }
    return SIPVEIL_OK;
}

static sipveil_code load_file(sipveil_keyring *ring, int folder, const char *name, sipveil_error *err)
{
    sv_file file;
    SV_TRY(sv_file_read(folder, name, &file, err));
    sv_arena *arena = sv_arena_new(SV_FILE_BLOCK, 64 << 20);
    sipveil_code code = arena == NULL ? sv_no_memory(err, room) : check_owner(&file.status, err);
    if (code == SIPVEIL_OK) code = read_kept(ring, file.octets, name, arena, err);
    sv_arena_free(arena);
    sv_arena_free(file.arena);
    return code;
}

static sipveil_code load_folder(sipveil_keyring *ring, int folder, sipveil_error *err)
{
    sv_file_names names;
    struct stat status;
    if (fstat(folder, &status) != 0) return sv_file_fail(err, "cannot be looked at", errno);
    SV_TRY(check_owner(&status, err));
    SV_TRY(sv_file_list(folder, is_kept_file, FILES_MOST, &names, err));
    sipveil_code code = names.count <= FILES_MOST
                            ? SIPVEIL_OK
                            : sv_fail(err, room, SIPVEIL_USAGE, "keeps certificates of more than %d addresses", FILES_MOST);
    for (size_t i = 0; i < names.count && code == SIPVEIL_OK; i++) {
        code = sv_file_prefix(names.of[i], load_file(ring, folder, names.of[i], err), err);
    }
    sv_arena_free(names.arena);
    return code;
}

sipveil_code sipveil_keyring_add_kept(sipveil_keyring *ring, const char *path, sipveil_error *err)
{
    sipveil_code code = SIPVEIL_OK;
    sv_error_clear(err);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        code = load_folder(ring, folder, err);
        (void)close(folder);
    } else if (errno != ENOENT) {
        code = sv_file_fail(err, "cannot be opened", errno);
    }
    if (code == SIPVEIL_OK) ring->keeps = true;
    return sv_file_prefix(path, code, err);
}

/* ---- keeping one more ---- */

/* The file of the address as it has to be from now on. */
static sipveil_code write_file(const sipveil_keyring *ring, sipveil_span aor, char **text, sipveil_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    bool good = bio != NULL && BIO_write(bio, aor.data, (int)aor.len) == (int)aor.len && BIO_write(bio, "\n", 1) == 1;
    for (const sv_kept *kept = ring->kept; kept != NULL && good; kept = kept->next) {
        if (sv_equal(kept->aor, aor)) good = PEM_write_bio_X509(bio, kept->certificate) == 1;
    }
    long length = good ? BIO_get_mem_data(bio, &data) : 0;
    *text = length > 0 && length <= SV_KEY_FILE_MOST ? OPENSSL_strndup(data, (size_t)length) : NULL;
    BIO_free(bio);
    if (*text != NULL) return SIPVEIL_OK;
    if (length > SV_KEY_FILE_MOST) {
        return sv_fail(err, room, SIPVEIL_LIMIT, "there are too many certificates of %s to keep one more", SV_QUOTE(aor));
    }
    return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "certificates cannot be written");
}

static sipveil_code keep(sipveil_keyring *ring, sipveil_span address, sipveil_span der, char name[SIPVEIL_KEPT_NAME],
                         char **text, sv_arena *arena, sipveil_error *err)
{
    sipveil_span aor;
    X509 *certificate, *newest;
    sv_kept_state state;
    SV_TRY(sv_sip_aor(address, arena, &aor, err));
    SV_TRY(sv_certificate_load(ring->context, der, arena, &certificate, err));
    SV_TRY(sv_keyring_look_kept(ring, aor, certificate, &state, &newest, err));
    SV_TRY(file_name(ring->context, aor, name, err));
    if (state != SV_KEPT_SAME) SV_TRY(add(ring, aor, certificate, false, err));
    sipveil_code code = write_file(ring, aor, text, err);
    if (code == SIPVEIL_OK) ring->keeps = true;
    else if (state != SV_KEPT_SAME) ring->kept = ring->kept->next; /* nobody can write it down */
    return code;
}

sipveil_code sipveil_keyring_keep(sipveil_keyring *ring, const char *aor, sipveil_span certificate,
                                  char name[SIPVEIL_KEPT_NAME], char **text, sipveil_error *err)
{
    *text = NULL;
    name[0] = '\0';
    sv_error_clear(err);
    sv_arena *arena = sv_arena_new(SV_FILE_BLOCK, 64 << 20);
    if (arena == NULL) return sv_no_memory(err, room);
    sipveil_code code = keep(ring, sv_span_str(aor), certificate, name, text, arena, err);
    sv_arena_free(arena);
    if (code != SIPVEIL_OK) name[0] = '\0';
    return code;
}
