"""One request, one answer: a table of bad requests. What a real server answers to each is in expected.json (code, reason
and causes; `run --record` makes it); Coxswain must answer the same, but for the rows of DIFFERENT."""

NS = "/api/v1/namespaces/default"
MAPS = NS + "/configmaps"
PODS = NS + "/pods"
SERVICES = NS + "/services"
MIB = 1 << 20
YAML = {"Content-Type": "application/yaml"}


def nested(levels, tail=""):
    """A ConfigMap with `levels` arrays or objects in each other, counting the object itself, metadata and the unknown field."""
    inside = levels - 1
    return '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep%s"},"x":%s%s}' % (
        tail, "[" * inside, "]" * inside)


def named(name):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def labelled(labels, name="labelled", **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": dict(metadata, name=name, labels=labels)}


def raw_map(rest, name="raw"):
    return '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"%s"}%s}' % (name, rest)


def pod(spec="", container="", metadata=""):
    return ('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"%s},"spec":{"containers":[{"name":"c","image":"i"%s}]%s}}'
            % (metadata, container, spec))


def service(port):
    return ('{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":[{"port":%s}]}}' % port)


def deployment(replicas):
    return ('{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":%s,"selector":'
            '{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":'
            '[{"name":"c","image":"i"}]}}}}' % replicas)


DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
DRY = "?dryRun=All"

# claim, method, path, body, headers
BODIES = [
    ("an empty body", "POST", MAPS, "", None),
    ("a truncated object", "POST", MAPS, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cut"', None),
    ("a truncated string", "POST", MAPS, '{"apiVersion":"v1","kind":"Conf', None),
    ("an array", "POST", MAPS, "[]", None),
    ("a number", "POST", MAPS, "1", None),
    ("null", "POST", MAPS, "null", None),
    ("a string", "POST", MAPS, '"x"', None),
    ("no kind", "POST", MAPS + DRY, '{"metadata":{"name":"nokind"}}', None),
    ("the wrong kind", "POST", MAPS, '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}', None),
    ("a list's parameters with a create", "POST", MAPS + DRY + "&resourceVersion=x&resourceVersionMatch=Near&limit=x&timeoutSeconds=x", raw_map(""), None),
    ("a watch's parameters with a create", "POST", MAPS + DRY + "&sendInitialEvents=1&continue=x&includeObject=x", raw_map(""), None),
    ("an unknown kind", "POST", MAPS, '{"apiVersion":"v1","kind":"Nothing","metadata":{"name":"x"}}', None),
    ("an unknown version", "POST", MAPS, '{"apiVersion":"v7","kind":"ConfigMap","metadata":{"name":"x"}}', None),
    ("a version that is no version", "POST", MAPS, '{"apiVersion":"a/b/c","kind":"ConfigMap","metadata":{"name":"x"}}', None),
    ("a kind that is a number", "POST", MAPS, '{"apiVersion":"v1","kind":7,"metadata":{"name":"x"}}', None),
    ("something after the object", "POST", MAPS, raw_map("") + "x", None),
    ("two objects", "POST", MAPS, raw_map("") + raw_map(""), None),
    ("a trailing comma", "POST", MAPS, raw_map(","), None),
    ("single quotes", "POST", MAPS, "{'a':1}", None),
    ("a leading zero", "POST", MAPS + DRY, deployment("01"), None),
    ("NaN", "POST", DEPLOYMENTS + DRY, deployment("NaN"), None),
    ("a NUL byte", "POST", MAPS, b'{"apiVersion":"v1",\x00"kind":"ConfigMap"}', None),
    ("a control character in a string", "POST", MAPS, b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a\x01"}}', None),
    ("a byte order mark", "POST", MAPS + DRY, "\ufeff" + raw_map(""), None),
    ("a bad escape", "POST", MAPS, raw_map(',"data":{"a":"\\x"}'), None),
    ("half an escape", "POST", MAPS, raw_map(',"data":{"a":"\\u12"}'), None),
    ("half a surrogate", "POST", MAPS + DRY, raw_map(',"data":{"a":"\\ud800"}'), None),
    ("invalid UTF-8 in a value", "POST", MAPS + DRY, raw_map(',"data":{"a":"~"}').encode().replace(b"~", b"\xff\xfe"), None),
    ("invalid UTF-8 in a name", "POST", MAPS + DRY, raw_map("", "~").encode().replace(b"~", b"a\xc3"), None),
    ("invalid UTF-8 in a key", "POST", MAPS + DRY, raw_map(',"data":{"~":"x"}').encode().replace(b"~", b"\x80"), None),
    ("an overlong encoding", "POST", MAPS + DRY, raw_map("", "~").encode().replace(b"~", b"\xc0\xae"), None),
    ("1,000 levels", "POST", MAPS + DRY, nested(1000), None),
    ("1,001 levels", "POST", MAPS + DRY, nested(1001), None),
    ("10,001 levels", "POST", MAPS + DRY, nested(10001), None),
    ("100,000 levels", "POST", MAPS + DRY, nested(100000), None),
    ("1,000,000 brackets that never end", "POST", MAPS, "[" * MIB, None),
    ("1,000,000 objects that never end", "POST", MAPS, '{"a":' * (MIB // 5), None),
    ("a duplicate key, strict", "POST", MAPS + DRY + "&fieldValidation=Strict", raw_map(',"data":{"a":"1"},"data":{"b":"2"}'), None),
    ("a duplicate key in a map, strict", "POST", MAPS + DRY + "&fieldValidation=Strict", raw_map(',"data":{"a":"1","a":"2"}'), None),
    ("a duplicate key, warned of", "POST", MAPS + DRY + "&fieldValidation=Warn", raw_map(',"data":{"a":"1"},"data":{"b":"2"}'), None),
    ("a duplicate key, ignored", "POST", MAPS + DRY + "&fieldValidation=Ignore", raw_map(',"data":{"a":"1"},"data":{"b":"2"}'), None),
    ("an unknown field, strict", "POST", MAPS + DRY + "&fieldValidation=Strict", raw_map(',"nothing":1'), None),
    ("a key in another case, strict", "POST", MAPS + DRY + "&fieldValidation=Strict", raw_map(',"Data":{"a":"1"}'), None),
    ("over 3 MiB", "POST", MAPS, raw_map(',"data":{"a":"%s"}' % ("x" * (3 * MIB))), None),
    ("over 3 MiB of blanks", "POST", MAPS, " " * (3 * MIB + 1), None),
    ("over 3 MiB of nothing", "PUT", MAPS + "/x", b"\0" * (4 * MIB), None),
    ("over 3 MiB in a patch", "PATCH", MAPS + "/kube-root-ca.crt", " " * (3 * MIB + 1), {"Content-Type": "application/merge-patch+json"}),
    ("over 3 MiB with a deletion", "DELETE", MAPS + "/x", " " * (3 * MIB + 1), None),
    ("1 MiB and more of data", "POST", MAPS + DRY, raw_map(',"data":{"a":"%s"}' % ("x" * (MIB + 1))), None),
    ("256 KiB and more of annotations", "POST", MAPS + DRY, raw_map("").replace('"name"', '"annotations":{"a":"%s"},"name"' % ("x" * (256 * 1024))), None),
    ("YAML that does not parse", "POST", MAPS, "a: [", YAML),
    ("YAML with a tab", "POST", MAPS, "a:\n\tb: 1", YAML),
    ("YAML with an alias to itself", "POST", MAPS, "a: &a [*a]", YAML),
    ("YAML with an unknown alias", "POST", MAPS, "a: *b", YAML),
    ("YAML with an unknown tag", "POST", MAPS, "a: !x y", YAML),
    ("two YAML documents", "POST", MAPS + DRY, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y1}\n---\nkind: X\n", YAML),
    ("YAML with invalid UTF-8", "POST", MAPS, b"a: \xff", YAML),
    ("YAML with a duplicate key, strict", "POST", MAPS + DRY + "&fieldValidation=Strict",
     "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y2}\ndata: {a: b}\ndata: {c: d}\n", YAML),
    ("billion laughs", "POST", MAPS, "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        "%s: &%s [%s]\n" % (c, c, ",".join(["*" + b] * 9)) for b, c in zip("abcdefgh", "bcdefghi")), YAML),
    ("protobuf that is none", "POST", MAPS, b"k8s\x00\xff\xff\xff", {"Content-Type": "application/vnd.kubernetes.protobuf"}),
    ("protobuf without its mark", "POST", MAPS, b"abcdefgh", {"Content-Type": "application/vnd.kubernetes.protobuf"}),
    ("empty protobuf", "POST", MAPS, b"", {"Content-Type": "application/vnd.kubernetes.protobuf"}),
]

MERGE = {"Content-Type": "application/merge-patch+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
ONE = MAPS + "/subject"
PATCHES = [
    ("a patch without a type", "PATCH", ONE, "{}", {"Content-Type": None}),
    ("a patch of an unknown type", "PATCH", ONE, "{}", {"Content-Type": "application/json"}),
    ("a merge patch that is cut", "PATCH", ONE, '{"a":', MERGE),
    ("a merge patch that is an array", "PATCH", ONE, "[]", MERGE),
    ("a merge patch of null", "PATCH", ONE, "null", MERGE),
    ("a JSON patch that is an object", "PATCH", ONE, "{}", JSON_PATCH),
    ("a JSON patch with an unknown operation", "PATCH", ONE, '[{"op":"jump","path":"/data"}]', JSON_PATCH),
    ("a JSON patch without a path", "PATCH", ONE, '[{"op":"add","value":1}]', JSON_PATCH),
    ("a JSON patch to nowhere", "PATCH", ONE, '[{"op":"remove","path":"/a/b/c"}]', JSON_PATCH),
    ("a JSON patch whose test fails", "PATCH", ONE, '[{"op":"test","path":"/kind","value":"x"}]', JSON_PATCH),
    ("a JSON patch with 10,001 operations", "PATCH", ONE, "[" + ",".join(['{"op":"test","path":"/kind","value":"ConfigMap"}'] * 10001) + "]", JSON_PATCH),
    ("a JSON patch that doubles itself 40 times", "PATCH", ONE,
     '[{"op":"add","path":"/data/a","value":["%s"]}%s]' % ("x" * 1000, "".join(
         ',{"op":"copy","from":"/data","path":"/data/b%d"}' % i for i in range(40))), JSON_PATCH),
    ("a strategic patch with an unknown directive", "PATCH", ONE, '{"data":{"$patch":"jump"}}', STRATEGIC),
    ("a strategic patch with the wrong type", "PATCH", ONE, '{"data":"x"}', STRATEGIC),
    ("a patch of the name", "PATCH", ONE, '{"metadata":{"name":"other"}}', MERGE),
    ("a patch that takes the name away", "PATCH", ONE, '{"metadata":{"name":null}}', MERGE),
    ("a patch that takes all metadata away", "PATCH", ONE, '{"metadata":null}', MERGE),
    ("a patch of the kind", "PATCH", ONE, '{"kind":"Secret"}', MERGE),
    ("a patch of the uid", "PATCH", ONE, '{"metadata":{"uid":"x"}}', MERGE),
    ("a patch with an old version", "PATCH", ONE, '{"metadata":{"resourceVersion":"1"}}', MERGE),
    ("a patch with a version that is no number", "PATCH", ONE, '{"metadata":{"resourceVersion":"x"}}', MERGE),
    ("a patch of nothing", "PATCH", MAPS + "/nothing", "{}", MERGE),
    ("a patch with invalid UTF-8", "PATCH", ONE + DRY, b'{"data":{"a":"\xff"}}', MERGE),
    ("a patch 11,000 levels deep", "PATCH", ONE, '{"a":' * 11000 + "1" + "}" * 11000, MERGE),
]

JSON = "application/json"
TYPES = [
    ("text/plain as a body", "POST", MAPS, raw_map(""), {"Content-Type": "text/plain"}),
    ("a type that is none", "POST", MAPS, raw_map(""), {"Content-Type": "///"}),
    ("a type with a bad parameter", "POST", MAPS + DRY, raw_map(""), {"Content-Type": "application/json; charset"}),
    ("a patch's type as a body", "POST", MAPS, raw_map(""), MERGE),
    ("no content type", "POST", MAPS + DRY, raw_map(""), {"Content-Type": None}),
    ("a form", "POST", MAPS, "a=b", {"Content-Type": "application/x-www-form-urlencoded"}),
    ("text/html is wanted", "GET", MAPS, None, {"Accept": "text/html"}),
    ("text/html of one object", "GET", ONE, None, {"Accept": "text/html"}),
    ("an image is wanted of the version", "GET", "/version", None, {"Accept": "image/png"}),
    ("an Accept that is none", "GET", MAPS, None, {"Accept": ";;;"}),
    ("a Table of an unknown version", "GET", MAPS, None, {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v9"}),
    ("a form of an unknown group", "GET", MAPS, None, {"Accept": "application/json;as=Table;g=x;v=v1"}),
    ("an unknown form", "GET", MAPS, None, {"Accept": "application/json;as=Chair;g=meta.k8s.io;v=v1"}),
    ("one object's metadata of a list", "GET", MAPS, None, {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}),
    ("a list's metadata of an object", "GET", ONE, None, {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}),
    ("a watch in YAML", "GET", MAPS + "?watch=1&timeoutSeconds=1", None, {"Accept": "application/yaml"}),
    ("an unknown type before a known one", "GET", ONE, None, {"Accept": "text/html, application/json"}),
    ("includeObject that is none", "GET", MAPS + "?includeObject=All", None, {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}),
]

PATHS = [
    ("an encoded slash in a name", "GET", MAPS + "/a%2fb", None, None),
    ("an encoded slash in a namespace", "GET", "/api/v1/namespaces/default%2fx/configmaps", None, None),
    ("an encoded slash before the resource", "GET", "/api/v1/namespaces/default%2fconfigmaps", None, None),
    ("a create through an encoded slash", "POST", "/api/v1/namespaces/a%2fb/configmaps", named("x"), None),
    ("..", "GET", "/api/v1/../v1/namespaces/default", None, None),
    (".", "GET", "/api/v1/./namespaces/default", None, None),
    ("encoded ..", "GET", "/api/v1/%2e%2e/v1/namespaces", None, None),
    (".. as a name", "GET", MAPS + "/..", None, None),
    ("an empty segment at the start", "GET", "//api/v1/namespaces", None, None),
    ("an empty namespace", "GET", "/api/v1/namespaces//configmaps", None, None),
    ("an empty resource", "GET", "/api/v1/namespaces/default//x", None, None),
    ("a trailing slash", "GET", MAPS + "/", None, None),
    ("two trailing slashes", "GET", MAPS + "//", None, None),
    ("a NUL", "GET", MAPS + "/a%00b", None, None),
    ("a bad escape", "GET", MAPS + "/a%zz", None, None),
    ("half an escape", "GET", MAPS + "/a%2", None, None),
    ("a name of 250 bytes", "GET", MAPS + "/" + "a" * 250, None, None),
    ("a name of 2,000 bytes", "GET", MAPS + "/" + "a" * 2000, None, None),
    ("a namespace of 2,000 bytes", "GET", "/api/v1/namespaces/" + "a" * 2000 + "/configmaps/x", None, None),
    ("an update of a name of 2,000 bytes", "PUT", LEASES + "/" + "a" * 2000,
     {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "a" * 2000}, "spec": {}}, None),
    ("a deletion of a name of 2,000 bytes", "DELETE", MAPS + "/" + "a" * 2000, None, None),
    ("a watch of a namespace of 2,000 bytes", "GET", "/api/v1/namespaces/" + "a" * 2000 + "/configmaps?watch=1&timeoutSeconds=1", None, None),
    ("an unknown resource", "GET", NS + "/nothings", None, None),
    ("an unknown group", "GET", "/apis/nothing.io/v1/things", None, None),
    ("an unknown version of a group", "GET", "/apis/apps/v9/deployments", None, None),
    ("an unknown subresource", "GET", ONE + "/nothing", None, None),
    ("a subresource of a subresource", "GET", PODS + "/x/status/y", None, None),
    ("the upper case of a resource", "GET", NS + "/ConfigMaps", None, None),
    ("a namespace of what has none", "GET", NS + "/nodes", None, None),
    ("an object without its namespace", "GET", "/api/v1/configmaps/subject", None, None),
    ("a create without a namespace", "POST", "/api/v1/configmaps", named("x"), None),
    ("a create by name", "POST", ONE, named("subject"), None),
    ("an update of a collection", "PUT", MAPS, named("x"), None),
    ("a patch of a collection", "PATCH", MAPS, "{}", MERGE),
    ("an unknown method", "BREW", MAPS, None, None),
    ("HEAD of an object", "HEAD", ONE, None, None),
    ("OPTIONS", "OPTIONS", MAPS, None, None),
    ("a path that nobody knows", "GET", "/nothing", None, None),
    ("a path below the version", "GET", "/version/x", None, None),
    ("POST to the version", "POST", "/version", None, None),
    ("an unknown health check", "GET", "/readyz/nothing", None, None),
    ("a path with a quote", "GET", MAPS + "/%22%3Cscript%3E", None, None),
    ("a path that is no UTF-8", "GET", MAPS + "/%ff%fe", None, None),
]

QUERIES = [
    ("a limit that is no number", "GET", MAPS + "?limit=x", None, None),
    ("a limit out of range", "GET", MAPS + "?limit=9223372036854775808", None, None),
    ("a limit with 40 digits", "GET", MAPS + "?limit=" + "9" * 40, None, None),
    ("a negative limit", "GET", MAPS + "?limit=-1", None, None),
    ("a timeout that is no number", "GET", MAPS + "?timeoutSeconds=x", None, None),
    ("a version that is no number", "GET", MAPS + "?resourceVersion=x", None, None),
    ("a negative version", "GET", MAPS + "?resourceVersion=-1", None, None),
    ("a version out of range", "GET", MAPS + "?resourceVersion=18446744073709551616", None, None),
    ("a version with 30 digits", "GET", MAPS + "?resourceVersion=" + "9" * 30, None, None),
    ("a version that is a float", "GET", MAPS + "?resourceVersion=1.5", None, None),
    ("a version of one object that is no number", "GET", ONE + "?resourceVersion=x", None, None),
    ("a match without a version", "GET", MAPS + "?resourceVersionMatch=Exact", None, None),
    ("an unknown match", "GET", MAPS + "?resourceVersionMatch=Near&resourceVersion=1", None, None),
    ("Exact at 0", "GET", MAPS + "?resourceVersionMatch=Exact&resourceVersion=0", None, None),
    ("sendInitialEvents of a list", "GET", MAPS + "?sendInitialEvents=true", None, None),
    ("sendInitialEvents without a match", "GET", MAPS + "?watch=1&sendInitialEvents=true&timeoutSeconds=1", None, None),
    ("a token that is no base64", "GET", MAPS + "?continue=%21%21", None, None),
    ("a token of nothing", "GET", MAPS + "?continue=e30", None, None),
    ("a token that is no JSON", "GET", MAPS + "?continue=eHl6", None, None),
    ("a token with revision 0", "GET", MAPS + "?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MCwic3RhcnQiOiJhIn0", None, None),
    ("a token that climbs", "GET", MAPS + "?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NSwic3RhcnQiOiIuLi9zZWNyZXRzIn0", None, None),
    ("a token of the future", "GET", MAPS + "?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6OTk5OTk5OTk5LCJzdGFydCI6ImEifQ", None, None),
    ("a token with a version", "GET", MAPS + "?resourceVersion=5&continue=e30", None, None),
    ("a label selector that is none", "GET", MAPS + "?labelSelector=a%3D%3D%3Db", None, None),
    ("a label selector with a bad key", "GET", MAPS + "?labelSelector=-a%3Db", None, None),
    ("a label selector with a bad value", "GET", MAPS + "?labelSelector=a%3D-b-", None, None),
    ("a label selector that is cut", "GET", MAPS + "?labelSelector=a%20in%20(b", None, None),
    ("a field selector of an unknown field", "GET", MAPS + "?fieldSelector=a.b%3Dc", None, None),
    ("a field selector that is none", "GET", MAPS + "?fieldSelector=abc", None, None),
    ("dryRun of something else", "POST", MAPS + "?dryRun=Some", named("x"), None),
    ("an unknown fieldValidation", "POST", MAPS + "?fieldValidation=Maybe", named("x"), None),
    ("a field manager that is too long", "POST", MAPS + "?dryRun=All&fieldManager=" + "m" * 129, named("x"), None),
    ("a field manager that cannot be printed", "POST", MAPS + "?dryRun=All&fieldManager=a%07", named("x"), None),
    ("a grace period that is no number", "DELETE", MAPS + "/x?gracePeriodSeconds=x", None, None),
    ("an unknown propagation policy", "DELETE", ONE + "?dryRun=All&propagationPolicy=Sometimes", None, None),
    ("a policy and orphanDependents", "DELETE", ONE + "?dryRun=All&propagationPolicy=Orphan&orphanDependents=true", None, None),
    ("delete options of another kind", "DELETE", ONE + DRY, '{"kind":"Pod","apiVersion":"v1"}', None),
    ("delete options that are cut", "DELETE", ONE + DRY, "{", None),
    ("delete options with the wrong type", "DELETE", ONE + DRY, '{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":"x"}', None),
    ("a precondition that fails", "DELETE", ONE, '{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"x"}}', None),
    ("a list's parameters of one object", "GET", ONE + "?limit=x&resourceVersionMatch=Near&timeoutSeconds=x&labelSelector=%3D", None, None),
    ("a timeout that is none", "GET", MAPS + "?timeout=x", None, None),
    ("a watch at a version that is no number", "GET", MAPS + "?watch=1&resourceVersion=x", None, None),
    ("a query of 1,001 pairs", "GET", MAPS + "?" + "&".join("a%d=b" % i for i in range(1001)), None, None),
    ("a query with bad escapes", "GET", MAPS + "?a=%zz&b=%", None, None),
    ("a query with a semicolon", "GET", MAPS + "?a=b;limit=x", None, None),
]

NAMES = [
    ("an upper case name", "POST", MAPS, named("Name"), None),
    ("a name with a slash", "POST", MAPS, named("a/b"), None),
    ("a name of ..", "POST", MAPS, named(".."), None),
    ("a name with a blank", "POST", MAPS, named("a b"), None),
    ("a name that ends in -", "POST", MAPS, named("a-"), None),
    ("a name of 254", "POST", MAPS, named("a" * 254), None),
    ("a name of 253", "POST", MAPS + DRY, named("a" * 253), None),
    ("an empty name", "POST", MAPS, named(""), None),
    ("a name that is a number", "POST", MAPS, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":7}}', None),
    ("a generated name with a bad prefix", "POST", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "A_"}}, None),
    ("a generated name that is too long", "POST", MAPS + DRY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a" * 300}}, None),
    ("a namespace of 64", "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a" * 64}}, None),
    ("a namespace with a dot", "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a.b"}}, None),
    ("a service that starts with a digit", "POST", SERVICES + DRY, service(80).replace('"s"', '"1s"'), None),
    ("a service of 64", "POST", SERVICES, service(80).replace('"s"', '"%s"' % ("s" * 64)), None),
    ("a namespace that is not there", "POST", "/api/v1/namespaces/nowhere/configmaps", named("x"), None),
    ("another namespace than the path's", "POST", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "other"}}, None),
    ("a resourceVersion on create", "POST", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "resourceVersion": "1"}}, None),
    ("an update without a name", "PUT", ONE, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{}}', None),
    ("an update that creates a name that is no UTF-8", "PUT", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/a%ff",
     '{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{}}', None),
    ("another name than the path's", "PUT", ONE, named("other"), None),
    ("a label value of 64", "POST", MAPS, labelled({"a": "b" * 64}), None),
    ("a label value with a blank", "POST", MAPS, labelled({"a": "b c"}), None),
    ("a label value that ends in -", "POST", MAPS, labelled({"a": "b-"}), None),
    ("a label value that is a number", "POST", MAPS, labelled({"a": 1}), None),
    ("a label value that is null", "POST", MAPS + DRY, labelled({"a": None}), None),
    ("a label key with two slashes", "POST", MAPS, labelled({"a/b/c": "d"}), None),
    ("an empty label key", "POST", MAPS, labelled({"": "d"}), None),
    ("a label key with an upper case prefix", "POST", MAPS, labelled({"A.b/c": "d"}), None),
    ("a label key of 64", "POST", MAPS, labelled({"a" * 64: "d"}), None),
    ("a label prefix of 254", "POST", MAPS, labelled({"a" * 254 + "/b": "d"}), None),
    ("labels that are a list", "POST", MAPS, labelled(["a"]), None),
    ("an annotation key with a blank", "POST", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "annotations": {"a b": "c"}}}, None),
    ("a finalizer without a domain", "POST", MAPS + DRY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "finalizers": ["a b"]}}, None),
    ("an owner without a name", "POST", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod"}]}}, None),
    ("two controllers", "POST", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "ownerReferences": [
        {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "1", "controller": True},
        {"apiVersion": "v1", "kind": "Pod", "name": "b", "uid": "2", "controller": True}]}}, None),
    ("a key of data with a slash", "POST", MAPS, raw_map(',"data":{"a/b":"c"}'), None),
    ("a key of data that is ..", "POST", MAPS, raw_map(',"data":{"..":"c"}'), None),
    ("the same key in data and binaryData", "POST", MAPS, raw_map(',"data":{"a":"c"},"binaryData":{"a":"YQ=="}'), None),
    ("binary data that is no base64", "POST", MAPS, raw_map(',"binaryData":{"a":"*"}'), None),
    ("metadata that is a string", "POST", MAPS, '{"apiVersion":"v1","kind":"ConfigMap","metadata":"x"}', None),
    ("metadata that is null", "POST", MAPS, '{"apiVersion":"v1","kind":"ConfigMap","metadata":null}', None),
    ("a time that is none", "POST", MAPS, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","creationTimestamp":"yesterday"}}', None),
]

NUMBERS = [
    ("a port of 0", "POST", SERVICES, service(0), None),
    ("a port of 65536", "POST", SERVICES, service(65536), None),
    ("a negative port", "POST", SERVICES, service(-1), None),
    ("a port beyond int32", "POST", SERVICES, service(2147483648), None),
    ("a port beyond int64", "POST", SERVICES, service("9223372036854775808"), None),
    ("a port that is a float", "POST", SERVICES, service("80.5"), None),
    ("a port that is a whole float", "POST", SERVICES + DRY, service("80.0"), None),
    ("a port with an exponent", "POST", SERVICES + DRY, service("8e1"), None),
    ("a port that is a string", "POST", SERVICES, service('"80"'), None),
    ("a port with 400 digits", "POST", SERVICES, service("9" * 400), None),
    ("negative replicas", "POST", DEPLOYMENTS, deployment(-1), None),
    ("replicas beyond int32", "POST", DEPLOYMENTS, deployment(4294967296), None),
    ("replicas of 1e400", "POST", DEPLOYMENTS, deployment("1e400"), None),
    ("replicas of -0", "POST", DEPLOYMENTS + DRY, deployment("-0"), None),
    ("replicas that are true", "POST", DEPLOYMENTS, deployment("true"), None),
    ("replicas that are null", "POST", DEPLOYMENTS + DRY, deployment("null"), None),
    ("a generation beyond int64", "POST", MAPS, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","generation":92233720368547758070}}', None),
    ("a quantity that is none", "POST", PODS, pod(container=',"resources":{"limits":{"cpu":"many"}}'), None),
    ("a negative quantity", "POST", PODS, pod(container=',"resources":{"limits":{"cpu":"-1"}}'), None),
    ("a quantity with two units", "POST", PODS, pod(container=',"resources":{"limits":{"memory":"1KiMi"}}'), None),
    ("a priority beyond int32", "POST", PODS, pod(spec=',"priority":3000000000'), None),
    ("an active deadline of 0", "POST", PODS, pod(spec=',"activeDeadlineSeconds":0'), None),
    ("an active deadline beyond int32", "POST", PODS, pod(spec=',"activeDeadlineSeconds":2147483648'), None),
    ("a negative grace period", "POST", PODS + DRY, pod(spec=',"terminationGracePeriodSeconds":-1'), None),
    ("a probe's port of 70000", "POST", PODS, pod(container=',"livenessProbe":{"tcpSocket":{"port":70000}}'), None),
    ("an int-or-string beyond int32", "POST", PODS, pod(container=',"livenessProbe":{"tcpSocket":{"port":4294967376}}'), None),
    ("a user beyond int64", "POST", PODS, pod(spec=',"securityContext":{"runAsUser":9223372036854775808}'), None),
    ("a negative user", "POST", PODS, pod(spec=',"securityContext":{"runAsUser":-1}'), None),
]

GROUPS = {"bodies": BODIES, "patches": PATCHES, "types": TYPES, "paths": PATHS, "queries": QUERIES, "names": NAMES,
          "numbers": NUMBERS}

# Where Coxswain answers something else on purpose, and why.
DIFFERENT = {
    # The limit is 1,000 levels here and 10,000 there.
    "bodies: 1,001 levels": {"code": 400, "reason": "BadRequest"},
    # One document is asked for; the others would be dropped without a word.
    "bodies: two YAML documents": {"code": 400, "reason": "BadRequest"},
    # Never two readings of one path: an encoded slash is no separator.
    "paths: an encoded slash before the resource": {"code": 404, "reason": "NotFound"},
    "paths: .. as a name": {"code": 404, "reason": "NotFound"},
    # There the HTTP library answers, in plain text.
    "paths: a bad escape": {"code": 400, "reason": "BadRequest"},
    "paths: half an escape": {"code": 400, "reason": "BadRequest"},
}


def send(endpoint, case):
    _, method, path, body, headers = case
    return endpoint.ask(method, path, body, headers)


def prepare(endpoint):
    """The one object that the cases speak of."""
    endpoint.ask("POST", MAPS, named("subject"))
