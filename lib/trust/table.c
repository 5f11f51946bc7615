/* SPDX-License-Identifier: BSD-2-Clause */
/* The table as an object: read whole or not at all, frozen, shared by its owners; and how a row is found. */
#include "trust/table.h"

#include <stdlib.h>

enum { TABLE_BLOCK = 64 << 10, TABLE_MOST = 1 << 30 };

/* ---- hashes: FNV-1a; the names are the operator's own ---- */

static uint64_t mix(uint64_t hash, sipveil_span octets)
{
    for (size_t i = 0; i < octets.len; i++) hash = (hash ^ (uint8_t)sv_lower(octets.data[i])) * UINT64_C(0x100000001B3);
    return hash;
}
#define HASH_START UINT64_C(0xCBF29CE484222325)

static uint64_t fold(uint64_t hash)
{
    return hash ^ hash >> 32;
}

uint64_t sv_hash_name(sipveil_span name)
{
    return fold(mix(HASH_START, name));
}

uint64_t sv_hash_prefix(const sv_prefix *prefix)
{
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < sizeof prefix->octets; i++) hash = (hash ^ prefix->octets[i]) * UINT64_C(0x100000001B3);
    return fold((hash ^ prefix->bits) * UINT64_C(0x100000001B3));
}

/* ---- look-ups ---- */

static const sv_partner *find_name(const sv_index *index, const sv_named *names, sipveil_span name)
{
    if (index->slots == NULL || name.len == 0) return NULL;
    for (size_t at = (size_t)sv_hash_name(name) & index->mask; index->slots[at] != 0; at = (at + 1) & index->mask) {
        const sv_named *found = &names[index->slots[at] - 1];
        if (sv_equal_nocase(found->name, name)) return found->row;
    }
    return NULL;
}

const sv_partner *sv_table_by_domain(const sipveil_trust_table *table, sipveil_span domain)
{
    return find_name(&table->by_domain, table->domains, domain);
}

const sv_partner *sv_table_by_cert_name(const sipveil_trust_table *table, sipveil_span name)
{
    return find_name(&table->by_cert_name, table->cert_names, name);
}

static sv_prefix cut_to(const uint8_t address[16], unsigned bits)
{
    sv_prefix p = {.bits = (uint8_t)bits};
    for (unsigned i = 0; i < 16; i++) {
        unsigned left = bits > 8 * i ? bits - 8 * i : 0;
        p.octets[i] = (uint8_t)(address[i] & (left >= 8 ? 0xFF : 0xFF << (8 - left)));
    }
    return p;
}

static bool same_prefix(const sv_prefix *a, const sv_prefix *b)
{
    return a->bits == b->bits && sv_equal(sv_span(a->octets, 16), sv_span(b->octets, 16));
}

bool sv_prefix_holds(const sv_prefix *prefix, const uint8_t address[16])
{
    sv_prefix cut = cut_to(address, prefix->bits);
    return same_prefix(&cut, prefix);
}

static const sv_partner *find_range(const sipveil_trust_table *table, const sv_prefix *wanted)
{
    const sv_index *index = &table->by_range;
    for (size_t at = (size_t)sv_hash_prefix(wanted) & index->mask; index->slots[at] != 0; at = (at + 1) & index->mask) {
        const sv_ranged *found = &table->ranges[index->slots[at] - 1];
        if (same_prefix(&found->prefix, wanted)) return found->row;
    }
    return NULL;
}

bool sv_table_has_range(const sipveil_trust_table *table, const sv_prefix *prefix)
{
    return find_range(table, prefix) != NULL;
}

const sv_partner *sv_table_by_address(const sipveil_trust_table *table, const uint8_t address[16])
{
    for (unsigned bits = 128; bits > 0 && table->by_range.slots != NULL; bits--) {
        if (!(table->lengths[bits / 64] >> bits % 64 & 1)) continue;
        sv_prefix wanted = cut_to(address, bits);
        const sv_partner *found = find_range(table, &wanted);
        if (found != NULL) return found;
    }
    return NULL;
}

static int compare_keys(const void *a, const void *b)
{
    const uint8_t *x = a, *y = b;
    size_t i = 0;
    while (i < 31 && x[i] == y[i]) i++;
    return x[i] - y[i];
}

bool sv_table_brings_anchor(const sipveil_trust_table *table, const uint8_t key[32])
{
    return table->file_anchor_count > 0 &&
           bsearch(key, table->file_anchors, table->file_anchor_count, 32, compare_keys) != NULL;
}

/* ---- made and owned ---- */

static sipveil_trust_table *new_table(void)
{
    sv_arena *arena = sv_arena_new(TABLE_BLOCK, TABLE_MOST);
    sipveil_trust_table *table = arena == NULL ? NULL : sv_arena_alloc(arena, sizeof *table);
    if (table == NULL) {
        sv_arena_free(arena);
        return NULL;
    }
    table->arena = arena;
    atomic_init(&table->owners, 1);
    table->spec = (sv_spec){.profile = SIPVEIL_TRUST_PROFILE_RFC3325,
                            .level = 3,
                            .between_nodes = SIPVEIL_TRUST_BY_TLS | SIPVEIL_TRUST_BY_IPSEC | SIPVEIL_TRUST_BY_SMIME,
                            .between_ua = SV_UA_ANY,
                            .rules = SV_RULES_3325 | SV_RULES_5876,
                            .schemes = SV_SCHEME_SIP | SV_SCHEME_SIPS | SV_SCHEME_TEL};
    return table;
}

static bool set_default_strip(sipveil_trust_table *table)
{
    sipveil_span *strip = sv_arena_alloc_array(table->arena, sv_strip_default_count, sizeof *strip);
    if (strip == NULL) return false;
    for (size_t i = 0; i < sv_strip_default_count; i++) strip[i] = sv_span_str(sv_strip_default[i]);
    table->spec.strip = strip;
    table->spec.strip_count = sv_strip_default_count;
    return true;
}

/* What a verdict remembers of the table that it was made with. */
static sipveil_code set_mark(sipveil_trust_table *table, sipveil_error *err)
{
    char *text;
    SV_TRY(sipveil_trust_table_text(table, &text, err)); /* without it, any other table would have the same mark */
    table->mark = mix(HASH_START, sv_span_str(text));
    sipveil_trust_text_free(text);
    for (const sv_partner *p = table->first; p != NULL; p = p->next) {
        if (p->anchor_count > 0) table->mark = mix(table->mark, sv_span(p->anchors, 32 * p->anchor_count));
    }
    return SIPVEIL_OK;
}

static sipveil_code collect_file_anchors(sipveil_trust_table *table, sipveil_error *err)
{
    size_t most = 0;
    for (const sv_partner *p = table->first; p != NULL; p = p->next)
        most += (size_t)__builtin_popcountll(p->anchors_of_files);
    if (most == 0) return SIPVEIL_OK;
    table->file_anchors = sv_arena_alloc_array(table->arena, most, 32);
    if (table->file_anchors == NULL) return sv_no_memory(err, SV_TRUST);
    for (const sv_partner *p = table->first; p != NULL; p = p->next) {
        for (size_t i = 0; i < p->anchor_count; i++) {
            if (!(p->anchors_of_files >> i & 1)) continue;
            for (size_t k = 0; k < 32; k++) table->file_anchors[table->file_anchor_count][k] = p->anchors[i][k];
            table->file_anchor_count++;
        }
    }
    qsort(table->file_anchors, table->file_anchor_count, 32, compare_keys);
    return SIPVEIL_OK;
}

/* The list of `strip` for those who ask in C strings. */
static sipveil_code copy_strip(sipveil_trust_table *table, sipveil_error *err)
{
    const sv_spec *s = &table->spec;
    table->outside_only = sv_arena_alloc_array(table->arena, s->strip_count, sizeof *table->outside_only);
    for (size_t i = 0; table->outside_only != NULL && i < s->strip_count; i++) {
        table->outside_only[i] = sv_arena_string(table->arena, s->strip[i]);
        if (table->outside_only[i] == NULL) return sv_no_memory(err, SV_TRUST);
    }
    return table->outside_only != NULL ? SIPVEIL_OK : sv_no_memory(err, SV_TRUST);
}

static sipveil_code fill_table(sv_table_reader *r, sipveil_span text, const char *name, sipveil_error *err)
{
    if (!set_default_strip(r->table)) return sv_no_memory(err, SV_TRUST);
    SV_TRY(sv_table_read_text(r, text, name));
    SV_TRY(sv_table_check(r));
    SV_TRY(sv_table_index(r));
    SV_TRY(collect_file_anchors(r->table, err));
    SV_TRY(copy_strip(r->table, err));
    return r->mistakes > 0 ? SIPVEIL_USAGE : SIPVEIL_OK;
}

sipveil_code sipveil_trust_table_read(sipveil_span text, const char *name, const sipveil_trust_table_options *options,
                                      sipveil_trust_table **out, sipveil_error *err)
{
    static const sipveil_trust_table_options none = {.size = sizeof none};
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (options == NULL) options = &none;
    if (out == NULL || name == NULL || options->size != sizeof *options) {
        return sv_fail(err, SV_TRUST, SIPVEIL_USAGE,
                       "a name, a place for the table and options (with their size) are needed");
    }
    *out = NULL;
    sipveil_trust_table *table = new_table();
    if (table == NULL) return sv_no_memory(err, SV_TRUST);
    sv_table_reader reader = {.table = table, .options = options, .first = err};
    sipveil_code code = fill_table(&reader, text, name, err);
    if (code == SIPVEIL_OK) code = set_mark(table, err);
    if (code != SIPVEIL_OK) {
        sv_arena_free(table->arena);
        return code;
    }
    *out = table;
    return SIPVEIL_OK;
}

sipveil_trust_table *sipveil_trust_table_hold(sipveil_trust_table *table)
{
    if (table != NULL) atomic_fetch_add_explicit(&table->owners, 1, memory_order_relaxed);
    return table;
}

void sipveil_trust_table_free(sipveil_trust_table *table)
{
    if (table != NULL && atomic_fetch_sub_explicit(&table->owners, 1, memory_order_acq_rel) == 1)
        sv_arena_free(table->arena);
}

size_t sipveil_trust_table_count(const sipveil_trust_table *table)
{
    return table != NULL ? table->count : 0;
}

const char *sipveil_trust_table_warning(const sipveil_trust_table *table, size_t place)
{
    return table != NULL && place < table->warning_count ? table->warnings[place] : NULL;
}

const char *sipveil_trust_table_anchor_file(const sipveil_trust_table *table, size_t place)
{
    return table != NULL && place < table->anchor_file_count ? table->anchor_files[place] : NULL;
}

const char *const *sipveil_trust_table_outside_only(const sipveil_trust_table *table, size_t *count)
{
    *count = table != NULL ? table->spec.strip_count : 0;
    return table != NULL ? table->outside_only : NULL;
}
