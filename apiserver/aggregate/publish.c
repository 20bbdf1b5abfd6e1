#include "apiserver/aggregate/internal.h"
#include "apiserver/catalogue.h"
#include "base/alloc.h"
#include "openapi/gen/apiregistration_v1.h"

struct aggregated {
    struct catalogue_part part;
    struct arena *arena; /* holds this too */
};

static void release(struct catalogue_part *part)
{
    arena_free(((struct aggregated *)part)->arena);
}

static int64_t spec_number(const struct member *m, unsigned field)
{
    return value_int(value_at(value_at(&m->object, apiregistration_v1_APIService_spec), field), 0);
}

/* All that requests see of a member, as bytes: equal bytes need no new snapshot. */
static void describe(struct buf *out, const struct member *m)
{
    buf_printf(out, "%s %s %d %lld %lld %d", m->name, m->origin, m->available,
               (long long)spec_number(m, apiregistration_v1_APIServiceSpec_groupPriorityMinimum),
               (long long)spec_number(m, apiregistration_v1_APIServiceSpec_versionPriority), m->tls.insecure);
    for (size_t i = 0; i < m->verdict.place_count; i++)
        buf_printf(out, " %s", m->verdict.places[i]);
    buf_printf(out, " %s %s ", m->answer.discovery ? m->answer.discovery : "",
               m->answer.openapi_hash ? m->answer.openapi_hash : "");
    buf_put_slice(out, m->tls.ca);
    buf_putc(out, '\n');
}

static const char *with_freshness(struct arena *arena, const struct member *m)
{
    const char *entry = m->answer.discovery;
    return entry ? arena_printf(arena, "%.*s,\"freshness\":\"%s\"}", (int)strlen(entry) - 1, entry,
                                m->available ? "Current" : "Stale")
                 : NULL;
}

static struct remote_api *make_api(struct arena *arena, const struct member *m)
{
    struct remote_api *api = arena_zalloc(arena, sizeof *api);
    const char **places = arena_alloc(arena, (m->verdict.place_count + 1) * sizeof *places);
    for (size_t i = 0; i < m->verdict.place_count; i++)
        places[i] = arena_strdup(arena, slice_str(m->verdict.places[i]));
    *api = (struct remote_api){.origin = arena_strdup(arena, slice_str(m->origin)),
                               .places = places,
                               .place_count = m->verdict.place_count,
                               .tls = m->tls,
                               .available = m->available};
    api->tls.ca = arena_dup(arena, m->tls.ca);
    return api;
}

static struct catalogue_part *make_part(struct aggregator *a)
{
    size_t count = 0;
    struct arena *arena = arena_new();
    for (struct member *m = a->members; m; m = m->next)
        count++;
    struct aggregated *made = arena_zalloc(arena, sizeof *made);
    const struct schema_group_version **items = arena_alloc(arena, (count + 1) * sizeof *items);
    count = 0;
    for (struct member *m = a->members; m; m = m->next) {
        struct schema_group_version *gv = arena_zalloc(arena, sizeof *gv);
        gv->group = arena_strdup(arena, slice_str(m->group));
        gv->version = arena_strdup(arena, slice_str(m->version));
        gv->group_priority = (int)spec_number(m, apiregistration_v1_APIServiceSpec_groupPriorityMinimum);
        gv->version_priority = (int)spec_number(m, apiregistration_v1_APIServiceSpec_versionPriority);
        gv->remote = make_api(arena, m);
        gv->remote_discovery = with_freshness(arena, m);
        gv->remote_openapi_hash =
            m->answer.openapi_hash ? arena_strdup(arena, slice_str(m->answer.openapi_hash)) : NULL;
        items[count++] = gv;
    }
    *made = (struct aggregated){.part = {.items = items, .count = count, .release = release}, .arena = arena};
    atomic_init(&made->part.refs, 1);
    return &made->part;
}

void publish_members(struct aggregator *a)
{
    struct buf now = BUF_INIT(BUF_UNLIMITED);
    for (struct member *m = a->members; m; m = m->next)
        describe(&now, m);
    if (slice_eq(buf_slice(&now), buf_slice(&a->published))) {
        buf_release(&now);
        return;
    }
    buf_release(&a->published);
    a->published = now;
    atomic_store(&a->server->has_extension_servers, a->members != NULL);
    catalogues_publish(a->server->catalogues, CATALOGUE_AGGREGATED, a->members ? make_part(a) : NULL);
}
