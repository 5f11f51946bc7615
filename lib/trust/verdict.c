/* SPDX-License-Identifier: BSD-2-Clause */
#include "trust/verdict.h"

#include "keys/domain.h"

static const struct {
    unsigned bit;
    const char *name;
} reason_names[] = {
    {SIPVEIL_TRUST_NO_ROW, "NO_ROW"},           {SIPVEIL_TRUST_IP_MISMATCH, "IP_MISMATCH"},
    {SIPVEIL_TRUST_NO_CERT, "NO_CERT"},         {SIPVEIL_TRUST_NAME_MISMATCH, "NAME_MISMATCH"},
    {SIPVEIL_TRUST_EXPIRED, "EXPIRED"},         {SIPVEIL_TRUST_LEVEL, "LEVEL"},
    {SIPVEIL_TRUST_DIRECTION, "DIRECTION"},     {SIPVEIL_TRUST_INSECURE, "INSECURE"},
};

const char *sipveil_trust_reason_name(unsigned reason)
{
    for (size_t i = 0; i < sizeof reason_names / sizeof *reason_names; i++) {
        if (reason_names[i].bit == reason) return reason_names[i].name;
    }
    return "";
}

sipveil_trust_profile sv_profile_of(const sipveil_trust_table *table, sipveil_trust_profile asked)
{
    return asked != SIPVEIL_TRUST_PROFILE_TABLE ? asked : table->spec.profile;
}

bool sv_keeps_without_privacy(const sipveil_trust_table *table, const sv_partner *row)
{
    return row != NULL && row->has_keep ? row->keep : table->spec.keep;
}

/* One way in which a peer may have proved who it is. */
typedef struct proof {
    unsigned by; /* SIPVEIL_TRUST_BY_...; 0: nothing of that kind */
    const sipveil_domain_certificate *certificate; /* or: */
    const char *const *names;
    size_t name_count;
    bool hidden; /* nobody reads the link */
} proof;

enum { PROOFS = 3 };

typedef struct inquiry {
    const sipveil_trust_table *table;
    const sipveil_trust_peer *peer;
    sipveil_trust_direction direction;
    int64_t at;
    bool has_address;
    uint8_t address[16];
    proof proofs[PROOFS]; /* in the order of preference (TRU-08) */
    size_t proof_count;
    sipveil_trust_verdict *out;
} inquiry;

static void add_proof(inquiry *q, proof p)
{
    if (p.by & q->table->spec.between_nodes) q->proofs[q->proof_count++] = p;
}

static void collect_proofs(inquiry *q)
{
    const sipveil_trust_peer *peer = q->peer;
    bool v4;
    q->has_address = peer->address != NULL && sv_read_ip(sv_span_str(peer->address), q->address, &v4);
    if (peer->transport == SIPVEIL_TRUST_TLS && (peer->certificate != NULL || peer->name_count > 0)) {
        add_proof(q, (proof){SIPVEIL_TRUST_BY_TLS, peer->certificate, peer->names, peer->name_count, !peer->readable});
    }
    if (peer->sa != NULL) add_proof(q, (proof){SIPVEIL_TRUST_BY_IPSEC, NULL, &peer->sa, 1, !peer->readable});
    /* A signature proves who sent this message; it protects nothing that we send back (TRU-30). */
    if (peer->signer != NULL && q->direction == SIPVEIL_TRUST_IN)
        add_proof(q, (proof){SIPVEIL_TRUST_BY_SMIME, peer->signer, NULL, 0, false});
}

static sipveil_span name_at(const proof *p, size_t i)
{
    if (p->certificate != NULL && i < p->certificate->name_count) return p->certificate->names[i];
    return p->certificate == NULL && i < p->name_count ? sv_span_str(p->names[i]) : sv_span(NULL, 0);
}

/* A partner's own CA is in the keyring for its sake. It vouches for the partners whose sections name it and for nobody
 * else: else one partner could be any other (TRU-11). Where not all of a chain is known, its anchor is not. */
static bool hangs_on_a_partner(const sipveil_trust_table *table, const sipveil_domain_certificate *c)
{
    if (table->file_anchor_count == 0 || c->key_count == 0) return false;
    return c->key_count == SV_DOMAIN_KEYS_MOST || sv_table_brings_anchor(table, c->keys[c->key_count - 1]);
}

/* It leads to no anchor: never did, or one of its issuers has ended since it was read. */
static unsigned no_anchor(const inquiry *q, const sipveil_domain_certificate *c)
{
    return c->chain_ok && !sv_domain_certificate_leads(c, q->at) ? SIPVEIL_TRUST_EXPIRED : SIPVEIL_TRUST_NO_CERT;
}

/* The certificate as such, whatever it names: 0, or reasons. Names that the caller has proved are good. */
static unsigned judge_certificate(const inquiry *q, const proof *p, const sv_partner *row)
{
    const sipveil_domain_certificate *c = p->certificate;
    bool known = false;
    if (c == NULL) return 0;
    if (!sv_valid_at(c->not_before, c->not_after, q->at)) return SIPVEIL_TRUST_EXPIRED;
    if (!c->usage_ok && !(c->usage_tls && q->table->spec.eku_tls && p->by == SIPVEIL_TRUST_BY_TLS))
        return SIPVEIL_TRUST_NO_CERT;
    if (row == NULL || row->anchor_count == 0)
        return sv_domain_certificate_leads(c, q->at) && !hangs_on_a_partner(q->table, c) ? 0 : no_anchor(q, c);
    /* Its own key is pinned, or it leads to one of the anchors of this very partner. */
    for (size_t i = 0; i < row->anchor_count && !known; i++) {
        for (size_t k = 0; k < (sv_domain_certificate_leads(c, q->at) ? c->key_count : 1) && !known; k++) {
            known = sv_equal(sv_span(row->anchors[i], 32), sv_span(c->keys[k], 32));
        }
    }
    return known ? 0 : no_anchor(q, c);
}

static bool row_has_name(const sv_partner *row, sipveil_span name)
{
    for (size_t i = 0; i < row->cert_name_count; i++) {
        if (sv_equal_nocase(row->cert_names[i], name)) return true;
    }
    return false;
}

static bool row_has_address(const sv_partner *row, const inquiry *q)
{
    for (size_t i = 0; i < row->ip_count; i++) {
        if (q->has_address && sv_prefix_holds(&row->ip[i], q->address)) return true;
    }
    return row->ip_count == 0; /* TRU-15 */
}

/* What is wrong with this proof for this row: 0 if nothing. *name: the one that fits. */
static unsigned judge_proof(const inquiry *q, const proof *p, const sv_partner *row, sipveil_span *name)
{
    unsigned reasons = 0;
    sipveil_span tried;
    *name = sv_span(NULL, 0);
    if (!(p->by & row->protection)) reasons |= SIPVEIL_TRUST_INSECURE;
    if (row->confidential && !p->hidden) reasons |= SIPVEIL_TRUST_INSECURE;
    reasons |= judge_certificate(q, p, row);
    for (size_t i = 0; (tried = name_at(p, i)).len > 0 && name->len == 0; i++) {
        if (row_has_name(row, tried)) *name = tried;
    }
    return name->len > 0 ? reasons : reasons | SIPVEIL_TRUST_NAME_MISMATCH;
}

static unsigned no_proof(const inquiry *q)
{
    bool plain = q->peer->transport != SIPVEIL_TRUST_TLS && q->peer->sa == NULL;
    return plain ? SIPVEIL_TRUST_INSECURE | SIPVEIL_TRUST_NO_CERT : SIPVEIL_TRUST_NO_CERT;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void copy_text(char *out, size_t room, sipveil_span text)
{
    size_t len = text.len < room - 1 ? text.len : room - 1;
    for (size_t i = 0; i < len; i++) out[i] = (char)text.data[i];
    out[len] = '\0';
}

/* The best of the proofs for that row goes into the verdict. */
static unsigned judge_row(inquiry *q, const sv_partner *row)
{
    unsigned best = no_proof(q);
    sipveil_span name;
    for (size_t i = 0; i < q->proof_count; i++) {
        unsigned reasons = judge_proof(q, &q->proofs[i], row, &name);
        if (reasons != 0) {
            if (q->out->protection == 0 && (i == 0 || __builtin_popcount(reasons) < __builtin_popcount(best)))
                best = reasons;
            continue;
        }
        best = 0;
        q->out->protection = q->proofs[i].by;
        copy_text(q->out->name, sizeof q->out->name, name);
        if (q->proofs[i].certificate != NULL)
            q->out->valid_until = earlier(q->out->valid_until, sv_domain_certificate_until(q->proofs[i].certificate, q->at));
        break;
    }
    return best;
}

static unsigned judge_times(const inquiry *q, const sv_partner *row)
{
    if (q->at > row->valid_to || q->at < row->valid_from) return SIPVEIL_TRUST_EXPIRED;
    q->out->valid_until = earlier(q->out->valid_until, row->valid_to);
    return 0;
}

/* TRU-05: levels add up; TRU-06: how much of them trust takes. */
static void judge_against_row(inquiry *q, const sv_partner *row)
{
    sipveil_trust_verdict *v = q->out;
    bool address_fits = row_has_address(row, q);
    bool forward = q->direction == SIPVEIL_TRUST_OUT;
    copy_text(v->partner, sizeof v->partner, row->name);
    v->reasons |= judge_row(q, row);
    if (v->protection != 0) v->level = row->level >= 3 ? 3 : 2;
    else if (row->ip_count > 0 && address_fits && v->level < 1) v->level = 1;
    if (!address_fits) v->reasons |= SIPVEIL_TRUST_IP_MISMATCH;
    v->reasons |= judge_times(q, row);
    if (v->level < q->table->spec.level) v->reasons |= SIPVEIL_TRUST_LEVEL;
    if (forward ? !row->trust_out : !row->trust_in) v->reasons |= SIPVEIL_TRUST_DIRECTION;
}

/* Nobody's row. TRU-06: where level 2 is enough, whoever proves a domain is a partner. */
static void judge_stranger(inquiry *q)
{
    sipveil_trust_verdict *v = q->out;
    bool named = false;
    v->reasons |= SIPVEIL_TRUST_NO_ROW;
    for (size_t i = 0; i < q->proof_count && v->protection == 0; i++) {
        const proof *p = &q->proofs[i];
        sipveil_span name = name_at(p, 0);
        named |= name.len > 0;
        if (name.len == 0 || p->by == SIPVEIL_TRUST_BY_SMIME || judge_certificate(q, p, NULL) != 0) continue;
        v->protection = p->by;
        v->level = 2;
        copy_text(v->name, sizeof v->name, name);
        if (p->certificate != NULL) v->valid_until = earlier(v->valid_until, sv_domain_certificate_until(p->certificate, q->at));
    }
    if (v->protection == 0) v->reasons |= no_proof(q);
    if (named && q->table->spec.level > 2) v->reasons |= SIPVEIL_TRUST_NAME_MISMATCH; /* with every name there is */
    if (v->level < q->table->spec.level) v->reasons |= SIPVEIL_TRUST_LEVEL;
    if (v->level >= q->table->spec.level) v->reasons &= ~(unsigned)SIPVEIL_TRUST_NO_ROW;
}

/* TRU-14: the row that a proof names, before others the one whose range the address is in; else the row of the
 * address, which tells what is missing. */
static const sv_partner *find_row(const inquiry *q)
{
    const sv_partner *first = NULL;
    for (size_t i = 0; i < q->proof_count; i++) {
        sipveil_span name;
        for (size_t k = 0; (name = name_at(&q->proofs[i], k)).len > 0; k++) {
            const sv_partner *row = sv_table_by_cert_name(q->table, name);
            if (row != NULL && row_has_address(row, q)) return row;
            if (first == NULL) first = row;
        }
    }
    return first == NULL && q->has_address ? sv_table_by_address(q->table, q->address) : first;
}

static bool is_gateway(const sipveil_trust_table *table, const sipveil_trust_peer *peer)
{
    if (peer->is_gateway) return true;
    for (size_t i = 0; peer->interface != NULL && i < table->spec.gateway_count; i++) {
        if (sv_equal_str(table->spec.gateways[i], peer->interface)) return true;
    }
    return false;
}

/* TRU-13, RFC 5922 7.3: a certificate that is not for the domain at all ends the connection. */
static bool must_close(const inquiry *q, sipveil_span domain)
{
    if (domain.len == 0 || q->peer->transport != SIPVEIL_TRUST_TLS) return false;
    for (size_t i = 0; i < q->proof_count; i++) {
        const proof *p = &q->proofs[i];
        sipveil_span name;
        if (p->by != SIPVEIL_TRUST_BY_TLS) continue;
        const sv_partner *row = sv_table_by_domain(q->table, domain);
        for (size_t k = 0; (name = name_at(p, k)).len > 0; k++) {
            if (sv_equal_nocase(name, domain) || (row != NULL && row_has_name(row, name))) return false;
        }
        return true;
    }
    return false;
}

void sipveil_trust_judge_peer(const sipveil_trust_table *table, sipveil_trust_profile profile,
                              sipveil_trust_direction direction, sipveil_span domain, const sipveil_trust_peer *peer,
                              int64_t at, sipveil_trust_verdict *out)
{
    *out = (sipveil_trust_verdict){.reasons = SIPVEIL_TRUST_NO_ROW, .valid_until = INT64_MAX};
    if (table == NULL || peer == NULL || peer->size != sizeof *peer) return;
    out->table_mark = table->mark;
    out->is_gateway = is_gateway(table, peer);
    out->level = out->is_gateway ? 1 : 0;
    out->reasons = 0;
    inquiry q = {.table = table, .peer = peer, .direction = direction, .at = at, .out = out};
    collect_proofs(&q);
    const sv_partner *row = domain.len > 0 ? sv_table_by_domain(table, domain) : find_row(&q);
    if (row != NULL) judge_against_row(&q, row);
    else judge_stranger(&q);
    out->keep_without_privacy = sv_keeps_without_privacy(table, row);
    out->close = must_close(&q, domain);
    out->trusted = out->reasons == 0;
    if (sv_profile_of(table, profile) == SIPVEIL_TRUST_PROFILE_IMS_REL5) { /* TRU-07 */
        bool connected = out->is_gateway || peer->sa != NULL;
        out->trusted = direction == SIPVEIL_TRUST_IN || connected;
        out->is_gateway = connected;
    }
    if (out->trusted) out->reasons = 0;
}

bool sipveil_trust_verdict_holds(const sipveil_trust_table *table, const sipveil_trust_verdict *verdict, int64_t at)
{
    return table != NULL && verdict != NULL && verdict->table_mark == table->mark && at <= verdict->valid_until;
}
