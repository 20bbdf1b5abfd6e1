/* What objects count against quotas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/decode.h"
#include "openapi/gen/core_v1.h"
#include "openapi/quota_usage.h"

static const struct {
    const char *claim, *group, *version, *resource, *object, *usage; /* sorted by nothing: as counted */
} cases[] = {
    {"a pod", "", "v1", "pods",
     "{\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"100m\",\"example.com/"
     "gpu\":\"1\"},"
     "\"limits\":{\"memory\":\"1Gi\"}}}]}}",
     "count/pods=1 pods=1 cpu=100m requests.cpu=100m limits.memory=1Gi requests.example.com/gpu=1"},
    {"a pod that has ended is an object and nothing else", "", "v1", "pods",
     "{\"status\":{\"phase\":\"Succeeded\"}}", "count/pods=1"},
    {"so is one whose grace is over", "", "v1", "pods",
     "{\"metadata\":{\"deletionTimestamp\":\"1970-01-01T00:01:00Z\",\"deletionGracePeriodSeconds\":30}}",
     "count/pods=1"},
    {"one that is on its way out counts", "", "v1", "pods",
     "{\"metadata\":{\"deletionTimestamp\":\"1970-01-01T00:16:30Z\",\"deletionGracePeriodSeconds\":30}}",
     "count/pods=1 pods=1"},
    {"a balanced service without node ports", "", "v1", "services",
     "{\"spec\":{\"type\":\"LoadBalancer\",\"allocateLoadBalancerNodePorts\":false,\"ports\":[{\"port\":1},{"
     "\"port\":2,"
     "\"nodePort\":30000}]}}",
     "count/services=1 services=1 services.loadbalancers=1 services.nodeports=1"},
    {"a claim of a class", "", "v1", "persistentvolumeclaims",
     "{\"spec\":{\"storageClassName\":\"gold\",\"resources\":{\"requests\":{\"storage\":\"1500m\"}}}}",
     "count/persistentvolumeclaims=1 persistentvolumeclaims=1 requests.storage=2 "
     "gold.storageclass.storage.k8s.io/persistentvolumeclaims=1 "
     "gold.storageclass.storage.k8s.io/requests.storage=2"},
    {"devices: the worst of the alternatives", "resource.k8s.io", "v1", "resourceclaims",
     "{\"spec\":{\"devices\":{\"requests\":[{\"name\":\"a\",\"firstAvailable\":[{\"name\":\"x\","
     "\"deviceClassName\":\"g\","
     "\"allocationMode\":\"ExactCount\",\"count\":3},{\"name\":\"y\",\"deviceClassName\":\"g\","
     "\"allocationMode\":"
     "\"ExactCount\",\"count\":2}]},{\"name\":\"b\",\"exactly\":{\"deviceClassName\":\"g\","
     "\"allocationMode\":\"All\"}}]}}}",
     "count/resourceclaims.resource.k8s.io=1 g.deviceclass.resource.k8s.io/devices=35"},
    {"anything else is an object", "apps", "v1", "deployments", "{}", "count/deployments.apps=1"},
};

static void test_usage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct error err = ERROR_INIT;
        struct value object;
        struct resource_list usage = {.arena = arena};
        const struct schema_resource *resource = schema_find_resource(
            slice_str(cases[i].group), slice_str(cases[i].version), slice_str(cases[i].resource));
        assert_non_null(resource);
        assert_true(decode_json(arena, resource->type, slice_str(cases[i].object), &object, NULL, &err));
        quota_usage(&usage, resource, &object, 1000);
        const char *shown = "";
        for (size_t k = 0; k < usage.count; k++) {
            char text[QUANTITY_TEXT];
            struct slice amount = quantity_print(&usage.items[k].amount, text);
            shown = arena_printf(arena, "%s%s%.*s=%.*s", shown, k ? " " : "", SLICE_ARG(usage.items[k].name),
                                 SLICE_ARG(amount));
            assert_true(
                quota_counts(resource, usage.items[k].name)); /* what is counted may stand in a quota */
        }
        print_message("%s\n", cases[i].claim);
        assert_string_equal(shown, cases[i].usage);
    }
}

static const struct {
    const char *spec, *pod;
    bool matches;
} scopes[] = {
    {"{\"spec\":{\"scopes\":[\"Terminating\"]}}", "{\"spec\":{\"activeDeadlineSeconds\":5}}", true},
    {"{\"spec\":{\"scopes\":[\"NotTerminating\",\"BestEffort\"]}}", "{\"spec\":{}}", true},
    {"{\"spec\":{\"scopes\":[\"BestEffort\"]}}",
     "{\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"cpu\":\"1\"}}}]}}", false},
    {"{\"spec\":{\"scopeSelector\":{\"matchExpressions\":[{\"scopeName\":\"PriorityClass\",\"operator\":"
     "\"In\",\"values\":["
     "\"high\"]}]}}}",
     "{\"spec\":{\"priorityClassName\":\"high\"}}", true},
    {"{\"spec\":{\"scopeSelector\":{\"matchExpressions\":[{\"scopeName\":\"PriorityClass\",\"operator\":"
     "\"NotIn\","
     "\"values\":[\"high\"]}]}}}",
     "{\"spec\":{\"priorityClassName\":\"high\"}}", false},
    {"{\"spec\":{\"scopes\":[\"CrossNamespacePodAffinity\"]}}",
     "{\"spec\":{\"affinity\":{\"podAntiAffinity\":{\"preferredDuringSchedulingIgnoredDuringExecution\":[{"
     "\"weight\":1,"
     "\"podAffinityTerm\":{\"topologyKey\":\"a\",\"namespaces\":[\"x\"]}}]}}}}",
     true},
};

static void test_scopes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct error err = ERROR_INIT;
        struct value quota, pod;
        const struct schema_resource *pods = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("pods"));
        assert_true(
            decode_json(arena, &core_v1_ResourceQuota, slice_str(scopes[i].spec), &quota, NULL, &err));
        assert_true(decode_json(arena, &core_v1_Pod, slice_str(scopes[i].pod), &pod, NULL, &err));
        assert_int_equal(quota_scopes_match(arena, &quota, pods, &pod), scopes[i].matches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_usage), cmocka_unit_test(test_scopes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
