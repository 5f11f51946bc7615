/* SPDX-License-Identifier: BSD-2-Clause */
/* The objects of a token: which the URI fits, and what of them can be used. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/span.h"
#include "keys/certificate.h"
#include "keys/pkcs11.h"

static const char room[] = "keys";

enum { VALUE_MOST = 1 << 20 };

typedef struct object {
    CK_OBJECT_HANDLE handle;
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type; /* of keys */
    sipveil_span label, id;
    X509 *certificate; /* of certificates */
} object;

/* What the token holds that we could use: private keys, secret keys and certificates. */
typedef struct inventory {
    sv_token *token;
    const sv_pkcs11_uri *uri;
    sv_key_batch *batch;
    object *objects;
    size_t count;
} inventory;

/* ---- attributes ---- */

static CK_RV get(const sv_token *token, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *attribute)
{
    return token->module->call->C_GetAttributeValue(token->session, handle, attribute, 1);
}

/* Empty where the token does not have it or does not give it. */
static sipveil_code get_octets(const inventory *in, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type,
                               sipveil_span *out, sipveil_error *err)
{
    CK_ATTRIBUTE attribute = {type, NULL, 0};
    *out = (sipveil_span){0};
    if (get(in->token, handle, &attribute) != CKR_OK || attribute.ulValueLen > VALUE_MOST) return SIPVEIL_OK;
    uint8_t *octets = sv_arena_alloc(in->batch->arena, attribute.ulValueLen + 1);
    if (octets == NULL) return sv_no_memory(err, room);
    attribute.pValue = octets;
    size_t room_for = attribute.ulValueLen;
    if (get(in->token, handle, &attribute) != CKR_OK || attribute.ulValueLen > room_for) return SIPVEIL_OK;
    *out = sv_span(octets, attribute.ulValueLen);
    return SIPVEIL_OK;
}

static CK_ULONG get_number(const sv_token *token, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG number = 0;
    CK_ATTRIBUTE attribute = {type, &number, sizeof number};
    return get(token, handle, &attribute) == CKR_OK && attribute.ulValueLen == sizeof number ? number : 0;
}

static bool is_set(const sv_token *token, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL flag = CK_FALSE;
    CK_ATTRIBUTE attribute = {type, &flag, sizeof flag};
    return get(token, handle, &attribute) == CKR_OK && attribute.ulValueLen == sizeof flag && flag != CK_FALSE;
}

static bool does(const sv_token *token, CK_MECHANISM_TYPE type, CK_FLAGS flag)
{
    CK_MECHANISM_INFO info;
    return token->module->call->C_GetMechanismInfo(token->slot, type, &info) == CKR_OK && (info.flags & flag) != 0;
}

/* ---- what is there ---- */

static sipveil_code read_object(const inventory *in, CK_OBJECT_HANDLE handle, CK_OBJECT_CLASS class, object *out,
                                sipveil_error *err)
{
    sipveil_span der;
    *out = (object){.handle = handle, .class = class};
    SV_TRY(get_octets(in, handle, CKA_LABEL, &out->label, err));
    SV_TRY(get_octets(in, handle, CKA_ID, &out->id, err));
    if (class != CKO_CERTIFICATE) {
        out->type = get_number(in->token, handle, CKA_KEY_TYPE);
        return SIPVEIL_OK;
    }
    SV_TRY(get_octets(in, handle, CKA_VALUE, &der, err));
    sipveil_code code = sv_certificate_load(in->batch->context, der, in->batch->arena, &out->certificate, err);
    if (code == SIPVEIL_INTERNAL) return code;
    sv_error_clear(err); /* not one of X.509, or damaged: as if it were not there */
    return SIPVEIL_OK;
}

static sipveil_code find_class(inventory *in, CK_OBJECT_CLASS class, sipveil_error *err)
{
    CK_FUNCTION_LIST *call = in->token->module->call;
    CK_OBJECT_HANDLE handles[SV_OBJECTS_MOST];
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_ULONG found = 0, more = 0;
    CK_RV rv = call->C_FindObjectsInit(in->token->session, &template, 1);
    if (rv == CKR_OK) {
        do {
            rv = call->C_FindObjects(in->token->session, handles + found, SV_OBJECTS_MOST - found, &more);
            found += rv == CKR_OK ? more : 0;
        } while (rv == CKR_OK && more > 0 && found < SV_OBJECTS_MOST);
        (void)call->C_FindObjectsFinal(in->token->session);
    }
    if (rv != CKR_OK) {
        return sv_fail(err, room, SIPVEIL_USAGE, "token \"%s\" does not list its objects: %s", in->token->label.text,
                       SV_PKCS11_REASON(rv));
    }
    if (found > SV_OBJECTS_MOST - in->count) {
        return sv_fail(err, room, SIPVEIL_USAGE, "token \"%s\" holds more than %d objects", in->token->label.text,
                       SV_OBJECTS_MOST);
    }
    for (CK_ULONG i = 0; i < found; i++) {
        SV_TRY(read_object(in, handles[i], class, &in->objects[in->count], err));
        in->count++;
    }
    return SIPVEIL_OK;
}

static bool is_chosen(const inventory *in, const object *o, bool certificates)
{
    const sv_pkcs11_uri *uri = in->uri;
    return certificates == (o->class == CKO_CERTIFICATE) &&
           (uri->type != SV_PKCS11_PRIVATE || o->class == CKO_PRIVATE_KEY) &&
           (uri->type != SV_PKCS11_SECRET || o->class == CKO_SECRET_KEY) &&
           (uri->object.data == NULL || sv_equal(uri->object, o->label)) &&
           (uri->id.data == NULL || sv_equal(uri->id, o->id));
}

/* ---- keys from objects ---- */

static sipveil_code describe(const inventory *in, sipveil_key *key, const char *what, sipveil_error *err)
{
    sv_buffer b;
    sv_buffer_init(&b, in->batch->arena, 128, 2048);
    sv_put_str(&b, what);
    sv_put_format(&b, " on token \"%s\"", in->token->label.text);
    key->description = b.failed ? NULL : sv_arena_string(in->batch->arena, sv_buffer_span(&b));
    return key->description != NULL ? SIPVEIL_OK : sv_no_memory(err, room);
}

/* CMS-15: the keyIdentifier is CKA_ID; where that is empty, CKA_LABEL. */
static sipveil_code add_kek(inventory *in, const object *o, sipveil_error *err)
{
    const sv_token *token = in->token;
    sipveil_span id = o->id.len > 0 ? o->id : o->label;
    size_t length = get_number(token, o->handle, CKA_VALUE_LEN);
    unsigned uses = 0;
    if (o->type != CKK_AES || (length != 16 && length != 24 && length != 32)) {
        return sv_fail_rule(err, room, SIPVEIL_USAGE, "ADV-093", SIPVEIL_NO_OFFSET,
                            "secret key \"%s\" is no AES key of 16, 24 or 32 octets", SV_QUOTE(o->label));
    }
    if (id.len == 0 || id.len > SV_KEK_ID_MOST) {
        return sv_fail_rule(err, room, SIPVEIL_USAGE, "CMS-15", SIPVEIL_NO_OFFSET,
                            "a secret key of token \"%s\" has neither CKA_ID nor CKA_LABEL of 1 to %d octets",
                            token->label.text, SV_KEK_ID_MOST);
    }
    if (is_set(token, o->handle, CKA_WRAP) && does(token, CKM_AES_KEY_WRAP, CKF_WRAP)) uses |= SV_USE_WRAP;
    if (is_set(token, o->handle, CKA_UNWRAP) && does(token, CKM_AES_KEY_WRAP, CKF_UNWRAP)) uses |= SV_USE_UNWRAP;
    if (is_set(token, o->handle, CKA_ENCRYPT) && does(token, CKM_AES_ECB, CKF_ENCRYPT)) uses |= SV_USE_ENCRYPT_BLOCKS;
    if (is_set(token, o->handle, CKA_DECRYPT) && does(token, CKM_AES_ECB, CKF_DECRYPT)) uses |= SV_USE_DECRYPT_BLOCKS;
    sipveil_key *key = sv_key_batch_add(in->batch, SIPVEIL_KEY_KEK);
    const sv_held_key *held = sv_token_key_new(token, o->handle, uses, is_set(token, o->handle, CKA_ALWAYS_AUTHENTICATE),
                                               length, in->batch->arena);
    if (key == NULL || held == NULL) return sv_no_memory(err, room);
    key->cms = (sv_cms_key){.kind = SV_CMS_KEY_KEK, .kek_id = id, .held = held};
    sv_buffer name;
    sv_buffer_init(&name, in->batch->arena, 64, 1024);
    sv_put_format(&name, "kek \"%s\"", SV_QUOTE(id));
    sv_put_byte(&name, 0);
    SV_TRY(sv_buffer_check(&name, room, err));
    return describe(in, key, (const char *)name.data, err);
}

/* The certificate with the id of the key; of several the newest. */
static X509 *certificate_of(const inventory *in, const object *key)
{
    X509 *newest = NULL;
    for (size_t i = 0; i < in->count; i++) {
        const object *o = &in->objects[i];
        if (o->certificate == NULL || o->id.len == 0 || !sv_equal(o->id, key->id)) continue;
        if (newest == NULL ||
            ASN1_TIME_compare(X509_get0_notBefore(o->certificate), X509_get0_notBefore(newest)) > 0) {
            newest = o->certificate;
        }
    }
    return newest;
}

static void free_chain(void *chain)
{
    sk_X509_free(chain); /* the certificates are the arena's */
}

/* Those of the token that issued it, and each other; may be empty. */
static sipveil_code chain_of(const inventory *in, X509 *own, STACK_OF(X509) **out, sipveil_error *err)
{
    const size_t most = in->batch->context->hooks.limits.chain_depth;
    STACK_OF(X509) *chain = sk_X509_new_null();
    *out = chain;
    if (chain == NULL) return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "out of memory");
    if (!sv_arena_defer(in->batch->arena, free_chain, chain)) return sv_no_memory(err, room);
    for (X509 *next = NULL; (size_t)sk_X509_num(chain) < most; own = next, next = NULL) {
        for (size_t i = 0; i < in->count && next == NULL; i++) {
            X509 *issuer = in->objects[i].certificate;
            if (issuer != NULL && issuer != own && X509_check_issued(issuer, own) == X509_V_OK) next = issuer;
        }
        if (next == NULL || X509_self_signed(own, 0) == 1) break;
        if (sk_X509_push(chain, next) <= 0) return sv_fail_openssl(err, room, SIPVEIL_INTERNAL, "out of memory");
    }
    ERR_clear_error();
    return SIPVEIL_OK;
}

static sipveil_code add_private(inventory *in, const object *o, sipveil_error *err)
{
    const sv_token *token = in->token;
    STACK_OF(X509) *chain;
    X509 *own = certificate_of(in, o);
    unsigned uses = 0;
    if (own == NULL) {
        sv_fail(err, room, SIPVEIL_USAGE, "private key \"%s\" of token \"%s\" has no certificate there with its id",
                SV_QUOTE(o->label), token->label.text);
        return sv_hint(err, SIPVEIL_USAGE, "put the certificate on the token: pkcs11-tool --write-object FILE --type cert --id ID");
    }
    bool rsa = o->type == CKK_RSA;
    if (!EVP_PKEY_is_a(X509_get0_pubkey(own), rsa ? "RSA" : "EC") || (!rsa && o->type != CKK_EC)) {
        return sv_fail(err, room, SIPVEIL_USAGE,
                       "private key \"%s\" of token \"%s\" is neither RSA nor EC, or its certificate is for another kind",
                       SV_QUOTE(o->label), token->label.text);
    }
    if (is_set(token, o->handle, CKA_SIGN)) uses |= SV_USE_SIGNATURE;
    if (rsa && is_set(token, o->handle, CKA_DECRYPT)) uses |= SV_USE_DECRYPTION;
    if (!rsa && is_set(token, o->handle, CKA_DERIVE)) uses |= SV_USE_AGREEMENT;
    SV_TRY(chain_of(in, own, &chain, err));
    SV_TRY(sv_key_batch_add_certificate(in->batch, own, NULL, chain, err));
    sipveil_key *key = in->batch->last;
    key->kind = SIPVEIL_KEY_PRIVATE;
    key->cms.held = sv_token_key_new(token, o->handle, uses, is_set(token, o->handle, CKA_ALWAYS_AUTHENTICATE), 0,
                                     in->batch->arena);
    if (key->cms.held == NULL) return sv_no_memory(err, room);
    SV_TRY(sv_keys_read_own(key, in->batch->arena, err));
    return describe(in, key, key->description, err);
}

static sipveil_code add(inventory *in, const object *o, sipveil_error *err)
{
    if (o->class == CKO_SECRET_KEY) return add_kek(in, o, err);
    if (o->class == CKO_PRIVATE_KEY) return add_private(in, o, err);
    if (o->certificate == NULL) {
        return sv_fail(err, room, SIPVEIL_USAGE, "the certificate \"%s\" of token \"%s\" cannot be read",
                       SV_QUOTE(o->label), in->token->label.text);
    }
    return sv_key_batch_add_certificate(in->batch, o->certificate, NULL, NULL, err);
}

/* ---- none fits ---- */

static void put_name(sv_buffer *b, const object *o)
{
    sv_put_str(b, o->class == CKO_SECRET_KEY ? "secret key" : o->class == CKO_PRIVATE_KEY ? "private key" : "certificate");
    if (o->label.len > 0) sv_put_format(b, " \"%.40s\"", SV_QUOTE(o->label));
    if (o->id.len > 0) sv_put_str(b, " id ");
    for (size_t i = 0; i < o->id.len && i < 20; i++) sv_put_format(b, "%%%02x", o->id.data[i]);
}

static sipveil_code fail_none(const inventory *in, sipveil_error *err)
{
    static const char *const types[] = {"key", "private key", "secret key", "certificate"};
    sv_buffer wanted, held;
    size_t listed = 0;
    sv_buffer_init(&wanted, in->batch->arena, 128, 1024);
    sv_buffer_init(&held, in->batch->arena, 256, 2048);
    sv_put_str(&wanted, types[in->uri->type]);
    if (in->uri->object.data != NULL) sv_put_format(&wanted, " \"%.80s\"", SV_QUOTE(in->uri->object));
    if (in->uri->id.data != NULL) sv_put_str(&wanted, " id ");
    for (size_t i = 0; i < in->uri->id.len && i < 20; i++) sv_put_format(&wanted, "%%%02x", in->uri->id.data[i]);
    for (size_t i = 0; i < in->count && listed < SV_LISTED_MOST; i++) {
        if (listed++ > 0) sv_put_str(&held, ", ");
        put_name(&held, &in->objects[i]);
    }
    if (listed < in->count) sv_put_format(&held, " and %zu more", in->count - listed);
    if (listed == 0) sv_put_str(&held, "no key and no certificate");
    sv_put_byte(&wanted, 0);
    sv_put_byte(&held, 0);
    SV_TRY(sv_buffer_check(&wanted, room, err));
    SV_TRY(sv_buffer_check(&held, room, err));
    return sv_fail(err, room, SIPVEIL_USAGE, "no object fits: wanted is %s; token \"%s\" holds %s",
                   (const char *)wanted.data, in->token->label.text, (const char *)held.data);
}

/* One that the URI names must be usable; of all that a token holds, those that are. */
static sipveil_code add_chosen(inventory *in, bool certificates, sipveil_error *first, sipveil_error *err)
{
    bool named = in->uri->object.data != NULL || in->uri->id.data != NULL;
    for (size_t i = 0; i < in->count; i++) {
        size_t before = in->batch->count;
        sipveil_error why;
        if (!is_chosen(in, &in->objects[i], certificates)) continue;
        sv_error_clear(&why);
        sipveil_code code = add(in, &in->objects[i], &why);
        if (code == SIPVEIL_OK) continue;
        if (first->code == SIPVEIL_OK) *first = why;
        if (named || code == SIPVEIL_INTERNAL || in->batch->count != before) {
            if (err != NULL) *err = why;
            return code;
        }
    }
    return SIPVEIL_OK;
}

sipveil_code sv_token_read_keys(sv_token *token, const sv_pkcs11_uri *uri, sv_key_batch *batch,
                                sipveil_error *err)
{
    inventory in = {.token = token, .uri = uri, .batch = batch};
    in.objects = sv_arena_alloc_array(batch->arena, SV_OBJECTS_MOST, sizeof *in.objects);
    if (in.objects == NULL) return sv_no_memory(err, room);
    SV_TRY(find_class(&in, CKO_PRIVATE_KEY, err));
    SV_TRY(find_class(&in, CKO_SECRET_KEY, err));
    SV_TRY(find_class(&in, CKO_CERTIFICATE, err));
    sipveil_error first;
    sv_error_clear(&first);
    if (uri->type != SV_PKCS11_CERTIFICATE) SV_TRY(add_chosen(&in, false, &first, err));
    bool only_certificates = batch->count == 0 && first.code == SIPVEIL_OK &&
                             (uri->type == SV_PKCS11_ANY || uri->type == SV_PKCS11_CERTIFICATE);
    if (only_certificates) SV_TRY(add_chosen(&in, true, &first, err));
    if (batch->count > 0) return SIPVEIL_OK;
    if (first.code == SIPVEIL_OK) return fail_none(&in, err);
    if (err != NULL) *err = first;
    return first.code;
}
