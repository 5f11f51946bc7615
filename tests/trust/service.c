/* SPDX-License-Identifier: BSD-2-Clause */
/* A privacy service for "header": what is hidden from the far side, and put back for the originator (TRU-35). */
#include "world.h"

#include "trust/table.h"

enum { ROOM = 8192 };
#define SERVICE "privacy_service = header user\nservice_host = hide.home.example:5061\n"
#define HIDDEN_ROWS "Record-Route: <sip:edge.home.example;lr>\r\nRecord-Route: <sip:inner.home.example;lr>\r\nHistory-Info: <sip:x@home.example>;index=1\r\n"

static sipveil_memory *memory;
static sipveil_trust_table *table;

static int open_service(void **state)
{
    if (world_open(state) != 0 || sipveil_memory_new(&memory, NULL) != SIPVEIL_OK) return -1;
    table = world_table(SERVICE, WORLD_PARTNERS);
    return 0;
}

static int close_service(void **state)
{
    sipveil_trust_table_free(table);
    sipveil_memory_free(memory);
    return world_close(state);
}

static sipveil_border_result cross(const char *from, const char *to, sipveil_memory *with, const char *message)
{
    const world_way way = {.table = table, .from = from, .to = to, .memory = with};
    return world_cross(&way, sv_span_str(message));
}

static const char *request(const char *method, const char *uri, const char *rows, int cseq, char *room)
{
    snprintf(room, ROOM,
             "%s %s SIP/2.0\r\nVia: SIP/2.0/TLS edge.home.example;branch=z9hG4bKe\r\nVia: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bKa\r\n"
             "Max-Forwards: 70\r\nFrom: <sip:anonymous@anonymous.invalid>;tag=1\r\nTo: <sip:bob@biloxi.example>\r\nCall-ID: secret-call\r\n"
             "CSeq: %d %s\r\n%sContent-Length: 0\r\n\r\n", method, uri, cseq, method, rows);
    return room;
}

/* The text between two others in a message; in a buffer of its own. */
static const char *between(sipveil_span message, const char *before, const char *after, char *room)
{
    size_t at, end;
    assert_true(sv_find(message, sv_span_str(before), &at));
    sipveil_span rest = sv_span_from(message, at + strlen(before));
    assert_true(sv_find(rest, sv_span_str(after), &end));
    snprintf(room, 512, "%.*s", (int)end, (const char *)rest.data);
    return room;
}

static void hides_and_restores(void **state)
{
    char room[ROOM], branch[512], contact[512], again[512], response[ROOM];
    (void)state;
    const char *invite = request("INVITE", "sip:bob@biloxi.example", HIDDEN_ROWS "Contact: \"A\" <sip:alice@10.0.0.7:5060>;expires=1\r\nPrivacy: header;critical\r\n", 1, room);
    sipveil_border_result out = cross(WORLD_TRUSTED, WORLD_STRANGER, memory, invite);
    assert_int_equal(out.action, SIPVEIL_BORDER_FORWARD);
    static const char *const hidden[] = {"10.0.0.7", "edge.home", "inner.home", "alice", "History-Info", "Privacy", "z9hG4bKe\r\n"};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) world_assert_lacks(out.message, hidden[i]);
    world_assert_holds(out.message, "\r\nVia: SIP/2.0/TLS hide.home.example:5061;branch=z9hG4bK");
    (void)between(out.message, "branch=z9hG4bK", "\r\n", branch);
    (void)between(out.message, "Contact: <", ">\r\n", contact);
    assert_int_equal(strlen(branch), 32);
    /* A retransmission is the same; a later request of the dialog keeps the Contact, and is another transaction. */
    out = cross(WORLD_TRUSTED, WORLD_STRANGER, memory, invite);
    assert_string_equal(between(out.message, "branch=z9hG4bK", "\r\n", again), branch);
    out = cross(WORLD_TRUSTED, WORLD_STRANGER, memory, request("INVITE", "sip:bob@biloxi.example", "Contact: <sip:alice@10.0.0.7:5060>\r\nPrivacy: header\r\n", 2, room));
    assert_string_not_equal(between(out.message, "branch=z9hG4bK", "\r\n", again), branch);
    assert_string_equal(between(out.message, "Contact: <", ">\r\n", again), contact);
    /* CANCEL does not ask, and has the branch of its INVITE (RFC 3261 9.1). */
    out = cross(WORLD_TRUSTED, WORLD_STRANGER, memory, request("CANCEL", "sip:bob@biloxi.example", "", 1, room));
    assert_string_equal(between(out.message, "branch=z9hG4bK", "\r\n", again), branch);
    world_assert_lacks(out.message, "10.0.0.7");
    /* The answer gets its Via back, and the way of later requests. */
    snprintf(response, sizeof response,
             "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS hide.home.example:5061;branch=z9hG4bK%s;received=192.0.2.1\r\nRecord-Route: <sip:far.example;lr>\r\n"
             "From: <sip:anonymous@anonymous.invalid>;tag=1\r\nTo: <sip:bob@biloxi.example>;tag=2\r\nCall-ID: secret-call\r\nCSeq: 1 INVITE\r\n"
             "Contact: <sip:bob@far.example>\r\nContent-Length: 0\r\n\r\n", branch);
    out = cross(WORLD_STRANGER, WORLD_TRUSTED, memory, response);
    world_assert_holds(out.message, "OK\r\nVia: SIP/2.0/TLS edge.home.example;branch=z9hG4bKe\r\nVia: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bKa\r\nRecord-Route: <sip:far.example;lr>\r\n");
    world_assert_holds(out.message, "Record-Route: <sip:hide.home.example:5061;lr>\r\nRecord-Route: <sip:edge.home.example;lr>\r\nRecord-Route: <sip:inner.home.example;lr>\r\n");
    world_assert_lacks(out.message, "hide.home.example:5061;branch");
    /* Who calls back by the name gets there. */
    out = cross(WORLD_STRANGER, WORLD_TRUSTED, memory, request("BYE", contact, "", 9, room));
    world_assert_holds(out.message, "BYE sip:alice@10.0.0.7:5060 SIP/2.0\r\nRoute: <sip:edge.home.example;lr>\r\nRoute: <sip:inner.home.example;lr>\r\n");
    /* But nobody has it sent to himself by a Route of his own (TRU-35). */
    static const char *const ways[] = {"Route: <sip:hide.home.example:5061;lr>, <sip:eve.example;lr>\r\n", "Route: <sip:eve.example;lr>\r\n",
                                       "Route: <sip:hide.home.example:5061;lr>\r\nRoute: <sip:eve.example;lr>\r\n"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        out = cross(WORLD_STRANGER, WORLD_STRANGER, memory, request("BYE", contact, ways[i], 9, room));
        world_assert_holds(out.message, contact);
        world_assert_lacks(out.message, "alice");
    }
    out = cross(WORLD_STRANGER, WORLD_TRUSTED, memory, request("BYE", contact, "Route: <sip:hide.home.example:5061;lr>\r\n", 9, room));
    world_assert_holds(out.message, "BYE sip:alice@10.0.0.7:5060 SIP/2.0\r\nRoute: <sip:edge.home.example;lr>\r\nRoute: <sip:inner.home.example;lr>\r\n");
    /* Our own Route has done its work. */
    out = cross(WORLD_TRUSTED, WORLD_STRANGER, memory, request("BYE", "sip:bob@far.example", "Route: <sip:hide.home.example:5061;lr>, <sip:far.example;lr>\r\nPrivacy: header\r\n", 3, room));
    world_assert_holds(out.message, "Route: <sip:far.example;lr>\r\n");
    world_assert_lacks(out.message, "10.0.0.7");
}

/* TRU-35: lost state. */
static void says_what_it_forgot(void **state)
{
    static const char token[] = "sip:00112233445566778899aabbccddeeff@hide.home.example:5061";
    static const struct {
        const char *uri;
        int status;
    } cases[] = {{token, 481}, {"sip:00112233445566778899aabbccddeeff@hide.home.example", 0}, {"sip:bob@hide.home.example:5061", 0},
                 {"sip:00112233445566778899aabbccddeeff@hide.home.example:50612", 0}, {"sip:00112233445566778899aabbccddeeff@hide.home.example:5061;x=y", 481}};
    char room[ROOM];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sipveil_border_result out = cross(WORLD_STRANGER, WORLD_TRUSTED, memory, request("BYE", cases[i].uri, "", 1, room));
        if (out.status != cases[i].status) fail_msg("%s: %d", cases[i].uri, out.status);
    }
    sipveil_border_result out = cross(WORLD_STRANGER, WORLD_TRUSTED, memory, request("ACK", token, "", 1, room));
    assert_int_equal(out.action, SIPVEIL_BORDER_DROP);
    out = cross(WORLD_STRANGER, WORLD_TRUSTED, memory,
                "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS hide.home.example:5061;branch=z9hG4bK00112233445566778899aabbccddeeff\r\n"
                "From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(out.action, SIPVEIL_BORDER_DROP);
}

/* TRU-33: without a memory it is not done, and said so; never for REGISTER. */
static void does_not_promise_what_it_cannot(void **state)
{
    char room[ROOM];
    (void)state;
    sipveil_border_result out = cross(WORLD_TRUSTED, WORLD_STRANGER, NULL, request("INVITE", "sip:b@b.example", "Privacy: header;critical\r\n", 1, room));
    assert_int_equal(out.status, 500);
    world_assert_holds(out.message, "privacy header not available");
    out = cross(WORLD_TRUSTED, WORLD_STRANGER, NULL, request("INVITE", "sip:b@b.example", "Privacy: header\r\n", 1, room));
    world_assert_holds(out.message, "Privacy: header\r\n");
    world_assert_holds(out.message, "10.0.0.7");
    out = cross(WORLD_TRUSTED, WORLD_STRANGER, memory, request("REGISTER", "sip:b.example", "Privacy: header;critical\r\n", 1, room));
    assert_int_equal(out.status, 500);
    /* Among friends nothing is hidden. */
    out = cross(WORLD_TRUSTED, WORLD_TRUSTED, memory, request("INVITE", "sip:bob@biloxi.example", "Privacy: header;critical\r\n", 1, room));
    world_assert_holds(out.message, "10.0.0.7");
}

/* A response that asks: its Contact is hidden, and calls back get there. */
static void hides_the_callee(void **state)
{
    char room[ROOM], contact[512];
    (void)state;
    sipveil_border_result out = cross(WORLD_TRUSTED, WORLD_STRANGER, memory,
                                      "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>;tag=2\r\n"
                                      "Call-ID: secret-call\r\nCSeq: 1 INVITE\r\nContact: <sips:carol@10.9.9.9>\r\nServer: s\r\nPrivacy: header;user\r\nContent-Length: 0\r\n\r\n");
    world_assert_lacks(out.message, "10.9.9.9");
    world_assert_lacks(out.message, "Server:");
    world_assert_holds(out.message, "Via: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\n");
    (void)between(out.message, "Contact: <", ">\r\n", contact);
    assert_memory_equal(contact, "sips:", 5);
    out = cross(WORLD_STRANGER, WORLD_TRUSTED, memory, request("INFO", contact, "", 2, room));
    world_assert_holds(out.message, "INFO sips:carol@10.9.9.9 SIP/2.0\r\n");
}

/* What is remembered outlives the process by its image. */
static void remembers_over_a_restart(void **state)
{
    char room[ROOM], contact[512];
    uint8_t *image;
    size_t len;
    sipveil_memory *second;
    (void)state;
    sipveil_border_result out = cross(WORLD_TRUSTED, WORLD_STRANGER, memory, request("INVITE", "sip:bob@biloxi.example", "Contact: <sip:dora@10.0.0.8>\r\nPrivacy: header\r\n", 7, room));
    (void)between(out.message, "Contact: <", ">\r\n", contact);
    assert_int_equal(sipveil_memory_save(memory, WORLD_NOW, &image, &len, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_memory_new(&second, NULL), SIPVEIL_OK);
    assert_int_equal(sipveil_memory_load(second, sv_span(image, len), WORLD_NOW, NULL), SIPVEIL_OK);
    sipveil_memory_wipe_image(image, len);
    out = cross(WORLD_STRANGER, WORLD_TRUSTED, second, request("BYE", contact, "", 8, room));
    world_assert_holds(out.message, "BYE sip:dora@10.0.0.8 SIP/2.0\r\n");
    sipveil_memory_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hides_and_restores), cmocka_unit_test(says_what_it_forgot), cmocka_unit_test(does_not_promise_what_it_cannot),
        cmocka_unit_test(hides_the_callee),   cmocka_unit_test(remembers_over_a_restart),
    };
    return cmocka_run_group_tests_name("a privacy service", tests, open_service, close_service);
}
