/* SPDX-License-Identifier: BSD-2-Clause */
/* Security agreement: what its verbs share. */
#ifndef TOOL_AGREEING_H
#define TOOL_AGREEING_H

#include "opening.h"
#include "statefile.h"

enum { AGREEING_CREDENTIALS_MOST = 256 };

enum agreeing_option {
    O_LIST = O_OPENING_LAST, O_AGREE_PROFILE, O_POLICY, O_STATE, O_CREDENTIALS, O_RECEIVED_OVER, O_PASSIVE, O_OVER_TLS,
    O_NEXT_HOP, O_TO_PROXY, O_SMIME_TO_PROXY, O_DECLINE, O_DVER_FORM, O_NO_QOP, O_SHA256, O_WEAK_ALGORITHMS, O_IMS_KEYS,
    O_PRINT_XFRM, O_LOCAL, O_REMOTE, O_AS_PROXY, O_ROLE, O_PROTECTED_BY, O_REALM, O_ANSWER_SUPPORTED, O_NONCE_LIFETIME, O_ACK_OF_FAILURE
};

/* Options that several verbs have. */
#define AGREEING_STATE_OPTION \
    {O_STATE, "state", 0, "FILE", false, "where the agreement is kept between calls (0600, locked)"}
#define AGREEING_CREDENTIALS_OPTIONS                                                                                          \
    {O_CREDENTIALS, "credentials", 0, "FILE", false, "realm TAB username TAB password, one a line, mode 0600"},                \
    {O_DVER_FORM, "dver-form", 0, "FORM", false, "what d-ver covers: abnf (default), value; as the receiver also both"},       \
    {O_NO_QOP, "allow-no-qop", 0, NULL, false, "digest without qop: a replay is not noticed"},                                \
    {O_SHA256, "allow-sha256", 0, NULL, false, "d-alg=SHA-256, which both ends must know"},                                   \
    {O_OPEN_KEY_FILE, "allow-open-key-file", 0, NULL, false, "accept secret files that others can read"}
#define AGREEING_LAST_OPTIONS                                                                                                 \
    {O_AT, "at", 0, "TIME", false, "as if it were this RFC 3339 time"}

typedef struct agreeing {
    opening o; /* first: opening_take gets the same pointer */
    const char *list, *state, *credential_file, *received_over, *next_hop, *ims_keys, *local, *remote, *realm, *protected_by;
    opening_list hop_pins; /* choose: NAME=SHA256 */
    bool print_xfrm, decline, over_tls, ack_of_failure;
    sipveil_agree_profile profile;
    sipveil_agree_policy policy; /* check */
    bool policy_given;
    sipveil_agree_client_options client;
    sipveil_agree_server_options server;
    io_octets credential_text;   /* cut in place */
    sipveil_agree_credentials credentials[AGREEING_CREDENTIALS_MOST];
    size_t credential_count;
    sipveil_agree_list *own;
    const char *operand;
    int64_t now;
} agreeing;

bool agreeing_take(void *state, int id, const char *value);
/* Context, keys, credentials, time. Returns TOOL_OK or the exit code after a message. */
int agreeing_prepare(agreeing *g);
/* The own list from its text. */
int agreeing_read_list(agreeing *g, sipveil_span text, sipveil_agree_side side);
int agreeing_write_report(agreeing *g);
void agreeing_warn(const agreeing *g, const sipveil_warning *warnings, size_t count);
void agreeing_end(agreeing *g);

/* The verbs: options are parsed, everything is prepared. */
int agree_offer(agreeing *g);
int agree_choose(agreeing *g);
int agree_protect(agreeing *g);
int agree_event(agreeing *g);
int agree_check(agreeing *g);

#endif
