/* SPDX-License-Identifier: BSD-2-Clause */
/* CSeq (RFC 3261 20.16, 8.1.1.5). */
#include "base/field.h"
#include "sip/form.h"
#include "sip/values.h"

sipveil_code sv_sip_read_cseq(sipveil_span value, uint32_t *number, sipveil_span *method,
                              sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "CSeq");
    uint64_t read = 0;
    *number = 0;
    *method = sv_span(NULL, 0);
    sipveil_span digits = sv_take_run(&c, SV_OCTET_DIGIT);
    if (!sv_sip_read_number(digits, INT32_MAX, &read)) {
        return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, "ADV-013", 0,
                            "number of \"%s\" is not below 2^31", SV_QUOTE(value));
    }
    const uint8_t *after = c.at;
    sv_skip_lws(&c);
    sipveil_span name = c.at > after ? sv_take_run(&c, SV_OCTET_TOKEN) : sv_span(NULL, 0);
    if (name.len == 0 || !sv_at_end(&c)) {
        return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, "ADV-012", sv_offset(&c),
                            "\"%s\" is not a number and a method", SV_QUOTE(value));
    }
    *number = (uint32_t)read;
    *method = name;
    return SIPVEIL_OK;
}
