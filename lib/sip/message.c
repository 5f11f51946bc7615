/* SPDX-License-Identifier: BSD-2-Clause */
/* What an application reads of a message, behind the one gate (view.h). */
#include "sipveil/sip.h"

#include "sip/view.h"

static sipveil_code pass_gate(sipveil_span octets, sv_sip_view *view, sipveil_error *err)
{
    sipveil_limits limits;
    sv_error_clear(err);
    sipveil_limits_default(&limits);
    return sv_sip_read(octets, SV_SIP_DATAGRAM, &limits, view, err);
}

sipveil_code sipveil_sip_read_message(sipveil_span octets, sipveil_sip_message *out, sipveil_error *err)
{
    sv_sip_view view;
    if (out == NULL) return sv_fail(err, "sip", SIPVEIL_USAGE, "no place for the message");
    *out = (sipveil_sip_message){0};
    SV_TRY(pass_gate(octets, &view, err));
    *out = (sipveil_sip_message){.is_request = view.is_request, .method = view.method, .request_uri = view.request_uri,
                                 .status = view.status, .phrase = view.reason, .body = view.body};
    return SIPVEIL_OK;
}

sipveil_code sipveil_sip_read_field(sipveil_span octets, const char *name, size_t place, sipveil_span *value, sipveil_error *err)
{
    sv_sip_view view;
    if (name == NULL || value == NULL) return sv_fail(err, "sip", SIPVEIL_USAGE, "a name and a place for the value are needed");
    *value = sv_span(NULL, 0);
    SV_TRY(pass_gate(octets, &view, err));
    const sv_sip_field *row = sv_sip_find(&view, sv_span_str(name));
    for (; row != NULL && place > 0; place--) row = sv_sip_next(&view, row);
    if (row != NULL) *value = row->value;
    return SIPVEIL_OK;
}
