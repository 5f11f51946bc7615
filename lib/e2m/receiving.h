/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: an opening by keys of the ring and by keys of earlier messages, for UA and hop alike. */
#ifndef SV_E2M_RECEIVING_H
#define SV_E2M_RECEIVING_H

#include "e2m/cek.h"
#include "tunnel/operation.h"

enum { SV_REUSED_MOST = 8 };

typedef struct sv_receiving {
    sv_store *store;          /* NULL: nothing is held */
    bool allow_unprotected;
    /* Whether keys may be used on this layer at all; NULL: always. A failure ends the opening. */
    sipveil_code (*may_open)(void *state, sv_operation *op, const sv_node *node, bool *may);
    /* Whether this layer's key is to be held; NULL: always. */
    bool (*may_keep)(void *state, const sv_operation *op, const sv_node *node);
    /* Further checks, before anything is remembered; NULL: none. */
    sipveil_code (*judge)(void *state, sv_operation *op);
    /* All is well, and held; NULL: nothing to tell. */
    void (*tell)(void *state, sv_operation *op);
    void *state;
    /* of the message at hand: */
    bool scoped;
    sv_cek_scopes scopes;
    struct sv_reused {
        const sv_node *node;
        sv_cek_record record;
        sipveil_span kek;
        size_t key;           /* index among the keys of its node */
        bool opened;
    } reused[SV_REUSED_MOST];
    size_t reused_count;
    size_t kept;
} sv_receiving;

/* Its calls, for sv_open_extended; the extension's state is the sv_receiving. */
extern const sv_opening_extension sv_receiving_calls;

/* ---- what a tree says ---- */

/* Among the parts of one signed entity: the AIB, or NULL. */
const sv_node *sv_fragment_among(const sv_node *signed_layer);
/* The AIB that a verified and accepted signature covers together with this node, or NULL. */
const sv_node *sv_signed_fragment_for(const sv_node *node);
/* E2M-21: each of these labels stands in every accepted signed copy of the labels; HEADER_MISMATCH. all: these
 * are all labels of the message, so that one that is missing is told. */
sipveil_code sv_check_signed_labels(sv_operation *op, const sv_labels *labels, bool all);
/* A signature that covers all of this node, or all that came out of it: verified, accepted; or NULL. */
const sv_node *sv_signature_of(const sv_node *node);
/* The same, of what came out of this encrypted node alone: whoever signs ciphertext need not know what is in it. */
const sv_node *sv_signature_inside(const sv_node *node);
/* From a part inwards through what was opened and verified: what came out. */
const sv_node *sv_came_out(const sv_node *node);
/* Whether the first encrypted layer from here on names nothing but shared keys, none of them of the ring: then the key
 * of an earlier message is what is wanted. By its form alone, whatever became of it: which references we hold is
 * nobody's business. */
bool sv_is_for_earlier_keys(const sv_node *node, const sipveil_keyring *ring);
/* Calls visit for every node; false ends it. */
bool sv_visit_nodes(const sv_node *node, bool (*visit)(void *state, const sv_node *node), void *state);

#endif
