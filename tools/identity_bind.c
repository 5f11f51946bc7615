/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil identity bind */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "identity.h"
#include "identity_binding.h"
#include "report.h"

enum { CERTIFICATE_MOST = 1 << 16, SHA256 = 32 };
enum bind_option { O_SENT = O_IDENTITY_LAST, O_PROVEN, O_FROM_CHANGE, O_EXPECT, O_MIKEY };

static const tool_option options[] = {
    IDENTITY_VERIFY_OPTIONS,
    {O_FROM_CHANGE, "from-change", 0, NULL, false, "both sides have said Supported: from-change: From may change with Identity"},
    {O_EXPECT, "expect", 0, "AOR", false, "whom the caller thinks he talks to; told if it is somebody else"},
    {O_MIKEY, "mikey-cert", 0, "FILE", false, "the certificate that your MIKEY reader found and verified in the offer"},
    {O_SENT, "sent", 0, NULL, false, "a message of ours: nothing is bound; what it does to its dialog is taken note of"},
    {O_PROVEN, "proven", 0, "SHA256", false, "a handshake by the key of that certificate succeeded in the dialog of the message"},
    {O_ANSWER, "answer", 0, NULL, false, "on refusal write the SIP response to send back (exit 10)"},
    TOOL_COMMON_OPTIONS,
};

typedef struct bind_state {
    identity_verifying v; /* first */
    sipveil_identity_bind_options bind;
    const char *mikey_file;
    io_octets mikey;
    uint8_t proven[SHA256];
    bool has_proven, sent, answer;
} bind_state;

static bool take_digest(bind_state *s, const char *text)
{
    unsigned octet;
    for (size_t i = 0; i < SHA256; i++) {
        if (strspn(text + 2 * i, "0123456789abcdefABCDEF") < 2 || sscanf(text + 2 * i, "%2x", &octet) != 1) {
            return tool_bad_value(&s->v.o.common, "proven", text);
        }
        s->proven[i] = (uint8_t)octet;
    }
    s->has_proven = true;
    return text[2 * SHA256] == '\0' || tool_bad_value(&s->v.o.common, "proven", text);
}

static bool take(void *state, int id, const char *value)
{
    bind_state *s = state;
    switch (id) {
    case O_FROM_CHANGE: s->bind.from_change = true; return true;
    case O_EXPECT: s->bind.expected = value; return true;
    case O_MIKEY: s->mikey_file = value; return true;
    case O_SENT: s->sent = true; return true;
    case O_PROVEN: return strlen(value) == 2 * SHA256 ? take_digest(s, value) : tool_bad_value(&s->v.o.common, "proven", value);
    case O_ANSWER: s->answer = true; return true;
    default: return identity_verifying_take(&s->v, id, value);
    }
}

/* ---- what became of it ---- */

/* Whoever reads MIKEY has read it already: the file is what was found. */
static bool read_mikey(void *user, sipveil_span mikey, sipveil_span *certificate, bool *verified)
{
    bind_state *s = user;
    (void)mikey;
    *certificate = (sipveil_span){s->mikey.data, s->mikey.len};
    *verified = true;
    return true;
}

static json_t *events_json(unsigned events)
{
    json_t *list = json_array();
    for (unsigned bit = 1; bit != 0 && bit <= events; bit <<= 1) {
        const char *name = sipveil_binding_event_name(events & bit);
        if (name != NULL) json_array_append_new(list, json_string(name));
    }
    return list;
}

static json_t *bound_json(const sipveil_bound *b)
{
    static const char *const assurances[] = {"A0", "A1", "A2", "A3"};
    json_t *o = json_object();
    json_object_set_new(o, "assurance", json_string(assurances[b->assurance]));
    json_object_set_new(o, "state", b->state == SIPVEIL_BINDING_NONE ? json_null() : json_string(identity_state_name(b->state)));
    json_object_set_new(o, "events", events_json(b->events));
    json_object_set_new(o, "aor", b->aor[0] == '\0' ? json_null() : report_text_json(b->aor));
    json_object_set_new(o, "carrier", json_string(b->carrier));
    json_object_set_new(o, "sha256", b->certificate.len == 0 ? json_null() : identity_digest_json(b->sha256));
    json_object_set_new(o, "until", b->certificate.len == 0 ? json_null() : identity_time_json(b->until));
    json_object_set_new(o, "status", b->status == 0 ? json_null() : json_integer(b->status));
    json_object_set_new(o, "phrase", b->status == 0 ? json_null() : json_string(b->phrase));
    json_object_set_new(o, "why", json_string(b->why));
    return o;
}

/* The verdict as verify reports it, and what became of the certificate. */
static int write_report(bind_state *s, const sipveil_identity_verdict *verdict, const sipveil_bound *bound)
{
    sipveil_span json;
    sipveil_error err;
    if (s->v.o.common.report == NULL) return TOOL_OK;
    if (sipveil_identity_report_json(s->v.o.worker, verdict, &json, &err) != SIPVEIL_OK) {
        return tool_error(&s->v.o.common, NULL, &err);
    }
    json_t *whole = json_object();
    json_object_set_new(whole, "version", json_integer(1));
    json_object_set_new(whole, "bound", bound_json(bound));
    json_object_set_new(whole, "identity", json_loadb((const char *)json.data, json.len, 0, NULL));
    int exit_code = identity_write_json(&s->v.o.common, true, whole);
    json_decref(whole);
    return exit_code;
}

static void tell(const bind_state *s, const char *path, const sipveil_bound *b)
{
    static const struct {
        unsigned event;
        const char *text;
    } rows[] = {
        {SIPVEIL_BINDING_EVENT_KEY_CHANGED, "the peer has another certificate; the old one serves until the new one is proven"},
        {SIPVEIL_BINDING_EVENT_IDENTITY_CHANGED, "From changed, and Identity says so: what was bound before is gone"},
        {SIPVEIL_BINDING_EVENT_OTHER_PARTY, "the peer is somebody else than was expected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (b->events & rows[i].event) tool_warning(&s->v.o.common, path, "%s", rows[i].text);
    }
    if (b->assurance == SIPVEIL_ASSURANCE_UNBOUND && b->why[0] != '\0') {
        tool_warning(&s->v.o.common, path, "the certificate is not bound to the sender: %s", b->why);
    } else if (b->why[0] != '\0') {
        tool_warning(&s->v.o.common, path, "%s", b->why);
    }
    if (s->v.o.common.verbose && b->state != SIPVEIL_BINDING_NONE) {
        fprintf(stderr, "sipveil identity bind: bound to %s, %s\n", b->aor, identity_state_name(b->state));
    }
}

static int refuse(bind_state *s, const char *path, sipveil_span message, const sipveil_bound *b)
{
    sipveil_span response;
    sipveil_error err, told = b->reason;
    snprintf(told.text, sizeof told.text, "%d %s: %.*s", b->status, b->phrase, (int)sizeof told.text - 64, b->reason.text);
    int exit_code = tool_error(&s->v.o.common, path, &told);
    if (!s->answer) return exit_code;
    if (sipveil_identity_write_refusal(s->v.o.worker, message, b->status, b->phrase, &response, &err) != SIPVEIL_OK) {
        return tool_error(&s->v.o.common, path, &err);
    }
    exit_code = io_write_output(&s->v.o.common, response, IO_BINARY);
    return exit_code == TOOL_OK ? TOOL_ANSWER : exit_code;
}

/* ---- the three things that it does ---- */

static int hand_on(bind_state *s, sipveil_span message)
{
    int exit_code = statefile_save(&s->v.o.common, &s->v.memory);
    return exit_code == TOOL_OK ? io_write_output(&s->v.o.common, message, IO_BINARY) : exit_code;
}

static int note(bind_state *s, const char *path, sipveil_span message)
{
    sipveil_error err;
    sipveil_memory *memory = s->v.memory.memory;
    sipveil_code code = s->has_proven
                            ? sipveil_identity_prove_binding(s->v.o.worker, memory, message, s->sent, s->proven, s->v.now, &err)
                            : sipveil_identity_observe_message(s->v.o.worker, memory, message, true, s->v.now, NULL, &err);
    return code == SIPVEIL_OK ? hand_on(s, message) : tool_error(&s->v.o.common, path, &err);
}

static int bind_message(void *state, const char *path, sipveil_span message)
{
    bind_state *s = state;
    sipveil_identity_verdict verdict;
    sipveil_bound bound;
    sipveil_error err;
    if (s->sent || s->has_proven) return note(s, path, message);
    if (sipveil_identity_verify_request(s->v.o.worker, &s->v.verify, message, &verdict, &err) != SIPVEIL_OK ||
        sipveil_identity_bind_certificate(s->v.o.worker, &s->bind, message, &verdict, &bound, &err) != SIPVEIL_OK) {
        return tool_error(&s->v.o.common, path, &err);
    }
    int exit_code = write_report(s, &verdict, &bound);
    if (exit_code != TOOL_OK) return exit_code;
    if (bound.status != 0) return refuse(s, path, message, &bound);
    for (size_t i = 0; i < verdict.warning_count; i++) tool_warning(&s->v.o.common, path, "%s", verdict.warnings[i].text);
    tell(s, path, &bound);
    return hand_on(s, verdict.message);
}

static int prepare(void *state)
{
    bind_state *s = state;
    int exit_code;
    if (s->v.state == NULL) return tool_usage_error(&s->v.o.common, "--state FILE is missing: that is where bindings are kept");
    if (s->mikey_file != NULL) {
        if (!io_read(&s->v.o.common, s->mikey_file, CERTIFICATE_MOST, &s->mikey, &exit_code)) return exit_code;
        s->bind.mikey = read_mikey;
        s->bind.mikey_user = s;
    }
    exit_code = identity_verifying_prepare(&s->v);
    s->bind.memory = s->v.memory.memory;
    s->bind.trust = s->v.o.ring;
    s->bind.required = s->v.verify.required;
    s->bind.allow_weak = s->v.o.open.allow_weak;
    s->bind.has_at = true;
    s->bind.at = s->v.now;
    return exit_code;
}

int identity_bind(int argc, char **argv)
{
    static const tool_verb verb = {"identity bind", "--state FILE --cert FILE|DIR|URI=FILE --trust FILE|DIR [options] [FILE]",
                                   "Checks who a request is from, binds the certificate that it carries to its sender for its dialog, and\n"
                                   "writes it as it is. Every message of the dialog may go through it, so that bindings end with it.",
                                   identity_bind};
    static const identity_work work = {options, sizeof options / sizeof *options, take, prepare, bind_message};
    bind_state s = {0};
    identity_verifying_begin(&s.v, verb.name);
    sipveil_identity_bind_options_default(&s.bind);
    int exit_code = identity_do(&verb, &work, argc, argv, &s.v.o, &s);
    io_free(&s.mikey);
    identity_verifying_end(&s.v);
    return exit_code;
}
