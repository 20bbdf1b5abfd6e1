#include "apiserver/kinds/batch.h"
#include "apiserver/kinds/rule_cases.h"
#include "apiserver/kinds/workload.h"

#define POD         "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}"
#define TEMPLATE    "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}}," POD "}"
#define SELECTOR    "\"selector\":{\"matchLabels\":{\"a\":\"b\"}}"
#define GOOD        SELECTOR "," TEMPLATE
#define NAMED(spec) "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"},\"spec\":{" spec "}}"
#define ONCE                                                                                                 \
    "\"template\":{\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}" \
    "}"
#define CRON(rest)     NAMED("\"jobTemplate\":{\"spec\":{" ONCE "}}," rest)
#define TARGET         "\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"d\"}"
#define STATUS(status) "{\"metadata\":{\"name\":\"n\"},\"status\":{" status "}}"

static const struct rule_case cases[] = {
    {"a good deployment", "apps/v1/deployments", "", NAMED(GOOD), NULL, {NULL}},
    {"no selector",
     "apps/v1/deployments",
     "",
     NAMED(TEMPLATE),
     NULL,
     {"spec.selector: Required value",
      "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match"}},
    {"an empty selector",
     "apps/v1/deployments",
     "",
     NAMED("\"selector\":{}," TEMPLATE),
     NULL,
     {"spec.selector: Invalid value: {}: empty selector is invalid for deployment"}},
    {"In without values",
     "apps/v1/deployments",
     "",
     NAMED("\"selector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}," TEMPLATE),
     NULL,
     {"spec.selector.matchExpressions[0].values: Required value",
      "spec.selector: Invalid value: {\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}"}},
    {"negative replicas",
     "apps/v1/deployments",
     "",
     NAMED(GOOD ",\"replicas\":-1"),
     NULL,
     {"spec.replicas: Invalid value: -1: must be greater than or equal to 0"}},
    {"recreate has no parameters",
     "apps/v1/deployments",
     "",
     NAMED(GOOD ",\"strategy\":{\"type\":\"Recreate\",\"rollingUpdate\":{\"maxSurge\":1}}"),
     NULL,
     {"spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"}},
    {"neither surge nor unavailable",
     "apps/v1/deployments",
     "",
     NAMED(GOOD ",\"strategy\":{\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":\"0%\"}}"),
     NULL,
     {"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0"}},
    {"odd percentages",
     "apps/v1/deployments",
     "",
     NAMED(GOOD ",\"strategy\":{\"rollingUpdate\":{\"maxSurge\":\"1x\",\"maxUnavailable\":\"101%\"}}"),
     NULL,
     {"spec.strategy.rollingUpdate.maxSurge: Invalid value: \"1x\"",
      "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%"}},
    {"an unknown strategy",
     "apps/v1/deployments",
     "",
     NAMED(GOOD ",\"strategy\":{\"type\":\"Blue\"}"),
     NULL,
     {"spec.strategy: Unsupported value: {\"Type\":\"Blue\",\"RollingUpdate\":"}},
    {"a deadline before ready",
     "apps/v1/deployments",
     "",
     NAMED(GOOD ",\"minReadySeconds\":700,\"progressDeadlineSeconds\":600"),
     NULL,
     {"spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"}},
    {"pods that end",
     "apps/v1/deployments",
     "",
     NAMED(SELECTOR
           ",\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"restartPolicy\":\"Never\","
           "\"activeDeadlineSeconds\":5,\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}}"),
     NULL,
     {"spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
      "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not "
      "Supported"}},
    {"another selector",
     "apps/v1/deployments",
     "",
     NAMED(GOOD),
     NAMED("\"selector\":{\"matchLabels\":{\"z\":\"b\"}}," TEMPLATE),
     {"spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\"}}: field is immutable"}},
    {"deployment status",
     "apps/v1/deployments",
     "status",
     STATUS("\"replicas\":1,\"readyReplicas\":2,\"availableReplicas\":3"),
     STATUS("\"collisionCount\":1"),
     {"status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
      "status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas",
      "status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas",
      "status.collisionCount: Invalid value: 0: cannot be decremented"}},
    {"replica set",
     "apps/v1/replicasets",
     "",
     NAMED("\"replicas\":-2,\"selector\":{\"matchLabels\":{\"no\":\"b\"}}," TEMPLATE),
     NULL,
     {"spec.replicas: Invalid value: -2", "spec.template.metadata.labels: Invalid value"}},
    {"replication controller",
     "v1/replicationcontrollers",
     "",
     NAMED("\"selector\":{\"no\":\"b\"},\"minReadySeconds\":-1," TEMPLATE),
     NULL,
     {"spec.template.metadata.labels: Invalid value", "spec.minReadySeconds: Invalid value: -1"}},
    {"odd stateful set",
     "apps/v1/statefulsets",
     "",
     NAMED(GOOD ",\"ordinals\":{\"start\":-1},\"podManagementPolicy\":\"Odd\",\"updateStrategy\":{\"type\":"
                "\"Odd\"}"),
     NULL,
     {"spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'",
      "spec.updateStrategy: Invalid value: {\"Type\":\"Odd\",\"RollingUpdate\":null}: must be "
      "'RollingUpdate' or 'OnDelete'",
      "spec.ordinals.start: Invalid value: -1"}},
    {"a claim of nothing",
     "apps/v1/statefulsets",
     "",
     NAMED(GOOD ",\"volumeClaimTemplates\":[{\"metadata\":{\"name\":\"d\"},\"spec\":{}}]"),
     NULL,
     {"spec.volumeClaimTemplates[0].spec.accessModes: Required value",
      "spec.volumeClaimTemplates[0].spec.resources[storage]: Required value"}},
    {"OnDelete has no parameters",
     "apps/v1/statefulsets",
     "",
     NAMED(GOOD ",\"updateStrategy\":{\"type\":\"OnDelete\",\"rollingUpdate\":{\"partition\":1}}"),
     NULL,
     {"spec.updateStrategy.rollingUpdate: Invalid value: {\"Partition\":1,\"MaxUnavailable\":null}: only "
      "allowed"}},
    {"stateful set keeps",
     "apps/v1/statefulsets",
     "",
     NAMED(GOOD ",\"serviceName\":\"b\",\"podManagementPolicy\":\"Parallel\""),
     NAMED(GOOD ",\"serviceName\":\"a\""),
     {"spec.serviceName: Invalid value: \"b\": field is immutable",
      "spec.podManagementPolicy: Invalid value: \"Parallel\": field is immutable"}},
    {"daemon set surges and stops",
     "apps/v1/daemonsets",
     "",
     NAMED(GOOD ",\"updateStrategy\":{\"rollingUpdate\":{\"maxSurge\":1,\"maxUnavailable\":1}}"),
     NULL,
     {"spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is "
      "non-zero"}},
    {"daemon set strategy",
     "apps/v1/daemonsets",
     "",
     NAMED(GOOD ",\"updateStrategy\":{\"type\":\"Odd\"}"),
     NULL,
     {"spec.updateStrategy: Unsupported value: {\"Type\":\"Odd\",\"RollingUpdate\":null}: supported values: "
      "\"RollingUpdate\", \"OnDelete\""}},
    {"revision without data",
     "apps/v1/controllerrevisions",
     "",
     "{\"metadata\":{\"name\":\"n\"},\"revision\":-1}",
     NULL,
     {"revision: Invalid value: -1", "data: Required value: data is mandatory"}},
    {"revision data stays",
     "apps/v1/controllerrevisions",
     "",
     "{\"metadata\":{\"name\":\"n\"},\"data\":{\"a\":2}}",
     "{\"metadata\":{\"name\":\"n\"},\"data\":{\"a\":1}}",
     {"data: Invalid value: {\"a\":2}: field is immutable"}},

    {"a good job", "batch/v1/jobs", "", NAMED(ONCE), NULL, {NULL}},
    {"a job for ever",
     "batch/v1/jobs",
     "",
     NAMED("\"template\":{" POD "}"),
     NULL,
     {"spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""}},
    {"a selector of one's own",
     "batch/v1/jobs",
     "",
     NAMED(SELECTOR "," ONCE),
     NULL,
     {"spec.selector: Invalid value: "
      "{\"matchLabels\":{\"a\":\"b\",\"batch.kubernetes.io/controller-uid\":\"u\"}}: `selector` not "
      "auto-generated",
      "spec.template.metadata.labels: Invalid value: "
      "{\"batch.kubernetes.io/controller-uid\":\"u\",\"batch.kubernetes.io/job-name\":\"n\""}},
    {"a failure rule",
     "batch/v1/jobs",
     "",
     NAMED(ONCE ",\"podFailurePolicy\":{\"rules\":[{\"action\":\"Odd\"}]}"),
     NULL,
     {"spec.podFailurePolicy.rules[0].action: Unsupported value: \"Odd\"",
      "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of"}},
    {"exit codes",
     "batch/v1/jobs",
     "",
     NAMED(ONCE ",\"podFailurePolicy\":{\"rules\":[{\"action\":\"FailJob\",\"onExitCodes\":{\"operator\":"
                "\"In\",\"values\":[3,0,3]}}]}"),
     NULL,
     {"spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In "
      "operator",
      "spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 3",
      "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,0,3]: must be ordered"}},
    {"limits per index need indexes",
     "batch/v1/jobs",
     "",
     NAMED(ONCE ",\"backoffLimitPerIndex\":1,\"successPolicy\":{\"rules\":[]}"),
     NULL,
     {"spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
      "spec.successPolicy: Invalid value: {\"Rules\":null}: requires indexed completion mode"}},
    {"success of indexes",
     "batch/v1/jobs",
     "",
     NAMED(ONCE ",\"completionMode\":\"Indexed\",\"completions\":3,\"successPolicy\":{\"rules\":[{},{"
                "\"succeededIndexes\":\"1-4\"},"
                "{\"succeededIndexes\":\"0,2\",\"succeededCount\":3}]}"),
     NULL,
     {"spec.successPolicy.rules[0]: Required value",
      "spec.successPolicy.rules[1].succeededIndexes: Invalid value: \"1-4\": error parsing",
      "spec.successPolicy.rules[2].succeededCount: Invalid value: 3: must be less than or equal to 2"}},
    {"completions stay",
     "batch/v1/jobs",
     "",
     NAMED("\"manualSelector\":true," SELECTOR ",\"completions\":3," TEMPLATE),
     NAMED("\"manualSelector\":true," SELECTOR ",\"completions\":1," TEMPLATE),
     {"spec.template.spec.restartPolicy: Required value",
      "spec.completions: Invalid value: 3: field is immutable"}},
    {"job status",
     "batch/v1/jobs",
     "status",
     STATUS("\"active\":1,\"ready\":2,\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]"),
     STATUS("\"failed\":1"),
     {"status.completionTime: Required value",
      "status.conditions: Invalid value: cannot set Complete=True condition without",
      "status.active: Invalid value: 1: active>0 is invalid for finished job",
      "status.startTime: Required value",
      "status.ready: Invalid value: 2: cannot set more ready pods than active",
      "status.failed: Invalid value: 0: cannot decrease"}},
    {"a good cron job",
     "batch/v1/cronjobs",
     "",
     CRON("\"schedule\":\"*/5 0-12 * jan mon-fri\""),
     NULL,
     {NULL}},
    {"no schedule",
     "batch/v1/cronjobs",
     "",
     CRON("\"schedule\":\"\""),
     NULL,
     {"spec.schedule: Required value"}},
    {"minute 61",
     "batch/v1/cronjobs",
     "",
     CRON("\"schedule\":\"61 * * * *\""),
     NULL,
     {"spec.schedule: Invalid value: \"61 * * * *\": end of range (61) above maximum (59): 61"}},
    {"a zone in the schedule",
     "batch/v1/cronjobs",
     "",
     CRON("\"schedule\":\"TZ=UTC 0 0 * * *\""),
     NULL,
     {"spec.schedule: Invalid value: \"TZ=UTC 0 0 * * *\": cannot use TZ or CRON_TZ in schedule"}},
    {"a bad zone",
     "batch/v1/cronjobs",
     "",
     CRON("\"schedule\":\"@daily\",\"timeZone\":\"Mo on/Base\""),
     NULL,
     {"spec.timeZone: Invalid value: \"Mo on/Base\": unknown time zone Mo on/Base"}},
    {"odd cron job",
     "batch/v1/cronjobs",
     "",
     CRON("\"schedule\":\"0 0 * * "
          "*\",\"concurrencyPolicy\":\"Perhaps\",\"startingDeadlineSeconds\":-1,\"failedJobsHistoryLimit\":-"
          "1"),
     NULL,
     {"spec.startingDeadlineSeconds: Invalid value: -1",
      "spec.concurrencyPolicy: Unsupported value: \"Perhaps\"",
      "spec.failedJobsHistoryLimit: Invalid value: -1"}},

    {"budget with both",
     "policy/v1/poddisruptionbudgets",
     "",
     NAMED("\"minAvailable\":1,\"maxUnavailable\":1," SELECTOR),
     NULL,
     {"spec: Invalid value: "
      "{\"MinAvailable\":1,\"Selector\":{\"matchLabels\":{\"a\":\"b\"}},\"MaxUnavailable\":1,"
      "\"UnhealthyPodEvictionPolicy\":null}"}},
    {"budget amounts",
     "policy/v1/poddisruptionbudgets",
     "",
     NAMED("\"maxUnavailable\":\"101%\",\"unhealthyPodEvictionPolicy\":\"Odd\""),
     NULL,
     {"spec.maxUnavailable: Invalid value: \"101%\"",
      "spec.unhealthyPodEvictionPolicy: Unsupported value: \"Odd\""}},
    {"autoscaler bounds",
     "autoscaling/v2/horizontalpodautoscalers",
     "",
     NAMED("\"minReplicas\":5,\"maxReplicas\":2,\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"d\"}"),
     NULL,
     {"spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`",
      "spec.scaleTargetRef.apiVersion: Invalid value: \"\": apiVersion must specify API group"}},
    {"autoscaler of nothing",
     "autoscaling/v2/horizontalpodautoscalers",
     "",
     NAMED("\"minReplicas\":0,\"maxReplicas\":0"),
     NULL,
     {"spec.scaleTargetRef.kind: Required value", "spec.scaleTargetRef.name: Required value",
      "spec.scaleTargetRef.apiVersion: Invalid value", "spec.metrics: Forbidden",
      "spec.maxReplicas: Required value"}},
    {"autoscaler metrics",
     "autoscaling/v2/horizontalpodautoscalers",
     "",
     NAMED(TARGET ",\"maxReplicas\":3,\"metrics\":[{\"type\":\"Resource\"},{\"type\":\"Pods\",\"pods\":{"
                  "\"metric\":{\"name\":\"x\"},"
                  "\"target\":{\"type\":\"Utilization\"}}},{\"type\":\"Resource\",\"resource\":{\"name\":"
                  "\"cpu\",\"target\":"
                  "{\"type\":\"Value\",\"averageUtilization\":0}},\"pods\":{}}]"),
     NULL,
     {"spec.metrics[0].resource: Required value", "spec.metrics[1].pods.target.averageValue: Required value",
      "spec.metrics[2].pods.metric.name: Required value", "spec.metrics[2].pods.target.type: Required value",
      "spec.metrics[2].pods.target.type: Invalid value: \"\"",
      "spec.metrics[2].pods.target.averageValue: Required value", "spec.metrics[2].pods: Forbidden"}},
};

static void test_rules(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        rule_check(kinds_workloads, &cases[i]);
}

static const char *shown_object(struct arena *arena, const struct rule_case *c)
{
    struct value object;
    cleanup_buf struct buf out = BUF_INIT(1 << 20);
    rule_run(arena, kinds_workloads, c, &object, NULL);
    encode_json_type(&out, rule_resource(c->resource)->type, &object);
    return arena_strdup(arena, buf_slice(&out));
}

/* What a write sets: a deployment's generation counts annotations, a daemon set's template its own number. */
static void test_prepared(void **state)
{
    static const struct {
        struct rule_case write;
        const char *part;
    } rows[] = {
        {{"create", "apps/v1/deployments", "", NAMED(GOOD), NULL, {NULL}}, "\"generation\":1"},
        {{"annotate",
          "apps/v1/deployments",
          "",
          "{\"metadata\":{\"name\":\"n\",\"annotations\":{\"a\":\"b\"}},\"spec\":{" GOOD "}}",
          "{\"metadata\":{\"name\":\"n\",\"generation\":4},\"spec\":{" GOOD "}}",
          {NULL}},
         "\"generation\":5"},
        {{"label",
          "apps/v1/deployments",
          "",
          "{\"metadata\":{\"name\":\"n\",\"labels\":{\"a\":\"b\"}},\"spec\":{" GOOD "}}",
          "{\"metadata\":{\"name\":\"n\",\"generation\":4},\"spec\":{" GOOD "}}",
          {NULL}},
         "\"generation\":4"},
        {{"create", "apps/v1/daemonsets", "", NAMED(GOOD), NULL, {NULL}},
         "\"deprecated.daemonset.template.generation\":\"1\""},
        {{"job labels", "batch/v1/jobs", "", NAMED(ONCE), NULL, {NULL}}, "\"job-name\":\"n\""},
        {{"job selector", "batch/v1/jobs", "", NAMED(ONCE), NULL, {NULL}},
         "\"selector\":{\"matchLabels\":{\"batch.kubernetes.io/controller-uid\":\"u\"}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const char *have = shown_object(arena, &rows[i].write);
        if (!strstr(have, rows[i].part))
            fail_msg("%s %s: %s is not in %s", rows[i].write.resource, rows[i].write.title, rows[i].part,
                     have);
    }
}

static void test_cron(void **state)
{
    static const struct {
        const char *schedule, *why;
    } rows[] = {
        {"@every 1h30m", NULL},
        {"@hourly", NULL},
        {"0 0 1,15 * ?", NULL},
        {"5/15 * * * *", NULL},
        {"CRON_TZ=UTC 0 0 * * *", NULL},
        {"@never", "unrecognized descriptor: @never"},
        {"@every x", "failed to parse duration"},
        {"not cron", "expected exactly 5 fields, found 2: [not cron]"},
        {"* * 0 * *", "beginning of range (0) below minimum (1): 0"},
        {"9-3 * * * *", "beginning of range (9) beyond end of range (3): 9-3"},
        {"*/0 * * * *", "step of range should be a positive number: */0"},
        {"1-2-3 * * * *", "too many hyphens: 1-2-3"},
        {"1/2/3 * * * *", "too many slashes: 1/2/3"},
        {"x * * * *", "failed to parse int from x"},
        {"TZ=0", "invalid schedule format"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const char *why = cron_check(arena, slice_str(rows[i].schedule));
        if ((why == NULL) != (rows[i].why == NULL) ||
            (why && strncmp(why, rows[i].why, strlen(rows[i].why)) != 0))
            fail_msg("\"%s\"\n  want: %s\n  have: %s", rows[i].schedule, rows[i].why ? rows[i].why : "good",
                     why ? why : "good");
    }
}

static void test_durations(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {{-5, "<invalid>"},
                {-1, "0s"},
                {119, "119s"},
                {121, "2m1s"},
                {600, "10m"},
                {3 * 3600, "3h"},
                {3 * 3600 + 60, "3h1m"},
                {47 * 3600, "47h"},
                {49 * 3600, "2d1h"},
                {9 * 86400, "9d"},
                {800 * 86400LL, "2y70d"},
                {3650 * 86400LL, "10y"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        assert_string_equal(human_duration(arena, rows[i].seconds).ptr, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules), cmocka_unit_test(test_prepared),
                                       cmocka_unit_test(test_cron), cmocka_unit_test(test_durations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
