"""kubectl apply --server-side."""
import json

from harness import scenario

CONFIG = """apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: %s
"""

WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {team: %s}}
spec:%s
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "example.test/web:%s", ports: [{containerPort: 80}]}
"""


def apply(run, text, *args):
    return run.ok("apply", "--server-side", "-f", "-", *args, stdin=text)


def refused(run, text, *args):
    return run.fails("apply", "--server-side", "-f", "-", *args, stdin=text)


def owners(run, what):
    """{(manager, operation, subresource): fields}"""
    shown = ["--show-managed-fields"] if run.minor > 20 else []
    entries = run.json("get", what, *shown)["metadata"].get("managedFields", [])
    return {(e["manager"], e["operation"], e.get("subresource", "")): e["fieldsV1"] for e in entries}


def data(run):
    return json.loads(run.ok("get", "cm/c", "-o", "jsonpath={.data}") or "{}")


@scenario("apply --server-side creates an object and owns what the manifest says")
def creates(run):
    run.same(apply(run, CONFIG % '{a: "1"}'), "configmap/c serverside-applied\n")
    run.same(owners(run, "cm/c"), {("kubectl", "Apply", ""): {"f:data": {"f:a": {}}}})
    before = run.ok("get", "cm/c", "-o", "jsonpath={.metadata.resourceVersion}")
    apply(run, CONFIG % '{a: "1"}')
    run.field("cm/c", ".metadata.resourceVersion", before)


@scenario("what the manifest says no more goes, what it never said stays")
def removes(run):
    apply(run, CONFIG % '{a: "1", b: "1"}')
    run.ok("patch", "cm/c", "--type=merge", "-p", '{"data":{"x":"1"}}')
    apply(run, CONFIG % '{b: "2"}')
    run.same(data(run), {"b": "2", "x": "1"})


@scenario("two managers share a field, and it stays until both let go")
def shares(run):
    apply(run, CONFIG % '{a: "1", b: "1"}', "--field-manager=alpha")
    apply(run, CONFIG % '{a: "1", c: "1"}', "--field-manager=beta")
    apply(run, CONFIG % "{}", "--field-manager=alpha")
    run.same(data(run), {"a": "1", "c": "1"})
    apply(run, CONFIG % "{}", "--field-manager=beta")
    run.same(data(run), {})


@scenario("a conflict names the field and its owner; --force-conflicts takes it")
def conflicts(run):
    apply(run, CONFIG % '{a: "1"}', "--field-manager=alpha")
    said = refused(run, CONFIG % '{a: "2"}', "--field-manager=beta")
    run.has(said, 'Apply failed with 1 conflict: conflict with "alpha": .data.a')
    run.same(data(run), {"a": "1"})
    apply(run, CONFIG % '{a: "2"}', "--field-manager=beta", "--force-conflicts")
    run.same(data(run), {"a": "2"})
    run.same(owners(run, "cm/c"), {("beta", "Apply", ""): {"f:data": {"f:a": {}}}})


@scenario("a conflict with several managers lists each")
def many_conflicts(run):
    apply(run, CONFIG % '{a: "1", b: "1"}', "--field-manager=alpha")
    run.ok("patch", "cm/c", "--type=merge", "-p", '{"data":{"z":"1"}}', "--field-manager=hand")
    said = refused(run, CONFIG % '{a: "2", b: "2", z: "2"}', "--field-manager=beta")
    run.has(said, 'conflicts with "alpha":\n- .data.a\n- .data.b', 'conflicts with "hand" using v1:\n- .data.z', "3 conflicts")


@scenario("managedFields are hidden unless asked for", since=21)
def hidden(run):
    apply(run, CONFIG % '{a: "1"}')
    run.lacks(run.ok("get", "cm/c", "-o", "yaml"), "managedFields", "f:data")
    run.has(run.ok("get", "cm/c", "-o", "yaml", "--show-managed-fields"), "managedFields:", "f:data:", "manager: kubectl",
            "operation: Apply", "fieldsType: FieldsV1")


@scenario("other commands own what they change", since=21)
def others(run):
    run.ok("create", "cm", "c", "--from-literal=a=1")
    run.ok("label", "cm/c", "x=y")
    run.ok("patch", "cm/c", "-p", '{"data":{"b":"1"}}')
    names = {manager for manager, _, _ in owners(run, "cm/c")}
    run.same(names, {"kubectl-create", "kubectl-label", "kubectl-patch"})


@scenario("client-side apply is taken over: what the manifest drops goes", since=26)
def migrates(run):
    run.ok("apply", "-f", "-", stdin=CONFIG % '{a: "1", b: "1"}')
    run.same(list(owners(run, "cm/c")), [("kubectl-client-side-apply", "Update", "")])
    apply(run, CONFIG % '{a: "2"}')
    run.same(data(run), {"a": "2"})
    run.same([key for key in owners(run, "cm/c") if key[0] == "kubectl-client-side-apply"], [])
    run.has(run.ok("get", "cm/c", "-o", "jsonpath={.metadata.annotations}"), '\\"a\\":\\"2\\"')


@scenario("client-side apply goes on after server-side apply")
def and_back(run):
    apply(run, CONFIG % '{a: "1"}')
    run.has(run.ok("apply", "-f", "-", stdin=CONFIG % '{a: "2", b: "1"}'), "configmap/c configured")
    run.same(data(run), {"a": "2", "b": "1"})


@scenario("what client-side apply set is no conflict for kubectl")
def no_conflict_with_oneself(run):
    run.ok("apply", "-f", "-", stdin=CONFIG % '{a: "1"}')
    apply(run, CONFIG % '{a: "2"}')
    run.same(data(run), {"a": "2"})


@scenario("--dry-run=server changes nothing and shows what would be")
def dry_run(run):
    run.has(apply(run, CONFIG % '{a: "1"}', "--dry-run=server"), "configmap/c serverside-applied (server dry run)")
    run.has(run.fails("get", "cm/c"), "NotFound")
    apply(run, CONFIG % '{a: "1"}')
    out = json.loads(apply(run, CONFIG % '{a: "2", b: "1"}', "--dry-run=server", "-o", "json"))
    run.same(out["data"], {"a": "2", "b": "1"})
    run.same(data(run), {"a": "1"})


@scenario("diff --server-side shows the change")
def diff(run):
    apply(run, CONFIG % '{a: "1"}')
    run.says("", "diff", "--server-side", "-f", run.file("same.yaml", CONFIG % '{a: "1"}'))
    said = run.fails("diff", "--server-side", "-f", run.file("other.yaml", CONFIG % '{a: "2"}'))
    run.has(said, "-  a: \"1\"", "+  a: \"2\"")


@scenario("lists are merged by their keys, each side keeps its items")
def lists(run):
    apply(run, WEB % ("a", "", 1), "--field-manager=alpha")
    side = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"containers": [{"name": "side", "image": "example.test/side:1"}]}}}}
    apply(run, "---\n" + json.dumps(side), "--field-manager=beta", "--validate=false")
    run.field("deploy/web", ".spec.template.spec.containers[*].name", "web side")
    apply(run, WEB % ("a", "", 2), "--field-manager=alpha")
    run.field("deploy/web", ".spec.template.spec.containers[*].image", "example.test/web:2 example.test/side:1")
    side["spec"] = {"template": {"spec": {"containers": []}}}
    apply(run, "---\n" + json.dumps(side), "--field-manager=beta", "--validate=false")
    run.field("deploy/web", ".spec.template.spec.containers[*].name", "web")


@scenario("kubectl scale takes the replicas; without them in the manifest it keeps them")
def scaling(run):
    apply(run, WEB % ("a", "\n  replicas: 2", 1))
    run.ok("scale", "deploy/web", "--replicas=5")
    run.has(refused(run, WEB % ("a", "\n  replicas: 2", 1)), ".spec.replicas", 'with subresource "scale"')
    apply(run, WEB % ("b", "", 1))
    run.field("deploy/web", ".spec.replicas", "5")
    run.field("deploy/web", ".metadata.labels.team", "b")


@scenario("unknown fields and items that are there twice are refused")
def bad(run):
    run.has(refused(run, CONFIG % '{a: "1"}' + "colour: red\n", "--validate=false"), ".colour: field not declared in schema")
    twice = (WEB % ("a", "", 1)).rstrip() + "\n      - {name: web, image: other}\n"
    run.has(refused(run, twice, "--validate=false"), 'duplicate entries for key [name="web"]')


@scenario("managedFields are not for manifests")
def not_in_manifests(run):
    text = (CONFIG % '{a: "1"}').replace("{name: c}", "{name: c, managedFields: [{manager: x, operation: Apply}]}")
    run.has(refused(run, text, "--validate=false"), "metadata.managedFields must be nil")


@scenario("the status is applied through its subresource", since=33)
def status(run):
    apply(run, WEB % ("a", "", 1))
    text = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, status: {replicas: 3, observedGeneration: 1}}"
    apply(run, text, "--subresource=status", "--field-manager=ctl")
    run.field("deploy/web", ".status.replicas", "3")
    run.same(owners(run, "deploy/web")[("ctl", "Apply", "status")], {"f:status": {"f:observedGeneration": {}, "f:replicas": {}}})


@scenario("edit and replace of an object that is applied keep its owners")
def keeps(run):
    apply(run, CONFIG % '{a: "1", b: "1"}')
    run.ok("replace", "-f", "-", stdin=CONFIG % '{a: "1", b: "2"}')
    have = owners(run, "cm/c")
    run.same(have[("kubectl", "Apply", "")], {"f:data": {"f:a": {}}})
    run.true(any(key[1] == "Update" and value["f:data"].get("f:b") == {} for key, value in have.items()), f"nobody owns b: {have}")


@scenario("tracking is reset by an empty entry, and begins anew with the next apply", since=21)
def resets(run):
    apply(run, CONFIG % '{a: "1"}')
    run.ok("patch", "cm/c", "--type=merge", "-p", '{"metadata":{"managedFields":[{}]}}')
    run.same(owners(run, "cm/c"), {})
    run.has(refused(run, CONFIG % '{a: "2"}'), '"before-first-apply" using v1: .data.a')
    apply(run, CONFIG % '{a: "2"}', "--force-conflicts")
    run.same(data(run), {"a": "2"})
