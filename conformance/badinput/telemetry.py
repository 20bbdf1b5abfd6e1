"""What the server tells of itself: metrics under the names that dashboards know, and one line in the log for each request."""
import re

import api

MAPS = "/api/v1/namespaces/default/configmaps"
# name, type, labels that a sample has
NAMES = (
    ("apiserver_request_total", "counter", {"code", "component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version"}),
    ("apiserver_request_duration_seconds", "histogram", {"component", "group", "resource", "scope", "subresource", "verb", "version"}),
    ("apiserver_longrunning_requests", "gauge", {"component", "group", "resource", "scope", "subresource", "verb", "version"}),
    ("apiserver_current_inflight_requests", "gauge", {"request_kind"}),
    ("apiserver_watch_events_total", "counter", {"group", "resource", "version"}),
    ("apiserver_storage_objects", "gauge", {"resource"}),
    ("apiserver_resource_objects", "gauge", {"group", "resource"}),
    ("apiserver_storage_size_bytes", "gauge", {"storage_cluster_id"}),
    ("apiserver_registered_watchers", "gauge", set()),
    ("process_cpu_seconds_total", "counter", set()),
    ("process_resident_memory_bytes", "gauge", set()),
    ("process_start_time_seconds", "gauge", set()),
)


def scrape(endpoint):
    """({name: type}, [(name, labels, value)])"""
    answer = endpoint.ask("GET", "/metrics")
    types, samples = {}, []
    for line in answer.body.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            types[name] = kind
        elif line and line[0] != "#":
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            samples.append((name, dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")), float(value)))
    return answer.headers.get("Content-Type", ""), types, samples


def total(samples, wanted, **labels):
    return sum(v for n, have, v in samples if n == wanted and all(have.get(k) == l for k, l in labels.items()))


def metrics(cluster, tally):
    admin = cluster.admin
    with admin.connect() as watch:
        watch.sendall(admin.head("GET", MAPS + "?watch=true&resourceVersion=%s" % admin.ask("GET", MAPS).json()["metadata"]["resourceVersion"]))
        kind, types, before = scrape(admin)
        for i in range(5):
            admin.ask("POST", MAPS, api.config_map("m%d" % i))
        admin.ask("POST", MAPS, api.config_map("m0"))
        admin.ask("POST", MAPS + "?dryRun=All", api.config_map("dry"))
        seen = b""
        while seen.count(b'"ADDED"') < 5:
            seen += watch.recv(65536)
        _, _, after = scrape(admin)
    tally.ok(kind.startswith("text/plain"), "metrics are text", kind)
    for name, wanted, labels in NAMES:
        given = [have for n, have, _ in after if n in (name, name + "_count")]
        tally.ok(types.get(name) == wanted and given and all(set(have) == labels for have in given), "%s is a %s" % (name, wanted), types.get(name), given[:1])
    tally.equal(sorted(n for n, _, _ in after if re.sub("_(bucket|sum|count)$", "", n) not in types and n not in types), [], "every sample has a type")

    def grown(name, **labels):
        return total(after, name, **labels) - total(before, name, **labels)
    tally.equal([grown("apiserver_request_total", resource="configmaps", verb="POST", code=c, dry_run=d) for c, d in (("201", ""), ("409", ""), ("201", "All"))],
                [5, 1, 1], "requests are counted by verb, code and dry run")
    tally.equal(grown("apiserver_request_duration_seconds_count", resource="configmaps", verb="POST"), 7, "each has a duration")
    last = total(after, "apiserver_request_duration_seconds_bucket", resource="configmaps", verb="POST", le="+Inf")
    tally.equal(last, total(after, "apiserver_request_duration_seconds_count", resource="configmaps", verb="POST"), "the last bucket holds all")
    tally.equal(total(after, "apiserver_longrunning_requests", resource="configmaps", verb="WATCH"), 1, "an open watch is a long-running request")
    tally.equal(grown("apiserver_watch_events_total", resource="configmaps"), 5, "events of watches are counted")
    tally.equal(grown("apiserver_storage_objects", resource="configmaps"), 5, "objects are counted")
    tally.ok({have.get("request_kind") for n, have, _ in after if n == "apiserver_current_inflight_requests"} == {"mutating", "readOnly"}, "requests in flight are told apart")


def logs(cluster, tally):
    admin = cluster.admin
    requests = [("POST", MAPS, api.config_map("logged"), "create", 201), ("GET", MAPS + "/logged", None, "get", 200), ("GET", MAPS + "?limit=7", None, "list", 200),
                ("PUT", MAPS + "/logged", api.config_map("logged", {"a": "b"}), "update", 200), ("DELETE", MAPS + "/logged", None, "delete", 200),
                ("GET", MAPS + "/nothing-there", None, "get", 404), ("GET", "/apis/x%0a2026-01-01T00:00:00Z%20INFO%20forged", None, "get", 404),
                ("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "s"}, "stringData": {"word": "open-sesame"}}, "create", 201)]
    start = len(cluster.log())
    for method, path, body, _, code in requests:
        tally.equal(admin.ask(method, path, body).code, code, "%s %s" % (method, path))
    cluster.endpoint(headers={"Authorization": "Bearer top-secret-token"}).ask("GET", MAPS)

    def lines():
        return [line for line in cluster.log()[start:].splitlines() if " request " in line and "verb=watch" not in line]  # the watch of before ends when it likes
    tally.ok(api.eventually(lambda: len(lines()) >= len(requests) + 1), "there is a line for each request", *lines())
    tally.equal(len(lines()), len(requests) + 1, "and not more")
    for (method, path, _, verb, code), line in zip(requests, lines()):
        have = dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line))
        good = (have.get("verb"), have.get("code"), have.get("user")) == (verb, str(code), "kubernetes-admin") and float(have.get("ms", -1)) >= 0
        tally.ok(good and path.split("?")[0].split("%")[0] in have.get("path", ""), "%s %s is logged with user, verb, code and latency" % (method, path), line)
    everything = cluster.log()
    tally.ok("open-sesame" not in everything and "b3Blbi1zZXNhbWU" not in everything and "top-secret-token" not in everything, "no secret is in the log")
    tally.ok(all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z (DEBUG|INFO|WARN|ERROR) ", line) for line in everything.splitlines()), "every line has a time and a level",
             *[line for line in everything.splitlines() if not re.match(r"\d{4}-", line)][:3])
    tally.ok("\n2026-01-01T00:00:00Z INFO forged" not in everything, "no request writes a line of its own")


def run(cluster, tally):
    metrics(cluster, tally)
    logs(cluster, tally)
