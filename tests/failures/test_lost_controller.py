"""Invokers that `gust up` did not start: they look for their controller for the grace period, then end with their packs."""

import contextlib
import signal
import subprocess
import time

import pytest

from apart import KEY, Apart
from cluster import is_alive, wait_for


@pytest.fixture
def apart(gust_bin, tmp_path, worker):
    parts = Apart(gust_bin, tmp_path)
    parts.state_dir = tmp_path / "invoker"
    parts.start_controller()
    parts.environment.update({"GUST_ENDPOINT": parts.endpoint, "GUST_API_KEY": KEY, "GUST_CA_FILE": parts.ca_file})
    try:
        yield parts
    finally:
        for process in (parts.controller, getattr(parts, "invoker", None)):
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                process.communicate()
        parts.wait_no_processes(5)


def test_ends_after_the_grace_period(apart, worker):
    apart.start_invoker("700ms")
    apart.wait_joined()
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
    assert apart.invoker.wait(5) == 3
    assert 0.6 < time.monotonic() - killed < 4
    assert "controller" in apart.invoker.stderr.read()
    apart.wait_no_processes(5)


def test_joins_a_controller_that_came_back(apart, worker):
    apart.start_invoker("30s")
    apart.wait_joined()
    apart.controller.kill()
    apart.controller.communicate()
    apart.start_controller()
    apart.environment.update({"GUST_ENDPOINT": apart.endpoint, "GUST_CA_FILE": apart.ca_file})
    apart.wait_joined()
    apart.deploy("task", worker("task"))
    done = apart.gust("flare", "task", "--workers", 4, "--wait")
    assert done.returncode == 0, done.stderr


def test_an_invoker_may_come_first(gust_bin, tmp_path):
    """It looks for its controller for the grace period, and says what it could not reach."""
    parts = Apart(gust_bin, tmp_path)
    done = parts.gust("invoker", "--controller", "127.0.0.1:1", "--controller-grace", "200ms", "--slots", 1)
    assert done.returncode == 3
    assert "127.0.0.1:1" in done.stderr


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
        apart.start_invoker("30s")
        apart.wait_joined()
    second = subprocess.run(
        [apart.gust_bin, "invoker", "--controller", f"unix:{apart.runtime}/invokers.sock", "--slots", "4",
         "--controller-grace", "60s", *flags],
        env=apart.environment, capture_output=True, text=True, check=False, timeout=20)  # fmt: skip
    assert second.returncode == code, second.stderr
    assert fragment in second.stderr
