/* SPDX-License-Identifier: BSD-2-Clause */
#include "sipveil/base.h"

const char *sipveil_version(void)
{
    return SIPVEIL_VERSION;
}
