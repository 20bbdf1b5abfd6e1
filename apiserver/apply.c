#include "apiserver/apply.h"

#include "apiserver/object.h"
#include "apiserver/status.h"
#include "apiserver/write.h"
#include "openapi/default.h"
#include "openapi/json_scan.h"
#include "openapi/patch_parts.h"

enum { MAX_TREE = 64 << 20 };

static const struct schema any = {.kind = SCHEMA_ANY};

bool apply_is_asked(struct request *req)
{
    struct slice header = http_header_get(req->http, "content-type");
    return header.ptr && slice_is(media_type_of(header), "application/apply-patch+yaml");
}

/* ---- the body ---- */

static bool bad_body(struct request *req, const char *what)
{
    const char *why = req->err.message;
    enum reason reason = req->err.reason == REASON_TOO_LARGE ? REASON_TOO_LARGE : REASON_BAD_REQUEST;
    error_clear(&req->err);
    return error_set(&req->err, reason, "%s: %s", what, why);
}

/* What strict reading finds is a key that is there twice, for the schema refuses other fields anyway. */
static bool report_duplicates(struct request *req, const struct decode_findings *findings)
{
    if (!findings->count || req->write.validation == FIELDS_IGNORE)
        return true;
    for (size_t i = 0; i < findings->count && req->write.validation == FIELDS_WARN; i++)
        request_warn(req, "%s", findings->items[i]);
    return req->write.validation != FIELDS_STRICT ||
           error_set(&req->err, REASON_BAD_REQUEST, "error strict decoding patch: %s", findings->items[0]);
}

/* "apps/v1, Kind=Deployment"; of the core group "/v1, Kind=Pod". */
static const char *shown_kind(struct arena *arena, struct slice api_version, struct slice kind)
{
    const char *slash = slice_find(api_version, '/') < 0 ? "/" : "";
    return arena_printf(arena, "%s%.*s, Kind=%.*s", slash, SLICE_ARG(api_version), SLICE_ARG(kind));
}

static bool begins_like_json(struct slice text)
{
    struct json_scan scan;
    json_scan_init(&scan, text);
    return json_peek(&scan) == '{';
}

/* Programs send JSON, which is read at once; what is no JSON may be YAML. */
static bool read_tree(struct request *req, struct decode_findings *findings, struct value *ret)
{
    struct slice text = req->http->body, json;
    if (begins_like_json(text) && decode_json_node(req->arena, &any, text, ret, findings, NULL))
        return true;
    findings->count = 0;
    if (!decode_yaml_to_json(req->arena, text, &json, &req->err))
        return bad_body(req, begins_like_json(text) ? "error decoding patch: error converting YAML to JSON"
                                                    : "error encoding patch");
    return decode_json_node(req->arena, &any, json, ret, findings, &req->err) ||
           bad_body(req, "error decoding patch");
}

static bool check_tree(struct request *req, const struct value *tree, const char *api_version,
                       const char *kind)
{
    if (tree->kind != VALUE_MAP && tree->kind != VALUE_NULL && tree->kind != VALUE_ABSENT)
        return error_set(&req->err, REASON_BAD_REQUEST,
                         "error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot "
                         "unmarshal %s into Go value of type map[string]interface {}",
                         patch_kind_name(tree));
    struct slice given_version = value_text(value_get(tree, SLICE("apiVersion")));
    struct slice given_kind = value_text(value_get(tree, SLICE("kind")));
    if (!slice_is(given_version, api_version) || !slice_is(given_kind, kind))
        return error_set(&req->err, REASON_BAD_REQUEST, "invalid object type: %s",
                         shown_kind(req->arena, given_version, given_kind));
    const struct value *list = value_path(tree, "metadata.managedFields");
    if (value_is_set(list) && list->kind != VALUE_NULL)
        return error_set(&req->err, REASON_BAD_REQUEST, "metadata.managedFields must be nil");
    return true;
}

bool apply_read_body(struct request *req, const char *api_version, const char *kind, struct apply_config *ret)
{
    struct decode_findings findings = {.arena = req->arena};
    arena_set_limit(req->arena, MAX_TREE);
    ret->api_version = api_version;
    ret->kind = kind;
    return read_tree(req, &findings, &ret->tree) && check_tree(req, &ret->tree, api_version, kind) &&
           report_duplicates(req, &findings);
}

/* ---- the object ---- */

static const char *object_name(struct request *req, const struct apply_config *config)
{
    const struct value *meta = value_get(&config->tree, SLICE("metadata"));
    struct slice ns = value_text(value_get(meta, SLICE("namespace"))),
                 name = value_text(value_get(meta, SLICE("name")));
    return arena_printf(req->arena, "%.*s/%.*s; %s", SLICE_ARG(ns), SLICE_ARG(name),
                        shown_kind(req->arena, slice_str(config->api_version), slice_str(config->kind)));
}

/* A typed tree as the free one that a client would be sent, but for the list of managers. */
static bool free_tree(struct request *req, const struct schema_type *type, const struct value *object,
                      struct value *ret)
{
    cleanup_buf struct buf text = BUF_INIT(MAX_TREE);
    encode_json_type(&text, type, object);
    if (text.failed ||
        !decode_json_node(req->arena, &any, arena_dup(req->arena, buf_slice(&text)), ret, NULL, &req->err))
        return error_is_set(&req->err) || error_set(&req->err, REASON_INTERNAL, "the object cannot be read");
    struct value *meta = value_get_mut(ret, SLICE("metadata"));
    if (meta && meta->kind == VALUE_MAP)
        value_remove(meta, SLICE("managedFields"));
    return true;
}

static bool typed_tree(struct request *req, const struct managed_request *managed_req,
                       const struct apply_config *config, const struct value *tree, struct value *ret)
{
    const struct schema record = {.kind = SCHEMA_RECORD, .type = managed_req->type};
    if (decode_value(req->arena, &record, tree, ret, NULL, &req->err)) {
        default_object(req->arena, ret);
        return true;
    }
    const char *why = req->err.message;
    error_clear(&req->err);
    req->err.code = 500;
    return error_set(&req->err, REASON_UNKNOWN,
                     "failed to convert new object (%s) to proper version: unable to convert unstructured "
                     "object to %s: %s",
                     object_name(req, config),
                     shown_kind(req->arena, slice_str(config->api_version), slice_str(config->kind)), why);
}

static struct value *list_of(struct request *req, struct value *object)
{
    return value_mut(object_meta_mut(req->arena, object), meta_v1_ObjectMeta_managedFields);
}

bool apply_to(struct request *req, const struct managed_request *managed_req,
              const struct apply_config *config, const struct value *live, struct value *ret)
{
    struct value tree, applied;
    struct managed managed = {0};
    bool changed;
    const struct value *list =
        live ? value_at(object_meta(live), meta_v1_ObjectMeta_managedFields) : &value_absent;
    if (!managed_decode(req->arena, list, &managed, &req->err)) {
        req->err.reason = REASON_UNKNOWN;
        req->err.code = 500;
        return error_wrap(&req->err, "failed to decode managed fields");
    }
    if (!free_tree(req, managed_req->type, live ? live : &value_absent, &tree) ||
        !managed_apply(managed_req, &tree, &config->tree, req->write.force, object_name(req, config),
                       &managed, &applied, &changed, &req->err))
        return false;
    if (live && !changed)
        *ret = value_copy(req->arena, live, false);
    else if (!typed_tree(req, managed_req, config, &applied, ret))
        return false;
    *list_of(req, ret) = managed_encode(req->arena, &managed);
    return true;
}

/* ---- PATCH ---- */

bool apply_change(struct request *req, const struct value *current, struct value *ret_new, void *arg)
{
    const struct apply_config *config = arg;
    struct managed_request managed_req = managed_fields_request(req);
    struct value live;
    if ((current && !write_from_stored(req, current, &live)) ||
        !apply_to(req, &managed_req, config, current ? &live : NULL, ret_new))
        return false;
    struct slice uid = object_text(ret_new, meta_v1_ObjectMeta_uid);
    if (!current && uid.len)
        return status_conflict(&req->err, slice_str(req->resource->group), slice_str(req->resource->name),
                               req->info.name,
                               arena_printf(req->arena,
                                            "uid mismatch: the provided object specified uid %.*s, and no "
                                            "existing object was found",
                                            SLICE_ARG(uid)));
    return write_to_stored(req, ret_new);
}

bool apply_begin(struct request *req, struct apply_config *ret)
{
    bool ok = patch_options_parse(req->arena, &req->query, true, &req->write, &req->err) &&
              apply_read_body(req, req->resource->api_version, req->resource->kind, ret);
    req->write.untracked = true;
    req->write.creates = true;
    return ok;
}
