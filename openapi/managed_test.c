/* Who owns what after a run of writes: each case is a story of updates and applies to one object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "openapi/decode.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/managed.h"

static const struct schema any = {.kind = SCHEMA_ANY};

static const struct schema_type *type_in(void *arg, struct slice api_version)
{
    (void)arg;
    return slice_is(api_version, "v1") || slice_is(api_version, "v2") ? &core_v1_ConfigMap : NULL;
}

/* v2 is v1 by another name. */
static bool convert(void *arg, const struct value *object, bool free, struct slice from, struct slice to,
                    struct value *ret)
{
    (void)arg, (void)free, (void)from, (void)to;
    *ret = *object;
    return true;
}

struct story {
    struct arena *arena;
    struct value object; /* typed */
    struct managed managed;
    bool exists, changed;
};

static struct managed_request by(struct story *s, const char *manager, const char *now)
{
    static const struct managed_versions versions = {NULL, type_in, convert};
    return (struct managed_request){.arena = s->arena,
                                    .manager = slice_str(manager),
                                    .api_version = SLICE("v1"),
                                    .type = &core_v1_ConfigMap,
                                    .now = slice_str(now),
                                    .versions = &versions};
}

static struct value typed(struct arena *arena, const char *text)
{
    struct value v;
    cleanup_error struct error err = ERROR_INIT;
    if (!decode_json(arena, &core_v1_ConfigMap, slice_str(text), &v, NULL, &err))
        fail_msg("%s: %s", text, err.message);
    return v;
}

static struct value tree(struct arena *arena, struct slice text)
{
    struct value v;
    cleanup_error struct error err = ERROR_INIT;
    if (!decode_json_node(arena, &any, text, &v, NULL, &err))
        fail_msg("%.*s: %s", SLICE_ARG(text), err.message);
    return v;
}

static const char *text_of(struct arena *arena, const struct value *object)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    encode_json_type(&out, &core_v1_ConfigMap, object);
    return arena_strdup(arena, buf_slice(&out));
}

static void update(struct story *s, struct managed_request req, const char *after)
{
    struct value v = typed(s->arena, after);
    assert_true(managed_update(&req, s->exists ? &s->object : NULL, &v, &s->managed));
    s->object = v;
    s->exists = true;
}

/* want NULL: it succeeds. */
static void apply(struct story *s, struct managed_request req, bool force, const char *config,
                  const char *want)
{
    cleanup_error struct error err = ERROR_INIT;
    static const struct schema record = {.kind = SCHEMA_RECORD, .type = &core_v1_ConfigMap};
    struct value live =
        tree(s->arena, slice_str(s->exists ? text_of(s->arena, &s->object) : "{\"metadata\":{}}"));
    struct value over = tree(s->arena, slice_str(config)), got;
    bool ok = managed_apply(&req, &live, &over, force, "/c; /v1, Kind=ConfigMap", &s->managed, &got,
                            &s->changed, &err);
    if (ok != !want || (want && strcmp(err.message, want) != 0))
        fail_msg("%s by %.*s: got %s\nwant %s", config, SLICE_ARG(req.manager), ok ? "ok" : err.message,
                 want ? want : "ok");
    if (!ok)
        return;
    assert_true(decode_value(s->arena, &record, &got, &s->object, NULL, &err));
    s->exists = true;
}

/* manager/operation@time fields; ... */
static const char *owners(struct story *s)
{
    cleanup_buf struct buf out = BUF_INIT(BUF_UNLIMITED);
    struct value list = managed_encode(s->arena, &s->managed);
    for (VALUE_EACH(entry, &list)) {
        struct slice time = value_text(value_at(entry, meta_v1_ManagedFieldsEntry_time));
        buf_put_slice(&out, value_text(value_at(entry, meta_v1_ManagedFieldsEntry_manager)));
        buf_putc(&out, '/');
        buf_put_slice(&out, value_text(value_at(entry, meta_v1_ManagedFieldsEntry_operation)));
        if (time.len)
            buf_printf(&out, "@%.*s", SLICE_ARG(time));
        buf_putc(&out, ' ');
        buf_put_slice(&out, value_text(value_at(entry, meta_v1_ManagedFieldsEntry_fieldsV1)));
        buf_puts(&out, ";");
    }
    return arena_strdup(s->arena, buf_slice(&out));
}

static void owned(struct story *s, const char *want)
{
    const char *got = owners(s);
    if (strcmp(got, want) != 0)
        fail_msg("\n got %s\nwant %s", got, want);
}

static void data_is(struct story *s, const char *want)
{
    const char *got = text_of(s->arena, &s->object);
    if (!strstr(got, want))
        fail_msg("got %s, want %s in it", got, want);
}

#define STORY                                                                                                \
    cleanup_arena struct arena *arena = arena_new();                                                         \
    struct story s = {.arena = arena};                                                                       \
    (void)state

static void updates_take_fields(void **state)
{
    STORY;
    update(&s, by(&s, "a", "1"),
           "{\"metadata\":{\"name\":\"c\",\"uid\":\"u\"},\"data\":{\"x\":\"1\",\"y\":\"1\"}}");
    owned(&s, "a/Update@1 {\"f:data\":{\".\":{},\"f:x\":{},\"f:y\":{}}};");
    update(&s, by(&s, "b", "2"), "{\"data\":{\"x\":\"2\",\"y\":\"1\"}}");
    owned(&s, "a/Update@1 {\"f:data\":{\".\":{},\"f:y\":{}}};b/Update@2 {\"f:data\":{\"f:x\":{}}};");
    update(&s, by(&s, "b", "3"),
           "{\"data\":{\"x\":\"2\",\"y\":\"1\"}}"); /* nothing changes, no time either */
    owned(&s, "a/Update@1 {\"f:data\":{\".\":{},\"f:y\":{}}};b/Update@2 {\"f:data\":{\"f:x\":{}}};");
    update(&s, by(&s, "a", "4"), "{\"data\":{\"y\":\"1\"}}"); /* what is gone is nobody's */
    owned(&s, "a/Update@1 {\"f:data\":{\".\":{},\"f:y\":{}}};");
    update(&s, by(&s, "b", "5"), "{\"data\":{\"y\":\"2\"},\"metadata\":{\"labels\":{\"l\":\"1\"}}}");
    owned(&s, "a/Update@1 {\"f:data\":{}};b/Update@5 "
              "{\"f:data\":{\"f:y\":{}},\"f:metadata\":{\"f:labels\":{\".\":{},\"f:l\":{}}}};");
}

static void untracked_stays_untracked(void **state)
{
    STORY;
    s.object = typed(arena, "{\"data\":{\"x\":\"1\"}}");
    s.exists = true;
    update(&s, by(&s, "a", "1"), "{\"data\":{\"x\":\"2\"}}");
    owned(&s, "");
    apply(&s, by(&s, "b", "2"), false, "{\"data\":{\"x\":\"3\"}}",
          "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.x");
    owned(&s, "");
    apply(&s, by(&s, "b", "2"), false, "{\"data\":{\"z\":\"3\"}}", NULL);
    owned(&s, "b/Apply@2 {\"f:data\":{\"f:z\":{}}};before-first-apply/Update@2 "
              "{\"f:data\":{\".\":{},\"f:x\":{}}};");
}

static void applies_share_and_remove(void **state)
{
    STORY;
    apply(&s, by(&s, "a", "1"), false, "{\"metadata\":{\"name\":\"c\"},\"data\":{\"x\":\"1\",\"y\":\"1\"}}",
          NULL);
    owned(&s, "a/Apply@1 {\"f:data\":{\"f:x\":{},\"f:y\":{}}};");
    apply(&s, by(&s, "b", "2"), false, "{\"data\":{\"x\":\"1\"}}", NULL);
    assert_false(s.changed);
    owned(&s, "b/Apply {\"f:data\":{\"f:x\":{}}};a/Apply@1 {\"f:data\":{\"f:x\":{},\"f:y\":{}}};");
    apply(&s, by(&s, "a", "3"), false, "{}", NULL); /* y goes, x is b's too */
    data_is(&s, "\"data\":{\"x\":\"1\"}");
    owned(&s, "b/Apply {\"f:data\":{\"f:x\":{}}};");
    apply(&s, by(&s, "b", "4"), false, "{\"data\":{}}", NULL);
    data_is(&s, "{\"metadata\":{");
    assert_null(strstr(text_of(arena, &s.object), "data\":{\"x"));
}

static void conflicts_and_force(void **state)
{
    STORY;
    update(&s, by(&s, "u", "1"), "{\"data\":{\"x\":\"1\",\"y\":\"1\"}}");
    apply(&s, by(&s, "a", "2"), false, "{\"data\":{\"x\":\"1\",\"z\":\"1\"}}", NULL);
    apply(&s, by(&s, "b", "3"), false, "{\"data\":{\"x\":\"2\"}}",
          "Apply failed with 2 conflicts: conflicts with \"a\":\n- .data.x\nconflicts with \"u\" using "
          "v1:\n- .data.x");
    apply(&s, by(&s, "b", "3"), true, "{\"data\":{\"x\":\"2\"}}", NULL);
    data_is(&s, "\"data\":{\"x\":\"2\",\"y\":\"1\",\"z\":\"1\"}");
    owned(&s, "a/Apply@2 {\"f:data\":{\"f:z\":{}}};b/Apply@3 {\"f:data\":{\"f:x\":{}}};u/Update@1 "
              "{\"f:data\":{\".\":{},\"f:y\":{}}};");
    update(&s, by(&s, "b", "4"),
           "{\"data\":{\"x\":\"3\",\"y\":\"1\",\"z\":\"1\"}}"); /* another b than the one that applies */
    owned(&s, "a/Apply@2 {\"f:data\":{\"f:z\":{}}};u/Update@1 {\"f:data\":{\".\":{},\"f:y\":{}}};b/Update@4 "
              "{\"f:data\":{\"f:x\":{}}};");
}

static void conflicts_are_told_in_order(void **state)
{
    STORY;
    struct managed_request scale = by(&s, "u", "2");
    scale.subresource = SLICE("scale");
    update(&s, by(&s, "u", "1"), "{\"data\":{\"x\":\"1\"}}");
    update(&s, scale, "{\"data\":{\"x\":\"1\",\"y\":\"1\"}}");
    apply(&s, by(&s, "a", "3"), false, "{\"data\":{\"x\":\"2\",\"y\":\"2\"}}",
          "Apply failed with 2 conflicts: conflicts with \"u\" with subresource \"scale\" using v1:\n- "
          ".data.y\n"
          "conflicts with \"u\" using v1:\n- .data.x");
}

#define LAST "kubectl.kubernetes.io/last-applied-configuration"

static void kubectl_takes_over_from_client_side_apply(void **state)
{
    STORY;
    update(&s, by(&s, "kubectl-client-side-apply", "1"),
           "{\"metadata\":{\"annotations\":{\"" LAST
           "\":\"{\\\"apiVersion\\\":\\\"v1\\\",\\\"data\\\":{\\\"x\\\":\\\"1\\\"}}\"}},\"data\":{\"x\":"
           "\"1\",\"y\":\"1\"}}");
    apply(&s, by(&s, "other", "2"), false, "{\"apiVersion\":\"v1\",\"data\":{\"x\":\"2\"}}",
          "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.x");
    apply(&s, by(&s, "kubectl", "2"), false, "{\"apiVersion\":\"v1\",\"data\":{\"y\":\"2\"}}",
          "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.y");
    apply(&s, by(&s, "kubectl", "2"), false, "{\"apiVersion\":\"v1\",\"data\":{\"x\":\"2\"}}", NULL);
    data_is(&s, LAST "\":\"{\\\"apiVersion\\\":\\\"v1\\\",\\\"data\\\":{\\\"x\\\":\\\"2\\\"}}\\n\"");
    data_is(&s, "\"data\":{\"x\":\"2\",\"y\":\"1\"}");
}

static void old_updaters_become_one(void **state)
{
    STORY;
    update(&s, by(&s, "m0", "00"), "{\"data\":{\"k00\":\"1\"}}");
    for (int i = 1; i < 13; i++) { /* each adds a key of its own */
        cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
        for (int j = 0; j <= i; j++)
            buf_printf(&text, "%s\"k%02d\":\"1\"", j ? "," : "{\"data\":{", j);
        buf_puts(&text, "}}");
        update(&s, by(&s, arena_printf(arena, "m%d", i), arena_printf(arena, "%02d", i)),
               arena_strdup(arena, buf_slice(&text)));
        assert_true(s.managed.count <= MANAGED_MAX_UPDATERS);
    }
    const char *got = owners(&s);
    const char *want = "ancient-changes/Update@03 "
                       "{\"f:data\":{\".\":{},\"f:k00\":{},\"f:k01\":{},\"f:k02\":{},\"f:k03\":{}}};"
                       "m4/Update@04 ";
    if (strncmp(got, want, strlen(want)) != 0)
        fail_msg("\n got %s\nwant %s...", got, want);
}

static void versions_are_told_apart(void **state)
{
    STORY;
    struct managed_request in_v2 = by(&s, "a", "2");
    update(&s, by(&s, "a", "1"), "{\"data\":{\"x\":\"1\"}}");
    in_v2.api_version = SLICE("v2");
    update(&s, in_v2, "{\"data\":{\"x\":\"1\",\"y\":\"1\"}}");
    owned(&s, "a/Update@1 {\"f:data\":{\".\":{},\"f:x\":{}}};a/Update@2 {\"f:data\":{\"f:y\":{}}};");
    s.managed.entries[0].api_version = SLICE("v0"); /* is no more */
    update(&s, by(&s, "b", "3"), "{\"data\":{\"x\":\"1\",\"y\":\"2\"}}");
    owned(&s, "b/Update@3 {\"f:data\":{\"f:y\":{}}};");
}

static void what_cannot_change_is_nobodys(void **state)
{
    STORY;
    static const char *const reset[] = {"data.x", NULL};
    struct managed_request req = by(&s, "a", "1");
    req.reset = reset;
    update(&s, req, "{\"data\":{\"x\":\"1\",\"y\":\"1\"}}");
    owned(&s, "a/Update@1 {\"f:data\":{\".\":{},\"f:y\":{}}};");
    apply(&s, req, false, "{\"data\":{\"x\":\"1\",\"z\":\"1\"}}", NULL);
    owned(&s, "a/Apply@1 {\"f:data\":{\"f:z\":{}}};a/Update@1 {\"f:data\":{\".\":{},\"f:y\":{}}};");
}

static void lists_are_read_and_checked(void **state)
{
    static const struct {
        const char *entry, *want; /* NULL: good */
    } cases[] = {
        {"{\"manager\":\"a\",\"operation\":\"Apply\",\"apiVersion\":\"v1\",\"fieldsType\":\"FieldsV1\","
         "\"fieldsV1\":{}}",
         NULL},
        {"{\"operation\":\"Update\",\"apiVersion\":\"v1\",\"fieldsType\":\"FieldsV1\"}", NULL},
        {"{\"operation\":\"Patch\",\"apiVersion\":\"v1\"}", "operation must be `Apply` or `Update`"},
        {"{\"operation\":\"Apply\",\"fieldsType\":\"FieldsV1\"}", "apiVersion must not be empty"},
        {"{\"operation\":\"Apply\",\"apiVersion\":\"v1\"}", "missing fieldsType in managed fields entry 0"},
        {"{\"operation\":\"Apply\",\"apiVersion\":\"v1\",\"fieldsType\":\"FieldsV2\"}",
         "invalid fieldsType \"FieldsV2\" in managed fields entry 0"},
        {"{\"operation\":\"Apply\",\"apiVersion\":\"v1\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"a\":{}}"
         "}",
         "the name of a member is not of the form \"f:name\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error err = ERROR_INIT;
        struct value v =
            typed(arena, arena_printf(arena, "{\"metadata\":{\"managedFields\":[%s]}}", cases[i].entry));
        struct managed managed;
        bool ok = managed_decode(arena, value_path(&v, "metadata.managedFields"), &managed, &err);
        if (ok != !cases[i].want || (!ok && strcmp(err.message, cases[i].want) != 0))
            fail_msg("%s: got %s", cases[i].entry, ok ? "ok" : err.message);
    }
}

static void resets_are_known(void **state)
{
    static const struct {
        const char *list;
        bool want;
    } cases[] = {
        {"[]", true}, {"[{}]", true}, {"null", false}, {"[{},{}]", false}, {"[{\"manager\":\"a\"}]", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct value v =
            typed(arena, arena_printf(arena, "{\"metadata\":{\"managedFields\":%s}}", cases[i].list));
        if (managed_is_reset(value_path(&v, "metadata.managedFields")) != cases[i].want)
            fail_msg("%s is %sa reset", cases[i].list, cases[i].want ? "not " : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_take_fields),
        cmocka_unit_test(untracked_stays_untracked),
        cmocka_unit_test(applies_share_and_remove),
        cmocka_unit_test(conflicts_and_force),
        cmocka_unit_test(conflicts_are_told_in_order),
        cmocka_unit_test(kubectl_takes_over_from_client_side_apply),
        cmocka_unit_test(old_updaters_become_one),
        cmocka_unit_test(versions_are_told_apart),
        cmocka_unit_test(what_cannot_change_is_nobodys),
        cmocka_unit_test(lists_are_read_and_checked),
        cmocka_unit_test(resets_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
