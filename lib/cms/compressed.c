/* SPDX-License-Identifier: BSD-2-Clause */
/* CompressedData (RFC 3274): zlib streams (RFC 1950), and nothing else. zlib's own memory comes
 * from the arena, so that its window, which holds plaintext, is wiped with it. */
#define ZLIB_CONST
#include <limits.h>
#include <zlib.h>

#include "cms/der_read.h"
#include "cms/der_write.h"
#include "cms/oid.h"

static const char room[] = "cms";

enum {
    CONTEXT_CONSTRUCTED = SV_DER_CONTEXT | SV_DER_CONSTRUCTED,
    FRAME = 128,      /* octets around the stream */
    WINDOW_LEAST = 9, /* 8 is not what it says (zlib.h) */
    WINDOW_MOST = 15,
    RATIO_FROM = 64 << 10, /* octets of output from which the ratio counts */
    CHUNK = 64 << 10
};

static void *allocate(void *arena, unsigned count, unsigned size)
{
    return sv_arena_alloc_array(arena, count, size);
}

static void release(void *arena, void *address)
{
    (void)arena; /* goes with it */
    (void)address;
}

static sipveil_code fail_zlib(int result, const char *what, sipveil_error *err)
{
    if (result == Z_MEM_ERROR) return sv_no_memory(err, room);
    return sv_fail(err, room, SIPVEIL_INTERNAL, "zlib cannot %s: %d", what, result);
}

/* ---- writing ---- */

/* No window larger than the content: a quarter of a megabyte need not be taken, and wiped, for a
 * kilobyte of SIP. */
static int window_bits(size_t len)
{
    int bits = WINDOW_LEAST;
    while (bits < WINDOW_MOST && (size_t)1 << bits < len) bits++;
    return bits;
}

static sipveil_code deflate_all(sipveil_span content, sv_arena *arena, sipveil_span *out,
                                sipveil_error *err)
{
    z_stream z = {.zalloc = allocate, .zfree = release, .opaque = arena};
    int bits = window_bits(content.len), memory = bits - 6 > 8 ? 8 : bits - 6;
    if (content.len > UINT_MAX / 2) {
        return sv_fail(err, room, SIPVEIL_LIMIT, "%zu octets are too many to compress",
                       content.len);
    }
    int result =
        deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, memory, Z_DEFAULT_STRATEGY);
    if (result != Z_OK) return fail_zlib(result, "start", err);
    size_t most = deflateBound(&z, content.len);
    uint8_t *stream = most <= UINT_MAX ? sv_arena_alloc_raw(arena, most) : NULL;
    if (stream == NULL) return sv_no_memory(err, room);
    z.next_in = content.data;
    z.avail_in = (unsigned)content.len;
    z.next_out = stream;
    z.avail_out = (unsigned)most;
    result = deflate(&z, Z_FINISH);
    if (result != Z_STREAM_END) return fail_zlib(result, "compress", err);
    *out = sv_span(stream, most - z.avail_out);
    return SIPVEIL_OK;
}

sipveil_code sv_cms_compress(sipveil_span content, sv_arena *arena, sv_buffer *out,
                             sipveil_error *err)
{
    sipveil_span stream;
    sv_der_writer w;
    SV_TRY(deflate_all(content, arena, &stream, err));
    if (!sv_der_writer_init(&w, arena, stream.len + FRAME)) return sv_no_memory(err, room);
    sv_der_put_value(&w, SV_DER_OCTET_STRING, stream);
    sv_der_wrap(&w, CONTEXT_CONSTRUCTED | 0, 0);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    sv_der_mark mark = sv_der_mark_here(&w);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_ZLIB)); /* parameters absent: RFC 3274 2 */
    sv_der_wrap(&w, SV_DER_SEQUENCE, mark);
    sv_der_put_number(&w, 0);
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    sv_der_wrap(&w, CONTEXT_CONSTRUCTED | 0, 0);
    sv_der_put_oid(&w, sv_oid_content(SV_OID_COMPRESSED_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    SV_TRY(sv_der_writer_check(&w, err));
    sv_put(out, sv_der_written(&w));
    return sv_buffer_check(out, room, err);
}

/* ---- reading ---- */

static sipveil_code read_fields(sv_cursor *c, const sipveil_limits *limits, sv_arena *arena,
                                sipveil_span *stream, sv_cms_type *content_kind, sipveil_error *err)
{
    sv_der_algorithm algorithm;
    sv_cursor info, wrapped;
    sipveil_span oid;
    uint64_t version;
    SV_TRY(sv_der_take_number(c, "CompressedData version", &version, err));
    if (version != 0) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "CMS-07", SIPVEIL_NO_OFFSET,
                            "CompressedData has version %llu, not 0", (unsigned long long)version);
    }
    SV_TRY(sv_der_take_algorithm(c, "compression algorithm", &algorithm, err));
    if (!sv_oid_is(algorithm.oid, SV_OID_ZLIB)) {
        return sv_fail_rule(err, room, SIPVEIL_UNSUPPORTED, "CMS-07", SIPVEIL_NO_OFFSET,
                            "compression algorithm %s is not handled", SV_OID_NAME(algorithm.oid));
    }
    if (algorithm.parameters.len > 0 && !sv_equal(algorithm.parameters, SV_SPAN("\x05\x00"))) {
        return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "CMS-07", SIPVEIL_NO_OFFSET,
                            "the compression algorithm has parameters");
    }
    SV_TRY(sv_der_enter(c, SV_DER_SEQUENCE, "compressed content", &info, err));
    SV_TRY(sv_der_take_oid(&info, "content type", &oid, err));
    SV_TRY(sv_der_enter(&info, CONTEXT_CONSTRUCTED | 0, "content", &wrapped, err));
    SV_TRY(
        sv_der_take_octets(&wrapped, SV_DER_OCTET_STRING, "content", limits, arena, stream, err));
    SV_TRY(sv_der_end(&wrapped, err));
    SV_TRY(sv_der_end(&info, err));
    *content_kind = sv_oid_cms_type(oid);
    return sv_der_end(c, err);
}

/* Octets that may come out of so many: the whole is known before the first is inflated. */
static size_t most_out(size_t compressed, const sipveil_limits *limits)
{
    size_t most;
    if (__builtin_mul_overflow(compressed, limits->inflate_ratio, &most)) most = SIZE_MAX;
    if (most < RATIO_FROM) most = RATIO_FROM;
    return most < limits->message ? most : limits->message;
}

static sipveil_code refuse_stream(const z_stream *z, sipveil_error *err)
{
    return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-131", SIPVEIL_NO_OFFSET,
                        "the compressed stream is no zlib stream or is damaged: %s",
                        z->msg != NULL ? z->msg : "cut short");
}

/* What is free already, before the buffer grows. */
static size_t chunk_of(const sv_buffer *out)
{
    size_t most = out->capacity > out->len ? out->capacity - out->len : out->most - out->len;
    return most < CHUNK ? most : CHUNK;
}

/* Inflates chunk by chunk into `out`, which takes one octet more than is allowed, so that a stream
 * that ends exactly there is told from one that goes on. */
static sipveil_code inflate_chunks(z_stream *z, size_t most, sv_buffer *out, sipveil_error *err)
{
    int result = Z_OK;
    while (result != Z_STREAM_END) {
        size_t chunk = chunk_of(out);
        uint8_t *at = sv_put_room(out, chunk);
        if (at == NULL) return sv_no_memory(err, room);
        z->next_out = at;
        z->avail_out = (unsigned)chunk;
        result = inflate(z, Z_NO_FLUSH);
        out->len -= z->avail_out;
        if (result == Z_MEM_ERROR) return sv_no_memory(err, room);
        if (result != Z_OK && result != Z_STREAM_END) return refuse_stream(z, err);
        if (out->len > most) {
            return sv_fail_rule(err, room, SIPVEIL_LIMIT, "ADV-130", SIPVEIL_NO_OFFSET,
                                "the compressed content is larger than %zu octets", most);
        }
    }
    if (z->avail_in == 0) return SIPVEIL_OK;
    return sv_fail_rule(err, room, SIPVEIL_MALFORMED, "ADV-131", SIPVEIL_NO_OFFSET,
                        "%u octets after the compressed stream", z->avail_in);
}

static sipveil_code inflate_all(sipveil_span stream, const sipveil_limits *limits, sv_arena *arena,
                                sipveil_span *out, sipveil_error *err)
{
    z_stream z = {.zalloc = allocate, .zfree = release, .opaque = arena};
    size_t most = most_out(stream.len, limits);
    sv_buffer buffer;
    if (stream.len > UINT_MAX) {
        return sv_fail(err, room, SIPVEIL_LIMIT, "a compressed stream of %zu octets", stream.len);
    }
    int result =
        inflateInit2(&z, WINDOW_MOST); /* a zlib header is demanded: no gzip, no raw deflate */
    if (result != Z_OK) return fail_zlib(result, "start", err);
    size_t expected = stream.len < CHUNK / 8 ? stream.len * 8 : CHUNK;
    sv_buffer_init(&buffer, arena, expected, most + 1);
    z.next_in = stream.data;
    z.avail_in = (unsigned)stream.len;
    SV_TRY(inflate_chunks(&z, most, &buffer, err));
    *out = sv_buffer_span(&buffer);
    return SIPVEIL_OK;
}

sipveil_code sv_cms_decompress(sipveil_span content, const sipveil_limits *limits, sv_arena *arena,
                               sipveil_span *out, sv_cms_type *content_kind,
                               size_t *compressed_size, sipveil_error *err)
{
    sv_cursor outer = sv_cursor_over(content, "CompressedData"), c;
    sipveil_span stream = {0};
    sv_cms_type kind = SV_CMS_UNKNOWN;
    *out = sv_span(NULL, 0);
    *content_kind = SV_CMS_UNKNOWN;
    *compressed_size = 0;
    SV_TRY(sv_der_scan(content, limits, false, err));
    SV_TRY(sv_der_enter(&outer, SV_DER_SEQUENCE, "CompressedData", &c, err));
    SV_TRY(read_fields(&c, limits, arena, &stream, &kind, err));
    SV_TRY(inflate_all(stream, limits, arena, out, err));
    *content_kind = kind;
    *compressed_size = stream.len;
    return SIPVEIL_OK;
}
