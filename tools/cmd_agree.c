/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil agree */
#include <stdio.h>
#include <string.h>

#include "agreeing.h"

static const tool_option offer_options[] = {
    {O_LIST, "list", 0, "LIST", false, "our mechanisms, the best first: 'tls, digest;d-alg=MD5'"},
    {O_AGREE_PROFILE, "profile", 0, "PROFILE", false, "rfc3329 (default), draft04, draft05 or 3gpp"},
    {O_POLICY, "policy", 0, "must|may", false, "no agreement: must (default) stops, may goes on unprotected"},
    {O_PASSIVE, "passive", 0, NULL, false, "offer by Supported alone: the next hop asks if it wants to"},
    {O_OVER_TLS, "over-rfc3263-tls", 0, NULL, false, "the next hop is reached by TLS anyway: no agreement is needed"},
    {O_WEAK_ALGORITHMS, "allow-weak-algorithms", 0, NULL, false, "ipsec-3gpp: offer withdrawn algorithms too"},
    AGREEING_STATE_OPTION, AGREEING_LAST_OPTIONS, TOOL_COMMON_OPTIONS,
};
static const tool_option choose_options[] = {
    AGREEING_STATE_OPTION, AGREEING_CREDENTIALS_OPTIONS,
    {O_RECEIVED_OVER, "received-over", 0, "MECHANISM", false, "what protected the response: none (default), or the mechanism"},
    {O_DECLINE, "decline", 0, NULL, false, "the user does not want what was chosen; reads no response"},
    {O_KEY, "key", 0, "KEYREF", true, "smime: our certificate with its key"},
    {O_TRUST, "trust", 0, "FILE|DIR", true, "smime: anchors (PEM) that the next hop's certificate must lead to"},
    {O_PIN, "pin", 0, "NAME=SHA256", true, "smime: accept exactly this certificate for that next hop"},
    {O_NEXT_HOP, "next-hop", 0, "NAME", false, "smime: host name or address of record of the next hop"},
    {O_TO_PROXY, "next-hop-is-proxy", 0, NULL, false, "smime is not for it then"},
    {O_SMIME_TO_PROXY, "smime-to-proxy", 0, NULL, false, "smime although the next hop is a proxy"},
    {O_AS_PROXY, "as-proxy", 0, NULL, false, "we are a proxy (draft04): CSeq of a request sent again stays"},
    {O_WEAK_ALGORITHMS, "allow-weak-algorithms", 0, NULL, false, "ipsec-3gpp: take withdrawn algorithms too"},
    {O_IMS_KEYS, "ims-keys", 0, "FILE", false, "ipsec-3gpp: IK TAB hex, CK TAB hex, mode 0600; with --print-xfrm"},
    {O_PRINT_XFRM, "print-xfrm", 0, NULL, false, "print the ip xfrm commands: with -o on standard output, else standard error"},
    {O_LOCAL, "local", 0, "ADDRESS", false, "our IP address in them; default: that of our Via, else the shell's $UE"},
    {O_REMOTE, "remote", 0, "ADDRESS", false, "the next hop's; default: that of Route or the Request-URI, else the shell's $PCSCF"},
    AGREEING_LAST_OPTIONS, TOOL_COMMON_OPTIONS,
};
static const tool_option protect_options[] = {
    AGREEING_STATE_OPTION, AGREEING_CREDENTIALS_OPTIONS,
    {O_KEY, "key", 0, "KEYREF", true, "smime: our certificate with its key"},
    {O_ACK_OF_FAILURE, "ack-of-failure", 0, NULL, false, "this ACK answers no 2xx: nothing is added to it"},
    {O_WEAK_ALGORITHMS, "allow-weak-algorithms", 0, NULL, false, "ipsec-3gpp: withdrawn algorithms are taken"},
    AGREEING_LAST_OPTIONS, TOOL_COMMON_OPTIONS,
};
static const tool_option event_options[] = {AGREEING_STATE_OPTION, AGREEING_LAST_OPTIONS, TOOL_COMMON_OPTIONS};
static const tool_option check_options[] = {
    {O_LIST, "list", 0, "LIST", false, "our mechanisms, each with another q: 'tls;q=0.2, digest;q=0.1'"},
    {O_AGREE_PROFILE, "profile", 0, "PROFILE", false, "rfc3329 (default), draft04, draft05 or 3gpp"},
    {O_POLICY, "policy", 0, "POLICY", false, "required (default), optional or off"},
    {O_ROLE, "role", 0, "ROLE", false, "proxy (default), uas or registrar"},
    {O_PROTECTED_BY, "protected-by", 0, "MECHANISM", false, "what verifiably protected it: none (default), tls, ipsec-ike, ...; digest and smime are found out here"},
    {O_ANSWER_SUPPORTED, "answer-supported", 0, NULL, false, "optional: who supports it is asked to make an agreement"},
    {O_REALM, "realm", 0, "REALM", false, "digest: our realm"},
    AGREEING_CREDENTIALS_OPTIONS,
    {O_NONCE_LIFETIME, "nonce-lifetime", 0, "SECONDS", false, "digest: how long a nonce is good (default 300)"},
    {O_KEY, "key", 0, "KEYREF", true, "smime: our certificate with its key"},
    {O_CERT, "cert", 0, "FILE|DIR", true, "smime: certificates of others, for signatures that carry none"},
    {O_TRUST, "trust", 0, "FILE|DIR", true, "smime: anchors (PEM) for the signers of requests"},
    {O_PIN, "pin", 0, "AOR=SHA256", true, "smime: accept exactly this certificate for that AOR"},
    {O_DATE_WINDOW, "date-window", 0, "SECONDS|any", false, "smime: how far the Date inside may be from now (default 300)"},
    {O_STATE, "state", 0, "FILE", false, "nonces, and what was seen, between calls (0600, locked)"},
    AGREEING_LAST_OPTIONS, TOOL_COMMON_OPTIONS,
};

#define OPTIONS(table) table, sizeof table / sizeof *table

static const struct {
    const char *name;
    tool_verb verb;
    const tool_option *options;
    size_t option_count;
    int (*run)(agreeing *g);
} kinds[] = {
    {"offer", {"agree offer", "--list LIST --state FILE [options] [FILE]", "the request with our offer, for the next hop", NULL},
     OPTIONS(offer_options), agree_offer},
    {"choose", {"agree choose", "--state FILE [options] [RESPONSE]", "what a response means, and the request that follows", NULL},
     OPTIONS(choose_options), agree_choose},
    {"protect", {"agree protect", "--state FILE [options] [FILE]", "any later request, or the ACK of a 2xx, on that agreement", NULL},
     OPTIONS(protect_options), agree_protect},
    {"event", {"agree event", "--state FILE [options] up|down|expired", "the mechanism came up, went down, or its time is over", NULL},
     OPTIONS(event_options), agree_event},
    {"check", {"agree check", "--list LIST [options] [FILE]", "what a server does with one request", NULL},
     OPTIONS(check_options), agree_check},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static void print_kinds(FILE *out)
{
    fprintf(out, "usage: sipveil agree offer|choose|protect|event|check [options] [FILE]\n\n");
    for (size_t i = 0; i < KIND_COUNT; i++) fprintf(out, "  agree %-8s %s\n", kinds[i].name, kinds[i].verb.summary);
    fprintf(out, "\n'sipveil agree offer --help' and so on tell more.\n");
}

static int run_kind(size_t kind, int argc, char **argv)
{
    static agreeing g; /* large */
    int first, exit_code;
    g = (agreeing){.o = {.common = {.verb = kinds[kind].verb.name}}};
    sipveil_open_options_default(&g.o.open);
    sipveil_agree_client_options_default(&g.client);
    sipveil_agree_server_options_default(&g.server);
    if (tool_parse(&kinds[kind].verb, kinds[kind].options, kinds[kind].option_count, argc, argv, &g.o.common, agreeing_take, &g, 1,
                   &first, &exit_code) &&
        !io_would_refuse(&g.o.common, g.o.common.output, g.o.common.force, &exit_code)) {
        g.operand = first < argc ? argv[first] : NULL;
        exit_code = agreeing_prepare(&g);
        if (exit_code == TOOL_OK) exit_code = kinds[kind].run(&g);
    }
    agreeing_end(&g);
    return exit_code;
}

int cmd_agree(int argc, char **argv)
{
    const tool_common common = {.verb = "agree"};
    if (argc < 2) return tool_usage_error(&common, "what to do is missing: offer, choose, protect, event or check");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_kinds(stdout);
        return TOOL_OK;
    }
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(argv[1], kinds[i].name) == 0) return run_kind(i, argc - 1, argv + 1);
    }
    return tool_usage_error(&common, "'%s' is none of offer, choose, protect, event, check", argv[1]);
}
