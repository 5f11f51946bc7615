/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/privacy.h"

#include <stdio.h>

#include "base/field.h"

static const struct {
    const char *name;
    unsigned bit;
} words[] = {{"header", SV_PRIVACY_HEADER},  {"session", SV_PRIVACY_SESSION},   {"user", SV_PRIVACY_USER},
             {"none", SV_PRIVACY_NONE},      {"critical", SV_PRIVACY_CRITICAL}, {"id", SV_PRIVACY_ID},
             {"history", SV_PRIVACY_HISTORY}};
enum { WORDS = sizeof words / sizeof *words };

static unsigned bit_of(sipveil_span word)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (sv_equal_nocase_str(word, words[i].name)) return words[i].bit;
    }
    return SV_PRIVACY_UNKNOWN;
}

/* One value and what separates it from the next: ";", or "," of those who took it for a list (TRU-25). */
static bool take_value(sv_cursor *c, sipveil_span *word)
{
    sv_skip_lws(c);
    *word = sv_take_while(c, sv_is_token);
    sv_skip_lws(c);
    if (word->len == 0) return false;
    return sv_at_end(c) || ((sv_take_if(c, ';') || sv_take_if(c, ',')) && !sv_at_end(c));
}

static void note(sv_privacy *p, sipveil_span word)
{
    unsigned bit = bit_of(word);
    if (bit != SV_PRIVACY_UNKNOWN) {
        if (p->values & bit) p->doubled = true;
    } else if (p->unknown_count < SV_PRIVACY_UNKNOWN_MOST) {
        p->unknown[p->unknown_count++] = word;
    }
    p->values |= bit;
}

sipveil_code sv_privacy_read(const sv_sip_view *view, sv_privacy *out, sipveil_error *err)
{
    *out = (sv_privacy){0};
    for (const sv_sip_field *row = sv_sip_first(view, SV_F_PRIVACY); row != NULL; row = sv_sip_next(view, row)) {
        sv_cursor c = sv_cursor_over(row->value, "Privacy");
        do {
            sipveil_span word;
            if (!take_value(&c, &word)) {
                return sv_fail_rule(err, "sip", SIPVEIL_MALFORMED, "TRU-25", sv_offset(&c),
                                    "header field Privacy is no list of values: \"%s\"", SV_QUOTE(row->value));
            }
            note(out, word);
        } while (!sv_at_end(&c));
    }
    unsigned protective = out->values & ~(unsigned)(SV_PRIVACY_NONE | SV_PRIVACY_CRITICAL);
    if ((out->values & SV_PRIVACY_NONE) && protective != 0) {
        out->values &= ~(unsigned)SV_PRIVACY_NONE;
        out->drop_none = true;
    }
    if (out->values & SV_PRIVACY_NONE) out->values = SV_PRIVACY_NONE; /* "none;critical": nothing is asked for */
    if (out->values == SV_PRIVACY_CRITICAL) out->values = 0;
    return SIPVEIL_OK;
}

void sv_privacy_drop(sv_sip_edit *edit, unsigned values, sv_arena *arena)
{
    for (const sv_sip_field *row = sv_sip_first(edit->view, SV_F_PRIVACY); row != NULL;
         row = sv_sip_next(edit->view, row)) {
        sv_cursor c = sv_cursor_over(row->value, "Privacy");
        sv_buffer left;
        sipveil_span word;
        bool dropped = false;
        sv_buffer_init(&left, arena, row->value.len, row->value.len + 1);
        while (!sv_at_end(&c)) {
            (void)take_value(&c, &word);
            if (word.len == 0) break; /* was read before: cannot be */
            if (bit_of(word) & values) {
                dropped = true;
                continue;
            }
            if (left.len > 0) sv_put_byte(&left, ';');
            sv_put(&left, word);
        }
        if (left.failed) edit->no_memory = true;
        if (!dropped) continue;
        if (left.len == 0) sv_sip_edit_remove(edit, row);
        else sv_sip_edit_set_value(edit, row, sv_buffer_span(&left), arena);
    }
}

void sv_privacy_list(const sv_privacy *privacy, unsigned values, char *out, size_t room)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < WORDS && used < room; i++) {
        if (!(values & words[i].bit)) continue;
        int n = snprintf(out + used, room - used, "%s%s", used > 0 ? ", " : "", words[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; (values & SV_PRIVACY_UNKNOWN) && i < privacy->unknown_count && used < room; i++) {
        int n = snprintf(out + used, room - used, "%s%.*s", used > 0 ? ", " : "", (int)privacy->unknown[i].len,
                         (const char *)privacy->unknown[i].data);
        used += n > 0 ? (size_t)n : 0;
    }
}
