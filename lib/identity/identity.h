/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this room share: the identities of a request, the fingerprints of its SDP, one Identity field. */
#ifndef SV_IDENTITY_IDENTITY_H
#define SV_IDENTITY_IDENTITY_H

#include "identity/digest_string.h"
#include "sipveil/identity.h"
#include "tunnel/operation.h"

enum {
    SV_IDENTITY_FIELD_MOST = 8192, /* octets of one Identity field (IDN-43) */
    SV_IDENTITY_JSON_DEPTH = 6,
    SV_IDENTITY_CERTIFICATE_MOST = 16384
};

/* ---- naming.c ---- */
typedef struct sv_identity_name {
    sipveil_span text; /* canonical: "sip:alice@atlanta.example.com", or digits, "#", "*"; in the arena */
    sipveil_span host; /* of a SIP URI, lower case; empty: tel */
    bool is_number;
} sv_identity_name;

/* RFC 8224 8.1 to 8.5. naming NULL: for RFC 4474, which signs From, and for its host alone: a URI, also where a number
 * stands in it. MALFORMED: a URI without user part, or of another scheme. */
sipveil_code sv_identity_name_read(const sipveil_identity_naming *naming, sipveil_span uri, sv_arena *arena,
                                   sv_identity_name *out, sipveil_error *err);
/* From (or P-Asserted-Identity, by naming; NULL: From), and To. */
sipveil_code sv_identity_originator(const sipveil_identity_naming *naming, const sv_sip_view *view, sv_arena *arena,
                                    sv_identity_name *out, sipveil_error *err);
sipveil_code sv_identity_destination(const sipveil_identity_naming *naming, const sv_sip_view *view, sv_arena *arena,
                                     sv_identity_name *out, sipveil_error *err);

/* ---- fingerprint.c ---- */
typedef struct sv_fingerprints {
    sipveil_identity_fingerprint *items; /* sorted by algorithm and digest, none twice; in the arena */
    size_t count;
} sv_fingerprints;

/* a=fingerprint of every SDP in the body, parts of a multipart too (RFC 8225 5.2.2). MALFORMED: one is none, or
 * the body cannot be read; LIMIT. */
sipveil_code sv_fingerprints_read(const sv_sip_view *view, const sipveil_limits *limits, sv_arena *arena,
                                  sv_fingerprints *out, sipveil_error *err);
/* The same of one SDP, added to what `out` has, not sorted yet. */
sipveil_code sv_fingerprints_add_sdp(sipveil_span sdp, sv_arena *arena, sv_fingerprints *out, sipveil_error *err);

/* ---- field.c ---- */
typedef struct sv_identity_text {
    bool full;
    sipveil_span header, payload, signature; /* base64url; the first two are empty in the compact form */
    sipveil_span info;                       /* without brackets */
    sipveil_span alg, ppt;                   /* without quotes */
    bool has_alg, has_ppt;
} sv_identity_text;

/* A value whose first octet is a quote has the form of RFC 4474. */
bool sv_identity_is_quoted(sipveil_span value);
/* One value of RFC 8224 4. MALFORMED with the rule. *out holds what was read before that. */
sipveil_code sv_identity_text_read(sipveil_span value, sv_identity_text *out, sipveil_error *err);
/* Identity-Info of RFC 4474: the URI and alg. */
sipveil_code sv_identity_info_read(sipveil_span value, sipveil_span *uri, sipveil_span *alg, sipveil_error *err);

/* ---- uri.c ---- */
/* Whether a credential may be fetched from there: https, or http where allowed; a host, not one that is private or
 * loopback as it is written (ADV-193). POLICY with the reason. */
sipveil_code sv_identity_check_uri(sipveil_span uri, bool allow_http, bool allow_private, sipveil_error *err);

/* ---- service.c: what both services do ---- */
/* Begins a call on the worker and reads the message into view, which nothing points to after the call. */
sipveil_code sv_identity_begin(sipveil_worker *worker, sipveil_span message, sv_sip_view *view, sipveil_error *err);
/* A request whose originator is signed for: not CANCEL, not ACK (IDN-15, IDN-47). */
bool sv_identity_is_judged(const sv_sip_view *view);
/* Of a status of section 4; old: as RFC 4474 has it. NULL: another status. */
const char *sv_identity_phrase(int status, bool old);
int64_t sv_identity_distance(int64_t a, int64_t b);
bool sv_is_one_of(sipveil_span text, const char *const *list, size_t count);

#endif
