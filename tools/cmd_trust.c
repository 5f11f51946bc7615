/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil trust apply, sipveil trust check-table */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "opening.h"
#include "peer.h"
#include "report.h"
#include "statefile.h"
#include "tablefile.h"

enum trust_option {
    O_TABLE = O_OPENING_LAST,
    O_FROM,
    O_TO,
    O_AUTH,
    O_AUTH_METHOD,
    O_BORDER_PROFILE,
    O_TARGET,
    O_CHALLENGE,
    O_REGISTRAR,
    O_OWN_IDENTITY,
    O_STATE
};

static const tool_option apply_options[] = {
    {O_TABLE, "table", 0, "FILE", false, "the partner table"},
    {O_FROM, "from", 0, "PEER", false,
     "facts about the previous hop: addr=, proto=, cert= or name=, sa=, signer=, interface="},
    {O_TO, "to", 0, "PEER", false, "facts about the next hop"},
    {O_AUTH, "auth", 0, "URI", true,
     "an identity of the originator, whom we have authenticated; the first is the default"},
    {O_AUTH_METHOD, "auth-method", 0, "NAME", false, "how: one of `authentication` of the table"},
    {O_TRUST, "trust", 0, "FILE|DIR", true, "trust anchors (PEM) for cert= and signer="},
    {O_CRL, "crl", 0, "FILE", true, "revocation lists (PEM)"},
    {O_BORDER_PROFILE, "profile", 0, "mm-border|rfc3325|ims-rel5", false, "instead of that of the table"},
    {O_TARGET, "target", 0, "DOMAIN", false,
     "the next hop's domain, where routing chose another than the message names"},
    {O_CHALLENGE, "challenge", 0, "VALUE", false, "Proxy-Authenticate value for must_auth = challenge"},
    {O_REGISTRAR, "registrar", 0, NULL, false, "challenge with 401 instead of 407"},
    {O_OWN_IDENTITY, "own-identity", 0, NULL, false, "the Identity field is ours and not sent yet"},
    {O_STATE, "state", 0, "FILE", false, "remembers what a privacy service hides (0600, locked)"},
    {O_AT, "at", 0, "TIME", false, "judge at this RFC 3339 time"},
    TOOL_COMMON_OPTIONS,
};

static const tool_option check_options[] = {TOOL_COMMON_OPTIONS};

typedef struct hop {
    peer_facts facts;
    sipveil_domain_certificate *certificate, *signer;
    sipveil_trust_peer peer;
} hop;

typedef struct trust_state {
    opening o; /* first: opening_take gets the same pointer */
    const char *table_file, *target, *state;
    opening_list identities;
    hop from, to;
    sipveil_border_options border;
    sipveil_trust_table *table;
    sipveil_border *gate;
} trust_state;

static bool take_profile(trust_state *s, const char *v)
{
    static const struct {
        const char *name;
        sipveil_trust_profile profile;
    } known[] = {{"mm-border", SIPVEIL_TRUST_PROFILE_MM_BORDER},
                 {"rfc3325", SIPVEIL_TRUST_PROFILE_RFC3325},
                 {"ims-rel5", SIPVEIL_TRUST_PROFILE_IMS_REL5}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(v, known[i].name) != 0) continue;
        s->border.profile = known[i].profile;
        return true;
    }
    tool_usage_error(&s->o.common, "--profile takes mm-border, rfc3325 or ims-rel5, not '%s'", v);
    return false;
}

static bool take(void *state, int id, const char *v)
{
    trust_state *s = state;
    switch (id) {
    case O_TABLE: s->table_file = v; return true;
    case O_FROM: return peer_take(&s->o.common, "from", v, &s->from.facts);
    case O_TO: return peer_take(&s->o.common, "to", v, &s->to.facts);
    case O_AUTH:
        if (s->identities.count == OPENING_LIST_MOST) {
            tool_usage_error(&s->o.common, "more than %d of one option", OPENING_LIST_MOST);
            return false;
        }
        s->identities.items[s->identities.count++] = v;
        return true;
    case O_AUTH_METHOD: s->border.auth_method = v; return true;
    case O_BORDER_PROFILE: return take_profile(s, v);
    case O_TARGET: s->target = v; return true;
    case O_CHALLENGE: s->border.challenge = v; return true;
    case O_REGISTRAR: s->border.is_registrar = true; return true;
    case O_OWN_IDENTITY: s->border.identity_field_is_ours = true; return true;
    case O_STATE: s->state = v; return true;
    default: return opening_take(&s->o, id, v);
    }
}

/* ---- facts ---- */

static int read_certificate(trust_state *s, const char *option, const char *path, sipveil_domain_certificate **out)
{
    io_octets octets;
    sipveil_error err;
    int exit_code = TOOL_OK;
    if (path == NULL) return TOOL_OK;
    if (!io_read(&s->o.common, path, 1 << 20, &octets, &exit_code)) return TOOL_USAGE;
    if (sipveil_domain_certificate_read(s->o.ring, (sipveil_span){octets.data, octets.len}, s->border.at, out, &err) !=
        SIPVEIL_OK) {
        exit_code = tool_error(&s->o.common, path, &err);
    } else {
        exit_code = TOOL_OK;
        const char *why = sipveil_domain_certificate_why(*out);
        if (why[0] != '\0') tool_warning(&s->o.common, path, "--%s: %s", option, why);
    }
    io_free(&octets);
    return exit_code;
}

static int settle_hop(trust_state *s, const char *option, hop *h)
{
    const peer_facts *f = &h->facts;
    int exit_code = read_certificate(s, option, f->cert, &h->certificate);
    if (exit_code == TOOL_OK) exit_code = read_certificate(s, option, f->signer, &h->signer);
    h->peer = (sipveil_trust_peer){.size = sizeof h->peer,
                                   .address = f->address,
                                   .names = f->names,
                                   .name_count = f->name_count,
                                   .certificate = h->certificate,
                                   .signer = h->signer,
                                   .sa = f->sa,
                                   .interface = f->interface,
                                   .readable = f->readable};
    if (f->proto != NULL) {
        h->peer.transport = strcmp(f->proto, "tls") == 0   ? SIPVEIL_TRUST_TLS
                            : strcmp(f->proto, "tcp") == 0 ? SIPVEIL_TRUST_TCP
                                                           : SIPVEIL_TRUST_UDP;
    }
    return exit_code;
}

static void hop_end(hop *h)
{
    sipveil_domain_certificate_free(h->certificate);
    sipveil_domain_certificate_free(h->signer);
    peer_end(&h->facts);
}

/* Table, keyring with the table's own anchors, facts, border. */
static int prepare(trust_state *s)
{
    sipveil_error err;
    int exit_code = opening_prepare(&s->o);
    if (exit_code == TOOL_OK) exit_code = tablefile_read(&s->o.common, s->table_file, s->o.context, &s->table);
    for (size_t i = 0; exit_code == TOOL_OK && sipveil_trust_table_anchor_file(s->table, i) != NULL; i++) {
        const char *path = sipveil_trust_table_anchor_file(s->table, i);
        if (sipveil_keyring_add_anchors(s->o.ring, path, &err) == SIPVEIL_OK) continue;
        (void)tool_error(&s->o.common, NULL, &err);
        exit_code = TOOL_USAGE;
    }
    s->border.has_at = true;
    s->border.at = s->o.open.has_at ? s->o.open.at : (int64_t)time(NULL);
    if (exit_code == TOOL_OK) exit_code = settle_hop(s, "from", &s->from);
    if (exit_code == TOOL_OK) exit_code = settle_hop(s, "to", &s->to);
    s->border.table = s->table;
    s->border.identities = s->identities.items;
    s->border.identity_count = s->identities.count;
    s->border.link = &s->from.peer;
    if (exit_code == TOOL_OK && sipveil_border_new(s->o.context, &s->gate, &err) != SIPVEIL_OK)
        exit_code = tool_error(&s->o.common, NULL, &err);
    return exit_code;
}

/* ---- apply ---- */

static void tell_verdict(const trust_state *s, const char *option, const sipveil_trust_verdict *v)
{
    char reasons[128] = "";
    if (!s->o.common.verbose) return;
    for (unsigned bit = 1; bit <= SIPVEIL_TRUST_INSECURE; bit <<= 1) {
        if (!(v->reasons & bit)) continue;
        size_t used = strlen(reasons);
        snprintf(reasons + used, sizeof reasons - used, " %s", sipveil_trust_reason_name(bit));
    }
    fprintf(stderr, "--%s: %s, level %u, partner %s%s%s\n", option, v->trusted ? "trusted" : "not trusted", v->level,
            v->partner[0] != '\0' ? v->partner : "none", reasons[0] != '\0' ? ":" : "", reasons);
}

static sipveil_code cross(trust_state *s, sipveil_span message, sipveil_border_result *result, sipveil_error *err)
{
    sipveil_trust_verdict from, to;
    sipveil_trust_judge_peer(s->table, s->border.profile, SIPVEIL_TRUST_IN, (sipveil_span){NULL, 0}, &s->from.peer,
                             s->border.at, &from);
    tell_verdict(s, "from", &from);
    sipveil_code code = sipveil_border_arrive(s->gate, &s->border, message, &from, result, err);
    if (code != SIPVEIL_OK || result->action != SIPVEIL_BORDER_FORWARD) return code;
    sipveil_span target = sipveil_border_target(s->gate);
    if (s->target != NULL) target = (sipveil_span){(const uint8_t *)s->target, strlen(s->target)};
    sipveil_trust_judge_peer(s->table, s->border.profile, SIPVEIL_TRUST_OUT, target, &s->to.peer, s->border.at, &to);
    tell_verdict(s, "to", &to);
    if (to.close) {
        tool_warning(&s->o.common, NULL, "the next hop's certificate is not for %.*s at all: close that connection",
                     (int)target.len, (const char *)target.data);
    }
    return sipveil_border_leave(s->gate, &to, result, err);
}

static int write_report(trust_state *s)
{
    sipveil_span json;
    sipveil_error err;
    if (sipveil_border_report_json(s->gate, &json, &err) != SIPVEIL_OK) return TOOL_OK;
    return report_write(&s->o.common, json);
}

static int hand_out(trust_state *s, const char *path, const sipveil_border_result *result)
{
    for (size_t i = 0; i < result->warning_count; i++) tool_warning(&s->o.common, path, "%s", result->warnings[i].text);
    if (result->action != SIPVEIL_BORDER_FORWARD) {
        sipveil_error why = {.code = SIPVEIL_POLICY};
        snprintf(why.text, sizeof why.text, "%s", result->why);
        snprintf(why.rule, sizeof why.rule, "%s", result->rule);
        (void)tool_error(&s->o.common, path, &why);
    }
    int exit_code = write_report(s);
    if (exit_code != TOOL_OK) return exit_code;
    if (result->action == SIPVEIL_BORDER_DROP) return sipveil_code_exit(SIPVEIL_POLICY);
    exit_code = io_write_output(&s->o.common, result->message, IO_BINARY);
    return exit_code == TOOL_OK && result->action == SIPVEIL_BORDER_RESPOND ? TOOL_ANSWER : exit_code;
}

static int apply_one(trust_state *s, const char *path)
{
    sipveil_border_result result;
    sipveil_error err;
    io_octets message;
    statefile memory = {.fd = -1};
    int exit_code;
    if (!io_read_message(&s->o.common, path, sipveil_context_limits(s->o.context)->message, &message, &exit_code))
        return exit_code;
    exit_code = s->state != NULL ? statefile_open(&s->o.common, s->state, s->border.at, &memory) : TOOL_OK;
    if (exit_code == TOOL_OK) {
        s->border.memory = memory.memory;
        if (cross(s, (sipveil_span){message.data, message.len}, &result, &err) != SIPVEIL_OK) {
            exit_code = tool_error(&s->o.common, err.code == SIPVEIL_USAGE ? NULL : path, &err); /* USAGE: an option */
        } else {
            exit_code = s->state != NULL ? statefile_save(&s->o.common, &memory) : TOOL_OK;
            if (exit_code == TOOL_OK) exit_code = hand_out(s, path, &result);
        }
    }
    statefile_close(&memory);
    io_free(&message);
    return exit_code;
}

static int run_apply(int argc, char **argv)
{
    static const tool_verb verb = {
        "trust apply", "--table FILE --from PEER --to PEER [--auth URI] [options] [FILE]",
        "Takes a message over the border: what of P-Asserted-Identity, Privacy and their like goes\n"
        "on to the next hop, or the response instead (exit 10).",
        NULL};
    trust_state s = {.o = {.common = {.verb = verb.name}}, .border = {.size = sizeof s.border}};
    int first = 0, exit_code = TOOL_USAGE;
    sipveil_open_options_default(&s.o.open);
    if (tool_parse(&verb, apply_options, sizeof apply_options / sizeof *apply_options, argc, argv, &s.o.common, take,
                   &s, 1, &first, &exit_code) &&
        !io_would_refuse(&s.o.common, s.o.common.output, s.o.common.force, &exit_code)) {
        if (s.table_file == NULL || s.from.facts.text == NULL || s.to.facts.text == NULL) {
            exit_code = tool_usage_error(&s.o.common, "%s is missing", s.table_file == NULL         ? "--table FILE, the table of partners,"
                                                                       : s.from.facts.text == NULL ? "--from PEER, the hop that it came from,"
                                                                                                   : "--to PEER, the hop that it goes to,");
        } else {
            exit_code = prepare(&s);
            if (exit_code == TOOL_OK) exit_code = apply_one(&s, first < argc ? argv[first] : NULL);
        }
    }
    sipveil_border_free(s.gate);
    hop_end(&s.from);
    hop_end(&s.to);
    sipveil_trust_table_free(s.table);
    opening_end(&s.o);
    return exit_code;
}

/* ---- check-table ---- */

static bool take_nothing(void *state, int id, const char *v)
{
    (void)state, (void)id, (void)v;
    return false;
}

static int run_check(int argc, char **argv)
{
    static const tool_verb verb = {
        "trust check-table", "[options] [FILE]",
        "Checks a partner table as a whole and writes the effective one: includes in place, every\n"
        "default written out.",
        NULL};
    tool_common common = {.verb = verb.name};
    sipveil_context *context = NULL;
    sipveil_trust_table *table = NULL;
    sipveil_error err;
    char *text = NULL;
    int first = 0, exit_code = TOOL_USAGE;
    if (!tool_parse(&verb, check_options, sizeof check_options / sizeof *check_options, argc, argv, &common,
                    take_nothing, NULL, 1, &first, &exit_code) ||
        io_would_refuse(&common, common.output, common.force, &exit_code)) {
        return exit_code;
    }
    const char *path = first < argc ? argv[first] : NULL;
    exit_code = sipveil_context_new(NULL, &context, &err) == SIPVEIL_OK ? tablefile_read(&common, path, context, &table)
                                                                        : tool_error(&common, NULL, &err);
    if (exit_code == TOOL_OK) {
        exit_code = sipveil_trust_table_text(table, &text, &err) == SIPVEIL_OK
                        ? io_write_output(&common, (sipveil_span){(const uint8_t *)text, strlen(text)}, 0)
                        : tool_error(&common, path, &err);
    }
    sipveil_trust_text_free(text);
    sipveil_trust_table_free(table);
    sipveil_context_free(context);
    return exit_code;
}

int cmd_trust(int argc, char **argv)
{
    const tool_common common = {.verb = "trust"};
    if (argc < 2) return tool_usage_error(&common, "apply or check-table is missing");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        printf("usage: sipveil trust apply|check-table [options] [FILE]\n\n"
               "  trust apply        what of a message crosses the border to the next hop\n"
               "  trust check-table  check a partner table and print the effective one\n\n"
               "'sipveil trust apply --help' and so on tell more.\n");
        return TOOL_OK;
    }
    if (strcmp(argv[1], "apply") == 0) return run_apply(argc - 1, argv + 1);
    if (strcmp(argv[1], "check-table") == 0) return run_check(argc - 1, argv + 1);
    return tool_usage_error(&common, "'%s' is not apply or check-table", argv[1]);
}
