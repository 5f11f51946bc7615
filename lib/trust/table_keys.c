/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of both kinds of sections: what each takes. */
#include "keys/domain.h"
#include "sip/values.h"
#include "trust/table_words.h"

const char *const sv_strip_default[] = {"P-Associated-URI", "P-Called-Party-ID", "P-Visited-Network-ID",
                                        "P-Access-Network-Info", "P-Charging-Function-Addresses", "P-Charging-Vector"};
const size_t sv_strip_default_count = sizeof sv_strip_default / sizeof *sv_strip_default;

const sv_word sv_words_protection[] = {
    {"tls-mutual", SIPVEIL_TRUST_BY_TLS}, {"ipsec", SIPVEIL_TRUST_BY_IPSEC}, {"smime", SIPVEIL_TRUST_BY_SMIME}};
const sv_word sv_words_privacy[] = {{"keep", 1}, {"remove", 0}};
const sv_word sv_words_profile[] = {{"rfc3325", SIPVEIL_TRUST_PROFILE_RFC3325},
                                    {"mm-border", SIPVEIL_TRUST_PROFILE_MM_BORDER},
                                    {"ims-rel5", SIPVEIL_TRUST_PROFILE_IMS_REL5}};
const sv_word sv_words_ua[] = {{"any", SV_UA_ANY}, {"tls", SV_UA_TLS}, {"ipsec", SV_UA_IPSEC}};
const sv_word sv_words_rules[] = {{"3325", SV_RULES_3325}, {"5876", SV_RULES_5876}};
const sv_word sv_words_schemes[] = {{"sip", SV_SCHEME_SIP}, {"sips", SV_SCHEME_SIPS}, {"tel", SV_SCHEME_TEL}};
const sv_word sv_words_responses[] = {{"off", 0}, {"assert", 1}};
const sv_word sv_words_auth[] = {{"may", SV_AUTH_MAY}, {"challenge", SV_AUTH_CHALLENGE}, {"refuse", SV_AUTH_REFUSE}};
const sv_word sv_words_mismatch[] = {{"default", 0}, {"refuse", 1}};
const sv_word sv_words_service[] = {{"none", 0}, {"header", SV_SERVES_HEADER}, {"user", SV_SERVES_USER}};

static sipveil_code set_word(sipveil_span value, const sv_word *words, size_t count, bool *out, sipveil_error *err)
{
    unsigned bit = 0;
    SV_TRY(sv_value_word(value, words, count, &bit, err));
    *out = bit != 0;
    return SIPVEIL_OK;
}

static sipveil_code set_level(sipveil_span value, uint64_t least, unsigned *out, sipveil_error *err)
{
    uint64_t level;
    if (!sv_read_number(value, 3, &level) || level < least) {
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET, "'%s' is no level from %u to 3",
                            SV_QUOTE(value), (unsigned)least);
    }
    *out = (unsigned)level;
    return SIPVEIL_OK;
}

/* Items that stay as they are written. */
static sipveil_code set_items(sv_arena *arena, sipveil_span value, const sipveil_span **out, size_t *count,
                              sipveil_error *err)
{
    sipveil_span items[SV_LIST_MOST];
    SV_TRY(sv_value_list(value, items, count, err));
    sipveil_span *kept = sv_arena_alloc_array(arena, *count, sizeof *kept);
    if (kept == NULL) return sv_no_memory(err, SV_TRUST);
    for (size_t i = 0; i < *count; i++) {
        if (!sv_arena_copy(arena, items[i], &kept[i])) return sv_no_memory(err, SV_TRUST);
    }
    *out = kept;
    return SIPVEIL_OK;
}

static sipveil_code set_domains(sv_arena *arena, sipveil_span value, const sipveil_span **out, size_t *count,
                                sipveil_error *err)
{
    sipveil_span items[SV_LIST_MOST];
    size_t given;
    SV_TRY(sv_value_list(value, items, &given, err));
    sipveil_span *kept = sv_arena_alloc_array(arena, given, sizeof *kept);
    if (kept == NULL) return sv_no_memory(err, SV_TRUST);
    for (size_t i = 0; i < given; i++) SV_TRY(sv_value_domain(items[i], arena, &kept[i], err));
    *out = kept;
    *count = given;
    return SIPVEIL_OK;
}

static sipveil_code set_ranges(sv_arena *arena, sipveil_span value, sv_partner *p, sipveil_error *err)
{
    sipveil_span items[SV_LIST_MOST];
    size_t given;
    SV_TRY(sv_value_list(value, items, &given, err));
    sv_prefix *kept = sv_arena_alloc_array(arena, given, sizeof *kept);
    if (kept == NULL) return sv_no_memory(err, SV_TRUST);
    for (size_t i = 0; i < given; i++) SV_TRY(sv_value_prefix(items[i], &kept[i], err));
    p->ip = kept;
    p->ip_count = given;
    return SIPVEIL_OK;
}

/* ---- anchors: sha256:HEX, or a file of certificates ---- */

static sipveil_code note_anchor_file(sipveil_trust_table *table, const char *name, sipveil_error *err)
{
    if (table->anchor_files == NULL)
        table->anchor_files = sv_arena_alloc_array(table->arena, SV_TABLE_FILES_MOST, sizeof *table->anchor_files);
    if (table->anchor_files == NULL) return sv_no_memory(err, SV_TRUST);
    for (size_t i = 0; i < table->anchor_file_count; i++) {
        if (sv_equal_str(sv_span_str(name), table->anchor_files[i])) return SIPVEIL_OK;
    }
    if (table->anchor_file_count == SV_TABLE_FILES_MOST) {
        return sv_fail(err, SV_TRUST, SIPVEIL_USAGE, "more than %d files of anchors", SV_TABLE_FILES_MOST);
    }
    char *copy = sv_arena_string(table->arena, sv_span_str(name));
    if (copy == NULL) return sv_no_memory(err, SV_TRUST);
    table->anchor_files[table->anchor_file_count++] = copy;
    return SIPVEIL_OK;
}

static sipveil_code take_anchor(sv_table_reader *r, sipveil_span item, uint8_t (*out)[32], size_t room, size_t *count,
                                sipveil_error *err)
{
    sipveil_span text;
    const char *name = NULL;
    if (room == 0) { /* a file holds several */
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET, "more than %d anchors", SV_LIST_MOST);
    }
    if (sv_starts_nocase_str(item, "sha256:")) {
        *count = 1;
        if (sv_read_fingerprint(sv_span_from(item, 7), out[0])) return SIPVEIL_OK;
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET,
                            "'%s' is not sha256: and 64 hex digits", SV_QUOTE(item));
    }
    if (r->options->read == NULL || r->options->context == NULL) {
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET,
                            "files of anchors are not read here");
    }
    const char *named = sv_arena_string(r->table->arena, item);
    if (named == NULL) return sv_no_memory(err, SV_TRUST);
    SV_TRY(r->options->read(r->options->user, named, r->at.file, &text, &name, err));
    sipveil_code code = sv_keys_hash_public_keys(r->options->context, text, out, room, count, err);
    if (code != SIPVEIL_OK) {
        sv_fail_prefix(err, "%s: ", name);
        return code;
    }
    return note_anchor_file(r->table, name, err);
}

static sipveil_code set_anchors(sv_table_reader *r, sipveil_span value, sv_partner *p, sipveil_error *err)
{
    uint8_t(*keys)[32] = sv_arena_alloc_array(r->table->arena, SV_LIST_MOST, 32);
    if (keys == NULL) return sv_no_memory(err, SV_TRUST);
    SV_TRY(set_items(r->table->arena, value, &p->anchor_texts, &p->anchor_text_count, err));
    p->anchors = (const uint8_t(*)[32])keys;
    p->anchor_count = 0;
    for (size_t i = 0; i < p->anchor_text_count; i++) {
        size_t more = 0;
        SV_TRY(take_anchor(r, p->anchor_texts[i], keys + p->anchor_count, SV_LIST_MOST - p->anchor_count, &more, err));
        for (size_t k = 0; k < more && !sv_starts_nocase_str(p->anchor_texts[i], "sha256:"); k++)
            p->anchors_of_files |= UINT64_C(1) << (p->anchor_count + k);
        p->anchor_count += more;
    }
    return SIPVEIL_OK;
}

/* ---- [partner NAME] ---- */

static const char *const partner_keys[SV_P_COUNT] = {
    [SV_P_DOMAINS] = "domains",           [SV_P_IP] = "ip",
    [SV_P_CERT_NAMES] = "cert_names",     [SV_P_ANCHORS] = "anchors",
    [SV_P_PROTECTION] = "protection",     [SV_P_LEVEL] = "level",
    [SV_P_TRUST_IN] = "trust_in",         [SV_P_TRUST_OUT] = "trust_out",
    [SV_P_CONFIDENTIAL] = "confidential", [SV_P_NO_PRIVACY] = "no_privacy",
    [SV_P_FROM_LEVEL] = "from_level",     [SV_P_VALID_FROM] = "valid_from",
    [SV_P_VALID_TO] = "valid_to"};

static sipveil_code set_partner_key(sv_table_reader *r, sv_partner_key key, sipveil_span value, sipveil_error *err)
{
    sv_partner *p = r->partner;
    sv_arena *arena = r->table->arena;
    switch (key) {
    case SV_P_DOMAINS: return set_domains(arena, value, &p->domains, &p->domain_count, err);
    case SV_P_IP: return set_ranges(arena, value, p, err);
    case SV_P_CERT_NAMES: return set_domains(arena, value, &p->cert_names, &p->cert_name_count, err);
    case SV_P_ANCHORS: return set_anchors(r, value, p, err);
    case SV_P_PROTECTION: return sv_value_words(value, SV_WORDS(protection), &p->protection, err);
    case SV_P_LEVEL: return set_level(value, 0, &p->level, err);
    case SV_P_TRUST_IN: return sv_value_yes(value, &p->trust_in, err);
    case SV_P_TRUST_OUT: return sv_value_yes(value, &p->trust_out, err);
    case SV_P_CONFIDENTIAL: return sv_value_yes(value, &p->confidential, err);
    case SV_P_NO_PRIVACY: p->has_keep = true; return set_word(value, SV_WORDS(privacy), &p->keep, err);
    case SV_P_FROM_LEVEL: return set_level(value, 0, &p->from_level, err);
    case SV_P_VALID_FROM: return sv_value_time(value, false, &p->valid_from, err);
    case SV_P_VALID_TO: return sv_value_time(value, true, &p->valid_to, err);
    default: return sv_fail(err, SV_TRUST, SIPVEIL_INTERNAL, "a key without a reader");
    }
}

/* ---- [trust-domain] ---- */

static const char *const spec_keys[SV_S_COUNT] = {
    [SV_S_NAME] = "name", [SV_S_PROFILE] = "profile", [SV_S_NO_PRIVACY] = "no_privacy", [SV_S_LEVEL] = "level",
    [SV_S_AUTHENTICATION] = "authentication", [SV_S_BETWEEN_NODES] = "between_nodes", [SV_S_BETWEEN_UA] = "between_ua",
    [SV_S_RULES] = "rules", [SV_S_SCHEMES] = "schemes", [SV_S_EKU_TLS] = "eku_tls", [SV_S_GATEWAYS] = "gateways",
    [SV_S_PAI_IN_RESPONSES] = "pai_in_responses", [SV_S_STRIP_DONE] = "strip_done", [SV_S_STRICT5379] = "strict5379",
    [SV_S_STRICT_BORDER] = "strict_border", [SV_S_MUST_AUTH] = "must_auth", [SV_S_PPI_MISMATCH] = "ppi_mismatch",
    [SV_S_STRIP] = "strip", [SV_S_PRIVACY_SERVICE] = "privacy_service", [SV_S_SERVICE_HOST] = "service_host"};

/* A header field that routing, the transaction or this very room needs is not for a list (TRU-26, TRU-36). */
static sipveil_code set_strip(sv_table_reader *r, sipveil_span value, sipveil_error *err)
{
    sv_spec *s = &r->table->spec;
    if (sv_equal_nocase_str(value, "none")) {
        s->strip = NULL;
        s->strip_count = 0;
        return SIPVEIL_OK;
    }
    SV_TRY(set_items(r->table->arena, value, &s->strip, &s->strip_count, err));
    for (size_t i = 0; i < s->strip_count; i++) {
        sv_cursor c = sv_cursor_over(s->strip[i], "strip");
        sv_field_id id = sv_field_id_of(s->strip[i]);
        bool token = sv_take_while(&c, sv_is_token).len > 0 && sv_at_end(&c);
        if (!token)
            return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-10", SIPVEIL_NO_OFFSET, "'%s' is no header field",
                                SV_QUOTE(s->strip[i]));
        if (id == SV_F_OTHER && !sv_starts_nocase_str(s->strip[i], "content-")) continue;
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-10", SIPVEIL_NO_OFFSET,
                            "'%s' cannot be stripped: other rules decide about it", SV_QUOTE(s->strip[i]));
    }
    return SIPVEIL_OK;
}

static sipveil_code set_service(sipveil_span value, unsigned *out, sipveil_error *err)
{
    sipveil_span items[SV_LIST_MOST];
    size_t count;
    SV_TRY(sv_value_list(value, items, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!sv_equal_nocase_str(items[i], "session")) continue;
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET,
                            "session needs an anonymiser of media, which this is not");
    }
    return sv_value_words(value, SV_WORDS(service), out, err);
}

static sipveil_code set_service_host(sv_table_reader *r, sipveil_span value, sipveil_error *err)
{
    sv_sip_uri uri;
    sv_buffer b;
    sv_buffer_init(&b, r->table->arena, value.len + 4, 512);
    sv_put_str(&b, "sip:");
    sv_put(&b, value);
    SV_TRY(sv_buffer_check(&b, SV_TRUST, err));
    bool good = sv_sip_read_uri(sv_buffer_span(&b), &uri, NULL) == SIPVEIL_OK && uri.user.len == 0 &&
                uri.params.len == 0 && uri.headers.len == 0 && uri.host.len > 0;
    if (!good)
        return sv_fail_rule(err, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET, "'%s' is no host or host:port",
                            SV_QUOTE(value));
    r->table->spec.service_host = sv_span_from(sv_buffer_span(&b), 4);
    return SIPVEIL_OK;
}

static sipveil_code set_spec_switch(sv_spec *s, sv_spec_key key, sipveil_span value, sipveil_error *err)
{
    unsigned bit = 0;
    switch (key) {
    case SV_S_EKU_TLS: return sv_value_yes(value, &s->eku_tls, err);
    case SV_S_STRIP_DONE: return sv_value_yes(value, &s->strip_done, err);
    case SV_S_STRICT5379: return sv_value_yes(value, &s->strict5379, err);
    case SV_S_STRICT_BORDER: return sv_value_yes(value, &s->strict_border, err);
    case SV_S_PAI_IN_RESPONSES: return set_word(value, SV_WORDS(responses), &s->assert_in_responses, err);
    case SV_S_PPI_MISMATCH: return set_word(value, SV_WORDS(mismatch), &s->refuse_preference, err);
    case SV_S_NO_PRIVACY: s->has_keep = true; return set_word(value, SV_WORDS(privacy), &s->keep, err);
    case SV_S_PROFILE:
        SV_TRY(sv_value_word(value, SV_WORDS(profile), &bit, err));
        s->profile = (sipveil_trust_profile)bit;
        return SIPVEIL_OK;
    case SV_S_MUST_AUTH:
        SV_TRY(sv_value_word(value, SV_WORDS(auth), &bit, err));
        s->must_auth = (sv_must_auth)bit;
        return SIPVEIL_OK;
    default: return sv_fail(err, SV_TRUST, SIPVEIL_INTERNAL, "a key without a reader");
    }
}

static sipveil_code set_spec_key(sv_table_reader *r, sv_spec_key key, sipveil_span value, sipveil_error *err)
{
    sv_spec *s = &r->table->spec;
    sv_arena *arena = r->table->arena;
    switch (key) {
    case SV_S_NAME: return sv_value_domain(value, arena, &s->name, err);
    case SV_S_LEVEL: return set_level(value, 2, &s->level, err);
    case SV_S_AUTHENTICATION: return set_items(arena, value, &s->authentication, &s->authentication_count, err);
    case SV_S_BETWEEN_NODES: return sv_value_words(value, SV_WORDS(protection), &s->between_nodes, err);
    case SV_S_BETWEEN_UA: return sv_value_words(value, SV_WORDS(ua), &s->between_ua, err);
    case SV_S_RULES: return sv_value_words(value, SV_WORDS(rules), &s->rules, err);
    case SV_S_SCHEMES: return sv_value_words(value, SV_WORDS(schemes), &s->schemes, err);
    case SV_S_GATEWAYS: return set_items(arena, value, &s->gateways, &s->gateway_count, err);
    case SV_S_STRIP: return set_strip(r, value, err);
    case SV_S_PRIVACY_SERVICE: return set_service(value, &s->serves, err);
    case SV_S_SERVICE_HOST: return set_service_host(r, value, err);
    default: return set_spec_switch(s, key, value, err);
    }
}

/* ---- either ---- */

static size_t find_key(const char *const *keys, size_t count, sipveil_span key)
{
    size_t i = 0;
    while (i < count && !sv_equal_str(key, keys[i])) i++;
    return i;
}

sipveil_code sv_table_take_key(sv_table_reader *r, sipveil_span key, sipveil_span value)
{
    sipveil_error why;
    size_t count = r->in_spec ? SV_S_COUNT : SV_P_COUNT;
    uint32_t *lines = r->in_spec ? r->table->spec.lines : r->partner->lines;
    size_t k = find_key(r->in_spec ? spec_keys : partner_keys, count, key);
    sv_error_clear(&why);
    if (k == count) {
        return sv_table_mistake(r, r->at, "sipveil-table(5) lists the keys; they are in lower case",
                                "%s has no key '%s'", r->in_spec ? "[trust-domain]" : "[partner]", SV_QUOTE(key));
    }
    if (lines[k] != 0) {
        return sv_table_mistake(r, r->at, "a list goes on in a line that starts with a blank",
                                "%s stands in line %u already", SV_QUOTE(key), lines[k]);
    }
    lines[k] = r->at.line;
    sipveil_code code =
        value.len == 0 ? sv_fail_rule(&why, SV_TRUST, SIPVEIL_USAGE, "TRU-12", SIPVEIL_NO_OFFSET, "there is no value")
        : r->in_spec   ? set_spec_key(r, (sv_spec_key)k, value, &why)
                       : set_partner_key(r, (sv_partner_key)k, value, &why);
    if (code == SIPVEIL_OK) return SIPVEIL_OK;
    if (code == SIPVEIL_INTERNAL) {
        *r->first = why;
        return code;
    }
    return sv_table_mistake(r, r->at, why.hint[0] != '\0' ? why.hint : NULL, "%s: %s", SV_QUOTE(key), why.text);
}
