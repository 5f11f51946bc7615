/* SPDX-License-Identifier: BSD-2-Clause */
/* The mechanism ipsec-3gpp (RFC 3329 appendix A, TS 33.203 annex H): what an entry says, which entries can be
 * run, what a UE offers, and the four one-way security associations that come of it. Nothing is applied. */
#ifndef SV_AGREE_IPSEC_3GPP_H
#define SV_AGREE_IPSEC_3GPP_H

#include "agree/list.h"
#include "crypto/crypto.h"

enum {
    SV_IPSEC_SPI_LEAST = 256, /* lower ones are reserved (RFC 4303 2.1) */
    SV_IMS_KEY = 16,          /* octets of IK, of CK */
    SV_IPSEC_INTEGRITY_MOST = 20,
    SV_IPSEC_ENCRYPTION_MOST = 24,
    SV_IPSEC_SALT = 4,
    SV_IPSEC_SAS_MOST = 4,
    SV_IP_ADDRESS_TEXT = 46
};

typedef enum sv_ipsec_alg { /* integrity */
    SV_IPSEC_ALG_NONE,      /* not said: no entry can be run without (RFC 3329 appendix A) */
    SV_IPSEC_HMAC_SHA_1_96,
    SV_IPSEC_HMAC_MD5_96,   /* withdrawn: weak */
    SV_IPSEC_AES_GMAC,
    SV_IPSEC_ALG_NULL,      /* the encryption gives the integrity */
    SV_IPSEC_ALG_COUNT
} sv_ipsec_alg;

typedef enum sv_ipsec_ealg { /* encryption */
    SV_IPSEC_EALG_NULL,      /* also where nothing is said */
    SV_IPSEC_AES_CBC,
    SV_IPSEC_AES_GCM,
    SV_IPSEC_DES_EDE3_CBC,   /* withdrawn: weak */
    SV_IPSEC_EALG_COUNT
} sv_ipsec_ealg;

typedef enum sv_ipsec_mode {
    SV_IPSEC_TRANSPORT, /* also where nothing is said */
    SV_IPSEC_TUNNEL,
    SV_IPSEC_UDP_TUNNEL, /* through a NAT */
    SV_IPSEC_MODE_COUNT
} sv_ipsec_mode;

/* One end: where it takes protected messages, and under which SPI. The one SPI of appendix A, with its port1 and
 * port2, stands in spi_s, port_s, port_c; spi_c is 0 then. */
typedef struct sv_ipsec_end {
    uint32_t spi_c, spi_s;
    uint16_t port_c, port_s;
} sv_ipsec_end;

/* What one entry says. */
typedef struct sv_ipsec_entry {
    sv_ipsec_alg alg;
    sv_ipsec_ealg ealg;
    sv_ipsec_mode mode;
    bool ah;           /* prot=ah */
    bool appendix_a;   /* spi, port1, port2 */
    bool annex_h;      /* spi-c, spi-s, port-c, port-s */
    bool unknown;      /* a known parameter has a value that we do not know */
    bool bad;          /* or one that it cannot have (AGR-09) */
    sv_ipsec_end end;
} sv_ipsec_entry;

/* What an entry of that mechanism says, its parameters in any order (AGR-56). Never fails: what is wrong with it only
 * makes it one that cannot be run. */
sv_ipsec_entry sv_ipsec_read(const sv_mechanism *m);

/* Whether an entry can be run: AGR-09, AGR-55, AGR-56. MALFORMED (AGR-09), UNSUPPORTED (AGR-55), POLICY: weak,
 * and that was not allowed (AGR-56). */
sipveil_code sv_ipsec_check(const sv_ipsec_entry *entry, bool allow_weak, sipveil_error *err);
bool sv_ipsec_is_weak(const sv_ipsec_entry *entry);
/* Algorithms and mode are the same. */
bool sv_ipsec_same_pair(const sv_mechanism *a, const sv_mechanism *b);
/* The words of the grammar. */
const char *sv_ipsec_alg_name(sv_ipsec_alg alg);
const char *sv_ipsec_ealg_name(sv_ipsec_ealg ealg);
const char *sv_ipsec_mode_name(sv_ipsec_mode mode);

/* SPIs by chance, 256 or higher, each once, none of `other` (AGR-53; NULL: there is none yet). Ports that are 0 are
 * filled in from the dynamic range; those that are given stay. */
sipveil_code sv_ipsec_make_end(sv_crypto *crypto, const sv_ipsec_end *other, sv_ipsec_end *end, sipveil_error *err);

/* ";spi-c=...;spi-s=...;port-c=...;port-s=..." */
void sv_ipsec_put_end(sv_buffer *out, const sv_ipsec_end *end);
/* AGR-51: one entry for each pair that may be run, the best first, all with the same SPIs and ports, ", " between. */
void sv_ipsec_put_offer(sv_buffer *out, const sv_ipsec_end *end, bool allow_weak);
/* The list with every entry of ipsec-3gpp that says no SPI completed: see sipveil_agree_complete_list. */
void sv_ipsec_complete(sv_buffer *out, const sv_mechanism_list *list, const sv_ipsec_end *end, bool allow_weak);

/* ---- keys ---- */

/* What the authentication of IMS agreed on (AKA). Wiped by whoever holds it. */
typedef struct sv_ims_keys {
    uint8_t ik[SV_IMS_KEY], ck[SV_IMS_KEY];
} sv_ims_keys;

/* The text of a key file: rows `IK TAB hex` and `CK TAB hex`, each once. USAGE; no error text holds a digit of it. */
sipveil_code sv_ims_keys_read(sipveil_span text, sv_ims_keys *out, sipveil_error *err);

/* What the associations use (AGR-54). */
typedef struct sv_ipsec_keys {
    uint8_t integrity[SV_IPSEC_INTEGRITY_MOST];
    size_t integrity_length;
    uint8_t encryption[SV_IPSEC_ENCRYPTION_MOST];
    size_t encryption_length;
    uint8_t salt[SV_IPSEC_SALT]; /* aes-gmac, aes-gcm */
    bool has_salt;
} sv_ipsec_keys;
/* out is wiped on failure; wipe it when it was used. */
sipveil_code sv_ipsec_derive(const sv_crypto *crypto, sv_ipsec_alg alg, sv_ipsec_ealg ealg, const sv_ims_keys *keys,
                             sv_ipsec_keys *out, sipveil_error *err);

/* ---- associations ---- */

/* An address in its one normal form; empty: not known. */
typedef struct sv_ip_address {
    char text[SV_IP_ADDRESS_TEXT];
    bool v6;
} sv_ip_address;
/* IPv4, or IPv6 with or without brackets. */
bool sv_ip_address_read(sipveil_span text, sv_ip_address *out);

typedef struct sv_ipsec_sa {
    bool from_ue;  /* else from the P-CSCF */
    uint32_t spi;  /* chosen by the receiver */
    uint16_t from_port, to_port;
} sv_ipsec_sa;

typedef struct sv_ipsec_set {
    sv_ipsec_alg alg;
    sv_ipsec_ealg ealg;
    sv_ipsec_mode mode;
    sv_ipsec_sa sas[SV_IPSEC_SAS_MOST];
    size_t count; /* 4; 2 with appendix A */
} sv_ipsec_set;

/* AGR-53: what comes of the entry that the UE offered and the one of the P-CSCF. UNSUPPORTED: not the same pair of
 * algorithms, mode or form. POLICY: an SPI of the P-CSCF is one of the UE's (reflection). */
sipveil_code sv_ipsec_set_up(const sv_ipsec_entry *ue, const sv_ipsec_entry *pcscf, sv_ipsec_set *out,
                             sipveil_error *err);

/* Whether the client can run this entry of the server's list: it can be run at all, and our own list has the pair. The
 * codes of sv_ipsec_check, sv_ipsec_set_up. */
sipveil_code sv_ipsec_agree(const sv_mechanism_list *own, const sv_mechanism *server, bool allow_weak, sv_ipsec_set *out,
                            sipveil_error *err);

/* The set as `ip xfrm` commands for one end. An address that is not known is written as "$UE" or "$PCSCF", for the
 * shell to fill in. keys: what stands in the commands; NULL leaves the associations out and writes policies only. */
typedef struct sv_xfrm_view {
    bool at_pcscf; /* whose commands: else the UE's */
    sv_ip_address ue, pcscf;
} sv_xfrm_view;
void sv_xfrm_put(sv_buffer *out, const sv_ipsec_set *set, const sv_xfrm_view *view, const sv_ipsec_keys *keys);

#endif
