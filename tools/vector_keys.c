/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of a vector file, by name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vector.h"

static int give_passphrase(void *user, const char *prompt, char *out, size_t room)
{
    const json_t *passphrase = user;
    size_t len = json_string_length(passphrase);
    (void)prompt;
    if (!json_is_string(passphrase) || len > room) return -1;
    memcpy(out, json_string_value(passphrase), len);
    return (int)len;
}

static sipveil_code add_octets(sipveil_keyring *ring, sipveil_span octets, const char *name, json_t *passphrase,
                               sipveil_error *err)
{
    sipveil_key_options options = {.passphrase = give_passphrase, .passphrase_user = passphrase};
    return sipveil_keyring_add_octets(ring, octets, name, &options, NULL, err);
}

/* Anchors, certificates and CRLs are read from paths: the octets get one, in memory. */
static sipveil_code add_as_file(sipveil_keyring *ring, sipveil_span octets, vector_role role, sipveil_error *err)
{
    char path[64];
    sipveil_code code;
    int fd = memfd_create("vector", MFD_CLOEXEC);
    if (fd < 0 || write(fd, octets.data, octets.len) != (ssize_t)octets.len) {
        *err = (sipveil_error){.code = SIPVEIL_IO};
        snprintf(err->text, sizeof err->text, "a file in memory: %s", strerror(errno));
        if (fd >= 0) close(fd);
        return SIPVEIL_IO;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    code = role == VECTOR_ANCHORS ? sipveil_keyring_add_anchors(ring, path, err)
           : role == VECTOR_CRLS  ? sipveil_keyring_add_crls(ring, path, err)
                                  : sipveil_keyring_add_certificates(ring, path, err);
    close(fd);
    return code;
}

static sipveil_code add_jwk(sipveil_keyring *ring, const json_t *jwk, const char *name, sipveil_error *err)
{
    char text[4096];
    size_t len = json_dumpb(jwk, text, sizeof text, JSON_COMPACT);
    if (len <= sizeof text) return add_octets(ring, (sipveil_span){(uint8_t *)text, len}, name, NULL, err);
    *err = (sipveil_error){.code = SIPVEIL_USAGE};
    snprintf(err->text, sizeof err->text, "a JWK of %zu octets", len);
    return SIPVEIL_USAGE;
}

bool vector_add_key(vector_bench *b, sipveil_keyring *ring, const char *name, vector_role role, sipveil_code *code,
                    sipveil_error *err)
{
    const json_t *key = json_object_get(b->keys, name);
    json_t *passphrase = json_object_get(key, "passphrase");
    const json_t *jwk = json_object_get(key, "jwk"), *pem = json_object_get(key, "pem");
    const json_t *pkcs12 = json_object_get(key, "pkcs12"), *password = json_object_get(key, "password");
    const json_t *octets_of = pem != NULL ? pem : pkcs12 != NULL ? pkcs12 : password;
    io_octets octets = {NULL, 0};
    const char *why;
    if (key == NULL) return vector_refuse(b, "there is no key \"%s\"", name);
    if (role == VECTOR_KEY && json_is_object(jwk)) {
        *code = add_jwk(ring, jwk, name, err);
        return true;
    }
    if (octets_of == NULL || !vector_read_octets(octets_of, &octets, &why)) {
        return vector_refuse(b, "key \"%s\": %s", name, octets_of == NULL ? "none of jwk, pem, pkcs12, password" : why);
    }
    sipveil_span span = {octets.data, octets.len};
    *code = role != VECTOR_KEY  ? add_as_file(ring, span, role, err)
            : password != NULL ? sipveil_keyring_add_password(ring, span, NULL, err)
                               : add_octets(ring, span, name, passphrase, err);
    io_free(&octets);
    return true;
}
