/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "base/calendar.h"
#include "base/cursor.h"
#include "sip/values.h"

enum { NAME_TEXT_MOST = 256 };

static void free_certificate(void *certificate)
{
    X509_free(certificate);
}

/* ---- reading ---- */

sipveil_code sv_certificate_load(const sipveil_context *context, sipveil_span der, sv_arena *arena,
                                   X509 **out, sipveil_error *err)
{
    *out = NULL;
    if (der.len > context->hooks.limits.certificate) {
        return sv_fail_rule(err, "keys", SIPVEIL_LIMIT, "ADV-123", SIPVEIL_NO_OFFSET,
                            "the certificate has %zu octets, more than %zu", der.len,
                            context->hooks.limits.certificate);
    }
    X509 *certificate = X509_new_ex(context->library, NULL);
    if (certificate == NULL) {
        return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "no certificate object");
    }
    const unsigned char *at = der.data;
    if (d2i_X509(&certificate, &at, (long)der.len) == NULL || at != der.data + der.len) {
        X509_free(certificate);
        return sv_fail_openssl(err, "keys", SIPVEIL_USAGE, "the certificate cannot be read");
    }
    if (!sv_arena_defer(arena, free_certificate, certificate)) return sv_no_memory(err, "keys");
    /* Reads all extensions once, so that later looks from several threads find them ready. */
    (void)X509_check_purpose(certificate, -1, 0);
    if (X509_get_extension_flags(certificate) & EXFLAG_INVALID) {
        return sv_fail_openssl(err, "keys", SIPVEIL_USAGE,
                               "an extension of the certificate cannot be read");
    }
    if (X509_get0_pubkey(certificate) == NULL) {
        return sv_fail_openssl(err, "keys", SIPVEIL_USAGE,
                               "the public key of the certificate cannot be read");
    }
    *out = certificate;
    return SIPVEIL_OK;
}

sipveil_code sv_certificate_keep(X509 *certificate, sv_arena *arena, sipveil_error *err)
{
    if (X509_up_ref(certificate) != 1) {
        return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "the certificate cannot be kept");
    }
    if (!sv_arena_defer(arena, free_certificate, certificate)) return sv_no_memory(err, "keys");
    return SIPVEIL_OK;
}

/* Content octets of the INTEGER: sign and leading zero as on the wire. */
static bool copy_serial(X509 *certificate, sv_arena *arena, sipveil_span *out, bool *no_memory)
{
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &der);
    bool done = false;
    /* One octet of length: a serial of 128 octets or more does not fit a certificate anybody made. */
    bool fits = len > 2 && len < 130;
    if (fits) done = sv_arena_copy(arena, sv_span(der + 2, (size_t)len - 2), out);
    *no_memory = fits && !done;
    OPENSSL_free(der);
    return done;
}

sipveil_code sv_certificate_hash_key(const sipveil_context *context, X509 *certificate,
                                     sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(certificate);
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t len = 0;
    *out = (sipveil_span){0};
    if (bits == NULL || EVP_Q_digest(context->library, "SHA1", NULL, ASN1_STRING_get0_data(bits),
                                     (size_t)ASN1_STRING_length(bits), digest, &len) != 1) {
        return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "SHA-1 of the public key failed");
    }
    return sv_arena_copy(arena, sv_span(digest, len), out) ? SIPVEIL_OK : sv_no_memory(err, "keys");
}

sipveil_code sv_certificate_key_identifier(const sipveil_context *context, X509 *certificate,
                                           sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    const ASN1_OCTET_STRING *given = X509_get0_subject_key_id(certificate);
    if (given == NULL || ASN1_STRING_length(given) == 0) {
        return sv_certificate_hash_key(context, certificate, arena, out, err);
    }
    sipveil_span octets = sv_span(ASN1_STRING_get0_data(given), (size_t)ASN1_STRING_length(given));
    return sv_arena_copy(arena, octets, out) ? SIPVEIL_OK : sv_no_memory(err, "keys");
}

sipveil_code sv_certificate_view(const sipveil_context *context, X509 *certificate, sv_arena *arena,
                                 sv_cms_key *out, sipveil_error *err)
{
    *out = (sv_cms_key){.kind = SV_CMS_KEY_CERTIFICATE, .certificate = certificate};
    const unsigned char *issuer = NULL;
    size_t issuer_len = 0;
    out->public_key = X509_get0_pubkey(certificate);
    bool read = out->public_key != NULL &&
                X509_NAME_get0_der(X509_get_issuer_name(certificate), &issuer, &issuer_len) == 1;
    bool no_memory = read && !sv_arena_copy(arena, sv_span(issuer, issuer_len), &out->issuer);
    if (!read || no_memory || !copy_serial(certificate, arena, &out->serial, &no_memory)) {
        *out = (sv_cms_key){0};
        if (no_memory) return sv_no_memory(err, "keys");
        return sv_fail_openssl(err, "keys", SIPVEIL_USAGE,
                               "the certificate's issuer, serial number or key cannot be read");
    }
    return sv_certificate_key_identifier(context, certificate, arena, &out->ski, err);
}

sipveil_code sv_certificate_fingerprint(const sipveil_context *context, X509 *certificate,
                                        uint8_t out[32], sipveil_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    size_t digest_len = 0;
    int done = len > 0 ? EVP_Q_digest(context->library, "SHA256", NULL, der, (size_t)len, out,
                                      &digest_len) : 0;
    OPENSSL_free(der);
    if (done != 1) return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "SHA-256 failed");
    return SIPVEIL_OK;
}

sipveil_code sv_certificate_der(X509 *certificate, sv_arena *arena, sipveil_span *out, sipveil_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    bool done = len > 0 && sv_arena_copy(arena, sv_span(der, (size_t)len), out);
    OPENSSL_free(der);
    if (done) return SIPVEIL_OK;
    *out = (sipveil_span){0};
    return sv_fail_openssl(err, "keys", SIPVEIL_INTERNAL, "the certificate cannot be encoded");
}

/* ---- for people ---- */

/* RFC 2253 with everything outside printable ASCII escaped, cut at NAME_TEXT_MOST (ADV-216). */
static const char *name_text(const X509_NAME *name, sv_arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    const char *text = NULL;
    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        long len = BIO_get_mem_data(bio, &data);
        bool cut = len > NAME_TEXT_MOST;
        sv_buffer b;
        sv_buffer_init(&b, arena, NAME_TEXT_MOST + 4, NAME_TEXT_MOST + 4);
        for (long i = 0; i < (cut ? NAME_TEXT_MOST : len); i++) {
            uint8_t c = (uint8_t)data[i];
            sv_put_byte(&b, c >= 0x20 && c <= 0x7E ? c : '?');
        }
        if (cut) sv_put_str(&b, "...");
        text = b.failed ? NULL : sv_arena_string(arena, sv_buffer_span(&b));
    }
    BIO_free(bio);
    ERR_clear_error();
    return text;
}

/* It stands inside texts for people, where nobody looks whether there was memory for it. */
static const char *or_unknown(const char *text)
{
    return text != NULL ? text : "?";
}

const char *sv_certificate_subject(X509 *certificate, sv_arena *arena)
{
    return or_unknown(name_text(X509_get_subject_name(certificate), arena));
}

const char *sv_name_text(sipveil_span der_name, sv_arena *arena)
{
    const unsigned char *at = der_name.data;
    X509_NAME *name = der_name.len == 0 ? NULL : d2i_X509_NAME(NULL, &at, (long)der_name.len);
    const char *text = name != NULL && at == der_name.data + der_name.len
                           ? name_text(name, arena)
                           : sv_arena_string(arena, SV_SPAN("(a name that cannot be read)"));
    X509_NAME_free(name);
    ERR_clear_error();
    return or_unknown(text);
}

const char *sv_certificate_serial(X509 *certificate, sv_arena *arena)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    const uint8_t *octets = ASN1_STRING_get0_data(serial);
    int len = ASN1_STRING_length(serial);
    sv_buffer b;
    sv_buffer_init(&b, arena, 64, 512);
    if (ASN1_STRING_type(serial) & V_ASN1_NEG) sv_put_str(&b, "-");
    for (int i = 0; i < len && i < 128; i++) sv_put_format(&b, "%02X", octets[i]);
    return b.failed ? NULL : sv_arena_string(arena, sv_buffer_span(&b));
}

/* The common name if there is one and it comes first, else the whole subject. */
const char *sv_certificate_label(X509 *certificate, sv_arena *arena)
{
    const char *subject = name_text(X509_get_subject_name(certificate), arena);
    const char *serial = sv_certificate_serial(certificate, arena);
    if (subject == NULL || serial == NULL) return NULL;
    sipveil_span shown = sv_span_str(subject);
    size_t comma;
    if (sv_starts_nocase_str(shown, "CN=") && sv_find_byte(shown, ',', &comma) && comma > 3 &&
        shown.data[comma - 1] != '\\') {
        shown.len = comma;
    }
    sv_buffer b;
    sv_buffer_init(&b, arena, 128, 1024);
    if (shown.len == 0) shown = SV_SPAN("(no subject)");
    sv_put(&b, shown);
    sv_put_str(&b, " serial ");
    sv_put_str(&b, serial);
    return b.failed ? NULL : sv_arena_string(arena, sv_buffer_span(&b));
}

int64_t sv_certificate_seconds(const ASN1_TIME *time)
{
    struct tm tm;
    int64_t seconds;
    if (ASN1_TIME_to_tm(time, &tm) != 1) return 0;
    const sv_calendar at = {tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
    return sv_calendar_seconds(&at, &seconds) ? seconds : 0;
}

bool sv_certificate_clock(int64_t seconds, time_t *out)
{
    *out = (time_t)seconds;
    return *out == seconds;
}

sv_time_text sv_certificate_time_text(const ASN1_TIME *time)
{
    sv_time_text t = {"an unreadable time"};
    struct tm tm;
    char text[sizeof t.text];
    if (time != NULL && ASN1_TIME_to_tm(time, &tm) == 1 &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0) {
        (void)snprintf(t.text, sizeof t.text, "%s", text);
    }
    return t;
}

/* ---- names it vouches for (TUN-04) ---- */

typedef struct names_reader {
    sv_arena *arena;
    sv_certificate_names *out;
    bool has_sip_uri;
} names_reader;

static bool is_plain_host(sipveil_span host)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        if (!sv_is_alnum(c) && c != '-' && c != '.' && c != ':' && c != '[' && c != ']') return false;
    }
    return host.len > 0;
}

/* What the mailbox of an rfc822Name may hold to be the user part of a SIP URI as it stands: nothing
 * that a URI would read as something else (percent, colon, at). */
static bool is_plain_mailbox(sipveil_span text)
{
    size_t at;
    if (!sv_find_byte(text, '@', &at) || at == 0) return false;
    for (size_t i = 0; i < at; i++) {
        if (!sv_is_alnum(text.data[i]) && !sv_find_byte(SV_SPAN("-_.!~*'&=+$"), text.data[i], &(size_t){0})) {
            return false;
        }
    }
    return is_plain_host(sv_span_from(text, at + 1));
}

static sipveil_code add_aor(const names_reader *reader, sipveil_span uri, sipveil_error *err)
{
    sipveil_span aor;
    sipveil_code code = sv_sip_aor(uri, reader->arena, &aor, err);
    if (code == SIPVEIL_INTERNAL) return code;
    if (code == SIPVEIL_OK) reader->out->aors[reader->out->aor_count++] = aor;
    return SIPVEIL_OK; /* not an AOR: vouches for nobody */
}

static sipveil_code add_host(const names_reader *reader, sipveil_span host, bool is_domain_uri, bool is_dns,
                             sipveil_error *err)
{
    if (!is_plain_host(host)) return SIPVEIL_OK; /* a wildcard never matches (RFC 5922 7.2) */
    sipveil_span copy;
    if (!sv_arena_copy(reader->arena, host, &copy)) return sv_no_memory(err, "keys");
    reader->out->hosts[reader->out->host_count++] = copy;
    if (is_domain_uri && !reader->out->domains_from_uri) {
        reader->out->domains_from_uri = true; /* dNSNames count for nothing beside it */
        reader->out->domain_count = 0;
    }
    if (is_domain_uri || (is_dns && !reader->out->domains_from_uri)) {
        reader->out->domains[reader->out->domain_count++] = copy;
    }
    return SIPVEIL_OK;
}

static sipveil_code take_uri(names_reader *reader, sipveil_span text, sipveil_error *err)
{
    sv_sip_uri uri;
    bool is_sip = sv_starts_nocase_str(text, "sip:") || sv_starts_nocase_str(text, "sips:");
    reader->has_sip_uri |= is_sip;
    if (!is_sip || sv_sip_read_uri(text, &uri, NULL) != SIPVEIL_OK) return SIPVEIL_OK;
    if (uri.has_port || uri.has_password || uri.params.len > 0 || uri.headers.len > 0 ||
        !is_plain_host(uri.host)) {
        return SIPVEIL_OK;
    }
    return uri.user.len > 0 ? add_aor(reader, text, err) : add_host(reader, uri.host, uri.is_sip, false, err);
}

static sipveil_code take_mailbox(const names_reader *reader, sipveil_span text, sipveil_error *err)
{
    if (!is_plain_mailbox(text)) return SIPVEIL_OK;
    sv_buffer b;
    sv_buffer_init(&b, reader->arena, text.len + 4, text.len + 4);
    sv_put_str(&b, "sip:");
    sv_put(&b, text);
    SV_TRY(sv_buffer_check(&b, "keys", err));
    return add_aor(reader, sv_buffer_span(&b), err);
}

/* A mailbox is the form of RFC 3261 23.1, for certificates that name no SIP URI: one that does says by it whom it speaks for
 * (as RFC 5922 7.1 has it of domains), and a mail address beside it may be somebody to write to. */
static bool counts(const names_reader *reader, const GENERAL_NAME *name, bool mailboxes)
{
    if (mailboxes) return name->type == GEN_EMAIL && !reader->has_sip_uri;
    return name->type == GEN_URI || name->type == GEN_DNS;
}

static sipveil_code take_name(names_reader *reader, const GENERAL_NAME *name,
                              sipveil_error *err)
{
    const ASN1_IA5STRING *string = name->d.ia5;
    sipveil_span text = sv_span(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
    if (!sv_is_text(text)) return SIPVEIL_OK; /* NUL, controls, 8-bit: never matches (ADV-121) */
    switch (name->type) {
    case GEN_URI:
        return take_uri(reader, text, err);
    case GEN_EMAIL:
        return take_mailbox(reader, text, err);
    default:
        return add_host(reader, text, false, true, err);
    }
}

sipveil_code sv_certificate_read_names(X509 *certificate, sv_arena *arena,
                                       sv_certificate_names *out, sipveil_error *err)
{
    *out = (sv_certificate_names){0};
    ERR_clear_error();
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool no_memory = names == NULL && sv_ran_out_of_memory();
    ERR_clear_error(); /* absent, twice or unreadable: no names */
    if (no_memory) return sv_no_memory(err, "keys");
    if (names == NULL) return SIPVEIL_OK;
    size_t count = (size_t)sk_GENERAL_NAME_num(names);
    names_reader reader = {.arena = arena, .out = out};
    out->aors = sv_arena_alloc_array(arena, count, sizeof *out->aors);
    out->hosts = sv_arena_alloc_array(arena, count, sizeof *out->hosts);
    sipveil_code code = SIPVEIL_OK;
    out->domains = sv_arena_alloc_array(arena, count, sizeof *out->domains);
    if (out->aors == NULL || out->hosts == NULL || out->domains == NULL) code = sv_no_memory(err, "keys");
    for (size_t i = 0; i < 2 * count && code == SIPVEIL_OK; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, (int)(i % count));
        if (counts(&reader, name, i >= count)) code = take_name(&reader, name, err);
    }
    GENERAL_NAMES_free(names);
    if (code != SIPVEIL_OK) *out = (sv_certificate_names){0};
    return code;
}
