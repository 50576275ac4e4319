"""The transport tcp beside iperf3: between packs of one host, and between two hosts (network namespaces)."""

import contextlib
import json
import os
import socket
import subprocess
import time

from peers import Skip

MIB = 1 << 20


def payload(peers):
    """1 GiB, as the published experiment sends."""
    return (64 if peers.quick else 1024) * MIB


@contextlib.contextmanager
def iperf_server(peers, host, prefix=()):
    """Ready for any number of clients; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*prefix, peers.need("iperf3", "iperf3"), "--server", "--bind", host, "--port", str(port), "--forceflush"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it complains when it is ended
        text=True,
    )
    try:
        for line in server.stdout:
            if "Server listening" in line:
                break
        yield port
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def iperf(peers, host, port, prefix=()):
    """MiB/s that one stream reaches for as many bytes as we send."""
    out = peers.run(
        *prefix, "iperf3", "--client", host, "--port", port, "--bytes", payload(peers), "--json"
    )  # fmt: skip
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 8 / MIB


def pair(peers, *more, **options):
    """MiB/s of the median iteration."""
    (run,) = peers.bench("pair", "--payload", payload(peers), "--iterations", 3, "--warm-up", 1, *more, **options)
    return run["mib_per_second"]


def one_host(peers):
    """Packs of one host share memory; iperf3 has loopback TCP."""
    with iperf_server(peers, "127.0.0.1") as port:
        peers.compare(
            "tcp, one pair, one host (shared memory)",
            "MiB/s",
            lambda: pair(peers),
            lambda: iperf(peers, "127.0.0.1", port),
            0.9,
        )


class TwoHosts:
    """Two network namespaces with a cable between them, and in each an invoker of one slot."""

    def __init__(self, peers):
        self.peers = peers
        self.names = [f"gust-{os.getpid()}-{side}" for side in "ab"]
        self.addresses = ["10.213.77.1", "10.213.77.2"]
        self.processes = []

    def inside(self, side):
        return ["ip", "netns", "exec", self.names[side]]

    def __enter__(self):
        try:
            self.connect()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def connect(self):
        run = self.peers.run
        for name in self.names:
            run("ip", "netns", "add", name)
        a, b = self.names
        run("ip", "-n", a, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", b)
        for name, address in zip(self.names, self.addresses, strict=True):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "cable")
            run("ip", "-n", name, "link", "set", "cable", "up")
            run("ip", "-n", name, "link", "set", "lo", "up")

    def start(self):
        """A controller in the first, which all can reach."""
        gust, folder, (first, _) = self.peers.gust_bin, self.peers.folder, self.addresses
        self.environment = {
            **os.environ,
            "GUST_API_KEY": "peers:peers",
            "GUST_JOIN_TOKEN": os.urandom(16).hex(),
            "GUST_LOG_LEVEL": "error",  # at the end it would warn of the invokers that leave
        }
        ready, write = os.pipe()
        self.spawn(
            0, gust, "controller", "--listen", f"{first}:3233", "--invoker-listen", f"{first}:3234", "--transport",
            "plain", "--state-dir", folder / "controller", "--ready-fd", write, pass_fds=[write]
        )  # fmt: skip
        os.close(write)
        with os.fdopen(ready) as word:
            if not word.read():
                raise RuntimeError("the controller did not start")
        self.endpoint = f"http://{first}:3233"
        memory = "8GB"
        for side in (0, 1):
            self.spawn(
                side, gust, "invoker", "--controller", f"{first}:3234", "--name", f"host-{side}", "--slots", 1,
                "--memory", memory, "--driver", "process", "--state-dir", folder / f"host-{side}"
            )  # fmt: skip
        deadline = time.monotonic() + 20
        while "host-1" not in (text := self.status()) or "host-0" not in text:
            if time.monotonic() > deadline:
                raise RuntimeError("the invokers did not join")
            time.sleep(0.05)

    def spawn(self, side, *command, **options):
        process = subprocess.Popen([*self.inside(side), *map(str, command)], env=self.environment, **options)
        self.processes.append(process)

    def status(self):
        command = [*self.inside(0), self.peers.gust_bin, "status", "--json", "--endpoint", self.endpoint]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self.environment)
        return done.stdout

    def __exit__(self, kind, error, trace):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def two_hosts(peers):
    """TCP for both."""
    peers.need("ip", "iproute2")
    if os.geteuid() != 0:
        raise Skip("network namespaces need root")
    try:
        hosts = TwoHosts(peers).__enter__()
    except RuntimeError as error:
        raise Skip(f"no two namespaces here: {error}") from error
    with contextlib.ExitStack() as stack:
        stack.push(hosts.__exit__)
        port = stack.enter_context(iperf_server(peers, hosts.addresses[1], hosts.inside(1)))
        peers.compare(
            "tcp, one pair, two hosts (TCP over veth)",
            "MiB/s",
            lambda: pair(peers, "--endpoint", hosts.endpoint, prefix=hosts.inside(0), env=hosts.environment),
            lambda: iperf(peers, hosts.addresses[1], port, hosts.inside(0)),
            0.9,
        )
