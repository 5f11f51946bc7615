/* SPDX-License-Identifier: BSD-2-Clause */
/* A client and its next hop in one process, and somebody between them who may change what they say. TEST ONLY. */
#ifndef TEST_AGREE_PAIR_H
#define TEST_AGREE_PAIR_H

#include "e2m/world.h"
#include "sipveil/agree.h"

enum { PAIR_TEXT = 1 << 16 };

#define OFFERED_HEAD                                                                                                    \
    "INVITE sip:bob@home.example SIP/2.0\r\nVia: SIP/2.0/TCP ua.home.example;branch=z9hG4bKfirst\r\nMax-Forwards: 70\r\n" \
    "From: Alice <sip:alice@home.example>;tag=a1\r\nTo: <sip:bob@home.example>\r\nCall-ID: c1@home.example\r\n"            \
    "CSeq: 1 INVITE\r\nContact: <sip:alice@ua.home.example>\r\n"
#define OFFERED_INVITE OFFERED_HEAD "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"

typedef struct text {
    char octets[PAIR_TEXT];
    size_t len;
} text;

typedef struct pair {
    world *w;
    sipveil_agree_list *ours, *theirs;
    sipveil_agree_client_options client;
    sipveil_agree_server_options server;
    sipveil_open_options open;
    sipveil_agree_credentials credentials;
    sipveil_agree_association a; /* its spans lie in `image` */
    text image;
    text message;                /* what is on the way */
    sipveil_agree_outcome outcome;
    sipveil_agree_verdict verdict;
    sipveil_error err;
} pair;

static inline sipveil_span span_of(const text *t)
{
    return sv_span(t->octets, t->len);
}

static inline void set_text(text *t, sipveil_span from)
{
    assert_true(from.len < sizeof t->octets);
    if (from.len > 0 && from.data != (const uint8_t *)t->octets) memmove(t->octets, from.data, from.len);
    t->len = from.len;
    t->octets[t->len] = '\0';
}

#define PAIR_OK(code)                                                                                    \
    do {                                                                                                 \
        if ((code) != SIPVEIL_OK) fail_msg("%s: %s", p->err.rule, p->err.text);                           \
    } while (0)

static inline void pair_begin(pair *p, world *w, sipveil_agree_profile profile, const char *ours, const char *theirs)
{
    memset(p, 0, sizeof *p);
    p->w = w;
    PAIR_OK(sipveil_agree_list_read(sv_span_str(ours), profile, SIPVEIL_AGREE_CLIENT, &p->ours, &p->err));
    PAIR_OK(sipveil_agree_list_read(sv_span_str(theirs), profile, SIPVEIL_AGREE_SERVER, &p->theirs, &p->err));
    p->credentials = (sipveil_agree_credentials){"home.example", "alice", "s3cret"};
    sipveil_agree_client_options_default(&p->client);
    p->client.profile = profile;
    p->client.list = p->ours;
    p->client.must = true;
    p->client.credentials = &p->credentials;
    p->client.credential_count = 1;
    p->client.keyring = w->nobody;
    p->client.signer = w->ua1.key;
    p->client.next_hop = P1_HOST;
    sipveil_open_options_default(&p->open);
    p->open.keyring = w->p1.ring;
    sipveil_agree_server_options_default(&p->server);
    p->server.profile = profile;
    p->server.list = p->theirs;
    p->server.realm = "home.example";
    p->server.credentials = &p->credentials;
    p->server.credential_count = 1;
    p->server.memory = w->p1.memory;
    p->server.open = &p->open;
    p->server.now = NOW;
}

static inline void pair_end(pair *p)
{
    sipveil_agree_list_free(p->ours);
    sipveil_agree_list_free(p->theirs);
}

/* One event; what comes next is saved and loaded again, as a program does it. p->message becomes what is to be sent, if
 * anything is. */
static inline sipveil_code pair_try(pair *p, sipveil_agree_event_kind kind, const char *over)
{
    sipveil_span image;
    sipveil_agree_event event = {.kind = kind, .message = span_of(&p->message), .over = over, .now = p->server.now};
    sipveil_code code = sipveil_agree_client_step(p->w->worker, &p->client, &p->a, &event, &p->outcome, &p->err);
    if (code != SIPVEIL_OK) return code;
    PAIR_OK(sipveil_agree_save_association(p->w->worker, &p->outcome.next, &image, &p->err));
    set_text(&p->image, image);
    PAIR_OK(sipveil_agree_load_association(span_of(&p->image), &p->a, &p->err));
    if (p->outcome.message.len > 0) set_text(&p->message, p->outcome.message);
    return SIPVEIL_OK;
}

static inline void pair_client(pair *p, sipveil_agree_event_kind kind, const char *over, sipveil_agree_state wanted)
{
    PAIR_OK(pair_try(p, kind, over));
    if (p->a.state != wanted) {
        fail_msg("profile %s: %s (%s), not %s", sipveil_agree_profile_name(p->client.profile), sipveil_agree_state_name(p->a.state),
                 p->outcome.reason.text, sipveil_agree_state_name(wanted));
    }
}

static inline void pair_start(pair *p, const char *request)
{
    set_text(&p->message, sv_span_str(request));
    pair_client(p, SIPVEIL_AGREE_EVENT_START, NULL, SIPVEIL_AGREE_OFFERED);
}

static inline void pair_failure(pair *p, sipveil_agree_event_kind kind, const char *over, sipveil_agree_failure failure)
{
    pair_client(p, kind, over, SIPVEIL_AGREE_FAILED);
    const char *name = sipveil_agree_failure_name(failure);
    if (p->a.failure != failure || strncmp(p->outcome.reason.text, name, strlen(name)) != 0 ||
        p->outcome.reason.code != SIPVEIL_POLICY || p->outcome.message.len != 0 || (p->outcome.actions & SIPVEIL_AGREE_SEND) != 0) {
        fail_msg("profile %s: %s, not %s", sipveil_agree_profile_name(p->client.profile), p->outcome.reason.text, name);
    }
}

/* The server gets what is on the way; then its answer is. status 0: accepted. */
static inline void pair_server(pair *p, const char *protected_by, int status)
{
    p->server.protected_by = protected_by;
    PAIR_OK(sipveil_agree_check_request(p->w->other, &p->server, span_of(&p->message), &p->verdict, &p->err));
    if (p->verdict.status != status) {
        fail_msg("profile %s: row %u, %d (%s), not %d", sipveil_agree_profile_name(p->client.profile), p->verdict.row,
                 p->verdict.status, p->verdict.reason.text, status);
    }
    set_text(&p->message, p->verdict.message);
}

/* A 200 to what the client sent last. */
static inline void pair_success(pair *p)
{
    static text request;
    char *at;
    set_text(&request, p->a.request);
    text *out = &p->message;
    out->len = (size_t)snprintf(out->octets, sizeof out->octets, "SIP/2.0 200 OK\r\n");
    for (char *row = strtok_r(request.octets, "\r\n", &at); row != NULL; row = strtok_r(NULL, "\r\n", &at)) {
        if (strncmp(row, "Via:", 4) != 0 && strncmp(row, "From:", 5) != 0 && strncmp(row, "Call-ID:", 8) != 0 &&
            strncmp(row, "CSeq:", 5) != 0 && strncmp(row, "To:", 3) != 0) {
            continue;
        }
        out->len += (size_t)snprintf(out->octets + out->len, sizeof out->octets - out->len, "%s\r\n", row);
    }
    out->len += (size_t)snprintf(out->octets + out->len, sizeof out->octets - out->len, "Content-Length: 0\r\n\r\n");
}

/* ---- the one between ---- */

static inline bool has(const pair *p, const char *words)
{
    return memmem(p->message.octets, p->message.len, words, strlen(words)) != NULL;
}

/* Every occurrence in the header. */
static inline void change(pair *p, const char *old, const char *new)
{
    static text out;
    size_t n = strlen(old), done = 0;
    const char *body = memmem(p->message.octets, p->message.len, "\r\n\r\n", 4);
    assert_non_null(body);
    out.len = 0;
    for (size_t i = 0; i < p->message.len;) {
        if (p->message.octets + i < body && i + n <= p->message.len && memcmp(p->message.octets + i, old, n) == 0) {
            memcpy(out.octets + out.len, new, strlen(new));
            out.len += strlen(new);
            i += n;
            done++;
        } else {
            out.octets[out.len++] = p->message.octets[i++];
        }
        assert_true(out.len + 512 < sizeof out.octets);
    }
    if (done == 0) fail_msg("\"%s\" is not in %.*s", old, (int)p->message.len, p->message.octets);
    set_text(&p->message, span_of(&out));
}

/* A whole row, by its name. */
static inline void drop_row(pair *p, const char *name)
{
    char *at = strcasestr(p->message.octets, name);
    assert_non_null(at);
    char *end = strstr(at, "\r\n") + 2;
    size_t gone = (size_t)(end - at);
    memmove(at, end, (size_t)(p->message.octets + p->message.len - end) + 1);
    p->message.len -= gone;
}

#endif
