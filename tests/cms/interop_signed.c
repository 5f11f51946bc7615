/* SPDX-License-Identifier: BSD-2-Clause */
/* `openssl cms` signs what we check, and checks what we sign. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "cms/identities.h"
#include "cms/outside.h"

#define CONTENT "Content-Type: text/plain\r\n\r\nhello from here\r\n"

static const sv_cms_policy strict = {.strict = true};

/* Runs in the folder; the exit status. */
static int run(const char *command)
{
    char line[1024];
    int n = snprintf(line, sizeof line, "cd '%s' && (%s) >out.txt 2>err.txt", folder, command);
    assert_true(n > 0 && (size_t)n < sizeof line);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void write_identity(const sv_cms_key *key)
{
    FILE *file = fopen(path_of("key.pem"), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key->private_key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    file = fopen(path_of("cert.pem"), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, key->certificate), 1);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    (void)fixture_setup(state);
    strcpy(folder, "/tmp/sipveil-interop-XXXXXX");
    assert_non_null(mkdtemp(folder));
    write_file("content", SV_SPAN(CONTENT));
    return 0;
}

static int teardown(void **state)
{
    char line[300];
    (void)snprintf(line, sizeof line, "rm -rf '%s'", folder);
    assert_int_equal(system(line), 0);
    return fixture_teardown(state);
}

static void skip_without_openssl(void)
{
    if (run("openssl version") == 0) return;
    print_message("skipped: no openssl program\n");
    skip();
}

static const struct {
    const char *kind;
    const char *options; /* of openssl cms -sign */
    const char *algorithm;
    bool rsa_v15;
    bool both_ways;
} schemes[] = {
    {"P-256", "-md sha256", "ecdsa-sha256", false, true},
    {"P-384", "-md sha384", "ecdsa-sha384", false, true},
    {"P-521", "-md sha512", "ecdsa-sha512", false, true},
    {"P-256", "-md sha512", "ecdsa-sha512", false, false},
    {"rsa2048", "-md sha256", "rsa-sha256", true, true},
    {"rsa2048", "-md sha512", "rsa-sha512", true, false},
    {"rsa2048", "-md sha256 -keyopt rsa_padding_mode:pss", "rsa-pss-sha256", false, true},
    {"rsa2048", "-md sha384 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:48",
     "rsa-pss-sha384", false, false},
};
enum { SCHEMES = sizeof schemes / sizeof *schemes };

/* Detached or not, by name or identifier, with the certificate or not, DER or BER: 16 forms. */
typedef struct form {
    bool detached, by_identifier, no_certificates, stream;
} form;

static form form_of(unsigned bits)
{
    return (form){bits & 1, bits & 2, bits & 4, bits & 8};
}

static void check_theirs(fixture *f, const char *algorithm, form how, const sv_cms_key *key)
{
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    sipveil_span message = read_file(f, "theirs"), content;
    X509 *known[] = {key->certificate};
    sipveil_error err;
    sv_cms_type type;
    sv_signed data;
    sv_signature *s;
    bool done;
    char note[96];
    assert_int_equal(sv_cms_read_content_info(message, limits, &type, &content, &err), SIPVEIL_OK);
    assert_int_equal(type, SV_CMS_SIGNED);
    if (how.stream) assert_int_equal(message.data[1], 0x80); /* indefinite length it is */
    if (sv_cms_read_signed(content, limits, &strict, f->arena, &data, &err) != SIPVEIL_OK)
        fail_msg("%s", err.text);
    assert_int_equal(data.has_content, !how.detached);
    sipveil_span octets = how.detached ? SV_SPAN(CONTENT) : data.content;
    assert_true(sv_equal_str(octets, CONTENT));
    assert_int_equal(sv_cms_check_signatures(f->crypto, &data, octets, known,
                                             how.no_certificates ? 1 : 0, &strict, f->arena, &s,
                                             NULL, &err),
                     SIPVEIL_OK);
    assert_int_equal(data.signer_count, 1);
    assert_int_equal(data.certificate_count, how.no_certificates ? 0 : 1);
    if (s->state != SV_SIGNATURE_VALID) fail_msg("%s: %s", algorithm, s->why);
    assert_string_equal(s->algorithm, algorithm);
    assert_int_equal(s->ski.len > 0, how.by_identifier);
    assert_true(s->has_time);
    assert_int_equal(sv_cms_second_opinion_verify(f->crypto, message,
                                                  how.detached ? octets : sv_span(NULL, 0), s, 1,
                                                  &done, note, &err),
                     SIPVEIL_OK);
    assert_true(done);
    /* one octet of content more, and it is not */
    assert_int_equal(sv_cms_check_signatures(f->crypto, &data, SV_SPAN(CONTENT "."), known, 1,
                                             &strict, f->arena, &s, NULL, &err),
                     SIPVEIL_OK);
    assert_int_equal(s->state, SV_SIGNATURE_INVALID);
}

static void we_check_what_openssl_signs(void **state)
{
    fixture *f = *state;
    skip_without_openssl();
    for (unsigned i = 0; i < SCHEMES; i++) {
        const sv_cms_key *key = identity(f, schemes[i].kind);
        write_identity(key);
        for (unsigned bits = 0; bits < (i == 0 ? 16 : 4); bits++) {
            char command[512];
            /* RSASSA-PSS with -stream fails in openssl 3.0 itself */
            form how = form_of(bits | (i < 6 ? i % 2 : 0) << 3);
            (void)snprintf(command, sizeof command,
                           "openssl cms -sign -binary -in content -signer cert.pem -inkey key.pem "
                           "%s %s %s %s %s "
                           "-outform DER -out theirs",
                           schemes[i].options, how.detached ? "" : "-nodetach",
                           how.by_identifier ? "-keyid" : "", how.no_certificates ? "-nocerts" : "",
                           how.stream ? "-stream" : "");
            if (run(command) != 0)
                fail_msg("%s: %s", command, sv_arena_string(f->arena, read_file(f, "err.txt")));
            if (how.stream)
                how.detached = false; /* with -stream, DER output always has the content */
            check_theirs(f, schemes[i].algorithm, how, key);
            sv_arena_reset(f->arena);
        }
    }
}

static void openssl_checks_what_we_sign(void **state)
{
    fixture *f = *state;
    skip_without_openssl();
    for (unsigned i = 0; i < SCHEMES; i++) {
        if (!schemes[i].both_ways) continue;
        const sv_cms_key *key = identity(f, schemes[i].kind);
        write_identity(key);
        for (unsigned bits = 0; bits < 8; bits++) {
            form how = form_of(bits);
            sv_sign_request request = {.signers = key,
                                       .signer_count = 1,
                                       .rsa_v15 = schemes[i].rsa_v15,
                                       .detached = how.detached,
                                       .by_key_identifier = how.by_identifier,
                                       .no_certificates = how.no_certificates,
                                       .time = sv_now(f->context)};
            char command[512];
            sipveil_error err;
            sv_buffer out;
            sv_buffer_init(&out, f->arena, 4096, 1 << 16);
            assert_int_equal(
                sv_cms_sign(f->crypto, &request, SV_SPAN(CONTENT), f->arena, &out, &err),
                SIPVEIL_OK);
            write_file("ours", sv_buffer_span(&out));
            (void)snprintf(command, sizeof command,
                           "openssl cms -verify -binary -inform DER -in ours %s %s -CAfile "
                           "cert.pem -purpose any -out back",
                           how.detached ? "-content content" : "",
                           how.no_certificates ? "-certfile cert.pem" : "");
            if (run(command) != 0)
                fail_msg("%s: %s", command, sv_arena_string(f->arena, read_file(f, "err.txt")));
            assert_true(sv_equal_str(read_file(f, "back"), CONTENT));
            if (how.detached) { /* and it sees a difference */
                write_file("other", SV_SPAN("other"));
                assert_int_not_equal(
                    run("openssl cms -verify -binary -inform DER -in ours -content other "
                        "-certfile cert.pem -CAfile cert.pem -purpose any"),
                    0);
            }
            sv_arena_reset(f->arena);
        }
    }
}

/* TUN-23: several signers in one, by them and by us. */
static void several_signers_in_both_directions(void **state)
{
    fixture *f = *state;
    skip_without_openssl();
    sv_cms_key keys[] = {*identity(f, "P-256"), *identity(f, "rsa2048")};
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    sipveil_span content;
    sipveil_error err;
    sv_cms_type type;
    sv_signed data;
    sv_signature *s;
    write_identity(&keys[1]);
    assert_int_equal(run("cat cert.pem > all.pem && cp cert.pem cert2.pem && cp key.pem key2.pem"),
                     0);
    write_identity(&keys[0]);
    assert_int_equal(run("cat cert.pem >> all.pem"), 0);
    assert_int_equal(
        run("openssl cms -sign -binary -nodetach -in content -signer cert.pem -inkey key.pem "
            "-signer cert2.pem -inkey key2.pem -outform DER -out theirs"),
        0);
    assert_int_equal(
        sv_cms_read_content_info(read_file(f, "theirs"), limits, &type, &content, &err),
        SIPVEIL_OK);
    assert_int_equal(sv_cms_read_signed(content, limits, &strict, f->arena, &data, &err),
                     SIPVEIL_OK);
    assert_int_equal(sv_cms_check_signatures(f->crypto, &data, data.content, NULL, 0, &strict,
                                             f->arena, &s, NULL, &err),
                     SIPVEIL_OK);
    assert_int_equal(data.signer_count, 2);
    assert_int_equal(s[0].state, SV_SIGNATURE_VALID);
    assert_int_equal(s[1].state, SV_SIGNATURE_VALID);
    sv_sign_request request = {.signers = keys, .signer_count = 2};
    sv_buffer out;
    sv_buffer_init(&out, f->arena, 4096, 1 << 16);
    assert_int_equal(sv_cms_sign(f->crypto, &request, SV_SPAN(CONTENT), f->arena, &out, &err),
                     SIPVEIL_OK);
    write_file("ours", sv_buffer_span(&out));
    if (run("openssl cms -verify -binary -inform DER -in ours -CAfile all.pem -purpose any -out "
            "back") != 0) {
        fail_msg("%s", sv_arena_string(f->arena, read_file(f, "err.txt")));
    }
    sv_arena_reset(f->arena);
}

/* TUN-11 */
static void certs_only_in_both_directions(void **state)
{
    fixture *f = *state;
    skip_without_openssl();
    const sv_cms_key *key = identity(f, "P-256");
    const sipveil_limits *limits = sipveil_context_limits(f->context);
    X509 *certificates[] = {key->certificate};
    sipveil_span content;
    sipveil_error err;
    sv_cms_type type;
    sv_signed data;
    sv_buffer out;
    write_identity(key);
    assert_int_equal(run("openssl crl2pkcs7 -nocrl -certfile cert.pem -outform DER -out theirs"),
                     0);
    assert_int_equal(
        sv_cms_read_content_info(read_file(f, "theirs"), limits, &type, &content, &err),
        SIPVEIL_OK);
    assert_int_equal(sv_cms_read_signed(content, limits, &strict, f->arena, &data, &err),
                     SIPVEIL_OK);
    assert_int_equal(data.signer_count, 0);
    assert_int_equal(data.certificate_count, 1);
    assert_true(sv_equal(data.certificates[0], der_of(f, key->certificate)));
    sv_buffer_init(&out, f->arena, 4096, 1 << 16);
    assert_int_equal(sv_cms_put_certificates(certificates, 1, f->arena, &out, &err), SIPVEIL_OK);
    write_file("ours", sv_buffer_span(&out));
    assert_int_equal(run("openssl pkcs7 -inform DER -in ours -print_certs -out back.pem"), 0);
    assert_int_equal(run("openssl x509 -in back.pem -outform DER -out back"), 0);
    assert_true(sv_equal(read_file(f, "back"), der_of(f, key->certificate)));
    sv_arena_reset(f->arena);
}

/* ADV-110, ADV-115: what openssl signs and verifies, and we do not. */
static void weak_forms_of_openssl_are_refused_by_name(void **state)
{
    static const struct {
        const char *kind, *options, *rule;
        unsigned allow;
    } cases[] = {
        {"P-256", "-noattr", "ADV-110", SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES},
        {"rsa2048", "-noattr", "ADV-110", SIPVEIL_WEAK_NO_SIGNED_ATTRIBUTES},
        {"rsa2048", "-md sha1", "ADV-115", SIPVEIL_WEAK_SHA1},
        {"P-256", "-md sha1", "ADV-115", SIPVEIL_WEAK_SHA1},
        {"rsa2048", "-md md5", "ADV-115", 0},
        {"rsa1024", "-md sha256", "ADV-115", SIPVEIL_WEAK_RSA1024},
    };
    fixture *f = *state;
    skip_without_openssl();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[512];
        write_identity(identity(f, cases[i].kind));
        (void)snprintf(
            command, sizeof command,
            "openssl cms -sign -binary -nodetach -in content -signer cert.pem -inkey key.pem %s "
            "-outform DER -out theirs",
            cases[i].options);
        assert_int_equal(run(command), 0);
        for (unsigned pass = 0; pass < 2; pass++) {
            sv_cms_policy policy = {.strict = true, .allow_weak = pass == 0 ? 0 : ~0u};
            const sipveil_limits *limits = sipveil_context_limits(f->context);
            sipveil_span content;
            sipveil_error err;
            sv_cms_type type;
            sv_signed data;
            sv_signature *s;
            if (pass == 0) policy.allow_weak = ~cases[i].allow; /* every other name helps nothing */
            assert_int_equal(
                sv_cms_read_content_info(read_file(f, "theirs"), limits, &type, &content, &err),
                SIPVEIL_OK);
            assert_int_equal(sv_cms_read_signed(content, limits, &policy, f->arena, &data, &err),
                             SIPVEIL_OK);
            assert_int_equal(sv_cms_check_signatures(f->crypto, &data, data.content, NULL, 0,
                                                     &policy, f->arena, &s, NULL, &err),
                             SIPVEIL_OK);
            bool good = pass == 1 && cases[i].allow != 0;
            if ((s->state == SV_SIGNATURE_VALID) != good)
                fail_msg("%s %s: %s", cases[i].kind, cases[i].options, s->why);
            if (good) assert_true(s->weak);
            if (!good) assert_int_equal(s->code, SIPVEIL_POLICY);
            if (!good) assert_string_equal(s->rule, cases[i].rule);
        }
        sv_arena_reset(f->arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(we_check_what_openssl_signs),
        cmocka_unit_test(openssl_checks_what_we_sign),
        cmocka_unit_test(several_signers_in_both_directions),
        cmocka_unit_test(certs_only_in_both_directions),
        cmocka_unit_test(weak_forms_of_openssl_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
