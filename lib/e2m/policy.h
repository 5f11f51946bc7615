/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hop demands, as rows of its operator; and which rows hold for a message, by its header alone. */
#ifndef SV_E2M_POLICY_H
#define SV_E2M_POLICY_H

#include "base/arena.h"
#include "e2m/need.h"

enum { SV_POLICY_ROWS_MOST = 256, SV_POLICY_TEXT_MOST = 1 << 20 };

typedef struct sv_policy_row {
    sipveil_e2m_need need;
    sipveil_span method;      /* empty: every one */
    sipveil_span interface;   /* empty: every one */
    sipveil_span certificate; /* a file; for the caller */
} sv_policy_row;

struct sipveil_e2m_policy {
    sv_arena *arena; /* holds this too */
    sv_policy_row *rows;
    size_t count;
};

/* The first row from `from` on that demands something of this message, or NULL. Looks at method, direction,
 * interface and the media type of the whole body; a type that something encrypted or composed could hold
 * counts as held. */
const sv_policy_row *sv_policy_match(const sipveil_e2m_policy *policy, const sv_sip_view *view, const char *interface,
                                     size_t from);

/* Without rows; NULL: no memory. */
sipveil_e2m_policy *sv_policy_new(void);
/* The rows of a text, either form, behind those that are there. USAGE. */
sipveil_code sv_policy_add(sipveil_e2m_policy *policy, sipveil_span text, sipveil_error *err);

/* policy_json.c */
sipveil_code sv_policy_read_json(sipveil_span text, sipveil_e2m_policy *policy, sipveil_error *err);

#endif
