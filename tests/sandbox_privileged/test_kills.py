"""SIGKILL to an invoker, and to its launcher as well, in the middle of many starts: nothing runs on, nothing stays."""

import contextlib
import os
import pathlib
import signal
import time

import pytest

from cluster import is_alive, wait_for

WORKERS = 960


@pytest.fixture
def cluster(make_cluster, worker):
    with make_cluster("--driver", "sandbox", "--memory", "40GB", invokers=2, slots=WORKERS // 2) as cluster:
        cluster.deploy("misbehave", worker("misbehave"), "--memory", "64MB")
        yield cluster


def groups_of(launcher):
    return [path for path in pathlib.Path("/sys/fs/cgroup").rglob(f"gust-{launcher}")]


def sandboxed(launcher):
    """Ids of the processes in sandboxes of this launcher, and of itself."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and is_alive(entry.name):
                if f"/gust-{launcher}/" in (entry / "cgroup").read_text() or entry.name == str(launcher):
                    found.append(int(entry.name))
    return found


def mounts():
    """All but other tests' network namespaces."""
    lines = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if " /run/netns" not in line]


@pytest.mark.parametrize("with_launcher", [False, True])
def test_in_the_middle_of_960_starts(cluster, with_launcher):
    before = mounts()
    victim = cluster.invoker_pids()["invoker-0"]
    launcher = cluster.launcher_pid(victim)
    if not groups_of(launcher):
        pytest.skip("no cgroups here, by which the processes of a sandbox could be told")
    flare = cluster.flare("misbehave", [{"do": "wait"}] * WORKERS, granularity=1)
    wait_for(lambda: len(sandboxed(launcher)) > 50, 20.0, "fifty sandboxes")
    if with_launcher:
        os.kill(launcher, signal.SIGKILL)
    os.kill(victim, signal.SIGKILL)
    started = len(sandboxed(launcher))
    wait_for(lambda: not sandboxed(launcher), 10.0, "the end of every sandbox")
    assert started < WORKERS // 2 + 1

    ended = cluster.wait_ended(flare)
    assert ended["state"] == "failed"
    assert "invoker 0 (invoker-0) was lost" in ended["cause"]["message"]
    assert mounts() == before
    # The launcher cleans up itself when it can; otherwise the next one on this machine does, whoever starts it.
    if with_launcher:
        assert groups_of(launcher)
        successor = cluster.start(
            "invoker", "--controller", f"unix:{cluster.state_dir}/invokers.sock", "--name", "invoker-0",
            "--state-dir", cluster.state_dir / "invoker-0", "--slots", 8, "--memory", "1GB", "--driver", "sandbox",
        )  # fmt: skip
        wait_for(lambda: "invoker-0" in cluster.invoker_pids(), 10.0, "the successor")
        wait_for(lambda: not groups_of(launcher), 5.0, "the removal of its cgroups")
        run = cluster.gust_json(
            "flare",
            "misbehave",
            "--workers",
            4,
            "--granularity",
            4,
            "--param",
            '{"do": "wait", "worker": 99}',
            "--wait",
        )
        assert run["state"] == "succeeded"
        successor.send_signal(signal.SIGTERM)
        assert successor.wait(10) == 0
    else:
        wait_for(lambda: not groups_of(launcher), 10.0, "the removal of its cgroups")


def test_prewarmed_ones_end_with_their_invoker(make_cluster, worker):
    with make_cluster("--driver", "sandbox", "--prewarm", 4, "--memory", "4GB", invokers=2, slots=16) as cluster:
        wait_for(lambda: cluster.status()["totals"]["prewarmed"] == 8, 20.0, "pre-warmed containers")
        cluster.deploy("task", worker("task"))
        began = time.time()
        run = cluster.gust_json("flare", "task", "--workers", 32, "--granularity", 8, "--wait")
        assert [pack["prewarmed"] for pack in run["packs"]] == [True] * 4
        assert all(pack["launched"] >= began for pack in run["packs"]), "not before they were asked for"
        wait_for(lambda: cluster.status()["totals"]["prewarmed"] == 8, 20.0, "others in their place")
        victim = cluster.invoker_pids()["invoker-1"]
        launcher = cluster.launcher_pid(victim)
        assert len(sandboxed(launcher)) == 5
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: not sandboxed(launcher), 10.0, "the end of every pre-warmed container")
        assert cluster.status()["totals"]["prewarmed"] == 4
