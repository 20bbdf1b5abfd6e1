"""An extension API server for tests: says what it was asked, or misbehaves as the resource's name says."""
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GROUP = "echo.test"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "extension"

    def log_message(self, *args):
        pass

    def send_json(self, body, code=200):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def peer(self):
        cert = self.connection.getpeercert() or {}
        return next((v for rdn in cert.get("subject", ()) for k, v in rdn if k == "commonName"), "")

    def echo(self, body):
        self.send_json({"method": self.command, "path": self.path, "headers": [[k.lower(), v] for k, v in self.headers.items()],
                        "body": body.decode(errors="replace"), "peer": self.peer()})

    def discovery(self):
        resources = [{"name": "echoes", "singularName": "echo", "namespaced": True, "kind": "Echo", "verbs": ["get", "list"]}]
        self.send_json({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP + "/v1", "resources": resources})

    def aggregated(self):
        entry = {"version": "v1", "freshness": "Stale", "resources": [
            {"resource": "echoes", "responseKind": {"group": GROUP, "version": "v1", "kind": "Echo"}, "scope": "Namespaced",
             "singularResource": "echo", "verbs": ["get", "list"]}]}
        lie = {"version": "v1", "resources": [{"resource": "deployments", "verbs": ["get"], "scope": "Namespaced",
                                               "responseKind": {"group": "apps", "version": "v1", "kind": "Lie"}}]}
        self.send_json({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": [
            {"metadata": {"name": "apps"}, "versions": [lie]}, {"metadata": {"name": GROUP}, "versions": [entry]}]})

    def streams(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json;stream=watch")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(1000000):
            line = json.dumps({"type": "ADDED", "object": {"n": i}}).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            if self.server.stop.wait(0.02):
                break

    def floods(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        line = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        self.server.flooded = 0
        while self.server.flooded < 1 << 30:
            self.wfile.write(line)
            self.server.flooded += 65536

    def halves(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b'{"half":')
        self.close_connection = True

    def stream_halves(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"7\r\nsomeany\r\n64\r\nhalf")
        self.close_connection = True

    def upgrades(self):
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Peer: %s\r\n"
                         b"X-User: %s\r\n\r\n" % (self.peer().encode(), self.headers.get("X-Remote-User", "").encode()))
        self.wfile.flush()
        while True:
            data = self.connection.recv(65536)
            if not data:
                break
            self.connection.sendall(data)
        self.close_connection = True

    def redirects(self):
        self.send_response(302)
        self.send_header("Location", "https://elsewhere.example.org/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def splits(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: 1\rX-Injected: 2\r\nContent-Length: 0\r\n\r\n")
        self.close_connection = True

    def hangs(self):
        self.server.stop.wait(60)

    def misbehave(self, name):
        table = {"streams": self.streams, "floods": self.floods, "halves": self.halves, "streamhalves": self.stream_halves,
                 "upgrades": self.upgrades, "redirects": self.redirects, "splits": self.splits, "hangs": self.hangs}
        if name in table:
            table[name]()
        return name in table

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        self.server.seen.append((self.command, self.path, dict(self.headers.items())))
        if self.server.discovery_hangs.is_set() and path.strip("/").count("/") < 3:
            self.server.stop.wait(60)
        elif path == "/apis/%s/v1" % GROUP:
            self.discovery()
        elif path == "/apis":
            self.aggregated()
        elif path.startswith("/openapi"):
            self.send_json({}, 404)
        elif not self.misbehave(path.split("/")[-1]):
            self.echo(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = serve


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass

    def finish_request(self, request, address):
        request.do_handshake()
        super().finish_request(request, address)


def start(cert, key, client_ca, host="127.0.0.1"):
    server = Server((host, 0), Handler)
    server.stop, server.discovery_hangs, server.seen, server.flooded = threading.Event(), threading.Event(), [], 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
