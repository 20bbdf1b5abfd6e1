/*
 * names: the grammars of names, labels and keys that many kinds share (RFC 1123, RFC 1035, qualified names;
 * upstream: k8s.io/apimachinery/pkg/util/validation). Each returns NULL when the text is good, else an
 * explanation in our words that keeps the formulas clients match on. Pure; any thread. name_* texts are
 * static strings.
 */
#ifndef OPENAPI_NAMES_H
#define OPENAPI_NAMES_H

#include "openapi/causes.h"

const char *name_check_label(struct slice s);      /* RFC 1123 label, 63 */
const char *name_check_label_1035(struct slice s); /* RFC 1035 label, 63 */
const char *name_check_subdomain(struct slice s);  /* RFC 1123 subdomain, 253 */
const char *name_check_wildcard_subdomain(struct slice s);
const char *name_check_path_segment(struct slice s); /* no "/", "%", not "." or ".." */
const char *name_check_qualified(struct slice s); /* [prefix/]name: label keys, resource names, finalizers */
const char *name_check_label_value(struct slice s);
const char *name_check_config_key(struct slice s); /* keys of ConfigMap and Secret data */
const char *name_check_env_var(struct slice s);    /* relaxed: printable ASCII but '=' */
const char *name_check_c_identifier(struct slice s);
const char *name_check_port_name(struct slice s); /* IANA service name, 15 */
const char *name_check_http_header(struct slice s);
const char *name_check_ip(struct slice s); /* strict IPv4 or IPv6 */
const char *name_check_cidr(struct slice s);
const char *name_check_dns1123_prefix(struct slice s);            /* generateName: may end in '-' */
const char *name_check_subdomain_with_underscore(struct slice s); /* DNS search lists */

/* A text can break a rule in several ways, each of them a finding. Fills ret_faults in upstream's order;
 * returns how many. `check` is one of the above. */
enum { NAME_MAX_FAULTS = 6 };
size_t name_faults(struct slice s, const char *(*check)(struct slice),
                   const char *ret_faults[NAME_MAX_FAULTS]);

/* Shared parts of many validations; each adds its causes under `at`. */
void check_labels(struct causes *c, const struct path *at, const struct value *map);
void check_annotations(struct causes *c, const struct path *at,
                       const struct value *map); /* keys, 256 KiB in all */
void check_label_selector(struct causes *c, const struct path *at,
                          const struct value *selector); /* meta.v1.LabelSelector */
/* The same; any_value: values of expressions may be anything (objects that were stored before there was a
 * rule). */
void check_label_selector_values(struct causes *c, const struct path *at, const struct value *selector,
                                 bool any_value);
void check_range(struct causes *c, const struct path *at, int64_t n, int64_t min,
                 int64_t max);                                          /* both inclusive */
void check_port(struct causes *c, const struct path *at, int64_t port); /* 1..65535 */
void check_port_or_name(struct causes *c, const struct path *at, const struct value *int_or_string);
void check_non_negative(struct causes *c, const struct path *at, int64_t n);
void check_positive(struct causes *c, const struct path *at, int64_t n);
/* "field is immutable" when they differ. */
void check_immutable(struct causes *c, const struct path *at, const struct value *now,
                     const struct value *old);
/* Required if empty, not supported if not among the allowed. */
void check_enum(struct causes *c, const struct path *at, const struct value *v, const char *const *allowed,
                bool required);
void check_name(struct causes *c, const struct path *at, struct slice name,
                const char *(*rule)(struct slice));
void check_quantity_non_negative(struct causes *c, const struct path *at, const struct value *quantity);
void check_cert_chain_pem(struct causes *c, const struct path *at, struct slice pem);
/* meta.v1.Condition list, owner references and the rest of metadata are done by the generic path
 * (apiserver/metadata.c). */

#endif
