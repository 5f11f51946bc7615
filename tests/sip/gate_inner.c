/* SPDX-License-Identifier: BSD-2-Clause */
/* An inner message read with its carrier at hand: the same verdict, the same rows, as without. */
#include <stdio.h>
#include <string.h>

#include "messages.h"

#define CONTACT "Contact: <sip:alice@a.example>, \"x, y\" <sip:b@b.example>;expires=5\r\n"
#define VIAS    "Via: SIP/2.0/UDP g.example, SIP/2.0/TCP f.example\r\n" VIA
#define SUBJECT "Subject: one\r\n"
#define EXTRA   "X-Extra: 1\r\n"

static const char *const carriers[] = {
    START CORE CONTACT SUBJECT EXTRA LENGTH_0 END,
    START VIAS PARTIES EXTRA EXTRA "Max-Forwards: 70\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n" END,
    START VIA FROM "t: <sip:bob@b.example>\r\n" CALL_ID CSEQ "Subject:\r\n" END,
    "SIP/2.0 200 OK\r\n" CORE CONTACT END,
    "INVITE sip:bob@b.example SIP/2.0\r\n" VIA FROM TO CALL_ID "CSEQ: 1 INVITE\r\n" END};

/* What an inner message may look like beside such a carrier: the rows again, in another order, one octet more or less, folded
 * on, doubled, cut short. */
static const char *const inners[] = {
    START CORE CONTACT SUBJECT END,
    START CORE CONTACT SUBJECT EXTRA LENGTH_0 END,
    START VIAS VIAS VIAS PARTIES END,
    START PARTIES VIA CONTACT END,
    START CORE " folded: on\r\n" END,
    START VIA FROM TO "Call-ID: 1@h.example\r\n\t\r\n" CSEQ END,
    START CORE FROM END,
    START CORE SUBJECT SUBJECT END,
    START CORE EXTRA EXTRA EXTRA END,
    START CORE "Subject:\r\n x\r\n" END,
    START CORE "Subject:\r\n" END,
    START VIA FROM,
    START VIA "From: <sip:alice@a.example>;tag=1\r",
    START "Via: SIP/2.0/UDP h.example;branch=z9hG4bK12\r\n" PARTIES END,
    "SIP/2.0 200 OK\r\n" CORE CONTACT END,
    "SIP/2.0 200 OK\r\n" VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\n" END,
    "OPTIONS sip:bob@b.example SIP/2.0\n" CORE END,
    "OPTIONS sip:bob@b.example SIP/2.0\r\r\n" CORE END,
    "INVITE sip:bob@b.example SIP/2.0\r\n" CORE END,
    "INVITE sip:bob@b.example SIP/2.0\r\n" VIA FROM TO CALL_ID "CSEQ: 1 INVITE\r\n" END,
    START "To: Bob <bob@b.example>\r\n" END,
    START CORE LENGTH_0 END "x",
    ""};

static void same_span(sipveil_span a, sipveil_span b)
{
    assert_ptr_equal(a.data, b.data);
    assert_int_equal(a.len, b.len);
}

static void same_view(const sv_sip_view *a, const sv_sip_view *b)
{
    same_span(a->whole, b->whole);
    same_span(a->start_line, b->start_line);
    same_span(a->head, b->head);
    same_span(a->body, b->body);
    same_span(a->method, b->method);
    same_span(a->request_uri, b->request_uri);
    same_span(a->reason, b->reason);
    assert_int_equal(a->is_request, b->is_request);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->has_content_length, b->has_content_length);
    assert_int_equal(a->several, b->several);
    assert_memory_equal(a->first, b->first, sizeof a->first);
    assert_int_equal(a->field_count, b->field_count);
    for (size_t i = 0; i < a->field_count; i++) {
        assert_int_equal(a->fields[i].id, b->fields[i].id);
        assert_int_equal(a->fields[i].via, b->fields[i].via);
        same_span(a->fields[i].name, b->fields[i].name);
        same_span(a->fields[i].value, b->fields[i].value);
        same_span(a->fields[i].line, b->fields[i].line);
    }
}

static void read_both(const sv_sip_view *carrier, const char *inner, const sipveil_limits *limits)
{
    static sv_sip_view alone, beside;
    sipveil_error first, second;
    sipveil_span octets = sv_span_str(inner);
    sipveil_code code = sv_sip_read_inner(octets, limits, &alone, &first);
    if (sv_sip_read_inner_of(octets, carrier, limits, &beside, &second) != code) fail_msg("another verdict of:\n%s", inner);
    if (code == SIPVEIL_OK) {
        same_view(&alone, &beside);
    } else {
        assert_string_equal(first.text, second.text);
        assert_string_equal(first.rule, second.rule);
        assert_int_equal(first.offset, second.offset);
    }
}

static void the_carrier_changes_nothing(void **state)
{
    (void)state;
    static sv_sip_view carrier;
    sipveil_limits few = *defaults();
    few.via = 5; /* three in a carrier; six in an inner message are too many */
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++) {
        assert_int_equal(sv_sip_read(sv_span_str(carriers[i]), SV_SIP_DATAGRAM, &few, &carrier, NULL), SIPVEIL_OK);
        for (size_t k = 0; k < sizeof inners / sizeof *inners; k++) {
            read_both(&carrier, inners[k], defaults());
            read_both(&carrier, inners[k], &few);
        }
        for (size_t k = 0; k < sizeof carriers / sizeof *carriers; k++) read_both(&carrier, carriers[k], &few);
    }
}

/* Each octet of an inner message changed: what no longer stands in the carrier is looked at anew. */
static void no_octet_slips_through(void **state)
{
    (void)state;
    static sv_sip_view carrier;
    static const char *const octets = "\"\\,;:<> \t\r\n@x";
    static const char outer[] = START CORE CONTACT SUBJECT EXTRA END;
    char inner[sizeof outer];
    assert_int_equal(sv_sip_read(OCTETS(outer), SV_SIP_DATAGRAM, defaults(), &carrier, NULL), SIPVEIL_OK);
    for (size_t at = 0; at + 1 < sizeof outer; at++) {
        for (const char *octet = octets; *octet != '\0'; octet++) {
            memcpy(inner, outer, sizeof outer);
            inner[at] = *octet;
            read_both(&carrier, inner, defaults());
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_carrier_changes_nothing),
        cmocka_unit_test(no_octet_slips_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
