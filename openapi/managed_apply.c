/* managed_apply: what is applied, laid over what is there; what is applied no more, taken out. See managed.h.
 */
#include "openapi/managed_parts.h"

#include "openapi/decode.h"

static const struct schema any = {.kind = SCHEMA_ANY};

/* A free tree and the version it is in. */
struct versioned {
    struct value tree;
    struct slice version;
    const struct schema_type *type;
};

/* False: there is no such version, or the tree cannot be converted to it. */
static bool convert(const struct managed_request *req, const struct versioned *from, struct slice version,
                    struct versioned *ret)
{
    *ret = *from;
    if (slice_eq(from->version, version))
        return true;
    ret->version = version;
    ret->type = req->versions->type(req->versions->arg, version);
    return ret->type &&
           req->versions->convert(req->versions->arg, &from->tree, true, from->version, version, &ret->tree);
}

static struct fieldset named_fields(struct arena *arena, const struct versioned *of)
{
    struct fieldset set;
    typed_fields(arena, of->type, &of->tree, &set);
    return typed_with_named_fields(arena, of->type, &set);
}

/* ---- taking out what is applied no more ---- */

/* Of what pruning took out of `merged`, what somebody owns comes back, as a version of the kind names it. */
static void add_back_owned(const struct managed_request *req, struct versioned *merged,
                           struct versioned *pruned, struct slice version, const struct managed *managed)
{
    struct arena *arena = req->arena;
    struct fieldset owned = {0};
    for (size_t i = 0; i < managed->count; i++)
        if (slice_eq(managed->entries[i].api_version, version))
            owned = fieldset_union(arena, &owned, &managed->entries[i].fields);
    struct versioned m, p;
    if (!convert(req, merged, version, &m) || !convert(req, pruned, version, &p))
        return;
    struct fieldset all = named_fields(arena, &m), kept = named_fields(arena, &p);
    owned = typed_with_named_fields(arena, m.type, &owned);
    struct fieldset stays = fieldset_union(arena, &kept, &owned),
                    goes = fieldset_difference(arena, &all, &stays);
    *merged = m;
    p.tree = typed_remove(arena, m.type, &m.tree, &goes);
    *pruned = p;
}

/* The entry's own version first, for others may need what it brings back to convert the object at all. */
static void add_back_all_owned(const struct managed_request *req, struct versioned *merged,
                               struct versioned *pruned, struct slice first, const struct managed *managed)
{
    add_back_owned(req, merged, pruned, first, managed);
    for (size_t i = 0; i < managed->count; i++) {
        struct slice version = managed->entries[i].api_version;
        bool seen = slice_eq(version, first);
        for (size_t j = 0; j < i && !seen; j++)
            seen = slice_eq(managed->entries[j].api_version, version);
        if (!seen)
            add_back_owned(req, merged, pruned, version, managed);
    }
}

/* Only what the applier had before goes. */
static void add_back_dangling(const struct managed_request *req, const struct versioned *merged,
                              struct versioned *pruned, const struct managed_entry *last)
{
    struct arena *arena = req->arena;
    struct versioned p;
    if (!convert(req, pruned, last->api_version, &p)) {
        *pruned = *merged;
        return;
    }
    struct fieldset all = named_fields(arena, merged), kept = named_fields(arena, &p);
    struct fieldset had = typed_with_named_fields(arena, merged->type, &last->fields);
    struct fieldset goes = fieldset_difference(arena, &all, &kept);
    goes = fieldset_intersection(arena, &goes, &had);
    p.tree = typed_remove(arena, merged->type, &merged->tree, &goes);
    *pruned = p;
}

/* `last` is what the applier's entry was before; `managed` has it as it is now. False: a conversion failed.
 */
static bool prune(const struct managed_request *req, const struct managed *managed,
                  const struct managed_entry *last, struct value *tree)
{
    struct versioned start = {*tree, req->api_version, req->type}, merged, pruned, back;
    if (fieldset_is_empty(&last->fields) || !convert(req, &start, last->api_version, &merged))
        return true;
    struct fieldset had = typed_with_named_fields(req->arena, merged.type, &last->fields);
    struct versioned in_last = merged;
    pruned = merged;
    pruned.tree = typed_remove(req->arena, merged.type, &merged.tree, &had);
    add_back_all_owned(req, &merged, &pruned, last->api_version, managed);
    add_back_dangling(req, &in_last, &pruned, last);
    if (!convert(req, &pruned, req->api_version, &back))
        return false;
    *tree = back.tree;
    return true;
}

/* ---- apply ---- */

/* The object before it had entries belongs to nobody in particular. */
static bool claim_for_nobody(const struct managed_request *req, const struct value *live,
                             struct managed *managed)
{
    struct managed_change change = {.after = live, .free = true};
    struct managed_entry own = {.manager = SLICE("before-first-apply"),
                                .subresource = req->subresource,
                                .api_version = req->api_version,
                                .time = req->now};
    struct value nothing;
    cleanup_buf struct buf text = BUF_INIT(BUF_UNLIMITED);
    encode_json_type(&text, req->type, &value_absent);
    if (!decode_json_node(req->arena, &any, arena_dup(req->arena, buf_slice(&text)), &nothing, NULL, NULL))
        return false;
    change.before = &nothing;
    if (!managed_take(req, &change, managed, &own.fields))
        return false;
    managed_strip(&own.fields);
    if (!fieldset_is_empty(&own.fields))
        *(struct managed_entry *)arena_push(req->arena, &managed->entries, &managed->count,
                                            &managed->capacity, sizeof own) = own;
    return true;
}

static bool fail(struct error *err, const char *what)
{
    err->code = 500;
    return error_set(err, REASON_UNKNOWN, "%s", what);
}

/* One try; *conflicts is filled instead of a result when others own what would change. */
static bool try_apply(const struct managed_request *req, const struct value *live, const struct value *config,
                      struct managed_conflicts *conflicts, struct managed *managed, struct value *ret,
                      struct error *err)
{
    struct managed_entry own = {.manager = req->manager, .subresource = req->subresource, .apply = true};
    struct managed_change change = {.before = live, .after = ret, .free = true, .conflicts = conflicts};
    struct fieldset fields, changed;
    managed_reconcile(req, managed);
    if (!typed_merge(req->arena, req->type, live, config, ret) ||
        !typed_fields(req->arena, req->type, config, &fields))
        return fail(err, "failed to merge config");
    struct managed_entry *entry = managed_find(managed, &own), last = {0};
    if (entry)
        last = *entry;
    else
        entry = arena_push(req->arena, &managed->entries, &managed->count, &managed->capacity, sizeof *entry);
    own.time = last.time;
    own.api_version = req->api_version;
    own.fields = managed_without(req->arena, req->reset, &fields);
    *entry = own;
    if (!prune(req, managed, &last, ret))
        return fail(err, "failed to prune fields");
    change.self = entry;
    if (!managed_take(req, &change, managed, &changed))
        return fail(err, "failed to compare objects");
    return true;
}

static void finish_own(const struct managed_request *req, bool changed, struct managed *managed)
{
    struct managed_entry own = {.manager = req->manager, .subresource = req->subresource, .apply = true};
    struct managed_entry *entry = managed_find(managed, &own);
    if (!entry)
        return;
    managed_strip(&entry->fields);
    if (changed)
        entry->time = req->now;
    if (fieldset_is_empty(&entry->fields))
        managed_drop(managed, entry);
}

static struct managed copy_of(struct arena *arena, const struct managed *managed)
{
    struct managed copy = {.count = managed->count, .capacity = managed->count + 2};
    copy.entries = arena_alloc(arena, copy.capacity * sizeof *copy.entries);
    if (copy.count)
        memcpy(copy.entries, managed->entries, copy.count * sizeof *copy.entries);
    return copy;
}

bool managed_apply(const struct managed_request *req, const struct value *live, const struct value *config,
                   bool force, const char *object_name, struct managed *managed, struct value *ret,
                   bool *ret_changed, struct error *err)
{
    struct managed_conflicts conflicts = {.arena = req->arena};
    struct managed start = copy_of(req->arena, managed);
    if (!typed_validate(req->arena, req->type, config, false, err)) {
        err->code = 500;
        return error_wrap(err, "failed to create typed patch object (%s)", object_name);
    }
    if (!start.count && !claim_for_nobody(req, live, &start))
        return fail(err, "failed to create manager for existing fields");
    struct managed after = copy_of(req->arena, &start);
    if (!try_apply(req, live, config, force ? NULL : &conflicts, &after, ret, err))
        return false;
    if (conflicts.count && slice_is(req->manager, "kubectl")) {
        managed_allow_last_applied(req, live, &conflicts);
        after = copy_of(req->arena, &start);
        if (!conflicts.count && !try_apply(req, live, config, NULL, &after, ret, err))
            return false;
    }
    if (conflicts.count)
        return managed_fail_conflicts(&conflicts, err);
    *ret_changed = !value_equal(live, ret);
    finish_own(req, *ret_changed, &after);
    if (slice_is(req->manager, "kubectl"))
        *ret_changed |= managed_sync_last_applied(req->arena, config, ret);
    *managed = after;
    return true;
}
