/* SPDX-License-Identifier: BSD-2-Clause */
#include "opening.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "secrets.h"

static bool take_item(opening *o, opening_list *list, const char *value)
{
    if (list->count == OPENING_LIST_MOST) {
        tool_usage_error(&o->common, "one option is given more than %d times", OPENING_LIST_MOST);
        return false;
    }
    list->items[list->count++] = value;
    return true;
}

static bool take_weak(opening *o, const char *value)
{
    static const struct {
        const char *name;
        unsigned bit;
    } weak[] = {{"sha1", SIPVEIL_WEAK_SHA1},
                {"rsa1024", SIPVEIL_WEAK_RSA1024},
                {"rsa-v1.5", SIPVEIL_WEAK_RSA_V15_TRANSPORT},
                {"3des", SIPVEIL_WEAK_3DES},
                {"no-signed-attrs", SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES}};
    char copy[256];
    const char *names[16];
    snprintf(copy, sizeof copy, "%s", value);
    size_t count = tool_split_list(copy, names, 16);
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < sizeof weak / sizeof *weak && strcmp(weak[k].name, names[i]) != 0) k++;
        if (k == sizeof weak / sizeof *weak) return tool_bad_value(&o->common, "allow-weak", names[i]);
        o->open.allow_weak |= weak[k].bit;
    }
    return count > 0 || tool_bad_value(&o->common, "allow-weak", value);
}

static bool take_number(opening *o, const char *option, const char *value, int64_t least, int64_t *out)
{
    char *end;
    long long number = strtoll(value, &end, 10);
    if (*end != '\0' || number < least || number > 4000000000LL) return tool_bad_value(&o->common, option, value);
    *out = number;
    return true;
}

static bool take_value(opening *o, int id, const char *v)
{
    int64_t number = 0;
    switch (id) {
    case O_COMPAT:
        if (strcmp(v, "seed000") == 0) o->open.compat |= SIPVEIL_COMPAT_SEED000;
        else if (strcmp(v, "samples") == 0) o->open.compat |= SIPVEIL_COMPAT_SAMPLES;
        else return tool_bad_value(&o->common, "compat", v);
        return true;
    case O_PROFILE:
        if (strcmp(v, "pcscf") != 0) return tool_bad_value(&o->common, "profile", v);
        o->open.pcscf = true;
        return true;
    case O_AT:
        o->open.has_at = true;
        return tool_read_time(v, &o->open.at) || tool_bad_value(&o->common, "at", v);
    case O_DATE_WINDOW:
        if (strcmp(v, "any") == 0) {
            o->open.date_window = SIPVEIL_DATE_WINDOW_ANY;
            return true;
        }
        return take_number(o, "date-window", v, 1, &o->open.date_window);
    case O_LAYERS:
        if (!take_number(o, "layers", v, 1, &number)) return false;
        o->open.layers = (size_t)number;
        return true;
    case O_ACCEPT_MISMATCH:
        o->mismatch = strdup(v);
        if (o->mismatch == NULL) return false;
        o->open.accept_mismatch = o->mismatch_list;
        o->open.accept_mismatch_count = tool_split_list(o->mismatch, o->mismatch_list, OPENING_LIST_MOST);
        return o->open.accept_mismatch_count > 0 || tool_bad_value(&o->common, "accept-mismatch", v);
    default: return false;
    }
}

bool opening_take(opening *o, int id, const char *v)
{
    switch (id) {
    case O_KEY: return take_item(o, &o->keys, v);
    case O_CERT: return take_item(o, &o->certs, v);
    case O_TRUST: return take_item(o, &o->trust, v);
    case O_CRL: return take_item(o, &o->crls, v);
    case O_PIN: return take_item(o, &o->pins, v);
    case O_KEYRING: return take_item(o, &o->kept, v);
    case O_REGISTERED: return take_item(o, &o->registered, v);
    case O_ALLOW_WEAK: return take_weak(o, v);
    case O_NO_VERIFY_SIGNER: o->open.no_verify_signer = true; return true;
    case O_ME: o->open.me = v; return true;
    case O_UNAUTHENTICATED: o->open.allow_unauthenticated = true; return true;
    case O_STRICT: o->open.strict = true; return true;
    case O_SECOND_OPINION: o->open.second_opinion = true; return true;
    case O_PRIVACY_BORDER: o->open.privacy_border = true; return true;
    case O_OPEN_KEY_FILE: o->allow_open = true; return true;
    default: return take_value(o, id, v);
    }
}

typedef sipveil_code (*add_path)(sipveil_keyring *, const char *, sipveil_error *);

static int add_all(opening *o, const opening_list *list, add_path add)
{
    sipveil_error err;
    for (size_t i = 0; i < list->count; i++) {
        if (add(o->ring, list->items[i], &err) == SIPVEIL_OK) continue;
        (void)tool_error(&o->common, strstr(err.text, list->items[i]) != NULL ? NULL : list->items[i], &err);
        return err.code == SIPVEIL_INTERNAL ? TOOL_FAILED : TOOL_USAGE;
    }
    return TOOL_OK;
}

int opening_add_pins(opening *o)
{
    char aor[1024];
    sipveil_error err;
    for (size_t i = 0; i < o->pins.count; i++) {
        const char *equal = strrchr(o->pins.items[i], '=');
        if (equal == NULL || (size_t)(equal - o->pins.items[i]) >= sizeof aor) {
            return tool_usage_error(&o->common, "--pin takes AOR=SHA256, not '%s'", o->pins.items[i]);
        }
        snprintf(aor, sizeof aor, "%.*s", (int)(equal - o->pins.items[i]), o->pins.items[i]);
        if (sipveil_keyring_add_pin(o->ring, aor, equal + 1, &err) != SIPVEIL_OK) {
            (void)tool_error(&o->common, NULL, &err);
            return TOOL_USAGE;
        }
    }
    return TOOL_OK;
}

int opening_prepare(opening *o)
{
    sipveil_error err;
    if (o->registered.count > 0 && !o->open.pcscf) {
        return tool_usage_error(&o->common, "--registered goes with --profile pcscf: nobody else compares it");
    }
    if (sipveil_context_new(NULL, &o->context, &err) != SIPVEIL_OK ||
        sipveil_keyring_new(o->context, &o->ring, &err) != SIPVEIL_OK ||
        sipveil_worker_new(o->context, &o->worker, &err) != SIPVEIL_OK) {
        return tool_error(&o->common, NULL, &err);
    }
    for (size_t i = 0; i < o->keys.count; i++) {
        int exit_code = keyref_add(&o->common, o->ring, o->keys.items[i], o->allow_open);
        if (exit_code != TOOL_OK) return exit_code;
    }
    int exit_code = add_all(o, &o->certs, sipveil_keyring_add_certificates);
    if (exit_code == TOOL_OK) exit_code = add_all(o, &o->trust, sipveil_keyring_add_anchors);
    if (exit_code == TOOL_OK) exit_code = add_all(o, &o->crls, sipveil_keyring_add_crls);
    if (exit_code == TOOL_OK) exit_code = add_all(o, &o->kept, sipveil_keyring_add_kept);
    if (exit_code == TOOL_OK) exit_code = opening_add_pins(o);
    if (exit_code == TOOL_OK) secrets_tell(&o->common, o->ring);
    o->open.keyring = o->ring;
    o->open.allow_unprotected = true; /* --require says otherwise */
    o->open.registered = o->registered.items;
    o->open.registered_count = o->registered.count;
    return exit_code;
}

int opening_write_report(opening *o)
{
    sipveil_span json;
    sipveil_error err;
    if (sipveil_worker_report_json(o->worker, &json, &err) != SIPVEIL_OK) return TOOL_OK;
    return report_write(&o->common, json);
}

void opening_end(opening *o)
{
    sipveil_worker_free(o->worker);
    sipveil_keyring_free(o->ring);
    sipveil_context_free(o->context);
    free(o->mismatch);
}
