#include "apiserver/kinds/crd_status.h"

#include "base/clock.h"
#include "openapi/gen/apiextensions_v1.h"

#define CRD(name)   apiextensions_v1_CustomResourceDefinition_##name
#define NAMES(name) apiextensions_v1_CustomResourceDefinitionNames_##name
#define COND(name)  apiextensions_v1_CustomResourceDefinitionCondition_##name

/* ---- conditions ---- */

static struct value *conditions_of(struct arena *arena, struct value *definition)
{
    struct value *status = value_ensure_record(arena, definition, CRD(status));
    return value_mut(status, apiextensions_v1_CustomResourceDefinitionStatus_conditions);
}

static struct value *find_condition(struct value *conditions, const char *type)
{
    for (size_t i = 0; i < value_count(conditions); i++)
        if (value_is(value_at(value_item(conditions, i), COND(type)), type))
            return &conditions->list->items[i];
    return NULL;
}

static const struct value *condition_of(const struct value *definition, const char *type)
{
    struct value *conditions = (struct value *)(uintptr_t)value_path(definition, "status.conditions");
    const struct value *found = find_condition(conditions, type);
    return found ? found : &value_absent;
}

bool crd_status_is(const struct value *definition, const char *condition)
{
    return value_is(value_get(condition_of(definition, condition), SLICE("status")), "True");
}

bool crd_status_set(struct arena *arena, struct value *definition, const char *type, const char *status,
                    const char *reason, const char *message, int64_t now)
{
    struct value *conditions = conditions_of(arena, definition),
                 *condition = find_condition(conditions, type);
    if (condition && value_is(value_at(condition, COND(status)), status) &&
        value_is(value_at(condition, COND(reason)), reason) &&
        value_is(value_at(condition, COND(message)), message))
        return false;
    if (!condition) {
        condition = value_append(arena, conditions);
        *condition = value_new_record(arena, &apiextensions_v1_CustomResourceDefinitionCondition);
        *value_mut(condition, COND(type)) = value_of_cstr(type);
    }
    if (!value_is(value_at(condition, COND(status)), status)) {
        char *time = arena_bytes(arena, CLOCK_TEXT);
        *value_mut(condition, COND(lastTransitionTime)) = value_of_string(clock_format_seconds(now, time));
    }
    *value_mut(condition, COND(status)) = value_of_cstr(status);
    *value_mut(condition, COND(reason)) = value_of_cstr(reason);
    *value_mut(condition, COND(message)) = value_of_cstr(message);
    return true;
}

/* ---- names ---- */

static void take(struct crd_taken *t, bool kind, struct slice name)
{
    if (!name.len)
        return;
    struct slice *slot =
        kind ? arena_push(t->arena, &t->kinds, &t->kind_count, &t->kind_capacity, sizeof *slot)
             : arena_push(t->arena, &t->resources, &t->resource_count, &t->resource_capacity, sizeof *slot);
    *slot = arena_dup(t->arena, name);
}

void crd_taken_add(struct crd_taken *taken, const struct value *definition)
{
    const struct value *names = value_path(definition, "status.acceptedNames"),
                       *shorts = value_get(names, SLICE("shortNames"));
    take(taken, false, value_text(value_get(names, SLICE("plural"))));
    take(taken, false, value_text(value_get(names, SLICE("singular"))));
    for (VALUE_EACH(name, shorts))
        take(taken, false, value_text(name));
    take(taken, true, value_text(value_get(names, SLICE("kind"))));
    take(taken, true, value_text(value_get(names, SLICE("listKind"))));
}

static bool is_taken(const struct slice *names, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(names[i], name))
            return true;
    return false;
}

struct verdict {
    const char *reason, *message; /* reason NULL: no conflict */
};

static const char *in_use(struct arena *arena, struct slice name)
{
    return arena_printf(arena, "\"%.*s\" is already in use", SLICE_ARG(name));
}

/* One name: accepted if it is ours already or nobody's. Later conflicts hide earlier ones, as upstream has
 * it. */
static void judge(struct arena *arena, struct value *accepted, const struct value *wanted, unsigned field,
                  const struct slice *taken, size_t count, const char *reason, struct verdict *verdict)
{
    struct slice name = value_text(value_at(wanted, field));
    if (!slice_eq(name, value_text(value_at(accepted, field))) && is_taken(taken, count, name)) {
        *verdict = (struct verdict){reason, in_use(arena, name)};
        return;
    }
    *value_mut(accepted, field) = name.len ? value_of_string(name) : value_absent;
}

static bool list_has(const struct value *list, struct slice text)
{
    for (VALUE_EACH(item, list))
        if (slice_eq(value_text(item), text))
            return true;
    return false;
}

static void judge_short_names(struct arena *arena, struct value *accepted, const struct value *wanted,
                              const struct crd_taken *taken, struct verdict *verdict)
{
    const struct value *list = value_at(wanted, NAMES(shortNames)),
                       *held = value_at(accepted, NAMES(shortNames));
    const char *message = NULL;
    size_t faults = 0;
    for (VALUE_EACH(name, list)) {
        struct slice text = value_text(name);
        if (list_has(held, text) || !is_taken(taken->resources, taken->resource_count, text))
            continue;
        message =
            faults++ ? arena_printf(arena, "%s, %s", message, in_use(arena, text)) : in_use(arena, text);
    }
    if (faults)
        *verdict = (struct verdict){"ShortNamesConflict",
                                    faults > 1 ? arena_printf(arena, "[%s]", message) : message};
    else
        *value_mut(accepted, NAMES(shortNames)) = *list;
}

static bool accept_names(struct arena *arena, struct value *definition, const struct crd_taken *taken,
                         int64_t now)
{
    const struct value *wanted = value_path(definition, "spec.names");
    struct value *status = value_ensure_record(arena, definition, CRD(status));
    struct value *accepted =
        value_ensure_record(arena, status, apiextensions_v1_CustomResourceDefinitionStatus_acceptedNames);
    struct value before = value_copy(arena, accepted, false);
    struct verdict verdict = {0};
    if (value_equal(wanted, accepted))
        return false;
    judge(arena, accepted, wanted, NAMES(plural), taken->resources, taken->resource_count, "PluralConflict",
          &verdict);
    judge(arena, accepted, wanted, NAMES(singular), taken->resources, taken->resource_count,
          "SingularConflict", &verdict);
    judge_short_names(arena, accepted, wanted, taken, &verdict);
    judge(arena, accepted, wanted, NAMES(kind), taken->kinds, taken->kind_count, "KindConflict", &verdict);
    judge(arena, accepted, wanted, NAMES(listKind), taken->kinds, taken->kind_count, "ListKindConflict",
          &verdict);
    *value_mut(accepted, NAMES(categories)) = *value_at(wanted, NAMES(categories));
    bool good = !verdict.reason;
    bool changed = crd_status_set(arena, definition, "NamesAccepted", good ? "True" : "False",
                                  good ? "NoConflicts" : verdict.reason,
                                  good ? "no conflicts found" : verdict.message, now);
    if (!changed && value_equal(&before, accepted))
        return false;
    if (!crd_status_is(definition, "Established") && good)
        crd_status_set(arena, definition, "Established", "False", "Installing",
                       "the initial names have been accepted", now);
    else if (!value_is_set(condition_of(definition, "Established")))
        crd_status_set(arena, definition, "Established", "False", "NotAccepted", "not all names are accepted",
                       now);
    return true;
}

/* ---- approval of groups that belong to Kubernetes ---- */

static bool is_protected(struct slice group)
{
    return slice_is(group, "k8s.io") || slice_ends(group, SLICE(".k8s.io")) ||
           slice_is(group, "kubernetes.io") || slice_ends(group, SLICE(".kubernetes.io"));
}

static bool judge_approval(struct arena *arena, struct value *definition, int64_t now)
{
    static const char type[] = "KubernetesAPIApprovalPolicyConformant", key[] = "api-approved.kubernetes.io";
    if (!is_protected(value_text(value_path(definition, "spec.group"))))
        return false;
    struct slice text = value_text(value_get(value_path(definition, "metadata.annotations"), slice_str(key)));
    const char *at = text.len ? memmem(text.ptr, text.len, "://", 3) : NULL;
    if (!text.len)
        return crd_status_set(
            arena, definition, type, "False", "MissingAnnotation",
            "protected groups must have approval annotation \"api-approved.kubernetes.io\", see "
            "https://github.com/kubernetes/enhancements/pull/1111",
            now);
    if (slice_starts(text, SLICE("unapproved")))
        return crd_status_set(arena, definition, type, "False", "UnapprovedAnnotation",
                              arena_printf(arena, "not approved: \"%.*s\"", SLICE_ARG(text)), now);
    if (!at || at == text.ptr || at + 3 >= text.ptr + text.len || at[3] == '/')
        return crd_status_set(
            arena, definition, type, "False", "InvalidAnnotation",
            arena_printf(arena,
                         "protected groups must have approval annotation \"%s\" with either a URL or a "
                         "reason starting with \"unapproved\"",
                         key),
            now);
    return crd_status_set(arena, definition, type, "True", "ApprovedAnnotation",
                          arena_printf(arena, "approved in %.*s", SLICE_ARG(text)), now);
}

bool crd_status_advance(struct arena *arena, struct value *definition, const struct crd_taken *taken,
                        int64_t now)
{
    if (accept_names(arena, definition, taken, now))
        return true;
    if (crd_status_is(definition, "NamesAccepted") && !crd_status_is(definition, "Established"))
        return crd_status_set(arena, definition, "Established", "True", "InitialNamesAccepted",
                              "the initial names have been accepted", now);
    return judge_approval(arena, definition, now);
}
