/* SPDX-License-Identifier: BSD-2-Clause */
#include "agree/list.h"

#include "sip/address.h"

/* ---- reading ---- */

/* "0" ["." 0*3DIGIT] / "1" ["." 0*3("0")], in thousandths. */
static bool read_q(const sv_parameter *p, int *out)
{
    sv_cursor c = sv_cursor_over(p->value, "q");
    uint8_t digit;
    int place = 100;
    if (!p->has_value || p->quoted || !sv_take_byte(&c, &digit) || (digit != '0' && digit != '1')) return false;
    *out = digit == '1' ? SV_Q_ONE : 0;
    if (sv_at_end(&c)) return true;
    if (!sv_take_if(&c, '.')) return false;
    for (; sv_take_byte(&c, &digit); place /= 10) {
        if (!sv_is_digit(digit) || place == 0) return false;
        *out += (digit - '0') * place;
    }
    return *out <= SV_Q_ONE;
}

static sipveil_code refuse_limit(const char *what, const char *thing, size_t most, sipveil_error *err)
{
    return sv_fail_rule(err, SV_AGREE, SIPVEIL_LIMIT, "AGR-02", SIPVEIL_NO_OFFSET, "%s has more than %zu %s", what, most,
                        thing);
}

static sipveil_code take_parameters(sv_cursor *c, sv_mechanism_list *list, sv_mechanism *m, sipveil_error *err)
{
    bool taken;
    m->parameters = list->parameters + list->parameter_count;
    for (;;) {
        sv_parameter p;
        SV_TRY(sv_take_parameter(c, SV_OCTET_GEN_VALUE, SV_AGREE, &p, &taken, err));
        if (!taken) return SIPVEIL_OK;
        if (list->parameter_count == SV_MECHANISM_PARAMETERS_MOST) {
            return refuse_limit(c->what, "parameters", SV_MECHANISM_PARAMETERS_MOST, err);
        }
        for (size_t i = 0; i < m->parameter_count; i++) {
            if (!sv_equal_nocase(m->parameters[i].name, p.name)) continue;
            return sv_fail_rule(err, SV_AGREE, SIPVEIL_MALFORMED, "AGR-06", sv_offset(c),
                                "%s has the parameter \"%s\" twice in entry \"%s\"", c->what, SV_QUOTE(p.name),
                                SV_QUOTE(m->name));
        }
        if (sv_equal_nocase_str(p.name, "q") && !read_q(&p, &m->q)) {
            return sv_fail_rule(err, SV_AGREE, SIPVEIL_MALFORMED, "AGR-03", sv_offset(c),
                                "%s has q=\"%s\" in entry \"%s\"; it is 0 to 1 with at most three digits after the point",
                                c->what, SV_QUOTE(p.value), SV_QUOTE(m->name));
        }
        list->parameters[list->parameter_count++] = p;
        m->parameter_count++;
    }
}

static sipveil_code take_entry(sv_cursor *c, sv_mechanism_list *list, sipveil_error *err)
{
    sv_skip_lws(c);
    if (list->count == SV_MECHANISMS_MOST) return refuse_limit(c->what, "entries", SV_MECHANISMS_MOST, err);
    sv_mechanism *m = &list->items[list->count];
    const uint8_t *start = c->at;
    *m = (sv_mechanism){.q = SV_Q_ABSENT, .name = sv_take_while(c, sv_is_token)};
    if (m->name.len == 0) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_MALFORMED, "AGR-01", sv_offset(c), "%s has an entry without a name",
                            c->what);
    }
    m->kind = sv_mechanism_kind_of(m->name);
    SV_TRY(take_parameters(c, list, m, err));
    m->text = sv_span(start, (size_t)(c->at - start));
    list->count++;
    sv_skip_lws(c);
    return SIPVEIL_OK;
}

sipveil_code sv_mechanisms_read(sipveil_span text, const char *what, sv_mechanism_list *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(text, what);
    out->text = text;
    out->count = out->parameter_count = 0;
    if (text.len > SV_MECHANISM_LIST_MOST) return refuse_limit(what, "octets", SV_MECHANISM_LIST_MOST, err);
    do {
        SV_TRY(take_entry(&c, out, err));
    } while (sv_take_if(&c, ','));
    if (sv_at_end(&c)) return SIPVEIL_OK;
    return sv_fail_rule(err, SV_AGREE, SIPVEIL_MALFORMED, "AGR-01", sv_offset(&c), "%s has \"%s\" where a comma or the end would be",
                        what, SV_QUOTE(sv_rest(&c)));
}

sipveil_code sv_mechanisms_of(const sv_sip_view *view, sv_field_id id, sv_arena *arena, sv_mechanism_list *out,
                              bool *present, sipveil_error *err)
{
    const char *what = sv_field_info_of(id)->name;
    const sv_sip_field *row = sv_sip_first(view, id);
    *present = row != NULL;
    out->text = SV_SPAN("");
    out->count = out->parameter_count = 0;
    if (row == NULL) return SIPVEIL_OK;
    if (sv_sip_next(view, row) == NULL) return sv_mechanisms_read(row->value, what, out, err);
    sv_buffer joined;
    sv_buffer_init(&joined, arena, 512, SV_MECHANISM_LIST_MOST);
    for (; row != NULL; row = sv_sip_next(view, row)) {
        if (joined.len > 0) sv_put_str(&joined, ", ");
        sv_put(&joined, row->value);
    }
    if (joined.past_most) return refuse_limit(what, "octets", SV_MECHANISM_LIST_MOST, err);
    SV_TRY(sv_buffer_check(&joined, SV_AGREE, err));
    return sv_mechanisms_read(sv_buffer_span(&joined), what, out, err);
}

/* ---- looking ---- */

int sv_mechanism_q(const sv_mechanism *m)
{
    return m->q == SV_Q_ABSENT ? SV_Q_ONE : m->q;
}

bool sv_mechanisms_ordered(const sv_mechanism_list *list, size_t *first, size_t *second)
{
    for (size_t i = 0; i < list->count; i++) {
        for (size_t k = i + 1; k < list->count; k++) {
            if (list->items[i].kind == SV_MECH_MEDIA || list->items[k].kind == SV_MECH_MEDIA) continue;
            if (sv_mechanism_q(&list->items[i]) != sv_mechanism_q(&list->items[k])) continue;
            *first = i;
            *second = k;
            return false;
        }
    }
    return true;
}

const sv_parameter *sv_mechanism_parameter(const sv_mechanism *m, const char *name)
{
    for (size_t i = 0; i < m->parameter_count; i++) {
        if (sv_equal_nocase_str(m->parameters[i].name, name)) return &m->parameters[i];
    }
    return NULL;
}

sipveil_span sv_mechanism_value(const sv_mechanism *m, const char *name)
{
    const sv_parameter *p = sv_mechanism_parameter(m, name);
    return p != NULL ? p->value : SV_SPAN("");
}

const sv_parameter *sv_mechanism_digest_field(const sv_mechanism *m, sv_digest_field field,
                                              sipveil_agree_profile profile)
{
    static const char *const names[][2] = {
        [SV_D_ALG] = {"d-alg", "digest-alg"}, [SV_D_QOP] = {"d-qop", "digest-qop"}, [SV_D_VER] = {"d-ver", "digest-verify"}};
    if (m->kind == SV_MECH_DIGEST_INTEGRITY && profile == SIPVEIL_AGREE_DRAFT04) {
        return field == SV_D_ALG ? sv_mechanism_parameter(m, "alg") : NULL;
    }
    if (m->kind != SV_MECH_DIGEST) return NULL;
    const sv_parameter *p = sv_mechanism_parameter(m, names[field][0]);
    if (p == NULL && profile == SIPVEIL_AGREE_DRAFT05) p = sv_mechanism_parameter(m, names[field][1]);
    return p;
}

/* ---- writing ---- */

static bool is_q(const sv_parameter *p)
{
    return sv_equal_nocase_str(p->name, "q");
}

static void put_value(sv_buffer *out, const sv_parameter *p)
{
    if (!p->has_value) return;
    sv_put_str(out, p->quoted ? "=\"" : "=");
    sv_put(out, p->value);
    if (p->quoted) sv_put_byte(out, '"');
}

void sv_mechanism_put(sv_buffer *out, const sv_mechanism *m, bool with_q)
{
    sv_put(out, m->name);
    for (size_t i = 0; i < m->parameter_count; i++) {
        if (!with_q && is_q(&m->parameters[i])) continue;
        sv_put_byte(out, ';');
        sv_put(out, m->parameters[i].name);
        put_value(out, &m->parameters[i]);
    }
}

void sv_mechanisms_put(sv_buffer *out, const sv_mechanism_list *list, bool with_q)
{
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) sv_put_str(out, ", ");
        sv_mechanism_put(out, &list->items[i], with_q);
    }
}
