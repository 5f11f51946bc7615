/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server answers, as a table of conditions from top to bottom (RFC 3329 2.3.1, 2.3.2). Nothing is read here and
 * nothing remembered: facts in, one decision out. */
#include "agree/server.h"

enum { BAD_EXTENSION = 420, EXTENSION_REQUIRED = 421, AGREEMENT_REQUIRED = 494, BAD_GATEWAY = 502 };

static sv_agree_decision go_on(unsigned row)
{
    return (sv_agree_decision){.row = row};
}

static sv_agree_decision answer(unsigned row, int status)
{
    return (sv_agree_decision){.row = row, .status = status};
}

static sv_agree_decision decide_unprotected(const sv_agree_facts *f)
{
    if (f->required) return answer(4, AGREEMENT_REQUIRED);
    if (f->policy == SIPVEIL_AGREE_REQUIRED) {
        return f->supported ? answer(5, AGREEMENT_REQUIRED) : answer(6, EXTENSION_REQUIRED); /* AGR-26 */
    }
    return f->supported && f->answer_supported ? answer(7, AGREEMENT_REQUIRED) : go_on(7);
}

static sv_agree_decision decide_protected(const sv_agree_facts *f)
{
    if (!f->in_own_list) return answer(8, AGREEMENT_REQUIRED);
    if (f->verify == SIPVEIL_AGREE_CHANGED || f->verify == SIPVEIL_AGREE_SYNTAX) return answer(9, AGREEMENT_REQUIRED);
    if (f->verify == SIPVEIL_AGREE_ABSENT) {
        bool plain_tls = f->protection == SV_MECH_TLS && !f->required && f->profile != SIPVEIL_AGREE_DRAFT04; /* D-13 */
        if (plain_tls) return go_on(10);
        return f->prack ? go_on(12) : answer(11, AGREEMENT_REQUIRED); /* AGR-11 */
    }
    return (sv_agree_decision){.row = 12, .agreed = true};
}

sv_agree_decision sv_agree_decide(const sv_agree_facts *f)
{
    bool concerned = f->policy == SIPVEIL_AGREE_REQUIRED || f->required || f->supported || f->has_security_row;
    if (f->ack || f->cancel) return go_on(1);
    if (f->policy == SIPVEIL_AGREE_OFF) return f->required ? answer(2, BAD_EXTENSION) : go_on(2);
    if (f->profile != SIPVEIL_AGREE_DRAFT04 && f->via > 1 && concerned) return answer(3, BAD_GATEWAY); /* D-03 */
    return f->is_protected ? decide_protected(f) : decide_unprotected(f);
}
