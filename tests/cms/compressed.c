/* SPDX-License-Identifier: BSD-2-Clause */
/* CompressedData: what we compress inflates to the same octets, and every damaged, foreign or
 * exploding stream is refused within bounds. */
#include "cms/identities.h"

#include <limits.h>

#define ZLIB_CONST
#include <zlib.h>

static sipveil_span compress_content(fixture *f, sipveil_span content)
{
    sipveil_error err;
    sv_buffer out;
    sv_buffer_init(&out, f->arena, 256, 1 << 26);
    assert_int_equal(sv_cms_compress(content, f->arena, &out, &err), SIPVEIL_OK);
    return sv_buffer_span(&out);
}

static sipveil_code inflate_with(fixture *f, sipveil_span message, const sipveil_limits *limits,
                                 sipveil_span *out, sipveil_error *err)
{
    sipveil_span content;
    sv_cms_type type, kind;
    size_t compressed;
    SV_TRY(sv_cms_read_content_info(message, limits, &type, &content, err));
    assert_int_equal(type, SV_CMS_COMPRESSED);
    sipveil_code code = sv_cms_decompress(content, limits, f->arena, out, &kind, &compressed, err);
    assert_int_equal(kind, code == SIPVEIL_OK ? SV_CMS_DATA : SV_CMS_UNKNOWN);
    assert_int_equal(compressed > 0, code == SIPVEIL_OK);
    if (code != SIPVEIL_OK) assert_int_equal(out->len, 0);
    return code;
}

static void contents_of_every_size_come_back(void **state)
{
    static const size_t sizes[] = {0,     1,     2,     100,   255,   256,    257,
                                   511,   512,   513,   1300,  4096,  4097,   32767,
                                   32768, 32769, 65535, 65536, 65537, 200000, 1000000};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (unsigned random = 0; random < 2; random++) {
            uint8_t *data = sv_arena_alloc(f->arena, sizes[i] + 1);
            sipveil_span content = sv_span(data, sizes[i]), back;
            sipveil_error err;
            uint32_t seed = 12345;
            for (size_t n = 0; n < sizes[i]; n++) {
                seed = seed * 1103515245u + 12345u;
                data[n] = random || n % 16 == 0
                              ? (uint8_t)(seed >> 16)
                              : (uint8_t) "Via: SIP/2.0/UDP "[(n + n / 1000) % 17];
            }
            sipveil_span message = compress_content(f, content);
            const sipveil_limits *limits = sipveil_context_limits(f->context);
            assert_int_equal(sv_der_scan(message, limits, true, &err), SIPVEIL_OK);
            assert_int_equal(inflate_with(f, message, limits, &back, &err), SIPVEIL_OK);
            assert_true(sv_equal(back, content));
            if (!random && sizes[i] > 1000) assert_true(message.len < sizes[i] / 3);
            sv_arena_reset(f->arena);
        }
    }
}

/* A CompressedData around this stream. */
typedef struct wrapping {
    uint64_t version;
    sv_oid algorithm;       /* UNKNOWN: zlib */
    const char *parameters; /* two octets; NULL: none */
    bool no_content, trailing, in_pieces;
    sv_oid content_type; /* UNKNOWN: data */
} wrapping;

static sipveil_span wrap(fixture *f, sipveil_span stream, wrapping how)
{
    sv_der_writer w;
    assert_true(sv_der_writer_init(&w, f->arena, stream.len + 256));
    if (how.trailing) sv_der_put_null(&w);
    sv_der_mark mark = sv_der_mark_here(&w), info = mark;
    if (!how.no_content) {
        if (how.in_pieces) {
            sipveil_span head = sv_span(stream.data, stream.len / 2);
            sv_der_put_value(&w, SV_DER_OCTET_STRING, sv_span_from(stream, stream.len / 2));
            sv_der_put_value(&w, SV_DER_OCTET_STRING, head);
            sv_der_wrap(&w, SV_DER_OCTET_STRING | SV_DER_CONSTRUCTED, mark);
        } else {
            sv_der_put_value(&w, SV_DER_OCTET_STRING, stream);
        }
        sv_der_wrap(&w, 0xA0, mark);
    }
    sv_der_put_oid(
        &w, sv_oid_content(how.content_type != SV_OID_UNKNOWN ? how.content_type : SV_OID_DATA));
    sv_der_wrap(&w, SV_DER_SEQUENCE, info);
    mark = sv_der_mark_here(&w);
    if (how.parameters != NULL) sv_der_put(&w, sv_span(how.parameters, 2));
    sv_der_put_oid(&w,
                   sv_oid_content(how.algorithm != SV_OID_UNKNOWN ? how.algorithm : SV_OID_ZLIB));
    sv_der_wrap(&w, SV_DER_SEQUENCE, mark);
    sv_der_put_number(&w, how.version);
    sv_der_wrap(&w, SV_DER_SEQUENCE, 0);
    assert_false(w.failed);
    return sv_der_written(&w);
}

static sipveil_code open_stream(fixture *f, sipveil_span stream, wrapping how, sipveil_span *out,
                                sipveil_error *err)
{
    sv_cms_type kind;
    size_t compressed;
    return sv_cms_decompress(wrap(f, stream, how), sipveil_context_limits(f->context), f->arena,
                             out, &kind, &compressed, err);
}

/* window_bits: 9..15 zlib, negative raw, over 15 gzip. */
static sipveil_span stream_of(fixture *f, sipveil_span content, int window_bits)
{
    z_stream z = {.next_in = content.data, .avail_in = (unsigned)content.len};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t most = deflateBound(&z, content.len) + 64;
    uint8_t *out = sv_arena_alloc(f->arena, most);
    z.next_out = out;
    z.avail_out = (unsigned)most;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    sipveil_span stream = sv_span(out, most - z.avail_out);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return stream;
}

#define TEXT                                                                                       \
    "INVITE sip:bob@biloxi.example SIP/2.0\r\nVia: SIP/2.0/UDP a.example\r\nVia: SIP/2.0/UDP "     \
    "b.example\r\n"

static void forms_that_are_read(void **state)
{
    fixture *f = *state;
    const wrapping forms[] = {{0}, {.parameters = "\x05\x00"}, {.in_pieces = true}};
    for (size_t i = 0; i < 3; i++) {
        for (int bits = 9; bits <= 15; bits++) {
            sipveil_span out;
            sipveil_error err;
            assert_int_equal(
                open_stream(f, stream_of(f, SV_SPAN(TEXT), bits), forms[i], &out, &err),
                SIPVEIL_OK);
            assert_true(sv_equal_str(out, TEXT));
        }
    }
    sv_arena_reset(f->arena);
}

/* CMS-07 */
static void forms_that_are_refused(void **state)
{
    fixture *f = *state;
    const struct {
        wrapping how;
        sipveil_code code;
    } forms[] = {
        {{.version = 1}, SIPVEIL_MALFORMED},
        {{.version = 2}, SIPVEIL_MALFORMED},
        {{.parameters = "\x30\x00"}, SIPVEIL_MALFORMED},
        {{.no_content = true}, SIPVEIL_MALFORMED},
        {{.trailing = true}, SIPVEIL_MALFORMED},
        {{.algorithm = SV_OID_RSA}, SIPVEIL_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        sipveil_span out;
        sipveil_error err;
        assert_int_equal(open_stream(f, stream_of(f, SV_SPAN(TEXT), 15), forms[i].how, &out, &err),
                         forms[i].code);
        assert_int_equal(out.len, 0);
    }
    sv_arena_reset(f->arena);
}

static void content_type_is_reported(void **state)
{
    fixture *f = *state;
    sipveil_span out, message = wrap(f, stream_of(f, SV_SPAN(TEXT), 15),
                                     (wrapping){.content_type = SV_OID_SIGNED_DATA});
    sipveil_error err;
    sv_cms_type kind;
    size_t compressed;
    assert_int_equal(sv_cms_decompress(message, sipveil_context_limits(f->context), f->arena, &out,
                                       &kind, &compressed, &err),
                     SIPVEIL_OK);
    assert_int_equal(kind, SV_CMS_SIGNED);
    sv_arena_reset(f->arena);
}

static void assert_refused(fixture *f, sipveil_span stream, const char *what)
{
    sipveil_span out;
    sipveil_error err;
    sipveil_code code = open_stream(f, stream, (wrapping){0}, &out, &err);
    if (code != SIPVEIL_MALFORMED) fail_msg("%s: code %d", what, code);
    assert_string_equal(err.rule, "ADV-131");
    assert_int_equal(out.len, 0);
}

/* ADV-131 */
static void damaged_and_foreign_streams_are_refused(void **state)
{
    fixture *f = *state;
    sipveil_span good = stream_of(f, SV_SPAN(TEXT), 15);
    for (size_t len = 0; len < good.len; len++)
        assert_refused(f, sv_span(good.data, len), "truncated");
    for (size_t i = 1; i <= 4; i++) { /* wrong Adler-32 */
        sipveil_span changed = copy_of(f, good);
        ((uint8_t *)(uintptr_t)changed.data)[changed.len - i] ^= 0x10;
        assert_refused(f, changed, "adler");
    }
    uint8_t *longer = sv_arena_alloc(f->arena, good.len * 2);
    memcpy(longer, good.data, good.len);
    assert_refused(f, sv_span(longer, good.len + 1), "a zero after the end");
    memcpy(longer + good.len, good.data, good.len);
    assert_refused(f, sv_span(longer, good.len * 2), "a second stream");
    assert_refused(f, stream_of(f, SV_SPAN(TEXT), -15), "raw deflate");
    assert_refused(f, stream_of(f, SV_SPAN(TEXT), 15 + 16), "gzip");
    assert_refused(f, SV_SPAN("\x78\xBB\x00\x00\x00\x01\x03\x00\x00\x00\x00\x01"),
                   "preset dictionary");
    assert_refused(f, SV_SPAN(TEXT), "text");
    sv_arena_reset(f->arena);
}

/* ADV-130: a ratio of a thousand ends at the limit, with memory bounded by it. */
static void bombs_are_refused_within_bounds(void **state)
{
    fixture *f = *state;
    size_t zeros_len = 64u << 20;
    uint8_t *zeros = test_calloc(1, zeros_len);
    sipveil_span bomb, out;
    sipveil_error err;
    sv_arena *keep = sv_arena_new(1 << 16, 1 << 20);
    assert_non_null(keep);
    assert_true(sv_arena_copy(keep, stream_of(f, sv_span(zeros, zeros_len), 15), &bomb));
    test_free(zeros);
    sv_arena_reset(f->arena);
    assert_true(bomb.len < zeros_len / 900);
    assert_int_equal(open_stream(f, bomb, (wrapping){0}, &out, &err), SIPVEIL_LIMIT);
    assert_string_equal(err.rule, "ADV-130");
    assert_true(sv_arena_used(f->arena) < 4 * 100 * bomb.len);
    sv_arena_free(keep);
    sv_arena_reset(f->arena);
}

/* The bounds to the octet: 64 KiB whatever the ratio, then a hundred to one, never over the
 * message. */
static void output_is_limited_to_the_octet(void **state)
{
    fixture *f = *state;
    sipveil_limits limits = *sipveil_context_limits(f->context);
    uint8_t *zeros = test_calloc(1, 1 << 20);
    sipveil_span out;
    sipveil_error err;
    assert_int_equal(
        inflate_with(f, compress_content(f, sv_span(zeros, 65536)), &limits, &out, &err),
        SIPVEIL_OK);
    assert_int_equal(out.len, 65536);
    assert_int_equal(
        inflate_with(f, compress_content(f, sv_span(zeros, 65537)), &limits, &out, &err),
        SIPVEIL_LIMIT);
    limits.inflate_ratio = 10000;
    assert_int_equal(
        inflate_with(f, compress_content(f, sv_span(zeros, 65537)), &limits, &out, &err),
        SIPVEIL_OK);
    limits.message = 70000;
    assert_int_equal(
        inflate_with(f, compress_content(f, sv_span(zeros, 70000)), &limits, &out, &err),
        SIPVEIL_OK);
    assert_int_equal(
        inflate_with(f, compress_content(f, sv_span(zeros, 70001)), &limits, &out, &err),
        SIPVEIL_LIMIT);
    limits.message = 1000;
    assert_int_equal(
        inflate_with(f, compress_content(f, sv_span(zeros, 1000)), &limits, &out, &err),
        SIPVEIL_OK);
    assert_int_equal(
        inflate_with(f, compress_content(f, sv_span(zeros, 1001)), &limits, &out, &err),
        SIPVEIL_LIMIT);
    test_free(zeros);
    sv_arena_reset(f->arena);
}

/* Whatever room an operation is left with, it does the whole or says that memory is out. */
static bool with_room(fixture *f, size_t room, sipveil_span content, sipveil_span message)
{
    sv_arena *arena = sv_arena_new(64, room), *result = sv_arena_new(1 << 16, 1 << 20);
    assert_non_null(arena);
    sipveil_error err;
    sipveil_span out = {0};
    sv_cms_type kind;
    size_t compressed = 1;
    sv_buffer written;
    assert_non_null(result);
    if (arena == NULL) {
        sv_arena_free(result);
        return false;
    }
    sv_buffer_init(&written, result, 64, 1 << 19);
    sipveil_code wrote = sv_cms_compress(content, arena, &written, &err);
    assert_true(wrote == SIPVEIL_OK || (wrote == SIPVEIL_INTERNAL && written.len == 0));
    sv_arena_reset(arena);
    sipveil_code read = sv_cms_decompress(message, sipveil_context_limits(f->context), arena, &out, &kind, &compressed, &err);
    if (read == SIPVEIL_OK) {
        assert_true(sv_equal(out, content));
    } else {
        assert_int_equal(read, SIPVEIL_INTERNAL);
        assert_string_equal(err.text, "out of memory");
        assert_true(out.len == 0 && compressed == 0 && kind == SV_CMS_UNKNOWN);
    }
    sv_arena_free(arena);
    sv_arena_free(result);
    return wrote == SIPVEIL_OK && read == SIPVEIL_OK;
}

/* ADV-215: memory that ends at any place, in pieces small and large; what zlib itself takes among it. */
static void memory_that_ends_anywhere(void **state)
{
    fixture *f = *state;
    uint8_t *data = sv_arena_alloc(f->keys, 3000);
    for (size_t i = 0; i < 3000; i++) data[i] = (uint8_t) "Via: SIP/2.0/UDP "[(i + i / 100) % 17];
    sipveil_span content = sv_span(data, 3000), plain, message, inner;
    sv_cms_type type;
    assert_true(sv_arena_copy(f->keys, compress_content(f, content), &message));
    assert_int_equal(sv_cms_read_content_info(message, sipveil_context_limits(f->context), &type, &inner, NULL), SIPVEIL_OK);
    plain = wrap(f, stream_of(f, content, 15), (wrapping){.in_pieces = true});
    bool done = false, all = false;
    for (size_t room = 64; room < 1 << 19 && !done; room += 64 + room / 64) done = with_room(f, room, content, inner);
    for (size_t room = 64; room < 1 << 19 && !all; room += 64 + room / 64) {
        sv_arena *arena = sv_arena_new(64, room);
        assert_non_null(arena);
        sipveil_span out;
        sv_cms_type kind;
        size_t compressed;
        assert_non_null(arena);
        sipveil_code code = sv_cms_decompress(plain, sipveil_context_limits(f->context), arena, &out, &kind, &compressed, NULL);
        assert_true(code == SIPVEIL_OK || code == SIPVEIL_INTERNAL);
        all = code == SIPVEIL_OK;
        sv_arena_free(arena);
    }
    assert_true(done && all);
    sv_arena_reset(f->arena);
}

/* A result that has no room for the message, and content that zlib could not count. */
static void results_that_do_not_fit(void **state)
{
    fixture *f = *state;
    sipveil_error err;
    sv_buffer out;
    sv_buffer_init(&out, f->arena, 16, 40);
    assert_int_equal(sv_cms_compress(SV_SPAN(TEXT), f->arena, &out, &err), SIPVEIL_LIMIT);
    sv_buffer_init(&out, f->arena, 16, 1 << 20);
    assert_int_equal(sv_cms_compress(sv_span(TEXT, (size_t)UINT_MAX), f->arena, &out, &err), SIPVEIL_LIMIT);
    assert_string_equal(err.text, "4294967295 octets are too many to compress");
    sv_arena_reset(f->arena);
}

/* CMS-07: every field in its place, of its type, and nothing behind it. Each row is a value of CompressedData. */
static void fields_that_are_wrong(void **state)
{
#define ALGORITHM "\x30\x0D\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x03\x08"
#define DATA "\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01"
    static const struct {
        const char *what, *octets;
        size_t len;
    } rows[] = {
#define ROW(what, octets) {what, octets, sizeof octets - 1}
        ROW("no SEQUENCE", "\x31\x00"),
        ROW("empty", "\x30\x00"),
        ROW("a version that is no number", "\x30\x02\x05\x00"),
        ROW("nothing after the version", "\x30\x03\x02\x01\x00"),
        ROW("no algorithm", "\x30\x05\x02\x01\x00\x05\x00"),
        ROW("nothing after the algorithm", "\x30\x12\x02\x01\x00" ALGORITHM),
        ROW("content that is no SEQUENCE", "\x30\x14\x02\x01\x00" ALGORITHM "\x31\x00"),
        ROW("content without a type", "\x30\x14\x02\x01\x00" ALGORITHM "\x30\x00"),
        ROW("a type and no content", "\x30\x1F\x02\x01\x00" ALGORITHM "\x30\x0B" DATA),
        ROW("content that is no OCTET STRING", "\x30\x23\x02\x01\x00" ALGORITHM "\x30\x0F" DATA "\xA0\x02\x05\x00"),
        ROW("two strings", "\x30\x25\x02\x01\x00" ALGORITHM "\x30\x11" DATA "\xA0\x04\x04\x00\x04\x00"),
        ROW("something after the content", "\x30\x25\x02\x01\x00" ALGORITHM "\x30\x11" DATA "\xA0\x02\x04\x00\x05\x00"),
        ROW("something after all of it", "\x30\x25\x02\x01\x00" ALGORITHM "\x30\x0F" DATA "\xA0\x02\x04\x00\x05\x00"),
        ROW("a string longer than its frame", "\x30\x23\x02\x01\x00" ALGORITHM "\x30\x0F" DATA "\xA0\x02\x04\x01"),
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_span out;
        sipveil_error err;
        sv_cms_type kind;
        size_t compressed;
        sipveil_code code = sv_cms_decompress(sv_span(rows[i].octets, rows[i].len), sipveil_context_limits(f->context), f->arena,
                                              &out, &kind, &compressed, &err);
        if (code != SIPVEIL_MALFORMED) fail_msg("%s: code %d: %s", rows[i].what, code, err.text);
        if (strcmp(err.rule, "ADV-131") == 0) fail_msg("%s: came as far as the stream", rows[i].what);
        assert_true(out.len == 0 && kind == SV_CMS_UNKNOWN);
    }
    sv_arena_reset(f->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_of_every_size_come_back),
        cmocka_unit_test(forms_that_are_read),
        cmocka_unit_test(forms_that_are_refused),
        cmocka_unit_test(content_type_is_reported),
        cmocka_unit_test(damaged_and_foreign_streams_are_refused),
        cmocka_unit_test(bombs_are_refused_within_bounds),
        cmocka_unit_test(output_is_limited_to_the_octet),
        cmocka_unit_test(memory_that_ends_anywhere),
        cmocka_unit_test(results_that_do_not_fit),
        cmocka_unit_test(fields_that_are_wrong),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
