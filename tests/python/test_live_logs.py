"""What workers write can be read while they run: `gust activation logs -f`, by activation and by flare."""

import os
import signal

from cluster import wait_for

# Each worker prints, waits until the test has seen it, and prints again.
CODE = """
import os, time

def work(params, burst):
    print("begins")
    while not os.path.exists(params):
        time.sleep(0.01)
    print("ends")
"""


def start(cluster, put, params, **query):
    assert put("slow", {"code": CODE}).status == 200
    return cluster.flare("slow", params, **query)


def text_of(line):
    """Without the stamp, `stdout: ` and the mark of the worker."""
    return line.rstrip().split("] ", 1)[1]


def test_a_flares_lines_come_while_it_runs(cluster, put, tmp_path):
    gates = [str(tmp_path / f"gate-{worker}") for worker in range(4)]
    flare = start(cluster, put, gates, granularity=2)
    with cluster.start("activation", "logs", "-f", "--flare", flare) as follower:
        assert [text_of(follower.stdout.readline()) for _ in range(4)] == ["begins"] * 4
        open(gates[3], "w").close()
        line = follower.stdout.readline()
        assert "[worker 3] ends" in line
        for gate in gates[:3]:
            open(gate, "w").close()
        rest, errors = follower.communicate(timeout=20)
        assert [text_of(line) for line in rest.splitlines()] == ["ends"] * 3 and errors == ""
        assert follower.returncode == 0
    ended = cluster.wait_ended(flare)
    assert ended["state"] == "succeeded"
    # Afterwards the same lines are there, by flare and pack by pack.
    done = cluster.gust_json("activation", "logs", "--flare", flare)
    assert sorted(map(text_of, done["logs"])) == ["begins"] * 4 + ["ends"] * 4


def test_an_activation_has_its_own_packs_lines(cluster, put, tmp_path):
    gate = str(tmp_path / "gate")
    flare = start(cluster, put, [gate] * 4, granularity=2)
    second = cluster.wait_running(flare)["activations"][1]["id"]
    # As OpenWhisk has it, it does not exist yet.
    assert cluster.request("GET", f"/api/v1/namespaces/_/activations/{second}/logs").status == 404
    assert cluster.gust("activation", "logs", second).returncode != 0
    with cluster.start("activation", "logs", "--follow", second) as follower:
        lines = [follower.stdout.readline() for _ in range(2)]
        assert sorted(line.split("[", 1)[1] for line in lines) == ["worker 2] begins\n", "worker 3] begins\n"]
        open(gate, "w").close()
        assert len(follower.communicate(timeout=20)[0].splitlines()) == 2
    cluster.wait_ended(flare)


def test_whoever_stops_following_stops_nothing(cluster, put, tmp_path):
    gate = str(tmp_path / "gate")
    flare = start(cluster, put, [gate])
    with cluster.start("activation", "logs", "-f", flare) as follower:
        assert follower.stdout.readline().endswith("begins\n")
        follower.send_signal(signal.SIGINT)
        assert follower.wait(10) != 0
    assert cluster.look(flare)["state"] == "running"
    open(gate, "w").close()
    assert cluster.wait_ended(flare)["state"] == "succeeded"


def test_what_was_written_before_an_invoker_was_lost_is_kept(make_cluster, tmp_path):
    with make_cluster("--driver", "process", invokers=2, slots=2) as cluster:
        source = tmp_path / "slow.py"
        source.write_text(CODE)
        cluster.deploy("slow", source)
        flare = cluster.flare("slow", [str(tmp_path / "gate")] * 2, granularity=1)
        path = f"/api/v1/namespaces/_/flares/{flare}/logs"
        wait_for(lambda: len(cluster.request("GET", path).json()["logs"]) == 2, 20, "both lines")
        invoker = cluster.look(flare)["packs"][0]["invoker_name"]
        os.kill(cluster.invoker_pids()[invoker], signal.SIGKILL)
        assert cluster.wait_ended(flare)["state"] == "failed"
        page = cluster.request("GET", path).json()
        assert page["ended"] and [text_of(line) for line in page["logs"]] == ["begins"] * 2


def test_what_cannot_be_followed(cluster):
    done = cluster.gust("activation", "logs", "-f", "0" * 32)
    assert done.returncode != 0 and "does not exist" in done.stderr or "no " in done.stderr
    done = cluster.gust("activation", "logs", "-f", "--flare", "nonsense")
    assert done.returncode != 0 and "32 lower-case hex digits" in done.stderr
    done = cluster.gust("activation", "logs", "-f", "--json", "0" * 32)
    assert done.returncode == 2 and "excludes" in done.stderr
