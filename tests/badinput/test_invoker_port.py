"""Strangers at the port for invokers: nothing that they send stops the controller, costs it memory, or lets them in."""

import contextlib
import pathlib
import random
import socket
import struct

import pytest

from apart import Apart
from cluster import wait_for

GREETING = b"GUST"


@pytest.fixture
def apart(gust_bin, tmp_path, worker):
    parts = Apart(gust_bin, tmp_path)
    parts.invoker_listen = "127.0.0.1:0"
    parts.start_controller()
    parts.start_invoker("a", "--driver", "process")
    parts.wait_joined("a")
    parts.deploy("task", worker("task"))
    try:
        yield parts
        assert parts.wait_ended(parts.flare("task", [{}] * 4, granularity=2))["state"] == "succeeded"
        assert set(parts.invoker_pids()) == {"a"}
    finally:
        parts.kill_all()


def open_to(apart):
    host, port = apart.invokers_at.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=15)


def frame(message):
    return struct.pack("<I", len(message)) + message


def answer_to(apart, sent):
    """All that comes back until the controller ends the connection, or we do."""
    with contextlib.closing(open_to(apart)) as stranger, contextlib.suppress(ConnectionError):
        stranger.sendall(sent)
        stranger.shutdown(socket.SHUT_WR)
        received = b""
        while part := stranger.recv(65536):
            received += part
        return received
    return b""


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
                                  b"GUS", b"gust" + bytes(100)])  # fmt: skip
def test_other_protocols_hear_nothing(apart, sent):
    assert answer_to(apart, sent) == b""


def test_what_is_no_message_is_refused_with_a_sentence(apart):
    assert b"a message that cannot be read" in answer_to(apart, GREETING + frame(b"\xff" * 20))
    reports = bytes([0x12, 0])  # field 2, empty
    assert b"the first message must be hello" in answer_to(apart, GREETING + frame(reports))


def test_random_bytes(apart):
    """Frames that are torn, mutated or made of anything; half of them behind a right greeting."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    draw = random.Random(seed)
    hello = bytes([0x0A, 6, 0x08, 5, 0x12, 2, 0x78, 0x79])  # version 5, name "xy", and no more
    for _ in range(2000):
        sent = bytearray(draw.choice([b"", GREETING, GREETING + frame(hello), GREETING + bytes(4)]))
        sent += draw.choice([draw.randbytes(draw.randrange(200)), frame(draw.randbytes(draw.randrange(60)))])
        if sent and draw.random() < 0.5:
            sent[draw.randrange(len(sent))] ^= 1 << draw.randrange(8)
        answer_to(apart, bytes(sent[: draw.randrange(len(sent) + 1)]))
    assert apart.controller.poll() is None


def resident(pid):
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def test_announced_sizes_cost_nothing(apart):
    before = resident(apart.controller.pid)
    with contextlib.ExitStack() as open_ones:
        for _ in range(200):
            stranger = open_ones.enter_context(contextlib.closing(open_to(apart)))
            stranger.sendall(GREETING + struct.pack("<I", 16 << 20) + bytes(1000))
        assert apart.request("GET", "/ping").status == 200
        assert resident(apart.controller.pid) - before < 20 << 20
        last = open_ones.enter_context(contextlib.closing(open_to(apart)))
        last.sendall(GREETING + struct.pack("<I", (16 << 20) + 1))
        last.settimeout(5)  # before the ten seconds that strangers have in any case
        while last.recv(100):
            pass


def test_silence_is_ended(apart):
    """Who says nothing is sent away after ten seconds, and keeps nobody else out."""
    with contextlib.closing(open_to(apart)) as silent:
        apart.start_invoker("b", "--driver", "process")
        apart.wait_joined("a", "b")
        assert silent.recv(100) == b""
    apart.invokers["b"].terminate()
    wait_for(lambda: set(apart.invoker_pids()) == {"a"}, 5, "b has left")
