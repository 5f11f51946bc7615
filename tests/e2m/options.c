/* SPDX-License-Identifier: BSD-2-Clause */
/* Of every struct of options, in every room: zero is the default, and options inside others need no size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sipveil/sipveil.h"

static void is_zero_but(const void *made, const void *wanted, size_t size, const char *name)
{
    if (memcmp(made, wanted, size) != 0) fail_msg("the defaults of %s are not zero", name);
}

/* Padding is compared too: both are wiped first. */
#define CHECK(type, call, ...)                             \
    do {                                                   \
        type made, wanted;                                 \
        memset(&made, 0, sizeof made);                     \
        memset(&wanted, 0, sizeof wanted);                 \
        call(&made);                                       \
        wanted.size = sizeof wanted;                       \
        __VA_ARGS__;                                       \
        is_zero_but(&made, &wanted, sizeof made, #type);   \
    } while (0)

static void zero_is_the_default(void **state)
{
    (void)state;
    CHECK(sipveil_seal_options, sipveil_seal_options_default, );
    CHECK(sipveil_open_options, sipveil_open_options_default, );
    CHECK(sipveil_agree_client_options, sipveil_agree_client_options_default, );
    CHECK(sipveil_agree_server_options, sipveil_agree_server_options_default, );
    CHECK(sipveil_identity_sign_options, sipveil_identity_sign_options_default, );
    CHECK(sipveil_identity_verify_options, sipveil_identity_verify_options_default, );
    CHECK(sipveil_identity_bind_options, sipveil_identity_bind_options_default, );
    CHECK(sipveil_certificate_notify_options, sipveil_certificate_notify_options_default, );
    CHECK(sipveil_e2m_learn_options, sipveil_e2m_learn_options_default, );
    CHECK(sipveil_e2m_options, sipveil_e2m_options_default, wanted.seal.size = sizeof wanted.seal);
    CHECK(sipveil_e2m_open_options, sipveil_e2m_open_options_default, wanted.open.size = sizeof wanted.open);
    CHECK(sipveil_e2m_proxy_options, sipveil_e2m_proxy_options_default, wanted.open.size = sizeof wanted.open);
    CHECK(sipveil_e2m_retry_options, sipveil_e2m_retry_options_default, wanted.e2m.size = sizeof wanted.e2m,
          wanted.e2m.seal.size = sizeof wanted.e2m.seal);
}

#define HEAD                                                                                                           \
    "Via: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\nFrom: <sip:alice@a.example>;tag=1\r\nTo: <sip:bob@b.example>\r\n"   \
    "Call-ID: 1@a.example\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"

/* Inside other options neither size nor default is to be set: sealed, looked at on the way, opened. */
static void options_inside_need_no_size(void **state)
{
    static const uint8_t octets[16] = "sixteen octets.";
    const char *host = "p.example";
    sipveil_party we;
    sipveil_error err;
    const sipveil_key *key;
    sipveil_sealed sealed;
    sipveil_opened opened;
    sipveil_e2m_verdict verdict;
    (void)state;
    assert_int_equal(sipveil_party_set_up(&we, NULL, NULL, &err), SIPVEIL_OK);
    assert_int_equal(sipveil_keyring_add_kek(we.keyring, sipveil_span_of("shared"), (sipveil_span){octets, sizeof octets}, &key, &err), SIPVEIL_OK);
    const sipveil_e2m_options how = {.size = sizeof how, .seal = {.recipients = &key, .recipient_count = 1, .date = SIPVEIL_DATE_NONE}};
    if (sipveil_e2m_seal_message(we.worker, &how, sipveil_span_of("INVITE sip:bob@b.example SIP/2.0\r\n" HEAD), &sealed, &err))
        fail_msg("%s", err.text);
    const sipveil_e2m_proxy_options hop = {.size = sizeof hop, .open = {.keyring = we.keyring}, .hosts = &host, .host_count = 1};
    if (sipveil_e2m_proxy_message(we.worker, &hop, sealed.message, &verdict, &err)) fail_msg("%s", err.text);
    assert_int_equal(verdict.action, SIPVEIL_E2M_FORWARD);
    const sipveil_e2m_open_options demand = {.size = sizeof demand, .open = {.keyring = we.keyring, .require = SIPVEIL_REQUIRE_ENCRYPTED}};
    if (sipveil_e2m_open_message(we.worker, &demand, verdict.message, &opened, &err)) fail_msg("%s", err.text);
    assert_memory_equal(opened.body.data, "hello", 5);
    sipveil_party_take_down(&we);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(zero_is_the_default), cmocka_unit_test(options_inside_need_no_size)};
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
