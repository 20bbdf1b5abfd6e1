/*
 * error: what went wrong, as a value. Functions that can fail take `struct error *err` last and return false
 * (or NULL, or a negative number) when they have set it. The object is filled where the fault is known, gets
 * context on the way up (error_wrap), and is shown where it is handled: as a `Status` on the wire
 * (apiserver/status.c, the only place), as a sentence on a terminal, or as a log line. Never both set and
 * ignored.
 *
 * A reason is one of upstream's StatusReason values; its HTTP code is error_code(). `causes` are the
 * per-field findings of a 422 (openapi/causes.h makes them).
 *
 * Ownership: all strings live in the arena given to error_init, or on the heap (error_release) when it is
 * NULL.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/arena.h"

enum reason {
    REASON_NONE,
    REASON_BAD_REQUEST,            /* 400 */
    REASON_UNAUTHORIZED,           /* 401 */
    REASON_FORBIDDEN,              /* 403 */
    REASON_NOT_FOUND,              /* 404 */
    REASON_METHOD_NOT_ALLOWED,     /* 405 */
    REASON_NOT_ACCEPTABLE,         /* 406 */
    REASON_ALREADY_EXISTS,         /* 409 */
    REASON_CONFLICT,               /* 409 */
    REASON_GONE,                   /* 410 */
    REASON_EXPIRED,                /* 410 */
    REASON_TOO_LARGE,              /* 413 RequestEntityTooLarge */
    REASON_UNSUPPORTED_MEDIA_TYPE, /* 415 */
    REASON_INVALID,                /* 422 */
    REASON_TOO_MANY_REQUESTS,      /* 429 */
    REASON_INTERNAL,               /* 500 InternalError */
    REASON_SERVICE_UNAVAILABLE,    /* 503 */
    REASON_SERVER_TIMEOUT,         /* 500, "try again" */
    REASON_TIMEOUT,                /* 504 */
    REASON_UNKNOWN,                /* code given in error.code */
    REASON_COUNT
};

/* One finding of a validation, in the order it was found. reason is a CauseType such as "FieldValueInvalid".
 */
struct cause {
    const char *reason;
    const char *message; /* "Invalid value: 0: must be greater than zero" */
    const char *field;   /* "spec.ports[0].port" */
};

struct error {
    struct arena *arena;
    bool owns_arena; /* made by the first text of an error without an arena */
    enum reason reason;
    int code; /* 0: the reason's own */
    const char *message;
    /* Status.details: NULL where they do not apply. */
    const char *kind, *group, *name, *uid;
    bool has_details;           /* Status.details is there, if only as {} */
    const char *continue_token; /* Status.metadata.continue; NULL: none */
    int retry_after_seconds;
    struct cause *causes;
    size_t cause_count, cause_capacity;
};

void error_init(struct error *err, struct arena *arena);
void error_release(struct error *err);
#define ERROR_INIT    ((struct error){0})
#define cleanup_error CLEANUP(error_release)

static inline bool error_is_set(const struct error *err)
{
    return err->reason != REASON_NONE;
}

const char *reason_name(enum reason reason); /* "NotFound" */
int error_code(const struct error *err);     /* 404 */

/* Sets *err and returns false, so that `return error_set(err, ...)` reads as one thought. The first error
 * stays: setting an error that is set is a bug and asserts. err may be NULL: the caller does not want to
 * know. */
bool error_set(struct error *err, enum reason reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with ": strerror(errno)" appended, REASON_INTERNAL. */
bool error_errno(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "context: " before the message. Returns false. */
bool error_wrap(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Names the object the error is about (Status.details). Copies. Empty ones: `details` is {}. Returns false.
 */
bool error_about(struct error *err, struct slice group, struct slice kind, struct slice name);
void error_add_cause(struct error *err, const char *reason, const char *field, const char *message);
/* Forgets the error. */
void error_clear(struct error *err);

#endif
