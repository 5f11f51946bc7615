/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a body a hop may be shown: without the keys of media, without private types. */
#ifndef SV_E2M_COPY_H
#define SV_E2M_COPY_H

#include "mime/mime.h"
#include "tunnel/operation.h"

/* Puts SDP without its key lines (a=crypto, a=key-mgmt, k=); returns whether there were any. */
bool sv_sdp_put_without_keys(sipveil_span sdp, sv_buffer *out);

typedef struct sv_copy {
    sipveil_span entity;  /* header, empty line, content; what may be shown */
    bool differs;         /* something was left out */
    bool nothing;         /* nothing is left */
} sv_copy;

/* The copy of an entity. POLICY: something private stands where it cannot be cut out (under an encoding). */
sipveil_code sv_copy_make(sv_operation *op, sipveil_span entity, const char *const *private_types, size_t count,
                          sv_copy *out);

/* Whether two entities say the same to the application, keys of media aside (E2M-41). */
sipveil_code sv_copy_agrees(sv_operation *op, const sv_mime_entity *private_part, const sv_mime_entity *copy,
                            bool *agrees);

bool sv_type_listed(const sv_media_type *type, const char *const *types, size_t count);

#endif
