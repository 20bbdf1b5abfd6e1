#include "apiserver/kinds/resource_name.h"

#include "openapi/names.h"

static bool among(struct slice name, const char *const *list)
{
    for (; *list; list++) {
        if (slice_is(name, *list))
            return true;
    }
    return false;
}

static const char *const counted[] = {
    "pods",       "resourcequotas",         "services",           "replicationcontrollers", "secrets",
    "configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers", NULL};

static const char *const computed[] = {"cpu",
                                       "memory",
                                       "ephemeral-storage",
                                       "requests.cpu",
                                       "requests.memory",
                                       "requests.storage",
                                       "requests.ephemeral-storage",
                                       "limits.cpu",
                                       "limits.memory",
                                       "limits.ephemeral-storage",
                                       NULL};

bool resource_is_standard_for_quotas(struct slice name)
{
    return among(name, counted) || among(name, computed) || resource_is_hugepages(name) ||
           slice_starts(name, SLICE("requests.hugepages-"));
}

bool resource_is_standard(struct slice name)
{
    return resource_is_standard_for_quotas(name) || slice_is(name, "storage");
}

bool resource_is_standard_for_containers(struct slice name)
{
    return slice_is(name, "cpu") || slice_is(name, "memory") || slice_is(name, "ephemeral-storage") ||
           resource_is_hugepages(name);
}

bool resource_is_extended(struct slice name)
{
    if (resource_is_native(name) || slice_starts(name, SLICE("requests.")))
        return false;
    /* A quota on it is called requests.<name>, which must be a good name too. */
    char quota[512];
    if (name.len + 9 > sizeof quota)
        return false;
    memcpy(quota, "requests.", 9);
    memcpy(quota + 9, name.ptr, name.len);
    return !name_check_qualified(slice_make(quota, name.len + 9));
}

bool resource_allows_overcommit(struct slice name)
{
    return resource_is_native(name) && !resource_is_hugepages(name);
}

bool check_resource_name(struct causes *c, const struct path *at, struct slice name)
{
    size_t before = c->count;
    check_name(c, at, name, name_check_qualified);
    if (c->count == before && slice_find(name, '/') < 0 && !resource_is_standard(name))
        causes_invalid_text(c, at, name, "must be a standard resource type or fully qualified");
    return c->count == before;
}

bool check_container_resource_name(struct causes *c, const struct path *at, struct slice name)
{
    size_t before = c->count;
    check_resource_name(c, at, name);
    if (slice_find(name, '/') < 0) {
        if (!resource_is_standard_for_containers(name))
            causes_invalid_text(c, at, name, "must be a standard resource for containers");
    } else if (!resource_is_native(name) && !resource_is_extended(name)) {
        causes_invalid_text(c, at, name, "is no name for an extended resource");
    }
    return c->count == before;
}

bool check_pod_resource_name(struct causes *c, const struct path *at, struct slice name)
{
    static const char *const supported[] = {"cpu", "hugepages-", "memory", NULL};
    if (!check_resource_name(c, at, name))
        return false;
    if (resource_is_pod_level(name))
        return true;
    causes_not_supported(c, at, name, supported);
    return false;
}

bool check_quota_resource_name(struct causes *c, const struct path *at, struct slice name)
{
    size_t before = c->count;
    check_resource_name(c, at, name);
    if (slice_find(name, '/') < 0 && !resource_is_standard_for_quotas(name))
        causes_invalid_text(c, at, name, "must be a standard resource for quota");
    return c->count == before;
}

void check_resource_quantity(struct causes *c, const struct path *at, struct slice name,
                             const struct value *quantity)
{
    check_quantity_non_negative(c, at, quantity);
    if (!among(name, counted) && !resource_is_extended(name))
        return;
    struct quantity q = quantity_of(value_text(quantity));
    if (quantity_scaled(&q, -3) % 1000 != 0)
        causes_invalid_text(c, at, value_text(quantity), "must be an integer");
}

bool hugepages_are_whole(struct slice name, const struct value *quantity)
{
    struct quantity amount = quantity_of(value_text(quantity));
    struct quantity page;
    const char *why;
    if (!quantity_parse(slice_from(name, strlen("hugepages-")), &page, &why) || quantity_sign(&page) <= 0 ||
        quantity_scaled(&page, -3) % 1000 != 0)
        return false;
    return quantity_int(&amount) % quantity_int(&page) == 0;
}

struct seen {
    bool cpu_or_memory, hugepages;
};

static void check_one(struct causes *c, const struct path *at, const struct value_entry *entry,
                      const struct resource_rules *rules, struct seen *seen)
{
    rules->name(c, at, entry->key);
    check_resource_quantity(c, at, entry->key, &entry->value);
    seen->cpu_or_memory |= slice_is(entry->key, "cpu") || slice_is(entry->key, "memory");
    seen->hugepages |= resource_is_hugepages(entry->key);
}

static void check_pages(struct causes *c, const struct path *at, const struct value_entry *entry,
                        const struct resource_rules *rules)
{
    if (!resource_is_hugepages(entry->key) || rules->any_hugepages)
        return;
    if (!hugepages_are_whole(entry->key, &entry->value))
        causes_invalid_text(c, at, value_text(&entry->value), "must be a multiple of the page size in %.*s",
                            SLICE_ARG(entry->key));
}

static void check_within_limit(struct causes *c, const struct path *at, const struct value_entry *request,
                               const struct value *limit)
{
    struct slice shown = value_text(&request->value);
    if (!value_is_set(limit)) {
        if (!resource_allows_overcommit(request->key))
            causes_required(c, PATH(at, "limits"), "a resource that cannot be overcommitted needs a limit");
        return;
    }
    struct quantity asked = quantity_of(shown), most = quantity_of(value_text(limit));
    int order = quantity_cmp(&asked, &most);
    if (order != 0 && !resource_allows_overcommit(request->key))
        causes_invalid_text(c, PATH(at, "requests"), shown, "must be equal to %.*s limit of %.*s",
                            SLICE_ARG(request->key), SLICE_ARG(value_text(limit)));
    else if (order > 0)
        causes_invalid_text(c, PATH(at, "requests"), shown,
                            "must be less than or equal to %.*s limit of %.*s", SLICE_ARG(request->key),
                            SLICE_ARG(value_text(limit)));
}

void check_requests_and_limits(struct causes *c, const struct path *at, const struct value *requests,
                               const struct value *limits, const struct resource_rules *rules)
{
    struct seen seen = {0};
    for (VALUE_EACH_ENTRY(limit, limits)) {
        const struct path *key = PATH_K(PATH(at, "limits"), limit->key);
        check_one(c, key, limit, rules, &seen);
        check_pages(c, key, limit, rules);
    }
    for (VALUE_EACH_ENTRY(request, requests)) {
        const struct path *key = PATH_K(PATH(at, "requests"), request->key);
        check_one(c, key, request, rules, &seen);
        check_within_limit(c, at, request, value_get(limits, request->key));
        check_pages(c, key, request, rules);
    }
    if (seen.hugepages && !seen.cpu_or_memory)
        causes_forbidden(c, at, "huge pages need cpu or memory beside them");
}
