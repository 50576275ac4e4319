"""gust simulate: generated and read arrivals, and a recorded real run decided again."""

import json
import os
import signal

import pytest

from cluster import wait_for


def test_generated_arrivals_are_reproducible(gust, tmp_path):
    arguments = ["simulate", "--flares", 2000, "--pattern", "bursty", "--load", "1.1", "--weights", "ns-0=2", "--json"]
    first, second = (json.loads(gust(*arguments).stdout) for _ in range(2))
    del first["took"], second["took"]
    assert first == second
    assert first["started"] == 2000
    assert 0.3 < first["utilisation"] <= 1
    assert 0.25 <= first["jain"] <= 1
    other = json.loads(gust(*arguments, "--seed", 2).stdout)
    assert other["wait"] != first["wait"]
    table = gust(*arguments[:-1]).stdout
    assert "2000 flares in" in table
    assert "fairness (Jain, of mean stretch)" in table


def test_arrivals_from_a_file(gust, tmp_path):
    """32 slots: the first takes 24 of them, the second waits for it, the third passes, the fourth never fits."""
    trace = tmp_path / "trace.csv"
    trace.write_text("at_s,workers,runtime_s,limit_s\n0,24,10,10\n1,32,5,10\n2,8,4,8\n3,33,1,1\n")
    done = gust("simulate", "--arrivals", trace, "--invokers", 4, "--slots", 8, "--json")
    report = json.loads(done.stdout)
    assert (report["started"], report["waited"], report["overtook"]) == (3, 1, 1)
    assert report["refused"] == {"never_fits": 1}
    assert (report["span"], report["wait"]["max"]) == (15, 9)
    trace.write_text("at_s,workers,runtime_s\n0,none,10\n")
    wrong = gust("simulate", "--arrivals", trace)
    assert (wrong.returncode, f"{trace}:2:2: 'none'" in wrong.stderr) == (2, True), wrong.stderr


def test_a_million_workers_on_20000_invokers(gust):
    report = json.loads(gust("simulate", "--invokers", 20000, "--slots", 50, "--most-workers", 1_000_000, "--granularity", 50,
                             "--flares", 300, "--load", "1.2", "--json", timeout=300).stdout)  # fmt: skip
    assert report["started"] == 300
    assert report["waited"] > 0


def test_traces_are_replayed(gust, tmp_path):
    trace = tmp_path / "trace.jsonl"
    assert gust("simulate", "--flares", 500, "--load", "1.2", "--trace", trace).returncode == 0
    done = gust("simulate", "--replay", trace)
    assert (done.returncode, "500 flares started" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize(
    "arguments", [["--load", "0"], ["--runtime", "-1"], ["--trace", "/nowhere/x"], ["--quotas", "x"]]
)
def test_wrong_arguments(gust, arguments):
    assert gust("simulate", *arguments).returncode == 2


def test_a_real_run_is_decided_again(make_cluster, gust, worker, tmp_path):
    """Queued, cancelled, retried, drained, refused: every decision of the controller is reproduced exactly."""
    record = tmp_path / "decisions.jsonl"
    with make_cluster("--record", record, "--driver", "process", "--queue-limit", 6, "--weights", "guest=2",
                      invokers=3, slots=4) as cluster:  # fmt: skip
        cluster.deploy("task", worker("task"))
        sleep = {"do": "sleep", "seconds": 0.2}
        flares = [cluster.flare("task", [sleep] * size, priority=size % 3) for size in (5, 12, 3, 8, 1, 2)]
        cluster.gust("cancel", flares[3])
        for flare in flares:
            cluster.wait_ended(flare)
        go = tmp_path / "go"
        lost = cluster.wait_running(
            cluster.flare("task", [{"do": "await file", "file": str(go)}] * 8, granularity=4, retries=1)
        )
        cluster.gust("drain", lost["packs"][0]["invoker_name"])
        os.kill(cluster.invoker_pids()[lost["packs"][1]["invoker_name"]], signal.SIGKILL)
        wait_for(lambda: cluster.look(lost["id"])["lost"], 10, "the loss is noticed")
        cluster.gust("uncordon", lost["packs"][0]["invoker_name"])
        cluster.wait_running(lost["id"])
        waits = cluster.flare("task", [sleep] * 8)
        assert cluster.gust("flare", "task", "--workers", 13, "--wait").returncode == 6
        go.touch()
        cluster.wait_ended(lost["id"])
        cluster.wait_ended(waits)
        cluster.wait_idle()
    done = gust("simulate", "--replay", record, "--json")
    assert done.returncode == 0, done.stderr
    replayed = json.loads(done.stdout)
    assert replayed["same"]
    assert replayed["starts"] == 8
    assert replayed["waited"] >= 4
    assert replayed["refused"] == 1

    lines = record.read_text().splitlines(keepends=True)
    with make_cluster(
        "--record", record, "--record-limit", 1000, "--driver", "process", invokers=1, slots=4
    ) as cluster:
        cluster.deploy("task", worker("task"))
        for _ in range(10):
            cluster.wait_ended(cluster.flare("task", [None]))
    assert 500 < record.stat().st_size <= 1000
    bounded = gust("simulate", "--replay", record, "--json")
    assert bounded.returncode == 0 and json.loads(bounded.stdout)["same"], bounded.stderr

    at, line = next((i, line) for i, line in enumerate(lines) if '"plan":[[' in line)
    lines[at] = line.replace('"plan":[[', '"plan":[[9')
    record.write_text("".join(lines))
    wrong = gust("simulate", "--replay", record)
    assert wrong.returncode != 0
    assert f"line {at + 1}: another decision than the recorded one" in wrong.stderr
