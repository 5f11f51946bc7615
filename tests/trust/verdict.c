/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a hop trusted? Facts in, verdict with reasons out (TRU-01, TRU-02, TRU-04, TRU-05, TRU-06, TRU-07, TRU-08, TRU-09,
 * TRU-13, TRU-14, TRU-15, TRU-16, TRU-17, TRU-18, TRU-30; ADV-203). */
#include "world.h"

#include "keys/domain.h"

#define NO_ROW SIPVEIL_TRUST_NO_ROW
#define IP SIPVEIL_TRUST_IP_MISMATCH
#define CERT SIPVEIL_TRUST_NO_CERT
#define NAME SIPVEIL_TRUST_NAME_MISMATCH
#define EXPIRED SIPVEIL_TRUST_EXPIRED
#define LEVEL SIPVEIL_TRUST_LEVEL
#define DIRECTION SIPVEIL_TRUST_DIRECTION
#define INSECURE SIPVEIL_TRUST_INSECURE
#define IN SIPVEIL_TRUST_IN
#define OUT SIPVEIL_TRUST_OUT

static const char partners[] =
    WORLD_PARTNERS
    "[partner denver]\ndomains = denver.example\nprotection = tls-mutual\nconfidential = yes\ntrust_in = yes\ntrust_out = yes\n"
    "[partner evans]\ndomains = evans.example\nprotection = ipsec\nlevel = 2\ntrust_in = yes\ntrust_out = yes\n"
    "[partner fresno]\ndomains = fresno.example\nprotection = tls-mutual\ntrust_in = yes\ntrust_out = yes\nvalid_to = 2026-11-20\n"
    "[partner gary]\ndomains = gary.example\nprotection = tls-mutual\ntrust_in = yes\ntrust_out = yes\nvalid_from = 2026-11-22\n"
    "[partner hobart]\ndomains = hobart.example\nprotection = tls-mutual\n";

typedef struct verdict_case {
    const char *name, *hop, *domain; /* "": found by what it proves */
    sipveil_trust_direction direction;
    unsigned reasons, level; /* no reasons: trusted */
    const char *partner;
} verdict_case;

static const verdict_case cases[] = {
    /* TRU-01, TRU-14, TRU-15: proof and row */
    {"TLS from its address", "tls:biloxi.example@192.0.2.7", "", IN, 0, 3, "biloxi"},
    {"TLS over IPv6", "tls:biloxi.example@2001:db8:1::9", "", IN, 0, 3, "biloxi"},
    {"no ranges in the row: the certificate decides", "tls:sbc.chicago.example@203.0.113.1", "", IN, 0, 3, "chicago"},
    {"names have no case", "tls:BILOXI.example@192.0.2.7", "", IN, 0, 3, "biloxi"},
    {"TRU-T21 partner address, no certificate", "tls@192.0.2.7", "", IN, CERT | LEVEL, 1, "biloxi"},
    {"TRU-T22 partner certificate, other address", "tls:biloxi.example@203.0.113.7", "", IN, IP, 3, "biloxi"},
    {"partner certificate, address unknown", "tls:biloxi.example", "", IN, IP, 3, "biloxi"},
    {"TRU-T23 a sub-domain", "tls:sub.biloxi.example@192.0.2.7", "", IN, NAME | LEVEL, 1, "biloxi"},
    {"TRU-T23 a wildcard", "tls:*.biloxi.example@192.0.2.7", "", IN, NAME | LEVEL, 1, "biloxi"},
    {"a suffix is no name", "tls:evilbiloxi.example@192.0.2.7", "", IN, NAME | LEVEL, 1, "biloxi"},
    {"the domain where the row names another certificate", "tls:chicago.example", "", IN, NO_ROW | NAME | LEVEL, 2, ""},
    /* TRU-16 */
    {"IPsec", "sa:biloxi.example@192.0.2.7", "", IN, 0, 3, "biloxi"},
    {"IPsec of somebody else", "sa:chicago.example@192.0.2.7", "", IN, NAME | LEVEL, 1, "biloxi"},
    {"IPsec where the row wants TLS", "sa:sbc.chicago.example", "", IN, INSECURE | LEVEL, 0, "chicago"},
    /* ADV-203, TRU-T37 */
    {"ADV-203 source address on UDP", "udp@192.0.2.7", "", IN, INSECURE | CERT | LEVEL, 1, "biloxi"},
    {"ADV-203 source address on TCP", "tcp@192.0.2.7", "", IN, INSECURE | CERT | LEVEL, 1, "biloxi"},
    {"ADV-203 unauthenticated TLS of a stranger", "tls@203.0.113.9", "", IN, NO_ROW | CERT | LEVEL, 0, ""},
    {"TRU-T37 the row's next hop over UDP", "udp@192.0.2.7", "biloxi.example", OUT, INSECURE | CERT | LEVEL, 1, "biloxi"},
    {"nothing known", "tcp", "", IN, NO_ROW | INSECURE | CERT | LEVEL, 0, ""},
    {"an inside interface is level 1 and not enough (TRU-06)", "if:za0", "", IN, NO_ROW | INSECURE | CERT | LEVEL, 1, ""},
    {"a stranger with a good certificate", "tls:stranger.example@203.0.113.9", "", IN, NO_ROW | NAME | LEVEL, 2, ""},
    /* TRU-13: the next hop is found by its domain */
    {"next hop", "tls:biloxi.example@192.0.2.7", "biloxi.example", OUT, 0, 3, "biloxi"},
    {"next hop, domain without case", "tls:biloxi.example@192.0.2.7", "Biloxi.Example", OUT, 0, 3, "biloxi"},
    {"next hop at another address", "tls:biloxi.example@203.0.113.1", "biloxi.example", OUT, IP, 3, "biloxi"},
    {"next hop with another partner's certificate", "tls:sbc.chicago.example@192.0.2.7", "biloxi.example", OUT, NAME | LEVEL, 1, "biloxi"},
    {"a partner's certificate for a domain that is none's", "tls:biloxi.example@192.0.2.7", "other.example", OUT, NO_ROW | NAME | LEVEL, 2, ""},
    {"TRU-T23 next hop, a sub-domain", "tls:sub.biloxi.example@192.0.2.7", "biloxi.example", OUT, NAME | LEVEL, 1, "biloxi"},
    /* TRU-T24: directions */
    {"TRU-T24 believed", "tls:sbc.chicago.example", "", IN, 0, 3, "chicago"},
    {"TRU-T24 not told", "tls:sbc.chicago.example", "chicago.example", OUT, DIRECTION, 3, "chicago"},
    {"neither by default", "tls:hobart.example", "", IN, DIRECTION, 3, "hobart"},
    /* TRU-05, TRU-06 */
    {"level 2 is not enough where 3 is asked for", "sa:evans.example", "", IN, LEVEL, 2, "evans"},
    /* validity */
    {"TRU-T36 a row that ended", "tls:fresno.example", "", IN, EXPIRED, 3, "fresno"},
    {"a row that has not begun", "tls:gary.example", "", IN, EXPIRED, 3, "gary"},
    /* TRU-04: not by what the domain says of itself without proof */
    {"a domain without proof", "tcp@203.0.113.9", "biloxi.example", OUT, INSECURE | CERT | LEVEL | IP, 0, "biloxi"},
};

static sipveil_trust_verdict judge(const sipveil_trust_table *table, const char *words, const char *domain, sipveil_trust_direction direction)
{
    world_hop hop;
    sipveil_trust_verdict v;
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, direction, sv_span_str(domain), world_peer(&hop, words),
                             WORLD_NOW, &v);
    return v;
}

static void judges(void **state)
{
    sipveil_trust_table *table = world_table("gateways = za0\n", partners);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const verdict_case *c = &cases[i];
        sipveil_trust_verdict v = judge(table, c->hop, c->domain, c->direction);
        if (v.reasons != c->reasons || v.trusted != (c->reasons == 0) || v.level != c->level || strcmp(v.partner, c->partner) != 0) {
            fail_msg("%s: reasons %02x instead of %02x, level %u, partner '%s'", c->name, v.reasons, c->reasons, v.level, v.partner);
        }
    }
    sipveil_trust_table_free(table);
}

/* TRU-30, REQ4: confidential takes a link that nobody reads. */
static void demands_confidentiality(void **state)
{
    sipveil_trust_table *table = world_table("", partners);
    world_hop hop;
    sipveil_trust_verdict v;
    sipveil_trust_peer peer = *world_peer(&hop, "tls:denver.example");
    (void)state;
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, IN, sv_span(NULL, 0), &peer, WORLD_NOW, &v);
    assert_true(v.trusted);
    peer.readable = true;
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, IN, sv_span(NULL, 0), &peer, WORLD_NOW, &v);
    assert_false(v.trusted);
    assert_int_equal(v.reasons, INSECURE | LEVEL);
    sipveil_trust_table_free(table);
}

/* TRU-06: where no list of partners is kept, whoever is authenticated is one (seed 5.1.1). */
static void lowers_the_level(void **state)
{
    sipveil_trust_table *table = world_table("level = 2\n", partners);
    (void)state;
    assert_true(judge(table, "tls:stranger.example@203.0.113.9", "", IN).trusted);
    assert_true(judge(table, "sa:evans.example", "", IN).trusted);
    assert_false(judge(table, "tls@203.0.113.9", "", IN).trusted);
    assert_false(judge(table, "udp@192.0.2.7", "", IN).trusted);
    assert_false(judge(table, "if:za0", "", IN).trusted);
    assert_int_equal(judge(table, "tls:hobart.example", "", IN).reasons, DIRECTION); /* its row says so */
    sipveil_trust_table_free(table);
}

/* TRU-07, TRU-09: connectivity through the security gateway is trust. */
static void trusts_the_gateway(void **state)
{
    sipveil_trust_table *table = world_table("profile = ims-rel5\ngateways = za0\n", partners);
    (void)state;
    assert_true(judge(table, "udp@203.0.113.9", "", IN).trusted);
    assert_true(judge(table, "if:za0", "other.example", OUT).trusted);
    assert_true(judge(table, "sa:segw.other.example", "other.example", OUT).is_gateway);
    assert_false(judge(table, "if:eth0", "other.example", OUT).trusted);
    assert_false(judge(table, "tls:biloxi.example@192.0.2.7", "biloxi.example", OUT).is_gateway);
    sipveil_trust_table_free(table);
}

/* TRU-13, RFC 5922 7.3: a certificate that is not for the domain at all ends the connection. */
static void says_when_to_close(void **state)
{
    sipveil_trust_table *table = world_table("", partners);
    (void)state;
    assert_true(judge(table, "tls:sbc.chicago.example@192.0.2.7", "biloxi.example", OUT).close);
    assert_true(judge(table, "tls:a.example", "other.example", OUT).close);
    assert_false(judge(table, "tls:other.example", "other.example", OUT).close);
    assert_false(judge(table, "tls:sbc.chicago.example", "chicago.example", OUT).close);
    assert_false(judge(table, "tls:stranger.example", "", IN).close);
    assert_false(judge(table, "udp@192.0.2.7", "biloxi.example", OUT).close);
    sipveil_trust_table_free(table);
}

/* TRU-17, TRU-T36: until when, and with which table. */
static void holds_until(void **state)
{
    sipveil_trust_table *table = world_table("", partners), *other = world_table("", WORLD_PARTNERS);
    world_hop hop;
    sipveil_trust_verdict v;
    const int64_t last = 1795219199; /* 2026-11-20T23:59:59Z */
    (void)state;
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, IN, sv_span(NULL, 0), world_peer(&hop, "tls:fresno.example"),
                             last, &v);
    assert_true(v.trusted);
    assert_int_equal(v.valid_until, last);
    assert_true(sipveil_trust_verdict_holds(table, &v, last));
    assert_false(sipveil_trust_verdict_holds(table, &v, last + 1));
    assert_false(sipveil_trust_verdict_holds(other, &v, last));
    sipveil_trust_table_free(table);
    sipveil_trust_table_free(other);
}

/* ---- certificates ---- */

static const sipveil_span certified[] = {{(const uint8_t *)"biloxi.example", 14}};

static sipveil_domain_certificate good_certificate(void)
{
    return (sipveil_domain_certificate){.names = certified, .name_count = 1, .chain_ok = true, .time_ok = true, .usage_ok = true,
                                        .not_before = WORLD_NOW - 100, .not_after = WORLD_NOW + 100, .chain_from = WORLD_NOW - 100,
                                        .chain_until = WORLD_NOW + 100, .keys = {{1}, {2}}, .key_count = 2};
}

static sipveil_trust_verdict judge_certificate(const sipveil_trust_table *table, const sipveil_domain_certificate *c, bool signs, int64_t at)
{
    sipveil_trust_verdict v;
    sipveil_trust_peer peer = {.size = sizeof peer, .address = "192.0.2.7", .transport = signs ? SIPVEIL_TRUST_UDP : SIPVEIL_TRUST_TLS};
    if (signs) peer.signer = c;
    else peer.certificate = c;
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, IN, sv_span(NULL, 0), &peer, at, &v);
    return v;
}

static void judges_certificates(void **state)
{
    sipveil_trust_table *table = world_table("", WORLD_PARTNERS), *tls = world_table("eku_tls = yes\n", WORLD_PARTNERS);
    sipveil_domain_certificate c = good_certificate();
    (void)state;
    sipveil_trust_verdict v = judge_certificate(table, &c, false, WORLD_NOW);
    assert_true(v.trusted);
    assert_string_equal(v.name, "biloxi.example");
    assert_int_equal(v.valid_until, WORLD_NOW + 100);
    assert_int_equal(judge_certificate(table, &c, false, WORLD_NOW + 101).reasons, EXPIRED | LEVEL);
    assert_int_equal(judge_certificate(table, &c, false, WORLD_NOW - 101).reasons, EXPIRED | LEVEL);
    c.chain_until = WORLD_NOW + 50; /* TRU-11: an intermediate ends sooner */
    assert_int_equal(judge_certificate(table, &c, false, WORLD_NOW).valid_until, WORLD_NOW + 50);
    assert_int_equal(judge_certificate(table, &c, false, WORLD_NOW + 51).reasons, EXPIRED | LEVEL);
    c.chain_ok = false; /* IDN-67 */
    assert_int_equal(judge_certificate(table, &c, false, WORLD_NOW).reasons, CERT | LEVEL);
    c = good_certificate();
    c.usage_ok = false; /* IDN-73 */
    c.usage_tls = true;
    assert_int_equal(judge_certificate(table, &c, false, WORLD_NOW).reasons, CERT | LEVEL);
    assert_true(judge_certificate(tls, &c, false, WORLD_NOW).trusted);
    c = good_certificate();
    c.name_count = 0;
    assert_int_equal(judge_certificate(table, &c, false, WORLD_NOW).reasons, NAME | LEVEL);
    sipveil_trust_table_free(table);
    sipveil_trust_table_free(tls);
}

/* Anchors of a row: this partner is vouched for by those alone, or by its own key (TRU-11). */
static void keeps_to_the_anchors_of_the_row(void **state)
{
    static const char row[] = "[partner biloxi]\ndomains = biloxi.example\nprotection = tls-mutual\ntrust_in = yes\nanchors = sha256:%02x"
                              "00000000000000000000000000000000000000000000000000000000000000\n";
    (void)state;
    for (int key = 1; key <= 3; key++) {
        char text[512];
        snprintf(text, sizeof text, row, key);
        sipveil_trust_table *table = world_table("", text);
        sipveil_domain_certificate c = good_certificate();
        assert_int_equal(judge_certificate(table, &c, false, WORLD_NOW).trusted, key != 3);
        c.chain_until = WORLD_NOW + 50; /* by its own key it stands alone */
        sipveil_trust_verdict late = judge_certificate(table, &c, false, WORLD_NOW + 51);
        assert_int_equal(late.trusted, key == 1);
        if (key == 1) assert_int_equal(late.valid_until, WORLD_NOW + 100);
        c.chain_ok = false; /* what it hangs on is no longer known: its own key must be the one */
        assert_int_equal(judge_certificate(table, &c, false, WORLD_NOW).trusted, key == 1);
        sipveil_trust_table_free(table);
    }
}

/* TRU-46, TRU-48: a node's signature counts only where the row says so. */
static void believes_signers_by_row(void **state)
{
    static const char row[] = "[partner biloxi]\ndomains = biloxi.example\nprotection = smime\ntrust_in = yes\n";
    sipveil_trust_table *table = world_table("", row), *without = world_table("", WORLD_PARTNERS);
    sipveil_domain_certificate c = good_certificate();
    (void)state;
    sipveil_trust_verdict v = judge_certificate(table, &c, true, WORLD_NOW);
    assert_true(v.trusted);
    assert_int_equal(v.protection, SIPVEIL_TRUST_BY_SMIME);
    assert_int_equal(judge_certificate(without, &c, true, WORLD_NOW).reasons, INSECURE | LEVEL);
    /* TRU-30: what goes to it is not protected by what it has signed. */
    const sipveil_trust_peer peer = {.size = sizeof peer, .transport = SIPVEIL_TRUST_UDP, .signer = &c};
    sipveil_trust_table *both = world_table("", "[partner biloxi]\ndomains = biloxi.example\nprotection = smime\ntrust_in = yes\ntrust_out = yes\n");
    sipveil_trust_judge_peer(both, SIPVEIL_TRUST_PROFILE_TABLE, SIPVEIL_TRUST_OUT, SV_SPAN("biloxi.example"), &peer, WORLD_NOW,
                             &v);
    assert_int_equal(v.reasons, CERT | INSECURE | LEVEL);
    sipveil_trust_table_free(both);
    static const sipveil_span stranger[] = {{(const uint8_t *)"stranger.example", 16}};
    c.names = stranger;
    assert_false(judge_certificate(table, &c, true, WORLD_NOW).trusted);
    sipveil_trust_table_free(table);
    table = world_table("level = 2\n", row); /* never the signature of a stranger */
    assert_false(judge_certificate(table, &c, true, WORLD_NOW).trusted);
    sipveil_trust_table_free(table);
    sipveil_trust_table_free(without);
}

/* TRU-08: TLS before IPsec before S/MIME. */
static void prefers_by_order(void **state)
{
    sipveil_trust_table *table = world_table("", "[partner b]\ndomains = biloxi.example\nprotection = smime ipsec tls-mutual\ntrust_in = yes\n");
    sipveil_domain_certificate c = good_certificate();
    sipveil_trust_verdict v;
    sipveil_trust_peer peer = {.size = sizeof peer, .transport = SIPVEIL_TRUST_TLS, .certificate = &c, .sa = "biloxi.example", .signer = &c};
    (void)state;
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, IN, sv_span(NULL, 0), &peer, WORLD_NOW, &v);
    assert_int_equal(v.protection, SIPVEIL_TRUST_BY_TLS);
    peer.certificate = NULL;
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, IN, sv_span(NULL, 0), &peer, WORLD_NOW, &v);
    assert_int_equal(v.protection, SIPVEIL_TRUST_BY_IPSEC);
    peer.sa = "other.example";
    sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_TABLE, IN, sv_span(NULL, 0), &peer, WORLD_NOW, &v);
    assert_int_equal(v.protection, SIPVEIL_TRUST_BY_SMIME);
    sipveil_trust_table_free(table);
}

/* TRU-18 */
static void names_reasons(void **state)
{
    static const char *const names[] = {"NO_ROW", "IP_MISMATCH", "NO_CERT", "NAME_MISMATCH", "EXPIRED", "LEVEL", "DIRECTION", "INSECURE"};
    (void)state;
    for (unsigned i = 0; i < 8; i++) assert_string_equal(sipveil_trust_reason_name(1u << i), names[i]);
    assert_string_equal(sipveil_trust_reason_name(0), "");
    assert_string_equal(sipveil_trust_reason_name(256), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),           cmocka_unit_test(demands_confidentiality), cmocka_unit_test(lowers_the_level),
        cmocka_unit_test(trusts_the_gateway), cmocka_unit_test(says_when_to_close),    cmocka_unit_test(holds_until),
        cmocka_unit_test(judges_certificates), cmocka_unit_test(keeps_to_the_anchors_of_the_row),
        cmocka_unit_test(believes_signers_by_row), cmocka_unit_test(prefers_by_order), cmocka_unit_test(names_reasons),
    };
    return cmocka_run_group_tests_name("verdicts on hops", tests, NULL, NULL);
}
