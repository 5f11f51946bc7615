/* SPDX-License-Identifier: BSD-2-Clause */
#include <dlfcn.h>
#include <stdio.h>

#include "base/span.h"
#include "keys/pkcs11.h"

static const char room[] = "keys";

/* ---- reasons ---- */

sv_pkcs11_reason sv_pkcs11_reason_of(CK_RV rv)
{
#define ROW(name) {name, #name}
    static const struct {
        CK_RV rv;
        const char *name;
    } reasons[] = {
        ROW(CKR_HOST_MEMORY), ROW(CKR_GENERAL_ERROR), ROW(CKR_FUNCTION_FAILED), ROW(CKR_ARGUMENTS_BAD),
        ROW(CKR_ATTRIBUTE_SENSITIVE), ROW(CKR_ATTRIBUTE_TYPE_INVALID), ROW(CKR_ATTRIBUTE_VALUE_INVALID),
        ROW(CKR_DATA_INVALID), ROW(CKR_DATA_LEN_RANGE), ROW(CKR_DEVICE_ERROR), ROW(CKR_DEVICE_MEMORY),
        ROW(CKR_DEVICE_REMOVED), ROW(CKR_FUNCTION_NOT_SUPPORTED), ROW(CKR_KEY_HANDLE_INVALID),
        ROW(CKR_KEY_SIZE_RANGE), ROW(CKR_KEY_TYPE_INCONSISTENT), ROW(CKR_KEY_FUNCTION_NOT_PERMITTED),
        ROW(CKR_KEY_NOT_WRAPPABLE), ROW(CKR_MECHANISM_INVALID), ROW(CKR_MECHANISM_PARAM_INVALID),
        ROW(CKR_OBJECT_HANDLE_INVALID), ROW(CKR_PIN_INCORRECT), ROW(CKR_PIN_INVALID), ROW(CKR_PIN_LEN_RANGE),
        ROW(CKR_PIN_EXPIRED), ROW(CKR_PIN_LOCKED), ROW(CKR_SESSION_COUNT), ROW(CKR_SESSION_HANDLE_INVALID),
        ROW(CKR_TEMPLATE_INCONSISTENT), ROW(CKR_TOKEN_NOT_PRESENT), ROW(CKR_TOKEN_NOT_RECOGNIZED),
        ROW(CKR_USER_NOT_LOGGED_IN), ROW(CKR_USER_PIN_NOT_INITIALIZED), ROW(CKR_CRYPTOKI_NOT_INITIALIZED),
    };
#undef ROW
    sv_pkcs11_reason reason;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].rv != rv) continue;
        (void)snprintf(reason.text, sizeof reason.text, "%s", reasons[i].name);
        return reason;
    }
    (void)snprintf(reason.text, sizeof reason.text, "error 0x%lX", rv);
    return reason;
}

/* ---- where modules are ---- */

static const char *const folders[] = {SIPVEIL_PKCS11_MODULES, "/usr/lib/pkcs11", "/usr/lib64/pkcs11",
                                      "/usr/local/lib/pkcs11", SIPVEIL_PKCS11_LIBRARIES, "/usr/lib", "/usr/lib64",
                                      "/usr/local/lib", "/usr/lib/softhsm"};
/* "softhsm2" is libsofthsm2.so, "opensc" is opensc-pkcs11.so (RFC 7512 2.3: without what a platform adds). */
static const struct {
    const char *before, *after;
} forms[] = {{"lib", ".so"}, {"", ".so"}, {"", "-pkcs11.so"}};

static sipveil_code fail_load(const char *name, sipveil_error *err)
{
    const char *why = dlerror();
    sv_fail(err, room, SIPVEIL_USAGE, "PKCS #11 module %s cannot be loaded: %s", SV_QUOTE(sv_span_str(name)),
            why != NULL ? SV_QUOTE(sv_span_str(why)) : "no reason given");
    return sv_hint(err, SIPVEIL_USAGE, "?module-path=PATH names the module's library, ?module-name=NAME looks for it");
}

static sipveil_code open_by_name(const char *name, void **out, sipveil_error *err)
{
    char path[512];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
            int length = snprintf(path, sizeof path, "%s/%s%s%s", folders[i], forms[form].before, name,
                                  forms[form].after);
            if (length < 0 || (size_t)length >= sizeof path) continue;
            *out = dlopen(path, RTLD_NOW | RTLD_LOCAL);
            if (*out != NULL) return SIPVEIL_OK;
        }
    }
    sv_fail(err, room, SIPVEIL_USAGE, "no PKCS #11 module \"%s\" in %s, %s or the other usual folders",
            SV_QUOTE(sv_span_str(name)), folders[0], SIPVEIL_PKCS11_LIBRARIES);
    return sv_hint(err, SIPVEIL_USAGE, "?module-path=PATH names the module's library");
}

/* Without a name: p11-kit's own library, which is a module that offers all those of the machine. */
static sipveil_code open_library(const sv_pkcs11_uri *uri, const char **name, void **out, sipveil_error *err)
{
    size_t at;
    if (uri->module_name.data != NULL) {
        *name = (const char *)uri->module_name.data;
        if (uri->module_name.len > 0 && !sv_find_byte(uri->module_name, '/', &at)) return open_by_name(*name, out, err);
        return sv_fail(err, room, SIPVEIL_USAGE, "pkcs11 URI: module-name is a name and no path, not \"%s\"",
                       SV_QUOTE(uri->module_name));
    }
    *name = uri->module_path.data != NULL ? (const char *)uri->module_path.data : "libp11-kit.so.0";
    if (uri->module_path.data != NULL && !sv_find_byte(uri->module_path, '/', &at)) {
        return sv_fail(err, room, SIPVEIL_USAGE, "pkcs11 URI: module-path is a path with a slash in it, not \"%s\"",
                       SV_QUOTE(uri->module_path));
    }
    *out = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
    return *out != NULL ? SIPVEIL_OK : fail_load(*name, err);
}

/* ---- a module ---- */

static void free_module(void *object)
{
    sv_pkcs11_module *module = object;
    if (module->initialised) (void)module->call->C_Finalize(NULL);
    (void)dlclose(module->library);
}

static sipveil_code initialise(sv_pkcs11_module *module, sipveil_error *err)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_C_GetFunctionList get_calls;
    *(void **)&get_calls = dlsym(module->library, "C_GetFunctionList"); /* POSIX: a function in a void pointer */
    if (get_calls == NULL || get_calls(&module->call) != CKR_OK || module->call == NULL) {
        return sv_fail(err, room, SIPVEIL_USAGE, "%s is no PKCS #11 module", SV_QUOTE(sv_span_str(module->path)));
    }
    CK_RV rv = module->call->C_Initialize(&arguments);
    module->initialised = rv == CKR_OK;
    if (rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED) return SIPVEIL_OK;
    return sv_fail(err, room, SIPVEIL_USAGE, "PKCS #11 module %s does not start: %s",
                   SV_QUOTE(sv_span_str(module->path)), SV_PKCS11_REASON(rv));
}

sipveil_code sv_pkcs11_load(sipveil_keyring *ring, const sv_pkcs11_uri *uri, sv_pkcs11_module **out,
                            sipveil_error *err)
{
    const char *name;
    void *library = NULL;
    SV_TRY(open_library(uri, &name, &library, err));
    for (sv_pkcs11_module *module = ring->modules; module != NULL; module = module->next) {
        if (module->library != library) continue;
        (void)dlclose(library); /* counted */
        *out = module;
        return SIPVEIL_OK;
    }
    sv_pkcs11_module *module = sv_arena_alloc(ring->arena, sizeof *module);
    if (module == NULL) {
        (void)dlclose(library);
        return sv_no_memory(err, room);
    }
    module->library = library;
    module->path = sv_arena_string(ring->arena, sv_span_str(name));
    if (!sv_arena_defer(ring->arena, free_module, module) || module->path == NULL) return sv_no_memory(err, room);
    SV_TRY(initialise(module, err));
    module->next = ring->modules;
    ring->modules = module;
    *out = module;
    return SIPVEIL_OK;
}
