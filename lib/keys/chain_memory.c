/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys/chain_memory.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "base/span.h"

/* The store of a ring is the ring's alone and only ever gains anchors and CRLs: held, with their counts, it stands
 * for all that the ring says. */
typedef struct remembered {
    X509_STORE *store; /* NULL: free */
    size_t anchors, crls, known;
    X509 *certificate;
    X509 *untrusted[SV_CHAIN_UNTRUSTED_MOST];
    int untrusted_count;
    unsigned allow_weak;
    bool ignore_validity;
    sipveil_limits limits;
    sv_chain_answer answer;
} remembered;

typedef struct known_certificate {
    X509 *certificate; /* NULL: free */
    sv_arena *arena;   /* of the names */
    sv_certificate_facts facts;
} known_certificate;

struct sv_chain_memory {
    remembered chains[SV_CHAINS_KEPT];
    size_t next; /* to be overwritten */
    known_certificate known[SV_CERTIFICATES_KNOWN];
    size_t next_known;
};

static void forget(remembered *r)
{
    X509_STORE_free(r->store);
    X509_free(r->certificate);
    for (int i = 0; i < r->untrusted_count; i++) X509_free(r->untrusted[i]);
    *r = (remembered){0};
}

static void forget_certificate(known_certificate *k)
{
    X509_free(k->certificate);
    sv_arena_free(k->arena);
    *k = (known_certificate){0};
}

sv_chain_memory *sv_chain_memory_new(void)
{
    return calloc(1, sizeof(sv_chain_memory));
}

void sv_chain_memory_free(sv_chain_memory *memory)
{
    if (memory == NULL) return;
    for (size_t i = 0; i < SV_CHAINS_KEPT; i++) forget(&memory->chains[i]);
    for (size_t i = 0; i < SV_CERTIFICATES_KNOWN; i++) forget_certificate(&memory->known[i]);
    free(memory);
}

/* sk_X509_num(NULL) is -1. */
static int count_of(const STACK_OF(X509) *stack)
{
    return stack != NULL ? sk_X509_num(stack) : 0;
}

static bool same_question(const remembered *r, const sipveil_keyring *ring, const sv_chain_question *question)
{
    if (r->store == NULL || r->store != ring->store || r->anchors != ring->anchor_count || r->crls != ring->crl_count ||
        r->known != ring->known_count || r->certificate != question->certificate || r->allow_weak != question->allow_weak ||
        r->ignore_validity != question->ignore_validity || r->untrusted_count != count_of(question->untrusted) ||
        !sv_equal(sv_span(&r->limits, sizeof r->limits), sv_span(question->limits, sizeof r->limits))) {
        return false;
    }
    for (int i = 0; i < r->untrusted_count; i++) {
        if (r->untrusted[i] != sk_X509_value(question->untrusted, i)) return false;
    }
    return true;
}

bool sv_chain_recall(const sv_chain_memory *memory, const sipveil_keyring *ring, const sv_chain_question *question,
                     sv_chain_answer *answer)
{
    if (memory == NULL || question->built != NULL) return false;
    for (size_t i = 0; i < SV_CHAINS_KEPT; i++) {
        const remembered *r = &memory->chains[i];
        if (!same_question(r, ring, question) || !sv_valid_at(r->answer.from, r->answer.until, question->at)) continue;
        *answer = r->answer;
        return true;
    }
    return false;
}

/* A reference of our own, or NULL. */
static X509 *hold(X509 *certificate)
{
    return X509_up_ref(certificate) == 1 ? certificate : NULL;
}

void sv_chain_remember(sv_chain_memory *memory, const sipveil_keyring *ring, const sv_chain_question *question,
                       const sv_chain_answer *answer)
{
    int untrusted = count_of(question->untrusted);
    if (memory == NULL || ring->crl_count > 0 || untrusted > SV_CHAIN_UNTRUSTED_MOST ||
        !sv_valid_at(answer->from, answer->until, question->at)) {
        return;
    }
    remembered *r = &memory->chains[memory->next];
    memory->next = (memory->next + 1) % SV_CHAINS_KEPT;
    forget(r);
    r->certificate = hold(question->certificate);
    bool held = r->certificate != NULL;
    for (int i = 0; held && i < untrusted; i++) {
        r->untrusted[i] = hold(sk_X509_value(question->untrusted, i));
        held = r->untrusted[i] != NULL;
        if (held) r->untrusted_count++;
    }
    held = held && X509_STORE_up_ref(ring->store) == 1;
    if (!held) {
        forget(r);
        return;
    }
    r->store = ring->store;
    r->anchors = ring->anchor_count;
    r->crls = ring->crl_count;
    r->known = ring->known_count;
    r->allow_weak = question->allow_weak;
    r->ignore_validity = question->ignore_validity;
    r->limits = *question->limits;
    r->answer = *answer;
}

/* ---- what certificates say ---- */

static bool read_facts(const sipveil_context *context, X509 *certificate, sv_arena *arena, sv_certificate_facts *out)
{
    sipveil_error ignored;
    out->not_before = sv_certificate_seconds(X509_get0_notBefore(certificate));
    out->not_after = sv_certificate_seconds(X509_get0_notAfter(certificate));
    time_t any = 0;
    out->has_plain_times = X509_cmp_time(X509_get0_notBefore(certificate), &any) != 0 &&
                           X509_cmp_time(X509_get0_notAfter(certificate), &any) != 0; /* 0: unreadable */
    for (sv_use use = 0; use < SV_USE_COUNT; use++) {
        out->may[use] = sv_certificate_check_usage(certificate, use, &ignored) == SIPVEIL_OK;
    }
    bool read = sv_certificate_fingerprint(context, certificate, out->sha256, &ignored) == SIPVEIL_OK &&
                sv_certificate_read_names(certificate, arena, &out->names, &ignored) == SIPVEIL_OK;
    ERR_clear_error();
    return read;
}

const sv_certificate_facts *sv_chain_memory_facts(sv_chain_memory *memory, const sipveil_context *context, X509 *certificate)
{
    enum { NAMES_BLOCK = 256 };
    if (memory == NULL) return NULL;
    for (size_t i = 0; i < SV_CERTIFICATES_KNOWN; i++) {
        if (memory->known[i].certificate == certificate) return &memory->known[i].facts;
    }
    known_certificate *k = &memory->known[memory->next_known];
    memory->next_known = (memory->next_known + 1) % SV_CERTIFICATES_KNOWN;
    forget_certificate(k);
    k->arena = sv_arena_new(NAMES_BLOCK, SV_CERTIFICATE_NAMES_MOST);
    k->certificate = hold(certificate);
    if (k->arena != NULL && k->certificate != NULL && read_facts(context, certificate, k->arena, &k->facts)) return &k->facts;
    forget_certificate(k);
    return NULL;
}
