/* SPDX-License-Identifier: BSD-2-Clause */
/* JWK and JWK sets. What we take as JSON, jansson must take too. */
#include <jansson.h>

#include "base/fuzz_target.h"
#include "base/span.h"
#include "keys/jwk.h"
#include "keys/json.h"

static sipveil_context *context;

static void compare_with_jansson(sipveil_span text)
{
    const sv_json *value;
    json_error_t why;
    sv_arena *arena = fuzz_arena(4096, 64 << 20);
    if (sv_json_read(text, arena, &value, NULL) == SIPVEIL_OK) {
        json_t *json = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
        must(json != NULL || json_error_code(&why) == json_error_numeric_overflow);
        json_decref(json);
    }
}

FUZZ_GIVE_BACK(give_back_batch, sv_key_batch_free)
static sv_key_batch *new_batch(void)
{
    sv_key_batch *batch = sv_key_batch_new(context);
    must(batch != NULL);
    fuzz_until_end(batch, give_back_batch);
    return batch;
}

/* What was read as a key is written, read again, and is the same key. */
static void round_trip(const sv_key_batch *batch)
{
    sv_arena *arena = fuzz_arena(4096, 1 << 20);
    for (const sipveil_key *key = batch->first; key != NULL; key = key->next) {
        sv_key_batch *again;
        sv_buffer text;
        sv_buffer_init(&text, arena, 256, 1 << 16);
        if (sv_jwk_put(&text, key->cms.kek_id, key->cms.kek, NULL) == SIPVEIL_OK) {
            again = new_batch();
            must(sv_jwk_read(sv_buffer_span(&text), NULL, again, NULL) == SIPVEIL_OK && again->count == 1);
            must(sv_equal(again->first->cms.kek, key->cms.kek) && sv_equal(again->first->cms.kek_id, key->cms.kek_id));
        }
        sv_arena_reset(arena);
    }
}

void fuzz_input(const uint8_t *data, size_t size)
{
    if (context == NULL) must(sipveil_context_new(NULL, &context, NULL) == SIPVEIL_OK);
    sipveil_span text = sv_span(data, size);
    sv_key_batch *batch = new_batch();
    compare_with_jansson(text);
    if (sv_jwk_read(text, NULL, batch, NULL) == SIPVEIL_OK) round_trip(batch);
}
