"""`./dev soak`: random flares on a cluster whose hosts are killed, frozen, cut off and drained at random; then, whether every
flare has exactly one outcome and nothing is left."""

import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(pathlib.Path(__file__).resolve().parent)]

import kinds  # noqa: E402
from cluster import is_alive, wait_for  # noqa: E402
from clients import Client, Connection  # noqa: E402
from faults import Faults, name_of  # noqa: E402
from host_cluster import HostCluster, Hosts  # noqa: E402
from ledger import Ledger, check_all  # noqa: E402
from vitals import MIB, StallWatch, Vitals, descriptors, leftover_groups, mounts_of  # noqa: E402

TICK = 0.05  # seconds
# Seconds within which everything must have ended. An endless flare whose acceptance was lost with its controller has
# nobody who cancels it: it ends at its time limit of a minute, and others may have to wait for its slots.
LAST_ENDS = 180.0
MORE_MEMORY = 48 * MIB  # of the controller, from when it is warm to the end: its caches of ended flares fill
MORE_DESCRIPTORS = 8


class Soak:
    def __init__(self, cluster, worker, seed, seconds, clients, pause):
        self.cluster, self.worker, self.seconds = cluster, worker, seconds
        self.ledger, self.stop = Ledger(), threading.Event()
        self.connection = Connection(cluster)
        self.faults = Faults(cluster, self.connection, seed, pause)
        self.ledger.absences = self.faults.absences
        most = cluster.hosts.count * cluster.slots
        self.clients = [Client(cluster, f"{seed} client {n}", most, self.ledger, self.stop) for n in range(clients)]
        self.controllers = [Vitals(cluster.controller.pid)]
        self.launchers = set()

    @property
    def controller(self):
        """The present one's."""
        if self.controllers[-1].pid != self.cluster.controller.pid:
            self.controllers.append(Vitals(self.cluster.controller.pid))
        return self.controllers[-1]

    def run(self):
        kinds.deploy_all(self.cluster, self.worker, self.cluster.runtime)
        self.cluster.wait_joined()
        descriptors_before = descriptors(self.controller.pid)
        began = time.monotonic()
        StallWatch(self.ledger.stalls).start()
        for client in self.clients:
            client.start()
        self._turmoil(began + self.seconds)
        self.stop.set()
        self._calm_down()
        check_all(self.ledger, self.connection)
        self._check_nothing_runs()
        self.connection.close()
        self._check_controller(descriptors_before)

    def _turmoil(self, until):
        next_sample = next_word = time.monotonic()
        while (now := time.monotonic()) < until:
            self.faults.step()
            if now >= next_sample:
                next_sample = now + 1
                self._sample()
            if now >= next_word:
                next_word = now + 30
                print(f"{until - now:.0f} s left: {self.summary()}", flush=True)
            time.sleep(TICK)

    def _sample(self):
        if self.cluster.controller.poll() is not None:
            raise RuntimeError(f"the controller has ended with {self.cluster.controller.returncode}:\n{self.errors()}")
        self.controller.sample()
        for process in self.cluster.invokers.values():
            try:
                self.launchers.add(self.cluster.launcher_pid(process.pid))
            except (StopIteration, OSError):
                pass  # it has just been started, or has ended

    def errors(self):
        return (self.cluster.runtime / "controller.err").read_text()[-4000:]

    def _calm_down(self):
        """All hosts are well again; whoever waits for its end gets it."""
        self.faults.undo_all()
        deadline = time.monotonic() + LAST_ENDS

        def done():
            self.faults.keep_up()
            return not any(client.is_alive() for client in self.clients) and self.cluster.status()["flares"] == {
                "active": 0, "queued": 0}  # fmt: skip

        try:
            wait_for(done, deadline - time.monotonic(), "the end of all flares")
        except AssertionError as error:
            self.connection.close()  # the controller closes one that nobody has used for so long
            _, left = self.connection.ask("GET", "/namespaces/_/flares?limit=20")
            self.ledger.problem(
                f"{error}: {[(flare['id'], flare['state']) for flare in left if not flare['stamps']['ended']]}"
            )
        self.cluster.wait_joined()
        self._sample()
        try:
            self.cluster.wait_idle(15)
        except AssertionError as error:
            self.ledger.problem(f"{error}: {self.cluster.load()}")
        _, queue = self.connection.ask("GET", "/namespaces/_/queue")
        if queue:
            self.ledger.problem(f"{len(queue)} flares are in the queue")

    def _check_nothing_runs(self):
        mine = {self.cluster.controller.pid} | {process.pid for process in self.cluster.invokers.values()}
        mine |= {self.cluster.launcher_pid(process.pid) for process in self.cluster.invokers.values()}

        def strangers():
            return [(pid, name_of(pid)) for pid in self.cluster.processes() if pid not in mine and is_alive(pid)]

        try:
            wait_for(lambda: not strangers(), 10, "the end of all packs")
        except AssertionError as error:
            self.ledger.problem(f"{error}: {strangers()}")
        for pid in mine:
            count = descriptors(pid)
            if pid != self.cluster.controller.pid and count > 40:
                self.ledger.problem(f"{name_of(pid)} {pid} runs nothing and has {count} descriptors")

    def _check_controller(self, descriptors_before):
        def settled():
            return descriptors(self.controller.pid) <= descriptors_before + MORE_DESCRIPTORS

        try:
            wait_for(settled, 10, "the controller's descriptors closed")
        except AssertionError as error:
            self.ledger.problem(f"{error}: {descriptors_before} before, {descriptors(self.controller.pid)} now")
        for controller in self.controllers:
            warm, last = controller.memory()
            if last - warm > MORE_MEMORY:
                self.ledger.problem(f"a controller grew from {warm / MIB:.0f} MB to {last / MIB:.0f} MB")

    def check_nothing_left(self):
        """After the end of the cluster."""
        dead = {launcher for launcher in self.launchers if not is_alive(launcher)}
        if left := leftover_groups(dead):
            self.ledger.problem(f"{len(left)} cgroups are left, {left[0]} among them")
        if left := mounts_of(self.cluster.runtime):
            self.ledger.problem(f"{len(left)} mounts are left, {left[0]} among them")
        everything = self.cluster.state_dir.glob("host-*/**/*")  # folders that were named from outside stay
        left = [path for path in everything if not path.is_dir() or path.parent.name == "packs"]
        left = [path for path in left if path.name != "identity.pem"]  # by which it joins after a restart
        if left:
            self.ledger.problem(f"invokers have left {[str(path) for path in left[:5]]}")

    def summary(self):
        outcomes = sum(self.ledger.outcomes.values())
        return (f"{len(self.ledger.flares)} flares accepted, {outcomes} ends seen, {self.faults.begun.total()} faults,"
                f" {len(self.ledger.problems)} problems")  # fmt: skip

    def report(self):
        rows = sorted({kind for kind, _ in self.ledger.outcomes})
        states = ("succeeded", "failed", "cancelled", "timed_out")
        print(f"{'flares':<14}" + "".join(f"{state:>11}" for state in states))
        for kind in rows:
            print(f"{kind:<14}" + "".join(f"{self.ledger.outcomes[kind, state]:>11}" for state in states))
        print(f"{'all':<14}" + "".join(
            f"{sum(self.ledger.outcomes[kind, state] for kind in rows):>11}" for state in states))  # fmt: skip
        print("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(self.faults.begun.items())))
        warm, last = self.controller.memory()
        print(f"{self.ledger.retried} attempts were lost and made again; {self.faults.restarts} invokers were started again;"
              f" refused: {dict(self.ledger.refusals)}; {len(self.ledger.breaks)} connections broke")  # fmt: skip
        if self.ledger.stalls:
            print(
                "the machine stood still for " + ", ".join(f"{end - begin:.0f} s" for begin, end in self.ledger.stalls)
            )
        print(f"the last controller: {warm / MIB:.0f} MB when warm, {last / MIB:.0f} MB at the end, at most"
              f" {self.controller.most_descriptors()} descriptors")  # fmt: skip


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev soak",
        description="Random flares on a cluster of hosts (network namespaces) that are killed, frozen, cut off and"
        " drained at random; at the end every flare must have exactly one outcome, and nothing may be left. As root.",
        epilog="Example:\n  ./dev soak --seconds 600 --seed 42",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=600, help="how long there are faults (default: 600)")
    parser.add_argument("--seed", type=int, help="of all that is drawn; a new one is printed when none is given")
    parser.add_argument("--hosts", type=int, default=5, help="with an invoker each (default: 5)")
    parser.add_argument("--slots", type=int, default=8, help="of each (default: 8)")
    parser.add_argument("--clients", type=int, default=6, help="that start flares (default: 6)")
    parser.add_argument(
        "--pause", type=float, default=0.7, help="seconds between two faults, on average (default: 0.7)"
    )
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the logs, if there are problems")
    chosen = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("only root may make network namespaces; run it with sudo")
    if chosen.hosts < 2:
        parser.error("with fewer than 2 hosts none can fail")
    return chosen


def main():
    chosen = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: nothing may be left
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    seed = random.SystemRandom().randrange(1 << 32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}: ./dev soak --seconds {chosen.seconds:g} --seed {seed} draws the same", flush=True)
    gust = pathlib.Path(os.environ.get("GUST_BIN", ROOT / "build/release/bin/gust")).resolve()
    with tempfile.TemporaryDirectory(prefix="gust-soak-") as runtime:
        flags = ["--state", f"{runtime}/database", "--retain-flares", "10000000", "--retain-bytes", "20GB"]
        soak = None
        try:
            with Hosts(chosen.hosts) as hosts:
                with HostCluster(gust, runtime, hosts, chosen.slots, flags) as cluster:
                    soak = Soak(cluster, lambda name: gust.parent.parent / f"test_workers/{name}.so", seed, chosen.seconds,
                                chosen.clients, chosen.pause)  # fmt: skip
                    soak.run()
                soak.check_nothing_left()
        finally:
            if soak is not None:
                soak.report()
            if chosen.keep and (soak is None or soak.ledger.problems or sys.exc_info()[0]):
                shutil.copytree(runtime, chosen.keep, ignore=shutil.ignore_patterns("*.sock"), dirs_exist_ok=True)
    print(f"{len(soak.ledger.problems)} problems, seed {seed}")
    return 1 if soak.ledger.problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
