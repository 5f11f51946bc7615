/* SPDX-License-Identifier: BSD-2-Clause */
/* End to middle, the proxy: reads what is labelled for it, forwards everything as it came.
 *
 *     e2m_proxy HOST OWN.pem CA.pem <sealed.sip >out.sip
 *     cc e2m_proxy.c $(pkg-config --cflags --libs sipveil)
 *
 * Exit code 0: out.sip is to be forwarded; 10: it is a response to send back. What was read goes to standard error. */
#include <stdio.h>
#include <sipveil/sipveil.h>

static int failed(const sipveil_error *err)
{
    fprintf(stderr, "e2m_proxy: %s\n", err->text);
    return sipveil_code_exit(err->code);
}

int main(int argc, char **argv)
{
    static unsigned char message[65536];
    sipveil_context *context = NULL;
    sipveil_keyring *ring = NULL;
    sipveil_worker *worker = NULL;
    sipveil_memory *memory = NULL;
    sipveil_e2m_verdict verdict;
    sipveil_error err;
    if (argc != 4) {
        fprintf(stderr, "usage: e2m_proxy HOST OWN.pem CA.pem <message\n");
        return 2;
    }
    size_t len = fread(message, 1, sizeof message, stdin);
    if (sipveil_context_new(NULL, &context, &err) || sipveil_keyring_new(context, &ring, &err) ||
        sipveil_worker_new(context, &worker, &err) || sipveil_memory_new(&memory, &err) ||
        sipveil_keyring_add_file(ring, argv[2], NULL, NULL, &err) || sipveil_keyring_add_anchors(ring, argv[3], &err)) {
        return failed(&err);
    }
    const char *hosts[] = {argv[1]};
    sipveil_e2m_proxy_options options;
    sipveil_e2m_proxy_options_default(&options);
    options.open.keyring = ring;
    options.open.memory = memory;   /* one for all messages: seen ones, and keys of dialogs */
    options.hosts = hosts;
    options.host_count = 1;
    options.protected_hop = true;   /* it came over TLS ... */
    options.sender_authenticated = true; /* ... from a peer that we know */
    if (sipveil_e2m_proxy(worker, &options, (sipveil_span){message, len}, &verdict, &err)) return failed(&err);
    if (verdict.has_view) fprintf(stderr, "%.*s", (int)verdict.view.len, (const char *)verdict.view.data);
    fwrite(verdict.message.data, 1, verdict.message.len, stdout);
    int exit_code = verdict.action == SIPVEIL_E2M_RESPOND ? 10 : 0;
    sipveil_memory_free(memory);
    sipveil_worker_free(worker);
    sipveil_keyring_free(ring);
    sipveil_context_free(context);
    return exit_code;
}
