#!/usr/bin/env python3
"""Checks that includes follow the order of modules.

The table in src/README.md lists the modules from the ground up: a file in src/<module>/ may include its own module's
headers and those of modules above it in the table. Headers in include/gust/ are for everybody and include nothing of
src/; so do examples. Prints one line for each include that breaks this, and exits with 1.
"""

import argparse
import pathlib
import re
import sys

TABLE_ROW = re.compile(r"^\|\s*`([a-z0-9_]+)`\s*\|")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
SOURCES = {".cc", ".h", ".c", ".hpp", ".cpp", ".inc"}


def read_order(readme):
    """The modules in the table's order; raises ValueError when the table cannot be the order."""
    if not readme.is_file():
        raise ValueError(f"{readme} is missing: its table is the order of the modules")
    rows = (TABLE_ROW.match(line) for line in readme.read_text().splitlines())
    order = [row.group(1) for row in rows if row]
    if not order:
        raise ValueError(f"{readme}: no table of modules; expected rows such as '| `base` | what it is for |'")
    twice = sorted({name for name in order if order.count(name) > 1})
    if twice:
        raise ValueError(f"{readme}: in the table twice: {', '.join(twice)}; one row a module")
    return order


def source_files(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in SOURCES)


def includes(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1), found.group(2)


def check_module(root, module, order):
    allowed = order[: order.index(module) + 1]
    for path in source_files(root / "src" / module):
        for number, quote, target in includes(path):
            place = f"{path.relative_to(root)}:{number}"
            first = target.split("/")[0]
            if first == "gust" or (quote == "<" and first not in order):
                continue
            if "/" not in target or first not in order:
                yield f'{place}: "{target}" names no module; write "module/header.h", as seen from src/'
            elif first not in allowed:
                yield (
                    f"{place}: {module} may not include {target}; it may include {', '.join(allowed)} "
                    "(the modules above it in src/README.md, and itself)"
                )


def check_public(root, order):
    """What users compile must do without src/."""
    for folder in (root / "include", root / "examples"):
        for path in source_files(folder):
            for number, _, target in includes(path):
                if "/" in target and target.split("/")[0] in order:
                    yield f"{path.relative_to(root)}:{number}: users do not have {target}; include only <gust/...>"


def check(root):
    try:
        order = read_order(root / "src" / "README.md")
    except ValueError as error:
        return [str(error)]
    problems = []
    for folder in sorted(path for path in (root / "src").iterdir() if path.is_dir()):
        if folder.name in order:
            problems += check_module(root, folder.name, order)
        elif source_files(folder):
            problems.append(
                f"src/{folder.name}: no row in the table of src/README.md; add one at its place in the order"
            )
    return problems + list(check_public(root, order))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default_root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--root", type=pathlib.Path, default=default_root, help="the tree to check (default: this one)")
    problems = check(parser.parse_args().root.resolve())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
