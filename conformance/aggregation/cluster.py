"""A cluster of our own, the extension servers beside it, and clients for both."""
import atexit
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

BIN, KUBECTL = os.environ["COXSWAIN_BIN"], os.environ["KUBECTL_1_37"]


def wait_for(what, seconds=60):
    """The first true answer; the last answer when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got or time.monotonic() > end:
            return got
        time.sleep(0.05)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cluster:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="coxswain-aggregation-")
        self.data, self.config = self.dir + "/data", self.dir + "/kubeconfig"
        self.children = []
        atexit.register(self.end)
        subprocess.run([BIN + "/coxswain", "up", "--detach", "--parts", "apiserver", "--data-dir", self.data, "--listen", "127.0.0.1:0",
                        "--kubeconfig", self.config], check=True, stdout=subprocess.DEVNULL)
        with open(self.config) as f:
            self.server = next(line.split()[1] for line in f if line.strip().startswith("server:"))
        self.host, port = self.server[len("https://"):].rsplit(":", 1)
        self.port = int(port)

    def end(self):
        for child in self.children:
            child.send_signal(signal.SIGKILL)
            child.wait()
        subprocess.run([BIN + "/coxswain", "down", "--data-dir", self.data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def pki(self, name):
        return "%s/pki/%s" % (self.data, name)

    def start(self, name, *command):
        with open("%s/%s.log" % (self.dir, name), "ab") as log:
            child = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.dir)
        self.children.append(child)
        return child

    def stop(self, child):
        child.kill()
        child.wait()
        self.children.remove(child)

    def log(self, name):
        with open("%s/%s.log" % (self.dir, name), errors="replace") as f:
            return f.read()[-2000:]

    def kubectl(self, *args, given=None, user=None):
        config = self.config if not user else self.users(user)
        done = subprocess.run([KUBECTL, "--kubeconfig", config, "--cache-dir", self.dir + "/cache", *args], input=given,
                              capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def get(self, *args):
        code, out, _ = self.kubectl("get", *args, "-o", "json")
        return json.loads(out) if code == 0 else {}

    def apply(self, *objects):
        items = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        code, out, err = self.kubectl("apply", "-f", "-", given=items)
        assert code == 0, out + err

    # certificates

    def certificate(self, name, ca, *, subject, san=None, usage="serverAuth"):
        """A key and a certificate signed by <ca>.crt; paths."""
        base = "%s/%s" % (self.dir, name)
        ext = "extendedKeyUsage=%s\n" % usage + ("subjectAltName=%s\n" % san if san else "")
        with open(base + ".ext", "w") as f:
            f.write(ext)
        for command in (["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", base + ".key", "-out",
                         base + ".csr", "-subj", subject],
                        ["openssl", "x509", "-req", "-in", base + ".csr", "-CA", ca + ".crt", "-CAkey", ca + ".key", "-out", base + ".crt", "-days",
                         "2", "-extfile", base + ".ext", "-set_serial", str(time.time_ns())]):
            subprocess.run(command, check=True, capture_output=True)
        return base + ".crt", base + ".key"

    def authority(self, name):
        base = "%s/%s" % (self.dir, name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                        base + ".key", "-out", base + ".crt", "-days", "2", "-subj", "/CN=" + name], check=True, capture_output=True)
        return base

    def users(self, name):
        """The kubeconfig of a user without rights."""
        path = "%s/%s.kubeconfig" % (self.dir, name)
        if not os.path.exists(path):
            cert, key = self.certificate(name, self.pki("ca"), subject="/O=people/CN=" + name, usage="clientAuth")
            config = {"apiVersion": "v1", "kind": "Config", "current-context": "c",
                      "clusters": [{"name": "c", "cluster": {"server": self.server, "certificate-authority": self.pki("ca.crt")}}],
                      "users": [{"name": "u", "user": {"client-certificate": cert, "client-key": key}}],
                      "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}
            with open(path, "w") as f:
                json.dump(config, f)
        return path

    # plain HTTP

    def curl(self, path, *args, http="--http1.1", timeout=30):
        """(code, headers, body); code 0 when the answer was cut off."""
        headers = self.dir + "/headers"
        done = subprocess.run(["curl", "-s", http, "--path-as-is", "--max-time", str(timeout), "--cacert", self.pki("ca.crt"), "--cert",
                               self.pki("admin.crt"), "--key", self.pki("admin.key"), "-D", headers, *args, self.server + path],
                              capture_output=True)
        with open(headers) as f:
            lines = f.read().splitlines()
        code = int(lines[0].split()[1]) if done.returncode == 0 else 0
        return code, [line.lower() for line in lines[1:] if line], done.stdout.decode(errors="replace")

    def socket(self):
        context = ssl.create_default_context(cafile=self.pki("ca.crt"))
        context.load_cert_chain(self.pki("admin.crt"), self.pki("admin.key"))
        return context.wrap_socket(socket.create_connection((self.host, self.port), timeout=20), server_hostname=self.host)


def api_service(group, version, service, namespace="default", port=443, **spec):
    return {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "%s.%s" % (version, group)},
            "spec": {"group": group, "version": version, "groupPriorityMinimum": 1000, "versionPriority": 15,
                     "service": {"name": service, "namespace": namespace, "port": port}, **spec}}


def external_service(name):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
            "spec": {"type": "ExternalName", "externalName": "localhost"}}


def available(cluster, name):
    """(status, reason, message) of the condition, or Nones."""
    for c in cluster.get("apiservice", name).get("status", {}).get("conditions", []):
        if c["type"] == "Available":
            return c["status"], c.get("reason"), c.get("message")
    return None, None, None
