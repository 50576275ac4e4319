"""The wall clock is set while flares run: nothing ends early, nothing late, and nothing is lost.

libfaketime shows controller and invoker a wall clock that the test sets, and the machine's own steady one. Packs, which get an
environment of their own, see the machine's: their host's clock differs from the controller's, as hosts' clocks do.
"""

import pathlib
import time

import pytest

from apart import Apart
from cluster import wait_for

HOUR = 3600


@pytest.fixture
def apart(gust_bin, tmp_path, worker):
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    fake = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": 1, "DONT_FAKE_MONOTONIC": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1}  # fmt: skip
    parts = Apart(gust_bin, tmp_path, environment={name: str(value) for name, value in fake.items()})
    parts.set_clock = lambda seconds: clock.write_text(f"{seconds:+d}\n")
    parts.start_controller()
    parts.start_invoker("a", "--driver", "process", slots=4)
    parts.start_invoker("b", "--driver", "process", slots=4)
    parts.wait_joined("a", "b")
    parts.deploy("task", worker("task"))
    try:
        yield parts
    finally:
        parts.kill_all()


def controller_says(apart):
    """The wall clock of the controller, less ours."""
    flare = apart.wait_ended(apart.flare("task", [{}], granularity=1))
    return flare["stamps"]["received"] - time.time()


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
def test_flares_that_run_go_on(apart, step):
    flare = apart.flare("task", [{"do": "sleep", "seconds": 2}] * 8, granularity=2)
    apart.wait_running(flare)
    apart.set_clock(step)
    ended = apart.wait_ended(flare)
    assert ended["state"] == "succeeded", ended["cause"]
    assert set(apart.invoker_pids()) == {"a", "b"}, "nobody was lost"
    assert abs(controller_says(apart) - step) < 60, "the controller has seen the step"


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
def test_time_limits_hold(apart, worker, step):
    """The limit is a time that passes, not one that the wall clock shows."""
    apart.deploy("misbehave", worker("misbehave"), "--timeout", "3s")
    began = time.monotonic()
    flare = apart.flare("misbehave", [{"do": "wait"}] * 2, granularity=2)
    apart.wait_running(flare)
    apart.set_clock(step)
    assert apart.wait_ended(flare)["state"] == "timed_out"
    assert 2.9 < time.monotonic() - began < 8


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
def test_flares_that_wait_start(apart, step):
    running = apart.flare("task", [{"do": "sleep", "seconds": 1.5}] * 8, granularity=4)
    apart.wait_running(running)
    waiting = apart.flare("task", [{}] * 8, granularity=4)
    apart.set_clock(step)
    assert apart.wait_ended(running)["state"] == "succeeded"
    assert apart.wait_ended(waiting)["state"] == "succeeded"
    wait_for(lambda: all(invoker["free_slots"] == 4 for invoker in apart.status()["invokers"]), 5, "all slots are free")
