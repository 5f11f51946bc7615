/* SPDX-License-Identifier: BSD-2-Clause */
/* The own list: what is refused when it is configured can do no harm later (AGR-03, 15, 19). */
#include "agree/ipsec_3gpp.h"
#include "tunnel/operation.h"

/* RFC 3329 5: the weakest entry that is offered is what an attacker may be able to force. */
static sipveil_code check_digest(const sv_mechanism *m, sipveil_agree_profile profile, sipveil_error *err)
{
    const sv_parameter *alg = sv_mechanism_digest_field(m, SV_D_ALG, profile);
    const sv_parameter *qop = sv_mechanism_digest_field(m, SV_D_QOP, profile);
    if (sv_mechanism_digest_field(m, SV_D_VER, profile) != NULL) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_USAGE, "AGR-08", SIPVEIL_NO_OFFSET,
                            "d-ver belongs to a request, not to a list");
    }
    if (alg != NULL && !sv_equal_nocase_str(alg->value, "MD5") && !sv_equal_nocase_str(alg->value, "MD5-sess") &&
        !sv_equal_nocase_str(alg->value, "SHA-256")) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_USAGE, "AGR-19", SIPVEIL_NO_OFFSET,
                            "the digest algorithm is MD5, MD5-sess or SHA-256, not \"%s\"", SV_QUOTE(alg->value));
    }
    if (qop != NULL && !sv_equal_nocase_str(qop->value, "auth") && !sv_equal_nocase_str(qop->value, "auth-int")) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_USAGE, "AGR-19", SIPVEIL_NO_OFFSET,
                            "d-qop is auth or auth-int, not \"%s\"", SV_QUOTE(qop->value));
    }
    return SIPVEIL_OK;
}

static sipveil_code check_entry(const sv_mechanism *m, sipveil_agree_profile profile, sipveil_error *err)
{
    if (!sv_mechanism_in_profile(m->kind, profile)) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_USAGE, "AGR-19", SIPVEIL_NO_OFFSET,
                            "the profile %s has no mechanism \"%s\" that we can run",
                            sipveil_agree_profile_name(profile), SV_QUOTE(m->name));
    }
    if (sv_mechanism_is_digest(m->kind)) return check_digest(m, profile, err);
    if (m->kind == SV_MECH_IPSEC_3GPP) {
        sv_ipsec_entry entry = sv_ipsec_read(m);
        if (!entry.annex_h && !entry.appendix_a) { /* SPIs and ports of an offer may come later */
            entry.annex_h = true;
            entry.end = (sv_ipsec_end){SV_IPSEC_SPI_LEAST, SV_IPSEC_SPI_LEAST + 1, 5060, 5061};
        }
        sipveil_error why;
        if (sv_ipsec_check(&entry, true, &why) == SIPVEIL_OK) return SIPVEIL_OK;
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_USAGE, why.rule, SIPVEIL_NO_OFFSET, "%s", why.text);
    }
    return SIPVEIL_OK;
}

static sipveil_code check(sipveil_agree_list *own, sipveil_error *err)
{
    size_t first = 0, second = 0;
    for (size_t i = 0; i < own->list.count; i++) SV_TRY(check_entry(&own->list.items[i], own->profile, err));
    if (own->side == SIPVEIL_AGREE_CLIENT) return SIPVEIL_OK;
    if (!sv_mechanisms_ordered(&own->list, &first, &second)) {
        int q = sv_mechanism_q(&own->list.items[first]);
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_USAGE, "AGR-03", SIPVEIL_NO_OFFSET,
                            "\"%s\" and \"%s\" have the same q, %d.%03d", SV_QUOTE(own->list.items[first].name),
                            SV_QUOTE(own->list.items[second].name), q / SV_Q_ONE, q % SV_Q_ONE);
    }
    for (size_t i = 0; i < own->list.count; i++) {
        const sv_mechanism *top = &own->list.items[own->top], *m = &own->list.items[i];
        if (m->kind != SV_MECH_MEDIA && (top->kind == SV_MECH_MEDIA || sv_mechanism_q(m) > sv_mechanism_q(top))) own->top = i;
    }
    return SIPVEIL_OK;
}

static sipveil_code read_list(sipveil_agree_list *own, sipveil_span text, sipveil_error *err)
{
    sv_buffer out;
    sipveil_span copy;
    if (!sv_arena_copy(own->arena, sv_trim(text), &copy)) return sv_no_memory(err, SV_AGREE);
    if (sv_mechanisms_read(copy, "the list", &own->list, err) != SIPVEIL_OK) {
        if (err != NULL && err->code != SIPVEIL_INTERNAL) err->code = SIPVEIL_USAGE;
        return SIPVEIL_USAGE;
    }
    SV_TRY(check(own, err));
    sv_buffer_init(&out, own->arena, text.len + 64, 2 * SV_MECHANISM_LIST_MOST);
    sv_mechanisms_put(&out, &own->list, own->side == SIPVEIL_AGREE_SERVER);
    SV_TRY(sv_buffer_check(&out, SV_AGREE, err));
    own->text = sv_buffer_span(&out);
    sv_buffer_init(&out, own->arena, text.len + 64, 2 * SV_MECHANISM_LIST_MOST);
    sv_mechanisms_put(&out, &own->list, true);
    SV_TRY(sv_buffer_check(&out, SV_AGREE, err));
    own->configured = sv_buffer_span(&out);
    sv_buffer_init(&out, own->arena, text.len + 256, 2 * SV_MECHANISM_LIST_MOST);
    sv_mechanisms_put_canonical(&out, &own->list, true, own->profile);
    own->canonical = sv_buffer_span(&out);
    return sv_buffer_check(&out, SV_AGREE, err);
}

sipveil_code sipveil_agree_list_read(sipveil_span text, sipveil_agree_profile profile, sipveil_agree_side side,
                                     sipveil_agree_list **out, sipveil_error *err)
{
    if (out == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "no place for the list");
    *out = NULL;
    if ((unsigned)profile >= SIPVEIL_AGREE_PROFILE_COUNT) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "no such profile");
    sv_arena *arena = sv_arena_new(32 * 1024, 1 << 20);
    sipveil_agree_list *own = arena != NULL ? sv_arena_alloc(arena, sizeof *own) : NULL;
    if (own == NULL) {
        sv_arena_free(arena);
        return sv_no_memory(err, SV_AGREE);
    }
    *own = (sipveil_agree_list){.arena = arena, .profile = profile, .side = side};
    sipveil_code code = read_list(own, text, err);
    if (code == SIPVEIL_OK) *out = own;
    else sv_arena_free(arena);
    return code;
}

void sipveil_agree_list_free(sipveil_agree_list *list)
{
    if (list != NULL) sv_arena_free(list->arena);
}

size_t sipveil_agree_list_count(const sipveil_agree_list *list)
{
    return list != NULL ? list->list.count : 0;
}

sipveil_span sipveil_agree_list_text(const sipveil_agree_list *list)
{
    return list != NULL ? list->text : SV_SPAN("");
}

sipveil_agree_comparison sipveil_agree_compare_verify(sipveil_worker *worker, const sipveil_agree_list *list,
                                                      sipveil_span verify)
{
    if (worker == NULL || list == NULL) return SIPVEIL_AGREE_SYNTAX;
    sv_worker_begin(worker);
    sv_mechanism_list *received = sv_arena_alloc_raw(worker->arena, sizeof *received);
    if (received == NULL || sv_mechanisms_read(verify, "Security-Verify", received, NULL) != SIPVEIL_OK) {
        return SIPVEIL_AGREE_SYNTAX;
    }
    sipveil_agree_comparison result; /* without memory: as of what cannot be read */
    return sv_mechanisms_compare(list, received, worker->arena, &result, NULL) == SIPVEIL_OK ? result : SIPVEIL_AGREE_SYNTAX;
}
