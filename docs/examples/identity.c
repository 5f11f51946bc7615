/* SPDX-License-Identifier: BSD-2-Clause */
/* Identity (RFC 8224): a proxy at home signs who has called, the far UA finds out whether to believe it.
 *
 *     identity sign KEY.pem URI <invite.sip >signed.sip          KEY.pem: certificate of the domain and its private key
 *     identity verify ANCHOR.pem CERTIFICATE <signed.sip         CERTIFICATE: what lies at that URI */
#include <sipveil/sipveil.h>
#include <string.h>
#include "example.h"

static sipveil_error err;

/* A program would ask the URI by HTTPS here; the library opens no connection. */
static sipveil_code fetch(void *user, const char *uri, sipveil_span *certificate, sipveil_error *why)
{
    (void)why;
    fprintf(stderr, "fetched: %s\n", uri);
    *certificate = read_all(fopen(user, "rb"));
    return certificate->len > 0 ? SIPVEIL_OK : SIPVEIL_IO;
}

static int sign(const char *key, const char *uri, sipveil_span message)
{
    sipveil_party we;
    sipveil_identity_signed made;
    if (sipveil_party_set_up(&we, key, NULL, &err)) return failed("identity", &err);
    const sipveil_identity_sign_options how = {.size = sizeof how, .key = we.own, .info = uri};
    if (sipveil_identity_sign_request(we.worker, &how, message, &made, &err)) return failed("identity", &err);
    if (!made.is_signed) fprintf(stderr, "not signed: %s\n", made.warning_count > 0 ? made.warnings[0].text : "");
    int code = write_out(made.message);
    sipveil_party_take_down(&we);
    return code;
}

static int verify(const char *anchor, char *certificate, sipveil_span message)
{
    sipveil_party we;
    sipveil_identity_verdict verdict;
    if (sipveil_party_set_up(&we, NULL, anchor, &err)) return failed("identity", &err);
    const sipveil_identity_verify_options how = {
        .size = sizeof how,
        .trust = we.keyring,
        .fetch = fetch,
        .fetch_user = certificate,
        .memory = we.memory, /* of one run only here: keep it, and what comes twice is noticed */
        .required = true,
    };
    if (sipveil_identity_verify_request(we.worker, &how, message, &verdict, &err)) return failed("identity", &err);
    if (verdict.valid) printf("%s, says %s\n", verdict.identity, verdict.domain);
    else printf("answer %d %s: %s\n", verdict.status, verdict.phrase, verdict.reason.text);
    int code = !verdict.valid;
    sipveil_party_take_down(&we);
    return code;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "sign") == 0) return sign(argv[2], argv[3], read_all(stdin));
    if (argc == 4 && strcmp(argv[1], "verify") == 0) return verify(argv[2], argv[3], read_all(stdin));
    return fprintf(stderr, "usage: identity sign KEY URI | verify ANCHOR CERTIFICATE, <message\n"), 2;
}
