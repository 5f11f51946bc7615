/* SPDX-License-Identifier: BSD-2-Clause */
/* agree offer, choose, protect, event: one event of the client's machine, between two looks at the state file. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agreeing.h"

typedef struct client_call {
    agreeing *g;
    statefile file;
    io_octets image;   /* what the association's spans point into */
    io_octets message; /* what was read */
    sipveil_agree_association before;
    sipveil_agree_event event;
    sipveil_agree_outcome outcome;
} client_call;

static int load(client_call *c)
{
    sipveil_error err;
    const tool_common *common = &c->g->o.common;
    if (c->g->state == NULL) return tool_usage_error(common, "--state FILE is needed: where is the agreement kept?");
    int exit_code = statefile_open_octets(common, c->g->state, &c->file, &c->image);
    if (exit_code != TOOL_OK || c->image.len == 0) return exit_code;
    sipveil_span image = {c->image.data, c->image.len};
    return sipveil_agree_load_association(image, &c->before, &err) == SIPVEIL_OK ? TOOL_OK : statefile_refuse(common, &c->file);
}

/* The policy that the offer was made with. */
static int restore_policy(client_call *c)
{
    agreeing *g = c->g;
    if (c->before.own_list.len == 0) {
        return tool_failure(&g->o.common, TOOL_USAGE, "'sipveil agree offer' begins one", "%s: there is no agreement", g->state);
    }
    g->profile = c->before.profile;
    g->client.must = c->before.must;
    g->client.passive = c->before.passive;
    return agreeing_read_list(g, c->before.own_list, SIPVEIL_AGREE_CLIENT);
}

/* For smime: the key that signs, and what a certificate of the next hop must be. */
static int settle_identity(agreeing *g)
{
    static char pin[128];
    g->client.keyring = g->o.ring;
    g->client.next_hop = g->next_hop;
    g->client.signer = sipveil_keyring_first(g->o.ring, SIPVEIL_KEY_PRIVATE);
    for (size_t i = 0; i < g->hop_pins.count; i++) {
        const char *equal = strrchr(g->hop_pins.items[i], '=');
        size_t name = equal != NULL ? (size_t)(equal - g->hop_pins.items[i]) : 0;
        if (equal == NULL || strlen(equal + 1) >= sizeof pin) {
            return tool_usage_error(&g->o.common, "--pin takes NAME=SHA256, not '%s'", g->hop_pins.items[i]);
        }
        if (g->next_hop == NULL || strlen(g->next_hop) != name || strncasecmp(g->hop_pins.items[i], g->next_hop, name) != 0) continue;
        snprintf(pin, sizeof pin, "%s", equal + 1);
        g->client.pin = pin;
    }
    return TOOL_OK;
}

static int read_event_message(client_call *c)
{
    int exit_code = TOOL_OK;
    const sipveil_limits *limits = sipveil_context_limits(c->g->o.context);
    if (!io_read_message(&c->g->o.common, c->g->operand, limits->message, &c->message, &exit_code)) return exit_code;
    c->event.message = (sipveil_span){c->message.data, c->message.len};
    return TOOL_OK;
}

static int save(client_call *c)
{
    sipveil_span image;
    sipveil_error err;
    if (sipveil_agree_save_association(c->g->o.worker, &c->outcome.next, &image, &err) != SIPVEIL_OK) {
        return tool_error(&c->g->o.common, NULL, &err);
    }
    return statefile_save_octets(&c->g->o.common, &c->file, image);
}

static void say_state(const client_call *c)
{
    const sipveil_agree_association *a = &c->outcome.next;
    if (!c->g->o.common.verbose) return;
    fprintf(stderr, "sipveil %s: %s%s%.*s\n", c->g->o.common.verb, sipveil_agree_state_name(a->state),
            a->mechanism.len > 0 ? ", " : "", (int)a->mechanism.len, (const char *)a->mechanism.data);
}

/* The step, and everything that follows from it but its output. *send: the message is to be written. */
static int step(client_call *c, bool *send)
{
    sipveil_error err;
    *send = false;
    c->event.now = c->g->now;
    if (sipveil_agree_client_step(c->g->o.worker, &c->g->client, &c->before, &c->event, &c->outcome, &err) != SIPVEIL_OK) {
        return tool_error(&c->g->o.common, c->g->operand, &err);
    }
    agreeing_warn(c->g, c->outcome.warnings, c->outcome.warning_count);
    say_state(c);
    int exit_code = save(c);
    if (exit_code == TOOL_OK) exit_code = agreeing_write_report(c->g);
    if (exit_code != TOOL_OK) return exit_code;
    if ((c->outcome.actions & SIPVEIL_AGREE_IGNORED) != 0) {
        tool_warning(&c->g->o.common, c->g->operand, "%s", c->outcome.reason.text);
        return TOOL_OK;
    }
    if (c->outcome.reason.code != SIPVEIL_OK) return tool_error(&c->g->o.common, c->g->operand, &c->outcome.reason);
    *send = c->outcome.message.len > 0;
    return TOOL_OK;
}

static void end(client_call *c)
{
    statefile_close(&c->file);
    io_free(&c->image);
    io_free(&c->message);
}

static int write_message(client_call *c)
{
    return io_write_output(&c->g->o.common, c->outcome.message, IO_BINARY);
}

/* ---- the verbs ---- */

static int offer(client_call *c)
{
    sipveil_error err;
    sipveil_span list = {(const uint8_t *)c->g->list, strlen(c->g->list)};
    bool send;
    /* ipsec-3gpp: SPIs, ports and pairs of algorithms that the list leaves open. */
    if (sipveil_agree_complete_list(c->g->o.worker, list, c->g->client.allow_weak, &list, &err) != SIPVEIL_OK) {
        (void)tool_error(&c->g->o.common, "--list", &err);
        return TOOL_USAGE;
    }
    int exit_code = agreeing_read_list(c->g, list, SIPVEIL_AGREE_CLIENT);
    if (exit_code == TOOL_OK) exit_code = load(c);
    if (exit_code == TOOL_OK) exit_code = read_event_message(c);
    c->event.kind = SIPVEIL_AGREE_EVENT_START;
    c->event.over_rfc3263_tls = c->g->over_tls;
    if (exit_code == TOOL_OK) exit_code = step(c, &send);
    return exit_code == TOOL_OK ? write_message(c) : exit_code;
}

int agree_offer(agreeing *g)
{
    client_call c = {.g = g, .file = {.fd = -1}};
    if (g->list == NULL) return tool_usage_error(&g->o.common, "--list LIST is needed: what do we offer?");
    if (!g->policy_given) g->client.must = true;
    int exit_code = offer(&c);
    end(&c);
    return exit_code;
}

static bool is_ipsec_3gpp(const sipveil_agree_association *a)
{
    static const char name[] = "ipsec-3gpp";
    return a->mechanism.len == sizeof name - 1 && strncasecmp((const char *)a->mechanism.data, name, sizeof name - 1) == 0;
}

/* The commands that would set up what was agreed; they hold keys. Standard output if the request goes to a file, else
 * standard error. */
static int print_xfrm(client_call *c)
{
    agreeing *g = c->g;
    io_octets keys = {0};
    sipveil_error err;
    sipveil_span commands;
    sipveil_agree_ipsec_options options = {.size = sizeof options, .client_list = c->outcome.next.security_client,
                                           .server_list = c->outcome.next.server_list, .message = c->outcome.message,
                                           .ue = g->local, .pcscf = g->remote,
                                           .allow_weak = g->client.allow_weak};
    if (!is_ipsec_3gpp(&c->outcome.next)) {
        tool_warning(&g->o.common, g->operand, "nothing to print: what was chosen is %.*s", (int)c->outcome.next.mechanism.len,
                     (const char *)c->outcome.next.mechanism.data);
        return TOOL_OK;
    }
    if (!keyref_read_secret(&g->o.common, g->ims_keys, g->o.allow_open, 4096, &keys)) return TOOL_USAGE;
    options.ims_keys = (sipveil_span){keys.data, keys.len};
    sipveil_code code = sipveil_agree_ipsec_commands(g->o.worker, &options, &commands, &err);
    io_free(&keys);
    if (code != SIPVEIL_OK) return tool_error(&g->o.common, g->ims_keys, &err);
    bool to_file = g->o.common.output != NULL && strcmp(g->o.common.output, "-") != 0;
    return fwrite(commands.data, 1, commands.len, to_file ? stdout : stderr) == commands.len ? TOOL_OK : TOOL_FAILED;
}

static int choose(client_call *c)
{
    bool send = false;
    int exit_code = load(c);
    if (exit_code == TOOL_OK) exit_code = restore_policy(c);
    if (exit_code == TOOL_OK) exit_code = settle_identity(c->g);
    if (exit_code == TOOL_OK && !c->g->decline) exit_code = read_event_message(c);
    const char *over = c->g->received_over;
    c->event.kind = c->g->decline ? SIPVEIL_AGREE_EVENT_DECLINED : SIPVEIL_AGREE_EVENT_RESPONSE;
    c->event.over = over != NULL && strcmp(over, "none") != 0 ? over : NULL;
    if (exit_code == TOOL_OK) exit_code = step(c, &send);
    if (exit_code != TOOL_OK || !send) return exit_code;
    if (c->g->print_xfrm) exit_code = print_xfrm(c);
    if (exit_code == TOOL_OK) exit_code = write_message(c);
    return exit_code == TOOL_OK ? TOOL_ANSWER : exit_code;
}

int agree_choose(agreeing *g)
{
    client_call c = {.g = g, .file = {.fd = -1}};
    if (g->print_xfrm != (g->ims_keys != NULL)) {
        return tool_usage_error(&g->o.common, "--print-xfrm and --ims-keys FILE go together");
    }
    int exit_code = choose(&c);
    end(&c);
    return exit_code;
}

static int protect(client_call *c)
{
    bool send = false;
    int exit_code = load(c);
    if (exit_code == TOOL_OK) exit_code = restore_policy(c);
    if (exit_code == TOOL_OK) exit_code = settle_identity(c->g);
    if (exit_code == TOOL_OK) exit_code = read_event_message(c);
    c->event.kind = SIPVEIL_AGREE_EVENT_REQUEST;
    c->event.ack_of_failure = c->g->ack_of_failure;
    if (exit_code == TOOL_OK) exit_code = step(c, &send);
    return exit_code == TOOL_OK && send ? write_message(c) : exit_code;
}

int agree_protect(agreeing *g)
{
    client_call c = {.g = g, .file = {.fd = -1}};
    int exit_code = protect(&c);
    end(&c);
    return exit_code;
}

static int event(client_call *c)
{
    static const struct {
        const char *word;
        sipveil_agree_event_kind kind;
    } words[] = {{"up", SIPVEIL_AGREE_EVENT_UP}, {"down", SIPVEIL_AGREE_EVENT_DOWN}, {"expired", SIPVEIL_AGREE_EVENT_EXPIRED}};
    size_t i = 0;
    bool send;
    if (c->g->operand == NULL) return tool_usage_error(&c->g->o.common, "what happened is missing: up, down or expired");
    while (i < 3 && strcmp(c->g->operand, words[i].word) != 0) i++;
    if (i == 3) return tool_usage_error(&c->g->o.common, "'%s' is none of what happens: up, down or expired", c->g->operand);
    c->event.kind = words[i].kind;
    c->g->operand = NULL; /* no file */
    int exit_code = load(c);
    if (exit_code == TOOL_OK) exit_code = restore_policy(c);
    return exit_code == TOOL_OK ? step(c, &send) : exit_code;
}

int agree_event(agreeing *g)
{
    client_call c = {.g = g, .file = {.fd = -1}};
    int exit_code = event(&c);
    end(&c);
    return exit_code;
}
