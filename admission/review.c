#include "admission/review.h"

#include "openapi/gen/admission_v1.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/scalar.h"

enum { MAX_REVIEW = 64 << 20 };

/* ---- the request ---- */

static struct value version_kind(struct arena *arena, const struct schema_resource *resource)
{
    struct value v = value_new_record(arena, &meta_v1_GroupVersionKind);
    *value_mut(&v, meta_v1_GroupVersionKind_group) = value_of_cstr(resource->group);
    *value_mut(&v, meta_v1_GroupVersionKind_version) = value_of_cstr(resource->version);
    *value_mut(&v, meta_v1_GroupVersionKind_kind) = value_of_cstr(resource->kind);
    return v;
}

static struct value version_resource(struct arena *arena, const struct schema_resource *resource)
{
    struct value v = value_new_record(arena, &meta_v1_GroupVersionResource);
    *value_mut(&v, meta_v1_GroupVersionResource_group) = value_of_cstr(resource->group);
    *value_mut(&v, meta_v1_GroupVersionResource_version) = value_of_cstr(resource->version);
    *value_mut(&v, meta_v1_GroupVersionResource_resource) = value_of_cstr(resource->name);
    return v;
}

static struct value raw_of(struct slice json)
{
    return (struct value){.kind = VALUE_RAW, .len = (uint32_t)json.len, .s = json.ptr};
}

/* The object as the version's clients know it. */
struct slice admission_encode(struct arena *arena, const struct schema_resource *as,
                              const struct value *object)
{
    cleanup_buf struct buf out = BUF_INIT(MAX_REVIEW);
    struct value typed = *object;
    struct value *kind = value_get_mut(&typed, SLICE("kind")),
                 *version = value_get_mut(&typed, SLICE("apiVersion"));
    if (kind && !value_is_set(kind))
        *kind = value_of_cstr(as->kind);
    if (version && !value_is_set(version))
        *version = value_of_cstr(as->api_version);
    encode_json_type(&out, as->type, &typed);
    return arena_dup(arena, buf_slice(&out));
}

struct value admission_request_tree(struct admission_request *req, const struct schema_resource *as)
{
    struct arena *arena = req->arena;
    struct value v = value_new_record(arena, &admission_v1_AdmissionRequest);
    *value_mut(&v, admission_v1_AdmissionRequest_kind) = version_kind(arena, as);
    *value_mut(&v, admission_v1_AdmissionRequest_resource) = version_resource(arena, as);
    *value_mut(&v, admission_v1_AdmissionRequest_subResource) = value_of_string(req->subresource);
    *value_mut(&v, admission_v1_AdmissionRequest_requestKind) = version_kind(arena, req->asked);
    *value_mut(&v, admission_v1_AdmissionRequest_requestResource) = version_resource(arena, req->asked);
    *value_mut(&v, admission_v1_AdmissionRequest_requestSubResource) = value_of_string(req->subresource);
    *value_mut(&v, admission_v1_AdmissionRequest_name) = value_of_string(req->name);
    *value_mut(&v, admission_v1_AdmissionRequest_namespace) = value_of_string(req->namespace);
    *value_mut(&v, admission_v1_AdmissionRequest_operation) =
        value_of_string(admission_operation_name(req->operation));
    *value_mut(&v, admission_v1_AdmissionRequest_userInfo) =
        req->services->user_info(req->services->arg, arena);
    *value_mut(&v, admission_v1_AdmissionRequest_dryRun) = value_of_bool(req->dry_run);
    *value_mut(&v, admission_v1_AdmissionRequest_options) =
        raw_of(req->services->options(req->services->arg, arena, req->operation));
    return v;
}

static bool knows(const struct value *versions, bool *ret_beta)
{
    for (VALUE_EACH(version, versions)) {
        *ret_beta = value_is(version, "v1beta1");
        if (*ret_beta || value_is(version, "v1"))
            return true;
    }
    return false;
}

bool review_request(struct admission_request *req, const struct schema_resource *as,
                    const struct value *object, const struct value *old, const struct value *versions,
                    struct review *ret, struct error *err)
{
    struct arena *arena = req->arena;
    if (!knows(versions, &ret->beta))
        return error_set(err, REASON_BAD_REQUEST,
                         "the webhook accepts no version of AdmissionReview that is sent (v1, v1beta1)");
    random_uuid(ret->uid);
    struct value request = admission_request_tree(req, as);
    *value_mut(&request, admission_v1_AdmissionRequest_uid) =
        value_of_string(arena_dup(arena, slice_str(ret->uid)));
    if (object)
        *value_mut(&request, admission_v1_AdmissionRequest_object) =
            raw_of(admission_encode(arena, as, object));
    if (old)
        *value_mut(&request, admission_v1_AdmissionRequest_oldObject) =
            raw_of(admission_encode(arena, as, old));
    struct value review = value_new_record(arena, &admission_v1_AdmissionReview);
    *value_mut(&review, admission_v1_AdmissionReview_kind) = value_of_cstr("AdmissionReview");
    *value_mut(&review, admission_v1_AdmissionReview_apiVersion) =
        value_of_cstr(ret->beta ? "admission.k8s.io/v1beta1" : "admission.k8s.io/v1");
    *value_mut(&review, admission_v1_AdmissionReview_request) = request;
    cleanup_buf struct buf out = BUF_INIT(MAX_REVIEW);
    encode_json_type(&out, &admission_v1_AdmissionReview, &review);
    ret->body = arena_dup(arena, buf_slice(&out));
    return true;
}

/* ---- the answer ---- */

static bool refuse(struct error *err, const char *why)
{
    return error_set(err, REASON_SERVICE_UNAVAILABLE, "received invalid webhook response: %s", why);
}

/* A patch and its type come together, and only from webhooks that may change objects. v1beta1 never checked.
 */
static bool check_patch(const struct value *response, bool mutating, bool beta, struct error *err)
{
    const struct value *type = value_at(response, admission_v1_AdmissionResponse_patchType);
    bool patch = value_text(value_at(response, admission_v1_AdmissionResponse_patch)).len > 0;
    if (beta)
        return true;
    if (!mutating && patch)
        return refuse(err, "validating webhook may not return response.patch");
    if (!mutating && value_is_set(type))
        return refuse(err, "validating webhook may not return response.patchType");
    if (patch && !value_is_set(type))
        return refuse(err, "webhook returned response.patch but not response.patchType");
    if (!patch && value_is_set(type))
        return refuse(err, "webhook returned response.patchType but not response.patch");
    if (patch && !value_is(type, "JSONPatch"))
        return refuse(err, "response.patchType is not JSONPatch");
    return true;
}

static bool check_identity(const struct review *review, const struct value *answer,
                           const struct value *response, struct error *err)
{
    struct slice uid = value_text(value_at(response, admission_v1_AdmissionResponse_uid));
    if (!value_is_set(response))
        return refuse(err, "webhook response was absent");
    if (review->beta)
        return true;
    if (!slice_is(uid, review->uid))
        return error_set(err, REASON_SERVICE_UNAVAILABLE,
                         "received invalid webhook response: expected response.uid=\"%s\", got \"%.*s\"",
                         review->uid, SLICE_ARG(uid));
    if (!value_is(value_at(answer, admission_v1_AdmissionReview_kind), "AdmissionReview") ||
        !value_is(value_at(answer, admission_v1_AdmissionReview_apiVersion), "admission.k8s.io/v1"))
        return refuse(err, "it is no AdmissionReview of admission.k8s.io/v1");
    return true;
}

bool review_answer(struct arena *arena, const struct review *review, bool mutating, struct slice body,
                   struct review_answer *ret, struct error *err)
{
    struct value *answer = arena_alloc(arena, sizeof *answer);
    struct error why;
    error_init(&why, arena);
    if (!decode_json(arena, &admission_v1_AdmissionReview, body, answer, NULL, &why))
        return error_set(err, REASON_SERVICE_UNAVAILABLE,
                         "failed to call webhook: the answer cannot be read: %s", why.message);
    const struct value *response = value_at(answer, admission_v1_AdmissionReview_response);
    if (!check_identity(review, answer, response, err) || !check_patch(response, mutating, review->beta, err))
        return false;
    const char *fault;
    struct slice patch = value_text(value_at(response, admission_v1_AdmissionResponse_patch));
    *ret = (struct review_answer){
        .allowed = value_bool(value_at(response, admission_v1_AdmissionResponse_allowed)),
        .status = value_at(response, admission_v1_AdmissionResponse_status),
        .warnings = *value_at(response, admission_v1_AdmissionResponse_warnings),
        .audit_annotations = *value_at(response, admission_v1_AdmissionResponse_auditAnnotations),
    };
    if (mutating && patch.len && !scalar_base64_decode(arena, patch, &ret->patch, &fault))
        return refuse(err, "response.patch is not base64");
    return true;
}

/* The reason of upstream's list that has this name, or REASON_UNKNOWN. */
static enum reason reason_of(struct slice name)
{
    for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
        if (reason != REASON_UNKNOWN && slice_is(name, reason_name(reason)))
            return reason;
    return REASON_UNKNOWN;
}

bool review_refusal(struct arena *arena, struct slice webhook, const struct value *status, struct error *err)
{
    struct slice message = value_text(value_at(status, meta_v1_Status_message));
    struct slice reason = value_text(value_at(status, meta_v1_Status_reason));
    int64_t code = value_int(value_at(status, meta_v1_Status_code), 0);
    struct slice why = message.len ? message : reason;
    if (why.len)
        error_set(err, reason_of(reason), "admission webhook \"%.*s\" denied the request: %.*s",
                  SLICE_ARG(webhook), SLICE_ARG(why));
    else
        error_set(err, REASON_UNKNOWN, "admission webhook \"%.*s\" denied the request without explanation",
                  SLICE_ARG(webhook));
    err->code = code < 400 || code > 599 ? 400 : (int)code;
    const struct value *details = value_at(status, meta_v1_Status_details);
    if (value_is_set(details))
        error_about(err, value_text(value_at(details, meta_v1_StatusDetails_group)),
                    value_text(value_at(details, meta_v1_StatusDetails_kind)),
                    value_text(value_at(details, meta_v1_StatusDetails_name)));
    for (VALUE_EACH(cause, value_at(details, meta_v1_StatusDetails_causes)))
        error_add_cause(err, arena_strdup(arena, value_text(value_at(cause, meta_v1_StatusCause_reason))),
                        arena_strdup(arena, value_text(value_at(cause, meta_v1_StatusCause_field))),
                        arena_strdup(arena, value_text(value_at(cause, meta_v1_StatusCause_message))));
    return false;
}
