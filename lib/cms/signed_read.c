/* SPDX-License-Identifier: BSD-2-Clause */
/* SignedData taken apart (RFC 5652 5.1): counted, cut into spans, nothing verified. */
#include <limits.h>

#include "cms/oid.h"
#include "cms/signer_info.h"

static const char room[] = "cms";

enum { CONTEXT_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED, FORMS = 4 };

/* A SET OF CHOICE {SEQUENCE, [0] ... [3]}: CertificateSet, RevocationInfoChoices, SignerInfos. */
typedef struct choices {
    const char *what;
    size_t most;      /* members, of whatever form */
    size_t most_size; /* octets of one */
    sipveil_span *plain;
    size_t plain_count;
    bool other[FORMS]; /* forms met: attribute certificates, "other" */
} choices;

static sipveil_code count_choices(sipveil_span set, choices *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(set, out->what);
    for (size_t count = 0; !sv_at_end(&c); count++) {
        sv_der value;
        if (count == out->most) {
            return sv_fail(err, room, SIPVEIL_LIMIT, "more than %zu %s", out->most, out->what);
        }
        SV_TRY(sv_der_take(&c, &value, err));
        if (value.whole.len > out->most_size) {
            return sv_fail(err, room, SIPVEIL_LIMIT, "%s: one of %zu octets; the limit is %zu",
                           out->what, value.whole.len, out->most_size);
        }
        if (value.tag == SV_DER_SEQUENCE) {
            out->plain_count++;
        } else if (value.tag >= CONTEXT_CONSTRUCTED && value.tag < CONTEXT_CONSTRUCTED + FORMS) {
            out->other[value.tag - CONTEXT_CONSTRUCTED] = true;
        } else {
            return sv_fail(err, room, SIPVEIL_MALFORMED, "%s: a member with tag %02x", out->what,
                           value.tag);
        }
    }
    return SIPVEIL_OK;
}

static sipveil_code read_choices(sipveil_span set, sv_arena *arena, choices *out,
                                 sipveil_error *err)
{
    SV_TRY(count_choices(set, out, err));
    out->plain = sv_arena_alloc_array(arena, out->plain_count, sizeof *out->plain);
    if (out->plain == NULL) return sv_no_memory(err, room);
    sv_cursor c = sv_cursor_over(set, out->what);
    for (size_t i = 0; i < out->plain_count;) {
        sv_der value;
        SV_TRY(sv_der_take(&c, &value, err));
        if (value.tag == SV_DER_SEQUENCE) out->plain[i++] = value.whole;
    }
    return SIPVEIL_OK;
}

/* encapContentInfo. PKCS #7 allowed any value as content; CMS demands an OCTET STRING. */
static sipveil_code read_content(sv_cursor *c, const sipveil_limits *limits, sv_arena *arena,
                                 sv_signed *out, sipveil_error *err)
{
    sv_cursor info, wrapped;
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "encapsulated content", &info, err));
    SV_TRY(sv_der_take_oid(&info, "content type", &out->content_type, err));
    out->content_kind = sv_oid_cms_type(out->content_type);
    if (sv_at_end(&info)) return SIPVEIL_OK;
    SV_TRY(sv_der_enter(&info, CONTEXT_CONSTRUCTED | 0, "content", &wrapped, err));
    SV_TRY(sv_der_take_octets(&wrapped, SV_DER_OCTET_STRING, "content", limits, arena,
                              &out->content, err));
    SV_TRY(sv_der_end(&wrapped, err));
    out->has_content = true;
    return sv_der_end(&info, err);
}

/* RFC 5652 5.3: 1 with issuer and serial number, 3 with a key identifier. */
static sipveil_code check_signer_versions(sv_signed *out, bool *any_identifier, sipveil_error *err)
{
    for (size_t i = 0; i < out->signer_count; i++) {
        sv_cursor c = sv_cursor_over(out->signer_infos[i], "signer"), inside;
        uint64_t version;
        SV_TRY(sv_der_enter(&c, SV_DER_SEQUENCE, "SignerInfo", &inside, err));
        SV_TRY(sv_der_take_number(&inside, "SignerInfo version", &version, err));
        bool by_name = sv_der_next_is(&inside, SV_DER_SEQUENCE);
        if (!by_name || version == 3) *any_identifier = true;
        if (version != (by_name ? 1 : 3)) out->version_odd = true;
    }
    return SIPVEIL_OK;
}

/* RFC 5652 5.1 */
static long expected_version(const choices *certificates, const choices *crls, bool any_v3,
                             sv_cms_type content_kind)
{
    if (certificates->other[3] || crls->other[1]) return 5;
    if (certificates->other[2]) return 4;
    return certificates->other[1] || any_v3 || content_kind != SV_CMS_DATA ? 3 : 1;
}

static sipveil_code check_version(uint64_t version, const choices *certificates,
                                  const choices *crls, const sv_cms_policy *policy, sv_signed *out,
                                  sipveil_error *err)
{
    bool any_v3 = false;
    SV_TRY(check_signer_versions(out, &any_v3, err));
    long expected = expected_version(certificates, crls, any_v3, out->content_kind);
    out->version = version > INT_MAX ? INT_MAX : (long)version;
    if (out->version != expected) out->version_odd = true;
    if (!out->version_odd || !policy->strict) return SIPVEIL_OK;
    return sv_fail_rule(
        err, room, SIPVEIL_MALFORMED, "CMS-01", SIPVEIL_NO_OFFSET,
        "SignedData has version %ld, or a signer's contradicts its form; the content "
        "asks for %ld",
        out->version, expected);
}

static sipveil_code read_fields(sv_cursor *c, const sipveil_limits *limits,
                                const sv_cms_policy *policy, sv_arena *arena, sv_signed *out,
                                sipveil_error *err)
{
    choices certificates = {
        .what = "certificates", .most = limits->certificates, .most_size = limits->certificate};
    choices crls = {.what = "CRLs", .most = limits->crls, .most_size = SIZE_MAX};
    choices signers = {.what = "signers", .most = limits->signers, .most_size = SIZE_MAX};
    uint64_t version;
    sv_der value;
    bool present;
    SV_TRY(sv_der_take_number(c, "SignedData version", &version, err));
    SV_TRY(sv_der_take_tag(c, SV_DER_SET, "digest algorithms", &value, err));
    out->digest_algorithms = value.content;
    SV_TRY(read_content(c, limits, arena, out, err));
    SV_TRY(sv_der_take_optional(c, CONTEXT_CONSTRUCTED | 0, &present, &value, err));
    if (present) SV_TRY(read_choices(value.content, arena, &certificates, err));
    SV_TRY(sv_der_take_optional(c, CONTEXT_CONSTRUCTED | 1, &present, &value, err));
    if (present) SV_TRY(read_choices(value.content, arena, &crls, err));
    SV_TRY(sv_der_take_tag(c, SV_DER_SET, "signers", &value, err));
    SV_TRY(read_choices(value.content, arena, &signers, err));
    SV_TRY(sv_der_end(c, err));
    for (size_t i = 0; i < FORMS; i++) {
        if (signers.other[i])
            return sv_fail(err, room, SIPVEIL_MALFORMED, "a signer is no SEQUENCE");
    }
    if (signers.plain_count > 0 && out->digest_algorithms.len == 0) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-059", SIPVEIL_NO_OFFSET,
                            "digest algorithms: empty, with %zu signers", signers.plain_count);
    }
    out->certificates = certificates.plain;
    out->certificate_count = certificates.plain_count;
    out->crls = crls.plain;
    out->crl_count = crls.plain_count;
    out->signer_infos = signers.plain;
    out->signer_count = signers.plain_count;
    return check_version(version, &certificates, &crls, policy, out, err);
}

sipveil_code sv_cms_read_signed(sipveil_span content, const sipveil_limits *limits,
                                const sv_cms_policy *policy, sv_arena *arena, sv_signed *out,
                                sipveil_error *err)
{
    sv_cursor outer = sv_cursor_over(content, "SignedData"), c;
    *out = (sv_signed){0};
    SV_TRY(sv_der_enter(&outer, SV_DER_SEQUENCE, "SignedData", &c, err));
    sipveil_code code = read_fields(&c, limits, policy, arena, out, err);
    if (code != SIPVEIL_OK) *out = (sv_signed){0};
    return code;
}
