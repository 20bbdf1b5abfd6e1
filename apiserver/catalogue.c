#include "apiserver/catalogue.h"

#include <pthread.h>

#include "base/alloc.h"
#include "openapi/version_order.h"

struct catalogue {
    atomic_int refs;
    uint64_t number;
    struct catalogue_part *parts[CATALOGUE_SOURCES];
    const struct schema_group_version **items; /* in the order of discovery */
    size_t count;
    /* Open-addressed hashes: of all group-versions, and of the resources that are not built in by name and by
     * kind. */
    const struct schema_group_version **group_slots, **first_slots; /* first_slots: the first of each group */
    const struct schema_resource **name_slots, **kind_slots;
    uint32_t group_mask, resource_mask;
};

struct catalogues {
    pthread_mutex_t lock;       /* guards `current`; held for a few instructions */
    pthread_mutex_t publishing; /* one publication at a time */
    struct catalogue *current;
    void (*on_publish)(void *arg);
    void *on_publish_arg;
};

/* ---- building a snapshot ---- */

/* A group-version with what its place depends on. */
struct ranked {
    const struct schema_group_version *gv;
    int group_priority; /* the highest of its group */
    unsigned source;    /* 0: built in */
};

static int by_group(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int c = strcmp(x->gv->group, y->gv->group);
    return c ? c : y->gv->group_priority - x->gv->group_priority;
}

static int by_place(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int c = y->group_priority - x->group_priority;
    if (!c)
        c = strcmp(x->gv->group, y->gv->group);
    if (!c)
        c = y->gv->version_priority - x->gv->version_priority;
    if (!c)
        c = version_order(x->gv->version, y->gv->version);
    if (!c)
        c = strcmp(x->gv->version, y->gv->version);
    return c ? c : (int)x->source - (int)y->source;
}

static struct ranked *rank(struct catalogue *c, size_t *ret_count)
{
    size_t count = schema_group_version_count, at = 0;
    for (int s = 0; s < CATALOGUE_SOURCES; s++)
        count += c->parts[s] ? c->parts[s]->count : 0;
    struct ranked *all = xcalloc(count, sizeof *all);
    for (unsigned i = 0; i < schema_group_version_count; i++)
        all[at++] = (struct ranked){.gv = &schema_group_versions[i]};
    for (unsigned s = 0; s < CATALOGUE_SOURCES; s++)
        for (size_t i = 0; c->parts[s] && i < c->parts[s]->count; i++)
            all[at++] = (struct ranked){.gv = c->parts[s]->items[i], .source = s + 1};
    qsort(all, count, sizeof *all, by_group);
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && strcmp(all[i - 1].gv->group, all[i].gv->group) == 0;
        all[i].group_priority = same ? all[i - 1].group_priority : all[i].gv->group_priority;
    }
    qsort(all, count, sizeof *all, by_place);
    *ret_count = count;
    return all;
}

static bool is_group_version(const struct schema_group_version *gv, struct slice group, struct slice version)
{
    return slice_is(version, gv->version) && slice_is(group, gv->group);
}

/* The slot of the group-version, or the empty one where it belongs. */
static const struct schema_group_version **group_slot(const struct catalogue *c, struct slice group,
                                                      struct slice version)
{
    uint32_t i = schema_resource_hash(group, version, slice_make("", 0)) & c->group_mask;
    while (c->group_slots[i] && !is_group_version(c->group_slots[i], group, version))
        i = (i + 1) & c->group_mask;
    return &c->group_slots[i];
}

/* The same for a group alone. */
static const struct schema_group_version **first_slot(const struct catalogue *c, struct slice group)
{
    uint32_t i = schema_hash(group.ptr, group.len) & c->group_mask;
    while (c->first_slots[i] && !slice_is(group, c->first_slots[i]->group))
        i = (i + 1) & c->group_mask;
    return &c->first_slots[i];
}

/* More than twice as many slots as items, so that a search ends soon. */
static uint32_t mask_for(size_t count)
{
    uint32_t size = 16;
    while (size < count * 2 + 1)
        size *= 2;
    return size - 1;
}

static const struct schema_resource **resource_slot(const struct catalogue *c,
                                                    const struct schema_resource **slots, bool by_kind,
                                                    struct slice group, struct slice version,
                                                    struct slice name)
{
    uint32_t i = schema_resource_hash(group, version, name) & c->resource_mask;
    for (; slots[i]; i = (i + 1) & c->resource_mask) {
        const struct schema_resource *r = slots[i];
        if (slice_is(name, by_kind ? r->kind : r->name) && slice_is(group, r->group) &&
            slice_is(version, r->version))
            break;
    }
    return &slots[i];
}

static void add_resource(struct catalogue *c, const struct schema_resource *r)
{
    struct slice group = slice_str(r->group), version = slice_str(r->version);
    const struct schema_resource **by_name =
        resource_slot(c, c->name_slots, false, group, version, slice_str(r->name));
    const struct schema_resource **by_kind =
        resource_slot(c, c->kind_slots, true, group, version, slice_str(r->kind));
    *by_name = *by_name ? *by_name : r;
    *by_kind = *by_kind ? *by_kind : r;
}

static void index_resources(struct catalogue *c)
{
    size_t count = 0;
    for (int s = 0; s < CATALOGUE_SOURCES; s++)
        for (size_t i = 0; c->parts[s] && i < c->parts[s]->count; i++)
            count += c->parts[s]->items[i]->resource_count;
    c->resource_mask = mask_for(count);
    c->name_slots = xcalloc(c->resource_mask + 1, sizeof(struct schema_resource *));
    c->kind_slots = xcalloc(c->resource_mask + 1, sizeof(struct schema_resource *));
    for (int s = 0; s < CATALOGUE_SOURCES; s++) {
        for (size_t i = 0; c->parts[s] && i < c->parts[s]->count; i++) {
            const struct schema_group_version *gv = c->parts[s]->items[i];
            for (unsigned r = 0; r < gv->resource_count; r++)
                add_resource(c, gv->resources[r]);
        }
    }
}

/* Of a group-version that several sources serve the first one stays. */
static void add_group_version(struct catalogue *c, const struct schema_group_version *gv)
{
    const struct schema_group_version **slot = group_slot(c, slice_str(gv->group), slice_str(gv->version));
    const struct schema_group_version **first = first_slot(c, slice_str(gv->group));
    *slot = *slot ? *slot : gv;
    *first = *first ? *first : gv;
}

/* Takes over a reference to each part. */
static struct catalogue *build(struct catalogue_part *const parts[CATALOGUE_SOURCES], uint64_t number)
{
    struct catalogue *c = xcalloc(1, sizeof *c);
    size_t count;
    atomic_init(&c->refs, 1);
    c->number = number;
    memcpy(c->parts, parts, sizeof c->parts);
    struct ranked *all = rank(c, &count);
    c->items = xcalloc(count, sizeof(struct schema_group_version *));
    c->group_mask = mask_for(count);
    c->group_slots = xcalloc(c->group_mask + 1, sizeof(struct schema_group_version *));
    c->first_slots = xcalloc(c->group_mask + 1, sizeof(struct schema_group_version *));
    for (unsigned source = 0; source <= CATALOGUE_SOURCES; source++)
        for (size_t i = 0; i < count; i++)
            if (all[i].source == source)
                add_group_version(c, all[i].gv);
    for (size_t i = 0; i < count; i++)
        if (*group_slot(c, slice_str(all[i].gv->group), slice_str(all[i].gv->version)) == all[i].gv)
            c->items[c->count++] = all[i].gv;
    free(all);
    index_resources(c);
    return c;
}

static struct catalogue_part *part_ref(struct catalogue_part *part)
{
    if (part)
        atomic_fetch_add(&part->refs, 1);
    return part;
}

static void part_unref(struct catalogue_part *part)
{
    if (part && atomic_fetch_sub(&part->refs, 1) == 1)
        part->release(part);
}

struct catalogue *catalogue_ref(struct catalogue *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

void catalogue_unref(struct catalogue *c)
{
    if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    free(c->items);
    free(c->group_slots);
    free(c->first_slots);
    free(c->name_slots);
    free(c->kind_slots);
    for (int s = 0; s < CATALOGUE_SOURCES; s++)
        part_unref(c->parts[s]);
    free(c);
}

/* ---- the present one ---- */

struct catalogues *catalogues_new(void)
{
    struct catalogue_part *const nothing[CATALOGUE_SOURCES] = {NULL};
    struct catalogues *set = xcalloc(1, sizeof *set);
    pthread_mutex_init(&set->lock, NULL);
    pthread_mutex_init(&set->publishing, NULL);
    set->current = build(nothing, 1);
    return set;
}

void catalogues_free(struct catalogues *set)
{
    if (!set)
        return;
    catalogue_unref(set->current);
    pthread_mutex_destroy(&set->lock);
    pthread_mutex_destroy(&set->publishing);
    free(set);
}

struct catalogue *catalogues_pin(struct catalogues *set)
{
    pthread_mutex_lock(&set->lock);
    struct catalogue *c = catalogue_ref(set->current);
    pthread_mutex_unlock(&set->lock);
    return c;
}

void catalogues_publish(struct catalogues *set, enum catalogue_source source, struct catalogue_part *part)
{
    struct catalogue_part *parts[CATALOGUE_SOURCES];
    pthread_mutex_lock(
        &set->publishing); /* only who holds it changes `current`, so it may be read without the other lock */
    for (int s = 0; s < CATALOGUE_SOURCES; s++)
        parts[s] = s == (int)source ? part : part_ref(set->current->parts[s]);
    struct catalogue *made = build(parts, set->current->number + 1), *old;
    pthread_mutex_lock(&set->lock);
    old = set->current;
    set->current = made;
    pthread_mutex_unlock(&set->lock);
    void (*told)(void *arg) = set->on_publish;
    void *arg = set->on_publish_arg;
    pthread_mutex_unlock(&set->publishing);
    catalogue_unref(old);
    if (told)
        told(arg);
}

void catalogues_on_publish(struct catalogues *set, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&set->publishing);
    set->on_publish = fn;
    set->on_publish_arg = arg;
    pthread_mutex_unlock(&set->publishing);
}

/* ---- looking things up ---- */

uint64_t catalogue_number(const struct catalogue *c)
{
    return c->number;
}

struct discovery_list catalogue_list(const struct catalogue *c)
{
    return (struct discovery_list){c->items, c->count};
}

bool catalogue_has_group(const struct catalogue *c, struct slice group)
{
    return *first_slot(c, group) != NULL;
}

const struct schema_group_version *catalogue_find_group_version(const struct catalogue *c, struct slice group,
                                                                struct slice version)
{
    return *group_slot(c, group, version);
}

const struct schema_resource *catalogue_find_resource(const struct catalogue *c, struct slice group,
                                                      struct slice version, struct slice resource)
{
    const struct schema_resource *built_in = schema_find_resource(group, version, resource);
    return built_in ? built_in : *resource_slot(c, c->name_slots, false, group, version, resource);
}

const struct schema_resource *catalogue_find_kind(const struct catalogue *c, struct slice group,
                                                  struct slice version, struct slice kind)
{
    const struct schema_resource *built_in = schema_find_kind(group, version, kind);
    return built_in ? built_in : *resource_slot(c, c->kind_slots, true, group, version, kind);
}
