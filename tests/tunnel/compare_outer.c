/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparing an authenticated inner message with the outer one (RFC 3261 23.4.1, 23.4.2). */
#include "tunnel/fixture.h"

#include "tunnel/operation.h"

typedef enum cover { SIGNED, SHARED_KEY, SIGNED_AND_ENCRYPTED } cover;

/* One difference: an edit of the outer head, one of the inner head, what is reported and what comes of it. */
typedef struct difference {
    const char *rule;
    cover cover;
    const char *outer_from, *outer_to;
    const char *inner_from, *inner_to;
    const char *field, *result;
    sipveil_code code;
} difference;

#define ADD(row) CSEQ, CSEQ row
#define DROP(row) row, ""
#define NOTHING NULL, NULL

static sipveil_span make(lab *l, const difference *d, const char *outer, const char *inner)
{
    if (d->outer_from != NULL) outer = edited_text(l, outer, d->outer_from, d->outer_to);
    if (d->inner_from != NULL) inner = edited_text(l, inner, d->inner_from, d->inner_to);
    sipveil_span message = compose(l, inner, "Content-Type: application/sdp\r\n", SV_SPAN(SDP));
    const sipveil_key *signer = d->cover == SHARED_KEY ? NULL : l->alice;
    if (outer[0] == 'S') signer = d->cover == SHARED_KEY ? NULL : l->bob;
    return tunnel(l, outer, message, signer, d->cover == SIGNED ? NULL : l->kek);
}

static void check_differences(lab *l, const difference *table, size_t count, const char *outer, const char *inner)
{
    for (size_t i = 0; i < count; i++) {
        const difference *d = &table[i];
        char result[16];
        sv_arena_reset(l->arena);
        sipveil_code code = try_open(l, make(l, d, outer, inner));
        if (code != d->code) {
            fail_msg("row %zu (%s): %s (%s), not %s", i, d->rule, sipveil_code_name(code), l->err.text,
                     sipveil_code_name(d->code));
        }
        compared_in_report(l, d->field, result);
        if (strcmp(result, d->result) != 0) {
            fail_msg("row %zu (%s): %s is \"%s\", not \"%s\"", i, d->rule, d->field, result, d->result);
        }
        if (code == SIPVEIL_OK) {
            assert_true(l->opened.is_authenticated);
            assert_true(checked(l, "TUN-39", "passed"));
        } else {
            assert_true(checked(l, "TUN-39", "failed"));
            /* TUN-36, TUN-90: 403 only where nothing was encrypted. */
            assert_int_equal(l->err.sip_status, d->cover == SIGNED ? 403 : 493);
        }
    }
}
#define CHECK(l, table, outer, inner) check_differences(l, table, sizeof(table) / sizeof *(table), outer, inner)

static void equal_messages_are_equal(void **state)
{
    lab *l = begin(state);
    for (cover c = SIGNED; c <= SIGNED_AND_ENCRYPTED; c++) {
        difference none = {.rule = "TUN-30", .cover = c, .field = "From", .result = "equal"};
        check_differences(l, &none, 1, HEAD, HEAD);
        assert_true(checked(l, "TUN-35", "passed"));
        for (size_t i = 0; i < l->opened.compared_count; i++) {
            assert_int_equal(l->opened.compared[i].result, SIPVEIL_COMPARE_EQUAL);
        }
    }
}

/* ADV-140: each field that must agree, one at a time; Request-URI, Via, Route, Record-Route and
 * Max-Forwards may differ. TUN-36. */
static void each_field(void **state)
{
    static const difference table[] = {
        {"ADV-140", SIGNED, FROM, "From: <sip:mallory@evil.example.com>;tag=9fxced76sl\r\n", NOTHING, "From", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SIGNED, "tag=9fxced76sl", "tag=other", NOTHING, "From", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SIGNED, TO, "To: <sip:carol@chicago.example.com>\r\n", NOTHING, "To", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SIGNED, TO, "To: Bob <sip:bob@biloxi.example.com>;tag=1\r\n", NOTHING, "To", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SIGNED, "Call-ID: 3848", "Call-ID: 3849", NOTHING, "Call-ID", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SIGNED, "CSeq: 1 ", "CSeq: 2 ", NOTHING, "CSeq", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SIGNED, "sip:alice@ua.atlanta", "sip:alice@ua.evil", NOTHING, "Contact", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SIGNED, "10:00:00 GMT", "10:00:01 GMT", NOTHING, "Date", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SHARED_KEY, FROM, "From: <sip:mallory@evil.example.com>;tag=9fxced76sl\r\n", NOTHING, "From",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SHARED_KEY, TO, "To: <sip:carol@chicago.example.com>\r\n", NOTHING, "To", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SHARED_KEY, "Call-ID: 3848", "Call-ID: 3849", NOTHING, "Call-ID", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SHARED_KEY, "CSeq: 1 ", "CSeq: 2 ", NOTHING, "CSeq", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SHARED_KEY, "sip:alice@ua.atlanta", "sip:alice@ua.evil", NOTHING, "Contact", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SIGNED_AND_ENCRYPTED, "10:00:00 GMT", "10:00:01 GMT", NOTHING, "Date", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SIGNED_AND_ENCRYPTED, "CSeq: 1 ", "CSeq: 2 ", NOTHING, "CSeq", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        /* group A */
        {"TUN-40 A", SIGNED, "INVITE sip:bob@biloxi", "INVITE sip:bob@10.0.0.1.biloxi", NOTHING, "Request-URI",
         "may-differ", SIPVEIL_OK},
        {"TUN-40 A", SIGNED, VIA, "Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bKp1\r\n" VIA, NOTHING, "Via",
         "may-differ", SIPVEIL_OK},
        {"TUN-40 A", SIGNED, "Forwards: 70", "Forwards: 68", NOTHING, "Max-Forwards", "may-differ", SIPVEIL_OK},
        {"TUN-40 A", SIGNED, ADD("Record-Route: <sip:p1.example.com;lr>\r\n"), NOTHING, "Record-Route", "added",
         SIPVEIL_OK},
        {"TUN-40 A", SIGNED, NOTHING, ADD("Route: <sip:p1.example.com;lr>\r\n"), "Route", "may-differ", SIPVEIL_OK},
        {"TUN-40 A", SIGNED, NOTHING, ADD("Proxy-Authorization: Digest username=\"a\"\r\n"), "Proxy-Authorization",
         "may-differ", SIPVEIL_OK},
        /* group B present on both sides */
        {"TUN-40 B", SIGNED, ADD("Subject: lunch\r\n"), ADD("Subject: dinner\r\n"), "Subject", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 B", SHARED_KEY, ADD("Subject: lunch\r\n"), ADD("Subject: dinner\r\n"), "Subject", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 B", SIGNED, ADD("Expires: 60\r\n"), ADD("Expires: 61\r\n"), "Expires", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 B", SIGNED, ADD("Allow: INVITE, ACK\r\n"), ADD("Allow: INVITE, BYE\r\n"), "Allow", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 B", SIGNED, ADD("Reply-To: <sip:a@x.example>\r\n"), ADD("Reply-To: <sip:b@x.example>\r\n"), "Reply-To",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 B", SIGNED, ADD("Timestamp: 54\r\n"), ADD("Timestamp: 55\r\n"), "Timestamp", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        /* group C */
        {"TUN-40 C", SIGNED, ADD("MIME-Version: 1.0\r\n"), NOTHING, "MIME-Version", "", SIPVEIL_OK},
        {"TUN-40 C", SIGNED, NOTHING, ADD("Content-Language: en\r\n"), "Content-Language", "", SIPVEIL_OK},
        /* group D: TUN-37 */
        {"TUN-37", SIGNED, ADD("X-Thing: 1\r\n"), ADD("X-Thing: 2\r\n"), "X-Thing", "may-differ", SIPVEIL_OK},
        {"TUN-37", SIGNED, NOTHING, ADD("X-Thing: 2\r\n"), "X-Thing", "may-differ", SIPVEIL_OK},
        {"TUN-37", SHARED_KEY, NOTHING, ADD("X-Thing: 2\r\n"), "X-Thing", "hidden", SIPVEIL_OK},
        {"TUN-37", SIGNED, ADD("X-Thing: 1\r\n"), NOTHING, "X-Thing", "added", SIPVEIL_OK},
        {"TUN-37", SIGNED, ADD("Refer-To: <sip:x@evil.example>\r\n"), NOTHING, "Refer-To", "added", SIPVEIL_OK},
    };
    CHECK(begin(state), table, HEAD, HEAD);
}

/* TUN-39: on one side only. */
static void one_side_only(void **state)
{
    static const difference table[] = {
        {"TUN-39", SIGNED, NOTHING, ADD("Subject: lunch\r\n"), "Subject", "missing", SIPVEIL_HEADER_MISMATCH},
        {"TUN-39", SHARED_KEY, NOTHING, ADD("Subject: lunch\r\n"), "Subject", "hidden", SIPVEIL_OK},
        {"TUN-39", SIGNED_AND_ENCRYPTED, NOTHING, ADD("Subject: lunch\r\n"), "Subject", "hidden", SIPVEIL_OK},
        {"TUN-39", SIGNED, DROP(DATE_NOW), NOTHING, "Date", "missing", SIPVEIL_HEADER_MISMATCH},
        {"TUN-39", SHARED_KEY, DROP(DATE_NOW), NOTHING, "Date", "hidden", SIPVEIL_OK},
        {"TUN-39", SIGNED, DROP(CONTACT), NOTHING, "Contact", "missing", SIPVEIL_HEADER_MISMATCH},
        {"TUN-39", SHARED_KEY, DROP(CONTACT), NOTHING, "Contact", "missing", SIPVEIL_HEADER_MISMATCH},
        /* added: hops may add these */
        {"TUN-39", SIGNED, ADD("Alert-Info: <http://x.example/a.wav>\r\n"), NOTHING, "Alert-Info", "added", SIPVEIL_OK},
        {"TUN-39", SIGNED, ADD("Call-Info: <http://x.example/>\r\n"), NOTHING, "Call-Info", "added", SIPVEIL_OK},
        {"TUN-39", SIGNED, NOTHING, DROP(DATE_NOW), "Date", "added", SIPVEIL_OK},
        {"TUN-39", SIGNED, ADD("Organization: Evil\r\n"), NOTHING, "Organization", "added", SIPVEIL_OK},
        {"TUN-39", SIGNED, ADD("Priority: urgent\r\n"), NOTHING, "Priority", "added", SIPVEIL_OK},
        {"TUN-39", SIGNED, ADD("Proxy-Require: sec-agree\r\n"), NOTHING, "Proxy-Require", "added", SIPVEIL_OK},
        {"TUN-39", SIGNED, ADD("Require: 100rel\r\n"), NOTHING, "Require", "added", SIPVEIL_OK},
        /* and no others */
        {"TUN-39", SIGNED, ADD("Subject: lunch\r\n"), NOTHING, "Subject", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-39", SHARED_KEY, ADD("Subject: lunch\r\n"), NOTHING, "Subject", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-39", SIGNED, ADD("Reply-To: <sip:m@evil.example>\r\n"), NOTHING, "Reply-To", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-39", SIGNED, ADD("Expires: 1\r\n"), NOTHING, "Expires", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-39", SIGNED, ADD("Supported: timer\r\n"), NOTHING, "Supported", "mismatch", SIPVEIL_HEADER_MISMATCH},
        /* Proxy-Require: hops consume tags, they do not add to what is there */
        {"TUN-40", SIGNED, ADD("Proxy-Require: b\r\n"), ADD("Proxy-Require: a, b\r\n"), "Proxy-Require", "may-differ",
         SIPVEIL_OK},
        {"TUN-40", SIGNED, NOTHING, ADD("Proxy-Require: a\r\n"), "Proxy-Require", "may-differ", SIPVEIL_OK},
        {"TUN-40", SIGNED, ADD("Proxy-Require: a, b, c\r\n"), ADD("Proxy-Require: a, b\r\n"), "Proxy-Require", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
    };
    CHECK(begin(state), table, HEAD, HEAD);
}

/* TUN-35, ADV-140: one of the four that identify a message is not inside. */
static void incomplete(void **state)
{
    static const char *const rows[] = {FROM, TO, CALL_ID, CSEQ};
    lab *l = begin(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *inner = edited_text(l, HEAD, rows[i], "");
        assert_code(try_open(l, tunnel(l, HEAD, compose(l, inner, NULL, SV_SPAN("")), l->alice, NULL)),
                    SIPVEIL_INCOMPLETE);
        assert_string_equal(l->err.rule, "TUN-35");
        assert_int_equal(l->err.sip_status, 403);
        assert_true(checked(l, "TUN-35", "failed"));
        assert_code(try_open(l, tunnel(l, HEAD, compose(l, inner, NULL, SV_SPAN("")), NULL, l->kek)),
                    SIPVEIL_INCOMPLETE);
        assert_int_equal(l->err.sip_status, 493);
    }
}

/* TUN-40: by SIP rules, not by octets. */
static void sip_rules(void **state)
{
    static const difference table[] = {
        {"TUN-40 compact", SIGNED, FROM, "f: <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n", NOTHING, "From", "equal",
         SIPVEIL_OK},
        {"TUN-40 compact", SIGNED, CALL_ID, "i: 3848276298220188511@atlanta.example.com\r\n", NOTHING, "Call-ID", "equal",
         SIPVEIL_OK},
        {"TUN-40 folding", SIGNED, ADD("Subject: lunch\r\n at noon\r\n"), ADD("Subject: lunch at noon\r\n"), "Subject",
         "equal", SIPVEIL_OK},
        {"TUN-40 rows", SIGNED, ADD("Allow: INVITE\r\nAllow: ACK\r\n"), ADD("Allow: INVITE, ACK\r\n"), "Allow", "equal",
         SIPVEIL_OK},
        {"TUN-40 order", SIGNED, ADD("Allow: ACK, INVITE\r\n"), ADD("Allow: INVITE, ACK\r\n"), "Allow", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 case", SIGNED, ADD("Supported: TIMER\r\n"), ADD("Supported: timer\r\n"), "Supported", "equal", SIPVEIL_OK},
        {"TUN-40 display", SIGNED, TO, "To: sip:bob@biloxi.example.com\r\n", NOTHING, "To", "equal", SIPVEIL_OK},
        {"TUN-40 To", SIGNED, TO, "To: <sip:bob@biloxi.example.com>;x=y\r\n", NOTHING, "To", "equal", SIPVEIL_OK},
        {"TUN-40 host", SIGNED, TO, "To: <sip:bob@BILOXI.example.com>\r\n", NOTHING, "To", "equal", SIPVEIL_OK},
        {"TUN-40 user", SIGNED, TO, "To: <sip:Bob@biloxi.example.com>\r\n", NOTHING, "To", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 escape", SIGNED, TO, "To: <sip:%62ob@biloxi.example.com>\r\n", NOTHING, "To", "equal", SIPVEIL_OK},
        {"TUN-40 sips", SIGNED, TO, "To: <sips:bob@biloxi.example.com>\r\n", NOTHING, "To", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 port", SIGNED, TO, "To: <sip:bob@biloxi.example.com:5060>\r\n", NOTHING, "To", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 maddr", SIGNED, TO, "To: <sip:bob@biloxi.example.com;maddr=192.0.2.1>\r\n", NOTHING, "To", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 parameter", SIGNED, TO, "To: <sip:bob@biloxi.example.com;thing=1>\r\n", NOTHING, "To", "equal",
         SIPVEIL_OK},
        {"TUN-40 Contact", SIGNED, "transport=tcp>", "transport=tcp>;expires=5", NOTHING, "Contact", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 Call-ID", SIGNED, "@atlanta.example.com\r\nCSeq", "@ATLANTA.example.com\r\nCSeq", NOTHING, "Call-ID",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 CSeq", SIGNED, "CSeq: 1 INVITE", "CSeq:  0001\t INVITE", NOTHING, "CSeq", "equal", SIPVEIL_OK},
        {"TUN-40 Authorization", SIGNED, ADD("Authorization: Digest a=\"1\"\r\nAuthorization: Digest b=\"2\"\r\n"),
         ADD("Authorization: Digest a=\"1\", Digest b=\"2\"\r\n"), "Authorization", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-40 quoted", SIGNED, ADD("Warning: 399 x \"Hello\"\r\n"), ADD("Warning: 399 x \"hello\"\r\n"), "Warning",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
    };
    CHECK(begin(state), table, HEAD, HEAD);
}

/* TUN-30, ADV-140: another method inside; ADV-146: a request inside a response. */
static void start_lines(void **state)
{
    lab *l = begin(state);
    char result[16];
    const char *message = edited_text(l, edited_text(l, HEAD, "INVITE sip", "MESSAGE sip"), "1 INVITE", "1 MESSAGE");
    assert_code(try_open(l, tunnel(l, message, invite(l), l->alice, NULL)), SIPVEIL_HEADER_MISMATCH);
    compared_in_report(l, "method", result);
    assert_string_equal(result, "mismatch");
    compared_in_report(l, "CSeq", result);
    assert_string_equal(result, "mismatch");

    /* ADV-146 */
    assert_code(try_open(l, tunnel(l, RESPONSE_HEAD, invite(l), l->bob, NULL)), SIPVEIL_HEADER_MISMATCH);
    compared_in_report(l, "status", result);
    assert_string_equal(result, "mismatch");

    const difference status = {"ADV-140", SIGNED, "200 OK", "202 Accepted", NOTHING, "status", "mismatch",
                               SIPVEIL_HEADER_MISMATCH};
    check_differences(l, &status, 1, RESPONSE_HEAD, RESPONSE_HEAD);
    const difference reason = {"ADV-140", SIGNED, "200 OK", "200 Fine", NOTHING, "status", "equal", SIPVEIL_OK};
    check_differences(l, &reason, 1, RESPONSE_HEAD, RESPONSE_HEAD);
}

/* TUN-39: responses; proxies may delete Contact in a 3xx. */
static void responses(void **state)
{
    static const difference ok[] = {
        {"ADV-140", SIGNED, "tag=8321234356", "tag=x", NOTHING, "To", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"ADV-140", SIGNED, "sip:bob@ua.biloxi", "sip:bob@ua.evil", NOTHING, "Contact", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-39", SIGNED, DROP(RESPONSE_CONTACT), NOTHING, "Contact", "missing", SIPVEIL_HEADER_MISMATCH},
        {"TUN-39", SIGNED, ADD("WWW-Authenticate: Digest realm=\"x\"\r\n"), NOTHING, "WWW-Authenticate", "added",
         SIPVEIL_OK},
        {"TUN-39", SIGNED, ADD("Error-Info: <sip:x@y.example>\r\n"), NOTHING, "Error-Info", "added", SIPVEIL_OK},
        {"TUN-39", SHARED_KEY, NOTHING, ADD("Server: x/1\r\n"), "Server", "hidden", SIPVEIL_OK},
        {"TUN-39", SIGNED, NOTHING, ADD("Server: x/1\r\n"), "Server", "missing", SIPVEIL_HEADER_MISMATCH},
    };
    static const difference moved[] = {
        {"TUN-39", SIGNED, DROP(RESPONSE_CONTACT), NOTHING, "Contact", "may-differ", SIPVEIL_OK},
        {"TUN-39", SIGNED, "sip:bob@ua.biloxi", "sip:bob@ua.evil", NOTHING, "Contact", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
    };
    lab *l = begin(state);
    CHECK(l, ok, RESPONSE_HEAD, RESPONSE_HEAD);
    const char *redirect = strdup(edited_text(l, RESPONSE_HEAD, "200 OK", "302 Moved Temporarily"));
    CHECK(l, moved, redirect, redirect);
    free((void *)(uintptr_t)redirect);
}

/* TUN-42: hidden is exactly the stand-in with the same tag, in encrypted tunnels only. */
static void hidden_from(void **state)
{
#define BARE_CONTACT "Contact: <sip:ua.atlanta.example.com;transport=tcp>\r\n"
    static const difference table[] = {
        {"TUN-42", SIGNED_AND_ENCRYPTED, FROM, STAND_IN, NOTHING, "From", "hidden", SIPVEIL_OK},
        {"TUN-42", SHARED_KEY, FROM, STAND_IN, NOTHING, "From", "hidden", SIPVEIL_OK},
        {"TUN-42", SIGNED, FROM, STAND_IN, NOTHING, "From", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, FROM, "From: <sip:anonymous@anonymous.invalid>;tag=other\r\n", NOTHING, "From", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, FROM, "From: <sip:anonymous@anonymous.invalid>\r\n", NOTHING, "From", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, FROM, "From: <sip:anonymous@atlanta.example.com>;tag=9fxced76sl\r\n", NOTHING, "From",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, FROM, "From: <sips:anonymous@anonymous.invalid>;tag=9fxced76sl\r\n", NOTHING, "From",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, FROM, "From: <sip:anonymous@anonymous.invalid;x=1>;tag=9fxced76sl\r\n", NOTHING, "From",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, CONTACT, BARE_CONTACT, NOTHING, "Contact", "mismatch", SIPVEIL_HEADER_MISMATCH},
    };
    /* With From hidden, Contact goes without its user part, and differs in nothing else. */
    static const difference contact[] = {
        {"TUN-42", SHARED_KEY, CONTACT, BARE_CONTACT, NOTHING, "Contact", "hidden", SIPVEIL_OK},
        {"TUN-42", SHARED_KEY, CONTACT, "Contact: <sip:ua.evil.example.com;transport=tcp>\r\n", NOTHING, "Contact",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, CONTACT, "Contact: <sip:ua.atlanta.example.com:5070;transport=tcp>\r\n", NOTHING, "Contact",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, CONTACT, "Contact: <sips:ua.atlanta.example.com;transport=tcp>\r\n", NOTHING, "Contact",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, CONTACT, "Contact: <sip:x@ua.atlanta.example.com;transport=tcp>\r\n", NOTHING, "Contact",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, CONTACT, "Contact: <sip:ua.atlanta.example.com;transport=tcp;maddr=192.0.2.66>\r\n", NOTHING,
         "Contact", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, CONTACT, "Contact: <sip:ua.atlanta.example.com;transport=udp>\r\n", NOTHING, "Contact",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, CONTACT, "Contact: <sip:ua.atlanta.example.com>\r\n", NOTHING, "Contact", "mismatch",
         SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, CONTACT, "Contact: <sip:ua.atlanta.example.com;transport=tcp?Route=x>\r\n", NOTHING,
         "Contact", "mismatch", SIPVEIL_HEADER_MISMATCH},
        {"TUN-42", SHARED_KEY, CONTACT, BARE_CONTACT "Contact: <sip:ua.evil.example.com>\r\n", NOTHING, "Contact",
         "mismatch", SIPVEIL_HEADER_MISMATCH},
    };
    lab *l = begin(state);
    CHECK(l, table, HEAD, HEAD);
    const char *anonymous = REQUEST_LINE VIA "Max-Forwards: 70\r\n" STAND_IN TO CALL_ID CSEQ CONTACT DATE_NOW;
    CHECK(l, contact, anonymous, HEAD);
}

/* TUN-41: schemeless addresses, only on request. */
static void samples(void **state)
{
    lab *l = begin(state);
    const char *inner = edited_text(l, HEAD, TO, "To: Bob <bob@biloxi.example.com>\r\n");
    sipveil_span message = tunnel(l, HEAD, compose(l, inner, NULL, SV_SPAN("")), l->alice, NULL);
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
    l->options.compat = SIPVEIL_COMPAT_SAMPLES;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_int_equal(compared(l, "To"), SIPVEIL_COMPARE_EQUAL);
    inner = edited_text(l, HEAD, TO, "To: Bob <carol@biloxi.example.com>\r\n");
    message = tunnel(l, HEAD, compose(l, inner, NULL, SV_SPAN("")), l->alice, NULL);
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
}

/* Which names say something: what is never refused cannot be tolerated (TUN-37). */
static void what_can_mismatch(void **state)
{
    static const struct {
        const char *name;
        bool plainly, pcscf;
    } rows[] = {{"From", true, true}, {"f", true, true}, {"SUBJECT", true, true}, {"Date", true, true}, {"Server", true, true},
                {"Via", false, true}, {"v", false, true}, {"Request-URI", false, true}, {"Route", false, false}, {"Max-Forwards", false, false},
                {"Content-Type", false, false}, {"c", false, false}, {"Content-X", false, false}, {"MIME-Version", false, false},
                {"X-Mine", false, false}, {"Identity", false, false}, {"Conact", false, false}, {"method", false, false}, {"", false, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(sv_compare_may_mismatch(sv_span_str(rows[i].name), false), rows[i].plainly);
        assert_int_equal(sv_compare_may_mismatch(sv_span_str(rows[i].name), true), rows[i].pcscf);
    }
}

/* A difference may be tolerated by name, but never Call-ID or CSeq. */
static void tolerated(void **state)
{
    lab *l = begin(state);
    const char *subject[] = {"s"};
    const char *call_id[] = {"Subject", "i"};
    const char *cseq[] = {"CSeq"};
    const char *outer = joined(l, HEAD, "Subject: lunch\r\n");
    sipveil_span message = tunnel(l, outer, invite(l), l->alice, NULL);
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
    l->options.accept_mismatch = subject;
    l->options.accept_mismatch_count = 1;
    assert_code(try_open(l, message), SIPVEIL_OK);
    assert_int_equal(compared(l, "Subject"), SIPVEIL_COMPARE_MISMATCH);
    assert_true(checked(l, "TUN-39", "not-done"));
    l->options.accept_mismatch = call_id;
    l->options.accept_mismatch_count = 2;
    assert_code(try_open(l, message), SIPVEIL_USAGE);
    l->options.accept_mismatch = cseq;
    l->options.accept_mismatch_count = 1;
    assert_code(try_open(l, message), SIPVEIL_USAGE);
    /* A method is no header field: there is no tolerating another one (ADV-140, ADV-146). */
    static const char *const method[] = {"method"};
    l->options.accept_mismatch = method;
    assert_code(try_open(l, message), SIPVEIL_USAGE);
    l->options.accept_mismatch = subject;
    message = tunnel(l, edited_text(l, edited_text(l, HEAD, "INVITE sip", "UPDATE sip"), "1 INVITE", "1 UPDATE"), invite(l),
                     l->alice, NULL);
    assert_code(try_open(l, message), SIPVEIL_HEADER_MISMATCH);
}

/* What nobody authenticated is compared, but proves nothing: for a certificate anybody can encrypt. */
static void unauthenticated(void **state)
{
    lab *l = begin(state);
    const char *outer = edited_text(l, HEAD, FROM, "From: <sip:mallory@evil.example.com>;tag=9fxced76sl\r\n");
    assert_code(try_open(l, tunnel(l, outer, invite(l), NULL, l->bob)), SIPVEIL_OK);
    assert_false(l->opened.is_authenticated);
    assert_true(l->opened.is_encrypted);
    assert_int_equal(compared(l, "From"), SIPVEIL_COMPARE_MISMATCH);
    assert_true(checked(l, "TUN-39", "not-done"));
    /* CMS-12: nor a key that three share. */
    const sipveil_key *both[] = {l->kek, l->other_kek};
    l->seal.mode = SIPVEIL_MODE_PAYLOAD;
    l->seal.recipients = both;
    l->seal.recipient_count = 2;
    l->seal.allow_unsigned_shared = true;
    assert_code(try_open(l, sealed(l, compose(l, outer, "Content-Type: message/sip\r\n", invite(l)))), SIPVEIL_OK);
    assert_false(l->opened.is_authenticated);
    assert_true(checked(l, "CMS-12", "not-done"));
}

/* TUN-38, ADV-141: outer values never fill gaps of what is handed out. */
static void nothing_is_merged(void **state)
{
    lab *l = begin(state);
    const char *outer = joined(l, HEAD, "Priority: urgent\r\nRefer-To: <sip:x@evil.example.com>\r\nX-More: 1\r\n");
    sipveil_span inner = invite(l);
    assert_code(try_open(l, tunnel(l, outer, inner, l->alice, l->bob)), SIPVEIL_OK);
    assert_same(l->opened.message, inner);
    assert_int_equal(compared(l, "Refer-To"), SIPVEIL_COMPARE_ADDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_messages_are_equal), cmocka_unit_test(each_field),   cmocka_unit_test(one_side_only),
        cmocka_unit_test(incomplete),               cmocka_unit_test(sip_rules),    cmocka_unit_test(start_lines),
        cmocka_unit_test(responses),                cmocka_unit_test(hidden_from),  cmocka_unit_test(samples),
        cmocka_unit_test(what_can_mismatch), cmocka_unit_test(tolerated),                cmocka_unit_test(unauthenticated),
        cmocka_unit_test(nothing_is_merged),
    };
    return cmocka_run_group_tests_name("comparing inner and outer", tests, lab_setup, lab_teardown);
}
