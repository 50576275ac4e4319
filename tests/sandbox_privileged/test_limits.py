"""What users see of an action's limits: those that end the pack, and those that refuse what goes beyond them."""

import pytest

MB = 1 << 20


@pytest.fixture(scope="module", params=[0, 2], ids=["cold", "prewarmed"])
def cluster(request, make_cluster):
    with make_cluster("--driver", "sandbox", "--memory", "4GB", "--prewarm", request.param, invokers=1, slots=16) as it:
        yield it


def run(cluster, worker, do, *limits, workers=1):
    cluster.deploy("greedy", worker("greedy"), *limits)
    flare = cluster.flare("greedy", [{"do": do}] * workers)
    return cluster.wait_ended(flare, 60.0)


@pytest.mark.parametrize(
    ("workers", "who"),
    [(1, "worker 0 on invoker 0"), (3, "pack 0 (workers 0 to 2) on invoker 0")],
)
def test_memory_kills(cluster, worker, workers, who):
    ended = run(cluster, worker, "memory", "--memory", "64MB", workers=workers)
    assert ended["state"] == "failed"
    assert ended["cause"]["message"].startswith(f"{who}: killed at its 64 MB memory limit; raise limits.memory")
    assert ended["packs"][0]["cause"] == "killed"


def test_time_ends_the_flare(cluster, worker):
    ended = run(cluster, worker, "wait", "--timeout", "300ms")
    assert ended["state"] == "timed_out"
    assert "limits.timeout" in ended["cause"]["message"]


@pytest.mark.parametrize(
    ("do", "flags", "error", "least", "most"),
    [
        ("threads", ["--processes", "20"], "EAGAIN", 20, 20),
        ("files", ["--open-files", "50"], "EMFILE", 40, 46),
        ("disk", ["--tmp", "20MB"], "ENOSPC", 19 * MB, 20 * MB),
    ],
)
def test_others_refuse(cluster, worker, do, flags, error, least, most):
    ended = run(cluster, worker, do, *flags)
    assert ended["state"] == "succeeded", ended["cause"]
    result = ended["workers"][0]["result"]
    assert result["error"] == error
    assert least <= result["got"] <= most, result


def test_shares_of_the_processors(cluster, worker):
    """Are what the kernel is told; how it divides is its own affair."""
    cluster.deploy("greedy", worker("greedy"), "--cpu", "300")
    flare = cluster.flare("greedy", [{"do": "wait"}] * 2)
    pack = cluster.wait_running(flare)["packs"][0]
    groups = dict(line.split(":", 2)[1:] for line in open(f"/proc/{pack['pid']}/cgroup").read().split("\n") if line)
    found = 0
    for controllers, path in groups.items():
        for root, file, expected in (
            (f"/sys/fs/cgroup/{controllers}", "cpu.shares", 2 * 3 * 1024),
            ("/sys/fs/cgroup", "cpu.weight", 2 * 300),
        ):
            try:
                assert int(open(f"{root}{path}/{file}").read()) == expected
                found += 1
            except FileNotFoundError:
                continue
    cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{flare}")
    cluster.wait_ended(flare)
    if not found:
        pytest.skip("no cgroup of the processors here")
