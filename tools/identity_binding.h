/* SPDX-License-Identifier: BSD-2-Clause */
/* Bindings in JSON: what bind and bound share. */
#ifndef TOOL_IDENTITY_BINDING_H
#define TOOL_IDENTITY_BINDING_H

#include <jansson.h>

#include "io.h"

const char *identity_state_name(sipveil_binding_state state); /* "claimed", "proven" */
/* Octets outside printable ASCII as \xNN: what a message said is not always UTF-8. */
json_t *identity_digest_json(const uint8_t sha256[32]);
json_t *identity_time_json(int64_t seconds); /* RFC 3339; null for 0 */
/* file: "-" is standard error. Returns TOOL_OK or the exit code after a message. */
int identity_write_json(const tool_common *common, bool is_report, const json_t *json);

int identity_bind(int argc, char **argv);
int identity_bound(int argc, char **argv);

#endif
