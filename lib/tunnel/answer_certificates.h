/* SPDX-License-Identifier: BSD-2-Clause */
/* The certificates that came in an answer, the other end of sv_answer_put_certificate: candidates, to be judged. */
#ifndef SV_TUNNEL_ANSWER_CERTIFICATES_H
#define SV_TUNNEL_ANSWER_CERTIFICATES_H

#include "tunnel/operation.h"

enum { SV_ANSWER_CERTIFICATES_MOST = 16 };

typedef struct sv_answer_certificates {
    const sipveil_context *context;
    const sipveil_limits *limits;
    sv_arena *arena; /* what the certificates live in */
    size_t most;     /* that are kept; SV_ANSWER_CERTIFICATES_MOST or less */
    X509 *items[SV_ANSWER_CERTIFICATES_MOST];
    sipveil_span ders[SV_ANSWER_CERTIFICATES_MOST];
    size_t count;
} sv_answer_certificates;

/* One more. Where there are `most` already nothing is added. */
sipveil_code sv_answer_add_certificate(sv_answer_certificates *set, sipveil_span der, sipveil_error *err);
/* Those of an application/pkcs7-mime entity, its SignedData (RFC 8551 3.8); any other entity has none. */
sipveil_code sv_answer_take_certificates(sv_answer_certificates *set, const sv_mime_entity *entity, sipveil_error *err);
/* The chain of one of them to an anchor of the ring: the others help to build it and are nothing else. */
sipveil_code sv_answer_check_chain(const sv_answer_certificates *set, X509 *certificate, const sipveil_keyring *ring,
                                   int64_t at, sipveil_error *err);
/* Whether it may be encrypted to, at that second. */
sipveil_code sv_answer_check_recipient(X509 *certificate, int64_t at, sipveil_error *err);
/* A recipient in the arena, with the certificate's label. */
sipveil_code sv_answer_make_recipient(const sipveil_context *context, X509 *certificate, sv_arena *arena,
                                      sipveil_key **out, sipveil_error *err);

#endif
