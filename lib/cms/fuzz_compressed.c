/* SPDX-License-Identifier: BSD-2-Clause */
/* The input as CompressedData, as a bare stream put into one, and as content to compress. What
 * comes out must be what zlib itself makes of the stream, and within the limits. */
#include <zlib.h>

#include "base/fuzz_target.h"
#include "cms/cms.h"
#include "cms/der_read.h"
#include "cms/der_write.h"
#include "cms/oid.h"

enum { MESSAGE_MOST = 1 << 18 };

static sipveil_limits limits;
static sv_arena *arena;

static void set_up(void)
{
    sipveil_limits_default(&limits);
    limits.message = MESSAGE_MOST;
    must((arena = sv_arena_new(1 << 20, 1 << 25)) != NULL);
}

/* The stream of a CompressedData that was read without complaint. */
static sipveil_span stream_in(sipveil_span compressed)
{
    sv_cursor outer = sv_cursor_over(compressed, "all"), c, info, wrapped;
    sv_der_algorithm algorithm;
    sipveil_span stream, oid;
    uint64_t version;
    must(sv_der_enter(&outer, SV_DER_SEQUENCE, "all", &c, NULL) == SIPVEIL_OK);
    must(sv_der_take_number(&c, "version", &version, NULL) == SIPVEIL_OK && version == 0);
    must(sv_der_take_algorithm(&c, "algorithm", &algorithm, NULL) == SIPVEIL_OK);
    must(sv_der_enter(&c, SV_DER_SEQUENCE, "info", &info, NULL) == SIPVEIL_OK);
    must(sv_der_take_oid(&info, "type", &oid, NULL) == SIPVEIL_OK);
    must(sv_der_enter(&info, SV_DER_CONTEXT | SV_DER_CONSTRUCTED, "content", &wrapped, NULL) ==
         SIPVEIL_OK);
    must(sv_der_take_octets(&wrapped, SV_DER_OCTET_STRING, "content", &limits, arena, &stream,
                            NULL) == SIPVEIL_OK);
    return stream;
}

static void inflate_and_compare(sipveil_span compressed)
{
    sipveil_span out;
    sv_cms_type kind;
    size_t size;
    sipveil_error err;
    sipveil_code code = sv_cms_decompress(compressed, &limits, arena, &out, &kind, &size, &err);
    must(code == SIPVEIL_OK || code == err.code);
    must(code == SIPVEIL_OK || (out.len == 0 && size == 0 && code != SIPVEIL_INTERNAL));
    if (code != SIPVEIL_OK) return;
    sipveil_span stream = stream_in(compressed);
    must(stream.len == size && out.len <= MESSAGE_MOST);
    must(out.len <= 65536 || out.len <= size * limits.inflate_ratio);
    uLongf len = MESSAGE_MOST;
    uint8_t *again = sv_arena_alloc_raw(arena, len);
    must(again != NULL && uncompress(again, &len, stream.data, (uLong)stream.len) == Z_OK);
    must(sv_equal(out, sv_span(again, len)));
}

static sipveil_span wrap(sipveil_span stream)
{
    sv_der_writer w;
    must(sv_der_writer_init(&w, arena, stream.len + 128));
    sv_der_put_value(&w, SV_DER_OCTET_STRING, stream);
    sv_der_wrap(&w, SV_DER_CONTEXT | SV_DER_CONSTRUCTED, 0);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    sv_der_mark mark = sv_der_mark_here(&w);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_ZLIB));
    sv_der_wrap(&w, SV_DER_SEQUENCE, mark);
    sv_der_put_number(&w, 0);
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    must(!w.failed);
    return sv_der_written(&w);
}

static void compress_and_back(sipveil_span input)
{
    sipveil_span content, out;
    sv_cms_type type;
    size_t size;
    sv_buffer buffer;
    sv_buffer_init(&buffer, arena, input.len + 128, 1 << 22);
    must(sv_cms_compress(input, arena, &buffer, NULL) == SIPVEIL_OK);
    must(sv_cms_read_content_info(sv_buffer_span(&buffer), &limits, &type, &content, NULL) ==
         SIPVEIL_OK);
    must(type == SV_CMS_COMPRESSED);
    sipveil_code code = sv_cms_decompress(content, &limits, arena, &out, &type, &size, NULL);
    must(code == SIPVEIL_OK || (code == SIPVEIL_LIMIT && input.len > 65536));
    if (code == SIPVEIL_OK) must(type == SV_CMS_DATA && sv_equal(out, input));
}

void fuzz_input(const uint8_t *data, size_t size)
{
    sipveil_span input = sv_span(data, size), content;
    sv_cms_type type;
    if (arena == NULL) set_up();
    if (size > MESSAGE_MOST) return;
    if (sv_cms_read_content_info(input, &limits, &type, &content, NULL) == SIPVEIL_OK)
        inflate_and_compare(content);
    inflate_and_compare(input);
    inflate_and_compare(wrap(input));
    compress_and_back(input);
    sv_arena_reset(arena);
}
