#!/usr/bin/env python3
"""How long a burst of Python workers takes until all of them run user code, beside the machine's floor.

The floor, measured in turn with it: one warm interpreter that forks as many children, from the first fork to the last
child's first instruction. No container, no interpreter's start, no report is in it. The burst is a whole one: from the
client's call to the last worker that has entered work(), in packs that are cold, or have an interpreter ready.

    bench/python_start.py                               960 workers, 20 invokers of 48 slots, driver sandbox
    bench/python_start.py --driver process --repeat 7
"""

import argparse
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from cluster import Cluster, wait_for  # noqa: E402

CODE = ROOT / "examples/sleep.py"


def fork_floor(count):
    """Seconds from the first fork to the first instruction of the last child; the children stay until all are there."""
    reader, writer = os.pipe()
    children = []
    began = time.time_ns()
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            os.write(writer, time.time_ns().to_bytes(8, "little"))
            signal.pause()
            os._exit(0)
        children.append(pid)
    stamps = b""
    while len(stamps) < 8 * count:
        stamps += os.read(reader, 1 << 16)
    last = max(int.from_bytes(stamps[at : at + 8], "little") for at in range(0, len(stamps), 8))
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)
    os.close(reader)
    os.close(writer)
    return (last - began) / 1e9


def run_floor(count):
    """The same from an interpreter that has imported what the runner has, and nothing of this program."""
    program = (
        f"import faulthandler,gc,json,os,resource,sys,time;sys.path.insert(0,{str(ROOT / 'bench')!r});"
        f"import python_start;gc.freeze();print(python_start.fork_floor({count}))"
    )
    done = subprocess.run(["/usr/bin/python3", "-B", "-c", program], stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


def run_burst(cluster, workers, granularity, seconds):
    """Seconds from the call to the last worker in user code, and where they went; every worker must run at once."""
    began = time.time()
    flare = cluster.flare("python-start", [{"seconds": seconds}] * workers, granularity=granularity)
    ended = cluster.wait_ended(flare, seconds=60)
    assert ended["state"] == "succeeded", ended["cause"]
    entered = [worker["function_started"] for worker in ended["workers"]]
    assert len(entered) == workers
    if max(entered) > min(worker["function_ended"] for worker in ended["workers"]):
        raise SystemExit(f"workers ended before all had started; give more than --sleep {seconds}")
    stages = {
        "entered": max(pack["entered"] for pack in ended["packs"]) - began,
        "loaded": max(pack["loaded"] for pack in ended["packs"]) - began,
        "first worker": min(worker["started"] for worker in ended["workers"]) - began,
        "last worker": max(worker["started"] for worker in ended["workers"]) - began,
    }
    cluster.wait_idle(30)
    return max(entered) - began, stages


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--gust", type=pathlib.Path, default=ROOT / "build/release/bin/gust")
    parser.add_argument("--driver", default="sandbox")
    parser.add_argument("--invokers", type=int, default=20)
    parser.add_argument("--slots", type=int, default=48)
    parser.add_argument("--workers", type=int, default=960)
    parser.add_argument("--granularity", type=int, default=48)
    parser.add_argument("--prewarm-python", type=int, default=0, help="interpreters that each invoker keeps ready")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--sleep", type=float, default=4.0, help="seconds that each worker stays in user code")
    options = parser.parse_args()

    floors, bursts = [], []
    with tempfile.TemporaryDirectory() as runtime:
        flags = ["--driver", options.driver, "--prewarm-python", options.prewarm_python]
        warm = options.prewarm_python * options.invokers
        with Cluster(
            options.gust.resolve(), runtime, *flags, invokers=options.invokers, slots=options.slots
        ) as cluster:
            cluster.deploy("python-start", CODE)
            run_burst(cluster, options.workers, options.granularity, options.sleep)  # warms up files and allocators
            run_floor(options.workers)
            for turn in range(options.repeat):
                floors.append(run_floor(options.workers))
                wait_for(lambda: cluster.status()["totals"]["prewarmed"] == warm, 60, "interpreters that wait")
                seconds, stages = run_burst(cluster, options.workers, options.granularity, options.sleep)
                bursts.append(seconds)
                shown = ", ".join(f"{name} {value * 1000:.0f}" for name, value in stages.items())
                print(
                    f"{turn + 1}: floor {floors[-1] * 1000:.0f} ms, burst {seconds * 1000:.0f} ms ({shown})", flush=True
                )
    floor, burst = statistics.median(floors), statistics.median(bursts)
    print(
        f"{options.workers} workers, granularity {options.granularity}, driver {options.driver}, medians of "
        f"{options.repeat}: floor {floor * 1000:.0f} ms, burst {burst * 1000:.0f} ms (from {min(bursts) * 1000:.0f} to "
        f"{max(bursts) * 1000:.0f}), ratio {burst / floor:.2f}"
    )


if __name__ == "__main__":
    main()
