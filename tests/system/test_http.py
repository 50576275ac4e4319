"""Foreign clients: FaaS invocations through Python's http.client and curl, over TLS and plain HTTP on one port."""

import contextlib
import json
import shutil
import subprocess

import pytest

ACTION = "/api/v1/namespaces/_/actions/task"


@pytest.fixture(scope="module")
def cluster(make_cluster, worker):
    with make_cluster(invokers=2, slots=4) as cluster:
        cluster.deploy("task", worker("task"))
        cluster.deploy("misbehave", worker("misbehave"))
        yield cluster


@pytest.mark.parametrize("tls", [True, False])
def test_invoke_once(cluster, tls):
    accepted = cluster.request("POST", ACTION, {"n": 1}, tls=tls)
    assert accepted.status == 202
    assert list(accepted.json()) == ["activationId"]
    activation = accepted.json()["activationId"]
    assert accepted.headers["x-openwhisk-activation-id"] == activation

    record = cluster.request("POST", f"{ACTION}?blocking=true", {"n": 2}, tls=tls)
    assert record.status == 200
    response = record.json()["response"]
    assert (response["status"], response["success"]) == ("success", True)
    assert (response["result"]["params"], response["result"]["of"]) == ({"n": 2}, 1)

    bare = cluster.request("POST", f"{ACTION}?blocking=true&result=true", tls=tls)
    assert (bare.status, bare.json()["params"]) == (200, {})


def test_target_in_absolute_form(cluster):
    """As Lithops sends it: a new TLS connection for each invocation, and a whole URL as the target."""
    answer = cluster.request("POST", f"{cluster.endpoint}{ACTION}?blocking=True&result=True", {"n": 3})
    assert (answer.status, answer.json()["params"]) == (200, {"n": 3})


def test_many_requests_on_one_connection(cluster):
    headers = {"Authorization": cluster.authorization()}
    with contextlib.closing(cluster.connect()) as connection:
        for n in range(20):
            connection.request("POST", f"{ACTION}?blocking=true&result=true", json.dumps({"n": n}), headers)
            response = connection.getresponse()
            assert (response.status, json.loads(response.read())["params"]) == (200, {"n": n})


def test_blocking_burst(cluster):
    answer = cluster.request("POST", f"{ACTION}?burst=true&granularity=2&blocking=true", {"value": [{}] * 5})
    assert answer.status == 200
    assert len(answer.json()["activationIds"]) == 3
    assert [result["worker"] for result in answer.json()["results"]] == [0, 1, 2, 3, 4]


def test_an_invocation_that_fails_is_a_502(cluster):
    answer = cluster.request("POST", "/api/v1/namespaces/_/actions/misbehave?blocking=true", {"do": "throw"})
    assert answer.status == 502
    assert answer.json()["response"]["status"] == "application error"
    assert answer.json()["response"]["result"] == {"error": "the third shelf is empty"}
    crash = cluster.request("POST", "/api/v1/namespaces/_/actions/misbehave?blocking=true&result=true", {"do": "fault"})
    assert crash.status == 502
    assert "worker 0 crashed with SIGSEGV" in crash.json()["error"]


def test_a_wait_that_ends_early_is_a_202(cluster):
    answer = cluster.request("POST", f"{ACTION}?blocking=true&timeout=50", {"do": "sleep", "seconds": 0.5})
    assert answer.status == 202
    activation = answer.json()["activationId"]
    early = cluster.request("GET", f"/api/v1/namespaces/_/activations/{activation}")
    assert early.status == 404
    cluster.wait_ended(activation)  # of a single invocation the flare bears the same id
    assert cluster.request("GET", f"/api/v1/namespaces/_/activations/{activation}").status == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_curl(cluster, scheme):
    url = f"{scheme}://127.0.0.1:{cluster.port}{ACTION}?blocking=true&result=true"
    done = subprocess.run(
        [
            "curl",
            "-sS",
            "--fail",
            "--cacert",
            cluster.ca_file,
            "-u",
            cluster.key,
            "-H",
            "Content-Type: application/json",
            "-d",
            '{"n": 5}',
            url,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["params"] == {"n": 5}


def test_without_a_key(cluster):
    assert cluster.request("GET", "/ping", headers={"Authorization": None}).body.decode().strip() == "pong"
    assert "api_paths" in cluster.request("GET", "/", headers={"Authorization": None}).json()


def test_flares_of_a_namespace(cluster):
    flare = cluster.flare("task", [{}] * 3)
    ended = cluster.wait_ended(flare)
    listed = cluster.request("GET", "/api/v1/namespaces/_/flares?limit=5").json()
    assert listed[0]["id"] == flare
    for name in ("received", "reserved", "starting", "running", "finishing", "ended"):
        assert ended["stamps"][name] > 0
    for pack in ended["packs"]:
        # The launcher may be scheduled, and stamp, only after what it launched has got to work.
        assert pack["received"] <= pack["launched"] <= pack["ended"]
        assert pack["received"] <= pack["loaded"] <= pack["ended"]
    cluster.wait_idle()
