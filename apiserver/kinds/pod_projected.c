#include "apiserver/kinds/pod_parts.h"

#include <ctype.h>

#include "apiserver/kinds/shown.h"

/* Projected volumes and the files of the downward API. Paths inside one volume must not meet. */

struct projection {
    struct pod_check *p;
    const struct path *at; /* the projected volume's */
    struct text_set paths;
};

/* `shown` is what upstream prints: the path, or the name of the object that it comes from. */
static void claim_path(struct projection *j, struct slice path, struct slice shown)
{
    if (!text_set_add(&j->paths, path))
        causes_invalid_text(j->p->c, j->at, shown, "conflicting duplicate paths");
}

/* ---- references to fields and resources, of volumes and environments ---- */

static bool subscripted(struct slice text, struct slice *ret_path, struct slice *ret_key)
{
    if (!slice_ends(text, SLICE("']")))
        return false;
    for (size_t i = 1; i + 2 <= text.len - 2; i++) {
        if (text.ptr[i] == '[' && text.ptr[i + 1] == '\'') {
            *ret_path = slice_make(text.ptr, i);
            *ret_key = slice_make(text.ptr + i + 2, text.len - i - 4);
            return true;
        }
    }
    return false;
}

static bool among(struct slice text, const char *const *list)
{
    for (; *list; list++) {
        if (slice_is(text, *list))
            return true;
    }
    return false;
}

static void check_subscript(struct causes *c, const struct path *at, struct slice field, struct slice key)
{
    if (slice_is(field, "metadata.labels")) {
        check_name(c, at, key, name_check_qualified);
        return;
    }
    char lower[512];
    if (key.len <= sizeof lower) { /* longer ones are refused as they stand */
        for (size_t i = 0; i < key.len; i++)
            lower[i] = (char)tolower((unsigned char)key.ptr[i]);
        key.ptr = lower;
    }
    check_name(c, at, key, name_check_qualified);
}

void check_object_field(struct causes *c, const struct path *at, const struct value *ref,
                        const char *const *fields)
{
    static const char *const known[] = {
        "metadata.annotations", "metadata.labels",    "metadata.name",
        "metadata.namespace",   "metadata.uid",       "spec.nodeName",
        "spec.restartPolicy",   "spec.schedulerName", "status.phase",
        "status.hostIP",        "status.hostIPs",     "spec.serviceAccountName",
        "status.podIP",         "status.podIPs",      NULL};
    struct slice version = TEXT(ref, ObjectFieldSelector, apiVersion),
                 text = TEXT(ref, ObjectFieldSelector, fieldPath);
    struct slice field, key;
    if (!need(c, at, "apiVersion", AT(ref, ObjectFieldSelector, apiVersion)) ||
        !need(c, at, "fieldPath", AT(ref, ObjectFieldSelector, fieldPath)))
        return;
    bool has_key = subscripted(text, &field, &key);
    bool takes_key =
        has_key && (slice_is(field, "metadata.annotations") || slice_is(field, "metadata.labels"));
    if (slice_is(text, "spec.host"))
        text = SLICE("spec.nodeName"); /* its name long ago */
    if (!slice_is(version, "v1"))
        causes_invalid_text(c, PATH(at, "fieldPath"), text, "unsupported pod version: %.*s",
                            SLICE_ARG(version));
    else if (has_key && !takes_key)
        causes_invalid_text(c, PATH(at, "fieldPath"), text, "only labels and annotations take a subscript");
    else if (takes_key)
        check_subscript(c, at, field, key);
    else if (!among(text, known))
        causes_invalid_text(c, PATH(at, "fieldPath"), text, "field label not supported: %.*s",
                            SLICE_ARG(text));
    else if (!among(text, fields))
        causes_not_supported(c, PATH(at, "fieldPath"), text, fields);
}

static void check_divisor(struct causes *c, const struct path *at, struct slice resource,
                          struct slice divisor)
{
    static const char *const for_cpu[] = {"1m", "1", NULL};
    static const char *const for_bytes[] = {"1",   "1k",  "1M",  "1G",  "1T",  "1P",  "1E",
                                            "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", NULL};
    struct quantity q = quantity_of(divisor);
    if (quantity_sign(&q) == 0)
        return;
    bool cpu = slice_ends(resource, SLICE("s.cpu"));
    bool bytes = slice_ends(resource, SLICE("s.memory")) ||
                 slice_ends(resource, SLICE("s.ephemeral-storage")) ||
                 slice_starts(resource, SLICE("requests.hugepages-")) ||
                 slice_starts(resource, SLICE("limits.hugepages-"));
    if (cpu && !among(divisor, for_cpu))
        causes_invalid_text(c, PATH(at, "divisor"), resource, "a divisor for cpu is 1m or 1");
    else if (bytes && !among(divisor, for_bytes))
        causes_invalid_text(c, PATH(at, "divisor"), resource,
                            "a divisor for bytes is 1 and one of k, M, G, T, P, E, Ki to Ei");
}

void check_resource_field(struct causes *c, const struct path *at, const struct value *ref, bool volume)
{
    static const char *const resources[] = {"limits.cpu",
                                            "limits.ephemeral-storage",
                                            "limits.memory",
                                            "requests.cpu",
                                            "requests.ephemeral-storage",
                                            "requests.memory",
                                            NULL};
    struct slice resource = TEXT(ref, ResourceFieldSelector, resource);
    if (volume && !TEXT(ref, ResourceFieldSelector, containerName).len)
        causes_required(c, PATH(at, "containerName"), "");
    else if (!resource.len)
        causes_required(c, PATH(at, "resource"), "");
    else if (!among(resource, resources) && !slice_starts(resource, SLICE("requests.hugepages-")) &&
             !slice_starts(resource, SLICE("limits.hugepages-")))
        causes_not_supported(c, PATH(at, "resource"), resource, resources);
    if (resource.len)
        check_divisor(c, at, resource, TEXT(ref, ResourceFieldSelector, divisor));
}

void check_downward_file(struct pod_check *p, const struct path *at, const struct value *file)
{
    static const char *const fields[] = {"metadata.annotations", "metadata.labels", "metadata.name",
                                         "metadata.namespace",   "metadata.uid",    NULL};
    const struct value *field = AT(file, DownwardAPIVolumeFile, fieldRef);
    const struct value *resource = AT(file, DownwardAPIVolumeFile, resourceFieldRef);
    need(p->c, at, "path", AT(file, DownwardAPIVolumeFile, path));
    check_local_path(p->c, PATH(at, "path"), TEXT(file, DownwardAPIVolumeFile, path));
    if (value_is_set(field)) {
        check_object_field(p->c, PATH(at, "fieldRef"), field, fields);
        if (value_is_set(resource))
            causes_invalid_text(p->c, at, SLICE("resource"),
                                "fieldRef and resourceFieldRef exclude each other");
    } else if (value_is_set(resource)) {
        check_resource_field(p->c, PATH(at, "resourceFieldRef"), resource, true);
    } else {
        causes_required(p->c, at, "one of fieldRef and resourceFieldRef is required");
    }
    check_file_mode(p->c, PATH(at, "mode"), AT(file, DownwardAPIVolumeFile, mode), 0777);
    check_user_id(p->c, PATH(at, "user"), value_get(file, SLICE("user")));
}

/* ---- the sources ---- */

static void check_items(struct projection *j, const struct path *at, const struct value *name,
                        const struct value *items)
{
    need(j->p->c, at, "name", name);
    for (size_t i = 0; i < value_count(items); i++) {
        struct slice path = TEXT(value_item(items, i), KeyToPath, path);
        check_key_to_path(j->p, PATH_I(PATH(at, "items"), i), value_item(items, i));
        if (path.len)
            claim_path(j, path, value_text(name));
    }
}

static void check_downward(struct projection *j, const struct path *at, const struct value *source)
{
    for (VALUE_EACH(file, AT(source, DownwardAPIProjection, items))) {
        struct slice path = TEXT(file, DownwardAPIVolumeFile, path);
        check_downward_file(j->p, at, file);
        if (path.len)
            claim_path(j, path, path);
    }
}

static void check_token(struct projection *j, const struct path *at, const struct value *source)
{
    const struct value *expires = AT(source, ServiceAccountTokenProjection, expirationSeconds);
    int64_t seconds = value_int(expires, 0);
    struct slice path = TEXT(source, ServiceAccountTokenProjection, path);
    if (!value_is_set(expires))
        causes_required(j->p->c, PATH(at, "expirationSeconds"), "");
    else if (seconds < 600)
        causes_invalid_int(j->p->c, PATH(at, "expirationSeconds"), seconds,
                           "may not be less than 10 minutes");
    else if (seconds > (int64_t)1 << 32)
        causes_invalid_int(j->p->c, PATH(at, "expirationSeconds"), seconds,
                           "may not be more than 2^32 seconds");
    if (!path.len)
        causes_required(j->p->c, PATH(j->at, "path"), "");
    else if (!j->p->any_token_path)
        check_local_path(j->p->c, PATH(j->at, "path"), path);
    check_user_id(j->p->c, PATH(at, "user"), value_get(source, SLICE("user")));
}

/* One finding list for the first part that is wrong; more of the same text would tell nothing. */
static void check_parts(struct causes *c, const struct path *at, struct slice text,
                        const char *(*rule)(struct slice))
{
    struct slice rest = text, part;
    while (slice_split(&rest, '.', &part)) {
        const char *faults[NAME_MAX_FAULTS];
        size_t count = name_faults(part, rule, faults);
        for (size_t i = 0; i < count; i++)
            causes_invalid_text(c, at, text, "part \"%.*s\": %s", SLICE_ARG(part), faults[i]);
        if (count)
            return;
    }
}

/* A signer's name: a domain and a path with a '/' between them. */
static void check_signer(struct causes *c, const struct path *at, struct slice name)
{
    enum { DOMAIN_MAX = 253, SIGNER_MAX = DOMAIN_MAX + 1 + 253 + 1 + 63 };
    long slash = slice_find(name, '/');
    if (!name.len) {
        causes_required(c, at, "");
        return;
    }
    if (slash < 0 || slice_find(slice_from(name, (size_t)slash + 1), '/') >= 0) {
        causes_invalid_text(
            c, at, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
        return;
    }
    struct slice domain = slice_make(name.ptr, (size_t)slash);
    if (domain.len > DOMAIN_MAX)
        causes_too_long(c, at, DOMAIN_MAX);
    check_parts(c, at, domain, name_check_label);
    if (slice_find(domain, '.') < 0)
        causes_invalid_text(c, at, domain, "should be a domain with at least two segments separated by dots");
    check_parts(c, at, slice_from(name, (size_t)slash + 1), name_check_subdomain);
    if (name.len > SIGNER_MAX)
        causes_too_long(c, at, SIGNER_MAX);
}

static void check_bundle_name(struct causes *c, const struct path *at, struct slice name)
{
    /* signer.example.com:path:name; the part before the last ':' is the signer */
    struct slice rest = name;
    for (size_t i = name.len; i-- > 0;) {
        if (name.ptr[i] == ':') {
            rest = slice_from(name, i + 1);
            break;
        }
    }
    const char *faults[NAME_MAX_FAULTS];
    size_t count = name_faults(rest, name_check_subdomain, faults);
    for (size_t i = 0; i < count; i++)
        causes_invalid_text(c, at, name, "not a valid clustertrustbundlename: %s", faults[i]);
}

static void check_bundle_choice(struct projection *j, const struct path *at, const struct value *source)
{
    const struct value *name = AT(source, ClusterTrustBundleProjection, name);
    const struct value *signer = AT(source, ClusterTrustBundleProjection, signerName);
    const struct value *selector = AT(source, ClusterTrustBundleProjection, labelSelector);
    struct causes *c = j->p->c;
    if (value_is_set(name) && value_is_set(signer)) {
        causes_invalid_shown(c, at, shown_record(j->p->arena, source),
                             "name and signerName exclude each other");
    } else if (value_is_set(name)) {
        if (!value_text(name).len)
            causes_required(c, PATH(at, "name"), "must be a valid object name");
        check_bundle_name(c, PATH(at, "name"), value_text(name));
        if (value_is_set(selector))
            causes_invalid(c, PATH(at, "labelSelector"), selector, "must be unset when there is a name");
    } else if (value_is_set(signer)) {
        if (!value_text(signer).len)
            causes_required(c, PATH(at, "signerName"), "must be a valid signer name");
        check_signer(c, PATH(at, "signerName"), value_text(signer));
        check_label_selector(c, PATH(at, "labelSelector"), selector);
    } else {
        causes_required(c, at, "either name or signerName must be specified");
    }
}

static void check_bundle(struct projection *j, const struct path *at, const struct value *source)
{
    struct slice path = TEXT(source, ClusterTrustBundleProjection, path);
    check_bundle_choice(j, at, source);
    if (!path.len)
        causes_required(j->p->c, PATH(at, "path"), "");
    check_user_id(j->p->c, PATH(at, "user"), value_get(source, SLICE("user")));
    check_local_path(j->p->c, PATH(at, "path"), path);
    claim_path(j, path, path);
}

static void check_user_annotations(struct causes *c, const struct path *at, const struct value *map)
{
    size_t total = 0;
    for (VALUE_EACH_ENTRY(entry, map)) {
        size_t before = c->count;
        struct slice lower = arena_dup(c->arena, entry->key);
        for (size_t i = 0; i < lower.len; i++)
            ((char *)lower.ptr)[i] = (char)tolower((unsigned char)lower.ptr[i]);
        check_name(c, at, lower, name_check_qualified);
        if (c->count == before && slice_find(lower, '/') < 0)
            causes_invalid_text(c, at, lower, "must be a domain-prefixed key (such as \"acme.io/foo\")");
        total += entry->key.len + value_text(&entry->value).len;
    }
    if (total > 256 * 1024)
        causes_too_long(c, at, 256 * 1024);
}

static void check_certificate_age(struct causes *c, const struct path *at, const struct value *age,
                                  struct slice signer)
{
    enum { HOUR = 3600, DAY = 24 * HOUR };
    long slash = slice_find(signer, '/');
    struct slice domain = slice_make(signer.ptr, slash < 0 ? 0 : (size_t)slash);
    bool ours = slice_is(domain, "kubernetes.io") || slice_ends(domain, SLICE(".kubernetes.io"));
    int64_t seconds = value_int(age, 0), most = ours ? DAY : 91 * DAY;
    if (!value_is_set(age))
        return;
    if (seconds < HOUR)
        causes_invalid_int(c, at, seconds, "must be at least %d", (int)HOUR);
    if (seconds > most)
        causes_invalid_int(c, at, seconds, "must be at most %lld", (long long)most);
}

static void check_certificate(struct projection *j, const struct path *at, const struct value *source)
{
    static const char *const types[] = {"RSA3072",   "RSA4096", "ECDSAP256", "ECDSAP384",
                                        "ECDSAP521", "ED25519", NULL};
    static const struct {
        const char *name;
        unsigned field;
    } files[] = {{"credentialBundlePath", core_v1_PodCertificateProjection_credentialBundlePath},
                 {"keyPath", core_v1_PodCertificateProjection_keyPath},
                 {"certificateChainPath", core_v1_PodCertificateProjection_certificateChainPath}};
    struct causes *c = j->p->c;
    struct slice type = TEXT(source, PodCertificateProjection, keyType);
    struct slice signer = TEXT(source, PodCertificateProjection, signerName);
    bool any = false;
    check_signer(c, PATH(at, "signerName"), signer);
    check_user_annotations(c, PATH(at, "userAnnotations"), value_get(source, SLICE("userAnnotations")));
    check_user_id(c, PATH(at, "user"), value_get(source, SLICE("user")));
    if (!among(type, types))
        causes_not_supported(c, PATH(at, "keyType"), type, types);
    check_certificate_age(c, PATH(at, "maxExpirationSeconds"),
                          AT(source, PodCertificateProjection, maxExpirationSeconds), signer);
    for (size_t i = 0; i < 3; i++) {
        struct slice path = value_text(value_at(source, files[i].field));
        if (!path.len)
            continue;
        any = true;
        check_local_path(c, PATH(at, files[i].name), path);
        claim_path(j, path, path);
    }
    if (!any)
        causes_required(c, at, "needs one of credentialBundlePath, keyPath and certificateChainPath");
}

static size_t check_one(struct projection *j, const struct path *at, const struct value *source)
{
    const struct value *secret = AT(source, VolumeProjection, secret);
    const struct value *config = AT(source, VolumeProjection, configMap);
    const struct value *downward = AT(source, VolumeProjection, downwardAPI);
    const struct value *token = AT(source, VolumeProjection, serviceAccountToken);
    const struct value *bundle = AT(source, VolumeProjection, clusterTrustBundle);
    const struct value *certificate = AT(source, VolumeProjection, podCertificate);
    if (value_is_set(secret))
        check_items(j, PATH(at, "secret"), AT(secret, SecretProjection, name),
                    AT(secret, SecretProjection, items));
    if (value_is_set(config))
        check_items(j, PATH(at, "configMap"), AT(config, ConfigMapProjection, name),
                    AT(config, ConfigMapProjection, items));
    if (value_is_set(downward))
        check_downward(j, PATH(at, "downwardAPI"), downward);
    if (value_is_set(token))
        check_token(j, PATH(at, "serviceAccountToken"), token);
    if (value_is_set(bundle))
        check_bundle(j, PATH(at, "clusterTrustBundle"), bundle);
    if (value_is_set(certificate))
        check_certificate(j, PATH(at, "podCertificate"), certificate);
    return (size_t)value_is_set(secret) + value_is_set(config) + value_is_set(downward) +
           value_is_set(token) + value_is_set(bundle) + value_is_set(certificate);
}

void check_projected(struct pod_check *p, const struct path *at, const struct value *projected)
{
    struct projection j = {p, at, TEXT_SET(p->arena)};
    check_file_mode(p->c, PATH(at, "defaultMode"), AT(projected, ProjectedVolumeSource, defaultMode), 0777);
    check_user_id(p->c, PATH(at, "defaultUser"), value_get(projected, SLICE("defaultUser")));
    const struct value *sources = AT(projected, ProjectedVolumeSource, sources);
    for (size_t i = 0; i < value_count(sources); i++) {
        const struct path *source_at = PATH_I(PATH(at, "sources"), i);
        if (check_one(&j, source_at, value_item(sources, i)) > 1)
            causes_forbidden(p->c, source_at, "may not specify more than 1 volume type per source");
    }
}
