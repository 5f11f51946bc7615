/* SPDX-License-Identifier: BSD-2-Clause */
#include "cms/signer_info.h"

#include <stddef.h>

#include "cms/oid.h"

static const char room[] = "cms";

enum { CONTEXT_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED };

static const struct {
    sv_oid oid;
    size_t member;
} known[] = {
    {SV_OID_CONTENT_TYPE, offsetof(sv_signed_attributes, content_type)},
    {SV_OID_MESSAGE_DIGEST, offsetof(sv_signed_attributes, message_digest)},
    {SV_OID_SIGNING_TIME, offsetof(sv_signed_attributes, signing_time)},
    {SV_OID_SMIME_CAPABILITIES, offsetof(sv_signed_attributes, capabilities)},
    {SV_OID_SIGNING_CERTIFICATE_V2, offsetof(sv_signed_attributes, signing_certificate)},
};

typedef struct attribute {
    sipveil_span type;
    sipveil_span value; /* the first, a whole TLV */
    size_t values;
} attribute;

static sipveil_code take_attribute(sv_cursor *c, size_t most, attribute *out, sipveil_error *err)
{
    sv_cursor inside, set;
    sv_der value;
    *out = (attribute){0};
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "attribute", &inside, err));
    SV_TRY(sv_der_take_oid(&inside, "attribute type", &out->type, err));
    SV_TRY(sv_der_enter(&inside, SV_DER_SET, "attribute values", &set, err));
    SV_TRY(sv_der_end(&inside, err));
    while (!sv_at_end(&set)) {
        SV_TRY(sv_der_take(&set, &value, err));
        if (value.whole.len > most) {
            return sv_fail(err, room, SIPVEIL_LIMIT,
                           "attribute %s: a value of %zu octets; the limit is %zu",
                           SV_OID_NAME(out->type), value.whole.len, most);
        }
        if (out->values++ == 0) out->value = value.whole;
    }
    return SIPVEIL_OK;
}

/* Counts before anything is judged. */
static sipveil_code count_attributes(sipveil_span set, const sipveil_limits *limits, size_t *count,
                                     sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(set, "attributes");
    sv_der value;
    for (*count = 0; !sv_at_end(&c); ++*count) {
        if (*count == limits->attributes) {
            return sv_fail(err, room, SIPVEIL_LIMIT, "more than %zu attributes in one set",
                           limits->attributes);
        }
        SV_TRY(sv_der_take_tag(&c, SV_DER_SEQUENCE, "attribute", &value, err));
    }
    return SIPVEIL_OK;
}

static sipveil_code keep(const attribute *a, sv_signed_attributes *out, sipveil_error *err)
{
    const char *name = NULL;
    if (a->values == 0) {
        return sv_fail_rule(err, room, SIPVEIL_BAD_SIGNATURE, "ADV-058", SIPVEIL_NO_OFFSET,
                            "signed attribute %s has no value", SV_OID_NAME(a->type));
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!sv_oid_is(a->type, known[i].oid)) continue;
        sipveil_span *member = (sipveil_span *)(void *)((char *)out + known[i].member);
        if (member->len > 0) name = "stands twice";
        if (a->values > 1) name = "has more than one value";
        *member = a->value;
        break;
    }
    if (name == NULL) return SIPVEIL_OK;
    return sv_fail_rule(err, room, SIPVEIL_BAD_SIGNATURE, "ADV-058", SIPVEIL_NO_OFFSET,
                        "signed attribute %s %s", SV_OID_NAME(a->type), name);
}

sipveil_code sv_signed_attributes_read(sipveil_span attributes, const sipveil_limits *limits,
                                       sv_signed_attributes *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(attributes, "signed attributes"), set;
    attribute a;
    size_t count;
    *out = (sv_signed_attributes){0};
    SV_TRY(sv_der_enter(&c, CONTEXT_CONSTRUCTED | 0, "signed attributes", &set, err));
    SV_TRY(count_attributes(sv_rest(&set), limits, &count, err));
    while (!sv_at_end(&set)) {
        SV_TRY(take_attribute(&set, limits->attribute, &a, err));
        SV_TRY(keep(&a, out, err));
    }
    return SIPVEIL_OK;
}

/* Their values may be anything; only the number and the sizes are of interest. */
static sipveil_code skip_unsigned(sv_cursor *c, const sipveil_limits *limits, sipveil_error *err)
{
    bool present;
    sv_der value;
    attribute a;
    size_t count;
    SV_TRY(sv_der_take_optional(c, CONTEXT_CONSTRUCTED | 1, &present, &value, err));
    if (!present) return SIPVEIL_OK;
    SV_TRY(count_attributes(value.content, limits, &count, err));
    sv_cursor set = sv_cursor_over(value.content, "unsigned attributes");
    while (!sv_at_end(&set)) SV_TRY(take_attribute(&set, limits->attribute, &a, err));
    return SIPVEIL_OK;
}

static sipveil_code take_signer_id(sv_cursor *c, const sipveil_limits *limits, sv_arena *arena,
                                   sv_signer_info *out, sipveil_error *err)
{
    sv_cursor inside;
    sv_der name;
    if (!sv_der_next_is(c, SV_DER_SEQUENCE)) {
        SV_TRY(sv_der_take_octets(c, SV_DER_CONTEXT | 0, "signer's key identifier", limits, arena,
                                  &out->ski, err));
        if (out->ski.len > 0) return SIPVEIL_OK;
        return sv_fail(err, room, SIPVEIL_MALFORMED, "the signer's key identifier is empty");
    }
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "issuer and serial number", &inside, err));
    SV_TRY(sv_der_take_tag(&inside, SV_DER_SEQUENCE, "issuer", &name, err));
    out->issuer = name.whole;
    SV_TRY(sv_der_take_integer(&inside, "serial number", &out->serial, err));
    return sv_der_end(&inside, err);
}

static sipveil_code read_fields(sv_cursor *c, const sipveil_limits *limits, sv_arena *arena,
                                sv_signer_info *out, sipveil_error *err)
{
    sv_der attributes;
    SV_TRY(sv_der_take_number(c, "SignerInfo version", &out->version, err));
    SV_TRY(take_signer_id(c, limits, arena, out, err));
    SV_TRY(sv_der_take_algorithm(c, "digest algorithm", &out->digest, err));
    SV_TRY(
        sv_der_take_optional(c, CONTEXT_CONSTRUCTED | 0, &out->has_attributes, &attributes, err));
    out->attributes = attributes.whole;
    SV_TRY(sv_der_take_algorithm(c, "signature algorithm", &out->algorithm, err));
    SV_TRY(sv_der_take_octets(c, SV_DER_OCTET_STRING, "signature", limits, arena, &out->signature,
                              err));
    SV_TRY(skip_unsigned(c, limits, err));
    return sv_der_end(c, err);
}

sipveil_code sv_signer_info_read(sipveil_span tlv, const sipveil_limits *limits, sv_arena *arena,
                                 sv_signer_info *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(tlv, "SignerInfo"), inside;
    *out = (sv_signer_info){0};
    SV_TRY(sv_der_enter(&c, SV_DER_SEQUENCE, "SignerInfo", &inside, err));
    sipveil_code code = read_fields(&inside, limits, arena, out, err);
    if (code != SIPVEIL_OK) *out = (sv_signer_info){0};
    return code;
}
