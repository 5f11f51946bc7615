/* SPDX-License-Identifier: BSD-2-Clause */
/* --report FILE, of every verb. A verb whose library call has a report of its own hands it to report_write(); whatever else
 * the program said, and how it ended, is taken down here and written at the end. One process, one run, one report. */
#ifndef TOOL_REPORT_H
#define TOOL_REPORT_H

#include <jansson.h>

#include "tool.h"

enum { REPORT_TEXT_MOST = 1024 };

/* A report was asked for. *common is copied. */
void report_begin(const tool_common *common);
/* What was said: an error with its code and rule, a warning. Called by what says it. */
void report_take_error(const sipveil_error *err);
void report_take_warning(const char *text);
/* A check of the verb's own. rule and why are copied. */
void report_take_check(const char *rule, bool passed, const char *why);

/* The report as the library made it, where one was asked for ("-": standard error). input: the path that was read, or
 * NULL. Returns TOOL_OK or the exit code after a message. */
int report_write(const tool_common *common, sipveil_span json);
/* At the end of the run: what was taken down, if a report was asked for and none was written. Returns the exit code. */
int report_end(int exit_code);

/* The first code that gives this exit code. */
sipveil_code report_code_of(int exit_code);

/* Printable ASCII, other octets as \xNN; cut where it would not fit. */
const char *report_printable(const char *text, char out[REPORT_TEXT_MOST]);
json_t *report_text_json(const char *text);

#endif
