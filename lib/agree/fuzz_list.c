/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as a list: what is read is within the limits, what is written of it is read again as the same list, the
 * form for comparison is the same for both, and a list with one octet changed is the same only if it reads the same. */

#include "agree/list.h"
#include "base/fuzz_target.h"

static sipveil_span canonical_of(sv_arena *arena, const sv_mechanism_list *list)
{
    sv_buffer b;
    sv_buffer_init(&b, arena, 512, 1 << 20);
    sv_mechanisms_put_canonical(&b, list, true, SIPVEIL_AGREE_RFC3329);
    must(!b.failed);
    return sv_buffer_span(&b);
}

static void check_written(sv_arena *arena, const sv_mechanism_list *list)
{
    sv_buffer b;
    sv_mechanism_list *again = sv_arena_alloc_raw(arena, sizeof *again);
    sv_buffer_init(&b, arena, 512, 1 << 20);
    sv_mechanisms_put(&b, list, true);
    must(again != NULL && !b.failed);
    sipveil_code code = sv_mechanisms_read(sv_buffer_span(&b), "again", again, NULL);
    if (code == SIPVEIL_LIMIT && b.len > SV_MECHANISM_LIST_MOST) return; /* ", " is one octet more than "," */
    must(code == SIPVEIL_OK && again->count == list->count && again->parameter_count == list->parameter_count);
    must(sv_equal(canonical_of(arena, list), canonical_of(arena, again)));
}

FUZZ_GIVE_BACK(give_back_list, sipveil_agree_list_free)

static void check_own(sipveil_span text)
{
    for (int profile = 0; profile < SIPVEIL_AGREE_PROFILE_COUNT; profile++) {
        sipveil_agree_list *own = NULL, *again = NULL;
        sipveil_error err;
        if (sipveil_agree_list_read(text, (sipveil_agree_profile)profile, SIPVEIL_AGREE_SERVER, &own, &err) != SIPVEIL_OK) {
            must(own == NULL && (err.code == SIPVEIL_USAGE || err.code == SIPVEIL_LIMIT || err.code == SIPVEIL_INTERNAL));
            continue;
        }
        fuzz_until_end(own, give_back_list);
        must(own->top < own->list.count);
        if (own->text.len <= SV_MECHANISM_LIST_MOST) {
            must(sipveil_agree_list_read(own->text, (sipveil_agree_profile)profile, SIPVEIL_AGREE_SERVER, &again, NULL) ==
                 SIPVEIL_OK);
            fuzz_until_end(again, give_back_list);
            must(sv_equal(own->canonical, again->canonical) && sv_equal(own->text, again->text));
        }
    }
}

void fuzz_input(const uint8_t *data, size_t size)
{
    sipveil_span text = sv_span(data, size);
    sv_arena *arena = fuzz_arena(64 * 1024, 8u << 20);
    sv_mechanism_list *list = sv_arena_alloc_raw(arena, sizeof *list);
    must(list != NULL);
    if (sv_mechanisms_read(text, "list", list, NULL) == SIPVEIL_OK) {
        must(list->count > 0 && list->count <= SV_MECHANISMS_MOST && size <= SV_MECHANISM_LIST_MOST);
        for (size_t i = 0; i < list->count; i++) {
            must(sv_span_within(list->items[i].text, text) && list->items[i].q <= SV_Q_ONE);
        }
        check_written(arena, list);
    }
    check_own(text);
}
