/*
 * CertificateApproval, CertificateSigning, ClusterTrustBundleAttest: who approves, signs or vouches for a
 * signer must have that right for the signer, by its name or by all of its domain ("example.com/" and a
 * star). CertificateSubjectRestriction: nobody gets a client certificate of the group that may do everything.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization
 */
#include "admission/certificate_subject.h"
#include "openapi/gen/meta_v1.h"

#define GROUP "certificates.k8s.io"

static bool may(struct admission_request *req, const char *verb, struct slice signer)
{
    long slash = slice_find(signer, '/');
    struct slice domain = slice_make(signer.ptr, slash < 0 ? signer.len : (size_t)slash);
    const struct admission_lookup *l = req->lookup;
    return l->may(l->arg, verb, GROUP, "signers", SLICE(""), signer) ||
           l->may(l->arg, verb, GROUP, "signers", SLICE(""),
                  arena_slicef(req->arena, "%.*s/*", SLICE_ARG(domain)));
}

static struct slice signer_of(const struct value *object)
{
    return value_text(value_path(object, "spec.signerName"));
}

static bool approve(struct admission_request *req, struct error *err)
{
    /* The present signer counts, not one that the request brings. */
    return !slice_is(req->subresource, "approval") || may(req, "approve", signer_of(req->old)) ||
           admission_forbid(req, err, "user not permitted to approve requests with signerName \"%.*s\"",
                            SLICE_ARG(signer_of(req->old)));
}

const struct admission_plugin admission_certificate_approval = {
    .name = "CertificateApproval",
    .operations = ADMISSION_UPDATE,
    .group = GROUP,
    .resource = "certificatesigningrequests",
    .validate = approve,
    .quick = true,
};

static bool sign(struct admission_request *req, struct error *err)
{
    static const char *const parts[] = {"status.certificate", "status.conditions"};
    bool changed = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        changed |= !value_equal(value_path(req->object, parts[i]), value_path(req->old, parts[i]));
    return !slice_is(req->subresource, "status") || !changed || may(req, "sign", signer_of(req->old)) ||
           admission_forbid(req, err, "user not permitted to sign requests with signerName \"%.*s\"",
                            SLICE_ARG(signer_of(req->old)));
}

const struct admission_plugin admission_certificate_signing = {
    .name = "CertificateSigning",
    .operations = ADMISSION_UPDATE,
    .group = GROUP,
    .resource = "certificatesigningrequests",
    .validate = sign,
    .quick = true,
};

static bool restrict_subject(struct admission_request *req, struct error *err)
{
    bool masters = false;
    if (req->subresource.len || !slice_is(signer_of(req->object), "kubernetes.io/kube-apiserver-client"))
        return true;
    if (!certificate_has_organization(req->arena, value_text(value_path(req->object, "spec.request")),
                                      "system:masters", &masters))
        return admission_forbid(req, err, "failed to parse CSR");
    return !masters ||
           admission_forbid(
               req, err,
               "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed");
}

const struct admission_plugin admission_certificate_subject = {
    .name = "CertificateSubjectRestriction",
    .operations = ADMISSION_CREATE,
    .group = GROUP,
    .resource = "certificatesigningrequests",
    .validate = restrict_subject,
    .quick = true,
};

/* Only finalizers and owners differ: what a garbage collector changes. */
static bool same_bundle(const struct value *object, const struct value *old)
{
    return value_equal(value_get(object, SLICE("spec")), value_get(old, SLICE("spec")));
}

static bool attest(struct admission_request *req, struct error *err)
{
    struct slice signer = signer_of(req->object);
    return !signer.len || (req->old && same_bundle(req->object, req->old)) || may(req, "attest", signer) ||
           admission_forbid(req, err, "user not permitted to attest for signerName \"%.*s\"",
                            SLICE_ARG(signer));
}

const struct admission_plugin admission_trust_bundle_attest = {
    .name = "ClusterTrustBundleAttest",
    .operations = ADMISSION_CREATE | ADMISSION_UPDATE,
    .group = GROUP,
    .resource = "clustertrustbundles",
    .validate = attest,
    .quick = true,
};
