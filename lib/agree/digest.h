/* SPDX-License-Identifier: BSD-2-Clause */
/* Digest as security agreement uses it: challenges and credentials read and written (RFC 2617, RFC 8760), the
 * response, and d-ver, which is the response with the server's list in A2 (RFC 3329 2.2). */
#ifndef SV_AGREE_DIGEST_H
#define SV_AGREE_DIGEST_H

#include "agree/list.h"
#include "crypto/http_digest.h"

/* What a challenge or credentials say. Values stand without their quotes, backslash pairs as written (AGR-33). */
typedef struct sv_auth {
    sipveil_span username, realm, nonce, cnonce, nc, uri, qop, algorithm, opaque, response;
    bool has_username, has_realm, has_nonce, has_uri, has_response, has_qop, stale;
} sv_auth;

/* The value of one row. *digest is false, and nothing else is said, for another scheme. MALFORMED: a parameter twice, or
 * no such list. */
sipveil_code sv_auth_read(sipveil_span value, sv_auth *out, bool *digest, sipveil_error *err);
/* Whether a challenge's list of qop values has this one; an absent list has none. */
bool sv_auth_offers_qop(const sv_auth *challenge, const char *qop);

/* What stands between quotes: each quoted-pair says the octet behind its backslash (RFC 3261 25.1, RFC 7230 3.2.6). */
bool sv_quoted_says(sipveil_span written, const char *name);
bool sv_quoted_same(sipveil_span written, sipveil_span other);
/* The other way: a name between quotes; one with a control octet stands in no header field. */
bool sv_is_quotable(const char *name);
void sv_put_quoted(sv_buffer *out, sipveil_span name);

typedef enum sv_digest_algorithm {
    SV_ALGORITHM_MD5,
    SV_ALGORITHM_MD5_SESS,
    SV_ALGORITHM_SHA256,
    SV_ALGORITHM_SHA256_SESS,
    SV_ALGORITHM_COUNT
} sv_digest_algorithm;
const char *sv_digest_algorithm_name(sv_digest_algorithm algorithm);
/* Without case; an absent (empty) name is MD5. false: none of ours. */
bool sv_digest_algorithm_of(sipveil_span name, sv_digest_algorithm *out);

typedef enum sv_qop { SV_QOP_NONE, SV_QOP_AUTH, SV_QOP_AUTH_INT } sv_qop;
const char *sv_qop_name(sv_qop qop); /* "" for NONE */
bool sv_qop_of(sipveil_span name, sv_qop *out);

/* One request as both ends see it. */
typedef struct sv_digest_input {
    sv_digest_algorithm algorithm;
    sv_qop qop;
    sipveil_span username, realm, password;
    sipveil_span nonce, nc, cnonce;
    sipveil_span method, uri, body;
    sipveil_span security_server; /* empty: the ordinary response; else d-ver over this text */
} sv_digest_input;
sipveil_code sv_digest_response(sv_crypto *crypto, const sv_digest_input *input, sv_http_hex *out, sipveil_error *err);

/* AGR-35: every run of white space becomes one blank; what stands at the ends goes. */
void sv_put_one_blank(sv_buffer *out, sipveil_span text);
/* AGR-36: what d-ver covers, for a list as received or as sent. form: ABNF or VALUE. */
sipveil_code sv_dver_text(sipveil_span list, sipveil_agree_dver_form form, sv_arena *arena, sipveil_span *out,
                          sipveil_error *err);

/* What a digest entry together with a challenge asks for (AGR-34). POLICY: what this side does not do. */
typedef struct sv_digest_rules {
    sipveil_agree_profile profile;
    bool allow_no_qop, allow_sha256;
} sv_digest_rules;
sipveil_code sv_digest_demand(const sv_mechanism *entry, const sv_auth *challenge, sv_digest_rules rules,
                              sv_digest_algorithm *algorithm, sv_qop *qop, sipveil_error *err);

/* ---- nonces of ours ---- */

enum { SV_NONCE_LENGTH = 56, SV_NONCE_KEY = 32, SV_NONCE_LIFETIME = 300, SV_NONCE_STEP = 32 };

typedef enum sv_nonce_state { SV_NONCE_GOOD, SV_NONCE_FOREIGN, SV_NONCE_EXPIRED, SV_NONCE_USED } sv_nonce_state;

typedef struct sv_nonces {
    sv_crypto *crypto;
    struct sipveil_memory *memory;
    const char *realm;
    int64_t now, lifetime;
    uint8_t key[SV_NONCE_KEY];
} sv_nonces;
/* The key is in the memory, or is made there. It is wiped with sv_nonces_end. */
sipveil_code sv_nonces_begin(sv_nonces *nonces, sipveil_error *err);
void sv_nonces_end(sv_nonces *nonces);
/* The nonce for a transaction: for half a minute the same one, so that a retransmission gets the same answer (AGR-27). */
sipveil_code sv_nonce_make(sv_nonces *nonces, const sipveil_span *transaction, size_t count, uint8_t out[SV_NONCE_LENGTH],
                           sipveil_error *err);
/* Whether it is ours, and alive. */
sipveil_code sv_nonce_judge(sv_nonces *nonces, sipveil_span nonce, sv_nonce_state *out, sipveil_error *err);
/* AGR-39: nc must be higher than all before, of that user and nonce; then it is remembered. */
sipveil_code sv_nonce_count(sv_nonces *nonces, sipveil_span username, sipveil_span nonce, uint32_t nc,
                            sv_nonce_state *out, sipveil_error *err);
/* 8 hex digits, not zero. */
bool sv_nc_read(sipveil_span text, uint32_t *out);

#endif
