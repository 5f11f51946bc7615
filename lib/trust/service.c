/* SPDX-License-Identifier: BSD-2-Clause */
/* What a privacy service does for "user" (RFC 3323 5.3): what the user agent put in that tells of its user goes. */
#include "base/field.h"
#include "sip/address.h"
#include "trust/border.h"

static void note(sipveil_border *b, const char *field, const char *result, const char *why)
{
    sv_border_note(b, "B", field, result, "TRU-35", "%s", why);
}

/* From keeps its tag, and the field its name and place. */
static sipveil_code hide_from(sipveil_border *b, const sv_sip_view *view, const sv_sip_address *from,
                              sipveil_error *err)
{
    sv_buffer value;
    sv_buffer_init(&value, b->arena, 128, 1 << 16);
    sv_put_str(&value, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
    if (from->tag.len > 0) sv_put_str(&value, ";tag=");
    sv_put(&value, from->tag);
    SV_TRY(sv_buffer_check(&value, SV_TRUST, err));
    sv_sip_edit_set_value(&b->edit, sv_sip_first(view, SV_F_FROM), sv_buffer_span(&value), b->arena);
    note(b, "From", "changed", "Privacy asks for user: the stand-in, with the same tag");
    return SIPVEIL_OK;
}

/* "399 host.example \"text\"": the agent becomes a stand-in (20.43). */
static sipveil_code hide_warning(sipveil_border *b, const sv_sip_field *row, sipveil_error *err)
{
    sv_cursor c = sv_cursor_over(row->value, "Warning");
    sv_buffer value;
    sv_buffer_init(&value, b->arena, row->value.len + 32, 1 << 17);
    do {
        sipveil_span digits, agent, text;
        bool escape;
        sv_skip_lws(&c);
        digits = sv_take_while(&c, sv_is_digit);
        bool good = digits.len == 3 && sv_take_if(&c, ' ') && sv_take_until(&c, ' ', &agent) && sv_take_if(&c, ' ') &&
                    sv_take_quoted(&c, &text, &escape);
        if (!good) { /* whatever it is, it goes */
            sv_sip_edit_remove(&b->edit, row);
            return SIPVEIL_OK;
        }
        if (value.len > 0) sv_put_str(&value, ", ");
        sv_put(&value, digits);
        sv_put_str(&value, " anonymous.invalid \"");
        sv_put(&value, text);
        sv_put_str(&value, "\"");
        sv_skip_lws(&c);
    } while (sv_take_if(&c, ','));
    SV_TRY(sv_buffer_check(&value, SV_TRUST, err));
    if (!sv_at_end(&c)) sv_sip_edit_remove(&b->edit, row);
    else sv_sip_edit_set_value(&b->edit, row, sv_buffer_span(&value), b->arena);
    return SIPVEIL_OK;
}

/* Referred-By of somebody else tells nothing of this user; one that names him does. */
static void hide_referred_by(sipveil_border *b, const sv_sip_view *view, const sv_sip_address *from)
{
    sv_sip_address referrer;
    const sv_sip_field *row = sv_sip_first(view, SV_F_REFERRED_BY);
    if (row == NULL) return;
    if (sv_sip_read_address(row->value, &referrer, NULL) == SIPVEIL_OK && !sv_sip_same_aor(referrer.uri, from->uri)) {
        note(b, "Referred-By", "kept", "it names somebody else");
        return;
    }
    sv_sip_edit_remove(&b->edit, row);
    note(b, "Referred-By", "removed", "it names the user");
}

sipveil_code sv_serve_user(sipveil_border *b, const sv_sip_view *view, sipveil_error *err)
{
    static const sv_field_id deleted[] = {SV_F_SUBJECT,  SV_F_CALL_INFO,   SV_F_ORGANIZATION, SV_F_USER_AGENT,
                                          SV_F_REPLY_TO, SV_F_IN_REPLY_TO, SV_F_SERVER};
    sv_sip_address from = {0};
    for (size_t i = 0; i < sizeof deleted / sizeof *deleted; i++) {
        if (sv_sip_edit_remove_all(&b->edit, deleted[i]) == 0) continue;
        note(b, sv_field_info_of(deleted[i])->name, "removed", "Privacy asks for user");
    }
    for (const sv_sip_field *row = sv_sip_first(view, SV_F_WARNING); row != NULL; row = sv_sip_next(view, row)) {
        SV_TRY(hide_warning(b, row, err));
        note(b, "Warning", "changed", "Privacy asks for user: its agent becomes a stand-in");
    }
    if (!view->is_request) return SIPVEIL_OK; /* From and To of a response are the transaction's */
    (void)sv_sip_read_address(sv_sip_value(view, SV_F_FROM), &from, NULL);
    hide_referred_by(b, view, &from);
    return hide_from(b, view, &from, err);
}
