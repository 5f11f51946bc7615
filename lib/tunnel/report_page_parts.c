/* SPDX-License-Identifier: BSD-2-Clause */
/* The fixed parts of the page, and the one way that text gets into it. Nothing in it is fetched, nothing in it runs:
 * the policy in its head says so to the browser too. Every pair of ink and ground below has a contrast of 4.5 or
 * more, in light and in dark; colour never stands alone, a word says the same. */
#include "tunnel/report_page.h"

#include <stdarg.h>
#include <string.h>

#include "base/span.h"

const char sv_page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\" dir=\"ltr\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>";

const char sv_page_style[] =
    "</title>\n<style>\n"
    ":root{--page:#f4f5f8;--card:#ffffff;--ink:#1b2230;--soft:#4b5566;--line:#d3d8e2;"
    "--clear:#7d5200;--clear-tint:#fdf3dc;--lock:#5537b8;--lock-tint:#efebfd;--open:#17633a;--open-tint:#e3f4ea;"
    "--sign:#0a559f;--sign-tint:#e4f0fb;--pack:#48536a;--pack-tint:#eceff5;--bad:#a8201a;--bad-tint:#fde9e7}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#10141b;--card:#181e27;--ink:#e8ecf3;--soft:#aab4c4;--line:#38424f;"
    "--clear:#f2bd55;--clear-tint:#2d2513;--lock:#bcadff;--lock-tint:#262043;--open:#76d89b;--open-tint:#152c1f;"
    "--sign:#83bdff;--sign-tint:#14283d;--pack:#b1bccf;--pack-tint:#252d3a;--bad:#ff9a92;--bad-tint:#3d1d1b}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
    "main{max-width:62rem;margin:0 auto;padding:2rem 1.25rem 3rem}\n"
    "h1{font-size:1.5rem;line-height:1.3;margin:0 0 1rem}h1 small{display:block;font-size:.85rem;font-weight:600;"
    "color:var(--soft)}\n"
    "h2{font-size:1.1rem;margin:2.25rem 0 .75rem}\n"
    "code,.mono{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:.86em;overflow-wrap:anywhere}\n"
    "svg{width:1.15em;height:1.15em;flex:none;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;"
    "stroke-linejoin:round}\n"
    ".verdict{display:flex;gap:.75rem;align-items:flex-start;margin:0;padding:.85rem 1.1rem;border-radius:.75rem;"
    "border:2px solid var(--k);background:var(--t)}\n"
    ".verdict svg{color:var(--k);margin-top:.2em}.verdict b{color:var(--k)}.verdict span{overflow-wrap:anywhere}\n"
    "ol.layers,ul{list-style:none;margin:0;padding:0}\n"
    ".layer{border:2px solid var(--k);border-radius:.8rem;background:var(--card);overflow:hidden;margin-top:.7rem}\n"
    ".layer>header{display:flex;flex-wrap:wrap;gap:.3rem .6rem;align-items:center;padding:.5rem .9rem;"
    "background:var(--t)}\n"
    ".layer>header svg,.layer>header b{color:var(--k)}.layer>header code{color:var(--soft)}\n"
    ".layer>header .badge{margin-left:auto}\n"
    ".inside{padding:.6rem .9rem .9rem}.inside:empty{display:none}.inside>p{margin:.15rem 0}\n"
    ".note{color:var(--soft)}\n"
    ".parties li{display:flex;gap:.5rem;padding:.2rem 0}.parties div{min-width:0}\n"
    ".parties svg{color:var(--k);margin-top:.2em}.parties small{color:var(--soft)}\n"
    ".inside>.shut{margin:.7rem 0 0;padding:1rem;border-radius:.6rem;border:2px dashed var(--k);color:var(--k);"
    "text-align:center;"
    "background:repeating-linear-gradient(-45deg,var(--t) 0 .6rem,var(--card) .6rem 1.2rem)}\n"
    ".shut span{background:var(--card);padding:.2rem .6rem;border-radius:.4rem;-webkit-box-decoration-break:clone;"
    "box-decoration-break:clone}\n"
    ".badge{display:inline-block;padding:0 .55rem;border:1px solid var(--k);border-radius:1rem;font-size:.8rem;"
    "font-weight:600;color:var(--k);background:var(--t);white-space:nowrap}\n"
    ".chip{display:inline-block;margin:.1rem .3rem .1rem 0;padding:0 .5rem;border:1px solid var(--line);"
    "border-radius:.4rem;background:var(--card);font-size:.88rem;overflow-wrap:anywhere}\n"
    ".clear{--k:var(--clear);--t:var(--clear-tint)}.lock{--k:var(--lock);--t:var(--lock-tint)}"
    ".good{--k:var(--open);--t:var(--open-tint)}.sign{--k:var(--sign);--t:var(--sign-tint)}"
    ".pack{--k:var(--pack);--t:var(--pack-tint)}.bad{--k:var(--bad);--t:var(--bad-tint)}\n"
    ".scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.75rem;background:var(--card)}\n"
    "table{width:100%;border-collapse:collapse}\n"
    "th,td{text-align:left;vertical-align:top;padding:.5rem .9rem;border-top:1px solid var(--line);"
    "overflow-wrap:anywhere}\n"
    "thead th{border-top:0;font-size:.8rem;color:var(--soft);white-space:nowrap}tbody th{font-weight:500;width:38%}\n"
    "footer{margin-top:2.5rem;font-size:.85rem;color:var(--soft)}\n"
    "@media(max-width:36rem){main{padding:1rem .6rem}.inside{padding:.5rem .45rem .6rem}"
    ".layer>header{padding:.45rem .6rem}"
    "th,td{padding:.45rem .6rem}}\n"
    "@media print{body{background:#fff}.layer,.scroll,.verdict{break-inside:avoid}}\n"
    "</style>\n";

const char sv_page_drawings[] =
    "</head>\n<body>\n"
    "<svg aria-hidden=\"true\" style=\"position:absolute;width:0;height:0\"><defs>\n"
    "<symbol id=\"eye\" viewBox=\"0 0 24 24\"><path d=\"M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12z\"/>"
    "<circle cx=\"12\" cy=\"12\" r=\"3\"/></symbol>\n"
    "<symbol id=\"shut\" viewBox=\"0 0 24 24\"><rect x=\"4\" y=\"11\" width=\"16\" height=\"10\" rx=\"2\"/>"
    "<path d=\"M8 11V7a4 4 0 0 1 8 0v4\"/></symbol>\n"
    "<symbol id=\"open\" viewBox=\"0 0 24 24\"><rect x=\"4\" y=\"11\" width=\"16\" height=\"10\" rx=\"2\"/>"
    "<path d=\"M8 11V7a4 4 0 0 1 7.7-1.5\"/></symbol>\n"
    "<symbol id=\"pen\" viewBox=\"0 0 24 24\"><path d=\"M4 20l1-5L16 4l4 4L9 19z\"/><path d=\"M13 7l4 4\"/></symbol>\n"
    "<symbol id=\"pack\" viewBox=\"0 0 24 24\">"
    "<path d=\"M12 2v7M9 6l3 3 3-3M12 22v-7M9 18l3-3 3 3M4 12h16\"/></symbol>\n"
    "<symbol id=\"mail\" viewBox=\"0 0 24 24\"><rect x=\"3\" y=\"5\" width=\"18\" height=\"14\" rx=\"2\"/>"
    "<path d=\"M3 7l9 6 9-6\"/></symbol>\n"
    "<symbol id=\"page\" viewBox=\"0 0 24 24\"><path d=\"M6 2h8l4 4v16H6z\"/><path d=\"M9 11h6M9 15h6\"/></symbol>\n"
    "<symbol id=\"key\" viewBox=\"0 0 24 24\">"
    "<circle cx=\"8\" cy=\"15\" r=\"4\"/><path d=\"M11 12l9-9M16 7l3 3\"/></symbol>\n"
    "<symbol id=\"yes\" viewBox=\"0 0 24 24\"><path d=\"M4 13l5 5L20 6\"/></symbol>\n"
    "<symbol id=\"no\" viewBox=\"0 0 24 24\"><path d=\"M5 5l14 14M19 5L5 19\"/></symbol>\n"
    "</defs></svg>\n<main>\n";

static const char *entity_of(uint8_t octet)
{
    switch (octet) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

void sv_page_text(sv_buffer *out, const char *text)
{
    const char *plain = text; /* written in one go up to the next octet that must not stand as it is */
    for (const char *c = text;; c++) {
        uint8_t octet = (uint8_t)*c;
        const char *entity = entity_of(octet);
        if (entity == NULL && octet >= 0x20 && octet <= 0x7E) continue;
        sv_put(out, sv_span(plain, (size_t)(c - plain)));
        if (octet == '\0') return;
        if (entity != NULL) {
            sv_put_str(out, entity);
        } else {
            sv_put_format(out, "\\x%02x", octet);
        }
        plain = c + 1;
    }
}

void sv_page_put(sv_buffer *out, const char *markup, ...)
{
    va_list texts;
    va_start(texts, markup);
    for (const char *c = markup, *next; *c != '\0'; c = next) {
        next = strchrnul(c, '$');
        sv_put(out, sv_span(c, (size_t)(next - c)));
        if (*next == '\0') break;
        sv_page_text(out, va_arg(texts, const char *));
        next++;
    }
    va_end(texts);
}
