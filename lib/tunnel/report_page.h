/* SPDX-License-Identifier: BSD-2-Clause */
/* What the page of report_page.c is written with. */
#ifndef SV_TUNNEL_REPORT_PAGE_H
#define SV_TUNNEL_REPORT_PAGE_H

#include "base/buffer.h"

extern const char sv_page_head[];     /* from the doctype to what comes before the title's text */
extern const char sv_page_style[];    /* what follows the title */
extern const char sv_page_drawings[]; /* from the end of the head to the open <main> */

/* Text into an element or a quoted attribute: markup as entities, all that is not printable ASCII as \xNN, so
 * that nothing received can end an element, turn the line around or hide (ADV-017, ADV-216). */
void sv_page_text(sv_buffer *out, const char *text);
/* Markup in which each $ stands for the next text, which goes in by sv_page_text. */
void sv_page_put(sv_buffer *out, const char *markup, ...);

#endif
