"""A small cluster for input that it must refuse."""

import pytest


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
