"""What `./dev cluster` runs: a cluster of hosts that are network namespaces, and benchmarks, tests or a command on it."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import own_command  # noqa: E402
from host_cluster import HostCluster, Hosts  # noqa: E402

# One machine plays all hosts: a burst on one of them can keep the others' invokers from answering in time.
PATIENCE = ["--invoker-silence", "30s"]


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev cluster",
        description="Hosts on one machine: network namespaces on a bridge, an invoker in each, the controller beside the"
        " bridge. Runs COMMAND there, which finds the cluster by its environment; without one: how bursts start and"
        " workers talk across the hosts, then the failure tests. All of it is removed at the end. As root.",
        epilog="Example:\n  ./dev cluster 4 --rate 1gbit -- gust bench pair --endpoint https://127.0.0.1:3233",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("hosts", nargs="?", type=int, default=4, metavar="N", help="hosts (default: 4)")
    parser.add_argument("--slots", type=int, default=48, help="workers that each runs at once (default: 48)")
    parser.add_argument("--delay", help="of each packet on each link, each way: 1ms; needs a kernel with netem")
    parser.add_argument("--loss", help="of packets on each link, each way: 0.1%%")
    parser.add_argument("--rate", help="of each link, each way: 1gbit")
    chosen = own_command.parse(parser)
    if os.geteuid() != 0:
        parser.error("only root may make network namespaces; run it with sudo")
    return chosen


def benchmarks(hosts, slots):
    """Of the whole cluster: those that its hosts carry out, and what one host without links needs for the same."""
    here = ["--endpoint", "https://127.0.0.1:3233"]
    startup = ["gust", "bench", "startup", "--workers", str(hosts * slots), "--granularity", str(slots), "--repeat", "5",
               "--sleep", "0.5"]  # fmt: skip
    pack = min(slots, 4)
    return [
        ("start-up, invokers on hosts of their own", startup + here),
        ("start-up, as many invokers on one host", startup + ["--invokers", str(hosts), "--slots", str(slots)]),
        ("a pair of workers on two hosts", ["gust", "bench", "pair", "--payload", "64KiB,16MiB", *here]),
        (
            f"collectives over {hosts} hosts",
            ["gust", "bench", "collective", "--workers", str(hosts * pack), "--granularity", str(pack), "--payload", "64KiB", *here],
        ),
    ]  # fmt: skip


def run_all(environment, hosts, slots):
    for title, command in benchmarks(hosts, slots):
        print(f"== {title}\n{' '.join(command)}", flush=True)
        subprocess.run(command, env=environment, check=True)


def failure_tests(hosts):
    print(f"== failures of links and invokers, {hosts} hosts", flush=True)
    command = ["/usr/bin/python3", "-B", "-m", "pytest", "-q", ROOT / "tests/cluster_privileged"]
    return subprocess.run(command, env={**os.environ, "GUST_HOSTS": str(hosts)}, check=False).returncode


def main():
    chosen = arguments()
    own_command.end_as_by_ctrl_c()
    gust = ROOT / "build/release/bin/gust"
    with tempfile.TemporaryDirectory(prefix="gust-cluster-") as runtime:
        with Hosts(chosen.hosts, chosen.delay, chosen.loss, chosen.rate) as hosts:
            with HostCluster(gust, runtime, hosts, chosen.slots, PATIENCE) as cluster:
                print(
                    f"{chosen.hosts} hosts of {chosen.slots} slots; the controller is at {cluster.endpoint}", flush=True
                )
                environment = {**cluster.environment, "PATH": f"{gust.parent}:{os.environ['PATH']}"}
                if chosen.command:
                    return subprocess.run(chosen.command, env=environment, check=False).returncode
                run_all(environment, chosen.hosts, chosen.slots)
    return failure_tests(chosen.hosts)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, ValueError, OSError) as error:
        sys.exit(f"./dev cluster: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
