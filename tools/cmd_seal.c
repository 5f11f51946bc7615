/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil seal */
#include "io.h"
#include "keyref.h"
#include "sealing.h"

static const tool_option options[] = {
    SEALING_OPTIONS,
    TOOL_COMMON_OPTIONS,
};

static bool take(void *state, int id, const char *value)
{
    return sealing_take(state, id, value);
}

/* The keys of one option: each reference must name exactly one. */
static int load_keys(sealing *s, sipveil_keyring *ring, const char **references, size_t count, bool sign,
                     const sipveil_key **keys)
{
    for (size_t i = 0; i < count; i++) {
        size_t added = 0, place = sipveil_keyring_count(ring);
        int exit_code = keyref_add(&s->common, ring, references[i], s->allow_open, &added);
        if (exit_code != TOOL_OK) return exit_code;
        if (added != 1) {
            return tool_failure(&s->common, TOOL_USAGE, "pick one with FILE,kid=TEXT", "%s holds %zu keys",
                                references[i], added);
        }
        keys[i] = sipveil_keyring_at(ring, place);
        if (sign && sipveil_key_get_kind(keys[i]) != SIPVEIL_KEY_PRIVATE) {
            return tool_failure(&s->common, TOOL_USAGE, "a signer is a certificate with its private key",
                                "%s cannot sign: it is a %s", references[i], sipveil_key_describe(keys[i]));
        }
    }
    return TOOL_OK;
}

static int seal_one(sealing *s, sipveil_context *context, sipveil_keyring *ring, const char *path)
{
    sipveil_worker *worker = NULL;
    sipveil_sealed sealed;
    sipveil_error err;
    io_octets message;
    int exit_code;
    if (!io_read_message(&s->common, path, sipveil_context_limits(context)->message, &message, &exit_code)) return exit_code;
    s->seal.trust = ring;
    s->seal.accept_bare_lf = true;
    if (sipveil_worker_new(context, &worker, &err) != SIPVEIL_OK ||
        sipveil_tunnel_seal_message(worker, &s->seal, (sipveil_span){message.data, message.len}, &sealed, &err) !=
            SIPVEIL_OK) {
        exit_code = tool_error(&s->common, path, &err);
    } else {
        for (size_t i = 0; i < sealed.warning_count; i++) {
            tool_warning(&s->common, path, "%s", sealed.warnings[i].text);
        }
        exit_code = io_write_output(&s->common, path, sealed.message, IO_BINARY);
    }
    sipveil_worker_free(worker);
    io_free(&message);
    return exit_code;
}

static int seal_with_keys(sealing *s, const char *path)
{
    sipveil_context *context = NULL;
    sipveil_keyring *ring = NULL;
    sipveil_error err;
    const sipveil_key *recipients[SEALING_KEYS_MOST], *signers[SEALING_KEYS_MOST];
    int exit_code = TOOL_OK;
    if (sipveil_context_new(NULL, &context, &err) != SIPVEIL_OK ||
        sipveil_keyring_new(context, &ring, &err) != SIPVEIL_OK) {
        exit_code = tool_error(&s->common, NULL, &err);
    }
    for (size_t i = 0; exit_code == TOOL_OK && i < s->trust_count; i++) {
        if (sipveil_keyring_add_anchors(ring, s->trust[i], &err) != SIPVEIL_OK) {
            (void)tool_error(&s->common, NULL, &err);
            exit_code = TOOL_USAGE;
        }
    }
    if (exit_code == TOOL_OK) exit_code = load_keys(s, ring, s->to, s->to_count, false, recipients);
    if (exit_code == TOOL_OK) exit_code = load_keys(s, ring, s->signers, s->signer_count, true, signers);
    if (exit_code == TOOL_OK) {
        s->seal.recipients = recipients;
        s->seal.recipient_count = s->to_count;
        s->seal.signers = signers;
        s->seal.signer_count = s->signer_count;
        exit_code = seal_one(s, context, ring, path);
    }
    sipveil_keyring_free(ring);
    sipveil_context_free(context);
    return exit_code;
}

/* Told before any file is read. */
static bool protects(const sealing *s)
{
    if (s->to_count > 0 || s->signer_count > 0) return true;
    tool_failure(&s->common, TOOL_USAGE, "encrypt with --to KEYREF, sign with --sign-with KEYREF",
                 "nothing would be protected: no recipient and no signer");
    return false;
}

int cmd_seal(int argc, char **argv)
{
    static const tool_verb verb = {"seal", "(--to KEYREF | --sign-with KEYREF) ... [options] [FILE]",
                                   "Reads one SIP message and writes the outer message that carries it, protected.",
                                   cmd_seal};
    sealing s = {.common = {.verb = "seal"}};
    int first = 0, exit_code = TOOL_USAGE;
    sipveil_seal_options_default(&s.seal);
    if (tool_parse(&verb, options, sizeof options / sizeof *options, argc, argv, &s.common, take, &s, 1, &first,
                   &exit_code) &&
        sealing_settle(&s) && protects(&s) &&
        !io_would_refuse(&s.common, s.common.output, s.common.force, &exit_code)) {
        exit_code = seal_with_keys(&s, first < argc ? argv[first] : NULL);
    }
    sealing_end(&s);
    return exit_code;
}
