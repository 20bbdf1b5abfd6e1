"""The end under load: what was acknowledged stays, watches end well, certificates are read again."""
import http.client
import json
import os
import shutil
import ssl
import threading
import time

import api

MAPS = "/api/v1/namespaces/default/configmaps"
WRITERS, WATCHES, GRACE = 32, 100, 10


def write_until_refused(endpoint, i, acknowledged, stop):
    """Creates objects; notes the names that were answered 201."""
    try:
        connection = api.Connection(endpoint)
        for n in range(1_000_000):
            name = "w-%d-%d" % (i, n)
            answer = connection.ask("POST", MAPS, api.config_map(name, {"n": "x" * 500}))
            if answer is None:
                return
            if answer.code == 201:
                acknowledged.append(name)
            if stop.is_set() or answer.code != 201:
                return
    except (OSError, http.client.HTTPException):
        pass


class Watch(threading.Thread):
    """Reads one watch to its end: `whole` when it ended as a chunked answer ends, `names` in order."""

    def __init__(self, endpoint):
        super().__init__()
        self.sock = endpoint.connect()
        self.sock.sendall(endpoint.head("GET", MAPS + "?watch=1"))
        self.names, self.whole, self.code = [], False, None
        self.response = http.client.HTTPResponse(self.sock)
        self.response.begin()
        self.start()

    def run(self):
        try:
            while line := self.response.readline():
                event = json.loads(line)
                if event["type"] == "ADDED":
                    self.names.append(event["object"]["metadata"]["name"])
                self.code = event["object"].get("code", self.code) if event["type"] == "ERROR" else self.code
            self.whole = self.response.isclosed() or self.response.chunk_left in (None, 0)
        except (OSError, ValueError, http.client.HTTPException):
            self.whole = False
        self.sock.close()


def under_load(cluster, tally):
    watches = [Watch(cluster.admin) for _ in range(WATCHES)]
    acknowledged, stop = [], threading.Event()
    writers = [threading.Thread(target=write_until_refused, args=(cluster.admin, i, acknowledged, stop))
               for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    api.eventually(lambda: len(acknowledged) >= 500)
    before, port, began = len(acknowledged), cluster.port, time.monotonic()
    done = cluster.stop()
    took = time.monotonic() - began
    stop.set()
    for thread in writers + watches:
        thread.join(api.PATIENCE)
    tally.ok(before >= 500, "%d writers and %d watches are at work" % (WRITERS, WATCHES), before)
    tally.equal(done.returncode, 0, "the cluster goes down when told")
    tally.ok(took < GRACE + 2, "within its time", "%.1f s" % took)
    with open(os.path.join(cluster.data, "logs", "coxswain.log"), errors="replace") as file:
        ended = [line for line in file if "ended with" in line]
    tally.ok(len(ended) == 1 and "code 0" in ended[0], "the server ends with code 0", *ended)
    tally.equal(sum(w.is_alive() for w in watches), 0, "all watches end")
    tally.equal(sum(not w.whole for w in watches), 0, "as a whole answer does, not cut off")
    cluster.start("127.0.0.1:%d" % port)
    there = {o["metadata"]["name"] for o in cluster.admin.ask("GET", MAPS).json()["items"]}
    tally.equal(sorted(set(acknowledged) - there)[:5], [], "all of %d acknowledged writes are there" % len(acknowledged))
    unknown = len(there) - len(set(acknowledged) & there)
    tally.ok(unknown <= WRITERS + 1, "and at most one more of each writer", unknown)
    for watch in watches[:1]:
        tally.equal(len(watch.names), len(set(watch.names)), "a watch saw none of them twice")


def killed(cluster, tally):
    """No time to say goodbye."""
    acknowledged, stop = [], threading.Event()
    endpoint = cluster.admin
    writers = [threading.Thread(target=write_until_refused, args=(endpoint, i + 1000, acknowledged, stop)) for i in range(8)]
    for writer in writers:
        writer.start()
    api.eventually(lambda: len(acknowledged) >= 200)
    pid = cluster.pid()
    api.signal_process(pid, "SIGKILL")
    stop.set()
    for writer in writers:
        writer.join(api.PATIENCE)
    tally.ok(api.eventually(lambda: cluster.pid() not in (None, pid) and ready(endpoint)), "a killed server is started again")
    there = {o["metadata"]["name"] for o in endpoint.ask("GET", MAPS).json()["items"]}
    tally.equal(sorted(set(acknowledged) - there)[:5], [], "all of %d acknowledged writes are there" % len(acknowledged))


def ready(endpoint):
    try:
        return endpoint.ask("GET", "/readyz", timeout=5).code == 200
    except OSError:
        return False


def serial(cluster):
    with cluster.endpoint().connect() as sock:
        return ssl.DER_cert_to_PEM_cert(sock.getpeercert(binary_form=True))


def reload(cluster, tally):
    """SIGHUP: another certificate for new connections, the old ones go on; a broken file changes nothing."""
    other = api.Cluster()
    try:
        crt, key = cluster.pki("apiserver.crt"), cluster.pki("apiserver.key")
        shutil.copy(crt, crt + ".old")
        shutil.copy(key, key + ".old")
        first, pid = serial(cluster), cluster.pid()
        old = api.Connection(cluster.admin)
        shutil.copy(other.pki("apiserver.crt"), crt)
        shutil.copy(other.pki("apiserver.key"), key)
        with open(other.pki("apiserver.crt")) as file:
            wanted = file.read()
    finally:
        other.close()
    cluster.endpoint_ca = None

    def now():
        with api.Endpoint(cluster.port).connect() as sock:
            return ssl.DER_cert_to_PEM_cert(sock.getpeercert(binary_form=True))
    api.signal_process(pid, "SIGHUP")
    tally.ok(api.eventually(lambda: now() != first), "SIGHUP brings another certificate")
    tally.ok(now().strip() in wanted, "the one in the file")
    tally.equal(old.ask("GET", "/version").code, 200, "a connection from before goes on")
    old.close()
    second = now()
    with open(key, "w") as file:
        file.write("nonsense\n")
    log = len(cluster.log())
    api.signal_process(pid, "SIGHUP")
    tally.ok(api.eventually(lambda: "certificates not read" in cluster.log()[log:]), "a broken key is told of")
    tally.equal(now(), second, "and the certificate stays")
    os.replace(crt + ".old", crt)
    os.replace(key + ".old", key)
    api.signal_process(pid, "SIGHUP")
    tally.ok(api.eventually(lambda: now() == first), "the first one comes back")
    tally.equal(cluster.pid(), pid, "all this without a restart")


def run(cluster, tally):
    under_load(cluster, tally)
    reload(cluster, tally)
    killed(cluster, tally)
