/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "cms/oid.h"
#include "cms/recipient.h"
#include "cms/usual_kekri.h"

static const char room[] = "cms";

enum {
    CONTEXT_0 = SV_DER_CONTEXT | 0,
    CONTEXT_0_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 0,
    CONTEXT_1_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 1,
    TAG_KTRI = SV_DER_SEQUENCE,
    TAG_KARI = CONTEXT_1_CONSTRUCTED,
    TAG_KEKRI = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 2,
    TAG_PWRI = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 3,
    TAG_ORI = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 4
};

typedef struct reader {
    const sipveil_limits *limits;
    sv_arena *arena;
    sv_recipient *all;
    size_t used, room;
    size_t group;
    sv_recipient_versions *versions;
} reader;

static sv_recipient *next_recipient(reader *r, sv_recipient_kind kind)
{
    if (r->used == r->room) return NULL;
    sv_recipient *recipient = &r->all[r->used++];
    *recipient = (sv_recipient){.kind = kind, .key_date = INT64_MIN, .group = r->group};
    return recipient;
}

static void note_version(reader *r, uint64_t found, uint64_t expected)
{
    if (found != 0) r->versions->all_zero = false;
    if (found != expected) r->versions->odd = true;
}

static sipveil_code take_issuer_serial(sv_cursor *c, sv_recipient *recipient, sipveil_error *err)
{
    sv_cursor inside;
    sv_der issuer;
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "issuer and serial number", &inside, err));
    SV_TRY(sv_der_take_tag(&inside, SV_DER_SEQUENCE, "issuer", &issuer, err));
    SV_TRY(sv_der_take_integer(&inside, "serial number", &recipient->serial, err));
    recipient->issuer = issuer.whole;
    return sv_der_end(&inside, err);
}

static sipveil_code take_key_algorithm(sv_cursor *c, sv_recipient *recipient, sipveil_error *err)
{
    sv_der_algorithm algorithm;
    SV_TRY(sv_der_take_algorithm(c, "key encryption algorithm", &algorithm, err));
    recipient->algorithm_oid = algorithm.oid;
    recipient->algorithm_parameters = algorithm.parameters;
    return SIPVEIL_OK;
}

static sipveil_code take_encrypted_key(reader *r, sv_cursor *c, sv_recipient *recipient, sipveil_error *err)
{
    return sv_der_take_octets(c, SV_DER_OCTET_STRING, "encrypted key", r->limits, r->arena,
                              &recipient->encrypted_key, err);
}

static sipveil_code read_ktri(reader *r, sv_cursor *c, sipveil_error *err)
{
    sv_recipient *recipient = next_recipient(r, SV_RECIPIENT_KTRI);
    uint64_t version;
    if (recipient == NULL) return sv_no_memory(err, room);
    SV_TRY(sv_der_take_number(c, "recipient version", &version, err));
    if (sv_der_next_is(c, SV_DER_SEQUENCE)) {
        note_version(r, version, 0);
        SV_TRY(take_issuer_serial(c, recipient, err));
    } else {
        note_version(r, version, 2);
        SV_TRY(sv_der_take_octets(c, CONTEXT_0, "recipient key identifier", r->limits, r->arena,
                                  &recipient->ski, err));
    }
    SV_TRY(take_key_algorithm(c, recipient, err));
    SV_TRY(take_encrypted_key(r, c, recipient, err));
    return sv_der_end(c, err);
}

/* OriginatorIdentifierOrKey: only a key made for the message can be used; the other two are skipped. */
static sipveil_code take_originator(sv_cursor *c, sv_derivation *out, sipveil_error *err)
{
    sv_cursor choice, key;
    sv_der_algorithm algorithm;
    sv_der bits, skipped;
    SV_TRY(sv_der_enter(c, CONTEXT_0_CONSTRUCTED, "originator", &choice, err));
    if (!sv_der_next_is(&choice, CONTEXT_1_CONSTRUCTED)) {
        out->unsupported = true;
        SV_TRY(sv_der_take(&choice, &skipped, err));
        return sv_der_end(&choice, err);
    }
    SV_TRY(sv_der_enter(&choice, CONTEXT_1_CONSTRUCTED, "originator key", &key, err));
    SV_TRY(sv_der_take_algorithm(&key, "originator key algorithm", &algorithm, err));
    SV_TRY(sv_der_take_tag(&key, SV_DER_BIT_STRING, "originator key", &bits, err));
    SV_TRY(sv_der_end(&key, err));
    out->originator_oid = algorithm.oid;
    out->originator_parameters = algorithm.parameters;
    if (bits.content.len > 0 && bits.content.data[0] == 0) {
        out->originator_key = sv_span_from(bits.content, 1);
    }
    return sv_der_end(&choice, err);
}

static sipveil_code take_ukm(reader *r, sv_cursor *c, sv_derivation *out, sipveil_error *err)
{
    sv_cursor inside;
    if (!sv_der_next_is(c, CONTEXT_1_CONSTRUCTED)) return SIPVEIL_OK;
    SV_TRY(sv_der_enter(c, CONTEXT_1_CONSTRUCTED, "user keying material", &inside, err));
    SV_TRY(sv_der_take_octets(&inside, SV_DER_OCTET_STRING, "user keying material", r->limits, r->arena,
                              &out->ukm, err));
    if (out->ukm.len > r->limits->attribute) {
        return sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-087", SIPVEIL_NO_OFFSET,
                            "user keying material has %zu octets, more than %zu", out->ukm.len,
                            r->limits->attribute);
    }
    return sv_der_end(&inside, err);
}

static sipveil_code read_recipient_key(reader *r, sv_cursor *c, const sv_recipient *common, sipveil_error *err)
{
    sv_recipient *recipient = next_recipient(r, SV_RECIPIENT_KARI);
    sv_cursor inside, by_key;
    if (recipient == NULL) return sv_no_memory(err, room);
    *recipient = *common;
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "recipient encrypted key", &inside, err));
    if (sv_der_next_is(&inside, SV_DER_SEQUENCE)) {
        SV_TRY(take_issuer_serial(&inside, recipient, err));
    } else { /* RecipientKeyIdentifier; its date and other say nothing to us */
        SV_TRY(sv_der_enter(&inside, CONTEXT_0_CONSTRUCTED, "recipient key identifier", &by_key, err));
        SV_TRY(sv_der_take_octets(&by_key, SV_DER_OCTET_STRING, "recipient key identifier", r->limits,
                                  r->arena, &recipient->ski, err));
    }
    SV_TRY(take_encrypted_key(r, &inside, recipient, err));
    return sv_der_end(&inside, err);
}

static sipveil_code read_kari(reader *r, sv_cursor *c, sipveil_error *err)
{
    sv_derivation *derivation = sv_arena_alloc(r->arena, sizeof *derivation);
    sv_recipient common = {.kind = SV_RECIPIENT_KARI, .key_date = INT64_MIN, .derivation = derivation, .group = r->group};
    sv_cursor keys;
    uint64_t version;
    if (derivation == NULL) return sv_no_memory(err, room);
    SV_TRY(sv_der_take_number(c, "recipient version", &version, err));
    note_version(r, version, 3);
    SV_TRY(take_originator(c, derivation, err));
    SV_TRY(take_ukm(r, c, derivation, err));
    SV_TRY(take_key_algorithm(c, &common, err));
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "recipient encrypted keys", &keys, err));
    while (!sv_at_end(&keys)) SV_TRY(read_recipient_key(r, &keys, &common, err));
    return sv_der_end(c, err);
}

/* As many as there are in the usual form. */
static void read_usual_kekris(reader *r, sv_cursor *c)
{
    sv_usual_kekri usual;
    while (r->used < r->room && sv_usual_kekri_take(c, &usual)) {
        sv_recipient *recipient = next_recipient(r, SV_RECIPIENT_KEKRI);
        recipient->key_id = usual.key_id;
        recipient->algorithm_oid = usual.algorithm_oid;
        recipient->encrypted_key = usual.encrypted_key;
        r->versions->all_zero = false; /* it is 4, as it must be */
        r->group++;
    }
}

static sipveil_code read_kekri(reader *r, sv_cursor *c, sipveil_error *err)
{
    sv_recipient *recipient = next_recipient(r, SV_RECIPIENT_KEKRI);
    sv_cursor id;
    sv_der date;
    uint64_t version;
    bool dated;
    if (recipient == NULL) return sv_no_memory(err, room);
    SV_TRY(sv_der_take_number(c, "recipient version", &version, err));
    note_version(r, version, 4);
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "key-encryption key", &id, err));
    SV_TRY(sv_der_take_octets(&id, SV_DER_OCTET_STRING, "key identifier", r->limits, r->arena,
                              &recipient->key_id, err));
    SV_TRY(sv_der_take_optional(&id, SV_DER_GENERALIZED_TIME, &dated, &date, err));
    if (dated) SV_TRY(sv_der_read_time(&date, &recipient->key_date, err));
    if (sv_der_next_is(&id, SV_DER_SEQUENCE)) SV_TRY(sv_der_take(&id, &date, err)); /* other (CMS-15) */
    SV_TRY(sv_der_end(&id, err));
    SV_TRY(take_key_algorithm(c, recipient, err));
    SV_TRY(take_encrypted_key(r, c, recipient, err));
    return sv_der_end(c, err);
}

static sipveil_code read_pwri(reader *r, sv_cursor *c, sipveil_error *err)
{
    sv_recipient *recipient = next_recipient(r, SV_RECIPIENT_PWRI);
    sv_derivation *derivation = sv_arena_alloc(r->arena, sizeof *derivation);
    sv_der algorithm;
    uint64_t version;
    bool present;
    if (recipient == NULL || derivation == NULL) return sv_no_memory(err, room);
    SV_TRY(sv_der_take_number(c, "recipient version", &version, err));
    note_version(r, version, 0);
    SV_TRY(sv_der_take_optional(c, CONTEXT_0_CONSTRUCTED, &present, &algorithm, err));
    derivation->kdf_algorithm = algorithm.whole;
    recipient->derivation = derivation;
    SV_TRY(take_key_algorithm(c, recipient, err));
    SV_TRY(take_encrypted_key(r, c, recipient, err));
    return sv_der_end(c, err);
}

static sipveil_code read_one(reader *r, sv_cursor *c, sipveil_error *err)
{
    sv_der value;
    SV_TRY(sv_der_take(c, &value, err));
    sv_cursor inside = sv_cursor_over(value.content, "recipient");
    switch (value.tag) {
    case TAG_KTRI:
        return read_ktri(r, &inside, err);
    case TAG_KARI:
        return read_kari(r, &inside, err);
    case TAG_KEKRI:
        return read_kekri(r, &inside, err);
    case TAG_PWRI:
        r->versions->forces_3 = true;
        return read_pwri(r, &inside, err);
    case TAG_ORI: /* ADV-097: skipped, whatever is in it */
        r->versions->forces_3 = true;
        return next_recipient(r, SV_RECIPIENT_ORI) != NULL ? SIPVEIL_OK : sv_no_memory(err, room);
    default:
        return sv_fail(err, room, SIPVEIL_MALFORMED, "recipient: tag %02x names no kind of recipient", value.tag);
    }
}

static sipveil_code too_many(size_t most, sipveil_error *err)
{
    return sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-083", SIPVEIL_NO_OFFSET, "more than %zu recipients", most);
}

/* Counts entries before anything is allocated or parsed: a kari has one for each encrypted key. */
static sipveil_code count_entries(sipveil_span set, const sipveil_limits *limits, size_t *entries,
                                  sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(set, "recipients");
    sv_der value, keys;
    size_t infos = 0;
    *entries = 0;
    while (!sv_at_end(&c)) {
        SV_TRY(sv_der_take(&c, &value, err));
        if (++infos > limits->recipients) return too_many(limits->recipients, err);
        if (value.tag != TAG_KARI) {
            ++*entries;
            continue;
        }
        sv_cursor kari = sv_cursor_over(value.content, "recipient");
        keys = (sv_der){0};
        while (!sv_at_end(&kari)) SV_TRY(sv_der_take(&kari, &keys, err)); /* the last field */
        sv_cursor list = sv_cursor_over(keys.content, "recipient encrypted keys");
        size_t count = 0;
        while (!sv_at_end(&list)) {
            SV_TRY(sv_der_take(&list, &value, err));
            if (++count > limits->recipients) return too_many(limits->recipients, err);
        }
        *entries += count;
    }
    if (infos > 0) return SIPVEIL_OK;
    return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-059", SIPVEIL_NO_OFFSET, "the encrypted content names no recipients");
}

sipveil_code sv_recipients_read(sv_cursor *c, const sipveil_limits *limits, sv_arena *arena,
                                sv_recipient **out, size_t *count, sv_recipient_versions *versions,
                                sipveil_error *err)
{
    sv_cursor set;
    reader r = {.limits = limits, .arena = arena, .versions = versions};
    *out = NULL;
    *count = 0;
    *versions = (sv_recipient_versions){.all_zero = true};
    SV_TRY(sv_der_enter(c, SV_DER_SET, "recipients", &set, err));
    SV_TRY(count_entries(sv_rest(&set), limits, &r.room, err));
    r.all = sv_arena_alloc_raw(arena, r.room * sizeof *r.all); /* at most 64 * 64 */
    if (r.all == NULL) return sv_no_memory(err, room);
    for (read_usual_kekris(&r, &set); !sv_at_end(&set); read_usual_kekris(&r, &set)) {
        SV_TRY(read_one(&r, &set, err));
        r.group++;
    }
    *out = r.all;
    *count = r.used;
    return SIPVEIL_OK;
}
