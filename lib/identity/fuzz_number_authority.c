/* SPDX-License-Identifier: BSD-2-Clause */
/* What a certificate says about numbers and claims, and who an address is: a row with a URI, the octets of TNAuthList and of
 * JWTClaimConstraints with their lengths in front, and a payload. What an empty extension covers, whom a name is read as
 * again, and where a credential may never be fetched from. */
#include <string.h>

#include "base/fuzz_target.h"
#include "identity/number_authority.h"

static bool covers(void *user, const char *code, const char *number)
{
    (void)user;
    return strlen(code) > 0 && strlen(number) % 2 == 0;
}

static bool convert(void *user, const char *digits, char out[SIPVEIL_IDENTITY_NUMBER])
{
    (void)user;
    size_t n = strlen(digits);
    if (n < 2 || n >= SIPVEIL_IDENTITY_NUMBER) return false;
    memcpy(out, digits, n + 1);
    if (n % 2 == 0) out[0] = '1';
    return n % 3 != 0;
}

static void check_uri(sipveil_span uri)
{
    bool strict = sv_identity_check_uri(uri, false, false, NULL) == SIPVEIL_OK;
    bool http = sv_identity_check_uri(uri, true, false, NULL) == SIPVEIL_OK;
    bool private_too = sv_identity_check_uri(uri, false, true, NULL) == SIPVEIL_OK;
    bool all = sv_identity_check_uri(uri, true, true, NULL) == SIPVEIL_OK;
    must(!strict || (http && private_too)); /* an option takes nothing away */
    must(all || (!http && !private_too));
    must(!strict || sv_starts_nocase_str(uri, "https:"));
    must(!all || sv_starts_nocase_str(uri, "http"));
}

static void check_name(sv_arena *arena, sipveil_span uri, sipveil_span *number)
{
    static const sipveil_identity_naming namings[] = {{0}, {.plus_is_number = true}, {.number = convert, .plus_is_number = true}};
    for (size_t i = 0; i <= sizeof namings / sizeof *namings; i++) {
        sv_identity_name name, back;
        const sipveil_identity_naming *naming = i == 0 ? NULL : &namings[i - 1];
        if (sv_identity_name_read(naming, uri, arena, &name, NULL) != SIPVEIL_OK) continue;
        must(name.text.len > 0);
        if (name.is_number) {
            *number = name.text;
            continue;
        }
        must(name.host.len > 0);
        if (i < 3) must(sv_identity_name_read(naming, name.text, arena, &back, NULL) == SIPVEIL_OK && (back.is_number || sv_equal(back.text, name.text)));
    }
}

static sipveil_span take_sized(sv_cursor *c)
{
    uint8_t size;
    sipveil_span s = {NULL, 0};
    if (sv_take_byte(c, &size)) (void)sv_take(c, size < sv_left(c) ? size : sv_left(c), &s);
    return s;
}

static void check_authority(sv_arena *arena, sipveil_span number, sv_cursor *c)
{
    sipveil_limits limits;
    const sv_json *payload;
    sipveil_limits_default(&limits);
    sv_number_authority all = {.numbers = take_sized(c)}, none = {.constraints = SV_SPAN("")};
    all.constraints = take_sized(c);
    must(sv_number_is_covered(&none, number, covers, NULL, &limits, NULL) != SIPVEIL_OK);
    bool asked = sv_number_is_covered(&all, number, covers, NULL, &limits, NULL) == SIPVEIL_OK;
    must(asked || sv_number_is_covered(&all, number, NULL, NULL, &limits, NULL) != SIPVEIL_OK); /* asking only adds */
    if (sv_json_read_within(sv_rest(c), SV_IDENTITY_JSON_DEPTH, arena, &payload, NULL) != SIPVEIL_OK) return;
    must(sv_claims_are_allowed(&none, payload, &limits, NULL) == SIPVEIL_OK);
    (void)sv_claims_are_allowed(&all, payload, &limits, NULL);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static sv_arena *arena;
    sv_cursor c = sv_cursor_over(sv_span(data, size), "input");
    sipveil_span uri, number = SV_SPAN("15551234567");
    if (size > 4096 || !sv_take_until(&c, '\n', &uri)) return;
    if (arena == NULL) must((arena = sv_arena_new(1 << 16, 16u << 20)) != NULL);
    sv_arena_reset(arena);
    (void)sv_take_if(&c, '\n');
    check_uri(uri);
    check_name(arena, uri, &number);
    check_authority(arena, number, &c);
}
