/* resources.c: group-versions, resources, the hashes that find them, and the list of all types. */
#include "model.h"

static void put_texts(struct buf *out, const char *name, const struct resource *r, const char **texts)
{
    if (!texts || !texts[0])
        return;
    buf_printf(out, "static const char *const %s_%u[] = {", name, r->index);
    for (; *texts; texts++) {
        emit_c_string(out, *texts);
        buf_puts(out, ", ");
    }
    buf_puts(out, "NULL};\n");
}

static void put_columns(struct buf *out, const struct resource *r)
{
    if (!r->column_count)
        return;
    buf_printf(out, "static const struct schema_column columns_%u[] = {\n", r->index);
    for (size_t i = 0; i < r->column_count; i++) {
        const struct column *c = &r->columns[i];
        const char *const parts[] = {c->name, c->type, c->format, c->doc};
        buf_puts(out, "    {");
        for (size_t k = 0; k < 4; k++) {
            emit_c_string(out, parts[k]);
            buf_puts(out, ", ");
        }
        buf_printf(out, "%d, ", c->priority);
        emit_c_string(out, c->path);
        buf_puts(out, "},\n");
    }
    buf_puts(out, "};\n");
}

static void put_subresources(struct buf *out, const struct resource *r)
{
    if (!r->subresource_count)
        return;
    buf_printf(out, "static const struct schema_subresource subresources_%u[] = {\n", r->index);
    for (size_t i = 0; i < r->subresource_count; i++) {
        const struct subresource *s = &r->subresources[i];
        const struct package *p = s->type->package;
        buf_printf(out, "    {\"%s\", %u, \"%s\", \"%s\", \"%s\", &%s},\n", s->name, s->verbs, p->group,
                   p->version, s->type->name, s->type->c_name);
    }
    buf_puts(out, "};\n");
}

static void put_member(struct buf *out, const char *member, const struct resource *r, bool there)
{
    if (there)
        buf_printf(out, ", .%s = %s_%u", member, member, r->index);
}

static void put_resource(struct buf *out, const struct resource *r)
{
    buf_printf(out,
               "    {.group = \"%s\", .version = \"%s\", .api_version = \"%s%s%s\", .name = \"%s\", "
               ".singular = \"%s\", .kind = \"%s\", .type = &%s,\n",
               r->package->group, r->package->version, r->package->group, *r->package->group ? "/" : "",
               r->package->version, r->name, r->singular, r->type->name, r->type->c_name);
    buf_printf(
        out, "     .namespaced = %s, .verbs = %u, .index = %u, .subresource_count = %zu, .column_count = %zu",
        r->namespaced ? "true" : "false", r->verbs, r->index, r->subresource_count, r->column_count);
    put_member(out, "short_names", r, r->short_names && r->short_names[0]);
    put_member(out, "categories", r, r->categories && r->categories[0]);
    put_member(out, "selectable", r, r->selectable && r->selectable[0]);
    put_member(out, "subresources", r, r->subresource_count);
    put_member(out, "columns", r, r->column_count);
    buf_puts(out, ",\n     .doc = ");
    emit_c_string(out, r->doc ? r->doc : r->type->doc);
    buf_printf(out, ", .storage = &resources[%u], .storage_version = ", r->storage->index);
    emit_c_string(out, r->storage_version);
    buf_puts(out, "},\n");
}

static struct resource **all_resources(struct model *model, size_t *ret_count)
{
    struct resource **all = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < model->package_count; i++)
        for (size_t k = 0; k < model->packages[i]->resource_count; k++)
            *(struct resource **)arena_push(model->arena, &all, &count, &capacity, sizeof *all) =
                &model->packages[i]->resources[k];
    *ret_count = count;
    return all;
}

static void put_resource_slots(struct model *model, struct buf *out, struct resource **all, size_t count,
                               bool by_kind)
{
    uint32_t *hashes = arena_alloc(model->arena, (count + 1) * sizeof *hashes);
    for (size_t i = 0; i < count; i++)
        hashes[i] =
            schema_resource_hash(slice_str(all[i]->package->group), slice_str(all[i]->package->version),
                                 slice_str(by_kind ? all[i]->type->name : all[i]->name));
    unsigned mask, *slots = emit_slots(model->arena, hashes, count, &mask);
    buf_printf(out, "const struct schema_resource *const schema_%s_slots[] = {\n",
               by_kind ? "kind" : "resource");
    for (unsigned i = 0; i <= mask; i++)
        if (slots[i])
            buf_printf(out, "    &resources[%u],\n", slots[i] - 1);
        else
            buf_puts(out, "    NULL,\n");
    buf_printf(out, "};\nconst unsigned schema_%s_slot_mask = %u;\n\n", by_kind ? "kind" : "resource", mask);
}

static void put_listed(struct buf *out, size_t count)
{
    buf_printf(out, "static const struct schema_resource *const listed[%zu] = {\n", count ? count : 1);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "    &resources[%zu],\n", i);
    buf_puts(out, "};\n\n");
}

static void put_group_versions(struct model *model, struct buf *out)
{
    unsigned count = 0, first = 0;
    buf_puts(out, "const struct schema_group_version schema_group_versions[] = {\n");
    for (size_t i = 0; i < model->package_count; i++) {
        const struct package *p = model->packages[i];
        if (!p->resource_count)
            continue;
        buf_printf(out, "    {\"%s\", \"%s\", \"%s\", %s, %d, %d, &listed[%u], %zu, NULL, NULL},\n", p->group,
                   p->version, p->name, p->preferred ? "true" : "false", p->group_priority,
                   p->version_priority, first, p->resource_count);
        first += (unsigned)p->resource_count;
        count++;
    }
    buf_printf(
        out,
        "};\nconst unsigned schema_group_version_count = %u;\nconst unsigned schema_resource_count = %u;\n\n",
        count, first);
}

static int by_openapi(const void *a, const void *b)
{
    return strcmp((*(struct type *const *)a)->openapi, (*(struct type *const *)b)->openapi);
}

static void put_types(struct model *model, struct buf *out)
{
    struct type **all = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < model->package_count; i++)
        for (size_t k = 0; k < model->packages[i]->type_count; k++)
            *(struct type **)arena_push(model->arena, &all, &count, &capacity, sizeof *all) =
                &model->packages[i]->types[k];
    if (count)
        qsort(all, count, sizeof *all, by_openapi);
    buf_puts(out, "const struct schema_type *const schema_types[] = {\n");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "    &%s,\n", all[i]->c_name);
    buf_printf(out, "    NULL,\n};\nconst unsigned schema_type_count = %zu;\n", count);
}

bool emit_resources(struct model *model, const char *folder)
{
    cleanup_buf struct buf out = BUF_INIT(1 << 24);
    size_t count;
    struct resource **all = all_resources(model, &count);
    buf_puts(&out, "/* Generated by openapi-compile. */\n");
    for (size_t i = 0; i < model->package_count; i++)
        buf_printf(&out, "#include \"openapi/gen/%s.h\"\n", model->packages[i]->name);
    for (size_t i = 0; i < count; i++) {
        put_texts(&out, "short_names", all[i], all[i]->short_names);
        put_texts(&out, "categories", all[i], all[i]->categories);
        put_texts(&out, "selectable", all[i], all[i]->selectable);
        put_columns(&out, all[i]);
        put_subresources(&out, all[i]);
    }
    buf_printf(&out, "\nstatic const struct schema_resource resources[%zu] = {\n", count ? count : 1);
    for (size_t i = 0; i < count; i++)
        put_resource(&out, all[i]);
    buf_puts(&out, "};\n\n");
    put_listed(&out, count);
    put_group_versions(model, &out);
    put_resource_slots(model, &out, all, count, false);
    put_resource_slots(model, &out, all, count, true);
    put_types(model, &out);
    return emit_file(folder, "resources.c", buf_slice(&out));
}
