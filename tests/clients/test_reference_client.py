"""What the reference client of the burst extension sends, and how it waits for its results."""

import time

import pytest

CODE = """
def work(params, burst):
    return {"sum": params["a"] + params["b"], "worker": burst.worker_id}
"""


@pytest.fixture(scope="module")
def action(cluster):
    """Created as it creates one, on plain HTTP and by its namespace's name; only the kind is one whose code runs here."""
    body = {
        "exec": {"main": "", "kind": "python:3", "binary": False, "code": CODE.strip()},
        "name": "send-receive",
        "version": "0.0.1",
        "namespace": "guest",
        "limits": {"memory": 256},
    }
    target = "/api/v1/namespaces/guest/actions/send-receive?overwrite=true"
    for _ in range(2):  # before each burst
        stored = cluster.request("PUT", target, body, tls=False)
        assert stored.status == 200, stored.body
    return "/api/v1/namespaces/guest/actions/send-receive"


@pytest.mark.parametrize(
    ("query", "packs"),
    [
        ("?burst=true&granularity=3&backend=tcp&debug=false", 4),
        ("?burst=true&granularity=3&join=true&chunk_size=1024&backend=tcp&debug=true", 1),
        ("?burst=true&backend=tcp&debug=false", 1),
    ],
)
def test_a_burst_until_every_pack_has_a_result(cluster, action, query, packs):
    params = [{"a": i, "b": 1} for i in range(12)]
    started = cluster.request("POST", action + query, {"value": params}, tls=False)
    assert started.status == 202, started.body
    ids = started.json()["activationIds"]
    assert len(ids) >= packs
    results = {}
    deadline = time.monotonic() + 30
    while len(results) < len(ids):
        for activation in ids:
            answer = cluster.request("GET", f"/api/v1/namespaces/guest/activations/{activation}", tls=False)
            assert answer.status in (200, 404), answer.body
            if answer.status == 200:
                record = answer.json()
                assert record["start"] <= record["end"]
                assert record["response"]["result"], "a falsy result is polled for without end"
                results[activation] = record["response"]["result"]
        assert time.monotonic() < deadline, results
        time.sleep(0.05)  # it waits 2 s between its rounds
    in_order = [entry for activation in ids for entry in results[activation]]
    assert in_order == [{"sum": i + 1, "worker": i} for i in range(12)]


def test_single_invocations(cluster, action):
    """Its map(): one request a call, without waiting."""
    ids = []
    for i in range(5):
        answer = cluster.request("POST", action, {"a": i, "b": 1}, tls=False)
        assert answer.status == 202, answer.body
        ids.append(answer.json()["activationId"])
    for i, activation in enumerate(ids):

        def ended(target=f"/api/v1/namespaces/guest/activations/{activation}"):
            answer = cluster.request("GET", target, tls=False)
            return answer.status == 200 and answer.json()

        deadline = time.monotonic() + 30
        while not (record := ended()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert record["response"]["result"] == {"sum": i + 1, "worker": 0}
