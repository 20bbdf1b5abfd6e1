#include <stdarg.h>
#include <stdatomic.h>

#include "apiserver/custom/definition.h"
#include "apiserver/kinds/kind.h"
#include "openapi/decode.h"

static const struct kind *const *const groups[] = {
    kinds_core, kinds_pods, kinds_workloads, kinds_networking, kinds_storage, kinds_access, kinds_extension,
};

static const struct kind plain = {.name_rule = NAME_SUBDOMAIN};

static bool is_of(const struct kind *kind, const struct schema_resource *resource)
{
    return strcmp(kind->resource, resource->name) == 0 && strcmp(kind->group, resource->group) == 0;
}

static const struct kind *search(const struct schema_resource *resource)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        for (const struct kind *const *kind = groups[i]; *kind; kind++) {
            if (is_of(*kind, resource))
                return *kind;
        }
    }
    return &plain;
}

const struct kind *kind_of(const struct schema_resource *resource)
{
    /* Remembered by the resource's number. A slot is believed only if it is of this resource, so that
     * resources made at run time may have any number. Two threads that fill a slot at once write the same. */
    enum { SLOTS = 256 };
    static _Atomic(const struct kind *) found[SLOTS];
    if (resource->custom)
        return resource->custom->kind;
    if (resource->index >= SLOTS)
        return search(resource);
    const struct kind *kind = atomic_load_explicit(&found[resource->index], memory_order_acquire);
    if (kind && is_of(kind, resource))
        return kind;
    kind = search(resource);
    if (kind != &plain)
        atomic_store_explicit(&found[resource->index], kind, memory_order_release);
    return kind;
}

void kind_warn(struct kind_request *req, const char *fmt, ...)
{
    if (!req->warnings)
        return;
    va_list args;
    va_start(args, fmt);
    const char *text = arena_vprintf(req->arena, fmt, args);
    va_end(args);
    struct decode_findings *w = req->warnings;
    const char **item = arena_push(w->arena, &w->items, &w->count, &w->capacity, sizeof *item);
    *item = arena_strdup(w->arena, slice_str(text));
}
