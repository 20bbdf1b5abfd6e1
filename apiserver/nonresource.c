/* nonresource: paths that are no API objects. A table of paths; each row answers or says there is no such
 * thing. */
#include <stdlib.h>

#include "apiserver/aggregate/aggregate.h"
#include "apiserver/documents.h"
#include "apiserver/health.h"
#include "apiserver/metrics.h"
#include "apiserver/openid.h"
#include "apiserver/request.h"
#include "apiserver/status.h"

void nonresource_send_404(struct request *req)
{
    request_send_text(req, 404, "text/plain; charset=utf-8", blob_static(SLICE("404 page not found\n")));
}

static void fail_not_found(struct request *req)
{
    status_no_such_resource(&req->err);
    request_fail(req);
}

static bool is_read(const struct request *req)
{
    return slice_is(req->http->method, "GET") || slice_is(req->http->method, "HEAD");
}

/* A document has an ETag, and a client that has it already gets 304. True: that was the answer. */
static bool send_not_modified(struct request *req, const char *content_type, struct blob *document)
{
    struct slice etag = documents_etag(req->arena, document);
    struct slice given = http_header_get(req->http, "if-none-match");
    size_t count;
    struct http_header *headers = (struct http_header *)request_headers(req, &count);
    if (given.ptr && slice_eq(given, etag)) {
        headers[count++] = (struct http_header){SLICE("etag"), etag};
        struct http_response response = {.status = 304,
                                         .content_type = slice_str(content_type),
                                         .headers = headers,
                                         .header_count = count};
        blob_unref(document);
        request_done(req, 304, 0);
        http_respond(req->exchange, &response, NULL);
        return true;
    }
    req->etag = etag;
    req->never_zip = true; /* as upstream: these are asked for once and kept */
    return false;
}

static void send_document(struct request *req, const char *content_type, struct blob *document)
{
    if (!send_not_modified(req, content_type, document))
        request_send_text(req, 200, content_type, document);
}

static void send_aggregated(struct request *req, struct blob *document)
{
    if (!send_not_modified(req, accept_content_type(&req->accept), document))
        request_send_json(req, 200, document);
}

static void send_discovery(struct request *req, enum document plain, enum document aggregated,
                           unsigned offers)
{
    if (!negotiate_accept(http_header_get(req->http, "accept"), offers, &req->accept, &req->err)) {
        request_fail(req);
        return;
    }
    if (req->accept.as == AS_DISCOVERY)
        send_aggregated(req, documents_get(req->server, request_catalogue(req), aggregated));
    else
        request_send_json(req, 200, documents_get(req->server, request_catalogue(req), plain));
}

static void send_group_document(struct request *req, struct blob *document, unsigned offers)
{
    if (!document) {
        fail_not_found(req);
    } else if (!negotiate_accept(http_header_get(req->http, "accept"), offers, &req->accept, &req->err)) {
        blob_unref(document);
        request_fail(req);
    } else {
        request_send_json(req, 200, document);
    }
}

/* NULL: no such group-version, or one whose server is asked itself. */
static struct blob *group_version_document(struct request *req, struct slice group, struct slice version)
{
    const struct schema_group_version *gv =
        catalogue_find_group_version(request_catalogue(req), group, version);
    return gv && !gv->remote ? discovery_resources(gv) : NULL;
}

static void serve_api(struct request *req, const struct slice *part, size_t count)
{
    if (count == 0)
        send_discovery(req, DOCUMENT_API, DOCUMENT_API_AGGREGATED, OFFER_DISCOVERY);
    else
        send_group_document(req, count == 1 ? group_version_document(req, SLICE(""), part[0]) : NULL, 0);
}

static void serve_apis(struct request *req, const struct slice *part, size_t count)
{
    if (count == 0)
        send_discovery(req, DOCUMENT_APIS, DOCUMENT_APIS_AGGREGATED, OFFER_DISCOVERY | OFFER_UNROUTED);
    else if (!catalogue_has_group(request_catalogue(req), part[0]))
        nonresource_send_404(req);
    else if (count == 1)
        send_group_document(req, discovery_group(catalogue_list(request_catalogue(req)), part[0]),
                            OFFER_UNROUTED);
    else if (count > 2 || !aggregate_serve(req, part[0], part[1]))
        send_group_document(req, group_version_document(req, part[0], part[1]), 0);
}

static void serve_openapi_v2(struct request *req)
{
    /* The last one with a dot where clients ask with an "@", which no media type may hold (RFC 6838). */
    static const char *const types[] = {"json", "com.github.proto-openapi.spec.v2@v1.0+protobuf",
                                        "com.github.proto-openapi.spec.v2.v1.0+protobuf"};
    int type = negotiate_among(http_header_get(req->http, "accept"), types, 3);
    if (type < 0)
        request_send_text(req, 406, "", NULL);
    else if (type == 0)
        send_document(req, "application/json",
                      documents_get(req->server, request_catalogue(req), DOCUMENT_OPENAPI_V2));
    else
        send_document(req, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
                      documents_get(req->server, request_catalogue(req), DOCUMENT_OPENAPI_V2_PROTOBUF));
}

/* On a worker: the first time a document is asked for it is made, in tens of milliseconds. */
static void run_openapi(struct request *req)
{
    const struct slice *part = req->http->segments + 1;
    size_t count = req->http->segment_count - 1;
    while (count > 0 && part[count - 1].len == 0)
        count--;
    if (count == 1 && slice_is(part[0], "v2")) {
        serve_openapi_v2(req);
    } else if (count == 1 && slice_is(part[0], "v3")) {
        /* The type is upstream's, which leaves it to be guessed. */
        send_document(req, "text/plain; charset=utf-8",
                      documents_get(req->server, request_catalogue(req), DOCUMENT_OPENAPI_INDEX));
    } else if (count > 1 && slice_is(part[0], "v3")) {
        struct slice path = slice_from(req->info.path, strlen("/openapi/v3/"));
        struct blob *document = documents_openapi_v3(req->server, request_catalogue(req), path);
        if (document)
            send_document(req, "application/json", document);
        else
            request_send_text(req, 404, "", NULL);
    } else {
        nonresource_send_404(req);
    }
}

static void serve_openapi(struct request *req, const struct slice *part, size_t count)
{
    /* "v3", "apis", group, version: of another server it has itself */
    bool names_version = count == 4 && slice_is(part[0], "v3") && slice_is(part[1], "apis");
    if (!names_version || !aggregate_serve(req, part[2], part[3]))
        request_to_worker(req, run_openapi);
}

static void fail_not_acceptable(struct request *req, const char *type)
{
    req->err.has_details = true;
    error_set(&req->err, REASON_NOT_ACCEPTABLE, "406: Not Acceptable\n\nAvailable representations: %s", type);
    request_fail(req);
}

/* Of documents that come in one type only. */
static bool accepts(const struct request *req, const char *type)
{
    struct slice rest = http_header_get(req->http, "accept"), part;
    bool any = !rest.ptr || !rest.len;
    while (!any && slice_split(&rest, ',', &part)) {
        struct slice given = media_type_of(part);
        any = slice_is(given, type) || slice_is(given, "*/*") || slice_is(given, "application/*");
    }
    return any;
}

static void serve_version(struct request *req, const struct slice *part, size_t count)
{
    (void)part;
    if (count > 0) {
        fail_not_found(req);
        return;
    }
    if (!negotiate_accept(http_header_get(req->http, "accept"), OFFER_JSON, &req->accept, &req->err)) {
        request_fail(req);
        return;
    }
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_puts(&out, "{\n  \"major\": \"1\",\n  \"minor\": \"37\",\n  \"emulationMajor\": \"1\",\n  "
                   "\"emulationMinor\": \"37\",\n"
                   "  \"minCompatibilityMajor\": \"1\",\n  \"minCompatibilityMinor\": \"36\",\n");
    buf_puts(&out, "  \"gitVersion\": \"v1.37.2+coxswain-" COXSWAIN_VERSION "\",\n  \"gitCommit\": \"\",\n"
                   "  \"gitTreeState\": \"clean\",\n  \"buildDate\": \"1970-01-01T00:00:00Z\",\n"
                   "  \"goVersion\": \"none\",\n  \"compiler\": \"" __VERSION__
                   "\",\n  \"platform\": \"linux/amd64\"\n}");
    request_send_text(req, 200, "application/json", blob_from_buf(&out));
}

static void serve_metrics(struct request *req, const struct slice *part, size_t count)
{
    (void)part;
    if (count > 0) {
        nonresource_send_404(req);
        return;
    }
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    metrics_write(req->server->metrics, req->server, &out);
    request_send_text(req, 200, "text/plain; version=0.0.4; charset=utf-8", blob_from_buf(&out));
}

/* What others need to check the tokens of service accounts (OpenID Connect Discovery). */
static void serve_openid_config(struct request *req, const struct slice *part, size_t count)
{
    struct blob *document =
        count == 1 && slice_is(part[0], "openid-configuration") ? openid_configuration(req->server) : NULL;
    if (document && !accepts(req, "application/json")) {
        blob_unref(document);
        fail_not_acceptable(req, "application/json");
        return;
    }
    if (document)
        request_send_text(req, 200, "application/json", document);
    else
        nonresource_send_404(req);
}

static void serve_openid_keys(struct request *req, const struct slice *part, size_t count)
{
    bool named = count == 2 && slice_is(part[0], "v1") && slice_is(part[1], "jwks");
    struct blob *document = named ? openid_keys(req->server) : NULL;
    if (document && !accepts(req, "application/jwk-set+json")) {
        blob_unref(document);
        fail_not_acceptable(req, "application/jwk-set+json");
        return;
    }
    if (document)
        request_send_text(req, 200, "application/jwk-set+json", document);
    else
        nonresource_send_404(req);
}

static void serve_health(struct request *req, const struct slice *part, size_t count)
{
    (void)part;
    (void)count;
    if (!health_serve(req))
        nonresource_send_404(req);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* GET /: the paths there are, sorted. */
static void serve_root(struct request *req)
{
    static const char *const fixed[] = {"/.well-known/openid-configuration",
                                        "/api",
                                        "/api/v1",
                                        "/apis",
                                        "/apis/",
                                        "/metrics",
                                        "/openapi/v2",
                                        "/openapi/v3",
                                        "/openapi/v3/",
                                        "/openid/v1/jwks",
                                        "/version"};
    enum { FIXED = sizeof fixed / sizeof *fixed };
    struct discovery_list list = catalogue_list(request_catalogue(req));
    const char **paths = arena_alloc(req->arena, (FIXED + HEALTH_MAX_PATHS + 2 * list.count) * sizeof *paths);
    size_t count = health_paths(paths, req->arena);
    for (size_t i = 0; i < FIXED; i++)
        paths[count++] = fixed[i];
    for (size_t i = 0; i < list.count; i++) {
        const struct schema_group_version *gv = list.items[i];
        if (!*gv->group)
            continue;
        paths[count++] = arena_printf(req->arena, "/apis/%s", gv->group);
        paths[count++] = arena_printf(req->arena, "/apis/%s/%s", gv->group, gv->version);
    }
    qsort(paths, count, sizeof *paths, by_text);
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    buf_puts(&out, "{\"paths\":[");
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(paths[i], paths[i - 1]) != 0) /* a group stands once for each version */
            buf_printf(&out, "%s\"%s\"", i ? "," : "", paths[i]);
    buf_puts(&out, "]}\n");
    req->accept = (struct accept){.pretty = true}; /* always JSON */
    request_send_json(req, 200, blob_from_buf(&out));
}

static const struct {
    const char *first; /* segment */
    bool any_method;
    void (*serve)(struct request *req, const struct slice *part, size_t count);
} routes[] = {
    {"api", false, serve_api},
    {"apis", false, serve_apis},
    {"openapi", false, serve_openapi},
    {"version", false, serve_version},
    {"metrics", false, serve_metrics},
    {"healthz", true, serve_health},
    {"livez", true, serve_health},
    {"readyz", true, serve_health},
    {".well-known", false, serve_openid_config},
    {"openid", false, serve_openid_keys},
};

void nonresource_serve(struct request *req)
{
    const struct slice *part = req->http->segments;
    size_t count = req->http->segment_count;
    while (count > 0 && part[count - 1].len == 0)
        count--;
    if (count == 0) {
        serve_root(req);
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!slice_is(part[0], routes[i].first))
            continue;
        if (!routes[i].any_method && !is_read(req)) {
            status_method_not_allowed(&req->err);
            request_fail(req);
            return;
        }
        routes[i].serve(req, part + 1, count - 1);
        return;
    }
    nonresource_send_404(req);
}
