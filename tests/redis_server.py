"""A redis-server of a test's own."""

import shutil
import socket
import subprocess

import pytest

from cluster import wait_for

PASSWORD = "open-sesame"


class RedisServer:
    """On a port of the kernel's choice, with a password, in `folder`. To be used with `with`."""

    def __init__(self, folder, *flags):
        self.folder = folder
        self.flags = flags
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = None

    @property
    def uri(self):
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}"

    def __enter__(self):
        if shutil.which("redis-server") is None:
            pytest.skip("redis-server is not installed")
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        self.kill()

    def start(self):
        """Returns when it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", PASSWORD]
                + ["--save", "", "--dir", str(self.folder), *self.flags],
                stdout=log,
                stderr=log,
            )
        wait_for(self.answers, 30, "an answer of redis-server")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return self.ask("PING") == "+PONG"
        except OSError:
            return False

    def ask(self, command):
        """The first line of the answer to a command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(f"AUTH {PASSWORD}\r\n{command}\r\n".encode())
            answer = connection.makefile()
            assert answer.readline() == "+OK\n"
            return answer.readline().rstrip()

    def keys(self):
        return int(self.ask("DBSIZE").removeprefix(":"))

    def wait_empty(self):
        wait_for(lambda: self.keys() == 0, 10, "no key is left")
