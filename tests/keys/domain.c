/* SPDX-License-Identifier: BSD-2-Clause */
/* The SIP domains that a certificate speaks for, and what it does not stand up to (RFC 5922, 5924). */
#include "lab.h"

#include "keys/domain.h"

static lab_certificate root, other;
static sipveil_keyring *ring;

static int open_lab(void **state)
{
    sipveil_error err;
    if (lab_open(state) != 0) return -1;
    const lab_form form = {.subject = "root", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign,cRLSign"};
    root = lab_make(&form);
    other = lab_make(&form);
    ring = lab_ring();
    return sipveil_keyring_add_anchors(ring, lab_write_certificate("anchor.pem", root.x509), &err) == SIPVEIL_OK ? 0 : -1;
}

static int close_lab(void **state)
{
    sipveil_keyring_free(ring);
    lab_free(&root);
    lab_free(&other);
    return lab_close(state);
}

static sipveil_domain_certificate *read_of(const lab_form *form, uint8_t key[32])
{
    sipveil_domain_certificate *out = NULL;
    sipveil_error err;
    size_t count;
    lab_certificate leaf = lab_make(form);
    char *pem = lab_pem(NULL, NULL, &leaf.x509, 1);
    assert_int_equal(sipveil_domain_certificate_read(ring, sv_span_str(pem), LAB_NOW, &out, &err), SIPVEIL_OK);
    assert_int_equal(sv_keys_hash_public_keys(lab_context, sv_span_str(pem), (uint8_t(*)[32])key, 1, &count, &err), SIPVEIL_OK);
    free(pem);
    lab_free(&leaf);
    return out;
}

typedef struct domain_case {
    const char *name;
    lab_form form;
    const char *names; /* joined with blanks */
    bool chain_ok, usage_ok, usage_tls;
    const char *why;
} domain_case;

#define SIP_PURPOSE "1.3.6.1.5.5.7.3.20"

static const domain_case cases[] = {
    /* IDN-68 */
    {"a URI of the domain", {.san = "URI:sip:Biloxi.Example", .issuer = &root}, "biloxi.example", true, true, false, ""},
    {"a DNS name where there is no URI", {.san = "DNS:biloxi.example", .issuer = &root}, "biloxi.example", true, true, false, ""},
    {"a URI makes DNS names count for nothing", {.san = "DNS:evil.example,URI:sip:biloxi.example,DNS:other.example", .issuer = &root},
     "biloxi.example", true, true, false, ""},
    {"several", {.san = "URI:sip:a.example,URI:sip:b.example", .issuer = &root}, "a.example b.example", true, true, false, ""},
    {"sips and users are no domains", {.san = "URI:sips:a.example,URI:sip:alice@a.example", .issuer = &root}, "", true, true, false,
     "speaks for no SIP domain"},
    {"a user beside a DNS name", {.san = "URI:sip:alice@a.example,DNS:a.example", .issuer = &root}, "a.example", true, true, false, ""},
    /* IDN-69 */
    {"a wildcard is no name", {.san = "DNS:*.biloxi.example", .issuer = &root}, "", true, true, false, "speaks for no SIP domain"},
    {"the common name never counts", {.issuer = &root}, "", true, true, false, "speaks for no SIP domain"},
    /* IDN-67 */
    {"nobody vouches for it", {.san = "DNS:a.example"}, "a.example", false, true, false, "self-signed"},
    {"an issuer that is not ours", {.san = "DNS:a.example", .issuer = &other}, "a.example", false, true, false, "not signed by the issuer"},
    {"expired", {.san = "DNS:a.example", .issuer = &root, .from = -7200, .until = -3600}, "a.example", false, true, false, "expired"},
    /* IDN-73 */
    {"purpose SIP", {.san = "DNS:a.example", .issuer = &root, .purposes = SIP_PURPOSE}, "a.example", true, true, false, ""},
    {"purpose TLS alone", {.san = "DNS:a.example", .issuer = &root, .purposes = "serverAuth,clientAuth"}, "a.example", true, false, true,
     "extendedKeyUsage"},
    {"purpose e-mail alone", {.san = "DNS:a.example", .issuer = &root, .purposes = "emailProtection"}, "a.example", true, false, false,
     "extendedKeyUsage"},
    /* IDN-74 */
    {"keyUsage without signatures", {.san = "DNS:a.example", .issuer = &root, .usage = "critical,keyEncipherment"}, "a.example", true,
     false, false, "digital signatures"},
};

static void reads_what_it_proves(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char names[256] = "";
        uint8_t key[32];
        lab_form form = cases[i].form;
        form.subject = "x.example";
        form.no_key_identifiers = form.issuer == &other;
        sipveil_domain_certificate *c = read_of(&form, key);
        for (size_t k = 0; sipveil_domain_certificate_name(c, k).len > 0; k++) {
            sipveil_span name = sipveil_domain_certificate_name(c, k);
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.*s", k > 0 ? " " : "", (int)name.len, (const char *)name.data);
        }
        if (strcmp(names, cases[i].names) != 0) fail_msg("%s: names \"%s\"", cases[i].name, names);
        if (c->chain_ok != cases[i].chain_ok || c->usage_ok != cases[i].usage_ok || c->usage_tls != cases[i].usage_tls) {
            fail_msg("%s: %d %d %d: %s", cases[i].name, c->chain_ok, c->usage_ok, c->usage_tls, c->why);
        }
        const char *why = sipveil_domain_certificate_why(c);
        if (cases[i].why[0] == '\0' ? why[0] != '\0' : strstr(why, cases[i].why) == NULL) fail_msg("%s: why \"%s\"", cases[i].name, why);
        assert_memory_equal(c->keys[0], key, 32);
        assert_int_equal(c->key_count, c->chain_ok ? 2 : 1);
        sipveil_domain_certificate_free(c);
    }
}

/* IDN-67: it leads to an anchor as long as every certificate on the way is valid. */
static void ends_with_its_chain(void **state)
{
    sipveil_domain_certificate *c;
    sipveil_error err;
    const lab_form middle_form = {.subject = "middle", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign", .issuer = &root,
                                  .from = -300, .until = 300};
    lab_certificate middle = lab_make(&middle_form);
    const lab_form form = {.subject = "x.example", .san = "DNS:x.example", .issuer = &middle, .from = -500, .until = 500};
    lab_certificate leaf = lab_make(&form);
    X509 *both[] = {leaf.x509, middle.x509};
    char *pem = lab_pem(NULL, NULL, both, 2);
    (void)state;
    assert_int_equal(sipveil_domain_certificate_read(ring, sv_span_str(pem), LAB_NOW, &c, &err), SIPVEIL_OK);
    assert_true(c->chain_ok && c->key_count == 3);
    assert_int_equal(c->not_after, LAB_NOW + 500);
    assert_true(sv_domain_certificate_leads(c, LAB_NOW + 300) && !sv_domain_certificate_leads(c, LAB_NOW + 301));
    assert_true(sv_domain_certificate_leads(c, LAB_NOW - 300) && !sv_domain_certificate_leads(c, LAB_NOW - 301));
    assert_int_equal(sv_domain_certificate_until(c, LAB_NOW), LAB_NOW + 300);
    assert_int_equal(sv_domain_certificate_until(c, LAB_NOW + 301), LAB_NOW + 500); /* by its own key */
    sipveil_domain_certificate_free(c);
    for (int64_t late = 0; late < 2; late++) { /* read in the last second, and after it */
        assert_int_equal(sipveil_domain_certificate_read(ring, sv_span_str(pem), LAB_NOW + 300 + late, &c, &err), SIPVEIL_OK);
        assert_true(c->time_ok && c->chain_ok == (late == 0));
        sipveil_domain_certificate_free(c);
    }
    free(pem);
    lab_free(&leaf);
    lab_free(&middle);
}

static void refuses_what_is_none(void **state)
{
    sipveil_domain_certificate *out;
    sipveil_error err;
    uint8_t keys[1][32];
    size_t count;
    (void)state;
    assert_int_equal(sipveil_domain_certificate_read(ring, SV_SPAN("hello"), LAB_NOW, &out, &err), SIPVEIL_USAGE);
    assert_null(out);
    assert_int_equal(sipveil_domain_certificate_read(NULL, SV_SPAN("hello"), LAB_NOW, &out, &err), SIPVEIL_USAGE);
    assert_int_equal(sv_keys_hash_public_keys(lab_context, SV_SPAN("hello"), keys, 1, &count, &err), SIPVEIL_USAGE);
    X509 *both[] = {root.x509, other.x509};
    char *pem = lab_pem(NULL, NULL, both, 2);
    assert_int_equal(sv_keys_hash_public_keys(lab_context, sv_span_str(pem), keys, 1, &count, &err), SIPVEIL_USAGE);
    free(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_what_it_proves), cmocka_unit_test(ends_with_its_chain), cmocka_unit_test(refuses_what_is_none)};
    return cmocka_run_group_tests_name("certificates of domains", tests, open_lab, close_lab);
}
