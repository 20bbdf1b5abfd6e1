#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/hmap.h"

struct entry {
    struct hmap_node node;
    char text[16];
    bool seen;
};

static size_t freed;

static void free_entry(struct hmap_node *node)
{
    freed++;
    free(node);
}

static struct hmap_key key(struct entry *e, unsigned n)
{
    snprintf(e->text, sizeof e->text, "key-%u", n);
    return (struct hmap_key){(unsigned char)(n % 3), SLICE("a"), slice_str(e->text)};
}

/* A table of many keys, half of them removed: what is left is found and walked, each once. */
static void keeps_what_is_in_it(void **state)
{
    enum { N = 5000 };
    struct hmap map = {0};
    (void)state;
    assert_null(hmap_find(&map, (struct hmap_key){0}));
    assert_null(hmap_remove(&map, (struct hmap_key){0}));
    for (unsigned i = 0; i < N; i++) {
        struct entry *e = xcalloc(1, sizeof *e);
        e->node.key = key(e, i);
        hmap_insert(&map, &e->node);
    }
    for (unsigned i = 0; i < N; i += 2) {
        struct entry probe;
        free(hmap_remove(&map, key(&probe, i)));
    }
    assert_int_equal(map.count, N / 2);
    for (unsigned i = 0; i < N; i++) {
        struct entry probe, *found = (struct entry *)hmap_find(&map, key(&probe, i));
        assert_int_equal(found != NULL, i % 2);
    }
    size_t walked = 0;
    for (HMAP_EACH(node, &map)) {
        assert_false(((struct entry *)node)->seen);
        ((struct entry *)node)->seen = true;
        walked++;
    }
    assert_int_equal(walked, N / 2);
    hmap_clear(&map, free_entry);
    assert_int_equal(freed, N / 2);
    assert_null(hmap_after(&map, NULL));
}

static void keys_differ_by_every_part(void **state)
{
    struct hmap map = {0};
    struct entry e = {.node.key = {1, SLICE("ab"), SLICE("c")}};
    (void)state;
    hmap_insert(&map, &e.node);
    assert_ptr_equal(hmap_find(&map, (struct hmap_key){1, SLICE("ab"), SLICE("c")}), &e.node);
    assert_null(hmap_find(&map, (struct hmap_key){2, SLICE("ab"), SLICE("c")}));
    assert_null(hmap_find(&map, (struct hmap_key){1, SLICE("a"), SLICE("bc")}));
    assert_null(hmap_find(&map, (struct hmap_key){1, SLICE("ab"), SLICE("")}));
    free(map.buckets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_is_in_it),
        cmocka_unit_test(keys_differ_by_every_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
