/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that are used again: derivation, readers, and messages through all of it. */
#include "e2m/cek.h"

#include "crypto/keywrap.h"
#include "e2m/copy.h"
#include "tunnel/memory.h"
#include "world.h"

static sv_crypto *crypto_of(world *w)
{
    return w->other->crypto;
}

/* CEK-13 */
static void known_answers(void **state)
{
    world *w = begin(state);
    sv_cek_record record = {.reference = SV_SPAN("r"), .cipher = SIPVEIL_CIPHER_AES_128_CBC,
                            .cek = hex(w, "000102030405060708090a0b0c0d0e0f")};
    const sipveil_limits *limits = sipveil_context_limits(w->context);
    sv_cms_key kek;
    uint8_t wrapped[24];
    assert_code(sv_cek_make_kek(crypto_of(w), w->arena, &record, SV_WRAP_AES_128, limits, &kek, &w->err), SIPVEIL_OK);
    assert_same(kek.kek, hex(w, "0f0e0d0c0b0a09080706050403020100"));
    assert_code(sv_wrap_key(crypto_of(w), SV_WRAP_AES_128, kek.kek.data, hex(w, "202122232425262728292a2b2c2d2e2f"), wrapped, &w->err),
                SIPVEIL_OK);
    assert_same(sv_span(wrapped, 24), hex(w, "e0158c4357f74c21a835c8c47a46e0a58f991b04aee4c195"));
    record.derivation = (sv_cek_derivation){.present = true, .wrap = SV_WRAP_AES_256, .salt = hex(w, "1234567878563412"),
                                            .iterations = 5, .key_length = 32};
    assert_code(sv_cek_make_kek(crypto_of(w), w->arena, &record, SV_WRAP_AES_256, limits, &kek, &w->err), SIPVEIL_OK);
    assert_same(kek.kek, hex(w, "62fec10bc9d8b75e3634a41ff487586a4558a2b03c959d515518c843841d72b0"));
}

/* CEK-02, CEK-03, ADV-175: sizes that do not fit, derivations that are not done. */
static void keys_that_unwrap_nothing(void **state)
{
    world *w = begin(state);
    const sipveil_limits *limits = sipveil_context_limits(w->context);
    sv_cek_record record = {.reference = SV_SPAN("r"), .cipher = SIPVEIL_CIPHER_AES_128_GCM,
                            .cek = hex(w, "000102030405060708090a0b0c0d0e0f")};
    sv_cms_key kek;
    assert_code(sv_cek_make_kek(crypto_of(w), w->arena, &record, SV_WRAP_AES_256, limits, &kek, &w->err), SIPVEIL_OK);
    assert_int_equal(kek.kek.len, 16); /* fits no AES-256 wrap */
    record.derivation = (sv_cek_derivation){.present = true, .unusable = true, .wrap = SV_WRAP_AES_256};
    assert_code(sv_cek_make_kek(crypto_of(w), w->arena, &record, SV_WRAP_AES_256, limits, &kek, &w->err), SIPVEIL_OK);
    assert_int_equal(kek.kek.len, 16);
    const sv_cek_derivation derivations[] = { /* none; for another algorithm; for a key that fits as it is */
        {.wrap = SV_WRAP_AES_256, .salt = SV_SPAN("12345678"), .iterations = 5, .key_length = 32},
        {.present = true, .wrap = SV_WRAP_AES_192, .salt = SV_SPAN("12345678"), .iterations = 5, .key_length = 24},
        {.present = true, .wrap = SV_WRAP_AES_128, .salt = SV_SPAN("12345678"), .iterations = 5, .key_length = 16},
    };
    for (size_t i = 0; i < sizeof derivations / sizeof *derivations; i++) {
        record.derivation = derivations[i];
        assert_code(sv_cek_make_kek(crypto_of(w), w->arena, &record, i == 2 ? SV_WRAP_AES_128 : SV_WRAP_AES_256, limits, &kek, &w->err),
                    SIPVEIL_OK);
        assert_same(kek.kek, hex(w, "0f0e0d0c0b0a09080706050403020100"));
    }
    record.derivation = (sv_cek_derivation){.present = true, .wrap = SV_WRAP_AES_256, .salt = SV_SPAN("12345678"),
                                            .iterations = 1U << 31, .key_length = 32};
    assert_code(sv_cek_make_kek(crypto_of(w), w->arena, &record, SV_WRAP_AES_256, limits, &kek, &w->err), SIPVEIL_LIMIT);
    assert_string_equal(w->err.rule, "ADV-175");
    /* CEK-06 */
    sipveil_span cek = record.cek, reversed = hex(w, "0f0e0d0c0b0a09080706050403020100");
    assert_true(sv_cek_is_derived(cek, cek) && sv_cek_is_derived(reversed, cek));
    assert_false(sv_cek_is_derived(hex(w, "0f0e0d0c0b0a09080706050403020101"), cek));
    assert_false(sv_cek_is_derived(sv_span(NULL, 0), sv_span(NULL, 0)));
}

/* CEK-07: a recipient and the key that opens for it have one name, by whatever it is found, and no two have the same. */
static void readers(void **state)
{
    const sv_recipient recipients[] = {
        {.kind = SV_RECIPIENT_KEKRI, .key_id = SV_SPAN("a")}, {.kind = SV_RECIPIENT_KEKRI, .key_id = SV_SPAN("b")},
        {.kind = SV_RECIPIENT_KTRI, .ski = SV_SPAN("a")}, {.kind = SV_RECIPIENT_KTRI, .issuer = SV_SPAN("a"), .serial = SV_SPAN("b")},
        {.kind = SV_RECIPIENT_KTRI, .issuer = SV_SPAN("a"), .serial = SV_SPAN("c")},
        {.kind = SV_RECIPIENT_KTRI, .issuer = SV_SPAN("ab")}, {.kind = SV_RECIPIENT_PWRI, .encrypted_key = SV_SPAN("a")},
    };
    const struct {
        sv_cms_key key;
        bool by_ski;
        size_t of; /* the recipient that it is; 7: none of them */
    } keys[] = {
        {{.kind = SV_CMS_KEY_KEK, .kek_id = SV_SPAN("a"), .ski = SV_SPAN("x")}, true, 0},
        {{.kind = SV_CMS_KEY_KEK, .kek_id = SV_SPAN("b")}, false, 1},
        {{.kind = SV_CMS_KEY_CERTIFICATE, .ski = SV_SPAN("a"), .issuer = SV_SPAN("a"), .serial = SV_SPAN("b")}, true, 2},
        {{.kind = SV_CMS_KEY_CERTIFICATE, .ski = SV_SPAN("a"), .issuer = SV_SPAN("a"), .serial = SV_SPAN("b")}, false, 3},
        {{.kind = SV_CMS_KEY_PASSWORD, .ski = SV_SPAN("a"), .issuer = SV_SPAN("a"), .serial = SV_SPAN("b")}, true, 7},
        {{.kind = SV_CMS_KEY_PASSWORD, .ski = SV_SPAN("a"), .issuer = SV_SPAN("a"), .serial = SV_SPAN("b")}, false, 7},
    };
    world *w = begin(state);
    uint8_t names[7][SV_CEK_DIGEST], name[SV_CEK_DIGEST];
    for (size_t i = 0; i < 7; i++) {
        assert_code(sv_cek_reader_of_recipient(crypto_of(w), &recipients[i], names[i], &w->err), SIPVEIL_OK);
        for (size_t k = 0; k < i; k++) assert_memory_not_equal(names[i], names[k], SV_CEK_DIGEST);
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_code(sv_cek_reader_of_key(crypto_of(w), &keys[i].key, keys[i].by_ski, name, &w->err), SIPVEIL_OK);
        for (size_t k = 0; k < 7; k++) assert_int_equal(memcmp(name, names[k], SV_CEK_DIGEST) == 0, k == keys[i].of);
    }
}

/* ---- messages ---- */

/* E2M-C5, CEK-04, CEK-05, ADV-173: three uses, in both directions, and no fourth. */
static void counted_uses(void **state)
{
    world *w = begin(state);
    sipveil_span first = kept_invite(w, 3), message;
    at_p1(w, first);
    assert_true(w->verdict.kept && w->verdict.verified);
    assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
    assert_true(checked(&w->opened, "CEK-05", SIPVEIL_CHECK_PASSED));
    for (int use = 1; use <= 3; use++) {
        message = reused(w, &w->ua2, from_bob(w, use));
        assert_true(contains(message, "Proxy-Required-Body: " P1_HOST));
        /* A damaged one costs nothing. */
        sipveil_span damaged = copy_of(w, message);
        ((uint8_t *)(uintptr_t)damaged.data)[damaged.len - 3] ^= 1;
        at_p1(w, damaged);
        assert_int_equal(w->verdict.action, SIPVEIL_E2M_RESPOND);
        assert_true(try_open(w, &w->ua1, damaged) != SIPVEIL_OK);
        at_p1(w, message);
        assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && w->verdict.has_view && w->verdict.verified);
        assert_same(w->verdict.view, SV_SPAN("hello"));
        assert_code(try_open(w, &w->ua1, message), SIPVEIL_OK);
        assert_same(w->opened.body, SV_SPAN("hello"));
    }
    assert_code(try_reuse(w, &w->ua2, from_bob(w, 4), NULL), SIPVEIL_NO_KEY);
    at_p1(w, edited(w, message, "CSeq: 3", "CSeq: 4")); /* a fourth that does not count */
    assert_true(contains(w->verdict.message, ";rekey"));
    assert_code(try_open(w, &w->ua1, edited(w, message, "CSeq: 3", "CSeq: 4")), SIPVEIL_NO_KEY);
}

/* ADV-174: another dialog, after an hour, after BYE, after a restart: always the same as an unknown one. */
static void outside_its_life(void **state)
{
    for (int how = 0; how < 4; how++) {
        world *w = begin(state);
        sipveil_span first = kept_invite(w, 5);
        at_p1(w, first);
        assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
        sipveil_span message = reused(w, &w->ua2, from_bob(w, 1));
        switch (how) {
        case 0: message = edited(w, message, "c1@home.example", "c2@home.example"); break;
        case 1: w->clock = NOW + 3602; break;
        case 2: {
            sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
            at_p1_with(w, &o, compose(w, "SIP/2.0 200 OK\r\n", BOB_TO_ALICE("c1@home.example") "CSeq: 9 BYE\r\n", ""));
            break;
        }
        default: assert_code(sipveil_e2m_forget_dialog(w->worker, w->p1.memory, first, &w->err), SIPVEIL_OK); break;
        }
        at_p1(w, message);
        assert_true(w->verdict.action == SIPVEIL_E2M_RESPOND && contains(w->verdict.message, ";rekey"));
        assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 493 "));
        if (how < 2) assert_code(try_open(w, &w->ua1, message), SIPVEIL_NO_KEY);
    }
}

/* ADV-170, ADV-171, E2M-57: who may make us hold a key, and of what. */
static void keys_that_are_not_held(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    s.o.keep = true;
    sipveil_span message = shared(w, &s, invite(w, SDP));
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    at_p1_with(w, &o, message);
    assert_true(w->verdict.kept);
    at_p1_with(w, &o, message); /* again, a moment later: nothing changes */
    assert_true(!w->verdict.kept && w->verdict.retransmission && w->verdict.reason.code == SIPVEIL_OK);
    w->clock = NOW + 33; /* replayed */
    at_p1_with(w, &o, message);
    assert_true(!w->verdict.kept && w->verdict.reason.code == SIPVEIL_REPLAY);
    assert_int_equal(sv_store_count(sv_memory_store(w->p1.memory), SV_STORE_CEK), 1);
    at_p1_with(w, &o, edited(w, message, "c1@home.example", "c9@home.example")); /* ADV-146 */
    assert_int_equal(w->verdict.action, SIPVEIL_E2M_RESPOND);
    assert_int_equal(sv_store_count(sv_memory_store(w->p1.memory), SV_STORE_CEK), 1);
    /* A signer that we do not accept: Alice by another authority. P1 has the key to open it, and holds nothing of hers. */
    party forged;
    char *ca = NULL, *ca_key = NULL;
    assert_code(sipveil_keys_make_authority(w->context, "Other CA", &ca, &ca_key, &w->err), SIPVEIL_OK);
    make_party(w, &forged, ca, ca_key, "sip:alice@home.example", NULL);
    o.open.memory = w->p2.memory;
    o.sender_authenticated = true; /* it is not that the link vouches for nobody (E2M-59) */
    for (int accepted = 0; accepted < 2; accepted++) {
        s.signer = accepted ? w->ua1.key : forged.key;
        at_p1_with(w, &o, shared(w, &s, invite(w, SDP)));
        assert_true(w->verdict.has_view == accepted && w->verdict.kept == accepted && w->verdict.verified == accepted);
        if (!accepted) assert_string_equal(w->verdict.reason.rule, "TUN-08");
        assert_int_equal(sv_store_count(sv_memory_store(w->p2.memory), SV_STORE_CEK), accepted);
    }
    end_party(&forged);
    sipveil_keys_wipe_text(ca);
    sipveil_keys_wipe_text(ca_key);
}

/* CEK-06, E2M-43: good for one message, which brings the next key. */
static void rolling(void **state)
{
    world *w = begin(state);
    sipveil_span first = kept_invite(w, 1);
    at_p1(w, first);
    assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
    for (int i = 1; i <= 4; i++) {
        sipveil_span message = reused(w, &w->ua2, from_bob(w, i));
        at_p1(w, message);
        assert_true(w->verdict.has_view);
        assert_code(try_open(w, &w->ua1, message), SIPVEIL_OK);
        assert_int_equal(sv_store_count(sv_memory_store(w->p1.memory), SV_STORE_CEK), 1);
        assert_int_equal(sv_store_count(sv_memory_store(w->ua1.memory), SV_STORE_CEK), 1);
    }
}

/* CEK-03: a content key of 128 bits, the next ones wrapped by 256 derived ones. */
static void derived(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    s.o.keep = true;
    s.o.reply = SIPVEIL_E2M_VIEW;
    s.o.seal.cipher = SIPVEIL_CIPHER_AES_128_GCM;
    s.o.reuse_bits = 256;
    sipveil_span first = shared(w, &s, invite(w, SDP));
    at_p1(w, first);
    assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
    sipveil_span message = reused(w, &w->ua2, from_bob(w, 1));
    at_p1(w, message);
    assert_same(w->verdict.view, SV_SPAN("hello"));
    assert_code(try_open(w, &w->ua1, message), SIPVEIL_OK);
    s.o.reuse_bits = 100;
    assert_code(try_share(w, &s, invite(w, SDP)), SIPVEIL_USAGE);
}

/* CEK-10: as RFC 3185 has it, only where that is allowed; CEK-11: with a derived content key. */
static void other_forms_of_reference(void **state)
{
    world *w = begin(state);
    share s;
    sipveil_e2m_open_options o;
    share_begin(w, &s);
    s.o.keep = s.o.rfc3185 = true;
    s.o.reply = SIPVEIL_E2M_VIEW;
    sipveil_span first = shared(w, &s, invite(w, SDP));
    sipveil_e2m_open_options_default(&o);
    assert_code(try_open_with(w, &w->ua2, first, &o), SIPVEIL_OK);
    assert_true(checked(&w->opened, "CEK-08", SIPVEIL_CHECK_NOT_DONE)); /* and why: that is for us alone */
    assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), NULL), SIPVEIL_NO_KEY);
    sipveil_memory_free(w->ua2.memory);
    assert_code(sipveil_memory_new(&w->ua2.memory, &w->err), SIPVEIL_OK);
    o.allow_unprotected_cekref = true;
    assert_code(try_open_with(w, &w->ua2, first, &o), SIPVEIL_OK);
    (void)reused(w, &w->ua2, from_bob(w, 1));
    s.o.seal.cipher = SIPVEIL_CIPHER_AES_256_GCM;
    assert_code(try_share(w, &s, invite(w, SDP)), SIPVEIL_USAGE);

    w = begin(state);
    share_begin(w, &s);
    s.o.keep = s.o.seal.cek_hkdf = true;
    s.o.reply = SIPVEIL_E2M_VIEW;
    first = shared(w, &s, invite(w, SDP));
    at_p1(w, first);
    assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
    sipveil_span message = reused(w, &w->ua2, from_bob(w, 1));
    at_p1(w, message);
    assert_same(w->verdict.view, SV_SPAN("hello"));
}

/* E2M-37, CEK-07, ADV-177, E2M-42: what the one who seals refuses. */
static void sealing_that_is_refused(void **state)
{
    world *w = begin(state);
    share s;
    assert_code(try_open(w, &w->ua2, kept_invite(w, 5)), SIPVEIL_OK);
    sipveil_e2m_options_default(&s.o);
    s.o.form = SIPVEIL_E2M_PRIVATE;
    assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), &s), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-37");
    sipveil_e2m_options_default(&s.o);
    s.far = w->ua1.key;
    s.o.seal.recipients = &s.far;
    s.o.seal.recipient_count = 1;
    assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), &s), SIPVEIL_POLICY);
    s.hop = (sipveil_e2m_hop){P1_HOST, w->p1.key}; /* with the hop among them it is for all that can read it */
    s.o.hops = &s.hop;
    s.o.hop_count = 1;
    assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), &s), SIPVEIL_OK);
    sipveil_e2m_options_default(&s.o);
    s.o.reuse = "00112233445566778899aabbccddeeff";
    assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), &s), SIPVEIL_NO_KEY);
    s.o.reuse = "xyz";
    assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), &s), SIPVEIL_USAGE);
    /* Keys of media go to nobody who read the earlier message. */
    sipveil_e2m_options_default(&s.o);
    sipveil_span offer = compose(w, "INVITE sip:alice@ua1.home.example SIP/2.0\r\n", BOB_TO_ALICE("c1@home.example") "CSeq: 7 INVITE\r\n" SDP_TYPE, SDP CRYPTO);
    assert_code(try_reuse(w, &w->ua2, offer, &s), SIPVEIL_POLICY);

    w = begin(state); /* a hop of a third domain, unattended */
    share_begin(w, &s);
    s.hop = (sipveil_e2m_hop){"ss2.other.example", NULL};
    s.o.keep = true;
    s.o.reply = SIPVEIL_E2M_VIEW;
    assert_code(try_open(w, &w->ua2, shared(w, &s, invite(w, SDP))), SIPVEIL_OK);
    assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), NULL), SIPVEIL_POLICY);
    assert_string_equal(w->err.rule, "E2M-42");
    static const char *const may[] = {"ss2.other.example"};
    sipveil_e2m_options_default(&s.o);
    s.o.may_disclose = may;
    s.o.may_disclose_count = 1;
    assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), &s), SIPVEIL_OK);
}

/* E2M-38, E2M-44 */
static void an_answer_that_is_not_disclosed(void **state)
{
    world *w = begin(state);
    share s;
    (void)kept_invite(w, 5);
    sipveil_e2m_options_default(&s.o);
    s.far = w->ua1.key;
    s.signer = w->ua2.key;
    s.o.seal.recipients = &s.far;
    s.o.seal.recipient_count = 1;
    s.o.seal.signers = &s.signer;
    s.o.seal.signer_count = 1;
    s.o.form = SIPVEIL_E2M_PRIVATE;
    sipveil_span private_answer = shared(w, &s, from_bob(w, 1));
    assert_false(contains(private_answer, "Proxy-Required-Body")); /* that is how it says so */
    assert_code(try_open(w, &w->ua1, private_answer), SIPVEIL_OK);
    assert_true(warned(w->opened.warnings, w->opened.warning_count, "E2M-38"));
    /* With a certificate of the hop the answer can be for it too. */
    s.hop = (sipveil_e2m_hop){P1_HOST, w->p1.key};
    s.o.hops = &s.hop;
    s.o.hop_count = 1;
    s.o.form = SIPVEIL_E2M_FORM_AUTO;
    at_p1(w, shared(w, &s, from_bob(w, 2)));
    assert_same(w->verdict.view, SV_SPAN("hello"));
}

/* The state file holds the keys, and a damaged one is taken as a whole or not at all. */
static void keys_survive_in_an_image(void **state)
{
    world *w = begin(state);
    uint8_t *image;
    size_t len;
    at_p1(w, kept_invite(w, 2));
    assert_code(sipveil_memory_save(w->p1.memory, NOW, &image, &len, &w->err), SIPVEIL_OK);
    assert_code(sipveil_memory_load(w->p2.memory, sv_span(image, len), NOW, &w->err), SIPVEIL_OK);
    assert_int_equal(sv_store_count(sv_memory_store(w->p2.memory), SV_STORE_CEK), 1);
    sipveil_memory_wipe_image(image, len);
}

/* SDP without keys, whatever ends its lines. */
static void key_lines(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"v=0\r\na=crypto:1 x\r\nm=a\r\n", "v=0\r\nm=a\r\n"}, {"v=0\nA=Crypto:1\nm=a", "v=0\nm=a"},
        {"k=clear:x\r\nv=0\r\n", "v=0\r\n"}, {"v=0\ra=key-mgmt:m x\rm=a", "v=0\rm=a"}, {" a=crypto:1\r\nx", "x"},
        {"a=cryptic\r\na=cryptos:1\r\n", "a=cryptic\r\na=cryptos:1\r\n"}, {"a=crypto 1\r\na=crypto\r\n", ""}, {"", ""}, {"b=k=1\r\n", "b=k=1\r\n"},
    };
    world *w = begin(state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_buffer b;
        sv_buffer_init(&b, w->arena, 64, 4096);
        bool any = sv_sdp_put_without_keys(sv_span_str(cases[i].in), &b);
        assert_int_equal(any, strcmp(cases[i].in, cases[i].out) != 0);
        assert_same(sv_buffer_span(&b), sv_span_str(cases[i].out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers), cmocka_unit_test(keys_that_unwrap_nothing), cmocka_unit_test(readers),
        cmocka_unit_test(counted_uses), cmocka_unit_test(outside_its_life), cmocka_unit_test(rolling), cmocka_unit_test(derived),
        cmocka_unit_test(other_forms_of_reference), cmocka_unit_test(sealing_that_is_refused),
        cmocka_unit_test(an_answer_that_is_not_disclosed), cmocka_unit_test(keys_survive_in_an_image), cmocka_unit_test(key_lines),
        cmocka_unit_test(keys_that_are_not_held),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
