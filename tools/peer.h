/* SPDX-License-Identifier: BSD-2-Clause */
/* PEER: facts about a hop, as a person types them:
 * addr=192.0.2.7,proto=tls|tcp|udp,cert=FILE|name=HOST,sa=NAME,signer=FILE,interface=NAME */
#ifndef TOOL_PEER_H
#define TOOL_PEER_H

#include "tool.h"

enum { PEER_NAMES_MOST = 16 };

typedef struct peer_facts {
    char *text; /* copy, cut in place; freed by peer_end */
    const char *address, *proto, *cert, *sa, *signer, *interface;
    const char *names[PEER_NAMES_MOST]; /* name= may be repeated: a certificate may have several */
    size_t name_count;
    bool readable; /* encryption=none */
} peer_facts;

/* False after a usage error that names the option. */
bool peer_take(const tool_common *common, const char *option, const char *value, peer_facts *out);
void peer_end(peer_facts *facts);

#endif
