"""`--help` of every command, found by walking the commands that each help names."""

import re

import pytest


def commands_of(gust, path=()):
    """All commands as tuples, those that only group others included."""
    text = gust(*path, "--help").stdout
    listed = re.search(r"^Subcommands:\n((?:  .*\n?)*)", text, re.MULTILINE)
    names = re.findall(r"^  ([a-z]+)\b", listed.group(1), re.MULTILINE) if listed else []
    return [path] * bool(path) + [found for name in names for found in commands_of(gust, (*path, name))]


def test_every_help_has_an_example(gust):
    commands = commands_of(gust)
    assert {("up",), ("controller",), ("invoker",), ("build",), ("deploy",), ("flare",), ("activation", "list"),
            ("activation", "get"), ("activation", "result"), ("status",), ("config",), ("bench", "startup"),
            ("bench", "floor"), ("bench", "invocations"), ("bench", "pair"), ("bench", "throughput"), ("bench", "collective"), ("stats",),
            ("plot", "startup"), ("plot", "simultaneity"), ("plot", "pair"), ("plot", "throughput"),
            ("plot", "collective"), ("image", "import"), ("image", "list"), ("image", "rm"), ("doctor",), ("queue",), ("cancel",),
            ("drain",), ("uncordon",), ("simulate",)} <= set(commands)  # fmt: skip
    for command in commands:
        done = gust(*command, "--help")
        assert done.returncode == 0
        assert re.search(r"Examples?:\n  \S", done.stdout), command
        assert f"gust {' '.join(command)}" in done.stdout, command


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_top(gust, flag):
    done = gust(flag)
    assert done.returncode == 0
    assert done.stdout.lower().startswith("gust")
