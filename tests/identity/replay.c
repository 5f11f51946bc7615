/* SPDX-License-Identifier: BSD-2-Clause */
/* What was seen before, certificates kept by URI, the response, the report. */
#include "world.h"

#include <jansson.h>

#include "mime/mime.h"
#include "tunnel/memory.h"

/* IDN-41: a second copy is refused, forks and other hosts are not. */
static void replay_of_a_passport(void **state)
{
    world *w = begin(state);
    w->verify.memory = w->memory;
    sipveil_span message = sign(w, INVITE);
    assert_valid(w, message);
    assert_status(w, message, 438, "IDN-41");
    assert_valid(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK2")); /* a branch of a fork */
    assert_status(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK2"), 438, "IDN-41");
    assert_status(w, edited(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK3"), "Call-ID: c1", "Call-ID: c2"), 438, "IDN-41");
    assert_status(w, edited(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK3"), ";tag=1", ";tag=2"), 438, "IDN-41");
    assert_status(w, edited(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK3"), "CSeq: 1", "CSeq: 2"), 438, "IDN-41");
    assert_valid(w, edited(w, message, "INVITE sip:bob@biloxi.example.com", "INVITE sip:bob@192.0.2.7")); /* another host */
    assert_status(w, edited(w, edited(w, message, "INVITE sip:bob@biloxi.example.com", "INVITE sip:bob@192.0.2.8"), "Call-ID: c1", "Call-ID: c2"),
                  438, "IDN-41"); /* the Request-URI is not signed, and whoever changes it makes no other request of this one */
    assert_status(w, edited(w, message, "INVITE sip:bob@biloxi.example.com", "INVITE sip:bob@BILOXI.example.com"), 438, "IDN-41");
    for (int i = 3; i <= 15; i++) { /* 16 of them, to whatever hosts, and no more */
        char branch[64];
        snprintf(branch, sizeof branch, "branch=z9hG4bK%d", i);
        assert_valid(w, edited(w, message, "branch=z9hG4bK1", branch));
    }
    assert_status(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK17"), 438, "IDN-41");
    /* a failed copy is not remembered; a stale one is stale (F-5) */
    sipveil_span other = sign(w, INVITE);
    w->clock = NOW + 61;
    assert_status(w, other, 403, "IDN-36");
    w->clock = NOW;
    assert_valid(w, other);
    /* remembered for twice the window */
    w->verify.freshness = 300;
    sipveil_span third = sign(w, INVITE);
    assert_valid(w, third);
    w->clock = NOW + 299;
    assert_status(w, third, 438, "IDN-41");
}

/* The last of the three parts of a PASSporT: (r, s) made (r, n - s), which verifies as well. */
static sipveil_span with_twin(world *w, sipveil_span message)
{
    static const uint8_t order[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                      0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51};
    sipveil_span row = row_of(message, "Identity: "), octets;
    uint8_t twin[64];
    char old[87], new[87];
    size_t end;
    sv_buffer b;
    assert_true(sv_find(row, SV_SPAN(";info="), &end));
    sipveil_span text = sv_span(row.data + end - 86, 86);
    assert_code(sv_mime_decode_base64url(text, w->arena, &octets, &w->err), SIPVEIL_OK);
    assert_int_equal(octets.len, 64);
    memcpy(twin, octets.data, 32);
    for (int i = 31, borrow = 0; i >= 0; i--) {
        int digit = order[i] - octets.data[32 + i] - borrow;
        borrow = digit < 0;
        twin[32 + i] = (uint8_t)(digit + 256 * borrow);
    }
    sv_buffer_init(&b, w->arena, 128, 128);
    sv_mime_put_base64url(&b, sv_span(twin, sizeof twin));
    assert_int_equal(b.len, 86);
    snprintf(old, sizeof old, "%.86s", (const char *)text.data);
    snprintf(new, sizeof new, "%.86s", (const char *)sv_buffer_span(&b).data);
    return edited(w, message, old, new);
}

/* IDN-41: of each signature on P-256 everybody can make a second one that verifies; it is remembered as the same. */
static void twin_of_a_signature(void **state)
{
    world *w = begin(state);
    for (int compact = 0; compact < 2; compact++) {
        w->sign.compact = compact == 1;
        w->verify.memory = NULL;
        sipveil_span message = sign(w, INVITE), twin = with_twin(w, message);
        assert_valid(w, twin);
        w->verify.memory = w->memory;
        assert_valid(w, message);
        assert_status(w, twin, 438, "IDN-41");
        assert_status(w, edited(w, edited(w, twin, "branch=z9hG4bK1", "branch=z9hG4bK2"), "Call-ID: c1", "Call-ID: c2"), 438, "IDN-41");
        assert_status(w, with_twin(w, twin), 438, "IDN-41");
        message = sign(w, INVITE);
        assert_valid(w, with_twin(w, message)); /* whichever comes first */
        assert_status(w, message, 438, "IDN-41");
    }
}

/* IDN-41, IDN-18: a wide window is remembered as long as it lets old requests in. */
static void remembered_as_long_as_fresh(void **state)
{
    static const int64_t windows[] = {86399, 86400, 3 * 86400};
    for (size_t i = 0; i < 2 * (sizeof windows / sizeof *windows); i++) {
        world *w = begin(state);
        bool old = i % 2 == 1;
        if (old) use_old(w);
        w->verify.memory = w->memory;
        w->verify.freshness = windows[i / 2];
        sipveil_span message = sign(w, INVITE);
        assert_valid(w, message);
        w->clock = NOW + 10000; /* the certificates are good for a day */
        assert_status(w, message, 438, old ? "IDN-18" : "IDN-41");
        w->clock = NOW + 86300;
        assert_status(w, message, 438, old ? "IDN-18" : "IDN-41");
    }
}

/* The same without a window of one's own: as long as what was dated ahead is fresh, which is twice the window. */
static void remembered_by_default(void **state)
{
    static const struct {
        const char *date;
        bool old;
        int64_t last; /* second of its freshness, from NOW on */
    } rows[] = {{"10:00:00", false, 60}, {"10:01:00", false, 120}, {"10:00:00", true, 3600}, {"11:00:00", true, 7200}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        world *w = begin(state);
        char message[2048];
        if (rows[i].old) use_old(w);
        w->sign.freshness = 3600;
        w->verify.memory = w->memory;
        snprintf(message, sizeof message, START ROWS(ALICE, BOB) "Date: Sat, 21 Nov 2026 %s GMT\r\n" BODY(SDP), rows[i].date);
        sipveil_span made = sign(w, message);
        assert_valid(w, made);
        w->clock = NOW + rows[i].last;
        assert_status(w, made, 438, rows[i].old ? "IDN-18" : "IDN-41");
        w->clock++;
        assert_status(w, made, rows[i].old ? 438 : 403, rows[i].old ? "IDN-17" : "IDN-36");
    }
}

/* IDN-41, IDN-18: where there is no room to remember what came, nothing is taken any more; what was there is seen all the same. */
static void no_room_to_remember(void **state)
{
    for (int old = 0; old < 2; old++) {
        const sv_store_caps full = {.entries = old ? 1 : 2, .fail_when_full = true}; /* of one request */
        world *w = begin(state);
        if (old) use_old(w);
        w->verify.memory = w->memory;
        sv_store_set_caps(sv_memory_store(w->memory), SV_STORE_SEEN, full);
        sipveil_span first = sign(w, INVITE), other = edited(w, SV_SPAN(INVITE), "Call-ID: c1", "Call-ID: c2");
        other = sign(w, sv_arena_string(w->arena, other));
        assert_valid(w, first);
        for (int i = 0; i < 2; i++) {
            assert_code(sipveil_identity_verify_request(w->verifier, &w->verify, other, &w->verdict, &w->err), SIPVEIL_LIMIT);
            assert_string_equal(w->err.rule, "IDN-41");
            assert_false(w->verdict.valid || w->verdict.present);
        }
        assert_status(w, first, 438, old ? "IDN-18" : "IDN-41");
    }
}

/* IDN-41, IDN-18: what is too long to be remembered under its name counts as seen. */
static void names_without_end(void **state)
{
    char branch[5000] = "branch=z9hG4bK", message[8000];
    world *w = begin(state);
    memset(branch + 14, 'x', sizeof branch - 15);
    w->verify.memory = w->memory;
    assert_status(w, edited(w, sign(w, INVITE), "branch=z9hG4bK1", branch), 438, "IDN-41");
    use_old(w);
    snprintf(message, sizeof message, START "Via: SIP/2.0/TLS c.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: " ALICE "\r\nTo: " BOB
             "\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\n" DATE "\r\n", branch + 7);
    assert_status(w, sign(w, message), 438, "IDN-18");
}

/* IDN-41, IDN-42: a request that two services have signed is one request, whichever of its fields is left in a copy. */
static void several_fields(void **state)
{
    world *w = begin(state);
    sipveil_span first = sign(w, INVITE), second = sign(w, INVITE);
    char two[8192], row[4096];
    sipveil_span mine = row_of(second, "Identity: ");
    snprintf(row, sizeof row, "%.*s\r\n", (int)mine.len, (const char *)mine.data);
    snprintf(two, sizeof two, "%sMax-Forwards: 70\r\n", row);
    sipveil_span both = edited(w, first, "Max-Forwards: 70\r\n", two);
    w->verify.memory = w->memory;
    assert_valid(w, both);
    assert_int_equal(w->verdict.field_count, 1); /* the one that decides */
    assert_status(w, first, 438, "IDN-41");
    assert_status(w, edited(w, second, "Call-ID: c1", "Call-ID: c2"), 438, "IDN-41");
    assert_status(w, second, 438, "IDN-41");
}

/* IDN-18 */
static void replay_of_rfc4474(void **state)
{
    world *w = begin(state);
    use_old(w);
    w->verify.memory = w->memory;
    sipveil_span message = sign(w, INVITE);
    assert_valid(w, message);
    assert_status(w, message, 438, "IDN-18");
    assert_status(w, edited(w, message, "branch=z9hG4bK1", "branch=z9hG4bK2"), 438, "IDN-18");
    assert_status(w, edited(w, message, ";tag=1", ";tag=2"), 438, "IDN-18"); /* tags are not signed */
    assert_status(w, edited(w, message, ";tag=1", ""), 438, "IDN-18");
    w->sign.has_at = true;
    w->sign.at = NOW + 1;
    const char *next = START "Via: SIP/2.0/TLS c.atlanta.example.com;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: " ALICE "\r\nTo: " BOB
                       "\r\nCall-ID: c1@atlanta.example.com\r\nCSeq: 2 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\n\r\n";
    assert_valid(w, sign(w, next)); /* the next request of the same dialog */
    w->clock = NOW + 3601;
    assert_status(w, message, 438, "IDN-17"); /* F-5: after the window, too */
}

/* IDN-44: one fetch for many messages; kept as long as the chain is valid, dropped on request. */
static void kept_by_uri(void **state)
{
    world *w = begin(state);
    sipveil_identity_cache *cache;
    assert_code(sipveil_identity_cache_new(w->trust, 1, &cache, &w->err), SIPVEIL_OK);
    w->verify.cache = cache;
    w->verify.trust = NULL;
    sipveil_span message = sign(w, INVITE);
    for (int i = 0; i < 3; i++) assert_valid(w, message);
    assert_int_equal(w->fetched, 1);
    w->verify.allow_weak = SIPVEIL_WEAK_RSA1024; /* accepted under other rules: asked again */
    assert_valid(w, message);
    assert_int_equal(w->fetched, 2);
    w->verify.allow_tls_usage = true;
    assert_valid(w, message);
    assert_int_equal(w->fetched--, 3);
    sipveil_identity_cache_drop(cache, INFO);
    sipveil_identity_cache_drop(cache, "https://never.example/");
    assert_valid(w, message);
    assert_int_equal(w->fetched, 3);
    /* there is room for one: another service takes its place */
    w->sign.key = w->biloxi.key;
    w->sign.info = OTHER_INFO;
    sipveil_span other = sign(w, START ROWS("<sip:bob@biloxi.example.com>;tag=1", BOB) DATE BODY(SDP));
    assert_valid(w, other);
    assert_valid(w, message);
    assert_int_equal(w->fetched, 5);
    w->clock = NOW + 86400; /* the last second of its certificate: what is kept still serves, and Date alone is wrong */
    assert_status(w, message, 403, "IDN-36");
    assert_int_equal(w->fetched, 5);
    w->clock = NOW + 86400 + 1; /* past it */
    assert_status(w, message, 437, "ADV-119");
    assert_int_equal(w->fetched, 6);
    sipveil_identity_cache_free(cache);
    sipveil_identity_cache_free(NULL);
    assert_code(sipveil_identity_cache_new(NULL, 0, &cache, &w->err), SIPVEIL_USAGE);
    assert_code(sipveil_identity_cache_new(w->trust, 65537, &cache, &w->err), SIPVEIL_USAGE);
}

/* ADV-193: what came over http, or from next door, does not serve whoever allows neither. */
static void kept_for_who_may_fetch(void **state)
{
    static const char *const uris[] = {"http://cert.atlanta.example.com/as.cer", "https://192.168.1.1/as.cer"};
    world *w = begin(state);
    sipveil_identity_cache *cache;
    assert_code(sipveil_identity_cache_new(w->trust, 0, &cache, &w->err), SIPVEIL_OK);
    w->verify.cache = cache;
    w->sign.allow_http = true;
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        w->sign.info = w->atlanta.info = uris[i];
        sipveil_span message = sign(w, INVITE);
        w->verify.allow_http = i == 0;
        w->verify.allow_private_hosts = i == 1;
        assert_valid(w, message);
        w->verify.allow_http = w->verify.allow_private_hosts = false;
        assert_status(w, message, 436, "ADV-193");
    }
    w->atlanta.info = INFO;
    sipveil_identity_cache_free(cache);
}

/* Section 4: status lines; never to an ACK or a response (IDN-47). */
static void answers(void **state)
{
    static const struct {
        int status;
        const char *phrase, *line;
    } rows[] = {{428, NULL, "SIP/2.0 428 Use Identity Header\r\n"}, {428, "Use Supported PASSporT Format", "SIP/2.0 428 Use Supported PASSporT Format\r\n"},
                {436, NULL, "SIP/2.0 436 Bad Identity Info\r\n"},   {436, "Bad Identity-Info", "SIP/2.0 436 Bad Identity-Info\r\n"},
                {437, NULL, "SIP/2.0 437 Unsupported Credential\r\n"}, {438, NULL, "SIP/2.0 438 Invalid Identity Header\r\n"},
                {403, NULL, "SIP/2.0 403 Stale Date\r\n"}};
    world *w = begin(state);
    sipveil_span response;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_code(sipveil_identity_write_refusal(w->verifier, SV_SPAN(INVITE), rows[i].status, rows[i].phrase, &response, &w->err), SIPVEIL_OK);
        assert_true(response.len > strlen(rows[i].line) && sv_equal(sv_span(response.data, strlen(rows[i].line)), sv_span_str(rows[i].line)));
    }
    assert_code(sipveil_identity_write_refusal(w->verifier, SV_SPAN(INVITE), 200, NULL, &response, &w->err), SIPVEIL_USAGE);
    assert_code(sipveil_identity_write_refusal(w->verifier, SV_SPAN(INVITE), 438, "a\r\nb", &response, &w->err), SIPVEIL_USAGE);
    const char *ack = "ACK sip:bob@b SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: " ALICE "\r\nTo: " BOB
                      "\r\nCall-ID: c\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\n\r\n";
    assert_code(sipveil_identity_write_refusal(w->verifier, sv_span_str(ack), 438, NULL, &response, &w->err), SIPVEIL_USAGE);
    assert_int_equal(response.len, 0);
    /* RFC 4474 has words of its own */
    use_old(w);
    sipveil_span message = sign(w, INVITE);
    w->verify.fetch = NULL;
    assert_status(w, message, 436, "IDN-05");
    assert_string_equal(w->verdict.phrase, "Bad Identity-Info");
}

static void reports(void **state)
{
    world *w = begin(state);
    sipveil_span json;
    for (int i = 0; i < 3; i++) {
        static const char *const verdicts[] = {"valid", "refused", "none"};
        sipveil_span message = i == 2 ? SV_SPAN(INVITE) : sign(w, INVITE);
        (void)verify(w, i == 1 ? edited(w, message, "To: <sip:bob", "To: <sip:carol") : message);
        assert_code(sipveil_identity_report_json(w->verifier, &w->verdict, &json, &w->err), SIPVEIL_OK);
        json_t *report = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(report);
        assert_string_equal(json_string_value(json_object_get(report, "verdict")), verdicts[i]);
        assert_true(json_is_array(json_object_get(report, "checks")) && json_is_array(json_object_get(report, "fields")));
        assert_int_equal(json_integer_value(json_object_get(report, "status")), i == 1 ? 438 : 0);
        assert_true(json_is_false(json_object_get(report, "asserted")));
        json_decref(report);
    }
    assert_code(sipveil_identity_report_json(NULL, &w->verdict, &json, &w->err), SIPVEIL_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(replay_of_a_passport), cmocka_unit_test(replay_of_rfc4474),
                                       cmocka_unit_test(twin_of_a_signature), cmocka_unit_test(remembered_as_long_as_fresh),
                                       cmocka_unit_test(remembered_by_default), cmocka_unit_test(no_room_to_remember), cmocka_unit_test(names_without_end),
                                       cmocka_unit_test(kept_for_who_may_fetch), cmocka_unit_test(several_fields),
                                       cmocka_unit_test(kept_by_uri), cmocka_unit_test(answers), cmocka_unit_test(reports)};
    return cmocka_run_group_tests_name("seen before, kept, answered", tests, world_setup, world_teardown);
}
