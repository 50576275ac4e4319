"""Servers of OpenWhisk's action containers (/init and /run on port 8080), of kinds and of images, in bursts and alone.

The server is tests/native/action_server.py. It travels in the command itself, as sandboxes see no file of a checkout; images
of their own are in tests/images_privileged.
"""

import pathlib

import pytest

SERVER = pathlib.Path(__file__).with_name("action_server.py")


@pytest.fixture(scope="module", params=["sandbox", "sandbox without network", "process"])
def cluster(request, make_cluster):
    driver, *rest = request.param.split()
    network = ["--network", "none"] if rest else []
    program = f'exec(bytes.fromhex("{SERVER.read_bytes().hex()}").decode())'
    command = f"http:/usr/bin/python3 -c {program}"
    runtimes = f"served={command};nodejs:20={command}"
    with make_cluster("--driver", driver, "--runtimes", runtimes, *network, invokers=2, slots=16) as cluster:
        yield cluster
        cluster.wait_idle()


@pytest.fixture
def put(cluster):
    def put(**exec_):
        body = {"exec": {"kind": "blackbox", "image": "served", **exec_}}
        return cluster.request("PUT", "/api/v1/namespaces/_/actions/served?overwrite=true", body)

    return put


def invoke(cluster, args):
    answer = cluster.request("POST", "/api/v1/namespaces/_/actions/served?blocking=true", args)
    return answer.status, answer.json()


def test_a_burst_has_a_server_for_each_worker(cluster, put):
    assert put(code="source", main="entry").status == 200
    params = [{"index": i, "name": f"w{i}"} for i in range(20)]
    ended = cluster.wait_ended(cluster.flare("served", params, granularity=8))
    assert ended["state"] == "succeeded", ended["cause"]
    results = [worker["result"] for worker in ended["workers"]]
    assert [result["param"] for result in results] == params
    assert [result["told"]["burst_info"]["worker"] for result in results] == list(range(20))
    assert {tuple(result["told"]["burst_info"]["pack"]) for result in results} == {(0, 7), (8, 15), (16, 19)}
    init = results[19]["init"]
    assert (init["name"], init["main"], init["code"], init["binary"]) == ("served", "entry", "source", False)
    assert init["env"]["__OW_ACTION_NAME"] == "/guest/served"
    told = results[19]["told"]
    assert told["activation_id"] == ended["activations"][2]["id"] and told["transaction_id"] == ended["id"]
    logs = cluster.request("GET", f"/api/v1/namespaces/_/activations/{ended['activations'][2]['id']}/logs").json()[
        "logs"
    ]
    assert sorted(line.split(" ", 1)[1] for line in logs) == [
        f"stdout: [worker {i}] hello from w{i}" for i in range(16, 20)
    ]


def test_an_invocation_is_openwhisks(cluster, put):
    assert put().status == 200  # without code: the image is all of it
    status, record = invoke(cluster, {"name": "you"})
    assert status == 200 and record["response"]["result"]["param"] == {"name": "you"}
    assert record["response"]["result"]["init"]["code"] is None
    assert [line.split(" ", 1)[1] for line in record["logs"]] == ["stdout: hello from you"]
    assert next(entry["value"] for entry in record["annotations"] if entry["key"] == "kind") == "blackbox"


@pytest.mark.parametrize(
    ("do", "outcome", "part"),
    [
        ("error", "application error", "no"),
        ("status", "action developer error", "answered /run with status 502"),
        ("text", "action developer error", "it must be a JSON object or array"),
        ("exit", "action developer error", "exit code 7"),
    ],
)
def test_what_goes_wrong_has_openwhisks_outcomes(cluster, put, do, outcome, part):
    assert put(code="source").status == 200
    status, record = invoke(cluster, {"do": do})
    assert status == 502, record
    assert record["response"]["status"] == outcome and part in record["response"]["result"]["error"]


def test_init_that_fails_says_what_the_server_said(cluster, put):
    assert put(code="refuse").status == 200
    status, record = invoke(cluster, {})
    assert status == 502 and record["response"]["status"] == "action developer error"
    assert "the code does not compile" in record["response"]["result"]["error"]


def test_a_kind_of_another_system_is_served(cluster, put):
    assert put(kind="nodejs:20", image="", code="function main() { return {} }").status == 200
    status, record = invoke(cluster, {"name": "x"})
    assert status == 200 and record["response"]["result"]["init"]["code"].startswith("function main")
    refused = put(kind="nodejs:18", image="", code="function main() { return {} }")
    assert refused.status == 400 and "nodejs:18" in refused.json()["error"]
