/* SPDX-License-Identifier: BSD-2-Clause */
#include "tunnel/memory.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"
#include "sip/values.h"
#include "state/store.h"

#define ROOM "tunnel"

enum { SEEN_MOST = 65536, DIGEST = 32, NAME_MOST = 1024, IMAGE_MOST = 64 << 20, SEALED = 2 }; /* 0 and 1 are scopes of lib/identity */

struct sipveil_memory {
    sv_store *store;
};

sipveil_code sipveil_memory_new(sipveil_memory **out, sipveil_error *err)
{
    if (out == NULL) return sv_fail(err, ROOM, SIPVEIL_USAGE, "no place for the memory");
    *out = NULL;
    sipveil_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL) return sv_no_memory(err, ROOM);
    sipveil_code code = sv_store_new(&memory->store, err);
    if (code != SIPVEIL_OK) {
        free(memory);
        return code;
    }
    /* When full it refuses: forgetting would open the door to replay. */
    sv_store_set_caps(memory->store, SV_STORE_SEEN, (sv_store_caps){.entries = SEEN_MOST, .fail_when_full = true});
    *out = memory;
    return SIPVEIL_OK;
}

sv_store *sv_memory_store(const sipveil_memory *memory)
{
    return memory->store;
}

sv_store_mark sv_memory_begin(const sipveil_memory *memory)
{
    return sv_store_begin(memory != NULL ? memory->store : NULL);
}

void sv_memory_end(const sipveil_memory *memory, const sv_store_mark *mark, sipveil_code code)
{
    sv_store_end(memory != NULL ? memory->store : NULL, mark, code != SIPVEIL_INTERNAL);
}

void sipveil_memory_free(sipveil_memory *memory)
{
    if (memory == NULL) return;
    sv_store_free(memory->store);
    free(memory);
}

void sipveil_memory_protect_secrets(const sipveil_memory *memory, sipveil_protection *out)
{
    sv_store_protect_secrets(memory->store, out);
}

/* What a message is known by within its Call-ID: From tag, CSeq and the digest of the protected octets.
 * Tag and CSeq in one form: whoever replays a message can rewrite the blanks and the case of its outside. */
typedef struct seen_name {
    uint8_t octets[NAME_MOST];
    size_t len;
} seen_name;

static bool put(seen_name *name, sipveil_span s, bool lower)
{
    if (s.len > sizeof name->octets - name->len) return false;
    for (size_t i = 0; i < s.len; i++) {
        name->octets[name->len++] = lower ? (uint8_t)sv_lower(s.data[i]) : s.data[i];
    }
    return true;
}

static sipveil_code too_long(sipveil_error *err)
{
    return sv_fail_rule(err, ROOM, SIPVEIL_LIMIT, "ADV-145", SIPVEIL_NO_OFFSET,
                        "From tag, CSeq and Call-ID are too long to be remembered");
}

static sipveil_code make_name(sv_crypto *crypto, const sv_sip_view *outer, sipveil_span content, seen_name *name,
                              sipveil_error *err)
{
    uint8_t digest[DIGEST], number[4] = {0};
    sv_sip_address from = {0};
    sipveil_span method = {0};
    uint32_t cseq = 0;
    name->len = 0;
    SV_TRY(sv_digest_octets(crypto, sv_digest_by_name("sha256"), content, digest, err));
    if (sv_sip_read_address(sv_sip_value(outer, SV_F_FROM), &from, NULL) != SIPVEIL_OK) from.tag.len = 0;
    if (sv_sip_read_cseq(sv_sip_value(outer, SV_F_CSEQ), &cseq, &method, NULL) != SIPVEIL_OK) method.len = 0;
    for (size_t i = 0; i < sizeof number; i++) number[i] = (uint8_t)(cseq >> (8 * i));
    if (put(name, sv_span(digest, sizeof digest), false) && put(name, sv_span(number, sizeof number), false) &&
        put(name, method, false) && put(name, SV_SPAN("|"), false) && put(name, from.tag, true)) {
        return SIPVEIL_OK;
    }
    return too_long(err);
}

static sipveil_code seen_before(sipveil_error *err)
{
    return sv_fail_rule(err, ROOM, SIPVEIL_REPLAY, "ADV-145", SIPVEIL_NO_OFFSET, "this message was seen before");
}

sipveil_code sv_memory_check_not_seen(const sipveil_memory *memory, sv_crypto *crypto, const sv_sip_view *outer,
                                      sipveil_span content, int64_t now, sipveil_error *err)
{
    seen_name name;
    sipveil_span value;
    SV_TRY(make_name(crypto, outer, content, &name, err));
    bool seen = sv_store_find(memory->store, SV_STORE_SEEN, sv_sip_value(outer, SV_F_CALL_ID),
                              sv_span(name.octets, name.len), now, &value);
    return seen ? seen_before(err) : SIPVEIL_OK;
}

sipveil_code sv_memory_add_seen(sipveil_memory *memory, sv_crypto *crypto, const sv_sip_view *outer,
                                sipveil_span content, int64_t now, int64_t expires, sipveil_error *err)
{
    seen_name name;
    SV_TRY(make_name(crypto, outer, content, &name, err));
    sipveil_code code = sv_store_add(memory->store, SV_STORE_SEEN, sv_sip_value(outer, SV_F_CALL_ID),
                                     sv_span(name.octets, name.len), sv_span(NULL, 0), now, expires, err);
    return code == SIPVEIL_REPLAY ? seen_before(err) : code;
}

/* ---- acts of sealing ---- */

/* A scope that no Call-ID is, and a place: what of a message tells dialogs and methods apart. */
typedef struct sealed {
    uint8_t scope[1 + SV_DIGEST_MOST];
    uint8_t place[SV_DIGEST_MOST];
} sealed;

static sipveil_span scope_of(const sealed *s)
{
    return sv_span(s->scope, 1 + DIGEST);
}

static sipveil_code make_sealed(sv_crypto *crypto, const sv_sip_view *outer, sipveil_span seal, sealed *out, sipveil_error *err)
{
    sv_sip_address from = {0};
    seen_name name = {.len = 0};
    out->scope[0] = SEALED;
    SV_TRY(sv_digest_octets(crypto, sv_digest_by_name("sha256"), seal, out->scope + 1, err));
    if (sv_sip_read_address(sv_sip_value(outer, SV_F_FROM), &from, NULL) != SIPVEIL_OK) from.tag.len = 0;
    if (!put(&name, outer->is_request ? SV_SPAN("request ") : SV_SPAN("response "), false) || !put(&name, outer->method, false) ||
        !put(&name, SV_SPAN("|"), false) || !put(&name, from.tag, true) || !put(&name, SV_SPAN("|"), false) ||
        !put(&name, sv_sip_value(outer, SV_F_CALL_ID), false)) {
        return too_long(err);
    }
    return sv_digest_octets(crypto, sv_digest_by_name("sha256"), sv_span(name.octets, name.len), out->place, err);
}

sipveil_code sv_memory_check_seal(const sipveil_memory *memory, sv_crypto *crypto, const sv_sip_view *outer, sipveil_span seal,
                                  int64_t now, sipveil_error *err)
{
    sealed s;
    sipveil_span kept;
    SV_TRY(make_sealed(crypto, outer, seal, &s, err));
    if (!sv_store_find(memory->store, SV_STORE_SEEN, scope_of(&s), SV_SPAN("place"), now, &kept) ||
        sv_equal(kept, sv_span(s.place, DIGEST))) {
        return SIPVEIL_OK;
    }
    return sv_fail_rule(err, ROOM, SIPVEIL_REPLAY, "ADV-146", SIPVEIL_NO_OFFSET,
                        "what is protected here came before with another message: other Call-ID, From tag, method or direction");
}

sipveil_code sv_memory_add_seal(sipveil_memory *memory, sv_crypto *crypto, const sv_sip_view *outer, sipveil_span seal,
                                int64_t now, int64_t expires, sipveil_error *err)
{
    sealed s;
    SV_TRY(make_sealed(crypto, outer, seal, &s, err));
    return sv_store_replace(memory->store, SV_STORE_SEEN, scope_of(&s), SV_SPAN("place"), sv_span(s.place, DIGEST), now, expires, err);
}

/* ---- the image ---- */

sipveil_code sipveil_memory_save(const sipveil_memory *memory, int64_t now, uint8_t **image, size_t *len,
                                 sipveil_error *err)
{
    sipveil_span octets;
    *image = NULL;
    *len = 0;
    sv_arena *arena = sv_arena_new(4096, IMAGE_MOST);
    if (arena == NULL) return sv_no_memory(err, ROOM);
    sipveil_code code = sv_store_save(memory->store, now, arena, &octets, err);
    if (code == SIPVEIL_OK) {
        *image = malloc(octets.len);
        if (*image == NULL) code = sv_no_memory(err, ROOM);
    }
    if (code == SIPVEIL_OK) {
        memcpy(*image, octets.data, octets.len);
        *len = octets.len;
    }
    sv_arena_free(arena);
    return code;
}

void sipveil_memory_wipe_image(uint8_t *image, size_t len)
{
    if (image != NULL) OPENSSL_cleanse(image, len);
    free(image);
}

sipveil_code sipveil_memory_load(sipveil_memory *memory, sipveil_span image, int64_t now, sipveil_error *err)
{
    return sv_store_load(memory->store, image, now, err);
}
