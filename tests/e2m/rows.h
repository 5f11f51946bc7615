/* SPDX-License-Identifier: BSD-2-Clause */
/* A message around header rows, read by the gate. */
#ifndef TEST_E2M_ROWS_H
#define TEST_E2M_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "sip/view.h"

#define REQUEST "INVITE sip:bob@other.example SIP/2.0\r\n"
#define RESPONSE(status) "SIP/2.0 " #status " Reason\r\n"

/* rows: each with its CRLF. The view points into static storage, good until the next call. */
static inline const sv_sip_view *view_of(const char *start, const char *rows)
{
    static char text[65536];
    static sv_sip_view view;
    sipveil_limits limits;
    sipveil_error err;
    sipveil_limits_default(&limits);
    int n = snprintf(text, sizeof text,
                     "%sVia: SIP/2.0/TLS ua.home.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                     "From: <sip:alice@home.example>;tag=a1\r\nTo: <sip:bob@other.example>\r\nCall-ID: c1@home.example\r\n"
                     "CSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n", start, rows);
    assert_true(n > 0 && (size_t)n < sizeof text);
    sipveil_code code = sv_sip_read(sv_span(text, (size_t)n), SV_SIP_STREAM, &limits, &view, &err);
    if (code != SIPVEIL_OK) fail_msg("the gate: %s", err.text);
    return &view;
}

#endif
