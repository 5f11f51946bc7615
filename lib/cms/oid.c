/* SPDX-License-Identifier: BSD-2-Clause */
#include "cms/oid.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cursor.h"

#define OID(octets) {(const uint8_t *)(octets), sizeof(octets) - 1}

/* clang-format off */
static const struct {
    sipveil_span content;
    const char *name;
} oid_table[SV_OID_COUNT] = {
    [SV_OID_DATA] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01"), "data"}, /* 1.2.840.113549.1.7.1 */
    [SV_OID_SIGNED_DATA] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02"), "signed-data"}, /* 1.2.840.113549.1.7.2 */
    [SV_OID_ENVELOPED_DATA] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03"), "enveloped-data"}, /* 1.2.840.113549.1.7.3 */
    [SV_OID_DIGESTED_DATA] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x07\x05"), "digested-data"}, /* 1.2.840.113549.1.7.5 */
    [SV_OID_ENCRYPTED_DATA] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x07\x06"), "encrypted-data"}, /* 1.2.840.113549.1.7.6 */
    [SV_OID_AUTHENTICATED_DATA] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x02"), "authenticated-data"}, /* 1.2.840.113549.1.9.16.1.2 */
    [SV_OID_COMPRESSED_DATA] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x09"), "compressed-data"}, /* 1.2.840.113549.1.9.16.1.9 */
    [SV_OID_AUTH_ENVELOPED_DATA] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x17"), "auth-enveloped-data"}, /* 1.2.840.113549.1.9.16.1.23 */
    [SV_OID_CONTENT_TYPE] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x03"), "content-type"}, /* 1.2.840.113549.1.9.3 */
    [SV_OID_MESSAGE_DIGEST] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x04"), "message-digest"}, /* 1.2.840.113549.1.9.4 */
    [SV_OID_SIGNING_TIME] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x05"), "signing-time"}, /* 1.2.840.113549.1.9.5 */
    [SV_OID_SMIME_CAPABILITIES] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x0F"), "capabilities"}, /* 1.2.840.113549.1.9.15 */
    [SV_OID_ENCRYPTION_KEY_PREFERENCE] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x02\x0B"), "encryption-key-preference"}, /* 1.2.840.113549.1.9.16.2.11 */
    [SV_OID_SIGNING_CERTIFICATE] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x02\x0C"), "signing-certificate"}, /* 1.2.840.113549.1.9.16.2.12 */
    [SV_OID_SIGNING_CERTIFICATE_V2] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x02\x2F"), "signing-certificate-v2"}, /* 1.2.840.113549.1.9.16.2.47 */
    [SV_OID_CEK_REFERENCE] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x02\x1E"), "cek-reference"}, /* 1.2.840.113549.1.9.16.2.30 */
    [SV_OID_CEK_MAX_DECRYPTS] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x02\x1F"), "cek-max-decrypts"}, /* 1.2.840.113549.1.9.16.2.31 */
    [SV_OID_KEK_DERIVATION] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x02\x20"), "kek-derivation-algorithm"}, /* 1.2.840.113549.1.9.16.2.32 */
    [SV_OID_PREFER_BINARY_INSIDE] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x0B\x01"), "prefer-binary-inside"}, /* 1.2.840.113549.1.9.16.11.1 */
    [SV_OID_ZLIB] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x08"), "zlib"}, /* 1.2.840.113549.1.9.16.3.8 */
    [SV_OID_PWRI_KEK] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x09"), "pwri-kek"}, /* 1.2.840.113549.1.9.16.3.9 */
    [SV_OID_PBKDF2] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x05\x0C"), "pbkdf2"}, /* 1.2.840.113549.1.5.12 */
    [SV_OID_CEK_HKDF_SHA256] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x1F"), "cek-hkdf-sha256"}, /* 1.2.840.113549.1.9.16.3.31 */
    [SV_OID_RSA] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"), "rsa"}, /* 1.2.840.113549.1.1.1 */
    [SV_OID_RSA_OAEP] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x07"), "rsa-oaep"}, /* 1.2.840.113549.1.1.7 */
    [SV_OID_MGF1] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08"), "mgf1"}, /* 1.2.840.113549.1.1.8 */
    [SV_OID_P_SPECIFIED] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x09"), "p-specified"}, /* 1.2.840.113549.1.1.9 */
    [SV_OID_RSA_PSS] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A"), "rsa-pss"}, /* 1.2.840.113549.1.1.10 */
    [SV_OID_EC_PUBLIC_KEY] = {OID("\x2A\x86\x48\xCE\x3D\x02\x01"), "ec-public-key"}, /* 1.2.840.10045.2.1 */
    [SV_OID_X25519] = {OID("\x2B\x65\x6E"), "x25519"}, /* 1.3.101.110 */
    [SV_OID_ED25519] = {OID("\x2B\x65\x70"), "ed25519"}, /* 1.3.101.112 */
    [SV_OID_TDES_WRAP] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x06"), "3des-wrap"}, /* 1.2.840.113549.1.9.16.3.6 */
    [SV_OID_RC2_WRAP] = {OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x07"), "rc2-wrap"}, /* 1.2.840.113549.1.9.16.3.7 */
    [SV_OID_RC2_CBC] = {OID("\x2A\x86\x48\x86\xF7\x0D\x03\x02"), "rc2-cbc"}, /* 1.2.840.113549.3.2 */
    [SV_OID_RC4] = {OID("\x2A\x86\x48\x86\xF7\x0D\x03\x04"), "rc4"}, /* 1.2.840.113549.3.4 */
    [SV_OID_DES_CBC] = {OID("\x2B\x0E\x03\x02\x07"), "des-cbc"}, /* 1.3.14.3.2.7 */
};
/* clang-format on */

sipveil_span sv_oid_content(sv_oid oid)
{
    return (unsigned)oid < SV_OID_COUNT ? oid_table[oid].content : sv_span(NULL, 0);
}

sv_oid sv_oid_find(sipveil_span content)
{
    for (sv_oid oid = SV_OID_UNKNOWN + 1; oid < SV_OID_COUNT; oid++) {
        if (sv_equal(oid_table[oid].content, content)) return oid;
    }
    return SV_OID_UNKNOWN;
}

sv_cms_type sv_oid_cms_type(sipveil_span content)
{
    switch (sv_oid_find(content)) {
    case SV_OID_DATA: return SV_CMS_DATA;
    case SV_OID_SIGNED_DATA: return SV_CMS_SIGNED;
    case SV_OID_ENVELOPED_DATA: return SV_CMS_ENVELOPED;
    case SV_OID_DIGESTED_DATA: return SV_CMS_DIGESTED;
    case SV_OID_ENCRYPTED_DATA: return SV_CMS_ENCRYPTED;
    case SV_OID_AUTHENTICATED_DATA: return SV_CMS_AUTHENTICATED;
    case SV_OID_AUTH_ENVELOPED_DATA: return SV_CMS_AUTH_ENVELOPED;
    case SV_OID_COMPRESSED_DATA: return SV_CMS_COMPRESSED;
    default: return SV_CMS_UNKNOWN;
    }
}

/* The next arc; false at the end or when it is over 63 bits. */
static bool take_arc(sv_cursor *c, uint64_t *arc)
{
    uint8_t octet;
    *arc = 0;
    do {
        if (*arc >> 56 != 0 || !sv_take_byte(c, &octet)) return false;
        *arc = *arc << 7 | (octet & 0x7F);
    } while ((octet & 0x80) != 0);
    return true;
}

static bool write_dotted(sipveil_span content, char *text, size_t size)
{
    sv_cursor c = sv_cursor_over(content, "oid");
    uint64_t arc;
    if (!take_arc(&c, &arc)) return false;
    uint64_t top = arc < 80 ? arc / 40 : 2;
    int used = snprintf(text, size, "%" PRIu64 ".%" PRIu64, top, arc - top * 40);
    while (!sv_at_end(&c)) {
        if (!take_arc(&c, &arc)) return false;
        int more = snprintf(text + used, size - (size_t)used, ".%" PRIu64, arc);
        if (more < 0 || (size_t)more >= size - (size_t)used) return false;
        used += more;
    }
    return true;
}

sv_oid_text sv_oid_name(sipveil_span content)
{
    sv_oid_text out;
    sv_oid oid = sv_oid_find(content);
    if (oid != SV_OID_UNKNOWN) {
        (void)snprintf(out.text, sizeof out.text, "%s", oid_table[oid].name);
    } else if (!write_dotted(content, out.text, sizeof out.text)) {
        (void)snprintf(out.text, sizeof out.text, "%s", SV_QUOTE(content));
    }
    return out;
}

static bool put_arc(uint64_t arc, uint8_t *out, size_t *len)
{
    unsigned groups = 1;
    while (groups < 9 && arc >> (7 * groups) != 0) groups++;
    if (arc >> 63 != 0 || *len + groups > SV_OID_MOST) return false;
    while (groups-- > 0) {
        out[(*len)++] = (uint8_t)((arc >> (7 * groups) & 0x7F) | (groups > 0 ? 0x80 : 0));
    }
    return true;
}

bool sv_oid_from_dotted(const char *dotted, uint8_t out[SV_OID_MOST], size_t *len)
{
    sv_cursor c = sv_cursor_over(sv_span_str(dotted), "oid");
    uint64_t first = 0;
    *len = 0;
    for (size_t place = 0;; place++) {
        uint64_t arc;
        if (!sv_read_number(sv_take_while(&c, sv_is_digit), INT64_MAX - 80, &arc)) return false;
        if (place == 0) {
            if (arc > 2) return false;
            first = arc;
        } else if (place == 1) {
            if ((first < 2 && arc > 39) || !put_arc(first * 40 + arc, out, len)) return false;
        } else if (!put_arc(arc, out, len)) {
            return false;
        }
        if (sv_at_end(&c)) return place > 0;
        if (!sv_take_if(&c, '.')) return false;
    }
}
