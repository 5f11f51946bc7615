/* SPDX-License-Identifier: BSD-2-Clause */
/* End to middle, the UA that receives: opens an offer, and seals the answer by its key, so that the caller's proxy can
 * read that too, whose certificate we never saw.
 *
 *     e2m_uas OWN.pem CA.pem offer.sip answer.sip >sealed.sip
 *     cc e2m_uas.c $(pkg-config --cflags --libs sipveil) */
#include <stdio.h>
#include <sipveil/sipveil.h>

static int failed(const sipveil_error *err)
{
    fprintf(stderr, "e2m_uas: %s\n", err->text);
    return sipveil_code_exit(err->code);
}

static sipveil_span read_file(const char *path, unsigned char *room, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t len = file != NULL ? fread(room, 1, size, file) : 0;
    if (file != NULL) fclose(file);
    return (sipveil_span){room, len};
}

int main(int argc, char **argv)
{
    static unsigned char offer[65536], answer[65536];
    sipveil_context *context = NULL;
    sipveil_keyring *ring = NULL;
    sipveil_worker *worker = NULL;
    sipveil_memory *memory = NULL;
    sipveil_opened opened;
    sipveil_sealed sealed;
    sipveil_error err;
    if (argc != 5) {
        fprintf(stderr, "usage: e2m_uas OWN.pem CA.pem offer.sip answer.sip\n");
        return 2;
    }
    if (sipveil_context_new(NULL, &context, &err) || sipveil_keyring_new(context, &ring, &err) ||
        sipveil_worker_new(context, &worker, &err) || sipveil_memory_new(&memory, &err) ||
        sipveil_keyring_add_file(ring, argv[1], NULL, NULL, &err) || sipveil_keyring_add_anchors(ring, argv[2], &err)) {
        return failed(&err);
    }
    sipveil_e2m_open_options open;
    sipveil_e2m_open_options_default(&open);
    open.open.keyring = ring;
    open.open.memory = memory;
    open.open.require = SIPVEIL_REQUIRE_SIGNED | SIPVEIL_REQUIRE_ENCRYPTED;
    if (sipveil_e2m_open(worker, &open, read_file(argv[3], offer, sizeof offer), &opened, &err)) return failed(&err);
    fprintf(stderr, "%.*s", (int)opened.body.len, (const char *)opened.body.data);

    const sipveil_key *own = sipveil_keyring_at(ring, 0);
    sipveil_e2m_options options;
    sipveil_e2m_options_default(&options);
    options.seal.signers = &own;
    options.seal.signer_count = 1;
    options.memory = memory;
    options.reuse = "last";
    if (sipveil_e2m_seal(worker, &options, read_file(argv[4], answer, sizeof answer), &sealed, &err)) return failed(&err);
    fwrite(sealed.message.data, 1, sealed.message.len, stdout);
    sipveil_memory_free(memory);
    sipveil_worker_free(worker);
    sipveil_keyring_free(ring);
    sipveil_context_free(context);
    return 0;
}
