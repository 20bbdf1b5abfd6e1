#include "apiserver/kinds/core.h"

static void component_row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { STATUS = 1, MESSAGE, ERROR };
    cells[STATUS] = value_of_cstr("Unknown");
    cells[MESSAGE] = cells[ERROR] = value_of_cstr("");
    for (VALUE_EACH(condition, AT(object, ComponentStatus, conditions))) {
        if (!value_is(AT(condition, ComponentCondition, type), "Healthy"))
            continue;
        bool good = value_is(AT(condition, ComponentCondition, status), "True");
        cells[STATUS] = value_of_cstr(good ? "Healthy" : "Unhealthy");
        cells[MESSAGE] = value_of_string(TEXT(condition, ComponentCondition, message));
        cells[ERROR] = value_of_string(TEXT(condition, ComponentCondition, error));
        return;
    }
}

static const struct kind kind_componentstatuses = {.group = "",
                                                   .resource = "componentstatuses",
                                                   .deprecated = "v1 ComponentStatus is deprecated in v1.19+",
                                                   .row = component_row};
static const struct kind kind_bindings = {.group = "", .resource = "bindings"};

const struct kind *const kinds_core[] = {
    &kind_namespaces,        &kind_configmaps,     &kind_secrets, &kind_serviceaccounts,
    &kind_limitranges,       &kind_resourcequotas, &kind_events,  &kind_events_of_group,
    &kind_componentstatuses, &kind_bindings,       NULL,
};
