/* SPDX-License-Identifier: BSD-2-Clause */
#include "agree/ipsec_3gpp.h"

typedef struct name_row {
    const char *name;
    bool weak;
} name_row;

static const name_row algs[SV_IPSEC_ALG_COUNT] = {
    [SV_IPSEC_HMAC_SHA_1_96] = {"hmac-sha-1-96", false},
    [SV_IPSEC_HMAC_MD5_96] = {"hmac-md5-96", true},
    [SV_IPSEC_AES_GMAC] = {"aes-gmac", false},
    [SV_IPSEC_ALG_NULL] = {"null", false},
};
static const name_row ealgs[SV_IPSEC_EALG_COUNT] = {
    [SV_IPSEC_EALG_NULL] = {"null", false},
    [SV_IPSEC_AES_CBC] = {"aes-cbc", false},
    [SV_IPSEC_AES_GCM] = {"aes-gcm", false},
    [SV_IPSEC_DES_EDE3_CBC] = {"des-ede3-cbc", true},
};
static const name_row modes[SV_IPSEC_MODE_COUNT] = {
    [SV_IPSEC_TRANSPORT] = {"trans", false},
    [SV_IPSEC_TUNNEL] = {"tun", false},
    [SV_IPSEC_UDP_TUNNEL] = {"UDP-enc-tun", false},
};

/* AGR-55, the best first: encryption before none, then what has been looked at longest. */
static const struct {
    sv_ipsec_alg alg;
    sv_ipsec_ealg ealg;
} pairs[] = {
    {SV_IPSEC_ALG_NULL, SV_IPSEC_AES_GCM},
    {SV_IPSEC_HMAC_SHA_1_96, SV_IPSEC_AES_CBC},
    {SV_IPSEC_AES_GMAC, SV_IPSEC_EALG_NULL},
    {SV_IPSEC_HMAC_SHA_1_96, SV_IPSEC_EALG_NULL},
    {SV_IPSEC_HMAC_SHA_1_96, SV_IPSEC_DES_EDE3_CBC},
    {SV_IPSEC_HMAC_MD5_96, SV_IPSEC_AES_CBC},
    {SV_IPSEC_HMAC_MD5_96, SV_IPSEC_DES_EDE3_CBC},
    {SV_IPSEC_HMAC_MD5_96, SV_IPSEC_EALG_NULL},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

/* Index of the row with that name; 0 and false: there is none. */
static bool find(const name_row *rows, size_t count, sipveil_span name, unsigned *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].name != NULL && sv_equal_nocase_str(name, rows[i].name)) {
            *out = (unsigned)i;
            return true;
        }
    }
    return false;
}

/* 1 to 10 digits: the grammar's ten are not what is seen in the field. */
static void take_spi(sv_ipsec_entry *entry, sipveil_span value, uint32_t *out)
{
    uint64_t number = 0;
    if (value.len == 0 || value.len > 10 || !sv_read_number(value, UINT32_MAX, &number)) entry->bad = true;
    *out = (uint32_t)number;
}

static void take_port(sv_ipsec_entry *entry, sipveil_span value, uint16_t *out)
{
    uint64_t number = 0;
    if (value.len == 0 || value.len > 5 || !sv_read_number(value, UINT16_MAX, &number) || number == 0) entry->bad = true;
    *out = (uint16_t)number;
}

static bool take_number(sv_ipsec_entry *entry, sipveil_span name, sipveil_span value)
{
    static const char *const names[] = {"spi", "port1", "port2", "spi-c", "spi-s", "port-c", "port-s"};
    size_t i = 0;
    while (i < sizeof names / sizeof *names && !sv_equal_nocase_str(name, names[i])) i++;
    switch (i) {
    case 0: take_spi(entry, value, &entry->end.spi_s); break;
    case 1: take_port(entry, value, &entry->end.port_s); break;
    case 2: take_port(entry, value, &entry->end.port_c); break;
    case 3: take_spi(entry, value, &entry->end.spi_c); break;
    case 4: take_spi(entry, value, &entry->end.spi_s); break;
    case 5: take_port(entry, value, &entry->end.port_c); break;
    case 6: take_port(entry, value, &entry->end.port_s); break;
    default: return false;
    }
    if (i < 3) entry->appendix_a = true;
    else entry->annex_h = true;
    return true;
}

static void take(sv_ipsec_entry *entry, sipveil_span name, sipveil_span value)
{
    unsigned at;
    if (take_number(entry, name, value)) return;
    if (sv_equal_nocase_str(name, "alg")) {
        if (!find(algs, SV_IPSEC_ALG_COUNT, value, &at)) entry->unknown = true;
        entry->alg = (sv_ipsec_alg)at;
    } else if (sv_equal_nocase_str(name, "ealg")) {
        if (!find(ealgs, SV_IPSEC_EALG_COUNT, value, &at)) entry->unknown = true;
        entry->ealg = (sv_ipsec_ealg)at;
    } else if (sv_equal_nocase_str(name, "mod")) {
        if (!find(modes, SV_IPSEC_MODE_COUNT, value, &at)) entry->unknown = true;
        entry->mode = (sv_ipsec_mode)at;
    } else if (sv_equal_nocase_str(name, "prot")) {
        entry->ah = sv_equal_nocase_str(value, "ah");
        if (!entry->ah && !sv_equal_nocase_str(value, "esp")) entry->unknown = true;
    }
}

sv_ipsec_entry sv_ipsec_read(const sv_mechanism *m)
{
    sv_ipsec_entry entry = {.alg = SV_IPSEC_ALG_NONE};
    for (size_t i = 0; i < m->parameter_count; i++) take(&entry, m->parameters[i].name, m->parameters[i].value);
    return entry;
}

bool sv_ipsec_same_pair(const sv_mechanism *a, const sv_mechanism *b)
{
    sv_ipsec_entry x = sv_ipsec_read(a), y = sv_ipsec_read(b);
    return x.alg == y.alg && x.ealg == y.ealg && x.mode == y.mode;
}

const char *sv_ipsec_alg_name(sv_ipsec_alg alg)
{
    return algs[alg].name != NULL ? algs[alg].name : "(none)";
}

const char *sv_ipsec_ealg_name(sv_ipsec_ealg ealg)
{
    return ealgs[ealg].name;
}

const char *sv_ipsec_mode_name(sv_ipsec_mode mode)
{
    return modes[mode].name;
}

bool sv_ipsec_is_weak(const sv_ipsec_entry *entry)
{
    return algs[entry->alg].weak || ealgs[entry->ealg].weak;
}

static sipveil_code refuse_number(const char *why, sipveil_error *err)
{
    return sv_fail_rule(err, SV_AGREE, SIPVEIL_MALFORMED, "AGR-09", SIPVEIL_NO_OFFSET, "ipsec-3gpp %s", why);
}

/* AGR-09: an SPI under 256 is reserved, and each end's own SPIs and ports tell two associations apart. */
static sipveil_code check_end(const sv_ipsec_entry *entry, sipveil_error *err)
{
    const sv_ipsec_end *end = &entry->end;
    if (entry->bad) return refuse_number("has an SPI over 4294967295, a port that is none, or one not in digits", err);
    if (entry->appendix_a && entry->annex_h) {
        return refuse_number("has the parameters of appendix A (spi, port1) and of annex H (spi-c, port-c) at once", err);
    }
    if (!entry->appendix_a && !entry->annex_h) return refuse_number("says no SPI", err);
    if (end->spi_s < SV_IPSEC_SPI_LEAST || (entry->annex_h && end->spi_c < SV_IPSEC_SPI_LEAST)) {
        return refuse_number("lacks an SPI, or has one under 256", err);
    }
    if (end->port_s == 0 || (entry->annex_h && end->port_c == 0)) return refuse_number("lacks a port", err);
    if (entry->annex_h && end->spi_c == end->spi_s) return refuse_number("has one SPI twice: spi-c is spi-s", err);
    if (entry->annex_h && end->port_c == end->port_s) return refuse_number("has one port twice: port-c is port-s", err);
    return SIPVEIL_OK;
}

sipveil_code sv_ipsec_check(const sv_ipsec_entry *entry, bool allow_weak, sipveil_error *err)
{
    size_t i = 0;
    SV_TRY(check_end(entry, err));
    if (entry->unknown || entry->ah) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_UNSUPPORTED, "AGR-55", SIPVEIL_NO_OFFSET,
                            entry->ah ? "ipsec-3gpp with prot=ah: IMS knows esp only"
                                      : "ipsec-3gpp with an algorithm, mode or protocol that is not known here");
    }
    while (i < PAIRS && (pairs[i].alg != entry->alg || pairs[i].ealg != entry->ealg)) i++;
    if (i == PAIRS) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_UNSUPPORTED, "AGR-55", SIPVEIL_NO_OFFSET,
                            "ipsec-3gpp: alg=%s does not go with ealg=%s",
                            sv_ipsec_alg_name(entry->alg), ealgs[entry->ealg].name);
    }
    if (!sv_ipsec_is_weak(entry) || allow_weak) return SIPVEIL_OK;
    sv_fail_rule(err, SV_AGREE, SIPVEIL_POLICY, "AGR-56", SIPVEIL_NO_OFFSET, "ipsec-3gpp: alg=%s with ealg=%s is weak",
                 algs[entry->alg].name, ealgs[entry->ealg].name);
    return sv_hint(err, SIPVEIL_POLICY, "hmac-md5-96 and des-ede3-cbc were withdrawn; they run only where weak ones are allowed");
}

/* A number that is `least` or higher; what is left over by the range does not matter to an attacker who must guess
 * SPIs of 32 bits or ports of 14. */
static sipveil_code random_number(sv_crypto *crypto, uint32_t least, uint32_t most, uint32_t *out, sipveil_error *err)
{
    uint8_t octets[8];
    uint64_t number = 0;
    SV_TRY(sv_random(crypto, octets, sizeof octets, err));
    for (size_t i = 0; i < sizeof octets; i++) number = number << 8 | octets[i];
    *out = least + (uint32_t)(number % ((uint64_t)most - least + 1));
    return SIPVEIL_OK;
}

static bool is_spi_of(const sv_ipsec_end *end, uint32_t spi)
{
    return end != NULL && (end->spi_c == spi || end->spi_s == spi);
}

static sipveil_code make_spi(sv_crypto *crypto, const sv_ipsec_end *other, uint32_t taken, uint32_t *out, sipveil_error *err)
{
    enum { DRAWS = 64 }; /* a generator that repeats itself must not hold us up */
    for (int i = 0; i < DRAWS; i++) {
        SV_TRY(random_number(crypto, SV_IPSEC_SPI_LEAST, UINT32_MAX, out, err));
        if (*out != taken && !is_spi_of(other, *out)) return SIPVEIL_OK;
    }
    return sv_fail(err, SV_AGREE, SIPVEIL_INTERNAL, "the random generator gives one SPI again and again");
}

sipveil_code sv_ipsec_make_end(sv_crypto *crypto, const sv_ipsec_end *other, sv_ipsec_end *end, sipveil_error *err)
{
    enum { PORT_LEAST = 49152 }; /* dynamic ports (RFC 6335 6) */
    uint32_t port;
    SV_TRY(make_spi(crypto, other, 0, &end->spi_c, err));
    SV_TRY(make_spi(crypto, other, end->spi_c, &end->spi_s, err));
    if (end->port_c == 0) {
        SV_TRY(random_number(crypto, PORT_LEAST, UINT16_MAX, &port, err));
        end->port_c = (uint16_t)(port == end->port_s ? port ^ 1 : port);
    }
    if (end->port_s == 0) {
        SV_TRY(random_number(crypto, PORT_LEAST, UINT16_MAX, &port, err));
        end->port_s = (uint16_t)(port == end->port_c ? port ^ 1 : port);
    }
    return SIPVEIL_OK;
}

void sv_ipsec_put_end(sv_buffer *out, const sv_ipsec_end *end)
{
    sv_put_format(out, ";spi-c=%u;spi-s=%u;port-c=%u;port-s=%u", (unsigned)end->spi_c, (unsigned)end->spi_s,
                  (unsigned)end->port_c, (unsigned)end->port_s);
}

void sv_ipsec_put_offer(sv_buffer *out, const sv_ipsec_end *end, bool allow_weak)
{
    bool first = true;
    for (size_t i = 0; i < PAIRS; i++) {
        const sv_ipsec_entry pair = {.alg = pairs[i].alg, .ealg = pairs[i].ealg};
        if (sv_ipsec_is_weak(&pair) && !allow_weak) continue;
        if (!first) sv_put_str(out, ", ");
        first = false;
        sv_put_format(out, "ipsec-3gpp;alg=%s;ealg=%s", algs[pair.alg].name, ealgs[pair.ealg].name);
        sv_ipsec_put_end(out, end);
    }
}

sipveil_code sv_ipsec_set_up(const sv_ipsec_entry *ue, const sv_ipsec_entry *pcscf, sv_ipsec_set *out,
                             sipveil_error *err)
{
    const sv_ipsec_end *u = &ue->end, *p = &pcscf->end;
    *out = (sv_ipsec_set){.alg = pcscf->alg, .ealg = pcscf->ealg, .mode = pcscf->mode};
    if (ue->alg != pcscf->alg || ue->ealg != pcscf->ealg || ue->mode != pcscf->mode || ue->appendix_a != pcscf->appendix_a) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_UNSUPPORTED, "AGR-53", SIPVEIL_NO_OFFSET,
                            "ipsec-3gpp: alg=%s;ealg=%s;mod=%s was not offered in this form",
                            sv_ipsec_alg_name(pcscf->alg), ealgs[pcscf->ealg].name, modes[pcscf->mode].name);
    }
    if (is_spi_of(u, p->spi_s) || (!pcscf->appendix_a && is_spi_of(u, p->spi_c))) {
        return sv_fail_rule(err, SV_AGREE, SIPVEIL_POLICY, "AGR-53", SIPVEIL_NO_OFFSET,
                            "ipsec-3gpp: the server's SPIs %u and %u are not all different from ours, %u and %u (reflection)",
                            (unsigned)p->spi_c, (unsigned)p->spi_s, (unsigned)u->spi_c, (unsigned)u->spi_s);
    }
    if (ue->appendix_a) { /* port2 absent: it sends from where it takes */
        uint16_t u_from = u->port_c != 0 ? u->port_c : u->port_s, p_from = p->port_c != 0 ? p->port_c : p->port_s;
        out->sas[out->count++] = (sv_ipsec_sa){true, p->spi_s, u_from, p->port_s};
        out->sas[out->count++] = (sv_ipsec_sa){false, u->spi_s, p_from, u->port_s};
        return SIPVEIL_OK;
    }
    out->sas[out->count++] = (sv_ipsec_sa){true, p->spi_s, u->port_c, p->port_s};
    out->sas[out->count++] = (sv_ipsec_sa){false, u->spi_c, p->port_s, u->port_c};
    out->sas[out->count++] = (sv_ipsec_sa){false, u->spi_s, p->port_c, u->port_s};
    out->sas[out->count++] = (sv_ipsec_sa){true, p->spi_c, u->port_s, p->port_c};
    return SIPVEIL_OK;
}

sipveil_code sv_ipsec_agree(const sv_mechanism_list *own, const sv_mechanism *server, bool allow_weak, sv_ipsec_set *out,
                            sipveil_error *err)
{
    sv_ipsec_entry pcscf = sv_ipsec_read(server);
    *out = (sv_ipsec_set){.count = 0};
    SV_TRY(sv_ipsec_check(&pcscf, allow_weak, err));
    sipveil_code code = SIPVEIL_UNSUPPORTED;
    bool offered = false;
    for (size_t i = 0; i < own->count && code == SIPVEIL_UNSUPPORTED; i++) {
        if (own->items[i].kind != SV_MECH_IPSEC_3GPP) continue;
        sv_ipsec_entry ue = sv_ipsec_read(&own->items[i]);
        if (sv_ipsec_check(&ue, allow_weak, err) != SIPVEIL_OK) continue;
        code = sv_ipsec_set_up(&ue, &pcscf, out, err);
        offered = true;
    }
    if (code == SIPVEIL_OK || offered) return code;
    return sv_fail_rule(err, SV_AGREE, SIPVEIL_UNSUPPORTED, "AGR-53", SIPVEIL_NO_OFFSET,
                        "ipsec-3gpp: our own list has no such entry that can be run");
}
