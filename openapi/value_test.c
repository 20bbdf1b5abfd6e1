#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "openapi/decode.h"
#include "openapi/default.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"

static const struct schema any = {.kind = SCHEMA_ANY};

static struct value parse(struct arena *arena, const struct schema_type *type, const char *text)
{
    cleanup_error struct error err = {.arena = arena};
    struct schema schema = {.kind = type ? SCHEMA_RECORD : SCHEMA_ANY, .type = type};
    struct value v;
    if (!decode_json_node(arena, &schema, slice_str(text), &v, NULL, &err))
        fail_msg("%s: %s", text, err.message);
    return v;
}

static const char *text_of(struct arena *arena, const struct value *v)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    encode_json(&out, &any, v);
    return arena_strdup(arena, buf_slice(&out));
}

/* The example of docs/engine.md, line for line. */
static void worked_example(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = {.arena = arena};
    struct decode_findings findings = {.arena = arena};
    struct slice body = SLICE(
        "{\"kind\":\"Deployment\",\"apiVersion\":\"apps/"
        "v1\",\"metadata\":{\"name\":\"web\",\"colour\":\"red\"},"
        "\"spec\":{\"replicas\":0,\"paused\":false,\"selector\":{},\"strategy\":{\"type\":\"Recreate\"},"
        "\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"web:1\","
        "\"resources\":{\"limits\":{\"cpu\":0.5}}}]}}}}");
    struct value deployment;
    assert_true(decode_json(arena, &apps_v1_Deployment, body, &deployment, &findings, &err));
    assert_string_equal(findings.items[0], "unknown field \"metadata.colour\"");

    /* Fields stand under their indexes; what is not there reads as absent, at any depth. */
    const struct value *spec = value_at(&deployment, apps_v1_Deployment_spec);
    assert_int_equal(value_at(spec, apps_v1_DeploymentSpec_replicas)->kind,
                     VALUE_INT); /* a pointer: 0 stays */
    assert_int_equal(value_at(spec, apps_v1_DeploymentSpec_paused)->kind,
                     VALUE_ABSENT); /* none: false is unset */
    assert_int_equal(value_at(spec, apps_v1_DeploymentSpec_selector)->kind,
                     VALUE_RECORD); /* a pointer: {} stays */
    assert_false(value_is_set(value_path(&deployment, "status.conditions.nothing.here")));

    /* A string without escapes is a piece of the request's own bytes. */
    struct slice name = value_text(value_path(&deployment, "metadata.name"));
    assert_true(name.ptr > body.ptr && name.ptr < body.ptr + body.len);

    default_object(arena, &deployment);
    cleanup_buf struct buf out = BUF_INIT(1 << 20);
    encode_json_type(&out, &apps_v1_Deployment, &deployment);
    assert_string_equal(
        buf_cstr(&out),
        "{\"kind\":\"Deployment\",\"apiVersion\":\"apps/"
        "v1\",\"metadata\":{\"name\":\"web\"},\"spec\":{\"replicas\":0,"
        "\"selector\":{},\"template\":{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":"
        "\"web:1\","
        "\"resources\":{\"limits\":{\"cpu\":\"500m\"}},\"terminationMessagePath\":\"/dev/termination-log\","
        "\"terminationMessagePolicy\":\"File\",\"imagePullPolicy\":\"IfNotPresent\"}],\"restartPolicy\":"
        "\"Always\","
        "\"terminationGracePeriodSeconds\":30,\"dnsPolicy\":\"ClusterFirst\",\"securityContext\":{},"
        "\"schedulerName\":\"default-scheduler\"}},\"strategy\":{\"type\":\"Recreate\"},"
        "\"revisionHistoryLimit\":10,"
        "\"progressDeadlineSeconds\":600},\"status\":{}}");
}

static void maps_stay_sorted(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value map = value_absent;
    static const char *const keys[] = {"m", "b", "z", "a", "b", "mm", "y"};
    for (int i = 0; i < 7; i++)
        *value_put(arena, &map, slice_str(keys[i])) = value_of_int(i);
    assert_string_equal(text_of(arena, &map), "{\"a\":3,\"b\":4,\"m\":0,\"mm\":5,\"y\":6,\"z\":2}");
    assert_true(value_remove(&map, SLICE("m")));
    assert_false(value_remove(&map, SLICE("m")));
    assert_false(value_remove(&map, SLICE("")));
    assert_string_equal(text_of(arena, &map), "{\"a\":3,\"b\":4,\"mm\":5,\"y\":6,\"z\":2}");
    assert_int_equal(value_int(value_get(&map, SLICE("y")), -1), 6);
    assert_int_equal(value_int(value_get(&map, SLICE("x")), -1), -1);
    assert_null(value_get_mut(&map, SLICE("x")));
}

static void lists_grow_and_shrink(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value list = value_absent;
    for (int i = 0; i < 20; i++)
        *value_append(arena, &list) = value_of_int(i);
    for (size_t i = 19; i > 3; i--)
        value_remove_item(&list, i);
    value_remove_item(&list, 1);
    assert_string_equal(text_of(arena, &list), "[0,2,3]");
    int64_t sum = 0;
    for (VALUE_EACH(item, &list))
        sum += item->i;
    assert_int_equal(sum, 5);
    for (VALUE_EACH(none, &value_absent))
        fail();
    for (VALUE_EACH_ENTRY(none, &list))
        fail();
}

static void wrong_kinds_read_as_absent(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct value v = parse(arena, NULL, "{\"a\":{\"b\":\"x\"},\"n\":7,\"t\":true}");
    assert_int_equal(value_at(&v, 3)->kind, VALUE_ABSENT);
    assert_int_equal(value_int(value_path(&v, "a.b"), 9), 9);
    assert_false(value_bool(value_path(&v, "n")));
    assert_true(value_bool(value_path(&v, "t")));
    assert_true(value_is(value_path(&v, "n"), ""));
    assert_int_equal(value_count(value_path(&v, "t")), 0);
    assert_int_equal(value_path(&v, "a.b.c.d")->kind, VALUE_ABSENT);
}

static void equality_is_gos(void **state)
{
    static const struct {
        const struct schema_type *type;
        const char *a, *b;
        bool equal;
    } rows[] = {
        {NULL, "{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", true},
        {NULL, "[1,2]", "[2,1]", false},
        {NULL, "1", "1.0", false},
        {NULL, "{\"a\":null}", "{}", false},
        {&core_v1_Pod, "{\"metadata\":{\"labels\":{}}}", "{}", true},
        {&core_v1_Pod, "{\"spec\":{\"securityContext\":{}}}", "{}", false},
        {&core_v1_Pod, "{\"spec\":{\"hostNetwork\":false}}", "{\"spec\":{\"containers\":[]}}", true},
        {&core_v1_Pod, "{\"spec\":{\"priority\":0}}", "{}", false},
        {&core_v1_Pod, "{\"spec\":{\"overhead\":{\"cpu\":\"1000m\"}}}",
         "{\"spec\":{\"overhead\":{\"cpu\":1}}}", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value a = parse(arena, rows[i].type, rows[i].a), b = parse(arena, rows[i].type, rows[i].b);
        if (value_equal(&a, &b) != rows[i].equal)
            print_error("%s and %s\n", rows[i].a, rows[i].b);
        assert_int_equal(value_equal(&a, &b), rows[i].equal);
        assert_int_equal(value_equal(&b, &a), rows[i].equal);
        assert_true(value_equal(&a, &a));
    }
    /* What code leaves empty equals what was never there. */
    cleanup_arena struct arena *arena = arena_new();
    struct value a = parse(arena, &core_v1_Pod, "{}"), b = parse(arena, &core_v1_Pod, "{}");
    struct value *metadata = value_ensure_record(arena, &a, core_v1_Pod_metadata);
    *value_mut(metadata, meta_v1_ObjectMeta_labels) = value_new_map(arena, 0);
    assert_true(value_equal(&a, &b));
}

static void copies_stand_alone(void **state)
{
    cleanup_arena struct arena *arena = arena_new(), *other = arena_new();
    char text[] = "{\"metadata\":{\"name\":\"web\",\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{"
                  "\"name\":\"c\"}]}}";
    struct value v = parse(arena, &core_v1_Pod, text), copy = value_copy(other, &v, true);
    assert_true(value_equal(&v, &copy));
    memset(text, 'x', sizeof text - 1);
    arena_reset(arena);
    assert_true(value_is(value_path(&copy, "metadata.name"), "web"));
    assert_true(value_is(value_path(&copy, "metadata.labels.a"), "b"));
    const struct value *container = value_item(value_path(&copy, "spec.containers"), 0);
    assert_true(value_is(value_at(container, core_v1_Container_name), "c"));
}

static void canonical_drops_what_decoding_would(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct schema schema = {.kind = SCHEMA_RECORD, .type = &core_v1_Pod};
    struct value v =
        parse(arena, &core_v1_Pod,
              "{\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"y\"}},\"spec\":{\"securityContext\":{}}}");
    struct value *metadata = value_mut(&v, core_v1_Pod_metadata), *spec = value_mut(&v, core_v1_Pod_spec);
    *value_mut(metadata, meta_v1_ObjectMeta_name) = value_of_cstr("");
    value_remove(value_mut(metadata, meta_v1_ObjectMeta_labels), SLICE("x"));
    *value_mut(spec, core_v1_PodSpec_hostPID) = value_of_bool(false);
    *value_mut(spec, core_v1_PodSpec_nodeName) = (struct value){.kind = VALUE_NULL};
    value_canonical(&v, &schema);
    assert_int_equal(value_at(&v, core_v1_Pod_metadata)->kind, VALUE_ABSENT);
    assert_int_equal(value_at(spec, core_v1_PodSpec_securityContext)->kind, VALUE_RECORD);
    assert_int_equal(value_at(spec, core_v1_PodSpec_hostPID)->kind, VALUE_ABSENT);
    assert_int_equal(value_at(spec, core_v1_PodSpec_nodeName)->kind, VALUE_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_example),
        cmocka_unit_test(maps_stay_sorted),
        cmocka_unit_test(lists_grow_and_shrink),
        cmocka_unit_test(wrong_kinds_read_as_absent),
        cmocka_unit_test(equality_is_gos),
        cmocka_unit_test(copies_stand_alone),
        cmocka_unit_test(canonical_drops_what_decoding_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
