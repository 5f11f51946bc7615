/* SPDX-License-Identifier: BSD-2-Clause */
/* Inner and outer message (TRU-28, TRU-40 to TRU-49): what a builder refuses, what an opener believes and ignores. */
#include "world.h"

#include "base/buffer.h"

static sipveil_worker *worker, *sealer;
static sipveil_keyring *keys, *ring;
static const sipveil_key *node, *alice, *other, *kek;
static sv_arena *arena;

static int open_lab(void **state)
{
    char *ca, *ca_key, path[] = "/tmp/sipveil-test-XXXXXX";
    static const uint8_t octets[32] = {1, 2, 3};
    if (world_open(state) != 0 || sipveil_worker_new(world_context, &worker, NULL) != SIPVEIL_OK ||
        sipveil_worker_new(world_context, &sealer, NULL) != SIPVEIL_OK || sipveil_keyring_new(world_context, &keys, NULL) != SIPVEIL_OK ||
        sipveil_keyring_new(world_context, &ring, NULL) != SIPVEIL_OK || sipveil_keys_make_authority(world_context, "ca", &ca, &ca_key, NULL) != SIPVEIL_OK) {
        return -1;
    }
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fputs(ca, file);
    fclose(file);
    if (sipveil_keyring_add_anchors(ring, path, NULL) != SIPVEIL_OK) return -1;
    remove(path);
    node = world_make(keys, ca, ca_key, NULL, "biloxi.example");
    other = world_make(keys, ca, ca_key, NULL, "other.example");
    alice = world_make(keys, ca, ca_key, "sip:alice@home.example", NULL);
    size_t place = sipveil_keyring_count(keys);
    if (sipveil_keyring_add_kek(keys, SV_SPAN("k"), sv_span(octets, 32), NULL, NULL) != SIPVEIL_OK ||
        sipveil_keyring_add_kek(ring, SV_SPAN("k"), sv_span(octets, 32), NULL, NULL) != SIPVEIL_OK) {
        return -1;
    }
    kek = sipveil_keyring_at(keys, place);
    arena = sv_arena_new(1 << 16, 1 << 24);
    sipveil_keys_wipe_text(ca);
    sipveil_keys_wipe_text(ca_key);
    return arena != NULL ? 0 : -1;
}

static int close_lab(void **state)
{
    sv_arena_free(arena);
    sipveil_worker_free(worker);
    sipveil_worker_free(sealer);
    sipveil_keyring_free(keys);
    sipveil_keyring_free(ring);
    return world_close(state);
}

#define HEAD                                                                                                                     \
    "INVITE sip:bob@biloxi.example SIP/2.0\r\nVia: SIP/2.0/TLS a.home.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"             \
    "From: <sip:alice@home.example>;tag=1\r\nTo: <sip:bob@biloxi.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"                       \
    "Contact: <sip:alice@a.home.example>\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
#define SDP "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
#define IDENTITIES "P-Asserted-Identity: <sip:alice@home.example>\r\nP-Preferred-Identity: <sip:a@home.example>\r\nPrivacy: id\r\n"

static sipveil_code seal(const sipveil_key *signer, const sipveil_key *recipient, sipveil_mode mode, const char *field, const char *const *outside,
                         const char *message, sipveil_sealed *sealed, sipveil_error *err)
{
    sipveil_seal_options options;
    sipveil_seal_options_default(&options);
    options.mode = mode;
    options.signers = &signer;
    options.signer_count = signer != NULL;
    options.recipients = &recipient;
    options.recipient_count = recipient != NULL;
    options.fields = &field;
    options.field_count = field != NULL;
    if (field == NULL) options.fields = NULL;
    options.outside_only = outside;
    options.outside_only_count = outside != NULL;
    return sipveil_tunnel_seal_message(sealer, &options, sv_span_str(message), sealed, err);
}

/* TRU-28, TRU-T32 */
static void leaves_sdp_to_the_anonymiser(void **state)
{
    static const struct {
        const char *name, *message;
        bool encrypts;
        sipveil_mode mode;
        bool refused;
    } cases[] = {
        {"TRU-T32 the body", HEAD "Privacy: session\r\n" SDP, true, SIPVEIL_MODE_PAYLOAD, true},
        {"the whole message", HEAD "Privacy: id;session;critical\r\n" SDP, true, SIPVEIL_MODE_TUNNEL, true},
        {"a part of the body", HEAD "Privacy: session\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Length: 48\r\n\r\n"
                               "--b\r\nContent-type: application/sdp\r\n\r\nv=0\r\n--b--\r\n", true, SIPVEIL_MODE_PAYLOAD, true},
        {"signed alone", HEAD "Privacy: session\r\n" SDP, false, SIPVEIL_MODE_TUNNEL, false},
        {"another body", HEAD "Privacy: session\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi", true, SIPVEIL_MODE_PAYLOAD, false},
        {"other privacy", HEAD "Privacy: id;user\r\n" SDP, true, SIPVEIL_MODE_PAYLOAD, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_sealed sealed;
        sipveil_error err;
        sipveil_code code = seal(cases[i].encrypts ? NULL : alice, cases[i].encrypts ? kek : NULL, cases[i].mode, NULL, NULL, cases[i].message, &sealed, &err);
        if (code != (cases[i].refused ? SIPVEIL_POLICY : SIPVEIL_OK)) fail_msg("%s: code %d: %s", cases[i].name, code, err.text);
        if (cases[i].refused) assert_non_null(strstr(err.text, "E_PRIVACY_SESSION"));
    }
}

/* TRU-41 */
static void refuses_what_is_for_outside(void **state)
{
    static const char *const forbidden[] = {"Via", "v", "Route", "Record-Route", "Path", "Service-Route", "Max-Forwards", "Proxy-Authorization",
                                            "proxy-require", "P-Asserted-Identity", "P-Preferred-Identity", "PRIVACY", "P-Charging-Vector", "P-Called-Party-ID"};
    static const char *const allowed[] = {"From", "To", "Subject", "Call-ID"};
    static const char *const strip[] = {"X-Secret"};
    sipveil_sealed sealed;
    sipveil_error err;
    (void)state;
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        if (seal(alice, NULL, SIPVEIL_MODE_SIPFRAG, forbidden[i], NULL, HEAD SDP, &sealed, &err) != SIPVEIL_POLICY) fail_msg("%s", forbidden[i]);
        assert_string_equal(err.rule, "TRU-41");
        assert_non_null(strstr(err.text, "E_INNER_FORBIDDEN"));
    }
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        if (seal(alice, NULL, SIPVEIL_MODE_SIPFRAG, allowed[i], NULL, HEAD "Subject: s\r\n" SDP, &sealed, &err) != SIPVEIL_OK) fail_msg("%s: %s", allowed[i], err.text);
    }
    assert_int_equal(seal(alice, NULL, SIPVEIL_MODE_SIPFRAG, "x-secret", NULL, HEAD "X-Secret: 1\r\n" SDP, &sealed, &err), SIPVEIL_OK);
    assert_int_equal(seal(alice, NULL, SIPVEIL_MODE_SIPFRAG, "x-secret", strip, HEAD "X-Secret: 1\r\n" SDP, &sealed, &err), SIPVEIL_POLICY);
    /* TRU-10: the table's own list is such a list. */
    size_t count;
    sipveil_trust_table *table = world_table("strip = X-One X-Two\n", WORLD_PARTNERS);
    const char *const *list = sipveil_trust_table_outside_only(table, &count);
    assert_int_equal(count, 2);
    assert_string_equal(list[1], "X-Two");
    sipveil_trust_table_free(table);
    /* In a tunnel they are carried: it is the whole message. */
    assert_int_equal(seal(alice, NULL, SIPVEIL_MODE_TUNNEL, NULL, NULL, HEAD IDENTITIES SDP, &sealed, &err), SIPVEIL_OK);
}

static bool checked(const sipveil_opened *opened, const char *rule, const char *why)
{
    for (size_t i = 0; i < opened->check_count; i++) {
        if (strcmp(opened->checks[i].rule, rule) == 0 && strstr(opened->checks[i].why, why) != NULL) return true;
    }
    return false;
}

static sipveil_open_options opening(void)
{
    sipveil_open_options options;
    sipveil_open_options_default(&options);
    options.keyring = ring;
    return options;
}

/* TRU-42, TRU-T33: what an end user puts inside counts for nothing, however well it is signed and sealed. */
static void ignores_identities_inside(void **state)
{
    static const char *const rows[] = {"P-Asserted-Identity", "P-Preferred-Identity", "Privacy"};
    sipveil_trust_table *table = world_table("", "[partner b]\ndomains = biloxi.example\nprotection = smime\ntrust_in = yes\n");
    sipveil_open_options options = opening();
    const sipveil_trust_peer peer = {.size = sizeof peer};
    (void)state;
    for (int encrypted = 0; encrypted < 2; encrypted++) {
        sipveil_sealed sealed;
        sipveil_opened opened;
        sipveil_trust_verdict verdict;
        sipveil_error err;
        assert_int_equal(seal(encrypted ? NULL : alice, encrypted ? kek : NULL, SIPVEIL_MODE_TUNNEL, NULL, NULL, HEAD IDENTITIES SDP, &sealed, &err), SIPVEIL_OK);
        if (sipveil_trust_open_message(worker, &options, table, &peer, sealed.message, &opened, &verdict, &err) != SIPVEIL_OK) fail_msg("%s", err.text);
        assert_false(opened.inner_identity_counts);
        assert_false(verdict.trusted);
        for (size_t i = 0; i < 3; i++) {
            char why[64];
            snprintf(why, sizeof why, "INNER_IGNORED: %s inside", rows[i]);
            assert_true(checked(&opened, "TRU-42", why));
        }
        world_assert_holds(opened.message, IDENTITIES); /* what was verified is handed out as it is */
    }
    sipveil_trust_table_free(table);
}

/* TRU-46, TRU-48, TRU-T34 */
static void believes_nodes_of_partners(void **state)
{
    static const char by_smime[] = "[partner b]\ndomains = biloxi.example\nip = 192.0.2.0/24\nprotection = smime\ntrust_in = yes\n";
    static const char without[] = "[partner b]\ndomains = biloxi.example\nprotection = tls-mutual\ntrust_in = yes\n";
    const struct {
        const char *name, *partners, *address;
        const sipveil_key *signer;
        bool believed;
    } cases[] = {
        {"TRU-T34 a node of a partner", by_smime, "192.0.2.7", node, true},
        {"TRU-48 not where the row does not say so", without, "192.0.2.7", node, false},
        {"a node of nobody", by_smime, "192.0.2.7", other, false},
        {"a node that writes from elsewhere", by_smime, "203.0.113.1", node, false},
    };
    sipveil_open_options options = opening();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_sealed sealed;
        sipveil_opened opened;
        sipveil_trust_verdict verdict;
        sipveil_error err;
        const sipveil_trust_peer peer = {.size = sizeof peer, .address = cases[i].address, .transport = SIPVEIL_TRUST_UDP};
        sipveil_trust_table *table = world_table("", cases[i].partners);
        assert_int_equal(seal(cases[i].signer, NULL, SIPVEIL_MODE_TUNNEL, NULL, NULL, HEAD IDENTITIES SDP, &sealed, &err), SIPVEIL_OK);
        sipveil_code code = sipveil_trust_open_message(worker, &options, table, &peer, sealed.message, &opened, &verdict, &err);
        if (code != (cases[i].believed ? SIPVEIL_OK : SIPVEIL_UNTRUSTED_SIGNER)) fail_msg("%s: code %d: %s", cases[i].name, code, err.text);
        assert_int_equal(verdict.trusted, cases[i].believed);
        assert_int_equal(opened.inner_identity_counts, cases[i].believed);
        if (cases[i].believed) {
            assert_true(checked(&opened, "TRU-46", "P-Asserted-Identity may be believed"));
            assert_true(checked(&opened, "TRU-42", "Privacy inside"));
            assert_int_equal(verdict.protection, SIPVEIL_TRUST_BY_SMIME);
        }
        sipveil_trust_table_free(table);
        /* Who does not ask for nodes gets none. */
        assert_int_equal(sipveil_tunnel_open_message(worker, &options, sealed.message, &opened, &err), SIPVEIL_UNTRUSTED_SIGNER);
    }
}

/* The outer rows of a signed tunnel replaced. */
static sipveil_span replace(sipveil_span message, const char *old, const char *new)
{
    sv_buffer b;
    size_t at;
    assert_true(sv_find(message, sv_span_str(old), &at));
    sv_buffer_init(&b, arena, message.len + 256, 1 << 20);
    sv_put(&b, sv_span(message.data, at));
    sv_put_str(&b, new);
    sv_put(&b, sv_span_from(message, at + strlen(old)));
    return sv_buffer_span(&b);
}

/* TRU-46, ADV-203: a node proves itself by a message that it signed. A body that it signed once goes into anybody's message, under
 * anybody's header; fields that it signed leave out the identity. */
static void believes_no_borrowed_signature(void **state)
{
    static const struct {
        const char *name;
        sipveil_mode mode;
    } cases[] = {{"a body", SIPVEIL_MODE_PAYLOAD}, {"header fields", SIPVEIL_MODE_SIPFRAG}};
    sipveil_open_options options = opening();
    const sipveil_trust_peer peer = {.size = sizeof peer, .transport = SIPVEIL_TRUST_UDP};
    sipveil_trust_table *table = world_table("", "[partner b]\ndomains = biloxi.example\nprotection = smime\ntrust_in = yes\n");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_sealed sealed;
        sipveil_opened opened;
        sipveil_trust_verdict verdict;
        sipveil_error err;
        assert_int_equal(seal(node, NULL, cases[i].mode, NULL, NULL, HEAD SDP, &sealed, &err), SIPVEIL_OK);
        sipveil_span forged = replace(sealed.message, "Max-Forwards: 70", "P-Asserted-Identity: <sip:ceo@biloxi.example>");
        sipveil_code code = sipveil_trust_open_message(worker, &options, table, &peer, forged, &opened, &verdict, &err);
        if (code != SIPVEIL_UNTRUSTED_SIGNER || verdict.trusted) fail_msg("%s: code %d, trusted %d", cases[i].name, code, verdict.trusted);
    }
    sipveil_trust_table_free(table);
}

/* TRU-49, TRU-43 */
static void knows_of_a_privacy_border(void **state)
{
    static const struct {
        const char *name, *from, *contact, *call_id;
        bool configured;
        sipveil_code code;
    } cases[] = {
        {"a border that we know of", "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1", "<sip:x@service.example>", "c", true, SIPVEIL_OK},
        {"one that we do not know of", "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1", "<sip:x@service.example>", "c", false, SIPVEIL_HEADER_MISMATCH},
        {"another From", "<sip:eve@home.example>;tag=1", "<sip:x@service.example>", "c", true, SIPVEIL_HEADER_MISMATCH},
        {"another tag", "<sip:anonymous@anonymous.invalid>;tag=2", "<sip:x@service.example>", "c", true, SIPVEIL_HEADER_MISMATCH},
        {"Contact alone", "<sip:alice@home.example>;tag=1", "<sip:x@service.example>", "c", true, SIPVEIL_HEADER_MISMATCH},
        {"never Call-ID", "<sip:anonymous@anonymous.invalid>;tag=1", "<sip:x@service.example>", "d", true, SIPVEIL_HEADER_MISMATCH},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char from[128], contact[128], call_id[64];
        sipveil_sealed sealed;
        sipveil_opened opened;
        sipveil_error err;
        sipveil_open_options options = opening();
        options.privacy_border = cases[i].configured;
        sv_arena_reset(arena);
        assert_int_equal(seal(alice, NULL, SIPVEIL_MODE_TUNNEL, NULL, NULL, HEAD "Privacy: user;header\r\n" SDP, &sealed, &err), SIPVEIL_OK);
        snprintf(from, sizeof from, "From: %s\r\n", cases[i].from);
        snprintf(contact, sizeof contact, "Contact: %s\r\n", cases[i].contact);
        snprintf(call_id, sizeof call_id, "Call-ID: %s\r\n", cases[i].call_id);
        sipveil_span message = replace(sealed.message, "From: <sip:alice@home.example>;tag=1\r\n", from);
        message = replace(message, "Contact: <sip:alice@a.home.example>\r\n", contact);
        message = replace(message, "Call-ID: c\r\n", call_id);
        sipveil_code code = sipveil_tunnel_open_message(worker, &options, message, &opened, &err);
        if (code != cases[i].code) fail_msg("%s: code %d: %s", cases[i].name, code, err.text);
        for (size_t k = 0; code == SIPVEIL_OK && k < opened.compared_count; k++) {
            bool border = strcmp(opened.compared[k].field, "From") == 0 || strcmp(opened.compared[k].field, "Contact") == 0;
            if (border) assert_int_equal(opened.compared[k].result, SIPVEIL_COMPARE_HIDDEN);
        }
    }
}

/* TRU-43, TRU-44: what hops change, add or obey outside breaks nothing; what must agree does; the confidential stays inside. */
static void compares_what_is_protected(void **state)
{
    static const struct {
        const char *old, *new;
        sipveil_code code;
    } cases[] = {
        {"Via: SIP", "Via: SIP/2.0/TLS hop.example;branch=z9hG4bK2\r\nVia: SIP", SIPVEIL_OK},
        {"Max-Forwards: 70", "Max-Forwards: 69", SIPVEIL_OK},
        {"Privacy: id\r\n", "", SIPVEIL_OK},
        {"P-Asserted-Identity: <sip:alice@home.example>\r\n", "", SIPVEIL_OK},
        {"P-Asserted-Identity: <sip:alice@home.example>\r\n", "P-Asserted-Identity: <sip:eve@home.example>\r\n", SIPVEIL_OK},
        {"INVITE sip:bob@biloxi.example", "INVITE sip:bob@gate.example", SIPVEIL_OK},
        {"CSeq: 1 INVITE", "CSeq: 2 INVITE", SIPVEIL_HEADER_MISMATCH},
        {"To: <sip:bob@biloxi.example>", "To: <sip:eve@biloxi.example>", SIPVEIL_HEADER_MISMATCH},
        {"Date: Sat, 21 Nov 2026 10:00:00", "Date: Sat, 21 Nov 2026 10:00:01", SIPVEIL_HEADER_MISMATCH},
        {"Contact: <sip:alice@a.home", "Contact: <sip:alice@b.home", SIPVEIL_HEADER_MISMATCH},
    };
    sipveil_open_options options = opening();
    sipveil_sealed sealed;
    sipveil_opened opened;
    sipveil_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sv_arena_reset(arena);
        assert_int_equal(seal(alice, NULL, SIPVEIL_MODE_TUNNEL, NULL, NULL, HEAD IDENTITIES SDP, &sealed, &err), SIPVEIL_OK);
        sipveil_code code = sipveil_tunnel_open_message(worker, &options, replace(sealed.message, cases[i].old, cases[i].new), &opened, &err);
        if (code != cases[i].code) fail_msg("%s: code %d: %s", cases[i].old, code, err.text);
        /* TRU-47: what never was encrypted is answered 403. */
        if (code != SIPVEIL_OK) assert_int_equal(err.sip_status, 403);
    }
    assert_int_equal(seal(NULL, kek, SIPVEIL_MODE_TUNNEL, NULL, NULL, HEAD "Subject: s\r\nUser-Agent: u\r\nWarning: 399 h \"w\"\r\n" SDP, &sealed, &err), SIPVEIL_OK);
    world_assert_lacks(sealed.message, "Subject");
    world_assert_lacks(sealed.message, "User-Agent");
    world_assert_lacks(sealed.message, "Warning");
}

/* TRU-45: the border decides by the outer message alone; what is inside crosses octet by octet. */
static void looks_at_the_outer_message_alone(void **state)
{
    sipveil_sealed sealed;
    sipveil_error err;
    sipveil_trust_table *table = world_table("", WORLD_PARTNERS);
    const world_way way = {.table = table, .from = WORLD_TRUSTED, .to = WORLD_STRANGER};
    (void)state;
    assert_int_equal(seal(alice, NULL, SIPVEIL_MODE_TUNNEL, NULL, NULL, HEAD "P-Asserted-Identity: <sip:alice@home.example>\r\n" SDP, &sealed, &err), SIPVEIL_OK);
    size_t body;
    assert_true(sv_find(sealed.message, SV_SPAN("\r\n\r\n"), &body));
    sipveil_border_result result = world_cross(&way, sealed.message);
    size_t body_after;
    assert_true(sv_find(result.message, SV_SPAN("\r\n\r\n"), &body_after));
    world_assert_lacks(sv_span(result.message.data, body_after), "Asserted");
    assert_true(sv_equal(sv_span_from(result.message, body_after), sv_span_from(sealed.message, body)));
    sipveil_trust_table_free(table);
}

/* TRU-40, TRU-47: signed detached or opaque; 493 where nothing can be opened; 415 for a form that is none. */
static void answers_by_class(void **state)
{
    sipveil_seal_options sealing;
    sipveil_sealed sealed;
    sipveil_opened opened;
    sipveil_error err;
    sipveil_keyring *empty;
    sipveil_open_options options = opening();
    (void)state;
    for (int opaque = 0; opaque < 2; opaque++) {
        sipveil_seal_options_default(&sealing);
        sealing.signers = &alice;
        sealing.signer_count = 1;
        sealing.opaque = opaque != 0;
        assert_int_equal(sipveil_tunnel_seal_message(sealer, &sealing, SV_SPAN(HEAD SDP), &sealed, &err), SIPVEIL_OK);
        assert_int_equal(sipveil_tunnel_open_message(worker, &options, sealed.message, &opened, &err), SIPVEIL_OK);
        assert_true(opened.is_signed);
    }
    assert_int_equal(sipveil_keyring_new(world_context, &empty, NULL), SIPVEIL_OK);
    options.keyring = empty;
    assert_int_equal(seal(NULL, kek, SIPVEIL_MODE_TUNNEL, NULL, NULL, HEAD SDP, &sealed, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_tunnel_open_message(worker, &options, sealed.message, &opened, &err), SIPVEIL_NO_KEY);
    assert_int_equal(err.sip_status, 493);
    static const char unknown[] = HEAD "Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: uuencode\r\n"
                                       "Content-Length: 4\r\n\r\nabcd";
    sipveil_code code = sipveil_tunnel_open_message(worker, &options, sv_span_str(unknown), &opened, &err);
    assert_int_equal(code, SIPVEIL_UNSUPPORTED);
    assert_int_equal(err.sip_status, 415);
    sipveil_keyring_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_sdp_to_the_anonymiser), cmocka_unit_test(refuses_what_is_for_outside), cmocka_unit_test(ignores_identities_inside),
        cmocka_unit_test(believes_nodes_of_partners),   cmocka_unit_test(believes_no_borrowed_signature), cmocka_unit_test(knows_of_a_privacy_border),   cmocka_unit_test(compares_what_is_protected),
        cmocka_unit_test(looks_at_the_outer_message_alone), cmocka_unit_test(answers_by_class),
    };
    return cmocka_run_group_tests_name("inner and outer at the border", tests, open_lab, close_lab);
}
