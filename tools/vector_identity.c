/* SPDX-License-Identifier: BSD-2-Clause */
/* The operation verify of a vector case: who a request is from. */
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "vector.h"

static const tool_option options[] = {IDENTITY_VERIFY_OPTIONS};

static bool take(void *state, int id, const char *value)
{
    return identity_verifying_take(state, id, value);
}

/* A certificate of the file answers for every URI, or URI=NAME for one. */
static bool add_certificate(vector_bench *b, identity_verifying *v, const char *text)
{
    const char *scheme = strstr(text, "://"), *equal = strrchr(text, '='), *why;
    bool for_one = scheme != NULL && equal != NULL && equal > scheme;
    const char *name = for_one ? equal + 1 : text;
    const json_t *pem = json_object_get(json_object_get(b->keys, name), "pem");
    identity_certificate *c = &v->certificates[v->certificate_count];
    *c = (identity_certificate){0};
    if (pem == NULL) return vector_refuse(b, "there is no certificate \"%s\"", name);
    if (v->certificate_count == IDENTITY_CERTIFICATES_MOST || !vector_read_octets(pem, &c->octets, &why)) {
        return vector_refuse(b, "certificate \"%s\" cannot be used", name);
    }
    v->certificate_count++;
    c->name = strdup(name);
    c->uri = for_one ? strndup(text, (size_t)(equal - text)) : NULL;
    return c->name != NULL && (!for_one || c->uri != NULL);
}

static bool add_keys(vector_bench *b, identity_verifying *v, vector_outcome *out)
{
    for (size_t i = 0; i < v->o.trust.count && out->code == SIPVEIL_OK; i++) {
        if (!vector_add_key(b, v->o.ring, v->o.trust.items[i], VECTOR_ANCHORS, &out->code, &out->err)) return false;
    }
    for (size_t i = 0; i < v->o.certs.count; i++) {
        if (!add_certificate(b, v, v->o.certs.items[i])) return false;
    }
    return true;
}

static void run(vector_bench *b, identity_verifying *v, sipveil_span message, vector_outcome *out)
{
    sipveil_identity_verdict verdict;
    sipveil_span json;
    sipveil_error err;
    out->code = sipveil_identity_verify_request(b->worker, &v->verify, message, &verdict, &out->err);
    if (out->code == SIPVEIL_OK) {
        out->err = verdict.reason;
        out->code = verdict.reason.code;
        if (verdict.status == 0) out->message = message;
        if (sipveil_identity_report_json(b->worker, &verdict, &json, &err) == SIPVEIL_OK) {
            out->report = json_loadb((const char *)json.data, json.len, 0, NULL);
        }
    }
    out->exit_code = sipveil_code_exit(out->code);
}

bool vector_identity(vector_bench *b, const json_t *test, sipveil_span message, sipveil_keyring *ring, vector_outcome *out)
{
    identity_verifying *v = malloc(sizeof *v);
    if (v == NULL) return vector_refuse(b, "out of memory");
    identity_verifying_begin(v, "vectors");
    v->o.ring = ring;
    bool good = vector_take_options(b, json_object_get(test, "options"), options, sizeof options / sizeof *options, take, v) &&
                add_keys(b, v, out);
    identity_verifying_settle(v);
    if (good && out->code != SIPVEIL_OK) out->exit_code = sipveil_code_exit(out->code);
    else if (good) run(b, v, message, out);
    v->o.ring = NULL; /* the caller's */
    identity_verifying_end(v);
    free(v);
    return good;
}
