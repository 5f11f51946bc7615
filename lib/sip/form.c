/* SPDX-License-Identifier: BSD-2-Clause */
/* The form of the header fields that later rooms rely on, and counts for all (ADV-011). */
#include "sip/form.h"

#include "sip/address.h"
#include "sip/uri.h"
#include "sip/usual.h"
#include "sip/via.h"

static sipveil_code bad_value(sipveil_error *err, const char *rule, size_t offset, const char *what,
                              sipveil_span value)
{
    return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, rule, offset, "%s in \"%s\"", what,
                        SV_QUOTE(value));
}

bool sv_sip_read_number(sipveil_span digits, uint64_t limit, uint64_t *out)
{
    enum { DIGITS_MOST = 32 };
    return digits.len <= DIGITS_MOST && sv_read_number(digits, limit, out);
}

static sipveil_code check_number(sipveil_span value, const char *rule, uint64_t limit,
                                 uint64_t *out, sipveil_error *err)
{
    if (sv_sip_read_number(value, limit, out)) return SIPVEIL_OK;
    return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, rule, 0,
                        "\"%s\" is not a number from 0 to %llu", SV_QUOTE(value),
                        (unsigned long long)limit);
}

/* Free text: what looks like a separator is none. */
static bool is_free_text(sv_field_id id)
{
    switch (id) {
    case SV_F_SUBJECT:
    case SV_F_ORGANIZATION:
    case SV_F_USER_AGENT:
    case SV_F_SERVER:
    case SV_F_CALL_ID:
    case SV_F_DATE:
        return true;
    default:
        return false;
    }
}

/* Where counting stops: between quotes, in a list or in one value, and within quotes. */
static const sv_stops in_list = SV_STOPS(0, '"', ',', ';'), in_value = SV_STOPS(0, '"', ';', ';'),
                      in_quotes = SV_STOPS(0, '"', '\\', '\\');

static sipveil_code too_many(size_t offset, const char *what, size_t most, sipveil_error *err)
{
    return sv_fail_rule(err, "sip", SIPVEIL_LIMIT, "ADV-011", offset, "more than %zu %s", most, what);
}

/* Counts the commas outside quotes, and the semicolons between two of them. */
static sipveil_code check_counts(const sv_form *form, const sv_sip_field *field, sipveil_error *err)
{
    size_t values = 1, parameters = 0, parameters_most = form->limits->parameters;
    size_t values_most = field->id == SV_F_VIA ? form->limits->via : form->limits->values;
    bool quoted = false;
    const uint8_t *from = field->value.data, *at = from, *end = from + field->value.len;
    if (field->value.len < values_most && field->value.len <= parameters_most) return SIPVEIL_OK; /* too few octets */
    for (; (at = sv_find_stop(at, end, quoted ? &in_quotes : &in_list)) < end; at++) {
        if (*at == '"') quoted = !quoted;
        if (*at == '\\') at++;
        if (quoted) continue;
        if (*at == ',') {
            values++;
            parameters = 0;
        } else if (*at == ';') {
            parameters++;
        }
        if (values > values_most) return too_many((size_t)(at - from), "values", values_most, err);
        if (parameters > parameters_most) return too_many((size_t)(at - from), "parameters", parameters_most, err);
    }
    return SIPVEIL_OK;
}

/* callid = word [ "@" word ] */
static sipveil_code check_call_id(sipveil_span value, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Call-ID");
    bool good = sv_take_run(&c, SV_OCTET_WORD).len > 0;
    if (good && sv_take_if(&c, '@')) good = sv_take_run(&c, SV_OCTET_WORD).len > 0;
    if (good && sv_at_end(&c)) return SIPVEIL_OK;
    return bad_value(err, "ADV-022", sv_offset(&c), "an illegal octet or an empty half", value);
}

static sipveil_code check_via(sv_form *form, sipveil_span value, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Via");
    sv_sip_via via;
    do {
        SV_TRY(sv_sip_take_via(&c, &via, err));
        if (++form->via > form->limits->via) {
            return sv_fail_rule(err, "sip", SIPVEIL_LIMIT, "ADV-011", sv_offset(&c),
                                "more than %zu Via values", form->limits->via);
        }
    } while (sv_take_if(&c, ','));
    return sv_at_end(&c) ? SIPVEIL_OK
                         : bad_value(err, "ADV-022", sv_offset(&c), "an illegal octet", value);
}

/* Contact's expires is a number that fits 32 bits; other forms than digits are left alone, as
 * RFC 2543 had a date there. */
static sipveil_code check_expires_parameter(sipveil_span params, sipveil_error *err)
{
    sipveil_span value;
    uint64_t number;
    if (!sv_sip_param(params, "expires", &value)) return SIPVEIL_OK;
    sv_cursor c = sv_cursor_over(value, "expires");
    if (sv_take_run(&c, SV_OCTET_DIGIT).len != value.len) return SIPVEIL_OK;
    return check_number(value, "ADV-013", UINT32_MAX, &number, err);
}

static sipveil_code check_addresses(const sv_form *form, const sv_sip_field *field, bool list,
                                    sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(field->value, "address");
    sv_sip_address address;
    if (field->id == SV_F_CONTACT && sv_equal_str(field->value, "*")) return SIPVEIL_OK;
    do {
        SV_TRY(sv_sip_take_address(&c, form->address_flags, &address, err));
        if (field->id == SV_F_CONTACT) SV_TRY(check_expires_parameter(address.params, err));
    } while (list && sv_take_if(&c, ','));
    if (sv_at_end(&c)) return SIPVEIL_OK;
    return bad_value(err, "ADV-015", sv_offset(&c), "something after the address", field->value);
}

/* Retry-After: delta-seconds [ comment ] *( ";" parameter ). */
static sipveil_code check_retry_after(sipveil_span value, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Retry-After");
    uint64_t number;
    uint8_t next;
    SV_TRY(check_number(sv_take_run(&c, SV_OCTET_DIGIT), "ADV-013", UINT32_MAX, &number, err));
    sv_skip_lws(&c);
    if (!sv_peek(&c, &next) || next == '(' || next == ';') return SIPVEIL_OK;
    return bad_value(err, "ADV-013", sv_offset(&c), "an illegal octet after the number", value);
}

/* The names of ";name=value" in a media type or disposition: none twice, no RFC 2231 pieces
 * (ADV-019). What else is wrong with it is for the room that reads media types. */
static sipveil_code check_media_parameters(sipveil_span value, sipveil_error *err)
{
    __attribute__((uninitialized)) sipveil_span seen[64]; /* not by the compiler: those before count are written */
    size_t count = 0, star;
    bool quoted = false;
    const uint8_t *from = value.data, *at = from, *end = from + value.len;
    for (; (at = sv_find_stop(at, end, quoted ? &in_quotes : &in_value)) < end; at++) {
        if (*at == '"') quoted = !quoted;
        if (*at == '\\') at++;
        if (quoted || *at != ';') continue;
        sv_cursor c = {at, at + 1, end, "parameters"};
        size_t offset = (size_t)(at - from);
        sv_skip_lws(&c);
        sipveil_span name = sv_take_run(&c, SV_OCTET_MIME_TOKEN);
        if (sv_find_byte(name, '*', &star)) {
            return bad_value(err, "ADV-019", offset, "a parameter in pieces (RFC 2231)", value);
        }
        for (size_t n = 0; n < count; n++) {
            if (sv_equal_nocase(seen[n], name)) return bad_value(err, "ADV-019", offset, "the same parameter twice", value);
        }
        if (count == sizeof seen / sizeof *seen) return too_many(offset, "parameters", count, err);
        seen[count++] = name;
    }
    return SIPVEIL_OK;
}

bool sv_sip_is_usual(sv_form *form, const sv_sip_field *field)
{
    const uint8_t *end = field->value.data + field->value.len;
    sv_cursor c = {field->value.data, field->value.data, sv_end_of_page(end, form->end), "value"};
    size_t parameters = 0, values_most = field->id == SV_F_VIA ? form->limits->via - form->via : form->limits->values;
    sipveil_span params = {NULL, 0};
    bool known;
    switch (field->id) {
    case SV_F_FROM:
    case SV_F_TO:
    case SV_F_REPLY_TO:
    case SV_F_CONTACT:
    case SV_F_ROUTE:
    case SV_F_RECORD_ROUTE:
        known = sv_usual_take_address(&c, &params, &parameters);
        break;
    case SV_F_VIA:
        known = sv_usual_take_via(&c, &parameters);
        break;
    case SV_F_CALL_ID:
        known = sv_usual_take_call_id(&c);
        break;
    case SV_F_CONTENT_TYPE:
    case SV_F_CONTENT_DISPOSITION:
        known = sv_usual_take_media(&c, &parameters);
        break;
    default:
        return false;
    }
    if (!known || c.at != end || values_most == 0 || parameters > form->limits->parameters) return false;
    if (field->id == SV_F_CONTACT && params.len > 0) return check_expires_parameter(params, NULL) == SIPVEIL_OK;
    if (field->id == SV_F_VIA) form->via++;
    return true;
}

sipveil_code sv_sip_check_any(sv_form *form, const sv_sip_field *field, sipveil_error *err)
{
    uint64_t number;
    uint32_t cseq;
    int64_t seconds;
    if (!is_free_text(field->id)) SV_TRY(check_counts(form, field, err));
    switch (field->id) {
    case SV_F_FROM:
    case SV_F_TO:
    case SV_F_REPLY_TO:
        return check_addresses(form, field, false, err);
    case SV_F_CONTACT:
    case SV_F_ROUTE:
    case SV_F_RECORD_ROUTE:
        return check_addresses(form, field, true, err);
    case SV_F_VIA:
        return check_via(form, field->value, err);
    case SV_F_CALL_ID:
        return check_call_id(field->value, err);
    case SV_F_CSEQ:
        return sv_sip_read_cseq(field->value, &cseq, &form->cseq_method, err);
    case SV_F_DATE:
        return sv_sip_read_date(field->value, &seconds, err);
    case SV_F_MAX_FORWARDS:
        return check_number(field->value, "ADV-013", UINT8_MAX, &number, err);
    case SV_F_EXPIRES:
    case SV_F_MIN_EXPIRES:
        return check_number(field->value, "ADV-013", UINT32_MAX, &number, err);
    case SV_F_RETRY_AFTER:
        return check_retry_after(field->value, err);
    case SV_F_CONTENT_LENGTH:
        return check_number(field->value, "ADV-004", UINT32_MAX, &form->content_length, err);
    case SV_F_CONTENT_TYPE:
    case SV_F_CONTENT_DISPOSITION:
        return check_media_parameters(field->value, err);
    default:
        return SIPVEIL_OK;
    }
}

sipveil_code sv_sip_check_form(sv_form *form, const sv_sip_field *field, sipveil_error *err)
{
    return sv_sip_is_usual(form, field) ? SIPVEIL_OK : sv_sip_check_any(form, field, err);
}
