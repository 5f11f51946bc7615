/* SPDX-License-Identifier: BSD-2-Clause */
#include "cms/der_read.h"
#include "cms/oid.h"
#include "cms/usual_enveloped.h"

sipveil_code sv_cms_read_content_info(sipveil_span octets, const sipveil_limits *limits,
                                      sv_cms_type *type, sipveil_span *content, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(octets, "content-info"), info, explicit_content;
    sipveil_span oid;
    sv_der value;
    *type = SV_CMS_UNKNOWN;
    *content = sv_span(NULL, 0);
    if (sv_usual_content_info(octets, limits, content)) {
        *type = SV_CMS_AUTH_ENVELOPED;
        return SIPVEIL_OK;
    }
    if (!sv_der_next_is(&c, SV_DER_SEQUENCE)) { /* ADV-057: PEM, base64 and text end here */
        return sv_fail_rule(err, "cms", SIPVEIL_MALFORMED, "ADV-057", 0,
                            "content-info: starts with %s, not with a SEQUENCE",
                            octets.len > 0 ? SV_QUOTE(sv_span(octets.data, 1)) : "nothing");
    }
    SV_TRY(sv_der_scan(octets, limits, false, err));
    SV_TRY(sv_der_enter(&c, SV_DER_SEQUENCE, "content-info", &info, err));
    SV_TRY(sv_der_take_oid(&info, "content type", &oid, err));
    SV_TRY(sv_der_enter(&info, SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 0, "content", &explicit_content, err));
    SV_TRY(sv_der_take(&explicit_content, &value, err));
    SV_TRY(sv_der_end(&explicit_content, err));
    SV_TRY(sv_der_end(&info, err));
    *type = sv_oid_cms_type(oid);
    *content = value.whole;
    return SIPVEIL_OK;
}
