/* SPDX-License-Identifier: BSD-2-Clause */
#include "e2m/need.h"

#include "base/hex.h"
#include "e2m/look.h"
#include "sip/address.h"

enum { FINGERPRINT = 32 };

/* "sha-256:" and 64 digits, colons between octets allowed. */
static bool read_fingerprint(sipveil_span text, uint8_t out[FINGERPRINT])
{
    sv_cursor c = sv_cursor_over(text, "fp");
    return sv_take_literal_nocase(&c, "sha-256:") && sv_read_fingerprint(sv_rest(&c), out);
}

static bool is_media_type(sipveil_span text)
{
    sv_cursor c = sv_cursor_over(text, "type");
    return sv_take_while(&c, sv_is_mime_token).len > 0 && sv_take_if(&c, '/') &&
           sv_take_while(&c, sv_is_mime_token).len > 0 && sv_at_end(&c);
}

/* False: this parameter spoils the value. */
static bool take_need_parameter(const sv_parameter *p, sipveil_e2m_need *need, sv_need_extra extra, void *state)
{
    if (sv_equal_nocase_str(p->name, "need")) {
        need->need = p->has_value ? sv_act_of(p->value) : SIPVEIL_E2M_OTHER;
    } else if (sv_equal_nocase_str(p->name, "type")) {
        if (!p->has_value || p->has_escape || !is_media_type(p->value)) return false;
        need->type = p->value;
    } else if (sv_equal_nocase_str(p->name, "what")) {
        bool all = sv_equal_nocase_str(p->value, "all");
        need->for_requests = all || sv_equal_nocase_str(p->value, "request");
        need->for_responses = all || sv_equal_nocase_str(p->value, "response");
    } else if (sv_equal_nocase_str(p->name, "keep")) {
        need->keep = true;
    } else if (sv_equal_nocase_str(p->name, "rekey")) {
        need->rekey = true;
    } else if (sv_equal_nocase_str(p->name, "fp")) {
        need->has_fingerprint = !p->has_escape && read_fingerprint(p->value, need->fingerprint);
        return need->has_fingerprint;
    } else {
        return extra == NULL || extra(state, p);
    }
    return true;
}

sipveil_code sv_need_take(sv_cursor *c, sipveil_e2m_need *out, sv_need_extra extra, void *state, sipveil_error *err)
{
    sv_hop_name hop;
    sv_parameter p;
    bool taken = true;
    *out = (sipveil_e2m_need){.need = SIPVEIL_E2M_VIEW, .for_requests = true};
    sv_skip_lws(c);
    const uint8_t *start = c->at;
    size_t offset = sv_offset(c);
    if (!sv_take_hop(c, &hop)) {
        return sv_fail_rule(err, SV_E2M, SIPVEIL_MALFORMED, "E2M-G4", offset, "a need names no host: \"%s\"", SV_QUOTE(sv_rest(c)));
    }
    out->host = hop.host;
    out->has_port = hop.has_port;
    out->port = hop.port;
    while (taken) {
        SV_TRY(sv_take_parameter(c, SV_OCTET_GEN_VALUE, SV_E2M, &p, &taken, err));
        if (taken && !take_need_parameter(&p, out, extra, state)) {
            return sv_fail_rule(err, SV_E2M, SIPVEIL_MALFORMED, "E2M-G5", sv_offset(c),
                                "a need with a parameter \"%s\" of no good form", SV_QUOTE(p.name));
        }
    }
    out->value = sv_trim(sv_span(start, (size_t)(c->at - start)));
    sv_skip_lws(c);
    return SIPVEIL_OK;
}

static sipveil_code too_many(size_t room, sipveil_error *err)
{
    return sv_fail_rule(err, SV_E2M, SIPVEIL_LIMIT, "E2M-G4", SIPVEIL_NO_OFFSET, "more than %zu needs", room);
}

static sipveil_code read_rows(const sv_sip_view *view, sipveil_e2m_need *needs, size_t room, size_t *count,
                              sipveil_error *err)
{
    const sv_sip_field *row = sv_sip_first(view, SV_F_PROXY_BODY_NEED);
    for (; row != NULL; row = sv_sip_next(view, row)) {
        sv_cursor c = sv_cursor_over(row->value, "Proxy-Body-Need");
        do {
            if (*count == room) return too_many(room, err);
            SV_TRY(sv_need_take(&c, &needs[*count], NULL, NULL, err));
            ++*count;
        } while (sv_take_if(&c, ','));
        if (!sv_at_end(&c)) {
            return sv_fail_rule(err, SV_E2M, SIPVEIL_MALFORMED, "E2M-G4", sv_offset(&c),
                                "Proxy-Body-Need has something after a value");
        }
    }
    return SIPVEIL_OK;
}

/* 380 proxy.com "Required to view 'application/sdp'"; with no type: the whole body. Other texts under these
 * codes are somebody else's (RFC 5630). */
static bool take_warning(sv_cursor *c, sipveil_e2m_need *out)
{
    sipveil_span text, rest;
    sv_hop_name hop;
    bool escape;
    size_t at;
    sv_skip_lws(c);
    *out = (sipveil_e2m_need){.for_requests = true};
    if (sv_take_literal(c, "380 ")) out->need = SIPVEIL_E2M_VIEW;
    else if (sv_take_literal(c, "381 ")) out->need = SIPVEIL_E2M_VERIFY;
    else return false;
    if (!sv_take_hop(c, &hop) || !sv_take_if(c, ' ') || !sv_take_quoted(c, &text, &escape)) return false;
    const char *wanted = out->need == SIPVEIL_E2M_VIEW ? "Required to view" : "Required to verify";
    if (!sv_starts_nocase_str(text, wanted)) return false;
    rest = sv_trim(sv_span_from(text, strlen(wanted)));
    if (rest.len > 2 && rest.data[0] == '\'' && sv_find_byte(sv_span_from(rest, 1), '\'', &at)) {
        out->type = sv_span(rest.data + 1, at);
        if (!is_media_type(out->type)) return false;
    }
    out->host = hop.host;
    out->has_port = hop.has_port;
    out->port = hop.port;
    return true;
}

static sipveil_code read_warnings(const sv_sip_view *view, sipveil_e2m_need *needs, size_t room, size_t *count,
                                  sipveil_error *err)
{
    const sv_sip_field *row = sv_sip_first(view, SV_F_WARNING);
    for (; row != NULL; row = sv_sip_next(view, row)) {
        sv_cursor c = sv_cursor_over(row->value, "Warning");
        do {
            sipveil_e2m_need need;
            if (take_warning(&c, &need)) {
                if (*count == room) return too_many(room, err);
                needs[(*count)++] = need;
            }
            sv_skip_value(&c);
        } while (sv_take_if(&c, ','));
    }
    return SIPVEIL_OK;
}

sipveil_code sv_needs_read(const sv_sip_view *view, sipveil_e2m_need *needs, size_t room, size_t *count,
                           sipveil_error *err)
{
    unsigned s = view->status;
    *count = 0;
    if (view->is_request) return SIPVEIL_OK;
    bool refuses = s == 493 || s == 495 || s == 496;
    if (!refuses && s != 488 && s != 403 && s / 100 != 2) return SIPVEIL_OK;
    sipveil_code code = read_rows(view, needs, room, count, err);
    if (code == SIPVEIL_OK && *count == 0 && refuses) code = read_warnings(view, needs, room, count, err);
    if (code != SIPVEIL_OK) *count = 0;
    return code;
}

void sv_need_put(sv_buffer *out, const sipveil_e2m_need *need)
{
    sv_put(out, need->host);
    if (need->has_port) {
        sv_put_byte(out, ':');
        sv_put_number(out, need->port);
    }
    sv_put_str(out, ";need=");
    sv_put_str(out, sv_act_name(need->need));
    if (need->type.len > 0) {
        sv_put_str(out, ";type=\"");
        sv_put(out, need->type);
        sv_put_str(out, "\"");
    }
    if (need->for_responses) sv_put_str(out, need->for_requests ? ";what=all" : ";what=response");
    if (need->keep) sv_put_str(out, ";keep");
    if (need->rekey) sv_put_str(out, ";rekey");
    if (need->has_fingerprint) {
        sv_put_str(out, ";fp=\"sha-256:");
        sv_put_hex(out, sv_span(need->fingerprint, FINGERPRINT));
        sv_put_str(out, "\"");
    }
}

sipveil_code sipveil_e2m_read_needs(sipveil_worker *worker, sipveil_span message, sipveil_e2m_need *needs, size_t room,
                                    size_t *count, sipveil_error *err)
{
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || needs == NULL || count == NULL) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker and places for the result are needed");
    }
    *count = 0;
    sv_sip_view *view;
    SV_TRY(sv_look_at(worker, message, &view, err));
    return sv_needs_read(view, needs, room, count, err);
}
