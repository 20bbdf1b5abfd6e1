/* The compiler of the API's descriptions: what it makes of good ones, and the line it names in bad ones. */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <cmocka.h>

#define HEAD                                                                                                 \
    "group: shop\nversion: v1\npriority: {group: 100, version: 10}\npackage: shop_v1\nopenapi: "             \
    "test.shop.v1\n" /* 5 lines */

static char folder[] = "/tmp/openapi-compile-XXXXXX";

static const char *write_file(struct arena *arena, const char *name, const char *text)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    cleanup_file FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    return path;
}

static const char *read_file(struct arena *arena, const char *name)
{
    char *text = arena_zalloc(arena, 1 << 16);
    cleanup_file FILE *file = fopen(arena_printf(arena, "%s/%s", folder, name), "r");
    assert_non_null(file);
    text[fread(text, 1, (1 << 16) - 1, file)] = '\0';
    return text;
}

/* Loads and resolves one description; returns what it says on standard error. */
static const char *faults_of(struct model *model, const char *yaml)
{
    const char *path = write_file(model->arena, "shop_v1.yaml", yaml);
    cleanup_fd int saved = dup(STDERR_FILENO);
    fflush(stderr);
    cleanup_fd int fd =
        open(arena_printf(model->arena, "%s/stderr", folder), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(fd, STDERR_FILENO);
    model_load(model, path);
    if (!model->faults)
        model_resolve(model);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    return read_file(model->arena, "stderr");
}

static const char good[] = HEAD "resources:\n"
                                "  boats:\n"
                                "    kind: Boat\n"
                                "    shortNames: [bt]\n"
                                "    subresources:\n"
                                "      status: {}\n"
                                "    columns:\n"
                                "      - {name: Sails, type: integer, path: spec.sails}\n"
                                "types:\n"
                                "  Boat:\n"
                                "    doc: A thing that \"floats\".\n"
                                "    kind: true\n"
                                "    fields:\n"
                                "      spec: {type: BoatSpec, proto: 2}\n"
                                "  BoatList:\n"
                                "    list: Boat\n"
                                "  Hull:\n"
                                "    fields:\n"
                                "      length: {type: int32, proto: 1, min: 1}\n"
                                "  BoatSpec:\n"
                                "    hook: true\n"
                                "    fields:\n"
                                "      hull: {inline: Hull, proto: 7}\n"
                                "      sails: {type: int32, proto: 1, pointer: true, default: 2}\n"
                                "      rig: {type: string, proto: 2, enum: [sloop, ketch], default: {value: "
                                "ketch, when: {field: sails, equals: \"\"}}}\n"
                                "      $tags: {type: map<list<string>>, proto: 3, required: true}\n"
                                "  ListMeta:\n"
                                "    fields: {}\n";

static void test_good(void **state)
{
    static const char meta[] = "package: meta_v1\nopenapi: test.meta\ntypes:\n  ListMeta:\n    fields: {}\n";
    struct model model;
    model_init(&model);
    model_load(&model, write_file(model.arena, "meta_v1.yaml", meta));
    assert_string_equal(faults_of(&model, good), "");
    struct package *package = model_find_package(&model, "shop_v1");
    assert_true(emit_package(&model, package, folder));
    assert_true(emit_resources(&model, folder));
    assert_true(emit_hooks(&model, folder));

    const char *head = read_file(model.arena, "shop_v1.h"), *tables = read_file(model.arena, "shop_v1.c"),
               *resources = read_file(model.arena, "resources.c"), *hooks = read_file(model.arena, "hooks.h");
    const struct {
        const char *text, *part;
    } cases[] = {
        {head, "    shop_v1_Boat_kind,\n    shop_v1_Boat_apiVersion,\n    shop_v1_Boat_spec,\n"},
        {head, "    shop_v1_BoatSpec_length,\n    shop_v1_BoatSpec_sails,\n    shop_v1_BoatSpec_rig,\n    "
               "shop_v1_BoatSpec_tags,\n"},
        {tables, "{.name = \"length\", .name_len = 6, .flags = 4, .proto = 1, .inlined = 7"},
        {tables, "wire_BoatSpec[] = {{2, 0}, {3, 1, 1, \"\\x12\"}, {4, 0}, {-7, 0}, {1, 1, 1, \"\\x08\"}, "
                 "{-32768, 0}, {0}};"},
        {tables, ".default_json = \"\\\"ketch\\\"\", .when_field = 1, .when_equals = \"\""},
        {tables, ".default_hook = default_hook_shop_v1_BoatSpec"},
        {tables, "A thing that \\\"floats\\\"."},
        {tables, ".has_min = true, .min = 1"},
        {tables, "{\"ketch\", \"sloop\", NULL}"},
        {resources, ".singular = \"boat\""},
        {resources, "{\"status\", 104, \"shop\", \"v1\", \"Boat\", &shop_v1_Boat}"},
        {hooks, "void default_hook_shop_v1_BoatSpec(struct value *record, struct arena *arena);"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!strstr(cases[i].text, cases[i].part))
            fail_msg("wanted %s in:\n%s", cases[i].part, cases[i].text);
    model_release(&model);
}

static const struct {
    const char *yaml, *fault; /* the fault after "shop_v1.yaml:" */
} bad[] = {
    {"types: [", "2: "},
    {"a: b\n", "1: a package has no key \"a\""},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: Nothing, proto: 1}\n",
     "9: there is no type \"Nothing\""},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: other_v1.B, proto: 1}\n",
     "9: there is no type \"other_v1.B\""},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: string, proto: 1}\n      c: {type: string, proto: 1}\n",
     "10: number 1 of \"c\" is that of \"b\" too"},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: string, proto: 1}\n      b: {type: string, proto: 2}\n",
     "10: field \"b\" stands twice in A"},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: int32, proto: 1, default: x}\n",
     "9: the default of \"b\" does not fit its type"},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: int32, proto: 1, default: 3000000000}\n",
     "9: the default of \"b\" does not fit its type"},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: string, proto: 1, enum: [x], default: y}\n",
     "9: the default of \"b\" does not fit its type"},
    {HEAD
     "types:\n  A:\n    fields:\n      b: {type: string, default: {value: y, when: {field: z, equals: a}}}\n",
     "9: when needs the name of a field of A"},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: string, prot: 1}\n", "9: a field has no key \"prot\""},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: string, type: bool}\n", "9: key \"type\" stands twice"},
    {HEAD "types:\n  A:\n    fields:\n      b: {proto: 1}\n", "9: field \"b\" has no type"},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: string, proto: 0}\n",
     "9: expected a whole number from 1"},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: string, required: maybe}\n",
     "9: expected true or false, not \"maybe\""},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: string, listType: set}\n",
     "9: listType stands on \"b\", which is no list"},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: list<A>, listType: map}\n",
     "9: listType map and listMapKeys go together"},
    {HEAD "types:\n  A:\n    fields:\n      b: {type: list<A>, listType: map, listMapKeys: [z]}\n",
     "9: listMapKeys: A has no field \"z\""},
    {HEAD "types:\n  A:\n    fields:\n      b: {inline: A}\n", "9: A holds itself"},
    {HEAD "types:\n  A:\n    union: {members: [z]}\n    fields: {}\n", "8: union: A has no field \"z\""},
    {HEAD "types:\n  A:\n    fields: {}\n  A:\n    fields: {}\n", "10: type \"A\" stands twice"},
    {HEAD "resources:\n  as:\n    kind: A\ntypes: {}\n", "8: there is no kind \"A\""},
    {HEAD "resources:\n  as:\n    kind: A\n    verbs: [fly]\ntypes:\n  A:\n    kind: true\n",
     "9: there is no verb \"fly\""},
    {HEAD "resources:\n  as:\n    kind: A\n    scope: World\ntypes:\n  A:\n    kind: true\n",
     "9: scope is Namespaced or Cluster"},
    {HEAD "resources:\n  as:\n    kind: A\n    storage: b_v2\ntypes:\n  A:\n    kind: true\n",
     "8: storage: there is no resource \"as\" in \"b_v2\""},
};

static void test_bad(void **state)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct model model;
        model_init(&model);
        const char *said = faults_of(&model, bad[i].yaml);
        const char *wanted = arena_printf(model.arena, "%s/shop_v1.yaml:%s", folder, bad[i].fault);
        if (!strstr(said, wanted) || model.faults == 0)
            fail_msg("case %zu: wanted \"%s\", said \"%s\"", i, wanted, said);
        model_release(&model);
    }
}

static void test_missing_file(void **state)
{
    struct model model;
    model_init(&model);
    cleanup_fd int saved = dup(STDERR_FILENO);
    cleanup_fd int fd = open("/dev/null", O_WRONLY);
    dup2(fd, STDERR_FILENO);
    model_load(&model, "/nowhere/x.yaml");
    dup2(saved, STDERR_FILENO);
    assert_int_equal(model.faults, 1);
    model_release(&model);
}

/* A file with the same bytes keeps its time, so that nothing is built again for it. */
static void test_same_file_is_kept(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/kept", folder);
    assert_true(emit_file(folder, "kept", SLICE("a")));
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    struct stat st;
    assert_true(emit_file(folder, "kept", SLICE("a")));
    stat(path, &st);
    assert_int_equal(st.st_mtim.tv_sec, 1000);
    assert_true(emit_file(folder, "kept", SLICE("b")));
    stat(path, &st);
    assert_int_not_equal(st.st_mtim.tv_sec, 1000);
}

static int setup(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    static const char *const files[] = {"shop_v1.yaml", "meta_v1.yaml", "stderr",  "shop_v1.h",
                                        "shop_v1.c",    "resources.c",  "hooks.h", "kept"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(arena_printf(arena, "%s/%s", folder, files[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_same_file_is_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
