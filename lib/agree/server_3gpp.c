/* SPDX-License-Identifier: BSD-2-Clause */
/* AGR-52: the P-CSCF keeps the Security-Client of the unprotected REGISTER, and the protected one has to repeat it: so
 * it is found out when that list was changed on the way. */
#include "agree/server.h"
#include "tunnel/memory.h"

enum { KEPT_LIFE = 300 };

/* One registration: Call-ID and the address that registers; and which of its requests this one is. */
static bool name_of(sv_server *s, sv_buffer *name, uint32_t *number)
{
    sv_sip_address to;
    sipveil_span method;
    if (s->options->profile != SIPVEIL_AGREE_3GPP || s->options->memory == NULL || !sv_equal_str(s->view->method, "REGISTER") ||
        sv_sip_read_address(sv_sip_value(s->view, SV_F_TO), &to, NULL) != SIPVEIL_OK ||
        sv_sip_read_cseq(sv_sip_value(s->view, SV_F_CSEQ), number, &method, NULL) != SIPVEIL_OK) {
        return false;
    }
    sv_buffer_init(name, s->op->arena, 256, 4096);
    sv_put_str(name, "security-client|");
    sv_put(name, to.uri);
    return !name->failed;
}

/* What is kept: CSeq in four octets, then the list in one form; no list where two were said. */
enum { NUMBER_OCTETS = 4 };

static uint32_t number_of(sipveil_span kept)
{
    sv_cursor c = sv_cursor_over(kept, "kept list");
    uint64_t number;
    return sv_take_big_endian(&c, NUMBER_OCTETS, &number) ? (uint32_t)number : 0;
}

static sipveil_code canonical_of(sv_server *s, sipveil_span *out, bool *usable)
{
    bool present;
    sv_buffer b;
    *usable = false;
    sv_mechanism_list *list = sv_arena_alloc_raw(s->op->arena, sizeof *list);
    if (list == NULL) return sv_no_memory(s->op->err, SV_AGREE);
    if (sv_mechanisms_of(s->view, SV_F_SECURITY_CLIENT, s->op->arena, list, &present, NULL) != SIPVEIL_OK || !present) {
        return SIPVEIL_OK;
    }
    sv_buffer_init(&b, s->op->arena, 512, 2 * SV_MECHANISM_LIST_MOST);
    sv_mechanisms_put_canonical(&b, list, false, s->options->profile);
    SV_TRY(sv_buffer_check(&b, SV_AGREE, s->op->err));
    *out = sv_buffer_span(&b);
    *usable = true;
    return SIPVEIL_OK;
}

sipveil_code sv_server_keep_client_list(sv_server *s)
{
    sv_buffer name, value;
    sipveil_span list, kept;
    uint32_t number;
    bool usable;
    if (!name_of(s, &name, &number)) return SIPVEIL_OK;
    SV_TRY(canonical_of(s, &list, &usable));
    if (!usable) return SIPVEIL_OK;
    sv_store *store = sv_memory_store(s->options->memory);
    sipveil_span scope = sv_sip_value(s->view, SV_F_CALL_ID);
    sipveil_error why;
    if (sv_store_find(store, SV_STORE_OFFER, scope, sv_buffer_span(&name), s->options->now, &kept)) {
        if (number < number_of(kept)) return SIPVEIL_OK;
        if (number == number_of(kept)) {
            if (sv_equal(sv_span_from(kept, NUMBER_OCTETS), list)) return SIPVEIL_OK;
            list = SV_SPAN(""); /* the same REGISTER with two lists: nobody can tell which one the UE wrote */
        }
    }
    sv_buffer_init(&value, s->op->arena, NUMBER_OCTETS + list.len, NUMBER_OCTETS + list.len);
    sv_put_big_endian(&value, number, NUMBER_OCTETS);
    sv_put(&value, list);
    SV_TRY(sv_buffer_check(&value, SV_AGREE, s->op->err));
    sipveil_code code = sv_store_replace(store, SV_STORE_OFFER, scope, sv_buffer_span(&name), sv_buffer_span(&value), s->options->now,
                                         s->options->now + KEPT_LIFE, &why);
    if (code == SIPVEIL_LIMIT) return SIPVEIL_OK; /* full: what was not kept cannot be compared, so it is refused later */
    return code == SIPVEIL_OK ? code : sv_no_memory(s->op->err, SV_AGREE);
}

sipveil_code sv_server_compare_client_list(sv_server *s)
{
    sv_buffer name;
    sipveil_span list = {0}, kept = {0};
    uint32_t number;
    bool usable = false;
    if (s->facts.protection != SV_MECH_IPSEC_3GPP || s->options->profile != SIPVEIL_AGREE_3GPP) return SIPVEIL_OK;
    if (s->options->memory == NULL) {
        return sv_fail(s->op->err, SV_AGREE, SIPVEIL_USAGE, "ipsec-3gpp needs a memory, so that Security-Client can be compared");
    }
    if (!name_of(s, &name, &number)) return SIPVEIL_OK;
    SV_TRY(canonical_of(s, &list, &usable));
    /* The first one came before: its CSeq is lower (RFC 3261 10.2). */
    bool known = sv_store_find(sv_memory_store(s->options->memory), SV_STORE_OFFER, sv_sip_value(s->view, SV_F_CALL_ID),
                               sv_buffer_span(&name), s->options->now, &kept) &&
                 number_of(kept) < number;
    bool same = usable && known && sv_equal_constant_time(list, sv_span_from(kept, NUMBER_OCTETS));
    sv_report_check(s->op, "AGR-52", same ? SIPVEIL_CHECK_PASSED : SIPVEIL_CHECK_FAILED,
                    same     ? "Security-Client is the one of the first REGISTER"
                    : !known ? "no first REGISTER of this registration is known"
                    : usable ? "Security-Client differs from the one of the first REGISTER"
                             : "Security-Client is not repeated");
    if (same) return SIPVEIL_OK;
    if (s->facts.verify != SIPVEIL_AGREE_SYNTAX) s->facts.verify = SIPVEIL_AGREE_CHANGED;
    (void)sv_fail_rule(&s->why, SV_AGREE, SIPVEIL_POLICY, "AGR-52", SIPVEIL_NO_OFFSET,
                       "Security-Client is not the one of the first REGISTER");
    return SIPVEIL_OK;
}
