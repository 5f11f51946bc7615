/* SPDX-License-Identifier: BSD-2-Clause */
#include "agreeing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

enum { CREDENTIALS_OCTETS_MOST = 1 << 20 };

/* The place of a word in a list; false after a message. */
static bool take_word(const agreeing *g, const char *option, const char *value, const char *const *words, size_t count, int *place)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, words[i]) != 0) continue;
        *place = (int)i;
        return true;
    }
    return tool_bad_value(&g->o.common, option, value);
}

static bool take_policy(agreeing *g, const char *v)
{
    static const char *const client[] = {"may", "must"}, *const server[] = {"required", "optional", "off"}; /* by sipveil_agree_policy */
    int place = 0;
    g->policy_given = true;
    if (strcmp(g->o.common.verb, "agree offer") == 0) {
        if (!take_word(g, "policy", v, client, 2, &place)) return false;
        g->client.must = place == 1;
        return true;
    }
    if (!take_word(g, "policy", v, server, 3, &place)) return false;
    g->server.policy = (sipveil_agree_policy)place;
    return true;
}

static bool take_flag(agreeing *g, int id)
{
    switch (id) {
    case O_PASSIVE: return g->client.passive = true;
    case O_OVER_TLS: return g->over_tls = true;
    case O_TO_PROXY: return g->client.next_hop_is_proxy = true;
    case O_SMIME_TO_PROXY: return g->client.next_hop_is_proxy = g->client.smime_to_proxy = true;
    case O_DECLINE: return g->decline = true;
    case O_NO_QOP: return g->client.allow_no_qop = g->server.allow_no_qop = true;
    case O_SHA256: return g->client.allow_sha256 = g->server.allow_sha256 = true;
    case O_WEAK_ALGORITHMS: return g->client.allow_weak = true;
    case O_PRINT_XFRM: return g->print_xfrm = true;
    case O_AS_PROXY: return g->client.is_proxy = true;
    case O_ANSWER_SUPPORTED: return g->server.answer_supported = true;
    case O_ACK_OF_FAILURE: return g->ack_of_failure = true;
    default: return false;
    }
}

static bool take_word_option(agreeing *g, int id, const char *v)
{
    static const char *const roles[] = {"proxy", "uas", "registrar"}, *const forms[] = {"", "abnf", "value", "both"};
    int place = 0;
    switch (id) {
    case O_AGREE_PROFILE:
        if (!sipveil_agree_profile_by_name(v, &g->profile)) return tool_bad_value(&g->o.common, "profile", v);
        return true;
    case O_POLICY: return take_policy(g, v);
    case O_ROLE:
        if (!take_word(g, "role", v, roles, 3, &place)) return false;
        g->server.role = (sipveil_agree_role)place;
        return true;
    case O_DVER_FORM:
        if (!take_word(g, "dver-form", v, forms, 4, &place)) return false;
        g->client.dver_form = g->server.dver_form = (sipveil_agree_dver_form)place;
        return true;
    case O_NONCE_LIFETIME: {
        char *end;
        g->server.nonce_lifetime = strtoll(v, &end, 10);
        if (*end != '\0' || g->server.nonce_lifetime < 1 || g->server.nonce_lifetime > 86400) {
            return tool_bad_value(&g->o.common, "nonce-lifetime", v);
        }
        return true;
    }
    default: return opening_take(&g->o, id, v);
    }
}

bool agreeing_take(void *state, int id, const char *v)
{
    agreeing *g = state;
    switch (id) {
    case O_LIST: g->list = v; return true;
    case O_STATE: g->state = v; return true;
    case O_CREDENTIALS: g->credential_file = v; return true;
    case O_RECEIVED_OVER: g->received_over = v; return true;
    case O_NEXT_HOP: g->next_hop = v; return true;
    case O_IMS_KEYS: g->ims_keys = v; return true;
    case O_LOCAL: g->local = v; return true;
    case O_REMOTE: g->remote = v; return true;
    case O_REALM: g->realm = v; return true;
    case O_PIN:
        if (strcmp(g->o.common.verb, "agree choose") != 0) return opening_take(&g->o, id, v);
        if (g->hop_pins.count == OPENING_LIST_MOST) return tool_bad_value(&g->o.common, "pin", v);
        g->hop_pins.items[g->hop_pins.count++] = v;
        return true;
    case O_PROTECTED_BY: g->protected_by = v; return true;
    default: return take_flag(g, id) || take_word_option(g, id, v);
    }
}

/* ---- credentials ---- */

static int take_line(agreeing *g, char *line, size_t number)
{
    char *username = strchr(line, '\t');
    char *password = username != NULL ? strchr(username + 1, '\t') : NULL;
    if (line[0] == '\0' || line[0] == '#') return TOOL_OK;
    if (password == NULL || username == line || password == username + 1 || strchr(password + 1, '\t') != NULL) {
        return tool_failure(&g->o.common, TOOL_USAGE, "realm TAB username TAB password", "%s: line %zu is no line of credentials",
                            g->credential_file, number);
    }
    if (g->credential_count == AGREEING_CREDENTIALS_MOST) {
        return tool_failure(&g->o.common, TOOL_USAGE, NULL, "%s: more than %d lines", g->credential_file, AGREEING_CREDENTIALS_MOST);
    }
    *username++ = *password++ = '\0';
    g->credentials[g->credential_count++] = (sipveil_agree_credentials){line, username, password};
    return TOOL_OK;
}

static int read_credentials(agreeing *g)
{
    int exit_code = TOOL_OK;
    size_t number = 0;
    if (g->credential_file == NULL) return TOOL_OK;
    if (!keyref_read_secret(&g->o.common, g->credential_file, g->o.allow_open, CREDENTIALS_OCTETS_MOST, &g->credential_text)) {
        return TOOL_USAGE;
    }
    if (memchr(g->credential_text.data, '\0', g->credential_text.len) != NULL) {
        return tool_failure(&g->o.common, TOOL_USAGE, NULL, "%s: no text", g->credential_file);
    }
    char *at = (char *)g->credential_text.data;
    at[g->credential_text.len] = '\0'; /* there is room: fewer octets were read than fit */
    for (char *line; exit_code == TOOL_OK && (line = strsep(&at, "\n")) != NULL;) {
        size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\r') line[length - 1] = '\0';
        exit_code = take_line(g, line, ++number);
    }
    if (exit_code == TOOL_OK && g->credential_count == 0) {
        exit_code = tool_failure(&g->o.common, TOOL_USAGE, "realm TAB username TAB password", "%s: holds no credentials", g->credential_file);
    }
    return exit_code;
}

int agreeing_prepare(agreeing *g)
{
    int exit_code = opening_prepare(&g->o);
    if (exit_code == TOOL_OK) exit_code = read_credentials(g);
    g->now = g->o.open.has_at ? g->o.open.at : (int64_t)time(NULL);
    g->client.accept_bare_lf = true; /* of a request that a person wrote */
    g->client.credentials = g->server.credentials = g->credentials;
    g->client.credential_count = g->server.credential_count = g->credential_count;
    return exit_code;
}

int agreeing_read_list(agreeing *g, sipveil_span text, sipveil_agree_side side)
{
    sipveil_error err;
    if (sipveil_agree_list_read(text, g->profile, side, &g->own, &err) != SIPVEIL_OK) {
        return tool_error(&g->o.common, "--list", &err);
    }
    g->client.list = g->server.list = g->own;
    g->client.profile = g->server.profile = g->profile;
    return TOOL_OK;
}

int agreeing_write_report(agreeing *g)
{
    sipveil_span json;
    sipveil_error err;
    if (sipveil_agree_report_json(g->o.worker, &json, &err) != SIPVEIL_OK) return TOOL_OK;
    return report_write(&g->o.common, json);
}

void agreeing_warn(const agreeing *g, const sipveil_warning *warnings, size_t count)
{
    for (size_t i = 0; i < count; i++) tool_warning(&g->o.common, g->operand, "%s", warnings[i].text);
}

void agreeing_end(agreeing *g)
{
    sipveil_agree_list_free(g->own);
    io_free(&g->credential_text);
    opening_end(&g->o);
}
