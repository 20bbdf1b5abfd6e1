/*
 * podspec: what is asked of the spec of a pod wherever one stands: in a pod itself and in the template of a
 * workload (deployments, jobs, cron jobs, stateful sets, daemon sets, replica sets, replication controllers,
 * pod templates). Upstream: ValidatePodSpec and ValidatePodTemplateSpec in pkg/apis/core/validation, the
 * options of pkg/api/pod with default feature gates.
 *
 * Causes are added to req->causes in upstream's order. What an old object already holds and newer rules would
 * refuse stays allowed, so callers pass the old template or spec on updates (NULL on create). Pure; the
 * strings of causes and warnings live in req->arena. One thread at a time.
 */
#ifndef APISERVER_KINDS_PODSPEC_H
#define APISERVER_KINDS_PODSPEC_H

#include "apiserver/kinds/kind.h"

/* `template` is a core.v1.PodTemplateSpec, `old` the one it replaces (NULL or absent on create). Checks
 * labels, annotations and the spec, and that a template holds no ephemeral containers. `at` is the template's
 * own path. */
void check_pod_template_spec(struct kind_request *req, const struct path *at, const struct value *template,
                             const struct value *old);

/* The spec of a pod: `meta` is the ObjectMeta that goes with it (annotations and name steer some rules;
 * absent allowed), `old` the spec it replaces or NULL. */
void check_pod_spec(struct kind_request *req, const struct path *at, const struct value *spec,
                    const struct value *meta, const struct value *old_spec, bool is_template);

/* Fields whose feature is off by default go unless the old template uses them. For the prepare_* of
 * workloads: before validation. */
void pod_template_drop_disabled(struct value *template, const struct value *old);

/* Warning headers for what is deprecated or suspicious in a template (`at`: "spec.template"). Call it from
 * validate of a workload, after the checks; on updates only when the template changed, as upstream does. */
void pod_template_warn(struct kind_request *req, const struct path *at, const struct value *template,
                       const struct value *old);

/* Parts that other kinds share. */
void check_tolerations(struct causes *c, const struct path *at, const struct value *list);
void check_node_selector(struct causes *c, const struct path *at,
                         const struct value *node_selector); /* core.v1.NodeSelector */
void check_node_selector_term(struct causes *c, const struct path *at, const struct value *term);
void check_resource_list_overhead(struct kind_request *req, const struct path *at,
                                  const struct value *resources);

/* True if the pod is done with: phase Succeeded or Failed. */
bool pod_is_finished(const struct value *pod);

#endif
