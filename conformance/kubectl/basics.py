"""Versions, discovery, documents."""
import json
import pathlib

from harness import scenario

GROUP_VERSIONS = """admissionregistration.k8s.io/v1 apiextensions.k8s.io/v1 apiregistration.k8s.io/v1 apps/v1
authentication.k8s.io/v1 authorization.k8s.io/v1 autoscaling/v1 autoscaling/v2 batch/v1 certificates.k8s.io/v1
coordination.k8s.io/v1 discovery.k8s.io/v1 events.k8s.io/v1 flowcontrol.apiserver.k8s.io/v1 networking.k8s.io/v1
node.k8s.io/v1 policy/v1 rbac.authorization.k8s.io/v1 resource.k8s.io/v1 scheduling.k8s.io/v1 storage.k8s.io/v1
storagemigration.k8s.io/v1 v1""".split()

# resource, short names, group-version, namespaced, kind
RESOURCES = """
bindings                       -        v1  true  Binding
componentstatuses              cs       v1  false ComponentStatus
configmaps                     cm       v1  true  ConfigMap
endpoints                      ep       v1  true  Endpoints
events                         ev       v1  true  Event
limitranges                    limits   v1  true  LimitRange
namespaces                     ns       v1  false Namespace
nodes                          no       v1  false Node
persistentvolumeclaims         pvc      v1  true  PersistentVolumeClaim
persistentvolumes              pv       v1  false PersistentVolume
pods                           po       v1  true  Pod
podtemplates                   -        v1  true  PodTemplate
replicationcontrollers         rc       v1  true  ReplicationController
resourcequotas                 quota    v1  true  ResourceQuota
secrets                        -        v1  true  Secret
serviceaccounts                sa       v1  true  ServiceAccount
services                       svc      v1  true  Service
mutatingadmissionpolicies      -        admissionregistration.k8s.io/v1 false MutatingAdmissionPolicy
mutatingadmissionpolicybindings -       admissionregistration.k8s.io/v1 false MutatingAdmissionPolicyBinding
mutatingwebhookconfigurations  -        admissionregistration.k8s.io/v1 false MutatingWebhookConfiguration
validatingadmissionpolicies    -        admissionregistration.k8s.io/v1 false ValidatingAdmissionPolicy
validatingadmissionpolicybindings -     admissionregistration.k8s.io/v1 false ValidatingAdmissionPolicyBinding
validatingwebhookconfigurations -       admissionregistration.k8s.io/v1 false ValidatingWebhookConfiguration
customresourcedefinitions      crd,crds apiextensions.k8s.io/v1 false CustomResourceDefinition
apiservices                    -        apiregistration.k8s.io/v1 false APIService
controllerrevisions            -        apps/v1 true  ControllerRevision
daemonsets                     ds       apps/v1 true  DaemonSet
deployments                    deploy   apps/v1 true  Deployment
replicasets                    rs       apps/v1 true  ReplicaSet
statefulsets                   sts      apps/v1 true  StatefulSet
selfsubjectreviews             -        authentication.k8s.io/v1 false SelfSubjectReview
tokenreviews                   -        authentication.k8s.io/v1 false TokenReview
localsubjectaccessreviews      -        authorization.k8s.io/v1 true  LocalSubjectAccessReview
selfsubjectaccessreviews       -        authorization.k8s.io/v1 false SelfSubjectAccessReview
selfsubjectrulesreviews        -        authorization.k8s.io/v1 false SelfSubjectRulesReview
subjectaccessreviews           -        authorization.k8s.io/v1 false SubjectAccessReview
horizontalpodautoscalers       hpa      autoscaling/v2 true  HorizontalPodAutoscaler
cronjobs                       cj       batch/v1 true  CronJob
jobs                           -        batch/v1 true  Job
certificatesigningrequests     csr      certificates.k8s.io/v1 false CertificateSigningRequest
clustertrustbundles            -        certificates.k8s.io/v1 false ClusterTrustBundle
podcertificaterequests         -        certificates.k8s.io/v1 true  PodCertificateRequest
leases                         -        coordination.k8s.io/v1 true  Lease
endpointslices                 -        discovery.k8s.io/v1 true  EndpointSlice
events                         ev       events.k8s.io/v1 true  Event
flowschemas                    -        flowcontrol.apiserver.k8s.io/v1 false FlowSchema
prioritylevelconfigurations    -        flowcontrol.apiserver.k8s.io/v1 false PriorityLevelConfiguration
ingressclasses                 -        networking.k8s.io/v1 false IngressClass
ingresses                      ing      networking.k8s.io/v1 true  Ingress
ipaddresses                    ip       networking.k8s.io/v1 false IPAddress
networkpolicies                netpol   networking.k8s.io/v1 true  NetworkPolicy
servicecidrs                   -        networking.k8s.io/v1 false ServiceCIDR
runtimeclasses                 -        node.k8s.io/v1 false RuntimeClass
poddisruptionbudgets           pdb      policy/v1 true  PodDisruptionBudget
clusterrolebindings            -        rbac.authorization.k8s.io/v1 false ClusterRoleBinding
clusterroles                   -        rbac.authorization.k8s.io/v1 false ClusterRole
rolebindings                   -        rbac.authorization.k8s.io/v1 true  RoleBinding
roles                          -        rbac.authorization.k8s.io/v1 true  Role
deviceclasses                  -        resource.k8s.io/v1 false DeviceClass
devicetaintrules               -        resource.k8s.io/v1 false DeviceTaintRule
resourceclaims                 -        resource.k8s.io/v1 true  ResourceClaim
resourceclaimtemplates         -        resource.k8s.io/v1 true  ResourceClaimTemplate
resourceslices                 -        resource.k8s.io/v1 false ResourceSlice
priorityclasses                pc       scheduling.k8s.io/v1 false PriorityClass
csidrivers                     -        storage.k8s.io/v1 false CSIDriver
csinodes                       -        storage.k8s.io/v1 false CSINode
csistoragecapacities           -        storage.k8s.io/v1 true  CSIStorageCapacity
storageclasses                 sc       storage.k8s.io/v1 false StorageClass
volumeattachments              -        storage.k8s.io/v1 false VolumeAttachment
volumeattributesclasses        vac      storage.k8s.io/v1 false VolumeAttributesClass
storageversionmigrations       -        storagemigration.k8s.io/v1 false StorageVersionMigration
"""
TABLE = [line.split() for line in RESOURCES.strip().splitlines()]


@scenario("version names the server")
def version(run):
    server = run.json("version")["serverVersion"]
    run.same((server["major"], server["minor"]), ("1", "37"))
    run.match(server["gitVersion"], r"^v1\.37\.")
    run.has(run.ok("version"), "Server Version")


@scenario("cluster-info names the address")
def cluster_info(run):
    run.match(run.ok("cluster-info"), r"is running at .*https://127\.0\.0\.1:\d+")


@scenario("cluster-info dump writes what there is")
def cluster_info_dump(run):
    run.ok("create", "service", "clusterip", "web", "--tcp=80:80")
    run.ok("cluster-info", "dump", "--namespaces", run.ns, "--output-directory", run.folder / "dump")
    services = json.loads((run.folder / "dump" / run.ns / "services.json").read_text())
    run.same([s["metadata"]["name"] for s in services["items"]], ["web"])


@scenario("api-versions lists every group-version and nothing else")
def api_versions(run):
    run.same(sorted(run.ok("api-versions").split()), sorted(GROUP_VERSIONS))


def shown(row):
    """A line of api-resources as the table above has it."""
    return row if len(row) == 5 else [row[0], "-", *row[1:]]


@scenario("api-resources lists every resource with its short names, group and kind")
def api_resources(run):
    given = sorted(shown(r) for r in run.rows("api-resources"))
    run.same([r for r in given if r not in TABLE], [])
    run.same([r for r in TABLE if r not in given], [])


@scenario("api-resources filters by group, scope and verb")
def api_resources_filters(run):
    run.same(sorted(run.ok("api-resources", "--api-group=apps", "-o", "name").split()),
             [f"{n}.apps" for n in ("controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets")])
    not_namespaced = run.ok("api-resources", "--namespaced=false", "-o", "name").split()
    run.true("nodes" in not_namespaced and "pods" not in not_namespaced, "scope")
    listable = run.ok("api-resources", "--verbs=list,watch", "-o", "name").split()
    run.true("configmaps" in listable and "bindings" not in listable and "componentstatuses" not in listable, "verbs")
    run.same(len(run.ok("api-resources", "--verbs=delete", "-o", "name").split()), 63)


@scenario("api-resources -o wide shows verbs")
def api_resources_wide(run):
    line = run.match(run.ok("api-resources", "-o", "wide"), r"^configmaps .*$").group()
    run.has(line, "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@scenario("discovery is cached on disk, and the cache serves without asking again")
def discovery_cache(run):
    cache = run.folder / "discovery-cache"
    run.ok("api-resources", "--cache-dir", cache)
    found = list(pathlib.Path(cache).rglob("servergroups.json"))
    run.same(len(found), 1)
    groups = json.loads(found[0].read_text())["groups"]
    run.same(sorted(v["groupVersion"] for g in groups for v in g["versions"]), sorted(GROUP_VERSIONS))
    again = run.kubectl("get", "configmaps", "-v=6", "--cache-dir", cache)
    run.same(again.code, 0)
    run.lacks(again.err, "/apis?timeout", "/api?timeout")


@scenario("explain describes a kind and its fields")
def explain(run):
    text = run.ok("explain", "pods")
    run.match(text, r"^KIND: +Pod$")
    run.match(text, r"^VERSION: +v1$")
    run.match(text, r"^ +spec\s+<")
    run.match(run.ok("explain", "pod.spec.containers"), r"^ +image\s+<string>")
    run.match(run.ok("explain", "deployment.spec.strategy.type"), r"^FIELD: +type")
    run.has(run.fails("explain", "pods.spec.nosuch"), 'field "nosuch" does not exist')
    run.has(run.fails("explain", "nosuchthings"), "nosuchthings")


@scenario("explain --recursive goes down to the last field")
def explain_recursive(run):
    text = run.ok("explain", "pods", "--recursive")
    for name in ("livenessProbe", "httpGet", "topologySpreadConstraints", "whenUnsatisfiable", "persistentVolumeClaim",
                 "requiredDuringSchedulingIgnoredDuringExecution", "seccompProfile", "containerStatuses"):
        run.match(text, rf"^\s+{name}\s+<")
    text = run.ok("explain", "deployments", "--recursive")
    run.match(text, r"^\s+maxSurge\s+<")
    run.true(len(text.splitlines()) > 500, "a deployment has more than 500 fields")
    run.match(run.ok("explain", "hpa", "--recursive", "--api-version=autoscaling/v1"), r"^\s+targetCPUUtilizationPercentage\s+<")
    run.match(run.ok("explain", "hpa", "--recursive", "--api-version=autoscaling/v2"), r"^\s+stabilizationWindowSeconds\s+<")


def explain_all(run, resources):
    for name, _, version, _, kind in resources:
        text = run.ok("explain", name, "--recursive", f"--api-version={version}")
        run.match(text, rf"^KIND: +{kind}$")
        run.match(text, r"^ +kind\s+<string>")


@scenario("explain --recursive knows every resource, first half")
def explain_first(run):
    explain_all(run, TABLE[:36])


@scenario("explain --recursive knows every resource, second half")
def explain_second(run):
    explain_all(run, TABLE[36:])


@scenario("get --raw reaches the documents and the health of the server")
def raw(run):
    run.same(run.ok("get", "--raw", "/healthz"), "ok")
    run.match(run.ok("get", "--raw", "/readyz?verbose"), r"^\[\+\]ping ok$")
    run.match(run.ok("get", "--raw", "/livez?verbose"), r"^livez check passed$")
    run.same(json.loads(run.ok("get", "--raw", "/version"))["major"], "1")
    run.has(run.ok("get", "--raw", "/metrics"), "apiserver_request_total", "apiserver_request_duration_seconds")
    run.same(json.loads(run.ok("get", "--raw", "/api/v1"))["kind"], "APIResourceList")
    index = json.loads(run.ok("get", "--raw", "/openapi/v3"))["paths"]
    run.true("apis/apps/v1" in index and "hash=" in index["apis/apps/v1"]["serverRelativeURL"], "the index names documents by hash")
    document = json.loads(run.ok("get", "--raw", index["apis/apps/v1"]["serverRelativeURL"]))
    run.true("/apis/apps/v1/namespaces/{namespace}/deployments/{name}" in document["paths"], "paths of deployments")
    run.has(run.ok("get", "--raw", "/openapi/v2"), '"io.k8s.api.apps.v1.Deployment"')
    run.has(run.fails("get", "--raw", "/nosuchpath"), "the server could not find the requested resource")


@scenario("kustomize output is applied with -k")
def kustomize(run):
    run.file("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n")
    run.file("kustomization.yaml", "resources: [a.yaml]\nnamePrefix: pre-\n")
    run.says("configmap/pre-a created", "apply", "-k", run.folder)
    run.field("cm/pre-a", ".data.k", "v")
