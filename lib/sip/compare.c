/* SPDX-License-Identifier: BSD-2-Clause */
/* One header field in two messages, compared by SIP rules (TUN-40). No allocation: both sides are
 * read side by side. */
#include "sip/address.h"

/* How the rows of a field are compared. */
typedef enum manner {
    AS_TOKENS,       /* LWS without meaning, tokens without case, quoted strings with case */
    AS_TOKENS_CASED, /* the same with case */
    AS_TEXT,         /* free text: LWS is one space, all else counts */
    AS_OCTETS,
    AS_CSEQ,
    AS_DATE,
    AS_PARTY,    /* To, From: URI and tag; other parameters only if both have them */
    AS_ADDRESSES /* URI and parameters, in order */
} manner;

static manner manner_of(sv_field_id id)
{
    switch (id) {
    case SV_F_TO:
    case SV_F_FROM:
        return AS_PARTY;
    case SV_F_CONTACT:
    case SV_F_REPLY_TO:
    case SV_F_ROUTE:
    case SV_F_RECORD_ROUTE:
    case SV_F_ALERT_INFO:
    case SV_F_CALL_INFO:
    case SV_F_ERROR_INFO:
    case SV_F_REFER_TO:
    case SV_F_REFERRED_BY:
    case SV_F_P_ASSERTED_IDENTITY:
    case SV_F_P_PREFERRED_IDENTITY:
        return AS_ADDRESSES;
    case SV_F_CALL_ID:
    case SV_F_CONTENT_ID:
        return AS_OCTETS;
    case SV_F_CSEQ:
        return AS_CSEQ;
    case SV_F_DATE:
        return AS_DATE;
    case SV_F_SUBJECT:
    case SV_F_ORGANIZATION:
    case SV_F_USER_AGENT:
    case SV_F_SERVER:
        return AS_TEXT;
    case SV_F_IN_REPLY_TO:
    case SV_F_IDENTITY:
    case SV_F_IDENTITY_INFO:
        return AS_TOKENS_CASED;
    default:
        return AS_TOKENS;
    }
}

/* The rows of one field, read as one list. */
typedef struct sv_sip_tags list;

static list list_of(const sv_sip_view *view, const sv_sip_field *row)
{
    return (list){view, row, sv_cursor_over(row->value, "header field")};
}

static bool to_next_row(list *l)
{
    const sv_sip_field *next = sv_sip_next(l->view, l->row);
    if (next == NULL) return false;
    *l = list_of(l->view, next);
    return true;
}

/* Tokens. */

typedef enum token_kind { WORD, SEPARATOR, QUOTED, ROW_END, LIST_END, BROKEN } token_kind;

typedef struct token {
    token_kind kind;
    sipveil_span text;
} token;

static bool is_separator(uint8_t c)
{
    switch (c) {
    case '(':
    case ')':
    case '<':
    case '>':
    case '@':
    case ',':
    case ';':
    case ':':
    case '\\':
    case '"':
    case '/':
    case '[':
    case ']':
    case '?':
    case '=':
    case '{':
    case '}':
        return true;
    default:
        return false;
    }
}

static bool in_word(uint8_t c)
{
    return !is_separator(c) && !sv_is_blank(c) && c != '\r' && c != '\n';
}

/* Rows of one comma list are parted by a comma, others by a ROW_END that no value can hold. */
static token next_token(list *l)
{
    token t = {WORD, {NULL, 0}};
    uint8_t next;
    bool escaped;
    sv_skip_lws(&l->c);
    if (!sv_peek(&l->c, &next)) {
        bool comma = sv_field_info_of(l->row->id)->comma_list;
        if (!to_next_row(l))
            t.kind = LIST_END;
        else if (!comma)
            t.kind = ROW_END;
        else
            t = (token){SEPARATOR, SV_SPAN(",")};
    } else if (next == '"') {
        t.kind = sv_take_quoted(&l->c, &t.text, &escaped) ? QUOTED : BROKEN;
    } else if (is_separator(next)) {
        t.kind = SEPARATOR;
        (void)sv_take(&l->c, 1, &t.text);
    } else {
        t.text = sv_take_while(&l->c, in_word);
        if (t.text.len == 0) t.kind = BROKEN; /* a CR or LF that is no fold: not from the gate */
    }
    return t;
}

/* Octets with case; a run of LWS is the same as any other. */
static bool same_text(sipveil_span a, sipveil_span b)
{
    sv_cursor first = sv_cursor_over(a, "text"), second = sv_cursor_over(b, "text");
    for (;;) {
        const uint8_t *x = first.at, *y = second.at;
        sv_skip_lws(&first);
        sv_skip_lws(&second);
        if ((first.at != x) != (second.at != y)) return false;
        uint8_t c, d;
        bool more = sv_take_byte(&first, &c);
        if (more != sv_take_byte(&second, &d)) return false;
        if (!more) return true;
        if (c != d) return false;
    }
}

static sv_sip_comparison verdict(bool same)
{
    return same ? SV_SIP_EQUAL : SV_SIP_DIFFERENT;
}

static sv_sip_comparison compare_tokens(list a, list b, bool cased)
{
    for (;;) {
        token x = next_token(&a), y = next_token(&b);
        if (x.kind == BROKEN || y.kind == BROKEN) return SV_SIP_UNPARSABLE;
        if (x.kind != y.kind) return SV_SIP_DIFFERENT;
        if (x.kind == LIST_END) return SV_SIP_EQUAL;
        bool same = x.kind == QUOTED ? same_text(x.text, y.text)
                    : cased          ? sv_equal(x.text, y.text)
                                     : sv_equal_nocase(x.text, y.text);
        if (!same) return SV_SIP_DIFFERENT;
    }
}

/* Addresses. */

static bool find_parameter(sipveil_span params, sipveil_span name, sv_parameter *out)
{
    sv_cursor c = sv_cursor_over(params, "parameters");
    bool taken;
    while (sv_take_parameter(&c, SV_OCTET_GEN_VALUE, "sip", out, &taken, NULL) == SIPVEIL_OK &&
           taken) {
        if (sv_equal_nocase(out->name, name)) return true;
    }
    return false;
}

static bool same_value(const sv_parameter *a, const sv_parameter *b)
{
    if (a->has_value != b->has_value || a->quoted != b->quoted) return false;
    return a->quoted ? same_text(a->value, b->value) : sv_equal_nocase(a->value, b->value);
}

/* Every parameter of one equals that of the other. alone: one that the other lacks is no matter. */
static bool parameters_fit(sipveil_span one, sipveil_span other, bool alone)
{
    sv_cursor c = sv_cursor_over(one, "parameters");
    sv_parameter p, match;
    bool taken;
    while (sv_take_parameter(&c, SV_OCTET_GEN_VALUE, "sip", &p, &taken, NULL) == SIPVEIL_OK &&
           taken) {
        if (find_parameter(other, p.name, &match)) {
            if (!same_value(&p, &match)) return false;
        } else if (!alone || sv_equal_nocase_str(p.name, "tag")) {
            return false;
        }
    }
    return true;
}

static bool same_address(const sv_sip_address *a, const sv_sip_address *b, bool party,
                         unsigned flags)
{
    return sv_sip_same_uri(a->uri, b->uri, flags) && parameters_fit(a->params, b->params, party) &&
           parameters_fit(b->params, a->params, party);
}

typedef enum step { STEP_ADDRESS, STEP_END, STEP_BROKEN } step;

/* The next address of the list, commas and row ends passed over. */
static step next_address(list *l, sv_sip_address *out)
{
    if (l->row == NULL) return STEP_END;
    if (sv_sip_take_address(&l->c, SV_ADDRESS_SCHEMELESS, out, NULL) != SIPVEIL_OK)
        return STEP_BROKEN;
    if (sv_at_end(&l->c)) {
        if (!to_next_row(l)) l->row = NULL;
        return STEP_ADDRESS;
    }
    return sv_take_if(&l->c, ',') ? STEP_ADDRESS : STEP_BROKEN;
}

static sv_sip_comparison compare_addresses(list a, list b, bool party, unsigned flags)
{
    sv_sip_address x, y;
    for (;;) {
        step first = next_address(&a, &x), second = next_address(&b, &y);
        if (first == STEP_BROKEN || second == STEP_BROKEN) return SV_SIP_UNPARSABLE;
        if (first != second) return SV_SIP_DIFFERENT;
        if (first == STEP_END) return SV_SIP_EQUAL;
        if (!same_address(&x, &y, party, flags)) return SV_SIP_DIFFERENT;
    }
}

static sv_sip_comparison compare_dates(sipveil_span a, sipveil_span b)
{
    int64_t first, second;
    if (sv_sip_read_date(a, &first, NULL) != SIPVEIL_OK ||
        sv_sip_read_date(b, &second, NULL) != SIPVEIL_OK) {
        return SV_SIP_UNPARSABLE;
    }
    return verdict(first == second);
}

static sv_sip_comparison compare_cseqs(sipveil_span a, sipveil_span b)
{
    uint32_t first, second;
    sipveil_span x, y;
    if (sv_sip_read_cseq(a, &first, &x, NULL) != SIPVEIL_OK ||
        sv_sip_read_cseq(b, &second, &y, NULL) != SIPVEIL_OK) {
        return SV_SIP_UNPARSABLE;
    }
    return verdict(first == second && sv_equal(x, y));
}

/* The same octets row by row. */
static bool same_rows(const sv_sip_view *first, const sv_sip_field *x, const sv_sip_view *second, const sv_sip_field *y)
{
    while (x != NULL && y != NULL && sv_equal(x->value, y->value)) {
        x = sv_sip_next(first, x);
        y = sv_sip_next(second, y);
    }
    return x == NULL && y == NULL;
}

static const sv_sip_field *rows_of(const sv_sip_view *view, sv_field_id id, sipveil_span name)
{
    return id == SV_F_OTHER ? sv_sip_find(view, name) : sv_sip_first(view, id);
}

sv_sip_comparison sv_sip_compare_field(const sv_sip_view *first, const sv_sip_view *second,
                                       sv_field_id id, sipveil_span name_if_other, unsigned flags)
{
    const sv_sip_field *x = rows_of(first, id, name_if_other);
    const sv_sip_field *y = rows_of(second, id, name_if_other);
    if (x == NULL || y == NULL) {
        return x != NULL ? SV_SIP_ONLY_FIRST : y != NULL ? SV_SIP_ONLY_SECOND : SV_SIP_IN_NEITHER;
    }
    if (same_rows(first, x, second, y)) return SV_SIP_EQUAL;
    list a = list_of(first, x), b = list_of(second, y);
    switch (manner_of(x->id)) {
    case AS_OCTETS:
        return SV_SIP_DIFFERENT;
    case AS_TEXT:
        return verdict(same_text(x->value, y->value));
    case AS_CSEQ:
        return compare_cseqs(x->value, y->value);
    case AS_DATE:
        return compare_dates(x->value, y->value);
    case AS_PARTY:
        return compare_addresses(a, b, true, flags);
    case AS_ADDRESSES:
        return compare_addresses(a, b, false, flags);
    case AS_TOKENS_CASED:
        return compare_tokens(a, b, true);
    case AS_TOKENS:
        break;
    }
    return compare_tokens(a, b, false);
}

/* Option tags. More of them than this are not looked through: they count as added. */
enum { TAGS_MOST = 256 };

/* False at the end, and at what is no list of tags: *clean tells the two apart. */
static bool next_tag(list *l, sipveil_span *tag, bool *clean)
{
    for (;;) {
        token t = next_token(l);
        *tag = t.text;
        *clean = t.kind == LIST_END;
        if (t.kind == WORD) return true;
        if (t.kind != SEPARATOR || !sv_equal_str(t.text, ",")) return false;
    }
}

static bool has_tag(list l, sipveil_span tag)
{
    sipveil_span other;
    bool clean;
    for (int i = 0; i < TAGS_MOST && next_tag(&l, &other, &clean); i++) {
        if (sv_equal_nocase(tag, other)) return true;
    }
    return false;
}

bool sv_sip_tags_removed_only(const sv_sip_view *inner, const sv_sip_view *outer, sv_field_id id)
{
    const sv_sip_field *x = sv_sip_first(inner, id), *y = sv_sip_first(outer, id);
    sipveil_span tag;
    if (y == NULL) return true;
    list tags = list_of(outer, y);
    int count = 0;
    bool clean;
    while (next_tag(&tags, &tag, &clean)) {
        if (x == NULL || ++count > TAGS_MOST || !has_tag(list_of(inner, x), tag)) return false;
    }
    return clean;
}

sv_sip_tags sv_sip_tags_of(const sv_sip_view *view, sv_field_id id)
{
    const sv_sip_field *row = sv_sip_first(view, id);
    return row != NULL ? list_of(view, row) : (sv_sip_tags){0};
}

bool sv_sip_next_tag(sv_sip_tags *tags, sipveil_span *tag)
{
    bool clean;
    bool there = tags->row != NULL && next_tag(tags, tag, &clean);
    if (!there) *tag = sv_span(NULL, 0);
    return there;
}

bool sv_sip_has_tag(const sv_sip_view *view, sv_field_id id, const char *wanted)
{
    sv_sip_tags tags = sv_sip_tags_of(view, id);
    sipveil_span tag;
    while (sv_sip_next_tag(&tags, &tag)) {
        if (sv_equal_nocase_str(tag, wanted)) return true;
    }
    return false;
}
