/*
 * convert: one stored object seen through two versions of a kind: autoscaling v1 and v2, events of the core
 * group and of events.k8s.io. Pure; the result lives in the arena and may share strings with `in`.
 */
#ifndef APISERVER_KINDS_CONVERT_H
#define APISERVER_KINDS_CONVERT_H

#include "base/error.h"
#include "openapi/value.h"

bool convert(struct arena *arena, const struct schema_resource *from, const struct schema_resource *to,
             const struct value *in, struct value *ret, struct error *err);

#endif
