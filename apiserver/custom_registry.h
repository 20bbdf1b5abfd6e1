/*
 * custom_registry: keeps the catalogue in step with the CustomResourceDefinitions of the store. Whoever was
 * told that a definition is established finds its resource served: custom_registry_sync() takes in what was
 * committed before.
 *
 * Any thread.
 */
#ifndef APISERVER_CUSTOM_REGISTRY_H
#define APISERVER_CUSTOM_REGISTRY_H

#include "apiserver/server.h"

struct custom_registry;

/* Takes in all definitions there are. NULL: the store cannot be read. */
struct custom_registry *custom_registry_new(struct server *server, struct error *err);
/* One atomic read when nothing changed. */
void custom_registry_sync(struct custom_registry *registry);
void custom_registry_stop(struct custom_registry *registry); /* before hub_free */
void custom_registry_free(struct custom_registry *registry); /* after it; NULL is allowed */

#endif
