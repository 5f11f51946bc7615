/* SPDX-License-Identifier: BSD-2-Clause */
/* The report as one page for a browser: the picture of report_text.c, its layers as boxes within boxes, and the same
 * lists. The page is whole in itself (report_page_parts.c). */
#include "tunnel/report_page.h"

#include "tunnel/report_words.h"

enum { PAGE_MOST = 4 << 20 };

typedef struct page {
    const sv_operation *op;
    sv_buffer *out;
} page;

static void put_badge(page *p, const char *look, const char *word)
{
    sv_page_put(p->out, "<span class=\"badge $\">$</span>", look, word);
}

/* A row of those who can read or who signed; its caller closes it. */
static void put_party(page *p, const char *drawing)
{
    sv_page_put(p->out, "<li><svg aria-hidden=\"true\"><use href=\"#$\"/></svg><div>", drawing);
}

static void put_number(page *p, size_t number, const char *after)
{
    sv_put_number(p->out, number);
    sv_put_str(p->out, after);
}

/* ------------------------------------------------------------------ layers */

typedef struct look {
    const char *style, *drawing, *name;
} look;

static look look_of(const sv_node *node)
{
    switch (node->type) {
    case SV_NODE_SIP: return (look){"clear", "eye", "SIP message"};
    case SV_NODE_MULTIPART_SIGNED:
    case SV_NODE_SIGNED_DATA: return (look){"sign", "pen", "Signed"};
    case SV_NODE_ENVELOPED:
    case SV_NODE_AUTH_ENVELOPED:
        return node->opened ? (look){"good", "open", "Encrypted"} : (look){"lock", "shut", "Encrypted"};
    case SV_NODE_COMPRESSED: return (look){"pack", "pack", "Compressed"};
    case SV_NODE_CERTS_ONLY: return (look){"pack", "page", "Certificates"};
    case SV_NODE_MESSAGE_SIP: return (look){"pack", "mail", "SIP message inside"};
    case SV_NODE_SIPFRAG: return (look){"pack", "mail", "Header fields inside"};
    case SV_NODE_MULTIPART: return (look){"pack", "page", "Several parts"};
    default: return (look){"pack", "page", "Content"};
    }
}

static void put_recipients(page *p, const sv_node *node)
{
    const sv_enveloped *e = node->enveloped;
    if (e == NULL) return;
    sv_put_str(p->out, "<p>Can be read by</p><ul class=\"parties\">\n");
    for (size_t i = 0; i < e->recipient_count; i++) {
        sv_recipient room;
        const sv_recipient *r = sv_cms_recipient(e, i, &room);
        bool weak;
        put_party(p, "key");
        sv_page_put(p->out, "<span class=\"mono\">$</span> <small>$</small> ", sv_words_recipient(p->op, r),
                    sv_cms_describe_recipient(r, p->op->arena, &weak));
        if (node->opened && node->opening.recipient == i) {
            put_badge(p, "good", "opened by our key");
        } else if (sv_recipient_is_ours(p->op, r)) {
            put_badge(p, "good", "our key");
        }
        sv_put_str(p->out, "</div></li>\n");
    }
    sv_put_str(p->out, "</ul>\n");
    if (!node->opened) {
        sv_put_str(p->out, "<p class=\"shut\"><span>Closed: only its recipients can read what is inside.</span></p>\n");
    }
}

static const char *signature_look(const sv_node *node, size_t i)
{
    static const char *const looks[] = {
        [SV_SIGNATURE_VALID] = "good", [SV_SIGNATURE_INVALID] = "bad", [SV_SIGNATURE_UNCHECKED] = "clear"};
    return looks[node->signatures[i].state];
}

static bool signer_was_asked(const sv_node *node, size_t i)
{
    return node->signers != NULL && node->verified && node->signatures[i].state == SV_SIGNATURE_VALID;
}

static void put_signature_badges(page *p, const sv_node *node, size_t i)
{
    put_badge(p, signature_look(node, i), sv_words_signature(node, i));
    if (!signer_was_asked(node, i)) return;
    bool accepted = node->signers[i].code == SIPVEIL_OK;
    sv_put_str(p->out, " ");
    put_badge(p, accepted ? "good" : "bad", accepted ? "signer accepted" : "signer not accepted");
}

static void put_signatures(page *p, const sv_node *node)
{
    const sv_signed *s = node->signed_data;
    if (s == NULL || node->signatures == NULL) return;
    sv_put_str(p->out, "<p>Signed by</p><ul class=\"parties\">\n");
    for (size_t i = 0; i < s->signer_count; i++) {
        put_party(p, "pen");
        sv_page_put(p->out, "<span class=\"mono\">$</span> ", sv_words_signer(p->op, node, i));
        put_signature_badges(p, node, i);
        sv_put_str(p->out, "</div></li>\n");
    }
    sv_put_str(p->out, "</ul>\n");
}

/* Which fields of a tunnelled message no hop saw: the first thing one wants to know of it. */
static void put_hidden(page *p, const sv_node *node)
{
    sipveil_span octets = sv_buffer_span(&p->op->compared);
    const sv_compared *c = (const sv_compared *)(const void *)octets.data;
    bool first = true;
    for (size_t i = 0; i < octets.len / sizeof *c; i++) {
        if (c[i].inner != node || c[i].result != SIPVEIL_COMPARE_HIDDEN) continue;
        if (first) sv_put_str(p->out, "<p>Hidden from every hop: ");
        sv_page_put(p->out, "<span class=\"chip\">$</span>", SV_QUOTE(sv_span_str(c[i].field)));
        first = false;
    }
    if (!first) sv_put_str(p->out, "</p>\n");
}

static void put_layer_head(page *p, const sv_node *node)
{
    look l = look_of(node);
    sv_page_put(p->out, "<li class=\"layer $\"><header><svg aria-hidden=\"true\"><use href=\"#$\"/></svg>", l.style, l.drawing);
    sv_page_put(p->out, "<b>$</b> ", l.name);
    if (node->type == SV_NODE_SIP) sv_put_str(p->out, "<span class=\"note\">every hop reads this header</span>");
    if (node->type != SV_NODE_SIP) sv_page_put(p->out, "<code>$</code>", node->type_name);
    if (sv_node_is_encrypted(node) && node->enveloped != NULL) {
        sipveil_cipher cipher = node->enveloped->cipher;
        const char *name = cipher != SIPVEIL_CIPHER_NONE ? sipveil_cipher_name(cipher) : "unknown cipher";
        sv_page_put(p->out, "<code>$</code>", name);
        put_badge(p, l.style, node->opened ? "opened" : "closed");
    }
    if (node->type == SV_NODE_COMPRESSED) {
        sv_put_str(p->out, "<span class=\"note\">");
        put_number(p, node->expanded, " octets from ");
        put_number(p, node->size, "</span>");
    }
    if (node->type == SV_NODE_LEAF) {
        sv_put_str(p->out, "<span class=\"note\">");
        put_number(p, node->entity->content.len, " octets</span>");
    }
    sv_put_str(p->out, "</header><div class=\"inside\">");
}

/* Depth is bounded by the MIME limit. */
static void put_layer(page *p, const sv_node *node)
{
    put_layer_head(p, node);
    if (node->view != NULL && node->view->start_line.len > 0) {
        sv_page_put(p->out, "<p><code>$</code></p>\n", SV_QUOTE(node->view->start_line));
    }
    put_hidden(p, node);
    if (sv_node_is_encrypted(node)) put_recipients(p, node);
    if (sv_node_is_signed(node)) put_signatures(p, node);
    if (node->first_child != NULL) sv_put_str(p->out, "<ol class=\"layers\">\n");
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) put_layer(p, child);
    if (node->first_child != NULL) sv_put_str(p->out, "</ol>");
    sv_put_str(p->out, "</div></li>\n");
}

/* ------------------------------------------------------------------ who can read, who signed */

static void open_table(page *p, const char *title, const char *first, const char *second, const char *third)
{
    sv_page_put(p->out, "<h2>$</h2>\n<div class=\"scroll\"><table><thead><tr>", title);
    sv_page_put(p->out, "<th scope=\"col\">$</th><th scope=\"col\">$</th>", first, second);
    if (third != NULL) sv_page_put(p->out, "<th scope=\"col\">$</th>", third);
    sv_put_str(p->out, "</tr></thead><tbody>\n");
}

static void close_table(page *p)
{
    sv_put_str(p->out, "</tbody></table></div>\n");
}

static void put_content(void *state, const sv_node *content)
{
    page *p = state;
    sv_page_put(p->out, "<span class=\"chip\">$</span>", sv_words_content(content));
}

static void put_readable(void *state, const sv_node *content)
{
    if (!sv_node_is_encrypted(content)) put_content(state, content);
}

static void put_reader(void *state, const sv_recipient *reader)
{
    page *p = state;
    sv_page_put(p->out, "<tr><th scope=\"row\"><span class=\"mono\">$</span> ", sv_words_recipient(p->op, reader));
    if (sv_recipient_is_ours(p->op, reader)) put_badge(p, "good", "our key");
    sv_put_str(p->out, "</th><td>");
    if (sv_each_readable(p->op, reader, put_readable, p)) put_badge(p, "lock", "what is closed here");
    sv_put_str(p->out, "</td></tr>\n");
}

static void put_readers(page *p)
{
    open_table(p, "Who can read what", "Reader", "Reads", NULL);
    sv_put_str(p->out, "<tr><th scope=\"row\">every hop</th><td>");
    put_content(p, p->op->root);
    sv_each_content(p->op->root, put_readable, p);
    sv_put_str(p->out, "</td></tr>\n");
    sv_each_reader(p->op, put_reader, p);
    close_table(p);
}

static bool anybody_signed(const sv_node *node)
{
    if (sv_node_is_signed(node) && node->signatures != NULL && node->signed_data->signer_count > 0) return true;
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        if (anybody_signed(child)) return true;
    }
    return false;
}

static void put_signers(page *p, const sv_node *node)
{
    size_t count = sv_node_is_signed(node) && node->signatures != NULL ? node->signed_data->signer_count : 0;
    for (size_t i = 0; i < count; i++) {
        bool asked = signer_was_asked(node, i);
        const char *why = !asked                                 ? node->signatures[i].why
                          : node->signers[i].code == SIPVEIL_OK ? ""
                                                                : node->signers[i].why;
        sv_page_put(p->out, "<tr><th scope=\"row\"><span class=\"mono\">$</span>", sv_words_signer(p->op, node, i));
        const char *fingerprint = sv_words_fingerprint(p->op, node, i);
        if (fingerprint[0] != '\0') {
            sv_page_put(p->out, "<br><small class=\"note\">SHA-256 <code>$</code></small>", fingerprint);
        }
        sv_put_str(p->out, "</th><td>");
        put_signature_badges(p, node, i);
        if (why[0] != '\0') sv_page_put(p->out, "<br><span class=\"note\">$</span>", why);
        sv_put_str(p->out, "</td><td>");
        sv_each_content(node, put_content, p);
        sv_put_str(p->out, "</td></tr>\n");
    }
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) put_signers(p, child);
}

/* ------------------------------------------------------------------ lists */

static void put_compared(page *p)
{
    static const char *const names[] = {
        "equal", "hidden: only inside", "differs, as hops may make it", "added outside: not verified",
        "missing outside", "differs and must not"};
    static const char *const looks[] = {"good", "lock", "pack", "clear", "bad", "bad"};
    sipveil_span octets = sv_buffer_span(&p->op->compared);
    const sv_compared *c = (const sv_compared *)(const void *)octets.data;
    size_t count = octets.len / sizeof *c;
    if (count == 0) return;
    open_table(p, "Inner and outer header compared", "Result", "Fields", NULL);
    for (int result = SIPVEIL_COMPARE_MISMATCH; result >= SIPVEIL_COMPARE_EQUAL; result--) {
        bool first = true;
        for (size_t i = 0; i < count; i++) {
            if ((int)c[i].result != result) continue;
            if (first) {
                sv_put_str(p->out, "<tr><th scope=\"row\">");
                put_badge(p, looks[result], names[result]);
                sv_put_str(p->out, "</th><td>");
            }
            sv_page_put(p->out, "<span class=\"chip\">$</span>", SV_QUOTE(sv_span_str(c[i].field)));
            first = false;
        }
        if (!first) sv_put_str(p->out, "</td></tr>\n");
    }
    close_table(p);
}

static void put_checks(page *p)
{
    static const char *const words[] = {"passed", "FAILED", "not done"};
    static const char *const looks[] = {"good", "bad", "clear"};
    sipveil_span octets = sv_buffer_span(&p->op->checks);
    const sipveil_check *k = (const sipveil_check *)(const void *)octets.data;
    size_t count = octets.len / sizeof *k;
    if (count == 0) return;
    open_table(p, "Checks", "What", "Result", "Rule");
    for (size_t i = 0; i < count; i++) {
        sv_page_put(p->out, "<tr><th scope=\"row\">$</th><td>", k[i].why);
        put_badge(p, looks[k[i].result], words[k[i].result]);
        sv_page_put(p->out, "</td><td><code>$</code></td></tr>\n", k[i].rule);
    }
    close_table(p);
}

static void put_warnings(page *p)
{
    sipveil_span octets = sv_buffer_span(&p->op->warnings);
    const sipveil_warning *w = (const sipveil_warning *)(const void *)octets.data;
    size_t count = octets.len / sizeof *w;
    if (count == 0) return;
    sv_put_str(p->out, "<h2>Warnings</h2>\n<ul>\n");
    for (size_t i = 0; i < count; i++) sv_page_put(p->out, "<li>$</li>\n", w[i].text);
    sv_put_str(p->out, "</ul>\n");
}

static void put_verdict(page *p)
{
    const sipveil_error *failure = &p->op->failure;
    if (failure->code == SIPVEIL_OK) {
        sv_put_str(p->out, "<p class=\"verdict good\"><svg aria-hidden=\"true\"><use href=\"#yes\"/></svg>"
                           "<span><b>ok</b>: nothing that was checked speaks against it</span></p>\n");
        return;
    }
    bool closed = failure->code == SIPVEIL_NO_KEY; /* for others: no fault of anybody */
    sv_page_put(p->out, "<p class=\"verdict $\"><svg aria-hidden=\"true\"><use href=\"#$\"/></svg><span><b>$</b>: $",
                closed ? "lock" : "bad", closed ? "shut" : "no", sipveil_code_name(failure->code), failure->text);
    if (failure->hint[0] != '\0') sv_page_put(p->out, "<br>hint: $", failure->hint);
    sv_put_str(p->out, "</span></p>\n");
}

sipveil_code sipveil_worker_report_html(sipveil_worker *worker, sipveil_span *html, sipveil_error *err)
{
    sv_buffer b;
    *html = sv_span(NULL, 0);
    if (worker == NULL || worker->operation.options == NULL || worker->operation.root == NULL) {
        return sv_fail(err, SV_TUNNEL, SIPVEIL_USAGE, "there is nothing to report: no message was read");
    }
    const sv_operation *op = &worker->operation;
    sv_buffer_init(&b, op->arena, 16384, PAGE_MOST);
    page p = {op, &b};
    sv_put_str(&b, sv_page_head);
    sv_page_put(&b, "sipveil: $", SV_QUOTE(op->root->view->start_line));
    sv_put_str(&b, sv_page_style);
    sv_put_str(&b, sv_page_drawings);
    sv_page_put(&b, "<h1><small>sipveil inspect</small><span class=\"mono\">$</span></h1>\n",
                SV_QUOTE(op->root->view->start_line));
    put_verdict(&p);
    sv_put_str(&b, "<h2>Layers</h2>\n<ol class=\"layers\">\n");
    put_layer(&p, op->root);
    sv_put_str(&b, "</ol>\n");
    put_readers(&p);
    if (anybody_signed(op->root)) {
        open_table(&p, "Who signed what", "Signer", "Signature", "Covers");
        put_signers(&p, op->root);
        close_table(&p);
    }
    put_compared(&p);
    put_checks(&p);
    put_warnings(&p);
    sv_page_put(&b, "<footer>Written by sipveil $. What is not proven is shown as such.</footer>\n", sipveil_version());
    sv_put_str(&b, "</main>\n</body>\n</html>\n");
    SV_TRY(sv_buffer_check(&b, SV_TUNNEL, err));
    *html = sv_buffer_span(&b);
    return SIPVEIL_OK;
}
