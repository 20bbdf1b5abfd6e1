#include "apiserver/kinds/convert_parts.h"
#include "apiserver/kinds/workload.h"

static struct value record_as(struct arena *arena, const struct schema_type *type, const struct value *v)
{
    if (v->kind != VALUE_RECORD || v->record->type == type)
        return *v;
    const struct schema_type *from = v->record->type;
    struct value out = value_new_record(arena, type);
    for (unsigned i = 0; i < from->field_count; i++) {
        int to = schema_find_field(type, from->fields[i].name, from->fields[i].name_len);
        if (to >= 0 && value_is_set(value_at(v, i)))
            *value_mut(&out, (unsigned)to) = convert_as(arena, &type->fields[to].schema, value_at(v, i));
    }
    return out;
}

struct value convert_as(struct arena *arena, const struct schema *schema, const struct value *v)
{
    if (schema->kind == SCHEMA_RECORD)
        return record_as(arena, schema->type, v);
    if (schema->kind != SCHEMA_LIST || v->kind != VALUE_LIST || schema->elem->kind != SCHEMA_RECORD)
        return *v;
    struct value out = value_new_list(arena, value_count(v));
    for (VALUE_EACH(item, v))
        *value_append(arena, &out) = record_as(arena, schema->elem->type, item);
    return out;
}

struct value convert_begin(struct arena *arena, const struct schema_resource *to, const struct value *in)
{
    struct value out = value_new_record(arena, to->type), *metadata = value_get_mut(&out, SLICE("metadata"));
    *value_get_mut(&out, SLICE("kind")) = value_of_cstr(to->kind);
    *value_get_mut(&out, SLICE("apiVersion")) =
        value_of_string(arena_slicef(arena, "%s%s%s", to->group, to->group[0] ? "/" : "", to->version));
    *metadata = value_copy(arena, object_metadata(in), false);
    return out;
}

bool convert(struct arena *arena, const struct schema_resource *from, const struct schema_resource *to,
             const struct value *in, struct value *ret, struct error *err)
{
    if (from == to || from->type == to->type) {
        *ret = value_copy(arena, in, false);
        return true;
    }
    if (strcmp(from->kind, to->kind) != 0)
        return error_set(err, REASON_INTERNAL, "a %s is no %s", from->kind, to->kind);
    struct value out = convert_begin(arena, to, in);
    if (strcmp(to->kind, "HorizontalPodAutoscaler") == 0 && strcmp(to->version, "v1") == 0)
        convert_hpa_to_v1(arena, in, &out);
    else if (strcmp(to->kind, "HorizontalPodAutoscaler") == 0)
        convert_hpa_to_v2(arena, in, &out);
    else if (strcmp(to->kind, "Event") == 0)
        convert_event(arena, in, &out);
    else
        return error_set(err, REASON_INTERNAL, "%s has no other version", from->kind);
    *ret = out;
    return true;
}
