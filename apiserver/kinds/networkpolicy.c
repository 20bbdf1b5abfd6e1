/* networkpolicies: networking.k8s.io/v1. Rules: pkg/apis/networking/validation,
 * pkg/registry/networking/networkpolicy. */
#include "apiserver/kinds/ip.h"
#include "openapi/label_selector.h"
#include "openapi/names.h"
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/gen/networking_v1.h"

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, networking_v1_NetworkPolicy_spec);
}

/* The two directions have the same shape under other names. */
static const struct direction {
    const char *name, *peers_name;
    unsigned rules, ports, peers;
} directions[] = {
    {"ingress", "from", networking_v1_NetworkPolicySpec_ingress, networking_v1_NetworkPolicyIngressRule_ports,
     networking_v1_NetworkPolicyIngressRule_from},
    {"egress", "to", networking_v1_NetworkPolicySpec_egress, networking_v1_NetworkPolicyEgressRule_ports,
     networking_v1_NetworkPolicyEgressRule_to},
};

static void check_policy_port(struct causes *c, const struct path *at, const struct value *p)
{
    static const char *const protocols[] = {"TCP", "UDP", "SCTP", NULL};
    const struct value *port = value_at(p, networking_v1_NetworkPolicyPort_port),
                       *end = value_at(p, networking_v1_NetworkPolicyPort_endPort);
    struct path end_at = path_field(at, "endPort");
    check_enum(c, PATH(at, "protocol"), value_at(p, networking_v1_NetworkPolicyPort_protocol), protocols,
               false);
    if (port->kind == VALUE_INT) {
        check_port(c, PATH(at, "port"), port->i);
        if (!value_is_set(end))
            return;
        if (end->i < port->i)
            causes_invalid_int(c, &end_at, end->i, "must be greater than or equal to `port`");
        check_port(c, &end_at, end->i);
        return;
    }
    if (value_is_set(end))
        causes_invalid_int(c, &end_at, end->i, "may not be specified when `port` is %s",
                           value_is_set(port) ? "non-numeric" : "not specified");
    if (value_is_set(port))
        check_name(c, PATH(at, "port"), value_text(port), name_check_port_name);
}

static void check_block(struct causes *c, const struct path *at, const struct value *block,
                        const struct value *existing)
{
    struct slice text = value_text(value_at(block, networking_v1_IPBlock_cidr));
    const struct value *except = value_at(block, networking_v1_IPBlock_except);
    struct path except_at = path_field(at, "except");
    struct cidr outer, inner;
    if (text.len == 0)
        return; /* required: see check_blocks_given */
    check_cidr_legacy(c, PATH(at, "cidr"), text, existing);
    if (!cidr_parse(text, &outer))
        return;
    for (size_t i = 0; i < value_count(except); i++) {
        struct slice part = value_text(value_item(except, i));
        struct path item = path_index(&except_at, i);
        check_cidr_legacy(c, &item, part, existing);
        if (cidr_parse(part, &inner) &&
            (!cidr_contains(&outer, &inner.network) || outer.prefix >= inner.prefix))
            causes_invalid_text(c, &item, part, "must be a strict subset of `cidr`");
    }
}

static void check_peer(struct causes *c, const struct path *at, const struct value *peer,
                       const struct value *existing)
{
    const struct value *pods = value_at(peer, networking_v1_NetworkPolicyPeer_podSelector);
    const struct value *namespaces = value_at(peer, networking_v1_NetworkPolicyPeer_namespaceSelector);
    const struct value *block = value_at(peer, networking_v1_NetworkPolicyPeer_ipBlock);
    check_label_selector(c, PATH(at, "podSelector"), pods);
    check_label_selector(c, PATH(at, "namespaceSelector"), namespaces);
    if (value_is_set(block))
        check_block(c, PATH(at, "ipBlock"), block, existing);
    if (!value_is_set(pods) && !value_is_set(namespaces) && !value_is_set(block))
        causes_required(c, at, "must specify a peer");
    else if (value_is_set(block) && (value_is_set(pods) || value_is_set(namespaces)))
        causes_forbidden(c, at, "may not specify both ipBlock and another peer");
}

static void check_direction(struct causes *c, const struct path *spec_at, const struct value *spec,
                            const struct direction *d, const struct value *existing)
{
    const struct value *rules = value_at(spec, d->rules);
    struct path at = path_field(spec_at, d->name);
    for (size_t i = 0; i < value_count(rules); i++) {
        const struct value *ports = value_at(value_item(rules, i), d->ports),
                           *peers = value_at(value_item(rules, i), d->peers);
        struct path rule_at = path_index(&at, i), ports_at = path_field(&rule_at, "ports"),
                    peers_at = path_field(&rule_at, d->peers_name);
        for (size_t j = 0; j < value_count(ports); j++)
            check_policy_port(c, PATH_I(&ports_at, j), value_item(ports, j));
        for (size_t j = 0; j < value_count(peers); j++)
            check_peer(c, PATH_I(&peers_at, j), value_item(peers, j), existing);
    }
}

static void check_types(struct causes *c, const struct path *at, const struct value *types)
{
    static const char *const known[] = {"Ingress", "Egress", NULL};
    if (value_count(types) > 2) {
        causes_invalid_shown(c, at, shown_list(c->arena, types), "may not specify more than two policyTypes");
        return;
    }
    for (size_t i = 0; i < value_count(types); i++)
        check_enum(c, PATH_I(at, i), value_item(types, i), known, false);
}

/* Calls fn with each ipBlock there is. */
static void each_block(const struct value *spec,
                       void (*fn)(void *ctx, const struct path *at, const struct value *block), void *ctx)
{
    struct path spec_at = path_field(NULL, "spec");
    for (size_t d = 0; d < 2; d++) {
        const struct value *rules = value_at(spec, directions[d].rules);
        struct path at = path_field(&spec_at, directions[d].name);
        for (size_t i = 0; i < value_count(rules); i++) {
            const struct value *peers = value_at(value_item(rules, i), directions[d].peers);
            struct path rule_at = path_index(&at, i),
                        peers_at = path_field(&rule_at, directions[d].peers_name);
            for (size_t j = 0; j < value_count(peers); j++) {
                const struct value *block =
                    value_at(value_item(peers, j), networking_v1_NetworkPolicyPeer_ipBlock);
                if (value_is_set(block))
                    fn(ctx, PATH(PATH_I(&peers_at, j), "ipBlock"), block);
            }
        }
    }
}

struct known {
    struct arena *arena;
    struct value list;
};

static void remember(void *ctx, const struct path *at, const struct value *block)
{
    struct known *known = ctx;
    *value_append(known->arena, &known->list) = *value_at(block, networking_v1_IPBlock_cidr);
    for (VALUE_EACH(except, value_at(block, networking_v1_IPBlock_except)))
        *value_append(known->arena, &known->list) = *except;
}

static void require_cidr(void *ctx, const struct path *at, const struct value *block)
{
    if (!value_text(value_at(block, networking_v1_IPBlock_cidr)).len)
        causes_required(ctx, PATH(at, "cidr"), "%s", "");
}

static void warn_block(void *ctx, const struct path *at, const struct value *block)
{
    const struct value *except = value_at(block, networking_v1_IPBlock_except);
    struct path except_at = path_field(at, "except");
    warn_cidr(ctx, PATH(at, "cidr"), value_text(value_at(block, networking_v1_IPBlock_cidr)));
    for (size_t i = 0; i < value_count(except); i++)
        warn_cidr(ctx, PATH_I(&except_at, i), value_text(value_item(except, i)));
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path at = path_field(NULL, "spec");
    const struct value *spec = spec_of(object);
    struct known known = {req->arena, value_absent};
    if (old)
        each_block(spec_of(old), remember, &known);
    check_label_selector(req->causes, PATH(&at, "podSelector"),
                         value_at(spec, networking_v1_NetworkPolicySpec_podSelector));
    for (size_t d = 0; d < 2; d++)
        check_direction(req->causes, &at, spec, &directions[d], &known.list);
    check_types(req->causes, PATH(&at, "policyTypes"),
                value_at(spec, networking_v1_NetworkPolicySpec_policyTypes));
    each_block(spec, require_cidr, req->causes); /* last: from the schema upstream */
    each_block(spec, warn_block, req);
}

/* Name, Pod-Selector, Age. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = cell_text(
        label_selector_cell(arena, value_at(spec_of(object), networking_v1_NetworkPolicySpec_podSelector)));
    cells[2] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
}

const struct kind kind_networkpolicies = {
    .group = "networking.k8s.io",
    .resource = "networkpolicies",
    .counts_generation = true,
    .validate = validate,
    .row = row,
};
