#include "apiserver/request.h"

#include "apiserver/aggregate/aggregate.h"
#include "apiserver/auth_config.h"
#include "apiserver/authn.h"
#include "apiserver/authz.h"
#include "apiserver/commit.h"
#include "apiserver/custom/definition.h"
#include "apiserver/custom_registry.h"
#include "apiserver/kinds/kind.h"
#include "apiserver/metrics.h"
#include "apiserver/status.h"
#include "base/clock.h"
#include "base/random.h"
#include "openapi/protobuf.h"

/*
 * The stages, in upstream's order (DefaultBuildHandlerChain). What a stage leaves undone must not be seen
 * by one before it: nothing is looked up for a user who is not allowed to know whether it exists.
 */
static bool (*const stages[])(struct request *req) = {
    stage_authenticate, /* first: everything after may speak of req->user */
    stage_impersonate,  /* before authorize, which must judge the person acted for; itself checks the real
                         * one
                         */
    stage_authorize,    /* before route: a 404 is knowledge too */
    stage_route,        /* resource, subresource, method, Accept: 404, 405, 406 */
};

/* ---- dispatch ---- */

static bool is_built_in_group(struct slice group)
{
    for (unsigned i = 0; i < schema_group_version_count; i++)
        if (slice_is(group, schema_group_versions[i].group))
            return true;
    return false;
}

static bool is_known_group(struct request *req)
{
    return is_built_in_group(req->info.group) || catalogue_has_group(request_catalogue(req), req->info.group);
}

static void dispatch(struct request *req)
{
    if (!req->info.is_resource) {
        nonresource_serve(req);
        return;
    }
    if (subresource_serve(req) || review_serve(req))
        return;
    switch (req->verb) {
    case VERB_GET:
        verb_get(req);
        break;
    case VERB_LIST:
        verb_list(req);
        break;
    case VERB_WATCH:
        verb_watch(req);
        break;
    case VERB_CREATE:
        commit_run(req, verb_create);
        break;
    case VERB_UPDATE:
        commit_run(req, verb_update);
        break;
    case VERB_PATCH:
        commit_run(req, verb_patch);
        break;
    case VERB_DELETE:
        commit_run(req, verb_delete);
        break;
    case VERB_DELETECOLLECTION:
        request_to_worker(req, verb_delete_collection);
        break;
    }
}

/* Of groups that are not built in, what is not there is no Status. */
static bool is_unknown_custom(struct request *req)
{
    return req->custom && !is_built_in_group(req->info.group) && req->err.reason == REASON_NOT_FOUND &&
           !req->err.kind;
}

static void unpin(void *catalogue)
{
    catalogue_unref(catalogue);
}

const struct catalogue *request_catalogue(struct request *req)
{
    if (!req->catalogue) {
        custom_registry_sync(req->server->custom);
        req->catalogue = catalogues_pin(req->server->catalogues);
        arena_on_free(req->arena, unpin, req->catalogue);
    }
    return req->catalogue;
}

static struct request *request_new(struct server *server, struct http_exchange *exchange)
{
    struct arena *arena = http_arena(exchange);
    struct request *req = arena_zalloc(arena, sizeof *req);
    req->server = server;
    req->exchange = exchange;
    req->http = http_exchange_request(exchange);
    req->arena = arena;
    req->started = clock_mono_nanos();
    req->warnings.arena = arena;
    error_init(&req->err, arena);
    return req;
}

struct request *request_internal(struct server *server, struct arena *arena,
                                 const struct schema_resource *resource, struct slice namespace,
                                 struct slice name, const char *subresource)
{
    static const struct http_request none = {0};
    struct request *req = arena_zalloc(arena, sizeof *req);
    req->server = server;
    req->http = &none;
    req->arena = arena;
    req->warnings.arena = arena;
    error_init(&req->err, arena);
    req->resource = req->storage = resource;
    req->kind = kind_of(resource);
    req->info = (struct request_info){.is_resource = true,
                                      .verb = "update",
                                      .group = slice_str(resource->group),
                                      .version = slice_str(resource->version),
                                      .resource = slice_str(resource->name),
                                      .namespace = namespace,
                                      .name = name,
                                      .subresource = slice_str(subresource)};
    if (*subresource)
        req->subresource = schema_find_subresource(resource, req->info.subresource);
    req->verb = VERB_UPDATE;
    req->user.name = req->real_user.name = SLICE("system:apiserver");
    req->write.manager = SLICE("kube-apiserver");
    return req;
}

/* Escapes that are none are nobody's path; "." and ".." (and NUL) are the path of something that is not
 * there. */
static void refuse_path(struct request *req)
{
    struct slice raw = req->http->raw_path, ignored;
    if (!query_unescape(req->arena, raw, false, &ignored))
        error_set(&req->err, REASON_BAD_REQUEST, "the path of the request has an escape that is none");
    else if (stage_authenticate(req))
        status_no_such_resource(&req->err);
    request_fail(req);
}

void request_serve(void *server, struct http_exchange *exchange)
{
    struct request *req = request_new(server, exchange);
    const struct http_request *http = req->http;
    query_parse(req->arena, http->raw_query, &req->query);
    request_info_parse(req->arena, http->method, http->raw_path, http->segments, http->segment_count,
                       &req->query, &req->info);
    metrics_begin(req->server->metrics, req);
    if (!http->path_ok) {
        refuse_path(req);
        return;
    }
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        if (stages[i] == stage_route && req->info.is_resource &&
            aggregate_serve(req, req->info.group, req->info.version))
            return;
        if (stages[i] == stage_route && req->info.is_resource && !is_known_group(req)) {
            nonresource_send_404(req);
            return;
        }
        if (stages[i](req))
            continue;
        if (is_unknown_custom(req))
            nonresource_send_404(req);
        else
            request_fail(req);
        return;
    }
    dispatch(req);
}

/* ---- stages that are short enough to stand here ---- */

bool stage_authenticate(struct request *req)
{
    struct slice path = req->info.path;
    /* Health and version are open to everybody even where anonymous requests are not. */
    bool open = !req->info.is_resource && authz_is_public(path);
    if (authn_request(req->server->authn, req->arena, req->http, req->server->config.auth->anonymous || open,
                      &req->user)) {
        req->real_user = req->user;
        return true;
    }
    return error_set(&req->err, REASON_UNAUTHORIZED, "Unauthorized");
}

bool request_authorize(struct request *req, const char *verb)
{
    const struct request_info *info = &req->info;
    struct authz_attributes a = {
        .user = &req->user,
        .verb = verb,
        .is_resource = info->is_resource,
        .path = info->path,
        .group = info->group,
        .version = info->version,
        .resource = info->resource,
        .subresource = info->subresource,
        .namespace = info->namespace,
        .name = info->name,
        .field_selector = query_get(&req->query, "fieldSelector"),
    };
    return authz_check(req->server->authz, &a, &req->err);
}

bool stage_authorize(struct request *req)
{
    return request_authorize(req, req->info.verb);
}

/* Which representations the answer to this verb may take. */
static unsigned offers(const struct request *req)
{
    static const char *const connects[] = {"proxy", "exec", "attach", "portforward"};
    unsigned offers = OFFER_TABLE | OFFER_PARTIAL;
    for (size_t i = 0; req->subresource && i < sizeof connects / sizeof *connects; i++)
        if (strcmp(req->subresource->name, connects[i]) == 0)
            return OFFER_ANYTHING;
    if (req->subresource && strcmp(req->subresource->name, "log") == 0)
        return OFFER_TEXT | OFFER_PARTIAL;
    if (req->verb == VERB_WATCH)
        offers |= OFFER_STREAM;
    if (req->verb == VERB_WATCH || req->verb == VERB_LIST)
        offers |= OFFER_COLLECTION;
    const struct schema_type *type = req->subresource ? req->subresource->type : req->resource->type;
    if (type && !protobuf_has_form(type))
        offers |= OFFER_CUSTOM;
    return offers;
}

/* An encoded slash must not be read as one name here and as two segments elsewhere: no resource has such a
 * name. */
static bool has_slash(const struct http_request *http)
{
    for (size_t i = 0; i < http->segment_count; i++)
        if (slice_find(http->segments[i], '/') >= 0)
            return true;
    return false;
}

static bool route_resource(struct request *req)
{
    struct request_info *info = &req->info;
    req->resource = schema_find_resource(info->group, info->version, info->resource);
    if (!req->resource) {
        req->custom = true;
        req->resource =
            catalogue_find_resource(request_catalogue(req), info->group, info->version, info->resource);
    }
    bool proxies = slice_is(info->subresource, "proxy"); /* what follows is a path on the other side */
    if (!req->resource || (!proxies && (info->rest_count > 0 || has_slash(req->http))))
        return status_no_such_resource(&req->err);
    bool custom = req->resource->custom != NULL;
    req->storage = !custom && req->resource->storage ? req->resource->storage : req->resource;
    if (custom)
        custom_schema(req->resource->custom); /* from here on resource->type is what the schema says */
    req->kind = kind_of(req->resource);
    unsigned verbs = req->resource->verbs;
    if (info->subresource.len) {
        req->subresource = schema_find_subresource(req->resource, info->subresource);
        if (!req->subresource)
            return status_no_such_resource(&req->err);
        verbs = req->subresource->verbs;
    }
    bool everywhere = req->resource->namespaced && !info->namespace.len;
    bool reads = strcmp(info->verb, "list") == 0 || strcmp(info->verb, "watch") == 0;
    if (everywhere && info->name.len && !reads)
        return status_no_such_resource(&req->err);
    if (!req->resource->namespaced && info->namespace.len && !slice_is(info->resource, "namespaces"))
        return status_no_such_resource(&req->err);
    req->verb = request_verb_bit(info->verb);
    bool named_post = req->verb == VERB_CREATE && info->name.len && !info->subresource.len;
    bool head = slice_is(req->http->method, "HEAD") && req->resource;
    bool unnamed = !info->name.len && (req->verb == VERB_UPDATE || req->verb == VERB_PATCH);
    if (!(verbs & req->verb) || named_post || head || unnamed || (everywhere && !reads))
        return status_method_not_allowed(&req->err);
    if (custom && req->resource->custom->definition->terminating && req->verb == VERB_CREATE &&
        !info->subresource.len)
        return error_set(&req->err, REASON_METHOD_NOT_ALLOWED,
                         "create not allowed while custom resource definition is terminating");
    return true;
}

bool stage_route(struct request *req)
{
    if (!req->info.is_resource)
        return true;
    if (!route_resource(req))
        return false;
    if (!negotiate_accept(http_header_get(req->http, "accept"), offers(req), &req->accept, &req->err))
        return false;
    const char *deprecated = req->resource->custom ? req->resource->custom->warning : req->kind->deprecated;
    if (deprecated)
        request_warn(req, "%s", deprecated);
    struct slice timeout = query_get(&req->query, "timeout");
    int64_t nanos;
    if (timeout.len && !duration_parse_go(timeout, &nanos))
        return error_set(&req->err, REASON_BAD_REQUEST,
                         "invalid timeout specified in the request URL - time: invalid duration \"%.*s\"",
                         SLICE_ARG(timeout));
    return true;
}

/* ---- workers ---- */

static void run_on_worker(void *arg)
{
    struct request *req = arg;
    struct http_exchange *exchange = req->exchange;
    req->run(req);
    http_unref(exchange);
}

void request_to_worker(struct request *req, void (*run)(struct request *req))
{
    req->run = run;
    http_ref(req->exchange);
    if (req->server->workers && pool_submit(req->server->workers, run_on_worker, req))
        return;
    error_set(&req->err, REASON_TOO_MANY_REQUESTS,
              "the server has received too many requests and has asked us to try again later");
    req->err.retry_after_seconds = 1;
    request_fail(req);
    http_unref(req->exchange);
}

void request_warn(struct request *req, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char **slot = arena_push(req->arena, &req->warnings.items, &req->warnings.count,
                                   &req->warnings.capacity, sizeof *slot);
    *slot = arena_vprintf(req->arena, fmt, args);
    va_end(args);
}
