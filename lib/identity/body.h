/* SPDX-License-Identifier: BSD-2-Clause */
/* The entities of a body, and those within them: one walk for everybody here who looks for something in one. */
#ifndef SV_IDENTITY_BODY_H
#define SV_IDENTITY_BODY_H

#include "identity/identity.h"

typedef struct sv_body_walk sv_body_walk;
struct sv_body_walk {
    const sipveil_limits *limits;
    sv_arena *arena;
    sipveil_error *err;
    size_t depth_most; /* multiparts within each other: strictly LIMIT (ADV-036), else what is deeper is not looked at */
    bool passes_over;  /* what cannot be read is nothing; strictly it is an error, and so is more parts than parts_total */
    /* Each entity in the order of the body, a multipart before its parts are read. */
    sipveil_code (*visit)(sv_body_walk *walk, const sv_mime_entity *entity, size_t depth);
    /* NULL, or each multipart once its parts are there; *count may be lowered: the others are not walked. */
    sipveil_code (*visit_parts)(sv_body_walk *walk, const sv_mime_entity *entity, const sipveil_span *parts, size_t *count);
    void *user;
    bool stop;    /* set by a visit: it has what it wanted */
    size_t parts; /* so far; starts at zero */
};

/* depth: of the entity; the body's own has none. What a visit or reading fails with. */
sipveil_code sv_body_walk_entity(sv_body_walk *walk, const sv_mime_entity *entity, size_t depth);
sipveil_code sv_body_walk_octets(sv_body_walk *walk, sipveil_span octets, size_t depth);

#endif
