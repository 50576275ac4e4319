"""Python workers in sandboxes: that everything they need is let in, and what ends them."""

import base64
import io
import os
import zipfile

import pytest

from cluster import wait_for


@pytest.fixture(scope="module", params=[0, 4], ids=["cold", "warm"])
def interpreters(request):
    """That each invoker keeps ready."""
    return request.param


@pytest.fixture(scope="module")
def cluster(make_cluster, interpreters):
    if os.geteuid() != 0:
        pytest.skip("these tests are for sandboxes that root makes")
    flags = ["--driver", "sandbox", "--prewarm-python", interpreters, "--runtimes", "elsewhere=host"]
    with make_cluster(*flags, invokers=2, slots=48) as cluster:
        yield cluster
        cluster.wait_idle()


@pytest.fixture
def burst(cluster, interpreters):
    def burst(code, params, exec_=None, limits=None, **query):
        body = {"exec": {"kind": "python:3", "code": code, **(exec_ or {})}, "limits": limits or {}}
        stored = cluster.request("PUT", "/api/v1/namespaces/_/actions/burst?overwrite=true", body)
        assert stored.status == 200, stored.body
        wait_for(lambda: cluster.status()["totals"]["prewarmed"] >= interpreters, 20.0, "interpreters that wait")
        return cluster.wait_ended(cluster.flare("burst", params, **query))

    return burst


def test_results_of_ninety_six_workers(burst):
    code = (
        "import os\ndef work(params, burst): return [burst.worker_id, os.getcwd(), os.getuid() == os.stat('.').st_uid]"
    )
    ended = burst(code, [None] * 96, granularity=48)
    assert ended["state"] == "succeeded", ended["cause"]
    assert [worker["result"] for worker in ended["workers"]] == [[i, "/tmp/action", True] for i in range(96)]


def test_the_interpreter_that_waited_runs_the_code(cluster, burst, interpreters):
    wait_for(lambda: cluster.status()["totals"]["prewarmed"] == 2 * interpreters, 20.0, "all interpreters")
    code = """
import os

def work(params, burst):
    with open(f"/proc/{os.getppid()}/cmdline") as arguments:
        return arguments.read().endswith("\\0ahead\\0")
"""
    ended = burst(code, [None] * 2, granularity=1)
    assert [worker["result"] for worker in ended["workers"]] == [interpreters > 0] * 2, ended["cause"]
    assert [pack["prewarmed"] for pack in ended["packs"]] == [interpreters > 0] * 2


def test_an_executable_has_no_interpreter_beside_it(burst):
    """A blackbox action may be either, which is known only when a pack looks."""
    script = """#!/bin/bash
read line
for attempt in {1..100}; do
  left=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c [a]head)
  [ "$left" = 0 ] && break
  sleep 0.05
done
echo "[$left]" >&3
"""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as files:
        entry = zipfile.ZipInfo("exec")
        entry.external_attr = 0o755 << 16
        files.writestr(entry, script)
    exec_ = {"kind": "blackbox", "image": "elsewhere", "binary": True}
    ended = burst(base64.b64encode(package.getvalue()).decode(), [None], exec_)
    assert ended["state"] == "succeeded", ended["cause"]
    assert [worker["result"] for worker in ended["workers"]] == [0]


def test_what_programs_use(burst):
    """Threads, child processes, pools, subprocesses, sockets, shared memory, temporary files."""
    code = """
import concurrent.futures, multiprocessing, socket, subprocess, tempfile, threading
from multiprocessing import shared_memory

def square(x): return x * x

def work(params, burst):
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        squares = list(pool.map(square, range(4)))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        squares += pool.map(square, [5, 6])
    said = subprocess.run(["/bin/echo", "said"], capture_output=True, text=True, check=True).stdout
    near, far = socket.socketpair()
    near.send(b"x")
    memory = shared_memory.SharedMemory(create=True, size=10)
    memory.close()
    memory.unlink()
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x")
    return [squares, said, far.recv(1).decode()]
"""
    ended = burst(code, [None] * 3)
    assert ended["state"] == "succeeded", ended["cause"]
    assert [worker["result"] for worker in ended["workers"]] == [[[0, 1, 4, 9, 25, 36], "said\n", "x"]] * 3


def test_an_archive_with_data(burst):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("__main__.py", "def main(args): return open('data').read()")
        package.writestr("data", "inside")
    ended = burst(base64.b64encode(buffer.getvalue()).decode(), [None] * 2)
    assert [worker["result"] for worker in ended["workers"]] == ["inside"] * 2


def test_the_memory_limit_is_told(burst):
    code = """
import time

def work(params, burst):
    if burst.worker_id != 1:
        time.sleep(1000)
    blocks = []
    while True:
        blocks.append(bytearray(4 << 20))
"""
    ended = burst(code, [None] * 3, limits={"memory": 128})
    assert ended["state"] == "failed"
    assert "128 MB memory limit; raise limits.memory" in ended["cause"]["message"]


def test_a_worker_that_is_killed_is_named(burst):
    code = "import os, time\ndef work(params, burst): os.kill(os.getpid(), 9) if burst.worker_id == 2 else time.sleep(1000)"
    ended = burst(code, [None] * 3)
    assert ended["cause"]["message"].startswith("worker 2 was killed by SIGKILL")


def test_processes_are_limited_beside_the_workers(burst):
    """256 beside the workers; more are refused in the worker that asks."""
    code = """
import os, time

def work(params, burst):
    made = 0
    try:
        while made < 400:
            if os.fork() == 0:
                time.sleep(1000)
                os._exit(0)
            made += 1
    except BlockingIOError:
        pass
    return made
"""
    ended = burst(code, [None], granularity=1)
    assert ended["state"] == "succeeded", ended["cause"]
    assert 200 < ended["workers"][0]["result"] <= 256
