/*
 * Server-side apply of anything onto anything: the input is a byte that chooses the type and whether to
 * force, an object, a zero byte, and what is applied. The object's own managedFields are where it starts. It
 * must end in an error or an object that decodes, and applying the same again must change nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include "openapi/decode.h"
#include "openapi/managed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema any = {.kind = SCHEMA_ANY};

static const struct schema_type *type_in(void *arg, struct slice api_version)
{
    return slice_is(api_version, "v1") ? arg : NULL;
}

static bool convert(void *arg, const struct value *object, bool free, struct slice from, struct slice to,
                    struct value *ret)
{
    (void)arg, (void)free, (void)from, (void)to;
    *ret = *object;
    return true;
}

static bool free_tree(struct arena *arena, const struct schema_type *type, const struct value *object,
                      struct value *ret)
{
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    encode_json_type(&text, type, object);
    return decode_json_node(arena, &any, arena_dup(arena, buf_slice(&text)), ret, NULL, NULL);
}

/* What comes of it, as a typed object; false: refused. */
static bool apply(const struct managed_request *req, const struct value *live, const struct value *config,
                  bool force, struct managed *managed, struct value *ret, bool *ret_changed)
{
    cleanup_error struct error err = ERROR_INIT;
    const struct schema record = {.kind = SCHEMA_RECORD, .type = req->type};
    struct value tree, applied;
    if (!free_tree(req->arena, req->type, live, &tree))
        abort();
    if (!managed_apply(req, &tree, config, force, "/x; v1, Kind=X", managed, &applied, ret_changed, &err)) {
        if (!error_is_set(&err))
            abort();
        return false;
    }
    return decode_value(req->arena, &record, &applied, ret, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"io.k8s.api.apps.v1.Deployment", "io.k8s.api.core.v1.Service",
                                        "io.k8s.api.core.v1.ConfigMap", "io.k8s.api.core.v1.Pod"};
    cleanup_arena struct arena *arena = arena_new();
    struct slice text = slice_make((const char *)data + 1, size ? size - 1 : 0), live_text;
    struct value live, config, once, twice;
    struct managed managed;
    bool changed;
    if (!size || !slice_split(&text, '\0', &live_text) || !text.ptr)
        return 0;
    arena_set_limit(arena, 64 << 20);
    const struct schema_type *type = schema_find_type(types[data[0] % 4]);
    struct managed_versions versions = {(void *)(uintptr_t)type, type_in, convert};
    struct managed_request req = {.arena = arena,
                                  .manager = SLICE("fuzz"),
                                  .api_version = SLICE("v1"),
                                  .type = type,
                                  .now = SLICE("2026-01-01T00:00:00Z"),
                                  .versions = &versions};
    if (!decode_json(arena, type, live_text, &live, NULL, NULL) || live.kind != VALUE_RECORD ||
        !decode_json_node(arena, &any, text, &config, NULL, NULL) ||
        !managed_decode(arena, value_path(&live, "metadata.managedFields"), &managed, NULL))
        return 0;
    if (!apply(&req, &live, &config, data[0] & 4, &managed, &once, &changed))
        return 0;
    managed_encode(arena, &managed);
    if (apply(&req, &once, &config, true, &managed, &twice, &changed) && !value_equal(&once, &twice)) {
        cleanup_buf struct buf a = BUF_INIT(BUF_UNLIMITED), b = BUF_INIT(BUF_UNLIMITED);
        encode_json_type(&a, type, &once);
        encode_json_type(&b, type, &twice);
        fprintf(stderr, "once:  %s\ntwice: %s\n", buf_cstr(&a), buf_cstr(&b));
        abort();
    }
    return 0;
}
