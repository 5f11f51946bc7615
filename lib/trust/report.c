/* SPDX-License-Identifier: BSD-2-Clause */
/* What was done at the border, as JSON: the two verdicts, and every header field with its reason. */
#include "trust/border.h"
#include "tunnel/json_write.h"

static void put_verdict(sv_buffer *b, const char *name, const sipveil_trust_verdict *v)
{
    static const char *const protections[] = {"tls-mutual", "ipsec", "smime"};
    bool any = false;
    sv_json_write_key(b, name);
    sv_put_byte(b, '{');
    sv_json_write_flag(b, "trusted", v->trusted);
    sv_json_write_number(b, "level", v->level);
    sv_json_write_member(b, "partner", v->partner);
    sv_json_write_member(b, "name_proved", v->name);
    sv_json_write_member(b, "protection", v->protection == 0 ? "none" : protections[__builtin_ctz(v->protection)]);
    sv_json_write_key(b, "reasons");
    sv_put_byte(b, '[');
    for (unsigned bit = 1; bit <= SIPVEIL_TRUST_INSECURE; bit <<= 1) {
        if (!(v->reasons & bit)) continue;
        if (any) sv_put_byte(b, ',');
        sv_json_write_text(b, sipveil_trust_reason_name(bit));
        any = true;
    }
    sv_put_byte(b, ']');
    sv_json_write_flag(b, "close", v->close);
    sv_put_byte(b, '}');
}

static void put_lines(sv_buffer *b, sipveil_border *border)
{
    size_t count;
    const sipveil_border_line *lines = sipveil_border_lines(border, &count);
    sv_json_write_key(b, "fields");
    sv_put_byte(b, '[');
    for (size_t i = 0; i < count; i++) {
        sv_put_str(b, i > 0 ? ",\n  {" : "\n  {");
        sv_json_write_member(b, "field", lines[i].field);
        sv_json_write_member(b, "result", lines[i].result);
        sv_json_write_member(b, "phase", lines[i].phase);
        sv_json_write_member(b, "rule", lines[i].rule);
        sv_json_write_member(b, "why", lines[i].why);
        sv_put_byte(b, '}');
    }
    sv_put_byte(b, ']');
}

static void put_warnings(sv_buffer *b, const sipveil_border *border)
{
    sipveil_span octets = sv_buffer_span(&border->warnings);
    const sipveil_warning *warnings = (const sipveil_warning *)(const void *)octets.data;
    sv_json_write_key(b, "warnings");
    sv_put_byte(b, '[');
    for (size_t i = 0; i < octets.len / sizeof *warnings; i++) {
        sv_put_str(b, i > 0 ? ",{" : "{");
        sv_json_write_member(b, "rule", warnings[i].rule);
        sv_json_write_member(b, "text", warnings[i].text);
        sv_put_byte(b, '}');
    }
    sv_put_byte(b, ']');
}

sipveil_code sipveil_border_report_json(sipveil_border *border, sipveil_span *json, sipveil_error *err)
{
    static const char *const profiles[] = {"table", "rfc3325", "mm-border", "ims-rel5"};
    static const char *const actions[] = {"forward", "respond", "drop"};
    sv_buffer b;
    if (border == NULL || json == NULL || border->view == NULL) {
        return sv_fail(err, SV_TRUST, SIPVEIL_USAGE, "a border with a message and a place are needed");
    }
    *json = sv_span(NULL, 0);
    sv_buffer_init(&b, border->arena, 4096, 1 << 22);
    sv_put_str(&b, "{\"version\":1");
    sv_json_write_member(&b, "kind", border->view->is_request ? "request" : "response");
    sv_json_write_member(&b, "method", sv_quote(border->view->method).text);
    sv_json_write_member(&b, "profile", profiles[border->profile]);
    sv_json_write_member(&b, "action", actions[border->refusal.action]);
    sv_json_write_number(&b, "status", (uint64_t)border->refusal.status);
    sv_json_write_member(&b, "rule", border->refusal.rule != NULL ? border->refusal.rule : "");
    sv_json_write_member(&b, "why", border->refusal.why != NULL ? border->refusal.why : "");
    put_verdict(&b, "from", &border->from);
    if (border->leaving) put_verdict(&b, "to", &border->to);
    put_lines(&b, border);
    put_warnings(&b, border);
    sv_put_str(&b, "}\n");
    SV_TRY(sv_buffer_check(&b, SV_TRUST, err));
    if (!border->complete) return sv_no_memory(err, SV_TRUST);
    *json = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
