#include "apiserver/ipaddress.h"

#include "apiserver/allocate.h"
#include "apiserver/metadata.h"
#include "apiserver/object.h"
#include "base/clock.h"
#include "openapi/gen/networking_v1.h"

static const struct schema_resource *ipaddresses(void)
{
    return schema_find_resource(SLICE("networking.k8s.io"), SLICE("v1"), SLICE("ipaddresses"));
}

static struct slice name_of(struct arena *arena, uint32_t ip)
{
    return arena_slicef(arena, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

static struct slice key_of(struct arena *arena, uint32_t ip)
{
    return object_key(arena, ipaddresses(), SLICE(""), name_of(arena, ip));
}

static struct value make(struct arena *arena, uint32_t ip, const struct value *service)
{
    struct value address = value_new_record(arena, ipaddresses()->type);
    struct value *meta = object_meta_mut(arena, &address);
    *value_mut(meta, meta_v1_ObjectMeta_name) = value_of_string(name_of(arena, ip));
    struct value *labels = value_mut(meta, meta_v1_ObjectMeta_labels);
    *value_put(arena, labels, SLICE("ipaddress.kubernetes.io/ip-family")) = value_of_cstr("IPv4");
    *value_put(arena, labels, SLICE("ipaddress.kubernetes.io/managed-by")) =
        value_of_cstr("ipallocator.k8s.io");
    struct value *spec = value_ensure_record(arena, &address, networking_v1_IPAddress_spec);
    struct value *parent = value_ensure_record(arena, spec, networking_v1_IPAddressSpec_parentRef);
    *value_mut(parent, networking_v1_ParentReference_resource) = value_of_cstr("services");
    *value_mut(parent, networking_v1_ParentReference_namespace) =
        value_of_string(object_text(service, meta_v1_ObjectMeta_namespace));
    *value_mut(parent, networking_v1_ParentReference_name) =
        value_of_string(object_text(service, meta_v1_ObjectMeta_name));
    metadata_fill_create(arena, ipaddresses(), &address, SLICE(""), clock_now_seconds());
    return address;
}

bool ipaddress_take(struct arena *arena, uint32_t ip, const struct value *service, struct store_op *ret,
                    struct error *err)
{
    struct value address = make(arena, ip, service);
    struct stored stored;
    if (!object_encode(arena, ipaddresses(), &address, &stored, err))
        return false;
    *ret = (struct store_op){.type = STORE_PUT,
                             .key = key_of(arena, ip),
                             .expect = 0,
                             .header = stored.header,
                             .value = stored.value,
                             .splice = stored.splice};
    return true;
}

/* The revision of the object; 0: there is none. */
static uint64_t revision_of(struct store *store, uint32_t ip)
{
    cleanup_arena struct arena *arena = arena_new();
    struct store_record record;
    cleanup_store_read struct store_read *read = store_read_begin(store, 0, NULL);
    return read && store_get(read, key_of(arena, ip), &record) ? record.revision : 0;
}

bool ipaddress_release(struct store *store, struct arena *arena, uint32_t ip, struct store_op *ret)
{
    uint64_t revision = revision_of(store, ip);
    *ret = (struct store_op){.type = STORE_DELETE,
                             .key = key_of(arena, ip),
                             .expect = revision,
                             .value = SLICE(""),
                             .splice = SIZE_MAX};
    return revision != 0;
}

bool ipaddress_exists(struct store *store, uint32_t ip)
{
    return revision_of(store, ip) != 0;
}

/* ---- at start ---- */

enum { MAX_REPAIRS = 1000 };

struct repair {
    struct server *server;
    struct arena *arena;
    struct store_op ops[MAX_REPAIRS];
    size_t count;
    struct error *err;
};

static bool repair_one(void *arg, const struct store_record *record)
{
    struct repair *repair = arg;
    struct value service;
    struct service_claims held = {0};
    struct slice value = arena_dup(repair->arena, record->value);
    const struct schema_resource *services = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("services"));
    if (!object_decode(repair->arena, services, value, false, &service, NULL))
        return true;
    service_holdings(repair->arena, &service, &held);
    if (held.take_ip && !ipaddress_exists(repair->server->store, held.take_ip) &&
        ipaddress_take(repair->arena, held.take_ip, &service, &repair->ops[repair->count], repair->err))
        repair->count++;
    return repair->count < MAX_REPAIRS;
}

/* One transaction's worth; what is left comes with the next call. */
static bool repair_some(struct server *server, size_t *ret_count, struct error *err)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_store_read struct store_read *read = store_read_begin(server->store, 0, err);
    if (!read)
        return false;
    const struct schema_resource *services = schema_find_resource(SLICE(""), SLICE("v1"), SLICE("services"));
    struct repair *repair = arena_zalloc(arena, sizeof *repair);
    repair->server = server;
    repair->arena = arena;
    repair->err = err;
    store_range(read, &(struct store_range){.prefix = object_prefix(arena, services, SLICE("")),
                                            .each = repair_one,
                                            .arg = repair});
    *ret_count = repair->count;
    if (!repair->count)
        return true;
    struct store_author author = {.user = SLICE("system:apiserver"), .manager = SLICE("coxswain-apiserver")};
    struct store_txn_result result;
    return store_txn(server->store, repair->ops, repair->count, &author, &result, err) == STORE_OK;
}

bool ipaddress_repair(struct server *server, struct error *err)
{
    size_t count = MAX_REPAIRS;
    while (count == MAX_REPAIRS)
        if (!repair_some(server, &count, err))
            return false;
    return true;
}
