/* SPDX-License-Identifier: BSD-2-Clause */
/* The form of the header fields that later rooms rely on, and counts for all (ADV-011). */
#include "sip/form.h"

#include "sip/address.h"
#include "sip/uri.h"

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

/* Octets that the counting below looks at. */
static const bool counts[256] = {['"'] = true, ['\\'] = true, [','] = true, [';'] = true};

/* Counts the commas outside quotes, and the semicolons between two of them. */
static sipveil_code check_counts(const sv_form *form, const sv_sip_field *field, sipveil_error *err)
{
    size_t values = 1, parameters = 0;
    bool quoted = false;
    size_t values_most = field->id == SV_F_VIA ? form->limits->via : form->limits->values;
    for (size_t i = 0; i < field->value.len; i++) {
        uint8_t c = field->value.data[i];
        if (!counts[c]) continue;
        if (c == '"') quoted = !quoted;
        if (quoted) {
            if (c == '\\') i++;
            continue;
        }
        if (c == ',') {
            values++;
            parameters = 0;
        } else if (c == ';') {
            parameters++;
        }
        if (values > values_most) {
            return sv_fail_rule(err, "sip", SIPVEIL_LIMIT, "ADV-011", i, "more than %zu values",
                                values_most);
        }
        if (parameters > form->limits->parameters) {
            return sv_fail_rule(err, "sip", SIPVEIL_LIMIT, "ADV-011", i, "more than %zu parameters",
                                form->limits->parameters);
        }
    }
    return SIPVEIL_OK;
}

static bool is_word(uint8_t c)
{
    switch (c) {
    case '(':
    case ')':
    case '<':
    case '>':
    case ':':
    case '\\':
    case '"':
    case '/':
    case '[':
    case ']':
    case '?':
    case '{':
    case '}':
        return true;
    default:
        return sv_is_token(c);
    }
}

/* callid = word [ "@" word ] */
static sipveil_code check_call_id(sipveil_span value, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Call-ID");
    bool good = sv_take_while(&c, is_word).len > 0;
    if (good && sv_take_if(&c, '@')) good = sv_take_while(&c, is_word).len > 0;
    if (good && sv_at_end(&c)) return SIPVEIL_OK;
    return bad_value(err, "ADV-022", sv_offset(&c), "an illegal octet or an empty half", value);
}

/* sent-protocol LWS sent-by *( ";" parameter ) */
static sipveil_code take_via(sv_cursor *c, sipveil_span value, sipveil_error *err)
{
    sipveil_span host;
    uint16_t port;
    sv_parameter p;
    bool taken;
    for (int i = 0; i < 3; i++) {
        sv_skip_lws(c);
        if ((i > 0 && !sv_take_if(c, '/'))) {
            return bad_value(err, "ADV-022", sv_offset(c), "no protocol/version/transport", value);
        }
        sv_skip_lws(c);
        if (sv_take_while(c, sv_is_token).len == 0) {
            return bad_value(err, "ADV-022", sv_offset(c), "no protocol/version/transport", value);
        }
    }
    const uint8_t *before = c->at;
    sv_skip_lws(c);
    if (c->at == before || !sv_sip_take_host(c, &host)) {
        return bad_value(err, "ADV-022", sv_offset(c), "no valid host", value);
    }
    sv_skip_lws(c);
    if (sv_take_if(c, ':')) {
        sv_skip_lws(c);
        if (!sv_sip_read_port(sv_take_while(c, sv_is_digit), &port)) {
            return bad_value(err, "ADV-013", sv_offset(c), "a port outside 0 to 65535", value);
        }
    }
    do {
        SV_TRY(sv_take_parameter(c, sv_sip_is_gen_value, "sip", &p, &taken, err));
    } while (taken);
    sv_skip_lws(c);
    return SIPVEIL_OK;
}

static sipveil_code check_via(sv_form *form, sipveil_span value, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "Via");
    do {
        SV_TRY(take_via(&c, value, err));
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
    for (size_t i = 0; i < value.len; i++) {
        if (!sv_is_digit(value.data[i])) return SIPVEIL_OK;
    }
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
    SV_TRY(check_number(sv_take_while(&c, sv_is_digit), "ADV-013", UINT32_MAX, &number, err));
    sv_skip_lws(&c);
    if (!sv_peek(&c, &next) || next == '(' || next == ';') return SIPVEIL_OK;
    return bad_value(err, "ADV-013", sv_offset(&c), "an illegal octet after the number", value);
}

/* The names of ";name=value" in a media type or disposition: none twice, no RFC 2231 pieces
 * (ADV-019). What else is wrong with it is for the room that reads media types. */
static sipveil_code check_media_parameters(sipveil_span value, sipveil_error *err)
{
    sipveil_span seen[64];
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (c == '"') quoted = !quoted;
        if (quoted && c == '\\') i++;
        if (quoted || c != ';') continue;
        sv_cursor at = sv_cursor_over(sv_span_from(value, i + 1), "parameters");
        sv_skip_lws(&at);
        sipveil_span name = sv_take_while(&at, sv_is_mime_token);
        size_t star;
        if (sv_find_byte(name, '*', &star)) {
            return bad_value(err, "ADV-019", i, "a parameter in pieces (RFC 2231)", value);
        }
        for (size_t n = 0; n < count; n++) {
            if (sv_equal_nocase(seen[n], name)) {
                return bad_value(err, "ADV-019", i, "the same parameter twice", value);
            }
        }
        if (count == sizeof seen / sizeof *seen) {
            return sv_fail_rule(err, "sip", SIPVEIL_LIMIT, "ADV-011", i, "more than %zu parameters",
                                count);
        }
        seen[count++] = name;
    }
    return SIPVEIL_OK;
}

sipveil_code sv_sip_check_form(sv_form *form, const sv_sip_field *field, sipveil_error *err)
{
    uint64_t number;
    uint32_t cseq;
    int64_t seconds;
    sipveil_span method;
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
        return sv_sip_read_cseq(field->value, &cseq, &method, err);
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
