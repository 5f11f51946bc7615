/* SPDX-License-Identifier: BSD-2-Clause */
/* Sealing with a key that will be, or is, used again: the rules of the one who seals. */
#include "e2m/uac.h"
#include "keys/certificate.h"
#include "tunnel/memory.h"

enum { REFERENCE_DIGITS = 2 * SV_CEK_REFERENCE };

static bool read_hex(sipveil_span text, uint8_t out[SV_CEK_REFERENCE_MOST], size_t *len)
{
    sv_cursor c = sv_cursor_over(text, "reference");
    for (*len = 0; *len < SV_CEK_REFERENCE_MOST && sv_take_hex_octet(&c, &out[*len]);) ++*len;
    return *len > 0 && sv_at_end(&c);
}

static sipveil_code find_earlier(sv_sealing *s, sv_sharing *sharing)
{
    const sipveil_e2m_options *o = sharing->options;
    const sv_store *store = sv_memory_store(o->memory);
    sipveil_span name = sv_span_str(o->reuse);
    uint8_t reference[SV_CEK_REFERENCE_MOST];
    size_t len;
    bool found;
    if (sv_equal_str(name, "last")) {
        found = sv_cek_find_last(store, &sharing->scopes, s->op->now, s->op->arena, &sharing->earlier);
    } else {
        if (!read_hex(name, reference, &len)) {
            return sv_fail(s->op->err, SV_E2M, SIPVEIL_USAGE, "a key reference is %d hexadecimal digits, or \"last\"",
                           REFERENCE_DIGITS);
        }
        found =
            sv_cek_find(store, &sharing->scopes, sv_span(reference, len), s->op->now, s->op->arena, &sharing->earlier);
    }
    if (sharing->earlier.no_memory) return sv_no_memory(s->op->err, SV_E2M);
    sipveil_span branch = sharing->earlier.branch_tag;
    bool other = found && branch.len > 0 && !sv_equal(branch, sharing->scopes.from_tag) &&
                 !sv_equal(branch, sharing->scopes.to_tag);
    if (found && !other) return SIPVEIL_OK;
    sv_fail_rule(s->op->err, SV_E2M, SIPVEIL_NO_KEY, "CEK-09", SIPVEIL_NO_OFFSET, "%s",
                 other ? "the call forked, and the key goes on with the branch that was answered first"
                       : "no key is held for this dialog under that reference: unknown, used up or forgotten");
    return sv_hint(s->op->err, SIPVEIL_NO_KEY, "seal with all recipients and --keep to begin anew");
}

static bool is_reader(const uint8_t digest[SV_CEK_DIGEST], const uint8_t (*allowed)[SV_CEK_DIGEST], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sv_equal(sv_span(digest, SV_CEK_DIGEST), sv_span(allowed[i], SV_CEK_DIGEST))) return true;
    }
    return false;
}

static sipveil_code add_reader(sv_sealing *s, const sipveil_key *key, uint8_t (*allowed)[SV_CEK_DIGEST], size_t *count)
{
    SV_TRY(sv_cek_reader_of_key(s->op->crypto, &key->cms, true, allowed[(*count)++], s->op->err));
    return sv_cek_reader_of_key(s->op->crypto, &key->cms, false, allowed[(*count)++], s->op->err);
}

/* Who can read the earlier message can read this one: nobody may be among them whom this one is not for
 * (CEK-07, E2M-37, ADV-177). Where recipients are named they are all it is for; ourselves aside. */
static sipveil_code check_readers(sv_sealing *s, const sv_sharing *sharing)
{
    const sipveil_e2m_options *o = sharing->options;
    size_t count = 0, most = 2 * (o->seal.recipient_count + o->seal.signer_count + o->hop_count);
    if (o->form != SIPVEIL_E2M_PRIVATE && o->seal.recipient_count + o->hop_count == 0) return SIPVEIL_OK;
    uint8_t (*allowed)[SV_CEK_DIGEST] = sv_arena_alloc_array(s->op->arena, most, sizeof *allowed);
    if (allowed == NULL) return sv_no_memory(s->op->err, SV_E2M);
    for (size_t i = 0; i < o->seal.recipient_count; i++) SV_TRY(add_reader(s, o->seal.recipients[i], allowed, &count));
    for (size_t i = 0; i < o->seal.signer_count; i++) SV_TRY(add_reader(s, o->seal.signers[i], allowed, &count));
    for (size_t i = 0; i < o->hop_count && o->form != SIPVEIL_E2M_PRIVATE; i++) {
        if (o->hops[i].key != NULL) SV_TRY(add_reader(s, o->hops[i].key, allowed, &count));
    }
    sipveil_span readers = sharing->earlier.readers;
    for (size_t i = 0; i + SV_CEK_DIGEST <= readers.len; i += SV_CEK_DIGEST) {
        if (is_reader(readers.data + i, (const uint8_t (*)[SV_CEK_DIGEST])allowed, count)) continue;
        sipveil_span hop = sharing->earlier.hop_count > 0 ? sharing->earlier.hops[0].host : sv_span(NULL, 0);
        sv_fail_rule(s->op->err, SV_E2M, SIPVEIL_POLICY, "E2M-37", SIPVEIL_NO_OFFSET,
                     "the earlier message had a reader that this one is not for%s%s", hop.len > 0 ? ": " : "",
                     SV_QUOTE(hop));
        return sv_hint(s->op->err, SIPVEIL_POLICY, "seal it with a new key, without --reuse");
    }
    return SIPVEIL_OK;
}

/* A host of that domain; of a domain with one label only (a top one) no other host is. */
static bool is_in_domain(sipveil_span host, sipveil_span domain)
{
    size_t dot;
    if (sv_equal_nocase(host, domain)) return host.len > 0;
    if (host.len <= domain.len || !sv_find_byte(domain, '.', &dot) || domain.data[0] == '[') return false;
    return sv_equal_nocase(sv_span_from(host, host.len - domain.len), domain) &&
           host.data[host.len - domain.len - 1] == '.';
}

static bool may_be_disclosed_to(const sipveil_e2m_options *o, const sv_cek_record *earlier, sipveil_span host)
{
    bool may = is_in_domain(host, earlier->signer_domain);
    for (size_t i = 0; i < o->may_disclose_count && !may; i++) may = sv_equal_nocase_str(host, o->may_disclose[i]);
    return may || (o->ask != NULL && o->ask(o->ask_user, host));
}

/* E2M-42: whom an answer may be disclosed to: every hop that a signed label of the
 * earlier message names, for it reads what that key seals, asked for or not; and nobody without a name. */
static sipveil_code check_disclosure(sv_sealing *s, const sv_sharing *sharing)
{
    const sipveil_e2m_options *o = sharing->options;
    const sv_cek_record *earlier = &sharing->earlier;
    if (earlier->made) return SIPVEIL_OK;
    for (size_t i = 0; i < earlier->hop_count; i++) {
        if (may_be_disclosed_to(o, earlier, earlier->hops[i].host)) continue;
        sv_fail_rule(s->op->err, SV_E2M, SIPVEIL_POLICY, "E2M-42", SIPVEIL_NO_OFFSET,
                     "an answer by this key is disclosed to %s, which is not of the asker's domain %s",
                     SV_QUOTE(earlier->hops[i].host), SV_QUOTE(earlier->signer_domain));
        return sv_hint(s->op->err, SIPVEIL_POLICY, "--may-disclose HOST allows it");
    }
    if (earlier->unnamed == 0 || o->seal.recipient_count + o->hop_count > 0)
        return SIPVEIL_OK; /* E2M-37 has judged them */
    sv_fail_rule(s->op->err, SV_E2M, SIPVEIL_POLICY, "E2M-42", SIPVEIL_NO_OFFSET,
                 "an answer by this key is disclosed to %u readers of the earlier message that no signed label names",
                 (unsigned)earlier->unnamed);
    return sv_hint(s->op->err, SIPVEIL_POLICY, "name all its readers with --to and --for, or seal it without --reuse");
}

sipveil_code sv_reuse_prepare(sv_sealing *s, const sv_sip_view *view, sv_sharing *sharing)
{
    const sv_cek_record *earlier = &sharing->earlier;
    sv_wrap wrap;
    (void)view;
    SV_TRY(find_earlier(s, sharing));
    SV_TRY(check_readers(s, sharing));
    SV_TRY(check_disclosure(s, sharing));
    if (earlier->derivation.present && !earlier->derivation.unusable) {
        wrap = earlier->derivation.wrap;
    } else if (!sv_wrap_by_key_length(earlier->cek.len, &wrap)) {
        return sv_fail(s->op->err, SV_E2M, SIPVEIL_INTERNAL, "no key wrap for a key of %zu octets", earlier->cek.len);
    }
    return sv_cek_make_kek(s->op->crypto, s->op->arena, earlier, wrap, s->op->limits, &sharing->kek, s->op->err);
}

/* Another size of the next wrapping key has to be said, and is derived (CEK-03). */
static sipveil_code prepare_derivation(sv_sealing *s, sv_sharing *sharing)
{
    unsigned bits = sharing->options->reuse_bits;
    sv_cek_derivation *d = &sharing->attributes.derivation;
    if (bits == 0 || bits / 8 == sv_cipher_row_of(s->cipher)->key_length) return SIPVEIL_OK;
    uint8_t *salt = sv_arena_alloc(s->op->arena, SV_CEK_REFERENCE);
    if (salt == NULL) return sv_no_memory(s->op->err, SV_E2M);
    if (bits % 8 != 0 || !sv_wrap_by_key_length(bits / 8, &d->wrap)) {
        return sv_fail(s->op->err, SV_E2M, SIPVEIL_USAGE, "a wrapping key has 128, 192 or 256 bits, not %u", bits);
    }
    SV_TRY(sv_random(s->op->crypto, salt, SV_CEK_REFERENCE, s->op->err));
    d->present = true;
    d->salt = sv_span(salt, SV_CEK_REFERENCE);
    d->iterations = SV_CEK_ITERATIONS;
    d->key_length = bits / 8;
    return SIPVEIL_OK;
}

sipveil_code sv_keep_prepare(sv_sealing *s, sv_sharing *sharing)
{
    uint32_t uses = sharing->options->max_decrypts;
    uint8_t *reference = sv_arena_alloc(s->op->arena, SV_CEK_REFERENCE);
    if (reference == NULL) return sv_no_memory(s->op->err, SV_E2M);
    SV_TRY(sv_random(s->op->crypto, reference, SV_CEK_REFERENCE, s->op->err));
    sharing->attributes.reference = sv_span(reference, SV_CEK_REFERENCE);
    sharing->attributes.uses = uses > 0 ? uses : sharing->reusing ? 1 : SV_CEK_USES;
    SV_TRY(prepare_derivation(s, sharing));
    s->cek_out = &sharing->cek;
    return sv_cek_put_attributes(s->op->arena, &sharing->attributes, &s->attributes, s->op->err);
}

static sipveil_code readers_of(sv_operation *op, const sv_sharing *sharing, sipveil_span *out, sipveil_error *err)
{
    const sipveil_e2m_options *o = sharing->options;
    sv_buffer b;
    uint8_t digest[SV_CEK_DIGEST];
    if (sharing->reusing) {
        *out = sharing->earlier.readers;
        return SIPVEIL_OK;
    }
    sv_buffer_init(&b, op->arena, 8 * SV_CEK_DIGEST, SV_CEK_READERS_MOST * SV_CEK_DIGEST);
    for (size_t i = 0; i < o->seal.recipient_count + o->hop_count; i++) {
        const sipveil_key *key =
            i < o->seal.recipient_count ? o->seal.recipients[i] : o->hops[i - o->seal.recipient_count].key;
        if (key == NULL) continue;
        SV_TRY(sv_cek_reader_of_key(op->crypto, &key->cms, o->seal.by_key_identifier, digest, err));
        sv_put(&b, sv_span(digest, sizeof digest));
    }
    *out = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_E2M, err);
}

/* Without the port: a label of an answer need not give it. */
static sipveil_span host_of(const sipveil_e2m_hop *hop)
{
    sv_cursor c = sv_cursor_over(sv_span_str(hop->host), "host");
    sv_hop_name name;
    return sv_take_hop(&c, &name) ? name.host : sv_span_str(hop->host);
}

static sipveil_code hold_new_key(sv_operation *op, const sv_sharing *sharing, sipveil_error *err)
{
    const sipveil_e2m_options *o = sharing->options;
    sv_cek_record record = {.scope = sharing->scopes.items[0],
                            .reference = sharing->attributes.reference,
                            .cek = sharing->cek,
                            .uses = sharing->attributes.uses,
                            .made = true,
                            .derivation = sharing->attributes.derivation,
                            .cipher = o->seal.cipher,
                            .cseq = sharing->cseq,
                            .method = sharing->method};
    const sv_cek_record *earlier = sharing->reusing ? &sharing->earlier : NULL;
    record.hop_count = earlier != NULL ? earlier->hop_count : o->hop_count;
    for (size_t i = 0; i < record.hop_count; i++) {
        record.hops[i] = earlier != NULL ? earlier->hops[i] : (sv_cek_hop){host_of(&o->hops[i]), o->reply};
    }
    if (o->seal.signer_count > 0) {
        SV_TRY(
            sv_certificate_fingerprint(op->worker->context, o->seal.signers[0]->cms.certificate, record.signer, err));
    }
    SV_TRY(readers_of(op, sharing, &record.readers, err));
    return sv_cek_keep(sv_memory_store(o->memory), op->arena, &record, op->now, err);
}

sipveil_code sv_reuse_settle(sv_operation *op, const sv_sharing *sharing, sipveil_error *err)
{
    sv_store *store = sharing->options->memory != NULL ? sv_memory_store(sharing->options->memory) : NULL;
    if (store == NULL) return SIPVEIL_OK;
    if (sharing->reusing) {
        if (sv_cek_is_derived(sharing->cek, sharing->earlier.cek) ||
            sv_cek_is_derived(sharing->cek, sharing->kek.kek)) {
            return sv_fail_rule(err, SV_E2M, SIPVEIL_INTERNAL, "CEK-06", SIPVEIL_NO_OFFSET,
                                "the random generator gave the key that it is wrapped with");
        }
        SV_TRY(sv_cek_count_use(store, op->arena, &sharing->earlier, op->now, err));
    }
    return sharing->keeping ? hold_new_key(op, sharing, err) : SIPVEIL_OK;
}
