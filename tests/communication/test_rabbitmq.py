"""Flares whose packs talk by way of a RabbitMQ broker: the same results as over tcp, and nothing left in it."""

import json
import os
import signal
import time

import pytest

from cluster import wait_for
from rabbit_server import PASSWORD, RabbitServer

TWO_THAT_WAIT = [{"do": "receive", "peer": 1}, {"do": "receive", "peer": 0}]


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with RabbitServer(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(make_cluster, broker, worker):
    with make_cluster(invokers=2, slots=24, environment={"GUST_RABBITMQ": broker.uri}) as cluster:
        cluster.deploy("talk", worker("talk"), "--timeout", "100s")
        yield cluster


def start(cluster, *params, **query):
    return cluster.flare("talk", list(params), **{"granularity": 1, "backend": "rabbitmq", **query})


def talk(cluster, *params, **query):
    return cluster.wait_ended(start(cluster, *params, **query), 60)


def results(flare):
    assert flare["state"] == "succeeded", flare["cause"]
    for worker in flare["workers"]:
        assert worker["state"] == "returned", str(worker)
    return [worker["result"] for worker in flare["workers"]]


def two_that_wait(cluster, broker):
    flare = start(cluster, *TWO_THAT_WAIT)
    wait_for(lambda: len(broker.queues()) >= 2, 60, "packs that have begun to talk")
    return flare


@pytest.mark.parametrize(("workers", "granularity"), [(2, 1), (13, 5), (48, 24)])
def test_results_are_those_of_tcp(cluster, broker, workers, granularity):
    def run(what, **query):
        return results(talk(cluster, *[{"do": what}] * workers, granularity=granularity, **query))

    for what in ("everything", "fractions"):
        assert run(what, chunk_size=4) == run(what, backend="tcp")
    broker.wait_empty()


def test_a_crash_wakes_those_that_wait_and_leaves_nothing(cluster, broker):
    ended = talk(
        cluster,
        {"do": "receive", "peer": 1},
        {"do": "crash when peer waits", "peer": 2},
        {"do": "send", "peer": 1},
    )
    assert "worker 1 crashed with SIGSEGV" in ended["cause"]["message"]
    assert "worker 1" in str(ended["workers"][0])
    broker.wait_empty()


def test_ends_are_known_in_other_packs(cluster, broker):
    ended = talk(cluster, {"do": "fail"}, {"do": "receive", "peer": 0})
    assert "worker 0 has ended" in str(ended["workers"][1])
    assert results(talk(cluster, {"do": "receive", "peer": 1}, {"do": "send", "peer": 0})) == [1, "sent"]
    broker.wait_empty()


def test_a_cancelled_flare_and_a_killed_pack_leave_nothing(cluster, broker):
    flare = two_that_wait(cluster, broker)
    assert cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{flare}").status == 200
    broker.wait_empty()
    flare = two_that_wait(cluster, broker)
    os.kill(cluster.wait_running(flare)["packs"][0]["pid"], signal.SIGKILL)
    assert cluster.wait_ended(flare)["state"] == "failed"
    broker.wait_empty()


def test_a_broker_that_lost_its_queues_fails_the_calls_with_the_cause(cluster, broker):
    flare = two_that_wait(cluster, broker)
    cluster.wait_running(flare)
    broker.kill()
    broker.start()
    ended = cluster.wait_ended(flare, 60)
    for waiting in (0, 1):
        assert "has lost this flare's messages" in str(ended["workers"][waiting])
    assert f":{PASSWORD}@" not in json.dumps(ended)
    broker.wait_empty()


def test_a_broker_that_has_its_queues_again_is_waited_for(make_cluster, tmp_path_factory, worker):
    with (
        RabbitServer(tmp_path_factory.mktemp("rabbitmq"), "?durable=true") as broker,
        make_cluster(invokers=2, slots=4, environment={"GUST_RABBITMQ": broker.uri}) as cluster,
    ):
        cluster.deploy("talk", worker("talk"), "--timeout", "100s")
        rounds = {"do": "rounds", "count": 3000, "pause_ms": 2}
        flare = start(cluster, *[rounds] * 2)
        cluster.wait_running(flare)
        time.sleep(1)  # of the six that it takes at the least
        broker.kill()
        assert cluster.look(flare)["stamps"]["ended"] is None, "it was not in the middle"
        broker.start()
        assert results(cluster.wait_ended(flare, 60)) == [3000] * 2
        broker.wait_empty()


def test_the_password_is_in_no_log(cluster):
    assert f":{PASSWORD}@" not in cluster.errors()
