/* customresourcedefinitions: apiextensions.k8s.io/v1. Rules:
 * apiextensions-apiserver/pkg/apis/apiextensions/validation, pkg/registry/customresourcedefinition. */
#include "apiserver/kinds/crd.h"
#include "apiserver/kinds/crd_status.h"
#include <ctype.h>
#include <stdlib.h>
#include "apiserver/kinds/admission_parts.h"
#include "openapi/names.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/text_set.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/apiextensions_v1.h"
#include "openapi/gen/meta_v1.h"

#define APPROVED "api-approved.kubernetes.io"

enum { MAX_SELECTABLE = 8, MAX_WARNING = 256 };

static const char *const shared_fields[] = {"schema", "subresources", "additionalPrinterColumns",
                                            "selectableFields"};

bool crd_common(const struct value *versions, const char *field)
{
    for (size_t i = 1; i < value_count(versions); i++)
        if (!value_equal(field_of(value_item(versions, i), field), field_of(value_item(versions, 0), field)))
            return false;
    return true;
}

static const struct value *versions_of(const struct value *object)
{
    return field_of(field_of(object, "spec"), "versions");
}

static const struct value *first_of(const struct value *versions)
{
    return value_count(versions) ? value_item(versions, 0) : &value_absent;
}

/* The versions without what they have in common. */
static const char *shown_versions(struct arena *arena, const struct value *versions)
{
    struct value copy = value_copy(arena, versions, false);

    for (size_t k = 0; k < sizeof shared_fields / sizeof *shared_fields; k++)
        for (size_t i = 0; crd_common(versions, shared_fields[k]) && i < value_count(&copy); i++)
            *value_get_mut(&copy.list->items[i], slice_str(shared_fields[k])) = value_absent;
    return shown_list(arena, &copy);
}

/* ---- names ---- */

static struct slice lower_case(struct arena *arena, struct slice text)
{
    struct slice lower = arena_dup(arena, text);

    for (size_t i = 0; i < lower.len; i++)
        ((char *)lower.ptr)[i] = (char)tolower((unsigned char)lower.ptr[i]);
    return lower;
}

/* All faults of a text as one cause. */
static void check_joined(struct causes *c, const struct path *at, struct slice text, struct slice looked_at,
                         const char *(*rule)(struct slice), const char *before)
{
    const char *faults[NAME_MAX_FAULTS], *joined = "";
    size_t count = name_faults(looked_at, rule, faults);

    for (size_t i = 0; i < count; i++)
        joined = arena_printf(c->arena, "%s%s%s", joined, i ? "," : "", faults[i]);
    if (count)
        causes_invalid_text(c, at, text, "%s%s", before, joined);
}

static void check_label_list(struct causes *c, const struct path *at, const struct value *list)
{
    for (size_t i = 0; i < value_count(list); i++) {
        struct slice text = value_text(value_item(list, i));
        check_joined(c, PATH_I(at, i), text, text, name_check_label_1035, "");
    }
}

static void check_names(struct causes *c, const struct path *at, const struct value *names)
{
    static const char *const plain[] = {"plural", "singular"}, *const kinds[] = {"kind", "listKind"};
    struct slice kind = text_at(names, "kind"), list_kind = text_at(names, "listKind");

    for (size_t i = 0; i < 2; i++)
        if (text_at(names, plain[i]).len)
            check_joined(c, PATH(at, plain[i]), text_at(names, plain[i]), text_at(names, plain[i]),
                         name_check_label_1035, "");
    for (size_t i = 0; i < 2; i++)
        if (text_at(names, kinds[i]).len)
            check_joined(c, PATH(at, kinds[i]), text_at(names, kinds[i]),
                         lower_case(c->arena, text_at(names, kinds[i])), name_check_label_1035,
                         "may have mixed case, but should otherwise match: ");
    check_label_list(c, PATH(at, "shortNames"), field_of(names, "shortNames"));
    if (kind.len && slice_eq(kind, list_kind))
        causes_invalid_text(c, PATH(at, "listKind"), list_kind, "kind and listKind may not be the same");
    check_label_list(c, PATH(at, "categories"), field_of(names, "categories"));
}

static void check_spec_names(struct causes *c, const struct path *at, const struct value *names)
{
    static const char *const required[] = {"plural", "singular", "kind", "listKind"};

    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!text_at(names, required[i]).len)
            causes_required(c, PATH(at, required[i]), "");
    check_names(c, at, names);
}

static void check_group(struct causes *c, const struct path *at, struct slice group)
{
    if (!group.len)
        causes_required(c, at, "");
    else if (name_check_subdomain(group))
        check_joined(c, at, group, group, name_check_subdomain, "");
    else if (slice_find(group, '.') < 0)
        causes_invalid_text(c, at, group, "should be a domain with at least one dot");
}

/* ---- what a version has ---- */

static bool check_json_path(struct causes *c, const struct path *at, struct slice path)
{
    if (path.ptr[0] == '.')
        return true;
    causes_invalid_text(c, at, path, "must be a simple json path starting with .");
    return false;
}

static void check_scale_path(struct causes *c, const struct path *at, struct slice path, const char *under)
{
    struct slice prefix = slice_str(under);

    if (!path.len)
        causes_required(c, at, "");
    else if (check_json_path(c, at, path) && !slice_starts(path, prefix))
        causes_invalid_text(c, at, path, "should be a json path under %.*s", (int)prefix.len - 1, under);
}

static void check_subresources(struct causes *c, const struct path *at, const struct value *subresources)
{
    const struct value *scale = field_of(subresources, "scale");
    struct slice selector = text_at(scale, "labelSelectorPath");
    struct path scale_at = path_field(at, "scale"), selector_at = path_field(&scale_at, "labelSelectorPath");

    if (!value_is_set(scale))
        return;
    check_scale_path(c, PATH(&scale_at, "specReplicasPath"), text_at(scale, "specReplicasPath"), ".spec.");
    check_scale_path(c, PATH(&scale_at, "statusReplicasPath"), text_at(scale, "statusReplicasPath"),
                     ".status.");
    if (selector.len && check_json_path(c, &selector_at, selector) &&
        !slice_starts(selector, SLICE(".spec.")) && !slice_starts(selector, SLICE(".status.")))
        causes_invalid_text(c, &selector_at, selector, "should be a json path under either .spec or .status");
}

static void check_columns(struct causes *c, const struct path *at, const struct value *columns)
{
    static const char *const types[] = {"boolean", "date", "integer", "number", "string", NULL};
    static const char *const formats[] = {"byte",  "date",  "date-time", "double", "float",
                                          "int32", "int64", "password",  NULL};
    static const char wanted[] = "must be one of boolean,date,integer,number,string";

    for (size_t i = 0; i < value_count(columns); i++) {
        const struct value *column = value_item(columns, i);
        struct slice type = text_at(column, "type"), format = text_at(column, "format"),
                     path = text_at(column, "jsonPath");
        struct path item_at = path_index(at, i), path_at = path_field(&item_at, "JSONPath");
        if (!text_at(column, "name").len)
            causes_required(c, PATH(&item_at, "name"), "");
        if (!type.len)
            causes_required(c, PATH(&item_at, "type"), wanted);
        else if (!text_is_one_of(type, types))
            causes_invalid_text(c, PATH(&item_at, "type"), type, wanted);
        if (format.len && !text_is_one_of(format, formats))
            causes_invalid_text(c, PATH(&item_at, "format"), format,
                                "must be one of byte,date,date-time,double,float,int32,int64,password");
        if (path.len)
            check_json_path(c, &path_at, path);
        else
            causes_required(c, &path_at, "");
    }
}

static void check_selectable(struct causes *c, const struct path *at, const struct value *fields,
                             const struct value *schema, bool any_count)
{
    static const char *const types[] = {"string", "boolean", "integer", NULL};
    struct text_set seen = TEXT_SET(c->arena);

    for (size_t i = 0; i < value_count(fields); i++) {
        struct slice path = text_at(value_item(fields, i), "jsonPath");
        struct path path_at = path_field(PATH_I(at, i), "jsonPath");
        struct value found = crd_schema_at(c->arena, schema, path);
        if (!path.len) {
            causes_required(c, &path_at, "");
            continue;
        }
        if (!value_is_set(&found)) {
            causes_invalid_text(c, &path_at, path, "is an invalid path: does not refer to a valid field");
            continue;
        }
        if (slice_is(path, ".metadata") || slice_starts(path, SLICE(".metadata.")))
            causes_invalid_text(c, &path_at, path, "must not point to fields in metadata");
        if (!text_is_one_of(text_at(&found, "type"), types))
            causes_invalid_text(c, &path_at, path,
                                "must point to a field of type string, boolean or integer");
        if (!text_set_add(&seen, path))
            causes_duplicate(c, &path_at, path);
    }
    if (seen.count > MAX_SELECTABLE && !any_count)
        causes_too_many(c, at, (int64_t)seen.count, MAX_SELECTABLE);
}

static void check_deprecation(struct causes *c, const struct path *at, const struct value *version)
{
    const struct value *warning = field_of(version, "deprecationWarning");
    struct slice text = value_text(warning);

    if (!value_is_set(warning))
        return;
    if (!value_bool(field_of(version, "deprecated"))) {
        causes_invalid_text(c, at, text, "can only be set for deprecated versions");
        return;
    }
    if (text.len > MAX_WARNING)
        causes_invalid_text(c, at, text, "must be <= %d characters long", MAX_WARNING);
    if (!text.len)
        causes_invalid_text(c, at, text, "must not be an empty string");
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            causes_invalid_text(
                c, at, text, "must only contain printable UTF-8 characters; found another at index %zu", i);
            return;
        }
}

static bool has_status(const struct value *version)
{
    return value_is_set(field_of(field_of(version, "subresources"), "status"));
}

/* The fields of `version` that all versions share (common) or that they do not; `at` is where they stand.
 * schema_name: what the place of the schema is called there. */
static void check_parts(struct causes *c, const struct path *at, const struct value *versions,
                        const struct value *version, bool common, const char *schema_name, bool status)
{
    const struct value *schema = field_of(field_of(version, "schema"), "openAPIV3Schema");
    const struct value *selectable = field_of(version, "selectableFields");
    struct path selectable_at = path_field(at, "selectableFields");

    if (crd_common(versions, "schema") == common)
        check_crd_schema(c, PATH(at, schema_name), field_of(version, "schema"), status);
    if (crd_common(versions, "subresources") == common)
        check_subresources(c, PATH(at, "subresources"), field_of(version, "subresources"));
    if (crd_common(versions, "additionalPrinterColumns") == common)
        check_columns(c, PATH(at, "additionalPrinterColumns"), field_of(version, "additionalPrinterColumns"));
    if (crd_common(versions, "selectableFields") != common || !value_count(selectable))
        return;
    if (value_is_set(schema))
        check_selectable(c, &selectable_at, selectable, schema, false);
    else
        causes_invalid_text(c, &selectable_at, SLICE(""), "may only be set with a schema");
}

static void check_versions(struct causes *c, const struct path *at, const struct value *versions)
{
    struct text_set seen = TEXT_SET(c->arena);
    bool unique = true;
    size_t stored = 0;

    for (size_t i = 0; i < value_count(versions); i++) {
        const struct value *version = value_item(versions, i);
        struct slice name = text_at(version, "name");
        struct path item_at = path_index(at, i);
        stored += value_bool(field_of(version, "storage"));
        unique &= text_set_add(&seen, name);
        check_joined(c, PATH(&item_at, "name"), name, name, name_check_label_1035, "");
        check_deprecation(c, PATH(&item_at, "deprecationWarning"), version);
        check_parts(c, &item_at, versions, version, false, "schema", has_status(version));
    }
    if (!unique)
        causes_invalid_shown(c, at, shown_versions(c->arena, versions), "must contain unique version names");
    if (stored != 1)
        causes_invalid_shown(c, at, shown_versions(c->arena, versions),
                             "must have exactly one version marked as storage version");
}

static void check_schemas_given(struct causes *c, const struct path *at, const struct value *versions)
{
    for (size_t i = 0; i < value_count(versions); i++)
        if (!value_is_set(field_of(field_of(value_item(versions, i), "schema"), "openAPIV3Schema")))
            causes_required(c, PATH(PATH(PATH_I(at, i), "schema"), "openAPIV3Schema"), "");
}

/* ---- conversion ---- */

static void check_review_versions(struct causes *c, const struct path *at, const struct value *list, bool any)
{
    struct text_set seen = TEXT_SET(c->arena);

    if (!value_count(list))
        causes_required(c, at, "");
    for (size_t i = 0; i < value_count(list); i++) {
        struct slice version = value_text(value_item(list, i));
        if (text_set_add(&seen, version))
            check_name(c, PATH_I(at, i), version, name_check_label_1035);
        else
            causes_invalid_text(c, PATH_I(at, i), version, "duplicate version");
    }
    if (value_count(list) && !any && !list_has_text(list, "v1") && !list_has_text(list, "v1beta1"))
        causes_invalid_shown(c, at, shown_list(c->arena, list), "must include at least one of v1, v1beta1");
}

static bool knows_reviews(const struct value *conversion)
{
    const struct value *list = field_of(field_of(conversion, "webhook"), "conversionReviewVersions");

    return !value_count(list) || list_has_text(list, "v1") || list_has_text(list, "v1beta1");
}

static void check_conversion(struct causes *c, const struct path *at, const struct value *conversion,
                             bool any_review)
{
    static const char *const strategies[] = {"None", "Webhook", NULL};
    const struct value *hook = field_of(conversion, "webhook"), *client = field_of(hook, "clientConfig"),
                       *reviews = field_of(hook, "conversionReviewVersions");
    struct path client_at = path_field(at, "webhookClientConfig"),
                reviews_at = path_field(at, "conversionReviewVersions");

    if (!value_is_set(conversion))
        return;
    check_enum(c, PATH(at, "strategy"), field_of(conversion, "strategy"), strategies, true);
    if (!value_is(field_of(conversion, "strategy"), "Webhook")) {
        if (value_is_set(client))
            causes_forbidden(c, &client_at, "should not be set when strategy is not set to Webhook");
        if (value_count(reviews))
            causes_forbidden(c, &reviews_at, "should not be set when strategy is not set to Webhook");
        return;
    }
    if (value_is_set(client))
        check_webhook_client(c, &client_at, client);
    else
        causes_required(c, &client_at, "required when strategy is set to Webhook");
    check_review_versions(c, &reviews_at, reviews, any_review);
}

/* ---- the spec ---- */

static void note_default(void *found, const struct value *schema)
{
    *(bool *)found |= value_is_set(field_of(schema, "default"));
}

static void check_spec(struct causes *c, const struct path *at, const struct value *spec,
                       const struct value *old_spec)
{
    static const char *const scopes[] = {"Cluster", "Namespaced", NULL};
    const struct value *versions = field_of(spec, "versions"), *first = first_of(versions),
                       *conversion = field_of(spec, "conversion");
    bool keeps = value_bool(field_of(spec, "preserveUnknownFields")), defaults = false, any_status = false;
    struct slice version = text_at(first, "name");
    struct path versions_at = path_field(at, "versions"), conversion_at = path_field(at, "conversion");

    for (VALUE_EACH(item, versions)) {
        any_status |= has_status(item);
        crd_walk(c->arena, field_of(field_of(item, "schema"), "openAPIV3Schema"), note_default, &defaults);
    }
    check_group(c, PATH(at, "group"), text_at(spec, "group"));
    check_enum(c, PATH(at, "scope"), field_of(spec, "scope"), scopes, true);
    check_schemas_given(c, &versions_at, versions);
    if (defaults && keeps)
        causes_invalid_shown(c, PATH(at, "preserveUnknownFields"), "true",
                             "must be false in order to use defaults in the schema");
    check_versions(c, &versions_at, versions);
    if (version.len)
        check_joined(c, PATH(at, "version"), version, version, name_check_label_1035, "");
    check_spec_names(c, PATH(at, "names"), field_of(spec, "names"));
    check_parts(c, at, versions, first, true, "validation", any_status);
    if (keeps && value_is_set(conversion) && !value_is(field_of(conversion, "strategy"), "None"))
        causes_invalid_text(c, PATH(&conversion_at, "strategy"), text_at(conversion, "strategy"),
                            "must be None if spec.preserveUnknownFields is true");
    check_conversion(c, &conversion_at, conversion,
                     old_spec && !knows_reviews(field_of(old_spec, "conversion")));
}

static bool is_established(const struct value *object)
{
    for (VALUE_EACH(condition, field_of(field_of(object, "status"), "conditions")))
        if (value_is(field_of(condition, "type"), "Established"))
            return value_is(field_of(condition, "status"), "True");
    return false;
}

static void check_kept(struct causes *c, const struct path *at, const struct value *object,
                       const struct value *old)
{
    const struct value *spec = field_of(object, "spec"), *was = field_of(old, "spec"),
                       *names = field_of(spec, "names"), *old_names = field_of(was, "names");
    struct path names_at = path_field(at, "names");

    if (is_established(old)) {
        check_immutable(c, PATH(at, "scope"), field_of(spec, "scope"), field_of(was, "scope"));
        check_immutable(c, PATH(&names_at, "kind"), field_of(names, "kind"), field_of(old_names, "kind"));
    }
    check_immutable(c, PATH(at, "group"), field_of(spec, "group"), field_of(was, "group"));
    check_immutable(c, PATH(&names_at, "plural"), field_of(names, "plural"), field_of(old_names, "plural"));
}

/* ---- the rest ---- */

static void check_stored_versions(struct causes *c, const struct value *object)
{
    const struct value *stored = field_of(field_of(object, "status"), "storedVersions"),
                       *versions = versions_of(object);
    struct path at = path_field(PATH(NULL, "status"), "storedVersions");

    if (!value_count(stored)) {
        causes_invalid_shown(c, &at, "null", "must have at least one stored version");
        return;
    }
    struct text_set taken = TEXT_SET(c->arena), present = TEXT_SET(c->arena);
    for (VALUE_EACH(version, versions)) {
        struct slice name = text_at(version, "name");
        /* A name stands for one version: a second one of that name finds it taken. */
        bool known = list_has_text(stored, arena_strdup(c->arena, name)) && text_set_add(&taken, name);
        text_set_add(&present, name);
        if (value_bool(field_of(version, "storage")) && !known)
            causes_invalid_shown(c, &at, shown_list(c->arena, stored), "must have the storage version %.*s",
                                 SLICE_ARG(name));
    }
    for (size_t i = 0; i < value_count(stored); i++) {
        struct slice name = value_text(value_item(stored, i));
        if (!text_set_has(&present, name))
            causes_invalid_text(
                c, PATH_I(&at, i), name,
                "objects may still be stored in this version, so it must remain in spec.versions");
    }
}

enum approval { APPROVAL_MISSING, APPROVAL_BYPASSED, APPROVAL_GIVEN, APPROVAL_INVALID };

static enum approval approval_of(const struct value *object)
{
    struct slice text = text_at(field_of(object_metadata(object), "annotations"), APPROVED), host;
    const char *sep = memmem(text.ptr, text.len, "://", 3);

    if (!text.len)
        return APPROVAL_MISSING;
    if (slice_starts(text, SLICE("unapproved")))
        return APPROVAL_BYPASSED;
    if (!sep || sep == text.ptr)
        return APPROVAL_INVALID;
    host = slice_from(text, (size_t)(sep - text.ptr) + 3);
    return host.len && host.ptr[0] != '/' ? APPROVAL_GIVEN : APPROVAL_INVALID;
}

static void check_approval(struct causes *c, const struct value *object, const struct value *old)
{
    static const char *const owned[] = {"k8s.io", "kubernetes.io"};
    struct slice group = text_at(field_of(object, "spec"), "group");
    struct path at = path_key(PATH(PATH(NULL, "metadata"), "annotations"), SLICE(APPROVED));
    enum approval approval = approval_of(object);
    bool is_protected = false;

    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        is_protected |= slice_is(group, owned[i]) ||
                        slice_ends(group, slice_str(arena_printf(c->arena, ".%s", owned[i])));
    if (!is_protected || (old && approval_of(old) == approval))
        return;
    if (approval == APPROVAL_MISSING)
        causes_required(c, &at, "groups of the Kubernetes community need the annotation \"" APPROVED "\"");
    else if (approval == APPROVAL_INVALID)
        causes_invalid_text(c, &at, text_at(field_of(object_metadata(object), "annotations"), APPROVED),
                            "must be the URL of an approval, or a reason that begins with \"unapproved\"");
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = field_of(object, "spec");
    struct slice name = object_name(object), group = text_at(spec, "group"),
                 plural = text_at(field_of(spec, "names"), "plural");
    struct path at = path_field(NULL, "spec"),
                accepted_at = path_field(PATH(NULL, "status"), "acceptedNames");

    if (slice_is(req->subresource, "status")) {
        check_names(c, &accepted_at, field_of(field_of(object, "status"), "acceptedNames"));
        return;
    }
    if (!old && !slice_eq(name, arena_slicef(req->arena, "%.*s.%.*s", SLICE_ARG(plural), SLICE_ARG(group))))
        causes_invalid_text(c, PATH(PATH(NULL, "metadata"), "name"), name,
                            "must be spec.names.plural+\".\"+spec.group");
    check_spec(c, &at, spec, old ? field_of(old, "spec") : NULL);
    if (old)
        check_kept(c, &at, object, old);
    check_names(c, &accepted_at, field_of(field_of(object, "status"), "acceptedNames"));
    check_stored_versions(c, object);
    check_approval(c, object, old);
    if (value_bool(field_of(spec, "preserveUnknownFields")) &&
        !(old && value_bool(field_of(field_of(old, "spec"), "preserveUnknownFields"))))
        causes_invalid_shown(
            c, PATH(&at, "preserveUnknownFields"), "true",
            "cannot set to true, set x-kubernetes-preserve-unknown-fields in the schema instead");
    warn_crd(req, object, old);
}

/* ---- what the server decides ---- */

/* Every version that objects were ever stored in is remembered. */
static void add_stored_version(struct arena *arena, struct value *object)
{
    struct value *status, *stored;

    for (VALUE_EACH(version, versions_of(object))) {
        struct slice name = text_at(version, "name");
        if (!value_bool(field_of(version, "storage")))
            continue;
        status = value_ensure_record(arena, object, apiextensions_v1_CustomResourceDefinition_status);
        stored = value_mut(status, apiextensions_v1_CustomResourceDefinitionStatus_storedVersions);
        if (!list_has_text(stored, arena_strdup(arena, name)))
            *value_append(arena, stored) = value_of_string(name);
        return;
    }
}

static void create(struct kind_request *req, struct value *object)
{
    *value_mut(object, apiextensions_v1_CustomResourceDefinition_status) = value_absent;
    add_stored_version(req->arena, object);
}

static void update(struct kind_request *req, struct value *object, const struct value *old)
{
    struct value *status = value_mut(object, apiextensions_v1_CustomResourceDefinition_status);

    if (slice_is(req->subresource, "status"))
        return;
    *status = value_copy(req->arena, value_at(old, apiextensions_v1_CustomResourceDefinition_status), false);
    add_stored_version(req->arena, object);
}

/* As upstream writes it: without a grace period, and its generation stays. */
static void mark_deleted(struct kind_request *req, struct value *object)
{
    struct value *meta = value_mut(object, apiextensions_v1_CustomResourceDefinition_metadata);
    struct value *generation = value_mut(meta, meta_v1_ObjectMeta_generation);
    bool first = value_is_set(value_at(meta, meta_v1_ObjectMeta_deletionGracePeriodSeconds));
    if (!first || !value_is_set(value_at(meta, meta_v1_ObjectMeta_deletionTimestamp)))
        return;
    *value_mut(meta, meta_v1_ObjectMeta_deletionGracePeriodSeconds) = value_absent;
    *generation = value_of_int(value_int(generation, 2) - 1);
    crd_status_set(req->arena, object, "Terminating", "True", "InstanceDeletionPending",
                   "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
                   req->now);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { VERSIONS = 2, SHORT_NAMES = 6, ESTABLISHED };
    const struct value *versions = versions_of(object);
    const char **texts = arena_alloc(arena, (value_count(versions) + 1) * sizeof *texts), *joined = "";
    size_t count = 0;

    for (VALUE_EACH(version, versions))
        if (value_bool(field_of(version, "served")))
            texts[count++] = arena_printf(arena, "%.*s%s", SLICE_ARG(text_at(version, "name")),
                                          value_bool(field_of(version, "storage")) ? "(storage)" : "");
    qsort(texts, count, sizeof *texts, compare_texts);
    for (size_t i = 0; i < count; i++)
        joined = arena_printf(arena, "%s%s%s", joined, i ? "," : "", texts[i]);
    cells[VERSIONS] = cell_cstr(joined);
    cells[SHORT_NAMES] = cell_text(join_strings(arena, value_path(object, "spec.names.shortNames")));
    cells[ESTABLISHED] = value_of_bool(is_established(object));
}

const struct kind kind_customresourcedefinitions = {.group = "apiextensions.k8s.io",
                                                    .resource = "customresourcedefinitions",
                                                    .counts_generation = true,
                                                    .requires_version_on_update = true,
                                                    .prepare_create = create,
                                                    .prepare_update = update,
                                                    .validate = validate,
                                                    .delete_finalizer = CRD_FINALIZER,
                                                    .prepare_delete = mark_deleted,
                                                    .row = row};
