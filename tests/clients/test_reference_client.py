"""What the reference client of the burst extension sends, and how it waits for its results."""

import base64
import io
import stat
import time
import zipfile

import pytest

CODE = """
def work(params, burst):
    return {"sum": params["a"] + params["b"], "worker": burst.worker_id}
"""


# What its programs are: ActionLoop, compiled. A script stands for the compiler's output.
EXEC = """#!/usr/bin/env python3
import json, sys
for line in sys.stdin:
    told = json.loads(line)
    first = told["burst_info"]["pack"][0] if "burst_info" in told else 0
    entries = told["value"] if "burst_info" in told else [told["value"]]
    answers = [{"sum": e["a"] + e["b"], "worker": first + i} for i, e in enumerate(entries)]
    with open(3, "w", closefd=False) as out:
        print(json.dumps(answers if "burst_info" in told else answers[0]), file=out)
"""


def archive(name, content):
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w", zipfile.ZIP_DEFLATED) as file:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (stat.S_IFREG | 0o755) << 16
        file.writestr(entry, content)
    return base64.b64encode(text.getvalue()).decode()


# The kinds that it sends; its custom images are kind blackbox.
EXECS = {
    "rust": {"kind": "rust:1.34", "binary": True, "code": archive("exec", EXEC)},
    "blackbox": {
        "kind": "blackbox",
        "image": "lithopscloud/any:1",
        "binary": True,
        "code": archive("exec", EXEC),
    },
    "python": {"kind": "python:3", "binary": False, "code": CODE.strip()},
}


@pytest.fixture(scope="module", params=EXECS)
def action(cluster, request):
    """Created as it creates one, on plain HTTP and by its namespace's name."""
    body = {
        "exec": {"main": "", **EXECS[request.param]},
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


def test_source_that_nothing_compiles_is_refused_with_what_to_do(cluster):
    for code in ("pub fn main() {}", archive("src/main.rs", "pub fn main() {}")):
        body = {"exec": {"main": "", "kind": "rust:1.34", "binary": code.startswith("UEs"), "code": code}}
        answer = cluster.request("PUT", "/api/v1/namespaces/guest/actions/source?overwrite=true", body, tls=False)
        assert answer.status == 400
        assert "as exec at the top level" in answer.json()["error"] and "kind blackbox" in answer.json()["error"]


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
