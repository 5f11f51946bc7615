/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil identity bound */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "identity_binding.h"
#include "report.h"
#include "statefile.h"

enum { TIME_ROOM = 32 };
enum bound_option { O_STATE = TOOL_O_FIRST, O_AOR, O_DIALOG, O_USER, O_AT, O_JSON, O_FORGET };

static const tool_option options[] = {
    {O_STATE, "state", 0, "FILE", false, "the state file that identity bind writes"},
    {O_AOR, "aor", 0, "URI", false, "only what is bound to that address"},
    {O_DIALOG, "dialog", 0, "CALL-ID", false, "only of that dialog"},
    {O_USER, "user", 0, "AOR", false, "only of calls with that user on our side"},
    {O_FORGET, "forget", 0, NULL, false, "and end them: its user has logged off, its certificate was revoked, all starts anew"},
    {O_AT, "at", 0, "TIME", false, "what is bound at this RFC 3339 time instead of now"},
    {O_JSON, "json", 0, NULL, false, "as JSON"},
    TOOL_COMMON_OPTIONS,
};

/* ---- JSON ---- */

const char *identity_state_name(sipveil_binding_state state)
{
    return state == SIPVEIL_BINDING_PROVEN ? "proven" : state == SIPVEIL_BINDING_CLAIMED ? "claimed" : "none";
}

static const char *hex_of(const uint8_t sha256[32], char out[65])
{
    for (size_t i = 0; i < 32; i++) snprintf(out + 2 * i, 3, "%02x", sha256[i]);
    return out;
}

static const char *time_of(int64_t seconds, char out[TIME_ROOM])
{
    struct tm tm;
    time_t t = (time_t)seconds;
    out[0] = '\0';
    if (gmtime_r(&t, &tm) != NULL) strftime(out, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

json_t *identity_digest_json(const uint8_t sha256[32])
{
    char hex[65];
    return json_string(hex_of(sha256, hex));
}

json_t *identity_time_json(int64_t seconds)
{
    char text[TIME_ROOM];
    return seconds == 0 ? json_null() : json_string(time_of(seconds, text));
}

int identity_write_json(const tool_common *common, bool is_report, const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    if (text == NULL) return tool_failure(common, TOOL_FAILED, NULL, "out of memory");
    size_t len = strlen(text);
    text[len] = '\n'; /* in place of its NUL */
    sipveil_span octets = {(const uint8_t *)text, len + 1};
    int exit_code = is_report ? report_write(common, octets) : io_write_output(common, octets, IO_REPLACE);
    free(text);
    return exit_code;
}

static json_t *binding_json(const sipveil_binding *b)
{
    json_t *o = json_object();
    json_object_set_new(o, "aor", report_text_json(b->aor));
    json_object_set_new(o, "state", json_string(identity_state_name(b->state)));
    json_object_set_new(o, "next", json_boolean(b->is_next));
    json_object_set_new(o, "call_id", report_text_json(b->call_id));
    json_object_set_new(o, "local_tag", b->local_tag[0] == '\0' ? json_null() : report_text_json(b->local_tag));
    json_object_set_new(o, "remote_tag", report_text_json(b->remote_tag));
    json_object_set_new(o, "local", b->local[0] == '\0' ? json_null() : report_text_json(b->local));
    json_object_set_new(o, "sha256", identity_digest_json(b->sha256));
    json_object_set_new(o, "key_sha256", identity_digest_json(b->key_sha256));
    json_object_set_new(o, "carrier", json_string(b->carrier));
    json_object_set_new(o, "path", json_string(b->path == SIPVEIL_IDENTITY_RFC4474 ? "rfc4474" : "rfc8224"));
    json_object_set_new(o, "domain", b->domain[0] == '\0' ? json_null() : report_text_json(b->domain));
    json_object_set_new(o, "service_sha256", identity_digest_json(b->service_sha256));
    json_object_set_new(o, "issued", identity_time_json(b->issued));
    json_object_set_new(o, "made", identity_time_json(b->made));
    json_object_set_new(o, "proven", identity_time_json(b->proven));
    json_object_set_new(o, "not_after", identity_time_json(b->not_after));
    json_object_set_new(o, "until", identity_time_json(b->until));
    return o;
}

/* ---- the list ---- */

typedef struct bound_state {
    tool_common common;
    const char *state;
    sipveil_binding_filter filter;
    bool has_at, json, forget;
    int64_t at;
} bound_state;

static bool take(void *state, int id, const char *value)
{
    bound_state *s = state;
    switch (id) {
    case O_STATE: s->state = value; return true;
    case O_AOR: s->filter.aor = value; return true;
    case O_DIALOG: s->filter.call_id = value; return true;
    case O_USER: s->filter.local = value; return true;
    case O_FORGET: s->forget = true; return true;
    case O_JSON: s->json = true; return true;
    default: /* O_AT */ s->has_at = true; return tool_read_time(value, &s->at) || tool_bad_value(&s->common, "at", value);
    }
}

static int write_json(const bound_state *s, const sipveil_binding *bindings, size_t count)
{
    json_t *whole = json_object(), *list = json_array();
    json_object_set_new(whole, "version", json_integer(1));
    for (size_t i = 0; i < count; i++) json_array_append_new(list, binding_json(&bindings[i]));
    json_object_set_new(whole, "bindings", list);
    int exit_code = identity_write_json(&s->common, false, whole);
    json_decref(whole);
    return exit_code;
}

/* Three lines a binding. */
static int write_text(const bound_state *s, const sipveil_binding *bindings, size_t count)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL) return tool_failure(&s->common, TOOL_FAILED, NULL, "out of memory");
    for (size_t i = 0; i < count; i++) {
        char aor[REPORT_TEXT_MOST], call[REPORT_TEXT_MOST], domain[REPORT_TEXT_MOST], hex[65], until[TIME_ROOM];
        const sipveil_binding *b = &bindings[i];
        fprintf(out, "%s  %s%s\n  dialog %s, until %s\n  %s sha256 %s, vouched for by %s (%s)\n", report_printable(b->aor, aor),
                identity_state_name(b->state), b->is_next ? ", replaces the other one when it is proven" : "",
                report_printable(b->call_id, call), time_of(b->until, until), b->carrier, hex_of(b->sha256, hex),
                b->domain[0] == '\0' ? "the owner of the number" : report_printable(b->domain, domain),
                b->path == SIPVEIL_IDENTITY_RFC4474 ? "RFC 4474" : "RFC 8224");
    }
    bool written = fclose(out) == 0;
    int exit_code = written ? io_write_output(&s->common, (sipveil_span){(const uint8_t *)text, len}, IO_REPLACE)
                            : tool_failure(&s->common, TOOL_FAILED, NULL, "out of memory");
    free(text);
    bool chosen = s->filter.aor != NULL || s->filter.call_id != NULL || s->filter.local != NULL;
    if (exit_code == TOOL_OK && count == 0 && !s->common.quiet) {
        fprintf(stderr, "sipveil identity bound: nothing %sis bound\n", chosen ? "that is asked for (a URI as it was bound, a Call-ID) " : "");
    }
    return exit_code;
}

/* After the list was written, which the worker holds. */
static int forget(const bound_state *s, sipveil_worker *worker, statefile *memory)
{
    sipveil_error err;
    if (!s->forget) return TOOL_OK;
    if (sipveil_identity_forget_bindings(worker, memory->memory, &s->filter, NULL, &err) != SIPVEIL_OK) {
        return tool_error(&s->common, s->state, &err);
    }
    return statefile_save(&s->common, memory);
}

static int list(const bound_state *s)
{
    sipveil_context *context = NULL;
    sipveil_worker *worker = NULL;
    statefile memory = {.fd = -1};
    const sipveil_binding *bindings;
    size_t count;
    sipveil_error err;
    int64_t now = s->has_at ? s->at : (int64_t)time(NULL);
    int exit_code = TOOL_FAILED;
    if (sipveil_context_new(NULL, &context, &err) != SIPVEIL_OK || sipveil_worker_new(context, &worker, &err) != SIPVEIL_OK) {
        exit_code = tool_error(&s->common, NULL, &err);
    } else if ((exit_code = statefile_open(&s->common, s->state, now, &memory)) == TOOL_OK) {
        if (sipveil_identity_list_bindings(worker, memory.memory, &s->filter, now, &bindings, &count, &err) != SIPVEIL_OK) {
            exit_code = tool_error(&s->common, s->state, &err);
        } else {
            exit_code = s->json ? write_json(s, bindings, count) : write_text(s, bindings, count);
            if (exit_code == TOOL_OK) exit_code = forget(s, worker, &memory);
        }
    }
    statefile_close(&memory);
    sipveil_worker_free(worker);
    sipveil_context_free(context);
    return exit_code;
}

int identity_bound(int argc, char **argv)
{
    static const tool_verb verb = {"identity bound", "--state FILE [--aor URI] [--dialog CALL-ID] [--user AOR] [--json] [--forget]",
                                   "Lists the certificates that are bound now, and to whom, and for which dialog; with --forget it ends them.", identity_bound};
    bound_state s = {.common = {.verb = verb.name}};
    int first = 0, exit_code = TOOL_USAGE;
    if (!tool_parse(&verb, options, sizeof options / sizeof *options, argc, argv, &s.common, take, &s, 0, &first, &exit_code)) {
        return exit_code;
    }
    if (s.state == NULL) return tool_usage_error(&s.common, "--state FILE is missing: the file that 'sipveil identity bind' writes");
    if (access(s.state, F_OK) != 0) {
        return tool_failure(&s.common, TOOL_USAGE, "'sipveil identity bind --state' makes it", "%s: there is no such file", s.state);
    }
    return io_would_refuse(&s.common, s.common.output, true, &exit_code) ? exit_code : list(&s);
}
