/* SPDX-License-Identifier: BSD-2-Clause */
/* What an opened layer is worth: accepted signers, comparison, Date, addressee, AIB. */
#include <stdio.h>

#include "sip/address.h"
#include "tunnel/bound.h"

enum { DATE_WINDOW = 3600 }; /* RFC 3261 23.4.2, RFC 3893 */

sv_cover sv_cover_of(const sv_node *node)
{
    sv_cover cover = {false, false, false};
    for (const sv_node *up = node->parent; up != NULL && !sv_node_is_sip(up); up = up->parent) {
        if (sv_node_is_signed(up) && up->verified) cover.is_signed = cover.is_authenticated = true;
        if (sv_node_is_encrypted(up) && up->opened) {
            cover.is_encrypted = true;
            /* A tag under a key that two parties share proves origin; under a public key, or with more
             * recipients, anybody or any of them could have made it (CMS-12). */
            sv_recipient_kind kind = sv_cms_recipient_kind(up->enveloped, up->opening.recipient);
            if (up->enveloped->authenticated && up->enveloped->recipient_count == 1 &&
                (kind == SV_RECIPIENT_KEKRI || kind == SV_RECIPIENT_PWRI)) {
                cover.is_authenticated = true;
            }
        }
    }
    return cover;
}

bool sv_fragment_is_aib(const sv_node *node)
{
    return node->entity->disposition.present && sv_equal_nocase_str(node->entity->disposition.type, "aib");
}

/* ---- signers ---- */

/* A message, or an AIB; other fragments may tell of other transactions and name nobody. */
static bool names_a_sender(const sv_node *node)
{
    if (node->view == NULL) return false;
    return node->type == SV_NODE_MESSAGE_SIP || (node->type == SV_NODE_SIPFRAG && sv_fragment_is_aib(node) &&
                                                 sv_sip_first(node->view, SV_F_FROM) != NULL);
}

/* The message or AIB that a signed layer covers, or NULL: then it covers a body only. */
static const sv_node *covered_message(const sv_node *node)
{
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        const sv_node *found = names_a_sender(child) ? child : covered_message(child);
        if (found != NULL) return found;
    }
    return NULL;
}

/* What a node signs is the message that it hands on, whole and right inside the one that came (TRU-46). A body, fields
 * or a message further inside that it signed once fit into anybody's message. */
static bool hands_on_a_message(const sv_node *node)
{
    const sv_node *message = covered_message(node);
    return message != NULL && message->type == SV_NODE_MESSAGE_SIP && sv_node_carrier(node) != NULL &&
           sv_node_carrier(node)->parent == NULL;
}

/* Whom a signature must speak for: From of a request, To of a response (ADV-126, TUN-08); in an AIB of
 * a response From is the responder (TUN-53). */
static sipveil_span sender_of(const sv_node *message)
{
    bool from = message->type == SV_NODE_SIPFRAG || message->view->is_request;
    sv_sip_address address;
    sipveil_span value = sv_sip_value(message->view, from ? SV_F_FROM : SV_F_TO);
    if (sv_sip_read_address(value, &address, NULL) != SIPVEIL_OK) return sv_span(NULL, 0);
    return address.uri;
}

static sipveil_span claimed_identity(const sv_node *node)
{
    const sv_node *message = covered_message(node);
    return sender_of(message != NULL ? message : sv_node_carrier(node));
}

/* A signature speaks for all that it covers: a message of one's own in front lends nothing to the next. */
static bool all_name(const sv_node *node, sipveil_span identity)
{
    for (const sv_node *child = node->first_child; child != NULL; child = child->next) {
        if (!names_a_sender(child)) {
            if (!all_name(child, identity)) return false;
            continue;
        }
        sipveil_span sender = sender_of(child);
        if (!sv_equal(sender, identity) && !sv_sip_same_aor(sender, identity)) return false;
    }
    return true;
}

static void check_one_sender(const sv_node *node, sipveil_span identity, sv_signer *signer)
{
    if (signer->code != SIPVEIL_OK || identity.len == 0 || all_name(node, identity)) return;
    signer->code = SIPVEIL_UNTRUSTED_SIGNER;
    signer->trust = SV_TRUST_UNTRUSTED;
    (void)snprintf(signer->rule, sizeof signer->rule, "ADV-126");
    (void)snprintf(signer->why, sizeof signer->why, "one signature covers messages of different senders");
}

/* RFC 3893, 4474: a signed Date lies within the validity of the signer's certificate. */
static void check_date_in_validity(sv_operation *op, const sv_node *node, sv_signer *signer)
{
    const sv_node *message = covered_message(node);
    int64_t date;
    if (message == NULL || signer->not_after == 0) return;
    sipveil_span value = sv_sip_value(message->view, SV_F_DATE);
    if (value.len == 0 || sv_sip_read_date(value, &date, NULL) != SIPVEIL_OK) return;
    if (op->options->compat & SIPVEIL_COMPAT_SAMPLES) {
        sv_report_check(op, "TUN-34", SIPVEIL_CHECK_NOT_DONE, "Date against the validity of the signer's certificate: waived on request");
    } else if (!sv_valid_at(signer->not_before, signer->not_after, date)) {
        signer->code = SIPVEIL_UNTRUSTED_SIGNER;
        signer->trust = SV_TRUST_UNTRUSTED;
        (void)snprintf(signer->rule, sizeof signer->rule, "TUN-34");
        (void)snprintf(signer->why, sizeof signer->why,
                       "Date lies outside the validity of the signer's certificate");
    }
}

sipveil_code sv_accept_signer(sv_operation *op, X509 *certificate, STACK_OF(X509) *untrusted, sipveil_span aor,
                              bool covers_message, sv_signer *out)
{
    for (size_t i = 0; i < op->accepted_count; i++) {
        const sv_accepted *known = &op->accepted[i];
        if (known->certificate != certificate || !sv_equal(known->aor, aor) || known->covers_message != covers_message) {
            continue;
        }
        *out = known->signer;
        return SIPVEIL_OK;
    }
    sv_signer_question question = {.certificate = certificate, .untrusted = untrusted, .aor = aor, .at = op->now,
                                   .allow_weak = op->options->allow_weak, .limits = op->limits, .covers_message = covers_message,
                                   .memory = op->worker->chains};
    SV_TRY(sv_load_bound(op));
    question.bound = op->bound;
    question.bound_count = op->bound_count;
    SV_TRY(sv_keys_accept_signer(op->options->keyring, &question, op->arena, out, op->err));
    /* A refusal may be for want of a certificate in between, which another layer may bring. */
    if (out->code == SIPVEIL_OK && op->accepted_count < SV_ACCEPTED_MOST) {
        op->accepted[op->accepted_count++] = (sv_accepted){certificate, aor, covers_message, *out};
    }
    return SIPVEIL_OK;
}

static sipveil_code ask_signer(sv_operation *op, sv_node *node, size_t i, sipveil_span identity)
{
    X509 *certificate = node->signatures[i].certificate;
    if (certificate == NULL) return SIPVEIL_OK;
    SV_TRY(sv_certificate_read_names(certificate, op->arena, &node->names[i], op->err));
    bool covers_message = covered_message(node) != NULL;
    SV_TRY(sv_accept_signer(op, certificate, node->certificates, identity, covers_message, &node->signers[i]));
    check_date_in_validity(op, node, &node->signers[i]);
    check_one_sender(node, identity, &node->signers[i]);
    return SIPVEIL_OK;
}

static sipveil_code refuse_signer(sv_operation *op, sv_node *node, size_t i)
{
    const sv_signer *signer = &node->signers[i];
    sipveil_code code = signer->code;
    bool changed = sv_equal_str(sv_span_str(signer->rule), SV_RULE_KEPT); /* that text names its address itself */
    if (op->options->no_verify_signer) {
        sv_report_check(op, signer->rule[0] ? signer->rule : "TUN-08", SIPVEIL_CHECK_NOT_DONE,
                        "signer not accepted, tolerated on request: %s", signer->why);
        sv_report_warning(op, "TUN-08", "the signature is good, but its signer is not accepted: %s", signer->why);
        return SIPVEIL_OK;
    }
    char which[32] = "";
    if (!changed) (void)snprintf(which, sizeof which, "signer %zu: ", i + 1);
    sv_report_check(op, signer->rule[0] ? signer->rule : "TUN-08", SIPVEIL_CHECK_FAILED, "%s%s", which, signer->why);
    sv_fail_rule(op->err, SV_TUNNEL, code, signer->rule, SIPVEIL_NO_OFFSET, "%s", signer->why);
    if (!changed) {
        sv_fail_prefix(op->err, "the signer %s is not accepted: ",
                       sv_certificate_subject(node->signatures[i].certificate, op->arena));
    }
    bool asked = signer->chain_checked || signer->name_checked || signer->time_checked || signer->usage_checked;
    if (!asked) sv_hint(op->err, code, "give the trust anchors with --trust"); /* there are none */
    if (changed) {
        sv_hint(op->err, code, "ask the sender by another way; --accept-new-certificate keeps it beside the old one");
    }
    return sv_report_failure(op, node, code);
}

sipveil_code sv_judge_signers(sv_operation *op, sv_node *node)
{
    size_t count = node->signed_data->signer_count, named = 0;
    node->signers = sv_arena_alloc_array(op->arena, count, sizeof *node->signers);
    node->names = sv_arena_alloc_array(op->arena, count, sizeof *node->names);
    if (node->signers == NULL || node->names == NULL) return sv_no_memory(op->err, SV_TUNNEL);
    if (!node->verified) return SIPVEIL_OK;
    sipveil_span identity = claimed_identity(node);
    bool accepted = true;
    if (node->first_child != NULL && sv_node_is_encrypted(node->first_child)) {
        /* TUN-45: whoever signs ciphertext need not know what is in it. */
        sv_report_check(op, "TUN-45", SIPVEIL_CHECK_NOT_DONE,
                        "signer-of-ciphertext: that the signer knows the content is not proven");
    }
    for (size_t i = 0; i < count; i++) {
        SV_TRY(ask_signer(op, node, i, identity));
        SV_TRY(sv_judge_kept(op, node, i, identity));
        if (node->signers[i].code == SIPVEIL_OK && node->signers[i].trust != SV_TRUST_UNCHECKED) named++;
    }
    for (size_t i = 0; i < count; i++) {
        sv_signer *signer = &node->signers[i];
        if (signer->code == SIPVEIL_OK && signer->trust == SV_TRUST_BOUND) {
            sv_report_check(op, "IDN-57", SIPVEIL_CHECK_PASSED, "signer %zu is bound to this identity for this dialog", i + 1);
            if (covered_message(node) != NULL) sv_note_proof(op, signer);
            continue;
        }
        if (signer->code == SIPVEIL_OK) {
            sv_report_check(op, "TUN-08", SIPVEIL_CHECK_PASSED, "signer %zu is accepted, and speaks for the sender", i + 1);
            continue;
        }
        /* Several signers: one speaks for From, the others need a good chain only (TUN-23). */
        if (named > 0 && !sv_equal_str(sv_span_str(signer->rule), SV_RULE_KEPT)) {
            SV_TRY(ask_signer(op, node, i, sv_span(NULL, 0)));
            if (signer->code == SIPVEIL_OK) {
                sv_report_check(op, "TUN-23", SIPVEIL_CHECK_PASSED, "signer %zu is trusted, another speaks for From",
                                i + 1);
                continue;
            }
        }
        bool speaks = false;
        if (hands_on_a_message(node)) SV_TRY(sv_ask_node(op, node, i, &speaks));
        if (speaks) continue;
        accepted = false;
        SV_TRY(refuse_signer(op, node, i));
    }
    node->accepted = accepted;
    return SIPVEIL_OK;
}

/* ---- one inner message ---- */

static sipveil_code check_date(sv_operation *op, const sv_node *node, bool is_signed)
{
    sipveil_span value = sv_sip_value(node->view, SV_F_DATE);
    int64_t date, window = op->options->date_window == 0 ? DATE_WINDOW : op->options->date_window;
    if (value.len == 0) {
        sv_report_check(op, "TUN-34", SIPVEIL_CHECK_NOT_DONE, "how old the message is: it has no Date inside");
        if (is_signed) sv_report_warning(op, "TUN-34", "the signed message has no Date: its age is unknown");
        return SIPVEIL_OK;
    }
    if (window == SIPVEIL_DATE_WINDOW_ANY) {
        sv_report_check(op, "TUN-34", SIPVEIL_CHECK_NOT_DONE, "how old the message is: the date window is switched off");
        return SIPVEIL_OK;
    }
    SV_TRY(sv_sip_read_date(value, &date, op->err));
    int64_t distance;
    if (__builtin_sub_overflow(date, op->now, &distance) || distance == INT64_MIN) distance = INT64_MAX;
    if (distance < 0) distance = -distance;
    if (distance <= window) {
        sv_buffer seconds;
        sv_buffer_init(&seconds, op->arena, 24, 24);
        sv_put_number(&seconds, (uint64_t)window);
        sv_put_byte(&seconds, '\0');
        sv_report_joined(op, "TUN-34", SIPVEIL_CHECK_PASSED, "Date is within ",
                         seconds.failed ? "" : (const char *)seconds.data, " seconds of now");
        return SIPVEIL_OK;
    }
    sv_report_check(op, "TUN-34", SIPVEIL_CHECK_FAILED, "Date is %lld seconds from now, more than %lld", (long long)distance,
                    (long long)window);
    sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_REPLAY, "TUN-34", SIPVEIL_NO_OFFSET,
                 "the message's Date is %lld seconds from now, more than %lld", (long long)distance,
                 (long long)window);
    return sv_hint(op->err, SIPVEIL_REPLAY, "--at TIME for an old message, or --date-window SECONDS");
}

static bool value_names(sipveil_span value, sipveil_span aor)
{
    sv_sip_address address;
    return sv_sip_read_address(value, &address, NULL) == SIPVEIL_OK && sv_sip_same_aor(address.uri, aor);
}

/* Within a dialog the Request-URI is what Contact said, and no AOR. */
static bool is_within_dialog(const sv_sip_view *view)
{
    sv_sip_address to;
    return sv_sip_read_address(sv_sip_value(view, SV_F_TO), &to, NULL) == SIPVEIL_OK && to.tag.len > 0;
}

/* ADV-143: somebody may have sealed to us what was signed for another. */
sipveil_code sv_judge_addressee(sv_operation *op, const sv_sip_view *view)
{
    sv_sip_uri uri;
    op->addressee_checked = true;
    if (op->options->me == NULL) {
        sv_report_check(op, "ADV-143", SIPVEIL_CHECK_NOT_DONE, "whether it is meant for us: not told who we are");
        return SIPVEIL_OK;
    }
    sipveil_span me = sv_span_str(op->options->me);
    sv_field_id who = view->is_request ? SV_F_TO : SV_F_FROM;
    bool fits = value_names(sv_sip_value(view, who), me);
    if (fits && view->is_request && !is_within_dialog(view) &&
        sv_sip_read_uri(view->request_uri, &uri, NULL) == SIPVEIL_OK &&
        uri.user.len > 0 && (uri.is_sip || uri.is_sips)) {
        fits = sv_sip_same_aor(view->request_uri, me);
    }
    sv_report_check(op, "ADV-143", fits ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_FAILED, "the message is meant for %s%s", fits ? "" : "somebody else than ",
                    SV_QUOTE(me));
    if (fits) return SIPVEIL_OK;
    return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_HEADER_MISMATCH, "ADV-143", SIPVEIL_NO_OFFSET,
                        "the protected message is for somebody else than %s", SV_QUOTE(me));
}

static bool is_registered(const sv_operation *op, sipveil_span uri)
{
    for (size_t i = 0; i < op->options->registered_count; i++) {
        if (sv_sip_same_aor(uri, sv_span_str(op->options->registered[i]))) return true;
    }
    return false;
}

/* Every SIP URI in P-Preferred-Identity is registered, and one is there; a tel URI may stand beside it. */
static bool prefers_registered(const sv_operation *op, const sv_sip_view *view)
{
    bool found = false;
    const sv_sip_field *row = sv_sip_first(view, SV_F_P_PREFERRED_IDENTITY);
    for (; row != NULL; row = sv_sip_next(view, row)) {
        sv_cursor c = sv_cursor_over(row->value, "P-Preferred-Identity");
        do {
            sv_sip_address address;
            sv_sip_uri uri;
            if (sv_sip_take_address(&c, 0, &address, NULL) != SIPVEIL_OK ||
                sv_sip_read_uri(address.uri, &uri, NULL) != SIPVEIL_OK) {
                return false;
            }
            if (!uri.is_sip && !uri.is_sips) continue;
            if (!is_registered(op, address.uri)) return false;
            found = true;
        } while (sv_take_if(&c, ','));
        if (!sv_at_end(&c)) return false;
    }
    return found;
}

/* TUN-82: the identity bound to that key. */
static sipveil_code check_registered(sv_operation *op, const sv_sip_view *view)
{
    sv_sip_address from;
    if (op->options->registered_count == 0 || !view->is_request) return SIPVEIL_OK;
    if ((sv_sip_read_address(sv_sip_value(view, SV_F_FROM), &from, NULL) == SIPVEIL_OK &&
         is_registered(op, from.uri)) ||
        prefers_registered(op, view)) {
        sv_report_check(op, "TUN-82", SIPVEIL_CHECK_PASSED, "the request comes from a registered identity");
        return SIPVEIL_OK;
    }
    sv_report_check(op, "TUN-82", SIPVEIL_CHECK_FAILED, "no registered identity in From or P-Preferred-Identity");
    return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_HEADER_MISMATCH, "TUN-82", SIPVEIL_NO_OFFSET,
                        "the inner request is not from a registered identity of this subscriber");
}

/* TUN-35: the least that identifies a message. */
static sipveil_code check_complete(sv_operation *op, const sv_sip_view *view)
{
    static const sv_field_id least[] = {SV_F_TO, SV_F_FROM, SV_F_CALL_ID, SV_F_CSEQ};
    for (size_t i = 0; i < sizeof least / sizeof *least; i++) {
        if (sv_sip_first(view, least[i]) != NULL) continue;
        const char *name = sv_field_info_of(least[i])->name;
        sv_report_check(op, "TUN-35", SIPVEIL_CHECK_FAILED, "%s is missing inside", name);
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_INCOMPLETE, "TUN-35", SIPVEIL_NO_OFFSET,
                            "the inner message lacks %s", name);
    }
    sv_report_check(op, "TUN-35", SIPVEIL_CHECK_PASSED, "To, From, Call-ID and CSeq are inside");
    return SIPVEIL_OK;
}

/* What authenticates a message authenticates the tunnel in its body: that must agree with it (ADV-140). */
static bool carrier_is_authenticated(const sv_node *node)
{
    const sv_node *carrier = sv_node_carrier(node);
    return carrier != NULL && carrier->type == SV_NODE_MESSAGE_SIP &&
           (sv_cover_of(carrier).is_authenticated || carrier_is_authenticated(carrier));
}

sipveil_code sv_judge_inner(sv_operation *op, sv_node *node)
{
    const sv_node *outer = sv_node_carrier(node);
    sv_cover cover = sv_cover_of(node);
    if (!cover.is_signed && !cover.is_encrypted) {
        sv_report_check(op, "TUN-30", SIPVEIL_CHECK_NOT_DONE, "a message/sip that nothing protects");
        return SIPVEIL_OK;
    }
    cover.is_authenticated = cover.is_authenticated || carrier_is_authenticated(node);
    SV_TRY(check_complete(op, node->view));
    sv_compare_rules rules = {.encrypted = cover.is_encrypted, .authenticated = cover.is_authenticated};
    SV_TRY(sv_compare_outer(op, node, outer, rules));
    if (cover.is_authenticated) SV_TRY(check_date(op, node, cover.is_signed));
    if (op->options->pcscf) SV_TRY(check_registered(op, node->view));
    return sv_judge_addressee(op, node->view);
}

/* ---- an AIB ---- */

/* TUN-51, 53: which fields the fragment must carry if the message that carries it has them. */
static sipveil_code check_fragment_complete(sv_operation *op, const sv_sip_view *view, const sv_sip_view *carrier)
{
    static const sv_field_id wanted[] = {SV_F_FROM, SV_F_TO, SV_F_CALL_ID, SV_F_CSEQ, SV_F_DATE, SV_F_CONTACT};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        bool inside = sv_sip_first(view, wanted[i]) != NULL;
        const char *name = sv_field_info_of(wanted[i])->name;
        if (wanted[i] == SV_F_TO && !carrier->is_request) {
            if (!inside) continue;
            return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_HEADER_MISMATCH, "TUN-53", SIPVEIL_NO_OFFSET,
                                "the AIB of a response holds To");
        }
        if (inside || sv_sip_first(carrier, wanted[i]) == NULL) continue;
        sv_report_check(op, "TUN-51", SIPVEIL_CHECK_FAILED, "the AIB lacks %s", name);
        return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_INCOMPLETE, "TUN-51", SIPVEIL_NO_OFFSET,
                            "the AIB lacks %s, which the message has", name);
    }
    sv_report_check(op, "TUN-51", SIPVEIL_CHECK_PASSED, "the AIB holds what binds it to the message");
    return SIPVEIL_OK;
}

/* In a response From inside is the responder: the outer To (TUN-53). */
static sipveil_code compare_responder(sv_operation *op, const sv_node *node, const sv_node *outer)
{
    sv_sip_address inside, outside;
    bool same = sv_sip_read_address(sv_sip_value(node->view, SV_F_FROM), &inside, NULL) == SIPVEIL_OK &&
                sv_sip_read_address(sv_sip_value(outer->view, SV_F_TO), &outside, NULL) == SIPVEIL_OK &&
                sv_sip_same_uri(inside.uri, outside.uri, op->compare_flags);
    sv_report_compared(op, "From", same ? SIPVEIL_COMPARE_EQUAL : SIPVEIL_COMPARE_MISMATCH, node);
    if (same) return SIPVEIL_OK;
    return sv_fail_rule(op->err, SV_TUNNEL, SIPVEIL_HEADER_MISMATCH, "TUN-53", SIPVEIL_NO_OFFSET,
                        "From in the AIB of a response differs from To of the response");
}

sipveil_code sv_judge_fragment(sv_operation *op, sv_node *node)
{
    const sv_node *outer = sv_node_carrier(node);
    sv_cover cover = sv_cover_of(node);
    bool aib = sv_fragment_is_aib(node);
    if (!cover.is_signed) {
        if (aib) sv_report_check(op, "TUN-52", SIPVEIL_CHECK_NOT_DONE, "an AIB that nothing signed counts as none");
        return SIPVEIL_OK;
    }
    if (!aib && node->view->start_line.len > 0) return SIPVEIL_OK; /* tells of another transaction (NOTIFY) */
    if (aib) {
        SV_TRY(check_fragment_complete(op, node->view, outer->view));
        if (sv_sip_first(node->view, SV_F_DATE) == NULL && sv_sip_first(outer->view, SV_F_DATE) == NULL) {
            sv_report_warning(op, "TUN-51", "no Date anywhere: the age of the AIB is unknown");
        }
    }
    sv_compare_rules rules = {.fragment = true, .authenticated = true};
    if (!outer->view->is_request && aib) {
        SV_TRY(compare_responder(op, node, outer));
        rules.responder = true;
    }
    SV_TRY(sv_compare_outer(op, node, outer, rules));
    return aib && sv_sip_first(node->view, SV_F_DATE) != NULL ? check_date(op, node, true) : SIPVEIL_OK;
}
