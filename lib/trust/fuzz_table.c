/* SPDX-License-Identifier: BSD-2-Clause */
/* A partner table from any octets: what is taken is written, and reads back as the same; every name and range finds its
 * own row; a verdict on a hop that proves nothing is never trust. */
#include <string.h>

#include "base/fuzz_target.h"
#include "trust/table.h"
#include "tunnel/fuzz_keys.h"

/* Includes and anchors name files: any name is a file with one more partner, and any .pem is one with an anchor. */
static sipveil_code read_named(void *user, const char *named, const char *from, sipveil_span *text, const char **name,
                               sipveil_error *err)
{
    size_t *left = user;
    (void)from;
    if (*left == 0) {
        err->code = SIPVEIL_IO;
        return SIPVEIL_IO;
    }
    --*left;
    *name = named;
    size_t length = strlen(named);
    if (length > 4 && strcmp(named + length - 4, ".pem") == 0) {
        *text = sv_span_str(fuzz_authority);
        return SIPVEIL_OK;
    }
    *text = SV_SPAN("[partner included]\ndomains = included.example\nprotection = ipsec\n");
    return SIPVEIL_OK;
}

static void check_rows(const sipveil_trust_table *table)
{
    for (const sv_partner *p = table->first; p != NULL; p = p->next) {
        must(p->domain_count > 0 && p->protection != 0);
        must(p->level >= 2 || (!p->trust_in && !p->trust_out));
        for (size_t i = 0; i < p->domain_count; i++) must(sv_table_by_domain(table, p->domains[i]) == p);
        for (size_t i = 0; i < p->cert_name_count; i++) must(sv_table_by_cert_name(table, p->cert_names[i]) == p);
        for (size_t i = 0; i < p->ip_count; i++) {
            must(p->ip[i].bits >= 16 && sv_prefix_holds(&p->ip[i], p->ip[i].octets));
            must(sv_table_by_address(table, p->ip[i].octets) != NULL);
        }
    }
}

static void check_verdicts(const sipveil_trust_table *table)
{
    static const char *const domains[] = {"", "included.example", "other.example"};
    const sipveil_trust_peer peer = {.size = sizeof peer, .address = "10.0.0.1", .transport = SIPVEIL_TRUST_UDP};
    for (size_t i = 0; i < 3; i++) {
        sipveil_trust_verdict v;
        sipveil_trust_judge_peer(table, SIPVEIL_TRUST_PROFILE_RFC3325, SIPVEIL_TRUST_OUT, sv_span_str(domains[i]), &peer,
                                 1795255200, &v);
        must(!v.trusted && v.reasons != 0);
    }
}

FUZZ_GIVE_BACK(give_back_table, sipveil_trust_table_free)

FUZZ_GIVE_BACK(give_back_text, sipveil_trust_text_free)

void fuzz_input(const uint8_t *data, size_t size)
{
    size_t files = 8, files_again = 8;
    sipveil_trust_table *table, *again;
    static sipveil_context *context;
    if (context == NULL) must(sipveil_context_new(NULL, &context, NULL) == SIPVEIL_OK);
    sipveil_trust_table_options options = {.size = sizeof options, .context = context, .user = &files, .read = read_named};
    char *text, *second;
    if (sipveil_trust_table_read(sv_span(data, size), "t", &options, &table, NULL) != SIPVEIL_OK) {
        must(table == NULL);
        return;
    }
    fuzz_until_end(table, give_back_table);
    check_rows(table);
    check_verdicts(table);
    must(sipveil_trust_table_text(table, &text, NULL) == SIPVEIL_OK);
    fuzz_until_end(text, give_back_text);
    options.user = &files_again;
    must(sipveil_trust_table_read(sv_span_str(text), "t", &options, &again, NULL) == SIPVEIL_OK);
    fuzz_until_end(again, give_back_table);
    must(again->count == table->count);
    must(sipveil_trust_table_text(again, &second, NULL) == SIPVEIL_OK);
    fuzz_until_end(second, give_back_text);
    must(strlen(second) > 0 && strncmp(second, text, strcspn(text, "#")) == 0); /* places differ, the domain does not */
}
