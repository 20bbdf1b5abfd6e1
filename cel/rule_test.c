#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cel/rule.h"
#include "openapi/decode.h"

/* A schema of a custom resource as the API server makes one at run time, by hand. */

#define FIELD(n, ...)                                                                                        \
    {                                                                                                        \
        .name = n, .name_len = sizeof(n) - 1, .flags = FIELD_POINTER | FIELD_OMIT_EMPTY, .schema = {         \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }

static const struct schema_rules short_text = {.max_length = 10, .min_length = -1};
static const struct schema_rules few = {.max_length = 5, .min_length = -1};
static const struct schema_rules time_format = {.format = "date-time", .max_length = -1, .min_length = -1};
static const struct schema string_node = {.kind = SCHEMA_STRING, .rules = &short_text};
static const struct schema long_string = {.kind = SCHEMA_STRING};
static const struct schema int_node = {.kind = SCHEMA_INT64};
static const struct schema_field spec_fields[] = {
    FIELD("replicas", .kind = SCHEMA_INT64),
    FIELD("maxReplicas", .kind = SCHEMA_INT64),
    FIELD("name", .kind = SCHEMA_STRING, .rules = &short_text),
    FIELD("a-b", .kind = SCHEMA_STRING),
    FIELD("in", .kind = SCHEMA_BOOL),
    FIELD("names", .kind = SCHEMA_LIST, .elem = &string_node, .rules = &few),
    FIELD("many", .kind = SCHEMA_LIST, .elem = &long_string),
    FIELD("set", .kind = SCHEMA_LIST, .elem = &int_node, .list_type = LIST_TYPE_SET),
    FIELD("labels", .kind = SCHEMA_MAP, .elem = &string_node),
    FIELD("port", .kind = SCHEMA_INT_OR_STRING),
    FIELD("since", .kind = SCHEMA_STRING, .rules = &time_format),
    FIELD("anything", .kind = SCHEMA_ANY),
    FIELD("namespace", .kind = SCHEMA_STRING),
};
enum { SPEC_FIELDS = sizeof spec_fields / sizeof *spec_fields, SLOTS = 64 };
static uint16_t spec_slots[SLOTS];
static struct schema_type spec_type = {.name = "Spec",
                                       .fields = spec_fields,
                                       .field_count = SPEC_FIELDS,
                                       .slots = spec_slots,
                                       .slot_mask = SLOTS - 1};
static const struct schema_field root_fields[] = {FIELD("apiVersion", .kind = SCHEMA_STRING),
                                                  FIELD("kind", .kind = SCHEMA_STRING),
                                                  FIELD("spec", .kind = SCHEMA_RECORD, .type = &spec_type)};
static uint16_t root_slots[SLOTS];
static struct schema_type root_type = {
    .name = "Root", .fields = root_fields, .field_count = 3, .slots = root_slots, .slot_mask = SLOTS - 1};
static const struct schema spec_schema = {.kind = SCHEMA_RECORD, .type = &spec_type};
static const struct schema root_schema = {.kind = SCHEMA_RECORD, .type = &root_type};

static void fill_slots(const struct schema_type *type, uint16_t *slots)
{
    for (unsigned f = 0; f < type->field_count; f++) {
        uint32_t i = schema_hash(type->fields[f].name, type->fields[f].name_len) & (SLOTS - 1);
        while (slots[i])
            i = (i + 1) & (SLOTS - 1);
        slots[i] = (uint16_t)(f + 1);
    }
}

static int set_up(void **state)
{
    fill_slots(&spec_type, spec_slots);
    fill_slots(&root_type, root_slots);
    return 0;
}

static struct value decoded(struct arena *arena, const char *json)
{
    struct value v;
    cleanup_error struct error err = ERROR_INIT;
    if (!decode_json(arena, &spec_type, slice_str(json), &v, NULL, &err))
        fail_msg("%s: %s", json, err.message);
    return v;
}

static struct slice judged(struct arena *arena, const char *rule_text, const char *json, const char *old_json,
                           bool optional)
{
    cleanup_error struct error err = ERROR_INIT;
    struct cel_rule rule;
    struct cel_rule_source source = {
        .text = slice_str(rule_text), .schema = &spec_schema, .optional_old_self = optional};
    if (!cel_rule_compile(arena, &source, &rule, &err))
        return arena_dup(arena, slice_str(err.message));
    struct value self = decoded(arena, json), old = old_json ? decoded(arena, old_json) : value_absent;
    struct cel_value v = cel_rule_evaluate(&rule, arena, &self, old_json ? &old : NULL, 0, NULL);
    return cel_print(arena, &v);
}

static void rules_judge_values(void **state)
{
    static const struct {
        const char *rule, *json, *old, *want;
        bool optional;
    } rows[] = {
        {"self.replicas <= self.maxReplicas", "{\"replicas\": 1, \"maxReplicas\": 2}", NULL, "true"},
        {"self.replicas <= self.maxReplicas", "{\"replicas\": 3, \"maxReplicas\": 2}", NULL, "false"},
        {"self.replicas <= self.maxReplicas", "{\"replicas\": 3}", NULL, "error(no such key: maxReplicas)"},
        {"!has(self.maxReplicas) || self.replicas <= self.maxReplicas", "{\"replicas\": 3}", NULL, "true"},
        {"self.a__dash__b == 'x' && self.__in__ && self.__namespace__ == 'n'",
         "{\"a-b\": \"x\", \"in\": true, \"namespace\": \"n\"}", NULL, "true"},
        {"self.names.all(n, n.startsWith('a'))", "{\"names\": [\"a1\", \"a2\"]}", NULL, "true"},
        {"self.names.exists(n, n == 'b') && self.names[0] + self.names[1] == 'ab'",
         "{\"names\": [\"a\", \"b\"]}", NULL, "true"},
        {"self.labels.all(k, self.labels[k] == k) && 'a' in self.labels && self.labels.a == 'a'",
         "{\"labels\": {\"a\": \"a\"}}", NULL, "true"},
        {"type(self.port) == int ? self.port > 1 : self.port == 'http'", "{\"port\": \"http\"}", NULL,
         "true"},
        {"type(self.port) == int ? self.port > 1 : self.port == 'http'", "{\"port\": 80}", NULL, "true"},
        {"self.since > timestamp('2020-01-01T00:00:00Z') && self.since.getFullYear() == 2026",
         "{\"since\": \"2026-01-01T00:00:00Z\"}", NULL, "true"},
        {"self.set == oldSelf.set && (self.set + [3]).size() == 3", "{\"set\": [1, 2]}", "{\"set\": [2, 1]}",
         "true"},
        {"self.replicas >= oldSelf.replicas", "{\"replicas\": 2}", "{\"replicas\": 3}", "false"},
        {"!oldSelf.hasValue() || oldSelf.value().replicas <= self.replicas", "{\"replicas\": 2}", NULL,
         "true", true},
        {"oldSelf.replicas.orValue(7) == 1", "{\"replicas\": 2}", "{\"replicas\": 1}", "true", true},
        {"self == oldSelf", "{\"replicas\": 2, \"names\": [\"a\"]}", "{\"replicas\": 2, \"names\": [\"a\"]}",
         "true"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct slice have = judged(arena, rows[i].rule, rows[i].json, rows[i].old, rows[i].optional);
        if (!slice_is(have, rows[i].want))
            fail_msg("%s\n gives %.*s\n  not  %s", rows[i].rule, SLICE_ARG(have), rows[i].want);
    }
}

static void bad_rules_are_named(void **state)
{
    static const struct {
        const char *rule, *want;
    } rows[] = {
        {"self.nothing == 1",
         "compilation failed: ERROR: <input>:1:5: undefined field 'nothing'\n | self.nothing == 1\n | ....^"},
        {"self.anything == 1", "compilation failed: ERROR: <input>:1:5: undefined field 'anything'\n | "
                               "self.anything == 1\n | ....^"},
        {"self.replicas", "cel expression must evaluate to a bool"},
        {"self.replicas == 'a'", "compilation failed: ERROR: <input>:1:15: found no matching overload for "
                                 "'_==_' applied to '(int, string)'\n | "
                                 "self.replicas == 'a'\n | ..............^"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        assert_string_equal(judged(arena, rows[i].rule, "{}", NULL, false).ptr, rows[i].want);
    }
}

static void estimates_follow_the_schema(void **state)
{
    static const struct {
        const char *rule;
        uint64_t want;
    } rows[] = {
        {"self.replicas <= self.maxReplicas", 5},
        {"self.names.all(n, n == 'a')", 28},
        {"type(self.port) == int ? self.port > 1 : self.port == 'http'", 7},
        {"self.names == oldSelf.names", 5},
        {"self.many.all(n, n == 'a')", 5242878},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct cel_rule rule;
        struct cel_rule_source source = {.text = slice_str(rows[i].rule), .schema = &spec_schema};
        assert_true(cel_rule_compile(arena, &source, &rule, &err));
        if (rule.max_cost != rows[i].want)
            fail_msg("%s costs %llu, not %llu", rows[i].rule, (unsigned long long)rule.max_cost,
                     (unsigned long long)rows[i].want);
    }
}

static void roots_have_a_name(void **state)
{
    static const char *const rows[] = {"self.metadata.name == 'x'", "self.metadata.generateName == ''",
                                       "self.kind == 'K' && self.apiVersion == 'v1'"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct cel_rule rule;
        struct cel_rule_source source = {.text = slice_str(rows[i]), .schema = &root_schema, .root = true};
        if (!cel_rule_compile(arena, &source, &rule, &err))
            fail_msg("%s", err.message);
    }
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = ERROR_INIT;
    struct cel_rule rule;
    struct cel_rule_source source = {
        .text = SLICE("self.metadata.labels == {}"), .schema = &root_schema, .root = true};
    assert_false(cel_rule_compile(arena, &source, &rule, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_judge_values),
        cmocka_unit_test(bad_rules_are_named),
        cmocka_unit_test(estimates_follow_the_schema),
        cmocka_unit_test(roots_have_a_name),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
