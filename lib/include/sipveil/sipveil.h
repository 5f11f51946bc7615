/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sipveil.h
 * Everything.
 */
#ifndef SIPVEIL_SIPVEIL_H
#define SIPVEIL_SIPVEIL_H

#include "sipveil/agree.h"
#include "sipveil/base.h"
#include "sipveil/binding.h"
#include "sipveil/crypto.h"
#include "sipveil/e2m.h"
#include "sipveil/identity.h"
#include "sipveil/keys.h"
#include "sipveil/sip.h"
#include "sipveil/trust.h"
#include "sipveil/tunnel.h"

#endif
