#!/usr/bin/env python3
"""How many small blocking invocations of a C++ action a second a cluster on this machine answers over kept connections.

Each client is a process with one plain or TLS connection, and asks again as soon as it has been answered. Beside it, in the
same run and as often, the machine's floor: `gust bench floor` of as many containers of one worker, one after the other. An
invocation is a container of its own, so the floor is what a second has room for without Gust.

    bench/invocations.py                                 8 clients, TLS, driver process, nothing made ahead
    bench/invocations.py --driver sandbox --prewarm 8
"""

import argparse
import contextlib
import json
import multiprocessing
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from cluster import Cluster  # noqa: E402

TARGET = "/api/v1/namespaces/_/actions/small?blocking=true&result=true"


def ask(cluster, tls, began, ends, results):
    """One client: gives how often it was answered between `began` and `ends`, and the processor time that took."""
    headers = {"Authorization": cluster.authorization()}
    latencies = []
    with contextlib.closing(cluster.connect(tls)) as connection:
        connection.connect()
        time.sleep(max(0.0, began - time.time()))
        while time.time() < ends:
            asked = time.perf_counter()
            connection.request("POST", TARGET, b"{}", headers)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200 and json.loads(body), body
            latencies.append(time.perf_counter() - asked)
    results.put((latencies, time.process_time()))


def measure(cluster, clients, seconds, tls):
    began = time.time() + 1.0
    results = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=ask, args=(cluster, tls, began, began + seconds, results))
        for _ in range(clients)
    ]
    for process in processes:
        process.start()
    answers = [results.get() for _ in processes]
    for process in processes:
        process.join()
    latencies = sorted(value for values, _ in answers for value in values)
    return latencies, sum(used for _, used in answers)


def floor(gust):
    """Containers of one worker a second that the bare calls create, nothing else."""
    command = [gust, "bench", "floor", "--workers", "960", "--granularity", "1", "--repeat", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return 960 / json.loads(done.stdout)[0]["max"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--gust", type=pathlib.Path, default=ROOT / "build/release/bin/gust")
    parser.add_argument("--driver", default="process")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--prewarm", type=int, default=0)
    parser.add_argument("--plain", action="store_true", help="HTTP instead of TLS")
    options = parser.parse_args()
    rates, floors = [], []
    with tempfile.TemporaryDirectory() as runtime:
        flags = ["--driver", options.driver, "--prewarm", str(options.prewarm)]
        with Cluster(options.gust.resolve(), runtime, *flags, invokers=1, slots=4 * options.clients) as cluster:
            cluster.deploy("small", options.gust.resolve().parent.parent / "examples/hello.so")
            measure(cluster, options.clients, 1, not options.plain)
            for turn in range(options.repeat):
                latencies, used = measure(cluster, options.clients, options.seconds, not options.plain)
                rates.append(len(latencies) / options.seconds)
                floors.append(floor(options.gust))
                print(
                    f"{turn + 1}: floor {floors[-1]:.0f} containers a second, {rates[-1]:.0f} invocations, median "
                    f"{latencies[len(latencies) // 2] * 1000:.2f} ms, p99 "
                    f"{latencies[len(latencies) * 99 // 100] * 1000:.2f} ms; the clients used {used:.1f} s of processors",
                    flush=True,
                )
            cluster.wait_idle(30)
    rate, bare = statistics.median(rates), statistics.median(floors)
    print(
        f"{options.clients} clients, driver {options.driver}, medians of {options.repeat}: {rate:.0f} invocations a second, "
        f"floor {bare:.0f}, ratio {bare / rate:.2f}"
    )


if __name__ == "__main__":
    main()
