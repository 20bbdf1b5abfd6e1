#include <math.h>

#include "base/alloc.h"
#include "openapi/decode.h"
#include "openapi/default.h"
#include "openapi/gen/apiextensions_v1.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/autoscaling_v2.h"
#include "openapi/gen/batch_v1.h"
#include "openapi/gen/core_v1.h"

/*
 * Any bytes as objects of several kinds: what decodes must encode to a text that decodes to an equal tree and
 * encodes to the same text; so must what defaulting made of it. One thing is settled by the first trip: a
 * free number such as 2.0 is written as 2 (and -0.0 as -0), as upstream writes it, and so comes back as an
 * integer.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool settled(const struct value *v)
{
    if (v->kind == VALUE_FLOAT)
        return v->f != trunc(v->f) || fabs(v->f) >= 0x1p63; /* beyond, it stays a float */
    if (v->kind == VALUE_LIST)
        for (VALUE_EACH(item, v))
            if (!settled(item))
                return false;
    if (v->kind == VALUE_MAP)
        for (VALUE_EACH_ENTRY(entry, v))
            if (!settled(&entry->value))
                return false;
    if (v->kind == VALUE_RECORD)
        for (unsigned i = 0; i < v->record->type->field_count; i++)
            if (!settled(&v->record->fields[i]))
                return false;
    return true;
}

static void check_trip(struct arena *arena, const struct schema *schema, const struct value *tree,
                       bool may_settle)
{
    cleanup_buf struct buf first = BUF_INIT(BUF_UNLIMITED), second = BUF_INIT(BUF_UNLIMITED);
    struct value again;
    cleanup_error struct error err = {.arena = arena};
    encode_json(&first, schema, tree);
    if (!decode_json_node(arena, schema, buf_slice(&first), &again, NULL, &err)) {
        if (err.reason == REASON_TOO_LARGE)
            return;
        fprintf(stderr, "does not decode: %s\n%s\n", err.message, buf_cstr(&first));
        abort();
    }
    if (may_settle && !settled(tree)) {
        check_trip(arena, schema, &again, false);
        return;
    }
    encode_json(&second, schema, &again);
    if (!slice_eq(buf_slice(&first), buf_slice(&second)) || !value_equal(tree, &again)) {
        fprintf(stderr, "first:  %s\nsecond: %s\n", buf_cstr(&first), buf_cstr(&second));
        abort();
    }
}

static void check_round_trip(struct arena *arena, const struct schema *schema, const struct value *tree)
{
    check_trip(arena, schema, tree, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct schema schemas[] = {
        {.kind = SCHEMA_ANY},
        {.kind = SCHEMA_RECORD, .type = &core_v1_Pod},
        {.kind = SCHEMA_RECORD, .type = &core_v1_Service},
        {.kind = SCHEMA_RECORD, .type = &apps_v1_StatefulSet},
        {.kind = SCHEMA_RECORD, .type = &autoscaling_v2_HorizontalPodAutoscaler},
        {.kind = SCHEMA_RECORD, .type = &batch_v1_Job},
        {.kind = SCHEMA_RECORD, .type = &apiextensions_v1_CustomResourceDefinition},
    };
    if (size == 0)
        return 0;
    const struct schema *schema = &schemas[data[0] % (sizeof schemas / sizeof *schemas)];
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error err = {.arena = arena};
    struct decode_findings findings = {.arena = arena};
    struct value tree;
    struct slice version, kind;
    arena_set_limit(arena, 64 << 20);
    struct slice text = slice_make((const char *)data + 1, size - 1);
    decode_type_meta(arena, text, &version, &kind, NULL);
    if (!decode_json_node(arena, schema, text, &tree, &findings, &err))
        return 0;
    check_round_trip(arena, schema, &tree);
    if (schema->kind == SCHEMA_RECORD && tree.kind == VALUE_RECORD) {
        default_object(arena, &tree);
        value_canonical(&tree, schema);
        check_round_trip(arena, schema, &tree);
        struct value copy = value_copy(arena, &tree, true);
        if (!value_equal(&copy, &tree))
            abort();
    }
    return 0;
}
