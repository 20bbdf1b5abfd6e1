"""A raw HTTPS client and a cluster of one's own: what all parts of this suite lean on. Python's library only."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("COXSWAIN_BIN") or os.path.join(ROOT, "build", "bin")
PATIENCE = 30  # seconds; a sanitized server is slow


class Answer:
    def __init__(self, code, headers, body):
        self.code, self.headers, self.body = code, headers, body

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    def status(self):
        """What a client decides by: code, reason and causes."""
        document = self.json()
        if not isinstance(document, dict) or document.get("kind") != "Status":
            return {"code": self.code}
        details = document.get("details") or {}
        shown = {"code": self.code, "reason": document.get("reason", "")}
        causes = [[c.get("reason", ""), c.get("field", "")] for c in details.get("causes") or []]
        if causes:
            shown["causes"] = causes
        return shown


class Endpoint:
    """Where a server is and how one speaks to it."""

    def __init__(self, port, ca=None, cert=None, key=None, headers=None):
        self.port, self.headers = port, dict(headers or {})
        self.context = ssl.create_default_context(cafile=ca) if ca else ssl._create_unverified_context()
        self.context.set_alpn_protocols(["http/1.1"])
        if cert:
            self.context.load_cert_chain(cert, key)

    def connect(self, timeout=PATIENCE):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        return self.context.wrap_socket(raw, server_hostname="localhost")

    def head(self, method, path, headers=None, body=None):
        """The bytes of a request's head; nothing is checked or escaped."""
        lines = {"Host": "localhost", "Accept": "application/json", "User-Agent": "badinput"}
        lines.update(self.headers)
        lines.update(headers or {})
        if body is not None and "Content-Length" not in lines and "Transfer-Encoding" not in lines:
            lines["Content-Length"] = str(len(body))
        text = "%s %s HTTP/1.1\r\n" % (method, path)
        text += "".join("%s: %s\r\n" % pair for pair in lines.items() if pair[1] is not None)
        return (text + "\r\n").encode("latin-1")

    def ask(self, method, path, body=None, headers=None, timeout=PATIENCE):
        """One request on a connection of its own. None: the server closed it without an answer."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogateescape")
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        with self.connect(timeout) as sock:
            try:
                sock.sendall(self.head(method, path, headers, body) + (body or b""))
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                pass  # refused before the end of the body: the answer may be there already
            return read_answer(sock, method)


def read_answer(sock, method="GET"):
    response = http.client.HTTPResponse(sock, method=method)
    try:
        response.begin()
        return Answer(response.status, response.headers, response.read())
    except (http.client.HTTPException, ConnectionError, ssl.SSLError, OSError) as why:
        if isinstance(why, socket.timeout):
            raise
        return None


class Connection:
    """A connection that is kept: for loads. Not for two threads at once."""

    def __init__(self, endpoint):
        self.endpoint, self.sock = endpoint, endpoint.connect()

    def ask(self, method, path, body=None, headers=None):
        body = json.dumps(body).encode() if body is not None else None
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        self.sock.sendall(self.endpoint.head(method, path, headers, body) + (body or b""))
        return read_answer(self.sock, method)

    def close(self):
        self.sock.close()


class Cluster:
    """A cluster of `coxswain up`, in a folder of its own. Ends with close()."""

    def __init__(self, level="warn"):
        self.level = level
        self.dir = tempfile.mkdtemp(prefix="coxswain-badinput-")
        self.data = os.path.join(self.dir, "data")
        self.env = dict(os.environ, HOME=self.dir)
        try:
            self.start("127.0.0.1:0")
        except Exception:
            self.close()
            raise

    def launcher(self, *args):
        return subprocess.run([os.path.join(BIN, "coxswain"), *args, "--data-dir", self.data], env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)

    def start(self, listen):
        done = self.launcher("up", "--detach", "--parts", "apiserver", "--log-level", self.level, "--listen", listen)
        if done.returncode:
            raise RuntimeError("up failed: " + done.stdout + done.stderr)
        with open(os.path.join(self.data, "kubeconfig")) as file:
            self.port = int(re.search(r"server: https://[^:]+:(\d+)", file.read()).group(1))
        self.admin = self.endpoint("admin")

    def endpoint(self, user=None, headers=None):
        cert = self.pki(user + ".crt") if user else None
        return Endpoint(self.port, self.pki("ca.crt"), cert, self.pki(user + ".key") if user else None, headers)

    def pki(self, name):
        return os.path.join(self.data, "pki", name)

    def make_user(self, file, name, groups=()):
        """A client certificate of the cluster's authority."""
        subject = "".join("/O=" + g for g in groups) + "/CN=" + name
        key, request, cert = (os.path.join(self.data, "pki", file + end) for end in (".key", ".csr", ".crt"))
        options = os.path.join(self.dir, "client.ext")
        with open(options, "w") as out:
            out.write("extendedKeyUsage=clientAuth\n")
        for command in (["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                         "-keyout", key, "-out", request, "-subj", subject],
                        ["openssl", "x509", "-req", "-in", request, "-CA", self.pki("ca.crt"), "-CAkey",
                         self.pki("ca.key"), "-CAcreateserial", "-out", cert, "-days", "1", "-extfile", options]):
            subprocess.run(command, check=True, capture_output=True)
        return self.endpoint(file)

    def pid(self):
        """Of the API server; None when it does not run."""
        for line in self.launcher("status").stdout.splitlines():
            words = line.split()
            if words[:1] == ["apiserver"] and len(words) > 2 and words[2].isdigit():
                return int(words[2])
        return None

    def memory(self):
        """Anonymous resident bytes of the API server."""
        with open("/proc/%d/status" % self.pid()) as file:
            return int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1)) * 1024

    def stop(self):
        return self.launcher("down")

    def log(self):
        try:
            with open(os.path.join(self.data, "logs", "apiserver.log"), errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def close(self):
        self.launcher("down")
        shutil.rmtree(self.dir, ignore_errors=True)


def eventually(check, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def config_map(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": dict(metadata, name=name), "data": data or {}}


def signal_process(pid, name):
    os.kill(pid, getattr(signal, name))
