/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sipveil.h
 * Everything, and where to begin. sipveil_party_set_up() (tunnel.h) makes what a program works with; then
 *
 * - a UA that sends: sipveil_tunnel_seal_message(); with proxies that may read: sipveil_e2m_seal_message(), after a refusal
 * that tells a need sipveil_e2m_retry_message()
 * - a UA that receives: sipveil_tunnel_open_message() (with keys of earlier messages: sipveil_e2m_open_message()), then
 *   sipveil_tunnel_seal_response(), or sipveil_tunnel_write_refusal()
 * - a proxy: sipveil_e2m_proxy_message(); a P-CSCF: sipveil_pcscf_decide(); the border of a trust domain:
 * sipveil_border_arrive() and sipveil_border_leave()
 * - who is it: sipveil_identity_sign_request(), sipveil_identity_verify_request(); whose certificate is it:
 * sipveil_identity_bind_certificate()
 * - with the next hop: sipveil_agree_client_step() and sipveil_agree_check_request()
 * - any of them: sipveil_sip_read_message(), sipveil_sip_read_field()
 *
 * docs/examples has a program for each.
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
