/* SPDX-License-Identifier: BSD-2-Clause */
/* What one service signs the other verifies; then what is refused, with which status and by which rule. */
#include "world.h"

#include "keys/certificate.h"
#include "keys/keys.h"

/* IDN-01, IDN-06, IDN-29, IDN-34: full form, compact form, with Date and without. */
static void round_trips(void **state)
{
    static const char *const messages[] = {INVITE, INVITE_WITH("", SDP), INVITE_WITH(DATE, SDP_HEAD),
                                           START ROWS(ALICE, BOB) "\r\n"};
    world *w = begin(state);
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        for (int compact = 0; compact < 2; compact++) {
            w->sign.compact = compact != 0;
            sipveil_span message = sign(w, messages[i]);
            sipveil_span row = row_of(message, "Identity: ");
            assert_int_equal(sv_starts_nocase_str(row, "Identity: .."), compact);
            assert_true(sv_find(message, SV_SPAN(DATE), &(size_t){0}));
            assert_valid(w, message);
            assert_string_equal(w->verdict.identity, "sip:alice@atlanta.example.com");
            assert_string_equal(w->verdict.domain, "atlanta.example.com");
            assert_true(w->verdict.path == SIPVEIL_IDENTITY_RFC8224 && w->verdict.present);
            assert_int_equal(w->verdict.signed_at, NOW);
            assert_false(w->verdict.body_covered);
            assert_false(w->verdict.weak);
            assert_int_equal(w->verdict.fingerprint_count, i < 2 ? 1 : 0);
            assert_int_equal(w->verdict.fields[0].full, compact == 0);
            assert_true(sv_equal(w->verdict.signed_octets, w->made.signed_octets));
        }
    }
}

/* RFC 4474: off unless asked for (IDN-02); signs the body (IDN-06). */
static void round_trip_of_rfc4474(void **state)
{
    world *w = begin(state);
    use_old(w);
    sipveil_span message = sign(w, INVITE_WITH("", SDP));
    assert_true(sv_find(message, SV_SPAN(";alg=rsa-sha256\r\n"), &(size_t){0}));
    assert_valid(w, message);
    assert_int_equal(w->verdict.path, SIPVEIL_IDENTITY_RFC4474);
    assert_true(w->verdict.body_covered);
    assert_false(w->verdict.weak);
    assert_int_equal(w->verdict.fingerprint_count, 0);
    w->verify.profile = SIPVEIL_IDENTITY_RFC4474;
    assert_valid(w, message);
    assert_valid(w, edited(w, message, "Identity: ", "Identity: a.b.c;info=<https://x.example/>\r\nIdentity: "));
    assert_int_equal(verify(w, edited(w, SV_SPAN(INVITE), "Via", "Identity: a.b.c;info=<https://x.example/>\r\nVia")), 0);
    assert_true(!w->verdict.present && strcmp(w->verdict.warnings[0].rule, "IDN-04") == 0);
    w->verify.profile = SIPVEIL_IDENTITY_RFC8224;
    assert_int_equal(verify(w, message), 0);
    assert_false(w->verdict.valid || w->verdict.present);
    assert_int_equal(w->verdict.warning_count, 2);
    assert_string_equal(w->verdict.warnings[0].rule, "IDN-02");
    w->verify.required = true;
    assert_status(w, message, 428, "IDN-45");
}

typedef struct change {
    const char *old, *new;
    int status;
    const char *rule;
} change;

static void try_changes(world *w, sipveil_span message, const change *rows, size_t count)
{
    assert_valid(w, message);
    for (size_t i = 0; i < count; i++) {
        sipveil_span bent = edited(w, message, rows[i].old, rows[i].new);
        if (rows[i].status == 0) {
            assert_valid(w, bent);
        } else {
            assert_status(w, bent, rows[i].status, rows[i].rule);
        }
    }
}

/* ADV-190, ADV-195: what is signed cannot be changed; what is not, can (IDN-06). */
static void changes_of_the_full_form(void **state)
{
    static const change rows[] = {
        {"<sip:alice@atlanta", "<sip:mallory@atlanta", 438, "IDN-37"},
        {"To: <sip:bob", "To: <sip:carol", 438, "IDN-37"},
        {"<sip:alice@atlanta.example.com>", "<sip:alice@biloxi.example.com>", 438, "IDN-37"},
        {"<sip:alice@atlanta.example.com>", "<sip:atlanta.example.com>", 438, "IDN-32"}, /* names nobody */
        {"To: <sip:bob@biloxi", "To: <sip:biloxi", 438, "IDN-32"},
        {"02:1A:CC", "12:1A:CC", 438, "IDN-30"},
        {"a=fingerprint:sha-256", "a=fingerprinx:sha-256", 438, "IDN-30"},
        {"a=fingerprint:sha-256", "a=fingerprint:sha-257", 438, "IDN-30"},
        {"a=fingerprint:sha-256", "A=Fingerprint:sha-256", 438, "IDN-30"}, /* a fingerprint for some readers only */
        {"s=-\r\n", "s=-\r\na=Fingerprint:sha-256 " PRINT_B "\r\n", 438, "IDN-30"},
        {"Content-Type", "Content-Encoding: gzip\r\nContent-Type", 438, "IDN-30"}, /* others read another SDP in it */
        {"Content-Type", "e: identity, gzip\r\nContent-Type", 438, "IDN-30"},
        {"Content-Type", "Content-Encoding: Identity\r\nContent-Type", 0, ""},
        {"\"Alice\" ", "\"Chief\" ", 0, ""}, /* a display name is not signed */
        {"Call-ID: c1", "Call-ID: c2", 0, ""},
        {"m=audio 49172", "m=audio 49174", 0, ""},
        {"INVITE sip:bob@", "INVITE sip:secretary@", 0, ""}, /* retargeted: To stays */
        {"10:00:00 GMT", "10:00:30 GMT", 0, ""},             /* iat and Date differ, both fresh (ADV-191) */
        {"10:00:00 GMT", "09:58:59 GMT", 403, "IDN-36"},
        {"10:00:00 GMT", "10:01:01 GMT", 403, "IDN-36"},
        {DATE, "", 438, "IDN-34"},
    };
    world *w = begin(state);
    try_changes(w, sign(w, INVITE), rows, sizeof rows / sizeof *rows);
}

/* IDN-30: in parts of a body, too. */
static void changes_of_parts(void **state)
{
    static const change rows[] = {
        {"Content-Type: application/sdp", "Content-Encoding: gzip\r\nContent-Type: application/sdp", 438, "IDN-30"},
        {"Content-Type: multipart", "Content-Encoding: gzip\r\nContent-Type: multipart", 438, "IDN-30"},
        {"Content-Type: text/plain", "Content-Encoding: gzip\r\nContent-Type: text/plain", 0, ""},
        {"Content-Type: text/plain\r\n\r\nv=0", "Content-Type: application/sdp\r\n\r\na=fingerprint:sha-256 " PRINT_B, 438, "IDN-30"},
    };
    world *w = begin(state);
    try_changes(w, sign(w, START ROWS(ALICE, BOB) DATE "Content-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\n"
                                 "Content-Type: application/sdp\r\n\r\n" SDP "\r\n--b\r\nContent-Type: text/plain\r\n\r\nv=0\r\n--b--\r\n"),
                rows, sizeof rows / sizeof *rows);
}

static void changes_of_the_compact_form(void **state)
{
    static const change rows[] = {
        {"<sip:alice@atlanta", "<sip:mallory@atlanta", 438, "IDN-27"},
        {"To: <sip:bob", "To: <sip:carol", 438, "IDN-27"},
        {"02:1A:CC", "12:1A:CC", 438, "IDN-27"},
        {"10:00:00 GMT", "10:00:30 GMT", 438, "IDN-27"},
        {"10:00:00 GMT", "09:58:59 GMT", 403, "IDN-36"},
        {DATE, "", 438, "IDN-34"},
        {"<sip:alice@atlanta.example.com>", "<sip:alice@biloxi.example.com>", 437, "IDN-38"}, /* ADV-194 */
        {"<sip:alice@atlanta.example.com>", "<sip:ALICE@Atlanta.Example.Com:5060;x=y>", 0, ""},
        {"To: <sip:bob@", "To: <sip:b%6Fb:secret@", 0, ""},
    };
    world *w = begin(state);
    w->sign.compact = true;
    try_changes(w, sign(w, INVITE), rows, sizeof rows / sizeof *rows);
}

/* IDN-17, IDN-18: everything of the digest-string; Date last. */
static void changes_of_rfc4474(void **state)
{
    static const change rows[] = {
        {"<sip:alice@atlanta", "<sip:mallory@atlanta", 438, "IDN-17"},
        {"To: <sip:bob", "To: <sip:carol", 438, "IDN-17"},
        {"Call-ID: c1", "Call-ID: c2", 438, "IDN-17"},
        {"CSeq: 1 ", "CSeq: 2 ", 438, "IDN-17"},
        {"10:00:00 GMT", "10:00:30 GMT", 438, "IDN-17"},
        {"sip:alice@192", "sip:mallory@192", 438, "IDN-17"},
        {"m=audio 49172", "m=audio 49174", 438, "IDN-17"},
        {"atlanta.example.com>;tag", "biloxi.example.com>;tag", 437, "IDN-17"},
        {DATE, "", 438, "IDN-10"},
        {"\"Alice\" ", "\"Chief\" ", 0, ""},
        {"alg=rsa-sha256", "alg=rsa-sha512", 437, "IDN-13"},
        {"alg=rsa-sha256", "alg=rsa-sha1", 437, "IDN-02"},
        {";alg=rsa-sha256", "", 438, "IDN-13"},
        {"Identity-Info: <", "X-Info: <", 438, "IDN-14"},
        {"Identity-Info: <https", "Identity-Info: <http", 436, "ADV-193"},
        {"Identity-Info: <https://cert", "Identity-Info: <https://other", 436, "IDN-36"},
        {"Identity: \"", "Identity: \"!", 438, "ADV-038"},
        {"Identity: \"", "Identity: \"YQ==\"\r\nIdentity: \"", 438, "IDN-13"}, /* which of them? */
        {"Identity: \"", "Identity: \"\" \"", 438, "IDN-13"},
        {"Identity: \"", "Identity: \"\r\n \t", 0, ""}, /* folded */
        {"<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.1>, <sip:alice@192.0.2.2>", 438, "IDN-11"},
        {"Identity-Info: <https://cert.atlanta.example.com/rsa.cer", "Identity-Info: <" INFO, 437, "ADV-116"}, /* an EC key */
        {"Identity: \"", "Identity: \"\\a", 438, "IDN-13"},
    };
    world *w = begin(state);
    use_old(w);
    sipveil_span message = sign(w, INVITE);
    try_changes(w, message, rows, sizeof rows / sizeof *rows);
    w->clock = NOW + 3600;
    assert_valid(w, message);
    w->clock = NOW + 3601;
    assert_status(w, message, 438, "IDN-17");
    w->verify.freshness = SIPVEIL_DATE_WINDOW_ANY;
    assert_valid(w, message);
}

/* The field itself: IDN-22, IDN-23, IDN-24, IDN-28, IDN-40, ADV-192. */
static void changes_of_the_field(void **state)
{
    static const change rows[] = {
        {";info=<" INFO ">", "", 438, "IDN-23"},
        {";info=<" INFO ">", ";info=" INFO, 438, "IDN-23"},
        {";info=<" INFO ">", ";info=<" OTHER_INFO ">", 438, "IDN-23"},
        {";info=<" INFO ">", ";info=<" INFO ">;info=<" INFO ">", 438, "IDN-23"},
        {";info=<" INFO ">", " ; INFO = <" INFO "> ", 0, ""},
        {";alg=ES256", "", 0, ""},
        {";alg=ES256", ";alg=\"ES256\"", 0, ""},
        {";alg=ES256", ";alg=none", 438, "IDN-24"},
        {";alg=ES256", ";alg=HS256", 438, "IDN-24"},
        {";alg=ES256", ";alg=ES256;alg=ES256", 438, "IDN-24"},
        {";alg=ES256", ";alg=ES256;other=1", 0, ""},
        {";alg=ES256", ";alg=ES256 x", 438, "IDN-22"},
        {"Identity: eyJ", "Identity: eyK", 438, "ADV-192"},
        {"Identity: eyJ", "Identity: =eyJ", 438, "IDN-22"},
        {"Identity: eyJ", "Identity: .eyJ", 438, "IDN-22"},
        {"Identity: eyJ", "Identity:\r\n eyJ", 0, ""},
        {"Identity: eyJ", "y: eyJ", 0, ""},
        {"Identity: eyJhbGciOiJFUzI1NiIs", "Identity: eyAiYWxnIjogIkVTMjU2IiAs", 438, "IDN-26"}, /* { "alg": "ES256" , */
    };
    world *w = begin(state);
    sipveil_span message = sign(w, INVITE);
    try_changes(w, message, rows, sizeof rows / sizeof *rows);
    w->verify.compat = SIPVEIL_COMPAT_SAMPLES; /* then it is read, and is what nobody has signed */
    assert_status(w, edited(w, message, "eyJhbGciOiJFUzI1NiIs", "eyAiYWxnIjogIkVTMjU2IiAs"), 438, "IDN-27");
    /* a ppt that is not understood: ignored, so that nothing is left to judge */
    sipveil_span other = edited(w, message, ";alg=ES256", ";alg=ES256;ppt=shaken");
    assert_int_equal(verify(w, other), 0);
    assert_false(w->verdict.present);
    assert_true(w->verdict.fields[0].ignored);
    w->verify.required = true;
    assert_status(w, other, 428, "IDN-45");
    assert_string_equal(w->verdict.phrase, "Use Supported PASSporT Format");
    /* understood, but not what the token says */
    static const char *const known[] = {"shaken"};
    w->verify.ppts = known;
    w->verify.ppt_count = 1;
    assert_status(w, other, 438, "IDN-24");
    w->sign.ppt = "shaken";
    assert_valid(w, sign(w, INVITE));
    w->sign.compact = true;
    assert_valid(w, sign(w, INVITE));
}

/* IDN-27: the signature alone. */
static void changes_of_the_signature(void **state)
{
    world *w = begin(state);
    sipveil_span message = sign(w, INVITE), row = row_of(message, "Identity: ");
    size_t info, dot = 0;
    assert_true(sv_find(row, SV_SPAN(";info="), &info));
    for (size_t i = 0; i < info; i++) {
        if (row.data[i] == '.') dot = i;
    }
    for (size_t cut = 1; cut <= info - dot; cut++) { /* shorter by one character, and so on */
        sv_buffer b;
        size_t before = (size_t)(row.data - message.data) + info - cut;
        sv_buffer_init(&b, w->arena, message.len, 1 << 20);
        sv_put(&b, sv_span(message.data, before));
        sv_put(&b, sv_span_from(message, before + cut));
        assert_int_equal(verify(w, sv_buffer_span(&b)), 438);
    }
}

/* Step 3: 436 and 437 (ADV-193, ADV-194, IDN-38, IDN-43). */
static void credentials(void **state)
{
    world *w = begin(state);
    sipveil_span message = sign(w, INVITE);
    w->verify.fetch = NULL;
    assert_status(w, message, 436, "IDN-05");
    w->verify.fetch = world_fetch;
    const char *own = w->atlanta.info;
    w->atlanta.info = "https://cert.atlanta.example.com/other.cer";
    assert_status(w, message, 436, "IDN-36");
    w->biloxi.info = INFO;
    assert_status(w, message, 437, "IDN-38"); /* F-4 */
    w->biloxi.info = OTHER_INFO;
    w->atlanta_rsa.info = INFO;
    assert_status(w, message, 437, "IDN-27"); /* an RSA key */
    w->atlanta_rsa.info = "https://cert.atlanta.example.com/rsa.cer";
    w->atlanta.info = own;
    char *good = w->atlanta.certificate;
    w->atlanta.certificate = (char *)(uintptr_t)"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_int_equal(verify(w, message), 437);
    w->atlanta.certificate = (char *)(uintptr_t)"";
    assert_status(w, message, 436, "IDN-43");
    w->atlanta.certificate = (char *)(uintptr_t)"hello";
    assert_status(w, message, 437, "IDN-14");
    char *large = calloc(1, 20000);
    memset(large, 'x', 19999);
    w->atlanta.certificate = large;
    assert_status(w, message, 436, "IDN-43");
    free(large);
    w->atlanta.certificate = good;
    sipveil_keyring *empty;
    assert_code(sipveil_keyring_new(w->context, &empty, &w->err), SIPVEIL_OK);
    w->verify.trust = empty;
    assert_status(w, message, 437, "TUN-08");
    sipveil_keyring_free(empty);
    w->verify.trust = w->trust;
    w->clock = NOW + 86400 + 1;
    assert_status(w, message, 437, "ADV-119");
    w->clock = NOW + 61;
    assert_status(w, message, 403, "IDN-36"); /* F-5 */
    assert_status(w, edited(w, message, "10:00:00 GMT", "10:00:30 GMT"), 403, "IDN-36"); /* a new Date makes no new iat (ADV-191) */
    w->verify.freshness = 61;
    assert_valid(w, message);
}

/* IDN-36 (4): a Date that is fresh, but at which the credential is not valid yet or any more. */
static void outside_the_credential(void **state)
{
    world *w = begin(state);
    w->clock = NOW + 86390;
    sipveil_span message = sign(w, INVITE_WITH("", SDP));
    assert_valid(w, message);
    assert_valid(w, edited(w, message, "09:59:50 GMT", "10:00:00 GMT"));
    assert_status(w, edited(w, message, "09:59:50 GMT", "10:00:01 GMT"), 437, "IDN-36");
    w->clock = NOW - 86390;
    message = sign(w, INVITE_WITH("", SDP));
    assert_valid(w, message);
    assert_status(w, edited(w, message, "10:00:10 GMT", "09:59:59 GMT"), 437, "IDN-36");
}

/* IDN-14, IDN-43: what the place of the credential is, and what it gives. */
static void crooked_credentials(void **state)
{
    world *w = begin(state);
    sv_buffer b;
    w->sign.compact = true;
    sipveil_span message = sign(w, INVITE);
    sv_buffer_init(&b, w->arena, 4096, 1 << 16);
    sv_put_str(&b, "https://cert.atlanta.example.com/");
    for (int i = 0; i < 2048; i++) sv_put_byte(&b, 'x');
    assert_status(w, edited(w, message, INFO, sv_arena_string(w->arena, sv_buffer_span(&b))), 436, "IDN-43");
    char *good = w->atlanta.certificate;
    sipveil_limits limits = *sipveil_context_limits(w->context);
    sv_buffer_init(&b, w->arena, 4096, 1 << 20);
    for (size_t i = 0; i < limits.certificates; i++) sv_put_str(&b, good);
    w->atlanta.certificate = (char *)(uintptr_t)sv_arena_string(w->arena, sv_buffer_span(&b));
    if (b.len <= 16384) assert_valid(w, message);
    sv_put_str(&b, good);
    w->atlanta.certificate = (char *)(uintptr_t)sv_arena_string(w->arena, sv_buffer_span(&b));
    if (b.len <= 16384) assert_status(w, message, 437, "IDN-14");
    w->atlanta.certificate = (char *)(uintptr_t)"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    assert_int_equal(verify(w, message), 437);
    char secret[4096]; /* somebody's key that lies there by a slip */
    snprintf(secret, sizeof secret, "%s-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", good);
    w->atlanta.certificate = secret;
    assert_status(w, message, 437, "IDN-14");
    w->atlanta.certificate = good;
    assert_valid(w, message);
    assert_code(sv_certificate_der(w->atlanta.key->cms.certificate, w->arena, &w->atlanta.der, &w->err), SIPVEIL_OK);
    assert_valid(w, message);
    w->atlanta.der = sv_span(NULL, 0);
}

/* IDN-42, IDN-45: several fields; the furthest step decides, one that is valid suffices. */
static void several_fields(void **state)
{
    world *w = begin(state);
    sipveil_span message = sign(w, INVITE);
    char rows[4096];
#define BAD_SYNTAX "Identity: a.b;info=<https://x.example/>\r\n"
#define UNKNOWN_PPT "Identity: a.b.c;info=<https://x.example/>;ppt=shaken\r\n"
    const char *row = sv_arena_string(w->arena, row_of(message, "Identity: "));
    snprintf(rows, sizeof rows, BAD_SYNTAX UNKNOWN_PPT "%s", row);
    assert_valid(w, edited(w, message, row, rows));
    assert_int_equal(w->verdict.field_count, 3);
    assert_int_equal(w->verdict.fields[0].status, 438);
    assert_true(w->verdict.fields[1].ignored);
    assert_int_equal(w->verdict.fields[2].status, 0);
    /* 436 of one and 438 of another: 438; and 403 before that */
    snprintf(rows, sizeof rows, "%s\r\n" BAD_SYNTAX "X: y", row);
    w->verify.fetch = NULL;
    assert_status(w, edited(w, message, row, rows), 438, "IDN-22");
    w->verify.fetch = world_fetch;
    w->clock = NOW + 100;
    assert_status(w, edited(w, message, row, rows), 403, "IDN-36");
    w->clock = NOW;
    /* more than are looked at: the ninth is not */
    size_t used = 0;
    for (int i = 0; i < 8; i++) used += (size_t)snprintf(rows + used, sizeof rows - used, BAD_SYNTAX);
    snprintf(rows + used, sizeof rows - used, "%s", row);
    assert_status(w, edited(w, message, row, rows), 438, "IDN-22");
    assert_string_equal(w->verdict.warnings[0].rule, "IDN-43");
    /* IDN-04: the pair of RFC 4474 beside a PASSporT is ignored */
    snprintf(rows, sizeof rows, "Identity: \"abcd\"\r\nIdentity-Info: <https://x.example/>;alg=rsa-sha1\r\n%s", row);
    assert_valid(w, edited(w, message, row, rows));
    assert_int_equal(w->verdict.field_count, 1);
    /* IDN-43: a field of more than 8192 octets */
    char *large = calloc(1, 12000);
    memset(large, 'a', 9000);
    memcpy(large, "Identity: ", 10);
    assert_status(w, edited(w, message, row, large), 436, "IDN-43");
    free(large);
}

/* IDN-15, IDN-46, IDN-47 */
static void not_judged(void **state)
{
    static const char *const messages[] = {
        "CANCEL sip:bob@biloxi.example.com SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: " ALICE "\r\nTo: " BOB
        "\r\nCall-ID: c\r\nCSeq: 1 CANCEL\r\nMax-Forwards: 70\r\nIdentity: a.b.c;info=<https://x>\r\n\r\n",
        "ACK sip:bob@biloxi.example.com SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: " ALICE "\r\nTo: " BOB
        "\r\nCall-ID: c\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\n\r\n",
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: " ALICE "\r\nTo: " BOB
        "\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nIdentity: a.b.c;info=<https://x>\r\n\r\n",
    };
    world *w = begin(state);
    w->verify.required = true;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        assert_int_equal(verify(w, sv_span_str(messages[i])), 0);
        assert_false(w->verdict.valid || w->verdict.present);
        assert_code(sipveil_identity_sign_request(w->worker, &w->sign, sv_span_str(messages[i]), &w->made, &w->err),
                    SIPVEIL_POLICY);
    }
    assert_status(w, sv_span_str(INVITE), 428, "IDN-45"); /* F-6 */
    assert_string_equal(w->verdict.phrase, "Use Identity Header");
    w->verify.required = false;
    assert_int_equal(verify(w, sv_span_str(INVITE)), 0);
    assert_string_equal(w->verdict.warnings[0].rule, "IDN-46");
    /* ADV-191: two Dates, or one that is none, are no SIP */
    assert_code(sipveil_identity_verify_request(w->verifier, &w->verify, sv_span_str(INVITE_WITH(DATE DATE, SDP)), &w->verdict,
                                                &w->err),
                SIPVEIL_MALFORMED);
    assert_code(sipveil_identity_verify_request(w->verifier, &w->verify, sv_span_str(INVITE_WITH("Date: soon\r\n", SDP)),
                                                &w->verdict, &w->err),
                SIPVEIL_MALFORMED);
    /* REGISTER of RFC 4474 is left alone */
    use_old(w);
    const char *reg = "REGISTER sip:atlanta.example.com SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: " ALICE
                      "\r\nTo: " BOB "\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nIdentity: \"YQ==\"\r\n\r\n";
    assert_code(sipveil_identity_sign_request(w->worker, &w->sign, sv_span_str(reg), &w->made, &w->err), SIPVEIL_POLICY);
    assert_int_equal(verify(w, sv_span_str(reg)), 0);
    assert_false(w->verdict.present);
}

static void usage(void **state)
{
    world *w = begin(state);
    sipveil_span message = sign(w, INVITE);
    w->verify.size = 0;
    assert_code(sipveil_identity_verify_request(w->verifier, &w->verify, message, &w->verdict, &w->err), SIPVEIL_USAGE);
    sipveil_identity_verify_options_default(&w->verify);
    assert_int_equal(w->verify.profile, SIPVEIL_IDENTITY_RFC8224);
    assert_code(sipveil_identity_verify_request(w->verifier, &w->verify, message, &w->verdict, &w->err), SIPVEIL_USAGE);
    assert_code(sipveil_identity_verify_request(NULL, &w->verify, message, &w->verdict, &w->err), SIPVEIL_USAGE);
    assert_code(sipveil_identity_verify_request(w->verifier, &w->verify, message, NULL, &w->err), SIPVEIL_USAGE);
    w->verify.trust = w->trust;
    assert_code(sipveil_identity_verify_request(w->verifier, &w->verify, SV_SPAN("hello"), &w->verdict, &w->err),
                SIPVEIL_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips), cmocka_unit_test(round_trip_of_rfc4474),
        cmocka_unit_test(changes_of_the_full_form), cmocka_unit_test(changes_of_parts),
        cmocka_unit_test(changes_of_the_compact_form), cmocka_unit_test(changes_of_rfc4474),
        cmocka_unit_test(changes_of_the_field), cmocka_unit_test(changes_of_the_signature),
        cmocka_unit_test(credentials), cmocka_unit_test(outside_the_credential),
        cmocka_unit_test(crooked_credentials), cmocka_unit_test(several_fields), cmocka_unit_test(not_judged),
        cmocka_unit_test(usage),
    };
    return cmocka_run_group_tests_name("verifying an Identity", tests, world_setup, world_teardown);
}
