/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/span.h"
#include "keys/pkcs11.h"

static const char room[] = "keys";

/* ---- which ---- */

/* Texts of a token are padded with blanks; what is no printable ASCII is shown as '?' (ADV-216). */
static sv_token_text text_of(const CK_UTF8CHAR *field, size_t size)
{
    sv_token_text text = {""};
    while (size > 0 && (field[size - 1] == ' ' || field[size - 1] == '\0')) size--;
    for (size_t i = 0; i < size && i < sizeof text.text - 1; i++) {
        text.text[i] = field[i] >= 0x20 && field[i] <= 0x7E ? (char)field[i] : '?';
    }
    return text;
}

static bool field_is(sipveil_span wanted, const CK_UTF8CHAR *field, size_t size)
{
    while (size > 0 && (field[size - 1] == ' ' || field[size - 1] == '\0')) size--;
    return wanted.data == NULL || sv_equal(wanted, sv_span(field, size));
}

static bool fits(const sv_pkcs11_uri *uri, CK_SLOT_ID slot, const CK_TOKEN_INFO *info)
{
    return (!uri->has_slot || uri->slot == slot) && field_is(uri->token, info->label, sizeof info->label) &&
           field_is(uri->serial, info->serialNumber, sizeof info->serialNumber) &&
           field_is(uri->model, info->model, sizeof info->model) &&
           field_is(uri->manufacturer, info->manufacturerID, sizeof info->manufacturerID);
}

/* What was looked for and what is there, for the error. */
typedef struct search {
    sv_buffer list;
    size_t listed, more, found;
    CK_SLOT_ID slot;
    sv_token_text label;
} search;

static void note(search *s, const CK_TOKEN_INFO *info, CK_SLOT_ID slot)
{
    if (s->listed == SV_LISTED_MOST) {
        s->more++;
        return;
    }
    sv_put_format(&s->list, "%stoken \"%s\" in slot %lu", s->listed++ > 0 ? ", " : "",
                  text_of(info->label, sizeof info->label).text, slot);
}

/* Several that fit: only those are told; none: all. */
static void look(const sv_pkcs11_module *module, const sv_pkcs11_uri *uri, const CK_SLOT_ID *slots, CK_ULONG count,
                 bool only_fitting, search *s)
{
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (module->call->C_GetTokenInfo(slots[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED)) continue;
        bool good = fits(uri, slots[i], &info);
        if (good) {
            s->found++;
            s->slot = slots[i];
            s->label = text_of(info.label, sizeof info.label);
        }
        if (good || !only_fitting) note(s, &info, slots[i]);
    }
}

static sipveil_code fail_search(const search *s, const sv_pkcs11_module *module, const sv_pkcs11_uri *uri,
                                sipveil_error *err)
{
    sipveil_span list = sv_buffer_span(&s->list);
    char more[32] = "";
    if (s->more > 0) (void)snprintf(more, sizeof more, " and %zu more", s->more);
    if (s->found > 1) {
        sv_fail(err, room, SIPVEIL_USAGE, "several tokens fit: %.*s%s", (int)list.len, (const char *)list.data, more);
        return sv_hint(err, SIPVEIL_USAGE, "name one with token=LABEL, serial= or slot-id=");
    }
    if (list.len == 0) {
        return sv_fail(err, room, SIPVEIL_USAGE, "PKCS #11 module %s has no token that is set up",
                       SV_QUOTE(sv_span_str(module->path)));
    }
    return sv_fail(err, room, SIPVEIL_USAGE, "no token fits: %s%s%s; there is %.*s%s",
                   uri->token.data != NULL ? "wanted is \"" : "serial, model, manufacturer or slot-id differ",
                   uri->token.data != NULL ? SV_QUOTE(uri->token) : "", uri->token.data != NULL ? "\"" : "",
                   (int)list.len, (const char *)list.data, more);
}

static sipveil_code search_slots(sipveil_keyring *ring, const sv_pkcs11_module *module, const sv_pkcs11_uri *uri,
                                 search *s, sipveil_error *err)
{
    CK_SLOT_ID slots[SV_TOKENS_MOST];
    CK_ULONG count = SV_TOKENS_MOST;
    CK_RV rv = module->call->C_GetSlotList(CK_TRUE, slots, &count);
    if (rv != CKR_OK) {
        return sv_fail(err, room, SIPVEIL_USAGE, "PKCS #11 module %s does not list its tokens: %s",
                       SV_QUOTE(sv_span_str(module->path)), SV_PKCS11_REASON(rv));
    }
    *s = (search){0};
    sv_buffer_init(&s->list, ring->arena, 256, 1024);
    look(module, uri, slots, count, false, s);
    if (s->found == 1) return SIPVEIL_OK;
    if (s->found > 1) {
        *s = (search){0};
        sv_buffer_init(&s->list, ring->arena, 256, 1024);
        look(module, uri, slots, count, true, s);
    }
    return fail_search(s, module, uri, err);
}

/* ---- its session ---- */

static void close_session(void *object)
{
    const sv_token *token = object;
    (void)token->module->call->C_CloseSession(token->session);
}

sipveil_code sv_token_find(sipveil_keyring *ring, sv_pkcs11_module *module, const sv_pkcs11_uri *uri,
                           sv_token **out, sipveil_error *err)
{
    search s;
    SV_TRY(search_slots(ring, module, uri, &s, err));
    for (sv_token *token = module->tokens; token != NULL; token = token->next) {
        *out = token;
        if (token->slot == s.slot) return SIPVEIL_OK;
    }
    sv_token *token = sv_arena_alloc(ring->arena, sizeof *token);
    if (token == NULL) return sv_no_memory(err, room);
    *token = (sv_token){.next = module->tokens, .module = module, .slot = s.slot, .label = s.label};
    CK_RV rv = module->call->C_OpenSession(s.slot, CKF_SERIAL_SESSION, NULL, NULL, &token->session);
    if (rv != CKR_OK) {
        return sv_fail(err, room, SIPVEIL_USAGE, "token \"%s\" gives no session: %s", s.label.text,
                       SV_PKCS11_REASON(rv));
    }
    if (!sv_arena_defer(ring->arena, close_session, token)) return sv_no_memory(err, room);
    module->tokens = token;
    *out = token;
    return SIPVEIL_OK;
}

/* ---- login ---- */

/* RFC 7512 2.4: a file: URI, or an absolute path; never a program to be run. */
static sipveil_code read_pin_source(sipveil_span source, bool allow_open, char pin[SV_PIN_MOST], size_t *length,
                                    sipveil_error *err)
{
    const char *path = (const char *)source.data;
    sv_file file;
    if (sv_starts_nocase_str(source, "file:")) path += 5;
    if (path == (const char *)source.data && path[0] != '/') {
        return sv_fail(err, room, SIPVEIL_USAGE, "pkcs11 URI: pin-source is file:PATH, not \"%s\"", SV_QUOTE(source));
    }
    if (path[0] == '/' && path[1] == '/' && path[2] == '/') path += 2; /* file:///etc/pin */
    SV_TRY(sv_file_prefix(path, sv_file_read(AT_FDCWD, path, &file, err), err));
    sipveil_span text = file.octets; /* a final line end is not part of it, once (ADV-096) */
    if (text.len > 0 && text.data[text.len - 1] == '\n') text.len--;
    if (text.len > 0 && text.data[text.len - 1] == '\r') text.len--;
    sipveil_code code = sv_file_check_secrecy(&file.status, allow_open, err);
    if (code == SIPVEIL_OK && text.len > SV_PIN_MOST) {
        code = sv_fail(err, room, SIPVEIL_USAGE, "a PIN is at most %d octets long", SV_PIN_MOST);
    }
    if (code == SIPVEIL_OK) {
        memcpy(pin, text.data, text.len);
        *length = text.len;
    }
    sv_arena_free(file.arena);
    return sv_file_prefix(path, code, err);
}

static sipveil_code ask_pin(const sv_token *token, const sipveil_key_options *options, char pin[SV_PIN_MOST],
                            size_t *length, sipveil_error *err)
{
    char prompt[64];
    (void)snprintf(prompt, sizeof prompt, "token \"%s\" (its PIN)", token->label.text);
    int used = options != NULL && options->passphrase != NULL
                   ? options->passphrase(options->passphrase_user, prompt, pin, SV_PIN_MOST)
                   : -1;
    if (used >= 0 && used <= SV_PIN_MOST) {
        *length = (size_t)used;
        return SIPVEIL_OK;
    }
    sv_fail(err, room, SIPVEIL_USAGE, "token \"%s\" wants a PIN and there is none", token->label.text);
    return sv_hint(err, SIPVEIL_USAGE, "give it with ,pass=file:F or ,pass=fd:N after the URI, or pin-source=file:PATH in it");
}

static sipveil_code log_in(sv_token *token, char *pin, size_t length, sipveil_error *err)
{
    CK_RV rv = token->module->call->C_Login(token->session, CKU_USER, (CK_UTF8CHAR *)pin, length);
    switch (rv) {
    case CKR_OK:
    case CKR_USER_ALREADY_LOGGED_IN:
        token->logged_in = true;
        return SIPVEIL_OK;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_INVALID:
        return sv_fail(err, room, SIPVEIL_USAGE, "wrong PIN for token \"%s\"", token->label.text);
    case CKR_PIN_LOCKED:
        return sv_fail(err, room, SIPVEIL_USAGE, "the PIN of token \"%s\" is locked", token->label.text);
    default:
        return sv_fail(err, room, SIPVEIL_USAGE, "token \"%s\" does not take a login: %s", token->label.text,
                       SV_PKCS11_REASON(rv));
    }
}

sipveil_code sv_token_log_in(sipveil_keyring *ring, sv_token *token, const sv_pkcs11_uri *uri,
                             const sipveil_key_options *options, sipveil_error *err)
{
    char pin[SV_PIN_MOST];
    size_t length = 0;
    CK_TOKEN_INFO info;
    CK_RV rv = token->module->call->C_GetTokenInfo(token->slot, &info);
    if (rv != CKR_OK) {
        return sv_fail(err, room, SIPVEIL_USAGE, "token \"%s\" does not answer: %s", token->label.text,
                       SV_PKCS11_REASON(rv));
    }
    if (token->logged_in || !(info.flags & CKF_LOGIN_REQUIRED)) return SIPVEIL_OK;
    if (info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) return log_in(token, NULL, 0, err); /* its own keys or reader */
    sipveil_code code = uri->pin_source.data != NULL
                            ? read_pin_source(uri->pin_source, options != NULL && options->allow_open_key_file, pin,
                                              &length, err)
                            : ask_pin(token, options, pin, &length, err);
    if (code == SIPVEIL_OK) code = log_in(token, pin, length, err);
    if (code == SIPVEIL_OK && !sv_vault_copy(&ring->secrets, sv_span(pin, length), &token->pin)) {
        code = sv_no_memory(err, room);
    }
    OPENSSL_cleanse(pin, sizeof pin);
    return code;
}
