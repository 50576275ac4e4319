#!/usr/bin/env python3
"""Prints the commands of a Markdown file's code blocks that are marked for CI, one a line.

Such a block opens with "```sh ci". Comments and blank lines are left out; a file that is not there has none.
"""

import pathlib
import sys


def commands(text):
    inside = False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("```"):
            inside = not inside and line.split()[1:] == ["ci"]
        elif inside and line and not line.startswith("#"):
            yield line.removeprefix("$ ").split(" #")[0].rstrip()


def main():
    path = pathlib.Path(sys.argv[1])
    if path.is_file():
        for command in commands(path.read_text()):
            print(command)


if __name__ == "__main__":
    main()
