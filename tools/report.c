/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

/* Of the one run of this process. */
static struct {
    tool_common common; /* of the verb that asked; report is NULL until then */
    bool written;
    sipveil_error error; /* the first one */
    bool failed;
    json_t *checks, *warnings;
} run;

const char *report_printable(const char *text, char out[REPORT_TEXT_MOST])
{
    size_t len = 0;
    for (const char *at = text; *at != '\0' && len + 5 < REPORT_TEXT_MOST; at++) {
        bool plain = isprint((unsigned char)*at) && (unsigned char)*at < 0x7F;
        len += (size_t)snprintf(out + len, REPORT_TEXT_MOST - len, plain ? "%c" : "\\x%02x", plain ? *at : (unsigned char)*at);
    }
    out[len] = '\0';
    return out;
}

json_t *report_text_json(const char *text)
{
    char safe[REPORT_TEXT_MOST];
    return json_string(report_printable(text, safe));
}

static void append(json_t **list, json_t *item)
{
    if (*list == NULL) *list = json_array();
    json_array_append_new(*list, item); /* NULL: out of memory; the report lacks it */
}

void report_begin(const tool_common *common)
{
    run.common = *common;
}

void report_take_check(const char *rule, bool passed, const char *why)
{
    json_t *check = json_object();
    json_object_set_new(check, "rule", report_text_json(rule));
    json_object_set_new(check, "result", json_string(passed ? "passed" : "failed"));
    json_object_set_new(check, "why", report_text_json(why));
    append(&run.checks, check);
}

void report_take_error(const sipveil_error *err)
{
    if (err->rule[0] != '\0') report_take_check(err->rule, false, err->text);
    if (run.failed) return;
    run.error = *err;
    run.failed = true;
}

void report_take_warning(const char *text)
{
    append(&run.warnings, report_text_json(text));
}

static int write_octets(const tool_common *common, sipveil_span json)
{
    run.written = true;
    if (strcmp(common->report, "-") == 0) return fwrite(json.data, 1, json.len, stderr) == json.len ? TOOL_OK : TOOL_FAILED;
    return io_write(common, common->report, json, IO_REPLACE);
}

int report_write(const tool_common *common, sipveil_span json)
{
    return common->report == NULL ? TOOL_OK : write_octets(common, json);
}

/* As in the report of inspect. */
static json_t *error_json(void)
{
    json_t *error = json_object();
    json_object_set_new(error, "code", json_string(sipveil_code_name(run.error.code)));
    json_object_set_new(error, "path", json_array());
    json_object_set_new(error, "text", report_text_json(run.error.text));
    if (run.error.rule[0] != '\0') json_object_set_new(error, "rule", json_string(run.error.rule));
    if (run.error.hint[0] != '\0') json_object_set_new(error, "hint", report_text_json(run.error.hint));
    json_object_set_new(error, "sip_status", json_integer(run.error.sip_status));
    return error;
}

static int write_taken(bool ok)
{
    json_t *whole = json_object();
    json_object_set_new(whole, "version", json_integer(1));
    json_object_set_new(whole, "verdict", json_string(ok ? "ok" : "error"));
    json_object_set_new(whole, "error", ok ? json_null() : error_json());
    json_object_set_new(whole, "checks", run.checks != NULL ? json_incref(run.checks) : json_array());
    json_object_set_new(whole, "warnings", run.warnings != NULL ? json_incref(run.warnings) : json_array());
    char *text = json_dumps(whole, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
    json_decref(whole);
    if (text == NULL) return tool_failure(&run.common, TOOL_FAILED, NULL, "out of memory");
    size_t len = strlen(text);
    text[len] = '\n'; /* in place of its NUL */
    int exit_code = write_octets(&run.common, (sipveil_span){(const uint8_t *)text, len + 1});
    free(text);
    return exit_code;
}

sipveil_code report_code_of(int exit_code)
{
    sipveil_code code = SIPVEIL_OK;
    while (code + 1 < SIPVEIL_CODE_COUNT && sipveil_code_exit(code) != exit_code) code++;
    return code;
}

int report_end(int exit_code)
{
    bool ok = exit_code == TOOL_OK || exit_code == TOOL_ANSWER;
    if (!ok && sipveil_code_exit(run.error.code) != exit_code) { /* a key file that cannot be read is an unusable key */
        run.error.code = report_code_of(exit_code);
        run.error.sip_status = 0;
    }
    bool taken_back = exit_code == TOOL_FAILED && run.common.report != NULL && strcmp(run.common.report, "-") != 0;
    if (run.common.report != NULL && (!run.written || taken_back)) {
        int written = write_taken(ok);
        if (ok && written != TOOL_OK) exit_code = written;
    }
    json_decref(run.checks);
    json_decref(run.warnings);
    return exit_code;
}
