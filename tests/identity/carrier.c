/* SPDX-License-Identifier: BSD-2-Clause */
/* IDN-54, IDN-55: which certificate a message brings along, in which form, and when it brings none. */
#include "identity/carrier.h"
#include "parties.h"
#include "sipveil/binding.h"

static sv_carried_certificate look(parties *p, sipveil_span message, sv_mikey_cb mikey, void *user)
{
    sv_carried_certificate found;
    sv_crypto *crypto;
    assert_code(sv_crypto_new(p->context, &crypto, &p->err), SIPVEIL_OK);
    sv_carrier_question q = {.view = view_of(p, message), .context = p->context, .crypto = crypto, .arena = p->arena,
                             .mikey = mikey, .mikey_user = user};
    memset(&found, 0xAA, sizeof found);
    sipveil_code code = sv_find_carried(&q, &found, &p->err);
    sv_crypto_free(crypto);
    assert_code(code, SIPVEIL_OK);
    return found;
}

static void assert_one(const sv_carried_certificate *c, const device *d, sv_carrier carrier, bool has_signed)
{
    if (c->state != SV_CARRIED_ONE) fail_msg("state %d: %s", c->state, c->why ? c->why : "");
    assert_int_equal(c->carrier, carrier);
    assert_true(sv_equal(c->der, d->der));
    assert_int_equal(c->has_signed, has_signed);
    assert_true(c->summary.not_after > NOW && c->certificate != NULL);
}

static sipveil_span certs_only(parties *p, const device *const *devices, size_t count)
{
    X509 *certificates[4];
    sv_buffer b = buffer_of(p);
    for (size_t i = 0; i < count; i++) certificates[i] = devices[i]->key->cms.certificate;
    assert_code(sv_cms_put_certificates(certificates, count, p->arena, &b, &p->err), SIPVEIL_OK);
    return sv_buffer_span(&b);
}

#define CERTS_ONLY "application/pkcs7-mime;smime-type=certs-only"

/* A CA's certificate as a device of its own, to be put beside others. */
static device authority(parties *p)
{
    device d;
    assert_code(sipveil_keyring_new(p->context, &d.ring, &p->err), SIPVEIL_OK);
    assert_code(sipveil_keyring_add_octets(d.ring, sv_span_str(p->corporate), "ca", NULL, NULL, &p->err), SIPVEIL_OK);
    d.key = sipveil_keyring_at(d.ring, 0);
    assert_code(sv_certificate_der(d.key->cms.certificate, p->arena, &d.der, &p->err), SIPVEIL_OK);
    return d;
}

static void the_forms(void **state)
{
    parties *p = *state;
    device ca = authority(p);
    const device *chain[] = {&ca, &p->phone};
    content sdp = sdp_of(p, ""), only = {CERTS_ONLY, certs_only(p, chain, 2)};
    sv_carried_certificate c;

    c = look(p, invite(p, pkix(&p->alice)), NULL, NULL);
    assert_one(&c, &p->alice, SV_CARRIER_PKIX_CERT, false);
    assert_true(c.summary.is_self_issued && !c.summary.is_authority);
    c = look(p, invite(p, mixed(p, (content[]){sdp, pkix(&p->alice)}, 2)), NULL, NULL);
    assert_one(&c, &p->alice, SV_CARRIER_PKIX_CERT, false);
    content inner = mixed(p, (content[]){pkix(&p->phone)}, 1);
    content outer = {"multipart/mixed;boundary=around", inner.octets};
    sv_buffer b = buffer_of(p);
    sv_put_str(&b, "--around\r\nContent-Type: multipart/mixed;boundary=part-of-it\r\n\r\n");
    sv_put(&b, inner.octets);
    sv_put_str(&b, "\r\n--around--\r\n");
    outer.octets = sv_buffer_span(&b);
    c = look(p, invite(p, outer), NULL, NULL);
    assert_one(&c, &p->phone, SV_CARRIER_PKIX_CERT, false);
    assert_false(c.summary.is_self_issued);
    /* The CA's own certificate beside it is none of a user. */
    c = look(p, invite(p, mixed(p, (content[]){sdp, only}, 2)), NULL, NULL);
    assert_one(&c, &p->phone, SV_CARRIER_CERTS_ONLY, false);
    sipveil_span detached = signed_by(p, &p->alice, SIPVEIL_MODE_PAYLOAD, false, invite(p, sdp));
    c = look(p, detached, NULL, NULL);
    assert_one(&c, &p->alice, SV_CARRIER_SIGNED, true);
    c = look(p, signed_by(p, &p->alice, SIPVEIL_MODE_PAYLOAD, true, invite(p, sdp)), NULL, NULL);
    assert_one(&c, &p->alice, SV_CARRIER_SIGNED, true);
    c = look(p, signed_by(p, &p->phone, SIPVEIL_MODE_TUNNEL, false, invite(p, sdp)), NULL, NULL);
    assert_one(&c, &p->phone, SV_CARRIER_SIGNED, true);
    sipveil_keyring_free(ca.ring);
}

/* What signs something else than SDP or a message carries no certificate for the session. */
static void not_of_the_session(void **state)
{
    parties *p = *state;
    content text = {"text/plain", SV_SPAN("hello")};
    sv_carried_certificate c = look(p, signed_by(p, &p->alice, SIPVEIL_MODE_PAYLOAD, true, invite(p, text)), NULL, NULL);
    assert_int_equal(c.state, SV_CARRIED_NONE);
    c = look(p, invite(p, sdp_of(p, "")), NULL, NULL);
    assert_int_equal(c.state, SV_CARRIED_NONE);
    c = look(p, invite(p, (content){NULL, {NULL, 0}}), NULL, NULL);
    assert_int_equal(c.state, SV_CARRIED_NONE);
    assert_null(c.certificate);
}

/* The signer's certificate is the one, whatever else lies there; a certificate twice is one. */
static void which_one(void **state)
{
    parties *p = *state;
    const device *two[] = {&p->alice, &p->phone}, *one[] = {&p->alice}, *other[] = {&p->phone};
    content sdp = sdp_of(p, "");
    sv_carried_certificate c;
    content both = mixed(p, (content[]){sdp, pkix(&p->phone)}, 2);
    c = look(p, signed_by(p, &p->alice, SIPVEIL_MODE_PAYLOAD, true, invite(p, both)), NULL, NULL);
    assert_one(&c, &p->alice, SV_CARRIER_SIGNED, true);
    content again = mixed(p, (content[]){pkix(&p->alice), {CERTS_ONLY, certs_only(p, one, 1)}}, 2);
    c = look(p, invite(p, again), NULL, NULL);
    assert_one(&c, &p->alice, SV_CARRIER_PKIX_CERT, false);
    content disagree = mixed(p, (content[]){pkix(&p->alice), {CERTS_ONLY, certs_only(p, other, 1)}}, 2);
    c = look(p, invite(p, disagree), NULL, NULL);
    assert_int_equal(c.state, SV_CARRIED_UNCLEAR);
    assert_null(c.certificate);
    c = look(p, invite(p, mixed(p, (content[]){{CERTS_ONLY, certs_only(p, two, 2)}}, 1)), NULL, NULL);
    assert_int_equal(c.state, SV_CARRIED_UNCLEAR);
    assert_string_equal(c.why, "two end-entity certificates in the message");
    c = look(p, invite(p, mixed(p, (content[]){pkix(&p->alice), pkix(&p->phone)}, 2)), NULL, NULL);
    assert_int_equal(c.state, SV_CARRIED_UNCLEAR);
}

/* A CA's certificate beside a lone pkix-cert of somebody else's does not help it: the carriers disagree. A lone one that
 * says it is a CA's, as some tools make them, is what there is. */
static void authorities(void **state)
{
    parties *p = *state;
    device ca = authority(p);
    sv_carried_certificate c = look(p, invite(p, pkix(&ca)), NULL, NULL);
    assert_one(&c, &ca, SV_CARRIER_PKIX_CERT, false);
    const device *leaf[] = {&p->phone};
    content body = mixed(p, (content[]){pkix(&ca), {CERTS_ONLY, certs_only(p, leaf, 1)}}, 2);
    c = look(p, invite(p, body), NULL, NULL);
    assert_int_equal(c.state, SV_CARRIED_UNCLEAR);
    sipveil_keyring_free(ca.ring);
}

/* A changed signature makes nobody a signer; what cannot be read is told, and nothing else is taken in its place. */
static void broken(void **state)
{
    parties *p = *state;
    static const char *const bad_ders[] = {"", "0", "not DER at all"};
    content sdp = sdp_of(p, "");
    sipveil_span message = signed_by(p, &p->alice, SIPVEIL_MODE_PAYLOAD, false, invite(p, sdp));
    size_t at;
    assert_true(sv_find(message, SV_SPAN("o=- 1 1"), &at));
    ((uint8_t *)(uintptr_t)message.data)[at + 4] = '2';
    sv_carried_certificate c = look(p, message, NULL, NULL);
    assert_one(&c, &p->alice, SV_CARRIER_SIGNED, false);
    for (size_t i = 0; i < sizeof bad_ders / sizeof *bad_ders; i++) {
        content bad = {"application/pkix-cert", sv_span_str(bad_ders[i])};
        c = look(p, invite(p, mixed(p, (content[]){bad, pkix(&p->alice)}, 2)), NULL, NULL);
        assert_int_equal(c.state, SV_CARRIED_UNREADABLE);
        assert_non_null(strstr(c.why, "pkix-cert: "));
        bad.type = CERTS_ONLY;
        c = look(p, invite(p, mixed(p, (content[]){bad, pkix(&p->alice)}, 2)), NULL, NULL);
        assert_int_equal(c.state, SV_CARRIED_UNREADABLE);
    }
    sipveil_span tail = {p->alice.der.data, p->alice.der.len};
    sv_buffer b = buffer_of(p);
    sv_put(&b, tail);
    sv_put_byte(&b, 0); /* one octet more than a certificate */
    c = look(p, invite(p, (content){"application/pkix-cert", sv_buffer_span(&b)}), NULL, NULL);
    assert_int_equal(c.state, SV_CARRIED_UNREADABLE);
}

#define SIGNED "multipart/signed;protocol=\"application/pkcs7-signature\";micalg=sha-256;boundary=b"
#define PART(type, octets) "--b\r\nContent-Type: " type "\r\nContent-Transfer-Encoding: base64\r\n\r\n" octets "\r\n"
#define ENVELOPED "\x30\x0F\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03\xA0\x02\x30\x00"

/* Bodies that end the look, and bodies in which it finds nothing. */
static void odd_bodies(void **state)
{
    parties *p = *state;
    const struct {
        content body;
        sipveil_code code;
        sv_carried_state found;
    } rows[] = {
        {{"multipart/mixed;boundary=b", SV_SPAN("--b\r\n\r\nx\r\n")}, SIPVEIL_MALFORMED, SV_CARRIED_NONE},
        {{"multipart/mixed", SV_SPAN("--b\r\n\r\nx\r\n--b--\r\n")}, SIPVEIL_MALFORMED, SV_CARRIED_NONE},
        {{"multipart/mixed;boundary=b", SV_SPAN("--b\r\nContent-Type: x\r\n\r\ny\r\n--b--\r\n")}, SIPVEIL_MALFORMED, SV_CARRIED_NONE},
        {{"multipart/mixed;boundary=b", SV_SPAN(PART("application/pkcs7-mime", "!!") "--b--\r\n")}, SIPVEIL_MALFORMED, SV_CARRIED_NONE},
        {{"multipart/mixed;boundary=b", SV_SPAN(PART("application/sdp", "!!") "--b--\r\n")}, SIPVEIL_OK, SV_CARRIED_NONE},
        {{"multipart/mixed;boundary=b", SV_SPAN(PART("application/pkix-cert", "!!") "--b--\r\n")}, SIPVEIL_OK, SV_CARRIED_UNREADABLE},
        {{SIGNED, SV_SPAN(PART("application/sdp", "dj0w") PART("application/pkcs7-signature", "!!") "--b--\r\n")}, SIPVEIL_MALFORMED, SV_CARRIED_NONE},
        {{SIGNED, SV_SPAN(PART("application/sdp", "dj0w") "--b\r\nContent-Type: x\r\n\r\ny\r\n--b--\r\n")}, SIPVEIL_MALFORMED, SV_CARRIED_NONE},
        {{SIGNED, SV_SPAN(PART("application/sdp", "dj0w") PART("application/pkcs7-signature", "AAAA") "--b--\r\n")}, SIPVEIL_OK, SV_CARRIED_UNREADABLE},
        {{SIGNED, SV_SPAN(PART("application/sdp", "dj0w") "--b--\r\n")}, SIPVEIL_OK, SV_CARRIED_NONE},
        {{"application/pkcs7-mime", SV_SPAN(ENVELOPED)}, SIPVEIL_OK, SV_CARRIED_NONE},
        {{"application/x-pkcs7-mime", SV_SPAN(ENVELOPED)}, SIPVEIL_OK, SV_CARRIED_NONE},
        {{"application/pkcs7-mime", SV_SPAN("x")}, SIPVEIL_OK, SV_CARRIED_UNREADABLE},
    };
    sv_crypto *crypto;
    assert_code(sv_crypto_new(p->context, &crypto, &p->err), SIPVEIL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sv_carried_certificate found;
        const sv_carrier_question q = {.view = view_of(p, invite(p, rows[i].body)), .context = p->context, .crypto = crypto, .arena = p->arena};
        sipveil_code code = sv_find_carried(&q, &found, &p->err);
        if (code != rows[i].code || (code == SIPVEIL_OK && found.state != rows[i].found)) fail_msg("row %zu: %d, %d", i, code, found.state);
        assert_null(found.certificate);
    }
    sv_crypto_free(crypto);
    content text = {"text/plain", SV_SPAN("hello")};
    sv_carried_certificate c = look(p, signed_by(p, &p->alice, SIPVEIL_MODE_PAYLOAD, true, invite(p, mixed(p, &text, 1))), NULL, NULL);
    assert_int_equal(c.state, SV_CARRIED_NONE); /* a multipart, and nothing of the session in it */
}

/* More certificates than anybody needs, and nesting without end: refused before work (ADV-123, ADV-036). */
static void limits(void **state)
{
    parties *p = *state;
    sv_carried_certificate found;
    sv_crypto *crypto;
    content parts[17];
    device many[17];
    assert_code(sv_crypto_new(p->context, &crypto, &p->err), SIPVEIL_OK);
    for (size_t i = 0; i < 17; i++) {
        many[i] = make_device(p, NULL, NULL, "sip:x@y.example", NULL, NOW + 60);
        parts[i] = pkix(&many[i]);
    }
    sv_carrier_question q = {.view = view_of(p, invite(p, mixed(p, parts, 17))), .context = p->context, .crypto = crypto,
                             .arena = p->arena};
    assert_int_equal(sv_find_carried(&q, &found, &p->err), SIPVEIL_LIMIT);
    content nested = {"text/plain", SV_SPAN("x")};
    for (size_t i = 0; i < 9; i++) {
        sv_buffer b = buffer_of(p), type = buffer_of(p);
        sv_put_format(&type, "multipart/mixed;boundary=b%zu", i);
        sv_put_byte(&type, 0);
        sv_put_format(&b, "--b%zu\r\nContent-Type: %s\r\n\r\n", i, nested.type);
        sv_put(&b, nested.octets);
        sv_put_format(&b, "\r\n--b%zu--\r\n", i);
        nested = (content){(const char *)type.data, sv_buffer_span(&b)};
    }
    q.view = view_of(p, invite(p, nested));
    assert_int_equal(sv_find_carried(&q, &found, &p->err), SIPVEIL_LIMIT);
    for (size_t i = 0; i < 17; i++) sipveil_keyring_free(many[i].ring);
    sv_crypto_free(crypto);
}

/* Memory that ends anywhere: the same answer, or none; never another certificate and never "there is none". */
static void memory_ends(void **state)
{
    parties *p = *state;
    content both = mixed(p, (content[]){sdp_of(p, "a=key-mgmt:mikey TUlLRVk=\r\n"), pkix(&p->phone)}, 2);
    sipveil_span message = signed_by(p, &p->alice, SIPVEIL_MODE_PAYLOAD, false, invite(p, both));
    sv_sip_view *view = view_of(p, message);
    size_t answered = 0, failed = 0;
    for (size_t most = 1024; answered < 3; most += most < 60000 ? 977 : 4001) {
        sv_carried_certificate found;
        sv_crypto *crypto;
        sv_arena *arena = sv_arena_new(512, most);
        assert_true(arena != NULL && most < (8u << 20));
        assert_code(sv_crypto_new(p->context, &crypto, &p->err), SIPVEIL_OK);
        sv_carrier_question q = {.view = view, .context = p->context, .crypto = crypto, .arena = arena};
        sipveil_code code = sv_find_carried(&q, &found, &p->err);
        if (code == SIPVEIL_OK) {
            assert_one(&found, &p->alice, SV_CARRIER_SIGNED, true);
            answered++;
        } else {
            assert_int_equal(code, SIPVEIL_INTERNAL);
            assert_null(found.certificate);
            failed++;
        }
        sv_crypto_free(crypto);
        sv_arena_free(arena);
    }
    assert_true(failed > 3);
}

/* ---- MIKEY ---- */

typedef struct mikey_world {
    const device *gives;
    bool verified;
    size_t asked;
    char seen[32];
} mikey_world;

static bool read_mikey(void *user, sipveil_span mikey, sipveil_span *certificate, bool *verified)
{
    mikey_world *m = user;
    m->asked++;
    snprintf(m->seen, sizeof m->seen, "%.*s", (int)mikey.len, (const char *)mikey.data);
    if (m->gives == NULL) return false;
    *certificate = m->gives->der;
    *verified = m->verified;
    return true;
}

static void mikey(void **state)
{
    parties *p = *state;
    mikey_world m = {.gives = &p->phone, .verified = true};
    sipveil_span message = invite(p, sdp_of(p, "a=key-mgmt:mikey TUlLRVk=\r\na=x\r\n"));
    sv_carried_certificate c = look(p, message, NULL, NULL);
    assert_int_equal(c.state, SV_CARRIED_UNREAD); /* only by callback */
    c = look(p, message, read_mikey, &m);
    assert_one(&c, &p->phone, SV_CARRIER_MIKEY, true);
    assert_string_equal(m.seen, "MIKEY");
    m.verified = false;
    c = look(p, invite(p, sdp_of(p, "a=key-mgmt:MIKEY TUlLRVk=")), read_mikey, &m); /* the last line lacks its end */
    assert_one(&c, &p->phone, SV_CARRIER_MIKEY, false);
    m.gives = NULL;
    c = look(p, message, read_mikey, &m);
    assert_int_equal(c.state, SV_CARRIED_NONE);
    m.asked = 0;
    c = look(p, invite(p, sdp_of(p, "a=key-mgmt:mikey TUlLRVk\r\n")), read_mikey, &m); /* padding is missing */
    assert_int_equal(c.state, SV_CARRIED_UNREADABLE);
    c = look(p, invite(p, sdp_of(p, "a=key-mgmt:other TUlLRVk=\r\n a=key-mgmt:mikeyTUlL\r\n")), read_mikey, &m);
    assert_int_equal(c.state, SV_CARRIED_NONE);
    assert_int_equal(m.asked, 0);
}

/* IDN-56: what the authentication service asks before it signs. */
static void carries(void **state)
{
    parties *p = *state;
    const struct {
        sipveil_span message;
        bool carries;
    } rows[] = {
        {invite(p, pkix(&p->alice)), true},
        {invite(p, mixed(p, (content[]){pkix(&p->alice), pkix(&p->phone)}, 2)), true}, /* unclear is not none */
        {invite(p, (content){"application/pkix-cert", SV_SPAN("x")}), true},
        {invite(p, sdp_of(p, "a=key-mgmt:mikey TUlLRVk=\r\n")), true},
        {signed_by(p, &p->alice, SIPVEIL_MODE_PAYLOAD, true, invite(p, sdp_of(p, ""))), true},
        {invite(p, sdp_of(p, "")), false},
        {invite(p, (content){NULL, {NULL, 0}}), false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool found = !rows[i].carries;
        assert_code(sipveil_identity_carries_certificate(p->worker, rows[i].message, &found, &p->err), SIPVEIL_OK);
        assert_int_equal(found, rows[i].carries);
    }
    bool found = true;
    assert_code(sipveil_identity_carries_certificate(p->worker, SV_SPAN("x"), &found, &p->err), SIPVEIL_MALFORMED);
    assert_false(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forms), cmocka_unit_test(not_of_the_session), cmocka_unit_test(which_one),
        cmocka_unit_test(authorities), cmocka_unit_test(broken), cmocka_unit_test(odd_bodies), cmocka_unit_test(limits), cmocka_unit_test(memory_ends), cmocka_unit_test(mikey), cmocka_unit_test(carries),
    };
    return cmocka_run_group_tests_name("certificates that a message carries", tests, parties_setup, parties_teardown);
}
