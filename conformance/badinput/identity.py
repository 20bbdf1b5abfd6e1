"""Who is who: certificates, none, bad ones, tokens, and acting for others."""
import shutil
import ssl

import api

MAPS = "/api/v1/namespaces/default/configmaps"


def message(answer):
    return answer.json().get("message") if answer else None


# path, method, message of the refusal
FORBIDDEN = [
    ("GET", MAPS, 'configmaps is forbidden: User "alice" cannot list resource "configmaps" in API group "" in the namespace "default"'),
    ("GET", MAPS + "/x", 'configmaps "x" is forbidden: User "alice" cannot get resource "configmaps" in API group "" in the namespace "default"'),
    ("GET", MAPS + "?watch=1", 'configmaps is forbidden: User "alice" cannot watch resource "configmaps" in API group "" in the namespace "default"'),
    ("DELETE", MAPS, 'configmaps is forbidden: User "alice" cannot deletecollection resource "configmaps" in API group "" in the namespace "default"'),
    ("DELETE", MAPS + "/x", 'configmaps "x" is forbidden: User "alice" cannot delete resource "configmaps" in API group "" in the namespace "default"'),
    ("PUT", MAPS + "/x", 'configmaps "x" is forbidden: User "alice" cannot update resource "configmaps" in API group "" in the namespace "default"'),
    ("PATCH", MAPS + "/x", 'configmaps "x" is forbidden: User "alice" cannot patch resource "configmaps" in API group "" in the namespace "default"'),
    ("POST", MAPS, 'configmaps is forbidden: User "alice" cannot create resource "configmaps" in API group "" in the namespace "default"'),
    ("GET", "/api/v1/nodes", 'nodes is forbidden: User "alice" cannot list resource "nodes" in API group "" at the cluster scope'),
    ("GET", "/apis/apps/v1/namespaces/default/deployments/x/scale",
     'deployments.apps "x" is forbidden: User "alice" cannot get resource "deployments/scale" in API group "apps" in the namespace "default"'),
    ("GET", "/apis/nothing.io/v1/things", 'things.nothing.io is forbidden: User "alice" cannot list resource "things" in API group "nothing.io" at the cluster scope'),
    ("GET", "/metrics", 'forbidden: User "alice" cannot get path "/metrics"'),
    ("GET", "/nothing", 'forbidden: User "alice" cannot get path "/nothing"'),
]

OPEN = ["/healthz", "/livez", "/readyz", "/version", "/readyz?verbose"]


def others(cluster, tally):
    alice = cluster.make_user("alice", "alice", ["devs"])
    for method, path, wanted in FORBIDDEN:
        answer = alice.ask(method, path, "{}" if method in ("POST", "PUT", "PATCH") else None)
        tally.equal((answer.code, message(answer)), (403, wanted), "alice may not %s %s" % (method, path))
    master = cluster.make_user("master", "someone", ["devs", "system:masters"])
    tally.equal(master.ask("GET", MAPS).code, 200, "who is in system:masters may, whatever the name")
    nobody = cluster.make_user("noname", "", ["system:masters"])
    answer = nobody.ask("GET", MAPS)
    # neither the authority of proxies nor a user's name: a credential that is none
    tally.ok(answer is None or answer.code == 401, "a certificate without a name is nobody's", answer and answer.code)


def none(cluster, tally):
    nobody = cluster.endpoint()
    for path in OPEN:
        tally.equal(nobody.ask("GET", path).code, 200, "%s is open to everybody" % path)
    for path in (MAPS, "/metrics", "/apis", "/", "/nothing", "/healthzz", "/livez/ping"):
        answer = nobody.ask("GET", path)
        tally.equal((answer.code, answer.json().get("reason")), (403, "Forbidden"), "%s without a credential" % path)
        tally.ok('User "system:anonymous" cannot' in message(answer), "%s: the refusal names who was refused" % path, message(answer))
    for token in ("Bearer x", "bearer x", "Bearer " + "x" * 8000):
        answer = cluster.endpoint(headers={"Authorization": token}).ask("GET", MAPS)
        tally.equal(answer.code, 401, "a token that nobody knows (%.10s)" % token)
    answer = cluster.endpoint(headers={"Authorization": "Basic YTpi"}).ask("GET", MAPS)
    tally.equal(answer.code, 403, "a password is no credential here")
    answer = cluster.endpoint(headers={"Authorization": "Bearer "}).ask("GET", MAPS)
    tally.equal(answer.code, 403, "nor is an empty token")


def strangers(cluster, tally):
    """A certificate of another authority that claims to be the master."""
    other = api.Cluster()
    try:
        for end in (".crt", ".key"):
            shutil.copy(other.pki("admin" + end), cluster.pki("stranger" + end))
    finally:
        other.close()
    try:
        answer = cluster.endpoint("stranger").ask("GET", MAPS)
    except (ssl.SSLError, ConnectionError):
        answer = None
    tally.ok(answer is None or answer.code == 401, "another authority's certificate is worth nothing", answer and answer.code)


# headers, code, what the answer must hold
ACTING = [
    ({"Impersonate-User": "bob"}, 403, 'User "bob" cannot list'),
    ({"Impersonate-User": "bob", "Impersonate-Group": "system:masters"}, 200, '"items"'),
    ({"Impersonate-User": "system:serviceaccount:default:x"}, 403, 'User "system:serviceaccount:default:x" cannot list'),
    ({"Impersonate-User": "system:anonymous"}, 403, 'User "system:anonymous" cannot list'),
    ({"Impersonate-Group": "system:masters"}, 500, "without impersonating a user"),
    ({"Impersonate-Uid": "1"}, 500, "without impersonating a user"),
    ({"Impersonate-Extra-a": "1"}, 500, "without impersonating a user"),
    ({"Impersonate-User": "bob", "Impersonate-Extra-%zz": "1"}, 403, 'User "bob" cannot list'),
    ({"Impersonate-User": "b\xff\"\\"}, 403, "cannot list"),
    ({"Impersonate-User": "x" * 5000}, 403, "cannot list"),
]


def acting(cluster, tally):
    for headers, code, holds in ACTING:
        answer = cluster.admin.ask("GET", MAPS, headers=headers)
        text = message(answer) or answer.body.decode("utf-8")
        tally.ok(answer.code == code and holds in text, "acting with %.60s" % headers, answer.code, text)
    alice = cluster.endpoint("alice")
    answer = alice.ask("GET", MAPS, headers={"Impersonate-User": "bob", "Impersonate-Group": "system:masters"})
    tally.equal((answer.code, message(answer)), (
        403, 'users "bob" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope'),
        "who may nothing may not act for others")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = cluster.admin.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, {
        "Impersonate-User": "bob", "Impersonate-Group": "system:masters", "Impersonate-Uid": "7", "Impersonate-Extra-Scope%2fa": "v"})
    user = answer.json().get("status", {}).get("userInfo", {})
    tally.equal((user.get("username"), user.get("uid"), user.get("groups"), user.get("extra")),
                ("bob", "7", ["system:masters", "system:authenticated"], {"scope/a": ["v"]}), "the review tells who one is")


def run(cluster, tally):
    others(cluster, tally)
    none(cluster, tally)
    strangers(cluster, tally)
    acting(cluster, tally)
