#include "admission/admission.h"

#include "admission/hooks.h"
#include "admission/policy.h"

/*
 * The order is upstream's (pkg/kubeapiserver/options/plugins.go): what sets values that others look at comes
 * first. A plugin that is not here is named in docs/compatibility.md.
 */
static const struct admission_plugin *const chain[] = {
    &admission_namespace_lifecycle,
    &admission_limit_ranger,
    &admission_service_account,
    &admission_node_restriction,
    &admission_node_taints,
    &admission_pod_security,
    &admission_priority, /* before anything that ranks pods */
    &admission_system_priority_classes,
    &admission_default_tolerations,
    &admission_default_storage_class,
    &admission_storage_in_use,
    &admission_claim_resize,
    &admission_runtime_class,
    &admission_certificate_approval,
    &admission_certificate_signing,
    &admission_trust_bundle_attest,
    &admission_certificate_subject,
    &admission_default_ingress_class,
    &admission_resource_quota, /* last: what is refused for another reason costs nothing */
};

enum { COUNT = sizeof chain / sizeof *chain };

static bool off[COUNT], configured; /* set before the first request, then only read */

static bool is_off(size_t i)
{
    return configured ? off[i] : chain[i]->off_by_default;
}

bool admission_is_on(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(chain[i]->name, name) == 0)
            return !is_off(i);
    return false;
}

static bool switch_list(const char *flag, const char *list, bool to_off, struct error *err)
{
    struct slice rest = list && *list ? slice_str(list) : (struct slice){0}, name;
    while (slice_split(&rest, ',', &name)) {
        bool found = false;
        for (size_t i = 0; i < COUNT; i++)
            if (slice_is(name, "*") || slice_is(name, chain[i]->name)) {
                off[i] = to_off;
                found = true;
            }
        if (!found && !to_off) /* what there is not is off already */
            return error_set(err, REASON_BAD_REQUEST, "%s: there is no admission plugin \"%.*s\"", flag,
                             SLICE_ARG(name));
    }
    return true;
}

bool admission_configure(const char *enable, const char *disable, struct error *err)
{
    for (size_t i = 0; i < COUNT; i++)
        off[i] = chain[i]->off_by_default;
    configured = true;
    return switch_list("--disable-admission-plugins", disable, true, err) &&
           switch_list("--enable-admission-plugins", enable, false, err);
}

static bool concerns(const struct admission_plugin *plugin, const struct schema_resource *resource,
                     unsigned operations)
{
    if (!(plugin->operations & operations))
        return false;
    return !plugin->resource ||
           (strcmp(plugin->resource, resource->name) == 0 && strcmp(plugin->group, resource->group) == 0);
}

static bool applies(const struct admission_plugin *plugin, const struct admission_request *req)
{
    return concerns(plugin, req->resource, req->operation);
}

bool admission_is_quick(const struct schema_resource *resource, unsigned operations)
{
    for (size_t i = 0; i < COUNT; i++)
        if (!is_off(i) && !chain[i]->quick && concerns(chain[i], resource, operations))
            return false;
    return true;
}

static bool mutate_built_in(struct admission_request *req, struct error *err)
{
    for (size_t i = 0; i < COUNT; i++)
        if (!is_off(i) && applies(chain[i], req) && chain[i]->mutate && !chain[i]->mutate(req, err))
            return false;
    return true;
}

/* Webhooks come after the built-in plugins. What they change, those see once more, and then the webhooks that
 * want to. */
bool admission_mutate(struct admission_request *req, struct error *err)
{
    struct admission_rounds *rounds = NULL;
    bool changed;
    if (!mutate_built_in(req, err) || !admission_hooks_mutate(req, &rounds, &changed, err))
        return false;
    return !changed || (mutate_built_in(req, err) && admission_hooks_mutate(req, &rounds, &changed, err));
}

bool admission_validate(struct admission_request *req, struct error *err)
{
    for (size_t i = 0; i < COUNT; i++)
        if (!is_off(i) && applies(chain[i], req) && chain[i]->validate && !chain[i]->validate(req, err))
            return false;
    return admission_policies_validate(req, err) && admission_hooks_validate(req, err);
}

bool admission_charge(struct admission_request *req, struct error *err)
{
    for (size_t i = 0; i < COUNT; i++)
        if (!is_off(i) && applies(chain[i], req) && chain[i]->charge && !chain[i]->charge(req, err))
            return false;
    return true;
}

bool admission_forbid(const struct admission_request *req, struct error *err, const char *fmt, ...)
{
    struct slice group = slice_str(req->resource->group), resource = slice_str(req->resource->name);
    va_list args;
    va_start(args, fmt);
    const char *why = arena_vprintf(req->arena, fmt, args);
    va_end(args);
    error_set(err, REASON_FORBIDDEN, "%s%s%s \"%.*s\" is forbidden: %s", req->resource->name,
              group.len ? "." : "", req->resource->group, SLICE_ARG(req->name), why);
    return error_about(err, group, resource, req->name);
}

void admission_warn(struct admission_request *req, const char *text)
{
    const char **slot = arena_push(req->arena, &req->warnings->items, &req->warnings->count,
                                   &req->warnings->capacity, sizeof *slot);
    *slot = text;
}
