/* SPDX-License-Identifier: BSD-2-Clause */
/* First row: the UE's list. Second: the server's. The rest: a file of IMS keys. Whatever can be run has SPIs and ports
 * that tell its associations apart, and nothing that was received stands in the commands that come of it. */

#include "agree/ipsec_3gpp.h"
#include "base/fuzz_target.h"

static bool is_not_line_end(uint8_t c)
{
    return c != '\n';
}

static void check_set(const sv_ipsec_set *set)
{
    must(set->count == 2 || set->count == 4);
    for (size_t i = 0; i < set->count; i++) {
        const sv_ipsec_sa *a = &set->sas[i];
        must(a->spi >= SV_IPSEC_SPI_LEAST && a->from_port != 0 && a->to_port != 0);
        for (size_t k = 0; k < i; k++) must(set->sas[k].spi != a->spi);
    }
}

static bool is_of_a_command(uint8_t c)
{
    static const char marks[] = " .:/'()_-\n\"${}?,"; /* the last five: of the addresses that are not known */
    size_t at;
    return sv_is_alnum(c) || sv_find_byte(SV_SPAN(marks), c, &at);
}

static void check_commands(sv_arena *arena, const sv_ipsec_set *set, const sv_ipsec_keys *keys, bool at_pcscf)
{
    sv_xfrm_view view = {.at_pcscf = at_pcscf};
    sv_buffer b;
    size_t rows = 0;
    if (at_pcscf) must(sv_ip_address_read(SV_SPAN("[2001:db8::1]"), &view.ue));
    sv_buffer_init(&b, arena, 4096, 1 << 20);
    sv_xfrm_put(&b, set, &view, keys);
    must(!b.failed);
    sv_cursor c = sv_cursor_over(sv_buffer_span(&b), "commands");
    for (; !sv_at_end(&c); rows++) {
        must(sv_take_literal(&c, "ip xfrm ") || sv_take_literal(&c, ": "));
        sipveil_span row = sv_take_while(&c, is_not_line_end);
        for (size_t i = 0; i < row.len; i++) must(is_of_a_command(row.data[i]));
        must(sv_take_if(&c, '\n'));
    }
    must(rows == 3 * set->count + (at_pcscf ? 1 : 2));
}

static void check_keys(sipveil_span text, sv_ims_keys *keys)
{
    static const sv_ims_keys none;
    if (sv_ims_keys_read(text, keys, NULL) != SIPVEIL_OK) must(sv_equal(sv_span(keys, sizeof *keys), sv_span(&none, sizeof none)));
}

/* Ends of our own beside the other side's: numbers of their own, and an offer that is read as it was meant. */
static void check_own_end(sv_arena *arena, const sv_mechanism *theirs, sv_mechanism_list *list, bool allow_weak)
{
    static sipveil_context *context;
    static sv_crypto *crypto;
    if (context == NULL) must(sipveil_context_new(NULL, &context, NULL) == SIPVEIL_OK && sv_crypto_new(context, &crypto, NULL) == SIPVEIL_OK);
    const sv_ipsec_entry other = sv_ipsec_read(theirs);
    sv_ipsec_end end = {.port_s = other.end.port_c};
    sv_buffer b;
    must(sv_ipsec_make_end(crypto, &other.end, &end, NULL) == SIPVEIL_OK);
    must(end.spi_c != end.spi_s && end.spi_c >= SV_IPSEC_SPI_LEAST && end.spi_s >= SV_IPSEC_SPI_LEAST && end.port_c != end.port_s);
    must(end.spi_c != other.end.spi_c && end.spi_c != other.end.spi_s && end.spi_s != other.end.spi_c && end.spi_s != other.end.spi_s);
    sv_buffer_init(&b, arena, 1024, 1 << 16);
    sv_ipsec_put_offer(&b, &end, allow_weak);
    must(!b.failed && sv_mechanisms_read(sv_buffer_span(&b), "offer", list, NULL) == SIPVEIL_OK && list->count > 0);
    bool same = false;
    for (size_t i = 0; i < list->count; i++) {
        const sv_ipsec_entry e = sv_ipsec_read(&list->items[i]);
        must(e.annex_h && !e.bad && !e.unknown && (allow_weak || !sv_ipsec_is_weak(&e)) && sv_ipsec_check(&e, allow_weak, NULL) == SIPVEIL_OK);
        must(e.end.spi_c == end.spi_c && e.end.port_s == end.port_s && sv_ipsec_ealg_name(e.ealg) != NULL && sv_ipsec_mode_name(e.mode) != NULL);
        same = sv_ipsec_same_pair(&list->items[i], theirs) || same;
    }
    must(same || sv_ipsec_check(&other, allow_weak, NULL) != SIPVEIL_OK || other.mode != SV_IPSEC_TRANSPORT);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    sv_cursor c = sv_cursor_over(sv_span(data, size), "input");
    sipveil_span ours = sv_take_while(&c, is_not_line_end);
    (void)sv_take_if(&c, '\n');
    sipveil_span theirs = sv_take_while(&c, is_not_line_end);
    (void)sv_take_if(&c, '\n');
    sv_arena *arena = fuzz_arena(64 * 1024, 8u << 20);
    sv_mechanism_list *own = sv_arena_alloc_raw(arena, sizeof *own), *server = sv_arena_alloc_raw(arena, sizeof *server);
    sv_ims_keys keys;
    must(own != NULL && server != NULL);
    check_keys(sv_rest(&c), &keys);
    if (sv_mechanisms_read(ours, "ours", own, NULL) == SIPVEIL_OK &&
        sv_mechanisms_read(theirs, "theirs", server, NULL) == SIPVEIL_OK) {
        sv_mechanism_list *offer = sv_arena_alloc_raw(arena, sizeof *offer);
        if (offer != NULL && server->count > 0 && server->items[0].kind == SV_MECH_IPSEC_3GPP) check_own_end(arena, &server->items[0], offer, size % 2 == 1);
        for (size_t i = 0; i < server->count; i++) {
            sv_ipsec_set set;
            sv_ipsec_keys derived = {.integrity_length = SV_IPSEC_INTEGRITY_MOST, .encryption_length = SV_IMS_KEY};
            if (sv_ipsec_agree(own, &server->items[i], i % 2 == 1, &set, NULL) != SIPVEIL_OK) continue;
            check_set(&set);
            check_commands(arena, &set, &derived, false);
            check_commands(arena, &set, &derived, true);
        }
    }
}
