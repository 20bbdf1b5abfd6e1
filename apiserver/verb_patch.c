/* patch: a change to the present object, in one of four formats. Runs as commit.h says. */
#include "apiserver/apply.h"
#include "apiserver/commit.h"
#include "apiserver/output.h"
#include "apiserver/patching.h"
#include "openapi/default.h"

bool patch_type_of(struct request *req, enum patch_type *ret)
{
    static const struct {
        const char *media;
        enum patch_type type;
    } known[] = {
        {"application/json-patch+json", PATCH_JSON},
        {"application/merge-patch+json", PATCH_MERGE_JSON},
        {"application/strategic-merge-patch+json", PATCH_STRATEGIC},
    };
    struct slice header = http_header_get(req->http, "content-type");
    struct slice type = media_type_of(header.ptr ? header : SLICE(""));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (slice_is(type, known[i].media)) {
            *ret = known[i].type;
            return true;
        }
    }
    req->err.has_details = true;
    return error_set(&req->err, REASON_UNSUPPORTED_MEDIA_TYPE, "415: Unsupported Media Type");
}

/* Members that the patch does not name, as the object's own encoding has them: upstream shows those as they
 * were. */
static void show_untouched(struct arena *arena, struct value *tree, const struct value *patch,
                           const struct value *record)
{
    const struct schema_type *type = record->record->type;
    for (uint32_t i = 0; tree->kind == VALUE_MAP && i < tree->map->count; i++) {
        struct value_entry *entry = &tree->map->entries[i];
        const struct value *change = value_get(patch, entry->key);
        int field = schema_find_field(type, entry->key.ptr, entry->key.len);
        const struct value *was = field < 0 ? &value_absent : value_at(record, (unsigned)field);
        if (value_is_set(change) && change->kind == VALUE_MAP && was->kind == VALUE_RECORD)
            show_untouched(arena, &entry->value, change, was);
        if (value_is_set(change) || !value_is_set(was))
            continue;
        cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
        encode_json(&text, &type->fields[field].schema, was);
        struct slice kept = arena_dup(arena, buf_slice(&text));
        entry->value = (struct value){.kind = VALUE_RAW, .len = (uint32_t)kept.len, .s = kept.ptr};
    }
}

static bool reject(struct request *req, enum patch_type patch, const struct value *current,
                   struct value *patched, const char *why)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    struct value tree;
    if (patch == PATCH_MERGE_JSON && decode_json_node(req->arena, &any, req->http->body, &tree, NULL, NULL))
        show_untouched(req->arena, patched, &tree, current);
    return patch_reject(req->arena, patch, patched, req->http->body, why, &req->err);
}

/* Tree of the present object, patch, back to the type. */
bool patch_object(struct request *req, const struct schema_type *type, enum patch_type patch,
                  const struct value *current, struct value *ret)
{
    static const struct schema any = {.kind = SCHEMA_ANY};
    const struct schema record = {.kind = SCHEMA_RECORD, .type = type};
    struct decode_findings findings = {.arena = req->arena};
    struct value tree, patched;
    if (!decode_value(req->arena, &any, current, &tree, NULL, &req->err) ||
        !patch_apply_strict(req->arena, patch, type, &tree, req->http->body, &patched, &findings, &req->err))
        return false;
    struct slice version = value_text(value_get(&patched, SLICE("apiVersion")));
    struct slice kind = value_text(value_get(&patched, SLICE("kind")));
    if (!slice_eq(version, value_text(value_get(&tree, SLICE("apiVersion")))) ||
        !slice_eq(kind, value_text(value_get(&tree, SLICE("kind")))))
        return reject(req, patch, current, &patched, "a patch cannot change kind or apiVersion");
    if (!decode_value(req->arena, &record, &patched, ret, &findings, &req->err)) {
        const char *why = req->err.message;
        error_clear(&req->err);
        return reject(req, patch, current, &patched, why);
    }
    if (!write_report_findings(req, &findings, ""))
        return false;
    default_object(req->arena, ret);
    return true;
}

static bool change(struct request *req, const struct value *current, struct value *ret_new, void *arg)
{
    struct value asked;
    return current && write_from_stored(req, current, &asked) &&
           patch_object(req, req->resource->type, *(enum patch_type *)arg, &asked, ret_new) &&
           write_to_stored(req, ret_new);
}

static void answer(struct request *req, void *arg)
{
    const struct written *written = arg;
    output_written(req, written->created ? 201 : 200, written);
}

void verb_patch(struct request *req)
{
    enum patch_type type;
    struct apply_config config;
    struct written *written = arena_zalloc(req->arena, sizeof *written);
    bool ok = output_check_form(req, false);
    if (ok && apply_is_asked(req))
        ok = apply_begin(req, &config) && write_update(req, apply_change, &config, written);
    else if (ok)
        ok = patch_type_of(req, &type) &&
             patch_options_parse(req->arena, &req->query, false, &req->write, &req->err) &&
             write_update(req, change, &type, written);
    commit_answer(req, ok, answer, written);
}
