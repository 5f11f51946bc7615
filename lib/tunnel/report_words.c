/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two reports for people share: how a recipient and a signer are named, and what a reader of a
 * layer sees. */
#include "tunnel/report_words.h"

#include "base/hex.h"
#include "base/span.h"
#include "keys/certificate.h"

enum { WORDS_MOST = 4096 };

static const char *finish(const sv_operation *op, sv_buffer *words)
{
    const char *text = words->failed ? NULL : sv_arena_string(op->arena, sv_buffer_span(words));
    return text != NULL ? text : "?";
}

static void put_hex(sv_buffer *b, sipveil_span octets, size_t most)
{
    for (size_t i = 0; i < octets.len && i < most; i++) sv_put_format(b, "%02X", octets.data[i]);
    if (octets.len > most) sv_put_str(b, "...");
}

const char *sv_words_recipient(const sv_operation *op, const sv_recipient *r)
{
    sv_buffer b;
    sv_buffer_init(&b, op->arena, 128, WORDS_MOST);
    switch (r->kind) {
    case SV_RECIPIENT_KEKRI: sv_put_format(&b, "kek \"%s\"", SV_QUOTE(r->key_id)); break;
    case SV_RECIPIENT_PWRI: return "password";
    case SV_RECIPIENT_ORI: return "recipient of another kind";
    default:
        if (r->issuer.len == 0) {
            sv_put_str(&b, "cert with key id ");
            put_hex(&b, r->ski, 20);
        } else {
            sv_put_format(&b, "cert of %s serial ", sv_name_text(r->issuer, op->arena));
            put_hex(&b, r->serial, 20);
        }
    }
    return finish(op, &b);
}

bool sv_recipient_is_ours(const sv_operation *op, const sv_recipient *recipient)
{
    size_t count;
    const sv_cms_key *keys = sv_keyring_cms_keys(op->options->keyring, &count);
    for (size_t i = 0; i < count; i++) {
        if (sv_cms_recipient_fits(recipient, &keys[i])) return true;
    }
    return false;
}

const char *sv_words_signer(const sv_operation *op, const sv_node *node, size_t i)
{
    sv_buffer b;
    const sv_signature *one = &node->signatures[i];
    if (one->certificate == NULL) return "a certificate that is not here";
    sv_buffer_init(&b, op->arena, 128, WORDS_MOST);
    sv_put_str(&b, sv_certificate_subject(one->certificate, op->arena));
    if (one->state == SV_SIGNATURE_VALID && node->names != NULL && node->names[i].aor_count > 0) {
        sv_put_format(&b, " (%s%s)", SV_QUOTE(node->names[i].aors[0]),
                      node->names[i].aor_count > 1 ? " and others" : "");
    }
    return finish(op, &b);
}

const char *sv_words_fingerprint(const sv_operation *op, const sv_node *node, size_t i)
{
    sv_buffer b;
    uint8_t digest[32];
    X509 *certificate = node->signatures[i].certificate;
    if (certificate == NULL || sv_certificate_fingerprint(op->worker->context, certificate, digest, NULL) != SIPVEIL_OK) return "";
    sv_buffer_init(&b, op->arena, 2 * sizeof digest, 2 * sizeof digest);
    sv_put_hex(&b, sv_span(digest, sizeof digest));
    return finish(op, &b);
}

const char *sv_words_signature(const sv_node *node, size_t i)
{
    static const char *const words[] = {
        [SV_SIGNATURE_VALID] = "signature valid",
        [SV_SIGNATURE_INVALID] = "signature INVALID",
        [SV_SIGNATURE_UNCHECKED] = "signature not checked",
    };
    return words[node->signatures[i].state];
}

const char *sv_words_content(const sv_node *node)
{
    if (node->type == SV_NODE_SIP) return "SIP header";
    return sv_node_is_encrypted(node) ? "an encrypted layer" : node->type_name;
}

void sv_each_content(const sv_node *node, sv_content_call call, void *state)
{
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        bool closed = sv_node_is_encrypted(child);
        if (closed || child->view != NULL || child->type == SV_NODE_LEAF || child->type == SV_NODE_CERTS_ONLY) {
            call(state, child);
        }
        if (!closed) sv_each_content(child, call, state);
    }
}

/* Two passwords look alike, and so do recipients of a kind that nobody knows: each stands for itself. */
static bool same_recipient(const sv_recipient *a, const sv_recipient *b)
{
    if (a == b) return true;
    if (a->kind != b->kind || a->kind == SV_RECIPIENT_PWRI || a->kind == SV_RECIPIENT_ORI) return false;
    return sv_equal(a->key_id, b->key_id) && sv_equal(a->issuer, b->issuer) && sv_equal(a->serial, b->serial) &&
           sv_equal(a->ski, b->ski);
}

/* The layer with the first recipient of the tree, in its order, that is the same, and its place there. */
static const sv_enveloped *first_like(const sv_node *node, const sv_recipient *r, size_t *place)
{
    const sv_enveloped *e = sv_node_is_encrypted(node) ? node->enveloped : NULL;
    for (size_t i = 0; e != NULL && i < e->recipient_count; i++) {
        sv_recipient room;
        *place = i;
        if (same_recipient(sv_cms_recipient(e, i, &room), r)) return e;
    }
    const sv_enveloped *found = NULL;
    for (const sv_node *child = node->first_child; child != NULL && found == NULL; child = child->next) {
        found = first_like(child, r, place);
    }
    return found;
}

static void each_reader_below(const sv_operation *op, const sv_node *node, sv_reader_call call, void *state)
{
    const sv_enveloped *e = sv_node_is_encrypted(node) ? node->enveloped : NULL;
    for (size_t i = 0; e != NULL && i < e->recipient_count; i++) {
        sv_recipient room;
        const sv_recipient *r = sv_cms_recipient(e, i, &room);
        size_t place;
        if (first_like(op->root, r, &place) == e && place == i) call(state, r);
    }
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) each_reader_below(op, child, call, state);
}

void sv_each_reader(const sv_operation *op, sv_reader_call call, void *state)
{
    each_reader_below(op, op->root, call, state);
}

static bool each_readable_below(const sv_node *node, const sv_recipient *reader, sv_content_call call, void *state)
{
    bool closed = false, named = false;
    const sv_enveloped *e = sv_node_is_encrypted(node) ? node->enveloped : NULL;
    for (size_t i = 0; e != NULL && i < e->recipient_count && !named; i++) {
        sv_recipient room;
        named = same_recipient(sv_cms_recipient(e, i, &room), reader);
    }
    if (named) {
        sv_each_content(node, call, state);
        closed = !node->opened;
    }
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        closed |= each_readable_below(child, reader, call, state);
    }
    return closed;
}

bool sv_each_readable(const sv_operation *op, const sv_recipient *reader, sv_content_call call, void *state)
{
    return each_readable_below(op->root, reader, call, state);
}
