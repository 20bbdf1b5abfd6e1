#include "apiserver/kinds/core.h"

/* The five maps of a limit; what is compared with what stands in check_values. */
struct limit {
    struct causes *c;
    const struct path *at;
    struct slice type;
    const struct value *max, *min, *defaults, *requests, *ratio;
};

static void check_names(struct limit *l, const char *name, const struct value *map)
{
    bool containers = slice_is(l->type, "Pod") || slice_is(l->type, "Container");
    for (VALUE_EACH_ENTRY(entry, map)) {
        const struct path *at = PATH_K(PATH(l->at, name), entry->key);
        if (containers)
            check_container_resource_name(l->c, at, entry->key);
        else
            check_resource_name(l->c, at, entry->key);
    }
}

/* lower, higher: set, and lower is the larger one. */
static bool exceeds(const struct value *lower, const struct value *higher)
{
    struct quantity a = quantity_of(value_text(lower)), b = quantity_of(value_text(higher));
    return value_is_set(lower) && value_is_set(higher) && quantity_cmp(&a, &b) > 0;
}

static double ratio_of(const struct quantity *a, const struct quantity *b)
{
    return (double)quantity_scaled(a, -3) / (double)quantity_scaled(b, -3);
}

static void check_ratio(struct limit *l, const struct path *at, const struct value *ratio,
                        const struct value *min, const struct value *max)
{
    struct quantity r = quantity_of(value_text(ratio)), a = quantity_of(value_text(max)),
                    b = quantity_of(value_text(min));
    if (!value_is_set(ratio))
        return;
    if (quantity_cmp_int(&r, 1) < 0)
        causes_invalid_text(l->c, at, value_text(ratio), "ratio %.*s is less than 1",
                            SLICE_ARG(value_text(ratio)));
    if (value_is_set(min) && value_is_set(max) && (double)quantity_scaled(&r, -3) / 1000 > ratio_of(&a, &b))
        causes_invalid_text(l->c, at, value_text(ratio), "ratio %.*s is greater than max/min = %f",
                            SLICE_ARG(value_text(ratio)), ratio_of(&a, &b));
}

static void larger(struct limit *l, const char *map, struct slice key, const struct value *shown,
                   const struct value *a, const char *a_name, const struct value *b, const char *b_name)
{
    if (exceeds(a, b))
        causes_invalid_text(l->c, PATH_K(PATH(l->at, map), key), value_text(shown),
                            "%s value %.*s is greater than %s value %.*s", a_name, SLICE_ARG(value_text(a)),
                            b_name, SLICE_ARG(value_text(b)));
}

static void check_values(struct limit *l, struct slice key)
{
    const struct value *min = value_get(l->min, key), *max = value_get(l->max, key);
    const struct value *limit = value_get(l->defaults, key), *request = value_get(l->requests, key);
    larger(l, "min", key, min, min, "min", max, "max");
    larger(l, "defaultRequest", key, request, min, "min", request, "default request");
    larger(l, "defaultRequest", key, request, request, "default request", max, "max");
    larger(l, "defaultRequest", key, request, request, "default request", limit, "default limit");
    larger(l, "default", key, min, min, "min", limit, "default");
    larger(l, "default", key, max, limit, "default", max, "max");
    check_ratio(l, PATH_K(PATH(l->at, "maxLimitRequestRatio"), key), value_get(l->ratio, key), min, max);
    struct quantity a = quantity_of(value_text(limit)), b = quantity_of(value_text(request));
    if (!resource_allows_overcommit(key) && value_is_set(limit) && value_is_set(request) &&
        quantity_cmp(&a, &b) != 0)
        causes_invalid_text(l->c, PATH_K(PATH(l->at, "defaultRequest"), key), value_text(request),
                            "must equal the default value %.*s of %.*s", SLICE_ARG(value_text(limit)),
                            SLICE_ARG(key));
}

static void check_type(struct limit *l)
{
    const struct path *at = PATH(l->at, "type");
    size_t before = l->c->count;
    check_name(l->c, at, l->type, name_check_qualified);
    if (l->c->count == before && slice_find(l->type, '/') < 0 && !slice_is(l->type, "Pod") &&
        !slice_is(l->type, "Container") && !slice_is(l->type, "PersistentVolumeClaim"))
        causes_invalid_text(l->c, at, l->type, "must be a standard limit type or fully qualified");
}

static void check_limit(struct limit *l, bool again)
{
    bool pod = slice_is(l->type, "Pod");
    check_type(l);
    if (again)
        causes_duplicate(l->c, PATH(l->at, "type"), l->type);
    check_names(l, "max", l->max);
    check_names(l, "min", l->min);
    if (pod && value_count(l->defaults))
        causes_forbidden(l->c, PATH(l->at, "default"), "may not be specified when `type` is 'Pod'");
    if (pod && value_count(l->requests))
        causes_forbidden(l->c, PATH(l->at, "defaultRequest"), "may not be specified when `type` is 'Pod'");
    if (pod) {
        l->defaults = l->requests = &value_absent;
    } else {
        check_names(l, "default", l->defaults);
        check_names(l, "defaultRequest", l->requests);
    }
    if (slice_is(l->type, "PersistentVolumeClaim") && !value_is_set(value_get(l->min, SLICE("storage"))) &&
        !value_is_set(value_get(l->max, SLICE("storage"))))
        causes_required(l->c, PATH(l->at, "limits"), "either minimum or maximum storage value is required");
    check_names(l, "maxLimitRequestRatio", l->ratio);
    /* Each resource once, wherever it is named. */
    struct value all = value_absent;
    const struct value *maps[] = {l->max, l->min, l->defaults, l->requests, l->ratio};
    for (size_t i = 0; i < 5; i++) {
        for (VALUE_EACH_ENTRY(entry, maps[i]))
            *value_put(l->c->arena, &all, entry->key) = value_of_bool(true);
    }
    for (VALUE_EACH_ENTRY(name, &all))
        check_values(l, name->key);
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct path *at = PATH(PATH(NULL, "spec"), "limits");
    const struct value *limits = AT(AT(object, LimitRange, spec), LimitRangeSpec, limits);
    struct value types = value_absent;
    for (size_t i = 0; i < value_count(limits); i++) {
        const struct value *item = value_item(limits, i);
        struct limit l = {.c = req->causes,
                          .at = PATH_I(at, i),
                          .type = TEXT(item, LimitRangeItem, type),
                          .max = AT(item, LimitRangeItem, max),
                          .min = AT(item, LimitRangeItem, min),
                          .defaults = AT(item, LimitRangeItem, default),
                          .requests = AT(item, LimitRangeItem, defaultRequest),
                          .ratio = AT(item, LimitRangeItem, maxLimitRequestRatio)};
        check_limit(&l, value_is_set(value_get(&types, l.type)));
        *value_put(req->arena, &types, l.type) = value_of_bool(true);
    }
}

const struct kind kind_limitranges = {.group = "", .resource = "limitranges", .validate = validate};
