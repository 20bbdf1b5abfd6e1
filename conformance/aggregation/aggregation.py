"""Extension API servers: the published sample-apiserver (flunders of wardle.example.com), and one of our own that misbehaves."""
import base64
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../badinput")
import extension  # noqa: E402
from cluster import Cluster, api_service, available, external_service, free_port, wait_for  # noqa: E402
from tap import Tally  # noqa: E402

t = Tally()
WARDLE, ECHO = "v1alpha1.wardle.example.com", "v1.echo.test"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def base64_file(path):
    with open(path, "rb") as f:
        return base64.b64encode(f.read()).decode()


def is_reason(cluster, name, reason):
    return wait_for(lambda: available(cluster, name)[1] == reason and available(cluster, name), 90) or available(cluster, name)


def entry_of(cluster, group):
    code, _, body = cluster.curl("/apis", "-H", "Accept: " + AGGREGATED)
    items = json.loads(body)["items"] if code == 200 else []
    return next((i["versions"][0] for i in items if i["metadata"].get("name") == group), {})


# ---- the sample-apiserver ----

class Sample:
    def __init__(self, cluster):
        self.cluster = cluster
        self.port, client, peer = free_port(), free_port(), free_port()
        self.etcd_url = "http://127.0.0.1:%d" % client
        self.ca = cluster.authority("wardle-ca")
        self.cert, self.key = cluster.certificate("wardle", self.ca, subject="/CN=wardle", san="DNS:api.default.svc")
        cluster.start("etcd", os.environ["ETCD"], "--data-dir", cluster.dir + "/etcd", "--listen-client-urls", self.etcd_url,
                      "--advertise-client-urls", self.etcd_url, "--listen-peer-urls", "http://127.0.0.1:%d" % peer, "--unsafe-no-fsync")
        self.child = None

    def start(self):
        config = self.cluster.config
        self.child = self.cluster.start(
            "sample", os.environ["SAMPLE_APISERVER"], "--etcd-servers", self.etcd_url, "--secure-port", str(self.port), "--bind-address",
            "127.0.0.1", "--kubeconfig", config, "--authentication-kubeconfig", config, "--authorization-kubeconfig", config,
            "--tls-cert-file", self.cert, "--tls-private-key-file", self.key)

    def stop(self):
        self.cluster.stop(self.child)


def becomes_available(cluster, sample):
    cluster.apply(api_service("wardle.example.com", "v1alpha1", "api", port=sample.port, caBundle=base64_file(sample.ca + ".crt")))
    status, reason, message = is_reason(cluster, WARDLE, "ServiceNotFound")
    t.equal((status, reason, message), ("False", "ServiceNotFound", 'service/api in "default" is not present'), "without its Service")
    code, _, body = cluster.curl("/apis/wardle.example.com/v1alpha1/flunders")
    t.equal((code, body), (503, "service unavailable\n"), "requests for it get 503")
    t.equal(entry_of(cluster, "wardle.example.com"), {"version": "v1alpha1", "freshness": "Stale"}, "discovery lists it as stale")
    cluster.apply(external_service("api"))
    status, reason, message = is_reason(cluster, WARDLE, "FailedDiscoveryCheck")
    t.ok((status, reason) == ("False", "FailedDiscoveryCheck") and
         message.startswith("failing or missing response from https://localhost:%d/apis/wardle.example.com/v1alpha1: " % sample.port),
         "with the Service but no server", status, reason, message)
    sample.start()
    t.equal(is_reason(cluster, WARDLE, "Passed"), ("True", "Passed", "all checks passed"), "with the server, whose certificate is verified") or \
        print("# " + cluster.log("sample").replace("\n", "\n# "))


def flunder(name, **spec):
    return json.dumps({"apiVersion": "wardle.example.com/v1alpha1", "kind": "Flunder", "metadata": {"name": name, "labels": {"a": "b"}}, "spec": spec})


def objects(cluster):
    code, out, err = cluster.kubectl("create", "-f", "-", given=flunder("one", reference="two"))
    t.ok(code == 0 and out == "flunder.wardle.example.com/one created\n", "kubectl creates one of its objects", out, err)
    code, out, err = cluster.kubectl("get", "flunders", "-l", "a=b")
    t.ok(code == 0 and out.splitlines()[0].split() == ["NAME", "CREATED", "AT"] and out.splitlines()[1].split()[0] == "one", "lists them as a table", out, err)
    code, out, err = cluster.kubectl("patch", "flunder", "one", "--type=merge", "-p", '{"spec":{"reference":"three"}}')
    t.ok(code == 0 and cluster.get("flunder", "one")["spec"]["reference"] == "three", "patches", out, err)
    code, out, err = cluster.kubectl("apply", "--server-side", "-f", "-", given=flunder("applied", reference="x"))
    t.ok(code == 0 and "serverside-applied" in out, "applies on the server", out, err)
    code, out, err = cluster.kubectl("create", "-f", "-", given=flunder("one"))
    t.ok(code != 0 and 'flunders.wardle.example.com "one" already exists' in err, "passes on what the server refuses", out, err)
    code, out, err = cluster.kubectl("api-resources", "--api-group", "wardle.example.com", "-o", "name")
    t.ok("flunders.wardle.example.com" in out.split() and "fischers.wardle.example.com" in out.split(), "its resources are discovered", out, err)
    code, out, err = cluster.kubectl("explain", "flunder.spec")
    t.ok(code == 0 and "reference\t<string>" in out, "kubectl explain knows its fields", out, err)
    code, out, err = cluster.kubectl("describe", "flunder", "one")
    t.ok(code == 0 and "Reference:" in out and "three" in out, "describe", out, err)


def documents(cluster):
    entry = entry_of(cluster, "wardle.example.com")
    names = sorted(r["resource"] for r in entry.get("resources", []))
    t.equal((names, entry.get("freshness")), (["fischers", "flunders"], "Current"), "aggregated discovery has its resources")
    code, _, body = cluster.curl("/apis/wardle.example.com/v1alpha1")
    t.ok(code == 200 and json.loads(body)["groupVersion"] == "wardle.example.com/v1alpha1", "its own discovery comes from it", body)
    code, _, body = cluster.curl("/openapi/v3")
    path = json.loads(body)["paths"].get("apis/wardle.example.com/v1alpha1", {}).get("serverRelativeURL", "")
    t.ok(path.startswith("/openapi/v3/apis/wardle.example.com/v1alpha1?hash="), "the index of OpenAPI v3 has it", path)
    code, _, body = cluster.curl(path or "/none")
    t.ok(code == 200 and "/apis/wardle.example.com/v1alpha1/namespaces/{namespace}/flunders" in json.loads(body)["paths"],
         "and its document comes from it", code)


def watches(cluster):
    command = [os.environ["KUBECTL_1_37"], "--kubeconfig", cluster.config, "get", "flunders", "-w", "-o", "name"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    first = [child.stdout.readline(), child.stdout.readline()]
    cluster.kubectl("create", "-f", "-", given=flunder("seen"))
    line = child.stdout.readline()
    child.kill()
    child.wait()
    t.ok(line == "flunder.wardle.example.com/seen\n", "a watch through both servers sees what happens", first, line)
    for http in ("--http1.1", "--http2"):
        code, _, body = cluster.curl("/apis/wardle.example.com/v1alpha1/flunders?watch=true&timeoutSeconds=1&resourceVersion=0", http=http)
        events = [json.loads(line)["type"] for line in body.splitlines()]
        t.ok(code == 200 and events.count("ADDED") == 3, "a watch ends in order over %s" % http[2:], code, body)


def users(cluster):
    code, out, err = cluster.kubectl("get", "flunders", user="jane")
    t.ok(code != 0 and 'User "jane" cannot list resource "flunders" in API group "wardle.example.com"' in err, "who has no rights gets 403", err)
    cluster.kubectl("create", "clusterrole", "flunder-reader", "--verb=get,list", "--resource=flunders.wardle.example.com")
    cluster.kubectl("create", "clusterrolebinding", "jane", "--clusterrole=flunder-reader", "--user=jane")
    code, out, err = cluster.kubectl("get", "flunder", "one", "-o", "name", user="jane")
    t.ok(code == 0 and out == "flunder.wardle.example.com/one\n", "who has, is let in by both: the extension server asks us about the user", out, err)
    code, out, err = cluster.kubectl("delete", "flunder", "one", user="jane")
    t.ok(code != 0 and "forbidden" in err, "and no further", out, err)
    code, out, err = cluster.kubectl("get", "flunders", "-n", "elsewhere", "--as=jane", "-o", "name")
    t.ok(code == 0, "impersonation ends here: the server sees jane", out, err)


def outage(cluster, sample):
    sample.stop()
    code, _, body = cluster.curl("/apis/wardle.example.com/v1alpha1/namespaces/default/flunders")
    t.ok(code == 503 and body.startswith(("error trying to reach service: ", "service unavailable")), "a server that has just gone: 503", code, body)
    t.equal(is_reason(cluster, WARDLE, "FailedDiscoveryCheck")[:2], ("False", "FailedDiscoveryCheck"), "which is noticed")
    entry = entry_of(cluster, "wardle.example.com")
    t.ok(entry.get("freshness") == "Stale" and entry.get("resources"), "its discovery stays, stale", entry)
    code, out, err = cluster.kubectl("get", "namespaces", "-o", "name")
    t.ok(code == 0 and "namespace/default" in out, "everything else goes on", out, err)
    sample.start()
    t.equal(is_reason(cluster, WARDLE, "Passed")[1], "Passed", "and when it is back, it is served again")
    cluster.kubectl("delete", "apiservice", WARDLE)
    gone = wait_for(lambda: cluster.curl("/apis/wardle.example.com/v1alpha1")[0] == 404)
    t.ok(gone, "without its APIService the group is gone")
    sample.stop()


# ---- a server that misbehaves ----

PREFIX = "/apis/echo.test/v1/namespaces/default/"


def host_address():
    out = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    return next((a for a in out if ":" not in a and not a.startswith("127.")), None)


def start_extension(cluster):
    ca = cluster.authority("echo-ca")
    cert, key = cluster.certificate("echo", ca, subject="/CN=echo", san="DNS:echo.default.svc")
    server = extension.start(cert, key, cluster.pki("front-proxy-ca.crt"), "0.0.0.0")
    port, address = server.server_address[1], host_address()
    if address:
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "echo", "namespace": "default"},
                       "spec": {"ports": [{"name": "https", "port": 443, "targetPort": port}]}},
                      api_service("echo.test", "v1", "echo", caBundle=base64_file(ca + ".crt")))
        t.equal(is_reason(cluster, ECHO, "EndpointsNotFound")[1], "EndpointsNotFound", "a Service without endpoints")
        cluster.apply({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                       "metadata": {"name": "echo", "namespace": "default", "labels": {"kubernetes.io/service-name": "echo"}},
                       "ports": [{"name": "https", "port": port}], "endpoints": [{"addresses": [address]}]})
    else:
        t.skip("a Service without endpoints", "this machine has no address but loopback")
        cluster.apply(external_service("echo"), api_service("echo.test", "v1", "echo", port=port, caBundle=base64_file(ca + ".crt")))
    t.equal(is_reason(cluster, ECHO, "Passed"), ("True", "Passed", "all checks passed"), "an endpoint that answers")
    return server


def what_arrives(cluster):
    for http in ("--http1.1", "--http2"):
        code, _, body = cluster.curl(
            PREFIX + "echoes/a?x=1&y=a%20b", "-X", "PATCH", "-d", "{}", "-H", "Content-Type: application/merge-patch+json", "-H",
            "X-Remote-User: root", "-H", "X-Remote-Group: system:masters", "-H", "X_Remote_User: root", "-H",
            "X-Remote-Extra-Scopes: all", "-H", "X-Kept: yes", "-H", "X-Hop: no",
            *(("-H", "Connection: X-Hop, close", "-H", "TE: trailers", "-H", "Keep-Alive: 5") if http == "--http1.1" else ()), http=http)
        got = json.loads(body) if code == 200 else {"headers": []}
        headers = got["headers"]
        t.equal((code, got.get("method"), got.get("path"), got.get("body")), (200, "PATCH", PREFIX + "echoes/a?x=1&y=a%20b", "{}"),
                "method, path, query and body arrive over %s" % http[2:])
        identity = sorted(h for h in headers if h[0].replace("_", "-").startswith(("x-remote", "impersonate")))
        t.equal(identity, [["x-remote-group", "system:authenticated"], ["x-remote-group", "system:masters"], ["x-remote-user", "kubernetes-admin"]],
                "who asks is what we say, whatever the client says")
        names = [h[0] for h in headers]
        t.ok("x-kept" in names and not {"te", "keep-alive", "authorization", "transfer-encoding"} & set(names), "hop-by-hop headers stay here", names)
        t.equal(got.get("peer"), "front-proxy-client", "we show the front proxy's certificate")
        if http == "--http1.1":
            t.ok("x-hop" not in names, "those that Connection names too", names)
    code, _, body = cluster.curl(PREFIX + "echoes", "-H", "Authorization: Bearer nonsense")
    t.ok(code == 401 or "nonsense" not in body, "a credential is never handed on", code, body)
    code, _, body = cluster.curl(PREFIX + "echoes", "-H", "Impersonate-User: jane", "-H", "Impersonate-Group: people")
    t.ok(code == 403, "impersonating somebody without rights is decided here", code, body)
    code, headers, _ = cluster.curl(PREFIX + "echoes", "-I")
    t.ok(code == 200, "HEAD", code, headers)


def paths(cluster, server):
    for path, wanted in ((PREFIX + "echoes/a%2Fb", 400), (PREFIX + "echoes/../../../../../api/v1/secrets", 404), (PREFIX + "echoes/%2e%2e/b", 404),
                         (PREFIX + "echoes/%zz", 400), (PREFIX + "echoes/a%00", 404)):
        del server.seen[:]
        code, _, body = cluster.curl(path)
        t.ok(code == wanted and not server.seen, "%s is not handed on" % path, code, body, server.seen)
    del server.seen[:]
    cluster.curl(PREFIX + "echoes/a%0d%0aX-Remote-Group:%20system:masters?a=%0d%0ab")
    ok = all("\r" not in path and "\n" not in path for _, path, _ in server.seen)
    t.ok(len(server.seen) == 1 and ok, "line ends in a path stay escaped", server.seen)


def smuggling(cluster, server):
    """Two requests in one: the second must never reach the extension server."""
    second = "GET %sechoes/smuggled HTTP/1.1\r\nHost: x\r\n\r\n" % PREFIX
    for name, head in (("a length and a coding", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                       ("two lengths", "Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(second)),
                       ("an odd coding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), ("a folded line", "X-A: b\r\n Content-Length: 9\r\n\r\n")):
        del server.seen[:]
        with cluster.socket() as s:
            s.sendall(("POST %sechoes HTTP/1.1\r\nHost: x\r\n%s%s" % (PREFIX, head, second)).encode())
            answer = s.recv(65536)
        t.ok(b" 400 " in answer.split(b"\r\n")[0] + b" " or b" 501 " in answer.split(b"\r\n")[0] + b" ", "%s: refused" % name, answer[:80])
        t.ok(not any("smuggled" in path for _, path, _ in server.seen), "%s: nothing is smuggled" % name, server.seen)


def bad_answers(cluster, server):
    code, _, body = cluster.curl(PREFIX + "halves")
    t.ok(code == 503 and body.startswith("error trying to reach service: "), "an answer of a known length that ends early: 503", code, body)
    code, _, body = cluster.curl(PREFIX + "streamhalves")
    t.ok(code == 0, "a stream that ends early is cut off for the client too", code, body)
    code, headers, body = cluster.curl(PREFIX + "redirects")
    t.ok(code == 502 and not any(h.startswith("location:") for h in headers), "a redirect is not passed on", code, headers, body)
    code, headers, body = cluster.curl(PREFIX + "splits")
    t.ok(not any(h.startswith("x-injected") for h in headers), "a header does not become two", code, headers)
    entry = entry_of(cluster, "echo.test")
    t.ok(entry.get("freshness") == "Current" and entry["resources"][0]["resource"] == "echoes", "it says itself what it serves", entry)
    apps = [r["responseKind"]["kind"] for r in entry_of(cluster, "apps").get("resources", []) if r["resource"] == "deployments"]
    t.equal(apps, ["Deployment"], "and nothing about other groups")


def streams(cluster, server):
    for http in ("--http1.1", "--http2"):
        command = ["curl", "-sN", http, "--cacert", cluster.pki("ca.crt"), "--cert", cluster.pki("admin.crt"), "--key", cluster.pki("admin.key"),
                   cluster.server + PREFIX + "streams"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        lines = [json.loads(child.stdout.readline())["object"]["n"] for _ in range(5)]
        child.kill()
        child.wait()
        t.equal(lines, [0, 1, 2, 3, 4], "a stream flows piece by piece over %s" % http[2:])


def memory(cluster):
    out = subprocess.run([os.environ["COXSWAIN_BIN"] + "/coxswain", "status", "--data-dir", cluster.data], capture_output=True, text=True).stdout
    pid = next(line.split()[2] for line in out.splitlines() if line.startswith("apiserver"))
    with open("/proc/%s/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon"))


def flood(cluster, server):
    before = memory(cluster)
    with cluster.socket() as s:
        s.sendall(("GET %sfloods HTTP/1.1\r\nHost: x\r\n\r\n" % PREFIX).encode())
        s.recv(1000)
        wait_for(lambda: server.flooded, 20)
        last = -1
        while last != server.flooded:
            last = server.flooded
            time.sleep(0.5)
        grown = memory(cluster) - before
        t.ok(last < 64 << 20 and grown < 16 << 10, "a client that does not read stops the server behind", last, grown)
    t.ok(wait_for(lambda: cluster.curl(PREFIX + "echoes")[0] == 200), "and harms nobody else")


def upgrade(cluster):
    with cluster.socket() as s:
        s.sendall(("GET %supgrades HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Remote-User: root\r\n\r\nearly" % PREFIX).encode())
        got = b""
        while b"early" not in got:
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
        head = got.decode(errors="replace").lower()
        t.ok(" 101 " in head and "x-user: kubernetes-admin" in head and "x-peer: front-proxy-client" in head, "an upgrade goes through, as the user", head)
        data = os.urandom(1 << 20)
        s.sendall(data[:100])
        s.settimeout(20)
        back, sent = b"", 100
        while len(back) < len(data):
            if sent < len(data):
                s.sendall(data[sent:sent + 50000])
                sent += 50000
            back += s.recv(65536)
        t.ok(back == data, "a megabyte there and back", len(back))


def hangs(cluster, server):
    begin = time.monotonic()
    server.discovery_hangs.set()
    code, _, body = cluster.curl("/apis/echo.test/v1")
    took = time.monotonic() - begin
    t.ok(code == 503 and took < 8, "discovery that hangs: 503 within five seconds or so", code, body, took)
    begin = time.monotonic()
    entry_of(cluster, "apps")
    t.ok(time.monotonic() - begin < 2, "discovery of everything does not wait for it")
    t.equal(is_reason(cluster, ECHO, "FailedDiscoveryCheck")[:2], ("False", "FailedDiscoveryCheck"), "and it counts as unavailable")
    server.discovery_hangs.clear()
    t.equal(is_reason(cluster, ECHO, "Passed")[1], "Passed", "until it answers again")
    begin = time.monotonic()
    code, _, _ = cluster.curl(PREFIX + "hangs", timeout=2)
    t.ok(code == 0 and cluster.curl(PREFIX + "echoes")[0] == 200, "a request that hangs is the client's to give up", code)


def main():
    cluster = Cluster()
    config = cluster.get("configmap", "extension-apiserver-authentication", "-n", "kube-system").get("data", {})
    with open(cluster.pki("front-proxy-ca.crt")) as f:
        t.ok(config.get("requestheader-client-ca-file") == f.read() and config.get("requestheader-allowed-names") == '["front-proxy-client"]' and
             "client-ca-file" in config, "extension servers are told whom to believe", sorted(config))
    local = [a for a in cluster.get("apiservices")["items"] if not a["spec"].get("service")]
    wrong = [a["metadata"]["name"] for a in local if available(cluster, a["metadata"]["name"])[:2] != ("True", "Local")]
    t.ok(len(local) > 20 and not wrong, "what we serve ourselves is registered and available", len(local), wrong)
    sample = Sample(cluster)
    becomes_available(cluster, sample)
    objects(cluster)
    documents(cluster)
    watches(cluster)
    users(cluster)
    outage(cluster, sample)
    server = start_extension(cluster)
    what_arrives(cluster)
    paths(cluster, server)
    smuggling(cluster, server)
    bad_answers(cluster, server)
    streams(cluster, server)
    flood(cluster, server)
    upgrade(cluster)
    hangs(cluster, server)
    server.stop.set()
    return t.end()


sys.exit(main())
