/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that ends while the certificate of a domain is judged: it is told as that, and nothing was found out (ADV-215). */
#include "failing.h"

#include "lab.h"

#include "base/error.h"
#include "keys/domain.h"

typedef struct bench {
    sipveil_keyring *ring;
    char *pem;
    sipveil_domain_certificate *out;
    const char *why; /* where nothing fails: a part of the first reason; "": there is none */
} bench;

/* What libcrypto cannot do without memory may look like what nobody vouches for; what we cannot, never does. */
static sipveil_code judge(void *user, sipveil_error *err)
{
    bench *b = user;
    sipveil_domain_certificate_free(b->out);
    sipveil_code code = sipveil_domain_certificate_read(b->ring, sv_span_str(b->pem), LAB_NOW, &b->out, err);
    if (code != SIPVEIL_OK) {
        assert_null(b->out);
        return code;
    }
    const char *why = sipveil_domain_certificate_why(b->out);
    if (b->why[0] == '\0' ? why[0] == '\0' : strstr(why, b->why) != NULL) return SIPVEIL_OK;
    assert_int_equal(failing.whose, FAILING_LIBCRYPTO);
    assert_false(b->out->chain_ok && b->out->time_ok && b->out->usage_ok && b->out->name_count > 0);
    return sv_fail(err, "test", SIPVEIL_UNTRUSTED_SIGNER, "%s", why);
}

static void end(void *user)
{
    bench *b = user;
    sipveil_domain_certificate_free(b->out);
    b->out = NULL;
}

/* So many that their list is larger than the arena's blocks: smaller ones it asks for twice. */
static const char *many_names(void)
{
    static char text[8192];
    size_t used = 0;
    for (int i = 0; i < 300; i++) used += (size_t)snprintf(text + used, sizeof text - used, "%sURI:sip:%d.example", i > 0 ? "," : "", i);
    return text;
}

static void certificates_of_domains(void **state)
{
    const struct {
        const char *name, *san, *purposes, *why;
    } table[] = {
        {"one that is good", "URI:sip:a.example,URI:sip:b.example", NULL, ""},
        {"one of many domains", many_names(), NULL, ""},
        {"one of no domain", "URI:sips:a.example", NULL, "speaks for no SIP domain"},
        {"one for TLS", "DNS:a.example", "serverAuth,clientAuth", "extendedKeyUsage"},
    };
    sipveil_error err;
    (void)state;
    const lab_form authority = {.subject = "root", .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign,cRLSign"};
    lab_certificate root = lab_make(&authority);
    bench b = {.ring = lab_ring()};
    assert_int_equal(sipveil_keyring_add_anchors(b.ring, lab_write_certificate("anchor.pem", root.x509), &err), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const lab_form form = {.subject = "x.example", .san = table[i].san, .purposes = table[i].purposes, .issuer = &root};
        lab_certificate leaf = lab_make(&form);
        const failing_operation op = {.name = table[i].name, .run = judge, .end = end, .wanted = SIPVEIL_OK};
        b.pem = lab_pem(NULL, NULL, &leaf.x509, 1);
        b.why = table[i].why;
        failing_table(&op, 1, &b);
        free(b.pem);
        lab_free(&leaf);
    }
    sipveil_keyring_free(b.ring);
    lab_free(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(certificates_of_domains)};
    failing.no_room = true;
    if (!failing_install()) return 2;
    return cmocka_run_group_tests_name("memory that ends in keys", tests, lab_open, lab_close);
}
