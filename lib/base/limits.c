/* SPDX-License-Identifier: BSD-2-Clause */
#include "sipveil/base.h"

/* Each figure is the default of the threat notes; why it is what it is stands beside it. */
void sipveil_limits_default(sipveil_limits *limits)
{
    *limits = (sipveil_limits){
        .message = 16u << 20,       /* a file or a TCP message; UDP carries 64 KiB at most anyway */
        .start_line = 8u << 10,     /* the four of the header bound what quadratic parsers see */
        .header_field = 16u << 10,
        .header = 64u << 10,
        .header_fields = 256,
        .values = 64,
        .parameters = 64,
        .via = 70,                  /* Max-Forwards starts at 70 (RFC 3261 8.1.1.6) */
        .parts = 32,
        .parts_total = 64,
        .part_fields = 32,
        .mime_depth = 8,
        .cms_layers = 4,            /* triple wrap and one more */
        .compression_layers = 1,
        .asn1_depth = 32,
        .asn1_elements = 20000,
        .asn1_segments = 1024,
        .recipients = 64,
        .private_operations = 4,    /* 0.4 ms each for RSA-2048 */
        .keys_tried = 8,
        .iterations = 2000000,      /* 0.7 s of HMAC-SHA256 */
        .iterations_least = 1000,
        .signers = 4,
        .certificates = 16,
        .crls = 4,
        .chain_depth = 6,
        .certificate = 16u << 10,
        .attributes = 32,
        .attribute = 16u << 10,
        .inflate_ratio = 100,
    };
}
