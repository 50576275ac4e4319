"""The way of a user: build, deploy, flare, look at what came of it. Real processes, through the command line."""

import json
import re

import pytest

from cluster import wait_for

ROOM = {"invokers": 3, "slots": 8}


@pytest.fixture(scope="module")
def cluster(make_cluster, worker):
    with make_cluster(**ROOM) as cluster:
        cluster.deploy("task", worker("task"))
        yield cluster


def packs_of(flare):
    return [(pack["first_worker"], pack["workers"]) for pack in flare["packs"]]


def test_build_deploy_flare(cluster, gust_bin, tmp_path):
    """The README's three commands, from source to results."""
    source = gust_bin.parents[3] / "examples/hello.cc"
    built = cluster.gust("build", source, cwd=tmp_path, timeout=300)
    assert built.returncode == 0, built.stderr
    assert "hello.so: ready for gust deploy" in built.stdout
    deployed = cluster.gust("deploy", "hello", tmp_path / "hello.so")
    assert (deployed.returncode, deployed.stdout) == (0, "deployed hello version 0.0.1\n")
    again = cluster.gust("deploy", "hello", tmp_path / "hello.so", "--memory", "128MB")
    assert again.stdout == "deployed hello version 0.0.2\n"
    done = cluster.gust("flare", "hello", "--workers", 4, "--param", '{"name": "you"}', "--wait")
    assert done.returncode == 0, done.stderr
    assert 'worker 3: {"hello":"you","of":4,"pack":0,"worker":3}' in done.stdout
    assert re.search(r"4 workers in 1 packs, all started \d+\.\d ms after the request", done.stdout)
    assert done.stderr == ""  # no progress bar where there is no terminal


@pytest.mark.parametrize(
    ("flags", "strategy", "packs"),
    [
        ([], "heterogeneous", [(0, 8), (8, 8), (16, 4)]),
        (["--granularity", 4], "homogeneous", [(0, 4), (4, 4), (8, 4), (12, 4), (16, 4)]),
        (["--granularity", 3], "homogeneous", [(0, 3), (3, 3), (6, 3), (9, 3), (12, 3), (15, 3), (18, 2)]),
        (["--granularity", 4, "--join"], "mixed", None),
    ],
)
def test_packing(cluster, flags, strategy, packs):
    """20 workers on 3 invokers of 8: packs are contiguous ranges, results stand in worker order."""
    flare = cluster.gust_json("flare", "task", "--workers", 20, "--wait", *flags)
    assert flare["state"] == "succeeded"
    assert flare["strategy"] == strategy
    found = packs_of(flare)
    if packs is None:  # which packs share an invoker is the planner's choice; joined ones are one container
        invokers = [pack["invoker"] for pack in flare["packs"]]
        assert len(set(invokers)) == len(invokers)
        assert all(size % 4 == 0 for _, size in found)
    else:
        assert found == packs
    assert [first for first, _ in found] == [sum(size for _, size in found[:i]) for i in range(len(found))]
    assert [worker["result"]["worker"] for worker in flare["workers"]] == list(range(20))
    for worker in flare["workers"]:
        assert worker["result"]["pack"] == worker["pack"]
        assert worker["result"]["pack_size"] == found[worker["pack"]][1]
    cluster.wait_idle()


def test_params_of_each_worker(cluster, tmp_path):
    """--params gives each worker its own entry, from a file or from standard input."""
    params = [{"part": i, "text": 'ü\n"' * i} for i in range(7)] + ["text", 8.5, None, [1]]
    path = tmp_path / "params.json"
    path.write_text(json.dumps(params))
    for arguments, text in (([path], None), (["-"], json.dumps(params))):
        flare = cluster.gust_json("flare", "task", "--wait", "--granularity", 2, "--params", *arguments, input=text)
        assert [worker["result"]["params"] for worker in flare["workers"]] == params


def test_without_wait_activations_tell(cluster):
    ticket = cluster.gust_json("flare", "task", "--workers", 6, "--granularity", 2, "--param", '{"do": "print"}')
    assert len(ticket["activationIds"]) == 3
    cluster.wait_ended(ticket["flareId"])
    first, second, third = ticket["activationIds"]

    listed = cluster.gust_json("activation", "list", "--action", "task", "--limit", 3)
    assert {entry["activationId"] for entry in listed} == {first, second, third}
    assert second in cluster.gust("activation", "list").stdout

    record = cluster.gust_json("activation", "get", second)
    assert record["response"]["status"] == "success"
    assert [result["worker"] for result in record["response"]["result"]] == [2, 3]
    result = cluster.gust_json("activation", "result", third)
    assert [entry["worker"] for entry in result["result"]] == [4, 5]

    logs = cluster.gust("activation", "logs", second).stdout.splitlines()
    assert sorted(line.split("Z ", 1)[1] for line in logs) == [
        "stderr: worker 2 complains",
        "stderr: worker 3 complains",
        "stdout: worker 2 says hello",
        "stdout: worker 3 says hello",
    ]


def test_without_wait_prints_ids(cluster):
    done = cluster.gust("flare", "task", "--workers", 3, "--granularity", 1)
    assert done.returncode == 0, done.stderr
    head, *ids = done.stdout.splitlines()
    flare = re.match(r"flare ([0-9a-f]{32}) with 3 activations", head).group(1)
    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", entry) for entry in ids)
    cluster.wait_ended(flare)


def test_status(cluster):
    flare = cluster.flare("task", [{"do": "sleep", "seconds": 60}] * 10)
    cluster.wait_running(flare)
    status = cluster.gust_json("status")
    assert {entry["name"] for entry in status["invokers"]} == {"invoker-0", "invoker-1", "invoker-2"}
    assert (status["totals"]["slots"], status["totals"]["free_slots"]) == (24, 14)
    assert status["flares"] == {"active": 1, "queued": 0}
    table = cluster.gust("status").stdout
    assert "14 of 24 slots free, 1 flares active, 0 queued" in table
    assert cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{flare}").status == 200
    cluster.wait_idle()


def test_config_hides_secrets(cluster):
    for arguments in (["config"], ["config", "--json"], ["config", "--api-key", "me:hunter2"]):
        done = cluster.gust(*arguments)
        assert done.returncode == 0
        assert cluster.endpoint in done.stdout
        assert "(set)" in done.stdout
        assert cluster.key not in done.stdout and "hunter2" not in done.stdout
    assert cluster.gust_json("config")["api_key"] == "(set)"


def test_secrets_are_in_no_command_line(cluster):
    """Neither the cluster's own processes nor a client that was given the key as a flag shows it."""
    client = cluster.start(
        "flare", "task", "--workers", 1, "--param", '{"do": "sleep", "seconds": 60}', "--wait", "--api-key", cluster.key
    )
    wait_for(lambda: cluster.status()["flares"]["active"] == 1, 5, "the flare runs")
    for pid in [*cluster.processes(), client.pid]:
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            assert cluster.key.encode() not in line.read()
    client.terminate()  # like Ctrl-C
    assert client.wait(10) == 130
    client.communicate()
    cluster.wait_idle()


def test_too_large_for_now_waits_and_then_runs(cluster):
    """A flare that does not fit now is seen in the queue with its reason, and runs when there is room."""
    first = cluster.flare("task", [{"do": "sleep", "seconds": 60}] * 20)
    cluster.wait_running(first)
    second = cluster.flare("task", [{}] * 10)
    third = cluster.flare("task", [{}] * 24, granularity=8)
    waiting = cluster.look(second)
    assert waiting["state"] == "queued"
    assert waiting["queue"]["position"] == 1
    assert "burst of 10 workers needs 10 slots; 4 of 24 are free: 6 short" in waiting["queue"]["reason"]
    assert cluster.look(third)["queue"]["position"] == 2
    assert cluster.status()["flares"] == {"active": 1, "queued": 2}
    cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{first}")
    for flare, workers in ((second, 10), (third, 24)):
        ended = cluster.wait_ended(flare)
        assert ended["state"] == "succeeded"
        assert [entry["result"]["worker"] for entry in ended["workers"]] == list(range(workers))
        assert ended["stamps"]["queued"] <= ended["stamps"]["reserved"] <= ended["stamps"]["starting"]
    cluster.wait_idle()


def test_a_queued_flare_can_be_cancelled(cluster):
    first = cluster.flare("task", [{"do": "sleep", "seconds": 60}] * 24)
    second = cluster.flare("task", [{}] * 24)
    assert cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{second}").json()["state"] == "cancelled"
    assert cluster.look(second)["packs"] == []
    assert cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{first}").json()["state"] == "cancelled"
    again = cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{first}")
    assert again.status == 409
    assert "has ended already (cancelled)" in again.json()["error"]
    cluster.wait_idle()


def test_large_gangs_one_after_the_other(cluster):
    """Two that need the whole cluster, sent at once: neither starts half, both succeed."""
    flares = [cluster.flare("task", [{"do": "sleep", "seconds": 0.1}] * 24) for _ in range(2)]
    first, second = (cluster.wait_ended(flare) for flare in flares)
    assert (first["state"], second["state"]) == ("succeeded", "succeeded")
    assert second["stamps"]["starting"] >= max(worker["ended"] for worker in first["workers"])


@pytest.mark.parametrize("granularity", [48, 1])
def test_960_workers(make_cluster, worker, tmp_path, granularity):
    """The published experiment's shape: each worker id exactly once, all at the same time."""
    # Plain processes: they see the file that lets them go.
    with make_cluster("--memory", "16GB", "--driver", "process", invokers=20, slots=48) as large:
        print(f"20 invokers ready after {large.ready_seconds:.2f} s")
        large.deploy("task", worker("task"), "--timeout", "5m")
        signal = tmp_path / "go"
        flare = large.flare("task", [{"do": "await file", "file": str(signal)}] * 960, granularity=granularity)
        large.wait_running(flare, 60)
        assert large.status()["totals"]["free_slots"] == 0
        signal.touch()
        ended = large.wait_ended(flare, 60)
        assert ended["state"] == "succeeded", ended["cause"]
        assert len(ended["packs"]) == 960 // granularity
        assert [entry["result"]["worker"] for entry in ended["workers"]] == list(range(960))
        assert {pack["invoker"] for pack in ended["packs"]} == set(range(20))
        assert max(w["started"] for w in ended["workers"]) < min(w["ended"] for w in ended["workers"])
        large.wait_idle()
