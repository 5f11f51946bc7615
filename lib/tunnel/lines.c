/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that a person's editor left with bare LF line ends (ADV-009). */
#include "base/cursor.h"
#include "tunnel/operation.h"

/* Every LF that lacks its CR gets one, in the header and the body; Content-Length follows if it counted
 * either form. */
static sipveil_code to_crlf(sv_arena *arena, sipveil_span message, const sipveil_limits *limits,
                            sipveil_span *out, sipveil_error *err)
{
    sv_buffer b;
    sv_buffer_init(&b, arena, message.len + message.len / 16 + 256, limits->message);
    for (size_t i = 0; i < message.len; i++) {
        if (message.data[i] == '\n' && (i == 0 || message.data[i - 1] != '\r')) sv_put_byte(&b, '\r');
        sv_put_byte(&b, message.data[i]);
    }
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, err));
    *out = sv_buffer_span(&b);
    return SIPVEIL_OK;
}

/* A message in bare LF whose Content-Length counted LF line ends: the number is put right. */
static sipveil_code fix_length(sv_arena *arena, sipveil_span original, sipveil_span *message,
                               const sipveil_limits *limits, sipveil_error *err)
{
    size_t at, lf_body;
    if (!sv_find(original, SV_SPAN("\n\n"), &lf_body)) return SIPVEIL_OK;
    size_t counted = original.len - lf_body - 2;
    if (!sv_find(*message, SV_SPAN("\r\n\r\n"), &at)) return SIPVEIL_OK;
    sipveil_span head = sv_span(message->data, at + 2), body = sv_span_from(*message, at + 4);
    sv_cursor c = sv_cursor_over(head, "header");
    sipveil_span line;
    while (!sv_at_end(&c) && sv_take_until(&c, '\n', &line)) {
        c.at++;
        size_t colon;
        uint64_t length;
        if (!sv_find_byte(line, ':', &colon)) continue;
        sipveil_span name = sv_trim(sv_span(line.data, colon));
        sipveil_span value = sv_trim(sv_span_from(line, colon + 1));
        if (sv_field_id_of(name) != SV_F_CONTENT_LENGTH) continue;
        if (!sv_read_number(value, limits->message, &length) || length != counted || counted == body.len) break;
        sv_buffer b;
        sv_buffer_init(&b, arena, message->len + 16, limits->message);
        sv_put(&b, sv_span(message->data, (size_t)(value.data - message->data)));
        sv_put_number(&b, body.len);
        sv_put(&b, sv_span_through(sv_span(value.data + value.len, 0), body));
        SV_TRY(sv_buffer_check(&b, SV_TUNNEL, err));
        *message = sv_buffer_span(&b);
        break;
    }
    return SIPVEIL_OK;
}

sipveil_code sv_normalise_lines(sv_arena *arena, sipveil_span *message, const sipveil_limits *limits,
                                bool *changed, sipveil_error *err)
{
    sipveil_span original = *message;
    *changed = false;
    if (!sv_sip_uses_bare_lf(*message)) return SIPVEIL_OK;
    *changed = true;
    SV_TRY(to_crlf(arena, original, limits, message, err));
    return fix_length(arena, original, message, limits, err);
}
