"""Flares outlive their controller: the next one with its state takes them up from the invokers, and each has one outcome."""

import contextlib
import json
import signal
import threading
import time

import pytest

from cluster import is_alive, wait_for

FLARES = "/api/v1/namespaces/_/flares"
ACTIVATIONS = "/api/v1/namespaces/_/activations"
INVOKERS = ("node-a", "node-b", "node-c")


@pytest.fixture
def cluster(apart, worker):
    for name in INVOKERS:
        apart.start_invoker(name, "--controller-grace", "60s", "--driver", "process")
    apart.wait_joined(*INVOKERS)
    apart.deploy("long_run", worker("long_run"))
    return apart


def start(cluster, seconds, workers=8, talk=True, **query):
    return cluster.flare("long_run", [{"seconds": seconds, "talk": talk}] * workers, granularity=2, **query)


def end_controller(cluster, how=signal.SIGKILL):
    cluster.controller.send_signal(how)
    cluster.controller.communicate(timeout=10)


def assert_succeeded(cluster, flare, workers=8, talk=True):
    ended = cluster.wait_ended(flare)
    assert ended["state"] == "succeeded", ended["cause"]
    results = [entry["result"] for entry in ended["workers"]]
    assert results == [{"worker": n, "sum": sum(range(workers)) if talk else 0} for n in range(workers)]
    return ended


def log_lines(cluster, flare):
    ids = [entry["id"] for entry in cluster.look(flare)["activations"]]
    lines = []
    for activation in ids:
        lines += cluster.request("GET", f"{ACTIVATIONS}/{activation}/logs").json()["logs"]
    return sorted(line.split(" ", 2)[2].strip() for line in lines)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_notice_nothing(cluster, how):
    """Packs go on, talk to each other, and what they wrote is told once."""
    running = start(cluster, 2)
    before = cluster.wait_running(running)
    waiting = start(cluster, 0, workers=12)
    assert cluster.look(waiting)["state"] == "queued"
    end_controller(cluster, how)
    time.sleep(0.3)
    assert all(is_alive(pack["pid"]) for pack in before["packs"])
    cluster.start_with_state()
    after = assert_succeeded(cluster, running)
    assert [pack["pid"] for pack in after["packs"]] == [pack["pid"] for pack in before["packs"]]
    assert [entry["started"] for entry in after["workers"]] == [entry["started"] for entry in before["workers"]]
    assert log_lines(cluster, running) == sorted(f"{word} from {n}" for word in ("hello", "goodbye") for n in range(8))
    assert_succeeded(cluster, waiting, workers=12)
    cluster.wait_idle()


def test_what_ends_meanwhile_is_told_later(cluster):
    flare = start(cluster, 0.5, talk=False)
    packs = cluster.wait_running(flare)["packs"]
    end_controller(cluster)
    wait_for(lambda: not any(is_alive(pack["pid"]) for pack in packs), 10, "the packs' end")
    cluster.start_with_state()
    assert_succeeded(cluster, flare, talk=False)
    assert len(log_lines(cluster, flare)) == 16
    # And once more: it has ended now, and that is written.
    cluster.wait_idle()
    end_controller(cluster, signal.SIGTERM)
    cluster.start_with_state()
    assert_succeeded(cluster, flare, talk=False)
    assert cluster.request("GET", f"{ACTIVATIONS}?count=true").json()["activations"] == 4


@pytest.mark.parametrize("retries", [0, 1])
def test_an_invoker_that_died_meanwhile(cluster, retries):
    flare = start(cluster, 1.5, workers=4, retries=retries)
    packs = cluster.wait_running(flare)["packs"]
    end_controller(cluster)
    name = packs[0]["invoker_name"]
    cluster.invokers[name].kill()
    cluster.start_with_state()
    ended = cluster.wait_ended(flare)
    if retries:
        assert_succeeded(cluster, flare, workers=4)
        assert name not in [pack["invoker_name"] for pack in ended["packs"]]
    else:
        assert ended["state"] == "failed"
        assert "did not come back" in ended["cause"]["message"]
    cluster.wait_joined(*(set(INVOKERS) - {name}))
    cluster.wait_idle()


def test_a_time_limit_holds_over_the_restart(cluster, worker):
    cluster.deploy("short", worker("long_run"), "--timeout", "1500ms")
    flare = cluster.flare("short", [{"seconds": 60}] * 4, granularity=2)
    cluster.wait_running(flare)
    end_controller(cluster)
    began = time.monotonic()
    cluster.start_with_state()
    assert cluster.wait_ended(flare)["state"] == "timed_out"
    assert time.monotonic() - began < 5
    cluster.wait_idle()


def test_packs_end_when_no_controller_comes(apart, worker):
    apart.start_invoker("lonely", "--controller-grace", "500ms", "--driver", "process")
    apart.wait_joined("lonely")
    apart.deploy("long_run", worker("long_run"))
    flare = start(apart, 60, workers=2)
    packs = apart.wait_running(flare)["packs"]
    end_controller(apart)
    wait_for(lambda: not any(is_alive(pack["pid"]) for pack in packs), 5, "the packs' end")
    assert apart.invokers["lonely"].wait(5) == 3
    apart.start_with_state()
    assert apart.wait_ended(flare)["state"] == "failed"


def accept_flares(cluster, stop, accepted):
    """Starts flares one after the other, whatever happens to the controller."""
    number = 0
    while not stop.is_set():
        number += 1
        body = {"value": [{"seconds": (number % 4) * 0.1}] * 4}
        with contextlib.suppress(OSError, json.JSONDecodeError):
            answer = cluster.request(
                "POST", "/api/v1/namespaces/_/actions/long_run?burst=true&granularity=2", json.dumps(body)
            )
            if answer.status == 202:
                accepted.append(answer.json()["flareId"])
        time.sleep(0.02)


def test_no_accepted_flare_is_lost_by_many_kills(cluster):
    accepted, stop = [], threading.Event()
    client = threading.Thread(target=accept_flares, args=(cluster, stop, accepted))
    client.start()
    try:
        for number in range(8):
            time.sleep(0.3 + 0.07 * number)
            end_controller(cluster)
            cluster.start_with_state()
    finally:
        stop.set()
        client.join()
    assert len(accepted) > 8
    for flare in accepted:
        assert_succeeded(cluster, flare, workers=4)
    assert len(set(accepted)) == len(accepted)
    cluster.wait_joined(*INVOKERS)
    cluster.wait_idle()


def ready(cluster):
    answer = cluster.request("GET", "/ready", headers={"Authorization": None})
    return answer.status, answer.body.decode()


def test_it_is_ready_when_those_that_it_waits_for_are_back(cluster):
    assert ready(cluster) == (200, "ready")
    flare = start(cluster, 1)
    cluster.wait_running(flare)
    frozen = cluster.invokers[cluster.look(flare)["packs"][0]["invoker_name"]]
    frozen.send_signal(signal.SIGSTOP)
    end_controller(cluster)
    cluster.start_with_state()
    status, reason = ready(cluster)
    assert status == 503 and "invokers" in reason, reason
    frozen.send_signal(signal.SIGCONT)
    wait_for(lambda: ready(cluster)[0] == 200, 10, "it is ready")
    assert_succeeded(cluster, flare)
