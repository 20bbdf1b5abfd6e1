/*
 * subresource_token: serviceaccounts/token: makes a token for an account, for an audience, for a time, and
 * bound to a pod, node or secret. Nothing is stored. Source:
 * https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
 */
#include "admission/admission.h"
#include "apiserver/managed_fields.h"
#include "apiserver/authn.h"
#include "apiserver/authn/sa_claims.h"
#include "apiserver/auth_config.h"
#include "apiserver/authz_node.h"
#include "apiserver/output.h"
#include "apiserver/status.h"
#include "apiserver/subresource.h"
#include "base/clock.h"
#include "base/random.h"
#include "openapi/causes.h"
#include "openapi/gen/authentication_v1.h"
#include "openapi/gen/core_v1.h"

enum {
    MIN_SECONDS = 600,
    POD_SECONDS =
        3607, /* what the projected volumes ask for: extended, for old clients do not read it again */
    EXTENDED_SECONDS = 365 * 86400,
};

static const int64_t max_seconds = (int64_t)1 << 32;

struct token_request {
    struct request *req;
    struct value *object, *spec;
    struct value account;
    struct sa_claims claims;
};

static const struct schema_resource *core(const char *resource)
{
    return schema_find_resource(SLICE(""), SLICE("v1"), slice_str(resource));
}

static struct slice uid_of(const struct value *object)
{
    return object_text(object, meta_v1_ObjectMeta_uid);
}

static bool get(struct request *req, const char *resource, struct slice namespace, struct slice name,
                struct value *ret)
{
    return write_get_other(req->server, req->arena, core(resource), namespace, name, ret, NULL) ||
           status_not_found(&req->err, SLICE(""), slice_str(resource), name);
}

/* ---- checks ---- */

static bool check_meta(struct token_request *t)
{
    struct request *req = t->req;
    struct slice name = object_text(t->object, meta_v1_ObjectMeta_name), uid = uid_of(t->object);
    struct slice namespace = object_text(t->object, meta_v1_ObjectMeta_namespace);
    struct causes causes = {.arena = req->arena};
    struct path meta = path_field(NULL, "metadata");
    if (name.len && !slice_eq(name, req->info.name))
        causes_invalid_text(&causes, PATH(&meta, "name"), name,
                            "must match the service account name if specified");
    else if (namespace.len && !slice_eq(namespace, req->info.namespace))
        causes_invalid_text(&causes, PATH(&meta, "namespace"), namespace,
                            "must match the service account namespace if specified");
    if (!causes_to_error(&causes, "authentication.k8s.io", "TokenRequest", req->info.name, &req->err) ||
        !get(req, "serviceaccounts", req->info.namespace, req->info.name, &t->account))
        return false;
    if (uid.len && !slice_eq(uid, uid_of(&t->account)))
        return status_conflict(
            &req->err, SLICE("authentication.k8s.io"), SLICE("TokenRequest"), req->info.name,
            arena_printf(req->arena,
                         "the UID in the token request (%.*s) does not match the UID of the service "
                         "account (%.*s)",
                         SLICE_ARG(uid), SLICE_ARG(uid_of(&t->account))));
    return true;
}

static bool check_spec(struct token_request *t)
{
    struct causes causes = {.arena = t->req->arena};
    struct path spec = path_field(NULL, "spec");
    int64_t seconds = value_int(value_at(t->spec, authentication_v1_TokenRequestSpec_expirationSeconds), 0);
    const char *shown = arena_printf(t->req->arena, "%lld", (long long)seconds);
    if (seconds < MIN_SECONDS)
        causes_invalid_shown(&causes, PATH(&spec, "expirationSeconds"), shown,
                             "a token lives for 10 minutes at least");
    if (seconds > max_seconds)
        causes_invalid_shown(&causes, PATH(&spec, "expirationSeconds"), shown,
                             "a token lives for 2^32 seconds at most");
    if (value_count(value_at(t->spec, authentication_v1_TokenRequestSpec_attestations)))
        causes_invalid_shown(&causes, PATH(&spec, "attestations"), "{}",
                             "only a token that is bound to a webhook configuration may have attestations");
    return causes_to_error(&causes, "authentication.k8s.io", "TokenRequest", SLICE(""), &t->req->err);
}

/* ---- what the token is bound to ---- */

static bool bind_pod(struct token_request *t, struct slice name)
{
    struct request *req = t->req;
    struct value pod, node;
    if (!get(req, "pods", req->info.namespace, name, &pod))
        return false;
    const struct value *spec = value_at(&pod, core_v1_Pod_spec);
    if (!slice_eq(value_text(value_at(spec, core_v1_PodSpec_serviceAccountName)), req->info.name))
        return error_set(&req->err, REASON_BAD_REQUEST,
                         "cannot bind token for serviceaccount \"%.*s\" to pod running with different "
                         "serviceaccount name.",
                         SLICE_ARG(req->info.name));
    t->claims.has_pod = true;
    t->claims.text[SA_POD] = name;
    t->claims.text[SA_POD_UID] = uid_of(&pod);
    t->claims.text[SA_NODE] = value_text(value_at(spec, core_v1_PodSpec_nodeName));
    t->claims.has_node = t->claims.text[SA_NODE].len > 0;
    if (t->claims.has_node && write_get_other(req->server, req->arena, core("nodes"), SLICE(""),
                                              t->claims.text[SA_NODE], &node, NULL))
        t->claims.text[SA_NODE_UID] = uid_of(&node);
    return true;
}

/* A node asks for the pods that run on it only (NodeRestriction). */
static bool check_node_request(struct token_request *t)
{
    struct request *req = t->req;
    const struct value *ref = value_at(t->spec, authentication_v1_TokenRequestSpec_boundObjectRef);
    struct slice node;
    const char *why = NULL;
    if (!admission_is_on("NodeRestriction") || !node_name_of(&req->user, &node))
        return true;
    if (!value_is(value_at(ref, authentication_v1_BoundObjectReference_kind), "Pod"))
        why = "node requested token not bound to a pod";
    else if (!value_text(value_at(ref, authentication_v1_BoundObjectReference_uid)).len)
        why = "node requested token with a pod binding without a uid";
    else if (!slice_eq(t->claims.text[SA_NODE], node))
        why = "node requested token bound to a pod scheduled on a different node";
    return !why || status_forbidden(&req->err, SLICE(""), SLICE("serviceaccounts"), req->info.name, why);
}

static bool bind_node(struct token_request *t, struct slice name)
{
    struct value node;
    if (!get(t->req, "nodes", SLICE(""), name, &node))
        return false;
    t->claims.has_node = true;
    t->claims.text[SA_NODE] = name;
    t->claims.text[SA_NODE_UID] = uid_of(&node);
    return true;
}

static bool bind_secret(struct token_request *t, struct slice name)
{
    struct value secret;
    if (!get(t->req, "secrets", t->req->info.namespace, name, &secret))
        return false;
    t->claims.has_secret = true;
    t->claims.text[SA_SECRET] = name;
    t->claims.text[SA_SECRET_UID] = uid_of(&secret);
    return true;
}

static const struct {
    const char *kind;
    bool (*bind)(struct token_request *t, struct slice name);
    enum sa_text uid;
} bindable[] = {
    {"Pod", bind_pod, SA_POD_UID},
    {"Node", bind_node, SA_NODE_UID},
    {"Secret", bind_secret, SA_SECRET_UID},
};

static bool refuse_kind(struct request *req, struct slice api_version, struct slice kind)
{
    long slash = slice_find(api_version, '/');
    struct slice group = slash < 0 ? SLICE("") : slice_make(api_version.ptr, (size_t)slash);
    return error_set(&req->err, REASON_BAD_REQUEST,
                     "cannot bind token to object of type %.*s/%.*s, Kind=%.*s", SLICE_ARG(group),
                     SLICE_ARG(slice_from(api_version, (size_t)(slash + 1))), SLICE_ARG(kind));
}

static bool bind(struct token_request *t)
{
    struct request *req = t->req;
    const struct value *ref = value_at(t->spec, authentication_v1_TokenRequestSpec_boundObjectRef);
    struct slice kind = value_text(value_at(ref, authentication_v1_BoundObjectReference_kind));
    struct slice api_version = value_text(value_at(ref, authentication_v1_BoundObjectReference_apiVersion));
    struct slice name = value_text(value_at(ref, authentication_v1_BoundObjectReference_name));
    struct slice uid = value_text(value_at(ref, authentication_v1_BoundObjectReference_uid));
    if (!value_is_set(ref))
        return true;
    for (size_t i = 0; slice_find(api_version, '/') < 0 && i < sizeof bindable / sizeof *bindable; i++) {
        if (!slice_is(kind, bindable[i].kind))
            continue;
        if (!bindable[i].bind(t, name))
            return false;
        if (!uid.len || slice_eq(uid, t->claims.text[bindable[i].uid]))
            return true;
        return status_conflict(
            &req->err, SLICE(""), kind, name,
            arena_printf(req->arena,
                         "the UID in the bound object reference (%.*s) does not match the UID in record. "
                         "The object might have been deleted and then recreated",
                         SLICE_ARG(uid)));
    }
    return refuse_kind(req, api_version, kind);
}

/* ---- the token ---- */

static void fill_audiences(struct token_request *t)
{
    struct value *list = value_mut(t->spec, authentication_v1_TokenRequestSpec_audiences);
    struct authn_texts own = authn_audiences(t->req->server->authn);
    bool given = value_count(list) > 0;
    for (size_t i = 0; !given && i < own.count; i++)
        *value_append(t->req->arena, list) = value_of_string(own.items[i]);
    struct slice *audiences = arena_alloc(t->req->arena, (value_count(list) + 1) * sizeof *audiences);
    for (VALUE_EACH(item, list))
        audiences[t->claims.audience_count++] = value_text(item);
    t->claims.audiences = audiences;
}

/* Is every audience one of the server's? */
static bool is_for_server(const struct token_request *t)
{
    struct authn_texts own = authn_audiences(t->req->server->authn);
    for (size_t i = 0; i < t->claims.audience_count; i++) {
        bool found = false;
        for (size_t j = 0; j < own.count; j++)
            found |= slice_eq(own.items[j], t->claims.audiences[i]);
        if (!found)
            return false;
    }
    return true;
}

static void set_times(struct token_request *t, int64_t now)
{
    const struct auth_config *config = authn_config(t->req->server->authn);
    struct value *seconds = value_mut(t->spec, authentication_v1_TokenRequestSpec_expirationSeconds);
    if (config->sa_max_seconds && value_int(seconds, 0) > config->sa_max_seconds) {
        request_warn(t->req, "requested expiration of %lld seconds shortened to %lld seconds",
                     (long long)value_int(seconds, 0), (long long)config->sa_max_seconds);
        *seconds = value_of_int(config->sa_max_seconds);
    }
    int64_t asked = value_int(seconds, 0);
    t->claims.issued = t->claims.not_before = now;
    t->claims.expires = now + asked;
    if (config->sa_extend_expiration && t->claims.has_pod && asked == POD_SECONDS && is_for_server(t)) {
        t->claims.warn_after = now + asked;
        t->claims.expires = now + EXTENDED_SECONDS;
    }
}

static bool sign(struct token_request *t, struct slice *ret)
{
    struct request *req = t->req;
    struct authn *authn = req->server->authn;
    char *id = arena_bytes(req->arena, UUID_TEXT);
    random_uuid(id);
    t->claims.text[SA_ID] = slice_str(id);
    t->claims.text[SA_ISSUER] = slice_str(authn_issuer(authn));
    t->claims.text[SA_NAMESPACE] = req->info.namespace;
    t->claims.text[SA_NAME] = req->info.name;
    t->claims.text[SA_UID] = uid_of(&t->account);
    t->claims.text[SA_SUBJECT] = arena_slicef(req->arena, USER_SERVICE_ACCOUNT "%.*s:%.*s",
                                              SLICE_ARG(req->info.namespace), SLICE_ARG(req->info.name));
    cleanup_buf struct buf payload = BUF_INIT(BUF_UNLIMITED);
    sa_claims_write(&payload, &t->claims);
    return jwt_sign(req->arena, authn_signing_key(authn), buf_slice(&payload), ret) ||
           error_set(&req->err, REASON_INTERNAL, "the token cannot be signed");
}

static bool answer(struct token_request *t)
{
    struct request *req = t->req;
    struct arena *arena = req->arena;
    int64_t now = clock_now_seconds();
    char *created = arena_bytes(arena, CLOCK_TEXT), *expires = arena_bytes(arena, CLOCK_TEXT);
    struct slice token;
    managed_fields_track_new(req, &authentication_v1_TokenRequest, "authentication.k8s.io/v1", t->object);
    fill_audiences(t);
    if (!check_spec(t) || !bind(t) || !check_node_request(t))
        return false;
    set_times(t, now);
    if (!sign(t, &token))
        return false;
    object_set_text(arena, t->object, meta_v1_ObjectMeta_name, req->info.name);
    object_set_text(arena, t->object, meta_v1_ObjectMeta_namespace, req->info.namespace);
    object_set_text(arena, t->object, meta_v1_ObjectMeta_uid, uid_of(&t->account));
    object_set_text(arena, t->object, meta_v1_ObjectMeta_creationTimestamp,
                    clock_format_seconds(now, created));
    int64_t asked = value_int(value_at(t->spec, authentication_v1_TokenRequestSpec_expirationSeconds), 0);
    *value_mut(t->object, authentication_v1_TokenRequest_status) = value_absent;
    struct value *status = value_ensure_record(arena, t->object, authentication_v1_TokenRequest_status);
    *value_mut(status, authentication_v1_TokenRequestStatus_token) = value_of_string(token);
    *value_mut(status, authentication_v1_TokenRequestStatus_expirationTimestamp) =
        value_of_string(clock_format_seconds(now + asked, expires));
    return true;
}

static void serve(struct request *req)
{
    struct value object;
    struct token_request t = {.req = req, .object = &object};
    bool ok = write_options_parse(req->arena, &req->query, "CreateOptions", &req->write, &req->err) &&
              write_decode_body(req, &authentication_v1_TokenRequest, "TokenRequest",
                                "authentication.k8s.io/v1", &object) &&
              check_meta(&t);
    if (ok && !authn_signing_key(req->server->authn))
        ok = error_set(&req->err, REASON_SERVICE_UNAVAILABLE,
                       "this server has no key to sign tokens with: it was started without "
                       "--service-account-signing-key-file");
    t.spec = ok ? value_ensure_record(req->arena, &object, authentication_v1_TokenRequest_spec) : NULL;
    if (!ok || !answer(&t)) {
        request_fail(req);
        return;
    }
    *value_get_mut(&object, SLICE("kind")) = value_of_cstr("TokenRequest");
    *value_get_mut(&object, SLICE("apiVersion")) = value_of_cstr("authentication.k8s.io/v1");
    output_object(req, 201, &authentication_v1_TokenRequest, &object);
}

bool subresource_token(struct request *req)
{
    request_to_worker(req, serve);
    return true;
}
