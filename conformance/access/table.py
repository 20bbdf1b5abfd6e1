"""Who asks what: 40 identities, 60 requests, and what must be there before. What is expected stands in expected.json,
recorded from a real server (run --record)."""

RBAC = "rbac.authorization.k8s.io/v1"


def role(kind, name, rules, namespace=None, **more):
    meta = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": RBAC, "kind": kind, "metadata": meta, "rules": rules, **more}


def rule(verbs, resources, groups="", names=None):
    found = {"verbs": verbs.split(), "apiGroups": [g if g != "core" else "" for g in (groups.split() or [""])], "resources": resources.split()}
    return {**found, **({"resourceNames": names.split()} if names else {})}


def bind(name, ref, subjects, namespace=None):
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    ref_kind, ref_name = ref.split("/")
    shown = []
    for text in subjects:
        what, who = text.split(":", 1)
        if what == "sa":
            ns, sa = who.split("/")
            shown.append({"kind": "ServiceAccount", "namespace": ns, "name": sa})
        else:
            shown.append({"kind": {"user": "User", "group": "Group"}[what], "name": who, "apiGroup": "rbac.authorization.k8s.io"})
    return {"apiVersion": RBAC, "kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": ref_kind, "name": ref_name}, "subjects": shown}


def plain(kind, name, namespace=None, api="v1", **more):
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}, **more}


def pod(name, node, namespace, account="default", **spec):
    return plain("Pod", name, namespace, spec={"nodeName": node, "serviceAccountName": account, "automountServiceAccountToken": False,
                                               "containers": [{"name": "c", "image": "x"}], **spec})


SETUP = [
    plain("Namespace", "shop"), plain("Namespace", "bank"),
    plain("ServiceAccount", "default", "shop"), plain("ServiceAccount", "robot", "shop"), plain("ServiceAccount", "default", "bank"),
    plain("Secret", "one", "shop"), plain("Secret", "two", "shop"), plain("Secret", "vault", "bank"), plain("ConfigMap", "settings", "shop"),
    plain("ConfigMap", "settings", "bank"), plain("Node", "n1"), plain("Node", "n2"),
    pod("web", "n1", "shop", "robot", volumes=[{"name": "s", "secret": {"secretName": "one"}}, {"name": "c", "configMap": {"name": "settings"}},
                                               {"name": "p", "persistentVolumeClaim": {"claimName": "data"}}]),
    pod("till", "n2", "shop"),
    plain("PersistentVolumeClaim", "data", "shop", spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}),
    plain("Deployment", "web", "shop", "apps/v1", spec={"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {
        "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}}),
    role("Role", "pod-reader", [rule("get list watch", "pods pods/log")], "shop"),
    role("Role", "one-secret", [rule("get list watch", "secrets", names="one")], "shop"),
    role("Role", "manager", [rule("create update patch get", "roles rolebindings", "rbac.authorization.k8s.io"), rule("get", "pods")], "shop"),
    role("Role", "binder", [rule("create", "rolebindings", "rbac.authorization.k8s.io"), rule("bind", "clusterroles", "rbac.authorization.k8s.io", "view")], "shop"),
    role("Role", "escalator", [rule("create escalate", "roles", "rbac.authorization.k8s.io")], "shop"),
    role("ClusterRole", "scaler", [rule("get update patch", "*/scale", "*")]),
    role("ClusterRole", "everything-in-apps", [rule("*", "*", "apps")]),
    role("ClusterRole", "metrics", [{"verbs": ["get"], "nonResourceURLs": ["/metrics", "/logs/*"]}]),
    role("ClusterRole", "impersonator", [rule("impersonate", "users groups", names="ann staff")]),
    role("ClusterRole", "approver", [rule("get update", "certificatesigningrequests certificatesigningrequests/approval", "certificates.k8s.io")]),
    role("ClusterRole", "token-maker", [rule("create", "serviceaccounts/token", names="robot")]),
    role("ClusterRole", "widgets", [rule("get", "widgets", "example.com")], metadata={"labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}),
    bind("pod-reader", "Role/pod-reader", ["user:ann", "group:staff", "sa:shop/robot"], "shop"),
    bind("one-secret", "Role/one-secret", ["user:sam"], "shop"), bind("manager", "Role/manager", ["user:mgr"], "shop"),
    bind("binder", "Role/binder", ["user:bindy"], "shop"), bind("escalator", "Role/escalator", ["user:esc"], "shop"),
    bind("shop-admin", "ClusterRole/admin", ["user:boss"], "shop"), bind("shop-edit", "ClusterRole/edit", ["user:eddy", "group:editors"], "shop"),
    bind("shop-view", "ClusterRole/view", ["user:vi"], "shop"), bind("missing-role", "Role/gone", ["user:lost"], "shop"),
    bind("missing-cluster-role", "ClusterRole/gone", ["user:lost"]), bind("view-all", "ClusterRole/view", ["group:auditors"]),
    bind("admins", "ClusterRole/cluster-admin", ["user:root", "group:roots"]), bind("scalers", "ClusterRole/scaler", ["user:scaler"]),
    bind("apps", "ClusterRole/everything-in-apps", ["user:appy"]), bind("metrics", "ClusterRole/metrics", ["user:prom"]),
    bind("impersonators", "ClusterRole/impersonator", ["user:actor"]), bind("approvers", "ClusterRole/approver", ["user:apro"]),
    bind("token-makers", "ClusterRole/token-maker", ["user:toky"]), bind("sa-view", "ClusterRole/view", ["group:system:serviceaccounts:bank"]),
]

# name: user, groups (impersonated by a member of system:masters)
IDENTITIES = {
    "master": ("m", ["system:masters"]), "root": ("root", []), "in roots": ("x", ["roots"]), "nobody": ("nobody", []),
    "anonymous": ("system:anonymous", []), "ann": ("ann", []), "in staff": ("y", ["staff"]), "staff is no user": ("staff", []),
    "sam": ("sam", []), "mgr": ("mgr", []), "bindy": ("bindy", []), "esc": ("esc", []), "boss": ("boss", []), "eddy": ("eddy", []),
    "in editors": ("z", ["editors"]), "vi": ("vi", []), "lost": ("lost", []), "in auditors": ("aud", ["auditors"]), "scaler": ("scaler", []),
    "appy": ("appy", []), "prom": ("prom", []), "actor": ("actor", []), "apro": ("apro", []), "toky": ("toky", []),
    "robot": ("system:serviceaccount:shop:robot", []), "default of shop": ("system:serviceaccount:shop:default", []),
    "default of bank": ("system:serviceaccount:bank:default", []), "robot elsewhere": ("system:serviceaccount:bank:robot", []),
    "n1": ("system:node:n1", ["system:nodes"]), "n2": ("system:node:n2", ["system:nodes"]), "n1 without the group": ("system:node:n1", []),
    "a node without a name": ("system:node:", ["system:nodes"]), "group of nodes alone": ("w", ["system:nodes"]),
    "scheduler": ("system:kube-scheduler", []), "controller manager": ("system:kube-controller-manager", []),
    "proxy": ("system:kube-proxy", []), "deployment controller": ("system:serviceaccount:kube-system:deployment-controller", []),
    "bootstrapper": ("system:bootstrap:abcdef", ["system:bootstrappers"]), "monitoring": ("mon", ["system:monitoring"]),
    "two groups": ("v", ["staff", "auditors"]),
}

MERGE = "application/merge-patch+json"
SHOP, BANK, RB = "/api/v1/namespaces/shop", "/api/v1/namespaces/bank", "/apis/rbac.authorization.k8s.io/v1"
DRY = "?dryRun=All"

# method, path, body, content type
REQUESTS = [
    ("GET", SHOP + "/pods"), ("GET", SHOP + "/pods/web"), ("GET", SHOP + "/pods/till"), ("GET", SHOP + "/pods/absent"), ("GET", "/api/v1/pods"),
    ("GET", BANK + "/pods"), ("GET", SHOP + "/pods?fieldSelector=spec.nodeName%3Dn1"), ("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1"),
    ("GET", SHOP + "/pods?fieldSelector=metadata.name%3Dweb"), ("GET", SHOP + "/secrets"), ("GET", SHOP + "/secrets/one"), ("GET", SHOP + "/secrets/two"),
    ("GET", SHOP + "/secrets?fieldSelector=metadata.name%3Done"), ("GET", BANK + "/secrets/vault"), ("GET", SHOP + "/configmaps/settings"),
    ("GET", BANK + "/configmaps/settings"), ("GET", SHOP + "/persistentvolumeclaims/data"), ("GET", SHOP + "/serviceaccounts/robot"),
    ("GET", "/api/v1/nodes"), ("GET", "/api/v1/nodes/n1"), ("GET", "/api/v1/nodes/n2"), ("GET", "/api/v1/namespaces"), ("GET", SHOP), ("GET", BANK),
    ("GET", SHOP + "/services"), ("GET", SHOP + "/events"), ("GET", "/apis/apps/v1/namespaces/shop/deployments"),
    ("GET", "/apis/apps/v1/namespaces/shop/deployments/web"), ("GET", "/apis/apps/v1/namespaces/shop/deployments/web/scale"),
    ("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1"), ("GET", "/apis/storage.k8s.io/v1/csinodes/n1"),
    ("GET", RB + "/clusterroles"), ("GET", RB + "/namespaces/shop/roles"), ("GET", "/api"), ("GET", "/apis"), ("GET", "/version"), ("GET", "/healthz"),
    ("GET", "/metrics"), ("GET", "/logs/x"), ("GET", "/openid/v1/jwks"), ("GET", "/nothing"),
    ("POST", SHOP + "/configmaps" + DRY, plain("ConfigMap", "new")), ("POST", SHOP + "/secrets" + DRY, plain("Secret", "new")),
    ("POST", "/api/v1/namespaces" + DRY, plain("Namespace", "new")), ("POST", SHOP + "/serviceaccounts/robot/token", {"apiVersion": "authentication.k8s.io/v1",
     "kind": "TokenRequest", "spec": {"audiences": ["x"]}}), ("PATCH", SHOP + "/configmaps/settings" + DRY, {"data": {"a": "b"}}, MERGE),
    ("PATCH", "/api/v1/nodes/n1/status" + DRY, {"status": {"phase": ""}}, MERGE), ("DELETE", SHOP + "/secrets/two" + DRY), ("DELETE", SHOP + "/secrets" + DRY),
    ("DELETE", SHOP + "/pods/web" + DRY), ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web/scale" + DRY, {"spec": {"replicas": 2}}, MERGE),
    ("POST", RB + "/namespaces/shop/roles" + DRY, role("Role", "new", [rule("get", "pods")])),
    ("POST", RB + "/namespaces/shop/roles" + DRY, role("Role", "new", [rule("get list", "secrets"), rule("*", "deployments", "apps")])),
    ("POST", RB + "/namespaces/shop/rolebindings" + DRY, bind("new", "ClusterRole/view", ["user:friend"], "shop")),
    ("POST", RB + "/namespaces/shop/rolebindings" + DRY, bind("new", "ClusterRole/cluster-admin", ["user:friend"], "shop")),
    ("POST", RB + "/clusterrolebindings" + DRY, bind("new", "ClusterRole/view", ["user:friend"])),
    ("POST", RB + "/clusterroles" + DRY, role("ClusterRole", "new", [], aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]})),
    ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
     "spec": {"resourceAttributes": {"namespace": "shop", "resource": "pods", "verb": "get"}}}),
    ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
     "spec": {"user": "ann", "resourceAttributes": {"namespace": "shop", "resource": "pods", "verb": "get"}}}),
    ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "x"}}),
]
