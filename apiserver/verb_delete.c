/*
 * delete: an object goes at once, or is marked (deletionTimestamp) and goes when its grace period or its last
 * finalizer has. Runs as commit.h says. The rules are those of upstream's registry store (BeforeDelete,
 * deletionFinalizersForGarbageCollection).
 *
 *   finalizers after the policy   grace    what happens
 *   none                          0        the object is deleted
 *   some                          0        marked; an update that takes the last one deletes it
 *   any                           > 0      marked with the time at which it shall end (pods); the node agent
 * deletes it
 */
#include "apiserver/commit.h"
#include "apiserver/deletion.h"
#include "apiserver/list_scan.h"
#include "apiserver/output.h"
#include "apiserver/status.h"
#include "base/clock.h"
#include "openapi/protobuf.h"

enum { MAX_TRIES = 100 };

static const char orphan[] = "orphan", foreground[] = "foregroundDeletion";

/* ---- options ---- */

static bool read_body(struct request *req, struct value *ret, bool *ret_has)
{
    struct slice text = req->http->body, version, kind;
    enum media media;
    *ret_has = text.len > 0;
    if (!*ret_has)
        return true;
    if (!negotiate_content_type(http_header_get(req->http, "content-type"), &media, &req->err))
        return false;
    const struct schema_type *type = schema_find_type("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
    if (media == MEDIA_PROTOBUF)
        return protobuf_open_envelope(text, &version, &kind, &text, &req->err) &&
               decode_protobuf(req->arena, type, text, ret, &req->err);
    if (media == MEDIA_YAML && !decode_yaml_to_json(req->arena, text, &text, &req->err))
        return false;
    if (!decode_type_meta(req->arena, text, &version, &kind, &req->err)) {
        const char *why = req->err.message;
        error_clear(&req->err);
        return error_set(&req->err, REASON_BAD_REQUEST, "couldn't get version/kind; json parse error: %s",
                         why);
    }
    /* Every group-version registers DeleteOptions: any apiVersion will do. */
    if (kind.len && !slice_is(kind, "DeleteOptions"))
        return error_set(&req->err, REASON_BAD_REQUEST, "no kind \"%.*s\" is registered for version \"%.*s\"",
                         SLICE_ARG(kind), SLICE_ARG(version));
    return decode_json(req->arena, type, text, ret, NULL, &req->err);
}

static bool read_options(struct request *req, struct delete_options *ret)
{
    struct value body;
    bool has_body;
    if (!read_body(req, &body, &has_body) ||
        !delete_options_parse(req->arena, &req->query, has_body ? &body : NULL, ret, &req->err))
        return false;
    req->write.dry_run = ret->dry_run;
    return true;
}

/* Upstream speaks of the kind, not of the resource, when a precondition of a deletion fails. */
static bool precondition_failed(struct request *req, const struct value *object, const char *what,
                                struct slice asked, struct slice present, const char *hint)
{
    return status_conflict(
        &req->err, slice_str(req->resource->group), slice_str(req->resource->kind),
        object_text(object, meta_v1_ObjectMeta_name),
        arena_printf(req->arena,
                     "the %s in the precondition (%.*s) does not match the %s in record (%.*s). %s", what,
                     SLICE_ARG(asked), what, SLICE_ARG(present), hint));
}

static bool check_preconditions(struct request *req, const struct delete_options *o,
                                const struct value *object)
{
    struct slice uid = object_text(object, meta_v1_ObjectMeta_uid);
    struct slice version = object_text(object, meta_v1_ObjectMeta_resourceVersion);
    if (o->has_precondition_uid && !slice_eq(uid, o->precondition_uid))
        return precondition_failed(req, object, "UID", o->precondition_uid, uid,
                                   "The object might have been deleted and then recreated");
    if (o->has_precondition_version && !slice_eq(version, o->precondition_version))
        return precondition_failed(req, object, "ResourceVersion", o->precondition_version, version,
                                   "The object might have been modified");
    return true;
}

/* ---- what is to be done ---- */

static void set_policy_finalizers(struct request *req, const struct delete_options *o, struct value *object)
{
    bool keep_orphan = object_has_finalizer(object, orphan),
         keep_foreground = object_has_finalizer(object, foreground);
    switch (o->propagation) {
    case PROPAGATION_ORPHAN:
        keep_orphan = true, keep_foreground = false;
        break;
    case PROPAGATION_FOREGROUND:
        keep_orphan = false, keep_foreground = true;
        break;
    case PROPAGATION_BACKGROUND:
        keep_orphan = keep_foreground = false;
        break;
    case PROPAGATION_UNSET:
        if (o->orphan_dependents_set)
            keep_orphan = o->orphan_dependents, keep_foreground = keep_foreground && !o->orphan_dependents;
        else if (req->kind->orphans_by_default && !keep_foreground)
            keep_orphan = true;
        break;
    }
    object_set_finalizer(req->arena, object, orphan, keep_orphan);
    object_set_finalizer(req->arena, object, foreground, keep_foreground);
}

static void mark(struct request *req, struct value *object, int64_t at, int64_t grace)
{
    struct value *meta = object_meta_mut(req->arena, object);
    char *text = arena_bytes(req->arena, CLOCK_TEXT);
    bool first = !value_is_set(value_at(meta, meta_v1_ObjectMeta_deletionTimestamp));
    *value_mut(meta, meta_v1_ObjectMeta_deletionTimestamp) = value_of_string(clock_format_seconds(at, text));
    *value_mut(meta, meta_v1_ObjectMeta_deletionGracePeriodSeconds) = value_of_int(grace);
    struct value *generation = value_mut(meta, meta_v1_ObjectMeta_generation);
    if (first && value_int(generation, 0) > 0)
        *generation = value_of_int(value_int(generation, 0) + 1);
}

enum plan { PLAN_NOTHING, PLAN_MARK, PLAN_DELETE };

/* Changes the object to what it shall be; see the table above. */
static enum plan make_plan(struct request *req, const struct delete_options *o, struct value *object)
{
    const struct value *meta = object_meta(object);
    const struct value *since = value_at(meta, meta_v1_ObjectMeta_deletionTimestamp);
    int64_t now = clock_now_seconds(), micros = 0, grace = 0;
    int64_t given = value_int(value_at(meta, meta_v1_ObjectMeta_deletionGracePeriodSeconds), 0);
    if (req->kind->grace_seconds)
        grace = req->kind->grace_seconds(object, o->grace_seconds);
    bool marked = value_is_set(since);
    struct value before = value_copy(req->arena, object, false);
    set_policy_finalizers(req, o, object);
    if (req->kind->delete_finalizer && !marked)
        object_set_finalizer(req->arena, object, req->kind->delete_finalizer, true);
    bool held = value_count(value_at(object_meta(object), meta_v1_ObjectMeta_finalizers)) > 0 ||
                (req->kind->may_vanish && !req->kind->may_vanish(object));
    if (marked && given > 0 &&
        clock_parse(value_text(since), &micros)) { /* already on its way, with time left */
        if (o->grace_seconds < 0 || grace >= given)
            return value_equal(&before, object) ? PLAN_NOTHING : PLAN_MARK;
        mark(req, object, micros / 1000000 - given + grace, grace);
        return grace > 0 || held ? PLAN_MARK : PLAN_DELETE;
    }
    if (grace > 0) {
        mark(req, object, now + grace, grace);
        return PLAN_MARK;
    }
    if (held && marked)
        return value_equal(&before, object) ? PLAN_NOTHING : PLAN_MARK;
    if (held || req->kind->grace_seconds)
        mark(req, object, now, 0);
    return held ? PLAN_MARK : PLAN_DELETE;
}

/* ---- one object ---- */

bool deletion_run(struct request *req, const struct delete_options *o, struct written *ret, bool *ret_gone)
{
    for (int i = 0; i < MAX_TRIES; i++) {
        struct value object;
        uint64_t revision;
        *ret = (struct written){0};
        if (!write_load(req, &object, &revision) || !check_preconditions(req, o, &object))
            return false;
        enum plan plan = make_plan(req, o, &object);
        if (plan == PLAN_NOTHING) {
            ret->object = object;
            *ret_gone = false;
            return true;
        }
        *ret_gone = plan == PLAN_DELETE;
        if (plan == PLAN_MARK && req->kind->prepare_delete)
            req->kind->prepare_delete(&(struct kind_request){.arena = req->arena,
                                                             .resource = req->resource,
                                                             .now = clock_now_seconds()},
                                      &object);
        enum store_outcome outcome = STORE_OK;
        /* Watchers of what ends gracefully see it marked before it goes, even if no time was given. */
        if (*ret_gone && req->kind->grace_seconds && !req->write.dry_run) {
            if (!commit_leave_loop(req)) /* one write after the other */
                return false;
            outcome = write_store(req, &object, revision, false, ret);
            revision = ret->revision;
        }
        if (outcome == STORE_OK)
            outcome = write_delete(req, &object, revision, *ret_gone, ret);
        if (outcome != STORE_CONFLICT)
            return outcome == STORE_OK;
    }
    return error_set(&req->err, REASON_SERVER_TIMEOUT, "the object keeps changing, try again");
}

static void warn_of_orphans(struct request *req, const struct delete_options *o)
{
    if (req->kind->orphans_by_default && o->propagation == PROPAGATION_UNSET && !o->orphan_dependents_set &&
        slice_is(slice_str(req->resource->group), "batch"))
        request_warn(
            req,
            "child pods are preserved by default when %s are deleted; set propagationPolicy=Background to "
            "remove them or set propagationPolicy=Orphan to suppress this warning",
            req->resource->name);
}

struct deletion {
    struct delete_options options;
    struct written written;
    bool gone;
};

static void answer(struct request *req, void *arg)
{
    struct deletion *d = arg;
    warn_of_orphans(req, &d->options);
    if (!d->gone || req->kind->returns_deleted) {
        output_written(req, 200, &d->written);
        return;
    }
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    status_encode_deleted(&out, slice_str(req->resource->group), slice_str(req->resource->name),
                          req->info.name, object_text(&d->written.object, meta_v1_ObjectMeta_uid));
    request_send_json(req, 200, blob_from_buf(&out));
}

void verb_delete(struct request *req)
{
    struct deletion *d = arena_zalloc(req->arena, sizeof *d);
    bool ok = read_options(req, &d->options) && deletion_run(req, &d->options, &d->written, &d->gone);
    commit_answer(req, ok, answer, d);
}

/* ---- a collection ---- */

struct collect {
    struct request *req;
    struct slice *keys;
    size_t count, capacity;
    struct list_scan scan;
    struct buf items;
};

static bool collect_key(void *arg, const struct store_record *record)
{
    struct collect *c = arg;
    struct slice *slot = arena_push(c->req->arena, &c->keys, &c->count, &c->capacity, sizeof *slot);
    *slot = arena_dup(c->req->arena, record->key);
    output_list_item(c->req, &c->scan.options, record, c->items.len == 0, &c->items);
    return true;
}

/* Each object is deleted by itself, as upstream does; one that is gone meanwhile is no fault. */
static bool delete_each(struct collect *c, const struct delete_options *options)
{
    struct request *req = c->req;
    struct slice all = req->info.namespace;
    for (size_t i = 0; i < c->count; i++) {
        struct written written;
        bool gone;
        req->info.name = object_key_name(c->keys[i]);
        req->info.namespace = object_key_namespace(req->storage, c->keys[i]);
        if (!deletion_run(req, options, &written, &gone)) {
            if (req->err.reason != REASON_NOT_FOUND)
                return false;
            error_clear(&req->err);
        }
    }
    req->info.name = slice_make("", 0);
    req->info.namespace = all;
    return true;
}

void verb_delete_collection(struct request *req)
{
    struct collect c = {.req = req, .items = BUF_INIT(BUF_UNLIMITED)};
    struct delete_options options;
    int64_t limit;
    bool ok =
        output_check_form(req, true) && read_options(req, &options) && list_scan_begin(req, false, &c.scan);
    limit = ok ? c.scan.options.limit : 0;
    ok = ok && list_scan_slice(&c.scan, limit > 0 ? (size_t)limit : SIZE_MAX >> 1, collect_key, &c) &&
         delete_each(&c, &options);
    if (ok) {
        struct list_head head = {c.scan.revision, list_scan_token(&c.scan), list_scan_remaining(&c.scan), 0};
        output_list(req, head, &c.items);
    } else {
        request_fail(req);
    }
    buf_release(&c.items);
}
