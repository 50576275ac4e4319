"""What watches an invoker: /ping, /ready and /metrics, served by itself."""

import http.client
import signal
import socket

import pytest

import prometheus
from apart import Apart
from cluster import wait_for


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture
def apart(gust_bin, tmp_path, worker):
    parts = Apart(gust_bin, tmp_path)
    parts.start_controller()
    parts.port_of_invoker = free_port()
    parts.start_invoker("a", "--status-listen", f"127.0.0.1:{parts.port_of_invoker}", "--driver", "process",
                        "--controller-grace", "30s", "--drain-time", "30s")  # fmt: skip
    parts.wait_joined("a")
    parts.deploy("task", worker("task"))
    parts.deploy("misbehave", worker("misbehave"))
    try:
        yield parts
    finally:
        parts.kill_all()


def samples(port):
    status, body = ask(port, "/metrics")
    assert status == 200
    return prometheus.samples(body)


def test_metrics(apart):
    port = apart.port_of_invoker
    before = samples(port)
    assert before["gust_invoker_connected"] == 1
    assert before["gust_sessions_total"] == 1
    assert before["gust_slots"] == 4
    assert before["gust_memory_bytes"] == 4 << 30
    assert before["gust_packs"] == 0
    assert before["gust_code_bytes"] > 0
    apart.wait_ended(apart.flare("task", [{}] * 4, granularity=2))
    apart.wait_ended(apart.flare("misbehave", [{"do": "abort"}], granularity=1))
    running = apart.flare("misbehave", [{"do": "wait"}] * 2, granularity=1)
    apart.wait_running(running)
    after = samples(port)
    assert after['gust_packs_ended_total{cause="finished"}'] == 2
    assert after['gust_packs_ended_total{cause="worker_crashed"}'] == 1
    assert after["gust_packs"] == 2
    assert after["gust_pack_launch_seconds_count"] == 5
    assert 0 < after["gust_pack_launch_seconds_sum"] < 5
    assert after["gust_invoker_cpu_seconds"] >= before["gust_invoker_cpu_seconds"] > 0


def test_readiness_follows_the_session(apart):
    port = apart.port_of_invoker
    assert ask(port, "/ready") == (200, "ready")
    apart.controller.kill()
    apart.controller.communicate()
    wait_for(lambda: ask(port, "/ready")[0] == 503, 5, "it is not ready without a controller")
    assert "no session with the controller" in ask(port, "/ready")[1]
    assert ask(port, "/ping") == (200, "pong"), "it lives"
    assert samples(port)["gust_invoker_connected"] == 0
    apart.start_controller()
    wait_for(lambda: ask(port, "/ready")[0] == 200, 10, "it has joined again")
    assert samples(port)["gust_sessions_total"] == 2


def test_an_invoker_that_leaves_is_not_ready(apart):
    running = apart.flare("misbehave", [{"do": "wait"}] * 2, granularity=1)
    apart.wait_running(running)
    apart.invokers["a"].send_signal(signal.SIGTERM)
    wait_for(lambda: ask(apart.port_of_invoker, "/ready")[0] == 503, 5, "it leaves")
    assert "ends when its packs have ended" in ask(apart.port_of_invoker, "/ready")[1]


def test_a_frozen_agent_does_not_answer(apart):
    """Its HTTP thread alone would be no sign of life: the agent itself has to answer."""
    connection = http.client.HTTPConnection("127.0.0.1", apart.port_of_invoker, timeout=1)
    apart.invokers["a"].send_signal(signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        connection.request("GET", "/ping")
        connection.getresponse()
    apart.invokers["a"].send_signal(signal.SIGCONT)
    assert ask(apart.port_of_invoker, "/ping") == (200, "pong")


def test_anything_else_is_refused(apart):
    port = apart.port_of_invoker
    assert ask(port, "/api/v1")[0] == 404
    assert ask(port, "/ping", "POST")[0] == 405
    assert ask(port, "/ready")[0] == 200


@pytest.mark.parametrize(
    ("address", "code", "says"), [("nowhere", 2, "is not an address"), ("127.0.0.1:{taken}", 3, "in use")]
)
def test_an_address_that_cannot_be_had(apart, address, code, says):
    address = address.format(taken=apart.port_of_invoker)
    second = apart.start_invoker("b", "--status-listen", address, "--driver", "process")
    _, errors = second.communicate(timeout=10)
    assert second.returncode == code, errors
    assert says in errors
