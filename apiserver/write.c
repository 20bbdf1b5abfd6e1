#include "apiserver/write.h"

#include "admission/admission.h"
#include "apiserver/allocate.h"
#include "apiserver/charge.h"
#include "apiserver/commit.h"
#include "apiserver/authz.h"
#include "apiserver/escalation.h"
#include "apiserver/kinds/kind.h"
#include "apiserver/managed_fields.h"
#include "apiserver/metadata.h"
#include "apiserver/status.h"
#include "apiserver/dynamic_admission.h"
#include "base/clock.h"
#include "storage/header.h"

enum { MAX_TRIES = 100, NAME_TRIES = 8, LOOP_OBJECT = 64 * 1024 };

struct kind_request write_kind_request(struct request *req, struct causes *causes)
{
    return (struct kind_request){
        .arena = req->arena,
        .resource = req->resource,
        .subresource = req->info.subresource,
        .user = req->user.name,
        .requester = &req->user,
        .now = clock_now_seconds(),
        .dry_run = req->write.dry_run,
        .causes = causes,
        .warnings = &req->warnings,
    };
}

/* ---- looking at other objects ---- */

bool write_get_other(struct server *server, struct arena *arena, const struct schema_resource *resource,
                     struct slice namespace, struct slice name, struct value *ret, uint64_t *ret_revision)
{
    struct store_record record;
    cleanup_store_read struct store_read *read = store_read_begin(server->store, 0, NULL);
    if (!read || !store_get(read, object_key(arena, resource, namespace, name), &record))
        return false;
    if (ret_revision)
        *ret_revision = record.revision;
    return object_decode(arena, resource, record.value, true, ret, NULL);
}

static struct admission_request admission_of(struct request *req, enum admission_operation operation,
                                             struct value *object, const struct value *old)
{
    return (struct admission_request){
        .arena = req->arena,
        .operation = operation,
        .resource = req->storage,
        .asked = req->resource,
        .subresource = req->info.subresource,
        .namespace = req->info.namespace,
        .name = req->info.name.len || !object ? req->info.name : object_text(object, meta_v1_ObjectMeta_name),
        .object = object,
        .old = old,
        .user = req->user.name,
        .groups = req->user.groups,
        .group_count = req->user.group_count,
        .dry_run = req->write.dry_run,
        .now = clock_now_seconds(),
        .lookup = write_lookup(req),
        .services = dynamic_admission_services(req),
        .warnings = &req->warnings,
    };
}

/* ---- the namespace of a new object ---- */

/* It must exist and not be going away; its revision becomes a condition of the write, so that none slips in
 * between. */
static bool check_namespace(struct request *req, struct slice name, struct store_op *ret_check)
{
    const struct schema_resource *namespaces =
        schema_find_resource(SLICE(""), SLICE("v1"), SLICE("namespaces"));
    struct slice ns = req->info.namespace;
    struct store_record record;
    *ret_check =
        (struct store_op){.type = STORE_CHECK, .key = object_key(req->arena, namespaces, SLICE(""), ns)};
    cleanup_store_read struct store_read *read = store_read_begin(req->server->store, 0, &req->err);
    if (!read)
        return false;
    if (!store_get(read, ret_check->key, &record))
        return status_not_found(&req->err, SLICE(""), SLICE("namespaces"), ns);
    ret_check->expect = record.revision;
    if (!(header_flags(record.header) & HEADER_DELETING))
        return true;
    status_forbidden(
        &req->err, slice_str(req->resource->group), slice_str(req->resource->name), name,
        arena_printf(req->arena,
                     "unable to create new content in namespace %.*s because it is being terminated",
                     SLICE_ARG(ns)));
    error_add_cause(&req->err, "NamespaceTerminating", "metadata.namespace",
                    arena_printf(req->arena, "namespace %.*s is being terminated", SLICE_ARG(ns)));
    return false;
}

/* ---- store ---- */

static struct slice key_of(struct request *req, const struct value *object)
{
    return object_key(req->arena, req->storage, object_text(object, meta_v1_ObjectMeta_namespace),
                      object_text(object, meta_v1_ObjectMeta_name));
}

enum store_outcome write_store(struct request *req, struct value *object, uint64_t expect, bool delete,
                               struct written *ret)
{
    uint64_t version = object_version(object);
    if (!object_encode(req->arena, req->storage, object, &ret->stored, &req->err))
        return STORE_FAILED;
    object_set_version(req->arena, object, version);
    ret->object = *object;
    if (req->write.dry_run)
        return STORE_OK;
    struct store_op op = {
        .type = delete ? STORE_DELETE : STORE_PUT,
        .key = key_of(req, object),
        .expect = expect,
        .header = ret->stored.header,
        .value = ret->stored.value,
        .splice = ret->stored.splice,
    };
    struct store_txn_result result;
    size_t count = 1;
    const struct store_op *all = commit_ops(req, object, &op, &count);
    if (!all)
        return STORE_FAILED;
    return commit_write(req, object, all, count, ret, &result);
}

/* ---- create ---- */

static bool validate(struct request *req, struct value *object, const struct value *old)
{
    struct causes causes = {.arena = req->arena};
    struct decode_findings warnings = {.arena = req->arena};
    struct kind_request kind_req = write_kind_request(req, &causes);
    kind_req.warnings = &warnings;
    if (old)
        metadata_validate_update(&causes, object, old);
    else
        metadata_validate(&causes, req->storage, req->kind->name_rule, object);
    if (req->kind->validate)
        req->kind->validate(&kind_req, object, old);
    for (size_t i = 0; causes.count == 0 && i < warnings.count;
         i++) /* an object that is refused is not warned of */
        request_warn(req, "%s", warnings.items[i]);
    return causes_to_error(&causes, req->storage->group, req->storage->kind,
                           object_text(object, meta_v1_ObjectMeta_name), &req->err);
}

static bool has_status_subresource(const struct schema_resource *resource)
{
    return schema_find_subresource(resource, SLICE("status")) != NULL;
}

static void drop_status(struct request *req, struct value *object)
{
    if (has_status_subresource(req->resource) && !req->kind->keeps_status_on_create)
        value_set(req->arena, object, SLICE("status"), &value_absent);
}

static bool prepare_create(struct request *req, struct value *object, struct allocation *allocation)
{
    struct kind_request kind_req = write_kind_request(req, NULL);
    metadata_fill_create(req->arena, req->resource, object, req->info.namespace, kind_req.now);
    if (!req->write.untracked)
        managed_fields_track(req, NULL, object); /* before what the server adds of its own */
    struct admission_request admission = admission_of(req, ADMISSION_CREATE, object, NULL);
    if (!admission_mutate(&admission, &req->err) ||
        !allocate_begin(req->server->allocator, req->arena, req->resource, object, NULL, req->write.dry_run,
                        allocation, &req->err))
        return false;
    drop_status(req, object);
    if (req->kind->counts_generation)
        *value_mut(object_meta_mut(req->arena, object), meta_v1_ObjectMeta_generation) = value_of_int(1);
    if (req->kind->prepare_create)
        req->kind->prepare_create(&kind_req, object);
    return true;
}

/* ret_stale: the conflict is not about the object, but about what it is charged to. */
static enum store_outcome store_new(struct request *req, struct value *object, struct written *ret,
                                    bool *ret_stale)
{
    struct store_op ops[2];
    size_t count = 0;
    if (req->resource->namespaced &&
        !check_namespace(req, object_text(object, meta_v1_ObjectMeta_name), &ops[count++]))
        return STORE_FAILED;
    /* Late, as upstream: what is wrong with the object itself comes first, and a dry run stores nothing. */
    if (!req->write.dry_run && req->write.names_version) {
        req->err.code = 500; /* not a 400 */
        error_set(&req->err, REASON_UNKNOWN, "resourceVersion should not be set on objects to be created");
        return STORE_FAILED;
    }
    if (!object_encode(req->arena, req->storage, object, &ret->stored, &req->err))
        return STORE_FAILED;
    object_set_version(req->arena, object, 0);
    ret->object = *object;
    struct slice key = key_of(req, object);
    if (key.len > STORE_MAX_KEY) {
        error_set(&req->err, REASON_BAD_REQUEST, "the name and namespace are too long together to be stored");
        return STORE_FAILED;
    }
    if (req->write.dry_run) {
        struct value present;
        return write_get_other(req->server, req->arena, req->resource, req->info.namespace,
                               object_text(object, meta_v1_ObjectMeta_name), &present, NULL)
                   ? STORE_CONFLICT
                   : STORE_OK;
    }
    ops[count++] = (struct store_op){.type = STORE_PUT,
                                     .key = key,
                                     .expect = 0,
                                     .header = ret->stored.header,
                                     .value = ret->stored.value,
                                     .splice = ret->stored.splice};
    const struct store_op *all = commit_ops(req, object, ops, &count);
    if (!all)
        return STORE_FAILED;
    for (int i = 0; i < MAX_TRIES; i++) {
        struct store_txn_result result;
        enum store_outcome outcome = commit_write(req, object, all, count, ret, &result);
        *ret_stale = outcome == STORE_CONFLICT && all != ops && result.failed_op < count - 1;
        if (outcome != STORE_CONFLICT || result.failed_op == count - 1 || *ret_stale)
            return outcome;
        if (!check_namespace(req, object_text(object, meta_v1_ObjectMeta_name),
                             &ops[0])) /* it changed: look again */
            return STORE_FAILED;
    }
    error_set(&req->err, REASON_SERVER_TIMEOUT, "the namespace keeps changing, try again");
    return STORE_FAILED;
}

/* Charged anew when somebody else changed what it is charged to. */
static enum store_outcome charge_and_store(struct request *req, struct value *object, struct written *ret)
{
    for (int i = 0; i < MAX_TRIES; i++) {
        struct admission_request admission = admission_of(req, ADMISSION_CREATE, object, NULL);
        struct charge charge;
        bool stale = false;
        if (!charge_begin(req, &admission, &charge))
            return STORE_FAILED;
        req->charge = &charge;
        enum store_outcome outcome = store_new(req, object, ret, &stale);
        req->charge = NULL;
        charge_end(&charge);
        if (!stale)
            return outcome;
    }
    error_set(&req->err, REASON_SERVER_TIMEOUT, "the quotas of the namespace keep changing, try again");
    return STORE_FAILED;
}

static enum store_outcome try_create(struct request *req, struct value *object, struct allocation *allocation,
                                     struct written *ret)
{
    bool generated = !object_text(object, meta_v1_ObjectMeta_name).len;
    struct store_op check;
    if (!prepare_create(req, object, allocation) ||
        (req->resource->namespaced &&
         !check_namespace(req, object_text(object, meta_v1_ObjectMeta_name), &check)))
        return STORE_FAILED;
    struct admission_request admission = admission_of(req, ADMISSION_CREATE, object, NULL);
    if (!escalation_check(req, object, NULL) || !validate(req, object, NULL) ||
        !admission_validate(&admission, &req->err))
        return STORE_FAILED;
    enum store_outcome outcome = charge_and_store(req, object, ret);
    for (int i = 0; outcome == STORE_CONFLICT && generated && i < NAME_TRIES; i++) {
        metadata_regenerate_name(req->arena, object);
        outcome = charge_and_store(req, object, ret);
    }
    return outcome;
}

bool write_create(struct request *req, struct value *object, struct written *ret)
{
    struct allocation allocation = {0};
    *ret = (struct written){0};
    req->allocation = &allocation;
    enum store_outcome outcome = try_create(req, object, &allocation, ret);
    req->allocation = NULL;
    allocate_end(req->server->allocator, &allocation, outcome == STORE_OK);
    if (outcome == STORE_CONFLICT)
        status_already_exists(&req->err, slice_str(req->resource->group), slice_str(req->resource->name),
                              object_text(object, meta_v1_ObjectMeta_name));
    return outcome == STORE_OK;
}

/* ---- delete ---- */

enum store_outcome write_delete(struct request *req, struct value *object, uint64_t expect, bool gone,
                                struct written *ret)
{
    struct admission_request admission = admission_of(req, ADMISSION_DELETE, NULL, object);
    if (!admission_mutate(&admission, &req->err) || !admission_validate(&admission, &req->err))
        return STORE_FAILED;
    struct allocation allocation = {0};
    if (gone && !allocate_begin(req->server->allocator, req->arena, req->resource, NULL, object,
                                req->write.dry_run, &allocation, &req->err))
        return STORE_FAILED;
    req->allocation = &allocation;
    enum store_outcome outcome = write_store(req, object, expect, gone, ret);
    req->allocation = NULL;
    allocate_end(req->server->allocator, &allocation, outcome == STORE_OK);
    return outcome;
}

/* ---- update ---- */

bool write_load(struct request *req, struct value *ret, uint64_t *ret_revision)
{
    struct slice name = req->info.name;
    struct store_record record;
    cleanup_store_read struct store_read *read = store_read_begin(req->server->store, 0, &req->err);
    if (!read)
        return false;
    if (!store_get(read, object_key(req->arena, req->storage, req->info.namespace, name), &record))
        return status_not_found(&req->err, slice_str(req->resource->group), slice_str(req->resource->name),
                                name);
    if (record.value.len > LOOP_OBJECT && !commit_leave_loop(req))
        return false;
    *ret_revision = record.revision;
    return object_decode(req->arena, req->storage, record.value, true, ret, &req->err);
}

/* What a client says of the object's identity must be true of it. */
static bool check_preconditions(struct request *req, const struct value *object, const struct value *old)
{
    struct slice group = slice_str(req->resource->group), resource = slice_str(req->resource->name);
    struct slice uid = object_text(object, meta_v1_ObjectMeta_uid),
                 present = object_text(old, meta_v1_ObjectMeta_uid);
    struct slice version = object_text(object, meta_v1_ObjectMeta_resourceVersion);
    bool versioned = version.len > 0 && !slice_is(version, "0");
    if (uid.len && !slice_eq(uid, present) && req->verb == VERB_PATCH) {
        struct causes causes = {.arena = req->arena};
        causes_invalid_text(&causes, PATH(PATH(NULL, "metadata"), "uid"), uid, "field is immutable");
        return causes_to_error(&causes, req->storage->group, req->storage->kind, req->info.name, &req->err);
    }
    if (uid.len && !slice_eq(uid, present))
        return status_conflict(
            &req->err, group, resource, req->info.name,
            arena_printf(
                req->arena,
                "StorageError: invalid object, Code: 4, Key: %.*s, ResourceVersion: 0, AdditionalErrorMsg: "
                "Precondition failed: UID in precondition: %.*s, UID in object meta: %.*s",
                SLICE_ARG(key_of(req, old)), SLICE_ARG(uid), SLICE_ARG(present)));
    for (size_t i = 0; i < version.len; i++) {
        if (version.ptr[i] >= '0' && version.ptr[i] <= '9')
            continue;
        error_set(&req->err, REASON_UNKNOWN, "strconv.ParseUint: parsing \"%.*s\": invalid syntax",
                  SLICE_ARG(version));
        req->err.code = 500;
        return false;
    }
    if (versioned && object_version(object) != object_version(old))
        return status_modified(&req->err, group, resource, req->info.name);
    if (!versioned && req->kind->requires_version_on_update && !req->info.subresource.len) {
        struct causes causes = {.arena = req->arena};
        causes_invalid_shown(&causes, PATH(PATH(NULL, "metadata"), "resourceVersion"), "0",
                             "must be specified for an update");
        return causes_to_error(&causes, req->resource->group, req->resource->name, req->info.name, &req->err);
    }
    return true;
}

/* Of a custom object only managedFields change along with the status. */
static void keep_custom_half(struct request *req, struct value *object, const struct value *old)
{
    const struct value status = *value_get(object, SLICE("status"));
    const struct value managed = *value_at(object_meta(object), meta_v1_ObjectMeta_managedFields);
    if (!has_status_subresource(req->resource))
        return;
    if (!req->info.subresource.len)
        value_set(req->arena, object, SLICE("status"), value_get(old, SLICE("status")));
    if (!slice_is(req->info.subresource, "status"))
        return;
    *object = value_copy(req->arena, old, false);
    value_set(req->arena, object, SLICE("status"), &status);
    *value_mut(object_meta_mut(req->arena, object), meta_v1_ObjectMeta_managedFields) = managed;
}

/* Through "status" only the status changes, through the object itself everything else. */
static void keep_other_half(struct request *req, struct value *object, const struct value *old)
{
    if (req->resource->custom) {
        keep_custom_half(req, object, old);
        return;
    }
    const struct schema_type *type = object->record->type;
    bool through_status = slice_is(req->info.subresource, "status");
    for (unsigned i = 0; i < type->field_count; i++) {
        const char *name = type->fields[i].name;
        bool is_status = strcmp(name, "status") == 0;
        if (strcmp(name, "metadata") == 0 || (is_status && !has_status_subresource(req->resource)))
            continue;
        if (through_status ? !is_status : is_status && !req->info.subresource.len)
            *value_mut(object, i) = *value_at(old, i);
    }
}

/* A binding changes the spec, but says nothing that the pod's owner would have to act on. */
static bool bumps_generation(const struct request *req)
{
    return req->kind->counts_generation && !slice_is(req->info.subresource, "status") &&
           !slice_is(req->info.subresource, "binding");
}

static bool prepare_update(struct request *req, struct value *object, const struct value *old,
                           struct allocation *allocation)
{
    struct kind_request kind_req = write_kind_request(req, NULL);
    struct value *meta = object_meta_mut(req->arena, object);
    metadata_carry_over(req->arena, object, old);
    if (managed_fields_resets_metadata(req))
        metadata_carry_over_status(req->arena, object, old);
    keep_other_half(req, object, old);
    struct admission_request admission = admission_of(req, ADMISSION_UPDATE, object, old);
    if (!admission_mutate(&admission, &req->err) ||
        (!req->info.subresource.len &&
         !allocate_begin(req->server->allocator, req->arena, req->resource, object, old, req->write.dry_run,
                         allocation, &req->err)))
        return false;
    if (req->kind->prepare_update)
        req->kind->prepare_update(&kind_req, object, old);
    if (bumps_generation(req) && metadata_spec_changed(object, old))
        *value_mut(meta, meta_v1_ObjectMeta_generation) =
            value_of_int(value_int(value_at(object_meta(old), meta_v1_ObjectMeta_generation), 0) + 1);
    return true;
}

/* The last finalizer of an object that is being deleted has gone: so does the object. */
static bool vanishes(struct request *req, const struct value *object)
{
    const struct value *meta = object_meta(object);
    return value_is_set(value_at(meta, meta_v1_ObjectMeta_deletionTimestamp)) &&
           value_count(value_at(meta, meta_v1_ObjectMeta_finalizers)) == 0 &&
           value_int(value_at(meta, meta_v1_ObjectMeta_deletionGracePeriodSeconds), 0) == 0 &&
           (!req->kind->may_vanish || req->kind->may_vanish(object));
}

bool write_check_identity(struct request *req, const struct value *object)
{
    struct slice name = object_text(object, meta_v1_ObjectMeta_name);
    struct slice ns = object_text(object, meta_v1_ObjectMeta_namespace);
    if (!name.len)
        return error_set(
            &req->err, REASON_BAD_REQUEST,
            "the name of the object (%.*s based on URL) was undeterminable: name must be provided",
            SLICE_ARG(req->info.name));
    if (name.len && !slice_eq(name, req->info.name))
        return error_set(&req->err, REASON_BAD_REQUEST,
                         "the name of the object (%.*s) does not match the name on the URL (%.*s)",
                         SLICE_ARG(name), SLICE_ARG(req->info.name));
    if (req->resource->namespaced && ns.len && !slice_eq(ns, req->info.namespace))
        return error_set(
            &req->err, REASON_BAD_REQUEST,
            "the namespace of the provided object does not match the namespace sent on the request");
    return true;
}

static enum store_outcome store_update(struct request *req, struct value *object, const struct value *old,
                                       uint64_t revision, struct allocation *allocation, struct written *ret)
{
    if (!prepare_update(req, object, old, allocation))
        return STORE_FAILED;
    struct admission_request admission = admission_of(req, ADMISSION_UPDATE, object, old);
    if (!escalation_check(req, object, old) || !validate(req, object, old) ||
        !admission_validate(&admission, &req->err))
        return STORE_FAILED;
    object_set_version(req->arena, object, revision);
    managed_fields_keep_times(object, old);
    bool gone = vanishes(req, object);
    if (!gone &&
        value_equal(object, old)) { /* nothing changed: nothing is written, no event, the same version */
        ret->object = *object;
        ret->revision = revision;
        return STORE_OK;
    }
    struct charge charge;
    if (gone && !allocation->active &&
        !allocate_begin(req->server->allocator, req->arena, req->resource, NULL, object, req->write.dry_run,
                        allocation, &req->err))
        return STORE_FAILED;
    if (!charge_begin(req, &admission, &charge))
        return STORE_FAILED;
    req->charge = &charge;
    enum store_outcome outcome = write_store(req, object, revision, gone, ret);
    req->charge = NULL;
    charge_end(&charge);
    return outcome;
}

static enum store_outcome try_update(struct request *req, struct value *object, const struct value *old,
                                     uint64_t revision, struct written *ret)
{
    struct allocation allocation = {0};
    req->allocation = &allocation;
    enum store_outcome outcome = store_update(req, object, old, revision, &allocation, ret);
    req->allocation = NULL;
    allocate_end(req->server->allocator, &allocation, outcome == STORE_OK);
    return outcome;
}

/* There is no object of the name: it is created where that is allowed. */
static bool create_instead(struct request *req, write_change change, void *arg, struct written *ret)
{
    struct value object;
    if (req->err.reason != REASON_NOT_FOUND || req->info.subresource.len ||
        !(req->kind->creates_on_update || req->write.creates))
        return false;
    error_clear(&req->err);
    if (!request_authorize(req, "create")) /* the right to update or patch is not one to create */
        return false;
    if (!change(req, NULL, &object, arg) || !write_check_identity(req, &object))
        return error_is_set(&req->err) ? false
                                       : status_not_found(&req->err, slice_str(req->resource->group),
                                                          slice_str(req->resource->name), req->info.name);
    object_set_text(req->arena, &object, meta_v1_ObjectMeta_name, req->info.name);
    bool ok = write_create(req, &object, ret);
    ret->created = true;
    return ok;
}

bool write_update(struct request *req, write_change change, void *arg, struct written *ret)
{
    for (int i = 0; i < MAX_TRIES; i++) {
        struct value old, object;
        uint64_t revision = 0;
        *ret = (struct written){0};
        if (!write_load(req, &old, &revision))
            return create_instead(req, change, arg, ret);
        if (!change(req, &old, &object, arg) || !write_check_identity(req, &object) ||
            !check_preconditions(req, &object, &old))
            return false;
        if (!req->write.untracked)
            managed_fields_track(req, &old, &object);
        enum store_outcome outcome = try_update(req, &object, &old, revision, ret);
        if (outcome != STORE_CONFLICT)
            return outcome == STORE_OK;
        /* Somebody was faster. What the client asked for a certain version fails at the next look; a patch is
         * made anew. */
    }
    return error_set(&req->err, REASON_SERVER_TIMEOUT, "the object keeps changing, try again");
}
