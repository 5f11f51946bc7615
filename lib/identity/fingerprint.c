/* SPDX-License-Identifier: BSD-2-Clause */
/* Fingerprints of media keys in SDP (RFC 8122 5), in the order and form of `mky` (RFC 8225 5.2.2). */
#include "identity/body.h"
#include "mime/sdp.h"

enum { DIGEST_OCTETS_MOST = 64 };

static sipveil_code no_fingerprint(sipveil_span line, sipveil_error *err)
{
    return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_MALFORMED, "IDN-30", SIPVEIL_NO_OFFSET,
                        "\"%s\" in the SDP is no fingerprint", SV_QUOTE(line));
}

/* Octets that a hash of that name has; 0: not known here. */
static size_t digest_size(sipveil_span algorithm)
{
    static const struct {
        const char *name;
        size_t size;
    } rows[] = {{"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}, {"sha-224", 28}, {"sha-1", 20}, {"md5", 16}, {"md2", 16}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (sv_equal_str(algorithm, rows[i].name)) return rows[i].size;
    }
    return 0;
}

/* Two digits and colons to digits in upper case. False: another form. */
static bool put_digest(sv_cursor *c, sv_buffer *out, size_t *octets)
{
    uint8_t digits[2];
    *octets = 0;
    do {
        for (size_t i = 0; i < 2; i++) {
            if (!sv_take_byte(c, &digits[i]) || !sv_is_hex(digits[i])) return false;
            sv_put_byte(out, sv_is_digit(digits[i]) ? digits[i] : (uint8_t)(sv_lower(digits[i]) - 'a' + 'A'));
        }
        if (++*octets > DIGEST_OCTETS_MOST) return false;
    } while (sv_take_if(c, ':'));
    return sv_at_end(c);
}

/* What stands after "a=fingerprint:". */
static sipveil_code add_fingerprint(sipveil_span value, sv_arena *arena, sv_fingerprints *out, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(value, "fingerprint");
    sv_buffer name, digest;
    size_t octets;
    sv_buffer_init(&name, arena, 16, 64);
    sv_buffer_init(&digest, arena, 2 * DIGEST_OCTETS_MOST + 2, 2 * DIGEST_OCTETS_MOST + 2);
    sipveil_span algorithm = sv_take_while(&c, sv_is_token);
    sv_put_lower(&name, algorithm);
    if (algorithm.len == 0 || !sv_take_if(&c, ' ') || !put_digest(&c, &digest, &octets)) return no_fingerprint(value, err);
    SV_TRY(sv_buffer_check(&name, SV_IDENTITY, err));
    SV_TRY(sv_buffer_check(&digest, SV_IDENTITY, err));
    size_t wanted = digest_size(sv_buffer_span(&name));
    if (wanted != 0 && octets != wanted) return no_fingerprint(value, err);
    if (out->items == NULL) out->items = sv_arena_alloc_raw(arena, SIPVEIL_IDENTITY_FINGERPRINTS_MOST * sizeof *out->items);
    if (out->items == NULL) return sv_no_memory(err, SV_IDENTITY);
    if (out->count == SIPVEIL_IDENTITY_FINGERPRINTS_MOST) {
        return sv_fail_rule(err, SV_IDENTITY, SIPVEIL_LIMIT, "IDN-43", SIPVEIL_NO_OFFSET, "more than %d fingerprints in the SDP",
                            SIPVEIL_IDENTITY_FINGERPRINTS_MOST);
    }
    out->items[out->count++] = (sipveil_identity_fingerprint){sv_buffer_span(&name), sv_buffer_span(&digest)};
    return SIPVEIL_OK;
}

/* Some read a line as a fingerprint that has blanks in front or letters in another case, others do not (RFC 8866 5, 6): it
 * is not signed for. */
static bool looks_so(sipveil_span line, const char *attribute, sipveil_span *value)
{
    sv_cursor c = sv_cursor_over(sv_trim(line), "SDP");
    if (!sv_take_literal_nocase(&c, attribute)) return false;
    *value = sv_rest(&c);
    return true;
}

sipveil_code sv_fingerprints_add_sdp(sipveil_span sdp, sv_arena *arena, sv_fingerprints *out, sipveil_error *err)
{
    static const char attribute[] = "a=fingerprint:";
    sv_cursor lines = sv_cursor_over(sdp, "SDP");
    sv_sdp_line line;
    sipveil_span value;
    while (sv_sdp_take_line(&lines, &line)) {
        sv_cursor c = sv_cursor_over(line.text, "SDP");
        if (sv_take_literal(&c, attribute)) SV_TRY(add_fingerprint(sv_rest(&c), arena, out, err));
        else if (looks_so(line.text, attribute, &value)) return no_fingerprint(value, err);
    }
    return SIPVEIL_OK;
}

/* ---- where SDP is in a body ---- */

typedef struct looking {
    const sv_sip_view *view;
    sv_fingerprints *out;
} looking;

/* Who undoes a Content-Encoding sees other octets, and in them maybe another SDP: a comment of gzip has room for lines that
 * look like ours. */
static bool is_encoded(sipveil_span value)
{
    return !sv_equal_nocase_str(value, "identity");
}

static sipveil_code encoded(const sv_body_walk *w, sipveil_span value)
{
    return sv_fail_rule(w->err, SV_IDENTITY, SIPVEIL_MALFORMED, "IDN-30", SIPVEIL_NO_OFFSET,
                        "the SDP has Content-Encoding \"%s\", so that its fingerprints cannot be read", SV_QUOTE(value));
}

static sipveil_code visit(sv_body_walk *w, const sv_mime_entity *entity, size_t depth)
{
    const looking *l = w->user;
    sipveil_span sdp;
    bool several = sv_equal_nocase_str(entity->type.type, "multipart");
    if (!several && !sv_media_type_is(&entity->type, "application", "sdp")) return SIPVEIL_OK;
    const sv_sip_field *row = depth == 0 ? sv_sip_first(l->view, SV_F_CONTENT_ENCODING) : NULL;
    for (; row != NULL; row = sv_sip_next(l->view, row)) {
        if (is_encoded(row->value)) return encoded(w, row->value);
    }
    for (size_t i = 0; i < entity->field_count; i++) {
        const sv_mime_field *f = &entity->fields[i];
        if (sv_equal_nocase_str(f->name, "Content-Encoding") && is_encoded(f->value)) return encoded(w, f->value);
    }
    if (several) return SIPVEIL_OK;
    SV_TRY(sv_mime_decoded_content(entity, w->arena, &sdp, w->err));
    return sv_fingerprints_add_sdp(sdp, w->arena, l->out, w->err);
}

static int compare(const sipveil_identity_fingerprint *a, const sipveil_identity_fingerprint *b)
{
    /* by the concatenation of algorithm and digest */
    size_t n = a->algorithm.len + a->digest.len, m = b->algorithm.len + b->digest.len;
    for (size_t i = 0; i < n && i < m; i++) {
        uint8_t x = i < a->algorithm.len ? a->algorithm.data[i] : a->digest.data[i - a->algorithm.len];
        uint8_t y = i < b->algorithm.len ? b->algorithm.data[i] : b->digest.data[i - b->algorithm.len];
        if (x != y) return x < y ? -1 : 1;
    }
    return n < m ? -1 : n > m;
}

/* In order, none twice: few of them, so by insertion. */
static void sort(sv_fingerprints *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        sipveil_identity_fingerprint item = list->items[i];
        size_t at = kept;
        while (at > 0 && compare(&item, &list->items[at - 1]) < 0) at--;
        if (at > 0 && compare(&item, &list->items[at - 1]) == 0) continue;
        for (size_t k = kept; k > at; k--) list->items[k] = list->items[k - 1];
        list->items[at] = item;
        kept++;
    }
    list->count = kept;
}

/* The usual case: the body is SDP, and no encoding is to be undone. */
static bool is_plain_sdp(const sv_sip_view *view)
{
    sv_cursor c = sv_cursor_over(sv_sip_value(view, SV_F_CONTENT_TYPE), "Content-Type");
    uint8_t next;
    return sv_take_literal_nocase(&c, "application/sdp") && (!sv_peek(&c, &next) || next == ';') &&
           sv_sip_first(view, SV_F_CONTENT_TRANSFER_ENCODING) == NULL && sv_sip_first(view, SV_F_CONTENT_ENCODING) == NULL;
}

static sipveil_code read_body(sv_body_walk *w, const looking *l)
{
    if (is_plain_sdp(l->view)) return sv_fingerprints_add_sdp(l->view->body, w->arena, l->out, w->err);
    sv_mime_entity *entity = sv_arena_alloc_raw(w->arena, sizeof *entity);
    if (entity == NULL) return sv_no_memory(w->err, SV_IDENTITY);
    SV_TRY(sv_entity_of_body(l->view, w->limits, 0, entity, w->err));
    return sv_body_walk_entity(w, entity, 0);
}

sipveil_code sv_fingerprints_read(const sv_sip_view *view, const sipveil_limits *limits, sv_arena *arena,
                                  sv_fingerprints *out, sipveil_error *err)
{
    *out = (sv_fingerprints){0};
    if (view->body.len == 0) return SIPVEIL_OK;
    looking l = {.view = view, .out = out};
    sv_body_walk w = {.limits = limits, .arena = arena, .err = err, .depth_most = limits->mime_depth, .visit = visit, .user = &l};
    sipveil_code code = read_body(&w, &l);
    if (code == SIPVEIL_OK) sort(out);
    else *out = (sv_fingerprints){0};
    return code;
}
