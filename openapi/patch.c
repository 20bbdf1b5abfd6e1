#include "openapi/patch.h"
#include "openapi/causes.h"
#include "openapi/patch_parts.h"

const struct schema patch_any = {.kind = SCHEMA_ANY};

bool patch_unprocessable(struct error *err)
{
    if (err)
        err->has_details = true;
    return error_set(err, REASON_INVALID, "the server rejected our request due to an error in our request");
}

const char *patch_kind_name(const struct value *v)
{
    switch ((enum value_kind)v->kind) {
    case VALUE_BOOL:
        return "bool";
    case VALUE_INT:
    case VALUE_FLOAT:
        return "number";
    case VALUE_STRING:
        return "string";
    case VALUE_LIST:
        return "array";
    case VALUE_RAW:
    case VALUE_MAP:
    case VALUE_RECORD:
        return "object";
    case VALUE_ABSENT:
    case VALUE_NULL:
        break;
    }
    return "null";
}

static bool list_equal(const struct value *a, const struct value *b)
{
    if (value_count(a) != value_count(b))
        return false;
    for (size_t i = 0; i < value_count(a); i++)
        if (!patch_equal(value_item(a, i), value_item(b, i)))
            return false;
    return true;
}

static bool map_equal(const struct value *a, const struct value *b)
{
    if (value_count(a) != value_count(b))
        return false;
    for (size_t i = 0; i < value_count(a); i++) {
        const struct value_entry *x = value_entry(a, i), *y = value_entry(b, i);
        if (!slice_eq(x->key, y->key) || !patch_equal(&x->value, &y->value))
            return false;
    }
    return true;
}

bool patch_equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    switch ((enum value_kind)a->kind) {
    case VALUE_BOOL:
        return a->b == b->b;
    case VALUE_INT:
        return a->i == b->i;
    case VALUE_FLOAT:
        return a->f == b->f;
    case VALUE_STRING:
    case VALUE_RAW:
        return slice_eq(value_text(a), value_text(b));
    case VALUE_LIST:
        return list_equal(a, b);
    case VALUE_MAP:
        return map_equal(a, b);
    default:
        return true; /* null and null */
    }
}

void patch_print(struct buf *out, const struct value *v)
{
    const char *space = "";

    switch ((enum value_kind)v->kind) {
    case VALUE_STRING:
        buf_put_slice(out, value_text(v));
        return;
    case VALUE_LIST:
        buf_putc(out, '[');
        for (VALUE_EACH(item, v)) {
            buf_puts(out, space);
            patch_print(out, item);
            space = " ";
        }
        buf_putc(out, ']');
        return;
    case VALUE_MAP:
        buf_puts(out, "map[");
        for (VALUE_EACH_ENTRY(entry, v)) {
            buf_puts(out, space);
            buf_put_slice(out, entry->key);
            buf_putc(out, ':');
            patch_print(out, &entry->value);
            space = " ";
        }
        buf_putc(out, ']');
        return;
    case VALUE_ABSENT:
    case VALUE_NULL:
        buf_puts(out, "<nil>");
        return;
    default:
        encode_json(out, &patch_any, v);
    }
}

/* ---- the patch document ---- */

static void add_finding(struct decode_findings *findings, const char *text)
{
    if (!findings)
        return;
    const char **item =
        arena_push(findings->arena, &findings->items, &findings->count, &findings->capacity, sizeof *item);
    *item = text;
}

/* One operation must look like {op, path, from: string; value: any}. */
static bool check_operation(struct arena *arena, const struct value *op, size_t index,
                            struct decode_findings *findings, struct error *err)
{
    static const char *const texts[] = {"from", "op", "path"};

    if (op->kind == VALUE_NULL)
        return true;
    if (op->kind != VALUE_MAP)
        return error_set(
            err, REASON_BAD_REQUEST,
            "error decoding patch: json: cannot unmarshal %s into Go value of type handlers.jsonPatchOp",
            patch_kind_name(op));
    for (VALUE_EACH_ENTRY(entry, op)) {
        bool known = slice_is(entry->key, "value");
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            if (!slice_is(entry->key, texts[i]))
                continue;
            known = true;
            if (entry->value.kind != VALUE_STRING && entry->value.kind != VALUE_NULL)
                return error_set(err, REASON_BAD_REQUEST,
                                 "error decoding patch: json: cannot unmarshal %s into Go struct field "
                                 "jsonPatchOp.%s of type string",
                                 patch_kind_name(&entry->value), texts[i]);
        }
        if (!known && findings)
            add_finding(findings, arena_printf(arena, "json patch unknown field \"[%zu].%.*s\"", index,
                                               SLICE_ARG(entry->key)));
    }
    return true;
}

static bool check_operations(struct arena *arena, const struct value *ops, struct decode_findings *findings,
                             struct error *err)
{
    size_t index = 0;

    if (ops->kind == VALUE_NULL)
        return true; /* no operations */
    if (ops->kind != VALUE_LIST)
        return error_set(
            err, REASON_BAD_REQUEST,
            "error decoding patch: json: cannot unmarshal %s into Go value of type []handlers.jsonPatchOp",
            patch_kind_name(ops));
    for (VALUE_EACH(op, ops))
        if (!check_operation(arena, op, index++, findings, err))
            return false;
    if (value_count(ops) > PATCH_MAX_OPERATIONS)
        return error_set(err, REASON_TOO_LARGE,
                         "The allowed maximum operations in a JSON patch is %d, got %zu",
                         PATCH_MAX_OPERATIONS, value_count(ops));
    return true;
}

/* A merge patch must be an object. Null passes the decoder: it is refused as such by RFC 7386, and is an
 * empty strategic patch. */
static bool check_object(enum patch_type patch, struct value *tree, struct error *err)
{
    if (tree->kind == VALUE_MAP)
        return true;
    if (tree->kind != VALUE_NULL && tree->kind != VALUE_ABSENT)
        return error_set(err, REASON_BAD_REQUEST,
                         "%sjson: cannot unmarshal %s into Go value of type map[string]interface {}",
                         patch == PATCH_MERGE_JSON ? "error decoding patch: " : "", patch_kind_name(tree));
    return patch == PATCH_STRATEGIC || error_set(err, REASON_BAD_REQUEST, "Invalid JSON Patch");
}

static bool decode_patch(struct arena *arena, struct slice body, struct value *ret_tree,
                         struct decode_findings *findings, struct error *err)
{
    cleanup_error struct error why = ERROR_INIT;

    if (decode_json_node(arena, &patch_any, body, ret_tree, findings, &why))
        return true;
    if (why.reason == REASON_TOO_LARGE)
        return error_set(err, REASON_TOO_LARGE, "%s", why.message);
    return error_set(err, REASON_BAD_REQUEST, "invalid JSON patch");
}

bool patch_apply_strict(struct arena *arena, enum patch_type patch, const struct schema_type *type,
                        const struct value *current_tree, struct slice patch_body, struct value *ret_tree,
                        struct decode_findings *findings, struct error *err)
{
    struct value tree, doc;
    size_t first = findings ? findings->count : 0;

    if (!decode_patch(arena, patch_body, &tree, findings, err))
        return false;
    if (patch == PATCH_JSON) {
        for (size_t i = first; findings && i < findings->count; i++)
            findings->items[i] = arena_printf(arena, "json patch %s", findings->items[i]);
        if (!check_operations(arena, &tree, findings, err))
            return false;
    } else if (!check_object(patch, &tree, err)) {
        return false;
    }
    doc = value_copy(arena, current_tree, false);
    if (patch == PATCH_JSON) {
        if (!patch_json_apply(arena, &doc, &tree, err))
            return false;
    } else if (patch == PATCH_MERGE_JSON) {
        patch_merge_apply(arena, &doc, &tree);
    } else if (tree.kind == VALUE_MAP && !patch_strategic_apply(arena, type, &doc, &tree, err)) {
        return false;
    }
    if (arena_exceeded(arena))
        return error_set(err, REASON_TOO_LARGE, "the patched object is too large");
    *ret_tree = doc;
    return true;
}

bool patch_apply(struct arena *arena, enum patch_type patch, const struct schema_type *type,
                 const struct value *current_tree, struct slice patch_body, struct value *ret_tree,
                 struct error *err)
{
    return patch_apply_strict(arena, patch, type, current_tree, patch_body, ret_tree, NULL, err);
}

bool patch_reject(struct arena *arena, enum patch_type patch, const struct value *result_tree,
                  struct slice patch_body, const char *why, struct error *err)
{
    cleanup_buf struct buf shown = BUF_INIT(BUF_UNLIMITED);
    struct causes causes = {.arena = arena};
    struct path at = path_field(NULL, "patch");
    struct value tree;

    if (patch != PATCH_STRATEGIC)
        encode_json(&shown, &patch_any, result_tree);
    else if (decode_json_node(arena, &patch_any, patch_body, &tree, NULL, NULL))
        patch_print(&shown, &tree);
    causes_invalid_text(&causes, &at, buf_slice(&shown), "%s", why);
    return causes_to_error(&causes, "", "", SLICE(""), err);
}
