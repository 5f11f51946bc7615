/* SPDX-License-Identifier: BSD-2-Clause */
#include "tunnel/resend.h"

#include "sip/values.h"
#include "sip/via.h"

enum { BRANCH_OCTETS = 12 };

sipveil_code sv_resend_next_cseq(sv_sip_edit *edit, uint32_t last, sv_arena *arena, sipveil_error *err)
{
    const sv_sip_field *row = sv_sip_first(edit->view, SV_F_CSEQ);
    uint32_t number;
    sipveil_span method;
    sv_buffer value;
    if (row == NULL) return sv_fail(err, "tunnel", SIPVEIL_USAGE, "the request has no CSeq");
    SV_TRY(sv_sip_read_cseq(row->value, &number, &method, err));
    if (last >= INT32_MAX) return sv_fail(err, "tunnel", SIPVEIL_USAGE, "CSeq has no next number");
    sv_buffer_init(&value, arena, method.len + 16, method.len + 16);
    sv_put_number(&value, last + 1);
    sv_put_byte(&value, ' ');
    sv_put(&value, method);
    SV_TRY(sv_buffer_check(&value, "tunnel", err));
    sv_sip_edit_set_value(edit, row, sv_buffer_span(&value), arena);
    return SIPVEIL_OK;
}

sipveil_code sv_resend_next_branch(sv_sip_edit *edit, sv_crypto *crypto, sv_arena *arena, bool *had, sipveil_error *err)
{
    const sv_sip_field *via = sv_sip_first(edit->view, SV_F_VIA);
    sipveil_span branch = sv_sip_top_branch(edit->view);
    sv_buffer value;
    *had = via != NULL && branch.len > 0;
    if (!*had) return SIPVEIL_OK;
    size_t before = (size_t)(branch.data - via->value.data);
    sv_buffer_init(&value, arena, via->value.len + 64, via->value.len + 64);
    sv_put(&value, sv_span(via->value.data, before));
    sv_put_str(&value, "z9hG4bK");
    SV_TRY(sv_put_random_hex(crypto, BRANCH_OCTETS, &value, err));
    sv_put(&value, sv_span_from(via->value, before + branch.len));
    SV_TRY(sv_buffer_check(&value, "tunnel", err));
    sv_sip_edit_set_value(edit, via, sv_buffer_span(&value), arena);
    return SIPVEIL_OK;
}
