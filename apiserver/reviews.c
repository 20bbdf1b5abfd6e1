/*
 * reviews: kinds that are questions: may I, may they, who am I. Nothing is stored; the answer is the object
 * with its status filled. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
 */
#include "apiserver/authn.h"
#include "apiserver/authz.h"
#include "apiserver/output.h"
#include "apiserver/managed_fields.h"
#include "base/clock.h"
#include "openapi/causes.h"
#include "openapi/gen/authentication_v1.h"
#include "openapi/gen/authorization_v1.h"

/* The three access reviews have the same shape but for who is asked about; fields go by name. */
static struct slice text_of(const struct value *v, const char *field)
{
    return value_text(value_get(v, slice_str(field)));
}

static void attributes_of(struct arena *arena, const struct value *spec, const struct user *user,
                          struct authz_attributes *ret)
{
    const struct value *resource = value_get(spec, SLICE("resourceAttributes"));
    const struct value *path = value_get(spec, SLICE("nonResourceAttributes"));
    bool is_resource = resource->kind == VALUE_RECORD;
    const struct value *from = is_resource ? resource : path;
    *ret = (struct authz_attributes){
        .user = user,
        .verb = arena_strdup(arena, text_of(from, "verb")),
        .is_resource = is_resource,
        .path = text_of(path, "path"),
        .group = text_of(resource, "group"),
        .version = text_of(resource, "version"),
        .resource = text_of(resource, "resource"),
        .subresource = text_of(resource, "subresource"),
        .namespace = text_of(resource, "namespace"),
        .name = text_of(resource, "name"),
    };
}

/* Structures in messages show as upstream's internal types print: Go's field names. */
static const char *shown_path(struct arena *arena, const struct value *attributes)
{
    struct buf out = BUF_INIT(4096);
    if (attributes->kind != VALUE_RECORD)
        return "null";
    buf_puts(&out, "{\"Path\":");
    buf_put_json_string(&out, text_of(attributes, "path"));
    buf_puts(&out, ",\"Verb\":");
    buf_put_json_string(&out, text_of(attributes, "verb"));
    buf_putc(&out, '}');
    const char *text = arena_strdup(arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

static const char *shown_metadata(struct arena *arena, const struct value *object)
{
    struct buf out = BUF_INIT(64 << 10);
    encode_json_type(&out, object_meta(object)->record->type, object_meta(object));
    const char *text = arena_strdup(arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

static bool metadata_is_empty(const struct value *object, bool local)
{
    const struct value *meta = object_meta(object);
    if (meta->kind != VALUE_RECORD)
        return true;
    for (unsigned i = 0; i < meta->record->type->field_count; i++)
        if (value_is_set(value_at(meta, i)) && i != meta_v1_ObjectMeta_managedFields &&
            !(local && i == meta_v1_ObjectMeta_namespace))
            return false;
    return true;
}

static void check_review(struct request *req, const struct value *object, bool self, bool local,
                         struct causes *c)
{
    struct path spec_at = path_field(NULL, "spec");
    const struct value *spec = value_get(object, SLICE("spec"));
    const struct value *resource = value_get(spec, SLICE("resourceAttributes"));
    const struct value *path = value_get(spec, SLICE("nonResourceAttributes"));
    bool has_resource = resource->kind == VALUE_RECORD, has_path = path->kind == VALUE_RECORD;
    if (!self && !text_of(spec, "user").len && !value_count(value_get(spec, SLICE("groups"))))
        causes_invalid_text(c, PATH(&spec_at, "user"), SLICE(""),
                            "at least one of user or group must be specified");
    if (has_resource == has_path)
        causes_invalid_shown(c, self ? &spec_at : PATH(&spec_at, "resourceAttributes"),
                             shown_path(c->arena, path),
                             "exactly one of nonResourceAttributes or resourceAttributes must be specified");
    if (!metadata_is_empty(object, local))
        causes_invalid_shown(c, PATH(NULL, "metadata"), shown_metadata(c->arena, object), "must be empty");
    struct slice ns = text_of(resource, "namespace");
    if (local && has_resource && !slice_eq(ns, req->info.namespace))
        causes_invalid_text(c, PATH(PATH(&spec_at, "resourceAttributes"), "namespace"), ns,
                            "must match metadata.namespace");
    if (local && has_path)
        causes_invalid_shown(c, PATH(&spec_at, "nonResourceAttributes"), shown_path(c->arena, path),
                             "disallowed on this kind of request");
}

/* Who the question is about: the spec of a SubjectAccessReview. */
static void subject_of(struct arena *arena, const struct value *spec, struct user *ret)
{
    const struct value *groups = value_get(spec, SLICE("groups"));
    struct slice *names = arena_alloc(arena, (value_count(groups) + 1) * sizeof *names);
    *ret = (struct user){.name = text_of(spec, "user"), .uid = text_of(spec, "uid"), .groups = names};
    for (VALUE_EACH(group, groups))
        names[ret->group_count++] = value_text(group);
}

static bool answer_access(struct request *req, struct value *object)
{
    bool self = strcmp(req->resource->kind, "SelfSubjectAccessReview") == 0;
    bool local = strcmp(req->resource->kind, "LocalSubjectAccessReview") == 0;
    struct causes causes = {.arena = req->arena};
    check_review(req, object, self, local, &causes);
    if (!causes_to_error(&causes, req->resource->group, "", SLICE(""), &req->err))
        return false;
    const struct value *spec = value_get(object, SLICE("spec"));
    struct user subject = req->user;
    if (!self)
        subject_of(req->arena, spec, &subject);
    struct authz_attributes attributes;
    attributes_of(req->arena, spec, &subject, &attributes);
    struct authz_answer answer = authz_decide(req->server->authz, &attributes, req->arena);
    int field = schema_find_field(object->record->type, "status", 6);
    struct value *status = value_ensure_record(req->arena, object, (unsigned)field);
    *value_mut(status, authorization_v1_SubjectAccessReviewStatus_allowed) =
        value_of_bool(answer.decision == AUTHZ_ALLOW);
    if (answer.decision == AUTHZ_DENY)
        *value_mut(status, authorization_v1_SubjectAccessReviewStatus_denied) = value_of_bool(true);
    if (answer.reason)
        *value_mut(status, authorization_v1_SubjectAccessReviewStatus_reason) = value_of_cstr(answer.reason);
    return true;
}

/* ---- whose token is it ---- */

static bool answer_who_am_i(struct request *req, struct value *object)
{
    const struct user *user = &req->user;
    char *now = arena_bytes(req->arena, CLOCK_TEXT);
    *value_mut(object_meta_mut(req->arena, object), meta_v1_ObjectMeta_creationTimestamp) =
        value_of_string(clock_format_seconds(clock_now_seconds(), now));
    struct value *status =
        value_ensure_record(req->arena, object, authentication_v1_SelfSubjectReview_status);
    struct value *info =
        value_ensure_record(req->arena, status, authentication_v1_SelfSubjectReviewStatus_userInfo);
    user_put(req->arena, info, user);
    return true;
}

static struct authn_texts asked_audiences(struct request *req, const struct value *list)
{
    struct slice *items = arena_alloc(req->arena, (value_count(list) + 1) * sizeof *items);
    struct authn_texts texts = {items, 0};
    for (VALUE_EACH(item, list))
        items[texts.count++] = value_text(item);
    return texts.count ? texts : authn_audiences(req->server->authn);
}

static bool answer_token(struct request *req, struct value *object)
{
    struct arena *arena = req->arena;
    const struct value *spec = value_at(object, authentication_v1_TokenReview_spec);
    struct authn_token token = {
        value_text(value_at(spec, authentication_v1_TokenReviewSpec_token)),
        asked_audiences(req, value_at(spec, authentication_v1_TokenReviewSpec_audiences))};
    struct authn_answer answer;
    if (!token.token.len)
        return error_set(&req->err, REASON_BAD_REQUEST,
                         "token is required for TokenReview in authentication");
    *value_mut(object, authentication_v1_TokenReview_status) = value_absent;
    struct value *status = value_ensure_record(arena, object, authentication_v1_TokenReview_status);
    if (authn_check_token(req->server->authn, arena, &token, &answer) != AUTHN_YES) {
        *value_mut(status, authentication_v1_TokenReviewStatus_error) = value_of_cstr(answer.why);
        return true;
    }
    *value_mut(status, authentication_v1_TokenReviewStatus_authenticated) = value_of_bool(true);
    user_put(arena, value_ensure_record(arena, status, authentication_v1_TokenReviewStatus_user),
             &answer.user);
    value_append_texts(arena, value_mut(status, authentication_v1_TokenReviewStatus_audiences),
                       answer.audiences.items, answer.audiences.count);
    return true;
}

static void put_rule(struct arena *arena, struct value *status, const struct authz_rule *rule)
{
    if (rule->url_count) {
        struct value *path = value_append(
            arena, value_mut(status, authorization_v1_SubjectRulesReviewStatus_nonResourceRules));
        *path = value_new_record(arena, &authorization_v1_NonResourceRule);
        value_append_texts(arena, value_mut(path, authorization_v1_NonResourceRule_verbs), rule->verbs,
                           rule->verb_count);
        value_append_texts(arena, value_mut(path, authorization_v1_NonResourceRule_nonResourceURLs),
                           rule->urls, rule->url_count);
        return;
    }
    struct value *item =
        value_append(arena, value_mut(status, authorization_v1_SubjectRulesReviewStatus_resourceRules));
    *item = value_new_record(arena, &authorization_v1_ResourceRule);
    value_append_texts(arena, value_mut(item, authorization_v1_ResourceRule_verbs), rule->verbs,
                       rule->verb_count);
    value_append_texts(arena, value_mut(item, authorization_v1_ResourceRule_apiGroups), rule->groups,
                       rule->group_count);
    value_append_texts(arena, value_mut(item, authorization_v1_ResourceRule_resources), rule->resources,
                       rule->resource_count);
    value_append_texts(arena, value_mut(item, authorization_v1_ResourceRule_resourceNames), rule->names,
                       rule->name_count);
}

/* What this user may do, as far as the authorizers there are can say it in rules. */
static bool answer_rules(struct request *req, struct value *object)
{
    struct arena *arena = req->arena;
    const struct value *spec = value_at(object, authorization_v1_SelfSubjectRulesReview_spec);
    struct slice namespace =
        value_text(value_at(spec, authorization_v1_SelfSubjectRulesReviewSpec_namespace));
    struct authz_rules rules;
    if (!namespace.len)
        return error_set(&req->err, REASON_BAD_REQUEST, "no namespace on request");
    authz_rules_of(req->server->authz, arena, &req->user, namespace, &rules);
    *value_mut(object, authorization_v1_SelfSubjectRulesReview_spec) = value_absent; /* as upstream answers */
    struct value *status = value_ensure_record(arena, object, authorization_v1_SelfSubjectRulesReview_status);
    for (size_t i = 0; i < rules.count; i++)
        put_rule(arena, status, &rules.items[i]);
    *value_mut(status, authorization_v1_SubjectRulesReviewStatus_incomplete) =
        value_of_bool(rules.incomplete);
    if (rules.error)
        *value_mut(status, authorization_v1_SubjectRulesReviewStatus_evaluationError) =
            value_of_cstr(rules.error);
    return true;
}

/* tracked: the answer is the question with a status, and says who asked it. */
static const struct {
    const char *kind;
    bool (*answer)(struct request *req, struct value *object);
    bool tracked;
} reviews[] = {
    {"SelfSubjectAccessReview", answer_access, true},  {"SubjectAccessReview", answer_access, true},
    {"LocalSubjectAccessReview", answer_access, true}, {"SelfSubjectRulesReview", answer_rules, false},
    {"SelfSubjectReview", answer_who_am_i, false},     {"TokenReview", answer_token, true},
};

static bool is_question(const struct request *req)
{
    return strcmp(req->resource->group, "authorization.k8s.io") == 0 ||
           strcmp(req->resource->group, "authentication.k8s.io") == 0;
}

static void serve(struct request *req)
{
    struct value object;
    if (!write_options_parse(req->arena, &req->query, "CreateOptions", &req->write, &req->err) ||
        !write_decode_body(req, req->resource->type, req->resource->kind, req->resource->api_version,
                           &object)) {
        request_fail(req);
        return;
    }
    for (size_t i = 0; i < sizeof reviews / sizeof *reviews; i++) {
        if (strcmp(reviews[i].kind, req->resource->kind) != 0)
            continue;
        if (reviews[i].tracked)
            managed_fields_track(req, NULL, &object);
        if (!reviews[i].answer(req, &object)) {
            request_fail(req);
            return;
        }
        object_set_type(&object, req->resource);
        output_object(req, 201, req->resource->type, &object);
        return;
    }
    error_set(&req->err, REASON_METHOD_NOT_ALLOWED, "%s is not supported by this server yet",
              req->resource->kind);
    request_fail(req);
}

bool review_serve(struct request *req)
{
    if (!is_question(req) || req->verb != VERB_CREATE)
        return false;
    request_to_worker(req, serve);
    return true;
}
