/* SPDX-License-Identifier: BSD-2-Clause */
/* What starts a mechanism (RFC 3329 2.4), and how often it may. */
#include "agree/client.h"
#include "agree/smime.h"

enum { RESTART_WINDOW = 600, CNONCE_OCTETS = 8, SMIME_LIFE = 3600 };

sipveil_code sv_client_count_restart(sv_client *c, bool *may)
{
    int64_t *oldest = &c->a->restarts[0];
    for (size_t i = 1; i < SIPVEIL_AGREE_RESTARTS_MOST; i++) {
        if (c->a->restarts[i] < *oldest) oldest = &c->a->restarts[i];
    }
    *may = *oldest == 0 || c->event->now - *oldest > RESTART_WINDOW;
    if (*may) {
        *oldest = c->event->now > 0 ? c->event->now : 1;
        return SIPVEIL_OK;
    }
    return sv_client_fail(c, SIPVEIL_AGREE_E_LOOP, "AGR-21", "the next hop made us start anew more than %d times in ten minutes",
                          SIPVEIL_AGREE_RESTARTS_MOST);
}

/* ---- digest ---- */

static bool has_credentials(const sv_client *c, sipveil_span realm)
{
    for (size_t i = 0; i < c->options->credential_count; i++) {
        if (sv_quoted_says(realm, c->options->credentials[i].realm)) return true;
    }
    return false;
}

/* Whether entry and challenge together ask for what we can do. */
static bool can_answer(const sv_client *c, const sv_mechanism *entry, const sv_auth *challenge)
{
    sv_digest_rules rules = {c->options->profile, c->options->allow_no_qop, c->options->allow_sha256};
    sv_digest_algorithm algorithm;
    sv_qop qop;
    sipveil_error why;
    return challenge->has_realm && challenge->has_nonce && has_credentials(c, challenge->realm) &&
           sv_digest_demand(entry, challenge, rules, &algorithm, &qop, &why) == SIPVEIL_OK;
}

/* The challenge for the chosen entry: one that we can answer; of several, the one with its algorithm. */
static bool find_challenge(const sv_client *c, const sv_mechanism *entry, sv_field_id id, sipveil_span *value)
{
    const sv_parameter *alg = sv_mechanism_digest_field(entry, SV_D_ALG, c->options->profile);
    bool found = false;
    const sv_sip_field *row = sv_sip_first(c->view, id);
    for (; row != NULL; row = sv_sip_next(c->view, row)) {
        sv_auth auth;
        bool digest;
        if (sv_auth_read(row->value, &auth, &digest, NULL) != SIPVEIL_OK || !digest || !can_answer(c, entry, &auth)) continue;
        bool fits = alg != NULL && sv_equal_nocase(auth.algorithm.len > 0 ? auth.algorithm : SV_SPAN("MD5"), alg->value);
        if (!found || fits) *value = row->value;
        found = true;
        if (fits) return true;
    }
    return found;
}

static sipveil_code start_digest(sv_client *c, const sv_mechanism *entry, bool *missing)
{
    uint8_t *digits = sv_arena_alloc_raw(c->op->arena, 2 * CNONCE_OCTETS);
    sipveil_span value = {0};
    c->a->www = c->options->profile == SIPVEIL_AGREE_DRAFT04 || !find_challenge(c, entry, SV_F_PROXY_AUTHENTICATE, &value);
    *missing = c->a->www && !find_challenge(c, entry, SV_F_WWW_AUTHENTICATE, &value); /* D-06 */
    if (*missing) return SIPVEIL_OK;
    if (digits == NULL) return sv_no_memory(c->op->err, SV_AGREE);
    SV_TRY(sv_random_hex(c->op->crypto, digits, CNONCE_OCTETS, c->op->err));
    c->a->challenge = value;
    c->a->cnonce = sv_span(digits, 2 * CNONCE_OCTETS);
    c->a->nonce_count = 0;
    return SIPVEIL_OK;
}

/* ---- smime ---- */

static sipveil_code start_smime(sv_client *c, bool *missing)
{
    sipveil_span der;
    sipveil_code code = sv_smime_accept_certificate(c->op, c->view, c->options, c->event->now, c->a->certificate, &der);
    if (code == SIPVEIL_INTERNAL || code == SIPVEIL_USAGE) return code;
    if (code != SIPVEIL_OK) {
        sipveil_error why = *c->op->err;
        sv_error_clear(c->op->err);
        return sv_client_fail(c, SIPVEIL_AGREE_E_CERT, "AGR-46", "%s", why.text);
    }
    if (der.len > 0) c->a->certificate = der;
    *missing = c->a->certificate.len == 0;
    c->a->expires = c->event->now + SMIME_LIFE; /* AGR-44 */
    return SIPVEIL_OK;
}

static sipveil_code take_start_data(sv_client *c, const sv_mechanism *entry, bool *missing)
{
    *missing = false;
    c->a->expires = 0;
    if (sv_mechanism_is_digest(entry->kind)) return start_digest(c, entry, missing);
    if (entry->kind == SV_MECH_SMIME) return start_smime(c, missing);
    return SIPVEIL_OK;
}

sipveil_code sv_client_start_mechanism(sv_client *c, const sv_mechanism_list *list, const sv_choice *choice, bool *missing)
{
    const sv_mechanism *entry = choice->entry;
    SV_TRY(take_start_data(c, entry, missing));
    if (*missing || c->a->state == SIPVEIL_AGREE_FAILED) return SIPVEIL_OK;
    c->a->server_list = list->text;
    if (c->a->first_list.len == 0) c->a->first_list = list->text;
    c->a->chosen = (uint32_t)choice->place;
    c->a->rank = choice->rank;
    c->a->mechanism = entry->name;
    bool at_once = sv_mechanism_is_digest(entry->kind) || entry->kind == SV_MECH_SMIME;
    c->a->state = at_once ? SIPVEIL_AGREE_CONFIRMING : SIPVEIL_AGREE_STARTING;
    c->out->actions = SIPVEIL_AGREE_REPORT | (at_once ? SIPVEIL_AGREE_SEND : SIPVEIL_AGREE_START_MECHANISM);
    sv_report_check(c->op, "AGR-17", SIPVEIL_CHECK_PASSED, "%s is the most preferred one of the server's list that we can run",
                    SV_QUOTE(entry->name));
    SV_TRY(sv_client_next_transaction(c));
    sv_sip_view *request = sv_arena_alloc_raw(c->op->arena, sizeof *request);
    if (request == NULL) return sv_no_memory(c->op->err, SV_AGREE);
    SV_TRY(sv_sip_read(c->a->request, SV_SIP_DATAGRAM, c->op->limits, request, c->op->err));
    return sv_client_write_protected(c, request, &c->out->message);
}
