"""What processes use, watched while a soak runs."""

import os
import pathlib
import statistics
import threading
import time

MIB = 1 << 20


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    return 0


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class StallWatch(threading.Thread):
    """Notes when the machine does not even let somebody wake up who slept: time limits pass, and nobody is to blame."""

    LONG = 5.0  # seconds

    def __init__(self, stalls):
        super().__init__(daemon=True)
        self.stalls = stalls  # gets pairs of wall clock times

    def run(self):
        while True:
            began = time.time()
            time.sleep(0.2)
            if time.time() - began > self.LONG:
                self.stalls.append((began, time.time()))


class Vitals:
    """Of one process."""

    def __init__(self, pid):
        self.pid, self.samples = pid, []  # (when, resident bytes, descriptors)

    def sample(self):
        self.samples.append((time.monotonic(), resident_bytes(self.pid), descriptors(self.pid)))

    def memory(self):
        """The medians of the second and of the last quarter of the samples, in bytes: warm, and at the end."""
        quarter = max(len(self.samples) // 4, 1)
        memory = [sample[1] for sample in self.samples]
        return statistics.median(memory[quarter : 2 * quarter] or memory), statistics.median(memory[-quarter:])

    def most_descriptors(self):
        return max(sample[2] for sample in self.samples)


def leftover_groups(launchers):
    """Cgroups of launchers that have ended."""
    wanted = {f"gust-{launcher}" for launcher in launchers}
    return [path for path in pathlib.Path("/sys/fs/cgroup").rglob("gust-*") if path.name in wanted]


def mounts_of(folder):
    return [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]
