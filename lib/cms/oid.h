/* SPDX-License-Identifier: BSD-2-Clause */
/* One table of the object identifiers that name structures, attributes and key types. Those of
 * algorithms stand with their algorithm in crypto/suite.c. */
#ifndef SV_CMS_OID_H
#define SV_CMS_OID_H

#include "cms/cms.h"

typedef enum sv_oid {
    SV_OID_UNKNOWN,
    SV_OID_DATA,
    SV_OID_SIGNED_DATA,
    SV_OID_ENVELOPED_DATA,
    SV_OID_DIGESTED_DATA,
    SV_OID_ENCRYPTED_DATA,
    SV_OID_AUTHENTICATED_DATA,
    SV_OID_COMPRESSED_DATA,
    SV_OID_AUTH_ENVELOPED_DATA,
    SV_OID_CONTENT_TYPE,
    SV_OID_MESSAGE_DIGEST,
    SV_OID_SIGNING_TIME,
    SV_OID_SMIME_CAPABILITIES,
    SV_OID_ENCRYPTION_KEY_PREFERENCE,
    SV_OID_SIGNING_CERTIFICATE,
    SV_OID_SIGNING_CERTIFICATE_V2,
    SV_OID_CEK_REFERENCE,
    SV_OID_CEK_MAX_DECRYPTS,
    SV_OID_KEK_DERIVATION,
    SV_OID_PREFER_BINARY_INSIDE,
    SV_OID_ZLIB,
    SV_OID_PWRI_KEK,
    SV_OID_PBKDF2,
    SV_OID_CEK_HKDF_SHA256,
    SV_OID_RSA,
    SV_OID_RSA_OAEP,
    SV_OID_MGF1,
    SV_OID_P_SPECIFIED,
    SV_OID_RSA_PSS,
    SV_OID_EC_PUBLIC_KEY,
    SV_OID_X25519,
    SV_OID_ED25519,
    SV_OID_TDES_WRAP,
    SV_OID_RC2_WRAP,
    SV_OID_RC2_CBC,
    SV_OID_RC4,
    SV_OID_DES_CBC,
    SV_OID_COUNT
} sv_oid;

enum { SV_OID_MOST = 64 }; /* content octets of one that we read or write */

sipveil_span sv_oid_content(sv_oid oid); /* content octets, without tag and length */
sv_oid sv_oid_find(sipveil_span content);
static inline bool sv_oid_is(sipveil_span content, sv_oid oid)
{
    return sv_equal(content, sv_oid_content(oid));
}
sv_cms_type sv_oid_cms_type(sipveil_span content); /* UNKNOWN: not a content type of ours */

/* For texts: our name ("data"), else dotted decimal, else hex. */
typedef struct sv_oid_text {
    char text[160];
} sv_oid_text;
sv_oid_text sv_oid_name(sipveil_span content);
#define SV_OID_NAME(content) (sv_oid_name(content).text)

/* "1.2.840..." to content octets in `out`; false if it is not one or does not fit. */
bool sv_oid_from_dotted(const char *dotted, uint8_t out[SV_OID_MOST], size_t *len);

#endif
