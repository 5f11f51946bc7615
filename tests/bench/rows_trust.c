/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of the border: a table of many partners read, a verdict out of it, a message over the border. */
#include <string.h>

#include "bench.h"
#include "sipveil/trust.h"

enum { TEXT_MOST = 4 << 20 };

static struct {
    char text[TEXT_MOST];
    size_t len, partners;
    sipveil_trust_table *table;
    sipveil_border *border;
    sipveil_trust_verdict in, out;
} at;

static void judge(sipveil_trust_direction direction, sipveil_span domain, sipveil_trust_verdict *out)
{
    static const char *const names[] = {"sip.partner-7.example"};
    const sipveil_trust_peer peer = {.size = sizeof peer, .address = "10.0.7.9", .transport = SIPVEIL_TRUST_TLS, .names = names, .name_count = 1};
    sipveil_trust_judge_peer(at.table, SIPVEIL_TRUST_PROFILE_TABLE, direction, domain, &peer, 1795255200, out);
}

/* n partners, each with two domains, a range and directions. */
bool bench_prepare_trust(bench_world *w, size_t n)
{
    if (at.partners == n) return true;
    int used = snprintf(at.text, TEXT_MOST, "[trust-domain]\nno_privacy = remove\n");
    for (size_t i = 0; i < n && used < TEXT_MOST - 256; i++) {
        used += snprintf(at.text + used, TEXT_MOST - (size_t)used,
                         "[partner p%zu]\ndomains = partner-%zu.example sip.partner-%zu.example\nip = 10.%zu.%zu.0/24\n"
                         "protection = tls-mutual ipsec\ntrust_in = yes\ntrust_out = yes\n", i, i, i, i / 256, i % 256);
    }
    at.len = (size_t)used;
    sipveil_trust_table_free(at.table);
    if (sipveil_trust_table_read(sv_span(at.text, at.len), "bench", NULL, &at.table, NULL) != SIPVEIL_OK) return false;
    if (at.border == NULL && sipveil_border_new(w->context, &at.border, NULL) != SIPVEIL_OK) return false;
    judge(SIPVEIL_TRUST_IN, sv_span(NULL, 0), &at.in);
    judge(SIPVEIL_TRUST_OUT, SV_SPAN("other.example"), &at.out);
    at.partners = n;
    return at.in.trusted && !at.out.trusted;
}

bool bench_trust_verdict(bench_world *w, size_t n)
{
    sipveil_trust_verdict v;
    (void)w, (void)n;
    judge(SIPVEIL_TRUST_IN, sv_span(NULL, 0), &v);
    return v.trusted;
}

bool bench_trust_table(bench_world *w, size_t n)
{
    sipveil_trust_table *table;
    (void)w;
    if (sipveil_trust_table_read(sv_span(at.text, at.len), "bench", NULL, &table, NULL) != SIPVEIL_OK) return false;
    bool done = sipveil_trust_table_count(table) == n;
    sipveil_trust_table_free(table);
    return done;
}

/* Both phases: an identity that is believed, asserted no further, and the rest as it was. */
bool bench_trust_apply(bench_world *w, size_t n)
{
    static const char message[] =
        "INVITE sip:bob@other.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
        "From: <sip:anonymous@anonymous.invalid>;tag=1\r\nTo: <sip:bob@other.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
        "Contact: <sip:a.example>\r\nP-Asserted-Identity: <sip:alice@a.example>, <tel:+15551234567>\r\nPrivacy: id\r\nContent-Length: 0\r\n\r\n";
    const sipveil_border_options options = {.size = sizeof options, .table = at.table, .has_at = true, .at = 1795255200};
    sipveil_border_result result;
    (void)w, (void)n;
    return sipveil_border_arrive(at.border, &options, sv_span(message, sizeof message - 1), &at.in, &result, NULL) == SIPVEIL_OK &&
           sipveil_border_leave(at.border, &at.out, &result, NULL) == SIPVEIL_OK && result.message.len < sizeof message - 60;
}
