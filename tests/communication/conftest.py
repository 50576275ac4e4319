"""A cluster for the tests of this folder, and flares on it."""

import json
import os
import signal
import subprocess

import pytest

INVOKERS = 3
SLOTS = 24


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """A run-time folder of its own, so that other clusters of this user are not disturbed."""
    folder = tmp_path_factory.mktemp("run")
    folder.chmod(0o700)
    return {**os.environ, "XDG_RUNTIME_DIR": str(folder)}


@pytest.fixture(scope="session")
def cluster(gust_bin, environment):
    """`gust up`; gives its process."""
    up = subprocess.Popen(
        [gust_bin, "up", "--listen", "127.0.0.1:0", "--invokers", str(INVOKERS), "--slots", str(SLOTS)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    for line in up.stdout:
        said.append(line)
        if "Ctrl-C" in line:
            break
    assert up.poll() is None, "".join(said)
    yield up
    up.send_signal(signal.SIGINT)
    up.wait(timeout=20)


@pytest.fixture(scope="session")
def flare(gust, gust_bin, cluster, environment):
    """Runs an object's flare; `params` is one object for all workers, or a list with one for each."""
    deployed = set()

    def run(source, params, workers=None, granularity=None, folder="examples", timeout="30s"):
        if source not in deployed:
            path = gust_bin.parent.parent / folder / f"{source}.so"
            done = gust("deploy", source, path, "--timeout", timeout, env=environment)
            assert done.returncode == 0, done.stderr
            deployed.add(source)
        if isinstance(params, list):
            arguments, text = ["--params", "-"], json.dumps(params)
        else:
            arguments, text = ["--workers", workers, "--param", json.dumps(params)], ""
        if granularity:
            arguments += ["--granularity", granularity]
        done = gust("flare", source, *arguments, "--wait", "--json", env=environment, input=text)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    return run


def results(flare):
    """The workers' results by worker id; all must have returned one."""
    assert flare["state"] == "succeeded", flare.get("cause")
    for worker in flare["workers"]:
        assert worker["state"] == "returned", worker
    return [worker["result"] for worker in flare["workers"]]
