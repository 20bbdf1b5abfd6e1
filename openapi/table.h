/*
 * table: objects as rows (meta.k8s.io/v1 Table), which is how kubectl get asks for them, and as bare metadata
 * (PartialObjectMetadata). Pure printing into a buffer; the caller writes what stands around the pieces:
 *
 *     {"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{...},"columnDefinitions":  table_put_columns
 *     ,"rows":[  table_put_row , table_put_row ...  ]}
 *
 * A column with a path is filled from the object: a creationTimestamp in a column of type string as its age,
 * maps as k=v pairs, lists joined by commas. Columns without a path are the row function's.
 *
 * Errors: none but the buffer's own. One thread at a time. Source: api-conventions.md;
 * kubernetes.io/docs/reference/using-api/api-concepts
 * (#receiving-resources-as-tables).
 */
#ifndef OPENAPI_TABLE_H
#define OPENAPI_TABLE_H

#include "base/buf.h"
#include "openapi/value.h"

/* Sets the cells of columns without a path, by column index; others are set before and may be changed. now:
 * seconds. */
typedef void (*table_row_fn)(struct arena *arena, const struct value *object, int64_t now,
                             struct value *cells);

enum table_object {
    TABLE_OBJECT_METADATA,
    TABLE_OBJECT_NONE,
    TABLE_OBJECT_FULL
}; /* includeObject; the first is the default */

/* Whether the object has run its course: the row's condition "Completed". The texts are static. */
typedef bool (*table_completed_fn)(const struct value *object, const char **ret_reason,
                                   const char **ret_message);

/* What is printed with each row. */
struct table {
    const struct schema_resource *resource;
    table_row_fn row;             /* or NULL */
    table_completed_fn completed; /* or NULL */
    const char *meta_version;     /* of meta.k8s.io: "v1" or "v1beta1" */
    enum table_object include;
    int64_t now;
};

/* "", "Metadata", "Object", "None"; false for anything else. */
bool table_object_parse(struct slice text, enum table_object *ret);

/* `[{"name":...},...]` */
void table_put_columns(struct buf *out, const struct schema_resource *resource);
/* `{"cells":[...],"object":...}`; json is the object's own, needed for TABLE_OBJECT_FULL only. */
void table_put_row(struct buf *out, struct arena *arena, const struct table *table,
                   const struct value *object, struct slice json);
/* `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{...}}` */
void table_put_partial(struct buf *out, const char *meta_version, const struct value *object);

/* A duration as kubectl shows ages: two or three digits' worth, "5s", "3m20s", "2d4h", "3y12d"; "<invalid>"
 * when negative. */
struct slice table_duration(struct arena *arena, int64_t seconds);
/* The age of an RFC 3339 text; "<unknown>" when it is absent or none. */
struct value table_age(struct arena *arena, const struct value *time, int64_t now);
/* "a=b,c=d"; "<none>" when there is nothing. */
struct value table_labels(struct arena *arena, const struct value *map);

#endif
