/* SPDX-License-Identifier: BSD-2-Clause */
/* EnvelopedData (RFC 5652 6.1) and AuthEnvelopedData (RFC 5083 2.1), as they stand. No secret is used;
 * what an algorithm's parameters lack shows when the content is opened. */
#include "cms/oid.h"
#include "cms/recipient.h"
#include "cms/usual_enveloped.h"

static const char room[] = "cms";

enum {
    CONTEXT_0 = SV_DER_CONTEXT | 0,
    CONTEXT_0_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 0,
    CONTEXT_1_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 1,
    CONTEXT_2_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED | 2,
    ICV_DEFAULT = 12, /* octets: aes-ICVlen when absent (CMS-05) */
    ICV_MOST = 64
};

/* GCMParameters and CCMParameters, which have one form (RFC 5084 3), or the IV of CBC. What is not as it must be leaves `iv` empty. */
static void read_parameters(sipveil_span parameters, sv_enveloped *out)
{
    sv_cursor c = sv_cursor_over(parameters, "parameters"), inside;
    sv_der iv;
    uint64_t icv = ICV_DEFAULT;
    if (!sv_cipher_row_of(out->cipher)->authenticated) {
        if (sv_der_take_tag(&c, SV_DER_OCTET_STRING, "iv", &iv, NULL) == SIPVEIL_OK && sv_at_end(&c)) {
            out->iv = iv.content;
        }
        return;
    }
    if (sv_der_enter(&c, SV_DER_SEQUENCE, "parameters", &inside, NULL) != SIPVEIL_OK || !sv_at_end(&c) ||
        sv_der_take_tag(&inside, SV_DER_OCTET_STRING, "nonce", &iv, NULL) != SIPVEIL_OK) {
        return;
    }
    if (!sv_at_end(&inside) && sv_der_take_number(&inside, "ICV length", &icv, NULL) != SIPVEIL_OK) return;
    if (!sv_at_end(&inside) || icv > ICV_MOST) return;
    out->iv = iv.content;
    out->tag_length = (unsigned)icv;
}

/* RFC 9709: the wrapper's parameter is the algorithm that counts (CMS-14). */
static void read_cipher(const sv_der_algorithm *algorithm, sv_enveloped *out)
{
    sv_der_algorithm real = *algorithm;
    out->cek_hkdf = sv_oid_is(algorithm->oid, SV_OID_CEK_HKDF_SHA256);
    if (out->cek_hkdf) {
        sv_cursor c = sv_cursor_over(algorithm->parameters, "algorithm");
        real = (sv_der_algorithm){0};
        if (sv_der_take_algorithm(&c, "algorithm", &real, NULL) != SIPVEIL_OK) return;
    }
    out->cipher_algorithm = real.whole;
    out->cipher = sv_cipher_by_oid(real.oid);
    if (out->cipher != SIPVEIL_CIPHER_NONE) read_parameters(real.parameters, out);
}

static sipveil_code read_content(sv_cursor *c, const sipveil_limits *limits, sv_arena *arena,
                                 sv_enveloped *out, sipveil_error *err)
{
    sv_cursor info;
    sv_der_algorithm algorithm;
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "encrypted content", &info, err));
    SV_TRY(sv_der_take_oid(&info, "encrypted content type", &out->content_type, err));
    out->content_kind = sv_oid_cms_type(out->content_type);
    SV_TRY(sv_der_take_algorithm(&info, "content encryption algorithm", &algorithm, err));
    read_cipher(&algorithm, out);
    out->has_ciphertext = !sv_at_end(&info);
    if (!out->has_ciphertext) return SIPVEIL_OK; /* ADV-069: shows when it is opened */
    SV_TRY(sv_der_take_octets(&info, CONTEXT_0, "encrypted content", limits, arena, &out->ciphertext, err));
    return sv_der_end(&info, err);
}

static sipveil_code check_attributes(sipveil_span attributes, const sipveil_limits *limits, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(attributes, "attributes");
    sv_der attribute;
    for (size_t count = 0; !sv_at_end(&c);) {
        SV_TRY(sv_der_take_tag(&c, SV_DER_SEQUENCE, "attribute", &attribute, err));
        if (++count > limits->attributes) {
            return sv_fail(err, room, SIPVEIL_LIMIT, "more than %zu attributes", limits->attributes);
        }
        if (attribute.content.len > limits->attribute) {
            return sv_fail(err, room, SIPVEIL_LIMIT, "an attribute has %zu octets, more than %zu",
                           attribute.content.len, limits->attribute);
        }
    }
    return SIPVEIL_OK;
}

/* Ascending, as DER orders a SET OF (X.690 11.6). */
static bool is_ordered(sipveil_span attributes)
{
    sv_cursor c = sv_cursor_over(attributes, "attributes");
    sipveil_span before = sv_span(NULL, 0);
    sv_der attribute;
    while (!sv_at_end(&c) && sv_der_take(&c, &attribute, NULL) == SIPVEIL_OK) {
        size_t common = before.len < attribute.whole.len ? before.len : attribute.whole.len;
        if (common > 0 && memcmp(before.data, attribute.whole.data, common) > 0) return false;
        before = attribute.whole;
    }
    return sv_at_end(&c);
}

/* authAttrs are DER even where the rest is BER, and are authenticated under the tag of a SET (CMS-04):
 * the octets received are right but for their tag. */
static sipveil_code read_auth_attributes(sv_cursor *c, const sipveil_limits *limits, sv_arena *arena,
                                         sv_enveloped *out, sipveil_error *err)
{
    sv_der value;
    bool present;
    SV_TRY(sv_der_take_optional(c, CONTEXT_1_CONSTRUCTED, &present, &value, err));
    if (!present) return SIPVEIL_OK;
    SV_TRY(sv_der_scan(value.whole, limits, true, err));
    SV_TRY(check_attributes(value.content, limits, err));
    if (value.content.len == 0) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-059", SIPVEIL_NO_OFFSET,
                            "authenticated attributes: none is there");
    }
    if (!is_ordered(value.content)) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "CMS-04", SIPVEIL_NO_OFFSET,
                            "authenticated attributes: not in the order of DER");
    }
    uint8_t *copy = sv_arena_alloc_raw(arena, value.whole.len);
    if (copy == NULL) return sv_no_memory(err, room);
    memcpy(copy, value.whole.data, value.whole.len);
    copy[0] = SV_DER_SET;
    out->auth_attributes = sv_span(copy, value.whole.len);
    return SIPVEIL_OK;
}

static sipveil_code read_unprotected(sv_cursor *c, uint8_t tag, const sipveil_limits *limits,
                                     sv_enveloped *out, sipveil_error *err)
{
    sv_der value;
    bool present;
    SV_TRY(sv_der_take_optional(c, tag, &present, &value, err));
    if (present) SV_TRY(check_attributes(value.content, limits, err));
    out->unprotected_attributes = value.content;
    return SIPVEIL_OK;
}

/* The highest version that what an OriginatorInfo holds can ask for; its form is not looked into. */
static bool version_fits(const sv_enveloped *e, bool originator, const sv_recipient_versions *recipients,
                         bool unprotected)
{
    if (e->authenticated) return e->version == 0;
    if (originator && (e->version == 4 || e->version == 3)) return true;
    if (recipients->forces_3) return e->version == 3;
    return e->version == (!originator && !unprotected && recipients->all_zero ? 0 : 2);
}

static sipveil_code check_version(sv_enveloped *out, bool originator, bool unprotected,
                                  const sv_recipient_versions *recipients, const sv_cms_policy *policy,
                                  sipveil_error *err)
{
    out->version_odd = recipients->odd || !version_fits(out, originator, recipients, unprotected);
    if (!out->version_odd || !policy->strict) return SIPVEIL_OK;
    return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "CMS-01", SIPVEIL_NO_OFFSET,
                        "version %ld contradicts the content", out->version);
}

static sipveil_code read_body(sv_cursor *c, const sipveil_limits *limits, const sv_cms_policy *policy,
                              sv_arena *arena, sv_enveloped *out, sipveil_error *err)
{
    sv_recipient_versions versions;
    sv_der originator;
    uint64_t version;
    bool has_originator, unprotected;
    SV_TRY(sv_der_take_number(c, "version", &version, err));
    if (version > 255) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-055", SIPVEIL_NO_OFFSET, "version: a large number");
    }
    out->version = (long)version;
    SV_TRY(sv_der_take_optional(c, CONTEXT_0_CONSTRUCTED, &has_originator, &originator, err));
    SV_TRY(sv_recipients_read(c, limits, arena, &out->recipients, &out->recipient_count, &versions, err));
    SV_TRY(read_content(c, limits, arena, out, err));
    if (out->authenticated) {
        SV_TRY(read_auth_attributes(c, limits, arena, out, err));
        SV_TRY(sv_der_take_octets(c, SV_DER_OCTET_STRING, "mac", limits, arena, &out->tag, err));
    }
    uint8_t tag = out->authenticated ? CONTEXT_2_CONSTRUCTED : CONTEXT_1_CONSTRUCTED;
    unprotected = sv_der_next_is(c, tag);
    SV_TRY(read_unprotected(c, tag, limits, out, err));
    SV_TRY(sv_der_end(c, err));
    return check_version(out, has_originator, unprotected, &versions, policy, err);
}

sipveil_code sv_cms_read_any_enveloped(sipveil_span content, bool authenticated, const sipveil_limits *limits,
                                       const sv_cms_policy *policy, sv_arena *arena, sv_enveloped *out,
                                       sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(content, authenticated ? "auth-enveloped-data" : "enveloped-data"), body;
    *out = (sv_enveloped){.authenticated = authenticated};
    SV_TRY(sv_der_enter(&c, SV_DER_SEQUENCE, c.what, &body, err));
    SV_TRY(sv_der_end(&c, err));
    sipveil_code code = read_body(&body, limits, policy, arena, out, err);
    if (code != SIPVEIL_OK) *out = (sv_enveloped){0};
    return code;
}

sipveil_code sv_cms_read_enveloped(sipveil_span content, bool authenticated,
                                   const sipveil_limits *limits, const sv_cms_policy *policy,
                                   sv_arena *arena, sv_enveloped *out, sipveil_error *err)
{
    if (authenticated && sv_usual_enveloped_read(content, limits, arena, out)) return SIPVEIL_OK;
    return sv_cms_read_any_enveloped(content, authenticated, limits, policy, arena, out, err);
}
