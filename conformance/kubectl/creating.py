"""Every generator of `kubectl create`, and run."""
import base64
import json
import subprocess

from harness import scenario

# claim, first kubectl, arguments, line printed, object, {jsonpath: value}; @ stands for a unique word
GENERATORS = [
    ("configmap from literals", 20, "configmap c --from-literal=a=1 --from-literal=b=two", "configmap/c created", "cm/c",
     {".data.a": "1", ".data.b": "two"}),
    ("secret generic", 20, "secret generic s --from-literal=user=admin --type=example.com/kind", "secret/s created", "secret/s",
     {".data.user": "YWRtaW4=", ".type": "example.com/kind"}),
    ("secret docker-registry", 20,
     "secret docker-registry s --docker-server=registry.example --docker-username=u --docker-password=p --docker-email=e",
     "secret/s created", "secret/s", {".type": "kubernetes.io/dockerconfigjson"}),
    ("namespace", 20, "namespace n-@", "namespace/n-@ created", "ns/n-@",
     {".status.phase": "Active", ".metadata.labels.kubernetes\\.io/metadata\\.name": "n-@", ".spec.finalizers[0]": "kubernetes"}),
    ("deployment", 20, "deployment d --image=registry.example/a:1 --replicas=3 --port=8080", "deployment.apps/d created", "deploy/d",
     {".spec.replicas": "3", ".spec.template.spec.containers[0].image": "registry.example/a:1", ".metadata.generation": "1",
      ".spec.strategy.rollingUpdate.maxSurge": "25%", ".spec.template.spec.containers[0].ports[0].containerPort": "8080",
      ".spec.progressDeadlineSeconds": "600", ".spec.template.spec.restartPolicy": "Always"}),
    ("job", 20, "job j --image=registry.example/a:1 -- echo hello", "job.batch/j created", "job/j",
     {".spec.template.spec.containers[0].command[1]": "hello", ".spec.completions": "1", ".spec.parallelism": "1",
      ".spec.backoffLimit": "6", ".spec.template.spec.restartPolicy": "Never", ".spec.completionMode": "NonIndexed"}),
    ("cronjob", 21, "cronjob j --image=registry.example/a:1 --schedule=1,2,*/5_*_*_*_*", "cronjob.batch/j created", "cj/j",
     {".spec.schedule": "1,2,*/5 * * * *", ".spec.concurrencyPolicy": "Allow", ".spec.suspend": "false", ".spec.failedJobsHistoryLimit": "1"}),
    ("service clusterip", 20, "service clusterip v --tcp=80:8080", "service/v created", "svc/v",
     {".spec.type": "ClusterIP", ".spec.ports[0].port": "80", ".spec.ports[0].targetPort": "8080", ".spec.ipFamilies[0]": "IPv4",
      ".spec.internalTrafficPolicy": "Cluster"}),
    ("service clusterip without an address", 20, "service clusterip v --clusterip=None --tcp=80", "service/v created", "svc/v",
     {".spec.clusterIP": "None", ".spec.clusterIPs[0]": "None"}),
    ("service nodeport", 20, "service nodeport v --tcp=80:8080", "service/v created", "svc/v",
     {".spec.type": "NodePort", ".spec.externalTrafficPolicy": "Cluster"}),
    ("service loadbalancer", 20, "service loadbalancer v --tcp=80:8080", "service/v created", "svc/v",
     {".spec.type": "LoadBalancer", ".spec.allocateLoadBalancerNodePorts": "true", ".status.loadBalancer": "{}"}),
    ("service externalname", 20, "service externalname v --external-name=db.example.com", "service/v created", "svc/v",
     {".spec.type": "ExternalName", ".spec.externalName": "db.example.com", ".spec.clusterIP": ""}),
    ("serviceaccount", 20, "serviceaccount a", "serviceaccount/a created", "sa/a", {".metadata.name": "a"}),
    ("role", 20, "role r --verb=get,list --resource=pods,deployments.apps", "role.rbac.authorization.k8s.io/r created", "role/r",
     {".rules[0].resources[0]": "pods", ".rules[1].apiGroups[0]": "apps", ".rules[1].verbs[1]": "list"}),
    ("rolebinding", 20, "rolebinding b --role=r --serviceaccount=default:a --user=someone --group=some",
     "rolebinding.rbac.authorization.k8s.io/b created", "rolebinding/b",
     {".roleRef.name": "r", ".subjects[0].name": "someone", ".subjects[1].name": "some", ".subjects[2].namespace": "default"}),
    ("clusterrole", 20, "clusterrole r-@ --verb=get --resource=nodes --non-resource-url=/logs", "clusterrole.rbac.authorization.k8s.io/r-@ created",
     "clusterrole/r-@", {".rules[0].resources[0]": "nodes", ".rules[1].nonResourceURLs[0]": "/logs"}),
    ("clusterrole that aggregates", 20, "clusterrole r-@ --aggregation-rule=a=b", "clusterrole.rbac.authorization.k8s.io/r-@ created",
     "clusterrole/r-@", {".aggregationRule.clusterRoleSelectors[0].matchLabels.a": "b"}),
    ("clusterrolebinding", 20, "clusterrolebinding b-@ --clusterrole=view --user=someone", "clusterrolebinding.rbac.authorization.k8s.io/b-@ created",
     "clusterrolebinding/b-@", {".roleRef.name": "view", ".subjects[0].kind": "User"}),
    ("quota", 20, "quota q --hard=pods=2 --scopes=BestEffort", "resourcequota/q created", "quota/q",
     {".spec.hard.pods": "2", ".spec.scopes[0]": "BestEffort"}),
    ("priorityclass", 20, "priorityclass p-@ --value=1000 --description=high", "priorityclass.scheduling.k8s.io/p-@ created", "priorityclass/p-@",
     {".value": "1000", ".preemptionPolicy": "PreemptLowerPriority", ".description": "high"}),
    ("poddisruptionbudget", 21, "pdb p --selector=app=web --min-available=50%", "poddisruptionbudget.policy/p created", "pdb/p",
     {".spec.minAvailable": "50%", ".spec.selector.matchLabels.app": "web"}),
    ("ingress", 20, "ingress i --class=some --rule=web.example/path*=svc:8080,tls=cert", "ingress.networking.k8s.io/i created", "ing/i",
     {".spec.ingressClassName": "some", ".spec.rules[0].http.paths[0].pathType": "Prefix", ".spec.tls[0].secretName": "cert",
      ".spec.rules[0].http.paths[0].backend.service.port.number": "8080"}),
]


def generator(entry):
    claim, since, words, line, what, fields = entry

    def check(run):
        args = [w.replace("@", run.unique).replace("_", " ") for w in words.split()]
        target_line = line.replace("@", run.unique)
        target = what.replace("@", run.unique)
        would = run.ok("create", *args[:2], "--dry-run=server", "-o", "name", *args[2:])
        run.same(would.strip(), target_line.removesuffix(" created"))
        run.has(run.fails("get", *target.split()), "NotFound")
        run.says(target_line, "create", *args)
        for path, wanted in fields.items():
            run.field(target, path, wanted.replace("@", run.unique))
        run.match(run.fails("create", *args), r"^(Error from server \(AlreadyExists\):|error: failed to create).* already exists$")
    scenario(f"create {claim}", since=since)(check)


for row in GENERATORS:
    generator(row)


@scenario("create configmap from files, folders and env files")
def configmap_from_files(run):
    run.file("one.txt", "first\nfile\n")
    run.file("vars.env", "A=1\n# no\nB=two words\n")
    (run.folder / "blob").write_bytes(b"\x00\xff\x01")
    run.ok("create", "configmap", "c", f"--from-file={run.folder}/one.txt", f"--from-file=raw={run.folder}/blob")
    run.field("cm/c", ".data.one\\.txt", "first\nfile\n")
    run.field("cm/c", ".binaryData.raw", "AP8B")
    run.ok("create", "configmap", "e", f"--from-env-file={run.folder}/vars.env")
    run.same(run.json("get", "cm/e")["data"], {"A": "1", "B": "two words"})


@scenario("create secret tls from a certificate and its key")
def secret_tls(run):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=sample",
                    "-keyout", run.folder / "tls.key", "-out", run.folder / "tls.crt"], check=True, capture_output=True)
    run.says("secret/t created", "create", "secret", "tls", "t", f"--cert={run.folder}/tls.crt", f"--key={run.folder}/tls.key")
    run.field("secret/t", ".type", "kubernetes.io/tls")
    run.same(sorted(run.json("get", "secret/t")["data"]), ["tls.crt", "tls.key"])


@scenario("create job --from a cronjob")
def job_from_cronjob(run):
    run.apply_text("""{apiVersion: batch/v1, kind: CronJob, metadata: {name: j}, spec: {schedule: "@daily", jobTemplate: {spec: {template: {spec: {
      restartPolicy: Never, containers: [{name: c, image: "registry.example/a:1"}]}}}}}}""")
    if run.minor >= 21:
        run.says("job.batch/now created", "create", "job", "now", "--from=cronjob/j")
        run.field("job/now", ".metadata.annotations.cronjob\\.kubernetes\\.io/instantiate", "manual")
        run.field("job/now", ".metadata.ownerReferences[0].kind", "CronJob")


@scenario("services get addresses and node ports of their own")
def service_addresses(run):
    for name in ("a", "b"):
        run.ok("create", "service", "nodeport", name, "--tcp=80:80")
    ips = run.ok("get", "svc", "-o", "jsonpath={.items[*].spec.clusterIP}").split()
    ports = [int(p) for p in run.ok("get", "svc", "-o", "jsonpath={.items[*].spec.ports[0].nodePort}").split()]
    run.same((len(set(ips)), len(set(ports))), (2, 2))
    run.true(all(30000 <= p <= 32767 for p in ports), f"node ports {ports} are in the range")
    run.match(run.fails("create", "service", "nodeport", "c", "--tcp=80:80", f"--node-port={ports[0]}"), "provided port is already allocated")
    run.ok("delete", "svc", "a", "b")
    run.ok("create", "service", "nodeport", "c", "--tcp=80:80", f"--node-port={ports[0]}")
    run.field("svc/c", ".spec.ports[0].nodePort", str(ports[0]))


@scenario("create token gives a token that says whose it is, for whom and until when", since=24)
def token(run):
    run.ok("create", "serviceaccount", "robot")
    text = run.ok("create", "token", "robot", "--duration=1h", "--audience=me").strip()
    part = text.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    run.same(claims["sub"], "system:serviceaccount:%s:robot" % run.ns)
    run.same((claims["aud"], claims["exp"] - claims["iat"]), (["me"], 3600))
    run.match(run.fails("create", "token", "nobody"), 'serviceaccounts "nobody" not found')


@scenario("run makes a pod")
def run_pod(run):
    run.says("pod/p created", "run", "p", "--image=registry.example/a:1", "--labels=app=web,tier=front", "--env=A=1", "--port=80", "--restart=Never",
             "--", "serve", "--fast")
    run.field("pod/p", ".metadata.labels.tier", "front")
    run.field("pod/p", ".spec.containers[0].args", '["serve","--fast"]')
    run.field("pod/p", ".spec.restartPolicy", "Never")
    run.field("pod/p", ".status.phase", "Pending")
    run.field("pod/p", ".status.qosClass", "BestEffort")
    run.field("pod/p", ".spec.dnsPolicy", "ClusterFirst")
    run.says("pod/q created", "run", "q", "--image=registry.example/a:1", "--expose=false", "--dry-run=none")
    run.same(run.names("get", "pods"), ["p", "q"])


@scenario("run --expose makes a pod and its service")
def run_expose(run):
    run.same(sorted(run.ok("run", "p", "--image=registry.example/a:1", "--port=80", "--expose").split("\n")), ["", "pod/p created", "service/p created"])
    run.field("svc/p", ".spec.selector.run", "p")


@scenario("create -f takes files, folders, lists, several documents and standard input")
def create_files(run):
    folder = run.folder / "many"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
    run.says("configmap/a created\nconfigmap/b created", "create", "-f", folder)
    text = '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}},{"apiVersion":"v1","kind":"Secret","metadata":{"name":"d"}}]}'
    run.says("configmap/c created\nsecret/d created", "create", "-f", "-", stdin=text)
    run.same(run.names("get", "cm"), ["a", "b", "c"])


@scenario("generateName gives each object a name of its own")
def generate_name(run):
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: made-}\n"
    names = {run.match(run.apply_text(text), r"^configmap/(made-[a-z0-9]{5}) created$").group(1) for _ in range(3)}
    run.same(len(names), 3)


@scenario("create refuses what is wrong, naming the field")
def create_wrong(run):
    error = run.fails("create", "-f", "-", "--validate=false",
                      stdin="{apiVersion: apps/v1, kind: Deployment, metadata: {name: D_}, spec: {replicas: -1, selector: {matchLabels: {a: b}}, template: "
                            "{metadata: {labels: {a: c}}, spec: {containers: [{name: x}]}}}}")
    run.has(error, 'The Deployment "D_" is invalid', "metadata.name: Invalid value: \"D_\"", "spec.replicas: Invalid value: -1",
            "spec.template.metadata.labels: Invalid value", "spec.template.spec.containers[0].image: Required value")
    run.has(run.fails("create", "-f", "-", stdin="{apiVersion: v1, kind: Nosuch, metadata: {name: a}}"), "no matches for kind")
    run.match(run.fails("create", "-f", "-", stdin="{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dat: {}}"), r"unknown field \"(ConfigMap\.)?dat\"|unknown field \"dat\"")
    run.has(run.fails("create", "configmap", "a", "-n", "nosuch", "--from-literal=a=b"), 'namespaces "nosuch" not found')


@scenario("create --validate=warn warns and drops the unknown field", since=27)
def create_warn(run):
    result = run.kubectl("create", "--validate=warn", "-f", "-", stdin="{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dat: {}}")
    run.same((result.code, result.out), (0, "configmap/a created\n"))
    run.has(result.err, 'Warning: unknown field "dat"')
    run.lacks(run.ok("get", "cm/a", "-o", "yaml"), "dat:")
