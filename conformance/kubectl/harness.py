"""What the scenarios are written with: a cluster to talk to, a kubectl of some version, claims about what it printed.

A scenario is a function with one argument, a Run. It has a namespace of its own and may use Run.unique in names of
cluster-wide objects, so scenarios run side by side. It fails by raising Failure, with all that kubectl said so far.
"""
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCENARIOS = []


class Failure(AssertionError):
    """A claim that does not hold."""


def scenario(claim, since=20, until=99):
    """Registers a function; `since` and `until` are the minor versions of kubectl that it is about: others do not run it."""
    def register(function):
        SCENARIOS.append((claim, since, until, function))
        return function
    return register


class Cluster:
    """A cluster of our own, or one that runs already when KUBECTL_CONFORMANCE_KUBECONFIG names its kubeconfig."""

    def __init__(self, folder):
        self.folder = folder
        self.kubeconfig = os.environ.get("KUBECTL_CONFORMANCE_KUBECONFIG")
        self.binary = None
        if not self.kubeconfig:
            self.binary = pathlib.Path(os.environ.get("COXSWAIN_BIN", ROOT / "build/bin")) / "coxswain"
            self.kubeconfig = str(folder / "kubeconfig")

    def start(self):
        if self.binary:
            done = subprocess.run([self.binary, "up", "--detach", "--parts", "apiserver", "--data-dir", self.folder / "data",
                                   "--listen", "127.0.0.1:0", "--kubeconfig", self.kubeconfig],
                                  capture_output=True, text=True, timeout=90)
            if done.returncode != 0:
                raise SystemExit(f"coxswain up: {done.stderr}{done.stdout}")

    def stop(self):
        if self.binary:
            subprocess.run([self.binary, "down", "--data-dir", self.folder / "data"], capture_output=True, timeout=60)


class Result:
    """What one kubectl said."""

    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err

    def __str__(self):
        text = f"$ kubectl {' '.join(self.args)}   -> {self.code}\n"
        return text + "".join(f"  {line}\n" for line in (self.out[-3000:] + self.err[-3000:]).splitlines())


class Run:
    """One scenario with one client."""

    def __init__(self, cluster, binary, minor, unique, folder):
        self.cluster, self.binary, self.minor = cluster, binary, minor
        self.unique = unique
        self.ns = f"s-{unique}"
        self.folder = folder
        self.log = []
        self.started = []

    # -- running kubectl

    def command(self, args):
        return [self.binary, "--kubeconfig", self.cluster.kubeconfig, "--cache-dir", str(self.folder.parent / f"cache-{self.minor}"),
                "-n", self.ns, *args]

    def environment(self, extra=None):
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "KUBECONFIG": "/dev/null", **(extra or {})}

    def kubectl(self, *args, stdin=None, env=None, timeout=60):
        args = [str(a) for a in args]
        if stdin and stdin.startswith("{") and "--raw" not in args:
            stdin = "---\n" + stdin  # kubectl takes what starts with a brace for JSON, and ours is often YAML
        try:
            done = subprocess.run(self.command(args), input=stdin, capture_output=True, text=True, timeout=timeout,
                                  env=self.environment(env), cwd=self.folder)
            result = Result(args, done.returncode, done.stdout, done.stderr)
        except subprocess.TimeoutExpired as late:
            result = Result(args, -1, (late.stdout or b"").decode(), f"not done after {timeout} s")
        self.log.append(result)
        return result

    def ok(self, *args, **more):
        """Runs kubectl, which must succeed; gives what it printed."""
        result = self.kubectl(*args, **more)
        if result.code != 0:
            raise Failure(f"exit code {result.code}")
        return result.out

    def fails(self, *args, **more):
        """Runs kubectl, which must fail; gives its errors."""
        result = self.kubectl(*args, **more)
        if result.code == 0:
            raise Failure("this should have failed")
        return result.err + result.out

    def says(self, wanted, *args, **more):
        """The whole output, without the last line break."""
        self.same(self.ok(*args, **more).rstrip("\n"), wanted)

    def json(self, *args, **more):
        return json.loads(self.ok(*args, "-o", "json", **more))

    def field(self, what, path, wanted):
        """The value at a jsonpath of an object, e.g. ("deploy/web", ".spec.replicas", "3")."""
        self.same(self.ok("get", *what.split(), "-o", f"jsonpath={{{path}}}"), wanted)

    def rows(self, *args):
        """The lines of a table as lists of words, without its head."""
        return [line.split() for line in self.ok(*args, "--no-headers").splitlines()]

    def names(self, *args):
        return [line.split("/")[-1] for line in self.ok(*args, "-o", "name").splitlines()]

    def apply_text(self, text, verb="create", *args):
        return self.ok(verb, "-f", "-", *args, stdin=text)

    def status(self, what, patch):
        """Merges into the status of an object, as a controller would; older kubectl cannot, so the newest one does."""
        kind, name = what.split("/")
        args = ["patch", kind, name, "--subresource=status", "--type=merge", "-p", patch]
        done = subprocess.run([clients()[-1][0], *self.command(args)[1:]], capture_output=True, text=True, timeout=60, env=self.environment())
        self.log.append(Result(args, done.returncode, done.stdout, done.stderr))
        if done.returncode != 0:
            raise Failure("the status could not be set")

    def file(self, name, text, mode=0o644):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def start(self, *args):
        """A kubectl that goes on: its lines arrive in a Lines."""
        lines = Lines(self.command([str(a) for a in args]), self.environment(), self.folder)
        self.started.append(lines)
        return lines

    def await_watch(self, lines):
        """Returns when a kubectl started with -v=6 holds a watch: it logs the head of the answer."""
        lines.until(r"watch=true.*\b200\b")

    def close(self):
        for lines in self.started:
            lines.stop()

    # -- claims

    def same(self, given, wanted):
        if given != wanted:
            raise Failure(f"wanted {wanted!r}\n  given {given!r}")

    def has(self, text, *parts):
        for part in parts:
            if part not in text:
                raise Failure(f"wanted {part!r} in {text!r}")

    def lacks(self, text, *parts):
        for part in parts:
            if part in text:
                raise Failure(f"did not want {part!r} in {text!r}")

    def match(self, text, pattern):
        found = re.search(pattern, text, re.M)
        if not found:
            raise Failure(f"wanted a match of {pattern!r} in {text!r}")
        return found

    def true(self, holds, claim):
        if not holds:
            raise Failure(claim)


class Lines:
    """The output of a running command, line by line."""

    def __init__(self, command, env, cwd):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, cwd=cwd)
        self.queue = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.queue.put(line.rstrip("\n"))
        self.queue.put(None)

    def until(self, pattern, seconds=20):
        """The first line that matches; those before it are passed over."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.queue.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise Failure(f"no line like {pattern!r} after {seconds} s, only {self.seen}") from None
            if line is None:
                self.queue.put(None)
                raise Failure(f"ended without a line like {pattern!r}: {self.seen}")
            self.seen.append(line)
            if re.search(pattern, line):
                return line

    def ends(self, seconds=20):
        """Waits until it ends by itself and gives its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"still running after {seconds} s") from None
        self.reader.join(5)
        return code

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()


class Tap:
    """Counts and prints, from several threads."""

    def __init__(self, verbose):
        self.lock = threading.Lock()
        self.passed = self.failed = 0
        self.verbose = verbose

    def report(self, claim, outcome, note=""):
        with self.lock:
            self.passed += outcome == "ok"
            self.failed += outcome == "not ok"
            print(f"{outcome} {self.passed + self.failed} - {claim}")
            for line in note.splitlines():
                print(f"#   {line}")
            sys.stdout.flush()


def run_one(cluster, client, index, entry, folder, tap):
    claim, _, _, function = entry
    binary, minor = client
    claim = f"kubectl 1.{minor}: {claim}"
    own = folder / f"{minor}-{index}"
    own.mkdir()
    run = Run(cluster, binary, minor, f"{minor}-{index}", own)
    started = time.monotonic()
    try:
        run.ok("create", "namespace", run.ns)
        function(run)
        took = time.monotonic() - started
        tap.report(claim, "ok", f"{took:.1f} s" if tap.verbose else "")
    except Exception as why:  # pylint: disable=broad-except  -- any surprise is a failed scenario, not the end of all
        tap.report(claim, "not ok", f"{type(why).__name__}: {why}\n" + "".join(str(r) for r in run.log[-4:]))
    finally:
        run.close()


def clients():
    """(program, minor version) of each kubectl there is."""
    found = []
    for minor, variable, name in ((20, "KUBECTL_1_20", "kubectl-1.20"), (37, "KUBECTL_1_37", "kubectl-1.37")):
        path = os.environ.get(variable, str(ROOT / "build/tools" / name))
        if os.access(path, os.X_OK):
            found.append((path, minor))
        else:
            raise SystemExit(f"{path} is not there: script/bootstrap --test builds it, or set {variable}")
    return found


def main(words):
    verbose = "-v" in words
    words = [w for w in words if not w.startswith("-")]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="coxswain-kubectl-"))
    cluster = Cluster(folder)
    tap = Tap(verbose)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        cluster.start()
        work = queue.Queue()
        for client in clients():
            for index, entry in enumerate(SCENARIOS):
                if entry[1] <= client[1] <= entry[2] and all(w in f"1.{client[1]} {entry[3].__module__} {entry[0]}" for w in words):
                    work.put((client, index, entry))

        def worker():
            while True:
                try:
                    client, index, entry = work.get_nowait()
                except queue.Empty:
                    return
                run_one(cluster, client, index, entry, folder, tap)

        threads = [threading.Thread(target=worker, daemon=True) for _ in range(int(os.environ.get("COXSWAIN_JOBS", "2")))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{tap.passed} passed, {tap.failed} failed, 0 skipped")
    return 1 if tap.failed else 0
