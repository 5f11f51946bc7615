/* SPDX-License-Identifier: BSD-2-Clause */
/* Sealing with its keys, for hops too: what seal and retry share. */
#ifndef TOOL_SHARING_H
#define TOOL_SHARING_H

#include "io.h"
#include "sealing.h"
#include "statefile.h"

enum { SHARING_HOPS_MOST = SIPVEIL_E2M_HOPS_MOST };

enum sharing_option {
    O_FOR = O_SEALING_LAST, O_ACT, O_KEEP, O_REPLY, O_SIGN_LABEL, O_MAX_DECRYPTS, O_CEK_REF, O_FORM, O_STATE, O_REUSE,
    O_ROLL, O_REUSE_BITS, O_PRIVATE_TYPE, O_MAY_DISCLOSE, O_POLICY, O_SHARING_LAST
};

#define SHARING_OPTIONS                                                                                                \
    {O_FOR, "for", 0, "HOST[=KEYREF]", true, "payload: a proxy that may read or check the body; without a key: a label only"}, \
    {O_ACT, "act", 0, "ACT", false, "what those proxies are asked to do: view (default), verify or both"},              \
    {O_KEEP, "keep", 0, NULL, false, "they may hold the key for answers; needs --state"},                              \
    {O_REPLY, "reply", 0, "ACT", false, "ask the far end to let them view, verify or both its answers"},                \
    {O_SIGN_LABEL, "sign-label", 0, NULL, false, "a signed copy of the label (--keep and --reply have one)"},           \
    {O_MAX_DECRYPTS, "max-decrypts", 0, "N", false, "how many messages will use the key again (default 32)"},           \
    {O_CEK_REF, "cek-ref", 0, "rfc3185", false, "write the key's reference as RFC 3185 has it (not authenticated)"},     \
    {O_FORM, "form", 0, "FORM", false, "shared, private, split or nested; default by what the body holds"},            \
    {O_PRIVATE_TYPE, "private-type", 0, "TYPE", true, "a media type that no proxy is shown"},                          \
    {O_STATE, "state", 0, "FILE", false, "keeps keys that are used again, and what identity bind has bound (0600, locked)"},                             \
    {O_REUSE, "reuse", 0, "REF|last", false, "seal by the key of an earlier message that is held there"},              \
    {O_ROLL, "roll", 0, NULL, false, "with --reuse: bring the key for the next message"},                              \
    {O_REUSE_BITS, "reuse-bits", 0, "N", false, "with --keep: size of the key that wraps the next ones, if another"},   \
    {O_MAY_DISCLOSE, "may-disclose", 0, "HOST", true, "with --reuse: a proxy of another domain that may read answers"},  \
    {O_POLICY, "policy", 0, "FILE", false, "share with the proxies whose rows hold for this message"}

typedef struct sharing {
    sealing s; /* first: sealing_take gets the same pointer */
    sipveil_e2m_options e2m;
    char *hop_texts[SHARING_HOPS_MOST]; /* copies, cut in place: host, KEYREF */
    const char *hop_keys[SHARING_HOPS_MOST];
    sipveil_e2m_hop hops[SHARING_HOPS_MOST];
    const char *private_types[SEALING_LIST_MOST], *disclose[SEALING_LIST_MOST];
    const char *state, *policy_file;
    sipveil_e2m_policy *policy;
    bool asked; /* an option of this table was given */
    /* made by sharing_prepare: */
    sipveil_context *context;
    sipveil_keyring *ring;
    sipveil_worker *worker;
    const sipveil_key *recipients[SEALING_KEYS_MOST], *signers[SEALING_KEYS_MOST];
    statefile memory;
} sharing;

void sharing_begin(sharing *s);
/* Takes one of SEALING_OPTIONS and SHARING_OPTIONS. */
bool sharing_take(sharing *s, int id, const char *value);
/* Contradictions told before any file is read; false after a message. */
bool sharing_settle(sharing *s);
/* Context, keys, worker and state. Returns TOOL_OK or the exit code after a message. */
int sharing_prepare(sharing *s);
/* The recipients bound:AOR, for the dialog of this message. Returns TOOL_OK or the exit code after a message. */
int sharing_add_bound(sharing *s, sipveil_span message);
/* The hops of the rows of --policy that hold for the message. Returns TOOL_OK or the exit code after a message. */
int sharing_apply_policy(sharing *s, sipveil_span message);
/* Writes the report, if asked for. */
int sharing_report(sharing *s);
/* Warnings, state, output: in this order. Returns `done` or another exit code after a message. */
int sharing_hand_out(sharing *s, const char *path, const sipveil_sealed *sealed, int done);
void sharing_end(sharing *s);

#endif
