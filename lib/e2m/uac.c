/* SPDX-License-Identifier: BSD-2-Clause */
/* The UA that sends: label, form, keys. */
#include "e2m/uac.h"

#include "e2m/report.h"
#include "sip/values.h"
#include "tunnel/memory.h"

void sipveil_e2m_options_default(sipveil_e2m_options *options)
{
    if (options == NULL) return;
    *options = (sipveil_e2m_options){.size = sizeof *options};
    sipveil_seal_options_default(&options->seal);
}

static sipveil_code check_options(const sipveil_e2m_options *o, sipveil_error *err)
{
    if (o == NULL || o->size != sizeof *o) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "options (with their size) are needed");
    }
    if (o->hop_count > SIPVEIL_E2M_HOPS_MOST) {
        return sv_fail_rule(err, SV_E2M, SIPVEIL_LIMIT, "E2M-15", SIPVEIL_NO_OFFSET, "more than %d hops",
                            SIPVEIL_E2M_HOPS_MOST);
    }
    if ((o->keep || o->reuse != NULL || o->roll) && o->memory == NULL) {
        sv_fail(err, SV_E2M, SIPVEIL_USAGE, "a key that is used again has to be remembered");
        return sv_hint(err, SIPVEIL_USAGE, "name a file with --state");
    }
    if (o->keep && o->reuse != NULL) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE,
                       "an answer by an earlier key is not kept for the hop anew: it rolls");
    }
    if (o->roll && o->reuse == NULL) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "only an answer by an earlier key rolls");
    }
    bool shared = o->form == SIPVEIL_E2M_FORM_AUTO || o->form == SIPVEIL_E2M_SHARED;
    if (o->keep && (!shared || o->hop_count == 0)) {
        return sv_fail_rule(err, SV_E2M, SIPVEIL_USAGE, "E2M-37", SIPVEIL_NO_OFFSET,
                            "a key is kept for answers in the shared form only, for a hop");
    }
    bool needs_signature = o->sign_label || o->keep || o->reply != SIPVEIL_E2M_NONE || o->reuse != NULL ||
                           ((unsigned)o->act & SIPVEIL_E2M_VERIFY) != 0;
    if (needs_signature && o->seal.signer_count == 0) {
        sv_fail(err, SV_E2M, SIPVEIL_USAGE, "what a hop verifies, keeps or asks for, and an answer by an earlier key, "
                                            "have to be signed");
        return sv_hint(err, SIPVEIL_USAGE, "sign it with --sign-with KEYREF");
    }
    if ((o->keep || o->reuse != NULL) && o->seal.encrypt_then_sign) {
        return sv_fail_rule(
            err, SV_E2M, SIPVEIL_USAGE, "E2M-43", SIPVEIL_NO_OFFSET,
            "what a key is kept or used again for is signed inside: who signs ciphertext need not know its content");
    }
    if (o->keep && o->seal.recipient_count == 0) {
        return sv_fail_rule(err, SV_E2M, SIPVEIL_USAGE, "E2M-37", SIPVEIL_NO_OFFSET,
                            "a key is kept of what is encrypted, for the far end too");
    }
    if (o->form == SIPVEIL_E2M_NESTED && (o->sign_label || o->reply != SIPVEIL_E2M_NONE)) {
        sv_fail(err, SV_E2M, SIPVEIL_USAGE, "nested with a signed label would be five layers deep, which nobody opens");
        return sv_hint(err, SIPVEIL_USAGE, "--form split shows the same");
    }
    if (o->act == SIPVEIL_E2M_OTHER || o->reply == SIPVEIL_E2M_OTHER || o->max_decrypts > 1U << 31) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "act and reply are view, verify or both; 1 to 2^31 messages");
    }
    return SIPVEIL_OK;
}

/* A hop's certificate names the hop (RFC 5922); its chain, time and usage are looked at with all others. */
static sipveil_code check_hop(sv_arena *arena, const sipveil_e2m_hop *hop, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(sv_span_str(hop->host), "host");
    sv_certificate_names names;
    sv_hop_name name;
    if (!sv_take_hop(&c, &name) || !sv_at_end(&c)) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "\"%s\" is no host name", SV_QUOTE(sv_span_str(hop->host)));
    }
    if (hop->key == NULL || hop->key->cms.kind != SV_CMS_KEY_CERTIFICATE) return SIPVEIL_OK;
    SV_TRY(sv_certificate_read_names(hop->key->cms.certificate, arena, &names, err));
    for (size_t i = 0; i < names.host_count; i++) {
        if (sv_equal_nocase(names.hosts[i], name.host)) return SIPVEIL_OK;
    }
    return sv_fail_rule(err, SV_E2M, SIPVEIL_POLICY, "E2M-34", SIPVEIL_NO_OFFSET, "%s does not speak for the host %s",
                        sipveil_key_describe(hop->key), SV_QUOTE(name.host));
}

enum { CID_OCTETS = 16 };

/* cid: random octets, at the host of From. */
static sipveil_code make_cid(sv_sealing *s, const sv_sip_view *view, sv_sharing *sharing)
{
    sv_sip_address from;
    sipveil_span host = {0};
    sv_buffer b;
    if (sv_sip_read_address(sv_sip_value(view, SV_F_FROM), &from, NULL) == SIPVEIL_OK) host = sv_sip_host(from.uri);
    sv_buffer_init(&b, s->op->arena, 128, 1024);
    SV_TRY(sv_put_random_hex(s->op->crypto, CID_OCTETS, &b, s->op->err));
    sv_put_byte(&b, '@');
    sv_put(&b, host.len > 0 ? host : SV_SPAN("anonymous.invalid"));
    sharing->cid = sv_buffer_span(&b);
    if (!sv_is_cid(sharing->cid)) return sv_fail(s->op->err, SV_E2M, SIPVEIL_MALFORMED, "From has no host");
    return sv_buffer_check(&b, SV_E2M, s->op->err);
}

static void put_label(sv_buffer *b, const sv_sharing *sharing, sipveil_span host, sipveil_e2m_act act, bool keep,
                      sipveil_e2m_act reply)
{
    sv_cursor c = sv_cursor_over(host, "host");
    sv_label label = {.cid = sharing->cid, .act = act, .keep = keep, .reply = reply};
    if (!sv_take_hop(&c, &label.hop)) return;
    sv_put_str(b, b->len == 0 ? "Proxy-Required-Body: " : ", ");
    sv_label_put(b, &label);
}

static sipveil_code make_labels(sv_sealing *s, sv_sharing *sharing)
{
    const sipveil_e2m_options *o = sharing->options;
    sv_buffer b;
    sv_buffer_init(&b, s->op->arena, 256, s->op->limits->header_field);
    if (sharing->reusing) { /* E2M-43 */
        const sv_cek_record *earlier = &sharing->earlier;
        for (size_t i = 0; i < earlier->hop_count; i++) {
            const sv_cek_hop *hop = &earlier->hops[i];
            if (hop->reply != SIPVEIL_E2M_NONE) put_label(&b, sharing, hop->host, hop->reply, false, SIPVEIL_E2M_NONE);
        }
    } else if (sharing->form != SIPVEIL_E2M_PRIVATE) {
        for (size_t i = 0; i < o->hop_count; i++) {
            put_label(&b, sharing, sv_span_str(o->hops[i].host), o->act, o->keep, o->reply);
        }
    }
    if (b.len > 0) sv_put_str(&b, "\r\n");
    sharing->label_rows = sv_buffer_span(&b);
    if (sharing->label_rows.len == 0) sharing->sign_label = false;
    return sv_buffer_check(&b, SV_E2M, s->op->err);
}

static void report_form(sv_sealing *s, const sv_sharing *sharing)
{
    static const char *const names[] = {"", "shared", "private", "split", "nested"};
    sv_report_check(s->op, "E2M-30", SIPVEIL_CHECK_PASSED, "form %s, %zu recipients%s", names[sharing->form],
                    s->recipient_count, sharing->sign_label ? ", label signed" : "");
    if (sharing->reusing) {
        sv_report_check(s->op, "E2M-43", SIPVEIL_CHECK_PASSED, "by an earlier key, %u uses left",
                        (unsigned)sharing->earlier.uses - 1);
        if (sharing->earlier.uses == 1 && !sharing->keeping) {
            sv_report_warning(s->op, "CEK-09", "the earlier key is used up now: the next message needs a new one");
        }
    }
    if (sharing->keeping) {
        sv_report_check(s->op, "CEK-01", SIPVEIL_CHECK_PASSED, "the key is referenced, for %u messages",
                        (unsigned)sharing->attributes.uses);
    }
}

static sipveil_code put_shared(sv_sealing *s, const sv_sip_view *view, void *state, sv_buffer *out)
{
    sv_sharing *sharing = state;
    const sipveil_e2m_options *o = sharing->options;
    sv_packed packed;
    sv_report_begin_sealing(s->op);
    if (view->body.len == 0) {
        return sv_fail(s->op->err, SV_E2M, SIPVEIL_USAGE, "the message has no body to share");
    }
    if (o->memory != NULL) {
        SV_TRY(sv_cek_scopes_of(s->op->arena, view, &sharing->scopes, s->op->err));
        if (view->is_request) {
            SV_TRY(sv_sip_read_cseq(sv_sip_value(view, SV_F_CSEQ), &sharing->cseq, &sharing->method, s->op->err));
        }
    }
    if (sharing->reusing) {
        SV_TRY(sv_reuse_prepare(s, view, sharing));
        s->recipients = &sharing->kek;
        s->recipient_count = 1;
        s->cek_out = &sharing->cek;
        sharing->keeping = o->roll || sharing->earlier.rolling;
    }
    SV_TRY(sv_form_settle(s, view, sharing));
    if (o->keep && sharing->form != SIPVEIL_E2M_SHARED) {
        sv_fail_rule(s->op->err, SV_E2M, SIPVEIL_POLICY, "E2M-37", SIPVEIL_NO_OFFSET,
                     "the body holds what no hop is shown: its key cannot be kept for answers");
        return sv_hint(s->op->err, SIPVEIL_POLICY, "--form shared shows all of it to the hops");
    }
    SV_TRY(make_cid(s, view, sharing));
    SV_TRY(make_labels(s, sharing));
    if (sharing->keeping) SV_TRY(sv_keep_prepare(s, sharing));
    SV_TRY(sv_form_pack(s, view, sharing, &packed));
    report_form(s, sharing);
    sv_rewrite rewrite = {.view = view, .rows = packed.rows, .body = packed.content, .extra = sharing->label_rows};
    return sv_put_message(&rewrite, s->op->limits, out, s->op->err);
}

/* Far UAs first, then the hops, as one list that lib/tunnel judges. */
static sipveil_code list_recipients(const sipveil_e2m_options *o, const sipveil_key **list, sv_arena *scratch,
                                    sv_sharing *sharing, sipveil_seal_options *settled, sipveil_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < o->hop_count; i++) SV_TRY(check_hop(scratch, &o->hops[i], err));
    if (!sharing->reusing) {
        for (size_t i = 0; i < o->seal.recipient_count; i++) list[count++] = o->seal.recipients[i];
        sharing->far_count = count;
        for (size_t i = 0; i < o->hop_count && o->form != SIPVEIL_E2M_PRIVATE; i++) {
            if (o->hops[i].key != NULL) list[count++] = o->hops[i].key;
        }
    }
    settled->recipients = list;
    settled->recipient_count = count;
    return SIPVEIL_OK;
}

static sipveil_code seal_shared(sipveil_worker *worker, const sipveil_e2m_options *o, sv_arena *scratch,
                                sipveil_span message, sipveil_sealed *out, sipveil_error *err)
{
    sipveil_seal_options settled = o->seal;
    sipveil_e2m_options own = *o;
    settled.size = sizeof settled;
    settled.by_key_identifier = own.seal.by_key_identifier = true; /* E2M-32 */
    sv_sharing sharing = {.options = &own, .reusing = o->reuse != NULL, .keeping = o->keep,
                          .sign_label = o->sign_label || o->keep || o->reply != SIPVEIL_E2M_NONE};
    const sipveil_key **list = sv_arena_alloc_array(scratch, o->seal.recipient_count + o->hop_count, sizeof *list);
    if (list == NULL) return sv_no_memory(err, SV_E2M);
    SV_TRY(list_recipients(o, list, scratch, &sharing, &settled, err));
    if (settled.cipher == SIPVEIL_CIPHER_NONE) {
        settled.cipher = o->rfc3185 ? SIPVEIL_CIPHER_AES_256_CBC : SIPVEIL_CIPHER_AES_256_GCM;
    }
    own.seal.cipher = settled.cipher;
    bool authenticated = sv_cipher_row_of(settled.cipher)->authenticated;
    if ((sharing.keeping || o->roll) && authenticated == o->rfc3185) {
        return sv_fail_rule(err, SV_E2M, SIPVEIL_USAGE, "CEK-10", SIPVEIL_NO_OFFSET,
                            "a reference as RFC 3185 puts it goes with a CBC cipher, one of ours with GCM");
    }
    /* A signed label needs a Date; lib/tunnel adds one to what holds a fragment. */
    settled.mode = sharing.sign_label ? SIPVEIL_MODE_SIPFRAG : SIPVEIL_MODE_PAYLOAD;
    settled.hide_count = 0;
    sipveil_code code = sv_seal_as(worker, &settled, put_shared, &sharing, message, out, err);
    if (code == SIPVEIL_OK) code = sv_reuse_settle(&worker->operation, &sharing, err);
    if (code != SIPVEIL_OK) *out = (sipveil_sealed){0};
    return code;
}

sipveil_code sipveil_e2m_seal_message(sipveil_worker *worker, const sipveil_e2m_options *options, sipveil_span message,
                                      sipveil_sealed *out, sipveil_error *err)
{
    sipveil_error local;
    if (err == NULL) err = &local;
    sv_error_clear(err);
    if (worker == NULL || out == NULL) {
        return sv_fail(err, SV_E2M, SIPVEIL_USAGE, "worker and a place for the result are needed");
    }
    *out = (sipveil_sealed){0};
    SV_TRY(check_options(options, err));
    sv_arena *scratch = sv_arena_new(4096, 1 << 20);
    if (scratch == NULL) return sv_no_memory(err, SV_E2M);
    sv_store_mark mark = sv_memory_begin(options->memory);
    sipveil_code code = seal_shared(worker, options, scratch, message, out, err);
    sv_memory_end(options->memory, &mark, code);
    sv_arena_free(scratch);
    return code;
}
