/* SPDX-License-Identifier: BSD-2-Clause */
/* Identity (RFC 8224): a proxy at home signs who has called, the far UA finds out whether to believe it.
 *
 *     identity sign KEY.pem URI <invite.sip >signed.sip          KEY.pem: certificate of the domain and its private key
 *     identity verify ANCHOR.pem CERTIFICATE <signed.sip         CERTIFICATE: what lies at that URI
 *     cc identity.c $(pkg-config --cflags --libs sipveil) */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sipveil/sipveil.h>

static int failed(const sipveil_error *err)
{
    fprintf(stderr, "identity: %s\n", err->text);
    return sipveil_code_exit(err->code);
}

/* A program would ask the URI by HTTPS here; the library opens no connection. */
static sipveil_code fetch(void *user, const char *uri, sipveil_span *certificate, sipveil_error *err)
{
    static unsigned char octets[16384];
    FILE *file = fopen(user, "rb");
    (void)err;
    if (file == NULL) return SIPVEIL_IO;
    *certificate = (sipveil_span){octets, fread(octets, 1, sizeof octets, file)};
    fclose(file);
    fprintf(stderr, "fetched: %s\n", uri);
    return SIPVEIL_OK;
}

int main(int argc, char **argv)
{
    static unsigned char octets[65536];
    sipveil_context *context = NULL;
    sipveil_keyring *ring = NULL;
    sipveil_worker *worker = NULL;
    sipveil_memory *seen = NULL;
    sipveil_error err;
    bool signs = argc == 4 && strcmp(argv[1], "sign") == 0;
    if (!signs && (argc != 4 || strcmp(argv[1], "verify") != 0)) {
        fprintf(stderr, "usage: identity sign KEY URI | verify ANCHOR CERTIFICATE, <message\n");
        return 2;
    }
    sipveil_span message = {octets, fread(octets, 1, sizeof octets, stdin)};
    if (sipveil_context_new(NULL, &context, &err) || sipveil_keyring_new(context, &ring, &err) || sipveil_worker_new(context, &worker, &err) ||
        sipveil_memory_new(&seen, &err) ||
        (signs ? sipveil_keyring_add_file(ring, argv[2], NULL, NULL, &err) : sipveil_keyring_add_anchors(ring, argv[2], &err))) {
        return failed(&err);
    }
    int code = 0;
    if (signs) {
        sipveil_identity_sign_options options;
        sipveil_identity_signed made;
        sipveil_identity_sign_options_default(&options);
        options.key = sipveil_keyring_at(ring, 0);
        options.info = argv[3];
        if (sipveil_identity_sign(worker, &options, message, &made, &err)) return failed(&err);
        fwrite(made.message.data, 1, made.message.len, stdout);
        if (!made.is_signed) fprintf(stderr, "not signed: %s\n", made.warning_count > 0 ? made.warnings[0].text : "");
    } else {
        sipveil_identity_verify_options options;
        sipveil_identity_verdict verdict;
        sipveil_identity_verify_options_default(&options);
        options.trust = ring;
        options.fetch = fetch;
        options.fetch_user = argv[3];
        options.memory = seen; /* of one run only here: keep it, and what comes twice is noticed */
        options.required = true;
        if (sipveil_identity_verify(worker, &options, message, &verdict, &err)) return failed(&err);
        if (verdict.valid) printf("%s, says %s\n", verdict.identity, verdict.domain);
        else printf("answer %d %s: %s\n", verdict.status, verdict.phrase, verdict.reason.text);
        code = !verdict.valid;
    }
    sipveil_memory_free(seen);
    sipveil_worker_free(worker);
    sipveil_keyring_free(ring);
    sipveil_context_free(context);
    return code;
}
