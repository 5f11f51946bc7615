/* SPDX-License-Identifier: BSD-2-Clause */
/* What an application gets of ipsec-3gpp: a list to offer, the associations as a structure and as commands. */
#include "agree/ipsec_3gpp.h"

#include <stdio.h>

#include "crypto/fixture.h"
#include "sipveil/agree.h"

#define KEYS "IK\ta0a1a2a3a4a5a6a7a8a9aaabacadaeaf\nCK\t101112131415161718191a1b1c1d1e1f\n"
#define UE "spi-c=1001;spi-s=1002;port-c=5101;port-s=5102"
#define PCSCF "spi-c=2001;spi-s=2002;port-c=6101;port-s=6102"
#define CLIENT "tls, ipsec-3gpp;alg=null;ealg=aes-gcm;" UE ", ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;" UE
#define SERVER "ipsec-3gpp;q=0.1;alg=hmac-sha-1-96;ealg=aes-cbc;" PCSCF ", ipsec-3gpp;q=0.3;alg=aes-gmac;" PCSCF \
               ", tls;q=0.9, ipsec-3gpp;q=0.2;alg=null;ealg=aes-gcm;" PCSCF

static sipveil_context *context;
static sipveil_worker *worker;

static int make_worker(void **state)
{
    sipveil_error err;
    (void)state;
    assert_int_equal(sipveil_context_new(NULL, &context, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_worker_new(context, &worker, &err), SIPVEIL_OK);
    return 0;
}

static int free_worker(void **state)
{
    (void)state;
    sipveil_worker_free(worker);
    sipveil_context_free(context);
    return 0;
}

static sipveil_agree_ipsec_options options_of(const char *client, const char *server, const char *message)
{
    return (sipveil_agree_ipsec_options){.size = sizeof(sipveil_agree_ipsec_options),
                                         .client_list = sv_span_str(client),
                                         .server_list = sv_span_str(server),
                                         .ims_keys = SV_SPAN(KEYS),
                                         .message = sv_span_str(message)};
}

static const struct {
    const char *list;
    bool allow_weak;
    size_t entries, ipsec;
} lists[] = {
    {"ipsec-3gpp", false, 4, 4},
    {"tls, ipsec-3gpp", false, 5, 4},
    {"ipsec-3gpp, digest;d-alg=MD5", true, 9, 8},
    {"ipsec-3gpp;alg=aes-gmac, ipsec-3gpp;alg=null;ealg=aes-gcm", false, 2, 2},
    {"ipsec-3gpp;mod=UDP-enc-tun;alg=aes-gmac;port-c=5061;port-s=5062", false, 1, 1},
};

/* AGR-51: the same SPIs and ports in every entry, and all of them can be run. */
static void a_list_is_completed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        static sv_mechanism_list list;
        sipveil_span text;
        sipveil_error err;
        sv_ipsec_end end = {0};
        size_t ipsec = 0;
        assert_int_equal(sipveil_agree_complete_list(worker, sv_span_str(lists[i].list), lists[i].allow_weak, &text, &err),
                         SIPVEIL_OK);
        assert_int_equal(sv_mechanisms_read(text, "completed", &list, &err), SIPVEIL_OK);
        assert_int_equal(list.count, lists[i].entries);
        for (size_t k = 0; k < list.count; k++) {
            if (list.items[k].kind != SV_MECH_IPSEC_3GPP) continue;
            sv_ipsec_entry entry = sv_ipsec_read(&list.items[k]);
            if (sv_ipsec_check(&entry, lists[i].allow_weak, &err) != SIPVEIL_OK) fail_msg("%s: %s", lists[i].list, err.text);
            if (ipsec++ == 0) end = entry.end;
            assert_memory_equal(&entry.end, &end, sizeof end);
        }
        assert_int_equal(ipsec, lists[i].ipsec);
    }
    /* Ports that are given stay, and so does the rest of the entry. */
    sipveil_span text;
    sipveil_error err;
    assert_int_equal(sipveil_agree_complete_list(worker, sv_span_str(lists[4].list), false, &text, &err), SIPVEIL_OK);
    assert_true(sv_starts_nocase_str(text, "ipsec-3gpp;mod=UDP-enc-tun;alg=aes-gmac;spi-c="));
    size_t at;
    assert_true(sv_find(text, SV_SPAN(";port-c=5061;port-s=5062"), &at) && at + 24 == text.len);
}

static void a_complete_list_stays(void **state)
{
    (void)state;
    static const char *const complete[] = {"tls", CLIENT, "tls;q=0.2 , digest", "ipsec-3gpp;alg=hmac-md5-96;spi=256;port1=1"};
    sipveil_span text;
    sipveil_error err;
    for (size_t i = 0; i < sizeof complete / sizeof *complete; i++) {
        assert_int_equal(sipveil_agree_complete_list(worker, sv_span_str(complete[i]), false, &text, &err), SIPVEIL_OK);
        assert_true(sv_equal_str(text, complete[i]));
    }
    assert_int_equal(sipveil_agree_complete_list(worker, SV_SPAN("ipsec-3gpp;;"), false, &text, &err), SIPVEIL_MALFORMED);
    assert_int_equal(text.len, 0);
    assert_int_equal(sipveil_agree_complete_list(NULL, SV_SPAN("tls"), false, &text, &err), SIPVEIL_USAGE);
}

/* AGR-17, AGR-53, AGR-54: of what both have the server's highest q; tls is no association. */
static void the_associations(void **state)
{
    (void)state;
    sipveil_agree_ipsec_options options = options_of(CLIENT, SERVER, "");
    sipveil_agree_ipsec found;
    sipveil_error err;
    options.ue = "192.0.2.1";
    options.pcscf = "2001:DB8::2";
    assert_int_equal(sipveil_agree_ipsec_describe(worker, &options, &found, &err), SIPVEIL_OK);
    assert_string_equal(found.alg, "null");
    assert_string_equal(found.ealg, "aes-gcm");
    assert_string_equal(found.mode, "trans");
    assert_true(found.count == 4 && found.integrity_key.len == 0);
    assert_true(sv_equal(found.encryption_key, hex("101112131415161718191a1b1c1d1e1f")));
    assert_true(sv_equal(found.salt, hex("8edbc5e5")));
    const sipveil_agree_sa *sa = found.sas;
    assert_true(sa[0].outbound && sa[0].spi == 2002 && sa[0].from_port == 5101 && sa[0].to_port == 6102);
    assert_true(sv_equal_str(sa[0].from, "192.0.2.1") && sv_equal_str(sa[0].to, "2001:db8::2"));
    assert_true(!sa[1].outbound && sa[1].spi == 1001 && sa[1].from_port == 6102 && sa[1].to_port == 5101);
    assert_true(sv_equal_str(sa[1].from, "2001:db8::2") && sv_equal_str(sa[1].to, "192.0.2.1"));
    assert_true(!sa[2].outbound && sa[2].spi == 1002 && sa[2].from_port == 6101 && sa[2].to_port == 5102);
    assert_true(sa[3].outbound && sa[3].spi == 2001 && sa[3].from_port == 5102 && sa[3].to_port == 6101);
    options.at_pcscf = true;
    assert_int_equal(sipveil_agree_ipsec_describe(worker, &options, &found, &err), SIPVEIL_OK);
    assert_true(!found.sas[0].outbound && found.sas[1].outbound && found.sas[2].outbound && !found.sas[3].outbound);
}

#define REST                                                                                                           \
    "From: <sip:user1@home1.example>;tag=1\r\nTo: <sip:user1@home1.example>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"       \
    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
#define REGISTER(via, route) "REGISTER sip:home1.example SIP/2.0\r\nVia: SIP/2.0/UDP " via ";branch=z9hG4bK1\r\n" route REST

static const struct {
    const char *message, *ue, *pcscf;
} found_in[] = {
    {REGISTER("[2001:db8::1]:1357;comp=sigcomp", "Route: <sip:[2001:DB8::2]:7531;lr>\r\n"), "2001:db8::1", "2001:db8::2"},
    {REGISTER("192.0.2.1", "Route: \"P\" <sip:192.0.2.2;lr>, <sip:orig@s.example>\r\n"), "192.0.2.1", "192.0.2.2"},
    {REGISTER("ue.example:5060;received=198.51.100.1", ""), "198.51.100.1", ""},
    {REGISTER("ue.example", "Route: <sip:pcscf.example;lr>\r\n"), "", ""},
    {"OPTIONS sip:[2001:db8::3]:5060 SIP/2.0\r\nVia: SIP / 2.0 / TCP 192.0.2.1:99;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n"
     "To: <sip:a@a.example>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", "192.0.2.1", "2001:db8::3"},
};

static void addresses_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof found_in / sizeof *found_in; i++) {
        sipveil_agree_ipsec_options options = options_of(CLIENT, SERVER, found_in[i].message);
        sipveil_agree_ipsec found;
        sipveil_error err;
        if (sipveil_agree_ipsec_describe(worker, &options, &found, &err) != SIPVEIL_OK) fail_msg("%zu: %s", i, err.text);
        if (!sv_equal_str(found.sas[0].from, found_in[i].ue) || !sv_equal_str(found.sas[0].to, found_in[i].pcscf)) {
            fail_msg("%s: %s to %s", found_in[i].message, SV_QUOTE(found.sas[0].from), SV_QUOTE(found.sas[0].to));
        }
        /* What is given wins. */
        options.pcscf = "203.0.113.9";
        assert_int_equal(sipveil_agree_ipsec_describe(worker, &options, &found, &err), SIPVEIL_OK);
        assert_true(sv_equal_str(found.sas[0].to, "203.0.113.9"));
    }
}

static void the_commands(void **state)
{
    (void)state;
    sipveil_agree_ipsec_options options = options_of(CLIENT, SERVER, found_in[1].message);
    sipveil_span commands;
    sipveil_error err;
    size_t at;
    assert_int_equal(sipveil_agree_ipsec_commands(worker, &options, &commands, &err), SIPVEIL_OK);
    assert_true(sv_find(commands, SV_SPAN("ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x000007d2 reqid 2002 mode "
                                          "transport aead 'rfc4106(gcm(aes))' 0x101112131415161718191a1b1c1d1e1f8edbc5e5 128\n"), &at));
    assert_int_equal(at, 0);
    assert_false(sv_find_byte(commands, '$', &at));
}

static const struct {
    const char *client, *server, *keys, *ue;
    sipveil_code code;
} failures[] = {
    {CLIENT, SERVER, "IK\tff\n", NULL, SIPVEIL_USAGE},
    {CLIENT, SERVER, KEYS, "ue.example", SIPVEIL_USAGE},
    {"tls", SERVER, KEYS, NULL, SIPVEIL_UNSUPPORTED},
    {CLIENT, "tls;q=0.1", KEYS, NULL, SIPVEIL_UNSUPPORTED},
    {CLIENT, "ipsec-3gpp;alg=aes-gmac;" PCSCF, KEYS, NULL, SIPVEIL_UNSUPPORTED},
    {CLIENT, "ipsec-3gpp;alg=null;ealg=aes-gcm;" UE, KEYS, NULL, SIPVEIL_POLICY}, /* AGR-53: reflection */
    {"ipsec-3gpp;alg=hmac-md5-96;" UE, "ipsec-3gpp;alg=hmac-md5-96;" PCSCF, KEYS, NULL, SIPVEIL_POLICY}, /* AGR-56 */
    {"", SERVER, KEYS, NULL, SIPVEIL_MALFORMED},
    {CLIENT, "a;;b", KEYS, NULL, SIPVEIL_MALFORMED},
};

static void what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        sipveil_agree_ipsec_options options = options_of(failures[i].client, failures[i].server, "");
        sipveil_agree_ipsec found;
        sipveil_span commands;
        sipveil_error err;
        options.ims_keys = sv_span_str(failures[i].keys);
        options.ue = failures[i].ue;
        sipveil_code code = sipveil_agree_ipsec_describe(worker, &options, &found, &err);
        if (code != failures[i].code) fail_msg("%zu: %s: %s", i, sipveil_code_name(code), err.text);
        assert_true(found.count == 0 && found.encryption_key.len == 0);
        assert_int_equal(sipveil_agree_ipsec_commands(worker, &options, &commands, NULL), failures[i].code);
        assert_int_equal(commands.len, 0);
        options.ue = NULL;
        options.pcscf = "192.0.2.2;reboot"; /* no address goes to a shell unread */
        assert_int_not_equal(sipveil_agree_ipsec_commands(worker, &options, &commands, NULL), SIPVEIL_OK);
        options.size--;
        assert_int_equal(sipveil_agree_ipsec_describe(worker, &options, &found, &err), SIPVEIL_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_completed), cmocka_unit_test(a_complete_list_stays), cmocka_unit_test(the_associations),
        cmocka_unit_test(addresses_are_found), cmocka_unit_test(the_commands), cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests_name("ipsec-3gpp for applications", tests, make_worker, free_worker);
}
