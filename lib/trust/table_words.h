/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of the table's values: read by table_keys.c, written by table_text.c. */
#ifndef SV_TRUST_TABLE_WORDS_H
#define SV_TRUST_TABLE_WORDS_H

#include "trust/table.h"

extern const sv_word sv_words_protection[3], sv_words_privacy[2], sv_words_profile[3], sv_words_ua[3],
    sv_words_rules[2], sv_words_schemes[3], sv_words_responses[2], sv_words_auth[3], sv_words_mismatch[2],
    sv_words_service[3];
#define SV_WORDS(set) sv_words_##set, sizeof sv_words_##set / sizeof *sv_words_##set

#endif
