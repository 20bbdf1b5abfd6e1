/*
 * crd: customresourcedefinitions. Upstream checks them in its internal form, in which what all versions have
 * in common (schema, subresources, columns, selectable fields) stands once, in spec.validation and its
 * neighbours; causes name those places, so we look at them in that form too: crd_common(). Pure; one thread
 * at a time per request. CEL rules are looked at for being there; compiling them comes with serving the
 * resources.
 */
#ifndef APISERVER_KINDS_CRD_H
#define APISERVER_KINDS_CRD_H

#include "apiserver/kinds/access.h"
#include "openapi/custom.h"

/* Is the field of every version the same, so that it stands at the top? */
bool crd_common(const struct value *versions, const char *field);

/* A version's `schema`; `at` is its place. has_status: the version has the status subresource (crd_schema.c).
 */
void check_crd_schema(struct causes *c, const struct path *at, const struct value *validation,
                      bool has_status);
/* The structural rules alone (crd_structural.c); their causes are sorted. True when there were none. */
bool check_structural(struct causes *c, const struct path *at, const struct value *schema);
/* Rules in CEL: that they compile, and what they may cost (crd_rules.c). The schema must be structural. */
void check_crd_rules(struct causes *c, const struct path *at, const struct value *schema);
/* Warnings for schemas; on an update for what is new in them (crd_warn.c). */
void warn_crd(struct kind_request *req, const struct value *object, const struct value *old);
/* The schema that ".spec.x" leads to; absent when nowhere. */
struct value crd_schema_at(struct arena *arena, const struct value *schema, struct slice path);
/* Calls each(arg, schema) for a schema and all schemas in it. */
void crd_walk(struct arena *arena, const struct value *schema,
              void (*each)(void *arg, const struct value *schema), void *arg);

#endif
