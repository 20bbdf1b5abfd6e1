#include "apiserver/kinds/convert.h"
#include "apiserver/kinds/rule_cases.h"
#include "apiserver/kinds/scale.h"

static const char *encoded(struct arena *arena, const struct value *v)
{
    cleanup_buf struct buf out = BUF_INIT(1 << 20);
    encode_json_type(&out, v->record->type, v);
    return arena_strdup(arena, buf_slice(&out));
}

static struct value plain(struct arena *arena, const struct schema_resource *resource, const char *json)
{
    struct value v = value_absent;
    struct error err;
    error_init(&err, arena);
    if (!decode_json(arena, resource->type, slice_str(json), &v, NULL, &err))
        fail_msg("%s: %s", json, err.message);
    return v;
}

#define HPA    "\"kind\":\"HorizontalPodAutoscaler\",\"apiVersion\":\"autoscaling/"
#define TARGET "\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"d\",\"apiVersion\":\"apps/v1\"}"
#define BEHAVIOR                                                                                             \
    "\"behavior\":{\"scaleUp\":{\"stabilizationWindowSeconds\":5,\"policies\":[{\"type\":\"Pods\","          \
    "\"value\":4,\"periodSeconds\":15}]}}"

static const struct {
    const char *title, *from, *to, *in;
    const char *parts[6];
    const char *lacks;
} rows[] = {
    {"v2 to v1",
     "autoscaling/v2/horizontalpodautoscalers",
     "autoscaling/v1/horizontalpodautoscalers",
     "{" HPA "v2\",\"metadata\":{\"name\":\"h\"},\"spec\":{" TARGET
     ",\"maxReplicas\":4,\"metrics\":[{\"type\":\"Pods\",\"pods\":{\"metric\":"
     "{\"name\":\"q\"},\"target\":{\"type\":\"AverageValue\",\"averageValue\":\"5\"}}},{\"type\":"
     "\"Resource\",\"resource\":{\"name\":\"cpu\","
     "\"target\":{\"type\":\"Utilization\",\"averageUtilization\":33}}}]," BEHAVIOR
     "},\"status\":{\"currentReplicas\":2,\"desiredReplicas\":3,"
     "\"currentMetrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"current\":{"
     "\"averageUtilization\":20,\"averageValue\":\"100m\"}}}]}}",
     {"\"autoscaling.alpha.kubernetes.io/"
      "metrics\":\"[{\\\"type\\\":\\\"Pods\\\",\\\"pods\\\":{\\\"metricName\\\":\\\"q\\\","
      "\\\"targetAverageValue\\\":\\\"5\\\"}}]\"",
      "\"autoscaling.alpha.kubernetes.io/"
      "current-metrics\":\"[{\\\"type\\\":\\\"Resource\\\",\\\"resource\\\":{\\\"name\\\":\\\"cpu\\\","
      "\\\"currentAverageUtilization\\\":20,\\\"currentAverageValue\\\":\\\"100m\\\"}}]\"",
      "\"{\\\"ScaleUp\\\":{\\\"StabilizationWindowSeconds\\\":5,\\\"SelectPolicy\\\":null,\\\"Policies\\\":[{"
      "\\\"Type\\\":\\\"Pods\\\",\\\"Value\\\":4,"
      "\\\"PeriodSeconds\\\":15}],\\\"Tolerance\\\":null},\\\"ScaleDown\\\":null}\"",
      "\"targetCPUUtilizationPercentage\":33", "\"currentCPUUtilizationPercentage\":20",
      "\"apiVersion\":\"autoscaling/v1\""},
     NULL},
    {"v1 without a target",
     "autoscaling/v1/horizontalpodautoscalers",
     "autoscaling/v2/horizontalpodautoscalers",
     "{" HPA "v1\",\"metadata\":{\"name\":\"h\"},\"spec\":{" TARGET ",\"maxReplicas\":4}}",
     {"\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":"
      "\"Utilization\",\"averageUtilization\":80}}}]"},
     NULL},
    {"v1 with annotations",
     "autoscaling/v1/horizontalpodautoscalers",
     "autoscaling/v2/horizontalpodautoscalers",
     "{" HPA "v1\",\"metadata\":{\"name\":\"h\",\"annotations\":{\"keep\":\"me\",\"autoscaling.alpha."
     "kubernetes.io/metrics\":"
     "\"[{\\\"type\\\":\\\"Object\\\",\\\"object\\\":{\\\"target\\\":{\\\"kind\\\":\\\"S\\\",\\\"name\\\":"
     "\\\"s\\\"},\\\"metricName\\\":\\\"m\\\",\\\"targetValue\\\":\\\"1000m\\\"}}]\"}},"
     "\"spec\":{" TARGET ",\"maxReplicas\":4,\"targetCPUUtilizationPercentage\":44}}",
     {"\"annotations\":{\"keep\":\"me\"}",
      "{\"type\":\"Object\",\"object\":{\"describedObject\":{\"kind\":\"S\",\"name\":\"s\"},\"target\":{"
      "\"type\":\"Value\",\"value\":\"1\"},\"metric\":{\"name\":\"m\"}}},"
      "{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\","
      "\"averageUtilization\":44}}}"},
     "autoscaling.alpha"},
    {"annotations that are no JSON",
     "autoscaling/v1/horizontalpodautoscalers",
     "autoscaling/v2/horizontalpodautoscalers",
     "{" HPA
     "v1\",\"metadata\":{\"name\":\"h\",\"annotations\":{\"autoscaling.alpha.kubernetes.io/metrics\":\"x\","
     "\"autoscaling.alpha.kubernetes.io/behavior\":\"[]\"}},\"spec\":{" TARGET ",\"maxReplicas\":4}}",
     {"\"averageUtilization\":80"},
     "behavior"},
    {"event",
     "v1/events",
     "events.k8s.io/v1/events",
     "{\"kind\":\"Event\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"e\"},\"involvedObject\":{\"kind\":"
     "\"Pod\",\"name\":\"p\"},\"message\":\"m\","
     "\"source\":{\"component\":\"c\"},\"count\":2,\"firstTimestamp\":\"2020-01-02T03:04:05Z\",\"series\":{"
     "\"count\":3},\"reportingComponent\":\"r\"}",
     {"\"regarding\":{\"kind\":\"Pod\",\"name\":\"p\"}", "\"note\":\"m\"",
      "\"deprecatedSource\":{\"component\":\"c\"}", "\"deprecatedCount\":2",
      "\"deprecatedFirstTimestamp\":\"2020-01-02T03:04:05Z\"", "\"reportingController\":\"r\""},
     "involvedObject"},
    {"event back",
     "events.k8s.io/v1/events",
     "v1/events",
     "{\"kind\":\"Event\",\"apiVersion\":\"events.k8s.io/"
     "v1\",\"metadata\":{\"name\":\"e\"},\"regarding\":{\"kind\":\"Pod\"},\"note\":\"m\","
     "\"reportingController\":\"r\"}",
     {"\"involvedObject\":{\"kind\":\"Pod\"}", "\"message\":\"m\"", "\"reportingComponent\":\"r\"",
      "\"apiVersion\":\"v1\""},
     "regarding"},
};

static void test_versions(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const struct schema_resource *from = rule_resource(rows[i].from), *to = rule_resource(rows[i].to);
        struct value in = plain(arena, from, rows[i].in), out;
        struct error err;
        error_init(&err, arena);
        if (!convert(arena, from, to, &in, &out, &err))
            fail_msg("%s: %s", rows[i].title, err.message);
        const char *have = encoded(arena, &out);
        for (size_t p = 0; p < 6 && rows[i].parts[p]; p++)
            if (!strstr(have, rows[i].parts[p]))
                fail_msg("%s\n  want: %s\n  in: %s", rows[i].title, rows[i].parts[p], have);
        if (rows[i].lacks && strstr(have, rows[i].lacks))
            fail_msg("%s\n  want no: %s\n  in: %s", rows[i].title, rows[i].lacks, have);
    }
}

/* v2 to v1 and back says the same, in v1's order: other metrics first. */
static void test_round_trip(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct schema_resource *v2 = rule_resource(rows[0].from), *v1 = rule_resource(rows[0].to);
    struct value in = plain(arena, v2, rows[0].in), middle, out;
    struct error err;
    error_init(&err, arena);
    assert_true(convert(arena, v2, v1, &in, &middle, &err));
    assert_true(convert(arena, v1, v2, &middle, &out, &err));
    assert_string_equal(encoded(arena, &out), encoded(arena, &in));
}

static void test_scale(void **state)
{
    static const struct {
        const char *resource, *object, *part;
    } views[] = {
        {"apps/v1/deployments",
         "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":3,\"selector\":{\"matchLabels\":{\"a\":\"b\"}"
         "}},\"status\":{\"replicas\":2}}",
         "\"spec\":{\"replicas\":3},\"status\":{\"replicas\":2,\"selector\":\"a=b\"}"},
        {"apps/v1/replicasets",
         "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"},"
         "\"matchExpressions\":[{\"key\":\"z\",\"operator\":\"Exists\"},"
         "{\"key\":\"m\",\"operator\":\"NotIn\",\"values\":[\"y\",\"x\"]},{\"key\":\"q\",\"operator\":"
         "\"DoesNotExist\"}]}}}",
         "\"selector\":\"a=b,m notin (x,y),!q,z\""},
        {"v1/replicationcontrollers",
         "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"replicas\":1,\"selector\":{\"a\":\"b\",\"c\":\"d\"}}}",
         "\"selector\":\"a=b,c=d\""},
    };
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value object = plain(arena, rule_resource(views[i].resource), views[i].object), scale;
        struct error err;
        error_init(&err, arena);
        assert_true(scale_from(arena, rule_resource(views[i].resource), &object, &scale, &err));
        if (!strstr(encoded(arena, &scale), views[i].part))
            fail_msg("want: %s\n  in: %s", views[i].part, encoded(arena, &scale));
    }
}

static void test_scaling(void **state)
{
    static const struct {
        const char *scale;
        enum reason reason;
        int64_t replicas;
        const char *field;
    } writes[] = {
        {"{\"metadata\":{\"name\":\"d\",\"resourceVersion\":\"7\"},\"spec\":{\"replicas\":5}}", REASON_NONE,
         5, NULL},
        {"{\"metadata\":{\"name\":\"d\"},\"spec\":{}}", REASON_NONE, 0, NULL},
        {"{\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":-1}}", REASON_INVALID, 3, "spec.replicas"},
        {"{\"metadata\":{\"name\":\"d\",\"uid\":\"other\"},\"spec\":{\"replicas\":5}}", REASON_CONFLICT, 3,
         NULL},
    };
    const struct schema_resource *deployments = rule_resource("apps/v1/deployments");
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value object =
                         plain(arena, deployments,
                               "{\"metadata\":{\"name\":\"d\",\"uid\":\"u\"},\"spec\":{\"replicas\":3}}"),
                     scale;
        struct error err;
        error_init(&err, arena);
        assert_true(decode_json(arena, schema_find_type("io.k8s.api.autoscaling.v1.Scale"),
                                slice_str(writes[i].scale), &scale, NULL, &err));
        scale_apply(arena, deployments, &scale, &object, &err);
        assert_int_equal(err.reason, writes[i].reason);
        assert_int_equal(value_int(value_path(&object, "spec.replicas"), -9), writes[i].replicas);
        if (writes[i].field)
            assert_string_equal(err.causes[0].field, writes[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions), cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_scale), cmocka_unit_test(test_scaling)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
