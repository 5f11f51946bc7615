/* SPDX-License-Identifier: BSD-2-Clause */
/* The verification service at work on one request: what both forms of the field share. */
#ifndef SV_IDENTITY_VERIFY_H
#define SV_IDENTITY_VERIFY_H

#include "identity/credential.h"
#include "identity/passport.h"

typedef struct sv_judging {
    const sipveil_identity_verify_options *options;
    sv_operation *op;
    const sv_sip_view *view;
    int64_t now;
    bool has_date;
    int64_t date;
    sipveil_identity_verdict *out;
} sv_judging;

/* Sets the status, rule and sentence of a field that is not valid, from `why`. */
sipveil_code sv_field_refuse(const sv_judging *j, sipveil_identity_field *field, int status, sipveil_error *why);
/* Whether a time is within the window of this path. */
bool sv_is_fresh(const sv_judging *j, int64_t time, int64_t window_default);
/* Says that it is not. REPLAY. */
sipveil_code sv_refuse_stale(const sv_judging *j, const char *what, int64_t time, const char *rule, int64_t window_default,
                             sipveil_error *why);
/* What is taken from a credential into the verdict. */
sipveil_code sv_verdict_take(const sv_judging *j, const sv_credential *credential, const sv_identity_name *name, sipveil_span domain,
                             sipveil_error *err);

/* One field each. INTERNAL and LIMIT (of the memory) only; else the answer is in `field`, and in j->out if valid. */
sipveil_code sv_judge_passport(const sv_judging *j, sipveil_span value, sipveil_identity_field *field, sipveil_error *err);
sipveil_code sv_judge_rfc4474(const sv_judging *j, sipveil_identity_field *field, sipveil_error *err);

enum { SV_FRESHNESS_8224 = 60, SV_FRESHNESS_4474 = 3600 };

/* ---- replay.c ---- */
/* Remembers a PASSporT by its signature, or a request of RFC 4474 by Call-ID, CSeq and the address in From: only by what
 * is signed. REPLAY: it was here before, and is no branch of a fork (IDN-18, IDN-41). LIMIT: the memory is full. */
sipveil_code sv_remember_passport(const sv_judging *j, sipveil_span signature, sipveil_error *err);
sipveil_code sv_remember_rfc4474(const sv_judging *j, sipveil_error *err);
/* Whether that is why: then there is no verdict at all. */
bool sv_is_memory_full(const sipveil_error *err);

#endif
