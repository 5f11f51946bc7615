/* SPDX-License-Identifier: BSD-2-Clause */
/* What algorithms and forms of CMS come to at the level of whole messages: kinds of recipients and signers
 * side by side, AES-CCM, content keys bound to their cipher, the date of a shared key. */
#include "tunnel/fixture.h"

#include "cms/content_key.h"
#include "cms/der_read.h"
#include "cms/der_write.h"
#include "cms/oid.h"
#include "crypto/ccm.h"
#include "crypto/keywrap.h"
#include "keys/keys.h"
#include "tunnel/operation.h"

#define P7M "Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data\r\nContent-Transfer-Encoding: binary\r\n"

static sipveil_span as_entity(lab *l, sipveil_span message)
{
    sv_buffer b;
    sv_buffer_init(&b, l->arena, message.len + 64, 1 << 20);
    sv_put_str(&b, "Content-Type: message/sip\r\n\r\n");
    sv_put(&b, message);
    return sv_buffer_span(&b);
}

/* AuthEnvelopedData for the lab's first shared key; date: of the identifier, or NULL. */
static sipveil_span ccm_envelope(lab *l, sipveil_cipher cipher, const char *date, sipveil_span content)
{
    static const uint8_t nonce[13] = {1, 2, 3}, cek[32] = {4, 5, 6};
    const sv_cms_key *kek = &l->kek->cms;
    const sv_cipher_row *row = sv_cipher_row_of(cipher);
    uint8_t wrapped[40], tag[14], *out = sv_arena_alloc_raw(l->arena, content.len);
    sv_der_writer w;
    assert_true(encrypt_ccm(cipher, cek, sv_span(nonce, 13), sv_span(NULL, 0), content, out, tag, sizeof tag));
    assert_int_equal(sv_wrap_key(l->sealer->crypto, SV_WRAP_AES_128, kek->kek.data, sv_span(cek, row->key_length), wrapped, NULL), SIPVEIL_OK);
    assert_true(sv_der_writer_init(&w, l->arena, content.len + 512));
    sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span(tag, sizeof tag));
    sv_der_mark info = sv_der_mark_here(&w);
    sv_der_put_value(&w, 0x80, sv_span(out, content.len));
    sv_der_mark algorithm = sv_der_mark_here(&w);
    sv_der_put_number(&w, sizeof tag);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span(nonce, 13));
    sv_der_wrap(&w, SV_DER_SEQUENCE, algorithm);
    sv_der_put_oid(&w, row->oid);
    sv_der_wrap(&w, SV_DER_SEQUENCE, algorithm);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, info);
    sv_der_mark set = sv_der_mark_here(&w);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span(wrapped, row->key_length + SV_WRAP_GAIN));
    sv_der_mark wrap = sv_der_mark_here(&w);
    sv_der_put_oid(&w, sv_wrap_row_of(SV_WRAP_AES_128)->oid);
    sv_der_wrap(&w, SV_DER_SEQUENCE, wrap);
    sv_der_mark id = sv_der_mark_here(&w);
    if (date != NULL) sv_der_put_value(&w, SV_DER_GENERALIZED_TIME, text(date));
    sv_der_put_value(&w, SV_DER_OCTET_STRING, kek->kek_id);
    sv_der_wrap(&w, SV_DER_SEQUENCE, id);
    sv_der_put_number(&w, 4);
    sv_der_wrap(&w, 0xA2, set);
    sv_der_wrap(&w, SV_DER_SET, set);
    sv_der_put_number(&w, 0);
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    sv_der_wrap(&w, 0xA0, 0);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_AUTH_ENVELOPED_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    assert_false(w.failed);
    return sv_der_written(&w);
}

static const char *first_layer(lab *l, const char *member)
{
    json_t *root = report(l);
    json_t *node = json_array_get(json_object_get(json_object_get(root, "tree"), "children"), 0);
    const char *value = json_string_value(json_object_get(node, member));
    const char *copy = sv_arena_string(l->arena, text(value != NULL ? value : ""));
    json_decref(root);
    return copy;
}

/* CMS-05: nonces of 13 octets, tags of 14, all sizes of key */
static void ccm(void **state)
{
    static const char *const names[] = {"aes-128-ccm", "aes-192-ccm", "aes-256-ccm"};
    for (size_t i = 0; i < 3; i++) {
        lab *l = begin(state);
        sipveil_span envelope = ccm_envelope(l, SIPVEIL_CIPHER_AES_128_CCM + (unsigned)i, NULL, as_entity(l, invite(l)));
        sipveil_span message = compose(l, HEAD, P7M, envelope);
        assert_code(try_open(l, message), SIPVEIL_OK);
        assert_same(l->opened.message, invite(l));
        assert_true(l->opened.is_encrypted && l->opened.is_authenticated && !l->opened.is_signed);
        assert_string_equal(first_layer(l, "cipher"), names[i]);
        ((uint8_t *)(uintptr_t)message.data)[message.len - 1] ^= 1; /* of our own making */
        assert_code(try_open(l, message), SIPVEIL_CANNOT_DECRYPT);
        assert_int_equal(l->err.sip_status, 493);
        l->seal.recipients = &l->kek;
        l->seal.recipient_count = 1;
        l->seal.cipher = SIPVEIL_CIPHER_AES_128_CCM + (unsigned)i;
        assert_code(try_seal(l, invite(l)), SIPVEIL_USAGE);
    }
}

/* CMS-15: a date beside the identifier is one of a key's time, or the key is not meant */
static void dated_shared_key(void **state)
{
    static const struct {
        const char *jwk; /* of 'ims-ck-1', after its "k" */
        sipveil_code code;
    } table[] = {
        {"", SIPVEIL_OK},
        {",\"nbf\":1767225600,\"exp\":1767225601", SIPVEIL_OK}, /* 2026-01-01T00:00:00Z, that second only */
        {",\"nbf\":1767225601", SIPVEIL_NO_KEY},
        {",\"exp\":1767225600", SIPVEIL_NO_KEY},
    };
    lab *l = begin(state);
    sipveil_span envelope = ccm_envelope(l, SIPVEIL_CIPHER_AES_128_CCM, "20260101000000Z", as_entity(l, invite(l)));
    sipveil_span message = compose(l, HEAD, P7M, envelope);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sipveil_keyring *ring = new_ring(l);
        /* octets of the lab's key: 1, 8, 15 ... */
        const char *jwk = joined(l, joined(l, "{\"kty\":\"oct\",\"kid\":\"ims-ck-1\",\"k\":\"AQgPFh0kKzI5QEdOVVxjag\"", table[i].jwk), "}");
        assert_int_equal(sipveil_keyring_add_octets(ring, text(jwk), "test", NULL, NULL, &l->err), SIPVEIL_OK);
        l->options.keyring = ring;
        assert_code(try_open(l, message), table[i].code);
        sipveil_keyring_free(ring);
    }
}

/* CMS-14: through seal and open, with every cipher that is written */
static void bound_keys(void **state)
{
    static const uint8_t hkdf[] = {0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x03, 0x1F};
    for (sipveil_cipher c = SIPVEIL_CIPHER_AES_128_GCM; c <= SIPVEIL_CIPHER_AES_256_CBC; c++) {
        for (int bound = 0; bound < 2; bound++) {
            lab *l = begin(state);
            size_t at;
            l->seal.recipients = &l->bob;
            l->seal.recipient_count = 1;
            l->seal.cipher = c;
            l->seal.cek_hkdf = bound != 0;
            l->options.allow_unauthenticated = true;
            sipveil_span message = sealed(l, invite(l));
            assert_int_equal(sv_find(message, sv_span(hkdf, sizeof hkdf), &at), bound);
            assert_code(try_open(l, message), SIPVEIL_OK);
            assert_same(l->opened.message, invite(l));
            assert_string_equal(first_layer(l, "cipher"), sipveil_cipher_name(c)); /* the real one */
        }
    }
}

/* ADV-083, TUN-23: sixty-four recipients of every kind and signers of three kinds side by side; each shared
 * key opens it alone, and one that is not named does not. */
static void many_of_all_kinds(void **state)
{
    enum { MOST = 64 };
    lab *l = begin(state);
    const sipveil_key *recipients[MOST] = {l->bob, l->bob_rsa, l->bob_x25519, l->password, l->kek, l->alice};
    const sipveil_key *signers[] = {l->alice, l->alice, l->alice};
    char names[MOST][16];
    authority ca;
    assert_int_equal(sipveil_keys_make_authority(l->context, "Third CA", &ca.certificate, &ca.key, &l->err), SIPVEIL_OK);
    trust(l, ca.certificate, l->ring);
    signers[1] = make_key(l, &ca, "sip:alice@atlanta.example.com", "rsa2048", NULL, NULL);
    signers[2] = make_key(l, &ca, "sip:alice@atlanta.example.com", "ed25519", NULL, NULL);
    for (size_t i = 6; i < MOST; i++) {
        (void)snprintf(names[i], sizeof names[i], "shared-%zu", i);
        recipients[i] = make_kek(l, names[i], (uint8_t)(100 + i), 32, NULL);
    }
    l->seal.recipients = recipients;
    l->seal.recipient_count = MOST;
    l->seal.signers = signers;
    l->seal.signer_count = 3;
    l->seal.pbkdf2_iterations = 1000;
    sipveil_span message = sealed(l, invite(l));
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_same(l->opened.message, invite(l));
    assert_true(l->opened.is_signed && l->opened.is_encrypted);
    json_t *root = report(l);
    json_t *node = json_array_get(json_object_get(json_object_get(root, "tree"), "children"), 0);
    assert_int_equal(json_array_size(json_object_get(node, "recipients")), MOST);
    node = json_array_get(json_object_get(node, "children"), 0);
    json_t *found = json_object_get(node, "signers"), *signer;
    assert_int_equal(json_array_size(found), 3);
    size_t i;
    json_array_foreach(found, i, signer) assert_string_equal(json_string_value(json_object_get(signer, "signature")), "valid");
    json_decref(root);
    for (size_t k = 0; k < MOST; k++) {
        sipveil_keyring *ring = new_ring(l);
        const sv_cms_key *key = &recipients[k]->cms;
        if (key->kind != SV_CMS_KEY_KEK) {
            sipveil_keyring_free(ring);
            continue;
        }
        assert_int_equal(sipveil_keyring_add_kek(ring, key->kek_id, key->kek, NULL, &l->err), SIPVEIL_OK);
        trust(l, ca.certificate, ring);
        l->options.keyring = ring;
        l->options.no_verify_signer = true;
        assert_code(try_open(l, message), SIPVEIL_OK);
        sipveil_keyring_free(ring);
    }
    sipveil_keyring *ring = new_ring(l);
    assert_int_equal(sipveil_keyring_add_kek(ring, SV_SPAN("shared-64"), l->lost_kek->cms.kek, NULL, &l->err), SIPVEIL_OK);
    l->options.keyring = ring;
    assert_code(try_open(l, message), SIPVEIL_NO_KEY);
    sipveil_keyring_free(ring);
    l->seal.recipient_count = MOST + 1; /* never looked at */
    assert_code(try_seal(l, invite(l)), SIPVEIL_LIMIT);
    sipveil_keys_wipe_text(ca.certificate);
    sipveil_keys_wipe_text(ca.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ccm),
        cmocka_unit_test(dated_shared_key),
        cmocka_unit_test(bound_keys),
        cmocka_unit_test(many_of_all_kinds),
    };
    return cmocka_run_group_tests_name("algorithms and forms in whole messages", tests, lab_setup, lab_teardown);
}
