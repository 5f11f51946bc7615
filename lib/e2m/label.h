/* SPDX-License-Identifier: BSD-2-Clause */
/* Proxy-Required-Body: which hop is asked to look at which part of the body. */
#ifndef SV_E2M_LABEL_H
#define SV_E2M_LABEL_H

#include "base/cursor.h"
#include "sip/view.h"
#include "sipveil/e2m.h"

#define SV_E2M "e2m"

enum {
    SV_LABELS_MOST = 16,    /* values in one message (E2M-15) */
    SV_HOST_NAMES_MOST = 16 /* names of one hop */
};

/* "host" or "host:port", and how often its port was given. */
typedef struct sv_hop_name {
    sipveil_span host;
    bool has_port;
    uint16_t port;
} sv_hop_name;

/* prb-hop / pbn-hop: host [ COLON port ]. */
bool sv_take_hop(sv_cursor *c, sv_hop_name *out);
/* Host names without case, exactly; ports only where both give one (E2M-12). */
bool sv_same_hop(const sv_hop_name *a, const sv_hop_name *b);

typedef struct sv_label {
    sv_hop_name hop;
    sipveil_span cid;    /* between the quotes */
    sipveil_e2m_act act; /* E2M_OTHER: a word that we do not know (E2M-14) */
    sipveil_e2m_act reply;
    bool keep;
    bool malformed;      /* a second cid, none, or one of no good form (E2M-10): for the named hop only */
    sipveil_span value;  /* as written */
} sv_label;

typedef struct sv_labels {
    sv_label items[SV_LABELS_MOST];
    size_t count;
} sv_labels;

/* All rows. The same hop and cid a second time is dropped. LIMIT: more than 16 values. MALFORMED: a value
 * that does not even begin with a hop. */
sipveil_code sv_labels_read(const sv_sip_view *view, sv_labels *out, sipveil_error *err);

/* Whether one of them says the very same. */
bool sv_labels_have(const sv_labels *all, const sv_label *label);

/* Names of a hop, in the form that sv_labels_may_name wants; filled once. */
typedef struct sv_hop_set {
    sv_hop_name names[SV_HOST_NAMES_MOST];
    size_t count;
    uint64_t first_octets[4]; /* a bit for each octet that a name begins with, in both cases */
} sv_hop_set;
/* USAGE: too many, or no host name. The strings must live as long. */
sipveil_code sv_hop_set_fill(sv_hop_set *set, const char *const *names, size_t count, sipveil_error *err);
bool sv_hop_set_has(const sv_hop_set *set, const sv_hop_name *hop);

/* Whether a value could begin with one of these names: false is certain, true has to be read (E2M-50). No
 * allocation; looks at nothing but the rows of this one header field. */
bool sv_labels_may_name(const sv_sip_view *view, const sv_hop_set *set);

/* One value, as we write it. */
void sv_label_put(sv_buffer *out, const sv_label *label);
const char *sv_act_name(sipveil_e2m_act act);

/* What labels and needs share. */
sipveil_e2m_act sv_act_of(sipveil_span word);
bool sv_is_cid(sipveil_span cid);
/* Skips to the comma or the end after something that could not be read, over quoted strings. */
void sv_skip_value(sv_cursor *c);

#endif
