"""Clients of other systems, as they are published, against a cluster: what ./dev has put into build/clients."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import textwrap
import uuid

import pytest

from object_store import BUCKET, SECRET, ObjectStore
from redis_server import PASSWORD, RedisServer
from visible import is_visible

PYTHON = pathlib.Path(__file__).parent.parent.parent / "build/clients/python"


@pytest.fixture(scope="session")
def client_python():
    """The virtualenv with the clients; its workers' Python, too."""
    if not (PYTHON / "installed").exists():
        reason = f"the clients are not in {PYTHON}; ./dev test installs them"
        assert "CI" not in os.environ, reason
        pytest.skip(reason)
    return PYTHON


@pytest.fixture(scope="module")
def lithops_cluster(make_cluster, client_python):
    """Gives clusters whose Python is the virtualenv, for whichever of Lithops' images is asked for."""

    def make(*flags, **options):
        # Lithops calls its package by the first five characters of the key.
        environment = {"GUST_API_KEY": f"me:{uuid.uuid4().hex}"}
        if not is_visible(client_python):
            flags = ("--driver", "process", *flags)
        return make_cluster(
            "--runtimes", f"lithopscloud/*=python:{client_python}", *flags, environment=environment, **options
        )

    return make


@pytest.fixture(scope="module")
def cluster(lithops_cluster):
    with lithops_cluster(invokers=2, slots=12) as cluster:
        yield cluster
        cluster.wait_idle()


@dataclasses.dataclass
class Storage:
    """Where Lithops keeps what it sends and gets: a backend of its own and that one's settings."""

    name: str
    settings: dict


@pytest.fixture(scope="module")
def redis_storage(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        # Lithops reads results in 128 threads; redis-py gives them 100 connections otherwise, and an error beyond.
        settings = {"host": "127.0.0.1", "port": server.port, "password": PASSWORD, "max_connections": 1024}
        yield Storage("redis", settings)


@pytest.fixture(scope="module")
def s3_storage(tmp_path_factory):
    with ObjectStore(tmp_path_factory.mktemp("s3")) as server:
        settings = {
            "endpoint": f"http://127.0.0.1:{server.port}",
            "access_key_id": "ACCESS",
            "secret_access_key": SECRET,
            "storage_bucket": BUCKET,
        }
        yield Storage("minio", settings)


class Lithops:
    """Lithops on a client's machine: its configuration, scripts and its command line. Nothing of it is changed."""

    def __init__(self, python, folder, cluster, storage, **more):
        self.python = python
        self.folder = folder
        # A name of its own, as storage remembers which runtimes have been deployed.
        self.runtime = f"docker.io/lithopscloud/openwhisk-python-v311:{uuid.uuid4().hex[:8]}"
        config = {
            "lithops": {"backend": "openwhisk", "storage": storage.name, "monitoring_interval": 0.2},
            "openwhisk": {
                "endpoint": cluster.endpoint,
                "namespace": "guest",
                "api_key": cluster.key,
                "insecure": True,
                "runtime": self.runtime,
                **more,
            },
            storage.name: storage.settings,
        }
        self.config_file = folder / "lithops.yaml"
        self.config_file.write_text(json.dumps(config))  # which is YAML, too
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GUST_", "LITHOPS"))}
        # Certificates that are named here would be checked in spite of `insecure`: so `requests` has it.
        for name in ("USER", "TMPDIR", "PYTHONPATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            inherited.pop(name, None)
        self.environment = {**inherited, "HOME": str(folder), "LITHOPS_CONFIG_FILE": str(self.config_file)}
        if storage.name != "localhost":  # whose files lie where the workers look for them, below /tmp
            self.environment["TMPDIR"] = str(folder)

    def run(self, source, timeout=120):
        """Runs a script with `lithops` imported and negate(x), as Lithops takes no built-in functions; gives what it passed to `tell()`."""
        script = self.folder / f"script_{uuid.uuid4().hex[:8]}.py"
        answer = script.with_suffix(".json")
        head = f"import json\nimport lithops\n\ndef negate(x):\n    return -x\n\ndef tell(value):\n    json.dump(value, open({str(answer)!r}, 'w'))\n\n"
        script.write_text(head + textwrap.dedent(source))
        done = subprocess.run(
            [self.python / "bin/python3", script],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        assert done.returncode == 0 and answer.exists(), done.stdout + done.stderr
        return json.loads(answer.read_text())

    def command(self, *arguments, timeout=120):
        """Runs `lithops`; gives what it printed, without colours."""
        done = subprocess.run(
            [self.python / "bin/lithops", *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        assert done.returncode == 0, text
        return text


@pytest.fixture(scope="module")
def make_lithops(client_python, tmp_path_factory):
    def make(cluster, storage, **more):
        return Lithops(client_python, tmp_path_factory.mktemp("lithops"), cluster, storage, **more)

    return make


@pytest.fixture(scope="module")
def lithops(make_lithops, cluster, redis_storage):
    """With its objects in redis, which the workers reach from their sandboxes."""
    return make_lithops(cluster, redis_storage)


@pytest.fixture
def packages(cluster):
    """The names of the caller's packages, as they are now."""

    def packages():
        answer = cluster.request("GET", "/api/v1/namespaces/_/packages?limit=0")
        assert answer.status == 200, answer.body
        return [package["name"] for package in answer.json()]

    return packages
