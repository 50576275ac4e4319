"""Functions sent to real workers: results, errors with their place, ends, waiting, cancelling."""

import time

import pytest

import functions

HERE = 7


def run(client, function, values, **options):
    return client.map(function, values, **options).get_result(timeout=60)


def test_map_is_map(client):
    assert run(client, functions.square, range(100), granularity=10) == [x * x for x in range(100)]


@pytest.mark.parametrize("function", [functions.uses_others, functions.decorated, functions.factorial])
def test_source_takes_along_what_it_uses(client, function):
    assert run(client, function, range(1, 4)) == [function(x) for x in range(1, 4)]


def test_what_has_no_source_is_pickled(client):
    assert run(client, functions.scaled(7), [1, 2, 3]) == [14, 21, 28]
    assert run(client, lambda x: x + HERE, [1, 2]) == [8, 9]


def test_a_function_of_two_arguments_gets_its_burst(client):
    flare = client.flare(functions.who, ["x", None, {"k": 1}, 2.5], granularity=3)
    results = flare.get_result(timeout=60)
    assert [result["worker"] for result in results] == [0, 1, 2, 3]
    assert [result["params"] for result in results] == ["x", None, {"k": 1}, 2.5]
    assert [result["pack"] for result in results] == [0, 0, 0, 1] == [result["mine"] for result in results]
    assert [result["leader"] for result in results] == [True, False, False, True]
    assert {result["of"] for result in results} == {4}
    assert len(flare.activation_ids) == 2


def test_an_exception_reaches_the_caller(gust_package, client):
    flare = client.map(functions.fails_on_odd, [0, 2, 3, 5], granularity=2)
    with pytest.raises(gust_package.WorkerError) as caught:
        flare.get_result(timeout=60)
    error = caught.value
    assert error.worker_id == 2
    assert str(error) == "worker 2: ValueError: 3 is odd"
    # Both exceptions, and the lines of the function; nothing of the other worker's.
    assert "KeyError: 3" in error.traceback and "in inner_failure" in error.traceback
    assert error.traceback.endswith("ValueError: 3 is odd\n") and "5 is odd" not in error.traceback
    assert error.traceback in str(error.__cause__)
    assert [future.exception() is None for future in flare.futures] == [True, True, False, False]
    results = flare.get_result(return_errors=True)
    assert results[:2] == [0, 2] and [entry.worker_id for entry in results[2:]] == [2, 3]


def test_an_exception_of_a_lone_worker(gust_package, client):
    with pytest.raises(gust_package.WorkerError) as caught:
        run(client, functions.inner_failure, [9])
    assert caught.value.message == "KeyError: 9" and "in inner_failure" in caught.value.traceback


def test_a_crash_fails_the_flare(gust_package, client):
    flare = client.map(functions.dies, [1, 2])
    with pytest.raises(gust_package.FlareFailed, match=r"worker \d crashed with SIGABRT") as caught:
        flare.get_result(timeout=60)
    assert caught.value.state == flare.state == "failed"
    with pytest.raises(gust_package.FlareFailed):
        flare.futures[0].get_result(timeout=60)


def test_a_future_does_not_wait_for_the_others(client):
    flare = client.map(functions.sleeps, [60, 0], timeout=120)
    assert flare.futures[1].get_result(timeout=30) == 0
    assert not flare.futures[0].done()
    with pytest.raises(TimeoutError, match=r"worker 0 has not ended within 0.2 s; it goes on: flare " + flare.id):
        flare.futures[0].get_result(timeout=0.2)
    assert flare.cancel()


def test_wait_for_any_and_for_all(gust_package, client):
    slow = client.map(functions.sleeps, [60])
    quick = client.map(functions.sleeps, [0, 0])
    done, missing = gust_package.wait([slow, *quick.futures], timeout=30, return_when=gust_package.ANY_COMPLETED)
    assert done and slow in missing
    done, missing = gust_package.wait(quick.futures, timeout=30)
    assert done == quick.futures and not missing
    done, missing = gust_package.wait(slow, timeout=0.1)
    assert (done, missing) == ([], [slow])
    slow.cancel()
    assert gust_package.wait([slow], timeout=30) == ([slow], [])


def test_cancel(gust_package, cluster, client):
    flare = client.map(functions.sleeps, [60] * 8, granularity=4)
    cluster.wait_running(flare.id)
    assert flare.cancel() and not flare.cancel()
    with pytest.raises(gust_package.FlareCancelled):
        flare.get_result(timeout=30)
    assert flare.state == "cancelled"


def test_the_time_limit(gust_package, client):
    with pytest.raises(gust_package.FlareTimedOut, match="limit"):
        run(client, functions.sleeps, [60], timeout=0.3)


def test_what_workers_write(client):
    flare = client.map(functions.prints, [1, 2], granularity=1)
    flare.wait(timeout=60)
    assert sorted(line.split(" ", 1)[1] for line in flare.logs()) == [  # two packs: in whichever order they come
        "stdout: [worker 0] value 1",
        "stdout: [worker 1] value 2",
    ]


def test_logs_can_be_followed(client, tmp_path):
    flare = client.map(functions.prints_and_waits, [1.0], memory=128)
    lines = flare.follow_logs()
    assert next(lines).endswith("stdout: begins")
    assert flare.state == "running"
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["ends"]
    assert flare.state == "succeeded"


def test_a_traceback_is_there_before_the_flare_has_ended(gust_package, client):
    flare = client.map(functions.fails_or_sleeps, [60, None])
    with pytest.raises(gust_package.WorkerError) as caught:
        flare.futures[1].get_result(timeout=30)
    assert "in fails_or_sleeps" in caught.value.traceback
    assert flare.cancel()


def test_stats_are_a_table_and_a_result_file(cluster, client, tmp_path):
    flare = client.map(functions.sleeps, [0.1] * 12, granularity=6)
    stats = flare.stats(timeout=60)
    lines = str(stats).splitlines()
    assert lines[0].startswith("12 of 12 workers started, in 2 packs on") and lines[0].endswith("succeeded")
    assert lines[1].split() == ["milliseconds", "min", "median", "p99", "max"]
    in_function = next(line for line in lines if line.startswith("in the function")).split()
    assert float(in_function[3]) >= 100
    path = tmp_path / "12/gran6.csv"
    path.parent.mkdir()
    stats.write_csv(path)
    done = cluster.gust("stats", path, "--json")
    assert done.returncode == 0, done.stderr
    done = cluster.gust("plot", "startup", tmp_path / "12", "-o", tmp_path / "figure.svg")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "figure.svg").stat().st_size > 0


def test_many_threads_share_a_client(client):
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        flares = list(pool.map(lambda n: run(client, functions.square, range(n, n + 4)), range(8)))
    assert flares == [[x * x for x in range(n, n + 4)] for n in range(8)]


def test_an_idle_connection_is_opened_again(gust_package, make_cluster):
    """A controller that was replaced at the same port by another has closed the connection that was kept."""
    with make_cluster("--api-key", "a:b", invokers=1, slots=2) as first:
        client = gust_package.Client(first.endpoint, "a:b", ca_file=first.ca_file)
        assert client.actions() == []
        connection = client._api._local.connection
        connection.sock.shutdown(2)
        assert client.actions() == []
        assert client._api._local.connection is not connection
    began = time.monotonic()
    with pytest.raises(gust_package.Unreachable, match="nothing answers at https://127.0.0.1"):
        client.actions()
    assert time.monotonic() - began < 10
