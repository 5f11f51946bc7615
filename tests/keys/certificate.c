/* SPDX-License-Identifier: BSD-2-Clause */
/* Names a certificate vouches for, and how it is shown. */
#include "lab.h"

#include "keys/certificate.h"

typedef struct name_case {
    const char *name;
    const char *san; /* as configuration text */
    const char *raw; /* or one URI, as octets */
    size_t raw_len;
    const char *aors;  /* joined with blanks */
    const char *hosts;
} name_case;
#define RAW(literal) NULL, literal, sizeof(literal) - 1

static const name_case cases[] = {
    /* TUN-02, TUN-03 */
    {"a SIP URI", "URI:sip:alice@a.example", NULL, 0, "sip:alice@a.example", ""},
    {"sips counts for the same user", "URI:sips:alice@a.example", NULL, 0, "sip:alice@a.example", ""},
    {"several", "URI:sip:alice@a.example,URI:sip:bob@b.example", NULL, 0, "sip:alice@a.example sip:bob@b.example", ""},
    {"scheme and host without case, user with", "URI:SIP:Alice@A.Example", NULL, 0, "sip:Alice@a.example", ""},
    {"an escape that needs none", "URI:sip:%61lice@a.example", NULL, 0, "sip:alice@a.example", ""},
    /* TUN-04: mail address; port and parameters must be absent */
    {"mail address", "email:alice@a.example", NULL, 0, "sip:alice@a.example", ""},
    {"ADV-121 mail address beside a SIP URI", "email:eve@a.example,URI:sip:alice@a.example", NULL, 0, "sip:alice@a.example", ""},
    {"ADV-121 mail addresses behind one", "URI:sip:alice@a.example,email:eve@a.example,email:bob@a.example", NULL, 0, "sip:alice@a.example", ""},
    {"ADV-121 mail address beside that of a host", "email:admin@a.example,URI:sip:proxy.a.example", NULL, 0, "", "proxy.a.example"},
    {"mail address beside a SIP URI that counts for nothing", "email:eve@a.example,URI:sip:alice@a.example:5060", NULL, 0, "", ""},
    {"mail address beside another URI", "URI:https://a.example/,email:alice@a.example", NULL, 0, "sip:alice@a.example", ""},
    {"mail addresses", "email:alice@a.example,email:bob@a.example", NULL, 0, "sip:alice@a.example sip:bob@a.example", ""},
    {"mail address with an escape", "email:al%69ce@a.example", NULL, 0, "", ""},
    {"mail address that would be a password", "email:alice:x@a.example", NULL, 0, "", ""},
    {"mail address with two at", "email:alice@b@a.example", NULL, 0, "", ""},
    {"port", "URI:sip:alice@a.example:5060", NULL, 0, "", ""},
    {"parameter", "URI:sip:alice@a.example;transport=tls", NULL, 0, "", ""},
    {"header", "URI:sip:alice@a.example?Subject=x", NULL, 0, "", ""},
    {"password", "URI:sip:alice:pw@a.example", NULL, 0, "", ""},
    {"no scheme", RAW("alice@a.example"), "", ""},
    {"another scheme", "URI:https://a.example/alice", NULL, 0, "", ""},
    {"tel", "URI:tel:+123", NULL, 0, "", ""},
    /* ADV-121: NUL inside, as an octet and as an escape */
    {"ADV-121 NUL in the URI", RAW("sip:alice@a.example\0.evil.example"), "", ""},
    {"ADV-121 NUL in the user", RAW("sip:alice\0x@a.example"), "", ""},
    {"ADV-121 %00 in the user", RAW("sip:alice%00@a.example"), "", ""},
    {"ADV-014 %0d%0a in the user", RAW("sip:alice%0d%0a@a.example"), "", ""},
    {"line end", RAW("sip:alice@a.example\r\n"), "", ""},
    {"8-bit", RAW("sip:alic\xE9@a.example"), "", ""},
    {"ADV-121 wildcard host of a user", RAW("sip:alice@*.example"), "", ""},
    {"ADV-121 wildcard host", "DNS:*.a.example", NULL, 0, "", ""},
    {"empty URI", RAW(""), "", ""},
    /* hosts apart (TUN-01) */
    {"host certificate", "DNS:proxy.a.example,URI:sip:proxy.a.example", NULL, 0, "", "proxy.a.example proxy.a.example"},
    {"host with port", "URI:sip:proxy.a.example:5061", NULL, 0, "", ""},
    {"no names", NULL, NULL, 0, "", ""},
};

static void join(const sipveil_span *spans, size_t count, char *out, size_t room)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(out + used, room - used, "%s%.*s", i ? " " : "", (int)spans[i].len,
                                 (const char *)spans[i].data);
    }
}

static void reads_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char aors[256], hosts[256];
        sv_certificate_names names;
        sipveil_error err;
        sv_arena *arena = sv_arena_new(1024, 1 << 20);
        assert_non_null(arena);
        lab_certificate c = lab_make(&(lab_form){.subject = "sip:ceo@a.example", /* CN never counts */
                                                 .san = cases[i].san,
                                                 .raw_uri = cases[i].raw,
                                                 .raw_uri_len = cases[i].raw_len});
        assert_int_equal(sv_certificate_read_names(c.x509, arena, &names, &err), SIPVEIL_OK);
        join(names.aors, names.aor_count, aors, sizeof aors);
        join(names.hosts, names.host_count, hosts, sizeof hosts);
        if (strcmp(aors, cases[i].aors) != 0) fail_msg("%s: AORs \"%s\"", cases[i].name, aors);
        if (strcmp(hosts, cases[i].hosts) != 0) fail_msg("%s: hosts \"%s\"", cases[i].name, hosts);
        lab_free(&c);
        sv_arena_free(arena);
    }
}

/* cmocka would read through NULL. */
static void is_shown(const char *text, const char *expected)
{
    assert_non_null(text);
    assert_string_equal(text, expected);
}

/* ADV-216 */
static void shows_names_safely(void **state)
{
    sv_arena *arena = sv_arena_new(1024, 1 << 20);
    assert_non_null(arena);
    (void)state;
    lab_certificate c = lab_make(&(lab_form){.subject = "a\r\nb\x1b[31m\xC3\xA9,O=x", .serial = 0x3F0A});
    const char *subject = sv_certificate_subject(c.x509, arena);
    is_shown(subject, "CN=a\\0D\\0Ab\\1B[31m\\C3\\A9\\,O=x");
    is_shown(sv_certificate_serial(c.x509, arena), "3F0A");
    is_shown(sv_certificate_label(c.x509, arena), "CN=a\\0D\\0Ab\\1B[31m\\C3\\A9\\,O=x serial 3F0A");
    const unsigned char *der;
    size_t len;
    X509_NAME_get0_der(X509_get_issuer_name(c.x509), &der, &len);
    is_shown(sv_name_text(sv_span(der, len), arena), subject);
    is_shown(sv_name_text(sv_span(der, len - 1), arena), "(a name that cannot be read)");
    is_shown(sv_name_text((sipveil_span){0}, arena), "(a name that cannot be read)");
    X509_NAME *many = X509_NAME_new();
    for (int i = 0; i < 40; i++) {
        X509_NAME_add_entry_by_txt(many, "OU", MBSTRING_ASC, (const unsigned char *)"0123456789", -1, -1, 0);
    }
    X509_NAME_get0_der(many, &der, &len);
    const char *cut = sv_name_text(sv_span(der, len), arena);
    assert_non_null(cut);
    assert_int_equal(strlen(cut), 259);
    assert_string_equal(cut + 256, "...");
    X509_NAME_free(many);
    lab_free(&c);
    sv_arena_free(arena);
}

static void reads_der_strictly(void **state)
{
    sipveil_error err;
    X509 *out;
    (void)state;
    lab_certificate c = lab_make(&(lab_form){.subject = "a"});
    unsigned char *der = NULL;
    size_t len = (size_t)i2d_X509(c.x509, &der);
    uint8_t *longer = calloc(1, len + 1);
    memcpy(longer, der, len);
    sv_arena *arena = sv_arena_new(1024, 1 << 20);
    assert_non_null(arena);
    assert_int_equal(sv_certificate_load(lab_context, sv_span(der, len), arena, &out, &err), SIPVEIL_OK);
    assert_int_equal(X509_cmp(out, c.x509), 0);
    assert_int_equal(sv_certificate_load(lab_context, sv_span(longer, len + 1), arena, &out, &err), SIPVEIL_USAGE);
    assert_null(out);
    for (size_t cut = 0; cut < len; cut += 7) {
        assert_int_equal(sv_certificate_load(lab_context, sv_span(der, cut), arena, &out, &err), SIPVEIL_USAGE);
    }
    assert_true(ERR_peek_error() == 0);
    sv_arena_free(arena);
    free(longer);
    OPENSSL_free(der);
    lab_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_names),
        cmocka_unit_test(shows_names_safely),
        cmocka_unit_test(reads_der_strictly),
    };
    return cmocka_run_group_tests_name("certificates", tests, lab_open, lab_close);
}
