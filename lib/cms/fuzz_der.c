/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate, and the take-calls with and without it: nothing is read outside, what the gate lets through
 * can be walked to the end, and DER that is taken apart is the DER that is written again. */

#include "base/fuzz_target.h"
#include "cms/cms.h"
#include "cms/der_read.h"
#include "cms/der_write.h"
#include "cms/oid.h"
#include "cms/usual_enveloped.h"

/* Every value under c, as deep as the gate allows; the number of them. */
static size_t walk(sv_cursor c, unsigned depth)
{
    size_t count = 0;
    sv_der value;
    must(depth <= 32);
    while (!sv_at_end(&c)) {
        must(sv_der_take(&c, &value, NULL) == SIPVEIL_OK);
        must(sv_span_within(value.content, value.whole));
        count++;
        if ((value.tag & SV_DER_CONSTRUCTED) != 0) count += walk(sv_cursor_over(value.content, "inside"), depth + 1);
    }
    return count;
}

static void write_again(sv_cursor c, sv_arena *arena, sv_der_writer *w)
{
    sv_der value, *all = sv_arena_alloc_array(arena, sv_left(&c) / 2 + 1, sizeof *all);
    size_t count = 0;
    must(all != NULL);
    while (!sv_at_end(&c) && sv_der_take(&c, &value, NULL) == SIPVEIL_OK) all[count++] = value;
    while (count-- > 0) {
        sv_der_mark mark = sv_der_mark_here(w);
        if ((all[count].tag & SV_DER_CONSTRUCTED) != 0) {
            write_again(sv_cursor_over(all[count].content, "inside"), arena, w);
            sv_der_wrap(w, all[count].tag, mark);
        } else {
            sv_der_put_value(w, all[count].tag, all[count].content);
        }
    }
}

static void take_what_comes(sipveil_span octets, const sipveil_limits *limits, sv_arena *arena)
{
    sv_cursor c = sv_cursor_over(octets, "fuzz");
    sv_der value;
    sv_der_algorithm algorithm;
    sipveil_span span;
    uint64_t number;
    int64_t seconds;
    bool present;
    while (!sv_at_end(&c)) {
        sv_cursor same = c;
        (void)sv_der_take_octets(&same, SV_DER_OCTET_STRING, "octets", limits, arena, &span, NULL);
        (void)sv_der_take_octets(&same, SV_DER_CONTEXT, "octets", limits, arena, &span, NULL);
        (void)sv_der_take_number(&same, "number", &number, NULL);
        (void)sv_der_take_algorithm(&same, "algorithm", &algorithm, NULL);
        (void)sv_der_take_optional(&same, SV_DER_NULL, &present, &value, NULL);
        if (sv_der_take_oid(&same, "oid", &span, NULL) == SIPVEIL_OK) (void)sv_oid_name(span);
        if (sv_der_take(&c, &value, NULL) != SIPVEIL_OK) return;
        (void)sv_der_read_time(&value, &seconds, NULL);
    }
}

/* What is recognised whole, by the gate or by the reader, the long way lets through with the same outcome. */
static void recognise(sipveil_span octets, bool ber, const sipveil_limits *limits, sv_arena *arena)
{
    static const sv_cms_policy strict = {.strict = true};
    sipveil_span content = octets;
    sv_enveloped quick, slow;
    if (sv_usual_content_info(octets, limits, &content)) must(ber && sv_span_within(content, octets));
    if (!sv_usual_enveloped_read(content, limits, arena, &quick)) return;
    must(sv_cms_read_any_enveloped(content, true, limits, &strict, arena, &slow, NULL) == SIPVEIL_OK);
    must(quick.recipient_count == slow.recipient_count && quick.cipher == slow.cipher && !slow.version_odd &&
         quick.tag_length == slow.tag_length && quick.content_kind == slow.content_kind && !slow.cek_hkdf &&
         slow.auth_attributes.len == 0 && slow.unprotected_attributes.len == 0);
    must(sv_equal(quick.iv, slow.iv) && sv_equal(quick.tag, slow.tag) && sv_equal(quick.ciphertext, slow.ciphertext) &&
         sv_equal(quick.cipher_algorithm, slow.cipher_algorithm) && sv_equal(quick.content_type, slow.content_type));
    for (size_t i = 0; i < slow.recipient_count; i++) {
        sv_recipient room;
        const sv_recipient *a = sv_cms_recipient(&quick, i, &room), *b = &slow.recipients[i];
        must(a->kind == b->kind && a->key_date == b->key_date && a->group == b->group && sv_equal(a->key_id, b->key_id) &&
             sv_equal(a->algorithm_oid, b->algorithm_oid) && sv_equal(a->encrypted_key, b->encrypted_key) &&
             b->algorithm_parameters.len == 0);
    }
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static sv_arena *arena;
    static const sv_cms_policy policy = {0};
    sipveil_span octets = sv_span(data, size), content;
    sipveil_limits limits;
    sv_cms_type type;
    sv_enveloped e;
    if (arena == NULL) must((arena = sv_arena_new(1 << 16, 1 << 28)) != NULL);
    sv_arena_reset(arena);
    sipveil_limits_default(&limits);
    take_what_comes(octets, &limits, arena);
    bool ber = sv_der_scan(octets, &limits, false, NULL) == SIPVEIL_OK;
    bool der = sv_der_scan(octets, &limits, true, NULL) == SIPVEIL_OK;
    must(ber || !der);
    recognise(octets, ber, &limits, arena);
    if (ber) must(walk(sv_cursor_over(octets, "all"), 0) <= limits.asn1_elements);
    if (der) {
        sv_der_writer w;
        must(sv_der_writer_init(&w, arena, size));
        write_again(sv_cursor_over(octets, "all"), arena, &w);
        must(sv_equal(sv_der_written(&w), octets));
    }
    if (sv_cms_read_content_info(octets, &limits, &type, &content, NULL) != SIPVEIL_OK) return;
    must(ber && sv_span_within(content, octets));
    for (int authenticated = 0; authenticated < 2; authenticated++) {
        if (sv_cms_read_enveloped(content, authenticated != 0, &limits, &policy, arena, &e, NULL) == SIPVEIL_OK) {
            must(e.recipient_count <= limits.recipients * limits.recipients);
        } else {
            must(e.recipients == NULL && e.ciphertext.data == NULL);
        }
    }
}
