"""Invokers without their controller: they look for it for the grace period, then end with their packs."""

import os
import signal
import subprocess
import threading
import time

import pytest

from apart import Apart
from cluster import is_alive, wait_for


@pytest.fixture
def apart(gust_bin, tmp_path):
    parts = Apart(gust_bin, tmp_path)
    parts.start_controller()
    try:
        yield parts
    finally:
        parts.kill_all()


def test_ends_after_the_grace_period(apart, worker):
    apart.start_invoker("lonely", "--controller-grace", "700ms")
    apart.wait_joined("lonely")
    apart.deploy("misbehave", worker("misbehave"))
    flare = apart.wait_running(apart.flare("misbehave", [{"do": "wait"}] * 4, granularity=2))
    client = apart.start("flare", "misbehave", "--workers", 4, "--param", '{"do": "wait"}', "--wait")
    wait_for(lambda: apart.status()["flares"]["queued"] == 1, 5, "the second flare waits")
    apart.controller.kill()
    killed = time.monotonic()
    _, said = client.communicate(timeout=5)
    assert time.monotonic() - killed < 1
    assert client.returncode == 3
    assert apart.endpoint in said
    for pack in flare["packs"]:
        wait_for(lambda pid=pack["pid"]: not is_alive(pid), 5, "the packs' end")
    assert apart.invokers["lonely"].wait(5) == 3
    assert 0.6 < time.monotonic() - killed < 4
    assert "controller" in apart.invokers["lonely"].stderr.read()
    apart.wait_no_processes(5)


def test_joins_a_controller_that_came_back(apart, worker):
    apart.start_invoker("lonely", "--controller-grace", "30s")
    apart.wait_joined("lonely")
    apart.controller.kill()
    apart.controller.communicate()
    apart.start_controller()
    apart.wait_joined("lonely")
    apart.deploy("task", worker("task"))
    done = apart.gust("flare", "task", "--workers", 4, "--wait")
    assert done.returncode == 0, done.stderr


def test_an_invoker_may_come_first(gust_bin, tmp_path):
    """It looks for its controller for the grace period, and says what it could not reach."""
    parts = Apart(gust_bin, tmp_path)
    done = parts.gust("invoker", "--controller", "127.0.0.1:1", "--controller-grace", "200ms", "--slots", 1)
    assert done.returncode == 3
    assert "127.0.0.1:1" in done.stderr


def test_gust_up_gives_its_controller_time_to_start(make_cluster, tmp_path):
    """The grace period is for a controller that was there: this one starts when somebody reads what it records."""
    record = tmp_path / "record"
    os.mkfifo(record)
    reader = threading.Timer(0.5, record.read_bytes)
    reader.daemon = True  # a controller that does not come to open it leaves it waiting
    reader.start()
    with make_cluster("--controller-grace", "100ms", "--record", record) as cluster:
        assert len(cluster.invoker_pids()) == 3
    reader.join()


@pytest.mark.parametrize(
    ("flags", "code", "fragment"),
    [(["--join-token", "guessed"], 4, "token"), (["--name", "lonely"], 2, "lonely")],
)
def test_refused_invokers(apart, tmp_path, flags, code, fragment):
    """A wrong join token, a name that is taken: refused at once, not after the grace period."""
    if code == 4:
        apart.controller.send_signal(signal.SIGTERM)
        apart.controller.communicate(timeout=10)
        apart.start_controller("--join-token", "the right one")
    else:
        apart.start_invoker("lonely", "--controller-grace", "30s")
        apart.wait_joined("lonely")
    second = subprocess.run(
        [apart.gust_bin, "invoker", "--controller", f"unix:{apart.runtime}/invokers.sock", "--slots", "4",
         "--controller-grace", "60s", *flags],
        env=apart.environment, capture_output=True, text=True, check=False, timeout=20)  # fmt: skip
    assert second.returncode == code, second.stderr
    assert fragment in second.stderr
