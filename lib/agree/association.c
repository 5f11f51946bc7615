/* SPDX-License-Identifier: BSD-2-Clause */
/* An association as octets: a first line, then one field after the other as "name SP length LF octets LF". All of them, in
 * one order; anything else is damage. */
#include "agree/client.h"

#define MAGIC "sipveil agreement 1\n"

enum { NUMBER_MOST = 20, IMAGE_MOST = 16 << 20 };

typedef enum field_type { FIELD_NUMBER, FIELD_FLAG, FIELD_SPAN } field_type;

typedef struct field {
    const char *name;
    field_type type;
    int64_t *number; /* of NUMBER and FLAG: where it is read to, or taken from */
    sipveil_span *span;
    uint64_t most;   /* of NUMBER */
} field;

/* Numbers of all kinds, on the way in and out. */
typedef struct numbers {
    int64_t state, failure, profile, must, passive, chosen, rank, www, nonce_count, expires, ignored;
    int64_t restarts[SIPVEIL_AGREE_RESTARTS_MOST];
} numbers;

enum { FIELDS = 25 };

static void fill_fields(sipveil_agree_association *a, numbers *n, field out[FIELDS])
{
    const field fields[FIELDS] = {
        {"state", FIELD_NUMBER, &n->state, NULL, SIPVEIL_AGREE_STATE_COUNT - 1},
        {"failure", FIELD_NUMBER, &n->failure, NULL, SIPVEIL_AGREE_FAILURE_COUNT - 1},
        {"profile", FIELD_NUMBER, &n->profile, NULL, SIPVEIL_AGREE_PROFILE_COUNT - 1},
        {"must", FIELD_FLAG, &n->must, NULL, 1},
        {"passive", FIELD_FLAG, &n->passive, NULL, 1},
        {"own-list", FIELD_SPAN, NULL, &a->own_list, 0},
        {"request", FIELD_SPAN, NULL, &a->request, 0},
        {"security-client", FIELD_SPAN, NULL, &a->security_client, 0},
        {"server-list", FIELD_SPAN, NULL, &a->server_list, 0},
        {"first-list", FIELD_SPAN, NULL, &a->first_list, 0},
        {"chosen", FIELD_NUMBER, &n->chosen, NULL, UINT32_MAX},
        {"mechanism", FIELD_SPAN, NULL, &a->mechanism, 0},
        {"rank", FIELD_NUMBER, &n->rank, NULL, UINT32_MAX},
        {"challenge", FIELD_SPAN, NULL, &a->challenge, 0},
        {"www", FIELD_FLAG, &n->www, NULL, 1},
        {"nonce-count", FIELD_NUMBER, &n->nonce_count, NULL, UINT32_MAX},
        {"cnonce", FIELD_SPAN, NULL, &a->cnonce, 0},
        {"certificate", FIELD_SPAN, NULL, &a->certificate, 0},
        {"verify-sent", FIELD_SPAN, NULL, &a->verify_sent, 0},
        {"credentials-sent", FIELD_SPAN, NULL, &a->credentials_sent, 0},
        {"expires", FIELD_NUMBER, &n->expires, NULL, INT64_MAX},
        {"ignored", FIELD_NUMBER, &n->ignored, NULL, UINT32_MAX},
        {"restart-1", FIELD_NUMBER, &n->restarts[0], NULL, INT64_MAX},
        {"restart-2", FIELD_NUMBER, &n->restarts[1], NULL, INT64_MAX},
        {"restart-3", FIELD_NUMBER, &n->restarts[2], NULL, INT64_MAX},
    };
    for (size_t i = 0; i < FIELDS; i++) out[i] = fields[i];
}

sipveil_code sipveil_agree_save_association(sipveil_worker *worker, const sipveil_agree_association *association,
                                            sipveil_span *image, sipveil_error *err)
{
    field fields[FIELDS];
    sv_buffer b;
    if (worker == NULL || association == NULL || image == NULL) {
        return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "worker, association and a place are needed");
    }
    *image = sv_span(NULL, 0);
    sipveil_agree_association a = *association;
    numbers n = {a.state, a.failure, a.profile, a.must, a.passive, a.chosen, a.rank, a.www, a.nonce_count, a.expires, a.ignored,
                 {a.restarts[0], a.restarts[1], a.restarts[2]}};
    fill_fields(&a, &n, fields);
    /* Not a call that starts anew: the spans may be those of the worker's last outcome. */
    sv_buffer_init(&b, worker->arena, a.request.len + 4096, IMAGE_MOST);
    sv_put_str(&b, MAGIC);
    for (size_t i = 0; i < FIELDS; i++) {
        char digits[NUMBER_MOST + 1];
        sipveil_span value = fields[i].type == FIELD_SPAN ? *fields[i].span : SV_SPAN("");
        if (fields[i].type != FIELD_SPAN) {
            int length = snprintf(digits, sizeof digits, "%lld", (long long)*fields[i].number);
            value = sv_span(digits, (size_t)length);
        }
        sv_put_format(&b, "%s %zu\n", fields[i].name, value.len);
        sv_put(&b, value);
        sv_put_byte(&b, '\n');
    }
    SV_TRY(sv_buffer_check(&b, SV_AGREE, err));
    *image = sv_buffer_span(&b);
    return SIPVEIL_OK;
}

static bool take_field(sv_cursor *c, const field *f)
{
    sipveil_span digits, value;
    uint64_t length, number;
    if (!sv_take_literal(c, f->name) || !sv_take_if(c, ' ') || !sv_take_until(c, '\n', &digits) ||
        !sv_read_number(digits, IMAGE_MOST, &length) || !sv_take_if(c, '\n') || !sv_take(c, (size_t)length, &value) ||
        !sv_take_if(c, '\n')) {
        return false;
    }
    if (f->type == FIELD_SPAN) {
        *f->span = value;
        return true;
    }
    if (!sv_read_number(value, f->most, &number)) return false;
    *f->number = (int64_t)number;
    return true;
}

sipveil_code sipveil_agree_load_association(sipveil_span image, sipveil_agree_association *out, sipveil_error *err)
{
    field fields[FIELDS];
    numbers n = {0};
    if (out == NULL) return sv_fail(err, SV_AGREE, SIPVEIL_USAGE, "no place for the association");
    *out = (sipveil_agree_association){0};
    sv_cursor c = sv_cursor_over(image, "association");
    fill_fields(out, &n, fields);
    bool good = sv_take_literal(&c, MAGIC);
    for (size_t i = 0; good && i < FIELDS; i++) good = take_field(&c, &fields[i]);
    if (!good || !sv_at_end(&c)) {
        *out = (sipveil_agree_association){0};
        return sv_fail(err, SV_AGREE, SIPVEIL_MALFORMED, "no association of this version, or a damaged one");
    }
    out->state = (sipveil_agree_state)n.state;
    out->failure = (sipveil_agree_failure)n.failure;
    out->profile = (sipveil_agree_profile)n.profile;
    out->must = n.must != 0;
    out->passive = n.passive != 0;
    out->chosen = (uint32_t)n.chosen;
    out->rank = (uint32_t)n.rank;
    out->www = n.www != 0;
    out->nonce_count = (uint32_t)n.nonce_count;
    out->expires = n.expires;
    out->ignored = (uint32_t)n.ignored;
    for (size_t i = 0; i < SIPVEIL_AGREE_RESTARTS_MOST; i++) out->restarts[i] = n.restarts[i];
    return SIPVEIL_OK;
}
