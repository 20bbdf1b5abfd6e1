/* Volumes, claims, storage classes, drivers, nodes and the small cluster-scoped kinds: causes, what a write
 * sets, cells. Documents are written with ' for ". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "apiserver/kinds/storage.h"
#include "openapi/decode.h"

#define NOW 1700000000 /* 2023-11-14T22:13:20Z */

#define PV(spec)  "{'metadata':{'name':'p'},'spec':{" spec "}}"
#define PVC(spec) "{'metadata':{'name':'c'},'spec':{" spec "}}"
#define GOOD_PV   "'accessModes':['ReadWriteOnce'],'capacity':{'storage':'1Gi'}"
#define GOOD_PVC  "'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}"
#define DRIVER                                                                                               \
    "'attachRequired':true,'podInfoOnMount':false,'storageCapacity':false,'seLinuxMount':false,'"            \
    "preventPodSchedulingIfMissing':false"

struct kind_case {
    const char *resource, *subresource, *old, *object;
    const char *causes; /* "field: message" each with a newline; of a message the beginning is enough when it
                           ends in "..." */
};

static const struct kind_case volume_cases[] = {
    {"persistentvolumes", "", NULL, PV(""),
     "spec.accessModes: Required value\nspec.capacity: Required value\n"
     "spec.capacity: Unsupported value: null: supported values: \"storage\"\nspec: Required value: must "
     "specify a volume type\n"},
    {"persistentvolumes", "", NULL, PV(GOOD_PV ",'hostPath':{'path':'/a'}"), ""},
    {"persistentvolumes", "", NULL,
     PV("'accessModes':['ReadWriteOnce'],'capacity':{'cpu':1},'hostPath':{'path':'/a'},'nfs':{'path':'/"
        "b','server':'a'},"
        "'persistentVolumeReclaimPolicy':'Burn'"),
     "spec.capacity: Unsupported value: {\"cpu\":\"1\"}: supported values: \"storage\"\n"
     "spec.persistentVolumeReclaimPolicy: Unsupported value: \"Burn\": supported values: \"Delete\", "
     "\"Recycle\", \"Retain\"\n"
     "spec.nfs: Forbidden: may not specify more than 1 volume type\n"},
    {"persistentvolumes", "", NULL, PV(GOOD_PV ",'local':{'path':'/a'}"),
     "spec.nodeAffinity: Required value: Local volume requires node affinity\n"},
    {"persistentvolumes", "", NULL, PV(GOOD_PV ",'hostPath':{'path':'/a/../b'}"),
     "spec.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'\n"},
    {"persistentvolumes", "", NULL,
     PV(GOOD_PV ",'hostPath':{'path':'/'},'persistentVolumeReclaimPolicy':'Recycle'"),
     "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'\n"},
    {"persistentvolumes", "", NULL, PV(GOOD_PV ",'nfs':{'server':'s','path':'b'}"),
     "spec.nfs.path: Invalid value: \"b\": must be an absolute path\n"},
    {"persistentvolumes", "", NULL, PV(GOOD_PV ",'csi':{'driver':'d_','volumeHandle':''}"),
     "spec.csi.driver: Invalid value: \"d_\": ...\nspec.csi.volumeHandle: Required value\n"},
    {"persistentvolumes", "", PV(GOOD_PV ",'hostPath':{'path':'/a'}"),
     PV(GOOD_PV ",'hostPath':{'path':'/b'}"),
     "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation...\n"},
    {"persistentvolumes", "", PV(GOOD_PV ",'csi':{'driver':'d','volumeHandle':'h'}"),
     PV(GOOD_PV
        ",'csi':{'driver':'d','volumeHandle':'h','controllerExpandSecretRef':{'name':'n','namespace':'ns'}}"),
     ""},
    {"persistentvolumeclaims", "", NULL, PVC(""),
     "spec.accessModes: Required value: at least 1 access mode is required\nspec.resources[storage]: "
     "Required value\n"},
    {"persistentvolumeclaims", "", NULL,
     PVC("'accessModes':['Sometimes'],'resources':{'requests':{'storage':'0'}}"),
     "spec.accessModes: Unsupported value: \"Sometimes\": supported values: \"ReadOnlyMany\", "
     "\"ReadWriteMany\", "
     "\"ReadWriteOnce\", \"ReadWriteOncePod\"\nspec.resources[storage]: Invalid value: \"0\": must be "
     "greater than zero\n"},
    {"persistentvolumeclaims", "", NULL,
     PVC("'accessModes':['ReadWriteOnce','ReadWriteOncePod'],'resources':{'requests':{'storage':'1Gi'}},'"
         "volumeMode':'Tape'"),
     "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes\n"
     "spec.volumeMode: Unsupported value: \"Tape\": supported values: \"Block\", \"Filesystem\"\n"},
    {"persistentvolumeclaims", "", PVC(GOOD_PVC),
     PVC("'accessModes':['ReadOnlyMany'],'resources':{'requests':{'storage':'1Gi'}}"),
     "spec: Forbidden: spec is immutable after creation except resources.requests and "
     "volumeAttributesClassName for bound claims...\n"},
    {"persistentvolumeclaims", "", PVC(GOOD_PVC), PVC(GOOD_PVC ",'volumeName':'v','storageClassName':'s'"),
     ""},
    {"persistentvolumeclaims", "", "{'spec':{" GOOD_PVC "},'status':{'phase':'Bound'}}",
     "{'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'2Gi'}}},'status':{'phase':"
     "'Bound'}}",
     ""},
    {"persistentvolumeclaims", "",
     "{'spec':{" GOOD_PVC "},'status':{'phase':'Bound','capacity':{'storage':'1Gi'}}}",
     "{'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'1Mi'}}},'status':{'phase':"
     "'Bound'}}",
     "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity\n"},
};

static const struct kind_case storage_cases[] = {
    {"storageclasses", "", NULL, "{'provisioner':'','volumeBindingMode':'Immediate'}",
     "provisioner: Required value\n"},
    {"storageclasses", "", NULL, "{'provisioner':'x','reclaimPolicy':'Burn','volumeBindingMode':'Never'}",
     "reclaimPolicy: Unsupported value: \"Burn\": supported values: \"Delete\", \"Retain\"\n"
     "volumeBindingMode: Unsupported value: \"Never\": supported values: \"Immediate\", "
     "\"WaitForFirstConsumer\"\n"},
    {"storageclasses", "", "{'provisioner':'x','volumeBindingMode':'Immediate'}",
     "{'provisioner':'y','volumeBindingMode':'Immediate','parameters':{'a':'b'}}",
     "provisioner: Invalid value: null: field is immutable\nparameters: Invalid value: null: field is "
     "immutable\n"},
    {"csidrivers", "", NULL, "{'spec':{" DRIVER ",'fsGroupPolicy':'Odd','volumeLifecycleModes':['Odd']}}",
     "spec.fsGroupPolicy: Unsupported value: \"Odd\": supported values: \"File\", \"None\", "
     "\"ReadWriteOnceWithFSType\"\n"
     "spec.volumeLifecycleModes: Unsupported value: \"Odd\": supported values: \"Persistent\", "
     "\"Ephemeral\"\n"},
    {"csidrivers", "", NULL,
     "{'spec':{" DRIVER ",'tokenRequests':[{'audience':'a','expirationSeconds':1},{'audience':'a'}]}}",
     "spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 "
     "minutes\n"
     "spec.tokenRequests[1].audience: Duplicate value: \"a\"\n"},
    {"csinodes", "", NULL, "{'spec':{'drivers':[{'name':'a','nodeID':''},{'name':'a','nodeID':'x'}]}}",
     "spec.drivers[0].nodeID: Required value\nspec.drivers[1].name: Duplicate value: \"a\"\n"},
    {"csinodes", "", "{'spec':{'drivers':[{'name':'a','nodeID':'x'}]}}",
     "{'spec':{'drivers':[{'name':'a','nodeID':'x','allocatable':{'count':3}}]}}", ""},
    {"csinodes", "", "{'spec':{'drivers':[{'name':'a','nodeID':'x'}]}}",
     "{'spec':{'drivers':[{'name':'a','nodeID':'y'}]}}", "spec.drivers: Invalid value: ...\n"},
    {"volumeattachments", "", NULL, "{'spec':{'attacher':'','nodeName':'','source':{}}}",
     "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName\n"
     "spec.nodeName: Invalid value: \"\": ...\nspec.attacher: Required value\n"},
    {"volumeattachments", "",
     "{'spec':{'attacher':'a','nodeName':'n','source':{'persistentVolumeName':'v'}}}",
     "{'spec':{'attacher':'b','nodeName':'n','source':{'persistentVolumeName':'v'}}}",
     "spec: Invalid value: null: field is immutable\n"},
    {"csistoragecapacities", "", NULL, "{'storageClassName':'','capacity':'-1'}",
     "storageClassName: Invalid value: \"\": ...\ncapacity: Invalid value: \"-1\": must be greater than or "
     "equal to 0\n"},
    {"volumeattributesclasses", "", "{'driverName':'a','parameters':{'x':'1'}}", "{'driverName':'b'}",
     "driverName: Forbidden: updates to driverName are forbidden.\nparameters: Forbidden: updates to "
     "parameters are forbidden.\n"
     "parameters: Required value: must contain at least one key/value pair\n"},
};

static const struct kind_case cluster_cases[] = {
    {"priorityclasses", "", NULL, "{'metadata':{'name':'system-mine'},'value':5}",
     "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. "
     "error: system-mine is "
     "not a known system priority class\n"},
    {"priorityclasses", "", NULL, "{'metadata':{'name':'system-node-critical'},'value':2000001000}", ""},
    {"priorityclasses", "", NULL, "{'metadata':{'name':'a'},'value':2000000001,'preemptionPolicy':'Odd'}",
     "value: Forbidden: maximum allowed value of a user defined priority is 1000000000\n"
     "preemptionPolicy: Unsupported value: \"Odd\": supported values: \"PreemptLowerPriority\", \"Never\"\n"},
    {"priorityclasses", "", "{'metadata':{'name':'a'},'value':1}", "{'metadata':{'name':'a'},'value':2}",
     "value: Forbidden: may not be changed in an update.\n"},
    {"runtimeclasses", "", NULL, "{'handler':'Bad_Handler'}",
     "handler: Invalid value: \"Bad_Handler\": ...\n"},
    {"runtimeclasses", "", "{'handler':'a'}", "{'handler':'b'}",
     "handler: Invalid value: null: field is immutable\n"},
    {"storageversionmigrations", "", NULL, "{'spec':{'resource':{'group':'A'}}}",
     "spec.resource.resource: Required value: resource is required to be set\nspec.resource.group: Invalid "
     "value: \"A\": ...\n"},
    {"storageversionmigrations", "status", "{'status':{'resourceVersion':'5'}}",
     "{'status':{'resourceVersion':'6'}}",
     "status.resourceVersion: Invalid value: \"6\": field is immutable\n"},
    {"nodes", "", NULL,
     "{'spec':{'podCIDRs':['172.20.0.0/24','172.21.0.0/"
     "24'],'taints':[{'effect':'Odd','key':'a'},{'effect':'NoSchedule','key':''}]}}",
     "metadata.taints[0].effect: Unsupported value: \"Odd\": supported values: \"NoSchedule\", "
     "\"PreferNoSchedule\", \"NoExecute\"\n"
     "metadata.taints[1].key: Invalid value: \"\": ...\nmetadata.taints[1].key: Invalid value: \"\": ...\n"
     "spec.podCIDRs: Invalid value: [\"172.20.0.0/24\",\"172.21.0.0/24\"]: may specify no more than one CIDR "
     "for each IP family\n"},
    {"nodes", "", NULL,
     "{'spec':{'taints':[{'effect':'NoSchedule','key':'a'},{'effect':'NoSchedule','key':'a','value':'b'}]}}",
     "metadata.taints[1]: Duplicate value: ...\n"},
    {"nodes", "", "{'spec':{'providerID':'a','podCIDRs':['10.0.0.0/24']}}", "{'spec':{'providerID':'b'}}",
     "spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid\n"
     "spec.providerID: Invalid value: null: field cannot be modified once set\n"},
    {"nodes", "status", "{}", "{'status':{'capacity':{'cpu':'-1','pods':'1500m'}}}",
     "status.capacity.cpu: Invalid value: \"-1\": ...\nstatus.capacity.pods: Invalid value: ...\n"},
};

static struct slice quoted(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, slice_str(text));

    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return slice_str(copy);
}

static const struct schema_resource *resource_named(const char *name)
{
    static const char *const groups[] = {"", "storage.k8s.io", "scheduling.k8s.io", "node.k8s.io",
                                         "storagemigration.k8s.io"};
    const struct schema_resource *found = NULL;

    for (size_t i = 0; !found && i < sizeof groups / sizeof *groups; i++)
        found = schema_find_resource(slice_str(groups[i]), SLICE("v1"), slice_str(name));
    assert_non_null(found);
    return found;
}

static const struct kind *kind_named(const char *name)
{
    for (const struct kind *const *kind = kinds_storage; *kind; kind++)
        if (strcmp((*kind)->resource, name) == 0)
            return *kind;
    fail_msg("no kind %s", name);
    return NULL;
}

static struct value decode(struct arena *arena, const struct schema_resource *resource, const char *text)
{
    cleanup_error struct error err = ERROR_INIT;
    struct value v;

    if (!decode_json(arena, resource->type, quoted(arena, text), &v, NULL, &err))
        fail_msg("%s: %s", text, err.message);
    return v;
}

/* Line by line; a wanted line that ends in "..." is a beginning. */
static bool same_lines(struct slice got, struct slice want)
{
    struct slice a, b;

    while (slice_split(&want, '\n', &b)) {
        if (!slice_split(&got, '\n', &a))
            return false;
        if (slice_ends(b, SLICE("..."))) {
            b.len -= 3;
            if (!slice_starts(a, b))
                return false;
        } else if (!slice_eq(a, b)) {
            return false;
        }
    }
    return !got.ptr;
}

static void check_case(const struct kind_case *c)
{
    cleanup_arena struct arena *arena = arena_new();
    cleanup_buf struct buf got = BUF_INIT(BUF_UNLIMITED);
    const struct schema_resource *resource = resource_named(c->resource);
    struct value object = decode(arena, resource, c->object), old;
    struct causes causes = {.arena = arena};
    struct decode_findings warnings = {.arena = arena};
    struct kind_request req = {.arena = arena,
                               .resource = resource,
                               .subresource = slice_str(c->subresource),
                               .now = NOW,
                               .causes = &causes,
                               .warnings = &warnings};

    if (c->old)
        old = decode(arena, resource, c->old);
    kind_named(c->resource)->validate(&req, &object, c->old ? &old : NULL);
    for (size_t i = 0; i < causes.count; i++) {
        struct slice message = slice_str(causes.items[i].message), line;
        slice_split(&message, '\n', &line); /* a difference may follow */
        buf_printf(&got, "%s: %.*s\n", causes.items[i].field, SLICE_ARG(line));
    }
    if (!same_lines(buf_slice(&got), slice_str(c->causes)))
        fail_msg("%s %s (was %s):\ngot\n%swant\n%s", c->resource, c->object, c->old ? c->old : "new",
                 buf_cstr(&got), c->causes);
}

#define CHECK_ALL(cases)                                                                                     \
    for (size_t i = 0; i < sizeof(cases) / sizeof *(cases); i++)                                             \
    check_case(&(cases)[i])

static void volumes_are_validated(void **state)
{
    CHECK_ALL(volume_cases);
}

static void storage_is_validated(void **state)
{
    CHECK_ALL(storage_cases);
}

static void cluster_kinds_are_validated(void **state)
{
    CHECK_ALL(cluster_cases);
}

static void writes_set_what_the_server_decides(void **state)
{
    static const struct {
        const char *resource, *subresource, *old, *object, *path,
            *want; /* want: JSON of what the path holds */
    } cases[] = {
        {"persistentvolumes", "", NULL, "{}", "status",
         "{'phase':'Pending','lastPhaseTransitionTime':'2023-11-14T22:13:20Z'}"},
        {"persistentvolumes", "status",
         "{'status':{'phase':'Pending','lastPhaseTransitionTime':'2020-01-01T00:00:00Z'}}",
         "{'status':{'phase':'Bound','lastPhaseTransitionTime':'2020-01-01T00:00:00Z'}}",
         "status.lastPhaseTransitionTime", "'2023-11-14T22:13:20Z'"},
        {"persistentvolumes", "status",
         "{'status':{'phase':'Bound','lastPhaseTransitionTime':'2020-01-01T00:00:00Z'}}",
         "{'status':{'phase':'Bound'}}", "status.lastPhaseTransitionTime", "'2020-01-01T00:00:00Z'"},
        {"persistentvolumeclaims", "", NULL, "{}", "status", "{'phase':'Pending'}"},
        {"persistentvolumeclaims", "", NULL,
         "{'spec':{'dataSource':{'kind':'PersistentVolumeClaim','name':'a'}}}", "spec.dataSourceRef",
         "{'apiGroup':null,'kind':'PersistentVolumeClaim','name':'a'}"},
        {"persistentvolumeclaims", "", NULL,
         "{'spec':{'dataSourceRef':{'apiGroup':'x.y','kind':'K','name':'a'}}}", "spec.dataSource",
         "{'apiGroup':'x.y','kind':'K','name':'a'}"},
        {"persistentvolumeclaims", "", NULL,
         "{'spec':{'dataSource':{'apiGroup':'x.y','kind':'K','name':'a'}}}", "spec.dataSource", "null"},
        {"priorityclasses", "", NULL, "{'metadata':{'name':'a'},'value':1}", "metadata.generation", "1"},
        {"csidrivers", "", "{'metadata':{'generation':3},'spec':{'attachRequired':true}}",
         "{'metadata':{'generation':3},'spec':{'attachRequired':false}}", "metadata.generation", "4"},
        {"nodes", "", NULL, "{'spec':{'unschedulable':true,'configSource':{}}}", "spec",
         "{'unschedulable':true}"},
    };
    static const struct schema any = {.kind = SCHEMA_ANY};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        const struct schema_resource *resource = resource_named(cases[i].resource);
        const struct kind *kind = kind_named(cases[i].resource);
        struct value object = decode(arena, resource, cases[i].object), old, got, want;
        struct kind_request req = {
            .arena = arena, .resource = resource, .subresource = slice_str(cases[i].subresource), .now = NOW};
        if (cases[i].old) {
            old = decode(arena, resource, cases[i].old);
            kind->prepare_update(&req, &object, &old);
        } else {
            kind->prepare_create(&req, &object);
        }
        assert_true(decode_json_node(arena, &any, quoted(arena, cases[i].want), &want, NULL, NULL));
        assert_true(decode_value(arena, &any, value_path(&object, cases[i].path), &got, NULL, NULL));
        if (want.kind == VALUE_NULL ? value_is_set(value_path(&object, cases[i].path))
                                    : !value_equal(&got, &want))
            fail_msg("%s %s: %s is not %s", cases[i].resource, cases[i].object, cases[i].path, cases[i].want);
    }
}

static void rows_are_filled(void **state)
{
    static const struct {
        const char *resource, *object;
        const char *cells; /* from the second on, each with a '|'; '-' stands for what the row leaves alone */
    } cases[] = {
        {"persistentvolumes",
         "{'spec':{'capacity':{'storage':'5Gi'},'accessModes':['ReadWriteMany','ReadOnlyMany'],'claimRef':{'"
         "namespace':'n','name':'c'},"
         "'persistentVolumeReclaimPolicy':'Retain','storageClassName':'fast','volumeMode':'Block'},'status':{"
         "'phase':'Bound'}}",
         "5Gi|ROX,RWX|Retain|Bound|n/c|fast|<unset>||-|Block|"},
        {"persistentvolumeclaims", "{'spec':{'storageClassName':'s'},'status':{'phase':'Pending'}}",
         "Pending||||s|<unset>|-|<unset>|"},
        {"persistentvolumeclaims",
         "{'spec':{'volumeName':'v'},'status':{'phase':'Bound','accessModes':['ReadWriteOnce'],'capacity':{'"
         "storage':'1Gi'}}}",
         "Bound|v|1Gi|RWO||<unset>|-|<unset>|"},
        {"storageclasses", "{'provisioner':'p'}", "p|Delete|Immediate|false|-|"},
        {"csidrivers", "{'spec':{'podInfoOnMount':true,'tokenRequests':[{'audience':'a'},{'audience':'b'}]}}",
         "true|true|false|a,b|false|<none>|-|"},
        {"csinodes", "{'spec':{'drivers':[{'name':'a','nodeID':'x'}]}}", "1|-|"},
        {"volumeattachments",
         "{'spec':{'attacher':'a','nodeName':'n','source':{'persistentVolumeName':'v'}},'status':{'attached':"
         "true}}",
         "a|v|n|true|-|"},
        {"nodes",
         "{'metadata':{'labels':{'node-role.kubernetes.io/worker':'','kubernetes.io/"
         "role':'edge'}},'spec':{'unschedulable':true},"
         "'status':{'conditions':[{'type':'Ready','status':'True'}],'addresses':[{'type':'InternalIP','"
         "address':'10.0.0.1'}],"
         "'nodeInfo':{'kubeletVersion':'v1','kernelVersion':'6.1','architecture':'amd64'}}}",
         "Ready,SchedulingDisabled|edge,worker|-|v1|10.0.0.1|<none>|<unknown>|6.1 (amd64)|<unknown>|"},
        {"nodes", "{}", "Unknown|<none>|-||<none>|<none>|<unknown>|<unknown>|<unknown>|"},
        {"priorityclasses", "{'value':7,'preemptionPolicy':'Never'}", "7|false|-|Never|"},
        {"runtimeclasses", "{'handler':'h'}", "h|-|"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_buf struct buf got = BUF_INIT(BUF_UNLIMITED);
        const struct schema_resource *resource = resource_named(cases[i].resource);
        struct value object = decode(arena, resource, cases[i].object);
        struct value *cells = arena_zalloc(arena, resource->column_count * sizeof *cells);
        kind_named(cases[i].resource)->row(arena, &object, NOW, cells);
        for (unsigned k = 1; k < resource->column_count; k++) {
            if (cells[k].kind == VALUE_BOOL)
                buf_puts(&got, cells[k].b ? "true" : "false");
            else if (cells[k].kind == VALUE_INT)
                buf_put_int(&got, cells[k].i);
            else
                buf_put_slice(&got, value_is_set(&cells[k]) ? value_text(&cells[k]) : SLICE("-"));
            buf_putc(&got, '|');
        }
        assert_string_equal(buf_cstr(&got), cases[i].cells);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes_are_validated),
        cmocka_unit_test(storage_is_validated),
        cmocka_unit_test(cluster_kinds_are_validated),
        cmocka_unit_test(writes_set_what_the_server_decides),
        cmocka_unit_test(rows_are_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
