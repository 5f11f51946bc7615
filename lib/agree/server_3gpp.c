/* SPDX-License-Identifier: BSD-2-Clause */
/* AGR-52: the P-CSCF keeps the Security-Client of the unprotected REGISTER, and the protected one has to repeat it: so
 * it is found out when that list was changed on the way. */
#include "agree/server.h"
#include "tunnel/memory.h"

enum { KEPT_LIFE = 300 };

/* One registration: Call-ID and the address that registers. */
static bool name_of(sv_server *s, sv_buffer *name)
{
    sv_sip_address to;
    if (s->options->profile != SIPVEIL_AGREE_3GPP || s->options->memory == NULL || !sv_equal_str(s->view->method, "REGISTER") ||
        sv_sip_read_address(sv_sip_value(s->view, SV_F_TO), &to, NULL) != SIPVEIL_OK) {
        return false;
    }
    sv_buffer_init(name, s->op->arena, 256, 4096);
    sv_put_str(name, "security-client|");
    sv_put(name, to.uri);
    return !name->failed;
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
    sv_buffer name;
    sipveil_span list;
    bool usable;
    if (!name_of(s, &name)) return SIPVEIL_OK;
    SV_TRY(canonical_of(s, &list, &usable));
    if (!usable) return SIPVEIL_OK;
    sv_store *store = sv_memory_store(s->options->memory);
    sipveil_span scope = sv_sip_value(s->view, SV_F_CALL_ID);
    sipveil_error why;
    (void)sv_store_remove(store, SV_STORE_OFFER, scope, sv_buffer_span(&name));
    sipveil_code code = sv_store_add(store, SV_STORE_OFFER, scope, sv_buffer_span(&name), list, s->options->now,
                                     s->options->now + KEPT_LIFE, &why);
    if (code == SIPVEIL_LIMIT) return SIPVEIL_OK; /* full: what was not kept cannot be compared, so it is refused later */
    return code == SIPVEIL_OK ? code : sv_no_memory(s->op->err, SV_AGREE);
}

sipveil_code sv_server_compare_client_list(sv_server *s)
{
    sv_buffer name;
    sipveil_span list = {0}, kept = {0};
    bool usable = false;
    if (s->facts.protection != SV_MECH_IPSEC_3GPP || !name_of(s, &name)) return SIPVEIL_OK;
    SV_TRY(canonical_of(s, &list, &usable));
    bool known = sv_store_find(sv_memory_store(s->options->memory), SV_STORE_OFFER, sv_sip_value(s->view, SV_F_CALL_ID),
                               sv_buffer_span(&name), s->options->now, &kept);
    bool same = usable && known && sv_equal_constant_time(list, kept);
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
