/* SPDX-License-Identifier: BSD-2-Clause */
/* What open and inspect share: keys, trust, weak forms, time, state file. */
#ifndef TOOL_OPENING_H
#define TOOL_OPENING_H

#include "io.h"
#include "keyref.h"

enum { OPENING_LIST_MOST = 64 };

enum opening_option {
    O_KEY = TOOL_O_FIRST, O_CERT, O_TRUST, O_CRL, O_PIN, O_KEYRING, O_ALLOW_WEAK, O_COMPAT, O_STRICT, O_AT,
    O_DATE_WINDOW,
    O_OPEN_KEY_FILE, O_PROFILE, O_REGISTERED, O_ME, O_NO_VERIFY_SIGNER, O_UNAUTHENTICATED, O_ACCEPT_MISMATCH,
    O_SECOND_OPINION, O_PRIVACY_BORDER, O_LAYERS, O_OPENING_LAST
};

#define OPENING_OPTIONS                                                                                     \
    {O_KEY, "key", 0, "KEYREF", true, "a key of ours; repeat for more, any that fits is used"},             \
    {O_CERT, "cert", 0, "FILE|DIR", true, "certificates of others, for signatures that carry none"},        \
    {O_TRUST, "trust", 0, "FILE|DIR", true, "trust anchors (PEM)"},                                         \
    {O_CRL, "crl", 0, "FILE", true, "revocation lists (PEM)"},                                              \
    {O_PIN, "pin", 0, "AOR=SHA256", true, "accept exactly this certificate for that AOR"},                  \
    {O_KEYRING, "keyring", 0, "DIR", false, "compare signers with the certificates kept there by address"}, \
    {O_NO_VERIFY_SIGNER, "no-verify-signer", 0, NULL, false, "accept a good signature of anybody"},         \
    {O_ME, "me", 0, "AOR", false, "refuse a message for somebody else"},                                    \
    {O_PROFILE, "profile", 0, "pcscf", false, "the rules of a P-CSCF towards its UAs"},                     \
    {O_REGISTERED, "registered", 0, "AOR", true, "pcscf: a public identity of this subscriber"},            \
    {O_UNAUTHENTICATED, "allow-unauthenticated", 0, NULL, false, "open CBC encryption that nothing signed"}, \
    {O_ALLOW_WEAK, "allow-weak", 0, "NAME[,...]", false,                                                    \
     "sha1, rsa1024, rsa-v1.5, 3des, no-signed-attrs"},                                                     \
    {O_COMPAT, "compat", 0, "seed000|samples", true, "tolerances for published examples"},                  \
    {O_STRICT, "strict", 0, NULL, false, "refuse what is only warned of"},                                  \
    {O_AT, "at", 0, "TIME", false, "check certificates and Date at this RFC 3339 time"},                    \
    {O_DATE_WINDOW, "date-window", 0, "SECONDS|any", false, "how far Date may be from now (default 3600)"}, \
    {O_LAYERS, "layers", 0, "N", false, "stop after N protective layers; a P-CSCF opens 1"},                \
    {O_ACCEPT_MISMATCH, "accept-mismatch", 0, "FIELD[,...]", false,                                         \
     "tolerate a difference between inner and outer"},                                                      \
    {O_PRIVACY_BORDER, "privacy-border", 0, NULL, false, "a privacy service on the path may have made From anonymous"}, \
    {O_SECOND_OPINION, "second-opinion", 0, NULL, false, "libcrypto's CMS checks every layer it can"},      \
    {O_OPEN_KEY_FILE, "allow-open-key-file", 0, NULL, false, "accept secret files that others can read"}

typedef struct opening_list {
    const char *items[OPENING_LIST_MOST];
    size_t count;
} opening_list;

typedef struct opening {
    tool_common common;
    sipveil_open_options open;
    opening_list keys, certs, trust, crls, pins, kept, registered;
    char *mismatch; /* copy, cut in place */
    const char *mismatch_list[OPENING_LIST_MOST];
    bool allow_open;
    sipveil_context *context;
    sipveil_keyring *ring;
    sipveil_worker *worker;
} opening;

/* Takes one of OPENING_OPTIONS. */
bool opening_take(opening *o, int id, const char *value);
/* Context, keyring and worker from what was taken. Returns TOOL_OK or the exit code after a message. */
int opening_prepare(opening *o);
/* The pins that were taken, into o->ring. Returns TOOL_OK or the exit code after a message. */
int opening_add_pins(opening *o);
/* The JSON report of the last message, if one was asked for. Returns TOOL_OK or the exit code after a message. */
int opening_write_report(opening *o);
void opening_end(opening *o);

#endif
