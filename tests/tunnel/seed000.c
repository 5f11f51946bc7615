/* SPDX-License-Identifier: BSD-2-Clause */
/* The example of the document that the P-CSCF profile comes from (vectors/seed000/README.md), step by
 * step against its kept intermediate files: (c) plain INVITE, (d) its signature, (b) the INVITE that
 * carries both, (a) the sealed one. With SIPVEIL_WRITE_VECTORS set, the files are written instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "expect.h"

#include "base/span.h"
#include "tunnel/operation.h"

enum { FILE_MOST = 65536 };
static const int64_t january_2002 = 1012500000; /* 2002-01-31T18:00:00Z */

typedef struct file {
    uint8_t data[FILE_MOST];
    size_t len;
} file;

typedef struct fixture {
    sipveil_context *context;
    sipveil_worker *worker;
    sipveil_keyring *alice, *kek, *trust; /* trust: anchors only; kek: the shared key only */
    uint64_t counter;
} fixture;

/* All randomness comes from here, so that what is written can be compared octet by octet. */
static bool counted_random(void *user, uint8_t *out, size_t len)
{
    fixture *f = user;
    for (size_t done = 0; done < len;) {
        uint8_t block[SHA256_DIGEST_LENGTH];
        SHA256((const uint8_t *)&f->counter, sizeof f->counter, block);
        f->counter++;
        size_t n = len - done < sizeof block ? len - done : sizeof block;
        memcpy(out + done, block, n);
        done += n;
    }
    return true;
}

static int64_t fixed_now(void *user)
{
    (void)user;
    return january_2002;
}

static void path_of(const char *name, char path[1024])
{
    const char *source = getenv("SIPVEIL_SOURCE");
    assert_non_null(source);
    snprintf(path, 1024, "%s/vectors/seed000/%s", source, name);
}

static sipveil_span load(const char *name, file *f)
{
    char path[1024];
    path_of(name, path);
    FILE *in = fopen(path, "rb");
    if (in == NULL) fail_msg("cannot read %s", path);
    f->len = fread(f->data, 1, sizeof f->data, in);
    fclose(in);
    return sv_span(f->data, f->len);
}

static void write_vector(const char *name, sipveil_span octets)
{
    char path[1024];
    if (getenv("SIPVEIL_WRITE_VECTORS") == NULL) return;
    path_of(name, path);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(octets.data, 1, octets.len, out), octets.len);
    fclose(out);
}

static void add(sipveil_keyring *ring, const char *name)
{
    file f;
    sipveil_error err;
    if (sipveil_keyring_add_octets(ring, load(name, &f), name, NULL, NULL, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
}

static int set_up(void **state)
{
    static fixture f;
    char path[1024];
    sipveil_hooks hooks;
    sipveil_hooks_default(&hooks);
    hooks.user = &f;
    hooks.random = counted_random;
    hooks.now = fixed_now;
    f.counter = 0;
    assert_int_equal(sipveil_context_new(&hooks, &f.context, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_worker_new(f.context, &f.worker, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_new(f.context, &f.alice, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_new(f.context, &f.kek, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_new(f.context, &f.trust, NULL), SIPVEIL_OK);
    add(f.alice, "alice.pem");
    add(f.kek, "ims-ck.jwk");
    path_of("ca.pem", path);
    assert_int_equal(sipveil_keyring_add_anchors(f.trust, path, NULL), SIPVEIL_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    if (f == NULL) return 0;
    sipveil_worker_free(f->worker);
    sipveil_keyring_free(f->alice);
    sipveil_keyring_free(f->kek);
    sipveil_keyring_free(f->trust);
    sipveil_context_free(f->context);
    return 0;
}

/* Alice signs with RSA and PKCS#1 v1.5: the only signature here whose octets do not depend on chance. */
static sipveil_seal_options signing(fixture *f, const sipveil_key **signer)
{
    sipveil_seal_options options;
    sipveil_seal_options_default(&options);
    *signer = sipveil_keyring_at(f->alice, 0);
    options.signers = signer;
    options.signer_count = 1;
    options.rsa_v15 = true;
    options.date = SIPVEIL_DATE_NONE;
    options.encoding = SIPVEIL_ENCODING_BASE64;
    return options;
}

/* Steps 2 and 3 of the example: (c) is signed (d), both become the body of (b). */
static void step_b_is_a_signed_tunnel_of_c(void **state)
{
    fixture *f = *state;
    static file c, b;
    const sipveil_key *signer;
    sipveil_sealed sealed;
    sipveil_error err;
    sipveil_seal_options options = signing(f, &signer);
    f->counter = 0;
    if (sipveil_tunnel_seal_message(f->worker, &options, load("c.sip", &c), &sealed, &err) != SIPVEIL_OK) {
        fail_msg("%s", err.text);
    }
    write_vector("b.sip", sealed.message);
    assert_same(sealed.message, load("b.sip", &b)); /* TUN-83: SDP and signature stay readable end to end */
}

static sipveil_code open_with(fixture *f, const sipveil_keyring *ring, const char *name, unsigned compat,
                              size_t layers, bool unauthenticated, sipveil_opened *opened, sipveil_error *err)
{
    static file message;
    sipveil_open_options options;
    sipveil_open_options_default(&options);
    options.keyring = ring;
    options.compat = compat;
    options.layers = layers;
    options.pcscf = layers == 1;
    options.allow_unauthenticated = unauthenticated;
    return sipveil_tunnel_open_message(f->worker, &options, load(name, &message), opened, err);
}

/* Bob gets (b) in clear and has (c) proven: Alice's own signature, external to the network. */
static void step_b_opens_to_c_for_bob(void **state)
{
    fixture *f = *state;
    static file c;
    sipveil_opened opened;
    sipveil_error err;
    if (open_with(f, f->trust, "b.sip", 0, 0, false, &opened, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    assert_true(opened.is_signed);
    assert_false(opened.is_encrypted);
    assert_same(opened.message, load("c.sip", &c));
}

/* Steps 4 and 5: (b) compressed, encrypted with the shared key, base64, under a new request line. */
static void seal_a(fixture *f, sipveil_cipher cipher, const char *request_uri, sipveil_sealed *sealed)
{
    static file c;
    const sipveil_key *signer, *recipient = sipveil_keyring_at(f->kek, 0);
    sipveil_error err;
    sipveil_seal_options options = signing(f, &signer);
    options.pcscf = true;
    options.recipients = &recipient;
    options.recipient_count = 1;
    options.cipher = cipher;
    options.request_uri = request_uri;
    f->counter = 0;
    if (sipveil_tunnel_seal_message(f->worker, &options, load("c.sip", &c), sealed, &err) != SIPVEIL_OK) {
        fail_msg("%s", err.text);
    }
}

/* TUN-70, TUN-72: variant 1 keeps the Request-URI, variant 2 names the P-CSCF. TUN-84: the literal
 * cipher of the seed (CBC) only on request. TUN-76: compress, encrypt, base64. */
static void step_a_carries_b_for_the_pcscf(void **state)
{
    fixture *f = *state;
    static file a, b;
    sipveil_sealed sealed;
    sipveil_opened opened;
    sipveil_error err;
    size_t at;
    if (getenv("SIPVEIL_WRITE_VECTORS") != NULL) {
        seal_a(f, SIPVEIL_CIPHER_AES_128_CBC, NULL, &sealed);
        write_vector("a-variant1-cbc.sip", sealed.message);
        static file printed;
        static const char head[] = "INVITE sip:bob@biloxi.com SIP/2.0\r\nContent-Type: smime-type=enveloped-data\r\n"
                                   "Content-Transfer-Encoding: base64\r\n\r\n";
        assert_true(sv_find(sealed.message, SV_SPAN("\r\n\r\n"), &at));
        sipveil_span body = sv_span_from(sealed.message, at + 4);
        memcpy(printed.data, head, sizeof head - 1);
        memcpy(printed.data + sizeof head - 1, body.data, body.len);
        write_vector("a-as-printed.sip", sv_span(printed.data, sizeof head - 1 + body.len));
        seal_a(f, SIPVEIL_CIPHER_AES_128_GCM, "sip:pcscf.visited.example", &sealed);
        write_vector("a-variant2-gcm.sip", sealed.message);
    }
    load("b.sip", &b);
    if (open_with(f, f->kek, "a-variant1-cbc.sip", 0, 1, true, &opened, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    assert_same(opened.message, sv_span(b.data, b.len)); /* TUN-80: (b) goes on byte-identical */
    /* ADV-064: unsigned CBC is refused unless asked for; the P-CSCF does not look at Alice's signature. */
    assert_int_equal(open_with(f, f->kek, "a-variant1-cbc.sip", 0, 1, false, &opened, &err), SIPVEIL_POLICY);
    if (open_with(f, f->kek, "a-variant2-gcm.sip", 0, 1, false, &opened, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
    assert_same(opened.message, sv_span(b.data, b.len));
    assert_true(opened.is_authenticated);
    /* What is sealed today has the same header as what is kept; the octets below depend on zlib. */
    seal_a(f, SIPVEIL_CIPHER_AES_128_GCM, "sip:pcscf.visited.example", &sealed);
    load("a-variant2-gcm.sip", &a);
    assert_true(sv_find(sv_span(a.data, a.len), SV_SPAN("Content-Length"), &at));
    assert_true(sealed.message.len > at);
    assert_memory_equal(sealed.message.data, a.data, at);
}

/* Between (a) and (b): the decrypted entity is compressed-data, and that holds the entity of (b). */
static void step_between_is_compressed(void **state)
{
    fixture *f = *state;
    static file a, b, kept;
    sipveil_open_options options;
    sipveil_error err;
    sipveil_open_options_default(&options);
    options.keyring = f->kek;
    options.layers = 1;
    assert_int_equal(sipveil_tunnel_inspect_message(f->worker, &options, load("a-variant2-gcm.sip", &a), &err), SIPVEIL_OK);
    const sv_node *layer = f->worker->operation.root->first_child;
    assert_int_equal(layer->type, SV_NODE_AUTH_ENVELOPED);
    assert_true(layer->opened);
    assert_int_equal(layer->enveloped->recipient_count, 1); /* TUN-74: kekri, aes128-wrap, 24 octets */
    sv_recipient room;
    const sv_recipient *recipient = sv_cms_recipient(layer->enveloped, 0, &room);
    assert_int_equal(recipient->kind, SV_RECIPIENT_KEKRI);
    bool weak;
    assert_string_equal(sv_cms_describe_recipient(recipient, f->worker->arena, &weak), "aes128-wrap");
    assert_false(weak);
    assert_int_equal(recipient->encrypted_key.len, 24);
    const sv_node *compressed = layer->first_child;
    assert_int_equal(compressed->type, SV_NODE_COMPRESSED);
    assert_int_equal(compressed->entity->encoding, SV_MIME_IDENTITY);
    assert_int_equal(compressed->entity->content.data[0], 0x30); /* DER */
    write_vector("b.p7z", compressed->entity->content);
    assert_same(compressed->entity->content, load("b.p7z", &kept)); /* TUN-77, writer's form */
    const sv_node *inner = compressed->first_child;
    assert_int_equal(inner->type, SV_NODE_MESSAGE_SIP);
    assert_same(inner->view->whole, load("b.sip", &b));
}

/* TUN-78, TUN-70, TUN-79: the printed (a) has no media type and none of the fields that RFC 3261
 * demands. It is read only with the switch. */
static void printed_a_is_read_by_name_only(void **state)
{
    fixture *f = *state;
    static file b;
    sipveil_opened opened;
    sipveil_error err;
    assert_int_equal(open_with(f, f->kek, "a-as-printed.sip", 0, 1, true, &opened, &err), SIPVEIL_MALFORMED);
    assert_int_equal(open_with(f, f->kek, "a-as-printed.sip", SIPVEIL_COMPAT_SAMPLES, 1, true, &opened, &err),
                     SIPVEIL_MALFORMED);
    if (open_with(f, f->kek, "a-as-printed.sip", SIPVEIL_COMPAT_SEED000, 1, true, &opened, &err) != SIPVEIL_OK) {
        fail_msg("%s", err.text);
    }
    assert_same(opened.message, load("b.sip", &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(step_b_is_a_signed_tunnel_of_c, set_up, tear_down),
        cmocka_unit_test_setup_teardown(step_b_opens_to_c_for_bob, set_up, tear_down),
        cmocka_unit_test_setup_teardown(step_a_carries_b_for_the_pcscf, set_up, tear_down),
        cmocka_unit_test_setup_teardown(step_between_is_compressed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(printed_a_is_read_by_name_only, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("the example of the P-CSCF profile", tests, NULL, NULL);
}
