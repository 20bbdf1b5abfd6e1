/* servicecidrs and ipaddresses: networking.k8s.io/v1. Rules: pkg/apis/networking/validation. */
#include "apiserver/kinds/ip.h"
#include "openapi/names.h"
#include "apiserver/kinds/service.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/meta_v1.h"
#include "openapi/gen/networking_v1.h"

static const struct value *cidrs_of(const struct value *object)
{
    return value_at(value_at(object, networking_v1_ServiceCIDR_spec), networking_v1_ServiceCIDRSpec_cidrs);
}

static void check_cidrs(struct causes *c, const struct path *at, const struct value *object)
{
    const struct value *cidrs = cidrs_of(object);
    struct cidr a, b;
    if (!value_count(cidrs)) {
        causes_required(c, at, "at least one CIDR required");
        return;
    }
    if (value_count(cidrs) > 2) {
        causes_invalid_shown(c, at, shown_record(c->arena, value_at(object, networking_v1_ServiceCIDR_spec)),
                             "may only hold up to 2 values");
        return;
    }
    for (size_t i = 0; i < value_count(cidrs); i++)
        check_cidr_strict(c, PATH_I(at, i), value_text(value_item(cidrs, i)));
    if (value_count(cidrs) == 2 && cidr_parse(value_text(value_item(cidrs, 0)), &a) &&
        cidr_parse(value_text(value_item(cidrs, 1)), &b) && a.network.v6 == b.network.v6)
        causes_invalid_shown(c, at, shown_list(c->arena, cidrs),
                             "may specify no more than one CIDR for each IP family");
}

static bool check_kept(struct causes *c, const struct path *at, const struct value *now,
                       const struct value *old, size_t i)
{
    if (value_equal(value_item(now, i), value_item(old, i)))
        return true;
    causes_invalid_text(c, PATH_I(at, i), value_text(value_item(now, i)), "field is immutable");
    return false;
}

/* A second family may be added to the first, nothing else. */
static void validate_cidr(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path spec = path_field(NULL, "spec"), at = path_field(&spec, "cidrs");
    const struct value *now = cidrs_of(object), *before = old ? cidrs_of(old) : &value_absent;
    if (req->subresource.len)
        return;
    if (!old) {
        check_cidrs(req->causes, &at, object);
    } else if (value_count(now) == value_count(before)) {
        for (size_t i = 0; i < value_count(now); i++)
            check_kept(req->causes, &at, now, before, i);
    } else if (value_count(before) == 1 && value_count(now) == 2) {
        check_kept(req->causes, &at, now, before, 0);
        check_cidrs(req->causes, &at, object);
    } else {
        causes_invalid_shown(req->causes, &at, shown_list(req->arena, now), "field is immutable");
    }
}

/* Name, CIDRs, Age. */
static void row_cidr(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = cell_text(join_strings(arena, cidrs_of(object)));
    cells[2] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
}

const struct kind kind_servicecidrs = {
    .group = "networking.k8s.io",
    .resource = "servicecidrs",
    .validate = validate_cidr,
    .row = row_cidr,
};

/* ---- ipaddresses ---- */

static const struct value *parent_of(const struct value *object)
{
    return value_at(value_at(object, networking_v1_IPAddress_spec), networking_v1_IPAddressSpec_parentRef);
}

static void check_parent(struct causes *c, const struct path *at, const struct value *parent)
{
    static const unsigned segments[] = {networking_v1_ParentReference_resource,
                                        networking_v1_ParentReference_name,
                                        networking_v1_ParentReference_namespace};
    struct slice group = value_text(value_at(parent, networking_v1_ParentReference_group));
    if (group.len)
        check_name(c, PATH(at, "group"), group, name_check_subdomain);
    for (size_t i = 0; i < 3; i++) {
        struct slice text = value_text(value_at(parent, segments[i]));
        if (text.len)
            check_name(c, PATH(at, field_name(parent, segments[i])), text, name_check_path_segment);
    }
}

/* From the schema upstream, so last; what is immutable and changed is not looked into. */
static void check_parent_given(struct causes *c, const struct path *at, const struct value *parent,
                               const struct value *old)
{
    if (!value_is_set(parent)) {
        causes_required(c, at, "%s", "");
        return;
    }
    if (old && !value_equal(parent, parent_of(old))) {
        causes_invalid(c, at, parent, "field is immutable");
        return;
    }
    if (!value_text(value_at(parent, networking_v1_ParentReference_resource)).len)
        causes_required(c, PATH(at, "resource"), "%s", "");
    if (!value_text(value_at(parent, networking_v1_ParentReference_name)).len)
        causes_required(c, PATH(at, "name"), "%s", "");
}

static void validate_address(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct path metadata = path_field(NULL, "metadata"), spec = path_field(NULL, "spec"),
                at = path_field(&spec, "parentRef");
    check_ip_strict(req->causes, PATH(&metadata, "name"), object_name(object));
    check_parent(req->causes, &at, parent_of(object));
    check_parent_given(req->causes, &at, parent_of(object), old);
}

/* Name, ParentRef. */
static void row_address(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    const struct value *parent = parent_of(object);
    struct slice group = value_text(value_at(parent, networking_v1_ParentReference_group));
    struct slice resource = value_text(value_at(parent, networking_v1_ParentReference_resource));
    struct slice namespace = value_text(value_at(parent, networking_v1_ParentReference_namespace));
    cells[1] = cell_cstr("<none>");
    if (value_is_set(parent))
        cells[1] = cell_format(arena, "%.*s%s%.*s%s%.*s/%.*s", SLICE_ARG(resource), group.len ? "." : "",
                               SLICE_ARG(group), namespace.len ? "/" : "", SLICE_ARG(namespace),
                               SLICE_ARG(value_text(value_at(parent, networking_v1_ParentReference_name))));
}

const struct kind kind_ipaddresses = {
    .group = "networking.k8s.io",
    .resource = "ipaddresses",
    .name_rule = NAME_ANY,
    .validate = validate_address,
    .row = row_address,
};
