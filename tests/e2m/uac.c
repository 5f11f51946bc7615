/* SPDX-License-Identifier: BSD-2-Clause */
/* The UAs: what the sender refuses, what the receiver compares and is told. */
#include "e2m/copy.h"

#include "world.h"

/* ---- sealing ---- */

static void options_that_are_wrong(void **state)
{
    world *w = begin(state);
    share s;
    sipveil_span message = invite(w, SDP);
    share_begin(w, &s);
    s.o.size = 1;
    assert_code(try_share(w, &s, message), SIPVEIL_USAGE);
    share_begin(w, &s);
    s.o.keep = true;
    s.o.memory = NULL;
    assert_code(try_share(w, &s, message), SIPVEIL_USAGE);
    share_begin(w, &s);
    s.o.keep = true;
    s.o.form = SIPVEIL_E2M_SPLIT;
    assert_code(try_share(w, &s, message), SIPVEIL_USAGE);
    share_begin(w, &s); /* E2M-43, TUN-45: signed inside, or a stranger's ciphertext would do */
    s.o.keep = s.o.seal.encrypt_then_sign = true;
    assert_code(try_share(w, &s, message), SIPVEIL_USAGE);
    s.o.seal.encrypt_then_sign = false;
    s.o.seal.recipient_count = 0;
    assert_code(try_share(w, &s, message), SIPVEIL_USAGE);
    share_begin(w, &s);
    s.o.seal.signer_count = 0;
    s.o.act = SIPVEIL_E2M_VERIFY;
    assert_code(try_share(w, &s, message), SIPVEIL_USAGE);
    share_begin(w, &s);
    s.o.seal.signer_count = 0; /* CMS-12 */
    assert_code(try_share(w, &s, message), SIPVEIL_POLICY);
    s.o.seal.allow_unsigned_shared = true;
    assert_code(try_share(w, &s, message), SIPVEIL_OK);
    share_begin(w, &s);
    s.hop.host = "ss9.home.example"; /* E2M-34: the certificate is another host's */
    assert_code(try_share(w, &s, message), SIPVEIL_POLICY);
    s.hop.host = "no host";
    assert_code(try_share(w, &s, message), SIPVEIL_USAGE);
    share_begin(w, &s);
    s.o.form = SIPVEIL_E2M_NESTED;
    s.o.sign_label = true;
    assert_code(try_share(w, &s, message), SIPVEIL_USAGE);
    share_begin(w, &s);
    assert_code(try_share(w, &s, compose(w, INVITE, ALICE_TO_BOB("c") "CSeq: 1 INVITE\r\n", "")), SIPVEIL_USAGE);
    s.o.hop_count = SIPVEIL_E2M_HOPS_MOST + 1;
    assert_code(try_share(w, &s, message), SIPVEIL_LIMIT);
    assert_code(sipveil_e2m_seal_message(NULL, &s.o, message, &w->sealed, &w->err), SIPVEIL_USAGE);
    share_begin(w, &s);
    s.o.keep = true; /* E2M-37: keys of media, and a key that a hop holds */
    assert_code(try_share(w, &s, invite(w, SDP CRYPTO)), SIPVEIL_POLICY);
}

/* E2M-32: no names of certificates on the wire. */
static void recipients_by_key_identifier(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    sipveil_span message = shared(w, &s, invite(w, SDP));
    assert_false(contains(message, "Test CA"));
}

static size_t count_of(sipveil_span octets, sipveil_span what)
{
    size_t count = 0, at;
    for (sipveil_span rest = octets; sv_find(rest, what, &at); rest = sv_span_from(rest, at + 1)) count++;
    return count;
}

/* E2M-13: a label changes nothing of what it names: the same rows describe the body, labelled or not. */
static void a_label_changes_no_disposition(void **state)
{
    world *w = begin(state);
    share s;
    sipveil_span rows[2], message;
    size_t at, end;
    share_begin(w, &s);
    for (int labelled = 0; labelled < 2; labelled++) {
        s.o.form = labelled ? SIPVEIL_E2M_SHARED : SIPVEIL_E2M_PRIVATE;
        message = shared(w, &s, invite(w, SDP));
        assert_true(sv_find(message, SV_SPAN("Content-Type: "), &at) && sv_find(sv_span_from(message, at), SV_SPAN("handling="), &end));
        rows[labelled] = sv_span(message.data + at, end + strlen("handling=required"));
    }
    assert_same(rows[0], rows[1]);
    assert_true(contains(rows[1], "handling=required"));
    assert_false(contains(message, "\r\nRequire:") || contains(message, "\r\nProxy-Require:")); /* E2M-G2 */
}

/* E2M-33: the private part and the copy are under one cipher, whichever was chosen. */
static void one_strength_for_all(void **state)
{
    static const char gcm_128[] = "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x06", gcm_256[] = "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2e";
    for (int form = SIPVEIL_E2M_SHARED; form <= SIPVEIL_E2M_SPLIT; form++) {
        for (int small = 0; small < 2; small++) {
            world *w = begin(state);
            share s;
            share_begin(w, &s);
            s.o.form = (sipveil_e2m_form)form;
            s.o.seal.cipher = small ? SIPVEIL_CIPHER_AES_128_GCM : SIPVEIL_CIPHER_NONE;
            sipveil_span message = shared(w, &s, invite(w, SDP CRYPTO));
            size_t of_128 = count_of(message, sv_span(gcm_128, 11)), of_256 = count_of(message, sv_span(gcm_256, 11));
            size_t envelopes = form == SIPVEIL_E2M_SPLIT ? 2 : 1;
            assert_int_equal(small ? of_128 : of_256, envelopes);
            assert_int_equal(small ? of_256 : of_128, 0);
        }
    }
}

/* Whatever form and packaging: the far end opens it, and the hop reads what it is shown (E2M-30, E2M-51). */
static void every_packaging(void **state)
{
    for (unsigned i = 0; i < 2 * 2 * 2 * 2 * 5; i++) {
        world *w = begin(state);
        share s;
        share_begin(w, &s);
        s.o.form = (sipveil_e2m_form)(i / 16);
        s.o.seal.opaque = (i & 1) != 0;
        s.o.seal.compress = (i & 2) != 0;
        s.o.seal.encoding = (i & 4) != 0 ? SIPVEIL_ENCODING_BASE64 : SIPVEIL_ENCODING_DEFAULT;
        s.o.sign_label = (i & 8) != 0 && s.o.form != SIPVEIL_E2M_NESTED;
        sipveil_span message = shared(w, &s, invite(w, SDP CRYPTO));
        bool shown = s.o.form != SIPVEIL_E2M_PRIVATE, all = s.o.form == SIPVEIL_E2M_SHARED;
        at_p1(w, message);
        if (w->verdict.action != SIPVEIL_E2M_FORWARD || w->verdict.has_view != shown) fail_msg("case %u: %s", i, w->verdict.reason.text);
        if (shown) assert_same(w->verdict.view, all ? SV_SPAN(SDP CRYPTO) : SV_SPAN(SDP));
        if (try_open(w, &w->ua2, message) != SIPVEIL_OK) fail_msg("case %u: %s", i, w->err.text);
        assert_same(w->opened.body, SV_SPAN(SDP CRYPTO));
    }
}

/* E2M-31: private types, in parts too. */
static void private_types(void **state)
{
    static const char *const types[] = {"text/plain"};
    static const char parts[] = "--x\r\nContent-Type: application/sdp\r\n\r\n" SDP CRYPTO "\r\n--x\r\nContent-Type: text/plain\r\n\r\n"
                                "the secret\r\n--x--\r\n";
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    s.o.private_types = types;
    s.o.private_type_count = 1;
    sipveil_span plain = compose(w, INVITE, ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\nContent-Type: multipart/mixed;boundary=x\r\n", parts);
    sipveil_span message = shared(w, &s, plain);
    at_p1(w, message);
    assert_true(w->verdict.has_view && contains(w->verdict.view, "m=audio"));
    assert_false(contains(w->verdict.view, "secret") || contains(w->verdict.view, "a=crypto"));
    assert_code(try_open(w, &w->ua2, message), SIPVEIL_OK);
    assert_true(contains(w->opened.body, "the secret") && contains(w->opened.body, "a=crypto"));
    assert_true(checked(&w->opened, "E2M-41", SIPVEIL_CHECK_PASSED));
    sipveil_span text = compose(w, "MESSAGE sip:bob@other.example SIP/2.0\r\n", ALICE_TO_BOB("c1@home.example")
                                "CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n", "the secret");
    assert_code(try_share(w, &s, text), SIPVEIL_POLICY); /* nothing is left for the hop */
    sipveil_span coded = compose(w, INVITE, ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\nContent-Transfer-Encoding: base64\r\n" SDP_TYPE, "dj0wDQo=");
    assert_code(try_share(w, &s, coded), SIPVEIL_POLICY);
}

/* ---- E2M-41, ADV-161: private part and copy ---- */

static sipveil_span part_for(world *w, const char *sdp, bool shared_part, const sipveil_key *signer)
{
    share s;
    share_begin(w, &s);
    s.signer = signer;
    s.o.form = shared_part ? SIPVEIL_E2M_SHARED : SIPVEIL_E2M_PRIVATE;
    return shared(w, &s, invite(w, sdp));
}

/* A split message whose two parts say what the test wants. */
static sipveil_span split_of(world *w, const char *private_sdp, const char *copy_sdp)
{
    sipveil_span one = part_for(w, private_sdp, false, w->ua1.key), two = part_for(w, copy_sdp, true, w->ua1.key);
    sv_buffer b;
    sv_buffer_init(&b, w->arena, one.len + two.len + 512, 1 << 20);
    put_part(&b, one, false);
    put_part(&b, two, true);
    sv_put_str(&b, "--xx--\r\n");
    sipveil_span body = sv_buffer_span(&b);
    sv_buffer m;
    sv_buffer_init(&m, w->arena, body.len + 1024, 1 << 20);
    sv_put_str(&m, INVITE "Via: SIP/2.0/TLS ua.example;branch=z9hG4bKa1\r\nMax-Forwards: 70\r\n" ALICE_TO_BOB("c1@home.example")
                   "CSeq: 1 INVITE\r\nContent-Type: multipart/mixed;boundary=xx\r\nContent-Length: ");
    sv_put_number(&m, body.len);
    sv_put_str(&m, "\r\n\r\n");
    sv_put(&m, body);
    return sv_buffer_span(&m);
}

static void parts_that_disagree(void **state)
{
    static const struct {
        const char *private_sdp, *copy;
        bool agree;
    } cases[] = {
        {SDP, SDP, true}, {SDP CRYPTO, SDP, true}, {SDP CRYPTO, SDP CRYPTO, true}, {SDP, SDP "a=sendonly\r\n", false},
        {SDP "a=sendonly\r\n", SDP, false}, {SDP, "v=0\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = begin(state);
        sipveil_e2m_open_options o;
        sipveil_span message = split_of(w, cases[i].private_sdp, cases[i].copy);
        sipveil_e2m_open_options_default(&o);
        sipveil_code code = try_open_with(w, &w->ua2, message, &o);
        assert_code(code, cases[i].agree ? SIPVEIL_OK : SIPVEIL_HEADER_MISMATCH);
        if (cases[i].agree) continue;
        assert_string_equal(w->err.rule, "E2M-41");
        assert_int_equal(w->err.sip_status, 493);
        o.attended = true; /* somebody is there to see the warning; the private part wins */
        assert_code(try_open_with(w, &w->ua2, message, &o), SIPVEIL_OK);
        assert_same(w->opened.body, sv_span_str(cases[i].private_sdp));
        assert_true(warned(w->opened.warnings, w->opened.warning_count, "E2M-41"));
    }
}

/* E2M-40: parts for others: one that need not be handled is passed over, one that must be is what we cannot do without. */
static void parts_for_others(void **state)
{
    for (int required = 0; required < 2; required++) {
        world *w = begin(state);
        share s;
        sipveil_e2m_open_options o;
        sv_buffer b, m;
        share_begin(w, &s);
        s.o.form = SIPVEIL_E2M_PRIVATE;
        sipveil_span ours = shared(w, &s, invite(w, SDP));
        s.far = w->p2.key;
        sipveil_span theirs = shared(w, &s, invite(w, "for P2 alone"));
        sv_buffer_init(&b, w->arena, ours.len + theirs.len + 512, 1 << 20);
        put_part(&b, theirs, !required);
        put_part(&b, ours, false);
        sv_put_str(&b, "--xx--\r\n");
        sv_buffer_init(&m, w->arena, b.len + 1024, 1 << 20);
        sv_put_str(&m, INVITE "Via: SIP/2.0/TLS ua.example;branch=z9hG4bKa1\r\nMax-Forwards: 70\r\n" ALICE_TO_BOB("c1@home.example")
                       "CSeq: 1 INVITE\r\nContent-Type: multipart/mixed;boundary=xx\r\nContent-Length: ");
        sv_put_number(&m, b.len);
        sv_put_str(&m, "\r\n\r\n");
        sv_put(&m, sv_buffer_span(&b));
        sipveil_e2m_open_options_default(&o);
        assert_code(try_open_with(w, &w->ua2, sv_buffer_span(&m), &o), SIPVEIL_OK);
        assert_same(w->opened.body, SV_SPAN(SDP));
        assert_int_equal(warned(w->opened.warnings, w->opened.warning_count, "E2M-40"), required);
        o.open.me = "sip:bob@other.example"; /* the UA that it is for */
        sipveil_memory_free(w->ua2.memory);
        assert_code(sipveil_memory_new(&w->ua2.memory, &w->err), SIPVEIL_OK);
        assert_code(try_open_with(w, &w->ua2, sv_buffer_span(&m), &o), required ? SIPVEIL_NO_KEY : SIPVEIL_OK);
        if (required) assert_true(strcmp(w->err.rule, "E2M-40") == 0 && w->err.sip_status == 493);
    }
}

/* E2M-22: who receives sees to whom it was shown, and whether somebody who speaks for From says so. */
static void whom_it_was_shown_to(void **state)
{
    for (int how = 0; how < 3; how++) {
        world *w = begin(state);
        share s;
        sipveil_span json;
        share_begin(w, &s);
        s.o.sign_label = how != 0;
        s.o.act = SIPVEIL_E2M_BOTH;
        if (how == 2) s.signer = w->p1.key; /* speaks for no From */
        sipveil_code code = try_open(w, &w->ua2, shared(w, &s, invite(w, SDP)));
        assert_code(code, how == 2 ? SIPVEIL_UNTRUSTED_SIGNER : SIPVEIL_OK);
        if (how == 2) continue;
        assert_true(checked(&w->opened, "E2M-22", how == 1 ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_NOT_DONE));
        assert_code(sipveil_e2m_report_json(w->worker, &json, &w->err), SIPVEIL_OK);
        assert_true(contains(json, how == 1 ? "\"signed: " P1_HOST " may both\"" : "\"not signed: " P1_HOST " may both\""));
    }
}

/* ADV-162: labels are for hops: too many of them keep nobody from opening, and it is told that they say nothing. */
static void labels_that_cannot_be_read(void **state)
{
    world *w = begin(state);
    share s;
    char rows[2048] = "Proxy-Required-Body: ";
    share_begin(w, &s);
    for (size_t i = 0; i < 17; i++) snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "%sh%zu.example;cid=\"a@b\"", i > 0 ? ", " : "", i);
    sipveil_span message = edited(w, shared(w, &s, invite(w, SDP)), "Proxy-Required-Body: ", sv_arena_string(w->arena, sv_span_str(strcat(rows, ", "))));
    assert_code(try_open(w, &w->ua2, message), SIPVEIL_OK);
    bool told = false;
    for (size_t i = 0; i < w->opened.warning_count; i++) told |= strcmp(w->opened.warnings[i].rule, "ADV-162") == 0;
    assert_true(told);
    assert_false(checked(&w->opened, "E2M-22", SIPVEIL_CHECK_NOT_DONE));
}

static void reports(void **state)
{
    world *w = begin(state);
    share s;
    sipveil_span json;
    share_begin(w, &s);
    sipveil_span message = shared(w, &s, invite(w, SDP));
    assert_code(sipveil_e2m_report_json(w->worker, &json, &w->err), SIPVEIL_OK);
    assert_true(contains(json, "\"E2M-30\"") && contains(json, "form shared"));
    at_p1(w, message);
    assert_code(sipveil_e2m_report_json(w->worker, &json, &w->err), SIPVEIL_OK);
    assert_true(contains(json, "\"E2M-52\"") && contains(json, "auth-enveloped-data"));
    assert_code(sipveil_e2m_report_json(NULL, &json, &w->err), SIPVEIL_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_are_wrong), cmocka_unit_test(recipients_by_key_identifier),
        cmocka_unit_test(a_label_changes_no_disposition), cmocka_unit_test(one_strength_for_all), cmocka_unit_test(every_packaging),
        cmocka_unit_test(private_types), cmocka_unit_test(parts_that_disagree),
        cmocka_unit_test(parts_for_others), cmocka_unit_test(whom_it_was_shown_to), cmocka_unit_test(labels_that_cannot_be_read), cmocka_unit_test(reports),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
