/* SPDX-License-Identifier: BSD-2-Clause */
/* What RFC 4474 and RFC 8226 ask of the certificate of an authentication service, beyond its SIP domains. */
#ifndef SV_KEYS_SERVICE_CERTIFICATE_H
#define SV_KEYS_SERVICE_CERTIFICATE_H

#include "keys/keys.h"

/* RFC 2818 3.1, for RFC 4474 only: dNSName, else the common name; "*" stands for one label. */
bool sv_certificate_serves_https(X509 *certificate, sipveil_span host);

/* The value of an extension, by the content octets of its OID; *value is empty if it is not there. MALFORMED: twice. */
sipveil_code sv_certificate_extension(X509 *certificate, sipveil_span oid, sv_arena *arena, sipveil_span *value,
                                      sipveil_error *err);

#endif
