/* The sources of a persistent volume: what each kind of storage must be told. Upstream:
 * validate*VolumeSource. */
#include <ctype.h>
#include "openapi/names.h"
#include "apiserver/kinds/storage.h"

static struct slice text_of(const struct value *source, const char *name)
{
    return value_text(field_of(source, name));
}

static void check_required(struct causes *c, const struct path *at, const struct value *source,
                           const char *name)
{
    if (!value_is_set(field_of(source, name)) ||
        !(value_count(field_of(source, name)) || text_of(source, name).len))
        causes_required(c, PATH(at, name), "");
}

static void check_number(struct causes *c, const struct path *at, const struct value *source,
                         const char *name, int64_t max)
{
    check_range(c, PATH(at, name), value_int(field_of(source, name), 0), 0, max);
}

static void check_no_backsteps(struct causes *c, const struct path *at, struct slice path)
{
    struct slice rest = path, part;

    while (slice_split(&rest, '/', &part)) {
        if (slice_is(part, "..")) {
            causes_invalid_text(c, at, path, "must not contain '..'");
            return;
        }
    }
}

static void check_host_path(struct causes *c, const struct path *at, const struct value *source,
                            struct slice name)
{
    static const char *const types[] = {
        "",     "BlockDevice",  "CharDevice", "Directory", "DirectoryOrCreate",
        "File", "FileOrCreate", "Socket",     NULL};

    if (!text_of(source, "path").len) {
        causes_required(c, PATH(at, "path"), "");
        return;
    }
    check_no_backsteps(c, PATH(at, "path"), text_of(source, "path"));
    if (value_is_set(field_of(source, "type")))
        check_enum(c, PATH(at, "type"), field_of(source, "type"), types, false);
}

static void check_disk(struct causes *c, const struct path *at, const struct value *source, const char *id)
{
    check_required(c, at, source, id);
    check_number(c, at, source, "partition", 255);
}

static void check_gce(struct causes *c, const struct path *at, const struct value *source, struct slice name)
{
    struct path disk = path_field(at->parent, "persistentDisk"); /* as upstream calls it here */

    check_disk(c, &disk, source, "pdName");
}

static void check_aws(struct causes *c, const struct path *at, const struct value *source, struct slice name)
{
    check_disk(c, at, source, "volumeID");
}

static void check_gluster(struct causes *c, const struct path *at, const struct value *source,
                          struct slice name)
{
    const struct value *namespace = field_of(source, "endpointsNamespace");

    check_required(c, at, source, "endpoints");
    check_required(c, at, source, "path");
    if (!value_is_set(namespace))
        return;
    if (!value_text(namespace).len)
        causes_invalid_text(c, PATH(at, "endpointsNamespace"), SLICE(""),
                            "must be the name of a namespace when it is set");
    else
        check_name(c, PATH(at, "endpointsNamespace"), value_text(namespace), name_check_label);
}

static void check_nfs(struct causes *c, const struct path *at, const struct value *source, struct slice name)
{
    struct slice path = text_of(source, "path");

    check_required(c, at, source, "server");
    check_required(c, at, source, "path");
    if (!path.len || path.ptr[0] != '/')
        causes_invalid_text(c, PATH(at, "path"), path, "must be an absolute path");
}

static void check_rbd(struct causes *c, const struct path *at, const struct value *source, struct slice name)
{
    check_required(c, at, source, "monitors");
    check_required(c, at, source, "image");
}

static void check_ceph(struct causes *c, const struct path *at, const struct value *source, struct slice name)
{
    check_required(c, at, source, "monitors");
}

static void check_cinder(struct causes *c, const struct path *at, const struct value *source,
                         struct slice name)
{
    const struct value *secret = field_of(source, "secretRef");
    struct path secret_at = path_field(at, "secretRef");

    check_required(c, at, source, "volumeID");
    if (!value_is_set(secret))
        return;
    check_required(c, &secret_at, secret, "name");
    check_required(c, &secret_at, secret, "namespace");
}

static void check_fc(struct causes *c, const struct path *at, const struct value *source, struct slice name)
{
    size_t targets = value_count(field_of(source, "targetWWNs")),
           ids = value_count(field_of(source, "wwids"));

    if (!targets && !ids)
        causes_required(c, PATH(at, "targetWWNs"), "must specify either targetWWNs or wwids, but not both");
    if (targets && ids)
        causes_invalid(c, PATH(at, "targetWWNs"), field_of(source, "targetWWNs"),
                       "targetWWNs and wwids cannot both be given");
    if (targets && !value_is_set(field_of(source, "lun")))
        causes_required(c, PATH(at, "lun"), "needed with targetWWNs");
    else if (targets)
        check_number(c, at, source, "lun", 255);
}

static void check_flex(struct causes *c, const struct path *at, const struct value *source, struct slice name)
{
    struct path options = path_field(at, "options");

    check_required(c, at, source, "driver");
    for (VALUE_EACH_ENTRY(entry, field_of(source, "options"))) {
        struct slice rest = entry->key, space = entry->key;
        slice_split(&rest, '/', &space);
        struct slice lower = arena_slicef(c->arena, ".%.*s", SLICE_ARG(space));
        for (size_t i = 0; i < lower.len; i++)
            ((char *)lower.ptr)[i] = (char)tolower((unsigned char)lower.ptr[i]);
        if (slice_ends(lower, SLICE(".kubernetes.io")) || slice_ends(lower, SLICE(".k8s.io")))
            causes_invalid_text(c, PATH_K(&options, entry->key), entry->key,
                                "kubernetes.io and k8s.io namespaces are reserved");
    }
}

static void check_azure_file(struct causes *c, const struct path *at, const struct value *source,
                             struct slice name)
{
    check_required(c, at, source, "secretName");
    check_required(c, at, source, "shareName");
    if (value_is_set(field_of(source, "secretNamespace")))
        check_required(c, at, source, "secretNamespace");
}

static void check_azure_disk(struct causes *c, const struct path *at, const struct value *source,
                             struct slice name)
{
    static const char *const caching[] = {"None", "ReadOnly", "ReadWrite", NULL};
    static const char *const kinds[] = {"Dedicated", "Managed", "Shared", NULL};
    static const char *const managed[] = {
        "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        NULL};
    static const char *const blob[] = {
        "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd", NULL};
    const struct value *kind = field_of(source, "kind");
    struct slice uri = text_of(source, "diskURI");

    check_required(c, at, source, "diskName");
    check_required(c, at, source, "diskURI");
    check_enum(c, PATH(at, "cachingMode"), field_of(source, "cachingMode"), caching, false);
    check_enum(c, PATH(at, "kind"), kind, kinds, false);
    if (value_is(kind, "Managed") && !slice_starts(uri, SLICE("/subscriptions/")))
        causes_not_supported(c, PATH(at, "diskURI"), uri, managed);
    if (value_is_set(kind) && !value_is(kind, "Managed") && !slice_starts(uri, SLICE("https://")))
        causes_not_supported(c, PATH(at, "diskURI"), uri, blob);
}

static void check_local(struct causes *c, const struct path *at, const struct value *source,
                        struct slice name)
{
    if (!text_of(source, "path").len)
        causes_required(c, PATH(at, "path"), "");
    else
        check_no_backsteps(c, PATH(at, "path"), text_of(source, "path"));
}

/* iqn.2001-04.com.example:x, eui.0123456789abcdef, naa.0123...; only the prefix and the characters are looked
 * at. */
static bool is_initiator(struct slice s)
{
    bool hex = slice_starts(s, SLICE("eui.")) || slice_starts(s, SLICE("naa."));

    if (!hex && !slice_starts(s, SLICE("iqn.")))
        return false;
    struct slice rest = slice_from(s, 4);
    for (size_t i = 0; i < rest.len; i++)
        if (hex ? !isxdigit((unsigned char)rest.ptr[i]) : !isgraph((unsigned char)rest.ptr[i]))
            return false;
    if (hex)
        return slice_starts(s, SLICE("eui.")) ? rest.len == 16 : rest.len == 16 || rest.len == 32;
    return rest.len > 8 && isdigit((unsigned char)rest.ptr[0]) && rest.ptr[4] == '-' && rest.ptr[7] == '.';
}

static void check_iscsi(struct causes *c, const struct path *at, const struct value *source,
                        struct slice name)
{
    struct slice portal = text_of(source, "targetPortal"), iqn = text_of(source, "iqn");
    const struct value *initiator = field_of(source, "initiatorName"),
                       *secret = field_of(source, "secretRef");
    bool chap =
        value_bool(field_of(source, "chapAuthDiscovery")) || value_bool(field_of(source, "chapAuthSession"));
    struct path secret_at = path_field(at, "secretRef");

    check_required(c, at, source, "targetPortal");
    if (value_is_set(initiator) && name.len + 1 + portal.len > 64)
        causes_invalid_text(c, PATH(at, "targetportal"), portal,
                            "the volume's name and the portal are more than 64 characters together, which "
                            "initiatorName does not allow");
    if (!iqn.len)
        causes_required(c, PATH(at, "iqn"), "");
    else if (!is_initiator(iqn))
        causes_invalid_text(c, PATH(at, "iqn"), iqn, "must be valid format");
    check_number(c, at, source, "lun", 255);
    if (chap && !value_is_set(secret))
        causes_required(c, &secret_at, "");
    if (value_is_set(secret))
        check_required(c, &secret_at, secret, "name");
    if (value_is_set(initiator) && !is_initiator(value_text(initiator)))
        causes_invalid_text(c, PATH(at, "initiatorname"), value_text(initiator), "must be valid format");
}

static void check_secret(struct causes *c, const struct path *at, const struct value *source,
                         const char *field)
{
    const struct value *secret = field_of(source, field);
    struct path ref = path_field(at, field);

    if (!value_is_set(secret))
        return;
    check_required(c, &ref, secret, "name");
    if (text_of(secret, "name").len)
        check_name(c, PATH(&ref, "name"), text_of(secret, "name"), name_check_subdomain);
    check_required(c, &ref, secret, "namespace");
    if (text_of(secret, "namespace").len)
        check_name(c, PATH(&ref, "namespace"), text_of(secret, "namespace"), name_check_label);
}

static void check_csi(struct causes *c, const struct path *at, const struct value *source, struct slice name)
{
    check_csi_driver_name(c, PATH(at, "driver"), text_of(source, "driver"));
    check_required(c, at, source, "volumeHandle");
    check_secret(c, at, source, "controllerPublishSecretRef");
    check_secret(c, at, source, "controllerExpandSecretRef");
    check_secret(c, at, source, "nodePublishSecretRef");
    check_secret(c, at, source, "nodeExpandSecretRef");
}

void check_volume_source(struct causes *c, const struct path *spec_at, const char *name,
                         const struct value *source, struct slice volume_name)
{
    static const struct {
        const char *name;
        void (*check)(struct causes *c, const struct path *at, const struct value *source,
                      struct slice volume_name);
    } sources[] = {
        {"hostPath", check_host_path},
        {"gcePersistentDisk", check_gce},
        {"awsElasticBlockStore", check_aws},
        {"glusterfs", check_gluster},
        {"nfs", check_nfs},
        {"rbd", check_rbd},
        {"cephfs", check_ceph},
        {"iscsi", check_iscsi},
        {"cinder", check_cinder},
        {"fc", check_fc},
        {"flexVolume", check_flex},
        {"azureFile", check_azure_file},
        {"azureDisk", check_azure_disk},
        {"local", check_local},
        {"csi", check_csi},
    };
    struct path at = path_field(spec_at, name);

    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (strcmp(sources[i].name, name) == 0)
            sources[i].check(c, &at, source, volume_name);
}
