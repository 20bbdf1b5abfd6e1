"""scale, autoscale, expose, rollout, wait, events: what works on workloads with nobody to run them."""
from harness import scenario


def deployment(run, replicas=1):
    run.ok("create", "deployment", "d", "--image=registry.example/a:1", f"--replicas={replicas}")


@scenario("scale")
def scale(run):
    deployment(run)
    run.says("deployment.apps/d scaled", "scale", "deploy/d", "--replicas=4")
    run.field("deploy/d", ".spec.replicas", "4")
    run.field("deploy/d", ".metadata.generation", "2")
    run.has(run.fails("scale", "deploy/d", "--replicas=5", "--current-replicas=9"), "Expected replicas to be 9, was 4")
    run.says("deployment.apps/d scaled", "scale", "deploy/d", "--replicas=5", "--current-replicas=4")
    run.has(run.fails("scale", "deploy/none", "--replicas=5"), "not found")
    for kind, more in (("ReplicaSet", ""), ("StatefulSet", "serviceName: x, ")):
        run.apply_text("{apiVersion: apps/v1, kind: %s, metadata: {name: x}, spec: {%sselector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, "
                       "spec: {containers: [{name: c, image: 'registry.example/a:1'}]}}}}" % (kind, more))
        run.ok("scale", kind.lower(), "x", "--replicas=3")
        run.field(f"{kind.lower()}/x", ".spec.replicas", "3")
    run.ok("create", "cm", "c")
    run.true(run.fails("scale", "cm/c", "--replicas=1") != "", "a config map cannot be scaled")


@scenario("autoscale")
def autoscale(run):
    deployment(run)
    run.says("horizontalpodautoscaler.autoscaling/d autoscaled", "autoscale", "deploy", "d", "--min=2", "--max=5", "--cpu-percent=80" if run.minor < 34 else "--cpu=80%")
    run.field("hpa/d", ".spec.maxReplicas", "5")
    row = run.rows("get", "hpa", "d")[0]
    run.has(" ".join(row), "Deployment/d", "<unknown>/80%")
    run.match(run.ok("describe", "hpa", "d"), r"^Reference: +Deployment/d$")


@scenario("expose")
def expose(run):
    deployment(run)
    run.says("service/d exposed", "expose", "deploy/d", "--port=80", "--target-port=8080")
    run.same(run.json("get", "svc/d")["spec"]["selector"], {"app": "d"})
    run.ok("expose", "deploy", "d", "--name=np", "--type=NodePort", "--port=80", "--protocol=UDP")
    run.field("svc/np", ".spec.ports[0].protocol", "UDP")
    run.ok("run", "p", "--image=registry.example/a:1", "--labels=a=b")
    run.ok("expose", "pod", "p", "--port=9")
    run.field("svc/p", ".spec.selector.a", "b")
    run.ok("expose", "svc", "d", "--name=again", "--port=81")
    run.field("svc/again", ".spec.ports[0].port", "81")


@scenario("rollout pause, resume and restart")
def rollout(run):
    deployment(run)
    run.says("deployment.apps/d paused", "rollout", "pause", "deploy/d")
    run.field("deploy/d", ".spec.paused", "true")
    run.has(run.fails("rollout", "pause", "deploy/d"), "is already paused")
    run.has(run.fails("rollout", "restart", "deploy/d"), "can't restart paused deployment")
    run.says("deployment.apps/d resumed", "rollout", "resume", "deploy/d")
    run.field("deploy/d", ".spec.paused", "")
    run.says("deployment.apps/d restarted", "rollout", "restart", "deploy/d")
    run.match(run.ok("get", "deploy/d", "-o", "jsonpath={.spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt}"), r"^20\d\d-")


@scenario("rollout status follows the status, rollout history reads the replica sets")
def rollout_status(run):
    deployment(run)
    lines = run.start("rollout", "status", "deploy/d", "--timeout=30s")
    lines.until("Waiting for deployment (spec update to be observed|\"d\" rollout to finish)|Waiting for")
    run.status("deployment/d", '{"status":{"observedGeneration":1,"replicas":1,"updatedReplicas":1,"readyReplicas":1,"availableReplicas":1}}')
    lines.until('deployment "d" successfully rolled out')
    run.same(lines.ends(), 0)
    owner = run.json("get", "deploy/d")
    run.apply_text("{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: d-1, labels: {app: d}, annotations: {deployment.kubernetes.io/revision: '1', kubernetes.io/change-cause: first}, "
                   "ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: d, uid: %s, controller: true}]}, spec: {selector: {matchLabels: {app: d}}, "
                   "template: {metadata: {labels: {app: d}}, spec: {containers: [{name: a, image: 'registry.example/a:0'}]}}}}" % owner["metadata"]["uid"])
    run.match(run.ok("rollout", "history", "deploy/d"), r"^1 +first$")
    run.has(run.ok("rollout", "history", "deploy/d", "--revision=1"), "registry.example/a:0")
    run.has(run.ok("get", "deploy", "d"), "1/1")


@scenario("wait for a condition")
def wait_condition(run):
    deployment(run)
    lines = run.start("wait", "--for=condition=Available", "deploy/d", "--timeout=30s", "-v=6")
    run.await_watch(lines)
    run.status("deployment/d", '{"status":{"observedGeneration":1,"conditions":[{"type":"Available","status":"True","reason":"x","message":"y"}]}}')
    lines.until(r"^deployment.apps/d condition met$")
    run.same(lines.ends(), 0)
    run.match(run.fails("wait", "--for=condition=Other", "deploy/d", "--timeout=1s"), "timed out waiting for the condition")


@scenario("wait for a value at a jsonpath", since=23)
def wait_jsonpath(run):
    run.ok("run", "p", "--image=registry.example/a:1")
    lines = run.start("wait", "--for=jsonpath={.status.phase}=Running", "pod/p", "--timeout=30s", "-v=6")
    run.await_watch(lines)
    run.status("pod/p", '{"status":{"phase":"Running"}}')
    lines.until(r"^pod/p condition met$")


@scenario("wait for creation", since=31)
def wait_create(run):
    lines = run.start("wait", "--for=create", "cm/late", "--timeout=30s", "-v=6")
    lines.until(r"configmaps/late.*\b404\b")
    run.ok("create", "cm", "late")
    lines.until(r"^configmap/late (condition met|created)$")


@scenario("wait --for=delete of several")
def wait_delete(run):
    for name in ("a", "b"):
        run.ok("create", "cm", name)
    lines = run.start("wait", "--for=delete", "cm/a", "cm/b", "--timeout=30s", "-v=6")
    run.await_watch(lines)
    run.ok("delete", "cm", "a", "b")
    run.same(lines.ends(), 0)


EVENT = """{apiVersion: v1, kind: Event, metadata: {name: NAME}, involvedObject: {apiVersion: v1, kind: Pod, name: p, namespace: NS}, reason: REASON,
  message: hello from NAME, type: TYPE, count: 1, firstTimestamp: '2026-01-02T03:04:05Z', lastTimestamp: '2026-01-02T03:04:05Z'}
"""


def event(run, name, reason, kind="Normal"):
    run.apply_text(EVENT.replace("NAME", name).replace("NS", run.ns).replace("REASON", reason).replace("TYPE", kind))


@scenario("get events shows and selects them")
def get_events(run):
    event(run, "a", "Started")
    event(run, "b", "Failed", "Warning")
    text = run.ok("get", "events")
    run.match(text, r"^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE$")
    run.match(text, r"Normal +Started +pod/p +hello from a$")
    run.same(run.names("get", "events", "--field-selector=type=Warning"), ["b"])
    run.same(run.names("get", "events", "--field-selector=involvedObject.name=p,reason=Started"), ["a"])


@scenario("events lists and filters", since=28)
def events(run):
    event(run, "a", "Started")
    event(run, "b", "Failed", "Warning")
    run.match(run.ok("events"), r"Normal +Started +Pod/p +hello from a$")
    text = run.ok("events", "--types=Warning", "--for=pod/p")
    run.has(text, "hello from b")
    run.lacks(text, "hello from a")
    lines = run.start("events", "--watch")
    lines.until("hello from b")
    event(run, "c", "Again")
    lines.until("hello from c")
