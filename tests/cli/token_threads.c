/* SPDX-License-Identifier: BSD-2-Clause */
/* One keyring with a key on a token, and several threads that open a message with it, each with its own worker.
 * Arguments: the URI (with pin-source), a file with the message. */
#include <pthread.h>
#include <sipveil/sipveil.h>
#include <stdatomic.h>
#include <stdio.h>

enum { THREADS = 8, TIMES = 25, MESSAGE_MOST = 65536 };

static sipveil_context *context;
static sipveil_keyring *ring;
static sipveil_span message;
static atomic_int opened_well;

static void *open_often(void *unused)
{
    sipveil_worker *worker = NULL;
    sipveil_open_options options;
    sipveil_opened opened;
    sipveil_error err;
    (void)unused;
    sipveil_open_options_default(&options);
    options.keyring = ring;
    if (sipveil_worker_new(context, &worker, &err) != SIPVEIL_OK) return NULL;
    for (int i = 0; i < TIMES; i++) {
        if (sipveil_tunnel_open_message(worker, &options, message, &opened, &err) == SIPVEIL_OK) {
            atomic_fetch_add(&opened_well, 1);
        } else {
            fprintf(stderr, "%s\n", err.text);
        }
    }
    sipveil_worker_free(worker);
    return NULL;
}

int main(int count, char **arguments)
{
    static uint8_t octets[MESSAGE_MOST];
    pthread_t threads[THREADS];
    sipveil_error err;
    FILE *file = count == 3 ? fopen(arguments[2], "rb") : NULL;
    if (file == NULL) return 2;
    message = (sipveil_span){octets, fread(octets, 1, sizeof octets, file)};
    fclose(file);
    if (sipveil_context_new(NULL, &context, &err) != SIPVEIL_OK || sipveil_keyring_new(context, &ring, &err) != SIPVEIL_OK ||
        sipveil_keyring_add_pkcs11(ring, arguments[1], NULL, NULL, &err) != SIPVEIL_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, open_often, NULL) != 0) return 2;
    }
    for (int i = 0; i < THREADS; i++) (void)pthread_join(threads[i], NULL);
    sipveil_keyring_free(ring);
    sipveil_context_free(context);
    return opened_well == THREADS * TIMES ? 0 : 1;
}
