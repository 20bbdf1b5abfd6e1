/*
 * pod_parts: how the checks of a pod's spec are cut into files. Internal to apiserver/kinds/pod*.c; others
 * use podspec.h. Every check adds to p->c, in upstream's order. `at` is the path of what is checked unless
 * said otherwise.
 */
#ifndef APISERVER_KINDS_POD_PARTS_H
#define APISERVER_KINDS_POD_PARTS_H

#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/resource_name.h"
#include "apiserver/kinds/text_set.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

/* A field of a core.v1 record by the names of type and field. */
#define AT(v, type, field)   value_at(v, core_v1_##type##_##field)
#define TEXT(v, type, field) value_text(AT(v, type, field))

/* An ephemeral container has a container's fields at a container's indexes. */
_Static_assert((int)core_v1_Container_name == (int)core_v1_EphemeralContainer_name &&
                   (int)core_v1_Container_lifecycle == (int)core_v1_EphemeralContainer_lifecycle &&
                   (int)core_v1_Container_tty == (int)core_v1_EphemeralContainer_tty,
               "containers and ephemeral containers are laid out alike");

/* What the checks need to know of the whole, and what an old object may keep although it is refused today. */
struct pod_check {
    struct kind_request *req;
    struct causes *c;
    struct arena *arena;
    const struct value *spec, *meta; /* meta may be absent */
    bool is_template;
    bool host_users;
    struct text_set good_volumes; /* names of the volumes without a finding, with their index */
    /* kept by old objects */
    bool any_hugepages, any_selector_value, any_node_value, any_spread_selector, old_spread_keys,
        any_token_path;
    bool any_host_sysctl, any_deletion_cost, any_volume_devices, empty_image_reference, any_sys_admin;
    bool restart_container_in_init, host_network_with_users, taint_comparison;
};

void pod_check_init(struct pod_check *p, struct kind_request *req, const struct value *spec,
                    const struct value *meta, const struct value *old_spec, const struct value *old_meta,
                    bool is_template);
void check_spec(struct pod_check *p, const struct path *at);

/* What upstream prints where a finding is about the whole object and is given an empty path. */
#define WHOLE PATH(NULL, "[]")

/* Runs visit for init containers, containers, ephemeral containers in this order. */
typedef void (*container_visit)(void *arg, const struct value *container, const struct path *at);
void each_container(const struct value *spec, const struct path *at, container_visit visit, void *arg);
const struct value *annotation_of(const struct value *meta, const char *key);
const struct value *annotation_with_suffix(struct arena *arena, const struct value *meta, const char *prefix,
                                           struct slice suffix);
bool is_sidecar(const struct value *container); /* restartPolicy Always */
/* A pointer to a bool that is set to false / true. */
bool set_to(const struct value *v, bool wanted);

/* Texts that must be there, and small shapes. */
bool need(struct causes *c, const struct path *at, const char *name, const struct value *v);
void check_no_backsteps(struct causes *c, const struct path *at, struct slice path);
void check_descending_path(struct causes *c, const struct path *at,
                           struct slice path);                                     /* relative, no ".." */
void check_local_path(struct causes *c, const struct path *at, struct slice path); /* and not reserved */
void check_file_mode(struct causes *c, const struct path *at, const struct value *mode, int64_t max);
void check_user_id(struct causes *c, const struct path *at, const struct value *id);
void check_pull_policy(struct causes *c, const struct path *at, const struct value *policy);
void check_object_field(struct causes *c, const struct path *at, const struct value *ref,
                        const char *const *fields);
void check_resource_field(struct causes *c, const struct path *at, const struct value *ref, bool volume);

/* pod_volumes.c, pod_projected.c */
void check_volumes(struct pod_check *p, const struct path *at);
void check_projected(struct pod_check *p, const struct path *at, const struct value *projected);
void check_downward_file(struct pod_check *p, const struct path *at, const struct value *file);
void check_key_to_path(struct pod_check *p, const struct path *at, const struct value *item);
/* The volume of that name if nothing is wrong with it; absent. */
const struct value *find_volume(const struct pod_check *p, struct slice name);

/* pod_container.c, pod_env.c, pod_probe.c */
void check_containers(struct pod_check *p, const struct path *spec_at);
void check_env(struct pod_check *p, const struct path *at, const struct value *container);
void check_env_files(struct pod_check *p, const struct path *spec_at);
void check_mounts(struct pod_check *p, const struct path *at, const struct value *container);
void check_probes(struct pod_check *p, const struct path *at, const struct value *container);
void check_lifecycle(struct pod_check *p, const struct path *at, const struct value *lifecycle);
void check_resources(struct pod_check *p, const struct path *at, const struct value *resources);
void check_pod_level_resources(struct pod_check *p, const struct path *spec_at);
void check_trimmed_images(struct causes *c, const struct path *at, const struct value *containers);

/* pod_security.c, pod_os.c */
void check_security(struct pod_check *p, const struct path *at, const struct value *security);
void check_pod_security(struct pod_check *p, const struct path *at);
void check_windows_options(struct causes *c, const struct path *at, const struct value *options);
void check_host_process(struct pod_check *p, const struct path *spec_at);
void check_os(struct pod_check *p, const struct path *spec_at);
bool sysctl_is_of_host(struct slice name, const struct value *spec);
void check_app_armor(struct causes *c, const struct path *at, const struct value *profile);
void check_app_armor_against_annotations(struct pod_check *p, const struct path *spec_at);
void check_seccomp_against_annotations(struct pod_check *p, const struct path *spec_at);
struct value app_armor_of_annotation(struct arena *arena, struct slice text);

/* pod_affinity.c */
void check_affinity(struct pod_check *p, const struct path *at);
void check_tolerations_of(struct causes *c, const struct path *at, const struct value *list, bool comparison);
void check_spread(struct pod_check *p, const struct path *at);
bool spread_keys_are_bad(struct arena *arena, const struct value *spec);
void check_match_label_keys(struct causes *c, const struct path *at, const struct value *keys,
                            const struct value *mismatch, const struct value *selector);

/* pod_annotations.c */
void check_pod_annotations(struct pod_check *p, const struct path *at);
bool deletion_cost_is_good(const struct value *meta);

/* pod_resources.c */
struct value aggregate_resources(struct arena *arena, const struct value *spec, bool limits);
const char *pod_qos(const struct value *pod);
void default_pod_level_resources(struct arena *arena, struct value *pod);

/* pod_warnings.c */
void pod_spec_warn(struct kind_request *req, const struct path *at, const struct value *spec,
                   const struct value *meta, bool is_template);

/* pod_overlap.c */
void warn_overlaps(struct kind_request *req, const struct value *volumes);

/* pod_drop.c */
void pod_drop_disabled(struct value *spec, const struct value *old_spec);
void pod_status_drop_disabled(struct value *status, const struct value *old_status);

/* pod_update.c, pod_status.c, pod_resize.c */
void check_pod_update(struct pod_check *p, const struct value *pod, const struct value *old);
void check_ephemeral_update(struct pod_check *p, const struct value *pod, const struct value *old);
void check_pod_status(struct kind_request *req, const struct value *pod, const struct value *old);
void check_pod_resize(struct pod_check *p, const struct value *pod, const struct value *old);
void check_pod_object(struct pod_check *p, const struct value *pod);
void check_annotation_update(struct pod_check *p, const struct value *old_meta);

/* pod_row.c */
void pod_row(struct arena *arena, const struct value *pod, int64_t now, struct value *cells);

#endif
