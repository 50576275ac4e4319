"""What survives the controller: actions, packages, keys, and the activations that ended before it was killed."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import threading
import time

ACTIVATIONS = "/api/v1/namespaces/_/activations"
# At most 100 ms is the promise, half of it to collect; the rest is for a machine that is busy with other things.
MAY_BE_MISSING = 0.5


def invoke_until(parts, stop, ended):
    """Invokes one after another; notes what the client got, and when."""
    headers = {"Authorization": parts.authorization()}
    with contextlib.closing(parts.connect()) as connection, contextlib.suppress(OSError):
        while not stop.is_set():
            body = json.dumps({"n": len(ended)})
            connection.request("POST", "/api/v1/namespaces/_/actions/task?blocking=true", body, headers)
            response = connection.getresponse()
            record = json.loads(response.read())
            assert response.status == 200, record
            ended[record["activationId"]] = (time.monotonic(), record)


def test_kill_nine(apart, worker):
    apart.start_invoker("lonely", "--controller-grace", "60s", "--driver", "process")
    apart.wait_joined("lonely")
    apart.deploy("task", worker("task"), "--memory", "128MB", "--timeout", "7s")
    assert apart.request("PUT", "/api/v1/namespaces/_/packages/p", {}).status == 200
    assert apart.request("PUT", "/api/v1/namespaces/_/triggers/t", {}).status == 200
    rule = {"trigger": "/_/t", "action": "/_/task"}
    assert apart.request("PUT", "/api/v1/namespaces/_/rules/r", rule).status == 200
    alice = apart.gust("key", "add", "alice").stdout.strip()
    before = apart.request("GET", "/api/v1/namespaces/_/actions/task").json()
    burst = apart.flare("task", [{"n": n} for n in range(4)], granularity=2)
    flare = apart.wait_ended(burst)

    ended, stop = {}, threading.Event()
    client = threading.Thread(target=invoke_until, args=(apart, stop, ended))
    client.start()
    began = time.monotonic()
    while len(ended) < 20 or time.monotonic() - began < 2 * MAY_BE_MISSING:
        assert client.is_alive() and time.monotonic() - began < 60
        client.join(0.01)
    apart.controller.kill()
    killed = time.monotonic()
    stop.set()
    client.join()
    apart.controller.communicate()

    with contextlib.closing(sqlite3.connect(f"file:{apart.folder}/gust.db?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        half = "SELECT count(*) FROM flares LEFT JOIN flare_documents USING (sequence) WHERE document IS NULL"
        assert database.execute(half).fetchone() == (0,)

    apart.start_with_state()
    apart.wait_joined("lonely")
    assert apart.request("GET", "/api/v1/namespaces/_/actions/task").json() == before
    assert apart.request("GET", "/api/v1/namespaces/_/packages/p").status == 200
    assert apart.request("GET", "/api/v1/namespaces/_/rules/r").json()["status"] == "active"
    as_alice = {"Authorization": apart.authorization(alice)}
    assert apart.request("GET", "/api/v1/namespaces", headers=as_alice).json() == ["alice"]

    safe = [activation for activation, (at, _) in ended.items() if at < killed - MAY_BE_MISSING]
    assert safe
    found = 0
    for activation, (_, record) in ended.items():
        answer = apart.request("GET", f"{ACTIVATIONS}/{activation}")
        if activation in safe:
            assert answer.status == 200, f"{activation} of {killed - ended[activation][0]:.3f} s before is missing"
        if answer.status == 200:
            found += 1
            assert answer.json() == record
    # The burst with its packs and workers, too; and lists count all of it.
    assert apart.look(burst) == flare
    count = apart.request("GET", f"{ACTIVATIONS}?count=true").json()["activations"]
    assert found + 2 <= count <= len(ended) + 3  # one may have ended whose answer was not read
    # The code is there for invokers that have never seen it.
    again = apart.request("POST", "/api/v1/namespaces/_/actions/task?blocking=true&result=true", {"n": 1})
    assert (again.status, again.json()["params"]) == (200, {"n": 1})


def test_an_end_in_order_writes_everything(apart, worker):
    apart.start_invoker("lonely", "--controller-grace", "60s", "--driver", "process")
    apart.wait_joined("lonely")
    apart.deploy("task", worker("task"))
    flare = apart.flare("task", [{}])
    apart.wait_ended(flare)
    apart.controller.send_signal(signal.SIGTERM)
    apart.controller.communicate(timeout=10)
    apart.start_with_state()
    assert apart.request("GET", f"{ACTIVATIONS}/{flare}").status == 200
    deleted = apart.request("DELETE", "/api/v1/namespaces/_/actions/task")
    assert deleted.status == 200
    apart.controller.kill()
    apart.controller.communicate()
    apart.start_with_state()
    assert apart.request("GET", "/api/v1/namespaces/_/actions/task").status == 404


def second_controller(apart, *flags):
    return subprocess.run(
        [apart.gust_bin, "controller", "--listen", "127.0.0.1:0", "--invoker-listen",
         f"unix:{apart.runtime}/other.sock", *map(str, flags)],
        env={**apart.environment, "GUST_API_KEY": "a:b"}, capture_output=True, text=True, check=False,
        timeout=20)  # fmt: skip


def test_a_second_controller_is_refused(apart):
    refused = second_controller(apart, "--state", apart.folder)
    assert refused.returncode != 0
    assert f"in use by the controller with process id {apart.controller.pid}" in refused.stderr
    assert "--state" in refused.stderr


def test_a_newer_or_damaged_state_is_refused(apart):
    apart.controller.kill()
    apart.controller.communicate()
    with contextlib.closing(sqlite3.connect(apart.folder / "gust.db")) as database:
        database.execute("PRAGMA user_version = 77")
    newer = second_controller(apart, "--state", apart.folder)
    assert newer.returncode != 0
    assert "written by a newer Gust" in newer.stderr
    (apart.folder / "gust.db-wal").unlink(missing_ok=True)
    (apart.folder / "gust.db").write_bytes(b"nonsense" * 10_000)
    damaged = second_controller(apart, "--state", apart.folder)
    assert damaged.returncode == 2
    assert "gust.db" in damaged.stderr and "damaged" in damaged.stderr


def test_it_says_where_the_state_is(gust_bin, make_cluster, tmp_path):
    with make_cluster("--state", tmp_path / "kept", invokers=1, slots=1) as cluster:
        assert f"state in {tmp_path}/kept" in cluster.banner
        key = cluster.gust("key", "add", "alice").stdout.strip()
    with make_cluster("--state", tmp_path / "kept", invokers=1, slots=1) as cluster:
        assert [entry["id"] for entry in cluster.gust_json("key", "list")] == [key.split(":")[0]]
    with make_cluster(invokers=1, slots=1) as cluster:
        assert "state in memory, until the controller ends" in cluster.banner
        assert cluster.gust_json("key", "list") == []


def drained(apart):
    return {invoker["name"]: invoker["drained"] for invoker in apart.status()["invokers"]}


def restart(apart, *names):
    apart.controller.kill()
    apart.controller.communicate()
    apart.start_with_state()
    apart.wait_joined(*names)


def test_a_drained_invoker_stays_so(apart, worker):
    """Over restarts of the controller and of its own, until it is taken back."""
    for name in ("a", "b"):
        apart.start_invoker(name, "--controller-grace", "60s", "--driver", "process")
    apart.wait_joined("a", "b")
    apart.deploy("task", worker("task"))
    assert apart.gust("drain", "a").returncode == 0
    restart(apart, "a", "b")
    assert drained(apart) == {"a": True, "b": False}
    apart.invokers["a"].send_signal(signal.SIGINT)
    apart.invokers["a"].communicate(timeout=10)
    apart.wait_joined("b")
    apart.start_invoker("a", "--controller-grace", "60s", "--driver", "process")
    apart.wait_joined("a", "b")
    assert drained(apart) == {"a": True, "b": False}
    flare = apart.wait_ended(apart.flare("task", [{}] * 4, granularity=1))
    assert {pack["invoker_name"] for pack in flare["packs"]} == {"b"}
    assert apart.gust("uncordon", "a").returncode == 0
    restart(apart, "a", "b")
    assert drained(apart) == {"a": False, "b": False}
