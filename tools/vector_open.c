/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations open, answer and inspect of a vector case. */
#include <string.h>

#include "opening.h"
#include "vector.h"

enum vector_open_option { O_REQUIRE = O_OPENING_LAST };

static const tool_option options[] = {
    OPENING_OPTIONS,
    {O_REQUIRE, "require", 0, "WHAT", false, "signed, encrypted or both"},
};

static bool take(void *state, int id, const char *value)
{
    opening *o = state;
    if (id != O_REQUIRE) return opening_take(o, id, value);
    o->open.require = strcmp(value, "signed") == 0      ? SIPVEIL_REQUIRE_SIGNED
                      : strcmp(value, "encrypted") == 0 ? SIPVEIL_REQUIRE_ENCRYPTED
                      : strcmp(value, "both") == 0      ? SIPVEIL_REQUIRE_SIGNED | SIPVEIL_REQUIRE_ENCRYPTED
                                                        : 0;
    return o->open.require != 0;
}

static bool add_list(vector_bench *b, const opening *o, const opening_list *list, vector_role role,
                     vector_outcome *out)
{
    for (size_t i = 0; out->code == SIPVEIL_OK && i < list->count; i++) {
        if (!vector_add_key(b, o->ring, list->items[i], role, &out->code, &out->err)) return false;
    }
    return true;
}

static bool add_keys(vector_bench *b, opening *o, vector_outcome *out)
{
    if (!add_list(b, o, &o->keys, VECTOR_KEY, out) || !add_list(b, o, &o->certs, VECTOR_CERTIFICATES, out) ||
        !add_list(b, o, &o->trust, VECTOR_ANCHORS, out) || !add_list(b, o, &o->crls, VECTOR_CRLS, out)) {
        return false;
    }
    if (opening_add_pins(o) != TOOL_OK) return vector_refuse(b, "options: a pin cannot be used");
    o->open.keyring = o->ring;
    o->open.allow_unprotected = true; /* as the program: --require says otherwise */
    o->open.registered = o->registered.items;
    o->open.registered_count = o->registered.count;
    return true;
}

/* Messages that were opened before this one, by the same memory and options. */
static bool open_history(vector_bench *b, const opening *o, const json_t *before)
{
    size_t i;
    const json_t *earlier;
    int64_t now = b->now;
    json_array_foreach (before, i, earlier) {
        io_octets octets;
        sipveil_opened opened;
        sipveil_error err;
        const char *why, *at = json_string_value(json_object_get(earlier, "at"));
        if (!vector_read_octets(json_object_get(earlier, "message"), &octets, &why)) {
            return vector_refuse(b, "before[%zu]: %s", i, why);
        }
        if (at != NULL && !tool_read_time(at, &b->now)) {
            io_free(&octets);
            return vector_refuse(b, "before[%zu]: \"%s\" is no time", i, at);
        }
        sipveil_code code = sipveil_tunnel_open_message(b->worker, &o->open, (sipveil_span){octets.data, octets.len},
                                                        &opened, &err);
        b->now = now;
        io_free(&octets);
        if (code != SIPVEIL_OK) return vector_refuse(b, "before[%zu] is not opened: %s", i, err.text);
    }
    return true;
}

static void keep_report(vector_bench *b, vector_outcome *out)
{
    sipveil_span json;
    sipveil_error err;
    if (sipveil_worker_report_json(b->worker, &json, &err) == SIPVEIL_OK) {
        out->report = json_loadb((const char *)json.data, json.len, 0, NULL);
    }
}

static void answer(vector_bench *b, const opening *o, sipveil_span message, vector_outcome *out)
{
    sipveil_error err;
    if (out->code == SIPVEIL_OK || out->err.sip_status == 0 ||
        sipveil_tunnel_write_refusal(b->worker, &o->open, message, &out->err, &out->message, &err) != SIPVEIL_OK) {
        return;
    }
    out->exit_code = TOOL_ANSWER;
}

static void run(vector_bench *b, const opening *o, const char *operation, sipveil_span message, vector_outcome *out)
{
    if (strcmp(operation, "inspect") == 0) {
        out->code = sipveil_tunnel_inspect_message(b->worker, &o->open, message, &out->err);
    } else {
        out->code = sipveil_tunnel_open_message(b->worker, &o->open, message, &out->opened, &out->err);
        out->message = out->opened.message;
    }
    out->exit_code = sipveil_code_exit(out->code);
    if (out->code == SIPVEIL_OK || strcmp(operation, "inspect") == 0) keep_report(b, out);
    if (strcmp(operation, "answer") == 0) answer(b, o, message, out);
}

bool vector_open(vector_bench *b, const json_t *test, sipveil_span message, sipveil_keyring *ring,
                 vector_outcome *out)
{
    opening o = {.common = b->common, .ring = ring};
    sipveil_error err;
    const json_t *name = json_object_get(test, "operation"); /* not in the opening of what was sealed */
    const char *operation = name != NULL ? json_string_value(name) : "open";
    const json_t *before = json_object_get(test, "before");
    sipveil_open_options_default(&o.open);
    bool good = vector_take_options(b, json_object_get(test, "options"), options, sizeof options / sizeof *options,
                                    take, &o) &&
                add_keys(b, &o, out);
    if (good && out->code != SIPVEIL_OK) {
        out->exit_code = sipveil_code_exit(out->code);
    } else if (good) {
        if (before != NULL && sipveil_memory_new(&o.open.memory, &err) != SIPVEIL_OK) {
            good = vector_refuse(b, "memory: %s", err.text);
        }
        good = good && open_history(b, &o, before);
        if (good) run(b, &o, operation, message, out);
        sipveil_memory_free(o.open.memory);
    }
    o.ring = NULL; /* the caller's */
    opening_end(&o);
    return good;
}
