/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/make_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/calendar.h"
#include "base/cursor.h"
#include "base/span.h"
#include "keys/certificate.h"
#include "sip/values.h"

enum { COMMON_NAME_MOST = 64, HOST_MOST = 253 };

/* ---- what was asked for ---- */

static sipveil_code put_uri(sv_arena *arena, sipveil_span host, sipveil_span *out, sipveil_error *err)
{
    sv_buffer b;
    sv_buffer_init(&b, arena, host.len + 4, host.len + 4);
    sv_put_str(&b, "sip:");
    sv_put(&b, host);
    *out = sv_buffer_span(&b);
    return sv_buffer_check(&b, "keys", err);
}

static bool is_host_name(sipveil_span host)
{
    uint8_t before = '.';
    if (host.len == 0 || host.len > HOST_MOST) return false;
    for (size_t i = 0; i < host.len; before = host.data[i++]) {
        uint8_t c = host.data[i];
        if (c == '.' ? before == '.' || before == '-' : !sv_is_alnum(c) && (c != '-' || before == '.')) {
            return false;
        }
    }
    return sv_is_alnum(before);
}

static sipveil_code form_of_user(sipveil_span text, sv_arena *arena, sv_certificate_form *out,
                                 sipveil_error *err)
{
    sv_sip_uri uri;
    bool plain = (sv_starts_nocase_str(text, "sip:") || sv_starts_nocase_str(text, "sips:")) &&
                 sv_sip_read_uri(text, &uri, NULL) == SIPVEIL_OK && uri.user.len > 0 &&
                 !uri.has_password && !uri.has_port && uri.params.len == 0 && uri.headers.len == 0;
    if (!plain) {
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "TUN-03", SIPVEIL_NO_OFFSET,
                            "\"%s\" is not of the form sip:user@host", SV_QUOTE(text));
    }
    sipveil_code code = sv_sip_aor(text, arena, &out->uri, err);
    if (code != SIPVEIL_OK && code != SIPVEIL_INTERNAL) {
        return sv_fail_rule(err, "keys", SIPVEIL_USAGE, "TUN-03", SIPVEIL_NO_OFFSET,
                            "\"%s\" is not of the form sip:user@host", SV_QUOTE(text));
    }
    out->subject = uri.user;
    return code;
}

sipveil_code sv_certificate_form_of(const sipveil_certificate_request *request, sv_arena *arena,
                                    sv_certificate_form *out, sipveil_error *err)
{
    *out = (sv_certificate_form){.not_before = request->not_before, .not_after = request->not_after};
    if (request->aor != NULL) return form_of_user(sv_span_str(request->aor), arena, out, err);
    sipveil_span host = sv_span_str(request->host);
    if (!is_host_name(host)) {
        return sv_fail(err, "keys", SIPVEIL_USAGE, "\"%s\" is not a host name", SV_QUOTE(host));
    }
    out->subject = host;
    out->dns = host;
    return put_uri(arena, host, &out->uri, err);
}

/* ---- extensions ---- */

static bool add(X509 *certificate, int nid, void *value, bool critical)
{
    return value != NULL &&
           X509_add1_ext_i2d(certificate, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

static bool add_constraints(X509 *certificate, bool authority)
{
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    if (constraints != NULL) constraints->ca = authority ? 0xFF : 0;
    bool done = add(certificate, NID_basic_constraints, constraints, true);
    BASIC_CONSTRAINTS_free(constraints);
    return done;
}

static bool add_key_usage(X509 *certificate, const EVP_PKEY *key, bool authority)
{
    enum { DIGITAL_SIGNATURE = 0, KEY_ENCIPHERMENT = 2, KEY_AGREEMENT = 4, KEY_CERT_SIGN = 5, CRL_SIGN = 6 };
    bool rsa = EVP_PKEY_is_a(key, "RSA"), x25519 = EVP_PKEY_is_a(key, "X25519");
    bool agrees = x25519 || EVP_PKEY_is_a(key, "EC");
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    bool set = usage != NULL;
    if (authority) {
        set = set && ASN1_BIT_STRING_set_bit(usage, KEY_CERT_SIGN, 1) == 1 &&
              ASN1_BIT_STRING_set_bit(usage, CRL_SIGN, 1) == 1;
    } else {
        set = set && (x25519 || ASN1_BIT_STRING_set_bit(usage, DIGITAL_SIGNATURE, 1) == 1) &&
              (!agrees || ASN1_BIT_STRING_set_bit(usage, KEY_AGREEMENT, 1) == 1) &&
              (!rsa || ASN1_BIT_STRING_set_bit(usage, KEY_ENCIPHERMENT, 1) == 1);
    }
    bool done = set && add(certificate, NID_key_usage, usage, true);
    ASN1_BIT_STRING_free(usage);
    return done;
}

static bool push_purpose(EXTENDED_KEY_USAGE *purposes, const char *oid)
{
    ASN1_OBJECT *purpose = OBJ_txt2obj(oid, 1);
    if (purpose != NULL && sk_ASN1_OBJECT_push(purposes, purpose) > 0) return true;
    ASN1_OBJECT_free(purpose);
    return false;
}

/* SIP (RFC 5924), e-mail protection, which S/MIME software asks for, and for a host both ends of TLS: a TLS library
 * knows nothing of the SIP purpose, and takes no certificate for a server that names others only. */
static bool add_purposes(X509 *certificate, bool host)
{
    EXTENDED_KEY_USAGE *purposes = EXTENDED_KEY_USAGE_new();
    bool done = purposes != NULL && push_purpose(purposes, "1.3.6.1.5.5.7.3.20") &&
                push_purpose(purposes, "1.3.6.1.5.5.7.3.4") &&
                (!host || (push_purpose(purposes, "1.3.6.1.5.5.7.3.1") && push_purpose(purposes, "1.3.6.1.5.5.7.3.2"))) &&
                add(certificate, NID_ext_key_usage, purposes, false);
    EXTENDED_KEY_USAGE_free(purposes);
    return done;
}

/* Built as objects, not from configuration text: a name cannot bring further entries with it. */
static bool push_name(GENERAL_NAMES *names, int type, sipveil_span text)
{
    if (text.len == 0) return true;
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    if (name == NULL || string == NULL || ASN1_STRING_set(string, text.data, (int)text.len) != 1) {
        ASN1_IA5STRING_free(string);
        GENERAL_NAME_free(name);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, string);
    if (sk_GENERAL_NAME_push(names, name) > 0) return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool add_names(X509 *certificate, const sv_certificate_form *form)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool done = names != NULL && push_name(names, GEN_URI, form->uri) &&
                push_name(names, GEN_DNS, form->dns) &&
                add(certificate, NID_subject_alt_name, names, false);
    GENERAL_NAMES_free(names);
    return done;
}

static bool add_key_identifiers(X509 *certificate, sipveil_span own, sipveil_span issuer)
{
    ASN1_OCTET_STRING *subject = ASN1_OCTET_STRING_new();
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    bool set = subject != NULL && authority != NULL &&
               ASN1_OCTET_STRING_set(subject, own.data, (int)own.len) == 1;
    if (set) authority->keyid = ASN1_OCTET_STRING_new();
    bool done = set && authority->keyid != NULL &&
                ASN1_OCTET_STRING_set(authority->keyid, issuer.data, (int)issuer.len) == 1 &&
                add(certificate, NID_subject_key_identifier, subject, false) &&
                add(certificate, NID_authority_key_identifier, authority, false);
    ASN1_OCTET_STRING_free(subject);
    AUTHORITY_KEYID_free(authority);
    return done;
}

static bool add_extensions(X509 *certificate, const sv_certificate_form *form, const EVP_PKEY *key,
                           sipveil_span own, sipveil_span issuer)
{
    return add_constraints(certificate, form->authority) &&
           add_key_usage(certificate, key, form->authority) &&
           (form->authority || (add_purposes(certificate, form->dns.len > 0) && add_names(certificate, form))) &&
           add_key_identifiers(certificate, own, issuer);
}

/* ---- the certificate ---- */

/* 127 random bits, positive. */
static sipveil_code set_serial(sv_crypto *crypto, X509 *certificate, sipveil_error *err)
{
    uint8_t octets[16];
    SV_TRY(sv_random(crypto, octets, sizeof octets, err));
    octets[0] &= 0x7F;
    BIGNUM *number = BN_bin2bn(octets, sizeof octets, NULL);
    bool done = number != NULL &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done ? SIPVEIL_OK : sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "no serial number");
}

static bool set_subject(X509 *certificate, sipveil_span name)
{
    size_t len = name.len < COMMON_NAME_MOST ? name.len : COMMON_NAME_MOST;
    return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                      MBSTRING_UTF8, name.data, (int)len, -1, 0) == 1;
}

/* Not by time_t, which may end in 2038. */
static bool set_time(ASN1_TIME *time, int64_t seconds)
{
    sv_calendar at;
    char text[16];
    return sv_calendar_at(seconds, &at) &&
           snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02dZ", at.year, at.month, at.day, at.hour, at.minute, at.second) ==
               sizeof text - 1 &&
           ASN1_TIME_set_string_X509(time, text) == 1;
}

static bool set_basics(X509 *certificate, const sv_certificate_form *form, EVP_PKEY *key, X509 *issuer)
{
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_subject(certificate, form->subject) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer != NULL ? issuer : certificate)) == 1 &&
           set_time(X509_getm_notBefore(certificate), form->not_before) &&
           set_time(X509_getm_notAfter(certificate), form->not_after) &&
           X509_set_pubkey(certificate, key) == 1;
}

static sipveil_code sign(sv_crypto *crypto, X509 *certificate, EVP_PKEY *key, sipveil_error *err)
{
    EVP_MD *sha256 = EVP_MD_fetch(sv_crypto_context(crypto)->library, "SHA256", NULL);
    bool one_shot = EVP_PKEY_is_a(key, "ED25519");
    bool done = sha256 != NULL && X509_sign(certificate, key, one_shot ? NULL : sha256) > 0;
    EVP_MD_free(sha256);
    return done ? SIPVEIL_OK : sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "the certificate cannot be signed");
}

static sipveil_code fill(sv_crypto *crypto, X509 *certificate, const sv_certificate_form *form,
                         EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, sv_arena *arena,
                         sipveil_error *err)
{
    const sipveil_context *context = sv_crypto_context(crypto);
    sipveil_span own, above;
    SV_TRY(set_serial(crypto, certificate, err));
    if (!set_basics(certificate, form, key, issuer)) {
        return sv_fail_openssl(err, "keys", SIPVEIL_USAGE, "the name or the times do not fit a certificate");
    }
    SV_TRY(sv_certificate_hash_key(context, certificate, arena, &own, err));
    above = own;
    if (issuer != NULL) SV_TRY(sv_certificate_key_identifier(context, issuer, arena, &above, err));
    if (!add_extensions(certificate, form, key, own, above)) {
        return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "the certificate's extensions cannot be written");
    }
    return sign(crypto, certificate, issuer_key, err);
}

sipveil_code sv_certificate_make(sv_crypto *crypto, const sv_certificate_form *form, EVP_PKEY *key,
                                 X509 *issuer, EVP_PKEY *issuer_key, X509 **out, sipveil_error *err)
{
    *out = NULL;
    sv_arena *arena = sv_arena_new(512, 4096);
    X509 *certificate = X509_new_ex(sv_crypto_context(crypto)->library, NULL);
    sipveil_code code = arena == NULL || certificate == NULL
                            ? sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "out of memory")
                            : fill(crypto, certificate, form, key, issuer, issuer_key, arena, err);
    sv_arena_free(arena);
    if (code != SIPVEIL_OK) {
        X509_free(certificate);
        return code;
    }
    *out = certificate;
    return SIPVEIL_OK;
}
