/* SPDX-License-Identifier: BSD-2-Clause */
/* The requests that a client sends (RFC 3329 2.3.1): with an offer, with the mirrored list, and with neither. */
#include "agree/client.h"
#include "tunnel/resend.h"

enum { VERIFY_MOST = 2 * SV_MECHANISM_LIST_MOST, ROWS_MOST = 4 * SV_MECHANISM_LIST_MOST, DVER_ROOM = 96 };

/* A row "Name: value", built in the arena. */
static sipveil_span make_row(sv_client *c, const char *name, sipveil_span value)
{
    sv_buffer b;
    sv_buffer_init(&b, c->op->arena, value.len + 64, value.len + 64);
    sv_put_str(&b, name);
    sv_put_str(&b, ": ");
    sv_put(&b, value);
    sv_put_str(&b, "\r\n");
    return sv_buffer_span(&b);
}

static void add_tag(sv_client *c, sv_sip_edit *edit, sv_field_id id)
{
    sv_buffer value;
    const sv_sip_field *row = sv_sip_first(edit->view, id);
    if (sv_sip_has_tag(edit->view, id, SV_AGREE_TAG)) return;
    if (row == NULL) {
        sv_sip_edit_add(edit, make_row(c, sv_field_info_of(id)->name, SV_SPAN(SV_AGREE_TAG)));
        return;
    }
    sv_buffer_init(&value, c->op->arena, row->value.len + 16, row->value.len + 16);
    sv_put(&value, row->value);
    sv_put_str(&value, row->value.len > 0 ? ", " SV_AGREE_TAG : SV_AGREE_TAG);
    sv_sip_edit_set_value(edit, row, sv_buffer_span(&value), c->op->arena);
}

static sipveil_code put_edited(sv_client *c, const sv_sip_edit *edit, sipveil_span *out)
{
    sv_buffer b;
    sv_buffer_init(&b, c->op->arena, edit->view->whole.len + 1024, c->op->limits->message);
    SV_TRY(sv_sip_edit_write(edit, &b, c->op->err));
    *out = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_AGREE, c->op->err);
}

/* Nothing of an earlier agreement stays in a request that is sent again. */
static void start_clean(sv_sip_edit *edit, const sv_sip_view *request)
{
    sv_sip_edit_start(edit, request);
    (void)sv_sip_edit_remove_all(edit, SV_F_SECURITY_CLIENT);
    (void)sv_sip_edit_remove_all(edit, SV_F_SECURITY_VERIFY);
}

sipveil_code sv_client_write_offer(sv_client *c, sipveil_span *out)
{
    sv_sip_edit edit;
    sv_sip_view *request = sv_arena_alloc_raw(c->op->arena, sizeof *request);
    bool lists = !c->a->passive || c->options->profile == SIPVEIL_AGREE_DRAFT04; /* D-10 */
    if (request == NULL) return sv_no_memory(c->op->err, SV_AGREE);
    SV_TRY(sv_sip_read(c->a->request, SV_SIP_DATAGRAM, c->op->limits, request, c->op->err));
    start_clean(&edit, request);
    c->a->security_client = lists ? c->options->list->text : SV_SPAN("");
    if (lists) sv_sip_edit_add(&edit, make_row(c, "Security-Client", c->options->list->text));
    if (c->a->passive) {
        add_tag(c, &edit, SV_F_SUPPORTED); /* D-09 */
    } else {
        add_tag(c, &edit, SV_F_REQUIRE);
        add_tag(c, &edit, SV_F_PROXY_REQUIRE);
    }
    return put_edited(c, &edit, out);
}

/* ---- another transaction ---- */

static sipveil_code set_cseq(sv_client *c, sv_sip_edit *edit)
{
    uint32_t number;
    sipveil_span method;
    SV_TRY(sv_sip_read_cseq(sv_sip_value(edit->view, SV_F_CSEQ), &number, &method, c->op->err));
    return sv_resend_next_cseq(edit, number, c->op->arena, c->op->err);
}

sipveil_code sv_client_next_transaction(sv_client *c)
{
    sv_sip_edit edit;
    sv_sip_view *request = sv_arena_alloc_raw(c->op->arena, sizeof *request);
    if (request == NULL) return sv_no_memory(c->op->err, SV_AGREE);
    SV_TRY(sv_sip_read(c->a->request, SV_SIP_DATAGRAM, c->op->limits, request, c->op->err));
    sv_sip_edit_start(&edit, request);
    bool had_branch;
    SV_TRY(sv_resend_next_branch(&edit, c->op->crypto, c->op->arena, &had_branch, c->op->err));
    if (!had_branch) return sv_fail(c->op->err, SV_AGREE, SIPVEIL_USAGE, "the request has no Via with a branch");
    if (!c->options->is_proxy) SV_TRY(set_cseq(c, &edit));
    return put_edited(c, &edit, &c->a->request);
}

/* ---- the mirrored list ---- */

static const sipveil_agree_credentials *find_credentials(const sv_client *c, sipveil_span realm)
{
    for (size_t i = 0; i < c->options->credential_count; i++) {
        if (sv_quoted_says(realm, c->options->credentials[i].realm)) return &c->options->credentials[i];
    }
    return NULL;
}

typedef struct answer {
    sv_auth challenge;
    const sipveil_agree_credentials *credentials;
    sv_digest_input in;
    uint8_t nc[8];
} answer;

static sipveil_code prepare_answer(sv_client *c, const sv_mechanism *entry, const sv_sip_view *request, answer *out)
{
    bool digest;
    char digits[9];
    sv_digest_rules rules = {c->options->profile, c->options->allow_no_qop, c->options->allow_sha256};
    SV_TRY(sv_auth_read(c->a->challenge, &out->challenge, &digest, c->op->err));
    out->credentials = find_credentials(c, out->challenge.realm);
    if (out->credentials == NULL) {
        sv_fail_rule(c->op->err, SV_AGREE, SIPVEIL_USAGE, "AGR-33", SIPVEIL_NO_OFFSET,
                     "there are no credentials for realm \"%s\"", SV_QUOTE(out->challenge.realm));
        return sv_hint(c->op->err, SIPVEIL_USAGE, "--credentials FILE has a line for each realm");
    }
    if (!sv_is_quotable(out->credentials->username)) {
        return sv_fail_rule(c->op->err, SV_AGREE, SIPVEIL_USAGE, "AGR-33", SIPVEIL_NO_OFFSET,
                            "a username with a control octet stands in no header field: \"%s\"",
                            SV_QUOTE(sv_span_str(out->credentials->username)));
    }
    if (c->a->nonce_count == UINT32_MAX) return sv_fail(c->op->err, SV_AGREE, SIPVEIL_POLICY, "the nonce was used %u times, as often as can be counted", UINT32_MAX);
    (void)snprintf(digits, sizeof digits, "%08x", ++c->a->nonce_count);
    for (size_t i = 0; i < sizeof out->nc; i++) out->nc[i] = (uint8_t)digits[i];
    out->in = (sv_digest_input){.username = sv_span_str(out->credentials->username),
                                .realm = sv_span_str(out->credentials->realm), /* what is hashed is the name itself */
                                .password = sv_span_str(out->credentials->password),
                                .nonce = out->challenge.nonce,
                                .nc = sv_span(out->nc, sizeof out->nc),
                                .cnonce = c->a->cnonce,
                                .method = request->method,
                                .uri = request->request_uri,
                                .body = request->body};
    return sv_digest_demand(entry, &out->challenge, rules, &out->in.algorithm, &out->in.qop, c->op->err);
}

static sipveil_code put_credentials(sv_client *c, const answer *a, sipveil_span *row)
{
    sv_http_hex response;
    sv_buffer b;
    SV_TRY(sv_digest_response(c->op->crypto, &a->in, &response, c->op->err));
    sv_buffer_init(&b, c->op->arena, 512, ROWS_MOST);
    sv_put_str(&b, c->a->www ? "Authorization: Digest username=\"" : "Proxy-Authorization: Digest username=\"");
    sv_put_quoted(&b, a->in.username);
    sv_put_str(&b, "\", realm=\"");
    sv_put(&b, a->challenge.realm); /* as it was asked */
    sv_put_str(&b, "\", nonce=\"");
    sv_put(&b, a->in.nonce);
    sv_put_str(&b, "\", uri=\"");
    sv_put(&b, a->in.uri);
    sv_put_str(&b, "\", response=\"");
    sv_put(&b, sv_span(response.digits, response.len));
    sv_put_str(&b, "\", algorithm=");
    sv_put_str(&b, sv_digest_algorithm_name(a->in.algorithm));
    if (a->in.qop != SV_QOP_NONE) {
        sv_put_format(&b, ", qop=%s, nc=%.8s, cnonce=\"", sv_qop_name(a->in.qop), (const char *)a->nc);
        sv_put(&b, a->in.cnonce);
        sv_put_byte(&b, '"');
    }
    if (a->challenge.opaque.data != NULL) {
        sv_put_str(&b, ", opaque=\"");
        sv_put(&b, a->challenge.opaque);
        sv_put_byte(&b, '"');
    }
    sv_put_str(&b, "\r\n");
    *row = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_AGREE, c->op->err);
}

/* The server's list as received, in one line; d-ver on the chosen entry of digest (AGR-38). */
static sipveil_code make_verify(sv_client *c, const sv_mechanism_list *list, answer *a, sipveil_span *value)
{
    sv_http_hex dver = {.len = 0};
    sv_buffer b;
    if (a != NULL && list->items[c->a->chosen].kind == SV_MECH_DIGEST) {
        SV_TRY(sv_dver_text(list->text, c->options->dver_form, c->op->arena, &a->in.security_server, c->op->err));
        SV_TRY(sv_digest_response(c->op->crypto, &a->in, &dver, c->op->err));
        a->in.security_server = SV_SPAN("");
    }
    const sv_mechanism *entry = &list->items[c->a->chosen];
    size_t end = (size_t)(entry->text.data + entry->text.len - list->text.data);
    sv_buffer_init(&b, c->op->arena, list->text.len + DVER_ROOM, VERIFY_MOST);
    sv_put_one_blank(&b, sv_span(list->text.data, end));
    if (dver.len > 0) {
        sv_put_str(&b, ";d-ver=\"");
        sv_put(&b, sv_span(dver.digits, dver.len));
        sv_put_byte(&b, '"');
    }
    sipveil_span rest = sv_span_from(list->text, end);
    if (rest.len > 0 && sv_is_blank(rest.data[0])) sv_put_byte(&b, ' ');
    sv_put_one_blank(&b, rest);
    *value = sv_buffer_span(&b);
    return sv_buffer_check(&b, SV_AGREE, c->op->err);
}

/* What else described the body describes the part now. */
static void move_content_rows(sv_sip_edit *edit, sv_buffer *part)
{
    for (size_t i = 0; i < edit->view->field_count; i++) {
        const sv_sip_field *row = &edit->view->fields[i];
        if (!sv_is_content_field(row->id, row->name) || row->id == SV_F_CONTENT_TYPE || row->id == SV_F_CONTENT_LENGTH) continue;
        sv_put(part, row->line);
        sv_sip_edit_remove(edit, row);
    }
}

/* AGR-42: digest-integrity carries the list in the body, beside what was there. */
static sipveil_code put_inside(sv_client *c, sv_sip_edit *edit, sipveil_span verify, sipveil_span *body)
{
    static const sv_field_id copied[] = {SV_F_FROM, SV_F_TO, SV_F_CALL_ID, SV_F_CSEQ};
    const sv_sip_view *v = edit->view;
    sv_buffer b;
    sv_buffer_init(&b, c->op->arena, v->body.len + 1024, c->op->limits->message);
    bool beside = v->body.len > 0;
    if (beside) {
        sv_put_str(&b, "--sec-agree-list\r\nContent-Type: ");
        sv_put(&b, sv_sip_value(v, SV_F_CONTENT_TYPE));
        sv_put_str(&b, "\r\n");
        move_content_rows(edit, &b);
        sv_put_str(&b, "\r\n");
        sv_put(&b, v->body);
        sv_put_str(&b, "\r\n--sec-agree-list\r\nContent-Type: message/sip\r\n\r\n");
    }
    sv_put(&b, v->start_line);
    sv_put_str(&b, "\r\n");
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        const sv_sip_field *row = sv_sip_first(v, copied[i]);
        if (row != NULL) sv_put(&b, row->line);
    }
    sv_put(&b, make_row(c, "Security-Verify", verify));
    sv_put_str(&b, beside ? "\r\n\r\n--sec-agree-list--\r\n" : "\r\n");
    SV_TRY(sv_buffer_check(&b, SV_AGREE, c->op->err));
    *body = sv_buffer_span(&b);
    if (beside && sv_mime_boundary_occurs(SV_SPAN("sec-agree-list"), &v->body, 1)) {
        return sv_fail(c->op->err, SV_AGREE, SIPVEIL_USAGE, "the body holds our own boundary");
    }
    sipveil_span type = beside ? SV_SPAN("Content-Type: multipart/mixed;boundary=sec-agree-list\r\n")
                               : SV_SPAN("Content-Type: message/sip\r\n");
    const sv_sip_field *row = sv_sip_first(v, SV_F_CONTENT_TYPE);
    if (row != NULL) sv_sip_edit_replace(edit, row, type);
    else sv_sip_edit_add(edit, type);
    sv_sip_edit_set_body(edit, *body);
    return SIPVEIL_OK;
}

static void remove_credentials(const sv_client *c, sv_sip_edit *edit, sipveil_span realm)
{
    const sv_sip_field *row = sv_sip_first(edit->view, c->a->www ? SV_F_AUTHORIZATION : SV_F_PROXY_AUTHORIZATION);
    for (; row != NULL; row = sv_sip_next(edit->view, row)) {
        sv_auth auth;
        bool digest;
        if (sv_auth_read(row->value, &auth, &digest, NULL) == SIPVEIL_OK && digest && sv_quoted_same(auth.realm, realm)) {
            sv_sip_edit_remove(edit, row);
        }
    }
}

sipveil_code sv_client_write_protected(sv_client *c, const sv_sip_view *request, sipveil_span *out)
{
    sv_sip_edit edit;
    answer a;
    sv_mechanism_list *list = sv_arena_alloc_raw(c->op->arena, sizeof *list);
    if (list == NULL) return sv_no_memory(c->op->err, SV_AGREE);
    SV_TRY(sv_mechanisms_read(c->a->server_list, "Security-Server", list, c->op->err));
    if (c->a->chosen >= list->count) return sv_fail(c->op->err, SV_AGREE, SIPVEIL_USAGE, "the association is damaged");
    const sv_mechanism *entry = &list->items[c->a->chosen];
    bool digest = sv_mechanism_is_digest(entry->kind);
    start_clean(&edit, request);
    if (digest) SV_TRY(prepare_answer(c, entry, request, &a));
    SV_TRY(make_verify(c, list, digest ? &a : NULL, &c->a->verify_sent));
    sv_sip_edit_add(&edit, make_row(c, "Security-Verify", c->a->verify_sent));
    if (c->options->profile == SIPVEIL_AGREE_3GPP && c->a->security_client.len > 0) { /* D-17 */
        sv_sip_edit_add(&edit, make_row(c, "Security-Client", c->a->security_client));
    }
    add_tag(c, &edit, SV_F_REQUIRE);
    add_tag(c, &edit, SV_F_PROXY_REQUIRE);
    c->a->credentials_sent = SV_SPAN("");
    if (entry->kind == SV_MECH_DIGEST_INTEGRITY) SV_TRY(put_inside(c, &edit, c->a->verify_sent, &a.in.body));
    if (digest) {
        remove_credentials(c, &edit, a.challenge.realm);
        SV_TRY(put_credentials(c, &a, &c->a->credentials_sent));
        sv_sip_edit_add(&edit, c->a->credentials_sent);
    }
    c->seal = entry->kind == SV_MECH_SMIME;
    return put_edited(c, &edit, out);
}

/* ---- what is no request of its own ---- */

sipveil_code sv_client_write_ack(sv_client *c, sipveil_span *out)
{
    sv_sip_edit edit;
    start_clean(&edit, c->view);
    sv_sip_edit_add(&edit, make_row(c, "Security-Verify", c->a->verify_sent));
    add_tag(c, &edit, SV_F_REQUIRE);
    add_tag(c, &edit, SV_F_PROXY_REQUIRE);
    if (c->a->credentials_sent.len > 0 &&
        sv_sip_first(c->view, c->a->www ? SV_F_AUTHORIZATION : SV_F_PROXY_AUTHORIZATION) == NULL) {
        sv_sip_edit_add(&edit, c->a->credentials_sent); /* RFC 3261 22.1: as in the INVITE */
    }
    return put_edited(c, &edit, out);
}

sipveil_code sv_client_write_bare(sv_client *c, sipveil_span *out)
{
    sv_sip_edit edit;
    start_clean(&edit, c->view);
    if (sv_sip_first(c->view, SV_F_REQUIRE) != NULL) {
        (void)sv_sip_edit_remove_tag(&edit, SV_F_REQUIRE, SV_AGREE_TAG, c->op->arena);
    }
    if (sv_sip_first(c->view, SV_F_PROXY_REQUIRE) != NULL) {
        (void)sv_sip_edit_remove_tag(&edit, SV_F_PROXY_REQUIRE, SV_AGREE_TAG, c->op->arena);
    }
    return put_edited(c, &edit, out);
}
