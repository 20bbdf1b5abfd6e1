#include "apiserver/kinds/resource.h"
#include "openapi/names.h"
#include "apiserver/kinds/resource_name.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/storage.h"
#include "apiserver/kinds/text_set.h"
#include "apiserver/kinds/workload.h"
#include "base/clock.h"
#include "openapi/gen/resource_v1.h"

#define GROUP "resource.k8s.io"

enum {
    MAX_POOL_NAME = 253,
    MAX_ID = 32,
    MAX_SELECTORS = 32,
    MAX_CONFIGS = 32,
    MAX_EXPRESSION = 10 * 1024,
    MAX_PARAMETERS = 10 * 1024,
    MAX_BINDING_CONDITIONS = 4,
    MAX_CONDITIONS = 8
};

static const char *const effects[] = {"NoExecute", "NoSchedule", "None", NULL};

bool check_count_limit(struct causes *c, const struct path *at, const struct value *list, size_t max)
{
    if (value_count(list) <= max)
        return true;
    causes_too_many(c, at, (int64_t)value_count(list), (int64_t)max);
    return false;
}

/* ---- names ---- */

void check_driver_name(struct causes *c, const struct path *at, struct slice name)
{
    check_csi_driver_name(c, at, name);
}

void check_pool_name(struct causes *c, const struct path *at, struct slice name)
{
    struct slice rest = name, part;

    if (!name.len) {
        causes_required(c, at, "");
        return;
    }
    if (name.len > MAX_POOL_NAME)
        causes_too_long(c, at, MAX_POOL_NAME);
    while (slice_split(&rest, '/', &part))
        check_name(c, at, part, name_check_subdomain);
}

static void check_identifier(struct causes *c, const struct path *at, struct slice id)
{
    if (id.len > MAX_ID)
        causes_too_long(c, at, MAX_ID);
    check_name(c, at, id, name_check_c_identifier);
}

void check_attribute_name(struct causes *c, const struct path *at, struct slice name, bool qualified)
{
    struct slice rest = name, domain;

    slice_split(&rest, '/', &domain);
    if (!rest.ptr) {
        check_identifier(c, at, name);
        if (qualified)
            causes_invalid_text(c, at, name, "must be a domain and a name separated by a slash");
        return;
    }
    if (slice_find(rest, '/') >= 0)
        return; /* as upstream: such a key is let be here */
    if (domain.len)
        check_driver_name(c, at, domain);
    else
        causes_invalid_text(c, at, domain, "the domain must not be empty");
    if (rest.len)
        check_identifier(c, at, rest);
    else
        causes_invalid_text(c, at, SLICE(""), "the name must not be empty");
}

/* ---- taints ---- */

void check_device_taint(struct causes *c, const struct path *at, const struct value *taint,
                        const struct value *old)
{
    const struct value *effect = field_of(taint, "effect");

    check_name(c, PATH(at, "key"), text_at(taint, "key"), name_check_qualified);
    check_name(c, PATH(at, "value"), text_at(taint, "value"), name_check_label_value);
    if (!old || !value_equal(effect, field_of(old, "effect")))
        check_enum(c, PATH(at, "effect"), effect, effects, true);
}

static void check_toleration(struct causes *c, const struct path *at, const struct value *toleration)
{
    static const char *const operators[] = {"Equal", "Exists", NULL};
    const struct value *operator= field_of(toleration, "operator");
    struct slice key = text_at(toleration, "key"), value = text_at(toleration, "value"),
                 effect = text_at(toleration, "effect");

    if (key.len)
        check_name(c, PATH(at, "key"), key, name_check_qualified);
    if (value_is(operator, "Exists") && value.len)
        causes_invalid_text(c, PATH(at, "value"), value, "must be empty for operator `Exists`");
    else if (value_is(operator, "Equal"))
        check_name(c, PATH(at, "value"), value, name_check_label_value);
    check_enum(c, PATH(at, "operator"), operator, operators, true);
    if (effect.len && !text_is_one_of(effect, effects))
        causes_not_supported(c, PATH(at, "effect"), effect, effects);
}

void check_device_tolerations(struct causes *c, const struct path *at, const struct value *list)
{
    for (size_t i = 0; i < value_count(list); i++)
        check_toleration(c, PATH_I(at, i), value_item(list, i));
}

/* ---- parts ---- */

static void check_label_names(struct causes *c, const struct path *at, const struct value *list)
{
    for (size_t i = 0; check_count_limit(c, at, list, MAX_BINDING_CONDITIONS) && i < value_count(list); i++)
        check_name(c, PATH_I(at, i), value_text(value_item(list, i)), name_check_qualified);
}

void check_binding_conditions(struct causes *c, const struct path *at, const struct value *owner)
{
    const struct value *good = field_of(owner, "bindingConditions"),
                       *bad = field_of(owner, "bindingFailureConditions");
    struct path good_at = path_field(at, "bindingConditions"),
                bad_at = path_field(at, "bindingFailureConditions");
    struct text_set seen = TEXT_SET(c->arena);

    check_label_names(c, &good_at, good);
    check_label_names(c, &bad_at, bad);
    check_unique_texts(c, &good_at, good);
    for (size_t i = 0; i < value_count(bad); i++) {
        struct slice text = value_text(value_item(bad, i));
        if (!text_set_add(&seen, text))
            causes_duplicate(c, PATH_I(&bad_at, i), text);
        if (list_has_text(good, arena_strdup(c->arena, text)))
            causes_invalid_text(c, PATH_I(&bad_at, i), text, "must not be one of bindingConditions");
    }
    if (!value_count(good) && value_count(bad))
        causes_invalid_shown(c, &good_at, "null", "bindingFailureConditions need bindingConditions");
    if (value_count(good) && !value_count(bad))
        causes_invalid_shown(c, &bad_at, "null", "bindingConditions need bindingFailureConditions");
}

void check_skipped_operations(struct causes *c, const struct path *at, const struct value *list)
{
    if (list_has_text(list, "NodePrepareResources") && !list_has_text(list, "NodeUnprepareResources") &&
        !list_has_text(list, "*"))
        causes_invalid_shown(c, at, shown_list(c->arena, list),
                             "NodePrepareResources cannot be skipped unless NodeUnprepareResources is too");
}

void check_device_selectors(struct causes *c, const struct path *at, const struct value *list, bool stored)
{
    for (size_t i = 0; check_count_limit(c, at, list, MAX_SELECTORS) && i < value_count(list); i++) {
        const struct value *cel = field_of(value_item(list, i), "cel");
        struct path cel_at = path_field(PATH_I(at, i), "cel");
        if (!value_is_set(cel))
            causes_required(c, &cel_at, "");
        else if (!stored && text_at(cel, "expression").len > MAX_EXPRESSION)
            causes_too_long(c, PATH(&cel_at, "expression"), MAX_EXPRESSION);
    }
}

void check_device_configuration(struct causes *c, const struct path *at, const struct value *owner,
                                bool stored)
{
    const struct value *opaque = field_of(owner, "opaque");
    struct path opaque_at = path_field(at, "opaque"), parameters_at = path_field(&opaque_at, "parameters");
    struct slice parameters = text_at(opaque, "parameters");

    if (!value_is_set(opaque)) {
        causes_required(c, &opaque_at, "");
        return;
    }
    check_driver_name(c, PATH(&opaque_at, "driver"), text_at(opaque, "driver"));
    if (!parameters.len || slice_is(parameters, "null"))
        causes_required(c, &parameters_at, "");
    else if (!stored && parameters.len > MAX_PARAMETERS)
        causes_too_long(c, &parameters_at, MAX_PARAMETERS);
    else if (parameters.ptr[0] != '{')
        causes_invalid_shown(c, &parameters_at, "\"<value omitted>\"", "must be a valid JSON object");
}

/* ---- deviceclasses ---- */

static void validate_class(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = field_of(object, "spec"),
                       *old_spec = old ? field_of(old, "spec") : &value_absent;
    const struct value *selectors = field_of(spec, "selectors"), *configs = field_of(spec, "config");
    const struct value *name = field_of(spec, "extendedResourceName");
    struct path at = path_field(NULL, "spec"), config_at = path_field(&at, "config");
    bool stored = old && value_equal(configs, field_of(old_spec, "config"));

    check_device_selectors(c, PATH(&at, "selectors"), selectors,
                           old && value_equal(selectors, field_of(old_spec, "selectors")));
    for (size_t i = 0; check_count_limit(c, &config_at, configs, MAX_CONFIGS) && i < value_count(configs);
         i++)
        check_device_configuration(c, PATH_I(&config_at, i), value_item(configs, i), stored);
    if (value_is_set(name) && !resource_is_extended(value_text(name)))
        causes_invalid_text(c, PATH(&at, "extendedResourceName"), value_text(name),
                            "must be a valid extended resource name");
}

/* ---- devicetaintrules ---- */

static void validate_taint_rule(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = field_of(object, "spec"), *selector = field_of(spec, "deviceSelector");
    const struct value *conditions = field_of(field_of(object, "status"), "conditions");
    struct path at = path_field(NULL, "spec"), selector_at = path_field(&at, "deviceSelector");

    if (slice_is(req->subresource, "status")) {
        check_count_limit(c, PATH(PATH(NULL, "status"), "conditions"), conditions, MAX_CONDITIONS);
        return;
    }
    if (value_is_set(field_of(selector, "driver")))
        check_driver_name(c, PATH(&selector_at, "driver"), text_at(selector, "driver"));
    if (value_is_set(field_of(selector, "pool")))
        check_pool_name(c, PATH(&selector_at, "pool"), text_at(selector, "pool"));
    if (value_is_set(field_of(selector, "device")))
        check_name(c, PATH(&selector_at, "device"), text_at(selector, "device"), name_check_label);
    check_device_taint(c, PATH(&at, "taint"), field_of(spec, "taint"),
                       old ? field_of(field_of(old, "spec"), "taint") : NULL);
}

/* Another effect begins now, unless the client says when. */
static void update_taint_rule(struct kind_request *req, struct value *object, const struct value *old)
{
    const struct value *was = field_of(field_of(old, "spec"), "taint");
    struct value *spec = value_mut(object, resource_v1_DeviceTaintRule_spec), *taint;
    char text[CLOCK_TEXT];

    if (spec->kind != VALUE_RECORD || slice_is(req->subresource, "status"))
        return;
    taint = value_mut(spec, resource_v1_DeviceTaintRuleSpec_taint);
    if (taint->kind == VALUE_RECORD && !value_equal(field_of(taint, "effect"), field_of(was, "effect")) &&
        value_equal(field_of(taint, "timeAdded"), field_of(was, "timeAdded")))
        *value_mut(taint, resource_v1_DeviceTaint_timeAdded) =
            value_of_string(arena_dup(req->arena, clock_format_seconds(req->now, text)));
}

static void row_taint_rule(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    enum { KEY = 1, VALUE, EFFECT, ADDED };
    const struct value *taint = field_of(field_of(object, "spec"), "taint"),
                       *added = field_of(taint, "timeAdded");

    cells[KEY] = cell_text(text_at(taint, "key"));
    cells[VALUE] = cell_text(text_at(taint, "value"));
    cells[EFFECT] = cell_text(text_at(taint, "effect"));
    cells[ADDED] = value_is_set(added) ? cell_age(arena, added, now) : cell_cstr("");
}

const struct kind kind_deviceclasses = {.group = GROUP,
                                        .resource = "deviceclasses",
                                        .counts_generation = true,
                                        .returns_deleted = true,
                                        .validate = validate_class};
const struct kind kind_devicetaintrules = {.group = GROUP,
                                           .resource = "devicetaintrules",
                                           .counts_generation = true,
                                           .requires_version_on_update = true,
                                           .prepare_update = update_taint_rule,
                                           .validate = validate_taint_rule,
                                           .row = row_taint_rule};
