/*
 * review: the envelope in which webhooks are asked: an AdmissionReview with a request out, one with a
 * response back. Pure. What comes back is believed only as far as its uid, kind and fields agree with what
 * was asked. Any thread; everything is in the arena. Source:
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
 */
#ifndef ADMISSION_REVIEW_H
#define ADMISSION_REVIEW_H

#include "admission/admission.h"
#include "base/random.h"

struct review {
    char uid[UUID_TEXT];
    bool beta; /* v1beta1, for webhooks that know nothing newer */
    struct slice body;
};

/* The JSON of an object of that version. */
struct slice admission_encode(struct arena *arena, const struct schema_resource *as,
                              const struct value *object);
/* An admission_v1_AdmissionRequest without its objects: what policies see as `request` too. */
struct value admission_request_tree(struct admission_request *req, const struct schema_resource *as);

/* `as` is the version in which the webhook sees object and old (of that version, or NULL). False: err is set;
 * the webhook knows no version of the envelope that we do. versions: the webhook's admissionReviewVersions.
 */
bool review_request(struct admission_request *req, const struct schema_resource *as,
                    const struct value *object, const struct value *old, const struct value *versions,
                    struct review *ret, struct error *err);

struct review_answer {
    bool allowed;
    const struct value *status; /* why not: a meta_v1_Status, or absent */
    struct slice patch;         /* a JSON patch; empty: none */
    struct value warnings, audit_annotations;
};
/* False: err says what is wrong with the answer. */
bool review_answer(struct arena *arena, const struct review *review, bool mutating, struct slice body,
                   struct review_answer *ret, struct error *err);

/* The refusal of a webhook as an error. Returns false. */
bool review_refusal(struct arena *arena, struct slice webhook, const struct value *status, struct error *err);

#endif
