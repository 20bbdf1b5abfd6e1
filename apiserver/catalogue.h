/*
 * catalogue: which group-versions and resources this server serves at one moment: the built-in tables, custom
 * resources, and group-versions that another server serves (aggregation). Routing, discovery, OpenAPI
 * documents and the check of an emptied namespace all ask it.
 *
 * A `struct catalogue` is an immutable snapshot, reference counted. `struct catalogues` is what the server
 * has: it holds the present snapshot and swaps it when a source publishes. A request pins one for its life
 * (request_catalogue()), watches too, so nothing that it points to goes away under it; a request for a
 * built-in resource needs none, for the static tables are looked at first.
 *
 * Sources. Each source (custom resources; aggregation) publishes its whole part whenever it changes, as a
 * list of group-versions that are immutable, have `package` NULL, and live as long as the part. The same
 * group-version from two sources: all resources are found; discovery shows the first of built-in, aggregated,
 * custom.
 *
 * Order: groups by their highest group_priority, then by name; the versions of a group by version_priority,
 * then as openapi/version_order.h says. What comes from custom resources has priorities 1000 and 100, as
 * upstream registers it.
 *
 * A group-version with `remote` set has no resources here: whoever routes finds it by
 * catalogue_find_group_version() and hands the request on. Its discovery is `remote_discovery`.
 *
 * Any thread.
 */
#ifndef APISERVER_CATALOGUE_H
#define APISERVER_CATALOGUE_H

#include <stdatomic.h>
#include "openapi/discovery.h"

enum { CATALOGUE_CUSTOM_GROUP_PRIORITY = 1000, CATALOGUE_CUSTOM_VERSION_PRIORITY = 100 };

enum catalogue_source { CATALOGUE_AGGREGATED, CATALOGUE_CUSTOM, CATALOGUE_SOURCES };

/* What one source serves. Made with one reference; `release` frees it and what it points to. */
struct catalogue_part {
    atomic_int refs;
    const struct schema_group_version *const *items;
    size_t count;
    void (*release)(struct catalogue_part *part);
};

struct catalogues;
struct catalogue;

struct catalogues *catalogues_new(void);
void catalogues_free(struct catalogues *catalogues);
/* Replaces the source's part by this one, whose reference it takes over; NULL: nothing. When it returns,
 * requests see it. */
void catalogues_publish(struct catalogues *catalogues, enum catalogue_source source,
                        struct catalogue_part *part);
/* fn is called after every publication, on the publisher's thread. One listener; before the first
 * publication. */
void catalogues_on_publish(struct catalogues *catalogues, void (*fn)(void *arg), void *arg);
/* The present snapshot, a reference that the caller gives back. */
struct catalogue *catalogues_pin(struct catalogues *catalogues);

struct catalogue *catalogue_ref(struct catalogue *catalogue);
void catalogue_unref(struct catalogue *catalogue); /* NULL is allowed */

/* Rises with each publication: equal numbers are equal snapshots. */
uint64_t catalogue_number(const struct catalogue *catalogue);
/* All group-versions, each once, in the order of discovery. */
struct discovery_list catalogue_list(const struct catalogue *catalogue);
bool catalogue_has_group(const struct catalogue *catalogue, struct slice group);
/* The first of built-in, aggregated, custom; NULL: none. */
const struct schema_group_version *catalogue_find_group_version(const struct catalogue *catalogue,
                                                                struct slice group, struct slice version);
/* Also of the static tables; NULL: none. */
const struct schema_resource *catalogue_find_resource(const struct catalogue *catalogue, struct slice group,
                                                      struct slice version, struct slice resource);
const struct schema_resource *catalogue_find_kind(const struct catalogue *catalogue, struct slice group,
                                                  struct slice version, struct slice kind);

#endif
