/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a hop trusted? Facts of the connection and the table decide, and nothing that a message says (TRU-04). */
#ifndef SV_TRUST_VERDICT_H
#define SV_TRUST_VERDICT_H

#include "trust/table.h"

/* The profile that counts: what is asked for, or the table's own. */
sipveil_trust_profile sv_profile_of(const sipveil_trust_table *table, sipveil_trust_profile asked);
/* Towards that row, or no row: does P-Asserted-Identity stay where Privacy is absent? */
bool sv_keeps_without_privacy(const sipveil_trust_table *table, const sv_partner *row);

#endif
