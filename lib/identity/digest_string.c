/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity/digest_string.h"

#include "base/field.h"
#include "sip/address.h"
#include "sip/values.h"

static sipveil_code missing(const char *field, sipveil_error *err)
{
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_MALFORMED, "IDN-08", SIPVEIL_NO_OFFSET, "the request has no %s", field);
}

/* IDN-08: what stands in the brackets (or bare), octet by octet; neither display name nor tag. */
static sipveil_code put_address(const sv_sip_view *view, sv_field_id id, sv_buffer *out, sipveil_error *err)
{
    sv_sip_address address;
    if (sv_sip_first(view, id) == NULL) return missing(sv_field_info_of(id)->name, err);
    SV_TRY(sv_sip_read_address(sv_sip_value(view, id), &address, err));
    sv_put(out, address.uri);
    return SIPVEIL_OK;
}

/* IDN-09 */
static sipveil_code put_cseq(const sv_sip_view *view, sv_buffer *out, sipveil_error *err)
{
    uint32_t number;
    sipveil_span method;
    if (sv_sip_first(view, SV_F_CSEQ) == NULL) return missing("CSeq", err);
    SV_TRY(sv_sip_read_cseq(sv_sip_value(view, SV_F_CSEQ), &number, &method, err));
    sv_put_number(out, number);
    sv_put_byte(out, ' ');
    sv_put(out, method);
    return SIPVEIL_OK;
}

/* IDN-10: one blank for each run of them, names of days and months as "Xxx", the zone as "GMT"; the rest as it is. */
static sipveil_code put_date(sipveil_span date, sv_buffer *out, sipveil_error *err)
{
    int64_t seconds;
    sv_cursor c = sv_cursor_over(date, "Date");
    uint8_t octet;
    SV_TRY(sv_sip_read_date(date, &seconds, err));
    while (sv_peek(&c, &octet)) {
        sipveil_span word = sv_take_while(&c, sv_is_alpha);
        bool zone = sv_equal_nocase_str(word, "GMT");
        for (size_t i = 0; i < word.len; i++) {
            char lower = sv_lower(word.data[i]);
            sv_put_byte(out, (uint8_t)(i == 0 || zone ? lower - 'a' + 'A' : lower));
        }
        const uint8_t *before = c.at;
        sv_skip_lws(&c);
        if (c.at > before) sv_put_byte(out, ' ');
        else if (word.len == 0 && sv_take_byte(&c, &octet)) sv_put_byte(out, octet);
    }
    return SIPVEIL_OK;
}

/* IDN-11 */
static sipveil_code put_contact(const sv_sip_view *view, sv_buffer *out, sipveil_error *err)
{
    sv_sip_address address;
    const sv_sip_field *row = sv_sip_first(view, SV_F_CONTACT);
    if (row == NULL) return SIPVEIL_OK;
    sv_cursor c = sv_cursor_over(row->value, "Contact");
    bool one = sv_sip_next(view, row) == NULL && !sv_equal_str(row->value, "*");
    if (one) {
        SV_TRY(sv_sip_take_address(&c, 0, &address, err));
        one = sv_at_end(&c);
    }
    if (!one) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_POLICY, "IDN-11", SIPVEIL_NO_OFFSET,
                            "Contact \"%s\" is not one address, so that it cannot be signed", SV_QUOTE(row->value));
    }
    sv_put(out, address.uri);
    return SIPVEIL_OK;
}

sipveil_code sv_digest_string_put(const sv_sip_view *view, sipveil_span date, sv_buffer *out, sipveil_error *err)
{
    SV_TRY(put_address(view, SV_F_FROM, out, err));
    sv_put_byte(out, '|');
    SV_TRY(put_address(view, SV_F_TO, out, err));
    sv_put_byte(out, '|');
    if (sv_sip_first(view, SV_F_CALL_ID) == NULL) return missing("Call-ID", err);
    sv_put(out, sv_sip_value(view, SV_F_CALL_ID));
    sv_put_byte(out, '|');
    SV_TRY(put_cseq(view, out, err));
    sv_put_byte(out, '|');
    SV_TRY(put_date(date, out, err));
    sv_put_byte(out, '|');
    SV_TRY(put_contact(view, out, err));
    sv_put_byte(out, '|');
    sv_put(out, view->body); /* IDN-12: boundaries and all, no transfer encoding undone */
    return sv_buffer_check(out, SV_IDENTITY, err);
}
