#include "apiserver/bootstrap.h"

#include <stdlib.h>

#include "apiserver/allocate.h"
#include "apiserver/bootstrap_data.h"
#include "apiserver/bootstrap_rbac.h"
#include "apiserver/kinds/kind.h"
#include "apiserver/metadata.h"
#include "apiserver/object.h"
#include "base/clock.h"
#include "base/log.h"
#include "openapi/default.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/networking_v1.h"
#include "openapi/managed.h"

enum { MAX_OBJECTS = 512 };

/* What depends on this server's flags and on the day. */
static void fill_in(struct arena *arena, const struct server_config *config, struct value *object)
{
    struct slice kind = value_text(value_get(object, SLICE("kind")));
    if (slice_is(kind, "Service")) {
        struct value *spec = value_mut(object, core_v1_Service_spec);
        struct slice ip = allocator_first_ip(arena, config->service_range);
        const char *colon = strrchr(config->listen, ':');
        *value_mut(spec, core_v1_ServiceSpec_clusterIP) = value_of_string(ip);
        *value_append(arena, value_mut(spec, core_v1_ServiceSpec_clusterIPs)) = value_of_string(ip);
        *value_append(arena, value_mut(spec, core_v1_ServiceSpec_ipFamilies)) = value_of_cstr("IPv4");
        *value_mut(spec, core_v1_ServiceSpec_ipFamilyPolicy) = value_of_cstr("SingleStack");
        struct value *port = &value_mut(spec, core_v1_ServiceSpec_ports)->list->items[0];
        *value_mut(port, core_v1_ServicePort_targetPort) =
            value_of_int(colon && atoi(colon + 1) ? atoi(colon + 1) : 6443);
    } else if (slice_is(kind, "ServiceCIDR")) {
        struct value *spec = value_ensure_record(arena, object, networking_v1_ServiceCIDR_spec);
        *value_append(arena, value_mut(spec, networking_v1_ServiceCIDRSpec_cidrs)) =
            value_of_cstr(config->service_range);
        struct value *conditions = value_mut(value_mut(object, networking_v1_ServiceCIDR_status),
                                             networking_v1_ServiceCIDRStatus_conditions);
        char *now = arena_bytes(arena, CLOCK_TEXT);
        *value_mut(&conditions->list->items[0], meta_v1_Condition_lastTransitionTime) =
            value_of_string(clock_format_seconds(clock_now_seconds(), now));
    } else if (slice_is(kind, "ConfigMap")) {
        char *day = arena_bytes(arena, CLOCK_TEXT);
        clock_format_seconds(clock_now_seconds(), day);
        *value_put(arena, value_mut(object, core_v1_ConfigMap_data), SLICE("since")) =
            value_of_string(slice_make(day, 10));
    }
}

/* As a client's creation would be prepared, but for the status, which is part of what a fresh cluster has. */
static void prepare(struct arena *arena, const struct schema_resource *resource, struct value *object)
{
    const struct kind *kind = kind_of(resource);
    struct decode_findings warnings = {.arena = arena};
    struct kind_request req = {
        .arena = arena, .resource = resource, .now = clock_now_seconds(), .warnings = &warnings};
    struct value *status = value_get_mut(object, SLICE("status"));
    struct value kept = status ? *status : value_absent;
    if (kind->counts_generation)
        *value_mut(object_meta_mut(arena, object), meta_v1_ObjectMeta_generation) = value_of_int(1);
    if (kind->prepare_create)
        kind->prepare_create(&req, object);
    if (status)
        *status = kept;
}

/* The parts of upstream's server that make a fresh cluster's objects, as it names them. */
static const struct {
    const char *kind, *manager, *status_manager;
} owners[] = {
    {"PriorityLevelConfiguration", "api-priority-and-fairness-config-producer-v1", NULL},
    {"FlowSchema", "api-priority-and-fairness-config-producer-v1",
     "api-priority-and-fairness-config-consumer-v1"},
    {"ServiceCIDR", "kube-apiserver", "kubernetes-service-cidr-controller"},
    {NULL, "kube-apiserver", NULL}, /* all others */
};

/* Whoever applies does not name what he leaves empty. */
static void drop_empty_texts(struct value *tree)
{
    for (uint32_t i = 0; tree->kind == VALUE_LIST && i < tree->list->count; i++)
        drop_empty_texts(&tree->list->items[i]);
    for (uint32_t i = tree->kind == VALUE_MAP ? tree->map->count : 0; i > 0; i--) {
        struct value_entry *entry = &tree->map->entries[i - 1];
        drop_empty_texts(&entry->value);
        if (entry->value.kind == VALUE_STRING && !entry->value.len)
            value_remove(tree, entry->key);
    }
}

/* The status was applied by a part of its own. */
static void own_status(struct arena *arena, const struct schema_resource *resource,
                       const struct value *object, struct managed_entry *own, struct managed *managed)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    struct value tree, status = value_new_map(arena, 1);
    if (!decode_value(arena, &any, object, &tree, NULL, NULL))
        return;
    *value_put(arena, &status, SLICE("status")) = *value_get(&tree, SLICE("status"));
    drop_empty_texts(&status);
    if (typed_fields(arena, resource->type, &status, &own->fields) && !fieldset_is_empty(&own->fields))
        *(struct managed_entry *)arena_push(arena, &managed->entries, &managed->count, &managed->capacity,
                                            sizeof *own) = *own;
}

static void own(struct arena *arena, const struct schema_resource *resource, struct value *object)
{
    static const char *const reset[] = {"status", "spec.clusterIPs", "spec.ipFamilies", "spec.finalizers",
                                        NULL};
    size_t row = 0;
    struct managed managed = {0};
    char *now = arena_bytes(arena, CLOCK_TEXT);
    struct managed_request req = {.arena = arena,
                                  .api_version = slice_str(resource->api_version),
                                  .type = resource->type,
                                  .reset = reset,
                                  .now = clock_format_seconds(clock_now_seconds(), now)};
    while (owners[row].kind && strcmp(owners[row].kind, resource->kind) != 0)
        row++;
    req.manager = slice_str(owners[row].manager);
    managed_update(&req, NULL, object, &managed);
    struct managed_entry status = {.manager = slice_str(owners[row].status_manager),
                                   .subresource = SLICE("status"),
                                   .api_version = req.api_version,
                                   .time = req.now,
                                   .apply = true};
    if (owners[row].status_manager)
        own_status(arena, resource, object, &status, &managed);
    *value_mut(object_meta_mut(arena, object), meta_v1_ObjectMeta_managedFields) =
        managed_encode(arena, &managed);
}

static bool read_object(struct arena *arena, const struct server_config *config, struct slice line,
                        const struct schema_resource **ret_resource, struct value *ret, struct error *err)
{
    struct slice api_version, kind;
    if (!decode_type_meta(arena, line, &api_version, &kind, err))
        return false;
    long slash = slice_find(api_version, '/');
    struct slice group = slash < 0 ? SLICE("") : slice_make(api_version.ptr, (size_t)slash);
    *ret_resource = schema_find_kind(group, slice_from(api_version, (size_t)(slash + 1)), kind);
    if (!*ret_resource)
        return error_set(err, REASON_INTERNAL, "bootstrap.json: there is no kind %.*s in %.*s",
                         SLICE_ARG(kind), SLICE_ARG(api_version));
    if (!decode_json(arena, (*ret_resource)->type, line, ret, NULL, err))
        return error_wrap(err, "bootstrap.json");
    fill_in(arena, config, ret);
    default_object(arena, ret);
    struct slice ns = object_text(ret, meta_v1_ObjectMeta_namespace);
    metadata_fill_create(arena, *ret_resource, ret, ns, clock_now_seconds());
    own(arena, *ret_resource, ret);
    prepare(arena, *ret_resource, ret);
    return true;
}

struct plan {
    struct server *server;
    struct arena *arena;
    struct store_read *read;
    struct store_op ops[MAX_OBJECTS];
    size_t count;
};

/* What is there may be of an earlier version of the server, or changed by somebody. */
static bool plan_update(struct plan *plan, const struct schema_resource *resource,
                        const struct value *expected, const struct store_record *record, struct error *err)
{
    struct value present;
    struct stored stored;
    if (!object_decode(plan->arena, resource, record->value, true, &present, err))
        return false;
    if (!bootstrap_reconcile(plan->arena, resource, expected, &present))
        return true;
    if (!object_encode(plan->arena, resource, &present, &stored, err))
        return false;
    plan->ops[plan->count++] = (struct store_op){.type = STORE_PUT,
                                                 .key = arena_dup(plan->arena, record->key),
                                                 .expect = record->revision,
                                                 .header = stored.header,
                                                 .value = stored.value,
                                                 .splice = stored.splice};
    return true;
}

/* Adds the object to what is to be written if it is missing, or lacks something. */
static bool plan_object(struct plan *plan, struct slice line, struct error *err)
{
    const struct schema_resource *resource;
    struct value object;
    struct stored stored;
    struct store_record present;
    if (!read_object(plan->arena, &plan->server->config, line, &resource, &object, err))
        return false;
    struct slice key = object_key(plan->arena, resource, object_text(&object, meta_v1_ObjectMeta_namespace),
                                  object_text(&object, meta_v1_ObjectMeta_name));
    if (plan->count == MAX_OBJECTS)
        return error_set(err, REASON_INTERNAL, "bootstrap.json has more than %d objects", MAX_OBJECTS);
    if (store_get(plan->read, key, &present))
        return plan_update(plan, resource, &object, &present, err);
    if (!object_encode(plan->arena, resource, &object, &stored, err))
        return false;
    plan->ops[plan->count++] = (struct store_op){.type = STORE_PUT,
                                                 .key = key,
                                                 .expect = 0,
                                                 .header = stored.header,
                                                 .value = stored.value,
                                                 .splice = stored.splice};
    return true;
}

/* One object stands on each line between "[" and "]". */
static bool plan_all(struct plan *plan, struct error *err)
{
    struct slice rest = slice_make(bootstrap_json, (size_t)(bootstrap_json_end - bootstrap_json)), line;
    while (slice_split(&rest, '\n', &line)) {
        if (line.len < 2)
            continue;
        if (line.ptr[line.len - 1] == ',')
            line.len--;
        if (!plan_object(plan, line, err))
            return false;
    }
    return true;
}

bool bootstrap_run(struct server *server, struct error *err)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_store_read struct store_read *read = store_read_begin(server->store, 0, err);
    if (!read)
        return false;
    struct plan *plan = arena_zalloc(arena, sizeof *plan);
    plan->server = server;
    plan->arena = arena;
    plan->read = read;
    if (!plan_all(plan, err))
        return false;
    struct store_author author = {.user = SLICE("system:apiserver"), .manager = SLICE("coxswain-apiserver")};
    struct store_txn_result result;
    if (plan->count > 0 &&
        store_txn(server->store, plan->ops, plan->count, &author, &result, err) != STORE_OK)
        return false;
    if (plan->count > 0)
        log_info("objects that come with the server written", LOG_N("count", plan->count));
    atomic_store(&server->bootstrapped, true);
    return true;
}

bool bootstrap_is_done(struct server *server)
{
    return atomic_load(&server->bootstrapped);
}
