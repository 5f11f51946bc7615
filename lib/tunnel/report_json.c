/* SPDX-License-Identifier: BSD-2-Clause */
/* The report as JSON: one object, version inside, stable keys (docs/report.md). */
#include <stdio.h>

#include "base/calendar.h"
#include "tunnel/json_write.h"
#include "tunnel/report_words.h"

enum { REPORT_MOST = 4 << 20 };

/* Octets of one UTF-8 character that is no control, by its first octet; 0: none such. Overlong forms,
 * surrogates and what lies past U+10FFFF are none. */
static size_t utf8_length(sipveil_span s)
{
    static const uint32_t least[] = {0, 0x20, 0xA0, 0x800, 0x10000};
    uint8_t first = s.data[0];
    size_t n = first < 0x80 ? 1 : (first & 0xE0) == 0xC0 ? 2 : (first & 0xF0) == 0xE0 ? 3 : (first & 0xF8) == 0xF0 ? 4 : 0;
    if (n == 0 || n > s.len) return 0;
    uint32_t c = n == 1 ? first : first & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s.data[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (s.data[i] & 0x3F);
    }
    bool control = c < least[n] || c == 0x7F || (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF;
    bool direction = (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
    return control || direction ? 0 : n; /* ADV-017: nothing that turns the text around */
}

static bool is_printable_utf8(sipveil_span s)
{
    for (size_t at = 0; at < s.len;) {
        size_t n = utf8_length(sv_span_from(s, at));
        if (n == 0) return false;
        at += n;
    }
    return s.len > 0;
}

static void put_utf8(sv_buffer *b, sipveil_span s)
{
    sv_put_byte(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\') sv_put_byte(b, '\\');
        sv_put_byte(b, s.data[i]);
    }
    sv_put_byte(b, '"');
}

static void put_time(sv_buffer *b, const char *key, int64_t seconds)
{
    char text[SV_CALENDAR_TEXT];
    if (!sv_calendar_text(seconds, text)) return;
    sv_json_write_member(b, key, text);
}

static const char *kind_name(sv_recipient_kind kind)
{
    static const char *const names[] = {"ktri", "kari", "kekri", "pwri", "ori"};
    return names[kind];
}

static void put_recipient(const sv_operation *op, sv_buffer *b, const sv_recipient *r, bool first)
{
    sv_put_str(b, first ? "{" : ",{");
    sv_json_write_member(b, "kind", kind_name(r->kind));
    if (r->kind == SV_RECIPIENT_KEKRI) {
        sv_json_write_key(b, "key_id");
        if (is_printable_utf8(r->key_id)) {
            put_utf8(b, r->key_id);
        } else {
            sv_put_str(b, "null");
        }
        sv_json_write_hex(b, "key_id_hex", r->key_id);
    } else if (r->issuer.len > 0) {
        sv_json_write_member(b, "issuer", sv_name_text(r->issuer, op->arena));
        sv_json_write_hex(b, "serial", r->serial);
    } else if (r->ski.len > 0) {
        sv_json_write_hex(b, "ski", r->ski);
    }
    bool weak;
    sv_json_write_member(b, "algorithm", sv_cms_describe_recipient(r, op->arena, &weak));
    sv_json_write_flag(b, "ours", sv_recipient_is_ours(op, r));
    sv_put_str(b, "}");
}

static void put_encrypted(const sv_operation *op, sv_buffer *b, const sv_node *node)
{
    const sv_enveloped *e = node->enveloped;
    if (e == NULL) return;
    sv_json_write_member(b, "cipher", e->cipher != SIPVEIL_CIPHER_NONE ? sipveil_cipher_name(e->cipher) : "unknown");
    sv_json_write_flag(b, "opened", node->opened);
    if (node->opened) {
        sv_json_write_number(b, "strength_bits", node->opening.strength_bits);
    }
    sv_json_write_key(b, "recipients");
    sv_put_str(b, "[");
    for (size_t i = 0; i < e->recipient_count; i++) {
        sv_recipient room;
        put_recipient(op, b, sv_cms_recipient(e, i, &room), i == 0);
    }
    sv_put_str(b, "]");
}

static const char *trust_name(const sv_node *node, size_t i)
{
    if (node->signers == NULL || node->signatures[i].state != SV_SIGNATURE_VALID) return "unchecked";
    const sv_signer *signer = &node->signers[i];
    if (signer->trust == SV_TRUST_PINNED) return "pinned";
    if (signer->trust == SV_TRUST_BOUND && signer->code == SIPVEIL_OK) return "bound";
    if (signer->trust == SV_TRUST_TRUSTED && signer->code == SIPVEIL_OK) return "trusted";
    return signer->chain_checked || signer->name_checked || signer->time_checked || signer->usage_checked
               ? "untrusted"
               : "unchecked";
}

static void put_names(sv_buffer *b, const char *key, const sv_certificate_names *names)
{
    sv_json_write_key(b, key);
    sv_put_str(b, "[");
    for (size_t i = 0; names != NULL && i < names->aor_count; i++) {
        if (i > 0) sv_put_str(b, ",");
        sv_json_write_string(b, names->aors[i]);
    }
    sv_put_str(b, "]");
}

/* What a signature that is not valid says about itself is not proven: those keys end in _unverified. */
static void put_signer(const sv_operation *op, sv_buffer *b, const sv_node *node, size_t i)
{
    static const char *const states[] = {"valid", "invalid", "unchecked"};
    const sv_signature *s = &node->signatures[i];
    bool valid = s->state == SV_SIGNATURE_VALID;
    sv_put_str(b, i == 0 ? "{" : ",{");
    if (s->certificate != NULL) {
        sv_json_write_member(b, valid ? "subject" : "subject_unverified", sv_certificate_subject(s->certificate, op->arena));
    }
    const char *fingerprint = sv_words_fingerprint(op, node, i);
    if (fingerprint[0] != '\0') sv_json_write_member(b, "sha256", fingerprint);
    put_names(b, valid ? "aor" : "aor_unverified", node->names != NULL ? &node->names[i] : NULL);
    sv_json_write_member(b, "signature", states[s->state]);
    sv_json_write_member(b, "trust", trust_name(node, i));
    if (s->algorithm != NULL) sv_json_write_member(b, "algorithm", s->algorithm);
    if (s->has_time) put_time(b, valid ? "time" : "time_unverified", s->time);
    if (s->why[0] != '\0') sv_json_write_member(b, "why", s->why);
    sv_put_str(b, "}");
}

static void put_signed(const sv_operation *op, sv_buffer *b, const sv_node *node)
{
    const sv_signed *s = node->signed_data;
    if (s == NULL || node->signatures == NULL) return;
    const char *digest = s->signer_count > 0 ? node->signatures[0].digest : NULL;
    if (digest != NULL) sv_json_write_member(b, "digest", digest);
    sv_json_write_key(b, "signers");
    sv_put_str(b, "[");
    for (size_t i = 0; i < s->signer_count; i++) put_signer(op, b, node, i);
    sv_put_str(b, "]");
}

static void put_node_details(const sv_operation *op, sv_buffer *b, const sv_node *node)
{
    sv_json_write_member(b, "type", node->type_name);
    if (node->entity != NULL && (sv_node_is_encrypted(node) || node->type == SV_NODE_SIGNED_DATA ||
                                 node->type == SV_NODE_COMPRESSED || node->type == SV_NODE_CERTS_ONLY)) {
        sv_json_write_member(b, "encoding", node->entity->encoding == SV_MIME_BASE64 ? "base64" : "binary");
    }
    if (sv_node_is_encrypted(node)) put_encrypted(op, b, node);
    if (sv_node_is_signed(node)) put_signed(op, b, node);
    if (node->type == SV_NODE_COMPRESSED) {
        sv_json_write_number(b, "size", node->size);
        sv_json_write_number(b, "expanded", node->expanded);
    }
    if (node->type == SV_NODE_MESSAGE_SIP && node->view != NULL) {
        sv_json_write_key(b, node->view->is_request ? "method" : "status");
        if (node->view->is_request) {
            sv_json_write_string(b, node->view->method);
        } else {
            sv_put_number(b, node->view->status);
        }
    }
    if (node->type == SV_NODE_LEAF) {
        sv_json_write_number(b, "size", node->entity->content.len);
    }
}

/* Depth is bounded by the MIME limit. */
static void put_node(const sv_operation *op, sv_buffer *b, const sv_node *node)
{
    sv_put_str(b, "{");
    put_node_details(op, b, node);
    if (node->first_child != NULL || node->type == SV_NODE_SIP) {
        sv_json_write_key(b, "children");
        sv_put_str(b, "[");
        for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
            if (child != node->first_child) sv_put_str(b, ",");
            put_node(op, b, child);
        }
        sv_put_str(b, "]");
    }
    sv_put_str(b, "}");
}

static void put_path(sv_buffer *b, const sv_node *node)
{
    size_t places[64], depth = 0;
    for (; node != NULL && node->parent != NULL && depth < 64; node = node->parent) {
        size_t place = 0;
        for (const sv_node *before = node->parent->first_child; before != NULL && before != node; before = before->next) place++;
        places[depth++] = place;
    }
    sv_put_str(b, "[");
    while (depth > 0) {
        sv_put_number(b, places[--depth]);
        if (depth > 0) sv_put_str(b, ",");
    }
    sv_put_str(b, "]");
}

void sv_report_put_outcome(const sv_operation *op, sv_buffer *b)
{
    sv_json_write_member(b, "verdict", op->failure.code == SIPVEIL_OK ? "ok" : "error");
    sv_json_write_key(b, "error");
    if (op->failure.code == SIPVEIL_OK) {
        sv_put_str(b, "null");
        return;
    }
    sv_put_str(b, "{");
    sv_json_write_member(b, "code", sipveil_code_name(op->failure.code));
    sv_json_write_key(b, "path");
    put_path(b, op->failure_node);
    sv_json_write_member(b, "text", op->failure.text);
    if (op->failure.rule[0] != '\0') sv_json_write_member(b, "rule", op->failure.rule);
    if (op->failure.hint[0] != '\0') sv_json_write_member(b, "hint", op->failure.hint);
    sv_json_write_number(b, "sip_status", (uint64_t)op->failure.sip_status);
    sv_put_str(b, "}");
}

static void put_lists(const sv_operation *op, sv_buffer *b)
{
    static const char *const compared[] = {"equal", "hidden", "may-differ", "added", "missing", "mismatch"};
    sipveil_span octets = sv_buffer_span(&op->compared);
    const sv_compared *c = (const sv_compared *)(const void *)octets.data;
    sv_json_write_key(b, "compare");
    sv_put_str(b, "[");
    for (size_t i = 0; i < octets.len / sizeof *c; i++) {
        sv_put_str(b, i == 0 ? "{" : ",{");
        sv_json_write_member(b, "field", c[i].field);
        sv_json_write_member(b, "result", compared[c[i].result]);
        sv_json_write_key(b, "path");
        put_path(b, c[i].inner);
        sv_put_str(b, "}");
    }
    sv_put_str(b, "]");
    sv_findings found = sv_findings_of(op);
    sv_json_write_findings(b, found.checks, found.check_count, found.warnings, found.warning_count);
}

static void put_start_line(sv_buffer *b, const sv_sip_view *view)
{
    sv_json_write_member(b, "kind", view->is_request ? "request" : "response");
    sv_json_write_key(b, "method");
    sv_json_write_string(b, view->method);
    if (view->is_request) return;
    sv_json_write_number(b, "status", view->status);
}

sipveil_code sipveil_worker_report_json(sipveil_worker *worker, sipveil_span *json, sipveil_error *err)
{
    sv_buffer b;
    *json = sv_span(NULL, 0);
    if (worker == NULL || worker->operation.options == NULL) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "there is nothing to report: no message was read");
    }
    const sv_operation *op = &worker->operation;
    sv_buffer_init(&b, op->arena, 4096, REPORT_MOST);
    sv_put_str(&b, "{\"version\":1");
    if (op->root != NULL) {
        put_start_line(&b, op->root->view);
    } else { /* it could not even be framed */
        sv_put_str(&b, ",\"kind\":null,\"method\":null");
    }
    sv_report_put_outcome(op, &b);
    sv_json_write_key(&b, "tree");
    if (op->root != NULL) {
        put_node(op, &b, op->root);
    } else {
        sv_put_str(&b, "null");
    }
    put_lists(op, &b);
    sv_put_str(&b, "}\n");
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, err));
    *json = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
