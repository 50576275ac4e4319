#!/usr/bin/env python3
"""What many machines cost: start-up on hosts of their own beside one host, the control traffic of a flare, idle invokers.

Hosts are network namespaces with a link each (tests/host_cluster.py); their invokers speak TLS with the controller. As root.

    bench/many_machines.py                       20 hosts of 48 slots, 200 idle invokers
    bench/many_machines.py --hosts 4 --idle 0
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from apart import Apart  # noqa: E402
from host_cluster import HostCluster, Hosts, run  # noqa: E402

GUST = ROOT / "build/release/bin/gust"
# One machine plays all hosts: a burst on one of them can keep the others' invokers from answering in time.
PATIENCE = ["--invoker-silence", "30s"]


def start_up(environment, workers, slots, sleep, *flags):
    """Seconds from the call to the last worker's start, and that in floors."""
    command = [
        GUST,
        "bench",
        "startup",
        "--workers",
        workers,
        "--granularity",
        slots,
        "--sleep",
        sleep,
        "--json",
        *flags,
    ]
    (one,) = json.loads(run(*command, env=environment))
    return one["max"], one["ratio_to_floor"]


def bytes_on_links(hosts):
    """Both ways, by way of all hosts' links, since they exist; without what frames and packets add."""
    links = json.loads(run("ip", "-n", hosts.hub, "-s", "-j", "link", "show"))
    counters = [link["stats64"] for link in links if link["ifname"].startswith("host")]
    return sum(counter[way]["bytes"] for counter in counters for way in ("rx", "tx"))


def control_traffic(cluster, hosts, slots):
    """Bytes of one flare of all slots, from its start until all is reported; the code is there already. What goes to and fro
    in as much time without a flare is not its."""
    source = cluster.runtime / "sleep.py"
    source.write_text("import time\ndef work(params, burst):\n    time.sleep(1)\n    return burst.worker_id\n")
    cluster.deploy("sleep_python", source, "--memory", "256MB")
    params = [{"n": n} for n in range(hosts.count * slots)]
    amounts = []
    for _ in range(4):
        cluster.wait_idle()
        time.sleep(1)
        idle_from, began = bytes_on_links(hosts), time.monotonic()
        time.sleep(3)
        idle = (bytes_on_links(hosts) - idle_from) / (time.monotonic() - began)
        before, began = bytes_on_links(hosts), time.monotonic()
        ended = cluster.wait_ended(cluster.flare("sleep_python", params, granularity=slots), 60)
        assert ended["state"] == "succeeded", ended["cause"]
        time.sleep(0.5)
        amounts.append(bytes_on_links(hosts) - before - idle * (time.monotonic() - began))
    return statistics.median(amounts[1:])  # the first one has carried the code


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_load(folder, count, seconds=20):
    """Part of a core that the controller takes while so many invokers have nothing to do."""
    parts = Apart(GUST, folder, environment={"GUST_JOIN_TOKEN": "0123456789abcdef"})
    parts.invoker_listen = "127.0.0.1:0"
    try:
        parts.start_controller()
        names = [f"idle-{number}" for number in range(count)]
        for name in names:
            parts.start_invoker(name, "--driver", "process", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        parts.wait_joined(*names, seconds=120)
        time.sleep(5)
        before, began = cpu_seconds(parts.controller.pid), time.monotonic()
        time.sleep(seconds)
        return (cpu_seconds(parts.controller.pid) - before) / (time.monotonic() - began)
    finally:
        parts.kill_all()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=20, help="with an invoker each (default: 20)")
    parser.add_argument("--slots", type=int, default=48, help="of each (default: 48)")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each start-up, in turn (default: 5)")
    parser.add_argument("--sleep", type=float, default=2, help="seconds that each worker sleeps (default: 2)")
    parser.add_argument(
        "--idle", type=int, default=200, help="invokers that do nothing; 0: not measured (default: 200)"
    )
    return parser.parse_args()


def main():
    chosen = arguments()
    workers = chosen.hosts * chosen.slots
    local = ["--invokers", chosen.hosts, "--slots", chosen.slots]
    with tempfile.TemporaryDirectory(prefix="gust-many-") as runtime, Hosts(chosen.hosts) as hosts:
        with HostCluster(GUST, runtime, hosts, chosen.slots, PATIENCE) as cluster:
            environment, here = cluster.environment, ["--endpoint", cluster.endpoint]
            apart, together = [], []
            for _ in range(chosen.repeat):
                apart.append(start_up(environment, workers, chosen.slots, chosen.sleep, *here))
                together.append(start_up(environment, workers, chosen.slots, chosen.sleep, *local))
            traffic = control_traffic(cluster, hosts, chosen.slots)
    for title, runs in ((f"{chosen.hosts} hosts, TLS", apart), (f"{chosen.hosts} invokers on one host", together)):
        seconds, ratios = zip(*runs)
        print(f"{title:<32}{statistics.median(seconds) * 1000:8.1f} ms{statistics.median(ratios):8.2f} x floor")
    ratio = statistics.median(a[0] for a in apart) / statistics.median(t[0] for t in together)
    print(f"{'hosts / one host':<32}{ratio:8.2f}")
    print(f"{f'control traffic, {workers} workers':<32}{traffic / 1000:8.1f} kB")
    if chosen.idle:
        with tempfile.TemporaryDirectory(prefix="gust-idle-") as folder:
            print(f"{f'{chosen.idle} idle invokers':<32}{idle_load(folder, chosen.idle) * 100:8.2f} % of a core")


if __name__ == "__main__":
    sys.exit(main())
