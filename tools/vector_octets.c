/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "vector.h"

enum { OCTETS_MOST = 64 << 20, NESTED_MOST = 8 };

/* Room for len octets more, which are not there yet; NULL: too many. */
static uint8_t *grow(io_octets *out, size_t len)
{
    if (len > OCTETS_MOST - out->len) return NULL;
    uint8_t *grown = realloc(out->data, out->len + len + 1);
    if (grown != NULL) out->data = grown;
    return grown != NULL ? grown + out->len : NULL;
}

static bool put(io_octets *out, const void *data, size_t len)
{
    uint8_t *at = grow(out, len);
    if (at == NULL) return false;
    if (len > 0) memcpy(at, data, len);
    out->len += len;
    return true;
}

static bool put_hex(io_octets *out, const char *text, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *at = len % 2 != 0 ? NULL : grow(out, len / 2);
    for (size_t i = 0; at != NULL && i < len; i += 2) {
        const char *high = memchr(digits, text[i], 16), *low = memchr(digits, text[i + 1], 16);
        if (high == NULL || low == NULL) return false;
        at[i / 2] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    if (at != NULL) out->len += len / 2;
    return at != NULL;
}

/* RFC 4648 4 with padding and nothing else. */
static bool put_base64(io_octets *out, const char *text, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *at = len % 4 != 0 ? NULL : grow(out, len / 4 * 3);
    size_t pad = 0;
    for (size_t i = 0; at != NULL && i < len; i += 4) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *digit = text[i + k] == '=' ? NULL : memchr(alphabet, text[i + k], 64);
            if (digit == NULL && (text[i + k] != '=' || k < 2 || i + 4 != len)) return false;
            if (digit != NULL && pad > 0) return false;
            if (digit == NULL) pad++;
            bits = bits << 6 | (digit == NULL ? 0 : (uint32_t)(digit - alphabet));
        }
        for (size_t k = 0; k < 3; k++) at[i / 4 * 3 + k] = (uint8_t)(bits >> (16 - 8 * k));
    }
    if (at != NULL) out->len += len / 4 * 3 - pad;
    return at != NULL;
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
    if (good) {
        size_t most = once.len == 0 ? 0 : OCTETS_MOST / once.len;
        uint8_t *at = (uint64_t)times > most ? NULL : grow(out, once.len * (size_t)times);
        good = at != NULL;
        if (!good) *why = "what is repeated is nothing, or too much";
        for (json_int_t i = 0; good && i < times; i++) memcpy(at + once.len * (size_t)i, once.data, once.len);
        if (good) out->len += once.len * (size_t)times;
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
