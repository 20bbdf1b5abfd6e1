/* endpoints: core/v1. Rules: pkg/apis/core/validation, pkg/registry/core/endpoint. */
#include "apiserver/kinds/ip.h"
#include "openapi/names.h"
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/workload.h"
#include "base/buf.h"
#include "openapi/gen/meta_v1.h"

enum { SHOWN_MAX = 3 };

static const char *const protocols[] = {"SCTP", "TCP", "UDP", NULL};

static void check_address(struct causes *c, const struct path *at, const struct value *address)
{
    struct slice ip = value_text(value_at(address, core_v1_EndpointAddress_ip));
    struct slice host = value_text(value_at(address, core_v1_EndpointAddress_hostname));
    const struct value *node = value_at(address, core_v1_EndpointAddress_nodeName);
    check_ip_legacy(c, PATH(at, "ip"), ip, NULL);
    if (host.len)
        check_name(c, PATH(at, "hostname"), host, name_check_label);
    if (value_is_set(node))
        check_name(c, PATH(at, "nodeName"), value_text(node), name_check_subdomain);
    check_endpoint_ip(c, PATH(at, "ip"), ip);
}

static void check_addresses(struct causes *c, const struct path *at, const struct value *list)
{
    for (size_t i = 0; i < value_count(list); i++)
        check_address(c, PATH_I(at, i), value_item(list, i));
}

static void check_endpoint_port(struct causes *c, const struct path *at, const struct value *port,
                                bool needs_name)
{
    struct slice name = value_text(value_at(port, core_v1_EndpointPort_name));
    const struct value *app = value_at(port, core_v1_EndpointPort_appProtocol);
    if (name.len)
        check_name(c, PATH(at, "name"), name, name_check_label);
    else if (needs_name)
        causes_required(c, PATH(at, "name"), "%s", "");
    check_port(c, PATH(at, "port"), value_int(value_at(port, core_v1_EndpointPort_port), 0));
    check_enum(c, PATH(at, "protocol"), value_at(port, core_v1_EndpointPort_protocol), protocols, true);
    if (value_is_set(app))
        check_name(c, PATH(at, "appProtocol"), value_text(app), name_check_qualified);
}

static void check_subset(struct causes *c, const struct path *at, const struct value *subset)
{
    const struct value *ready = value_at(subset, core_v1_EndpointSubset_addresses);
    const struct value *not_ready = value_at(subset, core_v1_EndpointSubset_notReadyAddresses);
    const struct value *ports = value_at(subset, core_v1_EndpointSubset_ports);
    struct path ports_at = path_field(at, "ports");
    if (!value_count(ready) && !value_count(not_ready))
        causes_required(c, at, "must specify `addresses` or `notReadyAddresses`");
    check_addresses(c, PATH(at, "addresses"), ready);
    check_addresses(c, PATH(at, "notReadyAddresses"), not_ready);
    for (size_t i = 0; i < value_count(ports); i++)
        check_endpoint_port(c, PATH_I(&ports_at, i), value_item(ports, i), value_count(ports) > 1);
}

static void warn_addresses(struct kind_request *req, const struct path *at, const struct value *list)
{
    for (size_t i = 0; i < value_count(list); i++)
        warn_ip(req, PATH(PATH_I(at, i), "ip"),
                value_text(value_at(value_item(list, i), core_v1_EndpointAddress_ip)));
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *subsets = value_at(object, core_v1_Endpoints_subsets);
    const struct value *labels = value_at(object_metadata(object), meta_v1_ObjectMeta_labels);
    struct path at = path_field(NULL, "subsets");
    bool own =
        value_is(value_get(labels, SLICE("endpoints.kubernetes.io/managed-by")), "endpoint-controller");
    bool same = old && value_equal(subsets, value_at(old, core_v1_Endpoints_subsets));
    for (size_t i = 0; i < value_count(subsets); i++) {
        struct path item = path_index(&at, i);
        const struct value *subset = value_item(subsets, i);
        if (!same)
            check_subset(req->causes, &item, subset);
        if (own)
            continue;
        warn_addresses(req, PATH(&item, "addresses"), value_at(subset, core_v1_EndpointSubset_addresses));
        warn_addresses(req, PATH(&item, "notReadyAddresses"),
                       value_at(subset, core_v1_EndpointSubset_notReadyAddresses));
    }
}

struct shown {
    struct buf text;
    size_t count, printed;
    bool more;
};

static void show_addresses(struct shown *s, const struct value *addresses, const struct value *port)
{
    s->count += value_count(addresses);
    for (VALUE_EACH(address, addresses)) {
        struct slice ip = value_text(value_at(address, core_v1_EndpointAddress_ip));
        if (s->printed == SHOWN_MAX) {
            s->more = true;
            return;
        }
        if (s->printed++)
            buf_putc(&s->text, ',');
        if (!port)
            buf_put_slice(&s->text, ip);
        else
            buf_printf(&s->text, slice_find(ip, ':') >= 0 ? "[%.*s]:%lld" : "%.*s:%lld", SLICE_ARG(ip),
                       (long long)value_int(value_at(port, core_v1_EndpointPort_port), 0));
    }
}

static struct slice endpoints_text(struct arena *arena, const struct value *subsets)
{
    struct shown s = {.text = BUF_INIT(1 << 16)};
    if (!value_count(subsets))
        return SLICE("<none>");
    for (VALUE_EACH(subset, subsets)) {
        const struct value *ready = value_at(subset, core_v1_EndpointSubset_addresses);
        const struct value *ports = value_at(subset, core_v1_EndpointSubset_ports);
        if (!value_count(ports))
            show_addresses(&s, ready, NULL);
        for (VALUE_EACH(port, ports))
            show_addresses(&s, ready, port);
    }
    if (s.more)
        buf_printf(&s.text, " + %zu more...", s.count - SHOWN_MAX);
    struct slice text = arena_dup(arena, buf_slice(&s.text));
    buf_release(&s.text);
    return text;
}

/* Name, Endpoints, Age. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = cell_text(endpoints_text(arena, value_at(object, core_v1_Endpoints_subsets)));
    cells[2] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
}

const struct kind kind_endpoints = {
    .group = "",
    .resource = "endpoints",
    .deprecated = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    .creates_on_update = true,
    .validate = validate,
    .row = row,
};
