/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's choice (AGR-17): of the server's list, the entry with the highest q that we know and can run with these
 * parameters. What came with the list (a challenge, a certificate) has no say: else whoever removes it would choose. */
#include "agree/client.h"
#include "agree/ipsec_3gpp.h"

/* Entries of ipsec-3gpp are as good as their algorithms, those of another mechanism as its name. */
static bool is_alike(const sv_mechanism *own, const sv_mechanism *m)
{
    return sv_equal_nocase(own->name, m->name) && (m->kind != SV_MECH_IPSEC_3GPP || sv_ipsec_same_pair(own, m));
}

/* How many entries of our own list are better than that one: by q, where it has any, then by place. */
static uint32_t better_ones(const sv_mechanism_list *own, size_t place)
{
    uint32_t count = 0;
    for (size_t i = 0; i < own->count; i++) {
        int difference = sv_mechanism_q(&own->items[i]) - sv_mechanism_q(&own->items[place]);
        if (difference > 0 || (difference == 0 && i < place)) count++;
    }
    return count;
}

/* An entry of ours that says d-alg or d-qop means that one. */
static bool has_fields_of(const sv_mechanism *own, const sv_mechanism *m, sipveil_agree_profile profile)
{
    for (sv_digest_field f = SV_D_ALG; f <= SV_D_QOP; f++) {
        const sv_parameter *ours = sv_mechanism_digest_field(own, f, profile), *theirs = sv_mechanism_digest_field(m, f, profile);
        sipveil_span value = theirs != NULL ? theirs->value : f == SV_D_ALG ? SV_SPAN("MD5") : SV_SPAN("");
        if (ours != NULL && !sv_equal_nocase(ours->value, value)) return false;
    }
    return true;
}

/* Our own list says what we know, and what of it is better. Digest in another form than any of ours is as good as the last. */
static bool rank_of(const sv_client *c, const sv_mechanism *m, uint32_t *rank)
{
    const sv_mechanism_list *own = &c->options->list->list;
    bool known = false, fitting = false;
    for (size_t i = 0; i < own->count; i++) {
        if (!is_alike(&own->items[i], m)) continue;
        uint32_t here = better_ones(own, i);
        bool fits = has_fields_of(&own->items[i], m, c->options->profile);
        if (!known || (fits && (!fitting || here < *rank)) || (!fits && !fitting && here > *rank)) *rank = here;
        known = true;
        fitting = fitting || fits;
    }
    return known;
}

static bool cannot(sipveil_error *why, const char *rule, const sv_mechanism *m, const char *text)
{
    (void)sv_fail_rule(why, SV_AGREE, SIPVEIL_POLICY, rule, SIPVEIL_NO_OFFSET, "%s: %s", SV_QUOTE(m->name), text);
    return false;
}

static bool can_run_digest(const sv_client *c, const sv_mechanism *m, sipveil_error *why)
{
    const sv_auth any = {.qop = SV_SPAN("auth")};
    sv_digest_rules rules = {c->options->profile, c->options->allow_no_qop, c->options->allow_sha256};
    sv_digest_algorithm algorithm;
    sv_qop qop;
    if (c->options->credential_count == 0) return cannot(why, "AGR-17", m, "there are no credentials of ours");
    return sv_digest_demand(m, &any, rules, &algorithm, &qop, why) == SIPVEIL_OK;
}

static bool can_run(const sv_client *c, const sv_mechanism *m, sipveil_error *why)
{
    const sipveil_agree_client_options *o = c->options;
    sv_ipsec_set set;
    if (!sv_mechanism_in_profile(m->kind, o->profile)) return cannot(why, "AGR-17", m, "not of this profile");
    switch (m->kind) {
    case SV_MECH_DIGEST:
    case SV_MECH_DIGEST_INTEGRITY: return can_run_digest(c, m, why);
    case SV_MECH_IPSEC_3GPP: return sv_ipsec_agree(&o->list->list, m, o->allow_weak, &set, why) == SIPVEIL_OK;
    case SV_MECH_SMIME:
        if (o->signer == NULL) return cannot(why, "AGR-47", m, "there is no certificate of ours to sign with");
        if (o->next_hop_is_proxy && !o->smime_to_proxy) return cannot(why, "AGR-48", m, "the next hop is a proxy");
        return true;
    case SV_MECH_TLS:
    case SV_MECH_IPSEC_IKE:
    case SV_MECH_IPSEC_MAN: return true;
    default: return false; /* AGR-10 */
    }
}

sv_choice sv_client_choose(const sv_client *c, const sv_mechanism_list *list, sipveil_error *why)
{
    sv_choice best = {0};
    (void)sv_fail_rule(why, SV_AGREE, SIPVEIL_POLICY, "AGR-17", SIPVEIL_NO_OFFSET,
                       "no mechanism of the server's list is in ours");
    for (size_t i = 0; i < list->count; i++) {
        const sv_mechanism *m = &list->items[i];
        uint32_t rank = 0;
        if (!rank_of(c, m, &rank) || !can_run(c, m, why)) continue;
        if (best.entry == NULL || sv_mechanism_q(m) > sv_mechanism_q(best.entry)) best = (sv_choice){m, i, rank};
    }
    return best;
}
