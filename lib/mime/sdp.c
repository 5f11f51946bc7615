/* SPDX-License-Identifier: BSD-2-Clause */
#include "mime/sdp.h"

#include "base/span.h"

static bool is_in_line(uint8_t c)
{
    return c != '\r' && c != '\n';
}

bool sv_sdp_take_line(sv_cursor *c, sv_sdp_line *out)
{
    const uint8_t *start = c->at;
    if (sv_at_end(c)) return false;
    out->text = sv_take_while(c, is_in_line);
    (void)sv_take_if(c, '\r');
    (void)sv_take_if(c, '\n');
    out->whole = sv_span(start, (size_t)(c->at - start));
    return true;
}
