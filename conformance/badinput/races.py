"""Many at once: for each race what must hold however it goes."""
import collections
import threading

import api

NS = "/api/v1/namespaces/default"
MAPS = NS + "/configmaps"
THREADS = 16


def together(count, work):
    """work(i) in `count` threads that begin at the same time; their results in order. An exception is raised here."""
    gate, results = threading.Barrier(count), [None] * count

    def one(i):
        gate.wait()
        try:
            results[i] = work(i)
        except Exception as why:  # pylint: disable=broad-except
            results[i] = why
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def same_name(cluster, tally):
    connections = [api.Connection(cluster.admin) for _ in range(THREADS)]
    found = collections.Counter()
    for i in range(20):
        codes = together(THREADS, lambda t, i=i: connections[t].ask("POST", MAPS, api.config_map("same-%d" % i)).code)
        found[tuple(sorted(codes))] += 1
    tally.equal(found, {tuple([201] + [409] * (THREADS - 1)): 20}, "of many who create one name exactly one does")
    for i in range(20):
        codes = together(THREADS, lambda t, i=i: connections[t].ask("DELETE", MAPS + "/same-%d" % i).code)
        found["d"] += codes.count(200) != 1 or codes.count(404) != THREADS - 1
    tally.equal(found["d"], 0, "of many who delete one object exactly one does")
    for connection in connections:
        connection.close()


def counting(cluster, tally):
    """Optimistic concurrency: no update is lost."""
    cluster.admin.ask("POST", MAPS, api.config_map("count", {"n": "0"}))
    rounds = 10

    def work(_):
        connection, conflicts = api.Connection(cluster.admin), 0
        for _ in range(rounds):
            while True:
                now = connection.ask("GET", MAPS + "/count").json()
                now["data"]["n"] = str(int(now["data"]["n"]) + 1)
                code = connection.ask("PUT", MAPS + "/count", now).code
                if code == 200:
                    break
                assert code == 409, code
                conflicts += 1
        connection.close()
        return conflicts
    together(8, work)
    tally.equal(cluster.admin.ask("GET", MAPS + "/count").json()["data"]["n"], str(8 * rounds), "no update is lost")

    def patch(i):
        return cluster.admin.ask("PATCH", MAPS + "/count", {"data": {"p%d" % i: "x"}},
                                 {"Content-Type": "application/merge-patch+json"}).code
    tally.equal(together(THREADS, patch), [200] * THREADS, "patches of different keys do not conflict")
    data = cluster.admin.ask("GET", MAPS + "/count").json()["data"]
    tally.equal(sorted(k for k in data if k[0] == "p"), sorted("p%d" % i for i in range(THREADS)), "and none is lost")


def generated(cluster, tally):
    def work(_):
        connection = api.Connection(cluster.admin)
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "gen-"}}
        answers = [connection.ask("POST", MAPS, body) for _ in range(50)]
        connection.close()
        return [(a.code, a.json().get("metadata", {}).get("name")) for a in answers]
    pairs = [pair for result in together(8, work) for pair in result]
    tally.equal({code for code, _ in pairs}, {201}, "generated names do not collide")
    tally.equal(len({name for _, name in pairs}), 400, "each is another")


def namespace_ends(cluster, tally):
    """Objects are created in a namespace while it is deleted: after the deletion was answered none comes to be."""
    late = strange = 0
    for i in range(10):
        name = "ends-%d" % i
        cluster.admin.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        maps, deleted = "/api/v1/namespaces/%s/configmaps" % name, threading.Event()

        def work(t, name=name, maps=maps, deleted=deleted):
            connection, seen = api.Connection(cluster.admin), []
            if t == 0:
                code = connection.ask("DELETE", "/api/v1/namespaces/" + name).code
                deleted.set()
                return [(None, code)]
            for n in range(30):
                after = deleted.is_set()
                answer = connection.ask("POST", maps, api.config_map("m-%d-%d" % (t, n)))
                causes = (answer.json().get("details") or {}).get("causes") or [{}]
                seen.append((after, answer.code, causes[0].get("reason")))
            connection.close()
            return seen
        for entry in [e for result in together(6, work) for e in result]:
            if entry[0] is None:
                strange += entry[1] != 200
            else:
                late += entry[0] and entry[1] == 201
                strange += (entry[1], entry[2]) not in ((201, None), (403, "NamespaceTerminating"), (404, None))
    tally.equal(late, 0, "a namespace that is deleted takes no new objects")
    tally.equal(strange, 0, "and says why")


def addresses(cluster, tally):
    services = NS + "/services"

    def work(i):
        connection = api.Connection(cluster.admin)
        got = []
        for n in range(15):
            name = "svc-%d-%d" % (i, n)
            answer = connection.ask("POST", services, {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"type": "NodePort", "ports": [{"port": 80}]}})
            assert answer.code == 201, answer.body
            spec = answer.json()["spec"]
            got.append((spec["clusterIP"], spec["ports"][0]["nodePort"]))
            if n % 3 == 0:
                assert connection.ask("DELETE", services + "/" + name).code == 200
        connection.close()
        return got
    together(8, work)
    now = [s["spec"] for s in cluster.admin.ask("GET", services).json()["items"]]
    ips = [s["clusterIP"] for s in now]
    ports = [p["nodePort"] for s in now for p in s["ports"] if "nodePort" in p]
    tally.equal((len(set(ips)), len(set(ports))), (len(ips), len(ports)), "no two services have one address or port")

    def claim(i):
        return cluster.admin.ask("POST", services, {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "claim-%d" % i},
            "spec": {"type": "NodePort", "clusterIP": "10.96.0.77", "ports": [{"port": 80, "nodePort": 30077}]}}).code
    codes = sorted(together(THREADS, claim))
    tally.equal(codes, [201] + [422] * (THREADS - 1), "an address that many ask for is one's")
    for i in range(THREADS):
        cluster.admin.ask("DELETE", services + "/claim-%d" % i)
    tally.equal(claim(99), 201, "and is free again when that one is gone")


def run(cluster, tally):
    pid = cluster.pid()
    for part in (same_name, counting, generated, namespace_ends, addresses):
        part(cluster, tally)
    tally.equal(cluster.pid(), pid, "the server is still the one that was started")
