#include "apiserver/authz/rbac_rule.h"

#include <string.h>

#include "base/alloc.h"

/* ---- packing: the same walk twice, first to measure, then to fill ---- */

struct packing {
    char *base; /* NULL: measuring */
    size_t used;
};

static void *take(struct packing *p, size_t size, size_t align)
{
    size_t at = (p->used + align - 1) & ~(align - 1);
    p->used = at + size;
    return p->base ? p->base + at : NULL;
}

static void pack_texts(struct packing *p, const struct value *list, struct texts *ret)
{
    size_t count = value_count(list);
    struct slice *items = take(p, count * sizeof *items, _Alignof(struct slice));
    if (ret)
        *ret = (struct texts){.items = items, .count = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        struct slice text = value_text(value_item(list, i));
        char *copy = take(p, text.len, 1);
        if (!ret)
            continue;
        memcpy(copy, text.ptr, text.len);
        items[i] = slice_make(copy, text.len);
        ret->all |= slice_is(text, "*");
    }
}

/* ---- filters ---- */

static uint64_t bit_of(uint32_t hash)
{
    return (uint64_t)1 << ((hash * 2654435769u) >> 26);
}

static uint64_t bit_of_text(struct slice text)
{
    return bit_of(schema_hash(text.ptr, text.len));
}

static uint64_t bits_of(const struct texts *texts)
{
    uint64_t bits = texts->all ? UINT64_MAX : 0;
    for (uint32_t i = 0; i < texts->count; i++)
        bits |= bit_of_text(texts->items[i]);
    return bits;
}

/* The bit of resource/subresource, without making that text: the hash goes byte by byte. */
static uint64_t bit_of_combined(struct slice resource, struct slice subresource)
{
    uint32_t h = schema_hash(resource.ptr, resource.len);
    h = (h ^ '/') * 16777619u;
    for (size_t i = 0; i < subresource.len; i++)
        h = (h ^ (unsigned char)subresource.ptr[i]) * 16777619u;
    return bit_of(h);
}

void rbac_question_init(struct rbac_question *q, const struct authz_attributes *a)
{
    *q = (struct rbac_question){.attributes = a, .verb = slice_str(a->verb)};
    q->bits.verbs = bit_of_text(q->verb);
    if (!a->is_resource)
        return;
    q->bits.groups = bit_of_text(a->group);
    q->bits.resources = a->subresource.len ? bit_of_combined(a->resource, a->subresource) |
                                                 bit_of_combined(SLICE("*"), a->subresource)
                                           : bit_of_text(a->resource);
}

static void fill_bits(struct rbac_rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        struct rbac_rule *rule = &rules->items[i];
        rule->bits =
            (struct rbac_bits){bits_of(&rule->verbs), bits_of(&rule->groups), bits_of(&rule->resources)};
        rules->bits.verbs |= rule->bits.verbs;
        rules->bits.groups |= rule->bits.groups;
        rules->bits.resources |= rule->bits.resources;
    }
}

static bool may_have(const struct rbac_bits *bits, const struct rbac_question *q)
{
    return (bits->verbs & q->bits.verbs) &&
           (!q->attributes->is_resource ||
            ((bits->groups & q->bits.groups) && (bits->resources & q->bits.resources)));
}

/* ---- compiling ---- */

static void pack_rule(struct packing *p, const struct value *rule, struct rbac_rule *ret)
{
    pack_texts(p, value_get(rule, SLICE("verbs")), ret ? &ret->verbs : NULL);
    pack_texts(p, value_get(rule, SLICE("apiGroups")), ret ? &ret->groups : NULL);
    pack_texts(p, value_get(rule, SLICE("resources")), ret ? &ret->resources : NULL);
    pack_texts(p, value_get(rule, SLICE("resourceNames")), ret ? &ret->names : NULL);
    pack_texts(p, value_get(rule, SLICE("nonResourceURLs")), ret ? &ret->urls : NULL);
}

static struct rbac_rules *pack_rules(struct packing *p, const struct value *rules)
{
    size_t count = value_count(rules);
    struct rbac_rules *ret = take(p, sizeof *ret + count * sizeof *ret->items, _Alignof(struct rbac_rules));
    if (ret)
        *ret = (struct rbac_rules){.count = (uint32_t)count};
    for (size_t i = 0; i < count; i++)
        pack_rule(p, value_item(rules, i), ret ? &ret->items[i] : NULL);
    return ret;
}

struct rbac_rules *rbac_rules_compile(const struct value *rules)
{
    struct packing p = {0};
    pack_rules(&p, rules);
    p = (struct packing){.base = xmalloc(p.used)};
    struct rbac_rules *ret = pack_rules(&p, rules);
    fill_bits(ret);
    return ret;
}

/* ---- what a rule allows ---- */

static bool has(const struct texts *texts, struct slice text)
{
    for (uint32_t i = 0; i < texts->count; i++)
        if (slice_eq(texts->items[i], text))
            return true;
    return false;
}

static bool matches(const struct texts *texts, struct slice text)
{
    return texts->all || has(texts, text);
}

/* Is `text` resource/subresource, without making that text. */
static bool is_combined(struct slice text, struct slice resource, struct slice subresource)
{
    return text.len == resource.len + 1 + subresource.len && slice_starts(text, resource) &&
           text.ptr[resource.len] == '/' && slice_ends(text, subresource);
}

static bool matches_resource(const struct texts *texts, struct slice resource, struct slice subresource)
{
    if (texts->all)
        return true;
    if (!subresource.len)
        return has(texts, resource);
    for (uint32_t i = 0; i < texts->count; i++)
        if (is_combined(texts->items[i], resource, subresource) ||
            is_combined(texts->items[i], SLICE("*"), subresource))
            return true;
    return false;
}

static bool url_covers(struct slice pattern, struct slice path)
{
    if (slice_eq(pattern, path))
        return true;
    if (!pattern.len || pattern.ptr[pattern.len - 1] != '*')
        return false;
    while (pattern.len && pattern.ptr[pattern.len - 1] == '*')
        pattern.len--;
    return slice_starts(path, pattern);
}

static bool matches_url(const struct texts *urls, struct slice path)
{
    for (uint32_t i = 0; i < urls->count; i++)
        if (url_covers(urls->items[i], path))
            return true;
    return false;
}

static bool rule_allows(const struct rbac_rule *rule, const struct rbac_question *q)
{
    const struct authz_attributes *a = q->attributes;
    if (!may_have(&rule->bits, q) || !matches(&rule->verbs, q->verb))
        return false;
    if (!a->is_resource)
        return matches_url(&rule->urls, a->path);
    return matches(&rule->groups, a->group) &&
           matches_resource(&rule->resources, a->resource, a->subresource) &&
           (!rule->names.count || has(&rule->names, a->name));
}

bool rbac_rules_allow(const struct rbac_rules *rules, const struct rbac_question *question)
{
    if (!may_have(&rules->bits, question))
        return false;
    for (uint32_t i = 0; i < rules->count; i++)
        if (rule_allows(&rules->items[i], question))
            return true;
    return false;
}

/* ---- escalation ---- */

/* Bounds of one write: single grants that are looked at, and refused ones that are told of. */
enum { MAX_GRANTS = 50000, MAX_MISSING = 1000 };

static bool has_all(const struct texts *held, const struct texts *wanted)
{
    for (uint32_t i = 0; i < wanted->count; i++)
        if (!has(held, wanted->items[i]))
            return false;
    return true;
}

static bool resource_held(const struct texts *held, struct slice wanted)
{
    long slash = slice_find(wanted, '/');
    return has(held, wanted) ||
           (slash >= 0 && matches_resource(held, SLICE("*"), slice_from(wanted, (size_t)slash + 1)));
}

static bool covers(const struct rbac_rule *held, const struct rbac_rule *wanted)
{
    if (!(held->verbs.all || has_all(&held->verbs, &wanted->verbs)) ||
        !(held->groups.all || has_all(&held->groups, &wanted->groups)))
        return false;
    if (held->names.count && (!wanted->names.count || !has_all(&held->names, &wanted->names)))
        return false;
    for (uint32_t i = 0; !held->resources.all && i < wanted->resources.count; i++)
        if (!resource_held(&held->resources, wanted->resources.items[i]))
            return false;
    for (uint32_t i = 0; i < wanted->urls.count; i++)
        if (!matches_url(&held->urls, wanted->urls.items[i]))
            return false;
    return true;
}

struct covering {
    struct arena *arena;
    const struct rbac_rule_list *held;
    struct rbac_rule **missing;
    size_t count, capacity, grants;
};

static bool is_held(const struct covering *c, const struct rbac_rule *wanted)
{
    for (size_t i = 0; i < c->held->count; i++)
        if (covers(c->held->items[i], wanted))
            return true;
    return false;
}

static struct texts one(struct arena *arena, const struct texts *from, uint32_t i)
{
    if (i >= from->count)
        return (struct texts){0};
    struct slice *item = arena_alloc(arena, sizeof *item);
    *item = from->items[i];
    return (struct texts){.items = item, .count = 1, .all = slice_is(*item, "*")};
}

/* Grants that differ in the verb only are shown as one rule. */
static bool join_verbs(struct covering *c, const struct rbac_rule *grant)
{
    for (size_t i = 0; grant->resources.count && i < c->count; i++) {
        struct rbac_rule *rule = c->missing[i];
        if (!rule->resources.count || !slice_eq(rule->groups.items[0], grant->groups.items[0]) ||
            !slice_eq(rule->resources.items[0], grant->resources.items[0]) ||
            rule->names.count != grant->names.count ||
            (rule->names.count && !slice_eq(rule->names.items[0], grant->names.items[0])))
            continue;
        if (has(&rule->verbs, grant->verbs.items[0]))
            return true;
        struct slice *verbs = arena_alloc(c->arena, (rule->verbs.count + 1) * sizeof *verbs);
        memcpy(verbs, rule->verbs.items, rule->verbs.count * sizeof *verbs);
        verbs[rule->verbs.count] = grant->verbs.items[0];
        rule->verbs.items = verbs;
        rule->verbs.count++;
        return true;
    }
    return false;
}

static bool look_at_grant(struct covering *c, struct rbac_rule grant)
{
    if (++c->grants > MAX_GRANTS || c->count == MAX_MISSING)
        return false;
    if (is_held(c, &grant) || join_verbs(c, &grant))
        return true;
    struct rbac_rule **slot = arena_push(c->arena, &c->missing, &c->count, &c->capacity, sizeof *c->missing);
    *slot = arena_alloc(c->arena, sizeof **slot);
    **slot = grant;
    return true;
}

/* A whole rule that one held rule covers needs no splitting; else every grant of it is looked at alone. */
static bool look_at_rule(struct covering *c, const struct rbac_rule *rule)
{
    struct arena *a = c->arena;
    if (is_held(c, rule))
        return true;
    uint32_t names = rule->names.count ? rule->names.count : 1;
    for (uint32_t g = 0; g < rule->groups.count; g++)
        for (uint32_t r = 0; r < rule->resources.count; r++)
            for (uint32_t v = 0; v < rule->verbs.count; v++)
                for (uint32_t n = 0; n < names; n++)
                    if (!look_at_grant(c, (struct rbac_rule){.verbs = one(a, &rule->verbs, v),
                                                             .groups = one(a, &rule->groups, g),
                                                             .resources = one(a, &rule->resources, r),
                                                             .names = one(a, &rule->names, n)}))
                        return false;
    for (uint32_t u = 0; u < rule->urls.count; u++)
        for (uint32_t v = 0; v < rule->verbs.count; v++)
            if (!look_at_grant(
                    c, (struct rbac_rule){.verbs = one(a, &rule->verbs, v), .urls = one(a, &rule->urls, u)}))
                return false;
    return true;
}

bool rbac_rules_cover(struct arena *arena, const struct rbac_rule_list *held,
                      const struct rbac_rule_list *wanted, struct rbac_rule_list *ret_missing,
                      bool *ret_too_many)
{
    struct covering c = {.arena = arena, .held = held};
    *ret_too_many = false;
    for (size_t i = 0; i < wanted->count && !*ret_too_many; i++)
        *ret_too_many = !look_at_rule(&c, wanted->items[i]);
    *ret_missing = (struct rbac_rule_list){(const struct rbac_rule *const *)c.missing, c.count};
    return !c.count && !*ret_too_many;
}

static void print_texts(struct buf *out, const char *label, const struct texts *texts, bool *first)
{
    if (!texts->count)
        return;
    buf_puts(out, *first ? "" : ", ");
    *first = false;
    buf_puts(out, label);
    for (uint32_t i = 0; i < texts->count; i++) {
        buf_putc(out, i ? ' ' : '[');
        buf_put_quoted(out, texts->items[i]);
    }
    buf_putc(out, ']');
}

void rbac_rule_print(struct buf *out, const struct rbac_rule *rule)
{
    bool first = true;
    buf_putc(out, '{');
    print_texts(out, "APIGroups:", &rule->groups, &first);
    print_texts(out, "Resources:", &rule->resources, &first);
    print_texts(out, "NonResourceURLs:", &rule->urls, &first);
    print_texts(out, "ResourceNames:", &rule->names, &first);
    print_texts(out, "Verbs:", &rule->verbs, &first);
    buf_putc(out, '}');
}
