"""A small cluster for input that it must refuse."""

import os

import pytest

from cluster import Cluster


@pytest.fixture
def alone(gust_bin, tmp_path):
    """The environment of a cluster that is never started."""
    parts = Cluster(gust_bin, tmp_path)
    yield parts
    parts.wait_no_processes(5)
    assert not [name for name in os.listdir("/dev/shm") if os.path.exists(f"/dev/shm/{name}/{parts.mark}")]


@pytest.fixture(scope="module")
def cluster(make_cluster, worker):
    with make_cluster("--memory", "4GB", invokers=2, slots=8) as cluster:
        cluster.deploy("task", worker("task"))
        cluster.deploy("huge", worker("task"), "--memory", "5GB")
        yield cluster


@pytest.fixture
def nothing_left(cluster):
    """What was refused has left nothing reserved or running."""
    before = cluster.load()
    yield
    assert cluster.load() == before
