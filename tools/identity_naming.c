/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, for a lab: a country code, and a table of service provider codes. */
#include <stdio.h>
#include <string.h>

#include "identity.h"

enum { SPC_FILE_MOST = 1 << 20 };

bool identity_naming_take(const tool_common *common, identity_naming *n, int id, const char *value, bool *taken)
{
    *taken = true;
    switch (id) {
    case O_PLUS: n->naming.plus_is_number = true; return true;
    case O_ASSERTED: n->naming.use_asserted = true; return true;
    case O_SPC: n->spc_file = value; return true;
    case O_COUNTRY:
        n->country = value;
        if (strspn(value, "0123456789") == strlen(value) && value[0] != '0' && strlen(value) >= 1 && strlen(value) <= 3) return true;
        tool_usage_error(common, "--country takes a code of one to three digits, not '%s'", value);
        return false;
    default: *taken = false; return true;
    }
}

/* "0..." is of our country, "00..." of any; other numbers stay as they are dialled. */
static bool to_e164(void *user, const char *digits, char out[SIPVEIL_IDENTITY_NUMBER])
{
    const identity_naming *n = user;
    if (digits[0] != '0' || strspn(digits, "0123456789") != strlen(digits)) return false;
    bool international = digits[1] == '0';
    const char *rest = digits + (international ? 2 : 1);
    int len = snprintf(out, SIPVEIL_IDENTITY_NUMBER, "%s%s", international ? "" : n->country, rest);
    return *rest != '\0' && len > 0 && len < SIPVEIL_IDENTITY_NUMBER;
}

/* CODE TAB PREFIX, a line; empty lines and those that begin with # count for nothing. */
static size_t line_that_is_none(const io_octets *table)
{
    const char *at = (const char *)table->data, *end = at + table->len;
    for (size_t number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        if (len > 0 && at[len - 1] == '\r') len--;
        const char *tab = memchr(at, '\t', len);
        size_t prefix = tab != NULL ? len - (size_t)(tab - at) - 1 : 0;
        if (len > 0 && at[0] != '#' && (tab == at || prefix == 0 || strspn(tab + 1, "0123456789") < prefix)) return number;
        at = stop != NULL ? stop + 1 : end;
    }
    return 0;
}

int identity_naming_prepare(const tool_common *common, identity_naming *n)
{
    int exit_code;
    if (n->country != NULL) {
        n->naming.number = to_e164;
        n->naming.number_user = n;
    }
    if (n->spc_file == NULL) return TOOL_OK;
    if (!io_read(common, n->spc_file, SPC_FILE_MOST, &n->spc, &exit_code)) return TOOL_USAGE;
    size_t line = line_that_is_none(&n->spc);
    if (line > 0) {
        return tool_failure(common, TOOL_USAGE, "CODE TAB PREFIX: a service provider code, and the digits that its numbers begin with",
                            "%s:%zu: no line of service provider codes", n->spc_file, line);
    }
    n->has_spc = true;
    return TOOL_OK;
}

void identity_naming_end(identity_naming *n)
{
    io_free(&n->spc);
}

/* One line: CODE TAB PREFIX. */
static bool line_covers(const char *line, size_t len, const char *code, const char *number)
{
    const char *tab = memchr(line, '\t', len);
    size_t code_len = strlen(code);
    if (tab == NULL || (size_t)(tab - line) != code_len || memcmp(line, code, code_len) != 0) return false;
    size_t prefix = len - code_len - 1;
    return prefix > 0 && prefix <= strlen(number) && memcmp(tab + 1, number, prefix) == 0;
}

bool identity_spc(void *naming, const char *code, const char *number)
{
    const identity_naming *n = naming;
    const char *at = (const char *)n->spc.data, *end = at + n->spc.len;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        if (line_covers(at, len > 0 && at[len - 1] == '\r' ? len - 1 : len, code, number)) return true;
        at += len + 1;
    }
    return false;
}
