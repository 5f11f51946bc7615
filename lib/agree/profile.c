/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: profiles, mechanisms, states, failures; and which profile has which mechanism (D-01). */
#include "agree/list.h"

static const char *const profiles[SIPVEIL_AGREE_PROFILE_COUNT] = {
    [SIPVEIL_AGREE_RFC3329] = "rfc3329", [SIPVEIL_AGREE_DRAFT04] = "draft04", [SIPVEIL_AGREE_DRAFT05] = "draft05",
    [SIPVEIL_AGREE_3GPP] = "3gpp",
};

const char *sipveil_agree_profile_name(sipveil_agree_profile profile)
{
    return (unsigned)profile < SIPVEIL_AGREE_PROFILE_COUNT ? profiles[profile] : "";
}

bool sipveil_agree_profile_by_name(const char *name, sipveil_agree_profile *profile)
{
    for (int i = 0; name != NULL && i < SIPVEIL_AGREE_PROFILE_COUNT; i++) {
        if (strcmp(name, profiles[i]) != 0) continue;
        *profile = (sipveil_agree_profile)i;
        return true;
    }
    return false;
}

enum { R = 1 << SIPVEIL_AGREE_RFC3329, D4 = 1 << SIPVEIL_AGREE_DRAFT04, D5 = 1 << SIPVEIL_AGREE_DRAFT05,
       G = 1 << SIPVEIL_AGREE_3GPP };

#define SPAN(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

static const struct {
    sipveil_span name;
    unsigned profiles;
} mechanisms[SV_MECH_COUNT] = {
    [SV_MECH_OTHER] = {SPAN(""), 0},
    [SV_MECH_TLS] = {SPAN("tls"), R | D4 | D5 | G},
    [SV_MECH_DIGEST] = {SPAN("digest"), R | D5 | G},
    [SV_MECH_DIGEST_INTEGRITY] = {SPAN("digest-integrity"), D4},
    [SV_MECH_IPSEC_IKE] = {SPAN("ipsec-ike"), R | D4 | D5 | G},
    [SV_MECH_IPSEC_MAN] = {SPAN("ipsec-man"), R | D4 | D5 | G},
    [SV_MECH_IPSEC_3GPP] = {SPAN("ipsec-3gpp"), R | G},
    /* Of draft -04; in the others a token like any that both ends know. */
    [SV_MECH_SMIME] = {SPAN("smime"), R | D4 | D5 | G},
    [SV_MECH_MEDIA] = {SPAN(""), R | D4 | D5 | G},
};

/* 3GPP TS 24.229 7.2A.7 */
static const sipveil_span media[] = {SPAN("sdes-srtp"), SPAN("msrp-tls"), SPAN("bfcp-tls"), SPAN("udptl-dtls")};

sv_mechanism_kind sv_mechanism_kind_of(sipveil_span name)
{
    for (sv_mechanism_kind kind = SV_MECH_TLS; kind < SV_MECH_MEDIA; kind++) {
        if (sv_equal_nocase(name, mechanisms[kind].name)) return kind;
    }
    for (size_t i = 0; i < sizeof media / sizeof *media; i++) {
        if (sv_equal_nocase(name, media[i])) return SV_MECH_MEDIA;
    }
    return SV_MECH_OTHER;
}

sipveil_code sv_mechanism_check_fact(const char *name, sipveil_error *err)
{
    if (name == NULL || strcmp(name, "none") == 0) return SIPVEIL_OK;
    sv_mechanism_kind kind = sv_mechanism_kind_of(sv_span_str(name));
    if (kind != SV_MECH_OTHER && kind != SV_MECH_MEDIA) return SIPVEIL_OK;
    sv_fail_rule(err, SV_AGREE, SIPVEIL_USAGE, "AGR-19", SIPVEIL_NO_OFFSET,
                 "the message is said to be protected by \"%s\", which is no mechanism for that", SV_QUOTE(sv_span_str(name)));
    return sv_hint(err, SIPVEIL_USAGE, "it is none, tls, digest, digest-integrity, ipsec-ike, ipsec-man, ipsec-3gpp or smime");
}

const char *sv_mechanism_kind_name(sv_mechanism_kind kind)
{
    return (unsigned)kind < SV_MECH_COUNT ? (const char *)mechanisms[kind].name.data : "";
}

bool sv_mechanism_is_digest(sv_mechanism_kind kind)
{
    return kind == SV_MECH_DIGEST || kind == SV_MECH_DIGEST_INTEGRITY;
}

bool sv_mechanism_in_profile(sv_mechanism_kind kind, sipveil_agree_profile profile)
{
    return (unsigned)kind < SV_MECH_COUNT && (mechanisms[kind].profiles >> profile & 1) != 0;
}

const char *sipveil_agree_failure_name(sipveil_agree_failure failure)
{
    static const char *const names[SIPVEIL_AGREE_FAILURE_COUNT] = {
        "", "E_SYNTAX", "E_LIMIT", "E_DUP_Q", "E_PARAM", "E_NO_COMMON", "E_NOT_OFFERED", "E_ABORTED", "E_MECH",
        "E_TAMPERED", "E_BID_DOWN", "E_LOOP", "E_CERT", "E_DECLINED"};
    return (unsigned)failure < SIPVEIL_AGREE_FAILURE_COUNT ? names[failure] : "";
}

const char *sipveil_agree_state_name(sipveil_agree_state state)
{
    static const char *const names[SIPVEIL_AGREE_STATE_COUNT] = {"idle",       "offered", "starting",
                                                                 "confirming", "active",  "failed"};
    return (unsigned)state < SIPVEIL_AGREE_STATE_COUNT ? names[state] : "";
}
