/* SPDX-License-Identifier: BSD-2-Clause */
/* The report: always one well-formed object, stable keys, nothing secret, hostile octets made visible. */
#include "tunnel/fixture.h"

static json_t *inspected(lab *l, sipveil_span message)
{
    assert_int_equal(sipveil_tunnel_inspect_message(l->worker, &l->options, message, &l->err), SIPVEIL_OK);
    assert_int_equal(l->err.code, SIPVEIL_OK);
    return report(l);
}

static json_t *child(json_t *node, size_t place)
{
    return json_array_get(json_object_get(node, "children"), place);
}

static const char *member(json_t *node, const char *key)
{
    const char *value = json_string_value(json_object_get(node, key));
    return value != NULL ? value : "(none)";
}

/* The example of the command line's page: sign, compress, encrypt. */
static void shape(void **state)
{
    lab *l = begin(state);
    l->seal.recipients = &l->kek;
    l->seal.recipient_count = 1;
    l->seal.signers = &l->alice;
    l->seal.signer_count = 1;
    l->seal.compress = true;
    json_t *root = inspected(l, sealed(l, invite(l))), *node, *one;
    assert_int_equal(json_integer_value(json_object_get(root, "version")), 1);
    assert_string_equal(member(root, "kind"), "request");
    assert_string_equal(member(root, "method"), "INVITE");
    assert_string_equal(member(root, "verdict"), "ok");
    assert_true(json_is_null(json_object_get(root, "error")));
    node = json_object_get(root, "tree");
    assert_string_equal(member(node, "type"), "sip");
    node = child(node, 0);
    assert_string_equal(member(node, "type"), "auth-enveloped-data");
    assert_string_equal(member(node, "encoding"), "binary");
    assert_string_equal(member(node, "cipher"), "aes-256-gcm");
    assert_true(json_is_true(json_object_get(node, "opened")));
    one = json_array_get(json_object_get(node, "recipients"), 0);
    assert_string_equal(member(one, "kind"), "kekri");
    assert_string_equal(member(one, "key_id"), "ims-ck-1");
    assert_string_equal(member(one, "key_id_hex"), "696d732d636b2d31");
    assert_true(json_is_true(json_object_get(one, "ours")));
    node = child(node, 0);
    assert_string_equal(member(node, "type"), "compressed-data");
    assert_true(json_integer_value(json_object_get(node, "size")) > 0);
    assert_true(json_integer_value(json_object_get(node, "expanded")) > json_integer_value(json_object_get(node, "size")));
    node = child(node, 0);
    assert_string_equal(member(node, "type"), "multipart/signed");
    assert_string_equal(member(node, "digest"), "sha256");
    one = json_array_get(json_object_get(node, "signers"), 0);
    assert_string_equal(member(one, "signature"), "valid");
    assert_string_equal(member(one, "trust"), "trusted");
    assert_string_equal(member(one, "time"), "2026-11-21T10:00:00Z");
    assert_string_equal(json_string_value(json_array_get(json_object_get(one, "aor"), 0)), "sip:alice@atlanta.example.com");
    node = child(node, 0);
    assert_string_equal(member(node, "type"), "message/sip");
    assert_string_equal(member(node, "method"), "INVITE");
    node = child(node, 0);
    assert_string_equal(member(node, "type"), "application/sdp");
    assert_int_equal(json_integer_value(json_object_get(node, "size")), sizeof SDP - 1);
    assert_true(json_array_size(json_object_get(root, "compare")) > 5);
    assert_true(json_array_size(json_object_get(root, "checks")) > 5);
    json_decref(root);
}

/* Seen from outside: who it is for, and nothing of what is in it. */
static void outsider(void **state)
{
    lab *l = begin(state);
    l->options.keyring = l->outsider;
    const struct {
        const sipveil_key *key;
        const char *kind;
    } table[] = {{l->kek, "kekri"}, {l->bob, "kari"}, {l->bob_x25519, "kari"}, {l->bob_rsa, "ktri"}, {l->password, "pwri"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *root = inspected(l, tunnel(l, HEAD, invite(l), l->alice, table[i].key));
        assert_string_equal(member(root, "verdict"), "error");
        json_t *error = json_object_get(root, "error");
        assert_string_equal(member(error, "code"), "no-key");
        assert_int_equal(json_integer_value(json_array_get(json_object_get(error, "path"), 0)), 0);
        json_t *node = child(json_object_get(root, "tree"), 0);
        assert_true(json_is_false(json_object_get(node, "opened")));
        assert_null(json_object_get(node, "children"));
        json_t *one = json_array_get(json_object_get(node, "recipients"), 0);
        assert_string_equal(member(one, "kind"), table[i].kind);
        assert_true(json_is_false(json_object_get(one, "ours")));
        json_decref(root);
        l->options.has_at = !l->options.has_at; /* both ways to the clock */
        l->options.at = NOW;
    }
}

/* What is not proven says so in its key. */
static void unverified(void **state)
{
    lab *l = begin(state);
    sipveil_span message = edited(l, tunnel(l, HEAD, invite(l), l->alice, NULL), "m=audio 49172", "m=audio 49173");
    json_t *root = inspected(l, message);
    json_t *error = json_object_get(root, "error");
    assert_string_equal(member(error, "code"), "bad-signature");
    json_t *one = json_array_get(json_object_get(child(json_object_get(root, "tree"), 0), "signers"), 0);
    assert_string_equal(member(one, "signature"), "invalid");
    assert_string_equal(member(one, "trust"), "unchecked");
    assert_null(json_object_get(one, "subject"));
    assert_non_null(json_object_get(one, "subject_unverified"));
    assert_null(json_object_get(one, "aor"));
    assert_null(json_object_get(one, "time"));
    json_decref(root);
    /* an untrusted signer */
    root = inspected(l, tunnel(l, HEAD, invite(l), l->stranger, NULL));
    assert_string_equal(member(json_object_get(root, "error"), "code"), "untrusted-signer");
    one = json_array_get(json_object_get(child(json_object_get(root, "tree"), 0), "signers"), 0);
    assert_string_equal(member(one, "signature"), "valid");
    assert_string_equal(member(one, "trust"), "untrusted");
    json_decref(root);
}

/* key_id is there only for printable UTF-8 (ADV-017, ADV-092). */
static void key_identifiers(void **state)
{
    static const struct {
        const char *id;
        size_t len;
        bool shown;
    } table[] = {
        {"plain", 5, true},          {"a \"quoted\\\" one", 15, true}, {"Schl\xC3\xBCssel", 10, true}, {"\xF0\x9F\x94\x91", 4, true},
        {"a\0b", 3, false},          {"a\nb", 3, false},               {"\x1B[31m", 5, false},        {"\xC0\xAF", 2, false},
        {"\xED\xA0\x80", 3, false},  {"\xC2\x9B", 2, false},           {"\xE2\x80\xAE", 3, false},    {"\xFF", 1, false},
        {"\xC3", 1, false},          {"\x7F", 1, false},               {"\xF4\x90\x80\x80", 4, false},
    };
    lab *l = begin(state);
    l->options.keyring = l->outsider;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        sipveil_keyring *ring = new_ring(l);
        uint8_t kek[16] = {1, (uint8_t)i};
        assert_int_equal(sipveil_keyring_add_kek(ring, sv_span(table[i].id, table[i].len), sv_span(kek, 16), NULL, &l->err), SIPVEIL_OK);
        json_t *root = inspected(l, tunnel(l, HEAD, invite(l), NULL, sipveil_keyring_at(ring, 0)));
        json_t *one = json_array_get(json_object_get(child(json_object_get(root, "tree"), 0), "recipients"), 0);
        if (table[i].shown) {
            assert_string_equal(member(one, "key_id"), table[i].id);
        } else {
            assert_true(json_is_null(json_object_get(one, "key_id")));
        }
        sipveil_span tree;
        assert_int_equal(sipveil_worker_report_text(l->worker, false, true, &tree, &l->err), SIPVEIL_OK);
        for (size_t k = 0; k < tree.len; k++) assert_true(tree.data[k] == '\n' || (tree.data[k] >= 0x20 && tree.data[k] < 0x7F));
        json_decref(root);
        sipveil_keyring_free(ring);
    }
}

/* ADV-022, ADV-216: whatever a peer writes, the report stays one object and the tree plain text. */
static void hostile_octets(void **state)
{
    static const char *const types[] = {"a/b;x=\"\\\"\"", "text/\x27quote", "x-{}/$%&*", "TEXT/PLAIN", "a/%n%s%n"};
    static const char *const names[] = {"X-%n%s", "X-'quote", "X.*!~"};
    lab *l = begin(state);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *row = joined(l, joined(l, "Content-Type: ", types[i]), "\r\n");
        json_t *root = inspected(l, protect(l, HEAD, row, SV_SPAN("\xFF\x00\x1B"), l->alice, NULL));
        assert_string_equal(member(root, "verdict"), "ok");
        json_decref(root);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *head = joined(l, joined(l, HEAD, names[i]), ": \xE2\x80\xAE\xFF\r\nSubject: %n\xFF\"\\\r\n");
        json_t *root = inspected(l, tunnel(l, head, compose(l, head, NULL, SV_SPAN("")), l->alice, NULL));
        assert_string_equal(member(root, "verdict"), "ok");
        json_decref(root);
        head = edited_text(l, head, "Subject: %n", "Subject: %n changed");
        root = inspected(l, tunnel(l, head, compose(l, HEAD "Subject: x\r\n", NULL, SV_SPAN("")), l->alice, NULL));
        const char *why = member(json_object_get(root, "error"), "text");
        for (; *why != '\0'; why++) assert_true(*why >= 0x20 && *why < 0x7F);
        json_decref(root);
    }
}

/* Neither keys nor decrypted text stand in a report, whatever fails. */
static void nothing_secret(void **state)
{
    lab *l = begin(state);
    const char *inner = edited_text(l, edited_text(l, HEAD, "sip:bob@biloxi", "sip:topsecret@biloxi"), TO,
                                    "To: \"topsecret\" <sip:topsecret@biloxi.example.com>\r\n");
    sipveil_span message = tunnel(l, HEAD, compose(l, inner, "Content-Type: text/plain\r\n", SV_SPAN("topsecret")), NULL, l->kek);
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
    sipveil_span json, tree;
    assert_int_equal(sipveil_worker_report_json(l->worker, &json, &l->err), SIPVEIL_OK);
    assert_false(contains(json, "topsecret"));
    assert_true(contains(json, "header-mismatch"));
    assert_int_equal(sipveil_worker_report_text(l->worker, true, true, &tree, &l->err), SIPVEIL_OK);
    assert_true(contains(tree, "\033[31m"));
}

/* A message that cannot be framed: the report tells that. */
static void not_framed(void **state)
{
    lab *l = begin(state);
    assert_code(try_open(l, SV_SPAN("garbage")), SIPVEIL_MALFORMED);
    json_t *root = report(l);
    assert_string_equal(member(root, "verdict"), "error");
    assert_string_equal(member(json_object_get(root, "error"), "code"), "malformed");
    json_decref(root);
    assert_int_equal(sipveil_tunnel_inspect_message(l->worker, &l->options, SV_SPAN("garbage"), &l->err), SIPVEIL_MALFORMED);
    json_decref(report(l));
    sipveil_span tree;
    assert_int_equal(sipveil_worker_report_text(l->worker, false, false, &tree, &l->err), SIPVEIL_USAGE);
}

/* A response says its status. */
static void response(void **state)
{
    lab *l = begin(state);
    json_t *root = inspected(l, tunnel(l, RESPONSE_HEAD, compose(l, RESPONSE_HEAD, NULL, SV_SPAN("")), l->bob, NULL));
    assert_string_equal(member(root, "kind"), "response");
    assert_string_equal(member(root, "method"), "INVITE");
    assert_int_equal(json_integer_value(json_object_get(root, "status")), 200);
    json_t *node = child(child(json_object_get(root, "tree"), 0), 0);
    assert_int_equal(json_integer_value(json_object_get(node, "status")), 200);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape),          cmocka_unit_test(outsider),       cmocka_unit_test(unverified),
        cmocka_unit_test(key_identifiers), cmocka_unit_test(hostile_octets), cmocka_unit_test(nothing_secret),
        cmocka_unit_test(not_framed),     cmocka_unit_test(response),
    };
    return cmocka_run_group_tests_name("reporting", tests, lab_setup, lab_teardown);
}
