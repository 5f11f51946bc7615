/* SPDX-License-Identifier: BSD-2-Clause */
/* One call on a worker: what it was asked, the tree of what it met, and the report that grows with it.
 * Everything lives in the worker's arena until the worker's next call. */
#ifndef SV_TUNNEL_OPERATION_H
#define SV_TUNNEL_OPERATION_H

#include "base/arena.h"
#include "base/buffer.h"
#include "cms/cms.h"
#include "keys/keys.h"
#include "mime/mime.h"
#include "sip/edit.h"
#include "sip/response.h"
#include "sip/values.h"
#include "sip/view.h"
#include "sipveil/tunnel.h"

#define SV_TUNNEL "tunnel"

/* What a node of the tree is. The order is that of node_types in report.c. */
typedef enum sv_node_type {
    SV_NODE_SIP,              /* the received message */
    SV_NODE_MULTIPART,
    SV_NODE_MULTIPART_SIGNED, /* detached signature: one child, the first part */
    SV_NODE_SIGNED_DATA,
    SV_NODE_ENVELOPED,
    SV_NODE_AUTH_ENVELOPED,
    SV_NODE_COMPRESSED,
    SV_NODE_CERTS_ONLY,
    SV_NODE_MESSAGE_SIP,      /* a tunnelled message */
    SV_NODE_SIPFRAG,
    SV_NODE_LEAF              /* anything else; type_name is its media type */
} sv_node_type;

typedef struct sv_node {
    sv_node_type type;
    struct sv_node *parent, *first_child, *last_child, *next;
    const char *type_name;         /* as in the report */
    const sv_mime_entity *entity;  /* what it was read from; NULL for the received message */
    sipveil_span octets;           /* the whole entity; of a body that had no entity header: the body */
    const sv_sip_view *view;       /* SIP, MESSAGE_SIP, SIPFRAG */
    /* encrypted layers */
    const sv_enveloped *enveloped;
    bool opened;
    sv_opening opening;
    /* signed layers */
    const sv_signed *signed_data;
    sv_signature *signatures;      /* one for each signer */
    sv_signer *signers;            /* likewise, once asked */
    sv_certificate_names *names;   /* likewise */
    STACK_OF(X509) *certificates;  /* of the message, for chains */
    bool verified;                 /* every signature is valid */
    bool accepted;                 /* and every signer was accepted */
    bool by_node;                  /* one of them as a node (TRU-46) */
    /* compressed layers */
    size_t size, expanded;
} sv_node;

/* How deep a reader stands; passed down by value. */
typedef struct sv_depth {
    size_t mime, cms, compressed, protective;
} sv_depth;

typedef struct sv_compared {
    const char *field;
    sipveil_comparison result;
    const sv_node *inner;
} sv_compared;

struct sv_operation;

/* What a higher room adds to an opening. Every call may be NULL. */
typedef struct sv_opening_extension {
    void *state;
    /* The keys for this encrypted layer instead of those of the ring; none: it is left for others. */
    sipveil_code (*keys)(void *state, struct sv_operation *op, const sv_node *node, const sv_cms_key **keys,
                         size_t *count);
    /* It was opened by keys[node->opening.key]. A failure is one of decryption. */
    sipveil_code (*opened)(void *state, struct sv_operation *op, const sv_node *node);
    /* A signer who does not speak for the sender: is it a node that answers for whatever it hands on (TRU-46)? *speaks
     * is false before. */
    sipveil_code (*speaks_as_node)(void *state, struct sv_operation *op, const sv_node *layer, size_t signer, bool *speaks);
    /* Every check of ours passed, and nothing was remembered yet. */
    sipveil_code (*judge)(void *state, struct sv_operation *op);
    /* All is well, and remembered: what more is to be remembered, and told. INTERNAL: all of it is taken back. */
    sipveil_code (*settle)(void *state, struct sv_operation *op);
} sv_opening_extension;

/* A signer that was accepted in this call already: layers of one message are often signed by one. */
typedef struct sv_accepted {
    const X509 *certificate;
    sipveil_span aor;
    bool covers_message;
    sv_signer signer;
} sv_accepted;
enum { SV_ACCEPTED_MOST = 2 };

typedef struct sv_operation {
    sipveil_worker *worker;
    sv_arena *arena;
    sv_crypto *crypto;
    const sipveil_limits *limits;
    const sipveil_open_options *options; /* opening: the copy below; sealing: NULL */
    sipveil_open_options own_options;    /* a report may be asked for when the caller's are gone */
    const sv_opening_extension *extension; /* NULL: none */
    sipveil_error *err;       /* never NULL */
    bool inspecting;          /* record findings and go on */
    int64_t now;              /* --at, or the clock */
    unsigned mime_flags;
    unsigned compare_flags;
    sv_cms_policy policy;
    bool secret_used;         /* from here on the wire sees one answer (TUN-90) */
    uint64_t iterations;
    size_t parts;
    bool met_encrypted, opened_encrypted;
    bool addressee_checked;
    bool inner_identity_counts; /* TRU-46 */
    sv_bound *bound;          /* of the memory, for this dialog (bound.h) */
    size_t bound_count;
    sv_accepted accepted[SV_ACCEPTED_MOST];
    size_t accepted_count;
    sipveil_error no_key;     /* the first layer that was not for us */
    const sv_node *no_key_node;
    sv_node *root;
    sv_buffer checks;         /* of sipveil_check */
    sv_buffer compared;       /* of sv_compared */
    sv_buffer warnings;       /* of sipveil_warning */
    sv_buffer signers;        /* of sipveil_accepted_signer */
    sipveil_error failure;    /* the first failure, for the report; code OK if none */
    const sv_node *failure_node;
    bool done;                /* a report can be written */
    const void *agreement;    /* of lib/agree: what its own report tells; NULL: nothing */
} sv_operation;

struct sipveil_worker {
    const sipveil_context *context;
    sv_crypto *crypto;
    sv_arena *arena;
    sv_arena *given; /* the message of this call, where it came from the one before; NULL: it never did */
    sv_chain_memory *chains;
    sv_operation operation; /* the last open or inspect */
};

/* A message in bare LF becomes one in CRLF (ADV-009); *changed says so. */
sipveil_code sv_normalise_lines(sv_arena *arena, sipveil_span *message, const sipveil_limits *limits,
                                bool *changed, sipveil_error *err);

/* Starts a call: wipes what the last one left. */
void sv_worker_begin(sipveil_worker *worker);
/* The same for a call about a message, which may be what the last one gave: then *message becomes a copy of it that lasts
 * as long as this call's results, whatever begins within it. */
sipveil_code sv_worker_begin_with(sipveil_worker *worker, sipveil_span *message, sipveil_error *err);

/* ---- report.c ---- */
sv_node *sv_node_add(sv_operation *op, sv_node *parent, sv_node_type type, const sv_mime_entity *entity,
                     sipveil_span octets);
bool sv_node_is_signed(const sv_node *node);    /* one of the two signed layers */
bool sv_node_is_encrypted(const sv_node *node); /* one of the two encrypted layers */
bool sv_node_is_sip(const sv_node *node);       /* has a view with its own header */
/* Protective and successful: opened, or every signature valid. */
bool sv_node_protects(const sv_node *node);
/* The nearest message above: SIP or MESSAGE_SIP. */
const sv_node *sv_node_carrier(const sv_node *node);
/* rule and why are copied as pointers when literal; why is formatted into the arena. */
void sv_report_check(sv_operation *op, const char *rule, sipveil_check_result result, const char *why, ...)
    SV_PRINTF(4, 5);
/* The same for a text in pieces: what is reported of every message is not formatted. */
void sv_report_joined(sv_operation *op, const char *rule, sipveil_check_result result, const char *before,
                      const char *middle, const char *after);
/* The same for a text that lasts. */
void sv_report_literal(sv_operation *op, const char *rule, sipveil_check_result result, const char *why);
/* INTERNAL: memory ended while findings were put down, so that some are missing. */
sipveil_code sv_report_is_whole(const sv_operation *op, sipveil_error *err);
void sv_report_warning(sv_operation *op, const char *rule, const char *text, ...) SV_PRINTF(3, 4);
/* That octets after Content-Length were dropped, if any were. */
#define SV_TAIL_WARNING "%zu octets after the Content-Length are dropped"
void sv_warn_of_tail(sv_operation *op, size_t tail);
void sv_report_compared(sv_operation *op, const char *field, sipveil_comparison result,
                        const sv_node *inner);
/* A failure at a node: opening returns its code; inspecting records the first one and goes on. */
sipveil_code sv_report_failure(sv_operation *op, const sv_node *node, sipveil_code code);
size_t sv_report_check_count(const sv_operation *op);
/* What was found, as it is handed out: borrowed until the worker's next call. */
typedef struct sv_findings {
    const sipveil_check *checks;
    size_t check_count;
    const sipveil_warning *warnings;
    size_t warning_count;
} sv_findings;
sv_findings sv_findings_of(const sv_operation *op);
/* report_json.c: the members "verdict" and "error" of a report, the way the operation ended. */
void sv_report_put_outcome(const sv_operation *op, sv_buffer *b);

/* ---- open.c ---- */
/* sipveil_tunnel_open_message with an extension, or NULL. Until the worker's next call its operation holds
 * the tree, after a failure too. */
sipveil_code sv_open_extended(sipveil_worker *worker, const sipveil_open_options *options,
                              const sv_opening_extension *extension, sipveil_span message, sipveil_opened *out,
                              sipveil_error *err);

/* ---- answer.c ---- */
/* A response to a request: its own rows in front of Content-*, and a body. */
typedef struct sv_answer {
    int status;
    sipveil_span phrase;       /* empty: that of the status */
    sipveil_span rows;         /* each with CRLF */
    sipveil_span content_rows; /* likewise; empty: no body */
    sipveil_span body;
    sipveil_span tag;          /* for a To without one; empty: sv_make_refusal_tag(), below 300 one of chance */
} sv_answer;
/* The tag of a final failure: the same one whenever that request comes again, as those give who keep nothing of a transaction
 * (RFC 3261 8.2.7), so that refusals do not differ in it either (TUN-90). It begins no dialog: nothing rests on its being hard
 * to guess. */
sipveil_code sv_make_refusal_tag(sv_crypto *crypto, sv_arena *arena, const sv_sip_view *view, uint8_t digits[2 * SV_TAG_OCTETS],
                                 sipveil_error *err);
/* USAGE: view is a response or an ACK. The octets are in the operation's arena. */
sipveil_code sv_make_answer(sv_operation *op, const sv_sip_view *view, const sv_answer *answer, sipveil_span *response);

/* The answer's body: the certificate of a key and those that go along with it. */
sipveil_code sv_answer_put_certificate(sv_operation *op, const sipveil_key *key, sv_answer *answer);

/* sipveil_tunnel_write_refusal, with what a higher room adds to a 493 over TCP or TLS; NULL: nothing. own: our certificate that
 * goes along, or NULL. */
typedef sipveil_code (*sv_answer_extra)(sv_operation *op, const sv_sip_view *view, const sipveil_key *own, sv_answer *answer);
sipveil_code sv_answer_refusal(sipveil_worker *worker, const sipveil_open_options *options, sipveil_span message,
                               const sipveil_error *why, sv_answer_extra extra, sipveil_span *response, sipveil_error *err);

/* ---- layer.c: the tree ---- */
/* The entity that a message's Content-* fields and body make. */
sipveil_code sv_entity_of_body(const sv_sip_view *view, const sipveil_limits *limits, unsigned flags,
                               sv_mime_entity *entity, sipveil_error *err);
sipveil_code sv_read_body(sv_operation *op, sv_node *sip_node, sv_depth depth);

/* ---- judge.c: what a layer is worth ---- */
/* After its content was read: are the signers accepted, for the identity that the content names? */
sipveil_code sv_judge_signers(sv_operation *op, sv_node *node);
/* TUN-09: an accepted signer is compared with what is kept for its address; refused if it changed. */
#define SV_RULE_KEPT "TUN-09"
sipveil_code sv_judge_kept(sv_operation *op, sv_node *node, size_t signer, sipveil_span identity);
/* TUN-10: the same within a dialog, where there is a memory; and remembered when nothing else refuses. */
sipveil_code sv_judge_dialog(sv_operation *op);
sipveil_code sv_remember_dialog(sv_operation *op);
/* Whether a signer may speak for an address (empty: any), by the ring of this call and what is bound in this
 * dialog. covers_message: the signature is over a whole message or AIB. */
sipveil_code sv_accept_signer(sv_operation *op, X509 *certificate, STACK_OF(X509) *untrusted, sipveil_span aor,
                              bool covers_message, sv_signer *out);
/* What stands between a node and its carrier. */
typedef struct sv_cover {
    bool is_signed, is_encrypted, is_authenticated;
} sv_cover;
sv_cover sv_cover_of(const sv_node *node);
/* Comparison, Date, addressee of a tunnelled message; of an AIB. */
sipveil_code sv_judge_inner(sv_operation *op, sv_node *node);
sipveil_code sv_judge_fragment(sv_operation *op, sv_node *node);
/* ADV-143 */
sipveil_code sv_judge_addressee(sv_operation *op, const sv_sip_view *view);
bool sv_fragment_is_aib(const sv_node *node);

/* ---- judge_message.c: what holds for the message as a whole ---- */
sipveil_code sv_judge_message(sv_operation *op);

/* ---- replay.c ---- */
/* Last of all, when nothing else refuses: seen before? Changes the memory only if not (ADV-145, ADV-146). */
sipveil_code sv_judge_replay(sv_operation *op);

/* ---- compare_outer.c ---- */
typedef struct sv_compare_rules {
    bool encrypted;     /* the tunnel is encrypted: fields may be hidden (TUN-39) */
    bool fragment;      /* only the fields that the fragment holds */
    bool responder;     /* From of the fragment was compared with To (TUN-53) */
    bool authenticated; /* a mismatch is a failure; else only reported */
} sv_compare_rules;
/* Whether a difference in what is called so can be a breach at all: not of extensions, of what hops change, of the body's. */
bool sv_compare_may_mismatch(sipveil_span name, bool pcscf);
sipveil_code sv_compare_outer(sv_operation *op, const sv_node *inner, const sv_node *outer,
                              sv_compare_rules rules);
/* TUN-42: exactly the stand-in for a hidden From, with the same tag. */
bool sv_is_from_stand_in(sipveil_span outer_from, sipveil_span inner_from);

/* ---- inner.c: what stands inside and must not, or counts for nothing there ---- */
/* TRU-41: hops add and delete it, so a fragment must not hold it. more: further names, of a trust domain. */
bool sv_is_for_outside(sipveil_span name, const char *const *more, size_t count);
/* TRU-42: P-Asserted-Identity, P-Preferred-Identity, Privacy inside a protected message, or TRU-46. */
void sv_report_inner_fields(sv_operation *op);
/* A signer that does not speak for the sender: accepted where the extension says that it is a node. */
sipveil_code sv_ask_node(sv_operation *op, sv_node *node, size_t signer, bool *speaks);

/* ---- emit.c: what is handed out ---- */
sipveil_code sv_emit(sv_operation *op, sipveil_opened *out);
/* The entity that is handed out for a message, or NULL: nothing in it was opened or verified. */
const sv_node *sv_handed_out(const sv_node *sip);

/* ---- rewrite.c: a message with another body ---- */
typedef struct sv_rewrite {
    const sv_sip_view *view;
    sipveil_span start_line; /* empty: that of view */
    /* Asked for every row that is no Content-* field; returns true if it has dealt with the row (written
     * another one, or nothing). NULL: every row is kept. */
    bool (*row)(void *state, const sv_sip_field *field, sv_buffer *out);
    void *state;
    bool drop_mime_version;
    bool keep_framing; /* a message without Content-Length stays without */
    sipveil_span extra; /* rows to put before the Content-* rows, each with CRLF */
    sipveil_span rows;  /* the new Content-* rows, each with CRLF; empty: no body */
    sipveil_span body;
} sv_rewrite;
/* Writes view with other Content-* rows and another body. Rows that both have keep the place, the name
 * and the spacing of view; the others follow Content-Type; Content-Length is recomputed. */
sipveil_code sv_put_message(const sv_rewrite *rewrite, const sipveil_limits *limits, sv_buffer *out,
                            sipveil_error *err);

#endif
