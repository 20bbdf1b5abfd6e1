#include "apiserver/kinds/eviction.h"
#include "apiserver/kinds/rule_cases.h"

#define RUNNING(ready)                                                                                       \
    "{\"metadata\":{\"name\":\"p\",\"namespace\":\"x\",\"labels\":{\"a\":\"b\"}},\"status\":{\"phase\":"     \
    "\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"" ready "\"}]}}"
#define PHASE(phase)                                                                                         \
    "{\"metadata\":{\"name\":\"p\",\"namespace\":\"x\",\"labels\":{\"a\":\"b\"}},\"status\":{\"phase\":"     \
    "\"" phase "\"}}"
#define BUDGET(status)                                                                                       \
    "{\"metadata\":{\"name\":\"b\",\"namespace\":\"x\",\"generation\":1},\"spec\":{\"selector\":{"           \
    "\"matchLabels\":{\"a\":\"b\"}}},\"status\":{" status "}}"
#define OTHER                                                                                                \
    "{\"metadata\":{\"name\":\"o\",\"namespace\":\"x\"},\"spec\":{\"selector\":{\"matchLabels\":{\"z\":"     \
    "\"b\"}}}}"
#define ALWAYS                                                                                               \
    "{\"metadata\":{\"name\":\"b\",\"namespace\":\"x\",\"generation\":1},\"spec\":{\"selector\":{},"         \
    "\"unhealthyPodEvictionPolicy\":\"AlwaysAllow\"}}"

static const struct row {
    const char *title, *pod, *budgets[2];
    enum eviction verdict;
    enum reason reason;
    int code, retry_after;
    const char *cause; /* or the part of the changed budget */
} rows[] = {
    {"pending", PHASE("Pending"), {BUDGET("")}, EVICTION_FREE, REASON_NONE, 0, 0, NULL},
    {"failed", PHASE("Failed"), {BUDGET("")}, EVICTION_FREE, REASON_NONE, 0, 0, NULL},
    {"no budget", RUNNING("True"), {OTHER}, EVICTION_FREE, REASON_NONE, 0, 0, NULL},
    {"not looked at yet",
     RUNNING("True"),
     {BUDGET("")},
     EVICTION_REFUSED,
     REASON_TOO_MANY_REQUESTS,
     429,
     10,
     "The disruption budget b is still being processed by the server."},
    {"exhausted",
     RUNNING("True"),
     {BUDGET("\"observedGeneration\":1,\"currentHealthy\":1,\"desiredHealthy\":1"), OTHER},
     EVICTION_REFUSED,
     REASON_TOO_MANY_REQUESTS,
     429,
     0,
     "The disruption budget b needs 1 healthy pods and has 1 currently"},
    {"failed to sync",
     RUNNING("True"),
     {BUDGET("\"observedGeneration\":1,\"conditions\":[{\"type\":\"DisruptionAllowed\",\"status\":\"False\","
             "\"reason\":\"SyncFailed\",\"message\":\"oops\"}]")},
     EVICTION_REFUSED,
     REASON_TOO_MANY_REQUESTS,
     429,
     0,
     "The disruption budget b does not allow evicting pods currently because it failed sync: oops"},
    {"below zero",
     RUNNING("True"),
     {BUDGET("\"observedGeneration\":1,\"disruptionsAllowed\":-1")},
     EVICTION_REFUSED,
     REASON_FORBIDDEN,
     403,
     0,
     "The disruption budget b does not allow evicting pods currently: pdb disruptions allowed is negative"},
    {"two budgets", RUNNING("True"), {BUDGET(""), ALWAYS}, EVICTION_REFUSED, REASON_UNKNOWN, 500, 0, NULL},
    {"unready, always", RUNNING("False"), {ALWAYS}, EVICTION_UNHEALTHY, REASON_NONE, 0, 0, NULL},
    {"unready, others healthy",
     RUNNING("False"),
     {BUDGET("\"currentHealthy\":2,\"desiredHealthy\":2")},
     EVICTION_UNHEALTHY,
     REASON_NONE,
     0,
     0,
     NULL},
    {"spent",
     RUNNING("True"),
     {BUDGET("\"observedGeneration\":1,\"disruptionsAllowed\":2")},
     EVICTION_SPEND,
     REASON_NONE,
     0,
     0,
     "\"disruptedPods\":{\"p\":\"2023-11-14T22:13:20Z\"},\"disruptionsAllowed\":1"},
    {"the last one spent",
     RUNNING("True"),
     {BUDGET("\"observedGeneration\":1,\"disruptionsAllowed\":1")},
     EVICTION_SPEND,
     REASON_NONE,
     0,
     0,
     "{\"type\":\"DisruptionAllowed\",\"status\":\"False\",\"observedGeneration\":1,\"lastTransitionTime\":"
     "\"2023-11-14T22:13:20Z\",\"reason\":\"InsufficientPods\""},
};

static void check(const struct row *row)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct schema_resource *pdbs = rule_resource("policy/v1/poddisruptionbudgets"),
                                 *pods = rule_resource("v1/pods");
    struct value pod = value_absent, budgets[2], changed = value_absent;
    struct error err;
    size_t n = 0;
    error_init(&err, arena);
    assert_true(decode_json(arena, pods->type, slice_str(row->pod), &pod, NULL, &err));
    for (; n < 2 && row->budgets[n]; n++)
        assert_true(decode_json(arena, pdbs->type, slice_str(row->budgets[n]), &budgets[n], NULL, &err));
    enum eviction verdict = eviction_decide(arena, &pod, budgets, n, 1700000000, &changed, &err);
    if (verdict != row->verdict || err.reason != row->reason || err.retry_after_seconds != row->retry_after ||
        (row->code && error_code(&err) != row->code))
        fail_msg("%s\n  want: %d %s %d retry %d\n  have: %d %s %d retry %d", row->title, (int)row->verdict,
                 reason_name(row->reason), row->code, row->retry_after, (int)verdict, reason_name(err.reason),
                 error_code(&err), err.retry_after_seconds);
    if (!row->cause)
        return;
    if (verdict == EVICTION_REFUSED) {
        assert_string_equal(err.causes[0].message, row->cause);
        assert_string_equal(err.causes[0].reason, "DisruptionBudget");
        return;
    }
    cleanup_buf struct buf out = BUF_INIT(1 << 16);
    encode_json_type(&out, pdbs->type, &changed);
    if (!strstr(buf_cstr(&out), row->cause))
        fail_msg("%s\n  want: %s\n  in: %s", row->title, row->cause, buf_cstr(&out));
}

static void test_decisions(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void test_mark(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct schema_resource *pods = rule_resource("v1/pods");
    struct value pod = value_absent;
    struct error err;
    error_init(&err, arena);
    assert_true(decode_json(arena, pods->type, slice_str(RUNNING("True")), &pod, NULL, &err));
    eviction_mark_pod(arena, &pod, 1700000000);
    eviction_mark_pod(arena, &pod, 1800000000); /* a second time changes nothing */
    const struct value *conditions = value_path(&pod, "status.conditions");
    assert_int_equal(value_count(conditions), 2);
    assert_true(value_is(value_get(value_item(conditions, 1), SLICE("type")), "DisruptionTarget"));
    assert_true(
        value_is(value_get(value_item(conditions, 1), SLICE("lastTransitionTime")), "2023-11-14T22:13:20Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_decisions), cmocka_unit_test(test_mark)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
