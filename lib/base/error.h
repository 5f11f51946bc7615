/* SPDX-License-Identifier: BSD-2-Clause */
/* One way to fail: every function that can fail returns a sipveil_code and says why in a
 * sipveil_error. sv_fail() fills it in and returns the code, so that a failure reads
 *     return sv_fail(err, "mime", SIPVEIL_MALFORMED, "boundary is empty");
 * Texts that quote received bytes go through sv_quote(). */
#ifndef SV_BASE_ERROR_H
#define SV_BASE_ERROR_H

#include "sipveil/base.h"

#define SV_PRINTF(f, a) __attribute__((format(printf, f, a)))

sipveil_code sv_fail(sipveil_error *err, const char *room, sipveil_code code, const char *format, ...)
    SV_PRINTF(4, 5);

/* Same, with the rule that fired ("ADV-002") and the offset into what was read. */
sipveil_code sv_fail_rule(sipveil_error *err, const char *room, sipveil_code code, const char *rule,
                          size_t offset, const char *format, ...) SV_PRINTF(6, 7);

/* Puts text in front of the sentence: "signature part: " + text. err may be NULL. */
void sv_fail_prefix(sipveil_error *err, const char *format, ...) SV_PRINTF(2, 3);

/* Adds the hint line. Returns code, so that it can end a chain: return sv_hint(err, code, "..."). */
sipveil_code sv_hint(sipveil_error *err, sipveil_code code, const char *format, ...) SV_PRINTF(3, 4);

/* SIPVEIL_INTERNAL for memory. */
sipveil_code sv_no_memory(sipveil_error *err, const char *room);

/* SIPVEIL_INTERNAL with the newest OpenSSL reason in err->library; drains the queue. */
sipveil_code sv_fail_openssl(sipveil_error *err, const char *room, sipveil_code code, const char *what);

void sv_error_clear(sipveil_error *err);

/* Text made safe for a log line: control bytes, 8-bit and backslash as \xNN, cut at the size with
 * "...". Returned by value so that a call can stand among printf arguments: sv_quote(s).text */
typedef struct sv_quoted {
    char text[160];
} sv_quoted;
sv_quoted sv_quote(sipveil_span s);
#define SV_QUOTE(s) (sv_quote(s).text)

#define SV_TRY(expression)                                                                         \
    do {                                                                                           \
        sipveil_code sv_try_code = (expression);                                                   \
        if (sv_try_code != SIPVEIL_OK) return sv_try_code;                                         \
    } while (0)

#endif
