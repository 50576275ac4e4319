"""Worker code that goes wrong: what its user sees, and that nobody else suffers."""

import pytest

from cluster import wait_for


@pytest.fixture(scope="module", params=[0, 1], ids=["cold", "prewarmed"])
def prewarm(request):
    return request.param


@pytest.fixture(scope="module")
def cluster(make_cluster, worker, prewarm):
    with make_cluster("--prewarm", prewarm, invokers=3, slots=8) as cluster:
        cluster.deploy("misbehave", worker("misbehave"))
        cluster.deploy("task", worker("task"))
        cluster.deploy("hurried", worker("misbehave"), "--timeout", "1s")
        yield cluster
        cluster.wait_idle()


@pytest.fixture(autouse=True)
def all_prewarmed(cluster, prewarm):
    wait_for(lambda: cluster.status()["totals"]["prewarmed"] == 3 * prewarm, 20.0, "pre-warmed containers")


@pytest.mark.parametrize(
    ("what", "cause", "signal", "exit_code", "sentence"),
    [
        ({"do": "fault"}, "worker_crashed", 11, 0, "worker 5 crashed with SIGSEGV (address 0x8)"),
        ({"do": "abort"}, "worker_crashed", 6, 0, "worker 5 crashed with SIGABRT"),
        ({"do": "overflow the stack"}, "worker_crashed", 11, 0, "worker 5 crashed with SIGSEGV"),
        ({"do": "exit", "code": 3}, "worker_exited", 0, 3, "worker 5 ended its pack with exit code 3"),
    ],
)
def test_a_crash_ends_the_flare(cluster, prewarm, what, cause, signal, exit_code, sentence):
    """The cause names the worker; the other packs, whose workers wait for ever, are stopped at once."""
    flare = cluster.flare("misbehave", [{**what, "worker": 5, "others": "wait"}] * 9, granularity=3)
    ended = cluster.wait_ended(flare)
    assert [pack["prewarmed"] for pack in ended["packs"]] == [prewarm > 0] * 3
    assert ended["state"] == "failed"
    assert ended["cause"]["code"] == "crashed"
    assert ended["cause"]["message"].startswith(sentence)
    culprit = ended["packs"][1]
    assert f"(pack 1 on invoker {culprit['invoker']})" in ended["cause"]["message"]
    assert [culprit[name] for name in ("cause", "worker", "signal", "exit_code")] == [cause, 5, signal, exit_code]
    assert [ended["packs"][other]["cause"] for other in (0, 2)] == ["stopped", "stopped"]
    assert ended["stamps"]["ended"] - culprit["ended"] < 1
    assert {worker["state"] for worker in ended["workers"]} == {"lost"}
    cluster.wait_idle()


def test_the_command_line_says_why(cluster):
    done = cluster.gust("flare", "misbehave", "--workers", 4, "--granularity", 2, "--wait", "--param",
                        '{"do": "fault", "worker": 2, "others": "wait"}')  # fmt: skip
    assert done.returncode == 1
    assert "failed: worker 2 crashed with SIGSEGV" in done.stderr
    listed = cluster.gust_json("activation", "list", "--limit", 2)
    assert [entry["statusCode"] for entry in listed] == [2, 2]


def test_a_crash_on_a_thread_of_the_users(cluster):
    ended = cluster.wait_ended(cluster.flare("misbehave", [{"do": "fault on a thread"}] * 2))
    assert ended["state"] == "failed"
    assert "crashed with SIGSEGV (address 0x8) in a thread that belongs to no worker" in ended["cause"]["message"]


def test_an_exception_is_the_workers_result(cluster):
    done = cluster.gust("flare", "misbehave", "--workers", 6, "--granularity", 2, "--wait", "--param",
                        '{"do": "throw", "worker": 3}')  # fmt: skip
    assert done.returncode == 1
    assert "1 workers returned an error" in done.stderr
    assert 'worker 3: {"error":"the third shelf is empty"}' in done.stdout
    ended = cluster.wait_ended(cluster.flare("misbehave", [{"do": "throw", "worker": 3}] * 6))
    assert (ended["state"], ended["counts"]["errors"]) == ("succeeded", 1)
    assert [entry["result"] for entry in ended["workers"]] == [
        *["spared"] * 3, {"error": "the third shelf is empty"}, *["spared"] * 2]  # fmt: skip


def test_memory_limit_of_a_process(make_cluster, worker):
    """More than it may have is bad_alloc in the worker that asked; its neighbours keep their results."""
    params = [{"do": "use memory", "mb": 400}, {"do": "use memory", "mb": 8}, {"do": "use memory", "mb": 16}]
    with make_cluster("--driver", "process", invokers=1, slots=8) as cluster:
        cluster.deploy("task", worker("task"))
        ended = cluster.wait_ended(cluster.flare("task", params, granularity=1))
    assert ended["state"] == "succeeded"
    assert "out of memory" in ended["workers"][0]["result"]["error"]
    assert [entry["result"] for entry in ended["workers"][1:]] == [8, 16]


def test_time_limit(cluster):
    """The time limit names the workers that had not finished."""
    params = [{"do": "wait", "worker": i} if i in (1, 4) else {"do": "print"} for i in range(6)]
    done = cluster.gust(
        "flare", "hurried", "--granularity", 3, "--wait", "--params", "-", input=str(params).replace("'", '"')
    )
    assert done.returncode == 7
    assert "timed_out: " in done.stderr
    assert "workers 1, 4" in done.stderr
    cluster.wait_idle()


def test_time_limit_of_many(cluster):
    ended = cluster.wait_ended(cluster.flare("hurried", [{"do": "wait"}] * 20))
    assert ended["state"] == "timed_out"
    assert "workers 0, 1, 2, 3, 4, 5, 6, 7 and 12 more" in ended["cause"]["message"]
    assert 0.9 < ended["stamps"]["ended"] - ended["stamps"]["starting"] < 4
    record = cluster.request("GET", f"/api/v1/namespaces/_/activations/{ended['activations'][0]['id']}").json()
    assert "workers 0, 1" in record["response"]["result"]["error"]


def test_output_before_a_crash_is_kept(cluster):
    flare = cluster.flare("misbehave", [{"do": "print and fault"}])
    ended = cluster.wait_ended(flare)
    logs = cluster.gust("activation", "logs", ended["activations"][0]["id"]).stdout
    assert logs.endswith("stdout: last words\n")


def test_other_flares_go_on(cluster):
    """A crash in one flare does not reach another on the same invokers."""
    steady = cluster.flare("misbehave", [{"do": "wait"}] * 9, granularity=3)
    before = cluster.wait_running(steady)
    broken = cluster.wait_ended(cluster.flare("misbehave", [{"do": "fault"}] * 9, granularity=3))
    assert broken["state"] == "failed"
    after = cluster.look(steady)
    assert after["state"] == "running"
    assert [pack["pid"] for pack in after["packs"]] == [pack["pid"] for pack in before["packs"]]
    assert cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{steady}").json()["state"] == "cancelled"
    wait_for(lambda: cluster.status()["totals"]["packs"] == 0, 5, "no pack left")
