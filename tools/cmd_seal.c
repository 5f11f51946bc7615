/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil seal */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "keyref.h"

enum { KEYS_MOST = 64, LIST_MOST = 64 };

enum seal_option {
    O_MODE = TOOL_O_FIRST, O_FIELDS, O_TO, O_SIGN_WITH, O_RSA, O_ORDER, O_DETACHED, O_OPAQUE, O_NO_CERTS, O_COMPRESS,
    O_CIPHER, O_ENCODING, O_PROFILE, O_REQUEST_URI, O_HIDE, O_DATE, O_UNSIGNED_SHARED, O_OPEN_KEY_FILE, O_TRUST,
    O_KEY_ID
};

static const tool_option options[] = {
    {O_MODE, "mode", 0, "MODE", false, "tunnel (the whole message, default), sipfrag (header fields), payload (the body)"},
    {O_FIELDS, "fields", 0, "FIELD[,...]", false, "sipfrag: the fields inside"},
    {O_TO, "to", 0, "KEYREF", true, "a recipient; repeat for more"},
    {O_SIGN_WITH, "sign-with", 0, "KEYREF", true, "sign; repeat for more signers"},
    {O_RSA, "rsa-signature", 0, "KIND", false, "pss (default) or v1.5"},
    {O_ORDER, "order", 0, "ORDER", false, "sign-encrypt (default) or encrypt-sign"},
    {O_DETACHED, "detached", 0, NULL, false, "multipart/signed (default)"},
    {O_OPAQUE, "opaque", 0, NULL, false, "application/pkcs7-mime signed-data"},
    {O_NO_CERTS, "no-certs", 0, NULL, false, "leave the signer's certificate out"},
    {O_COMPRESS, "compress", 0, NULL, false, "compress between signing and encryption (lengths may tell secrets)"},
    {O_CIPHER, "cipher", 0, "CIPHER", false, "aes-128-gcm, aes-256-gcm (default), aes-128-cbc, aes-192-cbc, aes-256-cbc"},
    {O_ENCODING, "encoding", 0, "ENCODING", false, "binary (default) or base64"},
    {O_PROFILE, "profile", 0, "pcscf", false, "between a UA and its P-CSCF"},
    {O_REQUEST_URI, "request-uri", 0, "URI", false, "Request-URI of the outer message (default: the inner one)"},
    {O_HIDE, "hide", 0, "FIELD[,...]", false, "fields that appear only inside; needs --to"},
    {O_DATE, "date", 0, "DATE", false, "auto (default), now, none, or an RFC 1123 date"},
    {O_UNSIGNED_SHARED, "allow-unsigned-shared", 0, NULL, false, "several recipients and no signer"},
    {O_TRUST, "trust", 0, "FILE|DIR", true, "anchors that the recipients' certificates must lead to"},
    {O_KEY_ID, "by-key-id", 0, NULL, false, "name certificates by key identifier: no names on the wire"},
    {O_OPEN_KEY_FILE, "allow-open-key-file", 0, NULL, false, "accept secret files that others can read"},
    TOOL_COMMON_OPTIONS,
};

typedef struct seal_state {
    tool_common common;
    sipveil_seal_options seal;
    const char *to[KEYS_MOST], *signers[KEYS_MOST], *trust[KEYS_MOST];
    size_t to_count, signer_count, trust_count;
    char *fields, *hide; /* copies, cut in place */
    const char *field_list[LIST_MOST], *hide_list[LIST_MOST];
    const char *date;
    bool detached, allow_open;
} seal_state;

static bool bad_value(seal_state *s, const char *option, const char *value)
{
    tool_usage_error(&s->common, "--%s does not take '%s'", option, value);
    return false;
}

static bool take_key(seal_state *s, const char **list, size_t *count, const char *value)
{
    if (*count == KEYS_MOST) {
        tool_usage_error(&s->common, "more than %d keys", KEYS_MOST);
        return false;
    }
    list[(*count)++] = value;
    return true;
}

static bool take_words(seal_state *s, int id, const char *v)
{
    sipveil_seal_options *o = &s->seal;
    switch (id) {
    case O_MODE:
        if (strcmp(v, "tunnel") == 0) o->mode = SIPVEIL_MODE_TUNNEL;
        else if (strcmp(v, "sipfrag") == 0) o->mode = SIPVEIL_MODE_SIPFRAG;
        else if (strcmp(v, "payload") == 0) o->mode = SIPVEIL_MODE_PAYLOAD;
        else return bad_value(s, "mode", v);
        return true;
    case O_RSA:
        if (strcmp(v, "pss") != 0 && strcmp(v, "v1.5") != 0) return bad_value(s, "rsa-signature", v);
        o->rsa_v15 = v[0] == 'v';
        return true;
    case O_ORDER:
        if (strcmp(v, "sign-encrypt") != 0 && strcmp(v, "encrypt-sign") != 0) return bad_value(s, "order", v);
        o->encrypt_then_sign = v[0] == 'e';
        return true;
    case O_CIPHER:
        o->cipher = sipveil_cipher_by_name(v);
        if (o->cipher == SIPVEIL_CIPHER_NONE || o->cipher == SIPVEIL_CIPHER_DES_EDE3_CBC ||
            o->cipher == SIPVEIL_CIPHER_AES_192_GCM) {
            return bad_value(s, "cipher", v);
        }
        return true;
    case O_ENCODING:
        if (strcmp(v, "binary") == 0) o->encoding = SIPVEIL_ENCODING_BINARY;
        else if (strcmp(v, "base64") == 0) o->encoding = SIPVEIL_ENCODING_BASE64;
        else return bad_value(s, "encoding", v);
        return true;
    default: /* O_PROFILE */
        if (strcmp(v, "pcscf") != 0) return bad_value(s, "profile", v);
        o->pcscf = true;
        return true;
    }
}

static bool take(void *state, int id, const char *v)
{
    seal_state *s = state;
    switch (id) {
    case O_TO: return take_key(s, s->to, &s->to_count, v);
    case O_SIGN_WITH: return take_key(s, s->signers, &s->signer_count, v);
    case O_TRUST: return take_key(s, s->trust, &s->trust_count, v);
    case O_FIELDS: s->fields = strdup(v); return s->fields != NULL;
    case O_HIDE: s->hide = strdup(v); return s->hide != NULL;
    case O_DETACHED: s->detached = true; return true;
    case O_OPAQUE: s->seal.opaque = true; return true;
    case O_NO_CERTS: s->seal.no_certificates = true; return true;
    case O_COMPRESS: s->seal.compress = true; return true;
    case O_REQUEST_URI: s->seal.request_uri = v; return true;
    case O_DATE: s->date = v; return true;
    case O_UNSIGNED_SHARED: s->seal.allow_unsigned_shared = true; return true;
    case O_OPEN_KEY_FILE: s->allow_open = true; return true;
    case O_KEY_ID: s->seal.by_key_identifier = true; return true;
    default: return take_words(s, id, v);
    }
}

static bool settle_date(seal_state *s)
{
    sipveil_seal_options *o = &s->seal;
    if (s->date == NULL || strcmp(s->date, "auto") == 0) o->date = SIPVEIL_DATE_AUTO;
    else if (strcmp(s->date, "now") == 0) o->date = SIPVEIL_DATE_NOW;
    else if (strcmp(s->date, "none") == 0) o->date = SIPVEIL_DATE_NONE;
    else if (sipveil_tunnel_read_date(s->date, &o->fixed_date)) o->date = SIPVEIL_DATE_FIXED;
    else return bad_value(s, "date", s->date);
    return true;
}

/* What contradicts itself, before any file is read. */
static bool settle_options(seal_state *s)
{
    sipveil_seal_options *o = &s->seal;
    if (s->detached && o->opaque) {
        tool_usage_error(&s->common, "--detached and --opaque exclude each other");
        return false;
    }
    if (s->fields != NULL) {
        o->fields = s->field_list;
        o->field_count = tool_split_list(s->fields, s->field_list, LIST_MOST);
        if (o->field_count == 0) return bad_value(s, "fields", "an empty name");
        if (o->mode != SIPVEIL_MODE_SIPFRAG) {
            tool_usage_error(&s->common, "--fields goes with --mode sipfrag");
            return false;
        }
    }
    if (s->hide != NULL) {
        o->hide = s->hide_list;
        o->hide_count = tool_split_list(s->hide, s->hide_list, LIST_MOST);
        if (o->hide_count == 0) return bad_value(s, "hide", "an empty name");
    }
    if (s->to_count == 0 && s->signer_count == 0) {
        tool_failure(&s->common, TOOL_USAGE, "encrypt with --to KEYREF, sign with --sign-with KEYREF",
                     "nothing would be protected: no recipient and no signer");
        return false;
    }
    return settle_date(s);
}

/* The keys of one option: each reference must name exactly one. */
static int load_keys(seal_state *s, sipveil_keyring *ring, const char **references, size_t count, bool sign,
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

static int seal_one(seal_state *s, sipveil_context *context, sipveil_keyring *ring, const char *path)
{
    sipveil_worker *worker = NULL;
    sipveil_sealed sealed;
    sipveil_error err;
    io_octets message;
    int exit_code;
    if (!io_read(&s->common, path, sipveil_context_limits(context)->message, &message, &exit_code)) return exit_code;
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

static int seal_with_keys(seal_state *s, const char *path)
{
    sipveil_context *context = NULL;
    sipveil_keyring *ring = NULL;
    sipveil_error err;
    const sipveil_key *recipients[KEYS_MOST], *signers[KEYS_MOST];
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

int cmd_seal(int argc, char **argv)
{
    static const tool_verb verb = {"seal", "(--to KEYREF | --sign-with KEYREF) ... [options] [FILE]",
                                   "Reads one SIP message and writes the outer message that carries it, protected.",
                                   cmd_seal};
    seal_state s = {.common = {.verb = "seal"}};
    int first = 0, exit_code = TOOL_USAGE;
    sipveil_seal_options_default(&s.seal);
    if (tool_parse(&verb, options, sizeof options / sizeof *options, argc, argv, &s.common, take, &s, 1, &first,
                   &exit_code) &&
        settle_options(&s) &&
        !io_would_refuse(&s.common, s.common.output, s.common.force, &exit_code)) {
        exit_code = seal_with_keys(&s, first < argc ? argv[first] : NULL);
    }
    free(s.fields);
    free(s.hide);
    return exit_code;
}
