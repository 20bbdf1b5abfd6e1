"""delete, with every cascade, selectors, preconditions and finalizers; wait --for=delete."""
from harness import scenario

HELD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, finalizers: [example.com/hold]}\n"


@scenario("delete says what is gone")
def delete(run):
    run.ok("create", "cm", "c")
    run.match(run.ok("delete", "cm", "c"), r'^configmap "c" deleted( from \S+ namespace)?$')
    run.has(run.fails("get", "cm/c"), 'Error from server (NotFound): configmaps "c" not found')
    run.has(run.fails("delete", "cm", "c"), "NotFound")
    run.same(run.ok("delete", "cm", "c", "--ignore-not-found"), "")
    run.ok("create", "cm", "c")
    run.says("configmap/c", "delete", "cm/c", "-o", "name")


@scenario("delete by label, by field, by file and --all")
def delete_many(run):
    for name, app in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "y"), ("e", "y")):
        run.ok("create", "cm", name)
        run.ok("label", "cm", name, f"app={app}")
    run.same(len(run.ok("delete", "cm", "-l", "app=x").splitlines()), 2)
    run.same(run.names("get", "cm"), ["c", "d", "e"])
    run.ok("delete", "cm", "--field-selector=metadata.name=d")
    run.same(run.names("get", "cm"), ["c", "e"])
    run.ok("delete", "-f", "-", stdin="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: e}\n")
    run.same(run.names("get", "cm"), ["c"])
    run.ok("delete", "cm", "--all")
    run.same(run.names("get", "cm"), [])
    run.ok("create", "cm", "f")
    run.ok("create", "secret", "generic", "g")
    run.same(len(run.ok("delete", "cm,secret", "--all").splitlines()), 2)


@scenario("delete --dry-run=server deletes nothing")
def delete_dry(run):
    run.ok("create", "cm", "c")
    run.has(run.ok("delete", "cm", "c", "--dry-run=server"), "deleted", "(server dry run)")
    run.same(run.names("get", "cm"), ["c"])


@scenario("delete waits for finalizers; wait --for=delete sees the end")
def finalizers(run):
    run.apply_text(HELD)
    run.ok("delete", "cm", "c", "--wait=false")
    held = run.json("get", "cm/c")["metadata"]
    run.true("deletionTimestamp" in held and held.get("deletionGracePeriodSeconds") == 0, "the object is marked and stays")
    waiting = run.start("wait", "--for=delete", "cm/c", "--timeout=20s")
    again = run.start("delete", "cm", "c")
    again.until(r'configmap "c" deleted')
    run.ok("patch", "cm", "c", "--type=json", "-p", '[{"op":"remove","path":"/metadata/finalizers"}]')
    run.same((waiting.ends(), again.ends()), (0, 0))
    run.same(run.names("get", "cm"), [])


@scenario("no finalizer may be added to what is being deleted")
def finalizer_late(run):
    run.apply_text(HELD)
    run.ok("delete", "cm", "c", "--wait=false")
    error = run.fails("patch", "cm", "c", "--type=json", "-p", '[{"op":"add","path":"/metadata/finalizers/-","value":"example.com/more"}]')
    run.has(error, "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted")
    run.ok("patch", "cm", "c", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def cascade(flag, claim, finalizer, since=20, until=99):
    def check(run):
        run.ok("create", "deployment", "d", "--image=registry.example/a:1")
        run.ok("delete", "deploy", "d", flag, "--wait=false")
        if not finalizer:
            run.has(run.fails("get", "deploy/d"), "NotFound")
            return
        left = run.json("get", "deploy/d")["metadata"]
        run.same(left["finalizers"], [finalizer])
        run.true("deletionTimestamp" in left, "it is marked")
        run.ok("patch", "deploy", "d", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        run.has(run.fails("get", "deploy/d"), "NotFound")
    scenario(claim, since=since, until=until)(check)


cascade("--cascade=background", "delete --cascade=background is gone at once", None)
cascade("--cascade=foreground", "delete --cascade=foreground leaves it to the garbage collector", "foregroundDeletion")
cascade("--cascade=orphan", "delete --cascade=orphan leaves it to the garbage collector", "orphan")
cascade("--cascade=true", "delete --cascade=true is background", None, until=27)
cascade("--cascade=false", "delete --cascade=false is orphan", "orphan", until=27)


@scenario("deleting a pod on a node waits for the kubelet; --force --grace-period=0 does not")
def delete_pod(run):
    run.apply_text("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {nodeName: none, containers: [{name: c, image: 'registry.example/a:1'}]}\n")
    run.ok("delete", "pod", "p", "--wait=false", "--grace-period=20")
    held = run.json("get", "pod/p")["metadata"]
    run.same(held["deletionGracePeriodSeconds"], 20)
    run.same(run.rows("get", "pod", "p")[0][2], "Terminating")
    text = run.kubectl("delete", "pod", "p", "--force", "--grace-period=0")
    run.has((text.err + text.out).lower(), "immediate deletion does not wait", "force deleted")
    run.same(run.names("get", "pods"), [])


@scenario("--now is a grace of one second")
def delete_now(run):
    run.apply_text("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {nodeName: none, containers: [{name: c, image: 'registry.example/a:1'}]}\n")
    run.ok("delete", "pod", "p", "--wait=false", "--now")
    run.field("pod/p", ".metadata.deletionGracePeriodSeconds", "1")


@scenario("a pod that no node has is gone at once")
def delete_unscheduled(run):
    run.ok("run", "p", "--image=registry.example/a:1")
    run.match(run.ok("delete", "pod", "p"), r'^pod "p" deleted')
    run.same(run.names("get", "pods"), [])


@scenario("a namespace that is being deleted takes no new objects")
def namespace(run):
    run.ok("create", "cm", "before")
    run.ok("delete", "namespace", run.ns, "--wait=false")
    run.field(f"ns/{run.ns}", ".status.phase", "Terminating")
    error = run.fails("create", "cm", "after")
    run.has(error, "(Forbidden)" if "error: failed" not in error else "is forbidden", f'unable to create new content in namespace {run.ns} because it is being terminated')
    run.has(run.fails("delete", "namespace", "kube-system"), "is forbidden")


@scenario("delete --raw and replace --raw reach any path")
def delete_raw(run):
    run.ok("create", "cm", "c")
    run.has(run.ok("delete", "--raw", f"/api/v1/namespaces/{run.ns}/configmaps/c"), '"status":"Success"')
    run.has(run.ok("create", "--raw", f"/api/v1/namespaces/{run.ns}/configmaps", "-f", "-", stdin='{"metadata":{"name":"r"}}'), '"kind":"ConfigMap"')
