#include "apiserver/kinds/ip.h"
#include "apiserver/kinds/rule_cases.h"
#include "apiserver/kinds/service_alloc.h"

#define SERVICE(spec) "{\"metadata\":{\"name\":\"s\",\"uid\":\"u\"},\"spec\":{" spec "}}"
#define HELD                                                                                                 \
    "\"clusterIP\":\"10.96.0.9\",\"clusterIPs\":[\"10.96.0.9\"],\"ipFamilies\":[\"IPv4\"],"                  \
    "\"ipFamilyPolicy\":\"SingleStack\""
#define PORT "\"ports\":[{\"port\":80}]"

static bool used_ip(void *ctx, uint32_t ip)
{
    return ip == (10u << 24 | 96 << 16 | 77);
}

static bool used_port(void *ctx, int port)
{
    return port == 30077;
}

static uint32_t first(void *ctx, uint32_t bound)
{
    return 0;
}

static const struct service_pool pool = {.cidr = {"10.96.0.0/16", 12},
                                         .node_port_first = 30000,
                                         .node_port_last = 32767,
                                         .ip_used = used_ip,
                                         .port_used = used_port,
                                         .random_below = first};

static bool allocate(struct kind_request *req, struct value *object, const struct value *old)
{
    struct service_claims claims;
    struct error err;
    error_init(&err, req->arena);
    if (service_allocate(req->arena, &pool, object, old, &claims, &err))
        return true;
    for (size_t i = 0; i < err.cause_count; i++)
        *(struct cause *)arena_push(req->arena, &req->causes->items, &req->causes->count,
                                    &req->causes->capacity, sizeof(struct cause)) = err.causes[i];
    return false;
}

#define S(title, spec, old, ...)                                                                             \
    {                                                                                                        \
        title, "v1/services", "", SERVICE(spec), old, {__VA_ARGS__}, allocate                                \
    }
#define N(title, resource, body, old, ...)                                                                   \
    {                                                                                                        \
        title, resource, "", body, old, {__VA_ARGS__}, NULL                                                  \
    }
#define INGRESS(spec) "{\"metadata\":{\"name\":\"i\"},\"spec\":{" spec "}}"
#define PATHS(path)   INGRESS("\"rules\":[{\"http\":{\"paths\":[{" path "}]}}]")
#define BACKEND       "\"backend\":{\"service\":{\"name\":\"s\",\"port\":{\"number\":80}}}"

static const struct rule_case cases[] = {
    S("a good service", PORT, NULL, NULL),
    S("no ports", "", NULL, "spec.ports: Required value"),
    S("port 0", "\"ports\":[{\"port\":0}]", NULL,
      "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
      "spec.ports[0].targetPort: Invalid value: 0"),
    S("nameless ports", "\"ports\":[{\"port\":80},{\"port\":81}]", NULL, "spec.ports[0].name: Required",
      "spec.ports[1].name: Required"),
    S("one name twice", "\"ports\":[{\"name\":\"a\",\"port\":80},{\"name\":\"a\",\"port\":81}]", NULL,
      "spec.ports[1].name: Duplicate value: \"a\""),
    S("one port twice", "\"ports\":[{\"name\":\"a\",\"port\":80},{\"name\":\"b\",\"port\":80}]", NULL,
      "spec.ports[1]: Duplicate value: "
      "{\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,\"Port\":80,\"TargetPort\":0,\"NodePort\":"
      "0}"),
    S("an odd type", "\"type\":\"Magic\"," PORT, NULL, "spec.type: Unsupported value: \"Magic\""),
    S("a node port inside", "\"ports\":[{\"port\":80,\"nodePort\":30100}]", NULL,
      "spec.ports[0].nodePort: Forbidden: may not be used"),
    S("a node port below the range", "\"type\":\"NodePort\",\"ports\":[{\"port\":80,\"nodePort\":100}]", NULL,
      "spec.ports[0].nodePort: Invalid value: 100: provided port is not in the valid range. The range of "
      "valid ports is 30000-32767"),
    S("a node port of another", "\"type\":\"NodePort\",\"ports\":[{\"port\":80,\"nodePort\":30077}]", NULL,
      "spec.ports[0].nodePort: Invalid value: 30077: provided port is already allocated"),
    S("an address elsewhere", "\"clusterIP\":\"192.0.2.200\"," PORT, NULL,
      "spec.clusterIPs: Invalid value: [\"192.0.2.200\"]: failed to allocate IP 192.0.2.200: the provided IP "
      "(192.0.2.200) is not in the valid "
      "range. The range of valid IPs is 10.96.0.0/16"),
    S("an address of another", "\"clusterIP\":\"10.96.0.77\"," PORT, NULL,
      "spec.clusterIPs: Invalid value: [\"10.96.0.77\"]: failed to allocate IP 10.96.0.77: provided IP is "
      "already allocated"),
    S("no address", "\"clusterIP\":\"words\"," PORT, NULL,
      "spec.clusterIPs[0]: Invalid value: \"words\": must be a valid IP address"),
    S("leading zeros", "\"clusterIP\":\"10.96.0.010\"," PORT, NULL,
      "spec.clusterIPs[0]: Invalid value: \"10.96.0.010\": must not have leading 0s"),
    S("no name elsewhere", "\"type\":\"ExternalName\"", NULL, "spec.externalName: Required value"),
    S("headless node ports", "\"type\":\"NodePort\",\"clusterIP\":\"None\"," PORT, NULL,
      "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"),
    S("IPv6", "\"ipFamilies\":[\"IPv6\"]," PORT, NULL,
      "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster"),
    S("two families", "\"ipFamilyPolicy\":\"RequireDualStack\"," PORT, NULL,
      "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\""),
    S("traffic from outside", "\"externalTrafficPolicy\":\"Local\"," PORT, NULL,
      "spec.externalTrafficPolicy: Invalid value: \"Local\""),
    S("loopback outside", "\"externalIPs\":[\"127.0.0.1\"]," PORT, NULL,
      "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback"),
    S("sticky", "\"sessionAffinity\":\"Sticky\"," PORT, NULL,
      "spec.sessionAffinity: Unsupported value: \"Sticky\": supported values: \"ClientIP\", \"None\""),
    S("affinity too long",
      "\"sessionAffinity\":\"ClientIP\",\"sessionAffinityConfig\":{\"clientIP\":{\"timeoutSeconds\":86401}}"
      "," PORT,
      NULL, "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401"),
    S("ranges without a balancer", "\"loadBalancerSourceRanges\":[\"10.0.0.1/24\"]," PORT, NULL,
      "spec.LoadBalancerSourceRanges: Forbidden",
      "spec.LoadBalancerSourceRanges[0]: Invalid value: \"10.0.0.1/24\": must not have bits set"),
    S("distribution", "\"trafficDistribution\":\"Far\"," PORT, NULL,
      "spec.trafficDistribution: Unsupported value: \"Far\": supported values: \"PreferClose\", "
      "\"PreferSameZone\", \"PreferSameNode\""),
    S("another address later", "\"clusterIP\":\"10.96.0.10\",\"clusterIPs\":[\"10.96.0.9\"]," PORT,
      SERVICE(HELD "," PORT), "spec.clusterIPs[0]: Invalid value: [\"10.96.0.10\"]: may not change once set"),
    S("nothing said later", PORT, SERVICE(HELD "," PORT), NULL),
    S("to a name elsewhere", "\"type\":\"ExternalName\",\"externalName\":\"x.test\"," HELD "," PORT,
      SERVICE(HELD "," PORT), NULL),

    N("no rules", "networking.k8s.io/v1/ingresses", INGRESS(""), NULL,
      "spec: Invalid value: null: either `defaultBackend` or `rules`"),
    N("a relative path", "networking.k8s.io/v1/ingresses",
      PATHS("\"path\":\"x\",\"pathType\":\"Prefix\"," BACKEND), NULL,
      "spec.rules[0].http.paths[0].path: Invalid value: \"x\": must be an absolute path"),
    N("dots in a path", "networking.k8s.io/v1/ingresses",
      PATHS("\"path\":\"/a//b/..\",\"pathType\":\"Exact\"," BACKEND), NULL,
      "spec.rules[0].http.paths[0].path: Invalid value: \"/a//b/..\": must not contain '//'",
      "spec.rules[0].http.paths[0].path: Invalid value: \"/a//b/..\": cannot end with '/..'"),
    N("no path type", "networking.k8s.io/v1/ingresses", PATHS("\"path\":\"/\"," BACKEND), NULL,
      "spec.rules[0].http.paths[0].pathType: Required value"),
    N("an odd path type, no backend", "networking.k8s.io/v1/ingresses",
      PATHS("\"path\":\"/\",\"pathType\":\"Odd\",\"backend\":{}"), NULL,
      "spec.rules[0].http.paths[0].pathType: Unsupported value: \"Odd\": supported values: \"Exact\", "
      "\"ImplementationSpecific\", \"Prefix\"",
      "spec.rules[0].http.paths[0].backend: Invalid value: \"\": resource or service backend is required"),
    N("peers and ports", "networking.k8s.io/v1/networkpolicies",
      "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"policyTypes\":[\"Up\"],\"ingress\":[{\"from\":[{},{"
      "\"ipBlock\":{\"cidr\":\"nope\"}},{\"ipBlock\":{}}],"
      "\"ports\":[{\"port\":99999},{\"port\":10,\"endPort\":5},{\"port\":\"web\",\"endPort\":5}]}]}}",
      NULL, "spec.ingress[0].ports[0].port: Invalid value: 99999",
      "spec.ingress[0].ports[1].endPort: Invalid value: 5: must be greater",
      "spec.ingress[0].ports[2].endPort: Invalid value: 5: may not be specified when `port` is non-numeric",
      "spec.ingress[0].from[0]: Required value: must specify a peer",
      "spec.ingress[0].from[1].ipBlock.cidr: Invalid value: \"nope\"",
      "spec.policyTypes[0]: Unsupported value: \"Up\"",
      "spec.ingress[0].from[2].ipBlock.cidr: Required value"),
    N("a slice", "discovery.k8s.io/v1/endpointslices",
      "{\"metadata\":{\"name\":\"e\"},\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"2001:db8::"
      "1\"]},{\"addresses\":[]}],"
      "\"ports\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
      NULL, "ports[1].name: Duplicate value: \"a\"",
      "endpoints[0].addresses: Invalid value: \"2001:db8::1\": must be an IPv4 address",
      "endpoints[1].addresses: Required value"),
    N("endpoints", "v1/endpoints",
      "{\"metadata\":{\"name\":\"e\"},\"subsets\":[{\"addresses\":[{\"ip\":\"127.0.0.1\"}],\"ports\":[{"
      "\"port\":0}]},{}]}",
      NULL, "subsets[0].addresses[0].ip: Invalid value: \"127.0.0.1\": may not be in the loopback",
      "subsets[0].ports[0].port: Invalid value: 0", "subsets[1]: Required value"),
    N("a class", "networking.k8s.io/v1/ingressclasses",
      "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"controller\":\"bad controller\"}}", NULL,
      "spec.controller: Invalid value: \"bad controller\": must be a domain-prefixed path"),
    N("a CIDR", "networking.k8s.io/v1/servicecidrs",
      "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"cidrs\":[\"10.1.0.0/16\",\"10.2.0.0/16\"]}}", NULL,
      "spec.cidrs: Invalid value: [\"10.1.0.0/16\",\"10.2.0.0/16\"]"),
    N("an address", "networking.k8s.io/v1/ipaddresses",
      "{\"metadata\":{\"name\":\"2001:db8::0\"},\"spec\":{\"parentRef\":{\"name\":\"s\"}}}", NULL,
      "metadata.name: Invalid value: \"2001:db8::0\": must be in canonical form (\"2001:db8::\")",
      "spec.parentRef.resource: Required value"),
    N("a lease", "coordination.k8s.io/v1/leases",
      "{\"metadata\":{\"name\":\"l\"},\"spec\":{\"leaseDurationSeconds\":0,\"leaseTransitions\":-1}}", NULL,
      "spec.leaseDurationSeconds: Invalid value: 0", "spec.leaseTransitions: Invalid value: -1"),
};

static void test_rules(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        rule_check(kinds_networking, &cases[i]);
}

struct allocation_row {
    const char *title, *spec, *old;
    const char *ip; /* clusterIP afterwards */
    uint32_t take, release;
    int take_port, release_port; /* the first; 0: none */
};

static void check_allocation(const struct allocation_row *row)
{
    cleanup_arena struct arena *arena = arena_new();
    const struct schema_resource *services = rule_resource("v1/services");
    struct value object = rule_decode(arena, services, row->spec),
                 old = row->old ? rule_decode(arena, services, row->old) : value_absent;
    struct service_claims claims;
    struct error err;
    error_init(&err, arena);
    if (!service_allocate(arena, &pool, &object, row->old ? &old : NULL, &claims, &err))
        fail_msg("%s: %s", row->title, err.message);
    struct slice ip = value_text(value_path(&object, "spec.clusterIP"));
    int take = claims.take_count ? claims.take_ports[0] : 0,
        release = claims.release_count ? claims.release_ports[0] : 0;
    if (!slice_is(ip, row->ip) || claims.take_ip != row->take || claims.release_ip != row->release ||
        take != row->take_port || release != row->release_port)
        fail_msg("%s\n  want: %s take %u %d release %u %d\n  have: %.*s take %u %d release %u %d", row->title,
                 row->ip, row->take, row->take_port, row->release, row->release_port, SLICE_ARG(ip),
                 claims.take_ip, take, claims.release_ip, release);
}

static void test_allocation(void **state)
{
    const uint32_t net = 10u << 24 | 96 << 16;
    /* The low bands (256 addresses, 86 ports) are passed over. */
    const struct allocation_row rows[] = {
        {"new", SERVICE(PORT), NULL, "10.96.1.1", net + 257, 0, 0, 0},
        {"asked for", SERVICE("\"clusterIP\":\"10.96.0.5\"," PORT), NULL, "10.96.0.5", net + 5, 0, 0, 0},
        {"headless", SERVICE("\"clusterIP\":\"None\"," PORT), NULL, "None", 0, 0, 0, 0},
        {"node port", SERVICE("\"type\":\"NodePort\"," PORT), NULL, "10.96.1.1", net + 257, 0, 30086, 0},
        {"kept", SERVICE(PORT), SERVICE(HELD "," PORT), "10.96.0.9", 0, 0, 0, 0},
        {"to node ports", SERVICE("\"type\":\"NodePort\"," PORT), SERVICE(HELD "," PORT), "10.96.0.9", 0, 0,
         30086, 0},
        {"from node ports", SERVICE(PORT),
         SERVICE(HELD ",\"type\":\"NodePort\",\"ports\":[{\"port\":80,\"nodePort\":30200}]"), "10.96.0.9", 0,
         0, 0, 30200},
        {"node port kept by its name", SERVICE("\"type\":\"NodePort\"," PORT),
         SERVICE(HELD ",\"type\":\"NodePort\",\"ports\":[{\"port\":80,\"nodePort\":30200}]"), "10.96.0.9", 0,
         0, 0, 0},
        {"to a name", SERVICE("\"type\":\"ExternalName\",\"externalName\":\"x\"," HELD),
         SERVICE(HELD "," PORT), "10.96.0.9", 0, net + 9, 0, 0},
        {"from a name", SERVICE(PORT), SERVICE("\"type\":\"ExternalName\",\"externalName\":\"x\""),
         "10.96.1.1", net + 257, 0, 0, 0},
        {"health check",
         SERVICE("\"type\":\"LoadBalancer\",\"allocateLoadBalancerNodePorts\":false,"
                 "\"externalTrafficPolicy\":\"Local\"," PORT),
         SERVICE(HELD "," PORT), "10.96.0.9", 0, 0, 30086, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_allocation(&rows[i]);
}

static void test_full_range(void **state)
{
    cleanup_arena struct arena *arena = arena_new();
    struct service_pool small = pool;
    struct value object = rule_decode(arena, rule_resource("v1/services"), SERVICE(PORT));
    struct service_claims claims;
    struct error err;
    error_init(&err, arena);
    small.cidr = SLICE("10.96.0.76/30"); /* usable: .77, which is taken, and .78 */
    assert_true(service_allocate(arena, &small, &object, NULL, &claims, &err));
    assert_true(value_is(value_path(&object, "spec.clusterIP"), "10.96.0.78"));
    object = rule_decode(arena, rule_resource("v1/services"), SERVICE(PORT));
    small.cidr = SLICE("10.96.0.77/32");
    assert_false(service_allocate(arena, &small, &object, NULL, &claims, &err));
    assert_int_equal(err.reason, REASON_INTERNAL);
}

static void test_bands(void **state)
{
    assert_int_equal(service_band(65536, 16, 256), 256);
    assert_int_equal(service_band(2768, 32, 128), 86);
    assert_int_equal(service_band(64, 16, 256), 16);
    assert_int_equal(service_band(16, 16, 256), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules), cmocka_unit_test(test_allocation),
                                       cmocka_unit_test(test_full_range), cmocka_unit_test(test_bands)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
