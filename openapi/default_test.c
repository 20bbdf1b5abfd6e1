#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/decode.h"
#include "openapi/default.h"
#include "openapi/gen/apiextensions_v1.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/autoscaling_v2.h"
#include "openapi/gen/batch_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/networking_v1.h"
#include "openapi/gen/rbac_v1.h"
#include "openapi/gen/storage_v1.h"

/* `at` "": the whole text; else what a path holds after defaulting ("" : absent). Lists are reached by [0].
 */
struct row {
    const struct schema_type *type;
    const char *text, *at, *want;
};

static const struct value *walk(const struct value *v, const char *path)
{
    struct slice rest = slice_str(path), part;
    while (slice_split(&rest, '.', &part)) {
        long bracket = slice_find(part, '[');
        v = value_get(v, slice_make(part.ptr, bracket < 0 ? part.len : (size_t)bracket));
        for (; bracket >= 0 && (size_t)bracket < part.len; bracket += 3) {
            size_t i = (size_t)(part.ptr[bracket + 1] - '0');
            v = i < value_count(v) ? value_item(v, i) : &value_absent;
        }
    }
    return v;
}

static const char *text_of(struct arena *arena, const struct value *v)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    if (value_is_set(v))
        encode_json(&out, &any, v);
    return arena_strdup(arena, buf_slice(&out));
}

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = {.arena = arena};
        struct value v;
        if (!decode_json(arena, rows[i].type, slice_str(rows[i].text), &v, NULL, &err))
            fail_msg("%s", err.message);
        default_object(arena, &v);
        const char *got = text_of(arena, *rows[i].at ? walk(&v, rows[i].at) : &v);
        if (strcmp(got, rows[i].want))
            print_error("row %zu: %s at %s\n", i, rows[i].text, rows[i].at);
        assert_string_equal(got, rows[i].want);
        struct value before = value_copy(arena, &v, false);
        default_object(arena, &v);
        assert_true(value_equal(&before, &v)); /* a second time changes nothing */
    }
}
#define CHECK(rows) check(rows, sizeof rows / sizeof *rows)

static void pods(void **state)
{
    static const struct row rows[] = {
        {&core_v1_Pod, "{}", "",
         "{\"metadata\":{},\"spec\":{\"containers\":null,\"restartPolicy\":\"Always\","
         "\"terminationGracePeriodSeconds\":30,"
         "\"dnsPolicy\":\"ClusterFirst\",\"securityContext\":{},\"schedulerName\":\"default-scheduler\","
         "\"enableServiceLinks\":true},\"status\":{}}"},
        {&core_v1_PodTemplate, "{\"template\":{\"spec\":{\"containers\":[]}}}",
         "template.spec.enableServiceLinks", ""},
        {&core_v1_Pod, "{\"spec\":{\"terminationGracePeriodSeconds\":-5}}",
         "spec.terminationGracePeriodSeconds", "1"},
        {&core_v1_PodTemplate, "{\"template\":{\"spec\":{\"terminationGracePeriodSeconds\":-5}}}",
         "template.spec.terminationGracePeriodSeconds", "-5"},
        {&core_v1_Pod, "{\"spec\":{\"serviceAccount\":\"a\"}}", "spec.serviceAccountName", "\"a\""},
        {&core_v1_Pod, "{\"spec\":{\"serviceAccount\":\"a\",\"serviceAccountName\":\"b\"}}",
         "spec.serviceAccount", "\"b\""},
        {&core_v1_Pod,
         "{\"spec\":{\"hostNetwork\":true,\"containers\":[{\"ports\":[{\"containerPort\":80}]}]}}",
         "spec.containers[0].ports[0]", "{\"hostPort\":80,\"containerPort\":80,\"protocol\":\"TCP\"}"},
        {&core_v1_Pod,
         "{\"spec\":{\"containers\":[{\"resources\":{\"limits\":{\"cpu\":1,\"memory\":\"1Gi\"},\"requests\":{"
         "\"cpu\":\"1u\"}}}]}}",
         "spec.containers[0].resources",
         "{\"limits\":{\"cpu\":\"1\",\"memory\":\"1Gi\"},\"requests\":{\"cpu\":\"1m\",\"memory\":\"1Gi\"}}"},
        {&core_v1_Pod, "{\"spec\":{\"containers\":[{\"livenessProbe\":{\"httpGet\":{\"port\":80}}}]}}",
         "spec.containers[0].livenessProbe",
         "{\"httpGet\":{\"path\":\"/"
         "\",\"port\":80,\"scheme\":\"HTTP\"},\"timeoutSeconds\":1,\"periodSeconds\":10,"
         "\"successThreshold\":1,\"failureThreshold\":3}"},
        {&core_v1_Pod,
         "{\"spec\":{\"volumes\":[{\"name\":\"a\"},{\"name\":\"b\",\"hostPath\":{\"path\":\"/\"}}]}}",
         "spec.volumes",
         "[{\"name\":\"a\",\"emptyDir\":{}},{\"name\":\"b\",\"hostPath\":{\"path\":\"/\",\"type\":\"\"}}]"},
        {&core_v1_Pod, "{\"status\":{\"podIP\":\"10.0.0.1\"}}", "status.podIPs", "[{\"ip\":\"10.0.0.1\"}]"},
        {&core_v1_Pod, "{\"status\":{\"podIPs\":[{\"ip\":\"10.0.0.2\"}]}}", "status.podIP", "\"10.0.0.2\""},
        {&core_v1_Pod,
         "{\"status\":{\"podIP\":\"10.0.0.1\",\"podIPs\":[{\"ip\":\"10.0.0.2\"},{\"ip\":\"::1\"}]}}",
         "status.podIPs", "[{\"ip\":\"10.0.0.1\"}]"},
    };
    CHECK(rows);
}

static void image_pull_policies(void **state)
{
    static const struct {
        const char *image, *want;
    } rows[] = {
        {"nginx", "Always"},
        {"nginx:latest", "Always"},
        {"nginx:1.2", "IfNotPresent"},
        {"localhost:5000/nginx", "Always"},
        {"localhost:5000/nginx:1", "IfNotPresent"},
        {"Registry.test/a/b_c/d--e", "Always"},
        {"nginx@sha256:0000000000000000000000000000000000000000000000000000000000000001", "IfNotPresent"},
        {"nginx:latest@sha256:0000000000000000000000000000000000000000000000000000000000000001", "Always"},
        /* what is no reference has no tag */
        {"", "IfNotPresent"},
        {"Nginx", "IfNotPresent"},
        {"a//b", "IfNotPresent"},
        {"a..b/c d", "IfNotPresent"},
        {"nginx:", "IfNotPresent"},
        {" nginx", "IfNotPresent"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value container = value_new_record(arena, &core_v1_Container);
        *value_mut(&container, core_v1_Container_image) = value_of_cstr(rows[i].image);
        default_object(arena, &container);
        const char *got = text_of(arena, value_at(&container, core_v1_Container_imagePullPolicy));
        if (strcmp(got, arena_printf(arena, "\"%s\"", rows[i].want)))
            print_error("%s: %s\n", rows[i].image, got);
        assert_string_equal(got, arena_printf(arena, "\"%s\"", rows[i].want));
    }
}

static void services_and_others_of_core(void **state)
{
    static const struct row rows[] = {
        {&core_v1_Service, "{\"spec\":{\"ports\":[{\"port\":80},{\"port\":81,\"targetPort\":\"x\"}]}}",
         "spec",
         "{\"ports\":[{\"protocol\":\"TCP\",\"port\":80,\"targetPort\":80},{\"protocol\":\"TCP\",\"port\":81,"
         "\"targetPort\":\"x\"}],"
         "\"type\":\"ClusterIP\",\"sessionAffinity\":\"None\",\"internalTrafficPolicy\":\"Cluster\"}"},
        {&core_v1_Service, "{\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"a.test\"}}",
         "spec.internalTrafficPolicy", ""},
        {&core_v1_Service, "{\"spec\":{\"type\":\"NodePort\"}}", "spec.externalTrafficPolicy", "\"Cluster\""},
        {&core_v1_Service, "{\"spec\":{\"externalIPs\":[\"192.0.2.1\"]}}", "spec.externalTrafficPolicy",
         "\"Cluster\""},
        {&core_v1_Service,
         "{\"spec\":{\"type\":\"LoadBalancer\"},\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"192.0.2."
         "1\"}]}}}",
         "status.loadBalancer.ingress", "[{\"ip\":\"192.0.2.1\",\"ipMode\":\"VIP\"}]"},
        {&core_v1_Service, "{\"spec\":{\"sessionAffinity\":\"ClientIP\"}}", "spec.sessionAffinityConfig",
         "{\"clientIP\":{\"timeoutSeconds\":10800}}"},
        {&core_v1_Service, "{\"spec\":{\"sessionAffinityConfig\":{\"clientIP\":{}}}}",
         "spec.sessionAffinityConfig", ""},
        {&core_v1_Namespace, "{\"metadata\":{\"name\":\"a\"}}", "metadata.labels",
         "{\"kubernetes.io/metadata.name\":\"a\"}"},
        {&core_v1_Namespace, "{\"metadata\":{\"generateName\":\"a\"}}", "metadata.labels", ""},
        {&core_v1_Secret, "{\"data\":{\"a\":\"YQ==\",\"b\":\"Yg==\"},\"stringData\":{\"b\":\"x\"}}", "",
         "{\"metadata\":{},\"data\":{\"a\":\"YQ==\",\"b\":\"eA==\"},\"type\":\"Opaque\"}"},
        {&core_v1_Node, "{\"status\":{\"capacity\":{\"cpu\":\"1500u\"}}}", "status.allocatable",
         "{\"cpu\":\"2m\"}"},
        {&core_v1_Node, "{\"spec\":{\"podCIDR\":\"10.1.0.0/24\"}}", "spec.podCIDRs", "[\"10.1.0.0/24\"]"},
        {&core_v1_LimitRange,
         "{\"spec\":{\"limits\":[{\"type\":\"Container\",\"max\":{\"cpu\":\"2\"},\"min\":{\"memory\":\"1Mi\"}"
         "}]}}",
         "spec.limits",
         "[{\"type\":\"Container\",\"max\":{\"cpu\":\"2\"},\"min\":{\"memory\":\"1Mi\"},\"default\":{\"cpu\":"
         "\"2\"},"
         "\"defaultRequest\":{\"cpu\":\"2\",\"memory\":\"1Mi\"}}]"},
        {&core_v1_ReplicationController,
         "{\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}}}}}", "spec.selector",
         "{\"a\":\"b\"}"},
    };
    CHECK(rows);
}

static void other_groups(void **state)
{
    static const struct row rows[] = {
        {&apps_v1_Deployment, "{}", "spec.strategy",
         "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxUnavailable\":\"25%\",\"maxSurge\":\"25%\"}}"},
        {&apps_v1_Deployment, "{\"spec\":{\"strategy\":{\"type\":\"Recreate\"}}}", "spec.strategy",
         "{\"type\":\"Recreate\"}"},
        {&apps_v1_Deployment, "{\"spec\":{\"replicas\":0}}", "spec.replicas", "0"},
        {&apps_v1_StatefulSet, "{}", "spec.updateStrategy",
         "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":0,\"maxUnavailable\":1}}"},
        {&apps_v1_StatefulSet, "{\"spec\":{\"updateStrategy\":{\"type\":\"RollingUpdate\"}}}",
         "spec.updateStrategy", "{\"type\":\"RollingUpdate\"}"},
        {&apps_v1_StatefulSet, "{\"spec\":{\"volumeClaimTemplates\":[{}]}}", "spec.volumeClaimTemplates",
         "[{\"kind\":\"PersistentVolumeClaim\",\"apiVersion\":\"v1\",\"metadata\":{},\"spec\":{\"resources\":"
         "{},"
         "\"volumeMode\":\"Filesystem\"},\"status\":{\"phase\":\"Pending\"}}]"},
        {&batch_v1_Job, "{\"spec\":{\"parallelism\":3}}", "spec.completions", ""},
        {&batch_v1_Job, "{\"spec\":{\"backoffLimitPerIndex\":1}}", "spec.backoffLimit", "2147483647"},
        {&batch_v1_CronJob, "{}", "spec.jobTemplate.spec.completions", ""},
        {&autoscaling_v2_HorizontalPodAutoscaler, "{}", "spec.metrics",
         "[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\","
         "\"averageUtilization\":80}}}]"},
        {&autoscaling_v2_HorizontalPodAutoscaler, "{}", "spec.behavior", ""},
        {&autoscaling_v2_HorizontalPodAutoscaler,
         "{\"spec\":{\"behavior\":{\"scaleDown\":{\"selectPolicy\":\"Disabled\"}}}}", "spec.behavior",
         "{\"scaleUp\":{\"stabilizationWindowSeconds\":0,\"selectPolicy\":\"Max\",\"policies\":[{\"type\":"
         "\"Pods\",\"value\":4,"
         "\"periodSeconds\":15},{\"type\":\"Percent\",\"value\":100,\"periodSeconds\":15}]},\"scaleDown\":{"
         "\"selectPolicy\":"
         "\"Disabled\",\"policies\":[{\"type\":\"Percent\",\"value\":100,\"periodSeconds\":15}]}}"},
        {&networking_v1_NetworkPolicy, "{\"spec\":{\"egress\":[{}]}}", "spec.policyTypes",
         "[\"Ingress\",\"Egress\"]"},
        {&rbac_v1_RoleBinding, "{\"subjects\":[{\"kind\":\"User\"},{\"kind\":\"ServiceAccount\"}]}",
         "subjects",
         "[{\"kind\":\"User\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":\"\"},{\"kind\":"
         "\"ServiceAccount\",\"name\":\"\"}]"},
        {&storage_v1_CSIDriver, "{}", "spec.preventPodSchedulingIfMissing", "false"},
        {&apiextensions_v1_CustomResourceDefinition,
         "{\"spec\":{\"names\":{\"kind\":\"BigBox\"},\"versions\":[{\"name\":\"v1\"},{\"name\":\"v2\","
         "\"storage\":true}]}}",
         "status.storedVersions", "[\"v2\"]"},
        {&apiextensions_v1_CustomResourceDefinition, "{\"spec\":{\"names\":{\"kind\":\"BigBox\"}}}",
         "spec.names",
         "{\"plural\":\"\",\"singular\":\"bigbox\",\"kind\":\"BigBox\",\"listKind\":\"BigBoxList\"}"},
    };
    CHECK(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods),
        cmocka_unit_test(image_pull_policies),
        cmocka_unit_test(services_and_others_of_core),
        cmocka_unit_test(other_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
