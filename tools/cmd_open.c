/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil open */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "keeper.h"
#include "opening.h"
#include "statefile.h"

enum open_option { O_REQUIRE = O_OPENING_LAST, O_STATE, O_EMIT, O_ANSWER, O_ACCEPT_NEW, O_UNPROTECTED };

static const tool_option options[] = {
    OPENING_OPTIONS,
    {O_REQUIRE, "require", 0, "WHAT", false, "signed, encrypted or both: refuse a message without"},
    {O_STATE, "state", 0, "FILE", false, "remember seen messages there between calls (0600, locked)"},
    {O_ACCEPT_NEW, "accept-new-certificate", 0, NULL, false, "of a signer that --keyring knows with another; kept beside it"},
    {O_EMIT, "emit", 0, "WHAT", false, "message (default), entity or body"},
    {O_ANSWER, "answer", 0, NULL, false, "on refusal write the SIP response for the wire; exit 10"},
    {O_UNPROTECTED, "allow-unprotected-cekref", 0, NULL, false, "take key references that nothing authenticates (RFC 3185)"},
    TOOL_COMMON_OPTIONS,
};

enum emit { EMIT_MESSAGE, EMIT_ENTITY, EMIT_BODY };

typedef struct open_state {
    opening o; /* first: opening_take gets the same pointer */
    keeper keeper;
    const char *state;
    enum emit emit;
    bool answer, unprotected;
} open_state;

static bool take(void *state, int id, const char *v)
{
    open_state *s = state;
    switch (id) {
    case O_STATE: s->state = v; return true;
    case O_ACCEPT_NEW: s->o.open.accept_new_certificate = true; return true;
    case O_ANSWER: s->answer = true; return true;
    case O_UNPROTECTED: s->unprotected = true; return true;
    case O_REQUIRE:
        if (strcmp(v, "signed") == 0) s->o.open.require = SIPVEIL_REQUIRE_SIGNED;
        else if (strcmp(v, "encrypted") == 0) s->o.open.require = SIPVEIL_REQUIRE_ENCRYPTED;
        else if (strcmp(v, "both") == 0) s->o.open.require = SIPVEIL_REQUIRE_SIGNED | SIPVEIL_REQUIRE_ENCRYPTED;
        else return tool_bad_value(&s->o.common, "require", v);
        return true;
    case O_EMIT:
        if (strcmp(v, "message") == 0) s->emit = EMIT_MESSAGE;
        else if (strcmp(v, "entity") == 0) s->emit = EMIT_ENTITY;
        else if (strcmp(v, "body") == 0) s->emit = EMIT_BODY;
        else return tool_bad_value(&s->o.common, "emit", v);
        return true;
    default: return opening_take(&s->o, id, v);
    }
}

/* --verbose: what was checked before it was refused, a line each. */
static void print_checks(const open_state *s)
{
    static const char *const words[] = {"passed", "FAILED", "not done"};
    size_t count;
    const sipveil_check *checks = sipveil_worker_checks(s->o.worker, &count);
    for (size_t i = 0; s->o.common.verbose && i < count; i++) {
        fprintf(stderr, "check: %s %s: %s\n", checks[i].rule, words[checks[i].result], checks[i].why);
    }
}

/* What the other side may be told; the local user is told the truth (TUN-90). */
static int refuse(open_state *s, const char *path, sipveil_span message, const sipveil_error *why)
{
    sipveil_span response;
    sipveil_error err;
    int exit_code = tool_error(&s->o.common, path, why);
    print_checks(s);
    int report = opening_write_report(&s->o);
    if (report != TOOL_OK) return report;
    if (!s->answer || why->sip_status == 0) return exit_code;
    if (sipveil_e2m_write_refusal(s->o.worker, &s->o.open, message, why, &response, &err) != SIPVEIL_OK) {
        tool_warning(&s->o.common, path, "no answer can be made: %s", err.text);
        return exit_code;
    }
    int written = io_write_output(&s->o.common, response, IO_BINARY);
    return written == TOOL_OK ? TOOL_ANSWER : written;
}

static int hand_out(open_state *s, const char *path, const sipveil_opened *opened)
{
    sipveil_span out = s->emit == EMIT_MESSAGE  ? opened->message
                       : s->emit == EMIT_ENTITY ? opened->entity
                                                : opened->body;
    for (size_t i = 0; i < opened->warning_count; i++) {
        tool_warning(&s->o.common, path, "%s", opened->warnings[i].text);
    }
    if (s->o.common.verbose) {
        sipveil_span text;
        sipveil_error err;
        if (sipveil_worker_report_text(s->o.worker, false, true, &text, &err) == SIPVEIL_OK) {
            fwrite(text.data, 1, text.len, stderr);
        }
    }
    int exit_code = opening_write_report(&s->o);
    return exit_code != TOOL_OK ? exit_code : io_write_output(&s->o.common, out, IO_BINARY);
}

static int open_one(open_state *s, const char *path)
{
    io_octets message;
    statefile memory = {.fd = -1};
    sipveil_opened opened;
    sipveil_error err;
    int exit_code;
    int64_t now = s->o.open.has_at ? s->o.open.at : (int64_t)time(NULL);
    if (!io_read_message(&s->o.common, path, sipveil_context_limits(s->o.context)->message, &message, &exit_code)) {
        return exit_code;
    }
    if (s->state != NULL) exit_code = statefile_open(&s->o.common, s->state, now, &memory);
    if (s->state == NULL || exit_code == TOOL_OK) {
        s->o.open.memory = memory.memory;
        sipveil_span octets = {message.data, message.len};
        sipveil_e2m_open_options e2m;
        sipveil_e2m_open_options_default(&e2m);
        e2m.open = s->o.open;
        e2m.allow_unprotected_cekref = s->unprotected;
        if (sipveil_e2m_open_message(s->o.worker, &e2m, octets, &opened, &err) != SIPVEIL_OK) {
            exit_code = refuse(s, path, octets, &err);
        } else {
            /* What was seen is kept before the message goes out: a crash between the two must not let it
             * in twice. */
            exit_code = keeper_save(&s->o.common, &s->keeper, s->o.ring, &opened);
            if (exit_code == TOOL_OK && s->state != NULL) exit_code = statefile_save(&s->o.common, &memory);
            if (exit_code == TOOL_OK) exit_code = hand_out(s, path, &opened);
        }
    }
    statefile_close(&memory);
    io_free(&message);
    return exit_code;
}

int cmd_open(int argc, char **argv)
{
    static const tool_verb verb = {"open", "[options] [FILE]",
                                   "Reads a message that seal (or another S/MIME agent) made and writes what was "
                                   "inside,\nafter every check.",
                                   cmd_open};
    open_state s = {.o = {.common = {.verb = "open"}}};
    int first = 0, exit_code = TOOL_USAGE;
    sipveil_open_options_default(&s.o.open);
    if (tool_parse(&verb, options, sizeof options / sizeof *options, argc, argv, &s.o.common, take, &s, 1, &first,
                   &exit_code) &&
        !io_would_refuse(&s.o.common, s.o.common.output, s.o.common.force, &exit_code)) {
        exit_code = keeper_open(&s.o.common, s.o.kept.count > 0 ? s.o.kept.items[0] : NULL, &s.keeper);
        if (exit_code == TOOL_OK) exit_code = opening_prepare(&s.o);
        if (exit_code == TOOL_OK) exit_code = open_one(&s, first < argc ? argv[first] : NULL);
    }
    keeper_close(&s.keeper);
    opening_end(&s.o);
    return exit_code;
}
