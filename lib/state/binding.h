/* SPDX-License-Identifier: BSD-2-Clause */
/* A certificate that is bound to an address for one dialog, as the store keeps it. Which certificate may be
 * bound, and by whom, is decided in lib/identity; that it serves in its own dialog only, and only while it lives,
 * is decided here, where every reader comes through. */
#ifndef SV_STATE_BINDING_H
#define SV_STATE_BINDING_H

#include "base/buffer.h"
#include "state/store.h"

enum {
    SV_BINDING_DIGEST = 32,
    SV_BINDING_LIFE = 7 * 86400, /* seconds: of a dialog whose end nobody tells us */
    SV_BINDING_TOLD = 86400,     /* seconds after its end that a record stays, so that the end can be told */
};

/* A dialog as one of its two sides sees it. An empty local tag: the request that forms it has none yet. */
typedef struct sv_dialog {
    sipveil_span call_id, local_tag, remote_tag;
} sv_dialog;

typedef enum sv_binding_state { SV_BINDING_CLAIMED = 1, SV_BINDING_PROVEN } sv_binding_state;

/* In one dialog one certificate serves; while it is being changed there is a second one (IDN-61). */
typedef enum sv_binding_place { SV_BINDING_CURRENT = 0, SV_BINDING_NEXT } sv_binding_place;
enum { SV_BINDING_PLACES = 2 };

typedef struct sv_binding {
    sv_dialog dialog;
    sv_binding_place place;
    sv_binding_state state;
    bool confirmed;           /* the INVITE that formed the dialog had its 2xx */
    bool closing;             /* a BYE was seen: it never lives longer than it does now */
    bool weak;                /* vouched for by what is only taken by name (IDN-02) */
    uint8_t carrier;          /* sv_carrier of lib/identity */
    uint8_t path;             /* sv_identity_path of lib/identity */
    sipveil_span peer, local; /* addresses of record */
    sipveil_span certificate; /* DER */
    uint8_t sha256[SV_BINDING_DIGEST];     /* of it */
    uint8_t key_sha256[SV_BINDING_DIGEST]; /* of its SubjectPublicKeyInfo */
    sipveil_span domain;      /* that vouched */
    uint8_t service_sha256[SV_BINDING_DIGEST]; /* of the certificate of its authentication service */
    int64_t issued;           /* iat or Date of what vouched; all times in seconds UTC */
    int64_t made, proven;     /* proven: 0 while only claimed */
    int64_t not_after;        /* of the certificate */
    int64_t until;            /* the last second of its life */
    sipveil_span name;        /* in the store; empty: it was not found there */
} sv_binding;

/* Adds, or replaces what is at that dialog and place; on failure that is still there. LIMIT: too large, or the store is full. */
sipveil_code sv_binding_keep(sv_store *store, sv_arena *arena, const sv_binding *binding, int64_t now,
                             sipveil_error *err);

/* The live one of that dialog and place. One that was made before the dialog had a local tag serves the dialogs that its
 * request formed. Spans are in the arena. SIPVEIL_OK; SIPVEIL_NO_KEY: there is none; SIPVEIL_INTERNAL: no memory, which must
 * not be taken for none. */
sipveil_code sv_binding_find(const sv_store *store, const sv_dialog *dialog, sv_binding_place place, int64_t now,
                             sv_arena *arena, sv_binding *out);

void sv_binding_remove(sv_store *store, sv_arena *arena, const sv_binding *binding);

/* The record's dialog has this local tag from now on. */
sipveil_code sv_binding_complete(sv_store *store, sv_arena *arena, sv_binding *binding, sipveil_span local_tag, int64_t now,
                                 sipveil_error *err);

/* A signature or handshake by the key of that certificate succeeded in that dialog (IDN-58). The certificate that was
 * next becomes the current one. SIPVEIL_NO_KEY: no such certificate is bound there. Also LIMIT, INTERNAL. */
sipveil_code sv_binding_prove(sv_store *store, const sv_dialog *dialog, const uint8_t sha256[SV_BINDING_DIGEST], int64_t now,
                              sv_arena *arena, sv_binding *out);

/* Copies of all records, live or not: *out in the arena. INTERNAL: no memory. */
sipveil_code sv_binding_list(const sv_store *store, sv_arena *arena, sv_binding **out, size_t *count, sipveil_error *err);

/* The same of one Call-ID alone. */
sipveil_code sv_binding_list_of_call(const sv_store *store, sv_arena *arena, sipveil_span call_id, sv_binding **out,
                                     size_t *count, sipveil_error *err);
/* Whether it serves at that second. */
static inline bool sv_binding_lives(const sv_binding *binding, int64_t now)
{
    return now <= binding->until;
}

#endif
