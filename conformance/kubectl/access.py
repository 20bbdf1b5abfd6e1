"""auth, proxy, impersonation."""
import json
import urllib.request

from harness import scenario


@scenario("auth can-i answers for an administrator and for someone else")
def can_i(run):
    run.says("yes", "auth", "can-i", "create", "pods")
    run.says("yes", "auth", "can-i", "*", "*", "--all-namespaces")
    run.says("yes", "auth", "can-i", "get", "/logs")
    run.match(run.fails("auth", "can-i", "delete", "nodes", "--as=nobody"), r"^no\b")
    run.ok("create", "role", "reader", "--verb=get,list", "--resource=pods")
    run.ok("create", "rolebinding", "reader", "--role=reader", "--user=somebody")
    run.says("yes", "auth", "can-i", "list", "pods", "--as=somebody")
    run.match(run.fails("auth", "can-i", "delete", "pods", "--as=somebody"), r"^no\b")
    run.match(run.fails("auth", "can-i", "list", "pods", "-n", "default", "--as=somebody"), r"^no\b")


@scenario("auth can-i --list")
def can_i_list(run):
    text = run.ok("auth", "can-i", "--list")
    run.match(text, r"^Resources +Non-Resource URLs +Resource Names +Verbs")
    run.match(text, r"^\*\.\* .*\[\*\]$")


@scenario("auth whoami", since=28)
def whoami(run):
    text = run.ok("auth", "whoami")
    run.match(text, r"^Username +\S+$")
    run.match(text, r"^Groups .*system:masters.*system:authenticated")
    me = run.json("auth", "whoami", "--as=someone", "--as-group=system:masters")["status"]["userInfo"]
    run.same((me["username"], sorted(me["groups"])), ("someone", ["system:authenticated", "system:masters"]))


@scenario("a user without rights is told what is forbidden")
def forbidden(run):
    error = run.fails("get", "secrets", "--as=nobody")
    run.has(error, "Error from server (Forbidden)", f'secrets is forbidden: User "nobody" cannot list resource "secrets" in API group "" in the namespace "{run.ns}"')
    run.has(run.fails("get", "nodes", "--as=nobody"), 'User "nobody" cannot list resource "nodes" in API group "" at the cluster scope')


@scenario("no credential is no entry")
def unauthorized(run):
    config = json.loads(run.ok("config", "view", "--raw", "-o", "json"))
    server = config["clusters"][0]["cluster"]["server"]
    error = run.fails("get", "pods", "--kubeconfig", "/dev/null", f"--server={server}", "--insecure-skip-tls-verify", "--token=wrong")
    run.match(error, r"Unauthorized|must be logged in")


@scenario("auth reconcile writes roles")
def reconcile(run):
    text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: NS}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n".replace("NS", run.ns)
    run.has(run.ok("auth", "reconcile", "-f", "-", stdin=text), "role.rbac.authorization.k8s.io/r reconciled")
    run.ok("auth", "reconcile", "-f", "-", stdin=text.replace("[get]", "[get, list]"))
    run.has(run.ok("get", "role/r", "-o", "jsonpath={.rules[*].verbs}"), "list")


@scenario("proxy carries requests")
def proxy(run):
    run.ok("create", "cm", "c", "--from-literal=a=1")
    lines = run.start("proxy", "--port=0")
    address = lines.until("Starting to serve on").split()[-1]
    with urllib.request.urlopen(f"http://{address}/api/v1/namespaces/{run.ns}/configmaps/c", timeout=10) as answer:
        run.same(json.loads(answer.read())["data"], {"a": "1"})
    body = json.dumps({"metadata": {"name": "made"}}).encode()
    request = urllib.request.Request(f"http://{address}/api/v1/namespaces/{run.ns}/configmaps", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        run.same(answer.status, 201)
    with urllib.request.urlopen(f"http://{address}/healthz", timeout=10) as answer:
        run.same(answer.read(), b"ok")


@scenario("certificate approve and deny change a signing request", since=22)
def certificate(run):
    import base64
    import subprocess
    made = subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=someone"],
                          check=True, capture_output=True)
    name = f"csr-{run.unique}"
    run.apply_text(json.dumps({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
                               "spec": {"request": base64.b64encode(made.stdout).decode(), "signerName": "example.com/sample", "usages": ["client auth"]}}))
    run.match(run.ok("get", "csr", name), r"Pending")
    run.ok("certificate", "approve", name)
    run.match(run.ok("get", "csr", name), r"Approved")
    run.true(run.fails("certificate", "deny", name) != "", "an approved request cannot be denied")
