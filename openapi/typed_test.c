/* What server-side apply sees in objects: their fields, differences, merges, case by case. Objects are of
 * real types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "openapi/decode.h"
#include "openapi/typed.h"

static const struct schema any = {.kind = SCHEMA_ANY};

static const struct schema_type *type_of(const char *name)
{
    const struct schema_type *type = schema_find_type(name);
    if (!type)
        fail_msg("there is no type %s", name);
    return type;
}

#define POD     "io.k8s.api.core.v1.Pod"
#define SERVICE "io.k8s.api.core.v1.Service"
#define CONFIG  "io.k8s.api.core.v1.ConfigMap"
#define DEPLOY  "io.k8s.api.apps.v1.Deployment"
#define VOLUME  "io.k8s.api.core.v1.PersistentVolume"

static struct value tree(struct arena *arena, const char *text)
{
    struct value v;
    cleanup_error struct error err = ERROR_INIT;
    if (!decode_json_node(arena, &any, slice_str(text), &v, NULL, &err))
        fail_msg("%s: %s", text, err.message);
    return v;
}

static struct value object(struct arena *arena, const char *type, const char *text)
{
    struct value v;
    cleanup_error struct error err = ERROR_INIT;
    if (!decode_json(arena, type_of(type), slice_str(text), &v, NULL, &err))
        fail_msg("%s: %s", text, err.message);
    return v;
}

static const char *set_text(struct arena *arena, const struct fieldset *set)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    fieldset_encode(&out, set);
    return arena_strdup(arena, buf_slice(&out));
}

static const char *tree_text(struct arena *arena, const struct value *v)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    encode_json(&out, &any, v);
    return arena_strdup(arena, buf_slice(&out));
}

static void same(const char *what, const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("%s:\n got %s\nwant %s", what, got, want);
}

static void fields_of_trees(void **state)
{
    static const struct {
        const char *type, *tree, *want;
    } cases[] = {
        {CONFIG, "{}", "{}"},
        {CONFIG, "{\"data\":{}}", "{\"f:data\":{}}"},
        {CONFIG, "{\"data\":null}", "{\"f:data\":{}}"},
        {CONFIG, "{\"data\":{\"a\":\"1\",\"b\":null},\"immutable\":false}",
         "{\"f:data\":{\"f:a\":{},\"f:b\":{}},\"f:immutable\":{}}"},
        /* atomic map, list of type map with a default in its keys, list without a type */
        {DEPLOY, "{\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}}}}",
         "{\"f:spec\":{\"f:selector\":{}}}"},
        {POD,
         "{\"spec\":{\"containers\":[{\"name\":\"c\",\"args\":[\"x\"],\"ports\":[{\"containerPort\":80}]}]}}",
         "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:args\":{},\"f:name\":{}"
         ",\"f:ports\":"
         "{\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},\"f:containerPort\":{}}}}}"
         "}}"},
        {POD, "{\"spec\":{\"containers\":[]}}", "{}"},
        {POD, "{\"spec\":{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]}}",
         "{\"f:spec\":{\"f:volumes\":{\"k:{\\\"name\\\":\\\"v\\\"}\":{\".\":{},\"f:emptyDir\":{},\"f:name\":{"
         "}}}}}"},
        /* a set, and one with a value twice */
        {CONFIG, "{\"metadata\":{\"finalizers\":[\"b\",\"a\",\"b\"]}}",
         "{\"f:metadata\":{\"f:finalizers\":{\"v:\\\"a\\\"\":{},\"v:\\\"b\\\"\":{}}}}"},
        /* a field may be granular where its type is atomic */
        {VOLUME, "{\"spec\":{\"claimRef\":{\"name\":\"n\"}}}",
         "{\"f:spec\":{\"f:claimRef\":{\"f:name\":{}}}}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value v = tree(arena, cases[i].tree);
        struct fieldset set;
        assert_true(typed_fields(arena, type_of(cases[i].type), &v, &set));
        same(cases[i].tree, set_text(arena, &set), cases[i].want);
    }
}

static void fields_without_schema(void **state)
{
    static const struct schema_type open = {.name = "Open", .preserve_unknown = true};
    cleanup_arena struct arena *arena = arena_new();
    struct value v = tree(arena, "{\"spec\":{\"m\":{\"x\":1},\"l\":[{\"name\":\"a\"}],\"e\":{},\"n\":null}}");
    struct fieldset set;
    (void)state;
    assert_true(typed_fields(arena, &open, &v, &set));
    same("deduced", set_text(arena, &set),
         "{\"f:spec\":{\".\":{},\"f:e\":{},\"f:l\":{},\"f:m\":{\".\":{},\"f:x\":{}},\"f:n\":{}}}");
}

static void differences(void **state)
{
    static const struct {
        const char *type, *before, *after, *changed, *removed; /* before NULL: a creation */
    } cases[] = {
        {CONFIG, "{\"data\":{\"a\":\"1\"}}", "{\"data\":{\"a\":\"1\"}}", "{}", "{}"},
        {CONFIG, "{\"data\":{\"a\":\"1\",\"b\":\"1\"}}", "{\"data\":{\"a\":\"2\",\"c\":\"1\"}}",
         "{\"f:data\":{\"f:a\":{},\"f:c\":{}}}", "{\"f:data\":{\"f:b\":{}}}"},
        {CONFIG, "{}", "{\"data\":{\"a\":\"1\"}}", "{\"f:data\":{\".\":{},\"f:a\":{}}}", "{}"},
        {CONFIG, "{\"data\":{\"a\":\"1\"}}", "{}", "{}", "{\"f:data\":{\".\":{},\"f:a\":{}}}"},
        /* zero values that Go always writes are of whoever makes the thing they are in */
        {POD, NULL, "{\"spec\":{\"containers\":[{\"name\":\"c\"}]}}",
         "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:name\":{},\"f:"
         "resources\":{}}}}}",
         "{}"},
        {DEPLOY, NULL,
         "{\"spec\":{\"strategy\":{\"type\":\"Recreate\"},\"selector\":{\"matchLabels\":{\"a\":\"b\"}}}}",
         "{\"f:spec\":{\"f:selector\":{},\"f:strategy\":{\"f:type\":{}}}}", "{}"},
        {POD, "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"b\"}]}}",
         "{\"spec\":{\"containers\":[{\"name\":\"b\"},{\"name\":\"a\",\"image\":\"2\"}]}}",
         "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\"f:image\":{}}}}}", "{}"},
        {POD, "{\"spec\":{\"containers\":[{\"name\":\"a\"}]}}",
         "{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"a\"}]}}",
         "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{}}}}",
         "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{},\"f:name\":{},\"f:"
         "resources\":{}}}}}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const struct schema_type *type = type_of(cases[i].type);
        struct value after = object(arena, cases[i].type, cases[i].after);
        struct typed_changes changes;
        if (cases[i].before) {
            struct value before = object(arena, cases[i].type, cases[i].before);
            assert_true(typed_compare(arena, type, &before, &after, &changes));
        } else {
            assert_true(typed_compare_new(arena, type, &after, &changes));
        }
        same(cases[i].after, set_text(arena, &changes.changed), cases[i].changed);
        same(cases[i].after, set_text(arena, &changes.removed), cases[i].removed);
    }
}

#define NAMED(list) "{\"spec\":{\"containers\":[" list "]}}"
#define C(name)     "{\"name\":\"" name "\"}"

static void merges(void **state)
{
    static const struct {
        const char *type, *base, *over, *want;
    } cases[] = {
        {CONFIG, "{\"data\":{\"a\":\"1\"}}", "{\"data\":{\"b\":\"2\"}}",
         "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}"},
        {CONFIG, "{\"data\":{\"a\":\"1\"}}", "{\"data\":{\"a\":null}}", "{\"data\":{\"a\":null}}"},
        {CONFIG, "{\"data\":{\"a\":\"1\"}}", "{\"data\":{}}", "{\"data\":{\"a\":\"1\"}}"},
        {CONFIG, "{\"data\":{}}", "{\"data\":null}", "{\"data\":null}"},
        {DEPLOY, "{\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}}}}",
         "{\"spec\":{\"selector\":{\"matchLabels\":{\"c\":\"d\"}}}}",
         "{\"spec\":{\"selector\":{\"matchLabels\":{\"c\":\"d\"}}}}"},
        /* order: the upper list's, the rest of the lower one between */
        {POD, NAMED(C("a") "," C("b") "," C("c")), NAMED(C("c") "," C("a")),
         NAMED(C("b") "," C("c") "," C("a"))},
        {POD, NAMED(C("a") "," C("b")), NAMED(C("x") "," C("b")), NAMED(C("a") "," C("x") "," C("b"))},
        {POD, NAMED(C("a")), NAMED(C("b")), NAMED(C("a") "," C("b"))},
        {POD, NAMED("{\"name\":\"a\",\"image\":\"1\"}"), NAMED("{\"name\":\"a\",\"tty\":true}"),
         NAMED("{\"image\":\"1\",\"name\":\"a\",\"tty\":true}")},
        {CONFIG, "{\"metadata\":{\"finalizers\":[\"a\",\"b\"]}}",
         "{\"metadata\":{\"finalizers\":[\"c\",\"a\"]}}",
         "{\"metadata\":{\"finalizers\":[\"c\",\"a\",\"b\"]}}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value base = tree(arena, cases[i].base), over = tree(arena, cases[i].over), got;
        const char *before = tree_text(arena, &base);
        assert_true(typed_merge(arena, type_of(cases[i].type), &base, &over, &got));
        same(cases[i].over, tree_text(arena, &got), cases[i].want);
        same("the base is as it was", tree_text(arena, &base), before);
    }
}

static void removes(void **state)
{
    static const struct {
        const char *type, *tree, *set, *want;
    } cases[] = {
        {CONFIG, "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"f:data\":{\"f:a\":{}}}",
         "{\"data\":{\"b\":\"2\"}}"},
        {CONFIG, "{\"data\":{\"a\":\"1\"}}", "{\"f:data\":{\"f:a\":{}}}", "{\"data\":null}"},
        {CONFIG, "{\"data\":{\"a\":\"1\"}}", "{\"f:data\":{}}", "null"},
        {POD, NAMED(C("a") "," C("b")), "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{}}}}",
         NAMED(C("b"))},
        {POD, NAMED("{\"name\":\"a\",\"image\":\"1\"}"),
         "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\"f:image\":{}}}}}", NAMED(C("a"))},
        {POD, NAMED(C("a")), "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"z\\\"}\":{}}}}",
         NAMED(C("a"))},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value from = tree(arena, cases[i].tree), got;
        struct fieldset set;
        assert_true(fieldset_decode(arena, slice_str(cases[i].set), &set, NULL));
        got = typed_remove(arena, type_of(cases[i].type), &from, &set);
        same(cases[i].set, tree_text(arena, &got), cases[i].want);
    }
}

static void validates(void **state)
{
    static const struct {
        const char *type, *tree, *want; /* NULL: fits */
    } cases[] = {
        {CONFIG, "{\"data\":{\"a\":\"1\",\"b\":null},\"immutable\":true}", NULL},
        {POD, "{\"spec\":{\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":{\"cpu\":1}}}]}}", NULL},
        {CONFIG, "{\"dat\":{}}", ".dat: field not declared in schema"},
        {CONFIG, "{\"data\":{\"a\":1}}", ".data.a: expected string, got &value.valueUnstructured{Value:1}"},
        {CONFIG, "{\"data\":[]}", ".data: expected map, got &{[]}"},
        {POD, NAMED(C("a") "," C("a")), ".spec.containers: duplicate entries for key [name=\"a\"]"},
        {POD, "{\"spec\":{\"containers\":{}}}", ".spec.containers: expected list, got &{map[]}"},
        {POD, "{\"spec\":{\"containers\":[null]}}",
         ".spec.containers: element 0: associative list with keys may not have a null element"},
        {CONFIG, "{\"metadata\":{\"finalizers\":[\"a\",\"a\"]}}",
         ".metadata.finalizers: duplicate entries for key [=\"a\"]"},
        {CONFIG, "{\"metadata\":{\"labels\":{\"a\":true}},\"immutable\":1}",
         "errors:\n  .immutable: expected boolean, got &{1}\n  .metadata.labels.a: expected string, got "
         "&value.valueUnstructured{Value:true}"},
        {DEPLOY, "{\"spec\":{\"replicas\":\"2\"}}",
         ".spec.replicas: expected numeric (int or float), got string"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct value v = tree(arena, cases[i].tree);
        bool ok = typed_validate(arena, type_of(cases[i].type), &v, false, &err);
        if (ok != !cases[i].want)
            fail_msg("%s: got %s, want %s", cases[i].tree, ok ? "ok" : err.message,
                     cases[i].want ? cases[i].want : "ok");
        if (!ok)
            same(cases[i].tree, err.message, cases[i].want);
    }
}

static void follows_the_schema(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct fieldset set, got;
    (void)state;
    assert_true(fieldset_decode(
        arena, SLICE("{\"f:data\":{\"f:a\":{}},\"f:metadata\":{\"f:labels\":{\"f:x\":{}}}}"), &set, NULL));
    got = typed_with_named_fields(arena, type_of(CONFIG), &set);
    same("named fields", set_text(arena, &got),
         "{\"f:data\":{\".\":{},\"f:a\":{}},\"f:metadata\":{\".\":{},\"f:labels\":{\".\":{},\"f:x\":{}}}}");
    got = typed_reconcile(arena, type_of(CONFIG), &set);
    assert_ptr_equal(got.nodes, set.nodes);
    assert_true(
        fieldset_decode(arena, SLICE("{\"f:spec\":{\"f:selector\":{\"f:matchLabels\":{}}}}"), &set, NULL));
    got = typed_reconcile(arena, type_of(DEPLOY), &set);
    same("what became atomic", set_text(arena, &got), "{\"f:spec\":{\"f:selector\":{}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_trees),
        cmocka_unit_test(fields_without_schema),
        cmocka_unit_test(differences),
        cmocka_unit_test(merges),
        cmocka_unit_test(removes),
        cmocka_unit_test(validates),
        cmocka_unit_test(follows_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
