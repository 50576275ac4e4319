"""A redis-server of a test's own."""

import shutil
import socket

from cluster import wait_for
from own_server import OwnServer

PASSWORD = "open-sesame"


class RedisServer(OwnServer):
    """With a password."""

    name = "redis-server"

    def __init__(self, folder, *flags):
        super().__init__(folder)
        self.flags = flags

    @property
    def uri(self):
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}"

    def missing(self):
        return None if shutil.which(self.name) else f"{self.name} is not installed"

    def command(self):
        return [self.name, "--port", self.port, "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--save", ""] + [
            *("--dir", self.folder),
            *self.flags,
        ]

    def is_ready(self):
        return self.ask("PING") == "+PONG"

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
