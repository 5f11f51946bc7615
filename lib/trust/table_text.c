/* SPDX-License-Identifier: BSD-2-Clause */
/* The effective table as text: what was read, with every default written out; it reads back as the same table. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "base/calendar.h"
#include "trust/table_words.h"

enum { LINE_WIDTH = 18 };

static void put_key(sv_buffer *b, const char *key)
{
    sv_put_format(b, "%-*s= ", LINE_WIDTH, key);
}

static void put_text(sv_buffer *b, const char *key, sipveil_span value)
{
    if (value.len == 0) return;
    put_key(b, key);
    sv_put(b, value);
    sv_put_byte(b, '\n');
}

static void put_items(sv_buffer *b, const char *key, const sipveil_span *items, size_t count)
{
    if (count == 0) return;
    put_key(b, key);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) sv_put_byte(b, ' ');
        sv_put(b, items[i]);
    }
    sv_put_byte(b, '\n');
}

/* Every word whose bit is set. */
static void put_words(sv_buffer *b, const char *key, const sv_word *words, size_t count, unsigned bits)
{
    bool any = false;
    put_key(b, key);
    for (size_t i = 0; i < count; i++) {
        if (words[i].bit == 0 || !(bits & words[i].bit)) continue;
        if (any) sv_put_byte(b, ' ');
        sv_put_str(b, words[i].word);
        any = true;
    }
    for (size_t i = 0; i < count && !any; i++) {
        if (words[i].bit == 0) sv_put_str(b, words[i].word);
    }
    sv_put_byte(b, '\n');
}

/* The one word of that value. */
static void put_word(sv_buffer *b, const char *key, const sv_word *words, size_t count, unsigned value)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].bit == value) put_text(b, key, sv_span_str(words[i].word));
    }
}

static void put_yes(sv_buffer *b, const char *key, bool yes)
{
    put_text(b, key, yes ? SV_SPAN("yes") : SV_SPAN("no"));
}

static void put_level(sv_buffer *b, const char *key, unsigned level)
{
    put_key(b, key);
    sv_put_number(b, level);
    sv_put_byte(b, '\n');
}

static void put_time(sv_buffer *b, const char *key, int64_t seconds)
{
    char text[SV_CALENDAR_TEXT];
    if (!sv_calendar_text(seconds, text)) return;
    put_text(b, key, sv_span_str(text));
}

static void put_ranges(sv_buffer *b, const sv_partner *p)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (p->ip_count == 0) return;
    put_key(b, "ip");
    for (size_t i = 0; i < p->ip_count; i++) {
        const sv_prefix *r = &p->ip[i];
        char text[INET6_ADDRSTRLEN] = "";
        bool v4 = r->bits >= 96 && sv_equal(sv_span(r->octets, sizeof mapped), sv_span(mapped, sizeof mapped));
        if (inet_ntop(v4 ? AF_INET : AF_INET6, r->octets + (v4 ? 12 : 0), text, sizeof text) == NULL) continue;
        sv_put_format(b, "%s%s/%u", i > 0 ? " " : "", text, v4 ? r->bits - 96u : r->bits);
    }
    sv_put_byte(b, '\n');
}

static void put_spec(sv_buffer *b, const sv_spec *s)
{
    static const sipveil_span no_strip = {(const uint8_t *)"none", 4};
    sv_put_str(b, "[trust-domain]\n");
    put_text(b, "name", s->name);
    put_word(b, "profile", SV_WORDS(profile), s->profile);
    put_word(b, "no_privacy", SV_WORDS(privacy), s->keep);
    put_level(b, "level", s->level);
    put_items(b, "authentication", s->authentication, s->authentication_count);
    put_words(b, "between_nodes", SV_WORDS(protection), s->between_nodes);
    put_words(b, "between_ua", SV_WORDS(ua), s->between_ua);
    put_words(b, "rules", SV_WORDS(rules), s->rules);
    put_words(b, "schemes", SV_WORDS(schemes), s->schemes);
    put_yes(b, "eku_tls", s->eku_tls);
    put_items(b, "gateways", s->gateways, s->gateway_count);
    put_word(b, "pai_in_responses", SV_WORDS(responses), s->assert_in_responses);
    put_word(b, "must_auth", SV_WORDS(auth), s->must_auth);
    put_word(b, "ppi_mismatch", SV_WORDS(mismatch), s->refuse_preference);
    put_items(b, "strip", s->strip_count > 0 ? s->strip : &no_strip, s->strip_count > 0 ? s->strip_count : 1);
    put_yes(b, "strip_done", s->strip_done);
    put_yes(b, "strict5379", s->strict5379);
    put_yes(b, "strict_border", s->strict_border);
    put_words(b, "privacy_service", SV_WORDS(service), s->serves);
    put_text(b, "service_host", s->service_host);
}

static void put_partner(sv_buffer *b, const sv_partner *p, const sv_spec *s)
{
    sv_put_str(b, "\n# ");
    sv_put(b, sv_span_str(p->place.file));
    sv_put_format(b, ":%u\n[partner ", p->place.line);
    sv_put(b, p->name);
    sv_put_str(b, "]\n");
    put_items(b, "domains", p->domains, p->domain_count);
    put_ranges(b, p);
    put_items(b, "cert_names", p->cert_names, p->cert_name_count);
    put_items(b, "anchors", p->anchor_texts, p->anchor_text_count);
    put_words(b, "protection", SV_WORDS(protection), p->protection);
    put_level(b, "level", p->level);
    put_yes(b, "trust_in", p->trust_in);
    put_yes(b, "trust_out", p->trust_out);
    put_yes(b, "confidential", p->confidential);
    put_word(b, "no_privacy", SV_WORDS(privacy), p->has_keep ? p->keep : s->keep);
    put_level(b, "from_level", p->from_level);
    if (p->valid_from != INT64_MIN) put_time(b, "valid_from", p->valid_from);
    if (p->valid_to != INT64_MAX) put_time(b, "valid_to", p->valid_to);
}

sipveil_code sipveil_trust_table_text(const sipveil_trust_table *table, char **text, sipveil_error *err)
{
    sv_buffer b;
    if (table == NULL || text == NULL) return sv_fail(err, SV_TRUST, SIPVEIL_USAGE, "a table and a place are needed");
    *text = NULL;
    sv_arena *arena = sv_arena_new(4096, 1 << 30);
    if (arena == NULL) return sv_no_memory(err, SV_TRUST);
    sv_buffer_init(&b, arena, 1024 + 512 * table->count, 1 << 29);
    put_spec(&b, &table->spec);
    for (const sv_partner *p = table->first; p != NULL; p = p->next) put_partner(&b, p, &table->spec);
    sipveil_code code = sv_buffer_check(&b, SV_TRUST, err);
    if (code == SIPVEIL_OK) {
        sv_put_byte(&b, '\0');
        *text = b.failed ? NULL : strndup((const char *)b.data, b.len);
        if (*text == NULL) code = sv_no_memory(err, SV_TRUST);
    }
    sv_arena_free(arena);
    return code;
}

void sipveil_trust_text_free(char *text)
{
    free(text);
}
