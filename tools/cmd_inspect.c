/* SPDX-License-Identifier: BSD-2-Clause */
/* sipveil inspect */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opening.h"

enum inspect_option { O_JSON = O_OPENING_LAST, O_HTML };

static const tool_option options[] = {
    OPENING_OPTIONS,
    {O_JSON, "json", 0, NULL, false, "the report as one JSON object"},
    {O_HTML, "html", 0, NULL, false, "the report as one page for a browser"},
    TOOL_COMMON_OPTIONS,
};

typedef struct inspect_state {
    opening o; /* first: opening_take gets the same pointer */
    bool json, html;
} inspect_state;

static bool take(void *state, int id, const char *v)
{
    inspect_state *s = state;
    if (id == O_JSON) {
        s->json = true;
        return true;
    }
    if (id == O_HTML) {
        s->html = true;
        return true;
    }
    return opening_take(&s->o, id, v);
}

static void print_warnings(const inspect_state *s, const char *path)
{
    size_t count;
    const sipveil_warning *warnings = sipveil_worker_warnings(s->o.worker, &count);
    for (size_t i = 0; i < count; i++) tool_warning(&s->o.common, path, "%s", warnings[i].text);
}

/* Only for eyes: on a terminal that did not ask to be spared (no-color.org). */
static bool wants_colour(const inspect_state *s)
{
    const char *spared = getenv("NO_COLOR");
    bool file = s->o.common.output != NULL && strcmp(s->o.common.output, "-") != 0;
    return !file && isatty(STDOUT_FILENO) && (spared == NULL || spared[0] == '\0');
}

static sipveil_code make_report(inspect_state *s, sipveil_span *text, sipveil_error *err)
{
    if (s->json) return sipveil_worker_report_json(s->o.worker, text, err);
    if (s->html) return sipveil_worker_report_html(s->o.worker, text, err);
    return sipveil_worker_report_text(s->o.worker, wants_colour(s), s->o.common.verbose, text, err);
}

static int inspect_one(inspect_state *s, const char *path)
{
    io_octets message;
    sipveil_span text;
    sipveil_error err;
    int exit_code;
    if (!io_read_message(&s->o.common, path, sipveil_context_limits(s->o.context)->message, &message, &exit_code)) {
        return exit_code;
    }
    s->o.open.accept_bare_lf = true;
    sipveil_code code = sipveil_tunnel_inspect_message(s->o.worker, &s->o.open,
                                                       (sipveil_span){message.data, message.len}, &err);
    if (code == SIPVEIL_OK) {
        print_warnings(s, path);
        code = make_report(s, &text, &err);
    }
    int reported = opening_write_report(&s->o);
    if (code != SIPVEIL_OK) exit_code = tool_error(&s->o.common, path, &err);
    else exit_code = reported == TOOL_OK ? io_write_output(&s->o.common, text, IO_REPLACE) : reported;
    io_free(&message);
    return exit_code;
}

int cmd_inspect(int argc, char **argv)
{
    static const tool_verb verb = {"inspect", "[options] [FILE]",
                                   "Shows the layers of a message as a tree: what is visible to whom, signed by whom,\n"
                                   "what was compared. Opens nothing it has no key for, changes nothing.",
                                   cmd_inspect};
    inspect_state s = {.o = {.common = {.verb = "inspect"}}};
    int first = 0, exit_code = TOOL_USAGE;
    sipveil_open_options_default(&s.o.open);
    if (tool_parse(&verb, options, sizeof options / sizeof *options, argc, argv, &s.o.common, take, &s, 1, &first,
                   &exit_code)) {
        exit_code = s.json && s.html ? tool_usage_error(&s.o.common, "--json and --html exclude each other: one report is written")
                                     : opening_prepare(&s.o);
        if (exit_code == TOOL_OK) exit_code = inspect_one(&s, first < argc ? argv[first] : NULL);
    }
    opening_end(&s.o);
    return exit_code;
}
