/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "vector.h"

enum { OCTETS_MOST = 64 << 20, NESTED_MOST = 8 };

static bool put(io_octets *out, const void *data, size_t len)
{
    if (len > OCTETS_MOST - out->len) return false;
    uint8_t *grown = realloc(out->data, out->len + len + 1);
    if (grown == NULL) return false;
    out->data = grown;
    if (len > 0) memcpy(grown + out->len, data, len);
    out->len += len;
    return true;
}

static bool put_hex(io_octets *out, const char *text, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    if (len % 2 != 0) return false;
    for (size_t i = 0; i < len; i += 2) {
        const char *high = memchr(digits, text[i], 16), *low = memchr(digits, text[i + 1], 16);
        if (high == NULL || low == NULL) return false;
        uint8_t octet = (uint8_t)((high - digits) << 4 | (low - digits));
        if (!put(out, &octet, 1)) return false;
    }
    return true;
}

/* RFC 4648 4 with padding and nothing else. */
static bool put_base64(io_octets *out, const char *text, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (len % 4 != 0) return false;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t bits = 0;
        size_t pad = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *at = text[i + k] == '=' ? NULL : memchr(alphabet, text[i + k], 64);
            if (at == NULL && (text[i + k] != '=' || k < 2 || i + 4 != len)) return false;
            if (at != NULL && pad > 0) return false;
            if (at == NULL) pad++;
            bits = bits << 6 | (at == NULL ? 0 : (uint32_t)(at - alphabet));
        }
        uint8_t octets[3] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
        if (!put(out, octets, 3 - pad)) return false;
    }
    return true;
}

static bool put_value(const json_t *value, io_octets *out, unsigned depth, const char **why);

static bool put_repeated(const json_t *value, io_octets *out, unsigned depth, const char **why)
{
    io_octets once = {NULL, 0};
    json_int_t times = json_integer_value(json_object_get(value, "times"));
    bool good = json_object_size(value) == 2 && times > 0 && times <= OCTETS_MOST;
    if (!good) {
        *why = "\"repeat\" goes with \"times\", a positive number";
        return false;
    }
    good = put_value(json_object_get(value, "repeat"), &once, depth + 1, why);
    for (json_int_t i = 0; good && i < times; i++) {
        good = put(out, once.data, once.len);
        if (!good) *why = "the octets are too many";
    }
    io_free(&once);
    return good;
}

static bool put_value(const json_t *value, io_octets *out, unsigned depth, const char **why)
{
    const json_t *base64 = json_object_get(value, "base64"), *hex = json_object_get(value, "hex");
    *why = "octets are a text, {\"base64\"}, {\"hex\"}, {\"repeat\", \"times\"} or a list of these";
    if (depth > NESTED_MOST) return false;
    if (json_is_string(value)) return put(out, json_string_value(value), json_string_length(value));
    if (json_is_array(value)) {
        size_t i;
        const json_t *piece;
        json_array_foreach (value, i, piece) {
            if (!put_value(piece, out, depth + 1, why)) return false;
        }
        return put(out, NULL, 0);
    }
    if (json_object_get(value, "repeat") != NULL) return put_repeated(value, out, depth, why);
    if (json_object_size(value) != 1) return false;
    if (json_is_string(base64)) {
        *why = "\"base64\" is not base64";
        return put_base64(out, json_string_value(base64), json_string_length(base64));
    }
    if (json_is_string(hex)) {
        *why = "\"hex\" is not pairs of lower-case digits";
        return put_hex(out, json_string_value(hex), json_string_length(hex));
    }
    return false;
}

bool vector_read_octets(const json_t *value, io_octets *out, const char **why)
{
    *out = (io_octets){NULL, 0};
    if (put_value(value, out, 0, why)) return true;
    io_free(out);
    *out = (io_octets){NULL, 0};
    return false;
}
