/*
 * custom_controller: brings CustomResourceDefinitions into being and takes them away: accepts their names,
 * marks them established, and when one is deleted deletes its instances first. One thread, driven by the
 * store's events; what it decides is apiserver/kinds/crd_status.h.
 */
#ifndef APISERVER_CUSTOM_CONTROLLER_H
#define APISERVER_CUSTOM_CONTROLLER_H

#include "apiserver/server.h"

struct custom_controller;

struct custom_controller *custom_controller_new(struct server *server);
/* Ends the thread and its watch: before hub_free. NULL is allowed. */
void custom_controller_stop(struct custom_controller *controller);
void custom_controller_free(struct custom_controller *controller); /* after hub_free, which may still post */

#endif
