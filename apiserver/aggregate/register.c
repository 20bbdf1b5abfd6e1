#include "apiserver/aggregate/internal.h"
#include "apiserver/catalogue.h"
#include "apiserver/kinds/kind.h"
#include "apiserver/metadata.h"
#include "apiserver/object.h"
#include "base/clock.h"
#include "base/log.h"
#include "openapi/default.h"
#include "openapi/gen/apiregistration_v1.h"

#define AUTOMANAGED "kube-aggregator.kubernetes.io/automanaged"

static bool is_automanaged(const struct value *object)
{
    const struct value *labels = value_at(object_meta(object), meta_v1_ObjectMeta_labels);
    return value_is(value_get(labels, SLICE(AUTOMANAGED)), "true");
}

static bool is_served_by_custom(const struct catalogue *catalogue, const struct value *object)
{
    const struct value *spec = value_at(object, apiregistration_v1_APIService_spec);
    const struct schema_group_version *gv = catalogue_find_group_version(
        catalogue, value_text(value_at(spec, apiregistration_v1_APIServiceSpec_group)),
        value_text(value_at(spec, apiregistration_v1_APIServiceSpec_version)));
    return gv && !gv->package && !gv->remote;
}

static const struct value *find(const struct value *all, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(object_text(&all[i], meta_v1_ObjectMeta_name), name))
            return &all[i];
    return NULL;
}

static void store(struct aggregator *a, struct store_op *op, const char *what)
{
    cleanup_error struct error err = ERROR_INIT;
    const struct store_author author = {.user = SLICE("system:apiserver"),
                                        .manager = SLICE("kube-apiserver")};
    struct store_txn_result result;
    /* a conflict: somebody else wrote it, which makes the next run */
    if (store_txn(a->server->store, op, 1, &author, &result, &err) == STORE_FAILED)
        log_error("the APIService of a custom group-version", LOG_S("failed", what), LOG_V("key", op->key),
                  LOG_S("error", err.message));
}

static void create(struct aggregator *a, struct arena *arena, const struct schema_resource *resource,
                   const struct schema_group_version *gv, const char *name)
{
    cleanup_error struct error err = ERROR_INIT;
    struct value object;
    struct stored stored;
    struct decode_findings warnings = {.arena = arena};
    struct kind_request req = {
        .arena = arena, .resource = resource, .now = clock_now_seconds(), .warnings = &warnings};
    struct slice text = arena_slicef(
        arena,
        "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"" AUTOMANAGED "\":\"true\"}},"
        "\"spec\":{\"group\":\"%s\",\"version\":\"%s\",\"groupPriorityMinimum\":%d,\"versionPriority\":%d}}",
        name, gv->group, gv->version, CATALOGUE_CUSTOM_GROUP_PRIORITY, CATALOGUE_CUSTOM_VERSION_PRIORITY);
    if (decode_json(arena, resource->type, text, &object, NULL, &err)) {
        default_object(arena, &object);
        metadata_fill_create(arena, resource, &object, SLICE(""), req.now);
        condition_own(arena, resource, NULL, &object, "");
        kind_of(resource)->prepare_create(&req, &object);
    }
    if (error_is_set(&err) || !object_encode(arena, resource, &object, &stored, &err)) {
        log_error("the APIService of a custom group-version cannot be made", LOG_S("name", name),
                  LOG_S("error", err.message));
        return;
    }
    struct store_op op = {.type = STORE_PUT,
                          .key = object_key(arena, resource, SLICE(""), slice_str(name)),
                          .header = stored.header,
                          .value = stored.value,
                          .splice = stored.splice};
    store(a, &op, "create");
}

void register_custom(struct aggregator *a, struct arena *arena, const struct value *all, size_t count)
{
    const struct schema_resource *resource =
        schema_find_resource(SLICE("apiregistration.k8s.io"), SLICE("v1"), SLICE("apiservices"));
    struct catalogue *catalogue = catalogues_pin(a->server->catalogues);
    struct discovery_list list = catalogue_list(catalogue);
    for (size_t i = 0; i < list.count; i++) {
        const struct schema_group_version *gv = list.items[i];
        const char *name = arena_printf(arena, "%s.%s", gv->version, gv->group);
        if (!gv->package && !gv->remote && !find(all, count, name))
            create(a, arena, resource, gv, name);
    }
    for (size_t i = 0; i < count; i++) {
        struct slice name = object_text(&all[i], meta_v1_ObjectMeta_name);
        if (!is_automanaged(&all[i]) || is_served_by_custom(catalogue, &all[i]))
            continue;
        struct store_op op = {.type = STORE_DELETE,
                              .key = object_key(arena, resource, SLICE(""), name),
                              .expect = object_version(&all[i]),
                              .splice = SIZE_MAX};
        store(a, &op, "delete");
    }
    catalogue_unref(catalogue);
}
