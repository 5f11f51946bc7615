/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets through the gate, and what it let pass through every reader above it. What must hold
 * of all of them is asserted: spans lie within the message, a message equals itself, also when it
 * is written anew with other blanks and names, and normal forms are their own. */
#include "base/fuzz_target.h"
#include "sip/form.h"
#include "sip/response.h"
#include "sip/values.h"
#include "sip/via.h"

static sv_sip_view view, again;

static void check_uri(sipveil_span text, sv_arena *arena)
{
    sv_sip_uri uri;
    sipveil_span aor, twice;
    must(sv_sip_same_uri(text, text, 0));
    (void)sv_sip_host(text);
    if (sv_sip_read_uri(text, &uri, NULL) == SIPVEIL_OK) {
        must(sv_span_within(uri.host, text) || uri.host.len == 0);
        must(sv_span_within(uri.user, text) || uri.user.len == 0);
        must(uri.is_sip || uri.is_sips || uri.rest.len > 0);
    }
    if (sv_sip_aor(text, arena, &aor, NULL) != SIPVEIL_OK) return;
    must(sv_sip_aor(aor, arena, &twice, NULL) == SIPVEIL_OK && sv_equal(aor, twice));
    must(sv_sip_same_aor(text, aor) && sv_sip_same_aor(aor, text));
}

/* What is recognised as usual in some field is what the long way lets through, too. */
static void check_usual(sipveil_span value, sv_arena *arena)
{
    static const sv_field_id ids[] = {SV_F_FROM, SV_F_CONTACT, SV_F_VIA, SV_F_CALL_ID, SV_F_CONTENT_TYPE};
    static const char after[] = "\r\n\r\noctets enough for a vector";
    sipveil_limits limits;
    sv_buffer row;
    sipveil_limits_default(&limits);
    sv_buffer_init(&row, arena, value.len + sizeof after, value.len + sizeof after);
    sv_put(&row, value);
    sv_put(&row, sv_span(after, sizeof after));
    must(!row.failed);
    sipveil_span octets = sv_buffer_span(&row);
    if (row.failed) return; /* out of memory */
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        sv_sip_field field = {.id = ids[i], .value = sv_span(octets.data, value.len)};
        sv_form quick = {.limits = &limits, .end = octets.data + octets.len}, slow = quick;
        if (!sv_sip_is_usual(&quick, &field)) continue;
        must(sv_sip_check_any(&slow, &field, NULL) == SIPVEIL_OK && quick.via == slow.via);
    }
}

static void check_value(sipveil_span value, sv_arena *arena)
{
    sv_sip_address address;
    sipveil_span found, method;
    uint32_t number;
    int64_t seconds;
    check_uri(value, arena);
    check_usual(value, arena);
    (void)sv_sip_param(value, "tag", &found);
    (void)sv_sip_read_cseq(value, &number, &method, NULL);
    if (sv_sip_read_address(value, &address, NULL) == SIPVEIL_OK) {
        must(sv_span_within(address.uri, value) && address.uri.len > 0);
        must(address.tag.len == 0 ||
             (sv_sip_param(address.params, "tag", &found) && sv_equal(found, address.tag)));
        check_uri(address.uri, arena);
    }
    if (sv_sip_read_date(value, &seconds, NULL) == SIPVEIL_OK) {
        sv_buffer text;
        int64_t read;
        sv_buffer_init(&text, arena, 40, 40);
        sv_sip_put_date(&text, seconds);
        must(text.failed || (sv_sip_read_date(sv_buffer_span(&text), &read, NULL) == SIPVEIL_OK &&
                             read == seconds));
    }
}

/* The same rows in long names and with more blanks. */
static sipveil_span rewritten(sv_arena *arena)
{
    sv_buffer out;
    sv_buffer_init(&out, arena, view.head.len * 2, (view.head.len + 64) * 8);
    for (size_t i = 0; i < view.field_count; i++) {
        const sv_sip_field *f = &view.fields[i];
        if (f->id == SV_F_CONTENT_LENGTH || f->id == SV_F_CONTENT_TYPE) continue;
        if (f->id != SV_F_OTHER)
            sv_put_str(&out, sv_field_info_of(f->id)->name);
        else
            sv_put(&out, f->name);
        sv_put_str(&out, f->value.len > 0 ? " :\r\n\t" : ":");
        sv_put(&out, f->value);
        sv_put_str(&out, " \r\n");
    }
    return sv_buffer_span(&out);
}

static void check_top_via(const sv_sip_view *v)
{
    sv_sip_via via;
    if (!sv_sip_top_via(v, &via)) {
        must(sv_sip_top_branch(v).len == 0 && !sv_sip_source_is_confirmed(v));
        return;
    }
    sipveil_span value = sv_sip_value(v, SV_F_VIA);
    must(sv_span_within(via.transport, value) && sv_span_within(via.sent_by, value) && sv_span_within(via.host, via.sent_by));
    must(via.params.len == 0 || sv_span_within(via.params, value));
    must(sv_sip_count_vias(sv_sip_first(v, SV_F_VIA)) > 0);
    must(sv_sip_top_branch(v).len <= via.params.len);
    (void)sv_sip_source_is_confirmed(v);
}

static void check_view(const sv_sip_view *v, sipveil_span whole, sv_arena *arena)
{
    size_t rows = 0;
    must(sv_span_within(v->whole, whole) && sv_span_within(v->head, v->whole));
    must(v->body.len == 0 || sv_span_within(v->body, v->whole));
    for (size_t i = 0; i < v->field_count; i++) {
        const sv_sip_field *f = &v->fields[i];
        rows += f->line.len;
        must(sv_span_within(f->value, f->line) && sv_span_within(f->name, f->line));
        must(sv_sip_find(v, f->name) != NULL && sv_field_id_of(f->name) == f->id);
        must(sv_sip_compare_field(v, v, f->id, f->name, 0) == SV_SIP_EQUAL);
        check_value(f->value, arena);
    }
    must(rows == v->head.len);
    check_top_via(v);
}

static void check_rewritten(sv_arena *arena)
{
    sipveil_limits limits;
    sipveil_limits_default(&limits);
    limits.header = limits.header_field = 1 << 20;
    sipveil_span text = rewritten(arena);
    must(sv_sip_read_fragment(text, &limits, &again, NULL) == SIPVEIL_OK);
    for (size_t i = 0; i < again.field_count; i++) {
        const sv_sip_field *f = &again.fields[i];
        must(sv_sip_compare_field(&view, &again, f->id, f->name, 0) == SV_SIP_EQUAL);
        must(sv_sip_compare_field(&again, &view, f->id, f->name, SV_COMPAT_SAMPLES) ==
             SV_SIP_EQUAL);
    }
    must(sv_sip_tags_removed_only(&view, &again, SV_F_PROXY_REQUIRE) ||
         sv_sip_first(&view, SV_F_PROXY_REQUIRE) != NULL);
}

/* Two messages cut at an octet that none holds: every field of one against the other, both ways. */
static void check_pair(void)
{
    for (size_t i = 0; i < view.field_count; i++) {
        const sv_sip_field *f = &view.fields[i];
        sv_sip_comparison ab = sv_sip_compare_field(&view, &again, f->id, f->name, 0);
        sv_sip_comparison ba = sv_sip_compare_field(&again, &view, f->id, f->name, 0);
        must(ab == ba || (ab == SV_SIP_ONLY_FIRST && ba == SV_SIP_ONLY_SECOND));
        (void)sv_sip_tags_removed_only(&view, &again, f->id);
    }
}

/* What can be answered, is, and the answer passes the gate. */
static void check_answerable(sipveil_span whole, sv_arena *arena)
{
    sipveil_limits limits;
    sv_buffer response;
    sipveil_limits_default(&limits);
    bool good = sv_sip_read(whole, SV_SIP_DATAGRAM, &limits, &view, NULL) == SIPVEIL_OK && view.is_request;
    bool ack = good && sv_equal_str(view.method, "ACK");
    if (sv_sip_read_answerable(whole, &limits, arena, &again, NULL) != SIPVEIL_OK) {
        must(!good || ack);
        return;
    }
    must(again.is_request && again.body.len == 0 && again.tail == 0);
    sv_buffer_init(&response, arena, 1024, 1 << 20);
    if (sv_sip_write_response(&again, &(sv_sip_response){.status = 400, .tag = SV_SPAN("1")}, &response, NULL) != SIPVEIL_OK) return;
    must(response.failed || sv_sip_read(sv_buffer_span(&response), SV_SIP_DATAGRAM, &limits, &view, NULL) == SIPVEIL_OK);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    sipveil_limits limits;
    sipveil_span whole = sv_span(data, size);
    size_t cut;
    sipveil_limits_default(&limits);
    sv_arena *arena = fuzz_arena(1 << 16, 16 << 20);
    check_value(whole, arena);
    if (sv_sip_read(whole, SV_SIP_DATAGRAM, &limits, &view, NULL) == SIPVEIL_OK)
        check_view(&view, whole, arena);
    if (sv_sip_read(whole, SV_SIP_STREAM, &limits, &view, NULL) == SIPVEIL_OK)
        check_view(&view, whole, arena);
    if (sv_sip_read_inner(whole, &limits, &view, NULL) == SIPVEIL_OK)
        check_view(&view, whole, arena);
    if (sv_sip_read_fragment(whole, &limits, &view, NULL) == SIPVEIL_OK) {
        check_view(&view, whole, arena);
        check_rewritten(arena);
    }
    if (sv_find_byte(whole, 0x01, &cut) &&
        sv_sip_read_fragment(sv_span(data, cut), &limits, &view, NULL) == SIPVEIL_OK &&
        sv_sip_read_fragment(sv_span_from(whole, cut + 1), &limits, &again, NULL) == SIPVEIL_OK) {
        check_pair();
    }
    check_answerable(whole, arena);
    sv_buffer lines;
    sv_buffer_init(&lines, arena, size, size * 2 + 1);
    sv_sip_to_crlf(whole, &lines);
    must(!sv_sip_uses_bare_lf(sv_buffer_span(&lines)));
}
