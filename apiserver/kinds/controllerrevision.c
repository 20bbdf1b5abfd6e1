/* controllerrevisions: apps/v1. Rules: pkg/apis/apps/validation. */
#include "apiserver/kinds/apps.h"
#include "openapi/names.h"
#include "apiserver/kinds/workload.h"
#include "openapi/gen/apps_v1.h"
#include "openapi/gen/meta_v1.h"

static void check_data(struct causes *c, const struct value *data)
{
    struct path at = path_field(NULL, "data");
    struct slice text = value_text(data);
    if (text.len == 0 || slice_is(text, "null"))
        causes_required(c, &at, "data is mandatory");
    else if (text.ptr[0] != '{')
        causes_required(c, &at, "data must be a valid JSON object");
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    const struct value *data = value_at(object, apps_v1_ControllerRevision_data);
    check_count(req->causes, NULL, object, apps_v1_ControllerRevision_revision);
    if (old)
        check_immutable(req->causes, PATH(NULL, "data"), data,
                        value_at(old, apps_v1_ControllerRevision_data));
    else
        check_data(req->causes, data);
}

/* "deployment.apps/web" of the owner that controls it. */
static struct value controller_cell(struct arena *arena, const struct value *object)
{
    for (VALUE_EACH(owner, value_at(object_metadata(object), meta_v1_ObjectMeta_ownerReferences))) {
        if (!value_bool(value_at(owner, meta_v1_OwnerReference_controller)))
            continue;
        struct slice version = value_text(value_at(owner, meta_v1_OwnerReference_apiVersion));
        struct slice kind = value_text(value_at(owner, meta_v1_OwnerReference_kind));
        struct slice name = value_text(value_at(owner, meta_v1_OwnerReference_name));
        long slash = slice_find(version, '/');
        struct slice group = slash > 0 ? slice_make(version.ptr, (size_t)slash) : slice_make("", 0);
        char *text = arena_printf(arena, "%.*s%s%.*s/%.*s", SLICE_ARG(kind), group.len ? "." : "",
                                  SLICE_ARG(group), SLICE_ARG(name));
        for (size_t i = 0; i < kind.len + (group.len ? group.len + 1 : 0); i++)
            if (text[i] >= 'A' && text[i] <= 'Z')
                text[i] = (char)(text[i] - 'A' + 'a');
        return cell_cstr(text);
    }
    return cell_cstr("<none>");
}

/* Name, Controller, Revision, Age. */
static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = controller_cell(arena, object);
    cells[2] = value_of_int(value_int(value_at(object, apps_v1_ControllerRevision_revision), 0));
    cells[3] = cell_age(arena, value_at(object_metadata(object), meta_v1_ObjectMeta_creationTimestamp), now);
}

const struct kind kind_controllerrevisions = {
    .group = "apps",
    .resource = "controllerrevisions",
    .validate = validate,
    .row = row,
};
