/*
 * selector: label and field selectors, compiled once and matched many times, over whatever can give a label
 * or a field by index: the store's headers (storage/header.h) or a value tree.
 *
 * Labels: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`, joined by commas.
 * Fields: `=`, `==`, `!=`, joined by commas; in values \\, \, and \= stand for the character itself. All
 * requirements must hold.
 *
 * A field has the index that its path has in the stored resource's `selectable`; two more stand for every
 * object's name and namespace. A missing field is the empty text.
 *
 * Ownership: everything lives in the arena given. Errors: REASON_BAD_REQUEST with upstream's wording. Pure;
 * any thread. Source: kubernetes.io/docs/concepts/overview/working-with-objects/labels and
 * .../field-selectors.
 */
#ifndef OPENAPI_SELECTOR_H
#define OPENAPI_SELECTOR_H

#include "base/error.h"
#include "openapi/value.h"

enum selector_op {
    SELECTOR_IN,     /* also = and == */
    SELECTOR_NOT_IN, /* also != */
    SELECTOR_EXISTS,
    SELECTOR_NOT_EXISTS,
    SELECTOR_GREATER,
    SELECTOR_LESS,
};

struct selector_label {
    struct slice key;
    enum selector_op op;
    const struct slice *values; /* sorted, each once */
    size_t value_count;
    int64_t number; /* GREATER, LESS */
};

enum { SELECTOR_FIELD_NAME = -1, SELECTOR_FIELD_NAMESPACE = -2 };

struct selector_field {
    int index;
    bool equals; /* else it must differ */
    struct slice value;
};

struct selector {                        /* {0} selects everything */
    const struct selector_label *labels; /* sorted by key */
    size_t label_count;
    const struct selector_field *fields;
    size_t field_count;
};

/* Where a selector looks. */
struct selector_source {
    bool (*label)(const void *arg, struct slice key, struct slice *ret_value);
    struct slice (*field)(const void *arg, int index);
};

/* Sets the labels of *ret; the fields stay. */
bool selector_parse_labels(struct arena *arena, struct slice text, struct selector *ret, struct error *err);
/* Sets the fields of *ret; the labels stay. */
bool selector_parse_fields(struct arena *arena, const struct schema_resource *resource, struct slice text,
                           struct selector *ret, struct error *err);

static inline bool selector_is_empty(const struct selector *selector)
{
    return !selector->label_count && !selector->field_count;
}

bool selector_matches(const struct selector *selector, const struct selector_source *source, const void *arg);
/* On an object of the stored resource. */
bool selector_matches_value(const struct selector *selector, const struct schema_resource *resource,
                            const struct value *object);
/* The one text that the field must have for anything to match: how a list with metadata.name=x becomes a read
 * of one key. */
bool selector_requires(const struct selector *selector, int field_index, struct slice *ret_value);

/* What > and < compare: a decimal number of 64 bits. */
bool selector_number(struct slice text, int64_t *ret);

/* The text of a selectable field of an object of the stored resource, as headers keep it. */
struct slice selector_field_text(struct arena *arena, const struct schema_resource *resource, int index,
                                 const struct value *object);

#endif
