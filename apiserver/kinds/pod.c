#include "apiserver/kinds/pod_parts.h"

#include "openapi/label_selector.h"
#include "apiserver/kinds/workload.h"
#include "base/clock.h"

#define APP_ARMOR "container.apparmor.security.beta.kubernetes.io/"

/* ---- what a new pod gets ---- */

/* A selector that names keys only ("pods like me") gets the pod's own values for them. */
static void add_label_keys(struct arena *arena, struct value *selector, const struct value *keys,
                           const char *op, const struct value *labels)
{
    for (VALUE_EACH(key, keys)) {
        const struct value *label = value_get(labels, value_text(key));
        if (!value_is_set(label))
            continue;
        struct value *requirement =
            value_append(arena, value_mut(selector, meta_v1_LabelSelector_matchExpressions));
        *requirement = value_new_record(arena, &meta_v1_LabelSelectorRequirement);
        *value_mut(requirement, meta_v1_LabelSelectorRequirement_key) = *key;
        *value_mut(requirement, meta_v1_LabelSelectorRequirement_operator) = value_of_cstr(op);
        *value_append(arena, value_mut(requirement, meta_v1_LabelSelectorRequirement_values)) = *label;
    }
}

static void merge_term(struct arena *arena, struct value *term, const struct value *labels)
{
    struct value *selector = value_mut(term, core_v1_PodAffinityTerm_labelSelector);
    if (selector->kind != VALUE_RECORD)
        return;
    add_label_keys(arena, selector, AT(term, PodAffinityTerm, matchLabelKeys), "In", labels);
    add_label_keys(arena, selector, AT(term, PodAffinityTerm, mismatchLabelKeys), "NotIn", labels);
}

/* Pod affinity and anti-affinity have the same two fields at the same places. */
_Static_assert((int)core_v1_PodAffinity_requiredDuringSchedulingIgnoredDuringExecution ==
                       (int)core_v1_PodAntiAffinity_requiredDuringSchedulingIgnoredDuringExecution &&
                   (int)core_v1_PodAffinity_preferredDuringSchedulingIgnoredDuringExecution ==
                       (int)core_v1_PodAntiAffinity_preferredDuringSchedulingIgnoredDuringExecution,
               "affinity and anti-affinity are laid out alike");

static void merge_terms(struct arena *arena, const struct value *affinity, const struct value *labels)
{
    const struct value *required = AT(affinity, PodAffinity, requiredDuringSchedulingIgnoredDuringExecution);
    const struct value *preferred =
        AT(affinity, PodAffinity, preferredDuringSchedulingIgnoredDuringExecution);
    for (size_t i = 0; i < value_count(preferred); i++) {
        struct value *term =
            value_mut(&preferred->list->items[i], core_v1_WeightedPodAffinityTerm_podAffinityTerm);
        if (term->kind == VALUE_RECORD)
            merge_term(arena, term, labels);
    }
    for (size_t i = 0; i < value_count(required); i++)
        merge_term(arena, &required->list->items[i], labels);
}

static void merge_label_keys(struct arena *arena, const struct value *pod)
{
    const struct value *spec = AT(pod, Pod, spec), *affinity = AT(spec, PodSpec, affinity);
    const struct value *labels = value_at(AT(pod, Pod, metadata), meta_v1_ObjectMeta_labels);
    const struct value *spread = AT(spec, PodSpec, topologySpreadConstraints);
    merge_terms(arena, AT(affinity, Affinity, podAffinity), labels);
    merge_terms(arena, AT(affinity, Affinity, podAntiAffinity), labels);
    for (size_t i = 0; i < value_count(spread); i++) {
        struct value *constraint = &spread->list->items[i];
        struct value *selector = value_mut(constraint, core_v1_TopologySpreadConstraint_labelSelector);
        if (selector->kind == VALUE_RECORD)
            add_label_keys(arena, selector, AT(constraint, TopologySpreadConstraint, matchLabelKeys), "In",
                           labels);
    }
}

static void set_gated(struct kind_request *req, struct value *status)
{
    struct value *condition = value_append(req->arena, value_mut(status, core_v1_PodStatus_conditions));
    char *now = arena_bytes(req->arena, CLOCK_TEXT);
    *condition = value_new_record(req->arena, &core_v1_PodCondition);
    *value_mut(condition, core_v1_PodCondition_type) = value_of_cstr("PodScheduled");
    *value_mut(condition, core_v1_PodCondition_status) = value_of_cstr("False");
    *value_mut(condition, core_v1_PodCondition_lastTransitionTime) =
        value_of_string(clock_format_seconds(req->now, now));
    *value_mut(condition, core_v1_PodCondition_reason) = value_of_cstr("SchedulingGated");
    *value_mut(condition, core_v1_PodCondition_message) =
        value_of_cstr("Scheduling is blocked due to non-empty scheduling gates");
}

/* The annotation of AppArmor is older than its field: what it says moves into the field where that is unset.
 */
static void move_app_armor(struct kind_request *req, const struct value *pod, const struct value *containers)
{
    const struct value *whole =
        AT(AT(AT(pod, Pod, spec), PodSpec, securityContext), PodSecurityContext, appArmorProfile);
    for (size_t i = 0; i < value_count(containers); i++) {
        struct value *container = &containers->list->items[i];
        const struct value *own =
            AT(AT(container, Container, securityContext), SecurityContext, appArmorProfile);
        const struct value *annotation = annotation_with_suffix(req->arena, AT(pod, Pod, metadata), APP_ARMOR,
                                                                TEXT(container, Container, name));
        if (!value_is_set(annotation) || value_is_set(own))
            continue;
        struct value profile = app_armor_of_annotation(req->arena, value_text(annotation));
        struct causes found = {.arena = req->arena};
        check_app_armor(&found, NULL, &profile);
        bool good = value_is_set(&profile) && !found.count;
        if (good && value_equal(&profile, whole))
            continue;
        if (good) {
            struct value *security =
                value_ensure_record(req->arena, container, core_v1_Container_securityContext);
            *value_mut(security, core_v1_SecurityContext_appArmorProfile) = profile;
        }
        kind_warn(req,
                  "metadata.annotations[" APP_ARMOR
                  "%.*s]: deprecated since v1.30; use the \"appArmorProfile\" field instead",
                  SLICE_ARG(TEXT(container, Container, name)));
    }
}

/* Where init containers were kept before they had fields. */
static void drop_old_annotations(struct value *pod)
{
    static const char *const keys[] = {
        "pod.beta.kubernetes.io/init-containers", "pod.alpha.kubernetes.io/init-containers",
        "pod.beta.kubernetes.io/init-container-statuses", "pod.alpha.kubernetes.io/init-container-statuses"};
    struct value *meta = value_mut(pod, core_v1_Pod_metadata);
    for (size_t i = 0; meta->kind == VALUE_RECORD && i < sizeof keys / sizeof *keys; i++) {
        struct value *annotations = value_mut(meta, meta_v1_ObjectMeta_annotations);
        if (annotations->kind == VALUE_MAP)
            value_remove(annotations, slice_str(keys[i]));
    }
}

static void prepare_create(struct kind_request *req, struct value *pod)
{
    struct value *spec = value_ensure_record(req->arena, pod, core_v1_Pod_spec);
    *value_mut(pod, core_v1_Pod_status) = value_absent;
    struct value *status = value_ensure_record(req->arena, pod, core_v1_Pod_status);
    *value_mut(status, core_v1_PodStatus_phase) = value_of_cstr("Pending");
    pod_drop_disabled(spec, &value_absent);
    drop_old_annotations(pod);
    if (value_count(AT(spec, PodSpec, schedulingGates)))
        set_gated(req, status);
    merge_label_keys(req->arena, pod);
    if (!value_is(AT(AT(spec, PodSpec, os), PodOS, name), "windows")) {
        move_app_armor(req, pod, AT(spec, PodSpec, initContainers));
        move_app_armor(req, pod, AT(spec, PodSpec, containers));
    }
    default_pod_level_resources(req->arena, pod);
    *value_mut(status, core_v1_PodStatus_qosClass) = value_of_cstr(pod_qos(pod));
}

/* ---- updates ---- */

static void keep_meta(struct value *pod, const struct value *old)
{
    /* What a subresource must not touch. */
    static const unsigned fields[] = {meta_v1_ObjectMeta_deletionTimestamp,
                                      meta_v1_ObjectMeta_deletionGracePeriodSeconds,
                                      meta_v1_ObjectMeta_labels,
                                      meta_v1_ObjectMeta_annotations,
                                      meta_v1_ObjectMeta_finalizers,
                                      meta_v1_ObjectMeta_ownerReferences};
    struct value *meta = value_mut(pod, core_v1_Pod_metadata);
    for (size_t i = 0; meta->kind == VALUE_RECORD && i < sizeof fields / sizeof *fields; i++)
        *value_mut(meta, fields[i]) = *value_at(AT(old, Pod, metadata), fields[i]);
}

static void keep_status(struct value *status, const struct value *old, unsigned field)
{
    if (!value_is_set(value_at(status, field)))
        *value_mut(status, field) = *value_at(old, field);
}

/* Conditions without a generation keep the one of the old condition of their type, the first of it for the
 * first. */
static void keep_generations(struct arena *arena, struct value *status, const struct value *old)
{
    const struct value *now = AT(status, PodStatus, conditions), *was = AT(old, PodStatus, conditions);
    bool *used = arena_zalloc(arena, value_count(was) + 1);
    for (size_t i = 0; i < value_count(now); i++) {
        struct value *condition = &now->list->items[i];
        for (size_t j = 0; j < value_count(was); j++) {
            const struct value *other = value_item(was, j);
            if (used[j] || !value_equal(AT(condition, PodCondition, type), AT(other, PodCondition, type)))
                continue;
            used[j] = true;
            keep_status(condition, other, core_v1_PodCondition_observedGeneration);
            break;
        }
    }
}

static void prepare_status(struct kind_request *req, struct value *pod, const struct value *old)
{
    struct value *status = value_ensure_record(req->arena, pod, core_v1_Pod_status);
    const struct value *was = AT(old, Pod, status);
    struct value *meta = value_mut(pod, core_v1_Pod_metadata);
    *value_mut(pod, core_v1_Pod_spec) = *AT(old, Pod, spec);
    if (meta->kind == VALUE_RECORD)
        *value_mut(meta, meta_v1_ObjectMeta_ownerReferences) =
            *value_at(AT(old, Pod, metadata), meta_v1_ObjectMeta_ownerReferences);
    keep_status(status, was, core_v1_PodStatus_qosClass);
    keep_status(status, was, core_v1_PodStatus_resourceClaimStatuses);
    keep_status(status, was, core_v1_PodStatus_extendedResourceClaimStatus);
    keep_status(status, was, core_v1_PodStatus_observedGeneration);
    keep_generations(req->arena, status, was);
    pod_status_drop_disabled(status, was);
}

static void prepare_ephemeral(struct kind_request *req, struct value *pod, const struct value *old)
{
    struct value wanted = *AT(AT(pod, Pod, spec), PodSpec, ephemeralContainers);
    *value_mut(pod, core_v1_Pod_spec) = value_copy(req->arena, AT(old, Pod, spec), false);
    *value_mut(value_mut(pod, core_v1_Pod_spec), core_v1_PodSpec_ephemeralContainers) = wanted;
    *value_mut(pod, core_v1_Pod_status) = *AT(old, Pod, status);
    keep_meta(pod, old);
}

/* Takes resources and resizePolicy of `now` over into *kept, a copy of the old containers. False when they
 * are not the same containers in the same order: then validation tells. */
static bool take_resources(struct value *kept, const struct value *now)
{
    if (value_count(kept) != value_count(now))
        return false;
    for (size_t i = 0; i < value_count(now); i++) {
        if (!value_equal(AT(value_item(now, i), Container, name), AT(value_item(kept, i), Container, name)))
            return false;
    }
    for (size_t i = 0; i < value_count(now); i++) {
        *value_mut(&kept->list->items[i], core_v1_Container_resources) =
            *AT(value_item(now, i), Container, resources);
        *value_mut(&kept->list->items[i], core_v1_Container_resizePolicy) =
            *AT(value_item(now, i), Container, resizePolicy);
    }
    return true;
}

static void prepare_resize(struct kind_request *req, struct value *pod, const struct value *old)
{
    const struct value *was = AT(old, Pod, spec);
    struct value now = *AT(pod, Pod, spec), spec = value_copy(req->arena, was, false);
    if (now.kind != VALUE_RECORD || spec.kind != VALUE_RECORD ||
        value_count(AT(&now, PodSpec, containers)) != value_count(AT(was, PodSpec, containers)) ||
        value_count(AT(&now, PodSpec, initContainers)) != value_count(AT(was, PodSpec, initContainers)))
        return;
    if (!take_resources(value_mut(&spec, core_v1_PodSpec_containers), AT(&now, PodSpec, containers)))
        *value_mut(&spec, core_v1_PodSpec_containers) = *AT(&now, PodSpec, containers);
    if (!take_resources(value_mut(&spec, core_v1_PodSpec_initContainers), AT(&now, PodSpec, initContainers)))
        *value_mut(&spec, core_v1_PodSpec_initContainers) = *AT(&now, PodSpec, initContainers);
    if (value_is_set(AT(&now, PodSpec, resources)))
        *value_mut(&spec, core_v1_PodSpec_resources) = *AT(&now, PodSpec, resources);
    *value_mut(pod, core_v1_Pod_spec) = spec;
    *value_mut(pod, core_v1_Pod_status) = *AT(old, Pod, status);
    keep_meta(pod, old);
    default_pod_level_resources(req->arena, pod);
}

static void prepare_update(struct kind_request *req, struct value *pod, const struct value *old)
{
    if (slice_is(req->subresource, "binding")) /* the server's own change of spec and status */
        return;
    if (slice_is(req->subresource, "status")) {
        prepare_status(req, pod, old);
        return;
    }
    if (slice_is(req->subresource, "ephemeralcontainers"))
        prepare_ephemeral(req, pod, old);
    else if (slice_is(req->subresource, "resize"))
        prepare_resize(req, pod, old);
    struct value *spec = value_ensure_record(req->arena, pod, core_v1_Pod_spec);
    *value_mut(pod, core_v1_Pod_status) = *AT(old, Pod, status);
    if (!value_is_set(AT(spec, PodSpec, resources)))
        *value_mut(spec, core_v1_PodSpec_resources) = *AT(AT(old, Pod, spec), PodSpec, resources);
    pod_drop_disabled(spec, AT(old, Pod, spec));
    drop_old_annotations(pod);
}

/* ---- validation ---- */

static void check_tokens(struct pod_check *p, const struct path *at)
{
    const struct value *volumes = AT(p->spec, PodSpec, volumes);
    for (size_t i = 0; i < value_count(volumes); i++) {
        const struct value *sources =
            AT(AT(value_item(volumes, i), Volume, projected), ProjectedVolumeSource, sources);
        for (size_t j = 0; j < value_count(sources); j++) {
            const struct path *source =
                PATH_I(PATH(PATH(PATH_I(PATH(at, "volumes"), i), "projected"), "sources"), j);
            if (value_is_set(AT(value_item(sources, j), VolumeProjection, serviceAccountToken)))
                causes_forbidden(p->c, PATH(source, "serviceAccountToken"), "needs serviceAccountName");
        }
    }
}

/* Metadata (but what all kinds share) and spec, as they must be in every pod. */
void check_pod_object(struct pod_check *p, const struct value *pod)
{
    const struct path *at = PATH(NULL, "spec");
    const struct value *grace = AT(p->spec, PodSpec, terminationGracePeriodSeconds);
    check_pod_annotations(p, PATH(PATH(NULL, "metadata"), "annotations"));
    check_spec(p, at);
    if (!TEXT(p->spec, PodSpec, serviceAccountName).len)
        check_tokens(p, at);
    if (value_is_set(grace))
        check_non_negative(p->c, PATH(at, "terminationGracePeriodSeconds"), value_int(grace, 0));
    check_trimmed_images(p->c, PATH(at, "containers"), AT(p->spec, PodSpec, containers));
    check_trimmed_images(p->c, PATH(at, "initContainers"), AT(p->spec, PodSpec, initContainers));
}

static void check_create(struct pod_check *p, const struct value *pod)
{
    const struct path *at = PATH(NULL, "spec");
    check_pod_object(p, pod);
    if (value_count(AT(p->spec, PodSpec, ephemeralContainers)))
        causes_forbidden(p->c, PATH(at, "ephemeralContainers"), "cannot be set on create");
    if (TEXT(p->spec, PodSpec, nodeName).len && value_count(AT(p->spec, PodSpec, schedulingGates)))
        causes_forbidden(p->c, PATH(at, "nodeName"),
                         "cannot be set until all schedulingGates have been cleared");
    check_seccomp_against_annotations(p, at);
    check_app_armor_against_annotations(p, at);
}

static void warn_create(struct kind_request *req, const struct value *pod)
{
    struct slice name = value_text(value_at(AT(pod, Pod, metadata), meta_v1_ObjectMeta_name));
    const char *faults[NAME_MAX_FAULTS];
    size_t count = name_faults(name, name_check_label, faults);
    if (count)
        kind_warn(req,
                  "metadata.name: this is used in the Pod's hostname, which can result in surprising "
                  "behavior; a DNS label is "
                  "recommended: [%s%s%s]",
                  faults[0], count > 1 ? " " : "", count > 1 ? faults[1] : "");
    pod_spec_warn(req, NULL, AT(pod, Pod, spec), AT(pod, Pod, metadata), false);
}

static void validate(struct kind_request *req, const struct value *pod, const struct value *old)
{
    struct pod_check p;
    if (slice_is(req->subresource, "binding")) /* the server's own change: it sets what nobody else may */
        return;
    if (slice_is(req->subresource, "status")) {
        check_pod_status(req, pod, old);
        return;
    }
    pod_check_init(&p, req, AT(pod, Pod, spec), AT(pod, Pod, metadata), old ? AT(old, Pod, spec) : NULL,
                   old ? AT(old, Pod, metadata) : NULL, false);
    if (!old) {
        check_create(&p, pod);
        if (!req->causes->count) /* what is refused gets no warnings */
            warn_create(req, pod);
    } else if (slice_is(req->subresource, "ephemeralcontainers")) {
        check_ephemeral_update(&p, pod, old);
    } else if (slice_is(req->subresource, "resize")) {
        check_pod_resize(&p, pod, old);
    } else {
        check_pod_update(&p, pod, old);
    }
}

static bool completed(const struct value *pod, const char **ret_reason, const char **ret_message)
{
    bool succeeded = slice_is(TEXT(AT(pod, Pod, status), PodStatus, phase), "Succeeded");
    *ret_reason = succeeded ? "Succeeded" : "Failed";
    *ret_message = succeeded ? "The pod has completed successfully." : "The pod failed.";
    return pod_is_finished(pod);
}

static int64_t grace_seconds(const struct value *pod, int64_t asked)
{
    const struct value *spec = AT(pod, Pod, spec);
    int64_t period = asked != -1 ? asked : value_int(AT(spec, PodSpec, terminationGracePeriodSeconds), 0);
    if (!TEXT(spec, PodSpec, nodeName).len || pod_is_finished(pod))
        return 0; /* nothing runs that could end gracefully */
    return period < 0 ? 1 : period;
}

static const struct kind kind_pod = {
    .group = "",
    .resource = "pods",
    .completed = completed,
    .returns_deleted = true,
    .counts_generation = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = pod_row,
    .grace_seconds = grace_seconds,
};

/* ---- pod templates ---- */

static void prepare_template(struct kind_request *req, struct value *object)
{
    pod_template_drop_disabled(value_mut(object, core_v1_PodTemplate_template), NULL);
}

static void prepare_template_update(struct kind_request *req, struct value *object, const struct value *old)
{
    pod_template_drop_disabled(value_mut(object, core_v1_PodTemplate_template),
                               AT(old, PodTemplate, template));
}

static void validate_template(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *template = AT(object, PodTemplate, template);
    const struct value *was = old ? AT(old, PodTemplate, template) : NULL;
    const struct path *at = PATH(NULL, "template");
    check_pod_template_spec(req, at, template, was);
    if (!was || !value_equal(template, was))
        pod_template_warn(req, at, template, was);
}

static void template_row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *template = AT(object, PodTemplate, template),
                       *spec = AT(template, PodTemplateSpec, spec);
    cells[1] = cell_container_names(arena, spec);
    cells[2] = cell_container_images(arena, spec);
    cells[3] = value_of_string(
        labels_cell(arena, value_at(AT(template, PodTemplateSpec, metadata), meta_v1_ObjectMeta_labels)));
}

static const struct kind kind_podtemplate = {
    .group = "",
    .resource = "podtemplates",
    .returns_deleted = true,
    .counts_generation = true,
    .prepare_create = prepare_template,
    .prepare_update = prepare_template_update,
    .validate = validate_template,
    .row = template_row,
};

const struct kind *const kinds_pods[] = {&kind_pod, &kind_podtemplate, NULL};
