/* Plugins by table: a cluster, a request, and what comes of it: a refusal, or a value in the object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "admission/admission.h"
#include "openapi/decode.h"

struct test {
    const struct admission_plugin *plugin;
    const char *claim, *resource;           /* "pods" */
    const char *cluster_resource, *cluster; /* what a look-up finds: JSON of one object, or NULL */
    const char *object, *old;
    const char *refusal;     /* NULL: allowed */
    const char *path, *text; /* of the object after, or NULL */
};

#define LIMITS(rules)  "{\"metadata\":{\"name\":\"l\"},\"spec\":{\"limits\":[" rules "]}}"
#define POD(spec)      "{\"metadata\":{\"name\":\"p\"},\"spec\":{" spec "}}"
#define ONE(resources) POD("\"containers\":[{\"name\":\"c\",\"resources\":{" resources "}}]")
#define CLAIM(phase, size)                                                                                   \
    "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"storageClassName\":\"s\",\"resources\":{\"requests\":{"      \
    "\"storage\":\"" size "\"}}},\"status\":{\"phase\":\"" phase "\"}}"

static const struct test tests[] = {
    {&admission_limit_ranger, "defaults are noted", "pods", "limitranges",
     LIMITS("{\"type\":\"Container\",\"default\":{\"cpu\":\"1\"},\"defaultRequest\":{\"cpu\":\"100m\","
            "\"memory\":\"1Gi\"}}"),
     ONE(""), NULL, NULL, "metadata.annotations",
     "LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c"},
    {&admission_limit_ranger, "nothing to set, nothing noted", "pods", "limitranges",
     LIMITS("{\"type\":\"Container\",\"default\":{\"cpu\":\"1\"}}"), ONE("\"limits\":{\"cpu\":\"2\"}"), NULL,
     NULL, "metadata.annotations", ""},
    {&admission_limit_ranger, "a limit over the maximum", "pods", "limitranges",
     LIMITS("{\"type\":\"Container\",\"max\":{\"cpu\":\"1\"}}"), ONE("\"limits\":{\"cpu\":\"1001m\"}"), NULL,
     "pods \"p\" is forbidden: maximum cpu usage per Container is 1, but limit is 1001m", NULL, NULL},
    {&admission_limit_ranger, "no limit where there is a maximum", "pods", "limitranges",
     LIMITS("{\"type\":\"Pod\",\"max\":{\"cpu\":\"1\"}}"), ONE(""), NULL,
     "pods \"p\" is forbidden: maximum cpu usage per Pod is 1.  No limit is specified", NULL, NULL},
    {&admission_limit_ranger, "two faults are listed", "pods", "limitranges",
     LIMITS("{\"type\":\"Container\",\"min\":{\"cpu\":\"100m\"},\"maxLimitRequestRatio\":{\"cpu\":\"2\"}}"),
     ONE("\"requests\":{\"cpu\":\"10m\"},\"limits\":{\"cpu\":\"1\"}"), NULL,
     "pods \"p\" is forbidden: [minimum cpu usage per Container is 100m, but request is 10m, cpu max limit "
     "to request ratio "
     "per Container is 2, but provided ratio is 100.000000]",
     NULL, NULL},
    {&admission_limit_ranger, "claims", "persistentvolumeclaims", "limitranges",
     LIMITS("{\"type\":\"PersistentVolumeClaim\",\"max\":{\"storage\":\"1Gi\"}}"), CLAIM("", "2Gi"), NULL,
     "persistentvolumeclaims \"c\" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but "
     "request is 2Gi",
     NULL, NULL},
    {&admission_runtime_class, "an unknown class", "pods", NULL, NULL, POD("\"runtimeClassName\":\"r\""),
     NULL, "pods \"p\" is forbidden: pod rejected: RuntimeClass \"r\" not found", NULL, NULL},
    {&admission_runtime_class, "overhead without a class", "pods", NULL, NULL,
     POD("\"overhead\":{\"cpu\":\"1\"}"), NULL,
     "pods \"p\" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined "
     "Overhead",
     NULL, NULL},
    {&admission_runtime_class, "overhead of the class", "pods", "runtimeclasses",
     "{\"metadata\":{\"name\":\"r\"},\"handler\":\"r\",\"overhead\":{\"podFixed\":{\"cpu\":\"10m\"}}}",
     POD("\"runtimeClassName\":\"r\""), NULL, NULL, "spec.overhead.cpu", "10m"},
    {&admission_runtime_class, "another overhead than the class's", "pods", "runtimeclasses",
     "{\"metadata\":{\"name\":\"r\"},\"handler\":\"r\",\"overhead\":{\"podFixed\":{\"cpu\":\"10m\"}}}",
     POD("\"runtimeClassName\":\"r\",\"overhead\":{\"cpu\":\"20m\"}"), NULL,
     "pods \"p\" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
     NULL, NULL},
    {&admission_runtime_class, "a selector that contradicts the class's", "pods", "runtimeclasses",
     "{\"metadata\":{\"name\":\"r\"},\"handler\":\"r\",\"scheduling\":{\"nodeSelector\":{\"a\":\"b\"}}}",
     POD("\"runtimeClassName\":\"r\",\"nodeSelector\":{\"a\":\"c\"}"), NULL,
     "pods \"p\" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[a] = b; "
     "pod.spec.nodeSelector[a] = c",
     NULL, NULL},
    {&admission_claim_resize, "a bound claim whose class allows it grows", "persistentvolumeclaims",
     "storageclasses", "{\"metadata\":{\"name\":\"s\"},\"allowVolumeExpansion\":true}", CLAIM("Bound", "2Gi"),
     CLAIM("Bound", "1Gi"), NULL, NULL, NULL},
    {&admission_claim_resize, "a class that does not", "persistentvolumeclaims", "storageclasses",
     "{\"metadata\":{\"name\":\"s\"}}", CLAIM("Bound", "2Gi"), CLAIM("Bound", "1Gi"),
     "persistentvolumeclaims \"c\" is forbidden: only dynamically provisioned pvc can be resized and the "
     "storageclass that "
     "provisions the pvc must support resize",
     NULL, NULL},
    {&admission_claim_resize, "a pending claim", "persistentvolumeclaims", NULL, NULL,
     CLAIM("Pending", "2Gi"), CLAIM("Pending", "1Gi"),
     "persistentvolumeclaims \"c\" is forbidden: only bound persistent volume claims can be expanded", NULL,
     NULL},
    {&admission_pod_security, "labels of a namespace are checked", "namespaces", NULL, NULL,
     "{\"metadata\":{\"name\":\"n\",\"labels\":{\"pod-security.kubernetes.io/enforce\":\"tight\"}}}", NULL,
     "Namespace \"n\" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "
     "\"tight\": must be one of "
     "privileged, baseline, restricted",
     NULL, NULL},
    {&admission_pod_security, "a pod in a restricted namespace", "pods", "namespaces",
     "{\"metadata\":{\"name\":\"n\",\"labels\":{\"pod-security.kubernetes.io/enforce\":\"baseline\","
     "\"pod-security.kubernetes.io/enforce-version\":\"v1.30\"}}}",
     POD("\"hostPID\":true"), NULL,
     "pods \"p\" is forbidden: violates PodSecurity \"baseline:v1.30\": host namespaces (hostPID=true)", NULL,
     NULL},
};

static const struct schema_resource *resource_of(const char *name)
{
    for (unsigned i = 0; i < schema_group_version_count; i++)
        for (unsigned j = 0; j < schema_group_versions[i].resource_count; j++)
            if (strcmp(schema_group_versions[i].resources[j]->name, name) == 0)
                return schema_group_versions[i].resources[j];
    fail_msg("there is no resource %s", name);
    return NULL;
}

static struct value object_of(struct arena *arena, const char *resource, const char *json)
{
    struct error err = ERROR_INIT;
    struct value object;
    if (!decode_json(arena, resource_of(resource)->type, slice_str(json), &object, NULL, &err))
        fail_msg("%s: %s", json, err.message);
    return object;
}

static bool get(void *arg, struct arena *arena, const struct schema_resource *resource,
                struct slice namespace, struct slice name, struct value *ret)
{
    const struct test *t = arg;
    (void)namespace;
    (void)name;
    if (!t->cluster || strcmp(t->cluster_resource, resource->name) != 0)
        return false;
    *ret = object_of(arena, resource->name, t->cluster);
    return true;
}

static void list(void *arg, struct arena *arena, const struct schema_resource *resource,
                 struct slice namespace, bool (*each)(void *each_arg, const struct value *object),
                 void *each_arg)
{
    struct value object;
    if (get(arg, arena, resource, namespace, SLICE(""), &object))
        each(each_arg, &object);
}

/* The text at the path, or of the first entry of the map there. */
static struct slice text_at(const struct value *object, const char *path)
{
    const struct value *v = value_path(object, path);
    return v->kind == VALUE_MAP ? value_text(&value_entry(v, 0)->value) : value_text(v);
}

static void run(const struct test *t)
{
    cleanup_arena struct arena *arena = arena_new();
    struct decode_findings warnings = {.arena = arena};
    struct error err = ERROR_INIT;
    struct value object = object_of(arena, t->resource, t->object);
    struct value old = t->old ? object_of(arena, t->resource, t->old) : value_absent;
    struct admission_lookup lookup = {.get = get, .list = list, .arg = (void *)t};
    struct admission_request req = {
        .arena = arena,
        .operation = t->old ? ADMISSION_UPDATE : ADMISSION_CREATE,
        .resource = resource_of(t->resource),
        .namespace = SLICE("n"),
        .name = value_text(value_path(&object, "metadata.name")),
        .object = &object,
        .old = t->old ? &old : NULL,
        .lookup = &lookup,
        .warnings = &warnings,
    };
    error_init(&err, arena);
    bool ok = (!t->plugin->mutate || t->plugin->mutate(&req, &err)) &&
              (!t->plugin->validate || t->plugin->validate(&req, &err));
    print_message("%s: %s\n", t->plugin->name, t->claim);
    if (t->refusal) {
        assert_false(ok);
        assert_string_equal(err.message, t->refusal);
        return;
    }
    if (!ok)
        fail_msg("refused: %s", err.message);
    if (t->path)
        assert_string_equal(arena_strdup(arena, text_at(&object, t->path)), t->text);
}

static void test_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        run(&tests[i]);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
