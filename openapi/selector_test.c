/* Label and field selectors: what they match, and what is said of those that cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "openapi/decode.h"
#include "openapi/selector.h"

static struct value pod(struct arena *arena, const char *labels)
{
    struct value v;
    cleanup_error struct error err = ERROR_INIT;
    struct slice text = arena_slicef(
        arena,
        "{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"labels\":%s},\"spec\":{\"nodeName\":"
        "\"n1\",\"containers\":[]},\"status\":{\"phase\":\"Pending\"}}",
        labels);

    if (!decode_json(arena, schema_find_type("io.k8s.api.core.v1.Pod"), text, &v, NULL, &err))
        fail_msg("%s: %s", text.ptr, err.message);
    return v;
}

static const struct schema_resource *resource(const char *group, const char *version, const char *name)
{
    const struct schema_resource *r =
        schema_find_resource(slice_str(group), slice_str(version), slice_str(name));

    assert_non_null(r);
    return r;
}

static void labels_match(void **state)
{
    static const struct {
        const char *selector, *labels;
        bool matches;
    } cases[] = {
        {"", "{}", true},
        {"a=b", "{\"a\":\"b\"}", true},
        {"a==b", "{\"a\":\"c\"}", false},
        {"a=b", "{}", false},
        {"a!=b", "{\"a\":\"b\"}", false},
        {"a!=b", "{}", true},
        {"a=", "{\"a\":\"\"}", true},
        {"a=", "{}", false},
        {"a", "{\"a\":\"x\"}", true},
        {"!a", "{\"a\":\"x\"}", false},
        {"! a", "{}", true},
        {" a in ( b , c ) ", "{\"a\":\"c\"}", true},
        {"a in (b,c)", "{\"a\":\"d\"}", false},
        {"a in ()", "{\"a\":\"\"}", true},
        {"a in (,b)", "{\"a\":\"\"}", true},
        {"a in (b,,c)", "{\"a\":\"\"}", true},
        {"a in (b,)", "{\"a\":\"\"}", true},
        {"a notin (b)", "{}", true},
        {"a notin (b)", "{\"a\":\"b\"}", false},
        {"a in (in,notin)", "{\"a\":\"in\"}", true},
        {"in in (in)", "{\"in\":\"in\"}", true},
        {"a>4", "{\"a\":\"5\"}", true},
        {"a>4", "{\"a\":\"4\"}", false},
        {"a<4", "{\"a\":\"3\"}", true},
        {"a<4", "{\"a\":\"x\"}", false},
        {"a<4", "{}", false},
        {"a=b,c!=d,!e", "{\"a\":\"b\",\"c\":\"x\"}", true},
        {"a=b,c!=d,!e", "{\"a\":\"b\",\"e\":\"\"}", false},
        {"example.com/a=b", "{\"example.com/a\":\"b\"}", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct selector selector = {0};
        struct value object = pod(arena, cases[i].labels);
        if (!selector_parse_labels(arena, slice_str(cases[i].selector), &selector, &err))
            fail_msg("%s: %s", cases[i].selector, err.message);
        if (selector_matches_value(&selector, resource("", "v1", "pods"), &object) != cases[i].matches)
            fail_msg("%s on %s: want %d", cases[i].selector, cases[i].labels, cases[i].matches);
    }
}

static void bad_label_selectors_are_explained(void **state)
{
    static const struct {
        const char *selector, *message;
    } cases[] = {
        {"a=b=c", "found '=', expected: ',' or 'end of string'"},
        {"a in b", "unable to parse requirement: found 'b' expected: '('"},
        {"a in (b", "unable to parse requirement: found '', expected: ',' or ')'"},
        {"a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"},
        {"a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"},
        {"a in (b,!)", "unable to parse requirement: found '!', expected: ',', or identifier"},
        {"bad key=x", "unable to parse requirement: found 'key', expected: in, notin, =, ==, !=, gt, lt"},
        {"a=bad value", "found 'value', expected: ',' or 'end of string'"},
        {"a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the "
                "value must be an integer"},
        {",,", "found ',', expected: !, identifier, or 'end of string'"},
        {"a,", "found '', expected: identifier after ','"},
        {"!", "unable to parse requirement: found '', expected: identifier"},
        {"!a=b", "found '=', expected: ',' or 'end of string'"},
        {"a=(", "unable to parse requirement: found '(', expected: identifier"},
        {"a={}", "unable to parse requirement: values[0][a]: Invalid value: \"{}\": a valid label must be"},
        {"-a", "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of"},
        {"A_B/c", "unable to parse requirement: <nil>: Invalid value: \"A_B/c\": "},
        {"a/b/c", "unable to parse requirement: <nil>: Invalid value: \"a/b/c\": "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct selector selector = {0};
        assert_false(selector_parse_labels(arena, slice_str(cases[i].selector), &selector, &err));
        assert_int_equal(error_code(&err), 400);
        if (strncmp(err.message, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("%s: got %s, want %s", cases[i].selector, err.message, cases[i].message);
    }
}

static void fields_match(void **state)
{
    static const struct {
        const char *selector;
        bool matches;
    } cases[] = {
        {"", true},
        {"metadata.name=p", true},
        {"metadata.name!=p", false},
        {"metadata.namespace==n,metadata.name=p", true},
        {"spec.nodeName=n1", true},
        {"spec.host=n1", true},
        {"spec.nodeName=", false},
        {"status.phase=Pending,spec.restartPolicy!=Never", true},
        {"spec.hostNetwork=false", true},
        {"spec.hostNetwork=true", false},
        {"status.podIP=", true},
        {"metadata.name=a\\,b\\=c\\\\", false},
        {",metadata.name=p,", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct selector selector = {0};
        struct value object = pod(arena, "{}");
        const struct schema_resource *pods = resource("", "v1", "pods");
        if (!selector_parse_fields(arena, pods, slice_str(cases[i].selector), &selector, &err))
            fail_msg("%s: %s", cases[i].selector, err.message);
        if (selector_matches_value(&selector, pods, &object) != cases[i].matches)
            fail_msg("%s: want %d", cases[i].selector, cases[i].matches);
    }
}

static void escapes_stand_for_themselves(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    struct selector selector = {0};
    struct slice value;

    assert_true(selector_parse_fields(arena, resource("", "v1", "pods"), SLICE("metadata.name=a\\,b\\=c\\\\"),
                                      &selector, &err));
    assert_true(selector_requires(&selector, SELECTOR_FIELD_NAME, &value));
    assert_string_equal(arena_strdup(arena, value), "a,b=c\\");
    assert_false(selector_requires(&selector, SELECTOR_FIELD_NAMESPACE, &value));
}

static void bad_field_selectors_are_explained(void **state)
{
    static const struct {
        const char *group, *version, *resource, *selector, *message;
    } cases[] = {
        {"", "v1", "configmaps", "data.x=1",
         "\"data.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""},
        {"", "v1", "configmaps", "nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'"},
        {"", "v1", "configmaps", "metadata.name in (a)",
         "invalid selector: 'metadata.name in (a)'; can't understand 'metadata.name in (a)'"},
        {"", "v1", "configmaps", "metadata.name=a\\b",
         "invalid field selector: invalid escape sequence: \\b"},
        {"", "v1", "configmaps", "metadata.name=a\\", "invalid field selector: invalid escape sequence: \\"},
        {"", "v1", "configmaps", "metadata.name=a=b",
         "invalid field selector: unescaped character in value: 61"},
        {"", "v1", "pods", "spec.hostname=x", "field label not supported: spec.hostname"},
        {"", "v1", "nodes", "metadata.namespace=x", "field label not supported: metadata.namespace"},
        {"batch", "v1", "jobs", "spec.suspend=true", "field label \"spec.suspend\" not supported for Job"},
        {"resource.k8s.io", "v1", "resourceslices", "a=b",
         "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: a"},
        {"apps", "v1", "deployments", "spec.replicas=1",
         "\"spec.replicas\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct selector selector = {0};
        const struct schema_resource *r = resource(cases[i].group, cases[i].version, cases[i].resource);
        assert_false(selector_parse_fields(arena, r, slice_str(cases[i].selector), &selector, &err));
        assert_int_equal(error_code(&err), 400);
        if (strcmp(err.message, cases[i].message) != 0)
            fail_msg("%s: got %s, want %s", cases[i].selector, err.message, cases[i].message);
    }
}

/* What is selected by one version's name of a field is kept under the stored version's index. */
static void fields_are_those_of_the_stored_resource(void **state)
{
    static const struct {
        const char *group, *selector, *stored;
    } cases[] = {
        {"", "involvedObject.name=x", "involvedObject.name"},
        {"", "reportingComponent=x", "reportingComponent"},
        {"events.k8s.io", "regarding.name=x", "involvedObject.name"},
        {"events.k8s.io", "reportingController=x", "reportingComponent"},
        {"events.k8s.io", "type=x", "type"},
    };
    const struct schema_resource *core = resource("", "v1", "events");

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct selector selector = {0};
        const struct schema_resource *r = resource(cases[i].group, "v1", "events");
        assert_ptr_equal(r->storage, core);
        if (!selector_parse_fields(arena, r, slice_str(cases[i].selector), &selector, &err))
            fail_msg("%s: %s", cases[i].selector, err.message);
        assert_string_equal(core->selectable[selector.fields[0].index], cases[i].stored);
    }
}

static void derived_fields_are_upstreams(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct schema_resource *jobs = resource("batch", "v1", "jobs"),
                                 *events = resource("", "v1", "events");
    struct value job, event;
    unsigned source = 0;

    assert_true(decode_json(arena, jobs->type, SLICE("{\"status\":{\"succeeded\":3}}"), &job, NULL, NULL));
    assert_string_equal(arena_strdup(arena, selector_field_text(arena, jobs, 0, &job)), "3");
    assert_true(
        decode_json(arena, events->type, SLICE("{\"reportingComponent\":\"c\"}"), &event, NULL, NULL));
    while (strcmp(events->selectable[source], "source") != 0)
        source++;
    assert_string_equal(arena_strdup(arena, selector_field_text(arena, events, (int)source, &event)), "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_match),
        cmocka_unit_test(bad_label_selectors_are_explained),
        cmocka_unit_test(fields_match),
        cmocka_unit_test(escapes_stand_for_themselves),
        cmocka_unit_test(bad_field_selectors_are_explained),
        cmocka_unit_test(fields_are_those_of_the_stored_resource),
        cmocka_unit_test(derived_fields_are_upstreams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
