/* Sets of fields: FieldsV1 read and written, and the algebra on them, case by case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/random.h"
#include "openapi/fieldset.h"

static struct fieldset parse(struct arena *arena, const char *text)
{
    struct fieldset set;
    cleanup_error struct error err = ERROR_INIT;
    if (!fieldset_decode(arena, slice_str(text), &set, &err))
        fail_msg("%s does not parse: %s", text, err.message);
    return set;
}

static const char *shown(struct arena *arena, const struct fieldset *set)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    fieldset_encode(&out, set);
    return arena_strdup(arena, buf_slice(&out));
}

static void check(struct arena *arena, const char *what, struct fieldset got, const char *want)
{
    if (strcmp(shown(arena, &got), want) != 0)
        fail_msg("%s: got %s, want %s", what, shown(arena, &got), want);
}

static void reads_and_writes(void **state)
{
    static const struct {
        const char *text, *want; /* want NULL: the same */
    } cases[] = {
        {"{}", NULL},
        {"null", "{}"},
        {"{\"f:a\":{}}", NULL},
        {"{\"f:a\":null}", "{\"f:a\":{}}"},
        {" { \"f:b\" : { } , \"f:a\" : { } } ", "{\"f:a\":{},\"f:b\":{}}"},
        {"{\"f:a\":{\".\":{},\"f:b\":{}}}", NULL},
        {"{\"f:a\":{\".\":{}}}", "{\"f:a\":{}}"},
        {"{\"f:a\":{\"f:b\":{},\".\":{}}}", "{\"f:a\":{\".\":{},\"f:b\":{}}}"},
        {"{\"f:a\":{\"f:b\":{}},\"f:a\":{\"f:c\":{}}}", "{\"f:a\":{\"f:b\":{},\"f:c\":{}}}"},
        {"{\"k:{\\\"port\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":{}}", NULL},
        {"{\"k:{\\\"protocol\\\":\\\"TCP\\\",\\\"port\\\":80}\":{}}",
         "{\"k:{\\\"port\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":{}}"},
        {"{\"v:\\\"x\\\"\":{},\"v:1\":{},\"v:true\":{},\"v:null\":{}}",
         "{\"v:1\":{},\"v:\\\"x\\\"\":{},\"v:true\":{},\"v:null\":{}}"},
        {"{\"i:10\":{},\"i:9\":{},\"i:-1\":{}}", "{\"i:-1\":{},\"i:9\":{},\"i:10\":{}}"},
        {"{\"i:0\":{},\"v:1\":{},\"k:{\\\"a\\\":1}\":{},\"f:z\":{}}",
         "{\"f:z\":{},\"k:{\\\"a\\\":1}\":{},\"v:1\":{},\"i:0\":{}}"},
        {"{\"x:future\":{\"f:a\":{}},\"f:a\":{}}", "{\"f:a\":{}}"},
        {"{\"f:\":{},\"f:a.b/c\":{},\"f:\\\"\":{}}", "{\"f:\":{},\"f:\\\"\":{},\"f:a.b/c\":{}}"},
        {"{\"f:<\":{}}", "{\"f:\\u003c\":{}}"},
        {"{\"f:a\":{\"\\u002e\":{},\"f:b\":{}}}", "{\"f:a\":{\".\":{},\"f:b\":{}}}"},
        {"{\"k:{\\\"a\\\":\\\"\\u00e9\\\",\\\"b\\\":-1.5}\":{}}",
         "{\"k:{\\\"a\\\":\\\"é\\\",\\\"b\\\":-1.5}\":{}}"},
        {"{\"k:{\\\"b\\\":1,\\\"a\\\":2,\\\"a\\\":3}\":{}}", "{\"k:{\\\"a\\\":3,\\\"b\\\":1}\":{}}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const char *want = cases[i].want ? cases[i].want : cases[i].text;
        check(arena, cases[i].text, parse(arena, cases[i].text), want);
        check(arena, "read again", parse(arena, want), want);
    }
}

static void refuses(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "1",
        "\"a\"",
        "{\"f:a\":1}",
        "{\"f:a\":[]}",
        "{\"a\":{}}",
        "{\"\":{}}",
        "{\"k:x\":{}}",
        "{\"k:[]\":{}}",
        "{\"v:\":{}}",
        "{\"v:1 2\":{}}",
        "{\"i:\":{}}",
        "{\"i:x\":{}}",
        "{",
        "{\"f:a\"",
        "{\"f:a\":{}",
        "{\"f:a\":{}} x",
        "{\"i:99999999999999999999\":{}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct fieldset set;
        if (fieldset_decode(arena, slice_str(cases[i]), &set, &err))
            fail_msg("%s is taken for %s", cases[i], shown(arena, &set));
        assert_true(error_is_set(&err));
    }
}

static void depth_is_bounded(void **state)
{
    enum { DEEP = 5000 };
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    struct fieldset set;
    (void)state;
    for (int i = 0; i < DEEP; i++)
        buf_puts(&text, "{\"f:a\":");
    assert_false(fieldset_decode(arena, buf_slice(&text), &set, NULL));
}

#define LIST_ONE "{\"f:spec\":{\".\":{},\"f:list\":{\"k:{\\\"name\\\":\\\"one\\\"}\":{}},\"f:x\":{}}}"

static void worked_example(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct fieldset a = parse(arena, LIST_ONE), b = parse(arena, "{\"f:spec\":{\"f:x\":{}}}");
    struct fieldset spec = parse(arena, "{\"f:spec\":{}}");
    (void)state;
    check(arena, "union", fieldset_union(arena, &a, &b), LIST_ONE);
    check(arena, "difference", fieldset_difference(arena, &a, &b),
          "{\"f:spec\":{\".\":{},\"f:list\":{\"k:{\\\"name\\\":\\\"one\\\"}\":{}}}}");
    check(arena, "intersection", fieldset_intersection(arena, &a, &b), "{\"f:spec\":{\"f:x\":{}}}");
    check(arena, "recursive difference", fieldset_recursive_difference(arena, &a, &spec), "{}");
}

static void algebra(void **state)
{
    static const struct {
        const char *a, *b, *both, *common, *less, *without;
    } cases[] = {
        {"{}", "{\"f:a\":{}}", "{\"f:a\":{}}", "{}", "{}", "{}"},
        {"{\"f:a\":{}}", "{}", "{\"f:a\":{}}", "{}", "{\"f:a\":{}}", "{\"f:a\":{}}"},
        {"{\"f:a\":{},\"f:c\":{}}", "{\"f:b\":{},\"f:c\":{}}", "{\"f:a\":{},\"f:b\":{},\"f:c\":{}}",
         "{\"f:c\":{}}", "{\"f:a\":{}}", "{\"f:a\":{}}"},
        /* a parent is another field than its children */
        {"{\"f:a\":{\"f:b\":{}}}", "{\"f:a\":{}}", "{\"f:a\":{\".\":{},\"f:b\":{}}}", "{}",
         "{\"f:a\":{\"f:b\":{}}}", "{}"},
        {"{\"f:a\":{}}", "{\"f:a\":{\"f:b\":{}}}", "{\"f:a\":{\".\":{},\"f:b\":{}}}", "{}", "{\"f:a\":{}}",
         "{\"f:a\":{}}"},
        {"{\"f:a\":{\".\":{},\"f:b\":{\"f:c\":{}},\"f:d\":{}}}", "{\"f:a\":{\"f:b\":{}}}",
         "{\"f:a\":{\".\":{},\"f:b\":{\".\":{},\"f:c\":{}},\"f:d\":{}}}", "{}",
         "{\"f:a\":{\".\":{},\"f:b\":{\"f:c\":{}},\"f:d\":{}}}", "{\"f:a\":{\".\":{},\"f:d\":{}}}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct fieldset a = parse(arena, cases[i].a), b = parse(arena, cases[i].b);
        check(arena, "union", fieldset_union(arena, &a, &b), cases[i].both);
        check(arena, "union, the other way", fieldset_union(arena, &b, &a), cases[i].both);
        check(arena, "intersection", fieldset_intersection(arena, &a, &b), cases[i].common);
        check(arena, "difference", fieldset_difference(arena, &a, &b), cases[i].less);
        check(arena, "recursive difference", fieldset_recursive_difference(arena, &a, &b), cases[i].without);
        assert_int_equal(fieldset_overlaps(&a, &b), strcmp(cases[i].common, "{}") != 0);
        check(arena, "a is as it was", a, cases[i].a);
        check(arena, "b is as it was", b, cases[i].b);
    }
}

/* A set of a few fields, from a small world, so that sets of two draws have much in common. */
static struct fieldset draw(struct arena *arena)
{
    static const char *const names[] = {"a", "b", "c"};
    struct fieldset set = {0};
    for (uint32_t n = random_below(12); n > 0; n--) {
        struct path_element path[3];
        size_t depth = 1 + random_below(3);
        for (size_t i = 0; i < depth; i++)
            path[i] = element_field(slice_str(names[random_below(3)]));
        fieldset_insert(arena, &set, path, depth);
    }
    return set;
}

static void laws_hold_for_random_sets(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct fieldset a = draw(arena), b = draw(arena);
        struct fieldset both = fieldset_union(arena, &a, &b), common = fieldset_intersection(arena, &a, &b);
        struct fieldset less = fieldset_difference(arena, &a, &b), again = parse(arena, shown(arena, &a));
        struct fieldset sum = fieldset_union(arena, &less, &common),
                        gone = fieldset_difference(arena, &a, &both);
        assert_true(fieldset_equal(&a, &again));
        assert_true(fieldset_equal(&a, &sum));
        assert_true(fieldset_is_empty(&gone));
        assert_int_equal(fieldset_overlaps(&a, &b), !fieldset_is_empty(&common));
    }
}

static bool collect(void *arg, const struct path_element *path, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        path_element_print(arg, &path[i]);
    buf_putc(arg, ' ');
    return true;
}

static void tells_paths(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf out = BUF_INIT(1 << 16);
    struct fieldset set = parse(
        arena, "{\"f:a\":{\".\":{},\"k:{\\\"n\\\":\\\"x\\\",\\\"p\\\":80}\":{},\"f:b\":{\"v:\\\"s\\\"\":{}}},"
               "\"f:z\":{},\"f:y\":{\"i:3\":{},\"k:{\\\"t\\\":true,\\\"u\\\":null}\":{}}}");
    (void)state;
    fieldset_each(arena, &set, collect, &out);
    assert_string_equal(buf_cstr(&out), ".a .z .a[n=\"x\",p=80] .a.b[=\"s\"] .y[t=true,u=null] .y[3] ");
}

static void finds(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct fieldset set = fieldset_of_names(arena, (const char *const[]){"spec", "replicas", NULL});
    struct path_element path[] = {element_field(SLICE("spec")), element_field(SLICE("replicas"))};
    (void)state;
    check(arena, "names", set, "{\"f:spec\":{\"f:replicas\":{}}}");
    assert_true(fieldset_has(&set, path, 2));
    assert_false(fieldset_has(&set, path, 1));
    assert_false(fieldset_has(&set, path + 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes), cmocka_unit_test(refuses),
        cmocka_unit_test(depth_is_bounded), cmocka_unit_test(worked_example),
        cmocka_unit_test(algebra),          cmocka_unit_test(laws_hold_for_random_sets),
        cmocka_unit_test(tells_paths),      cmocka_unit_test(finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
