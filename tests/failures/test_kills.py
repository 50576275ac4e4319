"""SIGKILL to each part in the middle of a flare: the cause is known within a second, and nothing is left."""

import os
import shutil
import signal
import time

import pytest

from cluster import is_alive, wait_for

SOON = 1.0  # seconds within which the cause must have reached the client
WAITING = '{"do": "wait"}'


@pytest.fixture
def cluster(make_cluster, worker):
    with make_cluster("--controller-grace", "500ms", invokers=3, slots=8) as cluster:
        cluster.deploy("misbehave", worker("misbehave"))
        yield cluster


def start_waiting(cluster, workers, **query):
    """A flare whose workers wait for ever, all of them running."""
    return cluster.wait_running(cluster.flare("misbehave", [{"do": "wait"}] * workers, **query))


def kill(pid, how=signal.SIGKILL):
    os.kill(pid, how)
    return time.time()


def packs_gone(flare, seconds=5.0):
    for pack in flare["packs"]:
        wait_for(lambda pid=pack["pid"]: not is_alive(pid), seconds, f"the end of pack process {pack['pid']}")


def test_pack(cluster):
    other = start_waiting(cluster, 3, granularity=1)
    flare = start_waiting(cluster, 12, granularity=4)
    killed = kill(flare["packs"][1]["pid"])
    ended = cluster.wait_ended(flare["id"])
    assert ended["stamps"]["ended"] - killed < SOON
    assert ended["state"] == "failed"
    assert "pack 1 was killed by SIGKILL from outside" in ended["cause"]["message"]
    assert [pack["cause"] for pack in ended["packs"]] == ["stopped", "killed", "stopped"]
    packs_gone(flare)
    assert cluster.look(other["id"])["state"] == "running"
    assert cluster.status()["totals"]["free_slots"] == 21
    cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{other['id']}")
    cluster.wait_idle()


@pytest.mark.parametrize("part", ["invoker", "launcher"])
def test_invoker_or_its_launcher(cluster, part):
    """Takes the flares on it and no others; the cluster goes on without that invoker."""
    spread = start_waiting(cluster, 12, granularity=4)
    invokers = cluster.invoker_pids()
    on_one = start_waiting(cluster, 4, granularity=4)
    home = on_one["packs"][0]["invoker_name"]
    away = next(name for name in invokers if name != home)
    killed = kill(invokers[away] if part == "invoker" else cluster.launcher_pid(invokers[away]))
    ended = cluster.wait_ended(spread["id"])
    assert ended["stamps"]["ended"] - killed < SOON
    assert (ended["state"], ended["cause"]["code"]) == ("failed", "unavailable")
    assert f"({away}) was lost" in ended["cause"]["message"]
    assert sorted(pack["cause"] for pack in ended["packs"]) == ["invoker_lost", "stopped", "stopped"]
    packs_gone(spread)
    assert cluster.look(on_one["id"])["state"] == "running"
    assert set(cluster.invoker_pids()) == set(invokers) - {away}
    assert cluster.status()["totals"]["free_slots"] == 12
    wait_for(lambda: f"{away} (process" in cluster.errors(), 5, "gust up says which invoker ended")
    cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{on_one['id']}")
    cluster.wait_idle()
    done = cluster.gust("flare", "misbehave", "--workers", 16, "--param", '{"do": "print"}', "--wait")
    assert done.returncode == 0, done.stderr


def test_last_invoker(make_cluster, worker):
    """A cluster without invokers is over, and says so."""
    with make_cluster(invokers=1, slots=4) as cluster:
        kill(cluster.invoker_pids()["invoker-0"])
        assert cluster.up.wait(10) == 3
        assert "no invoker is left" in cluster.errors()


def test_controller(cluster):
    """The waiting client fails with its own exit code; gust up ends, and everything with it."""
    client = cluster.start("flare", "misbehave", "--workers", "12", "--granularity", "4", "--param", WAITING, "--wait")
    flare = wait_for(lambda: cluster.request("GET", "/api/v1/namespaces/_/flares").json(), 5, "the flare is there")
    flare = cluster.wait_running(flare[0]["id"])
    killed = kill(cluster.controller_pid())
    _, said = client.communicate(timeout=10)
    assert time.time() - killed < SOON
    assert client.returncode == 3
    assert cluster.endpoint in said
    assert cluster.up.wait(10) == 3
    assert "the controller (process" in cluster.errors() and "was killed by SIGKILL" in cluster.errors()
    packs_gone(flare)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_end_of_gust_up(cluster, how):
    """Ctrl-C and its relatives in the middle of a flare leave nothing, and end clients promptly."""
    client = cluster.start("flare", "misbehave", "--workers", "12", "--param", WAITING, "--wait")
    flare = wait_for(lambda: cluster.request("GET", "/api/v1/namespaces/_/flares").json(), 5, "the flare is there")
    flare = cluster.wait_running(flare[0]["id"])
    began = time.time()
    assert cluster.stop(how) == 0
    client.communicate(timeout=10)
    assert time.time() - began < 5
    assert client.returncode not in (0, None)
    packs_gone(flare)


def test_gust_up_killed(cluster):
    """Nobody is left to clean up after SIGKILL: yet no process stays."""
    flare = start_waiting(cluster, 12, granularity=1)
    kill(cluster.up.pid)
    cluster.up.wait(10)
    cluster.wait_no_processes(5)
    packs_gone(flare)
    kept = {path.name for path in cluster.state_dir.rglob("*") if path.is_file()}
    assert kept <= {"certificate.pem"}, "neither users' code nor sockets stay"
    shutil.rmtree(cluster.state_dir)
    cluster.up_file.unlink()


def test_ctrl_c_at_a_waiting_client_cancels(cluster):
    client = cluster.start("flare", "misbehave", "--workers", "20", "--param", WAITING, "--wait")
    flare = wait_for(lambda: cluster.request("GET", "/api/v1/namespaces/_/flares").json(), 5, "the flare is there")
    flare = cluster.wait_running(flare[0]["id"])
    client.send_signal(signal.SIGINT)
    _, said = client.communicate(timeout=10)
    assert client.returncode == 130
    assert "cancelled" in said
    assert cluster.look(flare["id"])["state"] == "cancelled"
    packs_gone(flare)
    cluster.wait_idle(1)
