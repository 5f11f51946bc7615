/* SPDX-License-Identifier: BSD-2-Clause */
/* Sealing: what is refused, what the outer message carries, labels, Date, order, size. */
#include "tunnel/fixture.h"

static void to(lab *l, const sipveil_key *const *key)
{
    l->seal.recipients = key;
    l->seal.recipient_count = key != NULL;
}

static void by(lab *l, const sipveil_key *const *key)
{
    l->seal.signers = key;
    l->seal.signer_count = key != NULL;
}

/* ---- refusals ---- */

static void usage(void **state)
{
    lab *l = begin(state);
    sipveil_span message = invite(l);
    const sipveil_key *both[] = {l->kek, l->bob};
    assert_code(try_seal(l, message), SIPVEIL_USAGE); /* nothing would be protected */
    to(l, &l->kek);
    l->seal.size++;
    assert_code(try_seal(l, message), SIPVEIL_USAGE);
    l->seal.size--;
    l->seal.mode = SIPVEIL_MODE_SIPFRAG;
    assert_code(try_seal(l, message), SIPVEIL_USAGE); /* a sipfrag is signed */
    l->seal.mode = SIPVEIL_MODE_PAYLOAD;
    l->seal.pcscf = true;
    assert_code(try_seal(l, message), SIPVEIL_USAGE);
    l->seal.pcscf = false;
    assert_code(try_seal(l, compose(l, HEAD, NULL, SV_SPAN(""))), SIPVEIL_USAGE); /* no body */
    l->seal.mode = SIPVEIL_MODE_TUNNEL;
    l->seal.cipher = SIPVEIL_CIPHER_DES_EDE3_CBC;
    assert_code(try_seal(l, message), SIPVEIL_USAGE);
    l->seal.cipher = SIPVEIL_CIPHER_COUNT;
    assert_code(try_seal(l, message), SIPVEIL_USAGE);
    l->seal.cipher = SIPVEIL_CIPHER_NONE;
    static const char *const uris[] = {"", "not a uri", "sip:a b@c", "sip:a@b\r\nX: y", "sip:a@b@c"};
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        l->seal.request_uri = uris[i];
        assert_code(try_seal(l, message), SIPVEIL_USAGE);
        l->seal.pcscf = true;
        assert_code(try_seal(l, compose(l, RESPONSE_HEAD, NULL, SV_SPAN(""))), SIPVEIL_USAGE);
        l->seal.pcscf = false;
    }
    l->seal.request_uri = NULL;
    assert_code(try_seal(l, message), SIPVEIL_OK);
    /* CMS-12 */
    l->seal.recipients = both;
    l->seal.recipient_count = 2;
    assert_code(try_seal(l, message), SIPVEIL_POLICY);
    assert_string_equal(l->err.rule, "CMS-12");
    assert_true(l->err.hint[0] != '\0');
    l->seal.allow_unsigned_shared = true;
    assert_code(try_seal(l, message), SIPVEIL_OK);
    l->seal.allow_unsigned_shared = false;
    by(l, &l->alice);
    assert_code(try_seal(l, message), SIPVEIL_OK);
    /* ADV-083, ADV-114: too many */
    const sipveil_key *many[65];
    for (size_t i = 0; i < 65; i++) many[i] = l->kek;
    l->seal.recipients = many;
    l->seal.recipient_count = 65;
    assert_code(try_seal(l, message), SIPVEIL_LIMIT);
    for (size_t i = 0; i < 65; i++) many[i] = l->alice;
    to(l, NULL);
    l->seal.signers = many;
    l->seal.signer_count = 5;
    assert_code(try_seal(l, message), SIPVEIL_LIMIT);
    sipveil_sealed out;
    assert_int_equal(sipveil_tunnel_seal_message(l->sealer, &l->seal, message, NULL, NULL), SIPVEIL_USAGE);
    assert_int_equal(sipveil_tunnel_seal_message(NULL, &l->seal, message, &out, NULL), SIPVEIL_USAGE);
    assert_int_equal(sipveil_tunnel_seal_message(l->sealer, NULL, message, &out, NULL), SIPVEIL_USAGE);
}

/* What hops and the transaction need is never hidden; nor is anything without encryption. */
static void never_hidden(void **state)
{
    static const char *const never[] = {"Via", "v", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact", "m", "Content-Type",
                                        "l", "Content-Length", "Content-Anything", "Require", "Proxy-Require", "Route",
                                        "Record-Route"};
    static const char *const subject[] = {"Subject"};
    lab *l = begin(state);
    to(l, &l->kek);
    l->seal.hide_count = 1;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        l->seal.hide = &never[i];
        if (try_seal(l, invite(l)) != SIPVEIL_USAGE) fail_msg("%s can be hidden", never[i]);
    }
    l->seal.hide = subject;
    assert_code(try_seal(l, invite(l)), SIPVEIL_OK);
    to(l, NULL);
    by(l, &l->alice);
    assert_code(try_seal(l, invite(l)), SIPVEIL_USAGE);
}

/* ADV-098: recipients and signers that are not to be used. */
static void unusable_keys(void **state)
{
    lab *l = begin(state);
    to(l, &l->bob);
    l->clock = NOW + 91 * 86400;
    assert_code(try_seal(l, invite(l)), SIPVEIL_POLICY);
    l->clock = NOW;
    l->seal.trust = l->ring;
    assert_code(try_seal(l, invite(l)), SIPVEIL_OK);
    to(l, &l->stranger); /* another authority than the anchors given */
    assert_code(try_seal(l, invite(l)), SIPVEIL_POLICY);
    to(l, NULL);
    by(l, &l->alice);
    l->clock = NOW - 91 * 86400;
    assert_true(try_seal(l, invite(l)) != SIPVEIL_OK);
    l->clock = NOW;
    by(l, &l->kek); /* nothing to sign with */
    assert_true(try_seal(l, invite(l)) != SIPVEIL_OK);
    by(l, &l->bob_x25519);
    assert_true(try_seal(l, invite(l)) != SIPVEIL_OK);
}

/* ---- outside and inside ---- */

#define RICH                                                                                               \
    "Subject: lunch\r\nRequire: 100rel\r\nProxy-Require: x\r\nRoute: <sip:p.example;lr>\r\nOrganization: O\r\n"  \
    "Authorization: Digest a=\"b\"\r\nPriority: normal\r\nTimestamp: 5\r\nExpires: 60\r\nSupported: timer\r\n"   \
    "X-More: 1\r\nUser-Agent: u/1\r\nP-Preferred-Identity: <sip:alice@atlanta.example.com>\r\nPrivacy: id\r\n"

/* TUN-35, and the table of what may be hidden. */
static void outer_fields(void **state)
{
    static const char *const outside[] = {VIA, "Max-Forwards: 70", FROM, TO, CALL_ID, CSEQ, CONTACT, DATE_NOW, "Require: ",
                                          "Proxy-Require: ", "Route: ", "Authorization: ", "Priority: ", "Timestamp: "};
    static const char *const inside[] = {"Subject", "Organization", "Expires", "Supported", "X-More", "User-Agent",
                                         "P-Preferred-Identity", "Privacy", "Content-Type: application/sdp"};
    lab *l = begin(state);
    sipveil_span message = compose(l, HEAD RICH, "Content-Type: application/sdp\r\n", SV_SPAN(SDP)), out;
    to(l, &l->kek);
    out = sealed(l, message);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) assert_true(contains(out, outside[i]));
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) assert_false(contains(out, inside[i]));
    assert_code(try_open(l, out), SIPVEIL_OK);
    assert_same(l->opened.message, message);
    /* TUN-35: a signed-only tunnel carries all of them outside too */
    to(l, NULL);
    by(l, &l->alice);
    out = sealed(l, message);
    size_t body;
    assert_true(sv_find(out, SV_SPAN("\r\n\r\n"), &body));
    for (size_t i = 0; i < 8; i++) assert_true(contains(sv_span(out.data, body), inside[i]));
    assert_code(try_open(l, out), SIPVEIL_OK);
    for (size_t i = 0; i < l->opened.compared_count; i++) {
        assert_int_equal(l->opened.compared[i].result, SIPVEIL_COMPARE_EQUAL);
    }
    /* Expires of a REGISTER stays outside */
    by(l, NULL);
    to(l, &l->kek);
    const char *reg = edited_text(l, edited_text(l, HEAD RICH, "INVITE sip:bob@", "REGISTER sip:"), "1 INVITE", "1 REGISTER");
    out = sealed(l, compose(l, reg, NULL, SV_SPAN("")));
    assert_true(contains(out, "Expires: 60"));
}

/* TUN-42 */
static void hide_from(void **state)
{
    static const char *const hide[] = {"f", "Priority"};
    lab *l = begin(state);
    to(l, &l->bob);
    by(l, &l->alice);
    l->seal.hide = hide;
    l->seal.hide_count = 2;
    const char *head = edited_text(l, HEAD "Priority: urgent\r\n", CONTACT,
                                   "Contact: \"Alice\" <sip:alice:pw@ua.atlanta.example.com:5070;transport=tcp;ob;x=1>;expires=5\r\n");
    sipveil_span message = compose(l, head, NULL, SV_SPAN("")), out = sealed(l, message);
    assert_true(contains(out, STAND_IN));
    assert_true(contains(out, "Contact: <sip:ua.atlanta.example.com:5070;transport=tcp;ob>\r\n"));
    assert_false(contains(out, "alice"));
    assert_false(contains(out, "Alice"));
    assert_false(contains(out, "Priority"));
    assert_code(try_open(l, out), SIPVEIL_OK);
    assert_same(l->opened.message, message);
    assert_int_equal(compared(l, "From"), SIPVEIL_COMPARE_HIDDEN);
    assert_int_equal(compared(l, "Contact"), SIPVEIL_COMPARE_HIDDEN);
    assert_int_equal(compared(l, "Priority"), SIPVEIL_COMPARE_HIDDEN);
    /* a Contact that no stand-in can be made of; several in one row */
    assert_code(try_seal(l, compose(l, edited_text(l, HEAD, CONTACT, "Contact: <tel:+123>\r\n"), NULL, SV_SPAN(""))),
                SIPVEIL_UNSUPPORTED);
    assert_string_equal(l->err.rule, "TUN-42");
    message = compose(l, edited_text(l, HEAD, CONTACT, "Contact: <sip:a@b>;q=1, \"x\" <sip:c@d:5070>\r\n"), NULL, SV_SPAN(""));
    out = sealed(l, message);
    assert_code(try_open(l, out), SIPVEIL_OK);
    assert_same(l->opened.message, message);
    assert_code(try_open(l, edited(l, out, "d:5070", "e:5070")), SIPVEIL_HEADER_MISMATCH);
    assert_code(try_open(l, edited(l, out, "d:5070>", "d:5070>, <sip:e>")), SIPVEIL_HEADER_MISMATCH);
    message = compose(l, edited_text(l, HEAD, CONTACT, "Contact: <sips:alice@[2001:db8::1]:5061>\r\n"), NULL, SV_SPAN(""));
    out = sealed(l, message);
    assert_true(contains(out, "Contact: <sips:[2001:db8::1]:5061>\r\n"));
    assert_code(try_open(l, out), SIPVEIL_OK);
    /* a From without tag has a stand-in without tag */
    message = compose(l, edited_text(l, HEAD, ";tag=9fxced76sl", ""), NULL, SV_SPAN(""));
    out = sealed(l, message);
    assert_true(contains(out, "anonymous.invalid>\r\n"));
    assert_code(try_open(l, out), SIPVEIL_OK);
}

/* TUN-21, TUN-60, TUN-84: labels and names of what is written. */
static void labels(void **state)
{
    static const struct {
        sipveil_cipher cipher;
        const char *label, *name;
    } table[] = {
        {SIPVEIL_CIPHER_NONE, "authEnveloped-data", "aes-256-gcm"},
        {SIPVEIL_CIPHER_AES_128_GCM, "authEnveloped-data", "aes-128-gcm"},
        {SIPVEIL_CIPHER_AES_128_CBC, "enveloped-data", "aes-128-cbc"},
        {SIPVEIL_CIPHER_AES_192_CBC, "enveloped-data", "aes-192-cbc"},
        {SIPVEIL_CIPHER_AES_256_CBC, "enveloped-data", "aes-256-cbc"},
    };
    lab *l = begin(state);
    l->options.allow_unauthenticated = true;
    to(l, &l->kek);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char row[200];
        snprintf(row, sizeof row, "Content-Type: application/pkcs7-mime; smime-type=%s; name=smime.p7m\r\n", table[i].label);
        l->seal.cipher = table[i].cipher;
        sipveil_span out = sealed(l, invite(l));
        assert_true(contains(out, row));
        assert_true(contains(out, "Content-Disposition: attachment; filename=smime.p7m; handling=required\r\n"));
        assert_true(contains(out, "Content-Transfer-Encoding: binary\r\n"));
        assert_code(try_open(l, out), SIPVEIL_OK);
        json_t *root = report(l);
        json_t *node = json_array_get(json_object_get(json_object_get(root, "tree"), "children"), 0);
        assert_string_equal(json_string_value(json_object_get(node, "cipher")), table[i].name);
        json_decref(root);
    }
    l->seal.cipher = SIPVEIL_CIPHER_NONE;
    l->seal.encoding = SIPVEIL_ENCODING_BASE64; /* TUN-79 */
    assert_true(contains(sealed(l, invite(l)), "Content-Transfer-Encoding: base64\r\n"));
    l->seal.pcscf = true;
    l->seal.encoding = SIPVEIL_ENCODING_BINARY;
    assert_true(contains(sealed(l, invite(l)), "Content-Transfer-Encoding: binary\r\n"));
    l->seal.pcscf = false;
    to(l, NULL);
    by(l, &l->alice);
    l->seal.encoding = SIPVEIL_ENCODING_DEFAULT;
    sipveil_span out = sealed(l, invite(l));
    assert_true(contains(out, "multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=")); /* TUN-20 */
    assert_true(contains(out, "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n"));
    assert_true(contains(out, "filename=smime.p7s; handling=required\r\n"));
    l->seal.opaque = true;
    out = sealed(l, invite(l));
    assert_true(contains(out, "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n"));
    assert_code(try_open(l, out), SIPVEIL_OK);
    l->seal.compress = true; /* signed and compressed */
    out = sealed(l, invite(l));
    assert_true(contains(out, "smime-type=compressed-data; name=smime.p7z\r\n"));
    assert_code(try_open(l, out), SIPVEIL_OK);
    assert_same(l->opened.message, invite(l));
    assert_true(l->opened.is_signed);
}

/* TUN-44: the two orders. */
static void order(void **state)
{
    lab *l = begin(state);
    to(l, &l->bob);
    by(l, &l->alice);
    sipveil_span out = sealed(l, invite(l));
    assert_true(contains(out, "Content-Type: application/pkcs7-mime"));
    assert_false(contains(out, "multipart/signed"));
    assert_code(try_open(l, out), SIPVEIL_OK);
    assert_true(l->opened.is_signed && l->opened.is_encrypted);
    l->seal.encrypt_then_sign = true;
    for (int compress = 0; compress < 2; compress++) {
        l->seal.compress = compress == 1;
        out = sealed(l, invite(l));
        assert_true(contains(out, "Content-Type: multipart/signed"));
        assert_code(try_open(l, out), SIPVEIL_OK);
        assert_same(l->opened.message, invite(l));
        assert_true(l->opened.is_signed && l->opened.is_encrypted);
    }
}

/* TUN-76: compression is left out where it does not help. */
static void compression(void **state)
{
    lab *l = begin(state);
    char long_text[4000];
    memset(long_text, 'a', sizeof long_text);
    to(l, &l->kek);
    l->seal.compress = true;
    l->seal.mode = SIPVEIL_MODE_PAYLOAD;
    for (int i = 0; i < 2; i++) {
        sipveil_span body = i == 0 ? SV_SPAN("short") : sv_span(long_text, sizeof long_text);
        sipveil_span out = sealed(l, compose(l, HEAD, "Content-Type: text/plain\r\n", body));
        assert_code(try_open(l, out), SIPVEIL_OK);
        assert_same(l->opened.body, body);
        json_t *root = report(l);
        char *dump = json_dumps(root, JSON_COMPACT);
        assert_int_equal(strstr(dump, "compressed-data") != NULL, i == 1);
        free(dump);
        json_decref(root);
        assert_true(out.len < 2000);
    }
}

/* ---- Date ---- */

/* TUN-33: the same inside and outside. */
static void date(void **state)
{
    static const struct {
        sipveil_date_choice choice;
        bool has, is_signed;
        const char *date; /* inside; NULL: none */
    } table[] = {
        {SIPVEIL_DATE_AUTO, false, true, "Sat, 21 Nov 2026 10:00:05 GMT"},
        {SIPVEIL_DATE_AUTO, false, false, NULL},
        {SIPVEIL_DATE_AUTO, true, true, "Sat, 21 Nov 2026 10:00:00 GMT"},
        {SIPVEIL_DATE_NONE, false, true, NULL},
        {SIPVEIL_DATE_NONE, true, true, "Sat, 21 Nov 2026 10:00:00 GMT"},
        {SIPVEIL_DATE_NOW, true, false, "Sat, 21 Nov 2026 10:00:05 GMT"},
        {SIPVEIL_DATE_NOW, false, false, "Sat, 21 Nov 2026 10:00:05 GMT"},
        {SIPVEIL_DATE_FIXED, true, true, "Sat, 21 Nov 2026 09:30:00 GMT"},
        {SIPVEIL_DATE_FIXED, false, false, "Sat, 21 Nov 2026 09:30:00 GMT"},
    };
    lab *l = begin(state);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *head = table[i].has ? HEAD : edited_text(l, HEAD, DATE_NOW, "");
        sipveil_span message = compose(l, head, "c: application/sdp\r\nContent-Language: en\r\n", SV_SPAN(SDP));
        to(l, &l->kek);
        by(l, table[i].is_signed ? &l->alice : NULL);
        l->seal.date = table[i].choice;
        l->seal.fixed_date = NOW - 1800;
        l->clock = NOW + 5;
        sipveil_span out = sealed(l, message);
        assert_code(try_open(l, out), SIPVEIL_OK);
        size_t end;
        assert_true(sv_find(out, SV_SPAN("\r\n\r\n"), &end));
        if (table[i].date == NULL) {
            assert_false(contains(l->opened.message, "Date:"));
            assert_false(contains(sv_span(out.data, end), "Date:"));
            assert_same(l->opened.message, message);
        } else {
            assert_true(contains(l->opened.message, table[i].date));
            assert_true(contains(sv_span(out.data, end), table[i].date));
            assert_int_equal(compared(l, "Date"), SIPVEIL_COMPARE_EQUAL);
            assert_true(contains(l->opened.message, "\r\nc: application/sdp\r\nContent-Language: en\r\n"));
            assert_same(l->opened.body, SV_SPAN(SDP));
        }
    }
    /* a body alone has no Date of its own */
    by(l, &l->alice);
    to(l, NULL);
    l->seal.date = SIPVEIL_DATE_AUTO;
    l->seal.mode = SIPVEIL_MODE_PAYLOAD;
    assert_false(contains(sealed(l, compose(l, edited_text(l, HEAD, DATE_NOW, ""), "c: text/plain\r\n", SV_SPAN("x"))), "Date:"));
}

/* ---- size ---- */

/* TUN-59: over 1300 octets a MESSAGE over UDP is refused, all else warned of. */
static void size(void **state)
{
    static const struct {
        const char *via;
        bool is_message, is_large;
        sipveil_code code;
        bool warned;
    } table[] = {
        {"UDP", true, false, SIPVEIL_OK, false},  {"UDP", true, true, SIPVEIL_LIMIT, false},
        {"udp", true, true, SIPVEIL_LIMIT, false}, {"Udp", true, true, SIPVEIL_LIMIT, false},
        {"TCP", true, true, SIPVEIL_OK, true},    {"TLS", true, true, SIPVEIL_OK, true},
        {"UDP", false, true, SIPVEIL_OK, true},   {"TCP", false, false, SIPVEIL_OK, false},
    };
    lab *l = begin(state);
    to(l, &l->kek);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char octets[1000];
        memset(octets, 'x', sizeof octets);
        const char *head = edited_text(l, HEAD, "2.0/TCP", joined(l, "2.0/", table[i].via));
        if (table[i].is_message) head = edited_text(l, edited_text(l, head, "INVITE sip", "MESSAGE sip"), "1 INVITE", "1 MESSAGE");
        sipveil_span message = compose(l, head, "Content-Type: text/plain\r\n", sv_span(octets, table[i].is_large ? 1000 : 10));
        assert_code(try_seal(l, message), table[i].code);
        if (table[i].code == SIPVEIL_OK) {
            assert_int_equal(warned(l->sealed.warnings, l->sealed.warning_count, "TUN-59"), table[i].warned);
        } else {
            assert_string_equal(l->err.rule, "TUN-59");
            assert_non_null(strstr(l->err.hint, "MSRP"));
        }
    }
    /* only the top Via counts */
    const char *head = edited_text(l, HEAD, VIA, VIA "Via: SIP/2.0/UDP p.example;branch=z9hG4bKp\r\n");
    head = edited_text(l, edited_text(l, head, "INVITE sip", "MESSAGE sip"), "1 INVITE", "1 MESSAGE");
    char octets[1000] = "";
    assert_code(try_seal(l, compose(l, head, "Content-Type: text/plain\r\n", sv_span(octets, sizeof octets))), SIPVEIL_OK);
}

/* ---- input ---- */

static void input(void **state)
{
    lab *l = begin(state);
    to(l, &l->kek);
    assert_code(try_seal(l, SV_SPAN("")), SIPVEIL_MALFORMED);
    assert_code(try_seal(l, SV_SPAN("garbage\r\n\r\n")), SIPVEIL_MALFORMED);
    assert_code(try_seal(l, edited(l, invite(l), FROM, FROM FROM)), SIPVEIL_MALFORMED);
    /* ADV-005: octets after Content-Length are never sealed */
    sipveil_span message = invite(l);
    sv_buffer b;
    sv_buffer_init(&b, l->arena, message.len + 32, 1 << 20);
    sv_put(&b, message);
    sv_put_str(&b, "trailing");
    sipveil_span out = sealed(l, sv_buffer_span(&b));
    assert_warned(l->sealed, "ADV-005");
    assert_code(try_open(l, out), SIPVEIL_OK);
    assert_same(l->opened.message, message);
    /* ADV-009: bare LF, on request; Content-Length that counted LF or CRLF */
    static const char *const lengths[] = {"12", "14", NULL};
    for (size_t i = 0; i < 3; i++) {
        const char *head = "MESSAGE sip:bob@biloxi.example.com SIP/2.0\nVia: SIP/2.0/TCP a.example;branch=z9hG4bKa\n"
                           "From: <sip:alice@atlanta.example.com>;tag=1\nTo: <sip:bob@biloxi.example.com>\nCall-ID: c\n"
                           "CSeq: 1 MESSAGE\nMax-Forwards: 70\nContent-Type: text/plain\n";
        if (lengths[i] != NULL) head = joined(l, joined(l, head, "Content-Length: "), joined(l, lengths[i], "\n"));
        sipveil_span lf = text(joined(l, head, "\nhello\nworld\n"));
        l->seal.accept_bare_lf = false;
        assert_code(try_seal(l, lf), SIPVEIL_MALFORMED);
        l->seal.accept_bare_lf = true;
        out = sealed(l, lf);
        assert_warned(l->sealed, "ADV-009");
        assert_code(try_open(l, out), SIPVEIL_OK);
        assert_same(l->opened.body, SV_SPAN("hello\r\nworld\r\n"));
    }
}

/* ADV-068: nothing of one message comes again in the next. */
static void fresh_every_time(void **state)
{
    lab *l = begin(state);
    const sipveil_key *keys[] = {l->kek, l->bob, l->bob_rsa, l->bob_x25519};
    for (size_t i = 0; i < 4; i++) {
        to(l, &keys[i]);
        sipveil_span first = sealed(l, invite(l)), second = sealed(l, invite(l));
        assert_int_equal(first.len > 100 && second.len > 100, 1);
        sipveil_span a = body_of(first), b = body_of(second);
        assert_true(a.len < 64 || memcmp(a.data + a.len - 64, b.data + b.len - 64, 64) != 0);
    }
}

/* ADV-037: a body that looks like any boundary. */
static void boundaries(void **state)
{
    lab *l = begin(state);
    by(l, &l->alice);
    static const char *const bodies[] = {"--\r\n--\r\n", "--0123456789abcdef\r\n", "\r\n--b\r\n--b--\r\n", "no line end at the end", "\r\n", ""};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        sipveil_span message = compose(l, HEAD, "Content-Type: text/plain\r\n", text(bodies[i]));
        assert_code(try_open(l, sealed(l, message)), SIPVEIL_OK);
        assert_same(l->opened.message, message);
    }
}

/* Every mode gives back what it was given, with compact names, folds and odd spacing (TUN-61). */
static void round_trips(void **state)
{
    lab *l = begin(state);
    const char *odd = "INVITE sip:bob@biloxi.example.com SIP/2.0\r\nv:SIP/2.0/TCP a.example;branch=z9hG4bKa\r\nMax-Forwards :70\r\n"
                      "f:\t<sip:alice@atlanta.example.com>;tag=1\r\nT: <sip:bob@biloxi.example.com>\r\nI: c@x\r\nCSEQ: 1\r\n INVITE\r\n"
                      "m: <sip:alice@a.example>\r\ns: a\r\n\tb\r\nX-More:\r\n" DATE_NOW;
    static const char *const rows[] = {"Content-Type: application/sdp\r\n", "c: application/sdp\r\n",
                                       "CONTENT-TYPE :application/sdp\r\nContent-Language: en\r\ne: identity\r\n",
                                       "Content-Disposition: session;handling=optional\r\nc: application/sdp;\r\n x=y\r\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_span message = compose(l, odd, rows[i], SV_SPAN(SDP));
        for (int mode = SIPVEIL_MODE_TUNNEL; mode <= SIPVEIL_MODE_SIPFRAG; mode++) {
            l->seal.mode = (sipveil_mode)mode;
            by(l, &l->alice);
            to(l, &l->bob);
            assert_code(try_open(l, sealed(l, message)), SIPVEIL_OK);
            assert_same(l->opened.message, message);
        }
        l->seal.mode = SIPVEIL_MODE_PAYLOAD;
        assert_code(try_open(l, sealed(l, message)), SIPVEIL_OK);
        assert_same(body_of(l->opened.message), SV_SPAN(SDP));
        assert_true(contains(l->opened.message, "\r\ns: a\r\n\tb\r\nX-More:\r\n" DATE_NOW));
    }
}

/* A row of the body that MIME would not read: SIP lets blanks stand before the colon, RFC 5322 does not (TUN-61). */
static void blank_before_colon(void **state)
{
    lab *l = begin(state);
    sipveil_span message = compose(l, HEAD, "Content-Type: application/sdp\r\nContent-Odd :a\r\n b\r\nContent-Empty\t:\r\nContent-As:it is\r\n", SV_SPAN(SDP));
    by(l, &l->alice);
    for (int mode = SIPVEIL_MODE_SIPFRAG; mode <= SIPVEIL_MODE_PAYLOAD; mode++) {
        l->seal.mode = (sipveil_mode)mode;
        assert_code(try_open(l, sealed(l, message)), SIPVEIL_OK);
        assert_true(contains(l->opened.message, "\r\nContent-Odd: a\r\n b\r\nContent-Empty: \r\nContent-As:it is\r\n"));
        assert_same(body_of(l->opened.message), SV_SPAN(SDP));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage),       cmocka_unit_test(never_hidden), cmocka_unit_test(unusable_keys),
        cmocka_unit_test(outer_fields), cmocka_unit_test(hide_from),   cmocka_unit_test(labels),
        cmocka_unit_test(order),       cmocka_unit_test(compression),  cmocka_unit_test(date),
        cmocka_unit_test(size),        cmocka_unit_test(input),        cmocka_unit_test(fresh_every_time),
        cmocka_unit_test(boundaries),  cmocka_unit_test(round_trips),   cmocka_unit_test(blank_before_colon),
    };
    return cmocka_run_group_tests_name("sealing", tests, lab_setup, lab_teardown);
}
