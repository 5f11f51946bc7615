/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/service_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/cursor.h"

enum { HOST_MOST = 255 };

static bool is_host_name(sipveil_span host)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        if (!sv_is_alnum(c) && c != '-' && c != '.') return false;
    }
    return host.len > 0 && host.len <= HOST_MOST;
}

bool sv_certificate_serves_https(X509 *certificate, sipveil_span host)
{
    bool serves = is_host_name(host) && X509_check_host(certificate, (const char *)host.data, host.len,
                                                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
    ERR_clear_error();
    return serves;
}

sipveil_code sv_certificate_extension(X509 *certificate, sipveil_span oid, sv_arena *arena, sipveil_span *value,
                                      sipveil_error *err)
{
    bool found = false;
    *value = sv_span(NULL, 0);
    for (int i = 0; i < X509_get_ext_count(certificate); i++) {
        X509_EXTENSION *extension = X509_get_ext(certificate, i);
        const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
        if (!sv_equal(sv_span(OBJ_get0_data(object), OBJ_length(object)), oid)) continue;
        if (found) return sv_fail(err, "keys", SIPVEIL_MALFORMED, "an extension of the certificate stands twice");
        const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(extension);
        found = true;
        if (!sv_arena_copy(arena, sv_span(ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets)), value)) {
            return sv_no_memory(err, "keys");
        }
    }
    return SIPVEIL_OK;
}
