/* leases: coordination.k8s.io/v1. Rules: pkg/apis/coordination/validation, pkg/registry/coordination/lease.
 */
#include "openapi/names.h"
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/coordination_v1.h"
#include "openapi/gen/meta_v1.h"

static const struct value *spec_of(const struct value *object)
{
    return value_at(object, coordination_v1_Lease_spec);
}

static void check_strategy(struct causes *c, const struct path *at, const struct value *strategy)
{
    static const char *const known[] = {"OldestEmulationVersion", NULL};
    struct slice text = value_text(strategy);
    struct path again = path_field(at, "strategy"); /* upstream names the field twice */
    if (!value_is_set(strategy))
        return;
    if (slice_find(text, '/') >= 0)
        check_name(c, &again, text, name_check_qualified);
    else if (!slice_is(text, known[0]))
        causes_not_supported(c, &again, text, known);
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *spec = spec_of(object),
                       *duration = value_at(spec, coordination_v1_LeaseSpec_leaseDurationSeconds);
    const struct value *transitions = value_at(spec, coordination_v1_LeaseSpec_leaseTransitions);
    struct path at = path_field(NULL, "spec");
    if (duration->kind == VALUE_INT && duration->i <= 0)
        causes_invalid_int(req->causes, PATH(&at, "leaseDurationSeconds"), duration->i,
                           "must be greater than 0");
    if (transitions->kind == VALUE_INT && transitions->i < 0)
        causes_invalid_int(req->causes, PATH(&at, "leaseTransitions"), transitions->i,
                           "must be greater than or equal to 0");
    check_strategy(req->causes, PATH(&at, "strategy"), value_at(spec, coordination_v1_LeaseSpec_strategy));
    if (value_text(value_at(spec, coordination_v1_LeaseSpec_preferredHolder)).len &&
        !value_text(value_at(spec, coordination_v1_LeaseSpec_strategy)).len)
        causes_forbidden(req->causes, PATH(&at, "preferredHolder"),
                         "may only be specified if `strategy` is defined");
}

/* Name, Holder, Age. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = cell_text(value_text(value_at(spec_of(object), coordination_v1_LeaseSpec_holderIdentity)));
    cells[2] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
}

const struct kind kind_leases = {
    .group = "coordination.k8s.io",
    .resource = "leases",
    .creates_on_update = true,
    .requires_version_on_update = true,
    .validate = validate,
    .row = row,
};
