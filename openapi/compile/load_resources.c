/* The `resources:` of a file. */
#include "model.h"
#include "yaml_node.h"

#include <ctype.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define READER(name) static void name(struct source *source, yaml_node_t *v, void *into)

static unsigned read_verbs(struct source *source, yaml_node_t *node)
{
    static const char *const names[] = {"create", "delete", "deletecollection", "get",
                                        "list",   "patch",  "update",           "watch"};
    unsigned verbs = 0;
    for (const char **text = node_texts(source, node); text && *text; text++) {
        size_t i = 0;
        while (i < COUNT(names) && strcmp(names[i], *text) != 0)
            i++;
        if (i == COUNT(names))
            model_fault(source, node, "there is no verb \"%s\"", *text);
        verbs |= 1u << i;
    }
    return verbs;
}

READER(column_name)
{
    ((struct column *)into)->name = node_text(source, v);
}

READER(column_type)
{
    ((struct column *)into)->type = node_text(source, v);
}

READER(column_format)
{
    ((struct column *)into)->format = node_text(source, v);
}

READER(column_doc)
{
    ((struct column *)into)->doc = node_text(source, v);
}

READER(column_path)
{
    ((struct column *)into)->path = node_text(source, v);
}

READER(column_priority)
{
    ((struct column *)into)->priority = (int)node_int(source, v, 0, 10);
}

READER(resource_columns)
{
    static const struct node_key keys[] = {{"name", column_name},     {"type", column_type},
                                           {"format", column_format}, {"priority", column_priority},
                                           {"path", column_path},     {"doc", column_doc}};
    struct resource *r = into;
    if (v->type != YAML_SEQUENCE_NODE) {
        model_fault(source, v, "expected a list of columns");
        return;
    }
    for (yaml_node_item_t *item = v->data.sequence.items.start; item < v->data.sequence.items.top; item++) {
        struct column *c =
            arena_push(source->model->arena, &r->columns, &r->column_count, &r->column_capacity, sizeof *c);
        *c = (struct column){.format = "", .doc = ""};
        node_keys(source, node_at(source, *item), "a column", keys, COUNT(keys), c);
        if (!c->name || !c->type)
            model_fault(source, node_at(source, *item), "a column needs name and type");
    }
}

READER(subresource_kind)
{
    ((struct subresource *)into)->kind_ref = node_text(source, v);
}

READER(subresource_verbs)
{
    ((struct subresource *)into)->verbs = read_verbs(source, v);
}

READER(resource_subresources)
{
    static const struct node_key keys[] = {{"kind", subresource_kind}, {"verbs", subresource_verbs}};
    struct resource *r = into;
    const char *name;
    yaml_node_t *value;
    for (size_t i = 0; node_pair(source, v, i, &name, &value); i++) {
        struct subresource *s = arena_push(source->model->arena, &r->subresources, &r->subresource_count,
                                           &r->subresource_capacity, sizeof *s);
        *s = (struct subresource){.node = value, .name = name, .verbs = VERB_GET | VERB_PATCH | VERB_UPDATE};
        node_keys(source, value, "a subresource", keys, COUNT(keys), s);
    }
}

READER(resource_kind)
{
    ((struct resource *)into)->kind_ref = node_text(source, v);
}

READER(resource_singular)
{
    ((struct resource *)into)->singular = node_text(source, v);
}

READER(resource_scope)
{
    const char *s = node_text(source, v);
    ((struct resource *)into)->namespaced = strcmp(s, "Namespaced") == 0;
    if (strcmp(s, "Namespaced") != 0 && strcmp(s, "Cluster") != 0)
        model_fault(source, v, "scope is Namespaced or Cluster, not \"%s\"", s);
}

READER(resource_verbs)
{
    ((struct resource *)into)->verbs = read_verbs(source, v);
}

READER(resource_short_names)
{
    ((struct resource *)into)->short_names = node_texts(source, v);
}

READER(resource_categories)
{
    ((struct resource *)into)->categories = node_texts(source, v);
}

READER(resource_selectable)
{
    ((struct resource *)into)->selectable = node_texts(source, v);
}

READER(resource_storage)
{
    ((struct resource *)into)->storage_ref = node_text(source, v);
}

READER(resource_storage_version)
{
    ((struct resource *)into)->storage_version = node_text(source, v);
}

READER(resource_doc)
{
    ((struct resource *)into)->doc = node_text(source, v);
}

static const struct node_key resource_keys[] = {
    {"kind", resource_kind},
    {"singular", resource_singular},
    {"scope", resource_scope},
    {"verbs", resource_verbs},
    {"shortNames", resource_short_names},
    {"categories", resource_categories},
    {"selectable", resource_selectable},
    {"storage", resource_storage},
    {"storageVersion", resource_storage_version},
    {"subresources", resource_subresources},
    {"columns", resource_columns},
    {"doc", resource_doc},
};

void load_resources(struct source *source, yaml_node_t *v, void *into)
{
    struct package *package = into;
    const char *name;
    yaml_node_t *value;
    for (size_t i = 0; node_pair(source, v, i, &name, &value); i++) {
        struct resource *r = arena_push(source->model->arena, &package->resources, &package->resource_count,
                                        &package->resource_capacity, sizeof *r);
        *r = (struct resource){
            .package = package, .node = value, .name = name, .namespaced = true, .verbs = 0xff};
        node_keys(source, value, "a resource", resource_keys, COUNT(resource_keys), r);
        if (!r->kind_ref) {
            model_fault(source, value, "resource \"%s\" has no kind", name);
            r->kind_ref = "";
        }
        if (!r->singular) {
            char *lower = arena_strdup(source->model->arena, slice_str(r->kind_ref));
            for (char *p = lower; *p; p++)
                *p = (char)tolower((unsigned char)*p);
            r->singular = lower;
        }
    }
}
