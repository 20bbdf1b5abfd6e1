#include "apiserver/kinds/pod_parts.h"

#include <ctype.h>

#include "apiserver/kinds/storage.h"

/*
 * The sources of a volume. One row each: which field, how upstream calls it in the finding that there are
 * two, and what else it asks of the source; the order is the one in which they are looked at.
 */

struct volume_at {
    struct pod_check *p;
    const struct path *at; /* the volume's */
    struct slice name;
};

static void check_empty_dir(struct volume_at *v, const struct path *at, const struct value *source)
{
    const struct value *limit = AT(source, EmptyDirVolumeSource, sizeLimit);
    struct quantity q = quantity_of(value_text(limit));
    if (value_is_set(limit) && quantity_sign(&q) < 0)
        causes_forbidden(v->p->c, PATH(at, "sizeLimit"), "must not be negative");
    check_file_mode(v->p->c, PATH(at, "mode"), value_get(source, SLICE("mode")), 01777);
}

static void check_host_path(struct volume_at *v, const struct path *at, const struct value *source)
{
    static const char *const types[] = {
        "",     "BlockDevice",  "CharDevice", "Directory", "DirectoryOrCreate",
        "File", "FileOrCreate", "Socket",     NULL};
    const struct value *type = AT(source, HostPathVolumeSource, type);
    if (!need(v->p->c, at, "path", AT(source, HostPathVolumeSource, path)))
        return;
    check_no_backsteps(v->p->c, PATH(at, "path"), TEXT(source, HostPathVolumeSource, path));
    if (value_is_set(type))
        check_enum(v->p->c, PATH(at, "type"), type, types, false);
}

static void check_git(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "repository", AT(source, GitRepoVolumeSource, repository));
    check_descending_path(v->p->c, PATH(at, "directory"), TEXT(source, GitRepoVolumeSource, directory));
}

static void check_gce(struct volume_at *v, const struct path *at, const struct value *source)
{
    int64_t partition = value_int(AT(source, GCEPersistentDiskVolumeSource, partition), 0);
    need(v->p->c, at, "pdName", AT(source, GCEPersistentDiskVolumeSource, pdName));
    if (partition < 0 || partition > 255)
        causes_invalid_int(v->p->c, PATH(at, "partition"), partition, "must be between 1 and 255, inclusive");
}

static void check_aws(struct volume_at *v, const struct path *at, const struct value *source)
{
    int64_t partition = value_int(AT(source, AWSElasticBlockStoreVolumeSource, partition), 0);
    need(v->p->c, at, "volumeID", AT(source, AWSElasticBlockStoreVolumeSource, volumeID));
    if (partition < 0 || partition > 255)
        causes_invalid_int(v->p->c, PATH(at, "partition"), partition, "must be between 1 and 255, inclusive");
}

void check_key_to_path(struct pod_check *p, const struct path *at, const struct value *item)
{
    need(p->c, at, "key", AT(item, KeyToPath, key));
    need(p->c, at, "path", AT(item, KeyToPath, path));
    check_local_path(p->c, PATH(at, "path"), TEXT(item, KeyToPath, path));
    check_file_mode(p->c, PATH(at, "mode"), AT(item, KeyToPath, mode), 0777);
    check_user_id(p->c, PATH(at, "user"), value_get(item, SLICE("user")));
}

/* What secrets and config maps have alike. */
static void check_keys(struct volume_at *v, const struct path *at, const struct value *source,
                       const struct value *items)
{
    check_file_mode(v->p->c, PATH(at, "defaultMode"), value_get(source, SLICE("defaultMode")), 0777);
    check_user_id(v->p->c, PATH(at, "defaultUser"), value_get(source, SLICE("defaultUser")));
    for (size_t i = 0; i < value_count(items); i++)
        check_key_to_path(v->p, PATH_I(PATH(at, "items"), i), value_item(items, i));
}

static void check_secret(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "secretName", AT(source, SecretVolumeSource, secretName));
    check_keys(v, at, source, AT(source, SecretVolumeSource, items));
}

static void check_config_map(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "name", AT(source, ConfigMapVolumeSource, name));
    check_keys(v, at, source, AT(source, ConfigMapVolumeSource, items));
}

static void check_nfs(struct volume_at *v, const struct path *at, const struct value *source)
{
    struct slice path = TEXT(source, NFSVolumeSource, path);
    need(v->p->c, at, "server", AT(source, NFSVolumeSource, server));
    need(v->p->c, at, "path", AT(source, NFSVolumeSource, path));
    if (!path.len || path.ptr[0] != '/')
        causes_invalid_text(v->p->c, PATH(at, "path"), path, "must be an absolute path");
}

static bool all_alnum(struct slice s, size_t len)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!isalnum((unsigned char)s.ptr[i]))
            return false;
    }
    return s.len == len;
}

/* Somewhere in the text: "iqn." yyyy-mm "." a name ":" something without , ; * & $ | and blanks, to the end.
 */
static bool is_iqn(struct slice s)
{
    for (size_t i = 0; i + 13 < s.len; i++) {
        static const char form[] = "iqn.dddd-dd.";
        struct slice tail = slice_from(s, i);
        bool good = true;
        for (size_t j = 0; j < sizeof form - 1; j++)
            good = good && (form[j] == 'd' ? isdigit((unsigned char)tail.ptr[j]) : tail.ptr[j] == form[j]);
        size_t at = sizeof form - 1, start = at;
        while (good && at < tail.len && (isalnum((unsigned char)tail.ptr[at]) || strchr("-.", tail.ptr[at])))
            at++;
        if (!good || at == start || at + 1 >= tail.len || tail.ptr[at] != ':')
            continue;
        for (at++; at < tail.len && !strchr(",;*&$| \t\n\f\r", tail.ptr[at]); at++)
            ;
        if (at == tail.len)
            return true;
    }
    return false;
}

static void check_initiator(struct causes *c, const struct path *at, struct slice text)
{
    bool iqn = slice_starts(text, SLICE("iqn")), eui = slice_starts(text, SLICE("eui"));
    bool naa = slice_starts(text, SLICE("naa"));
    struct slice rest = slice_from(text, 4);
    if (!iqn && !eui && !naa)
        causes_invalid_text(c, at, text, "must begin with iqn, eui, or naa");
    else if ((iqn && !is_iqn(text)) || (eui && !all_alnum(rest, 16)) || (naa && !all_alnum(rest, 32)))
        causes_invalid_text(c, at, text, "must be valid format");
}

static void check_iscsi(struct volume_at *v, const struct path *at, const struct value *source)
{
    const struct value *initiator = AT(source, ISCSIVolumeSource, initiatorName);
    bool chap = value_bool(AT(source, ISCSIVolumeSource, chapAuthDiscovery)) ||
                value_bool(AT(source, ISCSIVolumeSource, chapAuthSession));
    need(v->p->c, at, "targetPortal", AT(source, ISCSIVolumeSource, targetPortal));
    if (need(v->p->c, at, "iqn", AT(source, ISCSIVolumeSource, iqn)))
        check_initiator(v->p->c, PATH(at, "iqn"), TEXT(source, ISCSIVolumeSource, iqn));
    check_range(v->p->c, PATH(at, "lun"), value_int(AT(source, ISCSIVolumeSource, lun), 0), 0, 255);
    if (chap && !value_is_set(AT(source, ISCSIVolumeSource, secretRef)))
        causes_required(v->p->c, PATH(at, "secretRef"), "");
    if (value_is_set(initiator))
        check_initiator(v->p->c, PATH(at, "initiatorname"), value_text(initiator));
}

/* Asked even when there is another source before it. */
static void check_iscsi_length(struct volume_at *v, const struct value *volume)
{
    const struct value *source = AT(volume, Volume, iscsi);
    if (value_is_set(AT(source, ISCSIVolumeSource, initiatorName)) &&
        v->name.len + 1 + TEXT(source, ISCSIVolumeSource, targetPortal).len > 64)
        causes_invalid_text(
            v->p->c, PATH(v->at, "name"), v->name,
            "<volume name>:<iscsi.targetPortal> must be under 64 characters when there is an initiatorName");
}

static void check_glusterfs(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "endpoints", AT(source, GlusterfsVolumeSource, endpoints));
    need(v->p->c, at, "path", AT(source, GlusterfsVolumeSource, path));
}

static void check_flocker(struct volume_at *v, const struct path *at, const struct value *source)
{
    struct slice name = TEXT(source, FlockerVolumeSource, datasetName);
    struct slice uuid = TEXT(source, FlockerVolumeSource, datasetUUID);
    if (!name.len && !uuid.len)
        causes_required(v->p->c, at, "one of datasetName and datasetUUID is required");
    if (name.len && uuid.len)
        causes_invalid_text(v->p->c, at, SLICE("resource"), "datasetName and datasetUUID exclude each other");
    if (slice_find(name, '/') >= 0)
        causes_invalid_text(v->p->c, PATH(at, "datasetName"), name, "must not contain '/'");
}

static void check_claim(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "claimName", AT(source, PersistentVolumeClaimVolumeSource, claimName));
}

static void check_rbd(struct volume_at *v, const struct path *at, const struct value *source)
{
    if (!value_count(AT(source, RBDVolumeSource, monitors)))
        causes_required(v->p->c, PATH(at, "monitors"), "");
    need(v->p->c, at, "image", AT(source, RBDVolumeSource, image));
}

static void check_secret_name(struct causes *c, const struct path *at, const struct value *ref)
{
    if (value_is_set(ref))
        need(c, PATH(at, "secretRef"), "name", AT(ref, LocalObjectReference, name));
}

static void check_cinder(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "volumeID", AT(source, CinderVolumeSource, volumeID));
    check_secret_name(v->p->c, at, AT(source, CinderVolumeSource, secretRef));
}

static void check_cephfs(struct volume_at *v, const struct path *at, const struct value *source)
{
    if (!value_count(AT(source, CephFSVolumeSource, monitors)))
        causes_required(v->p->c, PATH(at, "monitors"), "");
}

/* host:port, the host in brackets if it has colons itself. */
static bool is_host_port(struct slice s)
{
    size_t colons = 0, brackets = 0;
    for (size_t i = 0; i < s.len; i++) {
        colons += s.ptr[i] == ':';
        brackets += s.ptr[i] == '[' || s.ptr[i] == ']';
    }
    if (brackets == 0)
        return colons == 1;
    long end = slice_find(s, ']');
    return brackets == 2 && s.ptr[0] == '[' && end > 0 && (size_t)end + 1 < s.len && s.ptr[end + 1] == ':' &&
           slice_find(slice_from(s, (size_t)end + 2), ':') < 0;
}

static void check_quobyte(struct volume_at *v, const struct path *at, const struct value *source)
{
    struct slice registry = TEXT(source, QuobyteVolumeSource, registry), rest = registry, pair;
    if (!registry.len) {
        causes_required(v->p->c, PATH(at, "registry"),
                        "must be a host:port pair, or several with commas between them");
    } else if (TEXT(source, QuobyteVolumeSource, tenant).len >= 65) {
        causes_required(v->p->c, PATH(at, "tenant"), "must be a UUID of at most 64 characters");
    } else {
        while (slice_split(&rest, ',', &pair)) {
            if (!is_host_port(pair))
                causes_invalid_text(v->p->c, PATH(at, "registry"), registry,
                                    "must be a host:port pair, or several with commas between them");
        }
    }
    need(v->p->c, at, "volume", AT(source, QuobyteVolumeSource, volume));
}

static void check_downward(struct volume_at *v, const struct path *at, const struct value *source)
{
    check_file_mode(v->p->c, PATH(at, "defaultMode"), AT(source, DownwardAPIVolumeSource, defaultMode), 0777);
    check_user_id(v->p->c, PATH(at, "defaultUser"), value_get(source, SLICE("defaultUser")));
    for (VALUE_EACH(file, AT(source, DownwardAPIVolumeSource, items)))
        check_downward_file(v->p, at, file);
}

static void check_fc(struct volume_at *v, const struct path *at, const struct value *source)
{
    const struct value *targets = AT(source, FCVolumeSource, targetWWNs),
                       *lun = AT(source, FCVolumeSource, lun);
    bool ids = value_count(AT(source, FCVolumeSource, wwids)) > 0;
    if (!value_count(targets) && !ids)
        causes_required(v->p->c, PATH(at, "targetWWNs"), "one of targetWWNs and wwids is required");
    if (!value_count(targets))
        return;
    if (ids)
        causes_invalid(v->p->c, PATH(at, "targetWWNs"), targets, "targetWWNs and wwids exclude each other");
    if (!value_is_set(lun))
        causes_required(v->p->c, PATH(at, "lun"), "targetWWNs need a lun");
    else
        check_range(v->p->c, PATH(at, "lun"), value_int(lun, 0), 0, 255);
}

static void check_flex(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "driver", AT(source, FlexVolumeSource, driver));
    for (VALUE_EACH_ENTRY(option, AT(source, FlexVolumeSource, options))) {
        long slash = slice_find(option->key, '/');
        struct slice domain = slice_make(option->key.ptr, slash < 0 ? option->key.len : (size_t)slash);
        char *lower = arena_printf(v->p->arena, ".%.*s", SLICE_ARG(domain));
        for (char *c = lower; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        if (slice_ends(slice_str(lower), SLICE(".kubernetes.io")) ||
            slice_ends(slice_str(lower), SLICE(".k8s.io")))
            causes_invalid_text(v->p->c, PATH_K(PATH(at, "options"), option->key), option->key,
                                "the domains kubernetes.io and k8s.io are reserved");
    }
}

static void check_azure_file(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "secretName", AT(source, AzureFileVolumeSource, secretName));
    need(v->p->c, at, "shareName", AT(source, AzureFileVolumeSource, shareName));
}

static void check_vsphere(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "volumePath", AT(source, VsphereVirtualDiskVolumeSource, volumePath));
}

static void check_photon(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "pdID", AT(source, PhotonPersistentDiskVolumeSource, pdID));
}

static void check_portworx(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "volumeID", AT(source, PortworxVolumeSource, volumeID));
}

static void check_azure_disk(struct volume_at *v, const struct path *at, const struct value *source)
{
    static const char *const caching[] = {"None", "ReadOnly", "ReadWrite", NULL};
    static const char *const kinds[] = {"Dedicated", "Managed", "Shared", NULL};
    static const char *const managed[] = {
        "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        NULL};
    static const char *const blob[] = {
        "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd", NULL};
    const struct value *kind = AT(source, AzureDiskVolumeSource, kind);
    struct slice uri = TEXT(source, AzureDiskVolumeSource, diskURI);
    need(v->p->c, at, "diskName", AT(source, AzureDiskVolumeSource, diskName));
    need(v->p->c, at, "diskURI", AT(source, AzureDiskVolumeSource, diskURI));
    check_enum(v->p->c, PATH(at, "cachingMode"), AT(source, AzureDiskVolumeSource, cachingMode), caching,
               false);
    check_enum(v->p->c, PATH(at, "kind"), kind, kinds, false);
    if (value_is(kind, "Managed") && !slice_starts(uri, SLICE("/subscriptions/")))
        causes_not_supported(v->p->c, PATH(at, "diskURI"), uri, managed);
    if (value_is_set(kind) && !value_is(kind, "Managed") && !slice_starts(uri, SLICE("https://")))
        causes_not_supported(v->p->c, PATH(at, "diskURI"), uri, blob);
}

static void check_storageos(struct volume_at *v, const struct path *at, const struct value *source)
{
    struct slice namespace = TEXT(source, StorageOSVolumeSource, volumeNamespace);
    if (need(v->p->c, at, "volumeName", AT(source, StorageOSVolumeSource, volumeName)))
        check_name(v->p->c, PATH(at, "volumeName"), TEXT(source, StorageOSVolumeSource, volumeName),
                   name_check_label);
    if (namespace.len)
        check_name(v->p->c, PATH(at, "volumeNamespace"), namespace, name_check_label);
    check_secret_name(v->p->c, at, AT(source, StorageOSVolumeSource, secretRef));
}

static void check_projected_source(struct volume_at *v, const struct path *at, const struct value *source)
{
    check_projected(v->p, at, source);
}

static void check_scaleio(struct volume_at *v, const struct path *at, const struct value *source)
{
    need(v->p->c, at, "gateway", AT(source, ScaleIOVolumeSource, gateway));
    need(v->p->c, at, "system", AT(source, ScaleIOVolumeSource, system));
    need(v->p->c, at, "volumeName", AT(source, ScaleIOVolumeSource, volumeName));
}

static void check_csi(struct volume_at *v, const struct path *at, const struct value *source)
{
    const struct value *ref = AT(source, CSIVolumeSource, nodePublishSecretRef);
    check_csi_driver_name(v->p->c, PATH(at, "driver"), TEXT(source, CSIVolumeSource, driver));
    if (value_is_set(ref) &&
        need(v->p->c, PATH(at, "nodePublishSecretRef"), "name", AT(ref, LocalObjectReference, name)))
        check_name(v->p->c, PATH(at, "name"), TEXT(ref, LocalObjectReference, name), name_check_subdomain);
}

/* A template of a claim may have labels and annotations and nothing else of metadata. */
static void check_claim_template(struct causes *c, const struct path *at, const struct value *template)
{
    const struct value *meta = AT(template, PersistentVolumeClaimTemplate, metadata);
    const struct path *meta_at = PATH(at, "metadata");
    check_annotations(c, PATH(meta_at, "annotations"), value_at(meta, meta_v1_ObjectMeta_annotations));
    check_labels(c, PATH(meta_at, "labels"), value_at(meta, meta_v1_ObjectMeta_labels));
    for (unsigned i = 0; meta->kind == VALUE_RECORD && i < meta->record->type->field_count; i++) {
        if (i != meta_v1_ObjectMeta_annotations && i != meta_v1_ObjectMeta_labels &&
            value_is_set(value_at(meta, i)))
            causes_forbidden(c, PATH(meta_at, meta->record->type->fields[i].name), "cannot be set");
    }
    check_claim_spec(c, PATH(at, "spec"), AT(template, PersistentVolumeClaimTemplate, spec), &value_absent);
}

static void check_ephemeral(struct volume_at *v, const struct path *at, const struct value *source)
{
    const struct value *template = AT(source, EphemeralVolumeSource, volumeClaimTemplate);
    if (!value_is_set(template))
        causes_required(v->p->c, PATH(at, "volumeClaimTemplate"), "");
    else
        check_claim_template(v->p->c, PATH(at, "volumeClaimTemplate"), template);
    struct slice pod = value_text(value_at(v->p->meta, meta_v1_ObjectMeta_name));
    if (!pod.len || !v->name.len)
        return;
    struct slice claim = arena_slicef(v->p->arena, "%.*s-%.*s", SLICE_ARG(pod), SLICE_ARG(v->name));
    const char *faults[NAME_MAX_FAULTS];
    size_t count = name_faults(claim, name_check_subdomain, faults);
    for (size_t i = 0; i < count; i++)
        causes_invalid_text(v->p->c, PATH(v->at, "name"), v->name, "PVC name \"%.*s\": %s", SLICE_ARG(claim),
                            faults[i]);
}

static void check_image(struct volume_at *v, const struct path *at, const struct value *source)
{
    if (!v->p->empty_image_reference)
        need(v->p->c, at, "reference", AT(source, ImageVolumeSource, reference));
    check_pull_policy(v->p->c, PATH(at, "pullPolicy"), AT(source, ImageVolumeSource, pullPolicy));
}

static const struct {
    unsigned field;
    const char *path;   /* of its own findings */
    const char *second; /* where a second source is refused, if it is another path */
    void (*check)(struct volume_at *v, const struct path *at, const struct value *source);
} sources[] = {
    {core_v1_Volume_emptyDir, "emptyDir", NULL, check_empty_dir},
    {core_v1_Volume_hostPath, "hostPath", NULL, check_host_path},
    {core_v1_Volume_gitRepo, "gitRepo", NULL, check_git},
    {core_v1_Volume_gcePersistentDisk, "persistentDisk", "gcePersistentDisk", check_gce},
    {core_v1_Volume_awsElasticBlockStore, "awsElasticBlockStore", NULL, check_aws},
    {core_v1_Volume_secret, "secret", NULL, check_secret},
    {core_v1_Volume_nfs, "nfs", NULL, check_nfs},
    {core_v1_Volume_iscsi, "iscsi", NULL, check_iscsi},
    {core_v1_Volume_glusterfs, "glusterfs", NULL, check_glusterfs},
    {core_v1_Volume_flocker, "flocker", NULL, check_flocker},
    {core_v1_Volume_persistentVolumeClaim, "persistentVolumeClaim", NULL, check_claim},
    {core_v1_Volume_rbd, "rbd", NULL, check_rbd},
    {core_v1_Volume_cinder, "cinder", NULL, check_cinder},
    {core_v1_Volume_cephfs, "cephfs", "cephFS", check_cephfs},
    {core_v1_Volume_quobyte, "quobyte", NULL, check_quobyte},
    {core_v1_Volume_downwardAPI, "downwardAPI", "downwarAPI", check_downward},
    {core_v1_Volume_fc, "fc", NULL, check_fc},
    {core_v1_Volume_flexVolume, "flexVolume", NULL, check_flex},
    {core_v1_Volume_configMap, "configMap", NULL, check_config_map},
    {core_v1_Volume_azureFile, "azureFile", NULL, check_azure_file},
    {core_v1_Volume_vsphereVolume, "vsphereVolume", NULL, check_vsphere},
    {core_v1_Volume_photonPersistentDisk, "photonPersistentDisk", NULL, check_photon},
    {core_v1_Volume_portworxVolume, "portworxVolume", NULL, check_portworx},
    {core_v1_Volume_azureDisk, "azureDisk", NULL, check_azure_disk},
    {core_v1_Volume_storageos, "storageos", NULL, check_storageos},
    {core_v1_Volume_projected, "projected", NULL, check_projected_source},
    {core_v1_Volume_scaleIO, "scaleIO", NULL, check_scaleio},
    {core_v1_Volume_csi, "csi", NULL, check_csi},
    {core_v1_Volume_ephemeral, "ephemeral", NULL, check_ephemeral},
    {core_v1_Volume_image, "image", NULL, check_image},
};

static void check_source(struct volume_at *v, const struct value *volume)
{
    bool found = false;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        const struct value *source = value_at(volume, sources[i].field);
        if (!value_is_set(source))
            continue;
        if (found)
            causes_forbidden(v->p->c, PATH(v->at, sources[i].second ? sources[i].second : sources[i].path),
                             "may not specify more than 1 volume type");
        else
            sources[i].check(v, PATH(v->at, sources[i].path), source);
        if (sources[i].field == core_v1_Volume_iscsi)
            check_iscsi_length(v, volume);
        found = true;
    }
    if (!found)
        causes_required(v->p->c, v->at, "must specify a volume type");
}

/* The names of claims that are made for ephemeral volumes: no other volume may use them. */
static struct text_set created_claims(struct pod_check *p, const struct value *volumes)
{
    struct text_set claims = TEXT_SET(p->arena);
    struct slice pod = value_text(value_at(p->meta, meta_v1_ObjectMeta_name));
    for (VALUE_EACH(volume, volumes)) {
        if (pod.len && value_is_set(AT(volume, Volume, ephemeral)))
            text_set_add(&claims, arena_slicef(p->arena, "%.*s-%.*s", SLICE_ARG(pod),
                                               SLICE_ARG(TEXT(volume, Volume, name))));
    }
    return claims;
}

void check_volumes(struct pod_check *p, const struct path *at)
{
    const struct value *volumes = AT(p->spec, PodSpec, volumes);
    struct text_set names = TEXT_SET(p->arena), claims = created_claims(p, volumes);
    for (size_t i = 0; i < value_count(volumes); i++) {
        const struct value *volume = value_item(volumes, i);
        struct volume_at v = {p, PATH_I(at, i), TEXT(volume, Volume, name)};
        struct slice claim =
            TEXT(AT(volume, Volume, persistentVolumeClaim), PersistentVolumeClaimVolumeSource, claimName);
        size_t before = p->c->count;
        check_source(&v, volume);
        if (need(p->c, v.at, "name", AT(volume, Volume, name)))
            check_name(p->c, PATH(v.at, "name"), v.name, name_check_label);
        if (text_set_has(&names, v.name))
            causes_duplicate(p->c, PATH(v.at, "name"), v.name);
        if (p->c->count == before)
            text_set_put(&names, v.name, i);
        if (claim.len && text_set_has(&claims, claim))
            causes_invalid_text(p->c, PATH(PATH(v.at, "persistentVolumeClaim"), "claimName"), claim,
                                "is the claim made for an ephemeral volume of this pod");
    }
    p->good_volumes = names;
}

const struct value *find_volume(const struct pod_check *p, struct slice name)
{
    long i = text_set_index(&p->good_volumes, name);
    return i < 0 ? &value_absent : value_item(AT(p->spec, PodSpec, volumes), (size_t)i);
}
