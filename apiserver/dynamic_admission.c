#include "apiserver/dynamic_admission.h"

#include <pthread.h>
#include <stdlib.h>

#include "admission/hooks.h"
#include "admission/policy.h"
#include "apiserver/authz.h"
#include "apiserver/catalogue.h"
#include "apiserver/kinds/convert.h"
#include "apiserver/object.h"
#include "apiserver/webhook_call.h"
#include "base/alloc.h"
#include "openapi/default.h"
#include "openapi/gen/authentication_v1.h"
#include "storage/follow.h"

enum { MUTATING, VALIDATING, POLICY, BINDING, KINDS };

struct dynamic_admission {
    struct server *server;
    struct follower *follower;
    const struct schema_resource *resources[KINDS];
    atomic_bool stale; /* something has changed since the snapshots were made */
    atomic_bool any;
    pthread_mutex_t lock; /* of the snapshots, and of making them */
    struct admission_hooks *hooks;
    struct admission_policies *policies;
};

/* ---- the snapshots ---- */

static void on_change(void *arg, const struct follow_change *change)
{
    (void)change;
    atomic_store(&((struct dynamic_admission *)arg)->stale, true);
}

static void on_reset(void *arg)
{
    atomic_store(&((struct dynamic_admission *)arg)->stale, true);
}

struct dynamic_admission *dynamic_admission_new(struct server *server, struct error *err)
{
    static const char *const names[KINDS] = {
        [MUTATING] = "mutatingwebhookconfigurations",
        [VALIDATING] = "validatingwebhookconfigurations",
        [POLICY] = "validatingadmissionpolicies",
        [BINDING] = "validatingadmissionpolicybindings",
    };
    struct dynamic_admission *d = xcalloc(1, sizeof *d);
    struct slice prefixes[KINDS];
    cleanup_arena struct arena *arena = arena_new();
    d->server = server;
    d->hooks = admission_hooks_new();
    d->policies = admission_policies_new();
    pthread_mutex_init(&d->lock, NULL);
    for (int i = 0; i < KINDS; i++) {
        d->resources[i] =
            schema_find_resource(SLICE("admissionregistration.k8s.io"), SLICE("v1"), slice_str(names[i]));
        prefixes[i] = object_prefix(arena, d->resources[i], SLICE(""));
    }
    struct follow_config config = {
        .prefixes = prefixes, .count = KINDS, .changed = on_change, .reset = on_reset, .arg = d};
    d->follower = follower_new(server->store, server->hub, &config, err);
    if (!error_is_set(err))
        return d;
    dynamic_admission_stop(d);
    dynamic_admission_free(d);
    return NULL;
}

void dynamic_admission_stop(struct dynamic_admission *d)
{
    if (d)
        follower_stop(d->follower);
}

void dynamic_admission_free(struct dynamic_admission *d)
{
    if (!d)
        return;
    follower_free(d->follower);
    admission_hooks_unref(d->hooks);
    admission_policies_unref(d->policies);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

struct gathering {
    struct dynamic_admission *dynamic;
    struct arena *arena;
    struct admission_hooks *hooks;
    struct admission_policies *policies;
    int kind;
};

static bool gather(void *arg, const struct store_record *record)
{
    struct gathering *g = arg;
    struct value object;
    if (!object_decode(g->arena, g->dynamic->resources[g->kind], record->value, false, &object, NULL))
        return true;
    if (g->kind == POLICY)
        admission_policies_add(g->policies, &object);
    else if (g->kind == BINDING) /* after all policies: kinds are read in their order */
        admission_policies_bind(g->policies, &object);
    else
        admission_hooks_add(g->hooks, g->kind == MUTATING, &object);
    return true;
}

/* Under the lock. A store that cannot be read leaves everything as it was, to be tried again. */
static void read_all(struct dynamic_admission *d)
{
    cleanup_store_read struct store_read *read = store_read_begin(d->server->store, 0, NULL);
    cleanup_arena struct arena *arena = arena_new();
    if (!read)
        return;
    atomic_store(&d->stale, false); /* before reading is over: what changes meanwhile is read again */
    struct gathering g = {d, arena, admission_hooks_new(), admission_policies_new(), 0};
    for (g.kind = 0; g.kind < KINDS; g.kind++)
        store_range(read,
                    &(struct store_range){.prefix = object_prefix(arena, d->resources[g.kind], SLICE("")),
                                          .each = gather,
                                          .arg = &g});
    admission_hooks_unref(d->hooks);
    admission_policies_unref(d->policies);
    d->hooks = g.hooks;
    d->policies = g.policies;
    atomic_store(&d->any, g.hooks->mutating.count || g.hooks->validating.count || g.policies->count);
}

static void refresh(struct dynamic_admission *d)
{
    follower_sync(d->follower);
    if (!atomic_load(&d->stale))
        return;
    pthread_mutex_lock(&d->lock);
    if (atomic_load(&d->stale))
        read_all(d);
    pthread_mutex_unlock(&d->lock);
}

bool dynamic_admission_any(struct dynamic_admission *d)
{
    refresh(d);
    return atomic_load(&d->any);
}

static void unpin_hooks(void *hooks)
{
    admission_hooks_unref(hooks);
}

static void unpin_policies(void *policies)
{
    admission_policies_unref(policies);
}

/* As long as the request's arena. */
static void pin(struct dynamic_admission *d, struct arena *arena, struct admission_services *services)
{
    pthread_mutex_lock(&d->lock);
    struct admission_hooks *hooks = admission_hooks_ref(d->hooks);
    struct admission_policies *policies = admission_policies_ref(d->policies);
    pthread_mutex_unlock(&d->lock);
    arena_on_free(arena, unpin_hooks, hooks);
    arena_on_free(arena, unpin_policies, policies);
    services->hooks = hooks;
    services->policies = policies;
}

/* ---- what admission asks ---- */

static const struct schema_resource *stored_of(const struct schema_resource *resource)
{
    return resource->storage ? resource->storage : resource;
}

static const struct schema_resource *equivalent(void *arg, const struct schema_resource *resource, size_t i)
{
    struct discovery_list list = catalogue_list(request_catalogue(arg));
    for (size_t g = 0; g < list.count; g++) {
        for (size_t r = 0; r < list.items[g]->resource_count; r++) {
            const struct schema_resource *other = list.items[g]->resources[r];
            if (other != resource && stored_of(other) == stored_of(resource) && i-- == 0)
                return other;
        }
    }
    return NULL;
}

static bool convert_object(void *arg, struct arena *arena, const struct value *object,
                           const struct schema_resource *from, const struct schema_resource *to,
                           struct value *ret, struct error *err)
{
    (void)arg;
    *ret = *object;
    if (from == to)
        return true;
    if (!convert(arena, from, to, object, ret, err))
        return false;
    default_object(arena, ret);
    return true;
}

static struct value user_info(void *arg, struct arena *arena)
{
    struct request *req = arg;
    struct value info = value_new_record(arena, &authentication_v1_UserInfo);
    user_put(arena, &info, &req->user);
    return info;
}

static struct slice options(void *arg, struct arena *arena, enum admission_operation operation)
{
    struct request *req = arg;
    static const char *const validations[] = {
        [FIELDS_WARN] = "Warn", [FIELDS_STRICT] = "Strict", [FIELDS_IGNORE] = "Ignore"};
    bool patch = req->verb == VERB_PATCH;
    const char *kind = operation == ADMISSION_DELETE   ? "DeleteOptions"
                       : operation == ADMISSION_CREATE ? (patch ? "PatchOptions" : "CreateOptions")
                       : patch                         ? "PatchOptions"
                                                       : "UpdateOptions";
    cleanup_buf struct buf out = BUF_INIT(4096);
    buf_printf(&out, "{\"kind\":\"%s\",\"apiVersion\":\"meta.k8s.io/v1\"", kind);
    if (req->write.dry_run)
        buf_puts(&out, ",\"dryRun\":[\"All\"]");
    if (operation != ADMISSION_DELETE) {
        if (req->write.manager.len) {
            buf_puts(&out, ",\"fieldManager\":");
            buf_put_json_string(&out, req->write.manager);
        }
        if (query_get(&req->query, "fieldValidation").len)
            buf_printf(&out, ",\"fieldValidation\":\"%s\"", validations[req->write.validation]);
    }
    buf_putc(&out, '}');
    return arena_dup(arena, buf_slice(&out));
}

static void call(void *arg, struct arena *arena, struct admission_call *calls, size_t count)
{
    struct request *req = arg;
    webhook_call_all(req->server, arena, calls, count);
}

static const struct schema_resource *find_kind(void *arg, struct slice api_version, struct slice kind)
{
    long slash = slice_find(api_version, '/');
    struct slice group = slash < 0 ? SLICE("") : slice_make(api_version.ptr, (size_t)slash);
    struct slice version = slash < 0 ? api_version : slice_from(api_version, (size_t)slash + 1);
    return catalogue_find_kind(request_catalogue(arg), group, version, kind);
}

static struct cel_decision check_right(void *context, const struct cel_check *check)
{
    struct request *req = context;
    struct user account = {0};
    struct slice groups[] = {SLICE(GROUP_SERVICE_ACCOUNTS), SLICE(""), SLICE(GROUP_AUTHENTICATED)};
    if (check->service_account_name.len) {
        groups[1] = arena_slicef(req->arena, GROUP_SERVICE_ACCOUNTS ":%.*s",
                                 SLICE_ARG(check->service_account_namespace));
        account.name =
            arena_slicef(req->arena, USER_SERVICE_ACCOUNT "%.*s:%.*s",
                         SLICE_ARG(check->service_account_namespace), SLICE_ARG(check->service_account_name));
        account.groups = groups;
        account.group_count = 3;
    }
    struct authz_attributes a = {
        .user = check->service_account_name.len ? &account : &req->user,
        .verb = arena_strdup(req->arena, check->verb),
        .is_resource = check->is_resource,
        .path = check->path,
        .group = check->group,
        .version = SLICE("*"),
        .resource = check->resource,
        .subresource = check->subresource,
        .namespace = check->namespace,
        .name = check->name,
    };
    struct authz_answer answer = authz_decide(req->server->authz, &a, req->arena);
    return (struct cel_decision){.allowed = answer.decision == AUTHZ_ALLOW,
                                 .reason = slice_str(answer.reason)};
}

static const struct cel_authorizer authorizer = {check_right};

const struct admission_services *dynamic_admission_services(struct request *req)
{
    if (!dynamic_admission_any(req->server->dynamic_admission))
        return NULL;
    struct admission_services *services = arena_alloc(req->arena, sizeof *services);
    *services = (struct admission_services){
        .equivalent = equivalent,
        .convert = convert_object,
        .user_info = user_info,
        .options = options,
        .call = call,
        .find_kind = find_kind,
        .authorizer = &authorizer,
        .arg = req,
    };
    pin(req->server->dynamic_admission, req->arena, services);
    return services;
}
