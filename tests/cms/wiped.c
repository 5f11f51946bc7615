/* SPDX-License-Identifier: BSD-2-Clause */
/* ADV-213: what opening and sealing an envelope leaves on the stack: of the content key, of what stands in its place bound to the
 * cipher (RFC 9709), of the content. */
#include "cms/envelopes.h"

#include "cms/content_key.h"
#include "own_stack.h"

#define CONTENT "a content of which no eight octets are the same as any other eight of it"

typedef struct play {
    fixture *f;
    sv_cms_key key;
    sv_seal_request request;
    sv_enveloped enveloped;
    sv_opening opening;
    sipveil_span sealed;
    sipveil_code code;
    sipveil_error err;
} play;

static play p;

static void open_it(void *given)
{
    play *self = given;
    uint64_t iterations = 0;
    self->code = sv_cms_open_enveloped(self->f->crypto, &self->enveloped, &self->key, 1, &tolerant, &iterations, self->f->arena, &self->opening,
                                       &self->err);
}

static void leaves_nothing(const char *kind, const sipveil_span *secrets, size_t count)
{
    int found = own_stack_run(open_it, &p, secrets, count);
    if (p.code != SIPVEIL_OK) fail_msg("%s: %s", kind, p.err.text);
    assert_true(sv_equal_str(p.opening.plaintext, CONTENT));
    if (own_stack_is_seen && found != -1) fail_msg("%s: secret %d is left on the stack", kind, found);
}

static void opened(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < KINDS; i++) {
        for (int hkdf = 0; hkdf < 2; hkdf++) {
            uint8_t bound[SV_KEY_MOST] = {0};
            sv_arena_reset(f->arena);
            p = (play){.f = f, .key = test_key(f, kinds[i])};
            p.request = (sv_seal_request){.cipher = SIPVEIL_CIPHER_AES_256_GCM, .recipients = &p.key, .recipient_count = 1,
                                          .cek_hkdf = hkdf, .pbkdf2_iterations = TEST_ITERATIONS};
            p.sealed = seal_with(f, &p.request, SV_SPAN(CONTENT));
            assert_int_equal(read_sealed(f, p.sealed, &tolerant, &p.enveloped, &p.err), SIPVEIL_OK);
            open_it(&p); /* to know the content key */
            assert_int_equal(p.code, SIPVEIL_OK);
            sipveil_span cek = p.opening.cek;
            assert_int_equal(cek.len, 32);
            assert_int_equal(sv_content_key_bind(f->crypto, cek, p.enveloped.cipher_algorithm, bound, &p.err), SIPVEIL_OK);
            const sipveil_span secrets[] = {cek, sv_span(bound, 32), SV_SPAN(CONTENT)};
            leaves_nothing(kinds[i], secrets, 3);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(opened, fixture_setup, fixture_teardown)};
    return cmocka_run_group_tests_name("what envelopes leave", tests, NULL, NULL);
}
