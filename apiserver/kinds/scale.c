#include "apiserver/kinds/scale.h"
#include "apiserver/custom/definition.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/autoscaling_v1.h"
#include "openapi/gen/meta_v1.h"

static void copy_metadata(struct arena *arena, const struct value *object, struct value *scale)
{
    static const unsigned fields[] = {meta_v1_ObjectMeta_name, meta_v1_ObjectMeta_namespace,
                                      meta_v1_ObjectMeta_uid, meta_v1_ObjectMeta_resourceVersion,
                                      meta_v1_ObjectMeta_creationTimestamp};
    struct value *metadata = value_ensure_record(arena, scale, autoscaling_v1_Scale_metadata);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        *value_mut(metadata, fields[i]) = *value_at(object_metadata(object), fields[i]);
}

bool scale_from(struct arena *arena, const struct schema_resource *resource, const struct value *object,
                struct value *ret_scale, struct error *err)
{
    const struct custom_resource *custom = resource->custom;
    const struct value *selector = value_path(object, custom ? custom->label_selector : "spec.selector"),
                       *replicas = value_path(object, custom ? custom->spec_replicas : "spec.replicas"),
                       *now = value_path(object, custom ? custom->status_replicas : "status.replicas");
    struct value scale = value_new_record(arena, schema_find_type("io.k8s.api.autoscaling.v1.Scale"));
    if (selector->kind == VALUE_RECORD && !label_selector_valid(selector))
        return error_set(err, REASON_BAD_REQUEST, "the object has no valid label selector");
    struct slice text = custom                        ? value_text(selector)
                        : selector->kind == VALUE_MAP ? labels_print(arena, selector)
                                                      : label_selector_print(arena, selector);
    *value_mut(&scale, autoscaling_v1_Scale_kind) = value_of_cstr("Scale");
    *value_mut(&scale, autoscaling_v1_Scale_apiVersion) = value_of_cstr("autoscaling/v1");
    copy_metadata(arena, object, &scale);
    if (value_int(replicas, 0)) /* zero is what the field says when it is not there */
        *value_mut(value_ensure_record(arena, &scale, autoscaling_v1_Scale_spec),
                   autoscaling_v1_ScaleSpec_replicas) = *replicas;
    struct value *status = value_ensure_record(arena, &scale, autoscaling_v1_Scale_status);
    if (value_int(now, 0))
        *value_mut(status, autoscaling_v1_ScaleStatus_replicas) = *now;
    if (text.len)
        *value_mut(status, autoscaling_v1_ScaleStatus_selector) = value_of_string(text);
    *ret_scale = scale;
    return true;
}

static bool check_uid(const struct schema_resource *resource, const struct value *scale,
                      const struct value *object, struct error *err)
{
    struct slice wanted =
        value_text(value_at(value_at(scale, autoscaling_v1_Scale_metadata), meta_v1_ObjectMeta_uid));
    struct slice uid = value_text(value_at(object_metadata(object), meta_v1_ObjectMeta_uid));
    if (wanted.len == 0 || slice_eq(wanted, uid))
        return true;
    error_set(err, REASON_CONFLICT,
              "Operation cannot be fulfilled on %s/scale%s%s \"%.*s\": Precondition failed: UID in "
              "precondition: %.*s, UID in object meta: "
              "%.*s",
              resource->name, resource->group[0] ? "." : "", resource->group, SLICE_ARG(object_name(object)),
              SLICE_ARG(wanted), SLICE_ARG(uid));
    char kind[128];
    snprintf(kind, sizeof kind, "%s/scale", resource->name);
    return error_about(err, slice_str(resource->group), slice_str(kind), object_name(object));
}

static struct value *plain_field(struct value *object)
{
    struct value *spec = value_get_mut(object, SLICE("spec"));
    return spec && spec->kind == VALUE_RECORD ? value_get_mut(spec, SLICE("replicas")) : NULL;
}

/* The place that the definition names; what is missing on the way is made. */
static struct value *custom_field(struct arena *arena, struct value *object, const char *dotted)
{
    struct slice rest = slice_str(dotted), part;
    struct value *at = object;
    while (slice_split(&rest, '.', &part)) {
        if (at->kind == VALUE_ABSENT)
            *at = value_new_map(arena, 1);
        int i = at->kind == VALUE_RECORD ? schema_find_field(at->record->type, part.ptr, part.len) : -1;
        const struct schema *schema = i >= 0 ? &at->record->type->fields[i].schema : NULL;
        if (schema && schema->kind == SCHEMA_RECORD && !value_is_set(value_at(at, (unsigned)i)))
            *value_mut(at, (unsigned)i) = value_new_record(arena, schema->type);
        at = i >= 0                  ? value_mut(at, (unsigned)i)
             : at->kind == VALUE_MAP ? value_put(arena, at, part)
                                     : value_get_mut(at, part);
        if (!at)
            return NULL;
    }
    return at;
}

bool scale_apply(struct arena *arena, const struct schema_resource *resource, const struct value *scale,
                 struct value *object, struct error *err)
{
    const struct value *metadata = value_at(scale, autoscaling_v1_Scale_metadata);
    int64_t replicas =
        value_int(value_at(value_at(scale, autoscaling_v1_Scale_spec), autoscaling_v1_ScaleSpec_replicas), 0);
    struct causes causes = {.arena = arena};
    struct path spec = path_field(NULL, "spec");
    if (replicas < 0) {
        check_non_negative(&causes, PATH(&spec, "replicas"), replicas);
        return causes_to_error(&causes, "autoscaling", "Scale", object_name(object), err);
    }
    if (!check_uid(resource, scale, object, err))
        return false;
    struct value *field = resource->custom ? custom_field(arena, object, resource->custom->spec_replicas)
                                           : plain_field(object),
                 *object_meta = value_get_mut(object, SLICE("metadata"));
    if (!field || !object_meta || object_meta->kind != VALUE_RECORD)
        return error_set(err, REASON_INTERNAL, "%s cannot be scaled", resource->name);
    *field = value_of_int(replicas);
    *value_mut(object_meta, meta_v1_ObjectMeta_resourceVersion) =
        *value_at(metadata, meta_v1_ObjectMeta_resourceVersion);
    return true;
}
