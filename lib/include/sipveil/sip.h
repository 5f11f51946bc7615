/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sip.h
 * What an application reads of a SIP message, by the same reader as everything here: no second parser, no second opinion.
 *
 * Threads: nothing here has state. Memory: nothing is copied, spans point into the message that was given.
 */
#ifndef SIPVEIL_SIP_H
#define SIPVEIL_SIP_H

#include "sipveil/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A message, taken apart. */
typedef struct sipveil_sip_message {
    bool is_request;
    sipveil_span method;      /**< of the request line, or of CSeq in a response */
    sipveil_span request_uri; /**< empty in a response */
    unsigned status;          /**< 0 in a request */
    sipveil_span phrase;      /**< of the status, as it stands there */
    sipveil_span body;
} sipveil_sip_message;

/**
 * Takes a message apart. A datagram may do without Content-Length; octets after it are no part of the message.
 * @return SIPVEIL_OK; SIPVEIL_MALFORMED, SIPVEIL_LIMIT (of sipveil_limits_default()), SIPVEIL_UNSUPPORTED (another
 *         version); SIPVEIL_USAGE. On failure *out is zero.
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_sip_read_message(sipveil_span octets, sipveil_sip_message *out,
                                                                   sipveil_error *err);

/**
 * The value of the header field of that name: the long or the compact form, in any case; blanks at both ends are left
 * out, folds inside are not. place: 0 for the first row of that name, 1 for the next; rows are not cut at commas.
 * @return as sipveil_sip_read_message; *value.data is NULL where there is no such row
 */
SIPVEIL_API SIPVEIL_MUST_USE sipveil_code sipveil_sip_read_field(sipveil_span octets, const char *name, size_t place,
                                                                 sipveil_span *value, sipveil_error *err);

#ifdef __cplusplus
}
#endif
#endif
