/* SPDX-License-Identifier: BSD-2-Clause */
/* Policy-Contact (RFC 6794): the policy servers that a proxy names, and what they say. */
#ifndef SV_E2M_POLICY_CONTACT_H
#define SV_E2M_POLICY_CONTACT_H

#include "e2m/policy.h"
#include "e2m/retry.h"

enum { SV_POLICY_LIFE = 86400 }; /* seconds that a document is kept (E2M-67) */

/* All rows of a 488, or of an INVITE, UPDATE or PRACK; of other messages none. LIMIT: more than room. MALFORMED. */
sipveil_code sv_policy_contacts_read(const sv_sip_view *view, sipveil_e2m_policy_contact *contacts, size_t room,
                                     size_t *count, sipveil_error *err);

/* Asking servers: what for, and how it went. */
typedef struct sv_policy_question {
    const sipveil_e2m_learn_options *options;
    sv_arena *arena;
    int64_t now;
    size_t asked, kept, silent; /* servers: in all; whose document was held; that gave none that can be read */
    sipveil_error *err;
} sv_policy_question;

/* Asks every server that the message names, in order; of alternatives the first that answers. One that does not blocks
 * nothing. The rows come to those of the policy. */
sipveil_code sv_policy_ask(sv_policy_question *question, const sv_sip_view *view, sipveil_e2m_policy *policy);

/* What the servers that a 488 names say about the request, as needs; none if it names none. POLICY: they cannot be
 * asked, and why (E2M-67, E2M-69). */
sipveil_code sv_needs_of_servers(sv_retry *r, sipveil_e2m_need *needs, size_t room, size_t *count);

#endif
