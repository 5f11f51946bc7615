/* SPDX-License-Identifier: BSD-2-Clause */
/* What was seen already (RFC 8224 12.1; RFC 4474 13.1), over lib/state. A scope begins with an octet that no Call-ID can
 * have, so that nothing of lib/tunnel is met. */
#include "crypto/es256.h"
#include "crypto/sign.h"
#include "identity/verify.h"
#include "sip/via.h"
#include "tunnel/memory.h"

enum { DIGEST = 32, FORKS_MOST = 16, KEEP_WITHOUT_WINDOW = 3600, NAME_MOST = 4096 };

#define RULE_FULL "IDN-41"

bool sv_is_memory_full(const sipveil_error *err)
{
    return err->code == SIPVEIL_LIMIT && strcmp(err->rule, RULE_FULL) == 0;
}

static sipveil_code full(sipveil_error *err)
{
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_LIMIT, RULE_FULL, SIPVEIL_NO_OFFSET,
                        "the memory of seen identities is full: nothing more is taken until some expire");
}

static sipveil_code seen(const char *rule, sipveil_error *err)
{
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_REPLAY, rule, SIPVEIL_NO_OFFSET, "this Identity was seen before");
}

/* What is too long to be told apart counts as seen; what there was no memory to name does not. */
static sipveil_code check_named(const sv_buffer *scope, const sv_buffer *name, const char *rule, sipveil_error *err)
{
    if (!scope->failed && !name->failed) return SIPVEIL_OK;
    return scope->past_most || name->past_most ? seen(rule, err) : sv_no_memory(err, SV_IDENTITY);
}

/* Twice the window: Date may be as far ahead as it may be behind. Without a window nothing is remembered long enough. */
static int64_t expiry(const sv_judging *j, int64_t window_default)
{
    int64_t window = j->options->freshness > 0 ? j->options->freshness : window_default, end;
    if (window == SIPVEIL_DATE_WINDOW_ANY) window = KEEP_WITHOUT_WINDOW;
    bool past = __builtin_mul_overflow(window, (int64_t)2, &end) || __builtin_add_overflow(j->now, end, &end);
    return past ? INT64_MAX : end;
}

static sipveil_code add(const sv_judging *j, sipveil_span scope, sipveil_span name, sipveil_span value, int64_t expires,
                        const char *rule, sipveil_error *err)
{
    sipveil_code code = sv_store_add(sv_memory_store(j->options->memory), SV_STORE_SEEN, scope, name, value, j->now, expires, err);
    if (code == SIPVEIL_REPLAY) return seen(rule, err);
    return code == SIPVEIL_LIMIT ? full(err) : code;
}

/* ---- RFC 8224 ---- */

/* Call-ID, CSeq and From tag: the same in every fork. */
static sipveil_code digest_of_request(const sv_judging *j, uint8_t out[SV_DIGEST_MOST], sipveil_error *err)
{
    sv_sip_address from;
    sv_buffer b;
    sv_buffer_init(&b, j->op->arena, 256, j->op->limits->header);
    SV_TRY(sv_sip_read_address(sv_sip_value(j->view, SV_F_FROM), &from, err));
    sv_put(&b, sv_sip_value(j->view, SV_F_CALL_ID));
    sv_put_byte(&b, 0);
    sv_put_lower(&b, from.tag);
    sv_put_byte(&b, 0);
    sv_put(&b, sv_sip_value(j->view, SV_F_CSEQ));
    SV_TRY(sv_buffer_check(&b, SV_IDENTITY, err));
    return sv_digest_octets(j->op->crypto, sv_digest_by_name("sha256"), sv_buffer_span(&b), out, err);
}

/* The entry of a signature: whose request, and how many forks of it came, to whatever hosts: the Request-URI is not signed,
 * so that it must not make an old request a new one. value: what it is with this fork. */
static sipveil_code look_at_forks(const sv_judging *j, sipveil_span scope, uint8_t value[DIGEST + 1], sipveil_error *err)
{
    uint8_t request[SV_DIGEST_MOST];
    sipveil_span kept;
    SV_TRY(digest_of_request(j, request, err));
    memcpy(value, request, DIGEST);
    value[DIGEST] = 1;
    if (!sv_store_find(sv_memory_store(j->options->memory), SV_STORE_SEEN, scope, SV_SPAN("request"), j->now, &kept)) return SIPVEIL_OK;
    bool fork = kept.len == DIGEST + 1 && sv_equal(sv_span(kept.data, DIGEST), sv_span(value, DIGEST)) &&
                kept.data[DIGEST] < FORKS_MOST;
    if (!fork) return seen("IDN-41", err);
    value[DIGEST] = (uint8_t)(kept.data[DIGEST] + 1);
    return SIPVEIL_OK;
}

/* Its branch and the count of forks: both or neither. */
static sipveil_code add_fork(const sv_judging *j, sipveil_span scope, sipveil_span branch, sipveil_error *err)
{
    uint8_t value[DIGEST + 1];
    int64_t expires = expiry(j, SV_FRESHNESS_8224);
    sv_store *store = sv_memory_store(j->options->memory);
    SV_TRY(look_at_forks(j, scope, value, err));
    SV_TRY(add(j, scope, branch, sv_span(NULL, 0), expires, "IDN-41", err));
    sipveil_code code = sv_store_replace(store, SV_STORE_SEEN, scope, SV_SPAN("request"), sv_span(value, sizeof value), j->now,
                                         expires, err);
    if (code != SIPVEIL_OK) (void)sv_store_remove(store, SV_STORE_SEEN, scope, branch);
    return code == SIPVEIL_LIMIT ? full(err) : code;
}

/* (r, s) and (r, n - s) verify both, and anybody can make one of the other: they are remembered as one. */
sipveil_code sv_remember_passport(const sv_judging *j, sipveil_span signature, sipveil_error *err)
{
    uint8_t digest[SV_DIGEST_MOST], same[SV_ES256_LENGTH];
    sv_buffer scope, name;
    sipveil_span kept;
    sv_es256_lower(signature, same);
    SV_TRY(sv_digest_octets(j->op->crypto, sv_digest_by_name("sha256"), sv_span(same, sizeof same), digest, err));
    sv_buffer_init(&scope, j->op->arena, 128, NAME_MOST);
    sv_put_byte(&scope, 0);
    sv_put(&scope, sv_span(digest, DIGEST));
    sv_buffer_init(&name, j->op->arena, 64, NAME_MOST);
    sv_put_str(&name, "branch ");
    sv_put_lower(&name, sv_sip_host(j->view->request_uri));
    sv_put_byte(&name, ' ');
    sv_put(&name, sv_sip_top_branch(j->view)); /* tells the forks of one request apart */
    SV_TRY(check_named(&scope, &name, "IDN-41", err));
    if (sv_store_find(sv_memory_store(j->options->memory), SV_STORE_SEEN, sv_buffer_span(&scope), sv_buffer_span(&name), j->now, &kept)) {
        return seen("IDN-41", err);
    }
    return add_fork(j, sv_buffer_span(&scope), sv_buffer_span(&name), err);
}

/* ---- RFC 4474 ---- */

sipveil_code sv_remember_rfc4474(const sv_judging *j, sipveil_error *err)
{
    sv_buffer scope, name;
    sv_sip_address from;
    uint32_t number;
    sipveil_span method;
    SV_TRY(sv_sip_read_address(sv_sip_value(j->view, SV_F_FROM), &from, err));
    SV_TRY(sv_sip_read_cseq(sv_sip_value(j->view, SV_F_CSEQ), &number, &method, err));
    sv_buffer_init(&scope, j->op->arena, 128, NAME_MOST);
    sv_put_byte(&scope, 1);
    sv_put(&scope, sv_sip_value(j->view, SV_F_CALL_ID));
    sv_buffer_init(&name, j->op->arena, 64, NAME_MOST);
    sv_put_number(&name, number);
    sv_put_byte(&name, ' ');
    sv_put(&name, method);
    sv_put_byte(&name, '|');
    sv_put(&name, from.uri); /* not its tag, which is not signed; the other side of the dialog has another From */
    SV_TRY(check_named(&scope, &name, "IDN-18", err));
    return add(j, sv_buffer_span(&scope), sv_buffer_span(&name), sv_span(NULL, 0), expiry(j, SV_FRESHNESS_4474), "IDN-18", err);
}
