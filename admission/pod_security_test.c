/* The Pod Security Standards: what each level and version finds in a pod. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "admission/pod_security.h"
#include "openapi/decode.h"
#include "openapi/gen/core_v1.h"

#define GOOD_CONTAINER                                                                                       \
    "{\"name\":\"c\",\"securityContext\":{\"allowPrivilegeEscalation\":false,\"capabilities\":{\"drop\":["   \
    "\"ALL\"]}}}"
#define GOOD_POD                                                                                             \
    "\"securityContext\":{\"runAsNonRoot\":true,\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}"

static const struct {
    enum pod_security_level level;
    int minor;
    const char *pod, *details; /* "" : allowed */
} cases[] = {
    {POD_SECURITY_PRIVILEGED, POD_SECURITY_LATEST,
     "{\"spec\":{\"hostPID\":true,\"containers\":[{\"name\":\"c\"}]}}", ""},
    {POD_SECURITY_BASELINE, POD_SECURITY_LATEST, "{\"spec\":{\"containers\":[{\"name\":\"c\"}]}}", ""},
    {POD_SECURITY_RESTRICTED, POD_SECURITY_LATEST,
     "{\"spec\":{" GOOD_POD ",\"containers\":[" GOOD_CONTAINER "]}}", ""},
    {POD_SECURITY_BASELINE, POD_SECURITY_LATEST,
     "{\"spec\":{\"hostNetwork\":true,\"hostIPC\":true,\"containers\":[{\"name\":\"a\",\"securityContext\":{"
     "\"privileged\":true}},{\"name\":\"b\",\"securityContext\":{\"privileged\":true}}]}}",
     "host namespaces (hostNetwork=true, hostIPC=true), privileged (containers \"a\", \"b\" must not set "
     "securityContext.privileged=true)"},
    {POD_SECURITY_BASELINE, POD_SECURITY_LATEST,
     "{\"spec\":{\"containers\":[{\"name\":\"c\",\"ports\":[{\"hostPort\":90},{\"hostPort\":443}]}]}}",
     "hostPort (container \"c\" uses hostPorts 443, 90)"},
    {POD_SECURITY_BASELINE, POD_SECURITY_LATEST,
     "{\"spec\":{\"containers\":[{\"name\":\"c\",\"securityContext\":{\"capabilities\":{\"add\":[\"SYS_"
     "ADMIN\","
     "\"CHOWN\",\"NET_RAW\"]}}}]}}",
     "non-default capabilities (container \"c\" must not include \"NET_RAW\", \"SYS_ADMIN\" in "
     "securityContext.capabilities.add)"},
    {POD_SECURITY_BASELINE, POD_SECURITY_LATEST,
     "{\"spec\":{\"volumes\":[{\"name\":\"v\",\"hostPath\":{\"path\":\"/"
     "\"}}],\"containers\":[{\"name\":\"c\"}]}}",
     "hostPath volumes (volume \"v\")"},
    {POD_SECURITY_BASELINE, 33,
     "{\"spec\":{\"containers\":[{\"name\":\"c\",\"livenessProbe\":{\"httpGet\":{\"host\":\"h\"}}}]}}", ""},
    {POD_SECURITY_BASELINE, 34,
     "{\"spec\":{\"containers\":[{\"name\":\"c\",\"livenessProbe\":{\"httpGet\":{\"host\":\"h\"}}}]}}",
     "probe or lifecycle host (container \"c\" uses probe or lifecycle host \"h\")"},
    {POD_SECURITY_BASELINE, 18,
     "{\"metadata\":{\"annotations\":{\"seccomp.security.alpha.kubernetes.io/"
     "pod\":\"unconfined\"}},\"spec\":{"
     "\"containers\":[{\"name\":\"c\"}]}}",
     "seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod=\"unconfined\")"},
    {POD_SECURITY_BASELINE, 19,
     "{\"metadata\":{\"annotations\":{\"seccomp.security.alpha.kubernetes.io/"
     "pod\":\"unconfined\"}},\"spec\":{"
     "\"containers\":[{\"name\":\"c\"}]}}",
     ""},
    {POD_SECURITY_BASELINE, POD_SECURITY_LATEST,
     "{\"metadata\":{\"annotations\":{\"container.apparmor.security.beta.kubernetes.io/"
     "c\":\"unconfined\"}},\"spec\":{"
     "\"securityContext\":{\"appArmorProfile\":{\"type\":\"Unconfined\"}},\"containers\":[{\"name\":\"c\"}]}"
     "}",
     "forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to \"Unconfined\", "
     "\"container.apparmor.security.beta.kubernetes.io/c=\"unconfined\"\")"},
    {POD_SECURITY_BASELINE, 30,
     "{\"spec\":{\"securityContext\":{\"seLinuxOptions\":{\"type\":\"container_engine_t\",\"user\":\"u\"}},"
     "\"containers\":[{\"name\":\"c\"}]}}",
     "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type \"container_engine_t\"; user "
     "may not be "
     "set)"},
    {POD_SECURITY_BASELINE, 28,
     "{\"spec\":{\"securityContext\":{\"sysctls\":[{\"name\":\"net.ipv4.tcp_fin_timeout\"}]},\"containers\":["
     "{"
     "\"name\":\"c\"}]}}",
     "forbidden sysctls (net.ipv4.tcp_fin_timeout)"},
    {POD_SECURITY_RESTRICTED, POD_SECURITY_LATEST, "{\"spec\":{\"containers\":[{\"name\":\"c\"}]}}",
     "allowPrivilegeEscalation != false (container \"c\" must set "
     "securityContext.allowPrivilegeEscalation=false), "
     "unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]), "
     "runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true), "
     "seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to "
     "\"RuntimeDefault\" or "
     "\"Localhost\")"},
    {POD_SECURITY_RESTRICTED, 7, "{\"spec\":{" GOOD_POD ",\"containers\":[{\"name\":\"c\"}]}}", ""},
    {POD_SECURITY_RESTRICTED, POD_SECURITY_LATEST,
     "{\"spec\":{" GOOD_POD
     ",\"volumes\":[{\"name\":\"n\",\"nfs\":{\"path\":\"/\"}},{\"name\":\"h\",\"hostPath\":{"
     "\"path\":\"/\"}},{\"name\":\"e\",\"emptyDir\":{}}],\"containers\":[" GOOD_CONTAINER "]}}",
     "restricted volume types (volumes \"n\", \"h\" use restricted volume types \"hostPath\", \"nfs\")"},
    {POD_SECURITY_RESTRICTED, 34,
     "{\"spec\":{\"hostUsers\":false,\"securityContext\":{\"runAsUser\":0,\"runAsNonRoot\":true,"
     "\"seccompProfile\":{"
     "\"type\":\"RuntimeDefault\"}},\"containers\":[" GOOD_CONTAINER "]}}",
     "runAsUser=0 (pod must not set runAsUser=0)"},
    {POD_SECURITY_RESTRICTED, 35,
     "{\"spec\":{\"hostUsers\":false,\"securityContext\":{\"runAsUser\":0,\"seccompProfile\":{\"type\":"
     "\"RuntimeDefault\"}},\"containers\":[" GOOD_CONTAINER "]}}",
     ""},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct error err = ERROR_INIT;
        struct value pod;
        assert_true(decode_json(arena, &core_v1_Pod, slice_str(cases[i].pod), &pod, NULL, &err));
        struct pod_security_verdict verdict =
            pod_security_evaluate(arena, (struct pod_security_policy){cases[i].level, cases[i].minor},
                                  value_at(&pod, core_v1_Pod_metadata), value_at(&pod, core_v1_Pod_spec));
        assert_string_equal(arena_strdup(arena, verdict.details), cases[i].details);
        assert_int_equal(verdict.allowed, !*cases[i].details);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
