/* SPDX-License-Identifier: BSD-2-Clause */
/* Sealing in steps: each takes an entity and packs it into the next one. */
#ifndef SV_TUNNEL_SEALING_H
#define SV_TUNNEL_SEALING_H

#include "tunnel/operation.h"

typedef struct sv_sealing {
    sv_operation *op; /* arena, crypto, limits, err, warnings, now */
    const sipveil_seal_options *options;
    const sv_cms_key *recipients;
    size_t recipient_count;
    const sv_cms_key *signers;
    size_t signer_count;
    X509 *const *extra_certificates;
    size_t extra_count;
    sipveil_cipher cipher;
    bool base64;
    /* of the encrypted layer: */
    sipveil_span attributes; /* DER Attributes: authenticated, or unprotected with CBC; empty: none */
    sipveil_span *cek_out;   /* if not NULL: its key, in the arena */
    bool handling_optional;  /* instead of handling=required */
} sv_sealing;

/* A way to write the outer message; the view has its Date already. */
typedef sipveil_code (*sv_seal_form)(sv_sealing *s, const sv_sip_view *view, void *state, sv_buffer *out);
/* sipveil_tunnel_seal_message with another way to write it than those of options->mode; NULL: those. */
sipveil_code sv_seal_as(sipveil_worker *worker, const sipveil_seal_options *options, sv_seal_form form, void *state,
                        sipveil_span message, sipveil_sealed *out, sipveil_error *err);

/* An entity in two pieces: its Content-* rows (each with CRLF) and its content. */
typedef struct sv_packed {
    sipveil_span rows;
    sipveil_span content;
} sv_packed;

/* rows + empty line + content, as octets. */
sipveil_code sv_pack_entity(sv_sealing *s, sv_packed packed, sipveil_span *entity);

/* ---- pack.c ---- */
sipveil_code sv_pack_signed(sv_sealing *s, sipveil_span entity, bool base64, sv_packed *out);
sipveil_code sv_pack_encrypted(sv_sealing *s, sipveil_span entity, bool base64, sv_packed *out);
/* Sign, compress, encrypt, in the order asked for. */
sipveil_code sv_pack_protected(sv_sealing *s, sipveil_span entity, sv_packed *out);
/* A boundary that occurs in none of the parts (ADV-037); text in the arena. */
sipveil_code sv_choose_boundary(sv_sealing *s, const sipveil_span *parts, size_t count, sipveil_span *boundary);

/* multipart/mixed of whole entities. */
sipveil_code sv_pack_mixed(sv_sealing *s, const sipveil_span *entities, size_t count, sv_packed *out);

/* ---- fields.c: the outer message of a tunnel ---- */
/* extra: rows to add (Date), or empty. */
sipveil_code sv_put_outer(sv_sealing *s, const sv_sip_view *inner, sv_packed body, bool encrypted,
                          sv_buffer *out);
bool sv_hides(const sv_sealing *s, sv_field_id id, sipveil_span name);

/* ---- aib.c ---- */
sipveil_code sv_put_with_aib(sv_sealing *s, const sv_sip_view *view, sv_buffer *out);
/* The fragment of an AIB as an entity; extra: rows to put behind those of the message. */
sipveil_code sv_pack_fragment(sv_sealing *s, const sv_sip_view *view, sipveil_span extra, sipveil_span *entity);
/* The Content-* rows of a message, as a MIME header. */
void sv_put_content_rows(const sv_sip_view *view, sv_buffer *out);

#endif
