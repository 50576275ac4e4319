"""A host is cut off, frozen or loses its invoker in the middle of a flare: known in time, with the cause, nothing stays."""

import signal
import time

import pytest

from cluster import is_alive, wait_for

SILENCE = 3.0  # seconds: the default of invoker_silence
SLACK = 1.0  # for a busy machine
AT_ONCE = 1.0  # where the kernel itself tells: a closed connection
INTERRUPTION = 0.3  # TCP sends again what it lost before either end gives up, after 1.5 s
VICTIM = 1


def start_waiting(cluster):
    """A flare that fills all hosts, a pack on each; its workers wait for ever."""
    workers = cluster.hosts.count * cluster.slots
    return cluster.wait_running(cluster.flare("misbehave", [{"do": "wait"}] * workers, granularity=cluster.slots))


def assert_lost(cluster, flare, when, within):
    """It fails in time and names the host; its other packs end; all capacity but the host's is free."""
    ended = cluster.wait_ended(flare["id"])
    assert ended["stamps"]["ended"] - when < within
    assert (ended["state"], ended["cause"]["code"]) == ("failed", "unavailable")
    assert f"(host-{VICTIM}) was lost" in ended["cause"]["message"]
    causes = {pack["invoker_name"]: pack["cause"] for pack in ended["packs"]}
    assert causes.pop(f"host-{VICTIM}") == "invoker_lost"
    assert set(causes.values()) == {"stopped"}
    status = cluster.status()
    assert f"host-{VICTIM}" not in {invoker["name"] for invoker in status["invokers"]}
    assert status["totals"]["free_slots"] == (cluster.hosts.count - 1) * cluster.slots
    assert status["totals"]["packs"] == 0
    assert status["flares"] == {"active": 0, "queued": 0}
    for pack in flare["packs"]:
        if pack["invoker_name"] != f"host-{VICTIM}":
            wait_for(lambda pid=pack["pid"]: not is_alive(pid), 5, f"the end of pack process {pack['pid']}")


def assert_whole_again(cluster, flare):
    """The host is back with all of its slots and without its old pack, and works."""
    cluster.wait_joined()
    for pack in flare["packs"]:
        wait_for(lambda pid=pack["pid"]: not is_alive(pid), 5, f"the end of pack process {pack['pid']}")
    cluster.wait_idle()
    workers = cluster.hosts.count * cluster.slots
    done = cluster.gust("flare", "misbehave", "--workers", workers, "--granularity", cluster.slots, "--param",
                        '{"do": "print"}', "--wait")  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("fault", ["cut", "cut_from", "cut_to"])
def test_network(cluster, hosts, fault):
    """Both ways, and each way alone: the half that still arrives must not count as a sign of life."""
    flare = start_waiting(cluster)
    getattr(hosts, fault)(VICTIM)
    try:
        assert_lost(cluster, flare, time.time(), SILENCE + SLACK)
    finally:
        hosts.heal(VICTIM)
    assert_whole_again(cluster, flare)


def test_frozen_invoker(cluster):
    """Its connection stays open, and its kernel goes on acknowledging."""
    flare = start_waiting(cluster)
    stopped = cluster.kill(VICTIM, signal.SIGSTOP)
    try:
        assert_lost(cluster, flare, stopped, SILENCE + SLACK)
    finally:
        cluster.kill(VICTIM, signal.SIGCONT)
    assert_whole_again(cluster, flare)


def test_killed_invoker(cluster):
    flare = start_waiting(cluster)
    assert_lost(cluster, flare, cluster.kill(VICTIM), AT_ONCE)
    cluster.invokers[VICTIM].wait()
    cluster.start_invoker(VICTIM)
    assert_whole_again(cluster, flare)


def test_a_short_interruption_is_survived(cluster, hosts):
    """Shorter than the silence that is allowed: the flare goes on, and orders still reach its host."""
    flare = start_waiting(cluster)
    hosts.cut(VICTIM)
    time.sleep(INTERRUPTION)
    hosts.heal(VICTIM)
    answer = cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{flare['id']}")
    assert answer.status == 200, answer.body
    assert cluster.wait_ended(flare["id"])["state"] == "cancelled"
    cluster.wait_idle()
    assert len(cluster.status()["invokers"]) == cluster.hosts.count


def test_lost_packets_of_new_connections(cluster, hosts):
    """The kernel sends them again after 1 s and after 3 s: workers that begin to talk meanwhile notice nothing."""
    workers = cluster.hosts.count * cluster.slots
    hosts.refuse_connections(VICTIM)
    try:
        flare = cluster.flare("talk", [{"do": "rounds", "count": 10}] * workers, granularity=cluster.slots)
        cluster.wait_running(flare)
        time.sleep(1.3)
    finally:
        hosts.heal(VICTIM)
    ended = cluster.wait_ended(flare)
    assert [worker["result"] for worker in ended["workers"]] == [10] * workers
    assert ended["stamps"]["ended"] - ended["stamps"]["running"] > 1.3, "no connection was opened meanwhile"


@pytest.mark.parametrize("heals", [True, False])
def test_one_way_between_two_hosts(cluster, hosts, heals):
    """Nobody is lost, as all talk to the controller: TCP sends again when it can, or the calls that wait fail with a cause."""
    workers = cluster.hosts.count * cluster.slots
    rounds = {"do": "rounds", "count": 150, "pause_ms": 20}
    flare = cluster.flare("talk", [rounds] * workers, granularity=cluster.slots)
    packs = cluster.wait_running(flare)["packs"]
    places = [int(pack["invoker_name"].removeprefix("host-")) for pack in packs]
    hosts.cut_way(VICTIM, places[(places.index(VICTIM) + 1) % len(places)])
    try:
        assert cluster.look(flare)["stamps"]["ended"] is None, "it had ended before"
        if heals:
            time.sleep(1)
            hosts.heal(VICTIM)
        ended = cluster.wait_ended(flare, 15)
    finally:
        hosts.heal(VICTIM)
    results = [entry["result"] for entry in ended["workers"]]
    if heals:
        assert results == [150] * workers
    else:
        known = ("waited for a message from it", "is lost")
        assert all(any(words in result["error"] for words in known) for result in results), results
    assert len(cluster.status()["invokers"]) == cluster.hosts.count
    cluster.wait_idle()
