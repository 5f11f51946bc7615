/* SPDX-License-Identifier: BSD-2-Clause */
/* PKCS #11 (version 2.40) as this room uses it: the module is loaded and called directly.
 *
 * Threads: a module is initialised for use by several threads, and each operation opens a session of its
 * own, so a ring with token keys is shared like any other. The session of sv_token does nothing but keep
 * the login. A module that we initialised is finalised with the ring that loaded it; one that the
 * surroundings had initialised before is left as it is. Not across fork(). */
#ifndef SV_KEYS_PKCS11_H
#define SV_KEYS_PKCS11_H

#include <p11-kit/pkcs11.h>

#include "keys/keyring.h"
#include "keys/pkcs11_uri.h"

enum { SV_TOKENS_MOST = 64, SV_OBJECTS_MOST = 1024, SV_PIN_MOST = 256, SV_LISTED_MOST = 5 };

/* One text field of a token, blanks at its end removed. */
typedef struct sv_token_text {
    char text[33];
} sv_token_text;

typedef struct sv_pkcs11_module {
    struct sv_pkcs11_module *next; /* of the ring */
    const char *path;
    void *library;
    CK_FUNCTION_LIST *call;
    bool initialised; /* by us */
    struct sv_token *tokens; /* with a session of ours */
} sv_pkcs11_module;

typedef struct sv_token {
    struct sv_token *next;
    sv_pkcs11_module *module;
    CK_SLOT_ID slot;
    sv_token_text label;
    CK_SESSION_HANDLE session; /* keeps the login */
    bool logged_in;
    sipveil_span pin; /* for keys that want it each time; wiped with the ring */
} sv_token;

/* ---- pkcs11_module.c ---- */

/* The module that the URI names, loaded once a ring. USAGE: cannot be loaded. */
sipveil_code sv_pkcs11_load(sipveil_keyring *ring, const sv_pkcs11_uri *uri, sv_pkcs11_module **out,
                            sipveil_error *err);

/* "CKR_PIN_INCORRECT", or its number. */
typedef struct sv_pkcs11_reason {
    char text[40];
} sv_pkcs11_reason;
sv_pkcs11_reason sv_pkcs11_reason_of(CK_RV rv);
#define SV_PKCS11_REASON(rv) (sv_pkcs11_reason_of(rv).text)

/* ---- pkcs11_token.c ---- */

/* The one token that the URI fits, with an open session. USAGE: none or several, and which there are. */
sipveil_code sv_token_find(sipveil_keyring *ring, sv_pkcs11_module *module, const sv_pkcs11_uri *uri,
                           sv_token **out, sipveil_error *err);
/* The PIN comes from pin-source or the caller's passphrase call. Nothing is done where none is needed. */
sipveil_code sv_token_log_in(sipveil_keyring *ring, sv_token *token, const sv_pkcs11_uri *uri,
                             const sipveil_key_options *options, sipveil_error *err);

/* ---- pkcs11_object.c ---- */

/* The keys and certificates that the URI fits, into the batch. USAGE: none, and which there are. */
sipveil_code sv_token_read_keys(sv_token *token, const sv_pkcs11_uri *uri, sv_key_batch *batch,
                                sipveil_error *err);

/* ---- pkcs11_key.c ---- */

typedef enum sv_token_use { /* what the token allows a key to do */
    SV_USE_SIGNATURE = 1,
    SV_USE_DECRYPTION = 2,
    SV_USE_AGREEMENT = 4,
    SV_USE_WRAP = 8,
    SV_USE_UNWRAP = 16,
    SV_USE_ENCRYPT_BLOCKS = 32,
    SV_USE_DECRYPT_BLOCKS = 64
} sv_token_use;

/* A key of the token; kek_length 0: private. NULL: no memory. */
const sv_held_key *sv_token_key_new(const sv_token *token, CK_OBJECT_HANDLE handle, unsigned uses,
                                    bool pin_each_time, size_t kek_length, sv_arena *arena);

#endif
