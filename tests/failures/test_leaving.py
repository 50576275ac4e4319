"""An invoker that is to go lets what runs there end: its successor takes over and no flare is lost."""

import signal
import time

import pytest

from apart import Apart
from cluster import wait_for


@pytest.fixture
def apart(gust_bin, tmp_path, worker):
    parts = Apart(gust_bin, tmp_path)
    parts.start_controller()
    parts.start_invoker("old", "--drain-time", "30s", "--driver", "process")
    parts.wait_joined("old")
    parts.deploy("task", worker("task"))
    parts.deploy("misbehave", worker("misbehave"))
    try:
        yield parts
    finally:
        parts.kill_all()


def sleepers(apart, seconds, workers=4):
    return apart.flare("task", [{"do": "sleep", "seconds": seconds}] * workers, granularity=2)


def test_it_is_replaced_without_a_loss(apart):
    running = sleepers(apart, 1.5)
    apart.wait_running(running)
    waiting = sleepers(apart, 0, workers=2)
    old = apart.invokers["old"]
    old.send_signal(signal.SIGTERM)
    wait_for(lambda: apart.status()["invokers"][0]["drained"], 5, "the invoker is drained")
    apart.start_invoker("new", "--driver", "process")
    assert apart.wait_ended(waiting)["packs"][0]["invoker_name"] == "new"
    assert old.poll() is None
    assert apart.wait_ended(running)["state"] == "succeeded"
    assert old.wait(5) == 0
    apart.wait_joined("new")


def test_it_ends_at_once_when_nothing_runs(apart):
    began = time.monotonic()
    apart.invokers["old"].send_signal(signal.SIGTERM)
    assert apart.invokers["old"].wait(5) == 0
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(apart, second):
    flare = apart.flare("misbehave", [{"do": "wait"}] * 2, granularity=2)
    apart.wait_running(flare)
    old = apart.invokers["old"]
    old.send_signal(signal.SIGTERM)
    wait_for(lambda: apart.status()["invokers"][0]["drained"], 5, "the invoker is drained")
    old.send_signal(second)
    assert old.wait(5) == 0
    assert "was lost" in apart.wait_ended(flare)["cause"]["message"]


def test_it_does_not_wait_for_ever(apart):
    apart.start_invoker("short", "--drain-time", "300ms", "--driver", "process")
    apart.wait_joined("old", "short")
    flares = [apart.flare("misbehave", [{"do": "wait"}] * 4, granularity=4) for _ in range(2)]
    for flare in flares:
        apart.wait_running(flare)
    apart.invokers["short"].send_signal(signal.SIGTERM)
    assert apart.invokers["short"].wait(5) == 0
    assert sorted(apart.look(flare)["state"] for flare in flares) == ["failed", "running"]


def test_drain_waits(apart):
    flare = sleepers(apart, 1)
    apart.wait_running(flare)
    done = apart.gust("drain", "--wait", "old")
    assert done.returncode == 0, done.stderr
    assert apart.look(flare)["state"] == "succeeded"
    assert "drained" in apart.gust("status").stdout
