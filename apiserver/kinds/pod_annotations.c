#include "apiserver/kinds/pod_parts.h"

#include "openapi/decode.h"

/* Annotations of pods that mean something to the API server. */

#define SECCOMP_POD       "seccomp.security.alpha.kubernetes.io/pod"
#define SECCOMP_CONTAINER "container.seccomp.security.alpha.kubernetes.io/"
#define APP_ARMOR         "container.apparmor.security.beta.kubernetes.io/"
#define MIRROR            "kubernetes.io/config.mirror"
#define DELETION_COST     "controller.kubernetes.io/pod-deletion-cost"
#define TOLERATIONS       "scheduler.alpha.kubernetes.io/tolerations"

bool deletion_cost_is_good(const struct value *meta)
{
    const struct value *v = annotation_of(meta, DELETION_COST);
    struct slice s = value_text(v);
    int64_t n = 0;
    size_t i = s.len && s.ptr[0] == '-';
    if (!value_is_set(v))
        return true;
    if (i == s.len ||
        (s.ptr[0] == '0' && s.len > 1)) /* neither a plus sign nor leading zeros, but "-01" is read */
        return false;
    for (bool digits = true; i < s.len; i++) {
        digits = s.ptr[i] >= '0' && s.ptr[i] <= '9';
        n = n * 10 + (s.ptr[i] - '0');
        if (!digits || n > (int64_t)INT32_MAX + (s.ptr[0] == '-'))
            return false;
    }
    return true;
}

static void check_annotated_tolerations(struct pod_check *p, const struct path *at, struct slice json)
{
    static const struct schema item = {.kind = SCHEMA_RECORD, .type = &core_v1_Toleration};
    static const struct schema list = {.kind = SCHEMA_LIST, .elem = &item};
    cleanup_error struct error err = ERROR_INIT;
    struct value tolerations;
    if (!decode_json_node(p->arena, &list, json, &tolerations, NULL, &err))
        causes_invalid_text(p->c, at, SLICE(TOLERATIONS), "%s", err.message);
    else
        check_tolerations(p->c, PATH(at, TOLERATIONS), &tolerations);
}

static void check_seccomp_name(struct pod_check *p, const struct path *at, struct slice profile)
{
    if (slice_starts(profile, SLICE("localhost/")))
        check_descending_path(p->c, at, slice_from(profile, strlen("localhost/")));
    else if (!slice_is(profile, "runtime/default") && !slice_is(profile, "docker/default") &&
             !slice_is(profile, "unconfined"))
        causes_invalid_text(p->c, at, profile, "must be a valid seccomp profile");
}

static void add_name(void *arg, const struct value *container, const struct path *at)
{
    text_set_add(arg, TEXT(container, Container, name));
}

static void check_profiles(struct pod_check *p, const struct path *at)
{
    const struct value *annotations = value_at(p->meta, meta_v1_ObjectMeta_annotations);
    const struct value *pod = annotation_of(p->meta, SECCOMP_POD);
    struct text_set names = TEXT_SET(p->arena);
    each_container(p->spec, NULL, add_name, &names);
    if (value_is_set(pod))
        check_seccomp_name(p, PATH(at, SECCOMP_POD), value_text(pod));
    for (VALUE_EACH_ENTRY(e, annotations)) {
        if (slice_starts(e->key, SLICE(SECCOMP_CONTAINER)))
            check_seccomp_name(p, PATH(at, arena_strdup(p->arena, e->key)), value_text(&e->value));
    }
    for (VALUE_EACH_ENTRY(entry, annotations)) {
        struct slice text = value_text(&entry->value), name = slice_from(entry->key, strlen(APP_ARMOR));
        if (!slice_starts(entry->key, SLICE(APP_ARMOR)))
            continue;
        if (!text_set_has(&names, name))
            causes_invalid_text(p->c, PATH_K(at, entry->key), name, "container not found");
        if (text.len && !slice_is(text, "runtime/default") && !slice_is(text, "unconfined") &&
            !slice_starts(text, SLICE("localhost/")))
            causes_invalid_text(p->c, PATH_K(at, entry->key), text, "is no name of an AppArmor profile");
    }
}

void check_pod_annotations(struct pod_check *p, const struct path *at)
{
    const struct value *mirror = annotation_of(p->meta, MIRROR);
    struct slice tolerations = value_text(annotation_of(p->meta, TOLERATIONS));
    if (!value_count(value_at(p->meta, meta_v1_ObjectMeta_annotations)))
        return;
    if (value_is_set(mirror) && !TEXT(p->spec, PodSpec, nodeName).len)
        causes_invalid_text(p->c, PATH_K(at, SLICE(MIRROR)), value_text(mirror),
                            "a mirror pod has a spec.nodeName");
    if (tolerations.len)
        check_annotated_tolerations(p, at, tolerations);
    if (!p->any_deletion_cost && !deletion_cost_is_good(p->meta))
        causes_invalid_text(p->c, PATH_K(at, SLICE(DELETION_COST)),
                            value_text(annotation_of(p->meta, DELETION_COST)), "must be a 32bit integer");
    check_profiles(p, at);
}

static void check_frozen(struct pod_check *p, const struct path *at, struct slice key, const char *armor,
                         const char *mirror)
{
    if (slice_starts(key, SLICE(APP_ARMOR)))
        causes_forbidden(p->c, PATH_K(at, key), "%s", armor);
    if (slice_is(key, MIRROR))
        causes_forbidden(p->c, PATH_K(at, key), "%s", mirror);
}

void check_annotation_update(struct pod_check *p, const struct value *old_meta)
{
    const struct value *now = value_at(p->meta, meta_v1_ObjectMeta_annotations);
    const struct value *old = value_at(old_meta, meta_v1_ObjectMeta_annotations);
    const struct path *at = PATH(PATH(NULL, "metadata"), "annotations");
    for (VALUE_EACH_ENTRY(was, old)) {
        const struct value *is = value_get(now, was->key);
        if (!value_is_set(is) || !value_equal(is, &was->value))
            check_frozen(p, at, was->key, "AppArmor annotations stay as they are",
                         "the mirror annotation stays as it is");
    }
    for (VALUE_EACH_ENTRY(added, now)) {
        if (!value_is_set(value_get(old, added->key)))
            check_frozen(p, at, added->key, "AppArmor annotations cannot be added",
                         "a pod cannot become a mirror pod");
    }
    check_pod_annotations(p, at);
}
