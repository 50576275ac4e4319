"""Flares whose packs talk by way of a Redis server: the same results as over tcp, and nothing left in it."""

import json
import os
import pathlib
import signal
import time

import pytest

from cluster import wait_for
from redis_server import PASSWORD, RedisServer

BACKENDS = ["redis-list", "redis-stream"]


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def lasting_redis(tmp_path_factory):
    """One that has its data again after a crash."""
    with RedisServer(tmp_path_factory.mktemp("redis"), "--appendonly", "yes", "--appendfsync", "no") as server:
        yield server


def deploy_talk(cluster, worker):
    cluster.deploy("talk", worker("talk"), "--timeout", "60s")
    return cluster


@pytest.fixture(scope="module")
def cluster(make_cluster, redis, worker):
    with make_cluster(invokers=3, slots=24, environment={"GUST_REDIS": redis.uri}) as cluster:
        yield deploy_talk(cluster, worker)


def talk(cluster, *params, **query):
    return cluster.wait_ended(cluster.flare("talk", list(params), **{"granularity": 1, **query}), 25)


def results(flare):
    assert flare["state"] == "succeeded", flare["cause"]
    for worker in flare["workers"]:
        assert worker["state"] == "returned", str(worker)
    return [worker["result"] for worker in flare["workers"]]


def error(flare, worker):
    entry = flare["workers"][worker]
    assert entry["state"] == "returned_error", entry
    return str(entry)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("workers", "granularity"), [(2, 1), (13, 5), (48, 6)])
def test_results_are_those_of_tcp(cluster, redis, backend, workers, granularity):
    def run(what, **query):
        return results(talk(cluster, *[{"do": what}] * workers, granularity=granularity, **query))

    for what in ("everything", "fractions"):
        assert run(what, backend=backend, chunk_size=4) == run(what)
    redis.wait_empty()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_flare_tells_its_backend(cluster, backend):
    ended = talk(cluster, {"do": "return"}, {"do": "return"}, backend=backend, chunk_size=64)
    assert (ended["backend"], ended["chunk_bytes"]) == (backend, 64 << 10)
    assert talk(cluster, {"do": "return"}, backend="redis")["backend"] == "redis-list"
    assert talk(cluster, {"do": "return"})["backend"] == "tcp"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_crash_wakes_those_that_wait_and_leaves_nothing(cluster, redis, backend):
    began = time.monotonic()
    ended = talk(
        cluster,
        {"do": "receive", "peer": 1},
        {"do": "crash when peer waits", "peer": 2},
        {"do": "send", "peer": 1},
        {"do": "receive", "peer": 1},
        backend=backend,
    )
    assert time.monotonic() - began < 10
    assert "worker 1 crashed with SIGSEGV" in ended["cause"]["message"]
    for waiting in (0, 3):
        assert "worker 1" in error(ended, waiting) and "SIGSEGV" in error(ended, waiting)
    redis.wait_empty()


@pytest.mark.parametrize("backend", BACKENDS)
def test_ends_are_known_in_other_packs(cluster, redis, backend):
    ended = talk(cluster, {"do": "fail"}, {"do": "receive", "peer": 0}, backend=backend)
    assert "no such file" in error(ended, 0)
    assert "worker 0 has ended" in error(ended, 1)
    ended = talk(cluster, {"do": "return"}, {"do": "receive", "peer": 0}, {"do": "barrier"}, backend=backend)
    assert "worker 0 has ended" in error(ended, 1)
    error(ended, 2)
    ended = talk(cluster, {"do": "receive", "peer": 1}, {"do": "send", "peer": 0}, backend=backend)
    assert results(ended) == [1, "sent"]
    redis.wait_empty()


@pytest.mark.parametrize("backend", BACKENDS)
def test_cancelling_leaves_nothing(cluster, redis, backend):
    flare = cluster.flare(
        "talk", [{"do": "receive", "peer": 1}, {"do": "receive", "peer": 0}], granularity=1, backend=backend
    )
    wait_for(lambda: redis.keys() > 0, 20, "packs that have begun to talk")
    assert cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{flare}").status == 200
    redis.wait_empty()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_killed_pack_leaves_nothing(cluster, redis, backend):
    flare = cluster.flare(
        "talk", [{"do": "receive", "peer": 1}, {"do": "receive", "peer": 0}], granularity=1, backend=backend
    )
    wait_for(lambda: redis.keys() > 0, 20, "packs that have begun to talk")
    os.kill(cluster.wait_running(flare)["packs"][0]["pid"], signal.SIGKILL)
    assert cluster.wait_ended(flare)["state"] == "failed"
    redis.wait_empty()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_server_that_lost_its_data_fails_the_calls_with_the_cause(cluster, redis, backend):
    flare = cluster.flare(
        "talk", [{"do": "receive", "peer": 1}, {"do": "receive", "peer": 0}], granularity=1, backend=backend
    )
    wait_for(lambda: redis.keys() > 0, 20, "packs that have begun to talk")
    cluster.wait_running(flare)
    redis.kill()
    redis.start()
    ended = cluster.wait_ended(flare, 25)
    for waiting in (0, 1):
        assert "has lost the flare's messages" in error(ended, waiting)
        assert PASSWORD not in json.dumps(ended)
    redis.wait_empty()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_server_that_has_its_data_again_is_waited_for(make_cluster, lasting_redis, worker, backend):
    with make_cluster(invokers=2, slots=4, environment={"GUST_REDIS": lasting_redis.uri}) as cluster:
        deploy_talk(cluster, worker)
        flare = cluster.flare("talk", [{"do": "rounds", "count": 5000}] * 3, granularity=1, backend=backend)
        wait_for(lambda: lasting_redis.keys() > 1, 20, "packs that talk")
        for _ in range(2):
            lasting_redis.kill()
            lasting_redis.start()
        assert cluster.look(flare)["stamps"]["ended"] is None, "it was not in the middle"
        assert results(cluster.wait_ended(flare, 25)) == [5000] * 3
        lasting_redis.wait_empty()


def test_backends_that_are_not_there_are_refused(make_cluster, cluster, worker):
    def refusal(of, **query):
        query = "&".join(f"{name}={value}" for name, value in query.items())
        answer = of.request("POST", f"/api/v1/namespaces/_/actions/talk?burst=true&{query}", {"value": [{}, {}]})
        assert answer.status == 400, answer.body
        return answer.json()["error"]

    assert "'pigeon' is none of tcp, redis-list" in refusal(cluster, backend="pigeon")
    assert "GUST_RABBITMQ" in refusal(cluster, backend="rabbitmq")
    assert "chunk_size" in refusal(cluster, chunk_size=0)
    assert "chunk_size" in refusal(cluster, chunk_size=70_000)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_password_is_in_no_process_of_a_pack_nor_in_a_log(cluster, redis, backend):
    flare = cluster.flare(
        "talk", [{"do": "receive", "peer": 1}, {"do": "receive", "peer": 0}], granularity=1, backend=backend
    )
    wait_for(lambda: redis.keys() > 0, 20, "packs that have begun to talk")
    for pid in [pack["pid"] for pack in cluster.wait_running(flare)["packs"]]:
        assert PASSWORD.encode() not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    for pid in cluster.processes():
        assert PASSWORD.encode() not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    assert cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{flare}").status == 200
    assert PASSWORD not in cluster.errors()
