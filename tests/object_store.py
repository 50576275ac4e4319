"""An S3 server of a test's own: tests/s3_server, which ./dev builds."""

import os
import pathlib
import socket
import subprocess

import pytest

from cluster import wait_for

PROGRAM = pathlib.Path(__file__).parent.parent / "build/s3_server/s3_server"
BUCKET = "flares"
SECRET = "open/sesame+please"


class ObjectStore:
    """On a port of the kernel's choice, with one bucket. To be used with `with`."""

    def __init__(self, folder):
        self.folder = folder
        self.bucket = folder / "buckets" / BUCKET
        self.bucket.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = None

    @property
    def uri(self):
        return f"s3://ACCESS:{SECRET.replace('/', '%2F')}@127.0.0.1:{self.port}/{BUCKET}/a-folder?tls=false"

    def __enter__(self):
        if not PROGRAM.exists():
            pytest.skip(f"{PROGRAM} has not been built")
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        self.kill()

    def start(self):
        """Returns when it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "--folder", str(self.folder), "--listen", f"127.0.0.1:{self.port}"],
                env={**os.environ, "ROOT_ACCESS_KEY": "ACCESS", "ROOT_SECRET_KEY": SECRET},
                stdout=log,
                stderr=log,
            )
        wait_for(self.answers, 30, "an answer of the S3 server")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return connection.recv(12) == b"HTTP/1.1 200"
        except OSError:
            return False

    def objects(self):
        """How many objects and unfinished uploads the server has."""
        return sum(len(files) for _, _, files in os.walk(self.bucket))

    def wait_empty(self):
        wait_for(lambda: self.objects() == 0, 20, "no object is left")
