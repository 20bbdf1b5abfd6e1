"""Every kind: created, shown as a table with the right columns, described, deleted."""
import pathlib
import re

from harness import scenario

TEXT = pathlib.Path(__file__).resolve().parent.parent.joinpath("objects.yaml").read_text()
# columns of `get -o wide` by kind
COLUMNS = {}
for line in pathlib.Path(__file__).resolve().parent.joinpath("columns.txt").read_text().splitlines():
    if line and not line.startswith("#"):
        kind, head = line.split(": ", 1)
        COLUMNS[kind] = head


def resource_of(document):
    version = re.search(r"^apiVersion: (.*)$", document, re.M).group(1)
    kind = re.search(r"^kind: (.*)$", document, re.M).group(1)
    group = version.split("/")[0] if "/" in version else ""
    return f"{kind}.{version.split('/')[-1]}.{group}", kind


def fill(run, document):
    number = sum(ord(c) * 7 ** i for i, c in enumerate(run.unique)) % 200 + 20
    words = {"UNIQUE": run.unique, "NAMESPACE": run.ns, "[CIDR]": f"[10.{number}.0.0/24]", "ADDRESS": f"10.{number}.0.9"}
    for word, value in words.items():
        document = document.replace(word, value)
    return document


# kubectl 1.20 describes these through versions that 1.25 dropped
NOT_BY_OLD = {"CronJob", "EndpointSlice", "PodDisruptionBudget"}


def check(document):
    resource, kind = resource_of(document)

    def function(run):
        text = fill(run, document)
        name = re.search(r"^metadata: \{name: ([^,]*),", text, re.M).group(1)
        run.match(run.apply_text(text), rf"/{re.escape(name)} created$")
        wide = run.ok("get", resource, name, "-o", "wide").splitlines()
        run.same(re.sub(r"  +", "|", wide[0].strip()), COLUMNS[kind])
        run.true(name in wide[1].split(), f"the row of {name}: {wide[1]}")
        run.same(run.json("get", resource, name)["kind"], kind)
        described = run.ok("describe", resource, name)
        run.match(described, rf"^Name: +{re.escape(name)}$")
        run.lacks(described, "unable to")
        run.match(run.ok("describe", resource, "-l", "sample=yes"), rf"^Name: +{re.escape(name)}$")
        run.ok("delete", resource, name, "--wait=false")
    scenario(f"{kind}: table, describe, delete", since=21 if kind in NOT_BY_OLD else 20)(function)


for part in TEXT.split("\n---\n"):
    check(part)


@scenario("describe shows the parts of a pod, and its events")
def describe_pod(run):
    run.ok("run", "p", "--image=registry.example/a:1", "--env=A=1", "--labels=app=web")
    run.apply_text("{apiVersion: v1, kind: Event, metadata: {name: e}, involvedObject: {apiVersion: v1, kind: Pod, name: p, namespace: %s, uid: %s}, "
                   "reason: Tested, message: it was tested, type: Normal, count: 3, source: {component: tester}, "
                   "firstTimestamp: '2026-01-02T03:04:05Z', lastTimestamp: '2026-01-02T03:04:06Z'}" % (run.ns, run.json("get", "pod/p")["metadata"]["uid"]))
    text = run.ok("describe", "pod", "p")
    run.match(text, r"^Labels: +app=web$")
    run.match(text, r"^Status: +Pending$")
    run.match(text, r"^ +Image: +registry.example/a:1$")
    run.match(text, r"^ +A: +1$")
    run.match(text, r"^ +Normal +Tested .* tester +it was tested$")
    run.match(text, r"^QoS Class: +BestEffort$")


@scenario("describe shows a service, a secret without its values, a namespace with its quota")
def describe_others(run):
    run.ok("create", "service", "nodeport", "s", "--tcp=80:8080")
    text = run.ok("describe", "svc", "s")
    run.match(text, r"^TargetPort: +8080/TCP$")
    run.match(text, r"^NodePort: .* 3\d{4}/TCP$")
    run.ok("create", "secret", "generic", "x", "--from-literal=password=hunter2")
    text = run.ok("describe", "secret", "x")
    run.match(text, r"^password: +7 bytes$")
    run.lacks(text, "hunter2", "aHVudGVyMg")
    run.ok("create", "quota", "q", "--hard=services.nodeports=9")
    run.status("resourcequota/q", '{"status":{"hard":{"services.nodeports":"9"},"used":{"services.nodeports":"1"}}}')
    run.match(run.ok("describe", "ns", run.ns), r"^ +services.nodeports +1 +9$")
    run.has(run.fails("describe", "pod", "none"), 'pods "none" not found')
