"""An S3 server of a test's own: tests/s3_server, which ./dev builds."""

import os
import pathlib

from cluster import wait_for
from own_server import OwnServer

PROGRAM = pathlib.Path(__file__).parent.parent / "build/s3_server/s3_server"
BUCKET = "flares"
SECRET = "open/sesame+please"


class ObjectStore(OwnServer):
    """With one bucket."""

    name = "the S3 server"

    def __init__(self, folder):
        super().__init__(folder)
        self.bucket = folder / "buckets" / BUCKET
        self.bucket.mkdir(parents=True)

    @property
    def uri(self):
        return f"s3://ACCESS:{SECRET.replace('/', '%2F')}@127.0.0.1:{self.port}/{BUCKET}/a-folder?tls=false"

    def missing(self):
        return None if PROGRAM.exists() else f"{PROGRAM} has not been built"

    def command(self):
        return [PROGRAM, "--folder", self.folder, "--listen", f"127.0.0.1:{self.port}"]

    def environment(self):
        return {"ROOT_ACCESS_KEY": "ACCESS", "ROOT_SECRET_KEY": SECRET}

    def is_ready(self):
        return self.talk(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 12) == b"HTTP/1.1 200"

    def objects(self):
        """How many objects and unfinished uploads the server has. What it was writing when it was killed is neither: such
        a file lies in its folder for temporary ones, where only the server itself could remove it."""
        temporary = str(self.bucket / ".sgwtmp")
        return sum(len(files) for folder, _, files in os.walk(self.bucket) if folder != temporary)

    def wait_empty(self):
        wait_for(lambda: self.objects() == 0, 20, "no object is left")
