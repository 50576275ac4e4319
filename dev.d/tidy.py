"""Runs clang-tidy over C++ files, a processor each, and prints its findings and nothing else.

    tidy.py CLANG-TIDY BUILD-DIRECTORY FILE...

Files that the build compiles in a group are checked in that group: nearly all of the time goes into libraries' headers,
which a group reads once.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys


def sources_of(unit: pathlib.Path) -> list[pathlib.Path]:
    """Of what the compiler is given: a group (.cxx) includes its files, all else is one."""
    if unit.suffix != ".cxx":
        return [unit]
    return [pathlib.Path(name) for name in re.findall(r'^#include "(.*\.cc)"$', unit.read_text(), re.MULTILINE)]


def main() -> int:
    tidy, build = sys.argv[1], pathlib.Path(sys.argv[2])
    wanted = {pathlib.Path(name).resolve() for name in sys.argv[3:]}
    commands = json.loads((build / "compile_commands.json").read_text())
    compiled = sorted({pathlib.Path(command["file"]) for command in commands})
    units = [unit for unit in compiled if not wanted.isdisjoint(sources_of(unit))]

    def check(unit: pathlib.Path) -> str:
        run = subprocess.run(
            [tidy, "-p", build, "-quiet", "-header-filter=/(src|include/gust)/", unit],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return "" if run.returncode == 0 else run.stdout or run.stderr

    clean = True
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for findings in pool.map(check, units):
            clean = clean and not findings
            print(findings, end="", flush=True)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
