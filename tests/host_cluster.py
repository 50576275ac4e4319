"""A cluster whose invokers are on hosts of their own: network namespaces, joined by a bridge. As root, on Linux.

The controller and whoever uses the cluster are in the namespace of the bridge. Nothing of it is seen from outside, so
addresses and ports are always the same, and several such clusters may exist at once.
"""

import contextlib
import ctypes
import ipaddress
import itertools
import os
import pathlib
import re
import signal
import subprocess
import time

from cluster import Cluster, is_alive, wait_for

NETWORK = ipaddress.ip_network("10.77.0.0/16")
CLIENTS_PORT, INVOKERS_PORT = 3233, 3234
KEY = "test:0123456789abcdef"
CLONE_NEWNET = 0x40000000
MOST_HOSTS = 250
FRAMES = 100_000  # of so many frames, loss says how many are lost
numbers = itertools.count()


def run(*command, **options):
    """A command that must succeed."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def enter_namespace(descriptor):
    """Moves this thread, and what it starts from now on, to another network namespace."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"enter a network namespace: {os.strerror(number)}")


class Hosts:
    """The namespaces and what joins them; `delay`, `loss` and `rate` hold on each link, each way. To be used with `with`."""

    def __init__(self, count, delay=None, loss=None, rate=None):
        if not 1 <= count <= MOST_HOSTS:
            raise ValueError(f"{count} hosts: there can be 1 to {MOST_HOSTS}")
        self.count, self.delay, self.rate = count, delay, rate
        self.lost_frames = frames_of(loss) if loss else 0
        self.prefix = f"gust{os.getpid()}.{next(numbers)}-"  # one process may have several
        self.hub = f"{self.prefix}hub"
        self.hub_address = str(NETWORK[1])

    def name(self, host):
        return f"{self.prefix}{host}"

    def address(self, host):
        return str(NETWORK[2 + host])

    def command(self, host, *command):
        """To run on a host. (`ip netns exec` would hide the cgroups.)"""
        return ["nsenter", f"--net=/run/netns/{self.name(host)}", "--", *map(str, command)]

    def __enter__(self):
        remove_abandoned()
        self.outside = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._make()
            with open(f"/run/netns/{self.hub}", "rb") as hub:
                enter_namespace(hub.fileno())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        enter_namespace(self.outside)
        os.close(self.outside)
        remove_namespaces(self.prefix)

    def _make(self):
        everywhere = range(self.count)
        run("ip", "-batch", "-", input="\n".join(
            [f"netns add {self.hub}"]
            + [f"netns add {self.name(host)}" for host in everywhere]
            + [f"link add host{host} netns {self.hub} type veth peer name eth0 netns {self.name(host)}"
               for host in everywhere]))  # fmt: skip
        run("ip", "-n", self.hub, "-batch", "-", input="\n".join(
            ["link set lo up", "link add bridge type bridge", "link set bridge up",
             f"addr add {self.hub_address}/{NETWORK.prefixlen} dev bridge"]
            + [f"link set host{host} master bridge up" for host in everywhere]))  # fmt: skip
        for host in everywhere:
            run("ip", "-n", self.name(host), "-batch", "-", input="\n".join(
                ["link set lo up", f"addr add {self.address(host)}/{NETWORK.prefixlen} dev eth0", "link set eth0 up"]))  # fmt: skip
            for namespace, link in self._ends(host):
                self._impair(namespace, link)

    def _ends(self, host):
        """Both ends of a host's link: frames arrive there from the host, and at the host."""
        return [(self.hub, f"host{host}"), (self.name(host), "eth0")]

    def _impair(self, namespace, link):
        discipline = ["tc", "-n", namespace, "qdisc", "add", "dev", link, "root"]
        if self.delay:
            try:
                run(*discipline, "netem", "delay", self.delay, *(["rate", self.rate] if self.rate else []))
            except RuntimeError as error:
                if "qdisc kind is unknown" in str(error):
                    raise RuntimeError("this kernel cannot delay packets: it lacks netem (CONFIG_NET_SCH_NETEM, on Debian"
                                       " the module sch_netem); leave --delay out") from error  # fmt: skip
                raise
        elif self.rate:
            run(*discipline, "tbf", "rate", self.rate, "burst", "256kb", "latency", "50ms")
        if self.lost_frames:
            self._drop(namespace, link, "loss", f"numgen random mod {FRAMES} < {self.lost_frames} drop")

    @staticmethod
    def _drop(namespace, link, table, rule):
        """Drops frames that arrive at a link, before anything else sees them."""
        run("ip", "netns", "exec", namespace, "nft", "-f", "-", input=(
            f"table netdev {table}_{link} {{\nchain arriving {{\n"
            f"type filter hook ingress device {link} priority 0;\n{rule}\n}}\n}}\n"))  # fmt: skip

    # Faults.

    def cut(self, host):
        """Pulls the cable."""
        run("ip", "-n", self.hub, "link", "set", f"host{host}", "down")

    def cut_from(self, host):
        """What the host sends is lost; it hears everybody."""
        self._drop(self.hub, f"host{host}", "cut", "drop")

    def cut_to(self, host):
        """What is sent to the host is lost; everybody hears it."""
        self._drop(self.name(host), "eth0", "cut", "drop")

    def cut_way(self, host, to):
        """What one host sends to another is lost; both talk to the controller, and the other way is open."""
        self._drop(self.hub, f"host{host}", "cut", f"ip daddr {self.address(to)} drop")

    def refuse_connections(self, host):
        """What would open a connection from or to the host is lost, but for those to the controller; open ones go on."""
        for namespace, link in self._ends(host):
            self._drop(namespace, link, "cut", f"tcp flags & (syn | ack) == syn tcp dport != {INVOKERS_PORT} drop")

    def heal(self, host):
        """Undoes all cuts."""
        run("ip", "-n", self.hub, "link", "set", f"host{host}", "up")
        for namespace, link in self._ends(host):
            with contextlib.suppress(RuntimeError):  # there is none
                run("ip", "netns", "exec", namespace, "nft", "delete", "table", "netdev", f"cut_{link}")


def frames_of(loss):
    """Of FRAMES frames, how many are lost at a `loss` such as 0.1%."""
    number = re.fullmatch(r"(\d+(?:\.\d+)?)%", loss)
    if number is None or not 0 < float(number[1]) < 100:
        raise ValueError(f"loss '{loss}' is not a percentage between 0 and 100; write for example 0.1%")
    return max(1, round(float(number[1]) / 100 * FRAMES))


def remove_namespaces(prefix):
    """What is in them, links and rules, goes with them."""
    for path in pathlib.Path("/run/netns").glob(f"{prefix}*"):
        with contextlib.suppress(RuntimeError):
            run("ip", "netns", "delete", path.name)


def remove_abandoned():
    """Those of processes that were killed."""
    for path in pathlib.Path("/run/netns").glob("gust*-hub"):
        owner = re.fullmatch(r"gust(\d+)\.\d+-hub", path.name)
        if owner and not is_alive(owner[1]):
            remove_namespaces(path.name.removesuffix("hub"))


class HostCluster(Cluster):
    """A controller and an invoker on each of `hosts`, named host-0 and so on. To be used with `with`.

    Inside, this process is in the bridge's namespace. `controller_flags` and `invoker_flags` are further flags of both.
    """

    def __init__(self, gust_bin, runtime, hosts, slots=8, controller_flags=(), invoker_flags=(), environment=None):
        super().__init__(gust_bin, runtime, slots=slots, environment=environment)
        self.hosts = hosts
        self.controller_flags, self.invoker_flags = controller_flags, invoker_flags
        self.state_dir = self.runtime / "state"
        self.controller, self.invokers = None, {}
        self.port, self.key, self.ca_file = CLIENTS_PORT, KEY, self.state_dir / "controller" / "certificate.pem"
        self.endpoint = f"https://127.0.0.1:{CLIENTS_PORT}"
        self.environment |= {
            "GUST_ENDPOINT": self.endpoint,
            "GUST_API_KEY": KEY,
            "GUST_CA_FILE": str(self.ca_file),
            "GUST_JOIN_TOKEN": "0123456789abcdef",
        }

    def __enter__(self):
        try:
            self.start_controller()
            for host in range(self.hosts.count):
                self.start_invoker(host)
            self.wait_joined()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        """Invokers end by a signal, as an operator ends them; after a test that passed, nothing may be left of them."""
        children = [*self.invokers.values(), *filter(None, [self.controller])]
        for process in children:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        try:
            for process in children:
                process.wait(10)
            if kind is None:
                self.wait_no_processes()
        finally:
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _start(self, name, command, pass_fds=()):
        log = (self.runtime / f"{name}.err").open("ab")
        # With us, however we end: by SIGKILL as well.
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=pass_fds,
        )

    def start_controller(self):
        """Returns when it listens."""
        ready, write_end = os.pipe()
        self.controller = self._start("controller", [
            self.gust_bin, "controller", "--listen", f"0.0.0.0:{CLIENTS_PORT}", "--invoker-listen",
            f"{self.hosts.hub_address}:{INVOKERS_PORT}", "--state-dir", self.state_dir / "controller",
            "--log-level", "info", "--ready-fd", write_end, *self.controller_flags], [write_end])  # fmt: skip
        os.close(write_end)
        with os.fdopen(ready) as word:
            assert word.read(), self.errors()

    def start_invoker(self, host):
        self.invokers[host] = self._start(f"host-{host}", self.hosts.command(host,
            self.gust_bin, "invoker", "--controller", f"{self.hosts.hub_address}:{INVOKERS_PORT}",
            "--name", f"host-{host}", "--slots", self.slots, "--memory", f"{self.slots}GB",
            "--state-dir", self.state_dir / f"host-{host}", "--log-level", "info", *self.invoker_flags))  # fmt: skip

    def wait_joined(self, seconds=30):
        """Until there is an invoker on each host."""
        wanted = {f"host-{host}" for host in range(self.hosts.count)}

        def joined():
            for process in [self.controller, *self.invokers.values()]:
                assert process.poll() is None, self.errors()
            return {entry["name"] for entry in self.status()["invokers"]} == wanted

        wait_for(joined, seconds, "an invoker on each host")

    def errors(self):
        return "".join(f"{path.name}: {path.read_text()}" for path in sorted(self.runtime.glob("*.err")))

    def kill(self, host, how=signal.SIGKILL):
        """A signal to a host's invoker; gives when."""
        self.invokers[host].send_signal(how)
        return time.time()
