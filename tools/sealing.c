/* SPDX-License-Identifier: BSD-2-Clause */
#include "sealing.h"

#include <stdlib.h>
#include <string.h>

#include "keyref.h"

static bool take_key(sealing *s, const char **list, size_t *count, const char *value)
{
    if (*count == SEALING_KEYS_MOST) {
        tool_usage_error(&s->common, "more than %d keys are given", SEALING_KEYS_MOST);
        return false;
    }
    list[(*count)++] = value;
    return true;
}

static bool take_words(sealing *s, int id, const char *v)
{
    sipveil_seal_options *o = &s->seal;
    switch (id) {
    case O_MODE:
        if (strcmp(v, "tunnel") == 0) o->mode = SIPVEIL_MODE_TUNNEL;
        else if (strcmp(v, "sipfrag") == 0) o->mode = SIPVEIL_MODE_SIPFRAG;
        else if (strcmp(v, "payload") == 0) o->mode = SIPVEIL_MODE_PAYLOAD;
        else return tool_bad_value(&s->common, "mode", v);
        return true;
    case O_RSA:
        if (strcmp(v, "pss") != 0 && strcmp(v, "v1.5") != 0) return tool_bad_value(&s->common, "rsa-signature", v);
        o->rsa_v15 = v[0] == 'v';
        return true;
    case O_ORDER:
        if (strcmp(v, "sign-encrypt") != 0 && strcmp(v, "encrypt-sign") != 0) return tool_bad_value(&s->common, "order", v);
        o->encrypt_then_sign = v[0] == 'e';
        return true;
    case O_CIPHER:
        o->cipher = sipveil_cipher_by_name(v);
        if (o->cipher == SIPVEIL_CIPHER_NONE || o->cipher > SIPVEIL_CIPHER_AES_256_CBC ||
            o->cipher == SIPVEIL_CIPHER_AES_192_GCM) {
            return tool_bad_value(&s->common, "cipher", v);
        }
        return true;
    case O_ENCODING:
        if (strcmp(v, "binary") == 0) o->encoding = SIPVEIL_ENCODING_BINARY;
        else if (strcmp(v, "base64") == 0) o->encoding = SIPVEIL_ENCODING_BASE64;
        else return tool_bad_value(&s->common, "encoding", v);
        return true;
    default: /* O_PROFILE */
        if (strcmp(v, "pcscf") != 0) return tool_bad_value(&s->common, "profile", v);
        o->pcscf = true;
        return true;
    }
}

bool sealing_take(sealing *s, int id, const char *v)
{
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
    case O_CEK_HKDF: s->seal.cek_hkdf = true; return true;
    default: return take_words(s, id, v);
    }
}

static bool settle_date(sealing *s)
{
    sipveil_seal_options *o = &s->seal;
    if (s->date == NULL || strcmp(s->date, "auto") == 0) o->date = SIPVEIL_DATE_AUTO;
    else if (strcmp(s->date, "now") == 0) o->date = SIPVEIL_DATE_NOW;
    else if (strcmp(s->date, "none") == 0) o->date = SIPVEIL_DATE_NONE;
    else if (sipveil_tunnel_read_date(s->date, &o->fixed_date)) o->date = SIPVEIL_DATE_FIXED;
    else return tool_bad_value(&s->common, "date", s->date);
    return true;
}

/* What contradicts itself, before any file is read. */
bool sealing_settle(sealing *s)
{
    sipveil_seal_options *o = &s->seal;
    if (s->detached && o->opaque) {
        tool_usage_error(&s->common, "--detached and --opaque exclude each other");
        return false;
    }
    if (s->fields != NULL) {
        o->fields = s->field_list;
        o->field_count = tool_split_list(s->fields, s->field_list, SEALING_LIST_MOST);
        if (o->field_count == 0) {
            tool_usage_error(&s->common, "--fields has an empty name in its list");
            return false;
        }
        if (o->mode != SIPVEIL_MODE_SIPFRAG) {
            tool_usage_error(&s->common, "--fields goes with --mode sipfrag");
            return false;
        }
    }
    if (s->hide != NULL) {
        o->hide = s->hide_list;
        o->hide_count = tool_split_list(s->hide, s->hide_list, SEALING_LIST_MOST);
        if (o->hide_count == 0) {
            tool_usage_error(&s->common, "--hide has an empty name in its list");
            return false;
        }
    }
    return settle_date(s);
}

void sealing_end(sealing *s)
{
    free(s->fields);
    free(s->hide);
}
