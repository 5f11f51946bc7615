/* SPDX-License-Identifier: BSD-2-Clause */
/* The mechanism smime: the certificate that starts it, on both sides (AGR-45, 46). */
#ifndef SV_AGREE_SMIME_H
#define SV_AGREE_SMIME_H

#include "agree/list.h"
#include "sip/response.h"
#include "tunnel/operation.h"

/* Adds our certificate, with its chain, as a body (certs-only). Nothing is added where the ring has none that can be
 * encrypted to. */
sipveil_code sv_smime_put_certificate(sv_operation *op, const sipveil_keyring *ring, int64_t now, sv_sip_response *response);

/* The certificate in a 494, else that of an earlier one, or empty: there is none. *der is that one and, behind it, those that came with it: they are
 * what it is judged by when it serves again. It counts when it leads to an anchor of the ring and names the
 * next hop, or when it is pinned. POLICY (AGR-46) with the reason. */
sipveil_code sv_smime_accept_certificate(sv_operation *op, const sv_sip_view *response,
                                         const sipveil_agree_client_options *options, int64_t now, sipveil_span earlier,
                                         sipveil_span *der);

/* The request signed by us and sealed for that certificate, with Security-Verify and the tags outside too (AGR-47). The
 * result is in the worker's arena; the call starts its operation anew. */
sipveil_code sv_smime_seal(sipveil_worker *worker, const sipveil_agree_client_options *options, sipveil_span certificate,
                           sipveil_span request, int64_t now, sipveil_span *out, sipveil_error *err);

#endif
