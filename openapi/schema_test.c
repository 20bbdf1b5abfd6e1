/* The generated tables: every name is found, every reference leads somewhere. */
#include "openapi/schema.h"

#include "openapi/gen/apps_v1.h"
#include "openapi/gen/core_v1.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void check_node(const struct schema_type *owner, const struct schema_field *f, const struct schema *s)
{
    bool holds = s->kind == SCHEMA_LIST || s->kind == SCHEMA_MAP;
    if (holds != (s->elem != NULL) || (s->kind == SCHEMA_RECORD && !s->type) ||
        (s->kind == SCHEMA_RAW && !s->type))
        fail_msg("%s.%s has a bad node of kind %d", owner->openapi, f->name, s->kind);
    if (s->elem)
        check_node(owner, f, s->elem);
}

static void test_types(void **state)
{
    assert_true(schema_type_count > 600);
    for (unsigned i = 0; i < schema_type_count; i++) {
        const struct schema_type *t = schema_types[i];
        assert_ptr_equal(schema_find_type(t->openapi), t);
        for (unsigned k = 0; k < t->field_count; k++) {
            const struct schema_field *f = &t->fields[k];
            if (schema_find_field(t, f->name, f->name_len) != (int)k)
                fail_msg("%s.%s is found at %d, not %u", t->openapi, f->name,
                         schema_find_field(t, f->name, f->name_len), k);
            assert_int_equal(strlen(f->name), f->name_len);
            check_node(t, f, &f->schema);
            if (f->default_json) {
                json_t *json = json_loads(f->default_json, JSON_DECODE_ANY, NULL);
                if (!json)
                    fail_msg("the default of %s.%s is no JSON: %s", t->openapi, f->name, f->default_json);
                json_decref(json);
            }
        }
        assert_int_equal(schema_find_field(t, "noSuchField", 11), -1);
    }
    assert_null(schema_find_type("io.k8s.api.core.v1.Boat"));
}

static void test_resources(void **state)
{
    unsigned count = 0;
    assert_int_equal(schema_group_version_count, 23);
    for (unsigned g = 0; g < schema_group_version_count; g++) {
        const struct schema_group_version *gv = &schema_group_versions[g];
        struct slice group = slice_str(gv->group), version = slice_str(gv->version);
        for (unsigned i = 0; i < gv->resource_count; i++) {
            const struct schema_resource *r = gv->resources[i];
            assert_int_equal(r->index, count++);
            assert_ptr_equal(schema_find_resource(group, version, slice_str(r->name)), r);
            assert_ptr_equal(schema_find_kind(group, version, slice_str(r->kind)), r);
            assert_string_equal(r->type->name, r->kind);
            assert_string_equal(r->type->fields[0].name, "kind");
            assert_non_null(r->storage);
            assert_true(*r->doc);
            for (unsigned k = 0; k < r->subresource_count; k++)
                assert_ptr_equal(schema_find_subresource(r, slice_str(r->subresources[k].name)),
                                 &r->subresources[k]);
        }
    }
    assert_int_equal(count, schema_resource_count);
}

/* A column's path must lead to a field. */
static void test_column_paths(void **state)
{
    for (unsigned g = 0; g < schema_group_version_count; g++)
        for (unsigned i = 0; i < schema_group_versions[g].resource_count; i++) {
            const struct schema_resource *r = schema_group_versions[g].resources[i];
            for (unsigned c = 0; c < r->column_count; c++) {
                struct slice rest = slice_str(r->columns[c].path), part;
                const struct schema_type *type = r->type;
                while (r->columns[c].path && slice_split(&rest, '.', &part)) {
                    int field = type ? schema_find_field(type, part.ptr, part.len) : -1;
                    if (field < 0)
                        fail_msg("%s: column %s has path %s", r->name, r->columns[c].name,
                                 r->columns[c].path);
                    type = type->fields[field].schema.type;
                }
            }
        }
}

static void test_find_nothing(void **state)
{
    assert_null(schema_find_resource(SLICE("apps"), SLICE("v1"), SLICE("pods")));
    assert_null(schema_find_resource(SLICE(""), SLICE("v2"), SLICE("pods")));
    assert_null(schema_find_kind(SLICE("apps"), SLICE("v1"), SLICE("deployment")));
    assert_null(schema_find_kind(SLICE(""), SLICE(""), SLICE("")));
    assert_null(
        schema_find_subresource(schema_find_resource(SLICE(""), SLICE("v1"), SLICE("pods")), SLICE("scale")));
}

static void test_indexes(void **state)
{
    const struct schema_field *f = &core_v1_PodSpec.fields[core_v1_PodSpec_containers];
    assert_string_equal(f->name, "containers");
    assert_int_equal(f->proto, 2);
    assert_int_equal(f->flags & (FIELD_REQUIRED | FIELD_OMIT_EMPTY), FIELD_REQUIRED);
    assert_ptr_equal(f->schema.elem->type, &core_v1_Container);
    assert_string_equal(f->schema.list_keys[0], "name");

    f = &core_v1_Volume.fields[core_v1_Volume_emptyDir]; /* of an inlined struct */
    assert_int_equal(f->proto, 2);
    assert_int_equal(f->inlined, 2);

    f = &apps_v1_DeploymentStrategy.fields[apps_v1_DeploymentStrategy_rollingUpdate];
    assert_string_equal(f->default_json, "{}");
    assert_int_equal(f->when_field, apps_v1_DeploymentStrategy_type);
    assert_string_equal(f->when_equals, "RollingUpdate");
}

static void test_storage(void **state)
{
    const struct schema_resource *events = schema_find_resource(SLICE("events.k8s.io"), SLICE("v1"),
                                                                SLICE("events")),
                                 *scalers = schema_find_resource(SLICE("autoscaling"), SLICE("v1"),
                                                                 SLICE("horizontalpodautoscalers"));
    assert_string_equal(events->storage->group, "");
    assert_string_equal(scalers->storage->version, "v2");
    assert_ptr_equal(scalers->storage->storage, scalers->storage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),        cmocka_unit_test(test_resources),
        cmocka_unit_test(test_column_paths), cmocka_unit_test(test_find_nothing),
        cmocka_unit_test(test_indexes),      cmocka_unit_test(test_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
