#include "apiserver/status.h"

#include "openapi/json_scan.h"

/* Messages quote what clients sent, and that need not be UTF-8; an answer must be. */
static void put_text(struct buf *out, struct slice text)
{
    cleanup_buf struct buf clean = BUF_INIT(BUF_UNLIMITED);
    const char *at = text.ptr, *end = text.ptr + text.len;
    while (at < end) {
        unsigned n = utf8_length(at, end);
        buf_put(&clean, n ? at : "\xef\xbf\xbd", n ? n : 3);
        at += n ? n : 1;
    }
    buf_put_json_string(out, buf_slice(&clean));
}

static void put_field(struct buf *out, const char *key, const char *value, bool *first)
{
    if (!value)
        return;
    if (!*first)
        buf_putc(out, ',');
    *first = false;
    buf_printf(out, "\"%s\":", key);
    put_text(out, slice_str(value));
}

static void put_causes(struct buf *out, const struct error *err, bool *first)
{
    if (!err->cause_count)
        return;
    buf_puts(out, *first ? "\"causes\":[" : ",\"causes\":[");
    *first = false;
    for (size_t i = 0; i < err->cause_count; i++) {
        const struct cause *cause = &err->causes[i];
        bool none = true;
        buf_puts(out, i ? ",{" : "{");
        put_field(out, "reason", cause->reason && *cause->reason ? cause->reason : NULL, &none);
        put_field(out, "message", cause->message && *cause->message ? cause->message : NULL, &none);
        put_field(out, "field", cause->field && *cause->field ? cause->field : NULL, &none);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_details(struct buf *out, const struct error *err)
{
    bool first = true;
    buf_puts(out, ",\"details\":{");
    put_field(out, "name", err->name, &first);
    put_field(out, "group", err->group, &first);
    put_field(out, "kind", err->kind, &first);
    put_field(out, "uid", err->uid, &first);
    put_causes(out, err, &first);
    if (err->retry_after_seconds)
        buf_printf(out, "%s\"retryAfterSeconds\":%d", first ? "" : ",", err->retry_after_seconds);
    buf_putc(out, '}');
}

void status_encode(struct buf *out, const struct error *err)
{
    bool first = true;
    buf_puts(out, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{");
    put_field(out, "continue", err->continue_token, &first);
    buf_puts(out, "},\"status\":\"Failure\"");
    first = false;
    put_field(out, "message", err->message, &first);
    if (*reason_name(err->reason))
        put_field(out, "reason", reason_name(err->reason), &first);
    if (err->has_details || err->kind || err->name || err->group || err->cause_count ||
        err->retry_after_seconds)
        put_details(out, err);
    buf_printf(out, ",\"code\":%d}\n", error_code(err));
}

void status_encode_deleted(struct buf *out, struct slice group, struct slice resource, struct slice name,
                           struct slice uid)
{
    buf_puts(out, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Success\","
                  "\"details\":{\"name\":");
    put_text(out, name);
    if (group.len) {
        buf_puts(out, ",\"group\":");
        buf_put_json_string(out, group);
    }
    buf_puts(out, ",\"kind\":");
    buf_put_json_string(out, resource);
    buf_puts(out, ",\"uid\":");
    buf_put_json_string(out, uid);
    buf_puts(out, "}}\n");
}

void status_encode_success(struct buf *out, int code)
{
    buf_printf(
        out,
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Success\",\"code\":%d}\n",
        code);
}

/* deployments.apps "web" <what> */
static bool about_object(struct error *err, enum reason reason, struct slice group, struct slice resource,
                         struct slice name, const char *what)
{
    error_set(err, reason, "%.*s%s%.*s \"%.*s\" %s", SLICE_ARG(resource), group.len ? "." : "",
              SLICE_ARG(group), SLICE_ARG(name), what);
    return error_about(err, group, resource, name);
}

bool status_not_found(struct error *err, struct slice group, struct slice resource, struct slice name)
{
    return about_object(err, REASON_NOT_FOUND, group, resource, name, "not found");
}

bool status_already_exists(struct error *err, struct slice group, struct slice resource, struct slice name)
{
    return about_object(err, REASON_ALREADY_EXISTS, group, resource, name, "already exists");
}

bool status_conflict(struct error *err, struct slice group, struct slice resource, struct slice name,
                     const char *why)
{
    error_set(err, REASON_CONFLICT, "Operation cannot be fulfilled on %.*s%s%.*s \"%.*s\": %s",
              SLICE_ARG(resource), group.len ? "." : "", SLICE_ARG(group), SLICE_ARG(name), why);
    return error_about(err, group, resource, name);
}

bool status_modified(struct error *err, struct slice group, struct slice resource, struct slice name)
{
    return status_conflict(
        err, group, resource, name,
        "the object has been modified; please apply your changes to the latest version and try again");
}

bool status_forbidden(struct error *err, struct slice group, struct slice resource, struct slice name,
                      const char *why)
{
    return about_object(err, REASON_FORBIDDEN, group, resource, name,
                        arena_printf(err->arena, "is forbidden: %s", why));
}

bool status_no_such_resource(struct error *err)
{
    error_set(err, REASON_NOT_FOUND, "the server could not find the requested resource");
    err->has_details = true;
    return false;
}

bool status_method_not_allowed(struct error *err)
{
    error_set(err, REASON_METHOD_NOT_ALLOWED,
              "the server does not allow this method on the requested resource");
    err->has_details = true;
    return false;
}

bool status_version_too_large(struct error *err, uint64_t asked, uint64_t current)
{
    error_set(err, REASON_TIMEOUT, "Timeout: Too large resource version: %llu, current: %llu",
              (unsigned long long)asked, (unsigned long long)current);
    error_add_cause(err, "ResourceVersionTooLarge", "", "Too large resource version");
    err->retry_after_seconds = 1;
    return false;
}
