#!/usr/bin/env python3
"""Measures how workers talk beside what others reach on the same machine, in turn, and prints the ratios.

  ./dev build && bench/peers/run.py
  bench/peers/run.py --only mpi --rounds 5

Each round measures ours and the peer one after the other, so that both see the same neighbours; what is shown are the
medians of all rounds. What a machine lacks is skipped, and said so. Nothing is left behind.
"""

import argparse
import json
import pathlib
import signal
import sys
import tempfile

import brokers
import mpi
import tcp
from peers import Peers, Skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = {
    "one-host": tcp.one_host,
    "two-hosts": tcp.two_hosts,
    "mpi": mpi.collectives,
    "redis": brokers.redis,
    "rabbitmq": brokers.rabbitmq,
    "s3": brokers.s3,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gust", default=ROOT / "build/release/bin/gust", help="the program to measure")
    parser.add_argument("--only", action="append", choices=sorted(PARTS), help="one part; may be given several times")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each (3)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see whether it runs")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON at the end")
    arguments = parser.parse_args()
    if not pathlib.Path(arguments.gust).exists():
        parser.error(f"{arguments.gust} is not there: build it first (./dev build), or name another one with --gust")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    print(f"{'':<44} {'ours':>11} {'peer':>11} {'':<6}{'ratio':>7}    (greater is better for us)")
    with tempfile.TemporaryDirectory(prefix="gust-peers-") as folder:
        peers = Peers(arguments, pathlib.Path(folder))
        for name in arguments.only or PARTS:
            try:
                PARTS[name](peers)
            except Skip as why:
                print(f"skipped {name}: {why}", flush=True)
    if arguments.json:
        json.dump(peers.rows, sys.stdout, indent=2)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
