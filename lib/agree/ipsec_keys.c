/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys of ipsec-3gpp from IK and CK: TS 33.203 annex I, with the key derivation of TS 33.220 annex B. */
#include <openssl/crypto.h>

#include "agree/ipsec_3gpp.h"
#include "crypto/kdf.h"

static sipveil_code refuse_file(const char *why, sipveil_error *err)
{
    return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "the IMS key file %s", why);
}

static bool is_not_line_end(uint8_t c)
{
    return c != '\n' && c != '\r';
}

static sipveil_code read_key(sipveil_span digits, uint8_t out[SV_IMS_KEY], sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(digits, "IMS key");
    size_t read = 0;
    while (read < SV_IMS_KEY && sv_take_hex_octet(&c, &out[read])) read++;
    if (read == SV_IMS_KEY && sv_at_end(&c)) return SIPVEIL_OK;
    return refuse_file("has a key that is not of 32 hexadecimal digits", err);
}

static sipveil_code read_rows(sipveil_span text, sv_ims_keys *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(text, "IMS keys");
    bool has_ik = false, has_ck = false;
    while (!sv_at_end(&c)) {
        bool ik = sv_take_literal_nocase(&c, "IK\t"), ck = !ik && sv_take_literal_nocase(&c, "CK\t");
        sipveil_span row = sv_take_while(&c, is_not_line_end);
        if (ik || ck) {
            bool *has = ik ? &has_ik : &has_ck;
            if (*has) return refuse_file(ik ? "has IK twice" : "has CK twice", err);
            *has = true;
            SV_TRY(read_key(sv_trim(row), ik ? out->ik : out->ck, err));
        } else if (row.len > 0 && row.data[0] != '#') {
            return refuse_file("has a row that is neither IK, a tab and hexadecimal digits nor the same of CK", err);
        }
        (void)sv_take_if(&c, '\r');
        if (!sv_at_end(&c) && !sv_take_if(&c, '\n')) return refuse_file("has a bare carriage return", err);
    }
    if (!has_ik || !has_ck) return refuse_file(has_ik ? "has no CK" : "has no IK", err);
    return SIPVEIL_OK;
}

sipveil_code sv_ims_keys_read(sipveil_span text, sv_ims_keys *out, sipveil_error *err)
{
    *out = (sv_ims_keys){{0}, {0}};
    sipveil_code code = read_rows(text, out, err);
    if (code != SIPVEIL_OK) OPENSSL_cleanse(out, sizeof *out);
    return code;
}

static void copy(uint8_t *out, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++) out[i] = from[i];
}

/* KDF of TS 33.220 annex B: HMAC-SHA-256 over FC || P0 || L0; the salt is its 32 least significant bits. */
static sipveil_code derive_salt(const sv_crypto *crypto, uint8_t fc, const char *p0, const sv_ims_keys *keys,
                                uint8_t out[SV_IPSEC_SALT], sipveil_error *err)
{
    uint8_t key[2 * SV_IMS_KEY], string[32], mac[SV_HMAC_SHA256_LENGTH];
    size_t len = strlen(p0);
    copy(key, keys->ck, SV_IMS_KEY);
    copy(key + SV_IMS_KEY, keys->ik, SV_IMS_KEY);
    string[0] = fc;
    copy(string + 1, (const uint8_t *)p0, len);
    string[1 + len] = 0; /* L0: two octets, and p0 is short */
    string[2 + len] = (uint8_t)len;
    sipveil_code code = sv_hmac_sha256(crypto, sv_span(key, sizeof key), sv_span(string, len + 3), mac, err);
    if (code == SIPVEIL_OK) copy(out, mac + sizeof mac - SV_IPSEC_SALT, SV_IPSEC_SALT);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(mac, sizeof mac);
    return code;
}

/* CK1 || CK2 || CK1 with odd parity in each octet. */
static void derive_triple_des(const sv_ims_keys *keys, sv_ipsec_keys *out)
{
    copy(out->encryption, keys->ck, SV_IMS_KEY);
    copy(out->encryption + SV_IMS_KEY, keys->ck, 8);
    out->encryption_length = 24;
    for (size_t i = 0; i < out->encryption_length; i++) {
        uint8_t bits = out->encryption[i] & 0xFE, odd = 1;
        for (uint8_t b = bits; b != 0; b = (uint8_t)(b & (b - 1))) odd ^= 1;
        out->encryption[i] = bits | odd;
    }
}

static sipveil_code derive(const sv_crypto *crypto, sv_ipsec_alg alg, sv_ipsec_ealg ealg, const sv_ims_keys *keys,
                           sv_ipsec_keys *out, sipveil_error *err)
{
    if (alg == SV_IPSEC_HMAC_SHA_1_96 || alg == SV_IPSEC_HMAC_MD5_96 || alg == SV_IPSEC_AES_GMAC) {
        copy(out->integrity, keys->ik, SV_IMS_KEY); /* hmac-sha-1-96: 32 zero bits follow */
        out->integrity_length = alg == SV_IPSEC_HMAC_SHA_1_96 ? SV_IPSEC_INTEGRITY_MOST : SV_IMS_KEY;
    }
    if (ealg == SV_IPSEC_DES_EDE3_CBC) {
        derive_triple_des(keys, out);
    } else if (ealg == SV_IPSEC_AES_CBC || ealg == SV_IPSEC_AES_GCM) {
        copy(out->encryption, keys->ck, SV_IMS_KEY);
        out->encryption_length = SV_IMS_KEY;
    }
    out->has_salt = alg == SV_IPSEC_AES_GMAC || ealg == SV_IPSEC_AES_GCM;
    if (ealg == SV_IPSEC_AES_GCM) return derive_salt(crypto, 0x59, "AES_GCM_SALT", keys, out->salt, err);
    if (alg == SV_IPSEC_AES_GMAC) return derive_salt(crypto, 0x58, "AES_GMAC_SALT", keys, out->salt, err);
    return SIPVEIL_OK;
}

sipveil_code sv_ipsec_derive(const sv_crypto *crypto, sv_ipsec_alg alg, sv_ipsec_ealg ealg, const sv_ims_keys *keys,
                             sv_ipsec_keys *out, sipveil_error *err)
{
    *out = (sv_ipsec_keys){.has_salt = false};
    sipveil_code code = derive(crypto, alg, ealg, keys, out, err);
    if (code != SIPVEIL_OK) OPENSSL_cleanse(out, sizeof *out);
    return code;
}
