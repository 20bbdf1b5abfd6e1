#include "apiserver/managed_fields.h"

#include "apiserver/kinds/convert.h"
#include "apiserver/object.h"
#include "base/clock.h"
#include "openapi/json_scan.h"

enum { MAX_MANAGER = 128 };

/* ---- what a write through a resource cannot change ---- */

static const char *const status[] = {"status", NULL};
static const char *const spec[] = {"spec", NULL};
static const char *const spec_and_metadata[] = {"spec", "metadata", NULL};
static const char *const spec_and_labels[] = {"spec", "metadata.labels", NULL};
static const char *const of_pod_status[] = {"spec", "metadata.deletionTimestamp", "metadata.ownerReferences",
                                            NULL};
static const char *const spec_and_status[] = {"spec", "status", NULL};
static const char *const all_but_certificate[] = {"spec", "status.conditions", NULL};
static const char *const all_but_conditions[] = {"spec", "status.certificate", NULL};

/* The exceptions from the rule that the object itself does not change its status, and "status" not its spec.
 */
static const struct {
    const char *group, *resource, *subresource;
    const char *const *reset;
} resets[] = {
    {"certificates.k8s.io", "certificatesigningrequests", "", spec_and_status},
    {"certificates.k8s.io", "certificatesigningrequests", "status", all_but_certificate},
    {"certificates.k8s.io", "certificatesigningrequests", "approval", all_but_conditions},
    {"", "namespaces", "finalize", status},
    {"", "pods", "status", of_pod_status},
    {"apps", "deployments", "status", spec_and_labels},
    {"admissionregistration.k8s.io", "validatingadmissionpolicies", "status", spec_and_metadata},
    {"apiregistration.k8s.io", "apiservices", "status", spec_and_metadata},
    {"certificates.k8s.io", "podcertificaterequests", "status", spec_and_metadata},
    {"flowcontrol.apiserver.k8s.io", "flowschemas", "status", spec_and_metadata},
    {"flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", "status", spec_and_metadata},
    {"networking.k8s.io", "servicecidrs", "status", spec_and_metadata},
    {"resource.k8s.io", "resourceclaims", "status", spec_and_metadata},
    {"resource.k8s.io", "devicetaintrules", "status", spec_and_metadata},
    {"storage.k8s.io", "csinodes", "status", spec_and_metadata},
    {"storage.k8s.io", "volumeattachments", "status", spec_and_metadata},
    {"storagemigration.k8s.io", "storageversionmigrations", "status", spec_and_metadata},
};

static const char *const *resets_of(const struct request *req)
{
    const struct schema_resource *resource = req->resource;
    struct slice subresource = req->info.subresource;
    for (size_t i = 0; i < sizeof resets / sizeof *resets; i++)
        if (slice_is(subresource, resets[i].subresource) && !strcmp(resource->name, resets[i].resource) &&
            !strcmp(resource->group, resets[i].group))
            return resets[i].reset;
    if (slice_is(subresource, "status"))
        return req->custom ? spec_and_metadata : spec;
    return !subresource.len && schema_find_subresource(resource, SLICE("status")) ? status : NULL;
}

bool managed_fields_resets_metadata(const struct request *req)
{
    return resets_of(req) == spec_and_metadata;
}

/* ---- who ---- */

/* Characters that can be seen, and the space. */
static bool is_printable(const char *p, unsigned len)
{
    unsigned char first = (unsigned char)p[0], second = (unsigned char)(len > 1 ? p[1] : 0);
    if (len == 1)
        return first >= 0x20 && first < 0x7f;
    return len > 1 &&
           !(first == 0xc2 && (second <= 0xa0 || second == 0xad)); /* C1 controls, NBSP, soft hyphen */
}

struct slice managed_fields_manager(struct request *req)
{
    struct slice manager = req->write.manager, agent = http_header_get(req->http, "user-agent"), name;
    if (manager.len)
        return manager;
    if (!agent.ptr || !slice_split(&agent, '/', &name))
        return SLICE("unknown");
    char *text = arena_bytes(req->arena, MAX_MANAGER);
    size_t len = 0;
    for (const char *p = name.ptr, *end = p + name.len; p < end;) {
        unsigned n = utf8_length(p, end);
        bool shown = n && is_printable(p, n);
        if (shown && len + n > MAX_MANAGER)
            break;
        if (shown)
            memcpy(text + len, p, n);
        len += shown ? n : 0;
        p += n ? n : 1;
    }
    return len ? slice_make(text, len) : SLICE("unknown");
}

/* ---- versions ---- */

static const struct schema_resource *resource_in(struct request *req, struct slice api_version)
{
    if (slice_is(api_version, req->resource->api_version))
        return req->resource;
    long slash = slice_find(api_version, '/');
    struct slice group = slash < 0 ? SLICE("") : slice_make(api_version.ptr, (size_t)slash);
    const struct schema_resource *found =
        catalogue_find_kind(request_catalogue(req), group, slice_from(api_version, (size_t)(slash + 1)),
                            slice_str(req->resource->kind));
    return found && (found->storage ? found->storage : found) == req->storage ? found : NULL;
}

static const struct schema_type *type_in(void *arg, struct slice api_version)
{
    const struct schema_resource *resource = resource_in(arg, api_version);
    return resource ? resource->type : NULL;
}

static bool typed_convert(struct request *req, const struct schema_resource *from,
                          const struct schema_resource *to, const struct value *object, struct value *ret)
{
    if (from != to && !convert(req->arena, from, to, object, ret, NULL))
        return false;
    if (from == to)
        *ret = *object;
    object_set_type(ret, to);
    return true;
}

static bool convert_between(void *arg, const struct value *object, bool free, struct slice from,
                            struct slice to, struct value *ret)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    struct request *req = arg;
    const struct schema_resource *source = resource_in(req, from), *target = resource_in(req, to);
    struct value typed = *object, converted;
    if (!source || !target)
        return false;
    const struct schema record = {.kind = SCHEMA_RECORD, .type = source->type};
    if (free && !decode_value(req->arena, &record, object, &typed, NULL, NULL))
        return false;
    if (!typed_convert(req, source, target, &typed, &converted))
        return false;
    if (free)
        return decode_value(req->arena, &any, &converted, ret, NULL, NULL);
    *ret = converted;
    return true;
}

struct managed_request managed_fields_request(struct request *req)
{
    struct managed_versions *versions = arena_alloc(req->arena, sizeof *versions);
    char *now = arena_bytes(req->arena, CLOCK_TEXT);
    *versions = (struct managed_versions){req, type_in, convert_between};
    return (struct managed_request){
        .arena = req->arena,
        .manager = managed_fields_manager(req),
        .subresource = req->info.subresource,
        .api_version = slice_str(req->resource->api_version),
        .type = req->resource->type,
        .reset = resets_of(req),
        .now = clock_format_seconds(clock_now_seconds(), now),
        .versions = versions,
    };
}

/* ---- tracking ---- */

static const struct value *list_of(const struct value *object)
{
    return value_at(object_meta(object), meta_v1_ObjectMeta_managedFields);
}

static void set_list(struct request *req, struct value *object, struct value list)
{
    *value_mut(object_meta_mut(req->arena, object), meta_v1_ObjectMeta_managedFields) = list;
}

/* The entries to start from: those that the client sent, if it may and did, else those that are there. What
 * nobody could have written counts as none. */
static struct managed start_of(struct request *req, const struct value *old, const struct value *object)
{
    struct managed managed = {0};
    const struct value *sent = list_of(object);
    if (!req->info.subresource.len && managed_is_reset(sent))
        return managed;
    if (!req->info.subresource.len && managed_decode(req->arena, sent, &managed, NULL) && managed.count)
        return managed;
    if (!old || !managed_decode(req->arena, list_of(old), &managed, NULL))
        managed = (struct managed){0};
    return managed;
}

void managed_fields_track(struct request *req, const struct value *old, struct value *object)
{
    struct managed_request managed_req = managed_fields_request(req);
    struct managed managed = start_of(req, old, object);
    struct value before = value_absent, after = *object;
    bool ok = req->resource == req->storage ||
              ((!old || typed_convert(req, req->storage, req->resource, old, &before)) &&
               typed_convert(req, req->storage, req->resource, object, &after));
    if (old && req->resource == req->storage)
        before = *old;
    if (ok && managed_update(&managed_req, old ? &before : NULL, &after, &managed))
        set_list(req, object, managed_encode(req->arena, &managed));
    else
        set_list(req, object, old ? *list_of(old) : value_absent);
}

void managed_fields_track_new(struct request *req, const struct schema_type *type, const char *api_version,
                              struct value *object)
{
    struct managed_request managed_req = managed_fields_request(req);
    struct managed managed = {0};
    managed_req.type = type;
    managed_req.api_version = slice_str(api_version);
    managed_update(&managed_req, NULL, object, &managed);
    set_list(req, object, managed_encode(req->arena, &managed));
}

void managed_fields_keep_times(struct value *object, const struct value *old)
{
    int field = schema_find_field(object->record->type, "metadata", 8);
    struct value *list =
        &value_mut(object, (unsigned)field)->record->fields[meta_v1_ObjectMeta_managedFields];
    struct value sent = *list;
    if (!value_is_set(list) || !managed_equal_but_times(list, list_of(old)))
        return;
    *list = *list_of(old);
    if (!value_equal(object, old))
        *list = sent;
}

/* ---- scale ---- */

static const char *const replicas_path[] = {"spec", "replicas", NULL};

static bool has_replicas(struct arena *arena, const struct managed_entry *entry)
{
    struct fieldset replicas = fieldset_of_names(arena, replicas_path);
    return fieldset_overlaps(&entry->fields, &replicas);
}

static void push_entry(struct arena *arena, struct managed *to, const struct managed_entry *entry)
{
    *(struct managed_entry *)arena_push(arena, &to->entries, &to->count, &to->capacity, sizeof *entry) =
        *entry;
}

struct value managed_fields_to_scale(struct request *req, const struct value *object)
{
    struct managed managed, shown = {0};
    if (!managed_decode(req->arena, list_of(object), &managed, NULL))
        return value_absent;
    for (size_t i = 0; i < managed.count; i++) {
        struct managed_entry *entry = &managed.entries[i];
        if (!type_in(req, entry->api_version) || !has_replicas(req->arena, entry))
            continue;
        entry->api_version = SLICE("autoscaling/v1");
        entry->fields = fieldset_of_names(req->arena, replicas_path);
        entry->text = (struct slice){0};
        push_entry(req->arena, &shown, entry);
    }
    return managed_encode(req->arena, &shown);
}

/* The applier's entry of the Scale. An update's is of another version there, so that what it owns moves to a
 * new entry, as upstream has it. */
static struct managed_entry *find_applier(struct managed *scale, const struct managed_entry *entry)
{
    for (size_t i = 0; i < scale->count && entry->apply; i++)
        if (scale->entries[i].apply && slice_eq(scale->entries[i].manager, entry->manager) &&
            slice_eq(scale->entries[i].subresource, entry->subresource))
            return &scale->entries[i];
    return NULL;
}

/* What the object's own entries keep. Those of appliers that the Scale still has are taken from it. */
static void keep_entries(struct request *req, const struct managed *managed, struct managed *scale,
                         struct managed *out)
{
    struct fieldset replicas = fieldset_of_names(req->arena, replicas_path);
    for (size_t i = 0; i < managed->count; i++) {
        struct managed_entry entry = managed->entries[i];
        bool had = has_replicas(req->arena, &entry);
        struct managed_entry *still = had ? find_applier(scale, &entry) : NULL;
        if (!type_in(req, entry.api_version))
            continue;
        if (still) {
            still->fields = (struct fieldset){0};
        } else if (had) {
            entry.fields = fieldset_difference(req->arena, &entry.fields, &replicas);
            entry.text = (struct slice){0};
        }
        if (!fieldset_is_empty(&entry.fields))
            push_entry(req->arena, out, &entry);
    }
}

void managed_fields_from_scale(struct request *req, const struct value *scale_list, struct value *object)
{
    struct managed managed, scale, out = {0};
    if (!managed_decode(req->arena, list_of(object), &managed, NULL) ||
        !managed_decode(req->arena, scale_list, &scale, NULL))
        return;
    keep_entries(req, &managed, &scale, &out);
    for (size_t i = 0; i < scale.count; i++) {
        struct managed_entry entry = scale.entries[i];
        if (!has_replicas(req->arena, &entry))
            continue;
        entry.api_version = slice_str(req->resource->api_version);
        entry.fields = fieldset_of_names(req->arena, replicas_path);
        entry.time = entry.text = (struct slice){0};
        push_entry(req->arena, &out, &entry);
    }
    set_list(req, object, managed_encode(req->arena, &out));
}
