#include "openapi/default.h"
#include "openapi/gen/core_v1.h"
#include "openapi/gen/hooks.h"

/* ---- images ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Lower-case words, joined by one point, one or two underscores, or dashes. */
static bool is_path_component(struct slice s)
{
    size_t i = 0;
    while (i < s.len) {
        size_t from = i;
        while (i < s.len && is_word(s.ptr[i]))
            i++;
        if (i == from)
            return false;
        if (i == s.len)
            return true;
        char joint = s.ptr[i];
        size_t run = 0;
        while (i < s.len && s.ptr[i] == joint)
            i++, run++;
        if (!((joint == '.' && run == 1) || (joint == '_' && run <= 2) || joint == '-'))
            return false;
    }
    return false;
}

static bool is_host(struct slice first)
{
    bool upper = false;
    for (size_t i = 0; i < first.len; i++)
        upper = upper || (first.ptr[i] >= 'A' && first.ptr[i] <= 'Z');
    return upper || slice_is(first, "localhost") || slice_find(first, '.') >= 0 ||
           slice_find(first, ':') >= 0;
}

static bool is_tag(struct slice tag)
{
    if (tag.len == 0 || tag.len > 128 || tag.ptr[0] == '.' || tag.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < tag.len; i++) {
        char c = tag.ptr[i];
        if (!is_word(c) && !(c >= 'A' && c <= 'Z') && c != '_' && c != '.' && c != '-')
            return false;
    }
    return true;
}

/* Does the reference mean the tag "latest", said or unsaid? One that cannot be read means nothing. */
static bool is_latest(struct slice image)
{
    struct slice name = image, tag = {NULL, 0}, part;
    long at = slice_find(image, '@');
    if (at >= 0)
        name.len = (size_t)at;
    for (size_t i = name.len; i > 0 && name.ptr[i - 1] != '/'; i--)
        if (name.ptr[i - 1] == ':') {
            tag = slice_from(name, i);
            name.len = i - 1;
            break;
        }
    struct slice rest = name;
    bool first = true;
    while (slice_split(&rest, '/', &part)) {
        bool host = first && rest.ptr && is_host(part);
        first = false;
        if (!host && !is_path_component(part))
            return false;
    }
    if (tag.ptr && !is_tag(tag))
        return false;
    return tag.ptr ? slice_is(tag, "latest") : at < 0;
}

static const char *pull_policy(const struct value *image)
{
    return is_latest(value_text(image)) ? "Always" : "IfNotPresent";
}

void default_hook_core_v1_Container(struct value *record, struct arena *arena)
{
    default_text(record, core_v1_Container_imagePullPolicy,
                 pull_policy(value_at(record, core_v1_Container_image)));
}

void default_hook_core_v1_EphemeralContainer(struct value *record, struct arena *arena)
{
    default_text(record, core_v1_EphemeralContainer_imagePullPolicy,
                 pull_policy(value_at(record, core_v1_EphemeralContainer_image)));
}

void default_hook_core_v1_Volume(struct value *record, struct arena *arena)
{
    bool any = false;
    for (unsigned i = 0; i < record->record->type->field_count; i++)
        any = any || (i != core_v1_Volume_name && value_is_set(value_at(record, i)));
    if (!any)
        value_ensure_record(arena, record, core_v1_Volume_emptyDir);
    struct value *image = value_mut(record, core_v1_Volume_image);
    if (value_is_set(image))
        default_text(image, core_v1_ImageVolumeSource_pullPolicy,
                     pull_policy(value_at(image, core_v1_ImageVolumeSource_reference)));
}

/* ---- pods ---- */

void default_hook_core_v1_PodSpec(struct value *record, struct arena *arena)
{
    /* The old name of the same field follows the new one. */
    struct value *name = value_mut(record, core_v1_PodSpec_serviceAccountName);
    struct value *old_name = value_mut(record, core_v1_PodSpec_serviceAccount);
    if (!value_is_set(name))
        *name = *old_name;
    *old_name = *name;
}

static void default_containers(struct value *containers, bool host_network, struct arena *arena)
{
    for (size_t i = 0; i < value_count(containers); i++) {
        struct value *container = &containers->list->items[i];
        struct value *resources = value_mut(container, core_v1_Container_resources);
        if (value_is_set(resources) && value_count(value_at(resources, core_v1_ResourceRequirements_limits)))
            default_entries(arena, value_mut(resources, core_v1_ResourceRequirements_requests),
                            value_at(resources, core_v1_ResourceRequirements_limits));
        struct value *ports = value_mut(container, core_v1_Container_ports);
        for (size_t j = 0; host_network && j < value_count(ports); j++) {
            struct value *port = &ports->list->items[j];
            if (!value_is_set(value_at(port, core_v1_ContainerPort_hostPort)))
                *value_mut(port, core_v1_ContainerPort_hostPort) =
                    *value_at(port, core_v1_ContainerPort_containerPort);
        }
    }
}

/* What only pods get, not the templates of pods. */
void default_hook_core_v1_Pod(struct value *record, struct arena *arena)
{
    struct value *spec = value_ensure_record(arena, record, core_v1_Pod_spec);
    struct value *grace = value_mut(spec, core_v1_PodSpec_terminationGracePeriodSeconds);
    if (value_int(grace, 0) < 0)
        *grace = value_of_int(1);
    default_bool(spec, core_v1_PodSpec_enableServiceLinks, true);
    bool host_network = value_bool(value_at(spec, core_v1_PodSpec_hostNetwork));
    default_containers(value_mut(spec, core_v1_PodSpec_containers), host_network, arena);
    default_containers(value_mut(spec, core_v1_PodSpec_initContainers), host_network, arena);
}

void default_hook_core_v1_PodStatus(struct value *record, struct arena *arena)
{
    struct value *ip = value_mut(record, core_v1_PodStatus_podIP),
                 *ips = value_mut(record, core_v1_PodStatus_podIPs);
    if (!value_is_set(ip) && value_count(ips)) {
        *ip = *value_at(value_item(ips, 0), core_v1_PodIP_ip);
        return;
    }
    bool agree = value_count(ips) &&
                 slice_eq(value_text(value_at(value_item(ips, 0), core_v1_PodIP_ip)), value_text(ip));
    if (!value_is_set(ip) || agree)
        return;
    *ips = value_new_list(arena, 1);
    struct value *item = value_append(arena, ips);
    *item = value_new_record(arena, &core_v1_PodIP);
    *value_mut(item, core_v1_PodIP_ip) = *ip;
}
