/* SPDX-License-Identifier: BSD-2-Clause */
/* One message on its way over the border: phase A by the previous hop, once; phase B by the next hop, for each branch.
 */
#ifndef SV_TRUST_BORDER_H
#define SV_TRUST_BORDER_H

#include "crypto/crypto.h"
#include "sip/edit.h"
#include "sip/privacy.h"
#include "sip/values.h"
#include "trust/asserted.h"
#include "trust/verdict.h"

enum { SV_BORDER_ROOM = 65536 }; /* octets that what the border adds may take, beyond a message as long as can be */

/* Why it does not go on. */
typedef struct sv_refusal {
    sipveil_border_action action; /* FORWARD: it does go on */
    int status;
    const char *rule;
    const char *why;
    sipveil_span phrase; /* empty: that of the status */
    sipveil_span rows;
} sv_refusal;

struct sipveil_border {
    const sipveil_context *context;
    sv_crypto *crypto;
    sv_arena *arena; /* of one arrival and all that leaves of it */
    sipveil_border_options options;
    sipveil_trust_table *table; /* held */
    sipveil_trust_profile profile;
    sipveil_trust_verdict from, to;
    int64_t now;
    bool arrived;          /* a branch may leave */
    bool leaving;          /* the last call was for a branch */
    bool complete;         /* lines tell of the fields that nothing concerned too */
    sv_sip_view *view;     /* of the copy that phase A left */
    sv_privacy privacy;    /* of that copy */
    sv_asserted asserted;  /* scratch of both phases */
    sv_sip_edit edit;      /* likewise */
    sipveil_span *told;    /* every identity that came, whether it is believed or not: for TRU-39 */
    size_t told_count;
    sv_buffer lines, warnings; /* of sipveil_border_line, sipveil_warning */
    size_t lines_of_a, warnings_of_a;
    sv_refusal refusal;
    bool no_memory;        /* for something that returns nothing: the call fails in the end */
    sipveil_span message;  /* of the last result */
};

/* A line of the report, in the arena. rule is literal. */
void sv_border_note(sipveil_border *b, const char *phase, const char *field, const char *result, const char *rule,
                    const char *why, ...) SV_PRINTF(6, 7);
void sv_border_warn(sipveil_border *b, const char *rule, const char *text, ...) SV_PRINTF(3, 4);
/* It does not go on: answered, or dropped where nothing may be answered. phrase NULL: that of the status. */
void sv_border_refuse(sipveil_border *b, int status, const char *rule, const char *phrase, const char *why, ...)
    SV_PRINTF(5, 6);
/* Neither ACK nor CANCEL, which nobody authenticates or answers hop by hop (RFC 3261 16.7, 17.1.1.3). */
bool sv_is_answerable(const sv_sip_view *view);

/* ---- phase_a.c, phase_b.c: into b->edit, the lines and b->refusal; INTERNAL, LIMIT or USAGE fail ---- */
sipveil_code sv_phase_a(sipveil_border *b, const sv_sip_view *view, sipveil_error *err);
sipveil_code sv_phase_b(sipveil_border *b, const sv_sip_view *view, sipveil_error *err);

/* ---- leak.c: TRU-39 ---- */
/* Keeps what the received fields tell, before phase A takes any of it out. */
sipveil_code sv_note_identities(sipveil_border *b, const sv_sip_view *view, sipveil_error *err);
/* An Identity field whose PASSporT tells one of the values that are removed loses what tells it. */
sipveil_code sv_close_leaks(sipveil_border *b, const sv_sip_view *view, sipveil_error *err);

/* ---- hide.c, restore.c: what a privacy service does for "header", and undoes (TRU-35) ---- */
enum { SV_HIDDEN_TOKEN = 32 }; /* hex digits of the names that stand for what is hidden */
/* May this message's header be hidden here? ACK and CANCEL of a hidden dialog are, though they do not ask. */
bool sv_can_hide_header(const sipveil_border *b, const sv_sip_view *view);
sipveil_code sv_is_hidden_dialog(sipveil_border *b, const sv_sip_view *view, bool *is, sipveil_error *err);
/* Via, Record-Route and Contact of a request, Contact of a response; refuses where it cannot be remembered. */
sipveil_code sv_hide_header(sipveil_border *b, const sv_sip_view *view, sipveil_error *err);
/* What comes back with a name of ours, before anything else: into *message if changed. Refuses what was forgotten. */
sipveil_code sv_restore_header(sipveil_border *b, const sv_sip_view *view, sipveil_span *message, sipveil_error *err);
/* An entry of the dialog: kind is 'v' (transaction: its name), 'b' (name: Via and Record-Route), 'o' (Contact: its
 * name), 'c' (name: Contact and routes), 'd' (is hidden). *value is empty where nothing is known; INTERNAL: nobody can say. */
sipveil_code sv_recall_hidden(sipveil_border *b, const sv_sip_view *view, char kind, sipveil_span key,
                              sipveil_span *value, sipveil_error *err);

/* ---- service.c: what a privacy service does for "user" and "header" ---- */
sipveil_code sv_serve_user(sipveil_border *b, const sv_sip_view *view, sipveil_error *err);

#endif
