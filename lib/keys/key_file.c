/* SPDX-License-Identifier: BSD-2-Clause */
/* The named loaders: the only place where the library opens files. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "keys/bundle.h"
#include "keys/certificate.h"
#include "keys/file.h"
#include "keys/jwk.h"

enum { DIRECTORY_FILES_MOST = 4096 };

/* ---- keys ---- */

static sipveil_code read_keys(sv_key_batch *batch, sipveil_span octets, sv_content kind,
                              const char *name, const sipveil_key_options *options, sipveil_error *err)
{
    const char *kid = options != NULL ? options->kid : NULL;
    if (kind == SV_CONTENT_JWK) return sv_jwk_read(octets, kid, batch, err);
    if (kid != NULL) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "not a JWK set, so no kid can be picked from it");
    }
    sv_bundle bundle = {.context = batch->context, .arena = batch->arena};
    SV_TRY(sv_bundle_read(&bundle, octets, kind, name, options, err));
    return sv_bundle_make_keys(&bundle, batch, err);
}

static sipveil_code add_keys(sipveil_keyring *ring, sipveil_span octets, sv_content kind,
                             const char *name, const sipveil_key_options *options, const sipveil_key **first,
                             sipveil_error *err)
{
    sv_key_batch *batch = sv_key_batch_new(ring->context);
    if (batch == NULL) return sv_no_memory(err, "keys");
    return sv_keyring_take(ring, batch, read_keys(batch, octets, kind, name, options, err), first, err);
}

sipveil_code sipveil_keyring_add_octets(sipveil_keyring *ring, sipveil_span octets, const char *name,
                                        const sipveil_key_options *options, const sipveil_key **first,
                                        sipveil_error *err)
{
    bool secret;
    if (first != NULL) *first = NULL;
    sv_error_clear(err);
    if (octets.len > SV_KEY_FILE_MOST) {
        return sv_file_prefix(name, sv_fail(err, "keys", SIPVEIL_USAGE, "larger than %d octets", SV_KEY_FILE_MOST),
                              err);
    }
    sv_content kind = sv_content_kind(octets, &secret);
    return sv_file_prefix(name, add_keys(ring, octets, kind, name, options, first, err), err);
}

sipveil_code sipveil_keyring_add_file(sipveil_keyring *ring, const char *path,
                                      const sipveil_key_options *options, const sipveil_key **first,
                                      sipveil_error *err)
{
    sv_file file;
    bool secret;
    if (first != NULL) *first = NULL;
    sv_error_clear(err);
    sipveil_code code = sv_file_read(AT_FDCWD, path, &file, err);
    if (code != SIPVEIL_OK) return sv_file_prefix(path, code, err);
    sv_content kind = sv_content_kind(file.octets, &secret);
    if (secret) code = sv_file_check_secrecy(&file.status, options != NULL && options->allow_open_key_file, err);
    if (code == SIPVEIL_OK) code = add_keys(ring, file.octets, kind, path, options, first, err);
    sv_arena_free(file.arena);
    return sv_file_prefix(path, code, err);
}

/* ---- certificates, anchors, CRLs ---- */

/* What is done with each certificate of a file; counts those it took. */
typedef sipveil_code (*take_certificate)(sipveil_keyring *ring, X509 *certificate, size_t *taken,
                                         sipveil_error *err);

static sipveil_code take_known(sipveil_keyring *ring, X509 *certificate, size_t *taken,
                               sipveil_error *err)
{
    ++*taken;
    return sv_keyring_keep_known(ring, certificate, err);
}

/* A certificate that is neither a CA's nor self-signed is no anchor: it is passed over, so that it
 * cannot vouch for itself (ADV-124). To accept just that one there are pins. */
static sipveil_code take_anchor(sipveil_keyring *ring, X509 *certificate, size_t *taken,
                                sipveil_error *err)
{
    if (X509_check_ca(certificate) != 1 && !(X509_get_extension_flags(certificate) & EXFLAG_SS)) {
        return SIPVEIL_OK;
    }
    if (X509_STORE_add_cert(ring->store, certificate) != 1) {
        return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "the trust anchor cannot be kept");
    }
    ring->anchor_count++;
    ++*taken;
    return SIPVEIL_OK;
}

static sipveil_code take_certificates(sipveil_keyring *ring, sipveil_span octets, take_certificate take, size_t *taken,
                                      sipveil_error *err)
{
    bool secret;
    sv_arena *arena = sv_arena_new(SV_FILE_BLOCK, 64 << 20);
    sv_bundle bundle = {.context = ring->context, .arena = arena};
    sipveil_code code = arena == NULL ? sv_no_memory(err, "keys")
                                      : sv_bundle_read_certificates(&bundle, octets, sv_content_kind(octets, &secret), err);
    for (size_t i = 0; i < bundle.certificate_count && code == SIPVEIL_OK; i++) {
        code = take(ring, bundle.certificates[i], taken, err);
    }
    sv_arena_free(arena);
    return code;
}

static sipveil_code load_certificates(sipveil_keyring *ring, int folder, const char *name,
                                      take_certificate take, size_t *taken, sipveil_error *err)
{
    sv_file file;
    SV_TRY(sv_file_read(folder, name, &file, err));
    sipveil_code code = take_certificates(ring, file.octets, take, taken, err);
    sv_arena_free(file.arena);
    return code;
}

static bool has_suffix(const char *name)
{
    static const char *const suffixes[] = {".pem", ".crt", ".cer"};
    sipveil_span s = sv_span_str(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (s.len > 4 && s.data[0] != '.' && sv_equal_nocase_str(sv_span_from(s, s.len - 4), suffixes[i])) {
            return true;
        }
    }
    return false;
}

static sipveil_code load_folder(sipveil_keyring *ring, int fd, take_certificate take, size_t *taken,
                                sipveil_error *err)
{
    sv_file_names names;
    SV_TRY(sv_file_list(fd, has_suffix, DIRECTORY_FILES_MOST, &names, err));
    sipveil_code code = SIPVEIL_OK;
    if (names.count > DIRECTORY_FILES_MOST) {
        code = sv_fail(err, "keys", SIPVEIL_USAGE, "more than %d files", DIRECTORY_FILES_MOST);
    }
    for (size_t i = 0; i < names.count && code == SIPVEIL_OK; i++) {
        code = sv_file_prefix(names.of[i], load_certificates(ring, fd, names.of[i], take, taken, err), err);
    }
    sv_arena_free(names.arena);
    return code;
}

static sipveil_code load_path(sipveil_keyring *ring, const char *path, take_certificate take,
                              const char *what, sipveil_error *err)
{
    size_t taken = 0;
    sv_error_clear(err);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sipveil_code code = folder >= 0 ? load_folder(ring, folder, take, &taken, err)
                                    : load_certificates(ring, AT_FDCWD, path, take, &taken, err);
    if (folder >= 0) (void)close(folder);
    if (code == SIPVEIL_OK && taken == 0) {
        code = sv_fail(err, "keys", SIPVEIL_USAGE, "no %s in it", what);
    }
    return sv_file_prefix(path, code, err);
}

sipveil_code sipveil_keyring_add_certificates(sipveil_keyring *ring, const char *path,
                                              sipveil_error *err)
{
    return load_path(ring, path, take_known, "certificate", err);
}

static sipveil_code hint_at_pins(sipveil_code code, sipveil_error *err)
{
    return code == SIPVEIL_USAGE ? sv_hint(err, code, "an anchor is the certificate of a CA, or one signed by itself; 'open --pin' accepts one of another kind") : code;
}

sipveil_code sipveil_keyring_add_anchors(sipveil_keyring *ring, const char *path, sipveil_error *err)
{
    return hint_at_pins(load_path(ring, path, take_anchor, "certificate of a CA", err), err);
}

sipveil_code sipveil_keyring_add_anchor_octets(sipveil_keyring *ring, sipveil_span octets, const char *name,
                                               sipveil_error *err)
{
    size_t taken = 0;
    sv_error_clear(err);
    sipveil_code code = take_certificates(ring, octets, take_anchor, &taken, err);
    if (code == SIPVEIL_OK && taken == 0) code = sv_fail(err, "keys", SIPVEIL_USAGE, "no certificate of a CA in it");
    return hint_at_pins(sv_file_prefix(name, code, err), err);
}

/* ---- CRLs ---- */

static sipveil_code keep_crl(sipveil_keyring *ring, X509_CRL *crl, sipveil_error *err)
{
    int digest = NID_undef;
    (void)OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &digest, NULL);
    if (digest == NID_md5 || digest == NID_md4 || digest == NID_md2) {
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "ADV-115", SIPVEIL_NO_OFFSET,
                            "the CRL is signed with %s, which is too weak", OBJ_nid2sn(digest));
    }
    if (X509_STORE_add_crl(ring->store, crl) != 1) {
        return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "the CRL cannot be kept");
    }
    ring->sha1_crl |= digest == NID_sha1;
    ring->crl_count++;
    return SIPVEIL_OK;
}

static sipveil_code read_crl(sipveil_keyring *ring, const sv_pem_block *block, sipveil_error *err)
{
    BIO *bio = BIO_new_mem_buf(block->whole.data, (int)block->whole.len);
    X509_CRL *crl = X509_CRL_new_ex(ring->context->library, NULL);
    sipveil_code code;
    if (bio == NULL || crl == NULL) {
        code = sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "no CRL object");
    } else if (PEM_read_bio_X509_CRL(bio, &crl, NULL, NULL) == NULL) {
        code = sv_fail_openssl(err, "keys", SIPVEIL_USAGE, "the CRL cannot be read");
    } else {
        code = keep_crl(ring, crl, err);
    }
    BIO_free(bio);
    X509_CRL_free(crl);
    return code;
}

static sipveil_code read_crls(sipveil_keyring *ring, sipveil_span octets, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(octets, "PEM");
    size_t before = ring->crl_count;
    sv_pem_block block;
    for (bool found;;) {
        SV_TRY(sv_pem_take(&c, &block, &found, err));
        if (!found) break;
        if (sv_equal_str(block.label, "X509 CRL")) SV_TRY(read_crl(ring, &block, err));
    }
    if (ring->crl_count > before) return SIPVEIL_OK;
    return sv_fail(err, "keys", SIPVEIL_USAGE, "no CRL in PEM form in it");
}

sipveil_code sipveil_keyring_add_crls(sipveil_keyring *ring, const char *path, sipveil_error *err)
{
    sv_file file;
    sv_error_clear(err);
    sipveil_code code = sv_file_read(AT_FDCWD, path, &file, err);
    if (code == SIPVEIL_OK) {
        code = read_crls(ring, file.octets, err);
        sv_arena_free(file.arena);
    }
    return sv_file_prefix(path, code, err);
}
