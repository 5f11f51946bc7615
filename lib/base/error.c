/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/error.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/span.h"

/* code -> name in the report, exit code (cli.md), SIP status for data that was never encrypted
 * (adversary.md section 2). */
static const struct {
    const char *name;
    int exit_code;
    int sip_status;
} code_table[SIPVEIL_CODE_COUNT] = {
    [SIPVEIL_OK] = {"ok", 0, 0},
    [SIPVEIL_IO] = {"io", 1, 500},
    [SIPVEIL_INTERNAL] = {"internal", 1, 500},
    [SIPVEIL_USAGE] = {"usage", 2, 0},
    [SIPVEIL_MALFORMED] = {"malformed", 3, 400},
    [SIPVEIL_UNSUPPORTED] = {"unsupported", 3, 415},
    [SIPVEIL_NO_KEY] = {"no-key", 4, 493},
    [SIPVEIL_CANNOT_DECRYPT] = {"cannot-decrypt", 5, 493},
    [SIPVEIL_BAD_SIGNATURE] = {"bad-signature", 6, 403},
    [SIPVEIL_NOT_SIGNED] = {"not-signed", 6, 403},
    [SIPVEIL_NOT_ENCRYPTED] = {"not-encrypted", 6, 403},
    [SIPVEIL_UNTRUSTED_SIGNER] = {"untrusted-signer", 7, 403},
    [SIPVEIL_HEADER_MISMATCH] = {"header-mismatch", 8, 403},
    [SIPVEIL_INCOMPLETE] = {"incomplete", 8, 403},
    [SIPVEIL_POLICY] = {"policy", 9, 403},
    [SIPVEIL_LIMIT] = {"limit", 9, 513},
    [SIPVEIL_REPLAY] = {"replay", 9, 403},
    [SIPVEIL_SECOND_OPINION] = {"second-opinion", 9, 403},
};

const char *sipveil_code_name(sipveil_code code)
{
    return (unsigned)code < SIPVEIL_CODE_COUNT ? code_table[code].name : "internal";
}

int sipveil_code_exit(sipveil_code code)
{
    return (unsigned)code < SIPVEIL_CODE_COUNT ? code_table[code].exit_code : 1;
}

void sv_error_clear(sipveil_error *err)
{
    if (err == NULL) return;
    memset(err, 0, sizeof *err);
    err->offset = SIPVEIL_NO_OFFSET;
    err->room = "";
}

static void fill(sipveil_error *err, const char *room, sipveil_code code, const char *rule,
                 size_t offset, const char *format, va_list arguments) SV_PRINTF(6, 0);

static void fill(sipveil_error *err, const char *room, sipveil_code code, const char *rule,
                 size_t offset, const char *format, va_list arguments)
{
    if (err == NULL) return;
    sv_error_clear(err);
    err->code = code;
    err->room = room;
    err->offset = offset;
    err->sip_status = code_table[code].sip_status;
    (void)snprintf(err->rule, sizeof err->rule, "%s", rule);
    (void)vsnprintf(err->text, sizeof err->text, format, arguments);
}

sipveil_code sv_fail(sipveil_error *err, const char *room, sipveil_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(err, room, code, "", SIPVEIL_NO_OFFSET, format, arguments);
    va_end(arguments);
    return code;
}

sipveil_code sv_fail_rule(sipveil_error *err, const char *room, sipveil_code code, const char *rule,
                          size_t offset, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(err, room, code, rule, offset, format, arguments);
    va_end(arguments);
    return code;
}

void sv_fail_prefix(sipveil_error *err, const char *format, ...)
{
    if (err == NULL) return;
    char text[sizeof err->text];
    memcpy(text, err->text, sizeof text);
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    if (used >= 0 && (size_t)used < sizeof err->text) {
        (void)snprintf(err->text + used, sizeof err->text - (size_t)used, "%s", text);
    }
}

sipveil_code sv_hint(sipveil_error *err, sipveil_code code, const char *format, ...)
{
    if (err == NULL) return code;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(err->hint, sizeof err->hint, format, arguments);
    va_end(arguments);
    return code;
}

sipveil_code sv_no_memory(sipveil_error *err, const char *room)
{
    return sv_fail(err, room, SIPVEIL_INTERNAL, "out of memory");
}

sipveil_code sv_fail_openssl(sipveil_error *err, const char *room, sipveil_code code, const char *what)
{
    unsigned long reason = ERR_peek_last_error();
    sv_fail(err, room, code, "%s", what);
    if (err != NULL && reason != 0) ERR_error_string_n(reason, err->library, sizeof err->library);
    ERR_clear_error();
    return code;
}

sv_quoted sv_quote(sipveil_span s)
{
    static const char hex[] = "0123456789abcdef";
    sv_quoted q;
    size_t used = 0, room = sizeof q.text - 8; /* for "\xNN", "..." and NUL */
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (used >= room) {
            memcpy(q.text + used, "...", 3);
            used += 3;
            break;
        }
        if (c >= 0x20 && c <= 0x7E && c != '\\') {
            q.text[used++] = (char)c;
        } else {
            q.text[used++] = '\\';
            q.text[used++] = 'x';
            q.text[used++] = hex[c >> 4];
            q.text[used++] = hex[c & 15];
        }
    }
    q.text[used] = '\0';
    return q;
}
