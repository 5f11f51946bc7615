/* SPDX-License-Identifier: BSD-2-Clause */
/* What somebody tries: to have a proxy read or verify what it was not given, to have a key used where it does not
 * belong, to have an answer shown to whom it is not for. */
#include "held.h"

/* multipart/mixed of bodies of messages, in this order, under a label row. */
static sipveil_span mixed(world *w, const char *labels, const sipveil_span *messages, size_t count)
{
    sv_buffer parts, m;
    sv_buffer_init(&parts, w->arena, 1 << 14, 1 << 20);
    for (size_t i = 0; i < count; i++) put_part(&parts, messages[i], false);
    sv_put_str(&parts, "--xx--\r\n");
    sv_buffer_init(&m, w->arena, parts.len + 1024, 1 << 20);
    sv_put_str(&m, INVITE "Via: SIP/2.0/TLS ua.example;branch=z9hG4bKa1\r\nMax-Forwards: 70\r\n" ALICE_TO_BOB("c1@home.example")
                   "CSeq: 1 INVITE\r\nContent-Type: multipart/mixed;boundary=xx\r\nProxy-Required-Body: ");
    sv_put_str(&m, labels);
    sv_put_str(&m, "\r\nContent-Length: ");
    sv_put_number(&m, parts.len);
    sv_put_str(&m, "\r\n\r\n");
    sv_put(&m, sv_buffer_span(&parts));
    assert_false(m.failed || parts.failed);
    return sv_buffer_span(&m);
}

/* Signed by Alice, in clear; detached or opaque. */
static sipveil_span signed_offer(world *w, const char *sdp, bool opaque)
{
    sipveil_seal_options o;
    sipveil_sealed out;
    const sipveil_key *signer = w->ua1.key;
    sipveil_seal_options_default(&o);
    o.mode = SIPVEIL_MODE_PAYLOAD;
    o.signers = &signer;
    o.signer_count = 1;
    o.opaque = opaque;
    assert_code(sipveil_tunnel_seal_message(w->worker, &o, invite(w, sdp), &out, &w->err), SIPVEIL_OK);
    return copy_of(w, out.message);
}

static sipveil_span clear_part(world *w, const char *rows, const char *text)
{
    char all[512];
    snprintf(all, sizeof all, ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\n" SDP_TYPE "%s", rows);
    return compose(w, INVITE, all, text);
}

#define EVIL "v=0\r\ns=evil\r\n"

/* ADV-163, E2M-55: what is signed beside the named part, or in one part of it, says nothing about the part. */
static void a_signature_beside_lends_nothing(void **state)
{
    for (int how = 0; how < 3; how++) {
        world *w = begin(state);
        sipveil_span parts[2] = {signed_offer(w, SDP, how == 2), clear_part(w, "Content-ID: <evil@x.example>\r\n", EVIL)};
        sipveil_span message = mixed(w, P1_HOST ";cid=\"evil@x.example\";act=both", parts, 2);
        if (how == 1) { /* the label names both parts together */
            message = edited(w, message, "boundary=xx\r\n", "boundary=xx\r\nContent-ID: <all@x.example>\r\n");
            message = edited(w, message, "cid=\"evil@x.example\"", "cid=\"all@x.example\"");
        }
        at_p1(w, message);
        assert_true(w->verdict.action == SIPVEIL_E2M_RESPOND && !w->verdict.verified);
        assert_string_equal(w->verdict.reason.rule, "E2M-54");
    }
    /* The same for the row of an operator: every part of the type is looked at, not the first one alone. */
    world *w = begin(state);
    sipveil_e2m_policy *policy = NULL;
    sipveil_span parts[2] = {signed_offer(w, SDP, false), clear_part(w, "", EVIL)};
    assert_code(sipveil_e2m_policy_read(SV_SPAN("x;need=verify;type=\"application/sdp\""), &policy, &w->err), SIPVEIL_OK);
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    o.policy = policy;
    at_p1_with(w, &o, edited(w, mixed(w, "z.example;cid=\"a@b\"", parts, 2), "c1@", "c2@"));
    assert_true(w->verdict.action == SIPVEIL_E2M_RESPOND && strcmp(w->verdict.reason.rule, "E2M-54") == 0);
    sipveil_e2m_policy_free(policy);
}

/* E2M-51, ADV-162: another part that came out of a layer with the same Content-ID is not the named one. */
static void a_name_inside_a_layer_is_nobodys(void **state)
{
    world *w = begin(state);
    sipveil_seal_options o;
    sipveil_sealed out;
    const sipveil_key *signer = w->p2.key; /* anybody's */
    sipveil_seal_options_default(&o);
    o.mode = SIPVEIL_MODE_PAYLOAD;
    o.signers = &signer;
    o.signer_count = 1;
    o.opaque = true;
    sipveil_span decoy = compose(w, INVITE, ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\nContent-Type: multipart/mixed;boundary=y\r\n",
                                 "--y\r\nContent-ID: <a@b>\r\n" SDP_TYPE "\r\n" EVIL "\r\n--y--\r\n");
    assert_code(sipveil_tunnel_seal_message(w->worker, &o, decoy, &out, &w->err), SIPVEIL_OK);
    sipveil_span parts[2] = {copy_of(w, out.message), clear_part(w, "Content-ID: <a@b>\r\n", SDP)};
    at_p1(w, mixed(w, P1_HOST ";cid=\"a@b\"", parts, 2));
    assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && w->verdict.part_count == 1);
    assert_same(w->verdict.view, SV_SPAN(SDP));
}

/* E2M-10, E2M-52, E2M-55: two parts for us are two parts, each with what was asked for it. */
static void two_parts_for_one_hop(void **state)
{
    for (int how = 0; how < 2; how++) {
        world *w = begin(state);
        sipveil_span parts[2] = {clear_part(w, "Content-ID: <a@b>\r\n", EVIL), signed_offer(w, SDP, false)};
        parts[1] = edited(w, parts[1], "Content-Length: ", "Content-ID: <c@d>\r\nContent-Length: ");
        sipveil_span message = mixed(w, how == 0 ? P1_HOST ";cid=\"a@b\"," P1_HOST ";cid=\"c@d\";act=both"
                                                 : P1_HOST ";cid=\"a@b\";act=verify," P1_HOST ";cid=\"c@d\"", parts, 2);
        at_p1(w, message);
        assert_int_equal(w->verdict.action == SIPVEIL_E2M_FORWARD, how == 0);
        if (how > 0) continue;
        assert_true(w->verdict.part_count == 2 && !w->verdict.verified);
        assert_true(!w->verdict.parts[0].verified && w->verdict.parts[1].verified);
        assert_true(sv_equal_str(w->verdict.parts[0].cid, "a@b") && w->verdict.parts[1].act == SIPVEIL_E2M_BOTH);
        assert_same(w->verdict.view, SV_SPAN(EVIL));
        assert_same(w->verdict.parts[1].view, SV_SPAN(SDP));
    }
}

/* E2M-52: five sealed parts under five labels cost four private-key operations, and no fifth. */
static void private_operations_are_counted(void **state)
{
    world *w = begin(state);
    share s;
    sipveil_span parts[5], json;
    char labels[512] = "";
    share_begin(w, &s);
    for (size_t i = 0; i < 5; i++) {
        parts[i] = shared(w, &s, invite(w, SDP));
        size_t at, end;
        assert_true(sv_find(parts[i], SV_SPAN("Proxy-Required-Body: "), &at));
        assert_true(sv_find(sv_span_from(parts[i], at), SV_SPAN("\r\n"), &end));
        size_t used = strlen(labels);
        snprintf(labels + used, sizeof labels - used, "%s%.*s", i > 0 ? "," : "", (int)(end - 21), (const char *)parts[i].data + at + 21);
    }
    at_p1(w, mixed(w, labels, parts, 5));
    assert_int_equal(w->verdict.action, SIPVEIL_E2M_RESPOND); /* the fifth was not opened, so not all was read */
    assert_code(sipveil_e2m_report_json(w->worker, &json, &w->err), SIPVEIL_OK);
    size_t opened = 0, at;
    for (sipveil_span rest = json; sv_find(rest, SV_SPAN("\"opened\":true"), &at); rest = sv_span_from(rest, at + 1)) opened++;
    assert_int_equal(opened, 4);
}

/* E2M-51: 8 levels and 64 parts are looked through, and no more; what is no part is not found. */
static void nesting_games(void **state)
{
    static const struct {
        size_t levels, parts;
        const char *status; /* NULL: found */
    } cases[] = {{1, 1, NULL}, {7, 1, NULL}, {8, 1, "SIP/2.0 513 "}, {1, 32, NULL}, {1, 33, "SIP/2.0 513 "}, {3, 31, "SIP/2.0 513 "}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = begin(state);
        sv_buffer b;
        sv_buffer_init(&b, w->arena, 1 << 14, 1 << 20);
        for (size_t level = 1; level < cases[i].levels; level++) {
            for (size_t part = 1; part < cases[i].parts; part++) sv_put_format(&b, "--b%zu\r\nContent-Type: text/plain\r\n\r\nx\r\n", level);
            sv_put_format(&b, "--b%zu\r\nContent-Type: multipart/mixed;boundary=b%zu\r\n\r\n", level, level + 1);
        }
        for (size_t part = 1; part < cases[i].parts; part++) sv_put_format(&b, "--b%zu\r\nContent-Type: text/plain\r\n\r\nx\r\n", cases[i].levels);
        sv_put_format(&b, "--b%zu\r\nContent-ID: <a@b>\r\nContent-Type: text/plain\r\n\r\nhere\r\n", cases[i].levels);
        for (size_t level = cases[i].levels; level > 0; level--) sv_put_format(&b, "--b%zu--\r\n", level);
        sv_put_byte(&b, 0);
        at_p1(w, compose(w, INVITE, ALICE_TO_BOB("c1@home.example") "CSeq: 1 INVITE\r\nProxy-Required-Body: " P1_HOST ";cid=\"a@b\"\r\n"
                         "Content-Type: multipart/mixed;boundary=b1\r\n", (const char *)b.data));
        bool found = w->verdict.has_view && sv_equal_str(w->verdict.view, "here");
        if (found != (cases[i].status == NULL)) fail_msg("case %zu: %s", i, w->verdict.reason.text);
        if (!found && !sv_starts_nocase_str(w->verdict.message, cases[i].status)) fail_msg("case %zu: %.20s", i, (const char *)w->verdict.message.data);
        /* before a layer is opened, which has limits of its own */
        if (cases[i].levels > 1 && !found) assert_string_equal(w->verdict.reason.rule, "E2M-51");
    }
}

/* ADV-146, 2.F4: what P1 has read once it does not read again in another call, under a label that nobody signed either. */
static void a_body_in_another_call(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    sipveil_span message = shared(w, &s, invite(w, SDP));
    at_p1(w, message);
    assert_same(w->verdict.view, SV_SPAN(SDP));
    at_p1(w, edited(w, edited(w, message, "c1@home.example", "c2@home.example"), "z9hG4bKa1", "z9hG4bKq"));
    assert_true(w->verdict.action == SIPVEIL_E2M_RESPOND && !w->verdict.has_view);
    assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 493 "));
    assert_string_equal(w->verdict.reason.rule, "ADV-146");
    at_p1(w, edited(w, edited(w, shared(w, &s, invite(w, SDP)), "c1@home.example", "c2@home.example"), "z9hG4bKa1", "z9hG4bKr"));
    assert_true(w->verdict.has_view); /* sealed anew it is new */
}

/* E2M-20 holds for what is in clear too. */
static void an_unsigned_label_off_the_link(void **state)
{
    world *w = begin(state);
    sipveil_span parts[1] = {clear_part(w, "Content-ID: <a@b>\r\n", SDP)};
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    o.protected_hop = false;
    at_p1_with(w, &o, mixed(w, P1_HOST ";cid=\"a@b\";act=verify", parts, 1));
    assert_true(w->verdict.action == SIPVEIL_E2M_FORWARD && !w->verdict.has_view && !w->verdict.named);
}

/* E2M-59: a signature that came before vouches for nobody: no private key is used for it (403, not 493). */
static void a_replayed_signature_costs_nothing(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    s.o.sign_label = true;
    sipveil_span message = shared(w, &s, invite(w, SDP));
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    o.protected_hop = o.sender_authenticated = false;
    at_p1_with(w, &o, message);
    assert_true(w->verdict.has_view);
    at_p1_with(w, &o, edited(w, message, "z9hG4bKa1", "z9hG4bKa2")); /* another transaction, so no retransmission */
    assert_int_equal(w->verdict.reason.code, SIPVEIL_REPLAY);
    assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 403 "));
}

/* ADV-005: octets after the body are not forwarded. */
static void octets_behind_the_message(void **state)
{
    world *w = begin(state);
    sipveil_span message = invite(w, SDP);
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    sipveil_span longer = edited(w, message, "RTP/AVP 0\r\n", "RTP/AVP 0\r\nBYE sip:x@x SIP/2.0\r\n\r\n");
    assert_code(sipveil_e2m_proxy_message(w->worker, &o, longer, &w->verdict, &w->err), SIPVEIL_OK);
    assert_same(w->verdict.message, message);
}

/* E2M-59: ten failures of one source in one second are the last. */
static void a_source_that_fails(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    o.source = "192.0.2.66";
    for (int i = 0; i <= 10; i++) {
        sipveil_span message = shared(w, &s, invite(w, SDP));
        sipveil_span damaged = copy_of(w, message);
        ((uint8_t *)(uintptr_t)damaged.data)[damaged.len - 3] ^= 1;
        at_p1_with(w, &o, damaged);
        assert_true(sv_starts_nocase_str(w->verdict.message, i < 10 ? "SIP/2.0 493 " : "SIP/2.0 503 "));
    }
    sipveil_span good = shared(w, &s, invite(w, SDP));
    o.source = "192.0.2.67"; /* others do not suffer */
    at_p1_with(w, &o, good);
    assert_true(w->verdict.has_view);
    o.source = "192.0.2.66";
    w->clock++;
    at_p1_with(w, &o, shared(w, &s, edited(w, invite(w, SDP), "CSeq: 1", "CSeq: 2")));
    assert_true(w->verdict.has_view);
}

/* What somebody sends first, unprotected, says nothing about the same octets over TLS: neither that they were here
 * already, nor that their sender fails. */
static void an_unprotected_copy_comes_first(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    sipveil_span message = shared(w, &s, invite(w, SDP));
    sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
    o.source = "192.0.2.66";
    o.protected_hop = o.sender_authenticated = false;
    at_p1_with(w, &o, message);
    assert_false(w->verdict.has_view);
    o.sender_authenticated = true;
    at_p1_with(w, &o, message);
    assert_false(w->verdict.has_view || w->verdict.retransmission);
    o.sender_authenticated = false;
    o.protected_hop = true; /* nobody vouches for the sender: refused, twenty times */
    for (int i = 0; i < 20; i++) {
        char branch[16];
        snprintf(branch, sizeof branch, "z9hG4bK%c%d", i == 0 ? 'a' : 'x', i == 0 ? 1 : i);
        at_p1_with(w, &o, edited(w, message, "z9hG4bKa1", branch));
        assert_true(sv_starts_nocase_str(w->verdict.message, "SIP/2.0 403 "));
    }
    o.sender_authenticated = true;
    at_p1_with(w, &o, message);
    assert_true(w->verdict.has_view && !w->verdict.retransmission);
}

/* ---- keys ---- */

/* CEK-07, E2M-43: a reader of the first message writes in Bob's name, by its key and without a signature. */
static void a_reader_writes_by_the_key(void **state)
{
    world *w = begin(state);
    sv_cek_scopes scopes;
    sipveil_span first = kept_invite(w, 5);
    at_p1(w, first);
    sv_cek_record record = held_by_p1(w, first, &scopes);
    sv_cms_key kek = kek_of(w, &record, SV_WRAP_AES_256);
    assert_code(try_open(w, &w->ua1, written_by(w, w->worker, kek, NULL, 1)), SIPVEIL_NOT_SIGNED);
    assert_string_equal(w->err.rule, "E2M-43");
    assert_int_equal(w->err.sip_status, 493);
    assert_code(try_open(w, &w->ua1, written_by(w, w->worker, kek, w->p1.key, 2)), SIPVEIL_UNTRUSTED_SIGNER);
    assert_code(try_open(w, &w->ua1, written_by(w, w->worker, kek, w->ua2.key, 3)), SIPVEIL_OK); /* as Bob himself would */
}

/* ADV-175, CEK-02: the key not reversed; a key of another size where no derivation was said: like any key that does not
 * fit, for UA and hop; and nothing was used up. */
static void crooked_keys(void **state)
{
    for (int how = 0; how < 2; how++) {
        world *w = begin(state);
        share s;
        sv_cek_scopes scopes;
        share_begin(w, &s);
        s.o.keep = true;
        s.o.reply = SIPVEIL_E2M_VIEW;
        s.o.seal.cipher = how == 0 ? SIPVEIL_CIPHER_AES_256_GCM : SIPVEIL_CIPHER_AES_128_GCM;
        sipveil_span first = shared(w, &s, invite(w, SDP));
        at_p1(w, first);
        assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
        sv_cek_record record = held_by_p1(w, first, &scopes), after;
        sv_cms_key crooked = kek_of(w, &record, SV_WRAP_AES_256);
        if (how == 0) crooked.kek = record.cek;
        else crooked.kek = sv_span("0123456789abcdef0123456789abcdef", 32);
        sipveil_span message = written_by(w, w->worker, crooked, w->ua2.key, 1);
        assert_code(try_open(w, &w->ua1, message), SIPVEIL_CANNOT_DECRYPT);
        assert_int_equal(w->err.sip_status, 493);
        assert_code(try_open(w, &w->ua1, reused(w, &w->ua2, from_bob(w, 2))), SIPVEIL_OK);
        after = held_by_p1(w, first, &scopes);
        assert_int_equal(after.uses, record.uses);
    }
}

/* ADV-170: a reference that somebody on the way changed is no reference: it is under the tag. */
static void a_changed_reference(void **state)
{
    world *w = begin(state);
    sv_cek_scopes scopes;
    size_t at;
    sipveil_span first = kept_invite(w, 5);
    at_p1(w, first);
    sv_cek_record record = held_by_p1(w, first, &scopes);
    sipveil_memory_free(w->p1.memory);
    assert_code(sipveil_memory_new(&w->p1.memory, &w->err), SIPVEIL_OK);
    sipveil_span changed = copy_of(w, first);
    assert_true(sv_find(changed, record.reference, &at));
    ((uint8_t *)(uintptr_t)changed.data)[at + 3] ^= 1;
    at_p1(w, changed);
    assert_true(w->verdict.action == SIPVEIL_E2M_RESPOND && !w->verdict.kept);
    assert_int_equal(sv_store_count(sv_memory_store(w->p1.memory), SV_STORE_CEK), 0);
    assert_true(try_open(w, &w->ua2, changed) != SIPVEIL_OK);
    assert_int_equal(sv_store_count(sv_memory_store(w->ua2.memory), SV_STORE_CEK), 0);
}

/* CEK-12: a MESSAGE outside dialogs has the two addresses for a dialog, whoever writes to whom, and nobody else's. */
static void messages_outside_dialogs(void **state)
{
    world *w = begin(state);
    share s;
    share_begin(w, &s);
    s.o.keep = true;
    s.o.reply = SIPVEIL_E2M_VIEW;
    sipveil_span first = shared(w, &s, compose(w, "MESSAGE sip:bob@other.example SIP/2.0\r\n", ALICE_TO_BOB("m1@home.example")
                                               "CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n", "hello"));
    at_p1(w, first);
    assert_code(try_open(w, &w->ua2, first), SIPVEIL_OK);
    sipveil_span plain = compose(w, "MESSAGE sip:alice@home.example SIP/2.0\r\n", "From: Bob <sip:bob@other.example>;tag=z9\r\n"
                                 "To: Alice <sip:alice@home.example>\r\nCall-ID: other@other.example\r\nCSeq: 77 MESSAGE\r\n"
                                 "Content-Type: text/plain\r\n", "hello");
    sipveil_span back = reused(w, &w->ua2, plain);
    at_p1(w, back);
    assert_same(w->verdict.view, SV_SPAN("hello"));
    assert_code(try_open(w, &w->ua1, back), SIPVEIL_OK);
    /* Within a dialog of the same two it is another key's place; and from a third party it is nothing. */
    assert_code(try_reuse(w, &w->ua2, from_bob(w, 1), NULL), SIPVEIL_NO_KEY);
    at_p1(w, edited(w, back, "<sip:bob@other.example>;tag=z9", "<sip:mallory@other.example>;tag=z9"));
    assert_true(contains(w->verdict.message, ";rekey"));
}

/* ADV-171, ADV-174, ADV-176: who saw Call-ID, tag and reference of a dialog gets at nothing in it, takes no name in
 * it and pushes nothing out of it: his own address is part of the scope. */
static void somebody_else_in_the_dialog(void **state)
{
    world *w = begin(state);
    sv_store *store = sv_memory_store(w->p1.memory);
    sv_cek_scopes ours, his;
    sv_cek_record record, found;
    sv_sip_view *view = sv_arena_alloc(w->arena, sizeof *view);
    const sipveil_limits *limits = sipveil_context_limits(w->context);
    sipveil_span first = kept_invite(w, 5), foreign = edited(w, invite(w, SDP), "sip:alice@", "sip:mallory@");
    at_p1(w, first);
    record = held_by_p1(w, first, &ours);
    assert_code(sv_sip_read(foreign, SV_SIP_STREAM, limits, view, &w->err), SIPVEIL_OK);
    assert_code(sv_cek_scopes_of(w->arena, view, &his, &w->err), SIPVEIL_OK);
    assert_false(sv_cek_find(store, &his, record.reference, NOW, w->arena, &found));
    sipveil_span reference = record.reference;
    record.scope = his.items[0];
    memset(record.signer, 'M', sizeof record.signer);
    assert_code(sv_cek_keep(store, w->arena, &record, NOW, &w->err), SIPVEIL_OK); /* the same name, elsewhere */
    for (uint8_t i = 0; i < 40; i++) { /* within the very dialog: the far end's flood is the far end's loss */
        uint8_t name[2] = {'x', i};
        record.scope = ours.items[0];
        record.reference = sv_span(name, 2);
        assert_code(sv_cek_keep(store, w->arena, &record, NOW, &w->err), SIPVEIL_OK);
    }
    assert_true(sv_cek_find(store, &ours, reference, NOW, w->arena, &found));
    assert_int_equal(sv_store_count(store, SV_STORE_CEK), 1 + 1 + SV_CEK_PER_DIALOG);
}

/* ---- the end of a dialog (E2M-57) ---- */

static sipveil_span response_to(world *w, const char *start, const char *cseq, const char *to_tag)
{
    char rows[512];
    snprintf(rows, sizeof rows, "From: Alice <sip:alice@home.example>;tag=a1\r\nTo: Bob <sip:bob@other.example>%s%s\r\n"
             "Call-ID: c1@home.example\r\nCSeq: %s\r\n", to_tag[0] != '\0' ? ";tag=" : "", to_tag, cseq);
    return compose(w, start, rows, "");
}

static void what_ends_a_dialog(void **state)
{
    static const struct {
        const char *start, *cseq;
        bool forgotten;
    } cases[] = {
        {"SIP/2.0 486 Busy Here\r\n", "1 INVITE", true},     {"SIP/2.0 302 Moved\r\n", "1 INVITE", true},
        {"SIP/2.0 407 Proxy Authentication Required\r\n", "1 INVITE", true}, {"SIP/2.0 200 OK\r\n", "9 BYE", true},
        {"SIP/2.0 481 Gone\r\n", "7 UPDATE", true},          {"SIP/2.0 408 Request Timeout\r\n", "7 INVITE", true},
        {"SIP/2.0 486 Busy Here\r\n", "2 INVITE", false},    {"SIP/2.0 488 Not Acceptable Here\r\n", "7 UPDATE", false},
        {"SIP/2.0 481 Gone\r\n", "1 CANCEL", false},         {"SIP/2.0 481 Gone\r\n", "8 PRACK", false},
        {"SIP/2.0 180 Ringing\r\n", "1 INVITE", false},      {"SIP/2.0 200 OK\r\n", "1 INVITE", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = begin(state);
        at_p1(w, kept_invite(w, 5));
        assert_int_equal(sv_store_count(sv_memory_store(w->p1.memory), SV_STORE_CEK), 1);
        sipveil_span response = response_to(w, cases[i].start, cases[i].cseq, "b1");
        sipveil_e2m_proxy_options o = proxy_options(&w->p1, p1_name);
        o.protected_hop = false; /* anybody may have sent it */
        at_p1_with(w, &o, response);
        assert_int_equal(sv_store_count(sv_memory_store(w->p1.memory), SV_STORE_CEK), 1);
        at_p1(w, response);
        if (sv_store_count(sv_memory_store(w->p1.memory), SV_STORE_CEK) != (cases[i].forgotten ? 0 : 1)) fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_beside_lends_nothing), cmocka_unit_test(a_name_inside_a_layer_is_nobodys),
        cmocka_unit_test(two_parts_for_one_hop), cmocka_unit_test(private_operations_are_counted),
        cmocka_unit_test(an_unsigned_label_off_the_link), cmocka_unit_test(a_body_in_another_call), cmocka_unit_test(nesting_games), cmocka_unit_test(a_replayed_signature_costs_nothing),
        cmocka_unit_test(octets_behind_the_message), cmocka_unit_test(a_source_that_fails),
        cmocka_unit_test(an_unprotected_copy_comes_first),
        cmocka_unit_test(a_reader_writes_by_the_key), cmocka_unit_test(crooked_keys),
        cmocka_unit_test(a_changed_reference), cmocka_unit_test(messages_outside_dialogs),
        cmocka_unit_test(somebody_else_in_the_dialog),
        cmocka_unit_test(what_ends_a_dialog),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
