"""What Prometheus reads of the controller."""

import prometheus


def samples(cluster):
    answer = cluster.request("GET", "/metrics")
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"].startswith("text/plain")
    return prometheus.samples(answer.body.decode())


def test_metrics(make_cluster, worker):
    with make_cluster(invokers=2, slots=4) as cluster:
        cluster.deploy("task", worker("task"))
        cluster.deploy("misbehave", worker("misbehave"))
        before = samples(cluster)
        assert before["gust_invokers"] == 2
        assert before['gust_invoker_free_slots{invoker="invoker-1"}'] == 4
        assert before['gust_flares{state="active"}'] == 0
        cluster.wait_ended(cluster.flare("task", [{}] * 6, granularity=2))
        cluster.wait_ended(cluster.flare("misbehave", [{"do": "abort"}] * 2, granularity=2))
        running = cluster.flare("misbehave", [{"do": "wait"}] * 3, granularity=1)
        cluster.wait_running(running)
        after = samples(cluster)
        assert after['gust_flares_ended_total{state="succeeded"}'] == 1
        assert after['gust_flares_ended_total{state="failed"}'] == 1
        assert after['gust_flare_failures_total{code="crashed"}'] == 1
        assert after['gust_workers_ended_total{outcome="returned"}'] == 6
        assert after["gust_flare_start_seconds_count"] >= 1
        assert after["gust_flare_start_seconds_sum"] < 5
        assert after["gust_flare_queue_seconds_count"] == 2
        assert after['gust_flares{state="active"}'] == 1
        assert sum(after[f'gust_invoker_free_slots{{invoker="invoker-{n}"}}'] for n in (0, 1)) == 5
        assert cluster.request("GET", "/metrics", headers={"Authorization": None}).status == 401
        stranger = cluster.gust("key", "add", "alice").stdout.strip()
        as_alice = {"Authorization": cluster.authorization(stranger)}
        assert cluster.request("GET", "/metrics", headers=as_alice).status == 403
        assert cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{running}").status == 200
