"""Bursts over several hosts: where packs go, what travels, and that links are as slow and lossy as they are told to be."""

import json
import re
import socket
import time

import pytest

from host_cluster import HostCluster, Hosts, run

MIB = 1 << 20


def bytes_sent_by(hosts, host):
    """By way of its link, since it exists."""
    return json.loads(run("ip", "-n", hosts.hub, "-s", "-j", "link", "show", f"host{host}"))[0]["stats64"]["rx"][
        "bytes"
    ]


def bytes_sent_to(hosts, host):
    return json.loads(run("ip", "-n", hosts.hub, "-s", "-j", "link", "show", f"host{host}"))[0]["stats64"]["tx"][
        "bytes"
    ]


def bench(cluster, kind, *flags):
    done = cluster.gust("bench", kind, "--endpoint", cluster.endpoint, *flags, "--json", timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_start_up(cluster):
    workers = cluster.hosts.count * cluster.slots
    (startup,) = bench(cluster, "startup", "--workers", workers, "--granularity", cluster.slots, "--sleep", 2)
    assert startup["distinct_workers"] == workers
    assert startup["peak_concurrent"] == workers


def test_a_pair_talks_over_the_link(cluster, hosts):
    """Their packs are on two hosts, though one would have had room."""
    before = [bytes_sent_by(hosts, host) for host in range(hosts.count)]
    bench(cluster, "pair", "--payload", "1MiB", "--iterations", 8, "--warm-up", 0)
    sent = [bytes_sent_by(hosts, host) - before[host] for host in range(hosts.count)]
    assert sum(amount > 8 * MIB for amount in sent) >= 1, sent


def test_collectives_across_hosts(cluster, hosts):
    """What they computed is checked by the workers themselves."""
    before = [bytes_sent_by(hosts, host) for host in range(hosts.count)]
    bench(
        cluster, "collective", "--workers", hosts.count * 4, "--granularity", 4, "--payload", "64KiB", "--iterations", 4
    )
    assert all(bytes_sent_by(hosts, host) - before[host] > 64 << 10 for host in range(hosts.count))


def test_a_slow_and_lossy_link(cluster, gust_bin, tmp_path):
    """200 Mbit a second are 23.8 MiB; a lost frame in a thousand does not stop the transport."""
    with Hosts(2, loss="0.1%", rate="200mbit") as slow, HostCluster(gust_bin, tmp_path, slow, slots=2) as cluster:
        (pair,) = bench(cluster, "pair", "--payload", "4MiB", "--iterations", 4, "--warm-up", 1)
        assert 1 < pair["mib_per_second"] < 24.5


def test_loss_is_what_was_asked():
    """Of 5000 datagrams a tenth, give or take nine standard deviations."""
    with Hosts(1, loss="10%") as hosts, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(5000):
            sender.sendto(b"x", (hosts.address(0), 9))
        counters = run(*hosts.command(0, "cat", "/proc/net/snmp"))
        names, values = [line.split()[1:] for line in counters.splitlines() if line.startswith("Udp:")]
        arrived = int(dict(zip(names, values))["NoPorts"])
    assert 4300 < arrived < 4700


@pytest.mark.parametrize("loss", ["0.1", "-1%", "100%", "some", "1 %"])
def test_wrong_loss(loss):
    with pytest.raises(ValueError, match=re.escape(f"loss '{loss}' is not a percentage")):
        Hosts(1, loss=loss)


def test_a_large_package_holds_nobody_up(gust_bin, tmp_path, worker):
    """48 MB take two seconds on each link. Meanwhile flares start, and nobody takes an invoker for lost."""
    big = tmp_path / "big.py"
    big.write_text("def main(args):\n    return {'big': True}\n" + "# padding\n" * (47 * MIB // 10))
    with Hosts(4, rate="200mbit") as hosts, HostCluster(gust_bin, tmp_path, hosts, slots=2) as cluster:
        cluster.deploy("talk", worker("talk"))
        cluster.wait_ended(cluster.flare("talk", [{"do": "return"}] * 8, granularity=2))
        before = [bytes_sent_to(hosts, host) for host in range(hosts.count)]
        cluster.deploy("big", big)
        times = []
        while min(bytes_sent_to(hosts, host) - before[host] for host in range(hosts.count)) < 40 * MIB:
            began = time.monotonic()
            ended = cluster.wait_ended(cluster.flare("talk", [{"do": "return"}] * 8, granularity=2))
            assert ended["state"] == "succeeded", ended["cause"]
            times.append(time.monotonic() - began)
        assert len(times) >= 2, "the package was there at once"
        assert max(times) < 1, times
        answer = cluster.request("POST", "/api/v1/namespaces/_/actions/big?blocking=true&result=true", {})
        assert answer.json() == {"big": True}
        assert "was lost" not in cluster.errors()


def test_a_large_result_is_no_silence(gust_bin, tmp_path):
    """16 MB take five seconds on the way to the controller, and what shows that either side lives waits behind them."""
    large = tmp_path / "large.py"
    large.write_text("def main(args):\n    return {'text': 'x' * 16_000_000}\n")
    with Hosts(1, rate="25mbit") as hosts, HostCluster(gust_bin, tmp_path, hosts, slots=1) as cluster:
        cluster.deploy("large", large)
        began = time.monotonic()
        flare = cluster.wait_ended(cluster.flare("large", [{}], granularity=1), seconds=60)
        assert flare["state"] == "succeeded", flare["cause"]
        assert len(flare["workers"][0]["result"]["text"]) == 16_000_000
        assert time.monotonic() - began > 4, "the link was faster than it should be"
        assert "was lost" not in cluster.errors()
