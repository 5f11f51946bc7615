/* SPDX-License-Identifier: BSD-2-Clause */
/* The report as a tree for people. */
#include <stdio.h>

#include "tunnel/report_words.h"

enum { REPORT_MOST = 1 << 20, INDENT_MOST = 256 };

typedef struct painter {
    const sv_operation *op;
    sv_buffer *out;
    bool colour, verbose;
} painter;

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

static void paint(painter *p, const char *colour, const char *text)
{
    if (p->colour) sv_put_str(p->out, colour);
    sv_put_str(p->out, text);
    if (p->colour) sv_put_str(p->out, PLAIN);
}

static void put_encrypted_text(painter *p, const sv_node *node, const char *indent)
{
    const sv_enveloped *e = node->enveloped;
    if (e == NULL) return;
    sv_put_format(p->out, ", %s, ", e->cipher != SIPVEIL_CIPHER_NONE ? sipveil_cipher_name(e->cipher) : "unknown cipher");
    if (node->opened) {
        paint(p, GREEN, "opened");
    } else {
        paint(p, YELLOW, "closed: only its recipients can read what is inside");
    }
    for (size_t i = 0; i < e->recipient_count; i++) {
        sv_put_format(p->out, "\n%s  for ", indent);
        bool weak;
        sv_recipient room;
        const sv_recipient *r = sv_cms_recipient(e, i, &room);
        sv_put_format(p->out, "%s (%s)", sv_words_recipient(p->op, r), sv_cms_describe_recipient(r, p->op->arena, &weak));
        if (node->opened && node->opening.recipient == i) sv_put_str(p->out, " <- our key");
    }
}

static void put_acceptance(painter *p, const sv_node *node, size_t i)
{
    if (node->signers == NULL || !node->verified) return; /* nobody was asked */
    bool accepted = node->signers[i].code == SIPVEIL_OK;
    sv_put_str(p->out, ", ");
    paint(p, accepted ? GREEN : RED, accepted ? "signer accepted" : "signer not accepted");
    if (!accepted) sv_put_format(p->out, " (%s)", node->signers[i].why);
}

static void put_signed_text(painter *p, const sv_node *node, const char *indent)
{
    const sv_signed *s = node->signed_data;
    for (size_t i = 0; s != NULL && node->signatures != NULL && i < s->signer_count; i++) {
        const sv_signature *one = &node->signatures[i];
        sv_put_format(p->out, "\n%s  signed by %s: ", indent, sv_words_signer(p->op, node, i));
        if (one->state == SV_SIGNATURE_VALID) {
            paint(p, GREEN, sv_words_signature(node, i));
            put_acceptance(p, node, i);
        } else {
            paint(p, one->state == SV_SIGNATURE_INVALID ? RED : YELLOW, sv_words_signature(node, i));
            if (one->why[0] != '\0') sv_put_format(p->out, " (%s)", one->why);
        }
        const char *fingerprint = p->verbose ? sv_words_fingerprint(p->op, node, i) : "";
        if (fingerprint[0] == '\0') continue;
        sv_put_format(p->out, "\n%s    by the certificate with SHA-256 %s", indent, fingerprint);
    }
}

static void put_sip_text(painter *p, const sv_node *node)
{
    if (node->view == NULL || node->view->start_line.len == 0) return;
    sv_put_format(p->out, ": %s", SV_QUOTE(node->view->start_line));
}

static void put_line(painter *p, const sv_node *node, const char *indent)
{
    sv_put_str(p->out, node->type == SV_NODE_SIP ? "SIP message" : node->type_name);
    if (node->view != NULL) put_sip_text(p, node);
    if (sv_node_is_encrypted(node)) put_encrypted_text(p, node, indent);
    if (sv_node_is_signed(node)) put_signed_text(p, node, indent);
    if (node->type == SV_NODE_COMPRESSED) {
        sv_put_format(p->out, ", %zu octets from %zu", node->expanded, node->size);
    }
    if (node->type == SV_NODE_LEAF) sv_put_format(p->out, ", %zu octets", node->entity->content.len);
    sv_put_str(p->out, "\n");
}

static void put_tree(painter *p, const sv_node *node, char *indent, size_t depth)
{
    size_t used = 3 * depth;
    sv_put_str(p->out, indent);
    if (depth > 0) sv_put_str(p->out, node->next != NULL ? "|- " : "`- ");
    bool too_deep = used + 4 >= INDENT_MOST;
    if (depth > 0 && !too_deep) {
        indent[used - 3] = node->next != NULL ? '|' : ' ';
        indent[used - 2] = indent[used - 1] = ' ';
        indent[used] = '\0';
    }
    put_line(p, node, indent);
    if (too_deep) return;
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        put_tree(p, child, indent, depth + 1);
    }
    if (depth > 0) indent[used - 3] = '\0';
}

typedef struct reading {
    painter *p;
    size_t count;
} reading;

static void put_content(void *state, const sv_node *content)
{
    reading *r = state;
    if (sv_node_is_encrypted(content)) return; /* its own readers are told apart */
    sv_put_format(r->p->out, "%s%s", r->count++ > 0 ? ", " : "", sv_words_content(content));
}

static void put_reader(void *state, const sv_recipient *reader)
{
    painter *p = state;
    reading r = {p, 0};
    bool ours = sv_recipient_is_ours(p->op, reader);
    sv_put_format(p->out, "read by %s%s: ", sv_words_recipient(p->op, reader), ours ? " (our key)" : "");
    bool closed = sv_each_readable(p->op, reader, put_content, &r);
    if (closed) paint(p, YELLOW, r.count > 0 ? ", and what is closed here" : "what is closed here");
    sv_put_str(p->out, "\n");
}

/* Who can read what: one line for every hop, and one for each reader of encrypted layers. */
static void put_readers(painter *p)
{
    reading r = {p, 0};
    sv_put_str(p->out, "read by every hop: ");
    put_content(&r, p->op->root);
    sv_each_content(p->op->root, put_content, &r);
    sv_put_str(p->out, "\n");
    sv_each_reader(p->op, put_reader, p);
}

static void put_compared(painter *p)
{
    static const char *const names[] = {"equal", "hidden", "may differ", "added", "missing", "mismatch"};
    sipveil_span octets = sv_buffer_span(&p->op->compared);
    const sv_compared *c = (const sv_compared *)(const void *)octets.data;
    size_t count = octets.len / sizeof *c;
    for (int result = SIPVEIL_COMPARE_EQUAL; result <= SIPVEIL_COMPARE_MISMATCH; result++) {
        bool first = true;
        for (size_t i = 0; i < count; i++) {
            if ((int)c[i].result != result) continue;
            if (result == SIPVEIL_COMPARE_EQUAL && !p->verbose && first) {
                size_t equal = 0;
                for (size_t k = 0; k < count; k++) equal += c[k].result == SIPVEIL_COMPARE_EQUAL;
                sv_put_format(p->out, "inner and outer: %zu fields equal\n", equal);
                break;
            }
            if (first) sv_put_format(p->out, "inner and outer: %s: ", names[result]);
            sv_put_format(p->out, "%s%s", first ? "" : ", ", SV_QUOTE(sv_span_str(c[i].field)));
            first = false;
        }
        if (!first) sv_put_str(p->out, "\n");
    }
}

static void put_checks(painter *p)
{
    sipveil_span octets = sv_buffer_span(&p->op->checks);
    const sipveil_check *k = (const sipveil_check *)(const void *)octets.data;
    for (size_t i = 0; i < octets.len / sizeof *k; i++) {
        if (k[i].result == SIPVEIL_CHECK_PASSED && !p->verbose) continue;
        const char *colour = k[i].result == SIPVEIL_CHECK_PASSED   ? GREEN
                             : k[i].result == SIPVEIL_CHECK_FAILED ? RED
                                                                   : YELLOW;
        const char *word = k[i].result == SIPVEIL_CHECK_PASSED   ? "passed"
                           : k[i].result == SIPVEIL_CHECK_FAILED ? "FAILED"
                                                                 : "not done";
        sv_put_format(p->out, "%-14s ", k[i].rule);
        paint(p, colour, word);
        sv_put_format(p->out, ": %s\n", k[i].why);
    }
}

sipveil_code sipveil_worker_report_text(sipveil_worker *worker, bool colour, bool verbose, sipveil_span *text,
                                        sipveil_error *err)
{
    sv_buffer b;
    char indent[INDENT_MOST] = "";
    *text = sv_span(NULL, 0);
    if (worker == NULL || worker->operation.options == NULL || worker->operation.root == NULL) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "there is nothing to report: no message was read");
    }
    const sv_operation *op = &worker->operation;
    sv_buffer_init(&b, op->arena, 4096, REPORT_MOST);
    painter p = {op, &b, colour, verbose};
    put_tree(&p, op->root, indent, 0);
    put_readers(&p);
    put_compared(&p);
    put_checks(&p);
    if (op->failure.code != SIPVEIL_OK) {
        paint(&p, RED, "verdict: ");
        sv_put_format(&b, "%s: %s\n", sipveil_code_name(op->failure.code), op->failure.text);
    } else {
        paint(&p, GREEN, "verdict: ");
        sv_put_str(&b, "ok: nothing that was checked speaks against it\n");
    }
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, err));
    *text = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
