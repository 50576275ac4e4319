"""Random and mutated requests against a real cluster: no crash, no 5xx, every error a sentence, and no memory kept.

GUST_FUZZ_REQUESTS says how many (the long run has 100,000), GUST_FUZZ_SEED which.
"""

import contextlib
import json
import os
import pathlib
import socket

import pytest

from generator import Requests

COUNT = int(os.environ.get("GUST_FUZZ_REQUESTS", "4000"))
SEED = int(os.environ.get("GUST_FUZZ_SEED", "20261124"))
MAY_GROW = 64 << 20  # bytes: what the allocator keeps, and the records that retention allows


class Wire:
    """A connection that is opened anew whenever the server has closed it."""

    def __init__(self, port):
        self.port = port
        self.socket = None

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def exchange(self, request, has_body):
        """(status, body) of the answer; None where the server closed the connection without one."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            self.buffer = b""
        try:
            self.socket.sendall(request)
            # A mutated request may promise more than comes.
            self.socket.shutdown(socket.SHUT_WR) if not has_body else None
            return self.read()
        except ConnectionError:
            self.close()
            return None

    def read(self):
        while True:
            while b"\r\n\r\n" not in self.buffer:
                if not self.fill():
                    return None
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            self.buffer = rest
            if not head.startswith(b"HTTP/1.1 100"):
                break
        headers = {name.lower(): value.strip() for name, _, value in
                   (line.partition(b":") for line in head.split(b"\r\n")[1:])}  # fmt: skip
        status = int(head.split()[1])
        length = int(headers.get(b"content-length", b"0"))
        while len(self.buffer) < length:
            if not self.fill():
                break
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        if headers.get(b"connection") == b"close":
            self.close()
        return status, body

    def fill(self):
        piece = self.socket.recv(1 << 16)
        self.buffer += piece
        if not piece:
            self.close()
        return bool(piece)


@pytest.fixture(scope="module")
def cluster(make_cluster, worker):
    with make_cluster("--driver", "process", "--retain-flares", 200, invokers=1, slots=8) as cluster:
        cluster.deploy("task", worker("task"))
        yield cluster


def memory_of(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"process {pid} has no memory")


def check(method, request, answer):
    status, body = answer
    shown = f"{request[:300]!r} -> {status} {body[:300]!r}"
    if status >= 500:
        # An invocation whose code failed is a 502 with its record or its error.
        assert status == 502 and method == "POST" and (b'"response"' in body or b'"error"' in body), shown
    elif status >= 400 and method != "HEAD":
        error = json.loads(body)
        assert isinstance(error.get("error"), str) and error["error"], shown
        assert isinstance(error.get("code"), str), shown


def test_fuzz(cluster):
    source = Requests(SEED, cluster.authorization())
    controller = cluster.controller_pid()
    settled = None
    answered = 0
    with contextlib.closing(Wire(cluster.port)) as wire:
        for number in range(COUNT):
            method, request = source.next()
            whole = request.count(b"\r\n\r\n") == 1 and method.isupper() and method != "HEAD" and is_framed(request)
            answer = wire.exchange(request, whole)
            if answer is not None:
                answered += 1
                check(method, request, answer)
            if not whole:
                wire.close()
            if number == COUNT // 4:
                settled = memory_of(controller)
    print(f"seed {SEED}: {answered} of {COUNT} requests answered")
    assert answered > COUNT * 0.9
    assert cluster.controller_pid() == controller
    for entry in cluster.request("GET", "/api/v1/namespaces/_/flares?limit=200").json():
        if not entry["stamps"]["ended"]:
            cluster.request("DELETE", f"/api/v1/namespaces/_/flares/{entry['id']}")
    cluster.wait_idle(60)
    assert memory_of(controller) < settled + MAY_GROW
    assert "error" not in cluster.errors()


def is_framed(request):
    """Whether its length is what its header says: then the connection can be used again."""
    head, _, body = request.partition(b"\r\n\r\n")
    return b"\r\nContent-Length: %d\r\n" % len(body) in head + b"\r\n"
