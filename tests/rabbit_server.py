"""A RabbitMQ broker of a test's own, with the Erlang name server that it needs."""

import os
import pathlib
import shutil
import subprocess

from cluster import wait_for
from own_server import OwnServer, free_port

# Debian's programs in PATH are wrappers that want to be another user; these are what they call.
PROGRAMS = pathlib.Path("/usr/lib/rabbitmq/bin")
PASSWORD = "guest"


class NameServer(OwnServer):
    """Knows on which port each broker of this test speaks with its tools."""

    name = "epmd"

    def command(self):
        return [self.name, "-port", self.port, "-address", "127.0.0.1"]

    def is_ready(self):
        return self.talk(b"\0\1n", 4) == self.port.to_bytes(4, "big")


class RabbitServer(OwnServer):
    """Forgets what it had when it is killed, but for durable queues."""

    name = "rabbitmq-server"

    def __init__(self, folder, query=""):
        super().__init__(folder)
        (folder / "names").mkdir()
        self.names = NameServer(folder / "names")
        self.nodes_port = free_port()
        self.query = query

    @property
    def uri(self):
        return f"amqp://guest:{PASSWORD}@127.0.0.1:{self.port}/{self.query}"

    def missing(self):
        there = (PROGRAMS / self.name).exists() and shutil.which("epmd")
        return None if there else f"{self.name} is not installed"

    def __enter__(self):
        if not self.missing():
            self.names.start()
        return super().__enter__()

    def __exit__(self, kind, error, trace):
        super().__exit__(kind, error, trace)
        self.names.kill()

    def command(self):
        return [PROGRAMS / self.name]

    def environment(self):
        return {
            "HOME": str(self.folder),  # of the cookie
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.names.port),
            "RABBITMQ_NODENAME": f"gust{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.nodes_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "no-plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "no-configuration"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RUNNING_UNDER_SYSTEMD": "yes",  # no shell stays between the node and us
        }

    def is_ready(self):
        return self.talk(b"AMQP\0\0\x09\x01", 3) == b"\1\0\0"

    def queues(self):
        """The names of all that it has."""
        tool = {
            name: value
            for name, value in self.environment().items()
            if name not in ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "RABBITMQ_DIST_PORT")
        }
        done = subprocess.run(
            [PROGRAMS / "rabbitmqctl", "--quiet", "list_queues", "name", "--no-table-headers"],
            env={**os.environ, **tool},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.split()

    def wait_empty(self):
        wait_for(lambda: not self.queues(), 60, "no queue is left")
