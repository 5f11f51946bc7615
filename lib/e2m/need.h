/* SPDX-License-Identifier: BSD-2-Clause */
/* Proxy-Body-Need: what a hop says that it has to see or to check. */
#ifndef SV_E2M_NEED_H
#define SV_E2M_NEED_H

#include "base/buffer.h"
#include "base/field.h"
#include "e2m/label.h"

/* Called for each parameter of a value that a need does not have; false: MALFORMED. NULL: passed over. */
typedef bool (*sv_need_extra)(void *state, const sv_parameter *parameter);

/* One value at the cursor, up to a comma or the end. MALFORMED: no hop, or a parameter of no good form. */
sipveil_code sv_need_take(sv_cursor *c, sipveil_e2m_need *out, sv_need_extra extra, void *state, sipveil_error *err);

/* Of a whole message: see sipveil_e2m_read_needs. */
sipveil_code sv_needs_read(const sv_sip_view *view, sipveil_e2m_need *needs, size_t room, size_t *count,
                           sipveil_error *err);

void sv_need_put(sv_buffer *out, const sipveil_e2m_need *need);

#endif
