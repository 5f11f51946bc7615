/* SPDX-License-Identifier: BSD-2-Clause */
/* What a response means to the client's machine. Only an answer to our own outstanding request counts (ADV-183), and once
 * something protects us, only what came under that protection. */
#include "agree/client.h"
#include "sip/via.h"

static sipveil_code answers_ours(sv_client *c, bool *ours)
{
    uint32_t asked, answered;
    sipveil_span method, answered_method;
    sv_sip_address from, sent_from;
    *ours = false;
    sv_sip_view *sent = sv_arena_alloc_raw(c->op->arena, sizeof *sent);
    if (sent == NULL) return sv_no_memory(c->op->err, SV_AGREE);
    if (c->a->request.len == 0) return SIPVEIL_OK;
    SV_TRY(sv_sip_read(c->a->request, SV_SIP_DATAGRAM, c->op->limits, sent, c->op->err));
    if (sv_sip_read_cseq(sv_sip_value(sent, SV_F_CSEQ), &asked, &method, NULL) != SIPVEIL_OK ||
        sv_sip_read_cseq(sv_sip_value(c->view, SV_F_CSEQ), &answered, &answered_method, NULL) != SIPVEIL_OK ||
        sv_sip_read_address(sv_sip_value(sent, SV_F_FROM), &sent_from, NULL) != SIPVEIL_OK ||
        sv_sip_read_address(sv_sip_value(c->view, SV_F_FROM), &from, NULL) != SIPVEIL_OK) {
        return SIPVEIL_OK;
    }
    *ours = asked == answered && sv_equal(method, answered_method) && sv_equal_nocase(from.tag, sent_from.tag) &&
            sv_equal(sv_sip_value(sent, SV_F_CALL_ID), sv_sip_value(c->view, SV_F_CALL_ID)) &&
            sv_equal_nocase(sv_sip_top_branch(sent), sv_sip_top_branch(c->view));
    return SIPVEIL_OK;
}

/* 421, 494; in 3gpp a 401 that has the list (AGR-11, D-17). */
static bool carries_list(const sv_client *c)
{
    unsigned status = c->view->status;
    return status == 494 || status == 421 || (status == 401 && c->options->profile == SIPVEIL_AGREE_3GPP &&
                                              sv_sip_first(c->view, SV_F_SECURITY_SERVER) != NULL);
}

/* Reads the list and refuses what no honest server writes; c->a->state says whether it was refused. */
static sipveil_code read_list(sv_client *c, sv_mechanism_list **out)
{
    bool present = false;
    size_t first = 0, second = 0;
    sipveil_error why;
    *out = sv_arena_alloc_raw(c->op->arena, sizeof **out);
    if (*out == NULL) return sv_no_memory(c->op->err, SV_AGREE);
    sipveil_code code = sv_mechanisms_of(c->view, SV_F_SECURITY_SERVER, c->op->arena, *out, &present, &why);
    if (code == SIPVEIL_INTERNAL) return sv_no_memory(c->op->err, SV_AGREE);
    if (code != SIPVEIL_OK) {
        return sv_client_fail(c, code == SIPVEIL_LIMIT ? SIPVEIL_AGREE_E_LIMIT : SIPVEIL_AGREE_E_SYNTAX, "AGR-01", "%s", why.text);
    }
    if (!present) {
        return sv_client_fail(c, SIPVEIL_AGREE_E_SYNTAX, "AGR-23", "the %u has no Security-Server", c->view->status);
    }
    if (!sv_mechanisms_ordered(*out, &first, &second)) {
        int q = sv_mechanism_q(&(*out)->items[first]);
        return sv_client_fail(c, SIPVEIL_AGREE_E_DUP_Q, "AGR-03", "\"%s\" and \"%s\" in Security-Server have the same q, %d.%03d",
                              SV_QUOTE((*out)->items[first].name), SV_QUOTE((*out)->items[second].name), q / SV_Q_ONE, q % SV_Q_ONE);
    }
    for (size_t i = 0; i < (*out)->count; i++) {
        if (sv_mechanism_digest_field(&(*out)->items[i], SV_D_VER, c->options->profile) == NULL) continue;
        return sv_client_fail(c, SIPVEIL_AGREE_E_SYNTAX, "AGR-08", "Security-Server has a d-ver, which only a request can have");
    }
    sv_report_check(c->op, "AGR-03", SIPVEIL_CHECK_PASSED, "Security-Server has %zu entries, each with another q", (*out)->count);
    return SIPVEIL_OK;
}

static sipveil_code choose(sv_client *c, const sv_mechanism_list *list, sv_choice *choice)
{
    sipveil_error why;
    *choice = sv_client_choose(c, list, &why);
    if (choice->entry != NULL) return SIPVEIL_OK;
    bool bad = strcmp(why.rule, "AGR-09") == 0;
    return sv_client_fail(c, bad ? SIPVEIL_AGREE_E_PARAM : SIPVEIL_AGREE_E_NO_COMMON, why.rule, "%s", why.text);
}

static sipveil_code start(sv_client *c, const sv_mechanism_list *list, const sv_choice *choice)
{
    bool missing = false, may = false;
    SV_TRY(sv_client_start_mechanism(c, list, choice, &missing));
    if (!missing) return SIPVEIL_OK;
    /* A request without Security-Client could not be answered with start data: asked again, with it. */
    if (c->a->state == SIPVEIL_AGREE_OFFERED && c->a->security_client.len == 0) {
        SV_TRY(sv_client_count_restart(c, &may));
        if (!may) return SIPVEIL_OK;
        c->a->passive = false;
        c->out->actions = SIPVEIL_AGREE_SEND;
        SV_TRY(sv_client_next_transaction(c));
        return sv_client_write_offer(c, &c->out->message);
    }
    return sv_client_fail(c, SIPVEIL_AGREE_E_ABORTED, "AGR-24",
                          choice->entry->kind == SV_MECH_SMIME ? "the %u has no certificate, which %s starts with"
                                                               : "the %u has no challenge for %s that we can answer: of a realm that we have credentials for, with an algorithm and a qop that we take",
                          c->view->status, SV_QUOTE(choice->entry->name));
}

/* ---- OFFERED ---- */

static sipveil_code take_offered(sv_client *c)
{
    sv_mechanism_list *list;
    sv_choice choice;
    if (carries_list(c)) {
        SV_TRY(read_list(c, &list));
        if (c->a->state == SIPVEIL_AGREE_FAILED) return SIPVEIL_OK;
        SV_TRY(choose(c, list, &choice));
        return c->a->state == SIPVEIL_AGREE_FAILED ? SIPVEIL_OK : start(c, list, &choice);
    }
    if (c->options->must) {
        return sv_client_fail(c, SIPVEIL_AGREE_E_NOT_OFFERED, "D-15", "the next hop answered %u and offered no security agreement",
                              c->view->status);
    }
    c->a->state = SIPVEIL_AGREE_IDLE;
    c->out->actions = SIPVEIL_AGREE_NO_AGREEMENT | SIPVEIL_AGREE_REPORT | SIPVEIL_AGREE_DELIVER;
    sv_report_warning(c->op, "D-15", "the next hop knows no security agreement: what follows is unprotected");
    return SIPVEIL_OK;
}

/* ---- CONFIRMING, ACTIVE ---- */

/* Digest and smime have no protected way back: there every answer to our request is taken, within AGR-21. */
static bool answers_unprotected(const sv_client *c)
{
    sv_mechanism_kind kind = sv_mechanism_kind_of(c->a->mechanism);
    return sv_mechanism_is_digest(kind) || kind == SV_MECH_SMIME;
}

static bool came_protected(const sv_client *c)
{
    return answers_unprotected(c) || (c->event->over != NULL && sv_equal_nocase_str(c->a->mechanism, c->event->over));
}

static sipveil_code ignore_unprotected(sv_client *c)
{
    return sv_client_ignore(c, "AGR-50", "the response did not come over the protection that was agreed");
}

static sipveil_code same_as_stored(sv_client *c, const sv_mechanism_list *list, bool *same)
{
    sv_buffer now, before;
    sv_mechanism_list *stored = sv_arena_alloc_raw(c->op->arena, sizeof *stored);
    if (stored == NULL) return sv_no_memory(c->op->err, SV_AGREE);
    SV_TRY(sv_mechanisms_read(c->a->server_list, "Security-Server", stored, c->op->err));
    sv_buffer_init(&now, c->op->arena, 512, 2 * SV_MECHANISM_LIST_MOST);
    sv_buffer_init(&before, c->op->arena, 512, 2 * SV_MECHANISM_LIST_MOST);
    sv_mechanisms_put_canonical(&now, list, false, c->options->profile);
    sv_mechanisms_put_canonical(&before, stored, false, c->options->profile);
    *same = sv_equal_constant_time(sv_buffer_span(&now), sv_buffer_span(&before));
    return SIPVEIL_OK;
}

/* A nonce that ran out is no attack: the server says so, and the credentials were good (AGR-39). */
static bool is_stale(const sv_client *c)
{
    const sv_sip_field *row = sv_sip_first(c->view, c->a->www ? SV_F_WWW_AUTHENTICATE : SV_F_PROXY_AUTHENTICATE);
    for (; row != NULL; row = sv_sip_next(c->view, row)) {
        sv_auth auth, answered;
        bool digest;
        if (sv_auth_read(row->value, &auth, &digest, NULL) == SIPVEIL_OK && digest && auth.stale &&
            sv_auth_read(c->a->challenge, &answered, &digest, NULL) == SIPVEIL_OK && digest &&
            sv_quoted_same(auth.realm, answered.realm) && !sv_equal(auth.nonce, answered.nonce)) {
            return true;
        }
    }
    return false;
}

static sipveil_code take_refusal(sv_client *c)
{
    sv_mechanism_list *list;
    sv_choice choice;
    bool same = false, may = false;
    SV_TRY(read_list(c, &list));
    if (c->a->state == SIPVEIL_AGREE_FAILED) return SIPVEIL_OK;
    SV_TRY(same_as_stored(c, list, &same));
    if (same && !(answers_unprotected(c) && is_stale(c))) {
        return sv_client_fail(c, SIPVEIL_AGREE_E_TAMPERED, "AGR-12",
                              "the next hop refused a request that mirrored the very list it sends: our Security-Verify was altered, or it is broken");
    }
    SV_TRY(choose(c, list, &choice));
    if (c->a->state == SIPVEIL_AGREE_FAILED) return SIPVEIL_OK;
    if (choice.rank > c->a->rank) {
        return sv_client_fail(c, SIPVEIL_AGREE_E_BID_DOWN, "AGR-50",
                              "the list of the next hop is another one now and would give %s, which is weaker than %s",
                              SV_QUOTE(choice.entry->name), SV_QUOTE(c->a->mechanism));
    }
    SV_TRY(sv_client_count_restart(c, &may));
    if (!may) return SIPVEIL_OK;
    if (!same) {
        sv_report_check(c->op, "AGR-12", SIPVEIL_CHECK_FAILED, "the list that made us choose %s was not the server's own",
                        SV_QUOTE(c->a->mechanism));
        sv_report_warning(c->op, "AGR-12", "the list that made us choose %s was not the server's own: somebody changed it",
                          SV_QUOTE(c->a->mechanism));
    }
    return start(c, list, &choice);
}

static bool challenges_again(const sv_client *c)
{
    sv_mechanism_kind kind = sv_mechanism_kind_of(c->a->mechanism);
    if (!sv_mechanism_is_digest(kind) || (c->view->status != 401 && c->view->status != 407)) {
        return false;
    }
    const sv_sip_field *row = sv_sip_first(c->view, c->a->www ? SV_F_WWW_AUTHENTICATE : SV_F_PROXY_AUTHENTICATE);
    sv_auth asked, answered;
    bool digest;
    return row != NULL && sv_auth_read(row->value, &asked, &digest, NULL) == SIPVEIL_OK && digest &&
           sv_auth_read(c->a->challenge, &answered, &digest, NULL) == SIPVEIL_OK && sv_quoted_same(asked.realm, answered.realm);
}

static sipveil_code take_protected(sv_client *c)
{
    if (!came_protected(c)) return ignore_unprotected(c);
    if (c->view->status == 494 || c->view->status == 421) return take_refusal(c);
    if (challenges_again(c)) {
        c->a->state = SIPVEIL_AGREE_IDLE; /* AGR-44 */
        c->out->actions = SIPVEIL_AGREE_REPORT | SIPVEIL_AGREE_DELIVER;
        return SIPVEIL_OK;
    }
    c->out->actions = SIPVEIL_AGREE_DELIVER;
    if (c->a->state == SIPVEIL_AGREE_ACTIVE || c->view->status == 100) return SIPVEIL_OK;
    c->a->state = SIPVEIL_AGREE_ACTIVE;
    c->out->actions |= SIPVEIL_AGREE_REPORT; /* AGR-20 */
    sv_report_check(c->op, "AGR-20", SIPVEIL_CHECK_PASSED, "agreed on %s", SV_QUOTE(c->a->mechanism));
    if (answers_unprotected(c) && c->a->rank > 0) {
        sv_report_warning(c->op, "AGR-50",
                          "agreed on %s, and our list has better: its answers are not protected, so somebody between may have forged them",
                          SV_QUOTE(c->a->mechanism));
    }
    return SIPVEIL_OK;
}

sipveil_code sv_client_take_response(sv_client *c)
{
    bool ours;
    SV_TRY(answers_ours(c, &ours));
    if (!ours) {
        bool refusal = c->view->status == 494 || c->view->status == 421;
        if (c->a->state != SIPVEIL_AGREE_ACTIVE || refusal) {
            return sv_client_ignore(c, "ADV-183", "the response answers no request of ours that waits for one");
        }
        if (!came_protected(c)) return ignore_unprotected(c);
        c->out->actions = SIPVEIL_AGREE_DELIVER; /* of another transaction over the same protection */
        return SIPVEIL_OK;
    }
    switch (c->a->state) {
    case SIPVEIL_AGREE_OFFERED:
        if (c->view->status >= 200) return take_offered(c);
        c->out->actions = SIPVEIL_AGREE_DELIVER;
        return SIPVEIL_OK;
    case SIPVEIL_AGREE_STARTING:
        /* What comes over the chosen mechanism shows that it is up. */
        if (c->event->over == NULL || !sv_equal_nocase_str(c->a->mechanism, c->event->over)) {
            return sv_client_ignore(c, "AGR-50", "a response while the mechanism is not up");
        }
        c->a->state = SIPVEIL_AGREE_CONFIRMING;
        return take_protected(c);
    case SIPVEIL_AGREE_CONFIRMING:
    case SIPVEIL_AGREE_ACTIVE: return take_protected(c);
    case SIPVEIL_AGREE_FAILED: return sv_client_ignore(c, "AGR-50", "a response after the agreement failed");
    default:
        c->out->actions = SIPVEIL_AGREE_DELIVER;
        return SIPVEIL_OK;
    }
}
