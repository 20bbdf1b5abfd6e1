/* ingresses: networking.k8s.io/v1. Rules: pkg/apis/networking/validation, pkg/registry/networking/ingress. */
#include "apiserver/kinds/ip.h"
#include "openapi/names.h"
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/workload.h"
#include "base/buf.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/gen/networking_v1.h"

#define CLASS_ANNOTATION "kubernetes.io/ingress.class"
enum { SHOWN_MAX = 3 };

static const char no_ip[] = "must be a DNS name, not an IP address";

struct forgiven { /* what an old object already does */
    bool secret_name, wildcard_rule;
};

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, networking_v1_Ingress_spec);
}

static bool is_wildcard(struct slice host)
{
    return slice_find(host, '*') >= 0;
}

static void check_reference(struct causes *c, const struct path *at, const struct value *ref)
{
    const struct value *group = value_at(ref, core_v1_TypedLocalObjectReference_apiGroup);
    const unsigned fields[] = {core_v1_TypedLocalObjectReference_kind,
                               core_v1_TypedLocalObjectReference_name};
    if (value_is_set(group))
        check_name(c, PATH(at, "apiGroup"), value_text(group), name_check_subdomain);
    for (size_t i = 0; i < 2; i++) {
        struct slice text = value_text(value_at(ref, fields[i]));
        struct path field = path_field(at, field_name(ref, fields[i]));
        if (text.len == 0)
            causes_required(c, &field, "%s", "");
        else
            check_name(c, &field, text, name_check_path_segment);
    }
}

static void check_service_backend(struct causes *c, const struct path *at, const struct value *service)
{
    const struct value *port = value_at(service, networking_v1_IngressServiceBackend_port);
    struct slice name = value_text(value_at(service, networking_v1_IngressServiceBackend_name));
    struct slice port_name = value_text(value_at(port, networking_v1_ServiceBackendPort_name));
    int64_t number = value_int(value_at(port, networking_v1_ServiceBackendPort_number), 0);
    struct path service_at = path_field(at, "service"), port_at = path_field(&service_at, "port");
    if (name.len == 0)
        causes_required(c, PATH(&service_at, "name"), "%s", "");
    else
        check_name(c, PATH(&service_at, "name"), name, name_check_label);
    if (port_name.len && number)
        causes_invalid_text(c, at, SLICE(""), "cannot set both port name & port number");
    else if (port_name.len)
        check_name(c, PATH(&port_at, "name"), port_name, name_check_port_name);
    else if (number)
        check_port(c, PATH(&port_at, "number"), number);
    else
        causes_required(c, at, "port name or number is required");
}

static void check_backend(struct causes *c, const struct path *at, const struct value *backend)
{
    const struct value *resource = value_at(backend, networking_v1_IngressBackend_resource);
    const struct value *service = value_at(backend, networking_v1_IngressBackend_service);
    if (value_is_set(resource) && value_is_set(service))
        causes_invalid_text(c, at, SLICE(""), "cannot set both resource and service backends");
    else if (value_is_set(resource))
        check_reference(c, PATH(at, "resource"), resource);
    else if (value_is_set(service))
        check_service_backend(c, at, service);
    else
        causes_invalid_text(c, at, SLICE(""), "resource or service backend is required");
}

static void check_path_text(struct causes *c, const struct path *at, struct slice path, bool strict)
{
    static const char *const inside[] = {"//", "/./", "/../", "%2f", "%2F"}, *const end[] = {"/..", "/."};
    if (!slice_starts(path, SLICE("/")) && (strict || path.len))
        causes_invalid_text(c, at, path, "must be an absolute path");
    if (!strict)
        return;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (path.len && memmem(path.ptr, path.len, inside[i], strlen(inside[i])))
            causes_invalid_text(c, at, path, "must not contain '%s'", inside[i]);
    for (size_t i = 0; i < 2; i++)
        if (slice_ends(path, slice_str(end[i])))
            causes_invalid_text(c, at, path, "cannot end with '%s'", end[i]);
}

static void check_http_path(struct causes *c, const struct path *at, const struct value *path)
{
    static const char *const types[] = {"Exact", "ImplementationSpecific", "Prefix", NULL};
    const struct value *type = value_at(path, networking_v1_HTTPIngressPath_pathType);
    struct slice text = value_text(value_at(path, networking_v1_HTTPIngressPath_path));
    bool strict = value_is(type, "Exact") || value_is(type, "Prefix");
    if (!value_is_set(type)) {
        causes_required(c, PATH(at, "pathType"), "pathType must be specified");
        return;
    }
    if (strict || value_is(type, "ImplementationSpecific"))
        check_path_text(c, PATH(at, "path"), text, strict);
    else
        causes_not_supported(c, PATH(at, "pathType"), value_text(type), types);
    check_backend(c, PATH(at, "backend"), value_at(path, networking_v1_HTTPIngressPath_backend));
}

static void check_http(struct causes *c, const struct path *at, const struct value *http)
{
    const struct value *paths = value_at(http, networking_v1_HTTPIngressRuleValue_paths);
    struct path paths_at = path_field(at, "paths");
    if (!value_is_set(http))
        return;
    if (!value_count(paths))
        causes_required(c, &paths_at, "%s", "");
    for (size_t i = 0; i < value_count(paths); i++)
        check_http_path(c, PATH_I(&paths_at, i), value_item(paths, i));
}

static void check_rule(struct causes *c, const struct path *at, const struct value *rule, struct forgiven ok)
{
    struct slice host = value_text(value_at(rule, networking_v1_IngressRule_host));
    struct path host_at = path_field(at, "host");
    struct ip ip;
    if (host.len && ip_parse(host, &ip))
        causes_invalid_text(c, &host_at, host, "%s", no_ip);
    if (host.len)
        check_name(c, &host_at, host,
                   is_wildcard(host) ? name_check_wildcard_subdomain : name_check_subdomain);
    if (!is_wildcard(host) || !ok.wildcard_rule)
        check_http(c, PATH(at, "http"), value_at(rule, networking_v1_IngressRule_http));
}

static void check_tls(struct causes *c, const struct path *at, const struct value *tls, struct forgiven ok)
{
    const struct value *hosts = value_at(tls, networking_v1_IngressTLS_hosts);
    struct slice secret = value_text(value_at(tls, networking_v1_IngressTLS_secretName));
    struct path hosts_at = path_field(at, "hosts");
    for (size_t i = 0; i < value_count(hosts); i++) {
        struct slice host = value_text(value_item(hosts, i));
        check_name(c, PATH_I(&hosts_at, i), host,
                   is_wildcard(host) ? name_check_wildcard_subdomain : name_check_subdomain);
    }
    if (secret.len && !ok.secret_name)
        check_name(c, PATH(at, "secretName"), secret, name_check_subdomain);
}

static struct forgiven forgive(struct arena *arena, const struct value *old)
{
    struct forgiven ok = {false, false};
    struct causes scratch = {.arena = arena};
    if (!old)
        return ok;
    for (VALUE_EACH(tls, value_at(spec_of(old), networking_v1_IngressSpec_tls))) {
        struct slice secret = value_text(value_at(tls, networking_v1_IngressTLS_secretName));
        ok.secret_name = ok.secret_name || (secret.len && name_check_subdomain(secret));
    }
    for (VALUE_EACH(rule, value_at(spec_of(old), networking_v1_IngressSpec_rules)))
        if (is_wildcard(value_text(value_at(rule, networking_v1_IngressRule_host))))
            check_http(&scratch, NULL, value_at(rule, networking_v1_IngressRule_http));
    ok.wildcard_rule = scratch.count > 0;
    return ok;
}

static void check_spec(struct causes *c, const struct path *at, const struct value *spec, struct forgiven ok)
{
    const struct value *backend = value_at(spec, networking_v1_IngressSpec_defaultBackend);
    const struct value *rules = value_at(spec, networking_v1_IngressSpec_rules),
                       *tls = value_at(spec, networking_v1_IngressSpec_tls);
    const struct value *class = value_at(spec, networking_v1_IngressSpec_ingressClassName);
    struct path rules_at = path_field(at, "rules"), tls_at = path_field(at, "tls");
    if (!value_count(rules) && !value_is_set(backend))
        causes_invalid_shown(c, at, "null", "either `defaultBackend` or `rules` must be specified");
    if (value_is_set(backend))
        check_backend(c, PATH(at, "defaultBackend"), backend);
    for (size_t i = 0; i < value_count(rules); i++)
        check_rule(c, PATH_I(&rules_at, i), value_item(rules, i), ok);
    for (size_t i = 0; i < value_count(tls); i++)
        check_tls(c, PATH_I(&tls_at, i), value_item(tls, i), ok);
    if (value_is_set(class))
        check_name(c, PATH(at, "ingressClassName"), value_text(class), name_check_subdomain);
}

static const struct value *addresses_of(const struct value *object)
{
    const struct value *balancer =
        value_at(value_at(object, networking_v1_Ingress_status), networking_v1_IngressStatus_loadBalancer);
    return value_at(balancer, networking_v1_IngressLoadBalancerStatus_ingress);
}

static void check_status(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path status = path_field(NULL, "status"), balancer = path_field(&status, "loadBalancer"),
                at = path_field(&balancer, "ingress");
    const struct value *list = addresses_of(object);
    struct value known = value_absent;
    struct ip ip;
    for (VALUE_EACH(address, addresses_of(old)))
        *value_append(req->arena, &known) = *value_at(address, networking_v1_IngressLoadBalancerIngress_ip);
    for (size_t i = 0; i < value_count(list); i++) {
        struct slice text =
            value_text(value_at(value_item(list, i), networking_v1_IngressLoadBalancerIngress_ip));
        struct slice host =
            value_text(value_at(value_item(list, i), networking_v1_IngressLoadBalancerIngress_hostname));
        struct path item = path_index(&at, i);
        if (text.len && check_ip_legacy(req->causes, PATH(&item, "ip"), text, &known))
            warn_ip(req, &item, text);
        if (host.len)
            check_name(req->causes, PATH(&item, "hostname"), host, name_check_subdomain);
        if (host.len && ip_parse(host, &ip))
            causes_invalid_text(req->causes, PATH(&item, "hostname"), host, "%s", no_ip);
    }
}

static void check_class_annotation(struct kind_request *req, const struct value *object)
{
    const struct value *annotations = value_at(object_metadata(object), meta_v1_ObjectMeta_annotations);
    const struct value *old_way = value_get(annotations, SLICE(CLASS_ANNOTATION));
    const struct value *class = value_at(spec_of(object), networking_v1_IngressSpec_ingressClassName);
    struct path at = path_field(NULL, "annotations");
    if (!value_is_set(old_way))
        return;
    if (!value_is_set(class))
        kind_warn(req, "annotation \"%s\" is deprecated, please use 'spec.ingressClassName' instead",
                  CLASS_ANNOTATION);
    else if (!value_equal(old_way, class))
        causes_invalid(req->causes, PATH(&at, CLASS_ANNOTATION), old_way,
                       "must match `ingressClassName` when both are specified");
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    if (slice_is(req->subresource, "status")) {
        check_status(req, object, old);
        return;
    }
    check_spec(req->causes, &at, spec_of(object), forgive(req->arena, old));
    if (!old)
        check_class_annotation(req, object);
}

static struct slice hosts_text(struct arena *arena, const struct value *rules)
{
    cleanup_buf struct buf out = BUF_INIT(1 << 16);
    size_t shown = 0;
    bool more = false;
    for (VALUE_EACH(rule, rules)) {
        struct slice host = value_text(value_at(rule, networking_v1_IngressRule_host));
        more = more || shown == SHOWN_MAX;
        if (more || !host.len)
            continue;
        if (shown++)
            buf_putc(&out, ',');
        buf_put_slice(&out, host);
    }
    if (more)
        buf_printf(&out, " + %zu more...", value_count(rules) - SHOWN_MAX);
    return out.len ? arena_dup(arena, buf_slice(&out)) : SLICE("*");
}

static int by_text(const void *a, const void *b)
{
    return slice_cmp(value_text(a), value_text(b));
}

static struct slice addresses_text(struct arena *arena, const struct value *object)
{
    struct value texts = value_absent;
    for (VALUE_EACH(address, addresses_of(object))) {
        const struct value *ip = value_at(address, networking_v1_IngressLoadBalancerIngress_ip);
        const struct value *text =
            value_text(ip).len ? ip : value_at(address, networking_v1_IngressLoadBalancerIngress_hostname);
        if (value_text(text).len)
            *value_append(arena, &texts) = *text;
    }
    if (value_count(&texts))
        qsort(texts.list->items, texts.list->count, sizeof *texts.list->items, by_text);
    for (size_t i = value_count(&texts); i-- > 1;)
        if (value_equal(value_item(&texts, i), value_item(&texts, i - 1)))
            value_remove_item(&texts, i);
    return join_strings(arena, &texts);
}

/* Name, Class, Hosts, Address, Ports, Age. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *spec = spec_of(object),
                       *class = value_at(spec, networking_v1_IngressSpec_ingressClassName);
    cells[1] = value_is_set(class) ? cell_text(value_text(class)) : cell_cstr("<none>");
    cells[2] = cell_text(hosts_text(arena, value_at(spec, networking_v1_IngressSpec_rules)));
    cells[3] = cell_text(addresses_text(arena, object));
    cells[4] = cell_cstr(value_count(value_at(spec, networking_v1_IngressSpec_tls)) ? "80, 443" : "80");
    cells[5] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
}

const struct kind kind_ingresses = {
    .group = "networking.k8s.io",
    .resource = "ingresses",
    .counts_generation = true,
    .validate = validate,
    .row = row,
};
