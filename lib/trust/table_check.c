/* SPDX-License-Identifier: BSD-2-Clause */
/* The table as a whole: what no single line shows (TRU-03, TRU-12); then the indexes. */
#include <stdarg.h>
#include <stdio.h>

#include "trust/table.h"

enum { WARNINGS_MOST = 256 };

static sv_place place_of(const sv_partner *p, sv_partner_key key)
{
    return (sv_place){p->place.file, p->lines[key] != 0 ? p->lines[key] : p->place.line};
}

static void SV_PRINTF(2, 3) warn(sv_table_reader *r, const char *format, ...)
{
    sipveil_trust_table *t = r->table;
    char text[300];
    va_list arguments;
    if (t->warnings == NULL) t->warnings = sv_arena_alloc_array(t->arena, WARNINGS_MOST, sizeof *t->warnings);
    r->no_memory |= t->warnings == NULL;
    if (t->warnings == NULL || t->warning_count == WARNINGS_MOST) return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *copy = sv_arena_string(t->arena, sv_span_str(text));
    if (copy != NULL) t->warnings[t->warning_count++] = copy;
    else r->no_memory = true;
}

static void check_spec(sv_table_reader *r)
{
    sipveil_trust_table *t = r->table;
    sv_spec *s = &t->spec;
    static const char hint[] =
        "say no_privacy = remove (the practice at a border) or keep (what RFC 3325 recommends within one)";
    if (s->place.file == NULL) {
        s->place = (sv_place){r->at.file, 1};
        (void)sv_table_mistake(r, s->place, hint,
                               "there is no [trust-domain] section, which says what a missing Privacy header means");
        return;
    }
    if (!s->has_keep) {
        (void)sv_table_mistake(r, s->place, hint,
                               "[trust-domain] lacks no_privacy: what does a missing Privacy header mean?");
    }
    if (s->serves != 0 && s->service_host.len == 0) {
        sv_place at = {s->place.file, s->lines[SV_S_PRIVACY_SERVICE]};
        (void)sv_table_mistake(r, at, "name the host that the far side is to answer to",
                               "privacy_service needs service_host");
    }
    if (s->strict_border && s->profile != SIPVEIL_TRUST_PROFILE_MM_BORDER) {
        (void)sv_table_mistake(r, (sv_place){s->place.file, s->lines[SV_S_STRICT_BORDER]}, NULL,
                               "strict_border belongs to profile mm-border");
    }
    if (s->strict_border)
        warn(r, "strict_border removes P-Asserted-Identity for Privacy: none too, against RFC 3325 section 7");
    if (s->profile == SIPVEIL_TRUST_PROFILE_IMS_REL5) {
        warn(r, "profile ims-rel5 believes every previous hop and never removes P-Asserted-Identity: for closed "
                "networks only");
    }
    if (s->level == 2) warn(r, "level = 2: every authenticated peer is trusted, partner or not");
}

static void check_partner(sv_table_reader *r, const sv_partner *p)
{
    sipveil_trust_table *t = r->table;
    bool trusts = p->trust_in || p->trust_out;
    if (p->domain_count == 0 && p->lines[SV_P_DOMAINS] == 0) { /* a wrong value was told already */
        (void)sv_table_mistake(r, p->place, "domains = the SIP domains of this partner, each by its full name",
                               "[partner %s] lacks domains", SV_QUOTE(p->name));
    }
    if (p->protection == 0 && p->lines[SV_P_PROTECTION] == 0) {
        (void)sv_table_mistake(r, place_of(p, SV_P_PROTECTION),
                               "protection = tls-mutual, ipsec or smime, or several of them",
                               "[partner %s] lacks protection", SV_QUOTE(p->name));
    }
    if (trusts && p->level < 2) {
        (void)sv_table_mistake(
            r, place_of(p, SV_P_LEVEL), "level 2 takes a proved identity, level 3 an agreement beside it",
            "[partner %s] is trusted at level %u: an address alone proves nothing", SV_QUOTE(p->name), p->level);
    }
    if (p->protection & ~t->spec.between_nodes) {
        (void)sv_table_mistake(r, place_of(p, SV_P_PROTECTION), NULL,
                               "[partner %s] has a protection that between_nodes of [trust-domain] does not allow",
                               SV_QUOTE(p->name));
    }
    if (p->valid_from > p->valid_to) {
        (void)sv_table_mistake(r, place_of(p, SV_P_VALID_TO), NULL, "[partner %s] ends before it begins",
                               SV_QUOTE(p->name));
    }
    if (trusts && p->level >= 2 && p->level < t->spec.level) {
        warn(r, "partner %s has level %u where [trust-domain] asks for %u: it is never trusted", SV_QUOTE(p->name),
             p->level, t->spec.level);
    }
    if (p->protection == SIPVEIL_TRUST_BY_SMIME && p->confidential) {
        warn(r, "partner %s is confidential and has smime alone: only what is encrypted to us would count",
             SV_QUOTE(p->name));
    }
}

/* ---- indexes: open addressing over twice the count ---- */

static bool index_start(sv_arena *arena, sv_index *index, size_t count)
{
    size_t size = 8;
    while (size < 2 * count) size *= 2;
    index->slots = sv_arena_alloc_array(arena, size, sizeof *index->slots);
    index->mask = size - 1;
    return index->slots != NULL;
}

static size_t free_slot(const sv_index *index, uint64_t hash)
{
    size_t at = (size_t)hash & index->mask;
    while (index->slots[at] != 0) at = (at + 1) & index->mask;
    return at;
}

typedef struct name_index {
    sv_named *names;
    size_t *count;
    sv_index *index;
    const sv_partner *(*find)(const sipveil_trust_table *table, sipveil_span name);
    sv_partner_key key;
} name_index;

static void index_names(sv_table_reader *r, const name_index *to, const sv_partner *p, const sipveil_span *names,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const sv_partner *other = to->find(r->table, names[i]);
        if (other != NULL) {
            bool told = p->cert_names == p->domains && to->key == SV_P_CERT_NAMES &&
                        sv_table_by_domain(r->table, names[i]) == other;
            if (told) continue;
            (void)sv_table_mistake(r, place_of(p, to->key),
                                   "a name belongs to one partner: join the sections, or take it out of one",
                                   "[partner %s] names %s, which [partner %s] (%s:%u) has", SV_QUOTE(p->name),
                                   SV_QUOTE(names[i]), SV_QUOTE(other->name), other->place.file, other->place.line);
            continue;
        }
        to->names[*to->count] = (sv_named){names[i], p};
        to->index->slots[free_slot(to->index, sv_hash_name(names[i]))] = (uint32_t)++*to->count;
    }
}

static void index_range(sipveil_trust_table *t, const sv_partner *p, const sv_prefix *prefix)
{
    if (sv_table_has_range(t, prefix)) return; /* the first row of a range is the one that is found */
    t->ranges[t->range_count] = (sv_ranged){*prefix, p};
    t->by_range.slots[free_slot(&t->by_range, sv_hash_prefix(prefix))] = (uint32_t)++t->range_count;
    t->lengths[prefix->bits / 64] |= UINT64_C(1) << prefix->bits % 64;
}

sipveil_code sv_table_index(sv_table_reader *r)
{
    sipveil_trust_table *t = r->table;
    size_t domains = 0, names = 0, ranges = 0;
    for (sv_partner *p = t->first; p != NULL; p = p->next) {
        if (p->cert_name_count == 0) { /* TRU-11: the domains themselves */
            p->cert_names = p->domains;
            p->cert_name_count = p->domain_count;
        }
        domains += p->domain_count;
        names += p->cert_name_count;
        ranges += p->ip_count;
    }
    t->domains = sv_arena_alloc_array(t->arena, domains, sizeof *t->domains);
    t->cert_names = sv_arena_alloc_array(t->arena, names, sizeof *t->cert_names);
    t->ranges = sv_arena_alloc_array(t->arena, ranges, sizeof *t->ranges);
    if (t->domains == NULL || t->cert_names == NULL || t->ranges == NULL ||
        !index_start(t->arena, &t->by_domain, domains) || !index_start(t->arena, &t->by_cert_name, names) ||
        !index_start(t->arena, &t->by_range, ranges)) {
        return sv_no_memory(r->first, SV_TRUST);
    }
    const name_index by_domain = {t->domains, &t->domain_count, &t->by_domain, sv_table_by_domain, SV_P_DOMAINS};
    const name_index by_name = {t->cert_names, &t->cert_name_count, &t->by_cert_name, sv_table_by_cert_name,
                                SV_P_CERT_NAMES};
    for (const sv_partner *p = t->first; p != NULL; p = p->next) {
        index_names(r, &by_domain, p, p->domains, p->domain_count);
        index_names(r, &by_name, p, p->cert_names, p->cert_name_count);
        for (size_t i = 0; i < p->ip_count; i++) index_range(t, p, &p->ip[i]);
    }
    return SIPVEIL_OK;
}

/* ---- partner names ---- */

static sipveil_code check_unique_names(sv_table_reader *r)
{
    sipveil_trust_table *t = r->table;
    sv_index index;
    if (t->count == 0) return SIPVEIL_OK;
    const sv_partner **rows = sv_arena_alloc_array(t->arena, t->count, sizeof *rows);
    size_t n = 0;
    if (rows == NULL || !index_start(t->arena, &index, t->count)) return sv_no_memory(r->first, SV_TRUST);
    for (const sv_partner *p = t->first; p != NULL; p = p->next) {
        size_t at = (size_t)sv_hash_name(p->name) & index.mask;
        while (index.slots[at] != 0 && !sv_equal_nocase(rows[index.slots[at] - 1]->name, p->name))
            at = (at + 1) & index.mask;
        if (index.slots[at] != 0) {
            const sv_partner *other = rows[index.slots[at] - 1];
            (void)sv_table_mistake(r, p->place, "each section needs a name of its own",
                                   "[partner %s] stands in %s:%u already", SV_QUOTE(p->name), other->place.file,
                                   other->place.line);
            continue;
        }
        rows[n++] = p;
        index.slots[at] = (uint32_t)n;
    }
    return SIPVEIL_OK;
}

sipveil_code sv_table_check(sv_table_reader *r)
{
    check_spec(r);
    SV_TRY(check_unique_names(r));
    for (const sv_partner *p = r->table->first; p != NULL; p = p->next) check_partner(r, p);
    return r->no_memory ? sv_no_memory(r->first, SV_TRUST) : SIPVEIL_OK;
}
