/* SPDX-License-Identifier: BSD-2-Clause */
/* One SignerInfo (RFC 5652 5.3) taken apart, and what its signed attributes say. Nothing here is
 * verified yet. */
#ifndef SV_CMS_SIGNER_INFO_H
#define SV_CMS_SIGNER_INFO_H

#include "cms/cms.h"
#include "cms/der_read.h"

typedef struct sv_signer_info {
    uint64_t version;
    sipveil_span issuer, serial; /* sid: DER Name, INTEGER content */
    sipveil_span ski;            /* or this */
    sv_der_algorithm digest;
    bool has_attributes;
    sipveil_span attributes; /* [0], the whole TLV as received */
    sv_der_algorithm algorithm;
    sipveil_span signature;
} sv_signer_info;

/* tlv: one element of signerInfos. Unsigned attributes are counted and then forgotten (ADV-125). */
sipveil_code sv_signer_info_read(sipveil_span tlv, const sipveil_limits *limits, sv_arena *arena,
                                 sv_signer_info *out, sipveil_error *err);

/* The attributes that mean something to us; the one value of each, a whole TLV, or empty. */
typedef struct sv_signed_attributes {
    sipveil_span content_type;
    sipveil_span message_digest;
    sipveil_span signing_time;
    sipveil_span capabilities;
    sipveil_span signing_certificate; /* version 2 (RFC 5035) */
} sv_signed_attributes;

/* MALFORMED, LIMIT; BAD_SIGNATURE when one of ours stands twice, or an attribute has no value or
 * one too many (ADV-058, TUN-57). */
sipveil_code sv_signed_attributes_read(sipveil_span attributes, const sipveil_limits *limits,
                                       sv_signed_attributes *out, sipveil_error *err);

/* ---- signer_certificate.c ---- */

/* Whether the SignerInfo names this certificate (CMS-03): by issuer and serial number, octet by
 * octet, or by key identifier (the extension's, else SHA-1 of the key bits). */
bool sv_signer_names(sv_crypto *crypto, const sv_signer_info *info, X509 *certificate);

/* BAD_SIGNATURE when the attributes name another certificate by its hash (ADV-124). */
sipveil_code sv_signer_check_certificate_hash(sv_crypto *crypto,
                                              const sv_signed_attributes *attributes,
                                              X509 *certificate, sipveil_error *why);

#endif
