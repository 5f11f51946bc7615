/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil identity verify, and what bind shares with it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "identity.h"
#include "report.h"

enum { CERTIFICATE_FILE_MOST = 1 << 20, PATH_MOST_LEN = 4096 };

void identity_verifying_begin(identity_verifying *v, const char *verb)
{
    *v = (identity_verifying){.o = {.common = {.verb = verb}}, .memory = {.fd = -1}};
    sipveil_open_options_default(&v->o.open);
    sipveil_identity_verify_options_default(&v->verify);
    v->verify.profile = SIPVEIL_IDENTITY_AUTO;
}

static bool take_profile(identity_verifying *v, const char *value)
{
    static const struct {
        const char *name;
        sipveil_identity_profile profile;
    } rows[] = {{"auto", SIPVEIL_IDENTITY_AUTO}, {"rfc8224", SIPVEIL_IDENTITY_RFC8224}, {"rfc4474", SIPVEIL_IDENTITY_RFC4474}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].name, value) != 0) continue;
        v->verify.profile = rows[i].profile;
        return true;
    }
    return tool_bad_value(&v->o.common, "profile", value);
}

static bool take_freshness(identity_verifying *v, const char *value)
{
    char *end;
    v->verify.freshness = SIPVEIL_DATE_WINDOW_ANY;
    if (strcmp(value, "any") == 0) return true;
    long long seconds = strtoll(value, &end, 10);
    if (*end != '\0' || *value == '\0' || seconds < 1 || seconds > 4000000000LL) return tool_bad_value(&v->o.common, "freshness", value);
    v->verify.freshness = seconds;
    return true;
}

bool identity_verifying_take(identity_verifying *v, int id, const char *value)
{
    bool taken;
    if (!identity_naming_take(&v->o.common, &v->numbers, id, value, &taken)) return false;
    if (taken) return true;
    switch (id) {
    case O_PROFILE: return take_profile(v, value);
    case O_FRESHNESS: return take_freshness(v, value);
    case O_REQUIRE: v->verify.required = true; return true;
    case O_ALLOW_HTTP: v->verify.allow_http = true; return true;
    case O_ALLOW_PRIVATE: v->verify.allow_private_hosts = true; return true;
    case O_ALLOW_TLS_USAGE: v->verify.allow_tls_usage = true; return true;
    case O_STATE: v->state = value; return true;
    case O_COMPAT:
        if (strcmp(value, "samples") != 0) return tool_bad_value(&v->o.common, "compat", value);
        v->verify.compat = SIPVEIL_COMPAT_SAMPLES;
        return true;
    case O_PPT:
        if (v->verify.ppt_count == OPENING_LIST_MOST) return tool_bad_value(&v->o.common, "ppt", value);
        v->ppts[v->verify.ppt_count++] = value;
        return true;
    default: return opening_take(&v->o, id, value);
    }
}

/* ---- certificates from files ---- */

/* Told before a message is looked at: it is no fault of the message. */
static int check_certificate(const identity_verifying *v, const char *path, const io_octets *octets)
{
    static const char secret[] = "PRIVATE KEY-----";
    sipveil_domain_certificate *read = NULL;
    sipveil_error err;
    if (octets->len > 0 && memmem(octets->data, octets->len, secret, sizeof secret - 1) != NULL) {
        return tool_failure(&v->o.common, TOOL_USAGE, "give the certificate alone, as 'sipveil keygen cert --cert-out' writes it",
                            "%s: holds a private key, and --cert is what everybody may see", path);
    }
    if (sipveil_domain_certificate_read(v->o.ring, (sipveil_span){octets->data, octets->len}, 0, &read, &err) != SIPVEIL_OK) {
        int exit_code = tool_error(&v->o.common, path, &err);
        return exit_code == TOOL_FAILED ? exit_code : TOOL_USAGE;
    }
    sipveil_domain_certificate_free(read);
    return TOOL_OK;
}

static int add_file(identity_verifying *v, const char *uri, const char *path)
{
    int exit_code;
    if (v->certificate_count == IDENTITY_CERTIFICATES_MOST) {
        return tool_usage_error(&v->o.common, "more than %d certificates", IDENTITY_CERTIFICATES_MOST);
    }
    identity_certificate *c = &v->certificates[v->certificate_count];
    *c = (identity_certificate){0};
    if (!io_read(&v->o.common, path, CERTIFICATE_FILE_MOST, &c->octets, &exit_code)) return TOOL_USAGE;
    v->certificate_count++;
    exit_code = check_certificate(v, path, &c->octets);
    if (exit_code != TOOL_OK) return exit_code;
    const char *slash = strrchr(path, '/');
    c->name = strdup(slash != NULL ? slash + 1 : path);
    c->uri = uri != NULL ? strdup(uri) : NULL;
    if (c->name != NULL && (uri == NULL || c->uri != NULL)) return TOOL_OK;
    return tool_failure(&v->o.common, TOOL_FAILED, NULL, "out of memory");
}

static int add_folder(identity_verifying *v, const char *path)
{
    struct dirent *item;
    DIR *folder = opendir(path);
    int exit_code = TOOL_OK;
    size_t before = v->certificate_count;
    if (folder == NULL) return tool_failure(&v->o.common, TOOL_USAGE, NULL, "%s: %s", path, strerror(errno));
    while (exit_code == TOOL_OK && (item = readdir(folder)) != NULL) {
        char name[PATH_MOST_LEN];
        struct stat st;
        if (!io_is_certificate_name(item->d_name) || snprintf(name, sizeof name, "%s/%s", path, item->d_name) >= (int)sizeof name) continue;
        if (stat(name, &st) == 0 && S_ISREG(st.st_mode)) exit_code = add_file(v, NULL, name);
    }
    closedir(folder);
    if (exit_code == TOOL_OK && v->certificate_count == before) {
        exit_code = tool_failure(&v->o.common, TOOL_USAGE, "they end in .pem, .crt, .cer or .der", "%s: no certificate is in this folder", path);
    }
    return exit_code;
}

/* FILE, DIR or URI=FILE. */
static int add_certificate(identity_verifying *v, const char *text)
{
    char uri[PATH_MOST_LEN];
    struct stat st;
    const char *scheme = strstr(text, "://"), *equal = strrchr(text, '=');
    if (scheme != NULL && equal != NULL && equal > scheme) {
        if (snprintf(uri, sizeof uri, "%.*s", (int)(equal - text), text) >= (int)sizeof uri) return tool_bad_value(&v->o.common, "cert", text) ? TOOL_OK : TOOL_USAGE;
        return add_file(v, uri, equal + 1);
    }
    return stat(text, &st) == 0 && S_ISDIR(st.st_mode) ? add_folder(v, text) : add_file(v, NULL, text);
}

/* The one that was given for this URI; the file of its last name; the only one there is. */
static const identity_certificate *find_certificate(const identity_verifying *v, const char *uri)
{
    const identity_certificate *any = NULL;
    const char *slash = strrchr(uri, '/');
    size_t plain = 0;
    for (size_t i = 0; i < v->certificate_count; i++) {
        if (v->certificates[i].uri != NULL && strcmp(v->certificates[i].uri, uri) == 0) return &v->certificates[i];
    }
    for (size_t i = 0; i < v->certificate_count; i++) {
        const identity_certificate *c = &v->certificates[i];
        if (c->uri != NULL) continue;
        if (slash != NULL && strcmp(slash + 1, c->name) == 0) return c;
        any = c;
        plain++;
    }
    return plain == 1 ? any : NULL;
}

static sipveil_code fetch(void *user, const char *uri, sipveil_span *certificate, sipveil_error *err)
{
    const identity_verifying *v = user;
    const identity_certificate *c = find_certificate(v, uri);
    if (c == NULL) {
        snprintf(err->text, sizeof err->text, "no --cert answers for the URI \"%s\"", uri);
        snprintf(err->rule, sizeof err->rule, "IDN-36");
        snprintf(err->hint, sizeof err->hint, "give it with --cert URI=FILE; nothing is fetched from the net");
        return SIPVEIL_NO_KEY;
    }
    *certificate = (sipveil_span){c->octets.data, c->octets.len};
    return SIPVEIL_OK;
}

/* ---- the call ---- */

int identity_verifying_prepare(identity_verifying *v)
{
    opening_list certs = v->o.certs;
    v->o.certs.count = 0; /* here they answer for URIs */
    int exit_code = opening_prepare(&v->o);
    for (size_t i = 0; exit_code == TOOL_OK && i < certs.count; i++) exit_code = add_certificate(v, certs.items[i]);
    if (exit_code == TOOL_OK) exit_code = identity_naming_prepare(&v->o.common, &v->numbers);
    v->now = v->o.open.has_at ? v->o.open.at : (int64_t)time(NULL);
    if (exit_code == TOOL_OK && v->state != NULL) exit_code = statefile_open(&v->o.common, v->state, v->now, &v->memory);
    identity_verifying_settle(v);
    return exit_code;
}

void identity_verifying_settle(identity_verifying *v)
{
    v->verify.trust = v->o.ring;
    v->verify.fetch = fetch;
    v->verify.fetch_user = v;
    v->verify.naming = v->numbers.naming;
    v->verify.spc = v->numbers.has_spc ? identity_spc : NULL;
    v->verify.spc_user = &v->numbers;
    v->verify.ppts = v->ppts;
    v->verify.has_at = v->o.open.has_at;
    v->verify.at = v->o.open.at;
    v->verify.allow_weak = v->o.open.allow_weak;
    v->verify.memory = v->memory.memory;
}

void identity_verifying_end(identity_verifying *v)
{
    for (size_t i = 0; i < v->certificate_count; i++) {
        io_free(&v->certificates[i].octets);
        free((char *)(uintptr_t)v->certificates[i].name);
        free((char *)(uintptr_t)v->certificates[i].uri);
    }
    statefile_close(&v->memory);
    identity_naming_end(&v->numbers);
    opening_end(&v->o);
}

int identity_tell(const identity_verifying *v, const char *path, const sipveil_identity_verdict *verdict)
{
    for (size_t i = 0; i < verdict->warning_count; i++) tool_warning(&v->o.common, path, "%s", verdict->warnings[i].text);
    if (verdict->status == 0) return TOOL_OK;
    sipveil_error told = verdict->reason;
    snprintf(told.text, sizeof told.text, "%d %s: %.*s", verdict->status, verdict->phrase, (int)sizeof told.text - 64,
             verdict->reason.text);
    return tool_error(&v->o.common, path, &told);
}

int identity_write_report(const identity_verifying *v, const sipveil_identity_verdict *verdict)
{
    sipveil_span json;
    sipveil_error err;
    if (v->o.common.report == NULL) return TOOL_OK;
    if (sipveil_identity_report_json(v->o.worker, verdict, &json, &err) != SIPVEIL_OK) return tool_error(&v->o.common, NULL, &err);
    return report_write(&v->o.common, json);
}

/* ---- verify ---- */

static const tool_option options[] = {
    IDENTITY_VERIFY_OPTIONS,
    {O_ANSWER, "answer", 0, NULL, false, "on refusal write the SIP response to send back (exit 10)"},
    TOOL_COMMON_OPTIONS,
};

typedef struct verify_state {
    identity_verifying v; /* first */
    bool answer;
} verify_state;

static bool take(void *state, int id, const char *value)
{
    verify_state *s = state;
    switch (id) {
    case O_ANSWER: s->answer = true; return true;
    default: return identity_verifying_take(&s->v, id, value);
    }
}

static int write_answer(verify_state *s, const char *path, sipveil_span message, const sipveil_identity_verdict *verdict)
{
    sipveil_span response;
    sipveil_error err;
    if (sipveil_identity_write_refusal(s->v.o.worker, message, verdict->status, verdict->phrase, &response, &err) != SIPVEIL_OK) {
        return tool_error(&s->v.o.common, path, &err);
    }
    int exit_code = io_write_output(&s->v.o.common, response, IO_BINARY);
    return exit_code == TOOL_OK ? TOOL_ANSWER : exit_code;
}

static int verify_message(void *state, const char *path, sipveil_span message)
{
    verify_state *s = state;
    sipveil_identity_verdict verdict;
    sipveil_error err;
    if (sipveil_identity_verify_request(s->v.o.worker, &s->v.verify, message, &verdict, &err) != SIPVEIL_OK) {
        return tool_error(&s->v.o.common, path, &err);
    }
    int refused = identity_tell(&s->v, path, &verdict);
    int exit_code = identity_write_report(&s->v, &verdict);
    if (exit_code == TOOL_OK && verdict.valid && s->v.state != NULL) exit_code = statefile_save(&s->v.o.common, &s->v.memory);
    if (exit_code != TOOL_OK) return exit_code;
    if (refused == TOOL_OK) return io_write_output(&s->v.o.common, verdict.message, IO_BINARY);
    return s->answer ? write_answer(s, path, message, &verdict) : refused;
}

static int prepare(void *state)
{
    return identity_verifying_prepare(&((verify_state *)state)->v);
}

int identity_verify(int argc, char **argv)
{
    static const tool_verb verb = {"identity verify", "--cert FILE|DIR|URI=FILE --trust FILE|DIR [options] [FILE]",
                                   "Checks who a request is from, and writes it as it is; refused by the status that a verifier\n"
                                   "answers with: 428, 438 exit 6, 437 exit 7, 436 exit 4, 403 exit 9.",
                                   identity_verify};
    static const identity_work work = {options, sizeof options / sizeof *options, take, prepare, verify_message};
    verify_state s = {0};
    identity_verifying_begin(&s.v, verb.name);
    int exit_code = identity_do(&verb, &work, argc, argv, &s.v.o, &s);
    identity_verifying_end(&s.v);
    return exit_code;
}
