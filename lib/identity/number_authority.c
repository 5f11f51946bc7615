/* SPDX-License-Identifier: BSD-2-Clause */
/* TNAuthList and JWTClaimConstraints (RFC 8226 8, 9), whose tags are explicit. A certificate that marks one of them
 * critical is refused before it comes here, as with any critical extension that libcrypto does not know. */
#include "identity/number_authority.h"

#include <stdio.h>

#include "cms/der_read.h"
#include "keys/service_certificate.h"

enum { SPC = SV_DER_CONTEXT | SV_DER_CONSTRUCTED, RANGE, ONE, IA5_STRING = 0x16, NUMBER_MOST = 15, CODE_MOST = 64 };

/* 1.3.6.1.5.5.7.1.26 and .27 */
static const uint8_t numbers_oid[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1A};
static const uint8_t constraints_oid[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1B};

sipveil_code sv_number_authority_read(X509 *certificate, sv_arena *arena, sv_number_authority *out, sipveil_error *err)
{
    *out = (sv_number_authority){0};
    SV_TRY(sv_certificate_extension(certificate, sv_span(numbers_oid, sizeof numbers_oid), arena, &out->numbers, err));
    return sv_certificate_extension(certificate, sv_span(constraints_oid, sizeof constraints_oid), arena, &out->constraints, err);
}

static sipveil_code refuse(sipveil_error *err, const char *what, sipveil_span which)
{
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_UNTRUSTED_SIGNER, "IDN-39", SIPVEIL_NO_OFFSET, "%s %s", what, SV_QUOTE(which));
}

static bool is_number(sipveil_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!sv_is_digit(text.data[i]) && text.data[i] != '#' && text.data[i] != '*') return false;
    }
    return text.len > 0 && text.len <= NUMBER_MOST;
}

/* ---- numbers ---- */

/* A number of digits only, as a value; false where "#" or "*" stands in it. */
static bool value_of(sipveil_span number, uint64_t *out)
{
    return sv_read_number(number, UINT64_C(999999999999999), out);
}

/* {start, count}: numbers of the same length, counted up. */
static sipveil_code in_range(sv_cursor *c, sipveil_span number, bool *covered, sipveil_error *err)
{
    sv_cursor range;
    sv_der start;
    uint64_t count, first, wanted;
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "range", &range, err));
    SV_TRY(sv_der_take_tag(&range, IA5_STRING, "start", &start, err));
    SV_TRY(sv_der_take_number(&range, "count", &count, err));
    if (!is_number(start.content) || start.content.len != number.len) return SIPVEIL_OK;
    if (!value_of(start.content, &first) || !value_of(number, &wanted)) return SIPVEIL_OK;
    *covered = wanted >= first && wanted - first < count;
    return SIPVEIL_OK;
}

static sipveil_code in_code(sv_cursor *c, sipveil_span number, sipveil_identity_spc_cb spc, void *user, bool *covered,
                            sipveil_error *err)
{
    char code[CODE_MOST + 1], digits[SIPVEIL_IDENTITY_NUMBER];
    sv_der text;
    SV_TRY(sv_der_take_tag(c, IA5_STRING, "service provider code", &text, err));
    if (spc == NULL || text.content.len == 0 || text.content.len > CODE_MOST || !sv_is_text(text.content) ||
        number.len >= sizeof digits) {
        return SIPVEIL_OK;
    }
    (void)snprintf(code, sizeof code, "%.*s", (int)text.content.len, (const char *)text.content.data);
    (void)snprintf(digits, sizeof digits, "%.*s", (int)number.len, (const char *)number.data);
    *covered = spc(user, code, digits);
    return SIPVEIL_OK;
}

static sipveil_code in_entry(const sv_der *entry, sipveil_span number, sipveil_identity_spc_cb spc, void *user, bool *covered,
                             sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(entry->content, "TNEntry");
    sv_der one;
    switch (entry->tag) {
    case SPC: SV_TRY(in_code(&c, number, spc, user, covered, err)); break;
    case RANGE: SV_TRY(in_range(&c, number, covered, err)); break;
    case ONE:
        SV_TRY(sv_der_take_tag(&c, IA5_STRING, "number", &one, err));
        *covered = is_number(one.content) && sv_equal(one.content, number);
        break;
    default: return sv_fail(err, SV_IDENTITY, SIPVEIL_MALFORMED, "an entry of a kind that RFC 8226 does not have");
    }
    return sv_der_end(&c, err);
}

static sipveil_code walk_numbers(sipveil_span list, sipveil_span number, sipveil_identity_spc_cb spc, void *user,
                                 const sipveil_limits *limits, bool *covered, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(list, "TNAuthList"), entries;
    *covered = false;
    SV_TRY(sv_der_scan(list, limits, true, err));
    SV_TRY(sv_der_enter(&c, SV_DER_SEQUENCE, "TNAuthList", &entries, err));
    while (!sv_at_end(&entries) && !*covered) {
        sv_der entry;
        SV_TRY(sv_der_take(&entries, &entry, err));
        SV_TRY(in_entry(&entry, number, spc, user, covered, err));
    }
    return SIPVEIL_OK;
}

sipveil_code sv_number_is_covered(const sv_number_authority *authority, sipveil_span number, sipveil_identity_spc_cb spc,
                                  void *spc_user, const sipveil_limits *limits, sipveil_error *err)
{
    bool covered;
    sipveil_error why;
    if (authority->numbers.len == 0) return refuse(err, "the certificate speaks for no numbers, and so not for", number);
    if (walk_numbers(authority->numbers, number, spc, spc_user, limits, &covered, &why) != SIPVEIL_OK) {
        return refuse(err, "the certificate's list of numbers cannot be read:", sv_span_str(why.text));
    }
    return covered ? SIPVEIL_OK : refuse(err, "the certificate does not speak for", number);
}

/* ---- claims ---- */

static sipveil_code check_included(sv_cursor *c, const sv_json *payload, sipveil_span *broken, sipveil_error *err)
{
    sv_cursor names;
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "mustInclude", &names, err));
    while (!sv_at_end(&names)) {
        sv_der name;
        SV_TRY(sv_der_take_tag(&names, IA5_STRING, "claim", &name, err));
        if (sv_json_member_named(payload, name.content) == NULL && broken->len == 0) *broken = name.content;
    }
    return sv_der_end(c, err);
}

/* A claim that is there has one of these values; what is neither text nor number has none. */
static sipveil_code check_values(sv_cursor *c, const sv_json *payload, sipveil_span *broken, sipveil_error *err)
{
    sv_cursor rows, row, values;
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "permittedValues", &rows, err));
    while (!sv_at_end(&rows)) {
        sv_der name, value;
        SV_TRY(sv_der_enter(&rows, SV_DER_SEQUENCE, "claim", &row, err));
        SV_TRY(sv_der_take_tag(&row, IA5_STRING, "claim", &name, err));
        SV_TRY(sv_der_enter(&row, SV_DER_SEQUENCE, "permitted", &values, err));
        const sv_json *claim = sv_json_member_named(payload, name.content);
        bool text = claim != NULL && (claim->kind == SV_JSON_STRING || claim->kind == SV_JSON_NUMBER);
        bool permitted = claim == NULL;
        while (!sv_at_end(&values)) {
            SV_TRY(sv_der_take_tag(&values, SV_DER_UTF8_STRING, "permitted", &value, err));
            if (text && sv_equal(value.content, claim->text)) permitted = true;
        }
        SV_TRY(sv_der_end(&row, err));
        if (!permitted && broken->len == 0) *broken = name.content;
    }
    return sv_der_end(c, err);
}

static sipveil_code walk_constraints(sipveil_span list, const sv_json *payload, const sipveil_limits *limits,
                                     sipveil_span *broken, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(list, "JWTClaimConstraints"), inside, part;
    SV_TRY(sv_der_scan(list, limits, true, err));
    SV_TRY(sv_der_enter(&c, SV_DER_SEQUENCE, "JWTClaimConstraints", &inside, err));
    if (sv_der_next_is(&inside, SV_DER_CONTEXT | SV_DER_CONSTRUCTED)) {
        SV_TRY(sv_der_enter(&inside, SV_DER_CONTEXT | SV_DER_CONSTRUCTED, "mustInclude", &part, err));
        SV_TRY(check_included(&part, payload, broken, err));
    }
    if (sv_der_next_is(&inside, (SV_DER_CONTEXT | SV_DER_CONSTRUCTED) + 1)) {
        SV_TRY(sv_der_enter(&inside, (SV_DER_CONTEXT | SV_DER_CONSTRUCTED) + 1, "permittedValues", &part, err));
        SV_TRY(check_values(&part, payload, broken, err));
    }
    return sv_der_end(&inside, err);
}

sipveil_code sv_claims_are_allowed(const sv_number_authority *authority, const sv_json *payload, const sipveil_limits *limits,
                                   sipveil_error *err)
{
    sipveil_error why;
    sipveil_span broken = {NULL, 0};
    if (authority->constraints.len == 0) return SIPVEIL_OK;
    if (walk_constraints(authority->constraints, payload, limits, &broken, &why) != SIPVEIL_OK) {
        return refuse(err, "the certificate's constraints on claims cannot be read:", sv_span_str(why.text));
    }
    return broken.len == 0 ? SIPVEIL_OK : refuse(err, "the certificate does not allow these claims: it constrains", broken);
}
