"""The setting `runtimes`: names that clients ask for, and the Python that runs in their place."""

import base64
import io
import os
import subprocess
import zipfile

import pytest

from visible import visible_folder


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    """A virtualenv with a module of its own. Not below /tmp, of which sandboxes have their own."""
    folder = visible_folder() / tmp_path_factory.mktemp("venv").name
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", "--clear", folder], check=True)
    packages = next(folder.glob("lib/python3.*/site-packages"))
    (packages / "only_here.py").write_text("ANSWER = 42\n")
    (folder.parent / (folder.name + ".private")).write_text("secret")
    yield folder
    subprocess.run(["rm", "-rf", folder, str(folder) + ".private"], check=True)


@pytest.fixture(scope="module", params=["sandbox", "process", "oci"])
def cluster(request, make_cluster, venv):
    if request.param != "process" and os.geteuid() != 0:
        pytest.skip("these tests are for isolation that root makes")
    flags = ["--driver", request.param, "--runtimes", f"team/*=python:{venv};python:3.9=python:{venv}/bin/python3"]
    with make_cluster(*flags, invokers=1, slots=4) as cluster:
        yield cluster
        cluster.wait_idle()


@pytest.fixture
def deploy(cluster):
    def deploy(exec_):
        return cluster.request("PUT", "/api/v1/namespaces/_/actions/a?overwrite=true", {"exec": exec_})

    return deploy


@pytest.fixture
def run(cluster):
    def run(args=None):
        answer = cluster.request("POST", "/api/v1/namespaces/_/actions/a?blocking=true&result=true", args or {})
        return answer.status, answer.json()

    return run


WHERE = """
import os, subprocess, sys

def main(args):
    child = subprocess.run(["python3", "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True)
    try:
        import only_here
        found = only_here.ANSWER
    except ImportError as error:
        found = str(error)
    return {"found": found, "prefix": sys.prefix, "of_child": child.stdout.strip(), "beside": os.listdir(args["look"])}
"""


def archive():
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as package:
            package.writestr("__main__.py", WHERE)
        return base64.b64encode(file.getvalue()).decode()


def test_an_image_that_stands_for_a_virtualenv(cluster, deploy, run, venv):
    stored = deploy({"kind": "blackbox", "image": "docker.io/team/tools:1.2", "binary": True, "code": archive()})
    assert stored.status == 200, stored.body
    assert stored.json()["exec"] == {"kind": "blackbox", "image": "docker.io/team/tools:1.2", "binary": True}
    status, result = run({"look": str(venv.parent)})
    assert (status, result["found"]) == (200, 42), result
    assert result["prefix"] == result["of_child"] == str(venv)
    if "process" not in cluster.flags:
        assert result["beside"] == [venv.name]


def test_a_kind_that_stands_for_a_virtualenv(deploy, run, venv):
    stored = deploy({"kind": "python:3.9", "code": WHERE})
    assert stored.json()["exec"]["kind"] == "python:3.9"
    assert run({"look": "/"})[1]["prefix"] == str(venv)


def test_the_hosts_python_for_the_rest(deploy, run):
    assert deploy({"kind": "python:3", "code": WHERE}).status == 200
    status, result = run({"look": "/"})
    assert (status, result["found"]) == (200, "No module named 'only_here'")


def test_an_image_that_is_not_here(deploy):
    refused = deploy({"kind": "blackbox", "image": "docker.io/other/tools", "binary": True, "code": archive()})
    assert refused.status == 400
    assert refused.json()["error"] == (
        "exec.image 'docker.io/other/tools' is not here: import it where the invokers run (gust image import "
        "docker.io/other/tools docker://docker.io/other/tools), or say in the setting runtimes what stands for it, such "
        "as docker.io/other/tools=python:FOLDER for a virtualenv of the invokers' machines"
    )


def test_a_python_that_has_gone(make_cluster, venv):
    """Its packs do not run with whatever Python there is."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with make_cluster("--runtimes", f"team/*=python:{venv}", invokers=1, slots=1) as cluster:
        (venv / "bin/python3").rename(venv / "bin/moved")
        try:
            body = {"exec": {"kind": "blackbox", "image": "team/tools", "binary": True, "code": archive()}}
            assert cluster.request("PUT", "/api/v1/namespaces/_/actions/a", body).status == 200
            answer = cluster.request("POST", "/api/v1/namespaces/_/actions/a?blocking=true&result=true", {})
        finally:
            (venv / "bin/moved").rename(venv / "bin/python3")
        assert answer.status == 502
        assert f"there is no {venv}/bin/python3 in the container" in answer.json()["error"]
        cluster.wait_idle()
