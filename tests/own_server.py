"""What the servers that tests start for themselves have in common."""

import contextlib
import os
import socket
import subprocess

import pytest

from cluster import wait_for


def free_port():
    """One of the kernel's choice."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class OwnServer:
    """A process that listens on a port of this machine, logs into `folder` and can be killed and started again. To be
    used with `with`. Subclasses give its name, command() and is_ready()."""

    name = ""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.process = None

    def __enter__(self):
        if missing := self.missing():
            pytest.skip(missing)
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        self.kill()

    def missing(self):
        """Why it cannot be started here."""

    def environment(self):
        """What it needs beside the test's."""
        return {}

    def start(self):
        """Returns when it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()],
                env={**os.environ, **self.environment()},
                stdout=log,
                stderr=log,
            )
        wait_for(self.answers, 60, f"an answer of {self.name}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with contextlib.suppress(OSError):
            return self.is_ready()
        return False

    def talk(self, request, size):
        """What the server answers to these bytes, up to `size` of it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            return connection.recv(size)
