"""Bursts of Python workers in real packs: results, errors, ends, logs."""

import os
import pathlib
import signal

import pytest

WHO = """
import os

def work(params, burst):
    return {"worker": burst.worker_id, "of": burst.burst_size, "pack": burst.pack_id, "params": params,
            "packs": burst.pack_count, "mine": burst.pack_of(burst.worker_id), "leader": burst.is_leader,
            "parent": os.getppid()}
"""


@pytest.mark.parametrize(
    ("workers", "query"),
    [
        (1, {}),
        (2, {"granularity": 1}),
        (48, {}),
        (48, {"granularity": 5}),
        (100, {"granularity": 40}),
        (100, {"granularity": 7, "join": "true"}),
    ],
)
def test_results_in_worker_order(burst, workers, query):
    params = [{"index": i, "text": "ü\n" * (i % 3)} for i in range(workers)]
    ended = burst(WHO, params, **query)
    assert ended["state"] == "succeeded", ended["cause"]
    results = [worker["result"] for worker in ended["workers"]]
    assert [result["worker"] for result in results] == list(range(workers))
    assert [result["params"] for result in results] == params
    parents = {}
    for result in results:
        pack = result["pack"]
        assert result["mine"] == pack
        assert result["packs"] == len(ended["packs"])
        assert result["leader"] == (result["worker"] == ended["packs"][pack]["first_worker"])
        parents.setdefault(pack, set()).add(result["parent"])
    assert all(len(interpreters) == 1 for interpreters in parents.values())
    for worker in ended["workers"]:
        assert worker["started"] <= worker["function_started"] <= worker["function_ended"] <= worker["ended"]


def test_a_burst_of_main_gets_each_workers_params(burst):
    ended = burst("def main(args): return args * 2", [1, "ab", [None]])
    assert [worker["result"] for worker in ended["workers"]] == [2, "abab", [None, None]]


def test_big_results(burst):
    sizes = [1, 60_000, 5_000_000, 0, 3_000_000, 16 << 20]
    ended = burst("def work(params, burst): return 'x' * params", sizes, granularity=6)
    assert ended["state"] == "succeeded", ended["cause"]
    assert [len(worker["result"]) for worker in ended["workers"][:-1]] == sizes[:-1]
    assert "exceeds the limit of 16 MB" in ended["workers"][-1]["result"]["error"]


def test_an_exception_is_the_workers_result(burst, logs):
    code = "def work(params, burst):\n    return 6 // params"
    ended = burst(code, [1, 0, 2, 3], granularity=2)
    assert (ended["state"], ended["counts"]["errors"]) == ("succeeded", 1)
    assert [worker["result"] for worker in ended["workers"]] == [
        6, {"error": "ZeroDivisionError: integer division or modulo by zero"}, 3, 2]  # fmt: skip
    text = [line for _, line in logs(ended)]
    assert "[worker 1] Traceback (most recent call last):" in text
    assert "[worker 1]     return 6 // params" in text


def test_what_is_no_json_is_an_error(burst):
    ended = burst("def work(params, burst): return {1, 2} if params else float('inf')", [0, 1])
    errors = [worker["result"]["error"] for worker in ended["workers"]]
    assert errors[0].startswith("work() returned what JSON cannot hold: ValueError")
    assert errors[1] == "work() returned what JSON cannot hold: TypeError: Object of type set is not JSON serializable"


@pytest.mark.parametrize(
    ("what", "cause", "signal", "exit_code", "sentence"),
    [
        ("ctypes.string_at(0)", "worker_crashed", 11, 0, "worker 5 crashed with SIGSEGV"),
        ("os.kill(os.getpid(), 9)", "worker_crashed", 9, 0, "worker 5 was killed by SIGKILL"),
        ("sys.exit(3)", "worker_exited", 0, 3, "worker 5 ended its pack with exit code 3"),
        ("os._exit(0)", "worker_exited", 0, 0, "worker 5 ended its pack with exit code 0"),
    ],
)
def test_a_death_ends_the_flare(cluster, burst, logs, what, cause, signal, exit_code, sentence):
    code = f"""
import ctypes, os, sys, time

def work(params, burst):
    if burst.worker_id != 5:
        time.sleep(1000)
    print("last words", burst.worker_id)
    {what}
"""
    ended = burst(code, [None] * 9, granularity=3)
    assert ended["state"] == "failed"
    assert ended["cause"]["code"] == "crashed"
    assert ended["cause"]["message"].startswith(sentence)
    culprit = ended["packs"][1]
    assert [culprit[name] for name in ("cause", "worker", "signal", "exit_code")] == [cause, 5, signal, exit_code]
    assert [ended["packs"][other]["cause"] for other in (0, 2)] == ["stopped", "stopped"]
    assert ("stdout", "[worker 5] last words 5") in logs(ended)
    cluster.wait_idle()


def test_time_limit(cluster, burst):
    ended = burst("import time\ndef work(params, burst): time.sleep(1000 * params)", [0, 1, 0, 1], {"timeout": 1000})
    assert ended["state"] == "timed_out"
    assert "workers 1, 3" in ended["cause"]["message"]
    cluster.wait_idle()


def test_logs_of_both_streams(burst, logs):
    code = """
import sys

print("imported")

def work(params, burst):
    print("says", burst.worker_id)
    print("complains", burst.worker_id, file=sys.stderr)
    print("ünïcode ☃")
"""
    found = logs(burst(code, [None] * 4, granularity=2))
    assert found.count(("stdout", "imported")) == 2
    for worker in range(4):
        assert ("stdout", f"[worker {worker}] says {worker}") in found
        assert ("stderr", f"[worker {worker}] complains {worker}") in found
        assert ("stdout", f"[worker {worker}] ünïcode ☃") in found


def test_environment(cluster, burst):
    code = """
import os

def work(params, burst):
    return {name: value for name, value in os.environ.items() if name.startswith(("__OW", "GUST"))}
"""
    ended = burst(code, [None] * 2, granularity=1)
    for worker, activation in zip(ended["workers"], ended["activations"]):
        seen = worker["result"]
        assert seen["__OW_ACTIVATION_ID"] == activation["id"]
        assert seen["__OW_NAMESPACE"] == "guest"
        assert seen["__OW_ACTION_NAME"] == "/guest/burst"
        assert seen["__OW_ACTION_VERSION"].startswith("0.0.")
        assert int(seen["__OW_DEADLINE"]) > ended["stamps"]["starting"] * 1000
        assert seen["GUST_FLARE_ID"] == ended["id"]
        assert not any("KEY" in name or "TOKEN" in name for name in seen)


def test_interpreters_that_died_while_they_waited(cluster, burst):
    for pid in cluster.processes():
        if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"\0ahead\0"):
            os.kill(pid, signal.SIGKILL)
    ended = burst("def work(params, burst): return params", [1, 2, 3], granularity=1)
    assert ended["state"] == "succeeded", ended["cause"]
    assert [worker["result"] for worker in ended["workers"]] == [1, 2, 3]


def test_memory_limit(burst):
    """Where the limit is of each process it is a MemoryError; the neighbours keep their results."""
    code = "def work(params, burst): return len(bytearray(params << 20)) >> 20"
    ended = burst(code, [400, 8, 16], {"memory": 128}, granularity=1)
    assert ended["state"] == "succeeded", ended["cause"]
    assert ended["workers"][0]["result"] == {"error": "MemoryError"}
    assert [worker["result"] for worker in ended["workers"][1:]] == [8, 16]


def test_the_example(cluster, gust_bin):
    example = gust_bin.parents[3] / "examples/hello.py"
    done = cluster.gust("deploy", "hello", example)
    assert done.returncode == 0, done.stderr
    done = cluster.gust("flare", "hello", "--workers", 4, "--param", '{"name": "you"}', "--wait")
    assert done.returncode == 0, done.stderr
    assert 'worker 3: {"hello":"you","worker":3,"of":4,"pack":0}' in done.stdout
    single = cluster.request("POST", "/api/v1/namespaces/_/actions/hello?blocking=true&result=true", {"name": "me"})
    assert (single.status, single.json()) == (200, {"hello": "me"})
