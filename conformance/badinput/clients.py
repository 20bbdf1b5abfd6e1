"""Clients that are slow, vanish, sit idle, or never read: none of them may cost the others anything."""
import http.client
import json
import resource
import socket
import ssl
import struct
import threading
import time

import api

NS = "/api/v1/namespaces/default"
MAPS = NS + "/configmaps"
IDLE = 2000      # connections; more where the limit of open files allows it
BIG = "x" * 100000
OBJECTS = 300    # of BIG bytes: a list of 30 MB


def seconds(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def calm(cluster):
    """What a well-behaved client sees: seconds for 20 writes and reads."""
    connection = api.Connection(cluster.admin)

    def work():
        for i in range(20):
            name = "calm-%d-%d" % (time.monotonic_ns(), i)
            assert connection.ask("POST", MAPS, api.config_map(name)).code == 201
            assert connection.ask("GET", MAPS + "/" + name).code == 200
            assert connection.ask("DELETE", MAPS + "/" + name).code == 200
    took = seconds(work)
    connection.close()
    return took


def vanish(sock):
    """Leaves without a word: a reset, not a close."""
    raw = sock.detach() if isinstance(sock, ssl.SSLSocket) else None
    plain = socket.socket(fileno=raw) if raw is not None else sock
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.close()


def vanishing(cluster, tally):
    admin = cluster.admin
    body = json.dumps(api.config_map("half", {"a": BIG})).encode()
    whole = admin.head("POST", MAPS, {"Content-Type": "application/json"}, body) + body
    for cut in (1, 20, len(whole) - len(body), len(whole) - 10):
        for _ in range(10):
            sock = admin.connect()
            sock.sendall(whole[:cut])
            vanish(sock)
    tally.equal(admin.ask("GET", MAPS + "/half").code, 404, "half a request does nothing")
    for _ in range(30):  # right after the request, before the answer
        sock = admin.connect()
        sock.sendall(admin.head("GET", MAPS + "?watch=1"))
        vanish(sock)
        sock = admin.connect()
        sock.sendall(admin.head("GET", MAPS))
        vanish(sock)
    for _ in range(30):  # during the handshake
        raw = socket.create_connection(("127.0.0.1", cluster.port))
        raw.sendall(b"\x16\x03\x01\x02\x00\x01")
        vanish(raw)
    tally.ok(api.eventually(lambda: connections(cluster) <= 2), "those who vanish are forgotten", connections(cluster))
    tally.equal(admin.ask("GET", "/readyz").code, 200, "and the server is ready")


def metric(cluster, name):
    for line in cluster.admin.ask("GET", "/metrics").body.decode().splitlines():
        if line.startswith(name):
            return float(line.rsplit(" ", 1)[1])
    return None


def connections(cluster):
    return metric(cluster, "coxswain_http_connections")


def idle(cluster, tally):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(IDLE, hard - 200)
    before = cluster.memory()
    sitting = []
    try:
        for i in range(count):
            sitting.append(socket.create_connection(("127.0.0.1", cluster.port)) if i % 4 else cluster.admin.connect())
        took = calm(cluster)
        tally.ok(connections(cluster) >= count, "%d connections sit idle" % count, connections(cluster))
        tally.ok(took < 10, "and a client beside them is served", "%.2f s" % took)
        per = (cluster.memory() - before) / count
        tally.ok(per < 100 * 1024, "at less than 100 KiB each", "%d bytes" % per)
    finally:
        for sock in sitting:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    tally.ok(api.eventually(lambda: connections(cluster) < 10), "they are forgotten when they close", connections(cluster))


def trickle(cluster, tally):
    """A body of one byte now and then, by many, while others work."""
    admin = cluster.admin
    body = json.dumps(api.config_map("trickled")).encode()
    socks = [admin.connect() for _ in range(100)]
    for sock in socks:
        sock.sendall(admin.head("POST", MAPS, {"Content-Type": "application/json"}, body))
    stop = threading.Event()

    def drip():
        for byte in body[:-1]:
            for sock in socks:
                sock.sendall(bytes([byte]))
            if stop.wait(0.01):
                return
    thread = threading.Thread(target=drip)
    thread.start()
    took = calm(cluster)
    thread.join()
    tally.ok(took < 10, "bodies that trickle hold nobody up", "%.2f s" % took)
    for sock in socks:
        sock.sendall(body[-1:])
    codes = sorted(api.read_answer(sock).code for sock in socks)
    for sock in socks:
        sock.close()
    tally.equal(codes, [201] + [409] * (len(socks) - 1), "and are answered when they are whole")


def fill(cluster, count):
    connection = api.Connection(cluster.admin)
    for i in range(count):
        answer = connection.ask("POST", MAPS, api.config_map("big-%d" % i, {"a": BIG}, labels={"big": "yes"}))
        assert answer.code in (201, 409), answer.code
    connection.close()


def narrow(endpoint):
    """A connection that can take few bytes."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(api.PATIENCE)
    raw.connect(("127.0.0.1", endpoint.port))
    return endpoint.context.wrap_socket(raw, server_hostname="localhost")


def slow_lists(cluster, tally):
    fill(cluster, OBJECTS)
    cluster.admin.ask("GET", MAPS)  # what a list costs at all
    before = cluster.memory()
    socks = [narrow(cluster.admin) for _ in range(20)]
    for sock in socks:
        sock.sendall(cluster.admin.head("GET", MAPS))
        assert sock.recv(1)
    took = calm(cluster)
    grown = cluster.memory() - before
    tally.ok(took < 10, "20 who read a list of 30 MB slowly hold nobody up", "%.2f s" % took)
    tally.ok(grown < 100 * MIB, "and cost little memory", "%.1f MB" % (grown / 1e6))
    whole = b""
    while chunk := socks[0].recv(1 << 16):
        whole += chunk
        if whole.endswith(b"\r\n0\r\n\r\n"):
            break
    tally.equal(whole.count(b'"name":"big-'), OBJECTS, "the list is whole when it is read after all")
    for sock in socks:
        sock.close()


MIB = 1 << 20


def read_late(endpoint, sock, version, last):
    """Reads a watch to the event that holds `last`; one that ends is begun again where it ended, as clients do."""
    for resumed in range(100):
        response = http.client.HTTPResponse(sock)
        response.begin()
        while line := response.readline():
            event = json.loads(line)
            version = event["object"]["metadata"]["resourceVersion"]
            if last in json.dumps(event, separators=(",", ":")):
                sock.close()
                return resumed, True
        sock.close()
        sock = endpoint.connect()
        sock.sendall(endpoint.head("GET", MAPS + "?watch=1&resourceVersion=" + version))
    return resumed, False


def deaf_watchers(cluster, tally):
    """Watches that are never read, beside one that is."""
    admin = cluster.admin
    version = admin.ask("GET", MAPS + "?limit=1").json()["metadata"]["resourceVersion"]
    before = cluster.memory()
    deaf = [narrow(admin) for _ in range(50)]
    for sock in deaf:
        sock.sendall(admin.head("GET", MAPS + "?watch=1&resourceVersion=" + version))
    hearing = admin.connect()
    hearing.sendall(admin.head("GET", MAPS + "?watch=1&resourceVersion=" + version))
    connection = api.Connection(admin)
    rounds = 1500
    took = seconds(lambda: [connection.ask("PUT", MAPS + "/big-0", api.config_map("big-0", {"a": BIG, "n": str(i)}))
                            for i in range(rounds)])
    grown = cluster.memory() - before
    tally.ok(took < 60, "50 watchers that never read slow no writer", "%d updates in %.1f s" % (rounds, took))
    tally.ok(grown < 150 * MIB, "nor do they hold 150 MB of events", "%.1f MB" % (grown / 1e6))
    last = '"n":"%d"' % (rounds - 1)
    resumed, told = read_late(admin, hearing, version, last)
    tally.ok(told, "one who reads late is told all in the end", "it came again %d times" % resumed)
    for sock in deaf:
        sock.close()
    connection.close()
    tally.ok(api.eventually(lambda: metric(cluster, "apiserver_registered_watchers") == 0), "all watches are gone",
             metric(cluster, "apiserver_registered_watchers"))


def run(cluster, tally):
    pid = cluster.pid()
    for part in (vanishing, idle, trickle, slow_lists, deaf_watchers):
        part(cluster, tally)
    tally.equal(cluster.pid(), pid, "the server is still the one that was started")
