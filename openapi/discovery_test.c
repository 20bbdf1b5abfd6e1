/* Discovery: the legacy and the aggregated form say the same, and custom group-versions join. */
#include "openapi/discovery.h"

#include "openapi/gen/core_v1.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct schema_resource boat = {.group = "shop.test",
                                            .version = "v2",
                                            .name = "boats",
                                            .singular = "boat",
                                            .kind = "Boat",
                                            .type = &core_v1_ConfigMap,
                                            .namespaced = true,
                                            .verbs = 0xff};
static const struct schema_resource *const boats[] = {&boat};
static const struct schema_group_version custom[] = {
    {.group = "shop.test", .version = "v2", .preferred = true, .resources = boats, .resource_count = 1},
    {.group = "shop.test", .version = "v1beta1", .resources = boats, .resource_count = 1},
};

static struct discovery_list all(void)
{
    static const struct schema_group_version *items[64];
    size_t count = 0;
    for (unsigned i = 0; i < schema_group_version_count; i++)
        items[count++] = &schema_group_versions[i];
    items[count++] = &custom[0];
    items[count++] = &custom[1];
    return (struct discovery_list){items, count};
}

static json_t *parse(struct blob *blob)
{
    json_error_t err;
    assert_non_null(blob);
    json_t *json = json_loadb(blob->data, blob->len, JSON_REJECT_DUPLICATES, &err);
    if (!json)
        fail_msg("%s in %.*s", err.text, (int)blob->len, blob->data);
    blob_unref(blob);
    return json;
}

static const char *text(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void test_groups(void **state)
{
    json_t *doc = parse(discovery_groups(all())), *groups = json_object_get(doc, "groups"), *group;
    size_t i;
    const char *last = "";
    json_array_foreach(groups, i, group)
    {
        assert_string_not_equal(text(group, "name"), last); /* the versions of a group stand in one entry */
        assert_string_not_equal(text(group, "name"), "");
        last = text(group, "name");
    }
    assert_string_equal(text(json_array_get(groups, 0), "name"), "apiregistration.k8s.io");
    assert_string_equal(last, "shop.test");
    json_t *boat_group = json_array_get(groups, json_array_size(groups) - 1);
    assert_int_equal(json_array_size(json_object_get(boat_group, "versions")), 2);
    assert_string_equal(text(json_object_get(boat_group, "preferredVersion"), "groupVersion"),
                        "shop.test/v2");
    json_decref(doc);
}

static void test_group(void **state)
{
    json_t *doc = parse(discovery_group(all(), SLICE("autoscaling")));
    assert_string_equal(text(doc, "kind"), "APIGroup");
    assert_string_equal(text(json_object_get(doc, "preferredVersion"), "version"), "v2");
    json_decref(doc);
    assert_null(discovery_group(all(), SLICE("nothing")));
    assert_null(discovery_group(all(), SLICE("")));
}

static json_t *find(json_t *list, const char *key, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) if (strcmp(text(item, key), name) == 0) return item;
    fail_msg("there is no %s", name);
    return NULL;
}

static void test_resources(void **state)
{
    json_t *doc = parse(discovery_resources(&schema_group_versions[0])),
           *list = json_object_get(doc, "resources");
    assert_string_equal(text(doc, "groupVersion"), "v1");
    json_t *pods = find(list, "name", "pods"), *eviction = find(list, "name", "pods/eviction");
    assert_string_equal(text(pods, "storageVersionHash"),
                        "xPOwRZ+Yhw8="); /* the same on every server of any make */
    assert_string_equal(text(eviction, "group"), "policy");
    assert_null(json_object_get(find(list, "name", "pods/status"), "group"));
    assert_null(json_object_get(find(list, "name", "bindings"), "storageVersionHash"));
    json_decref(doc);
}

static void test_custom_verbs(void **state)
{
    struct blob *doc = discovery_resources(&custom[0]);
    static const char order[] = "\"verbs\":[\"delete\",\"deletecollection\",\"get\",\"list\",\"patch\","
                                "\"create\",\"update\",\"watch\"]";
    assert_non_null(memmem(doc->data, doc->len, order, sizeof order - 1));
    blob_unref(doc);
}

/* Each resource of the legacy documents stands in the aggregated one with as many verbs. */
static void test_aggregated(void **state)
{
    struct discovery_list list = all();
    json_t *core = parse(discovery_aggregated(list, true)),
           *others = parse(discovery_aggregated(list, false));
    assert_int_equal(json_array_size(json_object_get(core, "items")), 1);
    for (size_t i = 0; i < list.count; i++) {
        const struct schema_group_version *gv = list.items[i];
        json_t *items = json_object_get(*gv->group ? others : core, "items"), *group = NULL, *item;
        size_t k;
        json_array_foreach(items, k,
                           item) if (!*gv->group || strcmp(text(json_object_get(item, "metadata"), "name"),
                                                           gv->group) == 0) group = item;
        assert_non_null(group);
        json_t *resources =
            json_object_get(find(json_object_get(group, "versions"), "version", gv->version), "resources");
        assert_int_equal(json_array_size(resources), gv->resource_count);
        for (unsigned r = 0; r < gv->resource_count; r++) {
            json_t *resource = json_array_get(resources, r);
            assert_string_equal(text(resource, "resource"), gv->resources[r]->name);
            assert_int_equal(json_array_size(json_object_get(resource, "verbs")),
                             __builtin_popcount(gv->resources[r]->verbs));
            assert_int_equal(json_array_size(json_object_get(resource, "subresources")),
                             gv->resources[r]->subresource_count);
        }
    }
    json_decref(core);
    json_decref(others);
}

static void test_core_versions_and_etag(void **state)
{
    struct blob *doc = discovery_core_versions(SLICE("10.0.0.1:6443"));
    char etag[DISCOVERY_ETAG_SIZE], other[DISCOVERY_ETAG_SIZE];
    discovery_etag(blob_slice(doc), etag);
    discovery_etag(SLICE("x"), other);
    assert_int_equal(strlen(etag), 130);
    assert_int_equal(etag[0], '"');
    assert_string_not_equal(etag, other);
    json_t *json = parse(doc);
    assert_string_equal(
        text(json_array_get(json_object_get(json, "serverAddressByClientCIDRs"), 0), "serverAddress"),
        "10.0.0.1:6443");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),     cmocka_unit_test(test_group),
        cmocka_unit_test(test_resources),  cmocka_unit_test(test_custom_verbs),
        cmocka_unit_test(test_aggregated), cmocka_unit_test(test_core_versions_and_etag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
