/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of seal: one table, taken one by one, settled before any file is read. */
#ifndef TOOL_SEALING_H
#define TOOL_SEALING_H

#include "tool.h"

enum { SEALING_KEYS_MOST = 64, SEALING_LIST_MOST = 64 };

enum sealing_option {
    O_MODE = TOOL_O_FIRST, O_FIELDS, O_TO, O_SIGN_WITH, O_RSA, O_ORDER, O_DETACHED, O_OPAQUE, O_NO_CERTS, O_COMPRESS,
    O_CIPHER, O_ENCODING, O_PROFILE, O_REQUEST_URI, O_HIDE, O_DATE, O_UNSIGNED_SHARED, O_OPEN_KEY_FILE, O_TRUST,
    O_KEY_ID, O_CEK_HKDF, O_SEALING_LAST
};

#define SEALING_OPTIONS                                                                                                 \
    {O_MODE, "mode", 0, "MODE", false, "tunnel (the whole message, default), sipfrag (header fields), payload (the body)"}, \
    {O_FIELDS, "fields", 0, "FIELD[,...]", false, "sipfrag: the fields inside"},                                        \
    {O_TO, "to", 0, "KEYREF", true, "a recipient; repeat for more"},                                                    \
    {O_SIGN_WITH, "sign-with", 0, "KEYREF", true, "sign; repeat for more signers"},                                     \
    {O_RSA, "rsa-signature", 0, "KIND", false, "pss (default) or v1.5"},                                                \
    {O_ORDER, "order", 0, "ORDER", false, "sign-encrypt (default) or encrypt-sign"},                                    \
    {O_DETACHED, "detached", 0, NULL, false, "multipart/signed (default)"},                                             \
    {O_OPAQUE, "opaque", 0, NULL, false, "application/pkcs7-mime signed-data"},                                         \
    {O_NO_CERTS, "no-certs", 0, NULL, false, "leave the signer's certificate out"},                                     \
    {O_COMPRESS, "compress", 0, NULL, false, "compress between signing and encryption (lengths may tell secrets)"},     \
    {O_CIPHER, "cipher", 0, "CIPHER", false, "aes-128-gcm, aes-256-gcm (default), aes-128-cbc, aes-192-cbc, aes-256-cbc"}, \
    {O_ENCODING, "encoding", 0, "ENCODING", false, "binary (default) or base64"},                                       \
    {O_PROFILE, "profile", 0, "pcscf", false, "between a UA and its P-CSCF"},                                           \
    {O_REQUEST_URI, "request-uri", 0, "URI", false, "Request-URI of the outer message (default: the inner one)"},       \
    {O_HIDE, "hide", 0, "FIELD[,...]", false, "fields that appear only inside; needs --to"},                            \
    {O_DATE, "date", 0, "DATE", false, "auto (default), now, none, or an RFC 1123 date"},                               \
    {O_UNSIGNED_SHARED, "allow-unsigned-shared", 0, NULL, false, "several recipients and no signer"},                   \
    {O_TRUST, "trust", 0, "FILE|DIR", true, "anchors that the recipients' certificates must lead to"},                  \
    {O_KEY_ID, "by-key-id", 0, NULL, false, "name certificates by key identifier: no names on the wire"},               \
    {O_CEK_HKDF, "cek-hkdf", 0, NULL, false, "bind the content key to the cipher (RFC 9709); not every peer reads it"}, \
    {O_OPEN_KEY_FILE, "allow-open-key-file", 0, NULL, false, "accept secret files that others can read"}

typedef struct sealing {
    tool_common common;
    sipveil_seal_options seal;
    const char *to[SEALING_KEYS_MOST], *signers[SEALING_KEYS_MOST], *trust[SEALING_KEYS_MOST];
    size_t to_count, signer_count, trust_count;
    char *fields, *hide; /* copies, cut in place */
    const char *field_list[SEALING_LIST_MOST], *hide_list[SEALING_LIST_MOST];
    const char *date;
    bool detached, allow_open;
} sealing;

/* Takes one of SEALING_OPTIONS. */
bool sealing_take(sealing *s, int id, const char *value);
/* Lists are cut, contradictions told; false after a message. */
bool sealing_settle(sealing *s);
void sealing_end(sealing *s);

#endif
