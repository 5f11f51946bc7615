/* SPDX-License-Identifier: BSD-2-Clause */
/* Cut and paste (ADV-190): every part of one signed request put into another one, and the Identity of each into the other.
 * What is signed must not fit; what is not signed must not matter (IDN-06, IDN-07). */
#include "world.h"

typedef enum part { P_FROM, P_TO, P_DATE, P_CALL_ID, P_CSEQ, P_CONTACT, P_FINGERPRINT, P_MEDIA, P_IDENTITY, PARTS } part;

static const char *const part_names[] = {"From", "To", "Date", "Call-ID", "CSeq", "Contact", "fingerprint", "media", "Identity"};

/* Two requests that differ in everything. */
static const char *const values[2][P_IDENTITY] = {
    {"<sip:alice@atlanta.example.com>;tag=1", "<sip:bob@biloxi.example.com>", "Sat, 21 Nov 2026 10:00:00 GMT", "c1", "1 INVITE",
     "<sip:alice@192.0.2.1>", "sha-256 " PRINT_A, "audio 49172"},
    {"<sip:carol@atlanta.example.com>;tag=2", "<sip:dave@biloxi.example.com>", "Sat, 21 Nov 2026 10:00:01 GMT", "c2", "2 INVITE",
     "<sip:carol@192.0.2.2>", "sha-256 " PRINT_B, "audio 49174"},
};

static const char *compose(world *w, const char *const parts[P_IDENTITY], const char *identity)
{
    sv_buffer b;
    sv_buffer_init(&b, w->arena, 2048, 1 << 20);
    sv_put_format(&b, "INVITE sip:b@biloxi.example.com SIP/2.0\r\nVia: SIP/2.0/TLS c.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                      "From: %s\r\nTo: %s\r\nDate: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: %s\r\n",
                  parts[P_FROM], parts[P_TO], parts[P_DATE], parts[P_CALL_ID], parts[P_CSEQ], parts[P_CONTACT]);
    sv_put_str(&b, identity);
    sv_put_format(&b, "Content-Type: application/sdp\r\n\r\nv=0\r\nm=%s RTP/AVP 0\r\na=fingerprint:%s\r\n", parts[P_MEDIA],
                  parts[P_FINGERPRINT]);
    sv_put_byte(&b, 0);
    assert_false(b.failed);
    return (const char *)b.data;
}

/* The rows that signing has added. */
static const char *identity_rows(world *w, sipveil_span message)
{
    size_t from, to;
    assert_true(sv_find(message, SV_SPAN("Identity: "), &from));
    assert_true(sv_find(message, SV_SPAN("Content-Type: "), &to));
    return sv_arena_string(w->arena, sv_span(message.data + from, to - from));
}

static void paste_all(world *w, const bool covered[PARTS])
{
    const char *identities[2];
    for (int i = 0; i < 2; i++) {
        identities[i] = identity_rows(w, sign(w, compose(w, values[i], "")));
        assert_valid(w, sv_span_str(compose(w, values[i], identities[i])));
    }
    for (int into = 0; into < 2; into++) {
        for (part p = 0; p < PARTS; p++) {
            const char *parts[P_IDENTITY];
            memcpy(parts, values[into], sizeof parts);
            if (p < P_IDENTITY) parts[p] = values[1 - into][p];
            int status = verify(w, sv_span_str(compose(w, parts, identities[p == P_IDENTITY ? 1 - into : into])));
            if (covered[p] == w->verdict.valid) fail_msg("%s of the other request: %d %s", part_names[p], status, w->verdict.reason.text);
            if (covered[p]) assert_int_equal(status, 438);
        }
        /* all but one part of the other: still not its Identity */
        for (part p = 0; p < P_IDENTITY; p++) {
            const char *parts[P_IDENTITY];
            memcpy(parts, values[1 - into], sizeof parts);
            parts[p] = values[into][p];
            (void)verify(w, sv_span_str(compose(w, parts, identities[into])));
            assert_false(w->verdict.valid);
        }
    }
}

static void full_form(void **state)
{
    static const bool covered[PARTS] = {[P_FROM] = true, [P_TO] = true, [P_FINGERPRINT] = true, [P_IDENTITY] = true};
    paste_all(begin(state), covered); /* Date is not iat: both are fresh (ADV-191) */
}

static void compact_form(void **state)
{
    static const bool covered[PARTS] = {[P_FROM] = true, [P_TO] = true, [P_DATE] = true, [P_FINGERPRINT] = true, [P_IDENTITY] = true};
    world *w = begin(state);
    w->sign.compact = true;
    paste_all(w, covered);
}

static void rfc4474(void **state)
{
    static const bool covered[PARTS] = {true, true, true, true, true, true, true, true, true};
    world *w = begin(state);
    use_old(w);
    paste_all(w, covered);
}

/* IDN-30: what is signed to have no fingerprint has none: what cannot be read is not passed over, in either form. */
static void fingerprints_that_come_later(void **state)
{
    static const char *const rows[][2] = {{"s=-\r\n", "s=-\r\na=fingerprint:sha-256 00\r\n"},
                                          {"s=-\r\n", "s=-\r\na=Fingerprint:sha-256 " PRINT_A "\r\n"},
                                          {"Content-Type", "Content-Encoding: gzip\r\nContent-Type"}};
    world *w = begin(state);
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        w->sign.compact = i % 2 == 1;
        assert_status(w, edited(w, sign(w, INVITE_WITH(DATE, SDP_HEAD)), rows[i / 2][0], rows[i / 2][1]), 438, "IDN-30");
    }
}

/* header, payload and signature of two tokens of one service, mixed; and one form made of the other. */
static void pieces_of_tokens(void **state)
{
    world *w = begin(state);
    char pieces[2][3][1024], row[4096];
    const char *message[2];
    for (int i = 0; i < 2; i++) {
        message[i] = compose(w, values[i], "");
        const char *identity = identity_rows(w, sign(w, message[i]));
        assert_int_equal(sscanf(identity, "Identity: %1023[^.].%1023[^.].%1023[^;]", pieces[i][0], pieces[i][1], pieces[i][2]), 3);
    }
    for (int pick = 0; pick < 8; pick++) {
        for (int target = 0; target < 2; target++) {
            bool whole = pick == (target == 0 ? 0 : 7) || pick == (target == 0 ? 1 : 6); /* the headers are the same */
            snprintf(row, sizeof row, "Identity: %s.%s.%s;info=<" INFO ">\r\n", pieces[pick & 1][0], pieces[pick >> 1 & 1][1], pieces[pick >> 2 & 1][2]);
            (void)verify(w, sv_span_str(compose(w, values[target], row)));
            assert_int_equal(w->verdict.valid, whole);
        }
    }
    snprintf(row, sizeof row, "Identity: ..%s;info=<" INFO ">\r\n", pieces[0][2]);
    assert_valid(w, sv_span_str(compose(w, values[0], row))); /* the same token, in its compact form */
    assert_status(w, sv_span_str(compose(w, values[1], row)), 438, "IDN-27");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(full_form), cmocka_unit_test(compact_form), cmocka_unit_test(rfc4474),
                                       cmocka_unit_test(fingerprints_that_come_later), cmocka_unit_test(pieces_of_tokens)};
    return cmocka_run_group_tests_name("cut and paste", tests, world_setup, world_teardown);
}
