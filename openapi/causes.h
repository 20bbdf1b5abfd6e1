/*
 * causes: the findings of a validation, and paths to fields, in upstream's terms (k8s.io/apimachinery
 * field.Error). A path is a list on the stack, printed only when there is something to say:
 *
 *     struct path ports = path_field(&spec, "ports"), port = path_index(&ports, i);
 *     causes_required(causes, PATH(&port, "name"), "");
 *
 * The text of a cause is the label, the value and a formula or an explanation of our own:
 * `Invalid value: 0: must be greater than zero`. Clients match on label, field and value. Values print as Go
 * prints them: strings quoted, numbers bare, null for absent pointers, JSON for structures.
 */
#ifndef OPENAPI_CAUSES_H
#define OPENAPI_CAUSES_H

#include "base/buf.h"
#include "base/error.h"
#include "openapi/value.h"

struct path {
    const struct path *parent; /* NULL at the root */
    enum { PATH_FIELD, PATH_INDEX, PATH_KEY } type;
    union {
        const char *name;
        size_t index;
        struct slice key;
    };
};

static inline struct path path_field(const struct path *parent, const char *name)
{
    return (struct path){parent, PATH_FIELD, {.name = name}};
}

static inline struct path path_index(const struct path *parent, size_t index)
{
    return (struct path){parent, PATH_INDEX, {.index = index}};
}

static inline struct path path_key(const struct path *parent, struct slice key)
{
    return (struct path){parent, PATH_KEY, {.key = key}};
}

/* A child path as an argument: PATH(&spec, "ports") lives to the end of the enclosing block. */
#define PATH(parent, field) (&(struct path){(parent), PATH_FIELD, {.name = (field)}})
#define PATH_I(parent, i)   (&(struct path){(parent), PATH_INDEX, {.index = (i)}})
#define PATH_K(parent, k)   (&(struct path){(parent), PATH_KEY, {.key = (k)}})

/* "spec.containers[0].name", "metadata.labels[a.b/c]"; "" for NULL. */
void path_print(struct buf *out, const struct path *path);

struct causes {
    struct arena *arena;
    struct cause *items;
    size_t count, capacity;
};

/* Each adds one cause. `detail` is printf-formatted and may be "" (then no ": detail" is printed). */
void causes_required(struct causes *c, const struct path *at, const char *detail, ...)
    __attribute__((format(printf, 3, 4)));
void causes_invalid(struct causes *c, const struct path *at, const struct value *bad, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));
void causes_invalid_text(struct causes *c, const struct path *at, struct slice bad, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));
void causes_invalid_int(struct causes *c, const struct path *at, int64_t bad, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));
/* The bad value already printed as it must stand in the message (structures, %v of lists, null). */
void causes_invalid_shown(struct causes *c, const struct path *at, const char *shown, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));
/* `Unsupported value: "X": supported values: "A", "B"`. supported: NULL-terminated, printed sorted as given.
 */
void causes_not_supported(struct causes *c, const struct path *at, struct slice bad,
                          const char *const *supported);
void causes_not_supported_shown(struct causes *c, const struct path *at, const char *shown,
                                const char *const *supported);
void causes_duplicate(struct causes *c, const struct path *at, struct slice bad);
void causes_duplicate_shown(struct causes *c, const struct path *at, const char *shown);
void causes_forbidden(struct causes *c, const struct path *at, const char *detail, ...)
    __attribute__((format(printf, 3, 4)));
void causes_not_found(struct causes *c, const struct path *at, struct slice bad);
/* `Too long: may not be more than N bytes` */
void causes_too_long(struct causes *c, const struct path *at, int64_t max_bytes);
/* `Too many: N: must have at most M items` */
void causes_too_many(struct causes *c, const struct path *at, int64_t actual, int64_t max);
void causes_type_invalid(struct causes *c, const struct path *at, const char *shown, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));

/* Fills *err with REASON_INVALID: `Kind.group "name" is invalid: ...` (one finding bare, several in
 * brackets), details and all causes. Returns false; true and untouched when there are no findings. */
bool causes_to_error(const struct causes *c, const char *group, const char *kind, struct slice name,
                     struct error *err);

#endif
