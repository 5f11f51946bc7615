/* SPDX-License-Identifier: BSD-2-Clause */
/* ipsec-3gpp: entries, offers, keys, associations, and the commands that come of them. */
#include "agree/ipsec_3gpp.h"

#include "crypto/fixture.h"

enum { ROOM = 16384 };

#define IK "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define CK "101112131415161718191a1b1c1d1e1f"
#define UE "spi-c=1001;spi-s=1002;port-c=5101;port-s=5102"
#define PCSCF "spi-c=2001;spi-s=2002;port-c=6101;port-s=6102"

/* The parameters of one entry, as the reader of lists finds them. */
static sv_ipsec_entry entry_of(const char *text)
{
    static sv_mechanism_list list;
    static char value[512];
    sipveil_error err;
    snprintf(value, sizeof value, "ipsec-3gpp;%s", text);
    if (sv_mechanisms_read(sv_span_str(value), "test", &list, &err) != SIPVEIL_OK) fail_msg("%s: %s", value, err.text);
    assert_int_equal(list.count, 1);
    return sv_ipsec_read(&list.items[0]);
}

static sv_ims_keys ims_keys(void)
{
    sv_ims_keys keys;
    sipveil_error err;
    assert_int_equal(sv_ims_keys_read(SV_SPAN("IK\t" IK "\nCK\t" CK "\n"), &keys, &err), SIPVEIL_OK);
    return keys;
}

/* AGR-56: any order of parameters, withdrawn algorithms read and marked; names and tokens without case. */
static void entries_are_read(void **state)
{
    (void)state;
    sv_ipsec_entry a = entry_of("port-s=1357;SPI-S=12345678;port-c=2468;alg=HMAC-SHA-1-96;spi-c=23456789;ealg=aes-cbc;mod=UDP-enc-tun;q=0.1;x=y");
    assert_true(a.alg == SV_IPSEC_HMAC_SHA_1_96 && a.ealg == SV_IPSEC_AES_CBC && a.mode == SV_IPSEC_UDP_TUNNEL);
    assert_true(a.end.spi_c == 23456789 && a.end.spi_s == 12345678 && a.end.port_c == 2468 && a.end.port_s == 1357);
    assert_true(a.annex_h && !a.appendix_a && !a.bad && !a.unknown && !a.ah && !sv_ipsec_is_weak(&a));
    /* The names of RFC 3329 appendix A. */
    a = entry_of("alg=hmac-md5-96;prot=esp;mod=trans;ealg=des-ede3-cbc;spi=0000005000;port1=5062;port2=5063");
    assert_true(a.appendix_a && !a.annex_h && a.end.spi_s == 5000 && a.end.port_s == 5062 && a.end.port_c == 5063);
    assert_true(sv_ipsec_is_weak(&a));
    a = entry_of("alg=hmac-sha-1-96;" UE);
    assert_true(a.ealg == SV_IPSEC_EALG_NULL && a.mode == SV_IPSEC_TRANSPORT);
}

static const struct {
    const char *entry;
    sipveil_code code, when_weak_is_allowed;
    const char *rule;
} checks[] = {
    {"alg=hmac-sha-1-96;" UE, SIPVEIL_OK, SIPVEIL_OK, ""},
    {"alg=hmac-sha-1-96;ealg=null;prot=esp;mod=trans;" UE, SIPVEIL_OK, SIPVEIL_OK, ""},
    {"alg=hmac-sha-1-96;spi=256;port1=5062", SIPVEIL_OK, SIPVEIL_OK, ""},
    {"alg=hmac-sha-1-96;spi-c=4294967295;spi-s=256;port-c=65535;port-s=1", SIPVEIL_OK, SIPVEIL_OK, ""},
    /* AGR-09: numbers */
    {"alg=hmac-sha-1-96;spi-c=4294967296;spi-s=256;port-c=1;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-c=00000001001;spi-s=256;port-c=1;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-c=255;spi-s=256;port-c=1;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-c=256;spi-s=255;port-c=1;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-c=256;spi-s=256;port-c=1;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-c=256;spi-s=257;port-c=2;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-c=256;spi-s=257;port-c=0;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-c=256;spi-s=257;port-c=65536;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-c=256;spi-s=0x101;port-c=1;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-c;spi-s=256;port-c=1;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-s=256;port-c=1;port-s=2", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi-c=256;spi-s=257;port-c=1", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi=256", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96;spi=256;" UE, SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    {"alg=hmac-sha-1-96", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED, "AGR-09"},
    /* AGR-55: which go together */
    {"alg=null;ealg=aes-gcm;" UE, SIPVEIL_OK, SIPVEIL_OK, ""},
    {"alg=aes-gmac;ealg=null;" UE, SIPVEIL_OK, SIPVEIL_OK, ""},
    {"alg=aes-gmac;" UE, SIPVEIL_OK, SIPVEIL_OK, ""},
    {"alg=hmac-sha-1-96;ealg=aes-cbc;" UE, SIPVEIL_OK, SIPVEIL_OK, ""},
    {"alg=null;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    {"alg=null;ealg=aes-cbc;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    {"alg=aes-gmac;ealg=aes-cbc;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    {"alg=aes-gmac;ealg=aes-gcm;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    {"alg=hmac-sha-1-96;ealg=aes-gcm;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    {"ealg=aes-cbc;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    {UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    {"alg=hmac-sha-256;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    {"alg=hmac-sha-1-96;prot=ah;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    {"alg=hmac-sha-1-96;prot=sctp;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    {"alg=hmac-sha-1-96;mod=beet;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
    /* AGR-56: withdrawn */
    {"alg=hmac-md5-96;" UE, SIPVEIL_POLICY, SIPVEIL_OK, "AGR-56"},
    {"alg=hmac-md5-96;ealg=aes-cbc;" UE, SIPVEIL_POLICY, SIPVEIL_OK, "AGR-56"},
    {"alg=hmac-sha-1-96;ealg=des-ede3-cbc;" UE, SIPVEIL_POLICY, SIPVEIL_OK, "AGR-56"},
    {"alg=hmac-md5-96;ealg=des-ede3-cbc;" UE, SIPVEIL_POLICY, SIPVEIL_OK, "AGR-56"},
    {"alg=hmac-md5-96;ealg=aes-gcm;" UE, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED, "AGR-55"},
};

static void entries_that_can_be_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        sv_ipsec_entry entry = entry_of(checks[i].entry);
        sipveil_error err = {.code = SIPVEIL_OK};
        sipveil_code code = sv_ipsec_check(&entry, false, &err);
        if (code != checks[i].code) fail_msg("%s: %s %s", checks[i].entry, sipveil_code_name(code), err.text);
        assert_string_equal(code == SIPVEIL_OK ? "" : err.rule, checks[i].rule);
        if (sv_ipsec_check(&entry, true, &err) != checks[i].when_weak_is_allowed) fail_msg("%s, weak", checks[i].entry);
    }
}

/* AGR-51: an entry for each pair, all with the same SPIs and ports, and each can be run. */
static void an_offer(void **state)
{
    (void)state;
    static const char strong[] =
        "ipsec-3gpp;alg=null;ealg=aes-gcm;" UE ", ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;" UE
        ", ipsec-3gpp;alg=aes-gmac;ealg=null;" UE ", ipsec-3gpp;alg=hmac-sha-1-96;ealg=null;" UE;
    const sv_ipsec_end end = {1001, 1002, 5101, 5102};
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    sv_buffer out;
    sv_buffer_init(&out, arena, 256, ROOM);
    sv_ipsec_put_offer(&out, &end, false);
    assert_true(sv_equal_str(sv_buffer_span(&out), strong));
    sv_buffer_init(&out, arena, 256, ROOM);
    sv_ipsec_put_offer(&out, &end, true);
    sv_mechanism_list list;
    sipveil_error err;
    size_t weak = 0;
    assert_int_equal(sv_mechanisms_read(sv_buffer_span(&out), "offer", &list, &err), SIPVEIL_OK);
    for (size_t i = 0; i < list.count; i++) {
        sv_ipsec_entry entry = sv_ipsec_read(&list.items[i]);
        assert_int_equal(list.items[i].kind, SV_MECH_IPSEC_3GPP);
        assert_int_equal(sv_ipsec_check(&entry, true, &err), SIPVEIL_OK);
        assert_true(entry.end.spi_c == 1001 && entry.end.port_s == 5102);
        weak += sv_ipsec_is_weak(&entry);
    }
    assert_true(list.count == 8 && weak == 4);
    sv_arena_free(arena);
}

/* Random octets from a list of SPIs, then ports. */
typedef struct dice {
    const uint32_t *rolls;
    size_t at, count;
} dice;

static bool roll(void *user, uint8_t *out, size_t len)
{
    dice *d = user;
    for (size_t i = 0; i < len; i++) out[i] = 0;
    if (d->at == d->count) d->at--; /* the last one again and again */
    for (size_t i = 0; i < 4; i++) out[len - 1 - i] = (uint8_t)(d->rolls[d->at] >> 8 * i);
    d->at++;
    return true;
}

static sipveil_code make_with(const uint32_t *rolls, size_t count, const sv_ipsec_end *other, sv_ipsec_end *end,
                              sipveil_error *err)
{
    sipveil_hooks hooks;
    sipveil_context *context;
    sv_crypto *crypto;
    dice d = {rolls, 0, count};
    sipveil_hooks_default(&hooks);
    hooks.random = roll;
    hooks.user = &d;
    assert_int_equal(sipveil_context_new(&hooks, &context, err), SIPVEIL_OK);
    assert_int_equal(sv_crypto_new(context, &crypto, err), SIPVEIL_OK);
    sipveil_code code = sv_ipsec_make_end(crypto, other, end, err);
    sv_crypto_free(crypto);
    sipveil_context_free(context);
    return code;
}

/* AGR-09, AGR-53: SPIs are drawn until they differ from each other and from the other end's. */
static void spis_are_drawn(void **state)
{
    fixture *f = *state;
    static const uint32_t rolls[] = {1001 - 256, 1500 - 256, 1500 - 256, 1002 - 256, 1600 - 256, 7, 7};
    const sv_ipsec_end other = {1001, 1002, 5101, 5102};
    sv_ipsec_end end = {0};
    sipveil_error err;
    assert_int_equal(make_with(rolls, 7, &other, &end, &err), SIPVEIL_OK);
    assert_true(end.spi_c == 1500 && end.spi_s == 1600);
    assert_true(end.port_c == 49152 + 7 && end.port_s == ((49152 + 7) ^ 1));
    end = (sv_ipsec_end){.port_c = 5061, .port_s = 5062};
    assert_int_equal(make_with(rolls, 7, NULL, &end, &err), SIPVEIL_OK);
    assert_true(end.spi_c == 1001 && end.spi_s == 1500 && end.port_c == 5061 && end.port_s == 5062);
    assert_int_equal(make_with(rolls, 1, &other, &end, &err), SIPVEIL_INTERNAL);
    for (int i = 0; i < 100; i++) {
        sv_ipsec_entry entry = {.alg = SV_IPSEC_ALG_NULL, .ealg = SV_IPSEC_AES_GCM, .annex_h = true};
        assert_int_equal(sv_ipsec_make_end(f->crypto, &other, &entry.end, &err), SIPVEIL_OK);
        assert_int_equal(sv_ipsec_check(&entry, false, &err), SIPVEIL_OK);
    }
}

static const struct {
    const char *text;
    const char *says;
} bad_key_files[] = {
    {"", "has no IK"},
    {"IK\t" IK "\n", "has no CK"},
    {"CK\t" CK "\n", "has no IK"},
    {"IK\t" IK "\nIK\t" IK "\nCK\t" CK "\n", "has IK twice"},
    {"IK\t" IK "\nCK\t" CK "\nCK\t" CK "\n", "has CK twice"},
    {"IK\t" IK "00\nCK\t" CK "\n", "32 hexadecimal digits"},
    {"IK\t" "g0a1a2a3a4a5a6a7a8a9aaabacadaeaf\nCK\t" CK "\n", "32 hexadecimal digits"},
    {"IK " IK "\nCK\t" CK "\n", "neither IK"},
    {"IK\t" IK "\nCK\t" CK "\nRES\t00\n", "neither IK"},
    {"IK\t" IK "\rCK\t" CK "\n", "bare carriage return"},
};

static void key_files(void **state)
{
    (void)state;
    static const char *const good[] = {"IK\t" IK "\nCK\t" CK "\n", "# AKA\r\nck\t" CK "\r\n\r\nik\t" IK};
    sv_ims_keys keys;
    sipveil_error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(sv_ims_keys_read(sv_span_str(good[i]), &keys, &err), SIPVEIL_OK);
        assert_octets(keys.ik, hex(IK));
        assert_octets(keys.ck, hex(CK));
    }
    for (size_t i = 0; i < sizeof bad_key_files / sizeof *bad_key_files; i++) {
        static const sv_ims_keys none;
        assert_int_equal(sv_ims_keys_read(sv_span_str(bad_key_files[i].text), &keys, &err), SIPVEIL_USAGE);
        if (strstr(err.text, bad_key_files[i].says) == NULL) fail_msg("%s: %s", bad_key_files[i].text, err.text);
        assert_null(strstr(err.text, "a0a1"));
        assert_memory_equal(&keys, &none, sizeof keys);
    }
}

static const struct {
    sv_ipsec_alg alg;
    sv_ipsec_ealg ealg;
    const char *integrity, *encryption, *salt;
} derivations[] = {
    {SV_IPSEC_HMAC_SHA_1_96, SV_IPSEC_EALG_NULL, IK "00000000", "", ""},
    {SV_IPSEC_HMAC_SHA_1_96, SV_IPSEC_AES_CBC, IK "00000000", CK, ""},
    {SV_IPSEC_HMAC_MD5_96, SV_IPSEC_DES_EDE3_CBC, IK, "101013131515161619191a1a1c1c1f1f1010131315151616", ""},
    /* The last 32 of the 256 bits that hmac (Python) and openssl dgst -mac HMAC give. */
    {SV_IPSEC_AES_GMAC, SV_IPSEC_EALG_NULL, IK, "", "96a3156f"},
    {SV_IPSEC_ALG_NULL, SV_IPSEC_AES_GCM, "", CK, "8edbc5e5"},
};

/* AGR-54 */
static void keys_are_derived(void **state)
{
    fixture *f = *state;
    sv_ims_keys keys = ims_keys();
    for (size_t i = 0; i < sizeof derivations / sizeof *derivations; i++) {
        sv_ipsec_keys out;
        sipveil_error err;
        assert_int_equal(sv_ipsec_derive(f->crypto, derivations[i].alg, derivations[i].ealg, &keys, &out, &err), SIPVEIL_OK);
        assert_int_equal(out.integrity_length, strlen(derivations[i].integrity) / 2);
        assert_int_equal(out.encryption_length, strlen(derivations[i].encryption) / 2);
        assert_int_equal(out.has_salt, derivations[i].salt[0] != '\0');
        assert_octets(out.integrity, hex(derivations[i].integrity));
        assert_octets(out.encryption, hex(derivations[i].encryption));
        assert_octets(out.salt, hex(derivations[i].salt));
    }
}

/* AGR-53: four one-way associations, each with the SPI that its receiver chose. */
static void four_associations(void **state)
{
    (void)state;
    static const sv_ipsec_sa expected[] = {
        {true, 2002, 5101, 6102}, {false, 1001, 6102, 5101}, {false, 1002, 6101, 5102}, {true, 2001, 5102, 6101}};
    sv_ipsec_entry ue = entry_of("alg=null;ealg=aes-gcm;" UE), pcscf = entry_of("q=0.1;alg=null;ealg=aes-gcm;" PCSCF);
    sv_ipsec_set set;
    sipveil_error err;
    assert_int_equal(sv_ipsec_set_up(&ue, &pcscf, &set, &err), SIPVEIL_OK);
    assert_int_equal(set.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(set.sas[i].from_ue, expected[i].from_ue);
        assert_int_equal(set.sas[i].spi, expected[i].spi);
        assert_int_equal(set.sas[i].from_port, expected[i].from_port);
        assert_int_equal(set.sas[i].to_port, expected[i].to_port);
    }
    /* Appendix A has one SPI and two associations; without port2 the port that takes is the one that sends. */
    ue = entry_of("alg=hmac-sha-1-96;spi=1001;port1=5101;port2=5102");
    pcscf = entry_of("alg=hmac-sha-1-96;spi=2001;port1=6101");
    assert_int_equal(sv_ipsec_set_up(&ue, &pcscf, &set, &err), SIPVEIL_OK);
    assert_int_equal(set.count, 2);
    assert_true(set.sas[0].from_ue && set.sas[0].spi == 2001 && set.sas[0].from_port == 5102 && set.sas[0].to_port == 6101);
    assert_true(!set.sas[1].from_ue && set.sas[1].spi == 1001 && set.sas[1].from_port == 6101 && set.sas[1].to_port == 5101);
}

static const struct {
    const char *ue, *pcscf;
    sipveil_code code;
} no_sets[] = {
    /* AGR-53: what the UE sends could be sent back to it */
    {"alg=aes-gmac;" UE, "alg=aes-gmac;" UE, SIPVEIL_POLICY},
    {"alg=aes-gmac;" UE, "alg=aes-gmac;spi-c=1002;spi-s=2002;port-c=6101;port-s=6102", SIPVEIL_POLICY},
    {"alg=aes-gmac;" UE, "alg=aes-gmac;spi-c=2001;spi-s=1001;port-c=6101;port-s=6102", SIPVEIL_POLICY},
    {"alg=aes-gmac;spi=1001;port1=1", "alg=aes-gmac;spi=1001;port1=2", SIPVEIL_POLICY},
    /* Not what was offered */
    {"alg=aes-gmac;" UE, "alg=hmac-sha-1-96;" PCSCF, SIPVEIL_UNSUPPORTED},
    {"alg=hmac-sha-1-96;ealg=aes-cbc;" UE, "alg=hmac-sha-1-96;" PCSCF, SIPVEIL_UNSUPPORTED},
    {"alg=aes-gmac;mod=UDP-enc-tun;" UE, "alg=aes-gmac;" PCSCF, SIPVEIL_UNSUPPORTED},
    {"alg=aes-gmac;" UE, "alg=aes-gmac;spi=2001;port1=6101", SIPVEIL_UNSUPPORTED},
};

static void sets_that_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof no_sets / sizeof *no_sets; i++) {
        sv_ipsec_entry ue = entry_of(no_sets[i].ue), pcscf = entry_of(no_sets[i].pcscf);
        sv_ipsec_set set;
        sipveil_error err;
        assert_int_equal(sv_ipsec_set_up(&ue, &pcscf, &set, &err), no_sets[i].code);
        assert_string_equal(err.rule, "AGR-53");
        assert_int_equal(set.count, 0);
    }
}

/* What a client can run of a server's list: what can be run at all, and what it offered itself. */
static void a_client_finds_its_pair(void **state)
{
    (void)state;
    static const char ours[] = "tls, ipsec-3gpp;alg=hmac-md5-96;" UE ", ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;" UE
                               ", ipsec-3gpp;alg=aes-gmac;" UE;
    static const struct {
        const char *server;
        sipveil_code code, when_weak_is_allowed;
    } cases[] = {
        {"ipsec-3gpp;q=0.1;alg=aes-gmac;" PCSCF, SIPVEIL_OK, SIPVEIL_OK},
        {"ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;" PCSCF, SIPVEIL_OK, SIPVEIL_OK},
        {"ipsec-3gpp;alg=hmac-md5-96;" PCSCF, SIPVEIL_POLICY, SIPVEIL_OK},
        {"ipsec-3gpp;alg=null;ealg=aes-gcm;" PCSCF, SIPVEIL_UNSUPPORTED, SIPVEIL_UNSUPPORTED},
        {"ipsec-3gpp;alg=aes-gmac;" UE, SIPVEIL_POLICY, SIPVEIL_POLICY},
        {"ipsec-3gpp;alg=aes-gmac", SIPVEIL_MALFORMED, SIPVEIL_MALFORMED},
    };
    static sv_mechanism_list own, server;
    sv_ipsec_set set;
    sipveil_error err;
    assert_int_equal(sv_mechanisms_read(SV_SPAN(ours), "ours", &own, &err), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sv_mechanisms_read(sv_span_str(cases[i].server), "server", &server, &err), SIPVEIL_OK);
        assert_int_equal(sv_ipsec_agree(&own, &server.items[0], false, &set, &err), cases[i].code);
        assert_int_equal(set.count, cases[i].code == SIPVEIL_OK ? 4 : 0);
        assert_int_equal(sv_ipsec_agree(&own, &server.items[0], true, &set, &err), cases[i].when_weak_is_allowed);
    }
    assert_int_equal(sv_mechanisms_read(SV_SPAN("tls"), "ours", &own, &err), SIPVEIL_OK);
    assert_int_equal(sv_mechanisms_read(sv_span_str(cases[0].server), "server", &server, &err), SIPVEIL_OK);
    assert_int_equal(sv_ipsec_agree(&own, &server.items[0], true, &set, &err), SIPVEIL_UNSUPPORTED);
}

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal;
        bool v6;
    } good[] = {{"192.0.2.7", "192.0.2.7", false}, {"[2001:DB8:0::1]", "2001:db8::1", true}, {"2001:db8::1", "2001:db8::1", true}};
    static const char *const bad[] = {"", "pcscf.example", "192.0.2.300", "192.0.2", "[192.0.2.7", "$(reboot)", "192.0.2.7;x",
                                      "[2001:db8::1%eth0]", "0000000000000000000000000000000000000000000000001"};
    sv_ip_address address;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(sv_ip_address_read(sv_span_str(good[i].text), &address));
        assert_string_equal(address.text, good[i].normal);
        assert_int_equal(address.v6, good[i].v6);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(sv_ip_address_read(sv_span_str(bad[i]), &address));
        assert_string_equal(address.text, "");
    }
}

static char *commands(fixture *f, sv_arena *arena, const char *pair, bool at_pcscf, bool with_addresses)
{
    sv_buffer out;
    sv_ipsec_set set;
    sv_ipsec_keys derived;
    sipveil_error err;
    sv_xfrm_view view = {.at_pcscf = at_pcscf};
    sv_ims_keys keys = ims_keys();
    char ue[256], pcscf[256];
    snprintf(ue, sizeof ue, "%s;" UE, pair);
    snprintf(pcscf, sizeof pcscf, "%s;" PCSCF, pair);
    sv_ipsec_entry ue_entry = entry_of(ue), pcscf_entry = entry_of(pcscf);
    assert_int_equal(sv_ipsec_set_up(&ue_entry, &pcscf_entry, &set, &err), SIPVEIL_OK);
    assert_int_equal(sv_ipsec_derive(f->crypto, set.alg, set.ealg, &keys, &derived, &err), SIPVEIL_OK);
    if (with_addresses) {
        assert_true(sv_ip_address_read(SV_SPAN("192.0.2.1"), &view.ue));
        assert_true(sv_ip_address_read(SV_SPAN("192.0.2.2"), &view.pcscf));
    }
    sv_buffer_init(&out, arena, 1024, ROOM);
    sv_xfrm_put(&out, &set, &view, &derived);
    assert_int_equal(sv_buffer_check(&out, "agree", &err), SIPVEIL_OK);
    return sv_arena_string(arena, sv_buffer_span(&out));
}

#define POLICY(from, to, protocol, sport, dport, dir, spi, reqid)                                                      \
    "ip xfrm policy add src " from " dst " to " proto " protocol " sport " sport " dport " dport " dir " dir " tmpl src " from \
    " dst " to " proto esp spi " spi " reqid " reqid " mode transport\n"
#define POLICIES(from, to, sport, dport, dir, spi, reqid)                                                              \
    POLICY(from, to, "udp", sport, dport, dir, spi, reqid) POLICY(from, to, "tcp", sport, dport, dir, spi, reqid)
#define A "192.0.2.1"
#define B "192.0.2.2"

static void the_commands_of_a_ue(void **state)
{
    fixture *f = *state;
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    static const char keys[] = " auth-trunc 'hmac(sha1)' 0x" IK "00000000 96 enc 'cbc(aes)' 0x" CK "\n";
    char expected[ROOM];
    snprintf(expected, sizeof expected,
             "ip xfrm state add src " A " dst " B " proto esp spi 0x000007d2 reqid 2002 mode transport%s"
             "ip xfrm state add src " B " dst " A " proto esp spi 0x000003e9 reqid 1001 mode transport replay-window 32%s"
             "ip xfrm state add src " B " dst " A " proto esp spi 0x000003ea reqid 1002 mode transport replay-window 32%s"
             "ip xfrm state add src " A " dst " B " proto esp spi 0x000007d1 reqid 2001 mode transport%s"
             POLICIES(A, B, "5101", "6102", "out", "0x000007d2", "2002") POLICIES(B, A, "6102", "5101", "in", "0x000003e9", "1001")
             POLICIES(B, A, "6101", "5102", "in", "0x000003ea", "1002") POLICIES(A, B, "5102", "6101", "out", "0x000007d1", "2001"),
             keys, keys, keys, keys);
    assert_string_equal(commands(f, arena, "alg=hmac-sha-1-96;ealg=aes-cbc", false, true), expected);
    sv_arena_free(arena);
}

static void what_the_commands_say(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *pair, *part;
    } parts[] = {
        {"alg=null;ealg=aes-gcm", " aead 'rfc4106(gcm(aes))' 0x" CK "8edbc5e5 128\n"},
        {"alg=aes-gmac", " aead 'rfc4543(gcm(aes))' 0x" IK "96a3156f 128\n"},
        {"alg=hmac-sha-1-96", " 96 enc 'ecb(cipher_null)' ''\n"},
        {"alg=hmac-md5-96;ealg=des-ede3-cbc", " auth-trunc 'hmac(md5)' 0x" IK " 96 enc 'cbc(des3_ede)' 0x101013131515161619191a"},
        {"alg=aes-gmac;mod=UDP-enc-tun", " mode tunnel replay-window 32 aead"},
        {"alg=aes-gmac;mod=UDP-enc-tun", " 128 encap espinudp 4500 4500 0.0.0.0\n"},
        {"alg=aes-gmac;mod=tun", "reqid 1001 mode tunnel\n"},
    };
    sv_arena *arena = sv_arena_new(4096, 1 << 20);
    assert_non_null(arena);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *text = commands(f, arena, parts[i].pair, false, true);
        if (strstr(text, parts[i].part) == NULL) fail_msg("%s: %s", parts[i].pair, text);
    }
    /* At the other end the directions are the other way round, and nothing else is. */
    const char *text = commands(f, arena, "alg=aes-gmac", true, true);
    assert_non_null(strstr(text, "sport 5101 dport 6102 dir in "));
    assert_non_null(strstr(text, "sport 6102 dport 5101 dir out "));
    assert_non_null(strstr(text, "spi 0x000007d2 reqid 2002 mode transport replay-window 32 aead"));
    assert_null(strstr(text, "$"));
    text = commands(f, arena, "alg=aes-gmac", false, false);
    assert_non_null(strstr(text, ": \"${PCSCF:?the address of the P-CSCF"));
    assert_non_null(strstr(text, "ip xfrm state add src \"$UE\" dst \"$PCSCF\" proto esp"));
    sv_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_read), cmocka_unit_test(entries_that_can_be_run), cmocka_unit_test(an_offer),
        cmocka_unit_test(spis_are_drawn), cmocka_unit_test(key_files), cmocka_unit_test(keys_are_derived),
        cmocka_unit_test(four_associations), cmocka_unit_test(sets_that_are_refused), cmocka_unit_test(a_client_finds_its_pair), cmocka_unit_test(addresses),
        cmocka_unit_test(the_commands_of_a_ue), cmocka_unit_test(what_the_commands_say),
    };
    return cmocka_run_group_tests_name("ipsec-3gpp", tests, fixture_setup, fixture_teardown);
}
