/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether credentials protect a request (AGR-33 to 39): the response verifies with a nonce of ours that is alive and a
 * count that rose; and whether d-ver covers our list. An unknown user costs as much as a known one. */
#include "agree/server.h"

/* The entry that the request relies on: the one with d-ver, else the first one of digest. */
static const sv_mechanism *entry_of(const sv_server *s, sipveil_span *dver)
{
    const sv_mechanism *first = NULL;
    *dver = SV_SPAN("");
    for (size_t i = 0; i < s->own->list.count; i++) {
        const sv_mechanism *own = &s->own->list.items[i];
        if (!sv_mechanism_is_digest(own->kind)) continue;
        if (first == NULL) first = own;
        if (!s->verify_read || i >= s->verify->count || s->verify->items[i].kind != own->kind) continue;
        const sv_parameter *p = sv_mechanism_digest_field(&s->verify->items[i], SV_D_VER, s->options->profile);
        if (p == NULL || !p->quoted) continue;
        *dver = p->value;
        return own;
    }
    return first;
}

static bool find_credentials(const sv_server *s, sv_auth *auth)
{
    bool www = s->options->role != SIPVEIL_AGREE_PROXY || s->options->profile == SIPVEIL_AGREE_DRAFT04; /* D-06 */
    const sv_sip_field *row = sv_sip_first(s->view, www ? SV_F_AUTHORIZATION : SV_F_PROXY_AUTHORIZATION);
    for (; row != NULL; row = sv_sip_next(s->view, row)) {
        bool digest;
        if (sv_auth_read(row->value, auth, &digest, NULL) != SIPVEIL_OK || !digest) continue;
        if (auth->has_realm && sv_quoted_says(auth->realm, s->options->realm)) return true;
    }
    return false;
}

static sipveil_code refuse(sv_server *s, const char *rule, const char *text)
{
    (void)sv_fail_rule(&s->why, SV_AGREE, SIPVEIL_POLICY, rule, SIPVEIL_NO_OFFSET, "%s", text);
    return SIPVEIL_OK;
}

/* What the credentials say fits the request and the entry; a list that names nothing leaves it to them. */
static bool fill_input(sv_server *s, const sv_mechanism *entry, const sv_auth *auth, sv_digest_input *in)
{
    const sv_auth ours = {.qop = SV_SPAN("auth,auth-int")};
    sv_digest_rules rules = {s->options->profile, s->options->allow_no_qop, s->options->allow_sha256};
    sv_digest_algorithm said;
    sv_qop qop;
    if (!auth->has_username || !auth->has_nonce || !auth->has_uri || !auth->has_response ||
        sv_digest_demand(entry, &ours, rules, &in->algorithm, &in->qop, &s->why) != SIPVEIL_OK ||
        !sv_digest_algorithm_of(auth->algorithm, &said) || said != in->algorithm || !sv_qop_of(auth->qop, &qop)) {
        return false;
    }
    bool free_choice = entry->kind == SV_MECH_DIGEST && sv_mechanism_digest_field(entry, SV_D_QOP, rules.profile) == NULL;
    if (free_choice && (qop != SV_QOP_NONE || rules.allow_no_qop)) in->qop = qop;
    in->username = auth->username;
    in->realm = sv_span_str(s->options->realm);
    in->nonce = auth->nonce;
    in->nc = auth->nc;
    in->cnonce = auth->cnonce;
    in->uri = auth->uri;
    in->method = s->view->method;
    in->body = s->view->body;
    return qop == in->qop && (qop == SV_QOP_NONE || auth->cnonce.len > 0) &&
           sv_equal(auth->uri, s->view->request_uri); /* nobody between may write it anew: what is signed is what goes on */
}

/* The name and the password that are hashed are those of ours, not as they are written between quotes. */
static void find_password(const sv_server *s, sv_digest_input *in, bool *known)
{
    const sipveil_span written = in->username;
    *known = false;
    in->password = SV_SPAN("");
    for (size_t i = 0; i < s->options->credential_count; i++) {
        const sipveil_agree_credentials *c = &s->options->credentials[i];
        if (!sv_quoted_says(written, c->username) || strcmp(c->realm, s->options->realm) != 0) continue;
        in->username = sv_span_str(c->username);
        in->password = sv_span_str(c->password);
        *known = true;
    }
}

static sipveil_code same(sv_server *s, const sv_digest_input *in, sipveil_span said, bool *result)
{
    sv_http_hex expected;
    SV_TRY(sv_digest_response(s->op->crypto, in, &expected, s->op->err));
    *result = sv_equal_constant_time(sv_span(expected.digits, expected.len), said);
    return SIPVEIL_OK;
}

/* AGR-36: a server takes either form, unless told otherwise. */
static sipveil_code check_dver(sv_server *s, sv_digest_input *in, sipveil_span dver)
{
    static const sipveil_agree_dver_form forms[] = {SIPVEIL_AGREE_DVER_ABNF, SIPVEIL_AGREE_DVER_VALUE};
    sipveil_agree_dver_form form = s->options->dver_form;
    bool good = false;
    for (size_t i = 0; i < 2 && !good; i++) {
        if ((form == SIPVEIL_AGREE_DVER_ABNF || form == SIPVEIL_AGREE_DVER_VALUE) && form != forms[i]) continue;
        SV_TRY(sv_dver_text(s->own->text, forms[i], s->op->arena, &in->security_server, s->op->err));
        SV_TRY(same(s, in, dver, &good));
    }
    sv_report_check(s->op, "AGR-38", good ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_FAILED,
                    good ? "d-ver covers our list" : dver.len > 0 ? "d-ver does not cover our list" : "there is no d-ver");
    if (!good && s->facts.verify == SIPVEIL_AGREE_SAME) {
        s->facts.verify = SIPVEIL_AGREE_CHANGED; /* AGR-14 */
        return refuse(s, "AGR-14", dver.len > 0 ? "d-ver in Security-Verify does not cover our list"
                                                : "Security-Verify has no d-ver");
    }
    return SIPVEIL_OK;
}

static sipveil_code check_nonce(sv_server *s, const sv_digest_input *in, bool *good)
{
    sv_nonce_state state;
    uint32_t nc = 1;
    *good = false;
    SV_TRY(sv_nonce_judge(&s->nonces, in->nonce, &state, s->op->err));
    if (state == SV_NONCE_GOOD && in->qop != SV_QOP_NONE) {
        if (!sv_nc_read(in->nc, &nc)) return refuse(s, "AGR-39", "nc is not eight hexadecimal digits");
        sipveil_error why;
        sipveil_code code = sv_nonce_count(&s->nonces, in->username, in->nonce, nc, &state, &why);
        if (code == SIPVEIL_LIMIT) return refuse(s, "AGR-39", "this user has too many nonces in use");
        if (code != SIPVEIL_OK) return sv_no_memory(s->op->err, SV_AGREE);
    }
    *good = state == SV_NONCE_GOOD;
    s->stale = !*good;
    sv_report_check(s->op, "AGR-39", *good ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_FAILED,
                    state == SV_NONCE_EXPIRED ? "the nonce has expired"
                    : state == SV_NONCE_USED  ? "nc did not rise: seen before"
                    : *good                   ? "the nonce is ours and alive, nc rose"
                                              : "the nonce is none of ours");
    if (*good) return SIPVEIL_OK;
    return refuse(s, "AGR-39", state == SV_NONCE_USED ? "nc did not rise: this was seen before" : "the nonce no longer counts");
}

sipveil_code sv_server_judge_digest(sv_server *s)
{
    sv_auth auth;
    sv_digest_input in = {0};
    sipveil_span dver;
    bool known, good = false, alive = false;
    const sv_mechanism *entry = entry_of(s, &dver);
    if (entry == NULL || !s->has_nonces || !find_credentials(s, &auth)) return SIPVEIL_OK;
    sv_server_leave_sealed(s);
    if (!fill_input(s, entry, &auth, &in)) {
        if (s->why.code != SIPVEIL_OK) return SIPVEIL_OK;
        return refuse(s, "AGR-34", "the credentials lack something, or are not for this request and entry");
    }
    find_password(s, &in, &known);
    SV_TRY(same(s, &in, auth.response, &good));
    good = good && known;
    sv_report_check(s->op, "AGR-33", good ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_FAILED,
                    good ? "the credentials verify" : "the credentials do not verify");
    if (!good) return refuse(s, "AGR-33", "the credentials do not verify");
    SV_TRY(check_nonce(s, &in, &alive));
    if (!alive) return SIPVEIL_OK;
    s->facts.is_protected = true;
    s->facts.protection = entry->kind;
    s->facts.in_own_list = true;
    s->protected_by = sv_span_str(sv_mechanism_kind_name(entry->kind));
    return entry->kind == SV_MECH_DIGEST ? check_dver(s, &in, dver) : sv_server_judge_inner(s);
}
