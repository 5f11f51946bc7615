/* SPDX-License-Identifier: BSD-2-Clause */
/* What the readers of layers share: each takes one entity, adds its node, and reads its content in turn. */
#ifndef SV_TUNNEL_LAYER_H
#define SV_TUNNEL_LAYER_H

#include "tunnel/operation.h"

/* One CMS layer as it came: the entity that carries it and its ContentInfo. */
typedef struct sv_carried {
    const sv_mime_entity *entity;
    sipveil_span octets;       /* of the entity */
    sipveil_span content_info; /* with its encoding undone */
    sv_cms_type type;
    sipveil_span content;      /* inside the ContentInfo */
} sv_carried;

/* Octets that hold a whole entity: from inside a layer, or one part of a multipart. */
sipveil_code sv_read_entity_octets(sv_operation *op, sv_node *parent, sipveil_span octets, sv_depth depth);
/* Encryption and signature count as CMS layers; compression has its own limit. */
sipveil_code sv_count_layer(sv_operation *op, sv_depth *depth);
/* --layers */
bool sv_stops_here(const sv_operation *op, sv_depth depth);
/* TUN-60: a warning, or UNSUPPORTED when strict. */
sipveil_code sv_wrong_label(sv_operation *op, sipveil_span label, const char *holds);
/* smime-type, with its case set aside, is this. */
bool sv_has_label(const sv_mime_entity *entity, const char *label);
/* application/<kind>, or its old name with x-. */
bool sv_is_pkcs7(const sv_media_type *type, const char *kind);

sipveil_code sv_read_enveloped(sv_operation *op, sv_node *parent, const sv_carried *cms, sv_depth depth);
sipveil_code sv_read_signed_data(sv_operation *op, sv_node *parent, const sv_carried *cms, sv_depth depth);
sipveil_code sv_read_multipart_signed(sv_operation *op, sv_node *parent, const sv_mime_entity *entity,
                                      sipveil_span octets, sv_depth depth);
/* compressed: the CompressedData; entity and octets: what it stands in. */
sipveil_code sv_read_inflated(sv_operation *op, sv_node *parent, const sv_mime_entity *entity, sipveil_span octets,
                              sipveil_span compressed, sv_depth depth);

#endif
