/* SPDX-License-Identifier: BSD-2-Clause */
/* What a UA asks of its trust domain: who it wants to be called, and what of it is to be hidden (RFC 3323 4, RFC 3325
 * 6, RFC 5876 4). */
#include "trust/border.h"

static sipveil_code refuse(sipveil_error *err, sipveil_code code, const char *rule, const char *what)
{
    return sv_fail_rule(err, SV_TRUST, code, rule, SIPVEIL_NO_OFFSET, "%s", what);
}

static sipveil_code check_identities(const sipveil_trust_wish *w, const sv_sip_view *view,
                                     const sipveil_trust_verdict *to, sipveil_error *err)
{
    size_t sip = 0, tel = 0;
    sv_field_id other = w->is_gateway ? SV_F_P_PREFERRED_IDENTITY : SV_F_P_ASSERTED_IDENTITY;
    sv_field_id same = w->is_gateway ? SV_F_P_ASSERTED_IDENTITY : SV_F_P_PREFERRED_IDENTITY;
    if (w->identity_count == 0) return SIPVEIL_OK;
    if (!sv_is_answerable(view))
        return refuse(err, SIPVEIL_POLICY, "TRU-21", "no identity goes into ACK, CANCEL or a response of a UA");
    if (sv_sip_first(view, other) != NULL || sv_sip_first(view, same) != NULL) {
        return refuse(err, SIPVEIL_POLICY, "TRU-21",
                      "the message asserts or prefers an identity already, and a UA sends one of the two");
    }
    if (!to->trusted) {
        refuse(err, SIPVEIL_POLICY, "TRU-22", "an identity goes to a trusted proxy alone, and this one is not");
        return sv_hint(err, SIPVEIL_POLICY, "its verdict says why: reasons");
    }
    for (size_t i = 0; i < w->identity_count; i++) {
        sipveil_span uri = sv_span_str(w->identities[i]);
        if (!sv_is_identity(uri))
            return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-20", SIPVEIL_NO_OFFSET,
                                "'%s' is no sip, sips or tel URI", SV_QUOTE(uri));
        if (sv_scheme_of(uri) & SV_SCHEME_TEL) tel++;
        else sip++;
    }
    return sip <= 1 && tel <= 1 ? SIPVEIL_OK
                                : refuse(err, SIPVEIL_USAGE, "TRU-20", "more than one sip or sips URI and one tel URI");
}

/* The value as a message would have it, read by the same reader; then what only a UA must keep to (TRU-25). */
static sipveil_code check_privacy(sipveil_border *b, const char *value, const sv_sip_view *view, sv_privacy *out,
                                  sipveil_error *err)
{
    sipveil_span text = sv_span_str(value);
    sv_sip_view *alone = sv_arena_alloc(b->arena, sizeof *alone);
    size_t at;
    if (alone == NULL) return sv_no_memory(err, SV_TRUST);
    if (sv_sip_first(view, SV_F_PRIVACY) != NULL)
        return refuse(err, SIPVEIL_USAGE, "TRU-25", "the message has a Privacy header field already");
    alone->fields[0] = (sv_sip_field){.id = SV_F_PRIVACY, .name = SV_SPAN("Privacy"), .value = text, .line = text};
    alone->field_count = 1;
    alone->first[SV_F_PRIVACY] = 1;
    if (!sv_is_text(text) || sv_find_byte(text, ',', &at) || sv_find_byte(text, ' ', &at) ||
        sv_privacy_read(alone, out, NULL) != SIPVEIL_OK) {
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-25", SIPVEIL_NO_OFFSET,
                            "'%s' is no list of privacy values, with ';' between them", SV_QUOTE(text));
    }
    bool none = sv_equal_nocase_str(text, "none");
    if (out->drop_none || (out->values == SV_PRIVACY_NONE && !none))
        return refuse(err, SIPVEIL_USAGE, "TRU-25", "the privacy value none stands alone, and others stand beside it");
    if (out->doubled) return refuse(err, SIPVEIL_USAGE, "TRU-25", "a privacy value stands there twice");
    if (out->values == 0 || sv_starts_nocase_str(text, "critical"))
        return refuse(err, SIPVEIL_USAGE, "TRU-25", "the privacy value critical stands alone; it comes after what is critical");
    bool user = (out->values & SV_PRIVACY_USER) && !sv_equal_str(view->method, "REGISTER");
    return user ? refuse(err, SIPVEIL_USAGE, "TRU-25",
                         "a UA asks for user privacy in REGISTER alone; elsewhere it hides itself")
                : SIPVEIL_OK;
}

static sipveil_code add_rows(sipveil_border *b, const sipveil_trust_wish *w, unsigned privacy, sipveil_error *err)
{
    sv_buffer rows;
    sv_buffer_init(&rows, b->arena, 512, 1 << 16);
    for (size_t i = 0; i < w->identity_count; i++) {
        sv_put_str(&rows, i > 0 ? ", <" : w->is_gateway ? "P-Asserted-Identity: <" : "P-Preferred-Identity: <");
        sv_put_str(&rows, w->identities[i]);
        sv_put_byte(&rows, '>');
    }
    if (w->identity_count > 0) sv_put_str(&rows, "\r\n");
    if (w->privacy != NULL) {
        sv_put_str(&rows, "Privacy: ");
        sv_put_str(&rows, w->privacy);
        sv_put_str(&rows, "\r\n");
    }
    if (privacy & (SV_PRIVACY_HEADER | SV_PRIVACY_SESSION | SV_PRIVACY_USER | SV_PRIVACY_CRITICAL))
        sv_put_str(&rows, "Proxy-Require: privacy\r\n"); /* TRU-27 */
    SV_TRY(sv_buffer_check(&rows, SV_TRUST, err));
    sv_sip_edit_add(&b->edit, sv_buffer_span(&rows));
    return SIPVEIL_OK;
}

sipveil_code sipveil_trust_write_wish(sipveil_border *b, const sipveil_trust_wish *w, sipveil_span message,
                                      const sipveil_trust_verdict *to, sipveil_span *out, sipveil_error *err)
{
    sv_privacy privacy = {0};
    sv_buffer written;
    sv_error_clear(err);
    if (b == NULL || w == NULL || w->size != sizeof *w || to == NULL || out == NULL) {
        return sv_fail(err, SV_TRUST, SIPVEIL_USAGE,
                       "a border, a wish (with its size), a verdict and a place are needed");
    }
    *out = sv_span(NULL, 0);
    sv_arena_reset(b->arena);
    b->arrived = false;
    b->view = NULL;
    b->lines = b->warnings = (sv_buffer){0};
    const sipveil_limits *limits = sipveil_context_limits(b->context);
    sv_sip_view *view = sv_arena_alloc_raw(b->arena, sizeof *view);
    if (view == NULL) return sv_no_memory(err, SV_TRUST);
    SV_TRY(sv_sip_read(message, SV_SIP_DATAGRAM, limits, view, err));
    SV_TRY(check_identities(w, view, to, err));
    if (w->privacy != NULL) SV_TRY(check_privacy(b, w->privacy, view, &privacy, err));
    sv_sip_edit_start(&b->edit, view);
    SV_TRY(add_rows(b, w, privacy.values, err));
    sv_buffer_init(&written, b->arena, view->whole.len + 512, limits->message + SV_BORDER_ROOM);
    SV_TRY(sv_sip_edit_write(&b->edit, &written, err));
    *out = sv_buffer_span(&written);
    return SIPVEIL_OK;
}
