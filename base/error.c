#include "base/error.h"

#include <assert.h>
#include <errno.h>

#include "base/alloc.h"

static const struct {
    const char *name;
    int code;
} reasons[REASON_COUNT] = {
    [REASON_NONE] = {"", 200},
    [REASON_BAD_REQUEST] = {"BadRequest", 400},
    [REASON_UNAUTHORIZED] = {"Unauthorized", 401},
    [REASON_FORBIDDEN] = {"Forbidden", 403},
    [REASON_NOT_FOUND] = {"NotFound", 404},
    [REASON_METHOD_NOT_ALLOWED] = {"MethodNotAllowed", 405},
    [REASON_NOT_ACCEPTABLE] = {"NotAcceptable", 406},
    [REASON_ALREADY_EXISTS] = {"AlreadyExists", 409},
    [REASON_CONFLICT] = {"Conflict", 409},
    [REASON_GONE] = {"Gone", 410},
    [REASON_EXPIRED] = {"Expired", 410},
    [REASON_TOO_LARGE] = {"RequestEntityTooLarge", 413},
    [REASON_UNSUPPORTED_MEDIA_TYPE] = {"UnsupportedMediaType", 415},
    [REASON_INVALID] = {"Invalid", 422},
    [REASON_TOO_MANY_REQUESTS] = {"TooManyRequests", 429},
    [REASON_INTERNAL] = {"InternalError", 500},
    [REASON_SERVICE_UNAVAILABLE] = {"ServiceUnavailable", 503},
    [REASON_SERVER_TIMEOUT] = {"ServerTimeout", 500},
    [REASON_TIMEOUT] = {"Timeout", 504},
    [REASON_UNKNOWN] = {"", 500},
};

void error_init(struct error *err, struct arena *arena)
{
    *err = (struct error){.arena = arena};
}

/* An error without an arena gets one of its own with its first text; error_release frees it. */
static struct arena *texts(struct error *err)
{
    if (!err->arena) {
        err->arena = arena_new();
        err->owns_arena = true;
    }
    return err->arena;
}

void error_release(struct error *err)
{
    if (err->owns_arena)
        arena_free(err->arena);
    *err = (struct error){0};
}

const char *reason_name(enum reason reason)
{
    return reasons[reason].name;
}

int error_code(const struct error *err)
{
    return err->code ? err->code : reasons[err->reason].code;
}

bool error_set(struct error *err, enum reason reason, const char *fmt, ...)
{
    if (!err)
        return false;
    assert(!error_is_set(err));
    va_list args;
    va_start(args, fmt);
    err->message = arena_vprintf(texts(err), fmt, args);
    va_end(args);
    err->reason = reason;
    return false;
}

bool error_errno(struct error *err, const char *fmt, ...)
{
    if (!err)
        return false;
    int saved = errno;
    va_list args;
    va_start(args, fmt);
    const char *what = arena_vprintf(texts(err), fmt, args);
    va_end(args);
    return error_set(err, REASON_INTERNAL, "%s: %s", what, strerror(saved));
}

bool error_wrap(struct error *err, const char *fmt, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, fmt);
    const char *context = arena_vprintf(texts(err), fmt, args);
    va_end(args);
    err->message = arena_printf(err->arena, "%s: %s", context, err->message ? err->message : "");
    return false;
}

bool error_about(struct error *err, struct slice group, struct slice kind, struct slice name)
{
    if (!err)
        return false;
    err->has_details = true;
    err->group = group.len ? arena_strdup(texts(err), group) : NULL;
    err->kind = kind.len ? arena_strdup(texts(err), kind) : NULL;
    err->name = name.len ? arena_strdup(texts(err), name) : NULL;
    return false;
}

void error_add_cause(struct error *err, const char *reason, const char *field, const char *message)
{
    struct arena *arena = texts(err);
    struct cause *cause =
        arena_push(arena, &err->causes, &err->cause_count, &err->cause_capacity, sizeof *err->causes);
    cause->reason = reason;
    cause->field = arena_strdup(arena, slice_str(field));
    cause->message = arena_strdup(arena, slice_str(message));
}

void error_clear(struct error *err)
{
    struct arena *arena = err->owns_arena ? NULL : err->arena;
    error_release(err);
    err->arena = arena;
}
