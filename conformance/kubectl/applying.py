"""apply (client-side), diff, replace, edit."""
from harness import scenario

CONFIG = """apiVersion: v1
kind: ConfigMap
metadata: {{name: c, labels: {{app: web}}}}
data: {data}
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: d, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: "registry.example/a:1", env: [{name: A, value: "1"}, {name: B, value: "2"}]}
      - {name: side, image: "registry.example/b:1"}
"""
SERVICE = """apiVersion: v1
kind: Service
metadata: {name: s}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80}, {name: https, port: 443}]
"""


def put(run, text, *args):
    return run.ok("apply", "-f", "-", *args, stdin=text).rstrip("\n")


@scenario("apply creates, leaves alone, configures")
def apply(run):
    run.same(put(run, CONFIG.format(data='{a: "1", b: "2"}')), "configmap/c created")
    run.same(put(run, CONFIG.format(data='{a: "1", b: "2"}')), "configmap/c unchanged")
    before = run.json("get", "cm/c")["metadata"]["resourceVersion"]
    run.same(put(run, CONFIG.format(data='{a: "1", c: "3"}')), "configmap/c configured")
    after = run.json("get", "cm/c")
    run.same(after["data"], {"a": "1", "c": "3"})
    run.true(int(after["metadata"]["resourceVersion"]) > int(before), "resourceVersion rose")
    run.has(after["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"], '"c":"3"')


@scenario("apply keeps what others set and removes what it set itself")
def apply_three_way(run):
    put(run, CONFIG.format(data='{a: "1", b: "2"}'))
    run.ok("patch", "cm", "c", "--type=merge", "-p", '{"data":{"other":"x"}}')
    run.same(put(run, CONFIG.format(data='{a: "1"}')), "configmap/c configured")
    run.same(run.json("get", "cm/c")["data"], {"a": "1", "other": "x"})


@scenario("apply merges lists by their keys (strategic merge)")
def apply_strategic(run):
    put(run, DEPLOYMENT)
    run.ok("scale", "deploy/d", "--replicas=7")
    run.ok("set", "env", "deploy/d", "-c", "main", "C=3")
    run.same(put(run, DEPLOYMENT.replace(', {name: B, value: "2"}', "").replace("  replicas: 2\n", "")
                 .replace('      - {name: side, image: "registry.example/b:1"}\n', "")), "deployment.apps/d configured")
    spec = run.json("get", "deploy/d")["spec"]
    run.same(len(spec["template"]["spec"]["containers"]), 1)
    run.same(spec["template"]["spec"]["containers"][0]["env"], [{"name": "A", "value": "1"}, {"name": "C", "value": "3"}])
    run.same(put(run, SERVICE), "service/s created")
    run.same(put(run, SERVICE.replace(", {name: https, port: 443}", ", {name: alt, port: 8080}")), "service/s configured")
    run.same(run.ok("get", "svc/s", "-o", "jsonpath={.spec.ports[*].name}"), "http alt")


@scenario("apply --dry-run=server changes nothing, -o prints what would be")
def apply_dry_run(run):
    run.same(put(run, CONFIG.format(data='{a: "1"}'), "--dry-run=server"), "configmap/c created (server dry run)")
    run.has(run.fails("get", "cm/c"), "NotFound")
    put(run, CONFIG.format(data='{a: "1"}'))
    run.has(put(run, CONFIG.format(data='{a: "2"}'), "--dry-run=server", "-o", "yaml"), 'a: "2"')
    run.field("cm/c", ".data.a", "1")


@scenario("apply --prune deletes what is no longer there")
def apply_prune(run):
    two = CONFIG.format(data="{}") + "---\n" + CONFIG.format(data="{}").replace("name: c", "name: c2")
    args = ["--prune", "-l", "app=web", "--prune-whitelist=core/v1/ConfigMap" if run.minor < 26 else "--prune-allowlist=core/v1/ConfigMap"]
    run.has(put(run, two, *args), "configmap/c created", "configmap/c2 created")
    run.has(put(run, CONFIG.format(data="{}"), *args), "configmap/c2 pruned")
    run.same([n for n in run.names("get", "cm")], ["c"])


@scenario("apply edit-last-applied, set-last-applied and view-last-applied")
def last_applied(run):
    put(run, CONFIG.format(data='{a: "1"}'))
    run.has(run.ok("apply", "view-last-applied", "cm/c"), 'a: "1"')
    run.ok("apply", "set-last-applied", "-f", "-", stdin=CONFIG.format(data='{a: "9"}'))
    run.has(run.ok("apply", "view-last-applied", "cm/c"), 'a: "9"')
    run.field("cm/c", ".data.a", "1")


@scenario("apply over an object made by create warns and takes it over")
def apply_adopts(run):
    run.ok("create", "cm", "c", "--from-literal=a=1")
    result = run.kubectl("apply", "-f", "-", stdin=CONFIG.format(data='{b: "2"}'))
    run.same((result.code, result.out), (0, "configmap/c configured\n"))
    run.has(result.err, "missing the kubectl.kubernetes.io/last-applied-configuration annotation")
    run.same(run.json("get", "cm/c")["data"], {"a": "1", "b": "2"})


@scenario("apply refuses to change what cannot change")
def apply_immutable(run):
    put(run, DEPLOYMENT)
    error = run.fails("apply", "-f", "-", stdin=DEPLOYMENT.replace("{app: web}}\n  template", "{app: other}}\n  template").replace(
        "metadata: {labels: {app: web}}\n    spec", "metadata: {labels: {app: other}}\n    spec"))
    run.has(error, "spec.selector", "field is immutable")


@scenario("diff shows what apply would change, exit code 1")
def diff(run):
    put(run, CONFIG.format(data='{a: "1"}'))
    same = run.kubectl("diff", "-f", "-", stdin=CONFIG.format(data='{a: "1"}'))
    run.same((same.code, same.out), (0, ""))
    other = run.kubectl("diff", "-f", "-", stdin=CONFIG.format(data='{a: "2"}'))
    run.same(other.code, 1)
    run.match(other.out, r'^-  a: "1"$')
    run.match(other.out, r'^\+  a: "2"$')
    run.field("cm/c", ".data.a", "1")
    new = run.kubectl("diff", "-f", "-", stdin=CONFIG.format(data='{a: "2"}').replace("name: c", "name: new"))
    run.same(new.code, 1)
    run.match(new.out, r"^\+  name: new$")


@scenario("replace puts a whole object; --force makes a new one")
def replace(run):
    put(run, CONFIG.format(data='{a: "1"}'))
    old = run.json("get", "cm/c")["metadata"]
    run.same(run.ok("replace", "-f", "-", stdin=CONFIG.format(data='{z: "1"}')), "configmap/c replaced\n")
    new = run.json("get", "cm/c")
    run.same((new["data"], new["metadata"]["uid"], "annotations" in new["metadata"]), ({"z": "1"}, old["uid"], False))
    run.has(run.ok("replace", "--force", "-f", "-", stdin=CONFIG.format(data='{y: "1"}')), "configmap", "replaced")
    run.true(run.json("get", "cm/c")["metadata"]["uid"] != old["uid"], "--force makes a new object")
    run.has(run.fails("replace", "-f", "-", stdin=CONFIG.format(data="{}").replace("name: c", "name: other")), "NotFound")


@scenario("replace with an old resourceVersion is a conflict")
def replace_conflict(run):
    put(run, CONFIG.format(data='{a: "1"}'))
    old = run.ok("get", "cm/c", "-o", "yaml")
    run.ok("label", "cm/c", "x=y")
    run.has(run.fails("replace", "-f", "-", stdin=old), "Error from server (Conflict)",
            'Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to the latest version and try again')


@scenario("edit writes what the editor leaves")
def edit(run):
    put(run, CONFIG.format(data='{colour: blue}'))
    editor = run.file("editor", "#!/bin/sh\nsed -i s/blue/green/ \"$1\"\n", 0o755)
    run.says("configmap/c edited", "edit", "cm/c", env={"KUBE_EDITOR": editor})
    run.field("cm/c", ".data.colour", "green")
    same = run.kubectl("edit", "cm/c", env={"KUBE_EDITOR": "true"})
    run.same(same.code, 0)
    run.has(same.out + same.err, "no changes made")


@scenario("edit shows the editor what the server refused")
def edit_wrong(run):
    put(run, DEPLOYMENT)
    editor = run.file("editor", "#!/bin/sh\nif grep -q '^# .*Invalid value' \"$1\"; then cp \"$1\" seen; else sed -i 's/replicas: 2/replicas: -2/' \"$1\"; fi\n", 0o755)
    run.kubectl("edit", "deploy/d", env={"KUBE_EDITOR": editor})
    run.has((run.folder / "seen").read_text(), "spec.replicas: Invalid value: -2")
    run.field("deploy/d", ".spec.replicas", "2")


@scenario("edit --save-config and edit of several objects")
def edit_many(run):
    for name in ("a", "b"):
        run.ok("create", "cm", name, "--from-literal=colour=blue")
    editor = run.file("editor", "#!/bin/sh\nsed -i s/blue/green/ \"$1\"\n", 0o755)
    run.says("configmap/a edited\nconfigmap/b edited", "edit", "cm", "a", "b", env={"EDITOR": editor})
    run.same(run.ok("get", "cm", "a", "b", "-o", "jsonpath={.items[*].data.colour}"), "green green")
