/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening layer by layer: nesting, labels, multiparts, hostile structures, and what a refusal tells. */
#include "tunnel/fixture.h"

#include "cms/cms.h"
#include "keys/keys.h"
#include "mime/mime.h"
#include "tunnel/operation.h"

#define PLAIN "Content-Type: text/plain\r\n"

static const char *p7m(lab *l, const char *smime_type)
{
    return joined(l, joined(l, "Content-Type: application/pkcs7-mime; smime-type=", smime_type),
                  "\r\nContent-Transfer-Encoding: binary\r\n");
}

/* One layer more around the body of a message. */
static sipveil_span again(lab *l, sipveil_span message, const sipveil_key *signer, const sipveil_key *recipient)
{
    return protect(l, HEAD, rows_of(l, message), body_of(message), signer, recipient);
}

static sipveil_span plain(lab *l)
{
    return compose(l, HEAD, PLAIN, SV_SPAN("hello"));
}

static sipveil_span cms_signed(lab *l, sipveil_span content, bool detached)
{
    sv_sign_request request = {.signers = &l->alice->cms, .signer_count = 1, .detached = detached, .time = NOW};
    sv_buffer b;
    sv_buffer_init(&b, l->arena, 4096, 1 << 20);
    assert_int_equal(sv_cms_sign(l->sealer->crypto, &request, content, l->arena, &b, &l->err), SIPVEIL_OK);
    return sv_buffer_span(&b);
}

static sipveil_span cms_compressed(lab *l, sipveil_span content)
{
    sv_buffer b;
    sv_buffer_init(&b, l->arena, 4096, 1 << 20);
    assert_int_equal(sv_cms_compress(content, l->arena, &b, &l->err), SIPVEIL_OK);
    return sv_buffer_span(&b);
}

static sipveil_span cms_enveloped(lab *l, sv_seal_request request, sipveil_span content)
{
    sv_buffer b;
    request.recipients = &l->kek->cms;
    request.recipient_count = 1;
    sv_buffer_init(&b, l->arena, 4096, 1 << 20);
    assert_int_equal(sv_cms_seal_enveloped(l->sealer->crypto, &request, content, l->arena, &b, &l->err), SIPVEIL_OK);
    return sv_buffer_span(&b);
}

static sipveil_span entity(lab *l, const char *rows, sipveil_span content)
{
    sv_buffer b;
    sv_buffer_init(&b, l->arena, strlen(rows) + content.len + 2, 1 << 24);
    sv_put_str(&b, rows);
    sv_put_str(&b, "\r\n");
    sv_put(&b, content);
    return sv_buffer_span(&b);
}

/* ---- every kind of key ---- */

static void kinds_of_key(void **state)
{
    lab *l = begin(state);
    const struct {
        const sipveil_key *key;
        bool authenticated;
    } table[] = {{l->kek, true},   {l->other_kek, true}, {l->password, true},
                 {l->bob, false},  {l->bob_rsa, false},  {l->bob_x25519, false}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sipveil_span message = tunnel(l, HEAD, invite(l), NULL, table[i].key);
        assert_code(try_open(l, message), SIPVEIL_OK);
        assert_same(l->opened.message, invite(l));
        assert_same(l->opened.body, SV_SPAN(SDP));
        assert_true(l->opened.is_encrypted && !l->opened.is_signed && l->opened.has_entity);
        assert_int_equal(l->opened.is_authenticated, table[i].authenticated);
        l->options.keyring = l->outsider;
        assert_code(try_open(l, message), SIPVEIL_NO_KEY);
        assert_int_equal(l->err.sip_status, 493);
        l->options.keyring = l->ring;
    }
    l->options.keyring = NULL;
    assert_code(try_open(l, invite(l)), SIPVEIL_USAGE);
}

/* Encrypted for others only: exit 4 whatever verified around it; beside something opened it stays closed. */
static void for_others(void **state)
{
    lab *l = begin(state);
    sipveil_span message = protect(l, HEAD, PLAIN, SV_SPAN("secret"), NULL, l->lost_kek);
    assert_code(try_open(l, again(l, message, l->alice, NULL)), SIPVEIL_NO_KEY);
    assert_true(checked(l, "TUN-11", "not-done"));
    sipveil_span parts[] = {entity_of(l, message), entity_of(l, protect(l, HEAD, PLAIN, SV_SPAN("mine"), NULL, l->kek))};
    message = compose(l, HEAD, "Content-Type: multipart/mixed;boundary=o\r\n", multipart(l, "o", parts, 2));
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.body, SV_SPAN("mine"));
}

/* ---- nesting ---- */

/* TUN-62a: triple wrap; each layer is in the report. */
static void triple_wrap(void **state)
{
    lab *l = begin(state);
    sipveil_span message = again(l, again(l, again(l, plain(l), l->alice, NULL), NULL, l->bob), l->alice, NULL);
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.body, SV_SPAN("hello"));
    assert_true(l->opened.is_signed && l->opened.is_encrypted);
    json_t *root = report(l);
    const char *type[4];
    json_t *node = json_object_get(root, "tree");
    for (size_t i = 0; i < 4; i++) {
        node = json_array_get(json_object_get(node, "children"), 0);
        type[i] = json_string_value(json_object_get(node, "type"));
        if (i == 0 || i == 2) {
            json_t *signer = json_array_get(json_object_get(node, "signers"), 0);
            assert_string_equal(json_string_value(json_object_get(signer, "signature")), "valid");
            assert_string_equal(json_string_value(json_object_get(signer, "trust")), "trusted");
        }
    }
    assert_string_equal(type[0], "multipart/signed");
    assert_string_equal(type[1], "auth-enveloped-data");
    assert_string_equal(type[2], "multipart/signed");
    assert_string_equal(type[3], "text/plain");
    json_decref(root);
}

/* TUN-62a, ADV-056: four CMS layers, not five; one compressed layer; eight MIME levels. */
static void too_deep(void **state)
{
    lab *l = begin(state);
    sipveil_span by_signature = plain(l), by_key = plain(l);
    for (size_t i = 1; i <= 5; i++) {
        by_signature = again(l, by_signature, l->alice, NULL);
        by_key = again(l, by_key, NULL, l->kek);
        assert_code(try_open(l, by_signature), i <= 4 ? SIPVEIL_OK : SIPVEIL_LIMIT);
        if (i == 5) assert_int_equal(l->err.sip_status, 513);
        assert_code(try_open(l, by_key), i <= 4 ? SIPVEIL_OK : SIPVEIL_LIMIT);
        if (i == 5) assert_int_equal(l->err.sip_status, 493);
    }
    /* ADV-130 */
    l->options.allow_unprotected = true;
    sipveil_span once = cms_compressed(l, entity(l, PLAIN, SV_SPAN("hello")));
    sipveil_span twice = cms_compressed(l, entity(l, p7m(l, "compressed-data"), once));
    assert_code(try_open(l, compose(l, HEAD, p7m(l, "compressed-data"), once)), SIPVEIL_OK);
    assert_code(try_open(l, compose(l, HEAD, p7m(l, "compressed-data"), twice)), SIPVEIL_LIMIT);
    assert_string_equal(l->err.rule, "ADV-130");
    /* ADV-036 */
    sipveil_span part = entity(l, PLAIN, SV_SPAN("hello"));
    for (char boundary[] = "a"; boundary[0] <= 'i'; boundary[0]++) {
        const char *rows = joined(l, joined(l, "Content-Type: multipart/mixed;boundary=", boundary), "\r\n");
        sipveil_span body = multipart(l, boundary, &part, 1);
        sipveil_code code = try_open(l, compose(l, HEAD, rows, body));
        assert_code(code, boundary[0] <= 'g' ? SIPVEIL_OK : SIPVEIL_LIMIT);
        part = entity(l, rows, body);
    }
    /* ADV-036: 64 parts in all, though no multipart has more than 32 */
    for (size_t groups = 2; groups <= 3; groups++) {
        sipveil_span leaves[30], group[3];
        for (size_t i = 0; i < 30; i++) leaves[i] = entity(l, PLAIN, SV_SPAN("hello"));
        for (size_t i = 0; i < groups; i++) {
            group[i] = entity(l, "Content-Type: multipart/mixed;boundary=in\r\n", multipart(l, "in", leaves, 30));
        }
        sipveil_code code = try_open(l, compose(l, HEAD, "Content-Type: multipart/mixed;boundary=out\r\n", multipart(l, "out", group, groups)));
        assert_code(code, groups == 2 ? SIPVEIL_OK : SIPVEIL_LIMIT);
        if (groups == 3) assert_string_equal(l->err.rule, "ADV-036");
    }
}

/* TUN-76, TUN-77: both nestings of the compressed layer; other content types. */
static void compressed_inside(void **state)
{
    lab *l = begin(state);
    sipveil_span inner = entity(l, "Content-Type: message/sip\r\n", invite(l)), compressed = cms_compressed(l, inner);
    sipveil_cipher ciphers[] = {SIPVEIL_CIPHER_AES_128_GCM, SIPVEIL_CIPHER_AES_128_CBC};
    l->options.allow_unauthenticated = true;
    for (size_t i = 0; i < 2; i++) {
        const char *rows = p7m(l, i == 0 ? "authEnveloped-data" : "enveloped-data");
        sv_seal_request as_data = {.cipher = ciphers[i]};
        sipveil_span nested = cms_enveloped(l, as_data, entity(l, p7m(l, "compressed-data"), compressed));
        assert_code(try_open(l, compose(l, HEAD, rows, nested)), SIPVEIL_OK);
        assert_same(l->opened.message, invite(l));
        /* content type id-ct-compressedData: the CompressedData itself */
        sipveil_span content;
        sv_cms_type type;
        assert_int_equal(sv_cms_read_content_info(compressed, sipveil_context_limits(l->context), &type, &content,
                                                  &l->err), SIPVEIL_OK);
        sv_seal_request typed = {.cipher = ciphers[i], .content_type_oid = "1.2.840.113549.1.9.16.1.9"};
        assert_code(try_open(l, compose(l, HEAD, rows, cms_enveloped(l, typed, content))), SIPVEIL_OK);
        assert_same(l->opened.message, invite(l));
        json_t *root = report(l);
        json_t *node = json_array_get(json_object_get(json_object_get(root, "tree"), "children"), 0);
        node = json_array_get(json_object_get(node, "children"), 0);
        assert_string_equal(json_string_value(json_object_get(node, "type")), "compressed-data");
        assert_int_equal(json_integer_value(json_object_get(node, "expanded")), inner.len);
        json_decref(root);
        /* signed data under its own content type is none of ours */
        sv_seal_request other = {.cipher = ciphers[i], .content_type_oid = "1.2.840.113549.1.7.2"};
        sipveil_code code = try_open(l, compose(l, HEAD, rows, cms_enveloped(l, other, cms_signed(l, inner, false))));
        assert_code(code, i == 0 ? SIPVEIL_UNSUPPORTED : SIPVEIL_CANNOT_DECRYPT);
        assert_int_equal(l->err.sip_status, 493);
    }
}

/* ---- encryption without integrity ---- */

/* ADV-064, TUN-84 */
static void cbc(void **state)
{
    lab *l = begin(state);
    l->seal.cipher = SIPVEIL_CIPHER_AES_128_CBC;
    sipveil_span unsigned_one = tunnel(l, HEAD, invite(l), NULL, l->kek);
    assert_code(try_open(l, unsigned_one), SIPVEIL_POLICY);
    assert_string_equal(l->err.rule, "ADV-064");
    assert_int_equal(l->err.sip_status, 493);
    l->options.allow_unauthenticated = true;
    assert_code(try_open(l, unsigned_one), SIPVEIL_OK);
    assert_false(l->opened.is_authenticated);
    assert_warned(l->opened, "ADV-064");
    assert_same(l->opened.message, invite(l));
    l->options.allow_unauthenticated = false;
    /* signed inside, signed outside: no switch is needed */
    assert_code(try_open(l, tunnel(l, HEAD, invite(l), l->alice, l->kek)), SIPVEIL_OK);
    assert_code(try_open(l, again(l, unsigned_one, l->alice, NULL)), SIPVEIL_OK);
    /* a signature deeper inside the content does not cover the content */
    sipveil_span inner = protect(l, HEAD, PLAIN, SV_SPAN("x"), l->alice, NULL);
    l->seal.cipher = SIPVEIL_CIPHER_AES_256_CBC;
    assert_code(try_open(l, tunnel(l, HEAD, inner, NULL, l->kek)), SIPVEIL_POLICY);
}

static void assert_stays_closed(lab *l, sipveil_span message)
{
    assert_code(try_open(l, message), SIPVEIL_CANNOT_DECRYPT);
    assert_int_equal(l->err.sip_status, 493);
    assert_int_equal(sipveil_tunnel_inspect_message(l->worker, &l->options, message, &l->err), SIPVEIL_OK);
    json_t *root = report(l);
    json_t *node = json_array_get(json_object_get(json_object_get(root, "tree"), "children"), 0);
    assert_true(json_is_false(json_object_get(node, "opened")));
    assert_null(json_object_get(node, "children"));
    json_decref(root);
}

/* ADV-066: a key that comes out whole, and belongs to another message: of 1,000 such tries some four end in what looks
 * like a padding, and in garbage. */
static void cbc_with_the_key_of_another(void **state)
{
    static const uint8_t wrapped[] = {0x04, 24}; /* a content key of 128 bits, wrapped */
    lab *l = begin(state);
    size_t at;
    l->seal.cipher = SIPVEIL_CIPHER_AES_128_CBC;
    l->options.allow_unauthenticated = true;
    sipveil_span other = protect(l, HEAD, PLAIN, SV_SPAN("another"), NULL, l->kek);
    assert_true(sv_find(other, sv_span(wrapped, sizeof wrapped), &at));
    const uint8_t *key = other.data + at + 2;
    assert_code(try_open(l, other), SIPVEIL_OK);
    for (size_t i = 0; i < 1000; i++) {
        sipveil_span message = protect(l, HEAD, PLAIN, SV_SPAN("hello"), NULL, l->kek);
        assert_true(sv_find(message, sv_span(wrapped, sizeof wrapped), &at));
        memcpy((uint8_t *)(uintptr_t)message.data + at + 2, key, 24);
        assert_stays_closed(l, message);
    }
}

/* ADV-066: whatever garbage CBC gives, it is one and the same refusal, and never content. */
static void cbc_garbage(void **state)
{
    enum { TEXT = 40000, PADDED = 40032 }; /* 28 octets of MIME header stand in front: two blocks */
    lab *l = begin(state);
    char octets[TEXT];
    memset(octets, 'x', sizeof octets);
    l->seal.cipher = SIPVEIL_CIPHER_AES_128_CBC;
    l->options.allow_unauthenticated = true;
    sipveil_span message = protect(l, HEAD, PLAIN, sv_span(octets, sizeof octets), NULL, l->kek);
    sipveil_keyring *wrong = NULL;
    assert_int_equal(sipveil_keyring_new(l->context, &wrong, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_kek(wrong, SV_SPAN("ims-ck-1"), SV_SPAN("0123456789abcdef"), NULL, &l->err),
                     SIPVEIL_OK);
    l->options.keyring = wrong;
    for (size_t i = 0; i < 3; i++) assert_stays_closed(l, message);
    sipveil_keyring_free(wrong);
    /* The right key; the block that ends the MIME header comes out as garbage: no header, or one that is too
     * long, which must not tell the two apart. */
    l->options.keyring = l->ring;
    uint8_t *second = (uint8_t *)(uintptr_t)message.data + message.len - PADDED + 16;
    for (size_t bit = 0; bit < 128; bit++) {
        second[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_stays_closed(l, message);
        second[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_code(try_open(l, message), SIPVEIL_OK);
}

/* ADV-065, ADV-066: not even our own report tells wrong padding from content that is none. */
static void cbc_reports_are_one(void **state)
{
    json_t *reports[2];
    lab *l = begin(state);
    l->seal.cipher = SIPVEIL_CIPHER_AES_128_CBC;
    l->options.allow_unauthenticated = true;
    sipveil_span message = protect(l, HEAD, PLAIN, SV_SPAN("sixteen octets.."), NULL, l->kek);
    for (size_t i = 0; i < 2; i++) {
        /* the last octet of the padding; one of the IV: what comes out begins with no name of a field */
        uint8_t *octet = (uint8_t *)(uintptr_t)message.data + message.len - (i == 0 ? 17 : 64);
        *octet ^= 0x80;
        assert_code(try_open(l, message), SIPVEIL_CANNOT_DECRYPT);
        reports[i] = report(l);
        *octet ^= 0x80;
    }
    assert_true(json_equal(json_object_get(reports[0], "checks"), json_object_get(reports[1], "checks")));
    assert_true(json_equal(json_object_get(reports[0], "error"), json_object_get(reports[1], "error")));
    assert_true(json_array_size(json_object_get(reports[0], "checks")) > 0);
    json_decref(reports[0]);
    json_decref(reports[1]);
}

/* ADV-060 (at this level): one changed octet anywhere in the body is refused, or changes nothing. */
static void changed_octets(void **state)
{
    lab *l = begin(state);
    sipveil_span messages[] = {tunnel(l, HEAD, invite(l), NULL, l->kek), tunnel(l, HEAD, invite(l), l->alice, NULL),
                               tunnel(l, HEAD, invite(l), NULL, l->bob_x25519)};
    for (size_t m = 0; m < sizeof messages / sizeof *messages; m++) {
        size_t from = messages[m].len - body_of(messages[m]).len;
        uint8_t *octets = (uint8_t *)(uintptr_t)messages[m].data;
        for (size_t i = from; i < messages[m].len; i++) {
            octets[i] ^= (uint8_t)(1u << (i % 8));
            sipveil_code code = try_open(l, messages[m]);
            if (code == SIPVEIL_OK && (m != 1 || l->opened.is_protected)) assert_same(l->opened.message, invite(l));
            octets[i] ^= (uint8_t)(1u << (i % 8));
        }
        for (size_t len = 0; len < messages[m].len; len += 7) {
            sipveil_span cut = sv_span(messages[m].data, len);
            assert_true(try_open(l, cut) != SIPVEIL_OK);
        }
    }
}

/* ---- signed data ---- */

/* Certificates only, as NSS writes them: an empty content instead of none. */
static sipveil_span with_empty_content(lab *l, sipveil_span der)
{
    enum { AT = 41 }; /* behind the eContentType */
    static const uint8_t nothing[] = {0xA0, 0x02, 0x04, 0x00};
    static const uint8_t low_octets_of_lengths[] = {3, 18, 22, 29};
    uint8_t *copy = sv_arena_alloc(l->arena, der.len + sizeof nothing);
    assert_non_null(copy);
    assert_true(der.data[1] == 0x82 && der.data[16] == 0x82 && der.data[20] == 0x82 && der.data[29] == 0x0B);
    memcpy(copy, der.data, AT);
    memcpy(copy + AT, nothing, sizeof nothing);
    memcpy(copy + AT + sizeof nothing, der.data + AT, der.len - AT);
    for (size_t i = 0; i < sizeof low_octets_of_lengths; i++) {
        uint8_t *low = copy + low_octets_of_lengths[i];
        if (*low > 0xFF - sizeof nothing) low[-1]++;
        *low = (uint8_t)(*low + sizeof nothing);
    }
    return sv_span(copy, der.len + sizeof nothing);
}

/* ADV-112, ADV-113 */
static void signed_data_of_no_use(void **state)
{
    lab *l = begin(state);
    sipveil_span part = entity(l, PLAIN, SV_SPAN("hello"));
    sipveil_span detached = cms_signed(l, part, true), opaque = cms_signed(l, part, false);
    assert_code(try_open(l, compose(l, HEAD, p7m(l, "signed-data"), opaque)), SIPVEIL_OK);
    assert_true(l->opened.is_signed);
    assert_same(l->opened.body, SV_SPAN("hello"));
    /* ADV-112: the content is not there */
    assert_code(try_open(l, compose(l, HEAD, p7m(l, "signed-data"), detached)), SIPVEIL_BAD_SIGNATURE);
    assert_string_equal(l->err.rule, "ADV-112");
    /* ADV-113, TUN-20: the content is there twice */
    const char *rows = "Content-Type: multipart/signed;protocol=\"application/pkcs7-signature\";micalg=sha-256;boundary=b\r\n";
    const char *p7s = "Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: binary\r\n";
    sipveil_span parts[] = {part, entity(l, p7s, detached)};
    assert_code(try_open(l, compose(l, HEAD, rows, multipart(l, "b", parts, 2))), SIPVEIL_OK);
    parts[1] = entity(l, p7s, opaque);
    assert_code(try_open(l, compose(l, HEAD, rows, multipart(l, "b", parts, 2))), SIPVEIL_BAD_SIGNATURE);
    assert_string_equal(l->err.rule, "ADV-113");
    parts[0] = entity(l, PLAIN, SV_SPAN("jello"));
    assert_code(try_open(l, compose(l, HEAD, rows, multipart(l, "b", parts, 2))), SIPVEIL_BAD_SIGNATURE);
    parts[1] = entity(l, p7s, detached);
    assert_code(try_open(l, compose(l, HEAD, rows, multipart(l, "b", parts, 2))), SIPVEIL_BAD_SIGNATURE);
    assert_int_equal(l->err.sip_status, 403);
    /* certificates only prove nothing; called signed data they are refused */
    sv_buffer b;
    X509 *certificate = l->alice->cms.certificate;
    sv_buffer_init(&b, l->arena, 4096, 1 << 20);
    assert_int_equal(sv_cms_put_certificates(&certificate, 1, l->arena, &b, &l->err), SIPVEIL_OK);
    assert_code(try_open(l, compose(l, HEAD, p7m(l, "signed-data"), sv_buffer_span(&b))), SIPVEIL_NOT_SIGNED);
    assert_string_equal(l->err.rule, "ADV-112");
    assert_code(try_open(l, compose(l, RESPONSE_HEAD, p7m(l, "certs-only"), sv_buffer_span(&b))), SIPVEIL_NOT_SIGNED);
    l->options.allow_unprotected = true;
    assert_code(try_open(l, compose(l, RESPONSE_HEAD, p7m(l, "certs-only"), sv_buffer_span(&b))), SIPVEIL_OK);
    assert_false(l->opened.is_protected);
    sipveil_span as_nss = with_empty_content(l, sv_buffer_span(&b));
    assert_code(try_open(l, compose(l, RESPONSE_HEAD, p7m(l, "certs-only"), as_nss)), SIPVEIL_OK);
    assert_false(l->opened.is_protected);
    assert_code(try_open(l, compose(l, HEAD, p7m(l, "signed-data"), as_nss)), SIPVEIL_NOT_SIGNED);
    l->options.require = SIPVEIL_REQUIRE_SIGNED;
    assert_code(try_open(l, compose(l, RESPONSE_HEAD, p7m(l, "certs-only"), sv_buffer_span(&b))), SIPVEIL_NOT_SIGNED);
    parts[1] = entity(l, p7s, sv_buffer_span(&b));
    l->options.require = 0;
    assert_code(try_open(l, compose(l, HEAD, rows, multipart(l, "b", parts, 2))), SIPVEIL_NOT_SIGNED);
    assert_string_equal(l->err.rule, "ADV-112");
    /* no signer at all, with content */
    static const uint8_t empty[] = {0x30, 0x2B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02, 0xA0, 0x1E,
                                    0x30, 0x1C, 0x02, 0x01, 0x01, 0x31, 0x00, 0x30, 0x13, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                    0xF7, 0x0D, 0x01, 0x07, 0x01, 0xA0, 0x06, 0x04, 0x04, '\r',  '\n', 'h',  'i',  0x31, 0x00};
    assert_true(try_open(l, compose(l, HEAD, p7m(l, "signed-data"), sv_span(empty, sizeof empty))) != SIPVEIL_OK);
}

/* ADV-114: two signers, one of them bad. */
static void one_of_two_is_bad(void **state)
{
    lab *l = begin(state);
    const sipveil_key *signers[] = {l->alice, l->bob};
    l->seal.signers = signers;
    l->seal.signer_count = 2;
    l->seal.opaque = true;
    sipveil_span message = sealed(l, invite(l));
    assert_code(try_open(l, message), SIPVEIL_OK);
    ((uint8_t *)(uintptr_t)message.data)[message.len - 1] ^= 1; /* within the last signature value */
    assert_code(try_open(l, message), SIPVEIL_BAD_SIGNATURE);
    /* looked at, the good one is valid, and accepted for nothing */
    assert_int_equal(sipveil_tunnel_inspect_message(l->worker, &l->options, message, &l->err), SIPVEIL_OK);
    sipveil_span tree;
    assert_int_equal(sipveil_worker_report_text(l->worker, false, true, &tree, &l->err), SIPVEIL_OK);
    assert_true(contains(tree, "signature valid"));
    assert_true(contains(tree, "signature INVALID"));
    assert_false(contains(tree, "signer accepted"));
    json_t *root = report(l);
    char *dump = json_dumps(root, JSON_COMPACT);
    assert_non_null(strstr(dump, "\"invalid\""));
    assert_null(strstr(dump, "\"trusted\""));
    free(dump);
    json_decref(root);
}

/* ADV-040, TUN-20, TUN-62: the parts of multipart/signed. */
static void multipart_signed(void **state)
{
    lab *l = begin(state);
    sipveil_span message = again(l, plain(l), l->alice, NULL), body = body_of(message);
    sv_media_type type;
    sipveil_span parts[4];
    size_t count;
    const char *rows = rows_of(l, message);
    sipveil_span value = sv_trim(sv_span(rows + 13, strcspn(rows, "\r") - 13));
    const sipveil_limits *limits = sipveil_context_limits(l->context);
    assert_int_equal(sv_mime_read_media_type(value, limits, 0, &type, &l->err), SIPVEIL_OK);
    assert_int_equal(sv_mime_read_multipart(&type, body, limits, 0, parts, 2, &count, &l->err), SIPVEIL_OK);
    parts[2] = parts[3] = entity(l, PLAIN, SV_SPAN("more"));
#define PROTOCOL "protocol=\"application/pkcs7-signature\";"
#define SIGNED_ROW "Content-Type: multipart/signed;boundary=b;"
    static const char good[] = SIGNED_ROW PROTOCOL "micalg=sha-256\r\n";
    sipveil_span swapped[] = {parts[1], parts[0]};
    sipveil_span legacy[] = {parts[0], edited(l, parts[1], "application/pkcs7-signature", "application/x-pkcs7-signature")};
    sipveil_span other[] = {parts[0], edited(l, parts[1], "application/pkcs7-signature", "application/pgp-signature")};
    const struct {
        const char *rows;
        const sipveil_span *parts;
        size_t count;
        sipveil_code code;
    } table[] = {
        {good, parts, 2, SIPVEIL_OK},
        {good, parts, 1, SIPVEIL_MALFORMED},
        {good, parts, 3, SIPVEIL_MALFORMED},
        {good, parts, 4, SIPVEIL_MALFORMED},
        {good, swapped, 2, SIPVEIL_MALFORMED},
        {good, legacy, 2, SIPVEIL_OK},
        {good, other, 2, SIPVEIL_MALFORMED},
        {SIGNED_ROW "micalg=sha-256\r\n", parts, 2, SIPVEIL_MALFORMED},
        {SIGNED_ROW "protocol=\"application/pgp-signature\";micalg=sha-256\r\n", parts, 2, SIPVEIL_MALFORMED},
        {SIGNED_ROW PROTOCOL "micalg=md5\r\n", parts, 2, SIPVEIL_OK}, /* TUN-62: the SignerInfo decides */
        {SIGNED_ROW PROTOCOL "micalg=sha-512\r\n", parts, 2, SIPVEIL_OK},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sipveil_span one = compose(l, HEAD, table[i].rows, multipart(l, "b", table[i].parts, table[i].count));
        assert_code(try_open(l, one), table[i].code);
        if (table[i].code != SIPVEIL_OK) assert_int_equal(l->err.sip_status, 400);
    }
    assert_code(try_open(l, compose(l, HEAD, SIGNED_ROW PROTOCOL "\r\n", multipart(l, "b", parts, 2))), SIPVEIL_MALFORMED);
    assert_code(try_open(l, compose(l, HEAD, SIGNED_ROW "protocol=\"application/pkcs7-signature\"\r\n",
                                    multipart(l, "b", parts, 2))), SIPVEIL_OK);
    assert_warned(l->opened, "TUN-62");
    /* ADV-042: the octets between the delimiters, no others */
    sipveil_span trailing[] = {edited(l, parts[0], "hello", "hello \r\n"), parts[1]};
    assert_code(try_open(l, compose(l, HEAD, good, multipart(l, "b", trailing, 2))), SIPVEIL_BAD_SIGNATURE);
    sipveil_span preamble = edited(l, multipart(l, "b", parts, 2), "--b\r\n", "preamble\r\n--b\r\n");
    assert_code(try_open(l, compose(l, HEAD, good, preamble)), SIPVEIL_OK);
    assert_same(l->opened.body, SV_SPAN("hello"));
}

/* ---- labels ---- */

/* TUN-60, ADV-043: the OID decides; strict refuses what tolerant warns of. */
static void labels(void **state)
{
    static const struct {
        const char *label;
        bool fits[4]; /* authenveloped, enveloped, signed, compressed */
    } table[] = {
        {"authEnveloped-data", {true, false, false, false}},  {"AUTHENVELOPED-DATA", {true, false, false, false}},
        {"auth-enveloped-data", {true, false, false, false}}, {"enveloped-data", {false, true, false, false}},
        {"signed-data", {false, false, true, false}},         {"compressed-data", {false, false, false, true}},
        {"certs-only", {false, false, false, false}},         {"nonsense", {false, false, false, false}},
    };
    lab *l = begin(state);
    l->options.allow_unauthenticated = l->options.allow_unprotected = true;
    sipveil_span part = entity(l, PLAIN, SV_SPAN("hello"));
    sipveil_span cms[] = {cms_enveloped(l, (sv_seal_request){.cipher = SIPVEIL_CIPHER_AES_256_GCM}, part),
                          cms_enveloped(l, (sv_seal_request){.cipher = SIPVEIL_CIPHER_AES_256_CBC}, part),
                          cms_signed(l, part, false), cms_compressed(l, part)};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        for (size_t k = 0; k < 4; k++) {
            sipveil_span message = compose(l, HEAD, p7m(l, table[i].label), cms[k]);
            l->options.strict = false;
            assert_code(try_open(l, message), SIPVEIL_OK);
            if (warned(l->opened.warnings, l->opened.warning_count, "TUN-60") == table[i].fits[k]) {
                fail_msg("label %s on %zu: %s", table[i].label, k, table[i].fits[k] ? "a warning" : "no warning");
            }
            l->options.strict = true;
            assert_code(try_open(l, message), table[i].fits[k] ? SIPVEIL_OK : SIPVEIL_UNSUPPORTED);
        }
    }
    /* no label, the old name, and names of files that mean nothing (ADV-045) */
    static const char *const rows[] = {
        "Content-Type: application/pkcs7-mime\r\n",
        "Content-Type: application/x-pkcs7-mime\r\n",
        "Content-Type: application/pkcs7-mime;name=smime.p7s\r\n",
        "Content-Type: application/pkcs7-mime;name=\"../../etc/passwd\"\r\nContent-Disposition: attachment;filename=\"-rf\"\r\n",
        "Content-Type: application/pkcs7-mime;name=\"/dev/sda\"\r\nContent-Disposition: attachment;filename=\"CON\"\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_code(try_open(l, compose(l, HEAD, rows[i], cms[0])), SIPVEIL_OK);
        assert_same(l->opened.body, SV_SPAN("hello"));
    }
}

/* TUN-79, ADV-038, ADV-039 */
static void encodings(void **state)
{
    lab *l = begin(state);
    sipveil_span cms = cms_enveloped(l, (sv_seal_request){.cipher = SIPVEIL_CIPHER_AES_256_GCM},
                                     entity(l, PLAIN, SV_SPAN("hello")));
    sv_buffer wrapped, one_line;
    sv_buffer_init(&wrapped, l->arena, 4096, 1 << 20);
    sv_buffer_init(&one_line, l->arena, 4096, 1 << 20);
    sv_mime_put_base64(&wrapped, cms, 76);
    sv_mime_put_base64(&one_line, cms, 0);
    const struct {
        const char *encoding;
        sipveil_span body;
        sipveil_code code;
    } table[] = {
        {"base64", sv_buffer_span(&wrapped), SIPVEIL_OK},       {"BASE64", sv_buffer_span(&one_line), SIPVEIL_OK},
        {"binary", cms, SIPVEIL_OK},                            {"8bit", cms, SIPVEIL_OK},
        {"7bit", cms, SIPVEIL_OK},                              {"x-foo", cms, SIPVEIL_UNSUPPORTED},
        {"quoted-printable", cms, SIPVEIL_UNSUPPORTED},         {"base64, base64", cms, SIPVEIL_UNSUPPORTED},
        {"base64", edited(l, sv_buffer_span(&one_line), "A", "!"), SIPVEIL_MALFORMED},
        {"base64", sv_span(one_line.data, one_line.len - 1), SIPVEIL_MALFORMED},
        {"base64", cms, SIPVEIL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *rows = joined(l, joined(l, "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: ",
                                            table[i].encoding), "\r\n");
        sipveil_code code = try_open(l, compose(l, HEAD, rows, table[i].body));
        if (code != table[i].code) fail_msg("row %zu: %s (%s)", i, sipveil_code_name(code), l->err.text);
    }
    /* TUN-78: no media type, read by name only */
    const char *seed = "Content-Type: smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n";
    assert_code(try_open(l, compose(l, HEAD, seed, sv_buffer_span(&wrapped))), SIPVEIL_MALFORMED);
    l->options.compat = SIPVEIL_COMPAT_SEED000;
    assert_code(try_open(l, compose(l, HEAD, seed, sv_buffer_span(&wrapped))), SIPVEIL_OK);
    assert_same(l->opened.body, SV_SPAN("hello"));
}

/* ADV-044, ADV-046, TUN-63: types that nobody fetches or puts together; optional parts are passed over. */
static void other_messages(void **state)
{
    lab *l = begin(state);
    static const char *const types[] = {"external-body;access-type=URL;URL=\"http://evil.example/\"", "partial;id=x;number=1"};
    sipveil_span mine = entity_of(l, protect(l, HEAD, PLAIN, SV_SPAN("mine"), NULL, l->kek));
    for (size_t i = 0; i < 2; i++) {
        const char *rows = joined(l, joined(l, "Content-Type: message/", types[i]), "\r\n");
        assert_code(try_open(l, compose(l, HEAD, rows, SV_SPAN("x"))), SIPVEIL_UNSUPPORTED);
        assert_int_equal(l->err.sip_status, 415);
        sipveil_span parts[] = {entity(l, rows, SV_SPAN("x")), mine};
        const char *mixed = "Content-Type: multipart/mixed;boundary=o\r\n";
        assert_code(try_open(l, compose(l, HEAD, mixed, multipart(l, "o", parts, 2))), SIPVEIL_UNSUPPORTED);
        parts[0] = entity(l, joined(l, rows, "Content-Disposition: render;handling=optional\r\n"), SV_SPAN("x"));
        assert_code(try_open(l, compose(l, HEAD, mixed, multipart(l, "o", parts, 2))), SIPVEIL_OK);
        assert_same(l->opened.body, SV_SPAN("mine"));
    }
}

/* TUN-61: what comes out of a layer is a MIME entity. TUN-62c: a bare zlib stream is no CMS. */
static void content_is_an_entity(void **state)
{
    lab *l = begin(state);
    const char *rows = p7m(l, "authEnveloped-data");
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_256_GCM};
    static const char *const not_entities[] = {"", "no header", "Content-Type: text/plain\r\n", "Content-Type: text/plain\n\nx",
                                               "a:b\r\nContent-Type: text/plain\r\nContent-Type: text/plain\r\n\r\nx"};
    for (size_t i = 0; i < sizeof not_entities / sizeof *not_entities; i++) {
        assert_code(try_open(l, compose(l, HEAD, rows, cms_enveloped(l, request, text(not_entities[i])))),
                    SIPVEIL_MALFORMED);
        assert_int_equal(l->err.sip_status, 493);
    }
    static const uint8_t zlib[] = {0x78, 0x9C, 0x4B, 0x04, 0x00, 0x00, 0x62, 0x00, 0x62};
    assert_code(try_open(l, compose(l, HEAD, p7m(l, "compressed-data"), sv_span(zlib, sizeof zlib))), SIPVEIL_MALFORMED);
    /* an entity without rows has the default type */
    assert_code(try_open(l, compose(l, HEAD, rows, cms_enveloped(l, request, SV_SPAN("\r\nhello")))), SIPVEIL_OK);
    assert_same(l->opened.body, SV_SPAN("hello"));
}

/* ADV-071: attributes that nothing protects change nothing and are shown nowhere. */
static void unprotected_attributes(void **state)
{
    static const uint8_t reference[] = {0x30, 0x14, 0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01,
                                        0x09, 0x10, 0x02, 0x1E, 0x31, 0x05, 0x04, 0x03, 'a',  'b',  'c'};
    lab *l = begin(state);
    l->options.allow_unauthenticated = true;
    sv_seal_request request = {.cipher = SIPVEIL_CIPHER_AES_128_CBC, .attributes = sv_span(reference, sizeof reference)};
    sipveil_span cms = cms_enveloped(l, request, entity(l, PLAIN, SV_SPAN("hello")));
    assert_code(try_open(l, compose(l, HEAD, p7m(l, "enveloped-data"), cms)), SIPVEIL_OK);
    assert_same(l->opened.body, SV_SPAN("hello"));
    assert_false(l->opened.is_authenticated);
    sipveil_span json;
    assert_int_equal(sipveil_worker_report_json(l->worker, &json, &l->err), SIPVEIL_OK);
    assert_false(contains(json, "abc"));
}

static void second_opinion(void **state)
{
    lab *l = begin(state);
    l->options.second_opinion = true;
    assert_code(try_open(l, tunnel(l, HEAD, invite(l), l->alice, l->kek)), SIPVEIL_OK);
    assert_true(checked(l, "second-opinion", "passed"));
}

/* ADV-005, ADV-009, ADV-020: the message itself. */
static void framing(void **state)
{
    lab *l = begin(state);
    sipveil_span message = tunnel(l, HEAD, invite(l), NULL, l->kek);
    sv_buffer b;
    sv_buffer_init(&b, l->arena, message.len + 32, 1 << 20);
    sv_put(&b, message);
    sv_put_str(&b, "trailing");
    assert_code(try_open(l, sv_buffer_span(&b)), SIPVEIL_OK);
    assert_warned(l->opened, "ADV-005");
    assert_code(try_open(l, sv_span(NULL, 0)), SIPVEIL_MALFORMED);
    assert_int_equal(l->err.sip_status, 400);
    assert_code(try_open(l, SV_SPAN("\0\x01\x02\xFF garbage")), SIPVEIL_MALFORMED);
    assert_code(try_open(l, compose(l, HEAD, NULL, SV_SPAN("a body without a type"))), SIPVEIL_MALFORMED);
    sipveil_span lf = SV_SPAN("MESSAGE sip:b@x.example SIP/2.0\nVia: SIP/2.0/UDP a.example;branch=z9hG4bKa\n"
                              "From: <sip:a@x.example>;tag=1\nTo: <sip:b@x.example>\nCall-ID: c\nCSeq: 1 MESSAGE\n"
                              "Max-Forwards: 70\nContent-Length: 0\n\n");
    l->options.accept_bare_lf = true; /* for inspect only */
    assert_code(try_open(l, lf), SIPVEIL_MALFORMED);
    assert_true(l->err.hint[0] != '\0');
    assert_int_equal(sipveil_tunnel_inspect_message(l->worker, &l->options, lf, &l->err), SIPVEIL_OK);
    l->options.accept_bare_lf = false;
    assert_int_equal(sipveil_tunnel_inspect_message(l->worker, &l->options, lf, &l->err), SIPVEIL_MALFORMED);
}

static void usage(void **state)
{
    lab *l = begin(state);
    sipveil_span message = invite(l), json;
    sipveil_opened opened;
    assert_int_equal(sipveil_tunnel_open_message(l->worker, &l->options, message, NULL, NULL), SIPVEIL_USAGE);
    assert_int_equal(sipveil_tunnel_open_message(NULL, &l->options, message, &opened, NULL), SIPVEIL_USAGE);
    assert_int_equal(sipveil_tunnel_open_message(l->worker, NULL, message, &opened, NULL), SIPVEIL_USAGE);
    l->options.size--;
    assert_int_equal(sipveil_tunnel_open_message(l->worker, &l->options, message, &opened, NULL), SIPVEIL_USAGE);
    l->options.size++;
    l->options.allow_unprotected = true;
    assert_int_equal(sipveil_tunnel_open_message(l->worker, &l->options, message, &opened, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_worker_new(NULL, NULL, NULL), SIPVEIL_USAGE);
    sipveil_worker *fresh = NULL;
    assert_int_equal(sipveil_worker_new(l->context, &fresh, &l->err), SIPVEIL_OK);
    assert_int_equal(sipveil_worker_report_json(fresh, &json, &l->err), SIPVEIL_USAGE);
    assert_int_equal(sipveil_worker_report_text(fresh, false, false, &json, &l->err), SIPVEIL_USAGE);
    sipveil_worker_free(fresh);
    sipveil_worker_free(NULL);
    int64_t seconds;
    assert_true(sipveil_tunnel_read_date("Sat, 21 Nov 2026 10:00:00 GMT", &seconds));
    assert_int_equal(seconds, NOW);
    assert_false(sipveil_tunnel_read_date("2026-11-21", &seconds));
    assert_false(sipveil_tunnel_read_date(NULL, &seconds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_key),     cmocka_unit_test(for_others),        cmocka_unit_test(triple_wrap),
        cmocka_unit_test(too_deep),         cmocka_unit_test(compressed_inside), cmocka_unit_test(cbc),
        cmocka_unit_test(cbc_garbage), cmocka_unit_test(cbc_with_the_key_of_another), cmocka_unit_test(cbc_reports_are_one),      cmocka_unit_test(changed_octets),    cmocka_unit_test(signed_data_of_no_use),
        cmocka_unit_test(one_of_two_is_bad), cmocka_unit_test(multipart_signed), cmocka_unit_test(labels),
        cmocka_unit_test(encodings),        cmocka_unit_test(other_messages),    cmocka_unit_test(content_is_an_entity),
        cmocka_unit_test(unprotected_attributes), cmocka_unit_test(second_opinion), cmocka_unit_test(framing),           cmocka_unit_test(usage),
    };
    return cmocka_run_group_tests_name("opening", tests, lab_setup, lab_teardown);
}
