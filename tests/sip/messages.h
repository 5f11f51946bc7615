/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages for the tests of this room: lines to build them from, and reading them. */
#ifndef TESTS_SIP_MESSAGES_H
#define TESTS_SIP_MESSAGES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sip/values.h"
#include "sip/view.h"

#define START    "OPTIONS sip:bob@b.example SIP/2.0\r\n"
#define VIA      "Via: SIP/2.0/UDP h.example;branch=z9hG4bK1\r\n"
#define FROM     "From: <sip:alice@a.example>;tag=1\r\n"
#define TO       "To: <sip:bob@b.example>\r\n"
#define CALL_ID  "Call-ID: 1@h.example\r\n"
#define CSEQ     "CSeq: 1 OPTIONS\r\n"
#define PARTIES  FROM TO CALL_ID CSEQ
#define CORE     VIA PARTIES
#define LENGTH_0 "Content-Length: 0\r\n"
#define END      "\r\n"

/* The octets of a literal, those after a NUL too. */
#define OCTETS(literal) sv_span((literal), sizeof(literal) - 1)

static inline const sipveil_limits *defaults(void)
{
    static sipveil_limits limits;
    sipveil_limits_default(&limits);
    return &limits;
}

/* A message with these lines after its start line; kept until the test ends. */
static inline sv_sip_view *read_lines(const char *lines)
{
    sipveil_error err;
    size_t room = strlen(lines) + sizeof START + sizeof END;
    char *text = test_malloc(room);
    sv_sip_view *view = test_malloc(sizeof *view);
    int used = snprintf(text, room, "%s%s%s", START, lines, END);
    sipveil_code code = sv_sip_read_inner(sv_span(text, (size_t)used), defaults(), view, &err);
    if (code != SIPVEIL_OK) fail_msg("%s\n%s", err.text, text);
    return view;
}

static inline void drop(sv_sip_view *view)
{
    uint8_t *text = (uint8_t *)(uintptr_t)view->whole.data;
    test_free(text);
    test_free(view);
}

#endif
