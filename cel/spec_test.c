#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <math.h>

#include "base/buf.h"
#include "cel/number.h"
#include "cel/types.h"
#include "cel/value.h"
#include "openapi/scalar.h"

/*
 * The published cases of cel-spec (testing/cel-spec, made by testing/convert.py). Those in
 * testing/cel-spec-passing.txt must pass; the list only grows. Not counted: cases about protobuf messages and
 * about libraries that Kubernetes does not have. CEL_SPEC_SHOW=1 prints what fails and what could be listed.
 */

enum verdict { PASSED, FAILED, NOT_APPLICABLE };

struct spec {
    struct arena *arena;
    char why[4096];
};

static bool no_message(const json_t *v)
{
    const json_t *item;
    size_t i;
    const char *key;
    if (json_is_array(v)) {
        json_array_foreach(v, i, item) if (!no_message(item)) return false;
        return true;
    }
    if (!json_is_object(v))
        return true;
    if (json_object_get(v, "message"))
        return false;
    json_object_foreach((json_t *)v, key, item) if (!no_message(item)) return false;
    return true;
}

static bool applies(const json_t *test)
{
    static const char *const foreign[] = {
        "TestAllTypes", "Value{",      "google.protobuf.", "cel.expr", "proto.",
        "GlobalEnum",   "math.",       "base64.",          "cel.bind", "cel.block",
        "cel.index",    "cel.iterVar", ".reverse()",       "strings.", "@mapInsert"};
    const char *expr = json_string_value(json_object_get(test, "expr")),
               *container = json_string_value(json_object_get(test, "container"));
    json_t *item;
    size_t i;
    if (!no_message(json_object_get(test, "value")) || !no_message(json_object_get(test, "bindings")) ||
        json_object_get(test, "no_macros") || (container && strstr(container, "cel.expr")))
        return false;
    json_array_foreach(json_object_get(test, "variables"), i,
                       item) if (!json_is_string(json_array_get(item, 1))) return false;
    if (json_object_get(test, "type") && !json_is_string(json_object_get(test, "type")))
        return false;
    for (i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        const char *at = strstr(expr, foreign[i]);
        bool known = at && (strncmp(at, "google.protobuf.Timestamp", 25) == 0 ||
                            strncmp(at, "google.protobuf.Duration", 24) == 0);
        if (at && !known)
            return false;
    }
    return true;
}

static struct cel_value value_of(struct spec *s, const json_t *v);

static struct cel_value container_of(struct spec *s, const json_t *list, const json_t *map)
{
    const json_t *item;
    size_t i;
    struct cel_value v = list ? cel_list_new(s->arena, 4) : cel_map_new(s->arena, 4);
    json_array_foreach(list ? list : map, i, item)
    {
        if (list)
            v = cel_list_append(s->arena, v, value_of(s, item));
        else
            cel_map_put(s->arena, &v, value_of(s, json_array_get(item, 0)),
                        value_of(s, json_array_get(item, 1)));
    }
    return v;
}

static struct cel_value value_of(struct spec *s, const json_t *v)
{
    const char *key = json_object_iter_key(json_object_iter((json_t *)v));
    const json_t *inner = json_object_iter_value(json_object_iter((json_t *)v));
    struct slice text = slice_make(json_string_value(inner), json_string_length(inner));
    uint64_t n;
    if (strcmp(key, "bool") == 0)
        return cel_bool(json_is_true(inner));
    if (strcmp(key, "int") == 0)
        return cel_int(strtoll(text.ptr, NULL, 10));
    if (strcmp(key, "uint") == 0)
        return cel_uint(cel_parse_uint(text, &n) ? n : 0);
    if (strcmp(key, "double") == 0)
        return cel_double(strtod(text.ptr, NULL));
    if (strcmp(key, "string") == 0)
        return cel_string(arena_dup(s->arena, text));
    if (strcmp(key, "bytes") == 0) {
        struct slice bytes = {"", 0};
        const char *fault;
        scalar_base64_decode(s->arena, text, &bytes, &fault);
        return cel_bytes(bytes);
    }
    if (strcmp(key, "type") == 0)
        return cel_type_value(cel_type_by_name(text) ? cel_type_by_name(text) : &cel_type_dyn);
    if (strcmp(key, "timestamp") == 0)
        return cel_timestamp(json_integer_value(json_array_get(inner, 0)),
                             (uint32_t)json_integer_value(json_array_get(inner, 1)));
    if (strcmp(key, "duration") == 0)
        return cel_duration(json_integer_value(json_array_get(inner, 0)) * 1000000000 +
                            json_integer_value(json_array_get(inner, 1)));
    if (strcmp(key, "list") == 0 || strcmp(key, "map") == 0)
        return container_of(s, *key == 'l' ? inner : NULL, *key == 'm' ? inner : NULL);
    return cel_null();
}

static bool same(const struct cel_value *want, const struct cel_value *have)
{
    if (want->kind == CEL_DOUBLE && have->kind == CEL_DOUBLE && isnan(want->d))
        return isnan(have->d);
    return want->kind == have->kind && cel_equal(want, have);
}

enum { VARIABLES_MAX = 16 };

static size_t declare(struct spec *s, const json_t *test, struct cel_variable *variables,
                      struct cel_value *values)
{
    const json_t *item;
    size_t i, j, count = 0;
    json_array_foreach(json_object_get(test, "variables"), i, item)
    {
        const char *text = json_string_value(json_array_get(item, 1));
        values[count] = cel_error(s->arena, "no value");
        variables[count++] = (struct cel_variable){json_string_value(json_array_get(item, 0)),
                                                   cel_type_parse(s->arena, &text), NULL};
    }
    json_array_foreach(json_object_get(test, "bindings"), i, item)
    {
        for (j = 0; j < count; j++)
            if (strcmp(variables[j].name, json_string_value(json_array_get(item, 0))) == 0)
                break;
        if (j == count)
            variables[count++] =
                (struct cel_variable){json_string_value(json_array_get(item, 0)), &cel_type_dyn, NULL};
        values[j] = value_of(s, json_array_get(item, 1));
    }
    return count;
}

static enum verdict judge(struct spec *s, const json_t *test, const struct cel_program *program,
                          const struct cel_value *values)
{
    const char *type = json_string_value(json_object_get(test, "type"));
    if (type) {
        const struct cel_type *want = cel_type_parse(s->arena, &type);
        if (want && !cel_type_same(want, cel_program_type(program))) {
            snprintf(s->why, sizeof s->why, "is of type %s",
                     cel_type_print(s->arena, cel_program_type(program)).ptr);
            return FAILED;
        }
    }
    if (json_object_get(test, "check_only"))
        return PASSED;
    struct cel_run run = {.arena = s->arena, .variables = values, .cost_limit = 100 * CEL_PER_CALL_LIMIT};
    struct cel_value have = cel_evaluate(program, &run);
    snprintf(s->why, sizeof s->why, "gives %.*s", SLICE_ARG(cel_print(s->arena, &have)));
    if (json_object_get(test, "error"))
        return have.kind == CEL_ERROR ? PASSED : FAILED;
    struct cel_value want = value_of(s, json_object_get(test, "value"));
    return !json_object_get(test, "value") || same(&want, &have) ? PASSED : FAILED;
}

static enum verdict try_case(struct spec *s, const json_t *test)
{
    struct cel_variable variables[VARIABLES_MAX];
    struct cel_value values[VARIABLES_MAX];
    cleanup_error struct error err = ERROR_INIT;
    if (!applies(test))
        return NOT_APPLICABLE;
    struct cel_source source = {.text = slice_make(json_string_value(json_object_get(test, "expr")),
                                                   json_string_length(json_object_get(test, "expr"))),
                                .variables = variables,
                                .variable_count = declare(s, test, variables, values),
                                .container = json_string_value(json_object_get(test, "container")),
                                .flags = CEL_MIXED_LISTS |
                                         (json_object_get(test, "unchecked") ? CEL_UNCHECKED : 0)};
    const struct cel_program *program = cel_compile(s->arena, cel_env_kubernetes(), &source, &err);
    if (program)
        return judge(s, test, program, values);
    snprintf(s->why, sizeof s->why, "%s", err.message);
    return json_object_get(test, "error") ? PASSED : FAILED;
}

/* ---- all files ---- */

struct totals {
    struct buf listed;
    size_t passed, failed, other, broken;
    bool show;
};

static bool is_listed(const struct totals *t, const char *name)
{
    struct slice rest = buf_slice(&t->listed), line;
    while (slice_split(&rest, '\n', &line))
        if (slice_is(line, name))
            return true;
    return false;
}

static void count_case(struct totals *t, const char *name, const json_t *test, size_t counts[3])
{
    struct spec s = {.arena = arena_new()};
    enum verdict verdict = try_case(&s, test);
    counts[verdict]++;
    if (verdict != PASSED && is_listed(t, name)) {
        t->broken++;
        print_message("broken: %s: %s\n", name, s.why);
    } else if (t->show && verdict == FAILED) {
        print_message("fails: %s: %s\n  %s\n", name, json_string_value(json_object_get(test, "expr")), s.why);
    } else if (t->show && verdict == PASSED && !is_listed(t, name)) {
        print_message("passes: %s\n", name);
    }
    arena_free(s.arena);
}

static void run_file(struct totals *t, const char *file)
{
    char path[300], name[1000];
    size_t counts[3] = {0}, i, j;
    json_t *section, *test;
    snprintf(path, sizeof path, "testing/cel-spec/%s", file);
    json_t *cases = json_load_file(path, JSON_ALLOW_NUL, NULL);
    assert_non_null(cases);
    json_array_foreach(json_object_get(cases, "sections"), i, section)
    {
        json_array_foreach(json_object_get(section, "tests"), j, test)
        {
            snprintf(name, sizeof name, "%.*s/%s/%s", (int)(strlen(file) - 5), file,
                     json_string_value(json_object_get(section, "name")),
                     json_string_value(json_object_get(test, "name")));
            count_case(t, name, test, counts);
        }
    }
    json_decref(cases);
    print_message("%-20.*s %4zu of %4zu pass, %4zu do not apply\n", (int)(strlen(file) - 5), file,
                  counts[PASSED], counts[PASSED] + counts[FAILED], counts[NOT_APPLICABLE]);
    t->passed += counts[PASSED];
    t->failed += counts[FAILED];
    t->other += counts[NOT_APPLICABLE];
}

static int is_json(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static void published_cases_pass(void **state)
{
    struct totals t = {.listed = BUF_INIT(1 << 20), .show = getenv("CEL_SPEC_SHOW") != NULL};
    cleanup_file FILE *list = fopen("testing/cel-spec-passing.txt", "re");
    char line[1024];
    assert_non_null(list);
    while (fgets(line, sizeof line, list))
        buf_puts(&t.listed, line);
    struct dirent **files;
    int count = scandir("testing/cel-spec", &files, is_json, alphasort);
    assert_true(count > 20);
    for (int i = 0; i < count; i++) {
        run_file(&t, files[i]->d_name);
        free(files[i]);
    }
    free(files);
    buf_release(&t.listed);
    print_message("%zu of %zu pass, %zu do not apply\n", t.passed, t.passed + t.failed, t.other);
    assert_int_equal(t.broken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_cases_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
