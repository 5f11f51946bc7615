/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil identity sign */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "peer.h"

enum { CLAIMS_MOST = 8192 };

static const tool_option options[] = {
    {O_KEY, "key", 0, "KEYREF", false, "certificate with private key: P-256, or RSA for rfc4474"},
    {O_INFO, "info", 0, "URI", false, "where others find that certificate"},
    {O_PROFILE, "profile", 0, "rfc8224|rfc4474", false, "a PASSporT (default), or the older form that signs the body too"},
    {O_FORM, "form", 0, "full|compact", false, "full (default), or compact: the verifier builds the rest again"},
    {O_AT, "at", 0, "TIME", false, "the time to sign at (RFC 3339) instead of now"},
    {O_FRESHNESS, "freshness", 0, "SECONDS", false, "how far Date may be from it (default 60; rfc4474: 600)"},
    {O_SENDER, "sender", 0, "URI", true, "an identity that the authenticated sender may use; any other From is refused"},
    {O_SENDER_PEER, "from", 0, "PEER", false, "how it came in; by nothing that protects it, a certificate in it is not signed for (403)"},
    {O_PPT, "ppt", 0, "NAME", false, "name an extension of PASSporT"},
    {O_CLAIMS, "claims", 0, "FILE", false, "further claims, a JSON object; full form only"},
    {O_OWN_CLOCK, "own-clock", 0, NULL, false, "iat is our time, not Date; full form only"},
    {O_ALLOW_HTTP, "allow-http", 0, NULL, false, "the URI may be http"},
    IDENTITY_NAMING_OPTIONS,
    {O_OPEN_KEY_FILE, "allow-open-key-file", 0, NULL, false, "accept secret files that others can read"},
    TOOL_COMMON_OPTIONS,
};

typedef struct sign_state {
    opening o; /* first: opening_take gets the same pointer */
    identity_naming numbers;
    sipveil_identity_sign_options sign;
    const char *senders[OPENING_LIST_MOST];
    const char *claims_file;
    char *claims;
    peer_facts from;
    bool has_from;
} sign_state;

static bool take_number(sign_state *s, const char *value)
{
    char *end;
    long long seconds = strtoll(value, &end, 10);
    if (*end != '\0' || *value == '\0' || seconds < 1 || seconds > 4000000000LL) return tool_bad_value(&s->o.common, "freshness", value);
    s->sign.freshness = seconds;
    return true;
}

static bool take(void *state, int id, const char *v)
{
    sign_state *s = state;
    bool taken;
    if (!identity_naming_take(&s->o.common, &s->numbers, id, v, &taken)) return false;
    if (taken) return true;
    switch (id) {
    case O_INFO: s->sign.info = v; return true;
    case O_SENDER_PEER: s->has_from = true; return peer_take(&s->o.common, "from", v, &s->from);
    case O_PPT: s->sign.ppt = v; return true;
    case O_CLAIMS: s->claims_file = v; return true;
    case O_OWN_CLOCK: s->sign.own_clock = true; return true;
    case O_ALLOW_HTTP: s->sign.allow_http = true; return true;
    case O_FRESHNESS: return take_number(s, v);
    case O_PROFILE:
        s->sign.profile = strcmp(v, "rfc4474") == 0 ? SIPVEIL_IDENTITY_RFC4474 : SIPVEIL_IDENTITY_RFC8224;
        return strcmp(v, "rfc4474") == 0 || strcmp(v, "rfc8224") == 0 || tool_bad_value(&s->o.common, "profile", v);
    case O_FORM:
        s->sign.compact = strcmp(v, "compact") == 0;
        return s->sign.compact || strcmp(v, "full") == 0 || tool_bad_value(&s->o.common, "form", v);
    case O_SENDER:
        if (s->sign.may_use_count == OPENING_LIST_MOST || strchr(v, ':') == NULL) return tool_bad_value(&s->o.common, "sender", v);
        s->senders[s->sign.may_use_count++] = v;
        return true;
    default: return opening_take(&s->o, id, v);
    }
}

/* The first certificate with its private key. */
static int find_own_key(sign_state *s)
{
    s->sign.key = sipveil_keyring_first(s->o.ring, SIPVEIL_KEY_PRIVATE);
    if (s->sign.key != NULL) return TOOL_OK;
    return tool_failure(&s->o.common, TOOL_USAGE, "a signer is a certificate with its private key, in one file", "%s cannot sign: it is a %s",
                        s->o.keys.items[0], sipveil_key_describe(sipveil_keyring_at(s->o.ring, 0)));
}

static int read_claims(sign_state *s)
{
    io_octets text;
    int exit_code;
    if (s->claims_file == NULL) return TOOL_OK;
    if (!io_read(&s->o.common, s->claims_file, CLAIMS_MOST, &text, &exit_code)) return exit_code;
    bool is_empty = text.len == 0, has_nul = !is_empty && memchr(text.data, '\0', text.len) != NULL;
    s->claims = !is_empty && !has_nul ? strndup((const char *)text.data, text.len) : NULL;
    io_free(&text);
    s->sign.claims = s->claims;
    if (s->claims != NULL) return TOOL_OK;
    if (is_empty) return tool_failure(&s->o.common, TOOL_USAGE, "{} where there are none", "%s: it is empty: there are no claims", s->claims_file);
    if (has_nul) return tool_failure(&s->o.common, TOOL_USAGE, NULL, "%s: a NUL octet is in it: claims are a JSON text", s->claims_file);
    return tool_failure(&s->o.common, TOOL_FAILED, NULL, "out of memory");
}

static int prepare(void *state)
{
    sign_state *s = state;
    if (s->o.keys.count == 0) return tool_usage_error(&s->o.common, "--key KEYREF is needed: who signs?");
    if (s->sign.info == NULL) return tool_usage_error(&s->o.common, "--info URI is needed: where is the certificate to be found?");
    int exit_code = opening_prepare(&s->o);
    if (exit_code == TOOL_OK) exit_code = read_claims(s);
    if (exit_code == TOOL_OK) exit_code = identity_naming_prepare(&s->o.common, &s->numbers);
    if (exit_code == TOOL_OK) exit_code = find_own_key(s);
    s->sign.naming = s->numbers.naming;
    s->sign.spc = s->numbers.has_spc ? identity_spc : NULL;
    s->sign.spc_user = &s->numbers;
    s->sign.may_use = s->senders;
    s->sign.has_at = s->o.open.has_at;
    s->sign.at = s->o.open.at;
    return exit_code;
}

/* Between the phone and us anybody could have put another certificate there (IDN-56). */
static int check_link(sign_state *s, const char *path, sipveil_span message)
{
    bool carries, is_safe = s->from.sa != NULL || (s->from.proto != NULL && strcmp(s->from.proto, "tls") == 0);
    sipveil_error err;
    if (!s->has_from || is_safe) return TOOL_OK;
    if (sipveil_identity_carries_certificate(s->o.worker, message, &carries, &err) != SIPVEIL_OK) {
        return tool_error(&s->o.common, path, &err);
    }
    if (!carries) return TOOL_OK;
    return tool_failure(&s->o.common, 9, "let the phone send it over TLS (--from proto=tls)",
                        "the request carries a certificate, and came over a link that nothing protects: it is not signed");
}

static int sign_message(void *state, const char *path, sipveil_span message)
{
    sign_state *s = state;
    sipveil_identity_signed made;
    sipveil_error err;
    int exit_code = check_link(s, path, message);
    if (exit_code != TOOL_OK) return exit_code;
    if (sipveil_identity_sign_request(s->o.worker, &s->sign, message, &made, &err) != SIPVEIL_OK) {
        bool of_claims = s->claims_file != NULL && strcmp(err.rule, "IDN-25") == 0; /* nothing else that is signed breaks it */
        return tool_error(&s->o.common, of_claims ? s->claims_file : err.code == SIPVEIL_USAGE ? NULL : path, &err); /* USAGE: an option */
    }
    for (size_t i = 0; i < made.warning_count; i++) tool_warning(&s->o.common, path, "%s", made.warnings[i].text);
    return io_write_output(&s->o.common, made.message, IO_BINARY);
}

int identity_sign(int argc, char **argv)
{
    static const tool_verb verb = {"identity sign", "--key KEYREF --info URI [options] [FILE]",
                                   "Signs for the originator of a request as the authentication service of its domain; one that is\n"
                                   "of another domain is written as it is, with a warning.",
                                   identity_sign};
    static const identity_work work = {options, sizeof options / sizeof *options, take, prepare, sign_message};
    sign_state s = {.o = {.common = {.verb = verb.name}}};
    sipveil_open_options_default(&s.o.open);
    sipveil_identity_sign_options_default(&s.sign);
    int exit_code = identity_do(&verb, &work, argc, argv, &s.o, &s);
    identity_naming_end(&s.numbers);
    opening_end(&s.o);
    if (s.claims != NULL) explicit_bzero(s.claims, strlen(s.claims)); /* a file of a key, by a slip */
    free(s.claims);
    peer_end(&s.from);
    return exit_code;
}
