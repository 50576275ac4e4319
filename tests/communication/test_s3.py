"""Flares whose packs talk by way of an S3 store: the same results as over tcp, and nothing left in it."""

import json
import os
import signal

import pytest

from cluster import wait_for
from object_store import SECRET, ObjectStore


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ObjectStore(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(make_cluster, store, worker):
    with make_cluster(invokers=2, slots=24, environment={"GUST_S3": store.uri}) as cluster:
        cluster.deploy("talk", worker("talk"), "--timeout", "60s")
        yield cluster


def talk(cluster, *params, **query):
    return cluster.wait_ended(cluster.flare("talk", list(params), **{"granularity": 1, **query}), 60)


def results(flare):
    assert flare["state"] == "succeeded", flare["cause"]
    return [worker["result"] for worker in flare["workers"]]


def two_that_wait(cluster, store):
    waiting = [{"do": "receive", "peer": 1}, {"do": "receive", "peer": 0}]
    flare = cluster.flare("talk", waiting, granularity=1, backend="s3")
    wait_for(lambda: store.objects() > 0, 20, "packs that have begun to talk")
    return flare


@pytest.mark.parametrize(("workers", "granularity"), [(2, 1), (13, 5), (48, 24)])
def test_results_are_those_of_tcp(cluster, store, workers, granularity):
    def run(what, **query):
        return results(talk(cluster, *[{"do": what}] * workers, granularity=granularity, **query))

    for what in ("everything", "fractions"):
        assert run(what, backend="s3", chunk_size=4) == run(what)
    store.wait_empty()


def test_a_crash_wakes_those_that_wait_and_leaves_nothing(cluster, store):
    ended = talk(
        cluster,
        {"do": "receive", "peer": 1},
        {"do": "crash when peer waits", "peer": 2},
        {"do": "send", "peer": 1},
        backend="s3",
    )
    assert "worker 1 crashed with SIGSEGV" in ended["cause"]["message"]
    assert "worker 1" in str(ended["workers"][0])
    assert SECRET not in json.dumps(ended)
    store.wait_empty()


def test_ends_are_known_in_other_packs(cluster, store):
    ended = talk(cluster, {"do": "return"}, {"do": "receive", "peer": 0}, backend="s3")
    assert "worker 0 has ended" in str(ended["workers"][1])
    ended = talk(cluster, {"do": "receive", "peer": 1}, {"do": "send", "peer": 0}, backend="s3")
    assert results(ended) == [1, "sent"]
    store.wait_empty()


def test_cancelling_leaves_nothing(cluster, store):
    flare = two_that_wait(cluster, store)
    assert cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{flare}").status == 200
    store.wait_empty()


def test_a_killed_pack_leaves_nothing(cluster, store):
    flare = two_that_wait(cluster, store)
    os.kill(cluster.wait_running(flare)["packs"][0]["pid"], signal.SIGKILL)
    assert cluster.wait_ended(flare)["state"] == "failed"
    store.wait_empty()


def test_a_store_that_comes_again_is_waited_for(cluster, store):
    flare = cluster.flare("talk", [{"do": "rounds", "count": 100}] * 2, granularity=1, backend="s3")
    wait_for(lambda: store.objects() > 0, 20, "packs that talk")
    for _ in range(2):
        store.kill()
        store.start()
    assert cluster.look(flare)["stamps"]["ended"] is None, "it was not in the middle"
    assert results(cluster.wait_ended(flare, 60)) == [100] * 2
    store.wait_empty()


def test_the_secret_is_in_no_log(cluster, store):
    assert SECRET not in cluster.errors()
    assert store.uri not in cluster.errors()
