/* The catalogue: order, precedence, lookups, and snapshots that stay whole while others are published. */
#include "apiserver/catalogue.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"

#define RESOURCE(g, v, n, k)                                                                                 \
    {                                                                                                        \
        .group = g, .version = v, .name = n, .kind = k                                                       \
    }
static const struct schema_resource ships = RESOURCE("shop.test", "v1", "ships", "Ship"),
                                    old_ships = RESOURCE("shop.test", "v1beta1", "ships", "Ship"),
                                    apps_ships = RESOURCE("apps", "v1", "ships", "Ship");
static const struct schema_resource *const ships_list[] = {&ships}, *const old_list[] = {&old_ships},
                                           *const apps_list[] = {&apps_ships};

#define CUSTOM(g, v, list)                                                                                   \
    {                                                                                                        \
        .group = g, .version = v, .group_priority = CATALOGUE_CUSTOM_GROUP_PRIORITY,                         \
        .version_priority = CATALOGUE_CUSTOM_VERSION_PRIORITY, .resources = list, .resource_count = 1        \
    }
static const struct schema_group_version beta = CUSTOM("shop.test", "v1beta1", old_list),
                                         ga = CUSTOM("shop.test", "v1", ships_list),
                                         in_apps = CUSTOM("apps", "v1", apps_list),
                                         remote = {.group = "metrics.test",
                                                   .version = "v1",
                                                   .group_priority = 100000,
                                                   .version_priority = 100,
                                                   .remote_discovery = "{}"},
                                         remote_shop = {.group = "shop.test",
                                                        .version = "v1",
                                                        .group_priority = 2000,
                                                        .version_priority = 15,
                                                        .remote_discovery = "{}"};

static void free_part(struct catalogue_part *part)
{
    free((void *)part->items);
    free(part);
}

static struct catalogue_part *part_of(const struct schema_group_version *const *items, size_t count)
{
    struct catalogue_part *part = xcalloc(1, sizeof *part);
    const struct schema_group_version **copy = xcalloc(count, sizeof *copy);
    memcpy(copy, items, count * sizeof *copy);
    atomic_init(&part->refs, 1);
    part->items = copy;
    part->count = count;
    part->release = free_part;
    return part;
}

static void publish(struct catalogues *set, enum catalogue_source source, size_t count, ...)
{
    const struct schema_group_version *items[8];
    va_list args;
    va_start(args, count);
    for (size_t i = 0; i < count; i++)
        items[i] = va_arg(args, const struct schema_group_version *);
    va_end(args);
    catalogues_publish(set, source, part_of(items, count));
}

static size_t place(const struct catalogue *c, const struct schema_group_version *gv)
{
    struct discovery_list list = catalogue_list(c);
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i] == gv)
            return i;
    return SIZE_MAX;
}

static void test_built_in_order(void **state)
{
    (void)state;
    struct catalogues *set = catalogues_new();
    struct catalogue *c = catalogues_pin(set);
    struct discovery_list list = catalogue_list(c);
    assert_int_equal(list.count, schema_group_version_count);
    for (size_t i = 0; i < list.count; i++)
        assert_ptr_equal(list.items[i], &schema_group_versions[i]);
    catalogue_unref(c);
    catalogues_free(set);
}

static void test_places(void **state)
{
    (void)state;
    struct catalogues *set = catalogues_new();
    publish(set, CATALOGUE_CUSTOM, 2, &beta, &ga);
    publish(set, CATALOGUE_AGGREGATED, 1, &remote);
    struct catalogue *c = catalogues_pin(set);
    size_t count = catalogue_list(c).count;
    assert_int_equal(count, schema_group_version_count + 3);
    assert_int_equal(place(c, &remote), 0);               /* the highest priority */
    assert_int_equal(place(c, &beta), place(c, &ga) + 1); /* GA first */
    assert_true(catalogue_has_group(c, SLICE("shop.test")));
    assert_true(catalogue_has_group(c, SLICE("apps")));
    assert_false(catalogue_has_group(c, SLICE("shop")));
    assert_ptr_equal(catalogue_find_group_version(c, SLICE("metrics.test"), SLICE("v1")), &remote);
    assert_null(catalogue_find_group_version(c, SLICE("metrics.test"), SLICE("v2")));
    catalogue_unref(c);
    catalogues_free(set);
}

static void test_precedence(void **state)
{
    (void)state;
    struct catalogues *set = catalogues_new();
    publish(set, CATALOGUE_CUSTOM, 2, &ga, &in_apps);
    publish(set, CATALOGUE_AGGREGATED, 1, &remote_shop);
    struct catalogue *c = catalogues_pin(set);
    assert_int_equal(catalogue_list(c).count, schema_group_version_count + 1); /* each group-version once */
    assert_ptr_equal(catalogue_find_group_version(c, SLICE("shop.test"), SLICE("v1")), &remote_shop);
    assert_non_null(catalogue_find_group_version(c, SLICE("apps"), SLICE("v1"))->package);
    assert_ptr_equal(catalogue_find_resource(c, SLICE("apps"), SLICE("v1"), SLICE("ships")), &apps_ships);
    assert_ptr_equal(catalogue_find_kind(c, SLICE("apps"), SLICE("v1"), SLICE("Ship")), &apps_ships);
    const struct schema_resource *built_in =
        schema_find_resource(SLICE("apps"), SLICE("v1"), SLICE("deployments"));
    assert_ptr_equal(catalogue_find_resource(c, SLICE("apps"), SLICE("v1"), SLICE("deployments")), built_in);
    assert_null(catalogue_find_resource(c, SLICE("shop.test"), SLICE("v1"), SLICE("boats")));
    catalogue_unref(c);
    catalogues_free(set);
}

static void test_pinned(void **state)
{
    (void)state;
    struct catalogues *set = catalogues_new();
    publish(set, CATALOGUE_CUSTOM, 1, &ga);
    struct catalogue *before = catalogues_pin(set);
    catalogues_publish(set, CATALOGUE_CUSTOM, NULL);
    struct catalogue *after = catalogues_pin(set);
    assert_true(catalogue_number(after) > catalogue_number(before));
    assert_ptr_equal(catalogue_find_resource(before, SLICE("shop.test"), SLICE("v1"), SLICE("ships")),
                     &ships);
    assert_null(catalogue_find_resource(after, SLICE("shop.test"), SLICE("v1"), SLICE("ships")));
    catalogue_unref(after);
    catalogues_free(set);
    assert_true(catalogue_has_group(before, SLICE("shop.test"))); /* the last reference keeps it */
    catalogue_unref(before);
}

enum { ROUNDS = 2000 };

static void *read_all(void *arg)
{
    static char fault[] = "half a snapshot";
    for (int i = 0; i < ROUNDS; i++) {
        struct catalogue *c = catalogues_pin(arg);
        bool group = catalogue_has_group(c, SLICE("shop.test"));
        bool resource = catalogue_find_resource(c, SLICE("shop.test"), SLICE("v1"), SLICE("ships")) != NULL;
        catalogue_unref(c);
        if (group != resource)
            return fault;
    }
    return NULL;
}

static void test_swapped_while_read(void **state)
{
    (void)state;
    struct catalogues *set = catalogues_new();
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, set), 0);
    for (int i = 0; i < 200; i++) {
        publish(set, CATALOGUE_CUSTOM, 1, &ga);
        catalogues_publish(set, CATALOGUE_CUSTOM, NULL);
    }
    for (int i = 0; i < 3; i++) {
        void *fault;
        pthread_join(threads[i], &fault);
        if (fault)
            fail_msg("%s", (const char *)fault);
    }
    catalogues_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_in_order),     cmocka_unit_test(test_places),
        cmocka_unit_test(test_precedence),         cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_swapped_while_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
