/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of SDP, for everybody who looks for some of them. */
#ifndef SV_MIME_SDP_H
#define SV_MIME_SDP_H

#include "base/cursor.h"

typedef struct sv_sdp_line {
    sipveil_span text;  /* without what ends it; blanks at both ends still there */
    sipveil_span whole; /* with it */
} sv_sdp_line;

/* The next line; false at the end. A line ends in CRLF; in LF, which readers are told to take (RFC 8866 5); and in a CR
 * alone, which some take too: what one of them would find is found here, so that no line is hidden from us and not from
 * them. The last line may lack an end. */
bool sv_sdp_take_line(sv_cursor *c, sv_sdp_line *out);

#endif
