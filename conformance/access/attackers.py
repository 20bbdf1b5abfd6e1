"""What must not work, each tried once; and beside each the honest way, which must."""
import base64
import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time

import api

MAPS = "/api/v1/namespaces/default/configmaps"
ME = ("/apis/authentication.k8s.io/v1/selfsubjectreviews", {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
ISSUER = "https://kubernetes.default.svc.cluster.local"
RB = "/apis/rbac.authorization.k8s.io/v1"


# ---- tokens by hand ----

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_signature(der):
    """Two numbers in DER as the 64 bytes that tokens have."""
    numbers, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        numbers += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return numbers


def forge(key, claims, header=None):
    """A token signed with a P-256 key; no key: an empty signature."""
    text = b64(json.dumps(header or {"alg": "ES256"}).encode()) + "." + b64(json.dumps(claims).encode())
    if not key:
        return text + "."
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, file.name], check=True, capture_output=True).stdout
    return text + "." + b64(raw_signature(der))


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def ask_token(cluster, account, namespace="default", **spec):
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    answer = cluster.admin.ask("POST", "/api/v1/namespaces/%s/serviceaccounts/%s/token" % (namespace, account), body)
    return answer.json()["status"]["token"] if answer.code == 201 else None, answer


def who(cluster, token):
    """The user's name; None: 401."""
    answer = cluster.endpoint(headers={"Authorization": "Bearer " + token}).ask("POST", *ME)
    if answer is None or answer.code != 201:
        return None
    return answer.json()["status"]["userInfo"]["username"]


def make(cluster, path, kind, name, version="v1", **more):
    thing = {"apiVersion": version, "kind": kind, "metadata": dict({"name": name}, **more.pop("metadata", {})), **more}
    answer = cluster.admin.ask("POST", path, thing)
    assert answer.code == 201, answer.body
    return answer.json()


def tokens(cluster, tally):
    sa = "/api/v1/namespaces/default/serviceaccounts"
    make(cluster, sa, "ServiceAccount", "robot")
    token, answer = ask_token(cluster, "robot")
    tally.equal(who(cluster, token), "system:serviceaccount:default:robot", "an honest token is believed")
    key, good, now = cluster.pki("sa.key"), claims_of(token), int(time.time())
    tally.equal(who(cluster, forge(key, good)), "system:serviceaccount:default:robot", "so is one made with the server's key")
    other = os.path.join(cluster.dir, "other.key")
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", other], check=True, capture_output=True)
    head, body, signature = token.split(".")
    kid = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    bad = {
        "alg none": forge(None, good, {"alg": "none"}), "alg none with a signature": b64(b'{"alg":"none"}') + "." + body + "." + signature,
        "alg HS256": b64(b'{"alg":"HS256"}') + "." + body + "." + signature, "alg RS256": b64(b'{"alg":"RS256"}') + "." + body + "." + signature,
        "alg ES384": b64(b'{"alg":"ES384"}') + "." + body + "." + signature, "no signature": head + "." + body + ".",
        "another key": forge(other, good), "another key under the name of the right one": forge(other, good, {"alg": "ES256", "kid": kid}),
        "a key name that is none": forge(key, good, {"alg": "ES256", "kid": "x"}),
        "another account in the body": head + "." + b64(json.dumps(dict(good, sub="system:serviceaccount:kube-system:x")).encode()) + "." + signature,
        "wrong issuer": forge(key, dict(good, iss="https://elsewhere")), "no issuer": forge(key, {k: v for k, v in good.items() if k != "iss"}),
        "wrong audience": forge(key, dict(good, aud=["vault"])), "expired": forge(key, dict(good, exp=now - 100)),
        "not valid yet": forge(key, dict(good, nbf=now + 1000)), "issued in the future": forge(key, dict(good, iat=now + 1000)),
        "another uid": forge(key, dict(good, **{"kubernetes.io": dict(good["kubernetes.io"], serviceaccount={"name": "robot", "uid": "x"})})),
        "an account that is not there": forge(key, dict(good, **{"kubernetes.io": dict(good["kubernetes.io"], serviceaccount={"name": "gone", "uid": "x"})})),
        "a million long": "x" * 60000, "dots": "..", "a critical header": forge(key, good, {"alg": "ES256", "crit": ["x"]}),
    }
    for claim, forged in bad.items():
        tally.equal(who(cluster, forged), None, "a token is refused: " + claim)
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "x" * 1000000}}
    answer = cluster.admin.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
    tally.equal((answer.code, answer.json()["status"].get("authenticated")), (201, None), "a review of a million bytes says no")
    tally.ok(token not in cluster.log() and signature not in cluster.log(), "no token is in the log")
    for audience, wanted in (("vault", True), (ISSUER, None)):
        only, _ = ask_token(cluster, "robot", audiences=["vault"])
        review["spec"] = {"token": only, "audiences": [audience]}
        status = cluster.admin.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review).json()["status"]
        tally.equal(status.get("authenticated"), wanted, "a token for vault, reviewed for %s" % audience)
    cluster.admin.ask("DELETE", sa + "/robot")
    tally.equal(who(cluster, token), None, "a token dies with its account")
    make(cluster, sa, "ServiceAccount", "robot")
    tally.equal(who(cluster, token), None, "and does not come back with another of the name")


def bound_tokens(cluster, tally):
    pods, secrets = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/secrets"
    spec = {"serviceAccountName": "robot", "containers": [{"name": "c", "image": "x"}]}
    make(cluster, pods, "Pod", "p", spec=spec)
    make(cluster, secrets, "Secret", "s")
    make(cluster, "/api/v1/nodes", "Node", "n")
    for kind, path, name in (("Pod", pods, "p"), ("Secret", secrets, "s"), ("Node", "/api/v1/nodes", "n")):
        token, answer = ask_token(cluster, "robot", boundObjectRef={"apiVersion": "v1", "kind": kind, "name": name})
        tally.equal(who(cluster, token), "system:serviceaccount:default:robot", "a token bound to a %s is believed" % kind)
        cluster.admin.ask("DELETE", path + "/" + name + "?gracePeriodSeconds=0")
        tally.equal(who(cluster, token), None, "and dies with it")
    make(cluster, pods, "Pod", "q", spec=dict(spec, serviceAccountName="default"))
    _, answer = ask_token(cluster, "robot", boundObjectRef={"apiVersion": "v1", "kind": "Pod", "name": "q"})
    tally.equal(answer.code, 400, "no token for a pod of another account")
    _, answer = ask_token(cluster, "robot", expirationSeconds=60)
    tally.equal(answer.code, 422, "no token for a minute")


def kept_tokens(cluster, tally):
    """Tokens in secrets, as controllers make them."""
    secrets = "/api/v1/namespaces/default/secrets"
    uid = cluster.admin.ask("GET", "/api/v1/namespaces/default/serviceaccounts/robot").json()["metadata"]["uid"]
    base = "kubernetes.io/serviceaccount/"
    token = forge(cluster.pki("sa.key"), {"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:default:robot", base + "namespace": "default",
                                          base + "secret.name": "kept", base + "service-account.name": "robot", base + "service-account.uid": uid})
    tally.equal(who(cluster, token), None, "a token for a secret that is not there is refused")
    make(cluster, secrets, "Secret", "kept", type="kubernetes.io/service-account-token", data={"token": base64.b64encode(token.encode()).decode()},
         metadata={"annotations": {"kubernetes.io/service-account.name": "robot", "kubernetes.io/service-account.uid": uid}})
    tally.equal(who(cluster, token), "system:serviceaccount:default:robot", "a token that a secret keeps is believed")
    cluster.admin.ask("PATCH", secrets + "/kept", {"data": {"token": "eA=="}}, {"Content-Type": "application/merge-patch+json"})
    tally.equal(who(cluster, token), None, "and no longer when the secret keeps another")


def bootstrap_tokens(cluster, tally):
    secrets = "/api/v1/namespaces/kube-system/secrets"

    def data(**more):
        found = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}
        found.update({k.replace("_", "-"): v for k, v in more.items()})
        return found

    kind = "bootstrap.kubernetes.io/token"
    make(cluster, secrets, "Secret", "bootstrap-token-abcdef", type=kind, stringData=data(auth_extra_groups="system:bootstrappers:x"))
    tally.equal(who(cluster, "abcdef.0123456789abcdef"), "system:bootstrap:abcdef", "a bootstrap token is believed")
    for claim, token in (("another secret", "abcdef.0123456789abcdeg"), ("another id", "abcdeg.0123456789abcdef"), ("too short", "abcdef.0123"),
                         ("capitals", "ABCDEF.0123456789ABCDEF")):
        tally.equal(who(cluster, token), None, "a bootstrap token is refused: " + claim)
    for claim, more in (("expired", {"expiration": "2020-01-01T00:00:00Z"}), ("a time that is none", {"expiration": "x"}),
                        ("not for this", {"usage_bootstrap_authentication": "false"}), ("a group of masters", {"auth_extra_groups": "system:masters"})):
        cluster.admin.ask("DELETE", secrets + "/bootstrap-token-abcdef")
        make(cluster, secrets, "Secret", "bootstrap-token-abcdef", type=kind, stringData=data(**more))
        tally.equal(who(cluster, "abcdef.0123456789abcdef"), None, "a bootstrap token is refused: " + claim)


# ---- certificates ----

def certificate(cluster, name, subject, ca, days="1", usage="clientAuth"):
    key, request, cert, options = (os.path.join(cluster.data, "pki", name + end) for end in (".key", ".csr", ".crt", ".ext"))
    with open(options, "w") as out:
        out.write("extendedKeyUsage=%s\n" % usage)
    for command in (["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
                     "-subj", subject],
                    ["openssl", "x509", "-req", "-in", request, "-CA", ca + ".crt", "-CAkey", ca + ".key", "-CAcreateserial", "-out", cert,
                     "-days", days, "-extfile", options]):
        subprocess.run(command, check=True, capture_output=True)
    return cert, key


def own_ca(cluster, name):
    path = os.path.join(cluster.data, "pki", name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path + ".key",
                    "-out", path + ".crt", "-subj", "/CN=" + name, "-days", "1"], check=True, capture_output=True)
    return path


def certificates(cluster, tally):
    ca, foreign = cluster.pki("ca.crt")[:-4], own_ca(cluster, "foreign")
    cases = {"expired": (ca, "-1", "clientAuth"), "for a server": (ca, "1", "serverAuth"), "of another authority, with a group": (foreign, "1", "clientAuth")}
    for claim, (signer, days, usage) in cases.items():
        name = claim.split()[0]
        certificate(cluster, name, "/O=system:masters/CN=mallory", signer, days, usage)
        try:
            answer = cluster.endpoint(name).ask("GET", MAPS)
        except OSError:
            answer = None
        tally.ok(answer is None or answer.code == 401, "a certificate is refused: " + claim, answer and answer.code)
    certificate(cluster, "signs", "/O=plain/CN=alice", ca)
    with open(cluster.pki("alice2.ext"), "w") as out:
        out.write("extendedKeyUsage=clientAuth\n")
    certificate(cluster, "below", "/O=system:masters/CN=mallory", cluster.pki("signs.crt")[:-4])
    with open(cluster.pki("below.crt"), "a") as out, open(cluster.pki("signs.crt")) as chain:
        out.write(chain.read())
    try:
        answer = cluster.endpoint("below").ask("GET", MAPS)
    except OSError:
        answer = None
    tally.ok(answer is None or answer.code == 401, "who has a certificate cannot make certificates", answer and answer.code)


# ---- rights ----

def acting(cluster, user, *groups):
    headers = {"Impersonate-User": user}
    if groups:
        headers["Impersonate-Group"] = "\r\nImpersonate-Group: ".join(groups)
    admin = cluster.endpoint("admin")
    admin.headers = headers
    return admin


def bind(cluster, name, role, user, namespace="default"):
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    path = RB + ("/namespaces/%s/rolebindings" % namespace if namespace else "/clusterrolebindings")
    ref_kind, ref = role.split("/")
    make(cluster, path, kind, name, "rbac.authorization.k8s.io/v1", roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": ref_kind, "name": ref},
         subjects=[{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}])


def escalation(cluster, tally):
    rules = [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings", "clusterroles", "clusterrolebindings"], "verbs": ["*"]},
             {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    rules[0]["verbs"] = ["get", "list", "create", "update", "patch", "delete"]
    make(cluster, RB + "/clusterroles", "ClusterRole", "climber", "rbac.authorization.k8s.io/v1", rules=rules)
    bind(cluster, "climber", "ClusterRole/climber", "climber", None)
    climber = acting(cluster, "climber")
    roles = RB + "/namespaces/default/roles"

    def role(name, rules, kind="Role", **more):
        return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "rules": rules, **more}

    secrets = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    pods = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    tally.equal(climber.ask("POST", roles, role("ok", pods)).code, 201, "one may give what one has")
    tally.equal(climber.ask("POST", roles, role("more", secrets)).code, 403, "no role with more than one has")
    tally.equal(climber.ask("PUT", roles + "/ok", role("ok", secrets)).code, 403, "nor by changing one")
    for kind, body in (("merge-patch", {"rules": secrets}), ("json-patch", [{"op": "replace", "path": "/rules", "value": secrets}])):
        answer = climber.ask("PATCH", roles + "/ok", body, {"Content-Type": "application/%s+json" % kind})
        tally.equal(answer.code, 403, "nor by a " + kind)
    tally.equal(climber.ask("PUT", RB + "/clusterroles/climber", role("climber", rules + secrets, "ClusterRole")).code, 403, "nor in one's own role")
    aggregated = role("all", [], "ClusterRole", aggregationRule={"clusterRoleSelectors": [{"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}]})
    tally.equal(climber.ask("POST", RB + "/clusterroles", aggregated).code, 403, "no role that gathers others")
    for ref in ("cluster-admin", "view", "system:node"):
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "up"}, "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ref}, "subjects": [{"kind": "User", "name": "climber"}]}
        tally.equal(climber.ask("POST", RB + "/clusterrolebindings", binding).code, 403, "no binding of " + ref)
    labelled = role("fed", secrets, "ClusterRole")
    labelled["metadata"]["labels"] = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    tally.equal(climber.ask("POST", RB + "/clusterroles", labelled).code, 403, "no feeding of an aggregated role")
    answer = cluster.endpoint("admin").ask("GET", MAPS, headers={"Impersonate-User": "climber", "Impersonate-Group": "system:masters"})
    tally.equal(answer.code, 200, "the administrator may act for anybody")
    alice = cluster.make_user("alice", "alice", ["devs"])
    for headers in ({"Impersonate-User": "bob"}, {"Impersonate-User": "alice", "Impersonate-Group": "system:masters"},
                    {"Impersonate-User": "system:serviceaccount:kube-system:x"}, {"Impersonate-User": "alice", "Impersonate-Uid": "1"},
                    {"Impersonate-User": "alice", "Impersonate-Extra-scopes": "x"}):
        tally.equal(alice.ask("POST", *ME, headers=headers).code, 403, "others may not: %s" % (list(headers.items())[-1],))
    csr = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    tally.equal(alice.ask("POST", "/api/v1/namespaces/kube-system/serviceaccounts/default/token", csr).code, 403, "nor have tokens made")


def secrets_stay_secret(cluster, tally):
    """Somebody who may read maps, and all of pods, tries every door to a secret."""
    make(cluster, "/api/v1/namespaces/default/secrets", "Secret", "gold", stringData={"k": "the-treasure"}, metadata={"labels": {"a": "b"}})
    make(cluster, RB + "/namespaces/default/roles", "Role", "maps", "rbac.authorization.k8s.io/v1",
         rules=[{"apiGroups": [""], "resources": ["configmaps", "pods"], "verbs": ["*"]}])
    bind(cluster, "maps", "Role/maps", "thief")
    thief = acting(cluster, "thief")
    base = "/api/v1/namespaces/default/secrets"
    table_of = "application/json;as=Table;v=v1;g=meta.k8s.io"
    partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    merge = {"Content-Type": "application/merge-patch+json"}
    doors = [("GET", base, None, {}), ("GET", base + "/gold", None, {}), ("GET", base + "?watch=1", None, {}), ("GET", "/api/v1/secrets", None, {}),
             ("GET", "/api/v1/watch/namespaces/default/secrets", None, {}), ("GET", base, None, {"Accept": table_of}), ("GET", base, None, {"Accept": partial}),
             ("GET", base + "?fieldSelector=metadata.name%3Dgold", None, {}), ("GET", base + "?labelSelector=a", None, {}), ("HEAD", base + "/gold", None, {}),
             ("GET", base + "?limit=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJnIn0", None, {}), ("PATCH", base + "/gold?dryRun=All", {}, merge),
             ("PUT", base + "/gold?dryRun=All", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gold"}}, {}), ("DELETE", base + "/gold?dryRun=All", None, {}),
             ("DELETE", base + "?dryRun=All", None, {}), ("POST", base + "?dryRun=All", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gold"}}, {}),
             ("GET", MAPS + "/..%2fsecrets%2fgold", None, {}), ("GET", MAPS + "/../secrets/gold", None, {}), ("GET", MAPS + "/%2e%2e/secrets/gold", None, {}),
             ("GET", "/api/v1/namespaces/default/configmaps?continue=" + base64.urlsafe_b64encode(
                 b'{"v":"meta.k8s.io/v1","rv":1,"start":"../secrets/default/"}').decode().rstrip("="), None, {})]
    for method, path, body, headers in doors:
        answer = thief.ask(method, path, body, headers)
        text = answer.body.decode("utf-8", "replace")
        hidden = "the-treasure" not in text and base64.b64encode(b"the-treasure").decode() not in text and '"uid"' not in text
        tally.ok(answer.code in (400, 403, 404, 410) and hidden, "closed: %s %.70s" % (method, path), answer.code, text)


def nodes(cluster, tally):
    make(cluster, "/api/v1/namespaces", "Namespace", "mine")
    for name in ("near", "far"):
        make(cluster, "/api/v1/namespaces/mine/secrets", "Secret", name)
        make(cluster, "/api/v1/nodes", "Node", name)
        make(cluster, "/api/v1/namespaces/mine/pods", "Pod", name, spec={"nodeName": name, "containers": [
            {"name": "c", "image": "x", "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}]}]})
    near = acting(cluster, "system:node:near", "system:nodes")
    base = "/api/v1/namespaces/mine/secrets/"
    tally.equal(near.ask("GET", base + "near").code, 200, "a node reads what its pods name")
    tally.equal(near.ask("GET", base + "far").code, 403, "and not what others' pods name")
    tally.equal(near.ask("GET", "/api/v1/namespaces/mine/secrets").code, 403, "nor all secrets")
    tally.equal(near.ask("GET", "/api/v1/namespaces/mine/pods/far").code, 403, "nor others' pods")
    cluster.admin.ask("DELETE", "/api/v1/namespaces/mine/pods/near?gracePeriodSeconds=0")
    tally.equal(near.ask("GET", base + "near").code, 403, "nor what its pods named that have gone")


# ---- servers with flags of their own ----

class Server:
    """The API server itself, with the keys of a cluster and a store of its own."""

    def __init__(self, cluster, *flags):
        self.dir = tempfile.mkdtemp(prefix="coxswain-access-", dir=cluster.dir)
        command = [os.path.join(api.BIN, "coxswain-apiserver"), "--data-dir", os.path.join(self.dir, "store"), "--listen", "127.0.0.1:0", "--ready-fd", "1",
                   "--log-level", "warn", "--tls-cert-file", cluster.pki("apiserver.crt"), "--tls-private-key-file", cluster.pki("apiserver.key"),
                   "--client-ca-file", cluster.pki("ca.crt"), *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(line.split()[1]) if line.startswith("READY") else None
        self.error = None if self.port else self.process.stderr.read()
        self.ca = cluster.pki("ca.crt")

    def endpoint(self, cert=None, key=None, headers=None):
        return api.Endpoint(self.port, self.ca, cert, key, headers)

    def close(self):
        self.process.terminate()
        self.process.wait()


def proxies(cluster, tally):
    ca = own_ca(cluster, "proxies")
    proxy = certificate(cluster, "proxy", "/CN=front", ca)
    other = certificate(cluster, "otherproxy", "/CN=back", ca)
    user = certificate(cluster, "user", "/CN=front", cluster.pki("ca.crt")[:-4])
    says = {"X-Remote-User": "ann", "X-Remote-Group": "staff", "X-Remote-Extra-Scopes": "s", "X-Remote-Uid": "7"}
    server = Server(cluster, "--requestheader-client-ca-file", ca + ".crt", "--requestheader-allowed-names", "front", "--requestheader-username-headers",
                    "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group", "--requestheader-uid-headers", "X-Remote-Uid",
                    "--requestheader-extra-headers-prefix", "X-Remote-Extra-")
    try:
        answer = server.endpoint(*proxy).ask("POST", *ME, headers=says)
        found = answer.json().get("status", {}).get("userInfo", {})
        tally.equal((found.get("username"), found.get("uid"), found.get("groups"), found.get("extra")),
                    ("ann", "7", ["staff", "system:authenticated"], {"scopes": ["s"]}), "a proxy says who it is")
        tally.equal(server.endpoint(*other).ask("POST", *ME, headers=says).code, 401, "not one of another name")
        tally.equal(server.endpoint(*proxy).ask("POST", *ME).code, 401, "a proxy that names nobody is nobody")
        answer = server.endpoint(*user).ask("POST", *ME, headers=says)
        tally.equal(answer.json()["status"]["userInfo"]["username"], "front", "who has a certificate of the clients' authority cannot say so")
        answer = server.endpoint(headers=says).ask("GET", MAPS)
        tally.ok(answer.code == 403 and "system:anonymous" in answer.json()["message"], "headers alone are nothing", answer.code)
    finally:
        server.close()


def files(cluster, tally):
    path = os.path.join(cluster.dir, "tokens.csv")
    with open(path, "w") as out:
        out.write('sesame,ann,7,"staff,system:masters"\n')
    server = Server(cluster, "--token-auth-file", path, "--anonymous-auth=false", "--authorization-mode", "RBAC")
    try:
        tally.equal(server.endpoint(headers={"Authorization": "Bearer sesame"}).ask("GET", MAPS).code, 200, "a token of the file is believed")
        for token in ("sesam", "sesame ", "Sesame", "sesamee"):
            code = server.endpoint(headers={"Authorization": "Bearer " + token}).ask("GET", MAPS).code
            tally.equal(code, 200 if token == "sesame " else 401, "another is not: %r" % token)
        tally.equal(server.endpoint().ask("GET", MAPS).code, 401, "without anonymous requests there is no entry without a credential")
        tally.equal(server.endpoint().ask("GET", "/healthz").code, 200, "but to health")
    finally:
        server.close()
    with open(path, "w") as out:
        out.write("top-secret-token\n")
    for flag, value, says in (("--token-auth-file", path, "line 1"), ("--token-auth-file", "/nonexistent", "/nonexistent"),
                              ("--service-account-key-file", path, "no key"), ("--service-account-signing-key-file", "/nonexistent", "/nonexistent"),
                              ("--authorization-mode", "RBAC,Nonsense", "Nonsense"), ("--authorization-mode", "RBAC,RBAC", "twice"),
                              ("--requestheader-client-ca-file", path, "CA")):
        server = Server(cluster, flag, value)
        tally.ok(server.error and says in server.error and "top-secret" not in server.error, "%s %s: refuses to start and says why" % (flag, value), server.error)
        server.close()


class Issuer(http.server.BaseHTTPRequestHandler):
    documents = {}

    def do_GET(self):
        body = json.dumps(self.documents.get(self.path)).encode()
        self.send_response(200 if self.path in self.documents else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def public_key(key, kid):
    der = subprocess.run(["openssl", "ec", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    return {"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(der[-64:-32]), "y": b64(der[-32:])}


def new_key(cluster, name):
    path = os.path.join(cluster.dir, name)
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path], check=True, capture_output=True)
    return path


def openid(cluster, tally):
    ca = own_ca(cluster, "issuers")
    with open(cluster.pki("issuer.ext"), "w") as out:
        out.write("")
    cert, key = certificate(cluster, "issuer", "/CN=localhost", ca, "1", "serverAuth\nsubjectAltName=IP:127.0.0.1")
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    issuer = "https://127.0.0.1:%d" % httpd.server_address[1]
    first, second = new_key(cluster, "first.key"), new_key(cluster, "second.key")
    Issuer.documents = {"/.well-known/openid-configuration": {"issuer": issuer, "jwks_uri": issuer + "/keys"}, "/keys": {"keys": [public_key(first, "1")]}}
    server = Server(cluster, "--oidc-issuer-url", issuer, "--oidc-client-id", "me", "--oidc-ca-file", ca + ".crt", "--oidc-groups-claim", "groups",
                    "--oidc-groups-prefix", "oidc:", "--oidc-required-claim", "hd=corp")
    claims = {"iss": issuer, "aud": "me", "exp": int(time.time()) + 1000, "sub": "ann", "groups": ["staff"], "hd": "corp"}

    def asks(key, kid, header=None, **more):
        token = forge(key, dict(claims, **more), header or {"alg": "ES256", "kid": kid})
        answer = server.endpoint(headers={"Authorization": "Bearer " + token}).ask("POST", *ME)
        return answer.json()["status"]["userInfo"] if answer.code == 201 else None

    try:
        tally.ok(api.eventually(lambda: asks(first, "1")) is not False, "a token of the issuer is believed")
        found = asks(first, "1")
        tally.equal((found["username"], found["groups"]), (issuer + "#ann", ["oidc:staff", "system:authenticated"]), "its claims name the user")
        for claim, more in (("another client", {"aud": "you"}), ("expired", {"exp": 1}), ("without the required claim", {"hd": "x"}), ("another issuer", {"iss": "https://x"}),
                            ("without a name", {"sub": ""})):
            tally.equal(asks(first, "1", **more), None, "its token is refused: " + claim)
        tally.equal(asks(second, "1"), None, "and one that another key signed")
        tally.equal(asks(None, "1", {"alg": "none"}), None, "and one that nobody signed")
        Issuer.documents["/keys"] = {"keys": [public_key(second, "2")]}
        tally.ok(api.eventually(lambda: asks(second, "2")) is not False, "new keys of the issuer are found")
        tally.equal(asks(first, "1"), None, "and the old ones forgotten")
    finally:
        server.close()
        httpd.shutdown()


def run(cluster, tally):
    for part in (tokens, bound_tokens, kept_tokens, bootstrap_tokens, certificates, escalation, secrets_stay_secret, nodes, proxies, files, openid):
        part(cluster, tally)
