/*
 * access: the kinds that say who may do what and how much (RBAC, certificates, flow control) and those that
 * change what the API is (admission, custom resources, aggregation, devices). One file per kind or family;
 * what several of them need is declared here. Pure; one thread at a time per request.
 */
#ifndef APISERVER_KINDS_ACCESS_H
#define APISERVER_KINDS_ACCESS_H

#include "apiserver/kinds/field.h"
#include "apiserver/kinds/kind.h"

/* "example.com/name" of a signer of certificates (certificates.c). */
void check_signer_name(struct causes *c, const struct path *at, struct slice name);
/* No item twice; `at` is the list. */
void check_unique_texts(struct causes *c, const struct path *at, const struct value *list);
/* A text among those of a NULL-terminated list. */
bool text_is_one_of(struct slice text, const char *const *list);
bool list_has_text(const struct value *list, const char *text);

/* Each is in the file of its family. */
extern const struct kind kind_roles, kind_rolebindings, kind_clusterroles, kind_clusterrolebindings;
extern const struct kind kind_certificatesigningrequests, kind_clustertrustbundles;
extern const struct kind kind_flowschemas, kind_prioritylevelconfigurations;
extern const struct kind kind_apiservices, kind_customresourcedefinitions;

#endif
