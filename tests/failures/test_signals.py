"""Signals that come to all of an invoker's processes, as those of a terminal and of Slurm do."""

import os
import signal

import pytest

from apart import Apart


@pytest.fixture
def apart(gust_bin, tmp_path, worker):
    parts = Apart(gust_bin, tmp_path)
    parts.start_controller()
    parts.start_invoker("alone", start_new_session=True)
    parts.wait_joined("alone")
    parts.deploy("misbehave", worker("misbehave"))
    try:
        yield parts
    finally:
        parts.kill_all()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_launcher_leaves_the_answer_to_its_invoker(apart, number):
    """It goes on for as long as its invoker does."""
    invoker = apart.invokers["alone"]
    os.kill(apart.launcher_pid(invoker.pid), number)
    done = apart.gust("flare", "misbehave", "--workers", 4, "--param", '{"do": "print"}', "--wait")
    assert done.returncode == 0, done.stderr
    assert invoker.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_whole_group(apart, number):
    """A stop like any other: no complaint, and nothing left, in the middle of a flare too."""
    invoker = apart.invokers["alone"]
    flare = apart.wait_running(apart.flare("misbehave", [{"do": "wait"}] * 4, granularity=2))
    os.killpg(invoker.pid, number)
    assert invoker.wait(10) == 0
    assert invoker.stderr.read() == ""
    assert "(alone) was lost" in apart.wait_ended(flare["id"])["cause"]["message"]
    left = [path for path in (apart.state_dir / "alone").rglob("*") if not path.is_dir()]
    assert not left
