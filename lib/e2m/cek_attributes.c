/* SPDX-License-Identifier: BSD-2-Clause */
/* The three attributes of RFC 3185. */
#include "cms/der_read.h"
#include "cms/der_write.h"
#include "cms/oid.h"
#include "e2m/cek.h"

enum { SALT_LEAST = 8, SALT_MOST = 64, USES_LIMIT_BITS = 31 };

/* One Attribute: its type and its only value. Several values: *value is empty. */
static bool take_attribute(sv_cursor *all, sipveil_span *type, sipveil_span *value)
{
    sv_cursor attribute, values;
    sv_der one;
    *value = sv_span(NULL, 0);
    if (sv_der_enter(all, SV_DER_SEQUENCE, "attribute", &attribute, NULL) != SIPVEIL_OK ||
        sv_der_take_oid(&attribute, "attribute", type, NULL) != SIPVEIL_OK ||
        sv_der_enter(&attribute, SV_DER_SET, "values", &values, NULL) != SIPVEIL_OK || !sv_at_end(&attribute)) {
        return false;
    }
    if (!sv_at_end(&values) && sv_der_take(&values, &one, NULL) == SIPVEIL_OK && sv_at_end(&values)) *value = one.whole;
    return true;
}

/* INTEGER 1 .. 2^31; all else counts as 1 (CEK-04, ADV-172). */
static uint32_t read_uses(sipveil_span value)
{
    sv_cursor c = sv_cursor_over(value, "uses");
    uint64_t number;
    if (value.len == 0 || sv_der_take_number(&c, "uses", &number, NULL) != SIPVEIL_OK || !sv_at_end(&c)) return 1;
    return number >= 1 && number <= 1ULL << USES_LIMIT_BITS ? (uint32_t)number : 1;
}

/* SEQUENCE { kekAlg, SEQUENCE { salt OCTET STRING, iterationCount, keyLength } }: the salt is `specified`,
 * keyLength is there, prf is not. */
static bool read_derivation(sipveil_span value, const sipveil_limits *limits, sv_arena *arena, sv_cek_derivation *out)
{
    sv_cursor c = sv_cursor_over(value, "derivation"), inside, parameters;
    sv_der_algorithm kek;
    uint64_t length;
    if (value.len == 0 || sv_der_enter(&c, SV_DER_SEQUENCE, "derivation", &inside, NULL) != SIPVEIL_OK ||
        !sv_at_end(&c) || sv_der_take_algorithm(&inside, "kekAlg", &kek, NULL) != SIPVEIL_OK ||
        !sv_wrap_by_oid(kek.oid, &out->wrap) ||
        sv_der_enter(&inside, SV_DER_SEQUENCE, "pbkdf2Param", &parameters, NULL) != SIPVEIL_OK || !sv_at_end(&inside) ||
        sv_der_take_octets(&parameters, SV_DER_OCTET_STRING, "salt", limits, arena, &out->salt, NULL) != SIPVEIL_OK ||
        sv_der_take_number(&parameters, "iterationCount", &out->iterations, NULL) != SIPVEIL_OK ||
        sv_der_take_number(&parameters, "keyLength", &length, NULL) != SIPVEIL_OK || !sv_at_end(&parameters)) {
        return false;
    }
    out->key_length = (size_t)length;
    return out->salt.len >= SALT_LEAST && out->salt.len <= SALT_MOST && out->iterations > 0 &&
           length == sv_wrap_row_of(out->wrap)->key_length;
}

static bool read_reference(sipveil_span value, const sipveil_limits *limits, sv_arena *arena, sipveil_span *out)
{
    sv_cursor c = sv_cursor_over(value, "reference");
    return value.len > 0 &&
           sv_der_take_octets(&c, SV_DER_OCTET_STRING, "reference", limits, arena, out, NULL) == SIPVEIL_OK &&
           sv_at_end(&c) && out->len > 0 && out->len <= SV_CEK_REFERENCE_MOST;
}

void sv_cek_read_attributes(sipveil_span set, const sipveil_limits *limits, sv_arena *arena, sv_cek_attributes *out)
{
    sv_cursor c = sv_cursor_over(set, "attributes");
    sipveil_span type, value;
    size_t references = 0, uses = 0, derivations = 0;
    *out = (sv_cek_attributes){.uses = 1};
    while (!sv_at_end(&c)) {
        if (!take_attribute(&c, &type, &value)) {
            *out = (sv_cek_attributes){.uses = 1, .why_not = "attributes of no good form"};
            return;
        }
        if (sv_oid_is(type, SV_OID_CEK_REFERENCE)) {
            out->present = ++references == 1 && read_reference(value, limits, arena, &out->reference);
        } else if (sv_oid_is(type, SV_OID_CEK_MAX_DECRYPTS)) {
            out->uses = ++uses == 1 ? read_uses(value) : 1;
        } else if (sv_oid_is(type, SV_OID_KEK_DERIVATION)) {
            out->derivation = (sv_cek_derivation){.present = true};
            out->derivation.unusable =
                ++derivations > 1 || !read_derivation(value, limits, arena, &out->derivation);
        }
    }
    if (out->present) return;
    const char *why = references > 0 ? "a key reference with no or several values" : NULL;
    if (why == NULL && uses + derivations > 0) why = "a count or a derivation without a key reference";
    *out = (sv_cek_attributes){.uses = 1, .why_not = why};
}

static bool same_attributes(const sv_cek_attributes *a, const sv_cek_attributes *b)
{
    return sv_equal(a->reference, b->reference) && a->uses == b->uses &&
           !a->derivation.present == !b->derivation.present;
}

void sv_cek_attributes_of(const sv_enveloped *e, bool allow_unprotected, const sipveil_limits *limits, sv_arena *arena,
                          sv_cek_attributes *out)
{
    sv_cek_attributes outside;
    sv_cursor c = sv_cursor_over(e->auth_attributes, "attributes"), set;
    *out = (sv_cek_attributes){.uses = 1};
    if (e->authenticated) { /* its unauthenticated attributes never */
        if (e->auth_attributes.len > 0 && sv_der_enter(&c, SV_DER_SET, "attributes", &set, NULL) == SIPVEIL_OK) {
            sv_cek_read_attributes(sv_rest(&set), limits, arena, out);
        }
        sv_cek_read_attributes(e->unprotected_attributes, limits, arena, &outside);
        if (outside.present && out->present && !same_attributes(out, &outside)) {
            *out = (sv_cek_attributes){.uses = 1, .why_not = "two key references that differ"};
        } else if (outside.present && !out->present) {
            out->why_not = "a key reference that is not authenticated";
        }
        return;
    }
    sv_cek_read_attributes(e->unprotected_attributes, limits, arena, &outside);
    if (allow_unprotected) *out = outside;
    else if (outside.present) out->why_not = "a key reference that is not authenticated";
}

/* ---- write ---- */

static void put_attribute(sv_der_writer *w, sv_oid type, sv_der_mark since)
{
    sv_der_wrap(w, SV_DER_SET, since);
    sv_der_put_oid(w, sv_oid_content(type));
    sv_der_wrap(w, SV_DER_SEQUENCE, since);
}

static void put_derivation(sv_der_writer *w, const sv_cek_derivation *d)
{
    sv_der_mark all = sv_der_mark_here(w);
    sv_der_put_number(w, d->key_length);
    sv_der_put_number(w, d->iterations);
    sv_der_put_value(w, SV_DER_OCTET_STRING, d->salt);
    sv_der_wrap(w, SV_DER_SEQUENCE, all);
    sv_der_mark algorithm = sv_der_mark_here(w);
    sv_der_put_oid(w, sv_wrap_row_of(d->wrap)->oid);
    sv_der_wrap(w, SV_DER_SEQUENCE, algorithm);
    sv_der_wrap(w, SV_DER_SEQUENCE, all);
    put_attribute(w, SV_OID_KEK_DERIVATION, all);
}

sipveil_code sv_cek_put_attributes(sv_arena *arena, const sv_cek_attributes *a, sipveil_span *out, sipveil_error *err)
{
    sv_der_writer w;
    *out = sv_span(NULL, 0);
    if (!sv_der_writer_init(&w, arena, a->reference.len + a->derivation.salt.len + 256)) {
        return sv_no_memory(err, SV_E2M);
    }
    sv_der_mark mark = sv_der_mark_here(&w);
    if (a->derivation.present) put_derivation(&w, &a->derivation);
    if (a->uses > 1) {
        mark = sv_der_mark_here(&w);
        sv_der_put_number(&w, a->uses);
        put_attribute(&w, SV_OID_CEK_MAX_DECRYPTS, mark);
    }
    mark = sv_der_mark_here(&w);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, a->reference);
    put_attribute(&w, SV_OID_CEK_REFERENCE, mark);
    *out = sv_der_written(&w);
    return sv_der_writer_check(&w, err);
}
