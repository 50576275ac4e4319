"""What the measurements of this folder share: running programs, comparing in turn."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess


class Skip(Exception):
    """Why something cannot be measured here."""


class Peers:
    """What the parts need: our program, and where results go."""

    def __init__(self, arguments, folder):
        self.gust_bin = pathlib.Path(arguments.gust).resolve()
        self.rounds = arguments.rounds
        self.quick = arguments.quick
        self.folder = folder
        self.rows = []

    def need(self, program, package):
        """The path of a program; Skip when it is not installed."""
        found = shutil.which(program)
        if found is None:
            raise Skip(f"{program} is not installed; apt install {package}")
        return found

    @staticmethod
    def run(*command, timeout=600, **options):
        """A command's standard output; fails with what it wrote to standard error."""
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False, timeout=timeout, **options
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout

    def bench(self, *arguments, prefix=(), env=None):
        """The runs of `gust bench`, as JSON."""
        out = self.run(*prefix, self.gust_bin, "bench", *arguments, "--json", env={**os.environ, **(env or {})})
        return json.loads(out)

    def compare(self, what, unit, ours, peer, budget):
        """Measures both in turn. `ours` and `peer` give one number a call; greater is better unless the unit is ms."""
        mine, theirs = [], []
        for _ in range(self.rounds):
            theirs.append(peer())
            mine.append(ours())
        a, b = statistics.median(mine), statistics.median(theirs)
        row = {
            "what": what,
            "unit": unit,
            "ours": a,
            "peer": b,
            "ratio": b / a if unit == "ms" else a / b,
            "budget": budget,
        }
        self.rows.append(row)
        print(format_row(row), flush=True)


def format_row(row):
    holds = "holds" if row["ratio"] >= row["budget"] else "MISSED"
    return (
        f"{row['what']:<44} {row['ours']:>11.3f} {row['peer']:>11.3f} {row['unit']:<6}"
        f"{row['ratio']:>7.2f} x  (budget {row['budget']:g} x: {holds})"
    )
