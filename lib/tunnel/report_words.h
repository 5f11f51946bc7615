/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two reports for people share. Every text is safe to print: what was received stands in it quoted. */
#ifndef SV_TUNNEL_REPORT_WORDS_H
#define SV_TUNNEL_REPORT_WORDS_H

#include "tunnel/operation.h"

/* kek "ims-ck-1"; cert of CN=ca serial 3F...; cert with key id ...; password. Without the algorithm. */
const char *sv_words_recipient(const sv_operation *op, const sv_recipient *r);
/* A key of the ring fits this recipient. */
bool sv_recipient_is_ours(const sv_operation *op, const sv_recipient *recipient);

/* The subject, and the address that the certificate speaks for: that is the name people know. */
const char *sv_words_signer(const sv_operation *op, const sv_node *node, size_t i);
/* SHA-256 of the signer's certificate in hexadecimal, as --pin takes it; "" if the certificate is not here. */
const char *sv_words_fingerprint(const sv_operation *op, const sv_node *node, size_t i);
const char *sv_words_signature(const sv_node *node, size_t i); /* "signature valid" */

/* What who can read a layer finds in it: messages, parts, and the encrypted layers that are again for somebody.
 * Goes down to those and no further. */
typedef void (*sv_content_call)(void *state, const sv_node *content);
void sv_each_content(const sv_node *node, sv_content_call call, void *state);
/* Each reader of the message's encrypted layers once, whatever number of them names it. */
typedef void (*sv_reader_call)(void *state, const sv_recipient *reader);
void sv_each_reader(const sv_operation *op, sv_reader_call call, void *state);
/* What that reader finds in the layers that name it. Returns true if one of those is closed here. */
bool sv_each_readable(const sv_operation *op, const sv_recipient *reader, sv_content_call call, void *state);
const char *sv_words_content(const sv_node *node); /* "message/sip", "SIP header", "an encrypted layer" */

#endif
