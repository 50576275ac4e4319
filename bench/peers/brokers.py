"""Transports over servers beside what the servers' own benchmark programs reach with the same chunk."""

import contextlib
import socket
import subprocess
import time

from peers import Skip

MIB = 1 << 20


@contextlib.contextmanager
def redis_server(peers):
    """A redis-server of our own that stores nothing; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [peers.need("redis-server", "redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--save", "",
         "--appendonly", "no", "--dir", str(peers.folder)],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    break
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.01)
        yield port
    finally:
        server.terminate()
        server.wait()


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
