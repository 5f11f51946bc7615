/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests under Identity of RFC 4474 whose signature is good: the input is a request without the two fields, and is signed here
 * with a real RSA key. It is valid exactly if the From is of the certificate's host and the Date is fresh, once for who
 * remembers; and with any octet of it changed it is valid only where the digest-string is what was signed. */
#include <string.h>
#include <unistd.h>

#include "base/fuzz_target.h"
#include "cms/oid.h"
#include "crypto/sign.h"
#include "identity/verify.h"

enum { NOW = 1798761600, HEADER = 4, MESSAGE_MOST = 1 << 14 }; /* 2027-01-01T00:00:00Z */
enum { FLAG_SHA1 = 1 };

/* TEST ONLY: published, trusted by nobody. The key is short so that a run costs little; only who allows it by name takes it. */
static const char authority[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBZzCCAQ6gAwIBAgIUL6h3n2eZG6JZmTAt1HPnmWJ/3kowCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHRnV6eiBDQTAeFw0yNjExMjcxODQ1NDVaFw0zNjExMjQxODQ1\n"
    "NDVaMBIxEDAOBgNVBAMMB0Z1enogQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
    "AAQetqlLuC5nQP/VA9Cru/IknP+m1oMyvv8QcuRl+Jy7HyuZLz6DudCGq6RfJuQg\n"
    "8805CqMdTWdmNI0ea3oXX3Rto0IwQDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB\n"
    "/wQEAwIBBjAdBgNVHQ4EFgQULMTkz+Pgakx4RAWDCpxsKBVuQJUwCgYIKoZIzj0E\n"
    "AwIDRwAwRAIgXyVtei19uOyRd/oNpRNtfnov/EtbCo0+jLg7dj+karMCIGnah7wu\n"
    "87sWFJsCMx0WO2QzQqmHNQRezDJn9lCFx94L\n"
    "-----END CERTIFICATE-----\n";
static const char service[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBANlKwXqDmRToMjZ0\n"
    "Ha+vdC7xdFS6puwPVl85BfLMaZiLmfVJ9MkV6gcWM4Tw00hJt9InSZsGMwh6ILPf\n"
    "ExUcFW9WRj1hqIP4pQ1tVxifChUjCP26ufPQXg7cZLYDqZUqt0y/+3kRBvUo/VWS\n"
    "7piDLSovbQ15x8H9xtRcgowuogs9AgMBAAECgYBGVUEtA72gG8xs/cbCIBuOOk96\n"
    "QXRYQlqltdJsFag0XTN3Rvn5wKMgqhoA9OaepmXemyLjD+2i180QC6ukkJOK/oUq\n"
    "rV6Hff5qBdWionEl4mbFUbNScvysIfsxUiabRik0iaROmUg7ao4H2+GHr78UICpG\n"
    "vtY64hMz9BFjEfJzAQJBAO08jMF4X10LNktOok3CCDkWyWjDgCFg/5LTdkCB4CDF\n"
    "r4LIhqfO7enbkhYMvqPweYfXfeWfDfTWM8nTN6XaH/0CQQDqemEUH5+cgdY2d+rP\n"
    "RlU1AGlwKU4QSrp3D2GDOCadQMKgttYB+oJIfccVzdwHY+/dPv9mbvFcdkfhp3v7\n"
    "FVxBAkBlIeTXLRtqLLdujwz9nPOocqBVutHKaPFKhD7q7PLAxcU2OYm9y6b8hI/Y\n"
    "OoKinIcSc7jFxHJMp2vYY+RbHYt5AkEAiLUlWJg/dP52KHeuHX9COo6s6soKS5Fm\n"
    "OfhrwBfC27hgQVeYWrr1rtI2es31VRG9Td9nBQ/2BRSpQDVoIbIIgQJAOnwbSDox\n"
    "iivHr0XT2nsPcWYuf7pDhqFVBrPWqKTyXTMWNl+v1Huyy+Qhia47jVz0DG/+K6cQ\n"
    "3G1RP+CvRdsZfg==\n"
    "-----END PRIVATE KEY-----\n"
    "-----BEGIN CERTIFICATE-----\n"
    "MIICBTCCAaygAwIBAgIUGlzPlOGf9zTfYxq3Njid2RZ4g2EwCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHRnV6eiBDQTAeFw0yNjExMjcxODQ1NDZaFw0zNjExMjQxODQ1\n"
    "NDZaMBQxEjAQBgNVBAMMCWEuZXhhbXBsZTCBnzANBgkqhkiG9w0BAQEFAAOBjQAw\n"
    "gYkCgYEA2UrBeoOZFOgyNnQdr690LvF0VLqm7A9WXzkF8sxpmIuZ9Un0yRXqBxYz\n"
    "hPDTSEm30idJmwYzCHogs98TFRwVb1ZGPWGog/ilDW1XGJ8KFSMI/bq589BeDtxk\n"
    "tgOplSq3TL/7eREG9Sj9VZLumIMtKi9tDXnHwf3G1FyCjC6iCz0CAwEAAaOBljCB\n"
    "kzAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDAdBgNVHSUEFjAUBggrBgEF\n"
    "BQcDFAYIKwYBBQUHAwEwFAYDVR0RBA0wC4IJYS5leGFtcGxlMB0GA1UdDgQWBBQl\n"
    "T9rU41a04wbwm/787LOvqtIfAjAfBgNVHSMEGDAWgBQsxOTP4+BqTHhEBYMKnGwo\n"
    "FW5AlTAKBggqhkjOPQQDAgNHADBEAiB0PZOEadXf0TdaqmG2HTulPosSY4nH5BhA\n"
    "rCxs/4Ww4gIgVaCsZ5/tgwO6gedvYqQP6ZY3Qce5yWoIs1CyhiV0bNk=\n"
    "-----END CERTIFICATE-----\n";

static struct {
    sipveil_context *context;
    sipveil_worker *worker;
    sv_crypto *crypto;
    sipveil_keyring *own, *trust;
    sipveil_identity_cache *cache;
} at;

static sipveil_code fetch(void *user, const char *uri, sipveil_span *certificate, sipveil_error *err)
{
    (void)user, (void)err;
    if (strcmp(uri, "https://cert.a.example/as.cer") != 0) return SIPVEIL_NO_KEY;
    *certificate = sv_span_str(strstr(service, "-----BEGIN CERTIFICATE"));
    return SIPVEIL_OK;
}

static void set_up(void)
{
    char path[] = "/tmp/sipveil-fuzz.XXXXXX";
    must(sipveil_context_new(NULL, &at.context, NULL) == SIPVEIL_OK && sipveil_worker_new(at.context, &at.worker, NULL) == SIPVEIL_OK);
    must(sv_crypto_new(at.context, &at.crypto, NULL) == SIPVEIL_OK);
    must(sipveil_keyring_new(at.context, &at.own, NULL) == SIPVEIL_OK && sipveil_keyring_new(at.context, &at.trust, NULL) == SIPVEIL_OK);
    must(sipveil_keyring_add_octets(at.own, sv_span_str(service), "fuzz", NULL, NULL, NULL) == SIPVEIL_OK);
    int fd = mkstemp(path);
    must(fd >= 0 && write(fd, authority, sizeof authority - 1) == (ssize_t)(sizeof authority - 1));
    close(fd);
    must(sipveil_keyring_add_anchors(at.trust, path, NULL) == SIPVEIL_OK);
    unlink(path);
    must(sipveil_identity_cache_new(at.trust, 4, &at.cache, NULL) == SIPVEIL_OK);
}

static bool verify(sipveil_span message, sipveil_memory *memory, sipveil_identity_verdict *verdict)
{
    sipveil_identity_verify_options options;
    sipveil_span json;
    sipveil_identity_verify_options_default(&options);
    options.profile = SIPVEIL_IDENTITY_RFC4474;
    options.cache = at.cache;
    options.fetch = fetch;
    options.allow_weak = SIPVEIL_WEAK_SHA1 | SIPVEIL_WEAK_RSA1024;
    options.memory = memory;
    options.has_at = true;
    options.at = NOW;
    if (sipveil_identity_verify_request(at.worker, &options, message, verdict, NULL) != SIPVEIL_OK) return false;
    must(!verdict->valid || (verdict->status == 0 && verdict->path == SIPVEIL_IDENTITY_RFC4474 && verdict->weak));
    must(sipveil_identity_report_json(at.worker, verdict, &json, NULL) == SIPVEIL_OK && json.len > 2);
    return true;
}

/* What a good signature is good for; false: nobody could sign it. */
static bool digest_string(const sv_sip_view *view, sv_arena *arena, sipveil_span *out, bool *may_be_valid)
{
    sv_buffer b;
    sv_identity_name from;
    int64_t date;
    sv_buffer_init(&b, arena, view->whole.len + 64, 1 << 20);
    if (sv_digest_string_put(view, sv_sip_value(view, SV_F_DATE), &b, NULL) != SIPVEIL_OK) return false;
    must(!b.failed);
    *out = sv_buffer_span(&b);
    *may_be_valid = sv_identity_is_judged(view) && !sv_equal_str(view->method, "REGISTER") &&
                    sv_sip_read_date(sv_sip_value(view, SV_F_DATE), &date, NULL) == SIPVEIL_OK &&
                    sv_identity_distance(date, NOW) <= SV_FRESHNESS_4474 &&
                    sv_identity_originator(NULL, view, arena, &from, NULL) == SIPVEIL_OK && sv_equal_str(from.host, "a.example");
    return true;
}

static sipveil_span signed_message(const sv_sip_view *view, sipveil_span octets, bool sha1, sv_arena *arena)
{
    bool known;
    sipveil_span signature;
    sv_buffer b;
    const sv_digest *digest = sv_digest_by_name(sha1 ? "sha1" : "sha256");
    const sv_signature_scheme *scheme = sv_signature_scheme_find(sv_oid_content(SV_OID_RSA), digest, &known);
    must(sv_signature_make(at.crypto, scheme, sipveil_keyring_at(at.own, 0)->cms.private_key, NULL, octets, arena, &signature,
                           NULL) == SIPVEIL_OK);
    sv_buffer_init(&b, arena, view->whole.len + 512, 1 << 20);
    sv_put(&b, view->start_line);
    sv_put_str(&b, "\r\nIdentity: \"");
    sv_mime_put_base64(&b, signature, 0);
    sv_put_format(&b, "\"\r\nIdentity-Info: <https://cert.a.example/as.cer>;alg=%s", sha1 ? "rsa-sha1" : "rsa-sha256");
    sv_put(&b, sv_span_from(view->whole, (size_t)(view->start_line.data - view->whole.data) + view->start_line.len));
    must(!b.failed);
    return sv_buffer_span(&b);
}

/* Whatever octet is another one: what is valid is what was signed. */
static void check_changed(sipveil_span message, sipveil_span octets, const uint8_t header[HEADER], sv_arena *arena)
{
    sipveil_identity_verdict verdict;
    sipveil_span copy;
    must(sv_arena_copy(arena, message, &copy));
    uint8_t *changed = (uint8_t *)(uintptr_t)copy.data;
    changed[((size_t)header[1] << 8 | header[2]) % copy.len] ^= header[3];
    if (!verify(copy, NULL, &verdict) || !verdict.valid) return;
    must(sv_equal(verdict.signed_octets, octets) && strcmp(verdict.domain, "a.example") == 0);
}

FUZZ_GIVE_BACK(give_back_memory, sipveil_memory_free)

static void check_once(sipveil_span message)
{
    sipveil_identity_verdict verdict;
    sipveil_memory *memory;
    must(sipveil_memory_new(&memory, NULL) == SIPVEIL_OK);
    fuzz_until_end(memory, give_back_memory);
    must(verify(message, memory, &verdict) && verdict.valid);
    must(verify(message, memory, &verdict) && !verdict.valid);
}

static void check(const uint8_t header[HEADER], sipveil_span input, sv_arena *arena)
{
    static sv_sip_view view;
    sipveil_identity_verdict verdict;
    sipveil_span octets;
    bool may_be_valid;
    if (sv_sip_read(input, SV_SIP_DATAGRAM, sipveil_context_limits(at.context), &view, NULL) != SIPVEIL_OK) return;
    if (sv_sip_first(&view, SV_F_IDENTITY) != NULL || sv_sip_first(&view, SV_F_IDENTITY_INFO) != NULL) {
        must(!verify(input, NULL, &verdict) || !verdict.valid); /* nobody here signed it */
        return;
    }
    if (!view.is_request || !digest_string(&view, arena, &octets, &may_be_valid)) return;
    sipveil_span message = signed_message(&view, octets, (header[0] & FLAG_SHA1) != 0, arena);
    if (!verify(message, NULL, &verdict)) return; /* two fields more than the limits allow */
    must(verdict.valid == may_be_valid && (!may_be_valid || sv_equal(verdict.signed_octets, octets)));
    check_changed(message, octets, header, arena);
    if (may_be_valid) check_once(message);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static sv_arena *arena;
    if (at.context == NULL) set_up();
    if (arena == NULL) must((arena = sv_arena_new(1 << 16, 64u << 20)) != NULL);
    if (size <= HEADER || size > HEADER + MESSAGE_MOST) return;
    sv_arena_reset(arena);
    check(data, sv_span(data + HEADER, size - HEADER), arena);
}
