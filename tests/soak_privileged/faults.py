"""What a soak does to the hosts: kills, freezes, cuts, drains. At most half of the hosts suffer at once.

Everything happens on the thread that made the cluster: processes that a thread has started end with that thread.
"""

import collections
import contextlib
import os
import pathlib
import random
import signal
import time

from cluster import is_alive

LONGEST = 6.0  # seconds: twice the silence that is allowed, and shorter than invokers look for their controller
NAMES = {"kill invoker": 3, "end invoker": 1, "kill launcher": 2, "kill pack": 4, "freeze invoker": 3, "freeze pack": 1,
         "cut": 2, "cut from": 2, "cut to": 2, "drain": 2, "kill controller": 1, "end controller": 1}  # fmt: skip


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


class Faults:
    """To be called often: step() begins what is to begin and ends what is to end."""

    def __init__(self, cluster, connection, seed, pause):
        self.cluster, self.connection, self.pause = cluster, connection, pause
        self.random = random.Random(f"{seed} faults")
        self.begun = collections.Counter()
        self.restarts = 0  # of invokers that ended
        self.ends = {}  # host -> when its fault ends, and what ends it
        self.next = time.monotonic() + pause
        self.frozen_packs = {}  # process id -> until when
        self.absences = []  # of the controller: when to when, on the wall clock

    def step(self):
        now = time.monotonic()
        for host, (until, undo) in list(self.ends.items()):
            if now >= until:
                del self.ends[host]
                undo()
        for pid, until in list(self.frozen_packs.items()):
            if now >= until:
                del self.frozen_packs[pid]
                self._signal(pid, signal.SIGCONT)
        self._supervise()
        if now >= self.next:
            self.next = now + self.random.expovariate(1 / self.pause)
            self._begin()

    def undo_all(self):
        for _, undo in self.ends.values():
            undo()
        self.ends.clear()
        for pid in self.frozen_packs:
            self._signal(pid, signal.SIGCONT)
        self.frozen_packs.clear()
        for host in range(self.cluster.hosts.count):
            self._use(host, "uncordon")
        self._supervise()

    def keep_up(self):
        """Starts what has ended again, and nothing else."""
        self._supervise()

    def _supervise(self):
        """As systemd or a DaemonSet would."""
        for host, process in self.cluster.invokers.items():
            if process.poll() is not None and host not in self.ends:
                self.cluster.start_invoker(host)
                self.restarts += 1

    def _begin(self):
        # All of it is drawn, whether it is needed or not, so that the same seed goes on in the same way.
        fault = self.random.choices(list(NAMES), NAMES.values())[0]
        host = self.random.randrange(self.cluster.hosts.count)
        lasts = self.random.choice([0.3, 1.5, LONGEST]) * self.random.random()
        which = self.random.random()
        if host in self.ends or len(self.ends) >= self.cluster.hosts.count // 2:
            return
        process = self.cluster.invokers[host]
        if process.poll() is not None:
            return
        undo = getattr(self, "_" + fault.replace(" ", "_"))(host, process.pid, lasts, which)
        self.begun[fault] += 1
        if undo is not None:
            self.ends[host] = (time.monotonic() + lasts, undo)

    @staticmethod
    def _signal(pid, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    # Each begins a fault, and gives what ends it.

    def _kill_invoker(self, host, pid, _lasts, _which):
        self._signal(pid, signal.SIGKILL)
        self.cluster.invokers[host].wait()
        return lambda: None  # _supervise() starts it again

    def _end_invoker(self, _host, pid, _lasts, _which):
        self._signal(pid, signal.SIGTERM)
        return lambda: None

    def _kill_launcher(self, _host, pid, _lasts, _which):
        with contextlib.suppress(StopIteration, OSError):
            self._signal(self.cluster.launcher_pid(pid), signal.SIGKILL)
        return lambda: None

    def _kill_controller(self, _host, _pid, _lasts, _which):
        self._replace_controller(signal.SIGKILL)

    def _end_controller(self, _host, _pid, _lasts, _which):
        self._replace_controller(signal.SIGTERM)

    def _replace_controller(self, how):
        ended = time.time()
        self.cluster.controller.send_signal(how)
        self.cluster.controller.wait(10)
        self.cluster.start_controller()
        self.absences.append((ended, time.time()))

    def _freeze_invoker(self, _host, pid, _lasts, _which):
        self._signal(pid, signal.SIGSTOP)
        return lambda: self._signal(pid, signal.SIGCONT)

    def _cut(self, host, _pid, _lasts, _which):
        self.cluster.hosts.cut(host)
        return lambda: self.cluster.hosts.heal(host)

    def _cut_from(self, host, _pid, _lasts, _which):
        self.cluster.hosts.cut_from(host)
        return lambda: self.cluster.hosts.heal(host)

    def _cut_to(self, host, _pid, _lasts, _which):
        self.cluster.hosts.cut_to(host)
        return lambda: self.cluster.hosts.heal(host)

    def _drain(self, host, _pid, _lasts, _which):
        self._use(host, "drain")
        return lambda: self._use(host, "uncordon")

    def _use(self, host, use):
        with contextlib.suppress(OSError):  # 404 when it is not there at the moment
            self.connection.ask("POST", f"/gust/invokers/host-{host}/{use}")

    def _kill_pack(self, _host, pid, _lasts, which):
        self._signal_pack(pid, which, signal.SIGKILL)

    def _freeze_pack(self, _host, pid, lasts, which):
        frozen = self._signal_pack(pid, which, signal.SIGSTOP)
        if frozen:
            self.frozen_packs[frozen] = time.monotonic() + lasts

    def _signal_pack(self, invoker, which, number):
        """One of this invoker's, if it has any."""
        packs = sorted(self.packs_of(invoker))
        if not packs:
            return None
        pack = packs[int(which * len(packs))]
        self._signal(pack, number)
        return pack

    def packs_of(self, invoker):
        """Process ids of the packs of an invoker: children of its launcher."""
        try:
            launcher = self.cluster.launcher_pid(invoker)
            children = pathlib.Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
        except (StopIteration, OSError):
            return []
        return [int(pid) for pid in children if name_of(pid).startswith("gust-pack") and is_alive(pid)]
