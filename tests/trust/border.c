/* SPDX-License-Identifier: BSD-2-Clause */
/* What crosses the border: phase A, phase B, answers; the tests of the specification by number (ADV-200 to ADV-203). */
#include "world.h"

enum { ROOM = 8192 };

#define PAI "P-Asserted-Identity: \"Alice\" <sip:alice@home.example>\r\n"
#define KEPT "sip:alice@home.example"
#define OWN "sip:own@home.example"

/* ---- the combined view (TRU-T1 to TRU-T20) ---- */

typedef enum outcome { NOTHING, RECEIVED, OURS, BY_SPEC_RECEIVED, BY_SPEC_OURS } outcome;

/* Rows: previous hop, next hop trusted or not; columns: Privacy. */
static const struct {
    const char *from, *to;
    outcome absent, none, id, header, others;
} view[] = {
    /* TRU-T1 TRU-T2 TRU-T3 TRU-T4 TRU-T5 */ {WORLD_TRUSTED, WORLD_TRUSTED, RECEIVED, RECEIVED, RECEIVED, RECEIVED, RECEIVED},
    /* TRU-T6 TRU-T7 TRU-T8 TRU-T9 TRU-T10 */ {WORLD_TRUSTED, WORLD_STRANGER, BY_SPEC_RECEIVED, RECEIVED, NOTHING, NOTHING, BY_SPEC_RECEIVED},
    /* TRU-T11 TRU-T12 TRU-T13 TRU-T14 TRU-T15 */ {WORLD_STRANGER, WORLD_TRUSTED, OURS, OURS, OURS, OURS, OURS},
    /* TRU-T16 TRU-T17 TRU-T18 TRU-T19 TRU-T20 */ {WORLD_STRANGER, WORLD_STRANGER, BY_SPEC_OURS, OURS, NOTHING, NOTHING, BY_SPEC_OURS},
};

static void check_cell(const sipveil_trust_table *table, bool keep, size_t row, const char *privacy, outcome expected, bool authenticated)
{
    char room[ROOM], rows[512];
    world_way way = {.table = table, .from = view[row].from, .to = view[row].to, .identities = {authenticated ? OWN : NULL}};
    snprintf(rows, sizeof rows, PAI "P-Preferred-Identity: <sip:eve@home.example>\r\n%s%s%s", privacy[0] ? "Privacy: " : "", privacy, privacy[0] ? "\r\n" : "");
    sipveil_border_result result = world_cross(&way, world_request("INVITE", rows, room, sizeof room));
    bool received = expected == RECEIVED || (expected == BY_SPEC_RECEIVED && keep);
    bool ours = authenticated && (expected == OURS || (expected == BY_SPEC_OURS && keep));
    if (result.action != SIPVEIL_BORDER_FORWARD || world_holds(result.message, KEPT) != received || world_holds(result.message, OWN) != ours ||
        world_holds(result.message, "P-Asserted-Identity") != (received || ours) || world_holds(result.message, "P-Preferred-Identity") ||
        world_holds(result.message, "eve@")) {
        fail_msg("row %zu, Privacy '%s', keep %d, auth %d: %.*s", row, privacy, keep, authenticated, (int)result.message.len,
                 (const char *)result.message.data);
    }
    /* TRU-26, TRU-32: the wish goes on as it came. */
    char wish[64];
    snprintf(wish, sizeof wish, "\r\nPrivacy: %s\r\n", privacy);
    if (privacy[0] != '\0') world_assert_holds(result.message, wish);
    else world_assert_lacks(result.message, "Privacy");
}

static void has_the_combined_view(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        sipveil_trust_table *table = world_table(keep ? "no_privacy = keep\n" : "no_privacy = remove\n", WORLD_PARTNERS);
        for (size_t row = 0; row < 4; row++) {
            for (int authenticated = 0; authenticated < 2; authenticated++) {
                check_cell(table, keep, row, "", view[row].absent, authenticated);
                check_cell(table, keep, row, "none", view[row].none, authenticated);
                check_cell(table, keep, row, "id", view[row].id, authenticated);
                check_cell(table, keep, row, "header", view[row].header, authenticated);
                check_cell(table, keep, row, "session", view[row].others, authenticated);
                check_cell(table, keep, row, "user", view[row].others, authenticated);
                check_cell(table, keep, row, "history", view[row].others, authenticated);
            }
        }
        sipveil_trust_table_free(table);
    }
}

/* ---- one message, one way ---- */

typedef struct crossing {
    const char *name;
    const char *extra;  /* keys of [trust-domain] */
    const char *method; /* NULL: INVITE */
    const char *rows;
    const char *from, *to;
    const char *identities[3];
    int status;         /* 0: forwarded */
    const char *holds[3], *lacks[3];
} crossing;

#define T WORLD_TRUSTED
#define U WORLD_STRANGER

static const crossing crossings[] = {
    /* TRU-20, TRU-T27, ADV-202 */
    {"TRU-T27 one sip and one tel value", "", NULL, "P-Asserted-Identity: <sip:a@x.example>, <sip:b@x.example>, <tel:+1>, <mailto:c@x.example>\r\n", T, T, {NULL}, 0,
     {"P-Asserted-Identity: <sip:a@x.example>, <tel:+1>\r\n"}, {"sip:b@", "mailto"}},
    {"TRU-20 sips after sip", "", NULL, "P-Asserted-Identity: sip:a@x.example, sips:a@x.example\r\n", T, T, {NULL}, 0,
     {"P-Asserted-Identity: sip:a@x.example\r\n"}, {"sips"}},
    {"TRU-20 sip after sips, over rows", "", NULL, "P-Asserted-Identity: <sips:a@x.example>\r\nP-Asserted-Identity: <sip:b@x.example>\r\n", T, T, {NULL}, 0,
     {"<sips:a@x.example>\r\n"}, {"sip:b@"}},
    {"TRU-20 nothing that counts", "", NULL, "P-Asserted-Identity: <mailto:c@x.example>\r\n", T, T, {OWN}, 0, {"P-Asserted-Identity: <" OWN ">"}, {"mailto"}},
    {"ADV-202 empty", "", NULL, "P-Asserted-Identity: \r\n", T, T, {NULL}, 0, {NULL}, {"P-Asserted-Identity"}},
    {"ADV-202 no address", "", NULL, "P-Asserted-Identity: <sip:a@x.example>, <<\r\n", T, T, {NULL}, 0, {"P-Asserted-Identity: <sip:a@x.example>\r\n"}, {"<<"}},
    {"TRU-03 (g) a scheme that the domain does not have", "schemes = tel\n", NULL, "P-Asserted-Identity: <sip:a@x.example>, <tel:+1>\r\n", T, T, {NULL}, 0,
     {"P-Asserted-Identity: <tel:+1>\r\n"}, {"sip:a@"}},
    {"what stays, stays as written", "", NULL, "p-asserted-identity :  \"A, B\"  <sip:a@x.example> \r\n", T, T, {NULL}, 0,
     {"p-asserted-identity :  \"A, B\"  <sip:a@x.example> \r\n"}, {NULL}},
    /* TRU-21, TRU-T28 */
    {"TRU-T28 in ACK", "", "ACK", PAI "P-Preferred-Identity: <sip:p@x.example>\r\n", T, T, {OWN}, 0, {NULL}, {"Identity"}},
    {"TRU-T28 in CANCEL", "", "CANCEL", PAI, T, T, {OWN}, 0, {NULL}, {"Identity"}},
    /* TRU-22, ADV-200, ADV-202: P-Preferred-Identity */
    {"a preference that is ours", "", NULL, "P-Preferred-Identity: \"Eve\" <sip:second@home.example>\r\n", U, T, {OWN, "sip:second@home.example"}, 0,
     {"P-Asserted-Identity: <sip:second@home.example>\r\n"}, {OWN, "Eve"}},
    {"a number that is preferred", "", NULL, "P-Preferred-Identity: <tel:+1-555-123>\r\n", U, T, {OWN, "tel:+1555123"}, 0,
     {"P-Asserted-Identity: <tel:+1555123>\r\n"}, {OWN}},
    {"a preference that is none of ours", "", NULL, "P-Preferred-Identity: <sip:ceo@home.example>\r\n", U, T, {OWN, "tel:+1555"}, 0,
     {"P-Asserted-Identity: <" OWN ">, <tel:+1555>\r\n"}, {"ceo"}},
    {"and is refused", "ppi_mismatch = refuse\n", NULL, "P-Preferred-Identity: <sip:ceo@home.example>\r\n", U, T, {OWN}, 403, {"SIP/2.0 403 Forbidden"}, {"ceo"}},
    {"no preference, and none is missed", "ppi_mismatch = refuse\n", NULL, "", U, T, {OWN}, 0, {"P-Asserted-Identity: <" OWN ">"}, {NULL}},
    {"a preference without authentication", "", NULL, "P-Preferred-Identity: <sip:ceo@home.example>\r\n", U, T, {NULL}, 0, {NULL}, {"Identity"}},
    {"ADV-200 a forged assertion is replaced", "", NULL, PAI, U, T, {OWN}, 0, {"P-Asserted-Identity: <" OWN ">"}, {KEPT}},
    {"trusted, absent, authenticated here: ours", "", NULL, "", T, T, {OWN}, 0, {"P-Asserted-Identity: <" OWN ">"}, {NULL}},
    {"trusted, present, authenticated here: that which came", "", NULL, PAI, T, T, {OWN}, 0, {KEPT}, {OWN}},
    {"must_auth, nobody to challenge with", "must_auth = challenge\n", NULL, PAI, U, T, {NULL}, 403, {"403"}, {"Identity"}},
    {"must_auth refuses", "must_auth = refuse\n", NULL, PAI, U, T, {NULL}, 403, {"403"}, {"Identity"}},
    {"must_auth lets partners pass", "must_auth = refuse\n", NULL, PAI, T, T, {NULL}, 0, {KEPT}, {NULL}},
    {"must_auth lets ACK pass", "must_auth = refuse\n", "ACK", "", U, T, {NULL}, 0, {"ACK sip:"}, {NULL}},
    /* TRU-23 */
    {"TRU-23 a method of RFC 5876 with id", "rules = 3325\n", "PUBLISH", "Privacy: id\r\n", U, T, {OWN}, 0, {NULL}, {"Asserted"}},
    {"TRU-23 a method of RFC 3325", "rules = 3325\n", "REFER", "Privacy: id\r\n", U, T, {OWN}, 0, {OWN}, {NULL}},
    {"TRU-23 without id", "rules = 3325\n", "PUBLISH", "", U, T, {OWN}, 0, {OWN}, {NULL}},
    {"TRU-23 where all know 5876", "", "PUBLISH", "Privacy: id\r\n", U, T, {OWN}, 0, {OWN}, {NULL}},
    /* TRU-25, TRU-26, TRU-31, ADV-201, TRU-T30 */
    {"TRU-T30 none beside id", "", NULL, PAI "Privacy: id;none\r\n", T, U, {NULL}, 0, {"Privacy: id\r\n"}, {"Asserted", "none"}},
    {"ADV-201 ID in capitals", "no_privacy = keep\n", NULL, PAI "Privacy: ID\r\n", T, U, {NULL}, 0, {"Privacy: ID\r\n"}, {"Asserted"}},
    {"ADV-201 id among others", "no_privacy = keep\n", NULL, PAI "Privacy: user ; session;\r\n id\r\n", T, U, {NULL}, 0, {"Privacy: user ; session;\r\n id\r\n"}, {"Asserted"}},
    {"ADV-201 id in a second row", "no_privacy = keep\n", NULL, PAI "Privacy: history\r\nPrivacy: id\r\n", T, U, {NULL}, 0, {"Privacy: id"}, {"Asserted"}},
    {"ADV-201 id twice", "no_privacy = keep\n", NULL, PAI "Privacy: id;id\r\n", T, U, {NULL}, 0, {"Privacy: id;id"}, {"Asserted"}},
    {"ADV-201 id by a comma", "no_privacy = keep\n", NULL, PAI "Privacy: critical, id\r\n", T, U, {NULL}, 0, {"Privacy: critical, id"}, {"Asserted"}},
    {"TRU-31 all values go", "", NULL, "P-Asserted-Identity: <sip:a@x.example>\r\nP-Asserted-Identity: <tel:+1555>\r\nPrivacy: id\r\n", T, U, {NULL}, 0, {NULL},
     {"Asserted", "+1555", "sip:a@"}},
    {"ADV-201 a trusted hop keeps it", "", NULL, PAI "Privacy: id\r\n", T, T, {NULL}, 0, {KEPT}, {NULL}},
    {"TRU-26 none is kept and untouched", "", NULL, PAI "Privacy: none\r\n", T, U, {NULL}, 0, {KEPT, "Privacy: none\r\n"}, {NULL}},
    {"TRU-25 only critical is as absent", "no_privacy = keep\n", NULL, PAI "Privacy: critical\r\n", T, U, {NULL}, 0, {KEPT, "Privacy: critical"}, {NULL}},
    {"TRU-25 no list", "", NULL, PAI "Privacy: id;;user\r\n", T, U, {NULL}, 400, {"SIP/2.0 400 Bad Request"}, {KEPT}},
    {"TRU-25 empty", "", NULL, PAI "Privacy: \r\n", T, T, {NULL}, 400, {"400"}, {KEPT}},
    {"TRU-25 no list, in an ACK: a strong wish", "no_privacy = keep\n", "ACK", "Privacy: ;\r\n", T, U, {NULL}, 0, {"ACK sip:"}, {NULL}},
    /* TRU-27, TRU-33, TRU-T31 */
    {"TRU-T31 user;critical at a plain proxy", "", NULL, PAI "Privacy: user;critical\r\n", T, U, {NULL}, 500, {"SIP/2.0 500 Server Error: privacy user not available\r\n"}, {KEPT}},
    {"TRU-33 all that is not done is named", "", NULL, "Privacy: header;x-own;session;id;critical\r\n", T, U, {NULL}, 500, {"privacy header, session, x-own not available"}, {NULL}},
    {"TRU-33 id;critical is done", "", NULL, PAI "Privacy: id;critical\r\n", T, U, {NULL}, 0, {"Privacy: id;critical"}, {"Asserted"}},
    {"TRU-26 none: nothing is done to it", "", NULL, "History-Info: <sip:x@y.example>;index=1\r\nPrivacy: none\r\n", T, U, {NULL}, 0,
     {"History-Info: <sip:x@y.example>;index=1\r\n", "Privacy: none\r\n"}, {NULL}},
    {"id is no history", "", NULL, "History-Info: <sip:x@y.example>;index=1\r\nPrivacy: id\r\n", T, U, {NULL}, 0,
     {"History-Info: <sip:x@y.example>;index=1\r\n"}, {NULL}},
    {"history towards a partner", "", NULL, "History-Info: <sip:x@y.example>;index=1\r\nPrivacy: history\r\n", T, T, {NULL}, 0,
     {"History-Info: <sip:x@y.example>;index=1\r\n", "Privacy: history\r\n"}, {NULL}},
    {"TRU-33 history;critical is done", "", NULL, "History-Info: <sip:x@y.example>;index=1\r\nPrivacy: history;critical\r\n", T, U, {NULL}, 0, {NULL}, {"History-Info"}},
    {"TRU-33 not at a trusted next hop", "", NULL, PAI "Privacy: user;critical\r\n", T, T, {NULL}, 0, {KEPT, "Privacy: user;critical"}, {NULL}},
    {"TRU-33 not in ACK", "", "ACK", "Privacy: user;critical\r\n", T, U, {NULL}, 0, {"ACK"}, {NULL}},
    {"TRU-33 strict5379", "strict5379 = yes\n", NULL, "Privacy: session\r\n", T, U, {NULL}, 500, {"privacy session not available"}, {NULL}},
    {"an unknown value without critical", "no_privacy = keep\n", NULL, PAI "Privacy: x-own\r\n", T, U, {NULL}, 0, {KEPT, "Privacy: x-own"}, {NULL}},
    {"TRU-27 a service is required that this is not", "", NULL, "Privacy: user\r\nProxy-Require: privacy\r\n", T, U, {NULL}, 420,
     {"SIP/2.0 420 Bad Extension", "Unsupported: privacy\r\n"}, {NULL}},
    {"TRU-27 id needs no service", "", NULL, PAI "Privacy: id\r\nProxy-Require: privacy\r\n", T, U, {NULL}, 0, {"Proxy-Require: privacy"}, {"Asserted"}},
    /* TRU-10 */
    {"TRU-10 the network's own fields", "", NULL, "P-Charging-Vector: icid-value=1\r\nP-Access-Network-Info: IEEE-802.11\r\nX: 1\r\n", T, U, {NULL}, 0, {"X: 1"},
     {"P-Charging", "P-Access"}},
    {"TRU-10 stay among friends", "", NULL, "P-Charging-Vector: icid-value=1\r\n", T, T, {NULL}, 0, {"P-Charging-Vector"}, {NULL}},
    {"TRU-10 a list of one's own", "strip = X-Secret\n", NULL, "P-Charging-Vector: icid-value=1\r\nx-secret: 1\r\n", T, U, {NULL}, 0, {"P-Charging-Vector"}, {"x-secret"}},
    /* TRU-32, TRU-34 */
    {"TRU-34 the last value", "strip_done = yes\n", NULL, PAI "Privacy: id;critical\r\nProxy-Require: privacy, foo\r\n", T, U, {NULL}, 0, {"Proxy-Require: foo\r\n"},
     {"Privacy:", "critical"}},
    {"TRU-34 not the last", "strip_done = yes\n", NULL, PAI "Privacy: id;session\r\nProxy-Require: x\r\n", T, U, {NULL}, 0, {"Privacy: session\r\n"}, {"id;"}},
    /* user, where this is a privacy service */
    {"user is served", "privacy_service = user\nservice_host = p.home.example\n", NULL,
     "Subject: s\r\nUser-Agent: u\r\nReply-To: <sip:r@x.example>\r\nPrivacy: user;critical\r\nProxy-Require: privacy\r\n", T, U, {NULL}, 0,
     {"From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1\r\n"}, {"Subject", "Privacy", "Proxy-Require"}},
    {"user, not the rest", "privacy_service = user\nservice_host = p.home.example\n", NULL, "Organization: o\r\nPrivacy: user;session\r\n", T, U, {NULL}, 0,
     {"Privacy: session\r\n"}, {"Organization"}},
    {"user and warnings", "privacy_service = user\nservice_host = p.home.example\n", NULL,
     "Warning: 399 host.home.example \"a, b\", 307 x.home.example \"c\"\r\nReferred-By: <sip:anonymous@anonymous.invalid>\r\nPrivacy: user\r\n", T, U, {NULL}, 0,
     {"Warning: 399 anonymous.invalid \"a, b\", 307 anonymous.invalid \"c\"\r\n"}, {"home.example \"", "Referred-By"}},
    {"user and another's referral", "privacy_service = user\nservice_host = p.home.example\n", NULL, "Referred-By: <sip:z@z.example>\r\nPrivacy: user\r\n", T, U, {NULL}, 0,
     {"Referred-By: <sip:z@z.example>"}, {"Privacy"}},
    {"nothing for none", "privacy_service = user\nservice_host = p.home.example\n", NULL, "Subject: s\r\nPrivacy: none\r\n", T, U, {NULL}, 0, {"Subject: s", "Privacy: none"}, {NULL}},
    /* TRU-05, TRU-T29 */
    {"TRU-T29 a spoofed BYE", "", "BYE", PAI, "udp@192.0.2.7", T, {NULL}, 0, {"BYE sip:"}, {"Asserted"}},
};

static void crosses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof crossings / sizeof *crossings; i++) {
        const crossing *c = &crossings[i];
        char room[ROOM];
        sipveil_trust_table *table = world_table(c->extra, WORLD_PARTNERS);
        world_way way = {.table = table, .from = c->from, .to = c->to, .identities = {c->identities[0], c->identities[1], c->identities[2]}};
        sipveil_border_result result = world_cross(&way, world_request(c->method != NULL ? c->method : "INVITE", c->rows, room, sizeof room));
        if (result.status != c->status) fail_msg("%s: status %d: %s", c->name, result.status, result.why);
        for (size_t k = 0; k < 3; k++) {
            if (c->holds[k] != NULL && !world_holds(result.message, c->holds[k])) {
                fail_msg("%s: no \"%s\" in %.*s", c->name, c->holds[k], (int)result.message.len, (const char *)result.message.data);
            }
            if (c->lacks[k] != NULL && world_holds(result.message, c->lacks[k])) {
                fail_msg("%s: \"%s\" is in %.*s", c->name, c->lacks[k], (int)result.message.len, (const char *)result.message.data);
            }
        }
        sipveil_trust_table_free(table);
    }
}

/* ---- profiles ---- */

/* TRU-37: towards no partner it goes for every Privacy but none; strict_border: for none too. */
static void borders_by_profile(void **state)
{
    static const struct {
        const char *privacy;
        bool stays;
    } cases[] = {{"", false}, {"Privacy: none\r\n", true}, {"Privacy: id\r\n", false}, {"Privacy: session\r\n", false}, {"Privacy: x\r\n", false}};
    (void)state;
    for (int strict = 0; strict < 2; strict++) {
        sipveil_trust_table *table = world_table(strict ? "profile = mm-border\nstrict_border = yes\nno_privacy = keep\n" : "no_privacy = keep\n", WORLD_PARTNERS);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char room[ROOM], rows[256];
            world_way way = {.table = table, .from = T, .to = U, .profile = SIPVEIL_TRUST_PROFILE_MM_BORDER};
            snprintf(rows, sizeof rows, PAI "%s", cases[i].privacy);
            sipveil_border_result result = world_cross(&way, world_request("INVITE", rows, room, sizeof room));
            assert_int_equal(world_holds(result.message, KEPT), cases[i].stays && !strict);
            if (cases[i].privacy[0] != '\0') world_assert_holds(result.message, cases[i].privacy);
        }
        sipveil_trust_table_free(table);
    }
}

/* TRU-07, TRU-T35 */
static void passes_the_gateway(void **state)
{
    char room[ROOM];
    sipveil_trust_table *table = world_table("profile = ims-rel5\ngateways = za0\n", WORLD_PARTNERS);
    (void)state;
    sipveil_span message = world_request("INVITE", PAI "Privacy: id\r\nP-Charging-Vector: icid-value=1\r\n", room, sizeof room);
    world_way way = {.table = table, .from = U, .to = "if:za0", .target = "other.example"};
    sipveil_border_result result = world_cross(&way, message);
    assert_int_equal(result.action, SIPVEIL_BORDER_FORWARD);
    world_assert_holds(result.message, KEPT);
    world_assert_holds(result.message, "Privacy: id");
    way.to = U;
    result = world_cross(&way, message);
    assert_int_equal(result.status, 503);
    world_assert_holds(result.message, "SIP/2.0 503 Service Unavailable");
    sipveil_trust_table_free(table);
}

/* ---- branches (TRU-38) ---- */

static void forks_and_fails_over(void **state)
{
    char room[ROOM];
    world_hop hop;
    sipveil_trust_verdict in, trusted, stranger;
    sipveil_border_result first, second, third;
    sipveil_trust_table *table = world_table("", WORLD_PARTNERS);
    sipveil_border_options options = {.size = sizeof options, .table = table};
    (void)state;
    sipveil_span message = world_request("INVITE", PAI "Privacy: id\r\n", room, sizeof room);
    sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_IN, sv_span(NULL, 0), world_peer(&hop, T), WORLD_NOW, &in);
    sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_OUT, SV_SPAN("biloxi.example"), world_peer(&hop, T), WORLD_NOW, &trusted);
    sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_OUT, SV_SPAN("other.example"), world_peer(&hop, U), WORLD_NOW, &stranger);
    assert_int_equal(sipveil_border_arrive(world_border, &options, message, &in, &first, NULL), SIPVEIL_OK);
    /* TRU-T25: two branches, one of them trusted. */
    assert_int_equal(sipveil_border_leave(world_border, &trusted, &first, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_border_leave(world_border, &stranger, &second, NULL), SIPVEIL_OK);
    world_assert_holds(first.message, KEPT);
    world_assert_lacks(second.message, "Asserted");
    /* TRU-T26: a second try goes from what arrived, not from what was sent before. */
    assert_int_equal(sipveil_border_leave(world_border, &trusted, &third, NULL), SIPVEIL_OK);
    assert_true(sv_equal(first.message, third.message));
    assert_true(sv_equal(third.message, message)); /* every octet, where nothing is to be done */
    /* TRU-17: a verdict belongs to its table. */
    sipveil_trust_table *other = world_table("level = 2\n", WORLD_PARTNERS);
    sipveil_error err;
    sipveil_trust_judge_peer(other, 0, SIPVEIL_TRUST_OUT, SV_SPAN("biloxi.example"), world_peer(&hop, T), WORLD_NOW, &trusted);
    assert_int_equal(sipveil_border_leave(world_border, &trusted, &third, &err), SIPVEIL_USAGE);
    assert_string_equal(err.rule, "TRU-17");
    sipveil_trust_table_free(other);
    sipveil_trust_table_free(table);
}

static void leaves_only_what_arrived(void **state)
{
    char room[ROOM];
    world_hop hop;
    sipveil_trust_verdict in;
    sipveil_border_result result;
    sipveil_error err;
    sipveil_trust_table *table = world_table("", WORLD_PARTNERS);
    sipveil_border_options options = {.size = sizeof options, .table = table};
    (void)state;
    sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_IN, sv_span(NULL, 0), world_peer(&hop, T), WORLD_NOW, &in);
    assert_int_equal(sipveil_border_arrive(world_border, &options, SV_SPAN("no message"), &in, &result, &err), SIPVEIL_MALFORMED);
    assert_int_equal(sipveil_border_leave(world_border, &in, &result, &err), SIPVEIL_USAGE);
    sipveil_span message = world_request("INVITE", "Privacy: ;\r\n", room, sizeof room);
    assert_int_equal(sipveil_border_arrive(world_border, &options, message, &in, &result, &err), SIPVEIL_OK);
    assert_int_equal(result.action, SIPVEIL_BORDER_RESPOND);
    assert_int_equal(sipveil_border_leave(world_border, &in, &result, &err), SIPVEIL_USAGE);
    options.identities = (const char *const[]){"sip:a@b.example>\r\nX: y"};
    options.identity_count = 1;
    assert_int_equal(sipveil_border_arrive(world_border, &options, message, &in, &result, &err), SIPVEIL_USAGE);
    options.identity_count = 0;
    options.challenge = "Digest\r\nX: y";
    assert_int_equal(sipveil_border_arrive(world_border, &options, message, &in, &result, &err), SIPVEIL_USAGE);
    sipveil_trust_table_free(table);
}

/* TRU-13 */
static void knows_the_target(void **state)
{
    static const struct {
        const char *rows, *target;
    } cases[] = {{"", "biloxi.example"}, {"Route: <sip:edge.chicago.example;lr>, <sip:b.example;lr>\r\nRoute: <sip:c.example>\r\n", "edge.chicago.example"},
                 {"Route: \"x\" <sips:u@D.example:5061;lr>\r\n", "D.example"}};
    world_hop hop;
    sipveil_trust_verdict in;
    sipveil_border_result result;
    sipveil_trust_table *table = world_table("", WORLD_PARTNERS);
    sipveil_border_options options = {.size = sizeof options, .table = table};
    (void)state;
    sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_IN, sv_span(NULL, 0), world_peer(&hop, T), WORLD_NOW, &in);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char room[ROOM];
        assert_int_equal(sipveil_border_arrive(world_border, &options, world_request("INVITE", cases[i].rows, room, sizeof room), &in, &result, NULL), SIPVEIL_OK);
        assert_true(sv_equal_str(sipveil_border_target(world_border), cases[i].target));
    }
    sipveil_trust_table_free(table);
}

/* ---- responses (TRU-24) ---- */

#define RESPONSE(rows)                                                                                                     \
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS a.home.example;branch=z9hG4bK1\r\nFrom: <sip:a@home.example>;tag=1\r\n"               \
    "To: <sip:bob@biloxi.example>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:b.example>\r\n" rows "Content-Length: 0\r\n\r\n"

static void treats_responses(void **state)
{
    sipveil_trust_table *off = world_table("", WORLD_PARTNERS), *own = world_table("pai_in_responses = assert\n", WORLD_PARTNERS);
    (void)state;
    struct {
        const sipveil_trust_table *table;
        const char *from, *to, *identity;
        sipveil_span message;
        const char *holds, *lacks;
    } cases[] = {
        {off, U, T, OWN, SV_SPAN(RESPONSE(PAI)), "200 OK", "Asserted"},
        {off, T, T, NULL, SV_SPAN(RESPONSE(PAI)), KEPT, OWN},
        {off, T, U, NULL, SV_SPAN(RESPONSE(PAI "Privacy: id\r\n")), "Privacy: id", "Asserted"},
        {own, U, T, OWN, SV_SPAN(RESPONSE(PAI)), OWN, KEPT},
        {own, U, U, OWN, SV_SPAN(RESPONSE("Privacy: id\r\n")), "200 OK", "Asserted"},
        {off, T, U, NULL, SV_SPAN(RESPONSE(PAI "Privacy: user;critical\r\n")), "Privacy: user;critical", "Asserted"}, /* TRU-33: no critical in responses */
        {off, T, U, NULL, SV_SPAN(RESPONSE(PAI "Privacy: ;\r\n")), "200 OK", "Asserted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_way way = {.table = cases[i].table, .from = cases[i].from, .to = cases[i].to, .identities = {cases[i].identity}};
        sipveil_border_result result = world_cross(&way, cases[i].message);
        assert_int_equal(result.action, SIPVEIL_BORDER_FORWARD);
        world_assert_holds(result.message, cases[i].holds);
        world_assert_lacks(result.message, cases[i].lacks);
    }
    sipveil_trust_table_free(off);
    sipveil_trust_table_free(own);
}

/* TRU-07: no gateway, and a response that nobody can be told about. */
static void drops_what_cannot_be_answered(void **state)
{
    sipveil_trust_table *table = world_table("profile = ims-rel5\n", WORLD_PARTNERS);
    world_way way = {.table = table, .from = T, .to = U};
    (void)state;
    sipveil_border_result result = world_cross(&way, SV_SPAN(RESPONSE(PAI)));
    assert_int_equal(result.action, SIPVEIL_BORDER_DROP);
    assert_int_equal(result.message.len, 0);
    sipveil_trust_table_free(table);
}

/* TRU-17, TRU-T36: a verdict that is kept with its connection ends when the partner's row does. */
static void believes_no_verdict_past_its_time(void **state)
{
    static const char partner[] = "[partner biloxi]\ndomains = biloxi.example\nprotection = tls-mutual\ntrust_in = yes\ntrust_out = yes\n"
                                  "valid_to = 2026-11-21T10:00:00Z\n";
    static const char *const own[] = {OWN};
    sipveil_trust_table *table = world_table("", partner);
    sipveil_trust_verdict in, out;
    world_hop hop;
    (void)state;
    sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_IN, sv_span(NULL, 0), world_peer(&hop, "tls:biloxi.example"), WORLD_NOW,
                             &in);
    sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_OUT, SV_SPAN("biloxi.example"), world_peer(&hop, "tls:biloxi.example"),
                             WORLD_NOW, &out);
    for (int late = 0; late < 2; late++) {
        char room[ROOM];
        sipveil_border_result result;
        sipveil_border_options options = {.size = sizeof options, .table = table, .identities = own, .identity_count = 1, .has_at = true, .at = WORLD_NOW + late};
        sipveil_span message = world_request("INVITE", PAI "Privacy: id\r\n", room, sizeof room);
        assert_int_equal(sipveil_border_arrive(world_border, &options, message, &in, &result, NULL), SIPVEIL_OK);
        assert_int_equal(world_holds(result.message, KEPT), !late);
        assert_int_equal(world_holds(result.message, OWN), late);
        assert_int_equal(sipveil_border_leave(world_border, &out, &result, NULL), SIPVEIL_OK);
        assert_int_equal(world_holds(result.message, "Asserted"), !late);
    }
    sipveil_trust_table_free(table);
}

/* ---- claims and authentication ---- */

/* TRU-05, TRU-T29: what claims to be a guarded partner's comes over a link that proves something, or is refused. */
static void guards_partners(void **state)
{
    static const char partner[] = "[partner biloxi]\ndomains = biloxi.example\nip = 192.0.2.0/24\nprotection = tls-mutual\nfrom_level = 2\n"
                                  "[partner chicago]\ndomains = chicago.example\nprotection = tls-mutual\n";
#define BYE_FROM(host)                                                                                                                       \
    "BYE sip:a@home.example SIP/2.0\r\nVia: SIP/2.0/UDP b.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:ua@" host ">;tag=1\r\n"         \
    "To: <sip:a@home.example>;tag=2\r\nCall-ID: c\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
    static const char bye[] = BYE_FROM("biloxi.example"), dotted[] = BYE_FROM("Biloxi.example."); /* the same domain */
    static const struct {
        const char *from;
        int status;
    } cases[] = {{"udp@192.0.2.7", 403}, {"udp@203.0.113.1", 403}, {"tls@192.0.2.7", 403}, {"tls:biloxi.example@192.0.2.7", 0},
                 {"tls:chicago.example", 0} /* TRU-19: transit is legal */};
    sipveil_trust_table *table = world_table("", partner);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_way way = {.table = table, .from = cases[i].from, .to = U};
        assert_int_equal(world_cross(&way, SV_SPAN(bye)).status, cases[i].status);
        assert_int_equal(world_cross(&way, SV_SPAN(dotted)).status, cases[i].status);
    }
    sipveil_trust_table_free(table);
}

/* TRU-03 (a), (c) */
static void counts_authentication_by_spec(void **state)
{
    static const struct {
        const char *extra, *method, *link;
        bool counts;
    } cases[] = {{"", "anything", "udp", true}, {"authentication = digest\n", "Digest", "udp", true}, {"authentication = digest\n", "none", "udp", false},
                 {"authentication = digest\n", NULL, "udp", true}, {"between_ua = tls\n", NULL, "udp", false}, {"between_ua = tls\n", NULL, "tls", true},
                 {"between_ua = ipsec\n", NULL, "sa:ua", true}, {"between_ua = ipsec\n", NULL, "tls", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char room[ROOM];
        world_hop hop, ua;
        sipveil_trust_verdict in, out;
        sipveil_border_result result;
        sipveil_trust_table *table = world_table(cases[i].extra, WORLD_PARTNERS);
        sipveil_border_options options = {.size = sizeof options, .table = table, .identities = (const char *const[]){OWN}, .identity_count = 1,
                                          .auth_method = cases[i].method, .link = world_peer(&ua, cases[i].link)};
        sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_IN, sv_span(NULL, 0), options.link, WORLD_NOW, &in);
        sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_OUT, SV_SPAN("biloxi.example"), world_peer(&hop, T), WORLD_NOW, &out);
        assert_int_equal(sipveil_border_arrive(world_border, &options, world_request("INVITE", "", room, sizeof room), &in, &result, NULL), SIPVEIL_OK);
        assert_int_equal(result.warning_count, cases[i].counts ? 0 : 1);
        assert_int_equal(sipveil_border_leave(world_border, &out, &result, NULL), SIPVEIL_OK);
        assert_int_equal(world_holds(result.message, OWN), cases[i].counts);
        sipveil_trust_table_free(table);
    }
}

static void challenges(void **state)
{
    char room[ROOM];
    sipveil_trust_table *table = world_table("must_auth = challenge\n", WORLD_PARTNERS);
    world_way way = {.table = table, .from = U, .to = T, .challenge = "Digest realm=\"home.example\", nonce=\"n\""};
    (void)state;
    sipveil_border_result result = world_cross(&way, world_request("INVITE", PAI, room, sizeof room));
    assert_int_equal(result.status, 407);
    world_assert_holds(result.message, "\r\nProxy-Authenticate: Digest realm=\"home.example\", nonce=\"n\"\r\n");
    world_assert_holds(result.message, "To: <sip:bob@biloxi.example>;tag=");
    world_assert_lacks(result.message, "alice");
    sipveil_trust_table_free(table);
}

/* ---- PASSporT (TRU-36, TRU-39, TRU-T38) ---- */

/* {"dest":{"uri":["sip:bob@biloxi.example"]},"iat":1,"orig":{"uri":"sip:ALICE@home.example"}}, ... with an escape, ... by number, ... of Anonymous */
#define ORIG_ALICE "eyJpYXQiOjEsIm9yaWciOnsidXJpIjoic2lwOmFsaWNlQGhvbWUuZXhhbXBsZSJ9fQ"
#define ORIG_ESCAPED "eyJvcmlnIjp7InVyaSI6InNpcDpcdTAwNjFsaWNlQGhvbWUuZXhhbXBsZSJ9fQ"
#define ORIG_NUMBER "eyJvcmlnIjp7InRuIjoiMTU1NTEyMzQ1NjcifX0"
#define ORIG_OTHER "eyJvcmlnIjp7InVyaSI6InNpcDphbm9ueW1vdXNAaG9tZS5leGFtcGxlIn19"
#define ORIG_FROM "eyJvcmlnIjp7InVyaSI6InNpcDphbm9ueW1vdXNAYW5vbnltb3VzLmludmFsaWQifX0"
#define ORIG_PERCENT "eyJvcmlnIjp7InVyaSI6InNpcDolNjFsaWNlQGhvbWUuZXhhbXBsZSJ9fQ"
#define IDENTITY(payload) "Identity: eyJ0eXAiOiJwYXNzcG9ydCJ9." payload ".c2ln;info=<https://h.example/c>;alg=ES256\r\n"

static void lets_no_passport_tell(void **state)
{
    static const struct {
        const char *name, *rows, *holds, *lacks, *method, *from;
    } cases[] = {
        {"in an ACK, whose assertion phase A removed", PAI "Privacy: id\r\n" IDENTITY(ORIG_ALICE), "Identity: ..c2ln;", ORIG_ALICE, "ACK", NULL},
        {"of a hop that is not believed", PAI "Privacy: id\r\n" IDENTITY(ORIG_ALICE), "Identity: ..c2ln;", ORIG_ALICE, NULL, U},
        {"of a preference", "P-Preferred-Identity: <sip:alice@home.example>\r\nPrivacy: id\r\n" IDENTITY(ORIG_ALICE), "Identity: ..c2ln;", ORIG_ALICE, NULL, NULL},
        {"TRU-T38 full form of the removed identity", PAI "Privacy: id\r\n" IDENTITY(ORIG_ALICE), "Identity: ..c2ln;info=<https://h.example/c>;alg=ES256\r\n", ORIG_ALICE},
        {"with an escape", PAI "Privacy: id\r\n" IDENTITY(ORIG_ESCAPED), "Identity: ..c2ln;", ORIG_ESCAPED},
        {"by number", "P-Asserted-Identity: <tel:+1-555-1234567>\r\nPrivacy: id\r\n" IDENTITY(ORIG_NUMBER), "Identity: ..c2ln;", ORIG_NUMBER},
        {"a number as a SIP URI", "P-Asserted-Identity: <sip:+15551234567@home.example;user=phone>\r\nPrivacy: id\r\n" IDENTITY(ORIG_NUMBER), "Identity: ..c2ln;", ORIG_NUMBER},
        {"what cannot be read", PAI "Privacy: id\r\n" IDENTITY("A"), "Identity: ..c2ln;", ".A."},
        {"TRU-39 in another spelling", PAI "Privacy: id\r\n" IDENTITY(ORIG_PERCENT), "Identity: ..c2ln;", ORIG_PERCENT},
        {"TRU-39 by neither From nor what is asserted", PAI "Privacy: id\r\n" IDENTITY(ORIG_OTHER), "Identity: ..c2ln;", ORIG_OTHER},
        {"TRU-39 folded", PAI "Privacy: id\r\nIdentity: eyJ0\r\n eXAiOiJwYXNzcG9ydCJ9." ORIG_ALICE " .c2ln;alg=ES256\r\n", "Identity: ..c2ln;", ORIG_ALICE},
        {"TRU-39 padded", PAI "Privacy: id\r\n" IDENTITY("+/" ORIG_ALICE), "Identity: ..c2ln;", ORIG_ALICE},
        {"TRU-39 two in one row", PAI "Privacy: id\r\nIdentity: ..c2ln;info=<https://h.example/a,b>, e30." ORIG_ALICE ".c2lo\r\n",
         "Identity: ..c2ln;info=<https://h.example/a,b>,..c2lo\r\n", ORIG_ALICE},
        {"TRU-36 made of From", PAI "Privacy: id\r\n" IDENTITY(ORIG_FROM), ORIG_FROM, "Asserted"},
        {"TRU-36 compact form", PAI "Privacy: id\r\nIdentity: ..c2ln;info=<https://h.example/c>\r\n", "Identity: ..c2ln;info", "Asserted"},
        {"TRU-36 where nothing is removed", PAI "Privacy: none\r\n" IDENTITY(ORIG_ALICE), ORIG_ALICE, "..c2ln"},
    };
    sipveil_trust_table *table = world_table("", WORLD_PARTNERS);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char room[ROOM];
        world_way way = {.table = table, .from = cases[i].from != NULL ? cases[i].from : T, .to = U};
        sipveil_border_result result = world_cross(&way, world_request(cases[i].method != NULL ? cases[i].method : "INVITE", cases[i].rows, room, sizeof room));
        if (!world_holds(result.message, cases[i].holds) || world_holds(result.message, cases[i].lacks)) {
            fail_msg("%s: %.*s", cases[i].name, (int)result.message.len, (const char *)result.message.data);
        }
    }
    sipveil_trust_table_free(table);
}

/* TRU-39: our own, not sent yet: dropped, and said so. */
static void drops_its_own_passport(void **state)
{
    char room[ROOM];
    world_hop hop;
    sipveil_trust_verdict in, out;
    sipveil_border_result result;
    sipveil_trust_table *table = world_table("", WORLD_PARTNERS);
    sipveil_border_options options = {.size = sizeof options, .table = table, .identity_field_is_ours = true};
    (void)state;
    sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_IN, sv_span(NULL, 0), world_peer(&hop, T), WORLD_NOW, &in);
    sipveil_trust_judge_peer(table, 0, SIPVEIL_TRUST_OUT, SV_SPAN("other.example"), world_peer(&hop, U), WORLD_NOW, &out);
    sipveil_span message = world_request("INVITE", PAI "Privacy: id\r\n" IDENTITY(ORIG_ALICE), room, sizeof room);
    assert_int_equal(sipveil_border_arrive(world_border, &options, message, &in, &result, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_border_leave(world_border, &out, &result, NULL), SIPVEIL_OK);
    world_assert_lacks(result.message, "\r\nIdentity:");
    assert_int_equal(result.warning_count, 1);
    assert_string_equal(result.warnings[0].rule, "TRU-39");
    sipveil_trust_table_free(table);
}

/* ---- the report ---- */

static void reports_every_field(void **state)
{
    char room[ROOM];
    sipveil_trust_table *table = world_table("", WORLD_PARTNERS);
    world_way way = {.table = table, .from = T, .to = U};
    sipveil_span json;
    size_t count;
    (void)state;
    (void)world_cross(&way, world_request("INVITE", PAI "Privacy: id\r\nX-Odd: 1\r\n", room, sizeof room));
    const sipveil_border_line *lines = sipveil_border_lines(world_border, &count);
    static const char *const fields[] = {"Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact", "P-Asserted-Identity", "Privacy", "X-Odd", "Content-Length"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        bool told = false;
        for (size_t k = 0; k < count; k++) told |= strcmp(lines[k].field, fields[i]) == 0 && lines[k].why[0] != '\0';
        if (!told) fail_msg("nothing is said of %s", fields[i]);
    }
    assert_int_equal(sipveil_border_report_json(world_border, &json, NULL), SIPVEIL_OK);
    world_assert_holds(json, "{\"field\":\"P-Asserted-Identity\",\"result\":\"removed\",\"phase\":\"B\",\"rule\":\"TRU-31\"");
    world_assert_holds(json, "\"to\":{\"trusted\":false,\"level\":0,\"partner\":\"biloxi\"");
    sipveil_trust_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_combined_view), cmocka_unit_test(crosses),            cmocka_unit_test(borders_by_profile),
        cmocka_unit_test(passes_the_gateway),    cmocka_unit_test(forks_and_fails_over), cmocka_unit_test(leaves_only_what_arrived),
        cmocka_unit_test(knows_the_target),      cmocka_unit_test(treats_responses),   cmocka_unit_test(drops_what_cannot_be_answered),
        cmocka_unit_test(believes_no_verdict_past_its_time), cmocka_unit_test(guards_partners),       cmocka_unit_test(counts_authentication_by_spec), cmocka_unit_test(challenges),
        cmocka_unit_test(lets_no_passport_tell), cmocka_unit_test(drops_its_own_passport), cmocka_unit_test(reports_every_field),
    };
    return cmocka_run_group_tests_name("the border", tests, world_open, world_close);
}
