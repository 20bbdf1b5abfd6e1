/* The second pass: names between packages, inlined records, defaults, and the checks that need them. */
#include "model.h"
#include "yaml_node.h"

static void resolve_type(struct type *type);

struct package *model_find_package(struct model *model, const char *name)
{
    for (size_t i = 0; i < model->package_count; i++)
        if (strcmp(model->packages[i]->name, name) == 0)
            return model->packages[i];
    return NULL;
}

static struct type *find_in_package(struct package *package, const char *name)
{
    for (size_t i = 0; package && i < package->type_count; i++)
        if (strcmp(package->types[i].name, name) == 0)
            return &package->types[i];
    return NULL;
}

struct type *model_find_type(struct package *package, const char *ref)
{
    struct model *model = package->source->model;
    const char *dot = strchr(ref, '.');
    if (!dot)
        return find_in_package(package, ref);
    const char *name = arena_strdup(model->arena, slice_make(ref, (size_t)(dot - ref)));
    return find_in_package(model_find_package(model, name), dot + 1);
}

static void resolve_expr(struct package *package, struct field *f, struct type_expr *expr)
{
    if (expr->elem)
        resolve_expr(package, f, expr->elem);
    if (!expr->ref)
        return;
    expr->type = model_find_type(package, expr->ref);
    if (!expr->type)
        model_fault(f->source, f->node, "there is no type \"%s\"", expr->ref);
    else if (expr->type->opaque)
        expr->kind = SCHEMA_RAW;
}

static void check_field(struct field *f)
{
    enum schema_kind kind = f->type->kind;
    if (f->list_type != LIST_TYPE_NONE && kind != SCHEMA_LIST && kind != SCHEMA_BYTES)
        model_fault(f->source, f->node, "listType stands on \"%s\", which is no list", f->name);
    if ((f->list_type == LIST_TYPE_MAP) != (f->list_keys && f->list_keys[0]))
        model_fault(f->source, f->node, "listType map and listMapKeys go together");
    if (f->list_type == LIST_TYPE_MAP && f->type->elem->kind != SCHEMA_RECORD)
        model_fault(f->source, f->node, "listType map needs a list of records");
    if (f->has_min && f->has_max && f->min > f->max)
        model_fault(f->source, f->node, "min is greater than max");
    if (f->is_inline && kind != SCHEMA_RECORD)
        model_fault(f->source, f->node, "only a record can be inline");
    if (f->enums && !f->enums[0])
        model_fault(f->source, f->node, "enum is empty");
}

static struct field *find_field(struct type *type, const char *name)
{
    for (size_t i = 0; i < type->flat_count; i++)
        if (strcmp(type->flat[i].name, name) == 0)
            return &type->flat[i];
    return NULL;
}

static void check_list_keys(struct field *f)
{
    for (const char **key = f->list_keys; f->list_type == LIST_TYPE_MAP && key && *key; key++) {
        struct type *item = f->type->elem ? f->type->elem->type : NULL;
        if (item && !find_field(item, *key))
            model_fault(f->source, f->node, "listMapKeys: %s has no field \"%s\"", item->name, *key);
    }
    struct type *item = f->type->kind == SCHEMA_LIST ? f->type->elem->type : NULL;
    if (f->patch_key && item && item->flat_count && !find_field(item, f->patch_key))
        model_fault(f->source, f->node, "patchMergeKey: %s has no field \"%s\"", item->name, f->patch_key);
}

static void push_flat(struct type *type, const struct field *f)
{
    struct arena *arena = type->package->source->model->arena;
    for (size_t i = 0; i < type->flat_count; i++) {
        const struct field *other = &type->flat[i];
        if (strcmp(other->name, f->name) == 0)
            model_fault(f->source, f->node, "field \"%s\" stands twice in %s", f->name, type->name);
        if (f->proto && other->proto == f->proto && other->inlined == f->inlined)
            model_fault(f->source, f->node, "number %u of \"%s\" is that of \"%s\" too", f->proto, f->name,
                        other->name);
        if (f->proto && !f->inlined && other->inlined && (other->inlined & 0xffff) == f->proto)
            model_fault(f->source, f->node, "number %u of \"%s\" is that of an inlined record too", f->proto,
                        f->name);
    }
    struct field *copy =
        arena_push(arena, &type->flat, &type->flat_count, &type->flat_capacity, sizeof *copy);
    *copy = *f;
}

static void flatten_inline(struct type *type, const struct field *f)
{
    struct type *inner = f->type->type;
    if (!inner)
        return;
    if (inner->flattening == 1) {
        model_fault(f->source, f->node, "%s holds itself", inner->name);
        return;
    }
    resolve_type(inner);
    for (size_t i = 0; i < inner->flat_count; i++) {
        struct field copy = inner->flat[i];
        if (f->proto)
            copy.inlined = f->proto | copy.inlined << 16;
        push_flat(type, &copy);
    }
}

static void mark_union(struct type *type)
{
    struct source *source = type->package->source;
    for (const char **m = type->members; m && *m; m++) {
        struct field *f = find_field(type, *m);
        if (f)
            f->flags |= FIELD_UNION;
        else
            model_fault(source, type->node, "union: %s has no field \"%s\"", type->name, *m);
    }
    if (type->discriminator && !find_field(type, type->discriminator))
        model_fault(source, type->node, "union: %s has no field \"%s\"", type->name, type->discriminator);
}

static void resolve_default(struct type *type, struct field *f)
{
    if (!f->default_node)
        return;
    yaml_node_t *value = f->default_node;
    const char *key;
    yaml_node_t *item, *when = NULL, *conditional = NULL;
    for (size_t i = 0; value->type == YAML_MAPPING_NODE && node_pair(f->source, value, i, &key, &item); i++) {
        if (strcmp(key, "value") == 0)
            conditional = item;
        if (strcmp(key, "when") == 0)
            when = item;
    }
    f->default_json = model_default_json(f, conditional ? conditional : value);
    for (size_t i = 0; when && node_pair(f->source, when, i, &key, &item); i++) {
        if (strcmp(key, "field") == 0)
            f->when_name = node_text(f->source, item);
        else if (strcmp(key, "equals") == 0)
            f->when_equals = node_text(f->source, item);
        else
            model_fault(f->source, item, "when has no key \"%s\"", key);
    }
    if (!when)
        return;
    struct field *other = f->when_name ? find_field(type, f->when_name) : NULL;
    if (!other || !f->when_equals)
        model_fault(f->source, when, "when needs the name of a field of %s, and equals", type->name);
    else
        f->when_field = (unsigned)(other - type->flat);
}

/* What every object begins with. */
static void push_type_meta(struct type *type)
{
    static const struct {
        const char *name, *doc;
    } fields[] = {
        {"kind", "The kind of the object, such as Pod."},
        {"apiVersion",
         "The group and version of the kind, such as apps/v1; of the core group only the version."}};
    struct source *source = type->package->source;
    struct type_expr *text = arena_zalloc(source->model->arena, sizeof *text);
    for (int i = 0; i < 2; i++)
        push_flat(type, &(struct field){.source = source,
                                        .node = type->node,
                                        .name = fields[i].name,
                                        .doc = fields[i].doc,
                                        .type = text,
                                        .flags = FIELD_OMIT_EMPTY,
                                        .min_length = -1,
                                        .max_length = -1});
}

static void resolve_type(struct type *type)
{
    if (type->flattening)
        return;
    type->flattening = 1;
    if (type->is_kind)
        push_type_meta(type);
    for (size_t i = 0; i < type->field_count; i++) {
        struct field *f = &type->fields[i];
        resolve_expr(type->package, f, f->type);
        check_field(f);
        if (f->is_inline)
            flatten_inline(type, f);
        else
            push_flat(type, f);
    }
    mark_union(type);
    for (size_t i = 0; i < type->flat_count; i++)
        resolve_default(type, &type->flat[i]);
    model_resolve_wire(type);
    type->flattening = 2;
}

static void resolve_resource(struct resource *r)
{
    struct package *package = r->package;
    struct source *source = package->source;
    r->type = model_find_type(package, r->kind_ref);
    if (!r->type || !r->type->is_kind)
        model_fault(source, r->node, "there is no kind \"%s\" (a type with `kind: true`)", r->kind_ref);
    for (size_t i = 0; i < r->subresource_count; i++) {
        struct subresource *s = &r->subresources[i];
        s->kind_ref = s->kind_ref ? s->kind_ref : r->kind_ref;
        s->type = model_find_type(package, s->kind_ref);
        if (!s->type || !s->type->is_kind)
            model_fault(source, s->node, "there is no kind \"%s\" (a type with `kind: true`)", s->kind_ref);
    }
    if (!package->group || !package->version || !package->group_priority)
        model_fault(source, r->node, "a package with resources needs group, version and priority");
}

static void resolve_storage(struct resource *r)
{
    r->storage = r;
    if (!r->storage_ref)
        return;
    struct package *other = model_find_package(r->package->source->model, r->storage_ref);
    for (size_t i = 0; other && i < other->resource_count; i++)
        if (strcmp(other->resources[i].name, r->name) == 0) {
            r->storage = &other->resources[i];
            return;
        }
    model_fault(r->package->source, r->node, "storage: there is no resource \"%s\" in \"%s\"", r->name,
                r->storage_ref);
}

/* Groups with the higher priority first, then by name; of a group the version with the higher priority first.
 */
static int by_priority(const void *a, const void *b)
{
    const struct package *x = *(struct package *const *)a, *y = *(struct package *const *)b;
    if (x->group_priority != y->group_priority)
        return x->group_priority > y->group_priority ? -1 : 1;
    int c = strcmp(x->group ? x->group : "", y->group ? y->group : "");
    if (c)
        return c;
    if (x->version_priority != y->version_priority)
        return x->version_priority > y->version_priority ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void number_resources(struct model *model)
{
    unsigned index = 0;
    const char *group = NULL;
    for (size_t i = 0; i < model->package_count; i++) {
        struct package *p = model->packages[i];
        for (size_t k = 0; k < p->resource_count; k++)
            p->resources[k].index = index++;
        if (!p->resource_count)
            continue;
        p->preferred = !group || strcmp(group, p->group) != 0;
        group = p->group;
    }
}

static void check_packages(struct model *model)
{
    for (size_t i = 0; i < model->package_count; i++) {
        struct package *p = model->packages[i];
        for (size_t k = 0; k < i; k++)
            if (strcmp(model->packages[k]->name, p->name) == 0)
                model_fault(p->source, NULL, "package \"%s\" is that of %s too", p->name,
                            model->packages[k]->source->path);
        for (size_t t = 0; t < p->type_count; t++)
            if (find_in_package(p, p->types[t].name) != &p->types[t])
                model_fault(p->source, p->types[t].node, "type \"%s\" stands twice", p->types[t].name);
    }
}

void model_resolve(struct model *model)
{
    check_packages(model);
    for (size_t i = 0; i < model->package_count; i++)
        for (size_t k = 0; k < model->packages[i]->type_count; k++)
            resolve_type(&model->packages[i]->types[k]);
    for (size_t i = 0; i < model->package_count; i++) {
        struct package *p = model->packages[i];
        for (size_t k = 0; k < p->type_count; k++)
            for (size_t f = 0; f < p->types[k].field_count; f++)
                check_list_keys(&p->types[k].fields[f]);
        for (size_t k = 0; k < p->resource_count; k++)
            resolve_resource(&p->resources[k]);
    }
    qsort(model->packages, model->package_count, sizeof *model->packages, by_priority);
    number_resources(model);
    for (size_t i = 0; i < model->package_count; i++)
        for (size_t k = 0; k < model->packages[i]->resource_count; k++)
            resolve_storage(&model->packages[i]->resources[k]);
}
