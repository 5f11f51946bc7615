/* SPDX-License-Identifier: BSD-2-Clause */
/* pkcs11: URIs. What was read is written with everything encoded, read again, and is the same. */
#include "base/buffer.h"
#include "base/fuzz_target.h"
#include "base/span.h"
#include "keys/pkcs11_uri.h"

static void put(sv_buffer *b, const char *before, const char *name, sipveil_span value)
{
    if (value.data == NULL) return;
    sv_put_str(b, before);
    sv_put_str(b, name);
    sv_put_byte(b, '=');
    for (size_t i = 0; i < value.len; i++) sv_put_format(b, "%%%02x", value.data[i]);
}

static void write_uri(const sv_pkcs11_uri *uri, sv_buffer *b)
{
    static const char *const types[] = {NULL, "private", "secret-key", "cert"};
    sv_put_str(b, "PKCS11:slot-id=");
    sv_put_number(b, uri->slot);
    put(b, ";", "token", uri->token);
    put(b, ";", "serial", uri->serial);
    put(b, ";", "manufacturer", uri->manufacturer);
    put(b, ";", "model", uri->model);
    put(b, ";", "object", uri->object);
    put(b, ";", "id", uri->id);
    if (types[uri->type] != NULL) put(b, ";", "type", sv_span_str(types[uri->type]));
    if (uri->pin_source.data == NULL) return;
    put(b, "?", "pin-source", uri->pin_source);
    put(b, "&", "module-path", uri->module_path);
    put(b, "&", "module-name", uri->module_name);
}

static void same(sipveil_span a, sipveil_span b)
{
    must((a.data == NULL) == (b.data == NULL) && sv_equal(a, b));
}

void fuzz_input(const uint8_t *data, size_t size)
{
    sv_arena *arena = fuzz_arena(1 << 14, 1 << 20);
    sv_pkcs11_uri uri, again;
    sv_buffer text;
    sv_buffer_init(&text, arena, 256, 1 << 15);
    if (sv_pkcs11_read_uri(sv_span(data, size), arena, &uri, NULL) == SIPVEIL_OK) {
        write_uri(&uri, &text);
        sipveil_code code = sv_pkcs11_read_uri(sv_buffer_span(&text), arena, &again, NULL);
        if (code == SIPVEIL_OK) {
            same(uri.token, again.token);
            same(uri.serial, again.serial);
            same(uri.manufacturer, again.manufacturer);
            same(uri.model, again.model);
            same(uri.object, again.object);
            same(uri.id, again.id);
            if (uri.pin_source.data != NULL) {
                same(uri.pin_source, again.pin_source);
                same(uri.module_path, again.module_path);
                same(uri.module_name, again.module_name);
            }
            must(uri.type == again.type && (!uri.has_slot || uri.slot == again.slot));
        } else {
            must(text.len > 4096); /* encoded it may be longer than a URI may be */
        }
    } else {
        must(uri.token.data == NULL && uri.pin_source.data == NULL); /* nothing on failure */
    }
}
