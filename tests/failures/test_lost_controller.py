"""Invokers that `gust up` did not start: they look for their controller for the grace period, then end with their packs."""

import contextlib
import json
import os
import signal
import subprocess
import time

import pytest

from cluster import Cluster, is_alive, wait_for

KEY = "test:0123456789abcdef"


class Apart(Cluster):
    """A controller and an invoker, each started by itself; ends are the test's to bring about."""

    def start_controller(self, *flags):
        ready, write_end = os.pipe()
        self.controller = self.start("controller", "--listen", "127.0.0.1:0", "--invoker-listen",
                                     f"unix:{self.runtime}/invokers.sock", "--state-dir", self.runtime / "controller",
                                     "--ready-fd", write_end, *flags, pass_fds=[write_end],
                                     env={**self.environment, "GUST_API_KEY": KEY})  # fmt: skip
        os.close(write_end)
        with os.fdopen(ready) as word:
            told = json.loads(word.read())
        self.endpoint, self.ca_file, self.key = told["endpoint"], told["certificate"], KEY
        self.port = int(self.endpoint.rsplit(":", 1)[1])

    def start_invoker(self, grace, *flags):
        self.invoker = self.start("invoker", "--controller", f"unix:{self.runtime}/invokers.sock", "--name", "lonely",
                                  "--slots", 4, "--memory", "4GB", "--controller-grace", grace, "--state-dir",
                                  self.state_dir, *flags)  # fmt: skip

    def wait_joined(self):
        wait_for(lambda: [entry["name"] for entry in self.status()["invokers"]] == ["lonely"], 10, "the invoker joins")


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
