#!/usr/bin/env python3
"""Checks what can be seen in the text of code: no file over 600 lines, no notes about unfinished work."""

import pathlib
import re
import sys

LONGEST = 600
SUFFIXES = {".cc", ".h", ".c", ".py", ".sh", ".cmake", ".proto", ".R"}
NAMES = {"dev", "run", "CMakeLists.txt"}
FOLDERS = ("src", "include", "examples", "bench", "tests", "cmake", "dev.d", "deploy", "python", ".ci")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def code_files(root):
    yield root / "dev"
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and (path.suffix in SUFFIXES or path.name in NAMES):
                yield path


def problems(root):
    for path in code_files(root):
        name = path.relative_to(root)
        lines = path.read_text(errors="replace").splitlines()
        if len(lines) > LONGEST:
            yield f"{name}: {len(lines)} lines, the most is {LONGEST}; split it, one idea a file"
        for number, line in enumerate(lines, 1):
            mark = UNFINISHED.search(line)
            if mark:
                yield f"{name}:{number}: {mark.group(1)} in code; finish it, or open an issue and take the mark out"


def main():
    found = list(problems(pathlib.Path(__file__).resolve().parent.parent))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
