/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a partner table: what is taken, what is refused and where, the effective table (TRU-03, TRU-10 to TRU-12). */
#include "world.h"

#include "trust/table.h"

#define DOMAIN "[trust-domain]\nno_privacy = remove\n"
#define PARTNER "[partner p]\ndomains = p.example\nprotection = ipsec\n"

typedef struct refusal {
    const char *name, *text;
    const char *said; /* begins with the place */
} refusal;

static const refusal refusals[] = {
    /* TRU-03 */
    {"no trust domain", PARTNER, "t:1: there is no [trust-domain] section"},
    {"TRU-03 (e) missing", "# x\n[trust-domain]\nname = home.example\n", "t:2: [trust-domain] lacks no_privacy"},
    {"two trust domains", DOMAIN "[trust-domain]\n", "t:3: [trust-domain] stands in t:1 already"},
    /* TRU-12 */
    {"overlapping domains", DOMAIN PARTNER "[partner q]\ndomains = q.example\n  P.Example\nprotection = ipsec\n",
     "t:7: [partner q] names p.example, which [partner p] (t:3) has"},
    {"a certificate name of another's domain", DOMAIN PARTNER "[partner q]\ndomains = q.example\ncert_names = p.example\nprotection = ipsec\n",
     "t:8: [partner q] names p.example, which [partner p] (t:3) has"},
    {"the same domain twice in one row", DOMAIN "[partner p]\ndomains = p.example P.example\nprotection = ipsec\n",
     "t:4: [partner p] names p.example, which [partner p] (t:3) has"},
    {"no protection", DOMAIN "[partner p]\ndomains = p.example\n", "t:3: [partner p] lacks protection"},
    {"empty protection", DOMAIN "[partner p]\ndomains = p.example\nprotection =\n", "t:5: protection: there is no value"},
    {"trust at level 1", DOMAIN PARTNER "level = 1\ntrust_in = yes\n", "t:6: [partner p] is trusted at level 1"},
    {"a wide IPv4 range", DOMAIN PARTNER "ip = 10.0.0.0/7\n", "t:6: ip: '10.0.0.0/7' is wider than /8"},
    {"a wide IPv6 range", DOMAIN PARTNER "ip = 2000::/3\n", "t:6: ip: '2000::/3' is wider than /16"},
    {"all of IPv4 as IPv6", DOMAIN PARTNER "ip = ::ffff:0:0/96\n", "t:6: ip: '::ffff:0:0/96' is wider than /104"},
    {"an IPv6 range with all of IPv4 in it", DOMAIN PARTNER "ip = ::/16\n", "t:6: ip: '::/16' is wider than /104"},
    {"a wildcard", DOMAIN "[partner p]\ndomains = *.p.example\nprotection = ipsec\n", "t:4: domains: '*.p.example' holds a wildcard"},
    {"a wildcard for certificates", DOMAIN PARTNER "cert_names = *.p.example\n", "t:6: cert_names: '*.p.example' holds a wildcard"},
    /* form */
    {"no domains", DOMAIN "[partner p]\nprotection = ipsec\n", "t:3: [partner p] lacks domains"},
    {"an address for a domain", DOMAIN "[partner p]\ndomains = 192.0.2.1\nprotection = ipsec\n", "t:4: domains: '192.0.2.1' is no domain name"},
    {"a domain with a dot at its end", DOMAIN "[partner p]\ndomains = p.example.\nprotection = ipsec\n", "t:4: domains: 'p.example.' is no domain name"},
    {"a domain with an empty label", DOMAIN "[partner p]\ndomains = p..example\nprotection = ipsec\n", "t:4: domains: 'p..example' is no domain name"},
    {"host bits in a range", DOMAIN PARTNER "ip = 192.0.2.7/24\n", "t:6: ip: '192.0.2.7/24' has bits set beyond its length"},
    {"no address", DOMAIN PARTNER "ip = 192.0.2\n", "t:6: ip: '192.0.2' is no address range"},
    {"an octal address", DOMAIN PARTNER "ip = 192.0.2.010\n", "t:6: ip: '192.0.2.010' is no address range"},
    {"a length too long", DOMAIN PARTNER "ip = 192.0.2.0/33\n", "t:6: ip: '192.0.2.0/33' is no address range"},
    {"a length with a sign", DOMAIN PARTNER "ip = 192.0.2.0/+24\n", "t:6: ip: '192.0.2.0/+24' is no address range"},
    {"an unknown key", DOMAIN PARTNER "trust = yes\n", "t:6: [partner] has no key 'trust'"},
    {"a key of the other section", DOMAIN PARTNER "strip = X\n", "t:6: [partner] has no key 'strip'"},
    {"a key twice", DOMAIN PARTNER "trust_in = yes\ntrust_in = no\n", "t:7: trust_in stands in line 6 already"},
    {"a partner twice", DOMAIN PARTNER "[partner P]\ndomains = q.example\nprotection = ipsec\n", "t:6: [partner P] stands in t:3 already"},
    {"a word that is none", DOMAIN PARTNER "trust_in = maybe\n", "t:6: trust_in: 'maybe' is none of yes, no"},
    {"a protection that is none", DOMAIN "[partner p]\ndomains = p.example\nprotection = tls\n",
     "t:5: protection: 'tls' is none of tls-mutual, ipsec, smime"},
    {"a level that is none", DOMAIN PARTNER "level = 4\n", "t:6: level: '4' is no level from 0 to 3"},
    {"a time that is none", DOMAIN PARTNER "valid_to = 2026-02-31\n", "t:6: valid_to: '2026-02-31' is no time"},
    {"a time without zone", DOMAIN PARTNER "valid_to = 2026-02-01T10:00:00\n", "t:6: valid_to: '2026-02-01T10:00:00' is no time"},
    {"an end before the beginning", DOMAIN PARTNER "valid_from = 2027-01-01\nvalid_to = 2026-01-01\n", "t:7: [partner p] ends before it begins"},
    {"a protection that the domain does not allow", "[trust-domain]\nno_privacy = remove\nbetween_nodes = tls-mutual\n" PARTNER,
     "t:6: [partner p] has a protection that between_nodes"},
    {"a key in no section", "no_privacy = remove\n", "t:1: no_privacy stands in no section"},
    {"a section of no kind", DOMAIN "[peer p]\n", "t:3: no section of that kind: peer"},
    {"a partner without a name", DOMAIN "[partner ]\n", "t:3: not the name of a partner"},
    {"a name with a blank", DOMAIN "[partner a b]\n", "t:3: not the name of a partner"},
    {"no assignment", DOMAIN "hello\n", "t:3: neither a section nor key = value nor a comment"},
    {"a line that goes on nothing", "  no_privacy = remove\n", "t:1: nothing to go on"},
    {"a comma too many", DOMAIN "[partner p]\ndomains = p.example,\nprotection = ipsec\n", "t:4: domains:"},
    {"an octet that is no text", DOMAIN "[partner p]\ndomains = p\x01.example\nprotection = ipsec\n", "t:4: domains has an octet"},
    {"an include that nobody reads", DOMAIN "include = x\n", "t:3: files are not included here"},
    {"an anchor that nobody reads", DOMAIN PARTNER "anchors = ca.pem\n", "t:6: anchors: files of anchors are not read here"},
    {"a hash that is none", DOMAIN PARTNER "anchors = sha256:00\n", "t:6: anchors: 'sha256:00' is not sha256:"},
    {"strict_border elsewhere", DOMAIN "strict_border = yes\n", "t:3: strict_border belongs to profile mm-border"},
    {"a service without host", DOMAIN "privacy_service = user\n", "t:3: privacy_service needs service_host"},
    {"a service that this is not", DOMAIN "privacy_service = session\nservice_host = a.example\n", "t:3: privacy_service: session needs an anonymiser"},
    {"a field that is not for a list (TRU-36)", DOMAIN "strip = P-Charging-Vector Identity\n", "t:3: strip: 'Identity' cannot be stripped"},
    {"Privacy in the list (TRU-26)", DOMAIN "strip = Privacy\n", "t:3: strip: 'Privacy' cannot be stripped"},
    {"no field", DOMAIN "strip = a:b\n", "t:3: strip: 'a:b' is no header field"},
};

static void refuses_with_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        sipveil_trust_table *table = (sipveil_trust_table *)1;
        sipveil_error err;
        sipveil_code code = sipveil_trust_table_read(sv_span_str(refusals[i].text), "t", NULL, &table, &err);
        if (code != SIPVEIL_USAGE || table != NULL) fail_msg("%s: code %d", refusals[i].name, code);
        if (strncmp(err.text, refusals[i].said, strlen(refusals[i].said)) != 0) fail_msg("%s: %s", refusals[i].name, err.text);
    }
}

typedef struct complaints {
    size_t count;
    char texts[8][200];
} complaints;

static void complain(void *user, const sipveil_error *why)
{
    complaints *all = user;
    if (all->count < 8) snprintf(all->texts[all->count], sizeof all->texts[0], "%.199s", why->text);
    all->count++;
}

static void tells_every_mistake(void **state)
{
    complaints all = {0};
    sipveil_trust_table *table;
    sipveil_error err;
    const sipveil_trust_table_options options = {.size = sizeof options, .user = &all, .complain = complain};
    (void)state;
    static const char text[] = "[trust-domain]\n[partner a]\ndomains = *.a\nip = 1.2.3\nnonsense\n[partner b]\n";
    assert_int_equal(sipveil_trust_table_read(SV_SPAN(text), "t", &options, &table, &err), SIPVEIL_USAGE);
    assert_int_equal(all.count, 7); /* what has a wrong value is not missing too */
    assert_string_equal(all.texts[0], err.text);
    assert_non_null(strstr(all.texts[2], "t:5: neither a section"));
    assert_non_null(strstr(all.texts[3], "t:1: [trust-domain] lacks no_privacy"));
}

/* TRU-12: a file of another kind is told about once, and not line by line; a section that follows is read as ever. */
static void tells_once_that_it_is_no_table(void **state)
{
    static const struct {
        const char *text;
        size_t count;
        const char *last;
    } rows[] = {{"-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\n-----END PRIVATE KEY-----\n", 2, "there is no [trust-domain] section"},
                {"# a table\nx\ny\n[trust-domain]\nno_privacy = keep\nz\nlevel = 9\n", 3, "t:7: level: '9'"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        complaints all = {0};
        sipveil_trust_table *table;
        const sipveil_trust_table_options options = {.size = sizeof options, .user = &all, .complain = complain};
        assert_int_equal(sipveil_trust_table_read(sv_span_str(rows[i].text), "t", &options, &table, NULL), SIPVEIL_USAGE);
        assert_int_equal(all.count, rows[i].count);
        assert_non_null(strstr(all.texts[0], "neither a section"));
        assert_non_null(strstr(all.texts[all.count - 1], rows[i].last));
    }
}

/* ---- includes ---- */

static sipveil_code read_file(void *user, const char *named, const char *from, sipveil_span *text, const char **name, sipveil_error *err)
{
    (void)user;
    *name = strcmp(named, "b.conf") == 0 ? "dir/b.conf" : named;
    if (strcmp(named, "loop.conf") == 0) *text = SV_SPAN("include = loop.conf\n");
    else if (strcmp(named, "b.conf") == 0) *text = SV_SPAN("\n[partner b]\ndomains = b.example\nprotection = ipsec\n");
    else if (strcmp(named, "bad.conf") == 0) *text = SV_SPAN("[partner c]\nprotection = ipsec\n\nip = x\n");
    else {
        snprintf(err->text, sizeof err->text, "%s: not there, says %s", named, from);
        return err->code = SIPVEIL_IO;
    }
    return SIPVEIL_OK;
}

static void reads_includes(void **state)
{
    static const struct {
        const char *file, *said;
    } cases[] = {{"bad.conf", "bad.conf:4: ip: 'x' is no address range"},
                 {"gone.conf", "t:3: include: gone.conf: not there, says t"},
                 {"loop.conf", "loop.conf:1: include: more than 8"}};
    const sipveil_trust_table_options options = {.size = sizeof options, .read = read_file};
    sipveil_trust_table *table;
    sipveil_error err;
    char *text;
    (void)state;
    assert_int_equal(sipveil_trust_table_read(SV_SPAN(DOMAIN "include = b.conf\n" PARTNER), "t", &options, &table, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_trust_table_count(table), 2);
    assert_int_equal(sipveil_trust_table_text(table, &text, &err), SIPVEIL_OK);
    assert_non_null(strstr(text, "# dir/b.conf:2\n[partner b]"));
    assert_non_null(strstr(text, "# t:4\n[partner p]"));
    sipveil_trust_text_free(text);
    sipveil_trust_table_free(table);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[128];
        snprintf(file, sizeof file, DOMAIN "include = %s\n", cases[i].file);
        assert_int_equal(sipveil_trust_table_read(sv_span_str(file), "t", &options, &table, &err), SIPVEIL_USAGE);
        if (strncmp(err.text, cases[i].said, strlen(cases[i].said)) != 0) fail_msg("%s", err.text);
    }
    /* A key after an include stands in no section. */
    assert_int_equal(sipveil_trust_table_read(SV_SPAN(DOMAIN PARTNER "include = b.conf\ntrust_in = yes\n"), "t", &options, &table, &err), SIPVEIL_USAGE);
    assert_non_null(strstr(err.text, "t:7: trust_in stands in no section"));
}

/* ---- what was read ---- */

static const char everything[] =
    "; a comment\n[trust-domain] # ours\nname=Home.Example\nprofile = ims-rel5\nno_privacy = keep\nlevel=2\nauthentication = digest, tls-flow\n"
    "between_nodes = tls-mutual smime ipsec\nbetween_ua = tls ipsec\nrules = 3325\nschemes = sip\ttel\neku_tls = yes\ngateways = za0 za1\n"
    "pai_in_responses = assert\nmust_auth = challenge\nppi_mismatch = refuse\nstrip = X-One\n  # in between\n  , X-Two\nstrip_done = yes\nstrict5379 = yes\n"
    "privacy_service = header user\nservice_host = edge.home.example:5061\n\n"
    "[partner a-1._x]\r\ndomains = A.example\r\nip = 192.0.2.0/24, 2001:DB8::/32 198.51.100.7\r\ncert_names = x.example y.example\n"
    "anchors = sha256:00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\nprotection = ipsec smime\nlevel = 2\ntrust_in = YES\ntrust_out = no\n"
    "confidential = yes\nno_privacy = remove\nfrom_level = 2\nvalid_from = 2026-01-01\nvalid_to = 2026-12-31\n";

static const char effective[] =
    "[trust-domain]\nname              = home.example\nprofile           = ims-rel5\nno_privacy        = keep\nlevel             = 2\n"
    "authentication    = digest tls-flow\nbetween_nodes     = tls-mutual ipsec smime\nbetween_ua        = tls ipsec\n"
    "rules             = 3325\nschemes           = sip tel\neku_tls           = yes\ngateways          = za0 za1\n"
    "pai_in_responses  = assert\nmust_auth         = challenge\nppi_mismatch      = refuse\nstrip             = X-One X-Two\n"
    "strip_done        = yes\nstrict5379        = yes\nstrict_border     = no\nprivacy_service   = header user\n"
    "service_host      = edge.home.example:5061\n\n# t:25\n[partner a-1._x]\ndomains           = a.example\n"
    "ip                = 192.0.2.0/24 2001:db8::/32 198.51.100.7/32\ncert_names        = x.example y.example\n"
    "anchors           = sha256:00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n"
    "protection        = ipsec smime\nlevel             = 2\ntrust_in          = yes\ntrust_out         = no\n"
    "confidential      = yes\nno_privacy        = remove\nfrom_level        = 2\nvalid_from        = 2026-01-01T00:00:00Z\n"
    "valid_to          = 2026-12-31T23:59:59Z\n";

static void writes_the_effective_table(void **state)
{
    sipveil_trust_table *table, *again;
    sipveil_error err;
    char *text, *second;
    (void)state;
    if (sipveil_trust_table_read(SV_SPAN(everything), "t", NULL, &table, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    assert_int_equal(sipveil_trust_table_text(table, &text, &err), SIPVEIL_OK);
    assert_string_equal(text, effective);
    if (sipveil_trust_table_read(sv_span_str(text), "u", NULL, &again, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    assert_int_equal(sipveil_trust_table_text(again, &second, &err), SIPVEIL_OK);
    assert_string_equal(strstr(second, "\n[partner"), strstr(text, "\n[partner"));
    sipveil_trust_text_free(text);
    sipveil_trust_text_free(second);
    sipveil_trust_table_free(table);
    sipveil_trust_table_free(again);
}

/* TRU-10: the default list; none; TRU-03: every default written out. */
static void has_defaults(void **state)
{
    sipveil_trust_table *table = world_table("", WORLD_PARTNERS);
    char *text;
    (void)state;
    assert_int_equal(sipveil_trust_table_text(table, &text, NULL), SIPVEIL_OK);
    assert_non_null(strstr(text, "strip             = P-Associated-URI P-Called-Party-ID P-Visited-Network-ID P-Access-Network-Info "
                                 "P-Charging-Function-Addresses P-Charging-Vector\n"));
    assert_non_null(strstr(text, "profile           = rfc3325\n"));
    assert_non_null(strstr(text, "trust_out         = no\n"));
    assert_non_null(strstr(text, "cert_names        = biloxi.example\n"));
    sipveil_trust_text_free(text);
    sipveil_trust_table_free(table);
    table = world_table("strip = none\n", "");
    assert_int_equal(sipveil_trust_table_text(table, &text, NULL), SIPVEIL_OK);
    assert_non_null(strstr(text, "strip             = none\n"));
    sipveil_trust_text_free(text);
    sipveil_trust_table_free(table);
}

static void warns_of_what_is_hardly_meant(void **state)
{
    static const struct {
        const char *extra, *partners, *said;
    } cases[] = {
        {"", PARTNER "level = 2\ntrust_in = yes\n", "partner p has level 2 where [trust-domain] asks for 3"},
        {"profile = mm-border\nstrict_border = yes\n", "", "strict_border removes P-Asserted-Identity for Privacy: none too"}, /* TRU-37 */
        {"profile = ims-rel5\n", "", "ims-rel5 believes every previous hop"}, /* TRU-07 */
        {"level = 2\n", "", "every authenticated peer is trusted"}, /* TRU-06 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_trust_table *table = world_table(cases[i].extra, cases[i].partners);
        const char *warning = sipveil_trust_table_warning(table, 0);
        assert_non_null(warning);
        assert_non_null(strstr(warning, cases[i].said));
        assert_null(sipveil_trust_table_warning(table, 1));
        sipveil_trust_table_free(table);
    }
}

/* ---- look-ups ---- */

static const char *row_of(const sv_partner *row)
{
    static char name[64];
    snprintf(name, sizeof name, "%.*s", row != NULL ? (int)row->name.len : 1, row != NULL ? (const char *)row->name.data : "-");
    return name;
}

static void finds_rows(void **state)
{
    static const char partners[] = "[partner wide]\ndomains = wide.example\nip = 10.0.0.0/8 2001:db8::/32\nprotection = ipsec\n"
                                   "[partner narrow]\ndomains = narrow.example\ncert_names = gate.narrow.example\nip = 10.1.0.0/16 10.2.3.4\n"
                                   "  2001:db8:1::/48\nprotection = ipsec\n";
    static const struct {
        const char *address, *row;
    } addresses[] = {{"10.0.0.1", "wide"}, {"10.1.2.3", "narrow"}, {"10.2.3.4", "narrow"}, {"10.2.3.5", "wide"}, {"11.0.0.1", "-"},
                     {"2001:db8::1", "wide"}, {"2001:db8:1::1", "narrow"}, {"[2001:db8:1::1]", "narrow"}, {"2001:db9::1", "-"},
                     {"::ffff:10.1.2.3", "narrow"}, {"0.0.0.0", "-"}};
    static const struct {
        const char *name, *by_domain, *by_cert_name;
    } names[] = {{"wide.example", "wide", "wide"}, {"WIDE.Example", "wide", "wide"}, {"narrow.example", "narrow", "-"},
                 {"gate.narrow.example", "-", "narrow"}, {"example", "-", "-"}, {"x.wide.example", "-", "-"}, {"", "-", "-"}};
    sipveil_trust_table *table = world_table("", partners);
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        uint8_t octets[16];
        bool v4;
        assert_true(sv_read_ip(sv_span_str(addresses[i].address), octets, &v4));
        if (strcmp(row_of(sv_table_by_address(table, octets)), addresses[i].row) != 0) fail_msg("%s", addresses[i].address);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_string_equal(row_of(sv_table_by_domain(table, sv_span_str(names[i].name))), names[i].by_domain);
        assert_string_equal(row_of(sv_table_by_cert_name(table, sv_span_str(names[i].name))), names[i].by_cert_name);
    }
    sipveil_trust_table_free(table);
}

/* ADV-203: partners behind one address are legal; the first is found, and the others cost no look-up anything. */
static void shares_ranges(void **state)
{
    uint8_t octets[16];
    bool v4;
    sipveil_trust_table *table = world_table("", "[partner one]\ndomains = one.example\nip = 10.0.0.0/24\nprotection = ipsec\n"
                                                 "[partner two]\ndomains = two.example\nip = 10.0.0.0/24 10.0.0.0/24 10.0.1.0/24\nprotection = ipsec\n");
    (void)state;
    assert_true(sv_read_ip(SV_SPAN("10.0.0.1"), octets, &v4));
    assert_string_equal(row_of(sv_table_by_address(table, octets)), "one");
    assert_true(sv_read_ip(SV_SPAN("10.0.1.1"), octets, &v4));
    assert_string_equal(row_of(sv_table_by_address(table, octets)), "two");
    assert_int_equal(table->range_count, 2);
    sipveil_trust_table_free(table);
}

/* Many partners: each is found, by each key. */
static void holds_many(void **state)
{
    enum { MANY = 3000 };
    char *text = malloc(MANY * 128 + 64), name[64];
    size_t used = (size_t)sprintf(text, DOMAIN);
    sipveil_trust_table *table;
    (void)state;
    for (int i = 0; i < MANY; i++) {
        used += (size_t)sprintf(text + used, "[partner p%d]\ndomains = d%d.example\nip = 10.%d.%d.0/24\nprotection = ipsec\n", i, i, i / 256, i % 256);
    }
    assert_int_equal(sipveil_trust_table_read(sv_span(text, used), "t", NULL, &table, NULL), SIPVEIL_OK);
    free(text);
    assert_int_equal(sipveil_trust_table_count(table), MANY);
    for (int i = 0; i < MANY; i++) {
        uint8_t octets[16];
        bool v4;
        char address[32], wanted[16];
        snprintf(name, sizeof name, "d%d.example", i);
        snprintf(address, sizeof address, "10.%d.%d.9", i / 256, i % 256);
        snprintf(wanted, sizeof wanted, "p%d", i);
        assert_true(sv_read_ip(sv_span_str(address), octets, &v4));
        assert_string_equal(row_of(sv_table_by_domain(table, sv_span_str(name))), wanted);
        assert_string_equal(row_of(sv_table_by_address(table, octets)), wanted);
    }
    sipveil_trust_table_free(table);
}

/* A reload is another table: who holds the old one keeps it whole. */
static void is_replaced_whole(void **state)
{
    sipveil_trust_table *old = world_table("", WORLD_PARTNERS), *same = world_table("", WORLD_PARTNERS);
    sipveil_trust_table *held = sipveil_trust_table_hold(old);
    sipveil_trust_table *other = world_table("", PARTNER);
    (void)state;
    assert_true(old->mark == same->mark);
    assert_true(old->mark != other->mark);
    sipveil_trust_table_free(old);
    assert_int_equal(sipveil_trust_table_count(held), 2);
    sipveil_trust_table_free(held);
    sipveil_trust_table_free(same);
    sipveil_trust_table_free(other);
    sipveil_trust_table_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_place),       cmocka_unit_test(tells_every_mistake), cmocka_unit_test(tells_once_that_it_is_no_table), cmocka_unit_test(reads_includes),
        cmocka_unit_test(writes_the_effective_table), cmocka_unit_test(has_defaults),      cmocka_unit_test(warns_of_what_is_hardly_meant),
        cmocka_unit_test(finds_rows),               cmocka_unit_test(shares_ranges), cmocka_unit_test(holds_many),          cmocka_unit_test(is_replaced_whole),
    };
    return cmocka_run_group_tests_name("the partner table", tests, NULL, NULL);
}
