/*
 * PodSecurity: a namespace's labels say which Pod Security Standard its pods have to meet (enforce), and
 * which one is only spoken of (warn). Pods are refused; what makes pods later (Deployments, Jobs, ...) is
 * only warned of. The audit mode belongs to the audit trail. Source: KEP-2579,
 * https://kubernetes.io/docs/concepts/security/pod-security-admission/.
 */
#include "admission/pod_security.h"

#include "admission/admission.h"
#include "admission/texts.h"
#include "openapi/causes.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/batch_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

enum { MAX_PODS_TO_CHECK = 3000 }; /* of a namespace whose label changes */

struct modes {
    struct pod_security_policy enforce, warn;
};

static const char *const level_names[] = {"privileged", "baseline", "restricted"};

/* Fails to the strictest level. */
static bool read_level(struct slice text, enum pod_security_level *ret)
{
    for (*ret = POD_SECURITY_PRIVILEGED; *ret <= POD_SECURITY_RESTRICTED; ++*ret)
        if (slice_is(text, level_names[*ret]))
            return true;
    *ret = POD_SECURITY_RESTRICTED;
    return false;
}

/* "latest" or "v1.<n>" without leading zeros. */
static bool read_version(struct slice text, int *ret)
{
    *ret = POD_SECURITY_LATEST;
    if (slice_is(text, "latest"))
        return true;
    struct slice digits = slice_from(text, 3);
    if (!slice_starts(text, SLICE("v1.")) || !digits.len || digits.len > 8 ||
        (digits.len > 1 && digits.ptr[0] == '0'))
        return false;
    int minor = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        minor = minor * 10 + (digits.ptr[i] - '0');
    }
    *ret = minor;
    return true;
}

static void complain(struct causes *causes, const char *label, struct slice text, const char *must)
{
    struct path metadata = path_field(NULL, "metadata"), labels = path_field(&metadata, "labels");
    causes_invalid_text(causes, PATH_K(&labels, slice_str(label)), text, "%s", must);
}

/* One mode's two labels. ret_policy has defaults already; ret_set: the level's label is there, and good. */
static bool read_mode(const struct value *labels, const char *mode, struct causes *causes,
                      struct arena *arena, struct pod_security_policy *ret_policy, bool *ret_version_set,
                      bool *ret_good)
{
    const char *level_label = arena_printf(arena, "pod-security.kubernetes.io/%s", mode);
    const char *version_label = arena_printf(arena, "%s-version", level_label);
    const struct value *level = value_get(labels, slice_str(level_label));
    const struct value *version = value_get(labels, slice_str(version_label));
    *ret_good = value_is_set(level) && read_level(value_text(level), &ret_policy->level);
    if (value_is_set(level) && !*ret_good)
        complain(causes, level_label, value_text(level), "must be one of privileged, baseline, restricted");
    *ret_version_set = value_is_set(version);
    if (*ret_version_set && !read_version(value_text(version), &ret_policy->minor))
        complain(causes, version_label, value_text(version), "must be \"latest\" or \"v1.x\"");
    return value_is_set(level);
}

/* The modes that labels ask for, unknown values read to the safe side, with a cause for each. */
static struct modes modes_of(struct arena *arena, const struct value *namespace, struct causes *causes)
{
    const struct value *labels =
        value_at(value_at(namespace, core_v1_Namespace_metadata), meta_v1_ObjectMeta_labels);
    struct pod_security_policy privileged = {POD_SECURITY_PRIVILEGED, POD_SECURITY_LATEST},
                               audit = privileged;
    struct modes modes = {privileged, privileged};
    bool version, enforced, good;
    if (!value_count(labels))
        return modes;
    read_mode(labels, "enforce", causes, arena, &modes.enforce, &version, &enforced);
    read_mode(labels, "audit", causes, arena, &audit, &version, &good);
    bool warns = read_mode(labels, "warn", causes, arena, &modes.warn, &version, &good);
    if (warns && !good)
        modes.warn.level = POD_SECURITY_PRIVILEGED;
    /* Whoever is refused pods wants to be warned of what will make such pods. */
    if (!warns && enforced && modes.enforce.level > POD_SECURITY_PRIVILEGED) {
        modes.warn.level = modes.enforce.level;
        if (!version)
            modes.warn.minor = modes.enforce.minor;
    }
    return modes;
}

static const char *policy_name(struct arena *arena, struct pod_security_policy policy)
{
    if (policy.minor == POD_SECURITY_LATEST)
        return arena_printf(arena, "%s:latest", level_names[policy.level]);
    return arena_printf(arena, "%s:v1.%d", level_names[policy.level], policy.minor);
}

static struct modes modes_of_request(struct admission_request *req)
{
    struct causes ignored = {.arena = req->arena};
    struct value namespace = value_absent;
    const struct schema_resource *namespaces =
        schema_find_resource(SLICE(""), SLICE("v1"), SLICE("namespaces"));
    req->lookup->get(req->lookup->arg, req->arena, namespaces, SLICE(""), req->namespace, &namespace);
    return modes_of(req->arena, &namespace, &ignored);
}

/* ---- pods and what makes them ---- */

static void warn_of_pod(struct admission_request *req, struct pod_security_policy policy,
                        const struct value *metadata, const struct value *spec)
{
    if (policy.level == POD_SECURITY_PRIVILEGED)
        return;
    struct pod_security_verdict verdict = pod_security_evaluate(req->arena, policy, metadata, spec);
    if (!verdict.allowed)
        admission_warn(req, arena_printf(req->arena, "would violate PodSecurity \"%s\": %.*s",
                                         policy_name(req->arena, policy), SLICE_ARG(verdict.details)));
}

static bool same_images(const struct value *a, const struct value *b)
{
    if (value_count(a) != value_count(b))
        return false;
    for (size_t i = 0; i < value_count(a); i++)
        if (!slice_eq(value_text(value_get(value_item(a, i), SLICE("image"))),
                      value_text(value_get(value_item(b, i), SLICE("image")))))
            return false;
    return true;
}

/* Of what may change in a pod only other images and new ephemeral containers are looked at again. */
static bool is_significant(const struct value *spec, const struct value *old)
{
    const struct value *before = value_at(old, core_v1_PodSpec_ephemeralContainers);
    if (!same_images(value_at(spec, core_v1_PodSpec_containers), value_at(old, core_v1_PodSpec_containers)) ||
        !same_images(value_at(spec, core_v1_PodSpec_initContainers),
                     value_at(old, core_v1_PodSpec_initContainers)))
        return true;
    for (VALUE_EACH(container, value_at(spec, core_v1_PodSpec_ephemeralContainers))) {
        bool known = false;
        for (VALUE_EACH(other, before))
            known |= slice_eq(value_text(value_get(container, SLICE("name"))),
                              value_text(value_get(other, SLICE("name")))) &&
                     slice_eq(value_text(value_get(container, SLICE("image"))),
                              value_text(value_get(other, SLICE("image"))));
        if (!known)
            return true;
    }
    return false;
}

static bool check_pod(struct admission_request *req, struct error *err)
{
    const struct value *spec = value_at(req->object, core_v1_Pod_spec);
    const struct value *metadata = value_at(req->object, core_v1_Pod_metadata);
    if (req->subresource.len && !slice_is(req->subresource, "ephemeralcontainers") &&
        !slice_is(req->subresource, "resize"))
        return true;
    struct modes modes = modes_of_request(req);
    if ((modes.enforce.level == POD_SECURITY_PRIVILEGED && modes.warn.level == POD_SECURITY_PRIVILEGED) ||
        (req->old && !is_significant(spec, value_at(req->old, core_v1_Pod_spec))))
        return true;
    if (modes.enforce.level > POD_SECURITY_PRIVILEGED) {
        struct pod_security_verdict verdict =
            pod_security_evaluate(req->arena, modes.enforce, metadata, spec);
        if (!verdict.allowed)
            return admission_forbid(req, err, "violates PodSecurity \"%s\": %.*s",
                                    policy_name(req->arena, modes.enforce), SLICE_ARG(verdict.details));
    }
    warn_of_pod(req, modes.warn, metadata, spec);
    return true;
}

/* Where the template of pods is in the kinds that have one. */
static const struct value *template_of(const struct admission_request *req)
{
    static const struct {
        const char *group, *resource, *path;
    } known[] = {
        {"", "podtemplates", "template"},         {"", "replicationcontrollers", "spec.template"},
        {"apps", "replicasets", "spec.template"}, {"apps", "deployments", "spec.template"},
        {"apps", "daemonsets", "spec.template"},  {"apps", "statefulsets", "spec.template"},
        {"batch", "jobs", "spec.template"},       {"batch", "cronjobs", "spec.jobTemplate.spec.template"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].group, req->resource->group) == 0 &&
            strcmp(known[i].resource, req->resource->name) == 0)
            return value_path(req->object, known[i].path);
    return &value_absent;
}

static bool check_template(struct admission_request *req)
{
    const struct value *template = req->subresource.len ? &value_absent : template_of(req);
    if (value_is_set(template))
        warn_of_pod(req, modes_of_request(req).warn, value_at(template, core_v1_PodTemplateSpec_metadata),
                    value_at(template, core_v1_PodTemplateSpec_spec));
    return true;
}

/* ---- namespaces ---- */

struct complaint {
    struct slice reasons, first_pod; /* the first by name */
    size_t pods;
};

/* The present pods against a new level: one of each controller before its other ones, for those are alike. */
struct survey {
    struct admission_request *req;
    struct arena *scratch; /* of one pod */
    struct pod_security_policy policy;
    bool rest; /* the second round */
    struct texts controllers;
    size_t seen, checked;
    struct complaint *complaints;
    size_t count, capacity;
};

static struct slice controller_of(const struct value *pod)
{
    for (VALUE_EACH(owner, value_at(value_at(pod, core_v1_Pod_metadata), meta_v1_ObjectMeta_ownerReferences)))
        if (value_bool(value_at(owner, meta_v1_OwnerReference_controller)))
            return value_text(value_at(owner, meta_v1_OwnerReference_uid));
    return SLICE("");
}

static void note(struct survey *survey, struct slice reasons, struct slice pod)
{
    struct complaint *found = NULL;
    for (size_t i = 0; i < survey->count; i++)
        if (slice_eq(survey->complaints[i].reasons, reasons))
            found = &survey->complaints[i];
    if (!found) {
        found = arena_push(survey->req->arena, &survey->complaints, &survey->count, &survey->capacity,
                           sizeof *found);
        found->reasons = arena_dup(survey->req->arena, reasons);
    }
    if (!found->pods++ || slice_cmp(pod, found->first_pod) < 0)
        found->first_pod = arena_dup(survey->req->arena, pod);
}

static bool survey_pod(void *arg, const struct value *pod)
{
    struct survey *survey = arg;
    struct slice controller = controller_of(pod);
    size_t known = survey->controllers.count;
    if (controller.len && !survey->rest)
        texts_insert(survey->req->arena, &survey->controllers, arena_dup(survey->req->arena, controller));
    bool alike = controller.len && survey->controllers.count == known;
    if (!survey->rest)
        survey->seen++;
    if (alike == survey->rest && survey->checked < MAX_PODS_TO_CHECK) {
        survey->checked++;
        const struct value *metadata = value_at(pod, core_v1_Pod_metadata);
        struct pod_security_verdict verdict =
            pod_security_evaluate(survey->scratch, survey->policy, metadata, value_at(pod, core_v1_Pod_spec));
        if (!verdict.allowed)
            note(survey, verdict.reasons, value_text(value_at(metadata, meta_v1_ObjectMeta_name)));
    }
    arena_reset(survey->scratch);
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void tell_survey(struct survey *survey)
{
    struct admission_request *req = survey->req;
    if (survey->checked < survey->seen)
        admission_warn(
            req, arena_printf(
                     req->arena,
                     "new PodSecurity enforce level only checked against the first %zu of %zu existing pods",
                     survey->checked, survey->seen));
    if (!survey->count)
        return;
    admission_warn(
        req,
        arena_printf(req->arena,
                     "existing pods in namespace \"%.*s\" violate the new PodSecurity enforce level \"%s\"",
                     SLICE_ARG(req->name), policy_name(req->arena, survey->policy)));
    const char **lines = arena_alloc(req->arena, survey->count * sizeof *lines);
    for (size_t i = 0; i < survey->count; i++) {
        const struct complaint *c = &survey->complaints[i];
        const char *others = c->pods == 1   ? ""
                             : c->pods == 2 ? " (and 1 other pod)"
                                            : arena_printf(req->arena, " (and %zu other pods)", c->pods - 1);
        lines[i] =
            arena_printf(req->arena, "%.*s%s: %.*s", SLICE_ARG(c->first_pod), others, SLICE_ARG(c->reasons));
    }
    qsort(lines, survey->count, sizeof *lines, by_text);
    for (size_t i = 0; i < survey->count; i++)
        admission_warn(req, lines[i]);
}

static void survey_namespace(struct admission_request *req, struct pod_security_policy policy)
{
    const struct schema_resource *pods = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("pods"));
    cleanup_arena struct arena *scratch = arena_new();
    struct survey survey = {.req = req, .scratch = scratch, .policy = policy};
    req->lookup->list(req->lookup->arg, scratch, pods, req->name, survey_pod, &survey);
    survey.rest = true;
    req->lookup->list(req->lookup->arg, scratch, pods, req->name, survey_pod, &survey);
    tell_survey(&survey);
}

static bool same_causes(const struct causes *a, const struct causes *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i].message, b->items[i].message) != 0 ||
            strcmp(a->items[i].field, b->items[i].field) != 0)
            return false;
    return true;
}

static bool check_namespace(struct admission_request *req, struct error *err)
{
    struct causes causes = {.arena = req->arena}, old_causes = {.arena = req->arena};
    struct modes modes = modes_of(req->arena, req->object, &causes);
    if (req->subresource.len)
        return true;
    struct modes old = req->old ? modes_of(req->arena, req->old, &old_causes) : modes;
    /* What was wrong before the update stays possible, so that others may write such a namespace. */
    if (causes.count && !(req->old && same_causes(&causes, &old_causes)))
        return causes_to_error(&causes, req->resource->group, req->resource->kind, req->name, err);
    bool relaxed = modes.enforce.minor == old.enforce.minor && modes.enforce.level <= old.enforce.level;
    if (req->old && modes.enforce.level > POD_SECURITY_PRIVILEGED && !relaxed)
        survey_namespace(req, modes.enforce);
    return true;
}

static bool validate(struct admission_request *req, struct error *err)
{
    if (!*req->resource->group && strcmp(req->resource->name, "pods") == 0)
        return check_pod(req, err);
    if (!*req->resource->group && strcmp(req->resource->name, "namespaces") == 0)
        return check_namespace(req, err);
    return check_template(req);
}

const struct admission_plugin admission_pod_security = {
    .name = "PodSecurity",
    .operations = ADMISSION_CREATE | ADMISSION_UPDATE,
    .validate = validate,
    .quick = true,
};
