/* Events have two names: core/v1 and events.k8s.io/v1, which renamed some fields. Everything else is called
 * the same. */
#include "apiserver/kinds/convert_parts.h"

static const struct {
    const char *core, *events;
} renamed[] = {
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
    {"reportingComponent", "reportingController"},
    {"reason", "reason"},
    {"type", "type"},
    {"eventTime", "eventTime"},
    {"series", "series"},
    {"action", "action"},
    {"related", "related"},
    {"reportingInstance", "reportingInstance"},
};

void convert_event(struct arena *arena, const struct value *in, struct value *out)
{
    const struct schema_type *type = out->record->type;
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++) {
        struct slice core = slice_str(renamed[i].core), events = slice_str(renamed[i].events);
        int to = schema_find_field(type, core.ptr, core.len);
        bool to_core = to >= 0 && schema_find_field(type, "involvedObject", 14) >= 0;
        if (!to_core)
            to = schema_find_field(type, events.ptr, events.len);
        const struct value *v = value_get(in, to_core ? events : core);
        if (to >= 0 && value_is_set(v))
            *value_mut(out, (unsigned)to) = convert_as(arena, &type->fields[to].schema, v);
    }
}
