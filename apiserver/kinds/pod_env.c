#include "apiserver/kinds/pod_parts.h"

/* The environment of a container, and what it mounts. */

static void check_key(struct causes *c, const struct path *at, struct slice name, const struct value *key)
{
    check_name(c, PATH(at, "name"), name, name_check_subdomain);
    if (need(c, at, "key", key))
        check_name(c, PATH(at, "key"), value_text(key), name_check_config_key);
}

static void check_file_key(struct causes *c, const struct path *at, const struct value *ref)
{
    const struct value *key = AT(ref, FileKeySelector, key), *volume = AT(ref, FileKeySelector, volumeName);
    if (need(c, at, "key", key))
        check_name(c, PATH(at, "key"), value_text(key), name_check_env_var);
    if (need(c, at, "volumeName", volume))
        check_name(c, PATH(at, "volumeName"), value_text(volume), name_check_label);
    if (need(c, at, "path", AT(ref, FileKeySelector, path)))
        check_no_backsteps(c, PATH(at, "path"), TEXT(ref, FileKeySelector, path));
}

static void check_value_from(struct causes *c, const struct path *at, const struct value *from,
                             bool has_value)
{
    static const char *const fields[] = {
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs",     "status.podIP", "status.podIPs", NULL};
    const struct value *field = AT(from, EnvVarSource, fieldRef),
                       *resource = AT(from, EnvVarSource, resourceFieldRef);
    const struct value *config = AT(from, EnvVarSource, configMapKeyRef),
                       *secret = AT(from, EnvVarSource, secretKeyRef);
    const struct value *file = AT(from, EnvVarSource, fileKeyRef);
    if (value_is_set(field))
        check_object_field(c, PATH(at, "fieldRef"), field, fields);
    if (value_is_set(resource))
        check_resource_field(c, PATH(at, "resourceFieldRef"), resource, false);
    if (value_is_set(config))
        check_key(c, PATH(at, "configMapKeyRef"), TEXT(config, ConfigMapKeySelector, name),
                  AT(config, ConfigMapKeySelector, key));
    if (value_is_set(secret))
        check_key(c, PATH(at, "secretKeyRef"), TEXT(secret, SecretKeySelector, name),
                  AT(secret, SecretKeySelector, key));
    if (value_is_set(file))
        check_file_key(c, PATH(at, "fileKeyRef"), file);
    size_t count = (size_t)value_is_set(field) + value_is_set(resource) + value_is_set(config) +
                   value_is_set(secret) + value_is_set(file);
    if (count == 0)
        causes_invalid_text(c, at, SLICE(""),
                            "needs one of `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` "
                            "and `fileKeyRef`");
    else if (has_value)
        causes_invalid_text(c, at, SLICE(""), "excludes `value`");
    else if (count > 1)
        causes_invalid_text(c, at, SLICE(""), "may not have more than one field specified at a time");
}

static void check_env_from(struct causes *c, const struct path *at, const struct value *list)
{
    for (size_t i = 0; i < value_count(list); i++) {
        const struct value *from = value_item(list, i);
        const struct path *item = PATH_I(at, i);
        const struct value *config = AT(from, EnvFromSource, configMapRef),
                           *secret = AT(from, EnvFromSource, secretRef);
        struct slice prefix = TEXT(from, EnvFromSource, prefix);
        if (prefix.len)
            check_name(c, PATH(item, "prefix"), prefix, name_check_env_var);
        if (value_is_set(config) &&
            need(c, PATH(item, "configMapRef"), "name", AT(config, ConfigMapEnvSource, name)))
            check_name(c, PATH(PATH(item, "configMapRef"), "name"), TEXT(config, ConfigMapEnvSource, name),
                       name_check_dns1123_prefix);
        if (value_is_set(secret) &&
            need(c, PATH(item, "secretRef"), "name", AT(secret, SecretEnvSource, name)))
            check_name(c, PATH(PATH(item, "secretRef"), "name"), TEXT(secret, SecretEnvSource, name),
                       name_check_dns1123_prefix);
        if (!value_is_set(config) && !value_is_set(secret))
            causes_invalid_text(c, at, SLICE(""), "needs `configMapRef` or `secretRef`");
        else if (value_is_set(config) && value_is_set(secret))
            causes_invalid_text(c, at, SLICE(""), "may not have more than one field specified at a time");
    }
}

void check_env(struct pod_check *p, const struct path *at, const struct value *container)
{
    const struct value *env = AT(container, Container, env);
    for (size_t i = 0; i < value_count(env); i++) {
        const struct value *v = value_item(env, i);
        const struct path *item = PATH_I(PATH(at, "env"), i);
        if (need(p->c, item, "name", AT(v, EnvVar, name)))
            check_name(p->c, PATH(item, "name"), TEXT(v, EnvVar, name), name_check_env_var);
        if (value_is_set(AT(v, EnvVar, valueFrom)))
            check_value_from(p->c, PATH(item, "valueFrom"), AT(v, EnvVar, valueFrom),
                             TEXT(v, EnvVar, value).len > 0);
    }
    check_env_from(p->c, PATH(at, "envFrom"), AT(container, Container, envFrom));
}

struct env_files {
    struct pod_check *p;
    struct text_set names, empty_dirs;
};

static void check_files_of(void *arg, const struct value *container, const struct path *at)
{
    struct env_files *f = arg;
    const struct value *env = AT(container, Container, env);
    for (size_t i = 0; i < value_count(env); i++) {
        const struct value *ref = AT(AT(value_item(env, i), EnvVar, valueFrom), EnvVarSource, fileKeyRef);
        struct slice name = TEXT(ref, FileKeySelector, volumeName);
        if (!value_is_set(ref))
            continue;
        const struct path *from = PATH(PATH(PATH_I(PATH(at, "env"), i), "valueFrom"), "fileKeyRef");
        if (!text_set_has(&f->names, name))
            causes_not_found(f->p->c, PATH(from, "volumeName"), name);
        else if (!text_set_has(&f->empty_dirs, name))
            causes_invalid_text(f->p->c, PATH(from, "volumeName"), name, "must be a volume of type emptyDir");
    }
}

void check_env_files(struct pod_check *p, const struct path *spec_at)
{
    struct env_files f = {p, TEXT_SET(p->arena), TEXT_SET(p->arena)};
    for (VALUE_EACH(volume, AT(p->spec, PodSpec, volumes))) {
        text_set_add(&f.names, TEXT(volume, Volume, name));
        if (value_is_set(AT(volume, Volume, emptyDir)))
            text_set_add(&f.empty_dirs, TEXT(volume, Volume, name));
    }
    each_container(p->spec, spec_at, check_files_of, &f);
}

/* ---- mounts ---- */

struct mounts {
    struct pod_check *p;
    const struct value *container;
    struct text_set mount_names, mount_paths, device_names, device_paths;
};

static void check_propagation(struct mounts *m, const struct path *at, const struct value *propagation)
{
    static const char *const supported[] = {"Bidirectional", "HostToContainer", "None", NULL};
    const struct value *security = AT(m->container, Container, securityContext);
    check_enum(m->p->c, at, propagation, supported, false);
    if (value_is_set(propagation) && !value_text(propagation).len)
        causes_not_supported(m->p->c, at, SLICE(""), supported);
    if (value_is(propagation, "Bidirectional") && !set_to(AT(security, SecurityContext, privileged), true))
        causes_forbidden(m->p->c, at, "only privileged containers may have bidirectional mount propagation");
}

static void check_recursive(struct causes *c, const struct path *at, const struct value *mount)
{
    static const char *const supported[] = {"Disabled", "Enabled", "IfPossible", NULL};
    const struct value *recursive = AT(mount, VolumeMount, recursiveReadOnly);
    const struct value *propagation = AT(mount, VolumeMount, mountPropagation);
    if (!value_is_set(recursive) || value_is(recursive, "Disabled"))
        return;
    if (!value_is(recursive, "Enabled") && !value_is(recursive, "IfPossible")) {
        causes_not_supported(c, at, value_text(recursive), supported);
        return;
    }
    if (!value_bool(AT(mount, VolumeMount, readOnly)))
        causes_forbidden(c, at, "needs readOnly to be true");
    if (value_is_set(propagation) && !value_is(propagation, "None"))
        causes_forbidden(c, at, "needs mountPropagation to be None or unset");
}

static void check_bind_options(struct mounts *m, const struct path *at, const struct value *options,
                               const struct value *volume)
{
    static const char *const supported[] = {"nodev", "noexec", "nosuid", NULL};
    struct text_set seen = TEXT_SET(m->p->arena);
    for (size_t i = 0; i < value_count(options); i++) {
        const struct value *option = value_item(options, i);
        if (!value_is(option, "nodev") && !value_is(option, "noexec") && !value_is(option, "nosuid"))
            causes_not_supported(m->p->c, PATH_I(at, i), value_text(option), supported);
        if (!text_set_add(&seen, value_text(option)))
            causes_duplicate(m->p->c, PATH_I(at, i), value_text(option));
    }
    if (value_count(options) && value_is_set(AT(volume, Volume, image)))
        causes_invalid(m->p->c, at, options, "image volumes take no bindMountOptions");
}

static void check_sub_paths(struct mounts *m, const struct path *list_at, const struct path *at,
                            const struct value *mount)
{
    struct slice sub = TEXT(mount, VolumeMount, subPath), expr = TEXT(mount, VolumeMount, subPathExpr);
    if (sub.len)
        check_descending_path(m->p->c, PATH(list_at, "subPath"), sub);
    if (expr.len && sub.len)
        causes_invalid_text(m->p->c, PATH(at, "subPathExpr"), expr,
                            "subPathExpr and subPath are mutually exclusive");
    if (expr.len)
        check_descending_path(m->p->c, PATH(list_at, "subPathExpr"), expr);
}

static void check_mount(struct mounts *m, const struct path *list_at, size_t i, const struct value *mount,
                        struct text_set *points)
{
    struct slice name = TEXT(mount, VolumeMount, name), path = TEXT(mount, VolumeMount, mountPath);
    const struct value *volume = find_volume(m->p, name);
    const struct path *at = PATH_I(list_at, i);
    struct causes *c = m->p->c;
    need(c, at, "name", AT(mount, VolumeMount, name));
    if (!value_is_set(volume))
        causes_not_found(c, PATH(at, "name"), name);
    need(c, at, "mountPath", AT(mount, VolumeMount, mountPath));
    if (!text_set_add(points, path))
        causes_invalid_text(c, PATH(at, "mountPath"), path, "must be unique");
    if (text_set_has(&m->device_names, name))
        causes_invalid_text(c, PATH(at, "name"), name, "must not already exist in volumeDevices");
    if (text_set_has(&m->device_paths, path))
        causes_invalid_text(c, PATH(at, "mountPath"), path,
                            "must not already exist as a path in volumeDevices");
    check_sub_paths(m, list_at, at, mount);
    check_propagation(m, PATH(list_at, "mountPropagation"), AT(mount, VolumeMount, mountPropagation));
    check_recursive(c, PATH(list_at, "recursiveReadOnly"), mount);
    check_bind_options(m, PATH(at, "bindMountOptions"), value_get(mount, SLICE("bindMountOptions")), volume);
}

static bool has_backsteps(struct slice path)
{
    struct slice part;
    while (slice_split(&path, '/', &part)) {
        if (slice_is(part, ".."))
            return true;
    }
    return false;
}

static void check_device(struct mounts *m, const struct path *at, const struct value *device,
                         struct text_set *names, struct text_set *paths)
{
    struct slice name = TEXT(device, VolumeDevice, name), path = TEXT(device, VolumeDevice, devicePath);
    const struct value *volume = find_volume(m->p, name);
    bool claim = value_is_set(AT(volume, Volume, persistentVolumeClaim)) ||
                 value_is_set(AT(volume, Volume, ephemeral));
    struct causes *c = m->p->c;
    need(c, at, "name", AT(device, VolumeDevice, name));
    if (name.len && !text_set_add(names, name))
        causes_invalid_text(c, PATH(at, "name"), name, "must be unique");
    if (value_is_set(volume) && !claim)
        causes_invalid_text(c, PATH(at, "name"), name,
                            "a block device is a persistentVolumeClaim or ephemeral volume");
    if (!value_is_set(volume))
        causes_not_found(c, PATH(at, "name"), name);
    need(c, at, "devicePath", AT(device, VolumeDevice, devicePath));
    if (text_set_has(paths, path))
        causes_invalid_text(c, PATH(at, "devicePath"), path, "must be unique");
    if (has_backsteps(path))
        causes_invalid_text(c, PATH(at, "devicePath"), path, "can not contain backsteps ('..')");
    else
        text_set_add(paths, path);
    if (text_set_has(&m->mount_names, name))
        causes_invalid_text(c, PATH(at, "name"), name, "must not already exist in volumeMounts");
    if (text_set_has(&m->mount_paths, path))
        causes_invalid_text(c, PATH(at, "devicePath"), path,
                            "must not already exist as a path in volumeMounts");
}

void check_mounts(struct pod_check *p, const struct path *at, const struct value *container)
{
    const struct value *mounts = AT(container, Container, volumeMounts);
    const struct value *devices = AT(container, Container, volumeDevices);
    struct mounts m = {
        p, container, TEXT_SET(p->arena), TEXT_SET(p->arena), TEXT_SET(p->arena), TEXT_SET(p->arena)};
    struct text_set points = TEXT_SET(p->arena), names = TEXT_SET(p->arena), paths = TEXT_SET(p->arena);
    for (VALUE_EACH(mount, mounts)) {
        text_set_add(&m.mount_names, TEXT(mount, VolumeMount, name));
        text_set_add(&m.mount_paths, TEXT(mount, VolumeMount, mountPath));
    }
    for (VALUE_EACH(device, devices)) {
        text_set_add(&m.device_names, TEXT(device, VolumeDevice, name));
        text_set_add(&m.device_paths, TEXT(device, VolumeDevice, devicePath));
    }
    for (size_t i = 0; i < value_count(mounts); i++)
        check_mount(&m, PATH(at, "volumeMounts"), i, value_item(mounts, i), &points);
    for (size_t i = 0; i < value_count(devices); i++)
        check_device(&m, PATH_I(PATH(at, "volumeDevices"), i), value_item(devices, i), &names, &paths);
}
