/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: one sealing for the far UA and hops. */
#ifndef SV_E2M_UAC_H
#define SV_E2M_UAC_H

#include "e2m/cek.h"
#include "e2m/copy.h"
#include "tunnel/sealing.h"

typedef struct sv_sharing {
    const sipveil_e2m_options *options;
    size_t far_count;             /* of the recipients: the far UAs come first, then the hops */
    sipveil_e2m_form form;        /* settled */
    bool sign_label;
    sipveil_span cid;
    sipveil_span label_rows;      /* of the message; empty: none */
    sv_cek_scopes scopes;
    uint32_t cseq;                /* of a request, with its method */
    sipveil_span method;
    /* a key that is used again */
    bool reusing;
    sv_cek_record earlier;
    sv_cms_key kek;
    /* a key that will be */
    bool keeping;
    sv_cek_attributes attributes;
    sipveil_span cek;
} sv_sharing;

/* reuse.c: the earlier key, every rule of its use, and the KEK it becomes. Before anything is sealed. */
sipveil_code sv_reuse_prepare(sv_sealing *s, const sv_sip_view *view, sv_sharing *sharing);
/* A new reference and its attributes. */
sipveil_code sv_keep_prepare(sv_sealing *s, sv_sharing *sharing);
/* What was made is counted and held; CEK-06 is looked after. */
sipveil_code sv_reuse_settle(sv_operation *op, const sv_sharing *sharing, sipveil_error *err);

/* forms.c: the body in the form that was settled. */
sipveil_code sv_form_pack(sv_sealing *s, const sv_sip_view *view, sv_sharing *sharing, sv_packed *out);
/* Which form (E2M-31). */
sipveil_code sv_form_settle(sv_sealing *s, const sv_sip_view *view, sv_sharing *sharing);

#endif
