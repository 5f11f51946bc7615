/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole messages from any octets: the digest-string, the names and fingerprints of what passes the gate; two messages of one
 * digest-string are one in everything that it covers. */

#include "base/fuzz_target.h"
#include "identity/identity.h"
#include "sip/values.h"

/* A message that says what the digest-string says; read again, it has the same one. */
static void check_again(const sv_sip_view *view, sipveil_span string, const sipveil_limits *limits, sv_arena *arena)
{
    static const sv_field_id fields[] = {SV_F_FROM, SV_F_TO, SV_F_CALL_ID, SV_F_CSEQ, SV_F_DATE, SV_F_CONTACT};
    sv_sip_view *again = sv_arena_alloc_raw(arena, sizeof *again);
    sv_buffer b, second;
    must(again != NULL);
    sv_buffer_init(&b, arena, view->whole.len, 1 << 20);
    sv_put(&b, view->start_line);
    sv_put_str(&b, "\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (sv_sip_first(view, fields[i]) == NULL) continue;
        sv_put_str(&b, sv_field_info_of(fields[i])->name);
        sv_put_str(&b, ":   ");
        sv_put(&b, sv_sip_value(view, fields[i]));
        sv_put_str(&b, "\r\n");
    }
    sv_put_str(&b, "c: text/plain\r\n\r\n");
    sv_put(&b, view->body);
    if (b.failed || sv_sip_read(sv_buffer_span(&b), SV_SIP_DATAGRAM, limits, again, NULL) != SIPVEIL_OK) return;
    sv_buffer_init(&second, arena, string.len, 1 << 20);
    must(sv_digest_string_put(again, sv_sip_value(again, SV_F_DATE), &second, NULL) == SIPVEIL_OK);
    must(sv_equal(sv_buffer_span(&second), string));
}

/* What is no message may lack anything that the string is made of: it has none then. */
static void check_fragment(sipveil_span message, sv_sip_view *view, const sipveil_limits *limits, sv_arena *arena)
{
    static const sv_field_id needed[] = {SV_F_FROM, SV_F_TO, SV_F_CALL_ID, SV_F_CSEQ, SV_F_DATE};
    sv_buffer string;
    if (sv_sip_read_fragment(message, limits, view, NULL) != SIPVEIL_OK) return;
    sv_buffer_init(&string, arena, message.len, 1 << 20);
    if (sv_digest_string_put(view, sv_sip_value(view, SV_F_DATE), &string, NULL) != SIPVEIL_OK) return;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) must_always(sv_sip_first(view, needed[i]) != NULL);
}

static void check(sipveil_span message, sv_arena *arena)
{
    static const sipveil_identity_naming naming = {.plus_is_number = true};
    sipveil_limits limits;
    sv_identity_name name, back;
    sv_fingerprints prints;
    sv_buffer string;
    sv_sip_view *view = sv_arena_alloc_raw(arena, sizeof *view);
    must(view != NULL);
    sipveil_limits_default(&limits);
    if (sv_sip_read(message, SV_SIP_DATAGRAM, &limits, view, NULL) != SIPVEIL_OK) {
        check_fragment(message, view, &limits, arena);
        return;
    }
    if (sv_fingerprints_read(view, &limits, arena, &prints, NULL) != SIPVEIL_OK) must(prints.count == 0);
    if (sv_identity_originator(&naming, view, arena, &name, NULL) == SIPVEIL_OK && !name.is_number) {
        /* one form: read again it is itself */
        must(sv_identity_name_read(&naming, name.text, arena, &back, NULL) == SIPVEIL_OK && (back.is_number || sv_equal(back.text, name.text)));
    }
    sv_buffer_init(&string, arena, message.len, 1 << 20);
    if (sv_digest_string_put(view, sv_sip_value(view, SV_F_DATE), &string, NULL) != SIPVEIL_OK) return;
    must(string.len >= view->body.len);
    check_again(view, sv_buffer_span(&string), &limits, arena);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    if (size <= 1 << 16) check(sv_span(data, size), fuzz_arena(1 << 18, 64u << 20));
}
