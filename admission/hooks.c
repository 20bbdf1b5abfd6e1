#include "admission/hooks.h"

#include <stdlib.h>
#include "admission/policy.h"
#include "base/alloc.h"
#include "openapi/gen/admissionregistration_v1.h"
#include "openapi/gen/meta_v1.h"

struct admission_hooks *admission_hooks_new(void)
{
    struct admission_hooks *hooks = xcalloc(1, sizeof *hooks);
    atomic_init(&hooks->refs, 1);
    hooks->arena = arena_new();
    return hooks;
}

void admission_hooks_add(struct admission_hooks *hooks, bool mutating, const struct value *configuration)
{
    struct admission_hook_list *list = mutating ? &hooks->mutating : &hooks->validating;
    struct value *copy = arena_alloc(hooks->arena, sizeof *copy);
    *copy = value_copy(hooks->arena, configuration, true);
    struct slice name = value_text(value_get(value_get(copy, SLICE("metadata")), SLICE("name")));
    for (VALUE_EACH(webhook, value_get(copy, SLICE("webhooks")))) {
        struct admission_hook *hook =
            arena_push(hooks->arena, &list->items, &list->count, &list->capacity, sizeof *hook);
        const struct value *conditions = value_get(webhook, SLICE("matchConditions"));
        *hook = (struct admission_hook){name, webhook, NULL};
        if (value_count(conditions))
            hook->conditions = policy_of_conditions(hooks->arena, conditions);
    }
}

struct admission_hooks *admission_hooks_ref(struct admission_hooks *hooks)
{
    atomic_fetch_add_explicit(&hooks->refs, 1, memory_order_relaxed);
    return hooks;
}

void admission_hooks_unref(struct admission_hooks *hooks)
{
    if (!hooks || atomic_fetch_sub_explicit(&hooks->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_free(hooks->arena);
    free(hooks);
}
