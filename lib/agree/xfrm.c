/* SPDX-License-Identifier: BSD-2-Clause */
/* The associations as commands of iproute2. Each row is one command; all that is in it is a word of ours, a number,
 * or an address in normal form, so that nothing received reaches a shell. */
#include <arpa/inet.h>
#include <stdio.h>

#include "agree/ipsec_3gpp.h"
#include "base/hex.h"

bool sv_ip_address_read(sipveil_span text, sv_ip_address *out)
{
    char copy[SV_IP_ADDRESS_TEXT];
    uint8_t octets[16];
    *out = (sv_ip_address){.v6 = false};
    if (text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']') text = sv_span(text.data + 1, text.len - 2);
    if (text.len >= sizeof copy || !sv_is_text(text)) return false;
    snprintf(copy, sizeof copy, "%.*s", (int)text.len, (const char *)text.data);
    out->v6 = inet_pton(AF_INET6, copy, octets) == 1;
    int family = out->v6 ? AF_INET6 : AF_INET;
    if (out->v6 || inet_pton(AF_INET, copy, octets) == 1) return inet_ntop(family, octets, out->text, sizeof out->text) != NULL;
    return false;
}

static const char *address_of(const sv_xfrm_view *view, bool ue)
{
    const sv_ip_address *address = ue ? &view->ue : &view->pcscf;
    return address->text[0] != '\0' ? address->text : ue ? "\"$UE\"" : "\"$PCSCF\"";
}

/* An AEAD's key has the salt at its end (RFC 4106 8.1, RFC 4543 3.2). */
static void put_aead(sv_buffer *out, const char *name, const uint8_t *key, const sv_ipsec_keys *keys)
{
    sv_put_format(out, " aead '%s' 0x", name);
    sv_put_hex(out, sv_span(key, SV_IMS_KEY));
    sv_put_hex(out, sv_span(keys->salt, SV_IPSEC_SALT));
    sv_put_str(out, " 128");
}

static void put_algorithms(sv_buffer *out, const sv_ipsec_set *set, const sv_ipsec_keys *keys)
{
    if (set->ealg == SV_IPSEC_AES_GCM) {
        put_aead(out, "rfc4106(gcm(aes))", keys->encryption, keys);
        return;
    }
    if (set->alg == SV_IPSEC_AES_GMAC) {
        put_aead(out, "rfc4543(gcm(aes))", keys->integrity, keys);
        return;
    }
    sv_put_format(out, " auth-trunc '%s' 0x", set->alg == SV_IPSEC_HMAC_MD5_96 ? "hmac(md5)" : "hmac(sha1)");
    sv_put_hex(out, sv_span(keys->integrity, keys->integrity_length));
    sv_put_str(out, " 96");
    if (set->ealg == SV_IPSEC_EALG_NULL) {
        sv_put_str(out, " enc 'ecb(cipher_null)' ''");
        return;
    }
    sv_put_format(out, " enc '%s' 0x", set->ealg == SV_IPSEC_AES_CBC ? "cbc(aes)" : "cbc(des3_ede)");
    sv_put_hex(out, sv_span(keys->encryption, keys->encryption_length));
}

/* "proto esp spi 0x... reqid ... mode ...", of an association and of the policies that demand it alike. */
static void put_identity(sv_buffer *out, const sv_ipsec_set *set, const sv_ipsec_sa *sa)
{
    sv_put_format(out, " proto esp spi 0x%08x reqid %u mode %s", (unsigned)sa->spi, (unsigned)sa->spi,
                  set->mode == SV_IPSEC_TRANSPORT ? "transport" : "tunnel");
}

static void put_state(sv_buffer *out, const sv_ipsec_set *set, const sv_ipsec_sa *sa, const sv_xfrm_view *view,
                      const sv_ipsec_keys *keys)
{
    sv_put_format(out, "ip xfrm state add src %s dst %s", address_of(view, sa->from_ue), address_of(view, !sa->from_ue));
    put_identity(out, set, sa);
    if (sa->from_ue == view->at_pcscf) sv_put_str(out, " replay-window 32"); /* D-12: what comes in */
    put_algorithms(out, set, keys);
    if (set->mode == SV_IPSEC_UDP_TUNNEL) sv_put_str(out, " encap espinudp 4500 4500 0.0.0.0");
    sv_put_str(out, "\n");
}

/* One association serves UDP and TCP; a policy has one protocol. */
static void put_policy(sv_buffer *out, const sv_ipsec_set *set, const sv_ipsec_sa *sa, const sv_xfrm_view *view,
                       const char *protocol)
{
    const char *from = address_of(view, sa->from_ue), *to = address_of(view, !sa->from_ue);
    sv_put_format(out, "ip xfrm policy add src %s dst %s proto %s sport %u dport %u dir %s tmpl src %s dst %s", from, to,
                  protocol, (unsigned)sa->from_port, (unsigned)sa->to_port, sa->from_ue == view->at_pcscf ? "in" : "out",
                  from, to);
    put_identity(out, set, sa);
    sv_put_str(out, "\n");
}

void sv_xfrm_put(sv_buffer *out, const sv_ipsec_set *set, const sv_xfrm_view *view, const sv_ipsec_keys *keys)
{
    static const struct {
        const char *variable, *whose;
    } ends[] = {{"UE", "UE"}, {"PCSCF", "P-CSCF"}};
    for (size_t i = 0; i < 2; i++) {
        if (address_of(view, i == 0)[0] != '"') continue;
        sv_put_format(out, ": \"${%s:?the address of the %s, which the messages do not say}\"\n", ends[i].variable,
                      ends[i].whose);
    }
    for (size_t i = 0; keys != NULL && i < set->count; i++) put_state(out, set, &set->sas[i], view, keys);
    for (size_t i = 0; i < set->count; i++) {
        put_policy(out, set, &set->sas[i], view, "udp");
        put_policy(out, set, &set->sas[i], view, "tcp");
    }
}
