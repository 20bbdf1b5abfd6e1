/* certificates.k8s.io: requests for certificates. Rules: pkg/apis/certificates/validation,
 * pkg/registry/certificates/certificates. A request passes three hands: its author writes the spec once, an
 * approver adds conditions through "approval", the signer adds the certificate through "status"; none may
 * touch what is another's. */
#include "apiserver/kinds/access.h"
#include "openapi/names.h"
#include "apiserver/kinds/pem.h"
#include "apiserver/kinds/text_set.h"
#include "apiserver/kinds/workload.h"
#include "apiserver/user.h"
#include "base/clock.h"
#include "openapi/gen/certificates_v1.h"
#include "openapi/scalar.h"

#define AT_CSR(v, field)   value_at(v, certificates_v1_CertificateSigningRequest_##field)
#define MUT_CSR(v, field)  value_mut(v, certificates_v1_CertificateSigningRequest_##field)
#define MUT_SPEC(v, field) value_mut(v, certificates_v1_CertificateSigningRequestSpec_##field)
#define LEGACY_SIGNER      "kubernetes.io/legacy-unknown"

enum { MIN_EXPIRATION = 600, SUBDOMAIN_MAX = 253, LABEL_MAX = 63 };

static const char *const usages[] = {"any",
                                     "cert sign",
                                     "client auth",
                                     "code signing",
                                     "content commitment",
                                     "crl sign",
                                     "data encipherment",
                                     "decipher only",
                                     "digital signature",
                                     "email protection",
                                     "encipher only",
                                     "ipsec end system",
                                     "ipsec tunnel",
                                     "ipsec user",
                                     "key agreement",
                                     "key encipherment",
                                     "microsoft sgc",
                                     "netscape sgc",
                                     "ocsp signing",
                                     "s/mime",
                                     "server auth",
                                     "signing",
                                     "timestamping",
                                     NULL};
static const char *const decisions[] = {"Approved", "Denied", NULL};
static const char *const final_types[] = {"Approved", "Denied", "Failed", NULL};

/* ---- PEM ---- */

static struct slice bytes_of(struct arena *arena, const struct value *base64)
{
    struct slice bytes = SLICE("");
    const char *fault = NULL;

    if (!scalar_base64_decode(arena, value_text(base64), &bytes, &fault))
        return SLICE("");
    return bytes;
}

/* NULL, or why the bytes are no request for a certificate that its key has signed. */
static const char *csr_fault(struct slice pem)
{
    cleanup_bio BIO *bio = pem_open(pem);
    cleanup_pem_block struct pem_block block = {0};
    const char *fault = NULL;

    if (!pem_next(bio, &block) || strcmp(block.name, "CERTIFICATE REQUEST") != 0)
        return "PEM block type must be CERTIFICATE REQUEST";
    const unsigned char *p = block.der;
    X509_REQ *csr = d2i_X509_REQ(NULL, &p, block.len);
    EVP_PKEY *key = csr ? X509_REQ_get0_pubkey(csr) : NULL;
    if (!csr || p != block.der + block.len)
        fault = "not a PKCS#10 certificate request";
    else if (!key || X509_REQ_verify(csr, key) != 1)
        fault = "the signature is not by the key of the request";
    X509_REQ_free(csr);
    return fault;
}

static const char *certificate_fault(struct slice pem)
{
    cleanup_bio BIO *bio = pem_open(pem);
    cleanup_pem_block struct pem_block block = {0};
    size_t count = 0;

    if (!pem.len)
        return NULL;
    for (; pem_next(bio, &block); count++) {
        const unsigned char *p = block.der;
        if (strcmp(block.name, "CERTIFICATE") != 0)
            return "only CERTIFICATE PEM blocks are allowed";
        if (*block.header)
            return "no PEM block headers are permitted";
        X509 *certificate = d2i_X509(NULL, &p, block.len);
        X509_free(certificate);
        if (!certificate)
            return "a block is no X.509 certificate";
    }
    return count ? NULL : "must contain at least one CERTIFICATE PEM block";
}

/* ---- signers ---- */

static void check_signer_parts(struct causes *c, const struct path *at, struct slice part,
                               const char *(*rule)(struct slice))
{
    struct slice rest = part, label;

    while (slice_split(&rest, '.', &label)) {
        const char *faults[NAME_MAX_FAULTS];
        size_t count = name_faults(label, rule, faults);
        for (size_t i = 0; i < count; i++)
            causes_invalid_text(c, at, part, "label \"%.*s\": %s", SLICE_ARG(label), faults[i]);
        if (count)
            return;
    }
}

void check_signer_name(struct causes *c, const struct path *at, struct slice name)
{
    struct slice rest = name, domain, path;
    long slash = slice_find(name, '/');

    if (!name.len) {
        causes_required(c, at, "");
        return;
    }
    if (slash < 0 || slice_find(slice_from(name, (size_t)slash + 1), '/') >= 0) {
        causes_invalid_text(c, at, name, "must be a domain and a path, as in 'example.com/signer-name'");
        return;
    }
    slice_split(&rest, '/', &domain);
    path = rest;
    if (domain.len > SUBDOMAIN_MAX)
        causes_too_long(c, at, SUBDOMAIN_MAX);
    check_signer_parts(c, at, domain, name_check_label);
    if (slice_find(domain, '.') < 0)
        causes_invalid_text(c, at, domain, "must be a domain of at least two segments separated by dots");
    check_signer_parts(c, at, path, name_check_subdomain);
    if (name.len > 2 * SUBDOMAIN_MAX + LABEL_MAX + 2)
        causes_too_long(c, at, 2 * SUBDOMAIN_MAX + LABEL_MAX + 2);
}

/* ---- certificatesigningrequests: conditions ---- */

static const struct value *conditions_of(const struct value *object)
{
    return field_of(field_of(object, "status"), "conditions");
}

static size_t condition_count(const struct value *object, const char *type)
{
    size_t count = 0;

    for (VALUE_EACH(condition, conditions_of(object)))
        count += value_is(field_of(condition, "type"), type);
    return count;
}

/* The n-th of its type. */
static const struct value *condition_nth(const struct value *object, const char *type, size_t n)
{
    for (VALUE_EACH(condition, conditions_of(object)))
        if (value_is(field_of(condition, "type"), type) && n-- == 0)
            return condition;
    return &value_absent;
}

static bool decided_both_ways(const struct value *object)
{
    return condition_count(object, "Approved") && condition_count(object, "Denied");
}

static bool has_empty_type(const struct value *object)
{
    for (VALUE_EACH(condition, conditions_of(object)))
        if (!text_at(condition, "type").len)
            return true;
    return false;
}

static bool has_duplicate_type(struct arena *arena, const struct value *object)
{
    struct text_set seen = TEXT_SET(arena);

    for (VALUE_EACH(condition, conditions_of(object)))
        if (!text_set_add(&seen, text_at(condition, "type")))
            return true;
    return false;
}

static void check_condition_status(struct causes *c, const struct path *at, const struct value *condition)
{
    static const char *const all[] = {"False", "True", "Unknown", NULL}, *const only_true[] = {"True", NULL};
    const char *const *allowed = text_is_one_of(text_at(condition, "type"), final_types) ? only_true : all;
    struct slice status = text_at(condition, "status");

    if (!status.len)
        causes_required(c, PATH(at, "status"), "");
    else if (!text_is_one_of(status, allowed))
        causes_not_supported(c, PATH(at, "status"), status, allowed);
}

static void check_request_conditions(struct causes *c, const struct path *at, const struct value *object,
                                     const struct value *old)
{
    const struct value *conditions = conditions_of(object);
    bool allow_empty = old && has_empty_type(old),
         allow_duplicates = old && has_duplicate_type(c->arena, old);
    struct text_set seen = TEXT_SET(c->arena);

    for (size_t i = 0; i < value_count(conditions); i++) {
        const struct value *condition = value_item(conditions, i);
        struct slice type = text_at(condition, "type");
        struct path item_at = path_index(at, i);
        if (!allow_empty && !type.len)
            causes_required(c, PATH(&item_at, "type"), "");
        check_condition_status(c, &item_at, condition);
        if (!text_set_add(&seen, type) && !allow_duplicates)
            causes_duplicate(c, PATH(&item_at, "type"), type);
    }
}

/* What may not be done to the conditions that are there. */
static void check_condition_changes(struct kind_request *req, const struct path *at,
                                    const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;

    for (const char *const *type = final_types; *type; type++)
        if (condition_count(object, *type) < condition_count(old, *type))
            causes_forbidden(c, at, "updates may not remove a condition of type \"%s\"", *type);
    for (const char *const *type = decisions; *type && !slice_is(req->subresource, "approval"); type++) {
        size_t now = condition_count(object, *type), was = condition_count(old, *type);
        if (now > was)
            causes_forbidden(c, at, "updates may not add a condition of type \"%s\"", *type);
        for (size_t i = 0; now == was && i < now; i++)
            if (!value_equal(condition_nth(object, *type, i), condition_nth(old, *type, i))) {
                causes_forbidden(c, at, "updates may not modify a condition of type \"%s\"", *type);
                break;
            }
    }
}

/* ---- certificatesigningrequests: the rules ---- */

static bool has_unknown_usage(const struct value *list)
{
    for (VALUE_EACH(usage, list))
        if (!text_is_one_of(value_text(usage), usages))
            return true;
    return false;
}

static bool has_duplicates(struct arena *arena, const struct value *list)
{
    struct causes found = {.arena = arena};

    check_unique_texts(&found, NULL, list);
    return found.count > 0;
}

static void check_usages(struct causes *c, const struct path *at, const struct value *list,
                         const struct value *old_list)
{
    if (!value_count(list))
        causes_required(c, at, "");
    for (size_t i = 0; i < value_count(list) && !has_unknown_usage(old_list); i++)
        if (!text_is_one_of(value_text(value_item(list, i)), usages))
            causes_not_supported(c, PATH_I(at, i), value_text(value_item(list, i)), usages);
    if (!has_duplicates(c->arena, old_list))
        check_unique_texts(c, at, list);
}

static void check_request_spec(struct causes *c, const struct value *spec, const struct value *old_spec)
{
    const struct value *expiration = field_of(spec, "expirationSeconds"),
                       *request = field_of(spec, "request");
    struct slice signer = text_at(spec, "signerName");
    struct path at = path_field(NULL, "spec");
    const char *fault = csr_fault(bytes_of(c->arena, request));

    if (fault)
        causes_invalid_text(c, PATH(&at, "request"), value_text(request), "%s", fault);
    check_usages(c, PATH(&at, "usages"), field_of(spec, "usages"), field_of(old_spec, "usages"));
    if (slice_is(signer, LEGACY_SIGNER) && !slice_is(text_at(old_spec, "signerName"), LEGACY_SIGNER))
        causes_invalid_text(c, PATH(&at, "signerName"), signer,
                            "the legacy signerName is not allowed via this API version");
    else
        check_signer_name(c, PATH(&at, "signerName"), signer);
    if (expiration->kind == VALUE_INT && expiration->i < MIN_EXPIRATION)
        causes_invalid_int(c, PATH(&at, "expirationSeconds"), expiration->i, "must be at least %d seconds",
                           MIN_EXPIRATION);
}

static void check_certificate(struct kind_request *req, const struct path *at, const struct value *now,
                              const struct value *was, bool is_update)
{
    struct causes *c = req->causes;

    if (is_update && value_equal(now, was))
        return;
    const char *fault = certificate_fault(bytes_of(c->arena, now));
    if (fault && !(is_update && certificate_fault(bytes_of(c->arena, was))))
        causes_invalid_shown(c, at, "\"<certificate data>\"", "%s", fault);
}

static void validate_request(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    struct path status_at = path_field(NULL, "status"), conditions_at = path_field(&status_at, "conditions"),
                certificate_at = path_field(&status_at, "certificate");
    const struct value *now = field_of(field_of(object, "status"), "certificate");
    const struct value *was = old ? field_of(field_of(old, "status"), "certificate") : &value_absent;

    check_request_spec(c, field_of(object, "spec"), old ? field_of(old, "spec") : &value_absent);
    check_request_conditions(c, &conditions_at, object, old);
    check_certificate(req, &certificate_at, now, was, old != NULL);
    if (old)
        check_condition_changes(req, &conditions_at, object, old);
    if (old && !value_equal(now, was)) {
        if (!slice_is(req->subresource, "status"))
            causes_forbidden(c, &certificate_at, "updates may not set certificate content");
        else if (value_text(was).len)
            causes_forbidden(c, &certificate_at, "updates may not modify existing certificate content");
    }
    if (decided_both_ways(object) && !(old && decided_both_ways(old)))
        causes_invalid_text(
            c, &conditions_at,
            SLICE("{conditions[{\"type\": \"Approved\"}], conditions[{\"type\": \"Denied\"}]}"),
            "must specify at most one of: `conditions[{\"type\": \"Approved\"}]`, "
            "`conditions[{\"type\": \"Denied\"}]`");
}

/* ---- certificatesigningrequests: what the server decides ---- */

/* spec.extra[key]; a key that is there already is replaced. */
static void add_extra(struct arena *arena, struct value *extra, struct slice key, const struct slice *values,
                      size_t count)
{
    struct value list = value_new_list(arena, count);

    for (size_t i = 0; i < count; i++)
        *value_append(arena, &list) = value_of_string(values[i]);
    *value_put(arena, extra, key) = list;
}

static void set_requester(struct kind_request *req, struct value *spec)
{
    const struct user *user = req->requester;
    struct value *groups = MUT_SPEC(spec, groups), *extra = MUT_SPEC(spec, extra);

    *MUT_SPEC(spec, username) = *MUT_SPEC(spec, uid) = *groups = *extra = value_absent;
    if (req->user.len)
        *MUT_SPEC(spec, username) = value_of_string(req->user);
    if (!user)
        return;
    if (user->uid.len)
        *MUT_SPEC(spec, uid) = value_of_string(user->uid);
    for (size_t i = 0; i < user->group_count; i++)
        *value_append(req->arena, groups) = value_of_string(user->groups[i]);
    for (size_t i = 0; i < user->extra_count; i++)
        add_extra(req->arena, extra, user->extra[i].key, user->extra[i].values, user->extra[i].count);
    if (user->credential_id.len)
        add_extra(req->arena, extra, SLICE("authentication.kubernetes.io/credential-id"),
                  &user->credential_id, 1);
}

static void create_request(struct kind_request *req, struct value *object)
{
    set_requester(req,
                  value_ensure_record(req->arena, object, certificates_v1_CertificateSigningRequest_spec));
    *MUT_CSR(object, status) = value_absent;
}

/* Conditions without times get them: now, or since when the same type had the same status. */
static void set_condition_times(struct kind_request *req, struct value *conditions, const struct value *old)
{
    char text[CLOCK_TEXT];
    struct value now = value_of_string(arena_dup(req->arena, clock_format_seconds(req->now, text)));

    for (size_t i = 0; i < value_count(conditions); i++) {
        struct value *condition = &conditions->list->items[i];
        struct value *updated =
            value_mut(condition, certificates_v1_CertificateSigningRequestCondition_lastUpdateTime);
        struct value *moved =
            value_mut(condition, certificates_v1_CertificateSigningRequestCondition_lastTransitionTime);
        if (!value_is_set(updated))
            *updated = now;
        for (VALUE_EACH(was, conditions_of(old)))
            if (!value_is_set(moved) && value_equal(field_of(was, "type"), field_of(condition, "type")) &&
                value_equal(field_of(was, "status"), field_of(condition, "status")))
                *moved = *field_of(was, "lastTransitionTime");
        if (!value_is_set(moved))
            *moved = now;
    }
}

/* A signer's view of the decisions is of no account. */
static void keep_decisions(struct value *object, struct value *conditions, const struct value *old)
{
    for (const char *const *type = decisions; *type; type++) {
        size_t n = 0;
        if (condition_count(object, *type) != condition_count(old, *type))
            continue;
        for (size_t i = 0; i < value_count(conditions); i++)
            if (value_is(field_of(value_item(conditions, i), "type"), *type))
                conditions->list->items[i] = *condition_nth(old, *type, n++);
    }
}

static void update_request(struct kind_request *req, struct value *object, const struct value *old)
{
    bool approves = slice_is(req->subresource, "approval"), signs = slice_is(req->subresource, "status");
    struct value *status = MUT_CSR(object, status);
    struct value *conditions = value_get_mut(status, SLICE("conditions"));

    *MUT_CSR(object, spec) = *AT_CSR(old, spec);
    if (signs && conditions)
        keep_decisions(object, conditions, old);
    if ((signs || approves) && conditions)
        set_condition_times(req, conditions, old);
    if (approves) {
        struct value decided = conditions ? *conditions : value_absent;
        *status = value_copy(req->arena, AT_CSR(old, status), false);
        status = value_ensure_record(req->arena, object, certificates_v1_CertificateSigningRequest_status);
        *value_mut(status, certificates_v1_CertificateSigningRequestStatus_conditions) = decided;
    } else if (!signs) {
        *status = *AT_CSR(old, status);
    }
}

static void row_request(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { DURATION = 4, CONDITION };
    const struct value *expiration = field_of(field_of(object, "spec"), "expirationSeconds");
    const char *decision = condition_count(object, "Denied")     ? "Denied"
                           : condition_count(object, "Approved") ? "Approved"
                                                                 : "Pending";

    cells[DURATION] = value_is_set(expiration) ? cell_text(human_duration(arena, value_int(expiration, 0)))
                                               : cell_cstr("<none>");
    cells[CONDITION] =
        cell_format(arena, "%s%s%s", decision, condition_count(object, "Failed") ? ",Failed" : "",
                    text_at(field_of(object, "status"), "certificate").len ? ",Issued" : "");
}

const struct kind kind_certificatesigningrequests = {.group = "certificates.k8s.io",
                                                     .resource = "certificatesigningrequests",
                                                     .name_rule = NAME_ANY,
                                                     .prepare_create = create_request,
                                                     .prepare_update = update_request,
                                                     .validate = validate_request,
                                                     .row = row_request};
