/* SPDX-License-Identifier: BSD-2-Clause */
#include "crypto/prepared.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/contexts.h"

enum { EXPONENT_BITS_MOST = 33, AT_ONCE = 4 };

/* ---- what a key is ---- */

/* The public exponent fits eight octets or is too large anyway. */
static bool has_good_exponent(const EVP_PKEY *key)
{
    uint64_t e = 0;
    OSSL_PARAM wanted[] = {OSSL_PARAM_construct_uint64(OSSL_PKEY_PARAM_RSA_E, &e), OSSL_PARAM_construct_end()};
    return EVP_PKEY_get_params(key, wanted) == 1 && e > 1 && e % 2 == 1 && e >> EXPONENT_BITS_MOST == 0;
}

static void look_at_curve(const EVP_PKEY *key, sv_key_facts *out)
{
    char group[64];
    int is_explicit = 1; /* where nobody says that it is not */
    if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1) out->curve = sv_curve_by_group(group);
    bool told = EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) == 1;
    out->explicit_curve = !told || is_explicit != 0;
}

static void look(const EVP_PKEY *key, sv_key_facts *out)
{
    static const struct {
        const char *name;
        sv_key_type type;
    } types[] = {{"EC", SV_KEY_EC}, {"RSA", SV_KEY_RSA}, {"RSA-PSS", SV_KEY_RSA_PSS}, {"ED25519", SV_KEY_ED25519}, {"X25519", SV_KEY_X25519}};
    *out = (sv_key_facts){.type = SV_KEY_OTHER};
    if (key == NULL) return;
    for (size_t i = 0; i < sizeof types / sizeof *types && out->type == SV_KEY_OTHER; i++) {
        if (EVP_PKEY_is_a(key, types[i].name)) out->type = types[i].type;
    }
    out->bits = EVP_PKEY_get_bits(key);
    if (out->type == SV_KEY_RSA || out->type == SV_KEY_RSA_PSS) out->good_exponent = has_good_exponent(key);
    if (out->type == SV_KEY_X25519) out->curve = SV_CURVE_X25519;
    if (out->type == SV_KEY_EC) look_at_curve(key, out);
    ERR_clear_error();
}

/* Whether that was the key and not a moment without memory: what is bad about it is looked at anew the next time. */
static bool is_for_good(const sv_key_facts *facts)
{
    switch (facts->type) {
    case SV_KEY_RSA:
    case SV_KEY_RSA_PSS: return facts->good_exponent;
    case SV_KEY_EC: return facts->curve != SV_CURVE_NONE && !facts->explicit_curve;
    default: return facts->type != SV_KEY_OTHER;
    }
}

/* ---- contexts ---- */

static bool same(const sv_readiness *a, const sv_readiness *b)
{
    return a->use == b->use && a->kind == b->kind && a->hash == b->hash && a->mask_hash == b->mask_hash && a->salt == b->salt;
}

static bool set_up(EVP_PKEY_CTX *ctx, const sv_readiness *r, const sv_suite *suite)
{
    EVP_MD *hash = suite->hashes[r->hash], *mask_hash = suite->hashes[r->mask_hash];
    switch (r->use) {
    case SV_FOR_TRANSPORT:
        return hash != NULL && mask_hash != NULL && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_oaep_md(ctx, hash) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, mask_hash) == 1;
    case SV_FOR_SIGNATURE:
    case SV_FOR_OWN_SIGNATURE:
        if (hash == NULL || EVP_PKEY_CTX_set_signature_md(ctx, hash) != 1) return false;
        if (r->kind == SV_SIGNATURE_RSA_V15) return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
        return r->kind != SV_SIGNATURE_RSA_PSS ||
               (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, hash) == 1 &&
                r->salt <= SV_SALT_MOST && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)r->salt) == 1);
    default:
        return true;
    }
}

static int begin(EVP_PKEY_CTX *ctx, sv_key_purpose use, bool is_private)
{
    if (use == SV_FOR_SIGNATURE) return is_private ? EVP_PKEY_sign_init(ctx) : EVP_PKEY_verify_init(ctx);
    if (use == SV_FOR_OWN_SIGNATURE) return EVP_PKEY_verify_init(ctx);
    if (use == SV_FOR_TRANSPORT) return is_private ? EVP_PKEY_decrypt_init(ctx) : EVP_PKEY_encrypt_init(ctx);
    return is_private ? EVP_PKEY_derive_init(ctx) : 0;
}

static EVP_PKEY_CTX *make(const sv_crypto *crypto, EVP_PKEY *key, const sv_readiness *r, bool is_private)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(crypto->context->library, key, NULL);
    if (ctx != NULL && begin(ctx, r->use, is_private) == 1 && set_up(ctx, r, crypto->context->suite)) return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

/* ---- public keys, of a thread ---- */

typedef struct ready {
    sv_readiness readiness;
    EVP_PKEY_CTX *context; /* NULL: none yet */
} ready;

typedef struct public_key {
    EVP_PKEY *key; /* a reference of ours, so that no other key can come to lie there; NULL: free */
    sv_key_facts facts;
    ready uses[SV_FOR_COUNT];
    uint64_t used; /* turn of the last use */
} public_key;

struct sv_public_keys {
    public_key kept[SV_PUBLIC_KEYS_KEPT];
    uint64_t turn;
};

static void drop(public_key *p)
{
    for (size_t i = 0; i < SV_FOR_COUNT; i++) EVP_PKEY_CTX_free(p->uses[i].context);
    EVP_PKEY_free(p->key);
    *p = (public_key){0};
}

sv_public_keys *sv_public_keys_new(void)
{
    return calloc(1, sizeof(sv_public_keys));
}

void sv_public_keys_free(sv_public_keys *keys)
{
    if (keys == NULL) return;
    for (size_t i = 0; i < SV_PUBLIC_KEYS_KEPT; i++) drop(&keys->kept[i]);
    free(keys);
}

/* The place of this key, if need be where the one was that was not used for longest. NULL: no reference. */
static public_key *find(sv_crypto *crypto, EVP_PKEY *key)
{
    sv_public_keys *keys = crypto->public_keys;
    public_key *place = &keys->kept[0];
    for (size_t i = 0; i < SV_PUBLIC_KEYS_KEPT; i++) {
        if (keys->kept[i].key != key) continue;
        keys->kept[i].used = ++keys->turn;
        return &keys->kept[i];
    }
    for (size_t i = 1; i < SV_PUBLIC_KEYS_KEPT; i++) {
        if (keys->kept[i].used < place->used) place = &keys->kept[i];
    }
    if (EVP_PKEY_up_ref(key) != 1) return NULL;
    drop(place);
    place->key = key;
    place->used = ++keys->turn;
    look(key, &place->facts);
    return place;
}

const sv_key_facts *sv_key_look(sv_crypto *crypto, EVP_PKEY *key, sv_key_facts *room)
{
    const public_key *known = crypto != NULL && key != NULL ? find(crypto, key) : NULL;
    if (known != NULL && is_for_good(&known->facts)) return &known->facts;
    look(key, room);
    return room;
}

EVP_PKEY_CTX *sv_public_context(sv_crypto *crypto, EVP_PKEY *key, const sv_readiness *readiness)
{
    public_key *known = find(crypto, key);
    if (known == NULL) return NULL;
    ready *r = &known->uses[readiness->use];
    if (r->context != NULL && same(&r->readiness, readiness)) return r->context;
    EVP_PKEY_CTX_free(r->context);
    *r = (ready){*readiness, make(crypto, key, readiness, false)};
    return r->context;
}

/* ---- private keys, of whoever owns them ---- */

/* Whoever takes a context out of its place has it alone, and puts it into a free place afterwards. */
struct sv_prepared {
    sv_key_facts facts;
    _Atomic(ready *) places[SV_FOR_COUNT][AT_ONCE];
};

static void free_ready(ready *r)
{
    if (r == NULL) return;
    EVP_PKEY_CTX_free(r->context);
    free(r);
}

sv_prepared *sv_prepared_new(EVP_PKEY *key)
{
    sv_prepared *prepared = calloc(1, sizeof *prepared);
    if (prepared == NULL) return NULL;
    for (size_t i = 0; i < SV_FOR_COUNT; i++) {
        for (size_t k = 0; k < AT_ONCE; k++) atomic_init(&prepared->places[i][k], NULL);
    }
    look(key, &prepared->facts);
    return prepared;
}

void sv_prepared_free(sv_prepared *prepared)
{
    if (prepared == NULL) return;
    for (size_t i = 0; i < SV_FOR_COUNT; i++) {
        for (size_t k = 0; k < AT_ONCE; k++) free_ready(atomic_load(&prepared->places[i][k]));
    }
    free(prepared);
}

const sv_key_facts *sv_private_look(const sv_prepared *prepared, EVP_PKEY *key, sv_key_facts *room)
{
    if (prepared != NULL && is_for_good(&prepared->facts)) return &prepared->facts;
    look(key, room);
    return room;
}

sv_loan sv_private_context(sv_crypto *crypto, EVP_PKEY *key, sv_prepared *prepared, const sv_readiness *readiness)
{
    ready *r = NULL;
    for (size_t k = 0; prepared != NULL && r == NULL && k < AT_ONCE; k++) {
        r = atomic_exchange(&prepared->places[readiness->use][k], NULL);
    }
    if (r != NULL && same(&r->readiness, readiness)) return (sv_loan){r->context, r};
    free_ready(r);
    r = calloc(1, sizeof *r);
    if (r == NULL) return (sv_loan){0};
    *r = (ready){*readiness, make(crypto, key, readiness, true)};
    return (sv_loan){r->context, r};
}

void sv_private_return(sv_prepared *prepared, sv_loan *loan)
{
    ready *r = loan->place;
    bool usable = prepared != NULL && loan->context != NULL, kept = false;
    for (size_t k = 0; usable && !kept && k < AT_ONCE; k++) {
        ready *free_place = NULL;
        kept = atomic_compare_exchange_strong(&prepared->places[r->readiness.use][k], &free_place, r);
    }
    if (!kept) free_ready(r);
    *loan = (sv_loan){0};
}

bool sv_private_signed(sv_crypto *crypto, EVP_PKEY *key, sv_prepared *prepared, const sv_readiness *readiness,
                       sipveil_span digest, sipveil_span signature)
{
    sv_readiness check = *readiness;
    check.use = SV_FOR_OWN_SIGNATURE;
    sv_loan loan = sv_private_context(crypto, key, prepared, &check);
    bool right = loan.context != NULL && EVP_PKEY_verify(loan.context, signature.data, signature.len, digest.data, digest.len) == 1;
    sv_private_return(prepared, &loan);
    return right;
}
