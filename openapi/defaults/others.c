#include "base/clock.h"
#include "openapi/default.h"
#include "openapi/gen/apiextensions_v1.h"
#include "openapi/gen/hooks.h"
#include "openapi/gen/networking_v1.h"
#include "openapi/gen/rbac_v1.h"
#include "openapi/gen/resource_v1.h"

void default_hook_networking_v1_NetworkPolicy(struct value *record, struct arena *arena)
{
    struct value *spec = value_ensure_record(arena, record, networking_v1_NetworkPolicy_spec);
    struct value *types = value_mut(spec, networking_v1_NetworkPolicySpec_policyTypes);
    if (value_is_set(types))
        return;
    *value_append(arena, types) = value_of_cstr("Ingress");
    if (value_count(value_at(spec, networking_v1_NetworkPolicySpec_egress)))
        *value_append(arena, types) = value_of_cstr("Egress");
}

void default_hook_rbac_v1_Subject(struct value *record, struct arena *arena)
{
    const struct value *kind = value_at(record, rbac_v1_Subject_kind);
    if (value_is(kind, "User") || value_is(kind, "Group"))
        default_text(record, rbac_v1_Subject_apiGroup, "rbac.authorization.k8s.io");
}

void default_hook_resource_v1_DeviceTaint(struct value *record, struct arena *arena)
{
    char now[CLOCK_TEXT];
    struct value *added = value_mut(record, resource_v1_DeviceTaint_timeAdded);
    if (!value_is_set(added))
        *added = value_of_string(arena_dup(arena, clock_format_seconds(clock_now_seconds(), now)));
}

/* The version that is stored first is the first that was ever stored. */
static void default_stored_versions(struct value *record, struct arena *arena)
{
    const struct value *versions = value_path(record, "spec.versions");
    if (value_count(value_path(record, "status.storedVersions")))
        return;
    for (VALUE_EACH(version, versions)) {
        if (!value_bool(value_at(version, apiextensions_v1_CustomResourceDefinitionVersion_storage)))
            continue;
        struct value *status =
            value_ensure_record(arena, record, apiextensions_v1_CustomResourceDefinition_status);
        *value_append(arena,
                      value_mut(status, apiextensions_v1_CustomResourceDefinitionStatus_storedVersions)) =
            value_of_string(
                value_text(value_at(version, apiextensions_v1_CustomResourceDefinitionVersion_name)));
        return;
    }
}

void default_hook_apiextensions_v1_CustomResourceDefinition(struct value *record, struct arena *arena)
{
    struct value *spec = value_ensure_record(arena, record, apiextensions_v1_CustomResourceDefinition_spec);
    struct value *names =
        value_ensure_record(arena, spec, apiextensions_v1_CustomResourceDefinitionSpec_names);
    struct slice kind = value_text(value_at(names, apiextensions_v1_CustomResourceDefinitionNames_kind));
    if (kind.len) {
        char *singular = arena_strdup(arena, kind);
        for (size_t i = 0; i < kind.len; i++)
            if (singular[i] >= 'A' && singular[i] <= 'Z')
                singular[i] |= 0x20;
        default_text(names, apiextensions_v1_CustomResourceDefinitionNames_singular, singular);
        default_text(names, apiextensions_v1_CustomResourceDefinitionNames_listKind,
                     arena_printf(arena, "%.*sList", SLICE_ARG(kind)));
    }
    struct value *conversion = value_mut(spec, apiextensions_v1_CustomResourceDefinitionSpec_conversion);
    if (!value_is_set(conversion)) {
        *conversion = value_new_record(arena, &apiextensions_v1_CustomResourceConversion);
        default_text(conversion, apiextensions_v1_CustomResourceConversion_strategy, "None");
    }
    default_stored_versions(record, arena);
}
