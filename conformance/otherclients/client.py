"""The Python client: typed and dynamic, lists in pages, watches, patches, custom objects, errors."""
import sys
import threading
import time
import traceback

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException

NS = "python"
count = failed = 0


def ok(holds, claim, *shown):
    global count, failed
    count += 1
    failed += not holds
    print("%s %d - Python: %s" % ("ok" if holds else "not ok", count, claim), flush=True)
    for line in shown if not holds else ():
        print("#   %s" % str(line)[:800], flush=True)


def refused(code, work):
    try:
        work()
    except ApiException as why:
        return why.status == code
    return False


def config_map(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"n": name[-1]}), data=data)


def basics(core):
    ok(client.VersionApi().get_code().minor == "37", "version")
    for i in range(7):
        core.create_namespaced_config_map(NS, config_map("m%d" % i, colour="red"))
    ok([m.metadata.name for m in core.list_namespaced_config_map(NS).items] == ["m%d" % i for i in range(7)], "list")
    ok(len(core.list_namespaced_config_map(NS, label_selector="n in (1,2)").items) == 2, "a label selector")
    names, token = [], None
    while token != "":
        page = core.list_namespaced_config_map(NS, limit=3, _continue=token)
        names += [m.metadata.name for m in page.items]
        token = page.metadata._continue or ""
    ok(len(names) == 7, "pages", names)
    made = core.read_namespaced_config_map("m1", NS)
    made.data["colour"] = "blue"
    changed = core.replace_namespaced_config_map("m1", NS, made)
    ok(changed.data == {"colour": "blue"} and changed.metadata.creation_timestamp.tzinfo is not None, "replace", changed)
    ok(refused(409, lambda: core.replace_namespaced_config_map("m1", NS, made)), "a replace of an old version is a conflict")
    ok(refused(409, lambda: core.create_namespaced_config_map(NS, config_map("m1"))), "a second create is a conflict")
    ok(refused(404, lambda: core.read_namespaced_config_map("none", NS)), "what is not there is not found")
    ok(refused(422, lambda: core.create_namespaced_config_map(NS, config_map("Bad_Name"))), "a bad name is invalid")


def patches(core, apps):
    patched = core.patch_namespaced_config_map("m2", NS, {"data": {"size": "3"}})
    ok(patched.data == {"colour": "red", "size": "3"}, "a patch with an object", patched.data)
    patched = core.patch_namespaced_config_map("m2", NS, [{"op": "remove", "path": "/data/colour"}])
    ok(patched.data == {"size": "3"}, "a patch with a list of operations", patched.data)
    utils.create_from_dict(client.ApiClient(), {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
            {"name": "a", "image": "registry.example/a:1"}, {"name": "b", "image": "registry.example/b:1"}]}}}}, namespace=NS)
    body = {"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "registry.example/b:2"}]}}}}
    web = apps.patch_namespaced_deployment("web", NS, body)
    ok([c.image for c in web.spec.template.spec.containers] == ["registry.example/a:1", "registry.example/b:2"], "a strategic patch merges containers")
    ok(apps.patch_namespaced_deployment_scale("web", NS, {"spec": {"replicas": 4}}).spec.replicas == 4, "the scale is patched")
    ok(apps.read_namespaced_deployment("web", NS).spec.replicas == 4, "and shows in the deployment")


def watches(core):
    version = core.list_namespaced_config_map(NS).metadata.resource_version

    def change():
        core.create_namespaced_config_map(NS, config_map("w9", a="1"))
        core.patch_namespaced_config_map("w9", NS, {"data": {"a": "2"}})
        core.delete_namespaced_config_map("w9", NS)
    threading.Thread(target=change).start()
    seen = []
    w = watch.Watch()
    for event in w.stream(core.list_namespaced_config_map, NS, resource_version=version, timeout_seconds=20):
        seen.append((event["type"], event["object"].data["a"]))
        if event["type"] == "DELETED":
            w.stop()
    ok(seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")], "a watch", seen)
    started = time.monotonic()
    ok([e for e in watch.Watch().stream(core.list_namespaced_config_map, NS, resource_version=core.list_namespaced_config_map(NS).metadata.resource_version,
                                        timeout_seconds=1)] == [] and time.monotonic() - started < 15, "a watch ends by its timeout")


def custom(core):
    extensions, objects = client.ApiextensionsV1Api(), client.CustomObjectsApi()
    extensions.create_custom_resource_definition({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "oars.python.example"},
        "spec": {"group": "python.example", "scope": "Namespaced", "names": {"plural": "oars", "singular": "oar", "kind": "Oar"},
                 "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                     "type": "object", "properties": {"spec": {"type": "object", "properties": {"length": {"type": "integer", "minimum": 1}}}}}}}]}})
    for event in watch.Watch().stream(extensions.list_custom_resource_definition, field_selector="metadata.name=oars.python.example", timeout_seconds=20):
        if any(c.type == "Established" and c.status == "True" for c in event["object"].status.conditions or []):
            break
    place = ("python.example", "v1", NS, "oars")
    made = objects.create_namespaced_custom_object(*place, {"apiVersion": "python.example/v1", "kind": "Oar", "metadata": {"name": "left"}, "spec": {"length": 3}})
    ok(made["spec"]["length"] == 3 and made["metadata"]["uid"], "a custom object is made", made)
    ok(objects.patch_namespaced_custom_object(*place, "left", {"spec": {"length": 4}})["spec"]["length"] == 4, "and patched")
    ok(refused(422, lambda: objects.patch_namespaced_custom_object(*place, "left", {"spec": {"length": 0}})), "its schema is held")
    ok([o["metadata"]["name"] for o in objects.list_namespaced_custom_object(*place)["items"]] == ["left"], "and listed")
    free = dynamic.DynamicClient(client.ApiClient()).resources.get(api_version="python.example/v1", kind="Oar")
    ok(free.get(name="left", namespace=NS).spec.length == 4, "the dynamic client finds it by its kind")
    objects.delete_namespaced_custom_object(*place, "left")
    ok(objects.list_namespaced_custom_object(*place)["items"] == [], "and it is deleted")


def main():
    config.load_kube_config()
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NS)))
    for part, args in ((basics, [core]), (patches, [core, apps]), (watches, [core]), (custom, [core])):
        try:
            part(*args)
        except Exception:  # pylint: disable=broad-except  -- the others still run
            ok(False, "%s ends" % part.__name__, *traceback.format_exc().splitlines()[-6:])
    core.delete_collection_namespaced_config_map(NS)
    ok(core.list_namespaced_config_map(NS).items == [], "deletecollection")
    return 1 if failed else 0


sys.exit(main())
