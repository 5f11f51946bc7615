/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil proxy */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "opening.h"
#include "peer.h"
#include "report.h"
#include "statefile.h"

enum proxy_option {
    O_HOST = O_OPENING_LAST,
    O_FROM,
    O_POLICY,
    O_STATE,
    O_VIEW,
    O_WIRE,
    O_496,
    O_UNPROTECTED,
    O_TELL
};

static const tool_option options[] = {
    {O_HOST, "host", 0, "HOST", true,
     "our host name, as labels have it; repeat for more, the first one is told to others"},
    {O_KEY, "key", 0, "KEYREF", true, "a key of ours; the certificate that names our host goes into refusals"},
    {O_CERT, "cert", 0, "FILE|DIR", true, "certificates of others, for signatures that carry none"},
    {O_TRUST, "trust", 0, "FILE|DIR", true, "trust anchors (PEM)"},
    {O_CRL, "crl", 0, "FILE", true, "revocation lists (PEM)"},
    {O_PIN, "pin", 0, "AOR=SHA256", true, "accept exactly this certificate for that AOR"},
    {O_FROM, "from", 0, "PEER", false,
     "how it came in: proto=tls, sa=NAME, interface=NAME, ...; else only signed labels count"},
    {O_POLICY, "policy", 0, "FILE", false, "rows that say what this proxy demands"},
    {O_STATE, "state", 0, "FILE", false, "remembers seen messages and keys there between calls (0600, locked)"},
    {O_VIEW, "view", 0, "FILE", false, "write there what we may read; - is standard error"},
    {O_WIRE, "profile", 0, "e2m|draft", false,
     "how a refusal says what is needed: e2m (default), or the codes of the drafts"},
    {O_496, "proxy-undecipherable", 0, NULL, false, "with --profile draft: 496 instead of 493"},
    {O_AT, "at", 0, "TIME", false, "check certificates and Date at this RFC 3339 time"},
    {O_DATE_WINDOW, "date-window", 0, "SECONDS|any", false, "how far Date may be from now (default 3600)"},
    {O_ALLOW_WEAK, "allow-weak", 0, "NAME[,...]", false, "sha1, rsa1024, rsa-v1.5, 3des, no-signed-attrs"},
    {O_UNPROTECTED, "allow-unprotected-cekref", 0, NULL, false,
     "take key references that nothing authenticates (RFC 3185)"},
    {O_OPEN_KEY_FILE, "allow-open-key-file", 0, NULL, false, "accept secret files that others can read"},
    {O_TELL, "tell-needs", 0, NULL, false, "add what --policy demands to a 2xx to OPTIONS or REGISTER"},
    TOOL_COMMON_OPTIONS,
};

typedef struct proxy_state {
    opening o; /* first: opening_take gets the same pointer */
    sipveil_e2m_proxy_options proxy;
    opening_list hosts;
    peer_facts from;
    const char *policy_file, *state, *view;
    sipveil_e2m_policy *policy;
} proxy_state;

/* E2M asks of a hop whether somebody vouches for it. */
static bool take_peer(proxy_state *s, const char *v)
{
    if (!peer_take(&s->o.common, "from", v, &s->from)) return false;
    if ((s->from.proto != NULL && strcmp(s->from.proto, "tls") == 0) || s->from.sa != NULL) {
        s->proxy.protected_hop = s->proxy.sender_authenticated = true;
    }
    if (s->from.interface != NULL) s->proxy.interface = s->from.interface;
    s->proxy.source = s->from.address != NULL ? s->from.address : s->from.names[0];
    return true;
}

static bool take(void *state, int id, const char *v)
{
    proxy_state *s = state;
    switch (id) {
    case O_HOST:
        if (s->hosts.count == OPENING_LIST_MOST) return false;
        s->hosts.items[s->hosts.count++] = v;
        return true;
    case O_FROM: return take_peer(s, v);
    case O_POLICY: s->policy_file = v; return true;
    case O_STATE: s->state = v; return true;
    case O_VIEW: s->view = v; return true;
    case O_TELL: s->proxy.tell_needs = true; return true;
    case O_496: s->proxy.use_496 = true; return true;
    case O_UNPROTECTED: s->proxy.allow_unprotected_cekref = true; return true;
    case O_WIRE:
        if (strcmp(v, "e2m") != 0 && strcmp(v, "draft") != 0) {
            tool_usage_error(&s->o.common, "--profile takes e2m or draft, not '%s'", v);
            return false;
        }
        s->proxy.profile = v[0] == 'd' ? SIPVEIL_E2M_PROFILE_DRAFT : SIPVEIL_E2M_PROFILE_E2M;
        return true;
    default: return opening_take(&s->o, id, v);
    }
}

static int read_policy(proxy_state *s)
{
    io_octets text;
    sipveil_error err;
    int exit_code = TOOL_OK;
    if (s->policy_file == NULL) return TOOL_OK;
    if (!io_read(&s->o.common, s->policy_file, 1 << 20, &text, &exit_code)) return exit_code;
    if (sipveil_e2m_policy_read((sipveil_span){text.data, text.len}, &s->policy, &err) != SIPVEIL_OK) {
        exit_code = tool_error(&s->o.common, s->policy_file, &err);
    } else {
        exit_code = TOOL_OK;
    }
    io_free(&text);
    s->proxy.policy = s->policy;
    return exit_code;
}

static int write_report(proxy_state *s)
{
    sipveil_span json;
    sipveil_error err;
    if (sipveil_e2m_report_json(s->o.worker, &json, &err) != SIPVEIL_OK) return TOOL_OK;
    return report_write(&s->o.common, json);
}

/* FILE for the first part, FILE.2, FILE.3 and so on for those that further labels name. */
static int write_view(proxy_state *s, const sipveil_e2m_verdict *verdict)
{
    int exit_code = TOOL_OK;
    for (size_t i = 0; exit_code == TOOL_OK && i < verdict->part_count; i++) {
        sipveil_span view = verdict->parts[i].view;
        char name[4096];
        int len =
            i == 0 ? snprintf(name, sizeof name, "%s", s->view) : snprintf(name, sizeof name, "%s.%zu", s->view, i + 1);
        if (len < 0 || len >= (int)sizeof name) return tool_usage_error(&s->o.common, "--view: name too long");
        if (strcmp(s->view, "-") == 0)
            exit_code = fwrite(view.data, 1, view.len, stderr) == view.len ? TOOL_OK : TOOL_FAILED;
        else exit_code = io_write(&s->o.common, name, view, IO_REPLACE | IO_SECRET);
    }
    return exit_code;
}

static int hand_out(proxy_state *s, const char *path, const sipveil_e2m_verdict *verdict, statefile *memory)
{
    bool respond = verdict->action == SIPVEIL_E2M_RESPOND;
    for (size_t i = 0; i < verdict->warning_count; i++) {
        tool_warning(&s->o.common, path, "%s", verdict->warnings[i].text);
    }
    if (respond) (void)tool_error(&s->o.common, path, &verdict->reason);
    int exit_code = s->state != NULL ? statefile_save(&s->o.common, memory) : TOOL_OK;
    if (exit_code == TOOL_OK && verdict->has_view && s->view != NULL) exit_code = write_view(s, verdict);
    if (exit_code == TOOL_OK) exit_code = write_report(s);
    if (exit_code == TOOL_OK) exit_code = io_write_output(&s->o.common, verdict->message, IO_BINARY);
    return exit_code == TOOL_OK && respond ? TOOL_ANSWER : exit_code;
}

static int proxy_one(proxy_state *s, const char *path)
{
    sipveil_e2m_verdict verdict;
    sipveil_error err;
    io_octets message;
    statefile memory = {.fd = -1};
    int exit_code;
    int64_t now = s->o.open.has_at ? s->o.open.at : (int64_t)time(NULL);
    if (!io_read_message(&s->o.common, path, sipveil_context_limits(s->o.context)->message, &message, &exit_code)) {
        return exit_code;
    }
    exit_code = s->state != NULL ? statefile_open(&s->o.common, s->state, now, &memory) : TOOL_OK;
    if (exit_code == TOOL_OK) {
        s->proxy.open = s->o.open;
        s->proxy.open.memory = memory.memory;
        sipveil_span octets = {message.data, message.len};
        if (sipveil_e2m_proxy_message(s->o.worker, &s->proxy, octets, &verdict, &err) != SIPVEIL_OK) {
            exit_code = tool_error(&s->o.common, path, &err);
        } else {
            exit_code = hand_out(s, path, &verdict, &memory);
        }
    }
    statefile_close(&memory);
    io_free(&message);
    return exit_code;
}

int cmd_proxy(int argc, char **argv)
{
    static const tool_verb verb = {
        "proxy", "--host HOST [--key KEYREF] [options] [FILE]",
        "Reads a message and writes what a serving proxy sends: the same message, to forward,\n"
        "or the response that refuses it (exit 10).",
        cmd_proxy};
    proxy_state s = {.o = {.common = {.verb = "proxy"}}};
    int first = 0, exit_code = TOOL_USAGE;
    sipveil_e2m_proxy_options_default(&s.proxy);
    sipveil_open_options_default(&s.o.open);
    if (tool_parse(&verb, options, sizeof options / sizeof *options, argc, argv, &s.o.common, take, &s, 1, &first,
                   &exit_code) &&
        !io_would_refuse(&s.o.common, s.o.common.output, s.o.common.force, &exit_code)) {
        if (s.hosts.count == 0) {
            exit_code = tool_usage_error(&s.o.common, "--host HOST is needed: who are we?");
        } else {
            s.proxy.hosts = s.hosts.items;
            s.proxy.host_count = s.hosts.count;
            exit_code = opening_prepare(&s.o);
            if (exit_code == TOOL_OK) exit_code = read_policy(&s);
            if (exit_code == TOOL_OK) exit_code = proxy_one(&s, first < argc ? argv[first] : NULL);
        }
    }
    sipveil_e2m_policy_free(s.policy);
    opening_end(&s.o);
    peer_end(&s.from);
    return exit_code;
}
