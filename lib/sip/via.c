/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/via.h"

#include "base/field.h"
#include "sip/uri.h"

static sipveil_code bad_via(const sv_cursor *c, const char *rule, const char *what, sipveil_error *err)
{
    return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, rule, sv_offset(c), "%s in \"%s\"", what,
                        SV_QUOTE(sv_span(c->start, (size_t)(c->end - c->start))));
}

/* sent-protocol: name, version and transport. */
static bool take_protocol(sv_cursor *c, sipveil_span *transport)
{
    for (int i = 0; i < 3; i++) {
        sv_skip_lws(c);
        if (i > 0 && !sv_take_if(c, '/')) return false;
        sv_skip_lws(c);
        *transport = sv_take_run(c, SV_OCTET_TOKEN);
        if (transport->len == 0) return false;
    }
    return true;
}

/* sent-protocol LWS sent-by *( ";" parameter ) */
sipveil_code sv_sip_take_via(sv_cursor *c, sv_sip_via *out, sipveil_error *err)
{
    uint16_t port;
    sv_parameter p;
    bool taken;
    if (!take_protocol(c, &out->transport)) return bad_via(c, "ADV-022", "no protocol/version/transport", err);
    const uint8_t *before = c->at;
    sv_skip_lws(c);
    if (c->at == before || !sv_sip_take_host(c, &out->host)) return bad_via(c, "ADV-022", "no valid host", err);
    const uint8_t *end = c->at;
    sv_skip_lws(c);
    if (sv_take_if(c, ':')) {
        sv_skip_lws(c);
        if (!sv_sip_read_port(sv_take_run(c, SV_OCTET_DIGIT), &port)) {
            return bad_via(c, "ADV-013", "a port outside 0 to 65535", err);
        }
        end = c->at;
        sv_skip_lws(c);
    }
    out->sent_by = sv_span(out->host.data, (size_t)(end - out->host.data));
    const uint8_t *params = c->at;
    do {
        SV_TRY(sv_take_parameter(c, SV_OCTET_GEN_VALUE, "sip", &p, &taken, err));
    } while (taken);
    out->params = sv_span(params, (size_t)(c->at - params));
    sv_skip_lws(c);
    return SIPVEIL_OK;
}

size_t sv_sip_count_vias(const sv_sip_field *row)
{
    sv_cursor c = sv_cursor_over(row->value, "Via");
    sv_sip_via via;
    size_t count = 0;
    do {
        if (sv_sip_take_via(&c, &via, NULL) != SIPVEIL_OK) break;
        count++;
    } while (sv_take_if(&c, ','));
    return count;
}

bool sv_sip_top_via(const sv_sip_view *view, sv_sip_via *out)
{
    sv_cursor c = sv_cursor_over(sv_sip_value(view, SV_F_VIA), "Via");
    if (sv_sip_take_via(&c, out, NULL) == SIPVEIL_OK) return true;
    *out = (sv_sip_via){0};
    return false;
}

sipveil_span sv_sip_top_transport(const sv_sip_view *view)
{
    sv_sip_via via;
    (void)sv_sip_top_via(view, &via);
    return via.transport;
}

sipveil_span sv_sip_top_branch(const sv_sip_view *view)
{
    sv_sip_via via;
    sipveil_span branch;
    (void)sv_sip_top_via(view, &via);
    return sv_sip_param(via.params, "branch", &branch) ? branch : sv_span(NULL, 0);
}

bool sv_sip_source_is_confirmed(const sv_sip_view *view)
{
    sipveil_span transport = sv_sip_top_transport(view);
    return sv_equal_nocase_str(transport, "TCP") || sv_equal_nocase_str(transport, "TLS");
}

bool sv_sip_is_amplified(const sv_sip_view *view, size_t answer)
{
    size_t request = view->whole.len;
    return answer > request + request / 2 && !sv_sip_source_is_confirmed(view);
}
