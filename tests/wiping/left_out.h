/* SPDX-License-Identifier: BSD-2-Clause */
/* Before every source of the library (-include, by scripts/wipes): SIPVEIL_WIPE_LEFT_OUT=cms/enveloped_open.c:215 leaves out the wipe
 * that stands there. TEST ONLY. */
#ifndef TEST_WIPING_LEFT_OUT_H
#define TEST_WIPING_LEFT_OUT_H

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"

/* Its own frames come to lie where secrets were: as few octets as can be. */
__attribute__((unused)) static bool wipe_is_left_out(const char *place)
{
    const char *left_out = getenv("SIPVEIL_WIPE_LEFT_OUT");
    return left_out != NULL && strlen(place) >= strlen(left_out) && strcmp(place + strlen(place) - strlen(left_out), left_out) == 0;
}

#define WIPE_TEXT_OF(line) #line
#define WIPE_LINE(line) WIPE_TEXT_OF(line)
#define WIPE_PLACE __FILE__ ":" WIPE_LINE(__LINE__)

#define sv_wipe(octets, count) (wipe_is_left_out(WIPE_PLACE) ? (void)0 : sv_wipe(octets, count))
#define OPENSSL_cleanse(octets, count) (wipe_is_left_out(WIPE_PLACE) ? (void)0 : OPENSSL_cleanse(octets, count))
#undef OPENSSL_clear_free
#define OPENSSL_clear_free(block, count) \
    (wipe_is_left_out(WIPE_PLACE) ? CRYPTO_free(block, __FILE__, __LINE__) : CRYPTO_clear_free(block, count, __FILE__, __LINE__))
#define BN_clear_free(number) (wipe_is_left_out(WIPE_PLACE) ? BN_free(number) : BN_clear_free(number))

#endif
