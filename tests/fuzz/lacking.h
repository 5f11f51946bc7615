/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether what the library asks for now is refused (lib/base/fuzz_target.h). */
#ifndef TEST_FUZZ_LACKING_H
#define TEST_FUZZ_LACKING_H

#include <stdbool.h>

bool fuzz_is_refused(void);

#endif
