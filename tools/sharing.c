/* SPDX-License-Identifier: BSD-2-Clause */
#include "sharing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "keyref.h"
#include "report.h"
#include "secrets.h"

void sharing_begin(sharing *s)
{
    sipveil_seal_options_default(&s->s.seal);
    sipveil_e2m_options_default(&s->e2m);
    s->memory.fd = -1;
}

static bool take_act(sharing *s, const char *option, const char *v, sipveil_e2m_act *out)
{
    if (strcmp(v, "view") == 0) *out = SIPVEIL_E2M_VIEW;
    else if (strcmp(v, "verify") == 0) *out = SIPVEIL_E2M_VERIFY;
    else if (strcmp(v, "both") == 0) *out = SIPVEIL_E2M_BOTH;
    else return tool_bad_value(&s->s.common, option, v);
    return true;
}

static bool take_form(sharing *s, const char *v)
{
    static const char *const names[] = {"", "shared", "private", "split", "nested"};
    for (int form = SIPVEIL_E2M_SHARED; form <= SIPVEIL_E2M_NESTED; form++) {
        if (strcmp(v, names[form]) != 0) continue;
        s->e2m.form = (sipveil_e2m_form)form;
        return true;
    }
    return tool_bad_value(&s->s.common, "form", v);
}

static bool take_number(sharing *s, const char *option, const char *v, long long least, long long most, long long *out)
{
    char *end;
    *out = strtoll(v, &end, 10);
    return (*end == '\0' && *out >= least && *out <= most) || tool_bad_value(&s->s.common, option, v);
}

/* HOST or HOST=KEYREF */
static bool take_hop(sharing *s, const char *v)
{
    size_t i = s->e2m.hop_count; /* also the next place of a row of --policy */
    if (i == SHARING_HOPS_MOST) {
        tool_usage_error(&s->s.common, "more than %d proxies", SHARING_HOPS_MOST);
        return false;
    }
    s->hop_texts[i] = strdup(v);
    if (s->hop_texts[i] == NULL) return false;
    char *equal = strchr(s->hop_texts[i], '=');
    if (equal != NULL) *equal = '\0';
    if (s->hop_texts[i][0] == '\0' || (equal != NULL && equal[1] == '\0')) {
        return tool_bad_value(&s->s.common, "for", v);
    }
    s->hop_keys[i] = equal != NULL ? equal + 1 : NULL;
    s->hops[i].host = s->hop_texts[i];
    s->e2m.hop_count++;
    return true;
}

static bool take_item(sharing *s, const char **list, size_t *count, const char *v)
{
    if (*count == SEALING_LIST_MOST) {
        tool_usage_error(&s->s.common, "one option is given more than %d times", SEALING_LIST_MOST);
        return false;
    }
    list[(*count)++] = v;
    return true;
}

static bool take_own(sharing *s, int id, const char *v)
{
    long long number = 0;
    switch (id) {
    case O_FOR: return take_hop(s, v);
    case O_ACT: return take_act(s, "act", v, &s->e2m.act);
    case O_REPLY: return take_act(s, "reply", v, &s->e2m.reply);
    case O_KEEP: s->e2m.keep = true; return true;
    case O_SIGN_LABEL: s->e2m.sign_label = true; return true;
    case O_MAX_DECRYPTS:
        if (!take_number(s, "max-decrypts", v, 1, 1LL << 31, &number)) return false;
        s->e2m.max_decrypts = (uint32_t)number;
        return true;
    case O_CEK_REF:
        s->e2m.rfc3185 = true;
        return strcmp(v, "rfc3185") == 0 || tool_bad_value(&s->s.common, "cek-ref", v);
    case O_FORM: return take_form(s, v);
    case O_PRIVATE_TYPE: return take_item(s, s->private_types, &s->e2m.private_type_count, v);
    case O_MAY_DISCLOSE: return take_item(s, s->disclose, &s->e2m.may_disclose_count, v);
    case O_REUSE: s->e2m.reuse = v; return true;
    case O_POLICY: s->policy_file = v; return true;
    case O_ROLL: s->e2m.roll = true; return true;
    default: /* O_REUSE_BITS */
        if (!take_number(s, "reuse-bits", v, 128, 256, &number)) return false;
        s->e2m.reuse_bits = (unsigned)number;
        return true;
    }
}

bool sharing_take(sharing *s, int id, const char *v)
{
    if (id < O_SEALING_LAST) return sealing_take(&s->s, id, v);
    if (id == O_STATE) s->state = v;
    else {
        s->asked = true;
        return take_own(s, id, v);
    }
    return true;
}

/* bound:AOR: the certificate that the state file has bound to that address in the dialog of the message. */
static const char *bound_address(const char *reference)
{
    static const char scheme[] = "bound:";
    return strncmp(reference, scheme, sizeof scheme - 1) == 0 ? reference + sizeof scheme - 1 : NULL;
}

static bool wants_bound(const sharing *s)
{
    bool wants = false;
    for (size_t i = 0; i < s->s.to_count; i++) wants = wants || bound_address(s->s.to[i]) != NULL;
    return wants;
}

bool sharing_settle(sharing *s)
{
    if (!sealing_settle(&s->s)) return false;
    if (wants_bound(s) && s->state == NULL) {
        tool_usage_error(&s->s.common,
                         "--to bound:AOR needs --state FILE: 'sipveil identity bind' has bound the certificate there");
        return false;
    }
    if (!s->asked) {
        if (s->state == NULL || wants_bound(s)) return true;
        tool_usage_error(&s->s.common, "--state is for --keep, --reuse and --to bound:AOR");
        return false;
    }
    if (s->s.seal.mode != SIPVEIL_MODE_PAYLOAD || s->s.seal.pcscf) {
        tool_usage_error(&s->s.common,
                         "what is shared with a proxy is a body: --for and its company need --mode payload");
        return false;
    }
    if ((s->e2m.keep || s->e2m.reuse != NULL) && s->state == NULL) {
        tool_usage_error(&s->s.common, "--keep and --reuse need --state FILE: that is where the key is held");
        return false;
    }
    if (s->e2m.hop_count == 0 && s->policy_file == NULL && s->e2m.reuse == NULL && s->e2m.form != SIPVEIL_E2M_PRIVATE) {
        tool_usage_error(&s->s.common, "there is no proxy to share with: --for HOST=KEYREF");
        return false;
    }
    return true;
}

/* The keys of one option: each reference must name exactly one. */
static int load_key(sharing *s, const char *reference, bool sign, const sipveil_key **key)
{
    size_t place = sipveil_keyring_count(s->ring);
    int exit_code = keyref_add(&s->s.common, s->ring, reference, s->s.allow_open);
    if (exit_code != TOOL_OK) return exit_code;
    size_t added = sipveil_keyring_count(s->ring) - place;
    if (added != 1) {
        return tool_failure(&s->s.common, TOOL_USAGE, "pick one: FILE,kid=TEXT, or object= or id= of a pkcs11 URI",
                            "%s holds %zu keys", reference, added);
    }
    *key = sipveil_keyring_at(s->ring, place);
    if (sign && sipveil_key_get_kind(*key) != SIPVEIL_KEY_PRIVATE) {
        return tool_failure(&s->s.common, TOOL_USAGE, "a signer is a certificate with its private key",
                            "%s cannot sign: it is a %s", reference, sipveil_key_describe(*key));
    }
    return TOOL_OK;
}

static int load_keys(sharing *s)
{
    int exit_code = TOOL_OK;
    for (size_t i = 0; exit_code == TOOL_OK && i < s->s.to_count; i++) {
        if (bound_address(s->s.to[i]) == NULL) exit_code = load_key(s, s->s.to[i], false, &s->recipients[i]);
    }
    for (size_t i = 0; exit_code == TOOL_OK && i < s->s.signer_count; i++) {
        exit_code = load_key(s, s->s.signers[i], true, &s->signers[i]);
    }
    for (size_t i = 0; exit_code == TOOL_OK && i < s->e2m.hop_count; i++) {
        if (s->hop_keys[i] != NULL) exit_code = load_key(s, s->hop_keys[i], false, &s->hops[i].key);
    }
    return exit_code;
}

/* ---- policy ---- */

static bool is_hop(const sharing *s, sipveil_span host)
{
    for (size_t i = 0; i < s->e2m.hop_count; i++) {
        const char *name = s->hops[i].host;
        if (strncasecmp(name, (const char *)host.data, host.len) == 0 &&
            (name[host.len] == '\0' || name[host.len] == ':')) {
            return true;
        }
    }
    return false;
}

static int add_row(sharing *s, const sipveil_e2m_row *row)
{
    size_t i = s->e2m.hop_count;
    sipveil_span host = row->need.host, file = row->certificate;
    s->e2m.act = (sipveil_e2m_act)((unsigned)s->e2m.act | (unsigned)row->need.need);
    if (is_hop(s, host)) return TOOL_OK;
    if (i == SHARING_HOPS_MOST) return tool_usage_error(&s->s.common, "more than %d proxies", SHARING_HOPS_MOST);
    if (file.len == 0 && s->s.to_count > 0) {
        return tool_failure(&s->s.common, TOOL_USAGE, "give it in the row, or with --for HOST=KEYREF",
                            "--policy: the row of %.*s names no certificate", (int)host.len, (const char *)host.data);
    }
    s->hop_texts[i] = malloc(host.len + file.len + 2);
    if (s->hop_texts[i] == NULL) return tool_failure(&s->s.common, TOOL_FAILED, NULL, "no memory");
    memcpy(s->hop_texts[i], host.data, host.len);
    s->hop_texts[i][host.len] = '\0';
    if (file.len > 0) memcpy(s->hop_texts[i] + host.len + 1, file.data, file.len);
    s->hop_texts[i][host.len + 1 + file.len] = '\0';
    s->hops[i] = (sipveil_e2m_hop){.host = s->hop_texts[i]};
    s->e2m.hop_count++;
    return file.len > 0 ? load_key(s, s->hop_texts[i] + host.len + 1, false, &s->hops[i].key) : TOOL_OK;
}

int sharing_add_bound(sharing *s, sipveil_span message)
{
    sipveil_error err;
    for (size_t i = 0; i < s->s.to_count; i++) {
        const char *aor = bound_address(s->s.to[i]);
        if (aor == NULL) continue;
        if (sipveil_identity_add_bound(s->worker, s->memory.memory, message, aor, s->memory.now, s->ring, &err) !=
            SIPVEIL_OK) {
            return tool_error(&s->s.common, NULL, &err);
        }
        s->recipients[i] = sipveil_keyring_at(s->ring, sipveil_keyring_count(s->ring) - 1);
    }
    return TOOL_OK;
}

int sharing_apply_policy(sharing *s, sipveil_span message)
{
    sipveil_e2m_row rows[SHARING_HOPS_MOST];
    size_t count = 0;
    sipveil_error err;
    int exit_code = TOOL_OK;
    if (s->policy == NULL) return TOOL_OK;
    if (sipveil_e2m_policy_match(s->worker, s->policy, message, NULL, rows, SHARING_HOPS_MOST, &count, &err) !=
        SIPVEIL_OK) {
        return tool_error(&s->s.common, NULL, &err);
    }
    for (size_t i = 0; i < count && exit_code == TOOL_OK; i++) exit_code = add_row(s, &rows[i]);
    return exit_code;
}

static int read_policy(sharing *s)
{
    io_octets text;
    sipveil_error err;
    int exit_code = TOOL_OK;
    if (s->policy_file == NULL) return TOOL_OK;
    if (!io_read(&s->s.common, s->policy_file, 1 << 20, &text, &exit_code)) return exit_code;
    exit_code = TOOL_OK;
    if (sipveil_e2m_policy_read((sipveil_span){text.data, text.len}, &s->policy, &err) != SIPVEIL_OK) {
        exit_code = tool_error(&s->s.common, s->policy_file, &err);
    }
    io_free(&text);
    return exit_code;
}

int sharing_prepare(sharing *s)
{
    sipveil_error err;
    int exit_code = TOOL_OK;
    if (sipveil_context_new(NULL, &s->context, &err) != SIPVEIL_OK ||
        sipveil_keyring_new(s->context, &s->ring, &err) != SIPVEIL_OK ||
        sipveil_worker_new(s->context, &s->worker, &err) != SIPVEIL_OK) {
        return tool_error(&s->s.common, NULL, &err);
    }
    for (size_t i = 0; i < s->s.trust_count; i++) {
        if (sipveil_keyring_add_anchors(s->ring, s->s.trust[i], &err) == SIPVEIL_OK) continue;
        (void)tool_error(&s->s.common, NULL, &err);
        return TOOL_USAGE;
    }
    exit_code = load_keys(s);
    if (exit_code == TOOL_OK) exit_code = read_policy(s);
    if (exit_code == TOOL_OK) secrets_tell(&s->s.common, s->ring);
    if (exit_code == TOOL_OK && s->state != NULL) {
        exit_code = statefile_open(&s->s.common, s->state, (int64_t)time(NULL), &s->memory);
    }
    sipveil_seal_options *seal = &s->s.seal;
    seal->recipients = s->recipients;
    seal->recipient_count = s->s.to_count;
    seal->signers = s->signers;
    seal->signer_count = s->s.signer_count;
    seal->trust = s->ring;
    seal->accept_bare_lf = true;
    s->e2m.seal = *seal;
    s->e2m.hops = s->hops;
    s->e2m.private_types = s->private_types;
    s->e2m.may_disclose = s->disclose;
    s->e2m.memory = s->memory.memory;
    return exit_code;
}

int sharing_report(sharing *s)
{
    sipveil_span json;
    sipveil_error err;
    if (sipveil_e2m_report_json(s->worker, &json, &err) != SIPVEIL_OK) return TOOL_OK;
    return report_write(&s->s.common, json);
}

int sharing_hand_out(sharing *s, const char *path, const sipveil_sealed *sealed, int done)
{
    for (size_t i = 0; i < sealed->warning_count; i++) tool_warning(&s->s.common, path, "%s", sealed->warnings[i].text);
    int exit_code = sharing_report(s);
    /* The count of a key is kept before the message goes out, so that it is never used once too often. */
    if (exit_code == TOOL_OK && s->state != NULL) exit_code = statefile_save(&s->s.common, &s->memory);
    if (exit_code == TOOL_OK) exit_code = io_write_output(&s->s.common, sealed->message, IO_BINARY);
    return exit_code == TOOL_OK ? done : exit_code;
}

void sharing_end(sharing *s)
{
    statefile_close(&s->memory);
    sipveil_e2m_policy_free(s->policy);
    sipveil_worker_free(s->worker);
    sipveil_keyring_free(s->ring);
    sipveil_context_free(s->context);
    for (size_t i = 0; i < SHARING_HOPS_MOST; i++) free(s->hop_texts[i]);
    sealing_end(&s->s);
}
