"""Flares that are lost with an invoker or a pack, and start again as a whole."""

import os
import signal

import pytest

from cluster import wait_for


@pytest.fixture
def cluster(make_cluster, worker):
    with make_cluster("--driver", "process", invokers=3, slots=8) as cluster:
        cluster.deploy("task", worker("task"))
        cluster.deploy("misbehave", worker("misbehave"))
        yield cluster


def awaiting(cluster, tmp_path, workers, **query):
    """A flare that runs until the file is there."""
    go = tmp_path / "go"
    flare = cluster.flare("task", [{"do": "await file", "file": str(go)}] * workers, **query)
    return go, cluster.wait_running(flare)


def wait_again(cluster, flare, seconds=20.0):
    wait_for(lambda: cluster.look(flare)["lost"], seconds, "the loss is noticed")
    return cluster.wait_running(flare)


def test_lost_invoker(cluster, tmp_path):
    """It finishes on those that are left, under the same ids; every worker has exactly one result."""
    go, flare = awaiting(cluster, tmp_path, 12, granularity=4, retries=1)
    away = flare["packs"][1]["invoker_name"]
    os.kill(cluster.invoker_pids()[away], signal.SIGKILL)
    again = wait_again(cluster, flare["id"])
    assert away not in [pack["invoker_name"] for pack in again["packs"]]
    go.touch()
    ended = cluster.wait_ended(flare["id"])
    assert ended["state"] == "succeeded", ended["cause"]
    assert [worker["result"]["worker"] for worker in ended["workers"]] == list(range(12))
    assert [entry["id"] for entry in ended["activations"]] == [entry["id"] for entry in flare["activations"]]
    assert [f"({away}) was lost" in attempt["cause"] for attempt in ended["lost"]] == [True]
    assert ended["retries"] == 1
    cluster.wait_idle()


def test_lost_pack(cluster, tmp_path):
    go, flare = awaiting(cluster, tmp_path, 8, granularity=4, retries=1)
    os.kill(flare["packs"][0]["pid"], signal.SIGKILL)
    wait_again(cluster, flare["id"])
    go.touch()
    ended = cluster.wait_ended(flare["id"])
    assert (ended["state"], len(ended["lost"])) == ("succeeded", 1)
    cluster.wait_idle()


def test_retries_are_counted(cluster, tmp_path):
    """The last loss is the flare's cause."""
    _, flare = awaiting(cluster, tmp_path, 8, granularity=4, retries=1)
    os.kill(flare["packs"][0]["pid"], signal.SIGKILL)
    again = wait_again(cluster, flare["id"])
    os.kill(again["packs"][1]["pid"], signal.SIGKILL)
    ended = cluster.wait_ended(flare["id"])
    assert (ended["state"], len(ended["lost"])) == ("failed", 1)
    assert "pack 1 was killed by SIGKILL" in ended["cause"]["message"]
    cluster.wait_idle()


def test_a_crash_is_not_a_loss(cluster):
    """The same workers would crash again."""
    flare = cluster.flare("misbehave", [{"do": "abort"}] * 2, retries=3)
    ended = cluster.wait_ended(flare)
    assert (ended["state"], ended["lost"]) == ("failed", [])
    cluster.wait_idle()


def test_no_room_to_start_again(make_cluster, worker, tmp_path):
    with make_cluster("--driver", "process", invokers=2, slots=4) as cluster:
        cluster.deploy("task", worker("task"))
        _, flare = awaiting(cluster, tmp_path, 8, granularity=4, retries=5)
        os.kill(cluster.invoker_pids()["invoker-1"], signal.SIGKILL)
        ended = cluster.wait_ended(flare["id"])
        assert ended["state"] == "failed"
        assert "(invoker-1) was lost" in ended["cause"]["message"]
        assert "it cannot start again: burst of 8 workers needs 8 slots" in ended["cause"]["message"]
        cluster.wait_idle()
