/* SPDX-License-Identifier: BSD-2-Clause */
/* The Privacy header field (RFC 3323 4.2, RFC 3325 9.3, RFC 4244 3.1; TRU-25). */
#ifndef SV_SIP_PRIVACY_H
#define SV_SIP_PRIVACY_H

#include "sip/edit.h"

enum {
    SV_PRIVACY_HEADER = 1, SV_PRIVACY_SESSION = 2, SV_PRIVACY_USER = 4, SV_PRIVACY_NONE = 8, SV_PRIVACY_CRITICAL = 16,
    SV_PRIVACY_ID = 32, SV_PRIVACY_HISTORY = 64, SV_PRIVACY_UNKNOWN = 128 /* a token of somebody else's */
};
enum { SV_PRIVACY_UNKNOWN_MOST = 8 };

typedef struct sv_privacy {
    unsigned values; /* that are asked for; 0: as if the field were absent */
    bool drop_none;  /* "none" stood beside others: those count */
    bool doubled;
    sipveil_span unknown[SV_PRIVACY_UNKNOWN_MOST];
    size_t unknown_count;
} sv_privacy;

/* All rows together. MALFORMED: not a list of tokens. */
sipveil_code sv_privacy_read(const sv_sip_view *view, sv_privacy *out, sipveil_error *err);
/* Takes those values out of the rows; a row with nothing left goes. Unknown ones stay. */
void sv_privacy_drop(sv_sip_edit *edit, unsigned values, sv_arena *arena);
/* "user, session" of the bits, unknown ones by their names, into a text of that size. */
void sv_privacy_list(const sv_privacy *privacy, unsigned values, char *out, size_t room);

#endif
