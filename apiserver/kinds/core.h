/*
 * core: the kinds of the core group that are no pods, services, nodes or volumes; one file each. Internal to
 * apiserver/kinds.
 */
#ifndef APISERVER_KINDS_CORE_H
#define APISERVER_KINDS_CORE_H

#include "apiserver/kinds/kind.h"
#include "openapi/names.h"
#include "apiserver/kinds/resource_name.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

/* A field of a core.v1 record by the names of type and field. */
#define AT(v, type, field)   value_at(v, core_v1_##type##_##field)
#define TEXT(v, type, field) value_text(AT(v, type, field))

extern const struct kind kind_namespaces, kind_configmaps, kind_secrets, kind_serviceaccounts,
    kind_limitranges, kind_resourcequotas, kind_events, kind_events_of_group;

#endif
