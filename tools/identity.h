/* SPDX-License-Identifier: BSD-2-Clause */
/* What the verbs of identity share: how numbers are read, and what verifying needs. */
#ifndef TOOL_IDENTITY_H
#define TOOL_IDENTITY_H

#include "opening.h"
#include "statefile.h"

enum identity_option {
    O_INFO = O_OPENING_LAST, O_FORM, O_PPT, O_CLAIMS, O_SENDER, O_OWN_CLOCK, O_FRESHNESS, O_ALLOW_HTTP, O_ALLOW_PRIVATE,
    O_ALLOW_TLS_USAGE, O_PLUS, O_COUNTRY, O_ASSERTED, O_SPC, O_SENDER_PEER, O_REQUIRE, O_STATE, O_ANSWER, O_IDENTITY_LAST
};

/* How identities are read from a request: for sign and verify alike. */
#define IDENTITY_NAMING_OPTIONS                                                                                             \
    {O_PLUS, "plus-is-number", 0, NULL, false, "a user part of + and digits is a number, with or without user=phone"},       \
    {O_COUNTRY, "country", 0, "CODE", false, "numbers that begin with 0 are of that country, those with 00 international"},  \
    {O_ASSERTED, "asserted", 0, NULL, false, "the originator is P-Asserted-Identity, where there is one"},                   \
    {O_SPC, "spc", 0, "FILE", false, "which numbers a service provider code covers: CODE TAB PREFIX, one a line"}

#define IDENTITY_VERIFY_OPTIONS                                                                                             \
    {O_CERT, "cert", 0, "FILE|DIR|URI=FILE", true, "the certificate behind a URI; a plain file answers for every URI"},      \
    {O_TRUST, "trust", 0, "FILE|DIR", true, "trust anchors (PEM)"},                                                          \
    {O_CRL, "crl", 0, "FILE", true, "revocation lists (PEM)"},                                                               \
    {O_PROFILE, "profile", 0, "auto|rfc8224|rfc4474", false, "which form of Identity counts (default auto: either)"},         \
    {O_REQUIRE, "require", 0, NULL, false, "a request that has no Identity is refused (428)"},                                \
    {O_AT, "at", 0, "TIME", false, "check certificates and Date at this RFC 3339 time"},                                     \
    {O_FRESHNESS, "freshness", 0, "SECONDS|any", false, "how far Date may be from now (default 60; RFC 4474: 3600)"},         \
    {O_PPT, "ppt", 0, "NAME", true, "an extension of PASSporT that is understood; fields with others are ignored"},          \
    {O_ALLOW_WEAK, "allow-weak", 0, "NAME[,...]", false, "sha1, rsa1024"},                                                   \
    {O_COMPAT, "compat", 0, "samples", false, "take iat as a string and JSON in any form, as published examples have"},      \
    {O_ALLOW_HTTP, "allow-http", 0, NULL, false, "certificates may come by http"},                                           \
    {O_ALLOW_PRIVATE, "allow-private-hosts", 0, NULL, false, "and from private and loopback addresses"},                     \
    {O_ALLOW_TLS_USAGE, "allow-tls-usage", 0, NULL, false, "a certificate whose extended key usage is for TLS alone"},       \
    {O_STATE, "state", 0, "FILE", false, "remembers what was seen there between calls (0600, locked)"},                      \
    IDENTITY_NAMING_OPTIONS

typedef struct identity_naming {
    sipveil_identity_naming naming;
    const char *country;
    const char *spc_file;
    io_octets spc; /* its text */
    bool has_spc;
} identity_naming;

/* One --cert that was read. */
typedef struct identity_certificate {
    const char *uri;  /* copy; NULL: any */
    const char *name; /* of the file, without folder */
    io_octets octets;
} identity_certificate;

enum { IDENTITY_CERTIFICATES_MOST = 256 };

typedef struct identity_verifying {
    opening o; /* first: opening_take gets the same pointer */
    identity_naming numbers;
    sipveil_identity_verify_options verify;
    identity_certificate certificates[IDENTITY_CERTIFICATES_MOST];
    size_t certificate_count;
    const char *ppts[OPENING_LIST_MOST];
    const char *state;
    statefile memory;
    int64_t now;
} identity_verifying;

/* Takes one of IDENTITY_NAMING_OPTIONS; *taken says whether it was one. False after a message. */
bool identity_naming_take(const tool_common *common, identity_naming *n, int id, const char *value, bool *taken);
/* Reads the file of --spc. TOOL_OK or the exit code after a message. */
int identity_naming_prepare(const tool_common *common, identity_naming *n);
void identity_naming_end(identity_naming *n);
bool identity_spc(void *naming, const char *code, const char *number); /* a sipveil_identity_spc_cb */

void identity_verifying_begin(identity_verifying *v, const char *verb);
/* Takes one of IDENTITY_VERIFY_OPTIONS. */
bool identity_verifying_take(identity_verifying *v, int id, const char *value);
/* Context, anchors, certificates, state. TOOL_OK or the exit code after a message. */
int identity_verifying_prepare(identity_verifying *v);
/* What was taken and read, into v->verify. */
void identity_verifying_settle(identity_verifying *v);
void identity_verifying_end(identity_verifying *v);
/* Warnings, and, where it is refused, the one line that says so. Returns the exit code of the verdict. */
int identity_tell(const identity_verifying *v, const char *path, const sipveil_identity_verdict *verdict);
/* The verdict as JSON, where a report was asked for. */
int identity_write_report(const identity_verifying *v, const sipveil_identity_verdict *verdict);

/* One verb over one message: what is set up once the options are taken, and what is done with the message then. Both
 * get `state`, which `o` is part of, and return TOOL_OK or the exit code after a message. */
typedef struct identity_work {
    const tool_option *options;
    size_t option_count;
    tool_take take;
    int (*prepare)(void *state);
    int (*run)(void *state, const char *path, sipveil_span message);
} identity_work;
/* Takes the options, prepares, reads the message of the operand or of standard input, runs. Returns the exit code. */
int identity_do(const tool_verb *verb, const identity_work *work, int argc, char **argv, opening *o, void *state);

int identity_sign(int argc, char **argv);
int identity_verify(int argc, char **argv);

#endif
