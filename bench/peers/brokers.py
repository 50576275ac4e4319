"""Transports over servers beside what the servers' own benchmark programs reach with the same chunk."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

from peers import Skip, format_row

MIB = 1 << 20
PERF_TEST = pathlib.Path(__file__).resolve().parents[2] / "build/perf_test/jars"
RABBITMQ = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def free_ports(count):
    """Ports that nothing listens on now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def wait_for(server, port, request, answer, seconds):
    """Until a server answers as it should."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(request)
            if connection.recv(16).startswith(answer):
                return
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{server.args[0]} did not start")
        time.sleep(0.02)


@contextlib.contextmanager
def started(*command, **options):
    """A process that ends with the block."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def redis_server(peers):
    """A redis-server of our own that stores nothing; gives its port."""
    (port,) = free_ports(1)
    with started(
        peers.need("redis-server", "redis-server"), "--bind", "127.0.0.1", "--port", port, "--save", "",
        "--appendonly", "no", "--dir", peers.folder
    ) as server:  # fmt: skip
        wait_for(server, port, b"PING\r\n", b"+PONG", 10)
        yield port


@contextlib.contextmanager
def rabbitmq_server(peers):
    """A node of our own, with the name server that Erlang's nodes need; gives its port."""
    if not RABBITMQ.exists():
        raise Skip("rabbitmq-server is not installed; apt install rabbitmq-server")
    names, port, nodes = free_ports(3)
    folder = peers.folder / "rabbitmq"
    folder.mkdir()
    environment = {
        **os.environ,
        "HOME": str(folder),  # of the cookie
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_NODENAME": f"peers{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(nodes),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "no-plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "no-configuration"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RUNNING_UNDER_SYSTEMD": "yes",  # no shell stays between the node and us
    }
    with started(peers.need("epmd", "erlang-base"), "-port", names, "-address", "127.0.0.1"):
        with started(RABBITMQ, env=environment, cwd=folder, stderr=subprocess.DEVNULL) as server:
            wait_for(server, port, b"AMQP\0\0\x09\x01", b"\1\0\0", 60)
            yield port


def rabbitmq(peers):
    """A pair; the peer is PerfTest with a publisher that asks for confirms, and a consumer that acknowledges."""
    if shutil.which("java") is None or not PERF_TEST.is_dir():
        raise Skip(f"PerfTest is not in {PERF_TEST}; ./dev peers puts it there where Java and Maven are")
    total = (64 if peers.quick else 1024) * MIB
    chunk = MIB
    count = total // chunk
    with rabbitmq_server(peers) as port:
        uri = f"amqp://guest:guest@127.0.0.1:{port}/%2F"

        def theirs():
            out = peers.run(
                "java", "-cp", f"{PERF_TEST}/*", "com.rabbitmq.perf.PerfTest", "--uri", uri, "--producers", 1,
                "--consumers", 1, "--size", chunk, "--confirm", 16, "--qos", 256, "--multi-ack-every", 8,
                "--pmessages", count, "--cmessages", count
            )  # fmt: skip
            rate = re.search(r"receiving rate avg: (\d+) msg/s", out)
            if rate is None:
                raise RuntimeError(f"PerfTest printed no average: {out[-500:]}")
            return int(rate.group(1)) * chunk / MIB

        def ours():
            (run,) = peers.bench(
                "pair", "--backend", "rabbitmq", "--rabbitmq", uri, "--payload", total, "--chunk", chunk,
                "--iterations", 3, "--warm-up", 1
            )  # fmt: skip
            return run["mib_per_second"]

        peers.compare("rabbitmq, one pair, 1 MiB chunks", "MiB/s", ours, theirs, 0.9)


def redis(peers):
    """A pair over lists and streams; the peer pushes and pops as many values of a chunk, one command after the other."""
    tool = peers.need("redis-benchmark", "redis-tools")
    total = 64 * MIB if peers.quick else 1024 * MIB
    chunk = MIB
    count = total // chunk

    with redis_server(peers) as port:
        uri = f"redis://127.0.0.1:{port}"

        def theirs():
            # What is sent has to come back: the time of both, for each byte once.
            seconds = 0.0
            for test in ("rpush", "lpop"):
                out = peers.run(
                    tool, "-h", "127.0.0.1", "-p", port, "-n", count, "-d", chunk, "-c", 4, "-P", 4, "--csv", "-t", test
                )  # fmt: skip
                rate = float(out.splitlines()[-1].split(",")[1].strip('"'))
                seconds += count / rate
            return total / MIB / seconds

        for backend in ("redis-list", "redis-stream"):

            def ours(backend=backend):
                (run,) = peers.bench(
                    "pair", "--backend", backend, "--redis", uri, "--payload", total, "--chunk", chunk,
                    "--iterations", 3, "--warm-up", 1
                )  # fmt: skip
                return run["mib_per_second"]

            try:
                ours()
            except RuntimeError as error:
                raise Skip(str(error).splitlines()[-1]) from error
            peers.compare(f"{backend}, one pair, 1 MiB chunks", "MiB/s", ours, theirs, 0.9)


def s3(peers):
    """One of our benchmarks: the transport, and the same objects put and got by plain requests, in turn, one server."""
    bench = peers.gust_bin.with_name("gust_transport_s3_bench")
    if not bench.exists():
        raise Skip(f"{bench} is not built")
    chunk = "1024" if peers.quick else ""
    out = peers.run(bench, "--benchmark_format=json", f"--benchmark_filter=chunk_KiB:{chunk}")
    for run in json.loads(out)["benchmarks"]:
        if "error_message" in run:
            raise Skip(run["error_message"])
        kibibytes = int(re.search(r"chunk_KiB:(\d+)", run["name"]).group(1))
        row = {
            "what": f"s3, one pair, {kibibytes} KiB chunks; plain requests",
            "unit": "MiB/s",
            "ours": run["transport_MiBps"],
            "peer": run["plain_MiBps"],
            "ratio": run["ratio"],
            "budget": 0.9,
        }
        peers.rows.append(row)
        print(format_row(row), flush=True)
