#include "apiserver/kinds/rule_cases.h"

#include <string.h>

#define META    "\"metadata\":{\"name\":\"p\",\"namespace\":\"n\"}"
#define C       "{\"name\":\"c\",\"image\":\"x\"}"
#define POD(x)  "{" META ",\"spec\":{" x "}}"
#define WITH(x) POD("\"containers\":[" C "]," x)
#define CTR(x)  POD("\"containers\":[{\"name\":\"c\",\"image\":\"x\"," x "}]")
#define VOL(x)  WITH("\"volumes\":[{\"name\":\"v\"," x "}]")

static const struct rule_case cases[] = {
    {"a plain pod", "v1/pods", "", WITH("\"nodeName\":\"n1\""), NULL, {NULL}, NULL},
    {"no containers",
     "v1/pods",
     "",
     POD("\"restartPolicy\":\"Odd\""),
     NULL,
     {"spec.containers: Required value", "spec.restartPolicy: Unsupported value: \"Odd\""},
     NULL},
    {"names and images",
     "v1/pods",
     "",
     POD("\"containers\":[{\"name\":\"C_\",\"image\":\" x\"},{}]"),
     NULL,
     {"spec.containers[0].name: Invalid value: \"C_\"", "spec.containers[1].name: Required value",
      "spec.containers[1].image: Required value", "spec.containers[0].image: Invalid value: \" x\""},
     NULL},
    {"two containers of one name",
     "v1/pods",
     "",
     POD("\"containers\":[" C "," C "]"),
     NULL,
     {"spec.containers[1].name: Duplicate value: \"c\""},
     NULL},
    {"ports",
     "v1/pods",
     "",
     CTR("\"ports\":[{\"containerPort\":0,\"name\":\"A--\"},{\"containerPort\":70000,\"protocol\":\"x\"}]"),
     NULL,
     {"spec.containers[0].ports[0].name: Invalid value: \"A--\"",
      "spec.containers[0].ports[0].name: Invalid value: \"A--\"",
      "spec.containers[0].ports[0].name: Invalid value: \"A--\"",
      "spec.containers[0].ports[0].name: Invalid value: \"A--\"",
      "spec.containers[0].ports[0].containerPort: Required value",
      "spec.containers[0].ports[1].containerPort: Invalid value: 70000",
      "spec.containers[0].ports[1].protocol: Unsupported value: \"x\""},
     NULL},
    {"host ports that meet",
     "v1/pods",
     "",
     CTR("\"ports\":[{\"containerPort\":1,\"hostPort\":5},{\"containerPort\":2,\"hostPort\":5}]"),
     NULL,
     {"spec.containers[0].ports[1].hostPort: Duplicate value: \"TCP//5\""},
     NULL},
    {"environment",
     "v1/pods",
     "",
     CTR("\"env\":[{\"name\":\"A=\"},{\"name\":\"B\",\"valueFrom\":{}},{\"name\":\"D\",\"valueFrom\":{"
         "\"fieldRef\":{\"fieldPath\":"
         "\"spec.odd\"}}},{\"name\":\"E\",\"value\":\"v\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\","
         "\"key\":\"k\"}}}]"),
     NULL,
     {"spec.containers[0].env[0].name: Invalid value: \"A=\"",
      "spec.containers[0].env[1].valueFrom: Invalid value: \"\"",
      "spec.containers[0].env[2].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.odd\"",
      "spec.containers[0].env[3].valueFrom: Invalid value: \"\""},
     NULL},
    {"an environment from a file",
     "v1/pods",
     "",
     CTR("\"env\":[{\"name\":\"A\",\"valueFrom\":{\"fileKeyRef\":{\"key\":\"K\",\"volumeName\":\"v\","
         "\"path\":\"../p\"}}}]"),
     NULL,
     {"spec.containers[0].env[0].valueFrom.fileKeyRef.path: Invalid value: \"../p\"",
      "spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Not found: \"v\""},
     NULL},
    {"mounts",
     "v1/pods",
     "",
     CTR("\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/a\",\"subPath\":\"/"
         "b\"},{\"name\":\"v\",\"mountPath\":\"/a\"}]"),
     NULL,
     {"spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
      "spec.containers[0].volumeMounts.subPath: Invalid value: \"/b\"",
      "spec.containers[0].volumeMounts[1].name: Not found: \"v\"",
      "spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/a\": must be unique"},
     NULL},
    {"resources",
     "v1/pods",
     "",
     CTR("\"resources\":{\"limits\":{\"cpu\":\"1\",\"odd\":\"1\"},\"requests\":{\"cpu\":\"2\",\"example.com/"
         "gpu\":\"500m\"}}"),
     NULL,
     {"spec.containers[0].resources.limits[odd]: Invalid value: \"odd\"",
      "spec.containers[0].resources.limits[odd]: Invalid value: \"odd\"",
      "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit "
      "of 1",
      "spec.containers[0].resources.requests[example.com/gpu]: Invalid value: \"500m\": must be an integer",
      "spec.containers[0].resources.limits: Required value",
      "spec.containers[0].resources.requests[odd]: Invalid value: \"odd\"",
      "spec.containers[0].resources.requests[odd]: Invalid value: \"odd\""},
     NULL},
    {"probes",
     "v1/pods",
     "",
     CTR("\"livenessProbe\":{\"successThreshold\":2,\"exec\":{\"command\":[\"a\"]},\"tcpSocket\":{\"port\":0}"
         "},"
         "\"readinessProbe\":{\"terminationGracePeriodSeconds\":5,\"httpGet\":{\"port\":0}}"),
     NULL,
     {"spec.containers[0].livenessProbe.tcpSocket: Forbidden",
      "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
      "spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0",
      "spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 5"},
     NULL},
    {"privileges",
     "v1/pods",
     "",
     CTR("\"securityContext\":{\"runAsUser\":-1,\"seccompProfile\":{\"type\":\"Localhost\"}}"),
     NULL,
     {"spec.containers[0].securityContext.runAsUser: Invalid value: -1",
      "spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value"},
     NULL},
    {"an init container is no sidecar",
     "v1/pods",
     "",
     WITH("\"initContainers\":[{\"name\":\"c\",\"image\":\"x\",\"lifecycle\":{\"preStop\":{\"sleep\":{"
          "\"seconds\":1}}}}]"),
     NULL,
     {"spec.initContainers[0].name: Duplicate value: \"c\"", "spec.initContainers[0].lifecycle: Forbidden"},
     NULL},
    {"one volume of two kinds and one without a name",
     "v1/pods",
     "",
     WITH("\"volumes\":[{\"name\":\"a\"},{\"name\":\"b\",\"emptyDir\":{},\"hostPath\":{\"path\":\"/"
          "\"}},{\"emptyDir\":{}}]"),
     NULL,
     {"spec.volumes[1].hostPath: Forbidden: may not specify more than 1 volume type",
      "spec.volumes[2].name: Required value"},
     NULL},
    {"a volume twice",
     "v1/pods",
     "",
     WITH("\"volumes\":[{\"name\":\"a\",\"emptyDir\":{}},{\"name\":\"a\",\"emptyDir\":{}}]"),
     NULL,
     {"spec.volumes[1].name: Duplicate value: \"a\""},
     NULL},
    {"a host path",
     "v1/pods",
     "",
     VOL("\"hostPath\":{\"path\":\"/a/../b\",\"type\":\"Odd\"}"),
     NULL,
     {"spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
      "spec.volumes[0].hostPath.type: Unsupported value: \"Odd\""},
     NULL},
    {"iscsi",
     "v1/pods",
     "",
     VOL("\"iscsi\":{\"targetPortal\":\"1\",\"iqn\":\"iqn.2017-04.io.example:disk\",\"lun\":256}"),
     NULL,
     {"spec.volumes[0].iscsi.lun: Invalid value: 256"},
     NULL},
    {"nfs",
     "v1/pods",
     "",
     VOL("\"nfs\":{\"server\":\"s\",\"path\":\"a\"}"),
     NULL,
     {"spec.volumes[0].nfs.path: Invalid value: \"a\": must be an absolute path"},
     NULL},
    {"projected",
     "v1/pods",
     "",
     WITH("\"serviceAccountName\":\"a\",\"serviceAccount\":\"a\",\"volumes\":[{\"name\":\"v\",\"projected\":{"
          "\"sources\":["
          "{\"serviceAccountToken\":{\"path\":\"t\",\"expirationSeconds\":1}},{\"downwardAPI\":{\"items\":[{"
          "\"path\":\"l\"}]}}]}}]"),
     NULL,
     {"spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1",
      "spec.volumes[0].projected.sources[1].downwardAPI: Required value"},
     NULL},
    {"DNS without servers",
     "v1/pods",
     "",
     WITH("\"dnsPolicy\":\"None\""),
     NULL,
     {"spec.dnsConfig: Required value"},
     NULL},
    {"tolerations",
     "v1/pods",
     "",
     WITH("\"tolerations\":[{\"operator\":\"Equal\"},{\"key\":\"a\",\"operator\":\"Exists\",\"value\":\"v\","
          "\"effect\":\"Odd\"}]"),
     NULL,
     {"spec.tolerations[0].operator: Invalid value: \"Equal\"",
      "spec.tolerations[1].operator: Invalid value: \"v\"",
      "spec.tolerations[1].effect: Unsupported value: \"Odd\""},
     NULL},
    {"spreading",
     "v1/pods",
     "",
     WITH(
         "\"topologySpreadConstraints\":[{\"maxSkew\":0,\"topologyKey\":\"z\",\"whenUnsatisfiable\":\"Odd\"},"
         "{\"maxSkew\":1,\"topologyKey\":\"z\",\"whenUnsatisfiable\":\"Odd\"}]"),
     NULL,
     {"spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0",
      "spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: \"Odd\"",
      "spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: \"{z, Odd}\"",
      "spec.topologySpreadConstraints[1].whenUnsatisfiable: Unsupported value: \"Odd\""},
     NULL},
    {"host users",
     "v1/pods",
     "",
     WITH("\"hostUsers\":false,\"hostNetwork\":true,\"hostPID\":true"),
     NULL,
     {"spec.hostNetwork: Forbidden", "spec.HostPID: Forbidden"},
     NULL},
    {"Windows",
     "v1/pods",
     "",
     WITH("\"os\":{\"name\":\"windows\"},\"securityContext\":{\"runAsUser\":1},\"hostPID\":true"),
     NULL,
     {"spec.securityContext.runAsUser: Forbidden", "spec.hostPID: Forbidden"},
     NULL},
    {"the pod as a whole",
     "v1/pods",
     "",
     POD("\"resources\":{\"requests\":{\"cpu\":\"1\"}},\"containers\":[{\"name\":\"c\",\"image\":\"x\","
         "\"resources\":{\"requests\":{"
         "\"cpu\":\"2\"}}}]"),
     NULL,
     {"spec.resources.requests[cpu]: Invalid value: \"1\""},
     NULL},
    {"claims",
     "v1/pods",
     "",
     POD("\"containers\":[{\"name\":\"c\",\"image\":\"x\",\"resources\":{\"claims\":[{\"name\":\"a\"},{"
         "\"name\":\"a\",\"request\":\"r\"}]}}]"),
     NULL,
     {"spec.containers[0].resources.claims[0]: Not found: \"a\"",
      "spec.containers[0].resources.claims[1]: Duplicate value: \"a\"",
      "spec.containers[0].resources.claims[1]: Not found: \"a\""},
     NULL},
    {"gated and bound",
     "v1/pods",
     "",
     WITH("\"nodeName\":\"n1\",\"schedulingGates\":[{\"name\":\"a\"},{\"name\":\"a\"}]"),
     NULL,
     {"spec.schedulingGates[1]: Duplicate value: \"a\"", "spec.nodeName: Forbidden"},
     NULL},
    {"an image may change",
     "v1/pods",
     "",
     POD("\"containers\":[{\"name\":\"c\",\"image\":\"y\",\"imagePullPolicy\":\"Always\"}]"),
     WITH("\"hostname\":\"\""),
     {NULL},
     NULL},
    {"a name may not",
     "v1/pods",
     "",
     POD("\"containers\":[{\"name\":\"d\",\"image\":\"x\"}]"),
     POD("\"containers\":[" C "]"),
     {"spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"},
     NULL},
    {"a container more",
     "v1/pods",
     "",
     POD("\"containers\":[" C ",{\"name\":\"d\",\"image\":\"x\"}]"),
     POD("\"containers\":[" C "]"),
     {"spec.containers: Forbidden: pod updates may not add or remove containers"},
     NULL},
    {"a deadline comes nearer only",
     "v1/pods",
     "",
     WITH("\"activeDeadlineSeconds\":9"),
     WITH("\"activeDeadlineSeconds\":8"),
     {"spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value"},
     NULL},
    {"tolerations are added only",
     "v1/pods",
     "",
     WITH("\"tolerations\":[{\"key\":\"b\",\"operator\":\"Exists\"}]"),
     WITH("\"tolerations\":[{\"key\":\"a\",\"operator\":\"Exists\"}]"),
     {"spec.tolerations: Forbidden"},
     NULL},
    {"gates are removed only",
     "v1/pods",
     "",
     WITH("\"schedulingGates\":[{\"name\":\"b\"}]"),
     WITH("\"schedulingGates\":[{\"name\":\"a\"}]"),
     {"spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'b'"},
     NULL},
    {"a gated pod may be steered",
     "v1/pods",
     "",
     WITH("\"schedulingGates\":[{\"name\":\"a\"}],\"nodeSelector\":{\"a\":\"b\"}"),
     WITH("\"schedulingGates\":[{\"name\":\"a\"}]"),
     {NULL},
     NULL},
    {"an ephemeral container is added",
     "v1/pods",
     "ephemeralcontainers",
     WITH("\"hostPID\":true,\"ephemeralContainers\":[{\"name\":\"e\",\"image\":\"x\",\"targetContainerName\":"
          "\"odd\",\"ports\":[{\"containerPort\":1}]}]"),
     POD("\"containers\":[" C "]"),
     {"spec.ephemeralContainers[0].targetContainerName: Not found: \"odd\"",
      "spec.ephemeralContainers[0].ports: Forbidden"},
     NULL},
    {"and stays",
     "v1/pods",
     "ephemeralcontainers",
     POD("\"containers\":[" C "]"),
     WITH("\"ephemeralContainers\":[{\"name\":\"e\",\"image\":\"x\"}]"),
     {"spec.ephemeralContainers: Forbidden: existing ephemeral containers \"e\" may not be removed"},
     NULL},
    {"a resize keeps the class",
     "v1/pods",
     "resize",
     CTR("\"resources\":{\"requests\":{\"cpu\":\"1\"}}"),
     "{" META ",\"spec\":{\"containers\":[" C "]},\"status\":{\"qosClass\":\"BestEffort\"}}",
     {"spec: Invalid value: \"BestEffort\": Pod QOS Class may not change as a result of resizing"},
     NULL},
    {"a resize of cpu",
     "v1/pods",
     "resize",
     CTR("\"resources\":{\"requests\":{\"cpu\":\"2\"}}"),
     CTR("\"resources\":{\"requests\":{\"cpu\":\"1\"}}"),
     {NULL},
     NULL},
    {"a resize of something else",
     "v1/pods",
     "resize",
     CTR("\"resources\":{\"requests\":{\"cpu\":\"1\",\"ephemeral-storage\":\"1\"}}"),
     CTR("\"resources\":{\"requests\":{\"cpu\":\"1\"}}"),
     {"spec: Forbidden: only cpu and memory resources are mutable"},
     NULL},
    {"a template has no ephemeral containers",
     "v1/podtemplates",
     "",
     "{" META ",\"template\":{\"metadata\":{\"labels\":{\"a\":\"-\"}},\"spec\":{\"containers\":[" C
     "],\"ephemeralContainers\":[{\"name\":"
     "\"e\",\"image\":\"x\"}]}}}",
     NULL,
     {"template.labels: Invalid value: \"-\"", "template.spec.ephemeralContainers: Forbidden"},
     NULL},
};

static void test_rules(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        rule_check(kinds_pods, &cases[i]);
}

static struct value made(struct arena *arena, const char *object, const char *old, const char *subresource)
{
    struct rule_case c = {"", "v1/pods", subresource, object, old, {NULL}, NULL};
    struct value pod;
    rule_run(arena, kinds_pods, &c, &pod, NULL);
    return pod;
}

static void is_text(struct slice have, const char *want)
{
    if (!slice_is(have, want))
        fail_msg("want \"%s\", have \"%.*s\"", want, SLICE_ARG(have));
}

static void test_a_new_pod_has_a_phase_and_a_class(void **state)
{
    static const struct {
        const char *pod, *class;
    } classes[] = {
        {POD("\"containers\":[" C "]"), "BestEffort"},
        {CTR("\"resources\":{\"requests\":{\"cpu\":\"1\"}}"), "Burstable"},
        {CTR("\"resources\":{\"limits\":{\"cpu\":\"1\",\"memory\":\"1Gi\"}}"), "Guaranteed"},
        {CTR("\"resources\":{\"limits\":{\"cpu\":\"1\"}}"), "Burstable"},
        {POD("\"containers\":[{\"name\":\"a\",\"image\":\"x\",\"resources\":{\"limits\":{\"cpu\":\"1\","
             "\"memory\":\"1\"}}},"
             "{\"name\":\"b\",\"image\":\"x\"}]"),
         "Burstable"},
        {WITH("\"resources\":{\"limits\":{\"cpu\":\"1\",\"memory\":\"1Gi\"}}"), "Guaranteed"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value pod = made(arena, classes[i].pod, NULL, "");
        is_text(value_text(value_path(&pod, "status.phase")), "Pending");
        is_text(value_text(value_path(&pod, "status.qosClass")), classes[i].class);
    }
}

static void test_a_gated_pod_says_so(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value pod = made(arena, WITH("\"schedulingGates\":[{\"name\":\"a\"}]"), NULL, "");
    const struct value *conditions = value_path(&pod, "status.conditions");
    assert_int_equal(value_count(conditions), 1);
    is_text(value_text(value_path(value_item(conditions, 0), "reason")), "SchedulingGated");
}

static void test_the_status_of_a_client_is_dropped_and_kept_on_updates(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const char *running = "{" META ",\"spec\":{\"containers\":[" C "]},\"status\":{\"phase\":\"Running\"}}";
    struct value pod = made(arena, running, NULL, "");
    is_text(value_text(value_path(&pod, "status.phase")), "Pending");
    pod = made(arena, POD("\"containers\":[" C "]"), running, "");
    is_text(value_text(value_path(&pod, "status.phase")), "Running");
}

static void test_fields_of_features_that_are_off_go(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value pod = made(arena, CTR("\"lifecycle\":{\"stopSignal\":\"SIGUSR1\"}"), NULL, "");
    const struct value *container = value_item(value_path(&pod, "spec.containers"), 0);
    assert_false(value_is_set(value_path(container, "lifecycle")));
}

static void test_the_grace_of_a_deletion(void **state)
{
    static const struct {
        const char *pod;
        int64_t asked, want;
    } graces[] = {{POD("\"containers\":[" C "]"), -1, 0},
                  {WITH("\"nodeName\":\"n\""), -1, 30},
                  {WITH("\"nodeName\":\"n\",\"terminationGracePeriodSeconds\":7"), -1, 7},
                  {WITH("\"nodeName\":\"n\""), 5, 5},
                  {WITH("\"nodeName\":\"n\""), 0, 0},
                  {WITH("\"nodeName\":\"n\""), -2, 1},
                  {"{" META ",\"spec\":{\"nodeName\":\"n\"},\"status\":{\"phase\":\"Failed\"}}", 9, 0}};
    const struct schema_resource *pods = rule_resource("v1/pods");
    for (size_t i = 0; i < sizeof graces / sizeof *graces; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value pod = rule_decode(arena, pods, graces[i].pod);
        int64_t have = rule_kind(kinds_pods, pods)->grace_seconds(&pod, graces[i].asked);
        if (have != graces[i].want)
            fail_msg("case %zu: want %lld, have %lld", i, (long long)graces[i].want, (long long)have);
    }
}

#define STATUS(x) "{" META ",\"spec\":{\"containers\":[" C "]},\"status\":{" x "}}"
#define INIT(x)                                                                                              \
    "{" META ",\"spec\":{\"initContainers\":[{\"name\":\"i\"}],\"containers\":[" C "]},\"status\":{" x "}}"
#define STATE(x) "\"state\":{" x "}"
#define ONE(x)   "\"containerStatuses\":[{\"name\":\"c\"," x "}]"

static void test_rows(void **state)
{
    static const struct {
        const char *pod, *ready, *status, *restarts;
    } rows[] = {
        {STATUS("\"phase\":\"Pending\""), "0/1", "Pending", "0"},
        {STATUS("\"phase\":\"Running\"," ONE("\"ready\":true,\"restartCount\":2," STATE("\"running\":{}"))),
         "1/1", "Running", "2"},
        {STATUS("\"phase\":\"Running\"," ONE("\"restartCount\":3," STATE(
             "\"waiting\":{\"reason\":\"CrashLoopBackOff\"}") ",\"lastState\":{\"terminated\":{\"exitCode\":"
                                                              "1,\"finishedAt\":\"2023-11-14T22:12:20Z\"}}")),
         "0/1", "CrashLoopBackOff", "3 (60s ago)"},
        {STATUS("\"phase\":\"Failed\"," ONE(STATE("\"terminated\":{\"exitCode\":137}"))), "0/1",
         "ExitCode:137", "0"},
        {STATUS("\"phase\":\"Failed\"," ONE(STATE("\"terminated\":{\"exitCode\":1,\"signal\":9}"))), "0/1",
         "Signal:9", "0"},
        {STATUS("\"phase\":\"Succeeded\"," ONE(
             STATE("\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\"}"))),
         "0/1", "Completed", "0"},
        {STATUS("\"phase\":\"Failed\",\"reason\":\"Evicted\""), "0/1", "Evicted", "0"},
        {INIT("\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\"," STATE(
             "\"running\":{}") "}]"),
         "0/1", "Init:0/1", "0"},
        {INIT("\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\"," STATE(
             "\"terminated\":{\"exitCode\":2}") "}]"),
         "0/1", "Init:ExitCode:2", "0"},
        {"{\"metadata\":{\"name\":\"p\",\"deletionTimestamp\":\"2023-11-14T22:12:20Z\"},\"spec\":{"
         "\"containers\":[" C "]},\"status\":{\"phase\":\"Running\"}}",
         "0/1", "Terminating", "0"},
        {STATUS("\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
                "\"reason\":\"SchedulingGated\"}]"),
         "0/1", "SchedulingGated", "0"},
    };
    const struct schema_resource *pods = rule_resource("v1/pods");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value pod = rule_decode(arena, pods, rows[i].pod), cells[9] = {{0}};
        rule_kind(kinds_pods, pods)->row(arena, &pod, 1700000000, cells);
        is_text(value_text(&cells[1]), rows[i].ready);
        is_text(value_text(&cells[2]), rows[i].status);
        is_text(value_text(&cells[3]), rows[i].restarts);
        is_text(value_text(&cells[6]), "<none>");
    }
}

static void test_statuses(void **state)
{
    static const struct rule_case statuses[] = {
        {"addresses",
         "v1/pods",
         "status",
         STATUS("\"podIP\":\"1.2.3.5\",\"podIPs\":[{\"ip\":\"1.2.3.5\"},{\"ip\":\"1.2.3.6\"}],\"hostIP\":\"1."
                "1.1.1\",\"hostIPs\":[{\"ip\":\"odd\"}]"),
         POD("\"containers\":[" C "]"),
         {"status.podIPs: Invalid value: ", "status.hostIPs[0].ip: Invalid value: \"odd\"",
          "status.hostIPs[0]: Invalid value: \"odd\""},
         NULL},
        {"what ended stays ended",
         "v1/pods",
         "status",
         "{" META ",\"status\":{" ONE(STATE("\"running\":{}")) "}}",
         "{" META ",\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[" C
         "]},\"status\":{" ONE(STATE("\"terminated\":{\"exitCode\":0}")) "}}",
         {"status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"},
         NULL},
        {"the class stays",
         "v1/pods",
         "status",
         STATUS("\"qosClass\":\"Burstable\""),
         STATUS("\"qosClass\":\"BestEffort\""),
         {"status.qosClass: Invalid value: \"Burstable\": field is immutable"},
         NULL},
    };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        rule_check(kinds_pods, &statuses[i]);
}

static void test_warnings(void **state)
{
    static const struct {
        const char *pod, *warning; /* how the only one begins; NULL: none */
    } warnings[] = {
        {POD("\"containers\":[" C "]"), NULL},
        {WITH("\"nodeSelector\":{\"beta.kubernetes.io/os\":\"linux\"}"),
         "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14"},
        {CTR("\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"A\",\"value\":\"2\"}]"),
         "spec.containers[0].env[1]: hides previous definition of \"A\""},
        {CTR("\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"A\",\"value\":\"$(A)2\"}]"), NULL},
        {CTR("\"ports\":[{\"containerPort\":1},{\"containerPort\":1}]"),
         "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]"},
        {CTR("\"resources\":{\"limits\":{\"memory\":\"1m\"}}"),
         "spec.containers[0].resources.limits[memory]: fractional byte value"},
        {WITH("\"volumes\":[{\"name\":\"v\",\"gitRepo\":{\"repository\":\"r\"}}]"),
         "spec.volumes[0].gitRepo: deprecated in v1.11"},
        {WITH("\"volumes\":[{\"name\":\"v\",\"configMap\":{\"name\":\"m\",\"items\":[{\"key\":\"a\",\"path\":"
              "\"p\"},{\"key\":\"b\",\"path\":\"p/q\"}]}}]"),
         "volume \"v\" (ConfigMap \"m\"): overlapping paths: \"p/q\" with \"p\""},
        {WITH("\"hostname\":\"A_\",\"nodeSelector\":{\"beta.kubernetes.io/os\":\"linux\"}"),
         NULL}, /* refused: no warnings */
    };
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct rule_case c = {"", "v1/pods", "", warnings[i].pod, NULL, {NULL}, NULL};
        struct decode_findings found = {.arena = arena};
        struct value pod;
        rule_run(arena, kinds_pods, &c, &pod, &found);
        const char *want = warnings[i].warning, *have = found.count ? found.items[0] : NULL;
        if (want ? !have || strncmp(have, want, strlen(want)) != 0 : have != NULL)
            fail_msg("case %zu: want %s, have %s", i, want ? want : "nothing", have ? have : "nothing");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_a_new_pod_has_a_phase_and_a_class),
        cmocka_unit_test(test_a_gated_pod_says_so),
        cmocka_unit_test(test_the_status_of_a_client_is_dropped_and_kept_on_updates),
        cmocka_unit_test(test_fields_of_features_that_are_off_go),
        cmocka_unit_test(test_the_grace_of_a_deletion),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
