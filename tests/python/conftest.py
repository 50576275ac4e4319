"""A cluster of three invokers for Python workers, and short ways to deploy and run source text."""

import json

import pytest

from cluster import wait_for


@pytest.fixture(scope="module", params=[0, 4], ids=["cold", "warm"])
def interpreters(request):
    """That each invoker keeps ready."""
    return request.param


@pytest.fixture(scope="module")
def cluster(make_cluster, interpreters):
    flags = ["--driver", "process", "--prewarm-python", interpreters]
    with make_cluster(*flags, invokers=3, slots=40) as cluster:
        yield cluster
        cluster.wait_idle()


@pytest.fixture
def put(cluster, interpreters):
    """Stores an action as OpenWhisk's clients do. Afterwards most interpreters wait that are to."""

    def put(name, exec_, **more):
        body = {"exec": {"kind": "python:3", **exec_}, **more}
        answer = cluster.request("PUT", f"/api/v1/namespaces/_/actions/{name}?overwrite=true", body)
        wait_for(lambda: cluster.status()["totals"]["prewarmed"] >= 2 * interpreters, 20.0, "interpreters that wait")
        return answer

    return put


@pytest.fixture
def burst(cluster, put):
    """Deploys source text and runs it as a burst to its end."""

    def burst(code, params, limits=None, **query):
        stored = put("burst", {"code": code}, limits=limits or {})
        assert stored.status == 200, stored.body
        return cluster.wait_ended(cluster.flare("burst", params, **query))

    return burst


@pytest.fixture
def invoke(cluster, put):
    """Deploys source text and invokes it once, blocking; gives status and record."""

    def invoke(code, args=None, exec_=None, **query):
        stored = put("single", {"code": code, **(exec_ or {})})
        assert stored.status == 200, stored.body
        flags = "&".join(f"{name}={value}" for name, value in {"blocking": "true", **query}.items())
        answer = cluster.request("POST", f"/api/v1/namespaces/_/actions/single?{flags}", json.dumps(args or {}))
        return answer.status, answer.json()

    return invoke


@pytest.fixture
def logs(cluster):
    """The lines of all activations of a flare, without their stamps: (stream, text)."""

    def logs(flare):
        lines = []
        for activation in flare["activations"]:
            answer = cluster.request("GET", f"/api/v1/namespaces/_/activations/{activation['id']}/logs")
            assert answer.status == 200, answer.body
            lines += [tuple(line.split(" ", 1)[1].split(": ", 1)) for line in answer.json()["logs"]]
        return lines

    return logs
