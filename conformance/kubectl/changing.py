"""patch, label, annotate, set, taint, cordon: small changes to what is there."""
from harness import scenario

NODE = "apiVersion: v1\nkind: Node\nmetadata: {name: node-UNIQUE, labels: {zone: a}}\n"


def deployment(run, name="d", replicas=1):
    run.ok("create", "deployment", name, "--image=registry.example/a:1", f"--replicas={replicas}")


@scenario("patch --type=strategic merges containers by name")
def patch_strategic(run):
    deployment(run)
    run.says("deployment.apps/d patched", "patch", "deploy", "d", "-p",
             '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"registry.example/b:1"}]}}}}')
    run.same(sorted(run.ok("get", "deploy/d", "-o", "jsonpath={.spec.template.spec.containers[*].name}").split()), ["a", "side"])
    run.ok("patch", "deploy", "d", "-p", '{"spec":{"template":{"spec":{"containers":[{"name":"side","$patch":"delete"}]}}}}')
    run.field("deploy/d", ".spec.template.spec.containers[*].name", "a")
    run.field("deploy/d", ".metadata.generation", "3")


@scenario("patch --type=merge replaces lists and removes with null")
def patch_merge(run):
    run.ok("create", "cm", "c", "--from-literal=a=1", "--from-literal=b=2")
    run.says("configmap/c patched", "patch", "cm", "c", "--type=merge", "-p", '{"data":{"a":null,"c":"3"}}')
    run.same(run.json("get", "cm/c")["data"], {"b": "2", "c": "3"})
    run.says("configmap/c patched (no change)", "patch", "cm", "c", "--type=merge", "-p", '{"data":{"c":"3"}}')


@scenario("patch --type=json tests, adds, moves and removes")
def patch_json(run):
    run.ok("create", "cm", "c", "--from-literal=a=1", "--from-literal=b=2")
    run.says("configmap/c patched", "patch", "cm", "c", "--type=json", "-p",
             '[{"op":"test","path":"/data/a","value":"1"},{"op":"add","path":"/data/x.y","value":"3"},{"op":"move","from":"/data/b","path":"/data/z"},'
             '{"op":"remove","path":"/data/a"}]')
    run.same(run.json("get", "cm/c")["data"], {"x.y": "3", "z": "2"})
    run.true(run.fails("patch", "cm", "c", "--type=json", "-p", '[{"op":"test","path":"/data/z","value":"no"}]') != "", "a failed test is an error")
    run.true(run.fails("patch", "cm", "c", "--type=json", "-p", '[{"op":"remove","path":"/data/none"}]') != "", "a path that is not there is an error")
    run.same(run.json("get", "cm/c")["data"], {"x.y": "3", "z": "2"})


@scenario("patch --subresource=status and scale", since=24)
def patch_subresource(run):
    deployment(run)
    run.ok("patch", "deploy", "d", "--subresource=status", "--type=merge", "-p", '{"status":{"replicas":4,"observedGeneration":1},"spec":{"replicas":9}}')
    run.field("deploy/d", ".status.replicas", "4")
    run.field("deploy/d", ".spec.replicas", "1")
    run.field("deploy/d", ".metadata.generation", "1")
    run.ok("patch", "deploy", "d", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":3}}')
    run.field("deploy/d", ".spec.replicas", "3")


@scenario("label adds, refuses to overwrite, overwrites, removes, lists")
def label(run):
    run.ok("create", "cm", "c")
    run.says("configmap/c labeled", "label", "cm", "c", "a=1", "b=2")
    run.has(run.fails("label", "cm", "c", "a=2"), "'a' already has a value (1), and --overwrite is false")
    run.says("configmap/c labeled", "label", "--overwrite", "cm", "c", "a=2")
    run.same(run.json("get", "cm/c")["metadata"]["labels"], {"a": "2", "b": "2"})
    run.has(run.ok("label", "cm", "c", "--list"), "a=2", "b=2")
    run.has(run.ok("label", "cm", "c", "b-"), "configmap/c")
    run.same(run.json("get", "cm/c")["metadata"]["labels"], {"a": "2"})
    run.has(run.fails("label", "cm", "c", "a=not valid", "--overwrite"), "a")
    run.ok("create", "cm", "d")
    run.same(sorted(run.ok("label", "cm", "--all", "all=yes").splitlines())[:2], ["configmap/c labeled", "configmap/d labeled"])
    run.same(run.names("get", "cm", "-l", "all=yes"), ["c", "d"])


@scenario("label --resource-version refuses an old version")
def label_version(run):
    run.ok("create", "cm", "c")
    version = run.json("get", "cm/c")["metadata"]["resourceVersion"]
    run.ok("label", "cm", "c", "a=1", f"--resource-version={version}")
    run.has(run.fails("label", "cm", "c", "b=1", f"--resource-version={version}"), "the object has been modified")


@scenario("annotate adds, overwrites and removes")
def annotate(run):
    run.ok("create", "cm", "c")
    run.says("configmap/c annotated", "annotate", "cm", "c", "example.com/why=because it is so")
    run.field("cm/c", ".metadata.annotations.example\\.com/why", "because it is so")
    run.has(run.fails("annotate", "cm", "c", "example.com/why=x"), "--overwrite is false")
    run.ok("annotate", "cm", "c", "example.com/why=x", "--overwrite")
    run.ok("annotate", "cm", "c", "example.com/why-")
    run.same("annotations" in run.json("get", "cm/c")["metadata"], False)


@scenario("set image")
def set_image(run):
    deployment(run)
    run.says("deployment.apps/d image updated", "set", "image", "deploy/d", "a=registry.example/a:2")
    run.field("deploy/d", ".spec.template.spec.containers[0].image", "registry.example/a:2")
    run.field("deploy/d", ".metadata.generation", "2")


@scenario("set env adds, lists, takes from a configmap and removes")
def set_env(run):
    deployment(run)
    run.ok("create", "cm", "c", "--from-literal=KEY=v")
    run.says("deployment.apps/d env updated", "set", "env", "deploy/d", "A=1", "B=2")
    run.has(run.ok("set", "env", "deploy/d", "--list"), "A=1", "B=2")
    run.ok("set", "env", "deploy/d", "--from=configmap/c")
    run.field("deploy/d", ".spec.template.spec.containers[0].env[?(@.name=='KEY')].valueFrom.configMapKeyRef.name", "c")
    run.ok("set", "env", "deploy/d", "A-")
    run.same(run.ok("get", "deploy/d", "-o", "jsonpath={.spec.template.spec.containers[0].env[*].name}"), "B KEY")


@scenario("set resources")
def set_resources(run):
    deployment(run)
    run.says("deployment.apps/d resource requirements updated", "set", "resources", "deploy/d", "--limits=cpu=200m,memory=512Mi", "--requests=cpu=100m")
    run.same(run.json("get", "deploy/d")["spec"]["template"]["spec"]["containers"][0]["resources"],
             {"limits": {"cpu": "200m", "memory": "512Mi"}, "requests": {"cpu": "100m"}})


@scenario("set serviceaccount, selector and subject")
def set_others(run):
    deployment(run)
    run.says("deployment.apps/d serviceaccount updated", "set", "serviceaccount", "deploy/d", "robot")
    run.field("deploy/d", ".spec.template.spec.serviceAccountName", "robot")
    run.ok("create", "service", "clusterip", "s", "--tcp=80")
    run.says("service/s selector updated", "set", "selector", "svc/s", "a=b,c=d")
    run.same(run.json("get", "svc/s")["spec"]["selector"], {"a": "b", "c": "d"})
    run.ok("create", "rolebinding", "b", "--role=r", "--user=one")
    run.says("rolebinding.rbac.authorization.k8s.io/b subjects updated", "set", "subject", "rolebinding", "b", "--user=two", "--group=some")
    run.same(run.ok("get", "rolebinding/b", "-o", "jsonpath={.subjects[*].name}"), "one two some")


@scenario("taint adds, refuses, overwrites and removes")
def taint(run):
    node = f"node-{run.unique}"
    run.apply_text(NODE.replace("UNIQUE", run.unique))
    run.says(f"node/{node} tainted", "taint", "nodes", node, "key=v:NoSchedule", "other=:NoExecute")
    run.same(run.ok("get", f"node/{node}", "-o", "jsonpath={.spec.taints[?(@.key=='key')].effect}"), "NoSchedule")
    run.has(run.fails("taint", "nodes", node, "key=w:NoSchedule"), "already has key taint(s) with same effect(s) and --overwrite is false")
    run.says(f"node/{node} modified", "taint", "nodes", node, "key=w:NoSchedule", "--overwrite")
    run.same(run.ok("get", f"node/{node}", "-o", "jsonpath={.spec.taints[?(@.key=='key')].value}"), "w")
    run.says(f"node/{node} untainted", "taint", "nodes", node, "key-")
    run.same(run.ok("get", f"node/{node}", "-o", "jsonpath={.spec.taints[?(@.key=='key')].value}"), "")


@scenario("cordon and uncordon")
def cordon(run):
    node = f"node-{run.unique}"
    run.apply_text(NODE.replace("UNIQUE", run.unique))
    run.says(f"node/{node} cordoned", "cordon", node)
    run.same(run.rows("get", "node", node)[0][1], "Unknown,SchedulingDisabled")
    run.says(f"node/{node} already cordoned", "cordon", node)
    run.says(f"node/{node} uncordoned", "uncordon", node)
    run.field(f"node/{node}", ".spec.unschedulable", "")


@scenario("drain evicts the pods of a node")
def drain(run):
    node = f"node-{run.unique}"
    run.apply_text(NODE.replace("UNIQUE", run.unique))
    run.apply_text(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{nodeName: {node}, terminationGracePeriodSeconds: 0, "
                   "containers: [{name: c, image: 'registry.example/a:1'}]}\n")
    text = run.ok("drain", node, "--force", "--timeout=30s")
    run.has(text, f"node/{node} cordoned", "evicting pod", f"node/{node} drained" if run.minor > 23 else f"node/{node}")
    run.same(run.names("get", "pods"), [])


@scenario("drain respects a disruption budget")
def drain_budget(run):
    node = f"node-{run.unique}"
    run.apply_text(NODE.replace("UNIQUE", run.unique))
    run.apply_text(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p, labels: {{app: web}}}}\nspec: {{nodeName: {node}, "
                   "containers: [{name: c, image: 'registry.example/a:1'}]}\n---\n"
                   "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n")
    run.status("pod/p", '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}')
    # As the controller would count it; a budget that nobody has looked at yet makes clients wait and ask again.
    run.status("pdb/b", '{"status":{"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":1,"desiredHealthy":1,"expectedPods":1}}')
    run.has(run.fails("drain", node, "--force", "--timeout=2s"), "Cannot evict pod as it would violate the pod's disruption budget")
    run.same(run.names("get", "pods"), ["p"])
