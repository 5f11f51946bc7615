/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys of the partner table that need more than their value: anchors from files, the host of a privacy service (TRU-12). */
#include "world.h"

#include "sipveil/keys.h"
#include "trust/table.h"

#define ROW "[partner p]\ndomains = p.example\nprotection = tls-mutual\nanchors = "
#define HASH "sha256:000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

/* What stands in the files: "one", "two", "most", "many": so many copies of one certificate; else no certificate. */
typedef struct files {
    char *certificate, *key;
    char *text;
    size_t asked;
} files;

static sipveil_code read_file(void *user, const char *named, const char *from, sipveil_span *text, const char **name, sipveil_error *err)
{
    files *f = user;
    size_t length = strlen(f->certificate), copies = 0;
    (void)from;
    f->asked++;
    *name = named;
    if (strcmp(named, "gone") == 0) {
        snprintf(err->text, sizeof err->text, "gone: not there");
        return err->code = SIPVEIL_IO;
    }
    if (strncmp(named, "one", 3) == 0) copies = 1;
    if (strcmp(named, "two") == 0) copies = 2;
    if (strcmp(named, "most") == 0) copies = SV_LIST_MOST;
    if (strcmp(named, "many") == 0) copies = SV_LIST_MOST + 1;
    free(f->text);
    f->text = malloc(copies * length + 1);
    assert_non_null(f->text);
    for (size_t i = 0; i < copies; i++) memcpy(f->text + i * length, f->certificate, length);
    *text = copies > 0 ? sv_span(f->text, copies * length) : SV_SPAN("nothing of the kind");
    return SIPVEIL_OK;
}

static sipveil_code read_table(files *f, const char *extra, const char *partner, sipveil_trust_table **out, sipveil_error *err)
{
    char text[4096];
    const sipveil_trust_table_options options = {.size = sizeof options, .user = f, .read = read_file, .context = world_context};
    snprintf(text, sizeof text, "[trust-domain]\nno_privacy = remove\n%s%s", extra, partner);
    return sipveil_trust_table_read(sv_span_str(text), "t", &options, out, err);
}

static void anchors_of_files(void **state)
{
    static const struct {
        const char *value;
        size_t count;     /* of anchors; 0: refused */
        const char *said; /* in the error */
    } rows[] = {
        {HASH, 1, NULL},
        {"SHA256:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f", 1, NULL},
        {"one", 1, NULL},
        {"one two " HASH, 4, NULL},
        {"most", SV_LIST_MOST, NULL},
        {"most " HASH, 0, "more than 64 anchors"},
        {"most one", 0, "more than 64 anchors"},
        {"one most", 0, "most: 64 certificates, not 1 to 63"},
        {"many", 0, "many: 65 certificates, not 1 to 64"},
        {"none", 0, "none: not a certificate"},
        {"gone", 0, "gone: not there"},
        {"sha256:", 0, "is not sha256: and 64 hex digits"},
        {HASH "0", 0, "is not sha256: and 64 hex digits"},
        {HASH "00", 0, "is not sha256: and 64 hex digits"},
        {"sha256:0001", 0, "is not sha256: and 64 hex digits"},
        {"sha256:0", 0, "is not sha256: and 64 hex digits"},
        {"sha256:0g", 0, "is not sha256: and 64 hex digits"},
        {"sha256:g0", 0, "is not sha256: and 64 hex digits"},
    };
    files *f = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_trust_table *table = NULL;
        sipveil_error err;
        char row[512];
        snprintf(row, sizeof row, ROW "%s\n", rows[i].value);
        sipveil_code code = read_table(f, "", row, &table, &err);
        if ((code == SIPVEIL_OK) != (rows[i].count > 0)) fail_msg("%s: %d: %s", rows[i].value, code, code == SIPVEIL_OK ? "taken" : err.text);
        if (code != SIPVEIL_OK) {
            if (strstr(err.text, rows[i].said) == NULL) fail_msg("%s: %s", rows[i].value, err.text);
            assert_null(table);
            continue;
        }
        assert_int_equal(table->first->anchor_count, rows[i].count);
        sipveil_trust_table_free(table);
    }
}

/* Each file is told once, whoever names it. */
static void files_are_told(void **state)
{
    files *f = *state;
    sipveil_trust_table *table = NULL;
    sipveil_error err;
    f->asked = 0;
    if (read_table(f, "", ROW "one " HASH " two\n[partner q]\ndomains = q.example\nprotection = tls-mutual\nanchors = two one\n", &table,
                   &err) != SIPVEIL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(f->asked, 4);
    assert_string_equal(sipveil_trust_table_anchor_file(table, 0), "one");
    assert_string_equal(sipveil_trust_table_anchor_file(table, 1), "two");
    assert_null(sipveil_trust_table_anchor_file(table, 2));
    assert_null(sipveil_trust_table_anchor_file(NULL, 0));
    sipveil_trust_table_free(table);
}

static void hosts_of_a_service(void **state)
{
    static const struct {
        const char *host;
        bool good;
    } rows[] = {
        {"priv.example", true}, {"priv.example:5070", true}, {"192.0.2.1", true}, {"[2001:db8::1]:5060", true},
        {"a@priv.example", false}, {"priv.example;lr", false}, {"priv.example?x=y", false}, {"priv example", false},
        {"priv.example:", false}, {"priv.example:99999", false}, {":5060", false}, {"sip:priv.example", false},
    };
    files *f = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sipveil_trust_table *table = NULL;
        sipveil_error err;
        char extra[160];
        snprintf(extra, sizeof extra, "privacy_service = user\nservice_host = %s\n", rows[i].host);
        sipveil_code code = read_table(f, extra, "", &table, &err);
        if ((code == SIPVEIL_OK) != rows[i].good) fail_msg("%s: %s", rows[i].host, code == SIPVEIL_OK ? "taken" : err.text);
        if (code != SIPVEIL_OK && strstr(err.text, "is no host or host:port") == NULL) fail_msg("%s", err.text);
        sipveil_trust_table_free(table);
    }
}

static int open_files(void **state)
{
    static files all;
    sipveil_error err;
    *state = &all;
    if (world_open(state) != 0) return -1;
    *state = &all;
    return sipveil_keys_make_authority(world_context, "Partner CA", &all.certificate, &all.key, &err) == SIPVEIL_OK ? 0 : -1;
}

static int close_files(void **state)
{
    files *f = *state;
    free(f->text);
    sipveil_keys_wipe_text(f->certificate);
    sipveil_keys_wipe_text(f->key);
    return world_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_of_files), cmocka_unit_test(files_are_told), cmocka_unit_test(hosts_of_a_service),
    };
    return cmocka_run_group_tests_name("keys of the partner table", tests, open_files, close_files);
}
