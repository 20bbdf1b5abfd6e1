#include "apiserver/metadata.h"

#include "openapi/names.h"
#include "apiserver/object.h"
#include "apiserver/options.h"
#include "base/clock.h"
#include "base/random.h"

enum { NAME_SUFFIX = 5, GENERATED_BASE = 58 };

bool metadata_regenerate_name(struct arena *arena, struct value *object)
{
    struct slice base = object_text(object, meta_v1_ObjectMeta_generateName);
    if (!base.len)
        return false;
    if (base.len > GENERATED_BASE)
        base.len = GENERATED_BASE;
    char *name = arena_bytes(arena, base.len + NAME_SUFFIX);
    memcpy(name, base.ptr, base.len);
    random_name_letters(name + base.len, NAME_SUFFIX);
    object_set_text(arena, object, meta_v1_ObjectMeta_name, slice_make(name, base.len + NAME_SUFFIX));
    return true;
}

void metadata_fill_create(struct arena *arena, const struct schema_resource *resource, struct value *object,
                          struct slice namespace, int64_t now)
{
    struct value *meta = object_meta_mut(arena, object);
    char *uid = arena_bytes(arena, UUID_TEXT), *time = arena_bytes(arena, CLOCK_TEXT);
    random_uuid(uid);
    *value_mut(meta, meta_v1_ObjectMeta_deletionTimestamp) = value_absent;
    *value_mut(meta, meta_v1_ObjectMeta_deletionGracePeriodSeconds) = value_absent;
    *value_mut(meta, meta_v1_ObjectMeta_selfLink) = value_absent;
    *value_mut(meta, meta_v1_ObjectMeta_resourceVersion) = value_absent;
    *value_mut(meta, meta_v1_ObjectMeta_uid) = value_of_cstr(uid);
    *value_mut(meta, meta_v1_ObjectMeta_creationTimestamp) = value_of_string(clock_format_seconds(now, time));
    struct slice ns = resource->namespaced ? namespace : slice_make("", 0);
    *value_mut(meta, meta_v1_ObjectMeta_namespace) = ns.len ? value_of_string(ns) : value_absent;
    if (!object_text(object, meta_v1_ObjectMeta_name).len)
        metadata_regenerate_name(arena, object);
}

static void keep(struct arena *arena, struct value *object, const struct value *old, const unsigned *fields,
                 size_t count)
{
    struct value *meta = object_meta_mut(arena, object);
    for (size_t i = 0; i < count; i++)
        *value_mut(meta, fields[i]) = *value_at(object_meta(old), fields[i]);
}

void metadata_carry_over(struct arena *arena, struct value *object, const struct value *old)
{
    static const unsigned kept[] = {
        meta_v1_ObjectMeta_uid,
        meta_v1_ObjectMeta_creationTimestamp,
        meta_v1_ObjectMeta_deletionTimestamp,
        meta_v1_ObjectMeta_deletionGracePeriodSeconds,
        meta_v1_ObjectMeta_generation,
        meta_v1_ObjectMeta_namespace,
        meta_v1_ObjectMeta_name,
    };
    keep(arena, object, old, kept, sizeof kept / sizeof *kept);
    *value_mut(object_meta_mut(arena, object), meta_v1_ObjectMeta_selfLink) = value_absent;
}

void metadata_carry_over_status(struct arena *arena, struct value *object, const struct value *old)
{
    static const unsigned kept[] = {
        meta_v1_ObjectMeta_labels,
        meta_v1_ObjectMeta_annotations,
        meta_v1_ObjectMeta_finalizers,
        meta_v1_ObjectMeta_ownerReferences,
    };
    keep(arena, object, old, kept, sizeof kept / sizeof *kept);
}

/* ---- validation ---- */

typedef const char *(*name_check)(struct slice name);

/* NULL: the kind looks itself. */
static name_check check_of_rule(enum name_rule rule)
{
    static const name_check checks[] = {
        [NAME_SUBDOMAIN] = name_check_subdomain,
        [NAME_LABEL] = name_check_label,
        [NAME_LABEL_1035] = name_check_label_1035,
        [NAME_PATH] = name_check_path_segment,
        [NAME_ANY] = NULL,
    };
    return checks[rule];
}

/* Each way in which the name breaks the rule is a finding. `shown` is what the client sent. */
static void check_one_name(struct causes *c, const struct path *at, name_check check, struct slice name,
                           struct slice shown)
{
    const char *faults[NAME_MAX_FAULTS];
    size_t count = check ? name_faults(name, check, faults) : 0;
    for (size_t i = 0; i < count; i++)
        causes_invalid_text(c, at, shown, "%s", faults[i]);
}

/* A prefix that ends in '-' is judged as if a letter followed. */
static void check_prefix(struct causes *c, const struct path *at, enum name_rule rule, struct slice prefix)
{
    struct slice judged = prefix;
    if (prefix.len > 1 && prefix.ptr[prefix.len - 1] == '-' && rule != NAME_PATH) {
        char *copy = arena_strdup(c->arena, prefix);
        copy[prefix.len - 1] = 'a';
        judged = slice_make(copy, prefix.len);
    }
    check_one_name(c, at, check_of_rule(rule), judged, prefix);
}

static void check_names(struct causes *c, const struct path *meta, const struct schema_resource *resource,
                        enum name_rule rule, const struct value *object)
{
    struct slice name = object_text(object, meta_v1_ObjectMeta_name);
    struct slice prefix = object_text(object, meta_v1_ObjectMeta_generateName);
    struct slice namespace = object_text(object, meta_v1_ObjectMeta_namespace);
    if (prefix.len)
        check_prefix(c, PATH(meta, "generateName"), rule, prefix);
    if (!name.len)
        causes_required(c, PATH(meta, "name"), "name or generateName is required");
    else
        check_one_name(c, PATH(meta, "name"), check_of_rule(rule), name, name);
    if (!resource->namespaced) {
        if (namespace.len)
            causes_forbidden(c, PATH(meta, "namespace"), "not allowed on this type");
    } else if (!namespace.len) {
        causes_required(c, PATH(meta, "namespace"), "");
    } else {
        check_one_name(c, PATH(meta, "namespace"), name_check_label, namespace, namespace);
    }
}

static void check_owner(struct causes *c, const struct path *at, const struct value *owner)
{
    static const struct {
        unsigned field;
        const char *name;
    } required[] = {
        {meta_v1_OwnerReference_apiVersion, "apiVersion"},
        {meta_v1_OwnerReference_kind, "kind"},
        {meta_v1_OwnerReference_name, "name"},
        {meta_v1_OwnerReference_uid, "uid"},
    };
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!value_text(value_at(owner, required[i].field)).len)
            causes_required(c, PATH(at, required[i].name), "must not be empty");
    struct slice version = value_text(value_at(owner, meta_v1_OwnerReference_apiVersion));
    long slash = slice_find(version, '/');
    if (slash >= 0 && slice_find(slice_from(version, (size_t)slash + 1), '/') >= 0)
        causes_invalid_text(c, PATH(at, "apiVersion"), version, "must be <group>/<version> or <version>");
    if (slice_is(version, "v1") && value_is(value_at(owner, meta_v1_OwnerReference_kind), "Event"))
        causes_invalid(c, at, owner, "/v1, Kind=Event cannot own objects");
}

static void check_owners(struct causes *c, const struct path *meta, const struct value *owners)
{
    struct path list = path_field(meta, "ownerReferences");
    struct slice controller = {0};
    for (size_t i = 0; i < value_count(owners); i++) {
        const struct value *owner = value_item(owners, i);
        check_owner(c, PATH_I(&list, i), owner);
        if (!value_bool(value_at(owner, meta_v1_OwnerReference_controller)))
            continue;
        struct slice name = value_text(value_at(owner, meta_v1_OwnerReference_name));
        if (controller.ptr)
            causes_invalid_shown(c, &list, "[]",
                                 "Only one reference can have Controller set to true. Found \"true\" in "
                                 "references for %.*s and %.*s",
                                 SLICE_ARG(controller), SLICE_ARG(name));
        else
            controller = name;
    }
}

/* The kinds of these take any qualified word for a finalizer; those of all others want a domain before it. */
static bool takes_plain_finalizers(const struct schema_type *type)
{
    static const char *const prefixes[] = {
        "io.k8s.api.core.v1.Event",          "io.k8s.api.events.",       "io.k8s.api.policy.",
        "io.k8s.api.admissionregistration.", "io.k8s.api.coordination.", "io.k8s.api.node.",
        "io.k8s.apiextensions-apiserver.",   "io.k8s.kube-aggregator.",
    };
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (type->openapi && slice_starts(slice_str(type->openapi), slice_str(prefixes[i])))
            return true;
    return false;
}

static void check_finalizer_domain(struct causes *c, const struct path *at, struct slice name)
{
    if (slice_find(name, '/') < 0 && !slice_is(name, "orphan") && !slice_is(name, "foregroundDeletion") &&
        !slice_is(name, "kubernetes"))
        causes_invalid_text(c, at, name,
                            "is no standard finalizer and has no domain, as in example.com/name");
}

static void check_finalizers(struct causes *c, const struct path *meta, const struct value *object)
{
    const struct value *list = value_at(object_meta(object), meta_v1_ObjectMeta_finalizers);
    struct path at = path_field(meta, "finalizers");
    bool orphan = false, foreground = false;
    for (VALUE_EACH(item, list)) {
        struct slice name = value_text(item);
        const char *why = name_check_qualified(name);
        if (why)
            causes_invalid_text(c, &at, name, "%s", why);
        orphan |= slice_is(name, "orphan");
        foreground |= slice_is(name, "foregroundDeletion");
    }
    if (orphan && foreground)
        causes_invalid_shown(c, &at, "[\"orphan\",\"foregroundDeletion\"]",
                             "finalizer orphan and foregroundDeletion cannot be both set");
    for (size_t i = 0; i < value_count(list) && !takes_plain_finalizers(object->record->type); i++)
        check_finalizer_domain(c, PATH_I(&at, i), value_text(value_item(list, i)));
}

static void check_common(struct causes *c, const struct path *meta, const struct value *m)
{
    check_labels(c, PATH(meta, "labels"), value_at(m, meta_v1_ObjectMeta_labels));
    check_annotations(c, PATH(meta, "annotations"), value_at(m, meta_v1_ObjectMeta_annotations));
    check_owners(c, meta, value_at(m, meta_v1_ObjectMeta_ownerReferences));
}

/* What a client may say of managers and is kept; the rest was settled when the list was made. */
static void check_managers(struct causes *c, const struct path *meta, const struct value *m)
{
    enum { MAX_SUBRESOURCE = 256 };
    const struct value *list = value_at(m, meta_v1_ObjectMeta_managedFields);
    struct path at = path_field(meta, "managedFields");
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *entry = value_item(list, i);
        struct path item = path_index(&at, i);
        options_check_manager(c, PATH(&item, "manager"),
                              value_text(value_at(entry, meta_v1_ManagedFieldsEntry_manager)));
        if (value_text(value_at(entry, meta_v1_ManagedFieldsEntry_subresource)).len > MAX_SUBRESOURCE)
            causes_too_long(c, PATH(&item, "subresource"), MAX_SUBRESOURCE);
    }
}

void metadata_validate(struct causes *c, const struct schema_resource *resource, enum name_rule rule,
                       const struct value *object)
{
    struct path meta = path_field(NULL, "metadata");
    const struct value *m = object_meta(object);
    check_names(c, &meta, resource, rule, object);
    check_non_negative(c, PATH(&meta, "generation"),
                       value_int(value_at(m, meta_v1_ObjectMeta_generation), 0));
    check_common(c, &meta, m);
    check_finalizers(c, &meta, object);
    check_managers(c, &meta, m);
}

/* A finalizer that comes after the deletion began would let anybody keep the object forever. */
static void check_new_finalizers(struct causes *c, const struct path *meta, const struct value *object,
                                 const struct value *old)
{
    if (!value_is_set(value_at(object_meta(old), meta_v1_ObjectMeta_deletionTimestamp)))
        return;
    cleanup_buf struct buf added = BUF_INIT(1 << 16);
    for (VALUE_EACH(item, value_at(object_meta(object), meta_v1_ObjectMeta_finalizers))) {
        char *name = arena_strdup(c->arena, value_text(item));
        if (object_has_finalizer(old, name))
            continue;
        buf_puts(&added, added.len ? ", " : "");
        buf_put_quoted(&added, slice_str(name));
    }
    if (added.len)
        causes_forbidden(
            c, PATH(meta, "finalizers"),
            "no new finalizers can be added if the object is being deleted, found new finalizers "
            "[]string{%s}",
            buf_cstr(&added));
}

void metadata_validate_update(struct causes *c, const struct value *object, const struct value *old)
{
    struct path meta = path_field(NULL, "metadata");
    const struct value *m = object_meta(object);
    check_new_finalizers(c, &meta, object, old);
    check_common(c, &meta, m);
    check_finalizers(c, &meta, object);
    check_managers(c, &meta, m);
}

bool metadata_spec_changed(const struct value *object, const struct value *old)
{
    const struct schema_type *type = object->record->type;
    bool custom =
        type->fields[0].flags & FIELD_FIRST; /* their status is no exception, unless it was taken from old */
    struct value extra = {.kind = VALUE_MAP, .map = object->record->extra},
                 old_extra = {.kind = VALUE_MAP, .map = old->record->extra};
    if (custom && (extra.map || old_extra.map) &&
        (!extra.map || !old_extra.map || !value_equal(&extra, &old_extra)))
        return true;
    for (unsigned i = 0; i < type->field_count; i++) {
        const char *name = type->fields[i].name;
        if (!strcmp(name, "metadata") || (!strcmp(name, "status") && !custom) || !strcmp(name, "kind") ||
            !strcmp(name, "apiVersion"))
            continue;
        if (!value_equal(value_at(object, i), value_at(old, i)))
            return true;
    }
    return false;
}
