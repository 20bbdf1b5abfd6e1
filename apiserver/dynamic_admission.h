/*
 * dynamic_admission: the admission that users configure: webhooks and policies as they are now, and what
 * those need of the server: conversion between versions, facts about the request, rights, and calls
 * (webhook_call.h). Any thread; a call waits and must not run on a loop. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */
#ifndef APISERVER_DYNAMIC_ADMISSION_H
#define APISERVER_DYNAMIC_ADMISSION_H

#include "admission/admission.h"
#include "apiserver/request.h"

struct dynamic_admission;

struct dynamic_admission *dynamic_admission_new(struct server *server, struct error *err);
/* Before hub_free. NULL is allowed. */
void dynamic_admission_stop(struct dynamic_admission *dynamic);
/* After hub_free. NULL is allowed. */
void dynamic_admission_free(struct dynamic_admission *dynamic);

/* Is there any webhook or policy? Then writes may have to wait. */
bool dynamic_admission_any(struct dynamic_admission *dynamic);
/* For admission_request.services; NULL when there is nothing. */
const struct admission_services *dynamic_admission_services(struct request *req);

#endif
