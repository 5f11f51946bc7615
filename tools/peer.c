/* SPDX-License-Identifier: BSD-2-Clause */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyref.h"

/* The value behind "key=", or NULL. */
static const char *value_of(const char *fact, const char *key)
{
    size_t len = strlen(key);
    return strncmp(fact, key, len) == 0 && fact[len] == '=' && fact[len + 1] != '\0' ? fact + len + 1 : NULL;
}

static bool is_one_of(const char *value, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0) return true;
    }
    return false;
}

/* As a partner table has it: anything else would match no row, in silence. */
static bool is_address(const char *text)
{
    struct in6_addr room;
    return inet_pton(AF_INET, text, &room) == 1 || inet_pton(AF_INET6, text, &room) == 1;
}

static bool take_fact(peer_facts *out, const char *fact)
{
    const struct {
        const char *key;
        const char **place;
    } plain[] = {{"addr", &out->address}, {"proto", &out->proto},   {"cert", &out->cert},
                 {"sa", &out->sa},        {"signer", &out->signer}, {"interface", &out->interface}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        const char *value = value_of(fact, plain[i].key);
        if (value == NULL) continue;
        if (*plain[i].place != NULL) return false; /* which of the two? */
        *plain[i].place = value;
        return true;
    }
    const char *name = value_of(fact, "name"), *encryption = value_of(fact, "encryption");
    if (name != NULL && out->name_count < PEER_NAMES_MOST) {
        out->names[out->name_count++] = name;
        return true;
    }
    if (encryption == NULL || strcmp(encryption, "none") != 0) return false;
    out->readable = true;
    return true;
}

/* Of a verb that needs no more of it than that there is one, too: a slip is not passed over in silence. */
static bool is_there(const tool_common *common, const char *option, const char *fact, const char *path)
{
    if (path == NULL || access(path, R_OK) == 0) return true;
    tool_usage_error(common, "--%s: %s=%s: %s", option, fact, path, strerror(errno));
    return false;
}

bool peer_take(const tool_common *common, const char *option, const char *value, peer_facts *out)
{
    static const char *const protos[] = {"tls", "tcp", "udp"};
    const char *facts[16 + PEER_NAMES_MOST];
    *out = (peer_facts){.text = strdup(value)};
    size_t count = out->text != NULL ? tool_split_list(out->text, facts, sizeof facts / sizeof *facts) : 0;
    for (size_t i = 0; i < count; i++) {
        if (take_fact(out, facts[i])) continue;
        return tool_bad_value(common, option, facts[i]);
    }
    if (count == 0) return tool_bad_value(common, option, value);
    if (out->proto != NULL && !is_one_of(out->proto, protos, 3)) {
        tool_usage_error(common, "--%s: proto is tls, tcp or udp, not '%s'", option, out->proto);
        return false;
    }
    if (out->address != NULL && !is_address(out->address)) {
        tool_usage_error(common, "--%s: addr is an IP address without a port, not '%s'", option, out->address);
        return false;
    }
    if (out->cert != NULL && out->name_count > 0) {
        tool_usage_error(common, "--%s: cert= and name= both say who it is; give one", option);
        return false;
    }
    return is_there(common, option, "cert", out->cert) && is_there(common, option, "signer", out->signer);
}

void peer_end(peer_facts *facts)
{
    free(facts->text);
    *facts = (peer_facts){0};
}
