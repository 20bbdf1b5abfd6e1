/* respond: the ways in which a request is answered. See request.h. */
#include <strings.h>

#include "apiserver/metrics.h"
#include "apiserver/pretty.h"
#include "apiserver/represent.h"
#include "apiserver/request.h"
#include "apiserver/status.h"
#include "apiserver/zip.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

enum { GZIP_FROM = 128 * 1024, MAX_HEADERS = 32, MAX_WARNINGS = 20, MAX_WARNING_BYTES = 4096 };

/* A Warning header (RFC 7234 §5.5): 299 - "text", quotes and backslashes escaped, control characters gone. */
static struct slice warning_header(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT(2 * MAX_WARNING_BYTES);
    buf_puts(&out, "299 - \"");
    for (const char *p = text; *p && p < text + MAX_WARNING_BYTES; p++) {
        if (*p == '"' || *p == '\\')
            buf_putc(&out, '\\');
        if ((unsigned char)*p >= 0x20 && *p != 0x7f)
            buf_putc(&out, *p);
    }
    buf_putc(&out, '"');
    struct slice copy = arena_dup(arena, buf_slice(&out));
    buf_release(&out);
    return copy;
}

struct slice request_audit_id(struct request *req)
{
    struct slice given = http_header_get(req->http, "audit-id");
    if (given.len && given.len <= 64)
        return given;
    if (!req->audit_id.len) {
        char *text = arena_bytes(req->arena, UUID_TEXT);
        random_uuid(text);
        req->audit_id = slice_str(text);
    }
    return req->audit_id;
}

const struct http_header *request_headers(struct request *req, size_t *ret_count)
{
    struct http_header *headers = arena_alloc(req->arena, MAX_HEADERS * sizeof *headers);
    size_t n = 0;
    headers[n++] = (struct http_header){SLICE("audit-id"), request_audit_id(req)};
    headers[n++] = (struct http_header){SLICE("cache-control"), SLICE("no-cache, private")};
    for (size_t i = 0; i < req->warnings.count && i < MAX_WARNINGS; i++)
        headers[n++] =
            (struct http_header){SLICE("warning"), warning_header(req->arena, req->warnings.items[i])};
    if (req->err.retry_after_seconds)
        headers[n++] = (struct http_header){SLICE("retry-after"),
                                            arena_slicef(req->arena, "%d", req->err.retry_after_seconds)};
    *ret_count = n;
    return headers;
}

/* Who a request that impersonates is judged as. */
static struct slice acted_for(const struct request *req)
{
    return slice_eq(req->user.name, req->real_user.name) ? SLICE("-") : req->user.name;
}

void request_done(struct request *req, int code, size_t bytes)
{
    int64_t took = clock_mono_nanos() - req->started;
    metrics_count_request(req->server->metrics, req, code, took, bytes);
    log_at(code >= 500 && code != 504 ? LOG_WARN : LOG_INFO, "request", LOG_V("user", req->real_user.name),
           LOG_V("as", acted_for(req)), LOG_S("verb", req->info.verb ? req->info.verb : ""),
           LOG_V("path", req->http->raw_path), LOG_V("group", req->info.group),
           LOG_V("resource", req->info.resource), LOG_V("subresource", req->info.subresource),
           LOG_N("code", code), LOG_N("bytes", bytes), LOG_T("ms", took),
           LOG_V("agent", http_header_get(req->http, "user-agent")), LOG_V("from", req->http->peer->address),
           LOG_S("error", code >= 400 && req->err.message ? req->err.message : "-"));
}

static void send_now(struct request *req, int code, struct slice type, struct blob *body, bool zipped)
{
    size_t count;
    struct http_header *headers = (struct http_header *)request_headers(req, &count);
    if (req->etag.len)
        headers[count++] = (struct http_header){SLICE("etag"), req->etag};
    if (zipped) {
        headers[count++] = (struct http_header){SLICE("content-encoding"), SLICE("gzip")};
        headers[count++] = (struct http_header){SLICE("vary"), SLICE("Accept-Encoding")};
    }
    struct http_response response = {
        .status = code, .content_type = type, .headers = headers, .header_count = count};
    request_done(req, code, body ? body->len : 0);
    http_respond(req->exchange, &response, body);
}

/* Compression takes milliseconds, so it is a worker's job wherever the answer was made. */
struct zip_job {
    struct request *req;
    int code;
    struct slice type;
    struct blob *body;
};

static void zip_and_send(void *arg)
{
    struct zip_job *job = arg;
    struct http_exchange *exchange = job->req->exchange;
    struct buf bytes = BUF_INIT(BUF_UNLIMITED);
    struct zip *zip = zip_new();
    buf_put_slice(&bytes, blob_slice(job->body));
    blob_unref(job->body);
    zip_add(zip, &bytes, true);
    zip_free(zip);
    send_now(job->req, job->code, job->type, blob_from_buf(&bytes), true);
    http_unref(exchange);
}

void request_send_text(struct request *req, int code, const char *content_type, struct blob *body)
{
    struct slice type = slice_str(content_type);
    if (body && body->len >= GZIP_FROM && code == 200 && !req->never_zip &&
        accepts_gzip(http_header_get(req->http, "accept-encoding"))) {
        struct zip_job *job = arena_alloc(req->arena, sizeof *job);
        *job = (struct zip_job){req, code, type, body};
        http_ref(req->exchange);
        if (pool_submit(req->server->workers, zip_and_send, job))
            return;
        http_unref(req->exchange);
    }
    send_now(req, code, type, body, false);
}

/* Upstream indents for people: ?pretty, or a browser, curl or wget that did not say otherwise. */
static bool wants_pretty(const struct request *req)
{
    struct slice pretty = query_get(&req->query, "pretty");
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"}; /* Go's ParseBool */
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (slice_is(pretty, yes[i]))
            return true;
    if (pretty.len)
        return false;
    if (req->accept.pretty)
        return true;
    struct slice agent = http_header_get(req->http, "user-agent");
    return agent.ptr && (slice_starts(agent, SLICE("curl")) || slice_starts(agent, SLICE("Wget")) ||
                         slice_starts(agent, SLICE("Mozilla/5.0")));
}

void request_send_object(struct request *req, int code, struct slice json)
{
    if (req->accept.media != MEDIA_PROTOBUF) {
        request_send_json(req, code, blob_copy(json));
        return;
    }
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct error err;
    error_init(&err, req->arena);
    bool ok = represent_protobuf(&out, req->arena, json, &err);
    if (!ok) { /* the failure itself has a form */
        buf_clear(&out);
        req->err = err;
        code = error_code(&err);
        cleanup_buf struct buf status = BUF_INIT(BUF_UNLIMITED);
        status_encode(&status, &err);
        represent_protobuf(&out, req->arena, buf_slice(&status), NULL);
    }
    request_send_text(req, code, accept_content_type(&req->accept), blob_from_buf(&out));
}

void request_send_json(struct request *req, int code, struct blob *json)
{
    if (req->accept.media == MEDIA_PROTOBUF) {
        request_send_object(req, code, blob_slice(json));
        blob_unref(json);
        return;
    }
    bool yaml = req->accept.media == MEDIA_YAML;
    if (yaml || wants_pretty(req)) {
        struct buf out = BUF_INIT(BUF_UNLIMITED);
        if (yaml)
            encode_yaml(&out, blob_slice(json));
        else
            pretty_json(&out, blob_slice(json));
        blob_unref(json);
        json = blob_from_buf(&out);
    }
    request_send_text(req, code, accept_content_type(&req->accept), json);
}

void request_fail(struct request *req)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    if (req->err.reason == REASON_INVALID || req->err.reason == REASON_UNAUTHORIZED || req->err.cause_count)
        req->err.has_details |= req->err.cause_count > 0;
    status_encode(&out, &req->err);
    /* The form of a failure is negotiated for itself: a Status is never a Table. */
    negotiate_status(http_header_get(req->http, "accept"), &req->accept);
    request_send_json(req, error_code(&req->err), blob_from_buf(&out));
}
