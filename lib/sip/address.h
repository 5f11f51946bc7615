/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: addresses one by one out of a list. */
#ifndef SV_SIP_ADDRESS_H
#define SV_SIP_ADDRESS_H

#include "base/field.h"
#include "sip/values.h"

enum {
    SV_ADDRESS_SCHEMELESS = 1 /* <user@host> may lack its scheme (TUN-41) */
};

/* Takes one address with its parameters; the cursor is left at what follows, blanks skipped. */
sipveil_code sv_sip_take_address(sv_cursor *c, unsigned flags, sv_sip_address *out,
                                 sipveil_error *err);

/* The same, and the URI taken apart. */
sipveil_code sv_sip_take_address_and_uri(sv_cursor *c, unsigned flags, sv_sip_address *out, sv_sip_uri *uri,
                                         sipveil_error *err);

#endif
