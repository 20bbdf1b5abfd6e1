#include "apiserver/kinds/pod_parts.h"

#include "apiserver/kinds/storage.h"

/* What of a pod may change once it is there. */

static bool same(const struct value *a, const struct value *b)
{
    return value_equal(a, b);
}

/* False when the lists do not belong together, so that nothing more can be said. */
static bool check_same_containers(struct pod_check *p, const struct path *at, const struct value *now,
                                  const struct value *old)
{
    if (value_count(now) != value_count(old)) {
        causes_forbidden(p->c, at, "pod updates may not add or remove containers");
        return false;
    }
    for (size_t i = 0; i < value_count(now); i++)
        need(p->c, PATH_I(at, i), "image", AT(value_item(now, i), Container, image));
    check_trimmed_images(p->c, at, now);
    return true;
}

/* A deadline may be set, and come nearer. False: stop here. */
static bool check_deadline(struct pod_check *p, const struct path *at, const struct value *now,
                           const struct value *old)
{
    int64_t is = value_int(now, 0);
    if (!value_is_set(now)) {
        if (value_is_set(old))
            causes_invalid_shown(p->c, at, "null", "a deadline that is set stays set");
        return true;
    }
    if (is < 0 || is > INT32_MAX) {
        causes_invalid_int(p->c, at, is, "must be between 0 and 2147483647, inclusive");
        return false;
    }
    if (value_is_set(old) && value_int(old, 0) < is) {
        causes_invalid_int(p->c, at, is, "must be less than or equal to previous value");
        return false;
    }
    return true;
}

static bool same_toleration(const struct value *a, const struct value *b)
{
    for (unsigned i = 0; i < core_v1_Toleration.field_count; i++) {
        if (i != core_v1_Toleration_tolerationSeconds && !same(value_at(a, i), value_at(b, i)))
            return false;
    }
    return true;
}

static void check_tolerations_added(struct pod_check *p, const struct path *at, const struct value *now,
                                    const struct value *old)
{
    for (VALUE_EACH(was, old)) {
        bool found = false;
        for (VALUE_EACH(is, now))
            found = found || same_toleration(was, is);
        if (!found) {
            causes_forbidden(p->c, at, "of a toleration only tolerationSeconds may change");
            return;
        }
    }
    check_tolerations_of(p->c, at, now, p->taint_comparison);
}

static void check_gates_removed(struct pod_check *p, const struct path *at, const struct value *now,
                                const struct value *old)
{
    struct text_set names = TEXT_SET(p->arena);
    for (VALUE_EACH(was, old))
        text_set_add(&names, TEXT(was, PodSchedulingGate, name));
    for (size_t i = 0; i < value_count(now); i++) {
        struct slice name = TEXT(value_item(now, i), PodSchedulingGate, name);
        if (!text_set_has(&names, name))
            causes_forbidden(p->c, PATH(PATH_I(at, i), "name"),
                             "only deletion is allowed, but found new scheduling gate '%.*s'",
                             SLICE_ARG(name));
    }
}

/* ---- pods that wait at a gate ---- */

static bool starts_with(const struct value *now, const struct value *old)
{
    if (value_count(now) < value_count(old))
        return false;
    for (size_t i = 0; i < value_count(old); i++) {
        if (!same(value_item(now, i), value_item(old, i)))
            return false;
    }
    return true;
}

static bool term_only_grows(const struct value *now, const struct value *old)
{
    const struct value *expressions = AT(old, NodeSelectorTerm, matchExpressions);
    const struct value *fields = AT(old, NodeSelectorTerm, matchFields);
    bool was_empty = !value_count(expressions) && !value_count(fields);
    if (was_empty)
        return !value_count(AT(now, NodeSelectorTerm, matchExpressions)) &&
               !value_count(AT(now, NodeSelectorTerm, matchFields));
    return starts_with(AT(now, NodeSelectorTerm, matchExpressions), expressions) &&
           starts_with(AT(now, NodeSelectorTerm, matchFields), fields);
}

static const struct value *terms_of(const struct value *affinity)
{
    return AT(AT(affinity, NodeAffinity, requiredDuringSchedulingIgnoredDuringExecution), NodeSelector,
              nodeSelectorTerms);
}

static void check_node_affinity_grows(struct pod_check *p, const struct path *spec_at,
                                      const struct value *now, const struct value *old)
{
    const struct path *at = PATH(PATH(PATH(PATH(spec_at, "affinity"), "nodeAffinity"),
                                      "requiredDuringSchedulingIgnoredDuringExecution"),
                                 "nodeSelectorTerms");
    const struct value *is = terms_of(now), *was = terms_of(old);
    if (!value_count(was))
        return;
    if (value_count(is) != value_count(was)) {
        causes_invalid(p->c, at, is,
                       "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
        return;
    }
    for (size_t i = 0; i < value_count(was); i++) {
        if (!term_only_grows(value_item(is, i), value_item(was, i)))
            causes_invalid(p->c, PATH_I(at, i), value_item(is, i),
                           "only additions are allowed (no mutations or deletions)");
    }
}

/* Changes that a gated pod may have: they are checked and then taken out of *spec. */
static void allow_gated(struct pod_check *p, const struct path *at, struct value *spec,
                        const struct value *old)
{
    const struct value *now = AT(spec, PodSpec, nodeSelector), *was = AT(old, PodSpec, nodeSelector);
    for (VALUE_EACH_ENTRY(pair, was)) {
        if (!same(value_get(now, pair->key), &pair->value)) {
            causes_invalid(p->c, PATH(at, "nodeSelector"), now,
                           "only additions to spec.nodeSelector are allowed (no mutations or deletions)");
            break;
        }
    }
    *value_mut(spec, core_v1_PodSpec_nodeSelector) = *was;
    const struct value *old_node = AT(AT(old, PodSpec, affinity), Affinity, nodeAffinity);
    const struct value *new_node = AT(AT(spec, PodSpec, affinity), Affinity, nodeAffinity);
    if (same(old_node, new_node))
        return;
    check_node_affinity_grows(p, at, new_node, old_node);
    struct value *affinity = value_ensure_record(p->arena, spec, core_v1_PodSpec_affinity);
    *value_mut(affinity, core_v1_Affinity_nodeAffinity) = *old_node;
    if (!value_is_set(AT(old, PodSpec, affinity)) && !value_is_set(AT(affinity, Affinity, podAffinity)) &&
        !value_is_set(AT(affinity, Affinity, podAntiAffinity)))
        *affinity = value_absent;
}

static void take_images(struct value *containers, const struct value *old)
{
    for (size_t i = 0; i < value_count(containers); i++)
        *value_mut(&containers->list->items[i], core_v1_Container_image) =
            *AT(value_item(old, i), Container, image);
}

/* The new spec with everything undone that may change. */
static struct value frozen_spec(struct pod_check *p, const struct path *at, const struct value *old)
{
    struct value spec = value_copy(p->arena, p->spec, false);
    const struct value *grace = AT(old, PodSpec, terminationGracePeriodSeconds);
    take_images(value_mut(&spec, core_v1_PodSpec_containers), AT(old, PodSpec, containers));
    take_images(value_mut(&spec, core_v1_PodSpec_initContainers), AT(old, PodSpec, initContainers));
    *value_mut(&spec, core_v1_PodSpec_activeDeadlineSeconds) = *AT(old, PodSpec, activeDeadlineSeconds);
    *value_mut(&spec, core_v1_PodSpec_schedulingGates) = *AT(old, PodSpec, schedulingGates);
    *value_mut(&spec, core_v1_PodSpec_tolerations) = *AT(old, PodSpec, tolerations);
    if (value_int(grace, 0) < 0 && value_int(AT(&spec, PodSpec, terminationGracePeriodSeconds), 0) == 1)
        *value_mut(&spec, core_v1_PodSpec_terminationGracePeriodSeconds) = *grace;
    if (value_count(AT(old, PodSpec, schedulingGates)))
        allow_gated(p, at, &spec, old);
    return spec;
}

void check_pod_update(struct pod_check *p, const struct value *pod, const struct value *old_pod)
{
    const struct path *at = PATH(NULL, "spec");
    const struct value *old = AT(old_pod, Pod, spec), *now = p->spec;
    check_pod_object(p, pod);
    check_annotation_update(p, AT(old_pod, Pod, metadata));
    if (!check_same_containers(p, PATH(at, "containers"), AT(now, PodSpec, containers),
                               AT(old, PodSpec, containers)) ||
        !check_same_containers(p, PATH(at, "initContainers"), AT(now, PodSpec, initContainers),
                               AT(old, PodSpec, initContainers)) ||
        !check_deadline(p, PATH(at, "activeDeadlineSeconds"), AT(now, PodSpec, activeDeadlineSeconds),
                        AT(old, PodSpec, activeDeadlineSeconds)))
        return;
    check_tolerations_added(p, PATH(at, "tolerations"), AT(now, PodSpec, tolerations),
                            AT(old, PodSpec, tolerations));
    check_gates_removed(p, PATH(at, "schedulingGates"), AT(now, PodSpec, schedulingGates),
                        AT(old, PodSpec, schedulingGates));
    if (same(now, old))
        return;
    struct value spec = frozen_spec(p, at, old);
    if (!same(&spec, old))
        causes_forbidden_diff(
            p->c, at,
            "pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
            "`spec.tolerations` (only additions to existing tolerations),"
            "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
            &spec, old);
}

void check_ephemeral_update(struct pod_check *p, const struct value *pod, const struct value *old)
{
    const struct path *at = PATH(PATH(NULL, "spec"), "ephemeralContainers");
    const struct value *now = AT(p->spec, PodSpec, ephemeralContainers);
    struct text_set names = TEXT_SET(p->arena);
    size_t before = p->c->count;
    check_pod_object(p, pod);
    check_annotation_update(p, AT(old, Pod, metadata));
    if (value_is_set(annotation_of(AT(old, Pod, metadata), "kubernetes.io/config.mirror"))) {
        p->c->count = before; /* nothing else matters */
        causes_forbidden(p->c, WHOLE, "static pods do not support ephemeral containers");
        return;
    }
    for (size_t i = 0; i < value_count(now); i++)
        text_set_put(&names, TEXT(value_item(now, i), Container, name), i);
    for (VALUE_EACH(was, AT(AT(old, Pod, spec), PodSpec, ephemeralContainers))) {
        struct slice name = TEXT(was, Container, name);
        long i = text_set_index(&names, name);
        if (i < 0)
            causes_forbidden(p->c, at, "existing ephemeral containers \"%.*s\" may not be removed\n",
                             SLICE_ARG(name));
        else if (!same(was, value_item(now, (size_t)i)))
            causes_forbidden_diff(p->c, at,
                                  arena_printf(p->arena,
                                               "existing ephemeral containers \"%.*s\" may not be changed",
                                               SLICE_ARG(name)),
                                  value_item(now, (size_t)i), was);
    }
}
