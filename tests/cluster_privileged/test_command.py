"""./dev cluster's program: what it runs, what it refuses, and that nothing is left of it however it ends."""

import os
import pathlib
import signal
import subprocess

import pytest

from cluster import is_alive, wait_for
from host_cluster import Hosts

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "dev.d/cluster.py"


def start(*arguments):
    return subprocess.Popen(["/usr/bin/python3", "-B", PROGRAM, *arguments], stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)  # fmt: skip


def namespaces_of(process):
    return list(pathlib.Path("/run/netns").glob(f"gust{process.pid}.*"))


def session(process):
    """Processes that it has started, and that theirs have."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and is_alive(entry.name):
            try:
                if os.getsid(int(entry.name)) == process.pid:
                    found.append(entry.name)
            except ProcessLookupError:
                pass
    return found


def test_runs_a_command(gust_bin):
    done = start("2", "--slots", "3", "--", "sh", "-c", "gust status && exit 7")
    said, errors = done.communicate(timeout=60)
    assert done.returncode == 7, errors
    assert "host-0" in said and "host-1" in said and "6 of 6 slots free" in said
    assert not namespaces_of(done) and not session(done)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_leaves_nothing(how):
    process = start("2", "--slots", "1", "--", "sh", "-c", "echo running; exec sleep infinity")
    assert "running" in (process.stdout.readline() + process.stdout.readline())
    assert len(namespaces_of(process)) == 3
    os.killpg(process.pid, how)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert not namespaces_of(process) and not session(process)


def test_killed():
    """Its processes end with it; its namespaces are removed by whoever makes some next."""
    process = start("1", "--slots", "1", "--", "sh", "-c", "echo running; exec sleep infinity")
    assert "running" in (process.stdout.readline() + process.stdout.readline())
    process.kill()
    process.wait()
    wait_for(lambda: set(session(process)) <= {the_command(process)}, 10, "the end of its cluster")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    with Hosts(1):
        assert not namespaces_of(process)


def the_command(process):
    return next(
        (pid for pid in session(process) if b"infinity" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()), ""
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["0"], "0 hosts: there can be 1 to 250"),
        (["2", "--loss", "half"], "loss 'half' is not a percentage between 0 and 100; write for example 0.1%"),
        (["2", "--rate", "fast"], "rate"),
        (["2", "true"], "'true' is not understood; a command comes after --"),
    ],
)
def test_refuses(arguments, said):
    process = start(*arguments)
    _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    assert said in errors
    assert not namespaces_of(process)
