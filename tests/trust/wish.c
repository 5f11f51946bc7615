/* SPDX-License-Identifier: BSD-2-Clause */
/* What a UA may ask (TRU-20, TRU-21, TRU-22, TRU-25, TRU-27), and what a UAS may use (TRU-29). */
#include "world.h"

enum { ROOM = 8192 };

typedef struct wish_case {
    const char *name, *method, *rows;
    bool trusted, is_gateway;
    const char *identities[3];
    const char *privacy;
    sipveil_code code;
    const char *rule, *holds, *lacks;
} wish_case;

static const wish_case cases[] = {
    {"TRU-22 a preference for a trusted proxy", "INVITE", "", true, false, {"sip:a@x.example", "tel:+1"}, "id", SIPVEIL_OK, "",
     "P-Preferred-Identity: <sip:a@x.example>, <tel:+1>\r\nPrivacy: id\r\nContent-Length", "Proxy-Require"},
    {"TRU-22 a gateway asserts", "INVITE", "", true, true, {"sips:a@x.example"}, NULL, SIPVEIL_OK, "", "P-Asserted-Identity: <sips:a@x.example>\r\n", "Privacy"},
    {"TRU-22 not to a proxy that is not trusted", "INVITE", "", false, false, {"sip:a@x.example"}, NULL, SIPVEIL_POLICY, "TRU-22", NULL, NULL},
    {"TRU-22 a gateway neither", "INVITE", "", false, true, {"sip:a@x.example"}, NULL, SIPVEIL_POLICY, "TRU-22", NULL, NULL},
    {"privacy alone goes to anybody", "INVITE", "", false, false, {NULL}, "none", SIPVEIL_OK, "", "Privacy: none\r\n", "Proxy-Require"},
    {"TRU-21 in ACK", "ACK", "", true, false, {"sip:a@x.example"}, NULL, SIPVEIL_POLICY, "TRU-21", NULL, NULL},
    {"TRU-21 in CANCEL", "CANCEL", "", true, false, {"sip:a@x.example"}, NULL, SIPVEIL_POLICY, "TRU-21", NULL, NULL},
    {"TRU-21 both at once", "INVITE", "P-Asserted-Identity: <sip:a@x.example>\r\n", true, false, {"sip:a@x.example"}, NULL, SIPVEIL_POLICY, "TRU-21", NULL, NULL},
    {"TRU-20 two of a kind", "INVITE", "", true, false, {"sip:a@x.example", "sips:b@x.example"}, NULL, SIPVEIL_USAGE, "TRU-20", NULL, NULL},
    {"TRU-20 another scheme", "INVITE", "", true, false, {"mailto:a@x.example"}, NULL, SIPVEIL_USAGE, "TRU-20", NULL, NULL},
    {"TRU-20 a line end", "INVITE", "", true, false, {"sip:a@x.example>\r\nX: <"}, NULL, SIPVEIL_USAGE, "TRU-20", NULL, NULL},
    {"TRU-27 a service is required", "INVITE", "", false, false, {NULL}, "header;critical", SIPVEIL_OK, "", "Privacy: header;critical\r\nProxy-Require: privacy\r\n", NULL},
    {"TRU-27 id;critical too", "INVITE", "", false, false, {NULL}, "id;critical", SIPVEIL_OK, "", "Proxy-Require: privacy\r\n", NULL},
    {"TRU-25 none beside others", "INVITE", "", false, false, {NULL}, "id;none", SIPVEIL_USAGE, "TRU-25", NULL, NULL},
    {"TRU-25 none and critical", "INVITE", "", false, false, {NULL}, "none;critical", SIPVEIL_USAGE, "TRU-25", NULL, NULL},
    {"TRU-25 critical alone", "INVITE", "", false, false, {NULL}, "critical", SIPVEIL_USAGE, "TRU-25", NULL, NULL},
    {"TRU-25 critical first", "INVITE", "", false, false, {NULL}, "critical;id", SIPVEIL_USAGE, "TRU-25", NULL, NULL},
    {"TRU-25 twice", "INVITE", "", false, false, {NULL}, "id;id", SIPVEIL_USAGE, "TRU-25", NULL, NULL},
    {"TRU-25 a comma", "INVITE", "", false, false, {NULL}, "id,header", SIPVEIL_USAGE, "TRU-25", NULL, NULL},
    {"TRU-25 a line end", "INVITE", "", false, false, {NULL}, "id\r\nX: y", SIPVEIL_USAGE, "TRU-25", NULL, NULL},
    {"TRU-25 user outside REGISTER", "INVITE", "", false, false, {NULL}, "user", SIPVEIL_USAGE, "TRU-25", NULL, NULL},
    {"TRU-25 user in REGISTER", "REGISTER", "", false, false, {NULL}, "user", SIPVEIL_OK, "", "Privacy: user\r\n", NULL},
    {"TRU-25 there is one already", "INVITE", "Privacy: id\r\n", false, false, {NULL}, "header", SIPVEIL_USAGE, "TRU-25", NULL, NULL},
};

static void asks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const wish_case *c = &cases[i];
        char room[ROOM];
        sipveil_span out;
        sipveil_error err;
        const sipveil_trust_verdict to = {.trusted = c->trusted};
        sipveil_trust_wish wish = {.size = sizeof wish, .identities = c->identities, .is_gateway = c->is_gateway, .privacy = c->privacy};
        while (wish.identity_count < 3 && c->identities[wish.identity_count] != NULL) wish.identity_count++;
        sipveil_code code = sipveil_trust_write_wish(world_border, &wish, world_request(c->method, c->rows, room, sizeof room),
                                                     &to, &out, &err);
        if (code != c->code || strcmp(err.rule, c->rule) != 0) fail_msg("%s: code %d, %s: %s", c->name, code, err.rule, err.text);
        if (code != SIPVEIL_OK) assert_int_equal(out.len, 0);
        if (c->holds != NULL) world_assert_holds(out, c->holds);
        if (c->lacks != NULL) world_assert_lacks(out, c->lacks);
    }
}

/* TRU-29, TRU-02: what a UAS may show is what phase A left; the claim of an untrusted node is not there. */
static void uses_what_is_believed(void **state)
{
    static const struct {
        const char *from, *identity, *first;
    } uses[] = {{WORLD_TRUSTED, NULL, "sip:alice@home.example"}, {WORLD_STRANGER, NULL, ""}, {WORLD_STRANGER, "sip:own@home.example", "sip:own@home.example"}};
    sipveil_trust_table *table = world_table("", WORLD_PARTNERS);
    (void)state;
    assert_int_equal(sipveil_border_identity(NULL, 0).len, 0);
    for (size_t i = 0; i < 3; i++) {
        char room[ROOM];
        world_hop hop;
        sipveil_trust_verdict in;
        sipveil_border_result result;
        sipveil_border_options options = {.size = sizeof options, .table = table, .identities = &uses[i].identity, .identity_count = uses[i].identity != NULL};
        sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_IN, sv_span(NULL, 0), world_peer(&hop, uses[i].from), WORLD_NOW, &in);
        sipveil_span message = world_request("INVITE", "P-Asserted-Identity: <sip:alice@home.example>\r\n", room, sizeof room);
        assert_int_equal(sipveil_border_arrive(world_border, &options, message, &in, &result, NULL), SIPVEIL_OK);
        assert_true(sv_equal_str(sipveil_border_identity(world_border, 0), uses[i].first));
        assert_int_equal(sipveil_border_identity(world_border, 1).len, 0);
    }
    sipveil_trust_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(asks), cmocka_unit_test(uses_what_is_believed)};
    return cmocka_run_group_tests_name("user agents and their trust domain", tests, world_open, world_close);
}
