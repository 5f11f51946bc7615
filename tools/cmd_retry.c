/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil retry */
#include <string.h>

#include "peer.h"
#include "sharing.h"

enum retry_option { O_REQUEST = O_SHARING_LAST, O_MAY_VIEW, O_TRIED, O_DISCLOSABLE, O_FROM, O_DOCUMENT };

static const tool_option options[] = {
    {O_REQUEST, "request", 0, "FILE", false, "the request as it was before it was sealed"},
    {O_MAY_VIEW, "may-view", 0, "HOST", true, "a proxy that may be shown the body; repeat for more"},
    {O_TRIED, "tried", 0, "HOST", true, "the request was sent again for this proxy already"},
    {O_DISCLOSABLE, "disclosable", 0, "TYPE", true,
     "a media type that may be shown; default: all that are not private"},
    {O_FROM, "from", 0, "PEER", false,
     "how the response came in: proto=tls, sa=NAME, ...; else policy servers are not asked"},
    {O_DOCUMENT, "policy-document", 0, "URI=FILE", true, "what the policy server of that URI says (RFC 6794)"},
    SEALING_OPTIONS,
    SHARING_OPTIONS,
    TOOL_COMMON_OPTIONS,
};

typedef struct retry_state {
    sharing s; /* first: sharing_take gets the same pointer */
    const char *request;
    const char *may_view[SEALING_LIST_MOST], *tried[SEALING_LIST_MOST], *disclosable[SEALING_LIST_MOST];
    const char *documents[SEALING_LIST_MOST];
    size_t may_view_count, tried_count, disclosable_count, document_count;
    peer_facts from;
    io_octets fetched; /* the last one */
} retry_state;

static bool take_item(retry_state *r, const char **list, size_t *count, const char *v)
{
    if (*count == SEALING_LIST_MOST) {
        tool_usage_error(&r->s.s.common, "one option is given more than %d times", SEALING_LIST_MOST);
        return false;
    }
    list[(*count)++] = v;
    return true;
}

/* The program contacts nobody: what a server says is a file. */
static bool fetch_document(void *user, sipveil_span uri, sipveil_span *document)
{
    retry_state *r = user;
    for (size_t i = 0; i < r->document_count; i++) {
        const char *v = r->documents[i];
        int exit_code;
        if (strncmp(v, (const char *)uri.data, uri.len) != 0 || v[uri.len] != '=') continue;
        io_free(&r->fetched);
        if (!io_read(&r->s.s.common, v + uri.len + 1, 1 << 20, &r->fetched, &exit_code)) return false;
        *document = (sipveil_span){r->fetched.data, r->fetched.len};
        return true;
    }
    return false;
}

static bool take_document(retry_state *r, const char *v)
{
    if (strchr(v, '=') != NULL && strchr(v, ':') != NULL) return take_item(r, r->documents, &r->document_count, v);
    return tool_bad_value(&r->s.s.common, "policy-document", v);
}

static bool take(void *state, int id, const char *v)
{
    retry_state *r = state;
    switch (id) {
    case O_REQUEST: r->request = v; return true;
    case O_FROM: return peer_take(&r->s.s.common, "from", v, &r->from);
    case O_DOCUMENT: return take_document(r, v);
    case O_MAY_VIEW: return take_item(r, r->may_view, &r->may_view_count, v);
    case O_TRIED: return take_item(r, r->tried, &r->tried_count, v);
    case O_DISCLOSABLE: return take_item(r, r->disclosable, &r->disclosable_count, v);
    default: return sharing_take(&r->s, id, v);
    }
}

static bool settle(retry_state *r)
{
    r->s.s.seal.mode = SIPVEIL_MODE_PAYLOAD; /* nothing else can be shared */
    if (!sealing_settle(&r->s.s)) return false;
    if (r->request == NULL) {
        tool_usage_error(&r->s.s.common, "--request FILE is needed: the request as it was before it was sealed");
        return false;
    }
    if ((r->s.e2m.keep || r->s.e2m.reuse != NULL) && r->s.state == NULL) {
        tool_usage_error(&r->s.s.common, "--keep needs --state FILE: that is where the key is held");
        return false;
    }
    return true;
}

static int retry_one(retry_state *r, const char *path)
{
    sipveil_e2m_retry_options options_;
    sipveil_sealed sealed;
    sipveil_error err;
    io_octets request = {0}, response = {0};
    int exit_code;
    size_t most = sipveil_context_limits(r->s.context)->message;
    sipveil_e2m_retry_options_default(&options_);
    options_.trust = r->s.ring;
    options_.may_view = r->may_view;
    options_.may_view_count = r->may_view_count;
    options_.tried = r->tried;
    options_.tried_count = r->tried_count;
    options_.disclosable = r->disclosable;
    options_.disclosable_count = r->disclosable_count;
    options_.protected_path = r->from.sa != NULL || (r->from.proto != NULL && strcmp(r->from.proto, "tls") == 0);
    options_.fetch = fetch_document;
    options_.fetch_user = r;
    if (io_read_message(&r->s.s.common, r->request, most, &request, &exit_code) &&
        io_read_message(&r->s.s.common, path, most, &response, &exit_code) &&
        (exit_code = sharing_add_bound(&r->s, (sipveil_span){request.data, request.len})) == TOOL_OK &&
        (exit_code = sharing_apply_policy(&r->s, (sipveil_span){request.data, request.len})) == TOOL_OK) {
        options_.e2m = r->s.e2m;
        if (sipveil_e2m_retry_message(r->s.worker, &options_, (sipveil_span){request.data, request.len},
                                      (sipveil_span){response.data, response.len}, &sealed, &err) != SIPVEIL_OK) {
            exit_code = tool_error(&r->s.s.common, NULL, &err);
            (void)sharing_report(&r->s);
        } else {
            exit_code = sharing_hand_out(&r->s, path, &sealed, TOOL_ANSWER);
        }
    }
    io_free(&request);
    io_free(&response);
    return exit_code;
}

int cmd_retry(int argc, char **argv)
{
    static const tool_verb verb = {
        "retry", "--request FILE --may-view HOST ... [options of seal] [RESPONSE]",
        "Reads a response that says what a proxy needs, and writes the request to send again,\n"
        "sealed for that proxy too (exit 10), or refuses (exit 9).",
        cmd_retry};
    retry_state r = {.s = {.s = {.common = {.verb = "retry"}}}};
    int first = 0, exit_code = TOOL_USAGE;
    sharing_begin(&r.s);
    if (tool_parse(&verb, options, sizeof options / sizeof *options, argc, argv, &r.s.s.common, take, &r, 1, &first,
                   &exit_code) &&
        settle(&r) && !io_would_refuse(&r.s.s.common, r.s.s.common.output, r.s.s.common.force, &exit_code)) {
        exit_code = sharing_prepare(&r.s);
        if (exit_code == TOOL_OK) exit_code = retry_one(&r, first < argc ? argv[first] : NULL);
    }
    sharing_end(&r.s);
    peer_end(&r.from);
    io_free(&r.fetched);
    return exit_code;
}
