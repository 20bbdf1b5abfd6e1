/* resourceslices: devices that a driver offers. Rules: pkg/apis/resource/validation. */
#include <ctype.h>
#include "openapi/names.h"
#include "apiserver/kinds/podspec.h"
#include "apiserver/kinds/resource.h"
#include "apiserver/kinds/shown.h"
#include "apiserver/kinds/text_set.h"
#include "apiserver/kinds/workload.h"
#include "openapi/validate.h"

enum {
    MAX_DEVICES = 128,
    MAX_RICH_DEVICES = 64, /* with taints, counters or lists */
    MAX_COUNTER_SETS = 8,
    MAX_COUNTERS = 32,
    MAX_CONSUMPTIONS = 2,
    MAX_PROPERTIES = 32, /* attributes and capacities */
    MAX_VALUES = 48,
    MAX_VALUE_LENGTH = 64,
    MAX_TAINTS = 16
};

/* ---- where the devices are ---- */

struct places { /* which of the exclusive fields are set */
    size_t count;
    const char *text;
};

static void add_place(struct arena *arena, struct places *places, const char *name)
{
    places->text =
        arena_printf(arena, "%s%s`%s`", places->count ? places->text : "", places->count ? ", " : "", name);
    places->count++;
}

static void check_true_or_unset(struct causes *c, const struct path *at, const struct value *owner,
                                const char *name, struct places *places)
{
    const struct value *flag = field_of(owner, name);

    if (value_bool(flag))
        add_place(c->arena, places, name);
    else if (value_is_set(flag))
        causes_invalid_shown(c, PATH(at, name), "false", "must be either unset or set to true");
}

static struct places check_places(struct causes *c, const struct path *at, const struct value *owner,
                                  bool of_slice)
{
    const struct value *node = field_of(owner, "nodeName"), *selector = field_of(owner, "nodeSelector");
    const struct value *terms = field_of(selector, "nodeSelectorTerms");
    struct places places = {0, ""};

    if (value_text(node).len) {
        add_place(c->arena, &places, "nodeName");
        check_name(c, PATH(at, "nodeName"), value_text(node), name_check_subdomain);
    } else if (value_is_set(node)) {
        causes_invalid_text(c, PATH(at, "nodeName"), SLICE(""), "must be either unset or a name");
    }
    if (value_is_set(selector)) {
        add_place(c->arena, &places, "nodeSelector");
        check_node_selector(c, PATH(at, "nodeSelector"), selector);
        if (of_slice && value_count(terms) != 1)
            causes_invalid_shown(c, PATH(PATH(at, "nodeSelector"), "nodeSelectorTerms"),
                                 shown_list(c->arena, terms), "must have exactly one node selector term");
    }
    check_true_or_unset(c, at, owner, "allNodes", &places);
    return places;
}

static void check_one_place(struct causes *c, const struct path *at, const struct places *places,
                            const char *wanted)
{
    if (places->count == 0)
        causes_required(c, at, "exactly one of %s is required", wanted);
    else if (places->count > 1)
        causes_invalid_text(c, at, arena_slicef(c->arena, "{%s}", places->text),
                            "exactly one of %s is required, but several are set", wanted);
}

/* ---- attributes and capacities ---- */

static void check_value_length(struct causes *c, const struct path *at, struct slice text)
{
    if (text.len > MAX_VALUE_LENGTH)
        causes_too_long(c, at, MAX_VALUE_LENGTH);
}

static void check_version(struct causes *c, const struct path *at, struct slice text)
{
    static const char semver[] =
        "^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)"
        "(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
        "(\\+[0-9a-zA-Z-]+(\\.[0-9a-zA-Z-]+)*)?$";

    if (validate_pattern(c->arena, semver, text) == VALIDATE_DIFFERS)
        causes_invalid_text(c, at, text, "must be a version as in semver.org 2.0.0");
    check_value_length(c, at, text);
}

static void check_attribute(struct causes *c, const struct path *at, const struct value *attribute)
{
    static const char *const fields[] = {"bool",  "int",  "string",  "version",
                                         "bools", "ints", "strings", "versions"};
    const struct value *strings = field_of(attribute, "strings"), *versions = field_of(attribute, "versions");
    struct path strings_at = path_field(at, "strings"), versions_at = path_field(at, "versions");
    size_t set = 0;

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        set += value_is_set(field_of(attribute, fields[i]));
    check_value_length(c, PATH(at, "string"), text_at(attribute, "string"));
    if (value_is_set(field_of(attribute, "version")))
        check_version(c, PATH(at, "version"), text_at(attribute, "version"));
    for (size_t i = 0; i < value_count(strings); i++)
        check_value_length(c, PATH_I(&strings_at, i), value_text(value_item(strings, i)));
    for (size_t i = 0; i < value_count(versions); i++)
        check_version(c, PATH_I(&versions_at, i), value_text(value_item(versions, i)));
    if (set == 0)
        causes_invalid_text(c, at, SLICE(""), "exactly one value must be specified");
    else if (set > 1)
        causes_invalid_shown(c, at, shown_record(c->arena, attribute), "exactly one value must be specified");
}

static size_t count_values(const struct value *attributes)
{
    static const char *const lists[] = {"bools", "ints", "strings", "versions"};
    size_t total = 0;

    for (VALUE_EACH_ENTRY(entry, attributes)) {
        size_t own = 0;
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
            own += value_count(field_of(&entry->value, lists[i]));
        total += own ? own : 1;
    }
    return total;
}

static void check_capacities(struct causes *c, const struct path *at, const struct value *map, bool shared)
{
    for (VALUE_EACH_ENTRY(entry, map)) {
        const struct value *policy = field_of(&entry->value, "requestPolicy");
        struct path item_at = path_key(at, entry->key), policy_at = path_field(&item_at, "requestPolicy");
        bool values = value_count(field_of(policy, "validValues")) > 0,
             range = value_is_set(field_of(policy, "validRange"));
        check_attribute_name(c, at, entry->key, false);
        if (!value_is_set(policy))
            continue;
        if (!shared)
            causes_forbidden(c, &policy_at, "allowMultipleAllocations must be true");
        else if (values && range)
            causes_forbidden(c, &policy_at,
                             "\"validValues\" and \"validRange\" cannot be specified at the same time");
        else if ((values || range) && !value_is_set(field_of(policy, "default")))
            causes_required(c, PATH(&policy_at, "default"), "required when %s is defined",
                            values ? "validValues" : "validRange");
        else if (range && !value_is_set(field_of(field_of(policy, "validRange"), "min")))
            causes_required(c, PATH(PATH(&policy_at, "validRange"), "min"),
                            "required when validRange is defined");
    }
}

/* ---- counters ---- */

/* `name_field` and `counters` of a counter set, or of what a device takes from one. */
static void check_counters(struct causes *c, const struct path *at, const struct value *owner,
                           const char *name_field)
{
    const struct value *counters = field_of(owner, "counters");
    struct path counters_at = path_field(at, "counters");
    struct slice name = text_at(owner, name_field);

    if (name.len)
        check_name(c, PATH(at, name_field), name, name_check_label);
    else
        causes_required(c, PATH(at, name_field), "");
    if (!value_count(counters))
        causes_required(c, &counters_at, "");
    else if (value_count(counters) > MAX_COUNTERS)
        causes_too_many(c, &counters_at, (int64_t)value_count(counters), MAX_COUNTERS);
    else
        for (VALUE_EACH_ENTRY(entry, counters))
            check_name(c, &counters_at, entry->key, name_check_label);
}

static void check_counter_list(struct causes *c, const struct path *at, const struct value *list, size_t max,
                               const char *name_field)
{
    struct text_set seen = TEXT_SET(c->arena);

    if (!check_count_limit(c, at, list, max))
        return;
    for (size_t i = 0; i < value_count(list); i++)
        check_counters(c, PATH_I(at, i), value_item(list, i), name_field);
    for (size_t i = 0; i < value_count(list); i++)
        if (!text_set_add(&seen, text_at(value_item(list, i), name_field)))
            causes_duplicate(c, PATH_I(at, i), text_at(value_item(list, i), name_field));
}

/* ---- devices ---- */

static void check_device_places(struct causes *c, const struct path *at, const struct value *device,
                                bool own_place)
{
    if (own_place) {
        struct places places = check_places(c, at, device, false);
        check_one_place(c, at, &places, "`nodeName`, `nodeSelector`, `allNodes`");
    } else if (value_is_set(field_of(device, "nodeName")) || value_is_set(field_of(device, "nodeSelector")) ||
               value_is_set(field_of(device, "allNodes"))) {
        causes_invalid_shown(
            c, at, "null",
            "`nodeName`, `nodeSelector` and `allNodes` need `perDeviceNodeSelection` in the spec");
    }
}

static void check_device(struct causes *c, const struct path *at, const struct value *device, bool own_place)
{
    const struct value *attributes = field_of(device, "attributes"), *capacity = field_of(device, "capacity"),
                       *taints = field_of(device, "taints");
    struct path attributes_at = path_field(at, "attributes"), taints_at = path_field(at, "taints");
    size_t properties = value_count(attributes) + value_count(capacity), values = count_values(attributes);

    check_name(c, PATH(at, "name"), text_at(device, "name"), name_check_label);
    if (properties > MAX_PROPERTIES)
        causes_invalid_int(c, at, (int64_t)properties, "must have at most %d attributes and capacities",
                           MAX_PROPERTIES);
    if (values > MAX_VALUES)
        causes_invalid_int(c, at, (int64_t)values, "must have at most %d values of attributes", MAX_VALUES);
    for (VALUE_EACH_ENTRY(entry, attributes)) {
        check_attribute_name(c, &attributes_at, entry->key, false);
        check_attribute(c, PATH_K(&attributes_at, entry->key), &entry->value);
    }
    check_capacities(c, PATH(at, "capacity"), capacity,
                     value_bool(field_of(device, "allowMultipleAllocations")));
    for (size_t i = 0; check_count_limit(c, &taints_at, taints, MAX_TAINTS) && i < value_count(taints); i++)
        check_device_taint(c, PATH_I(&taints_at, i), value_item(taints, i), NULL);
    check_counter_list(c, PATH(at, "consumesCounters"), field_of(device, "consumesCounters"),
                       MAX_CONSUMPTIONS, "counterSet");
    check_device_places(c, at, device, own_place);
    check_binding_conditions(c, at, device);
}

static bool has_lists(const struct value *attributes)
{
    for (VALUE_EACH_ENTRY(entry, attributes))
        if (value_is_set(field_of(&entry->value, "bools")) || value_is_set(field_of(&entry->value, "ints")) ||
            value_is_set(field_of(&entry->value, "strings")) ||
            value_is_set(field_of(&entry->value, "versions")))
            return true;
    return false;
}

static bool is_rich(const struct value *devices)
{
    for (VALUE_EACH(device, devices))
        if (value_count(field_of(device, "taints")) || value_count(field_of(device, "consumesCounters")) ||
            has_lists(field_of(device, "attributes")))
            return true;
    return false;
}

static void check_devices(struct causes *c, const struct path *at, const struct value *devices,
                          bool own_place)
{
    struct text_set seen = TEXT_SET(c->arena);

    if (!check_count_limit(c, at, devices, is_rich(devices) ? MAX_RICH_DEVICES : MAX_DEVICES))
        return;
    for (size_t i = 0; i < value_count(devices); i++)
        check_device(c, PATH_I(at, i), value_item(devices, i), own_place);
    for (size_t i = 0; i < value_count(devices); i++)
        if (!text_set_add(&seen, text_at(value_item(devices, i), "name")))
            causes_duplicate(c, PATH_I(at, i), text_at(value_item(devices, i), "name"));
}

/* ---- the slice ---- */

static void check_pool(struct causes *c, const struct path *at, const struct value *pool)
{
    int64_t slices = value_int(field_of(pool, "resourceSliceCount"), 0),
            generation = value_int(field_of(pool, "generation"), 0);

    check_pool_name(c, PATH(at, "name"), text_at(pool, "name"));
    if (slices <= 0)
        causes_invalid_int(c, PATH(at, "resourceSliceCount"), slices, "must be greater than zero");
    if (generation < 0)
        causes_invalid_int(c, PATH(at, "generation"), generation, "must be greater than or equal to zero");
}

static void check_kept(struct causes *c, const struct path *at, const struct value *spec,
                       const struct value *old)
{
    struct path pool_at = path_field(at, "pool");

    check_immutable(c, PATH(&pool_at, "name"), field_of(field_of(spec, "pool"), "name"),
                    field_of(field_of(old, "pool"), "name"));
    check_immutable(c, PATH(at, "driver"), field_of(spec, "driver"), field_of(old, "driver"));
    check_immutable(c, PATH(at, "nodeName"), field_of(spec, "nodeName"), field_of(old, "nodeName"));
}

static void validate(struct kind_request *req, const struct value *object, const struct value *old)
{
    struct causes *c = req->causes;
    const struct value *spec = field_of(object, "spec"), *devices = field_of(spec, "devices"),
                       *counters = field_of(spec, "sharedCounters");
    struct slice driver = text_at(spec, "driver");
    struct path at = path_field(NULL, "spec");
    struct places places;

    check_driver_name(c, PATH(&at, "driver"), driver);
    check_pool(c, PATH(&at, "pool"), field_of(spec, "pool"));
    if (old)
        check_kept(c, &at, spec, field_of(old, "spec"));
    places = check_places(c, &at, spec, true);
    check_true_or_unset(c, &at, spec, "perDeviceNodeSelection", &places);
    check_one_place(c, &at, &places, "`nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection`");
    if (value_is_set(counters) && value_is_set(devices))
        causes_invalid_text(c, &at, SLICE(""), "only one of `sharedCounters` or `devices` is allowed");
    check_devices(c, PATH(&at, "devices"), devices, value_bool(field_of(spec, "perDeviceNodeSelection")));
    check_counter_list(c, PATH(&at, "sharedCounters"), counters, MAX_COUNTER_SETS, "name");
    check_skipped_operations(c, PATH(&at, "skipNodeOperations"), field_of(spec, "skipNodeOperations"));
    for (size_t i = 0; i < driver.len; i++)
        if (isupper((unsigned char)driver.ptr[i])) {
            kind_warn(req, "spec.driver: names of drivers should be in lower case; \"%.*s\" is not",
                      SLICE_ARG(driver));
            return;
        }
}

static void row(struct arena *arena, const struct value *object, int64_t now, struct value *cells)
{
    cells[1] = cell_text(text_at(field_of(object, "spec"), "nodeName"));
}

const struct kind kind_resourceslices = {.group = "resource.k8s.io",
                                         .resource = "resourceslices",
                                         .counts_generation = true,
                                         .returns_deleted = true,
                                         .validate = validate,
                                         .row = row};
