"""A cluster of its own for system tests: `gust up` as its users run it, the ways to talk to it, and what it must not leave."""

import base64
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import signal
import ssl
import subprocess
import time
import tomllib
import urllib.parse
import uuid

MARK = "TEST_CLUSTER_OF"  # a variable by which its processes are known; packs, which get an environment anew, by their folder
SHUT_DOWN = 10.0  # seconds; generous, as the machine may be busy


def wait_for(condition, seconds, what):
    """Polls until `condition` gives something true, and gives that; fails after `seconds`, naming `what`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.005)


def is_alive(pid):
    """Whether a process exists and has not ended (a zombie has)."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclasses.dataclass
class Answer:
    """What came back over HTTP."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)


class Cluster:
    """`gust up` with invokers of its own on a port of the kernel's choice. To be used with `with`."""

    def __init__(self, gust_bin, runtime, *flags, invokers=3, slots=8, environment=None):
        self.gust_bin = gust_bin
        self.runtime = pathlib.Path(runtime)
        self.flags = [*map(str, flags)]
        self.invokers = invokers
        self.slots = slots
        self.mark = uuid.uuid4().hex
        self.launchers = set()  # ids, as text, of those that have been seen
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GUST_")}
        inherited.pop("TMPDIR", None)
        self.environment = {
            **inherited,
            "XDG_RUNTIME_DIR": str(self.runtime),
            "HOME": str(self.runtime),
            MARK: self.mark,
            **(environment or {}),
        }

    def __enter__(self):
        began = time.monotonic()
        self.up = subprocess.Popen(
            [
                self.gust_bin,
                "up",
                "--listen",
                "127.0.0.1:0",
                "--invokers",
                str(self.invokers),
                "--slots",
                str(self.slots),
                *self.flags,
            ],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=(self.runtime / "up.err").open("wb"),
            text=True,
        )
        self.banner = []
        for line in self.up.stdout:
            self.banner.append(line.rstrip())
            if line.startswith("ready after"):
                break
        self.ready_seconds = time.monotonic() - began
        if self.up.poll() is not None or not self.up_file.exists():
            raise AssertionError(f"gust up did not get ready: {self.banner} {self.errors()}")
        settings = tomllib.loads(self.up_file.read_text())
        self.endpoint, self.key, self.ca_file = settings["endpoint"], settings["api_key"], settings["ca_file"]
        self.state_dir = pathlib.Path(self.ca_file).parent.parent
        self.port = urllib.parse.urlsplit(self.endpoint).port
        self.processes()  # once while they live: a sandbox is known by its launcher
        return self

    def __exit__(self, kind, error, trace):
        """Ends it as Ctrl-C does; after a test that passed, nothing may be left."""
        try:
            if self.up.poll() is None:
                self.stop()
            if kind is None:
                self.assert_nothing_left()
        finally:
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.up.stdout.close()

    @property
    def up_file(self):
        return self.runtime / "gust" / "up.toml"

    def errors(self):
        """What the cluster's processes wrote to standard error."""
        return (self.runtime / "up.err").read_text()

    def stop(self, how=signal.SIGINT):
        self.up.send_signal(how)
        return self.up.wait(SHUT_DOWN)

    def processes(self):
        """Ids of all processes that are this cluster's, packs and what they started included."""
        mine, folder = f"{MARK}={self.mark}".encode(), str(getattr(self, "state_dir", self.mark))
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or not is_alive(entry.name):
                continue
            with contextlib.suppress(OSError):
                if (
                    mine in (entry / "environ").read_bytes()
                    or os.readlink(entry / "cwd").startswith(folder)
                    or self._is_sandboxed(entry)
                ):
                    found.append(int(entry.name))
                    self._remember_launcher(entry)
        return found

    def _remember_launcher(self, process):
        for child in (process / "task" / process.name / "children").read_text().split():
            if "gust-launcher" in pathlib.Path(f"/proc/{child}/comm").read_text():
                self.launchers.add(child)

    def _is_sandboxed(self, process):
        """Whether it is a launcher of sandboxes, which has left our folder, or in one of the cgroups of one."""
        groups = (process / "cgroup").read_text()
        return process.name in self.launchers or any(f"/gust-{launcher}/" in groups for launcher in self.launchers)

    def wait_no_processes(self, seconds=SHUT_DOWN):
        wait_for(lambda: not self.processes(), seconds, f"the end of all of the cluster's processes {self.processes()}")

    def assert_nothing_left(self):
        self.wait_no_processes()
        assert not self.state_dir.exists(), sorted(map(str, self.state_dir.rglob("*")))
        assert not self.up_file.exists()

    # Its parts.

    def invoker_pids(self):
        """By name: invoker-0 and so on."""
        return {invoker["name"]: invoker["pid"] for invoker in self.status()["invokers"]}

    def controller_pid(self):
        pids = pathlib.Path(f"/proc/{self.up.pid}/task/{self.up.pid}/children").read_text().split()
        return next(int(pid) for pid in pids if b"\0controller\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())

    @staticmethod
    def launcher_pid(invoker):
        pids = set()
        for task in pathlib.Path(f"/proc/{invoker}/task").iterdir():
            pids.update((task / "children").read_text().split())
        return next(int(pid) for pid in pids if "gust-launcher" in pathlib.Path(f"/proc/{pid}/comm").read_text())

    # The command line.

    def start(self, *arguments, **options):
        """A `gust` command that finds this cluster by itself, as a running process."""
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "env": self.environment,
            **options,
        }
        return subprocess.Popen([self.gust_bin, *map(str, arguments)], **options)

    def gust(self, *arguments, timeout=60, **options):
        """The same, run to its end."""
        return subprocess.run(
            [self.gust_bin, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            env=self.environment,
            **options,
        )

    def gust_json(self, *arguments, **options):
        """The same with --json, which must succeed; gives what it printed."""
        done = self.gust(*arguments, "--json", **options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def deploy(self, name, path, *flags):
        done = self.gust("deploy", name, path, *flags)
        assert done.returncode == 0, done.stderr

    def status(self):
        return self.request("GET", "/api/v1/gust/status").json()

    def load(self):
        """What is reserved or running; the same before and after whatever leaves nothing behind."""
        status = self.status()
        return {
            "flares": status["flares"],
            "invokers": [
                [entry[name] for name in ("name", "free_slots", "free_memory_bytes", "packs")]
                for entry in status["invokers"]
            ],
        }

    def wait_idle(self, seconds=5.0):
        def idle():
            status = self.status()
            totals = status["totals"]
            return (
                totals["free_slots"] == totals["slots"]
                and totals["free_memory_bytes"] == totals["memory_bytes"]
                and totals["packs"] == 0
                and status["flares"] == {"active": 0, "queued": 0}
            )

        wait_for(idle, seconds, "all capacity free again")

    # HTTP.

    def connect(self, tls=True, timeout=30):
        if tls:
            return http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=timeout, context=ssl.create_default_context(cafile=self.ca_file)
            )
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def authorization(self, key=None):
        return "Basic " + base64.b64encode((key or self.key).encode()).decode()

    def request(self, method, target, body=None, headers=None, tls=True):
        """One request on a connection of its own, with the right key unless `headers` say otherwise."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        headers = {"Authorization": self.authorization(), "Content-Type": "application/json", **(headers or {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        with contextlib.closing(self.connect(tls)) as connection:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def flare(self, action, params, **query):
        """Starts a burst without waiting for it; gives its id."""
        query = urllib.parse.urlencode({"burst": "true", **query})
        answer = self.request("POST", f"/api/v1/namespaces/_/actions/{action}?{query}", {"value": params})
        assert answer.status == 202, answer.body
        return answer.json()["flareId"]

    def look(self, flare, **query):
        """A flare as it is now, with packs and workers."""
        query = urllib.parse.urlencode({"results": "true", **query})
        answer = self.request("GET", f"/api/v1/namespaces/_/flares/{flare}?{query}")
        assert answer.status == 200, answer.body
        return answer.json()

    def wait_running(self, flare, seconds=20.0):
        """Waits until all of its workers have started."""
        # Where some workers end at once, their starts and ends come together: it is never seen without an end.
        states = ("running", "finishing")
        return wait_for(lambda: (now := self.look(flare))["state"] in states and now, seconds, f"{flare} running")

    def wait_ended(self, flare, seconds=20.0):
        ended = self.look(flare, wait=seconds)
        assert ended["stamps"]["ended"], f"{flare} is still {ended['state']} after {seconds} s"
        return ended
