/* endpointslices: discovery.k8s.io/v1. Rules: pkg/apis/discovery/validation,
 * pkg/registry/discovery/endpointslice. */
#include "apiserver/kinds/ip.h"
#include "openapi/names.h"
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/workload.h"
#include "base/buf.h"
#include "openapi/gen/discovery_v1.h"
#include "openapi/gen/meta_v1.h"

enum {
    MAX_ADDRESSES = 100,
    MAX_PORTS = 20000,
    MAX_ENDPOINTS = 1000,
    MAX_HINTS = 8,
    MAX_TOPOLOGY = 16,
    SHOWN_MAX = 3
};

static const char *const protocols[] = {"SCTP", "TCP", "UDP", NULL}, *const types[] = {"FQDN", "IPv4", "IPv6",
                                                                                       NULL};

static const struct value *endpoints_of(const struct value *object)
{
    return value_at(object, discovery_v1_EndpointSlice_endpoints);
}

/* Topology was given by labels once; v1 has nodeName and zone instead. */
static void drop_topology(struct value *object)
{
    struct value *list = value_mut(object, discovery_v1_EndpointSlice_endpoints);
    for (size_t i = 0; i < value_count(list); i++)
        *value_mut(&list->list->items[i], discovery_v1_Endpoint_deprecatedTopology) = value_absent;
}

static void prepare_create(struct kind_request *req, struct value *object)
{
    set_generation(object, NULL, true);
    drop_topology(object);
}

/* Labels tie a slice to its service, so they count as content. */
static void prepare_update(struct kind_request *req, struct value *object, const struct value *old)
{
    static const unsigned content[] = {discovery_v1_EndpointSlice_addressType,
                                       discovery_v1_EndpointSlice_endpoints,
                                       discovery_v1_EndpointSlice_ports};
    bool same = value_equal(value_at(object_metadata(object), meta_v1_ObjectMeta_labels),
                            value_at(object_metadata(old), meta_v1_ObjectMeta_labels));
    for (size_t i = 0; i < 3; i++)
        same = same && value_equal(value_at(object, content[i]), value_at(old, content[i]));
    set_generation(object, old, !same);
    if (!value_equal(endpoints_of(object), endpoints_of(old)))
        drop_topology(object);
}

static void check_domain_name(struct causes *c, const struct path *at, struct slice name)
{
    struct slice rest = name, label;
    if (slice_ends(name, SLICE(".")))
        rest = name = slice_make(name.ptr, name.len - 1);
    if (name.len == 0) {
        causes_required(c, at, "%s", "");
        return;
    }
    const char *why = name_check_subdomain(name);
    if (why) {
        causes_invalid_text(c, at, name, "%s", why);
        return;
    }
    if (slice_find(name, '.') < 0) {
        causes_invalid_text(c, at, name, "should be a domain with at least two segments separated by dots");
        return;
    }
    while (slice_split(&rest, '.', &label))
        check_name(c, at, label, name_check_label);
}

static void check_addresses(struct causes *c, const struct path *at, const struct value *addresses,
                            const struct value *type)
{
    for (size_t i = 0; i < value_count(addresses); i++) {
        struct slice text = value_text(value_item(addresses, i));
        struct path item = path_index(at, i);
        struct ip ip;
        bool v4 = value_is(type, "IPv4");
        if (value_is(type, "FQDN"))
            check_domain_name(c, &item, text);
        if (!v4 && !value_is(type, "IPv6"))
            continue;
        if (v4 ? !check_ip_legacy(c, &item, text, NULL) : !check_ip_strict(c, &item, text))
            continue;
        if (ip_parse(text, &ip) && ip.v6 == v4)
            causes_invalid_text(c, at, text, "must be an %s address", v4 ? "IPv4" : "IPv6");
        check_endpoint_ip(c, &item, text);
    }
}

static void check_hint_list(struct causes *c, const struct path *at, const struct value *list,
                            const char *(*rule)(struct slice))
{
    for (size_t i = 0; i < value_count(list); i++) {
        struct slice name = value_text(value_get(value_item(list, i), SLICE("name")));
        struct path item = path_index(at, i), name_at = path_field(&item, "name");
        const char *why = rule(name);
        for (size_t j = 0; j < i; j++)
            if (slice_eq(value_text(value_get(value_item(list, j), SLICE("name"))), name)) {
                causes_duplicate(c, &name_at, name);
                break;
            }
        if (why)
            causes_invalid_text(c, &name_at, name, "%s", why);
    }
}

static void check_hints(struct causes *c, const struct path *at, const struct value *hints)
{
    const struct value *zones = value_at(hints, discovery_v1_EndpointHints_forZones);
    const struct value *nodes = value_at(hints, discovery_v1_EndpointHints_forNodes);
    struct path zones_at = path_field(at, "forZones"), nodes_at = path_field(at, "forNodes");
    if (value_count(zones) > MAX_HINTS) {
        causes_too_many(c, &zones_at, (int64_t)value_count(zones), MAX_HINTS);
        return;
    }
    check_hint_list(c, &zones_at, zones, name_check_label_value);
    if (value_count(nodes) > MAX_HINTS)
        causes_too_many(c, &nodes_at, (int64_t)value_count(nodes), MAX_HINTS);
    else
        check_hint_list(c, &nodes_at, nodes, name_check_subdomain);
}

static void check_endpoint(struct causes *c, const struct path *at, const struct value *endpoint,
                           const struct value *type)
{
    const struct value *node = value_at(endpoint, discovery_v1_Endpoint_nodeName);
    const struct value *host = value_at(endpoint, discovery_v1_Endpoint_hostname);
    const struct value *topology = value_at(endpoint, discovery_v1_Endpoint_deprecatedTopology);
    check_addresses(c, PATH(at, "addresses"), value_at(endpoint, discovery_v1_Endpoint_addresses), type);
    if (value_is_set(node))
        check_name(c, PATH(at, "nodeName"), value_text(node), name_check_subdomain);
    if (value_count(topology) > MAX_TOPOLOGY)
        causes_too_many(c, PATH(at, "deprecatedTopology"), (int64_t)value_count(topology), MAX_TOPOLOGY);
    check_labels(c, PATH(at, "deprecatedTopology"), topology);
    if (value_is_set(host))
        check_name(c, PATH(at, "hostname"), value_text(host), name_check_label);
    check_hints(c, PATH(at, "hints"), value_at(endpoint, discovery_v1_Endpoint_hints));
}

static void check_slice_port(struct causes *c, const struct path *at, const struct value *ports, size_t i)
{
    const struct value *port = value_item(ports, i),
                       *app = value_at(port, discovery_v1_EndpointPort_appProtocol);
    struct slice name = value_text(value_at(port, discovery_v1_EndpointPort_name));
    if (name.len)
        check_name(c, PATH(at, "name"), name, name_check_label);
    for (size_t j = 0; j < i; j++)
        if (slice_eq(value_text(value_at(value_item(ports, j), discovery_v1_EndpointPort_name)), name)) {
            causes_duplicate(c, PATH(at, "name"), name);
            break;
        }
    check_enum(c, PATH(at, "protocol"), value_at(port, discovery_v1_EndpointPort_protocol), protocols, true);
    if (value_is_set(app))
        check_name(c, PATH(at, "appProtocol"), value_text(app), name_check_qualified);
}

static void check_ports(struct causes *c, const struct value *ports)
{
    struct path at = path_field(NULL, "ports");
    if (value_count(ports) > MAX_PORTS) {
        causes_too_many(c, &at, (int64_t)value_count(ports), MAX_PORTS);
        return;
    }
    for (size_t i = 0; i < value_count(ports); i++)
        check_slice_port(c, PATH_I(&at, i), ports, i);
}

static void check_endpoints(struct causes *c, const struct path *at, const struct value *object)
{
    const struct value *list = endpoints_of(object);
    if (value_count(list) > MAX_ENDPOINTS) {
        causes_too_many(c, at, (int64_t)value_count(list), MAX_ENDPOINTS);
        return;
    }
    for (size_t i = 0; i < value_count(list); i++)
        check_endpoint(c, PATH_I(at, i), value_item(list, i),
                       value_at(object, discovery_v1_EndpointSlice_addressType));
}

/* These come last: upstream finds them by its schema, after its other rules. */
static void check_declared(struct causes *c, const struct value *object, const struct value *old,
                           bool same_endpoints)
{
    const struct value *type = value_at(object, discovery_v1_EndpointSlice_addressType),
                       *list = endpoints_of(object);
    struct path type_at = path_field(NULL, "addressType"), at = path_field(NULL, "endpoints");
    if (old && !value_equal(type, value_at(old, discovery_v1_EndpointSlice_addressType)))
        causes_invalid_text(c, &type_at, value_text(type), "field is immutable");
    else
        check_enum(c, &type_at, type, types, true);
    for (size_t i = 0; i < value_count(list) && !same_endpoints; i++) {
        size_t n = value_count(value_at(value_item(list, i), discovery_v1_Endpoint_addresses));
        struct path item = path_index(&at, i);
        if (n == 0)
            causes_required(c, PATH(&item, "addresses"), "%s", "");
        else if (n > MAX_ADDRESSES)
            causes_too_many(c, PATH(&item, "addresses"), (int64_t)n, MAX_ADDRESSES);
    }
}

static void warn(struct kind_request *req, const struct value *object, bool created)
{
    const struct value *labels = value_at(object_metadata(object), meta_v1_ObjectMeta_labels),
                       *list = endpoints_of(object);
    const struct value *manager = value_get(labels, SLICE("endpointslice.kubernetes.io/managed-by"));
    struct path at = path_field(NULL, "endpoints");
    if (created && value_is(value_at(object, discovery_v1_EndpointSlice_addressType), "FQDN"))
        kind_warn(req, "spec.addressType: FQDN endpoints are deprecated");
    if (value_is(manager, "endpointslice-controller.k8s.io") ||
        value_is(manager, "endpointslicemirroring-controller.k8s.io"))
        return;
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *addresses = value_at(value_item(list, i), discovery_v1_Endpoint_addresses);
        struct path item = path_index(&at, i), addresses_at = path_field(&item, "addresses");
        for (size_t j = 0; j < value_count(addresses); j++)
            warn_ip(req, PATH_I(&addresses_at, j), value_text(value_item(addresses, j)));
    }
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "endpoints");
    bool same = old && value_equal(endpoints_of(object), endpoints_of(old));
    check_ports(req->causes, value_at(object, discovery_v1_EndpointSlice_ports));
    if (!same)
        check_endpoints(req->causes, &at, object);
    check_declared(req->causes, object, old, same);
    warn(req, object, !old);
}

struct shown {
    struct buf text;
    size_t count;
};

static void show(struct shown *s, struct slice text)
{
    if (s->count++ >= SHOWN_MAX)
        return;
    if (s->count > 1)
        buf_putc(&s->text, ',');
    buf_put_slice(&s->text, text);
}

static struct value shown_cell(struct arena *arena, struct shown *s)
{
    if (s->count > SHOWN_MAX)
        buf_printf(&s->text, " + %zu more...", s->count - SHOWN_MAX);
    struct slice text = s->text.len ? arena_dup(arena, buf_slice(&s->text)) : SLICE("<unset>");
    buf_release(&s->text);
    return cell_text(text);
}

/* Name, AddressType, Ports, Endpoints, Age. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    struct shown ports = {.text = BUF_INIT(1 << 16)}, addresses = {.text = BUF_INIT(1 << 16)};
    for (VALUE_EACH(port, value_at(object, discovery_v1_EndpointSlice_ports))) {
        const struct value *number = value_at(port, discovery_v1_EndpointPort_port),
                           *name = value_at(port, discovery_v1_EndpointPort_name);
        if (value_is_set(number))
            show(&ports, arena_slicef(arena, "%lld", (long long)number->i));
        else
            show(&ports, value_is_set(name) ? value_text(name) : SLICE("*"));
    }
    for (VALUE_EACH(endpoint, endpoints_of(object)))
        for (VALUE_EACH(address, value_at(endpoint, discovery_v1_Endpoint_addresses)))
            show(&addresses, value_text(address));
    cells[1] = cell_text(value_text(value_at(object, discovery_v1_EndpointSlice_addressType)));
    cells[2] = shown_cell(arena, &ports);
    cells[3] = shown_cell(arena, &addresses);
    cells[4] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
}

const struct kind kind_endpointslices = {
    .group = "discovery.k8s.io",
    .resource = "endpointslices",
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .row = row,
};
