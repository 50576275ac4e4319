"""Who waits, why, and what can be done about it: gust queue, cancel, drain, uncordon, priorities, quotas, the queue's bound."""

import re

import pytest

from cluster import wait_for

WAIT = {"do": "wait"}


@pytest.fixture(scope="module")
def cluster(make_cluster, worker):
    with make_cluster("--queue-limit", 4, "--quotas", "guest=6", invokers=2, slots=4) as cluster:
        cluster.deploy("misbehave", worker("misbehave"))
        yield cluster


def cancel(cluster, *flares):
    done = cluster.gust("cancel", *flares)
    assert done.returncode == 0, done.stderr
    return done.stdout


def queued(cluster):
    return [(entry["id"], entry["queue"]["position"]) for entry in cluster.gust_json("queue")]


def test_places_and_reasons(cluster):
    """Within a namespace the higher priority goes first; the table says where and why."""
    assert cluster.gust("queue").stdout == "no flare waits\n"
    running = cluster.wait_running(cluster.flare("misbehave", [WAIT] * 6))["id"]
    low = cluster.flare("misbehave", [WAIT] * 2, priority=-1)
    middle = cluster.flare("misbehave", [WAIT] * 5)
    high = cluster.flare("misbehave", [WAIT] * 5, priority=10)
    assert queued(cluster) == [(high, 1), (middle, 2), (low, 3)]
    table = cluster.gust("queue").stdout.splitlines()
    assert table[0].split() == ["place", "flare", "action", "workers", "priority", "waits", "s", "why"]
    assert re.match(rf" +1  {high} misbehave +5 +10 +\d+\.\d  namespace guest holds 6 slots of its quota of 6; burst of 5 "
                    "workers needs 5 more", table[1])  # fmt: skip
    assert cluster.look(low)["queue"]["position"] == 3
    assert cluster.look(low)["priority"] == -1

    assert cancel(cluster, middle, running) == f"flare {middle}: cancelled\nflare {running}: cancelled\n"
    cluster.wait_running(high)
    again = cluster.gust("cancel", running)
    assert (again.returncode, "ended already (cancelled)" in again.stderr) == (2, True), again.stderr
    cancel(cluster, high, low)
    cluster.wait_idle()


def test_over_the_quota(cluster):
    done = cluster.gust("flare", "misbehave", "--workers", 7, "--wait")
    assert done.returncode == 6
    assert "the quota of namespace guest is 6: 1 short" in done.stderr


def test_a_full_queue_answers_429(cluster):
    """With the body that OpenWhisk's clients read; what waited before is not disturbed."""
    running = cluster.wait_running(cluster.flare("misbehave", [WAIT] * 6))["id"]
    waiting = [cluster.flare("misbehave", [WAIT]) for _ in range(4)]
    answer = cluster.request("POST", "/api/v1/namespaces/_/actions/misbehave?burst=true", {"value": [WAIT]})
    assert answer.status == 429
    assert set(answer.json()) == {"error", "code"}
    assert "the queue is full (limit 4)" in answer.json()["error"]
    assert re.fullmatch("[0-9a-f]{32}", answer.json()["code"])
    assert queued(cluster) == [(flare, place + 1) for place, flare in enumerate(waiting)]
    cancel(cluster, *waiting, running)
    cluster.wait_idle()


def test_drain_and_uncordon(cluster):
    """A drained invoker ends what it has and gets nothing new."""
    running = cluster.wait_running(cluster.flare("misbehave", [WAIT] * 3))
    name = running["packs"][0]["invoker_name"]
    done = cluster.gust("drain", name)
    assert (done.returncode, "takes nothing new; 1 packs run there" in done.stdout) == (0, True), done.stderr
    assert "draining" in cluster.gust("status").stdout
    other = cluster.wait_running(cluster.flare("misbehave", [WAIT] * 2))
    assert [pack["invoker_name"] for pack in other["packs"]] != [name]
    waits = cluster.flare("misbehave", [WAIT] * 3, granularity=3)
    assert "guest holds 5" in cluster.look(waits)["queue"]["reason"]
    cancel(cluster, running["id"])
    reason = wait_for(
        lambda: (now := cluster.look(waits)["queue"]["reason"]) and "drained" in now and now, 5, "room in the quota"
    )
    assert "1 of 2 invokers are drained" in reason
    assert re.search(r"  drained$", cluster.gust("status").stdout, re.MULTILINE)
    assert cluster.gust("uncordon", name).returncode == 0
    assert cluster.wait_running(waits)["packs"][0]["invoker_name"] == name
    cancel(cluster, waits, other["id"])
    cluster.wait_idle()


def test_unknown_invoker(cluster):
    done = cluster.gust("drain", "nobody")
    assert done.returncode != 0
    assert "there is no invoker 'nobody'; gust status lists names and ids" in done.stderr


@pytest.mark.parametrize("priority", ["11", "-11", "soon"])
def test_wrong_priority(cluster, priority):
    done = cluster.gust("flare", "misbehave", "--workers", 1, f"--priority={priority}", "--wait")
    assert done.returncode == 2
    assert priority in done.stderr


def test_small_flares_pass_where_they_do_not_delay(make_cluster, worker):
    """The head of the queue is told when it starts; who ends before that passes it, who does not waits."""
    with make_cluster(invokers=1, slots=4) as cluster:
        cluster.deploy("long", worker("misbehave"), "--timeout", "60s")
        cluster.deploy("longer", worker("misbehave"), "--timeout", "120s")
        cluster.deploy("short", worker("misbehave"), "--timeout", "20s")
        running = cluster.wait_running(cluster.flare("long", [WAIT] * 3))["id"]
        head = cluster.flare("long", [WAIT] * 4)
        place = cluster.look(head)["queue"]
        assert place["position"] == 1
        assert 30 < place["starts_within"] <= 60
        assert "it starts within" in cluster.gust("queue").stdout
        longer = cluster.flare("longer", [WAIT])
        short = cluster.wait_running(cluster.flare("short", [WAIT]))["id"]
        assert queued(cluster) == [(head, 1), (longer, 2)]
        cancel(cluster, short, running)
        cluster.wait_running(head)
        cancel(cluster, head, longer)
        cluster.wait_idle()
