/* SPDX-License-Identifier: BSD-2-Clause */
/* A bound certificate at once as a recipient and as an accepted signer, in its dialog and nowhere else (IDN-57 to 60):
 * an INVITE with a certificate that nobody knows, an answer sealed to it, what its key signs. */
#include "vouched.h"

#define A1 ALICE ";tag=a1"
#define B1 BOB ";tag=b1"

typedef struct circle {
    side bob;
    sipveil_keyring *nobody; /* no key, no anchor */
} circle;

static circle begin_circle(parties *p, const device *d)
{
    circle c = {.bob = begin_side(p)};
    sipveil_identity_verdict v = by_mky(p, "sip:alice@atlanta.example", "atlanta.example", d);
    assert_code(sipveil_keyring_new(p->context, &c.nobody, &p->err), SIPVEIL_OK);
    (void)bind(p, &c.bob, request(p, "INVITE", "c1", A1, BOB, mixed(p, (content[]){sdp_of(p, ""), pkix(d)}, 2)), &v);
    assert_true(is_bound_to(p, &c.bob, 0, d, SIPVEIL_BINDING_CLAIMED));
    return c;
}

static void end_circle(circle *c)
{
    sipveil_keyring_free(c->nobody);
    end_side(&c->bob);
}

static sipveil_code open_by(parties *p, const sipveil_keyring *ring, sipveil_memory *memory, sipveil_span message,
                            sipveil_opened *opened)
{
    sipveil_open_options options;
    sipveil_open_options_default(&options);
    options.keyring = ring;
    options.memory = memory;
    return sipveil_tunnel_open_message(p->worker, &options, message, opened, &p->err);
}

static sipveil_code seal_to_bound(parties *p, circle *c, sipveil_span message, const char *aor, sipveil_keyring *ring,
                                  sipveil_span *sealed)
{
    sipveil_seal_options options;
    sipveil_sealed out;
    SV_TRY(sipveil_identity_add_bound(p->worker, c->bob.memory, message, aor, p->clock, ring, &p->err));
    const sipveil_key *key = sipveil_keyring_at(ring, sipveil_keyring_count(ring) - 1);
    sipveil_seal_options_default(&options);
    options.recipients = &key;
    options.recipient_count = 1;
    options.mode = SIPVEIL_MODE_PAYLOAD;
    SV_TRY(sipveil_tunnel_seal_message(p->worker, &options, message, &out, &p->err));
    assert_true(sv_arena_copy(p->arena, out.message, sealed));
    return SIPVEIL_OK;
}

static sipveil_span ok(parties *p, const char *call, const char *from, const char *to)
{
    return response(p, 200, "INVITE", call, from, to, "", sdp_of(p, "a=secret\r\n"));
}

static sipveil_span say(parties *p, const char *text, const char *call, const char *from, const char *to)
{
    return request(p, "INFO", call, from, to, (content){"text/plain", sv_span_str(text)});
}

static sipveil_span info(parties *p, const char *call, const char *from, const char *to)
{
    return say(p, "hello", call, from, to);
}

/* The whole way round, with a self-signed certificate and with one of an unknown company (F-1, F-7). */
static void full_circle(void **state)
{
    parties *p = *state;
    const device *const devices[] = {&p->alice, &p->phone};
    for (size_t i = 0; i < 2; i++) {
        const device *d = devices[i];
        circle c = begin_circle(p, d);
        sipveil_span sealed, secret = SV_SPAN("a=secret");
        sipveil_opened opened;
        size_t at;
        assert_code(seal_to_bound(p, &c, ok(p, "c1", A1, B1), "sip:alice@atlanta.example", c.nobody, &sealed), SIPVEIL_OK);
        assert_false(sv_find(sealed, secret, &at));
        assert_code(open_by(p, p->bob.ring, NULL, sealed, &opened), SIPVEIL_NO_KEY);
        assert_code(open_by(p, d->ring, NULL, sealed, &opened), SIPVEIL_OK);
        assert_true(sv_find(opened.message, secret, &at));
        /* What her key signs is hers, in this dialog, though no anchor is known; and that proves the key. */
        sipveil_span signed_info = signed_by(p, d, SIPVEIL_MODE_TUNNEL, false, info(p, "c1", A1, B1));
        assert_code(open_by(p, c.nobody, NULL, signed_info, &opened), SIPVEIL_UNTRUSTED_SIGNER);
        assert_code(open_by(p, c.nobody, c.bob.memory, signed_info, &opened), SIPVEIL_OK);
        assert_true(opened.is_signed && opened.signer_count == 1 && opened.signers[0].is_bound);
        assert_string_equal(opened.signers[0].aor, "sip:alice@atlanta.example");
        assert_true(is_bound_to(p, &c.bob, 0, d, SIPVEIL_BINDING_PROVEN));
        end_circle(&c);
    }
}

/* IDN-58: a signature over a body alone could have been copied from another message; it proves nothing, and is taken
 * only when the key has shown itself. */
static void a_body_proves_nothing(void **state)
{
    parties *p = *state;
    circle c = begin_circle(p, &p->alice);
    sipveil_opened opened;
    sipveil_span body = signed_by(p, &p->alice, SIPVEIL_MODE_PAYLOAD, false, info(p, "c1", A1, B1));
    assert_code(open_by(p, c.nobody, c.bob.memory, body, &opened), SIPVEIL_UNTRUSTED_SIGNER);
    assert_string_equal(p->err.rule, "IDN-58");
    assert_true(is_bound_to(p, &c.bob, 0, &p->alice, SIPVEIL_BINDING_CLAIMED));
    assert_code(prove(p, &c.bob, body, false, &p->alice), SIPVEIL_OK); /* the handshake of the media */
    assert_code(open_by(p, c.nobody, c.bob.memory, body, &opened), SIPVEIL_OK);
    assert_true(opened.is_signed);
    end_circle(&c);
}

/* F-3: whoever pastes Alice's certificate into a request of his own, and what she signed too, proves nothing by it. */
static void pasted_certificate(void **state)
{
    parties *p = *state;
    circle c = {.bob = begin_side(p)};
    sipveil_identity_verdict v = by_body("sip:carol@chicago.example", "chicago.example");
    sipveil_opened opened;
    assert_code(sipveil_keyring_new(p->context, &c.nobody, &p->err), SIPVEIL_OK);
    sipveil_span of_alice = signed_by(p, &p->alice, SIPVEIL_MODE_TUNNEL, false,
                                      request(p, "INVITE", "c1", A1, BOB, sdp_of(p, "")));
    sv_sip_view *view = view_of(p, of_alice);
    sipveil_span type = sv_sip_value(view, SV_F_CONTENT_TYPE);
    sv_buffer b = buffer_of(p);
    sv_put(&b, type);
    sv_put_byte(&b, 0);
    sipveil_span pasted = request(p, "INVITE", "c9", CAROL ";tag=x1", BOB, (content){(const char *)b.data, view->body});
    assert_int_equal(bind(p, &c.bob, pasted, &v)->events, SIPVEIL_BINDING_EVENT_BOUND);
    assert_code(open_by(p, c.nobody, c.bob.memory, pasted, &opened), SIPVEIL_HEADER_MISMATCH);
    assert_true(is_bound_to(p, &c.bob, 0, &p->alice, SIPVEIL_BINDING_CLAIMED));
    end_circle(&c);
}

/* IDN-59, IDN-60: another call, another tag, another address, after its time: neither signer nor recipient. */
static void only_in_its_dialog(void **state)
{
    parties *p = *state;
    static const struct {
        const char *call, *from, *to;
    } rows[] = {{"c2", A1, B1}, {"c1", ALICE ";tag=a2", B1}, {"c1", CAROL ";tag=a1", B1}, {"c1", A1, BOB ";tag=b2"}};
    circle c = begin_circle(p, &p->alice);
    sipveil_opened opened;
    sipveil_span sealed;
    (void)observe(p, &c.bob, response(p, 180, "INVITE", "c1", A1, B1, "", no_body), true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_span m = signed_by(p, &p->alice, SIPVEIL_MODE_TUNNEL, false, info(p, rows[i].call, rows[i].from, rows[i].to));
        assert_code(open_by(p, c.nobody, c.bob.memory, m, &opened), SIPVEIL_UNTRUSTED_SIGNER);
        if (i != 2) { /* the dialog of a response is in its Call-ID and tags */
            assert_code(seal_to_bound(p, &c, ok(p, rows[i].call, rows[i].from, rows[i].to), "sip:alice@atlanta.example", c.nobody,
                                      &sealed), SIPVEIL_NO_KEY);
        }
    }
    assert_code(seal_to_bound(p, &c, ok(p, "c1", A1, B1), "sip:carol@chicago.example", c.nobody, &sealed), SIPVEIL_NO_KEY);
    assert_true(is_bound_to(p, &c.bob, 0, &p->alice, SIPVEIL_BINDING_CLAIMED));
    sipveil_span m = signed_by(p, &p->alice, SIPVEIL_MODE_TUNNEL, false, info(p, "c1", A1, B1));
    (void)observe(p, &c.bob, response(p, 200, "BYE", "c1", A1, B1, "", no_body), true);
    assert_code(open_by(p, c.nobody, c.bob.memory, m, &opened), SIPVEIL_UNTRUSTED_SIGNER);
    assert_code(seal_to_bound(p, &c, ok(p, "c1", A1, B1), "sip:alice@atlanta.example", c.nobody, &sealed), SIPVEIL_NO_KEY);
    end_circle(&c);
}

/* A ring may be older than the message: the key of a dialog is still refused for another one, and after its time. */
static void key_of_a_session(void **state)
{
    parties *p = *state;
    circle c = begin_circle(p, &p->phone);
    sipveil_seal_options options;
    sipveil_sealed sealed;
    sipveil_span m = ok(p, "c1", A1, B1);
    assert_code(sipveil_identity_add_bound(p->worker, c.bob.memory, m, "sip:alice@atlanta.example", NOW, c.nobody, &p->err),
                SIPVEIL_OK);
    const sipveil_key *key = sipveil_keyring_at(c.nobody, 0);
    sipveil_seal_options_default(&options);
    options.recipients = &key;
    options.recipient_count = 1;
    assert_code(sipveil_tunnel_seal_message(p->worker, &options, m, &sealed, &p->err), SIPVEIL_OK);
    assert_code(sipveil_tunnel_seal_message(p->worker, &options, ok(p, "c2", A1, B1), &sealed, &p->err), SIPVEIL_POLICY);
    assert_string_equal(p->err.rule, "IDN-59");
    assert_code(sipveil_tunnel_seal_message(p->worker, &options, ok(p, "c1", B1, A1), &sealed, &p->err), SIPVEIL_POLICY);
    p->clock = NOW + 3601;
    assert_code(sipveil_tunnel_seal_message(p->worker, &options, m, &sealed, &p->err), SIPVEIL_POLICY);
    end_circle(&c);
}

/* K-1 by signatures: the new key signs a whole message, and from then on the old one is a stranger. IDN-59: one key for
 * the whole session. */
static void key_change(void **state)
{
    parties *p = *state;
    circle c = begin_circle(p, &p->alice);
    sipveil_opened opened;
    sipveil_identity_verdict v = by_mky(p, "sip:alice@atlanta.example", "atlanta.example", &p->alice_new);
    sipveil_span by_old = signed_by(p, &p->alice, SIPVEIL_MODE_TUNNEL, false, info(p, "c1", A1, B1));
    sipveil_span by_new = signed_by(p, &p->alice_new, SIPVEIL_MODE_TUNNEL, false, say(p, "2", "c1", A1, B1));
    assert_code(open_by(p, c.nobody, c.bob.memory, by_old, &opened), SIPVEIL_OK);
    assert_code(open_by(p, c.nobody, c.bob.memory, by_new, &opened), SIPVEIL_UNTRUSTED_SIGNER);
    content both = mixed(p, (content[]){sdp_of(p, ""), pkix(&p->alice_new)}, 2);
    assert_int_equal(bind(p, &c.bob, request(p, "INVITE", "c1", A1, B1, both), &v)->events,
                     SIPVEIL_BINDING_EVENT_BOUND | SIPVEIL_BINDING_EVENT_KEY_CHANGED);
    assert_code(open_by(p, c.nobody, c.bob.memory, by_new, &opened), SIPVEIL_OK);
    assert_true(is_bound_to(p, &c.bob, 0, &p->alice_new, SIPVEIL_BINDING_PROVEN));
    sipveil_span late = signed_by(p, &p->alice, SIPVEIL_MODE_TUNNEL, false, say(p, "3", "c1", A1, B1));
    assert_code(open_by(p, c.nobody, c.bob.memory, late, &opened), SIPVEIL_UNTRUSTED_SIGNER);
    /* A pin would do for a stranger; not for another key than the one that is bound and proven here. */
    char hex[65];
    sv_certificate_summary s;
    assert_code(sv_certificate_summarise(p->context, p->alice.key->cms.certificate, &s, &p->err), SIPVEIL_OK);
    for (size_t i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", s.sha256[i]);
    assert_code(sipveil_keyring_add_pin(c.nobody, "sip:alice@atlanta.example", hex, &p->err), SIPVEIL_OK);
    assert_code(open_by(p, c.nobody, c.bob.memory, late, &opened), SIPVEIL_UNTRUSTED_SIGNER);
    assert_string_equal(p->err.rule, "TUN-10");
    end_circle(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_circle), cmocka_unit_test(a_body_proves_nothing), cmocka_unit_test(pasted_certificate),
        cmocka_unit_test(only_in_its_dialog), cmocka_unit_test(key_of_a_session), cmocka_unit_test(key_change),
    };
    return cmocka_run_group_tests_name("a bound certificate as recipient and signer", tests, parties_setup, parties_teardown);
}
