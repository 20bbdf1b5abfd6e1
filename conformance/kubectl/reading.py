"""get in every output format, selectors, paging, watching."""
import json

from harness import scenario

PODS = """{apiVersion: v1, kind: Pod, metadata: {name: alpha, labels: {app: web, tier: front}}, spec: {nodeName: one, containers: [{name: c, image: "registry.example/a:1"}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: beta, labels: {app: web, tier: back}}, spec: {containers: [{name: c, image: "registry.example/b:1"}, {name: d, image: "registry.example/d:1"}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: gamma, labels: {app: db}}, spec: {nodeName: two, containers: [{name: c, image: "registry.example/a:1"}]}}
"""


def configmaps(run, count):
    run.apply_text("".join(f"---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{i:03}, labels: {{odd: '{i % 2}'}}}}}}\n" for i in range(count)))


@scenario("get prints a table; wide has more columns; --no-headers none")
def table(run):
    run.apply_text(PODS)
    run.match(run.ok("get", "pods"), r"^NAME +READY +STATUS +RESTARTS +AGE$")
    run.match(run.ok("get", "pods", "-o", "wide"), r"^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES$")
    run.same([r[:4] for r in run.rows("get", "pods")], [["alpha", "0/1", "Pending", "0"], ["beta", "0/2", "Pending", "0"], ["gamma", "0/1", "Pending", "0"]])
    run.same(run.rows("get", "pod", "alpha", "-o", "wide")[0][5:], ["<none>", "one", "<none>", "<none>"])
    run.same([r[0] for r in run.rows("get", "pod", "gamma", "alpha")], ["gamma", "alpha"])
    run.has(run.ok("get", "pods", "--server-print=false"), "NAME", "AGE", "alpha")


@scenario("get of several kinds, -A and all")
def several(run):
    run.apply_text(PODS)
    run.ok("create", "service", "clusterip", "s", "--tcp=80")
    run.has(run.ok("get", "pods,svc"), "pod/alpha", "service/s", "CLUSTER-IP")
    text = run.ok("get", "all")
    run.has(text, "pod/alpha", "service/s")
    run.match(run.ok("get", "pods", "-A"), r"^NAMESPACE +NAME")
    run.match(run.ok("get", "pods", "-A"), rf"^{run.ns} +alpha ")
    run.has(run.ok("get", "pod/alpha", "svc/s"), "pod/alpha", "service/s")


@scenario("get -o yaml and -o json give the whole object, as create takes it")
def whole(run):
    run.apply_text(PODS)
    obj = run.json("get", "pod/alpha")
    run.same((obj["apiVersion"], obj["kind"], obj["metadata"]["namespace"]), ("v1", "Pod", run.ns))
    run.same(list(obj)[:3], ["apiVersion", "kind", "metadata"])
    text = run.ok("get", "pod/alpha", "-o", "yaml")
    run.match(text, r"^apiVersion: v1\nkind: Pod\nmetadata:$")
    lists = run.json("get", "pods")
    run.same((lists["kind"], [i["metadata"]["name"] for i in lists["items"]]), ("List", ["alpha", "beta", "gamma"]))
    run.ok("create", "cm", "c", "--from-literal=a=1")
    copy = run.ok("get", "cm/c", "-o", "yaml")
    run.ok("delete", "cm", "c")
    run.has(copy, "resourceVersion:", "uid:", "creationTimestamp:")


@scenario("get -o name, jsonpath, go-template and their files")
def templates(run):
    run.apply_text(PODS)
    run.says("pod/alpha\npod/beta\npod/gamma", "get", "pods", "-o", "name")
    run.says("alpha beta gamma", "get", "pods", "-o", "jsonpath={.items[*].metadata.name}")
    run.says("beta=2;gamma=1;", "get", "pods", "beta", "gamma", "-o", "go-template={{range .items}}{{.metadata.name}}={{len .spec.containers}};{{end}}")
    run.says("alpha one\nbeta \ngamma two", "get", "pods", "-o", 'jsonpath={range .items[*]}{.metadata.name}{" "}{.spec.nodeName}{"\\n"}{end}')
    path = run.file("t", "{{.metadata.name}}!")
    run.says("alpha!", "get", "pod", "alpha", "-o", f"go-template-file={path}")
    path = run.file("j", "{.spec.containers[0].image}")
    run.says("registry.example/a:1", "get", "pod", "alpha", "-o", f"jsonpath-file={path}")
    run.says("beta", "get", "pods", "-o", "jsonpath={.items[?(@.metadata.labels.tier=='back')].metadata.name}")


@scenario("get -o custom-columns")
def custom_columns(run):
    run.apply_text(PODS)
    lines = [line.split() for line in run.ok("get", "pods", "-o", "custom-columns=WHO:.metadata.name,WHERE:.spec.nodeName").splitlines()]
    run.same(lines, [["WHO", "WHERE"], ["alpha", "one"], ["beta", "<none>"], ["gamma", "two"]])
    path = run.file("cols", "NAME          APP\nmetadata.name metadata.labels.app\n")
    run.same([line.split() for line in run.ok("get", "pods", "-o", f"custom-columns-file={path}").splitlines()][1:],
             [["alpha", "web"], ["beta", "web"], ["gamma", "db"]])


@scenario("get --show-labels, -L and --show-kind")
def labels(run):
    run.apply_text(PODS)
    run.match(run.ok("get", "pods", "--show-labels"), r"^alpha .* app=web,tier=front$")
    text = run.ok("get", "pods", "-L", "tier", "-L", "app")
    run.match(text, r"^NAME .* TIER +APP$")
    run.match(text, r"^beta .* back +web$")
    run.match(run.ok("get", "pods", "--show-kind"), r"^pod/alpha ")


@scenario("get --sort-by")
def sort_by(run):
    run.apply_text(PODS)
    run.same([r[0] for r in run.rows("get", "pods", "--sort-by={.spec.containers[0].image}")][-1], "beta")
    for name, value in (("x", "3"), ("y", "1"), ("z", "2")):
        run.ok("create", "secret", "generic", name, f"--type=example.com/{value}")
    run.same([r[0] for r in run.rows("get", "secrets", "--sort-by=.type")], ["y", "z", "x"])


@scenario("label selectors")
def label_selectors(run):
    run.apply_text(PODS)
    for selector, wanted in (("app=web", ["alpha", "beta"]), ("app==web,tier=front", ["alpha"]), ("app!=web", ["gamma"]), ("tier", ["alpha", "beta"]),
                             ("!tier", ["gamma"]), ("app in (web,db),tier notin (back)", ["alpha", "gamma"]), ("app in (none)", []), ("", ["alpha", "beta", "gamma"])):
        run.same((selector, run.names("get", "pods", "-l", selector)), (selector, wanted))
    run.true(run.fails("get", "pods", "-l", "app in web") != "", "a selector out of grammar")


@scenario("field selectors")
def field_selectors(run):
    run.apply_text(PODS)
    for selector, wanted in (("spec.nodeName=one", ["alpha"]), ("spec.nodeName=", ["beta"]), ("metadata.name!=beta", ["alpha", "gamma"]), ("status.phase=Pending,spec.nodeName=two", ["gamma"]),
                             ("status.phase=Running", []), (f"metadata.namespace={run.ns}", ["alpha", "beta", "gamma"])):
        run.same((selector, run.names("get", "pods", "--field-selector", selector)), (selector, wanted))
    run.has(run.fails("get", "pods", "--field-selector=spec.color=red"), "field label not supported: spec.color")
    run.ok("create", "secret", "generic", "s", "--type=example.com/x")
    run.same(run.names("get", "secrets", "--field-selector=type=example.com/x"), ["s"])


@scenario("--chunk-size pages through a list")
def chunks(run):
    configmaps(run, 57)
    for size in ("0", "1000", "10", "57", "56"):
        run.same((size, len(run.names("get", "cm", f"--chunk-size={size}", "-l", "odd"))), (size, 57))
    result = run.kubectl("get", "cm", "-l", "odd=1", "--chunk-size=10", "-v=6")
    run.same(len(result.out.splitlines()), 1 + 28)
    run.true(result.err.count("limit=10") >= 3, "it asked page by page")
    page = json.loads(run.ok("get", "--raw", f"/api/v1/namespaces/{run.ns}/configmaps?limit=10"))
    run.same((len(page["items"]), page["metadata"]["remainingItemCount"]), (10, 47))


@scenario("get -w shows changes as they come")
def watch(run):
    run.ok("create", "cm", "before")
    lines = run.start("get", "cm", "-w")
    lines.until("^before ")
    run.ok("create", "cm", "after", "--from-literal=a=1")
    lines.until(r"^after +1 ")
    run.ok("patch", "cm", "after", "--type=merge", "-p", '{"data":{"b":"2"}}')
    lines.until(r"^after +2 ")
    run.ok("delete", "cm", "after")
    lines.until(r"^after +2 ")


@scenario("get --watch-only, --output-watch-events, with a selector and of one object")
def watch_events(run):
    run.ok("create", "cm", "a")
    every = run.start("get", "cm", "-w", "--output-watch-events", "-l", "app=web")
    single = run.start("get", "cm", "a", "-w", "--output-watch-events")
    only = run.start("get", "cm", "--watch-only", "-o", "json", "--output-watch-events", "--field-selector=metadata.name=b", "-v=6")
    single.until(r"^ADDED +a ")
    run.await_watch(only)
    run.ok("label", "cm", "a", "app=web")
    every.until(r"^ADDED +a ")
    single.until(r"^MODIFIED +a ")
    run.ok("create", "cm", "b")
    only.until('"type": ?"ADDED"')
    run.ok("label", "cm", "a", "app-")
    every.until(r"^DELETED +a ")
    run.ok("delete", "cm", "a")
    single.until(r"^DELETED +a ")


@scenario("get of what is not there")
def missing(run):
    run.has(run.fails("get", "cm", "none"), 'Error from server (NotFound): configmaps "none" not found')
    run.same(run.ok("get", "cm", "none", "--ignore-not-found"), "")
    empty = run.kubectl("get", "pods")
    run.same((empty.code, empty.out), (0, ""))
    run.match(empty.err, rf"^No resources found in {run.ns} namespace\.$")
    run.has(run.fails("get", "nosuch"), 'the server doesn\'t have a resource type "nosuch"')


@scenario("get -f reads the object a file names")
def by_file(run):
    run.ok("create", "cm", "a", "--from-literal=k=v")
    path = run.file("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    run.same(run.ok("get", "-f", path, "-o", "jsonpath={.metadata.name}"), "a")
    run.field("configmaps.v1. a", ".data.k", "v")
    run.ok("create", "deployment", "d", "--image=registry.example/a:1")
    run.field("deployments.v1.apps d", ".spec.replicas", "1")
    run.field("deployment.apps/d", ".spec.replicas", "1")
    run.field("deploy d", ".spec.replicas", "1")


@scenario("HPA reads as autoscaling/v1 and v2, events as v1 and events.k8s.io")
def two_versions(run):
    run.ok("create", "deployment", "d", "--image=registry.example/a:1")
    run.ok("autoscale", "deploy", "d", "--max=5", "--cpu-percent=70" if run.minor < 34 else "--cpu=70%")
    for version, path, wanted in (("v1", ("targetCPUUtilizationPercentage",), 70), ("v2", ("metrics", 0, "resource", "target", "averageUtilization"), 70)):
        value = json.loads(run.ok("get", "--raw", f"/apis/autoscaling/{version}/namespaces/{run.ns}/horizontalpodautoscalers/d"))["spec"]
        for step in path:
            value = value[step]
        run.same((version, value), (version, wanted))
    run.apply_text("{apiVersion: v1, kind: Event, metadata: {name: e}, involvedObject: {kind: Pod, name: p, namespace: %s}, reason: Tested, message: it was, type: Normal, count: 3}" % run.ns)
    event = json.loads(run.ok("get", "--raw", f"/apis/events.k8s.io/v1/namespaces/{run.ns}/events/e"))
    run.same((event["note"], event["deprecatedCount"], event["regarding"]["name"]), ("it was", 3, "p"))
