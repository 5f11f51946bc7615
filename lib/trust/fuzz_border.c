/* SPDX-License-Identifier: BSD-2-Clause */
/* Any message over the border of any table: the first octet chooses hops and switches, a table may stand in front of
 * the message (up to an octet 0xFF). Whatever it is: an untrusted next hop never gets an asserted identity where
 * Privacy asks for id, what an untrusted hop asserts goes nowhere, Privacy: none is never touched, and two branches
 * alike are the same. Where the table makes it a privacy service, nothing of Via, Record-Route and Contact is left
 * after Privacy: header. */
#include <string.h>

#include "base/fuzz_target.h"
#include "sip/privacy.h"
#include "sip/values.h"
#include "trust/table.h"

static sipveil_context *context;
static sipveil_border *border;
static sipveil_trust_table *standard;
static sipveil_memory *memory;

static sipveil_trust_table *read_table(sipveil_span text)
{
    sipveil_trust_table *table;
    return sipveil_trust_table_read(text, "t", NULL, &table, NULL) == SIPVEIL_OK ? table : NULL;
}

FUZZ_GIVE_BACK(give_back_table, sipveil_trust_table_free)

static void set_up(void)
{
    static const char text[] =
        "[trust-domain]\nno_privacy = keep\n[partner biloxi]\ndomains = biloxi.example\nip = 192.0.2.0/24\n"
        "protection = tls-mutual\ntrust_in = yes\ntrust_out = yes\n";
    if (context != NULL) return;
    must(sipveil_context_new(NULL, &context, NULL) == SIPVEIL_OK &&
         sipveil_border_new(context, &border, NULL) == SIPVEIL_OK);
    must(sipveil_memory_new(&memory, NULL) == SIPVEIL_OK);
    must((standard = read_table(SV_SPAN(text))) != NULL);
}

typedef struct tour {
    sipveil_trust_table *table;
    uint8_t switches;
    sipveil_span message;
} tour;

static sipveil_trust_verdict verdict(const tour *t, bool trusted)
{
    return (sipveil_trust_verdict){.trusted = trusted,
                                   .level = trusted ? 3 : 0,
                                   .table_mark = t->table->mark,
                                   .is_gateway = trusted,
                                   .keep_without_privacy = (t->switches & 8) != 0,
                                   .valid_until = INT64_MAX,
                                   .name = "biloxi.example"};
}

static bool has(const sv_sip_view *view, sv_field_id id)
{
    return sv_sip_first(view, id) != NULL;
}

static void check_forwarded(const tour *t, const sv_sip_view *before, const sv_sip_view *after, bool from, bool to)
{
    sv_privacy wish, left;
    bool readable = sv_privacy_read(before, &wish, NULL) == SIPVEIL_OK;
    bool rel5 = (t->switches & 0x30) == 0x30;
    bool own = (t->switches & 4) != 0;
    must(!has(after, SV_F_P_PREFERRED_IDENTITY));
    if (!from && !own && !rel5) must(!has(after, SV_F_P_ASSERTED_IDENTITY));
    if (!to && !rel5 && (!readable || (wish.values & (SV_PRIVACY_ID | SV_PRIVACY_HEADER))))
        must(!has(after, SV_F_P_ASSERTED_IDENTITY));
    if (readable && wish.values == SV_PRIVACY_NONE) {
        must(sv_privacy_read(after, &left, NULL) == SIPVEIL_OK && left.values == SV_PRIVACY_NONE);
        must(sv_equal(sv_sip_first(before, SV_F_PRIVACY)->line, sv_sip_first(after, SV_F_PRIVACY)->line));
    }
    must(has(before, SV_F_IDENTITY) == has(after, SV_F_IDENTITY));
    must(sv_equal(before->body, after->body) && sv_equal(before->start_line, after->start_line));
}

/* A privacy service: of what it promised to hide nothing is left. */
static void check_hidden(const tour *t, const sv_sip_view *before, const sv_sip_view *after, bool to)
{
    sv_privacy wish;
    bool rel5 = (t->switches & 0x30) == 0x30;
    sipveil_span own = t->table->spec.service_host;
    bool hides = before->is_request && !to && !rel5 && sv_privacy_read(before, &wish, NULL) == SIPVEIL_OK &&
                 (wish.values & SV_PRIVACY_HEADER) && !sv_equal_str(before->method, "REGISTER");
    if (!hides || !(t->table->spec.serves & SV_SERVES_HEADER)) return;
    must(!has(after, SV_F_P_ASSERTED_IDENTITY) && !has(after, SV_F_RECORD_ROUTE));
    const sv_sip_field *via = sv_sip_first(after, SV_F_VIA);
    must(via != NULL && sv_sip_next(after, via) == NULL && sv_find(via->value, own, &(size_t){0}));
    for (const sv_sip_field *row = sv_sip_first(after, SV_F_CONTACT); row != NULL; row = sv_sip_next(after, row)) {
        must(sv_find(row->value, own, &(size_t){0}));
    }
}

static void cross(const tour *t, bool from, bool to)
{
    static const char *const identities[] = {"sip:own@home.example", "tel:+15551234567"};
    static sv_sip_view before, after;
    const sipveil_trust_verdict in = verdict(t, from), out = verdict(t, to);
    sipveil_border_options options = {.size = sizeof options,
                                      .table = t->table,
                                      .profile = (sipveil_trust_profile)(t->switches >> 4 & 3),
                                      .identities = identities,
                                      .identity_count = t->switches & 4 ? 2 : 0,
                                      .has_at = true,
                                      .memory = t->table->spec.serves != 0 ? memory : NULL};
    sipveil_border_result result, again;
    sipveil_span json;
    if (sipveil_border_arrive(border, &options, t->message, &in, &result, NULL) != SIPVEIL_OK) return;
    must(sv_sip_read(t->message, SV_SIP_DATAGRAM, sipveil_context_limits(context), &before, NULL) == SIPVEIL_OK);
    if (result.action != SIPVEIL_BORDER_FORWARD) return;
    if (sipveil_border_leave(border, &out, &result, NULL) != SIPVEIL_OK) return;
    must(sipveil_border_report_json(border, &json, NULL) == SIPVEIL_OK);
    if (result.action != SIPVEIL_BORDER_FORWARD) return;
    must(sv_sip_read(result.message, SV_SIP_DATAGRAM, sipveil_context_limits(context), &after, NULL) == SIPVEIL_OK);
    if (t->table->spec.serves == 0) check_forwarded(t, &before, &after, from, to);
    check_hidden(t, &before, &after, to);
    must(sipveil_border_leave(border, &out, &again, NULL) == SIPVEIL_OK && sv_equal(result.message, again.message));
}

/* What a UA asks of its domain: the rows in front of the message are the wish, of Privacy first and then identities. What is
 * written is read again, and an identity never goes to who is not trusted. */
static void ask(const tour *t)
{
    static sv_sip_view view;
    sv_cursor c = sv_cursor_over(t->message, "wish");
    sipveil_trust_wish wish = {.size = sizeof wish, .is_gateway = (t->switches & 4) != 0};
    const sipveil_trust_verdict to = verdict(t, (t->switches & 2) != 0);
    const char *identities[3];
    char text[4][128];
    sipveil_span row, out;
    size_t rows = 0;
    for (; rows < 4 && sv_take_until(&c, '\n', &row) && row.len > 0 && row.len < sizeof text[0]; rows++) {
        memcpy(text[rows], row.data, row.len);
        text[rows][row.len] = '\0';
        if (rows > 0) identities[wish.identity_count++] = text[rows];
        (void)sv_take_if(&c, '\n');
    }
    (void)sv_take_if(&c, '\n');
    if (rows > 0 && (t->switches & 1) != 0) wish.privacy = text[0];
    wish.identities = identities;
    if (sipveil_trust_write_wish(border, &wish, sv_rest(&c), &to, &out, NULL) != SIPVEIL_OK) {
        must(out.len == 0);
        return;
    }
    must(wish.identity_count == 0 || to.trusted);
    must(sv_sip_read(out, SV_SIP_DATAGRAM, sipveil_context_limits(context), &view, NULL) == SIPVEIL_OK);
    must(wish.privacy == NULL || sv_equal_str(sv_sip_value(&view, SV_F_PRIVACY), wish.privacy));
    must(wish.identity_count == 0 || has(&view, wish.is_gateway ? SV_F_P_ASSERTED_IDENTITY : SV_F_P_PREFERRED_IDENTITY));
}

void fuzz_input(const uint8_t *data, size_t size)
{
    size_t end;
    if (size < 2 || size > 1 << 16) return;
    set_up();
    tour t = {.table = standard, .switches = data[0], .message = sv_span(data + 1, size - 1)};
    sipveil_trust_table *own = NULL;
    if (t.switches & 0x80) {
        ask(&t);
        return;
    }
    if (sv_find_byte(t.message, 0xFF, &end)) own = read_table(sv_span(t.message.data, end));
    if (own != NULL) {
        fuzz_until_end(own, give_back_table);
        if (own->spec.strict_border) return; /* it breaks what must hold */
        t.table = own;
        t.message = sv_span_from(t.message, end + 1);
    }
    cross(&t, (t.switches & 1) != 0, (t.switches & 2) != 0);
}
